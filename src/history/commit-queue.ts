import type { CommitNode } from './commit-pool.js';

/** Commits by a key, the largest first; of equal ones, the one put in first. A binary heap over two arrays. */
export class CommitQueue {
  readonly #nodes: CommitNode[] = [];
  readonly #keys: number[] = [];
  readonly #turns: number[] = [];
  #turn = 0;

  get size(): number {
    return this.#nodes.length;
  }

  /** What is in the queue, in no particular order. */
  get nodes(): readonly CommitNode[] {
    return this.#nodes;
  }

  peek(): CommitNode | undefined {
    return this.#nodes[0];
  }

  push(node: CommitNode, key: number = node.seconds): void {
    const nodes = this.#nodes;
    const keys = this.#keys;
    const turns = this.#turns;
    let at = nodes.length;
    const turn = this.#turn++;
    nodes.push(node);
    keys.push(key);
    turns.push(turn);
    while (at > 0) {
      const up = (at - 1) >> 1;
      // A later turn never goes before an equal key.
      if (keys[up]! >= key) break;
      nodes[at] = nodes[up]!;
      keys[at] = keys[up]!;
      turns[at] = turns[up]!;
      at = up;
    }
    nodes[at] = node;
    keys[at] = key;
    turns[at] = turn;
  }

  pop(): CommitNode | undefined {
    const nodes = this.#nodes;
    const keys = this.#keys;
    const turns = this.#turns;
    const first = nodes[0];
    if (first === undefined) return undefined;
    const node = nodes.pop()!;
    const key = keys.pop()!;
    const turn = turns.pop()!;
    const size = nodes.length;
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
      nodes[at] = nodes[child]!;
      keys[at] = keys[child]!;
      turns[at] = turns[child]!;
      at = child;
    }
    nodes[at] = node;
    keys[at] = key;
    turns[at] = turn;
    return first;
  }
}
