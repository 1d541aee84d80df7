import { encodeText, type Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import {
  combinedPatch,
  combinedRecord,
  intersectPairs,
  type CombinedOptions,
  type CombinedPath,
} from '../diff/combined.js';
import type { DiffOptions } from '../diff/options.js';
import { writeDiff } from '../diff/output.js';
import type { FilePair } from '../diff/pair.js';
import type { Pathspec } from '../repo/pathspec.js';
import type { Repository } from '../repo/repository.js';
import type { DiffTask } from './diff-setup.js';
import { treePairs } from './diff-trees.js';

export interface CombinedRequest {
  readonly form: 'combined' | 'dense';
  readonly allPaths: boolean;
  readonly pathspec: Pathspec | undefined;
  readonly walk: { readonly recursive: boolean; readonly showTrees: boolean };
  /** Printed in front, whether anything follows or not. */
  readonly header: string;
  /** In front of every line, beside a graph. */
  readonly linePrefix?: string | undefined;
}

/** Throws `USAGE` at options that do not go with a merge against all its parents at once. */
export function checkCombined({ args: { words } }: DiffTask): void {
  if (words.ignoreMatching.length > 0)
    throw new GitError('USAGE', "combined diff and '--ignore-matching-lines' cannot be used together");
  if (words.output !== undefined) throw new GitError('USAGE', "combined diff and '--output' cannot be used together");
}

/** A merge against all its parents at once, in pieces. `checkCombined` comes first. */
export async function* combinedPieces(
  repository: Repository,
  task: DiffTask,
  parents: readonly Oid[],
  result: Oid,
  request: CombinedRequest,
): AsyncGenerator<Bytes> {
  const generic = task.transforms;
  const { words } = task.args;
  const rawOf = (parent: Oid): Promise<FilePair[]> =>
    treePairs(repository, parent, result, {
      recursive: true,
      showTrees: request.walk.showTrees,
      pathspec: request.pathspec,
      unmodified: task.wantsUnmodified,
      maxDepth: words.maxDepth,
    });
  const lists: FilePair[][] = [];
  // Where nothing looks for renames and the like, the trees are compared as they are: no other option matters.
  for (const parent of parents) lists.push(generic ? await task.process(await rawOf(parent)) : await rawOf(parent));
  let paths = intersectPairs(lists);
  if (!generic) {
    paths = paths.map((path) => ({
      ...path,
      parents: path.parents.map((parent) => (parent.status === 'T' ? { ...parent, status: 'M' as const } : parent)),
    }));
  }
  const options: CombinedOptions = { dense: request.form === 'dense', allPaths: request.allPaths };
  if (request.header !== '') yield encodeText(request.header);
  const shown = request.linePrefix === undefined ? task.options : { ...task.options, linePrefix: request.linePrefix };
  const { formats } = task;
  const stat = { ...formats, raw: false, name: false, nameStatus: false, patch: false, check: false };
  const hasStat =
    formats.stat !== undefined ||
    formats.numstat === true ||
    formats.shortstat === true ||
    formats.dirstat !== undefined ||
    formats.summary === true;
  if (hasStat) {
    const first = generic ? lists[0]! : await task.process(await rawOf(parents[0]!));
    for await (const piece of writeDiff(first, stat, shown)) yield piece;
  }
  yield* writeCombined(task, paths, options, hasStat, shown);
}

/** Writes combined paths in the task's forms. `separated`: something stands in front already. */
export async function* writeCombined(
  task: DiffTask,
  paths: readonly CombinedPath[],
  options: CombinedOptions,
  separated = false,
  shown: DiffOptions = task.options,
): AsyncGenerator<Bytes> {
  if (paths.length === 0) return;
  const { formats } = task;
  const form =
    formats.raw === true
      ? 'raw'
      : formats.nameStatus === true
        ? 'nameStatus'
        : formats.name === true
          ? 'name'
          : undefined;
  let separate = separated;
  if (form !== undefined) {
    let text = '';
    for (const path of paths) text += await combinedRecord(path, form, shown, options);
    yield encodeText(text);
    separate = true;
  }
  if (formats.patch !== true) return;
  for (const path of paths) {
    const piece = await combinedPatch(path, shown, options);
    if (separate) yield encodeText((shown.linePrefix ?? '') + (shown.terminator ?? '\n'));
    separate = false;
    if (piece.length > 0) yield piece;
  }
}
