import { GitError } from '../base/errors.js';
import { isZeroOid, type Oid, zeroOid } from '../base/oid.js';
import { bytes } from '../contents/bytes.js';
import { parseCommit } from '../objects/commit.js';
import { isSafePath } from '../base/path.js';
import { readKind } from '../objects/database.js';
import { canonicalMode, isGitlinkMode, isRegularMode, isSymlinkMode } from '../objects/mode.js';
import { isPromise } from '../base/awaitable.js';
import { decodeText, encodeText, equalBytes } from '../base/bytes.js';
import type { Repository } from '../repo/repository.js';
import { CheckoutWriter, FileRemover } from '../worktree/checkout-writer.js';
import { followFailure } from '../worktree/follow-failure.js';
import { IndexEntry } from '../worktree/index-entry.js';
import { WorkTree } from '../worktree/work-tree.js';
import type { CheckedOut } from './store.js';
import { type Change, Tree } from './tree.js';

/**
 * Keeps the index and the work tree of a repository in step with the branch that HEAD names, one commit of values at
 * a time. Where a changed path has changes of its own (staged, in the file, or an untracked file in the way) nothing
 * is written: `WORKTREE_DIRTY` names every such path. A path that no work tree may hold throws `PATH_UNSAFE`. `undefined`
 * where there is no work tree.
 */
export function checkedOut(repository: Repository): CheckedOut | undefined {
  if (repository.bare || repository.workTree === undefined) return undefined;
  return {
    async prepare(branch, changes) {
      const head = await repository.refs.resolveFull('HEAD');
      if (head?.symbolic !== true || head.name !== branch || changes.length === 0) return undefined;
      for (const { path } of changes) {
        if (!isSafePath(path)) throw new GitError('PATH_UNSAFE', `invalid path '${path}'`, { data: { path } });
      }
      const tree = new WorkTree(repository);
      const lock = tree.lockIndex();
      try {
        const keeper = new Keeper(tree);
        const journal = new Journal(repository);
        const finished = await journal.finish(keeper, branch);
        const dirty: string[] = [];
        for (const change of changes) if (!(await keeper.isClean(change))) dirty.push(change.path);
        if (dirty.length > 0) {
          if (finished) tree.commitIndex(lock);
          journal.clear();
          throw new GitError(
            'WORKTREE_DIRTY',
            `local changes to the following files would be overwritten:\n${dirty.map((path) => `\t${path}`).join('\n')}`,
            {
              hint: 'commit or stash them first, or write to another branch with --branch',
              data: { paths: dirty },
            },
          );
        }
        return {
          landing: (from, to) => journal.write(branch, from, to),
          async apply() {
            try {
              await keeper.apply(changes);
              tree.commitIndex(lock);
              journal.clear();
            } catch (error) {
              lock.rollback();
              throw followFailure(error);
            }
          },
          abandon() {
            if (finished) tree.commitIndex(lock);
            else lock.rollback();
            journal.clear();
          },
        };
      } catch (error) {
        lock.rollback();
        throw error;
      }
    },
  };
}

/**
 * Which move of the branch the work tree is to follow. Written before the branch moves and removed when index and
 * files have followed; what a killed process left is finished by the next one, under the index lock.
 */
class Journal {
  readonly #repository: Repository;
  readonly #file: string;

  constructor(repository: Repository) {
    this.#repository = repository;
    this.#file = `${repository.gitDir}/BOUGH_PUT`;
  }

  write(branch: string, from: Oid | undefined, to: Oid): void {
    this.#repository.platform.fs.writeFile(
      this.#file,
      encodeText(`${branch} ${from ?? zeroOid(this.#repository.objectFormat)} ${to}\n`),
    );
  }

  clear(): void {
    this.#repository.platform.fs.remove(this.#file);
  }

  /** Lets index and files follow a move that was left unfinished, where they are as they were; answers whether it did. */
  async finish(keeper: Keeper, branch: string): Promise<boolean> {
    const { platform, objects, refs } = this.#repository;
    const text = platform.fs.readFile(this.#file);
    if (text === undefined) return false;
    const [name, from, to] = decodeText(text).trimEnd().split(' ');
    if (name !== branch || from === undefined || to === undefined || (await refs.resolve(branch)) !== to) return false;
    const tree = async (commit: string): Promise<Tree<Uint8Array>> =>
      Tree.of(
        objects,
        bytes,
        isZeroOid(commit) ? undefined : parseCommit(await readKind(objects, commit as Oid, 'commit')).tree,
      );
    const left: Change[] = [];
    for await (const change of (await tree(to)).changesSince(await tree(from)))
      if (await keeper.isHalfDone(change)) left.push(change);
    await keeper.apply(left);
    return true;
  }
}

type FileStat = NonNullable<ReturnType<WorkTree['lstat']>>;

class Keeper {
  readonly #tree: WorkTree;

  constructor(tree: WorkTree) {
    this.#tree = tree;
  }

  /** The index has what the commit before had, and the file what the index has. */
  async isClean({ path, before, after }: Change): Promise<boolean> {
    const { index } = this.#tree;
    if (index.stages(path).some((entry) => entry.stage > 0) || this.#tree.hasSymlinkParent(path)) return false;
    const entry = index.get(path);
    const stat = this.#tree.lstat(path);
    if (before === undefined) {
      if (entry !== undefined)
        return entry.oid === after?.oid && stat !== undefined && !(await this.#tree.isModified(entry, stat));
      if (stat === undefined) return true;
      if (stat.kind === 'directory') return this.#isOurDirectory(path);
      return after !== undefined && this.#fileHas(path, stat, after);
    }
    if (entry === undefined || entry.oid !== before.oid || entry.mode !== before.mode) return false;
    if (isGitlinkMode(before.mode)) return true;
    // A file deleted from the work tree but not from the index is a change of the user's, too.
    return stat !== undefined && !(await this.#tree.isModified(entry, stat, { ignoreValid: true, ignoreSkip: true }));
  }

  /** Index and file each have what was there before, or what a killed process was writing. */
  async isHalfDone(change: Change): Promise<boolean> {
    const { path, before, after } = change;
    const { index } = this.#tree;
    const entry = index.get(path);
    if (this.#tree.hasSymlinkParent(path) || index.stages(path).some(({ stage }) => stage > 0)) return false;
    const known = [before, after].some((side) => side?.oid === entry?.oid && side?.mode === entry?.mode);
    if (!known) return false;
    const stat = this.#tree.lstat(path);
    if (stat === undefined) return true;
    for (const side of [before, after]) if (side !== undefined && (await this.#fileHas(path, stat, side))) return true;
    return this.#isCutShort(path, stat, after);
  }

  /** The file is the first part of what was being written. */
  #isCutShort(path: string, stat: FileStat, after: Change['after']): boolean {
    if (after === undefined || !isRegularMode(after.mode) || stat.kind !== 'file') return false;
    const data = this.#tree.readRaw(path, stat);
    const whole = this.#tree.repository.objects.readNow(after.oid);
    if (data === undefined || whole === undefined || isPromise(whole)) return false;
    return whole.data.length > data.length && equalBytes(whole.data.subarray(0, data.length), data);
  }

  async #fileHas(path: string, stat: FileStat, side: NonNullable<Change['after']>): Promise<boolean> {
    if (isSymlinkMode(side.mode) !== (stat.kind === 'symlink') || stat.kind === 'directory') return false;
    return (await this.#tree.hashFile(path, stat)) === side.oid;
  }

  /** Every file below is one that the index knows (and that the same commit takes away). */
  #isOurDirectory(path: string): boolean {
    for (const { name, kind } of this.#tree.fs.readDirectory(this.#tree.absolute(path)) ?? []) {
      const below = `${path}/${name}`;
      if (kind === 'directory' ? !this.#isOurDirectory(below) : this.#tree.index.get(below) === undefined) return false;
    }
    return true;
  }

  async apply(changes: readonly Change[]): Promise<void> {
    const { index } = this.#tree;
    const remover = new FileRemover(this.#tree);
    for (const { path, before, after } of changes) {
      if (after !== undefined) continue;
      index.remove(path);
      remover.remove(path, before !== undefined && isGitlinkMode(before.mode));
    }
    remover.finish();
    const writer = new CheckoutWriter(this.#tree);
    for (const { path, after } of changes) {
      if (after === undefined) continue;
      const entry = IndexEntry.create({ path, mode: canonicalMode(after.mode), oid: after.oid });
      const written = await writer.write(entry);
      if (!written.ok) throw new GitError('WORKTREE_DIRTY', written.message, { data: { paths: [path] } });
      index.add(entry.withStat(written.stat), { replace: true });
    }
  }
}
