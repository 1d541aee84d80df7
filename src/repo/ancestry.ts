import { isPromise } from '../base/awaitable.js';
import type { CommitNode } from '../history/merge-base.js';
import { Ancestry, commitReader } from '../history/merge-base.js';
import type { Repository } from './repository.js';

/**
 * The search for common ancestors over a repository, by positions of the commit-graph where there is one. Shallow
 * commits have no parents, grafts have those they name.
 */
export function openAncestry(repository: Repository): Ancestry {
  const reader = commitReader(repository.objects);
  const { commitGraph, grafts } = repository;
  if (grafts.size === 0) return new Ancestry(reader, commitGraph);
  return new Ancestry({
    commit(oid) {
      const parents = grafts.get(oid);
      const node = reader.commit(oid);
      if (parents === undefined) return node;
      const grafted = ({ seconds }: CommitNode): CommitNode => ({ parents, seconds });
      return isPromise(node) ? node.then(grafted) : grafted(node);
    },
  });
}
