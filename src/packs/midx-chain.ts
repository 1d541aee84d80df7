import { decodeText, encodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { isOid, oidFromBytes } from '../base/oid.js';
import { LockFile } from '../platform/lock.js';
import type { Platform } from '../platform/platform.js';
import type { MultiPackIndex } from './midx.js';

const directoryOf = (packDirectory: string): string => `${packDirectory}/multi-pack-index.d`;
const chainOf = (packDirectory: string): string => `${directoryOf(packDirectory)}/multi-pack-index-chain`;

/** Checksums of a chain's layers, the oldest first; `undefined` where there is no chain. */
export function readMidxChain(platform: Pick<Platform, 'fs'>, packDirectory: string): string[] | undefined {
  const bytes = platform.fs.readFile(chainOf(packDirectory));
  if (bytes === undefined) return undefined;
  return decodeText(bytes).split('\n').filter(isOid);
}

/** Makes these layers, the oldest first, the store's multi-pack-index. Their files must be there. */
export function writeMidxChain(
  platform: Pick<Platform, 'fs'>,
  packDirectory: string,
  checksums: readonly string[],
  sync: boolean,
): void {
  const lock = LockFile.acquire(platform.fs, chainOf(packDirectory));
  try {
    lock.write(encodeText(checksums.map((sum) => `${sum}\n`).join('')));
    lock.commit({ sync });
  } finally {
    lock.rollback();
  }
}

/** The name of a layer: the checksum of its file. */
export function layerName(midx: MultiPackIndex): Oid {
  const { checksum } = midx;
  return oidFromBytes(checksum, 0, checksum.length);
}

/** Puts the one multi-pack-index of a store, with its companions, where layers lie. Its old names stay. */
export function linkAsLayer(platform: Pick<Platform, 'fs'>, packDirectory: string, midx: MultiPackIndex): void {
  const { fs } = platform;
  const directory = directoryOf(packDirectory);
  fs.makeDirectory(directory, { recursive: true });
  const name = `multi-pack-index-${layerName(midx)}`;
  const put = (from: string, to: string): void => {
    if (fs.lstat(from) === undefined || fs.lstat(to) !== undefined) return;
    let linked = false;
    try {
      linked = fs.link(from, to);
    } catch {
      // A file system without links.
    }
    if (!linked) fs.writeFile(to, fs.readFile(from)!, 0o444);
  };
  for (const extension of ['bitmap', 'rev']) {
    put(`${packDirectory}/${name}.${extension}`, `${directory}/${name}.${extension}`);
  }
  put(midx.path, `${directory}/${name}.midx`);
}

/** Removes layers that are not among those to keep. */
export function removeStaleLayers(
  platform: Pick<Platform, 'fs'>,
  packDirectory: string,
  keep: readonly string[],
): void {
  const { fs } = platform;
  const directory = directoryOf(packDirectory);
  for (const { name } of fs.readDirectory(directory) ?? []) {
    const match = /^multi-pack-index-([0-9a-f]+)\.(?:midx|bitmap|rev)$/.exec(name);
    if (match !== null && !keep.includes(match[1]!)) fs.remove(`${directory}/${name}`);
  }
}

/** Removes a chain and its layers, which something else has replaced; the chain first. */
export function removeMidxChain(platform: Pick<Platform, 'fs'>, packDirectory: string): void {
  const { fs } = platform;
  if (fs.readDirectory(directoryOf(packDirectory)) === undefined) return;
  fs.remove(chainOf(packDirectory));
  removeStaleLayers(platform, packDirectory, []);
}
