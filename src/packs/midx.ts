import type { Bytes } from '../base/bytes.js';
import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { oidFromBytes, rawLength } from '../base/oid.js';
import type { Chunk } from '../platform/chunk-file.js';
import { readChunks } from '../platform/chunk-file.js';
import type { FileSystem, ReadHandle } from '../platform/fs.js';
import { findName } from '../platform/find-name.js';
import { LazyTable, SCATTERED, readUint32, readUint64 } from '../platform/lazy-table.js';
import { openTableFile, prefixRange, readFanout, sharedDigits } from './pack-index.js';

/** A multi-pack-index file: one sorted list of names over many packs. */
export class MultiPackIndex {
  readonly path: string;
  readonly algorithm: HashAlgorithm;
  readonly oidLength: number;
  readonly version: number;
  readonly count: number;
  /** Names of the packs (`pack-….idx`), in the order of their numbers here. */
  readonly packNames: readonly string[];
  readonly chunks: ReadonlyMap<string, Chunk>;
  readonly fanout: Uint32Array;
  readonly #handle: ReadHandle;
  readonly #names: LazyTable;
  readonly #offsets: LazyTable;
  readonly #large: LazyTable | undefined;
  /** Pack number of the object `find` found last. */
  packNumber = 0;

  private constructor(path: string, handle: ReadHandle, algorithm: HashAlgorithm) {
    this.path = path;
    this.algorithm = algorithm;
    this.oidLength = rawLength(algorithm);
    this.#handle = handle;
    const head = handle.read(0, 12);
    if (handle.size < 12 + this.oidLength) throw this.#broken(`multi-pack-index file ${path} is too small`);
    const signature = readUint32(head, 0);
    if (signature !== 0x4d494458) {
      throw this.#broken(
        `multi-pack-index signature 0x${signature.toString(16).padStart(8, '0')} does not match signature 0x4d494458`,
      );
    }
    this.version = head[4]!;
    if (this.version !== 1 && this.version !== 2) {
      throw this.#broken(`multi-pack-index version ${this.version} not recognized`);
    }
    const expected = algorithm === 'sha1' ? 1 : 2;
    if (head[5] !== expected) {
      throw this.#broken(`multi-pack-index hash version ${head[5]} does not match version ${expected}`);
    }
    this.chunks = readChunks(handle, 12, head[6]!, this.oidLength, `multi-pack-index ${path}`, 4);
    const packCount = readUint32(head, 8);
    this.packNames = this.#readPackNames(packCount);
    const fanout = this.#chunk('OIDF', 'multi-pack-index required OID fanout chunk missing or corrupted');
    if (fanout.size !== 1024) throw this.#broken('multi-pack-index OID fanout is of the wrong size');
    this.fanout = readFanout(handle, fanout.start, path);
    this.count = this.fanout[255]!;
    const names = this.#chunk('OIDL', 'multi-pack-index required OID lookup chunk missing or corrupted');
    if (names.size !== this.count * this.oidLength) {
      throw this.#broken('multi-pack-index OID lookup chunk is the wrong size');
    }
    this.#names = new LazyTable(handle, names.start, this.oidLength, this.count, SCATTERED);
    const offsets = this.#chunk('OOFF', 'multi-pack-index required object offsets chunk missing or corrupted');
    if (offsets.size !== this.count * 8) {
      throw this.#broken('multi-pack-index object offset chunk is the wrong size');
    }
    this.#offsets = new LazyTable(handle, offsets.start, 8, this.count, SCATTERED);
    const large = this.chunks.get('LOFF');
    this.#large = large === undefined ? undefined : new LazyTable(handle, large.start, 8, Math.floor(large.size / 8));
  }

  /** `undefined` where there is no file; throws `OBJECT_CORRUPT` where it is broken. */
  static open(fs: FileSystem, path: string, algorithm: HashAlgorithm): MultiPackIndex | undefined {
    const handle = openTableFile(fs, path);
    if (handle === undefined) return undefined;
    try {
      return new MultiPackIndex(path, handle, algorithm);
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  #broken(why: string): GitError {
    return new GitError('OBJECT_CORRUPT', why, { data: { file: this.path } });
  }

  #chunk(name: string, missing: string): Chunk {
    const chunk = this.chunks.get(name);
    if (chunk === undefined) throw this.#broken(missing);
    return chunk;
  }

  #readPackNames(count: number): readonly string[] {
    const chunk = this.#chunk('PNAM', 'multi-pack-index required pack-name chunk missing or corrupted');
    const bytes = this.#handle.read(chunk.start, chunk.size);
    const names: string[] = [];
    let at = 0;
    for (let i = 0; i < count; i++) {
      const end = bytes.indexOf(0, at);
      if (end < 0) throw this.#broken('multi-pack-index pack-name chunk is too short');
      const name = decodeText(bytes.subarray(at, end));
      const before = names[i - 1];
      if (this.version === 1 && before !== undefined && before >= name) {
        throw this.#broken(`multi-pack-index pack names out of order: '${before}' before '${name}'`);
      }
      names.push(name);
      at = end + 1;
    }
    return names;
  }

  /** Row of a raw name, or -1. */
  find(raw: Bytes, at = 0): number {
    return findName(this.fanout, this.#names, 0, this.oidLength, raw, at);
  }

  /** Offset of the object in its pack; its number is left in `packNumber`. */
  offsetAt(row: number): number {
    const chunk = this.#offsets.chunk(row);
    const at = this.#offsets.at(row);
    this.packNumber = readUint32(chunk, at);
    const offset = readUint32(chunk, at + 4);
    if (offset < 0x80000000 || this.#large === undefined) return offset;
    const large = offset - 0x80000000;
    if (large >= this.#large.count) throw this.#broken('multi-pack-index large offset out of bounds');
    return readUint64(this.#large.chunk(large), this.#large.at(large));
  }

  oidAt(row: number): Oid {
    return oidFromBytes(this.#names.chunk(row), this.#names.at(row), this.oidLength);
  }

  copyName(row: number, into: Bytes, at: number): void {
    const chunk = this.#names.chunk(row);
    const start = this.#names.at(row);
    for (let i = 0; i < this.oidLength; i++) into[at + i] = chunk[start + i]!;
  }

  prefixRange(prefix: string): readonly [number, number] {
    return prefixRange(this.fanout, this.#names, 0, this.oidLength, prefix);
  }

  sharedDigits(raw: Bytes): number {
    return sharedDigits(this.fanout, this.#names, 0, this.oidLength, raw);
  }

  /** Path of what lies beside the file: `bitmap`, `rev`. */
  companion(extension: string): string {
    if (this.path.endsWith('.midx')) return `${this.path.slice(0, -4)}${extension}`;
    const { checksum } = this;
    return `${this.path}-${oidFromBytes(checksum, 0, checksum.length)}.${extension}`;
  }

  /**
   * Rows by the bits of a bitmap. The numbers in the file count the objects of the layers below, `baseCount`; those
   * answered do not. `undefined` where the file has no such order; throws `OBJECT_CORRUPT` where it makes no sense.
   */
  bitOrder(baseCount: number, stored: Bytes | undefined = this.readChunk('RIDX')): Uint32Array | undefined {
    if (stored === undefined || stored.length < 4 * this.count) return undefined;
    const order = new Uint32Array(this.count);
    for (let bit = 0; bit < this.count; bit++) {
      const row = readUint32(stored, 4 * bit) - baseCount;
      if (row < 0 || row >= this.count) throw this.#broken('multi-pack-index reverse-index chunk is corrupt');
      order[bit] = row;
    }
    return order;
  }

  readChunk(name: string): Bytes | undefined {
    const chunk = this.chunks.get(name);
    return chunk === undefined ? undefined : this.#handle.read(chunk.start, chunk.size);
  }

  /** The whole file, for a checksum test. */
  readAll(): Bytes {
    return this.#handle.read(0, this.#handle.size);
  }

  get checksum(): Bytes {
    return this.#handle.read(this.#handle.size - this.oidLength, this.oidLength);
  }

  close(): void {
    this.#handle.close();
  }
}

/**
 * The multi-pack-index files of an `objects/pack` directory, the newest layer first: one file, or the layers that
 * `multi-pack-index.d/multi-pack-index-chain` names. A broken one is told to `problem` and left out.
 */
export function openMultiPackIndexes(
  fs: FileSystem,
  packDirectory: string,
  algorithm: HashAlgorithm,
  problem?: (error: GitError) => void,
): MultiPackIndex[] {
  const open = (path: string): MultiPackIndex | undefined => {
    try {
      return MultiPackIndex.open(fs, path, algorithm);
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      problem?.(error);
      return undefined;
    }
  };
  const single = open(`${packDirectory}/multi-pack-index`);
  if (single !== undefined) return [single];
  const chain = fs.readFile(`${packDirectory}/multi-pack-index.d/multi-pack-index-chain`);
  if (chain === undefined) return [];
  const layers: MultiPackIndex[] = [];
  for (const line of decodeText(chain).split('\n')) {
    if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(line)) continue;
    const layer = open(`${packDirectory}/multi-pack-index.d/multi-pack-index-${line}.midx`);
    if (layer === undefined) break;
    layers.unshift(layer);
  }
  return layers;
}
