import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { GitError } from '../base/errors.js';
import { systemMessage } from '../platform/system-message.js';
import { Hooks, knownHooks } from '../repo/hooks.js';
import { readUserConfig } from '../repo/repository.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';
import { noSubcommand, parseSubcommand, subcommandUsage } from './subcommand.js';

interface Line {
  readonly text: string;
}

const runOptions = {
  'allow-unknown-hook-name': { type: 'flag', help: 'allow running a hook with a non-native hook name' },
  'ignore-missing': { type: 'flag', help: 'silently ignore missing requested <hook-name>' },
  'to-stdin': { type: 'string', value: 'path', help: "file to read into hooks' stdin" },
  jobs: { type: 'number', short: 'j', value: 'n', help: 'run up to <n> hooks at once (-1: one for each processor)' },
} as const;
const listOptions = {
  z: { type: 'flag', short: 'z', shortOnly: true, help: 'end lines with NUL' },
  'show-scope': { type: 'flag', help: 'show in which configuration each hook is' },
  'allow-unknown-hook-name': runOptions['allow-unknown-hook-name'],
} as const;

const runUsage =
  'hook run [--allow-unknown-hook-name] [--ignore-missing] [--to-stdin=<path>] [(-j|--jobs) <n>]\n' +
  '<hook-name> [-- <hook-args>]';
const listUsage = 'hook list [--allow-unknown-hook-name] [-z] [--show-scope] <hook-name>';

export const command = defineCommand({
  name: 'hook',
  summary: 'run hooks',
  usage: [runUsage, listUsage],
  options: {},
  parsing: { none: true },
  async *run(context): AsyncGenerator<Line, number> {
    const [verb, ...argv] = context.argv;
    if (verb === '-h' || verb === '--help-all') throw new UsageError('', { help: true });
    if (verb === 'list') return yield* list(context, argv);
    if (verb === 'run') return run(context, argv);
    throw noSubcommand(verb);
  },
  render: ({ text }) => text,
});

function hooksOf(context: CommandContext): Hooks {
  const repository = context.maybeRepository();
  if (repository !== undefined) return repository.hooks;
  return new Hooks({
    platform: context.platform,
    config: readUserConfig(context),
    env: context.env,
    gitDir: undefined,
    gitDirShown: undefined,
    workTree: context.cwd,
    prefix: '',
    bare: false,
    path: (name) => name,
    shownPath: (path) => path,
    complain: (line) => context.printError(`${line}\n`),
  });
}

function known(context: CommandContext, event: string, allowed: boolean | undefined): boolean {
  if (allowed === true || knownHooks.has(event)) return true;
  context.error(`unknown hook event '${event}';`);
  context.printError('use --allow-unknown-hook-name to allow non-native hook names\n');
  return false;
}

async function* list(context: CommandContext, argv: readonly string[]): AsyncGenerator<Line, number> {
  const parsed = parseSubcommand(context, [listUsage], listOptions, argv);
  if (typeof parsed === 'number') return parsed;
  const { values, rest } = parsed;
  if (rest.length !== 1) {
    context.printError('fatal: you must specify a hook event name to list\n\n');
    return subcommandUsage(context, [listUsage], listOptions);
  }
  const event = rest[0]!;
  if (!known(context, event, values['allow-unknown-hook-name'])) return 1;
  const hooks = hooksOf(context);
  const end = values.z === true ? '\0' : '\n';
  let found = 0;
  for (const hook of hooks.configured(event)) {
    found++;
    const scope = values['show-scope'] === true ? `${hook.scope}\t` : '';
    yield { text: `${scope}${hook.off === undefined ? '' : `${hook.off}\t`}${hook.name}${end}` };
  }
  if (hooks.find(event) !== undefined) {
    found++;
    yield { text: `hook from hookdir${end}` };
  }
  if (found > 0) return 0;
  context.warning(`no hooks found for event '${event}'`);
  return 1;
}

function run(context: CommandContext, argv: readonly string[]): number {
  const parsed = parseSubcommand(context, [runUsage], runOptions, argv, { keepDashDash: true });
  if (typeof parsed === 'number') return parsed;
  const { values, rest } = parsed;
  const [event, dashes, ...args] = rest;
  if (event === undefined || event === '--' || (dashes !== undefined && dashes !== '--')) {
    return subcommandUsage(context, [runUsage], runOptions);
  }
  if (values.jobs != null && values.jobs < 0 && values.jobs !== -1) {
    throw new GitError('USAGE', `invalid value for -j: ${values.jobs} (use -1 for CPU count or a positive integer)`);
  }
  if (!known(context, event, values['allow-unknown-hook-name'])) return 1;
  const hooks = hooksOf(context);
  const configured = hooks.configured(event);
  const file = hooks.find(event);
  if (configured.length === 0 && file === undefined) {
    if (values['ignore-missing'] === true) return 0;
    context.error(`cannot find a hook named ${event}`);
    return 1;
  }
  if (hooks.jobs(event, values.jobs ?? undefined) > 1 && values.jobs != null) {
    for (const hook of configured) {
      if (hook.off === undefined && !hook.parallel) {
        context.warning(
          `hook '${hook.name}' is not marked as parallel=true, running in parallel anyway due to -j${values.jobs}`,
        );
      }
    }
  }
  const input = standardInput(context, values['to-stdin']);
  return hooks.run(event, args, { input, jobs: values.jobs ?? undefined })?.code ?? 0;
}

function standardInput(context: CommandContext, path: string | null | undefined): Uint8Array | undefined {
  if (path == null) return undefined;
  try {
    if (path === '') throw Object.assign(new Error('no name'), { code: 'ENOENT' });
    return readFileSync(resolve(context.cwd, path));
  } catch (error) {
    throw new GitError('USAGE', `could not open '${path}' for reading: ${systemMessage(error)}`);
  }
}
