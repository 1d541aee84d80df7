import { GitError } from '../base/errors.js';
import { addToIndex } from '../porcelain/add.js';
import { refreshIndex } from '../worktree/refresh.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import {
  advise,
  adviseSparse,
  openWorkTree,
  pathspecFileOptions,
  pathspecOf,
  pathspecWords,
  wholeTree,
} from './work-tree.js';
import { advanceOption, checkPatchOptions, hunkOptions, patchOptions } from './patch-options.js';

interface Line {
  readonly action: 'add' | 'remove' | 'note';
  readonly path: string;
}

export const command = defineCommand({
  name: 'add',
  summary: 'add file contents to the index',
  usage: ['add [<options>] [--] <pathspec>...'],
  options: {
    'dry-run': { type: 'flag', short: 'n', help: 'dry run' },
    verbose: { type: 'flag', short: 'v', help: 'be verbose' },
    interactive: { type: 'flag', short: 'i', help: 'interactive picking' },
    patch: { type: 'flag', short: 'p', help: 'select hunks interactively' },
    ...advanceOption,
    ...hunkOptions,
    edit: { type: 'flag', short: 'e', help: 'edit current diff and apply' },
    force: { type: 'flag', short: 'f', help: 'allow adding otherwise ignored files' },
    update: { type: 'flag', short: 'u', help: 'update tracked files' },
    renormalize: { type: 'flag', help: 'renormalize EOL of tracked files (implies -u)' },
    'intent-to-add': {
      type: 'flag',
      short: 'N',
      help: 'record only the fact that the path will be added later',
    },
    all: { type: 'flag', short: 'A', help: 'add changes from all tracked and untracked files' },
    'ignore-removal': { type: 'flag', help: 'ignore paths removed in the working tree (same as --no-all)' },
    refresh: { type: 'flag', help: "don't add, only refresh the index" },
    'ignore-errors': { type: 'flag', help: 'just skip files which cannot be added because of errors' },
    'ignore-missing': { type: 'flag', help: 'check if - even missing - files are ignored in dry run' },
    sparse: { type: 'flag', help: 'allow updating entries outside of the sparse-checkout cone' },
    'no-warn-embedded-repo': { type: 'flag', hidden: true, help: 'do not warn about repositories inside this one' },
    chmod: { type: 'string', value: '(+|-)x', help: 'override the executable bit of the listed files' },
    ...pathspecFileOptions,
  },
  async *run(context, { values, rest }): AsyncGenerator<Line, number> {
    const interactive = values.interactive === true || values.patch === true;
    if (interactive) {
      checkPatchOptions(values, interactive);
      if (values['dry-run'] === true)
        throw new GitError('USAGE', "options '--dry-run' and '--interactive/--patch' cannot be used together");
      if (values['pathspec-from-file'] != null)
        throw new GitError(
          'USAGE',
          "options '--pathspec-from-file' and '--interactive/--patch' cannot be used together",
        );
      const words = pathspecWords(context, values, rest);
      const tree = openWorkTree(context);
      pathspecOf(context, tree, words);
      if (values.patch === true) {
        const { patchInteractively, stageMode } = await import('./add-patch.js');
        return await patchInteractively(context, tree, stageMode, words, patchOptions(values));
      }
      const { addInteractively } = await import('./add-interactive.js');
      return await addInteractively(context, tree, words, patchOptions(values));
    }
    checkPatchOptions(values, interactive);
    if (values.edit === true) {
      if (values['pathspec-from-file'] != null)
        throw new GitError('USAGE', "options '--pathspec-from-file' and '--edit' cannot be used together");
      const { addEdited } = await import('./add-edit.js');
      return await addEdited(context, openWorkTree(context), pathspecWords(context, values, rest));
    }
    const all = values.all ?? (values['ignore-removal'] === undefined ? undefined : !values['ignore-removal']);
    if (values.all === true && values.update === true) {
      throw new GitError('USAGE', "options '-A' and '-u' cannot be used together");
    }
    const dryRun = values['dry-run'] === true;
    if (values['ignore-missing'] === true && !dryRun) {
      throw new GitError('USAGE', "the option '--ignore-missing' requires '--dry-run'");
    }
    const chmod = values.chmod;
    if (chmod != null && chmod !== '+x' && chmod !== '-x') {
      throw new GitError('USAGE', `--chmod param '${chmod}' must be either -x or +x`);
    }
    const tree = openWorkTree(context);
    const words = pathspecWords(context, values, rest);
    const renormalize = values.renormalize === true;
    const update = values.update === true || renormalize;
    const newFiles = !update && values.refresh !== true;
    if (words.length === 0 && values.update !== true && all !== true) {
      context.printError('Nothing specified, nothing added.\n');
      advise(context, 'addEmptyPathspec', "Maybe you wanted to say 'git add .'?");
      return 0;
    }
    const removals = all ?? (words.length > 0 || update);
    const everything = words.length === 0 && (all === true || update);
    const pathspec = pathspecOf(context, tree, everything ? [wholeTree(tree)] : words);
    const lock = tree.lockIndex();
    try {
      tree.reloadIndex();
      if (values.refresh === true) {
        const verbose = values.verbose === true;
        const stale: string[] = [];
        await refreshIndex(tree, {
          pathspec,
          unmerged: true,
          report: (path, why) => {
            const letter = { deleted: 'D', typechange: 'T', unmerged: 'U', added: 'A', modified: 'M' }[why];
            if (verbose) stale.push(`${letter}\t${path}\n`);
          },
        });
        if (stale.length > 0)
          yield { action: 'note', path: `Unstaged changes after refreshing the index:\n${stale.join('')}` };
        for (const item of pathspec.unmatched()) {
          throw new GitError('USAGE', `pathspec '${item.original}' did not match any files`);
        }
        if (tree.index.changed) tree.commitIndex(lock);
        return 0;
      }
      const ignoreErrors =
        values['ignore-errors'] ??
        tree.repository.config.getBool('add.ignoreerrors', tree.repository.config.getBool('add.ignore-errors', false));
      const result = await addToIndex(tree, {
        pathspec,
        newFiles,
        removals,
        updates: true,
        force: values.force === true,
        dryRun,
        intentToAdd: values['intent-to-add'] === true,
        renormalize,
        strict: update && !renormalize && !everything ? !ignoreErrors : undefined,
        ignoreErrors,
        ignoreMissing: values['ignore-missing'] === true,
        executable: chmod == null ? undefined : chmod === '+x',
      });
      for (const word of result.unmatched) context.error(`pathspec '${word}' did not match any file(s) known to git`);
      // Git tells of what it did before it finds that out.
      if (result.unmatched.length > 0) {
        if (dryRun || values.verbose === true) for (const action of result.actions) yield action;
        return 128;
      }
      for (const message of result.failures) context.error(message);
      let failed = result.failures.length > 0;
      let code = 1;
      if (dryRun || values.verbose === true) for (const action of result.actions) yield action;
      if (result.ignored.length > 0) {
        context.printError(
          `The following paths are ignored by one of your .gitignore files:\n${result.ignored.join('\n')}\n`,
        );
        advise(context, 'addIgnoredFile', 'Use -f if you really want to add them.');
        failed = true;
      }
      if (result.sparse.length > 0) {
        adviseSparse(context, result.sparse);
        failed = true;
      }
      for (const path of result.notFlipped) {
        context.error(`cannot chmod ${chmod} '${path}'`);
        failed = true;
        code = 255;
      }
      if (values['no-warn-embedded-repo'] !== true) warnEmbedded(context, result.embedded);
      if (!dryRun && tree.index.changed) tree.commitIndex(lock);
      return failed ? code : 0;
    } finally {
      lock.rollback();
      await tree.close();
    }
  },
  render: ({ action, path }) => (action === 'note' ? path : `${action} '${path}'\n`),
});

function warnEmbedded(context: CommandContext, paths: readonly string[]): void {
  for (const [i, path] of paths.entries()) {
    context.warning(`adding embedded git repository: ${path}`);
    if (i > 0) continue;
    advise(
      context,
      'addEmbeddedRepo',
      "You've added another git repository inside your current repository.\n" +
        'Clones of the outer repository will not contain the contents of\n' +
        'the embedded repository and will not know how to obtain it.\n' +
        'If you meant to add a submodule, use:\n' +
        '\n' +
        `\tgit submodule add <url> ${path}\n` +
        '\n' +
        'If you added this path by mistake, you can remove it from the\n' +
        'index with:\n' +
        '\n' +
        `\tgit rm --cached ${path}\n` +
        '\n' +
        'See "git help submodule" for more information.',
    );
  }
}
