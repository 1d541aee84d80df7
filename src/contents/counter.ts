import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { option } from '../merge/combinators.js';
import { clean } from '../merge/hook.js';
import type { Contents } from './contents.js';

/**
 * A whole number that both sides add to: ours + theirs - base, so two additions of 2 to 10 make 14. Never conflicts,
 * unless a side deleted it. No base counts as 0. Stored as decimal text and a newline. A sum beyond 2^53 throws
 * `LIMIT`.
 */
export const counter: Contents<number> = {
  name: 'counter',
  encode: (value) => encodeText(`${safe(value)}\n`),
  decode(bytes) {
    const text = decodeText(bytes).trim();
    if (!/^[+-]?\d+$/.test(text)) throw new GitError('USAGE', `'${text}' is not a whole number`);
    return safe(Number(text));
  },
  merge: option(async (sides) => clean(safe(sides.ours + sides.theirs - ((await sides.base()) ?? 0))), 'ask'),
  sameChange: 'ask',
};

function safe(value: number): number {
  if (!Number.isSafeInteger(value)) throw new GitError('LIMIT', `counter out of range: ${value}`);
  return value === 0 ? 0 : value;
}
