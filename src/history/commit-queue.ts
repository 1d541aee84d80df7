import type { CommitNode } from './commit-pool.js';
import { KeyedQueue } from './keyed-queue.js';

/** Commits, the newest first unless a key is given. */
export class CommitQueue extends KeyedQueue<CommitNode> {
  override push(node: CommitNode, key: number = node.seconds): void {
    super.push(node, key);
  }
}
