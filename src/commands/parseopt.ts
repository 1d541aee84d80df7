import { GitError } from '../base/errors.js';
import type { CommandContext } from './command.js';
import type { OptionSpec, OptionSpecs } from './options.js';
import { parseOptions, UsageError, usageText } from './options.js';

/** One line of the specification: an option or a heading. */
type SpecLine =
  | { readonly heading: string }
  | {
      readonly short: string | undefined;
      readonly long: string | undefined;
      readonly argument: 'none' | 'needed' | 'optional';
      readonly hidden: boolean;
      readonly negatable: boolean;
      readonly hint: string | undefined;
      readonly help: string;
    };

interface Specification {
  readonly usage: readonly string[];
  readonly lines: readonly SpecLine[];
}

function readSpecification(context: CommandContext): Specification {
  const usage: string[] = [];
  const input = [...context.io.stdin.lines()];
  const separator = input.indexOf('--');
  usage.push(...input.slice(0, Math.max(0, separator)));
  if (separator < 0) throw new GitError('USAGE', 'premature end of input');
  if (usage.length === 0) throw new GitError('USAGE', "no usage string given before the `--' separator");
  const lines: SpecLine[] = [];
  for (const line of input.slice(separator + 1)) {
    if (line === '') continue;
    lines.push(readLine(line));
  }
  return { usage, lines };
}

function readLine(line: string): SpecLine {
  const blank = line.search(/[ \t]/);
  if (blank === 0 || blank < 0) return { heading: line.trim() };
  const head = line.slice(0, blank);
  const help = line.slice(blank).trim();
  const flagsAt = head.search(/[*=?!]/);
  const names = flagsAt < 0 ? head : head.slice(0, flagsAt);
  if (names === '') throw new GitError('USAGE', 'missing opt-spec before option flags');
  let rest = flagsAt < 0 ? '' : head.slice(flagsAt);
  const flags = /^[*=?!]*/.exec(rest)![0];
  rest = rest.slice(flags.length);
  const comma = names.indexOf(',');
  let short: string | undefined;
  let long: string | undefined;
  if (names.length === 1) short = names;
  else if (comma === 1) {
    short = names[0];
    long = names.slice(2);
  } else long = names;
  return {
    short,
    long,
    argument: flags.includes('?') ? 'optional' : flags.includes('=') ? 'needed' : 'none',
    hidden: flags.includes('*'),
    negatable: !flags.includes('!'),
    hint: rest === '' ? undefined : rest,
    help,
  };
}

const WIDTH = 26;

function usage({ usage: lines, lines: options }: Specification, all: boolean): string {
  const out: string[] = [];
  let i = 0;
  for (; i < lines.length && lines[i] !== ''; i++) out.push(`${i === 0 ? 'usage:' : '   or:'} ${lines[i]}`);
  for (; i < lines.length; i++) out.push(lines[i] === '' ? '' : `    ${lines[i]}`);
  let needBlank = true;
  for (const line of options) {
    if ('heading' in line) {
      out.push('');
      needBlank = false;
      if (line.heading !== '') out.push(line.heading);
      continue;
    }
    if (line.hidden && !all) continue;
    if (needBlank) {
      out.push('');
      needBlank = false;
    }
    let left = '    ';
    if (line.short !== undefined) left += `-${line.short}${line.long === undefined ? '' : ', '}`;
    if (line.long !== undefined) {
      left += line.negatable && !line.long.startsWith('no-') ? `--[no-]${line.long}` : `--${line.long}`;
    }
    if (line.argument !== 'none') {
      const shown = line.hint === undefined ? '...' : `<${line.hint}>`;
      if (line.argument === 'needed') left += ` ${shown}`;
      else left += line.long === undefined ? `[${shown}]` : `[=${shown}]`;
    }
    out.push(left.length >= WIDTH ? `${left}\n${' '.repeat(WIDTH)}${line.help}` : left.padEnd(WIDTH) + line.help);
  }
  out.push('', '');
  return out.join('\n');
}

const quote = (text: string): string => `'${text.replace(/['!]/g, "'\\$&'")}'`;

const ownOptions = {
  'keep-dashdash': { type: 'flag', help: 'keep the `--` passed as an arg' },
  'stop-at-non-option': { type: 'flag', help: 'stop parsing after the first non-option argument' },
  'stuck-long': { type: 'flag', help: 'output in stuck long form' },
} as const satisfies OptionSpecs;

const ownUsage = ['rev-parse --parseopt [<options>] -- [<args>...]'];

/** `rev-parse --parseopt`: options of a shell script parsed as git's own. Answers what to print and the exit code. */
export function parseopt(context: CommandContext, argv: readonly string[]): { text: string; code: number } {
  const end = argv.indexOf('--');
  if (end < 0) {
    if (argv.includes('-h')) return { text: usageText(ownUsage, ownOptions, context.program), code: 129 };
    context.printError(usageText(ownUsage, ownOptions, context.program));
    return { text: '', code: 129 };
  }
  const own = parseOptions(ownOptions, argv.slice(0, end));
  const specification = readSpecification(context);
  const specs: Record<string, OptionSpec> = {};
  for (const line of specification.lines) {
    if ('heading' in line) continue;
    const base = {
      ...(line.short === undefined ? {} : { short: line.short }),
      ...(line.long === undefined ? { shortOnly: true } : {}),
      negatable: line.negatable,
      help: line.help,
    };
    const key = line.long ?? line.short!;
    specs[key] =
      line.argument === 'none'
        ? { type: 'flag', ...base }
        : line.argument === 'needed'
          ? { type: 'string', value: line.hint ?? '...', ...base }
          : { type: 'optional', value: line.hint ?? '...', implied: '', ...base };
  }
  const words = argv.slice(end + 1);
  try {
    if (words.includes('--help-all')) throw new UsageError('', { help: true });
    const parsed = parseOptions(specs, words, {
      keepDashDash: own.values['keep-dashdash'] === true,
      stopAtNonOption: own.values['stop-at-non-option'] === true,
      noAbbreviations: context.env['GIT_TEST_DISALLOW_ABBREVIATED_OPTIONS'] === 'true',
    });
    let text = 'set --';
    for (const { key, value, negated } of parsed.events) {
      const spec = specs[key]!;
      const stuck = own.values['stuck-long'] === true;
      const long = spec.shortOnly !== true;
      if (negated) text += ` --no-${key}`;
      else if (long && (stuck || spec.short === undefined)) text += ` --${key}`;
      else text += ` -${spec.short}`;
      if (value === null || negated) continue;
      if (!stuck) text += ` ${quote(value)}`;
      else text += `${long ? '=' : ''}${quote(value)}`;
    }
    return { text: `${text} --${parsed.rest.map((word) => ` ${quote(word)}`).join('')}\n`, code: 0 };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const text = usage(specification, words.includes('--help-all'));
    if (error.help) return { text: `cat <<\\EOF\n${text}EOF\n`, code: 129 };
    if (error.message !== '') context.error(error.message);
    if (!error.quiet) context.printError(text);
    return { text: '', code: 129 };
  }
}
