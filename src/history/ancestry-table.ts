import { isPromise } from '../base/awaitable.js';
import type { Oid } from '../base/oid.js';
import type { CommitPositions } from './commit-pool.js';
import type { CommitNode, CommitReader } from './merge-base.js';

const NONE = -1;
const FIRST_SIZE = 256;

/**
 * Commits as numbers, their places in the history as columns. The positions of a commit-graph are the first numbers;
 * what the graph does not have gets numbers behind them as it is met. A commit of the graph has all its ancestors in
 * it, so a walk that enters the graph meets no names any more.
 */
export class AncestryTable {
  readonly #reader: CommitReader;
  readonly #graph: CommitPositions | undefined;
  /** Numbers below this are positions in the graph. */
  readonly #inGraph: number;
  readonly #numbers = new Map<Oid<'commit'>, number>();
  /** Names of the commits that are not in the graph. */
  readonly #names: Oid<'commit'>[] = [];
  #loaded: Uint8Array;
  #first: Int32Array;
  #second: Int32Array;
  /** All parents, for those with more than two. */
  readonly #many = new Map<number, readonly number[]>();
  /** Committer date, seconds since the epoch. */
  seconds: Float64Array;
  /**
   * What a commit has more of than any of its ancestors: the corrected date or the level of the graph; Infinity outside
   * of the graph, and 0 in a graph that knows none.
   */
  generation: Float64Array;
  flags: Uint8Array;
  /** How often each is in the queue. */
  queued: Uint16Array;
  #size: number;

  constructor(reader: CommitReader, graph: CommitPositions | undefined) {
    this.#reader = reader;
    this.#graph = graph;
    this.#inGraph = graph?.count ?? 0;
    this.#size = this.#inGraph;
    const capacity = this.#inGraph + FIRST_SIZE;
    this.#loaded = new Uint8Array(capacity);
    this.#first = new Int32Array(capacity);
    this.#second = new Int32Array(capacity);
    this.seconds = new Float64Array(capacity);
    this.generation = new Float64Array(capacity);
    this.flags = new Uint8Array(capacity);
    this.queued = new Uint16Array(capacity);
  }

  /** True where generations tell more than dates do: every layer of the graph has corrected dates. */
  get correctedDates(): boolean {
    return this.#graph?.correctedDates === true;
  }

  /** The graph, where all these are in it. */
  graphOf(one: number, two: number): CommitPositions | undefined {
    return one < this.#inGraph && two < this.#inGraph ? this.#graph : undefined;
  }

  get hasGraph(): boolean {
    return this.#inGraph > 0;
  }

  /** The number of a commit; nothing is read. */
  number(oid: Oid<'commit'>): number {
    const known = this.#numbers.get(oid);
    if (known !== undefined) return known;
    const position = this.#graph === undefined ? -1 : this.#graph.find(oid);
    if (position < 0) return this.#add(oid);
    this.#numbers.set(oid, position);
    return position;
  }

  oid(number: number): Oid<'commit'> {
    return number < this.#inGraph ? this.#graph!.oidAt(number) : this.#names[number - this.#inGraph]!;
  }

  /** Reads a commit's place. A promise only where the store has to be waited for. */
  load(number: number): Promise<void> | undefined {
    if (this.#loaded[number] === 1) return undefined;
    if (number < this.#inGraph) {
      const graph = this.#graph!;
      this.#enter(number, graph.parentsAt(number), graph.secondsAt(number), graph.orderAt(number));
      return undefined;
    }
    const node = this.#reader.commit(this.#names[number - this.#inGraph]!);
    if (isPromise(node)) return node.then((ready) => this.#fill(number, ready));
    this.#fill(number, node);
    return undefined;
  }

  /** Enters a commit that cannot be read: its parents must be loaded. */
  enterVirtual(oid: Oid<'commit'>, parents: readonly number[]): void {
    const number = this.#numbers.get(oid) ?? this.#add(oid);
    const seconds = Math.max(...parents.map((parent) => this.seconds[parent]!));
    this.#enter(number, parents, seconds, Number.POSITIVE_INFINITY);
  }

  parentCount(number: number): number {
    if (this.#first[number] === NONE) return 0;
    if (this.#second[number] === NONE) return 1;
    return this.#many.get(number)?.length ?? 2;
  }

  parent(number: number, n: number): number {
    if (n === 0) return this.#first[number]!;
    if (n === 1) return this.#second[number]!;
    return this.#many.get(number)![n]!;
  }

  #fill(number: number, node: CommitNode): void {
    const parents = node.parents.map((parent) => this.number(parent));
    this.#enter(number, parents, node.seconds, Number.POSITIVE_INFINITY);
  }

  #enter(number: number, parents: readonly number[], seconds: number, generation: number): void {
    this.#first[number] = parents[0] ?? NONE;
    this.#second[number] = parents[1] ?? NONE;
    if (parents.length > 2) this.#many.set(number, parents);
    this.seconds[number] = seconds;
    this.generation[number] = generation;
    this.#loaded[number] = 1;
  }

  #add(oid: Oid<'commit'>): number {
    const number = this.#size++;
    if (number >= this.flags.length) this.#grow(number * 2);
    this.#names[number - this.#inGraph] = oid;
    this.#numbers.set(oid, number);
    return number;
  }

  #grow(capacity: number): void {
    const grown = <T extends { set(from: T): void }>(into: T, from: T): T => {
      into.set(from);
      return into;
    };
    this.#loaded = grown(new Uint8Array(capacity), this.#loaded);
    this.#first = grown(new Int32Array(capacity), this.#first);
    this.#second = grown(new Int32Array(capacity), this.#second);
    this.seconds = grown(new Float64Array(capacity), this.seconds);
    this.generation = grown(new Float64Array(capacity), this.generation);
    this.flags = grown(new Uint8Array(capacity), this.flags);
    this.queued = grown(new Uint16Array(capacity), this.queued);
  }
}
