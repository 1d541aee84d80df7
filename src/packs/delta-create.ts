import type { Bytes } from '../base/bytes.js';

/** Bytes that must agree before a copy is looked into; also the distance of the blocks in the index. */
const BLOCK = 16;
/** Blocks of one hash that are tried at a position. */
const TRIES = 48;
/** A match this long is not improved upon. */
const LONG_ENOUGH = 4096;
export const LARGEST_COPY = 0x10000;
export const LONGEST_INSERT = 127;

const FACTOR = 0x2c6fe96f;
/** What a byte contributes when it leaves the rolling hash: byte × FACTOR^BLOCK. */
const leaving = new Int32Array(256);
{
  let power = 1;
  for (let i = 0; i < BLOCK; i++) power = Math.imul(power, FACTOR);
  for (let byte = 0; byte < 256; byte++) leaving[byte] = Math.imul(byte + 1, power);
}

let output: Bytes = new Uint8Array(64 << 10);

/**
 * An index over an object, to make deltas of others against it: the hash of every block of 16 bytes. Made once and used
 * for all the targets that are tried against that base.
 */
export class DeltaIndex {
  readonly base: Bytes;
  readonly #view: DataView;
  readonly #heads: Int32Array;
  readonly #next: Int32Array;
  readonly #hashes: Int32Array;
  readonly #shift: number;

  constructor(base: Bytes) {
    this.base = base;
    this.#view = new DataView(base.buffer, base.byteOffset, base.length);
    const blocks = Math.max(0, Math.floor(base.length / BLOCK));
    let bits = 4;
    while (bits < 22 && 1 << bits < blocks) bits++;
    this.#shift = 32 - bits;
    const heads = new Int32Array(1 << bits).fill(-1);
    const next = new Int32Array(blocks);
    const hashes = new Int32Array(blocks);
    const shift = this.#shift;
    // From the end, so that the first block of equal ones is found first; of a run of equal blocks only the first stays.
    let before = 0;
    let beforeBlock = -1;
    for (let block = blocks - 1; block >= 0; block--) {
      let hash = 0;
      const at = block * BLOCK;
      for (let i = at; i < at + BLOCK; i++) hash = (Math.imul(hash, FACTOR) + base[i]! + 1) | 0;
      const slot = hash >>> shift;
      hashes[block] = hash;
      if (beforeBlock >= 0 && hash === before) {
        next[block] = next[beforeBlock]!;
        heads[slot] = block;
      } else {
        next[block] = heads[slot]!;
        heads[slot] = block;
      }
      before = hash;
      beforeBlock = block;
    }
    this.#heads = heads;
    this.#next = next;
    this.#hashes = hashes;
  }

  /** Bytes the index takes besides the object. */
  get weight(): number {
    return this.#heads.byteLength + this.#next.byteLength * 2;
  }

  /**
   * The delta that makes `target` of the base; `undefined` where it would be longer than `limit` bytes. The answer is a
   * view of a shared buffer, good until the next call.
   */
  create(target: Bytes, limit: number): Bytes | undefined {
    const base = this.base;
    const heads = this.#heads;
    const next = this.#next;
    const hashes = this.#hashes;
    const shift = this.#shift;
    const baseLength = base.length;
    const length = target.length;
    const baseView = this.#view;
    const targetView = new DataView(target.buffer, target.byteOffset, length);
    const stop = Math.min(limit, length + 32);
    if (output.length < stop + 256) output = new Uint8Array(stop * 2 + 256);
    const out = output;
    let to = writeSize(out, writeSize(out, 0, baseLength), length);
    let literal = 0;
    let at = 0;
    const last = length - BLOCK;
    let hash = 0;
    let hashed = false;
    while (at <= last) {
      if (!hashed) {
        hash = 0;
        for (let i = at; i < at + BLOCK; i++) hash = (Math.imul(hash, FACTOR) + target[i]! + 1) | 0;
        hashed = true;
      }
      let bestLength = 0;
      let bestFrom = 0;
      let tries = TRIES;
      for (let block = heads[hash >>> shift]!; block >= 0; block = next[block]!) {
        if (hashes[block] !== hash) continue;
        const from = block * BLOCK;
        let a = from;
        let b = at;
        const room = Math.min(baseLength - from, length - at);
        if (room <= bestLength) continue;
        // A longer match has to agree where the best one ended.
        if (bestLength > 0 && base[from + bestLength] !== target[at + bestLength]) {
          if (--tries === 0) break;
          continue;
        }
        const end = from + room;
        while (a + 4 <= end && baseView.getInt32(a) === targetView.getInt32(b)) {
          a += 4;
          b += 4;
        }
        while (a < end && base[a] === target[b]) {
          a++;
          b++;
        }
        if (a - from > bestLength) {
          bestLength = a - from;
          bestFrom = from;
          if (bestLength >= LONG_ENOUGH) break;
        }
        if (--tries === 0) break;
      }
      if (bestLength < BLOCK) {
        if (at < last) hash = (Math.imul(hash, FACTOR) + target[at + BLOCK]! + 1 - leaving[target[at]!]!) | 0;
        at++;
        if (to + at - literal > stop) return undefined;
        continue;
      }
      // The block grid hides where a match begins: it may reach back into what was taken for new.
      let from = bestFrom;
      let start = at;
      while (start > literal && from > 0 && base[from - 1] === target[start - 1]) {
        start--;
        from--;
      }
      const copied = bestLength + at - start;
      const literals = start - literal;
      if (to + literals + Math.ceil(literals / LONGEST_INSERT) + 8 * Math.ceil(copied / LARGEST_COPY) > out.length) {
        return undefined;
      }
      to = writeInsert(out, to, target, literal, start);
      to = writeCopy(out, to, from, copied);
      if (to > stop) return undefined;
      at = start + copied;
      literal = at;
      hashed = false;
    }
    const rest = length - literal;
    if (to + rest + Math.ceil(rest / LONGEST_INSERT) > stop) return undefined;
    to = writeInsert(out, to, target, literal, length);
    return to > limit ? undefined : out.subarray(0, to);
  }
}

export function writeSize(out: Bytes, at: number, size: number): number {
  while (size >= 128) {
    out[at++] = (size & 0x7f) | 0x80;
    size = Math.floor(size / 128);
  }
  out[at++] = size;
  return at;
}

export function writeInsert(out: Bytes, to: number, target: Bytes, from: number, end: number): number {
  while (from < end) {
    const length = Math.min(LONGEST_INSERT, end - from);
    out[to++] = length;
    for (const stop = from + length; from < stop; ) out[to++] = target[from++]!;
  }
  return to;
}

export function writeCopy(out: Bytes, to: number, from: number, length: number): number {
  while (length > 0) {
    const part = Math.min(length, LARGEST_COPY);
    const opAt = to++;
    let op = 0x80;
    const low = from >>> 0;
    if ((low & 0xff) !== 0) {
      out[to++] = low;
      op |= 0x01;
    }
    if ((low & 0xff00) !== 0) {
      out[to++] = low >>> 8;
      op |= 0x02;
    }
    if ((low & 0xff0000) !== 0) {
      out[to++] = low >>> 16;
      op |= 0x04;
    }
    if (low >= 0x1000000) {
      out[to++] = low >>> 24;
      op |= 0x08;
    }
    if (part !== LARGEST_COPY) {
      if ((part & 0xff) !== 0) {
        out[to++] = part;
        op |= 0x10;
      }
      if ((part & 0xff00) !== 0) {
        out[to++] = part >>> 8;
        op |= 0x20;
      }
    }
    out[opAt] = op;
    from += part;
    length -= part;
  }
  return to;
}

/** The delta that makes `target` of `base`, in a buffer of its own; `undefined` where it would exceed `limit`. */
export function createDelta(base: Bytes, target: Bytes, limit = Number.POSITIVE_INFINITY): Bytes | undefined {
  return new DeltaIndex(base).create(target, limit)?.slice();
}
