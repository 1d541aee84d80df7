import type { CommitNode, CommitPool } from './commit-pool.js';
import { CommitQueue } from './commit-queue.js';

/** Author date of a commit object, seconds since the epoch. */
function authorSeconds(data: Uint8Array): number {
  let at = 0;
  // `author ` is the first header line after `tree` and the parents.
  while (at >= 0 && at < data.length && data[at] !== 0x0a) {
    const end = data.indexOf(0x0a, at);
    const stop = end < 0 ? data.length : end;
    if (data[at] === 0x61 && data[at + 1] === 0x75 && data[at + 6] === 0x20) {
      let close = stop - 1;
      while (close > at && data[close] !== 0x3e) close--;
      let seconds = 0;
      for (close += 1; data[close] === 0x20; close++);
      for (; close < stop; close++) {
        const digit = data[close]! - 48;
        if (digit < 0 || digit > 9) break;
        seconds = seconds * 10 + digit;
      }
      return seconds;
    }
    at = stop + 1;
  }
  return 0;
}

/**
 * Orders commits so that none comes before one of its children: `topo` keeps lines of history together, the date
 * orders take the newest of what may come next.
 */
export async function sortTopologically(
  pool: CommitPool,
  list: readonly CommitNode[],
  order: 'topo' | 'date' | 'author-date',
): Promise<CommitNode[]> {
  const degrees = new Int32Array(pool.size);
  for (const node of list) degrees[node.index] = 1;
  for (const node of list) {
    for (const parent of node.parents) if (degrees[parent.index]! > 0) degrees[parent.index]!++;
  }
  let authored: Float64Array | undefined;
  if (order === 'author-date') {
    authored = new Float64Array(pool.size);
    for (const node of list) authored[node.index] = authorSeconds(await pool.data(node));
  }
  const tips = list.filter((node) => degrees[node.index] === 1);
  const sorted: CommitNode[] = [];
  if (order === 'topo') {
    const stack = tips.reverse();
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      for (const parent of node.parents) {
        if (degrees[parent.index]! > 0 && --degrees[parent.index]! === 1) stack.push(parent);
      }
      degrees[node.index] = 0;
      sorted.push(node);
    }
    return sorted;
  }
  const queue = new CommitQueue();
  const key = (node: CommitNode) => (authored === undefined ? node.seconds : authored[node.index]!);
  for (const tip of tips) queue.push(tip, key(tip));
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    for (const parent of node.parents) {
      if (degrees[parent.index]! > 0 && --degrees[parent.index]! === 1) queue.push(parent, key(parent));
    }
    degrees[node.index] = 0;
    sorted.push(node);
  }
  return sorted;
}
