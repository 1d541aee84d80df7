import { compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isZeroOid, zeroOid } from '../base/oid.js';
import type { FilesRefStore } from './files-store.js';
import { listLooseRefs, readLooseRef } from './loose.js';
import { isPerWorktreeRef } from './name.js';
import { formatPackedEntry, packedRefsHeader } from './packed.js';
import type { PackRefsOptions } from './store.js';
import { acquire, FilesTransaction, NewPackedRefs } from './transaction.js';

/** Moves loose refs into packed-refs (git pack-refs). */
export async function packFiles(store: FilesRefStore, options: PackRefsOptions): Promise<{ packed: number }> {
  const { fs, packed } = store;
  if (options.auto === true && !worthPacking(store, options)) return { packed: 0 };
  const lock = await acquire(fs, packed.path, store.packedLockTimeout);
  if (lock === undefined) {
    throw new GitError(
      'LOCKED',
      `Unable to create '${packed.path}.lock': File exists.\n\n` +
        'Another git process seems to be running in this repository, or the lock file may be stale',
    );
  }
  try {
    const chosen = await choose(store, options);
    const zero = zeroOid(store.algorithm);
    const input = chosen.map(({ name, oid }) => `${zero} ${oid} ${name}\n`).join('');
    const hook = async (state: 'preparing' | 'prepared' | 'committed'): Promise<void> => {
      if (store.runHook === undefined || chosen.length === 0) return;
      if (!(await store.runHook(state, input)) && state !== 'committed')
        throw new GitError('REF_CHANGED', `in '${state}' phase, update aborted by the reference-transaction hook`);
    };
    await hook('preparing');
    const lines: string[] = [packedRefsHeader];
    let i = 0;
    const add = async (ref: { name: string; oid: Oid }): Promise<void> => {
      lines.push(formatPackedEntry({ ...ref, peeled: await store.peel(ref.oid) }));
    };
    for (const entry of packed.snapshot().from('', packed.path)) {
      while (i < chosen.length && compareText(chosen[i]!.name, entry.name) < 0) await add(chosen[i++]!);
      if (i < chosen.length && chosen[i]!.name === entry.name) await add(chosen[i++]!);
      else if (entry.peeledKnown) lines.push(formatPackedEntry(entry));
      else await add(entry);
    }
    while (i < chosen.length) await add(chosen[i++]!);
    const fresh = NewPackedRefs.write(store, lines.join(''));
    if (fresh === undefined) throw new GitError('LOCKED', `unable to create file ${packed.path}.new: File exists`);
    try {
      await hook('prepared');
      fresh.commit();
    } finally {
      fresh.rollback();
    }
    lock.rollback();
    await hook('committed');
    if (options.prune !== false) {
      for (const { name, oid } of chosen.reverse()) {
        // A ref that moved meanwhile keeps its loose file: the compare-and-swap fails, and that is right.
        const transaction = new FilesTransaction(store, {}, true);
        if ((await transaction.add({ name, to: 'deleted', expect: oid, noDeref: true })) === undefined)
          await transaction.commit();
      }
    }
    return { packed: chosen.length };
  } finally {
    lock.rollback();
  }
}

async function choose(store: FilesRefStore, options: PackRefsOptions): Promise<{ name: string; oid: Oid }[]> {
  const chosen: { name: string; oid: Oid }[] = [];
  for (const { name, path, badName } of listLooseRefs(store.fs, store.paths, 'refs/')) {
    if (badName || isPerWorktreeRef(name)) continue;
    if (options.select !== undefined) {
      if (!options.select(name)) continue;
    } else if (options.all !== true && !name.startsWith('refs/tags/')) continue;
    const value = readLooseRef(store.fs, path, store.algorithm);
    if (value?.kind !== 'direct' || isZeroOid(value.oid)) continue;
    if (store.objectKind !== undefined && (await store.objectKind(value.oid)) === undefined) {
      store.options.onWarning?.(`error: ${name} does not point to a valid object!`);
      continue;
    }
    chosen.push({ name, oid: value.oid });
  }
  return chosen;
}

/** The more refs are packed, the more loose ones it takes to be worth writing them all again. */
function worthPacking(store: FilesRefStore, options: PackRefsOptions): boolean {
  const snapshot = store.packed.snapshot();
  // About a hundred bytes are one packed ref.
  const packed = Math.floor(snapshot.size / 100);
  const limit = Math.max(16, Math.floor(Math.log2(Math.max(1, packed))) * 5);
  let loose = 0;
  for (const { name, path } of listLooseRefs(store.fs, store.paths, 'refs/')) {
    if (isPerWorktreeRef(name)) continue;
    if (options.select !== undefined) {
      if (!options.select(name)) continue;
    } else if (options.all !== true && !name.startsWith('refs/tags/')) continue;
    if (readLooseRef(store.fs, path, store.algorithm)?.kind !== 'direct') continue;
    if (++loose >= limit) return true;
  }
  return false;
}
