import type { Bytes } from './bytes.js';

const viewOf = (bytes: Bytes): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** How many bytes two arrays begin with alike. */
export function commonPrefix(x: Bytes, y: Bytes): number {
  const limit = Math.min(x.length, y.length);
  const a = viewOf(x);
  const b = viewOf(y);
  let at = 0;
  for (const stop = limit - 4; at <= stop && a.getInt32(at) === b.getInt32(at); ) at += 4;
  while (at < limit && x[at] === y[at]) at++;
  return at;
}

/** How many bytes two arrays end in alike, `most` at most. */
export function commonSuffix(x: Bytes, y: Bytes, most: number): number {
  const a = viewOf(x);
  const b = viewOf(y);
  let same = 0;
  const xLast = x.length - 4;
  const yLast = y.length - 4;
  for (const stop = most - 4; same <= stop && a.getInt32(xLast - same) === b.getInt32(yLast - same); ) same += 4;
  while (same < most && x[x.length - 1 - same] === y[y.length - 1 - same]) same++;
  return same;
}

const nativeCompare = (globalThis as { Buffer?: typeof Buffer }).Buffer?.prototype.compare;
/** So many bytes at a time are compared natively: a call costs as much as some hundred bytes in a loop. */
const STRIDE = 4096;

/** How many of the `length` bytes from `a[at]` and `b[start]` on agree, as far as whole strides show. */
export function agreeingStrides(a: Bytes, at: number, b: Bytes, start: number, length: number): number {
  if (nativeCompare === undefined) return 0;
  let same = 0;
  for (; same + STRIDE <= length; same += STRIDE) {
    const from = at + same;
    const to = start + same;
    if (nativeCompare.call(a, b, to, to + STRIDE, from, from + STRIDE) !== 0) break;
  }
  return same;
}
