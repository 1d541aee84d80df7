import type { Bytes } from '../base/bytes.js';

export interface TextStatistics {
  nul: number;
  loneCr: number;
  loneLf: number;
  crlf: number;
  printable: number;
  nonPrintable: number;
}

/** Counts line ends and unprintable bytes: what git decides "text or binary" by. */
export function textStatistics(data: Bytes): TextStatistics {
  let nul = 0;
  let loneCr = 0;
  let loneLf = 0;
  let crlf = 0;
  let nonPrintable = 0;
  let printable = 0;
  const { length } = data;
  for (let i = 0; i < length; i++) {
    const byte = data[i]!;
    if (byte >= 32) {
      if (byte === 127) nonPrintable++;
      else printable++;
    } else if (byte === 13) {
      if (data[i + 1] === 10) {
        crlf++;
        i++;
      } else loneCr++;
    } else if (byte === 10) loneLf++;
    else if (byte === 8 || byte === 9 || byte === 27 || byte === 12) printable++;
    else {
      if (byte === 0) nul++;
      nonPrintable++;
    }
  }
  // A DOS end-of-file mark does not make a file binary.
  if (length > 0 && data[length - 1] === 26) nonPrintable--;
  return { nul, loneCr, loneLf, crlf, printable, nonPrintable };
}

export const looksBinary = (stats: TextStatistics): boolean =>
  stats.loneCr > 0 || stats.nul > 0 || stats.printable >>> 7 < stats.nonPrintable;

/** What happens to line ends, from attributes and configuration together. */
export type EolAction =
  | 'undefined'
  | 'binary'
  | 'text'
  | 'text-input'
  | 'text-crlf'
  | 'auto'
  | 'auto-input'
  | 'auto-crlf';

export const isAuto = (action: EolAction): boolean =>
  action === 'auto' || action === 'auto-input' || action === 'auto-crlf';

/** Whether a checkout by this action writes CRLF. `nativeCrlf`: what plain `text` means here. */
function writesCrlf(action: EolAction, nativeCrlf: boolean): boolean {
  return action === 'text-crlf' || action === 'auto-crlf' || ((action === 'text' || action === 'auto') && nativeCrlf);
}

export function wouldAddCr(stats: TextStatistics, action: EolAction, nativeCrlf: boolean): boolean {
  if (!writesCrlf(action, nativeCrlf) || stats.loneLf === 0) return false;
  if (isAuto(action)) {
    if (stats.loneCr > 0 || stats.crlf > 0) return false;
    if (looksBinary(stats)) return false;
  }
  return true;
}

/** CRLF to LF; lone CRs stay. */
export function removeCr(data: Bytes, crlf: number): Bytes {
  const out = new Uint8Array(data.length - crlf);
  let at = 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 13 && data[i + 1] === 10) continue;
    out[at++] = data[i]!;
  }
  return out.subarray(0, at);
}

/** Lone LF to CRLF. */
export function addCr(data: Bytes, loneLf: number): Bytes {
  const out = new Uint8Array(data.length + loneLf);
  let at = 0;
  for (let i = 0; i < data.length; i++) {
    const byte = data[i]!;
    if (byte === 10 && (i === 0 || data[i - 1] !== 13)) out[at++] = 13;
    out[at++] = byte;
  }
  return out.subarray(0, at);
}
