import type { Oid } from '../base/oid.js';
import { parseCommitLinks } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import type { Repository } from '../repo/repository.js';
import { diffIndexWithTree } from '../worktree/index-diff.js';
import { refreshIndex } from '../worktree/refresh.js';
import { WorkTree } from '../worktree/work-tree.js';

/** Why the work tree is not clean, as `pull --rebase` says it; `undefined` where it is. */
export async function stagedOrDirty(repository: Repository): Promise<string | undefined> {
  const tree = new WorkTree(repository);
  const dirty = !(await refreshIndex(tree, { ignoreSubmodules: true }));
  const head = await repository.refs.resolve('HEAD');
  const base =
    head === undefined ? undefined : parseCommitLinks(await readKind(repository.objects, head, 'commit')).tree;
  const staged = (await diffIndexWithTree(repository.objects, tree.index, base)).length > 0;
  if (dirty && staged)
    return 'You have unstaged changes.\nerror: additionally, your index contains uncommitted changes.';
  if (dirty) return 'You have unstaged changes.';
  if (staged) return 'Your index contains uncommitted changes.';
  return undefined;
}

/** The tree of a commit. */
export async function treeOf(repository: Repository, commit: Oid): Promise<Oid<'tree'>> {
  return parseCommitLinks(await readKind(repository.objects, commit, 'commit')).tree;
}
