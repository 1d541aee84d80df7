import type { Bytes } from '../base/bytes.js';

/** What `lstat` tells, in the form the index keeps it. Times in whole seconds and nanoseconds. */
export interface FileStat {
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  /** Permission and type bits, as `st_mode`. */
  readonly mode: number;
  readonly size: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly ctimeSeconds: number;
  readonly ctimeNanoseconds: number;
  readonly device: number;
  readonly inode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
}

/** Places in the answer of `lstatNumbers`. */
export const STAT_MODE = 1;
export const STAT_UID = 3;
export const STAT_GID = 4;
export const STAT_INODE = 7;
export const STAT_SIZE = 8;
export const STAT_MTIME = 12;
export const STAT_MTIME_NANOSECONDS = 13;
export const STAT_CTIME = 14;
export const STAT_CTIME_NANOSECONDS = 15;

/** A name in a directory and what it is. */
export interface DirectoryEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
}

/** An open file, read by position. */
export interface ReadHandle {
  readonly size: number;
  /** Up to `length` bytes from `position`; fewer only at the end of the file. */
  read(position: number, length: number): Bytes;
  /** Fills `into` from `position`; answers how many bytes were there. */
  readInto(into: Bytes, position: number): number;
  stat(): FileStat;
  close(): void;
}

/** An open file, written from the start or at its end. */
export interface WriteHandle {
  readonly path: string;
  write(data: Bytes): void;
  /** Overwrites earlier bytes (a header whose count is known last). */
  writeAt(data: Bytes, position: number): void;
  sync(): void;
  stat(): FileStat;
  close(): void;
}

/** Tells whether whoever left a lock behind is still running. */
export interface LockOwner {
  /** Letters, digits and `-`: this machine and this process. */
  readonly tag: string;
  /** True only when that process ran on this machine and has ended. */
  isDead(tag: string): boolean;
}

/**
 * The file-system seam. It is synchronous: a small read costs 5 µs this way and 60–100 µs through promises, and the
 * whole of status, checkout and refs is made of small calls. Paths are byte-exact text, absolute or relative to the
 * process. "Missing" is an answer (`undefined` or `false`); anything else that fails throws the system's error with
 * its `code` (`EACCES`, `ENOSPC`, …).
 */
export interface FileSystem {
  /** The whole file, or `undefined` where there is none (also when a parent is not a directory). */
  /** `size`: what the file is expected to have, where that is known; it is read whole in any case. */
  readFile(path: string, size?: number): Bytes | undefined;
  open(path: string): ReadHandle | undefined;
  /** Creates or truncates. `exclusive`: `undefined` when it exists already. `mode` is subject to the umask. */
  openWrite(path: string, options: { exclusive: true; mode?: number }): WriteHandle | undefined;
  openWrite(path: string, options?: { exclusive?: false; append?: boolean; mode?: number }): WriteHandle;
  /** Writes a whole file in place (not atomic; use a lock file for what others read). */
  writeFile(path: string, data: Bytes, mode?: number): void;
  /** Makes a file that is not there, writes it and tells what it is then; `undefined` when something is there already. */
  createFile?(path: string, data: Bytes, mode: number): FileStat | undefined;
  appendFile(path: string, data: Bytes, mode?: number): void;
  lstat(path: string): FileStat | undefined;
  /**
   * A way to the same as bare numbers (places: `STAT_MODE`, …), for looking at very many files: its answers are good
   * until the next one. It may throw for a file that cannot be looked at, and takes no names that are not UTF-8. What is
   * passed beside the path is always the same: it is the system's own function, without another around it.
   */
  readonly lstatNumbers?:
    | ((path: string, bigint: false, request: undefined, throwIfMissing: false) => Float64Array | undefined)
    | undefined;
  /** Bytes the file takes on disk (whole blocks), where the system tells. */
  allocatedSize?(path: string): number | undefined;
  stat(path: string): FileStat | undefined;
  /** Entries in no particular order; `undefined` when it is not a directory. */
  readDirectory(path: string): readonly DirectoryEntry[] | undefined;
  /**
   * The same as two columns, for looking through very many directories. Kinds: 1 file, 2 directory, 3 symbolic link,
   * anything else is something else.
   */
  readNames?(path: string): { readonly names: readonly string[]; readonly kinds: readonly number[] } | undefined;
  /** The process's directory: paths below it may be given without it. */
  workingDirectory?(): string;
  readLink(path: string): string | undefined;
  /** Resolves symbolic links; `undefined` when something is missing. */
  realPath(path: string): string | undefined;
  makeDirectory(path: string, options?: { recursive?: boolean; mode?: number }): boolean;
  rename(from: string, to: string): void;
  /** Hard link; `false` when the target exists. */
  link(from: string, to: string): boolean;
  symlink(target: string, path: string): void;
  /** `false` when there was nothing. */
  remove(path: string): boolean;
  /** `false` when missing or not empty. */
  removeDirectory(path: string): boolean;
  /** Removes a tree, never following symbolic links. */
  removeRecursive(path: string): void;
  chmod(path: string, mode: number): void;
  setTimes(path: string, atimeSeconds: number, mtimeSeconds: number): void;
  syncFile(path: string): void;
  syncDirectory(path: string): void;
  /** Where the system can tell running processes from ended ones, lock files of the latter are cleared away. */
  readonly lockOwner?: LockOwner | undefined;
  /** Calls back when something changes in a directory; answers a function that stops it. */
  watch?(path: string, changed: (name: string | undefined) => void): () => void;
}

/**
 * Reads a file that is mostly not there. Asking first costs a microsecond; the exception that a failed `open` makes costs
 * fifty in a process that has just started.
 */
export const readIfThere = (fs: FileSystem, path: string): Bytes | undefined =>
  fs.stat(path) === undefined ? undefined : fs.readFile(path);
