import type { NonEmpty } from '../base/awaitable.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { type Contents, driver } from '../contents/contents.js';
import { Ancestry, commitReader } from '../history/merge-base.js';
import type { Conflict } from '../merge/hook.js';
import { ort, type Strategy, type StrategyRequest } from '../merge/strategy.js';
import type { TreeOptions, UnmergedPath } from '../merge/tree.js';
import type { ObjectStore } from '../objects/source.js';

/**
 * The usual strategy: git's (`ort`), with the type's own merge for every value. Paths are keys here, so a value is
 * never taken for a renamed one, unless `renames` asks for it.
 */
export const typedMerge =
  (options: TreeOptions = {}): Strategy =>
  (request) =>
    ort({ ...request, options: { ...request.options, ...options } });

/** How the values of a type merge, as strategies are told. */
export function typedDrivers(
  contents: Contents<unknown>,
): Pick<StrategyRequest, 'driverFor' | 'abbreviate' | 'options'> {
  const typed = driver(contents);
  return {
    driverFor: () => typed,
    abbreviate: (oid) => oid.slice(0, 7),
    options: { renames: false, directoryRenames: false, asks: () => typed.sameChange === 'ask' },
  };
}

/** Have two heads any history in common? */
export async function areRelated(ancestry: Ancestry, ours: Oid<'commit'>, theirs: Oid<'commit'>): Promise<boolean> {
  return ours === theirs || (await ancestry.mergeBases(ours, [theirs])).length > 0;
}

/** The search for common ancestors among the commits of a store of objects. */
export const newAncestry = (objects: ObjectStore): Ancestry => new Ancestry(commitReader(objects));

/** How another branch is merged in. */
export interface MergeOptions {
  readonly strategy?: Strategy | undefined;
  /** `allow` (the default) moves the branch without a commit where that is all it takes; `only` refuses anything else. */
  readonly fastForward?: 'allow' | 'only' | 'never' | undefined;
  /** Merge histories that have no common commit: every value counts as added by both. */
  readonly unrelated?: boolean | undefined;
}

/** What became of a merge; `head` is the commit of the branch afterwards. */
export type Outcome =
  | { readonly status: 'up-to-date' | 'fast-forward' | 'merged'; readonly head: Oid<'commit'> }
  /** Nothing was committed. `tree` holds what merged, and the best attempt at each conflict. */
  | {
      readonly status: 'conflicted';
      readonly conflicts: NonEmpty<Conflict>;
      readonly tree: Oid<'tree'>;
      readonly ours: Oid<'commit'>;
      readonly theirs: Oid<'commit'>;
      /** The heads beyond `theirs` where several were merged at once. */
      readonly others: readonly Oid<'commit'>[];
      /** Rows for index stages 1 to 3 of each path that did not merge. */
      readonly unmerged: readonly UnmergedPath[];
    };

/** The refusal to merge what has no common commit. */
export const unrelatedHistories = (): GitError =>
  new GitError('UNRELATED_HISTORIES', 'refusing to merge unrelated histories', {
    hint: 'allow it explicitly where that is meant',
  });
