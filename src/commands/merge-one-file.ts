import { GitError } from '../base/errors.js';
import { isOid } from '../base/oid.js';
import { mergeOneFile } from '../porcelain/merge-one-file.js';
import { conflictStyle } from '../porcelain/merge-settings.js';
import { IndexEntry } from '../worktree/index-entry.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';
import { openWorkTree } from './work-tree.js';

export const command = defineCommand({
  name: 'merge-one-file',
  summary: 'The standard helper program to use with git-merge-index',
  usage: ['merge-one-file <orig-blob> <our-blob> <their-blob> <path> <orig-mode> <our-mode> <their-mode>'],
  options: {},
  parsing: { none: true },
  async *run(context, { rest }): AsyncGenerator<{ readonly merged: boolean }, number> {
    if (rest.length !== 7) throw new UsageError();
    const [base, ours, theirs, path, baseMode, ourMode, theirMode] = rest as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const tree = openWorkTree(context);
    const entry = (oid: string, mode: string): IndexEntry | undefined => {
      if (oid === '') return undefined;
      if (!isOid(oid)) throw new GitError('USAGE', `Not a valid object name ${oid}`);
      if (!/^[0-7]{1,6}$/.test(mode)) throw new GitError('USAGE', `Not a valid mode '${mode}'`);
      return IndexEntry.create({ path, oid, mode: Number.parseInt(mode, 8) });
    };
    const file = {
      path,
      base: entry(base, baseMode),
      ours: entry(ours, ourMode),
      theirs: entry(theirs, theirMode),
    };
    if (base + ours + theirs === '') throw new UsageError();
    const merged = await tree.updateIndex(() =>
      mergeOneFile(tree, file, conflictStyle(tree.repository.config), {
        out: (text) => context.print(text),
        err: (text) => context.printError(text),
      }),
    );
    yield { merged };
    return merged ? 0 : 1;
  },
  render: () => '',
});
