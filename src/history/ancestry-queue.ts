import type { AncestryTable } from './ancestry-table.js';

const FIRST_ROOM = 128;

/**
 * A heap of commit numbers: highest generation first (where asked), then newest, then first in. The keys lie in the heap
 * itself, since the table's columns are too wide for the nearest cache; and what is taken from the top leaves a gap that
 * the next one to come fills, since most commits are followed by their parent.
 */
export class AncestryQueue {
  readonly #table: AncestryTable;
  readonly #byGeneration: boolean;
  /** Entries whose commit has this flag no longer count as interesting. */
  readonly #done: number;
  #numbers = new Int32Array(FIRST_ROOM);
  #keys = new Float64Array(FIRST_ROOM);
  #turns = new Float64Array(FIRST_ROOM);
  /** Entries, the gap at the top included. */
  #size = 0;
  #gap = false;
  #turn = 0;
  /** Entries that are still interesting. */
  interesting = 0;

  constructor(table: AncestryTable, byGeneration: boolean, done: number) {
    this.#table = table;
    this.#byGeneration = byGeneration;
    this.#done = done;
  }

  push(number: number): void {
    const table = this.#table;
    if ((table.flags[number]! & this.#done) !== this.#done) this.interesting++;
    table.queued[number]!++;
    const key = this.#byGeneration ? table.generation[number]! : table.seconds[number]!;
    const turn = this.#turn++;
    if (this.#gap) {
      this.#gap = false;
      this.#sink(number, key, turn);
      return;
    }
    if (this.#size === this.#numbers.length) this.#grow();
    const numbers = this.#numbers;
    const keys = this.#keys;
    const turns = this.#turns;
    let at = this.#size++;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const other = keys[up]!;
      // Of equals the one that is there came first, unless its date is older.
      if (key < other || (key === other && !this.#isNewer(number, numbers[up]!))) break;
      numbers[at] = numbers[up]!;
      keys[at] = other;
      turns[at] = turns[up]!;
      at = up;
    }
    numbers[at] = number;
    keys[at] = key;
    turns[at] = turn;
  }

  /** By date alone, where that is more than the key says. */
  #isNewer(number: number, other: number): boolean {
    const { seconds } = this.#table;
    return this.#byGeneration && seconds[number]! > seconds[other]!;
  }

  /** Puts an entry where the top is free. */
  #sink(number: number, key: number, turn: number): void {
    const numbers = this.#numbers;
    const keys = this.#keys;
    const turns = this.#turns;
    const size = this.#size;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      const second = child + 1;
      let top = keys[child]!;
      if (second < size) {
        const other = keys[second]!;
        if (other > top || (other === top && this.#isBefore(second, numbers[child]!, turns[child]!))) {
          child = second;
          top = other;
        }
      }
      if (top < key || (top === key && !this.#isBefore(child, number, turn))) break;
      numbers[at] = numbers[child]!;
      keys[at] = top;
      turns[at] = turns[child]!;
      at = child;
    }
    numbers[at] = number;
    keys[at] = key;
    turns[at] = turn;
  }

  /** Of two with the same key: the entry at `at` comes before the other. */
  #isBefore(at: number, other: number, turn: number): boolean {
    if (this.#byGeneration) {
      const { seconds } = this.#table;
      const one = seconds[this.#numbers[at]!]!;
      const two = seconds[other]!;
      if (one !== two) return one > two;
    }
    return this.#turns[at]! < turn;
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

  /** What would come next; -1 from an empty queue. */
  peek(): number {
    this.#close();
    return this.#size === 0 ? -1 : this.#numbers[0]!;
  }

  #close(): void {
    if (!this.#gap) return;
    this.#gap = false;
    const last = --this.#size;
    if (last > 0) this.#sink(this.#numbers[last]!, this.#keys[last]!, this.#turns[last]!);
  }

  /** Must not be called on an empty queue. */
  pop(): number {
    this.#close();
    this.#gap = true;
    const first = this.#numbers[0]!;
    const table = this.#table;
    table.queued[first]!--;
    if ((table.flags[first]! & this.#done) !== this.#done) this.interesting--;
    return first;
  }

  #grow(): void {
    const room = this.#numbers.length * 2;
    const numbers = new Int32Array(room);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
    const keys = new Float64Array(room);
    keys.set(this.#keys);
    this.#keys = keys;
    const turns = new Float64Array(room);
    turns.set(this.#turns);
    this.#turns = turns;
  }
}
