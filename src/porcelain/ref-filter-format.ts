import { RESET } from '../base/color.js';
import { displayWidth } from '../base/display-width.js';
import { GitError } from '../base/errors.js';
import type { Atom, AtomSettings } from './ref-filter-atom.js';
import { parseAtom } from './ref-filter-atom.js';
import type { QuoteStyle } from './ref-filter-quote.js';
import { quoteFor } from './ref-filter-quote.js';

/** A format string taken apart: literal text and fields in turn. */
export interface RefFormat {
  readonly parts: readonly (string | Atom)[];
  /** The last colour is still on at the end of a line. */
  readonly resetAtEnd: boolean;
}

/** Wrong format strings that are answered with the usage (all others are failures). */
export class MalformedFormat extends Error {}

/** Parses a for-each-ref format. Throws git's words. */
export function parseRefFormat(text: string, settings: AtomSettings, quote: QuoteStyle = 'none'): RefFormat {
  const parts: (string | Atom)[] = [];
  let resetAtEnd = false;
  let literal = '';
  for (let i = 0; i < text.length; ) {
    if (text[i] !== '%') {
      const next = text.indexOf('%', i);
      literal += text.slice(i, next < 0 ? text.length : next);
      i = next < 0 ? text.length : next;
      continue;
    }
    if (text[i + 1] === '(') {
      const close = text.indexOf(')', i);
      if (close < 0) throw new MalformedFormat(`malformed format string ${text.slice(i)}`);
      const atom = parseAtom(text.slice(i + 2, close), settings);
      if (atom.kind.type === 'rest') throw new GitError('USAGE', `this command reject atom %(${atom.text})`);
      if (atom.kind.type === 'raw' && !atom.kind.size && (quote === 'shell' || quote === 'python' || quote === 'tcl')) {
        throw new GitError('USAGE', `--format=${atom.text} cannot be used with --python, --shell, --tcl`);
      }
      if (atom.kind.type === 'color') resetAtEnd = atom.kind.sequence !== '' && atom.text !== 'color:reset';
      if (literal !== '') parts.push(literal);
      literal = '';
      parts.push(atom);
      i = close + 1;
      continue;
    }
    if (text[i + 1] === '%') {
      literal += '%';
      i += 2;
      continue;
    }
    const hex = /^[0-9a-fA-F]{2}/.exec(text.slice(i + 1, i + 3));
    if (hex !== null) {
      const unit = Number.parseInt(hex[0], 16);
      literal += unit < 0x80 ? String.fromCharCode(unit) : String.fromCharCode(0xdc00 + unit);
      i += 3;
    } else {
      literal += '%';
      i++;
    }
  }
  if (literal !== '') parts.push(literal);
  return { parts, resetAtEnd };
}

export const formatAtoms = (format: RefFormat): Atom[] =>
  format.parts.filter((part): part is Atom => typeof part !== 'string');

interface Condition {
  readonly compare: { readonly equal: boolean; readonly text: string } | undefined;
  thenSeen: boolean;
  elseSeen: boolean;
  met: boolean;
}

interface Frame {
  output: string;
  readonly align?: { readonly width: number; readonly position: 'left' | 'right' | 'middle' };
  readonly condition?: Condition;
  readonly close?: boolean;
}

const misuse = (message: string): GitError => new GitError('USAGE', `format: ${message}`);

/** Fills a format with values. Throws where `%(if)`, `%(align)` and `%(end)` do not match. */
export async function renderRefFormat(
  format: RefFormat,
  quote: QuoteStyle,
  valueFor: (atom: Atom) => string | Promise<string>,
): Promise<string> {
  const stack: Frame[] = [{ output: '' }];
  for (const part of format.parts) {
    let top = stack[stack.length - 1]!;
    if (typeof part === 'string') {
      top.output += part;
      continue;
    }
    const { kind } = part;
    switch (kind.type) {
      case 'align':
        stack.push({ output: '', align: kind, close: true });
        break;
      case 'if':
        stack.push({
          output: '',
          condition: { compare: kind.compare, thenSeen: false, elseSeen: false, met: false },
          close: true,
        });
        break;
      case 'then': {
        const { condition } = top;
        if (condition === undefined) throw misuse('%(then) atom used without a %(if) atom');
        if (condition.thenSeen) throw misuse('%(then) atom used more than once');
        if (condition.elseSeen) throw misuse('%(then) atom used after %(else)');
        condition.thenSeen = true;
        const { compare } = condition;
        condition.met = compare === undefined ? /\S/.test(top.output) : (top.output === compare.text) === compare.equal;
        top.output = '';
        break;
      }
      case 'else': {
        const { condition } = top;
        if (condition === undefined) throw misuse('%(else) atom used without a %(if) atom');
        if (!condition.thenSeen) throw misuse('%(else) atom used without a %(then) atom');
        if (condition.elseSeen) throw misuse('%(else) atom used more than once');
        condition.elseSeen = true;
        stack.push({ output: '', condition, close: true });
        break;
      }
      case 'end':
        top = closeFrame(stack);
        break;
      default: {
        const got = valueFor(part);
        const value = typeof got === 'string' ? got : await got;
        top.output += quote !== 'none' && stack.length === 1 ? quoteFor(quote, value) : value;
      }
    }
  }
  if (stack.length > 1) throw misuse('%(end) atom missing');
  if (format.resetAtEnd) stack[0]!.output += quote === 'none' ? RESET : quoteFor(quote, RESET);
  return stack[0]!.output;

  function closeFrame(frames: Frame[]): Frame {
    let frame = frames[frames.length - 1]!;
    if (frame.close !== true) throw misuse('%(end) atom used without corresponding atom');
    let result = frame.output;
    frames.pop();
    if (frame.align !== undefined) result = aligned(result, frame.align.width, frame.align.position);
    else {
      const condition = frame.condition!;
      if (!condition.thenSeen) throw misuse('%(if) atom used without a %(then) atom');
      if (condition.elseSeen) {
        const otherwise = result;
        frame = frames.pop()!;
        result = condition.met ? frame.output : otherwise;
      } else if (!condition.met) result = '';
    }
    const below = frames[frames.length - 1]!;
    below.output += quote !== 'none' && frames.length === 1 ? quoteFor(quote, result) : result;
    return below;
  }
}

function aligned(text: string, width: number, position: 'left' | 'right' | 'middle'): string {
  // Colours count here with all but their escape character, as git has it.
  const missing = width - displayWidth(text, false);
  if (missing <= 0) return text;
  switch (position) {
    case 'left':
      return text + ' '.repeat(missing);
    case 'right':
      return ' '.repeat(missing) + text;
    case 'middle': {
      const before = missing >> 1;
      return ' '.repeat(before) + text + ' '.repeat(missing - before);
    }
  }
}
