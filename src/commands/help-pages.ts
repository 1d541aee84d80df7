import { Command as Commander, Option } from 'commander';
import type { Command } from './command.js';
import type { OptionSpec } from './options.js';

/** A commander program from the declared table: it lays out the help; parsing is git's own (see options.ts). */
function toCommander(command: Command, program: string): Commander {
  const page = new Commander(command.name).summary(command.summary).description(command.summary).helpOption(false);
  page.usage(command.usage.map((line) => line.replace(/^\S+\s?/, '')).join(`\n       ${program} ${command.name} `));
  for (const [key, spec] of Object.entries(command.options))
    if (spec.hidden !== true) page.addOption(toOption(key, spec));
  return page;
}

/** `-#` stands for a number written as an option, `-3`. */
function toOption(key: string, spec: OptionSpec): Option {
  const value = 'value' in spec && spec.value !== undefined ? spec.value.replace(/[<>]/g, '') : undefined;
  const argument = value === undefined ? '' : spec.type === 'optional' ? ` [${value}]` : ` <${value}>`;
  const short = spec.short === undefined ? '' : `-${spec.short}`;
  const long = spec.shortOnly === true || spec.type === 'digits' ? '' : `--${key}`;
  return new Option(`${[short, long].filter((part) => part !== '').join(', ') || '-#'}${argument}`, spec.help ?? '');
}

export function helpPage(program: string, command: Command): string {
  const root = new Commander(program).helpOption(false);
  const page = toCommander(command, program);
  root.addCommand(page);
  return page.helpInformation();
}

/** bough's own commands; the others are git's. */
const own: ReadonlySet<string> = new Set(['put', 'get', 'list', 'remove', 'transact', 'watch', 'browse', 'serve']);

export function helpOverview(program: string, commands: readonly Command[]): string {
  const root = new Commander(program)
    .description('git whose merges understand values: the same commands, and values on branches')
    .usage('[-C <path>] [-c <name>=<value>] [--json] <command> [<args>]')
    .helpOption(false)
    .helpCommand(false);
  const groups: readonly [string, (command: Command) => boolean][] = [
    ['Values on branches:', ({ name }) => own.has(name)],
    ["git's commands:", ({ name }) => !own.has(name)],
  ];
  for (const [heading, belongs] of groups) {
    root.commandsGroup(heading);
    // A command that answers to several names is one.
    for (const command of new Set(commands.filter(belongs))) root.addCommand(toCommander(command, program));
  }
  return root.helpInformation();
}
