import type { Oid } from '../base/oid.js';
import type { Platform } from '../platform/platform.js';
import type { ObjectDirectory } from './object-directory.js';

/** Removes (unless `dryRun`) the loose objects of the first directory that a pack of any of them holds as well. */
export function* prunePacked(
  platform: Platform,
  directories: readonly ObjectDirectory[],
  dryRun: boolean,
): Generator<{ readonly path: string; readonly oid: Oid; readonly fan: number }> {
  const { fs } = platform;
  const { loose } = directories[0]!;
  let last = '';
  const close = (): void => {
    if (last !== '' && !dryRun) fs.removeDirectory(`${loose.directory}/${last}`);
  };
  for (const oid of loose.list()) {
    const fan = oid.slice(0, 2);
    if (fan !== last) {
      close();
      last = fan;
    }
    if (!directories.some(({ packs }) => packs.has(oid))) continue;
    const path = loose.pathOf(oid);
    if (!dryRun) fs.remove(path);
    yield { path, oid, fan: Number.parseInt(fan, 16) };
  }
  close();
}
