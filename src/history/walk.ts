import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import type { CommitNode, CommitPool } from './commit-pool.js';
import { CommitQueue } from './commit-queue.js';
import {
  ADDED,
  ANCESTRY_PATH,
  BOTTOM,
  BOUNDARY,
  CHILD_SHOWN,
  NOT_USER_GIVEN,
  PATCHSAME,
  PULL_MERGE,
  SEEN,
  SHOWN,
  SYMMETRIC_LEFT,
  TRACK_LINEAR,
  TREESAME,
  UNINTERESTING,
} from './flags.js';
import { limitByCherry, limitToAncestry, limitToSide } from './limit.js';
import { sortTopologically } from './order.js';
import { PositionWalk } from './position-walk.js';
import { TreesameTable, isRelevant, oneRelevantParent, removeDuplicateParents, simplifyMerges } from './simplify.js';

/** How a commit's tree differs from a parent's on the paths that matter. */
export type TreeDifference = 'same' | 'new' | 'old' | 'different';

/** Compares trees on the limiting paths. An absent tree is the empty one. */
export interface PathLimit {
  /** Changed-path filters, which know of most commits that they changed nothing. */
  readonly question?: { mayHaveChanged(node: CommitNode): boolean | undefined; falsePositive(): void } | undefined;
  compare(before: Oid<'tree'> | undefined, after: Oid<'tree'>): Awaitable<TreeDifference>;
}

export interface WalkOptions {
  /** `default`: newest first as met. `topo` and friends: no parent before all of its children. */
  readonly order?: 'default' | 'topo' | 'date' | 'author-date';
  readonly reverse?: boolean;
  readonly firstParent?: boolean;
  readonly excludeFirstParentOnly?: boolean;
  readonly boundary?: boolean;
  /** Show only what is named. */
  readonly noWalk?: 'sorted' | 'unsorted' | undefined;
  /** Number of commits, -1: all. */
  readonly maxCount?: number;
  /** The last so many instead of the first. */
  readonly maxCountOldest?: number | undefined;
  readonly skip?: number;
  /** Seconds since the epoch; older commits end the walk. */
  readonly maxAge?: number | undefined;
  /** Newer ones are not shown. */
  readonly minAge?: number | undefined;
  /** Older ones are not shown, and the walk goes on. */
  readonly maxAgeAsFilter?: number | undefined;
  readonly minParents?: number;
  /** -1: any number. */
  readonly maxParents?: number;
  /** `true`: between the ends named; a list: these commits. */
  readonly ancestryPath?: boolean | readonly CommitNode[];
  readonly cherryPick?: boolean;
  readonly cherryMark?: boolean;
  readonly leftOnly?: boolean;
  readonly rightOnly?: boolean;
  /** The id of a commit's change; needed by the cherry options. `undefined`: it has none (a merge). */
  readonly patchId?: (node: CommitNode) => Awaitable<string | undefined>;
  /** Message and name filters. */
  readonly match?: ((node: CommitNode) => Awaitable<boolean>) | undefined;
  readonly paths?: PathLimit | undefined;
  /** Commits that count as changed whatever the paths say (`--simplify-by-decoration`). */
  readonly decorated?: ((node: CommitNode) => boolean) | undefined;
  /** `false`: `--full-history`. */
  readonly simplifyHistory?: boolean;
  /** `false`: `--sparse`. */
  readonly dense?: boolean;
  readonly simplifyMerges?: boolean;
  readonly showPulls?: boolean;
  readonly removeEmpty?: boolean;
  readonly rewriteParents?: boolean;
  readonly children?: boolean;
  /** Keep the parents from before rewriting, in `savedParents`. */
  readonly saveParents?: boolean;
  /** Find everything before showing anything. */
  readonly limited?: boolean;
  readonly maximalOnly?: boolean;
  readonly isPacked?: ((oid: Oid) => Awaitable<boolean>) | undefined;
  /** A missing parent: `true` goes on without it. */
  readonly missingParent?: ((oid: Oid) => Awaitable<boolean>) | undefined;
  readonly ignoreMissingLinks?: boolean;
  /** Walk this list of commits instead of parents (`--walk-reflogs`). */
  readonly entries?: { next(): Awaitable<CommitNode | undefined> } | undefined;
  /** Which lines of which paths matter (`-L`): told of each commit before it is shown. */
  readonly lineFilter?: ((node: CommitNode) => Awaitable<boolean>) | undefined;
  readonly trackLinear?: boolean;
  readonly sources?: Map<CommitNode, string> | undefined;
  /** Commits for which `false` is answered end the walk there. */
  readonly includeCheck?: ((node: CommitNode) => boolean) | undefined;
  /**
   * The caller only looks at the commits it is answered: their own marks, names and parents, not the marks of parents,
   * and not the list. Then a walk over a commit-graph makes no nodes but those.
   */
  readonly plain?: boolean;
}

/** How many commits are looked at after everything that is left seems uninteresting; dates may lie. */
const SLOP = 5;

/** What the parents looked at so far tell of a merge. */
class MergeChanges {
  relevantParents = 0;
  relevant = false;
  irrelevant = false;
  treesame: boolean[] | undefined = undefined;
}

/**
 * A walk over history, as `git rev-list` makes it: tips are added with their marks, `prepare` limits and orders what
 * must be limited or ordered as a whole, `next` answers one commit after another.
 */
export class RevisionWalk {
  readonly pool: CommitPool;
  readonly options: WalkOptions;
  readonly savedParents = new Map<CommitNode, CommitNode[]>();
  readonly childrenOf = new Map<CommitNode, CommitNode[]>();
  /** True when the commit just answered follows from the one before (`trackLinear`). */
  linear = false;
  #tips: CommitNode[] = [];
  readonly #queue = new CommitQueue();
  /** The commits to answer, where they were found beforehand. */
  #list: CommitNode[] | undefined;
  #at = 0;
  #limited: boolean;
  readonly #treesame: TreesameTable | undefined;
  readonly #prune: boolean;
  #interesting: CommitNode | undefined;
  #left: number;
  #skip: number;
  #boundaries: CommitNode[] = [];
  #boundaryOutput: CommitNode[] | undefined;
  #reversed: CommitNode[] | undefined;
  #previousParents: readonly CommitNode[] | undefined;
  #work: Promise<void> | undefined;
  #positions: PositionWalk | undefined;

  constructor(pool: CommitPool, options: WalkOptions) {
    this.pool = pool;
    this.options = options;
    const topological = options.order !== undefined && options.order !== 'default';
    this.#limited =
      options.limited === true ||
      topological ||
      options.cherryPick === true ||
      options.cherryMark === true ||
      options.simplifyMerges === true ||
      options.children === true ||
      options.maximalOnly === true ||
      (options.ancestryPath !== undefined && options.ancestryPath !== false);
    this.#prune = options.paths !== undefined || options.decorated !== undefined;
    const keepTreesame =
      this.#prune && options.dense !== false && options.simplifyHistory === false && options.firstParent !== true;
    this.#treesame = keepTreesame ? new TreesameTable() : undefined;
    this.#left = options.maxCount ?? -1;
    this.#skip = options.skip ?? 0;
  }

  /** Whether the walk can be made on positions of the commit-graph. */
  get #canUsePositions(): boolean {
    const { options, pool } = this;
    return (
      options.plain === true &&
      pool.graph !== undefined &&
      !pool.hasGrafts &&
      !this.#prune &&
      options.noWalk === undefined &&
      options.entries === undefined &&
      options.order !== 'author-date' &&
      options.boundary !== true &&
      options.cherryPick !== true &&
      options.cherryMark !== true &&
      options.leftOnly !== true &&
      options.rightOnly !== true &&
      options.simplifyMerges !== true &&
      options.children !== true &&
      options.rewriteParents !== true &&
      options.maximalOnly !== true &&
      (options.ancestryPath === undefined || options.ancestryPath === false) &&
      options.trackLinear !== true &&
      options.isPacked === undefined &&
      options.lineFilter === undefined &&
      options.includeCheck === undefined &&
      options.sources === undefined
    );
  }

  /** Uninteresting parents of what was found by limiting, once for each child. */
  *edges(): Generator<CommitNode> {
    if (this.#positions !== undefined) {
      yield* this.#positions.edges();
      return;
    }
    for (const node of this.list) {
      for (const parent of node.parents) if ((parent.flags & UNINTERESTING) !== 0) yield parent;
    }
  }

  get limited(): boolean {
    return this.#limited;
  }

  /** Parents are rewritten to what is shown. */
  get wantsAncestry(): boolean {
    return this.options.rewriteParents === true || this.options.children === true;
  }

  /** The commits found by limiting, before any of them is answered. */
  get list(): readonly CommitNode[] {
    return this.#list ?? [];
  }

  replaceList(list: CommitNode[]): void {
    this.#list = list;
    this.#at = 0;
  }

  /** Adds a tip with its marks (`UNINTERESTING`, `SYMMETRIC_LEFT`, `BOTTOM`…). Throws when it cannot be read. */
  async add(node: CommitNode, flags = 0, name = ''): Promise<void> {
    if (!(await this.pool.load(node))) {
      throw new GitError('OBJECT_MISSING', `bad object ${name === '' ? node.oid : name}`, { data: { oid: node.oid } });
    }
    node.flags |= flags;
    if ((flags & UNINTERESTING) !== 0) {
      markParentsUninteresting(node, this.options.excludeFirstParentOnly);
      this.#limited = true;
    }
    const sources = this.options.sources;
    if (sources !== undefined && !sources.has(node)) sources.set(node, name);
    if ((node.flags & SEEN) === 0) {
      node.flags |= SEEN;
      this.#tips.push(node);
    }
  }

  /** Finds and orders what must be known before the first commit can be answered. */
  async prepare(): Promise<void> {
    const { options } = this;
    const tips = this.#tips;
    if (options.entries !== undefined) {
      // What is excluded is marked some way down, the entries are answered as they come.
      if (tips.length > 0) await this.#limit([...tips].sort((a, b) => b.seconds - a.seconds));
      return;
    }
    if (options.noWalk !== undefined) {
      if (options.noWalk === 'sorted') tips.sort((a, b) => b.seconds - a.seconds);
      this.#list = tips;
      return;
    }
    if (this.#canUsePositions) {
      await this.#preparePositions([...tips].sort((a, b) => b.seconds - a.seconds));
      return;
    }
    if (!this.#limited) {
      const sorted = [...tips].sort((a, b) => b.seconds - a.seconds);
      for (const tip of sorted) this.#queue.push(tip);
    } else {
      this.#list = await this.#limit([...tips].sort((a, b) => b.seconds - a.seconds));
      if (options.order !== undefined && options.order !== 'default') {
        this.#list = await sortTopologically(this.pool, this.#list, options.order);
      }
    }
    if (options.simplifyMerges === true && this.#prune) {
      this.#list = simplifyMerges(this.#list!, this.#treesame, options);
    }
    if (options.children === true) {
      for (const node of this.#list!) {
        for (const parent of node.parents) {
          const children = this.childrenOf.get(parent);
          if (children === undefined) this.childrenOf.set(parent, [node]);
          else children.unshift(node);
        }
      }
    }
  }

  async #preparePositions(tips: readonly CommitNode[]): Promise<void> {
    const { options } = this;
    const positions = new PositionWalk(this.pool, this.pool.graph!, {
      firstParent: options.firstParent === true,
      excludeFirstParentOnly: options.excludeFirstParentOnly === true,
      maxAge: options.maxAge,
      minAge: options.minAge,
      missing: (node, parent) => this.#overlook(node, parent),
    });
    this.#positions = positions;
    for (const tip of tips) positions.add(tip);
    if (!this.#limited) return;
    await positions.limit();
    const { order } = options;
    if (order === 'topo' || order === 'date') positions.sort(order);
  }

  /**
   * How many commits `next` would answer, where that is known without answering them: by positions, and only where
   * nothing is filtered or left out.
   */
  quickCount(): number | undefined {
    const { minAge, maxAgeAsFilter, minParents = 0, maxParents = -1, match } = this.options;
    if (minAge !== undefined || maxAgeAsFilter !== undefined || minParents > 0 || maxParents >= 0) return undefined;
    if (match !== undefined || this.#skip > 0 || this.#left >= 0) return undefined;
    if (this.options.maxCountOldest !== undefined) return undefined;
    return this.#positions?.count();
  }

  #pickPosition(positions: PositionWalk): Awaitable<CommitNode | undefined> {
    for (;;) {
      const number = positions.next();
      if (number < 0) return undefined;
      const { work } = positions;
      if (work !== undefined) {
        positions.work = undefined;
        return this.#pickPositionSlowly(positions, number, work);
      }
      if (!this.#wantsPosition(positions, number)) continue;
      const node = positions.node(number);
      if (this.options.match === undefined) return node;
      const matched = this.options.match(node);
      if (isPromise(matched)) return this.#pickPositionSlowly(positions, number, undefined, matched);
      if (matched) return node;
    }
  }

  async #pickPositionSlowly(
    positions: PositionWalk,
    first: number,
    firstWork: Promise<void> | undefined,
    firstMatch?: Promise<boolean>,
  ): Promise<CommitNode | undefined> {
    let work = firstWork;
    let matched: Awaitable<boolean> | undefined = firstMatch;
    for (let number = first; number >= 0; number = positions.next()) {
      work ??= positions.work;
      positions.work = undefined;
      if (work !== undefined) await work;
      work = undefined;
      if (!this.#wantsPosition(positions, number)) continue;
      const node = positions.node(number);
      matched ??= this.options.match?.(node) ?? true;
      if (await matched) return node;
      matched = undefined;
    }
    return undefined;
  }

  /** What `#isShown` asks, of a position. */
  #wantsPosition(positions: PositionWalk, number: number): boolean {
    if ((positions.flags(number) & (SHOWN | UNINTERESTING)) !== 0) return false;
    const { minAge, maxAgeAsFilter, minParents = 0, maxParents = -1 } = this.options;
    if (minAge !== undefined && positions.seconds(number) > minAge) return false;
    if (maxAgeAsFilter !== undefined && positions.seconds(number) < maxAgeAsFilter) return false;
    if (minParents > 0 || maxParents >= 0) {
      const count = positions.parentCount(number);
      if (count < minParents || (maxParents >= 0 && count > maxParents)) return false;
    }
    return true;
  }

  /** The next commit, or `undefined` at the end. Answers at once where nothing had to be waited for. */
  next(): Awaitable<CommitNode | undefined> {
    const { options } = this;
    if (options.reverse === true || options.maxCountOldest !== undefined) return this.#nextReversed();
    return this.#step();
  }

  async #nextReversed(): Promise<CommitNode | undefined> {
    const { options } = this;
    if (this.#reversed === undefined) {
      const all: CommitNode[] = [];
      for (;;) {
        const step = this.#step();
        const node = isPromise(step) ? await step : step;
        if (node === undefined) break;
        all.push(node);
      }
      const oldest = options.maxCountOldest;
      const kept = oldest === undefined || oldest < 0 ? all : lastOf(all, oldest);
      // Taken from the end, so what is answered first lies last.
      this.#reversed = options.reverse === true ? kept : kept.reverse();
    }
    const node = this.#reversed.pop();
    if (node !== undefined) this.#positions?.refresh(node);
    this.linear = node !== undefined && (node.flags & TRACK_LINEAR) !== 0;
    return node;
  }

  /** A commit that was answered was not shown after all: it does not count. */
  giveBack(): void {
    if (this.#left >= 0) this.#left++;
  }

  #step(): Awaitable<CommitNode | undefined> {
    if (this.#boundaryOutput !== undefined) {
      const node = this.#boundaryOutput.shift();
      if (node !== undefined) node.flags |= SHOWN;
      return node;
    }
    if (this.#skip > 0) return this.#skipAndStep();
    if (this.#left === 0) return this.#stepped(undefined);
    const node = this.#pick();
    return isPromise(node) ? node.then((picked) => this.#counted(picked)) : this.#counted(node);
  }

  async #skipAndStep(): Promise<CommitNode | undefined> {
    if (this.#left === 0) return this.#stepped(undefined);
    let node = await this.#pick();
    while (node !== undefined && this.#skip > 0) {
      this.#skip--;
      node = await this.#pick();
    }
    return this.#counted(node);
  }

  #counted(node: CommitNode | undefined): Awaitable<CommitNode | undefined> {
    if (this.#left > 0) this.#left--;
    return this.#stepped(node);
  }

  #stepped(node: CommitNode | undefined): Awaitable<CommitNode | undefined> {
    if (node !== undefined) node.flags |= SHOWN;
    if (this.options.boundary !== true) return node;
    if (node === undefined) return this.#gatherBoundaries().then(() => this.#step());
    for (const parent of node.parents) {
      if ((parent.flags & (CHILD_SHOWN | SHOWN)) !== 0) continue;
      parent.flags |= CHILD_SHOWN;
      this.#boundaries.push(parent);
    }
    return node;
  }

  async #gatherBoundaries(): Promise<void> {
    const found: CommitNode[] = [];
    for (const node of this.#boundaries) {
      if ((node.flags & CHILD_SHOWN) === 0 || (node.flags & (SHOWN | BOUNDARY)) !== 0) continue;
      node.flags |= BOUNDARY;
      await this.pool.load(node);
      found.push(node);
    }
    found.reverse();
    const order = this.options.order ?? 'default';
    this.#boundaryOutput = await sortTopologically(this.pool, found, order === 'default' ? 'topo' : order);
  }

  /** The next commit that is to be shown, without regard to counts. */
  #pick(): Awaitable<CommitNode | undefined> {
    if (this.options.entries !== undefined) return this.#pickEntry();
    if (this.#positions !== undefined) return this.#pickPosition(this.#positions);
    for (;;) {
      const node = this.#take();
      if (node === undefined) return undefined;
      if (this.#work !== undefined) return this.#pickSlowly(node, undefined);
      const shown = this.#isShown(node);
      if (isPromise(shown)) return this.#pickSlowly(node, shown);
      if (shown) return this.#picked(node);
    }
  }

  async #pickSlowly(first: CommitNode, firstShown: Awaitable<boolean> | undefined): Promise<CommitNode | undefined> {
    let shown = firstShown;
    for (let node: CommitNode | undefined = first; node !== undefined; node = this.#take()) {
      const work = this.#work;
      this.#work = undefined;
      if (work !== undefined) await work;
      shown ??= this.#isShown(node);
      if (isPromise(shown) ? await shown : shown) return this.#picked(node);
      shown = undefined;
    }
    return undefined;
  }

  /** The next commit that may be shown. What is to be done before that is known is left in `#work`. */
  #take(): CommitNode | undefined {
    const { options } = this;
    for (;;) {
      if (this.#list !== undefined) {
        const node = this.#list[this.#at++];
        if (node === undefined) return undefined;
        if (options.noWalk !== undefined && !this.#limited) {
          if (options.maxAge !== undefined && node.seconds < options.maxAge) continue;
          if (this.#prune) this.#work = this.#simplify(node);
        }
        return node;
      }
      const node = this.#queue.pop();
      if (node === undefined) return undefined;
      if (options.maxAge !== undefined && node.seconds < options.maxAge) continue;
      if ((node.flags & ADDED) === 0) this.#work = this.#expand(node);
      return node;
    }
  }

  async #pickEntry(): Promise<CommitNode | undefined> {
    for (;;) {
      const node = await this.options.entries!.next();
      if (node === undefined) return undefined;
      node.flags &= ~(ADDED | SEEN | SHOWN);
      await this.#insist(node);
      await this.#simplify(node);
      if (await this.#isShown(node)) return this.#picked(node);
    }
  }

  #picked(node: CommitNode): Awaitable<CommitNode | undefined> {
    const { options } = this;
    if (this.#prune && options.dense !== false && this.wantsAncestry) {
      if (options.saveParents === true) this.savedParents.set(node, node.parents);
      return this.#rewriteParents(node).then(() => this.#tracked(node));
    }
    return this.#tracked(node);
  }

  #tracked(node: CommitNode): CommitNode {
    if (this.options.trackLinear === true) this.#trackLinear(node);
    return node;
  }

  async #insist(node: CommitNode): Promise<void> {
    if (await this.pool.load(node)) return;
    throw new GitError('OBJECT_MISSING', `unable to parse commit ${node.oid}`, { data: { oid: node.oid } });
  }

  /** Puts a commit's parents into the walk. A promise only where something had to be waited for. */
  #expand(node: CommitNode): Promise<void> | undefined {
    const { options } = this;
    node.flags |= ADDED;
    if (options.includeCheck !== undefined && !options.includeCheck(node)) return undefined;
    if ((node.flags & UNINTERESTING) !== 0) return this.#enterBoring(node, 0);
    if (this.#prune) {
      const work = this.#simplify(node);
      if (work !== undefined) return work.then(() => this.#enterParents(node, 0));
    }
    return this.#enterParents(node, 0);
  }

  #enter(node: CommitNode): void {
    if ((node.flags & SEEN) !== 0) return;
    node.flags |= SEEN | NOT_USER_GIVEN;
    this.#queue.push(node);
  }

  /** Parents of what is not wanted, from the `n`th on. */
  #enterBoring(node: CommitNode, n: number): Promise<void> | undefined {
    const { pool } = this;
    const firstOnly = this.options.excludeFirstParentOnly;
    for (let i = n; i < node.parents.length; i++) {
      const parent = node.parents[i]!;
      parent.flags |= UNINTERESTING;
      const entered = (there: boolean): void => {
        if (!there) return;
        if (parent.parents.length > 0) markParentsUninteresting(parent, firstOnly);
        this.#enter(parent);
      };
      let there: Awaitable<boolean>;
      try {
        there = pool.load(parent);
      } catch {
        there = false;
      }
      if (isPromise(there)) {
        return there
          .catch(() => false)
          .then((yes) => {
            entered(yes);
            if (yes && firstOnly === true) return;
            return this.#enterBoring(node, i + 1);
          });
      }
      entered(there);
      if (there && firstOnly === true) return undefined;
    }
    return undefined;
  }

  #enterParents(node: CommitNode, n: number): Promise<void> | undefined {
    const { options, pool } = this;
    for (let i = n; i < node.parents.length; i++) {
      const parent = node.parents[i]!;
      if (!parent.loaded) {
        const there = pool.load(parent);
        if (there !== true) return this.#enterSlowly(node, i, there);
      }
      this.#pass(node, parent);
      if (options.firstParent === true) return undefined;
    }
    return undefined;
  }

  async #enterSlowly(node: CommitNode, n: number, loading: Awaitable<boolean>): Promise<void> {
    const { options } = this;
    const parent = node.parents[n]!;
    if (await loading) this.#pass(node, parent);
    else await this.#overlook(node, parent);
    if (options.firstParent !== true) await this.#enterParents(node, n + 1);
  }

  /** A parent that is not there: goes on without it where that is allowed. */
  async #overlook(node: CommitNode, parent: CommitNode): Promise<void> {
    const { options } = this;
    if (options.ignoreMissingLinks === true || (await options.missingParent?.(parent.oid)) === true) return;
    throw this.#unreadable(node, parent);
  }

  #pass(node: CommitNode, parent: CommitNode): void {
    const { sources } = this.options;
    if (sources !== undefined && !sources.has(parent)) {
      const source = sources.get(node);
      if (source !== undefined) sources.set(parent, source);
    }
    parent.flags |= node.flags & (SYMMETRIC_LEFT | ANCESTRY_PATH);
    this.#enter(parent);
  }

  #unreadable(node: CommitNode, parent: CommitNode): GitError {
    const message = this.#limited ? 'revision walk setup failed' : `Failed to traverse parents of commit ${node.oid}`;
    return new GitError('OBJECT_MISSING', message, {
      data: { oid: parent.oid, errors: [`Could not read ${parent.oid}`] },
    });
  }

  /** Finds all commits to be shown, before the order they are shown in. */
  async #limit(tips: readonly CommitNode[]): Promise<CommitNode[]> {
    const { options } = this;
    const queue = this.#queue;
    for (const tip of tips) queue.push(tip);
    let bottoms: readonly CommitNode[] | undefined;
    if (options.ancestryPath === true) {
      bottoms = tips.filter((tip) => (tip.flags & BOTTOM) !== 0);
      if (bottoms.length === 0) {
        throw new GitError('USAGE', '--ancestry-path given but there are no bottom commits');
      }
    } else if (Array.isArray(options.ancestryPath)) {
      bottoms = options.ancestryPath as readonly CommitNode[];
    }
    const found: CommitNode[] = [];
    const { maxAge, minAge } = options;
    let date = Number.MAX_SAFE_INTEGER;
    let slop = SLOP;
    for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
      if (this.#interesting === node) this.#interesting = undefined;
      if (maxAge !== undefined && node.seconds < maxAge) node.flags |= UNINTERESTING;
      if ((node.flags & ADDED) === 0) {
        const done = this.#expand(node);
        if (done !== undefined) await done;
      }
      if ((node.flags & UNINTERESTING) !== 0) {
        markParentsUninteresting(node, options.excludeFirstParentOnly);
        slop = this.#stillInteresting(date, slop);
        if (slop > 0) continue;
        break;
      }
      if (minAge !== undefined && node.seconds > minAge && options.lineFilter === undefined) continue;
      date = node.seconds;
      found.push(node);
    }
    if (options.cherryPick === true || options.cherryMark === true) {
      await limitByCherry(found, options.patchId!, options.cherryMark === true ? PATCHSAME : SHOWN);
    }
    if (options.leftOnly === true || options.rightOnly === true) limitToSide(found, options.rightOnly === true);
    if (bottoms !== undefined) limitToAncestry(bottoms, found);
    if (this.#treesame !== undefined) {
      for (const node of found) {
        if ((node.flags & (UNINTERESTING | TREESAME)) === 0) this.#treesame.update(node);
      }
    }
    if (options.maximalOnly === true) {
      for (const node of found) for (const parent of node.parents) parent.flags |= CHILD_SHOWN;
      for (const node of found) if ((node.flags & CHILD_SHOWN) !== 0) node.flags |= SHOWN;
    }
    return found;
  }

  #stillInteresting(date: number, slop: number): number {
    const queue = this.#queue;
    if (queue.size === 0) return 0;
    // Something in the queue is as new as what was taken: the answer may still change.
    if (date <= queue.firstKey) return SLOP;
    if (this.#interesting !== undefined && (this.#interesting.flags & UNINTERESTING) === 0) return SLOP;
    for (const node of queue.items) {
      if ((node.flags & UNINTERESTING) === 0) {
        this.#interesting = node;
        return SLOP;
      }
    }
    this.#interesting = undefined;
    return slop - 1;
  }

  /** Says whether the commit is treesame, and follows only the parent that explains it, as `simplifyHistory` wants. */
  #simplify(node: CommitNode): Promise<void> | undefined {
    if (!this.#prune) return undefined;
    const { options } = this;
    if (node.parents.length === 0 || options.dense === false || options.removeEmpty === true) {
      return this.#simplifySlowly(node);
    }
    if (node.parents.length > 1) return this.#simplifyMerge(node, 0, new MergeChanges());
    // What follows is `#simplifySlowly` for the one parent that most commits have.
    const parent = node.parents[0]!;
    if (!parent.loaded && this.pool.load(parent) !== true) return this.#simplifySlowly(node);
    const difference = this.#compare(parent, node, 0);
    if (isPromise(difference)) {
      return difference.then((ready) => {
        this.#markChange(node, ready);
      });
    }
    this.#markChange(node, difference);
    return undefined;
  }

  #markChange(node: CommitNode, difference: TreeDifference): void {
    if (difference === 'same') node.flags |= TREESAME;
    else node.flags = (node.flags & ~TREESAME) | PULL_MERGE;
  }

  /** The same for a merge, from its `n`th parent on; goes over to promises where something is not at hand. */
  #simplifyMerge(node: CommitNode, from: number, changes: MergeChanges): Promise<void> | undefined {
    const parents = node.parents;
    for (let n = from; n < parents.length; n++) {
      const parent = parents[n]!;
      if (!parent.loaded && this.pool.load(parent) !== true) return this.#simplifySlowly(node, n, changes);
      if (!this.#startParent(node, parent, n, changes)) break;
      const difference = this.#compare(parent, node, n);
      if (isPromise(difference)) {
        return difference.then((late) =>
          this.#follow(node, parent, n, late, changes) ? undefined : this.#simplifyMerge(node, n + 1, changes),
        );
      }
      if (this.#follow(node, parent, n, difference, changes)) return undefined;
    }
    this.#endMerge(node, changes);
    return undefined;
  }

  /** Answers false where the parent does not count. */
  #startParent(node: CommitNode, parent: CommitNode, n: number, changes: MergeChanges): boolean {
    if (isRelevant(parent)) changes.relevantParents++;
    if (n !== 1) return true;
    if (this.options.firstParent === true) return false;
    if (this.#treesame !== undefined && (node.flags & UNINTERESTING) === 0) {
      changes.treesame = this.#treesame.start(node, node.parents.length);
      changes.treesame[0] = !(changes.relevant || changes.irrelevant);
    }
    return true;
  }

  /** Takes a comparison in. Answers true where the history goes on with this parent alone. */
  #follow(node: CommitNode, parent: CommitNode, n: number, difference: TreeDifference, changes: MergeChanges): boolean {
    const { options } = this;
    if (difference === 'same') {
      if (options.simplifyHistory === false || !isRelevant(parent)) {
        if (changes.treesame !== undefined) changes.treesame[n] = true;
        return false;
      }
      node.parents = [parent];
      if (options.showPulls !== true || n === 0) node.flags |= TREESAME;
      return true;
    }
    if (isRelevant(parent)) changes.relevant = true;
    else changes.irrelevant = true;
    if (n === 0) node.flags |= PULL_MERGE;
    return false;
  }

  #endMerge(node: CommitNode, { relevantParents, relevant, irrelevant }: MergeChanges): void {
    if (relevantParents > 0 ? !relevant : !irrelevant) node.flags |= TREESAME;
    else node.flags &= ~TREESAME;
  }

  async #simplifySlowly(node: CommitNode, from = 0, changes = new MergeChanges()): Promise<void> {
    const { options } = this;
    const parents = node.parents;
    if (parents.length === 0) {
      if ((await this.#sameAsEmpty(node)) === true) node.flags |= TREESAME;
      return;
    }
    if (options.dense === false && parents.length === 1) return;
    for (let n = from; n < parents.length; n++) {
      const parent = parents[n]!;
      if (!this.#startParent(node, parent, n, changes)) break;
      if (!(await this.pool.load(parent))) {
        if (options.ignoreMissingLinks === true || (await options.missingParent?.(parent.oid)) === true) continue;
        throw this.#unreadable(node, parent);
      }
      const difference = await this.#compare(parent, node, n);
      if (this.#follow(node, parent, n, difference, changes)) return;
      if (difference === 'new' && options.removeEmpty === true && (await this.#sameAsEmpty(parent))) {
        parent.parents = [];
      }
    }
    this.#endMerge(node, changes);
  }

  /** `n`: which parent it is. */
  #compare(parent: CommitNode, node: CommitNode, n: number): Awaitable<TreeDifference> {
    const { decorated, paths } = this.options;
    if (decorated !== undefined) {
      if (decorated(node)) return 'different';
      if (paths === undefined) return 'same';
    }
    if (this.pool.sameTree(parent, node)) return 'same';
    const maybe = n === 0 ? paths!.question?.mayHaveChanged(node) : undefined;
    if (maybe === false) return 'same';
    const compared = paths!.compare(parent.tree, node.tree);
    if (maybe === undefined) return compared;
    const told = (difference: TreeDifference): TreeDifference => {
      if (difference === 'same') paths!.question!.falsePositive();
      return difference;
    };
    return isPromise(compared) ? compared.then(told) : told(compared);
  }

  async #sameAsEmpty(node: CommitNode): Promise<boolean> {
    const paths = this.options.paths;
    if (paths === undefined) return false;
    const maybe = node.parents.length === 0 ? paths.question?.mayHaveChanged(node) : undefined;
    if (maybe === false) return true;
    const same = (await paths.compare(undefined, node.tree)) === 'same';
    if (same && maybe === true) paths.question!.falsePositive();
    return same;
  }

  /** Whether a commit is (still) to be shown, for a graph that draws lines only to those. */
  wouldShow(node: CommitNode): Awaitable<boolean> {
    if (this.options.boundary === true && (node.flags & CHILD_SHOWN) !== 0) return true;
    return this.#isShown(node);
  }

  #isShown(node: CommitNode): Awaitable<boolean> {
    const { options } = this;
    if ((node.flags & (SHOWN | UNINTERESTING)) !== 0) return false;
    if (options.isPacked !== undefined || options.lineFilter !== undefined) return this.#isShownSlowly(node);
    if (!this.#passesDatesAndParents(node)) return false;
    if (options.match !== undefined) {
      const matched = options.match(node);
      if (isPromise(matched)) return matched.then((yes) => yes && this.#passesPruning(node));
      if (!matched) return false;
    }
    return this.#passesPruning(node);
  }

  async #isShownSlowly(node: CommitNode): Promise<boolean> {
    const { options } = this;
    if ((await options.isPacked?.(node.oid)) === true) return false;
    if (options.lineFilter !== undefined && !(await options.lineFilter(node))) return false;
    if (!this.#passesDatesAndParents(node)) return false;
    if (options.match !== undefined && !(await options.match(node))) return false;
    return this.#passesPruning(node);
  }

  #passesDatesAndParents(node: CommitNode): boolean {
    const { minAge, maxAgeAsFilter, minParents = 0, maxParents = -1 } = this.options;
    if (minAge !== undefined && node.seconds > minAge) return false;
    if (maxAgeAsFilter !== undefined && node.seconds < maxAgeAsFilter) return false;
    if (minParents > 0 || maxParents >= 0) {
      const count = node.parents.length;
      if (count < minParents || (maxParents >= 0 && count > maxParents)) return false;
    }
    return true;
  }

  #passesPruning(node: CommitNode): boolean {
    const { options } = this;
    if (!this.#prune || options.dense === false || (node.flags & TREESAME) === 0) return true;
    if (!this.wantsAncestry) return false;
    if (options.showPulls === true && (node.flags & PULL_MERGE) !== 0) return true;
    let relevant = 0;
    for (const parent of node.parents) if (isRelevant(parent) && ++relevant >= 2) return true;
    return false;
  }

  async #rewriteParents(node: CommitNode): Promise<void> {
    const rewritten: CommitNode[] = [];
    let changed = false;
    for (const parent of node.parents) {
      const to = await this.#rewriteOne(parent);
      if (to !== parent) changed = true;
      if (to !== undefined) rewritten.push(to);
    }
    if (changed) node.parents = rewritten;
    removeDuplicateParents(node, this.#treesame);
  }

  /** The nearest ancestor that is shown, or `undefined` where the history has none. */
  async #rewriteOne(start: CommitNode): Promise<CommitNode | undefined> {
    let node = start;
    for (;;) {
      // A parent that is not followed (--first-parent) is left as it is.
      if (!node.loaded) return node;
      if (!this.#limited && (node.flags & ADDED) === 0) await this.#expand(node);
      if ((node.flags & UNINTERESTING) !== 0 || (node.flags & TREESAME) === 0) return node;
      if (node.parents.length === 0) return undefined;
      const next = oneRelevantParent(node.parents, this.options.firstParent === true);
      if (next === undefined) return node;
      node = next;
    }
  }

  #trackLinear(node: CommitNode): void {
    if (this.#previousParents?.includes(node) === true) node.flags |= TRACK_LINEAR;
    if (this.options.reverse === true) {
      // In reverse the break belongs between a commit and its parent as they are printed.
      this.linear = node.parents.length > 0;
    } else this.linear = (node.flags & TRACK_LINEAR) !== 0;
    this.#previousParents = node.parents;
  }
}

/** The last `count` commits, and the boundaries behind them. */
function lastOf(all: readonly CommitNode[], count: number): CommitNode[] {
  let normal = all.length;
  while (normal > 0 && (all[normal - 1]!.flags & BOUNDARY) !== 0) normal--;
  return all.slice(Math.max(0, normal - count));
}

/** Marks all ancestors that are known so far; the walk marks the others as it reads them. */
export function markParentsUninteresting(node: CommitNode, firstParentOnly = false): void {
  const pending: CommitNode[] = [];
  for (const parent of firstParentOnly ? node.parents.slice(0, 1) : node.parents) pending.push(parent);
  for (let parent = pending.pop(); parent !== undefined; parent = pending.pop()) {
    if ((parent.flags & UNINTERESTING) !== 0) continue;
    parent.flags |= UNINTERESTING;
    for (const grand of firstParentOnly ? parent.parents.slice(0, 1) : parent.parents) pending.push(grand);
  }
}
