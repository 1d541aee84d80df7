import type { Bytes } from '../base/bytes.js';
import { effort } from '../base/effort.js';
import { looksBinary } from './binary.js';

/** What git calls a score: 0 to 60,000, all the same. */
export const maxScore = 60_000;
/** 50 %: from here on two files count as a rename. */
export const defaultRenameScore = 30_000;

/**
 * A file cut into lines, or pieces of 64 bytes where lines are longer, as a sorted list of (hash, bytes with that hash).
 * Small enough to keep for every candidate when the content itself is dropped.
 */
export interface Chunks {
  /** Size of the content in bytes. */
  readonly size: number;
  /** Ascending, each once. */
  readonly hashes: Int32Array;
  /** How many bytes of the content have that hash. */
  readonly bytes: Int32Array;
}

const hashSpace = 107_927;
const longest = 64;

/**
 * Cuts `content` for `similarity`. `text` (unless given: no NUL near the start) overlooks the carriage return of CR LF.
 */
export function chunksOf(content: Bytes, text = !looksBinary(content)): Chunks {
  const length = content.length;
  effort(length >> 5);
  // each piece is one number: hash * 128 + length, so that sorting numbers sorts pieces
  let pieces = new Uint32Array(Math.max(16, length >> 4));
  let count = 0;
  let size = 0;
  let one = 0;
  let two = 0;
  for (let i = 0; i < length; ) {
    const byte = content[i++]!;
    if (byte === 13 && text && i < length && content[i] === 10) continue;
    const old = one;
    one = ((one << 7) ^ (two >>> 25)) + byte;
    two = (two << 7) ^ (old >>> 25);
    if (++size < longest && byte !== 10) continue;
    if (count === pieces.length) pieces = widen(pieces);
    pieces[count++] = (((one + Math.imul(two, 0x61)) >>> 0) % hashSpace) * 128 + size;
    size = 0;
    one = 0;
    two = 0;
  }
  if (size > 0) {
    if (count === pieces.length) pieces = widen(pieces);
    pieces[count++] = (((one + Math.imul(two, 0x61)) >>> 0) % hashSpace) * 128 + size;
  }
  const sorted = pieces.subarray(0, count).sort();
  const hashes = new Int32Array(count);
  const bytes = new Int32Array(count);
  let last = -1;
  let previous = -1;
  for (let i = 0; i < count; i++) {
    const piece = sorted[i]!;
    const hash = piece >>> 7;
    if (hash !== previous) {
      hashes[++last] = hash;
      previous = hash;
    }
    bytes[last]! += piece & 127;
  }
  return { size: length, hashes: hashes.slice(0, last + 1), bytes: bytes.slice(0, last + 1) };
}

function widen(pieces: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const wide = new Uint32Array(pieces.length * 2);
  wide.set(pieces);
  return wide;
}

/** How many bytes of `from` are in `to` as well, and how many bytes of `to` are new. */
export function countChanges(from: Chunks, to: Chunks): { readonly copied: number; readonly added: number } {
  let copied = 0;
  let added = 0;
  let j = 0;
  const toCount = to.hashes.length;
  effort((from.hashes.length + toCount) >> 2);
  for (let i = 0; i < from.hashes.length; i++) {
    const hash = from.hashes[i]!;
    while (j < toCount && to.hashes[j]! < hash) added += to.bytes[j++]!;
    if (j < toCount && to.hashes[j] === hash) {
      const had = from.bytes[i]!;
      const has = to.bytes[j++]!;
      if (had < has) {
        added += has - had;
        copied += had;
      } else {
        copied += has;
      }
    }
  }
  while (j < toCount) added += to.bytes[j++]!;
  return { copied, added };
}

/** True when the sizes alone say that the score stays below `minimumScore`; asked before any content is read. */
export function sizesTooDifferent(fromSize: number, toSize: number, minimumScore: number): boolean {
  const larger = Math.max(fromSize, toSize);
  const difference = larger - Math.min(fromSize, toSize);
  return larger * (maxScore - minimumScore) < difference * maxScore;
}

/**
 * git's similarity score (0 to `maxScore`) of two regular files' contents: the part of the larger file that both share.
 * Answers 0 where the sizes rule `minimumScore` out. `git diff -M` prints `floor(score * 100 / 60000)` percent.
 */
export function similarity(from: Chunks, to: Chunks, minimumScore = 0): number {
  if (sizesTooDifferent(from.size, to.size, minimumScore) || to.size === 0) return 0;
  const { copied } = countChanges(from, to);
  return Math.floor((copied * maxScore) / Math.max(from.size, to.size));
}
