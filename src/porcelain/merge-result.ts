import type { Oid } from '../base/oid.js';
import { zeroOid } from '../base/oid.js';
import type { FilePair } from '../diff/pair.js';
import { ObjectSide } from '../diff/pair.js';
import { detectRenames } from '../diff/renames.js';
import type { TreeMerge } from '../merge/tree.js';
import { CheckoutWriter } from '../worktree/checkout-writer.js';
import { IndexEntry } from '../worktree/index-entry.js';
import { diffIndexWithTree } from '../worktree/index-diff.js';
import { Switch } from '../worktree/switch.js';
import { porcelainRefusal } from '../worktree/switch-errors.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { writeState } from './merge-state.js';
import type { Talk } from './talk.js';

export interface ApplyOptions {
  /** What is being done, for refusals: `merge`, `cherry-pick`… */
  readonly action: string;
  readonly overwriteIgnored?: boolean | undefined;
  /** Leave `AUTO_MERGE` behind. */
  readonly autoMerge?: boolean | undefined;
  readonly talk: Talk;
}

/** Tells about paths of the index that differ from the head; answers whether there are any. */
export async function refuseStaged(
  tree: WorkTree,
  head: Oid<'tree'> | undefined,
  talk: Talk,
  options: { readonly moves?: boolean } = {},
): Promise<boolean> {
  const { objects, objectFormat } = tree.repository;
  const staged = await diffIndexWithTree(objects, tree.index, head);
  if (staged.length === 0) return false;
  const none = zeroOid(objectFormat);
  const pairs: FilePair[] = staged.map(({ path, oldMode, oldOid, entry, stages }) => {
    const now = entry ?? stages?.find((stage) => stage !== undefined);
    return {
      status: oldMode === 0 ? 'A' : now === undefined ? 'D' : 'M',
      old: new ObjectSide(objects, path, oldMode, oldOid ?? none),
      new: new ObjectSide(objects, path, now?.mode ?? 0, now?.oid ?? none),
      score: 0,
    };
  });
  // As in a diff, a file that moved is named once, by its new name.
  const setting = tree.repository.config.getBoolOrString('diff.renames') ?? true;
  const find = typeof setting === 'string' && /^cop(?:y|ies)$/.test(setting) ? 'copies' : 'renames';
  const plain = options.moves === false || setting === false || pairs.length < 2;
  const told = plain ? pairs : (await detectRenames(pairs, { find })).pairs;
  const paths = told.map(({ new: { path } }) => path).join(' ');
  talk.err(`error: Your local changes to the following files would be overwritten by merge:\n  ${paths}\n`);
  return true;
}

/**
 * Brings work tree and index from `from` to what a merge came to: files of the merged tree, and stages for paths that
 * stay unmerged. Nothing is touched when local changes or untracked files are in the way; then the answer is `false`
 * and the reasons are told. Writes the index.
 */
export async function applyMerge(
  tree: WorkTree,
  from: Oid<'tree'> | undefined,
  merged: Pick<TreeMerge, 'tree' | 'unmerged'>,
  options: ApplyOptions,
): Promise<boolean> {
  const lock = tree.lockIndex();
  try {
    if (!(await switchTrees(tree, from, merged.tree, options))) {
      lock.rollback();
      return false;
    }
    await recordUnmerged(tree, merged);
    tree.index.changed = true;
    tree.commitIndex(lock);
  } catch (error) {
    lock.rollback();
    throw error;
  }
  if (options.autoMerge === true) writeState(tree.repository, 'AUTO_MERGE', `${merged.tree}\n`);
  return true;
}

/** A two-way switch in memory and on disk; the caller holds the lock and writes the index. */
export async function switchTrees(
  tree: WorkTree,
  from: Oid<'tree'> | undefined,
  to: Oid<'tree'>,
  options: ApplyOptions,
): Promise<boolean> {
  const plan = new Switch(tree, [from, to], {
    way: 'twoway',
    update: true,
    overwriteIgnored: options.overwriteIgnored !== false,
  });
  const { refusals } = await plan.plan();
  if (refusals.length > 0) {
    const advice =
      tree.repository.env['GIT_ADVICE'] !== '0' && tree.repository.config.getBool('advice.commitbeforemerge', true);
    for (const refusal of refusals) {
      options.talk.err(`error: ${porcelainRefusal(refusal, options.action, advice)}\n`);
    }
    options.talk.err('Aborting\n');
    return false;
  }
  for (const message of await plan.apply()) options.talk.err(`error: ${message}\n`);
  return true;
}

async function recordUnmerged(tree: WorkTree, merged: Pick<TreeMerge, 'tree' | 'unmerged'>): Promise<void> {
  const { index } = tree;
  const skipped = merged.unmerged.map(({ path }) => index.get(path)).filter((entry) => entry?.skipWorktree === true);
  index.removeAll(new Set(merged.unmerged.map(({ path }) => path)));
  for (const { path, stages } of merged.unmerged) {
    [stages.base, stages.ours, stages.theirs].forEach((stage, i) => {
      if (stage === undefined) return;
      index.add(IndexEntry.create({ path, mode: stage.mode, oid: stage.oid, stage: i + 1 }), { unchecked: true });
    });
  }
  // A conflict cannot stay outside of a sparse checkout: its file is there to be resolved.
  const writer = new CheckoutWriter(tree);
  for (const entry of skipped) {
    if (tree.lstat(entry!.path) === undefined) await writer.write(entry!.withFlags(0));
  }
}
