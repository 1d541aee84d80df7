import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { emptyBytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../base/oid.js';
import { oidFromBytes, rawLength } from '../base/oid.js';
import type { LooseObjects } from '../objects/loose.js';
import type { ObjectHeader, ObjectSource, ObjectStore, RawObject } from '../objects/source.js';
import type { ReadHandle, WriteHandle } from '../platform/fs.js';
import type { Platform } from '../platform/platform.js';
import { applyDelta } from './delta.js';
import { DeltaIndex } from './delta-create.js';
import { editDelta } from './delta-edit.js';
import { codeOfKind, EntryHead, kindOfCode, OFS_DELTA, writeDistance, writeEntryHead } from './entry.js';
import { correctPackHead, installPack, openTemporary } from './index-pack.js';
import { serializeIndex, serializeReverse } from './index-writer.js';
import { OidMap } from './oid-map.js';
import { PackOutput } from './pack-output.js';
import { RecentBytes } from './recent-bytes.js';

export interface BulkOptions {
  readonly platform: Platform;
  readonly algorithm: HashAlgorithm;
  /** The `objects/pack` directory. */
  readonly packDirectory: string;
  /** What is there already: such objects are not written again, and can be read through the writer. */
  readonly below?: ObjectSource | undefined;
  /** zlib level, -1 unless said. */
  readonly compression?: number | undefined;
  /** Longest chain of deltas, 50 unless said; 0: none. */
  readonly depth?: number | undefined;
  readonly sync?: boolean | undefined;
  readonly syncMetadata?: boolean | undefined;
  readonly reverse?: boolean | undefined;
}

export interface BulkFinished {
  /** Path of the pack without its extension; `undefined` where nothing was written or all went to loose files. */
  readonly path: string | undefined;
  readonly checksum: string | undefined;
  readonly count: number;
}

/** Objects written lately, kept in memory to be read back and to be bases. */
const RECENT_BYTES = 16 << 20;
const TREE = codeOfKind('tree');

/**
 * An object store that writes many new objects straight into one pack: no file, directory entry and rename for each.
 * The objects can be read back through it at once; others see them after `finish`. `discard` leaves no trace.
 */
export class BulkWriter implements ObjectStore {
  readonly algorithm: HashAlgorithm;
  readonly #options: BulkOptions;
  readonly #oidLength: number;
  readonly #map: OidMap;
  #output: PackOutput;
  #handle: WriteHandle | undefined;
  #reader: ReadHandle | undefined;
  #offsets = new Float64Array(1024);
  #crcs = new Uint32Array(1024);
  #kinds = new Uint8Array(1024);
  #bases = new Int32Array(1024).fill(-1);
  #depths = new Uint16Array(1024);
  readonly #recent = new RecentBytes(RECENT_BYTES);
  #flushed = 0;
  readonly #head = new Uint8Array(32);
  readonly #entryHead = new EntryHead();

  constructor(options: BulkOptions) {
    this.#options = options;
    this.algorithm = options.algorithm;
    this.#oidLength = rawLength(options.algorithm);
    this.#map = new OidMap(this.#oidLength);
    this.#output = new PackOutput(options.platform, options.algorithm, options.compression ?? -1);
  }

  /** Objects written. */
  get count(): number {
    return this.#map.count;
  }

  /** Bytes of pack so far. */
  get size(): number {
    return this.#output.offset;
  }

  hash<K extends ObjectKind>(kind: K, data: Bytes): Oid<K> {
    return this.#options.platform.hashObject(this.algorithm, kind, data);
  }

  /** True when the object is in the pack being written. */
  holds(oid: Oid): boolean {
    return this.#map.find(oid) >= 0;
  }

  has(oid: Oid): Awaitable<boolean> {
    return this.holds(oid) || (this.#options.below?.has(oid) ?? false);
  }

  write<K extends ObjectKind>(kind: K, data: Bytes): Awaitable<Oid<K>> {
    return this.writeAgainst(kind, data, undefined);
  }

  /**
   * Writes an object, as a delta against `base` where that was written here too and it pays. `data` is the caller's again
   * when this has answered.
   */
  writeAgainst<K extends ObjectKind>(kind: K, data: Bytes, base: Oid | undefined): Awaitable<Oid<K>> {
    const oid = this.hash(kind, data);
    if (this.holds(oid)) return oid;
    const { below } = this.#options;
    // One object twice does no harm: the storage is not looked at anew for each.
    const there =
      (below?.freshen === undefined
        ? below?.hasNow === undefined
          ? below?.has(oid)
          : below.hasNow(oid)
        : below.freshen(oid)) ?? false;
    if (isPromise(there)) {
      return there.then((found) => {
        if (!found && !this.holds(oid)) this.#append(oid, kind, data, base);
        return oid;
      });
    }
    if (!there) this.#append(oid, kind, data, base);
    return oid;
  }

  #append(oid: Oid, kind: ObjectKind, data: Bytes, base: Oid | undefined): void {
    if (this.#handle === undefined) {
      this.#options.platform.fs.makeDirectory(this.#options.packDirectory, { recursive: true });
      this.#handle = openTemporary(this.#options.platform, this.#options.packDirectory, 'tmp_pack_');
      this.#output.writeHead(0);
    }
    const row = this.#map.add(oid);
    if (row >= this.#offsets.length) this.#grow();
    const output = this.#output;
    this.#offsets[row] = output.offset;
    this.#kinds[row] = codeOfKind(kind);
    this.#bases[row] = -1;
    this.#depths[row] = 0;
    if (!this.#writeDelta(row, data, base)) {
      const at = writeEntryHead(this.#head, 0, codeOfKind(kind), data.length);
      output.writeEntry(this.#head, at, data);
    }
    this.#crcs[row] = output.crc;
    if (output.hasReady) for (const chunk of output.take()) this.#put(chunk);
    this.#recent.keep(row, data);
  }

  #put(chunk: Bytes): void {
    this.#handle!.write(chunk);
    this.#flushed += chunk.length;
  }

  #writeDelta(row: number, data: Bytes, base: Oid | undefined): boolean {
    const depth = this.#options.depth ?? 50;
    if (base === undefined || data.length < 50) return false;
    const baseRow = this.#map.find(base);
    if (baseRow < 0 || this.#depths[baseRow]! >= depth || this.#kinds[baseRow] !== this.#kinds[row]) return false;
    const from = this.#recent.view(baseRow);
    if (from === undefined) return false;
    const limit = data.length / 2 - this.#oidLength;
    const delta =
      (this.#kinds[row] === TREE ? editDelta(from, data, limit) : undefined) ??
      new DeltaIndex(from).create(data, limit);
    if (delta === undefined) return false;
    const output = this.#output;
    let at = writeEntryHead(this.#head, 0, OFS_DELTA, delta.length);
    at = writeDistance(this.#head, at, output.offset - this.#offsets[baseRow]!);
    output.writeEntry(this.#head, at, delta, true);
    this.#bases[row] = baseRow;
    this.#depths[row] = this.#depths[baseRow]! + 1;
    return true;
  }

  /** True when the object was stored as a delta (for statistics). */
  isDelta(oid: Oid): boolean {
    const row = this.#map.find(oid);
    return row >= 0 && this.#bases[row]! >= 0;
  }

  #grow(): void {
    const size = this.#offsets.length * 2;
    const copy = <T extends { set(from: ArrayLike<number>): void }>(to: T, from: ArrayLike<number>): T => {
      to.set(from);
      return to;
    };
    this.#offsets = copy(new Float64Array(size), this.#offsets);
    this.#crcs = copy(new Uint32Array(size), this.#crcs);
    this.#kinds = copy(new Uint8Array(size), this.#kinds);
    this.#bases = copy(new Int32Array(size).fill(-1), this.#bases);
    this.#depths = copy(new Uint16Array(size), this.#depths);
  }

  read(oid: Oid): Awaitable<RawObject | undefined> {
    const row = this.#map.find(oid);
    if (row < 0) return this.#options.below?.read(oid);
    return { kind: kindOfCode(this.#kinds[row]!)!, data: this.#recent.view(row)?.slice() ?? this.#readRow(row) };
  }

  readHeader(oid: Oid): Awaitable<ObjectHeader | undefined> {
    const object = this.read(oid);
    const header = (found: RawObject | undefined): ObjectHeader | undefined =>
      found === undefined ? undefined : { kind: found.kind, size: found.data.length };
    return isPromise(object) ? object.then(header) : header(object);
  }

  /** Reads an object back from the file. */
  #readRow(row: number): Bytes {
    const chain: number[] = [];
    for (let at = row; at >= 0; at = this.#bases[at]!) chain.push(at);
    let data: Bytes = emptyBytes;
    for (let i = chain.length - 1; i >= 0; i--) {
      const each = chain[i]!;
      const start = this.#offsets[each]!;
      const end = each + 1 < this.count ? this.#offsets[each + 1]! : this.#output.offset;
      if (end > this.#flushed) {
        this.#output.flush();
        for (const chunk of this.#output.take()) this.#put(chunk);
      }
      this.#reader ??= this.#options.platform.fs.open(this.#handle!.path)!;
      const bytes = new Uint8Array(end - start);
      this.#reader.readInto(bytes, start);
      if (!this.#entryHead.parse(bytes, 0, bytes.length, this.#oidLength)) throw new GitError('BUG', 'lost own entry');
      const { data: inflated } = this.#options.platform.zlib.inflate(
        bytes.subarray(this.#entryHead.length),
        this.#entryHead.size,
      );
      const made = i === chain.length - 1 ? inflated : applyDelta(data, inflated);
      if (made === undefined) throw new GitError('BUG', 'own delta does not apply');
      data = made;
    }
    return data;
  }

  *list(): Iterable<Oid> {
    for (let row = 0; row < this.count; row++) yield this.#map.oidAt(row);
  }

  /** Completes the pack and makes it visible. With fewer than `unpackBelow` objects they become loose files instead. */
  finish(options: { loose?: LooseObjects; unpackBelow?: number; keep?: string } = {}): BulkFinished {
    const { platform, packDirectory } = this.#options;
    const count = this.count;
    const handle = this.#handle;
    if (handle === undefined) return { path: undefined, checksum: undefined, count: 0 };
    try {
      if (options.loose !== undefined && count < (options.unpackBelow ?? 0)) {
        for (let row = 0; row < count; row++) {
          const oid = this.#map.oidAt(row);
          const data = this.#recent.view(row) ?? this.#readRow(row);
          options.loose.writeNamed(oid, kindOfCode(this.#kinds[row]!)!, data);
        }
        this.discard();
        return { path: undefined, checksum: undefined, count };
      }
      this.#output.flush();
      const end = this.#output.offset;
      for (const chunk of this.#output.take()) this.#put(chunk);
      const checksum = correctPackHead(platform, this.algorithm, handle, count, end);
      if (this.#options.sync !== false) handle.sync();
      const rows = {
        count,
        names: this.#map.names,
        offsets: this.#offsets.subarray(0, count),
        crcs: this.#crcs,
      };
      const { bytes, order } = serializeIndex(platform, this.algorithm, rows, checksum);
      const reverse = serializeReverse(platform, this.algorithm, rows, order, checksum);
      const hex = oidFromBytes(checksum, 0, checksum.length);
      const path = `${packDirectory}/pack-${hex}`;
      handle.close();
      this.#reader?.close();
      this.#reader = undefined;
      this.#handle = undefined;
      installPack(
        platform.fs,
        handle.path,
        path,
        { index: bytes, reverse },
        { reverse: this.#options.reverse, keep: options.keep, syncMetadata: this.#options.syncMetadata },
      );
      return { path, checksum: hex, count };
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  /** Throws away what was written. */
  discard(): void {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#handle = undefined;
    this.#reader?.close();
    this.#reader = undefined;
    handle.close();
    this.#options.platform.fs.remove(handle.path);
  }

  close(): void {
    this.discard();
  }
}
