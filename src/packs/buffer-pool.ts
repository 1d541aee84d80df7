import type { Bytes } from '../base/bytes.js';

/** Buffers used again and again, in classes by power of two; what is kept idle is bounded. */
export class BufferPool {
  readonly #classes: Bytes[][] = [];
  readonly #limit: number;
  #idle = 0;
  /** Bytes handed out and not yet released. */
  held = 0;

  constructor(idleBytes: number) {
    this.#limit = idleBytes;
  }

  /** At least `size` bytes, not cleared. */
  take(size: number): Bytes {
    const bucket = size <= 256 ? 8 : 32 - Math.clz32(size - 1);
    const capacity = size > 0x40000000 ? size : 2 ** bucket;
    const buffer = this.#classes[bucket]?.pop();
    if (buffer !== undefined && buffer.length >= size) {
      this.#idle -= buffer.length;
      this.held += buffer.length;
      return buffer;
    }
    this.held += capacity;
    return new Uint8Array(capacity);
  }

  release(buffer: Bytes): void {
    this.held -= buffer.length;
    const bucket = 32 - Math.clz32(buffer.length - 1);
    const kept = (this.#classes[bucket] ??= []);
    // However full it is of others, a few of each class stay: else those that come last would be made anew each time.
    if (this.#idle + buffer.length > this.#limit && (kept.length + 1) * buffer.length > this.#limit >> 3) return;
    this.#idle += buffer.length;
    kept.push(buffer);
  }
}
