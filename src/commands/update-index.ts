import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isOid, isZeroOid } from '../base/oid.js';
import { isSafePath } from '../base/path.js';
import { addUntrackedCache, removeUntrackedCache } from '../worktree/cached-walk.js';
import { unquotePath } from '../base/quote.js';
import { canonicalMode, isRegularMode } from '../objects/mode.js';
import { parseBool } from '../repo/config-values.js';
import { resolveRevision } from '../repo/revision.js';
import { AddFailure, addFile, fatalAdd } from '../worktree/add-file.js';
import { diffIndexWithTree } from '../worktree/index-diff.js';
import { FLAG_ASSUME_VALID, FLAG_SKIP_WORKTREE, IndexEntry } from '../worktree/index-entry.js';
import { refreshIndex } from '../worktree/refresh.js';
import type { WorkTree } from '../worktree/work-tree.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { parseNumber, UsageError } from './options.js';
import { openWorkTree, pathFromTop, pathspecOf } from './work-tree.js';

interface Line {
  readonly text: string;
}

const usage = ['update-index [<options>] [--] [<file>...]'];

/** The options work in the order in which they come, between the paths; so the words are taken one by one. */
export const command = defineCommand({
  name: 'update-index',
  summary: 'register file contents in the index',
  usage,
  options: {
    q: { type: 'flag', short: 'q', shortOnly: true, help: 'continue refresh even when index needs update' },
    'ignore-submodules': { type: 'flag', help: 'refresh: ignore submodules' },
    add: { type: 'flag', help: 'do not ignore new files' },
    replace: { type: 'flag', help: 'let files replace directories and vice-versa' },
    remove: { type: 'flag', help: 'notice files missing from worktree' },
    unmerged: { type: 'flag', help: 'refresh even if index contains unmerged entries' },
    refresh: { type: 'flag', negatable: false, help: 'refresh stat information' },
    'really-refresh': { type: 'flag', negatable: false, help: 'like --refresh, but ignore assume-unchanged setting' },
    cacheinfo: {
      type: 'flag',
      negatable: false,
      help: 'add the specified entry to the index',
    },
    chmod: { type: 'flag', negatable: false, help: 'override the executable bit of the listed files' },
    'assume-unchanged': { type: 'flag', negatable: false, help: 'mark files as "not changing"' },
    'no-assume-unchanged': { type: 'flag', negatable: false, help: 'clear assumed-unchanged bit' },
    'skip-worktree': { type: 'flag', negatable: false, help: 'mark files as "index-only"' },
    'no-skip-worktree': { type: 'flag', negatable: false, help: 'clear skip-worktree bit' },
    'ignore-skip-worktree-entries': { type: 'flag', help: 'do not touch index-only entries' },
    'info-only': { type: 'flag', help: 'add to index only; do not add content to object database' },
    'force-remove': { type: 'flag', help: 'remove named paths even if present in worktree' },
    z: { type: 'flag', short: 'z', shortOnly: true, help: 'with --stdin: input lines are terminated by null bytes' },
    stdin: { type: 'flag', negatable: false, help: 'read list of paths to be updated from standard input' },
    'index-info': { type: 'flag', negatable: false, help: 'add entries from standard input to the index' },
    unresolve: { type: 'flag', negatable: false, help: 'repopulate stages #2 and #3 for the listed paths' },
    again: { type: 'flag', short: 'g', negatable: false, help: 'only update entries that differ from HEAD' },
    'ignore-missing': { type: 'flag', help: 'ignore files missing from worktree' },
    verbose: { type: 'flag', help: 'report actions to standard output' },
    'clear-resolve-undo': {
      type: 'flag',
      negatable: false,
      help: '(for porcelains) forget saved unresolved conflicts',
    },
    'index-version': { type: 'number', value: 'n', help: 'write index in this format' },
    'show-index-version': { type: 'flag', help: 'report on-disk index format version' },
    'split-index': { type: 'flag', help: 'enable or disable split index' },
    'untracked-cache': { type: 'flag', help: 'enable/disable untracked cache' },
    'test-untracked-cache': { type: 'flag', help: 'test if the filesystem supports untracked cache' },
    'force-untracked-cache': { type: 'flag', help: 'enable untracked cache without testing the filesystem' },
    'force-write-index': { type: 'flag', help: 'write out the index even if is not flagged as changed' },
    fsmonitor: { type: 'flag', help: 'enable or disable file system monitor' },
    'fsmonitor-valid': { type: 'flag', negatable: false, help: 'mark files as fsmonitor valid' },
    'no-fsmonitor-valid': { type: 'flag', negatable: false, help: 'clear fsmonitor valid bit' },
  },
  parsing: { none: true },
  async *run(context): AsyncGenerator<Line, number> {
    if (context.argv.length === 1 && context.argv[0] === '-h') throw new UsageError('', { help: true });
    const run = new UpdateIndex(context);
    const tree = run.tree;
    const lock = tree.tryLockIndex();
    if (lock === undefined && run.needsLock()) tree.lockIndex();
    try {
      yield* run.words();
      if (lock !== undefined && (tree.index.changed || run.force || (run.refreshed && tree.index.hasRacy))) {
        run.refuseNullIds();
        tree.alongWithIndex = 'skip-worktree';
        tree.commitIndex(lock);
      }
    } finally {
      lock?.rollback();
    }
    yield* run.lines.splice(0);
    return run.failed ? 1 : 0;
  },
  render: ({ text }) => text,
});

class UpdateIndex {
  readonly tree: WorkTree;
  readonly lines: Line[] = [];
  quiet = false;
  failed = false;
  force = false;
  readonly #context: CommandContext;
  #add = false;
  #replace = false;
  #remove = false;
  #forceRemove = false;
  #infoOnly = false;
  #unmerged = false;
  #ignoreMissing = false;
  #ignoreSubmodules = false;
  #ignoreSkip = false;
  #verbose = false;
  #nul = false;
  #markValid: boolean | undefined;
  #markSkip: boolean | undefined;
  #markFsmonitor = false;
  #chmod: '+' | '-' | undefined;
  #stdin = false;
  #version: number | undefined;
  #untrackedCache: string | undefined;
  #monitor: boolean | undefined;

  constructor(context: CommandContext) {
    this.#context = context;
    this.tree = openWorkTree(context, { bareToo: true });
  }

  /** Files were looked at: racily clean entries are worth writing anew. */
  refreshed = false;
  /** Paths that were given the id that stands for nothing: such an index is never written. */
  readonly #nulls: string[] = [];

  refuseNullIds(): void {
    const [path] = this.#nulls;
    if (path === undefined) return;
    this.#context.error(`cache entry has null sha1: ${path}`);
    throw new GitError('USAGE', 'Unable to write new index file');
  }

  /** What is asked for here lasts only as long as configuration does not say otherwise. */
  #warnOfConfig(key: string, shown: string, wanted: boolean, what: string): void {
    const { config } = this.tree.repository;
    const set = config.get(key)?.toLowerCase() === 'keep' ? undefined : config.getBool(key);
    if (set === undefined || set === wanted) return;
    this.#context.warning(`${shown} is set to ${set}; remove or change it, if you really want to ${what}`);
  }

  needsLock(): boolean {
    const { argv } = this.#context;
    return !argv.every(
      (word) => word === '--refresh' || word === '-q' || word === '--really-refresh' || word === '--unmerged',
    );
  }

  async *words(): AsyncGenerator<Line> {
    const { argv } = this.#context;
    let pathsOnly = false;
    for (let i = 0; i < argv.length; i++) {
      const word = argv[i]!;
      if (!pathsOnly && word === '--') {
        pathsOnly = true;
        continue;
      }
      if (!pathsOnly && word.startsWith('-') && word !== '-') {
        i = await this.#option(argv, i);
        yield* this.lines.splice(0);
        continue;
      }
      this.tree.requireRoot();
      await this.#path(pathFromTop(this.tree, word));
      yield* this.lines.splice(0);
    }
    if (this.#version !== undefined) {
      const to = this.#version;
      if (to < 0) this.#say(String(this.tree.index.version));
      else if (to < 2 || to > 4) throw new GitError('USAGE', `index-version ${to} not in range: 2..4`);
      if (this.#verbose && to >= 0) this.#say(`index-version: was ${this.tree.index.version}, set to ${to}`);
      if (to >= 0 && this.tree.index.version !== to) {
        this.tree.index.changed = true;
        this.tree.index.version = to as 2 | 3 | 4;
      }
    }
    if (this.#stdin) {
      this.tree.requireRoot();
      for (const line of this.#context.io.stdin.lines(this.#nul ? 0 : 0x0a)) {
        let word = line;
        if (!this.#nul && line.startsWith('"')) {
          const read = unquotePath(line);
          if (read === undefined) throw new GitError('USAGE', 'line is badly quoted');
          word = read.value;
        }
        await this.#path(pathFromTop(this.tree, word));
        yield* this.lines.splice(0);
      }
    }
    await this.#setUntrackedCache();
    this.#tellOfMonitor();
  }

  /** No monitor is asked here; that the configuration says otherwise is told all the same. */
  #tellOfMonitor(): void {
    const wanted = this.#monitor;
    if (wanted === undefined) return;
    const value = this.tree.repository.config.get('core.fsmonitor');
    const set = value !== undefined && value !== '' && parseBool(value) !== false;
    if (wanted !== set)
      this.#context.warning(
        wanted
          ? 'core.fsmonitor is unset; set it if you really want to enable fsmonitor'
          : 'core.fsmonitor is set; remove it if you really want to disable fsmonitor',
      );
    if (this.#verbose) this.#say(`fsmonitor ${wanted ? 'enabled' : 'disabled'}`);
  }

  async #setUntrackedCache(): Promise<void> {
    const asked = this.#untrackedCache;
    if (asked === undefined) return;
    const { tree } = this;
    if (asked === '--test-untracked-cache') {
      tree.requireRoot();
      const { testDirectoryTimes } = await import('./test-directory-times.js');
      if (!(await testDirectoryTimes(tree.root, this.#context.printError))) this.failed = true;
      return;
    }
    if (asked.startsWith('--no-')) {
      this.#warnOfConfig('core.untrackedcache', 'core.untrackedCache', false, 'disable the untracked cache');
      removeUntrackedCache(tree);
      if (this.#verbose) this.#say('Untracked cache disabled');
      return;
    }
    this.#warnOfConfig('core.untrackedcache', 'core.untrackedCache', true, 'enable the untracked cache');
    addUntrackedCache(tree);
    if (this.#verbose) this.#say(`Untracked cache enabled for '${tree.root}'`);
  }

  #say(text: string): void {
    this.lines.push({ text: `${text}\n` });
  }

  async #option(argv: readonly string[], at: number): Promise<number> {
    const word = argv[at]!;
    const [given, stuck] = splitOption(word);
    const name = fullName(given);
    if (stuck !== undefined && name.startsWith('--') && !['--chmod', '--index-version'].includes(name))
      throw new UsageError(`option \`${name.slice(2)}' takes no value`, { quiet: true });
    const value = (): string => {
      const found = stuck ?? argv[++at];
      if (found === undefined) throw new UsageError(`option \`${name.slice(2)}' requires a value`, { quiet: true });
      return found;
    };
    switch (name) {
      case '-q':
        this.quiet = true;
        break;
      case '-z':
        this.#nul = true;
        break;
      case '--add':
      case '--no-add':
        this.#add = name === '--add';
        break;
      case '--replace':
      case '--no-replace':
        this.#replace = name === '--replace';
        if (this.#replace) this.#add = true;
        break;
      case '--remove':
      case '--no-remove':
        this.#remove = name === '--remove';
        break;
      case '--force-remove':
      case '--no-force-remove':
        this.#forceRemove = name === '--force-remove';
        break;
      case '--info-only':
      case '--no-info-only':
        this.#infoOnly = name === '--info-only';
        break;
      case '--unmerged':
      case '--no-unmerged':
        this.#unmerged = name === '--unmerged';
        break;
      case '--ignore-missing':
      case '--no-ignore-missing':
        this.#ignoreMissing = name === '--ignore-missing';
        break;
      case '--ignore-submodules':
      case '--no-ignore-submodules':
        this.#ignoreSubmodules = name === '--ignore-submodules';
        break;
      case '--ignore-skip-worktree-entries':
      case '--no-ignore-skip-worktree-entries':
        this.#ignoreSkip = name === '--ignore-skip-worktree-entries';
        break;
      case '--verbose':
      case '--no-verbose':
        this.#verbose = name === '--verbose';
        break;
      case '--assume-unchanged':
        this.#markValid = true;
        break;
      case '--no-assume-unchanged':
        this.#markValid = false;
        break;
      case '--skip-worktree':
        this.#markSkip = true;
        break;
      case '--no-skip-worktree':
        this.#markSkip = false;
        break;
      case '--fsmonitor-valid':
      case '--no-fsmonitor-valid':
        this.#markFsmonitor = true;
        break;
      case '--refresh':
      case '--really-refresh':
        await this.#refresh(name === '--really-refresh');
        this.refreshed = true;
        break;
      case '--chmod': {
        const flip = value();
        if (flip !== '+x' && flip !== '-x')
          throw new UsageError(`option 'chmod' expects "+x" or "-x"`, { quiet: true });
        this.#chmod = flip[0] as '+' | '-';
        break;
      }
      case '--cacheinfo':
        at = this.#cacheInfo(argv, at);
        break;
      case '--stdin':
        if (at !== argv.length - 1) {
          throw new UsageError(`option 'stdin' must be the last argument`, { quiet: true });
        }
        this.#stdin = true;
        break;
      case '--index-info':
        if (at !== argv.length - 1) {
          throw new UsageError(`option 'index-info' must be the last argument`, { quiet: true });
        }
        this.#add = this.#replace = this.#remove = true;
        this.#indexInfo();
        break;
      case '-g':
      case '--again':
        await this.#again(argv.slice(at + 1));
        return argv.length;
      case '--unresolve':
        await this.#unresolve(argv.slice(at + 1));
        return argv.length;
      case '--clear-resolve-undo':
        if (this.tree.index.resolveUndo !== undefined) {
          this.tree.index.resolveUndo = undefined;
          this.tree.index.changed = true;
        }
        break;
      case '--index-version': {
        const text = value();
        if (text === '') throw new UsageError("option `index-version' expects a numerical value", { quiet: true });
        this.#version = parseNumber(text);
        if (this.#version === undefined)
          throw new UsageError("option `index-version' expects an integer value with an optional k/m/g suffix", {
            quiet: true,
          });
        break;
      }
      case '--show-index-version':
        this.#version = -1;
        break;
      case '--no-index-version':
      case '--no-show-index-version':
        this.#version = undefined;
        break;
      case '--no-force-write-index':
        this.force = false;
        break;
      case '--force-write-index':
        this.force = true;
        break;
      case '--split-index':
        this.#warnOfConfig('core.splitindex', 'core.splitIndex', true, 'enable split index');
        this.tree.index.split = true;
        this.tree.index.renewShared = true;
        this.tree.index.changed = true;
        break;
      case '--no-split-index':
        this.#warnOfConfig('core.splitindex', 'core.splitIndex', false, 'disable split index');
        if (this.tree.index.split) this.tree.index.changed = true;
        this.tree.index.split = false;
        break;
      case '--test-untracked-cache':
      case '--untracked-cache':
      case '--no-untracked-cache':
      case '--force-untracked-cache':
      case '--no-force-untracked-cache':
        this.#untrackedCache = name;
        break;
      case '--no-test-untracked-cache':
        this.#untrackedCache = undefined;
        break;
      case '--fsmonitor':
      case '--no-fsmonitor':
        this.#monitor = name === '--fsmonitor';
        break;
      default:
        throw new UsageError(
          name.startsWith('--') ? `unknown option '${word.slice(2)}'` : `unknown switch '${word[1]}'`,
        );
    }
    return at;
  }

  async #refresh(really: boolean): Promise<void> {
    this.tree.requireRoot();
    const { quiet } = this;
    await refreshIndex(this.tree, {
      really,
      ignoreMissing: this.#ignoreMissing,
      ignoreSubmodules: this.#ignoreSubmodules,
      unmerged: this.#unmerged,
      report: (path, why) => {
        if (quiet && why !== 'unmerged') return;
        this.failed = true;
        this.#say(why === 'unmerged' ? `${path}: needs merge` : `${path}: needs update`);
      },
    });
  }

  #cacheInfo(argv: readonly string[], at: number): number {
    const valid = (oid: string): boolean => isOid(oid) && oid.length === this.tree.repository.oidLength * 2;
    const refuse = (what: string): never => {
      throw new GitError('USAGE', `git update-index: --cacheinfo cannot add ${what}`);
    };
    const match = /^([0-7]+),([^,]*),(.*)$/s.exec(argv[at + 1] ?? '');
    if (match !== null && valid(match[2]!)) {
      const [, mode, oid, path] = match;
      if (!this.#insert(Number.parseInt(mode!, 8), oid as Oid, path!, 0)) refuse(path!);
      return at + 1;
    }
    if (argv.length <= at + 3) throw new UsageError("option 'cacheinfo' expects <mode>,<sha1>,<path>", { quiet: true });
    const [mode, oid, path] = argv.slice(at + 1, at + 4) as [string, string, string];
    if (!/^[0-7]+$/.test(mode)) refuse(mode);
    if (!valid(oid)) refuse(oid);
    if (!this.#insert(Number.parseInt(mode, 8), oid as Oid, path, 0)) refuse(path);
    return at + 3;
  }

  #insert(mode: number, oid: Oid, path: string, stage: number): boolean {
    if (!isSafePath(path)) {
      this.#context.error(`Invalid path '${path}'`);
      return false;
    }
    const entry = IndexEntry.create({ path, mode: canonicalMode(mode), oid, stage, flags: 0 });
    if (!this.#add && this.tree.index.get(path, stage) === undefined && !this.tree.index.has(path)) {
      this.#context.error(`${path}: cannot add to the index - missing --add option?`);
      return false;
    }
    if (isZeroOid(oid)) this.#nulls.push(path);
    const outcome = this.tree.index.add(entry, { replace: this.#replace });
    if (outcome === 'conflict') {
      this.#context.error(`'${path}' appears as both a file and as a directory`);
      this.#context.error(`${path}: cannot add to the index - missing --add option?`);
      return false;
    }
    if (this.#verbose) this.#say(`add '${path}'`);
    return true;
  }

  #indexInfo(): void {
    for (const line of this.#context.io.stdin.lines(this.#nul ? 0 : 0x0a)) {
      const bad = (): never => {
        throw new GitError('USAGE', `malformed index info ${line}`);
      };
      const tab = line.indexOf('\t');
      if (tab < 0) bad();
      const fields = line.slice(0, tab).split(' ');
      let path = line.slice(tab + 1);
      if (!this.#nul && path.startsWith('"')) path = unquotePath(path)?.value ?? bad();
      const mode = fields[0]!;
      let [, second, third] = fields as [string, string, string?];
      let stage = 0;
      if (/^(blob|tree|commit)$/.test(second ?? '')) [second, third] = [third ?? '', undefined];
      if (third !== undefined) stage = Number(third);
      if (
        !/^[0-7]+$/.test(mode) ||
        !/^[0-9a-f]+$/.test(second ?? '') ||
        second!.length !== this.tree.repository.oidLength * 2 ||
        stage > 3
      )
        bad();
      if (!isSafePath(path)) {
        this.#context.error(`Ignoring path ${path}`);
        continue;
      }
      if (Number.parseInt(mode, 8) === 0) {
        this.tree.index.remove(path);
        continue;
      }
      if (!this.#insert(Number.parseInt(mode, 8), second as Oid, path, stage)) {
        throw new GitError('USAGE', `git update-index: unable to update ${path}`);
      }
    }
  }

  async #path(path: string): Promise<void> {
    const { tree } = this;
    const { index } = tree;
    if (!isSafePath(path)) {
      this.#context.printError(`Ignoring path ${path}\n`);
      this.#flip(path);
      return;
    }
    if (this.#markValid !== undefined || this.#markSkip !== undefined || this.#markFsmonitor) {
      const at = index.position(path);
      if (at < 0) throw new GitError('USAGE', `Unable to mark file ${path}`);
      const entry = index.entries[at]!;
      let { flags } = entry;
      if (this.#markValid !== undefined)
        flags = this.#markValid ? flags | FLAG_ASSUME_VALID : flags & ~FLAG_ASSUME_VALID;
      if (this.#markSkip !== undefined)
        flags = this.#markSkip ? flags | FLAG_SKIP_WORKTREE : flags & ~FLAG_SKIP_WORKTREE;
      index.refreshAt(at, entry.withFlags(flags));
      return;
    }
    if (this.#forceRemove) {
      index.remove(path);
      if (this.#verbose) this.#say(`remove '${path}'`);
      return;
    }
    if (!(await this.#one(path))) {
      throw new GitError('USAGE', `Unable to process path ${path}`);
    }
    if (this.#verbose) this.#say(`add '${path}'`);
    this.#flip(path);
  }

  /** `--chmod`. */
  #flip(path: string): void {
    const { index } = this.tree;
    if (this.#chmod !== undefined) {
      const at = index.position(path);
      const entry = index.entries[at];
      if (at < 0 || entry === undefined || !isRegularMode(entry.mode)) {
        throw new GitError('USAGE', `git update-index: cannot chmod ${this.#chmod}x '${path}'`);
      }
      const mode = this.#chmod === '+' ? 0o100755 : 0o100644;
      if (mode !== entry.mode) {
        index.add(IndexEntry.create({ path, mode, oid: entry.oid, flags: entry.flags }), { replace: true });
      }
      this.#say(`chmod ${this.#chmod}x '${path}'`);
      if (!this.#verbose) this.lines.pop();
    }
  }

  async #one(path: string): Promise<boolean> {
    const { tree } = this;
    tree.requireRoot();
    const { index } = tree;
    const old = index.get(path);
    if (old?.skipWorktree === true) {
      if (!this.#ignoreSkip && this.#remove && tree.lstat(path) === undefined) index.remove(path);
      return true;
    }
    if (tree.hasSymlinkParent(path)) {
      this.#context.error(`'${path}' is beyond a symbolic link`);
      return false;
    }
    const stat = tree.lstat(path);
    if (stat === undefined) {
      if (!this.#remove) {
        this.#context.error(`${path}: does not exist and --remove not passed`);
        return false;
      }
      index.remove(path);
      return true;
    }
    if (stat.kind === 'directory' && old?.mode !== 0o160000) {
      const nested = (await import('../worktree/gitlink.js')).nestedHead(tree.fs, tree.absolute(path));
      if (nested === undefined) {
        if (index.has(path) && this.#remove) {
          index.remove(path);
          return true;
        }
        this.#context.error(`${path}: is a directory - add individual files instead`);
        return false;
      }
    }
    if (!index.has(path) && !this.#add) {
      this.#context.error(`${path}: cannot add to the index - missing --add option?`);
      return false;
    }
    try {
      await addFile(tree, path, stat, { replace: this.#replace, infoOnly: this.#infoOnly });
    } catch (error) {
      if (!(error instanceof AddFailure)) throw error;
      if (error.message.endsWith('as a directory')) {
        this.#context.error(error.message);
        this.#context.error(`${path}: cannot add to the index - missing --add option?`);
        return false;
      }
      const cut = error.message.lastIndexOf(`\nunable to index file '`);
      const told = error.message.includes(': failed to insert into database\n')
        ? error.message.slice(0, cut)
        : undefined;
      throw fatalAdd(told === undefined ? error : new AddFailure(told), `Unable to process path ${path}`);
    }
    return true;
  }

  async #again(words: readonly string[]): Promise<void> {
    const { tree } = this;
    const head = await resolveRevision(tree.repository, 'HEAD^{tree}');
    const spec = pathspecOf(
      this.#context,
      tree,
      words.filter((word) => word !== '--'),
    );
    const changes = await diffIndexWithTree(tree.repository.objects, tree.index, head as Oid<'tree'> | undefined);
    for (const { path, entry } of changes) {
      if (entry === undefined || !spec.matches(path)) continue;
      await this.#path(path);
    }
  }

  async #unresolve(words: readonly string[]): Promise<void> {
    const { index } = this.tree;
    for (const word of words) {
      const path = pathFromTop(this.tree, word);
      const sides = index.resolveUndo?.get(path);
      if (sides === undefined) continue;
      index.resolveUndo!.delete(path);
      index.remove(path);
      sides.forEach((side, i) => {
        if (side !== undefined)
          index.add(IndexEntry.create({ path, mode: side.mode, oid: side.oid, stage: i + 1 }), { unchecked: true });
      });
    }
  }
}

const NEGATABLE = [
  ...['add', 'replace', 'remove', 'force-remove', 'info-only', 'unmerged', 'ignore-missing', 'ignore-submodules'],
  ...['ignore-skip-worktree-entries', 'verbose', 'split-index', 'untracked-cache', 'test-untracked-cache'],
  ...['force-untracked-cache', 'fsmonitor', 'fsmonitor-valid', 'assume-unchanged', 'skip-worktree'],
];
const NAMES: readonly string[] = [
  ...NEGATABLE.flatMap((name) => [`--${name}`, `--no-${name}`]),
  ...['--refresh', '--really-refresh', '--cacheinfo', '--chmod', '--stdin', '--index-info', '--unresolve', '--again'],
  ...['--clear-resolve-undo', '--index-version', '--show-index-version', '--force-write-index'],
  ...['--no-index-version', '--no-show-index-version', '--no-force-write-index'],
];

/** What an option's name is short for. */
function fullName(given: string): string {
  if (!given.startsWith('--') || NAMES.includes(given)) return given;
  const [first, second] = NAMES.filter((name) => name.startsWith(given));
  if (second !== undefined)
    throw new UsageError(`ambiguous option: ${given.slice(2)} (could be ${first} or ${second})`, { shown: true });
  return first ?? given;
}

function splitOption(word: string): [string, string | undefined] {
  const equals = word.indexOf('=');
  return word.startsWith('--') && equals > 0 ? [word.slice(0, equals), word.slice(equals + 1)] : [word, undefined];
}
