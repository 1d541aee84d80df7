import type { Awaitable } from '../base/awaitable.js';
import { compareText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../base/oid.js';
import { isZeroOid, zeroOid } from '../base/oid.js';
import type { FileSystem } from '../platform/fs.js';
import { LockFile } from '../platform/lock.js';
import { systemMessage } from '../platform/system-message.js';
import { checkRefFormat, isPseudoRef, isSafeRefName } from './name.js';
import type { LooseValue } from './loose.js';
import type { PackedRefs } from './packed.js';
import { formatPackedEntry, packedRefsHeader } from './packed.js';
import type {
  RefTransaction,
  RefUpdate,
  RejectedUpdate,
  ResolvedRef,
  UpdateFailure,
  UpdateFailureCode,
  UpdateOptions,
  UpdateResult,
} from './store.js';

export type HookState = 'preparing' | 'prepared' | 'committed' | 'aborted';

/** What a transaction needs of the store of files. */
export interface TransactionHost {
  readonly fs: FileSystem;
  readonly algorithm: HashAlgorithm;
  readonly packed: PackedRefs;
  readonly quarantined: boolean;
  readonly lockTimeout: number;
  readonly packedLockTimeout: number;
  readonly sync: boolean;
  refPath(name: string): string;
  readLoose(name: string): LooseValue;
  readAny(name: string): LooseValue;
  resolveFullNow(name: string): ResolvedRef | undefined;
  firstRefBelow(prefix: string): string | undefined;
  removeEmptyDirectories(path: string): boolean;
  removeEmptyParents(name: string, kind: 'ref' | 'log'): void;
  deleteLogNow(name: string): void;
  /** Whether a change of a ref is written to a log. `force`: a log is made where there is none. */
  logs(name: string, force: boolean): boolean;
  writeLog(name: string, old: Oid, to: Oid, identity: string, message: string, force: boolean): void;
  identity(): Awaitable<string>;
  objectKind?(oid: Oid): Awaitable<ObjectKind | undefined>;
  peel(oid: Oid): Awaitable<Oid | undefined>;
  runHook?(state: HookState, input: string): Awaitable<boolean>;
  writeSymbolic(lock: LockFile, path: string, target: string): boolean;
  makePlaceFor(path: string): void;
  /** A path as messages show it. */
  shown(path: string): string;
}

/** One ref that a transaction touches: as asked, or added by following HEAD or a symbolic ref. */
interface Work {
  readonly name: string;
  readonly update: RefUpdate;
  readonly newOid?: Oid | undefined;
  readonly newTarget?: string | undefined;
  readonly deleting: boolean;
  expectOid?: Oid | undefined;
  expectTarget?: string | undefined;
  readonly noDeref: boolean;
  /** Only its reflog is written: a symbolic ref whose target moves, or HEAD. */
  logOnly: boolean;
  /** Reached through HEAD, whose log is written anyway. */
  readonly viaHead: boolean;
  /** The work this one was split from; messages name the ref that was asked for. */
  readonly parent?: Work | undefined;
  /** For HEAD's log: the branch whose old value the log entry takes. */
  oldFrom?: Work | undefined;
  lock?: LockFile | undefined;
  /** What the ref was: an id, or zeros. */
  current: Oid;
  needsCommit: boolean;
  /** The lock is held and the ref was read. */
  locked: boolean;
  rejected: boolean;
}

class Refusal extends Error {
  readonly code: UpdateFailureCode;
  readonly actual: Oid | 'absent';
  constructor(code: UpdateFailureCode, message: string, actual: Oid | 'absent' = 'absent') {
    super(message);
    this.code = code;
    this.actual = actual;
  }
}

const rejectable: ReadonlySet<UpdateFailureCode> = new Set([
  'changed',
  'exists',
  'missing',
  'conflict',
  'invalid',
  'not-symbolic',
  // Somebody else is at that one ref.
  'locked',
]);

/** A transaction over ref files: locks beside the files, `packed-refs.lock` for deletions, the hook at each step. */
export class FilesTransaction implements RefTransaction {
  #state: 'open' | 'prepared' | 'closed' = 'open';
  readonly #host: TransactionHost;
  readonly #options: UpdateOptions;
  readonly #works: Work[] = [];
  readonly #names = new Map<string, Work>();
  readonly #rejected: RejectedUpdate[] = [];
  #failed = false;
  #packedLock: LockFile | undefined;
  #newPacked: NewPackedRefs | undefined;
  #packedHook: { input: string } | undefined;
  /** Removing the loose copy of a ref that was just packed: logs and packed-refs stay. */
  readonly #pruning: boolean;

  constructor(host: TransactionHost, options: UpdateOptions = {}, pruning = false) {
    this.#host = host;
    this.#options = options;
    this.#pruning = pruning;
  }

  get state(): 'open' | 'prepared' | 'closed' {
    return this.#state;
  }

  async add(update: RefUpdate): Promise<UpdateFailure | undefined> {
    const refused = await this.#check(update);
    if (refused !== undefined) {
      const failure = failureOf(update.name, refused);
      if (this.#options.partial === true && rejectable.has(refused.code) && isSafeForBatch(refused)) {
        this.#rejected.push({ update, failure });
        return undefined;
      }
      return failure;
    }
    const { to, expect } = update;
    const zero = zeroOid(this.#host.algorithm);
    const deleting = to === 'deleted' || (typeof to === 'string' && to !== 'verify' && isZeroOid(to));
    this.#works.push({
      name: update.name,
      update,
      newOid: deleting ? zero : typeof to === 'string' && to !== 'verify' ? to : undefined,
      newTarget: typeof to === 'object' ? to.symbolic : undefined,
      deleting,
      expectOid: expect === 'absent' ? zero : typeof expect === 'string' ? expect : undefined,
      expectTarget: typeof expect === 'object' ? expect.symbolic : undefined,
      noDeref: update.noDeref === true,
      logOnly: false,
      viaHead: false,
      current: zero,
      needsCommit: false,
      locked: false,
      rejected: false,
    });
    return undefined;
  }

  async #check(update: RefUpdate): Promise<Refusal | undefined> {
    const { name, to } = update;
    const isNew = to !== 'deleted' && to !== 'verify' && !(typeof to === 'string' && isZeroOid(to));
    const good = isNew ? checkRefFormat(name, { allowOneLevel: true }) : isSafeRefName(name);
    if (!good) return new Refusal('invalid', `refusing to update ref with bad name '${name}'`);
    if (isPseudoRef(name)) return new Refusal('invalid', `refusing to update pseudoref '${name}'`);
    if (isNew && typeof to === 'string' && update.unchecked !== true && this.#host.objectKind !== undefined) {
      const kind = await this.#host.objectKind(to as Oid);
      if (kind === undefined)
        return new Refusal('invalid', `trying to write ref '${name}' with nonexistent object ${to}`);
      if (kind !== 'commit' && (name === 'HEAD' || name.startsWith('refs/heads/')))
        return new Refusal('invalid', `trying to write non-commit object ${to} to branch '${name}'`);
    }
    return undefined;
  }

  async prepare(): Promise<UpdateResult> {
    if (this.#state !== 'open') throw new Error('prepare called twice on reference transaction');
    let current: Work | undefined;
    try {
      if (this.#host.quarantined && this.#works.length > 0)
        throw new Refusal('failed', 'ref updates forbidden inside quarantine environment');
      for (const work of this.#works) {
        current = work;
        if (this.#names.has(work.name))
          throw new Refusal('conflict', `multiple updates for ref '${work.name}' not allowed`);
        this.#names.set(work.name, work);
      }
      current = undefined;
      await this.#hook('preparing');
      const head = this.#host.readLoose('HEAD');
      const headTarget = head?.kind === 'symbolic' ? head.target : undefined;
      const fresh: Work[] = [];
      for (let i = 0; i < this.#works.length; i++) {
        current = this.#works[i]!;
        try {
          await this.#lock(current, headTarget, fresh);
        } catch (error) {
          if (!this.#reject(current, error)) throw error;
        }
      }
      for (const work of fresh) {
        current = work;
        if (work.rejected) continue;
        try {
          this.#checkAvailable(work.name, 'packed');
        } catch (error) {
          if (!this.#reject(work, error)) throw error;
        }
      }
      current = this.#works.find((work) => work.deleting && !work.logOnly && !work.rejected);
      if (current !== undefined && !this.#pruning) await this.#preparePacked();
      await this.#hook('prepared');
    } catch (error) {
      this.#failed = true;
      this.#release();
      this.#state = 'closed';
      if (!(error instanceof Refusal)) throw error;
      return failureOf(current?.update.name ?? this.#works[0]?.update.name ?? '', error);
    }
    this.#state = 'prepared';
    return this.#done();
  }

  #done(): UpdateResult {
    return this.#rejected.length === 0 ? { ok: true } : { ok: true, rejected: this.#rejected };
  }

  /** In a partial transaction one failed update leaves the others alone. */
  #reject(work: Work, error: unknown): boolean {
    if (this.#options.partial !== true || !(error instanceof Refusal) || !rejectable.has(error.code)) return false;
    for (let at: Work | undefined = work; at !== undefined; at = at.parent) {
      at.rejected = true;
      at.lock?.rollback();
    }
    for (const other of this.#works) {
      if (other.oldFrom === work || other.parent === work) other.rejected = true;
    }
    const update = work.name === work.update.name ? work.update : { ...work.update, name: work.name };
    this.#rejected.push({ update, failure: failureOf(work.name, error) });
    return true;
  }

  async #lock(work: Work, headTarget: string | undefined, fresh: Work[]): Promise<void> {
    if (work.rejected) return;
    const { name } = work;
    if (name === headTarget && !work.logOnly && !work.viaHead && work.update.noReflog !== true && !this.#pruning) {
      if (work.deleting || work.newOid !== undefined || work.newTarget !== undefined) this.#logHead(work, headTarget);
    }
    const mustExist = work.expectTarget !== undefined || (work.expectOid !== undefined && !isZeroOid(work.expectOid));
    const value = await this.#lockAndRead(work, mustExist, fresh);
    work.locked = true;
    const shown = originalName(work);
    if (value?.kind === 'symbolic') {
      if (work.noDeref) {
        const end = this.#host.resolveFullNow(name);
        work.current = end?.oid ?? zeroOid(this.#host.algorithm);
        if (work.expectOid !== undefined) {
          if (end?.oid === undefined && work.update.expect === 'absent')
            throw new Refusal('exists', `cannot lock ref '${shown}': dangling symref already exists`);
          compareOid(shown, work.expectOid, work.current);
        }
        if (work.expectTarget !== undefined && value.target !== work.expectTarget) {
          throw new Refusal(
            'changed',
            `verifying symref target: '${shown}': is at ${value.target} but expected ${work.expectTarget}`,
          );
        }
      } else this.#follow(work, value.target);
    } else if (value?.kind === 'direct' || value === undefined) {
      work.current = value?.oid ?? zeroOid(this.#host.algorithm);
      if (work.expectTarget !== undefined) {
        if (value === undefined)
          throw new Refusal(
            'missing',
            `verifying symref target: '${shown}': reference is missing but expected ${work.expectTarget}`,
          );
        throw new Refusal(
          'not-symbolic',
          `cannot lock ref '${shown}': expected symref with target '${work.expectTarget}': but is a regular ref`,
          value.oid,
        );
      }
      if (work.expectOid !== undefined) compareOid(shown, work.expectOid, work.current);
    }
    if (work.oldFrom !== undefined) work.current = work.oldFrom.current;
    for (let at = work.parent; at !== undefined; at = at.parent) at.current = work.current;
    if (!work.deleting && !work.logOnly) this.#fill(work, value);
    work.lock!.close();
  }

  /** Writes the new value into the lock file, unless the ref has it already. */
  #fill(work: Work, value: LooseValue): void {
    const lock = work.lock!;
    if (work.newTarget !== undefined) {
      if (!this.#host.writeSymbolic(lock, this.#host.refPath(work.name), work.newTarget))
        lock.write(encodeText(`ref: ${work.newTarget}\n`));
      work.needsCommit = true;
    } else if (work.newOid !== undefined) {
      if (value?.kind === 'direct' && value.oid === work.newOid) return;
      try {
        lock.write(encodeText(`${work.newOid}\n`));
      } catch (error) {
        const shown = originalName(work);
        throw new Refusal(
          'invalid',
          `cannot update ref '${shown}': couldn't write '${lock.lockPath}': ${systemMessage(error)}`,
        );
      }
      if (this.#host.sync) lock.close(true);
      work.needsCommit = true;
    }
  }

  /** When a branch moves that HEAD is on, HEAD's log says so too. */
  #logHead(work: Work, headTarget: string): void {
    if (this.#names.has('HEAD')) {
      throw new Refusal(
        'conflict',
        `multiple updates for 'HEAD' (including one via its referent '${headTarget}') are not allowed`,
      );
    }
    // Its lock guards only the log.
    if (!this.#host.logs('HEAD', work.update.createReflog === true)) return;
    const head: Work = {
      ...work,
      name: 'HEAD',
      // A branch made symbolic counts as leading nowhere here, as git has it.
      newOid: work.newOid ?? zeroOid(this.#host.algorithm),
      newTarget: undefined,
      expectOid: undefined,
      expectTarget: undefined,
      noDeref: true,
      logOnly: true,
      parent: undefined,
      oldFrom: work,
      lock: undefined,
      locked: false,
      needsCommit: false,
    };
    this.#works.push(head);
    this.#names.set('HEAD', head);
  }

  /** Passes the change of a symbolic ref on to the ref it names. */
  #follow(work: Work, target: string): void {
    if (this.#names.has(target)) {
      throw new Refusal(
        'conflict',
        `multiple updates for '${target}' (including one via symref '${work.name}') are not allowed`,
      );
    }
    const next: Work = {
      ...work,
      name: target,
      viaHead: work.viaHead || work.name === 'HEAD',
      parent: work,
      lock: undefined,
      locked: false,
    };
    this.#works.push(next);
    this.#names.set(target, next);
    work.logOnly = true;
    work.expectOid = undefined;
    work.expectTarget = undefined;
  }

  async #lockAndRead(work: Work, mustExist: boolean, fresh: Work[]): Promise<LooseValue> {
    const { fs } = this.#host;
    const { name } = work;
    const shown = originalName(work);
    const path = this.#host.refPath(name);
    for (let attempt = 0; ; attempt++) {
      try {
        if (attempt > 0) this.#host.makePlaceFor(path);
        work.lock = await acquire(fs, path, this.#host.lockTimeout);
        break;
      } catch (error) {
        const code = (error as { code?: string }).code;
        if (code === 'ENOENT' && attempt < 3) continue;
        if (code === 'ENOTDIR' || code === 'EEXIST' || code === 'ENOENT') {
          if (mustExist)
            throw new Refusal('missing', `cannot lock ref '${shown}': unable to resolve reference '${name}'`);
          this.#checkAvailable(name, 'loose', shown);
          throw new Refusal(
            'conflict',
            `cannot lock ref '${shown}': unable to create lock file ${path}.lock; non-directory in the way`,
          );
        }
        if (code === undefined || error instanceof GitError) throw error;
        throw new Refusal(
          'invalid',
          `cannot lock ref '${shown}': Unable to create '${path}.lock': ${systemMessage(error)}`,
        );
      }
    }
    if (work.lock === undefined) {
      throw new Refusal(
        'locked',
        `cannot lock ref '${shown}': Unable to create '${path}.lock': File exists.\n\n` +
          'Another git process seems to be running in this repository, or the lock file may be stale',
      );
    }
    const loose = this.#host.readLoose(name);
    if (loose?.kind === 'broken') {
      if (!work.deleting || work.expectOid !== undefined)
        throw new Refusal(
          'invalid',
          `cannot lock ref '${shown}': unable to resolve reference '${name}': reference broken`,
        );
      return undefined;
    }
    if (loose !== undefined && loose.kind !== 'directory') return loose;
    const packed = this.#host.packed.snapshot().find(name);
    if (packed !== undefined) return { kind: 'direct', oid: packed.oid };
    if (mustExist) throw new Refusal('missing', `cannot lock ref '${shown}': unable to resolve reference '${name}'`);
    if (loose?.kind === 'directory' && !this.#host.removeEmptyDirectories(path)) {
      this.#checkAvailable(name, 'loose', shown);
      throw new Refusal(
        'conflict',
        `cannot lock ref '${shown}': there is a non-empty directory '${this.#host.shown(path)}' blocking reference '${name}'`,
      );
    }
    fresh.push(work);
    return undefined;
  }

  /** No ref may be a folder of another: not of those stored, nor of those in this transaction. */
  #checkAvailable(name: string, where: 'loose' | 'packed', shown?: string): void {
    const prefix = shown === undefined ? '' : `cannot lock ref '${shown}': `;
    for (let slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
      const above = name.slice(0, slash);
      const value = where === 'packed' ? this.#host.packed.snapshot().find(above) : this.#host.readAny(above);
      const exists = value !== undefined && !('kind' in value && value.kind === 'directory');
      if (exists) throw new Refusal('conflict', `${prefix}'${above}' exists; cannot create '${name}'`);
      if (this.#names.has(above))
        throw new Refusal('conflict', `${prefix}cannot process '${name}' and '${above}' at the same time`);
    }
    const folder = `${name}/`;
    if (where === 'packed') {
      for (const entry of this.#host.packed.snapshot().from(folder)) {
        throw new Refusal('conflict', `${prefix}'${entry.name}' exists; cannot create '${name}'`);
      }
    } else {
      const below = this.#host.firstRefBelow(folder);
      if (below !== undefined) throw new Refusal('conflict', `${prefix}'${below}' exists; cannot create '${name}'`);
    }
    let extra: string | undefined;
    for (const other of this.#names.keys()) {
      if (other.startsWith(folder) && (extra === undefined || compareText(other, extra) < 0)) extra = other;
    }
    if (extra !== undefined)
      throw new Refusal('conflict', `${prefix}cannot process '${name}' and '${extra}' at the same time`);
  }

  /** Deleted refs must leave packed-refs too; its lock is held until the end, so that none comes back. */
  async #preparePacked(): Promise<void> {
    const host = this.#host;
    const deleted = this.#works.filter((work) => work.deleting && !work.logOnly && !work.rejected);
    this.#packedLock = await acquire(host.fs, host.packed.path, host.packedLockTimeout);
    if (this.#packedLock === undefined) {
      throw new Refusal(
        'locked',
        `Unable to create '${host.packed.path}.lock': File exists.\n\n` +
          'Another git process seems to be running in this repository, or the lock file may be stale',
      );
    }
    const snapshot = host.packed.snapshot();
    const zero = zeroOid(host.algorithm);
    const input = deleted.map((work) => `${zero} ${zero} ${work.name}\n`).join('');
    const gone = new Set<string>();
    for (const work of deleted) if (snapshot.find(work.name) !== undefined) gone.add(work.name);
    if (gone.size === 0) {
      this.#packedLock.rollback();
      this.#packedLock = undefined;
      await this.#callHook('aborted', input);
      return;
    }
    this.#packedHook = { input };
    await this.#mustHook('preparing', input);
    const lines: string[] = [packedRefsHeader];
    for (const entry of snapshot.from('')) {
      if (gone.has(entry.name)) continue;
      const peeled = entry.peeledKnown ? entry.peeled : await host.peel(entry.oid);
      lines.push(formatPackedEntry({ name: entry.name, oid: entry.oid, peeled }));
    }
    this.#newPacked = NewPackedRefs.write(host, lines.join(''));
    if (this.#newPacked === undefined)
      throw new Refusal('failed', `unable to create file ${host.packed.path}.new: File exists`);
    await this.#mustHook('prepared', input);
  }

  async commit(): Promise<UpdateResult> {
    if (this.#state === 'open') {
      const prepared = await this.prepare();
      if (!prepared.ok) return prepared;
    }
    if (this.#state !== 'prepared') throw new Error('commit called on a closed reference transaction');
    const host = this.#host;
    const { fs } = host;
    this.#state = 'closed';
    const works = this.#works.filter((work) => !work.rejected);
    const logs = works.some(
      (work) =>
        (work.needsCommit || work.logOnly) &&
        work.update.noReflog !== true &&
        host.logs(work.name, work.update.createReflog === true),
    );
    const identity = logs ? (this.#options.identity ?? (await host.identity())) : '';
    let current: Work | undefined;
    try {
      for (const work of works) {
        current = work;
        if (!work.needsCommit && !work.logOnly) continue;
        if (work.update.noReflog !== true) this.#log(work, identity);
        if (!work.needsCommit) continue;
        const path = work.lock!.path;
        try {
          work.lock!.commit();
        } catch (error) {
          if (!host.removeEmptyDirectories(path)) throw error;
          work.lock!.commit();
        }
      }
      const deleted = works.filter((work) => work.deleting && !work.logOnly);
      if (!this.#pruning) for (const work of deleted) host.deleteLogNow(work.name);
      if (this.#newPacked !== undefined) {
        this.#newPacked.commit();
        this.#packedLock!.rollback();
        this.#packedLock = undefined;
        await this.#callHook('committed', this.#packedHook!.input);
      }
      for (const work of deleted) {
        current = work;
        const path = host.refPath(work.name);
        if (fs.lstat(path)?.kind !== 'directory') fs.remove(path);
      }
      this.#release();
    } catch (error) {
      this.#release();
      if (!(error instanceof Refusal)) throw error;
      return failureOf(current?.update.name ?? '', error);
    }
    await this.#hook('committed');
    return this.#done();
  }

  #log(work: Work, identity: string): void {
    let to = work.newOid;
    if (work.newTarget !== undefined) to = this.#host.resolveFullNow(work.newTarget)?.oid;
    if (to === undefined) return;
    this.#host.writeLog(
      work.name,
      work.current,
      to,
      identity,
      work.update.reason ?? '',
      work.update.createReflog === true,
    );
  }

  async abort(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#failed = true;
    this.#release();
    this.#state = 'closed';
    await this.#callHook('aborted', this.#hookInput());
  }

  #release(): void {
    for (const work of this.#works) {
      work.lock?.rollback();
      // The folders were made for the lock, or held the ref that is gone.
      if (work.locked && (!work.needsCommit || this.#failed)) this.#host.removeEmptyParents(work.name, 'ref');
    }
    this.#newPacked?.rollback();
    this.#packedLock?.rollback();
    this.#packedLock = undefined;
  }

  #hookInput(): string {
    const zero = zeroOid(this.#host.algorithm);
    let text = '';
    for (const work of this.#works) {
      if (work.logOnly || work.rejected) continue;
      const old = work.expectTarget !== undefined ? `ref:${work.expectTarget}` : (work.expectOid ?? zero);
      const to = work.newTarget !== undefined ? `ref:${work.newTarget}` : (work.newOid ?? zero);
      text += `${old} ${to} ${work.name}\n`;
    }
    return text;
  }

  async #hook(state: HookState): Promise<void> {
    if (this.#host.runHook === undefined || this.#options.noHook === true) return;
    if (state === 'committed') await this.#callHook(state, this.#hookInput());
    else await this.#mustHook(state, this.#hookInput());
  }

  async #mustHook(state: HookState, input: string): Promise<void> {
    if (this.#options.noHook === true || this.#host.runHook === undefined) return;
    if (!(await this.#host.runHook(state, input)))
      throw new Refusal('hook', `in '${state}' phase, update aborted by the reference-transaction hook`);
  }

  async #callHook(state: HookState, input: string): Promise<void> {
    if (this.#options.noHook === true) return;
    await this.#host.runHook?.(state, input);
  }
}

const isSafeForBatch = (refusal: Refusal): boolean => refusal.message.startsWith('trying to write');

const originalName = (work: Work): string => {
  let at = work;
  while (at.parent !== undefined) at = at.parent;
  return at.name;
};

function compareOid(name: string, expected: Oid, current: Oid): void {
  if (expected === current) return;
  const none = isZeroOid(current);
  if (isZeroOid(expected)) throw new Refusal('exists', `cannot lock ref '${name}': reference already exists`, current);
  if (none)
    throw new Refusal('missing', `cannot lock ref '${name}': reference is missing but expected ${expected}`, 'absent');
  throw new Refusal('changed', `cannot lock ref '${name}': is at ${current} but expected ${expected}`, current);
}

function failureOf(name: string, refusal: Refusal): UpdateFailure {
  return { ok: false, name, actual: refusal.actual, message: refusal.message, code: refusal.code };
}

/** Takes a lock, trying again for `timeout` milliseconds (-1: for ever). */
export async function acquire(fs: FileSystem, path: string, timeout: number): Promise<LockFile | undefined> {
  let waited = 0;
  for (let pause = 1; ; pause = Math.min(pause * 2, 64)) {
    const lock = LockFile.tryAcquire(fs, path, 0o666, { followLinks: false });
    if (lock !== undefined) return lock;
    if (timeout >= 0 && waited >= timeout) return undefined;
    // Not all waiters at the same beat.
    const time = timeout < 0 ? pause : Math.max(1, Math.min(pause + Math.random() * pause, timeout - waited + 1));
    await new Promise((resolve) => setTimeout(resolve, time));
    waited += time;
  }
}

/**
 * The new packed-refs, written beside the old one (the lock is a file of its own, as git has it). A symbolic link in
 * its place stays one. `undefined` where another `.new` is in the way.
 */
export class NewPackedRefs {
  readonly path: string;
  readonly #host: TransactionHost;
  readonly #target: string;
  #held = true;

  private constructor(host: TransactionHost, target: string) {
    this.#host = host;
    this.#target = target;
    this.path = `${target}.new`;
  }

  static write(host: TransactionHost, text: string): NewPackedRefs | undefined {
    const { fs } = host;
    const { path } = host.packed;
    const link = fs.readLink(path);
    const target =
      link === undefined ? path : link.startsWith('/') ? link : `${path.slice(0, path.lastIndexOf('/'))}/${link}`;
    const made = new NewPackedRefs(host, target);
    const handle = fs.openWrite(made.path, { exclusive: true });
    if (handle === undefined) return undefined;
    try {
      handle.write(encodeText(text));
      if (host.sync) handle.sync();
    } finally {
      handle.close();
    }
    return made;
  }

  commit(): void {
    this.#host.fs.rename(this.path, this.#target);
    this.#held = false;
    this.#host.packed.forget();
  }

  rollback(): void {
    if (this.#held) this.#host.fs.remove(this.path);
    this.#held = false;
  }
}
