import { GitError } from '../base/errors.js';
/**
 * Option parsing as git's commands do it: bundled short options, stuck and separate values, `--no-` forms, unique
 * abbreviations, `--`, and git's own messages. Commands declare a table; the table also gives the usage text and the
 * command reference.
 */

interface BaseOption {
  /** One letter. */
  readonly short?: string;
  /** One line for `-h` and the reference. */
  readonly help?: string;
  /** Left out of the usage text. */
  readonly hidden?: boolean;
  /** Not offered by completion: a slip of a finger should not do what it does. */
  readonly rarelyMeant?: boolean;
  /** `false`: there is no `--no-` form. Most have one. */
  readonly negatable?: boolean;
  /** The key is not a long option: only the short form exists. */
  readonly shortOnly?: boolean;
  /** The value where the option is the last word and has none. */
  readonly lastDefault?: string;
  /** What is wrong with a value, if anything: told at once, as `error: …`. `name`: the option as messages name it. */
  readonly check?: (value: string, name: string) => string | undefined;
  /** Further long names for the same option. */
  readonly aliases?: readonly string[];
}

/** `--x` / `--no-x`. */
export interface FlagOption extends BaseOption {
  readonly type: 'flag';
}
/** Counts up with each use; `--no-x` sets it to 0. */
export interface CountOption extends BaseOption {
  readonly type: 'count';
}
/** Wants a value: `--x=v`, `--x v`, `-xv`, `-x v`. `--no-x` gives `null`. */
export interface StringOption extends BaseOption {
  readonly type: 'string';
  /** How the value is shown in the usage, without angle brackets. */
  readonly value: string;
}
/** A whole number with an optional k, m or g. */
export interface NumberOption extends BaseOption {
  readonly type: 'number';
  readonly value: string;
}
/** May have a value, only stuck: `--x[=v]`, `-x[v]`. Without one it is `implied`. */
export interface OptionalOption extends BaseOption {
  readonly type: 'optional';
  readonly value: string;
  readonly implied: string;
}
/** A value each time; `--no-x` empties the list. */
export interface ListOption extends BaseOption {
  readonly type: 'list';
  readonly value: string;
}
/** One of a set of mutually exclusive modes: the modes of one `group` cannot be used together. */
export interface ModeOption extends BaseOption {
  readonly type: 'mode';
  readonly group: string;
  /** The mode may carry a value. */
  readonly value?: string;
}
/** `-<n>`, a bare number. The key is only a name. */
export interface DigitsOption extends BaseOption {
  readonly type: 'digits';
}

export type OptionSpec =
  | FlagOption
  | CountOption
  | StringOption
  | NumberOption
  | OptionalOption
  | ListOption
  | ModeOption
  | DigitsOption;
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type ValueOf<O extends OptionSpec> = O extends FlagOption
  ? boolean
  : O extends CountOption | DigitsOption
    ? number
    : O extends NumberOption
      ? number | null
      : O extends ListOption
        ? readonly string[]
        : O extends ModeOption
          ? string | true
          : string | null;

export type OptionValues<S extends OptionSpecs> = { [K in keyof S]?: ValueOf<S[K]> };

/** One option as it came, in order: what "the last one wins" rules between different options need. */
export interface OptionEvent {
  readonly key: string;
  /** `null`: negated or no value. */
  readonly value: string | null;
  readonly negated: boolean;
  /** As spelled, for messages: `--foo` or `-f`. */
  readonly spelled: string;
}

export interface ParsedOptions<S extends OptionSpecs = OptionSpecs> {
  readonly values: OptionValues<S>;
  readonly events: readonly OptionEvent[];
  /** What is not an option; with `keepDashDash`, `--` is among them. */
  readonly rest: readonly string[];
  /** Index in `rest` of the first word that came after `--`, or -1 where there was no `--`. */
  readonly dashDash: number;
}

export interface ParseSettings {
  /** Everything from the first non-option on is left alone (subcommands, aliases). */
  readonly stopAtNonOption?: boolean;
  readonly keepDashDash?: boolean;
  /** Unknown options stay in `rest` (commands that pass them to another parser). */
  readonly keepUnknown?: boolean;
  /** Unique abbreviations of long options are refused, as with GIT_TEST_DISALLOW_ABBREVIATED_OPTIONS. */
  readonly noAbbreviations?: boolean;
  /** `-h` alone is not help here. */
  readonly noHelp?: boolean;
}

/** Wrong words on the command line: shown as `error: message` (if any) and the usage, exit 129. */
export class UsageError extends Error {
  /** `true`: `-h` was asked for; the usage goes to stdout without a message. */
  readonly help: boolean;
  /** Do not print the usage after the message. */
  readonly quiet: boolean;
  /** The message starts with `fatal: ` instead of `error: `, and an empty line stands before the usage. */
  readonly fatal: boolean;
  /** The usage goes to stdout, as what was asked for. */
  readonly shown: boolean;
  constructor(message = '', options: { help?: boolean; quiet?: boolean; fatal?: boolean; shown?: boolean } = {}) {
    super(message);
    this.help = options.help === true;
    this.quiet = options.quiet === true;
    this.fatal = options.fatal === true;
    this.shown = options.shown === true;
  }
}

/** `--git-completion-helper`: what completion scripts ask of a command. */
export class CompletionRequest extends Error {
  readonly specs: OptionSpecs;
  /** Also those that are rarely meant. */
  readonly all: boolean;
  constructor(specs: OptionSpecs, all: boolean) {
    super('');
    this.specs = specs;
    this.all = all;
  }
}

interface LongName {
  readonly name: string;
  readonly key: string;
  /** The name itself means the negation: `no-x` declared as an option `no-x`, reached by `x`. */
  readonly negates: boolean;
}

/** The long names of a table, negated ones included. */
function longNames(specs: OptionSpecs): LongName[] {
  const names: LongName[] = [];
  for (const [key, spec] of Object.entries(specs)) {
    if (spec.shortOnly === true || spec.type === 'digits') continue;
    for (const name of [key, ...(spec.aliases ?? [])]) {
      names.push({ name, key, negates: false });
      if (spec.negatable === false || spec.type === 'mode') continue;
      names.push(
        name.startsWith('no-')
          ? { name: name.slice(3), key, negates: true }
          : { name: `no-${name}`, key, negates: true },
      );
    }
  }
  return names;
}

class Parser {
  readonly values: Record<string, unknown> = {};
  readonly events: OptionEvent[] = [];
  readonly rest: string[] = [];
  dashDash = -1;
  readonly #modes = new Map<string, string>();
  readonly #specs: OptionSpecs;
  readonly #settings: ParseSettings;
  readonly #names: LongName[];
  readonly #shorts = new Map<string, string>();
  readonly #digits: string | undefined;

  constructor(specs: OptionSpecs, settings: ParseSettings) {
    this.#specs = specs;
    this.#settings = settings;
    this.#names = longNames(specs);
    let digits: string | undefined;
    for (const [key, spec] of Object.entries(specs)) {
      if (spec.short !== undefined) this.#shorts.set(spec.short, key);
      if (spec.type === 'digits') digits = key;
    }
    this.#digits = digits;
  }

  parse(argv: readonly string[]): void {
    let i = 0;
    for (; i < argv.length; i++) {
      const word = argv[i]!;
      if (word === '-' || !word.startsWith('-')) {
        if (this.#settings.stopAtNonOption === true) break;
        this.rest.push(word);
        continue;
      }
      if (word === '--' || word === '--end-of-options') {
        if (word === '--' && this.#settings.keepDashDash === true) this.rest.push(word);
        if (word === '--') this.dashDash = this.rest.length;
        i++;
        break;
      }
      if (argv.length === 1 && word === '-h' && this.#settings.noHelp !== true)
        throw new UsageError('', { help: true });
      if (word === '--help-all') throw new UsageError('', { help: true });
      if (argv.length === 1 && (word === '--git-completion-helper' || word === '--git-completion-helper-all'))
        throw new CompletionRequest(this.#specs, word.endsWith('-all'));
      i = word.startsWith('--') ? this.#long(argv, i) : this.#short(argv, i);
    }
    for (; i < argv.length; i++) this.rest.push(argv[i]!);
  }

  #long(argv: readonly string[], at: number): number {
    const word = argv[at]!;
    const equals = word.indexOf('=');
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const stuck = equals < 0 ? undefined : word.slice(equals + 1);
    const found = this.#lookUp(name, word);
    if (found === undefined) {
      if (this.#settings.keepUnknown === true) {
        this.rest.push(word);
        return at;
      }
      throw new UsageError(`unknown option \`${word.slice(2)}'`);
    }
    const spec = this.#specs[found.key]!;
    const spelled = `--${found.name}`;
    if (found.negates) {
      if (stuck !== undefined) throw new UsageError(`option \`no-${found.key}' takes no value`, { quiet: true });
      this.#set(found.key, spec, null, true, spelled);
      return at;
    }
    const takes =
      spec.type === 'string' ||
      spec.type === 'number' ||
      spec.type === 'list' ||
      (spec.type === 'mode' && spec.value !== undefined);
    if (takes) {
      if (stuck !== undefined) {
        this.#set(found.key, spec, stuck, false, spelled);
        return at;
      }
      const next = argv[at + 1] ?? spec.lastDefault;
      if (next === undefined) throw new UsageError(`option \`${found.name}' requires a value`, { quiet: true });
      this.#set(found.key, spec, next, false, spelled);
      return at + 1;
    }
    if (stuck !== undefined && spec.type !== 'optional') {
      throw new UsageError(`option \`${found.name}' takes no value`, { quiet: true });
    }
    this.#set(found.key, spec, stuck ?? null, false, spelled);
    return at;
  }

  #lookUp(name: string, word: string): LongName | undefined {
    const exact = this.#names.find((candidate) => candidate.name === name);
    if (exact !== undefined || name === '') return exact;
    const starting = this.#names.filter((candidate) => candidate.name.startsWith(name));
    const keys = new Set(starting.map((candidate) => `${candidate.key} ${candidate.negates}`));
    if (keys.size === 0) return undefined;
    if (this.#settings.noAbbreviations === true) {
      throw new GitError('USAGE', `disallowed abbreviated or ambiguous option '${word.slice(2)}'`);
    }
    if (keys.size === 1) return starting[0];
    if (this.#settings.keepUnknown === true) return undefined;
    const [first, second] = starting.slice(-2);
    throw new UsageError(`ambiguous option: ${name} (could be --${first!.name} or --${second!.name})`, { shown: true });
  }

  #short(argv: readonly string[], at: number): number {
    const word = argv[at]!;
    if (this.#digits !== undefined && /^-\d+/.test(word)) {
      const digits = /^-(\d+)/.exec(word)![1]!;
      this.#set(this.#digits, this.#specs[this.#digits]!, digits, false, word);
      if (digits.length + 1 === word.length) return at;
      return this.#bundle(argv, at, digits.length + 1);
    }
    return this.#bundle(argv, at, 1);
  }

  #bundle(argv: readonly string[], at: number, from: number): number {
    const word = argv[at]!;
    for (let i = from; i < word.length; i++) {
      const letter = word[i]!;
      const key = this.#shorts.get(letter);
      if (key === undefined) {
        if (letter === 'h' && this.#settings.noHelp !== true && this.#settings.keepUnknown !== true)
          throw new UsageError('', { help: true });
        if (this.#settings.keepUnknown === true) {
          this.rest.push(i === from ? word : `-${word.slice(i)}`);
          return at;
        }
        throw new UsageError(
          letter.charCodeAt(0) < 128 ? `unknown switch \`${letter}'` : `unknown non-ascii option in string: \`${word}'`,
        );
      }
      const spec = this.#specs[key]!;
      const after = word.slice(i + 1);
      const takes =
        spec.type === 'string' ||
        spec.type === 'number' ||
        spec.type === 'list' ||
        (spec.type === 'mode' && spec.value !== undefined);
      if (takes) {
        if (after !== '') {
          this.#set(key, spec, after, false, `-${letter}`);
          return at;
        }
        const next = argv[at + 1] ?? spec.lastDefault;
        if (next === undefined) throw new UsageError(`switch \`${letter}' requires a value`, { quiet: true });
        this.#set(key, spec, next, false, `-${letter}`);
        return at + 1;
      }
      if (spec.type === 'optional') {
        this.#set(key, spec, after === '' ? null : after, false, `-${letter}`);
        return at;
      }
      this.#set(key, spec, null, false, `-${letter}`);
    }
    return at;
  }

  #set(key: string, spec: OptionSpec, value: string | null, negated: boolean, spelled: string): void {
    this.events.push({ key, value, negated, spelled });
    const name = spelled.startsWith('--') ? `option \`${spelled.slice(2)}'` : `switch \`${spelled.slice(1)}'`;
    if (value !== null && !negated && spec.check !== undefined) {
      const fault = spec.check(value, name);
      if (fault !== undefined) throw new UsageError(fault, { quiet: true });
    }
    switch (spec.type) {
      case 'flag':
        this.values[key] = !negated;
        break;
      case 'count':
        this.values[key] = negated ? 0 : ((this.values[key] as number | undefined) ?? 0) + 1;
        break;
      case 'string':
        this.values[key] = value;
        break;
      case 'number':
        if (negated) this.values[key] = null;
        else {
          if (value === '') throw new UsageError(`${name} expects a numerical value`, { quiet: true });
          const number = parseNumber(value!);
          if (number === undefined) {
            throw new UsageError(`${name} expects an integer value with an optional k/m/g suffix`, { quiet: true });
          }
          this.values[key] = number;
        }
        break;
      case 'optional':
        this.values[key] = negated ? null : (value ?? spec.implied);
        break;
      case 'list':
        if (negated) this.values[key] = [];
        else this.values[key] = [...((this.values[key] as string[] | undefined) ?? []), value!];
        break;
      case 'mode': {
        const before = this.#modes.get(spec.group);
        if (before !== undefined && before !== key) {
          const earlier = this.events.find((event) => event.key === before)!;
          throw new UsageError(`options '${spelled}' and '${earlier.spelled}' cannot be used together`, {
            quiet: true,
          });
        }
        this.#modes.set(spec.group, key);
        this.values[key] = value ?? true;
        break;
      }
      case 'digits':
        this.values[key] = Number(value);
        break;
    }
  }
}

export function parseNumber(text: string): number | undefined {
  const match = /^\s*([+-]?\d+)([kmg]?)$/i.exec(text);
  if (match === null) return undefined;
  const unit = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[match[2]!.toLowerCase()]!;
  const number = Number(match[1]) * unit;
  return Number.isSafeInteger(number) ? number : undefined;
}

/** What is said of two options that contradict each other. */
export const together = (one: string, two: string): GitError =>
  new GitError('USAGE', `options '${one}' and '${two}' cannot be used together`);

/** Parses `argv` (without the command's name) by the table. Throws `UsageError`. */
export function parseOptions<const S extends OptionSpecs>(
  specs: S,
  argv: readonly string[],
  settings: ParseSettings = {},
): ParsedOptions<S> {
  const parser = new Parser(specs, settings);
  parser.parse(argv);
  return {
    values: parser.values as OptionValues<S>,
    events: parser.events,
    rest: parser.rest,
    dashDash: parser.dashDash,
  };
}

const WIDTH = 26;

/** The usage text git prints for `-h` and on wrong words. `synopses`: without the leading `git `. */
export function usageText(synopses: readonly string[], specs: OptionSpecs, program = 'git'): string {
  const lines = synopses.map((line, i) => {
    const head = i === 0 ? 'usage: ' : '   or: ';
    return (
      head +
      line
        .split('\n\n', 1)[0]!
        .split('\n')
        .map((part, n) =>
          n === 0 ? `${program}${part.startsWith('-') ? '' : ' '}${part}` : ' '.repeat(head.length) + part,
        )
        .join('\n')
    );
  });
  // What stands after an empty line is no synopsis.
  const more = synopses.flatMap((line) => line.split('\n\n').slice(1));
  lines.push('', ...more);
  const shown = Object.entries(specs).filter(([, spec]) => spec.hidden !== true);
  for (const [key, spec] of shown) {
    lines.push(optionLine(key, spec));
    const opposite = key.startsWith('no-') && spec.negatable !== false && spec.type !== 'mode' ? key.slice(3) : '';
    if (opposite !== '' && spec.shortOnly !== true && specs[opposite] === undefined)
      lines.push(optionLine(opposite, { type: 'flag', negatable: false, help: `opposite of --${key}` }));
  }
  return `${lines.join('\n')}\n${shown.length > 0 ? '\n' : ''}`;
}

function optionLine(key: string, spec: OptionSpec): string {
  const long = spec.shortOnly !== true && spec.type !== 'digits';
  let left = '    ';
  if (spec.type === 'digits') left += '-NUM';
  else if (spec.short !== undefined) left += `-${spec.short}${long ? ', ' : ''}`;
  if (long) {
    const negatable = spec.negatable !== false && spec.type !== 'mode' && !key.startsWith('no-');
    left += `--${negatable ? '[no-]' : ''}${key}`;
  }
  if ('value' in spec && spec.value !== undefined) {
    const shown = /[<[(|]/.test(spec.value) ? spec.value : `<${spec.value}>`;
    if (spec.type === 'optional') left += long ? `[=${shown}]` : `[${shown}]`;
    else left += ` ${shown}`;
  }
  const help = (spec.help ?? '').split('\n');
  const indent = ' '.repeat(WIDTH);
  const first = left.length >= WIDTH ? `${left}\n${indent}${help[0]}` : left.padEnd(WIDTH) + help[0];
  return [first.trimEnd(), ...help.slice(1).map((line) => indent + line)].join('\n');
}

/** `--color[=<when>]`. */
export const colorOption = (help: string) =>
  ({
    type: 'optional',
    value: 'when',
    implied: 'always',
    help,
    check: (value: string, name: string) =>
      /^(?:always|auto|never)$/i.test(value) ? undefined : `${name} expects "always", "auto", or "never"`,
  }) as const;

/** A number of digits, for `--abbrev`. */
export const checkDigits = (value: string, name: string): string | undefined =>
  /^\s*[+-]?\d+$/.test(value) ? undefined : `${name} expects a numerical value`;

/** What a branch may follow, for `--track`. */
export const checkTrack = (value: string): string | undefined =>
  value === 'direct' || value === 'inherit' ? undefined : 'option `--track\' expects "direct" or "inherit"';
