import { compareText, decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isZeroOid } from '../base/oid.js';
import { FsckRules } from '../objects/fsck.js';
import { trailerHolds, verifyReverseIndex } from '../packs/verify-companions.js';
import { ERROR_REACHABLE, ERROR_REFS, Fsck } from '../porcelain/fsck.js';
import { parseReflog } from '../refs/reflog-file.js';
import type { ReflogEntry } from '../refs/store.js';
import { verifyRefs } from '../porcelain/refs-verify.js';
import { isAbsolute, resolvePath } from '../repo/paths.js';
import { readFsckConfig } from '../repo/fsck-config.js';
import type { Repository } from '../repo/repository.js';
import { resolveRevision } from '../repo/revision.js';
import type { CacheTree } from '../worktree/cache-tree.js';
import { readIndex, verifyIndexChecksum } from '../worktree/index-file.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { table } from './table.js';

interface Result {
  readonly text: string;
  readonly stream: 'out' | 'error';
}

export const command = defineCommand({
  name: 'fsck',
  summary: 'check that the objects of a repository are sound and connected',
  usage: [
    'fsck [--tags] [--root] [--unreachable] [--cache] [--no-reflogs]\n' +
      '         [--[no-]full] [--strict] [--verbose] [--lost-found]\n' +
      '         [--[no-]dangling] [--[no-]progress] [--connectivity-only]\n' +
      '         [--[no-]name-objects] [--[no-]references] [<object>...]',
  ],
  options: {
    verbose: { type: 'flag', short: 'v', help: 'be verbose' },
    unreachable: { type: 'flag', help: 'show unreachable objects' },
    dangling: { type: 'flag', help: 'show dangling objects' },
    tags: { type: 'flag', help: 'report tags' },
    root: { type: 'flag', help: 'report root nodes' },
    cache: { type: 'flag', help: 'make index objects head nodes' },
    reflogs: { type: 'flag', help: 'make reflogs head nodes (default)' },
    full: { type: 'flag', help: 'also consider packs and alternate objects' },
    'connectivity-only': { type: 'flag', help: 'check only connectivity' },
    strict: { type: 'flag', help: 'enable more strict checking' },
    'lost-found': { type: 'flag', help: 'write dangling objects in .git/lost-found' },
    progress: { type: 'flag', help: 'show progress' },
    'name-objects': { type: 'flag', help: 'show verbose names for reachable objects' },
    references: { type: 'flag', help: 'check reference database consistency' },
  },
  async *run(context, { values, rest }): AsyncGenerator<Result, number> {
    const repository = context.repository();
    const lines: Result[] = [];
    const tell = (text: string): void => {
      lines.push({ text: `${text}\n`, stream: 'out' });
    };
    const complain = (text: string): void => {
      context.printError(`${text}\n`);
    };
    let errors = 0;
    const rules = new FsckRules();
    rules.strict = values.strict === true;
    readFsckConfig(repository, rules, 'fsck', (message) => context.warning(message));
    const lostFound = values['lost-found'] === true;
    const showProgress = values.progress ?? (context.io.stderr.isTerminal && values.verbose !== true);
    const fsck = new Fsck(repository, {
      rules,
      full: lostFound || values.full !== false,
      connectivityOnly: values['connectivity-only'] === true,
      unreachable: values.unreachable === true,
      dangling: values.dangling !== false,
      roots: values.root === true,
      tags: values.tags === true,
      reflogs: values.reflogs !== false && !lostFound,
      lostFound,
      nameObjects: values['name-objects'] === true,
      tell,
      complain,
      progress: showProgress ? progressOf(context) : undefined,
    });
    if (values.references !== false) {
      for (const { severity, path, id, message } of verifyRefs(repository, rules)) {
        if (severity === 'error') errors |= ERROR_REFS;
        complain(`${severity}: ${path}: ${id}: ${message}`);
      }
    }
    const roots = new Roots(context, fsck);
    for (const word of rest) await roots.named(word);
    if (rest.length === 0) await roots.usual();
    await fsck.checkContents();
    yield* lines.splice(0);
    roots.start();
    if (rest.length === 0 && values.reflogs !== false && !lostFound) await roots.logs();
    if (roots.found === 0) context.printError('notice: No default references\n');
    if (values.cache === true || rest.length === 0) await roots.indexes();
    errors |= roots.errors;
    await fsck.checkConnections(roots.found > 0);
    yield* lines.splice(0);
    errors |= fsck.errors;
    if (repository.config.getBool('core.commitgraph', true) && 'commit-graph' in table) {
      for (const { path } of repository.objectDirectories) {
        const has =
          context.platform.fs.stat(`${path}/info/commit-graph`) !== undefined ||
          context.platform.fs.stat(`${path}/info/commit-graphs`) !== undefined;
        if (!has) continue;
        const words = ['verify', '--object-dir', path, showProgress ? '--progress' : '--no-progress'];
        if ((await context.runCommand('commit-graph', words)) !== 0) errors |= 16;
      }
    }
    if (repository.config.getBool('core.multipackindex', true) && 'multi-pack-index' in table) {
      for (const { path } of repository.objectDirectories) {
        const has =
          context.platform.fs.stat(`${path}/pack/multi-pack-index`) !== undefined ||
          context.platform.fs.stat(`${path}/pack/multi-pack-index.d/multi-pack-index-chain`) !== undefined;
        if (!has) continue;
        const words = ['verify', '--object-dir', path, showProgress ? '--progress' : '--no-progress'];
        if ((await context.runCommand('multi-pack-index', words)) !== 0) errors |= 32;
      }
    }
    return errors | checkCompanions(context, repository);
  },
  render: ({ text }) => text,
});

function progressOf(context: CommandContext): (title: string, done: number, total: number) => void {
  const bars = new Map<string, ReturnType<CommandContext['progress']>>();
  return (title, done, total) => {
    let bar = bars.get(title);
    if (bar === undefined) {
      bar = context.progress(title, { force: true, ...(total > 0 ? { total } : {}) });
      bars.set(title, bar);
    }
    bar.update(done, total > 0 ? total : undefined);
    if (total > 0 && done === total) bar.done();
  };
}

const ERROR_REVERSE_INDEX = 0o100;
const ERROR_BITMAP = 0o200;

/** Reverse indexes and bitmaps beside packs and multi-pack-indexes. */
function checkCompanions(context: CommandContext, repository: Repository): number {
  const { platform } = context;
  const algorithm = repository.objectFormat;
  const shown = (path: string): string => path.replace(`${repository.gitDir}/`, `${repository.gitDirShown}/`);
  let errors = 0;
  const bitmap = (path: string): void => {
    const bytes = platform.fs.readFile(path);
    if (bytes === undefined || trailerHolds(platform, algorithm, bytes)) return;
    context.error(`bitmap file '${shown(path)}' has invalid checksum`);
    errors |= ERROR_BITMAP;
  };
  for (const { packs } of repository.objectDirectories) {
    for (const pack of packs.packs()) {
      const faults = verifyReverseIndex(platform, algorithm, pack, shown(pack.path.replace(/\.pack$/, '.rev')));
      if (faults === undefined || faults.messages.length === 0) continue;
      for (const message of faults.messages) context.error(message);
      context.error(`${faults.unusable ? 'unable to load' : 'invalid'} rev-index for pack '${shown(pack.path)}'`);
      errors |= ERROR_REVERSE_INDEX;
    }
  }
  for (const { packs } of repository.objectDirectories) {
    for (const midx of packs.multiPackIndexes) bitmap(midx.companion('bitmap'));
    for (const pack of packs.packs()) bitmap(pack.path.replace(/\.pack$/, '.bitmap'));
  }
  return errors;
}

/** Where the walk starts: refs, HEADs of all work trees, logs, indexes. */
class Roots {
  readonly #context: CommandContext;
  readonly #repository: Repository;
  readonly #fsck: Fsck;
  /** What is named, by whom; read before all else, so that refs that change meanwhile do no harm. */
  readonly #named: { readonly oid: Oid; readonly name: string }[] = [];
  errors = 0;
  found = 0;

  constructor(context: CommandContext, fsck: Fsck) {
    this.#context = context;
    this.#repository = context.repository();
    this.#fsck = fsck;
  }

  #error(message: string, code: number): void {
    this.#context.error(message);
    this.errors |= code;
  }

  async named(word: string): Promise<void> {
    const oid = await resolveRevision(this.#repository, word);
    if (oid === undefined) this.#error(`invalid parameter: expected sha1, got '${word}'`, 1);
    else await this.#ref(word, oid);
  }

  async usual(): Promise<void> {
    const { refs } = this.#repository;
    for await (const ref of refs.list('refs/', { broken: true })) await this.#ref(ref.name, ref.oid);
    for (const { gitDir, name } of this.#worktrees()) await this.#head(gitDir, name);
  }

  async #ref(name: string, oid: Oid): Promise<void> {
    const kind = await this.#fsck.readEarly(oid);
    if (kind === undefined) {
      if (this.#repository.format.partialClone !== undefined) this.found++;
      else this.#error(`${name}: invalid sha1 pointer ${oid}`, ERROR_REACHABLE);
      return;
    }
    if (kind !== 'commit' && (name.startsWith('refs/heads/') || name === 'HEAD')) {
      this.#error(`${name}: not a commit`, ERROR_REFS);
    }
    this.found++;
    this.#named.push({ oid, name });
  }

  /** The walk starts at what was named. */
  start(): void {
    for (const { oid, name } of this.#named) this.#fsck.addRoot(oid, name);
  }

  #worktrees(): { gitDir: string; name: string }[] {
    const { commonDir, platform, gitDir } = this.#repository;
    const list = [{ gitDir: commonDir, name: gitDir === commonDir ? '' : 'main-worktree/' }];
    const entries = platform.fs.readDirectory(`${commonDir}/worktrees`) ?? [];
    for (const { name } of [...entries].sort((a, b) => compareText(a.name, b.name))) {
      const directory = `${commonDir}/worktrees/${name}`;
      if (platform.fs.stat(`${directory}/HEAD`) === undefined) continue;
      list.push({ gitDir: directory, name: directory === gitDir ? '' : `worktrees/${name}/` });
    }
    return list;
  }

  async #head(gitDir: string, prefix: string): Promise<void> {
    const bytes = this.#context.platform.fs.readFile(`${gitDir}/HEAD`);
    // What is wrong with the file itself is said where refs are verified.
    if (bytes === undefined) return;
    const text = decodeText(bytes).trim();
    const target = /^ref:\s*(.*)$/.exec(text)?.[1];
    let oid: Oid | undefined;
    if (target !== undefined) {
      oid = target.startsWith('refs/') ? await this.#repository.refs.resolve(target) : undefined;
    } else if (/^[0-9a-f]+$/.test(text) && text.length === 2 * this.#repository.oidLength && !isZeroOid(text)) {
      oid = text as Oid;
    }
    if (oid !== undefined) await this.#ref(`${prefix}HEAD`, oid);
  }

  async logs(): Promise<void> {
    const own = this.#repository.refs;
    const names = [...(await own.reflogList())].sort(compareText);
    for (const name of names) this.#log(name, (await own.reflog(name)) ?? []);
    for (const { gitDir, name: prefix } of this.#worktrees()) {
      if (prefix === '') continue;
      const bytes = this.#context.platform.fs.readFile(`${gitDir}/logs/HEAD`);
      if (bytes !== undefined) this.#log(`${prefix}HEAD`, parseReflog(bytes));
    }
  }

  #log(name: string, entries: readonly ReflogEntry[]): void {
    for (const entry of entries) {
      for (const oid of [entry.old, entry.new]) {
        if (isZeroOid(oid)) continue;
        // An object of a pack that is not looked at will not do.
        if (this.#fsck.isPresent(oid)) this.#fsck.addRoot(oid, `${name}@{${entry.seconds}}`);
        else if (this.#repository.format.partialClone === undefined) {
          this.#error(`${name}: invalid reflog entry ${oid}`, ERROR_REACHABLE);
        }
      }
    }
  }

  async indexes(): Promise<void> {
    for (const { gitDir } of this.#worktrees()) {
      const path = gitDir === this.#repository.gitDir ? this.#repository.path('index') : `${gitDir}/index`;
      if (this.#context.platform.fs.stat(path) === undefined) continue;
      const shown = this.#shown(path);
      const data = this.#context.platform.fs.readFile(path);
      if (data !== undefined && !verifyIndexChecksum(this.#context.platform, data, this.#repository.objectFormat)) {
        this.#context.error('bad index file sha1 signature');
        throw new GitError(
          'OBJECT_CORRUPT',
          shown === '.git/index' ? 'index file corrupt' : `${shown}: index file corrupt`,
        );
      }
      const index = readIndex({
        platform: this.#context.platform,
        algorithm: this.#repository.objectFormat,
        path,
        directory: gitDir,
      });
      for (const entry of index.entries) {
        if ((entry.mode & 0o170000) === 0o160000) continue;
        const isTree = (entry.mode & 0o170000) === 0o040000;
        // A directory that is left out of a sparse checkout stands for its tree.
        this.#fsck.addRoot(entry.oid, `:${entry.path}`, isTree ? 'tree' : 'blob');
      }
      if (index.cacheTree !== undefined) await this.#cacheTree(index.cacheTree, shown);
      for (const [path_, sides] of index.resolveUndo ?? []) {
        for (const side of sides) {
          if (side === undefined || isZeroOid(side.oid)) continue;
          if (this.#fsck.isThere(side.oid)) this.#fsck.addRoot(side.oid, `:(1):${path_}`);
          else this.#error(`${side.oid}: invalid sha1 pointer in resolve-undo of ${shown}`, ERROR_REFS);
        }
      }
    }
  }

  #shown(path: string): string {
    const { gitDir, gitDirShown } = this.#repository;
    if (!path.startsWith(`${gitDir}/`)) return path;
    return isAbsolute(gitDirShown)
      ? path
      : resolvePath('/', `${gitDirShown}/${path.slice(gitDir.length + 1)}`).slice(1);
  }

  async #cacheTree(tree: CacheTree, shown: string): Promise<void> {
    if (tree.entryCount >= 0 && tree.oid !== undefined) {
      const kind = await this.#fsck.readEarly(tree.oid);
      if (kind === undefined) {
        this.#error(`${tree.oid}: invalid sha1 pointer in cache-tree of ${shown}`, ERROR_REFS);
        return;
      }
      this.#fsck.addRoot(tree.oid, ':');
      if (kind !== 'tree') {
        this.#context.printError(`error in ${kind} ${tree.oid}: non-tree in cache-tree\n`);
        this.errors |= 1;
      }
    }
    for (const below of tree.subtrees.values()) await this.#cacheTree(below, shown);
  }
}
