import { isPromise } from '../base/awaitable.js';
import { isGitlinkMode } from '../objects/mode.js';
import type { Pathspec } from '../repo/pathspec.js';
import type { IndexEntry } from './index-entry.js';
import { FLAG_ASSUME_VALID } from './index-entry.js';
import type { WorkTree } from './work-tree.js';

export interface RefreshOptions {
  readonly pathspec?: Pathspec | undefined;
  /** Look at entries that are assumed unchanged too. */
  readonly really?: boolean;
  readonly ignoreMissing?: boolean;
  readonly ignoreSubmodules?: boolean;
  /** Conflicts are not reported. */
  readonly unmerged?: boolean;
  /** Told of each path that is not up to date. */
  readonly report?: ((path: string, why: RefreshFinding) => void) | undefined;
  readonly ignoreSkipWorktree?: boolean;
}

export type RefreshFinding = 'unmerged' | 'modified' | 'deleted' | 'typechange' | 'added';

/**
 * Compares every entry with its file and takes over new stat words where the content is still the same. Answers
 * whether everything is up to date. git's `refresh_index`.
 */
export async function refreshIndex(tree: WorkTree, options: RefreshOptions = {}): Promise<boolean> {
  const { index } = tree;
  let clean = true;
  if (options.pathspec === undefined) tree.markClean();
  for (let i = index.nextStale(0), count = index.count; i < count; i = index.nextStale(i + 1)) {
    const entry = index.entryAt(i);
    if (options.ignoreSubmodules === true && isGitlinkMode(entry.mode)) continue;
    if (options.pathspec !== undefined && !options.pathspec.matches(entry.path)) continue;
    if (entry.stage !== 0) {
      while (i + 1 < count && index.pathAt(i + 1) === entry.path) i++;
      if (options.unmerged === true) continue;
      options.report?.(entry.path, 'unmerged');
      clean = false;
      continue;
    }
    const step = refreshEntry(tree, entry, options);
    const refreshed = isPromise(step) ? await step : step;
    if (typeof refreshed === 'string') {
      // Whoever takes a changed file for unchanged is told otherwise.
      if (options.really === true && entry.assumeValid && refreshed !== 'deleted') {
        index.refreshAt(i, entry.withFlags(entry.flags & ~FLAG_ASSUME_VALID));
      }
      if (refreshed === 'deleted' && options.ignoreMissing === true) continue;
      options.report?.(entry.path, entry.intentToAdd && refreshed === 'modified' ? 'added' : refreshed);
      clean = false;
    } else if (refreshed !== entry) index.refreshAt(i, refreshed);
  }
  return clean;
}

/** The entry with fresh stat words (itself where nothing changed), or what is wrong with it. */
export function refreshEntry(
  tree: WorkTree,
  entry: IndexEntry,
  options: { readonly really?: boolean; readonly ignoreSkipWorktree?: boolean } = {},
): IndexEntry | RefreshFinding | Promise<IndexEntry | RefreshFinding> {
  if (entry.fresh) return entry;
  if (entry.skipWorktree && options.ignoreSkipWorktree !== true) {
    entry.fresh = true;
    return entry;
  }
  if (entry.assumeValid && options.really !== true) {
    entry.fresh = true;
    return entry;
  }
  if (entry.path.includes('/') && tree.hasSymlinkParent(entry.path)) return 'deleted';
  const stat = tree.lstat(entry.path);
  if (stat === undefined) return 'deleted';
  const changed = tree.changedByStat(entry, stat);
  if (changed === 0 && !entry.intentToAdd && !isGitlinkMode(entry.mode) && !tree.index.isRacy(entry)) {
    entry.fresh = true;
    return entry;
  }
  const modified = tree.isModified(entry, stat, {
    ignoreValid: options.really === true,
    ignoreSkip: options.ignoreSkipWorktree === true,
  });
  const settle = (differs: boolean): IndexEntry | RefreshFinding => {
    if (differs) {
      const sameKind =
        stat.kind === 'file'
          ? (entry.mode & 0o170000) === 0o100000
          : stat.kind === 'symlink'
            ? entry.mode === 0o120000
            : isGitlinkMode(entry.mode);
      return sameKind ? 'modified' : 'typechange';
    }
    let fresh = entry;
    if (!isGitlinkMode(entry.mode) && changed !== 0) fresh = entry.withStat(stat);
    // `--really-refresh` found that an entry assumed unchanged is: the mark can go with the next real change.
    // What goes on in a submodule is looked at each time.
    if (!isGitlinkMode(entry.mode)) fresh.fresh = true;
    return fresh;
  };
  return isPromise(modified) ? modified.then(settle) : settle(modified);
}
