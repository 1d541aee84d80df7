import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import { breath } from '../base/breath.js';
import type { Bytes } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../base/oid.js';
import { emptyTreeOid } from '../base/oid.js';
import { emptyBytes } from '../base/bytes.js';
import type { LentObject, ObjectHeader, ObjectPlace, ObjectSource, ObjectStore, RawObject } from './source.js';

/** How much a database remembers. */
export interface DatabaseOptions {
  /** Bytes of object content kept, 16 MiB unless said. Only trees and commits of up to 1/16 of it are kept. */
  readonly cacheBytes?: number;
}

/** What was done, for tests that count. */
export interface DatabaseCounts {
  reads: number;
  hits: number;
  refreshes: number;
  writes: number;
}

/**
 * An object store over ordered sources (packs, loose files, alternates…): reads try each in turn, a damaged copy is
 * passed over while another source may have a good one, and a miss looks at the storage once more, since another
 * process may have repacked. Writes go to the one writable store.
 */
export class ObjectDatabase implements ObjectStore {
  readonly algorithm: HashAlgorithm;
  readonly counts: DatabaseCounts = { reads: 0, hits: 0, refreshes: 0, writes: 0 };
  readonly #writable: ObjectStore;
  #sources: readonly ObjectSource[];
  readonly #cache = new Map<Oid, RawObject>();
  readonly #cacheLimit: number;
  #cached = 0;

  /** `sources`: in order of trying, usually packs first, then the writable store, then alternates. */
  constructor(writable: ObjectStore, sources: readonly ObjectSource[], options: DatabaseOptions = {}) {
    this.algorithm = writable.algorithm;
    this.#writable = writable;
    this.#sources = sources;
    this.#cacheLimit = options.cacheBytes ?? 16 << 20;
  }

  get sources(): readonly ObjectSource[] {
    return this.#sources;
  }

  /** The store that new objects go to. */
  get writable(): ObjectStore {
    return this.#writable;
  }

  /** Puts a source in front of the others (a quarantine, a pack just received). */
  addSource(source: ObjectSource): void {
    this.#sources = [source, ...this.#sources];
  }

  hash<K extends ObjectKind>(kind: K, data: Bytes): Oid<K> {
    return this.#writable.hash(kind, data);
  }

  write<K extends ObjectKind>(kind: K, data: Bytes): Awaitable<Oid<K>> {
    const pause = this.interrupt === undefined ? undefined : this.#breath();
    if (pause !== undefined) return pause.then(() => this.write(kind, data));
    this.counts.writes++;
    const oid = this.hash(kind, data);
    if (this.#fresh.has(oid)) return oid;
    const there = this.#freshenIn(oid);
    if (isPromise(there)) return there.then((found) => (found ? oid : this.#writeFresh(oid, kind, data)));
    return there ? oid : this.#writeFresh(oid, kind, data);
  }

  /** Written or marked as used since the storage was last looked at anew: not to be marked again each time. */
  readonly #fresh = new Set<Oid>();

  #noteFresh(oid: Oid): void {
    if (this.#fresh.size >= 10_000) this.#fresh.clear();
    this.#fresh.add(oid);
  }

  freshen(oid: Oid): boolean {
    const there = this.#freshenIn(oid);
    return !isPromise(there) && there;
  }

  #freshenIn(oid: Oid, index = 0): Awaitable<boolean> {
    for (let i = index; i < this.#sources.length; i++) {
      const source = this.#sources[i]!;
      const there = source.freshen === undefined ? source.has(oid) : source.freshen(oid);
      if (isPromise(there)) return there.then((found) => found || this.#freshenIn(oid, i + 1));
      if (there) {
        this.#noteFresh(oid);
        return true;
      }
    }
    return false;
  }

  /** What was just written is often read next (a head, its tree), so it goes into the cache. */
  #writeFresh<K extends ObjectKind>(oid: Oid<K>, kind: K, data: Bytes): Awaitable<Oid<K>> {
    const done: Awaitable<unknown> =
      this.#writable.writeNamed === undefined
        ? this.#writable.write(kind, data)
        : this.#writable.writeNamed(oid, kind, data, true);
    if (isPromise(done)) {
      return done.then(() => {
        this.#noteFresh(oid);
        this.#remember(oid, { kind, data });
        return oid;
      });
    }
    // Only now: what could not be written must be tried again the next time.
    this.#noteFresh(oid);
    this.#remember(oid, { kind, data });
    return oid;
  }

  /** What is read in the place of an object (`refs/replace/`); left out where nothing is replaced. */
  replacement: ((oid: Oid) => Oid) | undefined;

  /**
   * Stops whatever reads or writes here: such work then lets the event loop have a turn now and then, and fails with
   * the signal's reason. Without one nothing ever waits.
   */
  interrupt: AbortSignal | undefined;
  #calls = 0;

  /** `undefined` unless it is time to look up. */
  #breath(): Promise<void> | undefined {
    return (++this.#calls & 31) === 0 ? breath(this.interrupt) : undefined;
  }

  /** `read` without looking up: for code that cannot wait for stores which answer at once. */
  readNow(oid: Oid): Awaitable<RawObject | undefined> {
    return this.readRaw(this.replacement === undefined ? oid : this.replacement(oid));
  }

  read(oid: Oid): Awaitable<RawObject | undefined> {
    const wanted = this.replacement === undefined ? oid : this.replacement(oid);
    const pause = this.interrupt === undefined ? undefined : this.#breath();
    return pause === undefined ? this.readRaw(wanted) : pause.then(() => this.readRaw(wanted));
  }

  readPassing(raw: Bytes): RawObject | undefined {
    return this.#atOnce('readPassing', raw, 0);
  }

  borrow(raw: Bytes, at: number): LentObject | undefined {
    return this.#atOnce('borrow', raw, at);
  }

  #atOnce(how: 'readPassing', raw: Bytes, at: number): RawObject | undefined;
  #atOnce(how: 'borrow', raw: Bytes, at: number): LentObject | undefined;
  #atOnce(how: 'readPassing' | 'borrow', raw: Bytes, at: number): RawObject | undefined {
    if (this.replacement !== undefined) return undefined;
    // `read` is asked next, and takes its breath.
    if (this.interrupt !== undefined && (this.#calls & 31) === 31) return undefined;
    this.#calls++;
    for (const source of this.#sources) {
      try {
        const object = source[how]?.(raw, at);
        if (object !== undefined) {
          this.counts.reads++;
          return object;
        }
      } catch (error) {
        // `read` may know a better copy, or says what is wrong.
        this.#tolerate(error);
      }
    }
    return undefined;
  }

  /** The object itself, whatever replaces it. */
  readRaw(oid: Oid): Awaitable<RawObject | undefined> {
    const cached = this.#cache.get(oid);
    if (cached !== undefined) {
      this.counts.hits++;
      return cached;
    }
    this.counts.reads++;
    const found = this.#readFrom(oid, 0, undefined);
    if (isPromise(found)) return found.then((object) => this.#found(oid, object));
    return this.#found(oid, found);
  }

  #found(oid: Oid, object: RawObject | undefined): Awaitable<RawObject | undefined> {
    if (object !== undefined) return this.#remember(oid, object);
    if (oid === emptyTreeOid(this.algorithm)) return { kind: 'tree', data: emptyBytes };
    this.refresh();
    const again = this.#readFrom(oid, 0, undefined);
    if (isPromise(again)) return again.then((late) => (late === undefined ? undefined : this.#remember(oid, late)));
    return again === undefined ? undefined : this.#remember(oid, again);
  }

  /** Tries the sources from `index` on; a corrupt copy is only an error when no other source has a good one. */
  #readFrom(oid: Oid, index: number, failure: unknown): Awaitable<RawObject | undefined> {
    for (let i = index; i < this.#sources.length; i++) {
      try {
        const object = this.#sources[i]!.read(oid);
        if (isPromise(object)) {
          return object.then(
            (found) => found ?? this.#readFrom(oid, i + 1, failure),
            (error) => this.#readFrom(oid, i + 1, this.#tolerate(error)),
          );
        }
        if (object !== undefined) return object;
      } catch (error) {
        failure = this.#tolerate(error);
      }
    }
    if (failure !== undefined) throw failure;
    return undefined;
  }

  #tolerate(error: unknown): unknown {
    if (isGitError(error, 'OBJECT_CORRUPT')) return error;
    throw error;
  }

  #remember(oid: Oid, object: RawObject): RawObject {
    const size = object.data.length;
    if (object.kind === 'blob' || size > this.#cacheLimit >> 4) return object;
    this.#cache.set(oid, object);
    this.#cached += size + 128;
    if (this.#cached > this.#cacheLimit) this.#evict();
    return object;
  }

  #evict(): void {
    for (const [oid, object] of this.#cache) {
      if (this.#cached <= this.#cacheLimit >> 1) break;
      this.#cache.delete(oid);
      this.#cached -= object.data.length + 128;
    }
  }

  readHeader(oid: Oid): Awaitable<ObjectHeader | undefined> {
    return this.readRawHeader(this.replacement === undefined ? oid : this.replacement(oid));
  }

  /** The header of the object itself, whatever replaces it. */
  readRawHeader(oid: Oid): Awaitable<ObjectHeader | undefined> {
    const cached = this.#cache.get(oid);
    if (cached !== undefined) return { kind: cached.kind, size: cached.data.length };
    const header = this.#headerFrom(oid, 0);
    if (isPromise(header)) return header.then((found) => found ?? this.#headerLate(oid));
    return header ?? this.#headerLate(oid);
  }

  #headerLate(oid: Oid): Awaitable<ObjectHeader | undefined> {
    if (oid === emptyTreeOid(this.algorithm)) return { kind: 'tree', size: 0 };
    this.refresh();
    return this.#headerFrom(oid, 0);
  }

  #headerFrom(oid: Oid, index: number, failure?: unknown): Awaitable<ObjectHeader | undefined> {
    for (let i = index; i < this.#sources.length; i++) {
      const source = this.#sources[i]!;
      try {
        const header = source.readHeader === undefined ? this.#headerByReading(source, oid) : source.readHeader(oid);
        if (isPromise(header)) {
          return header.then(
            (found) => found ?? this.#headerFrom(oid, i + 1, failure),
            (error) => this.#headerFrom(oid, i + 1, this.#tolerate(error)),
          );
        }
        if (header !== undefined) return header;
      } catch (error) {
        failure = this.#tolerate(error);
      }
    }
    if (failure !== undefined) throw failure;
    return undefined;
  }

  #headerByReading(source: ObjectSource, oid: Oid): Awaitable<ObjectHeader | undefined> {
    const object = source.read(oid);
    const header = (raw: RawObject | undefined) =>
      raw === undefined ? undefined : { kind: raw.kind, size: raw.data.length };
    return isPromise(object) ? object.then(header) : header(object);
  }

  has(oid: Oid): Awaitable<boolean> {
    if (this.#cache.has(oid)) return true;
    const there = this.#inSources(oid);
    if (isPromise(there)) return there.then((found) => found || this.#hasLate(oid));
    return there || this.#hasLate(oid);
  }

  /** `has`, by what is known of the storage, which another process may have changed since. */
  hasNow(oid: Oid): Awaitable<boolean> {
    return this.#cache.has(oid) || this.#inSources(oid);
  }

  #hasLate(oid: Oid): Awaitable<boolean> {
    if (oid === emptyTreeOid(this.algorithm)) return true;
    this.refresh();
    return this.#inSources(oid);
  }

  #inSources(oid: Oid, index = 0): Awaitable<boolean> {
    for (let i = index; i < this.#sources.length; i++) {
      const there = this.#sources[i]!.has(oid);
      if (isPromise(there)) return there.then((found) => found || this.#inSources(oid, i + 1));
      if (there) return true;
    }
    return false;
  }

  /** How many hex digits the id shares with another one, at most, of those that share at least `from`; else `from` - 1. */
  longestShared(oid: Oid, from: number): Awaitable<number> {
    let most = from - 1;
    const prefix = oid.slice(0, from);
    const late: Promise<void>[] = [];
    const look = (others: readonly Oid[]): void => {
      for (const other of others) {
        if (other === oid) continue;
        let same = from;
        while (other.charCodeAt(same) === oid.charCodeAt(same)) same++;
        if (same > most) most = same;
      }
    };
    for (const source of this.#sources) {
      if (source.sharedDigits !== undefined) {
        most = Math.max(most, source.sharedDigits(oid));
        continue;
      }
      const found = source.findPrefix?.(prefix);
      if (isPromise(found)) late.push(found.then(look));
      else if (found !== undefined) look(found);
    }
    return late.length === 0 ? most : Promise.all(late).then(() => most);
  }

  async findPrefix(prefix: string): Promise<readonly Oid[]> {
    const found = new Set<Oid>();
    for (const source of this.#sources) {
      for (const oid of (await source.findPrefix?.(prefix)) ?? []) found.add(oid);
    }
    return [...found].sort();
  }

  async *list(): AsyncGenerator<Oid> {
    const seen = new Set<Oid>();
    for (const source of this.#sources) {
      for await (const oid of source.list?.() ?? []) {
        if (seen.has(oid)) continue;
        seen.add(oid);
        yield oid;
      }
    }
  }

  async place(oid: Oid): Promise<ObjectPlace | undefined> {
    // Known without being stored, so it takes no room even where it is.
    if (oid === emptyTreeOid(this.algorithm)) return { diskSize: 0 };
    for (const source of this.#sources) {
      const place = await source.place?.(oid);
      if (place !== undefined) return place;
    }
    return undefined;
  }

  refresh(): void {
    this.#fresh.clear();
    this.counts.refreshes++;
    for (const source of this.#sources) source.refresh?.();
  }

  close(): void {
    this.#cache.clear();
    this.#cached = 0;
    for (const source of this.#sources) source.close?.();
  }
}

/** Reads an object that must be there. Throws `OBJECT_MISSING`. */
export async function readObject(store: ObjectSource, oid: Oid): Promise<RawObject> {
  const object = await store.read(oid);
  if (object === undefined) throw new GitError('OBJECT_MISSING', `unable to read ${oid}`, { data: { oid } });
  return object;
}

/** Reads an object of a kind. Throws `OBJECT_MISSING`, or `OBJECT_CORRUPT` where the kind is another. */
export async function readKind(store: ObjectSource, oid: Oid, kind: ObjectKind): Promise<Bytes> {
  const object = await readObject(store, oid);
  if (object.kind !== kind) {
    throw new GitError('OBJECT_CORRUPT', `object ${oid} is a ${object.kind}, not a ${kind}`, {
      data: { oid, kind: object.kind },
    });
  }
  return object.data;
}
