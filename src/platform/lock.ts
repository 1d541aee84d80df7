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
  #ownerPath: string | undefined;

  private constructor(fs: FileSystem, path: string, handle: WriteHandle, ownerPath: string | undefined) {
    this.#fs = fs;
    this.#ownerPath = ownerPath;
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
    return (
      LockFile.#create(fs, target, mode) ?? (clearDeadLock(fs, target) ? LockFile.#create(fs, target, mode) : undefined)
    );
  }

  /**
   * The lock file starts as a file of another name that says whose it is, hard-linked into place; both names stay
   * until the lock ends. Whoever finds the lock of a process that has died can thus tell, and clear it away.
   */
  static #create(fs: FileSystem, target: string, mode: number): LockFile | undefined {
    const owner = fs.lockOwner;
    if (owner === undefined) {
      const handle = fs.openWrite(`${target}.lock`, { exclusive: true, mode });
      return handle === undefined ? undefined : new LockFile(fs, target, handle, undefined);
    }
    const ownerPath = `${target}${OWNED}${owner.tag}-${serial++}.lock`;
    let handle: WriteHandle | undefined;
    try {
      handle = fs.openWrite(ownerPath, { exclusive: true, mode });
    } catch (error) {
      // What could not be made is the lock; the other name is nobody's concern.
      if (error instanceof Error && 'path' in error) error.path = `${target}.lock`;
      throw error;
    }
    if (handle === undefined) return undefined;
    let linked: boolean;
    try {
      linked = fs.link(ownerPath, `${target}.lock`);
    } catch (error) {
      // A file system without hard links: the plain way.
      fs.remove(ownerPath);
      handle.close();
      if ((error as { code?: string }).code === 'ENOENT') throw error;
      const plain = fs.openWrite(`${target}.lock`, { exclusive: true, mode });
      return plain === undefined ? undefined : new LockFile(fs, target, plain, undefined);
    }
    if (linked) return new LockFile(fs, target, handle, ownerPath);
    handle.close();
    fs.remove(ownerPath);
    return undefined;
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
    this.#release();
  }

  /** Renames the lock file to another place than the locked path. */
  commitTo(path: string): void {
    this.close();
    this.#fs.rename(this.lockPath, path);
    this.#release();
  }

  rollback(): void {
    if (!this.#held) return;
    this.close();
    this.#fs.remove(this.lockPath);
    this.#release();
  }

  #release(): void {
    this.#held = false;
    if (this.#ownerPath !== undefined) this.#fs.remove(this.#ownerPath);
    this.#ownerPath = undefined;
  }
}

/** Between a locked file's name and its owner's tag. Such names end in `.lock`, so git passes over them among refs. */
const OWNED = '.bough-';
/** A breaker that died while breaking holds up the others this long. */
const BREAK_SECONDS = 10;
let serial = 0;

/** Removes the lock on `target` if the process that made it has died; answers whether it did. Other locks stay. */
function clearDeadLock(fs: FileSystem, target: string): boolean {
  const owner = fs.lockOwner;
  const lock = fs.lstat(`${target}.lock`);
  if (owner === undefined || lock === undefined || lock.links < 2) return lock === undefined;
  const cut = target.lastIndexOf('/') + 1;
  const directory = cut === 0 ? '.' : target.slice(0, cut);
  const start = target.slice(cut) + OWNED;
  for (const { name } of fs.readDirectory(directory) ?? []) {
    if (!name.startsWith(start) || !name.endsWith('.lock')) continue;
    const tag = name.slice(start.length, name.lastIndexOf('-'));
    const file = target.slice(0, cut) + name;
    const stat = fs.lstat(file);
    if (stat === undefined || stat.inode !== lock.inode || stat.device !== lock.device || !owner.isDead(tag)) continue;
    return breakLock(fs, target, file, lock.inode);
  }
  return false;
}

/** One breaker at a time, so that nobody removes the lock a quicker one has taken in between. */
function breakLock(fs: FileSystem, target: string, ownerPath: string, inode: number): boolean {
  const guard = `${target}${OWNED}break.lock`;
  const old = fs.lstat(guard);
  const handle = fs.openWrite(guard, { exclusive: true });
  if (handle === undefined) {
    const now = Date.now() / 1000;
    if (old !== undefined && now - old.mtimeSeconds > BREAK_SECONDS) fs.remove(guard);
    return false;
  }
  handle.close();
  try {
    if (fs.lstat(`${target}.lock`)?.inode !== inode) return true;
    fs.remove(`${target}.lock`);
    fs.remove(ownerPath);
    return true;
  } finally {
    fs.remove(guard);
  }
}
