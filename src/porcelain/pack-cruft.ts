import { isPromise } from '../base/awaitable.js';
import { baseName } from '../base/path.js';
import type { Oid } from '../base/oid.js';
import { oidToBytes } from '../base/oid.js';
import { visitReachable } from '../history/reachable.js';
import { readMtimes } from '../packs/mtimes.js';
import type { PackFile } from '../packs/pack-file.js';
import type { Repository } from '../repo/repository.js';

export interface CruftOptions {
  /** Names of packs (`pack-….pack`) that stay: what they hold is not cruft. */
  readonly fresh: ReadonlySet<string>;
  /** Names of packs that go away. Packs that are in neither set stay as well. */
  readonly discard: ReadonlySet<string>;
  /** Objects last used at or before this second are left out, unless a newer one needs them. 0: keep all. */
  readonly expiration: number;
  readonly shallow: ReadonlyMap<string, readonly Oid[]>;
}

/** Last use of each loose object and object of the discarded packs that no other pack holds. */
export function cruftTimes(repository: Repository, options: CruftOptions): Map<Oid, number> {
  const { fs } = repository.platform;
  const directory = repository.objectDirectories[0]!;
  const staying: PackFile[] = [];
  const going: PackFile[] = [];
  for (const pack of directory.packs.packs()) {
    const name = baseName(pack.path);
    (options.discard.has(name) && !options.fresh.has(name) ? going : staying).push(pack);
  }
  const times = new Map<Oid, number>();
  const note = (oid: Oid, seconds: number): void => {
    const known = times.get(oid);
    if (known !== undefined) {
      if (seconds > known) times.set(oid, seconds);
      return;
    }
    const raw = oidToBytes(oid);
    if (staying.some((pack) => pack.index.find(raw) >= 0)) return;
    times.set(oid, seconds);
  };
  for (const pack of going) {
    const mtimes = readMtimes(fs, pack.path, pack.index.count, pack.index.oidLength);
    const own = fs.stat(pack.path)?.mtimeSeconds ?? 0;
    for (const row of pack.index.packOrder) note(pack.index.oidAt(row), mtimes?.[row] ?? own);
  }
  for (const oid of directory.loose.list()) {
    const stat = fs.stat(directory.loose.pathOf(oid));
    if (stat !== undefined) note(oid, stat.mtimeSeconds);
  }
  return times;
}

/** What of it is to be kept: all, or the recent ones and whatever they reach. */
export async function keptCruft(
  repository: Repository,
  times: Map<Oid, number>,
  options: CruftOptions,
): Promise<Oid[]> {
  if (options.expiration === 0) return [...times.keys()];
  const kept = new Set<Oid>();
  const recent = [...times].filter(([, seconds]) => seconds > options.expiration).map(([oid]) => oid);
  if (recent.length === 0) return [];
  for (const oid of recent) kept.add(oid);
  await visitReachable(repository.objects, { wants: recent, grafts: options.shallow, missing: () => true }, (oid) => {
    if (times.has(oid)) kept.add(oid);
  });
  const there: Oid[] = [];
  for (const oid of kept) {
    const has = repository.objects.has(oid);
    if (isPromise(has) ? await has : has) there.push(oid);
  }
  return there;
}
