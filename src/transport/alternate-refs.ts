import { isGitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';
import { openRepository } from '../repo/repository.js';

/** The tips of the repositories whose objects this one borrows: what is reachable from them is here too. */
export async function alternateRefs(repository: Repository): Promise<Oid[]> {
  const found = new Set<Oid>();
  const { platform, env } = repository;
  for (const { path: directory } of repository.objectDirectories.slice(1)) {
    if (!directory.endsWith('/objects')) continue;
    const gitDir = directory.slice(0, -'/objects'.length);
    if (platform.fs.stat(`${gitDir}/refs`) === undefined && platform.fs.stat(`${gitDir}/packed-refs`) === undefined)
      continue;
    let other: Repository | undefined;
    try {
      other = openRepository({ platform, env: { HOME: env['HOME'] }, cwd: gitDir, gitDir });
      for await (const ref of other.refs.list('refs/')) found.add(ref.oid);
    } catch (error) {
      // A store of objects that is no repository has no tips.
      if (!isGitError(error)) throw error;
    } finally {
      other?.close();
    }
  }
  return [...found];
}
