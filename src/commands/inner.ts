import { encodeText, type Bytes } from '../base/bytes.js';
import type { Command, CommandContext } from './command.js';
import { Input } from './io.js';
import { type OptionSpecs, parseOptions } from './options.js';

/**
 * Runs another command inside this one and answers its results instead of printing them; `input` is its standard input.
 * The repository is shared.
 */
export async function runInner<R, S extends OptionSpecs>(
  context: CommandContext,
  command: Command<R, S>,
  argv: readonly string[],
  input: string | Bytes = '',
): Promise<{ readonly results: readonly R[]; readonly code: number }> {
  const stdin = Input.of(typeof input === 'string' ? encodeText(input) : input);
  const inner: CommandContext = Object.create(context, {
    argv: { value: argv },
    name: { value: command.name },
    io: { value: { ...context.io, stdin } },
  });
  const args = parseOptions(command.options, command.parsing?.none === true ? [] : argv, command.parsing ?? {});
  const run = command.run(inner, args);
  const results: R[] = [];
  let step = await run.next();
  while (step.done !== true) {
    results.push(step.value);
    step = await run.next();
  }
  return { results, code: step.value ?? 0 };
}
