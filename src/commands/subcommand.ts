import type { CommandContext } from './command.js';
import {
  type OptionSpecs,
  type ParsedOptions,
  type ParseSettings,
  parseOptions,
  UsageError,
  usageText,
} from './options.js';

/**
 * Parses a subcommand's words; on wrong ones its own usage is shown (not that of the whole command) and the answer is
 * the exit code.
 */
export function parseSubcommand<const S extends OptionSpecs>(
  context: CommandContext,
  usage: readonly string[],
  options: S,
  argv: readonly string[],
  settings: ParseSettings = {},
): ParsedOptions<S> | number {
  try {
    return parseOptions(options, argv, {
      ...settings,
      noAbbreviations: context.env['GIT_TEST_DISALLOW_ABBREVIATED_OPTIONS'] === 'true',
    });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return subcommandUsage(context, usage, options, error);
  }
}

/** What is to be said of a word that is no subcommand, or of none. */
export function noSubcommand(word: string | undefined): UsageError {
  if (word === undefined) return new UsageError('need a subcommand');
  if (word.startsWith('--')) return new UsageError(`unknown option \`${word.slice(2)}'`);
  if (word.startsWith('-')) return new UsageError(`unknown switch \`${word[1] ?? ''}'`);
  return new UsageError(`unknown subcommand: \`${word}'`);
}

/** Shows a subcommand's usage and answers the exit code for it. */
export function subcommandUsage(
  context: CommandContext,
  usage: readonly string[],
  options: OptionSpecs,
  error: UsageError = new UsageError(''),
): number {
  const text = usageText(usage, options, context.program);
  if (error.help) context.print(text);
  else {
    if (error.message !== '' && error.fatal) context.printError(`fatal: ${error.message}\n\n`);
    else if (error.message !== '') context.error(error.message);
    if (!error.quiet && error.shown) context.print(text);
    else if (!error.quiet) context.printError(text);
  }
  return 129;
}
