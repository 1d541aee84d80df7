import type { Bytes } from '../base/bytes.js';
import { compareText } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { rawLength, writeOid } from '../base/oid.js';
import type { LentObject, ObjectHeader, ObjectPlace, ObjectSource, RawObject } from '../objects/source.js';
import type { Platform } from '../platform/platform.js';
import { BaseCache } from './base-cache.js';
import { BufferPool } from './buffer-pool.js';
import { codeOfKind } from './entry.js';
import type { MultiPackIndex } from './midx.js';
import { openMultiPackIndexes } from './midx.js';
import type { PackShared } from './pack-file.js';
import { PackFile } from './pack-file.js';
import { PackIndex } from './pack-index.js';
import { WindowCache } from './window-cache.js';

export interface PackStoreOptions {
  /** Bytes of packs kept in memory as windows, 32 MiB unless said (`core.packedGitLimit`). */
  readonly windowBytes?: number;
  /** Bytes of delta bases kept, 96 MiB unless said (`core.deltaBaseCacheLimit`). */
  readonly baseBytes?: number;
  /** Use the multi-pack-index where there is one (`core.multiPackIndex`, true unless said). */
  readonly multiPackIndex?: boolean;
  /** Told of broken indexes and packs, which are then passed over. */
  readonly problem?: (error: GitError) => void;
}

/** An object's place: which pack, and where in it. */
export interface PackedPlace {
  readonly pack: PackFile;
  readonly offset: number;
}

/** Open pack files kept; the ones longest unused are closed beyond this. */
const OPEN_PACKS = 64;

/** A directory changed less than this before it was listed may change again without its time showing it. */
const RACY_MILLISECONDS = 2000;

/** The packs of one `objects/pack` directory. Reading is synchronous. */
export class PackStore implements ObjectSource {
  readonly algorithm: HashAlgorithm;
  readonly directory: string;
  readonly #platform: Platform;
  readonly #options: PackStoreOptions;
  readonly #oidLength: number;
  readonly #raw = new Uint8Array(32);
  readonly #shared: PackShared;
  readonly #packs = new Map<string, PackFile>();
  /** Packs that could not be opened, by name: not tried again until a refresh finds the directory changed. */
  readonly #broken = new Set<string>();
  #midxs: MultiPackIndex[] = [];
  /** Packs of each multi-pack-index, opened as needed. */
  #midxPacks: (PackFile | undefined)[][] = [];
  /** Packs in no multi-pack-index, in order of trying. */
  #loose: PackFile[] = [];
  #listed: string | undefined;
  #opened: PackFile[] = [];
  #scratch: Bytes = new Uint8Array(64 << 10);
  #foundOffset = 0;

  constructor(platform: Platform, directory: string, algorithm: HashAlgorithm, options: PackStoreOptions = {}) {
    this.#platform = platform;
    this.directory = directory;
    this.algorithm = algorithm;
    this.#options = options;
    this.#oidLength = rawLength(algorithm);
    const pool = new BufferPool(16 << 20);
    this.#shared = {
      platform,
      pool,
      windows: new WindowCache(options.windowBytes ?? 32 << 20),
      bases: new BaseCache(options.baseBytes ?? 96 << 20, pool),
      inflater: platform.zlib.inflater(),
      scratch: (size) => {
        if (size > this.#scratch.length) {
          // A huge delta gets a buffer of its own, which is not kept.
          if (size > 8 << 20) return new Uint8Array(size);
          this.#scratch = new Uint8Array(size * 2);
        }
        return this.#scratch;
      },
      rescue: (oid, except) => this.#rescue(oid as Oid, except),
    };
  }

  /** Where a damaged delta base is looked for besides the other packs: set by whoever knows all sources. */
  elsewhere: ((oid: Oid) => RawObject | undefined) | undefined;

  #rescue(oid: Oid, except: PackFile): { type: number; data: Bytes } | undefined {
    for (const { pack, offset } of this.places(oid)) {
      if (pack === except) continue;
      try {
        const { kind, data } = pack.read(offset);
        return { type: codeOfKind(kind), data };
      } catch (error) {
        if (!isGitError(error, 'OBJECT_CORRUPT')) throw error;
      }
    }
    const object = this.elsewhere?.(oid);
    return object === undefined ? undefined : { type: codeOfKind(object.kind), data: object.data };
  }

  // Listing and opening

  #ensureListed(): void {
    if (this.#listed === undefined) this.#list();
  }

  /** Objects in all packs, an object in two packs counted twice. */
  get objectCount(): number {
    this.#ensureListed();
    let count = 0;
    for (const midx of this.#midxs) count += midx.count;
    for (const pack of this.#loose) count += pack.index.count;
    return count;
  }

  #stamp(): string {
    const stat = this.#platform.fs.stat(this.directory);
    if (stat === undefined) return 'none';
    const age = this.#platform.now() - stat.mtimeSeconds * 1000;
    const chain = this.#platform.fs.stat(`${this.directory}/multi-pack-index.d`);
    const stamp = `${stat.mtimeSeconds}.${stat.mtimeNanoseconds}.${stat.inode}.${chain?.mtimeNanoseconds ?? ''}`;
    return age < RACY_MILLISECONDS ? `racy ${stamp}` : stamp;
  }

  #list(): void {
    const { fs } = this.#platform;
    this.#listed = this.#stamp();
    this.#broken.clear();
    const entries = fs.readDirectory(this.directory) ?? [];
    const names = new Set<string>();
    for (const { name } of entries) names.add(name);
    for (const midx of this.#midxs) midx.close();
    this.#midxs = [];
    this.#midxPacks = [];
    const covered = new Set<string>();
    if (this.#options.multiPackIndex !== false && (names.has('multi-pack-index') || names.has('multi-pack-index.d'))) {
      this.#midxs = openMultiPackIndexes(fs, this.directory, this.algorithm, this.#options.problem);
      for (const midx of this.#midxs) {
        this.#midxPacks.push(new Array(midx.packNames.length));
        for (const name of midx.packNames) covered.add(name);
      }
    }
    const rest: { pack: string; time: number }[] = [];
    for (const name of names) {
      if (!name.endsWith('.idx') || covered.has(name)) continue;
      if (names.has(`${name.slice(0, -4)}.pack`)) rest.push({ pack: name, time: 0 });
    }
    if (rest.length > 1) {
      for (const entry of rest) {
        const stat = fs.stat(`${this.directory}/${entry.pack.slice(0, -4)}.pack`);
        if (stat !== undefined) entry.time = stat.mtimeSeconds;
      }
      rest.sort((a, b) => b.time - a.time || compareText(a.pack, b.pack));
    }
    for (const [name, pack] of this.#packs) {
      if (names.has(name) && names.has(`${name.slice(0, -4)}.pack`)) continue;
      this.#forget(name, pack);
    }
    this.#loose = [];
    for (const { pack: name } of rest) {
      const pack = this.#pack(name);
      if (pack !== undefined) this.#loose.push(pack);
    }
  }

  #forget(name: string, pack: PackFile): void {
    pack.close();
    pack.index.close();
    this.#shared.bases.drop(pack);
    this.#packs.delete(name);
    this.#opened = this.#opened.filter((other) => other !== pack);
    this.#loose = this.#loose.filter((other) => other !== pack);
  }

  /** The pack of an `.idx` name; `undefined` where it is gone or broken. */
  #pack(name: string): PackFile | undefined {
    const known = this.#packs.get(name);
    if (known !== undefined || this.#broken.has(name)) return known;
    try {
      const index = PackIndex.open(this.#platform.fs, `${this.directory}/${name}`, this.#oidLength);
      if (index === undefined) {
        this.#broken.add(name);
        return undefined;
      }
      const pack = new PackFile(this.#shared, `${this.directory}/${name.slice(0, -4)}.pack`, index);
      this.#packs.set(name, pack);
      return pack;
    } catch (error) {
      if (!isGitError(error, 'OBJECT_CORRUPT')) throw error;
      this.#broken.add(name);
      this.#options.problem?.(error);
      return undefined;
    }
  }

  /** Makes a pack readable; answers false where its file is gone or broken (then it is dropped). */
  #ready(pack: PackFile): boolean {
    if (pack.isOpen) return true;
    const name = pack.index.path.slice(this.directory.length + 1);
    try {
      if (pack.open()) {
        this.#opened.push(pack);
        if (this.#opened.length > OPEN_PACKS) this.#opened.shift()!.close();
        return true;
      }
    } catch (error) {
      if (!isGitError(error, 'OBJECT_CORRUPT')) throw error;
      this.#options.problem?.(error);
    }
    this.#broken.add(name);
    this.#forget(name, pack);
    return false;
  }

  /** Every pack of the directory, those of the multi-pack-index first. */
  packs(): PackFile[] {
    this.#ensureListed();
    const all: PackFile[] = [];
    for (const midx of this.#midxs) {
      for (const name of midx.packNames) {
        const pack = this.#pack(name);
        if (pack !== undefined) all.push(pack);
      }
    }
    return [...all, ...this.#loose];
  }

  get multiPackIndexes(): readonly MultiPackIndex[] {
    this.#ensureListed();
    return this.#midxs;
  }

  // Lookup

  #midxPack(layer: number, number: number): PackFile | undefined {
    const packs = this.#midxPacks[layer]!;
    const known = packs[number];
    if (known !== undefined && !this.#broken.has(this.#midxs[layer]!.packNames[number]!)) return known;
    const name = this.#midxs[layer]!.packNames[number];
    return name === undefined ? undefined : (packs[number] = this.#pack(name));
  }

  /** The pack that has the raw name, with the offset in `#foundOffset`. */
  #find(raw: Bytes, at = 0): PackFile | undefined {
    for (let layer = 0; layer < this.#midxs.length; layer++) {
      const midx = this.#midxs[layer]!;
      const row = midx.find(raw, at);
      if (row < 0) continue;
      const offset = midx.offsetAt(row);
      const pack = this.#midxPack(layer, midx.packNumber);
      if (pack === undefined || !this.#ready(pack)) continue;
      this.#foundOffset = offset;
      return pack;
    }
    for (let i = 0; i < this.#loose.length; i++) {
      const pack = this.#loose[i]!;
      const row = pack.index.find(raw, at);
      if (row < 0) continue;
      if (!this.#ready(pack)) {
        i = -1;
        continue;
      }
      if (i > 0) {
        // The next object is most likely in the same pack.
        this.#loose.splice(i, 1);
        this.#loose.unshift(pack);
      }
      this.#foundOffset = pack.index.offsetAt(row);
      return pack;
    }
    return undefined;
  }

  #findOid(oid: string): PackFile | undefined {
    this.#ensureListed();
    if (oid.length !== this.#oidLength * 2) return undefined;
    writeOid(oid, this.#raw, 0);
    return this.#find(this.#raw);
  }

  /** Where an object lies; the first place where it is in several packs. */
  locate(oid: Oid): PackedPlace | undefined {
    const pack = this.#findOid(oid);
    return pack === undefined ? undefined : { pack, offset: this.#foundOffset };
  }

  /** The same by raw name, for callers that have no string. */
  locateRaw(raw: Bytes, at = 0): PackedPlace | undefined {
    this.#ensureListed();
    const pack = this.#find(raw, at);
    return pack === undefined ? undefined : { pack, offset: this.#foundOffset };
  }

  /** Every copy of an object. */
  places(oid: Oid): PackedPlace[] {
    this.#ensureListed();
    const raw = new Uint8Array(this.#oidLength);
    writeOid(oid, raw, 0);
    const places: PackedPlace[] = [];
    for (const pack of this.packs()) {
      const row = pack.index.find(raw);
      if (row >= 0 && this.#ready(pack)) places.push({ pack, offset: pack.index.offsetAt(row) });
    }
    return places;
  }

  /** Runs `use` on the copies of an object until one is good. */
  #tryCopies<T>(oid: Oid, use: (pack: PackFile, offset: number) => T): T | undefined {
    const pack = this.#findOid(oid);
    if (pack === undefined) return undefined;
    const offset = this.#foundOffset;
    try {
      return use(pack, offset);
    } catch (error) {
      if (!isGitError(error, 'OBJECT_CORRUPT')) throw error;
      for (const other of this.places(oid)) {
        if (other.pack === pack) continue;
        try {
          return use(other.pack, other.offset);
        } catch (again) {
          if (!isGitError(again, 'OBJECT_CORRUPT')) throw again;
        }
      }
      throw new GitError('OBJECT_CORRUPT', `packed object ${oid} (stored in ${pack.path}) is corrupt`, {
        data: { oid, file: pack.path, reason: error.data['reason'] ?? error.message },
        cause: error,
      });
    }
  }

  has(oid: Oid): boolean {
    return this.#findOid(oid) !== undefined;
  }

  /** Packs marked as used by this process: once is enough. */
  readonly #freshened = new Set<PackFile>();

  freshen(oid: Oid): boolean {
    const { fs } = this.#platform;
    const first = this.#findOid(oid);
    if (first === undefined) return false;
    if (this.#freshened.has(first)) return true;
    for (const { pack } of this.places(oid)) {
      // What is only in a cruft pack is about to go: its time is kept for each object, not for the pack.
      if (fs.lstat(pack.path.replace(/\.pack$/, '.mtimes')) !== undefined) continue;
      const now = this.#platform.now() / 1000;
      try {
        fs.setTimes(pack.path, now, now);
      } catch {
        continue;
      }
      this.#freshened.add(pack);
      return true;
    }
    return false;
  }

  read(oid: Oid): RawObject | undefined {
    return this.#tryCopies(oid, (pack, offset) => pack.read(offset));
  }

  readPassing(raw: Bytes): RawObject | undefined {
    this.#ensureListed();
    return this.#find(raw)?.read(this.#foundOffset);
  }

  borrow(raw: Bytes, at: number): LentObject | undefined {
    this.#ensureListed();
    return this.#find(raw, at)?.lend(this.#foundOffset);
  }

  readHeader(oid: Oid): ObjectHeader | undefined {
    return this.#tryCopies(oid, (pack, offset) => pack.readHeader(offset));
  }

  place(oid: Oid): ObjectPlace | undefined {
    return this.#tryCopies(oid, (pack, offset) => {
      const { diskSize, baseOffset } = pack.place(offset);
      if (baseOffset < 0) return { diskSize };
      const order = pack.index.orderOf(baseOffset);
      if (order < 0) throw new GitError('OBJECT_CORRUPT', `delta base of ${oid} is not in the index of ${pack.path}`);
      return { diskSize, deltaBase: pack.index.oidAt(pack.index.packOrder[order]!) };
    });
  }

  /** How many hex digits the id shares with the nearest other ids of the packs. */
  sharedDigits(oid: Oid): number {
    this.#ensureListed();
    writeOid(oid, this.#raw, 0);
    let most = 0;
    for (const midx of this.#midxs) most = Math.max(most, midx.sharedDigits(this.#raw));
    for (const { index } of this.#loose) most = Math.max(most, index.sharedDigits(this.#raw));
    return most;
  }

  findPrefix(prefix: string): Oid[] {
    this.#ensureListed();
    const found = new Set<Oid>();
    const indexes: readonly { prefixRange(p: string): readonly [number, number]; oidAt(row: number): Oid }[] = [
      ...this.#midxs,
      ...this.#loose.map((pack) => pack.index),
    ];
    for (const index of indexes) {
      const [low, high] = index.prefixRange(prefix);
      for (let row = low; row < high; row++) found.add(index.oidAt(row));
    }
    return [...found];
  }

  *list(): Iterable<Oid> {
    this.#ensureListed();
    for (const midx of [...this.#midxs]) for (let row = 0; row < midx.count; row++) yield midx.oidAt(row);
    for (const pack of [...this.#loose]) for (let row = 0; row < pack.index.count; row++) yield pack.index.oidAt(row);
  }

  refresh(): void {
    if (this.#listed === undefined) return;
    const stamp = this.#stamp();
    if (stamp !== this.#listed || stamp.startsWith('racy')) this.#list();
  }

  close(): void {
    for (const pack of this.#packs.values()) {
      pack.close();
      pack.index.close();
      this.#shared.bases.drop(pack);
    }
    for (const midx of this.#midxs) midx.close();
    this.#packs.clear();
    this.#midxs = [];
    this.#midxPacks = [];
    this.#loose = [];
    this.#opened = [];
    this.#listed = undefined;
  }
}
