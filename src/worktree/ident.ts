import type { Bytes } from '../base/bytes.js';
import { concatBytes, encodeText } from '../base/bytes.js';

const DOLLAR = 0x24;
const NEWLINE = 0x0a;

/** `$Id$` or `$Id: … $` on one line, from the `$` at `at`: where it ends, or -1. */
function identEnd(data: Bytes, at: number): number {
  if (data[at + 1] !== 0x49 || data[at + 2] !== 0x64) return -1;
  if (data[at + 3] === DOLLAR) return at + 4;
  if (data[at + 3] !== 0x3a) return -1;
  for (let i = at + 4; i < data.length; i++) {
    if (data[i] === DOLLAR) return i + 1;
    if (data[i] === NEWLINE) return -1;
  }
  return -1;
}

function replaceIdents(data: Bytes, replacement: (start: number, end: number) => Bytes | undefined): Bytes {
  const chunks: Bytes[] = [];
  let from = 0;
  for (let at = data.indexOf(DOLLAR); at >= 0; at = data.indexOf(DOLLAR, at)) {
    const end = identEnd(data, at);
    if (end < 0) {
      at++;
      continue;
    }
    const text = replacement(at, end);
    if (text !== undefined) {
      chunks.push(data.subarray(from, at), text);
      from = end;
    }
    at = end;
  }
  if (from === 0) return data;
  chunks.push(data.subarray(from));
  return concatBytes(chunks);
}

/** `$Id: anything $` to `$Id$`: what is stored. */
export function collapseIdent(data: Bytes): Bytes {
  return replaceIdents(data, (start, end) => (end - start === 4 ? undefined : encodeText('$Id$')));
}

/** `$Id$` to `$Id: <blob> $`. A mark of another system (with blanks inside) is left alone. */
export function expandIdent(data: Bytes, oid: string): Bytes {
  const text = encodeText(`$Id: ${oid} $`);
  return replaceIdents(data, (start, end) => {
    if (end - start === 4) return text;
    // "$Id: word $" is ours; a blank anywhere else but before the last `$` is not.
    for (let i = start + 5; i < end - 2; i++) if (data[i] === 0x20) return undefined;
    return text;
  });
}
