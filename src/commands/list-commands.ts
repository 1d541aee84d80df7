import { allAliases, deprecatedCommands } from './alias.js';
import type { CommandContext } from './command.js';
import { table } from './table.js';

/** `--list-cmds=<groups>`: names, one a line; groups are separated by commas. */
export function listCommands(groups: string, context: CommandContext): string {
  const names = new Set<string>();
  for (const group of groups.split(',')) {
    if (group === 'builtins' || group === 'main' || group.startsWith('list-'))
      for (const name of Object.keys(table)) names.add(name);
    else if (group === 'deprecated') for (const name of deprecatedCommands) names.add(name);
    else if (group === 'alias') for (const name of allAliases(context).keys()) names.add(name);
  }
  return [...names].map((name) => `${name}\n`).join('');
}
