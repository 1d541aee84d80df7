import type { Oid } from '../base/oid.js';
import { GitError } from '../base/errors.js';
import { visitReachable } from '../history/reachable.js';
import type { Repository } from '../repo/repository.js';

/**
 * Delta islands (`pack.island`): which groups of refs reach an object. An object may only be a delta against another
 * that every one of its groups reaches too, so that a clone of one group never needs a base it does not get.
 */
export async function deltaIslands(repository: Repository): Promise<((oid: Oid, base: Oid) => boolean) | undefined> {
  const patterns = repository.config.getAll('pack.island').map((text) => {
    try {
      return new RegExp(`^${text.startsWith('^') ? text.slice(1) : `(?:.*?)${text}`}`);
    } catch {
      throw new GitError('CONFIG', `failed to load island regex for 'pack.island': ${text}`);
    }
  });
  if (patterns.length === 0) return undefined;
  const islands = new Map<string, Oid[]>();
  for await (const ref of repository.refs.list('refs/')) {
    for (let i = patterns.length - 1; i >= 0; i--) {
      const match = patterns[i]!.exec(ref.name);
      if (match === null) continue;
      const name = match
        .slice(1)
        .filter((part) => part !== undefined)
        .join('-');
      const refs = islands.get(name);
      if (refs === undefined) islands.set(name, [ref.oid]);
      else refs.push(ref.oid);
      break;
    }
  }
  // Groups of the same refs are one.
  const distinct = new Map<string, Oid[]>();
  for (const refs of islands.values()) distinct.set([...refs].sort().join(), refs);
  const marks = new Map<Oid, bigint>();
  let bit = 1n;
  for (const refs of distinct.values()) {
    const own = bit;
    await visitReachable(repository.objects, { wants: refs }, (oid) => marks.set(oid, (marks.get(oid) ?? 0n) | own));
    bit <<= 1n;
  }
  return (oid, base) => {
    const mine = marks.get(oid);
    if (mine === undefined) return true;
    return (mine & ~(marks.get(base) ?? 0n)) === 0n;
  };
}
