import type { Awaitable, NonEmpty } from '../base/awaitable.js';
import { GitError } from '../base/errors.js';
import type { Equal } from './equal.js';
import { equalValues } from './equal.js';
import type { Conflict, MergeContext, MergeFn, Merged, SameChange, Sides } from './hook.js';
import { clean, conflicted, lazy } from './hook.js';

/** Throws `ABORTED` when the merge was told to stop. */
export function checkAborted(context: MergeContext): void {
  if (context.signal?.aborted === true) {
    throw new GitError('ABORTED', 'the merge was stopped', { cause: context.signal.reason });
  }
}

/**
 * Takes the side that changed; two different changes conflict.
 *
 * Laws: `merge(b, b, y) = y`, `merge(b, x, b) = x`; with `accept` also `merge(b, x, x) = x` (the base is then never
 * asked for), with `ask` the same change on both sides is a conflict, left for the next of a `seq`.
 */
export function trivial<V>(same: SameChange = 'accept', equal: Equal<V> = equalValues): MergeFn<V> {
  return async (sides, context) => {
    const { ours, theirs } = sides;
    const sameSides = equal(ours, theirs);
    if (sameSides && same === 'accept') return clean(ours);
    const base = (await sides.base()) as V;
    if (equal(base, ours)) return clean(theirs);
    if (equal(base, theirs)) return clean(ours);
    return conflicted(context, 'value', sameSides ? 'both sides made the same change' : 'both sides changed the value');
  };
}

/**
 * Lifts a merge to values that may be absent. Where all sides are there, or nothing is in the base, `merge` decides;
 * a deletion against a change is git's modify/delete, with the changed value as the attempt.
 *
 * Laws: those of `trivial(same)`; `option(m)` equals `m` where nothing is absent and `trivial` cannot settle it.
 */
export function option<V>(
  merge: MergeFn<V>,
  same: SameChange = 'accept',
  equal: Equal<V | undefined> = equalValues,
): MergeFn<V | undefined> {
  const settle = trivial<V | undefined>(same, equal);
  return async (sides, context) => {
    const base = lazy(sides.base);
    const { ours, theirs } = sides;
    if (ours === undefined && theirs === undefined) return clean(undefined);
    const settled = await settle({ ours, theirs, base }, context);
    if (settled.clean) return settled;
    if (ours !== undefined && theirs !== undefined) return merge({ ours, theirs, base }, context);
    return conflicted(
      context,
      'modify/delete',
      ours === undefined ? 'deleted by us, changed by them' : 'changed by us, deleted by them',
      ours ?? theirs,
    );
  };
}

/** Tries merges in order: the first clean answer wins, else the last conflict is the answer. */
export function seq<V>(...merges: NonEmpty<MergeFn<V>>): MergeFn<V> {
  return async (sides, context) => {
    const shared: Sides<V> = { ...sides, base: lazy(sides.base) };
    let answer: Merged<V> | undefined;
    for (const merge of merges) {
      checkAborted(context);
      answer = await merge(shared, context);
      if (answer.clean) return answer;
    }
    return answer!;
  };
}

/** Merges an `A` by way of a `B`. The base is converted once, and only if asked for. */
export function like<A, B>(
  merge: MergeFn<B>,
  to: (value: A) => Awaitable<B>,
  from: (value: B) => Awaitable<A>,
): MergeFn<A> {
  return async (sides, context) => {
    const base = lazy(async () => {
      const value = await sides.base();
      return value === undefined ? undefined : await to(value);
    });
    const merged = await merge({ ours: await to(sides.ours), theirs: await to(sides.theirs), base }, context);
    if (merged.clean) return clean(await from(merged.value));
    if (!('value' in merged)) return { clean: false, conflicts: merged.conflicts };
    return { clean: false, conflicts: merged.conflicts, value: await from(merged.value as B) };
  };
}

/** One side as it is; the base is never asked for. */
export function pick<V>(side: 'ours' | 'theirs'): MergeFn<V> {
  return (sides) => clean(sides[side]);
}

/** Gathers the parts of a compound value: all conflicts are kept, each with the key that leads to it. */
class Parts {
  readonly #conflicts: Conflict[] = [];
  /** False once some part has no attempt to show. */
  #whole = true;

  /** The part's value, if it has one. */
  take<V>(key: string, merged: Merged<V>): { readonly value: V } | undefined {
    if (merged.clean) return merged;
    for (const conflict of merged.conflicts) {
      this.#conflicts.push({ ...conflict, at: [key, ...(conflict.at ?? [])] });
    }
    if ('value' in merged) return { value: merged.value as V };
    this.#whole = false;
    return undefined;
  }

  finish<V>(value: V): Merged<V> {
    const [first, ...rest] = this.#conflicts;
    if (first === undefined) return clean(value);
    return this.#whole
      ? { clean: false, conflicts: [first, ...rest], value }
      : { clean: false, conflicts: [first, ...rest] };
  }
}

/** Merges an object field by field. */
export function record<R extends object>(fields: { readonly [K in keyof R]: MergeFn<R[K]> }): MergeFn<R> {
  return async (sides, context) => {
    const base = lazy(sides.base);
    const parts = new Parts();
    const value = {} as R;
    for (const key of Object.keys(fields) as (keyof R & string)[]) {
      checkAborted(context);
      const merged = await fields[key](
        { ours: sides.ours[key], theirs: sides.theirs[key], base: async () => (await base())?.[key] as R[typeof key] },
        context,
      );
      const part = parts.take(key, merged);
      if (part !== undefined) value[key] = part.value;
    }
    return parts.finish(value);
  };
}

/**
 * Merges a map key by key; `merge` sees absent sides as `undefined` and deletes by answering `undefined`. No base
 * counts as an empty one. Keys keep ours' order; each key that only theirs has comes after its neighbour there.
 */
export function map<K, V>(
  merge: MergeFn<V | undefined>,
  nameOf: (key: K) => string = String,
): MergeFn<ReadonlyMap<K, V>> {
  return async (sides, context) => {
    const { ours, theirs } = sides;
    const base = lazy(sides.base);
    const parts = new Parts();
    const value = new Map<K, V>();
    const keys = mergeOrder([...ours.keys()], [...theirs.keys()], (await base())?.keys() ?? []);
    for (const key of keys) {
      checkAborted(context);
      const merged = await merge(
        { ours: ours.get(key), theirs: theirs.get(key), base: async () => (await base())?.get(key) },
        context,
      );
      const part = parts.take(nameOf(key), merged);
      if (part !== undefined && part.value !== undefined) value.set(key, part.value);
    }
    return parts.finish<ReadonlyMap<K, V>>(value);
  };
}

/** Ours' keys in ours' order, theirs' own keys each behind the key it follows in theirs, the base's own keys last. */
export function mergeOrder<K>(ours: readonly K[], theirs: readonly K[], base: Iterable<K>): K[] {
  const seen = new Set(ours);
  const after = new Map<K | undefined, K[]>();
  let anchor: K | undefined;
  for (const key of theirs) {
    if (seen.has(key)) anchor = key;
    else {
      const list = after.get(anchor);
      if (list === undefined) after.set(anchor, [key]);
      else list.push(key);
    }
  }
  const order: K[] = [...(after.get(undefined) ?? [])];
  for (const key of ours) order.push(key, ...(after.get(key) ?? []));
  const all = new Set(order);
  for (const key of base) all.add(key);
  return [...all];
}

/**
 * Merges sets: what either side added is in, what either side removed is out. Never conflicts, and is symmetric as a
 * set. No base counts as an empty one.
 */
export function set<V>(): MergeFn<ReadonlySet<V>> {
  return async (sides) => {
    const { ours, theirs } = sides;
    const base = (await sides.base()) ?? new Set<V>();
    const value = new Set<V>();
    for (const item of ours) if (theirs.has(item) || !base.has(item)) value.add(item);
    for (const item of theirs) if (!base.has(item)) value.add(item);
    return clean<ReadonlySet<V>>(value);
  };
}

/**
 * Merges several heads one after another: an octopus, for any `V`. The answer of each step is ours in the next; the
 * first conflict ends it, as git's octopus ends.
 */
export function fold<V>(step: MergeFn<V>, more: readonly Omit<Sides<V>, 'ours'>[]): MergeFn<V> {
  return async (sides, context) => {
    let merged = await step(sides, context);
    for (const next of more) {
      if (!merged.clean) return merged;
      checkAborted(context);
      merged = await step({ ...next, ours: merged.value }, context);
    }
    return merged;
  };
}
