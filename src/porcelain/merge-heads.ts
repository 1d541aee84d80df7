import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isOid } from '../base/oid.js';
import type { Ancestry } from '../history/merge-base.js';
import { parseTag } from '../objects/tag.js';
import type { Repository } from '../repo/repository.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import { findRefs, interpretBranchName } from '../repo/revision-branch.js';
import type { Talk } from './talk.js';
import type { DescribedHead } from './merge-message.js';

/** A commit to be merged. */
export interface MergeHead {
  readonly commit: Oid<'commit'>;
  /** As it was typed; conflict markers show it. */
  readonly name: string;
  /** What the name led to: the commit, or an annotated tag. */
  readonly object: Oid;
  readonly isTag: boolean;
}

export interface CollectedHeads {
  readonly heads: readonly MergeHead[];
  /** For the message. */
  readonly described: readonly DescribedHead[];
  /** The current commit is reachable from one of them: it is no parent of its own. */
  readonly headSubsumed: boolean;
}

/** Resolves the arguments of a merge and leaves out what others reach already. `head`: the current commit, if any. */
export async function collectHeads(
  repository: Repository,
  ancestry: Ancestry,
  head: Oid<'commit'> | undefined,
  names: readonly string[],
  talk: Talk,
): Promise<CollectedHeads> {
  const fetched = names.length === 1 && names[0] === 'FETCH_HEAD' ? readFetchHead(repository) : undefined;
  const all: MergeHead[] = [];
  for (const name of fetched?.map(({ oid }) => oid as string) ?? names) {
    const found = await mergeHead(repository, name, talk);
    if (found === undefined) {
      throw new GitError('REF_MISSING', `${name} - not something we can merge`, { data: { name, exit: 1 } });
    }
    all.push(found);
  }
  const commits = head === undefined ? [] : [head];
  const kept = new Set(await ancestry.independent([...commits, ...all.map(({ commit }) => commit)]));
  const heads: MergeHead[] = [];
  for (const one of all) {
    if (!kept.has(one.commit) || one.commit === head || heads.some(({ commit }) => commit === one.commit)) continue;
    heads.push(one);
  }
  const described: DescribedHead[] = [];
  if (fetched !== undefined) described.push(...fetched.filter(({ oid }) => heads.some(({ object }) => object === oid)));
  else for (const one of heads) described.push({ oid: one.object, description: await describe(repository, one) });
  return { heads, described, headSubsumed: head !== undefined && !kept.has(head) };
}

async function mergeHead(repository: Repository, name: string, talk: Talk): Promise<MergeHead | undefined> {
  const complain = (line: string) => talk.err(line.endsWith('\n') ? line : `${line}\n`);
  const object = await resolveRevision(repository, name, { hint: 'committish', complain });
  if (object === undefined) return undefined;
  const commit = await peelTo(repository, object, 'commit', (kind) => {
    talk.err(`error: ${name}: expected commit type, but the object dereferences to ${kind} type\n`);
  });
  if (commit === undefined) return undefined;
  const isTag = object !== commit && (await repository.objects.readHeader(object))?.kind === 'tag';
  return { commit: commit as Oid<'commit'>, name, object: isTag ? object : commit, isTag };
}

/** The lines of FETCH_HEAD that are for merging. */
function readFetchHead(repository: Repository): DescribedHead[] {
  const bytes = repository.platform.fs.readFile(repository.path('FETCH_HEAD'));
  if (bytes === undefined) throw new GitError('PATH_MISSING', "could not open '.git/FETCH_HEAD' for reading");
  const heads: DescribedHead[] = [];
  for (const line of decodeText(bytes).split('\n')) {
    const [oid = '', mark, ...rest] = line.split('\t');
    if (isOid(oid) && mark === '') heads.push({ oid, description: rest.join('\t') });
  }
  return heads;
}

/** How the message calls a head: by the branch or tag it is, if it is one. */
async function describe(repository: Repository, head: MergeHead): Promise<string> {
  const interpreted = await interpretBranchName(repository, head.name);
  const name = interpreted !== undefined && interpreted.used === head.name.length ? interpreted.name : head.name;
  const [ref] = await findRefs(repository, name);
  if (ref !== undefined) {
    const of = (kind: string, prefix: string) => `${kind} '${ref.name.slice(prefix.length)}' of .`;
    if (ref.name.startsWith('refs/heads/')) return of('branch', 'refs/heads/');
    if (ref.name.startsWith('refs/tags/')) return of('tag', 'refs/tags/');
    if (ref.name.startsWith('refs/remotes/')) return of('remote-tracking branch', 'refs/remotes/');
  }
  const older = /^(.+?)(?:\^+|~(\d+))$/.exec(name);
  if (older !== null) {
    const branch = older[1]!.replace(/\^+$/, '');
    if ((await repository.refs.resolve(`refs/heads/${branch}`)) !== undefined) {
      const early = older[2] === undefined || Number(older[2]) > 0 ? ' (early part)' : '';
      return `branch '${branch}'${early} of .`;
    }
  }
  if (head.isTag) return `tag '${head.name}'`;
  return `commit '${head.name}'`;
}

/** An annotated tag that is not in its usual place (fetched for this merge only): its merge is never a fast-forward. */
export async function isThrowawayTag(repository: Repository, head: MergeHead): Promise<boolean> {
  if (!head.isTag) return false;
  const object = await repository.objects.read(head.object);
  if (object === undefined || object.kind !== 'tag') return false;
  return (await repository.refs.resolve(`refs/tags/${parseTag(object.data).name}`)) !== head.object;
}
