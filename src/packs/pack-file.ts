import type { Bytes } from '../base/bytes.js';
import { emptyBytes, equalBytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { LentObject } from '../objects/source.js';
import type { ObjectKind } from '../base/oid.js';
import { oidFromBytes } from '../base/oid.js';
import type { FileSystem, ReadHandle } from '../platform/fs.js';
import type { Inflater, Platform } from '../platform/platform.js';
import { STREAM_END, STREAM_FULL } from '../platform/platform.js';
import type { BaseCache } from './base-cache.js';
import type { BufferPool } from './buffer-pool.js';
import { deltaCursor, deltaOutput, deltaSize, runDelta } from './delta.js';
import { EntryHead, kindOfCode, LONGEST_HEAD, OFS_DELTA, REF_DELTA } from './entry.js';
import { readUint32 } from '../platform/lazy-table.js';
import type { PackIndex } from './pack-index.js';
import type { WindowCache } from './window-cache.js';
import { WINDOW_SIZE, WindowedFile } from './window-cache.js';

/** Objects up to this size are cut from a common buffer. */
const SMALL = 2048;
const SLAB = 32768;
let slab = new Uint8Array(0);
let slabAt = 0;

/** No zlib stream gives more than this many bytes for one: bigger claims are refused before anything is allocated. */
const DEFLATE_RATIO = 1040;
/** Results above this are checked by adding up their instructions first. */
const BIG_DELTA = 16 << 20;

/** Things shared by the packs of one store. */
export interface PackShared {
  readonly platform: Platform;
  readonly windows: WindowCache;
  readonly bases: BaseCache;
  readonly pool: BufferPool;
  readonly inflater: Inflater;
  /** A buffer of at least `size` bytes for deltas; the same one each time. */
  scratch(size: number): Bytes;
  /** Another copy of an object whose copy here is damaged (as a delta's base). */
  rescue?(oid: string, except: PackFile): { type: number; data: Bytes } | undefined;
}

export interface PackedObject {
  readonly kind: ObjectKind;
  readonly data: Bytes;
}

/** Opens a pack and checks that it is the index's; `undefined` where it is gone. Throws `OBJECT_CORRUPT`. */
export function openPack(fs: FileSystem, path: string, index: PackIndex): ReadHandle | undefined {
  const handle = fs.open(path);
  if (handle === undefined) return undefined;
  const { oidLength, count } = index;
  const fail = (why: string): never => {
    handle.close();
    throw new GitError('OBJECT_CORRUPT', why, { data: { file: path } });
  };
  if (handle.size < 12 + oidLength) fail(`file ${path} is far too short to be a packfile`);
  const head = handle.read(0, 12);
  if (readUint32(head, 0) !== 0x5041434b) fail(`file ${path} is not a GIT packfile`);
  const version = readUint32(head, 4);
  if (version !== 2 && version !== 3) {
    fail(`packfile ${path} is version ${version} and not supported (try upgrading GIT to a newer version)`);
  }
  if (readUint32(head, 8) !== count) {
    fail(`packfile ${path} claims to have ${readUint32(head, 8)} objects while index indicates ${count} objects`);
  }
  if (!equalBytes(handle.read(handle.size - oidLength, oidLength), index.packChecksum)) {
    fail(`packfile ${path} does not match index`);
  }
  return handle;
}

/** One `.pack` with its index, read by windows. */
export class PackFile {
  readonly path: string;
  readonly index: PackIndex;
  readonly #shared: PackShared;
  readonly #head = new EntryHead();
  #file: WindowedFile | undefined;

  constructor(shared: PackShared, path: string, index: PackIndex) {
    this.#shared = shared;
    this.path = path;
    this.index = index;
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** Opens the file and checks that it is the index's pack. Answers false where it is gone. */
  open(): boolean {
    if (this.#file !== undefined) return true;
    const handle = openPack(this.#shared.platform.fs, this.path, this.index);
    if (handle === undefined) return false;
    this.#file = new WindowedFile(handle, this.#shared.windows);
    return true;
  }

  get size(): number {
    return this.#opened().size;
  }

  /** Where the entries end and the checksum starts. */
  get entriesEnd(): number {
    return this.size - this.index.oidLength;
  }

  #opened(): WindowedFile {
    if (this.#file === undefined && !this.open()) {
      throw new GitError('OBJECT_CORRUPT', `packfile ${this.path} cannot be accessed`, { data: { file: this.path } });
    }
    return this.#file!;
  }

  #damaged(offset: number, why: string, cause?: unknown): GitError {
    const place = this.index.orderOf(offset);
    const oid = place < 0 ? undefined : this.index.oidAt(this.index.packOrder[place]!);
    const message = oid === undefined ? why : `packed object ${oid} (stored in ${this.path}) is corrupt`;
    return new GitError('OBJECT_CORRUPT', message, { data: { oid, file: this.path, offset, reason: why }, cause });
  }

  /** Reads the head at `offset` into `#head`; answers the bytes it was read from. */
  #parseHead(offset: number): Bytes {
    const file = this.#opened();
    if (!(offset >= 12 && offset < file.size - this.index.oidLength)) {
      throw new GitError('OBJECT_CORRUPT', `offset ${offset} is beyond the end of ${this.path} (truncated pack?)`, {
        data: { file: this.path, offset },
      });
    }
    const at = offset % WINDOW_SIZE;
    let bytes = file.window(offset);
    let start = at;
    if (at + LONGEST_HEAD > bytes.length) {
      bytes = file.read(offset, LONGEST_HEAD);
      start = 0;
    }
    if (!this.#head.parse(bytes, start, Math.min(bytes.length, start + LONGEST_HEAD), this.index.oidLength)) {
      throw this.#damaged(offset, `bad object header at offset ${offset} in ${this.path}`);
    }
    return bytes;
  }

  /** Offset of the base of the delta whose head was just read. */
  #baseOffset(offset: number, bytes: Bytes): number {
    const head = this.#head;
    if (head.type === OFS_DELTA) {
      if (head.distance <= 0 || head.distance > offset - 12) {
        throw this.#damaged(offset, `delta base offset out of bound for ${this.path}`);
      }
      return offset - head.distance;
    }
    const row = this.index.find(bytes, head.baseAt);
    if (row < 0) {
      const base = oidFromBytes(bytes, head.baseAt, this.index.oidLength);
      throw this.#damaged(offset, `delta base ${base} is not in ${this.path}`);
    }
    return this.index.offsetAt(row);
  }

  /** Inflates exactly `size` bytes from `offset` into `out`, which has room for one more. */
  #inflate(entry: number, offset: number, size: number, out: Bytes): void {
    const file = this.#opened();
    const inflater = this.#shared.inflater;
    const end = file.size;
    inflater.reset();
    let at = 0;
    for (let position = offset; ; ) {
      if (position >= end) throw this.#damaged(entry, `truncated object at offset ${entry} in ${this.path}`);
      const window = file.window(position);
      const start = position % WINDOW_SIZE;
      let state: number;
      try {
        state = inflater.push(window, start, window.length, out, at, size + 1);
      } catch (cause) {
        throw this.#damaged(entry, `inflate: data stream error at offset ${entry} in ${this.path}`, cause);
      }
      at += inflater.produced;
      position += inflater.consumed;
      if (state === STREAM_END) break;
      if (state === STREAM_FULL || start >= window.length) {
        throw this.#damaged(entry, `wrong size of object at offset ${entry} in ${this.path}`);
      }
    }
    if (at !== size) throw this.#damaged(entry, `wrong size of object at offset ${entry} in ${this.path}`);
  }

  #checkSize(entry: number, offset: number, size: number): void {
    if (size > (this.size - offset) * DEFLATE_RATIO) {
      throw this.#damaged(entry, `impossible size ${size} of object at offset ${entry} in ${this.path}`);
    }
  }

  #allocate(entry: number, size: number): Bytes {
    if (size <= SMALL) {
      // Many small arrays share one buffer: a buffer of its own costs each more than its bytes.
      if (slabAt + size > slab.length) {
        slab = new Uint8Array(SLAB);
        slabAt = 0;
      }
      const room = slab.subarray(slabAt, slabAt + size);
      slabAt += size;
      return room;
    }
    try {
      return new Uint8Array(size);
    } catch (cause) {
      throw this.#damaged(entry, `object of ${size} bytes at offset ${entry} in ${this.path} is too large`, cause);
    }
  }

  /** The object at `offset`, which goes among the bases: what is answered is good only until the next read. */
  lend(offset: number): LentObject {
    this.#firstBase = -1;
    const { kind, data } = this.read(offset, true);
    return { kind, data, owner: this, place: offset, basePlace: this.#firstBase };
  }

  /** The base of the entry that was lent. */
  #firstBase = -1;

  /** The object whose entry starts at `offset`. Throws `OBJECT_CORRUPT`. `lent`: see there. */
  read(offset: number, lent = false): PackedObject {
    const { bases, pool } = this.#shared;
    const head = this.#head;
    // The deltas on the way to a whole object, the outermost first: entry, data offset, size.
    let chain: number[] | undefined;
    let type = 0;
    let data: Bytes | undefined;
    /** What `data` lies in, while it is ours to give back. */
    let buffer: Bytes | undefined;
    let seen: Set<number> | undefined;
    let at = offset;
    for (;;) {
      const cached = bases.get(this, at);
      if (cached !== undefined) {
        type = cached.type;
        // A cached base stays in the cache; only a copy leaves it.
        data = chain === undefined && !lent ? cached.data.slice() : cached.data;
        if (chain === undefined && lent) {
          const bytes = this.#parseHead(at);
          if (head.type >= OFS_DELTA) this.#firstBase = this.#baseOffset(at, bytes);
        }
        break;
      }
      let bytes: Bytes;
      try {
        bytes = this.#parseHead(at);
        if (head.type < OFS_DELTA) {
          this.#checkSize(at, at + head.length, head.size);
          type = head.type;
          const size = head.size;
          let room: Bytes;
          if (chain === undefined && !lent) room = this.#allocate(at, size + 1);
          else room = buffer = this.#take(at, size + 1);
          this.#inflate(at, at + head.length, size, room);
          data = room.subarray(0, size);
          break;
        }
      } catch (error) {
        if (buffer !== undefined) pool.release(buffer);
        buffer = undefined;
        const rescued = chain === undefined ? undefined : this.#rescue(at);
        if (rescued === undefined) throw error;
        type = rescued.type;
        data = rescued.data;
        break;
      }
      this.#checkSize(at, at + head.length, head.size);
      const first = chain === undefined;
      chain ??= [];
      chain.push(at, at + head.length, head.size);
      const next = this.#baseOffset(at, bytes);
      if (first) this.#firstBase = next;
      if (head.type === REF_DELTA && next >= at) {
        // Only names can point forward, so only they can close a circle.
        seen ??= new Set();
        if (seen.has(at)) throw this.#damaged(offset, `cyclic delta at offset ${at} in ${this.path}`);
        seen.add(at);
      }
      at = next;
    }
    if (chain !== undefined) {
      for (let i = chain.length - 3; i >= 0; i -= 3) {
        const base: Bytes = data;
        let spare = buffer;
        if (buffer !== undefined && bases.add(this, at, type, base, buffer)) spare = undefined;
        buffer = undefined;
        at = chain[i]!;
        try {
          const size = this.#loadDelta(at, chain[i + 1]!, chain[i + 2]!, base.length);
          const room: Bytes = i === 0 && !lent ? this.#allocate(at, size) : (buffer = this.#take(at, size));
          data = size === room.length ? room : room.subarray(0, size);
          this.#runDelta(at, chain[i + 2]!, base, data);
        } catch (error) {
          if (buffer !== undefined) pool.release(buffer);
          buffer = undefined;
          const rescued = i === 0 ? undefined : this.#rescue(at);
          if (rescued === undefined) throw error;
          data = rescued.data;
          type = rescued.type;
        } finally {
          if (spare !== undefined) pool.release(spare);
        }
      }
    }
    if (buffer !== undefined && lent && !bases.add(this, offset, type, data, buffer)) pool.release(buffer);
    const kind = kindOfCode(type);
    if (kind === undefined)
      throw this.#damaged(offset, `unknown object type ${type} at offset ${offset} in ${this.path}`);
    return { kind, data };
  }

  #take(entry: number, size: number): Bytes {
    try {
      return this.#shared.pool.take(size);
    } catch (cause) {
      throw this.#damaged(entry, `object of ${size} bytes at offset ${entry} in ${this.path} is too large`, cause);
    }
  }

  #rescue(offset: number): { type: number; data: Bytes } | undefined {
    const rescue = this.#shared.rescue;
    if (rescue === undefined) return undefined;
    const place = this.index.orderOf(offset);
    return place < 0 ? undefined : rescue(this.index.oidAt(this.index.packOrder[place]!), this);
  }

  /** The delta that `#loadDelta` read, and where its instructions start. */
  #delta: Bytes = emptyBytes;
  #deltaStart = 0;

  /** Reads a delta; answers the size of what it makes. */
  #loadDelta(entry: number, offset: number, deltaLength: number, baseLength: number): number {
    const delta = this.#shared.scratch(deltaLength + 1);
    this.#inflate(entry, offset, deltaLength, delta);
    const size = deltaSize(delta, 0, deltaLength) === baseLength ? deltaSize(delta, deltaCursor, deltaLength) : -1;
    this.#deltaStart = deltaCursor;
    if (size < 0 || (size > BIG_DELTA && deltaOutput(delta, deltaCursor, deltaLength) !== size)) {
      throw this.#damaged(entry, `failed to apply delta at offset ${entry} in ${this.path}`);
    }
    this.#delta = delta;
    return size;
  }

  #runDelta(entry: number, deltaLength: number, base: Bytes, out: Bytes): void {
    if (!runDelta(base, base.length, this.#delta, this.#deltaStart, deltaLength, out, out.length)) {
      throw this.#damaged(entry, `failed to apply delta at offset ${entry} in ${this.path}`);
    }
  }

  /** Kind and size: the heads of the chain and the first bytes of the outermost delta. */
  readHeader(offset: number): { kind: ObjectKind; size: number } {
    const head = this.#head;
    let bytes = this.#parseHead(offset);
    let size = head.size;
    let steps = 0;
    if (head.type >= OFS_DELTA) {
      const dataAt = offset + head.length;
      const deltaLength = head.size;
      let at = this.#baseOffset(offset, bytes);
      size = this.#resultSize(offset, dataAt, deltaLength);
      for (;;) {
        const cached = this.#shared.bases.get(this, at);
        if (cached !== undefined) {
          head.type = cached.type;
          break;
        }
        bytes = this.#parseHead(at);
        if (head.type < OFS_DELTA) break;
        if (++steps > this.index.count) throw this.#damaged(offset, `cyclic delta at offset ${at} in ${this.path}`);
        at = this.#baseOffset(at, bytes);
      }
    }
    const kind = kindOfCode(head.type);
    if (kind === undefined) throw this.#damaged(offset, `unknown object type at offset ${offset} in ${this.path}`);
    return { kind, size };
  }

  /** The second size at the start of a delta. */
  #resultSize(entry: number, offset: number, deltaLength: number): number {
    const file = this.#opened();
    const inflater = this.#shared.inflater;
    const room = this.#shared.scratch(32);
    const wanted = Math.min(20, deltaLength);
    inflater.reset();
    let at = 0;
    for (let position = offset; at < wanted && position < file.size; ) {
      const window = file.window(position);
      let state: number;
      try {
        state = inflater.push(window, position % WINDOW_SIZE, window.length, room, at, wanted);
      } catch (cause) {
        throw this.#damaged(entry, `inflate: data stream error at offset ${entry} in ${this.path}`, cause);
      }
      at += inflater.produced;
      position += inflater.consumed;
      if (state !== 0) break;
    }
    const size = deltaSize(room, 0, at) < 0 ? -1 : deltaSize(room, deltaCursor, at);
    if (size < 0) throw this.#damaged(entry, `failed to read delta at offset ${entry} in ${this.path}`);
    return size;
  }

  /** How long the entry is on disk, and where its base starts (-1: none). */
  place(offset: number): { diskSize: number; baseOffset: number } {
    const order = this.index.orderOf(offset);
    const next = order + 1 < this.index.count ? this.index.offsetAt(this.index.packOrder[order + 1]!) : this.entriesEnd;
    const bytes = this.#parseHead(offset);
    return { diskSize: next - offset, baseOffset: this.#head.type >= OFS_DELTA ? this.#baseOffset(offset, bytes) : -1 };
  }

  /** The entry's head: type as stored, size as stored, length of the head, offset of the base (-1: none). */
  entry(offset: number): { type: number; size: number; headLength: number; baseOffset: number } {
    const bytes = this.#parseHead(offset);
    const { type, size, length } = this.#head;
    return { type, size, headLength: length, baseOffset: type >= OFS_DELTA ? this.#baseOffset(offset, bytes) : -1 };
  }

  /** The bytes from `offset` to `end` as stored, good until something else is read; fewer where the file ends. */
  stored(offset: number, end: number): Bytes {
    const length = end - offset;
    if (length > WINDOW_SIZE) return this.readRaw(offset, length);
    const file = this.#opened();
    const at = offset % WINDOW_SIZE;
    const window = file.window(offset);
    if (at + length <= window.length) return window.subarray(at, at + length);
    // It goes on in the next window, for which the first one may have to make room.
    const room = this.#shared.scratch(length);
    const first = Math.max(0, window.length - at);
    room.set(window.subarray(at));
    const rest = offset + first < file.size ? file.window(offset + first).subarray(0, length - first) : emptyBytes;
    room.set(rest, first);
    return room.subarray(0, first + rest.length);
  }

  /** Raw bytes of the file, as stored. */
  readRaw(offset: number, length: number): Bytes {
    return this.#opened().handle.read(offset, length);
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
