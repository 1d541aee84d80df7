import { compareText } from '../base/bytes.js';
import { isGitlinkMode } from '../objects/mode.js';
import type { FileSystem } from '../platform/fs.js';
import type { Pathspec } from '../repo/pathspec.js';
import { nestedGitDirectory } from './gitlink.js';
import type { Ignores } from './ignore.js';
import type { Index } from './index-file.js';
import type { WorkTree } from './work-tree.js';

export interface UntrackedOptions {
  readonly pathspec?: Pathspec | undefined;
  /** `undefined`: nothing is ignored. */
  readonly ignores: Ignores | undefined;
  /** Name a directory without tracked files once, as `dir/`, not the files in it. */
  readonly collapse: boolean;
  /** Directories without any file count as nothing. */
  readonly hideEmpty: boolean;
  /**
   * Ignored files: not gathered; gathered, a directory with nothing else in it as one; or gathered where a rule names
   * them (`--ignored=matching`); or all of them, a directory with nothing else in it as well (`ls-files -i`).
   */
  readonly ignored: 'no' | 'traditional' | 'matching' | 'listed';
  /** What is in a collapsed directory is gathered as well (`clean` with exclusions). */
  readonly keepContents?: boolean;
  /** Nested repositories are passed over, not named (`clean`). */
  readonly skipNested?: boolean;
  /** Nested repositories are looked into like other directories. */
  readonly enterNested?: boolean;
}

export interface UntrackedFiles {
  /** In order; directories end in `/`. */
  readonly untracked: string[];
  readonly ignored: string[];
}

const NONE = 0;
const IGNORED = 1;
const UNTRACKED = 2;

function readNames(fs: FileSystem, directory: string): ReturnType<NonNullable<FileSystem['readNames']>> {
  if (fs.readNames !== undefined) return fs.readNames(directory);
  const listed = fs.readDirectory(directory);
  if (listed === undefined) return undefined;
  const kinds = ['other', 'file', 'directory', 'symlink'];
  return { names: listed.map(({ name }) => name), kinds: listed.map(({ kind }) => kinds.indexOf(kind)) };
}

const NOT_TRACKED = 0;
const TRACKED = 1;
const TRACKED_BELOW = 2;

/** Tells of names in one directory what the index has there. */
interface TrackedNames {
  /** The rows below the directory that was found last. */
  start: number;
  end: number;
  /** `TRACKED`: an entry of this name. `TRACKED_BELOW`: entries in a directory of this name, for directories only. */
  find(name: string, isDirectory: boolean): number;
}

/** A run of rows. Names asked for in the order of the index, as directories are mostly read, are found without a search. */
class RunOfNames implements TrackedNames {
  start = 0;
  end = 0;
  readonly #index: Index;
  readonly #paths: readonly string[];
  readonly #prefix: string;
  readonly limit: number;
  /** Where the next name is looked for first. */
  next: number;

  constructor(index: Index, paths: readonly string[], prefix: string, start: number, end: number) {
    this.#index = index;
    this.#paths = paths;
    this.#prefix = prefix;
    this.next = start;
    this.limit = end;
  }

  #isAt(at: number, name: string): boolean {
    if (at >= this.limit) return false;
    const path = this.#paths[at]!;
    return path.length === this.#prefix.length + name.length && path.endsWith(name);
  }

  find(name: string, isDirectory: boolean): number {
    const index = this.#index;
    const next = this.next;
    if (next < this.limit) {
      const path = this.#paths[next]!;
      if (path.length === this.#prefix.length + name.length && path.endsWith(name)) return this.#found(next, name);
      if (isDirectory && isBelow(path, this.#prefix + name)) return this.#below(next, this.#prefix + name);
    }
    const path = this.#prefix + name;
    // Stages count as well.
    let at = index.position(path, 0);
    if (at < 0) at = -1 - at;
    if (this.#isAt(at, name)) return this.#found(at, name);
    if (!isDirectory) return NOT_TRACKED;
    at = index.position(`${path}/`, 0);
    if (at < 0) at = -1 - at;
    return at < this.limit && isBelow(this.#paths[at]!, path) ? this.#below(at, path) : NOT_TRACKED;
  }

  #found(at: number, name: string): number {
    this.next = at + 1;
    if (this.#index.stageAt(at) !== 0) while (this.#isAt(this.next, name)) this.next++;
    return TRACKED;
  }

  /** Most directories are small: their end is looked for in wider and wider steps, then between the last two. */
  #below(start: number, path: string): number {
    const paths = this.#paths;
    const { limit } = this;
    const prefix = `${path}/`;
    let inside = start;
    let step = 8;
    let outside = start + step;
    while (outside < limit && paths[outside]!.startsWith(prefix)) {
      inside = outside;
      step *= 2;
      outside += step;
    }
    if (outside > limit) outside = limit;
    while (outside - inside > 1) {
      const middle = (inside + outside) >>> 1;
      if (paths[middle]!.startsWith(prefix)) inside = middle;
      else outside = middle;
    }
    this.start = start;
    this.end = outside;
    this.next = outside;
    return TRACKED_BELOW;
  }
}

const isBelow = (path: string, directory: string): boolean =>
  path.length > directory.length && path.charCodeAt(directory.length) === 0x2f && path.startsWith(directory);

/** The same where letter case does not count. */
function foldedNames(index: Index, prefix: string, start: number, end: number): TrackedNames {
  const names = new Map<string, { start: number; end: number } | undefined>();
  for (let i = start; i < end; ) {
    const path = index.pathAt(i);
    const slash = path.indexOf('/', prefix.length);
    if (slash < 0) {
      names.set(path.slice(prefix.length).toLowerCase(), undefined);
      i++;
    } else {
      const range = index.range(path.slice(0, slash));
      names.set(path.slice(prefix.length, slash + 1).toLowerCase(), range);
      i = Math.max(i + 1, range.end);
    }
  }
  return {
    start: 0,
    end: 0,
    find(name, isDirectory) {
      const key = name.toLowerCase();
      if (names.has(key)) return TRACKED;
      const below = isDirectory ? names.get(`${key}/`) : undefined;
      if (below === undefined) return NOT_TRACKED;
      this.start = below.start;
      this.end = below.end;
      return TRACKED_BELOW;
    },
  };
}

/** Files on disk that the index does not have. git's `fill_directory`. */
export function findUntracked(tree: WorkTree, options: UntrackedOptions): UntrackedFiles {
  const walk = new Walk(tree, options);
  const start = options.pathspec?.commonDirectory() ?? '';
  walk.from(start);
  walk.untracked.sort(compareText);
  walk.ignored.sort(compareText);
  return walk;
}

/** The same for what is below one directory, which need not be tracked. */
export function findUntrackedBelow(tree: WorkTree, directory: string, options: UntrackedOptions): UntrackedFiles {
  const walk = new Walk(tree, options);
  walk.from(directory);
  return walk;
}

class Walk implements UntrackedFiles {
  readonly untracked: string[] = [];
  readonly ignored: string[] = [];
  readonly #tree: WorkTree;
  readonly #options: UntrackedOptions;
  readonly #pathspec: Pathspec | undefined;
  readonly #fold: boolean;
  readonly #paths: readonly string[];
  /** Before a path in the work tree; names relative to the process's directory are shorter for everybody. */
  readonly #base: string;

  constructor(tree: WorkTree, options: UntrackedOptions) {
    this.#tree = tree;
    this.#base = tree.fs.workingDirectory?.() === tree.root ? '' : `${tree.root}/`;
    this.#options = options;
    this.#pathspec = options.pathspec?.isEmpty === true ? undefined : options.pathspec;
    this.#fold = tree.ignoreCase;
    this.#paths = tree.index.paths;
  }

  /** Begins at a directory: the ones above it are looked at only for what they are. */
  from(directory: string): void {
    if (directory === '') {
      this.#children('', false, this.#tracked('', 0, this.#tree.index.count), false);
      return;
    }
    // A pathspec from the top is taken as it is, and no path has such a name in it.
    if (/(?:^|\/)(?:\.\.?)?(?:\/|$)/.test(directory)) return;
    // Each directory on the way may itself be untracked, ignored, a link or a repository of its own.
    const { index } = this.#tree;
    for (let slash = directory.indexOf('/'); ; slash = directory.indexOf('/', slash + 1)) {
      const part = slash < 0 ? directory : directory.slice(0, slash);
      const stat = this.#tree.lstat(part);
      if (stat?.kind !== 'directory') {
        if (part.includes('/')) this.#notOpened(directory, stat !== undefined);
        return;
      }
      // Below an ignored directory nothing is untracked.
      const { ignored, ignores } = this.#options;
      if (ignored === 'no' && ignores?.isIgnored(part, true) === true) return;
      const entry = index.get(part);
      if (entry !== undefined && isGitlinkMode(entry.mode)) return;
      if (!index.hasDirectory(part)) {
        this.#lookAhead(part, directory);
        this.#directory(part);
        return;
      }
      if (slash < 0) break;
    }
    const range = index.range(directory);
    this.#children(`${directory}/`, false, this.#tracked(`${directory}/`, range.start, range.end), false);
  }

  /** An untracked directory is gone into where the pathspec leads below it. */
  #lookAhead(part: string, directory: string): void {
    if (part === directory || this.#options.ignores?.isIgnored(part, true) === true) return;
    for (let slash = directory.indexOf('/', part.length + 1); ; slash = directory.indexOf('/', slash + 1)) {
      const below = slash < 0 ? directory : directory.slice(0, slash);
      const stat = this.#tree.lstat(below);
      if (stat?.kind !== 'directory') {
        this.#notOpened(directory, stat !== undefined);
        return;
      }
      if (slash < 0) return;
    }
  }

  /** git tries to read what a pathspec names where the directory above is there, and says so. */
  #notOpened(directory: string, file: boolean): void {
    this.#tree.warn(
      `could not open directory '${directory}/': ${file ? 'Not a directory' : 'No such file or directory'}`,
    );
  }

  /** What the index has right below `prefix`, in rows `start` to `end`. */
  #tracked(prefix: string, start: number, end: number): TrackedNames {
    return this.#fold
      ? foldedNames(this.#tree.index, prefix, start, end)
      : new RunOfNames(this.#tree.index, this.#paths, prefix, start, end);
  }

  /**
   * Looks through one directory. `excluded`: it is ignored as a whole. `hasTracked`: the index has something below.
   * `stopEarly`: the first untracked file settles it. Answers the strongest state of what was found.
   */
  #children(prefix: string, excluded: boolean, tracked: TrackedNames | undefined, stopEarly: boolean): number {
    const { fs } = this.#tree;
    const directory = prefix === '' ? this.#tree.root || '/' : this.#base + prefix.slice(0, -1);
    let listed: ReturnType<NonNullable<typeof fs.readNames>>;
    try {
      listed = readNames(fs, directory);
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code !== 'EACCES' && code !== 'EPERM') throw error;
      this.#tree.warn(`could not open directory '${prefix}': Permission denied`);
      return NONE;
    }
    if (listed === undefined) return NONE;
    let state = NONE;
    const { names, kinds } = listed;
    if (kinds.includes(3) && kinds.includes(2) && names.some((name, i) => kinds[i] === 3 && name === '.gitignore')) {
      // git asks about every directory, tracked or not, and so complains of rules that are a symbolic link.
      this.#options.ignores?.isIgnored(`${prefix}.gitignore`, false);
    }
    const run = tracked instanceof RunOfNames ? tracked : undefined;
    const paths = this.#paths;
    const width = prefix.length;
    const end = run === undefined ? 0 : run.limit;
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      // Nearly all are tracked files, in the order of the index: nothing is called for them, since this is a loop that
      // a process comes to once.
      if (run !== undefined && run.next < end && kinds[i] === 1) {
        const path = paths[run.next]!;
        if (path.length === width + name.length && path.endsWith(name)) {
          run.next++;
          continue;
        }
      }
      if (name === '.git' || (this.#fold && name.toLowerCase() === '.git')) continue;
      if (kinds[i] === 2) {
        const there = tracked === undefined ? NOT_TRACKED : tracked.find(name, true);
        const path = prefix + name;
        // A submodule. (What became a directory of a tracked file is as untracked as anything.)
        if (there === TRACKED && this.#isGitlink(path)) continue;
        if (this.#pathspec !== undefined && !this.#concerns(path)) continue;
        if (there === TRACKED_BELOW) {
          this.#children(`${path}/`, false, this.#tracked(`${path}/`, tracked!.start, tracked!.end), false);
          continue;
        }
        const found = this.#directory(path, excluded, stopEarly);
        if (found > state) state = found;
      } else if (kinds[i] === 1 || kinds[i] === 3) {
        if (tracked !== undefined && tracked.find(name, false) === TRACKED) continue;
        const path = prefix + name;
        if (this.#pathspec !== undefined && !this.#pathspec.matches(path)) continue;
        const found = this.#file(path, excluded);
        if (found > state) state = found;
      }
      if (stopEarly && state === UNTRACKED) return state;
    }
    return state;
  }

  #isGitlink(path: string): boolean {
    const { index } = this.#tree;
    const at = index.firstOf(path);
    return at >= 0 && isGitlinkMode(index.entryAt(at).mode);
  }

  #concerns(directory: string): boolean {
    return this.#pathspec!.matches(directory, true) || this.#pathspec!.mayMatchBelow(directory);
  }

  #file(path: string, excluded: boolean): number {
    const { ignores } = this.#options;
    if (excluded || ignores?.isIgnored(path, false) === true) {
      if (this.#options.ignored !== 'no') this.ignored.push(path);
      return IGNORED;
    }
    this.untracked.push(path);
    return UNTRACKED;
  }

  /** A directory without tracked files. */
  #directory(path: string, above = false, stopEarly = false): number {
    const options = this.#options;
    const excluded = above || options.ignores?.isIgnored(path, true) === true;
    if (excluded && options.ignored === 'no') return IGNORED;
    const deeper = this.#pathspec?.leadsBelow(path) === true;
    if (options.enterNested !== true && this.#isNested(path)) {
      if (options.skipNested === true || deeper) return NONE;
      return this.#name(path, excluded);
    }
    if (excluded && options.ignored === 'matching') {
      if (options.hideEmpty && !this.#hasFile(path)) return NONE;
      return this.#name(path, true);
    }
    if (!options.collapse || deeper) return this.#children(`${path}/`, excluded, undefined, false);
    if (!options.hideEmpty && !excluded && options.ignored === 'no' && options.keepContents !== true) {
      return this.#name(path, false);
    }
    if (excluded && !options.hideEmpty && options.ignored === 'listed') return this.#name(path, true);
    const untrackedBefore = this.untracked.length;
    const ignoredBefore = this.ignored.length;
    const early = options.ignored === 'no' && options.keepContents !== true;
    let state = this.#children(`${path}/`, excluded, undefined, early || stopEarly);
    if (state === NONE) {
      if (options.hideEmpty) return NONE;
      state = excluded ? IGNORED : UNTRACKED;
    }
    if (options.ignored === 'listed') {
      // Where empty ones are hidden, the directory was only asked what it has.
      if (options.hideEmpty) this.ignored.length = ignoredBefore;
      return state === IGNORED ? this.#name(path, true) : state;
    }
    if (state === IGNORED) {
      if (options.ignored === 'matching' && !excluded) return state;
      if (options.ignored === 'no') return state;
      if (options.keepContents !== true) this.ignored.length = ignoredBefore;
      return this.#name(path, true);
    }
    if (options.keepContents !== true) this.untracked.length = untrackedBefore;
    return this.#name(path, false);
  }

  /** Names a directory; one whose name the index has is not named, as in git. */
  #name(path: string, excluded: boolean): number {
    if (this.#tree.index.has(path)) return excluded ? IGNORED : UNTRACKED;
    if (excluded) {
      if (this.#options.ignored !== 'no') this.ignored.push(`${path}/`);
      return IGNORED;
    }
    this.untracked.push(`${path}/`);
    return UNTRACKED;
  }

  #isNested(path: string): boolean {
    return nestedGitDirectory(this.#tree.fs, this.#tree.absolute(path)) !== undefined;
  }

  #hasFile(path: string): boolean {
    const listed = this.#tree.fs.readDirectory(this.#tree.absolute(path));
    return (
      listed?.some(({ name, kind }) =>
        kind === 'directory' ? name === '.git' || this.#hasFile(`${path}/${name}`) : kind !== 'other',
      ) === true
    );
  }
}
