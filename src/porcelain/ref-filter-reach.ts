import type { Oid } from '../base/oid.js';
import { CommitPool, type CommitNode } from '../history/commit-pool.js';
import type { AheadBehind, Ancestry } from '../history/merge-base.js';
import { openAncestry } from '../repo/ancestry.js';
import type { Repository } from '../repo/repository.js';

const load = async (pool: CommitPool, node: CommitNode): Promise<void> => {
  if (!node.loaded) {
    const got = pool.load(node);
    if (got !== true) await got;
  }
};

/** Questions of reaching asked for many refs over one history; commits are read once. */
export class RefReach {
  readonly pool: CommitPool;
  readonly #ancestry: Ancestry;

  constructor(repository: Repository) {
    this.#ancestry = openAncestry(repository);
    this.pool = new CommitPool(repository.objects, { grafts: repository.grafts, graph: repository.commitGraph });
  }

  /** A test for "has one of these among its ancestors" (`--contains`), which remembers what it has seen. */
  async containment(commits: readonly Oid[]): Promise<(tip: Oid) => Promise<boolean>> {
    const { pool } = this;
    const answers = new Map<CommitNode, boolean>();
    // What has a lower generation than all of them has none of them among its ancestors.
    let floor = Number.POSITIVE_INFINITY;
    for (const oid of commits) {
      const node = pool.node(oid);
      answers.set(node, true);
      await load(pool, node);
      floor = Math.min(floor, node.generation);
    }
    return async (tip) => {
      const stack: { node: CommitNode; next: number }[] = [];
      const enter = async (node: CommitNode): Promise<void> => {
        await load(pool, node);
        if (node.generation < floor) answers.set(node, false);
        else stack.push({ node, next: 0 });
      };
      const start = pool.node(tip);
      if (!answers.has(start)) await enter(start);
      while (stack.length > 0) {
        const top = stack[stack.length - 1]!;
        const parent = top.node.parents[top.next];
        if (parent === undefined) {
          answers.set(top.node, false);
          stack.pop();
          continue;
        }
        const known = answers.get(parent);
        if (known === undefined) await enter(parent);
        else if (known) {
          answers.set(top.node, true);
          stack.pop();
        } else top.next++;
      }
      return answers.get(start)!;
    };
  }

  /** A test for what the commits reach, themselves included (`--merged`). */
  async reachable(commits: readonly Oid[]): Promise<{ has(oid: Oid): boolean }> {
    const { pool } = this;
    const reached = new Set<CommitNode>();
    const todo: CommitNode[] = commits.map((oid) => pool.node(oid));
    for (let node = todo.pop(); node !== undefined; node = todo.pop()) {
      if (reached.has(node)) continue;
      reached.add(node);
      await load(pool, node);
      for (const parent of node.parents) if (!reached.has(parent)) todo.push(parent);
    }
    return { has: (oid) => reached.has(pool.node(oid)) };
  }

  /** How many commits each side has that the other has not. */
  aheadBehind(ours: Oid, theirs: Oid): Promise<AheadBehind> {
    return this.#ancestry.aheadBehind(ours as Oid<'commit'>, theirs as Oid<'commit'>);
  }

  /** Which of the tips the first-parent history of `commit` most likely started from; -1 for none. */
  async likelyBase(commit: Oid, tips: readonly (Oid | undefined)[]): Promise<number> {
    const { pool } = this;
    const line = new Map<CommitNode, number>();
    let position = 0;
    for (let node: CommitNode | undefined = pool.node(commit); node !== undefined; node = node.parents[0]) {
      await load(pool, node);
      line.set(node, position++);
    }
    let best = -1;
    let distance = Number.POSITIVE_INFINITY;
    for (const [index, tip] of tips.entries()) {
      if (tip === undefined) continue;
      for (let node: CommitNode | undefined = pool.node(tip); node !== undefined; node = node.parents[0]) {
        const at = line.get(node);
        if (at !== undefined) {
          if (at < distance) {
            distance = at;
            best = index;
          }
          break;
        }
        await load(pool, node);
      }
    }
    return best;
  }
}
