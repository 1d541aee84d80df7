import type { Bytes } from '../base/bytes.js';
import { decodeText, encodeText } from '../base/bytes.js';

/** Names that mean UTF-8. */
export const isUtf8 = (name: string): boolean => /^utf-?8$/i.test(name);

interface Charset {
  decode(bytes: Bytes): string | undefined;
  /** `undefined` where a character has no place in the charset. */
  encode(text: string): Bytes | undefined;
}

const charsets = new Map<string, Charset | undefined>();

const latin1: Charset = {
  decode(bytes) {
    let text = '';
    for (const byte of bytes) text += String.fromCharCode(byte);
    return text;
  },
  encode(text) {
    const out = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0xff) return undefined;
      out[i] = unit;
    }
    return out;
  },
};

/** The charset of that name, or `undefined` for one that is not known. */
function charset(name: string): Charset | undefined {
  const key = name.toLowerCase();
  if (!charsets.has(key)) charsets.set(key, makeCharset(key));
  return charsets.get(key);
}

function makeCharset(name: string): Charset | undefined {
  if (/^(?:iso-?8859-1|latin-?1|l1)$/.test(name)) return latin1;
  const label = name
    .replace(/^iso8859-/, 'iso-8859-')
    .replace(/^cp(125\d)$/, 'windows-$1')
    .replace(/^euc-?(jp|kr)$/, 'euc-$1')
    .replace(/^sjis$/, 'shift_jis');
  let decoder: InstanceType<typeof TextDecoder>;
  try {
    decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true });
  } catch {
    return undefined;
  }
  const decode = (bytes: Bytes): string | undefined => {
    try {
      return decoder.decode(bytes);
    } catch {
      return undefined;
    }
  };
  if (decoder.encoding.startsWith('utf-16')) {
    const big = decoder.encoding === 'utf-16be';
    return {
      decode,
      encode(text) {
        const out = new Uint8Array(text.length * 2);
        const view = new DataView(out.buffer);
        for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i), !big);
        return out;
      },
    };
  }
  if (decoder.encoding === 'iso-2022-jp') return { decode, encode: toIso2022 };
  let table: Map<string, readonly number[]> | undefined;
  return {
    decode,
    encode(text) {
      table ??= reverse(decode, decoder.encoding);
      const out: number[] = [];
      for (const char of text) {
        const bytes = table.get(char);
        if (bytes === undefined) return undefined;
        out.push(...bytes);
      }
      return Uint8Array.from(out);
    },
  };
}

/** ASCII, and the characters of EUC-JP without their high bits between two escape sequences. */
function toIso2022(text: string): Bytes | undefined {
  const out: number[] = [];
  let wide = false;
  const shift = (to: boolean): void => {
    if (wide !== to) out.push(0x1b, ...(to ? [0x24, 0x42] : [0x28, 0x42]));
    wide = to;
  };
  for (const char of text) {
    const bytes = charset('euc-jp')?.encode(char);
    if (bytes === undefined || bytes.length > 2 || bytes[0] === 0x8e) return undefined;
    shift(bytes.length === 2);
    for (const byte of bytes) out.push(byte & 0x7f);
  }
  shift(false);
  return Uint8Array.from(out);
}

/** From characters to bytes, by decoding every byte and every pair of bytes once. */
function reverse(decode: (bytes: Bytes) => string | undefined, encoding: string): Map<string, readonly number[]> {
  const table = new Map<string, readonly number[]>();
  const add = (bytes: readonly number[]): boolean => {
    const text = decode(Uint8Array.from(bytes));
    if (text === undefined || text === '' || [...text].length !== 1 || text === '\ufffd') return false;
    if (!table.has(text)) table.set(text, bytes);
    return true;
  };
  const leads: number[] = [];
  for (let byte = 0; byte < 256; byte++) if (!add([byte])) leads.push(byte);
  for (const lead of leads) for (let trail = 0x40; trail < 0xff; trail++) add([lead, trail]);
  if (encoding === 'euc-jp') {
    for (let lead = 0xa1; lead < 0xff; lead++) for (let trail = 0xa1; trail < 0xff; trail++) add([0x8f, lead, trail]);
  }
  return table;
}

/** Bytes of charset `from` as bytes of charset `to`; `undefined` where that cannot be done. */
export function recode(bytes: Bytes, from: string, to: string): Bytes | undefined {
  if (sameEncoding(from, to)) return bytes;
  const text = isUtf8(from) ? validUtf8(bytes) : charset(from)?.decode(bytes);
  if (text === undefined) return undefined;
  return isUtf8(to) ? encodeText(text) : charset(to)?.encode(text);
}

function validUtf8(bytes: Bytes): string | undefined {
  const text = decodeText(bytes);
  return /[\udc80-\udcff]/.test(text) && !(text as unknown as { isWellFormed(): boolean }).isWellFormed()
    ? undefined
    : text;
}

export const sameEncoding = (a: string, b: string): boolean =>
  a.toLowerCase() === b.toLowerCase() || (isUtf8(a) && isUtf8(b));
