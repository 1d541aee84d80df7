import { repositoryVariables } from '../repo/local-environment.js';
import type { Bytes } from '../base/bytes.js';
import { traceData } from '../base/trace.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';
import type { Platform } from '../platform/platform.js';
import type { Config } from '../repo/config.js';
import type { Advertisement } from './advertisement.js';
import { readAdvertisement } from './advertisement.js';
import type { OpenBundle } from './bundle.js';
import type { Duplex } from './byte-stream.js';
import type { CredentialSource } from './credentials.js';
import type { HttpTrace } from './http-trace.js';
import { type PacketTrace, tracedBody, traceSent } from './packet-trace.js';
import { PacketReader } from './pkt-line.js';

export type Service = 'upload-pack' | 'receive-pack';

/** A server that has said its first words. */
export interface Connection {
  readonly advertisement: Advertisement;
  /** Each request stands alone (http): what was agreed before must be said again. */
  readonly stateless: boolean;
  /** Our own id, where the server may be told. */
  readonly sessionId?: string | undefined;
  /** The other side is a file: its pack is taken as it is, nothing is asked. */
  readonly bundle?: OpenBundle | undefined;
  /** The other side is files on the web: gets the objects, and all behind them. */
  readonly walker?: ((repository: Repository, wants: readonly Oid[]) => Promise<void>) | undefined;
  /** Sends a request. With a stream as body this ends when all of it is sent; the reply may be read meanwhile. */
  send(body: Bytes | AsyncIterable<Bytes>): Promise<void>;
  /** Where to read the reply to what was sent last. */
  reply(): Promise<PacketReader>;
  /** Ends the conversation; `failed` drops it at once. Answers the exit code of the program on the other side, or 0. */
  close(failed?: boolean): Promise<number>;
}

/** Runs our own server in this process: what a local path leads to. Answers the exit code. */
export type LocalServer = (
  service: Service,
  path: string,
  duplex: Duplex,
  options: {
    readonly version: 0 | 1 | 2;
    readonly errors: (text: string) => void;
    readonly signal?: AbortSignal | undefined;
  },
) => Promise<void>;

/** All that making a connection needs. */
export interface TransportContext {
  readonly platform: Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute: where relative paths start. */
  readonly cwd: string;
  readonly config: Config;
  readonly agent: string;
  /** Shown as it comes: what servers say beside the protocol. */
  readonly errors: (text: string | Bytes) => void;
  readonly localServer?: LocalServer | undefined;
  readonly credentials?: CredentialSource | undefined;
  readonly trace?: PacketTrace | undefined;
  /** The same under the name of the program that speaks http in git. */
  readonly helperTrace?: PacketTrace | undefined;
  readonly httpTrace?: HttpTrace | undefined;
  /** Told servers that ask for it (`transfer.advertiseSID`). */
  readonly sessionId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** `-4` or `-6`. */
  readonly family?: 4 | 6 | undefined;
  readonly verbose?: boolean | undefined;
  /** No warnings about where the conversation leads. */
  readonly quiet?: boolean | undefined;
}

export interface ConnectOptions {
  /** `--upload-pack`, `--receive-pack`, or what the configuration says; `undefined`: the usual one. */
  readonly program?: string | undefined;
  readonly version: 0 | 1 | 2;
}

const noAccess =
  'Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.';

/** A connection over a pipe that stays open. Reads the server's first words. */
export async function openStream(
  duplex: Duplex,
  context: TransportContext,
  finish: (failed: boolean) => Promise<number>,
): Promise<Connection> {
  const reader = new PacketReader(duplex.input, { trace: context.trace });
  let advertisement: Advertisement;
  try {
    advertisement = await readAdvertisement(reader);
  } catch (error) {
    duplex.close();
    await finish(true).catch(() => {});
    if (error instanceof GitError && error.data['initial'] === true) throw new GitError('TRANSPORT', noAccess);
    throw error;
  }
  return {
    advertisement,
    stateless: false,
    sessionId: sessionFor(context, advertisement),
    async send(body) {
      if (body instanceof Uint8Array) {
        if (context.trace !== undefined) traceSent(context.trace, body);
        await duplex.write(body);
        return;
      }
      try {
        for await (const chunk of tracedBody(context.trace, body)) await duplex.write(chunk);
      } catch (error) {
        // What was to come does not come: the other side must not wait for it.
        await duplex.end().catch(() => {});
        throw error;
      }
    },
    reply: () => Promise.resolve(reader),
    async close(failed = false) {
      if (failed) duplex.close();
      else {
        await duplex.end().catch(() => {});
        // What the other side still says is heard out, so that it can end.
        try {
          for await (const rest of reader.bytes.rest()) void rest;
        } catch {
          // It ended in another way.
        }
      }
      return finish(failed);
    },
  };
}

/** Our id for this server, and a note of both sides' ids and of the version in the trace. */
export function sessionFor(context: TransportContext, advertisement: Advertisement): string | undefined {
  traceData('transfer', 'negotiated-version', String(advertisement.version));
  const theirs = advertisement.capabilities.get('session-id');
  if (context.sessionId === undefined || theirs === undefined) return undefined;
  traceData('transfer', 'server-sid', theirs);
  return context.sessionId;
}

/** The environment for another repository. */
export function foreignEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const out = { ...env };
  for (const name of repositoryVariables) delete out[name];
  return out;
}

/** A word for a shell, quoted as git quotes. */
export const shellQuote = (text: string): string => `'${text.replace(/['!]/g, (char) => `'\\${char}'`)}'`;
