import type { Oid } from '../base/oid.js';
import { isZeroOid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';
import { abbreviate } from './abbreviate.js';

/** `refs/heads/x` as `x`: how names are shown in the tables of fetch and push. */
export function prettyRef(name: string): string {
  for (const prefix of ['refs/heads/', 'refs/tags/', 'refs/remotes/'])
    if (name.startsWith(prefix)) return name.slice(prefix.length);
  return name;
}

/** Columns for `abc1234..def5678` in those tables. */
export async function summaryWidth(repository: Repository, oids: Iterable<Oid | undefined>): Promise<number> {
  let most = -1;
  for (const oid of oids) {
    if (oid === undefined || isZeroOid(oid)) continue;
    most = Math.max(most, (await abbreviate(repository, oid)).length);
  }
  return 2 * (most < 0 ? 7 : most) + 3;
}
