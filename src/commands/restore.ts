import { smudgeMeta } from '../porcelain/smudge-meta.js';
import type { SmudgeOptions } from '../worktree/convert.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { resolveKind } from '../repo/revision.js';
import { defineCommand } from './command.js';
import { together } from './options.js';
import { checkStyle, mergeAsked, sideAsked, restoreNamed } from './restore-run.js';
import { readTarget, warnAmbiguous } from './switch-run.js';
import { openWorkTree, pathspecFileOptions, pathspecOf, pathspecWords } from './work-tree.js';
import { checkPatchOptions, hunkOptions, patchOptions, patchSource } from './patch-options.js';
import { sideOptions, writingOptions } from './switch-options.js';

export const command = defineCommand({
  name: 'restore',
  summary: 'restore files of the work tree',
  usage: ['restore [<options>] [--source=<branch>] <file>...'],
  options: {
    source: { type: 'string', short: 's', value: '<tree-ish>', help: 'which tree-ish to checkout from' },
    staged: { type: 'flag', short: 'S', help: 'restore the index' },
    worktree: { type: 'flag', short: 'W', help: 'restore the working tree (default)' },
    'ignore-unmerged': { type: 'flag', help: 'ignore unmerged entries' },
    overlay: { type: 'flag', help: 'use overlay mode' },
    ...writingOptions,
    ...sideOptions,
    patch: { type: 'flag', short: 'p', help: 'select hunks interactively' },
    ...hunkOptions,
    'ignore-skip-worktree-bits': { type: 'flag', help: 'do not limit pathspecs to sparse entries only' },
    ...pathspecFileOptions,
  },
  async *run(context, { values: said, rest, events }): AsyncGenerator<never, number> {
    yield* [];
    const values = { ...said, ...sideAsked(events), merge: mergeAsked(events) };
    const tree = openWorkTree(context, { submodules: values['recurse-submodules'] });
    const { repository } = tree;
    try {
      checkStyle(values.conflict);
      checkPatchOptions(values, values.patch === true, '--patch');
      if (values.patch === true && values.overlay === true) throw together('-p', '--overlay');
      if (values['ignore-unmerged'] === true && values.merge) throw together('--ignore-unmerged', '-m');
      const staged = values.staged === true;
      const worktree = values.worktree ?? values.staged === undefined;
      const merge = values.merge === true;
      if (values.source != null && (await readTarget(repository, values.source)) === undefined)
        throw new GitError('USAGE', `could not resolve '${values.source}'`);
      if (staged && values.source == null && (await readTarget(repository, 'HEAD')) === undefined)
        throw new GitError('USAGE', "could not resolve 'HEAD'");
      const words = pathspecWords(context, values, rest, [values.patch === true && '--patch']);
      if (values.patch === true) {
        const { checkoutMode, patchInteractively, resetMode } = await import('./add-patch.js');
        const source = values.source ?? undefined;
        const target = source === undefined ? undefined : await readTarget(repository, source);
        if (source !== undefined && target === undefined) throw new GitError('USAGE', `could not resolve '${source}'`);
        const from = target === undefined ? (staged ? 'HEAD' : undefined) : patchSource({ ...target, name: source! });
        const mode = staged && !worktree ? resetMode(from) : checkoutMode(from, staged);
        return await patchInteractively(context, tree, mode, words, patchOptions(values));
      }
      if (words.length === 0) throw new GitError('USAGE', 'you must specify path(s) to restore');
      pathspecOf(context, tree, words);
      if (!staged && !worktree) throw new GitError('USAGE', "neither '--staged' or '--worktree' is specified");
      if (staged && (values.ours === true || values.theirs === true))
        throw new GitError('USAGE', "'--ours' or '--theirs' cannot be used with --staged");
      if (staged && merge) throw new GitError('USAGE', "'--merge' or '--conflict' cannot be used with --staged");
      let source: Oid<'tree'> | undefined;
      let sourceOid: Oid | undefined;
      let meta: SmudgeOptions = {};
      const name = values.source ?? (staged ? 'HEAD' : undefined);
      if (name != null) {
        const target = await readTarget(repository, name);
        if (target === undefined) {
          if (values.source == null) source = undefined;
          else throw new GitError('USAGE', `could not resolve '${name}'`);
        } else {
          await warnAmbiguous(context, repository, target);
          source = await resolveKind(repository, target.commit ?? target.name, 'tree');
          if (source === undefined) throw new GitError('USAGE', `reference is not a tree: ${name}`);
          sourceOid = target.commit ?? source;
          meta = target.commit === undefined ? { treeish: source } : await smudgeMeta(repository, name, target.commit);
        }
        if (target === undefined && staged && values.source == null) {
          throw new GitError('USAGE', "could not resolve 'HEAD'");
        }
      }
      if (source !== undefined && (values.ours === true || values.theirs === true || merge)) {
        throw new GitError('USAGE', "'--merge', '--ours', or '--theirs' cannot be used when checking out of a tree");
      }
      return await restoreNamed(context, tree, {
        pathspec: pathspecOf(context, tree, words),
        source,
        sourceOid,
        staged,
        worktree,
        overlay: values.overlay === true,
        ours: values.ours === true,
        theirs: values.theirs === true,
        merge,
        style: checkStyle(values.conflict),
        ignoreUnmerged: values['ignore-unmerged'] === true,
        ignoreSkipBits: values['ignore-skip-worktree-bits'] === true,
        meta,
        count: false,
        quiet: values.quiet === true,
      });
    } finally {
      await tree.close();
    }
  },
  render: () => '',
});
