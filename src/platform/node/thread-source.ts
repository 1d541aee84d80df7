import { readFileSync } from 'node:fs';

/**
 * The program that a thread runs (`src/commands/thread.ts` with all it needs, in one piece), or `undefined` where
 * there is none. The build puts the text itself in place of this module; in the source tree the one that was built last
 * serves.
 */
export function threadSource(): string | undefined {
  try {
    return readFileSync(new URL('../../../dist/thread.cjs', import.meta.url), 'utf8');
  } catch {
    return undefined;
  }
}
