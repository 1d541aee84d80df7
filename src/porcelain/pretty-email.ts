import { decodeText, encodeText } from '../base/bytes.js';
import { displayWidth } from '../base/display-width.js';
import { isUtf8 } from './text-encoding.js';
import type { CommitView } from './pretty-view.js';
import { readSubject, skipBlankLines } from './pretty-view.js';
import { expandTabs, wrapText } from './pretty-wrap.js';

const nonAscii = /[^\0-\x7e]|\x1b/;

/** True where a header's text cannot stand as it is. */
const needsEncoding = (text: string): boolean => nonAscii.test(text) || /\n|=\?/.test(text);

const lastLineLength = (text: string): number => displayWidth(text.slice(text.lastIndexOf('\n') + 1));

/** A header's text as encoded words of RFC 2047, lines broken; `column`: what the first line has already. */
function encodedWords(text: string, encoding: string, address: boolean, column: number): string {
  let out = `=?${encoding}?q?`;
  let width = column + encoding.length + 5;
  // Only in UTF-8 it is known which bytes must stay together.
  const pieces: Iterable<string> = isUtf8(encoding)
    ? text
    : Array.from(encodeText(text), (byte) => decodeText(Uint8Array.of(byte)));
  for (const char of pieces) {
    const bytes = encodeText(char);
    const code = bytes[0]!;
    const special =
      bytes.length > 1 ||
      code >= 0x80 ||
      code <= 0x20 ||
      code >= 0x7f ||
      (address ? !/[A-Za-z0-9!*+\-/]/.test(char) : char === '=' || char === '?' || char === '_');
    const encoded = special
      ? [...bytes].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
      : char;
    if (width + encoded.length + 2 > 76) {
      out += `?=\n =?${encoding}?q?`;
      width = encoding.length + 6;
    }
    out += encoded;
    width += encoded.length;
  }
  return `${out}?=`;
}

/** A name as a mail's header has it. */
function mailName(name: string, encoding: string, encode: boolean, column: number): string {
  if (encode && needsEncoding(name)) return encodedWords(name, encoding, true, column);
  const quoted = /[()<>[\]:;@\\,."]/.test(name) ? `"${name.replace(/["\\]/g, '\\$&')}"` : name;
  return wrapText(quoted, -column, 1, 78);
}

export interface MailSettings {
  readonly encoding: string;
  readonly encodeHeaders: boolean;
  /** `[PATCH] `; undefined: no subject line. */
  readonly subjectPrefix: string | undefined;
  readonly keepSubjectLines?: boolean;
  readonly extraHeaders?: string;
  /** Lines that look like the start of a mail get a `>`. */
  readonly quoteFrom: boolean;
  /** 0: tabs as they are. Where they are expanded git forgets about `From `. */
  readonly expandTabs?: number;
  readonly date: string;
  /** Colours what was searched for in a line of the body. */
  readonly highlight?: ((line: string, field: 'body') => string) | undefined;
  readonly from: { readonly name: string; readonly email: string } | undefined;
}

/** A commit as the text of a mail, from its `From:` line on. */
export function formatMail(view: CommitView, settings: MailSettings): string {
  const { encoding, from } = settings;
  let out = '';
  if (from !== undefined) {
    const name = mailName(from.name, encoding, settings.encodeHeaders, 6);
    const line = `From: ${name}`;
    const limit = settings.encodeHeaders && needsEncoding(from.name) ? 76 : 78;
    const breaks = lastLineLength(line) + from.email.length + 3 > limit;
    out += `${line}${breaks ? '\n' : ''} <${from.email}>\nDate: ${settings.date}\n`;
  }
  const start = skipBlankLines(view.text, view.messageStart);
  const { subject, end } = readSubject(view.text, start, settings.keepSubjectLines === true ? '\n' : ' ');
  const prefix = `Subject: ${settings.subjectPrefix ?? ''}`;
  if (settings.encodeHeaders && needsEncoding(subject)) {
    out += prefix + encodedWords(subject, encoding, false, prefix.length);
  } else out += prefix + wrapText(subject, -prefix.length, 1, 78);
  out += '\n';
  if (/[^\0-\x7f]/.test(view.rawBody)) {
    out += `MIME-Version: 1.0\nContent-Type: text/plain; charset=${encoding}\nContent-Transfer-Encoding: 8bit\n`;
  }
  out += `${settings.extraHeaders ?? ''}\n`;
  const beginning = out.length;
  const tabs = settings.expandTabs ?? 0;
  let first = true;
  let body = '';
  for (const line of view.text.slice(end).split('\n')) {
    const bare = line.replace(/[ \t\r\f\v]+$/, '');
    if (bare === '' && first) continue;
    first = false;
    const shown = bare === '' ? bare : (settings.highlight?.(bare, 'body') ?? bare);
    if (tabs > 0) body += `${expandTabs(shown, tabs)}\n`;
    else body += `${settings.quoteFrom && /^>*From /.test(bare) ? '>' : ''}${shown}\n`;
  }
  out = `${(out + body).trimEnd()}\n`;
  return out.length <= beginning ? `${out}\n` : out;
}
