import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { isSafePath } from '../base/path.js';
import { isGitlinkMode, isSymlinkMode, MODE_EXECUTABLE } from '../objects/mode.js';
import type { FileStat } from '../platform/fs.js';
import type { SmudgeOptions } from './convert.js';
import type { IndexEntry } from './index-entry.js';
import type { WorkTree } from './work-tree.js';

export type WriteOutcome =
  | { readonly ok: true; readonly stat: FileStat }
  | { readonly ok: false; readonly message: string };

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

  constructor(tree: WorkTree, meta: SmudgeOptions = {}) {
    this.#tree = tree;
    this.#meta = meta;
  }

  /** Writes an entry's file over whatever is there. */
  async write(entry: IndexEntry): Promise<WriteOutcome> {
    let data: Bytes | undefined;
    if (!isGitlinkMode(entry.mode)) {
      const found = this.#tree.repository.objects.read(entry.oid);
      const object = isPromise(found) ? await found : found;
      if (object === undefined || object.kind !== 'blob') {
        return { ok: false, message: `unable to read sha1 file of ${entry.path} (${entry.oid})` };
      }
      data = object.data;
    }
    return this.writeContent(entry, data);
  }

  /** Writes stored content (converted on the way out) for an entry. */
  async writeContent(entry: IndexEntry, stored: Bytes | undefined): Promise<WriteOutcome> {
    const { path, mode } = entry;
    let data = stored;
    if (data !== undefined && !isSymlinkMode(mode)) {
      const converted = this.#tree.converter.smudge(path, data, { ...this.#meta, blob: entry.oid });
      data = isPromise(converted) ? await converted : converted;
    }
    this.#prepare(path, isGitlinkMode(mode));
    const file = this.#tree.absolute(path);
    const { fs } = this.#tree;
    if (isGitlinkMode(mode)) {
      if (fs.lstat(file)?.kind !== 'directory') fs.makeDirectory(file);
      return { ok: true, stat: fs.lstat(file)! };
    }
    if (isSymlinkMode(mode) && this.#tree.rules.symlinks) {
      fs.symlink(decodeText(data!), file);
      return { ok: true, stat: fs.lstat(file)! };
    }
    const permissions = mode === MODE_EXECUTABLE ? 0o777 : 0o666;
    const handle = fs.openWrite(file, { exclusive: true, mode: permissions });
    if (handle === undefined) return { ok: false, message: `unable to create file ${path}: File exists` };
    try {
      handle.write(data!);
      return { ok: true, stat: handle.stat() };
    } finally {
      handle.close();
    }
  }

  /** Removes what is at the path and makes sure of the directories above it. */
  #prepare(path: string, keepDirectory: boolean): void {
    if (!isSafePath(path)) throw new GitError('PATH_UNSAFE', `invalid path '${path}'`, { data: { path } });
    const { fs } = this.#tree;
    const slash = path.lastIndexOf('/');
    if (slash > 0) this.#makeDirectories(path.slice(0, slash));
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
