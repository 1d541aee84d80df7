import { decodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { isOid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';
import { peelTo } from '../repo/revision.js';
import { CommitCache } from '../transport/commit-cache.js';
import { isAncestor } from '../transport/receive-update.js';
import type { Remotes } from '../transport/remote-config.js';
import { branchConfig } from '../transport/remote-config.js';
import { readShallow } from '../transport/shallow.js';

/** The commits that FETCH_HEAD offers for merging. */
export function mergeHeads(repository: Repository): Oid[] {
  const bytes = repository.platform.fs.readFile(repository.path('FETCH_HEAD'));
  if (bytes === undefined) return [];
  const heads: Oid[] = [];
  for (const line of decodeText(bytes).split('\n')) {
    const [id, mark] = line.split('\t');
    if (id !== undefined && isOid(id) && mark === '') heads.push(id);
  }
  return heads;
}

/** How our HEAD stands to what was fetched. */
export interface Standing {
  /** HEAD is an ancestor of the one head. */
  readonly canFastForward: boolean;
  /** All heads are in HEAD already. */
  readonly upToDate: boolean;
}

export async function standing(repository: Repository, head: Oid, named: readonly Oid[]): Promise<Standing> {
  const others: Oid[] = [];
  for (const oid of named) others.push((await peelTo(repository, oid, 'commit', () => {})) ?? oid);
  const commits = new CommitCache(repository.objects, readShallow(repository));
  const first = others[0];
  const canFastForward = others.length === 1 && first !== undefined && (await isAncestor(commits, head, first));
  let upToDate = true;
  for (const other of others) if (!(await isAncestor(commits, other, head))) upToDate = false;
  return { canFastForward, upToDate };
}

/** Why there is nothing to merge, in git's words (printed without `fatal: `). */
export function noCandidates(
  repository: Repository,
  remotes: Remotes,
  request: {
    readonly remote: string | undefined;
    readonly refspecs: readonly string[];
    readonly rebase: boolean;
    readonly branch: string | undefined;
  },
): string {
  const { remote, refspecs, rebase, branch } = request;
  if (refspecs.length > 0) {
    const first = rebase
      ? 'There is no candidate for rebasing against among the refs that you just fetched.\n'
      : 'There are no candidates for merging among the refs that you just fetched.\n';
    return `${first}Generally this means that you provided a wildcard refspec which had no\nmatches on the remote end.\n`;
  }
  const settings = branch === undefined ? undefined : branchConfig(repository.config, branch);
  if (remote !== undefined && branch !== undefined && (settings?.remote === undefined || remote !== settings.remote)) {
    return (
      `You asked to pull from the remote '${remote}', but did not specify\n` +
      'a branch. Because this is not the default configured remote\n' +
      'for your current branch, you must specify a branch on the command line.\n'
    );
  }
  const which = rebase
    ? 'Please specify which branch you want to rebase against.\n'
    : 'Please specify which branch you want to merge with.\n';
  if (branch === undefined) {
    return `You are not currently on a branch.\n${which}See git-pull(1) for details.\n\n    git pull <remote> <branch>\n\n`;
  }
  if (settings === undefined || settings.merge.length === 0) {
    const names = remotes.names();
    const shown = names.length === 1 ? names[0] : '<remote>';
    return (
      `There is no tracking information for the current branch.\n${which}See git-pull(1) for details.\n\n` +
      '    git pull <remote> <branch>\n\n' +
      'If you wish to set tracking information for this branch you can do so with:\n\n' +
      `    git branch --set-upstream-to=${shown}/<branch> ${branch}\n\n`
    );
  }
  return (
    `Your configuration specifies to merge with the ref '${settings.merge[0]}'\n` +
    'from the remote, but no such ref was fetched.\n'
  );
}
