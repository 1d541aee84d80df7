import { compileWildmatch } from '../base/wildmatch.js';
import { isRewrite, type DiffStatus, type FilePair } from './pair.js';

/** `--diff-filter`: which statuses are wanted; `B` is a rewrite. With `allOrNone`, one wanted pair keeps them all. */
export interface StatusFilter {
  readonly wanted: ReadonlySet<DiffStatus | 'B' | 'X'>;
  readonly allOrNone: boolean;
}

const letters = new Set<string>(['A', 'C', 'D', 'M', 'R', 'T', 'U', 'X', 'B']);

/** Reads the letters of `--diff-filter`, lower case to exclude. Answers the bad letter where there is one. */
export function parseStatusFilter(text: string): StatusFilter | string {
  let wanted: Set<string> | undefined;
  let allOrNone = false;
  for (const letter of text) {
    const upper = letter.toUpperCase();
    if (letter === '*') {
      allOrNone = true;
      continue;
    }
    if (!letters.has(upper)) return letter;
    // only exclusions: all but them
    if (letter !== upper) wanted ??= /[A-Z]/.test(text) ? new Set() : new Set(letters);
    else wanted ??= new Set();
    if (letter === upper) wanted.add(upper);
    else wanted.delete(upper);
  }
  return { wanted: (wanted ?? new Set()) as Set<DiffStatus | 'B' | 'X'>, allOrNone };
}

export function filterPairs(pairs: readonly FilePair[], filter: StatusFilter): FilePair[] {
  const wants = (pair: FilePair): boolean => filter.wanted.has(isRewrite(pair) ? 'B' : pair.status);
  if (filter.allOrNone) return pairs.some(wants) ? [...pairs] : [];
  return pairs.filter(wants);
}

/** The patterns of an order file (`-O`): a line each; empty ones and comments do not count. */
export function parseOrderFile(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** Puts pairs whose path, or a directory above it, matches an earlier pattern first. */
export function orderPairs(pairs: readonly FilePair[], patterns: readonly string[]): FilePair[] {
  const matchers = patterns.map((pattern) => compileWildmatch(pattern, {}));
  const rank = (path: string): number => {
    const found = matchers.findIndex((matcher) => {
      for (let part = path; ; part = part.slice(0, part.lastIndexOf('/'))) {
        if (matcher(part)) return true;
        if (!part.includes('/')) return false;
      }
    });
    return found < 0 ? matchers.length : found;
  };
  return pairs
    .map((pair, at) => ({ pair, at, rank: rank(pair.new.path) }))
    .sort((a, b) => a.rank - b.rank || a.at - b.at)
    .map((item) => item.pair);
}
