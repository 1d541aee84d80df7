import type { CommitNode } from './commit-pool.js';
import { TREESAME, UNINTERESTING } from './flags.js';

export interface Bisection {
  /** The commit to test, or with `all` every commit, the best first. */
  readonly commits: readonly CommitNode[];
  /** Commits that can be at fault. */
  readonly all: number;
  /** Of these, how many the best commit reaches, itself included. */
  readonly reaches: number;
  readonly distances: ReadonlyMap<CommitNode, number>;
}

/** True when a commit splits `count` commits about in the middle. */
function isHalfway(weight: number, count: number): boolean {
  const difference = Math.abs(2 * weight - count);
  return difference <= 1 || difference < count / 1024;
}

/** Finds the commit of a limited list that divides it best (git bisect). `list`: newest first. */
export function findBisection(list: readonly CommitNode[], all: boolean, firstParent: boolean): Bisection {
  const commits = list.filter((node) => (node.flags & UNINTERESTING) === 0).reverse();
  const counts = (node: CommitNode): boolean => (node.flags & TREESAME) === 0;
  const parentsOf = (node: CommitNode): readonly CommitNode[] =>
    firstParent ? node.parents.slice(0, 1) : node.parents;
  const count = commits.filter(counts).length;
  const weights = new Map<CommitNode, number>();
  const MERGE = -2;
  const UNKNOWN = -1;
  let counted = 0;
  for (const node of commits) {
    const parents = parentsOf(node).filter((parent) => (parent.flags & UNINTERESTING) === 0).length;
    if (parents === 0) {
      weights.set(node, counts(node) ? 1 : 0);
      if (counts(node)) counted++;
    } else weights.set(node, parents === 1 ? UNKNOWN : MERGE);
  }
  const answer = (best: CommitNode): Bisection => ({
    commits: [best],
    all: count,
    reaches: weights.get(best) ?? 0,
    distances: new Map(),
  });
  for (const node of commits) {
    if (weights.get(node) !== MERGE) continue;
    weights.set(node, reachable(node, parentsOf, counts));
    if (!all && isHalfway(weights.get(node)!, count)) return answer(node);
    if (counts(node)) counted++;
  }
  for (let progress = true; counted < count && progress; ) {
    progress = false;
    for (const node of commits) {
      if (weights.get(node)! >= 0) continue;
      const parent = parentsOf(node).find(
        (candidate) => (candidate.flags & UNINTERESTING) === 0 && (weights.get(candidate) ?? -1) >= 0,
      );
      if (parent === undefined) continue;
      progress = true;
      const weight = weights.get(parent)!;
      if (counts(node)) {
        weights.set(node, weight + 1);
        counted++;
      } else weights.set(node, weight);
      if (!all && isHalfway(weights.get(node)!, count)) return answer(node);
    }
  }
  const distance = (node: CommitNode): number => {
    const weight = weights.get(node)!;
    return Math.min(weight, count - weight);
  };
  const candidates = commits.filter(counts);
  if (all) {
    const distances = new Map(candidates.map((node) => [node, distance(node)] as const));
    const sorted = [...candidates].sort(
      (a, b) => distances.get(b)! - distances.get(a)! || (a.oid < b.oid ? -1 : a.oid > b.oid ? 1 : 0),
    );
    return { commits: sorted, all: count, reaches: sorted.length > 0 ? weights.get(sorted[0]!)! : 0, distances };
  }
  let best: CommitNode | undefined;
  let bestDistance = -1;
  for (const node of candidates) {
    const own = distance(node);
    if (own > bestDistance) {
      best = node;
      bestDistance = own;
    }
  }
  return best === undefined ? { commits: [], all: count, reaches: 0, distances: new Map() } : answer(best);
}

function reachable(
  start: CommitNode,
  parentsOf: (node: CommitNode) => readonly CommitNode[],
  counts: (node: CommitNode) => boolean,
): number {
  const seen = new Set<CommitNode>([start]);
  const stack = [start];
  let count = 0;
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (counts(node)) count++;
    for (const parent of parentsOf(node)) {
      if ((parent.flags & UNINTERESTING) !== 0 || seen.has(parent)) continue;
      seen.add(parent);
      stack.push(parent);
    }
  }
  return count;
}

/** About how many more tests it takes to find one commit among `all`. */
export function bisectSteps(all: number): number {
  if (all < 3) return 0;
  const power = Math.floor(Math.log2(all));
  const whole = 2 ** power;
  return whole < 3 * (all - whole) ? power : power - 1;
}
