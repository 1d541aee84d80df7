import type { OptionEvent } from './options.js';

/** `-v` and `-q` as git counts them: above zero more talkative, below it quieter; the other kind starts anew. */
export function verbosityOf(events: readonly OptionEvent[]): number {
  let level = 0;
  for (const { key, negated } of events) {
    if (key !== 'verbose' && key !== 'quiet') continue;
    if (negated) level = 0;
    else if (key === 'verbose') level = level >= 0 ? level + 1 : 1;
    else level = level <= 0 ? level - 1 : -1;
  }
  return level;
}

/** The same as words for another command. */
export const verbosityWords = (level: number): string[] =>
  Array.from({ length: Math.abs(level) }, () => (level > 0 ? '-v' : '-q'));
