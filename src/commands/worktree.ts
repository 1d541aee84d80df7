import * as fs from 'node:fs';
import * as path from 'node:path';
import { GitError } from '../base/errors.js';
import { zeroOid } from '../base/oid.js';
import { abbreviate } from '../porcelain/abbreviate.js';
import { listWorktrees, type WorktreeInfo } from '../porcelain/worktree-list.js';
import { parseExpiryDate } from '../repo/date-approx.js';
import type { Repository } from '../repo/repository.js';
import { displayWidth } from '../base/display-width.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';
import { parseSubcommand, subcommandUsage } from './subcommand.js';
import { addWorktree } from './worktree-add.js';
import { linkBack, linkedRelatively, lockReason, prunable, readText, removeGitDirectory } from './worktree-files.js';

interface Line {
  readonly text: string;
}
type Result = AsyncGenerator<Line, number>;

export const usages = {
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
  force: { type: 'flag', short: 'f', help: 'check a branch out although another work tree has it' },
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
    if (verb === undefined) throw new UsageError('need a subcommand');
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
        if (verb.startsWith('--')) throw new UsageError(`unknown option \`${verb.slice(2)}'`);
        if (verb.startsWith('-')) throw new UsageError(`unknown switch \`${verb[1]}'`);
        throw new UsageError(`unknown subcommand: \`${verb}'`);
    }
  },
  render: ({ text }) => text,
});

class Worktrees {
  readonly #context: CommandContext;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  get #repository(): Repository {
    return this.#context.repository();
  }

  /** The work tree that a word names: the end of its path, where only one ends so, or its path. */
  #find(word: string): WorktreeInfo {
    const all = listWorktrees(this.#repository);
    const plain = word.replace(/\/+$/, '');
    const bySuffix = plain === '' ? [] : all.filter((one) => one.path === plain || one.path.endsWith(`/${plain}`));
    if (bySuffix.length === 1) return bySuffix[0]!;
    const full = path.resolve(this.#context.cwd, word);
    const real = realPath(full);
    const found = all.find((one) => realPath(one.path) === real);
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
    linked.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
    for (const tree of [main!, ...linked]) {
      const text = readText(`${tree.gitDir}/HEAD`)?.trim();
      const oid =
        tree.head === undefined
          ? text
          : ((await repository.refs.resolve(tree.head)) ?? zeroOid(repository.objectFormat));
      const locked = tree.name === undefined ? undefined : lockReason(tree.gitDir);
      const prune = tree.name === undefined || locked !== undefined ? undefined : prunable(tree.gitDir, expire);
      rows.push({ tree, oid: oid ?? zeroOid(repository.objectFormat), locked, prune });
    }
    const width = Math.max(...rows.map(({ tree }) => displayWidth(tree.path)));
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
      let line = `${tree.path}${' '.repeat(width - displayWidth(tree.path))} `;
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
    const before = lockReason(tree.gitDir);
    if (before !== undefined) {
      throw new GitError('USAGE', `'${rest[0]}' is already locked${before === '' ? '' : `, reason: ${before}`}`);
    }
    fs.writeFileSync(`${tree.gitDir}/locked`, values.reason == null ? '' : `${values.reason}\n`);
    return 0;
  }

  unlock(argv: readonly string[]): number {
    const parsed = parseSubcommand(this.#context, [usages.unlock], {}, argv);
    if (typeof parsed === 'number') return parsed;
    const { rest } = parsed;
    if (rest.length !== 1) return subcommandUsage(this.#context, [usages.unlock], {});
    const tree = this.#find(rest[0]!);
    if (tree.name === undefined) throw new GitError('USAGE', 'The main working tree cannot be locked or unlocked');
    if (lockReason(tree.gitDir) === undefined) throw new GitError('USAGE', `'${rest[0]}' is not locked`);
    fs.rmSync(`${tree.gitDir}/locked`);
    return 0;
  }

  #refuseLocked(tree: WorktreeInfo, times: number, verb: 'move' | 'remove'): void {
    if (times > 1) return;
    const reason = lockReason(tree.gitDir);
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
    if (!fs.existsSync(link)) throw fail(`'${link}' does not exist`);
    const text = /^gitdir: (.*)/.exec(readText(link) ?? '')?.[1];
    if (text === undefined) throw fail(`'${link}' is not a .git file, error code 2`);
    if (realPath(path.resolve(tree.path, text)) !== realPath(tree.gitDir))
      throw fail(`'${tree.path}' does not point back to '${tree.gitDir}'`);
  }

  #refuseSubmodules(tree: WorktreeInfo): void {
    if (fs.existsSync(`${tree.gitDir}/modules`) && fs.readdirSync(`${tree.gitDir}/modules`).length > 0)
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
    let target = path.resolve(this.#context.cwd, rest[1]!);
    if (isDirectory(target)) target = path.join(target, path.basename(tree.path));
    this.#refuseSubmodules(tree);
    if (fs.existsSync(target)) throw new GitError('USAGE', `target '${this.#shown(target, rest[1]!)}' already exists`);
    this.#refuseLocked(tree, values.force ?? 0, 'move');
    this.#validate(tree, 'move');
    fs.renameSync(tree.path, target);
    linkBack(tree.gitDir, target, values['relative-paths'] ?? linkedRelatively(tree.gitDir));
    return 0;
  }

  #shown(target: string, word: string): string {
    return path.isAbsolute(word) ? target : path.relative(this.#context.cwd, target);
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
    if (fs.existsSync(tree.path)) {
      this.#validate(tree, 'remove');
      if (times === 0) this.#refuseChanged(tree, word);
      fs.rmSync(tree.path, { recursive: true, force: true });
    }
    removeGitDirectory(tree.gitDir);
    return 0;
  }

  #refuseChanged(tree: WorktreeInfo, word: string): void {
    this.#refuseSubmodules(tree);
    const { processes } = this.#context.platform;
    const ran = processes!.runSync(
      [process.execPath, process.argv[1]!, 'status', '--porcelain', '--ignore-submodules=none'],
      {
        cwd: tree.path,
        env: { ...this.#context.env, GIT_DIR: tree.gitDir, GIT_WORK_TREE: tree.path, GIT_INDEX_FILE: undefined },
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'inherit',
      },
    );
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
    const names = isDirectory(folder) ? fs.readdirSync(folder).sort() : [];
    const remove = (name: string, why: string): void => {
      if (values['dry-run'] === true || values.verbose === true)
        this.#context.printError(`Removing worktrees/${name}: ${why}\n`);
      if (values['dry-run'] === true) return;
      fs.rmSync(`${folder}/${name}`, { recursive: true, force: true });
    };
    const main = realPath(listWorktrees(this.#repository)[0]!.path);
    for (const name of names) {
      const directory = `${folder}/${name}`;
      if (isDirectory(directory) && lockReason(directory) !== undefined) continue;
      const why = prunable(directory, expire);
      if (why !== undefined) {
        remove(name, why);
        continue;
      }
      const file = readText(`${directory}/gitdir`)?.trim();
      if (file === undefined) continue;
      const place = realPath(path.resolve(directory, file).replace(/\/\.git$/, ''));
      if (kept.has(place) || place === main) remove(name, 'duplicate entry');
      else kept.set(place, name);
    }
    if (values['dry-run'] !== true && isDirectory(folder) && fs.readdirSync(folder).length === 0) fs.rmdirSync(folder);
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
      if (!fs.existsSync(tree.path)) continue;
      const link = `${tree.path}/.git`;
      if (fs.existsSync(link) && fs.statSync(link).isDirectory()) {
        fault('.git is not a file', tree.path);
        continue;
      }
      const named = /^gitdir: (.*)/.exec(readText(link) ?? '')?.[1];
      const goes = named === undefined ? undefined : path.resolve(tree.path, named);
      const wrong =
        goes === undefined || !isDirectory(goes)
          ? '.git file broken'
          : realPath(goes) !== realPath(tree.gitDir)
            ? '.git file incorrect'
            : undefined;
      const relative = values['relative-paths'] ?? linkedRelatively(tree.gitDir);
      if (wrong === undefined && relative === linkedRelatively(tree.gitDir)) continue;
      linkBack(tree.gitDir, tree.path, relative);
      yield { text: `repair: ${wrong ?? '.git file absolute/relative path mismatch'}: ${tree.path}\n` };
    }
    for (const word of rest.length > 0 ? rest : ['.']) {
      const place = path.resolve(this.#context.cwd, word);
      if (!isDirectory(place)) {
        if (rest.length > 0) fault('not a valid path', word);
        continue;
      }
      const link = `${place}/.git`;
      if (!fs.existsSync(link) || fs.statSync(link).isDirectory()) {
        if (rest.length > 0) fault('unable to locate repository; .git is not a file', place);
        continue;
      }
      const named = /^gitdir: (.*)/.exec(readText(link) ?? '')?.[1];
      const goes = named === undefined ? undefined : path.resolve(place, named);
      if (goes === undefined || !isDirectory(goes)) {
        if (rest.length > 0) fault('unable to locate repository; .git file broken', place);
        continue;
      }
      if (!goes.includes('/worktrees/')) {
        if (rest.length > 0) fault('.git file does not reference a repository', place);
        continue;
      }
      const file = readText(`${goes}/gitdir`)?.trim();
      const wrong =
        file === undefined
          ? 'gitdir unreadable'
          : path.resolve(goes, file) !== path.join(realPath(place), '.git')
            ? 'gitdir incorrect'
            : undefined;
      if (wrong === undefined) continue;
      linkBack(goes, realPath(place), values['relative-paths'] ?? linkedRelatively(goes));
      yield { text: `repair: ${wrong}: ${goes}/gitdir\n` };
    }
    return code;
  }
}

const quoteReason = (text: string): string =>
  /[\n"\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"` : text;

function isDirectory(name: string): boolean {
  return fs.statSync(name, { throwIfNoEntry: false })?.isDirectory() === true;
}

function realPath(name: string): string {
  try {
    return fs.realpathSync(name);
  } catch {
    return name;
  }
}
