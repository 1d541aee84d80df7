import type { Awaitable, Cancellable, NonEmpty } from '../base/awaitable.js';
import type { Oid } from '../base/oid.js';

/**
 * Three values to merge. `base` is lazy: a merge that settles without it never pays for it, and merged ancestors of
 * criss-cross histories are made only when wanted. It answers `undefined` for "no common ancestor" (or, where the
 * value itself may be absent, for "absent in it").
 */
export interface Sides<V> {
  readonly base: () => Awaitable<V | undefined>;
  readonly ours: V;
  readonly theirs: V;
}

/** How the three sides are called, in conflict markers and messages. */
export interface Labels {
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
}

/** Where a merge takes place, and how its sides are called. */
export interface MergeContext extends Cancellable {
  /** Where the result goes; picks attributes, driver and typed merge. */
  readonly path: string;
  /** Where each side has it, when a rename made them differ. */
  readonly paths?: Labels | undefined;
  readonly labels: Labels;
  /** 0 for the real merge; n while merging ancestors of ancestors (git's virtual merge base). */
  readonly depth: number;
  /** What is added to the size of conflict markers: two per depth, one inside a collision of renames. */
  readonly nesting: number;
  /** Both sides added it: there is no base, and git says "add/add". */
  readonly added?: boolean | undefined;
}

/** git's names where git has one; `value` is a typed value whose sides disagree. */
export type ConflictKind =
  | 'contents'
  | 'binary'
  | 'value'
  | 'add/add'
  | 'modify/delete'
  | 'file/directory'
  | 'distinct types'
  | 'mode'
  | 'rename/rename'
  | 'rename/delete'
  | 'rename collision'
  | 'file location'
  | 'directory rename'
  | 'submodule'
  | 'external';

/** One row of the index or of a tree: a mode (octal number) and an object. */
export interface Stage {
  readonly mode: number;
  readonly oid: Oid;
}

/** What index stages 1, 2 and 3 hold. */
export interface Stages {
  readonly base?: Stage | undefined;
  readonly ours?: Stage | undefined;
  readonly theirs?: Stage | undefined;
}

/** A submodule that has to be merged by hand, and the commit to merge there where its repository is here. */
export interface SubmoduleAdvice {
  readonly path: string;
  readonly commit?: string | undefined;
}

/** A conflict as data: index, `--json`, screens and exit codes are all read from it. */
export interface Conflict {
  readonly kind: ConflictKind;
  readonly path: string;
  /** Every path that takes part, `path` first. */
  readonly paths?: readonly string[] | undefined;
  /** The keys that lead to the place inside a typed value. */
  readonly at?: readonly string[] | undefined;
  readonly message: string;
  readonly stages: Stages;
  readonly labels?: Labels | undefined;
}

/** What a merge answers: a value, or conflicts as data. */
export type Merged<V> =
  | { readonly clean: true; readonly value: V }
  /** `value` is the best attempt (text with markers, our side of a binary); absent where the type cannot show one. */
  | { readonly clean: false; readonly conflicts: NonEmpty<Conflict>; readonly value?: V };

/** THE HOOK. Drivers, typed merges, tree merges and strategies differ only in `V`. Conflicts are answers, not throws. */
export type MergeFn<V> = (sides: Sides<V>, context: MergeContext) => Awaitable<Merged<V>>;

/** What to do when both sides made the same change: git accepts it; a counter must be asked, for it adds up. */
export type SameChange = 'accept' | 'ask';

/** A merge without conflicts. */
export const clean = <V>(value: V): Merged<V> => ({ clean: true, value });

/** A conflict of one place. `value`: the best attempt, if the type has one. */
export function conflicted<V>(
  context: MergeContext,
  kind: ConflictKind,
  message: string,
  ...value: [] | [V]
): Merged<V> {
  const conflicts: NonEmpty<Conflict> = [{ kind, path: context.path, message, stages: {}, labels: context.labels }];
  return value.length === 0 ? { clean: false, conflicts } : { clean: false, conflicts, value: value[0] };
}

/** Makes a lazy base that is computed at most once, however many ask. */
export function lazy<V>(make: () => Awaitable<V>): () => Awaitable<V> {
  let made: { value: Awaitable<V> } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Names for sides that have none of their own. */
export const noLabels: Labels = { base: 'base', ours: 'ours', theirs: 'theirs' };

/** A context for merges outside any tree: tests, values in memory. */
export const plainContext = (path = ''): MergeContext => ({ path, labels: noLabels, depth: 0, nesting: 0 });
