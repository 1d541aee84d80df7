import type { Bytes } from '../base/bytes.js';
import { compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { oidFromBytes, rawLength, zeroOid } from '../base/oid.js';
import { LockFile } from '../platform/lock.js';
import type { Platform } from '../platform/platform.js';
import type { CacheTree } from './cache-tree.js';
import { invalidateCacheTree, parseCacheTree, rootOfCacheTree } from './cache-tree.js';
import type { IndexEntry } from './index-entry.js';
import { compareIndexEntries } from './index-entry.js';
import type { ParsedIndex } from './index-parse.js';
import { mergeSplitIndex, parseIndex } from './index-parse.js';
import type { IndexRows } from './index-rows.js';
import { STAT_WORDS } from './index-rows.js';
import type { SerializeIndexOptions } from './index-serialize.js';
import { serializeIndex } from './index-serialize.js';
import type { SplitSettings } from './split-index.js';
import { keepShared, splitForWriting } from './split-index.js';
import type { ResolvedSide, ResolveUndo } from './resolve-undo.js';
import type { UntrackedCache } from './untracked-cache.js';
import { parseUntrackedCache, serializeUntrackedCache } from './untracked-cache.js';

/** What reading and writing an index needs to know. */
export interface IndexPlace {
  readonly platform: Platform;
  readonly algorithm: HashAlgorithm;
  /** The index file. */
  readonly path: string;
  /** Where `sharedindex.<id>` files of split indexes lie: the git directory. */
  readonly directory: string;
}

export interface Timestamp {
  readonly seconds: number;
  readonly nanoseconds: number;
}

export type AddOutcome = 'added' | 'replaced' | 'exists' | 'conflict';

export interface AddOptions {
  /** Remove entries that are in the way (a file where a directory must be, or the other way round). */
  readonly replace?: boolean;
  /** Do not look for such entries: the caller knows that there are none. */
  readonly unchecked?: boolean;
  /** An entry of the same path and stage is left as it is. */
  readonly newOnly?: boolean;
  /** The directory's tree does not change by this (a stat refresh, a staged tree being read). */
  readonly keepCacheTree?: boolean;
}

/**
 * The index: sorted entries and what else the file remembers. Changing it here touches memory only; see `lockIndex`.
 */
export class Index {
  readonly algorithm: HashAlgorithm;
  version: 2 | 3 | 4;
  /** The file's rows as they were read, until somebody needs (and may change) all entries. */
  rows: IndexRows | undefined;
  #entries: IndexEntry[] = [];
  #cacheTree: CacheTree | undefined;
  /** `TREE` as it was read, until somebody asks. */
  #storedCacheTree: Bytes | undefined;
  resolveUndo: ResolveUndo | undefined;
  #untrackedCache: UntrackedCache | undefined;
  /** `UNTR` as it was read, until somebody asks. */
  #storedUntrackedCache: Bytes | undefined;
  fsmonitor: Bytes | undefined;
  sparseDirectories = false;
  /** It had such entries, which stand for the files in them now. */
  expanded = false;
  /** The shared file this index was read over, with its rows. */
  shared:
    | { readonly oid: Oid; readonly entries: readonly IndexEntry[]; readonly deleted: readonly number[] }
    | undefined;
  /** Written as a shared file and one of its own. */
  split = false;
  /** The next shared file is made anew. */
  renewShared = false;
  /** When the file was written: entries not older are racy. Absent for an index that was never on disk. */
  timestamp: Timestamp | undefined;
  /** The checksum the file had. */
  checksum: Oid | undefined;
  /** Something differs from the file: worth writing. */
  changed = false;
  /** A file was there. */
  existed = false;
  #folded: Map<string, string> | undefined;

  constructor(algorithm: HashAlgorithm, version: 2 | 3 | 4 = 2) {
    this.algorithm = algorithm;
    this.version = version;
  }

  get oidLength(): 20 | 32 {
    return rawLength(this.algorithm);
  }

  get cacheTree(): CacheTree | undefined {
    if (this.#storedCacheTree !== undefined) {
      this.#cacheTree = parseCacheTree(this.#storedCacheTree, this.oidLength);
      this.#storedCacheTree = undefined;
    }
    return this.#cacheTree;
  }

  set cacheTree(tree: CacheTree | undefined) {
    this.#cacheTree = tree;
    this.#storedCacheTree = undefined;
  }

  set storedCacheTree(data: Bytes | undefined) {
    this.#storedCacheTree = data;
  }

  get untrackedCache(): UntrackedCache | undefined {
    if (this.#storedUntrackedCache !== undefined) {
      this.#untrackedCache = parseUntrackedCache(this.#storedUntrackedCache, this.oidLength);
      this.#storedUntrackedCache = undefined;
    }
    return this.#untrackedCache;
  }

  set untrackedCache(cache: UntrackedCache | undefined) {
    this.#untrackedCache = cache;
    this.#storedUntrackedCache = undefined;
  }

  /** The same as bytes. */
  get untrackedExtension(): Bytes | undefined {
    if (this.#storedUntrackedCache !== undefined) return this.#storedUntrackedCache;
    return this.#untrackedCache === undefined ? undefined : serializeUntrackedCache(this.#untrackedCache);
  }

  set untrackedExtension(data: Bytes | undefined) {
    this.#storedUntrackedCache = data;
    this.#untrackedCache = undefined;
  }

  get hasUntrackedCache(): boolean {
    return (this.#storedUntrackedCache ?? this.#untrackedCache) !== undefined;
  }

  /** True when the cache tree says that the entries make just this tree. */
  makesTree(tree: Oid): boolean {
    const stored = this.#storedCacheTree;
    const root = stored === undefined ? this.#cacheTree : rootOfCacheTree(stored, this.oidLength);
    return root !== undefined && root.entryCount === this.count && root.oid === tree;
  }

  /** In order; treat as read-only and use the methods. Where it is enough, ask for single rows: that is faster. */
  get entries(): IndexEntry[] {
    if (this.rows !== undefined) {
      this.#entries = this.rows.entries();
      this.rows = undefined;
    }
    return this.#entries;
  }

  set entries(entries: IndexEntry[]) {
    this.#entries = entries;
    this.rows = undefined;
  }

  get count(): number {
    return this.rows?.count ?? this.#entries.length;
  }

  /** The path of each entry, for many looks. */
  get paths(): readonly string[] {
    return this.rows?.paths ?? this.#entries.map((entry) => entry.path);
  }

  pathAt(i: number): string {
    return this.rows === undefined ? this.#entries[i]!.path : this.rows.paths[i]!;
  }

  entryAt(i: number): IndexEntry {
    return this.rows === undefined ? this.#entries[i]! : this.rows.entry(i);
  }

  /** Known in this process to equal its file. */
  isFreshAt(i: number): boolean {
    return this.rows === undefined ? this.#entries[i]!.fresh : this.rows.fresh[i] === 1;
  }

  /** The first entry from `i` on that is not; `count` where there is none. */
  nextStale(i: number): number {
    const { rows } = this;
    if (rows !== undefined) {
      const at = rows.fresh.indexOf(0, i);
      return at < 0 ? rows.count : at;
    }
    let at = i;
    while (at < this.#entries.length && this.#entries[at]!.fresh) at++;
    return at;
  }

  stageAt(i: number): number {
    const flags = this.rows === undefined ? this.#entries[i]!.flags : this.rows.flags[i]!;
    return (flags >> 12) & 3;
  }

  /** True when an entry must be written again for its stat words to prove anything. */
  get hasRacy(): boolean {
    const { timestamp, rows } = this;
    if (timestamp === undefined || timestamp.seconds === 0) return false;
    if (rows === undefined) return this.#entries.some((entry) => this.isRacy(entry));
    const { words, at: starts, aligned, count } = rows;
    const width = STAT_WORDS;
    for (let i = 0; i < count; i++) {
      const at = (aligned ? starts[i]! >>> 2 : i * width) + 2;
      if (words[at]! >= timestamp.seconds && isOlder(timestamp, words[at]!, words[at + 1]!)) return true;
    }
    return false;
  }

  /** The place of a path and stage in `entries`, or `-1 - place` where it would go. */
  position(path: string, stage = 0): number {
    let low = 0;
    let high = this.count;
    // Who adds in order always asks for what comes last.
    if (high > 0 && compareText(this.pathAt(high - 1), path) < 0) return -1 - high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareText(this.pathAt(middle), path) || this.stageAt(middle) - stage;
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1 - low;
  }

  get(path: string, stage = 0): IndexEntry | undefined {
    const at = this.position(path, stage);
    return at < 0 ? undefined : this.entryAt(at);
  }

  /** The place of the first entry of a path, whatever its stage, or -1. */
  firstOf(path: string): number {
    let at = this.position(path, 0);
    if (at < 0) at = -1 - at;
    return at < this.count && this.pathAt(at) === path ? at : -1;
  }

  /** True when the path is there, merged or not. */
  has(path: string): boolean {
    return this.firstOf(path) >= 0;
  }

  /** Every stage of a path, in order. */
  stages(path: string): IndexEntry[] {
    const out: IndexEntry[] = [];
    const first = this.firstOf(path);
    for (let at = first; at >= 0 && at < this.count && this.pathAt(at) === path; at++) out.push(this.entryAt(at));
    return out;
  }

  /** Where the entries below a directory begin and end. `''` is everything. */
  range(directory: string): { start: number; end: number } {
    if (directory === '') return { start: 0, end: this.count };
    const edge = (path: string): number => {
      const at = this.position(path, 0);
      return at < 0 ? -1 - at : at;
    };
    // '0' follows '/' in byte order.
    return { start: edge(`${directory}/`), end: edge(`${directory}0`) };
  }

  /** True when something below `directory` is tracked. */
  hasDirectory(directory: string): boolean {
    const prefix = `${directory}/`;
    const at = this.position(prefix, 0);
    const first = at < 0 ? -1 - at : at;
    return first < this.count && this.pathAt(first).startsWith(prefix);
  }

  get hasConflicts(): boolean {
    if (this.rows !== undefined) return (this.rows.seenFlags & 0x3000) !== 0;
    return this.#entries.some((entry) => (entry.flags & 0x3000) !== 0);
  }

  /** Paths with stages, each once. */
  conflictedPaths(): string[] {
    const paths: string[] = [];
    if (!this.hasConflicts) return paths;
    for (const entry of this.entries) {
      if (entry.stage !== 0 && paths[paths.length - 1] !== entry.path) paths.push(entry.path);
    }
    return paths;
  }

  /**
   * Puts an entry in. A merged entry (stage 0) takes the place of all stages of its path. `conflict`: a file is in the
   * way of a directory, or the other way round, and `replace` was not given; nothing was changed.
   */
  add(entry: IndexEntry, options: AddOptions = {}): AddOutcome {
    const { entries } = this;
    const last = entries[entries.length - 1];
    const appends = last === undefined || compareIndexEntries(last, entry) < 0;
    let at = appends ? -1 - entries.length : this.position(entry.path, entry.stage);
    if (at >= 0) {
      if (options.newOnly === true) return 'exists';
      this.#touch(entry.path, options, false);
      entries[at] = entry;
      return 'replaced';
    }
    at = -1 - at;
    if (entry.stage === 0 && entries[at]?.path === entry.path) {
      this.#touch(entry.path, options);
      while (entries[at]?.path === entry.path) this.#removeAt(at);
      entries.splice(at, 0, entry);
      return 'replaced';
    }
    if (options.unchecked !== true && !this.#clearWay(entry, options.replace === true)) return 'conflict';
    this.#touch(entry.path, options);
    this.#folded = undefined;
    if (appends && entries[entries.length - 1] === last) entries.push(entry);
    else {
      at = this.position(entry.path, entry.stage);
      entries.splice(-1 - at, 0, entry);
    }
    return 'added';
  }

  /** `names`: a name comes or goes, not only what it stands for. */
  #touch(path: string, options: AddOptions, names = true): void {
    this.changed = true;
    if (options.keepCacheTree !== true) invalidateCacheTree(this.cacheTree, path);
    if (names) this.untrackedCache?.invalidate(path);
  }

  /** File/directory conflicts of one stage: files at the directories above, or things below. */
  #clearWay(entry: IndexEntry, replace: boolean): boolean {
    const { path, stage } = entry;
    const inTheWay: string[] = [];
    let slash = path.lastIndexOf('/');
    const last = this.#entries[this.#entries.length - 1];
    // With a neighbour in the same directory, none of the directories above is a file.
    if (slash > 0 && last?.stage === stage && last.path.startsWith(path.slice(0, slash + 1))) slash = -1;
    for (; slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const parent = path.slice(0, slash);
      if (this.position(parent, stage) >= 0) inTheWay.push(parent);
    }
    const prefix = `${path}/`;
    let at = this.position(prefix, 0);
    if (at < 0) at = -1 - at;
    for (; this.entries[at]?.path.startsWith(prefix) === true; at++) {
      if (this.entries[at]!.stage === stage) inTheWay.push(this.entries[at]!.path);
    }
    if (inTheWay.length === 0) return true;
    if (!replace) return false;
    for (const other of inTheWay) {
      const place = this.position(other, stage);
      if (place >= 0) {
        invalidateCacheTree(this.cacheTree, other);
        this.untrackedCache?.invalidate(other);
        this.#removeAt(place);
      }
    }
    return true;
  }

  /** Removes one row; a stage of a conflict is remembered in `resolveUndo`. */
  #removeAt(at: number): void {
    const [entry] = this.entries.splice(at, 1);
    if (entry !== undefined && entry.stage !== 0) this.recordResolved(entry);
    this.#folded = undefined;
  }

  /** Remembers a side of a conflict about to be resolved. */
  recordResolved(entry: IndexEntry): void {
    this.resolveUndo ??= new Map();
    const sides: (ResolvedSide | undefined)[] = [
      ...(this.resolveUndo.get(entry.path) ?? [undefined, undefined, undefined]),
    ];
    sides[entry.stage - 1] = { mode: entry.mode, oid: entry.oid };
    this.resolveUndo.set(
      entry.path,
      sides as [ResolvedSide | undefined, ResolvedSide | undefined, ResolvedSide | undefined],
    );
  }

  /** Removes all stages of a path; answers whether there were any. */
  remove(path: string): boolean {
    const at = this.firstOf(path);
    // Also when nothing is there: git forgets the trees above, and one at the path itself, all the same.
    this.#touch(path, {});
    if (at < 0) return false;
    while (this.entries[at]?.path === path) this.#removeAt(at);
    return true;
  }

  /** Removes many paths in one pass. */
  removeAll(paths: ReadonlySet<string>): void {
    if (paths.size === 0) return;
    const kept: IndexEntry[] = [];
    for (const entry of this.entries) {
      if (!paths.has(entry.path)) kept.push(entry);
      else {
        this.#touch(entry.path, {});
        if (entry.stage !== 0) this.recordResolved(entry);
      }
    }
    this.entries = kept;
    this.#folded = undefined;
  }

  /** Puts many merged entries in, in one pass: what `add` with `replace` would do for each. */
  addAll(added: readonly IndexEntry[]): void {
    if (added.length === 0) return;
    if (added.length < 8) {
      for (const entry of added) this.add(entry, { replace: true });
      return;
    }
    const sorted = [...added].sort(compareIndexEntries);
    const out: IndexEntry[] = [];
    const fresh = new Set<string>();
    let i = 0;
    let old = 0;
    while (i < sorted.length || old < this.entries.length) {
      const next = sorted[i];
      const before = this.entries[old];
      const order = next === undefined ? -1 : before === undefined ? 1 : compareText(before.path, next.path);
      if (order < 0) out.push(this.entries[old++]!);
      else if (order > 0) {
        fresh.add(next!.path);
        out.push(next!);
        i++;
      } else {
        if (before!.stage !== 0) this.recordResolved(before!);
        old++;
        if (this.entries[old]?.path === next!.path) continue;
        out.push(next!);
        i++;
      }
      if (next !== undefined && order >= 0) this.#touch(next.path, {}, order > 0 || before!.stage !== 0);
    }
    this.entries = out;
    this.#folded = undefined;
    if (fresh.size > 0) this.#dropCovered(new Set(sorted.map((entry) => entry.path)), fresh);
  }

  /** After `addAll`: old files where there now are directories, and old things below new files, go. */
  #dropCovered(added: ReadonlySet<string>, fresh: ReadonlySet<string>): void {
    const parents = new Set<string>();
    for (const path of fresh) {
      for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
        const parent = path.slice(0, slash);
        if (parents.has(parent)) break;
        parents.add(parent);
      }
    }
    const gone = new Set<string>();
    for (const { path } of this.entries) {
      if (added.has(path)) continue;
      if (parents.has(path)) gone.add(path);
      for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
        if (fresh.has(path.slice(0, slash))) gone.add(path);
      }
    }
    this.removeAll(gone);
  }

  /** Puts other stat words (or flags that no tree shows) in the place of an entry. */
  refreshAt(at: number, entry: IndexEntry): void {
    this.entries[at] = entry;
    this.changed = true;
  }

  /** Replaces all entries (a tree was read); they must be in order. */
  setEntries(entries: IndexEntry[]): void {
    if (this.hasUntrackedCache) {
      const before = new Set(this.paths);
      const after = new Set(entries.map(({ path }) => path));
      for (const path of before) if (!after.has(path)) this.untrackedCache?.invalidate(path);
      for (const path of after) if (!before.has(path)) this.untrackedCache?.invalidate(path);
    }
    this.entries = entries;
    this.changed = true;
    this.cacheTree = undefined;
    this.#folded = undefined;
  }

  /** The tracked spelling of a path when letter case is ignored (`core.ignoreCase`), or `undefined`. */
  findIgnoringCase(path: string): string | undefined {
    if (this.#folded === undefined) {
      this.#folded = new Map();
      for (const entry of this.entries) this.#folded.set(foldAscii(entry.path), entry.path);
    }
    return this.#folded.get(foldAscii(path));
  }

  /**
   * True when the entry's file may have changed in the same tick of the clock after the index was written: equal stat
   * words then prove nothing.
   */
  isRacy(entry: IndexEntry): boolean {
    return this.isRacyTime(entry.mtimeSeconds, entry.mtimeNanoseconds);
  }

  /** The same for anything last changed then. */
  isRacyTime(seconds: number, nanoseconds: number): boolean {
    const { timestamp } = this;
    return timestamp !== undefined && timestamp.seconds !== 0 && isOlder(timestamp, seconds, nanoseconds);
  }
}

/** The time the index was written is not later than a file's. */
function isOlder(index: Timestamp, seconds: number, nanoseconds: number): boolean {
  return index.seconds < seconds || (index.seconds === seconds && index.nanoseconds <= nanoseconds);
}

/** ASCII letters in lower case: how git folds names. */
const foldAscii = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** Reads the index; an empty one when there is no file. Throws `OBJECT_CORRUPT` or `UNSUPPORTED` in git's words. */
export function readIndex(place: IndexPlace): Index {
  const handle = place.platform.fs.open(place.path);
  if (handle === undefined) return new Index(place.algorithm);
  let data: Bytes;
  let timestamp: Timestamp;
  try {
    const stat = handle.stat();
    timestamp = { seconds: stat.mtimeSeconds, nanoseconds: stat.mtimeNanoseconds };
    data = handle.read(0, stat.size);
  } finally {
    handle.close();
  }
  const parsed = parseIndex(data, place.algorithm, place.path);
  const index = new Index(place.algorithm, parsed.version);
  index.existed = true;
  index.timestamp = timestamp;
  index.checksum = parsed.checksum;
  index.storedCacheTree = parsed.cacheTree;
  index.resolveUndo = parsed.resolveUndo;
  index.untrackedExtension = parsed.untrackedExtension;
  index.fsmonitor = parsed.fsmonitor;
  index.sparseDirectories = parsed.sparseDirectories;
  if (parsed.link === undefined) index.rows = parsed.rows;
  else index.entries = readShared(place, parsed, index);
  return index;
}

function readShared(place: IndexPlace, parsed: ParsedIndex, index: Index): IndexEntry[] {
  const link = parsed.link!;
  if (link.base === undefined) return parsed.rows.entries();
  const { fs } = place.platform;
  const name = `sharedindex.${link.base}`;
  const file = `${place.directory}/${name}`;
  // An index of another place may have its shared file beside it.
  const data = fs.readFile(file) ?? fs.readFile(place.path.slice(0, place.path.lastIndexOf('/') + 1) + name);
  if (data === undefined)
    throw new GitError('OBJECT_CORRUPT', `${file}: index file open failed: No such file or directory`);
  const base = parseIndex(data, place.algorithm, file);
  if (base.checksum !== link.base) {
    throw new GitError('OBJECT_CORRUPT', `broken index, expect ${link.base} in ${file}, got ${base.checksum}`);
  }
  const entries = base.rows.entries();
  index.shared = { oid: link.base, entries, deleted: link.deleted };
  keepShared(place, link.base);
  index.split = true;
  return mergeSplitIndex(entries, link, parsed.rows.entries());
}

/** Checks the trailing checksum of an index file, as `git fsck` does. */
export function verifyIndexChecksum(platform: Pick<Platform, 'hash'>, data: Bytes, algorithm: HashAlgorithm): boolean {
  const length = rawLength(algorithm);
  const stored = oidFromBytes(data, data.length - length, length);
  return stored === zeroOid(algorithm) || platform.hash(algorithm, data.subarray(0, data.length - length)) === stored;
}

export interface WriteIndexOptions extends SerializeIndexOptions {
  /**
   * Tells whether a racily clean entry's file differs from it now; such entries are written with size 0, so that the
   * next reader compares contents.
   */
  readonly isModified?: (entry: IndexEntry) => boolean;
  readonly sync?: boolean;
  /** How a split index is split; absent where it is written whole in any case. */
  readonly split?: SplitSettings | undefined;
}

/** Takes `index.lock`. Throws `LOCKED` in git's words. */
export const lockIndex = (place: IndexPlace): LockFile => LockFile.acquire(place.platform.fs, place.path);

/** Writes the index into its lock and puts it in place. */
export function commitIndex(place: IndexPlace, index: Index, lock: LockFile, options: WriteIndexOptions = {}): void {
  writeIndex(place, index, lock, options);
  lock.commit();
}

/** Writes the index into its lock, without letting go of it: a hook may read the lock file, as `git commit` lets it. */
export function writeIndex(place: IndexPlace, index: Index, lock: LockFile, options: WriteIndexOptions = {}): void {
  smudgeRacyEntries(index, options.isModified);
  const parts = index.split && options.split !== undefined ? splitForWriting(place, index, options.split) : undefined;
  if (parts === undefined) index.shared = undefined;
  const data = serializeIndex(place.platform, parts ?? index, place.algorithm, options);
  lock.write(data);
  if (options.sync === true) lock.handle.sync();
  const stat = lock.handle.stat();
  index.timestamp = { seconds: stat.mtimeSeconds, nanoseconds: stat.mtimeNanoseconds };
  index.checksum = oidFromBytes(data, data.length - index.oidLength, index.oidLength);
  index.changed = false;
  index.existed = true;
  lock.close();
}

function smudgeRacyEntries(index: Index, isModified: ((entry: IndexEntry) => boolean) | undefined): void {
  if (isModified === undefined) return;
  const { entries } = index;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry.fresh || entry.size === 0 || !index.isRacy(entry)) continue;
    if (isModified(entry)) entries[i] = entry.withSize(0);
  }
}
