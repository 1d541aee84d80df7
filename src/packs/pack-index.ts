import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { oidFromBytes } from '../base/oid.js';
import type { FileSystem, ReadHandle } from '../platform/fs.js';
import { findName, findPlace } from '../platform/find-name.js';
import { LazyTable, SCATTERED, memoryHandle, readUint32, readUint64 } from '../platform/lazy-table.js';
import { orderByOffset } from './offset-order.js';

/** Index files up to this size are read at once and closed: many small packs must not hold many descriptors. */
const READ_WHOLE = 256 << 10;

/** Opens a file for positioned reads; small ones are read whole. `undefined` where it is missing. */
export function openTableFile(fs: FileSystem, path: string): ReadHandle | undefined {
  const handle = fs.open(path);
  if (handle === undefined || handle.size > READ_WHOLE) return handle;
  const bytes = handle.read(0, handle.size);
  handle.close();
  return memoryHandle(bytes);
}

/** The range [low, high) of rows whose names start with the hex digits. */
export function prefixRange(
  fanout: Uint32Array,
  names: LazyTable,
  nameAt: number,
  oidLength: number,
  prefix: string,
): readonly [number, number] {
  const bound = (fill: string): Bytes => {
    const hex = prefix.padEnd(oidLength * 2, fill);
    const out = new Uint8Array(oidLength);
    for (let i = 0; i < oidLength; i++) out[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
    return out;
  };
  const least = bound('0');
  const most = bound('f');
  const search = (raw: Bytes, after: boolean): number => {
    let low = raw[0] === 0 ? 0 : fanout[raw[0]! - 1]!;
    let high = fanout[raw[0]!]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = names.compare(middle, nameAt, raw, 0, oidLength);
      if (order < 0 || (after && order === 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return [search(least, false), search(most, true)];
}

/** How many hex digits a name shares with the names beside it, whether it is in the table itself or not. */
export function sharedDigits(
  fanout: Uint32Array,
  names: LazyTable,
  nameAt: number,
  oidLength: number,
  raw: Bytes,
): number {
  const start = raw[0] === 0 ? 0 : fanout[raw[0]! - 1]!;
  const end = fanout[raw[0]!]!;
  const place = findPlace(fanout, names, nameAt, oidLength, raw, 0);
  const before = (place < 0 ? -1 - place : place) - 1;
  const after = place < 0 ? before + 1 : before + 2;
  let most = 0;
  for (const row of [before, after]) {
    if (row < start || row >= end) continue;
    const chunk = names.chunk(row);
    const at = names.at(row) + nameAt;
    let same = 0;
    while (same < oidLength && chunk[at + same] === raw[same]) same++;
    // A damaged table may have a name twice.
    if (same === oidLength) continue;
    most = Math.max(most, 2 * same + ((chunk[at + same]! ^ raw[same]!) < 16 ? 1 : 0));
  }
  return most;
}

/** Reads the fanout table at `start`; throws when it falls. */
export function readFanout(handle: ReadHandle, start: number, path: string): Uint32Array {
  const bytes = handle.read(start, 1024);
  const fanout = new Uint32Array(256);
  let last = 0;
  for (let i = 0; i < 256; i++) {
    const value = readUint32(bytes, 4 * i);
    if (value < last) throw new GitError('OBJECT_CORRUPT', `non-monotonic index ${path}`, { data: { file: path } });
    fanout[i] = last = value;
  }
  return fanout;
}

/**
 * A pack index, version 1 or 2. Objects are rows in order of name; tables are read in parts as they are needed.
 */
export class PackIndex {
  readonly path: string;
  readonly version: 1 | 2;
  readonly count: number;
  readonly oidLength: number;
  readonly fanout: Uint32Array;
  readonly #handle: ReadHandle;
  readonly #fs: FileSystem;
  readonly #names: LazyTable;
  readonly #nameAt: number;
  readonly #offsets: LazyTable;
  readonly #crcs: LazyTable | undefined;
  readonly #large: LazyTable | undefined;
  #order: Uint32Array | undefined;

  private constructor(fs: FileSystem, path: string, handle: ReadHandle, oidLength: number) {
    this.#fs = fs;
    this.path = path;
    this.#handle = handle;
    this.oidLength = oidLength;
    const size = handle.size;
    if (size < 1024 + 2 * oidLength) throw this.#broken(`index file ${path} is too small`);
    const head = handle.read(0, 8);
    const isNew = readUint32(head, 0) === 0xff744f63;
    if (isNew && readUint32(head, 4) !== 2) {
      throw this.#broken(
        `index file ${path} is version ${readUint32(head, 4)} and is not supported by this binary (try upgrading GIT to a newer version)`,
      );
    }
    this.version = isNew ? 2 : 1;
    const fanoutAt = isNew ? 8 : 0;
    this.fanout = readFanout(handle, fanoutAt, path);
    const count = this.fanout[255]!;
    this.count = count;
    const start = fanoutAt + 1024;
    if (!isNew) {
      if (size !== start + count * (oidLength + 4) + 2 * oidLength) {
        throw this.#broken(`wrong index v1 file size in ${path}`);
      }
      this.#names = new LazyTable(handle, start, oidLength + 4, count, SCATTERED);
      this.#nameAt = 4;
      this.#offsets = this.#names;
      this.#crcs = undefined;
      this.#large = undefined;
      return;
    }
    const least = start + count * (oidLength + 8) + 2 * oidLength;
    const largeCount = (size - least) / 8;
    if (size < least || largeCount > Math.max(0, count - 1) || !Number.isInteger(largeCount)) {
      throw this.#broken(`wrong index v2 file size in ${path}`);
    }
    this.#names = new LazyTable(handle, start, oidLength, count, SCATTERED);
    this.#nameAt = 0;
    this.#crcs = new LazyTable(handle, start + count * oidLength, 4, count);
    this.#offsets = new LazyTable(handle, start + count * (oidLength + 4), 4, count, SCATTERED);
    this.#large = new LazyTable(handle, start + count * (oidLength + 8), 8, largeCount);
  }

  /** `undefined` where there is no file; throws `OBJECT_CORRUPT` where it is no index. */
  static open(fs: FileSystem, path: string, oidLength: number): PackIndex | undefined {
    const handle = openTableFile(fs, path);
    if (handle === undefined) return undefined;
    try {
      return new PackIndex(fs, path, handle, oidLength);
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  /** An index held in memory; `path` is for messages. */
  static of(fs: FileSystem, path: string, bytes: Bytes, oidLength: number): PackIndex {
    return new PackIndex(fs, path, memoryHandle(bytes), oidLength);
  }

  #broken(why: string): GitError {
    return new GitError('OBJECT_CORRUPT', why, { data: { file: this.path } });
  }

  /** Row of the object whose raw name is at `raw[at…]`, or -1. */
  find(raw: Bytes, at = 0): number {
    return findName(this.fanout, this.#names, this.#nameAt, this.oidLength, raw, at);
  }

  prefixRange(prefix: string): readonly [number, number] {
    return prefixRange(this.fanout, this.#names, this.#nameAt, this.oidLength, prefix);
  }

  sharedDigits(raw: Bytes): number {
    return sharedDigits(this.fanout, this.#names, this.#nameAt, this.oidLength, raw);
  }

  offsetAt(row: number): number {
    const offset = this.#offsets.uint32(row);
    if (offset < 0x80000000 || this.#large === undefined) return offset;
    const large = offset - 0x80000000;
    if (large >= this.#large.count)
      throw this.#broken(`pack offset before start of pack index for ${this.path} (corrupt index?)`);
    return readUint64(this.#large.chunk(large), this.#large.at(large));
  }

  /** CRC-32 of the object's bytes in the pack; version 1 has none. */
  crcAt(row: number): number | undefined {
    return this.#crcs?.uint32(row);
  }

  oidAt(row: number): Oid {
    return oidFromBytes(this.#names.chunk(row), this.#names.at(row) + this.#nameAt, this.oidLength);
  }

  copyName(row: number, into: Bytes, at: number): void {
    const chunk = this.#names.chunk(row);
    const start = this.#names.at(row) + this.#nameAt;
    for (let i = 0; i < this.oidLength; i++) into[at + i] = chunk[start + i]!;
  }

  get packChecksum(): Bytes {
    return this.#handle.read(this.#handle.size - 2 * this.oidLength, this.oidLength);
  }

  get ownChecksum(): Bytes {
    return this.#handle.read(this.#handle.size - this.oidLength, this.oidLength);
  }

  /** The whole index file, for a checksum test. */
  readAll(): Bytes {
    return this.#handle.read(0, this.#handle.size);
  }

  /** Rows in order of offset, from the `.rev` file where there is a good one. */
  get packOrder(): Uint32Array {
    return (this.#order ??= this.#readReverse() ?? this.#computeOrder());
  }

  #readReverse(): Uint32Array | undefined {
    const bytes = this.#fs.readFile(this.path.replace(/\.idx$/, '.rev'));
    if (bytes === undefined || bytes.length !== 12 + 4 * this.count + 2 * this.oidLength) return undefined;
    if (readUint32(bytes, 0) !== 0x52494458 || readUint32(bytes, 4) !== 1) return undefined;
    const rows = new Uint32Array(this.count);
    for (let i = 0; i < this.count; i++) {
      const row = readUint32(bytes, 12 + 4 * i);
      if (row >= this.count) return undefined;
      rows[i] = row;
    }
    return rows;
  }

  #computeOrder(): Uint32Array {
    const offsets = new Float64Array(this.count);
    for (let row = 0; row < this.count; row++) offsets[row] = this.offsetAt(row);
    return orderByOffset(offsets, this.count);
  }

  /** Offsets in rising order, once so many have been asked for that it pays. */
  #rising: Float64Array | undefined;
  #asked = 0;

  /** Place in `packOrder` of the object that starts at `offset`, or -1. */
  orderOf(offset: number): number {
    const order = this.packOrder;
    let low = 0;
    let high = order.length;
    if (this.#rising === undefined && ++this.#asked > this.count >>> 4) {
      this.#rising = new Float64Array(this.count);
      for (let i = 0; i < this.count; i++) this.#rising[i] = this.offsetAt(order[i]!);
    }
    const rising = this.#rising;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const there = rising === undefined ? this.offsetAt(order[middle]!) : rising[middle]!;
      if (there === offset) return middle;
      if (there < offset) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  close(): void {
    this.#handle.close();
  }
}
