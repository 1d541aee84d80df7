import type { Awaitable } from '../base/awaitable.js';
import type { CommitNode } from './commit-pool.js';
import { ANCESTRY_PATH, BOUNDARY, SHOWN, SYMMETRIC_LEFT, TMP_MARK, UNINTERESTING } from './flags.js';

/**
 * Marks commits whose change is on the other side of `A...B` too. Ids are made for the smaller side first, then each
 * commit of the other side is looked up.
 */
export async function limitByCherry(
  list: readonly CommitNode[],
  patchId: (node: CommitNode) => Awaitable<string | undefined>,
  mark: number,
): Promise<void> {
  let left = 0;
  let right = 0;
  for (const node of list) {
    if ((node.flags & BOUNDARY) !== 0) continue;
    if ((node.flags & SYMMETRIC_LEFT) !== 0) left++;
    else right++;
  }
  if (left === 0 || right === 0) return;
  const leftFirst = left < right;
  const isFirst = (node: CommitNode) => ((node.flags & SYMMETRIC_LEFT) !== 0) === leftFirst;
  const known = new Map<string, CommitNode[]>();
  for (const node of list) {
    if ((node.flags & BOUNDARY) !== 0 || !isFirst(node)) continue;
    const id = await patchId(node);
    if (id === undefined) continue;
    const same = known.get(id);
    if (same === undefined) known.set(id, [node]);
    else same.push(node);
  }
  for (const node of list) {
    if ((node.flags & BOUNDARY) !== 0 || isFirst(node)) continue;
    const id = await patchId(node);
    const same = id === undefined ? undefined : known.get(id);
    if (same === undefined) continue;
    node.flags |= mark;
    for (const other of same) other.flags |= mark;
  }
}

/** Keeps only the left or only the right side of `A...B`. */
export function limitToSide(list: readonly CommitNode[], right: boolean): void {
  for (const node of list) {
    if (((node.flags & SYMMETRIC_LEFT) !== 0) === right) node.flags |= SHOWN;
  }
}

/** Keeps only commits from which one of the bottoms can be reached, the bottoms, and (explicit ones') ancestors. */
export function limitToAncestry(bottoms: readonly CommitNode[], list: readonly CommitNode[]): void {
  for (const node of bottoms) node.flags |= TMP_MARK;
  let progress: boolean;
  do {
    progress = false;
    for (let i = list.length - 1; i >= 0; i--) {
      const node = list[i]!;
      if ((node.flags & (TMP_MARK | UNINTERESTING)) !== 0) continue;
      for (const parent of node.parents) {
        if ((parent.flags & TMP_MARK) === 0) continue;
        node.flags |= TMP_MARK;
        progress = true;
        break;
      }
    }
  } while (progress);
  for (const node of list) {
    if ((node.flags & (TMP_MARK | UNINTERESTING | ANCESTRY_PATH)) === 0) node.flags |= UNINTERESTING;
  }
  for (const node of list) node.flags &= ~TMP_MARK;
  for (const node of bottoms) node.flags &= ~TMP_MARK;
}
