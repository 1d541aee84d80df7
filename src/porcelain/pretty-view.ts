import type { Bytes } from '../base/bytes.js';
import { decodeText, encodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import type { CommitNode } from '../history/commit-pool.js';
import { isUtf8, recode, sameEncoding } from './text-encoding.js';

/** A name line (`Name <mail> seconds zone`) taken apart; what cannot be found is `undefined`. */
export interface Ident {
  readonly name: string;
  readonly email: string;
  /** Digits as written. */
  readonly seconds: string | undefined;
  readonly zone: string | undefined;
}

const dateAtEnd = /^[ \t\r\f\v]*(\d+)[ \t\r\f\v]+([+-]\d+)/;

/** `undefined` where there is no address at all. */
export function parseIdent(line: string): Ident | undefined {
  const open = line.indexOf('<');
  if (open < 0) return undefined;
  const close = line.indexOf('>', open + 1);
  if (close < 0) return undefined;
  let end = open;
  while (end > 0 && isSpace(line.charCodeAt(end - 1))) end--;
  const last = line.lastIndexOf('>');
  const date = dateAtEnd.exec(line.slice(last + 1));
  return {
    name: line.slice(0, end),
    email: line.slice(open + 1, close),
    seconds: date?.[1],
    zone: date?.[2],
  };
}

const isSpace = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d);

/** A commit object as text in one encoding, with its parts found when asked for. */
export class CommitView {
  readonly #oid: Oid<'commit'> | undefined;
  /** As the walk has it; parents may be rewritten. */
  readonly node: CommitNode | undefined;
  /** The whole object, headers and message. */
  readonly text: string;
  /** The `encoding` header of the object. */
  readonly encoding: string | undefined;
  /** Index of the newline that ends the headers' last line but one: the message begins one after it. */
  readonly messageStart: number;
  #headers: { author: string; committer: string } | undefined;
  #author: Ident | undefined | null = null;
  #committer: Ident | undefined | null = null;
  #subjectStart = -1;
  #bodyStart = -1;
  #subject = '';

  constructor(
    oid: Oid<'commit'> | undefined,
    node: CommitNode | undefined,
    text: string,
    encoding: string | undefined,
    messageStart: number,
  ) {
    this.#oid = oid;
    this.node = node;
    this.text = text;
    this.encoding = encoding;
    this.messageStart = messageStart;
  }

  get oid(): Oid<'commit'> {
    return this.#oid ?? this.node!.oid;
  }

  get tree(): Oid<'tree'> {
    return this.text.slice(5, this.text.indexOf('\n')) as Oid<'tree'>;
  }

  get parents(): readonly Oid[] {
    if (this.node !== undefined) return this.node.parents.map((parent) => parent.oid);
    const parents: Oid[] = [];
    let at = this.text.indexOf('\n') + 1;
    while (this.text.startsWith('parent ', at)) {
      const end = this.text.indexOf('\n', at);
      parents.push(this.text.slice(at + 7, end) as Oid);
      at = end + 1;
    }
    return parents;
  }

  /** The headers as lines with their ends. */
  get headerText(): string {
    return this.text.slice(0, this.messageStart);
  }

  #header(name: 'author' | 'committer'): string {
    if (this.#headers === undefined) {
      const headers = { author: '', committer: '' };
      const text = this.text;
      for (let at = 0; at < this.messageStart; ) {
        let end = text.indexOf('\n', at);
        if (end < 0) end = text.length;
        if (text.startsWith('author ', at)) headers.author = text.slice(at + 7, end);
        else if (text.startsWith('committer ', at)) headers.committer = text.slice(at + 10, end);
        at = end + 1;
      }
      this.#headers = headers;
    }
    return this.#headers[name];
  }

  get authorLine(): string {
    return this.#header('author');
  }

  get committerLine(): string {
    return this.#header('committer');
  }

  get author(): Ident | undefined {
    if (this.#author === null) this.#author = parseIdent(this.authorLine);
    return this.#author;
  }

  get committer(): Ident | undefined {
    if (this.#committer === null) this.#committer = parseIdent(this.committerLine);
    return this.#committer;
  }

  /** The message as stored. */
  get rawBody(): string {
    return this.text.slice(this.messageStart + 1);
  }

  #parseMessage(): void {
    if (this.#subjectStart >= 0) return;
    const text = this.text;
    this.#subjectStart = skipBlankLines(text, Math.min(text.length, this.messageStart));
    const { subject, end } = readSubject(text, this.#subjectStart, ' ');
    this.#subject = subject;
    this.#bodyStart = skipBlankLines(text, end);
  }

  /** The first paragraph, its lines joined by spaces. */
  get subject(): string {
    this.#parseMessage();
    return this.#subject;
  }

  /** From the subject on. */
  get message(): string {
    this.#parseMessage();
    return this.text.slice(this.#subjectStart);
  }

  get body(): string {
    this.#parseMessage();
    return this.text.slice(this.#bodyStart);
  }

  /** The subject's first line. */
  get firstLine(): string {
    this.#parseMessage();
    const end = this.text.indexOf('\n', this.#subjectStart);
    return this.text.slice(this.#subjectStart, end < 0 ? undefined : end);
  }
}

/** Index of the first line that is not blank. */
export function skipBlankLines(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    let end = at;
    while (end < text.length && text.charCodeAt(end) !== 0x0a) {
      if (!isSpace(text.charCodeAt(end))) return at;
      end++;
    }
    if (end >= text.length) return text.length;
    at = end + 1;
  }
  return text.length;
}

/** The lines up to the first blank one, joined; `end` is behind the blank line. */
export function readSubject(text: string, from: number, separator: string): { subject: string; end: number } {
  let subject = '';
  let first = true;
  let at = from;
  while (at < text.length) {
    let end = text.indexOf('\n', at);
    const next = end < 0 ? text.length : end + 1;
    if (end < 0) end = text.length;
    while (end > at && isSpace(text.charCodeAt(end - 1))) end--;
    if (end === at) return { subject, end: next };
    if (!first) subject += separator;
    subject += text.slice(at, end);
    first = false;
    at = next;
  }
  return { subject, end: at };
}

/**
 * Text for an object's bytes, re-encoded for output where the object says that it is in another encoding. The name may
 * be left to the node.
 */
export function viewCommit(
  oid: Oid<'commit'> | undefined,
  data: Bytes,
  outputEncoding: string,
  node?: CommitNode | undefined,
): CommitView {
  let text = decodeText(data);
  let header = text.indexOf('\n\n');
  if (header < 0) header = text.length;
  let encoding: string | undefined;
  const at = text.indexOf('\nencoding ');
  if (at >= 0 && at < header) {
    const end = text.indexOf('\n', at + 1);
    encoding = text.slice(at + 10, end);
    if (!sameEncoding(encoding, outputEncoding)) {
      const recoded = recode(data, encoding, outputEncoding);
      if (recoded !== undefined) {
        text = decodeText(recoded);
        const place = text.indexOf('\nencoding ');
        const stop = text.indexOf('\n', place + 1);
        text = text.slice(0, place) + (isUtf8(outputEncoding) ? '' : `\nencoding ${outputEncoding}`) + text.slice(stop);
        header = text.indexOf('\n\n');
      }
    }
  } else if (!isUtf8(outputEncoding)) {
    const recoded = recode(data, 'UTF-8', outputEncoding);
    if (recoded !== undefined) text = decodeText(recoded);
    header = text.indexOf('\n\n');
  }
  if (header < 0) header = text.length;
  return new CommitView(oid, node, text, encoding, header + 1);
}

/** Text in UTF-8 as the same text in the output encoding, in byte-exact form. */
export function toOutput(text: string, outputEncoding: string): string {
  if (isUtf8(outputEncoding)) return text;
  const recoded = recode(encodeText(text), 'UTF-8', outputEncoding);
  return recoded === undefined ? text : decodeText(recoded);
}
