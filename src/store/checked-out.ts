import { GitError } from '../base/errors.js';
import { isZeroOid, type Oid, zeroOid } from '../base/oid.js';
import { bytes } from '../contents/bytes.js';
import { parseCommit } from '../objects/commit.js';
import { isSafePath, parentPath } from '../base/path.js';
import { readKind } from '../objects/database.js';
import { isGitlinkMode, isRegularMode, isSymlinkMode, MODE_EXECUTABLE, MODE_FILE } from '../objects/mode.js';
import { isPromise } from '../base/awaitable.js';
import { decodeText, encodeText, equalBytes } from '../base/bytes.js';
import type { Repository } from '../repo/repository.js';
import { type Index, type IndexPlace, lockIndex, readIndex, commitIndex } from '../worktree/index-file.js';
import { IndexEntry } from '../worktree/index-entry.js';
import type { CheckedOut } from './store.js';
import { type Change, Tree } from './tree.js';

/**
 * Keeps the index and the work tree of a repository in step with the branch that HEAD names, one commit of values at
 * a time. Where a changed path has changes of its own (staged, in the file, or an untracked file in the way) nothing
 * is written: `WORKTREE_DIRTY` names every such path.
 */
export function checkedOut(repository: Repository): CheckedOut | undefined {
  const { workTree } = repository;
  if (repository.bare || workTree === undefined) return undefined;
  const place: IndexPlace = {
    platform: repository.platform,
    algorithm: repository.objectFormat,
    path: repository.path('index'),
    directory: repository.gitDir,
  };
  return {
    async prepare(branch, changes) {
      const head = await repository.refs.resolveFull('HEAD');
      if (head?.symbolic !== true || head.name !== branch || changes.length === 0) return undefined;
      for (const { path } of changes) {
        if (!isSafePath(path)) throw new GitError('PATH_UNSAFE', `invalid path '${path}'`, { data: { path } });
      }
      const lock = lockIndex(place);
      try {
        const index = readIndex(place);
        const keeper = new Keeper(repository, workTree, index);
        const journal = new Journal(repository);
        const finished = await journal.finish(keeper, branch);
        const dirty = changes.filter((change) => !keeper.isClean(change)).map(({ path }) => path);
        if (dirty.length > 0) {
          if (finished) commitIndex(place, index, lock);
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
            await keeper.apply(changes);
            commitIndex(place, index, lock);
            journal.clear();
          },
          abandon() {
            if (finished) commitIndex(place, index, lock);
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
      if (keeper.isHalfDone(change)) left.push(change);
    await keeper.apply(left);
    return true;
  }
}

class Keeper {
  readonly #repository: Repository;
  readonly #workTree: string;
  readonly #index: Index;

  constructor(repository: Repository, workTree: string, index: Index) {
    this.#repository = repository;
    this.#workTree = workTree;
    this.#index = index;
  }

  /** The index has what the commit before had, and the file what the index has. */
  isClean({ path, before, after }: Change): boolean {
    const { fs } = this.#repository.platform;
    const file = `${this.#workTree}/${path}`;
    if (this.#index.stages(path).some((entry) => entry.stage > 0)) return false;
    if (this.#throughLink(path)) return false;
    const entry = this.#index.get(path);
    const stat = fs.lstat(file);
    if (before === undefined) {
      if (entry !== undefined) return entry.oid === after?.oid && this.#fileHas(file, entry.oid, entry.mode);
      if (stat === undefined) return true;
      if (stat.kind === 'directory') return this.#isOurDirectory(path);
      return after !== undefined && this.#fileHas(file, after.oid, after.mode);
    }
    if (entry === undefined || entry.oid !== before.oid || entry.mode !== before.mode) return false;
    if (isGitlinkMode(before.mode)) return true;
    // A file deleted from the work tree but not from the index is a change of the user's, too.
    return stat !== undefined && this.#fileHas(file, before.oid, before.mode);
  }

  /** Index and file each have what was there before, or what a killed process was writing. */
  isHalfDone(change: Change): boolean {
    const { path, before, after } = change;
    const entry = this.#index.get(path);
    if (this.#throughLink(path) || this.#index.stages(path).some(({ stage }) => stage > 0)) return false;
    const known = [before, after].some((side) => side?.oid === entry?.oid && side?.mode === entry?.mode);
    if (!known) return false;
    const file = `${this.#workTree}/${path}`;
    if (this.#repository.platform.fs.lstat(file) === undefined) return true;
    return (
      [before, after].some((side) => side !== undefined && this.#fileHas(file, side.oid, side.mode)) ||
      this.#isCutShort(file, after)
    );
  }

  /** The file is the first part of what was being written. */
  #isCutShort(file: string, after: Change['after']): boolean {
    if (after === undefined || !isRegularMode(after.mode)) return false;
    const data = this.#repository.platform.fs.readFile(file);
    const whole = this.#repository.objects.read(after.oid);
    if (data === undefined || whole === undefined || isPromise(whole)) return false;
    return whole.data.length > data.length && equalBytes(whole.data.subarray(0, data.length), data);
  }

  #throughLink(path: string): boolean {
    for (let parent = parentPath(path); parent !== ''; parent = parentPath(parent)) {
      if (this.#repository.platform.fs.lstat(`${this.#workTree}/${parent}`)?.kind === 'symlink') return true;
    }
    return false;
  }

  /** Every file below is one that the index knows (and that the same commit takes away). */
  #isOurDirectory(path: string): boolean {
    for (const { name, kind } of this.#repository.platform.fs.readDirectory(`${this.#workTree}/${path}`) ?? []) {
      const below = `${path}/${name}`;
      if (kind === 'directory' ? !this.#isOurDirectory(below) : this.#index.get(below) === undefined) return false;
    }
    return true;
  }

  #fileHas(file: string, oid: string, mode: number): boolean {
    const { fs, hashObject } = this.#repository.platform;
    const algorithm = this.#repository.objectFormat;
    const stat = fs.lstat(file);
    if (stat === undefined) return false;
    if (isSymlinkMode(mode)) {
      const link = fs.readLink(file);
      return link !== undefined && hashObject(algorithm, 'blob', encodeText(link)) === oid;
    }
    if (stat.kind !== 'file') return false;
    const executable = (stat.mode & 0o100) !== 0;
    if (
      this.#repository.config.getBool('core.filemode', true) &&
      isRegularMode(mode) &&
      executable !== (mode === MODE_EXECUTABLE)
    )
      return false;
    const data = fs.readFile(file);
    return data !== undefined && hashObject(algorithm, 'blob', data) === oid;
  }

  async apply(changes: readonly Change[]): Promise<void> {
    for (const { path, after } of changes) if (after === undefined) this.#remove(path);
    for (const { path, after } of changes) if (after !== undefined) await this.#write(path, after);
  }

  #remove(path: string): void {
    const { fs } = this.#repository.platform;
    this.#index.remove(path);
    fs.remove(`${this.#workTree}/${path}`);
    for (let parent = parentPath(path); parent !== ''; parent = parentPath(parent)) {
      if (!fs.removeDirectory(`${this.#workTree}/${parent}`)) break;
    }
  }

  async #write(path: string, after: NonNullable<Change['after']>): Promise<void> {
    const { fs } = this.#repository.platform;
    const file = `${this.#workTree}/${path}`;
    if (!isGitlinkMode(after.mode)) {
      const data = await readKind(this.#repository.objects, after.oid, 'blob');
      const parent = parentPath(file);
      for (let up = parentPath(path); up !== ''; up = parentPath(up)) {
        const kind = fs.lstat(`${this.#workTree}/${up}`)?.kind;
        if (kind === 'file') fs.remove(`${this.#workTree}/${up}`);
      }
      fs.makeDirectory(parent, { recursive: true });
      const stat = fs.lstat(file);
      if (stat?.kind === 'directory') removeEmptyDirectories(fs, file);
      else if (stat !== undefined) fs.remove(file);
      if (isSymlinkMode(after.mode)) fs.symlink(decodeText(data), file);
      else fs.writeFile(file, data, after.mode === MODE_EXECUTABLE ? 0o777 : 0o666);
    }
    const stat = fs.lstat(file);
    this.#index.add(
      IndexEntry.create({
        path,
        mode: isRegularMode(after.mode) ? (after.mode & 0o100 ? MODE_EXECUTABLE : MODE_FILE) : after.mode,
        oid: after.oid,
        stat,
      }),
      { replace: true },
    );
  }
}

function removeEmptyDirectories(fs: Repository['platform']['fs'], directory: string): void {
  for (const { name, kind } of fs.readDirectory(directory) ?? [])
    if (kind === 'directory') removeEmptyDirectories(fs, `${directory}/${name}`);
  fs.removeDirectory(directory);
}
