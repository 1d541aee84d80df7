import { lazy } from './hook.js';
import type { MergeContext, MergeFn, Merged } from './hook.js';
import { clean, conflicted } from './hook.js';
import { checkAborted, like, map } from './combinators.js';
import type { Equal } from './equal.js';
import { equalValues } from './equal.js';

/** Elements of two arrays that pair up in order, as `[indexInA, indexInB]` (Myers' greedy search, O((n+m)·d)). */
export function commonPairs<T>(a: readonly T[], b: readonly T[], equal: Equal<T>): [number, number][] {
  let start = 0;
  while (start < a.length && start < b.length && equal(a[start]!, b[start]!)) start++;
  let endA = a.length;
  let endB = b.length;
  while (endA > start && endB > start && equal(a[endA - 1]!, b[endB - 1]!)) {
    endA--;
    endB--;
  }
  const pairs: [number, number][] = [];
  for (let i = 0; i < start; i++) pairs.push([i, i]);
  const same: Equal<number> = (x, y) => equal(a[start + x]!, b[start + y]!);
  for (const [x, y] of middlePairs(endA - start, endB - start, same)) pairs.push([start + x, start + y]);
  for (let i = endA, j = endB; i < a.length; i++, j++) pairs.push([i, j]);
  return pairs;
}

function middlePairs(n: number, m: number, same: Equal<number>): [number, number][] {
  if (n === 0 || m === 0) return [];
  const reach = new Map<number, number>([[1, 0]]);
  const at = (k: number) => reach.get(k) ?? -1;
  const history: ReadonlyMap<number, number>[] = [];
  for (let d = 0; ; d++) {
    history.push(new Map(reach));
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && at(k - 1) < at(k + 1)) ? at(k + 1) : at(k - 1) + 1;
      while (x < n && x - k < m && same(x, x - k)) x++;
      reach.set(k, x);
      if (x >= n && x - k >= m) return walkBack(history, n, m);
    }
  }
}

function walkBack(history: readonly ReadonlyMap<number, number>[], n: number, m: number): [number, number][] {
  const pairs: [number, number][] = [];
  let x = n;
  let y = m;
  for (let d = history.length - 1; d >= 0; d--) {
    const reach = history[d]!;
    const at = (k: number) => reach.get(k) ?? -1;
    const k = x - y;
    const before = k === -d || (k !== d && at(k - 1) < at(k + 1)) ? k + 1 : k - 1;
    const fromX = at(before);
    const fromY = fromX - before;
    while (x > fromX && y > fromY && x > 0 && y > 0) pairs.push([--x, --y]);
    x = fromX;
    y = fromY;
  }
  return pairs.reverse();
}

/** A stretch between elements that all three sequences share. */
interface Stretch<T> {
  readonly base: readonly T[];
  readonly ours: readonly T[];
  readonly theirs: readonly T[];
}

/** Cuts three sequences at the elements that pair up in all of them (the diff3 walk). */
export function stretches<T>(
  base: readonly T[],
  ours: readonly T[],
  theirs: readonly T[],
  equal: Equal<T>,
): Stretch<T>[] {
  const inOurs = new Map(commonPairs(base, ours, equal));
  const inTheirs = new Map(commonPairs(base, theirs, equal));
  const out: Stretch<T>[] = [];
  let fromBase = 0;
  let fromOurs = 0;
  let fromTheirs = 0;
  const cut = (toBase: number, toOurs: number, toTheirs: number) => {
    const stretch = {
      base: base.slice(fromBase, toBase),
      ours: ours.slice(fromOurs, toOurs),
      theirs: theirs.slice(fromTheirs, toTheirs),
    };
    if (stretch.base.length + stretch.ours.length + stretch.theirs.length > 0) out.push(stretch);
    fromBase = toBase;
    fromOurs = toOurs;
    fromTheirs = toTheirs;
  };
  for (let i = 0; i < base.length; i++) {
    const o = inOurs.get(i);
    const t = inTheirs.get(i);
    if (o === undefined || t === undefined) continue;
    // Neighbours that stay neighbours on every side need no cut between them.
    if (i !== fromBase || o !== fromOurs || t !== fromTheirs) cut(i, o, t);
    cut(i + 1, o + 1, t + 1);
  }
  cut(base.length, ours.length, theirs.length);
  return out;
}

/** How elements of a sequence are told apart and merged. */
export interface ListOptions<T> {
  readonly equal?: Equal<T>;
  /** The identity of an element. With it, elements are merged by key (through `element`) and never come twice. */
  readonly key?: (element: T) => string;
  readonly element?: MergeFn<T | undefined>;
}

/**
 * Merges sequences. Without keys: stretches changed on one side only are taken, the same change is taken once, two
 * different changes of one stretch conflict, and the attempt holds ours' elements, then theirs'. With keys: as a map
 * whose order is ours'. No base counts as an empty one.
 */
export function list<T>(options: ListOptions<T> = {}): MergeFn<readonly T[]> {
  const { equal = equalValues, key } = options;
  if (key !== undefined) return keyedList(key, options.element ?? pickChanged(equal));
  return async (sides, context): Promise<Merged<readonly T[]>> => {
    checkAborted(context);
    const base = (await sides.base()) ?? [];
    const value: T[] = [];
    let conflict: Merged<readonly T[]> | undefined;
    const same = (a: readonly T[], b: readonly T[]) =>
      a.length === b.length && a.every((item, i) => equal(item, b[i]!));
    for (const part of stretches(base, sides.ours, sides.theirs, equal)) {
      if (same(part.ours, part.theirs) || same(part.base, part.theirs)) value.push(...part.ours);
      else if (same(part.base, part.ours)) value.push(...part.theirs);
      else {
        conflict ??= conflicted(context, 'value', 'both sides changed the same elements', value);
        value.push(...part.ours, ...part.theirs);
      }
    }
    return conflict ?? clean(value);
  };
}

function pickChanged<T>(equal: Equal<T>): MergeFn<T | undefined> {
  return async (sides, context: MergeContext) => {
    const { ours, theirs } = sides;
    const base = await sides.base();
    const same = (a: T | undefined, b: T | undefined) => (a === undefined || b === undefined ? a === b : equal(a, b));
    if (same(ours, theirs) || same(base, theirs)) return clean(ours);
    if (same(base, ours)) return clean(theirs);
    return conflicted(context, 'value', 'both sides changed the element', ours ?? theirs);
  };
}

function keyedList<T>(key: (element: T) => string, element: MergeFn<T | undefined>): MergeFn<readonly T[]> {
  const index = (items: readonly T[]): ReadonlyMap<string, T> => new Map(items.map((item) => [key(item), item]));
  const merge = like<readonly T[], ReadonlyMap<string, T>>(map<string, T>(element), index, (value) => [
    ...value.values(),
  ]);
  return (sides, context) => merge({ ...sides, base: lazy(sides.base) }, context);
}
