import type { Bytes } from '../base/bytes.js';
import type { ByteBuilder } from './byte-builder.js';
import { isSpace, type Lines } from './lines.js';

/** Which white space counts as an error: `core.whitespace` and the attribute of that name. */
export interface WhitespaceRule {
  readonly blankAtEol: boolean;
  readonly spaceBeforeTab: boolean;
  readonly indentWithNonTab: boolean;
  readonly tabInIndent: boolean;
  readonly blankAtEof: boolean;
  readonly crAtEol: boolean;
  readonly incompleteLine: boolean;
  readonly tabWidth: number;
}

export const defaultWhitespaceRule: WhitespaceRule = {
  blankAtEol: true,
  spaceBeforeTab: true,
  indentWithNonTab: false,
  tabInIndent: false,
  blankAtEof: true,
  crAtEol: false,
  incompleteLine: false,
  tabWidth: 8,
};

/** Nothing is an error. */
export const noWhitespaceRule: WhitespaceRule = {
  ...defaultWhitespaceRule,
  blankAtEol: false,
  spaceBeforeTab: false,
  blankAtEof: false,
};

const names: readonly (readonly [string, Partial<WhitespaceRule>])[] = [
  ['trailing-space', { blankAtEol: true, blankAtEof: true }],
  ['space-before-tab', { spaceBeforeTab: true }],
  ['indent-with-non-tab', { indentWithNonTab: true }],
  ['cr-at-eol', { crAtEol: true }],
  ['blank-at-eol', { blankAtEol: true }],
  ['blank-at-eof', { blankAtEof: true }],
  ['tab-in-indent', { tabInIndent: true }],
  ['incomplete-line', { incompleteLine: true }],
];

/**
 * Reads `core.whitespace` (or the attribute's value): names, or unique beginnings of names, between commas or white
 * space; `-` in front turns one off. `fail` is told of rules that exclude one another.
 */
export function parseWhitespaceRule(text: string, fail?: (message: string) => void): WhitespaceRule {
  const rule = { ...defaultWhitespaceRule } as Record<string, boolean | number>;
  for (const word of text.split(/[,\s]+/)) {
    if (word === '') continue;
    const off = word.startsWith('-');
    const name = off ? word.slice(1) : word;
    const found = names.find(([full]) => name !== '' && full.startsWith(name));
    if (found !== undefined) for (const key of Object.keys(found[1])) rule[key] = !off;
    const width = /^tabwidth=(\d+)/.exec(name);
    if (width !== null) {
      const columns = Number(width[1]);
      if (columns > 0 && columns < 64) rule['tabWidth'] = columns;
    }
  }
  const made = rule as unknown as WhitespaceRule;
  if (made.tabInIndent && made.indentWithNonTab) fail?.('cannot enforce both tab-in-indent and indent-with-non-tab');
  return made;
}

/** The rule of a path from its `whitespace` attribute: set, unset, a value of its own, or none. */
export function whitespaceRuleOf(attribute: string | boolean | undefined, configured: WhitespaceRule): WhitespaceRule {
  if (attribute === undefined) return configured;
  const { tabWidth } = configured;
  if (attribute === true) {
    return {
      blankAtEol: true,
      spaceBeforeTab: true,
      indentWithNonTab: true,
      tabInIndent: false,
      blankAtEof: true,
      crAtEol: false,
      incompleteLine: true,
      tabWidth,
    };
  }
  return attribute === false ? { ...noWhitespaceRule, tabWidth } : parseWhitespaceRule(attribute);
}

/** What is wrong with a line, in `--check`'s words. */
export type WhitespaceFault =
  | 'trailing whitespace'
  | 'space before tab in indent'
  | 'indent with spaces'
  | 'tab in indent'
  | 'no newline at the end of file';

interface Cut {
  /** Pieces of the line; `bad` ones are highlighted. */
  readonly pieces: readonly { readonly from: number; readonly to: number; readonly kind: 'plain' | 'bad' | 'raw' }[];
  readonly faults: readonly WhitespaceFault[];
  /** The carriage return and newline that stand after the pieces. */
  readonly end: number;
}

/** Takes a line (`line[from .. to)`, its newline included) apart by `rule`. */
function cut(line: Bytes, from: number, to: number, rule: WhitespaceRule): Cut {
  const pieces: { from: number; to: number; kind: 'plain' | 'bad' | 'raw' }[] = [];
  const faults: WhitespaceFault[] = [];
  let end = to;
  const complete = end > from && line[end - 1] === 10;
  if (complete) end--;
  if (rule.crAtEol && end > from && line[end - 1] === 13) end--;
  let trail = end;
  if (rule.blankAtEol) {
    while (trail > from && isSpace(line[trail - 1]!)) trail--;
    if (trail < end) faults.push('trailing whitespace');
  }
  let written = from;
  let i = from;
  for (; i < trail; i++) {
    if (line[i] === 32) continue;
    if (line[i] !== 9) break;
    if (rule.spaceBeforeTab && written < i) {
      if (!faults.includes('space before tab in indent')) faults.push('space before tab in indent');
      pieces.push({ from: written, to: i, kind: 'bad' }, { from: i, to: i + 1, kind: 'raw' });
    } else if (rule.tabInIndent) {
      if (!faults.includes('tab in indent')) faults.push('tab in indent');
      pieces.push({ from: written, to: i, kind: 'raw' }, { from: i, to: i + 1, kind: 'bad' });
    } else {
      pieces.push({ from: written, to: i + 1, kind: 'raw' });
    }
    written = i + 1;
  }
  if (rule.indentWithNonTab && i - written >= rule.tabWidth) {
    faults.push('indent with spaces');
    pieces.push({ from: written, to: i, kind: 'bad' });
    written = i;
  }
  if (trail > written) pieces.push({ from: written, to: trail, kind: 'plain' });
  if (trail !== end) pieces.push({ from: trail, to: end, kind: 'bad' });
  if (rule.incompleteLine && !complete && to > from) faults.push('no newline at the end of file');
  return { pieces, faults, end };
}

const faultOrder: readonly WhitespaceFault[] = [
  'trailing whitespace',
  'space before tab in indent',
  'indent with spaces',
  'tab in indent',
  'no newline at the end of file',
];

/** All that is wrong with the line, in git's order. */
export function whitespaceFaults(line: Bytes, from: number, to: number, rule: WhitespaceRule): WhitespaceFault[] {
  const { faults } = cut(line, from, to, rule);
  return faultOrder.filter((fault) => faults.includes(fault));
}

/** Writes the line with `set` around what is right and `bad` around what is not. */
export function writeMarked(
  out: ByteBuilder,
  line: Bytes,
  from: number,
  to: number,
  rule: WhitespaceRule,
  set: string,
  reset: string,
  bad: string,
): void {
  const { pieces, end } = cut(line, from, to, rule);
  for (const piece of pieces) {
    if (piece.kind === 'raw') {
      out.slice(line, piece.from, piece.to);
      continue;
    }
    out.text(piece.kind === 'plain' ? set : bad);
    out.slice(line, piece.from, piece.to);
    out.text(reset);
  }
  out.slice(line, end, to);
}

/** True for an empty line or one of white space. */
export function isBlankLine(line: Bytes, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!isSpace(line[i]!)) return false;
  return true;
}

/** How many blank lines a file ends in. One that begins within the first byte does not count, as git counts. */
export function countTrailingBlankLines(lines: Lines): number {
  const { bytes, starts } = lines;
  let count = 0;
  while (count < lines.count) {
    const index = lines.count - 1 - count;
    const end = starts[index + 1]!;
    const last = bytes[end - 1] === 10 ? end - 2 : end - 1;
    if (last <= 0 || !isBlankLine(bytes, starts[index]!, end)) break;
    count++;
  }
  return count;
}
