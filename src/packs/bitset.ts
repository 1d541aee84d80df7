import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { readUint32, writeUint32 } from '../platform/lazy-table.js';

/** A set of bit positions, and its compressed form in bitmap files (EWAH). */
export class Bitset {
  readonly size: number;
  readonly words: Uint32Array;

  constructor(size: number, words?: Uint32Array) {
    this.size = size;
    this.words = words ?? new Uint32Array(Math.ceil(size / 64) * 2);
  }

  has(bit: number): boolean {
    return (this.words[bit >>> 5]! & (1 << (bit & 31))) !== 0;
  }

  /** Answers whether the bit is new. */
  add(bit: number): boolean {
    const mask = 1 << (bit & 31);
    const before = this.words[bit >>> 5]!;
    if ((before & mask) !== 0) return false;
    this.words[bit >>> 5] = before | mask;
    return true;
  }

  /** Takes in what the other has; its bits beyond this one's size are left out. */
  or(other: Bitset): void {
    const end = Math.min(this.words.length, other.words.length);
    for (let i = 0; i < end; i++) this.words[i]! |= other.words[i]!;
  }

  remove(bit: number): void {
    this.words[bit >>> 5]! &= ~(1 << (bit & 31));
  }

  and(other: Bitset): Bitset {
    const words = new Uint32Array(this.words.length);
    for (let i = 0; i < words.length; i++) words[i] = this.words[i]! & other.words[i]!;
    return new Bitset(this.size, words);
  }

  equals(other: Bitset): boolean {
    return this.words.every((word, i) => word === other.words[i]);
  }

  /** Whether the other has all that it has. */
  within(other: Bitset): boolean {
    return this.words.every((word, i) => (word & ~(other.words[i] ?? 0)) === 0);
  }

  xor(other: Bitset): Bitset {
    const words = new Uint32Array(this.words.length);
    for (let i = 0; i < words.length; i++) words[i] = this.words[i]! ^ other.words[i]!;
    return new Bitset(this.size, words);
  }

  andNot(other: Bitset): void {
    for (let i = 0; i < this.words.length; i++) this.words[i]! &= ~other.words[i]!;
  }

  count(): number {
    let total = 0;
    for (let word of this.words) {
      word -= (word >>> 1) & 0x55555555;
      word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
      total += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
    }
    return total;
  }

  /** Whether it has no bit from here on. */
  endsBefore(bit: number): boolean {
    let word = bit >>> 5;
    if (word < this.words.length && this.words[word]! >>> (bit & 31) !== 0) return false;
    while (++word < this.words.length) if (this.words[word] !== 0) return false;
    return true;
  }

  *[Symbol.iterator](): Generator<number> {
    for (let i = 0; i < this.words.length; i++) {
      let word = this.words[i]!;
      while (word !== 0) {
        const low = word & -word;
        yield i * 32 + 31 - Math.clz32(low);
        word ^= low;
      }
    }
  }

  /** The EWAH form: size, words, position of the last run's head. */
  serialize(): Bytes {
    const { words } = this;
    let end = words.length / 2;
    while (end > 0 && words[2 * end - 1] === 0 && words[2 * end - 2] === 0) end--;
    const out: number[] = [];
    let lastHead = 0;
    const empty = (i: number): boolean => words[2 * i] === 0 && words[2 * i + 1] === 0;
    const full = (i: number): boolean => words[2 * i] === 0xffffffff && words[2 * i + 1] === 0xffffffff;
    let i = 0;
    do {
      let run = 0;
      let bit = 0;
      if (i < end && full(i)) {
        bit = 1;
        while (i < end && full(i)) {
          run++;
          i++;
        }
      } else {
        while (i < end && empty(i)) {
          run++;
          i++;
        }
      }
      const first = i;
      while (i < end && !empty(i) && !full(i)) i++;
      const literals = i - first;
      lastHead = out.length / 2;
      // Bit 0: the run's bit; 1 to 32: its length; 33 to 63: literal words.
      out.push(((run * 2 + bit) & 0xffffffff) >>> 0, (literals * 2 + Math.floor(run / 0x80000000)) >>> 0);
      for (let word = first; word < i; word++) out.push(words[2 * word]!, words[2 * word + 1]!);
    } while (i < end);
    const bytes = new Uint8Array(12 + out.length * 4);
    writeUint32(bytes, 0, this.size);
    writeUint32(bytes, 4, out.length / 2);
    for (let word = 0; word < out.length; word += 2) {
      writeUint32(bytes, 8 + word * 4, out[word + 1]!);
      writeUint32(bytes, 12 + word * 4, out[word]!);
    }
    writeUint32(bytes, 8 + out.length * 4, lastHead);
    return bytes;
  }
}

/** Reads an EWAH bitmap at `at` into a set of `size` bits. Answers it and where it ends. */
export function readBitset(bytes: Bytes, at: number, size: number): { set: Bitset; end: number } {
  const broken = (why: string): GitError => new GitError('OBJECT_CORRUPT', `corrupt ewah bitmap: ${why}`);
  if (at + 12 > bytes.length) throw broken('eof before length');
  const count = readUint32(bytes, at + 4);
  const end = at + 8 + count * 8 + 4;
  if (end > bytes.length) throw broken(`eof in data (${end - bytes.length} bytes short)`);
  const set = new Bitset(size);
  const total = set.words.length / 2;
  let word = 0;
  for (let i = 0; i < count; ) {
    const high = readUint32(bytes, at + 8 + i * 8);
    const low = readUint32(bytes, at + 12 + i * 8);
    i++;
    const bit = low & 1;
    const run = (low >>> 1) + (high & 1) * 0x80000000;
    const literals = high >>> 1;
    if (bit === 1) {
      for (let r = 0; r < run && word + r < total; r++) {
        set.words[2 * (word + r)] = 0xffffffff;
        set.words[2 * (word + r) + 1] = 0xffffffff;
      }
    }
    word += run;
    for (let l = 0; l < literals && i < count; l++, i++, word++) {
      if (word >= total) continue;
      set.words[2 * word + 1] = readUint32(bytes, at + 8 + i * 8);
      set.words[2 * word] = readUint32(bytes, at + 12 + i * 8);
    }
  }
  return { set, end };
}
