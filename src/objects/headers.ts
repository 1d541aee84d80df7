import type { Bytes } from '../base/bytes.js';
import { decodeText, encodeText } from '../base/bytes.js';

/** One header of a commit or tag; a value of several lines has them joined by `\n` (without the leading spaces). */
export interface Header {
  readonly name: string;
  readonly value: string;
}

/** Splits a commit or tag into its headers, in order, and its message; the inverse of `serializeHeaders`. */
export function parseHeaders(data: Bytes): { headers: Header[]; message: string } {
  return parseHeaderText(decodeText(data));
}

export function parseHeaderText(text: string): { headers: Header[]; message: string } {
  const headers: { name: string; value: string }[] = [];
  let at = 0;
  while (at < text.length) {
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    if (end === at) return { headers, message: text.slice(at + 1) };
    const line = text.slice(at, end);
    at = end + 1;
    const last = headers[headers.length - 1];
    if (line.charCodeAt(0) === 0x20 && last !== undefined) last.value += `\n${line.slice(1)}`;
    else {
      const space = line.indexOf(' ');
      headers.push(
        space < 0 ? { name: line, value: '' } : { name: line.slice(0, space), value: line.slice(space + 1) },
      );
    }
  }
  return { headers, message: '' };
}

export function serializeHeaders(headers: readonly Header[], message: string): Bytes {
  let text = '';
  for (const { name, value } of headers) text += `${name} ${value.replaceAll('\n', '\n ')}\n`;
  return encodeText(`${text}\n${message}`);
}
