import type { CommitPositions } from './commit-pool.js';

const UNKNOWN = -1;

/**
 * The first parents of a commit down to the first, and for each commit of the graph which of them has it first: so whether
 * a commit lies below one of them is told by comparing two numbers. Making it costs one walk over the history below the
 * commit; a search for common ancestors then only looks at what the other side has of its own.
 */
export class MainLine {
  readonly #graph: CommitPositions;
  /** Positions of the line's commits, the oldest first. */
  readonly #line: number[] = [];
  /** For each position the place in the line of the first commit that is it or has it below; -1: none has. */
  readonly #first: Int32Array;
  /** The number of the last search that came by each position. */
  readonly #visits: Int32Array;
  #search = 0;

  constructor(graph: CommitPositions) {
    this.#graph = graph;
    this.#first = new Int32Array(graph.count).fill(UNKNOWN);
    this.#visits = new Int32Array(graph.count);
  }

  /** Goes on to a newer tip. False, and nothing is done, where the line does not lie on that one's own. */
  extend(tip: number): boolean {
    const { columns, count } = this.#graph;
    const line = this.#line;
    const first = this.#first;
    const newer: number[] = [];
    let at = tip;
    for (; at >= 0 && first[at] === UNKNOWN && newer.length < count; at = columns.first[at]!) {
      newer.push(at);
      columns.load(at);
    }
    if (at !== (line.at(-1) ?? -1)) return false;
    const stack: number[] = [];
    for (let next = newer.pop(); next !== undefined; next = newer.pop()) {
      const place = line.push(next) - 1;
      stack.push(next);
      for (let below = stack.pop(); below !== undefined; below = stack.pop()) {
        if (first[below] !== UNKNOWN) continue;
        first[below] = place;
        this.#pushParents(below, stack);
      }
    }
    return true;
  }

  #pushParents(at: number, stack: number[]): void {
    const { columns } = this.#graph;
    columns.load(at);
    const one = columns.first[at]!;
    if (one < 0) return;
    const two = columns.second[at]!;
    if (two < -1) {
      for (const parent of this.#graph.parentsAt(at)) stack.push(parent);
      return;
    }
    stack.push(one);
    if (two >= 0) stack.push(two);
  }

  /** The place in the line of the commit at that position, or -1. */
  placeOf(position: number): number {
    const place = this.#first[position]!;
    return place >= 0 && this.#line[place] === position ? place : -1;
  }

  /**
   * The commits at or below `from` that the line's commit at `place` is or has below it, and that are met first on the
   * way down: every common ancestor is one of them or below one.
   */
  commonWith(place: number, from: number): number[] {
    const first = this.#first;
    const visits = this.#visits;
    const search = ++this.#search;
    const met: number[] = [];
    const stack = [from];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (visits[at] === search) continue;
      visits[at] = search;
      const owner = first[at]!;
      if (owner >= 0 && owner <= place) met.push(at);
      else this.#pushParents(at, stack);
    }
    return met;
  }
}
