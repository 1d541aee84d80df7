import { decodeText, encodeText } from '../base/bytes.js';
import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import { RESET, parseColor } from '../base/color.js';
import { displayWidth } from '../base/display-width.js';
import type { Oid } from '../base/oid.js';
import type { Clock, DateMode } from '../repo/dates.js';
import { formatDate } from '../repo/dates.js';
import type { DecorationColors, Decorations, DecorationStyle } from './decorations.js';
import { formatDecorations, noDecorationColors, plainStyle } from './decorations.js';
import type { Mailmap } from './mailmap.js';
import { formatMail } from './pretty-email.js';
import type { PrettyFormat } from './pretty-format.js';
import type { CommitView, Ident } from './pretty-view.js';
import { parseIdent, readSubject, skipBlankLines, toOutput } from './pretty-view.js';
import { expandTabs, replaceColumns, wrapText } from './pretty-wrap.js';
import type { TrailerFormat, TrailerSettings } from './trailers.js';
import { formatTrailers } from './trailers.js';

/** What a reflog walk knows of the entry a commit was met through. */
export interface ReflogInfo {
  /** `HEAD@{0}`, by count or by date as asked for. */
  readonly selector: string;
  readonly shortSelector: string;
  /** `Name <mail>`. */
  readonly identity: string;
  readonly message: string;
}

/** The result of looking at a commit's signature. */
export interface SignatureCheck {
  /** `G`, `B`, `U`, `X`, `Y`, `R`, `E` or `N`. */
  readonly status: string;
  readonly signer: string;
  readonly key: string;
  readonly fingerprint: string;
  readonly primary: string;
  readonly trust: string;
  readonly output: string;
}

export interface DescribeRequest {
  readonly tags: boolean;
  readonly abbrev: number | undefined;
  readonly match: readonly string[];
  readonly exclude: readonly string[];
}

export interface PrettyContext {
  readonly format: PrettyFormat;
  readonly dateMode: DateMode;
  readonly clock: Clock;
  readonly outputEncoding: string;
  /** 0: tabs as they are. */
  readonly expandTabs: number;
  readonly mailmap?: Mailmap | undefined;
  /** For `%aN` and friends, where `--use-mailmap` is not said: read when first wanted. */
  readonly nameMailmap?: (() => Awaitable<Mailmap>) | undefined;
  readonly abbreviate: (oid: Oid) => Awaitable<string>;
  /** Colours what the message filters found. */
  readonly highlight?: ((text: string, field: 'author' | 'committer' | 'body') => string) | undefined;
  /** Colours are wanted. */
  readonly color: boolean;
  readonly colors: DecorationColors;
  readonly decorations?: (() => Awaitable<Decorations>) | undefined;
  /** Full ref names in `%d`. */
  readonly fullDecorations?: boolean;
  readonly verify?: ((view: CommitView) => Awaitable<SignatureCheck>) | undefined;
  /** Placeholders that stand for nothing here, and stay as they are: `%N` where no notes are shown, `%S` without sources. */
  readonly absent?: ReadonlySet<'N' | 'S'> | undefined;
  readonly describe?: ((oid: Oid, request: DescribeRequest) => Awaitable<string>) | undefined;
  readonly trailerSettings?: TrailerSettings;
  readonly mail?: { readonly encodeHeaders: boolean; readonly subjectPrefix: string } | undefined;
  /** Width of the terminal, for negative columns. */
  readonly columns?: number;
}

/** What belongs to one showing of a commit. */
export interface PrettyExtras {
  /** `<`, `>`, `-`…, for `%m`. */
  readonly mark?: string;
  readonly source?: string | undefined;
  readonly notes?: string | undefined;
  readonly reflog?: ReflogInfo | undefined;
  /** Columns that a graph takes on the left. */
  readonly graphWidth?: number;
}

/** Shows commits in one format. */
export class PrettyPrinter {
  readonly context: PrettyContext;
  readonly #template: Template | undefined;
  readonly #short = new Map<string, string>();

  constructor(context: PrettyContext) {
    this.context = context;
    this.#template = context.format.kind === 'user' ? new Template(context.format.template, context) : undefined;
  }

  /** What `--pretty` shows of a commit: name lines and message, without the line with its id. */
  format(view: CommitView, extras: PrettyExtras = {}): Awaitable<string> {
    const { format, outputEncoding } = this.context;
    if (this.#template !== undefined) {
      const text = this.#template.expand(view, extras);
      if (isPromise(text)) return text.then((done) => toOutput(done, outputEncoding));
      return toOutput(text, outputEncoding);
    }
    if (format.kind === 'email' || format.kind === 'mboxrd') return this.#mail(view);
    if (format.kind === 'oneline')
      return readSubject(view.text, skipBlankLines(view.text, view.messageStart), ' ').subject;
    const parents = view.parents;
    if (parents.length > 1 && format.kind !== 'raw') {
      for (const parent of parents) if (!this.#short.has(parent)) return this.#withParents(view);
    }
    return this.#builtin(view);
  }

  #mail(view: CommitView): string {
    const { format, outputEncoding, mailmap, clock, mail } = this.context;
    const { author } = view;
    return formatMail(view, {
      encoding: outputEncoding,
      encodeHeaders: mail?.encodeHeaders ?? true,
      subjectPrefix: mail?.subjectPrefix ?? '[PATCH] ',
      quoteFrom: format.kind === 'mboxrd',
      expandTabs: this.context.expandTabs,
      highlight: this.context.highlight,
      date: author === undefined ? '' : identDate(author, { kind: 'rfc', local: false }, clock),
      from: author === undefined ? undefined : (mailmap?.map(author) ?? author),
    });
  }

  async #withParents(view: CommitView): Promise<string> {
    for (const parent of view.parents) this.#short.set(parent, await this.context.abbreviate(parent));
    return this.#builtin(view);
  }

  #builtin(view: CommitView): string {
    const { format } = this.context;
    const raw = format.kind === 'raw';
    let out = raw ? view.headerText : this.#header(view);
    out += '\n';
    const body = indentMessage(
      view.text,
      view.messageStart,
      4,
      this.context.expandTabs,
      format.kind === 'short',
      this.context.highlight,
    );
    out += body;
    let end = out.length;
    while (end > 0 && isSpace(out.charCodeAt(end - 1))) end--;
    return `${end === out.length ? out : out.slice(0, end)}\n`;
  }

  #header(view: CommitView): string {
    const { format } = this.context;
    const parents = view.parents;
    let out = '';
    if (parents.length > 1) out += `Merge: ${parents.map((parent) => this.#short.get(parent)).join(' ')}\n`;
    const full = format.kind === 'fuller';
    if (view.author !== undefined) {
      out += `Author: ${full ? '    ' : ''}${this.#person(view.author, 'author')}\n`;
      if (format.kind === 'medium') out += `Date:   ${this.#date(view.author)}\n`;
      if (full) out += `AuthorDate: ${this.#date(view.author)}\n`;
    }
    if ((full || format.kind === 'full') && view.committer !== undefined) {
      out += `Commit: ${full ? '    ' : ''}${this.#person(view.committer, 'committer')}\n`;
      if (full) out += `CommitDate: ${this.#date(view.committer)}\n`;
    }
    return out;
  }

  #person(ident: Ident, field: 'author' | 'committer'): string {
    const { mailmap, highlight } = this.context;
    const { name, email } = mailmap === undefined ? ident : mailmap.map(ident);
    const text = `${name} <${email}>`;
    return highlight === undefined ? text : highlight(text, field);
  }

  #date(ident: Ident): string {
    return identDate(ident, this.context.dateMode, this.context.clock);
  }
}

/** The date of a name line; one that is missing or absurd is the epoch. */
export function identDate(ident: Ident, mode: DateMode, clock: Clock): string {
  let seconds = ident.seconds === undefined ? 0 : Number(ident.seconds);
  let zone = ident.zone ?? '+0000';
  if (!Number.isSafeInteger(seconds)) {
    seconds = 0;
    zone = '+0000';
  }
  return formatDate(seconds, zone, mode, clock);
}

const isSpace = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d);

/** The message from `start` on, blank lines in front left out, line ends bare, each line indented. */
function indentMessage(
  text: string,
  start: number,
  indent: number,
  tabs: number,
  firstOnly: boolean,
  highlight?: ((line: string, field: 'body') => string) | undefined,
): string {
  const pad = ' '.repeat(indent);
  let out = '';
  let first = true;
  const length = text.length;
  for (let at = skipBlankLines(text, start); at < length; ) {
    let end = text.indexOf('\n', at);
    const next = end < 0 ? length : end + 1;
    if (end < 0) end = length;
    while (end > at && isSpace(text.charCodeAt(end - 1))) end--;
    if (end === at) {
      if (first) {
        at = next;
        continue;
      }
      if (firstOnly) break;
      out += pad + '\n';
    } else {
      const whole = text.slice(at, end);
      const line = tabs > 0 && whole.includes('\t') ? expandTabs(whole, tabs) : whole;
      out += pad + (highlight === undefined ? line : highlight(line, 'body')) + '\n';
    }
    first = false;
    at = next;
  }
  return out;
}

const isoMode: DateMode = { kind: 'iso', local: false };
const dateModes: Readonly<Record<string, DateMode>> = {
  D: { kind: 'rfc', local: false },
  r: { kind: 'relative', local: false },
  i: isoMode,
  I: { kind: 'iso-strict', local: false },
  s: { kind: 'short', local: false },
  h: { kind: 'human', local: false },
};

type Magic = '' | '+' | '-' | ' ';
type Flush = 'left' | 'right' | 'both' | 'steal';
type Truncation = 'none' | 'left' | 'middle' | 'right';

interface Padding {
  readonly columns: number;
  readonly flush: Flush;
  readonly truncate: Truncation;
  readonly toColumn: boolean;
}

/** Padding and colours are widths and sequences; what expands from the commit is a `value`. */
type Item =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'color'; readonly magic: Magic; readonly text: string }
  | { readonly kind: 'auto-color'; readonly magic: Magic }
  | { readonly kind: 'wrap'; readonly width: number; readonly first: number; readonly rest: number }
  | { readonly kind: 'padded'; readonly pad: Padding; readonly magic: Magic; readonly items: readonly Item[] }
  | { readonly kind: 'value'; readonly magic: Magic; readonly get: Getter };

interface Run {
  readonly view: CommitView;
  readonly extras: PrettyExtras;
  autoColor: boolean;
}

type Getter = (run: Run) => Awaitable<string>;

const FORMATTING_LIMIT = 16 * 1024;

/** A `format:` template, compiled once. */
class Template {
  readonly #context: PrettyContext;
  #items: Item[] = [];
  /** Waits for the placeholder that it pads. */
  #padding: Padding | undefined;
  readonly #short = new Map<string, string>();

  constructor(template: string, context: PrettyContext) {
    this.#context = context;
    this.#compile(template);
  }

  #text(text: string): void {
    const last = this.#items[this.#items.length - 1];
    if (last?.kind === 'text') this.#items[this.#items.length - 1] = { kind: 'text', text: last.text + text };
    else this.#items.push({ kind: 'text', text });
  }

  #compile(template: string): void {
    let at = 0;
    while (at < template.length) {
      const percent = template.indexOf('%', at);
      if (percent < 0) {
        this.#text(template.slice(at));
        return;
      }
      if (percent > at) this.#text(template.slice(at, percent));
      at = percent + 1;
      if (template[at] === '%') {
        this.#text('%');
        at++;
        continue;
      }
      const used = this.#item(template, at);
      if (used === 0) this.#text('%');
      at += used;
    }
  }

  /** Compiles the placeholder at `at` (behind the `%`); answers its length, 0 for what is none. */
  #item(template: string, at: number): number {
    const char = template[at];
    let magic: Magic = '';
    let start = at;
    if (char === '+' || char === '-' || char === ' ') {
      magic = char;
      start++;
      if (template[start] === 'w') return 0;
    }
    const pad = this.#padding;
    const used = pad === undefined ? this.#one(template, start, magic) : this.#padded(template, start, magic, pad);
    // A sign before what is no placeholder vanishes.
    return used + (start - at);
  }

  /** The placeholder that a padding was for, with colours directly before it. */
  #padded(template: string, at: number, magic: Magic, pad: Padding): number {
    const outer = this.#items;
    const items: Item[] = [];
    this.#items = items;
    this.#padding = undefined;
    let end = at;
    for (;;) {
      const color = template[end] === 'C';
      const used = this.#one(template, end, '');
      end += used;
      if (!color || used === 0 || template[end] !== '%') break;
      end++;
    }
    // Another padding directly behind only says where to pad, and is used up.
    const inner = this.#padding as Padding | undefined;
    this.#padding = undefined;
    this.#items = outer;
    const both = inner === undefined ? pad : { ...pad, flush: inner.flush, truncate: inner.truncate };
    outer.push({ kind: 'padded', pad: both, magic, items });
    return end - at;
  }

  #value(magic: Magic, get: Getter): void {
    this.#items.push({ kind: 'value', magic, get });
  }

  #one(template: string, at: number, magic: Magic): number {
    const rest = template.slice(at);
    switch (rest[0]) {
      case 'n':
        this.#value(magic, () => '\n');
        return 1;
      case 'x': {
        const hex = /^x([0-9a-fA-F]{2})/.exec(rest);
        if (hex === null) return 0;
        const code = Number.parseInt(hex[1]!, 16);
        const text = code < 0x80 ? String.fromCharCode(code) : String.fromCharCode(0xdc00 + code);
        this.#value(magic, () => text);
        return 3;
      }
      case 'C':
        return this.#color(rest, magic);
      case 'w': {
        const match = /^w\(([^)]*)\)/.exec(rest);
        if (match === null) return 0;
        const numbers = /^\s*(\d*)(?:,\s*(\d*)(?:,\s*(\d*))?)?$/.exec(match[1]!);
        if (match[1] !== '' && numbers === null) return 0;
        if (numbers?.slice(1).some((number) => Number(number ?? 0) > FORMATTING_LIMIT) === true) return 0;
        this.#items.push({
          kind: 'wrap',
          width: Number(numbers?.[1] ?? 0),
          first: Number(numbers?.[2] ?? 0),
          rest: Number(numbers?.[3] ?? 0),
        });
        return match[0].length;
      }
      case '<':
      case '>':
        return this.#readPadding(rest);
      case '(':
        return this.#longPlaceholder(rest, magic);
    }
    return this.#commitPlaceholder(rest, magic);
  }

  #color(rest: string, magic: Magic): number {
    if (rest.startsWith('C(auto)')) {
      this.#items.push({ kind: 'auto-color', magic });
      return 7;
    }
    const { color } = this.#context;
    if (rest[1] === '(') {
      const end = rest.indexOf(')');
      if (end < 0) return 0;
      let spec = rest.slice(2, end);
      let on = color;
      if (spec.startsWith('auto,')) spec = spec.slice(5);
      else if (spec.startsWith('always,')) {
        spec = spec.slice(7);
        on = true;
      }
      this.#items.push({ kind: 'color', magic, text: on ? parseColor(spec) : '' });
      return end + 1;
    }
    const named: readonly (readonly [string, string])[] = [
      ['red', '\x1b[31m'],
      ['green', '\x1b[32m'],
      ['blue', '\x1b[34m'],
      ['reset', RESET],
    ];
    for (const [name, sequence] of named) {
      if (!rest.startsWith(name, 1)) continue;
      this.#items.push({ kind: 'color', magic, text: color ? sequence : '' });
      return name.length + 1;
    }
    return 0;
  }

  #readPadding(rest: string): number {
    const match = /^(<|><|>>|>)(\|?)\(\s*([+-]?\d+)([^,)]*)(?:,([^)]*))?\)/.exec(rest);
    if (match === null) return 0;
    let columns = Number(match[3]);
    if (columns === 0 || Math.abs(columns) > FORMATTING_LIMIT) return 0;
    const toColumn = match[2] === '|';
    if (columns < 0) {
      if (toColumn) columns += this.#context.columns ?? 80;
      if (columns < 0) return 0;
    }
    let truncate: Truncation = 'none';
    const flush: Flush = match[1] === '<' ? 'right' : match[1] === '>' ? 'left' : match[1] === '><' ? 'both' : 'steal';
    if (match[5] !== undefined) {
      const word = match[5].trim();
      if (word === 'trunc') truncate = 'right';
      else if (word === 'ltrunc') truncate = 'left';
      else if (word === 'mtrunc') truncate = 'middle';
      else {
        // No placeholder, and yet what follows is padded.
        this.#padding = { columns, flush, truncate, toColumn };
        return 0;
      }
    }
    this.#padding = { columns, flush, truncate, toColumn };
    return match[0].length;
  }

  #longPlaceholder(rest: string, magic: Magic): number {
    // Numbers of a series of mails: there is none here.
    const number = /^\((?:count|total)\)/.exec(rest);
    if (number !== null) {
      this.#value(magic, () => '0');
      return number[0].length;
    }
    const match = /^\((describe|decorate|trailers)(?::([^)]*))?\)/.exec(rest);
    if (match === null) return 0;
    const options = splitOptions(match[2]);
    const length = match[0].length;
    const context = this.#context;
    switch (match[1]) {
      case 'describe': {
        const request = describeRequest(options);
        if (request === undefined) return 0;
        this.#value(magic, (run) => context.describe?.(run.view.oid, request) ?? '');
        return length;
      }
      case 'decorate': {
        const style: { -readonly [K in keyof DecorationStyle]: string } = { ...plainStyle };
        for (const { name, value } of options) {
          if (!Object.hasOwn(style, name)) return 0;
          style[name as keyof DecorationStyle] = value === undefined ? '' : literalCodes(value);
        }
        this.#value(magic, (run) => this.#decorations(run, style));
        return length;
      }
      default: {
        const format = trailerFormat(options);
        if (format === undefined) return 0;
        this.#value(magic, (run) =>
          formatTrailers(run.view.message, format, { ...context.trailerSettings, noDivider: true }),
        );
        return length;
      }
    }
  }

  #decorations(run: Run, style: DecorationStyle): Awaitable<string> {
    const { decorations, colors, fullDecorations } = this.#context;
    const loaded = decorations?.();
    const format = (map: Decorations | undefined): string =>
      formatDecorations(
        map,
        run.view.oid,
        run.autoColor ? colors : noDecorationColors,
        fullDecorations === true,
        style,
      );
    return isPromise(loaded) ? loaded.then(format) : format(loaded);
  }

  #abbreviated(oid: Oid): Awaitable<string> {
    const known = this.#short.get(oid);
    if (known !== undefined) return known;
    return this.#context.abbreviate(oid);
  }

  #joined(oids: readonly Oid[]): Awaitable<string> {
    const parts = oids.map((oid) => this.#abbreviated(oid));
    if (parts.some(isPromise)) return Promise.all(parts).then((done) => done.join(' '));
    return parts.join(' ');
  }

  #commitPlaceholder(rest: string, magic: Magic): number {
    const context = this.#context;
    const colored = (run: Run, text: string): string =>
      run.autoColor ? `${context.colors.commit}${text}${context.colors.reset}` : text;
    switch (rest[0]) {
      case 'H':
        this.#value(magic, (run) => colored(run, run.view.oid));
        return 1;
      case 'h':
        this.#value(magic, (run) => {
          const short = this.#abbreviated(run.view.oid);
          return isPromise(short) ? short.then((done) => colored(run, done)) : colored(run, short);
        });
        return 1;
      case 'T':
        this.#value(magic, (run) => run.view.tree);
        return 1;
      case 't':
        this.#value(magic, (run) => this.#abbreviated(run.view.tree));
        return 1;
      case 'P':
        this.#value(magic, (run) => run.view.parents.join(' '));
        return 1;
      case 'p':
        this.#value(magic, (run) => this.#joined(run.view.parents));
        return 1;
      case 'm':
        this.#value(magic, (run) => run.extras.mark ?? '>');
        return 1;
      case 'd':
        this.#value(magic, (run) => this.#decorations(run, plainStyle));
        return 1;
      case 'D':
        this.#value(magic, (run) => this.#decorations(run, { ...plainStyle, prefix: '', suffix: '' }));
        return 1;
      case 'S':
        if (context.absent?.has('S') === true) return 0;
        this.#items.push({ kind: 'value', magic, get: (run) => run.extras.source ?? '%S' });
        return 1;
      case 'N':
        if (context.absent?.has('N') === true) return 0;
        this.#value(magic, (run) => run.extras.notes ?? '%N');
        return 1;
      case 'e':
        this.#value(magic, (run) => run.view.encoding ?? '');
        return 1;
      case 's':
        this.#value(magic, (run) => run.view.subject);
        return 1;
      case 'f':
        this.#value(magic, (run) => sanitizedSubject(run.view.firstLine));
        return 1;
      case 'b':
        this.#value(magic, (run) => run.view.body);
        return 1;
      case 'B':
        this.#value(magic, (run) => run.view.rawBody);
        return 1;
      case 'a':
      case 'c': {
        const part = rest[1];
        if (part === undefined || !'nNeElLdDriIsht'.includes(part)) return 0;
        const author = rest[0] === 'a';
        this.#value(magic, (run) => this.#person(author ? run.view.author : run.view.committer, part));
        return 2;
      }
      case 'g': {
        const part = rest[1];
        switch (part) {
          case 'D':
            this.#value(magic, (run) => run.extras.reflog?.selector ?? '');
            return 2;
          case 'd':
            this.#value(magic, (run) => run.extras.reflog?.shortSelector ?? '');
            return 2;
          case 's':
            this.#value(magic, (run) => run.extras.reflog?.message ?? '');
            return 2;
          case 'n':
          case 'N':
          case 'e':
          case 'E':
            this.#value(magic, (run) => {
              const line = run.extras.reflog?.identity;
              return line === undefined ? '' : this.#person(parseIdent(line), part);
            });
            return 2;
        }
        return 0;
      }
      case 'G': {
        const pick: Readonly<Record<string, (check: SignatureCheck) => string>> = {
          G: (check) => check.output,
          '?': (check) => check.status,
          S: (check) => check.signer,
          K: (check) => check.key,
          F: (check) => check.fingerprint,
          P: (check) => check.primary,
          T: (check) => check.trust,
        };
        const part = rest[1] === undefined ? undefined : pick[rest[1]];
        if (part === undefined) return 0;
        this.#value(magic, (run) => {
          const check = context.verify?.(run.view);
          if (check === undefined) return rest[1] === '?' ? 'N' : rest[1] === 'T' ? 'undefined' : '';
          return isPromise(check) ? check.then(part) : part(check);
        });
        return 2;
      }
    }
    return 0;
  }

  #person(ident: Ident | undefined, part: string): Awaitable<string> {
    if (ident === undefined) return '';
    if (part === 'N' || part === 'E' || part === 'L') {
      const map = this.#context.mailmap ?? this.#context.nameMailmap?.();
      if (isPromise(map)) return map.then((loaded) => personPart({ ...ident, ...pair(loaded.map(ident)) }, part));
      const mapped = map === undefined ? ident : { ...ident, ...pair(map.map(ident)) };
      return personPart(mapped, part);
    }
    if (part === 'n' || part === 'e' || part === 'l') return personPart(ident, part);
    if (ident.seconds === undefined) return '';
    if (part === 't') return ident.seconds;
    return identDate(ident, dateModes[part] ?? this.#context.dateMode, this.#context.clock);
  }

  expand(view: CommitView, extras: PrettyExtras): Awaitable<string> {
    const run: Run = { view, extras, autoColor: false };
    const assembly = new Assembly(extras.graphWidth ?? 0);
    const filled = this.#fill(run, this.#items, 0, assembly);
    return isPromise(filled) ? filled.then(() => assembly.finish()) : assembly.finish();
  }

  /** Expands from item `index` on; goes on in a promise only where a value has to be waited for. */
  #fill(run: Run, items: readonly Item[], index: number, assembly: Assembly): void | Promise<void> {
    for (let i = index; i < items.length; i++) {
      const item = items[i]!;
      switch (item.kind) {
        case 'text':
          assembly.text += item.text;
          continue;
        case 'auto-color':
          run.autoColor = this.#context.color;
          // The first colours must not mix with what stands before them.
          assembly.value(run.autoColor && assembly.text !== '' ? RESET : '', item.magic);
          continue;
        case 'color':
          run.autoColor = false;
          assembly.value(item.text, item.magic);
          continue;
        case 'wrap':
          assembly.wrap(item.width, item.first, item.rest);
          continue;
        case 'padded': {
          const inner = assembly.inner();
          const filled = this.#fill(run, item.items, 0, inner);
          if (isPromise(filled)) {
            return filled.then(() => {
              assembly.padded(inner.text, item.pad, item.magic);
              return this.#fill(run, items, i + 1, assembly);
            });
          }
          assembly.padded(inner.text, item.pad, item.magic);
          continue;
        }
        case 'value': {
          const value = item.get(run);
          if (isPromise(value)) {
            return value.then((done) => {
              assembly.value(done, item.magic);
              return this.#fill(run, items, i + 1, assembly);
            });
          }
          assembly.value(value, item.magic);
        }
      }
    }
    return undefined;
  }
}

const pair = (person: { readonly name: string; readonly email: string }): { name: string; email: string } => ({
  name: person.name,
  email: person.email,
});

function personPart(ident: { readonly name: string; readonly email: string }, part: string): string {
  switch (part) {
    case 'n':
    case 'N':
      return ident.name;
    case 'e':
    case 'E':
      return ident.email;
    default: {
      const at = ident.email.indexOf('@');
      return at < 0 ? ident.email : ident.email.slice(0, at);
    }
  }
}

/** A subject as part of a file name. */
function sanitizedSubject(line: string): string {
  let out = '';
  let space = 2;
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!;
    if (/[A-Za-z0-9._]/.test(char)) {
      if (space === 1) out += '-';
      space = 0;
      out += char;
      if (char === '.') while (line[i + 1] === '.') i++;
    } else space |= 1;
  }
  return out.replace(/[.-]+$/, '');
}

/** From where on text is wrapped, and how. */
interface Wrapping {
  at: number;
  width: number;
  first: number;
  rest: number;
}

/** Text as it grows. */
class Assembly {
  text = '';
  readonly #graphWidth: number;
  readonly #wrapping: Wrapping;

  constructor(graphWidth: number, wrapping: Wrapping = { at: 0, width: 0, first: 0, rest: 0 }) {
    this.#graphWidth = graphWidth;
    this.#wrapping = wrapping;
  }

  /** For what will be padded; the wrapping is one for all. */
  inner(): Assembly {
    return new Assembly(0, this.#wrapping);
  }

  value(value: string, magic: Magic): void {
    const before = this.text.length;
    this.text += value;
    this.#magic(before, magic);
  }

  padded(value: string, pad: Padding, magic: Magic): void {
    const before = this.text.length;
    const bytes = magic === ' ' || magic === '+' ? encodeText(this.text).length : 0;
    this.#pad(value, pad);
    // Where padding took blanks away, what is put in front stands so many bytes further on, in the value itself.
    if (bytes > 0 && pad.flush === 'steal' && this.text.length !== before) {
      const all = encodeText(this.text);
      const mark = magic === '+' ? '\n' : ' ';
      this.text = decodeText(all.subarray(0, bytes)) + mark + decodeText(all.subarray(bytes));
    } else this.#magic(before, magic);
  }

  #magic(before: number, magic: Magic): void {
    if (magic === '') return;
    if (magic === '-') {
      if (this.text.length === before) this.text = this.text.replace(/\n+$/, '');
    } else if (this.text.length !== before) {
      this.text = this.text.slice(0, before) + (magic === '+' ? '\n' : ' ') + this.text.slice(before);
    }
  }

  #pad(value: string, pad: Padding): void {
    let columns = pad.columns;
    let { flush } = pad;
    let local = value;
    if (pad.toColumn) {
      const line = this.text.slice(this.text.lastIndexOf('\n') + 1);
      columns -= displayWidth(line, true) + this.#graphWidth;
    }
    const width = displayWidth(local, true);
    if (flush === 'steal') {
      let end = this.text.length;
      while (width > columns && end > 1) {
        if (this.text[end - 1] === ' ') {
          end--;
          columns++;
          continue;
        }
        const sequence = /\x1b\[[0-9;]*m$/.exec(this.text.slice(0, end));
        if (sequence === null) break;
        local = sequence[0] + local;
        end -= sequence[0].length;
      }
      this.text = this.text.slice(0, end);
      flush = 'left';
    }
    if (width > columns) {
      const cut = width - (columns - 2);
      if (pad.truncate === 'left') local = replaceColumns(local, 0, cut, '..');
      else if (pad.truncate === 'middle') local = replaceColumns(local, (columns >> 1) - 1, cut, '..');
      else if (pad.truncate === 'right') local = replaceColumns(local, columns - 2, cut, '..');
      this.text += local;
      return;
    }
    const space = columns - width;
    const left = flush === 'left' ? space : flush === 'both' ? space >> 1 : 0;
    this.text += ' '.repeat(left) + local + ' '.repeat(space - left);
  }

  wrap(width: number, first: number, rest: number): void {
    const wrapping = this.#wrapping;
    if (wrapping.width === width && wrapping.first === first && wrapping.rest === rest) return;
    if (wrapping.at < this.text.length) {
      this.text =
        this.text.slice(0, wrapping.at) +
        wrapText(this.text.slice(wrapping.at), wrapping.first, wrapping.rest, wrapping.width);
    }
    wrapping.at = this.text.length;
    wrapping.width = width;
    wrapping.first = first;
    wrapping.rest = rest;
  }

  finish(): string {
    this.wrap(0, 0, 0);
    return this.text;
  }
}

interface LongOption {
  readonly name: string;
  readonly value: string | undefined;
}

function splitOptions(text: string | undefined): LongOption[] {
  if (text === undefined || text === '') return [];
  return text.split(',').map((word) => {
    const equals = word.indexOf('=');
    return equals < 0
      ? { name: word, value: undefined }
      : { name: word.slice(0, equals), value: word.slice(equals + 1) };
  });
}

/** `%n`, `%%` and `%xNN` in an option's value. */
function literalCodes(text: string): string {
  return text.replace(/%(?:n|%|x([0-9a-fA-F]{2}))/g, (whole, hex: string | undefined) => {
    if (hex === undefined) return whole === '%n' ? '\n' : '%';
    const code = Number.parseInt(hex, 16);
    return code < 0x80 ? String.fromCharCode(code) : String.fromCharCode(0xdc00 + code);
  });
}

function parseBoolean(value: string | undefined): boolean | undefined {
  if (value === undefined || /^(?:true|yes|on|1)$/i.test(value)) return true;
  if (/^(?:false|no|off|0|)$/i.test(value)) return false;
  return undefined;
}

function describeRequest(options: readonly LongOption[]): DescribeRequest | undefined {
  let tags = false;
  let abbrev: number | undefined;
  const match: string[] = [];
  const exclude: string[] = [];
  for (const { name, value } of options) {
    if (name === 'tags') {
      const on = parseBoolean(value);
      if (on === undefined) return undefined;
      tags = on;
    } else if (name === 'abbrev' && value !== undefined && /^\d+$/.test(value)) abbrev = Number(value);
    else if (name === 'match' && value !== undefined) match.push(value);
    else if (name === 'exclude' && value !== undefined) exclude.push(value);
    else return undefined;
  }
  return { tags, abbrev, match, exclude };
}

function trailerFormat(options: readonly LongOption[]): TrailerFormat | undefined {
  const format: { -readonly [K in keyof TrailerFormat]: TrailerFormat[K] } = {};
  const keys: string[] = [];
  for (const { name, value } of options) {
    switch (name) {
      case 'key':
        if (value === undefined) return undefined;
        keys.push(value.replace(/:$/, ''));
        format.only = true;
        break;
      case 'separator':
        if (value === undefined) return undefined;
        format.separator = literalCodes(value);
        break;
      case 'key_value_separator':
        if (value === undefined) return undefined;
        format.keyValueSeparator = literalCodes(value);
        break;
      case 'only':
      case 'unfold':
      case 'keyonly':
      case 'valueonly': {
        const on = parseBoolean(value);
        if (on === undefined) return undefined;
        if (name === 'only') format.only = on;
        else if (name === 'unfold') format.unfold = on;
        else if (name === 'keyonly') format.keyOnly = on;
        else format.valueOnly = on;
        break;
      }
      default:
        return undefined;
    }
  }
  if (keys.length > 0) format.keys = keys;
  return format;
}
