import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import type { Oid } from '../base/oid.js';
import { diffTrees } from '../diff/trees.js';
import type { PathFilter } from '../diff/trees.js';
import type { EntryLimit } from '../history/object-walk.js';
import type { PathLimit, TreeDifference } from '../history/walk.js';
import type { Pathspec } from '../repo/pathspec.js';
import type { Repository } from '../repo/repository.js';
import type { ChangedPathQuestion } from './log-bloom.js';

/** A pathspec as the filter of a walk over trees; nothing where it names everything. */
export function pathFilter(pathspec: Pathspec | undefined): PathFilter | undefined {
  if (pathspec === undefined || pathspec.isEmpty) return undefined;
  return (path, isTree, isSubmodule) => {
    if (isTree) {
      if (pathspec.matchesAllBelow(path)) return 'all';
      return pathspec.mayMatchBelow(path) || pathspec.matches(path, true) ? 'some' : 'no';
    }
    return pathspec.matches(path, isSubmodule) ? 'all' : 'no';
  };
}

export function entryLimit(pathspec: Pathspec): EntryLimit {
  return {
    entry(path, isDirectory) {
      if (isDirectory) {
        if (pathspec.matchesAllBelow(path)) return 'all';
        return pathspec.mayMatchBelow(path) ? 'some' : 'none';
      }
      return pathspec.matches(path) ? 'all' : 'none';
    },
  };
}

/** Says whether two trees differ on a pathspec, and how; reads no more than it takes to know. */
export function pathLimit(
  repository: Repository,
  pathspec: Pathspec,
  removeEmpty: boolean,
  question?: ChangedPathQuestion,
): PathLimit {
  const filter = pathFilter(pathspec);
  const options = { recursive: true, filter };
  return {
    question,
    compare(before: Oid<'tree'> | undefined, after: Oid<'tree'>): Awaitable<TreeDifference> {
      let added = false;
      let removed = false;
      const done = diffTrees(repository.objects, before, after, repository.oidLength, options, (change) => {
        if (change.oldMode === 0) added = true;
        else if (change.newMode === 0) removed = true;
        else added = removed = true;
        // Whether it is all additions matters only where emptied histories are cut off.
        if (!removeEmpty || (added && removed)) return false;
      });
      const answer = (): TreeDifference => (added && removed ? 'different' : added ? 'new' : removed ? 'old' : 'same');
      return isPromise(done) ? done.then(answer) : answer();
    },
  };
}
