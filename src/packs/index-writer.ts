import type { Bytes } from '../base/bytes.js';
import type { HashAlgorithm } from '../base/oid.js';
import { rawLength } from '../base/oid.js';
import { writeUint32, writeUint64 } from '../platform/lazy-table.js';
import type { Platform } from '../platform/platform.js';
import { orderByName } from './oid-order.js';
import { orderByOffset } from './offset-order.js';

/** What an index is made of: one row per object, in any order. */
export interface IndexRows {
  readonly count: number;
  /** Raw names, `count` rows. */
  readonly names: Bytes;
  readonly offsets: Float64Array;
  readonly crcs: Uint32Array;
}

export interface IndexFormat {
  /** 2 unless said. */
  readonly version?: number | undefined;
  /** Offsets above this go to the table of 64-bit ones; 0x7fffffff unless said (`--index-version=2,OFFSET`). */
  readonly largeFrom?: number | undefined;
}

/** The bytes of an `.idx` file, and the rows' order by name in it. */
export function serializeIndex(
  platform: Platform,
  algorithm: HashAlgorithm,
  rows: IndexRows,
  packChecksum: Bytes,
  format: IndexFormat = {},
): { bytes: Bytes; order: Uint32Array } {
  const { count, names, offsets, crcs } = rows;
  const oidLength = rawLength(algorithm);
  const order = orderByName(names, count, oidLength);
  const version = format.version ?? 2;
  const limit = format.largeFrom ?? 0x7fffffff;
  let large = 0;
  if (version === 2) for (let i = 0; i < count; i++) if (isLarge(offsets[i]!, limit)) large++;
  const head = version === 2 ? 8 : 0;
  const size = head + 1024 + count * (oidLength + (version === 2 ? 8 : 4)) + large * 8 + 2 * oidLength;
  const out = new Uint8Array(size);
  if (version === 2) {
    writeUint32(out, 0, 0xff744f63);
    writeUint32(out, 4, 2);
  }
  let at = head;
  const perByte = new Uint32Array(256);
  for (let i = 0; i < count; i++) perByte[names[i * oidLength]!]!++;
  for (let byte = 0, total = 0; byte < 256; byte++, at += 4) {
    total += perByte[byte]!;
    writeUint32(out, at, total);
  }
  if (version === 2) {
    copyNames(names, order, oidLength, out, at);
    at += count * oidLength;
    for (let i = 0; i < count; i++, at += 4) writeUint32(out, at, crcs[order[i]!]!);
    let largeAt = at + 4 * count;
    let largeRow = 0;
    for (let i = 0; i < count; i++, at += 4) {
      const offset = offsets[order[i]!]!;
      if (isLarge(offset, limit)) {
        writeUint32(out, at, 0x80000000 + largeRow++);
        writeUint64(out, largeAt, offset);
        largeAt += 8;
      } else writeUint32(out, at, offset);
    }
    at = largeAt;
  } else {
    for (let i = 0; i < count; i++, at += oidLength + 4) {
      writeUint32(out, at, offsets[order[i]!]!);
      const from = order[i]! * oidLength;
      for (let j = 0; j < oidLength; j++) out[at + 4 + j] = names[from + j]!;
    }
  }
  out.set(packChecksum, at);
  at += oidLength;
  out.set(platform.hasher(algorithm).update(out.subarray(0, at)).digest(), at);
  return { bytes: out, order };
}

/** The names in that order, by words: names and table begin at multiples of four, and so do their rows. */
function copyNames(names: Bytes, order: Uint32Array, oidLength: number, out: Bytes, at: number): void {
  const count = order.length;
  if (names.byteOffset % 4 !== 0 || names.length % 4 !== 0) {
    for (let i = 0; i < count; i++) {
      const from = order[i]! * oidLength;
      for (let j = 0; j < oidLength; j++) out[at + i * oidLength + j] = names[from + j]!;
    }
    return;
  }
  const step = oidLength / 4;
  const words = new Uint32Array(names.buffer, names.byteOffset, names.length / 4);
  const table = new Uint32Array(out.buffer, at, count * step);
  for (let i = 0, to = 0; i < count; i++) {
    const from = order[i]! * step;
    for (let j = 0; j < step; j++) table[to++] = words[from + j]!;
  }
}

const isLarge = (offset: number, limit: number): boolean => offset > 0x7fffffff || offset > limit;

/** The bytes of a `.rev` file: for each object in order of offset, its row in the index. */
export function serializeReverse(
  platform: Platform,
  algorithm: HashAlgorithm,
  rows: Pick<IndexRows, 'count' | 'offsets'>,
  nameOrder: Uint32Array,
  packChecksum: Bytes,
): Bytes {
  const { count, offsets } = rows;
  const oidLength = rawLength(algorithm);
  const rowOf = new Uint32Array(count);
  for (let i = 0; i < count; i++) rowOf[nameOrder[i]!] = i;
  const byOffset = orderByOffset(offsets as Float64Array, count);
  const out = new Uint8Array(12 + 4 * count + 2 * oidLength);
  writeUint32(out, 0, 0x52494458);
  writeUint32(out, 4, 1);
  writeUint32(out, 8, algorithm === 'sha1' ? 1 : 2);
  let at = 12;
  for (let i = 0; i < count; i++, at += 4) writeUint32(out, at, rowOf[byOffset[i]!]!);
  out.set(packChecksum, at);
  at += oidLength;
  out.set(platform.hasher(algorithm).update(out.subarray(0, at)).digest(), at);
  return out;
}
