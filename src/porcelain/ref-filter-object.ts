import type { Bytes } from '../base/bytes.js';
import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';

/** An object's fields as the ref formats see them: by line, however odd the object is. */
export class ObjectFields {
  readonly oid: Oid;
  readonly kind: ObjectKind;
  readonly size: number;
  readonly #data: Bytes;
  #headers: Map<string, string[]> | undefined;
  #message: Message | undefined;
  #text: string | undefined;

  constructor(oid: Oid, kind: ObjectKind, data: Bytes) {
    this.oid = oid;
    this.kind = kind;
    this.size = data.length;
    this.#data = data;
  }

  /** The whole object. */
  get text(): string {
    this.#text ??= decodeText(this.#data);
    return this.#text;
  }

  #parsed(): Map<string, string[]> {
    if (this.#headers !== undefined) return this.#headers;
    const headers = new Map<string, string[]>();
    if (this.kind === 'commit' || this.kind === 'tag') {
      for (const line of this.text.split('\n')) {
        if (line === '') break;
        const space = line.indexOf(' ');
        if (space <= 0) continue;
        const name = line.slice(0, space);
        const values = headers.get(name);
        if (values === undefined) headers.set(name, [line.slice(space + 1)]);
        else values.push(line.slice(space + 1));
      }
    }
    this.#headers = headers;
    return headers;
  }

  header(name: string): string | undefined {
    return this.#parsed().get(name)?.[0];
  }

  get parents(): readonly string[] {
    return this.kind === 'commit' ? (this.#parsed().get('parent') ?? []) : [];
  }

  /** What an annotated tag leads to next. */
  get target(): Oid | undefined {
    return this.kind === 'tag' ? (this.header('object') as Oid | undefined) : undefined;
  }

  /** Author, committer or tagger as written; `creator` is whichever of the last two it has. */
  identity(who: 'author' | 'committer' | 'tagger' | 'creator'): string | undefined {
    if (who !== 'creator') {
      if (who === 'tagger' ? this.kind !== 'tag' : this.kind !== 'commit') return undefined;
      return this.header(who);
    }
    return this.kind === 'commit' ? this.header('committer') : this.kind === 'tag' ? this.header('tagger') : undefined;
  }

  get message(): Message | undefined {
    if (this.kind !== 'commit' && this.kind !== 'tag') return undefined;
    this.#message ??= new Message(this.text);
    return this.#message;
  }
}

const signatureStarts = [
  '-----BEGIN PGP SIGNATURE-----',
  '-----BEGIN PGP MESSAGE-----',
  '-----BEGIN SIGNED MESSAGE-----',
  '-----BEGIN SSH SIGNATURE-----',
];

/** Where a signature at the end of a message begins, or its length when there is none. */
export function signatureStart(text: string): number {
  let start = text.length;
  for (let at = 0; at < text.length; ) {
    if (signatureStarts.some((head) => text.startsWith(head, at))) start = at;
    const end = text.indexOf('\n', at);
    at = end < 0 ? text.length : end + 1;
  }
  return start;
}

/** Subject, body and signature of a commit's or tag's message. */
class Message {
  /** From the subject on. */
  readonly whole: string;
  readonly #subject: string;
  /** After the subject and the empty lines below it; with the signature. */
  readonly bodyAndSignature: string;
  readonly signature: string;

  constructor(object: string) {
    let start = 0;
    while (start < object.length && object[start] !== '\n') {
      const end = object.indexOf('\n', start);
      start = end < 0 ? object.length : end + 1;
    }
    while (object[start] === '\n') start++;
    const text = object.slice(start);
    this.whole = text;
    const signed = signatureStart(text);
    this.signature = text.slice(signed);
    let end = text.indexOf('\n\n');
    const crlf = text.indexOf('\r\n\r\n');
    if (end < 0 || (crlf >= 0 && crlf < end)) end = crlf;
    if (end < 0 || end > signed) {
      // One paragraph only: it reaches to the signature.
      end = signed;
      while (end > 0 && (text[end - 1] === '\n' || text[end - 1] === '\r')) end--;
    }
    this.#subject = text.slice(0, end);
    let body = end;
    while (text[body] === '\n' || text[body] === '\r') body++;
    this.bodyAndSignature = text.slice(body);
  }

  /** The first paragraph in one line. */
  get subject(): string {
    return this.#subject.replaceAll('\r\n', ' ').replaceAll('\n', ' ');
  }

  get rawSubject(): string {
    return this.#subject;
  }

  get body(): string {
    const { bodyAndSignature, signature } = this;
    return bodyAndSignature.slice(0, Math.max(0, bodyAndSignature.length - signature.length));
  }

  get sizeInBytes(): number {
    return encodeText(this.whole).length;
  }

  get unsigned(): string {
    return this.whole.slice(0, this.whole.length - this.signature.length);
  }

  /** The first lines, as `tag -n` shows them: each further one on a line of its own, set in by four. */
  lines(count: number): string {
    const text = this.whole.slice(0, this.whole.length - this.signature.length);
    let out = '';
    for (let i = 0, at = 0; i < count && at < text.length; i++) {
      if (i > 0) out += '\n    ';
      const end = text.indexOf('\n', at);
      out += text.slice(at, end < 0 ? text.length : end);
      if (end < 0) break;
      at = end + 1;
    }
    return out;
  }
}

/** `Name <mail> seconds zone` taken apart; what is missing is undefined. */
export function splitIdentity(line: string): {
  readonly name: string;
  readonly email: string;
  readonly seconds: number | undefined;
  readonly zone: string;
} {
  const open = line.indexOf(' <');
  const from = line.indexOf('<');
  const to = from < 0 ? -1 : line.indexOf('>', from);
  const date = /> (\d+)(?: ([+-]\d+))?/.exec(line);
  return {
    name: open < 0 ? '' : line.slice(0, open),
    email: from < 0 || to < 0 ? '' : line.slice(from, to + 1),
    seconds: date === null ? undefined : Number(date[1]),
    zone: date?.[2] ?? '+0000',
  };
}

export const missingObject = (oid: string, name: string): GitError =>
  new GitError('OBJECT_MISSING', `missing object ${oid} for ${name}`, { data: { oid, ref: name } });
