import type { Oid } from '../base/oid.js';
import type { CommitCache } from './commit-cache.js';

/** Chooses which commits to tell a server that we have. */
export interface Negotiator {
  /** A commit that both sides have, by what the server advertised. All of them before the first `addTip`. */
  knownCommon(oid: Oid): Promise<void>;
  /** A local ref's commit. */
  addTip(oid: Oid): Promise<void>;
  /** The next commit to tell; `undefined` when there is nothing more worth telling. */
  next(): Promise<Oid | undefined>;
  /** The server has it too; answers whether that was known. */
  ack(oid: Oid): Promise<boolean>;
}

interface Mark {
  readonly oid: Oid;
  seconds: number;
  parents: readonly Oid[];
  loaded: boolean;
  flags: number;
  /** Order of coming, between equal dates. */
  order: number;
}

const COMMON = 1;
/** The server advertised it: it is worth telling, its ancestors are not. */
const COMMON_REF = 2;
const SEEN = 4;
const POPPED = 8;

/** Newest first. */
class DateHeap<T extends { readonly mark: Mark }> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!before(items[at]!.mark, items[up]!.mark)) break;
      [items[at], items[up]] = [items[up]!, items[at]!];
      at = up;
    }
  }

  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    items[0] = last;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      if (left >= items.length) break;
      const right = left + 1;
      const down = right < items.length && before(items[right]!.mark, items[left]!.mark) ? right : left;
      if (!before(items[down]!.mark, items[at]!.mark)) break;
      [items[at], items[down]] = [items[down]!, items[at]!];
      at = down;
    }
    return top;
  }
}

const before = (a: Mark, b: Mark): boolean => (a.seconds !== b.seconds ? a.seconds > b.seconds : a.order < b.order);

class Marks {
  readonly #commits: CommitCache;
  readonly #marks = new Map<Oid, Mark>();
  #order = 0;

  constructor(commits: CommitCache) {
    this.#commits = commits;
  }

  /** Reads the commit; `undefined` where it is missing. */
  async load(oid: Oid): Promise<Mark | undefined> {
    const mark = this.peek(oid);
    if (mark.loaded) return mark;
    const links = await this.#commits.links(oid);
    if (links === undefined) return undefined;
    mark.seconds = links.seconds;
    mark.parents = links.parents;
    mark.loaded = true;
    return mark;
  }

  peek(oid: Oid): Mark {
    let mark = this.#marks.get(oid);
    if (mark === undefined) {
      mark = { oid, seconds: 0, parents: [], loaded: false, flags: 0, order: this.#order++ };
      this.#marks.set(oid, mark);
    }
    return mark;
  }
}

/** Every commit from the newest on, until what is left is known to be common. */
class Consecutive implements Negotiator {
  readonly #marks: Marks;
  readonly #heap = new DateHeap<{ readonly mark: Mark }>();
  #notCommon = 0;

  constructor(commits: CommitCache) {
    this.#marks = new Marks(commits);
  }

  async #push(oid: Oid, flags: number): Promise<void> {
    const known = this.#marks.peek(oid);
    if ((known.flags & flags) === flags) return;
    const mark = await this.#marks.load(oid);
    if (mark === undefined) return;
    mark.flags |= flags;
    this.#heap.push({ mark });
    if ((mark.flags & COMMON) === 0) this.#notCommon++;
  }

  /** Marks a commit and what was seen below it. */
  async #markCommon(oid: Oid, ancestorsOnly: boolean): Promise<void> {
    const stack: [Oid, boolean][] = [[oid, ancestorsOnly]];
    for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
      const [id, only] = item;
      const mark = this.#marks.peek(id);
      if ((mark.flags & COMMON) !== 0) continue;
      if (!only) mark.flags |= COMMON;
      if ((mark.flags & SEEN) === 0) {
        await this.#push(id, SEEN);
        continue;
      }
      if (!only && (mark.flags & POPPED) === 0) this.#notCommon--;
      if (mark.loaded) for (const parent of mark.parents) stack.push([parent, false]);
    }
  }

  async knownCommon(oid: Oid): Promise<void> {
    if ((this.#marks.peek(oid).flags & SEEN) !== 0) return;
    await this.#push(oid, COMMON_REF | SEEN);
    await this.#markCommon(oid, true);
  }

  addTip(oid: Oid): Promise<void> {
    return this.#push(oid, SEEN);
  }

  async next(): Promise<Oid | undefined> {
    for (;;) {
      if (this.#heap.size === 0 || this.#notCommon === 0) return undefined;
      const { mark } = this.#heap.pop()!;
      if ((mark.flags & POPPED) !== 0) continue;
      mark.flags |= POPPED;
      if ((mark.flags & COMMON) === 0) this.#notCommon--;
      const tell = (mark.flags & COMMON) === 0;
      const spread = (mark.flags & (COMMON | COMMON_REF)) !== 0 ? COMMON | SEEN : SEEN;
      for (const parent of mark.parents) {
        if ((this.#marks.peek(parent).flags & SEEN) === 0) await this.#push(parent, spread);
        if ((spread & COMMON) !== 0) await this.#markCommon(parent, true);
      }
      if (tell) return mark.oid;
    }
  }

  async ack(oid: Oid): Promise<boolean> {
    const known = (this.#marks.peek(oid).flags & COMMON) !== 0;
    await this.#markCommon(oid, false);
    return known;
  }
}

interface SkipEntry {
  readonly mark: Mark;
  /** How many commits are passed over from where the count began. */
  original: number;
  left: number;
}

/** Ever longer strides down each line of history: fewer rounds, a somewhat bigger pack. */
class Skipping implements Negotiator {
  readonly #marks: Marks;
  readonly #heap = new DateHeap<SkipEntry>();
  readonly #entries = new Map<Oid, SkipEntry>();
  #notCommon = 0;

  constructor(commits: CommitCache) {
    this.#marks = new Marks(commits);
  }

  async #push(oid: Oid, flags: number): Promise<SkipEntry | undefined> {
    const mark = await this.#marks.load(oid);
    if (mark === undefined) return undefined;
    mark.flags |= flags | SEEN;
    const entry = { mark, original: 0, left: 0 };
    this.#heap.push(entry);
    this.#entries.set(oid, entry);
    if ((mark.flags & COMMON) === 0) this.#notCommon++;
    return entry;
  }

  #markCommon(oid: Oid): void {
    const stack = [oid];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      const mark = this.#marks.peek(id);
      if ((mark.flags & COMMON) !== 0) continue;
      mark.flags |= COMMON;
      if ((mark.flags & SEEN) !== 0 && (mark.flags & POPPED) === 0) this.#notCommon--;
      for (const parent of mark.parents) if ((this.#marks.peek(parent).flags & SEEN) !== 0) stack.push(parent);
    }
  }

  async knownCommon(oid: Oid): Promise<void> {
    if ((this.#marks.peek(oid).flags & SEEN) === 0) await this.#push(oid, COMMON_REF);
  }

  async addTip(oid: Oid): Promise<void> {
    if ((this.#marks.peek(oid).flags & SEEN) === 0) await this.#push(oid, 0);
  }

  async #pushParent(entry: SkipEntry, parent: Oid): Promise<boolean> {
    const known = this.#marks.peek(parent);
    let target: SkipEntry | undefined;
    if ((known.flags & SEEN) !== 0) {
      if ((known.flags & POPPED) !== 0) return false;
      target = this.#entries.get(parent);
    } else target = await this.#push(parent, 0);
    if (target === undefined) return false;
    if ((entry.mark.flags & (COMMON | COMMON_REF)) !== 0) this.#markCommon(parent);
    else {
      const original = entry.left > 0 ? entry.original : Math.floor((entry.original * 3) / 2) + 1;
      const left = entry.left > 0 ? entry.left - 1 : original;
      if (target.original < original) {
        target.original = original;
        target.left = left;
      }
    }
    return true;
  }

  async next(): Promise<Oid | undefined> {
    for (;;) {
      if (this.#heap.size === 0 || this.#notCommon === 0) return undefined;
      const entry = this.#heap.pop()!;
      const { mark } = entry;
      mark.flags |= POPPED;
      this.#entries.delete(mark.oid);
      if ((mark.flags & COMMON) === 0) this.#notCommon--;
      let tell = (mark.flags & COMMON) === 0 && entry.left === 0;
      let pushed = false;
      for (const parent of mark.parents) pushed = (await this.#pushParent(entry, parent)) || pushed;
      // The end of a line of history is always told.
      if ((mark.flags & COMMON) === 0 && !pushed) tell = true;
      if (tell) return mark.oid;
    }
  }

  async ack(oid: Oid): Promise<boolean> {
    const known = (this.#marks.peek(oid).flags & COMMON) !== 0;
    this.#markCommon(oid);
    return known;
  }
}

/** Tells nothing: the pack holds everything. */
const noop: Negotiator = {
  async knownCommon() {},
  async addTip() {},
  async next() {
    return undefined;
  },
  async ack() {
    return false;
  },
};

/** Tells some commits whatever the other one thinks of them, and each once (`--negotiation-include`). */
export function including(first: readonly Oid[], rest: Negotiator): Negotiator {
  const queue = [...new Set(first)];
  const told = new Set(queue);
  return {
    knownCommon: (oid) => rest.knownCommon(oid),
    addTip: (oid) => rest.addTip(oid),
    async next() {
      const forced = queue.shift();
      if (forced !== undefined) return forced;
      for (;;) {
        const oid = await rest.next();
        if (oid === undefined || !told.has(oid)) return oid;
      }
    },
    ack: (oid) => rest.ack(oid),
  };
}

export type NegotiationAlgorithm = 'consecutive' | 'skipping' | 'noop';

export function createNegotiator(algorithm: NegotiationAlgorithm, commits: CommitCache): Negotiator {
  return algorithm === 'noop' ? noop : algorithm === 'skipping' ? new Skipping(commits) : new Consecutive(commits);
}
