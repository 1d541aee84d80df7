import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { compareText } from '../base/bytes.js';
import { allAliases } from './alias.js';
import { completionNames, completionSections, settingNames } from './setting-names.js';
import { allGroups, commandGroups, commonGroups, ownCommands, pages, type PageKind } from './command-groups.js';
import type { CommandContext } from './command.js';
import { programUsage } from './program-usage.js';
import { table } from './table.js';

interface Row {
  readonly name: string;
  readonly summary?: string;
}
interface Section {
  readonly heading: string;
  readonly rows: readonly Row[];
}

/** The line about a command: its own summary. */
async function summaryOf(name: string): Promise<string> {
  const { command } = await table[name]!();
  return `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}`;
}

const rowsOf = async (group: string): Promise<Row[]> => {
  const names = [...(commandGroups[group] ?? [])].filter((name) => Object.hasOwn(table, name)).sort(compareText);
  return Promise.all(names.map(async (name) => ({ name, summary: await summaryOf(name) })));
};

const ownRows = (): Promise<Row[]> =>
  Promise.all(
    [...ownCommands]
      .filter((name) => Object.hasOwn(table, name))
      .map(async (name) => ({ name, summary: await summaryOf(name) })),
  );

const pagesOf = (kind: PageKind): Row[] =>
  Object.entries(pages)
    .filter(([, page]) => page[0] === kind)
    .map(([name, page]) => ({ name, summary: page[2] }));

/** Sections under their headings, names in one column as wide as the longest of all. */
function sections(list: readonly Section[]): string {
  const filled = list.filter(({ rows }) => rows.length > 0);
  const width = Math.max(0, ...filled.flatMap(({ rows }) => rows.map(({ name }) => name.length)));
  const row = ({ name, summary }: Row): string =>
    summary === undefined ? `   ${name}\n` : `   ${name.padEnd(width)}   ${summary}\n`;
  return filled.map(({ heading, rows }) => `${heading}\n${rows.map(row).join('')}`).join('\n');
}

const more = (program: string): string =>
  `\n'${program} help -a' and '${program} help -g' list available subcommands and some\n` +
  `concept guides. See '${program} help <command>' or '${program} help <concept>'\n` +
  `to read about a specific subcommand or concept.\nSee '${program} help git' for an overview of the system.\n`;

/** What the program says without a command: its usage, and the commands most people use. */
export async function commonHelp(context: CommandContext): Promise<string> {
  const list: Section[] = [];
  for (const [group, heading] of commonGroups)
    list.push({ heading: heading.replace('git help', `${context.program} help`), rows: await rowsOf(group) });
  list.push({ heading: 'put values on branches', rows: await ownRows() });
  const which = context.program === 'git' ? 'Git' : 'bough';
  return `${programUsage(context.program)}\nThese are common ${which} commands used in various situations:\n\n${sections(list)}${more(context.program)}`;
}

/** `help -a`. Names of programs on PATH and aliases are columns of their own. */
export async function allHelp(context: CommandContext, external: boolean, aliases: boolean): Promise<string> {
  const list: Section[] = [];
  for (const [group, heading] of allGroups) list.push({ heading, rows: await rowsOf(group) });
  list.push({ heading: 'Values on branches', rows: await ownRows() });
  list.push({
    heading: 'User-facing repository, command and file interfaces',
    rows: pagesOf('userinterfaces'),
  });
  let text = `See '${context.program} help <command>' to read about a specific subcommand\n\n${sections(list)}`;
  if (external)
    text += `\n${sections([{ heading: 'External commands', rows: otherCommands(context).map((name) => ({ name })) }])}`;
  if (aliases) {
    const rows = [...allAliases(context)].map(([name, summary]) => ({ name, summary }));
    if (rows.length > 0) text += `\n${sections([{ heading: 'Command aliases', rows }])}`;
  }
  return text;
}

/** `help -a --no-verbose`: names only, in columns. */
export function namesHelp(context: CommandContext): string {
  const columns = (names: readonly string[]): string => {
    const wide = Math.max(0, ...names.map((name) => name.length)) + 2;
    const screen = Number(context.env['COLUMNS'] ?? '80') || 80;
    const across = Math.max(1, Math.floor((screen - 3) / wide));
    const down = Math.ceil(names.length / across);
    let text = '';
    for (let row = 0; row < down; row++) {
      const cells = names.filter((_, i) => i % down === row);
      text += `  ${cells.map((cell, i) => (i === cells.length - 1 ? cell : cell.padEnd(wide))).join('')}\n`;
    }
    return `${text}\n`;
  };
  const { program } = context;
  let text = `${programUsage(program)}\n`;
  text += `available ${program} commands in '${context.env['GIT_EXEC_PATH'] ?? context.programDirectory}'\n\n`;
  text += columns(mainCommands(context));
  const others = otherCommands(context);
  if (others.length > 0) text += `${program} commands available from elsewhere on your $PATH\n\n${columns(others)}`;
  return `${text}${more(program).slice(1)}`;
}

export const guidesHelp = (context: CommandContext): string =>
  `${sections([{ heading: 'The Git concept guides are:', rows: pagesOf('guide') }])}${more(context.program)}`;

export const interfacesHelp = (): string =>
  `${sections([{ heading: 'User-facing repository, command and file interfaces:', rows: pagesOf('userinterfaces') }])}\n`;

export const formatsHelp = (): string => {
  const rows = pagesOf('developerinterfaces');
  const heading = 'File formats, protocols and other developer interfaces:';
  return rows.length === 0 ? `${heading}\n\n` : `${sections([{ heading, rows }])}\n`;
};

/** `help -c` and what completion asks for. */
export const settingsHelp = (context: CommandContext): string =>
  `${settingNames().join('\n')}\n\n'${context.program} help config' for more information\n`;
export const completionHelp = (): string => `${completionNames().join('\n')}\n`;
export const sectionsHelp = (): string => `${completionSections().join('\n')}\n`;

/** Programs `git-NAME` of some folders, by name. */
function programsIn(folders: readonly string[], prefixes: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (const folder of folders) {
    let entries: string[];
    try {
      entries = readdirSync(folder === '' ? '.' : folder);
    } catch {
      continue;
    }
    for (const entry of entries) {
      const prefix = prefixes.find((start) => entry.startsWith(start) && entry.length > start.length);
      if (prefix !== undefined && executable(join(folder, entry))) names.add(entry.slice(prefix.length));
    }
  }
  return names;
}

function executable(file: string): boolean {
  try {
    const stat = statSync(file);
    return stat.isFile() && (stat.mode & 0o111) !== 0;
  } catch {
    return false;
  }
}

const prefixes = (context: CommandContext): string[] => (context.program === 'bough' ? ['git-', 'bough-'] : ['git-']);

/** The program's own commands, and those that lie in its folder (`--exec-path`). */
export function mainCommands(context: CommandContext): string[] {
  const folder = context.env['GIT_EXEC_PATH'] ?? context.programDirectory;
  return [...new Set([...Object.keys(table), ...programsIn([folder], prefixes(context))])].sort(compareText);
}

/** Commands that other programs on PATH make. */
export function otherCommands(context: CommandContext): string[] {
  const main = new Set(mainCommands(context));
  const found = programsIn((context.env['PATH'] ?? '').split(':'), prefixes(context));
  return [...found].filter((name) => !main.has(name)).sort(compareText);
}
