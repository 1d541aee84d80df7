import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { treeOfCommit } from '../merge/history.js';
import { Switch } from '../worktree/switch.js';
import { firstRefusal } from '../worktree/switch-errors.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { primeCacheTree } from '../worktree/write-tree.js';
import { endPick } from './pick-state.js';
import { removeMergeState, removeState } from './merge-state.js';
import type { Talk } from './talk.js';

export interface ResetOptions {
  /** Unstaged changes of files that need not change are kept (`--merge`); else all is thrown away (`--hard`). */
  readonly keepChanges: boolean;
  /** Leave HEAD's log and state files alone. */
  readonly filesOnly?: boolean | undefined;
  readonly talk: Talk;
}

/** Brings index and work tree to a commit; `name` is how it was called. */
export async function hardReset(tree: WorkTree, name: string, options: ResetOptions): Promise<void> {
  const { repository } = tree;
  const head = (await repository.refs.resolve(name)) as Oid<'commit'> | undefined;
  if (head === undefined) throw new GitError('REF_MISSING', `Failed to resolve '${name}' as a valid revision.`);
  await resetFiles(tree, await treeOfCommit(repository.objects, head), name, options);
  if (options.filesOnly === true) return;
  const before = await repository.refs.resolve('HEAD');
  await repository.refs.update([{ name: 'ORIG_HEAD', to: before!, reason: 'updating ORIG_HEAD', unchecked: true }]);
  const done = await repository.refs.update([{ name: 'HEAD', to: head, reason: `reset: moving to ${name}` }]);
  if (!done.ok) throw new GitError('REF_CHANGED', done.message);
  endPick(repository);
  removeState(repository, 'SQUASH_MSG');
  removeMergeState(repository);
}

/** The part about files: index and work tree become the tree. */
export async function resetFiles(
  tree: WorkTree,
  to: Oid<'tree'>,
  name: string,
  options: Pick<ResetOptions, 'keepChanges' | 'talk'>,
): Promise<void> {
  const lock = tree.lockIndex();
  try {
    const plan = new Switch(tree, [to], {
      way: 'oneway',
      update: true,
      overwriteIgnored: true,
      ...(options.keepChanges ? {} : { reset: 'overwrite-untracked' as const }),
    });
    const refusal = firstRefusal((await plan.plan()).refusals);
    if (refusal !== undefined) {
      options.talk.err(`error: ${refusal}\n`);
      throw new GitError('WORKTREE_DIRTY', `Could not reset index file to revision '${name}'.`);
    }
    for (const message of await plan.apply()) options.talk.err(`error: ${message}\n`);
    tree.index.cacheTree = await primeCacheTree(tree.repository.objects, to);
    tree.index.changed = true;
    tree.commitIndex(lock);
  } catch (error) {
    lock.rollback();
    throw error;
  }
}
