import type { Bytes } from '../base/bytes.js';
import { oidFromBytes, oidToBytes } from '../base/oid.js';

/**
 * A set of object ids as raw rows in one byte table (open addressing on their first bytes, which are as good as
 * random), each with a small number of flags. No strings are made.
 */
export class OidTable {
  readonly #length: number;
  #rows: Bytes;
  /** For each slot the row (-1: none) and bytes of its id that its place does not tell: most other ids need no look at their rows. */
  #slots: Int32Array;
  #mask: number;
  #flags: Uint8Array;
  #count = 0;

  /** `length`: raw bytes of an id, 20 or 32. */
  constructor(length: number, capacity = 1024) {
    this.#length = length;
    let size = 16;
    while (size < capacity * 2) size *= 2;
    this.#slots = new Int32Array(2 * size).fill(-1);
    this.#mask = 2 * size - 2;
    this.#rows = new Uint8Array((size >> 1) * length);
    this.#flags = new Uint8Array(size >> 1);
  }

  /** Raw bytes of an id. */
  get oidLength(): number {
    return this.#length;
  }

  get size(): number {
    return this.#count;
  }

  /** Row number of the id at `at`, or -1. */
  find(bytes: Bytes, at: number): number {
    const slots = this.#slots;
    const rows = this.#rows;
    const length = this.#length;
    const mask = this.#mask;
    const tag = tagAt(bytes, at);
    for (let slot = (hashAt(bytes, at) << 1) & mask; ; slot = (slot + 2) & mask) {
      const row = slots[slot]!;
      if (row < 0) return -1;
      if (slots[slot + 1] !== tag) continue;
      const start = row * length;
      let i = 0;
      while (i < length && rows[start + i] === bytes[at + i]) i++;
      if (i === length) return row;
    }
  }

  /** Row number of the id, put in where it was not. */
  intern(bytes: Bytes, at: number): number {
    const found = this.find(bytes, at);
    if (found >= 0) return found;
    if (this.#count * 4 >= this.#slots.length) this.#grow();
    const row = this.#count++;
    const start = row * this.#length;
    for (let i = 0; i < this.#length; i++) this.#rows[start + i] = bytes[at + i]!;
    this.#place(row);
    return row;
  }

  /** Puts an id in; `true` when it is new. */
  add(bytes: Bytes, at: number): boolean {
    const before = this.#count;
    this.intern(bytes, at);
    return this.#count !== before;
  }

  /** Writes the raw id of a row to the start of `into`. */
  copy(row: number, into: Bytes): void {
    const start = row * this.#length;
    for (let i = 0; i < this.#length; i++) into[i] = this.#rows[start + i]!;
  }

  /** The id of a row. */
  hexAt(row: number): string {
    return oidFromBytes(this.#rows, row * this.#length, this.#length);
  }

  flagsAt(row: number): number {
    return this.#flags[row]!;
  }

  setFlags(row: number, flags: number): void {
    this.#flags[row]! |= flags;
  }

  hasHex(id: string): boolean {
    return this.find(oidToBytes(id), 0) >= 0;
  }

  addHex(id: string): boolean {
    return this.add(oidToBytes(id), 0);
  }

  #place(row: number): void {
    const slots = this.#slots;
    const at = row * this.#length;
    let slot = (hashAt(this.#rows, at) << 1) & this.#mask;
    while (slots[slot]! >= 0) slot = (slot + 2) & this.#mask;
    slots[slot] = row;
    slots[slot + 1] = tagAt(this.#rows, at);
  }

  #grow(): void {
    const size = this.#slots.length;
    this.#slots = new Int32Array(2 * size).fill(-1);
    this.#mask = 2 * size - 2;
    const rows = new Uint8Array((size >> 1) * this.#length);
    rows.set(this.#rows);
    this.#rows = rows;
    const flags = new Uint8Array(size >> 1);
    flags.set(this.#flags);
    this.#flags = flags;
    for (let row = 0; row < this.#count; row++) this.#place(row);
  }
}

function hashAt(bytes: Bytes, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function tagAt(bytes: Bytes, at: number): number {
  return bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24);
}
