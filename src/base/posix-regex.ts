import { GitError } from './errors.js';

/** `basic` and `extended` are POSIX with GNU's additions; `perl` is as near as JavaScript comes to it. */
export type RegexKind = 'basic' | 'extended' | 'fixed' | 'perl';

export interface RegexOptions {
  readonly ignoreCase?: boolean;
  /** `^` and `$` match at line ends inside the text, `.` and `[^…]` no line end (REG_NEWLINE). Default true. */
  readonly newline?: boolean;
  /** More flags for the RegExp: `g`, `y`, `d`. */
  readonly flags?: string;
}

const classes: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: ' \\t\\n\\r\\f\\v',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`\\{-~',
  print: ' -~',
  graph: '!-~',
  cntrl: '\\x00-\\x1f\\x7f',
  xdigit: '0-9A-Fa-f',
};

const special = /[\^$\\.*+?()[\]{}|/]/;

export const escapeRegex = (text: string): string => text.replace(/[\^$\\.*+?()[\]{}|/]/g, '\\$&');

const fail = (why: string): GitError => new GitError('USAGE', why);

/**
 * A pattern as git's commands take it, as a RegExp over byte-exact text. Throws `USAGE` with the C library's words for
 * what is wrong with it.
 */
export function compileRegex(pattern: string, kind: RegexKind, options: RegexOptions = {}): RegExp {
  const newline = options.newline !== false;
  const flags = `u${newline ? 'm' : ''}${options.ignoreCase === true ? 'i' : ''}${options.flags ?? ''}`;
  let source: string;
  if (kind === 'fixed') source = escapeRegex(pattern);
  else if (kind === 'perl') return compilePerl(pattern, flags);
  else source = new Translator(pattern, kind === 'extended', newline).translate();
  try {
    return new RegExp(source, flags);
  } catch {
    throw fail('Invalid regular expression');
  }
}

function compilePerl(pattern: string, flags: string): RegExp {
  let source = pattern;
  let all = flags;
  const inline = /^\(\?([imsx]+)\)/.exec(source);
  if (inline !== null) {
    source = source.slice(inline[0].length);
    for (const flag of inline[1]!) if ('ims'.includes(flag) && !all.includes(flag)) all += flag;
  }
  source = source
    .replace(/\\A/g, '(?<![^])')
    .replace(/\\[zZ]/g, '(?![^])')
    .replace(/\\h/g, '[ \\t]')
    .replace(/\(\?P</g, '(?<')
    .replace(/\[\[:(\w+):\]\]/g, (whole, name: string) => (name in classes ? `[${classes[name]}]` : whole));
  try {
    return new RegExp(source, all);
  } catch {
    try {
      // Perl lets many characters be escaped that the Unicode mode does not.
      return new RegExp(source, all.replace('u', ''));
    } catch {
      throw fail('Invalid regular expression');
    }
  }
}

/** Writes one POSIX pattern as JavaScript's. */
class Translator {
  readonly #text: string;
  readonly #extended: boolean;
  readonly #newline: boolean;
  #at = 0;
  #depth = 0;
  #groups = 0;

  constructor(text: string, extended: boolean, newline: boolean) {
    this.#text = text;
    this.#extended = extended;
    this.#newline = newline;
  }

  translate(): string {
    const source = this.#alternatives();
    if (this.#depth > 0) throw fail('Unmatched ( or \\(');
    return source;
  }

  #alternatives(): string {
    let out = '';
    // The last complete atom, to which a repetition would belong; empty at the start of a branch.
    let atom: string | undefined;
    const flush = (): void => {
      if (atom !== undefined) out += atom;
      atom = undefined;
    };
    while (this.#at < this.#text.length) {
      const code = this.#text.codePointAt(this.#at)!;
      const char = String.fromCodePoint(code);
      const next = this.#text[this.#at + 1];
      const op = this.#operator(char, next);
      if (op !== undefined) {
        this.#at += op.length;
        switch (op.kind) {
          case '(': {
            flush();
            this.#depth++;
            this.#groups++;
            const depth = this.#depth;
            const inside = this.#alternatives();
            if (this.#depth === depth) throw fail('Unmatched ( or \\(');
            atom = `(${inside})`;
            continue;
          }
          case ')':
            if (this.#depth === 0) {
              if (this.#extended) {
                throw fail('Unmatched ) or \\)');
              }
              throw fail('Unmatched ) or \\)');
            }
            this.#depth--;
            flush();
            return out;
          case '|':
            flush();
            out += '|';
            continue;
          case '*':
          case '+':
          case '?':
            if (atom === undefined) {
              if (this.#extended) {
                if (op.kind === '*') continue;
                throw fail('Invalid preceding regular expression');
              }
              atom = `\\${op.kind}`;
            } else atom = repeated(atom, op.kind);
            continue;
          case '{': {
            if (atom === undefined) {
              if (this.#extended) throw fail('Invalid preceding regular expression');
              atom = '\\{';
              continue;
            }
            const bounds = this.#bounds();
            if (bounds === undefined) {
              out += atom;
              atom = '\\{';
            } else atom = repeated(atom, bounds);
            continue;
          }
        }
      }
      const start = this.#at;
      if (char === '[') {
        flush();
        atom = this.#bracket();
        continue;
      }
      if (char === '\\') {
        if (next === undefined) throw fail('Trailing backslash');
        this.#at += 2;
        flush();
        atom = this.#escape(next);
        continue;
      }
      this.#at += char.length;
      if (char === '.') {
        flush();
        atom = this.#newline ? '[^\\n]' : '[^]';
        continue;
      }
      if (char === '^' && (this.#extended || start === 0 || this.#branchStarts(start))) {
        flush();
        out += '^';
        if (!this.#extended && this.#text[this.#at] === '*') {
          this.#at++;
          atom = '\\*';
        }
        continue;
      }
      if (char === '$' && (this.#extended || this.#branchEnds(this.#at))) {
        flush();
        out += '$';
        continue;
      }
      flush();
      atom = literal(char);
    }
    flush();
    return out;
  }

  #branchStarts(at: number): boolean {
    const before = this.#text.slice(Math.max(0, at - 2), at);
    return before === '\\(' || before === '\\|' || this.#text[at - 1] === '\n';
  }

  #branchEnds(at: number): boolean {
    const after = this.#text.slice(at, at + 2);
    return after === '' || after === '\\)' || after === '\\|' || after[0] === '\n';
  }

  #operator(
    char: string,
    next: string | undefined,
  ): { kind: '(' | ')' | '|' | '*' | '+' | '?' | '{'; length: number } | undefined {
    if (this.#extended) {
      if (char === '(' || char === '|' || char === '*' || char === '+' || char === '?' || char === '{') {
        return { kind: char, length: 1 };
      }
      // A lone closing parenthesis is a plain character in GNU's reading.
      if (char === ')' && this.#depth > 0) return { kind: char, length: 1 };
      if (char === ')') throw fail('Unmatched ) or \\)');
      return undefined;
    }
    if (char === '*') return { kind: '*', length: 1 };
    if (char === '\\' && next !== undefined && '()|+?{'.includes(next)) {
      return { kind: next as '(', length: 2 };
    }
    return undefined;
  }

  /** After `{`: the bounds as JavaScript writes them; `undefined` where it is a plain brace. */
  #bounds(): string | undefined {
    const close = this.#extended ? '}' : '\\}';
    const end = this.#text.indexOf(close, this.#at);
    const inside = end < 0 ? '' : this.#text.slice(this.#at, end);
    const match = /^(\d*)(,?)(\d*)$/.exec(inside);
    if (end < 0 || match === null || inside === '') {
      if (this.#extended) {
        if (end < 0 && /^\d/.test(this.#text.slice(this.#at))) throw fail('Unmatched { or \\{');
        return undefined;
      }
      throw fail(end < 0 ? 'Unmatched \\{' : 'Invalid content of \\{\\}');
    }
    const low = match[1] === '' ? '0' : match[1]!;
    if (Number(low) > 32767 || Number(match[3] || 0) > 32767) throw fail('Regular expression too big');
    if (match[3] !== '' && Number(match[3]) < Number(low)) throw fail('Invalid content of \\{\\}');
    this.#at = end + close.length;
    return match[2] === '' ? `{${low}}` : `{${low},${match[3]}}`;
  }

  #escape(char: string): string {
    switch (char) {
      case 'w':
        return '[A-Za-z0-9_]';
      case 'W':
        return '[^A-Za-z0-9_]';
      case 's':
        return '[ \\t\\n\\r\\f\\v]';
      case 'S':
        return '[^ \\t\\n\\r\\f\\v]';
      case 'b':
      case 'B':
        return `\\${char}`;
      case '<':
        return '\\b(?=[A-Za-z0-9_])';
      case '>':
        return '\\b(?<=[A-Za-z0-9_])';
      case '`':
        return '(?<![^])';
      case "'":
        return '(?![^])';
    }
    if (char >= '1' && char <= '9') {
      if (Number(char) > this.#groups) throw fail('Invalid back reference');
      return `\\${char}`;
    }
    return literal(char);
  }

  #bracket(): string {
    const text = this.#text;
    const unmatched = (): GitError => fail('Unmatched [, [^, [:, [., or [=');
    let at = this.#at + 1;
    let negated = false;
    if (text[at] === '^') {
      negated = true;
      at++;
    }
    if (at >= text.length) throw fail('Invalid regular expression');
    let inside = '';
    for (let first = true; ; first = false) {
      if (at >= text.length) throw unmatched();
      let char = String.fromCodePoint(text.codePointAt(at)!);
      if (char === ']' && !first) break;
      if (char === '[' && text[at + 1] === ':') {
        const end = text.indexOf(':]', at + 2);
        if (end < 0) throw unmatched();
        const known = classes[text.slice(at + 2, end)];
        if (known === undefined) throw fail('Invalid character class name');
        inside += known;
        at = end + 2;
        continue;
      }
      const read = (): string => {
        if (char === '[' && (text[at + 1] === '.' || text[at + 1] === '=')) {
          const close = `${text[at + 1]}]`;
          const end = text.indexOf(close, at + 2);
          if (end < 0) throw unmatched();
          const symbol = text.slice(at + 2, end);
          at = end + 2;
          return symbol;
        }
        at += char.length;
        return char;
      };
      const low = read();
      if (text[at] === '-' && at + 1 < text.length && text[at + 1] !== ']') {
        at++;
        char = String.fromCodePoint(text.codePointAt(at)!);
        const high = read();
        if (low.codePointAt(0)! > high.codePointAt(0)!) throw fail('Invalid range end');
        inside += `${classLiteral(low)}-${classLiteral(high)}`;
      } else inside += classLiteral(low);
    }
    this.#at = at + 1;
    if (negated) return `[^${inside}${this.#newline ? '\\n' : ''}]`;
    return `[${inside}]`;
  }
}

function repeated(atom: string, by: string): string {
  // Two repetitions in a row: JavaScript would read the second as laziness.
  return /[*+?}]$/.test(atom) && !/\\[*+?}]$/.test(atom) ? `(?:${atom})${by}` : atom + by;
}

const literal = (char: string): string => (special.test(char) ? `\\${char}` : char);
const classLiteral = (char: string): string => (/[\\\]^[-]/.test(char) ? `\\${char}` : char);
