import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { zeroOid } from '../base/oid.js';
import { formatSignature } from '../objects/signature.js';
import { abbreviate } from '../porcelain/abbreviate.js';
import { checkBranchName } from '../porcelain/branch-make.js';
import { branchUses, listWorktrees } from '../porcelain/worktree-list.js';
import { resolveRevision } from '../repo/revision.js';
import { priorCheckout } from '../repo/revision-branch.js';
import { baseName } from '../base/path.js';
import type { FileSystem } from '../platform/fs.js';
import { resolvePath } from '../repo/paths.js';
import type { CommandContext } from './command.js';
import { together } from './options.js';
import { guessRemoteBranch } from './switch-run.js';
import { linkBack, lockReason, prunable, removeGitDirectory, runIn, writeText } from './worktree-files.js';

export interface AddValues {
  readonly force?: boolean;
  readonly b?: string | null;
  readonly B?: string | null;
  readonly orphan?: boolean;
  readonly detach?: boolean;
  readonly checkout?: boolean;
  readonly lock?: boolean;
  readonly reason?: string | null;
  readonly quiet?: boolean;
  readonly track?: boolean;
  readonly 'guess-remote'?: boolean;
  readonly 'relative-paths'?: boolean;
}

/** `worktree add`. Answers the exit code. */
export async function addWorktree(
  context: CommandContext,
  values: AddValues,
  [place, committish]: readonly string[],
): Promise<number> {
  const repository = context.repository();
  const { config, refs } = repository;
  const { fs } = context.platform;
  if ([values.b != null, values.B != null, values.detach === true].filter(Boolean).length > 1)
    throw new GitError('USAGE', "options '-b', '-B', and '--detach' cannot be used together");
  if (values.detach === true && values.orphan === true) throw together('--orphan', '--detach');
  if (values.orphan === true && values.track !== undefined) throw together('--orphan', '--track');
  if (values.orphan === true && values.checkout === false) throw together('--orphan', '--no-checkout');
  if (values.orphan === true && committish !== undefined)
    throw new GitError('USAGE', "option '--orphan' and commit-ish cannot be used together");
  if (values.reason != null && values.lock !== true)
    throw new GitError('USAGE', "the option '--reason' requires '--lock'");
  const target = resolvePath(context.cwd, place!);
  const base = baseName(target);
  let name = values.B ?? values.b ?? undefined;
  let from = committish === '-' ? '@{-1}' : (committish ?? 'HEAD');
  let orphan = values.orphan === true;
  let existing: string | undefined;
  let track = values.track;
  const has = async (branch: string): Promise<boolean> => (await refs.resolve(`refs/heads/${branch}`)) !== undefined;
  const guess = values['guess-remote'] ?? config.getBool('worktree.guessremote', false);
  if (orphan) name ??= base;
  else if (committish === undefined && name === undefined && values.detach !== true) {
    if (await has(base)) existing = base;
    else {
      name = base;
      if (guess) {
        const found = await guessRemoteBranch('switch', context, repository, base);
        if (found !== undefined && found !== 'several') {
          from = found.short;
          track ??= true;
        }
      }
    }
  } else if (committish !== undefined && name === undefined && values.detach !== true) {
    const branch = committish === '-' ? ((await priorCheckout(repository, 1)) ?? committish) : committish;
    if (await has(branch)) existing = branch;
    else if ((await resolveRevision(repository, `${from}^{commit}`)) === undefined) {
      const found = await guessRemoteBranch('switch', context, repository, committish);
      if (found !== undefined && found !== 'several') {
        name = committish;
        from = found.short;
        track ??= true;
      }
    }
  }
  if (!orphan && committish === undefined && name !== undefined && from === 'HEAD') {
    const born = (await refs.resolve('HEAD')) !== undefined;
    let branches = 0;
    if (!born) for await (const _ of refs.list('refs/heads/')) branches++;
    if (!born && branches === 0) {
      context.printError("No possible source branch, inferring '--orphan'\n");
      orphan = true;
    }
  }
  const forced = values.force === true;
  if (name !== undefined) {
    checkBranchName(name);
    if (values.B != null && !forced) refuseBusy(context, name);
  }
  let commit: Oid | undefined;
  if (!orphan) {
    commit = await resolveRevision(repository, `${existing === undefined ? from : `refs/heads/${existing}`}^{commit}`);
    if (commit === undefined) throw new GitError('USAGE', `invalid reference: ${committish ?? from}`);
  }
  if (values.quiet !== true) {
    const was = name === undefined || values.B == null ? undefined : await refs.resolve(`refs/heads/${name}`);
    const what =
      name !== undefined
        ? was !== undefined
          ? `resetting branch '${name}'; was at ${await abbreviate(repository, was)}`
          : `new branch '${name}'`
        : existing !== undefined
          ? `checking out '${existing}'`
          : `detached HEAD ${await abbreviate(repository, commit!)}`;
    context.printError(`Preparing worktree (${what})\n`);
  }
  if (name !== undefined && !orphan) {
    const words = [
      ...(values.B == null ? [] : ['--force']),
      ...(values.quiet === true ? ['--quiet'] : []),
      ...(track === undefined ? [] : [track ? '--track' : '--no-track']),
      name,
      from,
    ];
    if ((await context.runCommand('branch', words)) !== 0) return 255;
  }
  const branch = name ?? existing;
  refusePlace(context, target, place!, forced);
  if (branch !== undefined && !forced && !orphan) refuseBusy(context, branch);
  const relative = values['relative-paths'] ?? config.getBool('worktree.userelativepaths', false);
  if (relative) await allowRelativePaths(context);
  const gitDir = makeGitDirectory(fs, repository.commonDir, base);
  try {
    writeText(fs, `${gitDir}/locked`, 'initializing\n');
    fs.makeDirectory(target, { recursive: true });
    linkBack(fs, gitDir, fs.realPath(target) ?? target, relative);
    writeText(fs, `${gitDir}/commondir`, '../..\n');
    fs.makeDirectory(`${gitDir}/refs`);
    writeText(fs, `${gitDir}/HEAD`, branch === undefined ? `${commit}\n` : `ref: refs/heads/${branch}\n`);
    if (commit !== undefined && config.getBool('core.logallrefupdates', true)) {
      const who = formatSignature(repository.identity('committer', { strict: false }));
      fs.makeDirectory(`${gitDir}/logs`);
      writeText(fs, `${gitDir}/logs/HEAD`, `${zeroOid(repository.objectFormat)} ${commit} ${who}\n`);
    }
    if (values.checkout !== false && !orphan) {
      const words = ['reset', '--hard', '--no-recurse-submodules', ...(values.quiet === true ? ['--quiet'] : [])];
      const { code } = runIn(context, target, gitDir, words, 'inherit');
      if (code !== 0) throw new Unfilled(code);
    }
  } catch (error) {
    fs.removeRecursive(target);
    removeGitDirectory(fs, gitDir);
    if (error instanceof Unfilled) return error.code;
    throw error;
  }
  if (values.lock === true) writeText(fs, `${gitDir}/locked`, `${values.reason ?? 'added with --lock'}\n`);
  else fs.remove(`${gitDir}/locked`);
  if (commit !== undefined) {
    repository.hooks.run('post-checkout', [zeroOid(repository.objectFormat), commit, '1'], {
      cwd: target,
      env: { GIT_DIR: undefined, GIT_WORK_TREE: undefined, GIT_INDEX_FILE: undefined },
    });
  }
  return 0;
}

/** The files could not be written; everything was said. */
class Unfilled extends Error {
  constructor(readonly code: number) {
    super('unfilled');
  }
}

function refuseBusy(context: CommandContext, branch: string): void {
  const use = branchUses(context.repository()).get(`refs/heads/${branch}`);
  if (use !== undefined) throw new GitError('USAGE', `'${branch}' is already used by worktree at '${use.path}'`);
}

/** The place must be free: nothing there, or an empty folder, and no work tree registered at it that is only missing. */
function refusePlace(context: CommandContext, target: string, shown: string, forced: boolean): void {
  const { fs } = context.platform;
  if (fs.stat(target) !== undefined && fs.readDirectory(target)?.length !== 0)
    throw new GitError('USAGE', `'${shown}' already exists`);
  const known = listWorktrees(context.repository()).find((one) => one.name !== undefined && one.path === target);
  if (known === undefined) return;
  const locked = lockReason(fs, known.gitDir) !== undefined;
  if (forced && !locked) {
    removeGitDirectory(fs, known.gitDir);
    return;
  }
  if (locked)
    throw new GitError(
      'USAGE',
      `'${shown}' is a missing but locked worktree;\nuse 'add -f -f' to override, or 'unlock' and 'prune' or 'remove' to clear`,
    );
  if (prunable(fs, known.gitDir, undefined) !== undefined)
    throw new GitError(
      'USAGE',
      `'${shown}' is a missing but already registered worktree;\nuse 'add -f' to override, or 'prune' or 'remove' to clear`,
    );
}

/** A new folder below `worktrees/`, named after the work tree; a number is added where the name is taken. */
function makeGitDirectory(fs: FileSystem, commonDir: string, base: string): string {
  const folder = `${commonDir}/worktrees`;
  fs.makeDirectory(folder, { recursive: true });
  const name = base.replace(/[^\w.+=@,-]+/g, '-').replace(/^\.+|\.lock$/g, '-') || 'worktree';
  for (let i = 0; ; i++) {
    const gitDir = `${folder}/${name}${i === 0 ? '' : i}`;
    if (fs.makeDirectory(gitDir)) return gitDir;
  }
}

/** Relative links are an extension: older programs must not touch the repository. */
async function allowRelativePaths(context: CommandContext): Promise<void> {
  const { config } = context.repository();
  if (config.getBool('extensions.relativeworktrees', false)) return;
  await context.runCommand('config', ['core.repositoryformatversion', '1']);
  await context.runCommand('config', ['extensions.relativeWorktrees', 'true']);
}
