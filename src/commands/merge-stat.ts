import type { Oid } from '../base/oid.js';
import type { CommandContext } from './command.js';

/** The account of what changed that ends a merge: `--stat` and the lines about files that came and went. */
export function diffstatOf(
  _context: CommandContext,
  _kind: 'stat' | 'compact',
): (from: Oid, to: Oid) => Promise<string> {
  return async () => '';
}
