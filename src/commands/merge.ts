import { accessSync, constants, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { readState } from '../porcelain/merge-state.js';
import type { MergeAnswer, MergeOptions } from '../porcelain/merge.js';
import { abortMerge, quitMerge, WorkTreeMerge } from '../porcelain/merge.js';
import { mergeSettings } from '../porcelain/merge-settings.js';
import type { CustomStrategy } from '../porcelain/merge-strategies.js';
import { strategies } from '../porcelain/merge-strategies.js';
import { cleanupMode } from '../porcelain/message.js';
import type { Talk } from '../porcelain/talk.js';
import { shortenRef } from '../refs/name.js';
import type { Repository } from '../repo/repository.js';
import { currentBranch } from '../repo/revision-branch.js';
import { upstreamRefs } from '../porcelain/upstream-refs.js';
import { splitCommandLine } from './alias.js';
import { autoMaintenance } from './auto-maintenance.js';
import { type CommandContext, defineCommand } from './command.js';
import {
  type OptionEvent,
  type OptionSpecs,
  type OptionValues,
  parseOptions,
  together,
  UsageError,
} from './options.js';
import { adviceOn, openWorkTree } from './work-tree.js';
import { diffstatOf } from './merge-stat.js';
import type { ValueMerged } from './merge-values.js';

const options = {
  n: { type: 'flag', short: 'n', shortOnly: true, help: 'do not show a diffstat at the end of the merge' },
  stat: { type: 'flag', help: 'show a diffstat at the end of the merge' },
  summary: { type: 'flag', help: '(synonym to --stat)' },
  'compact-summary': { type: 'flag', help: 'show a compact-summary at the end of the merge' },
  log: {
    type: 'optional',
    value: 'n',
    implied: '20',
    help: 'add (at most <n>) entries from shortlog to merge commit message',
  },
  squash: { type: 'flag', help: 'create a single commit instead of doing a merge' },
  commit: { type: 'flag', help: 'perform a commit if the merge succeeds (default)' },
  edit: { type: 'flag', short: 'e', help: 'edit message before committing' },
  cleanup: { type: 'string', value: 'mode', help: 'how to strip spaces and #comments from message' },
  ff: { type: 'flag', help: 'allow fast-forward (default)' },
  'ff-only': { type: 'flag', negatable: false, help: 'abort if fast-forward is not possible' },
  'rerere-autoupdate': {
    type: 'flag',
    help: 'update the index with reused conflict resolution if possible',
  },
  'verify-signatures': { type: 'flag', help: 'verify that the named commit has a valid GPG signature' },
  strategy: { type: 'list', short: 's', value: 'strategy', help: 'merge strategy to use' },
  'strategy-option': {
    type: 'list',
    short: 'X',
    value: 'option=value',
    help: 'option for selected merge strategy',
  },
  message: {
    type: 'list',
    short: 'm',
    value: 'message',
    help: 'merge commit message (for a non-fast-forward merge)',
  },
  file: { type: 'string', short: 'F', value: 'path', negatable: false, help: 'read message from file' },
  'into-name': { type: 'string', value: 'name', help: 'use <name> instead of the real target' },
  verbose: { type: 'count', short: 'v', help: 'be more verbose' },
  quiet: { type: 'count', short: 'q', help: 'be more quiet' },
  abort: { type: 'flag', help: 'abort the current in-progress merge' },
  quit: { type: 'flag', help: '--abort but leave index and working tree alone' },
  continue: { type: 'flag', help: 'continue the current in-progress merge' },
  'allow-unrelated-histories': { type: 'flag', help: 'allow merging unrelated histories' },
  progress: { type: 'flag', help: 'force progress reporting' },
  'gpg-sign': { type: 'optional', short: 'S', value: 'key-id', implied: '', help: 'GPG sign commit' },
  autostash: { type: 'flag', help: 'automatically stash/stash pop before and after' },
  'overwrite-ignore': { type: 'flag', help: 'update ignored files (default)' },
  signoff: { type: 'flag', help: 'add a Signed-off-by trailer' },
  verify: { type: 'flag', help: 'bypass pre-merge-commit and commit-msg hooks' },
  branch: { type: 'string', value: 'branch', hidden: true, help: 'merge values into this branch' },
  type: { type: 'string', value: 'type', hidden: true, help: 'the type of the values' },
} as const satisfies OptionSpecs;

type Values = OptionValues<typeof options>;

export const command = defineCommand({
  name: 'merge',
  summary: 'Join two or more development histories together',
  usage: ['merge [<options>] [<commit>...]', 'merge --abort', 'merge --continue'],
  options,
  async *run(context, args): AsyncGenerator<MergeAnswer | ValueMerged, number> {
    if (context.program === 'bough' && isValueMerge(context, args.values)) {
      const answer = await mergeOfValues(context, args);
      yield answer;
      return answer.code;
    }
    const tree = openWorkTree(context);
    const { repository } = tree;
    const talk: Talk = context.json
      ? { out: () => {}, err: (text) => context.printError(text) }
      : { out: (text) => context.print(text), err: (text) => context.printError(text) };
    const own = await branchOptions(repository);
    const values: Values = { ...own.values, ...args.values };
    const both = <K extends 'strategy' | 'strategy-option' | 'message'>(key: K): readonly string[] => [
      ...(own.values[key] ?? []),
      ...(args.values[key] ?? []),
    ];
    const events = [...own.events, ...args.events];
    for (const mode of ['abort', 'quit', 'continue'] as const) {
      if (values[mode] !== true) continue;
      if (context.argv.length > 1) throw new UsageError(`--${mode} expects no arguments`, { fatal: true });
      if (mode === 'abort') await abortMerge(tree, talk);
      else if (mode === 'quit') await quitMerge(repository, talk);
      else {
        if (readState(repository, 'MERGE_HEAD') === undefined) {
          throw new GitError('USAGE', 'There is no merge in progress (MERGE_HEAD missing).');
        }
        return context.runCommand('commit', []);
      }
      return 0;
    }
    refuseUnfinished(context, repository, tree.index.hasConflicts);
    const fastForward = fastForwardOf(repository, events);
    const squash = values.squash === true;
    if (squash) {
      if (fastForward === 'never') throw together('--squash', '--no-ff.');
      if (values.commit === true) throw together('--squash', '--commit.');
    }
    const messages = both('message');
    const message = messageOf(context, messages, values.file ?? undefined);
    const edit = values.edit ?? defaultEdit(context, message !== undefined);
    const names = await namesOf(repository, args.rest);
    const { config } = repository;
    const quiet = (values.quiet ?? 0) > (values.verbose ?? 0);
    const settings: MergeOptions = {
      fastForward,
      squash,
      commit: !squash && values.commit !== false,
      edit,
      message,
      into: values['into-name'] ?? undefined,
      log: logLength(repository, values.log),
      cleanup: cleanupMode(values.cleanup ?? config.get('commit.cleanup'), edit),
      hintCleanup: cleanupMode(values.cleanup ?? config.get('commit.cleanup'), true),
      signoff: values.signoff === true,
      verify: values.verify !== false,
      autostash: values.autostash ?? config.getBool('merge.autostash', false),
      allowUnrelated: values['allow-unrelated-histories'] === true,
      overwriteIgnored: values['overwrite-ignore'] !== false,
      strategies: both('strategy'),
      strategyOptions: both('strategy-option'),
      quiet,
      settings: () => mergeSettings(config, { porcelain: true }),
      twoHead: (config.get('pull.twohead') ?? '').split(' ').filter((word) => word !== ''),
      octopus: (config.get('pull.octopus') ?? '').split(' ').filter((word) => word !== ''),
      custom: (name) => customStrategy(context, name),
      diffstat: quiet ? undefined : statChoice(context, repository, events),
      sign: values['gpg-sign'],
      verifySignatures: values['verify-signatures'] ?? config.getBool('merge.verifysignatures', false),
      signal: context.signal,
    };
    try {
      for (const name of [...settings.strategies, ...settings.twoHead, ...settings.octopus]) {
        checkStrategy(context, name);
      }
      const answer = await new WorkTreeMerge(tree, settings, talk).run(names);
      yield answer;
      if (answer.code === 0 && !squash) await autoMaintenance(context, repository, quiet);
      return answer.code;
    } catch (error) {
      if (!(error instanceof GitError) || error.data['exit'] !== 1) throw error;
      context.printError(`${error.data['plain'] === true ? '' : 'merge: '}${error.message}\n`);
      const similar = await remoteNamesakes(repository, String(error.data['name'] ?? ''));
      if (similar.length > 0) {
        context.printError(
          `\nDid you mean ${similar.length === 1 ? 'this' : 'one of these'}?\n${similar.map((name) => `\t${name}\n`).join('')}`,
        );
      }
      return 1;
    }
  },
  render: (result) => ('branch' in result ? renderValueMerge(result) : ''),
});

/** Where there is no work tree, or a branch or a type is named: as `bough`, for git has no such merge. */
const isValueMerge = (context: CommandContext, values: Values): boolean =>
  values.branch != null || values.type != null || context.repository().workTree === undefined;

async function mergeOfValues(
  context: CommandContext,
  { values, rest, events }: { values: Values; rest: readonly string[]; events: readonly OptionEvent[] },
): Promise<ValueMerged> {
  const mode = (['abort', 'quit', 'continue'] as const).find((name) => values[name] === true);
  if (mode === undefined && rest.length === 0) throw new UsageError();
  const { mergeValues } = await import('./merge-values.js');
  return mergeValues(context, rest, {
    branch: values.branch,
    type: values.type,
    message: messageOf(context, values.message ?? [], values.file ?? undefined),
    fastForward: fastForwardOf(context.repository(), events),
    unrelated: values['allow-unrelated-histories'] === true,
    strategyOptions: values['strategy-option'] ?? [],
    mode,
  });
}

/** What people read. */
function renderValueMerge(result: ValueMerged): string {
  const short = result.branch.replace(/^refs\/heads\//, '');
  switch (result.status) {
    case 'up-to-date':
      return 'Already up to date.\n';
    case 'fast-forward':
      return `Fast-forward\n[${short} ${result.head!.slice(0, 7)}]\n`;
    case 'merged':
      return `Merge made by the 'ort' strategy.\n[${short} ${result.head!.slice(0, 7)}]\n`;
    case 'conflicted': {
      const news = result.conflicts!.map(({ path, kind, message }) =>
        message === '' ? `CONFLICT (${kind}): ${path}` : message,
      );
      const end = "Automatic merge failed; settle conflicts with 'bough resolve', then 'bough merge --continue'.";
      return `${[...new Set(news), end].join('\n')}\n`;
    }
    default:
      return '';
  }
}

/** Branches of remotes that have the name somebody asked for. */
async function remoteNamesakes(repository: Repository, name: string): Promise<string[]> {
  if (name === '') return [];
  const found: string[] = [];
  for await (const ref of repository.refs.list('refs/remotes/')) {
    const rest = ref.name.slice('refs/remotes/'.length);
    if (rest.slice(rest.indexOf('/') + 1) !== name) continue;
    const taken = async (candidate: string) => (await repository.refs.readRaw(candidate)) !== undefined;
    found.push(await shortenRef(ref.name, false, taken));
  }
  return found;
}

/** `branch.<name>.mergeOptions` of the current branch: as if they stood first on the command line. */
async function branchOptions(repository: Repository): Promise<{ values: Values; events: readonly OptionEvent[] }> {
  const branch = (await currentBranch(repository))?.replace(/^refs\/heads\//, '');
  const text = branch === undefined ? undefined : repository.config.get(`branch.${branch}.mergeoptions`);
  if (text === undefined) return { values: {}, events: [] };
  const words = splitCommandLine(text);
  const { values, events } = parseOptions(options, words, {});
  return { values, events };
}

function refuseUnfinished(context: CommandContext, repository: Repository, unmerged: boolean): void {
  if (unmerged) {
    context.error('Merging is not possible because you have unmerged files.');
    if (adviceOn(context, 'resolveConflict')) {
      context.hint(
        "Fix them up in the work tree, and then use 'git add/rm <file>'\nas appropriate to mark resolution and make a commit.",
      );
    }
    throw new GitError('USAGE', 'Exiting because of an unresolved conflict.');
  }
  const advice = adviceOn(context, 'resolveConflict') ? '\nPlease, commit your changes before you merge.' : '';
  for (const [file, what] of [
    ['MERGE_HEAD', 'merge'],
    ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ] as const) {
    if (readState(repository, file) !== undefined) {
      throw new GitError('USAGE', `You have not concluded your ${what} (${file} exists).${advice}`);
    }
  }
}

function fastForwardOf(repository: Repository, events: readonly OptionEvent[]): MergeOptions['fastForward'] {
  let answer: MergeOptions['fastForward'] = 'allow';
  const configured = repository.config.has('merge.ff') ? repository.config.getBoolOrString('merge.ff') : undefined;
  if (configured === 'only') answer = 'only';
  else if (configured === false) answer = 'never';
  for (const { key, negated } of events) {
    if (key === 'ff') answer = negated ? 'never' : 'allow';
    else if (key === 'ff-only') answer = 'only';
  }
  return answer;
}

function messageOf(context: CommandContext, messages: readonly string[], file: string | undefined): string | undefined {
  const parts = [...messages];
  if (file !== undefined) {
    try {
      parts.push(
        file === '-' ? decodeText(context.io.stdin.readAll()) : decodeText(readFileSync(resolve(context.cwd, file))),
      );
    } catch {
      throw new UsageError(`could not read file '${file}'`, { quiet: true });
    }
  }
  return parts.length === 0 ? undefined : parts.join('\n\n');
}

/** Without an option: in a conversation, unless the user gave a message or said so. */
function defaultEdit(context: CommandContext, hasMessage: boolean): boolean {
  if (hasMessage) return false;
  const named = context.env['GIT_MERGE_AUTOEDIT'];
  if (named !== undefined) {
    if (/^(1|true|yes|on)$/i.test(named)) return true;
    if (named === '' || /^(0|false|no|off)$/i.test(named)) return false;
    throw new GitError('USAGE', `Bad value '${named}' in environment 'GIT_MERGE_AUTOEDIT'`);
  }
  return context.io.stdin.isTerminal && context.io.stdout.isTerminal;
}

function logLength(repository: Repository, given: string | null | undefined): number {
  if (given === null) return 0;
  if (given !== undefined) return Number.parseInt(given, 10) || 0;
  const { config } = repository;
  const value = config.has('merge.log') ? config.getBoolOrInt('merge.log') : config.getBoolOrInt('merge.summary');
  return value === true ? 20 : value === false || value === undefined ? 0 : Math.max(0, value);
}

function statChoice(
  context: CommandContext,
  repository: Repository,
  events: readonly OptionEvent[],
): MergeOptions['diffstat'] {
  const configured = repository.config.getBoolOrString('merge.stat') ?? repository.config.getBool('merge.diffstat');
  let choice: 'stat' | 'compact' | 'none' =
    configured === false ? 'none' : configured === 'compact' ? 'compact' : 'stat';
  for (const { key, negated } of events) {
    if (key === 'n') choice = 'none';
    else if (key === 'stat' || key === 'summary') choice = negated ? 'none' : 'stat';
    else if (key === 'compact-summary') choice = negated ? 'none' : 'compact';
  }
  return choice === 'none' ? undefined : diffstatOf(context, choice);
}

async function namesOf(repository: Repository, rest: readonly string[]): Promise<readonly string[]> {
  if (rest.length === 1 && rest[0] === '-') return ['@{-1}'];
  if (rest.length > 0) return rest;
  if (repository.config.getBool('merge.defaulttoupstream', true)) return upstreamRefs(repository);
  throw new GitError('USAGE', 'No commit specified and merge.defaultToUpstream not set.');
}

/** Directories that hold programs of git's own and the user's. */
function searchPath(context: CommandContext): string[] {
  const path = (context.env['PATH'] ?? '').split(':');
  return [context.env['GIT_EXEC_PATH'] ?? '', ...path].filter((directory) => directory !== '');
}

export function customStrategy(context: CommandContext, name: string): CustomStrategy | undefined {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) return undefined;
  for (const directory of searchPath(context)) {
    const file = join(directory, `git-merge-${name}`);
    try {
      accessSync(file, constants.X_OK);
    } catch {
      continue;
    }
    return (args) => {
      context.io.stdout.flush();
      const { workTree, gitDir } = context.repository();
      const { code } = context.platform.processes!.runSync([file, ...args], {
        cwd: workTree ?? gitDir,
        stdin: 'inherit',
        stdout: 'inherit',
        stderr: 'inherit',
        env: { ...context.env, PATH: searchPath(context).join(':') },
      });
      return code;
    };
  }
  return undefined;
}

function checkStrategy(context: CommandContext, name: string): void {
  if (name in strategies || customStrategy(context, name) !== undefined) return;
  throw new GitError(
    'USAGE',
    `Could not find merge strategy '${name}'.\nAvailable strategies are: octopus ours recursive resolve subtree.`,
    { data: { exit: 1, plain: true } },
  );
}
