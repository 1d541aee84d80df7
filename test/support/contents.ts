import { decodeText, encodeText } from '../../src/base/bytes.js';
import type { Contents } from '../../src/contents/contents.js';
import { clean, conflicted } from '../../src/merge/hook.js';

/** Strings that never merge: the plainest type of value for tests of what is around it. */
export const text: Contents<string> = {
  name: 'text',
  encode: encodeText,
  decode: decodeText,
  merge: (sides, context) =>
    sides.ours === sides.theirs ? clean(sides.ours) : conflicted(context, 'value', 'both changed'),
};
