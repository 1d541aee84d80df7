import { compareText } from '../base/bytes.js';
import type { Bytes } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { emptyBlobOid, zeroOid } from '../base/oid.js';
import { traceData } from '../base/trace.js';
import { isGitlinkMode } from '../objects/mode.js';
import type { FileStat } from '../platform/fs.js';
import { nestedGitDirectory } from './gitlink.js';
import { Ignores } from './ignore.js';
import type { CachedDirectory, RulesState } from './untracked-cache.js';
import { CACHE_COLLAPSED, mtimeOf, noStat, sameStat, statWords, UntrackedCache } from './untracked-cache.js';
import type { WorkTree } from './work-tree.js';

/** What a directory turns out to have. */
const NONE = 0;
const IGNORED = 1;
const UNTRACKED = 2;

/** A directory changed less than this many milliseconds before it is looked at may change again with the same time. */
const TICK = 20;

/** `core.untrackedCache`: `true` makes one, `false` removes it, anything else keeps what is there. */
export function cacheWish({ repository }: WorkTree): boolean | undefined {
  const { config } = repository;
  const value = config.get('core.untrackedcache');
  if (value === undefined && !config.has('core.untrackedcache')) {
    return config.getBool('feature.manyfiles', false) ? true : undefined;
  }
  try {
    return config.getBool('core.untrackedcache');
  } catch {
    return undefined;
  }
}

/** The flags of a cache of what this repository's `status` shows when nothing else is asked for. */
function configuredFlags({ repository }: WorkTree): number {
  const shown = repository.config.get('status.showuntrackedfiles');
  return shown?.toLowerCase() === 'all' ? 0 : CACHE_COLLAPSED;
}

/** Where a cache may be used: another work tree, or the same one seen from another system, is another place. */
const identityOf = ({ repository }: WorkTree): string =>
  `Location ${repository.workTree}, system ${repository.platform.systemName}\0`;

const newCache = (tree: WorkTree, flags: number): UntrackedCache =>
  new UntrackedCache(identityOf(tree), flags, zeroOid(tree.repository.objectFormat));

/** Gives the index a cache, unless it has one for this place. */
export function addUntrackedCache(tree: WorkTree): void {
  const { index } = tree;
  if (tree.repository.workTree === undefined) return;
  if (index.untrackedCache?.identity === identityOf(tree)) return;
  index.untrackedCache = newCache(tree, configuredFlags(tree));
  index.changed = true;
}

export function removeUntrackedCache({ index }: WorkTree): void {
  if (!index.hasUntrackedCache) return;
  index.untrackedCache = undefined;
  index.changed = true;
}

/** The id of rules as the cache keeps it: git ends what it read with one more line feed. */
function rulesId({ repository }: WorkTree, data: Bytes | undefined): Oid {
  const algorithm = repository.objectFormat;
  if (data === undefined) return zeroOid(algorithm);
  if (data.length === 0) return emptyBlobOid(algorithm);
  const ended = new Uint8Array(data.length + 1);
  ended.set(data);
  ended[data.length] = 10;
  return repository.platform.hashObject(algorithm, 'blob', ended);
}

/**
 * Untracked files by the index's cache, as `status` shows them: all (`collapse` false), or whole directories once.
 * `undefined` where there is no cache, or it cannot be used for this question. Directories that are as they were are
 * not read; what was found out anew is in the cache, and the index is marked as changed where it is to be kept.
 */
export function findUntrackedByCache(tree: WorkTree, collapse: boolean): string[] | undefined {
  const { index, repository } = tree;
  let cache = index.untrackedCache;
  if (cache === undefined || repository.env['GIT_DISABLE_UNTRACKED_CACHE'] !== undefined) return undefined;
  // Names that only differ in letter case are looked for in another way.
  if (cache.perDirectory !== '.gitignore' || tree.ignoreCase) return undefined;
  if (cache.identity !== identityOf(tree)) {
    tree.warn('untracked cache is disabled on this system or location');
    return undefined;
  }
  const flags = collapse ? CACHE_COLLAPSED : 0;
  if (cache.flags !== flags) {
    // One that does not fit the configuration is of no use any more; one that does is kept for those it fits.
    if (cache.flags === configuredFlags(tree)) return undefined;
    cache = newCache(tree, flags);
    index.untrackedCache = cache;
  }
  const walk = new CachedWalk(tree, cache, collapse);
  const found = walk.run();
  const { created, rules, directories, opened } = cache.told;
  traceData('read_directory', 'node-creation', created);
  traceData('read_directory', 'gitignore-invalidation', rules);
  traceData('read_directory', 'directory-invalidation', directories);
  traceData('read_directory', 'opendir', opened);
  const forced = repository.env['GIT_FORCE_UNTRACKED_CACHE'];
  const kept = forced === undefined ? cacheWish(tree) === true : /^(?:1|true|yes|on)$/i.test(forced);
  if (kept && opened + rules + directories > 0) index.changed = true;
  return found;
}

class CachedWalk {
  readonly #tree: WorkTree;
  readonly #cache: UntrackedCache;
  readonly #collapse: boolean;
  readonly #ignores: Ignores;
  readonly #found = new Set<string>();
  #root: CachedDirectory;

  constructor(tree: WorkTree, cache: UntrackedCache, collapse: boolean) {
    this.#tree = tree;
    this.#cache = cache;
    this.#collapse = collapse;
    if (cache.root === undefined) {
      cache.root = cache.below({ directories: [] as CachedDirectory[] } as CachedDirectory, '');
      cache.told.created--;
    }
    this.#root = cache.root;
    this.#ignores = new Ignores(tree.repository, {
      index: () => tree.index,
      warn: tree.warn,
      watch: {
        // A directory as it was, which had no rules, has none.
        isKnownEmpty: (directory) => {
          const node = this.#node(directory);
          return node.valid && node.rules === cache.none;
        },
        read: (directory, data, stored) => {
          const id = stored ?? this.#idFor(directory, data);
          const node = this.#node(directory);
          if (node.rules === id) return;
          cache.rulesChanged(node);
          node.rules = id;
        },
      },
    });
  }

  run(): string[] {
    const cache = this.#cache;
    const { info, user } = this.#ignores.files;
    const state = (file: typeof info, before: RulesState): RulesState => {
      const oid = rulesId(this.#tree, file?.data);
      if (oid === before.oid) return before;
      cache.rulesChanged(this.#root);
      const stat = file === undefined || file.data === undefined ? undefined : this.#tree.fs.stat(file.path);
      return { oid, stat: stat === undefined ? noStat : statWords(stat) };
    };
    cache.info = state(info, cache.info);
    cache.user = state(user, cache.user);
    this.#root.recurse = true;
    this.#read('', this.#root, false, true);
    return [...this.#found].sort(compareText);
  }

  /** The id of a directory's rules as they were just read. */
  #idFor(directory: string, data: Bytes | undefined): Oid {
    const { index, converter } = this.#tree;
    const path = directory === '' ? '.gitignore' : `${directory}/.gitignore`;
    const at = data === undefined ? -1 : index.position(path, 0);
    if (at >= 0 && index.isFreshAt(at)) {
      const { eol, ident, driver, encoding } = converter.of(path);
      if (eol === 'binary' && !ident && driver === undefined && encoding === undefined) return index.entryAt(at).oid;
    }
    return rulesId(this.#tree, data);
  }

  #node(directory: string): CachedDirectory {
    let node = this.#root;
    if (directory !== '') for (const name of directory.split('/')) node = this.#cache.below(node, name);
    return node;
  }

  /** What was read of the directory before still holds. */
  #holds(prefix: string, node: CachedDirectory, checkOnly: boolean): boolean {
    const { fs, root, index, rules, repository } = this.#tree;
    let stat: FileStat | undefined;
    try {
      stat = fs.lstat(prefix === '' ? root || '/' : `${root}/${prefix.slice(0, -1)}`);
    } catch {
      // What cannot be looked at has changed.
    }
    if (stat === undefined) {
      node.stat = noStat;
      return false;
    }
    if (!node.valid || !sameStat(node.stat, stat, rules) || index.isRacyTime(...mtimeOf(node.stat))) {
      const changed = stat.mtimeSeconds * 1000 + stat.mtimeNanoseconds / 1e6;
      // What changes again before the clock has moved on would go unseen: then it is better not known when it was.
      node.stat = changed + TICK > repository.platform.now() ? noStat : statWords(stat);
      return false;
    }
    if (node.checkOnly !== checkOnly) return false;
    this.#ignores.prepare(prefix.slice(0, -1));
    return node.valid;
  }

  /** `tracked`: the index may have something below. Answers the strongest state of what is there. */
  #read(prefix: string, node: CachedDirectory, checkOnly: boolean, tracked: boolean): number {
    const state = this.#holds(prefix, node, checkOnly)
      ? this.#fromCache(prefix, node, checkOnly, tracked)
      : this.#fromDisk(prefix, node, checkOnly, tracked);
    if (state === undefined) return NONE;
    node.valid = true;
    node.recurse = true;
    return state;
  }

  #fromCache(prefix: string, node: CachedDirectory, checkOnly: boolean, tracked: boolean): number | undefined {
    let state = NONE;
    /** Directories that had something and have not now: their rules may change without them. (git still names them.) */
    const emptied = new Set<string>();
    node.checkOnly = checkOnly;
    for (const below of [...node.directories]) {
      if (!below.recurse) continue;
      const path = `${prefix}${below.name}`;
      const only = below.checkOnly || checkOnly;
      const found = this.#read(`${path}/`, below, only, tracked && !only);
      if (found === UNTRACKED && below.checkOnly && !checkOnly) this.#add(`${path}/`);
      if (found !== UNTRACKED && only) emptied.add(`${below.name}/`);
      if (found > state) state = found;
      if (checkOnly && state === UNTRACKED) return state;
    }
    // Only the first name was kept: there may be others.
    if (checkOnly && node.untracked.some((name) => emptied.has(name))) {
      return this.#fromDisk(prefix, node, checkOnly, tracked);
    }
    for (const name of node.untracked) {
      if (emptied.has(name)) continue;
      state = UNTRACKED;
      if (checkOnly) return state;
      this.#add(prefix + name);
    }
    return state;
  }

  #add(path: string): void {
    if (!this.#tree.index.has(path.endsWith('/') ? path.slice(0, -1) : path)) this.#found.add(path);
  }

  /** `undefined` where the directory cannot be read. */
  #fromDisk(prefix: string, node: CachedDirectory, checkOnly: boolean, tracked: boolean): number | undefined {
    const { fs, root } = this.#tree;
    const cache = this.#cache;
    let listed: ReturnType<typeof fs.readDirectory>;
    cache.told.opened++;
    try {
      listed = fs.readDirectory(prefix === '' ? root || '/' : `${root}/${prefix.slice(0, -1)}`);
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code !== 'EACCES' && code !== 'EPERM') throw error;
      this.#tree.warn(`could not open directory '${prefix}': Permission denied`);
    }
    cache.reread(node);
    if (listed === undefined) return undefined;
    node.checkOnly = checkOnly;
    let state = NONE;
    for (const { name, kind } of listed) {
      if (name === '.git' || kind === 'other') continue;
      const path = prefix + name;
      const found =
        kind === 'directory' ? this.#directory(path, name, node, checkOnly, tracked) : this.#file(path, tracked);
      if (found > state) state = found;
      if (found !== UNTRACKED) continue;
      if (kind !== 'directory') this.#keep(path, name, node, checkOnly);
      // The first one is all that is asked for.
      if (checkOnly) return state;
    }
    return state;
  }

  #keep(path: string, name: string, node: CachedDirectory, checkOnly: boolean): void {
    node.untracked.push(name);
    if (!checkOnly) this.#add(path);
  }

  #file(path: string, tracked: boolean): number {
    if (tracked && this.#tree.index.has(path)) return NONE;
    return this.#ignores.isIgnored(path, false) ? IGNORED : UNTRACKED;
  }

  #directory(path: string, name: string, node: CachedDirectory, checkOnly: boolean, tracked: boolean): number {
    const { index } = this.#tree;
    const cache = this.#cache;
    if (tracked) {
      const at = index.firstOf(path);
      if (at >= 0 && isGitlinkMode(index.entryAt(at).mode)) return NONE;
    }
    if (this.#ignores.isIgnored(path, true)) return IGNORED;
    if (tracked && index.hasDirectory(path)) return this.#read(`${path}/`, cache.below(node, name), checkOnly, true);
    if (nestedGitDirectory(this.#tree.fs, this.#tree.absolute(path)) !== undefined) {
      this.#keep(`${path}/`, `${name}/`, node, checkOnly);
      return UNTRACKED;
    }
    const found = this.#read(`${path}/`, cache.below(node, name), this.#collapse, false);
    if (found === UNTRACKED && this.#collapse) this.#keep(`${path}/`, `${name}/`, node, checkOnly);
    return found;
  }
}
