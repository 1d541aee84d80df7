import { GitError } from './errors.js';

const names = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
const attributes: Readonly<Record<string, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  italic: [3, 23],
  ul: [4, 24],
  blink: [5, 25],
  reverse: [7, 27],
  strike: [9, 29],
};

export const RESET = '\x1b[m';

/** A colour as the parameters of an escape sequence; '' for `normal`, `undefined` for what is none. */
function colorParameters(word: string, background: boolean): string | undefined {
  const lower = word.toLowerCase();
  const base = background ? 40 : 30;
  if (lower === 'normal') return '';
  if (lower === 'default') return String(base + 9);
  const index = names.indexOf(lower);
  if (index >= 0) return String(base + index);
  if (lower.startsWith('bright')) {
    const bright = names.indexOf(lower.slice(6));
    if (bright >= 0) return String(base + 60 + bright);
  }
  const rgb =
    /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/.exec(lower) ?? /^#([0-9a-f])([0-9a-f])([0-9a-f])$/.exec(lower);
  if (rgb !== null) {
    const parts = rgb.slice(1).map((hex) => Number.parseInt(hex.length === 1 ? hex + hex : hex, 16));
    return `${base + 8};2;${parts.join(';')}`;
  }
  if (/^-?\d+$/.test(word)) {
    const number = Number(word);
    if (number < -1 || number > 255) return undefined;
    if (number === -1) return '';
    if (number < 8) return String(base + number);
    if (number < 16) return String(base + 60 + number - 8);
    return `${base + 8};5;${number}`;
  }
  return undefined;
}

/**
 * A colour as configuration and `%C(…)` write it (`bold red`, `#ff0000 ul`, `reset`) as an escape sequence; '' for
 * nothing at all. Throws `USAGE` in git's words.
 */
export function parseColor(text: string): string {
  const words = text.split(/[ \t\n\r\f\v]+/).filter((word) => word !== '');
  if (words.length === 0) return '';
  const invalid = (): GitError => new GitError('USAGE', `invalid color value: ${text}`);
  let reset = false;
  let foreground: string | undefined;
  let background: string | undefined;
  const bits = new Set<number>();
  for (const word of words) {
    const lower = word.toLowerCase();
    if (lower === 'reset') {
      reset = true;
      continue;
    }
    const color = colorParameters(word, foreground !== undefined);
    if (color !== undefined) {
      if (foreground === undefined) foreground = color;
      else if (background === undefined) background = color;
      else throw invalid();
      continue;
    }
    const negative = lower.startsWith('no');
    const attribute = attributes[negative ? lower.slice(lower[2] === '-' ? 3 : 2) : lower];
    if (attribute === undefined) throw invalid();
    bits.add(attribute[negative ? 1 : 0]);
  }
  const parts = [...bits].sort((a, b) => a - b).map(String);
  if (foreground !== undefined && foreground !== '') parts.push(foreground);
  if (background !== undefined && background !== '') parts.push(background);
  if (parts.length === 0) return reset ? RESET : '';
  // An empty first parameter is a reset.
  return `\x1b[${reset ? ';' : ''}${parts.join(';')}m`;
}
