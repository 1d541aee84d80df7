import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { parseCommitLinks } from '../objects/commit.js';
import type { ObjectSource } from '../objects/source.js';

/**
 * One commit of a walk. There is one node per commit of a pool, so identity is equality, and the walk's marks live in
 * `flags`. `parents` is what the walk believes: rewriting and simplification change it.
 */
export class CommitNode {
  readonly oid: Oid<'commit'>;
  /** Order of creation in the pool: an index for side tables. */
  readonly index: number;
  flags = 0;
  loaded = false;
  /** Committer date, seconds since the epoch. */
  seconds = 0;
  tree = '' as Oid<'tree'>;
  parents: CommitNode[] = noParents;
  /** The object's bytes, where the pool was asked to keep them. */
  data: Bytes | undefined = undefined;
  /** Position in the commit-graph, or -1. */
  graphPosition = -1;
  /** Topological level from the commit-graph; Infinity where unknown. */
  generation = Number.POSITIVE_INFINITY;

  constructor(oid: Oid<'commit'>, index: number) {
    this.oid = oid;
    this.index = index;
  }
}

const noParents: CommitNode[] = [];

/** What the pool asks of a commit-graph file: everything by integer position. */
export interface CommitPositions {
  /** How many commits it has: positions are below. */
  readonly count: number;
  /** Every commit has a corrected date. */
  readonly correctedDates: boolean;
  /** Position of the commit, or -1. */
  find(oid: Oid): number;
  oidAt(position: number): Oid<'commit'>;
  treeAt(position: number): Oid<'tree'>;
  /** Positions of the parents. */
  parentsAt(position: number): readonly number[];
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
  readonly #nodes = new Map<string, CommitNode>();
  readonly #byPosition: (CommitNode | undefined)[] = [];
  readonly #grafts: ReadonlyMap<string, readonly Oid[]> | undefined;
  readonly graph: CommitPositions | undefined;
  keepData: boolean;
  #count = 0;

  constructor(objects: ObjectSource, options: CommitPoolOptions = {}) {
    this.objects = objects;
    this.keepData = options.keepData === true;
    this.#grafts = options.grafts !== undefined && options.grafts.size > 0 ? options.grafts : undefined;
    this.graph = options.graph;
  }

  get size(): number {
    return this.#count;
  }

  /** The node of a commit, made where there is none; nothing is read. */
  node(oid: Oid): CommitNode {
    let node = this.#nodes.get(oid);
    if (node === undefined) {
      if (this.graph !== undefined) {
        const position = this.graph.find(oid);
        if (position >= 0) return this.#at(position);
      }
      node = new CommitNode(oid as Oid<'commit'>, this.#count++);
      this.#nodes.set(oid, node);
    }
    return node;
  }

  /** The node of a commit if there is one. */
  peek(oid: Oid): CommitNode | undefined {
    return this.#nodes.get(oid);
  }

  nodes(): IterableIterator<CommitNode> {
    return this.#nodes.values();
  }

  #at(position: number): CommitNode {
    let node = this.#byPosition[position];
    if (node === undefined) {
      const oid = this.graph!.oidAt(position);
      node = this.#nodes.get(oid);
      if (node === undefined) {
        node = new CommitNode(oid, this.#count++);
        this.#nodes.set(oid, node);
      }
      node.graphPosition = position;
      this.#byPosition[position] = node;
    }
    return node;
  }

  /** Reads a commit's links; `false` where there is no such object. Answers at once where the store does. */
  load(node: CommitNode): Awaitable<boolean> {
    if (node.loaded) return true;
    if (node.graphPosition >= 0) {
      this.#fromGraph(node);
      return true;
    }
    const object = this.objects.read(node.oid);
    if (isPromise(object)) return object.then((found) => this.#parse(node, found));
    return this.#parse(node, object);
  }

  #fromGraph(node: CommitNode): void {
    const graph = this.graph!;
    const position = node.graphPosition;
    node.tree = graph.treeAt(position);
    node.seconds = graph.secondsAt(position);
    node.generation = graph.generationAt(position);
    const graft = this.#grafts?.get(node.oid);
    node.parents =
      graft === undefined
        ? graph.parentsAt(position).map((parent) => this.#at(parent))
        : graft.map((parent) => this.node(parent));
    node.loaded = true;
  }

  #parse(node: CommitNode, object: { kind: string; data: Bytes } | undefined): boolean {
    if (object === undefined) return false;
    if (object.kind !== 'commit') {
      throw new GitError('OBJECT_CORRUPT', `object ${node.oid} is a ${object.kind}, not a commit`, {
        data: { oid: node.oid, kind: object.kind },
      });
    }
    const links = parseCommitLinks(object.data);
    node.tree = links.tree;
    node.seconds = links.seconds;
    const parents = this.#grafts?.get(node.oid) ?? links.parents;
    const count = parents.length;
    if (count === 1) node.parents = [this.node(parents[0]!)];
    else if (count > 1) node.parents = parents.map((parent) => this.node(parent));
    if (this.keepData) node.data = object.data;
    node.loaded = true;
    return true;
  }

  /** The commit's bytes: kept ones, or read now. Throws `OBJECT_MISSING`. */
  data(node: CommitNode): Awaitable<Bytes> {
    if (node.data !== undefined) return node.data;
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
