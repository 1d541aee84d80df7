import * as nodeFs from 'node:fs';
import type { Bytes } from '../../base/bytes.js';
import { decodeText, emptyBytes, encodeText } from '../../base/bytes.js';
import { effort } from '../../base/effort.js';
import { worked } from './brief.js';
import { innerFiles, type InnerFiles, innerReadDirectory, innerWrite, openFiles, type RawStat } from './inner-files.js';
import { nodeLockOwner } from './lock-owner.js';
import type { DirectoryEntry, FileStat, FileSystem, ReadHandle, WriteHandle } from '../fs.js';

/** What must not go the short way: bytes that are not UTF-8, and a NUL, which would end the name unseen. */
const special = /[\0\udc80-\udcff]/;
const rawBytes = /[\udc80-\udcff]/;

/** The calls below Node's own, where they can take this path. */
const below = (path: string): InnerFiles | undefined => (special.test(path) ? undefined : innerFiles());

/** Names that are not UTF-8 go to the system as bytes; all others as strings, which is faster. */
function native(path: string): string | Buffer {
  if (rawBytes.test(path)) {
    const bytes = encodeText(path);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return path;
}

const openFile = (path: string, flags: number, mode = 0): number =>
  below(path)?.open(path, flags, mode) ?? nodeFs.openSync(native(path), flags, mode);

function isMissing(error: unknown): boolean {
  const code = (error as { code?: string }).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

const FORMAT = 0o170000;
const READ = nodeFs.constants.O_RDONLY;
const CREATE = nodeFs.constants.O_WRONLY | nodeFs.constants.O_CREAT | nodeFs.constants.O_EXCL;

function toFileStat(stat: nodeFs.BigIntStats): FileStat {
  const mode = Number(stat.mode);
  const format = mode & FORMAT;
  return {
    kind: format === 0o100000 ? 'file' : format === 0o040000 ? 'directory' : format === 0o120000 ? 'symlink' : 'other',
    mode,
    size: Number(stat.size),
    mtimeSeconds: Number(stat.mtimeNs / 1000000000n),
    mtimeNanoseconds: Number(stat.mtimeNs % 1000000000n),
    ctimeSeconds: Number(stat.ctimeNs / 1000000000n),
    ctimeNanoseconds: Number(stat.ctimeNs % 1000000000n),
    device: Number(stat.dev),
    inode: Number(stat.ino),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    links: Number(stat.nlink),
  };
}

const bigint = { bigint: true, throwIfNoEntry: false } as const;

function fromRaw(values: RawStat): FileStat {
  const mode = values[1]!;
  const format = mode & FORMAT;
  return {
    kind: format === 0o100000 ? 'file' : format === 0o040000 ? 'directory' : format === 0o120000 ? 'symlink' : 'other',
    mode,
    size: values[8]!,
    mtimeSeconds: values[12]!,
    mtimeNanoseconds: values[13]!,
    ctimeSeconds: values[14]!,
    ctimeNanoseconds: values[15]!,
    device: values[0]!,
    inode: values[7]!,
    uid: values[3]!,
    gid: values[4]!,
    links: values[2]!,
  };
}

function readHandle(descriptor: number): ReadHandle {
  const files = openFiles();
  const size = innerFiles()?.fstat(descriptor, false, undefined, false)?.[8] ?? nodeFs.fstatSync(descriptor).size;
  const readInto = (into: Bytes, position: number): number => {
    let got = 0;
    while (got < into.length) {
      // What Node's own function would check holds: nobody reads at a place below 0 or beyond 2^53.
      const n = files.read(descriptor, into, got, into.length - got, position + got);
      if (n === 0) break;
      got += n;
    }
    worked(got);
    return got;
  };
  return {
    size,
    readInto,
    read(position, length) {
      const into = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, size - position)));
      const got = readInto(into, position);
      return new Uint8Array(into.buffer, into.byteOffset, got);
    },
    stat: () => toFileStat(nodeFs.fstatSync(descriptor, { bigint: true })),
    close: () => files.close(descriptor),
  };
}

/** A whole file; `undefined`: not this way. What is no regular file is opened once only: a pipe would be lost. */
function readWhole(path: string): Bytes | undefined {
  const inner = below(path);
  if (inner === undefined) return undefined;
  const descriptor = inner.open(path, READ, 0);
  try {
    const values = inner.fstat(descriptor, false, undefined, false)!;
    const size = values[8]!;
    if ((values[1]! & FORMAT) !== 0o100000) {
      // What stands for a configuration that is not there.
      if (values[5] === NULL_DEVICE && process.platform === 'linux') return emptyBytes;
      return nodeFs.readFileSync(descriptor);
    }
    if (size > MOST_AT_ONCE) return undefined;
    worked(size);
    const into = Buffer.allocUnsafe(size === 0 ? 1 : size);
    const got = inner.read(descriptor, into, 0, into.length, -1);
    return got === size ? into.subarray(0, size) : undefined;
  } finally {
    inner.close(descriptor);
  }
}

const MOST_AT_ONCE = 1 << 30;
/** Linux's /dev/null. */
const NULL_DEVICE = 0x103;
const SMALL_FILE = 65_536;

/** Without asking the file for its size; `undefined` when that is not the one expected. */
function readSmall(path: string, size: number): Bytes | undefined {
  const files = openFiles();
  const descriptor = openFile(path, READ);
  try {
    const into = Buffer.allocUnsafe(size + 1);
    const got = files.read(descriptor, into, 0, size + 1, -1);
    return got === size ? new Uint8Array(into.buffer, into.byteOffset, size) : undefined;
  } finally {
    files.close(descriptor);
  }
}

class NodeWriteHandle implements WriteHandle {
  readonly path: string;
  readonly #descriptor: number;

  constructor(descriptor: number, path: string) {
    this.#descriptor = descriptor;
    this.path = path;
  }

  #writeAll(data: Bytes, position: number | null): void {
    let done = 0;
    try {
      while (done < data.length) {
        done += nodeFs.writeSync(
          this.#descriptor,
          data,
          done,
          data.length - done,
          position === null ? null : position + done,
        );
      }
    } catch (error) {
      // A full disk is told with the file that met it.
      if (error instanceof Error) Object.assign(error, { path: this.path });
      throw error;
    }
  }

  write(data: Bytes): void {
    this.#writeAll(data, null);
  }
  writeAt(data: Bytes, position: number): void {
    this.#writeAll(data, position);
  }
  sync(): void {
    nodeFs.fsyncSync(this.#descriptor);
  }
  stat(): FileStat {
    return toFileStat(nodeFs.fstatSync(this.#descriptor, { bigint: true }));
  }
  close(): void {
    nodeFs.closeSync(this.#descriptor);
  }
}

function statKind(stat: nodeFs.Dirent | nodeFs.Dirent<Buffer>): DirectoryEntry['kind'] {
  return stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : 'other';
}

const kinds = ['other', 'file', 'directory', 'symlink'] as const;

class NodeFileSystem implements FileSystem {
  readonly lockOwner = nodeLockOwner;

  readFile(path: string, size?: number): Bytes | undefined {
    try {
      if (size !== undefined && size <= SMALL_FILE) {
        const data = readSmall(path, size);
        if (data !== undefined) return data;
      }
      const data = readWhole(path) ?? nodeFs.readFileSync(native(path));
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  open(path: string): ReadHandle | undefined {
    let descriptor: number;
    try {
      descriptor = openFile(path, READ);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    return readHandle(descriptor);
  }

  openWrite(path: string, options: { exclusive: true; mode?: number }): WriteHandle | undefined;
  openWrite(path: string, options?: { exclusive?: false; append?: boolean; mode?: number }): WriteHandle;
  openWrite(
    path: string,
    options: { exclusive?: boolean; append?: boolean; mode?: number } = {},
  ): WriteHandle | undefined {
    const flags = options.exclusive === true ? 'wx+' : options.append === true ? 'a+' : 'w+';
    try {
      return new NodeWriteHandle(nodeFs.openSync(native(path), flags, options.mode ?? 0o666), path);
    } catch (error) {
      if (options.exclusive === true && (error as { code?: string }).code === 'EEXIST') return undefined;
      throw error;
    }
  }

  writeFile(path: string, data: Bytes, mode = 0o666): void {
    nodeFs.writeFileSync(native(path), data, { mode });
  }

  createFile(path: string, data: Bytes, mode: number): FileStat | undefined {
    let descriptor: number;
    const write = innerWrite();
    try {
      descriptor = openFile(path, CREATE, mode);
    } catch (error) {
      if ((error as { code?: string }).code === 'EEXIST') return undefined;
      throw error;
    }
    try {
      for (let done = 0; done < data.length; ) {
        // What went wrong below goes wrong here once more, and is told.
        done +=
          write?.(descriptor, data, done, data.length - done, null, undefined, {}) ??
          nodeFs.writeSync(descriptor, data, done, data.length - done, null);
      }
      const values = innerFiles()?.fstat(descriptor, false, undefined, false);
      return values === undefined ? toFileStat(nodeFs.fstatSync(descriptor, { bigint: true })) : fromRaw(values);
    } finally {
      openFiles().close(descriptor);
    }
  }

  appendFile(path: string, data: Bytes, mode = 0o666): void {
    nodeFs.appendFileSync(native(path), data, { mode });
  }

  lstat(path: string): FileStat | undefined {
    try {
      const inner = below(path);
      if (inner !== undefined) {
        const values = inner.lstat(path, false, undefined, false);
        return values === undefined ? undefined : fromRaw(values);
      }
      const stat = nodeFs.lstatSync(native(path), bigint);
      return stat === undefined ? undefined : toFileStat(stat);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  get lstatNumbers(): InnerFiles['lstat'] | undefined {
    return innerFiles()?.lstat;
  }

  allocatedSize(path: string): number | undefined {
    const stat = nodeFs.lstatSync(native(path), { throwIfNoEntry: false });
    return stat?.blocks === undefined ? undefined : stat.blocks * 512;
  }

  stat(path: string): FileStat | undefined {
    try {
      const inner = below(path);
      if (inner !== undefined) {
        const values = inner.stat(path, false, undefined, false);
        return values === undefined ? undefined : fromRaw(values);
      }
      const stat = nodeFs.statSync(native(path), bigint);
      return stat === undefined ? undefined : toFileStat(stat);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  readDirectory(path: string): readonly DirectoryEntry[] | undefined {
    try {
      const where = native(path);
      const entries = nodeFs.readdirSync(where, { withFileTypes: true });
      effort(entries.length);
      if (!entries.some((entry) => entry.name.includes('\ufffd'))) {
        return entries.map((entry) => ({ name: entry.name, kind: statKind(entry) }));
      }
      return nodeFs
        .readdirSync(where, { withFileTypes: true, encoding: 'buffer' })
        .map((entry) => ({ name: decodeText(entry.name as unknown as Bytes), kind: statKind(entry) }));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  readNames(path: string): { names: readonly string[]; kinds: readonly number[] } | undefined {
    const read = innerReadDirectory();
    if (read !== undefined && !special.test(path)) {
      try {
        const listed = read(path, 'utf8', true);
        // A name that is not UTF-8, or a kind that the file system does not tell, needs the long way.
        if (listed !== undefined && !listed[1].includes(0) && !listed[0].join('/').includes('\ufffd')) {
          effort(listed[0].length);
          return { names: listed[0], kinds: listed[1] };
        }
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    }
    const entries = this.readDirectory(path);
    return entries && { names: entries.map(({ name }) => name), kinds: entries.map(({ kind }) => kinds.indexOf(kind)) };
  }

  workingDirectory(): string {
    return process.cwd();
  }

  readLink(path: string): string | undefined {
    try {
      return decodeText(nodeFs.readlinkSync(native(path), { encoding: 'buffer' }));
    } catch (error) {
      if (isMissing(error) || (error as { code?: string }).code === 'EINVAL') return undefined;
      throw error;
    }
  }

  realPath(path: string): string | undefined {
    try {
      return decodeText(nodeFs.realpathSync.native(native(path), { encoding: 'buffer' }));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  makeDirectory(path: string, options: { recursive?: boolean; mode?: number } = {}): boolean {
    try {
      const made = nodeFs.mkdirSync(native(path), {
        recursive: options.recursive === true,
        mode: options.mode ?? 0o777,
      });
      return options.recursive !== true || made !== undefined;
    } catch (error) {
      if ((error as { code?: string }).code === 'EEXIST') return false;
      throw error;
    }
  }

  rename(from: string, to: string): void {
    nodeFs.renameSync(native(from), native(to));
  }

  link(from: string, to: string): boolean {
    try {
      nodeFs.linkSync(native(from), native(to));
      return true;
    } catch (error) {
      if ((error as { code?: string }).code === 'EEXIST') return false;
      throw error;
    }
  }

  symlink(target: string, path: string): void {
    nodeFs.symlinkSync(native(target), native(path));
  }

  remove(path: string): boolean {
    try {
      nodeFs.unlinkSync(native(path));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  removeDirectory(path: string): boolean {
    try {
      nodeFs.rmdirSync(native(path));
      return true;
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (isMissing(error) || code === 'ENOTEMPTY' || code === 'EEXIST') return false;
      throw error;
    }
  }

  removeRecursive(path: string): void {
    nodeFs.rmSync(native(path), { recursive: true, force: true });
  }

  chmod(path: string, mode: number): void {
    nodeFs.chmodSync(native(path), mode);
  }

  setTimes(path: string, atimeSeconds: number, mtimeSeconds: number): void {
    nodeFs.utimesSync(native(path), atimeSeconds, mtimeSeconds);
  }

  syncFile(path: string): void {
    const descriptor = nodeFs.openSync(native(path), 'r');
    try {
      nodeFs.fsyncSync(descriptor);
    } finally {
      nodeFs.closeSync(descriptor);
    }
  }

  syncDirectory(path: string): void {
    this.syncFile(path);
  }

  watch(path: string, changed: (name: string | undefined) => void): () => void {
    const watcher = nodeFs.watch(native(path), { persistent: true }, (_event, name) => changed(name ?? undefined));
    watcher.on('error', () => changed(undefined));
    return () => watcher.close();
  }
}

/** The machine's own file system. */
export const nodeFileSystem: FileSystem = new NodeFileSystem();
