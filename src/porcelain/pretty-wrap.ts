import { codePointWidth, displayWidth } from '../base/display-width.js';

const colorSequence = /\x1b\[[0-9;]*m/y;
const isSpace = (char: string | undefined): boolean =>
  char === ' ' || char === '\t' || char === '\n' || char === '\r' || char === '\f' || char === '\v';

/** Each line indented, the first by `first` columns, the others by `rest`. */
function indentText(text: string, first: number, rest: number): string {
  let out = '';
  let indent = Math.abs(first);
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    const stop = end < 0 ? text.length : end + 1;
    out += ' '.repeat(indent) + text.slice(at, stop);
    at = stop;
    indent = rest;
  }
  return out;
}

/**
 * Text wrapped to `width` columns, paragraphs kept apart, the first line indented by `first` (negative: that many
 * columns are taken already), the others by `rest`. No width: only indented.
 */
export function wrapText(text: string, first: number, rest: number, width: number): string {
  if (width <= 0) return indentText(text, first, rest);
  return wrap(text, first, rest, width, true) ?? wrap(text, first, rest, width, false)!;
}

function wrap(text: string, first: number, rest: number, width: number, measured: boolean): string | undefined {
  let out = '';
  let at = 0;
  let line = 0;
  let indent = first;
  let column = first;
  let space = -1;
  if (indent < 0) {
    column = -indent;
    space = 0;
  }
  for (;;) {
    for (;;) {
      colorSequence.lastIndex = at;
      const match = colorSequence.exec(text);
      if (match === null) break;
      at += match[0].length;
    }
    const char = text[at];
    if (char === undefined || isSpace(char)) {
      let newLine = false;
      if (column <= width || space < 0) {
        let start = line;
        if (char === undefined && at === start) return out;
        if (space >= 0) start = space;
        else out += ' '.repeat(Math.max(0, indent));
        out += text.slice(start, at);
        if (char === undefined) return out;
        space = at;
        if (char === '\t') column |= 0x07;
        else if (char === '\n') {
          space++;
          if (text[space] === '\n') {
            out += '\n';
            newLine = true;
          } else if (!/[A-Za-z0-9]/.test(text[space] ?? '')) newLine = true;
          else out += ' ';
        }
        if (!newLine) {
          column++;
          at++;
        }
      } else newLine = true;
      if (newLine) {
        out += '\n';
        at = line = space + (isSpace(text[space]) ? 1 : 0);
        space = -1;
        column = indent = rest;
      }
      continue;
    }
    const code = text.codePointAt(at)!;
    if (measured) {
      if (code >= 0xdc80 && code <= 0xdcff) return undefined;
      column += Math.max(-1, codePointWidth(code));
    } else column++;
    at += code > 0xffff ? 2 : 1;
  }
}

/** `columns` columns of `text` from column `from` on replaced by `by`; colour sequences stay. */
export function replaceColumns(text: string, from: number, columns: number, by: string): string {
  let out = '';
  let column = 0;
  let replacement: string | undefined = by;
  for (let at = 0; at < text.length; ) {
    colorSequence.lastIndex = at;
    const match = colorSequence.exec(text);
    if (match !== null) {
      out += match[0];
      at += match[0].length;
      continue;
    }
    const code = text.codePointAt(at)!;
    const char = String.fromCodePoint(code);
    at += char.length;
    const width = Math.max(0, codePointWidth(code));
    // What takes no columns stays.
    if (width > 0 && column >= from && column < from + columns) {
      if (replacement !== undefined) {
        out += replacement;
        replacement = undefined;
      }
    } else out += char;
    column += width;
  }
  return out;
}

/** Tabs become spaces up to the next multiple of `size` columns, as far as columns can be told. */
export function expandTabs(line: string, size: number): string {
  let out = '';
  let at = 0;
  for (let tab = line.indexOf('\t'); tab >= 0; tab = line.indexOf('\t', at)) {
    const piece = line.slice(at, tab);
    const width = measurable(piece);
    if (width === undefined) break;
    out += piece + ' '.repeat(size - (width % size));
    at = tab + 1;
  }
  return at === 0 ? line : out + line.slice(at);
}

function measurable(text: string): number | undefined {
  for (const char of text) if (codePointWidth(char.codePointAt(0)!) < 0) return undefined;
  return displayWidth(text);
}
