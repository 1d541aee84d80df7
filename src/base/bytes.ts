/**
 * Bytes and text. Text inside bough is *byte-exact*: valid UTF-8 decodes as usual, and each byte that is not part of
 * valid UTF-8 becomes one lone surrogate, U+DC80 for 0x80 up to U+DCFF for 0xFF. `encodeText(decodeText(b))` is always
 * `b`, so names, messages and config values of any encoding pass through unharmed.
 */
export type Bytes = Uint8Array;

/** No bytes at all; one array for everybody. */
export const emptyBytes: Bytes = new Uint8Array(0);

/** Made when first needed. */
let decoder: InstanceType<typeof TextDecoder> | undefined;
function decodeStrict(bytes: Bytes): string {
  decoder ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return decoder.decode(bytes);
}
const encoder = new TextEncoder();

/** Node's own decoder, which puts U+FFFD where something is wrong: the quickest, long and short. */
const nativeDecode = (globalThis as { Buffer?: typeof Buffer }).Buffer?.prototype.utf8Slice;

/** Bytes to byte-exact text. */
export function decodeText(bytes: Bytes): string {
  const length = bytes.length;
  if (length === 0) return '';
  if (nativeDecode !== undefined) {
    const text = nativeDecode.call(bytes, 0, length);
    // One that stands in the text itself is rare enough to be looked at again.
    if (!text.includes('\ufffd')) return text;
  }
  try {
    return decodeStrict(bytes);
  } catch {
    return decodeLossless(bytes);
  }
}

/** `decodeText` of the bytes from `start` to `end`, without an array of their own where nothing is wrong in them. */
export function decodeRange(bytes: Bytes, start: number, end: number): string {
  if (nativeDecode !== undefined) {
    const text = nativeDecode.call(bytes, start, end);
    if (!text.includes('\ufffd')) return text;
  }
  return decodeText(bytes.subarray(start, end));
}

function decodeLossless(bytes: Bytes): string {
  const parts: string[] = [];
  let text = '';
  const length = bytes.length;
  for (let i = 0; i < length; ) {
    const size = sequenceLength(bytes, i);
    if (size === 0) {
      text += String.fromCharCode(0xdc00 + bytes[i]!);
      i++;
    } else if (size === 1) {
      text += String.fromCharCode(bytes[i]!);
      i++;
    } else {
      text += decodeStrict(bytes.subarray(i, i + size));
      i += size;
    }
    if (text.length > 8192) {
      parts.push(text);
      text = '';
    }
  }
  parts.push(text);
  return parts.join('');
}

/** Length of the valid UTF-8 sequence at `at`, or 0 where there is none. */
export function sequenceLength(bytes: Bytes, at: number): 0 | 1 | 2 | 3 | 4 {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  const second = bytes[at + 1];
  if (second === undefined || (second & 0xc0) !== 0x80) return 0;
  if (first < 0xe0) return 2;
  const third = bytes[at + 2];
  if (first < 0xf0) {
    if (third === undefined || (third & 0xc0) !== 0x80) return 0;
    if (first === 0xe0 && second < 0xa0) return 0;
    if (first === 0xed && second >= 0xa0) return 0;
    return 3;
  }
  const fourth = bytes[at + 3];
  if (first > 0xf4 || third === undefined || (third & 0xc0) !== 0x80) return 0;
  if (fourth === undefined || (fourth & 0xc0) !== 0x80) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  if (first === 0xf4 && second >= 0x90) return 0;
  return 4;
}

/** One character for each byte. For ASCII: the text; else what `decodeUnits` makes text of. */
export const byteUnits: (bytes: Bytes, start: number, end: number) => string =
  nativeUnits() ??
  ((bytes, start, end) => {
    let text = '';
    for (let at = start; at < end; at += 4096) {
      text += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + 4096)));
    }
    return text;
  });

function nativeUnits(): ((bytes: Bytes, start: number, end: number) => string) | undefined {
  const slice = (globalThis as { Buffer?: typeof Buffer }).Buffer?.prototype.latin1Slice;
  return slice && ((bytes, start, end) => slice.call(bytes, start, end));
}

/** The other way round, into bytes that are there: the low byte of each character. */
export const putUnits: (text: string, into: Bytes, at: number) => void =
  nativePutUnits() ??
  ((text, into, at) => {
    for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i);
  });

function nativePutUnits(): ((text: string, into: Bytes, at: number) => void) | undefined {
  const write = (globalThis as { Buffer?: typeof Buffer }).Buffer?.prototype.latin1Write;
  return write && ((text, into, at) => void write.call(into, text, at, text.length));
}

/** From one character for each byte to byte-exact text. */
export const decodeUnits = (units: string): string => decodeText(Uint8Array.from(units, (unit) => unit.charCodeAt(0)));

const nativeEncode = (globalThis as { Buffer?: typeof Buffer }).Buffer?.prototype.utf8Write;
/** Texts up to here share buffers: one of its own costs each more than its bytes. */
const LONGEST_POOLED = 256;
let slab = new Uint8Array(0);
let slabAt = 0;

function encodePooled(text: string): Bytes {
  const most = text.length * 3;
  if (slabAt + most > slab.length) {
    slab = new Uint8Array(16384);
    slabAt = 0;
  }
  const start = slabAt;
  slabAt += nativeEncode!.call(slab, text, start, most);
  return slab.subarray(start, slabAt);
}

/** Byte-exact text to bytes; the inverse of `decodeText`. */
export function encodeText(text: string): Bytes {
  if ((text as { isWellFormed?: () => boolean }).isWellFormed?.() ?? !/[\ud800-\udfff]/.test(text)) {
    return nativeEncode === undefined || text.length > LONGEST_POOLED ? encoder.encode(text) : encodePooled(text);
  }
  const chunks: Bytes[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit < 0xdc00) {
      const next = text.charCodeAt(i + 1);
      if (next >= 0xdc00 && next < 0xe000) i++;
    } else if (unit >= 0xdc80 && unit <= 0xdcff) {
      if (i > start) chunks.push(encoder.encode(text.slice(start, i)));
      chunks.push(Uint8Array.of(unit - 0xdc00));
      start = i + 1;
    }
  }
  if (start < text.length) chunks.push(encoder.encode(text.slice(start)));
  return concatBytes(chunks);
}

/** True when the text holds bytes that are not UTF-8 (lone surrogates). */
export function hasRawBytes(text: string): boolean {
  return /[\udc80-\udcff]/.test(text) && !(text as unknown as { isWellFormed(): boolean }).isWellFormed();
}

/** All chunks in one new array. */
export function concatBytes(chunks: readonly Bytes[]): Bytes {
  if (chunks.length === 1) return chunks[0]!;
  let total = 0;
  for (const chunk of chunks) total += chunk.length;
  const out = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** True when both hold the same bytes. */
export function equalBytes(a: Bytes, b: Bytes): boolean {
  if (a === b) return true;
  const length = a.length;
  if (length !== b.length) return false;
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Order of unsigned bytes, as `memcmp`, the shorter first on a tie. */
export function compareBytes(a: Bytes, b: Bytes): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Orders byte-exact texts as their bytes order (git's order of names). */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      if (x < 0xd800 && y < 0xd800) return x - y;
      return compareBytes(encodeText(a), encodeText(b));
    }
  }
  return a.length - b.length;
}

/** True when `bytes` has `prefix` at `at`. The prefix is ASCII. */
export function startsWithAscii(bytes: Bytes, prefix: string, at = 0): boolean {
  if (bytes.length - at < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[at + i] !== prefix.charCodeAt(i)) return false;
  return true;
}
