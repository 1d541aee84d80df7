import { type Bytes, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { path as checkPath } from '../base/path.js';
import { quotePath } from '../base/quote.js';
import type { Conflict, Stages } from '../merge/hook.js';
import type { Resolution } from '../merge/resolve.js';
import { openConflicts, settleConflict } from '../porcelain/merge-conflicts.js';
import { WorkTree } from '../worktree/work-tree.js';
import { type CommandContext, defineCommand } from './command.js';
import { UsageError } from './options.js';
import { valueStore } from './values.js';

interface Row {
  readonly path: string;
  readonly status: 'open' | 'settled';
  readonly kind?: Conflict['kind'] | undefined;
  readonly message?: string | undefined;
  readonly stages?: Stages | undefined;
  /** Conflicts that are still open. */
  readonly left: number;
}

export const command = defineCommand({
  name: 'resolve',
  summary: 'List the conflicts of a merge, or settle them one by one',
  usage: [
    'resolve [--branch <branch>]',
    'resolve [--branch <branch>] (--ours | --theirs | --base | --delete | --as-is) <path>...',
    'resolve [--branch <branch>] <path> (<value> | -)',
  ],
  options: {
    branch: { type: 'string', short: 'b', value: 'branch', help: 'of this branch instead of the current one' },
    ours: { type: 'mode', group: 'by', help: 'take our side' },
    theirs: { type: 'mode', group: 'by', help: 'take their side' },
    base: { type: 'mode', group: 'by', help: 'take what was there before' },
    delete: { type: 'mode', group: 'by', help: 'take it away' },
    'as-is': { type: 'mode', group: 'by', help: 'take what the merge left there' },
  },
  async *run(context, { values, rest }): AsyncGenerator<Row, number> {
    const merge = await open(context, values.branch);
    const by = (['ours', 'theirs', 'base', 'delete', 'as-is'] as const).find((name) => values[name] !== undefined);
    if (by === undefined && rest.length === 0) {
      const all = merge.conflicts();
      for (const conflict of all) yield { ...conflict, status: 'open', left: all.length };
      return all.length === 0 ? 0 : 1;
    }
    if (by === undefined ? rest.length !== 2 : rest.length === 0) throw new UsageError();
    const resolution: Resolution = by ?? { content: contentOf(context, rest[1]!) };
    for (const word of by === undefined ? [rest[0]!] : rest) {
      const path = checkPath(word);
      const left = await merge.settle(path, resolution);
      yield { path, status: 'settled', left };
    }
    return 0;
  },
  render: ({ path, status, kind, left }) =>
    status === 'open'
      ? `${quotePath(path, false)}${kind === undefined ? '' : `\t${kind}`}\n`
      : `settled ${quotePath(path, false)}, ${left} left\n`,
});

interface OpenMerge {
  conflicts(): readonly Pick<Row, 'path' | 'kind' | 'message' | 'stages'>[];
  settle(path: string, resolution: Resolution): Promise<number>;
}

/** The merge that waits: in the work tree's index, or kept with a branch. */
async function open(context: CommandContext, branch: string | null | undefined): Promise<OpenMerge> {
  const repository = context.repository();
  if (branch == null && repository.workTree !== undefined) {
    const tree = new WorkTree(repository, { warn: context.warning });
    if (tree.index.hasConflicts) {
      return {
        conflicts: () => openConflicts(tree),
        settle: async (path, resolution) => (await settleConflict(tree, path, resolution)).length,
      };
    }
  }
  const store = await valueStore(context, branch);
  let merge = await store.unfinishedMerge();
  return {
    conflicts: () => merge?.conflicts ?? [],
    settle: async (path, resolution) => {
      if (merge === undefined) throw new GitError('PATH_MISSING', `path '${path}' has no conflict`, { data: { path } });
      merge = await merge.settle(path, resolution);
      return merge.conflicts.length;
    },
  };
}

function contentOf(context: CommandContext, word: string): Bytes {
  return word === '-' ? context.io.stdin.readAll() : encodeText(`${word}\n`);
}
