import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { checkBranchName } from '../porcelain/branch-make.js';
import { resolveRevision } from '../repo/revision.js';
import { defineCommand } from './command.js';
import { checkStyle, mergeAsked } from './restore-run.js';
import type { Target } from './switch-run.js';
import { tellBranchFailure } from './branch-advice.js';
import { guessRemoteBranch, readTarget, switchBranches } from './switch-run.js';
import { adviceOn, openWorkTree } from './work-tree.js';
import { branchOptions, writingOptions } from './switch-options.js';

export const command = defineCommand({
  name: 'switch',
  summary: 'switch branches',
  usage: ['switch [<options>] [<branch>]'],
  options: {
    create: { type: 'string', short: 'c', value: 'branch', help: 'create and switch to a new branch' },
    'force-create': { type: 'string', short: 'C', value: 'branch', help: 'create/reset and switch to a branch' },
    guess: { type: 'flag', help: "second guess 'git switch <no-such-branch>'" },
    'discard-changes': { type: 'flag', help: 'throw away local modifications' },
    ...writingOptions,
    ...branchOptions,
  },
  async *run(context, { values: said, rest, events }): AsyncGenerator<never, number> {
    yield* [];
    const values = { ...said, merge: mergeAsked(events) };
    const tree = openWorkTree(context, { submodules: values['recurse-submodules'] });
    const { repository } = tree;
    try {
      const names = [values.create, values['force-create'], values.orphan].filter((name) => name != null);
      if (names.length > 1) throw new GitError('USAGE', "options '-c', '-C', and '--orphan' cannot be used together");
      const force = values.force === true || values['discard-changes'] === true;
      const merge = values.merge === true;
      checkStyle(values.conflict);
      let name = values.create ?? values['force-create'] ?? undefined;
      const track = values.track;
      if (rest.length > 1) throw new GitError('USAGE', 'only one reference expected');
      const [word] = rest;
      let target: Target | undefined;
      let guessed = false;
      const refuseExisting = async (branch: string): Promise<void> => {
        if ((await repository.refs.resolve(`refs/heads/${branch}`)) === undefined) return;
        throw new GitError('USAGE', `a branch named '${branch}' already exists`);
      };
      // `-t origin/x` makes the branch `x`.
      const derived = track !== undefined && name === undefined && values.orphan == null;
      if (derived) {
        if (word === undefined) throw new GitError('USAGE', '--track needs a branch name');
        const short = word.replace(/^refs\//, '').replace(/^remotes\//, '');
        const slash = short.indexOf('/');
        if (slash < 0 || slash === short.length - 1) throw new GitError('USAGE', 'missing branch name; try -c');
        name = short.slice(slash + 1);
      }
      if (word !== undefined) {
        target = await readTarget(repository, word);
        const mayGuess =
          (values.guess ?? repository.config.getBool('checkout.guess', true)) &&
          name === undefined &&
          values.orphan == null &&
          track === undefined;
        if (target === undefined && mayGuess) {
          const found = await guessRemoteBranch('switch', context, repository, word);
          if (found === 'several')
            throw new GitError('USAGE', `'${word}' matched multiple (2) remote tracking branches`);
          if (found !== undefined) {
            const commit = (await resolveRevision(repository, `${found.ref}^{commit}`)) as Oid<'commit'> | undefined;
            target = { name: found.ref, ref: found.ref, commit };
            name = word;
            guessed = true;
          }
        }
        if (target === undefined) throw new GitError('USAGE', `invalid reference: ${word === '-' ? '@{-1}' : word}`);
      }
      if (derived) await refuseExisting(name!);
      if (values.orphan != null) await refuseExisting(values.orphan);
      if (name !== undefined && !guessed) {
        checkBranchName(name);
        if (values.create != null) await refuseExisting(name);
      }
      if (force && merge) throw new GitError('USAGE', "'--discard-changes' cannot be used with '--merge'");
      if (values.detach === true && (name !== undefined || values.orphan != null)) {
        throw new GitError('USAGE', "'--detach' cannot be used with '-b/-B/--orphan'");
      }
      if (values.orphan != null && target !== undefined) {
        throw new GitError('USAGE', "'--orphan' cannot take <start-point>");
      }
      if (values.orphan != null && track != null) throw new GitError('USAGE', "'--orphan' cannot be used with '-t'");
      const creates = name !== undefined || values.orphan != null;
      if (target === undefined && !creates && values.detach !== true) {
        throw new GitError('USAGE', 'missing branch or commit argument');
      }
      if (target !== undefined && target.commit === undefined) {
        const blob = await resolveRevision(repository, target.name);
        if (blob !== undefined && (await repository.objects.readHeader(blob))?.kind === 'blob')
          throw new GitError('USAGE', `unable to read tree (${blob})`);
        throw new GitError('USAGE', `Cannot switch branch to a non-commit '${word}'`);
      }
      if (target !== undefined && target.ref === undefined && !creates && values.detach !== true) {
        const { findRefs } = await import('../repo/revision-branch.js');
        const ref = (await findRefs(repository, target.name))[0]?.name;
        const kind =
          ref?.startsWith('refs/tags/') === true
            ? `tag '${target.name}'`
            : ref?.startsWith('refs/remotes/') === true
              ? `remote branch '${target.name}'`
              : ref === 'HEAD'
                ? `'${(await repository.refs.resolveFull('HEAD'))?.name ?? ref}'`
                : ref !== undefined
                  ? `'${target.name}'`
                  : `commit '${target.name}'`;
        throw new GitError('USAGE', `a branch is expected, got ${kind}`, {
          ...(adviceOn(context, 'suggestDetachingHead')
            ? { hint: 'If you want to detach HEAD at the commit, try again with the --detach option.' }
            : {}),
        });
      }
      return await switchBranches(context, tree, target, {
        command: 'switch',
        quiet: values.quiet === true,
        force,
        keepUntracked: values.force !== true,
        merge,
        conflictStyle: checkStyle(values.conflict),
        detach: values.detach === true,
        create: name,
        createForce: values['force-create'] != null,
        orphan: values.orphan ?? undefined,
        reflog: false,
        track: track === null ? 'never' : track === 'inherit' ? 'inherit' : track === 'direct' ? 'explicit' : undefined,
        overwriteIgnored: values['overwrite-ignore'] !== false,
        ignoreOtherWorktrees: values['ignore-other-worktrees'] === true,
      });
    } catch (error) {
      return tellBranchFailure(context, error);
    } finally {
      await tree.close();
    }
  },
  render: () => '',
});
