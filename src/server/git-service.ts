import type { Socket } from 'node:net';
import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Repository } from '../repo/repository.js';
import { ByteReader } from '../transport/byte-stream.js';
import { isData, packet, PacketReader } from '../transport/pkt-line.js';
import type { ReceiveHelp } from '../transport/receive-pack.js';
import { receivePush } from '../transport/receive-pack.js';
import { requestedVersion } from '../transport/server-io.js';
import { uploadPack } from '../transport/upload-pack.js';
import { wrapSocket } from '../platform/node/network.js';

/** The first packet of a `git://` conversation, taken apart. */
export interface GitRequest {
  readonly service: string;
  readonly path: string;
  /** `host=`, in lower case, with its port. */
  readonly host: string | undefined;
  /** What stands behind the second NUL: `version=2`. */
  readonly extra: readonly string[];
}

export interface GitServiceOptions {
  readonly agent: string;
  /** Finds the repository, or throws what the client may know. */
  readonly open: (request: GitRequest) => Promise<Repository>;
  /** A first packet must come within so many milliseconds; 0: whenever. */
  readonly firstMilliseconds: number;
  readonly log: (text: string) => void;
  readonly errors: (text: string) => void;
  readonly receive?: ReceiveHelp | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told how to see whether the connection waits for its peer; see `Connections.watch`. */
  readonly watch?: ((socket: Socket, due: () => boolean) => void) | undefined;
}

/** Longest first packet: a service, a path and a host. */
const MAX_FIRST = 8192;

function parseGitRequest(text: string): GitRequest {
  const nul = text.indexOf('\0');
  const line = (nul < 0 ? text : text.slice(0, nul)).replace(/\n$/, '');
  const match = /^git-([a-z-]+) (.*)$/s.exec(line);
  if (match === null) throw new GitError('PROTOCOL', `Protocol error: '${line.slice(0, 80)}'`);
  let host: string | undefined;
  const extra: string[] = [];
  if (nul >= 0) {
    const words = text.slice(nul + 1).split('\0');
    if (words[0]?.toLowerCase().startsWith('host=')) host = words[0].slice(5).toLowerCase();
    let at = host === undefined ? 0 : 1;
    if (words[at] === '') for (at++; at < words.length; at++) if (words[at] !== '') extra.push(words[at]!);
  }
  return { service: match[1]!, path: match[2]!, host, extra };
}

/** Serves one client over its socket (what git daemon does with a connection). */
export async function serveGitSocket(socket: Socket, options: GitServiceOptions): Promise<void> {
  const duplex = wrapSocket(socket);
  let due = true;
  options.watch?.(socket, () => due);
  const input = new ByteReader(
    (async function* () {
      const chunks = duplex.input[Symbol.asyncIterator]();
      for (;;) {
        due = true;
        const { done, value } = await chunks.next();
        due = false;
        if (done === true) return;
        yield value;
      }
    })(),
  );
  let repository: Repository | undefined;
  let begun = false;
  // What has arrived while we were busy with others is looked at before the peer is called silent.
  const late = (): void => void setImmediate(() => begun || socket.destroy());
  const timer = options.firstMilliseconds > 0 ? setTimeout(late, options.firstMilliseconds) : undefined;
  try {
    const first = await new PacketReader(input, { maxPackets: 1 }).read();
    begun = true;
    clearTimeout(timer);
    if (!isData(first)) return;
    if (first.length > MAX_FIRST) throw new GitError('LIMIT', 'request too long');
    const request = parseGitRequest(decodeText(first));
    try {
      repository = await options.open(request);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      await duplex.write(packet(`ERR ${message}`));
      await duplex.end();
      return;
    }
    const asked = requestedVersion(request.extra.join(':'));
    const io = { input, output: duplex, errors: options.errors, signal: options.signal };
    if (request.service === 'upload-pack') await uploadPack(repository, io, { version: asked, agent: options.agent });
    else {
      await receivePush(repository, io, {
        version: asked === 2 ? 0 : asked,
        agent: options.agent,
        ...options.receive,
      });
    }
    await duplex.end();
  } catch (error) {
    if ((error as { code?: string }).code !== 'EPIPE' && (error as { code?: string }).code !== 'ECONNRESET') {
      options.errors(`fatal: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  } finally {
    clearTimeout(timer);
    repository?.close();
    socket.destroySoon();
  }
}
