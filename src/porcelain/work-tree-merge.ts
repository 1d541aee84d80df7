import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import type { Resolution } from '../merge/resolve.js';
import type { Repository } from '../repo/repository.js';
import { WorkTree } from '../worktree/work-tree.js';
import { writeIndexTree } from '../worktree/write-tree.js';
import { advanceHead, writeCommit } from './commit.js';
import type { MergeAnswer, MergeOptions } from './merge.js';
import { abortMerge, WorkTreeMerge } from './merge.js';
import { type OpenConflict, openConflicts, settleConflict } from './merge-conflicts.js';
import { mergeSettings } from './merge-settings.js';
import { readState, readStateOids, removeMergeState } from './merge-state.js';
import { cleanMessage, commentPrefix } from './message.js';
import { silent } from './talk.js';

export type { OpenConflict } from './merge-conflicts.js';

/** A merge in the work tree, for programs. Everything not said is as `git merge --no-edit` has it. */
export type WorkTreeMergeOptions = Partial<Omit<MergeOptions, 'settings' | 'custom' | 'twoHead' | 'octopus'>>;

/** What became of a merge in the work tree. */
export interface WorkTreeMergeAnswer extends MergeAnswer {
  /** What waits to be resolved, by path; `settle` and `finish` go on from there. */
  readonly conflicts: readonly OpenConflict[];
  /** What `git merge` would have printed. */
  readonly said: string;
}

/**
 * Merges into the branch that is checked out, index and work tree included: `git merge`. `options.strategies` names
 * git's, or those given to `open()`. Conflicts are an answer. Throws where a merge cannot begin.
 */
export async function merge(
  repository: Repository,
  names: readonly string[],
  options: WorkTreeMergeOptions = {},
): Promise<WorkTreeMergeAnswer> {
  const tree = openTree(repository);
  let said = '';
  const say = (text: string) => {
    said += text;
  };
  const full: MergeOptions = {
    fastForward: 'allow',
    squash: false,
    commit: true,
    edit: false,
    log: 0,
    cleanup: 'whitespace',
    hintCleanup: 'strip',
    signoff: false,
    verify: true,
    autostash: false,
    allowUnrelated: false,
    overwriteIgnored: true,
    strategies: [],
    strategyOptions: [],
    quiet: false,
    ...options,
    settings: () => mergeSettings(repository.config, { porcelain: true }),
    twoHead: [],
    octopus: [],
  };
  const answer = await new WorkTreeMerge(tree, full, { out: say, err: say }).run(names);
  return { ...answer, conflicts: openConflicts(openTree(repository)), said };
}

/** The conflicts of the merge, cherry-pick or revert that is under way, by path. */
export const conflicts = (repository: Repository): OpenConflict[] => openConflicts(openTree(repository));

/** Settles one conflict by a side, by content, by deletion, or as the file is now; answers what is left. */
export const settle = (repository: Repository, path: string, resolution: Resolution): Promise<OpenConflict[]> =>
  settleConflict(openTree(repository), path, resolution);

/** Commits the merge that is under way: `git merge --continue`. Throws `USAGE` while conflicts are open. */
export async function finish(repository: Repository, message?: string): Promise<Oid<'commit'>> {
  const tree = openTree(repository);
  const heads = readStateOids(repository, 'MERGE_HEAD') as Oid<'commit'>[];
  if (heads.length === 0) throw new GitError('USAGE', 'There is no merge in progress (MERGE_HEAD missing).');
  const [open] = openConflicts(tree);
  if (open !== undefined) throw new GitError('USAGE', `'${open.path}' is not resolved`, { data: { path: open.path } });
  const head = (await repository.refs.resolve('HEAD')) as Oid<'commit'>;
  const text =
    message ?? cleanMessage(readState(repository, 'MERGE_MSG') ?? '', 'strip', commentPrefix(repository.config));
  const commit = await writeCommit(repository, {
    tree: await writeIndexTree(tree.index, repository.objects),
    parents: [head, ...heads],
    author: repository.identity('author'),
    committer: repository.identity('committer'),
    message: text === '' || text.endsWith('\n') ? text : `${text}\n`,
  });
  await advanceHead(repository, commit, head, 'commit (merge)', text);
  removeMergeState(repository);
  return commit;
}

/** Gives the merge up and brings back what was there before: `git merge --abort`. */
export const abort = (repository: Repository): Promise<void> => abortMerge(openTree(repository), silent);

function openTree(repository: Repository): WorkTree {
  const tree = new WorkTree(repository);
  tree.requireRoot();
  return tree;
}
