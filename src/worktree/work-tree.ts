import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { oid as toOid } from '../base/oid.js';
import { isGitlinkMode, isRegularMode, isSymlinkMode } from '../objects/mode.js';
import type { FileStat, FileSystem } from '../platform/fs.js';
import { LockFile } from '../platform/lock.js';
import { parseExpiryDate } from '../repo/dates.js';
import type { Repository } from '../repo/repository.js';
import type { AttributeDirection } from './attributes-reader.js';
import { AttributeReader } from './attributes-reader.js';
import { addUntrackedCache, cacheWish, removeUntrackedCache } from './cached-walk.js';
import type { CleanOptions } from './convert.js';
import { Converter } from './convert.js';
import { nestedHead } from './gitlink.js';
import { Ignores } from './ignore.js';
import type { IndexEntry } from './index-entry.js';
import type { IndexPlace, WriteIndexOptions } from './index-file.js';
import { commitIndex, type Index, readIndex, writeIndex } from './index-file.js';
import { markCleanRows } from './mark-clean.js';
import { expandSparseIndex } from './sparse-index.js';
import type { SplitSettings } from './split-index.js';
import type { StatRules } from './stat-match.js';
import { CHANGED_DATA, CHANGED_MODE, CHANGED_TYPE, changedByStat } from './stat-match.js';

export interface WorkTreeOptions {
  /** Told what git prints as `warning: …` and `error: …`. */
  readonly warn?: ((message: string) => void) | undefined;
  readonly error?: ((message: string) => void) | undefined;
  readonly attributes?: AttributeDirection;
  /** Another index file than the repository's (a temporary one). */
  readonly indexFile?: string | undefined;
}

/**
 * The files on disk together with the index and the rules about them: modes, ignore and attribute rules, conversions.
 * Works without a work tree too, for what only concerns the index.
 */
export class WorkTree {
  readonly repository: Repository;
  readonly fs: FileSystem;
  /** Absolute, without a trailing `/`; '' where there is no work tree. */
  readonly root: string;
  readonly rules: StatRules;
  readonly ignoreCase: boolean;
  readonly place: IndexPlace;
  readonly warn: (message: string) => void;
  readonly error: (message: string) => void;
  readonly #options: WorkTreeOptions;
  #index: Index | undefined;
  #attributes: AttributeReader | undefined;
  #converter: Converter | undefined;
  #ignores: Ignores | undefined;

  constructor(repository: Repository, options: WorkTreeOptions = {}) {
    this.repository = repository;
    this.#options = options;
    this.fs = repository.platform.fs;
    this.root = repository.workTree === '/' ? '' : (repository.workTree ?? '');
    this.warn = options.warn ?? (() => {});
    this.error = options.error ?? (() => {});
    const { config } = repository;
    this.rules = {
      fileMode: config.getBool('core.filemode', true),
      symlinks: config.getBool('core.symlinks', true),
      trustCtime: config.getBool('core.trustctime', true),
      checkStat: config.get('core.checkstat')?.toLowerCase() !== 'minimal',
    };
    this.ignoreCase = config.getBool('core.ignorecase', false);
    this.place = {
      platform: repository.platform,
      algorithm: repository.objectFormat,
      path: options.indexFile ?? repository.path('index'),
      directory: repository.gitDir,
    };
  }

  /** The work tree's root. Throws where there is none. */
  requireRoot(): string {
    if (this.repository.workTree === undefined) {
      if (this.repository.contradictory) {
        throw new GitError('CONFIG', 'unable to set up work tree using invalid config');
      }
      throw new GitError('USAGE', 'this operation must be run in a work tree');
    }
    return this.root;
  }

  /** The index, read once. */
  get index(): Index {
    this.#index ??= this.#read();
    return this.#index;
  }

  set index(index: Index) {
    this.#index = index;
  }

  #read(): Index {
    const index = readIndex(this.place);
    if (!index.existed) index.version = this.#newVersion();
    const { config, env } = this.repository;
    const wanted = env['GIT_TEST_SPLIT_INDEX'] === '1' ? true : config.getBool('core.splitindex');
    if (wanted !== undefined && wanted !== index.split) {
      index.split = wanted;
      index.changed = true;
    }
    this.#index = index;
    expandSparseIndex(index, this.repository.objects);
    // No monitor is asked here, and what one said of the rows before holds no longer once they change.
    if (index.fsmonitor !== undefined) {
      index.fsmonitor = undefined;
      index.changed = true;
    }
    const cached = cacheWish(this);
    if (cached === true) addUntrackedCache(this);
    else if (cached === false) removeUntrackedCache(this);
    return index;
  }

  /** Reads the index again. */
  reloadIndex(): Index {
    this.#index = this.#read();
    return this.#index;
  }

  /** The format of an index that is made now: `GIT_INDEX_VERSION`, `index.version`, `feature.manyFiles`. */
  #newVersion(): 2 | 3 | 4 {
    const { config, env } = this.repository;
    const named = env['GIT_INDEX_VERSION'];
    let version = named === undefined || named === '' ? undefined : Number(named);
    if (version !== undefined && version !== 2 && version !== 3 && version !== 4) {
      this.warn('GIT_INDEX_VERSION set, but the value is invalid.\nUsing version 3');
      return 3;
    }
    version ??= config.getInt('index.version') ?? (config.getBool('feature.manyfiles', false) ? 4 : undefined);
    if (version === undefined) return 2;
    if (version !== 2 && version !== 3 && version !== 4) {
      this.warn('index.version set, but the value is invalid.\nUsing version 3');
      return 3;
    }
    return version;
  }

  /** `index.lock`. Throws `LOCKED`. */
  lockIndex(): LockFile {
    return LockFile.acquire(this.fs, this.place.path);
  }

  /** `undefined` where somebody else holds it: for optional refreshes. */
  tryLockIndex(): LockFile | undefined {
    try {
      return LockFile.tryAcquire(this.fs, this.place.path);
    } catch {
      return undefined;
    }
  }

  #writeOptions(): WriteIndexOptions {
    const { config } = this.repository;
    const threads = config.getBoolOrInt('index.threads');
    const many = config.has('index.threads') && threads !== 1 && threads !== false;
    const blocks = many && (config.getBool('index.recordoffsettable') ?? true) ? this.#offsetBlocks(threads) : 1;
    return {
      isModified: (entry) => this.#racilyModified(entry),
      skipHash: config.getBool('index.skiphash') ?? config.getBool('feature.manyfiles', false),
      recordEnd: config.getBool('index.recordendofindexentries') ?? many,
      offsetBlocks: blocks,
      ...(this.index.split && this.#options.indexFile === undefined ? { split: this.#splitSettings() } : {}),
      sync: this.repository.syncs('index'),
    };
  }

  #splitSettings(): SplitSettings {
    const { config } = this.repository;
    const percent = config.getInt('splitindex.maxpercentchange');
    if (percent !== undefined && (percent < 0 || percent > 100)) {
      this.warn(`splitIndex.maxPercentChange value '${percent}' should be between 0 and 100`);
    }
    const expire = config.get('splitindex.sharedindexexpire') ?? '2.weeks.ago';
    return {
      maxPercentChange: percent === undefined || percent < 0 || percent > 100 ? 20 : percent,
      expire: /^(never|false)$/.test(expire) ? undefined : parseExpiryDate(expire, this.repository.clock),
    };
  }

  #offsetBlocks(threads: number | boolean | undefined): number {
    const entries = this.index.count;
    const wanted = typeof threads === 'number' && threads > 1 ? threads : Math.floor(entries / 10000);
    return Math.min(wanted, entries);
  }

  /** Writes the index through its lock. */
  commitIndex(lock: LockFile, index = this.index): void {
    commitIndex(this.place, index, lock, this.#writeOptions());
    this.tellOfIndex();
  }

  /**
   * What changed along with the index that is about to be written: files were checked out, or entries may have lost or
   * got the bit that keeps them from being checked out.
   */
  alongWithIndex: 'files' | 'skip-worktree' | undefined;

  /** Runs the hook `post-index-change`; for what writes the index by `writeLockedIndex`. */
  tellOfIndex(): void {
    const along = this.alongWithIndex;
    this.alongWithIndex = undefined;
    this.repository.hooks.run('post-index-change', [
      along === 'files' ? '1' : '0',
      along === 'skip-worktree' ? '1' : '0',
    ]);
  }

  /** Writes the index into its lock and keeps the lock (`commit` later puts it in place). */
  writeLockedIndex(lock: LockFile, index = this.index): void {
    writeIndex(this.place, index, lock, this.#writeOptions());
  }

  /** Runs `change` under the lock and writes what came of it, if anything changed (or always, with `force`). */
  async updateIndex<T>(change: (index: Index) => Awaitable<T>, options: { force?: boolean } = {}): Promise<T> {
    const lock = this.lockIndex();
    try {
      const index = this.reloadIndex();
      const result = await change(index);
      if (index.changed || options.force === true) this.commitIndex(lock, index);
      else lock.rollback();
      return result;
    } catch (error) {
      lock.rollback();
      throw error;
    }
  }

  get attributes(): AttributeReader {
    this.#attributes ??= new AttributeReader(this.repository, {
      ...(this.#options.attributes === undefined ? {} : { direction: this.#options.attributes }),
      index: () => this.index,
      warn: this.warn,
    });
    return this.#attributes;
  }

  get ignores(): Ignores {
    this.#ignores ??= new Ignores(this.repository, { index: () => this.index, warn: this.warn });
    return this.#ignores;
  }

  get converter(): Converter {
    this.#converter ??= new Converter(this.repository, (path) => this.attributes.of(path), {
      warn: this.warn,
      error: this.error,
    });
    return this.#converter;
  }

  absolute(path: string): string {
    return `${this.root}/${path}`;
  }

  lstat(path: string): FileStat | undefined {
    return this.fs.lstat(`${this.root}/${path}`);
  }

  /** True when a directory above `path` is a symbolic link: then the file is not ours. */
  hasSymlinkParent(path: string): boolean {
    let at = path.lastIndexOf('/');
    if (at < 0) return false;
    const directory = path.slice(0, at);
    if (this.#plainDirectories.has(directory)) return false;
    for (at = directory.indexOf('/'); ; at = directory.indexOf('/', at + 1)) {
      const part = at < 0 ? directory : directory.slice(0, at);
      if (!this.#plainDirectories.has(part)) {
        const stat = this.fs.lstat(`${this.root}/${part}`);
        if (stat?.kind === 'symlink') return true;
        if (stat?.kind !== 'directory') return false;
        this.#plainDirectories.add(part);
      }
      if (at < 0) return false;
    }
  }

  readonly #plainDirectories = new Set<string>();

  /** Directories may have become symbolic links: look again. */
  forgetDirectories(): void {
    this.#plainDirectories.clear();
  }

  /** Marks the rows of the index (as it was read) whose files are plainly clean; see `markCleanRows`. */
  markClean(): void {
    const { rows } = this.index;
    if (rows !== undefined) markCleanRows(this, rows);
  }

  /** What differs by stat alone (bits of `stat-match.ts`); a racily clean entry is not looked into. */
  changedByStat(entry: IndexEntry, stat: FileStat): number {
    return changedByStat(entry, stat, this.rules);
  }

  /**
   * True when the file differs from its entry: by type, mode or content. Contents are read only where the stat words
   * leave it open. Entries that are assumed unchanged, or outside the sparse checkout, never differ.
   */
  isModified(
    entry: IndexEntry,
    stat: FileStat,
    options: { readonly ignoreValid?: boolean; readonly ignoreSkip?: boolean } = {},
  ): Awaitable<boolean> {
    // Marks by hand say nothing of the file, where what it really is was asked for.
    const marked =
      (options.ignoreValid === true && entry.assumeValid) || (options.ignoreSkip === true && entry.skipWorktree);
    if (entry.fresh && !marked) return false;
    if (entry.assumeValid && options.ignoreValid !== true) return false;
    if (entry.skipWorktree && options.ignoreSkip !== true) return false;
    if (entry.intentToAdd) return true;
    const changed = changedByStat(entry, stat, this.rules);
    if (isGitlinkMode(entry.mode)) {
      return changed !== 0 || this.nestedHeadDiffers(entry);
    }
    if (changed === 0) {
      if (!this.index.isRacy(entry)) return false;
      return this.contentDiffers(entry, stat);
    }
    if ((changed & (CHANGED_TYPE | CHANGED_MODE)) !== 0) return true;
    // A size that differs, of an entry whose size is known, settles it.
    if ((changed & CHANGED_DATA) !== 0 && entry.size !== 0) return true;
    return this.contentDiffers(entry, stat);
  }

  nestedHeadDiffers(entry: IndexEntry): boolean {
    const head = nestedHead(this.fs, this.absolute(entry.path));
    return head !== undefined && head !== entry.oid;
  }

  /** Compares the file's content, converted, with the entry's object. */
  contentDiffers(entry: IndexEntry, stat: FileStat): Awaitable<boolean> {
    const id = this.hashFile(entry.path, stat, entry);
    return isPromise(id) ? id.then((oid) => oid !== entry.oid) : id !== entry.oid;
  }

  #racilyModified(entry: IndexEntry): boolean {
    const stat = this.repository.workTree === undefined ? undefined : this.lstat(entry.path);
    if (stat === undefined || isGitlinkMode(entry.mode)) return false;
    if (changedByStat(entry, stat, this.rules) !== 0) return false;
    const differs = this.contentDiffers(entry, stat);
    // Asked of a filter that answers later: say "look again", which is always right.
    return isPromise(differs) ? true : differs;
  }

  /** The content of a link or file as it is on disk. Throws the system's error when it cannot be read. */
  readRaw(path: string, stat: FileStat): Bytes | undefined {
    const file = `${this.root}/${path}`;
    if (stat.kind === 'symlink') {
      const target = this.fs.readLink(file);
      return target === undefined ? undefined : encodeText(target);
    }
    return this.fs.readFile(file, stat.size);
  }

  /** The content as it would be stored; `undefined` when there is no file. */
  readClean(
    path: string,
    stat: FileStat,
    entry?: IndexEntry,
    options: Pick<CleanOptions, 'checkSafe'> = {},
  ): Awaitable<Bytes | undefined> {
    const raw = this.readRaw(path, stat);
    if (raw === undefined || stat.kind === 'symlink') return raw;
    if (entry !== undefined && isSymlinkMode(entry.mode)) return raw;
    return this.converter.clean(path, raw, { ...options, indexContent: () => this.indexContent(path) });
  }

  /** The id a file's content would be stored as; all zeros when there is no file. */
  hashFile(path: string, stat: FileStat, entry?: IndexEntry): Awaitable<Oid> {
    const hash = (data: Bytes | undefined): Oid =>
      data === undefined
        ? toOid('0'.repeat(this.repository.oidLength * 2))
        : this.repository.platform.hashObject(this.repository.objectFormat, 'blob', data);
    const clean = this.readClean(path, stat, entry);
    return isPromise(clean) ? clean.then(hash) : hash(clean);
  }

  /** What the index has for a path, for line-end rules. */
  indexContent(path: string): Bytes | undefined {
    const entry = this.index.get(path) ?? this.index.get(path, 2);
    if (entry === undefined || !isRegularMode(entry.mode)) return undefined;
    const object = this.repository.objects.readNow(entry.oid);
    return isPromise(object) ? undefined : object?.data;
  }

  /** Ends long-running filters. */
  async close(): Promise<void> {
    await this.#converter?.close();
  }
}
