import type { Oid } from '../base/oid.js';
import { compileWildmatch } from '../base/wildmatch.js';
import { CommitPool } from '../history/commit-pool.js';
import { UNINTERESTING } from '../history/flags.js';
import { RevisionWalk } from '../history/walk.js';
import { parseCommit } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import { parseTag } from '../objects/tag.js';
import type { Repository } from '../repo/repository.js';
import { currentBranch } from '../repo/revision-branch.js';
import { commentPrefix, subjectLine } from './message.js';

/** One head of a merge, described as FETCH_HEAD does: `branch 'x' of ../y`, `tag 'v1' of .`, `commit 'abc'`. */
export interface DescribedHead {
  /** A commit, or the annotated tag that was named. */
  readonly oid: Oid;
  readonly description: string;
}

export interface MergeMessageOptions {
  /** Instead of the current branch. */
  readonly into?: string | undefined;
  /** Begin with a title; `false` where the user gave one. */
  readonly title: boolean;
  /** List so many subjects per head; 0: none. */
  readonly log: number;
  /** Name the people, in a comment: an editor is going to show the message. */
  readonly credit?: boolean | undefined;
}

/** Heads of one place, by what they are. */
interface Source {
  readonly place: string;
  bare: boolean;
  named: boolean;
  readonly branches: string[];
  readonly tracking: string[];
  readonly tags: string[];
  readonly others: string[];
}

interface Origin {
  readonly name: string;
  readonly oid: Oid;
  readonly isLocalBranch: boolean;
}

/** The message of a merge commit: `git fmt-merge-msg`. */
export async function mergeMessage(
  repository: Repository,
  heads: readonly DescribedHead[],
  options: MergeMessageOptions,
): Promise<string> {
  const sources: Source[] = [];
  const origins: Origin[] = [];
  for (const head of heads) read(head, sources, origins);
  let text = '';
  if (options.title && sources.length > 0) text += await title(repository, sources, options.into);
  text += await tagTexts(repository, origins);
  if (options.log > 0) {
    for (const origin of origins) text += await shortlog(repository, origin, options);
  }
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function read({ oid, description }: DescribedHead, sources: Source[], origins: Origin[]): void {
  const cut = description.indexOf(' of ');
  const what = cut < 0 ? description : description.slice(0, cut);
  const place = cut < 0 ? description : description.slice(cut + 4);
  let source = sources.find((known) => known.place === place);
  if (source === undefined) {
    source = { place, bare: false, named: false, branches: [], tracking: [], tags: [], others: [] };
    sources.push(source);
  }
  let origin: string;
  let isLocalBranch = false;
  if (cut < 0) {
    origin = place;
    source.bare = true;
  } else {
    source.named = true;
    if (what.startsWith('branch ')) {
      origin = what.slice(7);
      isLocalBranch = true;
      source.branches.push(origin);
    } else if (what.startsWith('tag ')) {
      origin = what;
      source.tags.push(what.slice(4));
    } else if (what.startsWith('remote-tracking branch ')) {
      origin = what.slice(23);
      source.tracking.push(origin);
    } else {
      origin = place;
      source.others.push(what);
    }
  }
  if (place === '.' || place === origin) {
    if (origin.length > 1 && origin.startsWith("'") && origin.endsWith("'")) origin = origin.slice(1, -1);
  } else origin = `${origin} of ${place}`;
  origins.push({ name: origin, oid, isLocalBranch: isLocalBranch && place === '.' });
}

async function title(repository: Repository, sources: readonly Source[], into: string | undefined): Promise<string> {
  const parts = sources.map((source) => {
    if (source.bare && !source.named) return source.place;
    const groups: string[] = source.bare ? ['HEAD'] : [];
    if (source.branches.length > 0) groups.push(joined('branch', 'branches', source.branches));
    if (source.tracking.length > 0) {
      groups.push(joined('remote-tracking branch', 'remote-tracking branches', source.tracking));
    }
    if (source.tags.length > 0) groups.push(joined('tag', 'tags', source.tags));
    if (source.others.length > 0) groups.push(joined('commit', 'commits', source.others));
    return groups.join(', ') + (source.place === '.' ? '' : ` of ${source.place}`);
  });
  const branch = into ?? (await currentBranch(repository)) ?? 'HEAD';
  const name = branch.replace(/^refs\/heads\//, '');
  const suffix = isSuppressed(repository, name) ? '' : ` into ${name}`;
  return `Merge ${parts.join('; ')}${suffix}\n`;
}

function joined(one: string, many: string, names: readonly string[]): string {
  if (names.length === 1) return `${one} ${names[0]}`;
  return `${many} ${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
}

/** Branches that everything is merged into are not worth naming. */
function isSuppressed(repository: Repository, branch: string): boolean {
  const entries = repository.config.allOf('merge.suppressdest');
  if (entries.length === 0) return branch === 'master' || branch === 'main';
  let patterns: string[] = [];
  for (const { value } of entries) patterns = value === undefined || value === '' ? [] : [...patterns, value];
  return patterns.some((pattern) => compileWildmatch(pattern, { pathname: true })(branch));
}

/** What annotated tags say, so that it is kept in the history. */
async function tagTexts(repository: Repository, origins: readonly Origin[]): Promise<string> {
  const texts: { readonly name: string; readonly body: string }[] = [];
  for (const { oid, name } of origins) {
    const object = await repository.objects.read(oid);
    if (object?.kind !== 'tag') continue;
    const message = withoutSignature(parseTag(object.data).message);
    texts.push({ name: name.replace(/^tag /, '').replace(/^'(.*)'$/, '$1'), body: message });
  }
  if (texts.length === 0) return '';
  if (texts.length === 1) return texts[0]!.body === '' ? '' : `\n${texts[0]!.body}`;
  const comment = commentPrefix(repository.config);
  return `\n${texts.map(({ name, body }) => `${comment} ${name}\n${body}`).join('\n')}`;
}

export const signatureStart = /^-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SSH SIGNATURE|SIGNED MESSAGE)-----/m;

function withoutSignature(message: string): string {
  const at = message.search(signatureStart);
  const text = at < 0 ? message : message.slice(0, at);
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/** Commits that one head brings, newest first, without merges. */
async function shortlog(repository: Repository, origin: Origin, options: MergeMessageOptions): Promise<string> {
  const head = await repository.refs.resolve('HEAD');
  const subjects: string[] = [];
  const people = { author: new Map<string, number>(), committer: new Map<string, number>() };
  const count = (who: Map<string, number>, name: string) => who.set(name, (who.get(name) ?? 0) + 1);
  for await (const { oid, commit } of commitsNotIn(repository, [origin.oid], head === undefined ? [] : [head])) {
    if (commit.parents.length > 1) {
      count(people.committer, commit.committer.name);
      continue;
    }
    if (subjects.length === 0) count(people.committer, commit.committer.name);
    count(people.author, commit.author.name);
    subjects.push(subjectLine(commit.message) || oid);
  }
  const shown = subjects.slice(0, options.log).map((subject) => `  ${subject}\n`);
  let text = '';
  if (options.credit === true) {
    text += credits(repository, 'By', people.author, repository.identity('author', { strict: false }).name);
    text += credits(repository, 'Via', people.committer, repository.identity('committer', { strict: false }).name);
  }
  const more = subjects.length > options.log;
  text += `\n* ${origin.name}:${more ? ` (${subjects.length} commits)` : ''}\n${described(repository, origin)}${shown.join('')}${more ? '  ...\n' : ''}`;
  return text;
}

/** `merge.branchdesc`: what the configuration says of the branch. */
function described(repository: Repository, { name, isLocalBranch }: Origin): string {
  if (!isLocalBranch || repository.config.getBool('merge.branchdesc', false) === false) return '';
  const lines = (repository.config.get(`branch.${name}.description`) ?? '').replace(/\n$/, '').split('\n');
  return lines[0] === '' && lines.length === 1 ? '' : lines.map((line) => `  : ${line}\n`).join('');
}

function credits(repository: Repository, label: string, who: ReadonlyMap<string, number>, me: string): string {
  const sorted = [...who].sort((a, b) => b[1] - a[1]);
  if (sorted.length === 0 || (sorted.length === 1 && sorted[0]![0] === me)) return '';
  const [first, second] = sorted;
  let text = first![0];
  if (sorted.length === 2) text = `${first![0]} (${first![1]}) and ${second![0]} (${second![1]})`;
  else if (sorted.length > 2) text = `${first![0]} (${first![1]}) and others`;
  return `\n${commentPrefix(repository.config)} ${label} ${text}`;
}

/** Commits reachable from some heads and not from others, newest first. */
export async function* commitsNotIn(repository: Repository, from: readonly Oid[], not: readonly Oid[]) {
  const pool = new CommitPool(repository.objects);
  const walk = new RevisionWalk(pool, { limited: true });
  for (const oid of from) await walk.add(pool.node(await peeled(repository, oid)), 0);
  for (const oid of not) await walk.add(pool.node(await peeled(repository, oid)), UNINTERESTING);
  await walk.prepare();
  for (;;) {
    const step = walk.next();
    const node = await step;
    if (node === undefined) return;
    yield { oid: node.oid, commit: parseCommit(await readKind(repository.objects, node.oid, 'commit')) };
  }
}

async function peeled(repository: Repository, oid: Oid): Promise<Oid> {
  const object = await repository.objects.read(oid);
  return object?.kind === 'tag' ? peeled(repository, parseTag(object.data).target) : oid;
}
