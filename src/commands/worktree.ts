import { compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { zeroOid } from '../base/oid.js';
import { abbreviate } from '../porcelain/abbreviate.js';
import { listWorktrees, type WorktreeInfo } from '../porcelain/worktree-list.js';
import { parseExpiryDate } from '../repo/date-approx.js';
import type { Repository } from '../repo/repository.js';
import { quotePath } from '../base/quote.js';
import { displayWidth } from '../base/display-width.js';
import { baseName } from '../base/path.js';
import type { FileSystem } from '../platform/fs.js';
import { isAbsolute, realPathLenient, relativePath, resolvePath } from '../repo/paths.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';
import { noSubcommand, parseSubcommand, subcommandUsage } from './subcommand.js';
import { addWorktree } from './worktree-add.js';
import {
  linkBack,
  linkedRelatively,
  linkOf,
  lockReason,
  prunable,
  readText,
  removeGitDirectory,
  runIn,
  writeText,
} from './worktree-files.js';

interface Line {
  readonly text: string;
}
type Result = AsyncGenerator<Line, number>;

const usages = {
  add:
    'worktree add [-f] [--detach] [--checkout] [--lock [--reason <string>]]\n' +
    '                 [--orphan] [(-b | -B) <new-branch>] <path> [<commit-ish>]',
  list: 'worktree list [-v | --porcelain [-z]]',
  lock: 'worktree lock [--reason <string>] <worktree>',
  move: 'worktree move <worktree> <new-path>',
  prune: 'worktree prune [-n] [-v] [--expire <expire>]',
  remove: 'worktree remove [-f] <worktree>',
  repair: 'worktree repair [<path>...]',
  unlock: 'worktree unlock <worktree>',
} as const;

const addOptions = {
  force: { rarelyMeant: true, type: 'flag', short: 'f', help: 'check a branch out although another work tree has it' },
  b: { type: 'string', short: 'b', shortOnly: true, value: 'branch', help: 'create a new branch' },
  B: { type: 'string', short: 'B', shortOnly: true, value: 'branch', help: 'create or reset a branch' },
  orphan: { type: 'flag', help: 'create a branch without a commit' },
  detach: { type: 'flag', short: 'd', help: 'detach HEAD at the commit' },
  checkout: { type: 'flag', help: 'fill the new work tree (default)' },
  lock: { type: 'flag', help: 'keep the new work tree locked' },
  reason: { type: 'string', value: 'string', help: 'why it is locked' },
  quiet: { type: 'flag', short: 'q', help: 'say nothing' },
  track: { type: 'flag', help: 'set up what the branch follows' },
  'guess-remote': { type: 'flag', help: 'look for a branch of that name in a remote' },
  'relative-paths': { type: 'flag', help: 'link by relative paths' },
} as const;

const force = { type: 'count', short: 'f' } as const;

export const command = defineCommand({
  name: 'worktree',
  summary: 'manage work trees of the repository',
  usage: Object.values(usages),
  options: {},
  parsing: { none: true },
  async *run(context): Result {
    const [verb, ...argv] = context.argv;
    if (verb === '-h') throw new UsageError('', { help: true });
    const worktrees = new Worktrees(context);
    switch (verb) {
      case 'add': {
        const parsed = parseSubcommand(context, [usages.add], addOptions, argv);
        if (typeof parsed === 'number') return parsed;
        const { values, rest } = parsed;
        if (rest.length < 1 || rest.length > 2) return subcommandUsage(context, [usages.add], addOptions);
        return addWorktree(context, values, rest);
      }
      case 'list':
        return yield* worktrees.list(argv);
      case 'lock':
        return worktrees.lock(argv);
      case 'unlock':
        return worktrees.unlock(argv);
      case 'move':
        return worktrees.move(argv);
      case 'remove':
        return worktrees.remove(argv);
      case 'prune':
        return worktrees.prune(argv);
      case 'repair':
        return yield* worktrees.repair(argv);
      default:
        throw noSubcommand(verb);
    }
  },
  render: ({ text }) => text,
});

class Worktrees {
  readonly #context: CommandContext;
  readonly #fs: FileSystem;

  constructor(context: CommandContext) {
    this.#context = context;
    this.#fs = context.platform.fs;
  }

  get #repository(): Repository {
    return this.#context.repository();
  }

  #isDirectory(path: string): boolean {
    return this.#fs.stat(path)?.kind === 'directory';
  }

  #real(path: string): string {
    return realPathLenient(this.#fs, path);
  }

  /** The work tree that a word names: the end of its path, where only one ends so, or its path. */
  #find(word: string): WorktreeInfo {
    const all = listWorktrees(this.#repository);
    const plain = word.replace(/\/+$/, '');
    const bySuffix = plain === '' ? [] : all.filter((one) => one.path === plain || one.path.endsWith(`/${plain}`));
    if (bySuffix.length === 1) return bySuffix[0]!;
    const full = resolvePath(this.#context.cwd, word);
    const real = this.#real(full);
    const found = all.find((one) => this.#real(one.path) === real);
    if (found === undefined) throw new GitError('USAGE', `'${word}' is not a working tree`);
    return found;
  }

  async *list(argv: readonly string[]): Result {
    const options = {
      porcelain: { type: 'flag', help: 'machine-readable output' },
      verbose: { type: 'flag', short: 'v', help: 'show why a work tree is locked or can be pruned' },
      expire: { type: 'string', value: 'expiry-date', help: 'mark as prunable what is missing for longer' },
      z: { type: 'flag', short: 'z', shortOnly: true, help: 'end records with NUL' },
    } as const;
    const parsed = parseSubcommand(this.#context, [usages.list], options, argv);
    if (typeof parsed === 'number') return parsed;
    const { values, rest } = parsed;
    if (rest.length > 0) return subcommandUsage(this.#context, [usages.list], options);
    if (values.verbose === true && values.porcelain === true)
      throw new GitError('USAGE', "options '--verbose' and '--porcelain' cannot be used together");
    if (values.z === true && values.porcelain !== true)
      throw new GitError('USAGE', "the option '-z' requires '--porcelain'");
    const repository = this.#repository;
    const expire = this.#expiry(values.expire);
    const rows = [];
    // git lists the linked ones by their paths.
    const [main, ...linked] = listWorktrees(repository);
    linked.sort((a, b) => compareText(a.path, b.path));
    for (const tree of [main!, ...linked]) {
      const text = readText(this.#fs, `${tree.gitDir}/HEAD`);
      const oid =
        tree.head === undefined
          ? text
          : ((await repository.refs.resolve(tree.head)) ?? zeroOid(repository.objectFormat));
      const locked = tree.name === undefined ? undefined : lockReason(this.#fs, tree.gitDir);
      const prune =
        tree.name === undefined || locked !== undefined ? undefined : prunable(this.#fs, tree.gitDir, expire);
      rows.push({ tree, oid: oid ?? zeroOid(repository.objectFormat), locked, prune });
    }
    const high = repository.config.getBool('core.quotepath', true);
    const shown = ({ path }: WorktreeInfo): string => quotePath(path, high);
    const width = Math.max(...rows.map(({ tree }) => displayWidth(shown(tree))));
    for (const { tree, oid, locked, prune } of rows) {
      if (values.porcelain === true) {
        const end = values.z === true ? '\0' : '\n';
        const lines = [`worktree ${tree.path}`];
        if (tree.bare) lines.push('bare');
        else lines.push(`HEAD ${oid}`, tree.head === undefined ? 'detached' : `branch ${tree.head}`);
        if (locked !== undefined) {
          const why = values.z === true ? locked : quoteReason(locked);
          lines.push(locked === '' ? 'locked' : `locked ${why}`);
        }
        if (prune !== undefined) lines.push(`prunable ${prune}`);
        yield { text: `${lines.join(end)}${end}${end}` };
        continue;
      }
      let line = `${shown(tree)}${' '.repeat(width - displayWidth(shown(tree)))} `;
      if (tree.bare) line += '(bare)';
      else {
        const short = /^0+$/.test(oid) ? oid.slice(0, 7) : await abbreviate(repository, oid as never);
        line += `${short} ${tree.head === undefined ? '(detached HEAD)' : `[${tree.head.replace(/^refs\/heads\//, '')}]`}`;
      }
      const verbose = values.verbose === true;
      if (locked !== undefined) line += locked !== '' && verbose ? `\n\tlocked: ${locked}` : ' locked';
      if (prune !== undefined) line += verbose ? `\n\tprunable: ${prune}` : ' prunable';
      yield { text: `${line}\n` };
    }
    return 0;
  }

  #expiry(word: string | null | undefined): number | undefined {
    if (word == null) return undefined;
    const time = parseExpiryDate(word, this.#repository.clock);
    if (time === undefined) throw new GitError('USAGE', `malformed expiration date '${word}'`);
    return time;
  }

  lock(argv: readonly string[]): number {
    const options = { reason: { type: 'string', value: 'string', help: 'reason for locking' } } as const;
    const parsed = parseSubcommand(this.#context, [usages.lock], options, argv);
    if (typeof parsed === 'number') return parsed;
    const { values, rest } = parsed;
    if (rest.length !== 1) return subcommandUsage(this.#context, [usages.lock], options);
    const tree = this.#find(rest[0]!);
    if (tree.name === undefined) throw new GitError('USAGE', 'The main working tree cannot be locked or unlocked');
    const before = lockReason(this.#fs, tree.gitDir);
    if (before !== undefined) {
      throw new GitError('USAGE', `'${rest[0]}' is already locked${before === '' ? '' : `, reason: ${before}`}`);
    }
    writeText(this.#fs, `${tree.gitDir}/locked`, values.reason == null ? '' : `${values.reason}\n`);
    return 0;
  }

  unlock(argv: readonly string[]): number {
    const parsed = parseSubcommand(this.#context, [usages.unlock], {}, argv);
    if (typeof parsed === 'number') return parsed;
    const { rest } = parsed;
    if (rest.length !== 1) return subcommandUsage(this.#context, [usages.unlock], {});
    const tree = this.#find(rest[0]!);
    if (tree.name === undefined) throw new GitError('USAGE', 'The main working tree cannot be locked or unlocked');
    if (lockReason(this.#fs, tree.gitDir) === undefined) throw new GitError('USAGE', `'${rest[0]}' is not locked`);
    this.#fs.remove(`${tree.gitDir}/locked`);
    return 0;
  }

  #refuseLocked(tree: WorktreeInfo, times: number, verb: 'move' | 'remove'): void {
    if (times > 1) return;
    const reason = lockReason(this.#fs, tree.gitDir);
    if (reason === undefined) return;
    throw new GitError(
      'USAGE',
      `cannot ${verb} a locked working tree${reason === '' ? ';' : `, lock reason: ${reason}`}\n` +
        `use '${verb} -f -f' to override or unlock first`,
    );
  }

  /** What lies in it must be a work tree of this repository. */
  #validate(tree: WorktreeInfo, verb: 'move' | 'remove'): void {
    const fail = (why: string): GitError =>
      new GitError('USAGE', `validation failed, cannot ${verb} working tree: ${why}`);
    const link = `${tree.path}/.git`;
    if (this.#fs.stat(link) === undefined) throw fail(`'${link}' does not exist`);
    const goes = linkOf(this.#fs, tree.path);
    if (goes === undefined) throw fail(`'${link}' is not a .git file, error code 2`);
    if (this.#real(goes) !== this.#real(tree.gitDir))
      throw fail(`'${tree.path}' does not point back to '${tree.gitDir}'`);
  }

  #refuseSubmodules(tree: WorktreeInfo): void {
    if ((this.#fs.readDirectory(`${tree.gitDir}/modules`)?.length ?? 0) > 0)
      throw new GitError('USAGE', 'working trees containing submodules cannot be moved or removed');
  }

  move(argv: readonly string[]): number {
    const options = {
      force: { ...force, help: 'move it although it is locked' },
      'relative-paths': { type: 'flag', help: 'link by relative paths' },
    } as const;
    const parsed = parseSubcommand(this.#context, [usages.move], options, argv);
    if (typeof parsed === 'number') return parsed;
    const { values, rest } = parsed;
    if (rest.length !== 2) return subcommandUsage(this.#context, [usages.move], options);
    const tree = this.#find(rest[0]!);
    if (tree.name === undefined) throw new GitError('USAGE', `'${rest[0]}' is a main working tree`);
    let target = resolvePath(this.#context.cwd, rest[1]!);
    if (this.#isDirectory(target)) target = resolvePath(target, baseName(tree.path));
    this.#refuseSubmodules(tree);
    if (this.#fs.stat(target) !== undefined)
      throw new GitError('USAGE', `target '${this.#shown(target, rest[1]!)}' already exists`);
    this.#refuseLocked(tree, values.force ?? 0, 'move');
    this.#validate(tree, 'move');
    this.#fs.rename(tree.path, target);
    linkBack(this.#fs, tree.gitDir, target, values['relative-paths'] ?? linkedRelatively(this.#fs, tree.gitDir));
    return 0;
  }

  #shown(target: string, word: string): string {
    return isAbsolute(word) ? target : relativePath(this.#context.cwd, target);
  }

  remove(argv: readonly string[]): number {
    const options = { force: { ...force, help: 'remove it although it is changed or locked' } } as const;
    const parsed = parseSubcommand(this.#context, [usages.remove], options, argv);
    if (typeof parsed === 'number') return parsed;
    const { values, rest } = parsed;
    if (rest.length !== 1) return subcommandUsage(this.#context, [usages.remove], options);
    const word = rest[0]!;
    const tree = this.#find(word);
    if (tree.name === undefined) throw new GitError('USAGE', `'${word}' is a main working tree`);
    const times = values.force ?? 0;
    this.#refuseLocked(tree, times, 'remove');
    if (this.#fs.stat(tree.path) !== undefined) {
      this.#validate(tree, 'remove');
      if (times === 0) this.#refuseChanged(tree, word);
      this.#fs.removeRecursive(tree.path);
    }
    removeGitDirectory(this.#fs, tree.gitDir);
    return 0;
  }

  #refuseChanged(tree: WorktreeInfo, word: string): void {
    this.#refuseSubmodules(tree);
    const words = ['status', '--porcelain', '--ignore-submodules=none'];
    const ran = runIn(this.#context, tree.path, tree.gitDir, words, 'pipe');
    if (ran.code !== 0) throw new GitError('USAGE', `failed to run 'git status' on '${word}', code ${ran.code}`);
    if (ran.stdout.length > 0) {
      throw new GitError('USAGE', `'${word}' contains modified or untracked files, use --force to delete it`);
    }
  }

  prune(argv: readonly string[]): number {
    const options = {
      'dry-run': { type: 'flag', short: 'n', help: 'do not remove, show only' },
      verbose: { type: 'flag', short: 'v', help: 'tell what is removed' },
      expire: { type: 'string', value: 'expiry-date', help: 'only what is missing for longer' },
    } as const;
    const parsed = parseSubcommand(this.#context, [usages.prune], options, argv);
    if (typeof parsed === 'number') return parsed;
    const { values, rest } = parsed;
    if (rest.length > 0) return subcommandUsage(this.#context, [usages.prune], options);
    const expire = this.#expiry(values.expire);
    const folder = `${this.#repository.commonDir}/worktrees`;
    const kept = new Map<string, string>();
    const names = (this.#fs.readDirectory(folder) ?? []).map(({ name }) => name).sort(compareText);
    const remove = (name: string, why: string): void => {
      if (values['dry-run'] === true || values.verbose === true)
        this.#context.printError(`Removing worktrees/${name}: ${why}\n`);
      if (values['dry-run'] === true) return;
      this.#fs.removeRecursive(`${folder}/${name}`);
    };
    const main = this.#real(listWorktrees(this.#repository)[0]!.path);
    for (const name of names) {
      const directory = `${folder}/${name}`;
      if (lockReason(this.#fs, directory) !== undefined) continue;
      const why = prunable(this.#fs, directory, expire);
      if (why !== undefined) {
        remove(name, why);
        continue;
      }
      const file = readText(this.#fs, `${directory}/gitdir`);
      if (file === undefined) continue;
      const place = this.#real(resolvePath(directory, file).replace(/\/\.git$/, ''));
      if (kept.has(place) || place === main) remove(name, 'duplicate entry');
      else kept.set(place, name);
    }
    if (values['dry-run'] !== true) this.#fs.removeDirectory(folder);
    return 0;
  }

  async *repair(argv: readonly string[]): Result {
    const options = { 'relative-paths': { type: 'flag', help: 'link by relative paths' } } as const;
    const parsed = parseSubcommand(this.#context, [usages.repair], options, argv);
    if (typeof parsed === 'number') return parsed;
    const { values, rest } = parsed;
    let code = 0;
    const fault = (why: string, place: string): void => {
      this.#context.error(`${why}: ${place}`);
      code = 1;
    };
    const repository = this.#repository;
    for (const tree of listWorktrees(repository).slice(1)) {
      if (this.#fs.stat(tree.path) === undefined) continue;
      if (this.#isDirectory(`${tree.path}/.git`)) {
        fault('.git is not a file', tree.path);
        continue;
      }
      const goes = linkOf(this.#fs, tree.path);
      const wrong =
        goes === undefined || !this.#isDirectory(goes)
          ? '.git file broken'
          : this.#real(goes) !== this.#real(tree.gitDir)
            ? '.git file incorrect'
            : undefined;
      const linked = linkedRelatively(this.#fs, tree.gitDir);
      const relative = values['relative-paths'] ?? linked;
      if (wrong === undefined && relative === linked) continue;
      linkBack(this.#fs, tree.gitDir, tree.path, relative);
      yield { text: `repair: ${wrong ?? '.git file absolute/relative path mismatch'}: ${tree.path}\n` };
    }
    for (const word of rest.length > 0 ? rest : ['.']) {
      const place = resolvePath(this.#context.cwd, word);
      if (!this.#isDirectory(place)) {
        if (rest.length > 0) fault('not a valid path', word);
        continue;
      }
      const link = this.#fs.stat(`${place}/.git`);
      if (link === undefined || link.kind === 'directory') {
        if (rest.length > 0) fault('unable to locate repository; .git is not a file', place);
        continue;
      }
      const goes = linkOf(this.#fs, place);
      if (goes === undefined || !this.#isDirectory(goes)) {
        if (rest.length > 0) fault('unable to locate repository; .git file broken', place);
        continue;
      }
      if (!goes.includes('/worktrees/')) {
        if (rest.length > 0) fault('.git file does not reference a repository', place);
        continue;
      }
      const file = readText(this.#fs, `${goes}/gitdir`);
      const wrong =
        file === undefined
          ? 'gitdir unreadable'
          : resolvePath(goes, file) !== `${this.#real(place)}/.git`
            ? 'gitdir incorrect'
            : undefined;
      if (wrong === undefined) continue;
      linkBack(this.#fs, goes, this.#real(place), values['relative-paths'] ?? linkedRelatively(this.#fs, goes));
      yield { text: `repair: ${wrong}: ${goes}/gitdir\n` };
    }
    return code;
  }
}

const quoteReason = (text: string): string =>
  /[\n"\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"` : text;
