import type { Bytes } from '../base/bytes.js';
import { oidFromBytes, writeOid, type Oid } from '../base/oid.js';
import { readUint32 } from '../platform/lazy-table.js';

/**
 * Raw object names, each with a number in the order they came: a set and a map in three flat arrays, some 40 bytes per
 * name instead of the 200 of a `Map` of strings.
 */
export class OidMap {
  readonly oidLength: number;
  names: Bytes;
  count = 0;
  #slots: Int32Array;
  #mask: number;
  readonly #scratch: Bytes;

  constructor(oidLength: number, expected = 1024) {
    this.oidLength = oidLength;
    let size = 1024;
    while (size < expected * 2) size *= 2;
    this.#slots = new Int32Array(size).fill(-1);
    this.#mask = size - 1;
    this.names = new Uint8Array(Math.max(64, expected) * oidLength);
    this.#scratch = new Uint8Array(oidLength);
  }

  #slot(raw: Bytes, at: number): number {
    // Names are hashes: their first bytes are as good as any.
    let slot = readUint32(raw, at) & this.#mask;
    for (;;) {
      const number = this.#slots[slot]!;
      if (number < 0) return slot;
      const start = number * this.oidLength;
      let i = 0;
      while (i < this.oidLength && this.names[start + i] === raw[at + i]) i++;
      if (i === this.oidLength) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }

  /** Number of the name at `raw[at…]`, or -1. */
  findRaw(raw: Bytes, at = 0): number {
    return this.#slots[this.#slot(raw, at)]!;
  }

  find(oid: string): number {
    writeOid(oid, this.#scratch, 0);
    return this.findRaw(this.#scratch);
  }

  /** Number of the name, which is added when it is new (then the answer is the old `count`). */
  addRaw(raw: Bytes, at = 0): number {
    const slot = this.#slot(raw, at);
    const known = this.#slots[slot]!;
    if (known >= 0) return known;
    const number = this.count++;
    const start = number * this.oidLength;
    if (start + this.oidLength > this.names.length) {
      const larger = new Uint8Array(this.names.length * 2);
      larger.set(this.names);
      this.names = larger;
    }
    for (let i = 0; i < this.oidLength; i++) this.names[start + i] = raw[at + i]!;
    this.#slots[slot] = number;
    if (this.count * 2 > this.#slots.length) this.#rehash();
    return number;
  }

  add(oid: string): number {
    writeOid(oid, this.#scratch, 0);
    return this.addRaw(this.#scratch);
  }

  oidAt(number: number): Oid {
    return oidFromBytes(this.names, number * this.oidLength, this.oidLength);
  }

  #rehash(): void {
    const size = this.#slots.length * 2;
    this.#slots = new Int32Array(size).fill(-1);
    this.#mask = size - 1;
    for (let number = 0; number < this.count; number++) {
      let slot = readUint32(this.names, number * this.oidLength) & this.#mask;
      while (this.#slots[slot]! >= 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = number;
    }
  }
}
