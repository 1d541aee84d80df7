import type { CommitNode } from './commit-pool.js';
import { CommitQueue } from './commit-queue.js';
import { BOTTOM, PULL_MERGE, TMP_MARK, TREESAME, UNINTERESTING } from './flags.js';

/** Part of the history that is looked at, the named ends included. */
export const isRelevant = (node: CommitNode): boolean => (node.flags & (UNINTERESTING | BOTTOM)) !== UNINTERESTING;

/** To which of its parents each merge is the same; kept where history is not simplified on the way. */
export class TreesameTable {
  readonly #rows = new Map<CommitNode, boolean[]>();

  start(node: CommitNode, parents: number): boolean[] {
    const row = new Array<boolean>(parents).fill(false);
    this.#rows.set(node, row);
    return row;
  }

  get(node: CommitNode): readonly boolean[] | undefined {
    return this.#rows.get(node);
  }

  /** Sets the mark again from the row: some parents may have become irrelevant. */
  update(node: CommitNode): void {
    const row = this.#rows.get(node);
    if (row === undefined || node.parents.length < 2) return;
    let relevantParents = 0;
    let relevantChange = false;
    let irrelevantChange = false;
    node.parents.forEach((parent, n) => {
      if (isRelevant(parent)) {
        relevantParents++;
        if (row[n] !== true) relevantChange = true;
      } else if (row[n] !== true) irrelevantChange = true;
    });
    if (relevantParents > 0 ? relevantChange : irrelevantChange) node.flags &= ~TREESAME;
    else node.flags |= TREESAME;
  }

  /** A parent was taken out. */
  drop(node: CommitNode, n: number): void {
    const row = this.#rows.get(node);
    if (row === undefined) return;
    row.splice(n, 1);
    if (row.length === 1) {
      if (row[0] === true) node.flags |= TREESAME;
      this.#rows.delete(node);
    }
  }
}

/** The one parent to follow from a commit that is not shown; `undefined` when there are several. */
export function oneRelevantParent(parents: readonly CommitNode[], firstParent: boolean): CommitNode | undefined {
  if (parents.length <= 1 || firstParent) return parents[0];
  let relevant: CommitNode | undefined;
  for (const parent of parents) {
    if (!isRelevant(parent)) continue;
    if (relevant !== undefined) return undefined;
    relevant = parent;
  }
  return relevant;
}

/** Takes out parents that are there twice; answers how many are left. */
export function removeDuplicateParents(node: CommitNode, table: TreesameTable | undefined): number {
  const parents = node.parents;
  if (parents.length < 2 || new Set(parents).size === parents.length) return parents.length;
  const kept: CommitNode[] = [];
  for (const parent of parents) {
    if (kept.includes(parent)) table?.drop(node, kept.length);
    else kept.push(parent);
  }
  node.parents = kept;
  return kept.length;
}

interface SimplifyOptions {
  readonly firstParent?: boolean;
  readonly showPulls?: boolean;
}

/** `--simplify-merges`: merges that tie together nothing that is shown go, bottom-up over the whole history. */
export function simplifyMerges(
  list: readonly CommitNode[],
  table: TreesameTable | undefined,
  options: SimplifyOptions,
): CommitNode[] {
  const simplified = new Map<CommitNode, CommitNode>();
  let round: CommitNode[] = [...list].reverse();
  while (round.length > 0) {
    const later: CommitNode[] = [];
    for (const node of round) simplifyOne(node, later, simplified, table, options);
    round = later;
  }
  return list.filter((node) => simplified.get(node) === node);
}

function simplifyOne(
  node: CommitNode,
  later: CommitNode[],
  simplified: Map<CommitNode, CommitNode>,
  table: TreesameTable | undefined,
  options: SimplifyOptions,
): void {
  if (simplified.has(node)) return;
  if ((node.flags & UNINTERESTING) !== 0 || node.parents.length === 0) {
    simplified.set(node, node);
    return;
  }
  const looked = options.firstParent === true ? node.parents.slice(0, 1) : node.parents;
  const waiting = looked.filter((parent) => !simplified.has(parent));
  if (waiting.length > 0) {
    later.push(...waiting, node);
    return;
  }
  node.parents = node.parents.map((parent, n) =>
    options.firstParent === true && n > 0 ? parent : simplified.get(parent)!,
  );
  let count = options.firstParent === true ? 1 : removeDuplicateParents(node, table);
  if (count > 1) {
    let marked = markRedundantParents(node) + markTreesameRoots(node);
    if (marked > 0) marked -= leaveOneTreesame(node, table);
    if (marked > 0) count = removeMarkedParents(node, table);
  }
  const parent = oneRelevantParent(node.parents, options.firstParent === true);
  if (
    count === 0 ||
    (node.flags & UNINTERESTING) !== 0 ||
    (node.flags & TREESAME) === 0 ||
    parent === undefined ||
    (options.showPulls === true && (node.flags & PULL_MERGE) !== 0)
  ) {
    simplified.set(node, node);
  } else simplified.set(node, simplified.get(parent) ?? parent);
}

/** Marks parents that can be reached from another parent (over parents as rewritten). */
function markRedundantParents(node: CommitNode): number {
  const parents = node.parents;
  let marked = 0;
  for (const parent of parents) {
    if (parents.some((other) => other !== parent && reaches(other, parent))) {
      parent.flags |= TMP_MARK;
      marked++;
    }
  }
  return marked;
}

/** True when `target` is an ancestor of `from`. Newest first, so that the search ends below the target's date. */
function reaches(from: CommitNode, target: CommitNode): boolean {
  const seen = new Set<CommitNode>([from]);
  const queue = new CommitQueue();
  queue.push(from);
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    if (node === target) return true;
    if (node.seconds < target.seconds) continue;
    for (const parent of node.parents) {
      if (seen.has(parent)) continue;
      seen.add(parent);
      queue.push(parent);
    }
  }
  return false;
}

function markTreesameRoots(node: CommitNode): number {
  let marked = 0;
  for (const parent of node.parents) {
    if (parent.parents.length === 0 && (parent.flags & TREESAME) !== 0 && (parent.flags & TMP_MARK) === 0) {
      parent.flags |= TMP_MARK;
      marked++;
    }
  }
  return marked;
}

/** A parent the merge is the same as must stay, when all such are about to go. */
function leaveOneTreesame(node: CommitNode, table: TreesameTable | undefined): number {
  const row = table?.get(node);
  if (row === undefined) return 0;
  let marked: CommitNode | undefined;
  for (let n = 0; n < node.parents.length; n++) {
    if (row[n] !== true) continue;
    const parent = node.parents[n]!;
    if ((parent.flags & TMP_MARK) === 0) return 0;
    marked ??= parent;
  }
  if (marked === undefined) return 0;
  marked.flags &= ~TMP_MARK;
  return 1;
}

function removeMarkedParents(node: CommitNode, table: TreesameTable | undefined): number {
  const kept: CommitNode[] = [];
  let removed = false;
  for (const parent of node.parents) {
    if ((parent.flags & TMP_MARK) !== 0) {
      parent.flags &= ~TMP_MARK;
      table?.drop(node, kept.length);
      removed = true;
    } else kept.push(parent);
  }
  node.parents = kept;
  if (removed && (node.flags & TREESAME) === 0) table?.update(node);
  return kept.length;
}
