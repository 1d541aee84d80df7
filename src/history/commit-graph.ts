import type { Bytes } from '../base/bytes.js';
import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { isOid, oidFromBytes, rawLength, writeOid } from '../base/oid.js';
import type { Chunk } from '../platform/chunk-file.js';
import { readChunks } from '../platform/chunk-file.js';
import { findName } from '../platform/find-name.js';
import type { FileSystem, ReadHandle } from '../platform/fs.js';
import { LazyTable, memoryHandle, readUint32, readUint64 } from '../platform/lazy-table.js';
import { type BloomSettings, bloomContains, type BloomKey } from './commit-graph-bloom.js';
import type { CommitPositions, PositionColumns } from './commit-pool.js';
import { BLOCK_BITS, MORE_PARENTS } from './commit-pool.js';

const NO_PARENT = 0x70000000;
const EXTRA = 0x80000000;
const LAST = 0x80000000;
/** Filters are read in pieces of this size. */
const FILTER_BLOCK = 1 << 15;
/** Files up to this size are read at once. */
const READ_WHOLE = 1 << 20;

/** A date of 34 bits behind 30 bits of level. Those of our days stay small integers, which cost nothing to keep. */
function readSeconds(chunk: Bytes, at: number): number {
  const high = chunk[at + 3]! & 3;
  const first = chunk[at + 4]!;
  const rest = (chunk[at + 5]! << 16) | (chunk[at + 6]! << 8) | chunk[at + 7]!;
  if (high === 0 && first < 0x80) return (first << 24) | rest;
  return high * 0x100000000 + first * 0x1000000 + rest;
}

/** Who is told of what is wrong with a layer and passed over. */
interface LayerTrouble {
  readonly problem?: ((error: GitError) => void) | undefined;
  readonly warn?: ((message: string) => void) | undefined;
}

function openFile(fs: FileSystem, path: string): ReadHandle | undefined {
  try {
    return fs.open(path);
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    throw new GitError('OBJECT_CORRUPT', `Could not open commit-graph '${path}': Permission denied`);
  }
}

/** Commits of one commit-graph file: names in order, with tree, parents, date and generation each. */
export class CommitGraphLayer {
  readonly path: string;
  readonly oidLength: number;
  readonly count: number;
  /** How many commits the layers below have: where this one's positions start. */
  readonly start: number;
  readonly baseCount: number;
  readonly chunks: ReadonlyMap<string, Chunk>;
  readonly bloom: BloomSettings | undefined;
  readonly #handle: ReadHandle;
  readonly #fanout: Uint32Array;
  readonly #names: LazyTable;
  readonly #data: LazyTable;
  readonly #generations: LazyTable | undefined;
  readonly #overflow: LazyTable | undefined;
  readonly #edges: LazyTable | undefined;
  readonly #bloomIndex: LazyTable | undefined;
  readonly #bloomStart: number;
  readonly #bloomSize: number;
  readonly #tell: LayerTrouble;

  private constructor(
    path: string,
    handle: ReadHandle,
    algorithm: HashAlgorithm,
    start: number,
    tell: LayerTrouble = {},
  ) {
    this.path = path;
    this.#tell = tell;
    this.start = start;
    this.#handle = handle;
    this.oidLength = rawLength(algorithm);
    const fail: (why: string) => never = (why) => {
      throw new GitError('OBJECT_CORRUPT', why, { data: { file: path } });
    };
    const wrong = (why: string, chunk: string): never => {
      tell.problem?.(new GitError('OBJECT_CORRUPT', why, { data: { file: path } }));
      return fail(`commit-graph required ${chunk} chunk missing or corrupted`);
    };
    if (handle.size < 8 + 12 + 1024 + this.oidLength) fail('commit-graph file is too small');
    const head = handle.read(0, 8);
    const signature = readUint32(head, 0);
    if (signature !== 0x43475048) {
      fail(`commit-graph signature ${signature.toString(16).toUpperCase()} does not match signature 43475048`);
    }
    if (head[4] !== 1) fail(`commit-graph version ${head[4]!.toString(16).toUpperCase()} does not match version 1`);
    const expected = algorithm === 'sha1' ? 1 : 2;
    if (head[5] !== expected) {
      fail(`commit-graph hash version ${head[5]!.toString(16).toUpperCase()} does not match version ${expected}`);
    }
    this.baseCount = head[7]!;
    if (handle.size < 8 + (head[6]! + 1) * 12 + 1024 + this.oidLength) {
      fail(`commit-graph file is too small to hold ${head[6]} chunks`);
    }
    this.chunks = readChunks(handle, 8, head[6]!, this.oidLength, 'commit-graph');
    const fanout = this.chunks.get('OIDF');
    const names = this.chunks.get('OIDL');
    const data = this.chunks.get('CDAT');
    if (fanout === undefined) fail('commit-graph required OID fanout chunk missing or corrupted');
    if (fanout.size !== 1024) wrong('commit-graph oid fanout chunk is wrong size', 'OID fanout');
    const bytes = handle.read(fanout.start, 1024);
    this.#fanout = new Uint32Array(256);
    for (let i = 0, last = 0; i < 256; i++) {
      const value = readUint32(bytes, 4 * i);
      if (value < last) wrong('commit-graph fanout values out of order', 'OID fanout');
      this.#fanout[i] = last = value;
    }
    this.count = this.#fanout[255]!;
    if (names === undefined) fail('commit-graph required OID lookup chunk missing or corrupted');
    if (names.size !== this.count * this.oidLength) {
      wrong('commit-graph OID lookup chunk is the wrong size', 'OID lookup');
    }
    if (data === undefined) fail('commit-graph required commit data chunk missing or corrupted');
    if (data.size !== this.count * (this.oidLength + 16)) {
      wrong('commit-graph commit data chunk is wrong size', 'commit data');
    }
    this.#names = new LazyTable(handle, names.start, this.oidLength, this.count);
    this.#data = new LazyTable(handle, data.start, this.oidLength + 16, this.count);
    const table = (name: string, size: number): LazyTable | undefined => {
      const chunk = this.chunks.get(name);
      return chunk === undefined ? undefined : new LazyTable(handle, chunk.start, size, Math.floor(chunk.size / size));
    };
    const generations = table('GDA2', 4);
    if (generations !== undefined && this.chunks.get('GDA2')!.size !== this.count * 4) {
      tell.problem?.(new GitError('OBJECT_CORRUPT', 'commit-graph generations chunk is wrong size'));
    } else this.#generations = generations;
    this.#overflow = table('GDO2', 8);
    this.#edges = table('EDGE', 4);
    const index = table('BIDX', 4);
    const filters = this.chunks.get('BDAT');
    if (index !== undefined && this.chunks.get('BIDX')!.size !== this.count * 4) {
      tell.warn?.('commit-graph changed-path index chunk is too small');
    } else if (filters !== undefined && filters.size < 12) {
      tell.warn?.(`ignoring too-small changed-path chunk (${filters.size} < 12) in commit-graph file`);
    }
    if (index?.count === this.count && filters !== undefined && filters.size >= 12) {
      const settings = handle.read(filters.start, 12);
      this.#bloomIndex = index;
      this.#bloomStart = filters.start + 12;
      this.#bloomSize = filters.size - 12;
      this.bloom = {
        version: readUint32(settings, 0),
        hashes: readUint32(settings, 4),
        bitsPerEntry: readUint32(settings, 8),
      };
    } else {
      this.#bloomStart = 0;
      this.#bloomSize = 0;
    }
  }

  static open(
    fs: FileSystem,
    path: string,
    algorithm: HashAlgorithm,
    start: number,
    tell: LayerTrouble = {},
  ): CommitGraphLayer | undefined {
    let handle = openFile(fs, path);
    if (handle === undefined) return undefined;
    if (handle.size <= READ_WHOLE) {
      const whole = handle.read(0, handle.size);
      handle.close();
      handle = memoryHandle(whole);
    }
    try {
      return new CommitGraphLayer(path, handle, algorithm, start, tell);
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  /** Row of a raw name, or -1. */
  find(raw: Bytes): number {
    return findName(this.#fanout, this.#names, 0, this.oidLength, raw, 0);
  }

  oidAt(row: number): Oid<'commit'> {
    return oidFromBytes(this.#names.chunk(row), this.#names.at(row), this.oidLength);
  }

  copyName(row: number, into: Bytes): void {
    const chunk = this.#names.chunk(row);
    const start = this.#names.at(row);
    for (let i = 0; i < this.oidLength; i++) into[i] = chunk[start + i]!;
  }

  treeAt(row: number): Oid<'tree'> {
    return oidFromBytes(this.#data.chunk(row), this.#data.at(row), this.oidLength);
  }

  /** The tree of a row is that of a row of another (or this) layer. */
  hasTree(row: number, other: CommitGraphLayer, otherRow: number): boolean {
    const one = this.#data.chunk(row);
    const two = other.#data.chunk(otherRow);
    const x = this.#data.at(row);
    const y = other.#data.at(otherRow);
    for (let i = 0; i < this.oidLength; i++) if (one[x + i] !== two[y + i]) return false;
    return true;
  }

  parentsAt(row: number): number[] {
    const chunk = this.#data.chunk(row);
    const at = this.#data.at(row) + this.oidLength;
    const first = readUint32(chunk, at);
    if (first === NO_PARENT) return [];
    this.#checkPosition(first);
    const second = readUint32(chunk, at + 4);
    if (second === NO_PARENT) return [first];
    if (second < EXTRA) {
      this.#checkPosition(second);
      return [first, second];
    }
    const parents = [first];
    for (let i = second - EXTRA; ; i++) {
      if (this.#edges === undefined || i >= this.#edges.count) {
        throw new GitError('OBJECT_CORRUPT', 'commit-graph extra-edges pointer out of bounds', {
          data: { file: this.path },
        });
      }
      const edge = this.#edges.uint32(i);
      this.#checkPosition(edge % LAST);
      parents.push(edge % LAST);
      if (edge >= LAST) return parents;
    }
  }

  /** Parents lie in this layer or in those below. */
  #checkPosition(position: number): void {
    if (position < this.start + this.count) return;
    throw new GitError('OBJECT_CORRUPT', `invalid parent position ${position}`, { data: { file: this.path } });
  }

  /** Fills the columns for some rows, which lie at `to` and after in them. */
  readColumns(columns: PositionColumns, from: number, count: number, to: number): void {
    const { first, second, seconds } = columns;
    const { oidLength } = this;
    const all = this.start + this.count;
    let row = from;
    for (let end = from + count; row < end; ) {
      const chunk = this.#data.chunk(row);
      let at = this.#data.at(row) + oidLength;
      const stop = Math.min(end, this.#data.chunkEnd(row));
      for (let i = to + row - from; row < stop; row++, i++, at += oidLength + 16) {
        const one = (chunk[at]! << 24) | (chunk[at + 1]! << 16) | (chunk[at + 2]! << 8) | chunk[at + 3]!;
        const two = (chunk[at + 4]! << 24) | (chunk[at + 5]! << 16) | (chunk[at + 6]! << 8) | chunk[at + 7]!;
        if (one !== NO_PARENT && (one < 0 || one >= all)) this.#checkPosition(one >>> 0);
        if (two !== NO_PARENT && two >= all) this.#checkPosition(two);
        first[i] = one === NO_PARENT ? -1 : one;
        second[i] = two === NO_PARENT ? -1 : two < 0 ? MORE_PARENTS : two;
        seconds[i] = readSeconds(chunk, at + 8);
      }
    }
  }

  secondsAt(row: number): number {
    return readSeconds(this.#data.chunk(row), this.#data.at(row) + this.oidLength + 8);
  }

  /** Topological level: one more than the greatest of the parents'. */
  levelAt(row: number): number {
    return readUint32(this.#data.chunk(row), this.#data.at(row) + this.oidLength + 8) >>> 2;
  }

  get hasDates(): boolean {
    return this.#generations !== undefined;
  }

  /** Corrected commit date (generation number version 2), where the file has them. */
  correctedDateAt(row: number): number | undefined {
    const offset = this.#generations?.uint32(row);
    if (offset === undefined) return undefined;
    if (offset < EXTRA) return this.secondsAt(row) + offset;
    const large = offset - EXTRA;
    if (this.#overflow === undefined || large >= this.#overflow.count) {
      throw new GitError('OBJECT_CORRUPT', 'commit-graph overflow generation data is too small', {
        data: { file: this.path },
      });
    }
    return this.secondsAt(row) + readUint64(this.#overflow.chunk(large), this.#overflow.at(large));
  }

  /** The commit's changed-path filter; `undefined` where there is none. */
  filterAt(row: number): Bytes | undefined {
    const index = this.#bloomIndex;
    if (index === undefined) return undefined;
    const from = row === 0 ? 0 : index.uint32(row - 1);
    const end = index.uint32(row);
    for (const [offset, at] of [
      [end, row],
      [from, row - 1],
    ] as const) {
      if (offset <= this.#bloomSize) continue;
      this.#tell.warn?.(
        `ignoring out-of-range offset (${offset}) for changed-path filter at pos ${at} of ${this.path} (chunk size: ${this.#bloomSize + 12})`,
      );
      return undefined;
    }
    if (end < from) {
      this.#tell.warn?.(
        `ignoring decreasing changed-path index offsets (${from} > ${end}) for positions ${row - 1} and ${row} of ${this.path}`,
      );
      return undefined;
    }
    const block = Math.floor(from / FILTER_BLOCK);
    if (block === Math.floor((end - 1) / FILTER_BLOCK)) {
      const start = block * FILTER_BLOCK;
      const bytes = (this.#filters[block] ??= this.#handle.read(
        this.#bloomStart + start,
        Math.min(FILTER_BLOCK, this.#bloomSize - start),
      ));
      return bytes.subarray(from - start, end - start);
    }
    return this.#handle.read(this.#bloomStart + from, end - from);
  }

  readonly #filters: (Bytes | undefined)[] = [];

  readChunk(name: string): Bytes | undefined {
    const chunk = this.chunks.get(name);
    return chunk === undefined ? undefined : this.#handle.read(chunk.start, chunk.size);
  }

  readAll(): Bytes {
    return this.#handle.read(0, this.#handle.size);
  }

  get checksum(): string {
    return oidFromBytes(this.#handle.read(this.#handle.size - this.oidLength, this.oidLength), 0, this.oidLength);
  }

  close(): void {
    this.#handle.close();
  }
}

class Columns implements PositionColumns {
  readonly seconds: Float64Array;
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly loaded: Uint8Array;
  readonly #layers: readonly CommitGraphLayer[];

  constructor(layers: readonly CommitGraphLayer[], count: number) {
    this.#layers = layers;
    this.seconds = new Float64Array(count);
    this.first = new Int32Array(count);
    this.second = new Int32Array(count);
    this.loaded = new Uint8Array((count >>> BLOCK_BITS) + 1);
  }

  load(position: number): void {
    const block = position >>> BLOCK_BITS;
    if (this.loaded[block] === 1) return;
    this.loaded[block] = 1;
    const from = block << BLOCK_BITS;
    const end = Math.min(from + (1 << BLOCK_BITS), this.seconds.length);
    for (const layer of this.#layers) {
      const start = Math.max(from, layer.start);
      const stop = Math.min(end, layer.start + layer.count);
      if (start < stop) layer.readColumns(this, start - layer.start, stop - start, start);
    }
  }
}

const sameSettings = (a: BloomSettings | undefined, b: BloomSettings): boolean =>
  a !== undefined && a.version === b.version && a.hashes === b.hashes && a.bitsPerEntry === b.bitsPerEntry;

/** What a path-limited walk asks of changed-path filters. */
export interface ChangedPaths {
  /**
   * False when the commit cannot have changed any of the paths against its first parent; `undefined`: unknown. Each path
   * is the keys of it and of all directories above it.
   */
  mayHaveChanged(position: number, paths: readonly (readonly BloomKey[])[]): boolean | undefined;
}

/** The commit-graph of a repository: one file, or a chain of layers whose positions follow each other. */
export class CommitGraph implements CommitPositions, ChangedPaths {
  /** The lowest first. */
  readonly layers: readonly CommitGraphLayer[];
  readonly count: number;
  readonly oidLength: number;
  /** Every layer has corrected dates, and they are to be used (`commitGraph.generationVersion`). */
  readonly correctedDates: boolean;
  readonly #hasLevels: boolean;
  readonly #top: CommitGraphLayer | undefined;
  readonly #raw: Bytes;
  /** Filters asked, and how many of them ruled a commit out: what tests count. */
  readonly counts = { asked: 0, ruledOut: 0 };

  constructor(layers: readonly CommitGraphLayer[], options: Omit<OpenGraphOptions, 'alternates'> = {}) {
    this.layers = layers;
    this.#readParents = options.readParents;
    this.#problem = options.problem;
    const version = options.generationVersion ?? 2;
    this.correctedDates = version >= 2 && layers.every((layer) => layer.hasDates);
    const wanted = options.changedPathsVersion ?? -1;
    let settings: BloomSettings | undefined;
    for (let i = layers.length - 1; i >= 0 && wanted !== 0; i--) {
      const { bloom, checksum } = layers[i]!;
      if (bloom === undefined || (wanted > 0 && bloom.version !== wanted)) continue;
      settings ??= bloom;
      if (sameSettings(bloom, settings)) continue;
      options.warn?.(`disabling Bloom filters for commit-graph layer '${checksum}' due to incompatible settings`);
    }
    this.bloomSettings = settings;
    // Old writers left the levels 0.
    this.#hasLevels = layers.every((layer) => layer.count === 0 || layer.levelAt(0) > 0);
    const top = layers[layers.length - 1];
    this.#top = top;
    this.oidLength = top?.oidLength ?? 20;
    this.count = top === undefined ? 0 : top.start + top.count;
    this.#raw = new Uint8Array(32);
  }

  #layer(position: number): CommitGraphLayer {
    const top = this.#top;
    if (top !== undefined && position >= top.start && position < this.count) return top;
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const layer = this.layers[i]!;
      if (position >= layer.start && position < layer.start + layer.count) return layer;
    }
    throw new GitError('OBJECT_CORRUPT', `invalid parent position ${position}`, {
      data: { file: this.layers[0]?.path },
    });
  }

  find(oid: Oid): number {
    writeOid(oid, this.#raw, 0);
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const layer = this.layers[i]!;
      const row = layer.find(this.#raw);
      if (row >= 0) return layer.start + row;
    }
    return -1;
  }

  oidAt(position: number): Oid<'commit'> {
    const layer = this.#layer(position);
    return layer.oidAt(position - layer.start);
  }

  copyName(position: number, into: Bytes): void {
    const layer = this.#layer(position);
    layer.copyName(position - layer.start, into);
  }

  treeAt(position: number): Oid<'tree'> {
    const layer = this.#layer(position);
    return layer.treeAt(position - layer.start);
  }

  parentsAt(position: number): readonly number[] {
    const layer = this.#layer(position);
    try {
      return layer.parentsAt(position - layer.start);
    } catch (error) {
      // The commit itself knows better than a damaged list.
      const parents = error instanceof GitError ? this.#readParents?.(this.oidAt(position)) : undefined;
      if (parents === undefined) throw error;
      const positions = parents.map((oid) => this.find(oid));
      if (positions.includes(-1)) throw error;
      if (!this.#told) this.#problem?.(error as GitError);
      this.#told = true;
      return positions;
    }
  }

  readonly #readParents: OpenGraphOptions['readParents'];
  readonly #problem: OpenGraphOptions['problem'];
  #told = false;

  /** Dates and parents of all layers, for walks. */
  get columns(): PositionColumns {
    this.#columns ??= new Columns(this.layers, this.count);
    return this.#columns;
  }

  #columns: PositionColumns | undefined;

  /** Two commits have the same tree. */
  sameTree(one: number, two: number): boolean {
    const first = this.#layer(one);
    const second = this.#layer(two);
    return first.hasTree(one - first.start, second, two - second.start);
  }

  secondsAt(position: number): number {
    const layer = this.#layer(position);
    return layer.secondsAt(position - layer.start);
  }

  generationAt(position: number): number {
    const layer = this.#layer(position);
    return layer.levelAt(position - layer.start);
  }

  orderAt(position: number): number {
    const layer = this.#layer(position);
    const row = position - layer.start;
    if (this.correctedDates) return layer.correctedDateAt(row) ?? layer.secondsAt(row);
    return this.#hasLevels ? layer.levelAt(row) : 0;
  }

  /** Corrected commit date; only usable when every layer has them. */
  correctedDateAt(position: number): number | undefined {
    const layer = this.#layer(position);
    return layer.correctedDateAt(position - layer.start);
  }

  get hasFilters(): boolean {
    return this.bloomSettings !== undefined;
  }

  /** How filters are made in the topmost layer that has any: layers below with other settings count as having none. */
  readonly bloomSettings: BloomSettings | undefined;

  mayHaveChanged(position: number, paths: readonly (readonly BloomKey[])[]): boolean | undefined {
    const layer = this.#layer(position);
    const settings = this.bloomSettings;
    if (settings === undefined || !sameSettings(layer.bloom, settings)) return undefined;
    const filter = layer.filterAt(position - layer.start);
    if (filter === undefined || filter.length === 0) return undefined;
    this.counts.asked++;
    const answer = paths.some((keys) => keys.every((key) => bloomContains(filter, settings, key)));
    if (!answer) this.counts.ruledOut++;
    return answer;
  }

  close(): void {
    for (const layer of this.layers) layer.close();
  }
}

export interface OpenGraphOptions {
  /** Told why a file was not used. */
  readonly problem?: ((error: GitError) => void) | undefined;
  /** Object directories of alternates, where lower layers may lie. */
  readonly alternates?: readonly string[] | undefined;
  /** `commitGraph.changedPathsVersion`: -1 for filters of any version, 0 for none, else of that one. */
  readonly changedPathsVersion?: number | undefined;
  /** Told of what is passed over, in git's words. */
  readonly warn?: ((message: string) => void) | undefined;
  /** A commit's parents by the commit itself, for where the graph is damaged. */
  readonly readParents?: ((oid: Oid) => readonly Oid[] | undefined) | undefined;
  /** `commitGraph.generationVersion`: 1 for levels only. */
  readonly generationVersion?: number | undefined;
}

/** The commit-graph of an object directory; `undefined` where there is none that can be read. */
export function openCommitGraph(
  fs: FileSystem,
  objectsDirectory: string,
  algorithm: HashAlgorithm,
  options: OpenGraphOptions = {},
): CommitGraph | undefined {
  const tell = (error: unknown): void => {
    if (!(error instanceof GitError)) throw error;
    options.problem?.(error);
  };
  try {
    const single = CommitGraphLayer.open(fs, `${objectsDirectory}/info/commit-graph`, algorithm, 0, options);
    if (single !== undefined) return new CommitGraph([single], options);
  } catch (error) {
    tell(error);
    return undefined;
  }
  const warn = options.warn ?? ((message: string) => tell(new GitError('OBJECT_CORRUPT', message)));
  const chain = readChain(fs, objectsDirectory, warn, rawLength(algorithm) * 2);
  if (chain.length === 0) return undefined;
  const layers: CommitGraphLayer[] = [];
  let start = 0;
  for (const name of chain) {
    let layer: CommitGraphLayer | undefined;
    try {
      for (const directory of [objectsDirectory, ...(options.alternates ?? [])]) {
        layer = CommitGraphLayer.open(fs, layerPath(directory, name), algorithm, start, options);
        if (layer !== undefined) break;
      }
    } catch (error) {
      tell(error);
    }
    if (layer === undefined) {
      warn('unable to find all commit-graph files');
      break;
    }
    const mismatch = baseMismatch(layer, chain, layers.length);
    if (mismatch !== undefined) {
      warn(mismatch);
      layer.close();
      break;
    }
    layers.push(layer);
    start += layer.count;
  }
  return layers.length === 0 ? undefined : new CommitGraph(layers, options);
}

export const graphDirectory = (objectsDirectory: string): string => `${objectsDirectory}/info/commit-graphs`;
export const chainPath = (objectsDirectory: string): string => `${graphDirectory(objectsDirectory)}/commit-graph-chain`;
export const layerPath = (objectsDirectory: string, name: string): string =>
  `${graphDirectory(objectsDirectory)}/graph-${name}.graph`;

/** What is wrong with the names of lower layers that a layer holds; `undefined` where they are the chain's. */
function baseMismatch(layer: CommitGraphLayer, chain: readonly string[], below: number): string | undefined {
  const names = layer.readChunk('BASE');
  if (below > 0 && names === undefined) return 'commit-graph has no base graphs chunk';
  if (names !== undefined && names.length < below * layer.oidLength) {
    return 'commit-graph base graphs chunk is too small';
  }
  for (let i = 0; i < below; i++) {
    if (oidFromBytes(names!, i * layer.oidLength, layer.oidLength) !== chain[i]) {
      return 'commit-graph chain does not match';
    }
  }
  return layer.baseCount === below ? undefined : 'commit-graph chain does not match';
}

/** The names of the chain's layers, the lowest first, up to the first line that is none. */
export function readChain(
  fs: FileSystem,
  objectsDirectory: string,
  warn: (message: string) => void = () => {},
  hexLength = 40,
): string[] {
  const bytes = fs.readFile(chainPath(objectsDirectory));
  if (bytes === undefined) return [];
  if (bytes.length < hexLength) {
    if (bytes.length > 0) warn('commit-graph chain file too small');
    return [];
  }
  const names: string[] = [];
  for (const line of decodeText(bytes).split('\n')) {
    if (line === '') continue;
    const name = line.toLowerCase();
    if (!isOid(name)) {
      warn(`invalid commit-graph chain: line '${line}' not a hash`);
      break;
    }
    names.push(name);
  }
  return names;
}
