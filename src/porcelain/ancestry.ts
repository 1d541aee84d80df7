import { decodeText } from '../base/bytes.js';
import { isOid } from '../base/oid.js';
import type { Oid } from '../base/oid.js';
import { Ancestry, commitReader } from '../history/merge-base.js';
import type { Repository } from '../repo/repository.js';

/** The search for common ancestors over a repository: shallow commits have no parents, grafts have those they name. */
export function openAncestry(repository: Repository): Ancestry {
  const reader = commitReader(repository.objects);
  const parents = replacedParents(repository);
  if (parents.size === 0) return new Ancestry(reader);
  return new Ancestry({
    async commit(oid) {
      const node = await reader.commit(oid);
      return { ...node, parents: parents.get(oid) ?? node.parents };
    },
  });
}

function replacedParents(repository: Repository): Map<Oid, readonly Oid<'commit'>[]> {
  const parents = new Map<Oid, readonly Oid<'commit'>[]>();
  const lines = (name: string): string[] => {
    const bytes = repository.platform.fs.readFile(repository.path(name));
    return bytes === undefined ? [] : decodeText(bytes).split('\n');
  };
  for (const line of lines('info/grafts')) {
    const [commit, ...named] = line.split(' ').filter(isOid);
    if (commit !== undefined && !line.startsWith('#')) parents.set(commit, named as Oid<'commit'>[]);
  }
  for (const line of lines('shallow')) if (isOid(line)) parents.set(line, []);
  return parents;
}
