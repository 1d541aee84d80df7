import type { ValueExtras } from '../porcelain/ref-filter-values.js';
import type { CommandContext } from './command.js';

/** Fields of ref formats that need other programs or walks of their own. */
export function refValueExtras(context: CommandContext): ValueExtras {
  void context;
  return {};
}
