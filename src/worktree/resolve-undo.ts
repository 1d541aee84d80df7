import type { Bytes } from '../base/bytes.js';
import { compareText, concatBytes, decodeText, encodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { oidFromBytes, oidToBytes } from '../base/oid.js';

/** The three sides a path had before its conflict was resolved; a side that was missing is `undefined`. */
export type ResolvedSides = readonly [ResolvedSide | undefined, ResolvedSide | undefined, ResolvedSide | undefined];
export interface ResolvedSide {
  readonly mode: number;
  readonly oid: Oid;
}

/** By path. */
export type ResolveUndo = Map<string, ResolvedSides>;

/** Reads the `REUC` extension; `undefined` when it is damaged. */
export function parseResolveUndo(data: Bytes, oidLength: number): ResolveUndo | undefined {
  const undo: ResolveUndo = new Map();
  let at = 0;
  while (at < data.length) {
    const fields: string[] = [];
    for (let i = 0; i < 4; i++) {
      const end = data.indexOf(0, at);
      if (end < 0) return undefined;
      fields.push(decodeText(data.subarray(at, end)));
      at = end + 1;
    }
    const sides: (ResolvedSide | undefined)[] = [];
    for (let i = 1; i < 4; i++) {
      if (!/^[0-7]+$/.test(fields[i]!)) return undefined;
      const mode = Number.parseInt(fields[i]!, 8);
      if (mode === 0) {
        sides.push(undefined);
        continue;
      }
      if (at + oidLength > data.length) return undefined;
      sides.push({ mode, oid: oidFromBytes(data, at, oidLength) });
      at += oidLength;
    }
    undo.set(fields[0]!, sides as unknown as ResolvedSides);
  }
  return undo;
}

export function serializeResolveUndo(undo: ResolveUndo): Bytes {
  const chunks: Bytes[] = [];
  for (const path of [...undo.keys()].sort(compareText)) {
    const sides = undo.get(path)!;
    chunks.push(encodeText(`${path}\0${sides.map((side) => `${(side?.mode ?? 0).toString(8)}\0`).join('')}`));
    for (const side of sides) if (side !== undefined) chunks.push(oidToBytes(side.oid));
  }
  return concatBytes(chunks);
}
