import { decodeText, encodeText } from './bytes.js';

const shortForms: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};
const unescapes: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 };

// Without `core.quotePath`, bytes of other alphabets are left alone; lone surrogates are such bytes too.
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const plainWithHighBytes = /^[\x20\x21\x23-\x5b\x5d-\x7e\u0080-\uffff]*$/;

/** True when `quotePath` would put the path between quotes. */
export function needsQuoting(path: string, quoteHighBytes = true): boolean {
  return !(quoteHighBytes ? plain : plainWithHighBytes).test(path);
}

/** The inside of a quoted path: as `quotePath`, without the quotes. */
export function quoteInner(path: string, quoteHighBytes = true): string {
  if (!needsQuoting(path, quoteHighBytes)) return path;
  let out = '';
  if (!quoteHighBytes) {
    for (const char of path) {
      const unit = char.charCodeAt(0);
      out += unit < 0x80 && char.length === 1 ? quoteByte(unit) : char;
    }
    return out;
  }
  for (const byte of encodeText(path)) out += quoteByte(byte);
  return out;
}

function quoteByte(byte: number): string {
  const short = shortForms[byte];
  if (short !== undefined) return short;
  if (byte < 0x20 || byte >= 0x7f) return `\\${byte.toString(8).padStart(3, '0')}`;
  return String.fromCharCode(byte);
}

/**
 * A path as git prints it: as it is where that is safe, else between double quotes with C escapes. `quoteHighBytes` is
 * `core.quotePath`. git's `quote_c_style`.
 */
export function quotePath(path: string, quoteHighBytes = true): string {
  return needsQuoting(path, quoteHighBytes) ? `"${quoteInner(path, quoteHighBytes)}"` : path;
}

/** Reads a C-quoted string that starts with `"` at `at`; `undefined` when it is malformed. `end`: after the quote. */
export function unquotePath(text: string, at = 0): { value: string; end: number } | undefined {
  if (text[at] !== '"') return undefined;
  const bytes: number[] = [];
  let i = at + 1;
  for (;;) {
    const stop = i;
    while (i < text.length && text[i] !== '"' && text[i] !== '\\') i++;
    if (i > stop) bytes.push(...encodeText(text.slice(stop, i)));
    if (i >= text.length) return undefined;
    if (text[i] === '"') return { value: decodeText(Uint8Array.from(bytes)), end: i + 1 };
    const next = text[i + 1];
    if (next === undefined) return undefined;
    const short = unescapes[next];
    if (short !== undefined) {
      bytes.push(short);
      i += 2;
      continue;
    }
    const octal = /^[0-3][0-7]{2}/.exec(text.slice(i + 1, i + 4));
    if (octal === null) return undefined;
    bytes.push(Number.parseInt(octal[0], 8));
    i += 4;
  }
}

/** `path` as seen from the directory `prefix` (both from the top of the work tree; `prefix` is `''` or ends in `/`). */
export function relativeTo(path: string, prefix: string): string {
  if (prefix === '') return path;
  if (path.startsWith(prefix)) return path === prefix ? './' : path.slice(prefix.length);
  // A directory that is the prefix itself or above it.
  const from = prefix.slice(0, -1).split('/');
  const to = path.split('/');
  let common = 0;
  while (common < from.length && common < to.length && from[common] === to[common]) common++;
  const rest = to.slice(common).join('/');
  return '../'.repeat(from.length - common) + rest;
}
