import type { Bytes } from '../base/bytes.js';
import { concatBytes } from '../base/bytes.js';

/** Reads text in a named encoding as UTF-8; `undefined` where the bytes or the name make no sense. */
export function toUtf8(data: Bytes, encoding: string): Bytes | undefined {
  const kind = wide(encoding);
  if (kind !== undefined) return wideToUtf8(data, kind);
  const limit = plainLimit(encoding);
  if (limit !== undefined) {
    if (data.some((byte) => byte >= limit)) return undefined;
    return new TextEncoder().encode(Array.from(data, (byte) => String.fromCharCode(byte)).join(''));
  }
  let text: string;
  try {
    text = new TextDecoder(label(encoding), { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return undefined;
  }
  return new TextEncoder().encode(text);
}

/** Writes UTF-8 text in a named encoding; `undefined` where a character has no place there. */
export function fromUtf8(data: Bytes, encoding: string): Bytes | undefined {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return undefined;
  }
  const kind = wide(encoding);
  if (kind !== undefined) return utf8ToWide(text, kind);
  const limit = plainLimit(encoding);
  if (limit !== undefined) {
    const out = Uint8Array.from(text, (char) => char.charCodeAt(0));
    return [...text].every((char) => char.codePointAt(0)! < limit) ? out : undefined;
  }
  return toLegacy(text, encoding);
}

/** True when this system can convert to and from the encoding. */
export function knowsEncoding(encoding: string): boolean {
  if (wide(encoding) !== undefined || plainLimit(encoding) !== undefined) return true;
  try {
    new TextDecoder(label(encoding));
    return true;
  } catch {
    return false;
  }
}

interface Wide {
  readonly unit: 2 | 4;
  readonly little: boolean;
  /** A byte order mark says the order; written when encoding. */
  readonly mark: boolean;
}

function wide(encoding: string): Wide | undefined {
  const match = /^utf-?(16|32)(?:-?(le|be)(-bom)?)?$/i.exec(encoding);
  if (match === null) return undefined;
  const unit = match[1] === '16' ? 2 : 4;
  const order = match[2]?.toLowerCase();
  if (order === undefined) return { unit, little: false, mark: true };
  return { unit, little: order === 'le', mark: match[3] !== undefined };
}

/** Encodings whose bytes are code points, up to this one. (The platform takes their names for a code page of Windows.) */
function plainLimit(encoding: string): number | undefined {
  if (/^(?:latin-?1|iso[-_]?8859-?1|l1)$/i.test(encoding)) return 256;
  return /^(?:us-)?ascii$/i.test(encoding) ? 128 : undefined;
}

const label = (encoding: string): string => {
  const lower = encoding.toLowerCase();
  if (/^(shift[-_]?jis|sjis)$/.test(lower)) return 'shift_jis';
  return lower;
};

function wideToUtf8(data: Bytes, kind: Wide): Bytes | undefined {
  const { unit } = kind;
  let { little } = kind;
  if (data.length % unit !== 0) return undefined;
  let at = 0;
  const marked = data.length >= unit ? readUnit(data, 0, unit, false) : 0;
  const markLittle = unit === 2 ? 0xfffe : 0xfffe0000;
  if (kind.mark && (marked === 0xfeff || marked === markLittle)) {
    little = marked === markLittle;
    at = unit;
  }
  const parts: string[] = [];
  for (; at < data.length; at += unit) {
    let point = readUnit(data, at, unit, little);
    if (unit === 2 && point >= 0xd800 && point < 0xdc00) {
      const next = at + 2 < data.length ? readUnit(data, at + 2, 2, little) : 0;
      if (next < 0xdc00 || next > 0xdfff) return undefined;
      point = 0x10000 + ((point - 0xd800) << 10) + next - 0xdc00;
      at += 2;
    } else if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return undefined;
    parts.push(String.fromCodePoint(point));
  }
  return new TextEncoder().encode(parts.join(''));
}

function readUnit(data: Bytes, at: number, unit: number, little: boolean): number {
  let value = 0;
  for (let i = 0; i < unit; i++) value = value * 256 + data[little ? at + unit - 1 - i : at + i]!;
  return value;
}

function utf8ToWide(text: string, kind: Wide): Bytes {
  const units: number[] = kind.mark ? [0xfeff] : [];
  if (kind.unit === 2) for (let i = 0; i < text.length; i++) units.push(text.charCodeAt(i));
  else for (const char of text) units.push(char.codePointAt(0)!);
  const out = new Uint8Array(units.length * kind.unit);
  units.forEach((value, n) => {
    for (let i = 0; i < kind.unit; i++) {
      const byte = Math.floor(value / 256 ** (kind.unit - 1 - i)) % 256;
      out[n * kind.unit + (kind.little ? kind.unit - 1 - i : i)] = byte;
    }
  });
  return out;
}

const reverseTables = new Map<string, Map<string, Bytes>>();

/** The platform only decodes the old encodings; going back is looking up what each byte sequence decodes to. */
function toLegacy(text: string, encoding: string): Bytes | undefined {
  const name = label(encoding);
  if (/^utf-?8$/.test(name)) return new TextEncoder().encode(text);
  let table = reverseTables.get(name);
  if (table === undefined) {
    let decoder: InstanceType<typeof TextDecoder>;
    try {
      decoder = new TextDecoder(name, { fatal: true });
    } catch {
      return undefined;
    }
    table = reverseTable(decoder);
    reverseTables.set(name, table);
  }
  const chunks: Bytes[] = [];
  for (const char of text) {
    const bytes = table.get(char);
    if (bytes === undefined) return undefined;
    chunks.push(bytes);
  }
  return concatBytes(chunks);
}

function reverseTable(decoder: InstanceType<typeof TextDecoder>): Map<string, Bytes> {
  const table = new Map<string, Bytes>();
  const learn = (bytes: Bytes): boolean => {
    try {
      const char = decoder.decode(bytes);
      if ([...char].length !== 1) return false;
      if (!table.has(char)) table.set(char, bytes);
      return true;
    } catch {
      return false;
    }
  };
  for (let first = 0; first < 256; first++) {
    if (learn(Uint8Array.of(first))) continue;
    for (let second = 0; second < 256; second++) learn(Uint8Array.of(first, second));
  }
  return table;
}
