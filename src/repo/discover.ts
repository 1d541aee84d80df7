import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { FileSystem } from '../platform/fs.js';
import { readIfThere } from '../platform/fs.js';
import type { Platform } from '../platform/platform.js';
import type { Config } from './config.js';
import { parseBool } from './config-values.js';
import type { RepositoryFormat } from './format.js';
import { readRepositoryFormat } from './format.js';
import { isAbsolute, normalizePath, parentDirectory, pathInside, realPathLenient, resolvePath } from './paths.js';

type Environment = Readonly<Record<string, string | undefined>>;

export interface DiscoverOptions {
  readonly platform: Platform;
  readonly env: Environment;
  /** Absolute. */
  readonly cwd: string;
  /** Configuration outside any repository (system, user, command line): what `safe.*` is read from. */
  readonly protectedConfig: () => Config;
}

/** A repository's places. All absolute unless said otherwise. */
export interface Layout {
  readonly gitDir: string;
  readonly commonDir: string;
  readonly workTree: string | undefined;
  /** The current directory below the work tree: '' or `a/b/`. */
  readonly prefix: string;
  /** The current directory is in the work tree. */
  readonly insideWorkTree: boolean;
  /** `gitDir` as git would show it, seen from the work tree's root (or from the current directory outside of it). */
  readonly gitDirShown: string;
  /** The repository was named by `GIT_DIR`. */
  readonly explicit: boolean;
  readonly format: RepositoryFormat;
}

/** Nothing here: why, in git's words. */
export interface NotFound {
  readonly missing: string;
  /** A repository was found that must not be used: without insisting, that is only a warning. */
  readonly unusable?: boolean;
  /** There is one, but it is not to be trusted: who does not insist goes on without. */
  readonly untrusted?: boolean;
}

/** Finds the repository of `cwd` as git does. Throws for what is there but broken or not to be trusted. */
export function discover(options: DiscoverOptions): Layout | NotFound {
  const explicit = options.env['GIT_DIR'];
  if (explicit !== undefined) return new Discovery(options).explicit(explicit, undefined);
  return new Discovery(options).search();
}

/** Whether a directory looks like a git directory: HEAD, objects and refs. */
export function isGitDirectory(fs: FileSystem, directory: string, env: Environment): boolean {
  if (!validHead(fs, `${directory}/HEAD`)) return false;
  const common = commonDirectory(fs, directory, env);
  const objects = env['GIT_OBJECT_DIRECTORY'] ?? `${common}/objects`;
  return fs.stat(objects) !== undefined && fs.stat(`${common}/refs`) !== undefined;
}

function validHead(fs: FileSystem, file: string): boolean {
  const stat = fs.lstat(file);
  if (stat === undefined) return false;
  if (stat.kind === 'symlink') {
    const target = fs.readLink(file);
    if (target?.startsWith('refs/') === true) return true;
  }
  let bytes: ReturnType<FileSystem['readFile']>;
  try {
    bytes = fs.readFile(file);
  } catch {
    return false;
  }
  if (bytes === undefined) return false;
  const text = decodeText(bytes.subarray(0, 256));
  return text.startsWith('ref: refs/') || /^ref:\s*refs\//.test(text) || /^[0-9a-fA-F]{40}/.test(text);
}

/** `GIT_COMMON_DIR`, or what the `commondir` file of a linked work tree says. */
function commonDirectory(fs: FileSystem, gitDir: string, env: Environment): string {
  const named = env['GIT_COMMON_DIR'];
  if (named !== undefined && named !== '') return named;
  const bytes = readIfThere(fs, `${gitDir}/commondir`);
  if (bytes === undefined) return gitDir;
  const text = decodeText(bytes).replace(/[\r\n]+$/, '');
  return resolvePath(gitDir, text);
}

const MAX_GITFILE = 1 << 20;

/**
 * What a `.git` file points at (absolute); `undefined` when it is not a file. Throws `NOT_A_REPOSITORY` for one that
 * is broken.
 */
export function readGitFile(platform: Platform, file: string, env: Environment): string | undefined {
  const { fs } = platform;
  const stat = fs.stat(file);
  if (stat === undefined || stat.kind === 'directory') return undefined;
  if (stat.kind !== 'file') throw new GitError('NOT_A_REPOSITORY', `not a regular file: '${file}'`);
  if (stat.size > MAX_GITFILE) throw new GitError('NOT_A_REPOSITORY', `too large to be a .git file: '${file}'`);
  let bytes: ReturnType<FileSystem['readFile']>;
  try {
    bytes = fs.readFile(file);
  } catch (cause) {
    throw new GitError('NOT_A_REPOSITORY', `error opening '${file}'`, { cause });
  }
  const text = decodeText(bytes!);
  if (!text.startsWith('gitdir: ')) throw new GitError('NOT_A_REPOSITORY', `invalid gitfile format: ${file}`);
  const path = text.slice(8).replace(/[\r\n]+$/, '');
  if (path === '') throw new GitError('NOT_A_REPOSITORY', `no path in gitfile: ${file}`);
  const target = resolvePath(parentDirectory(file), path);
  if (!isGitDirectory(fs, target, env)) throw new GitError('NOT_A_REPOSITORY', `not a git repository: ${target}`);
  return realPathLenient(fs, target);
}

class Discovery {
  readonly #options: DiscoverOptions;
  readonly #fs: FileSystem;
  readonly #env: Environment;
  readonly #cwd: string;

  constructor(options: DiscoverOptions) {
    this.#options = options;
    this.#fs = options.platform.fs;
    this.#env = options.env;
    this.#cwd = normalizePath(options.cwd);
  }

  /** The repository is named: by `GIT_DIR`, or found but with a work tree somewhere else. */
  explicit(named: string, found: { gitDir: string; format: RepositoryFormat } | undefined): Layout | NotFound {
    let gitDir = resolvePath(this.#cwd, named);
    let shown = named;
    if (found === undefined) {
      const target = readGitFile(this.#options.platform, gitDir, this.#env);
      if (target !== undefined) gitDir = shown = target;
      if (!isGitDirectory(this.#fs, gitDir, this.#env)) return { missing: `not a git repository: '${named}'` };
    } else gitDir = found.gitDir;
    const commonDir = resolvePath(this.#cwd, commonDirectory(this.#fs, gitDir, this.#env));
    const format = found?.format ?? this.#format(gitDir, commonDir, shown);
    if (format.problem !== undefined) return { missing: format.problem, unusable: true };
    let workTree = this.#namedWorkTree(gitDir, format);
    if (workTree === undefined) {
      const implicit = this.#env['GIT_IMPLICIT_WORK_TREE'];
      const bareByEnvironment = implicit !== undefined && parseBool(implicit) === false;
      if (!bareByEnvironment && format.bare !== true) workTree = this.#cwd;
    }
    return this.#layout(gitDir, commonDir, workTree, shown, found === undefined, format);
  }

  /** `GIT_WORK_TREE`, or `core.worktree` (relative to the git directory). */
  #namedWorkTree(gitDir: string, format: RepositoryFormat): string | undefined {
    const named = this.#env['GIT_WORK_TREE'];
    if (named !== undefined) {
      const path = resolvePath(this.#cwd, named);
      this.#mustBePlace(path);
      return realPathLenient(this.#fs, path);
    }
    if (format.workTree === undefined) return undefined;
    // Both cannot be: whoever needs a work tree is refused, see `Repository.contradictory`.
    if (format.bare === true) return undefined;
    const path = resolvePath(gitDir, format.workTree);
    if (!isAbsolute(format.workTree) && this.#fs.stat(path) === undefined) {
      throw new GitError('CONFIG', `cannot chdir to '${format.workTree}': No such file or directory`);
    }
    return realPathLenient(this.#fs, path);
  }

  /** All but the last step of a path must be there. */
  #mustBePlace(path: string): void {
    let missing: string | undefined;
    for (let at = parentDirectory(path); at !== '/' && this.#fs.stat(at) === undefined; at = parentDirectory(at))
      missing = at;
    if (missing !== undefined)
      throw new GitError('NOT_A_REPOSITORY', `Invalid path '${missing}': No such file or directory`);
  }

  #format(gitDir: string, commonDir: string, shown: string): RepositoryFormat {
    return readRepositoryFormat(this.#fs, gitDir, commonDir, commonDir === gitDir ? `${shown}/config` : undefined);
  }

  #layout(
    gitDir: string,
    commonDir: string,
    workTree: string | undefined,
    shown: string,
    explicit: boolean,
    format: RepositoryFormat,
  ): Layout {
    const below = workTree === undefined ? undefined : pathInside(workTree, this.#cwd);
    if (below !== undefined && below !== '' && !isAbsolute(shown)) shown = realPathLenient(this.#fs, gitDir);
    return {
      gitDir,
      commonDir,
      workTree,
      prefix: below === undefined || below === '' ? '' : `${below}/`,
      insideWorkTree: below !== undefined,
      gitDirShown: shown,
      explicit,
      format,
    };
  }

  search(): Layout | NotFound {
    const cwd = this.#cwd;
    const ceiling = this.#ceiling();
    const acrossFileSystems = parseBool(this.#env['GIT_DISCOVERY_ACROSS_FILESYSTEM'] ?? 'false') === true;
    const device = acrossFileSystems ? undefined : this.#fs.stat(cwd)?.device;
    let directory = cwd;
    for (;;) {
      const dotGit = directory === '/' ? '/.git' : `${directory}/.git`;
      const linked = readGitFile(this.#options.platform, dotGit, this.#env);
      if (linked !== undefined) return this.#found(directory, linked, dotGit, linked);
      if (isGitDirectory(this.#fs, dotGit, this.#env)) return this.#found(directory, dotGit, undefined, '.git');
      if (isGitDirectory(this.#fs, directory, this.#env)) return this.#foundBare(directory);
      if (directory === '/' || (ceiling !== undefined && directory.length <= ceiling)) return notFound;
      const parent = parentDirectory(directory);
      if (ceiling !== undefined && parent.length <= ceiling) return notFound;
      if (device !== undefined && this.#fs.stat(parent)?.device !== device) {
        return {
          missing:
            `not a git repository (or any parent up to mount point ${parent})\n` +
            'Stopping at filesystem boundary (GIT_DISCOVERY_ACROSS_FILESYSTEM not set).',
        };
      }
      directory = parent;
    }
  }

  /** Length of the longest ceiling directory above `cwd`: no directory that short or shorter is looked at. */
  #ceiling(): number | undefined {
    const value = this.#env['GIT_CEILING_DIRECTORIES'];
    if (value === undefined || value === '') return undefined;
    let resolveLinks = true;
    let longest: number | undefined;
    for (const entry of value.split(':')) {
      if (entry === '') {
        resolveLinks = false;
        continue;
      }
      if (!isAbsolute(entry)) continue;
      const path = resolveLinks ? realPathLenient(this.#fs, normalizePath(entry)) : normalizePath(entry);
      const below = pathInside(path, this.#cwd);
      if (below === undefined || below === '') continue;
      const length = path === '/' ? 1 : path.length;
      if (longest === undefined || length > longest) longest = length;
    }
    return longest;
  }

  #found(directory: string, gitDir: string, gitFile: string | undefined, shown: string): Layout | NotFound {
    const distrust = this.#checkOwner(gitFile, directory, gitDir);
    if (distrust !== undefined) return distrust;
    const commonDir = resolvePath(this.#cwd, commonDirectory(this.#fs, gitDir, this.#env));
    const format = this.#format(gitDir, commonDir, shown);
    if (format.problem !== undefined) return { missing: format.problem, unusable: true };
    if (this.#env['GIT_WORK_TREE'] !== undefined || format.workTree !== undefined) {
      const named = directory === this.#cwd ? shown : realPathLenient(this.#fs, gitDir);
      return this.explicit(named, { gitDir, format });
    }
    if (format.bare === true) {
      const where = directory === this.#cwd || isAbsolute(shown) ? shown : gitDir;
      return this.#layout(gitDir, commonDir, undefined, where, false, format);
    }
    const layout = this.#layout(gitDir, commonDir, directory, gitDir, false, format);
    return { ...layout, gitDirShown: shown };
  }

  #foundBare(directory: string): Layout | NotFound {
    const config = this.#options.protectedConfig();
    if (config.get('safe.barerepository') === 'explicit' && !implicitlySafe(directory)) {
      return {
        missing: `cannot use bare repository '${directory}' (safe.bareRepository is 'explicit')`,
        untrusted: true,
      };
    }
    const distrust = this.#checkOwner(undefined, undefined, directory);
    if (distrust !== undefined) return distrust;
    const commonDir = resolvePath(this.#cwd, commonDirectory(this.#fs, directory, this.#env));
    const shown = directory === this.#cwd ? '.' : directory;
    const format = this.#format(directory, commonDir, shown);
    if (format.problem !== undefined) return { missing: format.problem, unusable: true };
    if (this.#env['GIT_WORK_TREE'] !== undefined || format.workTree !== undefined) {
      return this.explicit(shown, { gitDir: directory, format });
    }
    return this.#layout(directory, commonDir, undefined, shown, false, format);
  }

  /** A repository of somebody else is refused unless `safe.directory` names it. */
  #checkOwner(gitFile: string | undefined, workTree: string | undefined, gitDir: string): NotFound | undefined {
    const assumeOther = parseBool(this.#env['GIT_TEST_ASSUME_DIFFERENT_OWNER'] ?? 'false') === true;
    const places = [gitFile, workTree, gitDir].filter((place) => place !== undefined);
    if (!assumeOther && places.every((place) => this.#ours(place))) return undefined;
    const place = realPathLenient(this.#fs, workTree ?? gitDir);
    let safe = false;
    const config = this.#options.protectedConfig();
    for (const { value } of config.allOf('safe.directory')) {
      if (value === undefined || value === '') safe = false;
      else if (value === '*') safe = true;
      else if (this.#isSafe(value, place, config)) safe = true;
    }
    if (safe) return undefined;
    const shown = realPathLenient(this.#fs, workTree ?? gitDir);
    const quoted = /^[A-Za-z0-9_./=:@%+,-]+$/.test(shown) ? shown : `'${shown.replace(/['!]/g, "'\\$&'")}'`;
    return {
      missing:
        `detected dubious ownership in repository at '${shown}'\n` +
        `To add an exception for this directory, call:\n\n\tgit config --global --add safe.directory ${quoted}`,
      untrusted: true,
    };
  }

  #isSafe(value: string, place: string, config: Config): boolean {
    let path: string;
    try {
      path = config.expandPath(value);
    } catch {
      return false;
    }
    if (path === '.') path = this.#cwd;
    else if (!isAbsolute(path)) return false;
    if (path.endsWith('/*')) {
      const parent = realPathLenient(this.#fs, normalizePath(path.slice(0, -2) || '/'));
      return pathInside(parent, place) !== undefined && parent !== place;
    }
    return realPathLenient(this.#fs, normalizePath(path)) === place;
  }

  #ours(path: string): boolean {
    const { userId } = this.#options.platform;
    if (userId === undefined) return true;
    const stat = this.#fs.lstat(path);
    if (stat === undefined || stat.uid === userId) return true;
    const sudo = userId === 0 ? this.#env['SUDO_UID'] : undefined;
    return sudo !== undefined && /^\d+$/.test(sudo) && Number(sudo) === stat.uid;
  }
}

const notFound: NotFound = { missing: 'not a git repository (or any of the parent directories): .git' };

/** `.git` itself, linked work trees and submodules' directories are no bare repositories somebody planted. */
function implicitlySafe(directory: string): boolean {
  return directory.endsWith('/.git') || /\/\.git\/(worktrees|modules)\//.test(`${directory}/`);
}
