import { isPromise } from '../base/awaitable.js';
import { GitError, isGitError } from '../base/errors.js';
import { isOid, type Oid } from '../base/oid.js';
import type { CommitGraph } from '../history/commit-graph.js';
import { openCommitGraph, readChain } from '../history/commit-graph.js';
import { verifyCommitGraph } from '../history/commit-graph-verify.js';
import { writeCommitGraph } from '../history/commit-graph-write.js';
import { parseTag } from '../objects/tag.js';
import { shallowGrafts } from '../porcelain/pack-selection.js';
import { parseExpiryDate } from '../repo/date-approx.js';
import { resolvePath } from '../repo/paths.js';
import type { Repository } from '../repo/repository.js';
import type { CommandContext } from './command.js';
import { defineCommand, renderText } from './command.js';
import { noSubcommand, parseSubcommand, subcommandUsage } from './subcommand.js';

const verifyUsage = ['commit-graph verify [--object-dir <dir>] [--shallow] [--[no-]progress]'];
const writeUsage = [
  'commit-graph write [--object-dir <dir>] [--append]\n                       [--split[=<strategy>]] [--reachable | --stdin-packs | --stdin-commits]\n                       [--changed-paths] [--[no-]max-new-filters <n>] [--[no-]progress]\n                       <split-options>',
];
const common = {
  'object-dir': { type: 'string', value: 'dir', help: 'the object directory to store the graph' },
} as const;
const verifyOptions = {
  ...common,
  shallow: { type: 'flag', help: 'if the commit-graph is split, only verify the tip file' },
  progress: { type: 'flag', help: 'force progress reporting' },
} as const;
const writeOptions = {
  ...common,
  reachable: { type: 'flag', help: 'start walk at all refs' },
  'stdin-packs': { type: 'flag', help: 'scan pack-indexes listed by stdin for commits' },
  'stdin-commits': { type: 'flag', help: 'start walk at commits listed by stdin' },
  append: { type: 'flag', help: 'include all commits already in the commit-graph file' },
  'changed-paths': { type: 'flag', help: 'enable computation for changed paths' },
  split: {
    type: 'optional',
    value: '',
    implied: '',
    help: 'allow writing an incremental commit-graph file',
    negatable: false,
  },
  'max-commits': { type: 'number', value: 'n', help: 'maximum number of commits in a non-base split commit-graph' },
  'size-multiple': { type: 'number', value: 'n', help: 'maximum ratio between two levels of a split commit-graph' },
  'expire-time': { type: 'string', value: 'expiry-date', help: 'only expire files older than a given date-time' },
  'max-new-filters': { type: 'number', value: '', help: 'maximum number of changed-path Bloom filters to compute' },
  progress: { type: 'flag', help: 'force progress reporting' },
} as const;

export const command = defineCommand({
  name: 'commit-graph',
  summary: 'Write and verify Git commit-graph files',
  usage: [...verifyUsage, ...writeUsage],
  options: common,
  parsing: { stopAtNonOption: true },
  // biome-ignore lint/correctness/useYield: all it says goes to stderr
  async *run(context, args): AsyncGenerator<{ readonly text: string }, number | undefined> {
    const [name, ...words] = args.rest;
    const directory = args.values['object-dir'] ?? undefined;
    if (name === 'verify') return await runVerify(context, words, directory);
    if (name === 'write') return await runWrite(context, words, directory);
    throw noSubcommand(name);
  },
  render: renderText,
});

/** The object directory named, which must be the repository's or an alternate of it. */
function objectDirectory(context: CommandContext, repository: Repository, named: string | undefined): string {
  if (named === undefined) return repository.objectsDirectory;
  const { fs } = context.platform;
  const real = (path: string): string => fs.realPath(path) ?? path;
  const wanted = real(resolvePath(context.cwd, named));
  for (const { path } of repository.objectDirectories) if (real(path) === wanted) return path;
  throw new GitError('PATH_MISSING', `could not find object directory matching ${named}`);
}

async function runWrite(context: CommandContext, words: readonly string[], early: string | undefined): Promise<number> {
  const parsed = parseSubcommand(context, writeUsage, writeOptions, words);
  if (typeof parsed === 'number') return parsed;
  const { values, rest } = parsed;
  if (rest.length > 0) return subcommandUsage(context, writeUsage, writeOptions);
  const repository = context.repository();
  const { config } = repository;
  const sources = [values.reachable, values['stdin-packs'], values['stdin-commits']].filter((each) => each === true);
  if (sources.length > 1) {
    throw new GitError('USAGE', 'use at most one of --reachable, --stdin-commits, or --stdin-packs');
  }
  const split = values.split;
  if (split !== undefined && split !== null && !['', 'no-merge', 'replace'].includes(split)) {
    throw new GitError('USAGE', `unrecognized --split argument, ${split}`);
  }
  const directory = objectDirectory(context, repository, values['object-dir'] ?? early);
  if (!config.getBool('core.commitgraph', true)) {
    context.warning("attempting to write a commit-graph, but 'core.commitGraph' is disabled");
    return 0;
  }
  if (!graphsAllowed(repository)) return 0;
  const changedPathsVersion = config.getInt('commitgraph.changedpathsversion', -1);
  if (changedPathsVersion < -1 || changedPathsVersion > 2) {
    context.warning(
      `attempting to write a commit-graph, but 'commitGraph.changedPathsVersion' (${changedPathsVersion}) is not supported`,
    );
    return 0;
  }
  const alternates = repository.objectDirectories.slice(1).map(({ path }) => path);
  const open = (path: string): CommitGraph | undefined =>
    openCommitGraph(context.platform.fs, path, repository.objectFormat, {
      problem: (error) => context.warning(error.message),
      warn: (message) => context.warning(message),
      alternates,
    });
  let current = open(directory);
  // A chain may build on the layers of an alternate.
  if (current === undefined && split !== undefined && split !== 'replace') {
    for (const path of alternates) {
      if (readChain(context.platform.fs, path).length > 0) current ??= open(path);
    }
  }
  const tips = new Set<Oid>();
  const shown = values.progress === true || (values.progress === undefined && context.io.stderr.isTerminal);
  const bars = progressBars(context, shown);
  // The graph tells of the objects as they are.
  repository.objects.replacement = undefined;
  if (values['stdin-commits'] === true) {
    for (const line of context.io.stdin.lines()) {
      bars.show('Collecting commits from input', tips.size + 1, 0);
      if (!isOid(line.toLowerCase()) || line.length !== repository.oidLength * 2) {
        context.error(`unexpected non-hex object ID: ${line}`);
        return 1;
      }
      const oid = await peelToCommit(repository, line.toLowerCase() as Oid);
      if (oid === undefined) {
        context.error(`invalid object: ${line}`);
        return 1;
      }
      if (oid !== null) tips.add(oid);
    }
  } else if (values['stdin-packs'] === true) {
    for (const line of context.io.stdin.lines()) {
      const pack = repository.objectDirectories[0]!.packs.packs().find((each) =>
        each.index.path.endsWith(`/${line.replace(/\.pack$/, '.idx')}`),
      );
      if (pack === undefined) {
        context.error(`error adding pack ${directory}/pack/${line}`);
        return 1;
      }
      for (const row of pack.index.packOrder) {
        if (pack.readHeader(pack.index.offsetAt(row)).kind === 'commit') tips.add(pack.index.oidAt(row));
      }
    }
  } else if (values.reachable === true) {
    for await (const ref of repository.refs.list('refs/')) {
      const oid = ref.peeled ?? (await peelToCommit(repository, ref.oid));
      if (oid === undefined || oid === null) continue;
      bars.show('Collecting referenced commits', tips.size + 1, 0);
      if ((await repository.objects.readHeader(oid))?.kind === 'commit') tips.add(oid);
    }
  } else {
    for (const { packs } of repository.objectDirectories) {
      for (const pack of packs.packs()) {
        for (const row of pack.index.packOrder) {
          if (pack.readHeader(pack.index.offsetAt(row)).kind === 'commit') tips.add(pack.index.oidAt(row));
        }
      }
    }
  }
  const expire = values['expire-time'];
  const changed =
    values['changed-paths'] ?? (config.getBool('commitgraph.changedpaths') === true || (current?.hasFilters ?? false));
  try {
    await writeCommitGraph(tips, {
      platform: context.platform,
      algorithm: repository.objectFormat,
      objects: repository.objects,
      objectsDirectory: directory,
      current,
      split:
        split === undefined || split === null ? 'none' : split === '' ? 'merge' : (split as 'no-merge' | 'replace'),
      sizeMultiple: values['size-multiple'] ?? 2,
      maxCommits: values['max-commits'] ?? 0,
      ...(expire === undefined || expire === null
        ? {}
        : { expireBefore: parseExpiryDate(expire, repository.clock) ?? Number.POSITIVE_INFINITY }),
      append: values.append === true,
      changedPaths: changed,
      bloom: {
        version: bloomVersion(changedPathsVersion, current?.bloomSettings?.version),
        ...testSetting(context, 'hashes', 'NUM_HASHES'),
        ...testSetting(context, 'bitsPerEntry', 'BITS_PER_ENTRY'),
      },
      ...testSetting(context, 'mostPaths', 'MAX_CHANGED_PATHS'),
      maxNewFilters: values['max-new-filters'] ?? config.getInt('commitgraph.maxnewfilters', -1),
      generationVersion: config.getInt('commitgraph.generationversion', 2),
      sync: repository.syncs('commit-graph'),
      progress: shown ? bars.show : undefined,
    });
    bars.show('Writing out commit graph', tips.size, tips.size);
  } catch (error) {
    if (!isGitError(error, 'OBJECT_MISSING')) throw error;
    context.error(error.message);
    return 1;
  } finally {
    bars.done();
    current?.close();
  }
  return 0;
}

/** The steps of a write, one bar after the other. */
function progressBars(context: CommandContext, shown: boolean) {
  let title = '';
  let bar: ReturnType<CommandContext['progress']> | undefined;
  const done = (): void => {
    bar?.done();
    bar = undefined;
    title = '';
  };
  const show = (next: string, count: number, total: number): void => {
    if (!shown) return;
    if (next !== title) {
      done();
      title = next;
      bar = context.progress(next, { force: true });
    }
    bar!.update(count, total === 0 ? undefined : total);
  };
  return { show, done };
}

/** git's own tests make filters of other shapes with these variables. */
function testSetting<Name extends string>(context: CommandContext, name: Name, variable: string) {
  const value = context.env[`GIT_TEST_BLOOM_SETTINGS_${variable}`];
  return (value === undefined ? {} : { [name]: Number(value) }) as { [Key in Name]?: number };
}

const bloomVersion = (configured: number, current: number | undefined): number =>
  configured === 2 || (configured === -1 && current === 2) ? 2 : 1;

/** Graphs tell of the true history: one that is changed by grafts or shallow edges has none. */
function graphsAllowed(repository: Repository): boolean {
  const { fs } = repository.platform;
  if (!repository.config.getBool('core.commitgraph', true)) return true;
  if (shallowGrafts(repository).size > 0) return false;
  if (fs.lstat(repository.path('info/grafts')) !== undefined) return false;
  return true;
}

/** The commit that an object leads to; `null` for one that leads to none, `undefined` for a missing one. */
async function peelToCommit(repository: Repository, oid: Oid): Promise<Oid | null | undefined> {
  for (let at = oid; ; ) {
    const read = repository.objects.read(at);
    const object = isPromise(read) ? await read : read;
    if (object === undefined) return undefined;
    if (object.kind === 'commit') return at;
    if (object.kind !== 'tag') return null;
    at = parseTag(object.data).target;
  }
}

async function runVerify(
  context: CommandContext,
  words: readonly string[],
  early: string | undefined,
): Promise<number> {
  const parsed = parseSubcommand(context, verifyUsage, verifyOptions, words);
  if (typeof parsed === 'number') return parsed;
  const { values, rest } = parsed;
  if (rest.length > 0) return subcommandUsage(context, verifyUsage, verifyOptions);
  const repository = context.repository();
  repository.objects.replacement = undefined;
  const directory = objectDirectory(context, repository, values['object-dir'] ?? early);
  let failed = false;
  let incomplete = false;
  const graph = openCommitGraph(context.platform.fs, directory, repository.objectFormat, {
    problem: (error) => {
      failed = true;
      context.error(error.message);
    },
    warn: (message) => {
      if (!message.startsWith('disabling ')) failed = incomplete = true;
      context.warning(message);
    },
    alternates: repository.objectDirectories.slice(1).map(({ path }) => path),
  });
  if (graph === undefined) return failed ? 1 : 0;
  try {
    const layers = values.shallow === true ? graph.layers.slice(-1) : graph.layers;
    const total = layers.reduce((sum, layer) => sum + layer.count, 0);
    const shown = values.progress === true || (values.progress === undefined && context.io.stderr.isTerminal);
    const bar = shown
      ? context.progress('Verifying commits in commit graph', values.progress === true ? { force: true, delay: 0 } : {})
      : undefined;
    const good = await verifyCommitGraph(graph, layers, {
      platform: context.platform,
      algorithm: repository.objectFormat,
      objects: repository.objects,
      fault: (message) => context.printError(`${message}\n`),
      looked: bar && ((done) => bar.update(done, total)),
    });
    bar?.update(total, total);
    bar?.done();
    if (incomplete) context.error('one or more commit-graph chain files could not be loaded');
    return good && !failed ? 0 : 1;
  } finally {
    graph.close();
  }
}
