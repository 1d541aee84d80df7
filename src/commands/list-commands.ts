import type { CommandContext } from './command.js';
import { table } from './table.js';

/** `--list-cmds=<groups>`: names, one a line; groups are separated by commas. */
export function listCommands(groups: string, _context: CommandContext): string {
  const names = new Set<string>();
  for (const group of groups.split(',')) {
    if (group === 'builtins' || group === 'main' || group.startsWith('list-'))
      for (const name of Object.keys(table)) names.add(name);
  }
  return [...names].map((name) => `${name}\n`).join('');
}
