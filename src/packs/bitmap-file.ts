import type { Bytes } from '../base/bytes.js';
import { concatBytes, equalBytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm } from '../base/oid.js';
import { rawLength } from '../base/oid.js';
import { readUint32, writeUint32, writeUint64 } from '../platform/lazy-table.js';
import type { Platform } from '../platform/platform.js';
import { Bitset, readBitset } from './bitset.js';
import { type PseudoMerge, readPseudoMerges, serializePseudoMerges } from './pseudo-merges.js';

const FULL_DAG = 1;
const HASH_CACHE = 4;
const LOOKUP_TABLE = 0x10;
const PSEUDO_MERGES = 0x20;
/** An entry may be stored as its difference to one of so many before it. */
const XOR_WINDOW = 10;
/** What other writers may use. */
const MOST_XOR = 160;

export interface BitmapEntry {
  /** Row of the commit in the (multi-pack-)index. */
  readonly row: number;
  readonly set: Bitset;
}

export interface BitmapContents {
  /** Checksum of the pack or multi-pack-index. */
  readonly checksum: Bytes;
  /** Commits, trees, blobs, tags. */
  readonly types: readonly [Bitset, Bitset, Bitset, Bitset];
  readonly entries: readonly BitmapEntry[];
  /** Of commits together. */
  readonly merges?: readonly PseudoMerge[] | undefined;
  /** Name hashes by row of the index. */
  readonly hashes?: Uint32Array | undefined;
  readonly lookupTable?: boolean | undefined;
}

/** The bytes of a `.bitmap` file. */
export function serializeBitmaps(platform: Platform, algorithm: HashAlgorithm, contents: BitmapContents): Bytes {
  const { entries, hashes, merges = [] } = contents;
  const length = rawLength(algorithm);
  const head = new Uint8Array(12 + length);
  writeUint32(head, 0, 0x4249544d);
  head[5] = 1;
  const flags =
    FULL_DAG |
    (hashes === undefined ? 0 : HASH_CACHE) |
    (contents.lookupTable === true ? LOOKUP_TABLE : 0) |
    (merges.length > 0 ? PSEUDO_MERGES : 0);
  head[6] = flags >>> 8;
  head[7] = flags & 255;
  writeUint32(head, 8, entries.length);
  head.set(contents.checksum, 12);
  const parts: Bytes[] = [head, ...contents.types.map((set) => set.serialize())];
  let at = parts.reduce((sum, part) => sum + part.length, 0);
  const places: { row: number; offset: number; xor: number }[] = [];
  entries.forEach((entry, i) => {
    let best = entry.set.serialize();
    let back = 0;
    for (let y = 1; y <= XOR_WINDOW && y <= i; y++) {
      const other = entry.set.xor(entries[i - y]!.set).serialize();
      if (other.length < best.length) {
        best = other;
        back = y;
      }
    }
    const start = new Uint8Array(6);
    writeUint32(start, 0, entry.row);
    start[4] = back;
    parts.push(start, best);
    places.push({ row: entry.row, offset: at, xor: back === 0 ? -1 : i - back });
    at += 6 + best.length;
  });
  if (merges.length > 0) parts.push(serializePseudoMerges(merges, at));
  if (contents.lookupTable === true) {
    const sorted = places.map((place, i) => ({ ...place, i })).sort((a, b) => a.row - b.row);
    const position = new Map(sorted.map((place, row) => [place.i, row]));
    const table = new Uint8Array(sorted.length * 16);
    sorted.forEach((place, row) => {
      writeUint32(table, 16 * row, place.row);
      writeUint64(table, 16 * row + 4, place.offset);
      writeUint32(table, 16 * row + 12, place.xor < 0 ? 0xffffffff : position.get(place.xor)!);
    });
    parts.push(table);
  }
  if (hashes !== undefined) {
    const cache = new Uint8Array(hashes.length * 4);
    for (let i = 0; i < hashes.length; i++) writeUint32(cache, 4 * i, hashes[i]!);
    parts.push(cache);
  }
  const body = concatBytes(parts);
  return concatBytes([body, platform.hasher(algorithm).update(body).digest()]);
}

/** What bitmaps tell: by kind of object, and for some commits by what they reach. */
export interface Bitmaps {
  /** Commits, trees, blobs, tags. */
  readonly types: readonly Bitset[];
  /** Rows of the commits that have one. */
  readonly rows: Iterable<number>;
  of(row: number): Bitset | undefined;
  /** Those of several commits together. */
  readonly merges: readonly PseudoMerge[];
  hashAt(row: number): number;
}

/** Where the rows of a layer's file begin, and how many there are. */
export interface LayerRows {
  readonly first: number;
  readonly count: number;
}

/** A `.bitmap` file that has been read. Entries are decoded as they are asked for. */
export class BitmapFile implements Bitmaps {
  readonly bits: number;
  readonly types: readonly Bitset[];
  readonly own: LayerRows;
  readonly merges: readonly PseudoMerge[];
  readonly #bytes: Bytes;
  /** By row of the commit: number of the entry. */
  readonly #numbers = new Map<number, number>();
  readonly #entries: { at: number; xor: number }[] = [];
  readonly #decoded = new Map<number, Bitset>();
  readonly #hashesAt: number;

  /**
   * `bits`: objects in the pack, or in all layers; `own`: the rows of this layer; `checksum`: the pack's. Throws
   * `OBJECT_CORRUPT` where the file is not for it.
   */
  constructor(bytes: Bytes, bits: number, checksum: Bytes, own: LayerRows = { first: 0, count: bits }) {
    const length = checksum.length;
    this.#bytes = bytes;
    this.bits = bits;
    this.own = own;
    if (bytes.length < 12 + 2 * length || readUint32(bytes, 0) !== 0x4249544d) {
      throw new GitError('OBJECT_CORRUPT', 'corrupted bitmap index (too small)');
    }
    const version = readUint32(bytes, 4) >>> 16;
    if (version !== 1) throw new GitError('OBJECT_CORRUPT', `unsupported version '${version}' for bitmap index file`);
    const flags = readUint32(bytes, 4) & 0xffff;
    if ((flags & FULL_DAG) === 0) {
      throw new GitError(
        'OBJECT_CORRUPT',
        'unsupported options for bitmap index file (Git requires BITMAP_OPT_FULL_DAG)',
      );
    }
    if (!equalBytes(bytes.subarray(12, 12 + length), checksum)) {
      throw new GitError('OBJECT_CORRUPT', "checksum doesn't match in MIDX and bitmap");
    }
    const count = readUint32(bytes, 8);
    // What lies at the end must be there whole.
    let end = bytes.length - length;
    for (const [flag, size, what] of [
      [HASH_CACHE, 4 * own.count, 'hash cache'],
      [LOOKUP_TABLE, 16 * count, 'lookup table'],
    ] as const) {
      if ((flags & flag) === 0) continue;
      if (size > end - 12 - length) {
        throw new GitError('OBJECT_CORRUPT', `corrupted bitmap index file (too short to fit ${what})`);
      }
      end -= size;
    }
    this.merges = (flags & PSEUDO_MERGES) === 0 ? [] : readPseudoMerges(bytes, end, bits);
    let at = 12 + length;
    const types: Bitset[] = [];
    for (let i = 0; i < 4; i++) {
      const { set, end } = readBitset(bytes, at, bits);
      types.push(set);
      at = end;
    }
    this.types = types;
    for (let i = 0; i < count; i++) {
      if (at + 18 > bytes.length - length) throw new GitError('OBJECT_CORRUPT', 'corrupted bitmap pack index');
      if (bytes[at + 4]! > Math.min(i, MOST_XOR)) {
        throw new GitError('OBJECT_CORRUPT', 'corrupted bitmap pack index');
      }
      this.#numbers.set(readUint32(bytes, at), i);
      this.#entries.push({ at: at + 6, xor: bytes[at + 4]! });
      at += 6 + 8 + readUint32(bytes, at + 10) * 8 + 4;
    }
    this.#hashesAt = (flags & HASH_CACHE) !== 0 ? bytes.length - length - 4 * own.count : -1;
  }

  get rows(): IterableIterator<number> {
    return this.#numbers.keys();
  }

  /** What the commit at a row of the index reaches; `undefined` where it has no bitmap. */
  of(row: number): Bitset | undefined {
    const number = this.#numbers.get(row);
    return number === undefined ? undefined : this.#decode(number);
  }

  #decode(number: number): Bitset {
    const chain: number[] = [];
    let at = number;
    while (!this.#decoded.has(at)) {
      chain.push(at);
      const { xor } = this.#entries[at]!;
      if (xor === 0) break;
      if (xor > at) throw new GitError('OBJECT_CORRUPT', 'invalid XOR offset in bitmap pack index');
      at -= xor;
    }
    let base = this.#decoded.get(at);
    for (let i = chain.length - 1; i >= 0; i--) {
      const each = chain[i]!;
      const { set } = readBitset(this.#bytes, this.#entries[each]!.at, this.bits);
      base = this.#entries[each]!.xor === 0 || base === undefined ? set : set.xor(base);
      this.#decoded.set(each, base);
    }
    return base!;
  }

  /** Name hash of the object at a row of the index; 0 where the file keeps none. */
  hashAt(row: number): number {
    return this.#hashesAt < 0 ? 0 : readUint32(this.#bytes, this.#hashesAt + 4 * (row - this.own.first));
  }
}

/** The bitmaps of several layers, each over what lies below it and itself. */
export class LayeredBitmaps implements Bitmaps {
  readonly types: readonly Bitset[];
  readonly #files: readonly BitmapFile[];

  constructor(files: readonly BitmapFile[]) {
    this.#files = files;
    this.types = files[0]!.types.map((_, kind) => {
      const all = new Bitset(files[0]!.bits);
      for (const file of files) all.or(file.types[kind]!);
      return all;
    });
  }

  get merges(): readonly PseudoMerge[] {
    return this.#files.flatMap(({ merges }) => merges);
  }

  get rows(): Iterable<number> {
    return this.#files.flatMap((file) => [...file.rows]);
  }

  of(row: number): Bitset | undefined {
    return this.#fileOf(row)?.of(row);
  }

  hashAt(row: number): number {
    return this.#fileOf(row)?.hashAt(row) ?? 0;
  }

  #fileOf(row: number): BitmapFile | undefined {
    return this.#files.find(({ own }) => row >= own.first && row < own.first + own.count);
  }
}
