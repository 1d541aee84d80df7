import type { Platform } from '../platform/platform.js';
import { ByteReader } from './byte-stream.js';
import type { LocalServer } from './connection.js';
import { foreignEnvironment } from './connection.js';
import { enterRepository } from './enter-repository.js';
import type { PacketTrace } from './packet-trace.js';
import type { ReceiveHelp } from './receive-pack.js';
import { receivePush } from './receive-pack.js';
import { uploadPack } from './upload-pack.js';

export interface LocalServerOptions extends ReceiveHelp {
  readonly platform: Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly agent: string;
  readonly sessionId?: string | undefined;
  readonly trace?: ((service: string) => PacketTrace | undefined) | undefined;
}

/** Serves repositories of this machine to clients in the same process: no program is started. */
export function localServer(options: LocalServerOptions): LocalServer {
  return async (service, path, duplex, { version, errors, signal }) => {
    const repository = enterRepository(options.platform, foreignEnvironment(options.env), options.cwd, path, false);
    const io = { input: new ByteReader(duplex.input), output: duplex, errors, signal, trace: options.trace?.(service) };
    repository.interrupt = signal;
    try {
      if (service === 'upload-pack') {
        await uploadPack(repository, io, { version, agent: options.agent, sessionId: options.sessionId });
      } else {
        await receivePush(repository, io, {
          version,
          agent: options.agent,
          sessionId: options.sessionId,
          updateWorkTree: options.updateWorkTree,
          verifyCertificate: options.verifyCertificate,
          updateServerInfo: options.updateServerInfo,
          autoGc: options.autoGc,
        });
      }
    } finally {
      repository.close();
    }
  };
}
