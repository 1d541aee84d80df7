import type { Bytes } from '../base/bytes.js';
import { concatBytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { readUint32, readUint64, writeUint32, writeUint64 } from '../platform/lazy-table.js';
import { type Bitset, readBitset } from './bitset.js';

/** Some commits that are not on one line of history, and all that they reach together. */
export interface PseudoMerge {
  readonly commits: Bitset;
  readonly objects: Bitset;
}

const TRAILER = 24;

function numbers(values: readonly number[], several: (n: number) => boolean = () => false): Bytes {
  const bytes = new Uint8Array(values.length * 8);
  values.forEach((value, i) => {
    writeUint64(bytes, 8 * i, value);
    if (several(i)) bytes[8 * i]! |= 0x80;
  });
  return bytes;
}

/** Their section of a `.bitmap` file; `start`: where in the file it begins. */
export function serializePseudoMerges(merges: readonly PseudoMerge[], start: number): Bytes {
  const parts: Bytes[] = [];
  let at = start;
  const put = (bytes: Bytes): void => {
    parts.push(bytes);
    at += bytes.length;
  };
  const places: number[] = [];
  /** By bit of a commit: where those are that it is in. */
  const memberships = new Map<number, number[]>();
  for (const { commits, objects } of merges) {
    places.push(at);
    for (const bit of commits) {
      const known = memberships.get(bit);
      if (known === undefined) memberships.set(bit, [at]);
      else known.push(at);
    }
    put(commits.serialize());
    put(objects.serialize());
  }
  const lookup = at - start;
  const sorted = [...memberships].sort(([a], [b]) => a - b);
  // Where a commit is in several, the table leads to a list of them behind it.
  let extended = at + 12 * sorted.length;
  const lists: Bytes[] = [];
  for (const [bit, list] of sorted) {
    const row = new Uint8Array(12);
    writeUint32(row, 0, bit);
    row.set(
      numbers([list.length > 1 ? extended : list[0]!], () => list.length > 1),
      4,
    );
    put(row);
    if (list.length === 1) continue;
    const head = new Uint8Array(4);
    writeUint32(head, 0, list.length);
    const bytes = concatBytes([head, numbers(list)]);
    lists.push(bytes);
    extended += bytes.length;
  }
  for (const list of lists) put(list);
  put(numbers(places));
  const trailer = new Uint8Array(TRAILER);
  writeUint32(trailer, 0, merges.length);
  writeUint32(trailer, 4, sorted.length);
  writeUint64(trailer, 8, lookup);
  writeUint64(trailer, 16, at + TRAILER - start);
  put(trailer);
  return concatBytes(parts);
}

/** Reads the section that ends at `end`; sets of `bits` bits are decoded as they are asked for. Throws `OBJECT_CORRUPT`. */
export function readPseudoMerges(bytes: Bytes, end: number, bits: number): readonly PseudoMerge[] {
  const corrupt = (what: string): GitError => new GitError('OBJECT_CORRUPT', `corrupted bitmap index file (${what})`);
  if (end < TRAILER) throw corrupt('too short to fit pseudo-merge table header');
  const count = readUint32(bytes, end - TRAILER);
  const size = readUint64(bytes, end - 8);
  if (size > end || 8 * count + TRAILER > size) throw corrupt('too short to fit pseudo-merge table');
  const table = end - TRAILER - 8 * count;
  return Array.from({ length: count }, (_, i) => {
    const at = readUint64(bytes, table + 8 * i);
    if (at < end - size || at >= table) throw corrupt('pseudo-merge out of bounds');
    const body = bytes.subarray(0, table);
    let commits: { readonly set: Bitset; readonly end: number } | undefined;
    let objects: Bitset | undefined;
    const first = () => (commits ??= readBitset(body, at, bits));
    return {
      get commits() {
        return first().set;
      },
      get objects() {
        return (objects ??= readBitset(body, first().end, bits).set);
      },
    };
  });
}
