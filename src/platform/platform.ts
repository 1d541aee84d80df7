import type { Bytes } from '../base/bytes.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../base/oid.js';
import type { FileSystem } from './fs.js';
import type { Network } from './network.js';

/** A hash as it is computed, piece by piece. */
export interface Hasher {
  update(data: Bytes): Hasher;
  /** Raw digest; the hasher cannot be used afterwards. */
  digest(): Bytes;
  digestHex(): string;
  /** A copy with the same state (to peek at a running checksum). */
  copy(): Hasher;
}

/** What a zlib stream held. */
export interface Inflated {
  readonly data: Bytes;
  /** How many input bytes the stream took. */
  readonly consumed: number;
}

/** What an `Inflater` or `Deflater` waits for after a `push`: more input, more room for output, or nothing. */
export const STREAM_MORE = 0;
export const STREAM_FULL = 1;
export const STREAM_END = 2;
export type StreamState = typeof STREAM_MORE | typeof STREAM_FULL | typeof STREAM_END;

/**
 * A zlib stream fed and drained piece by piece, made once and used for many objects: `reset` costs far less than a new
 * stream. After `push`, `consumed` and `produced` say how much that call took and gave.
 */
export interface Inflater {
  readonly consumed: number;
  readonly produced: number;
  reset(): void;
  /**
   * Inflates `input[start, end)` into `output[at, limit)`. The end of the stream is only certain when a byte of input
   * and a byte of room are left, so give one byte more of both than the object needs. Throws on bad data.
   */
  push(input: Bytes, start: number, end: number, output: Bytes, at: number, limit: number): StreamState;
}

/** The way back: makes a zlib stream piece by piece, used again after `reset`. */
export interface Deflater {
  readonly consumed: number;
  readonly produced: number;
  reset(): void;
  /** Deflates `input[start, end)` into `output[at, limit)`; `finish` once the input is all there is. */
  push(
    input: Bytes,
    start: number,
    end: number,
    output: Bytes,
    at: number,
    limit: number,
    finish: boolean,
  ): StreamState;
}

/** zlib streams (RFC 1950). */
export interface Zlib {
  inflater(): Inflater;
  deflater(level?: number): Deflater;
  /** `level` -1 (default) to 9. */
  deflate(data: Bytes, level?: number): Bytes;
  /** `size`: the expected length, which must be exact when given. Throws `Error` on bad data or another size. */
  inflate(data: Bytes, size?: number): Inflated;
  /** Inflates only the first `length` bytes (an object header). */
  inflateHead(data: Bytes, length: number): Bytes;
  crc32(data: Bytes, start?: number): number;
  gzip(data: Bytes): Bytes;
}

/** How a program is started. */
export interface SpawnOptions {
  readonly cwd?: string | undefined;
  /** All of the child's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input?: Bytes | undefined;
  /** `inherit` gives the child our terminal for that stream; `stderr` (for stdout) sends it to our stderr. */
  readonly stdin?: 'inherit' | 'ignore' | 'pipe';
  readonly stdout?: 'inherit' | 'ignore' | 'pipe' | 'stderr' | number;
  readonly stderr?: 'inherit' | 'ignore' | 'pipe';
  readonly signal?: AbortSignal | undefined;
}

/** A program that has ended. */
export interface Spawned {
  /** Exit code; 128 + n when signal n ended it; 127 when there is no such program. */
  readonly code: number;
  readonly stdout: Bytes;
  readonly stderr: Bytes;
  readonly errorCode?: string | undefined;
  /** A signal ended it. */
  readonly signalled?: boolean | undefined;
}

/** A child with pipes, for conversations (filters, ssh, credential helpers). */
export interface Child {
  write(data: Bytes): Promise<void>;
  /** Closes the child's standard input. */
  end(): void;
  /** What the child prints, in chunks. */
  readonly stdout: AsyncIterable<Bytes>;
  readonly stderr: AsyncIterable<Bytes>;
  readonly exit: Promise<number>;
  kill(): void;
}

/** Programs: hooks, drivers, filters, ssh, editors. Only run where the user's configuration says so. */
export interface Processes {
  runSync(argv: readonly [string, ...string[]], options: SpawnOptions): Spawned;
  run(argv: readonly [string, ...string[]], options: SpawnOptions): Promise<Spawned>;
  open(argv: readonly [string, ...string[]], options: SpawnOptions): Child;
  /** Runs up to `jobs` programs at once until all have ended. What they print goes to our stderr, each in one piece. */
  runTogether(
    commands: readonly (readonly [string, ...string[]])[],
    jobs: number,
    options: Pick<SpawnOptions, 'cwd' | 'env' | 'input'>,
  ): Spawned[];
  /** How many processors there are. */
  readonly processors: number;
  /** The argv that gives `command` to a shell with `args` as "$@", as git does for aliases, hooks' helpers, filters. */
  shell(command: string, args?: readonly string[]): readonly [string, ...string[]];
}

/** A thread at work. */
export interface ThreadRun {
  /** What the task answered; rejects where it failed. */
  readonly result: Promise<unknown>;
  stop(): void;
}

/**
 * Threads that run a task of this package (`packs/thread-tasks.ts`) with memory of their own; `SharedArrayBuffer`s are
 * shared. Starting one costs some 40 ms, so they are for work of hundreds.
 */
export interface Threads {
  readonly processors: number;
  /** `undefined` where no thread can be had: the caller does the work itself. */
  start(task: string, data: unknown): ThreadRun | undefined;
}

/** Everything that touches the outside. `nodePlatform()` in Node, `portablePlatform()` elsewhere. */
export interface Platform {
  readonly fs: FileSystem;
  readonly zlib: Zlib;
  readonly processes?: Processes | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly network?: Network | undefined;
  /** Nothing: one thread does all. */
  readonly threads?: Threads | undefined;
  hasher(algorithm: HashAlgorithm): Hasher;
  /** One-shot hex digest over the concatenation of the chunks. */
  hash(algorithm: HashAlgorithm, ...chunks: readonly Bytes[]): string;
  /** The id of an object: the digest over `kind SP size NUL data`. */
  hashObject<K extends ObjectKind>(algorithm: HashAlgorithm, kind: K, data: Bytes): Oid<K>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Minutes east of UTC at that time, in the user's time zone. */
  timezoneOffset(milliseconds: number): number;
  randomBytes(length: number): Bytes;
  readonly pid: number;
  readonly hostName: string;
  /** What kind of system this is: `Linux`, `Darwin`… */
  readonly systemName: string;
  readonly userId?: number | undefined;
  /** The account's login and full name, for a default identity. */
  account?(): { readonly login: string; readonly name: string; readonly home: string } | undefined;
}
