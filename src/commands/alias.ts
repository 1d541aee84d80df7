import * as fs from 'node:fs';
import * as path from 'node:path';
import { GitError } from '../base/errors.js';
import { readUserConfig } from '../repo/repository.js';
import type { CommandContext } from './command.js';

/** Runs `git-<name>` (or `bough-<name>`) from PATH; `undefined` where there is none. */
export function runExternal(context: CommandContext, execDirectory: string): number | undefined {
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

/** What `alias.<name>` stands for: words to run instead, or the exit code of a shell alias that was run. */
export function expandAlias(
  context: CommandContext,
  expanded: readonly string[],
): { words: string[] } | { code: number } | undefined {
  const repository = context.maybeRepository();
  const value = repository?.config.get(`alias.${context.name.toLowerCase()}`) ?? globalAlias(context);
  if (value === undefined) return undefined;
  if (expanded.includes(context.name)) {
    const chain = [...expanded, context.name].map(
      (name, i, all) => `\n  ${name}${name === context.name ? (i === all.length - 1 ? ' ==>' : ' <==') : ''}`,
    );
    throw new GitError(
      'CONFIG',
      `alias loop detected: expansion of '${expanded[0] ?? context.name}' does not terminate:${chain.join('')}`,
    );
  }
  if (value.startsWith('!')) {
    context.io.stdout.flush();
    const top = repository?.workTree;
    const [program, ...args] = context.platform.processes!.shell(value.slice(1), context.argv);
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
  if (words[0] === context.name) throw new GitError('CONFIG', `recursive alias: ${context.name}`);
  return { words: [...words, ...context.argv] };
}

/** Outside a repository only the user's own files count. */
function globalAlias(context: CommandContext): string | undefined {
  return context.maybeRepository() === undefined
    ? readUserConfig(context).get(`alias.${context.name.toLowerCase()}`)
    : undefined;
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
