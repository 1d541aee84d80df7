import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { parseCommit } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import { subjectLine } from '../porcelain/message.js';
import { treeOfCommit } from '../porcelain/switch-branch.js';
import type { PushOptions, StashEntry } from '../porcelain/stash.js';
import {
  applyStash,
  clearStashed,
  clearStashes,
  createStash,
  dropStash,
  everything,
  findStash,
  headIndex,
  storeStash,
  unstage,
} from '../porcelain/stash.js';
import type { PathspecItem } from '../repo/pathspec.js';
import { resolveKind, resolveRevision } from '../repo/revision.js';
import { porcelainRefusal } from '../worktree/switch-errors.js';
import type { WorkTree } from '../worktree/work-tree.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { parseOptions, UsageError } from './options.js';
import { DiffArguments } from './diff-options.js';
import { parseSubcommand, subcommandUsage } from './subcommand.js';
import { adviceOn, adviseSparse, openWorkTree, pathspecFileOptions, pathspecOf, pathspecWords } from './work-tree.js';
import { advanceOption, checkPatchOptions, hunkOptions, patchOptions, requirePatch } from './patch-options.js';

interface Line {
  readonly text: string;
}

const quiet = { quiet: { type: 'flag', short: 'q', help: 'be quiet' } } as const;
const pushOptions = {
  'keep-index': { type: 'flag', short: 'k', help: 'keep index' },
  staged: { type: 'flag', short: 'S', help: 'stash staged changes only' },
  patch: { type: 'flag', short: 'p', help: 'stash in patch mode' },
  ...advanceOption,
  ...hunkOptions,
  quiet: { type: 'flag', short: 'q', help: 'quiet mode' },
  'include-untracked': { type: 'flag', short: 'u', help: 'include untracked files in stash' },
  all: { type: 'flag', short: 'a', help: 'include ignore files' },
  message: { type: 'string', short: 'm', value: 'message', help: 'stash message' },
  ...pathspecFileOptions,
} as const;
const applyOptions = {
  ...quiet,
  index: { type: 'flag', help: 'attempt to recreate the index' },
  'label-ours': { type: 'string', value: 'label', help: 'label for the upstream side in conflict markers' },
  'label-theirs': { type: 'string', value: 'label', help: 'label for the stashed side in conflict markers' },
  'label-base': { type: 'string', value: 'label', help: 'label for the base in diff3 conflict markers' },
} as const;

const usages = {
  list: 'stash list [<log-options>]',
  show: 'stash show [-u | --include-untracked | --only-untracked] [<diff-options>] [<stash>]',
  drop: 'stash drop [-q | --quiet] [<stash>]',
  pop: 'stash pop [--index] [-q | --quiet] [<stash>]',
  apply:
    'stash apply [--index] [-q | --quiet] [--label-ours=<label>] [--label-theirs=<label>] [--label-base=<label>] [<stash>]',
  branch: 'stash branch <branchname> [<stash>]',
  push:
    'stash [push] [-p | --patch] [-S | --staged] [-k | --[no-]keep-index] [-q | --quiet]\n' +
    '          [-u | --include-untracked] [-a | --all] [(-m | --message) <message>]\n' +
    '          [--pathspec-from-file=<file> [--pathspec-file-nul]]\n' +
    '          [--] [<pathspec>...]',
  save:
    'stash save [-p | --patch] [-S | --staged] [-k | --[no-]keep-index] [-q | --quiet]\n' +
    '          [-u | --include-untracked] [-a | --all] [<message>]',
  clear: 'stash clear',
  create: 'stash create [<message>]',
  store: 'stash store [(-m | --message) <message>] [-q | --quiet] <commit>',
  export: 'stash export (--print | --to-ref <ref>) [<stash>...]',
  import: 'stash import <commit>',
} as const;

export const command = defineCommand({
  name: 'stash',
  summary: 'put changes aside and bring them back',
  usage: Object.values(usages),
  options: {},
  parsing: { none: true },
  async *run(context): AsyncGenerator<Line, number> {
    const [first, ...rest] = context.argv;
    if (first === '-h' && rest.length === 0) throw new UsageError('', { help: true });
    const verbs = [
      'apply',
      'clear',
      'drop',
      'pop',
      'branch',
      'list',
      'show',
      'store',
      'create',
      'push',
      'export',
      'import',
      'save',
    ];
    if (first !== undefined && verbs.includes(first)) {
      const tree = openWorkTree(context, { bareToo: !/^(apply|pop|branch|push|save|create)$/.test(first) });
      try {
        return yield* run(context, tree, first, rest);
      } finally {
        await tree.close();
      }
    }
    const tree = openWorkTree(context);
    try {
      // Without a verb it is a push; then words are only taken after `--`, lest a mistyped verb is a pathspec.
      const { values, rest: words, dashDash } = parseOptions(pushOptions, context.argv, { stopAtNonOption: true });
      if (words.length > 0 && dashDash !== 0 && values.patch !== true) {
        throw new GitError(
          'USAGE',
          `subcommand wasn't specified; 'push' can't be assumed due to unexpected token '${words[0]}'`,
        );
      }
      return yield* push(context, tree, values, words);
    } finally {
      await tree.close();
    }
  },
  render: ({ text }) => text,
});

/** git's own way to fail here: `error: …` and 1; without a message everything was said. */
class Failure extends Error {}

async function* run(
  context: CommandContext,
  tree: WorkTree,
  verb: string,
  argv: readonly string[],
): AsyncGenerator<Line, number> {
  try {
    switch (verb) {
      case 'push': {
        const parsed = parseSubcommand(context, [usages.push], pushOptions, argv, { keepDashDash: true });
        if (typeof parsed === 'number') return parsed;
        const { values, rest } = parsed;
        return yield* push(context, tree, values, rest[0] === '--' ? rest.slice(1) : rest);
      }
      case 'save': {
        const { 'pathspec-from-file': _, 'pathspec-file-nul': __, ...specs } = pushOptions;
        const parsed = parseSubcommand(context, [usages.save], specs, argv, { keepDashDash: true });
        if (typeof parsed === 'number') return parsed;
        const { values, rest } = parsed;
        checkPatchOptions(values, values.patch === true, '--patch');
        const message = rest.length > 0 ? rest.join(' ') : values.message;
        return yield* push(context, tree, { ...values, ...(message == null ? {} : { message }) }, []);
      }
      case 'create':
        return yield* create(context, tree, argv);
      case 'store':
        return await store(context, tree, argv);
      case 'list':
        return yield* list(context, tree, argv);
      case 'show':
        return await show(context, tree, argv);
      case 'apply':
      case 'pop': {
        const specs = verb === 'pop' ? { ...quiet, index: applyOptions.index } : applyOptions;
        const parsed = parseSubcommand(context, [usages[verb]], specs, argv);
        if (typeof parsed === 'number') return parsed;
        const { values, rest } = parsed;
        const entry = await find(context, tree, rest);
        if (verb === 'pop' && entry.index === undefined) throw new Failure(`'${entry.name}' is not a stash reference`);
        const wanted = values.index ?? tree.repository.config.getBool('stash.index', false);
        const code = await apply(context, tree, entry, wanted, values.quiet === true, values as Record<string, string>);
        if (verb === 'apply') return code;
        if (code !== 0) {
          context.print('The stash entry is kept in case you need it again.\n');
          return code;
        }
        return yield* drop(tree, entry, values.quiet === true);
      }
      case 'drop': {
        const parsed = parseSubcommand(context, [usages.drop], quiet, argv);
        if (typeof parsed === 'number') return parsed;
        const { values, rest } = parsed;
        const entry = await find(context, tree, rest);
        if (entry.index === undefined) throw new Failure(`'${entry.name}' is not a stash reference`);
        return yield* drop(tree, entry, values.quiet === true);
      }
      case 'clear': {
        const parsed = parseSubcommand(context, [usages.clear], {}, argv, { stopAtNonOption: true });
        if (typeof parsed === 'number') return parsed;
        if (parsed.rest.length > 0) throw new Failure('git stash clear with arguments is unimplemented');
        await clearStashes(tree.repository);
        return 0;
      }
      case 'branch':
        return yield* branch(context, tree, argv);
      default:
        return yield* transfer(context, tree, verb, argv);
    }
  } catch (error) {
    if (error instanceof Failure) {
      if (error.message !== '') context.error(error.message);
      return 1;
    }
    throw error;
  }
}

async function find(context: CommandContext, tree: WorkTree, rest: readonly string[]): Promise<StashEntry> {
  if (rest.length > 1) {
    context.printError(`Too many revisions specified:${rest.map((word) => ` '${word}'`).join('')}\n`);
    throw new Failure('');
  }
  try {
    return await findStash(tree.repository, rest[0]);
  } catch (error) {
    if (!(error instanceof GitError) || error.message.startsWith('log for')) throw error;
    if (error.message.endsWith('is not a stash-like commit')) throw error;
    if (error.message === 'No stash entries found.') {
      context.printError('No stash entries found.\n');
      throw new Failure('');
    }
    throw new Failure(error.message);
  }
}

type PushValues = {
  readonly 'keep-index'?: boolean;
  readonly staged?: boolean;
  readonly patch?: boolean;
  readonly quiet?: boolean;
  readonly 'include-untracked'?: boolean;
  readonly all?: boolean;
  readonly unified?: number | null;
  readonly 'inter-hunk-context'?: number | null;
  readonly 'auto-advance'?: boolean;
  readonly message?: string | null;
  readonly 'pathspec-from-file'?: string | null;
  readonly 'pathspec-file-nul'?: boolean;
};

async function* push(
  context: CommandContext,
  tree: WorkTree,
  values: PushValues,
  rest: readonly string[],
): AsyncGenerator<Line, number> {
  if (values.patch === true && values['pathspec-from-file'])
    throw new GitError('USAGE', "options '--pathspec-from-file' and '--patch' cannot be used together");
  const words = pathspecWords(context, values, rest);
  if (values.patch !== true) requirePatch(values, '--patch');
  checkPatchOptions(values, true);
  const untracked = values.all === true ? 'all' : values['include-untracked'] === true ? 'untracked' : 'no';
  if (values.staged === true && untracked !== 'no') {
    context.printError("Can't use --staged and --include-untracked or --all at the same time\n");
    return 1;
  }
  const options: PushOptions = {
    message: values.message ?? undefined,
    pathspec: words.length > 0 ? pathspecOf(context, tree, words) : everything(),
    limited: words.length > 0,
    untracked,
    keepIndex: values['keep-index'] === true,
    staged: values.staged === true,
  };
  tree.reloadIndex();
  if (options.limited && untracked === 'no') {
    for (const entry of tree.index.entries) options.pathspec.matches(entry.path);
    const missing = options.pathspec.unmatched({ exclusions: true });
    for (const item of missing)
      context.printError(
        `error: pathspec '${withPrefix(item, tree.repository.prefix.length)}' did not match any file(s) known to git\n`,
      );
    if (missing.length > 0) {
      context.printError("Did you forget to 'git add'?\n");
      return 1;
    }
  }
  let created: Awaited<ReturnType<typeof createStash>>;
  let choice: Choice | undefined;
  if (values.patch === true && untracked !== 'no') {
    context.printError("Can't use --patch and --include-untracked or --all at the same time\n");
    return 1;
  }
  const choose = async (): Promise<Oid<'tree'> | undefined> => {
    choice = await chooseHunks(context, tree, words, values);
    return choice?.tree;
  };
  try {
    created = await createStash(tree, { ...options, choose: values.patch === true ? choose : undefined });
  } catch (error) {
    return said(context, error, values.quiet === true);
  }
  if (created === undefined) {
    if (values.quiet !== true) yield { text: 'No local changes to save\n' };
    return 0;
  }
  await storeStash(tree.repository, created.commit, created.message);
  if (values.quiet !== true) yield { text: `Saved working directory and index state ${created.message}\n` };
  if (choice === undefined) {
    try {
      const sparse = await clearStashed(tree, created, options);
      if (sparse.length > 0) {
        adviseSparse(
          context,
          sparse.map((word) => `:(prefix:${tree.repository.prefix.length})${word}`),
        );
        return 1;
      }
    } catch (error) {
      return said(context, error, values.quiet === true);
    }
  } else {
    tree.reloadIndex();
    if (!(await choice.takeOut())) {
      context.printError('Cannot remove worktree changes\n');
      return 1;
    }
    if (values['keep-index'] === false) await unstage(tree, options.pathspec);
  }
  return 0;
}

interface Choice {
  /** HEAD with the chosen hunks. */
  readonly tree: Oid<'tree'>;
  /** Takes them out of the files. Answers whether that went well. */
  readonly takeOut: () => Promise<boolean>;
}

/** A word of a pathspec as it is handed on with the folder that it was said in. */
function withPrefix(item: PathspecItem, length: number): string {
  // What stands in for everything where all words leave out.
  if (item.original === '.' && item.match === '' && item.literal) return '.';
  const long = /^:\(([^)]*)\)/.exec(item.original);
  const magic = [
    ...(long !== null && long[1] !== '' ? [long[1]!] : []),
    ...(long === null && item.top ? ['top'] : []),
    ...(long === null && item.exclude ? ['exclude'] : []),
    `prefix:${length}`,
  ];
  return `:(${magic.join(',')})${item.match}`;
}

/** Asks which hunks to stash; `undefined`: none. */
async function chooseHunks(
  context: CommandContext,
  tree: WorkTree,
  words: readonly string[],
  values: PushValues,
): Promise<Choice | undefined> {
  const { PatchSession, stashMode } = await import('./add-patch.js');
  const { writeIndexTree } = await import('../worktree/write-tree.js');
  const { repository } = tree;
  const indexFile = repository.path('index.stash');
  const side = await headIndex(tree, indexFile);
  try {
    const session = new PatchSession(context, side, stashMode, { ...patchOptions(values), indexFile });
    await session.run(words);
    const chosen = await writeIndexTree(side.index, repository.objects, {});
    const head = await treeOfCommit(repository, (await repository.refs.resolve('HEAD')) as Oid<'commit'>);
    if (chosen === head) return undefined;
    return {
      tree: chosen,
      takeOut: () => session.takeOut(tree),
    };
  } finally {
    tree.fs.remove(indexFile);
  }
}

/** Failures of the library that git tells in its own way. */
function said(context: CommandContext, error: unknown, beQuiet: boolean): number {
  if (!(error instanceof GitError)) throw error;
  if (error.code === 'LOCKED') {
    context.error(error.message);
    context.error('could not write index');
    return 1;
  }
  if (error.message === 'You do not have the initial commit yet') {
    if (!beQuiet) context.printError('You do not have the initial commit yet\n');
    return 1;
  }
  if (error.data['kind'] === 'unmerged') {
    context.print(String(error.data['told']));
    context.error(error.message);
    return 1;
  }
  const lines = error.data['lines'];
  if (beQuiet && error.data['kind'] === 'nothing staged') return 1;
  if (typeof lines !== 'string') throw error;
  context.printError(lines);
  if (!beQuiet) context.printError(`${error.message}\n`);
  return 1;
}

async function* create(context: CommandContext, tree: WorkTree, argv: readonly string[]): AsyncGenerator<Line, number> {
  tree.reloadIndex();
  try {
    const created = await createStash(tree, {
      message: argv.join(' '),
      pathspec: everything(),
      limited: false,
      untracked: 'no',
      keepIndex: false,
      staged: false,
    });
    if (created !== undefined) yield { text: `${created.commit}\n` };
    return 0;
  } catch (error) {
    if (error instanceof GitError && error.message === 'You do not have the initial commit yet') {
      context.printError(`${error.message}\n`);
      return 1;
    }
    if (error instanceof GitError && error.data['kind'] === 'unmerged') {
      context.print(String(error.data['told']));
      for (const { stage, path, oid } of tree.index.entries) {
        if (stage !== 0) context.printError(`${path}: unmerged (${oid})\n`);
      }
      context.printError('Cannot save the current index state\n');
      return 1;
    }
    return said(context, error, false);
  }
}

async function store(context: CommandContext, tree: WorkTree, argv: readonly string[]): Promise<number> {
  const parsed = parseSubcommand(context, [usages.store], { ...quiet, message: pushOptions.message }, argv, {
    keepUnknown: true,
  });
  if (typeof parsed === 'number') return parsed;
  const { values, rest } = parsed;
  if (rest.length !== 1) {
    if (values.quiet !== true) context.printError('"git stash store" requires one <commit> argument\n');
    return 1;
  }
  const oid = await resolveRevision(tree.repository, rest[0]!);
  if (oid === undefined) {
    if (values.quiet !== true) context.printError(`Cannot update refs/stash with ${rest[0]}\n`);
    return 1;
  }
  const object = await tree.repository.objects.read(oid);
  const commit = object?.kind === 'commit' ? parseCommit(object.data) : undefined;
  if (commit === undefined || commit.parents.length < 2 || commit.parents.length > 3) {
    throw new GitError('USAGE', `'${oid}' is not a stash-like commit`);
  }
  await storeStash(tree.repository, oid as Oid<'commit'>, values.message ?? 'Created via "git stash store".');
  return 0;
}

async function* list(context: CommandContext, tree: WorkTree, argv: readonly string[]): AsyncGenerator<Line, number> {
  const { repository } = tree;
  if (argv.includes('-h')) {
    return subcommandUsage(context, [usages.list], {}, new UsageError('', { help: true }));
  }
  if ((await repository.refs.resolve('refs/stash')) === undefined) return 0;
  context.startPager(true);
  if (argv.length > 0) {
    const words = argv.filter((word) => word !== '--');
    const log = ['--format=%gd: %gs', '-g', '--first-parent', ...words, 'refs/stash', '--'];
    return (await context.runCommand('log', log)) === 0 ? 0 : 1;
  }
  const log = (await repository.refs.reflog('refs/stash')) ?? [];
  const date = repository.config.get('log.date');
  if (date !== undefined)
    return context.runCommand('log', ['--format=%gd: %gs', '-g', '--first-parent', 'refs/stash', '--']);
  for (let i = log.length - 1; i >= 0; i--) yield { text: `stash@{${log.length - 1 - i}}: ${log[i]!.message}\n` };
  return 0;
}

async function show(context: CommandContext, tree: WorkTree, argv: readonly string[]): Promise<number> {
  const { config, objects } = tree.repository;
  const words: string[] = [];
  const diff: string[] = [];
  let untracked: 'no' | 'include' | 'only' = config.getBool('stash.showincludeuntracked', false) ? 'include' : 'no';
  const known = new DiffArguments();
  if (argv.includes('-h')) return subcommandUsage(context, [usages.show], {}, new UsageError('', { help: true }));
  let bad = false;
  for (let i = 0; i < argv.length; ) {
    const word = argv[i]!;
    let taken = 1;
    if (word === '-u' || word === '--include-untracked') untracked = 'include';
    else if (word === '--only-untracked') untracked = 'only';
    else if (word === '--no-include-untracked' || word === '--no-only-untracked') untracked = 'no';
    else if (word.startsWith('-') && word !== '--') {
      taken = known.take(argv, i);
      if (taken === 0) {
        bad = true;
        taken = 1;
      }
      diff.push(...argv.slice(i, i + taken));
    } else if (word !== '--') words.push(word);
    i += taken;
  }
  const entry = await find(context, tree, words);
  if (bad) return subcommandUsage(context, [usages.show], {});
  if (diff.length === 0) {
    const stat = config.getBool('stash.showstat', true);
    const patch = config.getBool('stash.showpatch', false);
    if (stat) diff.push('--stat');
    if (patch) diff.push('-p');
    if (!stat && !patch) return 0;
  } else if (
    diff.every(
      (word) =>
        !/^-(p|u|s|-patch|-stat|-numstat|-shortstat|-raw|-name-only|-name-status|-summary|-dirstat|-no-patch|U|W)/.test(
          word,
        ),
    )
  ) {
    diff.push('-p');
  }
  let from: Oid = entry.baseTree;
  let to: Oid = entry.tree;
  if (untracked !== 'no') {
    const { emptyTreeOid } = await import('../base/oid.js');
    if (untracked === 'only') {
      from = emptyTreeOid(tree.repository.objectFormat);
      to = entry.untrackedTree ?? from;
    } else if (entry.untrackedTree !== undefined) {
      const { readTreeEntries, writeIndexTree } = await import('../worktree/write-tree.js');
      const { Index } = await import('../worktree/index-file.js');
      const { MemoryObjectStore } = await import('../objects/memory.js');
      const index = new Index(tree.repository.objectFormat);
      index.setEntries(await readTreeEntries(objects, entry.tree));
      const extra = await readTreeEntries(objects, entry.untrackedTree);
      const clash = extra
        .flatMap(({ path }) => [...path.matchAll(/\/|$/g)].map((end) => path.slice(0, end.index)))
        .find((path) => index.has(path));
      if (clash !== undefined) {
        context.error(`worktree and untracked commit have duplicate entries: ${clash}`);
        throw new GitError('USAGE', 'failed to unpack trees');
      }
      index.addAll(extra);
      // Shown, and never seen again.
      const made = new MemoryObjectStore(objects.algorithm, tree.repository.platform, objects);
      to = await writeIndexTree(index, made, {});
      const shown = new MemoryObjectStore(objects.algorithm, tree.repository.platform);
      for (const [oid, object] of made.objects) shown.objects.set(oid, object);
      objects.addSource(shown);
    }
  }
  return context.runCommand('diff', [...diff, from, to]);
}

async function apply(
  context: CommandContext,
  tree: WorkTree,
  entry: StashEntry,
  withIndex: boolean,
  beQuiet: boolean,
  values: Readonly<Record<string, string | null | undefined>>,
): Promise<number> {
  let applied: Awaited<ReturnType<typeof applyStash>>;
  try {
    applied = await applyStash(tree, entry, withIndex, {
      ours: values['label-ours'] ?? undefined,
      theirs: values['label-theirs'] ?? undefined,
      base: values['label-base'] ?? undefined,
    });
  } catch (error) {
    if (error instanceof GitError && error.message.startsWith('conflicts in index')) {
      context.printError(String(error.data['preface'] ?? ''));
      context.error(error.message);
      return 1;
    }
    return said(context, error, beQuiet);
  }
  if (applied.status === 'unstaged') {
    const names = applied.lost.join(' ');
    context.error(`Your local changes to the following files would be overwritten by merge:\n  ${names}`);
    if (withIndex) context.printError('Index was not unstashed.\n');
    tellKept(context, applied.kept);
    if (!beQuiet) await context.runCommand('status', []);
    return 1;
  }
  if (applied.status === 'refused') {
    for (const refusal of applied.refusals)
      context.error(porcelainRefusal(refusal, 'merge', adviceOn(context, 'commitBeforeMerge')));
    context.printError('Aborting\n');
    if (withIndex) context.printError('Index was not unstashed.\n');
    tellKept(context, applied.kept);
    if (!beQuiet) await context.runCommand('status', []);
    return 1;
  }
  // That nothing had to be done is said even where quiet was asked for, as git does.
  for (const { from, to } of applied.moved)
    context.print(
      `WARNING: Untracked file in way of tracked file!  Renaming\n            ${from} -> ${to}\n         to make room.\n`,
    );
  for (const message of applied.messages)
    if (!beQuiet || message === 'Already up to date.') context.print(`${message}\n`);
  const conflicted = applied.status === 'conflicted';
  if (conflicted && withIndex) context.printError('Index was not unstashed.\n');
  tellKept(context, applied.kept);
  if (!beQuiet) await context.runCommand('status', []);
  return conflicted || applied.kept.length > 0 ? 1 : 0;
}

/** Untracked files of the stash that could not come back, because something is there. */
function tellKept(context: CommandContext, kept: readonly string[]): void {
  if (kept.length === 0) return;
  context.printError(kept.join(''));
  context.error('could not restore untracked files from stash');
}

async function* drop(tree: WorkTree, entry: StashEntry, beQuiet: boolean): AsyncGenerator<Line, number> {
  await dropStash(tree.repository, entry);
  if (!beQuiet) yield { text: `Dropped ${entry.name} (${entry.commit})\n` };
  return 0;
}

async function* branch(context: CommandContext, tree: WorkTree, argv: readonly string[]): AsyncGenerator<Line, number> {
  const parsed = parseSubcommand(context, [usages.branch], {}, argv);
  if (typeof parsed === 'number') return parsed;
  const [name, ...rest] = parsed.rest;
  if (name === undefined) {
    context.printError('No branch name specified\n');
    return 1;
  }
  const entry = await find(context, tree, rest);
  const code = await context.runCommand('checkout', ['-b', name, entry.base]);
  if (code !== 0) return code;
  const fresh = openWorkTree(context);
  const applied = await apply(context, fresh, entry, true, false, {});
  if (applied !== 0 || entry.index === undefined) return applied;
  return yield* drop(tree, entry, false);
}

/** `export` makes a chain of commits of the list, `import` puts such a chain back. */
async function* transfer(
  context: CommandContext,
  tree: WorkTree,
  verb: string,
  argv: readonly string[],
): AsyncGenerator<Line, number> {
  const { repository } = tree;
  const { writeCommit } = await import('../porcelain/commit.js');
  const { emptyTreeOid } = await import('../base/oid.js');
  const nobody = { name: 'git stash', email: 'git@stash', seconds: 1000684800, zone: '+0000' };
  if (verb === 'export') {
    const parsed = parseSubcommand(
      context,
      [usages.export],
      {
        print: { type: 'flag', negatable: false, help: 'print the object ID' },
        'to-ref': { type: 'string', value: 'ref', help: 'save the data to the given ref' },
      },
      argv,
      { keepDashDash: true },
    );
    if (typeof parsed === 'number') return parsed;
    const { values, rest } = parsed;
    if ((values.print === true) === (values['to-ref'] != null))
      throw new Failure('exactly one of --print and --to-ref is required');
    let previous = await writeCommit(repository, {
      tree: emptyTreeOid(repository.objectFormat),
      parents: [],
      author: nobody,
      committer: nobody,
      message: '',
    });
    const log = (await repository.refs.reflog('refs/stash')) ?? [];
    const names = rest.length > 0 ? rest : log.map((_, i) => `refs/stash@{${i}}`);
    const entries: StashEntry[] = [];
    for (const name of names) {
      entries.push(
        await findStash(repository, name).catch(() => {
          throw new Failure(`unable to find stash entry ${name}`);
        }),
      );
    }
    for (const entry of entries.reverse()) {
      const commit = parseCommit(await readKind(repository.objects, entry.commit, 'commit'));
      previous = await writeCommit(repository, {
        tree: emptyTreeOid(repository.objectFormat),
        parents: [previous, entry.commit],
        author: commit.author,
        committer: commit.committer,
        message: `git stash: ${commit.message.replace(/\n?$/, '\n')}`,
      });
    }
    if (values.print === true) yield { text: `${previous}\n` };
    else {
      const result = await repository.refs.update([{ name: values['to-ref']!, to: previous, reason: 'stash export' }]);
      if (!result.ok) throw new Failure(result.message);
    }
    return 0;
  }
  const parsed = parseSubcommand(context, [usages.import], {}, argv);
  if (typeof parsed === 'number') return parsed;
  const { rest } = parsed;
  if (rest.length !== 1)
    return subcommandUsage(context, [usages.import], {}, new UsageError('a revision is required', { fatal: true }));
  let at = await resolveKind(repository, rest[0]!, 'commit');
  if (at === undefined) throw new Failure(`not a valid revision: ${rest[0]}`);
  const found: Oid<'commit'>[] = [];
  for (;;) {
    const commit = parseCommit(await readKind(repository.objects, at, 'commit'));
    if (commit.parents.length === 0) {
      const { author, committer } = commit;
      const made = [author, committer].every(
        (person) => person.name === nobody.name && person.email === nobody.email && person.seconds === nobody.seconds,
      );
      if (!made || commit.tree !== emptyTreeOid(repository.objectFormat) || commit.message !== '')
        throw new Failure(`found root commit ${at} with invalid data`);
      break;
    }
    if (commit.parents.length !== 2) throw new Failure(`${at} is not a valid exported stash commit`);
    if (!commit.message.startsWith('git stash: '))
      throw new Failure(`found stash commit ${at} without expected prefix`);
    found.push(commit.parents[1]!);
    at = commit.parents[0]!;
  }
  for (const oid of found.reverse()) {
    const { message } = parseCommit(await readKind(repository.objects, oid, 'commit'));
    await storeStash(repository, oid, subjectLine(message));
  }
  return 0;
}
