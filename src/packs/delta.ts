import type { Bytes } from '../base/bytes.js';

/** Copies shorter than this go word by word: a typed array's `set` costs more than that to start. */
const SHORT_COPY = 320;
/** A delta shorter than this is not worth the views that words are copied through: short copies go byte by byte. */
const FEW_BYTES = 40;
const SHORTER_COPY = 40;

const viewOf = (bytes: Bytes): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** Copies forward, four bytes at a time. */
function copyWords(from: DataView, at: number, into: DataView, to: number, length: number): void {
  const end = at + length;
  for (const stop = end - 3; at < stop; at += 4, to += 4) into.setInt32(to, from.getInt32(at, true), true);
  for (; at < end; at++, to++) into.setUint8(to, from.getUint8(at));
}

function copyBytes(from: Bytes, at: number, into: Bytes, to: number, length: number): void {
  for (const end = at + length; at < end; ) into[to++] = from[at++]!;
}

/** Where the last `deltaSize` stopped reading. */
export let deltaCursor = 0;

/** A size at the head of a delta (7 bits a byte, low bits first); leaves the next position in `deltaCursor`. -1: cut off. */
export function deltaSize(delta: Bytes, at: number, end: number): number {
  let size = 0;
  let scale = 1;
  for (; at < end; ) {
    const byte = delta[at++]!;
    size += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      deltaCursor = at;
      return size;
    }
    scale *= 128;
    if (scale > 2 ** 56) break;
  }
  return -1;
}

/**
 * Rebuilds an object: runs the instructions `delta[at, end)` (behind the two sizes) over `base[0, baseLength)` into
 * `out[0, size)`. Answers false where the delta is broken or does not give exactly `size` bytes.
 */
export function runDelta(
  base: Bytes,
  baseLength: number,
  delta: Bytes,
  at: number,
  end: number,
  out: Bytes,
  size: number,
): boolean {
  const views = end - at < FEW_BYTES ? undefined : { base: viewOf(base), delta: viewOf(delta), out: viewOf(out) };
  const short = views === undefined ? SHORTER_COPY : SHORT_COPY;
  let to = 0;
  while (at < end) {
    const op = delta[at++]!;
    if ((op & 0x80) !== 0) {
      let from = 0;
      let length = 0;
      if ((op & 0x01) !== 0) from = delta[at++]!;
      if ((op & 0x02) !== 0) from |= delta[at++]! << 8;
      if ((op & 0x04) !== 0) from |= delta[at++]! << 16;
      if ((op & 0x08) !== 0) from += delta[at++]! * 0x1000000;
      if ((op & 0x10) !== 0) length = delta[at++]!;
      if ((op & 0x20) !== 0) length |= delta[at++]! << 8;
      if ((op & 0x40) !== 0) length |= delta[at++]! << 16;
      if (length === 0) length = 0x10000;
      if (at > end || from + length > baseLength || to + length > size) return false;
      if (length >= short) out.set(base.subarray(from, from + length), to);
      else if (views === undefined) copyBytes(base, from, out, to, length);
      else copyWords(views.base, from, views.out, to, length);
      to += length;
    } else {
      if (op === 0 || at + op > end || to + op > size) return false;
      if (views === undefined) copyBytes(delta, at, out, to, op);
      else copyWords(views.delta, at, views.out, to, op);
      to += op;
      at += op;
    }
  }
  return to === size;
}

/** Applies a whole delta. `undefined` where it is broken or made for another base. */
export function applyDelta(base: Bytes, delta: Bytes): Bytes | undefined {
  const baseLength = deltaSize(delta, 0, delta.length);
  if (baseLength !== base.length) return undefined;
  const size = deltaSize(delta, deltaCursor, delta.length);
  if (size < 0 || size > 0xffffffff) return undefined;
  const at = deltaCursor;
  const out = new Uint8Array(size);
  return runDelta(base, baseLength, delta, at, delta.length, out, size) ? out : undefined;
}

/** What the instructions would give, without running them; -1 where they are broken. Asked before big allocations. */
export function deltaOutput(delta: Bytes, at: number, end: number): number {
  let size = 0;
  while (at < end) {
    const op = delta[at++]!;
    if ((op & 0x80) === 0) {
      if (op === 0) return -1;
      at += op;
      size += op;
      continue;
    }
    for (let bit = 1; bit < 0x10; bit <<= 1) if ((op & bit) !== 0) at++;
    let length = 0;
    if ((op & 0x10) !== 0) length = delta[at++]!;
    if ((op & 0x20) !== 0) length |= delta[at++]! << 8;
    if ((op & 0x40) !== 0) length |= delta[at++]! << 16;
    size += length === 0 ? 0x10000 : length;
  }
  return at === end ? size : -1;
}
