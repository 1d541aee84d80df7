import { dwimRef } from '../refs/dwim.js';
import type { ConflictStyle } from '../merge/text.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { zeroOid } from '../base/oid.js';
import { parseCommit } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import { checkBranchName, configuredTracking, makeBranch, type Tracking } from '../porcelain/branch-make.js';
import { subjectLine } from '../porcelain/message.js';
import {
  describeHead,
  forgetOperations,
  localChanges,
  lostCommits,
  moveWorkTree,
  refuseInProgress,
  treeOfCommit,
} from '../porcelain/switch-branch.js';
import { smudgeMeta } from '../porcelain/smudge-meta.js';
import { comparedBranches, trackingLines } from '../porcelain/tracking-info.js';
import type { Repository } from '../repo/repository.js';
import { abbreviate } from '../repo/revision-short.js';
import { resolveRevision } from '../repo/revision.js';
import { firstRefusal, porcelainRefusal, refusalOrder } from '../worktree/switch-errors.js';
import type { WorkTree } from '../worktree/work-tree.js';
import type { CommandContext, Progress } from './command.js';
import { adviceOn } from './work-tree.js';

/** Where to switch to: a branch, or a commit. */
export interface Target {
  /** As named, for messages and the reflog. */
  readonly name: string;
  /** The branch's full name, if it is one. */
  readonly ref: string | undefined;
  readonly commit: Oid<'commit'> | undefined;
}

export interface SwitchRunOptions {
  readonly command: 'checkout' | 'switch';
  readonly quiet: boolean;
  readonly force: boolean;
  /** `--discard-changes` without `--force`. */
  readonly keepUntracked?: boolean;
  readonly merge: boolean;
  readonly conflictStyle?: ConflictStyle | undefined;
  readonly detach: boolean;
  readonly create?: string | undefined;
  readonly createForce: boolean;
  readonly orphan?: string | undefined;
  readonly reflog: boolean;
  /** `undefined`: as configured. */
  readonly track?: Tracking | undefined;
  readonly overwriteIgnored: boolean;
  readonly ignoreOtherWorktrees: boolean;
}

/** Switches branches. Answers the exit code. */
export async function switchBranches(
  context: CommandContext,
  tree: WorkTree,
  target: Target | undefined,
  options: SwitchRunOptions,
): Promise<number> {
  return new SwitchRun(context, tree, options).run(target);
}

class SwitchRun {
  readonly #context: CommandContext;
  readonly #tree: WorkTree;
  readonly #repository: Repository;
  readonly #options: SwitchRunOptions;

  constructor(context: CommandContext, tree: WorkTree, options: SwitchRunOptions) {
    this.#context = context;
    this.#tree = tree;
    this.#repository = tree.repository;
    this.#options = options;
  }

  async run(asked: Target | undefined): Promise<number> {
    const options = this.#options;
    const repository = this.#repository;
    const resolved = await repository.refs.resolveFull('HEAD');
    const old = {
      ref: resolved?.symbolic === true ? resolved.name : undefined,
      commit: resolved?.oid as Oid<'commit'> | undefined,
    };
    if (options.command === 'switch') {
      refuseInProgress(repository, (message) => this.#context.warning(message));
    }
    let target = asked;
    if (target !== undefined) await warnAmbiguous(this.#context, repository, target);
    if (options.orphan !== undefined) return this.#orphan(target, old);
    if (target === undefined) {
      target = { name: 'HEAD', ref: undefined, commit: old.commit };
      if (old.commit === undefined) {
        if (options.create === undefined || options.detach) {
          throw new GitError('USAGE', 'You are on a branch yet to be born');
        }
        return this.#unbornBranch(options.create);
      }
    }
    if (options.create === undefined && !options.detach && target.ref !== undefined && !options.ignoreOtherWorktrees) {
      this.#refuseCheckedOutElsewhere(target.ref);
    }
    // `switch` that is told no place to go to leaves the files as they are, even with `--force`.
    const stays = options.command === 'switch' && asked === undefined;
    const moved = stays ? 0 : await this.#moveFiles(target, old.commit, asked !== undefined || options.force);
    if (moved !== 0) return moved;
    if (!options.quiet && old.ref === undefined && old.commit !== undefined && old.commit !== target.commit) {
      await this.#leaving(old.commit, target.commit);
    }
    await this.#updateRefs(target, old);
    const hook = repository.hooks.run('post-checkout', [
      old.commit ?? zeroOid(repository.objectFormat),
      target.commit ?? zeroOid(repository.objectFormat),
      '1',
    ]);
    return hook === undefined ? 0 : hook.code === 0 ? 0 : 1;
  }

  #refuseCheckedOutElsewhere(ref: string): void {
    const repository = this.#repository;
    const { fs } = repository.platform;
    const head = (path: string): string | undefined => {
      const data = fs.readFile(path);
      return data === undefined ? undefined : /^ref: (.*)\n?$/.exec(new TextDecoder().decode(data))?.[1];
    };
    const places: string[] = [];
    if (repository.gitDir !== repository.commonDir && head(`${repository.commonDir}/HEAD`) === ref) {
      places.push(repository.commonDir.replace(/\/\.git$/, ''));
    }
    for (const { name } of fs.readDirectory(`${repository.commonDir}/worktrees`) ?? []) {
      const directory = `${repository.commonDir}/worktrees/${name}`;
      if (directory === repository.gitDir || head(`${directory}/HEAD`) !== ref) continue;
      const data = fs.readFile(`${directory}/gitdir`);
      places.push(
        data === undefined
          ? directory
          : new TextDecoder()
              .decode(data)
              .trim()
              .replace(/\/\.git$/, ''),
      );
    }
    if (places.length > 0) {
      throw new GitError(
        'USAGE',
        `'${ref.replace(/^refs\/heads\//, '')}' is already used by worktree at '${places[0]}'`,
      );
    }
  }

  // ---------------------------------------------------------------- files

  async #moveFiles(target: Target, from: Oid<'commit'> | undefined, always: boolean): Promise<number> {
    const options = this.#options;
    const repository = this.#repository;
    if (!always && options.create !== undefined && !options.createForce && !options.reflog) return 0;
    if (!options.force && this.#tellConflicts()) return 1;
    const fromTree = from === undefined ? undefined : await treeOfCommit(repository, from);
    const toTree = target.commit === undefined ? undefined : await treeOfCommit(repository, target.commit);
    const progress = this.#context.progress('Updating files', { quiet: options.quiet });
    let filtering: Progress | undefined;
    const result = await moveWorkTree(this.#tree, fromTree, toTree, {
      discard: options.force,
      ...(options.keepUntracked === true ? { keepUntracked: true } : {}),
      overwriteIgnored: options.overwriteIgnored,
      meta: this.#tree.converter.keepsPrograms
        ? target.ref !== undefined && target.commit !== undefined
          ? { ref: target.ref, treeish: target.commit }
          : await smudgeMeta(repository, target.name, target.commit)
        : {},
      progress: (done, total) => progress.update(done, total),
      filtering: (done, total) => {
        filtering ??= this.#context.progress('Filtering content', { quiet: options.quiet });
        filtering.update(done, total);
      },
    }).catch((error: unknown) => {
      if (options.force || !(error instanceof GitError) || error.data['as'] !== 'error') throw error;
      throw new GitError(error.code, error.message, { data: { severity: 'error' } });
    });
    progress.done();
    filtering?.done();
    let errors: readonly string[];
    let carried = false;
    if (result.ok) errors = result.errors;
    else if (options.force) {
      this.#context.error(firstRefusal(result.refusals)!);
      return 128;
    } else {
      if (options.merge && from === undefined) {
        this.#context.printError('You do not have the initial commit yet\n');
        throw new GitError('USAGE', 'Cannot autostash');
      }
      const { carryChanges } = await import('../porcelain/carry-changes.js');
      const outcome =
        options.merge && fromTree !== undefined && toTree !== undefined
          ? await carryChanges(this.#tree, fromTree, toTree, {
              name: target.name,
              labels: {
                ours: target.name,
                theirs: 'local',
                base: await this.#oldName(from),
                style: options.conflictStyle,
              },
              overwriteIgnored: options.overwriteIgnored,
            }).catch((error: unknown) => {
              const lines = error instanceof GitError ? error.data['lines'] : undefined;
              if (typeof lines !== 'string') throw error;
              this.#context.printError(`${lines}${(error as GitError).message}\n`);
              throw new GitError('USAGE', 'Cannot autostash');
            })
          : { status: 'refused' as const, refusals: result.refusals, stashed: options.merge };
      if (outcome.status === 'refused') {
        const advice = adviceOn(this.#context, 'commitBeforeMerge');
        for (const kind of refusalOrder) {
          const refusal = outcome.refusals.find((one) => one.kind === kind);
          if (refusal !== undefined) this.#context.error(porcelainRefusal(refusal, 'checkout', advice));
        }
        this.#context.printError('Aborting\n');
        if (outcome.stashed) this.#context.printError('Applied autostash.\n');
        return 1;
      }
      carried = true;
      errors = outcome.errors;
      if (!options.quiet) {
        this.#context.printError(outcome.status === 'applied' ? 'Applied autostash.\n' : conflictAdvice);
      }
    }
    for (const message of errors) this.#context.error(message);
    if (errors.length > 0) return 1;
    if (!options.force && !options.quiet && target.commit !== undefined) {
      const { quotePath } = await import('../base/quote.js');
      const high = repository.config.getBool('core.quotepath', true);
      const changes = await localChanges(this.#tree, toTree);
      if (carried && changes.length > 0) this.#context.print('The following paths have local changes:\n');
      for (const { letter, path } of changes) {
        this.#context.print(`${letter}\t${quotePath(path, high)}\n`);
      }
    }
    return 0;
  }

  #tellConflicts(): boolean {
    if (!this.#tree.index.hasConflicts) return false;
    for (const path of this.#tree.index.conflictedPaths()) this.#context.print(`${path}: needs merge\n`);
    this.#context.error('you need to resolve your current index first');
    return true;
  }

  async #oldName(commit: Oid | undefined): Promise<string> {
    const head = await this.#repository.refs.readRaw('HEAD');
    if (head?.kind === 'symbolic') return head.target.replace(/^refs\/heads\//, '');
    return commit === undefined ? 'HEAD' : abbreviate(this.#repository, commit);
  }

  // ---------------------------------------------------------------- refs

  /** What was in progress ends with the branch. */
  #forget(): void {
    const repository = this.#repository;
    const there = (name: string): boolean => repository.platform.fs.stat(repository.path(name)) !== undefined;
    if (!this.#options.quiet) {
      if (there('CHERRY_PICK_HEAD')) this.#context.warning('cancelling a cherry picking in progress');
      if (there('REVERT_HEAD')) this.#context.warning('cancelling a revert in progress');
    }
    forgetOperations(repository);
  }

  async #orphan(
    target: Target | undefined,
    old: { ref: string | undefined; commit: Oid<'commit'> | undefined },
  ): Promise<number> {
    const options = this.#options;
    const repository = this.#repository;
    const name = options.orphan!;
    checkBranchName(name);
    if ((await repository.refs.resolve(`refs/heads/${name}`)) !== undefined) {
      throw new GitError('USAGE', `a branch named '${name}' already exists`);
    }
    if (options.command === 'switch') {
      // `switch --orphan` begins with nothing.
      const from = old.commit === undefined ? undefined : await treeOfCommit(repository, old.commit);
      const code = await this.#emptyTree(from);
      if (code !== 0) return code;
    } else {
      // Without a commit to begin with the files stay, and what differs is listed all the same.
      const begin = target ?? { name: 'HEAD', ref: undefined, commit: old.commit };
      const code = begin.commit === undefined ? 0 : await this.#moveFiles(begin, old.commit, true);
      if (code !== 0) return code;
    }
    const kept = options.command === 'checkout' && target === undefined;
    if (!options.quiet && !kept && old.ref === undefined && old.commit !== undefined && old.commit !== target?.commit)
      await this.#leaving(old.commit, target?.commit);
    await this.#pointHead(`refs/heads/${name}`, undefined);
    if (options.reflog && !(await repository.refs.reflogExists(`refs/heads/${name}`)))
      await repository.refs.reflogCreate(`refs/heads/${name}`);
    if (!options.quiet) this.#context.printError(`Switched to a new branch '${name}'\n`);
    this.#forget();
    return 0;
  }

  async #emptyTree(from: Oid<'tree'> | undefined): Promise<number> {
    // Before the first commit there is nothing to take away.
    if (from === undefined) return 0;
    if (!this.#options.force && this.#tellConflicts()) return 1;
    const result = await moveWorkTree(this.#tree, from, undefined, {
      discard: this.#options.force,
      overwriteIgnored: this.#options.overwriteIgnored,
    });
    if (result.ok) return 0;
    const advice = adviceOn(this.#context, 'commitBeforeMerge');
    for (const refusal of result.refusals) this.#context.error(porcelainRefusal(refusal, 'checkout', advice));
    this.#context.printError('Aborting\n');
    return 1;
  }

  async #unbornBranch(name: string): Promise<number> {
    checkBranchName(name);
    await this.#pointHead(`refs/heads/${name}`, undefined);
    if (!this.#options.quiet) this.#context.printError(`Switched to a new branch '${name}'\n`);
    return 0;
  }

  async #pointHead(to: string | Oid, reason: string | undefined): Promise<void> {
    const result = await this.#repository.refs.update([
      {
        name: 'HEAD',
        to: to.startsWith('refs/') ? { symbolic: to } : (to as Oid),
        noDeref: true,
        ...(reason === undefined ? { noReflog: true } : { reason }),
      },
    ]);
    if (!result.ok) throw new GitError('REF_CHANGED', result.message === '' ? 'unable to update HEAD' : result.message);
  }

  async #updateRefs(asked: Target, old: { ref: string | undefined; commit: Oid<'commit'> | undefined }): Promise<void> {
    const options = this.#options;
    const repository = this.#repository;
    let target = asked;
    let existed = false;
    let made = false;
    // What a branch follows only since now is not told again.
    const settings = repository.config;
    if (options.create !== undefined) {
      const name = options.create;
      const full = `refs/heads/${name}`;
      existed = (await repository.refs.resolve(full)) !== undefined;
      const report = await makeBranch(repository, {
        name,
        start: asked.name,
        force: options.createForce,
        ownBranch: true,
        tracking: options.track ?? configuredTracking(repository),
        createReflog: options.reflog === true,
      });
      if (!options.quiet) for (const line of report.said) this.#context.print(`${line}\n`);
      for (const warning of report.warnings) this.#context.warning(warning);
      target = { name, ref: full, commit: target.commit };
      made = true;
    }
    const oldName = old.ref?.replace(/^refs\/heads\//, '') ?? old.commit ?? '(invalid)';
    const action = repository.env['GIT_REFLOG_ACTION'];
    const reason =
      action !== undefined && action !== '' ? action : `checkout: moving from ${oldName} to ${target.name}`;
    const stays = asked.name === 'HEAD' && !options.detach && options.create === undefined;
    if (stays) {
      // `git checkout HEAD` only looks at the files; the branch, if there is one, stays checked out.
      target = { ...target, ref: old.ref };
    } else if (target.ref === undefined || options.detach) {
      await this.#pointHead(target.commit!, reason);
      if (!options.quiet) {
        if (old.ref !== undefined && !options.detach && adviceOn(this.#context, 'detachedHead')) {
          this.#context.printError(detachAdvice(target.name));
        }
        this.#context.printError(await describeHead(repository, 'HEAD is now at', target.commit!));
      }
    } else {
      await this.#pointHead(target.ref, reason);
      if (!options.quiet) {
        const { name } = target;
        if (old.ref === target.ref) {
          this.#context.printError(options.createForce ? `Reset branch '${name}'\n` : `Already on '${name}'\n`);
        } else if (made) {
          this.#context.printError(
            existed ? `Switched to and reset branch '${name}'\n` : `Switched to a new branch '${name}'\n`,
          );
        } else this.#context.printError(`Switched to branch '${name}'\n`);
      }
      if (old.ref !== undefined && old.ref !== target.ref && (await repository.refs.resolve(old.ref)) === undefined) {
        if (await repository.refs.reflogExists(old.ref)) await repository.refs.reflogDelete(old.ref);
      }
    }
    this.#forget();
    if (!options.quiet && !options.detach && target.ref !== undefined) {
      const infos = await comparedBranches(
        repository,
        target.ref.replace(/^refs\/heads\//, ''),
        repository.config.getBool('status.aheadbehind', true),
        (message) => this.#context.warning(message),
        settings,
      );
      const hints = adviceOn(this.#context, 'statusHints');
      this.#context.print(infos.map((info) => trackingLines(info, hints)).join('\n'));
    }
  }

  async #leaving(from: Oid<'commit'>, to: Oid<'commit'> | undefined): Promise<void> {
    const repository = this.#repository;
    const { commits, total } = await lostCommits(repository, from, to);
    if (total === 0) {
      this.#context.printError(await describeHead(repository, 'Previous HEAD position was', from));
      return;
    }
    let list = '';
    for (const oid of commits) {
      const subject = subjectLine(parseCommit(await readKind(repository.objects, oid, 'commit')).message);
      list += `  ${await abbreviate(repository, oid)} ${subject}\n`;
    }
    if (total > commits.length) list += ` ... and ${total - commits.length} more.\n`;
    const plural = total === 1 ? `${total} commit behind` : `${total} commits behind`;
    this.#context.printError(
      `Warning: you are leaving ${plural}, not connected to\nany of your branches:\n\n${list}\n`,
    );
    if (adviceOn(this.#context, 'detachedHead')) {
      const them = total === 1 ? 'it' : 'them';
      this.#context.printError(
        `If you want to keep ${them} by creating a new branch, this may be a good time\nto do so with:\n\n git branch <new-branch-name> ${await abbreviate(repository, from)}\n\n`,
      );
    }
  }
}

const conflictAdvice =
  'Your local changes are stashed, however applying them\n' +
  'resulted in conflicts.  You can either resolve the conflicts\n' +
  'and then discard the stash with "git stash drop", or, if you\n' +
  'do not want to resolve them now, run "git reset --hard" and\n' +
  'apply the local changes later by running "git stash pop".\n';

function detachAdvice(name: string): string {
  return (
    `Note: switching to '${name}'.\n\n` +
    "You are in 'detached HEAD' state. You can look around, make experimental\n" +
    'changes and commit them, and you can discard any commits you make in this\n' +
    'state without impacting any branches by switching back to a branch.\n\n' +
    'If you want to create a new branch to retain commits you create, you may\n' +
    'do so (now or later) by using -c with the switch command. Example:\n\n' +
    '  git switch -c <new-branch-name>\n\n' +
    'Or undo this operation with:\n\n  git switch -\n\n' +
    'Turn off this advice by setting config variable advice.detachedHead to false\n\n'
  );
}

/** Reads a word as a branch or commit to switch to; `undefined` where it is neither. */
export async function readTarget(repository: Repository, word: string): Promise<Target | undefined> {
  let name = word === '-' ? '@{-1}' : word === '@' ? 'HEAD' : word;
  const { interpretBranchName } = await import('../repo/revision-branch.js');
  if (name.startsWith('@{-')) {
    const found = await interpretBranchName(repository, name, { priorOnly: true });
    if (found !== undefined && found.used === name.length) name = found.name;
  }
  let ref: string | undefined = `refs/heads/${name}`;
  let oid = await repository.refs.resolve(ref);
  if (oid === undefined) {
    ref = undefined;
    if (/\.\.\./.test(name)) {
      const [left, right] = name.split('...') as [string, string];
      const a = await resolveRevision(repository, `${left === '' ? 'HEAD' : left}^{commit}`);
      const b = await resolveRevision(repository, `${right === '' ? 'HEAD' : right}^{commit}`);
      if (a === undefined || b === undefined) return undefined;
      const { openAncestry } = await import('../repo/ancestry.js');
      const bases = await openAncestry(repository).mergeBases(a as Oid<'commit'>, [b as Oid<'commit'>]);
      if (bases.length !== 1) return undefined;
      return { name, ref: undefined, commit: bases[0]! };
    }
    oid = await resolveRevision(repository, name);
    if (oid === undefined) return undefined;
  }
  const commit = await resolveRevision(repository, `${oid}^{commit}`);
  return { name, ref, commit: commit as Oid<'commit'> | undefined };
}

/** Says that a branch's name means something else too. */
export async function warnAmbiguous(context: CommandContext, repository: Repository, target: Target): Promise<void> {
  if (target.ref === undefined || !repository.config.getBool('core.warnambiguousrefs', true)) return;
  const found = await dwimRef(repository.refs, target.name);
  if (found !== undefined && found.matches > 1) context.warning(`refname '${target.name}' is ambiguous.`);
}

/** The one remote-tracking branch of that name: `git checkout NAME` makes a branch that follows it. */
export async function guessRemoteBranch(
  command: 'checkout' | 'switch',
  context: CommandContext,
  repository: Repository,
  name: string,
): Promise<{ readonly ref: string; readonly short: string } | 'several' | undefined> {
  const { config } = repository;
  const found: { ref: string; remote: string }[] = [];
  const { trackingRef } = await import('../repo/tracking.js');
  for (const remote of config.subsections('remote')) {
    const ref = trackingRef(config, remote, `refs/heads/${name}`);
    if (ref === undefined || (await repository.refs.resolve(ref)) === undefined) continue;
    found.push({ ref, remote });
  }
  if (found.length === 0) return undefined;
  const preferred = config.get('checkout.defaultremote');
  const pick = found.length === 1 ? found[0] : found.find(({ remote }) => remote === preferred);
  if (pick !== undefined) return { ref: pick.ref, short: pick.ref.replace(/^refs\/remotes\//, '') };
  if (adviceOn(context, 'checkoutAmbiguousRemoteBranchName')) {
    context.hint(
      `If you meant to check out a remote tracking branch on, e.g. 'origin',\n` +
        'you can do so by fully qualifying the name with the --track option:\n\n' +
        `    git ${command} --track origin/<name>\n\n` +
        "If you'd like to always have checkouts of an ambiguous <name> prefer\n" +
        "one remote, e.g. the 'origin' remote, consider setting\n" +
        'checkout.defaultRemote=origin in your config.',
    );
  }
  return 'several';
}
