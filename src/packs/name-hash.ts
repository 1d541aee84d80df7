import type { Bytes } from '../base/bytes.js';
import { byteUnits, encodeText } from '../base/bytes.js';

const beyondAscii = /[^\0-\x7f]/;
const unitsOf = (bytes: Bytes): string => byteUnits(bytes, 0, bytes.length);
const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

/**
 * The hash by which pack-objects brings likely delta partners together, version 1: the last sixteen bytes that are not
 * blank, the last counting most (so that files of one name or ending are neighbours). As stored in bitmap name caches.
 */
export function nameHash(path: string): number {
  const units = beyondAscii.test(path) ? unitsOf(encodeText(path)) : path;
  let hash = 0;
  // Older bytes are shifted out.
  for (let i = 0; i < units.length; i++) {
    const byte = units.charCodeAt(i);
    if (!isSpace(byte)) hash = ((hash >>> 2) + byte * 0x1000000) >>> 0;
  }
  return hash;
}

/** Version 2: the directories count as well, each folded into the name that follows it. */
function nameHashV2(path: string): number {
  const bytes = encodeText(path);
  let base = 0;
  let hash = 0;
  for (let i = 0; i < bytes.length; i++) {
    let byte = bytes[i]!;
    if (isSpace(byte)) continue;
    if (byte === 0x2f) {
      base = ((base >>> 6) ^ hash) >>> 0;
      hash = 0;
      continue;
    }
    byte = ((byte & 0xf0) >> 4) | ((byte & 0x0f) << 4);
    byte = ((byte & 0xcc) >> 2) | ((byte & 0x33) << 2);
    byte = ((byte & 0xaa) >> 1) | ((byte & 0x55) << 1);
    hash = ((hash >>> 2) + byte * 0x1000000) >>> 0;
  }
  return ((base >>> 6) ^ hash) >>> 0;
}

/** The name hash of a version (`pack.nameHashVersion`, `--name-hash-version`). */
export const nameHashOf = (version: number): ((path: string) => number) => (version === 2 ? nameHashV2 : nameHash);
