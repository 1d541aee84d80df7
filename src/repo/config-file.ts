/**
 * One configuration file: reading it into tokens that cover every character, so that an edit touches only what it
 * changes and keeps comments, order and odd spacing.
 */

/** An entry, with its place in the text. `key` is canonical: section and name in lower case, subsection as written. */
export interface EntryToken {
  readonly type: 'entry';
  readonly begin: number;
  readonly end: number;
  readonly key: string;
  /** `undefined`: the name stands alone (`[a] b`), which is "true". */
  readonly value: string | undefined;
  /** The line its value ends on, from 1. */
  readonly line: number;
}

export interface SectionToken {
  readonly type: 'section';
  readonly begin: number;
  readonly end: number;
  /** `core`, `remote.origin`: canonical, without the last dot. */
  readonly section: string;
  /** `[a.B]`, the old spelling that folds the subsection's case. */
  readonly dotted: boolean;
}

export interface FillerToken {
  readonly type: 'comment' | 'space';
  readonly begin: number;
  readonly end: number;
}

export type ConfigToken = EntryToken | SectionToken | FillerToken;

export interface ParsedConfigFile {
  readonly text: string;
  readonly tokens: readonly ConfigToken[];
  /** The line that cannot be read; tokens end before it. */
  readonly faultLine: number | undefined;
}

const END = -1;
const NEWLINE = 10;

const isSpace = (unit: number): boolean =>
  unit === 32 || unit === 9 || unit === 10 || unit === 11 || unit === 12 || unit === 13;
const isAlpha = (unit: number): boolean => (unit >= 97 && unit <= 122) || (unit >= 65 && unit <= 90);
const isKeyUnit = (unit: number): boolean => isAlpha(unit) || (unit >= 48 && unit <= 57) || unit === 45;

class Fault extends Error {}

class Reader {
  readonly tokens: ConfigToken[] = [];
  readonly #text: string;
  #at = 0;
  line = 1;
  #section = '';
  #inSection = false;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next character; CR LF counts as one newline. The end counts as a newline, once more and again. */
  #next(): number {
    const text = this.#text;
    if (this.#at >= text.length) {
      this.#at = text.length + 1;
      return END;
    }
    let unit = text.charCodeAt(this.#at++);
    if (unit === 13 && text.charCodeAt(this.#at) === NEWLINE) {
      this.#at++;
      unit = NEWLINE;
    }
    if (unit === NEWLINE) this.line++;
    return unit;
  }

  #position(): number {
    return Math.min(this.#at, this.#text.length);
  }

  read(): void {
    if (this.#text.charCodeAt(0) === 0xfeff) {
      this.#at = 1;
      this.#filler('space', 0);
    }
    for (;;) {
      const begin = this.#at;
      const unit = this.#next();
      if (unit === END) return;
      if (isSpace(unit)) this.#filler('space', begin);
      else if (unit === 35 || unit === 59) {
        for (;;) {
          const next = this.#next();
          if (next === END || next === NEWLINE) break;
        }
        this.#filler('comment', begin);
      } else if (unit === 91) this.#header(begin);
      else if (isAlpha(unit)) this.#entry(begin, unit);
      else throw new Fault();
    }
  }

  #filler(type: 'comment' | 'space', begin: number): void {
    const last = this.tokens[this.tokens.length - 1];
    if (last?.type === type) this.tokens[this.tokens.length - 1] = { type, begin: last.begin, end: this.#position() };
    else this.tokens.push({ type, begin, end: this.#position() });
  }

  #header(begin: number): void {
    let name = '';
    let dotted = false;
    for (;;) {
      const unit = this.#next();
      if (unit === 93) break;
      if (unit === END || unit === NEWLINE) this.#unfinished(unit);
      if (isSpace(unit)) {
        name = `${name.toLowerCase()}.${this.#subsection()}`;
        this.#push(begin, name, false);
        return;
      }
      if (!isKeyUnit(unit) && unit !== 46) throw new Fault();
      if (unit === 46) dotted = true;
      name += String.fromCharCode(unit);
    }
    this.#push(begin, name.toLowerCase(), dotted);
  }

  #push(begin: number, section: string, dotted: boolean): void {
    this.#section = section;
    this.#inSection = true;
    this.tokens.push({ type: 'section', begin, end: this.#position(), section, dotted });
  }

  #subsection(): string {
    let unit: number;
    do {
      unit = this.#next();
      if (unit === END || unit === NEWLINE) this.#unfinished(unit);
    } while (isSpace(unit));
    if (unit !== 34) throw new Fault();
    let name = '';
    for (;;) {
      let inner = this.#next();
      if (inner === 34) break;
      if (inner === 92) {
        inner = this.#next();
      }
      if (inner === END || inner === NEWLINE) this.#unfinished(inner);
      name += String.fromCharCode(inner);
    }
    if (this.#next() !== 93) throw new Fault();
    return name;
  }

  /** A construct cut off by the end of its line: the fault is on that line. */
  #unfinished(unit: number): never {
    if (unit === NEWLINE) this.line--;
    throw new Fault();
  }

  #entry(begin: number, first: number): void {
    let name = String.fromCharCode(first);
    let unit: number;
    for (;;) {
      unit = this.#next();
      if (!isKeyUnit(unit)) break;
      name += String.fromCharCode(unit);
    }
    while (unit === 32 || unit === 9) unit = this.#next();
    let value: string | undefined;
    let line = this.line;
    if (unit === NEWLINE) line--;
    else if (unit !== END) {
      if (unit !== 61) throw new Fault();
      value = this.#value();
      line = this.#at > this.#text.length ? this.line : this.line - 1;
    }
    const key = this.#inSection ? `${this.#section}.${name.toLowerCase()}` : name.toLowerCase();
    this.tokens.push({ type: 'entry', begin, end: this.#position(), key, value, line });
  }

  #value(): string {
    let value = '';
    let trimmed = 0;
    let quoted = false;
    let comment = false;
    for (;;) {
      const unit = this.#next();
      if (unit === END || unit === NEWLINE) {
        if (quoted) this.#unfinished(unit);
        return value.slice(0, trimmed);
      }
      if (comment) continue;
      if (isSpace(unit) && !quoted) {
        if (value !== '') value += String.fromCharCode(unit);
        continue;
      }
      if (!quoted && (unit === 59 || unit === 35)) {
        comment = true;
        continue;
      }
      if (unit === 34) {
        quoted = !quoted;
        trimmed = value.length;
        continue;
      }
      if (unit === 92) {
        const escaped = this.#next();
        if (escaped === NEWLINE || escaped === END) continue;
        const plain = escapes.get(escaped);
        if (plain === undefined) throw new Fault();
        value += plain;
      } else value += String.fromCharCode(unit);
      trimmed = value.length;
    }
  }
}

const escapes: ReadonlyMap<number, string> = new Map([
  [116, '\t'],
  [98, '\b'],
  [110, '\n'],
  [92, '\\'],
  [34, '"'],
]);

/** Takes a file apart. Never throws: a line that cannot be read is reported as `faultLine`. */
export function parseConfigFile(text: string): ParsedConfigFile {
  const reader = new Reader(text);
  let faultLine: number | undefined;
  try {
    reader.read();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    faultLine = reader.line;
  }
  return { text, tokens: reader.tokens, faultLine };
}

export type KeyFault = 'no section' | 'no name' | 'invalid' | 'newline';

/** Checks a key as a user types it and answers its canonical form (or why there is none). */
export function canonicalKey(key: string): { key: string } | { fault: KeyFault } {
  const last = key.lastIndexOf('.');
  if (last <= 0) return { fault: 'no section' };
  if (last === key.length - 1) return { fault: 'no name' };
  const first = key.indexOf('.');
  const section = key.slice(0, first);
  const name = key.slice(last + 1);
  for (let i = 0; i < section.length; i++) if (!isKeyUnit(section.charCodeAt(i))) return { fault: 'invalid' };
  for (let i = 0; i < name.length; i++) {
    if (!isKeyUnit(name.charCodeAt(i)) || (i === 0 && !isAlpha(name.charCodeAt(0)))) return { fault: 'invalid' };
  }
  const middle = key.slice(first, last);
  if (middle.includes('\n')) return { fault: 'newline' };
  return { key: `${section.toLowerCase()}${middle}.${name.toLowerCase()}` };
}

/** The header line of a section, with its newline. `section` as the user spells it: `core`, `remote.Origin`. */
function sectionHeader(section: string): string {
  const dot = section.indexOf('.');
  if (dot < 0) return `[${section}]\n`;
  const subsection = section.slice(dot + 1).replace(/["\\]/g, '\\$&');
  return `[${section.slice(0, dot)} "${subsection}"]\n`;
}

/** The line of an entry, with tab and newline; quoted where the plain form would read back as something else. */
function entryLine(name: string, value: string, comment = ''): string {
  const quote = /^[ \t\v\f\r]|[ \t\v\f\r]$|[;#\r]/.test(value) ? '"' : '';
  const escaped = value.replace(/[\n\t"\\]/g, (char) => (char === '\n' ? '\\n' : char === '\t' ? '\\t' : `\\${char}`));
  return `\t${name} = ${quote}${escaped}${quote}${comment}\n`;
}

export interface ConfigEdit {
  /** As the user spells it: its section and name are written like this when they are new. */
  readonly key: string;
  /** `undefined` removes. */
  readonly value: string | undefined;
  /** Which of the key's present values it is about; all when absent. */
  readonly matches?: ((value: string | undefined) => boolean) | undefined;
  /** Several matches are replaced by one, or all removed; without it they are refused. */
  readonly all?: boolean;
  /** Always adds a line. */
  readonly append?: boolean;
  /** Text behind the value, with its leading blank: ` # why`. */
  readonly comment?: string | undefined;
}

export type ConfigEditResult = { readonly text: string } | { readonly fault: 'several' | 'missing' };

/** Changes one key of a file. The parsed file must have no fault. */
export function editConfig(file: ParsedConfigFile, edit: ConfigEdit): ConfigEditResult {
  const checked = canonicalKey(edit.key);
  if ('fault' in checked) throw new RangeError(`not a configuration key: ${edit.key}`);
  const { key } = checked;
  const section = key.slice(0, key.lastIndexOf('.'));
  const { tokens } = file;
  const ours = ownership(tokens, section);
  const hits: number[] = [];
  if (edit.append !== true) {
    tokens.forEach((token, i) => {
      if (token.type === 'entry' && token.key === key && (edit.matches?.(token.value) ?? true)) hits.push(i);
    });
  }
  if (hits.length > 1 && edit.all !== true) return { fault: 'several' };
  if (edit.value === undefined) {
    return hits.length === 0 ? { fault: 'missing' } : { text: removeEntries(file, hits, ours) };
  }
  const line = entryLine(edit.key.slice(edit.key.lastIndexOf('.') + 1), edit.value, edit.comment);
  if (hits.length > 0) {
    const cuts = hits.map((i) => ({ begin: withoutIndent(file.text, tokens[i]!.begin), end: tokens[i]!.end }));
    return { text: cutOut(file.text, cuts, line) };
  }
  const last = lastOwn(tokens, ours);
  if (last === undefined) {
    const header = sectionHeader(edit.key.slice(0, edit.key.lastIndexOf('.')));
    return { text: withNewline(file.text) + header + line };
  }
  let at = tokens[last]!.end;
  if (at > 0 && file.text[at - 1] !== '\n' && file.text[at] === '\n') at++;
  return { text: withNewline(file.text.slice(0, at)) + line + file.text.slice(at) };
}

const withNewline = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);

/** For each token, whether it stands in (or opens) the section. */
function ownership(tokens: readonly ConfigToken[], section: string): boolean[] {
  let own = false;
  return tokens.map((token) => {
    // `[a.B]` names its section in either case.
    if (token.type === 'section') {
      own = token.section === section || (token.dotted && token.section === section.toLowerCase());
    }
    return own;
  });
}

/** The last header or entry of the section. */
function lastOwn(tokens: readonly ConfigToken[], ours: readonly boolean[]): number | undefined {
  for (let i = tokens.length - 1; i >= 0; i--) {
    const { type } = tokens[i]!;
    if (ours[i] === true && (type === 'entry' || type === 'section')) return i;
  }
  return undefined;
}

function withoutIndent(text: string, at: number): number {
  while (at > 0 && text[at - 1] !== '\n' && isSpace(text.charCodeAt(at - 1))) at--;
  return at;
}

interface Cut {
  readonly begin: number;
  readonly end: number;
}

/** The text without the cuts; a line broken by a cut is ended, and `line` comes in place of the last one. */
function cutOut(text: string, cuts: readonly Cut[], line: string): string {
  let out = '';
  let from = 0;
  for (const { begin, end } of cuts) {
    if (begin > from) {
      out += text.slice(from, begin);
      if (text[begin - 1] !== '\n') out += '\n';
    }
    from = end;
  }
  return out + line + text.slice(from);
}

/** Removes entries, and a section's header with them when nothing else, not even a comment, belongs to it. */
function removeEntries(file: ParsedConfigFile, hits: readonly number[], ours: readonly boolean[]): string {
  const { tokens, text } = file;
  const cuts: Cut[] = [];
  for (let h = 0; h < hits.length; h++) {
    let { begin, end } = tokens[hits[h]!]!;
    const whole = emptiedSection(tokens, hits, h, ours);
    if (whole !== undefined) {
      begin = whole.begin;
      end = whole.end;
      h = whole.lastHit;
    }
    cuts.push({ begin: withoutIndent(text, begin), end });
  }
  return cutOut(text, cuts, '');
}

function emptiedSection(
  tokens: readonly ConfigToken[],
  hits: readonly number[],
  from: number,
  ours: readonly boolean[],
): (Cut & { lastHit: number }) | undefined {
  let first = hits[from]!;
  let sawHeader = false;
  for (; first > 0; first--) {
    const before = tokens[first - 1]!;
    if (before.type === 'comment') return undefined;
    if (before.type === 'entry') {
      if (!sawHeader) return undefined;
      break;
    }
    if (before.type === 'section') {
      if (ours[first - 1] !== true) break;
      sawHeader = true;
    }
  }
  let lastHit = from;
  let next = hits[from]! + 1;
  for (; next < tokens.length; next++) {
    const token = tokens[next]!;
    if (token.type === 'comment') return undefined;
    if (token.type === 'section') {
      if (ours[next] === true) continue;
      break;
    }
    if (token.type === 'entry') {
      if (hits[lastHit + 1] !== next) return undefined;
      lastHit++;
    }
  }
  const end = next < tokens.length ? tokens[next]!.begin : tokens[tokens.length - 1]!.end;
  return { begin: tokens[first]!.begin, end, lastHit };
}

/** Whether the header names the section as the user does: here letters count as they are written, not folded. */
function sameSection(token: SectionToken, text: string, name: string): boolean {
  const written = text.slice(token.begin + 1, token.end - 1);
  if (token.dotted) return written === name;
  const dot = token.section.indexOf('.');
  if (dot < 0) return written === name;
  const base = /^\S*/.exec(written)![0];
  return name === `${base}${token.section.slice(dot)}`;
}

/**
 * Renames every section of that name, or removes it with its entries when `to` is `undefined`; `copy` leaves the old
 * one and adds a copy behind it. Answers `undefined` when there is none.
 */
export function renameSection(
  file: ParsedConfigFile,
  from: string,
  to: string | undefined,
  copy = false,
): string | undefined {
  const { text, tokens } = file;
  let out = '';
  let at = 0;
  let found = false;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.type !== 'section' || !sameSection(token, text, from)) continue;
    found = true;
    let end = text.length;
    for (let j = i + 1; j < tokens.length; j++) {
      if (tokens[j]!.type === 'section') {
        end = withoutIndent(text, tokens[j]!.begin);
        break;
      }
    }
    const begin = withoutIndent(text, token.begin);
    out += text.slice(at, begin);
    const body = text.slice(token.end, end);
    if (to === undefined) {
      at = end;
      continue;
    }
    let header = sectionHeader(to);
    let rest = body;
    // What follows the header on its line goes on a line of its own.
    const sameLine = /^[ \t\r]*\n/.exec(rest);
    if (sameLine !== null) rest = rest.slice(sameLine[0].length);
    else if (rest.trim() === '') rest = '';
    else {
      rest = rest.replace(/^[ \t]+/, '');
      header += '\t';
    }
    if (copy) out += withNewline(text.slice(begin, end));
    out += header + rest;
    at = end;
  }
  return found ? out + text.slice(at) : undefined;
}
