import type { Bytes } from '../base/bytes.js';
import { oidFromBytes } from '../base/oid.js';

/**
 * The ids that were met, as rows, in a table whose order can be seen: git tells of objects in the order of its table,
 * where an id has its place by its first four bytes, or behind others that came to that place before it, and every
 * look-up brings what it finds to the front of those.
 */
export class ObjectOrder {
  readonly #length: number;
  #ids: Bytes;
  #slots = new Int32Array(32).fill(-1);
  #count = 0;

  /** `length`: raw bytes of an id, 20 or 32. */
  constructor(length: number) {
    this.#length = length;
    this.#ids = new Uint8Array(1024 * length);
  }

  get size(): number {
    return this.#count;
  }

  /** All rows in the order they have now. */
  rows(): Int32Array {
    return this.#slots.filter((row) => row >= 0);
  }

  /** The row of the id at `at`, or -1; moves nothing. */
  find(bytes: Bytes, at: number): number {
    const place = this.#search(bytes, at);
    return this.#slots[place]!;
  }

  /** The row of the id, put in where it was not. */
  intern(bytes: Bytes, at: number): number {
    const slots = this.#slots;
    const place = this.#search(bytes, at);
    const row = slots[place]!;
    if (row >= 0) {
      const first = hashAt(bytes, at) & (slots.length - 1);
      if (place !== first) {
        slots[place] = slots[first]!;
        slots[first] = row;
      }
      return row;
    }
    if (slots.length - 1 <= this.#count * 2) this.#grow();
    const start = this.#count * this.#length;
    if (start >= this.#ids.length) {
      const ids = new Uint8Array(this.#ids.length * 2);
      ids.set(this.#ids);
      this.#ids = ids;
    }
    for (let i = 0; i < this.#length; i++) this.#ids[start + i] = bytes[at + i]!;
    this.#place(this.#count);
    return this.#count++;
  }

  /** The id of a row. */
  hexAt(row: number): string {
    return oidFromBytes(this.#ids, row * this.#length, this.#length);
  }

  /** Where the id is, or the free place where the search for it ends. */
  #search(bytes: Bytes, at: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const ids = this.#ids;
    const length = this.#length;
    let place = hashAt(bytes, at) & mask;
    probe: for (;;) {
      const row = slots[place]!;
      if (row < 0) return place;
      const start = row * length;
      for (let i = 0; i < length; i++) {
        if (ids[start + i] !== bytes[at + i]) {
          place = (place + 1) & mask;
          continue probe;
        }
      }
      return place;
    }
  }

  #place(row: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let place = hashAt(this.#ids, row * this.#length) & mask;
    while (slots[place]! >= 0) place = (place + 1) & mask;
    slots[place] = row;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2).fill(-1);
    for (const row of old) if (row >= 0) this.#place(row);
  }
}

function hashAt(bytes: Bytes, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
