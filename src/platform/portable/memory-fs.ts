import type { Bytes } from '../../base/bytes.js';
import { emptyBytes } from '../../base/bytes.js';
import type { DirectoryEntry, FileStat, FileSystem, ReadHandle, WriteHandle } from '../fs.js';

interface FileNode {
  kind: 'file';
  data: Bytes;
  mode: number;
  time: number;
  readonly inode: number;
}
interface DirectoryNode {
  kind: 'directory';
  readonly children: Map<string, Node>;
  mode: number;
  time: number;
  readonly inode: number;
}
interface LinkNode {
  kind: 'symlink';
  target: string;
  mode: number;
  time: number;
  readonly inode: number;
}
type Node = FileNode | DirectoryNode | LinkNode;

const failure = (code: string, path: string): Error => Object.assign(new Error(`${code}: '${path}'`), { code, path });

/** A file system in memory: the browser's and the tests'. Paths are absolute. */
export class MemoryFileSystem implements FileSystem {
  #inode = 1;
  readonly #root: DirectoryNode = { kind: 'directory', children: new Map(), mode: 0o40755, time: 0, inode: 0 };
  readonly #now: () => number;

  constructor(now: () => number = () => Date.now()) {
    this.#now = now;
  }

  #parts(path: string): string[] {
    const out: string[] = [];
    for (const part of path.split('/')) {
      if (part === '' || part === '.') continue;
      if (part === '..') out.pop();
      else out.push(part);
    }
    return out;
  }

  #find(path: string, follow: boolean, depth = 0): Node | undefined {
    if (depth > 40) throw failure('ELOOP', path);
    const parts = this.#parts(path);
    let node: Node = this.#root;
    for (let i = 0; i < parts.length; i++) {
      if (node.kind !== 'directory') return undefined;
      const next: Node | undefined = node.children.get(parts[i]!);
      if (next === undefined) return undefined;
      if (next.kind === 'symlink' && (follow || i < parts.length - 1)) {
        const base = '/' + parts.slice(0, i).join('/');
        const rest = parts.slice(i + 1).join('/');
        const target = next.target.startsWith('/') ? next.target : `${base}/${next.target}`;
        return this.#find(rest === '' ? target : `${target}/${rest}`, follow, depth + 1);
      }
      node = next;
    }
    return node;
  }

  #directory(path: string): { directory: DirectoryNode; name: string } {
    const parts = this.#parts(path);
    const name = parts.pop();
    if (name === undefined) throw failure('EISDIR', path);
    const directory = this.#find('/' + parts.join('/'), true);
    if (directory === undefined) throw failure('ENOENT', path);
    if (directory.kind !== 'directory') throw failure('ENOTDIR', path);
    return { directory, name };
  }

  #stat(node: Node): FileStat {
    const seconds = Math.floor(node.time / 1000);
    const nanoseconds = Math.floor((node.time % 1000) * 1e6);
    return {
      kind: node.kind,
      mode: node.mode,
      size: node.kind === 'file' ? node.data.length : node.kind === 'symlink' ? node.target.length : 0,
      mtimeSeconds: seconds,
      mtimeNanoseconds: nanoseconds,
      ctimeSeconds: seconds,
      ctimeNanoseconds: nanoseconds,
      device: 1,
      inode: node.inode,
      uid: 0,
      gid: 0,
      links: 1,
    };
  }

  readFile(path: string): Bytes | undefined {
    const node = this.#find(path, true);
    if (node?.kind === 'directory') throw failure('EISDIR', path);
    return node?.kind === 'file' ? node.data : undefined;
  }

  open(path: string): ReadHandle | undefined {
    const node = this.#find(path, true);
    if (node?.kind !== 'file') return undefined;
    const data = node.data;
    return {
      size: data.length,
      read: (position, length) => data.subarray(position, position + length),
      readInto: (into, position) => {
        const part = data.subarray(position, position + into.length);
        into.set(part);
        return part.length;
      },
      stat: () => this.#stat(node),
      close: () => {},
    };
  }

  openWrite(path: string, options: { exclusive: true; mode?: number }): WriteHandle | undefined;
  openWrite(path: string, options?: { exclusive?: false; append?: boolean; mode?: number }): WriteHandle;
  openWrite(
    path: string,
    options: { exclusive?: boolean; append?: boolean; mode?: number } = {},
  ): WriteHandle | undefined {
    const { directory, name } = this.#directory(path);
    let node = directory.children.get(name);
    if (node !== undefined && options.exclusive === true) return undefined;
    if (node?.kind === 'symlink') node = this.#find(path, true);
    if (node === undefined) {
      node = {
        kind: 'file',
        data: emptyBytes,
        mode: 0o100000 | ((options.mode ?? 0o666) & 0o755),
        time: this.#now(),
        inode: this.#inode++,
      };
      directory.children.set(name, node);
    }
    if (node.kind !== 'file') throw failure('EISDIR', path);
    const file = node;
    if (options.append !== true) file.data = emptyBytes;
    const writeAt = (data: Bytes, position: number): void => {
      const grown = new Uint8Array(Math.max(file.data.length, position + data.length));
      grown.set(file.data);
      grown.set(data, position);
      file.data = grown;
      file.time = this.#now();
    };
    return {
      path,
      write: (data) => writeAt(data, file.data.length),
      writeAt,
      sync: () => {},
      stat: () => this.#stat(file),
      close: () => {},
    };
  }

  writeFile(path: string, data: Bytes, mode?: number): void {
    this.openWrite(path, mode === undefined ? {} : { mode }).write(data.slice());
  }

  appendFile(path: string, data: Bytes): void {
    this.openWrite(path, { append: true }).write(data);
  }

  lstat(path: string): FileStat | undefined {
    const node = this.#find(path, false);
    return node === undefined ? undefined : this.#stat(node);
  }

  stat(path: string): FileStat | undefined {
    const node = this.#find(path, true);
    return node === undefined ? undefined : this.#stat(node);
  }

  readDirectory(path: string): readonly DirectoryEntry[] | undefined {
    const node = this.#find(path, true);
    if (node?.kind !== 'directory') return undefined;
    return [...node.children].map(([name, child]) => ({ name, kind: child.kind }));
  }

  readLink(path: string): string | undefined {
    const node = this.#find(path, false);
    return node?.kind === 'symlink' ? node.target : undefined;
  }

  realPath(path: string): string | undefined {
    return this.#find(path, true) === undefined ? undefined : '/' + this.#parts(path).join('/');
  }

  makeDirectory(path: string, options: { recursive?: boolean; mode?: number } = {}): boolean {
    if (options.recursive === true) {
      const parts = this.#parts(path);
      let made = false;
      for (let i = 1; i <= parts.length; i++) {
        const at = '/' + parts.slice(0, i).join('/');
        const node = this.#find(at, true);
        if (node === undefined) made = this.makeDirectory(at) || made;
        else if (node.kind !== 'directory') throw failure(i === parts.length ? 'EEXIST' : 'ENOTDIR', at);
      }
      return made;
    }
    const { directory, name } = this.#directory(path);
    if (directory.children.has(name)) return false;
    directory.children.set(name, {
      kind: 'directory',
      children: new Map(),
      mode: 0o40755,
      time: this.#now(),
      inode: this.#inode++,
    });
    return true;
  }

  rename(from: string, to: string): void {
    const source = this.#directory(from);
    const node = source.directory.children.get(source.name);
    if (node === undefined) throw failure('ENOENT', from);
    const target = this.#directory(to);
    const old = target.directory.children.get(target.name);
    if (old?.kind === 'directory' && node.kind !== 'directory') throw failure('EISDIR', to);
    if (old !== undefined && old.kind !== 'directory' && node.kind === 'directory') throw failure('ENOTDIR', to);
    if (old?.kind === 'directory' && old.children.size > 0) throw failure('ENOTEMPTY', to);
    source.directory.children.delete(source.name);
    target.directory.children.set(target.name, node);
  }

  link(from: string, to: string): boolean {
    const node = this.#find(from, true);
    if (node === undefined) throw failure('ENOENT', from);
    const target = this.#directory(to);
    if (target.directory.children.has(target.name)) return false;
    target.directory.children.set(target.name, node);
    return true;
  }

  symlink(target: string, path: string): void {
    const { directory, name } = this.#directory(path);
    if (directory.children.has(name)) throw failure('EEXIST', path);
    directory.children.set(name, { kind: 'symlink', target, mode: 0o120777, time: this.#now(), inode: this.#inode++ });
  }

  remove(path: string): boolean {
    const node = this.#find(path, false);
    if (node === undefined) return false;
    if (node.kind === 'directory') throw failure('EISDIR', path);
    const { directory, name } = this.#directory(path);
    return directory.children.delete(name);
  }

  removeDirectory(path: string): boolean {
    const node = this.#find(path, false);
    if (node === undefined) return false;
    if (node.kind !== 'directory') throw failure('ENOTDIR', path);
    if (node.children.size > 0) return false;
    const { directory, name } = this.#directory(path);
    return directory.children.delete(name);
  }

  removeRecursive(path: string): void {
    if (this.#find(path, false) === undefined) return;
    const { directory, name } = this.#directory(path);
    directory.children.delete(name);
  }

  chmod(path: string, mode: number): void {
    const node = this.#find(path, true);
    if (node === undefined) throw failure('ENOENT', path);
    node.mode = (node.mode & 0o170000) | (mode & 0o7777);
  }

  setTimes(path: string, _atimeSeconds: number, mtimeSeconds: number): void {
    const node = this.#find(path, true);
    if (node === undefined) throw failure('ENOENT', path);
    node.time = mtimeSeconds * 1000;
  }

  syncFile(): void {}
  syncDirectory(): void {}
}
