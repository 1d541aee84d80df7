import type { Bytes } from '../base/bytes.js';
import { writeUint32 } from '../platform/lazy-table.js';

/**
 * A zlib stream (RFC 1950, 1951) of one stored block: the first `length` bytes of `data` as they are, some thousand at
 * most. Answers where it ends.
 */
export function storeBlock(out: Bytes, at: number, data: Bytes, length: number): number {
  out[at] = 0x78;
  out[at + 1] = 0x01;
  out[at + 2] = 1;
  out[at + 3] = length;
  out[at + 4] = length >>> 8;
  out[at + 5] = ~length;
  out[at + 6] = ~length >>> 8;
  let low = 1;
  let high = 0;
  let to = at + 7;
  // So short that neither sum passes 32 bits before it is reduced.
  for (let i = 0; i < length; i++) {
    const byte = data[i]!;
    out[to++] = byte;
    low += byte;
    high += low;
  }
  writeUint32(out, to, (((high % 65521) << 16) | (low % 65521)) >>> 0);
  return to + 4;
}
