import type { Bytes } from '../base/bytes.js';
import { isZeroOid } from '../base/oid.js';
import { equalBytes } from '../base/bytes.js';
import type { FilePair } from '../diff/pair.js';
import type { FilesDiff } from '../porcelain/work-tree-pairs.js';
import { identifySide } from '../porcelain/work-tree-pairs.js';
import { refreshIndex } from '../worktree/refresh.js';
import type { WorkTree } from '../worktree/work-tree.js';
import type { CommandContext } from './command.js';
import { writeCombined } from './diff-merges.js';
import type { DiffArguments } from './diff-options.js';
import { type DiffTask, setUpDiff } from './diff-setup.js';

/** Brings the stat words of the index up to date, and on disk if that is possible without waiting. */
export async function refreshForDiff(context: CommandContext, tree: WorkTree): Promise<void> {
  if (tree.repository.workTree === undefined) return;
  const lock = context.globals.optionalLocks ? tree.tryLockIndex() : undefined;
  try {
    if (lock !== undefined) tree.reloadIndex();
    await refreshIndex(tree, { unmerged: true });
    if (lock !== undefined && tree.index.changed) tree.commitIndex(lock);
    else lock?.rollback();
  } catch (error) {
    lock?.rollback();
    throw error;
  }
}

/** Leaves out files that only looked different: same mode, same content. */
export async function withoutStatOnly(pairs: readonly FilePair[]): Promise<FilePair[]> {
  const kept: FilePair[] = [];
  for (const pair of pairs) {
    const { old, new: fresh } = pair;
    if (pair.status === 'M' && old.mode === fresh.mode && isZeroOid(fresh.oid) && fresh.dirty !== true) {
      if (equalBytes(await old.read(), await fresh.read())) continue;
    }
    kept.push(pair);
  }
  return kept;
}

/** Shows what was found: first the combined ones, then the rest. Answers whether anything differs. */
export async function* showFilesDiff(task: DiffTask, found: FilesDiff, dense: boolean): AsyncGenerator<Bytes, boolean> {
  const { relative } = task.options;
  for (const path of found.combined) {
    if (relative !== undefined && !path.path.startsWith(relative)) continue;
    const piece = writeCombined(task, [path], { dense, workTree: true });
    yield* piece;
  }
  const pairs = await task.process(found.pairs);
  yield* task.write(pairs);
  return found.combined.length > 0 || (await task.differs(pairs));
}

/** What `diff-files` and `diff-index` are set up with. */
export async function plumbingDiff(
  context: CommandContext,
  tree: WorkTree,
  args: DiffArguments,
  merges: 'combined' | 'dense' | undefined,
): Promise<DiffTask> {
  const task = await setUpDiff(context, args, {
    ui: false,
    defaultForm: merges === 'dense' ? 'patch' : 'raw',
    rawFullIds: true,
    externalDiff: true,
    attributesOf: (path) => tree.attributes.of(path),
    identify: identifier(tree),
    tree,
  });
  task.strictRotation = true;
  return task;
}

/** Tells what was found, piece by piece, and answers the exit code. */
export async function* tellFilesDiff(
  task: DiffTask,
  found: FilesDiff,
  dense: boolean,
): AsyncGenerator<{ readonly text: Bytes }, number | undefined> {
  const pieces = showFilesDiff(task, found, dense);
  let step = await pieces.next();
  while (step.done !== true) {
    yield { text: step.value };
    step = await pieces.next();
  }
  task.warnAboutLimits();
  return task.exitCode(step.value);
}

/** The options of a task with ids computed where the work tree is read. */
export const identifier =
  (tree: WorkTree) =>
  (side: Parameters<typeof identifySide>[1]): ReturnType<typeof identifySide> =>
    identifySide(tree, side);
