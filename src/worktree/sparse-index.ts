import { isPromise } from '../base/awaitable.js';
import { compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isTreeMode } from '../objects/mode.js';
import type { ObjectSource } from '../objects/source.js';
import { checkTreeDepth, parseTree } from '../objects/tree.js';
import { FLAG_SKIP_WORKTREE, IndexEntry } from './index-entry.js';
import type { Index } from './index-file.js';

/**
 * An index of a sparse checkout may have one entry for a whole directory that is not checked out. Here each file has its
 * own: the directories are replaced by what their trees hold, marked as not checked out. Throws `OBJECT_MISSING` where
 * such a tree is not there.
 */
export function expandSparseIndex(index: Index, objects: ObjectSource): void {
  if (!index.sparseDirectories) return;
  index.sparseDirectories = false;
  index.expanded = true;
  const out: IndexEntry[] = [];
  const expand = (oid: Oid, prefix: string, depth: number): void => {
    checkTreeDepth(depth);
    const object = objects.read(oid);
    if (isPromise(object)) throw new GitError('UNSUPPORTED', 'a sparse index needs objects that are at hand');
    if (object?.kind !== 'tree') throw new GitError('OBJECT_MISSING', `unable to read tree (${oid})`);
    for (const { mode, name, oid: below } of parseTree(object.data, index.oidLength)) {
      const path = prefix + name;
      if (isTreeMode(mode)) expand(below, `${path}/`, depth + 1);
      else out.push(IndexEntry.create({ path, mode, oid: below, flags: FLAG_SKIP_WORKTREE }));
    }
  };
  for (const entry of index.entries) {
    if (isTreeMode(entry.mode)) expand(entry.oid, entry.path, 0);
    else out.push(entry);
  }
  index.entries = out.sort((a, b) => compareText(a.path, b.path) || a.stage - b.stage);
  index.cacheTree = undefined;
}
