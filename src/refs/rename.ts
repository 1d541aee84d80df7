import { isZeroOid } from '../base/oid.js';
import type { FilesRefStore } from './files-store.js';
import type { UpdateFailure, UpdateResult } from './store.js';

const temporaryLog = 'refs/.tmp-renamed-log';

/** Renames or copies a ref with its reflog. A log is moved aside first, so that `a` can become `a/b`. */
export async function moveRef(
  store: FilesRefStore,
  from: string,
  to: string,
  reason: string,
  copy: boolean,
): Promise<UpdateResult> {
  const { fs, paths } = store;
  const fail = (message: string, code: UpdateFailure['code'] = 'failed'): UpdateFailure => ({
    ok: false,
    name: to,
    actual: store.resolve(to) ?? 'absent',
    message,
    code,
  });
  const verb = copy ? 'copying' : 'renaming';
  const source = store.resolveFullNow(from);
  if (source?.oid === undefined) return fail(`refname ${from} not found`, 'missing');
  if (source.symbolic) return fail(`refname ${from} is a symbolic ref, ${verb} it is not supported`, 'invalid');
  const oid = source.oid;
  const conflict = blockedBy(store, to, copy ? undefined : from);
  if (conflict !== undefined) return fail(`'${conflict}' exists; cannot create '${to}'`, 'conflict');
  const fromLog = paths.log(from);
  const aside = `${paths.commonDir}/logs/${temporaryLog}`;
  const logKind = fs.lstat(fromLog)?.kind;
  if (logKind === 'symlink') return fail(`reflog for ${from} is a symlink`);
  const hasLog = logKind === 'file';
  if (hasLog) {
    if (copy) fs.writeFile(aside, fs.readFile(fromLog)!);
    else fs.rename(fromLog, aside);
  }
  const putBack = (): void => {
    if (!hasLog) return;
    if (copy) fs.remove(aside);
    else {
      store.makePlaceFor(fromLog);
      fs.rename(aside, fromLog);
    }
  };
  if (!copy) {
    const deleted = await store.update([{ name: from, to: 'deleted', expect: oid, reason, noDeref: true }]);
    if (!deleted.ok) {
      putBack();
      return deleted;
    }
  }
  if (store.readAny(to) !== undefined && store.readAny(to)?.kind !== 'directory') {
    const existing = store.resolve(to);
    const deleted = await store.update([
      existing === undefined || isZeroOid(existing)
        ? { name: to, to: 'deleted', noDeref: true }
        : { name: to, to: 'deleted', noDeref: true, expect: existing },
    ]);
    if (!deleted.ok) {
      putBack();
      return deleted;
    }
  }
  if (hasLog) {
    const toLog = paths.log(to);
    store.makePlaceFor(toLog);
    if (fs.lstat(toLog)?.kind === 'directory' && !store.removeEmptyDirectories(toLog)) {
      putBack();
      return fail(`directory not empty: ${toLog}`);
    }
    fs.rename(aside, toLog);
  }
  const identity = await store.identity();
  const written = await store.update([{ name: to, to: oid, noDeref: true, noReflog: true, unchecked: true }], {
    noHook: true,
  });
  if (!written.ok) {
    if (hasLog) {
      store.makePlaceFor(fromLog);
      fs.rename(paths.log(to), fromLog);
    }
    if (!copy)
      await store.update([{ name: from, to: oid, noDeref: true, noReflog: true, unchecked: true }], { noHook: true });
    return written;
  }
  store.writeLog(to, oid, oid, identity, reason, false);
  return { ok: true };
}

/** A ref that makes `name` impossible; `except` is going away. */
function blockedBy(store: FilesRefStore, name: string, except: string | undefined): string | undefined {
  for (let slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
    const above = name.slice(0, slash);
    if (above === except) continue;
    const value = store.readAny(above);
    if (value !== undefined && value.kind !== 'directory') return above;
  }
  for (const ref of store.listNow(`${name}/`, { broken: true })) if (ref.name !== except) return ref.name;
  return undefined;
}
