import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { like, map, option, trivial } from '../merge/combinators.js';
import { equalValues } from '../merge/equal.js';
import type { MergeFn } from '../merge/hook.js';
import { conflicted, lazy } from '../merge/hook.js';
import { list } from '../merge/sequence.js';
import type { Contents } from './contents.js';

/** A value that JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isArray = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);
const asObject = (entries: ReadonlyMap<string, Json>): JsonObject => Object.fromEntries(entries);

const mergeArrays = list<Json>({ equal: equalValues });
const mergeObjects = like<JsonObject, ReadonlyMap<string, Json>>(
  map<string, Json>((sides, context) => mergeJson(sides, context)),
  (object) => new Map(Object.entries(object)),
  asObject,
);

/** Objects key by key and all the way down, arrays as sequences, anything else as a whole. */
export const mergeJson: MergeFn<Json | undefined> = option<Json>(async (sides, context) => {
  const { ours, theirs } = sides;
  const base = lazy(sides.base);
  if (isObject(ours) && isObject(theirs)) {
    const before = async () => {
      const value = await base();
      return isObject(value) ? value : undefined;
    };
    return mergeObjects({ ours, theirs, base: before }, context);
  }
  if (isArray(ours) && isArray(theirs)) {
    const before = async () => {
      const value = await base();
      return isArray(value) ? value : undefined;
    };
    return mergeArrays({ ours, theirs, base: before }, context);
  }
  const settled = await trivial<Json>()({ ours, theirs, base }, context);
  return settled.clean ? settled : conflicted(context, 'value', 'both sides changed the value', ours);
});

/**
 * A JSON document: merged by key, arrays as sequences. Stored with two spaces of indentation and a newline. `merge`
 * replaces the merge by one that knows more of the document's shape. Decoding bytes that are none throws `USAGE`.
 */
export function json<V = Json>(
  merge: MergeFn<V | undefined> = mergeJson as unknown as MergeFn<V | undefined>,
): Contents<V> {
  return {
    name: 'json',
    encode: (value) => encodeText(`${JSON.stringify(value, null, 2)}\n`),
    decode(bytes) {
      try {
        return JSON.parse(decodeText(bytes)) as V;
      } catch (cause) {
        throw new GitError('USAGE', 'not a JSON document', { cause });
      }
    },
    merge,
  };
}
