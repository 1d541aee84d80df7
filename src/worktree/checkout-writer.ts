import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { isSafePath } from '../base/path.js';
import { isGitlinkMode, isSymlinkMode, MODE_EXECUTABLE } from '../objects/mode.js';
import type { RawObject } from '../objects/source.js';
import type { FileStat, FileSystem } from '../platform/fs.js';
import type { SmudgeOptions } from './convert.js';
import type { IndexEntry } from './index-entry.js';
import type { WorkTree } from './work-tree.js';

export type WriteOutcome =
  | { readonly ok: true; readonly stat: FileStat }
  | { readonly ok: false; readonly message: string };

type Settle = (entry: IndexEntry, outcome: WriteOutcome) => void;

/**
 * Writes files of the work tree, and nothing else: every path is checked, every directory on the way must be a real
 * one (never a symbolic link, also not one that this checkout just made), and what is in the way is removed only when
 * the caller has decided that it may go.
 */
export class CheckoutWriter {
  readonly #tree: WorkTree;
  /** Directories known to be real directories. */
  readonly #directories = new Set<string>();
  readonly #meta: SmudgeOptions;
  /** Entries whose content a filter has put off. */
  readonly #delayed = new Map<string, { entry: IndexEntry; settle: Settle }>();

  constructor(tree: WorkTree, meta: SmudgeOptions = {}) {
    this.#tree = tree;
    this.#meta = meta;
  }

  /** Writes an entry's file over whatever is there. */
  write(entry: IndexEntry): Awaitable<WriteOutcome> {
    if (isGitlinkMode(entry.mode)) return this.writeContent(entry, undefined);
    const { objects } = this.#tree.repository;
    const found = objects.readPassing(entry.rawOid) ?? objects.read(entry.oid);
    return isPromise(found)
      ? found.then((object) => this.#writeObject(entry, object))
      : this.#writeObject(entry, found);
  }

  /**
   * Writes an entry's file now, or in `finishDelayed` where its filter wants time for it; `settle` is told what came of
   * it then.
   */
  deliver(entry: IndexEntry, settle: Settle): Awaitable<void> {
    const { path, mode, oid } = entry;
    const { converter, repository } = this.#tree;
    if (isGitlinkMode(mode) || isSymlinkMode(mode) || !converter.mayDelay(path)) {
      const outcome = this.write(entry);
      return isPromise(outcome) ? outcome.then((one) => settle(entry, one)) : settle(entry, outcome);
    }
    return (async () => {
      const object = await repository.objects.read(oid);
      if (object?.kind !== 'blob') return settle(entry, await this.#writeObject(entry, object));
      const data = await converter.smudgeOrDelay(path, object.data, { ...this.#meta, blob: oid });
      if (data === 'delayed') this.#delayed.set(path, { entry, settle });
      else settle(entry, this.#put(path, mode, data));
    })();
  }

  /** Writes what filters had put off. `progress`: files done, of how many. */
  async finishDelayed(progress?: (done: number, total: number) => void): Promise<void> {
    const total = this.#delayed.size;
    if (total === 0) return;
    let done = 0;
    for await (const file of this.#tree.converter.delayedFiles()) {
      const waiting = this.#delayed.get(file.path);
      if ('error' in file) {
        const { entry, settle } = waiting ?? [...this.#delayed.values()][0]!;
        settle(entry, { ok: false, message: file.error });
      } else if (waiting !== undefined) {
        waiting.settle(waiting.entry, this.#put(file.path, waiting.entry.mode, file.data));
        progress?.(++done, total);
      }
    }
    this.#delayed.clear();
  }

  #writeObject(entry: IndexEntry, object: RawObject | undefined): Awaitable<WriteOutcome> {
    if (object === undefined || object.kind !== 'blob') {
      return { ok: false, message: `unable to read sha1 file of ${entry.path} (${entry.oid})` };
    }
    return this.writeContent(entry, object.data);
  }

  /** Writes stored content (converted on the way out) for an entry. */
  writeContent(entry: IndexEntry, stored: Bytes | undefined): Awaitable<WriteOutcome> {
    const { path, mode } = entry;
    if (stored === undefined || isSymlinkMode(mode)) return this.#put(path, mode, stored);
    const { converter } = this.#tree;
    const conversion = converter.of(path);
    if (converter.isPlain(conversion)) return this.#put(path, mode, stored);
    const converted = converter.smudge(path, stored, { ...this.#meta, blob: entry.oid }, conversion);
    return isPromise(converted)
      ? converted.then((data) => this.#put(path, mode, data))
      : this.#put(path, mode, converted);
  }

  /** Puts a file where there may be something. */
  #put(path: string, mode: number, data: Bytes | undefined): WriteOutcome {
    if (!isSafePath(path)) throw new GitError('PATH_UNSAFE', `invalid path '${path}'`, { data: { path } });
    const slash = path.lastIndexOf('/');
    if (slash > 0) this.#makeDirectories(path.slice(0, slash));
    const { fs, rules } = this.#tree;
    const file = this.#tree.absolute(path);
    if (isGitlinkMode(mode)) {
      this.#clear(path, true);
      if (fs.lstat(file)?.kind !== 'directory') fs.makeDirectory(file);
      return { ok: true, stat: fs.lstat(file)! };
    }
    if (isSymlinkMode(mode) && rules.symlinks) {
      this.#clear(path, false);
      fs.symlink(decodeText(data!), file);
      return { ok: true, stat: fs.lstat(file)! };
    }
    const permissions = mode === MODE_EXECUTABLE ? 0o777 : 0o666;
    // Mostly nothing is there: making the file tells.
    let stat = createFile(fs, file, data!, permissions);
    if (stat === undefined) {
      this.#clear(path, false);
      stat = createFile(fs, file, data!, permissions);
    }
    return stat === undefined
      ? { ok: false, message: `unable to create file ${path}: File exists` }
      : { ok: true, stat };
  }

  /** Removes what is at the path. */
  #clear(path: string, keepDirectory: boolean): void {
    const { fs } = this.#tree;
    const file = this.#tree.absolute(path);
    const stat = fs.lstat(file);
    if (stat === undefined) return;
    if (stat.kind === 'directory') {
      if (keepDirectory) return;
      this.forget(path);
      fs.removeRecursive(file);
    } else fs.remove(file);
  }

  #makeDirectories(directory: string): void {
    if (this.#directories.has(directory)) return;
    const slash = directory.lastIndexOf('/');
    if (slash > 0) this.#makeDirectories(directory.slice(0, slash));
    const { fs } = this.#tree;
    const file = this.#tree.absolute(directory);
    const stat = fs.lstat(file);
    if (stat?.kind !== 'directory') {
      if (stat !== undefined) fs.remove(file);
      fs.makeDirectory(file);
    }
    this.#directories.add(directory);
  }

  /** A directory was removed: it must be looked at again. */
  forget(directory: string): void {
    if (this.#directories.size === 0) return;
    for (const known of this.#directories) {
      if (known === directory || known.startsWith(`${directory}/`)) this.#directories.delete(known);
    }
  }
}

function createFile(fs: FileSystem, file: string, data: Bytes, mode: number): FileStat | undefined {
  if (fs.createFile !== undefined) return fs.createFile(file, data, mode);
  const handle = fs.openWrite(file, { exclusive: true, mode });
  if (handle === undefined) return undefined;
  try {
    handle.write(data);
    return handle.stat();
  } finally {
    handle.close();
  }
}

/**
 * Removes files of the work tree and then the directories that became empty, from the deepest up. Directories above
 * the current one are kept. Nothing is removed through a symbolic link.
 */
export class FileRemover {
  readonly #tree: WorkTree;
  readonly #emptied = new Set<string>();
  /** The current directory, without its `/`; it stays. */
  readonly #current: string;

  constructor(tree: WorkTree) {
    this.#tree = tree;
    this.#current = tree.repository.insideWorkTree ? tree.repository.prefix.slice(0, -1) : '';
  }

  /** Removes one file (for a submodule: its directory, if it is empty). Answers an error's code, if any. */
  remove(path: string, gitlink = false): string | undefined {
    if (!isSafePath(path)) return undefined;
    if (this.#tree.hasSymlinkParent(path)) return undefined;
    const { fs } = this.#tree;
    const file = this.#tree.absolute(path);
    try {
      if (gitlink) {
        if (!fs.removeDirectory(file) && fs.lstat(file) !== undefined) return 'ENOTEMPTY';
      } else fs.remove(file);
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === 'EISDIR' || code === 'EPERM') {
        if (fs.lstat(file)?.kind === 'directory') return 'EISDIR';
      }
      if (code === undefined) throw error;
      return code;
    }
    const slash = path.lastIndexOf('/');
    if (slash > 0) this.#emptied.add(path.slice(0, slash));
    return undefined;
  }

  /** Removes the directories that are empty now. Answers which went. */
  finish(): string[] {
    const gone: string[] = [];
    const waiting = [...this.#emptied].sort((a, b) => b.length - a.length);
    this.#emptied.clear();
    for (const directory of waiting) {
      for (let at = directory; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
        if (at === this.#current) break;
        let removed: boolean;
        try {
          removed = this.#tree.fs.removeDirectory(this.#tree.absolute(at));
        } catch {
          break;
        }
        if (!removed) break;
        gone.push(at);
      }
    }
    if (gone.length > 0) this.#tree.forgetDirectories();
    return gone;
  }
}
