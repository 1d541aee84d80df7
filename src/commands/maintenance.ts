import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { LockFile } from '../platform/lock.js';
import { parseConfigFile } from '../repo/config-file.js';
import { parseExpiryDate } from '../repo/date-approx.js';
import { resolvePath } from '../repo/paths.js';
import type { Repository } from '../repo/repository.js';
import type { CommandContext } from './command.js';
import { lockReason, prunable } from './worktree-files.js';
import { defineCommand, renderText } from './command.js';
import { autoNeed } from './auto-maintenance.js';
import { expiresReflogs, packsRefs } from './gc.js';
import { runInner } from './inner.js';
import { UsageError } from './options.js';
import { command as packObjects } from './pack-objects.js';
import { rollUp } from './repack.js';
import { noSubcommand, parseSubcommand, subcommandUsage } from './subcommand.js';
import { startDetached } from './background.js';
import { table } from './table.js';

const runUsage = ['maintenance run [--auto] [--[no-]quiet] [--task=<task>] [--schedule]'];
const runOptions = {
  auto: { type: 'flag', help: 'run tasks based on the state of the repository' },
  detach: { type: 'flag', help: 'perform maintenance in the background' },
  schedule: { type: 'string', value: 'frequency', help: 'run tasks based on frequency' },
  quiet: { type: 'flag', help: 'do not report progress or other information over stderr' },
  task: { type: 'list', value: 'task', help: 'run a specific task', negatable: false },
} as const;
const neededUsage = ['maintenance is-needed [--task=<task>] [--schedule]'];
const neededOptions = {
  auto: { type: 'flag', help: 'run tasks based on the state of the repository' },
  task: { type: 'list', value: 'task', help: 'check a specific task', negatable: false },
} as const;
const registerOptions = {
  'config-file': { type: 'string', value: 'path', help: 'use given config file' },
} as const;
const unregisterOptions = {
  ...registerOptions,
  force: { rarelyMeant: true, type: 'flag', help: 'return success even if repository was not registered' },
} as const;

const taskNames = [
  'prefetch',
  'loose-objects',
  'incremental-repack',
  'geometric-repack',
  'gc',
  'commit-graph',
  'pack-refs',
  'reflog-expire',
  'worktree-prune',
  'rerere-gc',
] as const;
type TaskName = (typeof taskNames)[number];
const frequencies = ['hourly', 'daily', 'weekly'];

/** What each strategy runs by hand, and how often by schedule. */
const strategies: Readonly<
  Record<string, { manual: readonly TaskName[]; schedule: Partial<Record<TaskName, string>> }>
> = {
  none: { manual: [], schedule: {} },
  gc: { manual: ['gc'], schedule: { gc: 'daily' } },
  incremental: {
    manual: ['gc'],
    schedule: {
      'commit-graph': 'hourly',
      prefetch: 'hourly',
      'incremental-repack': 'daily',
      'loose-objects': 'daily',
      'pack-refs': 'weekly',
    },
  },
  geometric: {
    manual: ['commit-graph', 'geometric-repack', 'pack-refs', 'rerere-gc', 'reflog-expire', 'worktree-prune'],
    schedule: {
      'commit-graph': 'hourly',
      'geometric-repack': 'daily',
      'pack-refs': 'daily',
      'rerere-gc': 'weekly',
      'reflog-expire': 'weekly',
      'worktree-prune': 'weekly',
    },
  },
};

interface Tasks {
  readonly context: CommandContext;
  readonly repository: Repository;
  readonly quiet: boolean;
  readonly auto: boolean;
}

async function runOr(tasks: Tasks, name: string, argv: readonly string[]): Promise<boolean> {
  if (!(name in table)) return true;
  return (await tasks.context.runCommand(name, argv)) === 0;
}

const looseCount = (repository: Repository, limit: number): number => {
  let count = 0;
  for (const _ of repository.objectDirectories[0]!.loose.list()) if (++count >= limit) break;
  return count;
};

/** Whether a task is due by itself (`--auto`). */
async function isDue(tasks: Tasks, name: TaskName): Promise<boolean> {
  const { repository } = tasks;
  const { config, platform } = repository;
  const limit = (fallback: number): number => config.getInt(`maintenance.${name}.auto`, fallback);
  switch (name) {
    case 'gc':
      return autoNeed(repository) !== 'nothing';
    case 'commit-graph': {
      const wanted = limit(100);
      if (wanted <= 0) return wanted < 0;
      const graph = repository.commitGraph;
      let count = 0;
      const seen = new Set<string>();
      const queue: string[] = [];
      for await (const ref of repository.refs.list('refs/')) queue.push(ref.peeled ?? ref.oid);
      while (queue.length > 0) {
        const oid = queue.pop()!;
        if (seen.has(oid) || (graph !== undefined && graph.find(oid as never) >= 0)) continue;
        seen.add(oid);
        const object = await repository.objects.read(oid as never);
        if (object?.kind !== 'commit') continue;
        if (++count >= wanted) return true;
        for (const match of decodeText(object.data).matchAll(/^parent ([0-9a-f]+)$/gm)) queue.push(match[1]!);
      }
      return false;
    }
    case 'loose-objects': {
      const wanted = limit(100);
      if (wanted <= 0) return wanted < 0;
      return looseCount(repository, wanted) >= wanted;
    }
    case 'incremental-repack': {
      if (!config.getBool('core.multipackindex', true)) return false;
      const wanted = limit(10);
      if (wanted <= 0) return wanted < 0;
      const { packs } = repository.objectDirectories[0]!;
      const inMidx = new Set(packs.multiPackIndexes.flatMap((midx) => midx.packNames));
      return (
        packs.packs().filter((pack) => !inMidx.has(pack.index.path.slice(pack.index.path.lastIndexOf('/') + 1)))
          .length >= wanted
      );
    }
    case 'geometric-repack': {
      const wanted = limit(100);
      if (wanted <= 0) return wanted < 0;
      const factor = config.getInt('maintenance.geometric-repack.splitfactor', 2);
      const packs = repository.objectDirectories[0]!.packs.packs().filter((pack) =>
        ['.keep', '.mtimes', '.promisor'].every(
          (end) => platform.fs.lstat(pack.path.replace(/\.pack$/, end)) === undefined,
        ),
      );
      if (
        rollUp(
          packs.map((pack) => ({ pack })),
          factor,
        ).length > 0
      )
        return true;
      return looseCount(repository, wanted) >= wanted;
    }
    case 'rerere-gc':
      return (
        limit(1) !== 0 &&
        (limit(1) < 0 || (platform.fs.readDirectory(`${repository.commonDir}/rr-cache`)?.length ?? 0) > 0)
      );
    case 'worktree-prune': {
      const wanted = limit(1);
      if (wanted <= 0) return wanted < 0;
      const word = config.get('gc.worktreepruneexpire') ?? '3.months.ago';
      const expiry = parseExpiryDate(word, repository.clock);
      const folder = `${repository.commonDir}/worktrees`;
      const names = (platform.fs.readDirectory(folder) ?? []).map(({ name }) => `${folder}/${name}`);
      return (
        names.filter(
          (one) => lockReason(platform.fs, one) === undefined && prunable(platform.fs, one, expiry) !== undefined,
        ).length >= wanted
      );
    }
    case 'reflog-expire': {
      const wanted = limit(100);
      if (wanted <= 0) return wanted < 0;
      const expiry = parseExpiryDate(config.get('gc.reflogexpire') ?? '90.days', repository.clock) ?? 0;
      const entries = (await repository.refs.reflog('HEAD')) ?? [];
      return entries.filter(({ seconds }) => seconds < expiry).length >= wanted;
    }
    case 'pack-refs':
      return true;
    case 'prefetch':
      return false;
  }
}

async function runTask(tasks: Tasks, name: TaskName): Promise<boolean> {
  const { context, repository, quiet, auto } = tasks;
  const { config } = repository;
  const directory = `${repository.objectDirectories[0]!.path}/pack`;
  const progress = quiet ? ['--no-progress'] : [];
  switch (name) {
    case 'gc':
      // What others would trip over comes first, and is not done again.
      if (packsRefs(repository) && !(await runOr(tasks, 'pack-refs', ['--all', '--prune']))) return false;
      if (expiresReflogs(repository) && !(await runOr(tasks, 'reflog', ['expire', '--all']))) return false;
      return await runOr(tasks, 'gc', [
        ...(auto ? ['--auto'] : []),
        ...(quiet ? ['--quiet'] : ['--no-quiet']),
        '--no-detach',
        '--skip-foreground-tasks',
      ]);
    case 'commit-graph':
      if (!config.getBool('core.commitgraph', true)) return true;
      return await runOr(tasks, 'commit-graph', ['write', '--split', '--reachable', ...progress]);
    case 'pack-refs':
      return await runOr(tasks, 'pack-refs', ['--all', '--prune', ...(auto ? ['--auto'] : [])]);
    case 'reflog-expire':
      return await runOr(tasks, 'reflog', ['expire', '--all']);
    case 'rerere-gc':
      return await runOr(tasks, 'rerere', ['gc']);
    case 'worktree-prune':
      return await runOr(tasks, 'worktree', [
        'prune',
        '--expire',
        config.get('gc.worktreepruneexpire') ?? '3.months.ago',
      ]);
    case 'prefetch': {
      const remotes = new Set<string>();
      for (const entry of config.entries()) {
        const match = /^remote\.(.+)\.url$/.exec(entry.key);
        if (match !== null && config.getBool(`remote.${match[1]}.skipfetchall`) !== true) remotes.add(match[1]!);
      }
      let good = true;
      for (const remote of remotes) {
        const argv = [
          remote,
          '--prefetch',
          '--prune',
          '--no-tags',
          '--no-write-fetch-head',
          '--recurse-submodules=no',
          ...(quiet ? ['--quiet'] : []),
        ];
        if (!(await runOr(tasks, 'fetch', argv))) good = false;
      }
      return good;
    }
    case 'loose-objects': {
      if (!(await runOr(tasks, 'prune-packed', quiet ? ['--quiet'] : []))) return false;
      repository.objectDirectories[0]!.packs.refresh();
      const limit = config.getInt('maintenance.loose-objects.batchsize', 50000);
      const oids: string[] = [];
      for (const oid of repository.objectDirectories[0]!.loose.list()) {
        oids.push(oid);
        if (limit > 0 && oids.length >= limit) break;
      }
      if (oids.length === 0) return true;
      const { code } = await runInner(
        context,
        packObjects,
        [quiet ? '--quiet' : '--no-quiet', `${directory}/loose`],
        `${oids.join('\n')}\n`,
      );
      return code === 0;
    }
    case 'incremental-repack': {
      if (!config.getBool('core.multipackindex', true)) {
        context.warning('skipping incremental-repack task because core.multiPackIndex is disabled');
        return true;
      }
      if (!(await runOr(tasks, 'multi-pack-index', ['write', ...progress]))) return false;
      if (!(await runOr(tasks, 'multi-pack-index', ['expire', ...progress]))) return false;
      const sizes = repository.objectDirectories[0]!.packs.packs()
        .map((pack) => repository.platform.fs.stat(pack.path)?.size ?? 0)
        .sort((a, b) => b - a);
      // All but the biggest pack become one.
      const batch = Math.min((sizes[1] ?? 0) + 1, 2 ** 31 - 1);
      return await runOr(tasks, 'multi-pack-index', ['repack', ...progress, `--batch-size=${batch}`]);
    }
    case 'geometric-repack': {
      const factor = config.getInt('maintenance.geometric-repack.splitfactor', 2);
      const argv = ['-d', '-l', `--geometric=${factor}`, ...(quiet ? ['--quiet'] : []), '--write-midx'];
      return await runOr(tasks, 'repack', argv);
    }
  }
}

export const command = defineCommand({
  name: 'maintenance',
  summary: 'Run tasks to optimize Git repository data',
  usage: ['maintenance <subcommand> [<options>]'],
  options: {},
  parsing: { stopAtNonOption: true },
  // biome-ignore lint/correctness/useYield: its tasks print for themselves
  async *run(context, args): AsyncGenerator<{ readonly text: string }, number | undefined> {
    const [name, ...words] = args.rest;
    switch (name) {
      case 'run':
        return await runMaintenance(context, words);
      case 'is-needed':
        return await isNeeded(context, words);
      case 'register':
        return await register(context, words);
      case 'unregister':
        return await unregister(context, words);
      case 'start':
        return await start(context, words);
      case 'stop':
        return await stop(context, words);
      default:
        throw noSubcommand(name);
    }
  },
  render: renderText,
});

function chosenTasks(
  repository: Repository,
  named: readonly string[] | undefined,
  schedule: string | undefined,
): TaskName[] {
  const chosen: TaskName[] = [];
  for (const task of named ?? []) {
    if (!(taskNames as readonly string[]).includes(task))
      throw new UsageError(`'${task}' is not a valid task`, { quiet: true });
    if (chosen.includes(task as TaskName))
      throw new UsageError(`task '${task}' cannot be selected multiple times`, { quiet: true });
    chosen.push(task as TaskName);
  }
  if (chosen.length > 0) return chosen;
  const { config } = repository;
  const named2 = config.get('maintenance.strategy');
  if (named2 !== undefined && !(named2.toLowerCase() in strategies)) {
    throw new GitError('CONFIG', `unknown maintenance strategy: '${named2}'`);
  }
  if (schedule !== undefined) {
    const strategy = strategies[named2?.toLowerCase() ?? 'none']!;
    return taskNames.filter((task) => {
      if (config.getBool(`maintenance.${task}.enabled`) === false) return false;
      const often = config.get(`maintenance.${task}.schedule`) ?? strategy.schedule[task];
      return (
        often !== undefined &&
        frequencies.indexOf(often) >= 0 &&
        frequencies.indexOf(often) <= frequencies.indexOf(schedule)
      );
    });
  }
  const strategy = strategies[named2?.toLowerCase() ?? 'geometric']!;
  return taskNames.filter((task) => config.getBool(`maintenance.${task}.enabled`) ?? strategy.manual.includes(task));
}

async function anyDue(tasks: Tasks, names: readonly TaskName[]): Promise<boolean> {
  for (const name of names) if (await isDue(tasks, name)) return true;
  return false;
}

async function runMaintenance(context: CommandContext, words: readonly string[]): Promise<number> {
  const parsed = parseSubcommand(context, runUsage, runOptions, words);
  if (typeof parsed === 'number') return parsed;
  if (parsed.rest.length > 0) return subcommandUsage(context, runUsage, runOptions);
  const { values } = parsed;
  const schedule = values.schedule ?? undefined;
  if (values.auto === true && schedule !== undefined) {
    throw new GitError('USAGE', "options '--auto' and '--schedule=' cannot be used together");
  }
  if (schedule !== undefined && !frequencies.includes(schedule)) {
    throw new GitError('USAGE', `unrecognized --schedule argument '${schedule}'`);
  }
  if (schedule !== undefined && (values.task?.length ?? 0) > 0) {
    throw new GitError('USAGE', "options '--task=' and '--schedule=' cannot be used together");
  }
  const repository = context.repository();
  const quiet = values.quiet ?? !context.io.stderr.isTerminal;
  const tasks: Tasks = { context, repository, quiet, auto: values.auto === true };
  const chosen = chosenTasks(repository, values.task, schedule);
  if (values.detach === true) {
    // Nobody waits for a process that has nothing to do.
    if (tasks.auto && !(await anyDue(tasks, chosen))) return 0;
    const rest = words.filter((word) => word !== '--detach');
    if (startDetached(context, ['maintenance', 'run', ...rest, '--no-detach'])) return 0;
  }
  const lock = LockFile.tryAcquire(context.platform.fs, `${repository.objectDirectories[0]!.path}/maintenance`);
  if (lock === undefined) {
    if (values.auto !== true && !quiet)
      context.warning(`lock file '${repository.objectDirectories[0]!.path}/maintenance' exists, skipping maintenance`);
    return 0;
  }
  let code = 0;
  try {
    for (const task of chosen) {
      if (tasks.auto && !(await isDue(tasks, task))) continue;
      if (!(await runTask(tasks, task))) {
        context.error(`task '${task}' failed`);
        code = 1;
      }
      repository.objects.refresh();
    }
  } finally {
    lock.rollback();
  }
  return code;
}

async function isNeeded(context: CommandContext, words: readonly string[]): Promise<number> {
  const parsed = parseSubcommand(context, neededUsage, neededOptions, words);
  if (typeof parsed === 'number') return parsed;
  if (parsed.rest.length > 0) return subcommandUsage(context, neededUsage, neededOptions);
  const repository = context.repository();
  const tasks: Tasks = { context, repository, quiet: true, auto: true };
  if (parsed.values.auto !== true) return 0;
  for (const task of chosenTasks(repository, parsed.values.task, undefined)) if (await isDue(tasks, task)) return 0;
  return 1;
}

const startOptions = {
  scheduler: { type: 'string', value: 'scheduler', help: 'scheduler to trigger git maintenance run', negatable: false },
} as const;

async function start(context: CommandContext, words: readonly string[]): Promise<number> {
  const usage = ['maintenance start [--scheduler=<scheduler>]'];
  const parsed = parseSubcommand(context, usage, startOptions, words);
  if (typeof parsed === 'number') return parsed;
  if (parsed.rest.length > 0) return subcommandUsage(context, usage, startOptions);
  const { schedulerNames, startSchedule } = await import('./maintenance-schedule.js');
  const named = parsed.values.scheduler ?? 'auto';
  const name = schedulerNames.find((each) => each === named);
  if (name === undefined) {
    const error = new UsageError(`unrecognized --scheduler argument '${named}'`);
    return subcommandUsage(context, usage, startOptions, error);
  }
  // What is not scheduled is not registered either.
  startSchedule(context, context.repository(), name);
  return await register(context, []);
}

async function stop(context: CommandContext, words: readonly string[]): Promise<number> {
  const usage = ['maintenance stop'];
  const parsed = parseSubcommand(context, usage, {}, words);
  if (typeof parsed === 'number') return parsed;
  if (parsed.rest.length > 0) return subcommandUsage(context, usage, {});
  const { stopSchedule } = await import('./maintenance-schedule.js');
  return stopSchedule(context, context.repository());
}

/** Repositories that are maintained, by the configuration or by one file. */
function registered(context: CommandContext, repository: Repository, file: string | undefined): string[] {
  const values: (string | undefined)[] = [];
  if (file === undefined) {
    for (const { key, value } of repository.config.entries()) if (key === 'maintenance.repo') values.push(value);
  } else {
    const bytes = context.platform.fs.readFile(resolvePath(context.cwd, file));
    for (const token of parseConfigFile(decodeText(bytes ?? new Uint8Array(0))).tokens) {
      if (token.type === 'entry' && token.key === 'maintenance.repo') values.push(token.value);
    }
  }
  return values.filter((value): value is string => {
    if (value === undefined) context.error("missing value for 'maintenance.repo'");
    return value !== undefined;
  });
}

async function register(context: CommandContext, words: readonly string[]): Promise<number> {
  const usage = ['maintenance register [--config-file <path>]'];
  const parsed = parseSubcommand(context, usage, registerOptions, words);
  if (typeof parsed === 'number') return parsed;
  if (parsed.rest.length > 0) return subcommandUsage(context, usage, registerOptions);
  const repository = context.repository();
  await context.runCommand('config', ['set', 'maintenance.auto', 'false']);
  if (repository.config.get('maintenance.strategy') === undefined) {
    await context.runCommand('config', ['set', 'maintenance.strategy', 'incremental']);
  }
  const path = repository.workTree ?? repository.gitDir;
  const file = parsed.values['config-file'];
  if (registered(context, repository, file ?? undefined).includes(path)) return 0;
  const where = typeof file === 'string' ? ['--file', file] : ['--global'];
  return await context.runCommand('config', [...where, '--add', 'maintenance.repo', path]);
}

async function unregister(context: CommandContext, words: readonly string[]): Promise<number> {
  const usage = ['maintenance unregister [--config-file <path>] [--force]'];
  const parsed = parseSubcommand(context, usage, unregisterOptions, words);
  if (typeof parsed === 'number') return parsed;
  if (parsed.rest.length > 0) return subcommandUsage(context, usage, unregisterOptions);
  const repository = context.repository();
  const path = repository.workTree ?? repository.gitDir;
  const file = parsed.values['config-file'];
  if (!registered(context, repository, file ?? undefined).includes(path)) {
    if (parsed.values.force === true) return 0;
    throw new GitError('CONFIG', `repository '${path}' is not registered`);
  }
  const where = typeof file === 'string' ? ['--file', file] : ['--global'];
  const pattern = `^${path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;
  return await context.runCommand('config', [...where, '--unset-all', 'maintenance.repo', pattern]);
}
