import type { AncestryTable } from './ancestry-table.js';

/** A heap of commit numbers: highest generation first (where asked), then newest, then first in. */
export class AncestryQueue {
  readonly #table: AncestryTable;
  readonly #byGeneration: boolean;
  /** Entries whose commit has this flag no longer count as interesting. */
  readonly #done: number;
  readonly #heap: number[] = [];
  readonly #turns: number[] = [];
  #turn = 0;
  /** Entries that are still interesting. */
  interesting = 0;

  constructor(table: AncestryTable, byGeneration: boolean, done: number) {
    this.#table = table;
    this.#byGeneration = byGeneration;
    this.#done = done;
  }

  #before(a: number, turnA: number, b: number, turnB: number): boolean {
    if (this.#byGeneration) {
      const { generation } = this.#table;
      if (generation[a] !== generation[b]) return generation[a]! > generation[b]!;
    }
    const { seconds } = this.#table;
    if (seconds[a] !== seconds[b]) return seconds[a]! > seconds[b]!;
    return turnA < turnB;
  }

  push(number: number): void {
    const heap = this.#heap;
    const turns = this.#turns;
    if ((this.#table.flags[number]! & this.#done) !== this.#done) this.interesting++;
    this.#table.queued[number]!++;
    let at = heap.length;
    const turn = this.#turn++;
    heap.push(number);
    turns.push(turn);
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!this.#before(number, turn, heap[up]!, turns[up]!)) break;
      heap[at] = heap[up]!;
      turns[at] = turns[up]!;
      at = up;
    }
    heap[at] = number;
    turns[at] = turn;
  }

  /** The flags of a commit are about to grow: entries of it that lie here may become uninteresting. */
  mark(number: number, flags: number): void {
    const before = this.#table.flags[number]!;
    const after = before | flags;
    this.#table.flags[number] = after;
    if ((before & this.#done) !== this.#done && (after & this.#done) === this.#done) {
      this.interesting -= this.#table.queued[number]!;
    }
  }

  /** Must not be called on an empty queue. */
  pop(): number {
    const heap = this.#heap;
    const turns = this.#turns;
    const first = heap[0]!;
    const number = heap.pop()!;
    const turn = turns.pop()!;
    const size = heap.length;
    if (size > 0) {
      let at = 0;
      for (;;) {
        let child = 2 * at + 1;
        if (child >= size) break;
        const other = child + 1;
        if (other < size && this.#before(heap[other]!, turns[other]!, heap[child]!, turns[child]!)) child = other;
        if (!this.#before(heap[child]!, turns[child]!, number, turn)) break;
        heap[at] = heap[child]!;
        turns[at] = turns[child]!;
        at = child;
      }
      heap[at] = number;
      turns[at] = turn;
    }
    this.#table.queued[first]!--;
    if ((this.#table.flags[first]! & this.#done) !== this.#done) this.interesting--;
    return first;
  }
}
