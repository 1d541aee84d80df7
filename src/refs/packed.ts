import type { Bytes } from '../base/bytes.js';
import { compareText, decodeText, emptyBytes, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { hexLength } from '../base/oid.js';
import type { FileStat, FileSystem } from '../platform/fs.js';

export interface PackedEntry {
  readonly name: string;
  readonly oid: Oid;
  readonly peeled?: Oid;
  /** The file says all it knows about peeling: without `peeled` it is no tag. */
  readonly peeledKnown: boolean;
}

/** The header that says what can be relied on. */
export const packedRefsHeader = '# pack-refs with: peeled fully-peeled sorted \n';

const LF = 0x0a;
const CARET = 0x5e;

/** One state of the packed-refs file. Sorted ones are searched in their bytes, so opening costs no parsing. */
export class PackedSnapshot {
  readonly #data: Bytes;
  readonly #start: number;
  readonly #hex: number;
  readonly #peeling: 'none' | 'tags' | 'fully';

  private constructor(data: Bytes, start: number, hex: number, peeling: 'none' | 'tags' | 'fully') {
    this.#data = data;
    this.#start = start;
    this.#hex = hex;
    this.#peeling = peeling;
  }

  static parse(data: Bytes, algorithm: HashAlgorithm, path: string): PackedSnapshot {
    const hex = hexLength(algorithm);
    let start = 0;
    let peeling: 'none' | 'tags' | 'fully' = 'none';
    let sorted = false;
    if (data.length > 0 && data[data.length - 1] !== LF) {
      const last = decodeText(data.subarray(data.lastIndexOf(LF) + 1));
      throw new GitError('REF_INVALID', `unterminated line in ${path}: ${last}`);
    }
    if (data[0] === 0x23) {
      const end = data.indexOf(LF);
      const header = decodeText(data.subarray(0, end));
      if (!header.startsWith('# pack-refs with:'))
        throw new GitError('REF_INVALID', `unexpected line in ${path}: ${header}`);
      const traits = header.slice('# pack-refs with:'.length).split(' ');
      if (traits.includes('fully-peeled')) peeling = 'fully';
      else if (traits.includes('peeled')) peeling = 'tags';
      sorted = traits.includes('sorted');
      start = end + 1;
    }
    const snapshot = new PackedSnapshot(data, start, hex, peeling);
    if (sorted) return snapshot;
    const entries: PackedEntry[] = [];
    let last: string | undefined;
    let ordered = true;
    for (const entry of snapshot.from('', path)) {
      if (last !== undefined && compareText(last, entry.name) >= 0) ordered = false;
      last = entry.name;
      entries.push(entry);
    }
    if (ordered) return snapshot;
    entries.sort((a, b) => compareText(a.name, b.name));
    return new PackedSnapshot(encodeText(entries.map(formatPackedEntry).join('')), 0, hex, peeling);
  }

  static empty(algorithm: HashAlgorithm): PackedSnapshot {
    return new PackedSnapshot(emptyBytes, 0, hexLength(algorithm), 'fully');
  }

  get size(): number {
    return this.#data.length;
  }

  find(name: string): PackedEntry | undefined {
    const wanted = encodeText(name);
    const at = this.#lowerBound(wanted);
    if (at >= this.#data.length || this.#compareName(at, wanted) !== 0) return undefined;
    return this.#entry(at).entry;
  }

  /** Entries whose name starts with `prefix`, in order. */
  *from(prefix: string, path = 'packed-refs'): Generator<PackedEntry> {
    let at = prefix === '' ? this.#start : this.#lowerBound(encodeText(prefix));
    while (at < this.#data.length) {
      const { entry, next } = this.#entry(at, path);
      if (!entry.name.startsWith(prefix)) return;
      yield entry;
      at = next;
    }
  }

  /** Start of the first record whose name is not below `wanted`. */
  #lowerBound(wanted: Bytes): number {
    const data = this.#data;
    let low = this.#start;
    let high = data.length;
    while (low < high) {
      const at = this.#recordStart(low + ((high - low) >> 1), low);
      if (this.#compareName(at, wanted) < 0) low = this.#recordEnd(at);
      else high = at;
    }
    return low;
  }

  /** Start of the record (with its peeled line) that byte `at` is in. */
  #recordStart(at: number, floor: number): number {
    const data = this.#data;
    for (let start = at; ; ) {
      while (start > floor && data[start - 1] !== LF) start--;
      if (start <= floor || data[start] !== CARET) return start;
      start--;
    }
  }

  #recordEnd(at: number): number {
    const data = this.#data;
    let end = data.indexOf(LF, at);
    if (end < 0) return data.length;
    end++;
    while (data[end] === CARET) {
      const line = data.indexOf(LF, end);
      end = line < 0 ? data.length : line + 1;
    }
    return end;
  }

  #compareName(at: number, wanted: Bytes): number {
    const data = this.#data;
    let i = at + this.#hex + 1;
    let j = 0;
    for (; ; i++, j++) {
      const unit = data[i];
      const end = unit === undefined || unit === LF;
      if (j === wanted.length) return end ? 0 : 1;
      if (end) return -1;
      const difference = unit - wanted[j]!;
      if (difference !== 0) return difference;
    }
  }

  #entry(at: number, path = 'packed-refs'): { entry: PackedEntry; next: number } {
    const data = this.#data;
    const hex = this.#hex;
    let end = data.indexOf(LF, at);
    if (end < 0) end = data.length;
    const oid = hexAt(data, at, hex);
    if (oid === undefined || data[at + hex] !== 0x20) {
      throw new GitError('REF_INVALID', `unexpected line in ${path}: ${decodeText(data.subarray(at, end))}`);
    }
    const name = decodeText(data.subarray(at + hex + 1, end));
    let next = end + 1;
    let peeled: Oid | undefined;
    if (data[next] === CARET) {
      let line = data.indexOf(LF, next);
      if (line < 0) line = data.length;
      peeled = line - next === hex + 1 ? hexAt(data, next + 1, hex) : undefined;
      if (peeled === undefined)
        throw new GitError('REF_INVALID', `unexpected line in ${path}: ${decodeText(data.subarray(next, line))}`);
      next = line + 1;
    }
    const peeledKnown =
      peeled !== undefined || this.#peeling === 'fully' || (this.#peeling === 'tags' && name.startsWith('refs/tags/'));
    return { entry: peeled === undefined ? { name, oid, peeledKnown } : { name, oid, peeled, peeledKnown }, next };
  }
}

function hexAt(data: Bytes, at: number, length: number): Oid | undefined {
  if (data.length < at + length) return undefined;
  let text = '';
  for (let i = at, end = at + length; i < end; i++) {
    const unit = data[i]!;
    if (!((unit >= 48 && unit <= 57) || (unit >= 97 && unit <= 102))) return undefined;
    text += String.fromCharCode(unit);
  }
  return text as Oid;
}

export const formatPackedEntry = (entry: { name: string; oid: string; peeled?: string | undefined }): string =>
  entry.peeled === undefined ? `${entry.oid} ${entry.name}\n` : `${entry.oid} ${entry.name}\n^${entry.peeled}\n`;

/** The packed-refs file, read again whenever it was replaced. */
export class PackedRefs {
  readonly path: string;
  /** The path as messages show it. */
  readonly shown: string;
  readonly #fs: FileSystem;
  readonly #algorithm: HashAlgorithm;
  #snapshot: PackedSnapshot | undefined;
  #validity: FileStat | undefined;

  constructor(fs: FileSystem, path: string, algorithm: HashAlgorithm, shown = path) {
    this.#fs = fs;
    this.path = path;
    this.shown = shown;
    this.#algorithm = algorithm;
  }

  snapshot(): PackedSnapshot {
    const stat = this.#fs.stat(this.path);
    if (this.#snapshot !== undefined && sameFile(stat, this.#validity)) return this.#snapshot;
    // Statted before reading: a replacement in between makes the next look read again, never the reverse.
    const data = stat === undefined ? undefined : this.#fs.readFile(this.path);
    this.#validity = stat;
    this.#snapshot =
      data === undefined
        ? PackedSnapshot.empty(this.#algorithm)
        : PackedSnapshot.parse(data, this.#algorithm, this.shown);
    return this.#snapshot;
  }

  forget(): void {
    this.#snapshot = undefined;
  }
}

function sameFile(a: FileStat | undefined, b: FileStat | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.size === b.size &&
    a.inode === b.inode &&
    a.device === b.device &&
    a.mtimeSeconds === b.mtimeSeconds &&
    a.mtimeNanoseconds === b.mtimeNanoseconds &&
    a.ctimeSeconds === b.ctimeSeconds &&
    a.ctimeNanoseconds === b.ctimeNanoseconds
  );
}
