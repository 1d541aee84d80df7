import { adviceOf } from '../porcelain/branch-make.js';
import type { CommandContext } from './command.js';
import { adviceOn, advise } from './work-tree.js';

/** Tells why a branch could not be made, with the advice that goes with it; other failures are passed on. */
export function tellBranchFailure(context: CommandContext, error: unknown): number {
  const advice = adviceOf(error);
  if (advice === undefined) throw error;
  context.printError(`fatal: ${(error as Error).message}\n`);
  if (advice.bare !== true) advise(context, advice.name, advice.text);
  else if (adviceOn(context, advice.name)) context.hint(advice.text);
  return 128;
}
