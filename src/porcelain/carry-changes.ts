import type { Oid } from '../base/oid.js';
import { GitError } from '../base/errors.js';
import type { Refusal } from '../worktree/switch-errors.js';
import type { WorkTree } from '../worktree/work-tree.js';
import type { ApplyLabels } from './stash.js';
import { applyStash, createStash, everything, findStash, resetHard, storeStash } from './stash.js';
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
  | { readonly status: 'refused'; readonly refusals: readonly Refusal[] };

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
    return moved.ok ? { status: 'applied', errors: moved.errors } : { status: 'refused', refusals: moved.refusals };
  }
  await resetHard(tree, from);
  const moved = await moveWorkTree(tree, from, to, options);
  const entry = await findStash(tree.repository, created.commit);
  if (!moved.ok) {
    await apply(tree, entry, {});
    return { status: 'refused', refusals: moved.refusals };
  }
  const applied = await apply(tree, entry, options.labels);
  if (applied) return { status: 'applied', errors: moved.errors };
  await storeStash(tree.repository, created.commit, message);
  return { status: 'conflicted', errors: moved.errors };
}

/** With what was staged where that goes, without where it does not. */
async function apply(
  tree: WorkTree,
  entry: Awaited<ReturnType<typeof findStash>>,
  labels: ApplyLabels,
): Promise<boolean> {
  let result: Awaited<ReturnType<typeof applyStash>>;
  try {
    result = await applyStash(tree, entry, true, labels);
  } catch (error) {
    if (!(error instanceof GitError) || !error.message.startsWith('conflicts in index')) throw error;
    result = await applyStash(tree, entry, false, labels);
  }
  return result.status === 'applied';
}
