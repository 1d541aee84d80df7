import { smudgeMeta } from '../porcelain/smudge-meta.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { checkBranchName } from '../porcelain/branch-make.js';
import { verifyNotFilename } from '../repo/revision-path.js';
import { resolveKind, resolveRevision } from '../repo/revision.js';
import type { WorkTree } from '../worktree/work-tree.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { type OptionValues, together } from './options.js';
import { checkStyle, mergeAsked, restoreNamed, sideAsked } from './restore-run.js';
import type { SwitchRunOptions, Target } from './switch-run.js';
import { guessRemoteBranch, readTarget, switchBranches, warnAmbiguous } from './switch-run.js';
import { openWorkTree, pathspecFileOptions, pathspecOf, pathspecWords } from './work-tree.js';
import { tellBranchFailure } from './branch-advice.js';
import { advanceOption, checkPatchOptions, hunkOptions, patchOptions, patchSource } from './patch-options.js';
import { branchOptions, sideOptions, writingOptions } from './switch-options.js';

const options = {
  b: { type: 'string', short: 'b', shortOnly: true, value: 'branch', help: 'create and checkout a new branch' },
  B: { type: 'string', short: 'B', shortOnly: true, value: 'branch', help: 'create/reset and checkout a branch' },
  l: { type: 'flag', short: 'l', shortOnly: true, help: 'create reflog for new branch' },
  guess: { type: 'flag', help: "second guess 'git checkout <no-such-branch>' (default)" },
  overlay: { type: 'flag', help: 'use overlay mode (default)' },
  ...advanceOption,
  ...writingOptions,
  ...branchOptions,
  ...sideOptions,
  patch: { type: 'flag', short: 'p', help: 'select hunks interactively' },
  ...hunkOptions,
  'ignore-skip-worktree-bits': { type: 'flag', help: 'do not limit pathspecs to sparse entries only' },
  ...pathspecFileOptions,
} as const;

export const command = defineCommand({
  name: 'checkout',
  summary: 'switch branches or restore files',
  usage: ['checkout [<options>] <branch>', 'checkout [<options>] [<branch>] -- <file>...'],
  options,
  parsing: { keepDashDash: true },
  async *run(context, { values, rest, events }): AsyncGenerator<never, number> {
    yield* [];
    const tree = openWorkTree(context, { submodules: values['recurse-submodules'] });
    try {
      return await new Checkout(
        context,
        tree,
        {
          ...values,
          ...sideAsked(events),
          merge: mergeAsked(events),
          // A file without a name is none.
          'pathspec-from-file': values['pathspec-from-file'] || null,
        },
        rest,
      ).run();
    } catch (error) {
      return tellBranchFailure(context, error);
    } finally {
      await tree.close();
    }
  },
  render: () => '',
});

const matchedSeveral = (word: string): GitError =>
  new GitError('USAGE', `'${word}' matched multiple (2) remote tracking branches`);

class Checkout {
  readonly #context: CommandContext;
  readonly #tree: WorkTree;
  readonly #values: OptionValues<typeof options>;
  readonly #rest: readonly string[];

  constructor(context: CommandContext, tree: WorkTree, values: OptionValues<typeof options>, rest: readonly string[]) {
    this.#context = context;
    this.#tree = tree;
    this.#values = values;
    this.#rest = rest;
  }

  async run(): Promise<number> {
    const values = this.#values;
    const made = [
      values.b != null ? '-b' : '',
      values.B != null ? '-B' : '',
      values.orphan != null ? '--orphan' : '',
    ].filter(Boolean);
    if (made.length > 1) throw new GitError('USAGE', "options '-b', '-B', and '--orphan' cannot be used together");
    checkStyle(values.conflict);
    checkPatchOptions(values, values.patch === true, '--patch');
    if (values.overlay === true && values.patch === true) throw together('-p', '--overlay');
    const track = values.track === undefined ? undefined : values.track;
    if (track != null && track !== 'direct' && track !== 'inherit') {
      throw new GitError('USAGE', `option \`track' expects "direct" or "inherit"`);
    }
    const parsed = await this.#takeApart(track !== undefined && made.length === 0);
    let { target } = parsed;
    const { create: guessed } = parsed;
    const words = pathspecWords(this.#context, values, parsed.paths, [
      values.detach === true && '--detach',
      values.patch === true && '--patch',
    ]);
    const byPath = parsed.paths.length > 0 || values['pathspec-from-file'] != null || parsed.pathsMode;
    if (byPath) this.#checkWords(words, target);
    const name = (await this.#newBranch()) ?? guessed?.branch;
    if (name != null && guessed === undefined) {
      checkBranchName(name);
      if (values.b != null) await this.#refuseExisting(name);
    }
    if (values.orphan != null) {
      checkBranchName(values.orphan);
      await this.#refuseExisting(values.orphan);
    }
    if (byPath || values.patch === true) this.#refuseForPaths();
    if (values.patch === true) {
      await this.#refuseNoTree(target);
      const { checkoutMode, patchInteractively } = await import('./add-patch.js');
      return patchInteractively(
        this.#context,
        this.#tree,
        checkoutMode(patchSource(target), true),
        words,
        patchOptions(values),
      );
    }
    if (byPath) return this.#paths(words, target);
    if (guessed !== undefined) target = guessed.target;
    if (name != null && values.B == null && guessed !== undefined && track !== undefined) {
      checkBranchName(name);
      await this.#refuseExisting(name);
    }
    this.#refuseForSwitch(name, target);
    if (target !== undefined && target.commit === undefined) {
      await this.#refuseNoTree(target);
      throw new GitError('USAGE', `Cannot switch branch to a non-commit '${target.name}'`);
    }
    const run: SwitchRunOptions = {
      command: 'checkout',
      quiet: values.quiet === true,
      force: values.force === true,
      merge: values.merge === true,
      conflictStyle: checkStyle(values.conflict),
      detach: values.detach === true,
      create: name ?? undefined,
      createForce: values.B != null,
      orphan: values.orphan ?? undefined,
      reflog: values.l === true,
      track: track === null ? 'never' : track === 'inherit' ? 'inherit' : track === 'direct' ? 'explicit' : undefined,
      overwriteIgnored: values['overwrite-ignore'] !== false,
      ignoreOtherWorktrees: values['ignore-other-worktrees'] === true,
    };
    return switchBranches(this.#context, this.#tree, target, run);
  }

  async #refuseExisting(name: string): Promise<void> {
    if ((await this.#tree.repository.refs.resolve(`refs/heads/${name}`)) === undefined) return;
    throw new GitError('USAGE', `a branch named '${name}' already exists`);
  }

  async #refuseNoTree(target: Target | undefined): Promise<void> {
    if (target === undefined || target.commit !== undefined) return;
    const blob = await resolveRevision(this.#tree.repository, target.name);
    if (blob !== undefined && (await this.#tree.repository.objects.readHeader(blob))?.kind === 'blob')
      throw new GitError('USAGE', `unable to read tree (${blob})`);
  }

  /** Whether the words can be paths at all, and stand beside these options. */
  #checkWords(words: readonly string[], target: Target | undefined): void {
    const values = this.#values;
    pathspecOf(this.#context, this.#tree, words);
    const branch = values.b ?? values.B ?? values.orphan;
    if (branch != null && target === undefined && words.length === 1 && values['pathspec-from-file'] == null)
      throw new GitError('USAGE', `'${words[0]}' is not a commit and a branch '${branch}' cannot be created from it`);
    if (values.detach === true)
      throw new GitError('USAGE', `git checkout: --detach does not take a path argument '${words[0]}'`);
    const sides = values.ours === true || values.theirs === true;
    if ([sides, values.force === true, values.merge === true].filter(Boolean).length > 1)
      throw new GitError(
        'USAGE',
        'git checkout: --ours/--theirs, --force and --merge are incompatible when\nchecking out of the index.',
      );
  }

  #refuseForPaths(): void {
    const values = this.#values;
    const cannot = (option: string): GitError =>
      new GitError('USAGE', `'${option}' cannot be used with updating paths`);
    if (values.track != null) throw cannot('--track');
    if (values.l === true) throw cannot('-l');
    if (values.force === true && values.patch === true) throw cannot('--force');
    if (values.detach === true) throw cannot('--detach');
    if (values.merge === true && values.patch === true) throw together('--merge', '--patch');
    const branch = values.b ?? values.B ?? values.orphan;
    if (branch != null)
      throw new GitError('USAGE', `Cannot update paths and switch to branch '${branch}' at the same time.`);
  }

  /** Which word is a commit, which are paths. */
  async #takeApart(wantsTrack: boolean): Promise<{
    target: Target | undefined;
    paths: readonly string[];
    pathsMode: boolean;
    create: { branch: string; target: Target } | undefined;
  }> {
    const rest = this.#rest;
    const repository = this.#tree.repository;
    const none = { target: undefined, paths: [] as readonly string[], pathsMode: false, create: undefined };
    const [first] = rest;
    if (wantsTrack) {
      // `-t origin/x` makes the branch `x`.
      const word = first === undefined || first === '--' ? undefined : first;
      if (word === undefined) throw new GitError('USAGE', '--track needs a branch name');
      const short = word.replace(/^refs\//, '').replace(/^remotes\//, '');
      const slash = short.indexOf('/');
      if (slash < 0 || slash === short.length - 1) throw new GitError('USAGE', 'missing branch name; try -b');
      const target = await readTarget(repository, word);
      if (target === undefined) pathspecOf(this.#context, this.#tree, [word]);
      if (target === undefined)
        throw new GitError(
          'USAGE',
          `'${word}' is not a commit and a branch '${short.slice(slash + 1)}' cannot be created from it`,
        );
      return { ...none, create: { branch: short.slice(slash + 1), target } };
    }
    if (first === undefined) return none;
    const dash = rest.indexOf('--');
    if (first === '--') return { ...none, paths: rest.slice(1), pathsMode: rest.length > 1 };
    if (dash > 1) throw new GitError('USAGE', `only one reference expected, ${dash} given.`);
    const target = await readTarget(repository, first);
    if (dash === 1) {
      if (target === undefined) {
        const guess = rest.length === 2 ? await this.#guess(first) : undefined;
        if (guess !== undefined) return { ...none, create: guess };
        throw new GitError('USAGE', `invalid reference: ${first}`);
      }
      return { ...none, target, paths: rest.slice(2), pathsMode: rest.length > 2 };
    }
    const isFile = this.#tree.lstat(this.#fromTop(first)) !== undefined;
    if (target === undefined) {
      if (rest.length === 1 && !isFile) {
        const guess = await this.#guess(first);
        if (guess !== undefined) return { ...none, create: guess };
      } else if (rest.length === 1 && isFile && this.#mayGuess()) {
        const guess = await guessRemoteBranch('checkout', this.#context, repository, first);
        if (guess === 'several') throw matchedSeveral(first);
        if (guess !== undefined) {
          throw new GitError(
            'USAGE',
            `'${first}' could be both a local file and a tracking branch.\nPlease use -- (and optionally --no-guess) to disambiguate`,
          );
        }
      }
      return { ...none, paths: rest, pathsMode: true };
    }
    // A branch may be called like a file, as long as only that is said.
    if (rest.length > 1) verifyNotFilename(repository, first);
    return { ...none, target, paths: rest.slice(1), pathsMode: rest.length > 1 };
  }

  /** The name for `-b` and `-B`; `@{-1}` stands for the branch it was. */
  async #newBranch(): Promise<string | undefined> {
    const name = this.#values.b ?? this.#values.B;
    if (name?.startsWith('@{-') !== true) return name ?? undefined;
    const { interpretBranchName } = await import('../repo/revision-branch.js');
    const found = await interpretBranchName(this.#tree.repository, name, { priorOnly: true });
    return found?.used === name.length ? found.name : name;
  }

  #fromTop(word: string): string {
    return `${this.#tree.repository.prefix}${word}`.replace(/\/+$/, '');
  }

  #mayGuess(): boolean {
    const values = this.#values;
    return (
      (values.guess ?? this.#tree.repository.config.getBool('checkout.guess', true)) &&
      values.track === undefined &&
      values.b == null &&
      values.B == null &&
      values.orphan == null &&
      values.detach !== true &&
      values.patch !== true
    );
  }

  async #guess(word: string): Promise<{ branch: string; target: Target } | undefined> {
    if (!this.#mayGuess()) return undefined;
    const repository = this.#tree.repository;
    const found = await guessRemoteBranch('checkout', this.#context, repository, word);
    if (found === undefined) return undefined;
    if (found === 'several') {
      throw matchedSeveral(word);
    }
    const commit = (await resolveRevision(repository, `${found.ref}^{commit}`)) as Oid<'commit'> | undefined;
    return { branch: word, target: { name: found.ref, ref: found.ref, commit } };
  }

  #refuseForSwitch(name: string | null | undefined, target: Target | undefined): void {
    const values = this.#values;
    const cannot = (option: string): GitError =>
      new GitError('USAGE', `'${option}' cannot be used with switching branches`);
    if (values.patch === true) throw cannot('-p');
    if (values.overlay !== undefined) throw cannot('--[no]-overlay');
    if (values.ours === true || values.theirs === true) {
      if (target === undefined) throw new GitError('USAGE', "'--ours/--theirs' needs the paths to check out");
      throw cannot('--ours/--theirs');
    }
    if (values.force === true && (values.merge === true || values.conflict != null))
      throw new GitError('USAGE', "'-f' cannot be used with '-m'");
    if (values.detach === true && (name != null || values.orphan != null))
      throw new GitError('USAGE', "'--detach' cannot be used with '-b/-B/--orphan'");
    if (values.orphan != null && values.track != null)
      throw new GitError('USAGE', "'--orphan' cannot be used with '-t'");
  }

  async #paths(words: readonly string[], target: Target | undefined): Promise<number> {
    const values = this.#values;
    const repository = this.#tree.repository;
    const merge = values.merge === true;
    if (target !== undefined && (values.ours === true || values.theirs === true || merge)) {
      throw new GitError('USAGE', "'--merge', '--ours', or '--theirs' cannot be used when checking out of a tree");
    }
    let source: Oid<'tree'> | undefined;
    if (target !== undefined) {
      await warnAmbiguous(this.#context, repository, target);
      source = await resolveKind(repository, target.commit ?? target.name, 'tree');
      if (source === undefined) throw new GitError('USAGE', `reference is not a tree: ${target.name}`);
    }
    const pathspec = pathspecOf(this.#context, this.#tree, words);
    return restoreNamed(this.#context, this.#tree, {
      pathspec,
      source,
      sourceOid: source,
      staged: true,
      worktree: true,
      overlay: values.overlay !== false,
      ours: values.ours === true,
      theirs: values.theirs === true,
      merge,
      style: checkStyle(values.conflict),
      ignoreUnmerged: values.force === true,
      ignoreSkipBits: values['ignore-skip-worktree-bits'] === true,
      meta: target === undefined ? {} : await smudgeMeta(repository, target.name, target.commit),
      // Who writes `--` knows what files are meant.
      count: !this.#rest.includes('--'),
      quiet: values.quiet === true,
    });
  }
}
