import type { Oid } from '../base/oid.js';
import { CommitPool, type CommitNode } from '../history/commit-pool.js';
import { CommitQueue } from '../history/commit-queue.js';
import type { Repository } from '../repo/repository.js';

const LEFT = 1 << 24;
const RIGHT = 1 << 25;

const load = async (pool: CommitPool, node: CommitNode): Promise<void> => {
  if (!node.loaded) {
    const got = pool.load(node);
    if (got !== true) await got;
  }
};

/** Questions of reaching asked for many refs over one history; commits are read once. */
export class RefReach {
  readonly pool: CommitPool;

  constructor(repository: Repository) {
    this.pool = new CommitPool(repository.objects, { grafts: repository.grafts, graph: repository.commitGraph });
  }

  /** A test for "has one of these among its ancestors" (`--contains`), which remembers what it has seen. */
  containment(commits: readonly Oid[]): (tip: Oid) => Promise<boolean> {
    const { pool } = this;
    const answers = new Map<CommitNode, boolean>();
    for (const oid of commits) answers.set(pool.node(oid), true);
    return async (tip) => {
      const stack: { node: CommitNode; next: number }[] = [];
      const enter = async (node: CommitNode): Promise<void> => {
        await load(pool, node);
        stack.push({ node, next: 0 });
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

  /** All that the commits reach, themselves included (`--merged`). */
  async reachable(commits: readonly Oid[]): Promise<ReadonlySet<Oid>> {
    const { pool } = this;
    const reached = new Set<Oid>();
    const todo: CommitNode[] = commits.map((oid) => pool.node(oid));
    for (let node = todo.pop(); node !== undefined; node = todo.pop()) {
      if (reached.has(node.oid)) continue;
      reached.add(node.oid);
      await load(pool, node);
      for (const parent of node.parents) if (!reached.has(parent.oid)) todo.push(parent);
    }
    return reached;
  }

  /** How many commits each side has that the other has not. */
  async aheadBehind(ours: Oid, theirs: Oid): Promise<{ readonly ahead: number; readonly behind: number }> {
    if (ours === theirs) return { ahead: 0, behind: 0 };
    const { pool } = this;
    const queue = new CommitQueue();
    const touched: CommitNode[] = [];
    // Only what one side alone reaches needs looking at; the rest is done when nothing else is left in the queue.
    let open = 0;
    const mark = async (node: CommitNode, side: number): Promise<void> => {
      const before = node.flags & (LEFT | RIGHT);
      const after = before | side;
      if (before === after) return;
      if (before === 0) {
        await load(pool, node);
        touched.push(node);
      }
      const queued = inQueue.has(node);
      if (queued && before !== (LEFT | RIGHT) && after === (LEFT | RIGHT)) open--;
      node.flags |= side;
      if (!queued) {
        inQueue.add(node);
        queue.push(node);
        if (after !== (LEFT | RIGHT)) open++;
      }
    };
    const inQueue = new Set<CommitNode>();
    await mark(pool.node(ours), LEFT);
    await mark(pool.node(theirs), RIGHT);
    while (open > 0) {
      const node = queue.pop();
      if (node === undefined) break;
      inQueue.delete(node);
      const sides = node.flags & (LEFT | RIGHT);
      if (sides !== (LEFT | RIGHT)) open--;
      for (const parent of node.parents) await mark(parent, sides);
    }
    // Dates that run backwards can leave commits of both sides counted to one: pass it on to all that was seen.
    const shared = touched.filter((node) => (node.flags & (LEFT | RIGHT)) === (LEFT | RIGHT));
    for (let node = shared.pop(); node !== undefined; node = shared.pop()) {
      for (const parent of node.parents) {
        const sides = parent.flags & (LEFT | RIGHT);
        if (sides === 0 || sides === (LEFT | RIGHT)) continue;
        parent.flags |= LEFT | RIGHT;
        shared.push(parent);
      }
    }
    let ahead = 0;
    let behind = 0;
    for (const node of touched) {
      const sides = node.flags & (LEFT | RIGHT);
      if (sides === LEFT) ahead++;
      else if (sides === RIGHT) behind++;
      node.flags &= ~(LEFT | RIGHT);
    }
    return { ahead, behind };
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
