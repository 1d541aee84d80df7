import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isOid } from '../base/oid.js';
import { PackedRefs } from '../refs/packed.js';
import type { Repository } from './repository.js';

/**
 * What `refs/replace/` puts in the place of objects: the id that is read instead. Read at once and without waiting,
 * since every read of an object asks. `undefined` where nothing is replaced.
 */
export function readReplacements(repository: Repository): ReadonlyMap<Oid, Oid> | undefined {
  const base = (repository.env['GIT_REPLACE_REF_BASE'] || 'refs/replace/').replace(/\/*$/, '/');
  const found = new Map<Oid, Oid>();
  const add = (name: string, target: string): void => {
    if (isOid(name) && isOid(target)) found.set(name, target);
  };
  const packed = new PackedRefs(
    repository.platform.fs,
    `${repository.commonDir}/packed-refs`,
    repository.objectFormat,
    repository.gitDir === repository.commonDir ? `${repository.gitDirShown}/packed-refs` : undefined,
  ).snapshot();
  for (const entry of packed.from(base)) {
    if (!entry.name.startsWith(base)) break;
    add(entry.name.slice(base.length), entry.oid);
  }
  const directory = `${repository.commonDir}/${base.slice(0, -1)}`;
  const { fs } = repository.platform;
  for (const { name } of (fs.stat(directory) && fs.readDirectory(directory)) ?? []) {
    const bytes = isOid(name) ? repository.platform.fs.readFile(`${directory}/${name}`) : undefined;
    if (bytes !== undefined) add(name, decodeText(bytes).trim());
  }
  return found.size === 0 ? undefined : found;
}

const DEEPEST = 5;

/** Follows replacements of replacements. Throws `LIMIT` for a chain that does not end. */
export function replacementOf(replacements: ReadonlyMap<Oid, Oid>, oid: Oid): Oid {
  let current = oid;
  for (let depth = 0; depth < DEEPEST; depth++) {
    const next = replacements.get(current);
    if (next === undefined) return current;
    current = next;
  }
  throw new GitError('LIMIT', `replace depth too high for object ${oid}`);
}
