import { compareText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import type { TreeMerge } from '../merge/tree.js';
import { IndexEntry } from './index-entry.js';
import type { Index } from './index-file.js';
import type { SwitchOptions } from './switch.js';
import { Switch } from './switch.js';
import type { Refusal } from './switch-errors.js';
import type { WorkTree } from './work-tree.js';

/**
 * Brings index and files from `from` to the result of a merge: merged files are written, conflicts get their stages in
 * the index and their attempt on disk. Refuses, touching nothing, where local changes would be lost. The caller holds
 * the index's lock and writes it.
 */
export async function applyTreeMerge(
  tree: WorkTree,
  from: Oid<'tree'> | undefined,
  merge: Pick<TreeMerge, 'tree' | 'unmerged'>,
  options: Partial<SwitchOptions> = {},
): Promise<{ readonly refusals: readonly Refusal[]; readonly errors: readonly string[] }> {
  const change = new Switch(tree, [from, merge.tree], {
    way: 'twoway',
    update: true,
    overwriteIgnored: true,
    initial: !tree.index.existed,
    ...options,
  });
  const plan = await change.plan();
  if (plan.refusals.length > 0) return { refusals: plan.refusals, errors: [] };
  const errors = await change.apply();
  putStages(tree.index, merge.unmerged);
  return { refusals: [], errors };
}

/** Puts the stages of unmerged paths into the index, in the place of what it has there. */
function putStages(index: Index, unmerged: TreeMerge['unmerged']): void {
  if (unmerged.length === 0) return;
  for (const { path } of unmerged) index.remove(path);
  for (const { path, stages } of [...unmerged].sort((a, b) => compareText(a.path, b.path))) {
    [stages.base, stages.ours, stages.theirs].forEach((stage, i) => {
      if (stage !== undefined) {
        index.add(IndexEntry.create({ path, mode: stage.mode, oid: stage.oid, stage: i + 1 }), { unchecked: true });
      }
    });
  }
  index.resolveUndo = undefined;
}
