import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import type { Oid } from '../base/oid.js';
import { parseCommitLinks } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import type { ObjectSource } from '../objects/source.js';

/** What the search for ancestors needs of a commit. */
export interface CommitNode {
  readonly parents: readonly Oid<'commit'>[];
  /** Committer date, seconds since the epoch. */
  readonly seconds: number;
  /** Generation number of a commit-graph, where there is one. */
  readonly generation?: number | undefined;
}

/** Answers a commit's place in the history: from commit objects, a commit-graph, or a table in a test. */
export interface CommitReader {
  commit(oid: Oid<'commit'>): Awaitable<CommitNode>;
}

/** Reads places from commit objects. Throws `OBJECT_MISSING`. */
export function commitReader(objects: ObjectSource): CommitReader {
  return {
    commit(oid) {
      const object = objects.read(oid);
      if (!isPromise(object) && object?.kind === 'commit') return parseCommitLinks(object.data);
      return readKind(objects, oid, 'commit').then(parseCommitLinks);
    },
  };
}

const FROM_ONE = 1;
const FROM_TWO = 2;
/** Below a common ancestor already found: cannot be a best one. */
const STALE = 4;
const FOUND = 8;

/** A commit in memory. Its flags belong to one search and are cleared after it. */
interface Vertex {
  readonly oid: Oid<'commit'>;
  parents: readonly Vertex[] | undefined;
  seconds: number;
  generation: number;
  flags: number;
}

/**
 * The search for common ancestors. Commits once read stay in memory (about 100 bytes each), so many searches over one
 * history cost reads once. Orders are git's: by date, newest first, in order of finding where dates are equal.
 */
export class Ancestry {
  readonly #reader: CommitReader;
  readonly #vertices = new Map<Oid<'commit'>, Vertex>();
  #touched: Vertex[] = [];
  #busy: Promise<unknown> = Promise.resolve();

  constructor(reader: CommitReader) {
    this.#reader = reader;
  }

  /**
   * Enters a commit that no store has: the merge of several bases, with those as parents. The id only has to be
   * unlike all others.
   */
  addVirtual(oid: Oid<'commit'>, parents: readonly Oid<'commit'>[]): Awaitable<void> {
    const enter = () => {
      const above = parents.map((parent) => this.#vertex(parent));
      const seconds = Math.max(...above.map((parent) => parent.seconds));
      this.#vertices.set(oid, { oid, parents: above, seconds, generation: Number.POSITIVE_INFINITY, flags: 0 });
    };
    return this.#exclusive(async () => {
      for (const parent of parents) {
        const loading = this.#load(this.#vertex(parent));
        if (loading !== undefined) await loading;
      }
      enter();
    });
  }

  /**
   * The best common ancestors of `one` and the (imagined) merge of all `others`, newest first: git merge-base --all.
   * Empty where the histories are unrelated.
   */
  mergeBases(one: Oid<'commit'>, others: readonly Oid<'commit'>[]): Promise<Oid<'commit'>[]> {
    return this.#exclusive(async () => {
      if (others.includes(one)) return [one];
      const found = await this.#paint(
        this.#vertex(one),
        others.map((oid) => this.#vertex(oid)),
      );
      const best = byDate(found.filter((vertex) => (vertex.flags & STALE) === 0));
      this.#clear();
      const independent = best.length > 1 ? byDate(await this.#independent(best)) : best;
      return independent.map((vertex) => vertex.oid);
    });
  }

  /** The best common ancestors of all heads together: git merge-base --octopus --all. */
  async octopusBases(heads: readonly Oid<'commit'>[]): Promise<Oid<'commit'>[]> {
    let bases = heads.slice(0, 1);
    for (const head of heads.slice(1)) {
      const next: Oid<'commit'>[] = [];
      for (const base of bases) next.push(...(await this.mergeBases(head, [base])));
      bases = next;
    }
    return this.independent(bases);
  }

  /** True when `ancestor` is `descendant` or reachable from it. */
  isAncestor(ancestor: Oid<'commit'>, descendant: Oid<'commit'>): Promise<boolean> {
    return this.isAncestorOfAny(ancestor, [descendant]);
  }

  isAncestorOfAny(ancestor: Oid<'commit'>, descendants: readonly Oid<'commit'>[]): Promise<boolean> {
    return this.#exclusive(async () => {
      if (descendants.includes(ancestor)) return true;
      const vertex = this.#vertex(ancestor);
      await this.#paint(
        vertex,
        descendants.map((oid) => this.#vertex(oid)),
      );
      const answer = (vertex.flags & FROM_TWO) !== 0;
      this.#clear();
      return answer;
    });
  }

  /** Those that no other one reaches, in the order given, each once: git merge-base --independent. */
  independent(commits: readonly Oid<'commit'>[]): Promise<Oid<'commit'>[]> {
    return this.#exclusive(async () => {
      const unique = [...new Set(commits)].map((oid) => this.#vertex(oid));
      return (await this.#independent(unique)).map((vertex) => vertex.oid);
    });
  }

  /**
   * Where `derived` left a branch that was at `tips` (its reflog, newest or oldest first, the present tip included):
   * git merge-base --fork-point. `undefined` when there is not exactly one base, or it never was a tip.
   */
  async forkPoint(tips: readonly Oid<'commit'>[], derived: Oid<'commit'>): Promise<Oid<'commit'> | undefined> {
    const unique = [...new Set(tips)];
    const bases = await this.mergeBases(derived, unique);
    return bases.length === 1 && unique.includes(bases[0]!) ? bases[0] : undefined;
  }

  /** One search at a time: flags are shared. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#busy.then(work);
    this.#busy = run.then(
      () => undefined,
      () => this.#clear(),
    );
    return run;
  }

  #vertex(oid: Oid<'commit'>): Vertex {
    let vertex = this.#vertices.get(oid);
    if (vertex === undefined) {
      vertex = { oid, parents: undefined, seconds: 0, generation: Number.POSITIVE_INFINITY, flags: 0 };
      this.#vertices.set(oid, vertex);
    }
    return vertex;
  }

  #load(vertex: Vertex): Promise<void> | undefined {
    if (vertex.parents !== undefined) return undefined;
    const node = this.#reader.commit(vertex.oid);
    if (isPromise(node)) return node.then((ready) => this.#fill(vertex, ready));
    this.#fill(vertex, node);
    return undefined;
  }

  #fill(vertex: Vertex, node: CommitNode): void {
    vertex.seconds = node.seconds;
    vertex.generation = node.generation ?? Number.POSITIVE_INFINITY;
    vertex.parents = node.parents.map((parent) => this.#vertex(parent));
  }

  #mark(vertex: Vertex, flags: number): void {
    if (vertex.flags === 0) this.#touched.push(vertex);
    vertex.flags |= flags;
  }

  #clear(): void {
    for (const vertex of this.#touched) vertex.flags = 0;
    this.#touched = [];
  }

  /**
   * Paints both histories downwards, newest first, until only commits below common ancestors are left. Answers the
   * common ancestors met, in order of meeting; those found again from below one carry `STALE`.
   */
  async #paint(one: Vertex, others: readonly Vertex[]): Promise<Vertex[]> {
    const queue = new DateQueue();
    const found: Vertex[] = [];
    const enter = async (vertex: Vertex, flags: number) => {
      const loading = this.#load(vertex);
      if (loading !== undefined) await loading;
      this.#mark(vertex, flags);
      queue.push(vertex);
    };
    await enter(one, FROM_ONE);
    for (const other of others) await enter(other, FROM_TWO);
    while (queue.interesting > 0) {
      const vertex = queue.pop();
      let flags = vertex.flags & (FROM_ONE | FROM_TWO | STALE);
      if (flags === (FROM_ONE | FROM_TWO)) {
        if ((vertex.flags & FOUND) === 0) {
          this.#mark(vertex, FOUND);
          found.push(vertex);
        }
        flags |= STALE;
      }
      for (const parent of vertex.parents!) {
        if ((parent.flags & flags) === flags) continue;
        const loading = this.#load(parent);
        if (loading !== undefined) await loading;
        const wasQueued = queue.countOf(parent);
        if (wasQueued > 0 && (parent.flags & STALE) === 0 && (flags & STALE) !== 0) queue.interesting -= wasQueued;
        this.#mark(parent, flags);
        queue.push(parent);
      }
    }
    return found;
  }

  async #independent(vertices: readonly Vertex[]): Promise<Vertex[]> {
    const redundant = new Set<Vertex>();
    for (const vertex of vertices) {
      if (redundant.has(vertex)) continue;
      const others = vertices.filter((other) => other !== vertex && !redundant.has(other));
      if (others.length === 0) break;
      await this.#paint(vertex, others);
      if ((vertex.flags & FROM_TWO) !== 0) redundant.add(vertex);
      for (const other of others) if ((other.flags & FROM_ONE) !== 0) redundant.add(other);
      this.#clear();
    }
    return vertices.filter((vertex) => !redundant.has(vertex));
  }
}

/** Newest first; equal dates keep their order. */
function byDate(vertices: readonly Vertex[]): Vertex[] {
  return [...vertices].sort((a, b) => b.seconds - a.seconds);
}

/** A heap: highest generation first, then newest, then first in. Counts how many entries are still interesting. */
class DateQueue {
  readonly #heap: Vertex[] = [];
  readonly #order: number[] = [];
  readonly #queued = new Map<Vertex, number>();
  #serial = 0;
  /** Entries whose commit is not stale. */
  interesting = 0;

  countOf(vertex: Vertex): number {
    return this.#queued.get(vertex) ?? 0;
  }

  #before(i: number, j: number): boolean {
    const a = this.#heap[i]!;
    const b = this.#heap[j]!;
    if (a.generation !== b.generation) return a.generation > b.generation;
    if (a.seconds !== b.seconds) return a.seconds > b.seconds;
    return this.#order[i]! < this.#order[j]!;
  }

  #swap(i: number, j: number): void {
    const vertex = this.#heap[i]!;
    this.#heap[i] = this.#heap[j]!;
    this.#heap[j] = vertex;
    const order = this.#order[i]!;
    this.#order[i] = this.#order[j]!;
    this.#order[j] = order;
  }

  push(vertex: Vertex): void {
    if ((vertex.flags & STALE) === 0) this.interesting++;
    this.#queued.set(vertex, this.countOf(vertex) + 1);
    this.#heap.push(vertex);
    this.#order.push(this.#serial++);
    for (let i = this.#heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#before(i, parent)) break;
      this.#swap(i, parent);
      i = parent;
    }
  }

  pop(): Vertex {
    const vertex = this.#heap[0]!;
    const last = this.#heap.length - 1;
    this.#swap(0, last);
    this.#heap.pop();
    this.#order.pop();
    for (let i = 0; ; ) {
      const left = 2 * i + 1;
      if (left >= last) break;
      const child = left + 1 < last && this.#before(left + 1, left) ? left + 1 : left;
      if (!this.#before(child, i)) break;
      this.#swap(i, child);
      i = child;
    }
    const count = this.countOf(vertex) - 1;
    if (count === 0) this.#queued.delete(vertex);
    else this.#queued.set(vertex, count);
    if ((vertex.flags & STALE) === 0) this.interesting--;
    return vertex;
  }
}
