import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Duplex } from './byte-stream.js';
import { MemoryPipe } from './byte-stream.js';
import type { ConnectOptions, Connection, Service, TransportContext } from './connection.js';
import { foreignEnvironment, openStream, shellQuote } from './connection.js';

/** A repository on this machine: our own server in this process, or the program the user names. */
export async function connectLocal(
  service: Service,
  path: string,
  context: TransportContext,
  options: ConnectOptions,
): Promise<Connection> {
  const standard = options.program === undefined || options.program === `git-${service}`;
  if (standard && context.localServer !== undefined) return inProcess(service, path, context, options);
  return throughProgram(
    context,
    ['/bin/sh', '-c', `${options.program ?? `git-${service}`} ${shellQuote(path)}`],
    protocolEnvironment(foreignEnvironment(context.env), options.version),
  );
}

export function protocolEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  version: 0 | 1 | 2,
): Record<string, string | undefined> {
  return { ...env, GIT_PROTOCOL: version > 0 ? `version=${version}` : undefined };
}

async function inProcess(
  service: Service,
  path: string,
  context: TransportContext,
  options: ConnectOptions,
): Promise<Connection> {
  const toServer = new MemoryPipe();
  const toClient = new MemoryPipe();
  const serverSide: Duplex = {
    input: toServer,
    write: (data) => toClient.write(data),
    end: () => toClient.end(),
    close: () => toClient.fail(new GitError('TRANSPORT', 'the remote end hung up unexpectedly')),
  };
  const { errors, signal } = context;
  const served = context.localServer!(service, path, serverSide, { version: options.version, errors, signal })
    .catch((error: unknown) => {
      // Who stopped both sides need not be told by either.
      if (signal?.aborted !== true && (error as { code?: string }).code !== 'EPIPE') {
        errors(`fatal: ${error instanceof Error ? error.message : String(error)}\n`);
      }
    })
    .finally(() => void toClient.end());
  const clientSide: Duplex = {
    input: toClient,
    write: (data) => toServer.write(data),
    end: () => toServer.end(),
    close: () => {
      const gone = Object.assign(new Error('broken pipe'), { code: 'EPIPE' });
      toServer.fail(gone);
      toClient.fail(gone);
    },
  };
  return openStream(clientSide, context, () => served.then(() => 0));
}

/** A server behind a program's standard input and output. What it says on stderr is shown. */
export async function throughProgram(
  context: TransportContext,
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string | undefined>>,
  greeting?: Bytes,
): Promise<Connection> {
  const { processes } = context.platform;
  if (processes === undefined) throw new GitError('UNSUPPORTED', 'programs cannot be started here');
  const child = processes.open(argv, { env, stdin: 'pipe', stdout: 'pipe', stderr: 'inherit', cwd: context.cwd });
  if (greeting !== undefined) await child.write(greeting).catch(() => {});
  const duplex: Duplex = {
    input: child.stdout,
    write: (data) => child.write(data),
    end: async () => child.end(),
    close: () => {
      child.end();
      child.kill();
    },
  };
  return openStream(duplex, context, () => child.exit);
}
