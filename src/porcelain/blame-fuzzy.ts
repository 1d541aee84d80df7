import type { Change } from '../diff/line-diff.js';
import type { Lines } from '../diff/lines.js';
import { lineBytes } from '../diff/lines.js';

/** Lines `from` up to `to` of the target; the parent's line the first of them is guessed to be, if any. */
interface Guess {
  readonly from: number;
  readonly to: number;
  readonly parentLine: number | undefined;
}

/**
 * Guesses which lines of the parent the changed lines of an ignored commit were: those that share most pairs of
 * neighbouring characters, in order.
 */
export class FuzzyMatcher {
  readonly #a: Lines;
  readonly #b: Lines;
  readonly #cache = new Map<Change, (number | undefined)[]>();

  constructor(a: Lines, b: Lines) {
    this.#a = a;
    this.#b = b;
  }

  guess(change: Change, from: number, to: number): Guess[] {
    let matches = this.#cache.get(change);
    if (matches === undefined) {
      matches = this.#match(change);
      this.#cache.set(change, matches);
    }
    const guesses: Guess[] = [];
    for (let line = from; line < to; line++) {
      const parentLine = matches[line - change.b];
      const last = guesses[guesses.length - 1];
      const follows =
        last !== undefined &&
        (last.parentLine === undefined
          ? parentLine === undefined
          : parentLine === last.parentLine + (line - last.from));
      if (follows) guesses[guesses.length - 1] = { ...last!, to: line + 1 };
      else guesses.push({ from: line, to: line + 1, parentLine });
    }
    return guesses;
  }

  /** For each changed line of the target, the line of the parent it is most like. */
  #match(change: Change): (number | undefined)[] {
    const matches: (number | undefined)[] = new Array(change.bCount).fill(undefined);
    if (change.aCount === 0) return matches;
    const old = Array.from({ length: change.aCount }, (_, i) => fingerprint(lineBytes(this.#a, change.a + i)));
    const fresh = Array.from({ length: change.bCount }, (_, i) => fingerprint(lineBytes(this.#b, change.b + i)));
    this.#pair(change, old, fresh, 0, change.aCount, 0, change.bCount, matches);
    return matches;
  }

  /** Takes the surest pair of a region first; then what lies before it, and what lies behind it. */
  #pair(
    change: Change,
    old: Map<number, number>[],
    fresh: readonly Map<number, number>[],
    aStart: number,
    aEnd: number,
    bStart: number,
    bEnd: number,
    matches: (number | undefined)[],
  ): void {
    if (bStart >= bEnd || aStart >= aEnd) return;
    let bestLine = -1;
    let bestCertainty = -1;
    let bestMatch = -1;
    for (let j = bStart; j < bEnd; j++) {
      const centre = this.#expected(change, j);
      const reach = Math.max(10, 1);
      let first = 0;
      let second = 0;
      let match = -1;
      for (let i = Math.max(aStart, centre - reach); i < Math.min(aEnd, centre + reach + 1); i++) {
        // Nearer lines count for more.
        const similarity = overlap(fresh[j]!, old[i]!) * (1000 - Math.abs(i - centre));
        if (similarity > first) {
          second = first;
          first = similarity;
          match = i;
        } else if (similarity > second) second = similarity;
      }
      if (match < 0 || first === 0) continue;
      const certainty = first * 2 - second;
      if (certainty > bestCertainty) {
        bestCertainty = certainty;
        bestLine = j;
        bestMatch = match;
      }
    }
    if (bestLine < 0) return;
    matches[bestLine] = change.a + bestMatch;
    subtract(old[bestMatch]!, fresh[bestLine]!);
    this.#pair(change, old, fresh, aStart, bestMatch + 1, bStart, bestLine, matches);
    this.#pair(change, old, fresh, bestMatch, aEnd, bestLine + 1, bEnd, matches);
  }

  #expected(change: Change, line: number): number {
    if (change.bCount <= 1) return change.aCount >> 1;
    return Math.round((line * change.aCount) / change.bCount);
  }
}

/** Pairs of neighbouring characters with their counts, case and white space aside. */
function fingerprint(line: Uint8Array): Map<number, number> {
  const pairs = new Map<number, number>();
  let before = 0;
  for (let i = 0; i <= line.length; i++) {
    let char = i === line.length ? 0 : line[i]!;
    if (char >= 65 && char <= 90) char += 32;
    if (char === 32 || (char >= 9 && char <= 13)) char = 0;
    const pair = before | (char << 8);
    before = char;
    if (pair === 0) continue;
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  return pairs;
}

function overlap(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): number {
  let shared = 0;
  for (const [pair, count] of b) {
    const other = a.get(pair);
    if (other !== undefined) shared += Math.min(count, other);
  }
  return shared;
}

function subtract(from: Map<number, number>, what: ReadonlyMap<number, number>): void {
  for (const [pair, count] of what) {
    const left = from.get(pair);
    if (left === undefined) continue;
    if (left <= count) from.delete(pair);
    else from.set(pair, left - count);
  }
}
