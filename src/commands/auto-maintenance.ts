import { traceChild } from '../base/trace.js';
import type { Bytes } from '../base/bytes.js';
import type { Repository } from '../repo/repository.js';
import { foreignEnvironment } from '../transport/connection.js';
import type { CommandContext } from './command.js';
import { autoNeed } from './gc.js';

/** After a fetch: tidies up where so much has piled up that it is due (`git maintenance run --auto`). */
export async function autoMaintenance(context: CommandContext, repository: Repository, quiet: boolean): Promise<void> {
  const { config } = repository;
  if (config.getBool('maintenance.auto', true) === false) return;
  const loud = quiet ? '--quiet' : '--no-quiet';
  const detach = config.getBool('maintenance.autodetach') ?? config.getBool('gc.autodetach', true);
  const ended = traceChild(['git', 'maintenance', 'run', '--auto', loud, detach ? '--detach' : '--no-detach']);
  if (autoNeed(repository) !== 'nothing') await context.runCommand('maintenance', ['run', '--auto', loud]);
  ended(0);
}

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
