import { parseColor, RESET } from '../base/color.js';
import { displayWidth } from '../base/display-width.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import type { BranchColors } from '../porcelain/branch-format.js';
import { branchFormat } from '../porcelain/branch-format.js';
import {
  branchStart,
  configuredRebase,
  configuredTracking,
  makeBranch,
  type BranchReport,
  setUpTracking,
  type Tracking,
} from '../porcelain/branch-make.js';
import { layOutColumns } from '../porcelain/columns.js';
import { abbreviate } from '../porcelain/abbreviate.js';
import { detachedFrom, readInProgress } from '../porcelain/in-progress.js';
import { LocalConfig } from '../porcelain/local-config.js';
import { RefListing, type RefKind } from '../porcelain/ref-filter.js';
import { MalformedFormat, parseRefFormat } from '../porcelain/ref-filter-format.js';
import type { ListedRef } from '../porcelain/ref-filter-values.js';
import { branchUses } from '../porcelain/worktree-list.js';
import type { Repository } from '../repo/repository.js';
import { interpretBranchName } from '../repo/revision-branch.js';
import { tellBranchFailure } from './branch-advice.js';
import { copyOrMoveBranch, deleteBranches, editDescription } from './branch-change.js';
import { checkColumns, columnModeFor, tableWidth } from './column-option.js';
import { type CommandContext, defineCommand } from './command.js';
import { checkDigits, checkTrack, colorOption, type ParsedOptions, UsageError } from './options.js';
import { refValueExtras } from './ref-extras.js';
import { reachFilter, reachOptions, sortKeys } from './ref-list-options.js';

const options = {
  verbose: { type: 'count', short: 'v', help: 'show hash and subject, give twice for upstream branch' },
  quiet: { type: 'flag', short: 'q', help: 'suppress informational messages' },
  track: {
    type: 'optional',
    short: 't',
    value: '(direct|inherit)',
    implied: 'direct',
    help: 'set branch tracking configuration',
    check: checkTrack,
  },
  'set-upstream': { type: 'flag', hidden: true },
  'set-upstream-to': { type: 'string', short: 'u', value: 'upstream', help: 'change the upstream info' },
  'unset-upstream': { type: 'flag', help: 'unset the upstream info' },
  color: colorOption('use colored output'),
  remotes: { type: 'flag', short: 'r', negatable: false, help: 'act on remote-tracking branches' },
  contains: { ...reachOptions.contains, help: 'print only branches that contain the commit' },
  'no-contains': { ...reachOptions['no-contains'], help: "print only branches that don't contain the commit" },
  abbrev: {
    type: 'optional',
    value: 'n',
    implied: '',
    help: 'use <n> digits to display object names',
    check: checkDigits,
  },
  all: { type: 'flag', short: 'a', negatable: false, help: 'list both remote-tracking and local branches' },
  delete: { type: 'flag', short: 'd', help: 'delete fully merged branch' },
  D: { type: 'flag', short: 'D', shortOnly: true, help: 'delete branch (even if not merged)' },
  move: { type: 'flag', short: 'm', help: 'move/rename a branch and its reflog' },
  M: { type: 'flag', short: 'M', shortOnly: true, help: 'move/rename a branch, even if target exists' },
  'omit-empty': { type: 'flag', help: 'do not output a newline after empty formatted refs' },
  copy: { type: 'flag', short: 'c', help: 'copy a branch and its reflog' },
  C: { type: 'flag', short: 'C', shortOnly: true, help: 'copy a branch, even if target exists' },
  list: { type: 'flag', short: 'l', help: 'list branch names' },
  'show-current': { type: 'flag', help: 'show current branch name' },
  'create-reflog': { type: 'flag', help: "create the branch's reflog" },
  'edit-description': { type: 'flag', help: 'edit the description for the branch' },
  force: { rarelyMeant: true, type: 'flag', short: 'f', help: 'force creation, move/rename, deletion' },
  merged: { ...reachOptions.merged, help: 'print only branches that are merged' },
  'no-merged': { ...reachOptions['no-merged'], help: 'print only branches that are not merged' },
  column: { type: 'optional', value: 'style', implied: '', help: 'list branches in columns', check: checkColumns },
  sort: { type: 'list', value: 'key', help: 'field name to sort on' },
  'points-at': { type: 'list', value: 'object', help: 'print only branches of the object' },
  'ignore-case': { type: 'flag', short: 'i', help: 'sorting and filtering are case insensitive' },
  'recurse-submodules': { type: 'flag', help: 'recurse through submodules' },
  format: { type: 'string', value: 'format', help: 'format to use for the output' },
} as const;

type Args = ParsedOptions<typeof options>;
export interface Line {
  readonly text: string;
}
type Result = AsyncGenerator<Line, number | undefined>;

export const command = defineCommand({
  name: 'branch',
  summary: 'List, create, or delete branches',
  usage: [
    'branch [<options>] [-r | -a] [--merged] [--no-merged]',
    'branch [<options>] [-f] [--recurse-submodules] <branch-name> [<start-point>]',
    'branch [<options>] [-l] [<pattern>...]',
    'branch [<options>] [-r] (-d | -D) <branch-name>...',
    'branch [<options>] (-m | -M) [<old-branch>] <new-branch>',
    'branch [<options>] (-c | -C) [<old-branch>] <new-branch>',
    'branch [<options>] [-r | -a] [--points-at]',
    'branch [<options>] [-r | -a] [--format]',
  ],
  options,
  async *run(context, args): Result {
    try {
      return yield* dispatch(context, args);
    } catch (error) {
      return tellBranchFailure(context, error);
    }
  },
  render: (result) => result.text,
});

/** Where HEAD is: a branch (short name) or nowhere. */
async function headBranch(repository: Repository): Promise<{ readonly branch: string | undefined }> {
  const head = await repository.refs.resolveFull('HEAD');
  if (head === undefined) throw new GitError('REF_INVALID', 'failed to resolve HEAD as a valid ref');
  if (!head.symbolic) return { branch: undefined };
  if (!head.name.startsWith('refs/heads/')) throw new GitError('REF_INVALID', 'HEAD not found below refs/heads!');
  return { branch: head.name.slice(11) };
}

async function* dispatch(context: CommandContext, args: Args): Result {
  const { values, rest, events } = args;
  const repository = context.repository();
  configuredRebase(repository);
  const force = values.force === true;
  const deleting = values.D === true ? 2 : values.delete === true ? (force ? 2 : 1) : 0;
  const moving = values.M === true ? 2 : values.move === true ? (force ? 2 : 1) : 0;
  const copying = values.C === true ? 2 : values.copy === true ? (force ? 2 : 1) : 0;
  const upstream = values['set-upstream-to'] ?? undefined;
  const { branch: head } = values['show-current'] === true ? { branch: undefined } : await headBranch(repository);
  // The last of -r and -a counts.
  let kinds: 'local' | 'remote' | 'all' = 'local';
  for (const { key } of events) {
    if (key === 'remotes') kinds = 'remote';
    else if (key === 'all') kinds = 'all';
  }
  let listing = values.list === true;
  const acting =
    deleting > 0 ||
    moving > 0 ||
    copying > 0 ||
    values['edit-description'] === true ||
    upstream !== undefined ||
    values['show-current'] === true ||
    values['unset-upstream'] === true;
  if (!acting && rest.length === 0) listing = true;
  if (
    values.contains !== undefined ||
    values['no-contains'] !== undefined ||
    values.merged !== undefined ||
    values['no-merged'] !== undefined ||
    (values['points-at']?.length ?? 0) > 0
  ) {
    listing = true;
  }
  const actions = [
    deleting > 0,
    moving > 0,
    copying > 0,
    upstream !== undefined,
    values['show-current'] === true,
    listing,
    values['edit-description'] === true,
    values['unset-upstream'] === true,
  ].filter(Boolean).length;
  if (actions > 1) throw new UsageError('');
  if (values['recurse-submodules'] === true) {
    if (!repository.config.getBool('submodule.propagatebranches', false)) {
      throw new GitError(
        'USAGE',
        'branch with --recurse-submodules can only be used if submodule.propagateBranches is enabled',
      );
    }
    if (actions > 0) throw new GitError('USAGE', '--recurse-submodules can only be used to create branches');
  }
  const quiet = values.quiet === true;
  if (deleting > 0) {
    if (rest.length === 0) throw new GitError('USAGE', 'branch name required');
    if (kinds === 'all') throw new GitError('USAGE', 'cannot use -a with -d');
    return yield* deleteBranches(context, rest, { force: deleting > 1, remote: kinds === 'remote', quiet });
  }
  if (values['show-current'] === true) {
    const end = await repository.refs.resolveFull('HEAD');
    if (end === undefined) throw new GitError('REF_INVALID', 'could not resolve HEAD');
    if (!end.symbolic) return undefined;
    if (!end.name.startsWith('refs/heads/'))
      throw new GitError('REF_INVALID', `HEAD (${end.name}) points outside of refs/heads/`);
    yield { text: `${end.name.slice(11)}\n` };
    return undefined;
  }
  if (listing) return yield* list(context, args, kinds, head);
  if (values['edit-description'] === true) return editDescription(context, rest, head);
  if (copying > 0 || moving > 0) {
    const copy = copying > 0;
    if (rest.length === 0) throw new GitError('USAGE', 'branch name required');
    if (rest.length === 1 && head === undefined) {
      throw new GitError('USAGE', `cannot ${copy ? 'copy' : 'rename'} the current branch while not on any`);
    }
    if (rest.length > 2) {
      throw new GitError(
        'USAGE',
        copy ? 'too many branches for a copy operation' : 'too many arguments for a rename operation',
      );
    }
    const [from, to] = rest.length === 1 ? [head!, rest[0]!] : [rest[0]!, rest[1]!];
    await copyOrMoveBranch(context, from, to, { copy, force: (copy ? copying : moving) > 1 });
    return undefined;
  }
  if (upstream !== undefined) {
    if (rest.length > 1) throw new GitError('USAGE', 'too many arguments to set new upstream');
    const name = await namedBranch(
      context,
      rest[0],
      head,
      () => `could not set upstream of HEAD to ${upstream} when it does not point to any branch`,
    );
    if ((await repository.refs.resolve(`refs/heads/${name}`)) === undefined) {
      const busy = rest.length === 0 || branchUses(repository).has(`refs/heads/${name}`);
      throw new GitError('REF_MISSING', busy ? `no commit on branch '${name}' yet` : `branch '${name}' does not exist`);
    }
    const { branch } = await branchStart(repository, upstream, 'override');
    yield* report(
      context,
      branch === undefined ? undefined : setUpTracking(repository, name, branch, 'override'),
      quiet,
    );
    return undefined;
  }
  if (values['unset-upstream'] === true) {
    if (rest.length > 1) throw new GitError('USAGE', 'too many arguments to unset upstream');
    const name = await namedBranch(
      context,
      rest[0],
      head,
      () => 'could not unset upstream of HEAD when it does not point to any branch',
    );
    if (!repository.config.has(`branch.${name}.merge`))
      throw new GitError('CONFIG', `branch '${name}' has no upstream information`);
    const local = new LocalConfig(repository);
    local.unset(`branch.${name}.remote`);
    local.unset(`branch.${name}.merge`);
    return undefined;
  }
  if (rest.length > 2) throw new UsageError('');
  if (kinds !== 'local') {
    throw new GitError(
      'USAGE',
      "the -a, and -r, options to 'git branch' do not take a branch name.\nDid you mean to use: -a|-r --list <pattern>?",
    );
  }
  if (values['set-upstream'] === true) {
    throw new GitError(
      'USAGE',
      "the '--set-upstream' option is no longer supported. Please use '--track' or '--set-upstream-to' instead",
    );
  }
  const name = await plainName(repository, rest[0]!);
  const made = await makeBranch(repository, {
    name,
    start: rest[1] ?? head ?? 'HEAD',
    force,
    tracking: trackingOf(values.track, repository),
    createReflog: values['create-reflog'] === true,
  });
  yield* report(context, made, quiet);
  return undefined;
}

function trackingOf(option: string | null | undefined, repository: Repository): Tracking {
  if (option === undefined) return configuredTracking(repository);
  if (option === null) return 'never';
  if (option === 'direct') return 'explicit';
  if (option === 'inherit') return 'inherit';
  throw new UsageError('option `--track\' expects "direct" or "inherit"', { quiet: true });
}

function* report(context: CommandContext, made: BranchReport | undefined, quiet: boolean): Generator<Line> {
  for (const warning of made?.warnings ?? []) context.warning(warning);
  if (!quiet) for (const line of made?.said ?? []) yield { text: `${line}\n` };
}

/** A branch's name with `@{-1}` and its like replaced. */
export async function plainName(
  repository: Repository,
  text: string,
  allow: 'local' | 'remote' = 'local',
): Promise<string> {
  const found = await interpretBranchName(repository, text, { allow: [allow] });
  return found === undefined ? text : found.name + text.slice(found.used);
}

/** The branch an argument names; without one, or for `HEAD`, the current one. */
async function namedBranch(
  context: CommandContext,
  argument: string | undefined,
  head: string | undefined,
  detached: () => string,
): Promise<string> {
  if (argument === undefined || argument === 'HEAD' || argument === '@') {
    if (head === undefined) throw new GitError('REF_INVALID', detached());
    return head;
  }
  return plainName(context.repository(), argument);
}

const defaultColors = {
  plain: '',
  remote: '\x1b[31m',
  local: '',
  current: '\x1b[32m',
  upstream: '\x1b[34m',
  worktree: '\x1b[36m',
  reset: RESET,
};

function colorsOf(context: CommandContext, on: boolean): BranchColors {
  const colors: { -readonly [K in keyof BranchColors]: string } = { ...defaultColors };
  const { config } = context.repository();
  for (const slot of Object.keys(colors) as (keyof BranchColors)[]) {
    const value = config.get(`color.branch.${slot}`);
    if (value !== undefined) colors[slot] = parseColor(value);
    if (!on) colors[slot] = '';
  }
  return colors;
}

async function* list(
  context: CommandContext,
  args: Args,
  kinds: 'local' | 'remote' | 'all',
  head: string | undefined,
): Result {
  const { values, rest } = args;
  const repository = context.repository();
  const columns = columnModeFor(context, 'branch', values.column);
  const verbose = values.verbose ?? 0;
  if (verbose > 0 && columns.asked)
    throw new GitError('USAGE', "options '--column' and '--verbose' cannot be used together");
  context.startPager(true);
  const color = context.wantColor('branch', values.color);
  const wanted = new Set<RefKind>();
  if (kinds !== 'remote') wanted.add('branch');
  if (kinds !== 'local') wanted.add('remote');
  const ignoreCase = values['ignore-case'] === true;
  const detached = kinds !== 'remote' && head === undefined ? await detachedHead(repository) : undefined;
  const listing = new RefListing(
    repository,
    {
      ...(await reachFilter(repository, values)),
      kinds: wanted,
      patterns: rest,
      ignoreCase,
      detachedHead: detached,
    },
    {
      warn: (message) => context.warning(message),
      complain: (line) => context.printError(`${line}\n`),
      extras: refValueExtras(context),
    },
  );
  const keys = sortKeys(context, values.sort, repository.config.getAll('branch.sort'), color);
  const refs = await listing.refs(keys, ignoreCase);
  const remotePrefix = kinds === 'all' ? 'remotes/' : '';
  const width = Math.max(
    0,
    ...refs.map((ref) => {
      if (ref.description !== undefined) return displayWidth(ref.description);
      const short = ref.name.replace(/^refs\/(?:heads|remotes)\//, '');
      return displayWidth(short) + (ref.name.startsWith('refs/remotes/') ? remotePrefix.length : 0);
    }),
  );
  const abbreviation =
    values.abbrev === undefined || values.abbrev === ''
      ? undefined
      : values.abbrev === null || Number(values.abbrev) === 0
        ? 0
        : Number(values.abbrev);
  const text =
    values.format ?? branchFormat({ verbose, width, remotePrefix, abbreviation, colors: colorsOf(context, color) });
  let format: ReturnType<typeof parseRefFormat>;
  try {
    format = parseRefFormat(text, { color, terminal: () => context.io.stdout.isTerminal });
  } catch (error) {
    throw error instanceof MalformedFormat ? new GitError('USAGE', 'unable to parse format string') : error;
  }
  await listing.prepareFormat(format, refs);
  const lines: string[] = [];
  for (const ref of refs) {
    const line = await listing.format(format, 'none', ref);
    if (columns.mode !== undefined && verbose === 0) lines.push(line);
    else if (line !== '' || values['omit-empty'] !== true) yield { text: `${line}\n` };
  }
  if (lines.length > 0) yield { text: layOutColumns(lines, { mode: columns.mode!, width: tableWidth(context) }) };
  return undefined;
}

/** A HEAD that is on no branch, with what is said of it. */
async function detachedHead(repository: Repository): Promise<ListedRef | undefined> {
  const oid = await repository.refs.resolve('HEAD');
  if (oid === undefined) return undefined;
  return { name: 'HEAD', oid, description: await describeHead(repository, oid) };
}

async function describeHead(repository: Repository, oid: Oid): Promise<string> {
  const state = await readInProgress(repository);
  if (state.rebase || state.rebaseInteractive) {
    return state.branch !== undefined
      ? `(no branch, rebasing ${state.branch})`
      : `(no branch, rebasing detached HEAD ${await abbreviate(repository, oid)})`;
  }
  if (state.bisect) return `(no branch, bisect started on ${state.bisectFrom ?? ''})`;
  const from = await detachedFrom(repository);
  if (from === undefined) return '(no branch)';
  return from.at ? `(HEAD detached at ${from.name})` : `(HEAD detached from ${from.name})`;
}
