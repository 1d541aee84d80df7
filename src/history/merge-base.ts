import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import type { Oid } from '../base/oid.js';
import { parseCommitLinks } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import type { ObjectSource } from '../objects/source.js';
import { AncestryQueue } from './ancestry-queue.js';
import { AncestryTable } from './ancestry-table.js';
import type { CommitPositions } from './commit-pool.js';
import { MainLine } from './main-line.js';

/** What the search for ancestors needs of a commit. */
export interface CommitNode {
  readonly parents: readonly Oid<'commit'>[];
  /** Committer date, seconds since the epoch. */
  readonly seconds: number;
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
const FROM_BOTH = FROM_ONE | FROM_TWO;
/** Below a common ancestor already found: cannot be a best one. */
const STALE = 4;
const FOUND = 8;
/** How many commits of both sides are looked at, beyond those that are as new as what one side has. */
const SPARE = 64;

/** Where painting stopped: parent `n` of `number` is being read, to be painted with `flags`. */
interface Waiting {
  readonly loading: Promise<void>;
  readonly number: number;
  readonly flags: number;
  readonly n: number;
  readonly parent: number;
}

/** How many commits each of two sides has that the other has not. */
export interface AheadBehind {
  readonly ahead: number;
  readonly behind: number;
}

/**
 * The search for common ancestors. Commits once read stay in memory (about 40 bytes each), so many searches over one
 * history cost reads once. Orders are git's: by generation where a commit-graph has corrected dates, else by date,
 * newest first, in order of finding where those are equal.
 */
export class Ancestry {
  readonly #table: AncestryTable;
  #touched: number[] = [];
  /** Commits taken from the queue in all searches since a main line was made. */
  #painted = 0;
  #line: MainLine | undefined;
  #busy: Promise<unknown> = Promise.resolve();

  /** `graph`: a commit-graph, where there is one that tells the history as `reader` does. */
  constructor(reader: CommitReader, graph?: CommitPositions) {
    this.#table = new AncestryTable(reader, graph);
  }

  /**
   * Enters a commit that no store has: the merge of several bases, with those as parents. The id only has to be
   * unlike all others.
   */
  addVirtual(oid: Oid<'commit'>, parents: readonly Oid<'commit'>[]): Awaitable<void> {
    return this.#exclusive(async () => {
      const above = this.#numbers(parents);
      await this.#loadAll(above);
      this.#table.enterVirtual(oid, above);
    });
  }

  /**
   * The best common ancestors of `one` and the (imagined) merge of all `others`, newest first: git merge-base --all.
   * Empty where the histories are unrelated.
   */
  mergeBases(one: Oid<'commit'>, others: readonly Oid<'commit'>[]): Promise<Oid<'commit'>[]> {
    return this.#exclusive(async () => {
      if (others.includes(one)) return [one];
      const known = others.length === 1 ? await this.#byLine(one, others[0]!) : undefined;
      if (known !== undefined) return known.map((number) => this.#table.oid(number));
      const found = await this.#paint(this.#table.number(one), this.#numbers(others));
      const best = this.#byDate(found.filter((number) => (this.#table.flags[number]! & STALE) === 0));
      this.#clear();
      const independent = best.length > 1 ? this.#byDate(await this.#independent(best)) : best;
      return independent.map((number) => this.#table.oid(number));
    });
  }

  /**
   * The best common ancestors of two commits one of which lies on a main line; `undefined` where none does, or where the
   * order of finding them matters. A line is made when as many commits were painted as a graph has: then it has paid.
   */
  async #byLine(one: Oid<'commit'>, two: Oid<'commit'>): Promise<number[] | undefined> {
    const table = this.#table;
    const ends = this.#numbers([one, two]) as [number, number];
    const graph = table.graphOf(...ends);
    if (graph === undefined) return undefined;
    let side = ends.findIndex((end) => (this.#line?.placeOf(end) ?? -1) >= 0);
    if (side < 0) {
      if (this.#line?.extend(ends[0]) !== true) {
        if (this.#painted < graph.count) return undefined;
        this.#painted = 0;
        this.#line = new MainLine(graph);
        this.#line.extend(ends[0]);
      }
      side = 0;
    }
    const line = this.#line!;
    const met = line.commonWith(line.placeOf(ends[side]!), ends[1 - side]!);
    await this.#loadAll(met);
    const best = met.length > 1 ? this.#byDate(await this.#independent(met)) : met;
    for (let i = 1; i < best.length; i++) if (table.seconds[best[i]!] === table.seconds[best[i - 1]!]) return undefined;
    return best;
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
      const number = this.#table.number(ancestor);
      const others = this.#numbers(descendants);
      if (this.#table.hasGraph) await this.#reach(others, [number], 1);
      else await this.#paint(number, others);
      const answer = (this.#table.flags[number]! & FROM_TWO) !== 0;
      this.#clear();
      return answer;
    });
  }

  /** How many commits `ours` has that `theirs` has not, and the other way round: rev-list --count --left-right. */
  aheadBehind(ours: Oid<'commit'>, theirs: Oid<'commit'>): Promise<AheadBehind> {
    return this.#exclusive(async () => {
      if (ours === theirs) return { ahead: 0, behind: 0 };
      const table = this.#table;
      const queue = new AncestryQueue(table, table.hasGraph, FROM_BOTH);
      const enter = (number: number, flags: number): void => {
        this.#touch(number);
        queue.mark(number, flags);
        queue.push(number);
      };
      const ends = this.#numbers([ours, theirs]);
      await this.#loadAll(ends);
      enter(ends[0]!, FROM_ONE);
      enter(ends[1]!, FROM_TWO);
      // Where only dates tell what is below, those that run backwards hide ways from what both have to what one seemed to
      // have alone: as long as there may be some, and a little longer, it goes on.
      let oldest = Number.POSITIVE_INFINITY;
      let spare = SPARE;
      const goesOn = (): boolean => {
        if (queue.interesting > 0) return true;
        const next = queue.peek();
        if (next < 0 || (table.hasGraph && table.generation[next]! !== Number.POSITIVE_INFINITY)) return false;
        return table.seconds[next]! >= oldest || spare-- > 0;
      };
      while (goesOn()) {
        const number = queue.pop();
        const flags = table.flags[number]! & FROM_BOTH;
        if (flags !== FROM_BOTH) oldest = Math.min(oldest, table.seconds[number]!);
        for (let n = 0, count = table.parentCount(number); n < count; n++) {
          const parent = table.parent(number, n);
          if ((table.flags[parent]! & flags) === flags) continue;
          const loading = table.load(parent);
          if (loading !== undefined) await loading;
          enter(parent, flags);
        }
      }
      // Dates that run backwards can leave commits of both sides counted to one: pass it on to all that was seen.
      const shared = this.#touched.filter((number) => (table.flags[number]! & FROM_BOTH) === FROM_BOTH);
      for (let number = shared.pop(); number !== undefined; number = shared.pop()) {
        for (let n = 0, count = table.parentCount(number); n < count; n++) {
          const parent = table.parent(number, n);
          const sides = table.flags[parent]! & FROM_BOTH;
          if (sides === 0 || sides === FROM_BOTH) continue;
          table.flags[parent]! |= FROM_BOTH;
          shared.push(parent);
        }
      }
      let ahead = 0;
      let behind = 0;
      for (const number of this.#touched) {
        const sides = table.flags[number]! & FROM_BOTH;
        if (sides === FROM_ONE) ahead++;
        else if (sides === FROM_TWO) behind++;
      }
      this.#clear();
      return { ahead, behind };
    });
  }

  /** Those that no other one reaches, in the order given, each once: git merge-base --independent. */
  independent(commits: readonly Oid<'commit'>[]): Promise<Oid<'commit'>[]> {
    return this.#exclusive(async () => {
      const unique = this.#numbers([...new Set(commits)]);
      return (await this.#independent(unique)).map((number) => this.#table.oid(number));
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

  #numbers(oids: readonly Oid<'commit'>[]): number[] {
    return oids.map((oid) => this.#table.number(oid));
  }

  async #loadAll(numbers: readonly number[]): Promise<void> {
    for (const number of numbers) {
      const loading = this.#table.load(number);
      if (loading !== undefined) await loading;
    }
  }

  #touch(number: number): void {
    if (this.#table.flags[number] === 0) this.#touched.push(number);
  }

  #clear(): void {
    for (const number of this.#touched) {
      this.#table.flags[number] = 0;
      this.#table.queued[number] = 0;
    }
    this.#touched = [];
  }

  /** Newest first; equal dates keep their order. */
  #byDate(numbers: readonly number[]): number[] {
    const { seconds } = this.#table;
    return [...numbers].sort((a, b) => seconds[b]! - seconds[a]!);
  }

  /**
   * Paints both histories downwards, newest first, until only commits below common ancestors are left. Answers the
   * common ancestors met, in order of meeting; those found again from below one carry `STALE`.
   */
  async #paint(one: number, others: readonly number[]): Promise<number[]> {
    const table = this.#table;
    const queue = new AncestryQueue(table, table.correctedDates, STALE);
    const found: number[] = [];
    await this.#loadAll([one, ...others]);
    const enter = (number: number, flags: number): void => {
      this.#touch(number);
      queue.mark(number, flags);
      queue.push(number);
    };
    enter(one, FROM_ONE);
    for (const other of others) enter(other, FROM_TWO);
    let waiting = this.#paintOn(queue, found);
    while (waiting !== undefined) {
      await waiting.loading;
      this.#touch(waiting.parent);
      queue.mark(waiting.parent, waiting.flags);
      queue.push(waiting.parent);
      waiting = this.#paintOn(queue, found, waiting);
    }
    return found;
  }

  /** Paints as far as nothing has to be waited for; `from`: the parent that was. */
  #paintOn(queue: AncestryQueue, found: number[], from?: Waiting): Waiting | undefined {
    const table = this.#table;
    const touched = this.#touched;
    let marks = table.flags;
    let number = from?.number ?? 0;
    let flags = from?.flags ?? 0;
    let n = from === undefined ? 0 : from.n + 1;
    let count = from === undefined ? 0 : table.parentCount(number);
    for (;;) {
      for (; n < count; n++) {
        const parent = table.parent(number, n);
        const mark = marks[parent]!;
        if ((mark & flags) === flags) continue;
        const loading = table.load(parent);
        if (loading !== undefined) return { loading, number, flags, n, parent };
        marks = table.flags;
        if (mark === 0) touched.push(parent);
        queue.mark(parent, flags);
        queue.push(parent);
      }
      if (queue.interesting === 0) return undefined;
      number = queue.pop();
      this.#painted++;
      flags = marks[number]! & (FROM_BOTH | STALE);
      if (flags === FROM_BOTH) {
        if ((marks[number]! & FOUND) === 0) {
          marks[number]! |= FOUND;
          found.push(number);
        }
        flags |= STALE;
      }
      n = 0;
      count = table.parentCount(number);
    }
  }

  /**
   * Marks `FROM_TWO` what is reached from `tips` (they themselves not, unless another reaches them) and could still lead
   * to one of `targets`: nothing with a lower generation can. Ends early when so many of the targets are reached.
   */
  async #reach(tips: readonly number[], targets: readonly number[], enough: number): Promise<void> {
    const table = this.#table;
    await this.#loadAll(targets);
    let floor = Number.POSITIVE_INFINITY;
    for (const target of targets) {
      floor = Math.min(floor, table.generation[target]!);
      this.#touch(target);
      table.flags[target]! |= FOUND;
    }
    let left = enough;
    const stack: number[] = [];
    for (let i = tips.length - 1; i >= 0; i--) stack.push(tips[i]!);
    for (let number = stack.pop(); number !== undefined; number = stack.pop()) {
      const loading = table.load(number);
      if (loading !== undefined) await loading;
      if ((table.flags[number]! & STALE) !== 0) continue;
      this.#touch(number);
      table.flags[number]! |= STALE;
      // The first parent is followed first.
      for (let n = table.parentCount(number) - 1; n >= 0; n--) {
        const parent = table.parent(number, n);
        if ((table.flags[parent]! & FROM_TWO) !== 0) continue;
        const reading = table.load(parent);
        if (reading !== undefined) await reading;
        if (table.generation[parent]! < floor) continue;
        this.#touch(parent);
        table.flags[parent]! |= FROM_TWO;
        if ((table.flags[parent]! & FOUND) !== 0 && --left === 0) return;
        stack.push(parent);
      }
    }
  }

  async #independent(numbers: readonly number[]): Promise<readonly number[]> {
    const table = this.#table;
    if (numbers.length < 2) return numbers;
    if (table.hasGraph) {
      await this.#reach(numbers, numbers, numbers.length);
      const kept = numbers.filter((number) => (table.flags[number]! & FROM_TWO) === 0);
      this.#clear();
      return kept;
    }
    const redundant = new Set<number>();
    for (const number of numbers) {
      if (redundant.has(number)) continue;
      const others = numbers.filter((other) => other !== number && !redundant.has(other));
      if (others.length === 0) break;
      await this.#paint(number, others);
      if ((table.flags[number]! & FROM_TWO) !== 0) redundant.add(number);
      for (const other of others) if ((table.flags[other]! & FROM_ONE) !== 0) redundant.add(other);
      this.#clear();
    }
    return numbers.filter((number) => !redundant.has(number));
  }
}
