import { decodeText } from '../base/bytes.js';
import { isGitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isOid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';
import { openRepository } from '../repo/repository.js';

/**
 * The tips of the repositories whose objects this one borrows: what is reachable from them is here too.
 * `core.alternateRefsCommand` may choose them, `core.alternateRefsPrefixes` narrows them.
 */
export async function alternateRefs(repository: Repository): Promise<Oid[]> {
  const found = new Set<Oid>();
  const { platform, env, config } = repository;
  const command = config.get('core.alternaterefscommand');
  const prefixes = (config.get('core.alternaterefsprefixes') ?? '').split(/\s+/).filter((word) => word !== '');
  for (const { path: directory } of repository.objectDirectories.slice(1)) {
    if (!directory.endsWith('/objects')) continue;
    const gitDir = directory.slice(0, -'/objects'.length);
    if (platform.fs.stat(`${gitDir}/refs`) === undefined && platform.fs.stat(`${gitDir}/packed-refs`) === undefined)
      continue;
    if (command !== undefined) {
      for (const oid of await told(repository, command, gitDir)) found.add(oid);
      continue;
    }
    let other: Repository | undefined;
    try {
      other = openRepository({ platform, env: { HOME: env['HOME'] }, cwd: gitDir, gitDir });
      for (const prefix of prefixes.length === 0 ? ['refs/'] : prefixes) {
        for await (const ref of other.refs.list(prefix)) {
          if (prefix.endsWith('/') || ref.name === prefix || ref.name.startsWith(`${prefix}/`)) found.add(ref.oid);
        }
      }
    } catch (error) {
      // A store of objects that is no repository has no tips.
      if (!isGitError(error)) throw error;
    } finally {
      other?.close();
    }
  }
  return [...found];
}

/** What a program of the user's says the tips are, one id a line. */
async function told(repository: Repository, command: string, gitDir: string): Promise<Oid[]> {
  const { processes } = repository.platform;
  if (processes === undefined) return [];
  const run = await processes.run(processes.shell(command, [gitDir]), {
    cwd: repository.cwd,
    env: repository.env,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  return decodeText(run.stdout)
    .split('\n')
    .filter((line): line is Oid => isOid(line));
}
