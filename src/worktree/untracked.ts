import { compareText } from '../base/bytes.js';
import { isGitlinkMode } from '../objects/mode.js';
import type { Pathspec } from '../repo/pathspec.js';
import { MATCH_NONE } from '../repo/pathspec.js';
import { nestedGitDirectory } from './gitlink.js';
import type { Ignores } from './ignore.js';
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
   * them (`--ignored=matching`).
   */
  readonly ignored: 'no' | 'traditional' | 'matching';
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

  constructor(tree: WorkTree, options: UntrackedOptions) {
    this.#tree = tree;
    this.#options = options;
    this.#pathspec = options.pathspec?.isEmpty === true ? undefined : options.pathspec;
    this.#fold = tree.ignoreCase;
  }

  /** Begins at a directory: the ones above it are looked at only for what they are. */
  from(directory: string): void {
    if (directory === '') {
      this.#children('', false, true, false);
      return;
    }
    // Each directory on the way may itself be untracked, ignored, a link or a repository of its own.
    const { index } = this.#tree;
    for (let slash = directory.indexOf('/'); ; slash = directory.indexOf('/', slash + 1)) {
      const part = slash < 0 ? directory : directory.slice(0, slash);
      const stat = this.#tree.lstat(part);
      if (stat?.kind !== 'directory') return;
      const entry = index.get(part);
      if (entry !== undefined && isGitlinkMode(entry.mode)) return;
      if (!index.hasDirectory(part)) {
        this.#directory(part);
        return;
      }
      if (slash < 0) break;
    }
    this.#children(`${directory}/`, false, true, false);
  }

  /** Names of the files and directories that the index has right below `prefix`. */
  #tracked(prefix: string): Set<string> {
    const names = new Set<string>();
    const { index } = this.#tree;
    const { entries } = index;
    const range = index.range(prefix.slice(0, -1));
    for (let i = range.start; i < range.end; ) {
      const { path } = entries[i]!;
      const slash = path.indexOf('/', prefix.length);
      if (slash < 0) {
        const name = path.slice(prefix.length);
        names.add(this.#fold ? name.toLowerCase() : name);
        i++;
        continue;
      }
      const name = path.slice(prefix.length, slash);
      names.add(`${this.#fold ? name.toLowerCase() : name}/`);
      // Skip what is below: most directories are small, so look around before searching.
      const below = path.slice(0, slash + 1);
      i++;
      let steps = 0;
      while (i < range.end && entries[i]!.path.startsWith(below)) {
        i++;
        if (++steps === 16) {
          i = Math.max(i, index.range(path.slice(0, slash)).end);
          break;
        }
      }
    }
    return names;
  }

  /**
   * Looks through one directory. `excluded`: it is ignored as a whole. `hasTracked`: the index has something below.
   * `stopEarly`: the first untracked file settles it. Answers the strongest state of what was found.
   */
  #children(prefix: string, excluded: boolean, hasTracked: boolean, stopEarly: boolean): number {
    const { fs } = this.#tree;
    const directory = prefix === '' ? this.#tree.root || '/' : `${this.#tree.root}/${prefix.slice(0, -1)}`;
    let listed: ReturnType<typeof fs.readDirectory>;
    try {
      listed = fs.readDirectory(directory);
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code !== 'EACCES' && code !== 'EPERM') throw error;
      this.#tree.warn(`could not open directory '${prefix}': Permission denied`);
      return NONE;
    }
    if (listed === undefined) return NONE;
    const tracked = hasTracked ? this.#tracked(prefix) : undefined;
    let state = NONE;
    for (const { name, kind } of listed) {
      if (name === '.git' || (this.#fold && name.toLowerCase() === '.git')) continue;
      const key = this.#fold ? name.toLowerCase() : name;
      const path = prefix + name;
      if (kind === 'directory') {
        if (tracked?.has(key) === true) continue; // a submodule (or an entry that became a directory)
        if (this.#pathspec !== undefined && !this.#concerns(path)) continue;
        const found =
          tracked?.has(`${key}/`) === true
            ? this.#children(`${path}/`, false, true, false)
            : this.#directory(path, excluded, stopEarly);
        if (tracked?.has(`${key}/`) !== true && found > state) state = found;
      } else if (kind === 'file' || kind === 'symlink') {
        if (tracked?.has(key) === true) continue;
        if (this.#pathspec !== undefined && !this.#pathspec.matches(path)) continue;
        const found = this.#file(path, excluded);
        if (found > state) state = found;
      }
      if (stopEarly && state === UNTRACKED) return state;
    }
    return state;
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
    if (excluded && options.ignored === 'no') return this.#ignoredUnlisted(path);
    const deeper = this.#pathspec !== undefined && this.#pathspec.degree(`${path}/`, true) === MATCH_NONE;
    if (options.enterNested !== true && this.#isNested(path)) {
      if (options.skipNested === true || deeper) return NONE;
      return this.#name(path, excluded);
    }
    if (excluded && options.ignored === 'matching') {
      if (options.hideEmpty && !this.#hasFile(path)) return NONE;
      return this.#name(path, true);
    }
    if (!options.collapse || deeper) return this.#children(`${path}/`, excluded, false, false);
    if (!options.hideEmpty && !excluded && options.ignored === 'no' && options.keepContents !== true) {
      return this.#name(path, false);
    }
    const untrackedBefore = this.untracked.length;
    const ignoredBefore = this.ignored.length;
    const early = options.ignored === 'no' && options.keepContents !== true;
    let state = this.#children(`${path}/`, excluded, false, early || stopEarly);
    if (state === NONE) {
      if (options.hideEmpty) return NONE;
      state = excluded ? IGNORED : UNTRACKED;
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

  /** An ignored directory when ignored files are not wanted: only whether it counts as something. */
  #ignoredUnlisted(path: string): number {
    return this.#options.hideEmpty && !this.#hasFile(path) ? NONE : IGNORED;
  }

  #name(path: string, excluded: boolean): number {
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
