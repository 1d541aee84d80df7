import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm } from '../base/oid.js';
import { rawLength } from '../base/oid.js';
import { readUint32, writeUint32 } from '../platform/lazy-table.js';
import type { FileSystem } from '../platform/fs.js';
import type { Platform } from '../platform/platform.js';

/** The bytes of a `.mtimes` file: when each object of a cruft pack was last used, in the order of the index. */
export function serializeMtimes(
  platform: Platform,
  algorithm: HashAlgorithm,
  count: number,
  seconds: (row: number) => number,
  packChecksum: Bytes,
): Bytes {
  const length = rawLength(algorithm);
  const out = new Uint8Array(12 + 4 * count + 2 * length);
  writeUint32(out, 0, 0x4d544d45);
  writeUint32(out, 4, 1);
  writeUint32(out, 8, algorithm === 'sha1' ? 1 : 2);
  for (let row = 0; row < count; row++) writeUint32(out, 12 + 4 * row, seconds(row));
  let at = 12 + 4 * count;
  out.set(packChecksum, at);
  at += length;
  out.set(platform.hasher(algorithm).update(out.subarray(0, at)).digest(), at);
  return out;
}

/** Seconds per row of the index; `undefined` where the pack has no such file (it is no cruft pack). */
export function readMtimes(
  fs: FileSystem,
  packPath: string,
  count: number,
  oidLength: number,
): Uint32Array | undefined {
  const path = packPath.replace(/\.pack$/, '.mtimes');
  const bytes = fs.readFile(path);
  if (bytes === undefined) return undefined;
  if (bytes.length !== 12 + 4 * count + 2 * oidLength || readUint32(bytes, 0) !== 0x4d544d45) {
    throw new GitError('OBJECT_CORRUPT', `mtimes file ${path} is corrupt`, { data: { file: path } });
  }
  const seconds = new Uint32Array(count);
  for (let row = 0; row < count; row++) seconds[row] = readUint32(bytes, 12 + 4 * row);
  return seconds;
}
