/** Things by a key, the largest first; of equal ones, the one put in first. A binary heap over three arrays. */
export class KeyedQueue<T> {
  readonly #items: T[] = [];
  readonly #keys: number[] = [];
  readonly #turns: number[] = [];
  #turn = 0;
  /** Key of what `pop` answered last. */
  poppedKey = 0;

  get size(): number {
    return this.#items.length;
  }

  /** What is in the queue, in no particular order. */
  get items(): readonly T[] {
    return this.#items;
  }

  /** Key of what comes next. The queue must not be empty. */
  get firstKey(): number {
    return this.#keys[0]!;
  }

  push(item: T, key: number): void {
    const items = this.#items;
    const keys = this.#keys;
    const turns = this.#turns;
    let at = items.length;
    const turn = this.#turn++;
    items.push(item);
    keys.push(key);
    turns.push(turn);
    while (at > 0) {
      const up = (at - 1) >> 1;
      // A later turn never goes before an equal key.
      if (keys[up]! >= key) break;
      items[at] = items[up]!;
      keys[at] = keys[up]!;
      turns[at] = turns[up]!;
      at = up;
    }
    items[at] = item;
    keys[at] = key;
    turns[at] = turn;
  }

  pop(): T | undefined {
    const items = this.#items;
    const keys = this.#keys;
    const turns = this.#turns;
    const first = items[0];
    if (first === undefined) return undefined;
    this.poppedKey = keys[0]!;
    const item = items.pop()!;
    const key = keys.pop()!;
    const turn = turns.pop()!;
    const size = items.length;
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
      items[at] = items[child]!;
      keys[at] = keys[child]!;
      turns[at] = turns[child]!;
      at = child;
    }
    items[at] = item;
    keys[at] = key;
    turns[at] = turn;
    return first;
  }
}
