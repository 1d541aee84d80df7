import type { Awaitable } from '../base/awaitable.js';
import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { isOid, rawLength } from '../base/oid.js';
import { ObjectDatabase } from '../objects/database.js';
import { LooseObjects } from '../objects/loose.js';
import type { Platform } from '../platform/platform.js';
import { alternateDirectories } from './alternates.js';
import type { Config, ConfigContext } from './config.js';
import { readConfig, userConfigFiles } from './config.js';
import type { Layout } from './discover.js';
import { discover } from './discover.js';
import type { RepositoryFormat } from './format.js';
import { Hooks } from './hooks.js';
import { isCommonFile } from './layout.js';
import { isAbsolute, resolvePath } from './paths.js';

export interface RepositoryOptions {
  readonly platform: Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly cwd: string;
  /** Instead of `GIT_DIR` and of looking for it. */
  readonly gitDir?: string | undefined;
  readonly workTree?: string | undefined;
  /** `key=value`, as `-c` takes them (on top of `GIT_CONFIG_PARAMETERS` in `env`). */
  readonly configOverrides?: readonly string[] | undefined;
  /** Told what git prints as `warning: …` while opening. */
  readonly warn?: ((message: string) => void) | undefined;
}

/** One repository: its places, configuration, objects and refs. Made by `openRepository`; `close` it when done. */
export class Repository {
  readonly platform: Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Absolute; of a linked work tree, `<common>/worktrees/<name>`. */
  readonly gitDir: string;
  /** Absolute: what all work trees of the repository share. */
  readonly commonDir: string;
  /** Absolute root of the work tree, `undefined` where there is none. */
  readonly workTree: string | undefined;
  /** The current directory below the work tree: '' or `a/b/`. */
  readonly prefix: string;
  /** The current directory is in the work tree. */
  readonly insideWorkTree: boolean;
  /** `gitDir` as git shows it, seen from the work tree's root, or from `cwd` outside of it. */
  readonly gitDirShown: string;
  /** `core.bare`, or a guess where it is not set and there is no work tree. */
  readonly bare: boolean;
  readonly format: RepositoryFormat;
  readonly objectFormat: HashAlgorithm;
  /** Bytes of a raw id: 20 or 32. */
  readonly oidLength: 20 | 32;
  readonly objectsDirectory: string;
  readonly hooks: Hooks;
  readonly #options: RepositoryOptions;
  #config: Config | undefined;
  #objects: ObjectDatabase | undefined;
  #refs: MinimalRefs | undefined;

  constructor(options: RepositoryOptions, layout: Layout) {
    this.#options = options;
    this.platform = options.platform;
    this.env = options.env;
    this.cwd = options.cwd;
    this.gitDir = layout.gitDir;
    this.commonDir = layout.commonDir;
    this.workTree = layout.workTree;
    this.prefix = layout.prefix;
    this.insideWorkTree = layout.insideWorkTree;
    this.gitDirShown = layout.gitDirShown;
    this.format = layout.format;
    this.bare = layout.format.bare !== false && layout.workTree === undefined;
    this.objectFormat = layout.format.objectFormat;
    this.oidLength = rawLength(this.objectFormat);
    const objects = this.env['GIT_OBJECT_DIRECTORY'];
    this.objectsDirectory =
      objects === undefined || objects === '' ? `${this.commonDir}/objects` : resolvePath(this.cwd, objects);
    this.hooks = new Hooks(this);
  }

  /** All scopes merged. Read once, when first asked for; `reloadConfig` forgets it. */
  get config(): Config {
    this.#config ??= readConfig(
      this.configContext(),
      {
        ...userConfigFiles(this.env),
        local: `${this.commonDir}/config`,
        worktree: this.format.worktreeConfig ? `${this.gitDir}/config.worktree` : undefined,
      },
      this.#options.configOverrides,
    );
    return this.#config;
  }

  reloadConfig(): void {
    this.#config = undefined;
  }

  configContext(): ConfigContext {
    return {
      fs: this.platform.fs,
      env: this.env,
      gitDir: this.gitDir,
      currentBranch: () => headBranch(this),
    };
  }

  /** Loose objects, packs and alternates behind one cache. */
  get objects(): ObjectDatabase {
    if (this.#objects === undefined) {
      const loose = (directory: string) => new LooseObjects(this.platform, directory, this.objectFormat);
      const own = loose(this.objectsDirectory);
      const others = alternateDirectories(
        this.platform.fs,
        this.objectsDirectory,
        this.env['GIT_ALTERNATE_OBJECT_DIRECTORIES'],
        this.cwd,
        this.#options.warn,
      );
      this.#objects = new ObjectDatabase(own, [own, ...others.map(loose)]);
    }
    return this.#objects;
  }

  get refs(): MinimalRefs {
    this.#refs ??= new MinimalRefs(this);
    return this.#refs;
  }

  /** Where a file of the git directory lies: `HEAD` and `index` per work tree, `refs` and `config` in the common one. */
  path(name: string): string {
    const { env } = this;
    if (name === 'index' && env['GIT_INDEX_FILE'] !== undefined) return this.fromTop(env['GIT_INDEX_FILE']);
    if (name === 'info/grafts' && env['GIT_GRAFT_FILE'] !== undefined) return this.fromTop(env['GIT_GRAFT_FILE']);
    if (name === 'shallow' && env['GIT_SHALLOW_FILE'] !== undefined) return this.fromTop(env['GIT_SHALLOW_FILE']);
    if (name === 'objects' || name.startsWith('objects/')) return this.objectsDirectory + name.slice('objects'.length);
    if (name === 'hooks' || name.startsWith('hooks/')) {
      const hooks = this.config.getPath('core.hookspath');
      if (hooks !== undefined) return this.fromTop(hooks) + name.slice('hooks'.length);
    }
    return `${isCommonFile(name) ? this.commonDir : this.gitDir}/${name}`;
  }

  /** Relative paths from the environment and configuration count from where git itself would stand. */
  fromTop(path: string): string {
    if (isAbsolute(path)) return path;
    return resolvePath(this.insideWorkTree ? this.workTree! : this.cwd, path);
  }

  close(): void {
    this.#objects?.close();
  }
}

/** The branch HEAD names, `main`; `undefined` when detached. */
function headBranch(repository: Repository): string | undefined {
  const bytes = repository.platform.fs.readFile(`${repository.gitDir}/HEAD`);
  const match = bytes === undefined ? null : /^ref:\s*refs\/heads\/(.+?)\s*$/.exec(decodeText(bytes));
  return match?.[1];
}

/** Reads refs one by one. */
class MinimalRefs {
  readonly #repository: Repository;
  constructor(repository: Repository) {
    this.#repository = repository;
  }

  resolve(name: string): Awaitable<Oid | undefined> {
    let current = name;
    for (let depth = 0; depth < 6; depth++) {
      const bytes = this.#repository.platform.fs.readFile(this.#repository.path(current));
      if (bytes === undefined) return this.#packed(current);
      const text = decodeText(bytes).trimEnd();
      if (isOid(text)) return text;
      const match = /^ref:\s*(.+)$/.exec(text);
      if (match === null) return undefined;
      current = match[1]!;
    }
    return undefined;
  }

  #packed(name: string): Oid | undefined {
    const bytes = this.#repository.platform.fs.readFile(`${this.#repository.commonDir}/packed-refs`);
    if (bytes === undefined) return undefined;
    for (const line of decodeText(bytes).split('\n')) {
      if (line.endsWith(` ${name}`)) return line.slice(0, line.indexOf(' ')) as Oid;
    }
    return undefined;
  }
}

function withPlaces(options: RepositoryOptions): RepositoryOptions {
  if (options.gitDir === undefined && options.workTree === undefined) return options;
  const env = { ...options.env };
  if (options.gitDir !== undefined) env['GIT_DIR'] = options.gitDir;
  if (options.workTree !== undefined) env['GIT_WORK_TREE'] = options.workTree;
  return { ...options, env };
}

function find(options: RepositoryOptions): ReturnType<typeof discover> {
  return discover({
    platform: options.platform,
    env: options.env,
    cwd: options.cwd,
    protectedConfig: () => readUserConfig(options),
  });
}

/** Configuration outside a repository: system, user and command line. */
export function readUserConfig(options: RepositoryOptions): Config {
  return readConfig(
    { fs: options.platform.fs, env: options.env },
    { ...userConfigFiles(options.env), local: undefined, worktree: undefined },
    options.configOverrides,
  );
}

/** The repository of `cwd`, or `undefined` outside of one. One that must not be used is only warned about. */
export function discoverRepository(options: RepositoryOptions): Repository | undefined {
  const settled = withPlaces(options);
  const found = find(settled);
  if (!('missing' in found)) return new Repository(settled, found);
  if (found.unusable === true) options.warn?.(found.missing);
  return undefined;
}

/** The repository of `cwd`. Throws `NOT_A_REPOSITORY`. */
export function openRepository(options: RepositoryOptions): Repository {
  const settled = withPlaces(options);
  const found = find(settled);
  if ('missing' in found) {
    throw new GitError(found.unusable === true ? 'UNSUPPORTED' : 'NOT_A_REPOSITORY', found.missing);
  }
  return new Repository(settled, found);
}
