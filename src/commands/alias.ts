import * as fs from 'node:fs';
import * as path from 'node:path';
import { compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { type Config, type ConfigEntry, missingValue } from '../repo/config.js';
import { readUserConfig, type Repository } from '../repo/repository.js';
import { systemMessage } from '../platform/system-message.js';
import type { CommandContext } from './command.js';
import { type GlobalWords, parseGlobalOptions } from './global-options.js';
import { traceText } from './trace.js';

/** Runs `git-<name>` (or `bough-<name>`) from PATH; `undefined` where there is none. */
export function runExternal(context: CommandContext, execDirectory: string): number | undefined {
  const dashed = traceWords([`git-${context.name}`, ...context.argv]);
  trace(context, 'git.c:811', `exec: ${dashed}`);
  trace(context, 'run-command.c:673', `run_command: ${dashed}`);
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
      trace(context, 'run-command.c:765', `start_command: ${traceWords([file, ...context.argv])}`);
      const { code } = context.platform.processes!.runSync([file, ...context.argv], {
        stdin: 'inherit',
        stdout: context.io.stdout.descriptor,
        stderr: 'inherit',
        env: { ...context.env, PATH: `${execPath}:${context.env['PATH'] ?? ''}` },
      });
      return code;
    }
  }
  return undefined;
}

/** The whole path of a program. */
function onPath(context: CommandContext, program: string): string {
  if (program.includes('/')) return program;
  const folder = (context.env['PATH'] ?? '').split(':').find((name) => isExecutable(path.join(name, program)));
  return folder === undefined ? program : path.join(folder, program);
}

function isDirectory(file: string): boolean {
  try {
    return fs.statSync(file).isDirectory();
  } catch {
    return false;
  }
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
  if (found !== undefined && found.value === undefined) throw withoutValue(found);
  return found?.value;
}

function withoutValue(entry: ConfigEntry): GitError {
  if (entry.origin.kind !== 'command line') return missingValue(entry);
  return new GitError('CONFIG', 'unable to parse command-line config', {
    data: { preface: `error: missing value for '${entry.key}'\n` },
  });
}

/** What a shell alias is told of the repository it runs in. */
function surroundingsOf(
  repository: Repository | undefined,
  workTree: string | undefined,
  { env, cwd }: CommandContext,
): Readonly<Record<string, string>> {
  if (repository === undefined) return {};
  const { prefix, gitDirShown } = repository;
  if (env['GIT_DIR'] !== undefined) return { GIT_PREFIX: prefix };
  // A work tree by name would be no place to find the repository from; in a git directory there is none.
  const none = workTree === undefined;
  const inside = `${cwd}/`.startsWith(`${repository.gitDir}/`);
  const shown = none || env['GIT_WORK_TREE'] !== undefined ? { GIT_DIR: gitDirShown } : {};
  return { GIT_PREFIX: prefix, ...shown, ...(inside ? { GIT_IMPLICIT_WORK_TREE: '0' } : {}) };
}

/** Every alias and what it stands for, as they come; one that is set twice comes twice. Throws `CONFIG`. */
export function aliasesInOrder(context: CommandContext): [name: string, value: string][] {
  const aliases: [string, string][] = [];
  for (const entry of aliasConfig(context).entries()) {
    const alias = aliasOf(entry.key);
    if (alias === undefined) continue;
    if (entry.value === undefined) throw withoutValue(entry);
    aliases.push([alias.name, entry.value]);
  }
  return aliases;
}

/** … by name. */
export const allAliases = (context: CommandContext): ReadonlyMap<string, string> =>
  new Map(aliasesInOrder(context).sort(([a], [b]) => compareText(a, b)));

/** What `alias.<name>` stands for: words to run instead, or the exit code of a shell alias that was run. */
export function expandAlias(
  context: CommandContext,
  expanded: readonly string[],
): { given: GlobalWords; words: readonly string[] } | { code: number } | undefined {
  const repository = context.maybeRepository();
  const value = findAlias(aliasConfig(context), context.name);
  if (value === undefined) return undefined;
  if (context.argv[0] === '-h' && context.argv.length === 1) {
    context.io.stdout.flush();
    context.printError(`'${context.name}' is aliased to '${value}'\n`);
  }
  if (value.startsWith('!')) {
    context.io.stdout.flush();
    const named = repository?.workTree;
    const top = named !== undefined && isDirectory(named) ? named : undefined;
    const [program, ...args] = context.platform.processes!.shell(value.slice(1), context.argv);
    trace(context, 'run-command.c:673', `run_command: ${traceWords([value.slice(1), ...context.argv])}`);
    trace(context, 'run-command.c:765', `start_command: ${traceWords([onPath(context, program), ...args])}`);
    const ran = context.platform.processes!.runSync([program, ...args], {
      cwd: top,
      stdin: 'inherit',
      stdout: context.io.stdout.descriptor,
      stderr: 'inherit',
      env: { ...context.env, ...surroundingsOf(repository, top, context) },
    });
    const shell = value.slice(1);
    if (ran.errorCode !== undefined) {
      const why = systemMessage({ code: ran.errorCode });
      throw new GitError('CONFIG', `while expanding alias '${context.name}': '${shell}': ${why}`, {
        data: { preface: `error: cannot run ${shell}: ${why}\n` },
      });
    }
    if (ran.signalled === true) context.error(`${shell} died of signal ${ran.code - 128}`);
    return { code: ran.code };
  }
  const given = parseGlobalOptions(splitAlias(context.name, value), context.env, (name) => {
    if (!isDirectory(path.resolve(context.cwd, name)))
      throw new GitError('USAGE', `cannot change to '${name}': No such file or directory`);
  });
  const directory = given.directories.find((name) => name !== '');
  const changed = directory === undefined ? Object.keys(given.env) : ['GIT_DIR'];
  for (const key of changed) {
    // What comes from an alias must hold for its command alone: settings do, other variables are seen by all it starts.
    if (key === 'GIT_CONFIG_PARAMETERS' || key === 'GIT_EXEC_PATH') continue;
    throw new GitError(
      'CONFIG',
      `alias '${context.name}' changes environment variables.\nYou can use '!git' in the alias to do this`,
    );
  }
  const words = given.rest;
  if (words.length === 0) throw new GitError('CONFIG', `empty alias for ${context.name}`);
  trace(context, 'git.c:447', `alias expansion: ${context.name} => ${traceWords(words)}`);
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
  return { given, words: [...words, ...context.argv] };
}

/** The words of an alias; an empty one is one empty word. Throws `CONFIG`. */
export function splitAlias(name: string, value: string): string[] {
  try {
    const words = splitCommandLine(value);
    return words.length === 0 ? [''] : words;
  } catch (error) {
    throw new GitError('CONFIG', `bad alias.${name} string: ${(error as Error).message}`);
  }
}

/** Words as a trace shows them: quoted where a shell would need it. */
export const traceWords = (words: readonly string[]): string =>
  words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/['!]/g, (char) => `'\\${char}'`)}'`))
    .join(' ');

const trace = (context: CommandContext, place: string, text: string): void =>
  traceText(context.env, context.io, place, `trace: ${text}`);
