import { isPromise } from '../base/awaitable.js';
import type { Oid } from '../base/oid.js';
import { pairOfChange, type FilePair } from '../diff/pair.js';
import { diffTrees } from '../diff/trees.js';
import type { ObjectSource } from '../objects/source.js';
import { pathFilter } from '../porcelain/log-paths.js';
import type { Pathspec } from '../repo/pathspec.js';
import type { Repository } from '../repo/repository.js';

export interface TreePairsOptions {
  readonly recursive?: boolean | undefined;
  readonly showTrees?: boolean | undefined;
  readonly pathspec?: Pathspec | undefined;
  readonly unmodified?: boolean | undefined;
  /** Where trees and files are read; the repository's objects unless said. */
  readonly objects?: ObjectSource | undefined;
}

/** The raw pairs of two trees (`undefined`: the empty tree), before renames are looked for. */
export async function treePairs(
  repository: Repository,
  old: Oid | undefined,
  fresh: Oid | undefined,
  options: TreePairsOptions,
): Promise<FilePair[]> {
  const pairs: FilePair[] = [];
  const objects = options.objects ?? repository.objects;
  const walk = diffTrees(
    objects,
    old,
    fresh,
    repository.oidLength,
    {
      recursive: options.recursive,
      showTrees: options.showTrees,
      unmodified: options.unmodified,
      filter: pathFilter(options.pathspec),
    },
    (change) => {
      pairs.push(pairOfChange(objects, change));
    },
  );
  if (isPromise(walk)) await walk;
  return pairs;
}
