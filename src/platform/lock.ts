import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { FileSystem, WriteHandle } from './fs.js';

/**
 * A lock file as git makes it: `<path>.lock`, created exclusively, renamed over `path` by `commit` or removed by
 * `rollback`. Writers of refs, the index, config and packed-refs all go through here.
 */
export class LockFile {
  readonly path: string;
  readonly lockPath: string;
  readonly #fs: FileSystem;
  #handle: WriteHandle | undefined;
  #held = true;

  private constructor(fs: FileSystem, path: string, handle: WriteHandle) {
    this.#fs = fs;
    this.path = path;
    this.lockPath = `${path}.lock`;
    this.#handle = handle;
  }

  /**
   * `undefined` when somebody else holds it. Symbolic links at `path` are followed, as git does for config and the
   * index; refs, where a link is a symbolic ref, are locked as they stand.
   */
  static tryAcquire(
    fs: FileSystem,
    path: string,
    mode = 0o666,
    options: { readonly followLinks?: boolean } = {},
  ): LockFile | undefined {
    let target = path;
    for (let depth = 0; depth < 5 && options.followLinks !== false; depth++) {
      const link = fs.readLink(target);
      if (link === undefined) break;
      target = link.startsWith('/') ? link : target.slice(0, target.lastIndexOf('/') + 1) + link;
    }
    const handle = fs.openWrite(`${target}.lock`, { exclusive: true, mode });
    return handle === undefined ? undefined : new LockFile(fs, target, handle);
  }

  /** Throws `LOCKED`, in git's words, when somebody else holds it. */
  static acquire(fs: FileSystem, path: string, mode = 0o666): LockFile {
    const lock = LockFile.tryAcquire(fs, path, mode);
    if (lock !== undefined) return lock;
    throw new GitError('LOCKED', `Unable to create '${path}.lock': File exists.`, {
      hint: 'Another git process seems to be running in this repository, or one crashed: remove the file by hand if so',
      data: { path: `${path}.lock` },
    });
  }

  write(data: Bytes): void {
    this.#handle!.write(data);
  }

  /** The open lock file, for positioned writes and `stat`. */
  get handle(): WriteHandle {
    return this.#handle!;
  }

  /** Closes the file but keeps the lock (so that a hook may read what will be committed). */
  close(sync = false): void {
    if (this.#handle === undefined) return;
    if (sync) this.#handle.sync();
    this.#handle.close();
    this.#handle = undefined;
  }

  commit(options: { sync?: boolean } = {}): void {
    this.close(options.sync === true);
    this.#fs.rename(this.lockPath, this.path);
    this.#held = false;
  }

  /** Renames the lock file to another place than the locked path. */
  commitTo(path: string): void {
    this.close();
    this.#fs.rename(this.lockPath, path);
    this.#held = false;
  }

  rollback(): void {
    if (!this.#held) return;
    this.close();
    this.#fs.remove(this.lockPath);
    this.#held = false;
  }
}
