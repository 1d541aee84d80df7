import type { ConflictStyle } from '../merge/text.js';
import type { Oid } from '../base/oid.js';
import type { RestoreOptions } from '../porcelain/restore.js';
import { restorePaths, unresolve } from '../porcelain/restore.js';
import { abbreviate } from '../repo/revision-short.js';
import type { WorkTree } from '../worktree/work-tree.js';
import type { CommandContext } from './command.js';
import type { OptionEvent } from './options.js';
import { UsageError } from './options.js';

export interface PathsOptions extends RestoreOptions {
  /** Say how many paths were updated. */
  readonly count: boolean;
  readonly quiet: boolean;
  readonly sourceOid?: Oid | undefined;
}

/** Takes paths from index or tree, with git's messages. Answers the exit code. */
export async function restoreNamed(context: CommandContext, tree: WorkTree, options: PathsOptions): Promise<number> {
  if (options.worktree) tree.repository.config.getInt('checkout.workers');
  const lock = tree.lockIndex();
  try {
    tree.reloadIndex();
    if (options.merge === true && options.source === undefined) unresolve(tree, options.pathspec);
    const result = await restorePaths(tree, options);
    for (const word of result.unmatched) context.error(`pathspec '${word}' did not match any file(s) known to git`);
    for (const message of result.errors) context.error(message);
    if (result.unmatched.length > 0) return 1;
    if (tree.index.changed) tree.commitIndex(lock);
    // What could be written is told of also where something could not.
    if (result.errors.length > 0 && result.updated === 0) return 1;
    if (options.count && !options.quiet) {
      if (result.recreated > 0) {
        context.printError(`Recreated ${result.recreated} merge conflict${result.recreated === 1 ? '' : 's'}\n`);
      }
      if (result.updated > 0 || result.recreated === 0) {
        const paths = `Updated ${result.updated} path${result.updated === 1 ? '' : 's'}`;
        context.printError(
          options.sourceOid === undefined
            ? `${paths} from the index\n`
            : `${paths} from ${await abbreviate(tree.repository, options.sourceOid)}\n`,
        );
      }
    }
    const hook = tree.repository.hooks.run('post-checkout', await hookArguments(tree));
    return result.errors.length === 0 && (hook === undefined || hook.code === 0) ? 0 : 1;
  } finally {
    lock.rollback();
  }
}

async function hookArguments(tree: WorkTree): Promise<string[]> {
  const head = (await tree.repository.refs.resolve('HEAD')) ?? '0'.repeat(tree.repository.oidLength * 2);
  return [head, head, '0'];
}

export function checkStyle(style: string | null | undefined): ConflictStyle | undefined {
  if (style == null) return undefined;
  if (style !== 'merge' && style !== 'diff3' && style !== 'zdiff3') {
    throw new UsageError(`unknown conflict style '${style}'`, { quiet: true });
  }
  return style;
}

/** Whether conflicts are made (`-m`); `--conflict` means it too, and the last of them counts. */
export function mergeAsked(events: readonly OptionEvent[]): boolean {
  const last = events.findLast(({ key }) => key === 'merge' || key === 'conflict');
  return last !== undefined && !last.negated;
}

/** Of `--ours` and `--theirs` the last one counts. */
export function sideAsked(events: readonly OptionEvent[]): { ours?: boolean; theirs?: boolean } {
  const last = events.findLast(({ key }) => key === 'ours' || key === 'theirs');
  return last === undefined ? {} : { ours: last.key === 'ours', theirs: last.key === 'theirs' };
}
