import type { Bytes } from '../base/bytes.js';
import type { LazyTable } from './lazy-table.js';

/** Finds `raw[at…]` among the sorted names of a fanout range; answers the row or -1. */
export function findName(
  fanout: Uint32Array,
  names: LazyTable,
  nameAt: number,
  oidLength: number,
  raw: Bytes,
  at: number,
): number {
  const place = findPlace(fanout, names, nameAt, oidLength, raw, at);
  return place < 0 ? -1 : place;
}

/** The row of the name, or where it is not there, -1 less the row that it would have. */
export function findPlace(
  fanout: Uint32Array,
  names: LazyTable,
  nameAt: number,
  oidLength: number,
  raw: Bytes,
  at: number,
): number {
  const first = raw[at]!;
  let low = first === 0 ? 0 : fanout[first - 1]!;
  let high = fanout[first]!;
  // Names are spread evenly, so the place can be guessed from the bytes that follow; a few guesses that miss end that.
  const key = (raw[at + 1]! << 16) | (raw[at + 2]! << 8) | raw[at + 3]!;
  let lowKey = 0;
  let highKey = 0x1000000;
  for (let guesses = 4; low < high; guesses--) {
    let middle = (low + high) >>> 1;
    if (guesses > 0 && highKey > lowKey) {
      middle = low + Math.floor(((high - low) * (key - lowKey)) / (highKey - lowKey));
      if (middle >= high) middle = high - 1;
    }
    const chunk = names.chunk(middle);
    const start = names.at(middle) + nameAt;
    const there = (chunk[start + 1]! << 16) | (chunk[start + 2]! << 8) | chunk[start + 3]!;
    let order = there - key;
    for (let i = 4; order === 0 && i < oidLength; i++) order = chunk[start + i]! - raw[at + i]!;
    if (order === 0) return middle;
    if (order < 0) {
      low = middle + 1;
      lowKey = there;
    } else {
      high = middle;
      highKey = there;
    }
  }
  return -1 - low;
}
