import { GitError } from '../base/errors.js';
import type { RegexKind } from '../base/posix-regex.js';
import { compileRegex, escapeRegex } from '../base/posix-regex.js';

/** Words of a pattern expression, in order. */
export type GrepToken =
  | { readonly kind: 'pattern'; readonly text: string; readonly where: string }
  | { readonly kind: 'and' | 'or' | 'not' | 'open' | 'close' };

export interface GrepSettings {
  readonly kind: RegexKind;
  readonly ignoreCase: boolean;
  readonly word: boolean;
  readonly invert: boolean;
  readonly allMatch: boolean;
}

type Expression =
  | { readonly kind: 'atom'; readonly regex: RegExp; hit: boolean }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not'; readonly inner: Expression };

/** Compiles one pattern for use on single lines. */
function compileOne(text: string, where: string, settings: GrepSettings): RegExp {
  try {
    const plain = settings.kind !== 'fixed' && settings.kind !== 'perl' && isPlain(text);
    const kind = plain ? 'fixed' : settings.kind;
    const regex = compileRegex(text, kind, { ignoreCase: settings.ignoreCase, flags: 'g' });
    if (!settings.word) return regex;
    const source = kind === 'fixed' ? escapeRegex(text) : regex.source;
    return new RegExp(`(?<![A-Za-z0-9_])(?:${source})(?![A-Za-z0-9_])`, regex.flags);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new GitError('USAGE', `${where}, '${text}': ${error.message}`);
  }
}

const isPlain = (text: string): boolean => !/[$()*+.?[\\^{|]/.test(text);

/** What to look for in lines: patterns joined by and, or, not (git grep). */
export class GrepExpression {
  readonly #settings: GrepSettings;
  readonly #root: Expression;
  readonly #atoms: RegExp[] = [];
  readonly #terms: Expression[] = [];
  /** Nothing but alternatives: a file can be searched as a whole. */
  readonly #simple: boolean;

  constructor(tokens: readonly GrepToken[], settings: GrepSettings) {
    this.#settings = settings;
    const expanded: GrepToken[] = [];
    let operators = false;
    for (const token of tokens) {
      if (token.kind !== 'pattern') {
        operators = true;
        expanded.push(token);
        continue;
      }
      const lines = token.text.split('\n');
      lines.forEach((text, i) => {
        if (i > 0 && operators) expanded.push({ kind: 'or' });
        expanded.push({ kind: 'pattern', text, where: token.where });
      });
    }
    let at = 0;
    const peek = (): GrepToken | undefined => expanded[at];
    const atom = (): Expression => {
      const token = peek();
      if (token === undefined) throw new GitError('USAGE', 'incomplete pattern expression');
      if (token.kind === 'pattern') {
        at++;
        const regex = compileOne(token.text, token.where, settings);
        this.#atoms.push(regex);
        return { kind: 'atom', regex, hit: false };
      }
      if (token.kind === 'open') {
        at++;
        const inner = or();
        if (peek()?.kind !== 'close') throw new GitError('USAGE', 'unmatched ( for expression group');
        at++;
        return inner;
      }
      const message =
        token.kind === 'and' ? '--and not preceded by pattern expression' : 'incomplete pattern expression group: )';
      throw new GitError('USAGE', message);
    };
    const not = (): Expression => {
      if (peek()?.kind !== 'not') return atom();
      at++;
      if (peek() === undefined) throw new GitError('USAGE', '--not not followed by pattern expression');
      return { kind: 'not', inner: not() };
    };
    const and = (): Expression => {
      const left = not();
      if (peek()?.kind !== 'and') return left;
      at++;
      if (peek() === undefined) throw new GitError('USAGE', '--and not followed by pattern expression');
      return { kind: 'and', left, right: and() };
    };
    const or = (): Expression => {
      const left = and();
      const token = peek();
      if (token === undefined || token.kind === 'close') return left;
      if (token.kind === 'or') at++;
      return { kind: 'or', left, right: or() };
    };
    this.#root = or();
    if (at < expanded.length) throw new GitError('USAGE', 'incomplete pattern expression group: )');
    let node = this.#root;
    while (node.kind === 'or') {
      this.#terms.push(node.left);
      node = node.right;
    }
    this.#terms.push(node);
    this.#simple = this.#terms.every((term) => term.kind === 'atom') && !settings.invert;
  }

  /** Matches on a line, in order: what is coloured, `-o` and `--column` show. */
  matches(line: string): { readonly start: number; readonly end: number }[] {
    const found: { start: number; end: number }[] = [];
    for (let at = 0; at <= line.length; ) {
      let best: { start: number; end: number } | undefined;
      for (const regex of this.#atoms) {
        regex.lastIndex = at;
        const match = regex.exec(line);
        if (match === null) continue;
        const one = { start: match.index, end: match.index + match[0].length };
        if (best === undefined || one.start < best.start || (one.start === best.start && one.end > best.end))
          best = one;
      }
      if (best === undefined) break;
      if (best.end > best.start) found.push(best);
      at = Math.max(best.end, best.start + (best.end === best.start ? 1 : 0));
      if (best.end === best.start && best.start >= line.length) break;
    }
    return found;
  }

  /** Column (from 0) of the first match on a line. */
  column(line: string): number {
    let first: number | undefined;
    const { invert } = this.#settings;
    const look = (node: Expression, negated: boolean): void => {
      if (node.kind === 'atom') {
        if (negated !== invert) return;
        node.regex.lastIndex = 0;
        const match = node.regex.exec(line);
        if (match !== null && (first === undefined || match.index < first)) first = match.index;
      } else if (node.kind === 'not') look(node.inner, !negated);
      else {
        look(node.left, negated);
        look(node.right, negated);
      }
    };
    look(this.#root, false);
    return first ?? 0;
  }

  #holds(node: Expression, line: string): boolean {
    switch (node.kind) {
      case 'atom': {
        const { regex } = node;
        regex.lastIndex = 0;
        if (!this.#settings.word) return regex.test(line);
        // A word has at least one character.
        for (let match = regex.exec(line); match !== null; match = regex.exec(line)) {
          if (match[0] !== '') return true;
          regex.lastIndex++;
        }
        return false;
      }
      case 'not':
        return !this.#holds(node.inner, line);
      case 'and':
        return this.#holds(node.left, line) && this.#holds(node.right, line);
      case 'or': {
        if (this.#settings.allMatch) {
          const left = this.#holds(node.left, line);
          const right = this.#holds(node.right, line);
          return left || right;
        }
        return this.#holds(node.left, line) || this.#holds(node.right, line);
      }
    }
  }

  /** Whether the line is a result. */
  selects(line: string): boolean {
    return this.#holds(this.#root, line) !== this.#settings.invert;
  }

  /** True where each alternative is found on some line of the file (`--all-match`). */
  allIn(text: string): boolean {
    if (!this.#settings.allMatch) return true;
    const lines = text.split('\n');
    if (text.endsWith('\n')) lines.pop();
    return this.#terms.every((term) => lines.some((line) => this.#holds(term, line)));
  }

  /**
   * Index from which on a result may lie in the text, at or after `from`; -1 where there is none. Only an estimate:
   * the line found is still to be looked at.
   */
  nextCandidate(text: string, from: number): number {
    if (!this.#simple) return from;
    let best = -1;
    for (const regex of this.#atoms) {
      regex.lastIndex = from;
      const match = regex.exec(text);
      if (match !== null && (best < 0 || match.index < best)) best = match.index;
    }
    return best;
  }
}
