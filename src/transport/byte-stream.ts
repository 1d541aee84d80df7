import type { Bytes } from '../base/bytes.js';
import { concatBytes, emptyBytes } from '../base/bytes.js';

/** Where bytes go. The promise resolves when more may be written: a slow reader holds the writer back. */
export interface ByteSink {
  write(data: Bytes): Promise<void>;
  /** No more will be written. */
  end(): Promise<void>;
}

/** Both directions of a connection. */
export interface Duplex extends ByteSink {
  readonly input: AsyncIterable<Bytes>;
  /** Ends both directions at once, whatever is still under way. */
  close(): void;
}

/** Reads an async stream of chunks by length, keeping what was not asked for yet. */
export class ByteReader {
  readonly #source: AsyncIterator<Bytes>;
  #buffer: Bytes = emptyBytes;
  #at = 0;
  #ended = false;

  constructor(source: AsyncIterable<Bytes>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Bytes that can be had without waiting. */
  get available(): number {
    return this.#buffer.length - this.#at;
  }

  /** Takes `length` bytes if they are here already. */
  takeNow(length: number): Bytes | undefined {
    if (this.available < length) return undefined;
    const out = this.#buffer.subarray(this.#at, this.#at + length);
    this.#at += length;
    return out;
  }

  /** The next `length` bytes if they are here, left in place. */
  peekNow(length: number): Bytes | undefined {
    return this.available < length ? undefined : this.#buffer.subarray(this.#at, this.#at + length);
  }

  /** Waits until `length` bytes are here; `false` when the stream ended before. */
  async need(length: number): Promise<boolean> {
    if (this.available >= length) return true;
    const parts: Bytes[] = [this.#buffer.subarray(this.#at)];
    let have = parts[0]!.length;
    while (have < length && !this.#ended) {
      const next = await this.#source.next();
      if (next.done === true) this.#ended = true;
      else {
        parts.push(next.value);
        have += next.value.length;
      }
    }
    this.#buffer = concatBytes(parts);
    this.#at = 0;
    return have >= length;
  }

  /** The next chunk of whatever size; `undefined` at the end. */
  async chunk(): Promise<Bytes | undefined> {
    while (this.available === 0) {
      if (this.#ended) return undefined;
      const next = await this.#source.next();
      if (next.done === true) {
        this.#ended = true;
        return undefined;
      }
      this.#buffer = next.value;
      this.#at = 0;
    }
    const out = this.#buffer.subarray(this.#at);
    this.#at = this.#buffer.length;
    return out;
  }

  /** Everything that is left, in chunks. */
  async *rest(): AsyncGenerator<Bytes> {
    for (let part = await this.chunk(); part !== undefined; part = await this.chunk()) yield part;
  }

  /** Tells the source that nobody will read on. */
  async cancel(): Promise<void> {
    this.#ended = true;
    await this.#source.return?.();
  }
}

/** A pipe in memory: at most `limit` bytes wait in it, 256 KiB unless said. */
export class MemoryPipe implements ByteSink {
  readonly #limit: number;
  #waiting: Bytes[] = [];
  #size = 0;
  #ended = false;
  #failure: unknown;
  #wakeReader: (() => void) | undefined;
  #wakeWriters: (() => void)[] = [];

  constructor(limit = 1 << 18) {
    this.#limit = limit;
  }

  async write(data: Bytes): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) throw Object.assign(new Error('broken pipe'), { code: 'EPIPE' });
    if (data.length === 0) return;
    this.#waiting.push(data);
    this.#size += data.length;
    this.#wakeReader?.();
    while (this.#size > this.#limit && !this.#ended) {
      await new Promise<void>((resolve) => this.#wakeWriters.push(resolve));
      if (this.#failure !== undefined) throw this.#failure;
    }
  }

  async end(): Promise<void> {
    this.#finish();
  }

  /** Both ends see the error (the reader after what is still in the pipe). */
  fail(error: unknown): void {
    this.#failure ??= error;
    this.#finish();
  }

  #finish(): void {
    this.#ended = true;
    this.#wakeReader?.();
    for (const wake of this.#wakeWriters.splice(0)) wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Bytes> {
    try {
      for (;;) {
        if (this.#waiting.length > 0) {
          const parts = this.#waiting;
          this.#waiting = [];
          this.#size = 0;
          for (const wake of this.#wakeWriters.splice(0)) wake();
          yield* parts;
          continue;
        }
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#ended) return;
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
        this.#wakeReader = undefined;
      }
    } finally {
      this.#failure ??= Object.assign(new Error('broken pipe'), { code: 'EPIPE' });
      this.#finish();
    }
  }
}
