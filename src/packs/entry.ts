import type { Bytes } from '../base/bytes.js';
import type { ObjectKind } from '../base/oid.js';

/** Types of entries in a pack. */
export const OFS_DELTA = 6;
export const REF_DELTA = 7;

const kinds: readonly (ObjectKind | undefined)[] = [undefined, 'commit', 'tree', 'blob', 'tag'];
const codes: Readonly<Record<ObjectKind, number>> = { commit: 1, tree: 2, blob: 3, tag: 4 };

export const kindOfCode = (code: number): ObjectKind | undefined => kinds[code];
export const codeOfKind = (kind: ObjectKind): number => codes[kind];

/** The longest head of an entry: type and size, and the distance or name of a base. */
export const LONGEST_HEAD = 10 + 32;

/**
 * Reads the head of a pack entry. One reader is used for many entries: the answer is in its fields, so that the inner
 * loops make no objects.
 */
export class EntryHead {
  type = 0;
  size = 0;
  /** Bytes of the head, with distance or base name. */
  length = 0;
  /** For `OFS_DELTA`: how far back the base starts. */
  distance = 0;
  /** For `REF_DELTA`: where in the bytes read the base's name starts. */
  baseAt = 0;

  /** Answers false where the head is cut off or nonsense. */
  parse(bytes: Bytes, at: number, end: number, oidLength: number): boolean {
    const start = at;
    if (at >= end) return false;
    let byte = bytes[at++]!;
    this.type = (byte >> 4) & 7;
    let size = byte & 15;
    let scale = 16;
    while (byte >= 0x80) {
      if (at >= end || scale > 2 ** 52) return false;
      byte = bytes[at++]!;
      size += (byte & 0x7f) * scale;
      scale *= 128;
    }
    this.size = size;
    if (this.type === OFS_DELTA) {
      if (at >= end) return false;
      byte = bytes[at++]!;
      let distance = byte & 0x7f;
      while (byte >= 0x80) {
        if (at >= end || distance > 2 ** 45) return false;
        byte = bytes[at++]!;
        distance = (distance + 1) * 128 + (byte & 0x7f);
      }
      this.distance = distance;
    } else if (this.type === REF_DELTA) {
      if (at + oidLength > end) return false;
      this.baseAt = at;
      at += oidLength;
    }
    this.length = at - start;
    return this.type !== 0 && this.type !== 5;
  }
}

/** Writes type and size; answers the position behind. */
export function writeEntryHead(out: Bytes, at: number, type: number, size: number): number {
  let byte = (type << 4) | (size & 15);
  size = Math.floor(size / 16);
  while (size > 0) {
    out[at++] = byte | 0x80;
    byte = size & 0x7f;
    size = Math.floor(size / 128);
  }
  out[at++] = byte;
  return at;
}

/** Writes the distance of an `OFS_DELTA`; answers the position behind. */
export function writeDistance(out: Bytes, at: number, distance: number): number {
  const digits: number[] = [distance & 0x7f];
  for (let rest = Math.floor(distance / 128); rest > 0; rest = Math.floor(rest / 128)) {
    rest--;
    digits.push(0x80 | (rest & 0x7f));
  }
  for (let i = digits.length - 1; i >= 0; i--) out[at++] = digits[i]!;
  return at;
}
