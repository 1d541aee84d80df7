import type { Bytes } from '../base/bytes.js';
import { compareBytes, concatBytes, decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { option } from '../merge/combinators.js';
import type { MergeFn } from '../merge/hook.js';
import { clean } from '../merge/hook.js';
import type { Contents } from './contents.js';

/** A value and when it was written: any number that grows, seconds or milliseconds since the epoch. */
export interface Stamped<V> {
  readonly at: number;
  readonly value: V;
}

/**
 * A register whose last writer wins: the later stamp, and of equal stamps the larger bytes, so that both sides come to
 * the same value. Never conflicts unless a side deleted it, and never looks at the base. Stored as the stamp, a
 * newline, and the value's own bytes. Decoding bytes without a stamp throws `USAGE`.
 */
export function lww<V>(value: Contents<V>): Contents<Stamped<V>> {
  const encode = ({ at, value: held }: Stamped<V>): Bytes => concatBytes([encodeText(`${at}\n`), value.encode(held)]);
  const later: MergeFn<Stamped<V>> = ({ ours, theirs }) => {
    const order = ours.at - theirs.at || compareBytes(value.encode(ours.value), value.encode(theirs.value));
    return clean(order >= 0 ? ours : theirs);
  };
  return {
    name: `lww-${value.name}`,
    encode,
    decode(bytes) {
      const end = bytes.indexOf(0x0a);
      const stamp = end < 0 ? '' : decodeText(bytes.subarray(0, end));
      const at = Number(stamp);
      if (stamp.trim() === '' || !Number.isFinite(at)) throw new GitError('USAGE', 'no time stamp in the first line');
      return { at, value: value.decode(bytes.subarray(end + 1)) };
    },
    merge: option(later),
  };
}
