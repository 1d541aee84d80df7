import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { compileRegex } from '../base/posix-regex.js';
import type { FunctionFinder } from '../diff/hunks.js';
import { plainFunctionLine } from '../diff/hunks.js';
import type { Lines } from '../diff/lines.js';
import { lineBytes } from '../diff/lines.js';

/** Lines from 0, end exclusive. */
export type LineRange = readonly [start: number, end: number];

const lineText = (lines: Lines, index: number): string => decodeText(lineBytes(lines, index)).replace(/\n$/, '');

interface Location {
  /** From 1. */
  readonly line: number;
  readonly rest: string;
}

/**
 * Reads `-L`'s range: `n,m`, `n,+k`, `n,-k`, `/regex/`, `:function`. `anchor`: the line (from 1) where searches start.
 * Throws `USAGE` in git's words.
 */
export function parseLineRange(
  text: string,
  lines: Lines,
  anchor: number,
  path: string,
  findFunction: FunctionFinder | undefined,
): LineRange {
  let from = Math.max(1, Math.min(anchor, lines.count + 1));
  if (text.startsWith(':') || text.startsWith('^:')) {
    return functionRange(text, lines, from, findFunction ?? plainFunctionLine);
  }
  const start = location(text, lines, -from, 1);
  let { rest } = start;
  let begin = start.line;
  let end: number;
  if (rest.startsWith(',')) {
    const stop = location(rest.slice(1), lines, begin + 1, begin);
    end = stop.line;
    rest = stop.rest;
  } else end = 0;
  if (rest !== '') throw new GitError('USAGE', `-L parameter '${text}' is malformed`);
  // `-L n,-k` and ranges that end before they begin.
  if (end !== 0 && end < begin) [begin, end] = [end, begin];
  from = begin;
  if (begin > 0 && begin > lines.count) {
    throw new GitError('USAGE', `file ${path} has only ${lines.count} line${lines.count === 1 ? '' : 's'}`);
  }
  if (begin < 1) begin = 1;
  if (end < 1 || end > lines.count) end = lines.count;
  return [begin - 1, end];
}

/** One end of a range. `begin`: for the second end, the first one plus 1; negative: the anchor of the first end. */
function location(text: string, lines: Lines, begin: number, first: number): Location {
  const relative = begin > 0 ? /^([+-])(\d+)/.exec(text) : null;
  if (relative !== null) {
    const number = Number(relative[2]);
    const rest = text.slice(relative[0].length);
    if (number === 0) throw new GitError('USAGE', '-L invalid empty range');
    if (relative[1] === '+') return { line: begin + number - 2, rest };
    return { line: Math.max(1, begin - number), rest };
  }
  const number = /^-?\d+/.exec(text);
  if (number !== null) {
    const line = Number(number[0]);
    if (line <= 0) throw new GitError('USAGE', `-L invalid line number: ${line}`);
    return { line, rest: text.slice(number[0].length) };
  }
  let start = text;
  let from = Math.abs(begin);
  if (begin < 0 && start.startsWith('^/')) {
    from = 1;
    start = start.slice(1);
  }
  if (!start.startsWith('/')) return { line: begin > 0 ? 0 : first, rest: text };
  let close = 1;
  while (close < start.length && start[close] !== '/') close += start[close] === '\\' ? 2 : 1;
  if (close >= start.length) return { line: begin > 0 ? 0 : first, rest: text };
  const pattern = start.slice(1, close);
  let regex: RegExp;
  try {
    regex = compileRegex(pattern, 'basic', {});
  } catch (error) {
    throw new GitError('USAGE', `-L parameter '${pattern}' starting at line ${from}: ${(error as Error).message}`);
  }
  for (let index = from - 1; index < lines.count; index++) {
    if (regex.test(lineText(lines, index))) return { line: index + 1, rest: start.slice(close + 1) };
  }
  throw new GitError('USAGE', `-L parameter '${pattern}' starting at line ${from}: No match`);
}

function functionRange(text: string, lines: Lines, anchor: number, find: FunctionFinder): LineRange {
  const fromTop = text.startsWith('^');
  const [pattern] = /^(?:\\[\s\S]|[^:\\])*/.exec(text.slice(fromTop ? 2 : 1))!;
  if (pattern === '') throw new GitError('USAGE', `-L parameter '${text}' is malformed`);
  let regex: RegExp;
  try {
    regex = compileRegex(pattern, 'basic', {});
  } catch (error) {
    throw new GitError('USAGE', `-L parameter '${pattern}': ${(error as Error).message}`);
  }
  const isFunction = (index: number): boolean => find(lines, index) !== undefined;
  let begin = -1;
  for (let index = fromTop ? 0 : anchor - 1; index < lines.count; index++) {
    if (regex.test(lineText(lines, index)) && isFunction(index)) {
      begin = index;
      break;
    }
  }
  if (begin < 0) {
    throw new GitError('USAGE', `-L parameter '${pattern}' starting at line ${fromTop ? 1 : anchor}: no match`);
  }
  // What follows a further colon is no part of a range.
  if (text.length > (fromTop ? 2 : 1) + pattern.length)
    throw new GitError('USAGE', `-L parameter '${text}' is malformed`);
  let end = begin + 1;
  while (end < lines.count && !isFunction(end)) end++;
  return [begin, end];
}

/** Ranges sorted and joined. */
export function joinRanges(ranges: readonly LineRange[]): LineRange[] {
  const sorted = ranges.filter(([start, end]) => end > start).sort((a, b) => a[0] - b[0]);
  const out: [number, number][] = [];
  for (const [start, end] of sorted) {
    const last = out[out.length - 1];
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else out.push([start, end]);
  }
  return out;
}
