import { encodeText } from './bytes.js';

export interface WildmatchOptions {
  /** `*`, `?` and `[…]` do not match `/`; `**` between slashes does. */
  readonly pathname?: boolean;
  /** ASCII letters match in either case. */
  readonly ignoreCase?: boolean;
}

export type Matcher = (text: string) => boolean;

const specials = /[*?[\\]/;

/** True when the pattern has a character that does not stand for itself. */
export const hasWildcards = (pattern: string): boolean => specials.test(pattern);

/** How much of a pattern is plain text. git's `simple_length`. */
export function literalLength(pattern: string): number {
  const at = pattern.search(specials);
  return at < 0 ? pattern.length : at;
}

/** Matches once; use `compileWildmatch` for a pattern that is used often. */
export function wildmatch(pattern: string, text: string, options: WildmatchOptions = {}): boolean {
  return compileWildmatch(pattern, options)(text);
}

enum Kind {
  Literal,
  Any,
  Set,
  /** Any text without `/` (pathname mode). */
  Star,
  /** Any text. */
  DeepStar,
  /** `**` and its `/`: nothing, or any text that ends in `/`. */
  Directories,
  /** Malformed from here on: nothing matches. */
  Never,
}

interface Token {
  readonly kind: Kind;
  readonly byte: number;
  readonly set?: Uint8Array;
}

const ascii = /^[\0-\x7f]*$/;

/** Patterns work on bytes: text outside ASCII becomes one character a byte. */
function byteText(text: string): string {
  if (ascii.test(text)) return text;
  let out = '';
  for (const byte of encodeText(text)) out += String.fromCharCode(byte);
  return out;
}

const foldAscii = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/**
 * Makes a matcher of a shell pattern in git's dialect (`*`, `?`, `[a-z]`, `[!x]`, `[[:class:]]`, `\x`, and in pathname
 * mode `**` as whole path segments). git's `wildmatch`.
 */
export function compileWildmatch(pattern: string, options: WildmatchOptions = {}): Matcher {
  const pathname = options.pathname === true;
  const fold = options.ignoreCase === true;
  const tokens = tokenize(byteText(pattern), pathname, fold);
  const simple = simpleMatcher(tokens, pathname);
  if (simple !== undefined)
    return fold ? (text) => simple(foldAscii(byteText(text))) : (text) => simple(byteText(text));
  return fold
    ? (text) => run(tokens, foldAscii(byteText(text)), pathname)
    : (text) => run(tokens, byteText(text), pathname);
}

/** Plain text, `*` before plain text, plain text before `*`: most patterns. */
function simpleMatcher(tokens: readonly Token[], pathname: boolean): Matcher | undefined {
  const stars = tokens.filter((token) => token.kind !== Kind.Literal);
  const text = String.fromCharCode(...tokens.filter((token) => token.kind === Kind.Literal).map((token) => token.byte));
  if (stars.length === 0) return (other) => other === text;
  if (stars.length > 1) return undefined;
  const kind = stars[0]!.kind;
  if (kind !== Kind.Star && kind !== Kind.DeepStar) return undefined;
  const noSlash = pathname && kind === Kind.Star;
  if (tokens[0] === stars[0]) {
    const slashes = text.includes('/');
    return (other) =>
      other.length >= text.length &&
      other.endsWith(text) &&
      (!noSlash ||
        other.lastIndexOf('/', other.length - text.length - 1) < 0 ||
        (slashes && other.length === text.length));
  }
  if (tokens[tokens.length - 1] === stars[0]) {
    return (other) => other.startsWith(text) && (!noSlash || other.indexOf('/', text.length) < 0);
  }
  return undefined;
}

function tokenize(pattern: string, pathname: boolean, fold: boolean): Token[] {
  const tokens: Token[] = [];
  const literal = (unit: number): void => {
    tokens.push({ kind: Kind.Literal, byte: fold && unit >= 65 && unit <= 90 ? unit + 32 : unit });
  };
  for (let i = 0; i < pattern.length; ) {
    const char = pattern[i]!;
    if (char === '\\') {
      if (i + 1 >= pattern.length) {
        tokens.push({ kind: Kind.Never, byte: 0 });
        break;
      }
      // An escaped letter is not folded by itself: only the text is.
      tokens.push({ kind: Kind.Literal, byte: pattern.charCodeAt(i + 1) });
      i += 2;
    } else if (char === '?') {
      tokens.push({ kind: Kind.Any, byte: 0 });
      i++;
    } else if (char === '*') {
      i = star(pattern, i, pathname, tokens);
    } else if (char === '[') {
      const set = bracket(pattern, i, fold);
      if (set === undefined) {
        tokens.push({ kind: Kind.Never, byte: 0 });
        break;
      }
      tokens.push({ kind: Kind.Set, byte: 0, set: set.members });
      i = set.end;
    } else {
      literal(pattern.charCodeAt(i));
      i++;
    }
  }
  return tokens;
}

function star(pattern: string, at: number, pathname: boolean, tokens: Token[]): number {
  let end = at;
  while (pattern[end] === '*') end++;
  if (!pathname) {
    tokens.push({ kind: Kind.DeepStar, byte: 0 });
    return end;
  }
  const before = at === 0 || pattern[at - 1] === '/';
  const after = end === pattern.length || pattern[end] === '/' || (pattern[end] === '\\' && pattern[end + 1] === '/');
  if (end - at === 1 || !before || !after) {
    tokens.push({ kind: Kind.Star, byte: 0 });
    return end;
  }
  if (pattern[end] === '/') {
    tokens.push({ kind: Kind.Directories, byte: 0 });
    return end + 1;
  }
  tokens.push({ kind: Kind.DeepStar, byte: 0 });
  return end;
}

const between = (low: string, high: string) => (unit: number) =>
  unit >= low.charCodeAt(0) && unit <= high.charCodeAt(0);
const isLower = between('a', 'z');
const isUpper = between('A', 'Z');
const isDigit = between('0', '9');
const isAlpha = (unit: number): boolean => isLower(unit) || isUpper(unit);
const isGraph = between('!', '~');
const classes: Readonly<Record<string, (unit: number) => boolean>> = {
  alnum: (unit) => isAlpha(unit) || isDigit(unit),
  alpha: isAlpha,
  blank: (unit) => unit === 32 || unit === 9,
  cntrl: (unit) => unit < 32 || unit === 127,
  digit: isDigit,
  graph: isGraph,
  lower: isLower,
  print: (unit) => isGraph(unit) || unit === 32,
  punct: (unit) => isGraph(unit) && !isAlpha(unit) && !isDigit(unit),
  space: (unit) => unit === 32 || (unit >= 9 && unit <= 13),
  upper: isUpper,
  xdigit: (unit) => isDigit(unit) || between('a', 'f')(unit) || between('A', 'F')(unit),
};

/** The set of a `[…]`; `undefined` when it has no end or names an unknown class. */
function bracket(pattern: string, at: number, fold: boolean): { members: Uint8Array; end: number } | undefined {
  const members = new Uint8Array(256);
  const addRange = (low: number, high: number): void => {
    for (let unit = low; unit <= high; unit++) members[unit] = 1;
    if (!fold) return;
    for (let unit = 97; unit <= 122; unit++) if (unit - 32 >= low && unit - 32 <= high) members[unit] = 1;
  };
  let i = at + 1;
  const negated = pattern[i] === '!' || pattern[i] === '^';
  if (negated) i++;
  let previous = 0;
  for (let first = true; first || pattern[i] !== ']'; first = false) {
    if (i >= pattern.length) return undefined;
    const char = pattern[i]!;
    if (char === '\\') {
      if (i + 1 >= pattern.length) return undefined;
      previous = pattern.charCodeAt(i + 1);
      members[previous] = 1;
      i += 2;
    } else if (char === '-' && previous !== 0 && i + 1 < pattern.length && pattern[i + 1] !== ']') {
      i++;
      if (pattern[i] === '\\') i++;
      if (i >= pattern.length) return undefined;
      addRange(previous, pattern.charCodeAt(i));
      previous = 0;
      i++;
    } else if (char === '[' && pattern[i + 1] === ':') {
      const close = pattern.indexOf(']', i + 2);
      if (close < 0) return undefined;
      if (close - 1 < i + 2 || pattern[close - 1] !== ':') {
        members[91] = 1;
        previous = 91;
        i++;
        continue;
      }
      const name = pattern.slice(i + 2, close - 1);
      const test = Object.hasOwn(classes, name) ? classes[name]! : undefined;
      if (test === undefined) return undefined;
      for (let unit = 0; unit < 256; unit++) {
        if (test(unit) || (fold && name === 'upper' && isLower(unit))) members[unit] = 1;
      }
      previous = 0;
      i = close + 1;
    } else {
      previous = pattern.charCodeAt(i);
      members[previous] = 1;
      i++;
    }
  }
  if (negated) for (let unit = 0; unit < 256; unit++) members[unit] = members[unit] === 1 ? 0 : 1;
  return { members, end: i + 1 };
}

/**
 * Steps through pattern and text together; on a mismatch the nearest `*` takes one byte more, and when it may not (a
 * slash) the nearest `**`. Taking the least for an earlier star is always enough, so this never blows up.
 */
function run(tokens: readonly Token[], text: string, pathname: boolean): boolean {
  let at = 0;
  let token = 0;
  let starToken = -1;
  let starAt = 0;
  let deepToken = -1;
  let deepAt = 0;
  for (;;) {
    const current = tokens[token];
    if (current === undefined) {
      if (at === text.length) return true;
    } else {
      switch (current.kind) {
        case Kind.Star:
          starToken = token++;
          starAt = at;
          continue;
        case Kind.DeepStar:
          if (token === tokens.length - 1) return true;
          deepToken = token++;
          deepAt = at;
          starToken = -1;
          continue;
        case Kind.Directories:
          deepToken = token++;
          deepAt = at;
          starToken = -1;
          continue;
        case Kind.Literal:
          if (at < text.length && text.charCodeAt(at) === current.byte) {
            at++;
            token++;
            continue;
          }
          break;
        case Kind.Any:
          if (at < text.length && !(pathname && text[at] === '/')) {
            at++;
            token++;
            continue;
          }
          break;
        case Kind.Set:
          if (at < text.length && !(pathname && text[at] === '/') && current.set![text.charCodeAt(at)] === 1) {
            at++;
            token++;
            continue;
          }
          break;
        case Kind.Never:
          break;
      }
    }
    if (starToken >= 0) {
      if (starAt < text.length && text[starAt] !== '/') {
        at = ++starAt;
        token = starToken + 1;
        continue;
      }
      starToken = -1;
    }
    if (deepToken < 0) return false;
    if (tokens[deepToken]!.kind === Kind.Directories) {
      const slash = text.indexOf('/', deepAt);
      if (slash < 0) return false;
      deepAt = slash + 1;
    } else if (deepAt++ >= text.length) return false;
    at = deepAt;
    token = deepToken + 1;
  }
}
