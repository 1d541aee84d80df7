import type { Awaitable } from '../base/awaitable.js';
import type { Oid } from '../base/oid.js';
import type { Ancestry } from '../history/merge-base.js';
import type { ObjectStore } from '../objects/source.js';
import type { Driver, DriverFor } from './driver.js';
import type { Conflict } from './hook.js';
import { mergeCommits, treeOfCommit } from './history.js';
import type { TreeMerge, TreeOptions, UnmergedPath } from './tree.js';

/** What a strategy is given: heads to merge and all that is known about them. */
export interface StrategyRequest {
  readonly objects: ObjectStore;
  readonly ancestry: Ancestry;
  readonly ours: Oid<'commit'>;
  readonly theirs: Oid<'commit'>;
  /** The heads beyond `theirs` where several are merged at once. */
  readonly others?: readonly Oid<'commit'>[] | undefined;
  readonly labels: { readonly ours: string; readonly theirs: string; readonly others?: readonly string[] };
  /** How the contents of a path merge: what attributes, configuration or the store's type say. */
  readonly driverFor: DriverFor;
  /** Short form of an id, for conflict markers. */
  readonly abbreviate: (oid: Oid) => Awaitable<string>;
  /** What is known of trees: renames, favours, the paths that ask to be asked about equal changes. */
  readonly options?: TreeOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A merge of two (or more) histories into one tree. A plain function: write your own, or use one of those here. */
export type Strategy = (request: StrategyRequest) => Promise<TreeMerge>;

/** Drivers and strategies of one's own, under the names by which attributes (`merge=<name>`) and `-s <name>` ask for them. */
export interface OwnMerges {
  readonly drivers?: Readonly<Record<string, Driver>> | undefined;
  readonly strategies?: Readonly<Record<string, Strategy>> | undefined;
}

/** git's `ort`; more than two heads are merged one after the other. */
export const ort: Strategy = async (request) => {
  const { ours, theirs, others = [], labels, ancestry } = request;
  const heads = { ours, theirs, labels: { ours: labels.ours, theirs: labels.theirs } };
  let merged = await mergeCommits(request, heads);
  let done = [ours, theirs];
  let top = ours;
  // A path that did not merge keeps the sides it had then: later attempts only build on the first one.
  const conflicts = new Map<string, Conflict>(merged.conflicts.map((conflict) => [conflict.path, conflict]));
  const unmerged = new Map<string, UnmergedPath>(merged.unmerged.map((one) => [one.path, one]));
  const submodules = [...(merged.submodules ?? [])];
  const messages = [...merged.messages];
  for (const [i, next] of others.entries()) {
    const virtual = `merge of ${done.join(' and ')}` as Oid<'commit'>;
    await ancestry.addVirtual(virtual, [top, done[done.length - 1]!]);
    top = virtual;
    const trees = new Map([[virtual, merged.tree]]);
    merged = await mergeCommits(
      { ...request, trees },
      { ours: virtual, theirs: next, labels: { ours: labels.ours, theirs: labels.others?.[i] ?? next } },
    );
    done = [...done, next];
    for (const conflict of merged.conflicts) if (!conflicts.has(conflict.path)) conflicts.set(conflict.path, conflict);
    for (const one of merged.unmerged) if (!unmerged.has(one.path)) unmerged.set(one.path, one);
    submodules.push(...(merged.submodules ?? []));
    messages.push(...merged.messages);
  }
  if (others.length === 0) return merged;
  const clean = conflicts.size === 0;
  return {
    ...merged,
    clean,
    conflicts: [...conflicts.values()],
    unmerged: [...unmerged.values()],
    messages,
    ...(submodules.length > 0 ? { submodules } : {}),
  };
};

/** Our tree, whatever the others have: git's `ours`. */
export const ours: Strategy = async ({ objects, ours: head }) => {
  const tree = await treeOfCommit(objects, head);
  return { tree, clean: true, unmerged: [], messages: [], conflicts: [], neededRenameLimit: 0 };
};
