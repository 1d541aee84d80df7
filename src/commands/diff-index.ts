import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { indexDiff } from '../porcelain/work-tree-pairs.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import { commonDiffUsage } from './common-diff-usage.js';
import { defineCommand, renderText } from './command.js';
import { DiffArguments } from './diff-options.js';
import { mergeBaseOf } from './diff-tree.js';
import { checkDiffWords } from './diff-setup.js';
import { plumbingDiff, tellFilesDiff } from './diff-work-tree.js';
import { UsageError } from './options.js';
import { openWorkTree, pathspecOf } from './work-tree.js';

export const command = defineCommand({
  name: 'diff-index',
  summary: 'Compare a tree to the working tree or index',
  usage: [
    'diff-index [-m] [--cached] [--merge-base] [<common-diff-options>] <tree-ish> [<path>...]\n\n' + commonDiffUsage,
  ],
  options: {},
  parsing: { none: true },
  async *run(context) {
    const { argv } = context;
    if (argv.length === 1 && argv[0] === '-h') throw new UsageError('', { help: true });
    const args = new DiffArguments();
    const words: string[] = [];
    let paths: string[] | undefined;
    let cached = false;
    let matchMissing = false;
    let mergeBase = false;
    let merges: 'combined' | 'dense' | undefined;
    for (let i = 0; i < argv.length; ) {
      const word = argv[i]!;
      if (word === '--') {
        paths = argv.slice(i + 1);
        break;
      }
      if (!word.startsWith('-')) words.push(word);
      else if (word === '--cached') cached = true;
      else if (word === '-m') matchMissing = true;
      else if (word === '--merge-base') mergeBase = true;
      else if (word === '-c') merges = 'combined';
      else if (word === '--cc') merges = 'dense';
      else if (word !== '-r' && word !== '-t') {
        const taken = args.take(argv, i);
        if (taken === 0) throw new UsageError('');
        i += taken;
        continue;
      }
      i++;
    }
    const [name, ...more] = words;
    await checkDiffWords(context, args);
    if (name === undefined) throw new UsageError('');
    const tree = openWorkTree(context, { bareToo: cached });
    const { repository } = tree;
    let oid = await resolveRevision(repository, name);
    if (oid === undefined) {
      throw new GitError(
        'REF_MISSING',
        paths === undefined
          ? `ambiguous argument '${name}': unknown revision or path not in the working tree.\nUse '--' to separate paths from revisions, like this:\n'git <command> [<revision>...] -- [<file>...]'`
          : `bad revision '${name}'`,
      );
    }
    if (Number.isFinite(args.words.maxDepth)) throw new GitError('USAGE', 'max-depth is not supported for index diffs');
    const task = await plumbingDiff(context, tree, args, merges);
    if (mergeBase) {
      const head = await resolveRevision(repository, 'HEAD');
      if (head === undefined) throw new GitError('REF_MISSING', 'unable to get HEAD');
      oid = await mergeBaseOf(context, head, oid);
    }
    const base = await peelTo(repository, oid, 'tree');
    if (base === undefined) throw new GitError('REF_MISSING', `bad tree object ${oid}`);
    const pathspec = pathspecOf(context, tree, [...more, ...(paths ?? [])]);
    try {
      const found = await indexDiff(tree, base as Oid<'tree'>, {
        cached,
        matchMissing,
        pathspec,
        unmodified: task.wantsUnmodified,
        combine: merges !== undefined,
        // The index alone is shown with what is only intended.
        intentInvisible: cached ? args.words.intentVisible === false : args.words.intentVisible !== true,
        submoduleIgnore: task.submoduleIgnore,
      });
      return yield* tellFilesDiff(task, found, merges !== 'combined');
    } finally {
      await tree.close();
    }
  },
  render: renderText,
});
