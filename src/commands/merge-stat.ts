import type { Oid } from '../base/oid.js';
import type { CommandContext } from './command.js';

/** The account of what changed that ends a merge: `--stat` and the lines about files that came and went. */
export function diffstatOf(context: CommandContext, kind: 'stat' | 'compact'): (from: Oid, to: Oid) => Promise<string> {
  return async (from, to) => {
    const forms = kind === 'stat' ? ['--stat', '--summary'] : ['--compact-summary'];
    if (!context.json) await context.runCommand('diff', [...forms, '-M', '--no-ext-diff', from, to]);
    return '';
  };
}
