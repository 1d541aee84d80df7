import { GitError } from '../base/errors.js';
import type { Repository } from '../repo/repository.js';
import { trackingRef } from '../repo/tracking.js';
import { currentBranch } from '../repo/revision-branch.js';

/** The remote-tracking refs that the current branch follows (several where it merges several). */
export async function upstreamRefs(repository: Repository): Promise<string[]> {
  const head = await currentBranch(repository);
  if (head === undefined) throw new GitError('REF_MISSING', 'No current branch.');
  const branch = head.replace(/^refs\/heads\//, '');
  const { config } = repository;
  const remote = config.get(`branch.${branch}.remote`);
  if (remote === undefined) throw new GitError('REF_MISSING', 'No remote for the current branch.');
  const merges = config.getAll(`branch.${branch}.merge`);
  if (merges.length === 0) {
    throw new GitError('REF_MISSING', 'No default upstream defined for the current branch.');
  }
  return merges.map((ref) => {
    const tracked = remote === '.' ? ref : trackingRef(config, remote, ref);
    if (tracked === undefined) {
      throw new GitError('REF_MISSING', `No remote-tracking branch for ${ref} from ${remote}`);
    }
    return tracked;
  });
}
