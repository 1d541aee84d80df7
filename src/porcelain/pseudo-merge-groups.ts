import { GitError, isGitError } from '../base/errors.js';
import { compileRegex } from '../base/posix-regex.js';
import { parseExpiryDate } from '../repo/date-approx.js';
import type { Repository } from '../repo/repository.js';

/** `bitmapPseudoMerge.<name>`: which tips of references share a bitmap, and how many of them one. Times in seconds. */
export interface PseudoMergeGroup {
  readonly pattern: RegExp;
  readonly decay: number;
  readonly sampleRate: number;
  readonly threshold: number;
  readonly maxMerges: number;
  readonly stableThreshold: number;
  readonly stableSize: number;
}

const DAY = 86400;

/** The groups in the order of the configuration. Throws `CONFIG`; what cannot be is told and taken for unset. */
export function pseudoMergeGroups(repository: Repository, tell: (message: string) => void): PseudoMergeGroup[] {
  const { config, clock } = repository;
  const now = repository.now();
  const read = config.subsections('bitmappseudomerge').map((name) => {
    const key = (variable: string): string => `bitmappseudomerge.${name}.${variable}`;
    const number = (variable: string, fallback: number, good: (value: number) => boolean, must: string): number => {
      const text = config.get(key(variable));
      if (text === undefined) return fallback;
      const value = Number(text);
      if (text.trim() !== '' && !Number.isNaN(value) && good(value)) return value;
      tell(`warning: ${key(variable)} must be ${must}, using default`);
      return fallback;
    };
    const time = (variable: string, fallback: number): number => {
      const text = config.get(key(variable));
      if (text === undefined) return fallback;
      const value = parseExpiryDate(text, clock);
      if (value === undefined) throw new GitError('CONFIG', `bad config variable '${key(variable)}'`);
      return value;
    };
    const text = config.get(key('pattern'));
    let pattern: RegExp | undefined;
    try {
      if (text !== undefined) pattern = compileRegex(text, 'extended');
    } catch (error) {
      if (!isGitError(error, 'USAGE')) throw error;
      throw new GitError('CONFIG', `failed to load pseudo-merge regex for ${name}: '${text}'`, { cause: error });
    }
    const whole = Number.isInteger;
    return {
      name,
      pattern,
      decay: number('decay', 1, (value) => value >= 0, 'non-negative'),
      sampleRate: number('samplerate', 1, (value) => value > 0 && value <= 1, 'between 0 and 1'),
      threshold: time('threshold', now - 7 * DAY),
      maxMerges: number('maxmerges', 64, (value) => value >= 0 && whole(value), 'non-negative'),
      stableThreshold: time('stablethreshold', now - 30 * DAY),
      stableSize: number('stablesize', 512, (value) => value > 0 && whole(value), 'positive'),
    };
  });
  return read.map(({ name, pattern, ...rest }) => {
    if (pattern === undefined) throw new GitError('CONFIG', `pseudo-merge group '${name}' missing required pattern`);
    if (rest.threshold < rest.stableThreshold) {
      throw new GitError('CONFIG', `pseudo-merge group '${name}' has unstable threshold before stable one`);
    }
    return { pattern, ...rest };
  });
}

/** The tip of a reference: `row` stands for its commit. */
export interface GroupedTip {
  readonly ref: string;
  readonly row: number;
  readonly seconds: number;
  /** Whether the commit has a bitmap of its own. */
  readonly covered: boolean;
}

/** Which commits share a bitmap, the oldest first: of each part that the pattern tells apart the stable ones, then the others. */
export function groupTips(group: PseudoMergeGroup, tips: readonly GroupedTip[]): number[][] {
  const parts = new Map<string, Map<number, GroupedTip>>();
  for (const tip of tips) {
    const match = group.pattern.exec(tip.ref);
    if (match === null) continue;
    const name = match.slice(1).join('-');
    let part = parts.get(name);
    if (part === undefined) parts.set(name, (part = new Map()));
    part.set(tip.row, tip);
  }
  const merges: number[][] = [];
  for (const part of parts.values()) {
    const sorted = [...part.values()].sort((a, b) => a.seconds - b.seconds || a.row - b.row);
    const stable = sorted.filter(({ seconds }) => seconds <= group.stableThreshold);
    for (let at = 0; at < stable.length; at += group.stableSize) {
      merges.push(stable.slice(at, at + group.stableSize).map(({ row }) => row));
    }
    const others = sorted
      .slice(stable.length)
      .filter(({ seconds, covered }) => seconds <= group.threshold && !covered)
      .map(({ row }) => row);
    merges.push(...decaying(sampled(others, group.sampleRate), group));
  }
  return merges;
}

/** A part of them, spread over all. */
function sampled(rows: readonly number[], rate: number): number[] {
  const count = Math.ceil(rate * rows.length);
  return Array.from({ length: count }, (_, i) => rows[Math.floor((i * rows.length) / count)]!);
}

/** The nth gets n^-decay times what the first one gets: those of newer commits, which change most, are smaller. */
function decaying(rows: readonly number[], { maxMerges, decay }: PseudoMergeGroup): number[][] {
  let weights = 0;
  for (let n = 1; n <= maxMerges; n++) weights += n ** -decay;
  const merges: number[][] = [];
  let at = 0;
  for (let n = 1; n <= maxMerges && at < rows.length; n++) {
    const size = n === maxMerges ? rows.length : Math.max(1, Math.floor((rows.length / weights) * n ** -decay));
    merges.push(rows.slice(at, at + size));
    at += size;
  }
  return merges;
}
