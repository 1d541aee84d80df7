import { traceChild } from '../base/trace.js';
import type { Bytes } from '../base/bytes.js';
import type { Repository } from '../repo/repository.js';
import { foreignEnvironment } from '../transport/connection.js';
import type { CommandContext } from './command.js';

/** Whether maintenance that was started by another command leaves its terminal (`maintenance.autoDetach`). */
export function detaches(context: CommandContext, repository: Repository): boolean {
  const { config } = repository;
  const asked = config.getBool('maintenance.autodetach') ?? config.getBool('gc.autodetach');
  if (asked !== undefined) return asked;
  // git has this variable so that scripts need not race with what goes on behind them.
  return !/^(?:false|0|no|off)$/.test(context.env['GIT_TEST_MAINT_AUTO_DETACH'] ?? '');
}

/**
 * What git does after commands that write: `git maintenance run --auto`. Whether anything is due is looked at first and
 * here, which costs a listing or two; a process is started only for work. Where no strategy is configured that look is
 * the one of `gc.auto`.
 */
export async function autoMaintenance(context: CommandContext, repository: Repository, quiet: boolean): Promise<void> {
  const { config } = repository;
  if (config.getBool('maintenance.auto', true) === false) return;
  const loud = quiet ? '--quiet' : '--no-quiet';
  const detach = detaches(context, repository) ? '--detach' : '--no-detach';
  const ended = traceChild(['git', 'maintenance', 'run', '--auto', loud, detach]);
  const asked = config.entries().some(({ key }) => key.startsWith('maintenance.') && isAboutTasks(key));
  if (asked || autoNeed(repository) !== 'nothing') {
    await context.runCommand('maintenance', ['run', '--auto', loud, detach]);
  }
  ended(0);
}

const isAboutTasks = (key: string): boolean => key !== 'maintenance.auto' && key !== 'maintenance.autodetach';

/** The same in a repository that was pushed to (`receive.autogc`), in a process of its own: this one may serve others. */
export async function tidyAfterPush(
  repository: Repository,
  say: (text: string | Bytes) => Promise<void>,
): Promise<void> {
  if (repository.config.getBool('maintenance.auto', true) === false || autoNeed(repository) === 'nothing') return;
  const { processes } = repository.platform;
  const { stderr } = await processes!.run(
    [process.execPath, process.argv[1]!, 'maintenance', 'run', '--auto', '--quiet'],
    {
      cwd: repository.gitDir,
      env: { ...foreignEnvironment(repository.env), GIT_DIR: '.' },
      stdout: 'ignore',
    },
  );
  if (stderr.length > 0) await say(stderr);
}

/** More loose objects than `gc.auto` says, by a look at one of their 256 directories. */
export function tooManyLoose(repository: Repository, limit: number): boolean {
  if (limit <= 0) return false;
  const entries = repository.platform.fs.readDirectory(`${repository.objectsDirectory}/17`) ?? [];
  const length = repository.oidLength * 2 - 2;
  let count = 0;
  for (const { name } of entries) if (name.length === length && /^[0-9a-f]+$/.test(name)) count++;
  return count > Math.ceil(limit / 256);
}

export function tooManyPacks(repository: Repository, limit: number): boolean {
  if (limit <= 0) return false;
  const { fs } = repository.platform;
  let count = 0;
  for (const pack of repository.objectDirectories[0]!.packs.packs()) {
    const stem = pack.path.slice(0, -5);
    if (fs.lstat(`${stem}.keep`) === undefined && fs.lstat(`${stem}.mtimes`) === undefined) count++;
  }
  return count > limit;
}

/** What `gc --auto` would do: nothing, pack what is loose, or pack everything into one. */
export function autoNeed(repository: Repository): 'nothing' | 'loose' | 'all' {
  const { config } = repository;
  const auto = config.getInt('gc.auto', 6700);
  if (auto <= 0) return 'nothing';
  if (tooManyPacks(repository, config.getInt('gc.autopacklimit', 50))) return 'all';
  return tooManyLoose(repository, auto) ? 'loose' : 'nothing';
}
