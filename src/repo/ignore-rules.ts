import type { Bytes } from '../base/bytes.js';
import { decodeText } from '../base/bytes.js';
import type { Matcher } from '../base/wildmatch.js';
import { compileWildmatch, hasWildcards } from '../base/wildmatch.js';

/** One line of an exclude file. */
export interface IgnoreRule {
  /** The line as written, `!` and trailing `/` included. */
  readonly text: string;
  /** `!`: what it matches is not ignored. */
  readonly negative: boolean;
  /** A trailing `/`: only directories. */
  readonly directoriesOnly: boolean;
  /** Without a `/` in the middle it is held against the last segment alone. */
  readonly nameOnly: boolean;
  /** From 1. */
  readonly line: number;
  readonly matches: Matcher;
}

/** The rules of one source: a file, or the command line. */
export interface IgnoreList {
  /** Where they come from, as `check-ignore -v` shows it; '' for the command line. */
  readonly source: string;
  /** The directory they are relative to: '' or `a/b/`. */
  readonly base: string;
  readonly rules: readonly IgnoreRule[];
}

/** Reads the text of an exclude file. */
export function parseIgnoreFile(data: Bytes, source: string, base: string, ignoreCase = false): IgnoreList {
  let text = decodeText(data);
  if (text.startsWith('\ufeff')) text = text.slice(1);
  const rules: IgnoreRule[] = [];
  let number = 0;
  for (let line of text.split('\n')) {
    number++;
    if (line === '' || line.startsWith('#')) continue;
    if (line.endsWith('\r')) line = line.slice(0, -1);
    line = withoutTrailingSpaces(line);
    const rule = parseIgnoreRule(line, number, ignoreCase);
    if (rule !== undefined) rules.push(rule);
  }
  return { source, base, rules };
}

/** Spaces at the end go, unless a backslash stands before them. */
function withoutTrailingSpaces(line: string): string {
  let end = -1;
  for (let i = 0; i < line.length; i++) {
    if (line[i] === ' ') {
      if (end < 0) end = i;
      continue;
    }
    if (line[i] === '\\') {
      i++;
      if (i >= line.length) return line;
    }
    end = -1;
  }
  return end < 0 ? line : line.slice(0, end);
}

/** One pattern; `undefined` where it says nothing. */
export function parseIgnoreRule(text: string, line: number, ignoreCase = false): IgnoreRule | undefined {
  let pattern = text;
  const negative = pattern.startsWith('!');
  if (negative) pattern = pattern.slice(1);
  const directoriesOnly = pattern.length > 0 && pattern.endsWith('/');
  if (directoriesOnly) pattern = pattern.slice(0, -1);
  const nameOnly = !pattern.includes('/');
  if (pattern === '' && !directoriesOnly && text === '') return undefined;
  const anchored = pattern.startsWith('/') ? pattern.slice(1) : pattern;
  return {
    text,
    negative,
    directoriesOnly,
    nameOnly,
    line,
    matches:
      hasWildcards(anchored) || ignoreCase
        ? compileWildmatch(anchored, { pathname: true, ignoreCase })
        : (name) => name === anchored,
  };
}

/**
 * The last rule of a list that speaks of `path` (from the top of the work tree). `isDirectory` is asked only when a
 * rule wants to know.
 */
export function lastMatchingRule(list: IgnoreList, path: string, isDirectory: () => boolean): IgnoreRule | undefined {
  const { rules, base } = list;
  if (rules.length === 0 || !path.startsWith(base)) return undefined;
  const relative = base === '' ? path : path.slice(base.length);
  const slash = path.lastIndexOf('/');
  const name = slash < 0 ? path : path.slice(slash + 1);
  for (let i = rules.length - 1; i >= 0; i--) {
    const rule = rules[i]!;
    if (!rule.matches(rule.nameOnly ? name : relative)) continue;
    if (rule.directoriesOnly && !isDirectory()) continue;
    return rule;
  }
  return undefined;
}
