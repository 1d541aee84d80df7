import type { Bytes } from '../base/bytes.js';
import { concatBytes, emptyBytes, equalBytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { rawLength, writeOid } from '../base/oid.js';
import { readUint32 } from '../platform/lazy-table.js';
import type { Hasher, Inflater, Platform } from '../platform/platform.js';
import { STREAM_END, STREAM_FULL } from '../platform/platform.js';
import { EntryHead, kindOfCode, LONGEST_HEAD, OFS_DELTA, REF_DELTA } from './entry.js';

/** Room in front of an object's bytes for `kind SP size NUL`, so that one hash call does both. */
export const HASH_ROOM = 40;
/** Whole objects up to this size are inflated in one piece; bigger ones stream through the hash. */
const ONE_PIECE = 4 << 20;

/** Writes `kind SP size NUL` so that it ends at `end`; answers where it starts. */
export function writeObjectHead(into: Bytes, end: number, kind: string, size: number): number {
  let at = end - 1;
  into[at] = 0;
  let rest = size;
  do {
    into[--at] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  } while (rest > 0);
  into[--at] = 0x20;
  for (let i = kind.length - 1; i >= 0; i--) into[--at] = kind.charCodeAt(i);
  return at;
}

/** The columns of a `PackTable`, as they go from thread to thread. */
export type TableColumns = Pick<
  PackTable,
  'oidLength' | 'count' | 'capacity' | 'offsets' | 'sizes' | 'types' | 'kinds' | 'heads' | 'crcs' | 'bases' | 'names'
>;

/** Tables over the entries of a pack, by place in the pack. */
export class PackTable {
  readonly oidLength: number;
  count = 0;
  capacity: number;
  offsets: Float64Array;
  sizes: Float64Array;
  /** Type as stored; `kinds` has the one of the object once it is resolved (0 before). */
  types: Uint8Array;
  kinds: Uint8Array;
  heads: Uint8Array;
  crcs: Uint32Array;
  /** For an ofs-delta the row of its base; for a ref-delta its place in `refNames`; -1 otherwise. */
  bases: Int32Array;
  names: Bytes;
  refNames: Bytes = emptyBytes;
  refCount = 0;

  constructor(capacity: number, oidLength: number) {
    this.oidLength = oidLength;
    this.capacity = capacity;
    this.offsets = new Float64Array(capacity + 1);
    this.sizes = new Float64Array(capacity);
    this.types = new Uint8Array(capacity);
    this.kinds = new Uint8Array(capacity);
    this.heads = new Uint8Array(capacity);
    this.crcs = new Uint32Array(capacity);
    this.bases = new Int32Array(capacity);
    this.names = new Uint8Array(capacity * oidLength);
  }

  grow(capacity: number): void {
    if (capacity <= this.capacity) return;
    const copy = <T extends Float64Array | Uint8Array | Uint32Array | Int32Array>(to: T, from: T): T => {
      (to as Uint8Array).set(from as Uint8Array);
      return to;
    };
    this.offsets = copy(new Float64Array(capacity + 1), this.offsets);
    this.sizes = copy(new Float64Array(capacity), this.sizes);
    this.types = copy(new Uint8Array(capacity), this.types);
    this.kinds = copy(new Uint8Array(capacity), this.kinds);
    this.heads = copy(new Uint8Array(capacity), this.heads);
    this.crcs = copy(new Uint32Array(capacity), this.crcs);
    this.bases = copy(new Int32Array(capacity), this.bases);
    this.names = copy(new Uint8Array(capacity * this.oidLength), this.names);
    this.capacity = capacity;
  }

  /** A table over the columns of another one, which may belong to another thread. */
  static of(columns: TableColumns): PackTable {
    return Object.assign(new PackTable(0, columns.oidLength), columns);
  }

  columns(): TableColumns {
    const { oidLength, count, capacity, offsets, sizes, types, kinds, heads, crcs, bases, names } = this;
    return { oidLength, count, capacity, offsets, sizes, types, kinds, heads, crcs, bases, names };
  }

  /** Moves the columns to memory that threads can share; they do not grow from then on. */
  share(): void {
    this.#move((bytes) => new SharedArrayBuffer(bytes));
  }

  /** Takes the columns back. */
  unshare(): void {
    this.#move((bytes) => new ArrayBuffer(bytes));
  }

  #move(room: (bytes: number) => ArrayBufferLike): void {
    const put = <T extends { set(from: T): void }>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.offsets = put(new Float64Array(room(this.offsets.byteLength)), this.offsets);
    this.sizes = put(new Float64Array(room(this.sizes.byteLength)), this.sizes);
    this.types = put(new Uint8Array(room(this.types.byteLength)), this.types);
    this.kinds = put(new Uint8Array(room(this.kinds.byteLength)), this.kinds);
    this.heads = put(new Uint8Array(room(this.heads.byteLength)), this.heads);
    this.crcs = put(new Uint32Array(room(this.crcs.byteLength)), this.crcs);
    this.bases = put(new Int32Array(room(this.bases.byteLength)), this.bases);
    this.names = put(new Uint8Array(room(this.names.byteLength)), this.names);
  }

  addRefName(bytes: Bytes, at: number): number {
    const need = (this.refCount + 1) * this.oidLength;
    if (need > this.refNames.length) {
      const larger = new Uint8Array(Math.max(1024, this.refNames.length * 2));
      larger.set(this.refNames);
      this.refNames = larger;
    }
    for (let i = 0; i < this.oidLength; i++) this.refNames[need - this.oidLength + i] = bytes[at + i]!;
    return this.refCount++;
  }

  /** Row of the entry that starts at `offset`, or -1. */
  rowAt(offset: number, count = this.count): number {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const there = this.offsets[middle]!;
      if (there === offset) return middle;
      if (there < offset) low = middle + 1;
      else high = middle;
    }
    return -1;
  }
}

export interface ParserOptions {
  readonly platform: Platform;
  readonly algorithm: HashAlgorithm;
  /** Called for each whole object small enough to be held, as it is read. The bytes are only good during the call. */
  readonly object?: ((row: number, oid: Oid, kind: number, data: Bytes) => void) | undefined;
  /** Keeps a delta's instructions instead of only checking them. The bytes are only good during the call. */
  readonly delta?: ((row: number, data: Bytes) => void) | undefined;
  readonly progress?: ((done: number, total: number) => void) | undefined;
  /** Bytes of pack accepted; 0 or nothing: any. */
  readonly maxInputSize?: number | undefined;
}

enum At {
  PackHead,
  EntryHead,
  Data,
  Trailer,
  End,
}

/** Whole objects claimed bigger than this are refused outright: no Node buffer holds them, and none is sane. */
const ABSURD = 2 ** 45;

/**
 * Reads a pack as it comes, chunk by chunk: checks every zlib stream and the checksum, names whole objects, and fills a
 * table of entries. Memory does not depend on the size of the pack, only on the number of its objects.
 */
export class PackParser {
  readonly table: PackTable;
  readonly #options: ParserOptions;
  readonly #platform: Platform;
  readonly #algorithm: HashAlgorithm;
  readonly #oidLength: number;
  readonly #inflater: Inflater;
  readonly #hasher: Hasher;
  readonly #head = new EntryHead();
  #state: At = At.PackHead;
  #rest: Bytes = emptyBytes;
  /** Offset in the pack of the next byte to look at. */
  #offset = 0;
  #total = 0;
  #crc = 0;
  #output: Bytes = new Uint8Array(64 << 10);
  #outAt = 0;
  #given = 0;
  #streaming: Hasher | undefined;
  version = 2;
  checksum: Bytes = emptyBytes;
  /** Bytes behind the pack's end. */
  leftover: Bytes = emptyBytes;

  constructor(options: ParserOptions) {
    this.#options = options;
    this.#platform = options.platform;
    this.#algorithm = options.algorithm;
    this.#oidLength = rawLength(options.algorithm);
    this.#inflater = options.platform.zlib.inflater();
    this.#hasher = options.platform.hasher(options.algorithm);
    this.table = new PackTable(0, this.#oidLength);
  }

  get total(): number {
    return this.#total;
  }

  /** Where the entries end. */
  get end(): number {
    return this.table.offsets[this.table.count] ?? 0;
  }

  get done(): boolean {
    return this.#state === At.End;
  }

  #bad(offset: number, why: string, cause?: unknown): GitError {
    return new GitError('OBJECT_CORRUPT', `pack has bad object at offset ${offset}: ${why}`, {
      data: { offset },
      cause,
    });
  }

  push(chunk: Bytes): void {
    if (this.#state === At.End) {
      this.leftover = this.leftover.length === 0 ? chunk : concatBytes([this.leftover, chunk]);
      return;
    }
    const bytes = this.#rest.length === 0 ? chunk : concatBytes([this.#rest, chunk]);
    this.#rest = emptyBytes;
    const limit = this.#options.maxInputSize;
    let at = 0;
    let hashed = 0;
    const end = bytes.length;
    loop: for (;;) {
      switch (this.#state) {
        case At.PackHead: {
          if (end - at < 12) break loop;
          if (readUint32(bytes, at) !== 0x5041434b) throw new GitError('OBJECT_CORRUPT', 'pack signature mismatch');
          this.version = readUint32(bytes, at + 4);
          if (this.version !== 2 && this.version !== 3) {
            throw new GitError('OBJECT_CORRUPT', `pack version ${this.version} unsupported`);
          }
          this.#total = readUint32(bytes, at + 8);
          // A count costs a hostile sender nothing, so the tables grow with what really comes.
          this.table.grow(Math.min(this.#total, 1 << 16));
          at += 12;
          this.#offset += 12;
          this.#nextEntry();
          break;
        }
        case At.EntryHead: {
          const head = this.#head;
          if (!head.parse(bytes, at, end, this.#oidLength)) {
            if (end - at >= LONGEST_HEAD || (head.length !== 0 && (head.type === 0 || head.type === 5))) {
              throw this.#bad(this.#offset, `unknown object type ${head.type}`);
            }
            break loop;
          }
          this.#startEntry(bytes, at);
          at += head.length;
          break;
        }
        case At.Data: {
          if (at === end) break loop;
          at = this.#inflate(bytes, at, end);
          if (limit !== undefined && limit > 0 && this.#offset > limit) {
            throw new GitError('LIMIT', `pack exceeds maximum allowed size (${limit} bytes)`);
          }
          break;
        }
        case At.Trailer: {
          if (at > hashed) this.#hasher.update(bytes.subarray(hashed, at));
          hashed = at;
          if (end - at < this.#oidLength) break loop;
          this.checksum = this.#hasher.digest();
          if (!equalBytes(this.checksum, bytes.subarray(at, at + this.#oidLength))) {
            throw new GitError('OBJECT_CORRUPT', 'pack is corrupted (SHA1 mismatch)');
          }
          at += this.#oidLength;
          hashed = at;
          this.#state = At.End;
          this.leftover = bytes.slice(at);
          return;
        }
        default:
          return;
      }
    }
    if (at > hashed) this.#hasher.update(bytes.subarray(hashed, at));
    if (at < end) this.#rest = bytes.slice(at);
  }

  /** Call when the input has ended. Throws where it ended too early. */
  finish(): void {
    if (this.#state !== At.End) throw new GitError('OBJECT_CORRUPT', 'early EOF');
  }

  #nextEntry(): void {
    this.#state = this.table.count === this.#total ? At.Trailer : At.EntryHead;
    this.#head.length = 0;
  }

  #startEntry(bytes: Bytes, at: number): void {
    const head = this.#head;
    const table = this.table;
    const row = table.count;
    if (row >= table.capacity) table.grow(Math.min(this.#total, table.capacity * 2));
    table.offsets[row] = this.#offset;
    table.sizes[row] = head.size;
    table.types[row] = head.type;
    table.heads[row] = head.length;
    table.bases[row] = -1;
    if (head.size > ABSURD) throw this.#bad(this.#offset, 'object size is absurd');
    if (head.type === OFS_DELTA) {
      if (head.distance <= 0 || head.distance > this.#offset - 12) {
        throw this.#bad(this.#offset, 'delta base offset is out of bound');
      }
      const base = table.rowAt(this.#offset - head.distance, row);
      if (base < 0) throw this.#bad(this.#offset, 'delta base offset is out of bound');
      table.bases[row] = base;
    } else if (head.type === REF_DELTA) table.bases[row] = table.addRefName(bytes, at + head.baseAt - at);
    this.#crc = this.#platform.zlib.crc32(bytes.subarray(at, at + head.length));
    this.#offset += head.length;
    this.#inflater.reset();
    this.#given = 0;
    this.#outAt = HASH_ROOM;
    const keep =
      head.type >= OFS_DELTA
        ? this.#options.delta !== undefined
        : head.size <= ONE_PIECE || this.#options.object !== undefined;
    this.#streaming = undefined;
    if (keep) {
      // Grown step by step for big claims: what is claimed is not always there.
      this.#room(HASH_ROOM + Math.min(head.size, 1 << 20) + 1);
    } else if (head.type < OFS_DELTA) {
      const from = writeObjectHead(this.#output, HASH_ROOM, kindOfCode(head.type)!, head.size);
      this.#streaming = this.#platform.hasher(this.#algorithm).update(this.#output.subarray(from, HASH_ROOM));
    }
    this.#keep = keep;
    this.#state = At.Data;
  }

  #keep = false;

  #room(size: number): void {
    if (size <= this.#output.length) return;
    const larger = new Uint8Array(Math.max(size, Math.min(this.#output.length * 2, size + (16 << 20))));
    larger.set(this.#output.subarray(0, this.#outAt));
    this.#output = larger;
  }

  #inflate(bytes: Bytes, at: number, end: number): number {
    const size = this.#head.size;
    const row = this.table.count;
    const start = this.table.offsets[row]!;
    const inflater = this.#inflater;
    for (;;) {
      if (!this.#keep) this.#outAt = HASH_ROOM;
      let room = this.#output.length - this.#outAt;
      const left = size - this.#given + 1;
      if (room > left) room = left;
      let state: number;
      try {
        state = inflater.push(bytes, at, end, this.#output, this.#outAt, this.#outAt + room);
      } catch (cause) {
        throw this.#bad(start, 'inflate returned -3', cause);
      }
      const { consumed, produced } = inflater;
      if (consumed > 0) {
        this.#crc = this.#platform.zlib.crc32(bytes.subarray(at, at + consumed), this.#crc);
        at += consumed;
        this.#offset += consumed;
      }
      this.#given += produced;
      if (this.#given > size) throw this.#bad(start, 'inflated to more than its size');
      if (this.#streaming !== undefined && produced > 0) {
        this.#streaming.update(this.#output.subarray(this.#outAt, this.#outAt + produced));
      }
      this.#outAt += produced;
      if (state === STREAM_END) {
        if (this.#given !== size) throw this.#bad(start, 'inflate returned -5');
        this.#endEntry();
        return at;
      }
      if (state === STREAM_FULL) {
        if (this.#keep) this.#room(HASH_ROOM + Math.min(size, this.#given * 2 + (1 << 16)) + 1);
        continue;
      }
      return at;
    }
  }

  #endEntry(): void {
    const table = this.table;
    const row = table.count;
    const head = this.#head;
    table.crcs[row] = this.#crc;
    if (head.type < OFS_DELTA) {
      const kind = kindOfCode(head.type)!;
      let hex: string;
      if (this.#streaming !== undefined) hex = this.#streaming.digestHex();
      else {
        const from = writeObjectHead(this.#output, HASH_ROOM, kind, head.size);
        hex = this.#platform.hash(this.#algorithm, this.#output.subarray(from, HASH_ROOM + head.size));
      }
      writeOid(hex, table.names, row * this.#oidLength);
      table.kinds[row] = head.type;
      if (this.#keep) {
        this.#options.object?.(row, hex as Oid, head.type, this.#output.subarray(HASH_ROOM, HASH_ROOM + head.size));
      }
    } else if (this.#keep) {
      this.#options.delta?.(row, this.#output.subarray(HASH_ROOM, HASH_ROOM + head.size));
    }
    if (this.#output.length > 8 << 20) this.#output = new Uint8Array(64 << 10);
    table.count++;
    table.offsets[table.count] = this.#offset;
    if ((table.count & 1023) === 0) this.#options.progress?.(table.count, this.#total);
    this.#nextEntry();
  }
}
