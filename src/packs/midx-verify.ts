import { oidFromBytes } from '../base/oid.js';
import { isGitError } from '../base/errors.js';
import type { Platform } from '../platform/platform.js';
import { readUint32 } from '../platform/lazy-table.js';
import type { MultiPackIndex } from './midx.js';
import { openPack } from './pack-file.js';
import { PackIndex } from './pack-index.js';

/** Holds a multi-pack-index against the indexes of its packs; tells each fault and answers whether there was none. */
export function verifyMidx(
  platform: Platform,
  midx: MultiPackIndex,
  packDirectory: string,
  fault: (message: string) => void,
): boolean {
  let good = true;
  const tell = (message: string): void => {
    good = false;
    fault(message);
  };
  const bytes = midx.readAll();
  const body = bytes.subarray(0, bytes.length - midx.oidLength);
  const sum = platform.hasher(midx.algorithm).update(body).digest();
  if (oidFromBytes(sum, 0, sum.length) !== oidFromBytes(midx.checksum, 0, midx.oidLength)) tell('incorrect checksum');
  const indexes = midx.packNames.map((name, number) => {
    let index: PackIndex | undefined;
    try {
      index = PackIndex.open(platform.fs, `${packDirectory}/${name}`, midx.oidLength);
    } catch (error) {
      if (!isGitError(error)) throw error;
    }
    const pack = `${packDirectory}/${name.slice(0, -4)}.pack`;
    if (index === undefined || platform.fs.lstat(pack) === undefined) {
      tell(`failed to load pack in position ${number}`);
      return index;
    }
    try {
      openPack(platform.fs, pack, index)?.close();
      return index;
    } catch (error) {
      if (!isGitError(error)) throw error;
      tell(`error: ${error.message}`);
      index.close();
      return undefined;
    }
  });
  if (midx.count === 0) {
    tell('the midx contains no oid');
    return good;
  }
  const fanout = midx.readChunk('OIDF')!;
  for (let i = 1; i < 256; i++) {
    const before = readUint32(fanout, 4 * i - 4);
    const here = readUint32(fanout, 4 * i);
    if (before > here) {
      tell(`oid fanout out of order: fanout[${i - 1}] = ${before.toString(16)} > ${here.toString(16)} = fanout[${i}]`);
    }
  }
  const raw = new Uint8Array(midx.oidLength);
  let last = '';
  for (let row = 0; row < midx.count; row++) {
    const oid = midx.oidAt(row);
    if (row > 0 && last >= oid) tell(`oid lookup out of order: oid[${row - 1}] = ${last} >= ${oid} = oid[${row}]`);
    last = oid;
  }
  for (let row = 0; row < midx.count; row++) {
    const oid = midx.oidAt(row);
    let offset: number;
    try {
      offset = midx.offsetAt(row);
    } catch (error) {
      if (!isGitError(error)) throw error;
      tell(error.message);
      continue;
    }
    const index = indexes[midx.packNumber];
    if (midx.packNumber >= midx.packNames.length) {
      tell(`bad pack-int-id: ${midx.packNumber} (${midx.packNames.length} total packs)`);
      continue;
    }
    midx.copyName(row, raw, 0);
    const found = index?.find(raw) ?? -1;
    if (found < 0) {
      tell(`failed to load pack entry for oid[${row}] = ${oid}`);
      continue;
    }
    const expected = index!.offsetAt(found);
    if (expected !== offset) {
      tell(`incorrect object offset for oid[${row}] = ${oid}: ${offset.toString(16)} != ${expected.toString(16)}`);
    }
  }
  for (const index of indexes) index?.close();
  return good;
}
