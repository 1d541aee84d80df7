import type { Bytes } from '../base/bytes.js';
import { commonPrefix, commonSuffix } from '../base/common-bytes.js';
import { LARGEST_COPY, LONGEST_INSERT, writeCopy, writeInsert, writeSize } from './delta-create.js';

/** A stretch that both have in common must be as long to be copied: an operation of its own takes some five bytes. */
const WORTHWHILE = 12;

let output: Bytes = new Uint8Array(4096);

/**
 * The delta of a text that was edited in place, found by comparing what lies side by side, without an index: a tree in
 * which ids were replaced, or rows added or removed at one place. `undefined` where it would be longer than `limit`
 * bytes. The answer is a view of a shared buffer, good until the next call.
 */
export function editDelta(base: Bytes, target: Bytes, limit: number): Bytes | undefined {
  const start = commonPrefix(base, target);
  const same = commonSuffix(base, target, Math.min(base.length, target.length) - start);
  const out = room(Math.min(limit, target.length) + 64);
  let to = writeSize(out, writeSize(out, 0, base.length), target.length);
  if (to + copySize(start) > out.length) return undefined;
  to = writeCopy(out, to, 0, start);
  const end = target.length - same;
  let at = start;
  // Only between texts of one length do the middles lie side by side.
  if (base.length === target.length) {
    for (let literal = start; at < end; ) {
      while (at < end && base[at] !== target[at]) at++;
      let equal = at;
      while (equal < end && base[equal] === target[equal]) equal++;
      if (equal - at < WORTHWHILE && equal < end) {
        at = equal;
        continue;
      }
      if (to + insertSize(at - literal) + copySize(equal - at) > limit) return undefined;
      to = writeInsert(out, to, target, literal, at);
      if (equal > at) to = writeCopy(out, to, at, equal - at);
      at = literal = equal;
    }
  } else {
    if (to + insertSize(end - start) > limit) return undefined;
    to = writeInsert(out, to, target, start, end);
  }
  if (to + copySize(same) > out.length) return undefined;
  to = writeCopy(out, to, base.length - same, same);
  return to > limit ? undefined : out.subarray(0, to);
}

const insertSize = (length: number): number => length + Math.ceil(length / LONGEST_INSERT);
const copySize = (length: number): number => 8 * Math.ceil(length / LARGEST_COPY);

function room(length: number): Bytes {
  if (output.length < length) output = new Uint8Array(length * 2);
  return output;
}
