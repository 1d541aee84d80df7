import { defaultBranch } from './default-branch.js';
import { systemMessage } from '../platform/system-message.js';
import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm } from '../base/oid.js';
import type { FileSystem } from '../platform/fs.js';
import type { Platform } from '../platform/platform.js';
import { LockFile } from '../platform/lock.js';
import { isValidBranchName } from '../refs/name.js';
import type { Config } from './config.js';
import { editConfig, parseConfigFile } from './config-file.js';
import { readGitFile } from './discover.js';
import { readRepositoryFormat } from './format.js';
import { isAbsolute, normalizePath, parentDirectory, realPathLenient, resolvePath } from './paths.js';
import type { Repository } from './repository.js';
import { openRepository, readUserConfig } from './repository.js';
import type { Sharing } from './shared.js';
import { adjustShared, parseSharing, sharedMode, sharingText } from './shared.js';

export interface InitOptions {
  readonly platform: Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the repository is made, unless `gitDir` says otherwise. Absolute. */
  readonly cwd: string;
  /** The git directory, `.git` unless said (for a bare one, `cwd` itself). */
  readonly gitDir?: string | undefined;
  readonly workTree?: string | undefined;
  /** Left out: guessed from `gitDir`, as git does. */
  readonly bare?: boolean | undefined;
  /** Put the git directory here and a `.git` file in its place. */
  readonly separateGitDir?: string | undefined;
  /** A directory whose files are copied in; '' for none; left out for the configured or built-in one. */
  readonly template?: string | undefined;
  readonly objectFormat?: string | undefined;
  readonly refFormat?: string | undefined;
  readonly initialBranch?: string | undefined;
  readonly shared?: Sharing | undefined;
  readonly configOverrides?: readonly string[] | undefined;
  readonly warn?: ((message: string) => void) | undefined;
  /** Told the hint about the name of the first branch, when nobody chose one. */
  readonly adviseBranch?: ((name: string) => void) | undefined;
}

export interface InitResult {
  /** Absolute. */
  readonly gitDir: string;
  /** It was there before. */
  readonly reinitialized: boolean;
  readonly shared: boolean;
}

/** Makes a repository, or completes one that is there. The result is what `openRepository` then opens. */
export function initRepository(options: InitOptions): InitResult {
  return new Initialization(options).run();
}

/** `initRepository`, and opens the result. */
export function createRepository(options: InitOptions): Repository {
  const { gitDir } = initRepository(options);
  return openRepository({
    platform: options.platform,
    env: options.env,
    cwd: options.cwd,
    ...(gitDir === `${options.cwd}/.git` || gitDir === options.cwd ? {} : { gitDir, workTree: options.workTree }),
  });
}

class Initialization {
  readonly #options: InitOptions;
  readonly #fs: FileSystem;
  readonly #config: Config;
  #sharing: Sharing;

  constructor(options: InitOptions) {
    this.#options = options;
    this.#fs = options.platform.fs;
    this.#config = readUserConfig(options);
  }

  run(): InitResult {
    const { cwd } = this.#options;
    const named = this.#options.gitDir ?? '.git';
    const bare = this.#options.bare ?? (this.#options.workTree === undefined && looksBare(named, cwd));
    if (bare && this.#options.separateGitDir !== undefined) {
      throw new GitError('USAGE', '--separate-git-dir incompatible with bare repository');
    }
    const first = resolvePath(cwd, named);
    let gitDir = readGitFile(this.#options.platform, first, this.#options.env) ?? realPathLenient(this.#fs, first);
    const workTree = bare ? undefined : this.#workTree(first);
    if (this.#options.separateGitDir !== undefined) gitDir = this.#separate(first, gitDir);
    const commonDir = this.#commonDirectory(gitDir);
    const existing = this.#checkFormat(gitDir, commonDir);
    this.#chooseSharing(commonDir);
    this.#makeDirectory(gitDir);
    this.#copyTemplate(commonDir);
    // A template may bring a configuration that says more.
    this.#chooseSharing(commonDir);
    const reinitialized = this.#fs.lstat(`${gitDir}/HEAD`) !== undefined;
    const format = this.#format(existing, reinitialized);
    for (const name of ['refs', 'refs/heads', 'refs/tags']) this.#makeDirectory(`${commonDir}/${name}`);
    if (reinitialized) {
      if (this.#options.initialBranch !== undefined) {
        this.#options.warn?.(`re-init: ignored --initial-branch=${this.#options.initialBranch}`);
      }
    } else this.#writeHead(gitDir);
    const logs = this.#config.last('core.logallrefupdates') === undefined;
    this.#writeConfig(commonDir, bare, workTree, gitDir, format, reinitialized, logs);
    const objects = this.#options.env['GIT_OBJECT_DIRECTORY'] || `${commonDir}/objects`;
    for (const name of ['', '/pack', '/info']) this.#makeDirectory(resolvePath(cwd, objects + name));
    return { gitDir, reinitialized, shared: this.#sharing !== undefined };
  }

  #workTree(gitDir: string): string {
    const named = this.#options.workTree;
    if (named !== undefined) return realPathLenient(this.#fs, resolvePath(this.#options.cwd, named));
    const place = gitDir.endsWith('/.git') ? parentDirectory(gitDir) : this.#options.cwd;
    const workTree = realPathLenient(this.#fs, place);
    return workTree;
  }

  /** Moves the git directory (or what the `.git` file points at) to its new place and leaves a `.git` file. */
  #separate(link: string, gitDir: string): string {
    const target = realPathLenient(this.#fs, resolvePath(this.#options.cwd, this.#options.separateGitDir!));
    const there = this.#fs.stat(link);
    if (there !== undefined) {
      if (there.kind !== 'file' && there.kind !== 'directory') {
        throw new GitError('USAGE', `unable to handle file type ${there.mode}`);
      }
      if (this.#fs.lstat(target) !== undefined && gitDir !== target) {
        this.#rename(gitDir, target);
      } else if (gitDir !== target) this.#rename(gitDir, target);
      this.#repairWorktrees(target);
    }
    this.#fs.writeFile(link, encodeText(`gitdir: ${target}\n`));
    return target;
  }

  #rename(from: string, to: string): void {
    try {
      this.#fs.rename(from, to);
    } catch (cause) {
      throw new GitError('USAGE', `unable to move ${from} to ${to}`, { cause });
    }
  }

  /** Linked work trees point at the git directory by path; after a move they must point at the new place. */
  #repairWorktrees(gitDir: string): void {
    for (const { name } of this.#fs.readDirectory(`${gitDir}/worktrees`) ?? []) {
      const own = `${gitDir}/worktrees/${name}`;
      const back = this.#fs.readFile(`${own}/gitdir`);
      if (back === undefined) continue;
      const text = decodeText(back).trimEnd();
      const file = isAbsolute(text) ? text : resolvePath(own, text);
      if (this.#fs.stat(file)?.kind !== 'file') continue;
      this.#fs.writeFile(file, encodeText(`gitdir: ${own}\n`));
    }
  }

  #commonDirectory(gitDir: string): string {
    const bytes = this.#fs.readFile(`${gitDir}/commondir`);
    return bytes === undefined ? gitDir : resolvePath(gitDir, decodeText(bytes).trimEnd());
  }

  #checkFormat(gitDir: string, commonDir: string): ReturnType<typeof readRepositoryFormat> | undefined {
    if (this.#fs.stat(`${commonDir}/config`) === undefined) return undefined;
    const format = readRepositoryFormat(this.#fs, gitDir, commonDir);
    if (format.problem !== undefined) throw new GitError('UNSUPPORTED', format.problem);
    return format;
  }

  #chooseSharing(commonDir: string): void {
    if ('shared' in this.#options && this.#options.shared !== undefined) {
      this.#sharing = this.#options.shared;
      return;
    }
    const bytes = this.#fs.readFile(`${commonDir}/config`);
    if (bytes !== undefined) {
      const entries = parseConfigFile(decodeText(bytes)).tokens.filter(
        (token) => token.type === 'entry' && token.key === 'core.sharedrepository',
      );
      const last = entries[entries.length - 1];
      if (last?.type === 'entry') {
        this.#sharing = parseSharing(last.value);
        return;
      }
    }
    const entry = this.#config.last('core.sharedrepository');
    this.#sharing = entry === undefined ? undefined : parseSharing(entry.value);
  }

  #makeDirectory(path: string): void {
    const missing: string[] = [];
    for (let at = path; this.#fs.stat(at) === undefined && at !== '/'; at = parentDirectory(at)) missing.push(at);
    for (const directory of missing.reverse()) {
      try {
        this.#fs.makeDirectory(directory);
      } catch (cause) {
        throw new GitError('USAGE', `cannot mkdir ${directory}: ${systemMessage(cause)}`, { cause });
      }
    }
    if (this.#fs.stat(path)?.kind !== 'directory') {
      throw new GitError('USAGE', `cannot mkdir ${path}: File exists`);
    }
    adjustShared(this.#fs, this.#sharing, path);
  }

  #copyTemplate(commonDir: string): void {
    const { env } = this.#options;
    const named = this.#options.template ?? env['GIT_TEMPLATE_DIR'] ?? this.#config.getPath('init.templatedir');
    if (named === '') return;
    if (named === undefined) {
      this.#writeBuiltInTemplate(commonDir);
      return;
    }
    const source = resolvePath(this.#options.cwd, named);
    let entries: ReturnType<FileSystem['readDirectory']>;
    try {
      entries = this.#fs.readDirectory(source);
    } catch {
      entries = undefined;
    }
    if (entries === undefined) {
      this.#options.warn?.(`templates not found in ${named}`);
      return;
    }
    const config = this.#fs.readFile(`${source}/config`);
    if (config !== undefined) {
      const format = readRepositoryFormat(this.#fs, source, source);
      if (format.problem !== undefined) {
        this.#options.warn?.(`not copying templates from '${named}': ${format.problem}`);
        return;
      }
    }
    this.#copyTree(source, commonDir);
  }

  #copyTree(from: string, to: string): void {
    this.#makeDirectory(to);
    for (const { name } of this.#fs.readDirectory(from) ?? []) {
      if (name.startsWith('.')) continue;
      const source = `${from}/${name}`;
      const target = `${to}/${name}`;
      const stat = this.#fs.lstat(source);
      const there = this.#fs.lstat(target);
      if (stat?.kind === 'directory') this.#copyTree(source, target);
      else if (there !== undefined) continue;
      else if (stat?.kind === 'symlink') this.#fs.symlink(this.#fs.readLink(source)!, target);
      else if (stat?.kind === 'file') {
        this.#fs.writeFile(target, this.#fs.readFile(source)!, stat.mode & 0o777);
        adjustShared(this.#fs, this.#sharing, target);
      } else this.#options.warn?.(`ignoring template ${source}`);
    }
  }

  #writeBuiltInTemplate(commonDir: string): void {
    for (const [name, text] of builtInTemplate) {
      const target = `${commonDir}/${name}`;
      this.#makeDirectory(parentDirectory(target));
      if (text === undefined) this.#makeDirectory(target);
      else if (this.#fs.lstat(target) === undefined) {
        this.#fs.writeFile(target, encodeText(text));
        adjustShared(this.#fs, this.#sharing, target);
      }
    }
  }

  #format(
    existing: ReturnType<typeof readRepositoryFormat> | undefined,
    reinitialized: boolean,
  ): { objectFormat: HashAlgorithm; refFormat: 'files' | 'reftable' } {
    const { env } = this.#options;
    const named = this.#options.objectFormat;
    if (named !== undefined && named !== 'sha1' && named !== 'sha256') {
      throw new GitError('USAGE', `unknown hash algorithm '${named}'`);
    }
    const namedRefs = this.#options.refFormat;
    if (namedRefs !== undefined) checkRefFormatName(namedRefs);
    if (reinitialized) {
      const objectFormat = existing?.objectFormat ?? 'sha1';
      const refFormat = existing?.refStorage ?? 'files';
      if (named !== undefined && named !== objectFormat) {
        throw new GitError('USAGE', 'attempt to reinitialize repository with different hash');
      }
      if (namedRefs !== undefined && namedRefs !== refFormat) {
        throw new GitError('USAGE', 'attempt to reinitialize repository with different reference storage format');
      }
      return { objectFormat, refFormat };
    }
    return {
      objectFormat: named ?? this.#defaultObjectFormat(env['GIT_DEFAULT_HASH']),
      refFormat:
        namedRefs === undefined ? this.#defaultRefFormat(env['GIT_DEFAULT_REF_FORMAT']) : checkRefFormatName(namedRefs),
    };
  }

  #defaultObjectFormat(fromEnvironment: string | undefined): HashAlgorithm {
    const configured = this.#config.get('init.defaultobjectformat');
    const known = configured === undefined || configured === 'sha1' || configured === 'sha256';
    if (!known) this.#options.warn?.(`unknown hash algorithm '${configured}'`);
    if (fromEnvironment !== undefined && fromEnvironment !== '') {
      if (fromEnvironment !== 'sha1' && fromEnvironment !== 'sha256') {
        throw new GitError('USAGE', `unknown hash algorithm '${fromEnvironment}'`);
      }
      return fromEnvironment;
    }
    return known ? (configured ?? 'sha1') : 'sha1';
  }

  #defaultRefFormat(fromEnvironment: string | undefined): 'files' | 'reftable' {
    const configured = this.#config.get('init.defaultrefformat');
    const known = configured === undefined || configured === 'files' || configured === 'reftable';
    if (!known) this.#options.warn?.(`unknown ref storage format '${configured}'`);
    if (fromEnvironment !== undefined && fromEnvironment !== '') return checkRefFormatName(fromEnvironment);
    return known && configured !== undefined ? checkRefFormatName(configured) : 'files';
  }

  #writeHead(gitDir: string): void {
    const branch =
      this.#options.initialBranch ?? defaultBranch(this.#config, this.#options.env, this.#options.adviseBranch);
    if (!isValidBranchName(branch)) {
      throw new GitError(
        'REF_INVALID',
        this.#options.initialBranch === undefined
          ? `invalid branch name: init.defaultBranch = ${branch}`
          : `invalid initial branch name: '${branch}'`,
      );
    }
    this.#fs.writeFile(`${gitDir}/HEAD`, encodeText(`ref: refs/heads/${branch}\n`));
    adjustShared(this.#fs, this.#sharing, `${gitDir}/HEAD`);
  }

  #writeConfig(
    commonDir: string,
    bare: boolean,
    workTree: string | undefined,
    gitDir: string,
    format: { objectFormat: HashAlgorithm; refFormat: 'files' | 'reftable' },
    reinitialized: boolean,
    logs: boolean,
  ): void {
    const path = `${commonDir}/config`;
    const before = this.#fs.readFile(path);
    let text = before === undefined ? '' : decodeText(before);
    const set = (key: string, value: string): void => {
      const edited = editConfig(parseConfigFile(text), { key, value, all: true });
      if ('text' in edited) text = edited.text;
    };
    const had = (key: string): boolean =>
      parseConfigFile(text).tokens.some((token) => token.type === 'entry' && token.key === key);
    if (format.objectFormat !== 'sha1') set('extensions.objectformat', format.objectFormat);
    if (format.refFormat !== 'files') set('extensions.refstorage', format.refFormat);
    if (gitDir === commonDir) {
      const version = parseConfigFile(text).tokens.some(
        (token) => token.type === 'entry' && token.key.startsWith('extensions.') && !oldExtensions.has(token.key),
      )
        ? '1'
        : '0';
      if (!reinitialized || version === '1' || !had('core.repositoryformatversion')) {
        set('core.repositoryformatversion', version);
      }
      this.#writeText(path, text);
      set('core.filemode', this.#probeFileMode(path) ? 'true' : 'false');
      set('core.bare', bare ? 'true' : 'false');
      if (!bare) {
        if (logs && !had('core.logallrefupdates')) set('core.logallrefupdates', 'true');
        if (workTree !== undefined && needsWorkTreeEntry(gitDir, workTree)) set('core.worktree', workTree);
      }
      if (!reinitialized && !this.#probeSymlinks(commonDir)) set('core.symlinks', 'false');
      if (!reinitialized && this.#fs.stat(`${commonDir}/CoNfIg`) !== undefined) set('core.ignorecase', 'true');
    }
    if (this.#sharing !== undefined) {
      set('core.sharedrepository', sharingText(this.#sharing));
      set('receive.denyNonFastforwards', 'true');
    }
    this.#writeText(path, text);
  }

  #writeText(path: string, text: string): void {
    const lock = LockFile.acquire(this.#fs, path);
    lock.write(encodeText(text));
    lock.close();
    if (this.#sharing !== undefined) {
      this.#fs.chmod(lock.lockPath, sharedMode(this.#sharing, this.#fs.stat(lock.lockPath)!.mode & 0o777));
    }
    lock.commit();
  }

  /** Whether the file system keeps the executable bit. */
  #probeFileMode(path: string): boolean {
    const stat = this.#fs.lstat(path);
    if (stat === undefined) return true;
    try {
      this.#fs.chmod(path, (stat.mode & 0o7777) ^ 0o100);
      const changed = this.#fs.lstat(path)!.mode !== stat.mode;
      this.#fs.chmod(path, stat.mode & 0o7777);
      return changed;
    } catch {
      return false;
    }
  }

  #probeSymlinks(directory: string): boolean {
    const path = `${directory}/${this.#options.platform.pid}.probe`;
    try {
      this.#fs.symlink('testing', path);
      const works = this.#fs.lstat(path)?.kind === 'symlink';
      this.#fs.remove(path);
      return works;
    } catch {
      return false;
    }
  }
}

/** Extensions that count in version 0 too. */
const oldExtensions: ReadonlySet<string> = new Set([
  'extensions.noop',
  'extensions.preciousobjects',
  'extensions.partialclone',
  'extensions.worktreeconfig',
]);

function checkRefFormatName(name: string): 'files' | 'reftable' {
  if (name === 'files') return name;
  if (name === 'reftable') throw new GitError('UNSUPPORTED', "ref storage format 'reftable' is not supported yet");
  throw new GitError('USAGE', `unknown ref storage format '${name}'`);
}

/** git's guess: `.` and the current directory are bare, `.git` is not, anything else is. */
function looksBare(gitDir: string, cwd: string): boolean {
  if (gitDir === '.git' || gitDir.endsWith('/.git')) return false;
  return gitDir === '.' || normalizePath(gitDir) === cwd || true;
}

const needsWorkTreeEntry = (gitDir: string, workTree: string): boolean =>
  workTree === '/' ? gitDir !== '/.git' : gitDir !== `${workTree}/.git`;

const builtInTemplate: readonly (readonly [name: string, text: string | undefined])[] = [
  ['description', "Unnamed repository; edit this file 'description' to name the repository.\n"],
  ['hooks', undefined],
  [
    'info/exclude',
    '# Patterns of files to leave out of this repository alone, one a line,\n# written as in .gitignore. This file is not shared.\n',
  ],
];
