import { parsePathspec } from '../repo/pathspec.js';
import type { Oid } from '../base/oid.js';
import { mergeTrees } from '../merge/tree.js';
import { applyTreeMerge } from '../worktree/apply-merge.js';
import { Switch } from '../worktree/switch.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { writeIndexTree } from '../worktree/write-tree.js';
import { addToIndex } from './add.js';
import { MergeDrivers } from './merge-drivers.js';
import type { MergeSettings } from './merge-settings.js';
import { mergeSettings, treeOptions } from './merge-settings.js';

export interface CarryOptions {
  /** What the sides are called in conflict markers. */
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
  readonly style?: string | undefined;
  readonly overwriteIgnored: boolean;
  readonly print: (text: string) => void;
  readonly error: (text: string) => void;
}

/** `checkout -m`: goes to `to` and merges the local changes into it. Answers the exit code. */
export async function carryChanges(
  tree: WorkTree,
  from: Oid<'tree'>,
  to: Oid<'tree'>,
  options: CarryOptions,
): Promise<number> {
  const { repository } = tree;
  const lock = tree.lockIndex();
  try {
    tree.reloadIndex();
    // Untracked files in the way are not merged over.
    const probe = await new Switch(tree, [from, to], {
      way: 'twoway',
      update: true,
      overwriteIgnored: options.overwriteIgnored,
    }).plan();
    const untracked = probe.refusals.find(
      ({ kind }) => kind.startsWith('untracked') || kind === 'not-uptodate-directory',
    );
    if (untracked !== undefined) {
      const { porcelainRefusal } = await import('../worktree/switch-errors.js');
      options.error(porcelainRefusal(untracked, 'checkout', true));
      options.print('');
      return 1;
    }
    await addToIndex(tree, { pathspec: parsePathspec([]), newFiles: false, removals: true, updates: true });
    const local = await writeIndexTree(tree.index, repository.objects, {});
    const settings = withStyle(mergeSettings(repository.config, { porcelain: false }), options.style);
    const drivers = new MergeDrivers(repository, settings, {
      attributes: (path) => tree.attributes.of(path),
      warn: tree.warn,
    });
    const merge = await mergeTrees(
      repository.objects,
      drivers.driverFor,
      { base: from, ours: to, theirs: local },
      { path: '', labels: { base: options.base, ours: options.ours, theirs: options.theirs }, depth: 0, nesting: 0 },
      treeOptions(settings),
    );
    for (const message of merge.messages)
      if (!/^Auto-merging /.test(message.text) || merge.unmerged.length > 0) options.print(`${message.text}\n`);
    const applied = await applyTreeMerge(tree, local, merge, { overwriteIgnored: options.overwriteIgnored });
    for (const message of applied.errors) options.error(message);
    // The files stay merged; the index goes back to the new branch where there is no conflict.
    const index = tree.index;
    const conflicts = new Map(index.conflictedPaths().map((path) => [path, index.stages(path)]));
    for (const path of conflicts.keys()) index.remove(path);
    await resetEntries(tree, to);
    for (const [path, stages] of conflicts) {
      index.remove(path);
      for (const entry of stages) index.add(entry, { unchecked: true });
    }
    index.resolveUndo = undefined;
    tree.commitIndex(lock);
    return 0;
  } finally {
    lock.rollback();
  }
}

const withStyle = (settings: MergeSettings, style: string | undefined): MergeSettings =>
  style === undefined ? settings : ({ ...settings, style } as MergeSettings);

/** Makes the index a tree's, keeping stat words of entries that are equal. */
export async function resetEntries(tree: WorkTree, to: Oid<'tree'> | undefined): Promise<void> {
  const change = new Switch(tree, [to], { way: 'oneway', update: false, reset: 'protect-untracked' });
  await change.plan();
  await change.apply();
}
