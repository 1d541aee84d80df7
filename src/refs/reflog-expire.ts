import { concatBytes, encodeText } from '../base/bytes.js';
import type { Bytes } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { isZeroOid, zeroOid } from '../base/oid.js';
import type { FilesRefStore } from './files-store.js';
import type { ReflogExpireOptions, UpdateResult } from './store.js';
import { acquire } from './transaction.js';

/** Drops entries of a reflog under the ref's lock, so that no writer appends meanwhile. */
export async function expireReflogFile(
  store: FilesRefStore,
  name: string,
  options: ReflogExpireOptions,
): Promise<UpdateResult> {
  const { fs } = store;
  const path = store.refPath(name);
  store.makePlaceFor(path);
  const lock = await acquire(fs, path, store.lockTimeout);
  if (lock === undefined) {
    return {
      ok: false,
      name,
      actual: store.resolve(name) ?? 'absent',
      code: 'locked',
      message:
        `cannot lock ref '${name}': Unable to create '${path}.lock': File exists.\n\n` +
        'Another git process seems to be running in this repository, or the lock file may be stale',
    };
  }
  try {
    const entries = store.reflog(name);
    if (entries === undefined) return { ok: true };
    const kept: Bytes[] = [];
    let last: Oid = zeroOid(store.algorithm);
    let lastKept: Oid | undefined;
    for (const original of entries) {
      const entry = options.rewrite === true ? { ...original, old: last } : original;
      const drop = await options.drop(entry);
      options.report?.(entry, drop);
      if (drop) continue;
      kept.push(
        encodeText(`${entry.old} ${entry.new} ${entry.identity} ${entry.seconds} ${entry.zone}\t${entry.message}\n`),
      );
      last = entry.new;
      lastKept = entry.new;
    }
    if (options.dryRun === true) return { ok: true };
    const log = store.paths.log(name);
    const logLock = `${log}.lock`;
    fs.writeFile(logLock, concatBytes(kept));
    const raw = store.readRaw(name);
    const move =
      options.updateRef === true && raw?.kind !== 'symbolic' && lastKept !== undefined && !isZeroOid(lastKept);
    if (move) {
      lock.write(encodeText(`${lastKept}\n`));
      lock.close();
    }
    fs.rename(logLock, log);
    if (move) lock.commit();
    return { ok: true };
  } finally {
    lock.rollback();
  }
}
