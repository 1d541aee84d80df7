import type { ConflictStyle } from '../merge/text.js';
import type { Bytes } from '../base/bytes.js';
import { decodeText, emptyBytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { emptyTreeOid, isZeroOid } from '../base/oid.js';
import { looksBinary } from '../diff/binary.js';
import { diffTrees, type TreeChange } from '../diff/trees.js';
import { mergeTrees } from '../merge/tree.js';
import { parseCommit } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import { MemoryObjectStore } from '../objects/memory.js';
import { isGitlinkMode, isRegularMode } from '../objects/mode.js';
import type { Pathspec } from '../repo/pathspec.js';
import { itemMatches, parsePathspec } from '../repo/pathspec.js';
import type { Repository } from '../repo/repository.js';
import { abbreviate } from '../repo/revision-short.js';
import { resolveRevision } from '../repo/revision.js';
import { addFile } from '../worktree/add-file.js';
import { applyTreeMerge } from '../worktree/apply-merge.js';
import { CheckoutWriter, FileRemover } from '../worktree/checkout-writer.js';
import { diffIndexWithTree, type IndexChange } from '../worktree/index-diff.js';
import { IndexEntry as Entry, type IndexEntry } from '../worktree/index-entry.js';
import { Index } from '../worktree/index-file.js';
import { refreshIndex } from '../worktree/refresh.js';
import { Switch } from '../worktree/switch.js';
import type { Refusal } from '../worktree/switch-errors.js';
import { findUntracked } from '../worktree/untracked.js';
import { WorkTree } from '../worktree/work-tree.js';
import { primeCacheTree, readTreeEntries, writeIndexTree } from '../worktree/write-tree.js';
import { addToIndex } from './add.js';
import { writeCommit } from './commit.js';
import { applyHunks, hunksBetween } from './hunks.js';
import { historyRequest } from './merge-context.js';
import { MergeDrivers, randomSuffix } from './merge-drivers.js';
import { mergeSettings, treeOptions } from './merge-settings.js';
import { writeState } from './merge-state.js';
import { renormalizer } from './renormalize.js';
import { subjectLine } from './message.js';
import { forgetOperations, treeOfCommit } from './switch-branch.js';

const STASH = 'refs/stash';

/** A stash entry taken apart. */
export interface StashEntry {
  /** As named: `refs/stash@{0}`, or the commit. */
  readonly name: string;
  /** Its place in the list, if it is in it. */
  readonly index: number | undefined;
  readonly commit: Oid<'commit'>;
  readonly base: Oid<'commit'>;
  readonly baseTree: Oid<'tree'>;
  readonly tree: Oid<'tree'>;
  readonly indexTree: Oid<'tree'>;
  readonly untrackedTree: Oid<'tree'> | undefined;
}

/** Finds an entry by its name (`stash@{2}`, `2`, a commit; the newest when there is none). Throws in git's words. */
export async function findStash(repository: Repository, word: string | undefined): Promise<StashEntry> {
  let name = word;
  if (name === undefined) {
    if ((await repository.refs.resolve(STASH)) === undefined)
      throw new GitError('REF_MISSING', 'No stash entries found.');
    name = `${STASH}@{0}`;
  } else if (/^\d+$/.test(name)) name = `${STASH}@{${name}}`;
  let commit: Oid | undefined;
  try {
    commit = await resolveRevision(repository, name);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new GitError(
      'REF_MISSING',
      error.message.startsWith('log for') ? error.message : `${name} is not a valid reference`,
    );
  }
  if (commit === undefined) throw new GitError('REF_MISSING', `${name} is not a valid reference`);
  const notStash = (): GitError => new GitError('USAGE', `'${name}' is not a stash-like commit`);
  const object = await repository.objects.read(commit);
  if (object?.kind !== 'commit') throw notStash();
  const parsed = parseCommit(object.data);
  const [base, indexCommit, untracked] = parsed.parents;
  if (base === undefined || indexCommit === undefined || parsed.parents.length > 3) throw notStash();
  const at = /^(?:refs\/)?stash@\{(\d+)\}$/.exec(name);
  return {
    name,
    index: at !== null ? Number(at[1]) : /^(?:refs\/)?stash$/.test(name) ? 0 : undefined,
    commit: commit as Oid<'commit'>,
    base,
    baseTree: await treeOfCommit(repository, base),
    tree: parsed.tree,
    indexTree: await treeOfCommit(repository, indexCommit),
    untrackedTree: untracked === undefined ? undefined : await treeOfCommit(repository, untracked),
  };
}

export interface PushOptions {
  readonly message?: string | undefined;
  readonly pathspec: Pathspec;
  /** Words were given. */
  readonly limited: boolean;
  readonly untracked: 'no' | 'untracked' | 'all';
  readonly keepIndex: boolean;
  readonly staged: boolean;
  /** Asks what is to be stashed of the files, piece by piece; `undefined`: nothing. */
  readonly choose?: (() => Promise<Oid<'tree'> | undefined>) | undefined;
}

export interface Created {
  readonly commit: Oid<'commit'>;
  readonly message: string;
  readonly indexTree: Oid<'tree'>;
  readonly workTree: Oid<'tree'>;
  readonly untracked: readonly string[];
}

/** Records index and work tree as a stash commit, changing neither. `undefined`: there is nothing to record. */
export async function createStash(tree: WorkTree, options: PushOptions): Promise<Created | undefined> {
  const { repository } = tree;
  const resolved = await repository.refs.resolveFull('HEAD');
  const head = resolved?.oid as Oid<'commit'> | undefined;
  if (head === undefined) throw new GitError('USAGE', 'You do not have the initial commit yet');
  const headTree = await treeOfCommit(repository, head);
  // Nobody else may be changing the index meanwhile.
  tree.lockIndex().rollback();
  await refreshIndex(tree, { unmerged: true });
  refuseUnmerged(tree);
  const untracked = options.untracked === 'no' ? [] : untrackedFiles(tree, options);
  const staged = (await diffIndexWithTree(repository.objects, tree.index, headTree, { intentInvisible: true }))
    .filter(({ path }) => options.pathspec.matches(path))
    .map((change) => ({ submodule: ofSubmodule(change) }));
  const changed = await changedFiles(tree, options.pathspec);
  if (![...staged, ...changed].some((change) => !change.submodule) && untracked.length === 0) return undefined;
  const branch = resolved?.symbolic === true ? resolved.name.replace(/^refs\/heads\//, '') : '(no branch)';
  const subject = subjectLine(parseCommit(await readKind(repository.objects, head, 'commit')).message);
  const where = `${branch}: ${await abbreviate(repository, head)} ${subject}\n`;
  const indexTree = await writeIndexTree(tree.index, repository.objects, {});
  const people = { author: person(repository, 'author'), committer: person(repository, 'committer') };
  const indexCommit = await writeCommit(repository, {
    tree: indexTree,
    parents: [head],
    ...people,
    message: `index on ${where}`,
  });
  if (options.staged && staged.length === 0 && options.choose === undefined) {
    throw new GitError('USAGE', 'No staged changes', { data: { lines: '', kind: 'nothing staged' } });
  }
  let extra: Oid<'commit'> | undefined;
  if (options.untracked !== 'no') {
    const side = emptyWorkTree(tree);
    for (const path of untracked) {
      const stat = tree.lstat(path);
      if (stat !== undefined) await addFile(side, path, stat);
    }
    const untrackedTree = await writeIndexTree(side.index, repository.objects, {});
    extra = await writeCommit(repository, {
      tree: untrackedTree,
      parents: [],
      ...people,
      message: `untracked files on ${where}`,
    });
  }
  let workTree: Oid<'tree'> = indexTree;
  if (options.choose !== undefined) {
    const chosen = await options.choose();
    if (chosen === undefined) throw new GitError('USAGE', 'No changes selected', { data: { lines: '' } });
    workTree = chosen;
  } else if (!options.staged) {
    refuseIntended(tree);
    workTree = await recordWorkTree(tree, indexTree, headTree, options.pathspec);
  }
  const message =
    options.message === undefined || options.message === ''
      ? `WIP on ${where.trimEnd()}`
      : `On ${branch}: ${options.message}`;
  const commit = await writeCommit(repository, {
    tree: workTree,
    parents: [head, indexCommit, ...(extra === undefined ? [] : [extra])],
    ...people,
    message,
  });
  return { commit, message, indexTree, workTree, untracked };
}

/** An index that holds what HEAD has, in a file of its own, with what is known of the files. */
export async function headIndex(tree: WorkTree, indexFile: string): Promise<WorkTree> {
  const { repository } = tree;
  const head = (await repository.refs.resolve('HEAD')) as Oid<'commit'> | undefined;
  if (head === undefined) throw new GitError('USAGE', 'You do not have the initial commit yet');
  const side = new WorkTree(repository, { warn: tree.warn, error: tree.error, indexFile });
  side.index = new Index(repository.objectFormat);
  const entries = await readTreeEntries(repository.objects, await treeOfCommit(repository, head));
  // What the index has as HEAD has it keeps its flags: it may be one that nobody looks at.
  side.index.setEntries(
    entries.map((entry) => {
      const known = tree.index.get(entry.path);
      return known?.sameOid(entry) === true && known.mode === entry.mode && !known.intentToAdd ? known : entry;
    }),
  );
  const lock = side.lockIndex();
  try {
    await refreshIndex(side, { unmerged: true });
    side.commitIndex(lock);
  } finally {
    lock.rollback();
  }
  return side;
}

/** Index entries of the paths go back to HEAD; files stay. */
export async function unstage(tree: WorkTree, pathspec: Pathspec): Promise<void> {
  const { repository } = tree;
  const head = (await repository.refs.resolve('HEAD')) as Oid<'commit'> | undefined;
  const lock = tree.lockIndex();
  try {
    tree.reloadIndex();
    const entries =
      head === undefined ? [] : await readTreeEntries(repository.objects, await treeOfCommit(repository, head));
    const kept = tree.index.entries.filter((entry) => !pathspec.matches(entry.path));
    tree.index.setEntries(kept);
    tree.index.addAll(entries.filter((entry) => pathspec.matches(entry.path)));
    await refreshIndex(tree, { unmerged: true });
    tree.commitIndex(lock);
  } finally {
    lock.rollback();
  }
}

/** Who stashes; a stash can be made by nobody in particular. */
function person(repository: Repository, role: 'author' | 'committer') {
  const { config, env } = repository;
  const said = (what: 'name' | 'email'): boolean =>
    env[`GIT_${role.toUpperCase()}_${what.toUpperCase()}`] !== undefined ||
    config.has(`${role}.${what}`) ||
    config.has(`user.${what}`);
  return repository.identity(role, {
    ...(said('name') ? {} : { name: 'git stash' }),
    ...(said('email') ? {} : { email: 'git@stash' }),
  });
}

/** A submodule came, went or is at another commit: no reason to stash, though what is staged of it is kept. */
const ofSubmodule = ({ oldMode, entry }: IndexChange): boolean =>
  [oldMode, entry?.mode ?? 0].every((mode) => mode === 0 || isGitlinkMode(mode));

function untrackedFiles(tree: WorkTree, options: PushOptions): string[] {
  const found = findUntracked(tree, {
    pathspec: options.pathspec,
    ignores: options.untracked === 'all' ? undefined : tree.ignores,
    collapse: false,
    hideEmpty: true,
    ignored: 'no',
  });
  return found.untracked.filter((path) => !path.endsWith('/'));
}

/** Tracked files that differ from the index, or are gone. */
async function changedFiles(tree: WorkTree, pathspec: Pathspec): Promise<{ path: string; submodule: boolean }[]> {
  const out: { path: string; submodule: boolean }[] = [];
  for (const entry of tree.index.entries) {
    if (entry.skipWorktree || entry.assumeValid || !pathspec.matches(entry.path)) continue;
    const stat = tree.hasSymlinkParent(entry.path) ? undefined : tree.lstat(entry.path);
    if (stat === undefined || (await tree.isModified(entry, stat))) {
      const submodule = isGitlinkMode(entry.mode) && (stat === undefined || stat.kind === 'directory');
      out.push({ path: entry.path, submodule });
    }
  }
  return out;
}

/** A second index over the same files. */
function emptyWorkTree(tree: WorkTree): WorkTree {
  const side = new WorkTree(tree.repository, { warn: tree.warn, error: tree.error });
  side.index = new Index(tree.repository.objectFormat);
  return side;
}

/** The tree of the index with the files that differ from HEAD as they are on disk. */
async function recordWorkTree(
  tree: WorkTree,
  indexTree: Oid<'tree'>,
  headTree: Oid<'tree'>,
  pathspec: Pathspec,
): Promise<Oid<'tree'>> {
  const { objects } = tree.repository;
  const side = emptyWorkTree(tree);
  side.index.setEntries([...tree.index.entries]);
  side.index.cacheTree = await primeCacheTree(objects, indexTree);
  const paths = new Set<string>();
  for (const change of await diffIndexWithTree(objects, tree.index, headTree))
    if (!ofSubmodule(change) && pathspec.matches(change.path)) paths.add(change.path);
  for (const { path, submodule } of await changedFiles(tree, pathspec)) if (!submodule) paths.add(path);
  for (const path of paths) {
    const stat = tree.hasSymlinkParent(path) ? undefined : tree.lstat(path);
    const known = tree.index.get(path);
    if (known?.skipWorktree === true) continue;
    if (stat === undefined) {
      side.index.remove(path);
      continue;
    }
    // A directory in the place of a file is left out, and the file stays as it is in the index.
    if (stat.kind === 'directory' && known?.mode !== 0o160000) continue;
    if (known === undefined) {
      // Staged as removed: what lies there now belongs to nobody, but the stash takes it (as git does).
      await addFile(side, path, stat);
      continue;
    }
    await addFile(side, path, stat);
  }
  return writeIndexTree(side.index, objects, {});
}

/** Puts a stash commit on the list. */
export async function storeStash(repository: Repository, commit: Oid<'commit'>, message: string): Promise<void> {
  const result = await repository.refs.update([
    { name: STASH, to: commit, reason: message, createReflog: true, unchecked: true },
  ]);
  if (!result.ok) throw new GitError('REF_CHANGED', result.message);
}

/** Nothing is stashed or brought back in the middle of a merge. */
function refuseUnmerged({ index }: WorkTree): void {
  if (!index.hasConflicts) return;
  const told = index.conflictedPaths().map((path) => `${path}: needs merge\n`);
  throw new GitError('USAGE', 'could not write index', { data: { told: told.join(''), kind: 'unmerged' } });
}

/** A file that is only intended to be added has no place in the tree of the index; whatever is stashed, git stops there. */
function refuseIntended(tree: WorkTree): void {
  const entry = tree.index.entries.find(
    ({ intentToAdd, skipWorktree, path }) => intentToAdd && !skipWorktree && tree.lstat(path) !== undefined,
  );
  if (entry === undefined) return;
  throw new GitError('USAGE', 'Cannot save the current worktree state', {
    data: { lines: `error: Entry '${entry.path}' not uptodate. Cannot merge.\n`, kind: 'intent' },
  });
}

/**
 * After a stash was made: takes from index and files what it holds. Answers the words that only mean entries which are
 * not checked out (`skip-worktree`): then the files stay as they are, and the index has them.
 */
export async function clearStashed(tree: WorkTree, created: Created, options: PushOptions): Promise<readonly string[]> {
  const { repository } = tree;
  const head = (await repository.refs.resolve('HEAD')) as Oid<'commit'>;
  const headTree = await treeOfCommit(repository, head);
  const lock = tree.lockIndex();
  try {
    tree.reloadIndex();
    if (created.untracked.length > 0) removeFiles(tree, created.untracked);
    if (options.staged) await undoStaged(tree, created.indexTree, headTree, options.keepIndex);
    else if (options.limited) {
      const sparse = await undoPaths(tree, headTree, options.pathspec);
      if (sparse.length > 0) {
        tree.commitIndex(lock);
        return sparse;
      }
    } else await hardReset(tree, headTree);
    if (options.keepIndex && !options.staged) await takeTree(tree, created.indexTree, options.pathspec);
    tree.commitIndex(lock);
  } finally {
    lock.rollback();
  }
  // git does this with `git reset`; a staged part whose index stays is only taken back as a patch.
  if (!options.limited && !(options.staged && options.keepIndex)) await leaveTracesOfReset(repository, head);
  return [];
}

/** What `git reset` leaves behind where HEAD stays. */
async function leaveTracesOfReset(repository: Repository, head: Oid): Promise<void> {
  await repository.refs.update([{ name: 'ORIG_HEAD', to: head, reason: 'updating ORIG_HEAD' }]);
  await repository.refs.update([{ name: 'HEAD', to: head, reason: 'reset: moving to HEAD' }]);
  forgetOperations(repository);
}

function removeFiles(tree: WorkTree, paths: readonly string[]): void {
  const remover = new FileRemover(tree);
  for (const path of paths) remover.remove(path);
  remover.finish();
}

/** Index and files become a tree's, but for files that nobody looks at; takes and writes the index's lock. */
export async function resetLooked(tree: WorkTree, to: Oid<'tree'>): Promise<void> {
  const lock = tree.lockIndex();
  try {
    tree.reloadIndex();
    for (const entry of tree.index.entries) if (entry.assumeValid) entry.fresh = true;
    await hardReset(tree, to);
    tree.commitIndex(lock);
  } finally {
    lock.rollback();
  }
}

async function hardReset(tree: WorkTree, to: Oid<'tree'>): Promise<void> {
  const change = new Switch(tree, [to], { way: 'oneway', update: true, reset: 'overwrite-untracked' });
  await change.plan();
  await change.apply();
  tree.index.cacheTree = await primeCacheTree(tree.repository.objects, to);
}

/**
 * What changed below the named paths goes back to HEAD; the rest, entries that nobody looks at among it, stays. Answers the
 * words that only mean entries which are not checked out; then nothing goes back.
 */
async function undoPaths(tree: WorkTree, headTree: Oid<'tree'>, pathspec: Pathspec): Promise<readonly string[]> {
  const { objects } = tree.repository;
  const { entries } = tree.index;
  const sparse = pathspec.items.filter((item) => {
    if (item.exclude) return false;
    const named = entries.filter((entry) => itemMatches(item, entry.path));
    return named.length > 0 && named.every((entry) => entry.skipWorktree);
  });
  await addToIndex(tree, { pathspec, newFiles: false, removals: true, updates: true });
  if (sparse.length > 0) return sparse.map((item) => item.original);
  const gone: string[] = [];
  const back: IndexEntry[] = [];
  for (const { path, oldMode, oldOid } of await diffIndexWithTree(objects, tree.index, headTree)) {
    if (!pathspec.matches(path)) continue;
    if (oldMode === 0) gone.push(path);
    else back.push(Entry.create({ path, mode: oldMode, oid: oldOid! }));
  }
  tree.index.removeAll(new Set(gone));
  removeFiles(tree, gone);
  await writeEntries(tree, back);
  return [];
}

/** What was staged goes from the files too, where they still have it. */
async function undoStaged(
  tree: WorkTree,
  indexTree: Oid<'tree'>,
  headTree: Oid<'tree'>,
  keepIndex: boolean,
): Promise<void> {
  const { repository } = tree;
  const side = emptyWorkTree(tree);
  // What is only worked out here is not kept.
  const store = new MemoryObjectStore(repository.objectFormat, repository.platform, repository.objects);
  side.index.setEntries([...tree.index.entries]);
  const changed = await diffIndexWithTree(repository.objects, tree.index, headTree);
  const inHead = new Set((await readTreeEntries(repository.objects, headTree)).map((entry) => entry.path));
  const errors: string[] = [];
  for (const { path } of changed) {
    const stat = tree.lstat(path);
    // git takes the changes back as a patch, which cannot make a file that is there, nor change one that is not.
    const staged = tree.index.has(path);
    if (!staged && stat !== undefined) errors.push(`error: ${path}: already exists in working directory\n`);
    if (staged && stat === undefined) errors.push(`error: ${path}: No such file or directory\n`);
    if (!inHead.has(path) && !staged) continue;
    if (stat !== undefined && stat.kind !== 'directory') await addFile(side, path, stat, { store });
    else side.index.remove(path);
  }
  if (errors.length > 0) {
    throw new GitError('USAGE', 'Cannot remove worktree changes', { data: { lines: errors.join(''), kind: 'patch' } });
  }
  const workTree = await writeIndexTree(side.index, store, {});
  // The files without the staged change: merge HEAD's version in, with what was staged as the base.
  const settings = mergeSettings(repository.config, { porcelain: false });
  const drivers = new MergeDrivers(repository, settings, {
    attributes: (path) => tree.attributes.of(path),
    warn: tree.warn,
  });
  const merged = await mergeTrees(
    store,
    drivers.driverFor,
    { base: indexTree, ours: workTree, theirs: headTree },
    { path: '', labels: { base: '', ours: '', theirs: '' }, depth: 0, nesting: 0 },
    { ...treeOptions(settings), renames: false },
  );
  if (!merged.clean) {
    const lines = merged.unmerged.map(({ path }) => `error: ${path}: patch does not apply\n`).join('');
    throw new GitError('USAGE', 'Cannot remove worktree changes', { data: { lines, kind: 'patch' } });
  }
  const after = new Map((await readTreeEntries(store, merged.tree)).map((entry) => [entry.path, entry]));
  const head = new Map((await readTreeEntries(repository.objects, headTree)).map((entry) => [entry.path, entry]));
  const writer = new CheckoutWriter(tree);
  for (const { path } of changed) {
    const file = after.get(path);
    const entry = head.get(path);
    if (file === undefined) removeFiles(tree, [path]);
    let stat: ReturnType<WorkTree['lstat']>;
    if (file !== undefined) {
      const outcome = await writer.writeContent(
        file,
        isGitlinkMode(file.mode) ? undefined : (await store.read(file.oid))?.data,
      );
      if (outcome.ok) stat = outcome.stat;
    }
    // The index stays what it was where that is asked for, and the files alone lose the change.
    if (keepIndex) continue;
    if (entry === undefined) tree.index.remove(path);
    else
      tree.index.add(stat !== undefined && file?.oid === entry.oid ? entry.withStat(stat) : entry, { replace: true });
  }
}

/** Index and files of the named paths become a tree's, what it does not have goes; what is not to be checked out stays. */
async function takeTree(tree: WorkTree, to: Oid<'tree'>, pathspec: Pathspec): Promise<void> {
  const hidden = new Set(tree.index.entries.filter((entry) => entry.skipWorktree).map(({ path }) => path));
  const taken = (path: string): boolean => pathspec.matches(path) && !hidden.has(path);
  const entries = (await readTreeEntries(tree.repository.objects, to)).filter((entry) => taken(entry.path));
  const names = new Set(entries.map(({ path }) => path));
  const gone = tree.index.entries
    .filter((entry) => taken(entry.path) && !names.has(entry.path))
    .map(({ path }) => path);
  tree.index.removeAll(new Set(gone));
  removeFiles(tree, gone);
  await writeEntries(tree, entries);
}

/** Puts entries into the index and their files on disk, where they are not there already. */
async function writeEntries(tree: WorkTree, entries: readonly IndexEntry[]): Promise<void> {
  const writer = new CheckoutWriter(tree);
  const put: IndexEntry[] = [];
  for (const entry of entries) {
    const old = tree.index.get(entry.path);
    const stat = tree.hasSymlinkParent(entry.path) ? undefined : tree.lstat(entry.path);
    if (old !== undefined && old.mode === entry.mode && old.sameOid(entry) && !old.intentToAdd && stat !== undefined) {
      if (!(await tree.isModified(old, stat, { ignoreValid: true, ignoreSkip: true }))) continue;
    }
    if (entry.mode === 0o160000) {
      put.push(entry);
      continue;
    }
    const outcome = await writer.write(entry);
    if (!outcome.ok) throw new GitError('USAGE', outcome.message);
    const fresh = entry.withStat(outcome.stat);
    fresh.fresh = true;
    put.push(fresh);
  }
  tree.index.addAll(put);
}

export interface ApplyLabels {
  readonly ours?: string | undefined;
  readonly theirs?: string | undefined;
  readonly base?: string | undefined;
  /** Instead of `merge.conflictStyle`. */
  readonly style?: ConflictStyle | undefined;
}

export type Applied =
  | {
      readonly status: 'applied' | 'conflicted';
      readonly messages: readonly string[];
      /** Untracked files that could not be brought back, a line each in git's words; the rest was done. */
      readonly kept: readonly string[];
      /** Files that lay where something came back that was not to be checked out, and where they are now. */
      readonly moved: readonly { readonly from: string; readonly to: string }[];
    }
  /**
   * The merge cannot begin: what was staged for these paths is no longer, since the stash's index was asked for, or they
   * are only intended to be added. Nothing else was done.
   */
  | { readonly status: 'unstaged'; readonly lost: readonly string[]; readonly kept: readonly string[] }
  | { readonly status: 'refused'; readonly refusals: readonly Refusal[]; readonly kept: readonly string[] };

/** Brings a stash's changes back onto what is there now. Throws where the state does not allow it. */
export async function applyStash(
  tree: WorkTree,
  entry: StashEntry,
  withIndex: boolean,
  labels: ApplyLabels = {},
): Promise<Applied> {
  const { repository } = tree;
  const { objects } = repository;
  const configured = mergeSettings(repository.config, { porcelain: true });
  const settings = labels.style === undefined ? configured : { ...configured, style: labels.style };
  const merge = async (base: Oid<'tree'>, ours: Oid<'tree'>, theirs: Oid<'tree'>) => {
    const how = historyRequest(repository, settings, {
      attributes: (path) => tree.attributes.of(path),
      warn: tree.warn,
      ...(settings.renormalize ? await renormalizer(tree, [base, ours, theirs]) : {}),
    });
    return mergeTrees(
      objects,
      how.driverFor,
      { base, ours, theirs },
      {
        path: '',
        labels: {
          base: labels.base ?? 'Stash base',
          ours: labels.ours ?? (entry.baseTree === ours ? 'Version stash was based on' : 'Updated upstream'),
          theirs: labels.theirs ?? 'Stashed changes',
        },
        depth: 0,
        nesting: 0,
      },
      how.options,
    );
  };
  const lock = tree.lockIndex();
  try {
    tree.reloadIndex();
    await refreshIndex(tree, { unmerged: true });
    refuseUnmerged(tree);
    const current = await writeIndexTree(tree.index, objects, {});
    const untracked = (): Promise<string[]> =>
      entry.untrackedTree === undefined ? Promise.resolve([]) : restoreUntracked(tree, entry.untrackedTree);
    let indexTree: Oid<'tree'> | undefined;
    if (withIndex && entry.baseTree !== entry.indexTree && current !== entry.indexTree) {
      const staged = await merge(entry.baseTree, current, entry.indexTree);
      const patch = await patchWouldApply(tree, entry.baseTree, entry.indexTree, current);
      if (!staged.clean || !patch.fits) {
        throw new GitError('USAGE', 'conflicts in index. Try without --index.', {
          data: { preface: patch.errors.join('') },
        });
      }
      indexTree = staged.tree;
      // git takes the index back with `git reset` before it merges, which leaves its trace.
      const head = await repository.refs.resolve('HEAD');
      if (head === undefined) forgetOperations(repository);
      else await leaveTracesOfReset(repository, head);
      const headTree =
        head === undefined ? emptyTreeOid(repository.objectFormat) : await treeOfCommit(repository, head);
      if (headTree !== current) {
        // Now the index is another one than that which the merge begins with, and that ends it.
        const lost = (await diffIndexWithTree(objects, tree.index, headTree)).map(({ path }) => path);
        await resetIndexTo(tree, headTree, false);
        tree.commitIndex(lock);
        return { status: 'unstaged', lost, kept: await untracked() };
      }
      // With that, what was only intended to be added is forgotten.
      if (tree.index.entries.some(({ intentToAdd }) => intentToAdd)) await resetIndexTo(tree, headTree, false);
    }
    const intended = tree.index.entries.filter(({ intentToAdd }) => intentToAdd).map(({ path }) => path);
    if (intended.length > 0) {
      if (tree.index.changed) tree.commitIndex(lock);
      return { status: 'unstaged', lost: intended, kept: await untracked() };
    }
    const { resolveUndo } = tree.index;
    const hidden = new Set(tree.index.entries.filter((one) => one.skipWorktree).map(({ path }) => path));
    const merged = await merge(entry.baseTree, current, entry.tree);
    const applied = await applyTreeMerge(tree, current, merged);
    if (applied.refusals.length > 0) {
      if (tree.index.changed) tree.commitIndex(lock);
      // Untracked files come back even so.
      return { status: 'refused', refusals: applied.refusals, kept: await untracked() };
    }
    const nothing = entry.baseTree === entry.tree;
    if (!nothing) writeState(repository, 'AUTO_MERGE', `${merged.tree}\n`);
    const messages = nothing
      ? ['Already up to date.']
      : [...merged.messages.map(({ text }) => text), ...applied.errors];
    if (!merged.clean) {
      tree.commitIndex(lock);
      return { status: 'conflicted', messages, kept: await untracked(), moved: [] };
    }
    const moved = indexTree === undefined ? await checkOutHidden(tree, current, hidden) : [];
    if (indexTree !== undefined) await resetIndexTo(tree, indexTree, false);
    else await resetIndexTo(tree, current, true);
    // Where nothing is merged the index is the one that was there.
    if (nothing && indexTree === undefined) tree.index.resolveUndo = resolveUndo;
    tree.commitIndex(lock);
    return { status: 'applied', messages, kept: await untracked(), moved };
  } finally {
    lock.rollback();
  }
}

/**
 * git brings the staged part back as a patch: a file that it adds must not be there, one that it removes or changes
 * must (and be the same, to be removed).
 */
async function patchWouldApply(
  { repository, warn }: WorkTree,
  from: Oid<'tree'>,
  to: Oid<'tree'>,
  onto: Oid<'tree'>,
): Promise<{ readonly fits: boolean; readonly errors: readonly string[] }> {
  const errors: string[] = [];
  const there = new Map((await readTreeEntries(repository.objects, onto)).map((one) => [one.path, one]));
  let fits = true;
  const changes: TreeChange[] = [];
  await diffTrees(repository.objects, from, to, repository.oidLength, { recursive: true }, (change) => {
    changes.push(change);
  });
  for (const change of changes) {
    const now = there.get(change.path);
    if (change.oldMode === 0) {
      if (now !== undefined) errors.push(`error: ${change.path}: already exists in index\n`);
    } else if (now === undefined) errors.push(`error: ${change.path}: does not exist in index\n`);
    else {
      if (change.newMode === 0) fits &&= now.oid === change.oldOid;
      if (now.mode >> 12 !== change.oldMode >> 12) errors.push(`error: ${change.path}: wrong type\n`);
      else if (now.mode !== change.oldMode) {
        const [is, was] = [now.mode, change.oldMode].map((mode) => mode.toString(8));
        warn(`${change.path} has type ${is}, expected ${was}`);
      }
      const line = now.oid === change.oldOid ? undefined : await misfitOf(repository, change, now.oid);
      if (line !== undefined)
        errors.push(`error: patch failed: ${change.path}:${line}\n`, `error: ${change.path}: patch does not apply\n`);
    }
  }
  return { fits: fits && errors.length === 0, errors };
}

/** Where the first hunk of a change begins that does not fit what is there now. `undefined`: all fit, or nobody can tell. */
async function misfitOf(
  { objects }: Repository,
  { oldMode, newMode, oldOid, newOid }: TreeChange,
  now: Oid,
): Promise<number | undefined> {
  if (![oldMode, newMode].every((mode) => mode === 0 || isRegularMode(mode))) return undefined;
  const content = async (oid: Oid | undefined): Promise<Bytes> =>
    oid === undefined || isZeroOid(oid) ? emptyBytes : await readKind(objects, oid, 'blob');
  const [old, fresh, there] = [
    await content(oldOid),
    await content(newMode === 0 ? undefined : newOid),
    await content(now),
  ];
  if ([old, fresh, there].some(looksBinary)) return undefined;
  const applied = applyHunks(decodeText(there), hunksBetween(old, fresh));
  return typeof applied === 'string' ? undefined : applied.line;
}

/** The index becomes a tree's; with `keepNew`, files that it does not have stay as added. Files are not touched. */
async function resetIndexTo(tree: WorkTree, to: Oid<'tree'>, keepNew: boolean): Promise<void> {
  const { index } = tree;
  const drop = new Set<string>();
  const put: IndexEntry[] = [];
  for (const change of await diffIndexWithTree(tree.repository.objects, index, to)) {
    if (change.oldMode === 0) {
      if (!keepNew) drop.add(change.path);
      continue;
    }
    put.push(Entry.create({ path: change.path, mode: change.oldMode, oid: change.oldOid! }));
  }
  index.removeAll(drop);
  index.addAll(put);
  await refreshIndex(tree, { unmerged: true });
}

/**
 * What the merge changed of entries that are not checked out comes into the work tree: a stash is about files. What lies
 * there goes out of the way.
 */
async function checkOutHidden(
  tree: WorkTree,
  before: Oid<'tree'>,
  hidden: ReadonlySet<string>,
): Promise<{ readonly from: string; readonly to: string }[]> {
  const moved: { from: string; to: string }[] = [];
  if (hidden.size === 0) return moved;
  const writer = new CheckoutWriter(tree);
  for (const { path, entry } of await diffIndexWithTree(tree.repository.objects, tree.index, before)) {
    if (entry === undefined || !hidden.has(path)) continue;
    if (tree.lstat(path) !== undefined) {
      const to = `${path}.stash.${randomSuffix(tree.repository.platform)}`;
      tree.fs.rename(tree.absolute(path), tree.absolute(to));
      moved.push({ from: path, to });
    }
    const outcome = await writer.write(entry);
    if (!outcome.ok) throw new GitError('USAGE', outcome.message);
  }
  return moved;
}

async function restoreUntracked(tree: WorkTree, from: Oid<'tree'>): Promise<string[]> {
  const entries = await readTreeEntries(tree.repository.objects, from);
  const writer = new CheckoutWriter(tree);
  const there: string[] = [];
  for (const entry of entries) {
    const stat = tree.lstat(entry.path);
    if (stat !== undefined) {
      there.push(`${entry.path} already exists, no checkout\n`);
      continue;
    }
    const outcome = await writer.write(entry);
    if (!outcome.ok) there.push(`error: ${outcome.message}\n`);
  }
  return there;
}

/** Takes an entry off the list. */
export async function dropStash(repository: Repository, entry: StashEntry): Promise<void> {
  const log = (await repository.refs.reflog(STASH)) ?? [];
  const at = log.length - 1 - (entry.index ?? 0);
  let i = 0;
  await repository.refs.reflogExpire(STASH, {
    drop: () => i++ === at,
    rewrite: true,
    updateRef: true,
  });
  const left = (await repository.refs.reflog(STASH)) ?? [];
  if (left.length === 0) await clearStashes(repository);
}

export async function clearStashes(repository: Repository): Promise<void> {
  if ((await repository.refs.resolve(STASH)) === undefined) return;
  const result = await repository.refs.update([{ name: STASH, to: 'deleted' }]);
  if (!result.ok) throw new GitError('REF_CHANGED', result.message);
}

export const everything = (): Pathspec => parsePathspec([]);
