import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { treeOfCommit } from '../merge/history.js';
import { isGitlinkMode, isSymlinkMode } from '../objects/mode.js';
import { decodeText } from '../base/bytes.js';
import { CheckoutWriter, FileRemover } from '../worktree/checkout-writer.js';
import type { IndexEntry } from '../worktree/index-entry.js';
import { IndexEntry as Entry } from '../worktree/index-entry.js';
import { diffIndexWithTree } from '../worktree/index-diff.js';
import { Index } from '../worktree/index-file.js';
import { modeFromStat } from '../worktree/stat-match.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { refreshIndex } from '../worktree/refresh.js';
import { writeIndexTree } from '../worktree/write-tree.js';
import { refreshAndWrite } from './merge-strategies.js';
import { resetFiles } from './hard-reset.js';
import { removeState, writeState } from './merge-state.js';
import { silent } from './talk.js';

/** A tracked file that differs from the index. */
interface Dirty {
  readonly path: string;
  /** undefined: it was deleted. */
  readonly content: Bytes | undefined;
  readonly mode: number;
}

/** A file that is only intended to be added cannot be put aside. */
export function refuseIntended(tree: WorkTree, message: string): void {
  const intended = tree.index.entries.find((entry) => entry.intentToAdd);
  if (intended === undefined) return;
  throw new GitError('WORKTREE_DIRTY', message, {
    data: {
      preface: `error: Entry '${intended.path}' not uptodate. Cannot merge.\nCannot save the current worktree state\n`,
    },
  });
}

/** Files with unstaged changes, and what they hold. */
export async function dirtyFiles(tree: WorkTree): Promise<Dirty[]> {
  const dirty: Dirty[] = [];
  for (const entry of tree.index.entries) {
    if (entry.stage !== 0 || entry.skipWorktree || isGitlinkMode(entry.mode)) continue;
    const stat = tree.hasSymlinkParent(entry.path) ? undefined : tree.lstat(entry.path);
    if (stat === undefined || stat.kind === 'directory') {
      dirty.push({ path: entry.path, content: undefined, mode: 0 });
    } else if (await tree.isModified(entry, stat)) {
      const mode = modeFromStat(stat, tree.rules, entry.mode);
      dirty.push({ path: entry.path, content: tree.readRaw(entry.path, stat), mode });
    }
  }
  return dirty;
}

/** The tree of the index with all unstaged changes in it; its objects are written. */
export async function workTreeTree(tree: WorkTree, dirty: readonly Dirty[]): Promise<Oid<'tree'>> {
  const { repository } = tree;
  const index = new Index(repository.objectFormat);
  index.setEntries([...tree.index.entries]);
  for (const { path, mode } of dirty) {
    if (mode === 0) {
      index.remove(path);
      continue;
    }
    const stat = tree.lstat(path)!;
    const clean = await tree.readClean(path, stat);
    const oid = await repository.objects.write('blob', clean!);
    index.add(Entry.create({ path, mode, oid }));
  }
  return writeIndexTree(index, repository.objects);
}

/** Remembers index and local changes, so that one strategy after another can begin from the same state. */
export class PristineState {
  private constructor(
    readonly tree: WorkTree,
    readonly head: Oid<'tree'>,
    readonly entries: readonly IndexEntry[],
    readonly dirty: readonly Dirty[],
    /** The tree of the work tree where there are local changes of any kind. */
    readonly changed: Oid<'tree'> | undefined,
    readonly isStaged: boolean,
    readonly reason: string,
  ) {}

  /** `reason`: for the reflog, where the state is brought back. */
  static async take(tree: WorkTree, head: Oid<'commit'>, reason: string): Promise<PristineState> {
    await refreshAndWrite(tree);
    refuseIntended(tree, 'stash failed');
    const { objects } = tree.repository;
    const headTree = await treeOfCommit(objects, head);
    const dirty = await dirtyFiles(tree);
    const staged = await diffIndexWithTree(objects, tree.index, headTree);
    const changed = dirty.length + staged.length === 0 ? undefined : await workTreeTree(tree, dirty);
    return new PristineState(tree, headTree, [...tree.index.entries], dirty, changed, staged.length > 0, reason);
  }

  async restore(): Promise<void> {
    const { tree } = this;
    tree.reloadIndex();
    await resetFiles(tree, this.head, 'HEAD', { keepChanges: false, talk: silent });
    if (this.changed === undefined) return;
    writeState(tree.repository, 'AUTO_MERGE', `${this.changed}\n`);
    if (this.isStaged) {
      const { refs } = tree.repository;
      removeState(tree.repository, 'MERGE_MSG', 'MERGE_MODE', 'MERGE_RR', 'SQUASH_MSG');
      const to = await refs.resolve('HEAD');
      await refs.update([{ name: 'HEAD', to: to!, reason: `${this.reason}: updating HEAD` }]);
    }
    const lock = tree.lockIndex();
    try {
      const before = new Map(tree.index.entries.map((entry) => [entry.path, entry]));
      const staged = this.entries.filter((entry) => {
        const now = before.get(entry.path);
        return now === undefined || now.oid !== entry.oid || now.mode !== entry.mode;
      });
      const wanted = new Set(this.entries.map(({ path }) => path));
      const remover = new FileRemover(tree);
      for (const path of before.keys()) if (!wanted.has(path)) remover.remove(path);
      remover.finish();
      const dirty = new Set(this.dirty.map(({ path }) => path));
      const writer = new CheckoutWriter(tree);
      for (const entry of staged) if (!dirty.has(entry.path)) await writer.write(entry);
      for (const { path, content, mode } of this.dirty) this.#writeRaw(path, content, mode);
      for (const entry of this.entries) entry.fresh = false;
      tree.index.setEntries([...this.entries]);
      // The files were written again.
      await refreshIndex(tree, { unmerged: true });
      tree.index.changed = true;
      tree.commitIndex(lock);
    } catch (error) {
      lock.rollback();
      throw error;
    }
  }

  #writeRaw(path: string, content: Bytes | undefined, mode: number): void {
    const { fs } = this.tree;
    const file = this.tree.absolute(path);
    if (this.tree.hasSymlinkParent(path) || fs.lstat(file)?.kind === 'directory') return;
    fs.remove(file);
    if (content === undefined) return;
    fs.makeDirectory(file.slice(0, file.lastIndexOf('/')), { recursive: true });
    if (isSymlinkMode(mode)) fs.symlink(decodeText(content), file);
    else fs.writeFile(file, content, (mode & 0o100) !== 0 ? 0o777 : 0o666);
  }
}
