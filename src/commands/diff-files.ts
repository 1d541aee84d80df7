import { GitError } from '../base/errors.js';
import { filesDiff } from '../porcelain/work-tree-pairs.js';
import { verifyFilename } from '../repo/revision-path.js';
import { commonDiffUsage } from './common-diff-usage.js';
import { defineCommand, renderText } from './command.js';
import { DiffArguments } from './diff-options.js';
import { plumbingDiff, tellFilesDiff } from './diff-work-tree.js';
import { UsageError } from './options.js';
import { openWorkTree, pathspecOf } from './work-tree.js';

export const command = defineCommand({
  name: 'diff-files',
  summary: 'Compare files in the working tree and the index',
  usage: ['diff-files [-q] [-0 | -1 | -2 | -3 | -c | --cc] [<common-diff-options>] [<path>...]\n\n' + commonDiffUsage],
  options: {},
  parsing: { none: true },
  async *run(context) {
    const { argv } = context;
    if (argv.length === 1 && argv[0] === '-h') throw new UsageError('', { help: true });
    const args = new DiffArguments();
    const paths: string[] = [];
    const bare: string[] = [];
    let unmerged: number | undefined;
    let merges: 'combined' | 'dense' | undefined;
    for (let i = 0; i < argv.length; ) {
      const word = argv[i]!;
      if (word === '--') {
        paths.push(...argv.slice(i + 1));
        break;
      }
      if (!word.startsWith('-')) {
        bare.push(word);
        paths.push(word);
        i++;
      } else if (word === '--base' || word === '-1') {
        unmerged = 1;
        i++;
      } else if (word === '--ours' || word === '-2') {
        unmerged = 2;
        i++;
      } else if (word === '--theirs' || word === '-3') {
        unmerged = 3;
        i++;
      } else if (word === '-0') {
        unmerged = 0;
        i++;
      } else if (word === '-q' || word === '-r' || word === '-m' || word === '-t') {
        i++;
      } else if (word === '-c') {
        merges = 'combined';
        i++;
      } else if (word === '--cc') {
        merges = 'dense';
        i++;
      } else {
        const taken = args.take(argv, i);
        if (/^-\d+\D/.test(word)) throw new GitError('USAGE', `'${word.slice(1)}': not an integer`);
        if (taken === 0) throw new UsageError('');
        i += taken;
      }
    }
    const tree = openWorkTree(context);
    for (const [i, path] of bare.entries()) await verifyFilename(tree.repository, path, i === 0);
    if (Number.isFinite(args.words.maxDepth))
      throw new GitError('USAGE', 'max-depth is not supported for worktree diffs');
    // Whatever merges are shown as, here it is a patch.
    const task = await plumbingDiff(context, tree, args, merges === undefined ? undefined : 'dense');
    if (unmerged === undefined && merges === undefined && task.formats.patch === true) merges = 'dense';
    const pathspec = pathspecOf(context, tree, paths);
    try {
      const found = await filesDiff(tree, {
        pathspec,
        unmodified: task.wantsUnmodified,
        unmerged,
        combine: merges !== undefined,
        intentInvisible: args.words.intentVisible !== true,
        submoduleIgnore: task.submoduleIgnore,
      });
      return yield* tellFilesDiff(task, found, merges !== 'combined');
    } finally {
      await tree.close();
    }
  },
  render: renderText,
});
