import { compareText, decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import * as merge from '../merge/combinators.js';
import type { Contents } from './contents.js';
import { decodeLines, encodeLines, readLine, writeLine } from './lines.js';

/**
 * A set of texts: what either side added is in, what either side removed is out; never conflicts unless a side
 * deleted it whole. Stored one item per line, sorted.
 */
export const set: Contents<ReadonlySet<string>> = {
  name: 'set',
  encode: (value) => encodeLines([...value].sort(compareText).map(writeLine)),
  decode: (bytes) => new Set(decodeLines(bytes).map(readLine)),
  merge: merge.option(merge.set<string>()),
};

/**
 * A map from texts to values of another type, merged key by key by that type's merge. Stored as a JSON object of the
 * values' encodings, keys sorted. Decoding bytes that are none throws `USAGE`.
 */
export function map<V>(value: Contents<V>): Contents<ReadonlyMap<string, V>> {
  return {
    name: `map-${value.name}`,
    encode(entries) {
      const keys = [...entries.keys()].sort(compareText);
      const rows = keys.map(
        (key) => `  ${JSON.stringify(key)}: ${JSON.stringify(decodeText(value.encode(entries.get(key) as V)))}`,
      );
      return encodeText(rows.length === 0 ? '{}\n' : `{\n${rows.join(',\n')}\n}\n`);
    },
    decode(bytes) {
      let object: unknown;
      try {
        object = JSON.parse(decodeText(bytes));
      } catch (cause) {
        throw new GitError('USAGE', 'not a JSON object', { cause });
      }
      if (typeof object !== 'object' || object === null || Array.isArray(object)) {
        throw new GitError('USAGE', 'not a JSON object');
      }
      return new Map(Object.entries(object).map(([key, text]) => [key, value.decode(encodeText(String(text)))]));
    },
    merge: merge.option(merge.map<string, V>(value.merge), value.sameChange),
    sameChange: value.sameChange,
  };
}
