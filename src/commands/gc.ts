import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { LockFile } from '../platform/lock.js';
import { parseExpiryDate } from '../repo/date-approx.js';
import type { Repository } from '../repo/repository.js';
import type { CommandContext } from './command.js';
import { defineCommand, renderText } from './command.js';
import { UsageError } from './options.js';
import { autoNeed, detaches, tooManyLoose } from './auto-maintenance.js';
import { lastGcFailed, startDetached } from './background.js';
import { table } from './table.js';

const options = {
  quiet: { type: 'flag', short: 'q', help: 'suppress progress reporting' },
  prune: { type: 'optional', value: 'date', implied: '', help: 'prune unreferenced objects' },
  cruft: { type: 'flag', help: 'pack unreferenced objects separately' },
  'max-cruft-size': {
    type: 'number',
    value: 'n',
    help: 'with --cruft, limit the size of new cruft packs',
    negatable: false,
  },
  aggressive: { type: 'flag', help: 'be more thorough (increased runtime)' },
  auto: { rarelyMeant: true, type: 'flag', help: 'enable auto-gc mode' },
  detach: { type: 'flag', help: 'perform garbage collection in the background' },
  'skip-foreground-tasks': {
    type: 'flag',
    hidden: true,
    help: 'leave out what must be done before others go on: maintenance has done it',
  },
  force: { rarelyMeant: true, type: 'flag', help: 'force running gc even if there may be another gc running' },
  'keep-largest-pack': { type: 'flag', help: 'repack all other packs except the largest pack' },
  'expire-to': { type: 'string', value: 'dir', help: 'pack prefix to store a pack containing pruned objects' },
} as const;

export const command = defineCommand({
  name: 'gc',
  summary: 'Cleanup unnecessary files and optimize the local repository',
  usage: ['gc [<options>]'],
  options,
  async *run(context, args): AsyncGenerator<{ readonly text: string }, number | undefined> {
    if (args.rest.length > 0) throw new UsageError('');
    const repository = context.repository();
    const { values } = args;
    const { config } = repository;
    const quiet = values.quiet === true;
    const auto = values.auto === true;
    refuseBadExpiry(repository);
    const pruneText =
      values.prune === null
        ? undefined
        : values.prune !== undefined && values.prune !== ''
          ? values.prune
          : (config.get('gc.pruneexpire') ?? '2.weeks.ago');
    if (pruneText !== undefined && parseExpiryDate(pruneText, repository.clock) === undefined) {
      throw new GitError('USAGE', `failed to parse prune expiry value ${pruneText}`);
    }
    let need: 'nothing' | 'loose' | 'all' = 'all';
    if (auto) {
      need = autoNeed(repository);
      if (need === 'nothing') return undefined;
      const hook = await repository.hooks.run('pre-auto-gc', []);
      if (hook !== undefined && hook.code !== 0) return undefined;
    }
    const detach = values.detach ?? (auto && detaches(context, repository));
    if (auto && !quiet) {
      context.printError(
        `Auto packing the repository ${detach ? 'in background ' : ''}for optimum performance.\nSee "git help gc" for manual housekeeping.\n`,
      );
    }
    if (detach) {
      if (lastGcFailed(context, repository)) return auto ? 0 : 128;
      const words = ['gc', '--no-detach', '--quiet', ...context.argv.filter((word) => word !== '--detach')];
      if (startDetached(context, words, `${repository.gitDir}/gc.log`)) return undefined;
    }
    const lock = acquire(context, repository, values.force === true);
    if (lock === undefined) return auto ? 0 : undefined;
    try {
      await collect(context, repository, {
        quiet,
        foreground: values['skip-foreground-tasks'] !== true,
        progress: !quiet && (values.quiet === false || context.io.stderr.isTerminal || auto),
        need,
        prune: pruneText,
        cruft: values.cruft ?? config.getBool('gc.cruftpacks', true),
        aggressive: values.aggressive === true,
        keepLargest: values['keep-largest-pack'] === true,
        maxCruftSize: values['max-cruft-size'] ?? config.getSize('gc.maxcruftsize', 0),
        expireTo: values['expire-to'] ?? undefined,
      });
    } finally {
      lock.rollback();
      repository.platform.fs.remove(`${repository.gitDir}/gc.pid`);
    }
    if (auto && tooManyLoose(repository, config.getInt('gc.auto', 6700))) {
      context.warning("There are too many unreachable loose objects; run 'git prune' to remove them.");
    }
    return undefined;
  },
  render: renderText,
});

/** Expiry dates of the configuration that are none are told before anything is done. */
function refuseBadExpiry(repository: Repository): void {
  for (const { key, value, origin, line } of repository.config.entries()) {
    if (key !== 'gc.pruneexpire' && key !== 'gc.worktreepruneexpire' && key !== 'gc.logexpiry') continue;
    if (value === undefined || parseExpiryDate(value, repository.clock) !== undefined) continue;
    throw new GitError(
      'CONFIG',
      origin.kind === 'file'
        ? `bad config variable '${key}' in file '${origin.name}' at line ${line}`
        : `unable to parse '${key}' from command-line config`,
      { data: { key, preface: `error: Invalid ${key}: '${value}'\n` } },
    );
  }
}

/** `gc.pid`, which says who collects. One that is older than half a day is from somebody who died. */
function acquire(context: CommandContext, repository: Repository, force: boolean): LockFile | undefined {
  const { fs, hostName, pid } = context.platform;
  const path = `${repository.gitDir}/gc.pid`;
  const lock = LockFile.acquire(fs, path);
  const there = fs.readFile(path);
  const stat = fs.stat(path);
  if (!force && there !== undefined && stat !== undefined) {
    const match = /^(\d+) (.+)/.exec(decodeText(there));
    const fresh = context.platform.now() / 1000 - stat.mtimeSeconds < 12 * 3600;
    if (match !== null && fresh && (match[2] !== hostName || isAlive(fs, match[1]!))) {
      lock.rollback();
      throw new GitError(
        'LOCKED',
        `gc is already running on machine '${match[2]}' pid ${match[1]} (use --force if not)`,
      );
    }
  }
  try {
    lock.write(encodeText(`${pid} ${hostName}`));
    lock.commit();
  } catch (error) {
    lock.rollback();
    throw error;
  }
  return lock;
}

const isAlive = (fs: { lstat(path: string): unknown }, pid: string): boolean => fs.lstat(`/proc/${pid}`) !== undefined;

interface Collection {
  readonly quiet: boolean;
  readonly progress: boolean;
  /** Pack references and expire reflogs, too. */
  readonly foreground: boolean;
  readonly need: 'nothing' | 'loose' | 'all';
  readonly prune: string | undefined;
  readonly cruft: boolean;
  readonly aggressive: boolean;
  readonly keepLargest: boolean;
  /** Bytes; 0: no limit. */
  readonly maxCruftSize: number;
  readonly expireTo: string | undefined;
}

/** `gc.packRefs`. */
export function packsRefs({ config, bare }: Repository): boolean {
  return config.get('gc.packrefs') === 'notbare' ? !bare : config.getBool('gc.packrefs', true);
}

/** False where entries of reflogs are kept for ever. */
export function expiresReflogs({ config }: Repository): boolean {
  return ['gc.reflogexpire', 'gc.reflogexpireunreachable'].some((key) => config.get(key)?.toLowerCase() !== 'never');
}

async function collect(context: CommandContext, repository: Repository, how: Collection): Promise<void> {
  const { config } = repository;
  const { fs } = repository.platform;
  const run = async (name: string, argv: readonly string[]): Promise<void> => {
    if (!(name in table)) return;
    const code = await context.runCommand(name, argv);
    if (code !== 0) throw new GitError('BUG', `failed to run ${name}`);
  };
  if (how.foreground && packsRefs(repository)) await run('pack-refs', ['--all', '--prune']);
  if (how.foreground && expiresReflogs(repository)) await run('reflog', ['expire', '--all']);
  const repack = ['-d', '-l'];
  if (how.aggressive) {
    repack.push(
      '-f',
      `--depth=${config.getInt('gc.aggressivedepth', 50)}`,
      `--window=${config.getInt('gc.aggressivewindow', 250)}`,
    );
  }
  if (how.quiet) repack.push('-q');
  const filter = config.get('gc.repackfilter');
  if (how.need !== 'loose' && filter !== undefined && filter !== '') {
    repack.push(`--filter=${filter}`);
    const to = config.get('gc.repackfilterto');
    if (to !== undefined && to !== '') repack.push(`--filter-to=${to}`);
  }
  if (how.need === 'loose') repack.push('--no-write-bitmap-index');
  else {
    if (how.prune === 'now' && !(how.cruft && how.expireTo !== undefined)) repack.push('-a');
    else if (how.cruft) {
      repack.push('--cruft');
      if (how.prune !== undefined) repack.push(`--cruft-expiration=${how.prune}`);
      if (how.maxCruftSize > 0) repack.push(`--max-cruft-size=${how.maxCruftSize}`);
      if (how.expireTo !== undefined) repack.push(`--expire-to=${how.expireTo}`);
    } else {
      repack.push('-A');
      if (how.prune !== undefined) repack.push(`--unpack-unreachable=${how.prune}`);
    }
    const threshold = config.getSize('gc.bigpackthreshold', 0);
    const packs = repository.objectDirectories[0]!.packs.packs()
      .filter((pack) => fs.lstat(pack.path.replace(/\.pack$/, '.mtimes')) === undefined)
      .map((pack) => ({ name: pack.path.slice(pack.path.lastIndexOf('/') + 1), size: fs.stat(pack.path)?.size ?? 0 }))
      .sort((a, b) => b.size - a.size);
    const kept = how.keepLargest
      ? packs.slice(0, 1)
      : threshold > 0
        ? packs.filter(({ size }) => size >= threshold)
        : [];
    for (const { name } of kept) repack.push(`--keep-pack=${name}`);
  }
  if (config.getBool('extensions.preciousobjects') !== true) {
    await run('repack', repack);
    if (how.prune !== undefined) {
      await run('prune', ['--expire', how.prune, ...(how.quiet ? ['--no-progress'] : [])]);
    }
  }
  const worktrees = config.get('gc.worktreepruneexpire') ?? '3.months.ago';
  if (worktrees !== 'never') await run('worktree', ['prune', '--expire', worktrees]);
  await run('rerere', ['gc']);
  if (config.getBool('gc.writecommitgraph', true)) {
    await run('commit-graph', ['write', '--reachable', how.progress ? '--progress' : '--no-progress']);
  }
  fs.remove(`${repository.gitDir}/gc.log`);
}
