import type { Bytes } from '../base/bytes.js';

/** Longest object that is kept, as a part of the room: one must not push out all others. */
const LARGEST_SHARE = 4;

/**
 * The contents of objects that were written last, in one buffer that is written round and round: nothing is allocated for
 * an object, and nothing is left for the collector.
 */
export class RecentBytes {
  readonly #most: number;
  #buffer: Bytes;
  /** Bytes taken in so far, gaps where the buffer began anew included. */
  #taken = 0;
  #places = new Float64Array(1024).fill(-1);
  #sizes = new Uint32Array(1024);

  constructor(most: number) {
    this.#most = most;
    this.#buffer = new Uint8Array(Math.min(most, 1 << 18));
  }

  /** Keeps a copy of `data` as that of object number `row`. */
  keep(row: number, data: Bytes): void {
    if (row >= this.#places.length) this.#growRows();
    const { length } = data;
    if (length * LARGEST_SHARE > this.#most) return;
    while (this.#taken + length > this.#buffer.length && this.#buffer.length < this.#most) {
      const larger = new Uint8Array(Math.min(this.#most, this.#buffer.length * 4));
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    const size = this.#buffer.length;
    let at = this.#taken % size;
    if (at + length > size) {
      this.#taken += size - at;
      at = 0;
    }
    this.#buffer.set(data, at);
    this.#places[row] = this.#taken;
    this.#sizes[row] = length;
    this.#taken += length;
  }

  #growRows(): void {
    const places = new Float64Array(this.#places.length * 2).fill(-1);
    places.set(this.#places);
    this.#places = places;
    const sizes = new Uint32Array(places.length);
    sizes.set(this.#sizes);
    this.#sizes = sizes;
  }

  /** A view of the object's bytes, good until the next `keep`; `undefined` where they are no longer there. */
  view(row: number): Bytes | undefined {
    if (row >= this.#places.length) return undefined;
    const place = this.#places[row]!;
    if (place < 0 || place < this.#taken - this.#buffer.length) return undefined;
    const at = place % this.#buffer.length;
    return this.#buffer.subarray(at, at + this.#sizes[row]!);
  }
}
