import type { Change } from '../diff/line-diff.js';
import type { Lines } from '../diff/lines.js';
import { lineBytes } from '../diff/lines.js';

/** Lines `from` up to `to` of the target; the parent's line the first of them is guessed to be, if any. */
interface Guess {
  readonly from: number;
  readonly to: number;
  readonly parentLine: number | undefined;
}

/** So far from where it is expected a line is looked for. */
const REACH = 10;
/** So many pairs a line must share with one from anywhere in the parent to count as that one. */
const LEAST_SHARED = 10;

/**
 * Guesses which lines of the parent the changed lines of an ignored commit were: those that share most pairs of
 * neighbouring characters, in order; and where the change has none, the most similar line of the whole parent.
 */
export class FuzzyMatcher {
  readonly #a: Lines;
  readonly #b: Lines;
  readonly #cache = new Map<Change, (number | undefined)[]>();
  /** Of the parent's lines; what was matched is taken out of them. */
  readonly #old: Map<number, number>[] = [];

  readonly #changes: readonly Change[];
  #next = 0;

  constructor(a: Lines, b: Lines, changes: readonly Change[]) {
    this.#a = a;
    this.#b = b;
    this.#changes = changes;
  }

  guess(change: Change, from: number, to: number): Guess[] {
    // What earlier changes were matched with is no more to be had, whether anybody asks for them or not.
    while (!this.#cache.has(change) && this.#next < this.#changes.length) {
      const earlier = this.#changes[this.#next++]!;
      this.#cache.set(earlier, this.#match(earlier));
    }
    const matches = this.#cache.get(change)!;
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

  #oldPrint(line: number): Map<number, number> {
    return (this.#old[line] ??= fingerprint(lineBytes(this.#a, line)));
  }

  /** The line of the parent that shares most with a line of the target; among equal ones the nearest. */
  #anywhere(line: number): number | undefined {
    const wanted = fingerprint(lineBytes(this.#b, line));
    let best = LEAST_SHARED;
    let found: number | undefined;
    for (let i = 0; i < this.#a.count; i++) {
      const shared = overlap(wanted, this.#oldPrint(i));
      if (shared < best) continue;
      if (shared === best && found !== undefined && Math.abs(found - line) < Math.abs(i - line)) continue;
      best = shared;
      found = i;
    }
    return found;
  }

  /** For each changed line of the target, the line of the parent it is most like. */
  #match(change: Change): (number | undefined)[] {
    const matches: (number | undefined)[] = new Array(change.bCount).fill(undefined);
    if (change.aCount > 0) {
      const old = Array.from({ length: change.aCount }, (_, i) => this.#oldPrint(change.a + i));
      const fresh = Array.from({ length: change.bCount }, (_, i) => fingerprint(lineBytes(this.#b, change.b + i)));
      this.#pair(change, old, fresh, 0, change.aCount, 0, change.bCount, matches);
    }
    for (let i = 0; i < matches.length; i++) matches[i] ??= this.#anywhere(change.b + i);
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
      let first = 0;
      let second = 0;
      let match = -1;
      for (let i = Math.max(aStart, centre - REACH); i < Math.min(aEnd, centre + REACH + 1); i++) {
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

  /** Where in the parent's lines the middle of a line of the target would lie. */
  #expected(change: Change, line: number): number {
    return Math.floor(((2 * line + 1) * change.aCount) / (2 * change.bCount));
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
