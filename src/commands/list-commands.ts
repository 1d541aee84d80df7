import { compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { readUserConfig } from '../repo/repository.js';
import { aliasesInOrder, deprecatedCommands } from './alias.js';
import { commandGroups, otherParsers, pages } from './command-groups.js';
import type { CommandContext } from './command.js';
import { mainCommands, otherCommands } from './help-lists.js';
import { table } from './table.js';

/** `--list-cmds=<groups>`: names, one a line, group by group. Throws `USAGE` for a group that is not there. */
export function listCommands(groups: string, context: CommandContext): string {
  const builtIn = Object.keys(table).sort(compareText);
  if (groups === 'parseopt')
    return builtIn
      .filter((name) => !otherParsers.has(name))
      .map((name) => `${name} `)
      .join('');
  let names: string[] = [];
  for (let rest = groups; rest !== ''; ) {
    const comma = rest.indexOf(',');
    const group = comma <= 0 ? rest : rest.slice(0, comma);
    rest = comma <= 0 ? '' : rest.slice(comma + 1);
    if (group === 'builtins') names.push(...builtIn);
    else if (group === 'main') names.push(...mainCommands(context));
    else if (group === 'others') names.push(...otherCommands(context));
    else if (group === 'nohelpers') withoutHelpers(names);
    else if (group === 'alias') names.push(...aliasesInOrder(context).map(([name]) => name));
    else if (group === 'deprecated') names.push(...deprecatedCommands);
    else if (group === 'config') names = chosen(context, names);
    else names.push(...listed(group));
  }
  return names.map((name) => `${name}\n`).join('');
}

/** `list-<group>`: commands of git's groups that are here, or pages. */
function listed(group: string): string[] {
  const name = group.startsWith('list-') ? group.slice(5) : '';
  if (Object.hasOwn(commandGroups, name))
    return commandGroups[name]!.filter((command) => Object.hasOwn(table, command)).sort(compareText);
  if (name === 'guide' || name === 'userinterfaces' || name === 'developerinterfaces')
    return Object.keys(pages).filter((page) => pages[page]![0] === name);
  throw new GitError('USAGE', `unsupported command listing type '${name === '' ? group : name}'`);
}

/** Takes names of helpers out; as with git, the last name comes to stand where one was. */
function withoutHelpers(names: string[]): void {
  for (let i = 0; i < names.length; ) {
    if (!names[i]!.includes('--')) i++;
    else {
      const last = names.pop()!;
      if (i < names.length) names[i] = last;
    }
  }
}

/** `completion.commands`: names to add, and with `-` before them to leave out; in order then. */
function chosen(context: CommandContext, names: readonly string[]): string[] {
  const config = context.maybeRepository()?.config ?? readUserConfig(context);
  const all = new Set(names);
  for (const word of (config.get('completion.commands') ?? '').split(' ')) {
    if (word.startsWith('-')) all.delete(word.slice(1));
    else if (word !== '') all.add(word);
  }
  return [...all].sort(compareText);
}
