import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { GitError } from '../base/errors.js';
import type { Repository } from '../repo/repository.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { parseOptions, UsageError } from './options.js';

interface Line {
  readonly text: string;
}

/** A program that runs for an event: configured (`hook.<name>.event`), or the file in the hooks directory. */
interface EventHook {
  readonly name: string;
  readonly scope: string;
  readonly command: string | undefined;
}

const runOptions = {
  'allow-unknown-hook-name': { type: 'flag', help: 'allow running a hook with a non-native hook name' },
  'ignore-missing': { type: 'flag', help: 'silently ignore missing requested <hook-name>' },
  'to-stdin': { type: 'string', value: 'path', help: "file to read into hooks' stdin" },
  jobs: { type: 'number', short: 'j', value: 'n', negatable: false, help: 'run up to <n> hooks simultaneously' },
} as const;
const listOptions = {
  'allow-unknown-hook-name': runOptions['allow-unknown-hook-name'],
  z: { type: 'flag', short: 'z', shortOnly: true, help: 'use NUL as line terminator' },
  'show-scope': { type: 'flag', help: 'show the config scope that defined each hook' },
} as const;

export const command = defineCommand({
  name: 'hook',
  summary: 'run hooks',
  usage: [
    'hook run [--allow-unknown-hook-name] [--ignore-missing] [--to-stdin=<path>] [(-j|--jobs) <n>]\n' +
      '       <hook-name> [-- <hook-args>]',
    'hook list [--allow-unknown-hook-name] [-z] [--show-scope] <hook-name>',
  ],
  options: {},
  parsing: { none: true },
  async *run(context): AsyncGenerator<Line, number> {
    const [verb, ...argv] = context.argv;
    if (verb === '-h') throw new UsageError('', { help: true });
    if (verb === undefined) throw new UsageError('need a subcommand');
    if (verb === 'list') {
      const { values, rest } = parseOptions(listOptions, argv, {});
      if (rest.length !== 1) throw new UsageError('You must specify a hook event name to list.');
      const hooks = eventHooks(context.repository(), rest[0]!);
      if (hooks.length === 0) {
        context.warning(`no hooks found for event '${rest[0]}'`);
        return 1;
      }
      for (const hook of hooks) {
        const scope = values['show-scope'] === true && hook.command !== undefined ? `${hook.scope}\t` : '';
        yield {
          text: `${scope}${hook.command === undefined ? 'hook from hookdir' : hook.name}${values.z === true ? '\0' : '\n'}`,
        };
      }
      return 0;
    }
    if (verb !== 'run') throw new UsageError(`unknown subcommand: \`${verb}'`);
    const { values, rest, dashDash } = parseOptions(runOptions, argv, {});
    const [name, ...args] = rest;
    if (name === undefined || (args.length > 0 && dashDash !== 1)) throw new UsageError();
    return runEvent(context, name, args, values['to-stdin'] ?? undefined, values['ignore-missing'] === true);
  },
  render: ({ text }) => text,
});

/** Configured hooks in the order of the configuration, then the file of that name. */
function eventHooks(repository: Repository, event: string): EventHook[] {
  const { config } = repository;
  const found = new Map<string, EventHook>();
  for (const entry of config.entries()) {
    const match = /^hook\.(.+)\.event$/s.exec(entry.key);
    if (match === null) continue;
    const name = match[1]!;
    if (entry.value === '') found.delete(name);
    if (entry.value !== event) continue;
    found.delete(name);
    found.set(name, { name, scope: entry.scope, command: config.get(`hook.${name}.command`) ?? '' });
  }
  const out = [...found.values()].filter((hook) => config.getBool(`hook.${hook.name}.enabled`, true));
  for (const hook of out) {
    if (hook.command === '') {
      throw new GitError(
        'CONFIG',
        `'hook.${hook.name}.command' must be configured or 'hook.${hook.name}.event' must be removed; aborting.`,
      );
    }
  }
  const file = repository.hooks.find(event);
  if (file !== undefined) out.push({ name: event, scope: '', command: undefined });
  return out;
}

async function runEvent(
  context: CommandContext,
  event: string,
  args: readonly string[],
  stdin: string | undefined,
  ignoreMissing: boolean,
): Promise<number> {
  const repository = context.repository();
  const hooks = eventHooks(repository, event);
  if (hooks.length === 0) {
    if (ignoreMissing) return 0;
    context.error(`cannot find a hook named ${event}`);
    return 1;
  }
  const input = stdin === undefined ? undefined : readFileSync(resolve(context.cwd, stdin));
  let code = 0;
  for (const hook of hooks) {
    if (hook.command === undefined) {
      const ran = repository.hooks.run(event, args, { input });
      code = ran !== undefined && ran.code !== 0 ? ran.code : code;
      continue;
    }
    const { processes } = repository.platform;
    if (processes === undefined) throw new GitError('UNSUPPORTED', 'no programs can be run here');
    const ran = processes.runSync(processes.shell(hook.command, args), {
      cwd: repository.workTree ?? repository.gitDir,
      env: repository.hooks.environment(),
      ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
      stdout: 'stderr',
      stderr: 'inherit',
    });
    if (ran.code !== 0) code = ran.code;
  }
  return code;
}
