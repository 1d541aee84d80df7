import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aliasesInOrder, allAliases, splitAlias } from './alias.js';
import { pages } from './command-groups.js';
import { type CommandContext, defineCommand } from './command.js';
import { UsageError } from './options.js';
import { table } from './table.js';

interface Help {
  readonly text: string;
}

const mode = (group: string, help: string, short?: string) =>
  ({ type: 'mode', group, help, ...(short === undefined ? {} : { short }) }) as const;

/** `help`: lists of what there is, or a page about one command, guide or interface. */
export const command = defineCommand({
  name: 'help',
  summary: 'Show the commands, or one command’s usage and options',
  usage: [
    'help [-a|--all] [--[no-]verbose] [--[no-]external-commands] [--[no-]aliases]',
    'help [[-i|--info] [-m|--man] [-w|--web]] [<command>|<doc>]',
    'help [-g|--guides]',
    'help [-c|--config]',
    'help [--user-interfaces]',
    'help [--developer-interfaces]',
  ],
  options: {
    all: mode('what', 'list every command', 'a'),
    'external-commands': { type: 'flag', help: 'with --all: also programs on PATH' },
    aliases: { type: 'flag', help: 'with --all: also aliases' },
    man: { type: 'flag', short: 'm', help: 'show the page in the viewer of manual pages' },
    web: { type: 'flag', short: 'w', help: 'show the page in a browser' },
    info: { type: 'flag', short: 'i', help: 'show the page in info' },
    verbose: { type: 'flag', short: 'v', help: 'with --all: say what each command does' },
    guides: mode('what', 'list the guides', 'g'),
    'user-interfaces': mode('what', 'list the pages about files and words that users write'),
    'developer-interfaces': mode('what', 'list the pages about formats and protocols'),
    config: mode('what', 'list all variables of the configuration', 'c'),
    'config-for-completion': { ...mode('what', 'the same as completion wants them'), hidden: true },
    'config-sections-for-completion': { ...mode('what', 'their sections'), hidden: true },
    'aliases-for-completion': { ...mode('what', 'all aliases'), hidden: true },
    'exclude-guides': { type: 'flag', help: 'pages of commands only', hidden: true },
  },
  async *run(context, args): AsyncGenerator<Help, number | void> {
    const { values, rest, events } = args;
    const asked = (['all', 'guides', 'user-interfaces', 'developer-interfaces', 'config'] as const).find(
      (key) => values[key] !== undefined,
    );
    const hidden = (
      ['aliases-for-completion', 'config-for-completion', 'config-sections-for-completion'] as const
    ).find((key) => values[key] !== undefined);
    const formats = events.filter(({ key }) => key === 'man' || key === 'web' || key === 'info');
    const last = formats.at(-1);
    const format = last === undefined || last.negated ? undefined : (last.key as 'man' | 'web' | 'info');
    const what = asked ?? hidden;
    if (what !== 'all' && (values['external-commands'] !== undefined || values.aliases !== undefined))
      throw new UsageError("the '--no-[external-commands|aliases]' options can only be used with '--all'", {
        fatal: true,
      });
    if (what !== undefined && rest.length > 0)
      throw new UsageError(`the '--${what}' option doesn't take any non-option arguments`, { fatal: true });
    if (what !== undefined && format !== undefined)
      throw new UsageError(`options '--${what}' and '--${format}' cannot be used together`, { fatal: true });
    const name = rest[0];
    if (what === undefined && name !== undefined)
      return yield* page(context, name, format, values['exclude-guides'] === true);
    const lists = await import('./help-lists.js');
    const external = values['external-commands'] !== false;
    const names = what === 'all' && values.verbose === false;
    if (names) yield { text: lists.namesHelp(context) };
    if (what === undefined || names) yield { text: await lists.commonHelp(context) };
    else if (what === 'all') {
      context.startPager(true);
      yield { text: await lists.allHelp(context, external, values.aliases !== false) };
    } else if (what === 'guides') yield { text: lists.guidesHelp(context) };
    else if (what === 'user-interfaces') yield { text: lists.interfacesHelp() };
    else if (what === 'developer-interfaces') yield { text: lists.formatsHelp() };
    else if (what === 'config') {
      context.startPager(true);
      yield { text: lists.settingsHelp(context) };
    } else if (what === 'aliases-for-completion')
      yield {
        text: aliasesInOrder(context)
          .map(([name, value]) => `${name}\n${value}\0`)
          .join(''),
      };
    else yield { text: what === 'config-for-completion' ? lists.completionHelp() : lists.sectionsHelp() };
  },
  render: (result: Help) => result.text,
});

/** One page. For `NAME --help` only commands have one, and an alias of another command shows that one's. */
async function* page(
  context: CommandContext,
  asked: string,
  format: 'man' | 'web' | 'info' | undefined,
  commandsOnly: boolean,
): AsyncGenerator<Help, number | void> {
  const { mainCommands, otherCommands } = await import('./help-lists.js');
  const { formatOf, helpConfig, viewInfo, viewManual, viewWeb } = await import('./help-viewers.js');
  const config = helpConfig(context);
  const configured = formatOf(config);
  const isCommand = (name: string): boolean =>
    mainCommands(context).includes(name) || otherCommands(context).includes(name);
  let name = asked;
  if (!isCommand(name)) {
    const alias = allAliases(context).get(name) ?? allAliases(context).get(name.toLowerCase());
    if (alias !== undefined) {
      const said = `'${name}' is aliased to '${alias}'\n`;
      if (!commandsOnly || alias.startsWith('!')) {
        yield { text: said };
        return;
      }
      context.printError(said);
      name = splitAlias(name, alias)[0] ?? 'git';
    } else if (commandsOnly) {
      const { unknownCommand } = await import('./unknown-command.js');
      const meant = await unknownCommand(renamed(context, name));
      if (meant === undefined) return 1;
      name = meant.name;
    }
  }
  const wanted = format ?? configured;
  const manual = isCommand(name) ? `git-${name}` : name.startsWith('git') ? name : `git${name}`;
  if (wanted === 'web') return viewWeb(context, config, manual);
  if (wanted === 'info') return viewInfo(context, manual);
  const shown = viewManual(context, config, manual);
  if (shown !== undefined) return shown;
  const text = await textOf(context, manual.replace(/^git-?/, ''));
  if (text === undefined) {
    context.printError(`No manual entry for ${manual}\n`);
    return 16;
  }
  context.startPager(true);
  yield { text };
}

/** The context of a command by another name. */
const renamed = (context: CommandContext, name: string): CommandContext =>
  Object.create(context, { name: { value: name } }) as CommandContext;

/** The page itself: a command's usage and options, or a text of the documentation. */
async function textOf(context: CommandContext, name: string): Promise<string | undefined> {
  const { helpOverview, helpPage } = await import('./help-pages.js');
  if (name === '') {
    const commands = await Promise.all(Object.values(table).map(async (load) => (await load()).command));
    return helpOverview(context.program, commands);
  }
  const load = Object.hasOwn(table, name) ? table[name] : undefined;
  if (load !== undefined) return helpPage(context.program, (await load()).command);
  const found = Object.hasOwn(pages, name) ? pages[name] : undefined;
  return found === undefined ? undefined : readFileSync(join(context.programDirectory, '../docs', found[1]), 'utf8');
}
