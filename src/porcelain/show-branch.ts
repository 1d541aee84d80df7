import type { Oid } from '../base/oid.js';
import type { CommitNode, CommitPool } from '../history/commit-pool.js';
import { CommitQueue } from '../history/commit-queue.js';
import { sortTopologically } from '../history/order.js';

/** A tip that is shown, under its name. */
export interface ShownTip {
  readonly name: string;
  readonly node: CommitNode;
}

/** How a commit can be called from a tip: so many first parents back from `base`. */
interface Way {
  readonly base: string;
  readonly steps: number;
}

const wayText = ({ base, steps }: Way): string => (steps === 0 ? base : steps === 1 ? `${base}^` : `${base}~${steps}`);

/** Which tips each commit can be reached from, for the commits down to where all tips meet. */
export class BranchGraph {
  readonly #pool: CommitPool;
  readonly #tips: readonly ShownTip[];
  /** Bit per tip. */
  readonly #reached = new Map<CommitNode, number>();
  /** Commits below a common one: of no interest. */
  readonly #common = new Set<CommitNode>();
  readonly #seen: CommitNode[] = [];
  readonly #ways = new Map<CommitNode, Way>();
  readonly all: number;

  constructor(pool: CommitPool, tips: readonly ShownTip[]) {
    this.#pool = pool;
    this.#tips = tips;
    this.all = 2 ** tips.length - 1;
  }

  reachedFrom(node: CommitNode): number {
    return this.#reached.get(node) ?? 0;
  }

  /** Walks back, newest first; `more`: so many commits beyond the last common one are looked for. */
  async walk(more: number): Promise<void> {
    const queue = new CommitQueue();
    const seen = new Set<CommitNode>();
    const see = (node: CommitNode): boolean => {
      if (seen.has(node)) return false;
      seen.add(node);
      this.#seen.push(node);
      return true;
    };
    let extra = more;
    for (const [i, { node }] of this.#tips.entries()) {
      await this.#load(node);
      const known = this.#reached.get(node);
      this.#reached.set(node, (known ?? 0) | (1 << i));
      if (known === undefined) queue.push(node);
    }
    for (;;) {
      const interesting = queue.items.some((node) => !this.#common.has(node));
      const node = queue.pop();
      if (node === undefined || (!interesting && extra <= 0)) break;
      see(node);
      const bits = this.reachedFrom(node);
      if (bits === this.all) this.#common.add(node);
      const common = this.#common.has(node);
      for (const parent of node.parents) {
        const before = this.#reached.get(parent) ?? 0;
        if ((before & bits) === bits && (!common || this.#common.has(parent)) && this.#reached.has(parent)) continue;
        await this.#load(parent);
        if (see(parent) && !interesting) extra--;
        this.#reached.set(parent, before | bits);
        if (common) this.#common.add(parent);
        queue.push(parent);
      }
    }
    // What lies below a common commit is common too, though it was met before that was known.
    for (let changed = true; changed; ) {
      changed = false;
      for (const node of this.#seen) {
        if (this.reachedFrom(node) !== this.all && !this.#common.has(node)) continue;
        for (const parent of node.parents) {
          if (!parent.loaded || this.#common.has(parent)) continue;
          this.#common.add(parent);
          changed = true;
        }
      }
    }
  }

  async #load(node: CommitNode): Promise<void> {
    if (!node.loaded) await this.#pool.load(node);
  }

  /** The tips that all others can be reached without: none of the others leads to them. */
  independent(): Oid[] {
    const found = new Set<Oid>();
    for (const { node } of this.#tips) {
      let own = 0;
      for (const [i, tip] of this.#tips.entries()) if (tip.node === node) own |= 1 << i;
      if (this.reachedFrom(node) === own) found.add(node.oid);
    }
    return [...found];
  }

  /** Common commits that no other common one leads to, newest first. */
  mergeBases(): Oid[] {
    return this.#byDate()
      .filter((node) => this.reachedFrom(node) === this.all && !this.#belowCommon(node))
      .map((node) => node.oid);
  }

  #belowCommon(node: CommitNode): boolean {
    return this.#seen.some((child) => this.reachedFrom(child) === this.all && child.parents.includes(node));
  }

  #byDate(): CommitNode[] {
    return [...this.#seen].reverse().sort((a, b) => b.seconds - a.seconds);
  }

  /** All seen commits, children before parents; `byDate`: the newest of those that can come first. */
  ordered(byDate: boolean): Promise<CommitNode[]> {
    return sortTopologically(this.#pool, this.#byDate(), byDate ? 'date' : 'topo');
  }

  /** Names commits after the first tip that leads to them, by first parents as far as that goes. */
  nameAll(order: readonly CommitNode[]): void {
    for (const { name, node } of this.#tips) if (!this.#ways.has(node)) this.#ways.set(node, { base: name, steps: 0 });
    for (const node of order) this.#nameFirstParents(node);
    for (let changed = true; changed; ) {
      changed = false;
      for (const node of order) {
        const way = this.#ways.get(node);
        if (way === undefined) continue;
        for (const [i, parent] of node.parents.entries()) {
          if (this.#ways.has(parent)) continue;
          this.#ways.set(parent, { base: `${wayText(way)}^${i === 0 ? '' : i + 1}`, steps: 0 });
          this.#nameFirstParents(parent);
          changed = true;
        }
      }
    }
  }

  #nameFirstParents(start: CommitNode): void {
    for (let node = start; ; ) {
      const way = this.#ways.get(node);
      const parent = node.parents[0];
      if (way === undefined || parent === undefined || this.#ways.has(parent)) return;
      this.#ways.set(parent, { base: way.base, steps: way.steps + 1 });
      node = parent;
    }
  }

  nameOf(node: CommitNode): string | undefined {
    const way = this.#ways.get(node);
    return way === undefined ? undefined : wayText(way);
  }

  /** A merge that only one tip leads to, and that is none itself. */
  isInner(node: CommitNode): boolean {
    if (node.parents.length < 2 || this.#tips.some((tip) => tip.node === node)) return false;
    const bits = this.reachedFrom(node);
    return (bits & (bits - 1)) === 0;
  }
}
