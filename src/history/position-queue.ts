/** Numbers by a key, the largest first; of equal ones, the one put in first. A binary heap over three arrays. */
export class PositionQueue {
  readonly #numbers: number[] = [];
  readonly #keys: number[] = [];
  readonly #turns: number[] = [];
  #turn = 0;
  /** Key of what `pop` answered last. */
  poppedKey = 0;

  get size(): number {
    return this.#numbers.length;
  }

  /** What is in the queue, in no particular order. */
  get numbers(): readonly number[] {
    return this.#numbers;
  }

  /** Key of what comes next. The queue must not be empty. */
  get firstKey(): number {
    return this.#keys[0]!;
  }

  push(number: number, key: number): void {
    const numbers = this.#numbers;
    const keys = this.#keys;
    const turns = this.#turns;
    let at = numbers.length;
    const turn = this.#turn++;
    numbers.push(number);
    keys.push(key);
    turns.push(turn);
    while (at > 0) {
      const up = (at - 1) >> 1;
      // A later turn never goes before an equal key.
      if (keys[up]! >= key) break;
      numbers[at] = numbers[up]!;
      keys[at] = keys[up]!;
      turns[at] = turns[up]!;
      at = up;
    }
    numbers[at] = number;
    keys[at] = key;
    turns[at] = turn;
  }

  /** The first, or -1. */
  pop(): number {
    const numbers = this.#numbers;
    const keys = this.#keys;
    const turns = this.#turns;
    if (numbers.length === 0) return -1;
    const first = numbers[0]!;
    this.poppedKey = keys[0]!;
    const number = numbers.pop()!;
    const key = keys.pop()!;
    const turn = turns.pop()!;
    const size = numbers.length;
    if (size === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      const other = child + 1;
      if (
        other < size &&
        (keys[other]! > keys[child]! || (keys[other] === keys[child] && turns[other]! < turns[child]!))
      ) {
        child = other;
      }
      if (keys[child]! < key || (keys[child] === key && turns[child]! > turn)) break;
      numbers[at] = numbers[child]!;
      keys[at] = keys[child]!;
      turns[at] = turns[child]!;
      at = child;
    }
    numbers[at] = number;
    keys[at] = key;
    turns[at] = turn;
    return first;
  }
}
