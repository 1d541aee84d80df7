import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Platform } from '../platform/platform.js';
import type { Repository } from '../repo/repository.js';
import type { Io } from './io.js';
import type { OptionSpecs, ParsedOptions, ParseSettings } from './options.js';

/** Options that stand before the command's name, as git has them. */
export interface GlobalOptions {
  readonly gitDir?: string | undefined;
  readonly workTree?: string | undefined;
  readonly namespace?: string | undefined;
  readonly bare?: boolean | undefined;
  /** `-c name=value`, in order; a word without `=` is true. */
  readonly config: readonly string[];
  readonly optionalLocks: boolean;
  readonly replaceObjects: boolean;
  readonly lazyFetch: boolean;
  readonly attrSource?: string | undefined;
  readonly pathspecs: {
    readonly literal: boolean;
    readonly glob: boolean;
    readonly noglob: boolean;
    readonly icase: boolean;
  };
}

export interface Progress {
  /**
   * `total` makes a percentage. Calls after two seconds show, on a terminal or where forced. `bytes`: how much came or
   * went so far; shown with its rate.
   */
  update(done: number, total?: number, bytes?: number): void;
  done(): void;
}

/** What a command gets: the words are parsed already, everything outside is behind this. */
export interface CommandContext {
  /** The command's name as called. */
  readonly name: string;
  /** `git` or `bough`: what the program was called as. */
  readonly program: 'git' | 'bough';
  /** The words after the command's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute, after `-C`. */
  readonly cwd: string;
  /** The folder of the program itself. */
  readonly programDirectory: string;
  readonly platform: Platform;
  readonly io: Io;
  readonly json: boolean;
  readonly globals: GlobalOptions;
  readonly signal: AbortSignal;
  /** Opens the repository (once); throws `NOT_A_REPOSITORY`. */
  repository(): Repository;
  /** The repository, or `undefined` outside of one. */
  maybeRepository(): Repository | undefined;
  /** Prints `error: …`, `warning: …`, `hint: …` (each line prefixed) on stderr. */
  error(message: string): void;
  warning(message: string): void;
  hint(message: string): void;
  /** Text for stdout outside of results (rare: prompts, tables drawn on the fly). */
  print(text: string | Bytes): void;
  /** Text for stderr as it is. */
  printError(text: string | Bytes): void;
  progress(title: string, options?: { total?: number; force?: boolean; quiet?: boolean; delay?: number }): Progress;
  /** Colours: `auto` resolved against stdout, `color.<slot>`, `color.ui`. */
  wantColor(slot: string, override?: string | null): boolean;
  /** Sends what follows through the pager, if stdout is a terminal and the configuration says so. */
  startPager(defaultOn: boolean): void;
  /** Runs another command in this process with the same surroundings; answers its exit code. */
  runCommand(name: string, argv: readonly string[]): Promise<number>;
}

/**
 * A command: data in, data out. `run` yields results, plain data; `render` turns one into text and does nothing else.
 * `--json` prints the results themselves, one JSON value a line (bytes and byte-exact text in UTF-8 where they are,
 * else escaped), so no command implements it. What `run` returns is the exit code, 0 where it returns nothing.
 */
export interface Command<R = unknown, S extends OptionSpecs = OptionSpecs> {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Synopsis lines, without `git `. */
  readonly usage: readonly string[];
  /** … where the command answers to several names and they differ. */
  readonly usageOf?: (name: string) => readonly string[];
  /** The usage is the synopsis alone, without options and the empty line after it. */
  readonly bareUsage?: boolean;
  readonly options: S;
  /** Asks for no repository: starts without loading that room. */
  readonly standalone?: boolean;
  readonly parsing?: ParseSettings & {
    /** The command parses `context.argv` itself; `args` is empty. */
    readonly none?: boolean;
  };
  run(context: CommandContext, args: ParsedOptions<S>): AsyncGenerator<R, number | undefined | void, void>;
  render(result: R, context: CommandContext): string | Bytes;
}

/** Only for its types: the declared options give `args.values` theirs. */
export function defineCommand<R, const S extends OptionSpecs>(command: Command<R, S>): Command<R, S> {
  return command;
}

/** For commands that answer in a format of its own that other programs read. Throws `USAGE` where JSON was asked for. */
export function refuseJson(context: CommandContext): void {
  if (context.json)
    throw new GitError('USAGE', `${context.name} writes a stream of its own format: --json does not fit`);
}

/** The usual render of commands whose results are lines or blocks of text ready to print. */
export const renderText = (result: { readonly text: string | Bytes }): string | Bytes => result.text;
