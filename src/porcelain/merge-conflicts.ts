import { GitError } from '../base/errors.js';
import type { Stage, Stages } from '../merge/hook.js';
import type { Resolution } from '../merge/resolve.js';
import { MODE_FILE } from '../objects/mode.js';
import { addFile } from '../worktree/add-file.js';
import { CheckoutWriter, FileRemover } from '../worktree/checkout-writer.js';
import { IndexEntry } from '../worktree/index-entry.js';
import type { WorkTree } from '../worktree/work-tree.js';

/** A path that waits to be resolved, as the index has it. */
export interface OpenConflict {
  readonly path: string;
  readonly stages: Stages;
}

/** The conflicts of a merge, cherry-pick or revert that is under way, by path. */
export function openConflicts(tree: WorkTree): OpenConflict[] {
  return tree.index.conflictedPaths().map((path) => ({ path, stages: stagesOf(tree, path) }));
}

function stagesOf(tree: WorkTree, path: string): Stages {
  const at = (n: number): Stage | undefined => {
    const entry = tree.index.get(path, n);
    return entry === undefined ? undefined : { mode: entry.mode, oid: entry.oid };
  };
  return { base: at(1), ours: at(2), theirs: at(3) };
}

/**
 * Settles one conflict in index and work tree: by a side (one that has nothing there removes the file), by content, or
 * `as-is`, by what the file holds now. Answers what is left. Throws `PATH_MISSING` where the path has no conflict.
 */
export async function settleConflict(tree: WorkTree, path: string, resolution: Resolution): Promise<OpenConflict[]> {
  await tree.updateIndex(async (index) => {
    if (index.firstOf(path) < 0 || index.get(path) !== undefined) {
      throw new GitError('PATH_MISSING', `path '${path}' has no conflict`, { data: { path } });
    }
    const stages = stagesOf(tree, path);
    if (resolution === 'as-is') {
      const stat = tree.lstat(path);
      if (stat === undefined) index.remove(path);
      else await addFile(tree, path, stat, { always: true });
      return;
    }
    let stage: Stage | undefined;
    if (typeof resolution === 'string') stage = resolution === 'delete' ? undefined : stages[resolution];
    else {
      const mode = resolution.mode ?? stages.ours?.mode ?? stages.theirs?.mode ?? MODE_FILE;
      stage = { mode, oid: await tree.repository.objects.write('blob', resolution.content) };
    }
    if (stage === undefined) {
      const remover = new FileRemover(tree);
      remover.remove(path);
      remover.finish();
      index.remove(path);
      return;
    }
    const entry = IndexEntry.create({ path, mode: stage.mode, oid: stage.oid });
    const written = await new CheckoutWriter(tree).write(entry);
    if (!written.ok) throw new GitError('WORKTREE_DIRTY', written.message, { data: { path } });
    index.add(entry.withStat(written.stat), { replace: true });
  });
  return openConflicts(tree);
}
