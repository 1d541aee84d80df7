import type { Oid } from '../base/oid.js';
import { hexLength } from '../base/oid.js';
import { parseCommit } from '../objects/commit.js';
import { parseTag } from '../objects/tag.js';
import { dwimRef } from '../refs/dwim.js';
import type { Repository } from './repository.js';

/** Full ids, ref names, unique prefixes, and the suffixes `~n`, `^n`, `^{type}`. */
export async function resolveRevision(repository: Repository, text: string): Promise<Oid | undefined> {
  const suffix = /(?:~\d*|\^\d*|\^\{[a-z]*\})$/.exec(text);
  if (suffix !== null && suffix.index > 0) {
    const base = await resolveRevision(repository, text.slice(0, suffix.index));
    return base === undefined ? undefined : await step(repository, base, suffix[0]);
  }
  const at = /^(.*)@\{(\d+)\}$/.exec(text);
  if (at !== null) {
    const found = await dwimRef(repository.refs, at[1] === '' ? 'HEAD' : at[1]!);
    if (found === undefined) return undefined;
    const log = await repository.refs.reflog(found.name);
    return log?.[log.length - 1 - Number(at[2])]?.new;
  }
  if (text.length === hexLength(repository.objectFormat) && /^[0-9a-f]+$/i.test(text)) return text.toLowerCase() as Oid;
  const ref = await dwimRef(repository.refs, text === '@' ? 'HEAD' : text);
  if (ref !== undefined) return ref.oid;
  if (/^[0-9a-f]{4,}$/i.test(text)) {
    const found = await repository.objects.findPrefix(text.toLowerCase());
    if (found.length === 1) return found[0];
  }
  return undefined;
}

async function step(repository: Repository, base: Oid, suffix: string): Promise<Oid | undefined> {
  let at = base;
  for (;;) {
    const object = await repository.objects.read(at);
    if (object === undefined) return undefined;
    if (suffix === `^{${object.kind}}` || (suffix === '^{}' && object.kind !== 'tag') || suffix === '^{object}')
      return at;
    if (object.kind === 'tag') {
      at = parseTag(object.data).target;
      continue;
    }
    if (object.kind !== 'commit') return undefined;
    const commit = parseCommit(object.data);
    if (suffix === '^{tree}') return commit.tree;
    if (suffix.startsWith('^{')) return undefined;
    const count = suffix.length === 1 ? 1 : Number(suffix.slice(1));
    if (count === 0) return at;
    if (suffix[0] === '^') return commit.parents[count - 1];
    const parent = commit.parents[0];
    if (parent === undefined) return undefined;
    return count === 1 ? parent : step(repository, parent, `~${count - 1}`);
  }
}
