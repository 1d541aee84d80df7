import { isPromise } from '../base/awaitable.js';
import type { CommitNode, CommitPool, CommitPositions, PositionColumns } from './commit-pool.js';
import { BLOCK_BITS, MORE_PARENTS } from './commit-pool.js';
import { ADDED, NOT_USER_GIVEN, SEEN, SYMMETRIC_LEFT, UNINTERESTING } from './flags.js';
import { KeyedQueue } from './keyed-queue.js';

export interface PositionWalkOptions {
  readonly firstParent: boolean;
  readonly excludeFirstParentOnly: boolean;
  readonly maxAge: number | undefined;
  readonly minAge: number | undefined;
  /** A parent that cannot be read: goes on without it, or throws. */
  readonly missing: (node: CommitNode, parent: CommitNode) => Promise<void>;
}

/** How many commits are looked at after everything that is left seems uninteresting; dates may lie. */
const SLOP = 5;

/**
 * The walk over parents without paths, rewriting or boundaries, on numbers: positions of the commit-graph, and behind
 * them (by their index in the pool) commits that the graph does not have. Marks are a column. It finds what
 * `RevisionWalk` finds on nodes, and in the same order.
 */
export class PositionWalk {
  readonly #pool: CommitPool;
  readonly #graph: CommitPositions;
  readonly #options: PositionWalkOptions;
  readonly #inGraph: number;
  readonly #queue = new KeyedQueue<number>();
  readonly #columns: PositionColumns;
  #flags: Uint16Array;
  /** The commits to answer, where they were found beforehand. */
  #list: ArrayLike<number> | undefined;
  #at = 0;
  #interesting = -1;
  /** What is to be done before the number just answered can be judged. */
  work: Promise<void> | undefined;

  constructor(pool: CommitPool, graph: CommitPositions, options: PositionWalkOptions) {
    this.#pool = pool;
    this.#graph = graph;
    this.#options = options;
    this.#columns = graph.columns;
    this.#inGraph = graph.count;
    this.#flags = new Uint16Array(graph.count + pool.size + 64);
  }

  /** Puts a tip in, with its marks. It must be loaded. */
  add(node: CommitNode): void {
    const number = this.#number(node);
    this.#flags[number] = node.flags;
    if ((node.flags & UNINTERESTING) !== 0) this.#markParents(number);
    this.#queue.push(number, node.seconds);
  }

  flags(number: number): number {
    return this.#flags[number]!;
  }

  setFlags(number: number, flags: number): void {
    this.#flags[number]! |= flags;
  }

  seconds(number: number): number {
    if (number >= this.#inGraph) return this.#outside(number).seconds;
    this.#columns.load(number);
    return this.#columns.seconds[number]!;
  }

  parentCount(number: number): number {
    if (number >= this.#inGraph) return this.#outside(number).parents.length;
    this.#columns.load(number);
    if (this.#columns.first[number]! < 0) return 0;
    const second = this.#columns.second[number]!;
    return second === -1 ? 1 : second === MORE_PARENTS ? this.#graph.parentsAt(number).length : 2;
  }

  /** A node for the commit, with its marks. It is the walk's answer only: the pool may make another one. */
  node(number: number): CommitNode {
    const node = number < this.#inGraph ? this.#pool.passing(number) : this.#outside(number);
    node.flags = this.#flags[number]!;
    return node;
  }

  /** Gives a node the marks its commit got since the node was made. */
  refresh(node: CommitNode): void {
    node.flags |= this.#flags[this.#number(node)]!;
  }

  /** The next commit found, or -1. */
  next(): number {
    if (this.#list !== undefined) return this.#at < this.#list.length ? this.#list[this.#at++]! : -1;
    const { maxAge } = this.#options;
    for (;;) {
      const number = this.#queue.pop();
      if (number === undefined) return -1;
      if (maxAge !== undefined && this.seconds(number) < maxAge) continue;
      if ((this.#flags[number]! & ADDED) === 0) this.work = this.#expand(number);
      return number;
    }
  }

  /**
   * How many commits `next` would still answer, counted without an order; `undefined` where some of them are not in the
   * graph.
   */
  count(): number | undefined {
    const list = this.#list;
    if (list !== undefined) {
      // What was found before it was known to be uninteresting is still in the list.
      let count = 0;
      for (let i = this.#at; i < list.length; i++) if ((this.#flags[list[i]!]! & UNINTERESTING) === 0) count++;
      return count;
    }
    if (this.#options.maxAge !== undefined || this.#options.firstParent) return undefined;
    const { first, second, loaded } = this.#columns;
    const flags = this.#flags;
    const stack: number[] = [];
    for (const number of this.#queue.items) {
      if (number >= this.#inGraph) return undefined;
      stack.push(number);
    }
    let count = 0;
    for (let number = stack.pop(); number !== undefined; number = stack.pop()) {
      count++;
      if (loaded[number >>> BLOCK_BITS] === 0) this.#columns.load(number);
      const one = first[number]!;
      if (one < 0) continue;
      if ((flags[one]! & SEEN) === 0) {
        flags[one]! |= SEEN;
        stack.push(one);
      }
      const two = second[number]!;
      if (two >= 0) {
        if ((flags[two]! & SEEN) === 0) {
          flags[two]! |= SEEN;
          stack.push(two);
        }
      } else if (two === MORE_PARENTS) {
        for (const parent of this.#graph.parentsAt(number)) {
          if ((flags[parent]! & SEEN) !== 0) continue;
          flags[parent]! |= SEEN;
          stack.push(parent);
        }
      }
    }
    return count;
  }

  /** Finds everything before anything is answered. */
  async limit(): Promise<void> {
    const { maxAge, minAge } = this.#options;
    const queue = this.#queue;
    const found: number[] = [];
    let date = Number.MAX_SAFE_INTEGER;
    let slop = SLOP;
    for (let number = queue.pop(); number !== undefined; number = queue.pop()) {
      if (this.#interesting === number) this.#interesting = -1;
      const seconds = queue.poppedKey;
      if (maxAge !== undefined && seconds < maxAge) this.#flags[number]! |= UNINTERESTING;
      if ((this.#flags[number]! & ADDED) === 0) {
        const work = this.#expand(number);
        if (work !== undefined) await work;
      }
      if ((this.#flags[number]! & UNINTERESTING) !== 0) {
        this.#markParents(number);
        slop = this.#stillInteresting(date, slop);
        if (slop > 0) continue;
        break;
      }
      if (minAge !== undefined && seconds > minAge) continue;
      date = seconds;
      found.push(number);
    }
    this.#list = found;
  }

  /** Orders what `limit` found so that none comes before one of its children. */
  sort(order: 'topo' | 'date'): void {
    const list = this.#list!;
    const degrees = new Int32Array(this.#flags.length);
    for (let i = 0; i < list.length; i++) degrees[list[i]!] = 1;
    const parents: number[] = [];
    for (let i = 0; i < list.length; i++) {
      this.#parents(list[i]!, parents);
      for (const parent of parents) if (degrees[parent]! > 0) degrees[parent]!++;
    }
    const sorted = new Int32Array(list.length);
    let at = 0;
    if (order === 'topo') {
      const stack: number[] = [];
      for (let i = list.length - 1; i >= 0; i--) if (degrees[list[i]!] === 1) stack.push(list[i]!);
      for (let number = stack.pop(); number !== undefined; number = stack.pop()) {
        this.#parents(number, parents);
        for (const parent of parents) if (degrees[parent]! > 0 && --degrees[parent]! === 1) stack.push(parent);
        degrees[number] = 0;
        sorted[at++] = number;
      }
    } else {
      const queue = new KeyedQueue<number>();
      for (let i = 0; i < list.length; i++) {
        if (degrees[list[i]!] === 1) queue.push(list[i]!, this.seconds(list[i]!));
      }
      for (let number = queue.pop(); number !== undefined; number = queue.pop()) {
        this.#parents(number, parents);
        for (const parent of parents) {
          if (degrees[parent]! > 0 && --degrees[parent]! === 1) queue.push(parent, this.seconds(parent));
        }
        degrees[number] = 0;
        sorted[at++] = number;
      }
    }
    this.#list = sorted.subarray(0, at);
  }

  /** Commits of the pool at the edge: uninteresting parents of what was found, once for each child. */
  *edges(): Generator<CommitNode> {
    const list = this.#list ?? [];
    const parents: number[] = [];
    for (let i = 0; i < list.length; i++) {
      this.#parents(list[i]!, parents);
      for (const parent of parents) {
        if ((this.#flags[parent]! & UNINTERESTING) === 0) continue;
        const node = parent < this.#inGraph ? this.#pool.atPosition(parent) : this.#outside(parent);
        node.flags |= UNINTERESTING;
        yield node;
      }
    }
  }

  #number(node: CommitNode): number {
    if (node.graphPosition >= 0) return node.graphPosition;
    const number = this.#inGraph + node.index;
    if (number >= this.#flags.length) {
      const grown = new Uint16Array(number * 2);
      grown.set(this.#flags);
      this.#flags = grown;
    }
    return number;
  }

  #outside(number: number): CommitNode {
    return this.#pool.at(number - this.#inGraph);
  }

  /** Fills `into` with the numbers of the parents. */
  #parents(number: number, into: number[]): void {
    if (number >= this.#inGraph) {
      const { parents } = this.#outside(number);
      into.length = parents.length;
      for (let i = 0; i < parents.length; i++) into[i] = this.#number(parents[i]!);
      return;
    }
    this.#columns.load(number);
    into.length = 0;
    const first = this.#columns.first[number]!;
    if (first < 0) return;
    const second = this.#columns.second[number]!;
    if (second === MORE_PARENTS) {
      into.push(...this.#graph.parentsAt(number));
      return;
    }
    into.push(first);
    if (second >= 0) into.push(second);
  }

  #expand(number: number): Promise<void> | undefined {
    this.#flags[number]! |= ADDED;
    const flags = this.#flags[number]!;
    if (number >= this.#inGraph) return this.#expandOutside(this.#outside(number), 0);
    // Its date was asked for when it was put into the queue, so its block is loaded.
    const first = this.#columns.first[number]!;
    if (first < 0) return undefined;
    const second = this.#columns.second[number]!;
    if ((flags & UNINTERESTING) !== 0) {
      const firstOnly = this.#options.excludeFirstParentOnly;
      if (second === MORE_PARENTS && !firstOnly)
        for (const parent of this.#graph.parentsAt(number)) this.#enterBoring(parent);
      else {
        this.#enterBoring(first);
        if (second >= 0 && !firstOnly) this.#enterBoring(second);
      }
      return undefined;
    }
    const pass = flags & SYMMETRIC_LEFT;
    if (second === MORE_PARENTS && !this.#options.firstParent) {
      for (const parent of this.#graph.parentsAt(number)) this.#enter(parent, pass);
      return undefined;
    }
    this.#enter(first, pass);
    if (second >= 0 && !this.#options.firstParent) this.#enter(second, pass);
    return undefined;
  }

  #enter(number: number, pass: number): void {
    const flags = this.#flags[number]!;
    if ((flags & SEEN) !== 0) {
      this.#flags[number] = flags | pass;
      return;
    }
    this.#flags[number] = flags | pass | SEEN | NOT_USER_GIVEN;
    if (number < this.#inGraph) {
      if (this.#columns.loaded[number >>> BLOCK_BITS] === 0) this.#columns.load(number);
      this.#queue.push(number, this.#columns.seconds[number]!);
    } else this.#queue.push(number, this.#outside(number).seconds);
  }

  #enterBoring(number: number): void {
    this.#flags[number]! |= UNINTERESTING;
    this.#markParents(number);
    this.#enter(number, 0);
  }

  #expandOutside(node: CommitNode, from: number): Promise<void> | undefined {
    const number = this.#number(node);
    const { firstParent, excludeFirstParentOnly, missing } = this.#options;
    const boring = (this.#flags[number]! & UNINTERESTING) !== 0;
    const firstOnly = boring ? excludeFirstParentOnly : firstParent;
    const pass = this.#flags[number]! & SYMMETRIC_LEFT;
    for (let i = from; i < node.parents.length; i++) {
      const parent = node.parents[i]!;
      const enter = (there: boolean): Promise<void> | undefined => {
        if (there) {
          if (boring) this.#enterBoring(this.#number(parent));
          else this.#enter(this.#number(parent), pass);
          return undefined;
        }
        return boring ? undefined : missing(node, parent);
      };
      const there = this.#load(parent, boring);
      if (isPromise(there)) {
        return there.then(async (yes) => {
          await enter(yes);
          if (!firstOnly || (boring && !yes)) await this.#expandOutside(node, i + 1);
        });
      }
      const work = enter(there);
      if (work !== undefined) return work.then(() => (firstOnly ? undefined : this.#expandOutside(node, i + 1)));
      if (firstOnly && (there || !boring)) return undefined;
    }
    return undefined;
  }

  /** A commit that is not wanted may be broken. */
  #load(node: CommitNode, boring: boolean): Promise<boolean> | boolean {
    if (!boring) return this.#pool.load(node);
    try {
      const there = this.#pool.load(node);
      return isPromise(there) ? there.catch(() => false) : there;
    } catch {
      return false;
    }
  }

  /** Marks all ancestors that the walk has met so far; it marks the others as it meets them. */
  #markParents(start: number): void {
    const firstOnly = this.#options.excludeFirstParentOnly;
    const parents: number[] = [];
    const pending: number[] = [start];
    for (let number = pending.pop(); number !== undefined; number = pending.pop()) {
      this.#parents(number, parents);
      const count = firstOnly ? Math.min(1, parents.length) : parents.length;
      for (let i = 0; i < count; i++) {
        const parent = parents[i]!;
        const flags = this.#flags[parent]!;
        if ((flags & UNINTERESTING) !== 0) continue;
        this.#flags[parent] = flags | UNINTERESTING;
        if ((flags & SEEN) !== 0) pending.push(parent);
      }
    }
  }

  #stillInteresting(date: number, slop: number): number {
    const queue = this.#queue;
    if (queue.size === 0) return 0;
    // Something in the queue is as new as what was taken: the answer may still change.
    if (date <= queue.firstKey) return SLOP;
    if (this.#interesting >= 0 && (this.#flags[this.#interesting]! & UNINTERESTING) === 0) return SLOP;
    for (const number of queue.items) {
      if ((this.#flags[number]! & UNINTERESTING) === 0) {
        this.#interesting = number;
        return SLOP;
      }
    }
    this.#interesting = -1;
    return slop - 1;
  }
}
