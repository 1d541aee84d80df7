import type { Oid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';
import { findRefs } from '../repo/revision-branch.js';
import type { SmudgeOptions } from '../worktree/convert.js';

/**
 * What a long-running filter is told of where its files come from (gitattributes(5), `ref` and `treeish`): the commit,
 * and the ref that `name` means, where it means one.
 */
export async function smudgeMeta(
  repository: Repository,
  name: string,
  commit: Oid | undefined,
): Promise<SmudgeOptions> {
  if (commit === undefined) return {};
  const found = await findRefs(repository, name);
  return { treeish: commit, ...(found.length === 1 ? { ref: found[0]!.final } : {}) };
}
