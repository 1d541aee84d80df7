import type { Bytes } from '../base/bytes.js';
import { readUint32 } from '../platform/lazy-table.js';

/** Compares two raw names in one table. */
export function compareNames(names: Bytes, a: number, b: number, oidLength: number): number {
  for (let i = 0, x = a * oidLength, y = b * oidLength; i < oidLength; i++) {
    const difference = names[x + i]! - names[y + i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Row numbers `0…count` in order of their raw names: radix by the first four bytes, ties by comparing. Stable. */
export function orderByName(names: Bytes, count: number, oidLength: number): Uint32Array {
  const keys = new Uint32Array(count);
  for (let i = 0; i < count; i++) keys[i] = readUint32(names, i * oidLength);
  let rows = new Uint32Array(count);
  let spare = new Uint32Array(count);
  for (let i = 0; i < count; i++) rows[i] = i;
  const buckets = new Uint32Array(65537);
  for (const shift of [0, 16]) {
    buckets.fill(0);
    for (let i = 0; i < count; i++) buckets[((keys[i]! >>> shift) & 0xffff) + 1]!++;
    for (let b = 1; b <= 65536; b++) buckets[b]! += buckets[b - 1]!;
    for (let i = 0; i < count; i++) {
      const row = rows[i]!;
      spare[buckets[(keys[row]! >>> shift) & 0xffff]!++] = row;
    }
    [rows, spare] = [spare, rows];
  }
  for (let start = 0; start < count; ) {
    let end = start + 1;
    const key = keys[rows[start]!]!;
    while (end < count && keys[rows[end]!] === key) end++;
    if (end - start > 1) {
      const tied = Array.from(rows.subarray(start, end));
      tied.sort((a, b) => compareNames(names, a, b, oidLength) || a - b);
      rows.set(tied, start);
    }
    start = end;
  }
  return rows;
}
