import { compareText } from '../base/bytes.js';
import { readUserConfig } from '../repo/repository.js';
import { allAliases } from './alias.js';
import { commandGroups, commonGroups } from './command-groups.js';
import type { CommandContext } from './command.js';
import { mainCommands, otherCommands } from './help-lists.js';

/** The command meant in place of one that is not there, or that there is none. */
export type Correction = { readonly name: string } | undefined;

/**
 * Tells that there is no such command, and which come close. With `help.autoCorrect` the only one that does is answered,
 * to be run instead: at once, after a while, or when whoever sits at the terminal says so.
 */
export async function unknownCommand(context: CommandContext): Promise<Correction> {
  const { name, program } = context;
  const wanted = autoCorrect(context);
  const lines = wanted === 'never' ? [] : similar(context);
  if (wanted !== 'show' && wanted !== 'never' && lines.length === 1) {
    const meant = lines[0]!;
    context.printError(`WARNING: You called a Git command named '${name}', which does not exist.\n`);
    if (wanted === 'prompt') {
      const { terminalPrompt } = await import('./terminal-prompt.js');
      const answer = await terminalPrompt()?.(`Run '${meant}' instead [y/N]? `, false);
      return answer?.toLowerCase().startsWith('y') === true ? { name: meant } : undefined;
    }
    if (wanted === 'immediate') context.printError(`Continuing under the assumption that you meant '${meant}'.\n`);
    else {
      context.printError(`Continuing in ${(wanted / 10).toFixed(1)} seconds, assuming that you meant '${meant}'.\n`);
      await new Promise((done) => setTimeout(done, wanted * 100));
    }
    return { name: meant };
  }
  context.printError(`${program}: '${name}' is not a ${program} command. See '${program} --help'.\n`);
  if (lines.length > 0) {
    const few = lines.length === 1 ? 'command is' : 'commands are';
    context.printError(`\nThe most similar ${few}\n${lines.map((line) => `\t${line}\n`).join('')}`);
  }
  return undefined;
}

/** `help.autoCorrect`: what to do, or how many tenths of a second to wait. Throws `CONFIG`. */
function autoCorrect(context: CommandContext): 'never' | 'show' | 'prompt' | 'immediate' | number {
  const config = context.maybeRepository()?.config ?? readUserConfig(context);
  const word = config.last('help.autocorrect')?.value;
  if (word === 'never' || word === 'show' || word === 'immediate') return word;
  const terminal = context.io.stdin.isTerminal && context.io.stderr.isTerminal;
  if (word === 'prompt') return terminal ? 'prompt' : 'never';
  const number = config.getBoolOrInt('help.autocorrect') ?? false;
  if (typeof number === 'boolean') return number ? 'immediate' : 'show';
  return number === 0 ? 'show' : number < 0 || number === 1 ? 'immediate' : number;
}

/** What a candidate costs at most to be called similar. */
const LIMIT = 6;

/** Commands and aliases that come close: the common ones that begin so, then the nearest of all others. */
function similar(context: CommandContext): string[] {
  const { name } = context;
  const common = new Set(commonGroups.flatMap(([group]) => commandGroups[group]!));
  const all = new Set([...mainCommands(context), ...otherCommands(context), ...allAliases(context).keys()]);
  const begins = (candidate: string): boolean => common.has(candidate) && candidate.startsWith(name);
  const scored = [...all]
    .map((candidate) => ({ candidate, cost: begins(candidate) ? 0 : editCost(name, candidate) + 1 }))
    .sort((a, b) => a.cost - b.cost || compareText(a.candidate, b.candidate));
  const first = scored.filter(({ cost }) => cost === 0);
  const [best] = scored.slice(first.length);
  const near =
    best === undefined || best.cost > LIMIT ? [] : scored.filter(({ cost }) => cost !== 0 && cost === best.cost);
  return [...first, ...near].map(({ candidate }) => candidate);
}

/** Letters that changed places cost nothing, one that is missing 1, another one 2, one too many 3. */
function editCost(typed: string, meant: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: meant.length + 1 }, (_, i) => i);
  for (let i = 1; i <= typed.length; i++) {
    const row = [3 * i];
    for (let j = 1; j <= meant.length; j++) {
      const same = typed[i - 1] === meant[j - 1];
      let cost = Math.min(previous[j - 1]! + (same ? 0 : 2), row[j - 1]! + 1, previous[j]! + 3);
      if (i > 1 && j > 1 && typed[i - 2] === meant[j - 1] && typed[i - 1] === meant[j - 2])
        cost = Math.min(cost, before[j - 2]!);
      row.push(cost);
    }
    [before, previous] = [previous, row];
  }
  return previous[meant.length]!;
}
