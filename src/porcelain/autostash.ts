import type { Oid } from '../base/oid.js';
import { plainContext } from '../merge/hook.js';
import { treeOfCommit } from '../merge/history.js';
import { mergeTrees } from '../merge/tree.js';
import { parseCommit } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import type { Repository } from '../repo/repository.js';
import { currentBranch } from '../repo/revision-branch.js';
import { abbreviate } from '../repo/revision-short.js';
import { diffIndexWithTree } from '../worktree/index-diff.js';
import { refreshIndex } from '../worktree/refresh.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { writeIndexTree } from '../worktree/write-tree.js';
import { writeCommit } from './commit.js';
import { resetFiles } from './hard-reset.js';
import { historyRequest } from './merge-context.js';
import { applyMerge } from './merge-result.js';
import { mergeSettings } from './merge-settings.js';
import { renormalizer } from './renormalize.js';
import { subjectLine } from './message.js';
import { dirtyFiles, refuseIntended, workTreeTree } from './pristine.js';
import { refreshAndWrite } from './merge-strategies.js';
import type { Talk } from './talk.js';
import { silent } from './talk.js';

const REF = 'MERGE_AUTOSTASH';

/** Puts local changes aside in a stash of their own, if there are any, and makes the work tree clean. */
export async function createAutostash(tree: WorkTree, talk: Talk): Promise<void> {
  const { repository } = tree;
  await refreshAndWrite(tree);
  refuseIntended(tree, 'Cannot autostash');
  const head = (await repository.refs.resolve('HEAD')) as Oid<'commit'>;
  const headTree = await treeOfCommit(repository.objects, head);
  const dirty = await dirtyFiles(tree);
  const staged = await diffIndexWithTree(repository.objects, tree.index, headTree);
  if (dirty.length + staged.length === 0) return;
  const stash = await stashCommit(tree, head, 'autostash', dirty);
  await repository.refs.update([{ name: REF, to: stash, reason: '', noReflog: true }]);
  talk.out(`Created autostash: ${await abbreviate(repository, stash)}\n`);
  await resetFiles(tree, headTree, 'HEAD', { keepChanges: false, talk: silent });
}

/** The commit of a stash: its tree the work tree, its parents the head and a commit of the index. */
async function stashCommit(
  tree: WorkTree,
  head: Oid<'commit'>,
  message: string,
  dirty: Awaited<ReturnType<typeof dirtyFiles>>,
): Promise<Oid<'commit'>> {
  const { repository } = tree;
  const branch = (await currentBranch(repository)) ?? '(no branch)';
  const name = branch.replace(/^refs\/heads\//, '');
  const subject = subjectLine(parseCommit(await readKind(repository.objects, head, 'commit')).message);
  const who = { author: repository.identity('author'), committer: repository.identity('committer') };
  const index = await writeCommit(repository, {
    ...who,
    tree: await writeIndexTree(tree.index, repository.objects),
    parents: [head],
    message: `index on ${name}: ${await abbreviate(repository, head)} ${subject}\n`,
  });
  return writeCommit(repository, {
    ...who,
    tree: await workTreeTree(tree, dirty),
    parents: [head, index],
    message: `On ${name}: ${message}`,
  });
}

/** Brings changes that were put aside back; where they conflict they stay in the stash. */
export async function applyAutostash(tree: WorkTree, talk: Talk): Promise<void> {
  const { repository } = tree;
  const stash = (await repository.refs.resolve(REF)) as Oid<'commit'> | undefined;
  if (stash === undefined) return;
  if (await applyStash(tree, stash)) talk.err('Applied autostash.\n');
  else {
    await repository.refs.update([{ name: 'refs/stash', to: stash, reason: 'autostash', createReflog: true }]);
    talk.err(
      'Your local changes are stashed, however applying them\n' +
        'resulted in conflicts.  You can either resolve the conflicts\n' +
        'and then discard the stash with "git stash drop", or, if you\n' +
        'do not want to resolve them now, run "git reset --hard" and\n' +
        'apply the local changes later by running "git stash pop".\n',
    );
  }
  await repository.refs.update([{ name: REF, to: 'deleted', noReflog: true }]);
}

/** Keeps changes that were put aside as a stash of the usual kind: what they were to come back to has ended. */
export async function keepAutostash(repository: Repository, talk: Talk): Promise<void> {
  const stash = await repository.refs.resolve(REF);
  if (stash === undefined) return;
  await repository.refs.update([{ name: 'refs/stash', to: stash, reason: 'autostash', createReflog: true }]);
  await repository.refs.update([{ name: REF, to: 'deleted', noReflog: true }]);
  talk.err(
    'Autostash exists; creating a new stash entry.\nYour changes are safe in the stash.\n' +
      'You can run "git stash pop" or "git stash drop" at any time.\n',
  );
}

/** Merges the changes of a stash into the work tree; the index keeps what it had, but for new files. */
async function applyStash(tree: WorkTree, stash: Oid<'commit'>): Promise<boolean> {
  const { repository } = tree;
  const { objects } = repository;
  tree.reloadIndex();
  if (tree.index.hasConflicts) return false;
  await refreshIndex(tree);
  const commit = parseCommit(await readKind(objects, stash, 'commit'));
  const before = await writeIndexTree(tree.index, objects);
  const base = await treeOfCommit(objects, commit.parents[0]!);
  const settings = mergeSettings(repository.config, { porcelain: true });
  const how = historyRequest(repository, settings, {
    attributes: (path) => tree.attributes.of(path),
    warn: tree.warn,
    ...(settings.renormalize ? await renormalizer(tree, [base, before, commit.tree]) : {}),
  });
  const merged = await mergeTrees(
    objects,
    how.driverFor,
    { base, ours: before, theirs: commit.tree },
    {
      ...plainContext(),
      labels: { base: 'Stash base', ours: 'Updated upstream', theirs: 'Stashed changes' },
    },
    how.options,
  );
  if (!(await applyMerge(tree, before, merged, { action: 'merge', talk: silent, autoMerge: true }))) return false;
  if (!merged.clean) return false;
  const lock = tree.lockIndex();
  try {
    for (const change of await diffIndexWithTree(objects, tree.index, before)) {
      if (change.oldMode === 0) continue;
      const { IndexEntry } = await import('../worktree/index-entry.js');
      tree.index.add(IndexEntry.create({ path: change.path, mode: change.oldMode, oid: change.oldOid! }), {
        replace: true,
      });
    }
    tree.commitIndex(lock);
  } catch (error) {
    lock.rollback();
    throw error;
  }
  return true;
}
