import { GitError } from '../base/errors.js';
import { unquotePath } from '../base/quote.js';
import { isGitlinkMode } from '../objects/mode.js';
import { CheckoutWriter } from '../worktree/checkout-writer.js';
import type { IndexEntry } from '../worktree/index-entry.js';
import type { WorkTree } from '../worktree/work-tree.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { openWorkTree, pathFromTop, pathPrinter } from './work-tree.js';

interface Line {
  readonly text: string;
}

export const command = defineCommand({
  name: 'checkout-index',
  summary: 'copy files from the index to the work tree',
  usage: ['checkout-index [<options>] [--] [<file>...]'],
  options: {
    all: { type: 'flag', short: 'a', help: 'check out all files in the index' },
    'ignore-skip-worktree-bits': { type: 'flag', help: 'do not skip files with skip-worktree set' },
    force: { type: 'flag', short: 'f', help: 'force overwrite of existing files' },
    quiet: { type: 'flag', short: 'q', help: 'no warning for existing files and files not in index' },
    'no-create': { type: 'flag', short: 'n', help: "don't checkout new files" },
    index: { type: 'flag', short: 'u', help: 'update stat information in the index file' },
    z: { type: 'flag', short: 'z', shortOnly: true, help: 'paths are separated with NUL character' },
    stdin: { type: 'flag', help: 'read list of paths from the standard input' },
    temp: { type: 'flag', help: 'write the content to temporary files' },
    prefix: { type: 'string', value: 'string', help: 'when creating files, prepend <string>' },
    stage: { type: 'string', value: '(1|2|3|all)', negatable: false, help: 'copy out the files from named stage' },
  },
  async *run(context, { values, rest }): AsyncGenerator<Line, number> {
    const tree = openWorkTree(context);
    const stageWord = values.stage;
    let stage = 0;
    let everyStage = false;
    let temp = values.temp === true;
    if (stageWord != null) {
      if (stageWord === 'all') {
        everyStage = true;
        temp = true;
      } else if (/^[123]$/.test(stageWord)) stage = Number(stageWord);
      else throw new GitError('USAGE', 'stage should be between 1 and 3 or all');
    }
    if (everyStage && values.temp === false)
      throw new GitError('USAGE', "options '--stage=all' and '--no-temp' cannot be used together");
    if (values.all === true && rest.length > 0) {
      throw new GitError('USAGE', "git checkout-index: don't mix '--all' and explicit filenames");
    }
    if (values.stdin === true && rest.length > 0) {
      throw new GitError('USAGE', "git checkout-index: don't mix '--stdin' and explicit filenames");
    }
    if (values.all === true && values.stdin === true) {
      throw new GitError('USAGE', "git checkout-index: don't mix '--all' and '--stdin'");
    }
    const update = values.index === true && !temp && (values.prefix ?? '') === '';
    const lock = update ? tree.lockIndex() : undefined;
    try {
      const run = new Checkout(context, tree, {
        force: values.force === true,
        quiet: values.quiet === true,
        create: values['no-create'] !== true,
        update,
        temp,
        stage,
        everyStage,
        prefix: values.prefix ?? '',
        nul: values.z === true,
      });
      const skipBits = values['ignore-skip-worktree-bits'] !== true;
      if (values.all === true) yield* run.all(tree.repository.prefix, skipBits);
      else if (values.stdin === true) {
        for (const line of context.io.stdin.lines(values.z === true ? 0 : 0x0a)) {
          const word = values.z !== true && line.startsWith('"') ? unquotePath(line)?.value : line;
          if (word === undefined) throw new GitError('USAGE', 'line is badly quoted');
          yield* run.path(pathFromTop(tree, word), word);
        }
      } else for (const word of rest) yield* run.path(pathFromTop(tree, word), word);
      if (lock !== undefined && tree.index.changed) tree.commitIndex(lock);
      return run.failed ? 1 : 0;
    } finally {
      lock?.rollback();
      await tree.close();
    }
  },
  render: ({ text }) => text,
});

interface Settings {
  readonly force: boolean;
  readonly quiet: boolean;
  readonly create: boolean;
  readonly update: boolean;
  readonly temp: boolean;
  readonly stage: number;
  readonly everyStage: boolean;
  readonly prefix: string;
  readonly nul: boolean;
}

class Checkout {
  failed = false;
  readonly #context: CommandContext;
  readonly #tree: WorkTree;
  readonly #settings: Settings;
  readonly #writer: CheckoutWriter;
  readonly #print: (path: string) => string;

  constructor(context: CommandContext, tree: WorkTree, settings: Settings) {
    this.#context = context;
    this.#tree = tree;
    this.#settings = settings;
    this.#writer = new CheckoutWriter(tree);
    this.#print = pathPrinter(tree, { raw: settings.nul });
  }

  async *all(prefix: string, skipBits: boolean): AsyncGenerator<Line> {
    const { entries } = this.#tree.index;
    let last: string | undefined;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      if (skipBits && entry.skipWorktree) continue;
      if (!entry.path.startsWith(prefix)) continue;
      if (this.#settings.everyStage) {
        if (entry.path === last || entry.stage === 0) continue;
        last = entry.path;
        yield* this.#temporaryStages(entry.path);
        continue;
      }
      if (entry.stage !== this.#settings.stage) continue;
      yield* this.#one(entry);
    }
  }

  async *path(full: string, word: string): AsyncGenerator<Line> {
    const { index } = this.#tree;
    const path = full.endsWith('/') ? full.slice(0, -1) : full;
    const say = (why: string): void => {
      this.failed = true;
      if (!this.#settings.quiet) this.#context.printError(`git checkout-index: ${path} ${why}\n`);
    };
    if (this.#settings.everyStage && index.has(path) && index.get(path) === undefined) {
      yield* this.#temporaryStages(path);
      return;
    }
    // All stages of what has but one are none.
    if (this.#settings.everyStage && index.has(path)) return;
    const entry = index.get(path, this.#settings.stage);
    if (entry !== undefined && this.#settings.everyStage === false) {
      if (entry.skipWorktree) {
        say("has skip-worktree enabled; use '--ignore-skip-worktree-bits' to checkout");
        return;
      }
      yield* this.#one(entry);
      return;
    }
    if (!index.has(path)) {
      say('is not in the cache');
      return;
    }
    if (index.get(path)?.skipWorktree === true)
      say("has skip-worktree enabled; use '--ignore-skip-worktree-bits' to checkout");
    else if (this.#settings.stage !== 0) say(`does not exist at stage ${this.#settings.stage}`);
    else if (!this.#settings.everyStage) say('is unmerged');
  }

  async *#one(entry: IndexEntry): AsyncGenerator<Line> {
    const tree = this.#tree;
    const { settings } = { settings: this.#settings };
    if (settings.temp) {
      const name = await this.#temporary(entry);
      if (name !== undefined) yield { text: `${name}\t${this.#print(entry.path)}${settings.nul ? '\0' : '\n'}` };
      return;
    }
    if (settings.prefix !== '') {
      await this.#elsewhere(entry);
      return;
    }
    const stat = tree.hasSymlinkParent(entry.path) ? undefined : tree.lstat(entry.path);
    if (stat === undefined && !settings.create) return;
    if (stat !== undefined) {
      if (!(await tree.isModified(entry, stat, { ignoreValid: true, ignoreSkip: true }))) {
        if (settings.update) this.#refresh(entry, stat);
        return;
      }
      if (!settings.force) {
        if (!settings.quiet) this.#context.printError(`${entry.path} already exists, no checkout\n`);
        this.failed = true;
        return;
      }
      if (stat.kind === 'directory' && isGitlinkMode(entry.mode)) return;
    }
    const outcome = await this.#writer.write(entry);
    if (!outcome.ok) {
      this.#context.error(outcome.message);
      this.failed = true;
    } else if (settings.update) this.#refresh(entry, outcome.stat);
  }

  #refresh(entry: IndexEntry, stat: NonNullable<ReturnType<WorkTree['lstat']>>): void {
    const { index } = this.#tree;
    const fresh = entry.withStat(stat);
    fresh.fresh = true;
    index.refreshAt(index.position(entry.path, entry.stage), fresh);
  }

  /** With `--prefix` the files go beside the work tree's own; a directory name need not end the prefix. */
  async #elsewhere(entry: IndexEntry): Promise<void> {
    const { fs } = this.#tree;
    const raw = this.#settings.prefix;
    const base = raw.startsWith('/') ? raw : `${this.#tree.root}/${this.#tree.repository.prefix}${raw}`;
    const target = `${base}${entry.path}`;
    const settled = await this.#content(entry);
    if (settled === undefined) return;
    const stat = fs.lstat(target);
    if (stat !== undefined) {
      if (!this.#settings.force) {
        if (!this.#settings.quiet) this.#context.printError(`${target} already exists, no checkout\n`);
        this.failed = true;
        return;
      }
      if (stat.kind === 'directory') fs.removeRecursive(target);
      else fs.remove(target);
    } else if (!this.#settings.create) return;
    this.#makeParents(base, target);
    if (entry.mode === 0o120000 && this.#tree.rules.symlinks) {
      const { decodeText } = await import('../base/bytes.js');
      fs.symlink(decodeText(settled), target);
      return;
    }
    fs.writeFile(target, settled, entry.mode === 0o100755 ? 0o777 : 0o666);
  }

  /** Directories below the prefix must be real ones; the prefix itself is the user's. */
  #makeParents(base: string, target: string): void {
    const { fs } = this.#tree;
    const from = base.lastIndexOf('/') + 1;
    for (let slash = target.indexOf('/', 1); slash > 0; slash = target.indexOf('/', slash + 1)) {
      const directory = target.slice(0, slash);
      const stat = slash < from ? fs.stat(directory) : fs.lstat(directory);
      if (stat?.kind === 'directory') continue;
      if (stat !== undefined && this.#settings.force) fs.remove(directory);
      fs.makeDirectory(directory);
    }
  }

  async #content(entry: IndexEntry): Promise<Uint8Array | undefined> {
    const object = await this.#tree.repository.objects.read(entry.oid);
    if (object === undefined) {
      this.#context.error(`unable to read sha1 file of ${entry.path} (${entry.oid})`);
      this.failed = true;
      return undefined;
    }
    return entry.mode === 0o120000
      ? object.data
      : this.#tree.converter.smudge(entry.path, object.data, { blob: entry.oid });
  }

  async #temporary(entry: IndexEntry): Promise<string | undefined> {
    const data = await this.#content(entry);
    if (data === undefined) return undefined;
    const { fs } = this.#tree;
    for (;;) {
      const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
      const random = Array.from(this.#tree.repository.platform.randomBytes(6), (byte) => letters[byte % 62]).join('');
      const name = `${entry.mode === 0o120000 ? '.merge_link_' : '.merge_file_'}${random}`;
      const handle = fs.openWrite(`${this.#tree.root}/${name}`, {
        exclusive: true,
        mode: entry.mode === 0o100755 ? 0o777 : 0o666,
      });
      if (handle === undefined) continue;
      handle.write(data);
      handle.close();
      return name;
    }
  }

  async *#temporaryStages(path: string): AsyncGenerator<Line> {
    const names = ['.', '.', '.'];
    for (const entry of this.#tree.index.stages(path)) {
      if (entry.stage === 0) continue;
      names[entry.stage - 1] = (await this.#temporary(entry)) ?? '.';
    }
    yield { text: `${names.join(' ')}\t${this.#print(path)}${this.#settings.nul ? '\0' : '\n'}` };
  }
}
