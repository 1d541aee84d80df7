import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { checkRefFormat, refNameMatches } from '../refs/name.js';
import type { RemoteRef } from '../transport/advertisement.js';
import type { Refspec } from '../transport/refspec.js';
import { findByAbbreviation, isExcluded, localName, mapThrough, matchPattern } from '../transport/refspec.js';

/** What becomes of a line in FETCH_HEAD: for merging, listed only, or left out. */
export type HeadStatus = 'merge' | 'list' | 'ignore';

/** One ref to fetch. */
export interface FetchItem {
  /** The other side's name; of a bare object id, the id. */
  readonly name: string;
  oid: Oid;
  /** An id given by the user and not a ref. */
  readonly exact: boolean;
  /** The local ref it goes to. */
  local: string | undefined;
  force: boolean;
  status: HeadStatus;
}

export interface MapProblems {
  /** `* Ignoring funny ref '…' locally`. */
  readonly funny: (name: string) => void;
  /** Something odd that is no fault. */
  readonly warn?: (message: string) => void;
}

/** The other side's refs that one refspec asks for. Throws where a named ref is not there, unless `missingOk`. */
function mapRefspec(
  refs: readonly RemoteRef[],
  byName: ReadonlyMap<string, RemoteRef>,
  spec: Refspec,
  missingOk: boolean,
  problems: MapProblems,
): FetchItem[] {
  if (spec.negative) return [];
  const items: FetchItem[] = [];
  if (spec.pattern) {
    for (const ref of refs) {
      if (matchPattern(spec.src, ref.name) === undefined) continue;
      items.push({
        name: ref.name,
        oid: ref.oid,
        exact: false,
        local: mapThrough(spec, ref.name),
        force: spec.force,
        status: 'list',
      });
    }
  } else {
    const name = spec.src === '' ? 'HEAD' : spec.src;
    const local = spec.dst === undefined || spec.dst === '' ? undefined : localName(spec.dst);
    if (spec.exactOid) {
      const oid = name.toLowerCase() as Oid;
      items.push({ name, oid, exact: true, local, force: spec.force, status: 'list' });
    } else {
      const found = findByAbbreviation(byName, name);
      if (found === undefined) {
        if (missingOk) return [];
        throw new GitError('REF_MISSING', `couldn't find remote ref ${name}`, { data: { ref: name } });
      }
      items.push({ name: found.name, oid: found.oid, exact: false, local, force: spec.force, status: 'list' });
    }
  }
  return items.filter((item) => {
    if (item.local === undefined) return true;
    if (item.local.startsWith('refs/') && checkRefFormat(item.local)) return true;
    problems.funny(item.local);
    return false;
  });
}

export interface FetchMapInput {
  readonly refs: readonly RemoteRef[];
  /** From the command line. */
  readonly given: readonly Refspec[];
  /** `--refmap`, in place of the configured ones for what is given on the command line. */
  readonly refmap: readonly Refspec[] | undefined;
  readonly configured: readonly Refspec[];
  /** `branch.<current>.merge`, where the remote is the branch's. */
  readonly merge: readonly string[];
  /** The current branch has a remote and something to merge. */
  readonly hasMerge: boolean;
  readonly tags: 'all' | 'none' | 'auto';
  readonly prefetch: boolean;
  readonly localRefs: ReadonlyMap<string, Oid>;
  readonly has: (oid: Oid) => Promise<boolean>;
  readonly problems: MapProblems;
}

const allTags: Refspec = {
  text: 'refs/tags/*:refs/tags/*',
  force: false,
  negative: false,
  pattern: true,
  matching: false,
  exactOid: false,
  src: 'refs/tags/*',
  dst: 'refs/tags/*',
};

export interface FetchMap {
  readonly items: FetchItem[];
  /** Tags that point into what is fetched come along. */
  readonly followTags: boolean;
}

/** What to fetch, and where each ref goes: command line, configuration, tags. */
export async function buildFetchMap(input: FetchMapInput): Promise<FetchMap> {
  const { refs, given, problems } = input;
  const byName = new Map(refs.map((ref) => [ref.name, ref]));
  let items: FetchItem[] = [];
  let opportunistic: FetchItem[] = [];
  let followTags = false;
  const map = (spec: Refspec, missingOk = false) => mapRefspec(refs, byName, spec, missingOk, problems);
  if (given.length > 0) {
    for (const spec of given) {
      items.push(...map(spec));
      if (spec.dst !== undefined && spec.dst !== '') followTags = true;
    }
    for (const item of items) item.status = 'merge';
    for (const spec of input.refmap ?? input.configured) {
      opportunistic.push(...mapKnown(items, spec, problems));
    }
  } else if (input.refmap !== undefined) {
    throw new GitError('USAGE', '--refmap option is only meaningful with command-line refspec(s)');
  } else if (input.configured.length > 0 || input.hasMerge) {
    input.configured.forEach((spec, i) => {
      const found = map(spec);
      if (spec.dst !== undefined && spec.dst !== '') followTags = true;
      if (i === 0 && !input.hasMerge && found.length > 0 && !spec.pattern) found[0]!.status = 'merge';
      items.push(...found);
    });
    for (const name of input.merge) {
      const known = items.find((item) => refNameMatches(name, item.name));
      if (known !== undefined) known.status = 'merge';
      else {
        const source = { ...allTags, text: name, pattern: false, src: name, dst: undefined };
        for (const item of map(source, true)) items.push({ ...item, status: 'merge' });
      }
    }
  } else if (!input.prefetch) {
    const head = byName.get('HEAD');
    if (head === undefined) throw new GitError('REF_MISSING', "couldn't find remote ref HEAD");
    items.push({ name: 'HEAD', oid: head.oid, exact: false, local: undefined, force: false, status: 'merge' });
  }
  if (input.tags === 'all') items.push(...map(allTags));
  else if (input.tags === 'auto' && followTags) items.push(...(await followedTags(input, items)));
  for (const item of opportunistic) item.status = 'ignore';
  items.push(...opportunistic);
  opportunistic = [];
  const negative = [...given, ...(given.length > 0 ? [] : input.configured)];
  items = items.filter((item) => item.exact || !isExcluded(negative, item.name));
  return { items: withoutDuplicates(items, problems), followTags: input.tags === 'auto' && followTags };
}

/** The configured refspecs applied to what the command line asks for: tracking refs move along. */
function mapKnown(items: readonly FetchItem[], spec: Refspec, problems: MapProblems): FetchItem[] {
  const refs = items.filter((item) => !item.exact).map((item) => ({ name: item.name, oid: item.oid }));
  return mapRefspec(refs, new Map(refs.map((ref) => [ref.name, ref])), spec, true, problems);
}

/** Two sources for one destination are refused; the same twice is one. */
function withoutDuplicates(items: readonly FetchItem[], problems: MapProblems): FetchItem[] {
  const seen = new Map<string, FetchItem>();
  const out: FetchItem[] = [];
  for (const item of items) {
    if (item.local === undefined) {
      out.push(item);
      continue;
    }
    const before = seen.get(item.local);
    if (before === undefined) {
      seen.set(item.local, item);
      out.push(item);
      continue;
    }
    if (before.name !== item.name) {
      if (before.status !== 'ignore' && item.status === 'ignore') {
        problems.warn?.(`${item.local} usually tracks ${item.name}, not ${before.name}`);
        continue;
      }
      throw new GitError('USAGE', duplicateMessage(before, item), { data: { ref: item.local } });
    }
    // The one that counts more for FETCH_HEAD stays.
    if (before.status === 'ignore' && item.status !== 'ignore') before.status = item.status;
  }
  return out;
}

function duplicateMessage(first: FetchItem, second: FetchItem): string {
  if (first.status !== 'ignore' && second.status !== 'ignore') {
    return `Cannot fetch both ${first.name} and ${second.name} to ${second.local}`;
  }
  return `${second.local} tracks both ${first.name} and ${second.name}`;
}

/** Tags not here yet whose object is here, or comes with what is fetched. */
export async function followedTags(
  input: Pick<FetchMapInput, 'refs' | 'localRefs' | 'has'>,
  items: readonly FetchItem[],
): Promise<FetchItem[]> {
  const coming = new Set(items.map((item) => item.oid));
  const here = async (oid: Oid) => coming.has(oid) || (await input.has(oid));
  const found: FetchItem[] = [];
  for (const ref of input.refs) {
    if (!ref.name.startsWith('refs/tags/') || input.localRefs.has(ref.name)) continue;
    if (items.some((item) => item.local === ref.name)) continue;
    if (!(await here(ref.oid)) && (ref.peeled === undefined || !(await here(ref.peeled)))) continue;
    found.push({ name: ref.name, oid: ref.oid, exact: false, local: ref.name, force: false, status: 'list' });
  }
  return found;
}
