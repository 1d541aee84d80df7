import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { byteUnits } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { oidFromBytes, writeOid } from '../base/oid.js';
import { CommitPlaces, readHex, TREE_AT } from '../objects/commit.js';
import type { ObjectSource, RawObject } from '../objects/source.js';
import { OidTable } from './oid-table.js';

/**
 * One commit of a walk. There is one node per commit of a pool, so identity is equality, and the walk's marks live in
 * `flags`. `parents` is what the walk believes: rewriting and simplification change it. Names are made when they are
 * asked for: most commits of a walk over a commit-graph never need one.
 */
export class CommitNode {
  /** Order of creation in the pool: an index for side tables. */
  readonly index: number;
  flags = 0;
  loaded = false;
  /** Committer date, seconds since the epoch. */
  seconds = 0;
  /** The object's bytes, where the pool was asked to keep them. */
  data: Bytes | undefined = undefined;
  /** Position in the commit-graph; below 0: it is not there, and this says where the pool has its name. */
  readonly graphPosition: number;
  private readonly pool: CommitPool;
  private links: CommitNode[] | undefined = undefined;
  private id: Oid<'commit'> | undefined;
  private root: Oid<'tree'> | undefined = undefined;

  constructor(pool: CommitPool, oid: Oid<'commit'> | undefined, index: number, position: number) {
    this.pool = pool;
    this.id = oid;
    this.index = index;
    this.graphPosition = position;
  }

  /** None before it is loaded. */
  get parents(): CommitNode[] {
    if (this.links !== undefined) return this.links;
    if (!this.loaded || this.graphPosition < 0) return noParents;
    this.links = this.pool.parentsAt(this.graphPosition);
    return this.links;
  }

  set parents(parents: CommitNode[]) {
    this.links = parents;
  }

  get oid(): Oid<'commit'> {
    this.id ??=
      this.graphPosition < 0 ? this.pool.nameAt(-1 - this.graphPosition) : this.pool.graph!.oidAt(this.graphPosition);
    return this.id;
  }

  /** The commit's tree; '' before it is loaded. */
  get tree(): Oid<'tree'> {
    if (this.root !== undefined) return this.root;
    if (!this.loaded) return '' as Oid<'tree'>;
    return this.graphPosition < 0
      ? this.pool.treeOf(-1 - this.graphPosition)
      : this.pool.graph!.treeAt(this.graphPosition);
  }

  /** Topological level from the commit-graph; Infinity where unknown. */
  get generation(): number {
    return this.graphPosition < 0 ? Number.POSITIVE_INFINITY : this.pool.graph!.generationAt(this.graphPosition);
  }

  set tree(oid: Oid<'tree'>) {
    this.root = oid;
  }
}

const noParents: CommitNode[] = [];

/**
 * Dates and parents of a commit-graph's commits as columns over positions, read in blocks as walks come to them: a
 * position's values are there once `load` was called for it.
 */
export interface PositionColumns {
  /** Committer date, seconds since the epoch. */
  readonly seconds: Float64Array;
  /** Position of the first parent; -1: none. */
  readonly first: Int32Array;
  /** Position of the second parent; -1: none, -2: there are more than two (`parentsAt`). */
  readonly second: Int32Array;
  /** 1 for each block of positions (`position >>> BLOCK_BITS`) that is loaded. */
  readonly loaded: Uint8Array;
  load(position: number): void;
}

export const BLOCK_BITS = 10;
export const MORE_PARENTS = -2;

/** What the pool asks of a commit-graph file: everything by integer position. */
export interface CommitPositions {
  /** How many commits it has: positions are below. */
  readonly count: number;
  /** Raw bytes of a name, 20 or 32. */
  readonly oidLength: number;
  /** Every commit has a corrected date. */
  readonly correctedDates: boolean;
  /** Position of the commit, or -1. */
  find(oid: Oid): number;
  oidAt(position: number): Oid<'commit'>;
  /** Writes the raw name of the commit to the start of `into`. */
  copyName(position: number, into: Bytes): void;
  treeAt(position: number): Oid<'tree'>;
  /** Two commits have the same tree. */
  sameTree(one: number, two: number): boolean;
  /** Positions of the parents. */
  parentsAt(position: number): readonly number[];
  /** Dates and parents for walks. */
  readonly columns: PositionColumns;
  secondsAt(position: number): number;
  generationAt(position: number): number;
  /** More than that of any ancestor: the corrected date where all have one, else the level; 0 where none are known. */
  orderAt(position: number): number;
}

export interface CommitPoolOptions {
  /** Keep each commit's bytes on its node (a log prints them; a count does not). */
  readonly keepData?: boolean;
  /** Parents to believe in place of the recorded ones: grafts, and shallow commits (none). */
  readonly grafts?: ReadonlyMap<string, readonly Oid[]> | undefined;
  readonly graph?: CommitPositions | undefined;
}

/** The commits of one walk, each read at most once. */
export class CommitPool {
  readonly objects: ObjectSource;
  /** Names of the commits that are not in the graph; by their rows: the nodes, and the trees' names. */
  #names: OidTable | undefined;
  readonly #byRow: CommitNode[] = [];
  #trees: Bytes = new Uint8Array(0);
  readonly #places = new CommitPlaces();
  readonly #all: CommitNode[] = [];
  /** For each position of the graph the index of its node, and one more; 0: none yet. */
  readonly #byPosition: Int32Array;
  readonly #grafts: ReadonlyMap<string, readonly Oid[]> | undefined;
  readonly graph: CommitPositions | undefined;
  #raw: Bytes;
  keepData: boolean;

  constructor(objects: ObjectSource, options: CommitPoolOptions = {}) {
    this.objects = objects;
    this.keepData = options.keepData === true;
    this.#grafts = options.grafts !== undefined && options.grafts.size > 0 ? options.grafts : undefined;
    this.graph = options.graph;
    this.#raw = new Uint8Array(this.graph?.oidLength ?? 20);
    this.#byPosition = new Int32Array(this.graph?.count ?? 0);
  }

  get hasGrafts(): boolean {
    return this.#grafts !== undefined;
  }

  get size(): number {
    return this.#all.length;
  }

  /** The node of a commit, made where there is none; nothing is read. */
  node(oid: Oid): CommitNode {
    const position = this.graph === undefined ? -1 : this.graph.find(oid);
    return position >= 0 ? this.#at(position) : this.#named(this.#rawOf(oid));
  }

  /** The node of a commit if there is one. */
  peek(oid: Oid): CommitNode | undefined {
    const position = this.graph === undefined ? -1 : this.graph.find(oid);
    if (position >= 0) return this.#all[this.#byPosition[position]! - 1];
    if (this.#names?.oidLength !== oid.length >> 1) return undefined;
    const row = this.#names.find(this.#rawOf(oid), 0);
    return row < 0 ? undefined : this.#byRow[row];
  }

  /** The raw name, in a buffer that serves again and again. */
  #rawOf(oid: Oid): Bytes {
    if (oid.length !== 2 * this.#raw.length) this.#raw = new Uint8Array(oid.length >> 1);
    writeOid(oid, this.#raw, 0);
    return this.#raw;
  }

  #named(raw: Bytes): CommitNode {
    this.#names ??= new OidTable(raw.length);
    if (raw.length !== this.#names.oidLength) throw new GitError('BUG', 'names of two kinds in one walk');
    const row = this.#names.intern(raw, 0);
    const known = this.#byRow[row];
    if (known !== undefined) return known;
    const node = new CommitNode(this, undefined, this.#all.length, -1 - row);
    this.#all.push(node);
    this.#byRow.push(node);
    return node;
  }

  /** The name of a commit that is not in the graph. */
  nameAt(row: number): Oid<'commit'> {
    return this.#names!.hexAt(row) as Oid<'commit'>;
  }

  treeOf(row: number): Oid<'tree'> {
    const length = this.#names!.oidLength;
    return oidFromBytes(this.#trees, row * length, length);
  }

  nodes(): IterableIterator<CommitNode> {
    return this.#all.values();
  }

  /** The node of that index. */
  at(index: number): CommitNode {
    return this.#all[index]!;
  }

  /** The node of a commit of the graph. */
  atPosition(position: number): CommitNode {
    return this.#at(position);
  }

  /**
   * A loaded node for a commit of the graph that the pool does not keep: for walks over everything, which look at each
   * commit once.
   */
  passing(position: number): CommitNode {
    const known = this.#byPosition[position]!;
    const node = known > 0 ? this.#all[known - 1]! : new CommitNode(this, undefined, -1, position);
    const { columns } = this.graph!;
    columns.load(position);
    node.seconds = columns.seconds[position]!;
    node.loaded = true;
    return node;
  }

  /** Two loaded commits have the same tree. */
  sameTree(one: CommitNode, two: CommitNode): boolean {
    if (one.graphPosition < 0 || two.graphPosition < 0) return one.tree === two.tree;
    return this.graph!.sameTree(one.graphPosition, two.graphPosition);
  }

  /** Nodes of the parents of a commit of the graph. */
  parentsAt(position: number): CommitNode[] {
    const graph = this.graph!;
    const { columns } = graph;
    columns.load(position);
    const first = columns.first[position]!;
    const second = columns.second[position]!;
    if (first < 0) return [];
    if (second === -1) return [this.#at(first)];
    if (second !== MORE_PARENTS) return [this.#at(first), this.#at(second)];
    return graph.parentsAt(position).map((parent) => this.#at(parent));
  }

  #at(position: number): CommitNode {
    const known = this.#byPosition[position]!;
    if (known > 0) return this.#all[known - 1]!;
    const node = new CommitNode(this, undefined, this.#all.length, position);
    this.#byPosition[position] = this.#all.push(node);
    return node;
  }

  /** Reads a commit's links; `false` where there is no such object. Answers at once where the store does. */
  load(node: CommitNode): Awaitable<boolean> {
    if (node.loaded) return true;
    if (node.graphPosition >= 0) {
      this.#fromGraph(node);
      return true;
    }
    const object = (this.keepData ? this.#readPassing(node) : undefined) ?? this.objects.read(node.oid);
    if (isPromise(object)) return object.then((found) => this.#parse(node, found));
    return this.#parse(node, object);
  }

  #fromGraph(node: CommitNode): void {
    const position = node.graphPosition;
    node.seconds = this.graph!.secondsAt(position);
    const graft = this.#grafts?.get(node.oid);
    node.parents = graft === undefined ? this.parentsAt(position) : graft.map((parent) => this.node(parent));
    node.loaded = true;
  }

  #parse(node: CommitNode, object: { kind: string; data: Bytes } | undefined): boolean {
    if (object === undefined) return false;
    if (object.kind !== 'commit') {
      throw new GitError('OBJECT_CORRUPT', `object ${node.oid} is a ${object.kind}, not a commit`, {
        data: { oid: node.oid, kind: object.kind },
      });
    }
    const { data } = object;
    const places = this.#places;
    places.parse(data);
    const { hexLength, parents: count } = places;
    const length = hexLength >> 1;
    if (length !== this.#names!.oidLength) throw new GitError('OBJECT_CORRUPT', 'bogus commit object: bad tree');
    const row = -1 - node.graphPosition;
    if ((row + 1) * length > this.#trees.length) this.#growTrees((row + 1) * length);
    readHex(data, TREE_AT, hexLength, this.#trees, row * length);
    node.seconds = places.seconds;
    const grafted = this.#grafts?.get(node.oid);
    if (grafted !== undefined) node.parents = grafted.map((parent) => this.node(parent));
    else if (count === 1) node.parents = [this.#parent(data, places.parentAt(0), hexLength)];
    else if (count > 1) {
      const parents: CommitNode[] = [];
      for (let i = 0; i < count; i++) parents.push(this.#parent(data, places.parentAt(i), hexLength));
      node.parents = parents;
    }
    if (this.keepData) node.data = data;
    node.loaded = true;
    return true;
  }

  #growTrees(least: number): void {
    const trees = new Uint8Array(Math.max(least, this.#trees.length * 2, 4096));
    trees.set(this.#trees);
    this.#trees = trees;
  }

  /** The node of the commit whose name stands at `at`. */
  #parent(data: Bytes, at: number, hexLength: number): CommitNode {
    if (this.graph !== undefined) return this.node(byteUnits(data, at, at + hexLength) as Oid);
    if (this.#raw.length !== hexLength >> 1) this.#raw = new Uint8Array(hexLength >> 1);
    readHex(data, at, hexLength, this.#raw);
    return this.#named(this.#raw);
  }

  /** A commit's object, which nobody will ask for again. */
  #readPassing(node: CommitNode): RawObject | undefined {
    if (this.objects.readPassing === undefined) return undefined;
    const length = node.graphPosition >= 0 ? this.graph!.oidLength : this.#names!.oidLength;
    if (this.#raw.length !== length) this.#raw = new Uint8Array(length);
    if (node.graphPosition >= 0) this.graph!.copyName(node.graphPosition, this.#raw);
    else this.#names!.copy(-1 - node.graphPosition, this.#raw);
    return this.objects.readPassing(this.#raw);
  }

  /** The commit's bytes: kept ones, or read now. Throws `OBJECT_MISSING`. */
  data(node: CommitNode): Awaitable<Bytes> {
    if (node.data !== undefined) return node.data;
    const passing = this.#readPassing(node);
    if (passing !== undefined) return passing.data;
    const object = this.objects.read(node.oid);
    if (isPromise(object)) return object.then((found) => present(node, found));
    return present(node, object);
  }
}

function present(node: CommitNode, object: { data: Bytes } | undefined): Bytes {
  if (object === undefined) {
    throw new GitError('OBJECT_MISSING', `unable to read ${node.oid}`, { data: { oid: node.oid } });
  }
  return object.data;
}
