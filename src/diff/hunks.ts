import type { Change } from './line-diff.js';
import { isSpace, type Lines } from './lines.js';

/** Changes shown together: lines `aStart .. aEnd` of the old and `bStart .. bEnd` of the new file. */
export interface Hunk {
  readonly aStart: number;
  readonly aEnd: number;
  readonly bStart: number;
  readonly bEnd: number;
  readonly changes: readonly Change[];
  /** Cut out of a larger one: its header shows these lines, counted from 1, and the function in front of that old line. */
  readonly cut?: { readonly place: string; readonly function: number } | undefined;
}

/** Finds the part of a line (as offsets into the file) that names a function, if the line begins one. */
export type FunctionFinder = (
  lines: Lines,
  index: number,
) => { readonly start: number; readonly end: number } | undefined;

/** The longest function name that a hunk header shows. */
export const functionNameLimit = 80;

export interface HunkOptions {
  /** Unchanged lines shown around changes; 3 by default. */
  readonly context?: number | undefined;
  /** Hunks with up to this many more lines between them are joined. */
  readonly interHunkContext?: number | undefined;
  /** Widen hunks to whole functions (`-W`). */
  readonly functionContext?: boolean | undefined;
  readonly findFunction?: FunctionFinder | undefined;
}

/** git's default: a line that starts with a letter, `_` or `$`. */
export const plainFunctionLine: FunctionFinder = (lines, index) => {
  const start = lines.starts[index]!;
  const end = lines.starts[index + 1]!;
  if (start === end) return undefined;
  const first = lines.bytes[start]!;
  const letter = (first >= 97 && first <= 122) || (first >= 65 && first <= 90) || first === 95 || first === 36;
  return letter ? trimmed(lines, start, Math.min(end, start + functionNameLimit)) : undefined;
};

/** Cuts white space off the end. */
export function trimmed(lines: Lines, start: number, end: number): { readonly start: number; readonly end: number } {
  let stop = end;
  while (stop > start && isSpace(lines.bytes[stop - 1]!)) stop--;
  return { start, end: stop };
}

/** Groups changes into hunks. Changes marked as ignorable appear only near others. */
export function hunksOf(changes: readonly Change[], a: Lines, b: Lines, options: HunkOptions = {}): Hunk[] {
  return new Hunks(changes, a, b, options).all();
}

class Hunks {
  private readonly context: number;
  private readonly interHunk: number;
  private readonly find: FunctionFinder;

  constructor(
    private readonly changes: readonly Change[],
    private readonly a: Lines,
    private readonly b: Lines,
    private readonly options: HunkOptions,
  ) {
    this.context = options.context ?? 3;
    this.interHunk = options.interHunkContext ?? 0;
    this.find = options.findFunction ?? plainFunctionLine;
  }

  all(): Hunk[] {
    const hunks: Hunk[] = [];
    for (let next = 0; next < this.changes.length; ) {
      const group = this.group(next);
      if (group === undefined) break;
      const { hunk, end } = this.widen(next, group.first, group.last);
      hunks.push(hunk);
      next = end + 1;
    }
    return hunks;
  }

  /** Which changes from `from` on belong together; leading ignorable ones far from others are left out. */
  private group(from: number): { readonly first: number; readonly last: number } | undefined {
    const { changes } = this;
    const most = 2 * this.context + this.interHunk;
    let first = from;
    for (let i = from; i < changes.length && changes[i]!.ignorable === true; i++) {
      const following = changes[i + 1];
      if (following === undefined || following.a - endOf(changes[i]!) >= this.context) first = i + 1;
    }
    if (first >= changes.length) return undefined;
    let last = first;
    let ignored = 0; // lines of ignorable changes since `last`
    for (let i = first + 1; i < changes.length; i++) {
      const change = changes[i]!;
      const distance = change.a - endOf(changes[i - 1]!);
      if (distance > most) break;
      const near = distance < this.context;
      if (near && (change.ignorable !== true || last === i - 1)) {
        last = i;
        ignored = 0;
      } else if (near) {
        ignored += change.bCount;
      } else if (last !== i - 1 && change.a + ignored - endOf(changes[last]!) > most) {
        break;
      } else if (change.ignorable !== true) {
        last = i;
        ignored = 0;
      } else {
        ignored += change.bCount;
      }
    }
    return { first, last };
  }

  /** Adds the context; with `functionContext` that of the function, which may swallow further changes. */
  private widen(from: number, groupFirst: number, groupLast: number): { readonly hunk: Hunk; readonly end: number } {
    const { a, b, changes, context } = this;
    let first = groupFirst;
    let last = groupLast;
    let aStart: number;
    let bStart: number;
    let shown = from;
    for (;;) {
      const change = changes[first]!;
      aStart = Math.max(change.a - context, 0);
      bStart = Math.max(change.b - context, 0);
      if (this.options.functionContext !== true) break;
      const start = this.functionStart(change);
      if (start === undefined || start >= aStart) break;
      bStart = Math.max(bStart - (aStart - start), 0);
      aStart = start;
      // an ignorable change that was left out may have come into view
      while (
        shown !== first &&
        endOf(changes[shown]!) <= aStart &&
        changes[shown]!.b + changes[shown]!.bCount <= bStart
      )
        shown++;
      if (shown === first) break;
      first = shown;
    }
    let aEnd: number;
    let bEnd: number;
    for (;;) {
      const change = changes[last]!;
      const aAfter = endOf(change);
      const bAfter = change.b + change.bCount;
      const after = Math.min(context, a.count - aAfter, b.count - bAfter);
      aEnd = aAfter + after;
      bEnd = bAfter + after;
      if (this.options.functionContext !== true) break;
      const end = this.functionEnd(aAfter);
      if (end > aEnd) {
        bEnd = Math.min(bEnd + (end - aEnd), b.count);
        aEnd = end;
      }
      const following = changes[last + 1];
      if (following === undefined) break;
      const line = Math.min(following.a, a.count - 1);
      if (line - context > aEnd && this.functionLine(a, line, aEnd) >= 0) break;
      last++;
    }
    return { hunk: { aStart, aEnd, bStart, bEnd, changes: changes.slice(first, last + 1) }, end: last };
  }

  /** Where the function around a change begins in the old file, the comment right above it included. */
  private functionStart(change: Change): number | undefined {
    const { a, b } = this;
    let at = change.a;
    if (at >= a.count) {
      // appended: a new function needs no context
      for (let i = change.b; i < b.count; i++) if (this.find(b, i) !== undefined) return undefined;
      at = a.count - 1;
    }
    let start = this.functionLine(a, at, -1);
    while (start > 0 && !isBlank(a, start - 1) && this.find(a, start - 1) === undefined) start--;
    return Math.max(start, 0);
  }

  private functionEnd(from: number): number {
    const { a } = this;
    let end = this.functionLine(a, from, a.count);
    while (end > 0 && isBlank(a, end - 1)) end--;
    return end < 0 ? a.count : end;
  }

  /** The first function line from `start` towards `limit`, or -1. */
  private functionLine(lines: Lines, start: number, limit: number): number {
    const step = start > limit ? -1 : 1;
    for (let i = start; i !== limit && i >= 0 && i < lines.count; i += step)
      if (this.find(lines, i) !== undefined) return i;
    return -1;
  }
}

const endOf = (change: Change): number => change.a + change.aCount;

function isBlank(lines: Lines, index: number): boolean {
  for (let i = lines.starts[index]!, end = lines.starts[index + 1]!; i < end; i++)
    if (!isSpace(lines.bytes[i]!)) return false;
  return true;
}

/** Marks changes that only add or remove blank lines. `anyWhitespace`: lines of white space are blank too. */
export function markBlankChanges(changes: readonly Change[], a: Lines, b: Lines, anyWhitespace: boolean): void {
  const blank = (lines: Lines, index: number): boolean =>
    anyWhitespace ? isBlank(lines, index) : lines.starts[index + 1]! - lines.starts[index]! <= 1;
  markChanges(changes, a, b, blank);
}

/** Marks changes all of whose lines `matches` (`-I<regex>`). */
export function markChanges(
  changes: readonly Change[],
  a: Lines,
  b: Lines,
  matches: (lines: Lines, index: number) => boolean,
): void {
  for (const change of changes) {
    if (change.ignorable === true) continue;
    let all = true;
    for (let i = 0; all && i < change.aCount; i++) all = matches(a, change.a + i);
    for (let i = 0; all && i < change.bCount; i++) all = matches(b, change.b + i);
    if (all) change.ignorable = true;
  }
}
