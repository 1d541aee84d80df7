import { defineCommand, type Command } from './command.js';
import { allAliases } from './alias.js';
import { table } from './table.js';
import { GitError } from '../base/errors.js';

interface Help {
  readonly text: string;
}

/** `help`: the list of commands, or one command's page. The pages are made by commander from the declared tables. */
export const command = defineCommand({
  name: 'help',
  summary: 'Show the commands, or one command’s usage and options',
  usage: ['help [-a|--all] [<command>]'],
  options: { all: { type: 'flag', short: 'a', help: 'list every command' } },
  async *run(context, args) {
    const { helpOverview, helpPage } = await import('./help-pages.js');
    const name = args.rest[0];
    const commands: Command[] = [];
    if (name === undefined) {
      for (const load of Object.values(table)) commands.push((await load()).command);
      const aliases = args.values['all'] === true ? allAliases(context) : new Map<string, string>();
      const width = Math.max(...[...aliases.keys()].map((alias) => alias.length));
      const shown = [...aliases].map(([alias, value]) => `   ${alias.padEnd(width)}   ${value}\n`).join('');
      yield {
        text: helpOverview(context.program, commands) + (shown === '' ? '' : `\nCommand aliases\n${shown}`),
      } satisfies Help;
      return;
    }
    const load = Object.hasOwn(table, name) ? table[name] : undefined;
    if (load === undefined)
      throw new GitError('USAGE', `no manual entry for ${context.program}-${name}`, {
        hint: `'${context.program} help -a' lists the commands`,
      });
    yield { text: helpPage(context.program, (await load()).command) } satisfies Help;
  },
  render: (result: Help) => result.text,
});
