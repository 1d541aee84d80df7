import { GitError } from '../base/errors.js';
import { compileRegex } from '../base/posix-regex.js';
import { decodeText, encodeText, type Bytes } from '../base/bytes.js';
import type { WordSplitter } from './options.js';

/**
 * Words by a POSIX extended pattern. Where alternatives match at one place the longest wins, as POSIX has it: the
 * pattern's top-level alternatives are tried one by one. A pattern that is none
 * is told where the first words are looked for.
 */
export function wordSplitterFromRegex(pattern: string): WordSplitter {
  const parts = topLevelAlternatives(pattern);
  let splitter: WordSplitter | undefined;
  return (bytes, from, to) => {
    try {
      splitter ??= splitterOf(parts.map((part) => compileRegex(part, 'extended', { flags: 'g' })));
    } catch (error) {
      throw new GitError('USAGE', `invalid regular expression: ${pattern}`, { cause: error });
    }
    return splitter(bytes, from, to);
  };
}

/** Words by JavaScript patterns, the longest match at the earliest place. All have the flag `g`. */
export function splitterOf(regexes: readonly RegExp[]): WordSplitter {
  // offsets in text and bytes agree where all is ASCII; else the text of one run is kept with its offsets
  let lastBytes: Bytes | undefined;
  let text = '';
  let offsets: Int32Array | undefined;
  const next = new Map<RegExp, RegExpExecArray | null>();
  const load = (bytes: Bytes): void => {
    if (lastBytes === bytes) return;
    lastBytes = bytes;
    next.clear();
    text = decodeText(bytes);
    offsets = text.length === bytes.length ? undefined : byteOffsets(text);
  };
  return (bytes, from, to) => {
    load(bytes);
    const start = offsets === undefined ? from : indexOfOffset(offsets, from);
    const limit = offsets === undefined ? to : indexOfOffset(offsets, to);
    let best: RegExpExecArray | undefined;
    for (const regex of regexes) {
      let match = next.get(regex);
      if (match === undefined || (match !== null && match.index < start)) {
        regex.lastIndex = start;
        match = regex.exec(text);
        next.set(regex, match);
      }
      if (match === null || match.index >= limit) continue;
      if (
        best === undefined ||
        match.index < best.index ||
        (match.index === best.index && match[0].length > best[0].length)
      )
        best = match;
    }
    if (best === undefined) return undefined;
    const end = best.index + best[0].length;
    return offsets === undefined ? { start: best.index, end } : { start: offsets[best.index]!, end: offsets[end]! };
  };
}

/** For each index in the text where its byte is. */
function byteOffsets(text: string): Int32Array {
  const offsets = new Int32Array(text.length + 1);
  let at = 0;
  for (let i = 0; i < text.length; ) {
    const code = text.codePointAt(i)!;
    const units = code > 0xffff ? 2 : 1;
    offsets[i] = at;
    if (units === 2) offsets[i + 1] = at;
    at += code < 0x80 ? 1 : encodeText(text.slice(i, i + units)).length;
    i += units;
  }
  offsets[text.length] = at;
  return offsets;
}

function indexOfOffset(offsets: Int32Array, offset: number): number {
  let low = 0;
  let high = offsets.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offsets[middle]! < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Cuts a pattern at the `|` that are in no group and no bracket. */
function topLevelAlternatives(pattern: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i];
    if (char === '\\') i++;
    else if (char === '[') i = bracketEnd(pattern, i);
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === '|' && depth === 0) {
      parts.push(pattern.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(pattern.slice(start));
  return parts;
}

function bracketEnd(pattern: string, at: number): number {
  let i = at + 1;
  if (pattern[i] === '^') i++;
  if (pattern[i] === ']') i++;
  for (; i < pattern.length && pattern[i] !== ']'; i++) {
    if (pattern[i] === '[' && (pattern[i + 1] === ':' || pattern[i + 1] === '.' || pattern[i + 1] === '=')) {
      const close = pattern.indexOf(`${pattern[i + 1]}]`, i + 2);
      if (close > 0) i = close + 1;
    }
  }
  return i;
}
