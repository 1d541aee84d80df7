import { decodeText, encodeText } from '../base/bytes.js';
import { option } from '../merge/combinators.js';
import { text as textDriver, type TextOptions } from '../merge/drivers.js';
import type { Contents } from './contents.js';

/**
 * Text merged by lines, as git merges files; conflicts come as text with markers. `options`: style, favoured side,
 * diff algorithm. Invalid UTF-8 is kept byte for byte.
 */
export function textWith(options: TextOptions = {}): Contents<string> {
  const lines = textDriver(options);
  return {
    name: 'text',
    encode: encodeText,
    decode: decodeText,
    merge: option(async (sides, context) => {
      const base = await sides.base();
      const merged = await lines(
        {
          base: () => (base === undefined ? undefined : encodeText(base)),
          ours: encodeText(sides.ours),
          theirs: encodeText(sides.theirs),
        },
        base === undefined ? { ...context, added: true } : context,
      );
      const value = decodeText(merged.value!);
      return merged.clean ? { clean: true, value } : { clean: false, conflicts: merged.conflicts, value };
    }),
  };
}

/** Text merged by lines with git's settings. */
export const text: Contents<string> = textWith();
