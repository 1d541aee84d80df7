import type { Oid } from '../base/oid.js';
import { GitError } from '../base/errors.js';
import { diffIndexWithTree } from '../worktree/index-diff.js';
import type { Refusal } from '../worktree/switch-errors.js';
import type { WorkTree } from '../worktree/work-tree.js';
import type { ApplyLabels } from './stash.js';
import { applyStash, createStash, everything, findStash, resetLooked, storeStash } from './stash.js';
import type { MoveOptions } from './switch-branch.js';
import { moveWorkTree } from './switch-branch.js';

export interface CarryOptions extends MoveOptions {
  /** What is switched to, for the stash's message and the conflict markers. */
  readonly name: string;
  readonly labels: ApplyLabels;
}

export type Carried =
  /** The changes are on top of the new state. */
  | { readonly status: 'applied'; readonly errors: readonly string[] }
  /** They conflict: markers and stages are there, and the changes are on the stash list too. */
  | { readonly status: 'conflicted'; readonly errors: readonly string[] }
  /** Something else is in the way; everything is as before. */
  | { readonly status: 'refused'; readonly refusals: readonly Refusal[]; readonly stashed: boolean };

/** `checkout -m`: puts local changes aside, goes to `to`, and merges them in there. */
export async function carryChanges(
  tree: WorkTree,
  from: Oid<'tree'>,
  to: Oid<'tree'>,
  options: CarryOptions,
): Promise<Carried> {
  const message = `autostash while switching to '${options.name}'`;
  tree.reloadIndex();
  const created = await createStash(tree, {
    message,
    pathspec: everything(),
    limited: false,
    untracked: 'no',
    keepIndex: false,
    staged: false,
  });
  if (created === undefined) {
    const moved = await moveWorkTree(tree, from, to, options);
    return moved.ok
      ? { status: 'applied', errors: moved.errors }
      : { status: 'refused', refusals: moved.refusals, stashed: false };
  }
  await refuseOverUntracked(tree, from);
  await resetLooked(tree, from);
  const moved = await moveWorkTree(tree, from, to, options);
  const entry = await findStash(tree.repository, created.commit);
  if (!moved.ok) {
    await apply(tree, entry, {});
    return { status: 'refused', refusals: moved.refusals, stashed: true };
  }
  const applied = await apply(tree, entry, options.labels);
  if (applied) return { status: 'applied', errors: moved.errors };
  await storeStash(tree.repository, created.commit, message);
  return { status: 'conflicted', errors: moved.errors };
}

/** A file that was taken from the index only is nobody's now, and would be lost. */
async function refuseOverUntracked(tree: WorkTree, from: Oid<'tree'>): Promise<void> {
  const lost: string[] = [];
  for (const { path, oldMode, entry, stages } of await diffIndexWithTree(tree.repository.objects, tree.index, from)) {
    if (oldMode === 0 || entry !== undefined || stages !== undefined || tree.hasSymlinkParent(path)) continue;
    if (tree.lstat(path) !== undefined && !tree.ignores.isIgnored(path, false)) lost.push(`\t${path}\n`);
  }
  if (lost.length === 0) return;
  throw new GitError('WORKTREE_DIRTY', 'could not reset --hard', {
    data: {
      preface: `error: The following untracked working tree files would be overwritten by reset:\n${lost.join('')}Please move or remove them before you reset.\nAborting\n`,
    },
  });
}

/** What was staged is staged no more, but for new files. */
async function apply(
  tree: WorkTree,
  entry: Awaited<ReturnType<typeof findStash>>,
  labels: ApplyLabels,
): Promise<boolean> {
  return (await applyStash(tree, entry, false, labels)).status === 'applied';
}
