import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { expandRefName } from '../refs/name.js';
import type { Repository } from '../repo/repository.js';
import { servedNamespace } from './served-refs.js';

/** The object a `deepen-not` names: a ref, whole or short, and only if it means one ref. */
export async function resolveDeepenRef(repository: Repository, name: string): Promise<Oid> {
  const namespace = servedNamespace(repository);
  const found: Oid[] = [];
  for (const full of expandRefName(name)) {
    const oid = await repository.refs.resolve(namespace + full);
    if (oid !== undefined) found.push(oid);
  }
  if (found.length === 0) throw new GitError('PROTOCOL', `git upload-pack: deepen-not is not a ref: ${name}`);
  if (found.length !== 1) throw new GitError('PROTOCOL', `git upload-pack: ambiguous deepen-not: deepen-not ${name}`);
  return found[0]!;
}
