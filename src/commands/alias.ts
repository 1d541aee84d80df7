import * as fs from 'node:fs';
import * as path from 'node:path';
import { compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { type Config, type ConfigEntry, missingValue } from '../repo/config.js';
import { readUserConfig } from '../repo/repository.js';
import type { CommandContext } from './command.js';

/** Runs `git-<name>` (or `bough-<name>`) from PATH; `undefined` where there is none. */
export function runExternal(context: CommandContext, execDirectory: string): number | undefined {
  trace(context, () => `trace: run_command: ${traceWords([`git-${context.name}`, ...context.argv])}`);
  if (!/^[A-Za-z0-9][\w.-]*$/.test(context.name)) return undefined;
  const execPath = context.env['GIT_EXEC_PATH'] ?? execDirectory;
  const search = [execPath, ...(context.env['PATH'] ?? '').split(':')].filter((directory) => directory !== '');
  for (const name of context.program === 'bough'
    ? [`bough-${context.name}`, `git-${context.name}`]
    : [`git-${context.name}`]) {
    for (const directory of search) {
      const file = path.join(directory, name);
      if (!isExecutable(file)) continue;
      context.io.stdout.flush();
      const { code } = context.platform.processes!.runSync([file, ...context.argv], {
        stdin: 'inherit',
        stdout: 'inherit',
        stderr: 'inherit',
        env: { ...context.env, PATH: `${execPath}:${context.env['PATH'] ?? ''}` },
      });
      return code;
    }
  }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Splits an alias as git does: blanks apart, quotes and backslashes taken off. */
export function splitCommandLine(text: string): string[] {
  const words: string[] = [];
  let word = '';
  let inWord = false;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (quote === '' && /\s/.test(char)) {
      if (inWord) words.push(word);
      word = '';
      inWord = false;
    } else if (quote === '' && (char === "'" || char === '"')) {
      quote = char;
      inWord = true;
    } else if (char === quote) quote = '';
    else {
      inWord = true;
      if (char === '\\' && quote !== "'") {
        i++;
        if (i >= text.length) throw new GitError('CONFIG', 'cmdline ends with \\');
        word += text[i];
      } else word += char;
    }
  }
  if (quote !== '') throw new GitError('CONFIG', 'unclosed quote');
  if (inWord) words.push(word);
  return words;
}

/** Commands on their way out, which an alias may stand in front of. */
export const deprecatedCommands: readonly string[] = ['pack-redundant', 'whatchanged'];

/** The configuration aliases are read from: outside a repository only the user's own files and the command line. */
const aliasConfig = (context: CommandContext): Config => context.maybeRepository()?.config ?? readUserConfig(context);

/**
 * The alias an entry defines: `alias.name` (any case) or `alias.<name>.command` (that name exactly). Anything else
 * below `alias` defines none, but for the old dotted form, `alias.some.name`.
 */
function aliasOf(key: string): { readonly name: string; readonly exact: boolean } | undefined {
  if (!key.startsWith('alias.')) return undefined;
  const dot = key.lastIndexOf('.');
  if (dot === 5) return { name: key.slice(6), exact: false };
  const name = key.slice(6, dot);
  if (key.slice(dot) === '.command' && name !== '') return { name, exact: true };
  return { name: name === '' ? key.slice(dot + 1) : key.slice(6), exact: false };
}

/** The last entry that defines an alias. */
function findAlias(config: Config, name: string): string | undefined {
  let found: ConfigEntry | undefined;
  for (const entry of config.entries()) {
    const alias = aliasOf(entry.key);
    if (alias === undefined) continue;
    if (alias.exact ? alias.name === name : alias.name.toLowerCase() === name.toLowerCase()) found = entry;
  }
  if (found !== undefined && found.value === undefined) throw missingValue(found);
  return found?.value;
}

/** Every alias and what it stands for, by name. */
export function allAliases(context: CommandContext): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  for (const entry of aliasConfig(context).entries()) {
    const alias = aliasOf(entry.key);
    if (alias !== undefined && entry.value !== undefined) aliases.set(alias.name, entry.value);
  }
  return new Map([...aliases].sort(([a], [b]) => compareText(a, b)));
}

/** What `alias.<name>` stands for: words to run instead, or the exit code of a shell alias that was run. */
export function expandAlias(
  context: CommandContext,
  expanded: readonly string[],
): { words: string[] } | { code: number } | undefined {
  const repository = context.maybeRepository();
  const value = findAlias(aliasConfig(context), context.name);
  if (value === undefined) return undefined;
  if (context.argv[0] === '-h') {
    context.io.stdout.flush();
    context.printError(`'${context.name}' is aliased to '${value}'\n`);
  }
  if (value.startsWith('!')) {
    context.io.stdout.flush();
    const top = repository?.workTree;
    const [program, ...args] = context.platform.processes!.shell(value.slice(1), context.argv);
    trace(context, () => `trace: start_command: ${traceWords([program, ...args])}`);
    const { code } = context.platform.processes!.runSync([program, ...args], {
      cwd: top,
      stdin: 'inherit',
      stdout: 'inherit',
      stderr: 'inherit',
      env: { ...context.env, ...(repository === undefined ? {} : { GIT_PREFIX: repository.prefix }) },
    });
    return { code };
  }
  let words: string[];
  try {
    words = splitCommandLine(value);
  } catch (error) {
    throw new GitError('CONFIG', `bad alias.${context.name} string: ${(error as Error).message}`);
  }
  if (words.length === 0) throw new GitError('CONFIG', `empty alias for ${context.name}`);
  if (words[0] === context.name) throw new GitError('CONFIG', `recursive alias: ${context.name}`);
  const loop = expanded.indexOf(words[0]!);
  if (loop >= 0) {
    const chain = [...expanded, context.name].map(
      (name, i, all) => `\n  ${name}${i === loop ? ' <==' : i === all.length - 1 ? ' ==>' : ''}`,
    );
    throw new GitError(
      'CONFIG',
      `alias loop detected: expansion of '${expanded[0] ?? context.name}' does not terminate:${chain.join('')}`,
    );
  }
  return { words: [...words, ...context.argv] };
}

/** Words as a trace shows them: quoted where a shell would need it. */
const traceWords = (words: readonly string[]): string =>
  words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/['!]/g, (char) => `'\\${char}'`)}'`))
    .join(' ');

/** One line to where GIT_TRACE says. */
function trace(context: CommandContext, line: () => string): void {
  const target = context.env['GIT_TRACE'];
  if (target === undefined || target === '' || target === '0' || target === 'false') return;
  const time = new Date(context.platform.now()).toISOString().slice(11, 23);
  const text = `${context.env['GIT_TRACE_BARE'] === '1' ? '' : `${time}000 bough                   `}${line()}\n`;
  if (target.startsWith('/')) fs.appendFileSync(target, text);
  else context.printError(text);
}

export function unknownCommand(context: CommandContext, names: readonly string[]): number {
  const name = context.name;
  context.printError(
    `${context.program}: '${name}' is not a ${context.program} command. See '${context.program} --help'.\n`,
  );
  const near = names
    .map((candidate) => ({ candidate, distance: distance(name, candidate) }))
    .filter(({ candidate, distance: d }) => d <= 2 || candidate.startsWith(name));
  near.sort((a, b) => a.distance - b.distance);
  const best = near.filter(({ distance: d }) => d === near[0]!.distance).map(({ candidate }) => candidate);
  if (best.length > 0) {
    context.printError(
      `\nThe most similar command${best.length === 1 ? ' is' : 's are'}\n${best
        .sort()
        .map((candidate) => `\t${candidate}\n`)
        .join('')}`,
    );
  }
  return 1;
}

function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row.push(Math.min(row[j - 1]! + 1, previous[j]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    previous = row;
  }
  return previous[b.length]!;
}
