import { isPromise } from '../base/awaitable.js';
import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../base/oid.js';
import { isOid, rawLength } from '../base/oid.js';
import { parseCommitLinks } from '../objects/commit.js';
import { type CommitGraph, openCommitGraph } from '../history/commit-graph.js';
import { ObjectDatabase } from '../objects/database.js';
import { formatSignature } from '../objects/signature.js';
import type { Signature } from '../objects/signature.js';
import { parseTag } from '../objects/tag.js';
import type { LooseOptions } from '../objects/loose.js';
import { readIfThere } from '../platform/fs.js';
import type { Platform } from '../platform/platform.js';
import { syncedComponents } from './fsync.js';
import { objectSources, openObjectDirectories } from '../packs/object-directory.js';
import type { ObjectDirectory } from '../packs/object-directory.js';
import { FilesRefStore } from '../refs/files-store.js';
import type { RefStore } from '../refs/store.js';
import { splitAlternates } from './alternates.js';
import type { Clock } from './calendar.js';
import type { Config, ConfigContext, ConfigFiles } from './config.js';
import type { ConfigEdit } from './config-file.js';
import { editConfig } from './config-file.js';
import { changeConfigFile } from './config-store.js';
import { readConfig, userConfigFiles } from './config.js';
import type { Layout } from './discover.js';
import { discover } from './discover.js';
import type { RepositoryFormat } from './format.js';
import { Hooks } from './hooks.js';
import { isCommonFile } from './layout.js';
import type { OwnMerges } from '../merge/strategy.js';
import type { IdentityOptions, IdentityRole } from './identity.js';
import { identity } from './identity.js';
import { isAbsolute, resolvePath } from './paths.js';
import { parseSharing } from './shared.js';
import { sharedPlatform } from './shared-files.js';
import { readReplacements, replacementOf } from './replacements.js';

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
  /** `false`: objects are read as they are, not what `refs/replace/` puts in their place. */
  readonly replaceObjects?: boolean | undefined;
  /** Looks an entry of the index up; the index is read by a room above this one. */
  readonly indexEntry?: IndexLookup | undefined;
  /** Told what git prints as `warning: …` while opening. */
  readonly warn?: ((message: string) => void) | undefined;
  /** Told what git prints as `error: …` about storage that is damaged and passed over. */
  readonly problem?: ((message: string) => void) | undefined;
  /** Takes what `GIT_TRACE_SETUP` asks for, and where it is to go. */
  readonly trace?: ((text: string, target: string) => void) | undefined;
  /** Told whole lines for standard error. */
  readonly complain?: ((line: string) => void) | undefined;
  /** Drivers and strategies of the user's own. */
  readonly merges?: OwnMerges | undefined;
}

/** An entry of the index at a path and stage. */
export type IndexLookup = (
  repository: Repository,
  path: string,
  stage: number,
) => Promise<{ readonly oid: Oid; readonly mode: number } | undefined>;

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
  /** It was named by `GIT_DIR`, not found. */
  readonly explicit: boolean;
  readonly #options: RepositoryOptions;
  readonly #closers: (() => void)[] = [];
  #config: Config | undefined;
  #objects: ObjectDatabase | undefined;
  #directories: readonly ObjectDirectory[] | undefined;
  #refs: RefStore | undefined;

  constructor(options: RepositoryOptions, layout: Layout) {
    this.#options = options;
    const { sharedRepository } = layout.format;
    const sharing =
      sharedRepository === undefined
        ? undefined
        : parseSharing(sharedRepository === true ? undefined : sharedRepository);
    this.platform =
      sharing === undefined
        ? options.platform
        : sharedPlatform(options.platform, sharing, [layout.gitDir, layout.commonDir], options.cwd);
    this.env = options.env;
    this.cwd = options.cwd;
    this.gitDir = layout.gitDir;
    this.commonDir = layout.commonDir;
    this.workTree = layout.workTree;
    this.prefix = layout.prefix;
    this.insideWorkTree = layout.insideWorkTree;
    this.gitDirShown = layout.gitDirShown;
    this.explicit = layout.explicit;
    this.format = layout.format;
    this.bare = layout.format.bare !== false && layout.workTree === undefined;
    this.objectFormat = layout.format.objectFormat;
    this.oidLength = rawLength(this.objectFormat);
    const objects = this.env['GIT_OBJECT_DIRECTORY'];
    this.objectsDirectory =
      objects === undefined || objects === '' ? `${this.commonDir}/objects` : resolvePath(this.cwd, objects);
    this.hooks = new Hooks(this);
    if (this.contradictory) options.warn?.('core.bare and core.worktree do not make sense');
  }

  /** The configuration says both that there is no work tree (`core.bare`) and where it is (`core.worktree`). */
  get contradictory(): boolean {
    return this.format.bare === true && this.format.workTree !== undefined && this.env['GIT_WORK_TREE'] === undefined;
  }

  /** Drivers and strategies that whoever opened the repository brought along. */
  get merges(): OwnMerges {
    return this.#options.merges ?? {};
  }

  /** A path of the git directory as git shows it: relative, where it is below. */
  shownPath(path: string): string {
    const { commonDir, gitDirShown, gitDir } = this;
    return commonDir === gitDir && path.startsWith(`${gitDir}/`) ? gitDirShown + path.slice(gitDir.length) : path;
  }

  /** Takes a whole line for standard error. */
  complain(line: string): void {
    this.#options.complain?.(line);
  }

  /** All scopes merged. Read once, when first asked for; `reloadConfig` forgets it. */
  get config(): Config {
    this.#config ??= readConfig(this.configContext(), this.configFiles(), this.#options.configOverrides);
    return this.#config;
  }

  /** The files that configuration is read from. */
  configFiles(): ConfigFiles {
    return {
      ...userConfigFiles(this.env),
      local: { path: `${this.commonDir}/config`, name: this.shown('config') },
      worktree: this.format.worktreeConfig
        ? { path: `${this.gitDir}/config.worktree`, name: this.shown('config.worktree') }
        : undefined,
    };
  }

  /** Sets (or with `undefined` removes) a key of the repository's own configuration file. */
  setConfig(key: string, value: string | undefined, options: Omit<ConfigEdit, 'key' | 'value'> = {}): void {
    const path = `${this.commonDir}/config`;
    changeConfigFile(this.platform.fs, path, this.shown('config'), (file) => {
      const edited = editConfig(file, { all: true, ...options, key, value });
      return 'text' in edited ? edited.text : file.text;
    });
    this.reloadConfig();
  }

  /** A file of the git directory as git shows it: `.git/config`, or just `config` in a bare repository. */
  shown(name: string): string {
    const directory = this.commonDir !== this.gitDir && isCommonFile(name) ? this.commonDir : this.gitDirShown;
    return directory === '.' ? name : `${directory}/${name}`;
  }

  /** Has the configuration read again where it is asked next: a file of it was changed. */
  reloadConfig(): void {
    this.#config = undefined;
  }

  /** What reading a configuration file of this repository needs (for `include` and `includeIf`). */
  configContext(): ConfigContext {
    return {
      fs: this.platform.fs,
      env: this.env,
      gitDir: this.gitDir,
      currentBranch: () => headBranch(this),
    };
  }

  /** The object directories, the own one first, then the alternates. */
  get objectDirectories(): readonly ObjectDirectory[] {
    this.#directories ??= openObjectDirectories(this.platform, this.objectsDirectory, this.objectFormat, {
      loose: this.#looseOptions(),
      packs: {
        multiPackIndex: this.config.getBool('core.multipackindex', true),
        problem: (error) =>
          this.#options.problem?.(error.message.replaceAll(`${this.gitDir}/`, () => `${this.gitDirShown}/`)),
      },
      alternates: splitAlternates(this.env['GIT_ALTERNATE_OBJECT_DIRECTORIES'] ?? '').map((path) =>
        resolvePath(this.insideWorkTree ? this.workTree! : this.cwd, path),
      ),
      warn: (message) => this.#options.problem?.(message),
    });
    return this.#directories;
  }

  #looseOptions(): LooseOptions {
    const level = this.config.getInt('core.loosecompression') ?? this.config.getInt('core.compression');
    if (level !== undefined && (level < -1 || level > 9)) {
      throw new GitError('CONFIG', `bad zlib compression level ${level}`);
    }
    return {
      ...(level === undefined ? {} : { compression: level }),
      sync: this.syncs('loose-object'),
      shown: this.#shownObjects(),
    };
  }

  #shownObjects(): string {
    const { objectsDirectory, gitDir } = this;
    return objectsDirectory.startsWith(`${gitDir}/`)
      ? `${this.gitDirShown}/${objectsDirectory.slice(gitDir.length + 1)}`
      : objectsDirectory;
  }

  /** Whether `core.fsync` asks for this kind of file to be synced. */
  syncs(component: string): boolean {
    return syncedComponents(this.config, this.env).has(component);
  }

  /** Whether new packs, and what lies beside them, are synced. */
  get packSync(): { readonly sync: boolean; readonly syncMetadata: boolean } {
    return { sync: this.syncs('pack'), syncMetadata: this.syncs('pack-metadata') };
  }

  #interrupt: AbortSignal | undefined;

  /** Stops whatever reads or writes objects here, wherever that is in its work (`ObjectDatabase.interrupt`). */
  set interrupt(signal: AbortSignal | undefined) {
    this.#interrupt = signal;
    if (this.#objects !== undefined) this.#objects.interrupt = signal;
  }

  /** Loose objects, packs and alternates behind one cache. */
  get objects(): ObjectDatabase {
    if (this.#objects === undefined) {
      const directories = this.objectDirectories;
      this.#objects = new ObjectDatabase(directories[0]!.loose, objectSources(directories));
      const replacements = this.replacements;
      if (replacements !== undefined) this.#objects.replacement = (oid) => replacementOf(replacements, oid);
      this.#objects.interrupt = this.#interrupt;
    }
    return this.#objects;
  }

  /**
   * The commit-graph (`core.commitGraph`), for walks by position; `undefined` where there is none, or where it does not
   * tell the history as it is to be seen (shallow, grafts, replacements).
   */
  get commitGraph(): CommitGraph | undefined {
    if (this.#commitGraph === undefined) {
      const { fs } = this.platform;
      const hidden =
        !this.config.getBool('core.commitgraph', true) ||
        fs.lstat(this.path('shallow')) !== undefined ||
        fs.lstat(this.path('info/grafts')) !== undefined ||
        /^(?:1|true|yes|on)$/i.test(this.env['GIT_COMMIT_GRAPH_PARANOIA'] ?? '') ||
        this.replacements !== undefined;
      const open = (directory: string): CommitGraph | undefined =>
        openCommitGraph(fs, directory, this.objectFormat, {
          problem: (error) =>
            this.#options.problem?.(error.message.replaceAll(`${this.gitDir}/`, () => `${this.gitDirShown}/`)),
          alternates: this.objectDirectories.map(({ path }) => path),
          generationVersion: this.config.getInt('commitgraph.generationversion'),
          readParents: (oid) => {
            const object = this.objects.readRaw(oid);
            return isPromise(object) || object?.kind !== 'commit' ? undefined : parseCommitLinks(object.data).parents;
          },
          changedPathsVersion: changedPathsVersion(this.config),
          warn: (message) => this.#options.warn?.(message.replaceAll(`${this.gitDir}/`, `${this.gitDirShown}/`)),
        });
      let graph: CommitGraph | undefined;
      if (!hidden) for (const { path } of this.objectDirectories) graph ??= open(path);
      this.#commitGraph = graph ?? null;
    }
    return this.#commitGraph ?? undefined;
  }

  #commitGraph: CommitGraph | null | undefined;

  #replacements: ReadonlyMap<Oid, Oid> | undefined;

  /** Objects that others are read instead of; `undefined` where there are none, or they are switched off. */
  get replacements(): ReadonlyMap<Oid, Oid> | undefined {
    const off =
      this.#options.replaceObjects === false ||
      this.env['GIT_NO_REPLACE_OBJECTS'] !== undefined ||
      this.config.getBool('core.usereplacerefs') === false;
    if (!off) this.#replacements ??= readReplacements(this);
    return this.#replacements;
  }

  /** The names of this repository: branches, tags, HEAD. */
  get refs(): RefStore {
    this.#refs ??= this.#openRefs();
    return this.#refs;
  }

  #openRefs(): RefStore {
    if (this.format.refStorage !== 'files') {
      throw new GitError('UNSUPPORTED', `ref storage format '${this.format.refStorage}' is not supported yet`);
    }
    const { config } = this;
    const logs = config.last('core.logallrefupdates');
    const runHook = this.hooks.exists('reference-transaction') ? this.hooks : undefined;
    return new FilesRefStore(this.platform, {
      gitDir: this.gitDir,
      commonDir: this.commonDir,
      ...(this.gitDir === this.commonDir ? { shownDir: this.gitDirShown } : {}),
      algorithm: this.objectFormat,
      bare: this.bare,
      logAllRefUpdates: logs?.value?.toLowerCase() === 'always' ? 'always' : config.getBool('core.logallrefupdates'),
      lockTimeout: config.getInt('core.filesreflocktimeout'),
      packedLockTimeout: config.getInt('core.packedrefstimeout'),
      preferSymlinks: config.getBool('core.prefersymlinkrefs'),
      sync: this.syncs('reference'),
      quarantined: this.env['GIT_QUARANTINE_PATH'] !== undefined,
      identity: () => formatSignature(this.identity('committer', { strict: false })),
      objectKind: async (oid) => (await this.objects.readHeader(oid))?.kind,
      peel: (oid) => peelTag(this, oid),
      onWarning: (line) => this.complain(line),
      ...(runHook === undefined
        ? {}
        : {
            runHook: (state, input) =>
              runHook.run('reference-transaction', [state], { input: encodeText(input) })?.code === 0,
          }),
    });
  }

  /** What `:path` names in revisions: an entry of the index. */
  async indexEntry(path: string, stage: number): Promise<{ readonly oid: Oid; readonly mode: number } | undefined> {
    return this.#options.indexEntry?.(this, path, stage);
  }

  /** A commit's parents as history is seen here: grafts and the ends of a shallow clone count. */
  async parentsOf(oid: Oid<'commit'>): Promise<readonly Oid<'commit'>[] | undefined> {
    const grafted = this.grafts.get(oid);
    if (grafted !== undefined) return grafted;
    const object = await this.objects.read(oid);
    return object?.kind === 'commit' ? parseCommitLinks(object.data).parents : undefined;
  }

  #grafts: ReadonlyMap<Oid, readonly Oid<'commit'>[]> | undefined;

  /** Commits whose parents are others than they say: the ends of a shallow clone, and `info/grafts`. */
  get grafts(): ReadonlyMap<Oid, readonly Oid<'commit'>[]> {
    this.#grafts ??= readGrafts(this);
    return this.#grafts;
  }

  /** Now, and the user's time zone. */
  get clock(): Clock {
    return {
      now: this.now(),
      zone: (milliseconds) => this.platform.timezoneOffset(milliseconds),
    };
  }

  /** Seconds since the epoch (`GIT_TEST_DATE_NOW` where it is set). */
  now(): number {
    return nowOf(this.platform, this.env);
  }

  /** Who writes, and when. Throws git's errors where nobody can be found. */
  identity(role: IdentityRole, options: IdentityOptions = {}): Signature {
    // Both times of one command are the same, also when it takes a while.
    this.#startedAt ??= this.clock;
    return identity(
      role,
      { config: this.config, env: this.env, platform: this.platform, clock: this.#startedAt },
      options,
    );
  }

  #startedAt: Clock | undefined;

  /** What is written from here on is of a new time: a repository that stays open makes commits of many seconds. */
  moment(): void {
    this.#startedAt = undefined;
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

  /** Adds something to end with the repository, such as a program kept running for it. */
  whenClosed(end: () => void): void {
    this.#closers.push(end);
  }

  /** Lets go of files and programs. What is asked afterwards may open them again, or fail. */
  close(): void {
    for (const end of this.#closers.splice(0)) end();
    this.#commitGraph?.close();
    this.#objects?.close();
  }
}

/** The branch HEAD names, `main`; `undefined` when detached. */
function headBranch(repository: Repository): string | undefined {
  const bytes = repository.platform.fs.readFile(`${repository.gitDir}/HEAD`);
  const match = bytes === undefined ? null : /^ref:\s*refs\/heads\/(.+?)\s*$/.exec(decodeText(bytes));
  return match?.[1];
}

/** Which changed-path filters may be read: of any version (-1), none (0), or one. */
export function changedPathsVersion(config: Config): number {
  const version = config.getInt('commitgraph.changedpathsversion');
  if (version !== undefined) return version;
  return config.getBool('commitgraph.readchangedpaths', true) ? -1 : 0;
}

function readGrafts(repository: Repository): ReadonlyMap<Oid, readonly Oid<'commit'>[]> {
  const grafts = new Map<Oid, readonly Oid<'commit'>[]>();
  const { fs } = repository.platform;
  const own = readIfThere(fs, repository.path('info/grafts'));
  for (const line of own === undefined ? [] : decodeText(own).split('\n')) {
    const [commit, ...parents] = line.trim().split(/\s+/);
    if (commit === undefined || !isOid(commit) || !parents.every(isOid)) continue;
    grafts.set(commit, parents as Oid<'commit'>[]);
  }
  const shallow = readIfThere(fs, repository.path('shallow'));
  for (const line of shallow === undefined ? [] : decodeText(shallow).split('\n'))
    if (isOid(line)) grafts.set(line, []);
  return grafts;
}

/** What an annotated tag leads to in the end; `undefined` for what is no tag. */
async function peelTag(repository: Repository, oid: Oid): Promise<Oid | undefined> {
  let current = oid;
  let kind: ObjectKind | undefined = (await repository.objects.readHeader(oid))?.kind;
  if (kind !== 'tag') return undefined;
  while (kind === 'tag') {
    const object = await repository.objects.read(current);
    if (object === undefined) return undefined;
    if (object.kind !== 'tag') return current;
    const tag = parseTag(object.data);
    current = tag.target;
    kind = (await repository.objects.readHeader(current))?.kind;
    // A tag that is wrong about what it leads to is not believed.
    if (kind !== tag.targetKind) return undefined;
  }
  return current;
}

/** Seconds since the epoch by the platform's clock, or as tests fix it. */
export function nowOf(platform: Platform, env: Readonly<Record<string, string | undefined>>): number {
  const fixed = env['GIT_TEST_DATE_NOW'];
  if (fixed !== undefined && fixed !== '') return Number.parseInt(fixed, 10);
  return Math.floor(platform.now() / 1000);
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

function opened(options: RepositoryOptions, layout: Layout): Repository {
  const target = options.env['GIT_TRACE_SETUP'];
  if (target !== undefined && !/^(?:0|false|)$/i.test(target)) {
    const { gitDirShown, commonDir, gitDir, workTree, insideWorkTree, prefix } = layout;
    const before =
      options.env['GIT_TRACE_BARE'] === '1'
        ? ''
        : `${new Date(options.platform.now()).toISOString().slice(11, 23)}000 `;
    const lines = [
      `git_dir: ${gitDirShown}`,
      `git_common_dir: ${commonDir === gitDir ? gitDirShown : commonDir}`,
      `worktree: ${workTree ?? '(null)'}`,
      `cwd: ${insideWorkTree ? workTree : options.cwd}`,
      `prefix: ${prefix === '' ? '(null)' : prefix}`,
    ];
    options.trace?.(lines.map((line) => `${before}setup: ${line}\n`).join(''), target);
  }
  return new Repository(options, layout);
}

/** The repository of `cwd`, or `undefined` outside of one. One that must not be used is only warned about. */
export function discoverRepository(options: RepositoryOptions): Repository | undefined {
  const settled = withPlaces(options);
  const found = find(settled);
  if (!('missing' in found)) return opened(settled, found);
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
  return opened(settled, found);
}
