import { isPromise } from '../base/awaitable.js';
import { GitError } from '../base/errors.js';
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
  /** Levels of directories below each path asked for; without limit unless said. Goes into directories by itself. */
  readonly maxDepth?: number | undefined;
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
  const { pathspec, maxDepth } = options;
  if (Number.isFinite(maxDepth) && pathspec?.hasWildcards === true)
    throw new GitError('USAGE', 'max-depth cannot be used with wildcard pathspecs');
  const objects = options.objects ?? repository.objects;
  const walk = diffTrees(
    objects,
    old,
    fresh,
    repository.oidLength,
    {
      recursive: options.recursive === true || maxDepth !== undefined,
      showTrees: options.showTrees,
      unmodified: options.unmodified,
      filter: pathFilter(pathspec),
      descends: maxDepth === undefined ? undefined : (path) => isWithin(path, maxDepth, pathspec),
    },
    (change) => {
      pairs.push(pairOfChange(objects, change));
    },
  );
  if (isPromise(walk)) await walk;
  return pairs;
}

/** Whether what is below a directory is at most `most` levels below a path that was asked for. */
function isWithin(path: string, most: number, pathspec: Pathspec | undefined): boolean {
  const levels = path.split('/').length;
  if (pathspec === undefined || pathspec.isEmpty) return levels <= most;
  return pathspec.items.some((item) => {
    const asked = item.match.replace(/\/$/, '');
    if (asked.startsWith(`${path}/`)) return true;
    if (asked !== '' && asked !== path && !path.startsWith(`${asked}/`)) return false;
    return levels - (asked === '' ? 0 : asked.split('/').length) < most + (asked === '' ? 1 : 0);
  });
}
