import type { Bytes } from '../base/bytes.js';
import { isGitError } from '../base/errors.js';
import type { Driver } from '../merge/driver.js';
import type { MergeFn, SameChange } from '../merge/hook.js';
import { clean, conflicted, lazy } from '../merge/hook.js';

/**
 * A type of value: how it is stored, and how three of it merge. `encode` gives equal bytes for equal values, so that
 * equal values have equal ids; `decode` throws `USAGE` for bytes that are no such value.
 */
export interface Contents<V> {
  readonly name: string;
  encode(value: V): Bytes;
  decode(bytes: Bytes): V;
  /** Absent sides are `undefined`; answering `undefined` deletes the value. */
  readonly merge: MergeFn<V | undefined>;
  /** `ask` where equal changes of both sides add up (counter, queue); `accept`, as git does, unless said. */
  readonly sameChange?: SameChange | undefined;
}

/**
 * A typed merge as a merge of files, so that `merge=counter` in `.gitattributes` and a store of counters run the same
 * function. Where a side's bytes are no such value, `fallback` (git's text merge, say) has the word; without one that
 * is a conflict and our side stays.
 */
export function driver<V>(contents: Contents<V>, fallback?: Driver): Driver {
  const merge: MergeFn<Bytes | undefined> = async (sides, context) => {
    const decode = (bytes: Bytes | undefined) => (bytes === undefined ? undefined : contents.decode(bytes));
    const bytes = lazy(sides.base);
    try {
      const ours = decode(sides.ours);
      const theirs = decode(sides.theirs);
      const merged = await contents.merge({ ours, theirs, base: lazy(async () => decode(await bytes())) }, context);
      const encode = (value: V | undefined) => (value === undefined ? undefined : contents.encode(value));
      if (merged.clean) return clean(encode(merged.value));
      return {
        clean: false,
        conflicts: merged.conflicts,
        value: 'value' in merged ? encode(merged.value) : (sides.ours ?? sides.theirs),
      };
    } catch (error) {
      if (!isGitError(error, 'USAGE')) throw error;
      if (fallback !== undefined) return fallback({ ...sides, base: bytes }, context);
      return conflicted(context, 'value', `not a ${contents.name}: ${error.message}`, sides.ours ?? sides.theirs);
    }
  };
  return Object.assign(merge, { sameChange: contents.sameChange, decidesDeletion: true });
}
