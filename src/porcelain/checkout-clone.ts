import type { Oid } from '../base/oid.js';
import { parseCommitLinks } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import type { Repository } from '../repo/repository.js';
import { Switch } from '../worktree/switch.js';
import { WorkTree } from '../worktree/work-tree.js';

/** Fills the work tree of a fresh clone. Answers messages about files that could not be written. */
export async function checkOutClone(
  repository: Repository,
  head: Oid,
  say: { readonly warn: (message: string) => void; readonly error: (message: string) => void },
  progress: ((done: number, total: number) => void) | undefined,
): Promise<readonly string[]> {
  const { tree } = parseCommitLinks(await readKind(repository.objects, head, 'commit'));
  const at = await repository.refs.readRaw('HEAD');
  const meta = { ...(at?.kind === 'symbolic' ? { ref: at.target } : {}), treeish: head };
  const workTree = new WorkTree(repository, say);
  const lock = workTree.lockIndex();
  try {
    const change = new Switch(workTree, [tree], { way: 'oneway', update: true, initial: true, meta, progress });
    await change.plan();
    const errors = await change.apply();
    workTree.writeLockedIndex(lock);
    lock.commit();
    return errors;
  } finally {
    lock.rollback();
  }
}
