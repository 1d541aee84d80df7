import type { Bytes } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { checkConnected } from '../history/reachable.js';
import { LinkCheck } from '../packs/link-check.js';
import { IncomingFsck, incomingRules } from '../repo/incoming-fsck.js';
import { missingValue } from '../repo/config.js';
import type { Repository } from '../repo/repository.js';
import type { RemoteRef } from './advertisement.js';
import { alternateRefs } from './alternate-refs.js';
import type { OpenBundle } from './bundle.js';
import { CommitCache } from './commit-cache.js';
import type { Connection } from './connection.js';
import { farewell, fetchPack } from './fetch-pack.js';
import type { Incoming } from './incoming.js';
import { storeIncoming } from './incoming.js';
import type { NegotiationAlgorithm } from './negotiator.js';
import { createNegotiator, including } from './negotiator.js';
import { boundaryByDepth, INFINITE_DEPTH, reachableOf, readShallow, writeShallow } from './shallow.js';

/** How far history is to go. */
export interface Deepening {
  /** 0: no limit asked for. */
  readonly depth: number;
  readonly relative: boolean;
  readonly since: string | undefined;
  readonly not: readonly string[];
}

export const noDeepening: Deepening = { depth: 0, relative: false, since: undefined, not: [] };

export const deepens = (deepening: Deepening): boolean =>
  deepening.depth > 0 || deepening.since !== undefined || deepening.not.length > 0;

export interface ObjectsRequest extends Deepening {
  readonly connection: Connection;
  readonly wants: readonly Oid[];
  /** v2 servers that know `ref-in-want`: asked for by name, so that a ref that moves meanwhile is no trouble. */
  readonly wantRefs?: readonly string[] | undefined;
  /** All that the other side showed: what we have of it is common. */
  readonly remoteRefs: readonly RemoteRef[];
  /** Where to begin telling what we have; all refs unless said. */
  readonly tips?: readonly Oid[] | undefined;
  /** To be told in any case. */
  readonly include?: readonly Oid[] | undefined;
  readonly filter: string | undefined;
  readonly includeTag: boolean;
  readonly agent: string;
  readonly serverOptions: readonly string[];
  /** What the server says on side band 2. */
  readonly progress: ((text: Bytes) => void) | undefined;
  /** Progress is wanted: told how far we are. */
  readonly receiving?:
    | ((phase: 'receive' | 'resolve', done: number, total: number, bytes?: number) => void)
    | undefined;
  readonly keep: boolean;
  readonly clone: boolean;
  /** Standard error, as it is: what `fetch.fsckObjects` finds. */
  readonly complain?: ((text: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** `--refetch`: as if we had nothing. */
  readonly refetch?: boolean | undefined;
  readonly rejectShallow?: boolean | undefined;
  /** Become shallow where the other side is; else what rests on its boundary is refused (`refusedTips`). */
  readonly updateShallow?: boolean | undefined;
  readonly promisor?: string | undefined;
}

export interface ObjectsResult {
  readonly incoming: Incoming | undefined;
  /** The boundary moved. */
  readonly shallow: ReadonlySet<Oid>;
  readonly unshallow: ReadonlySet<Oid>;
  readonly wantedRefs: ReadonlyMap<string, Oid>;
  /** Tips whose history ends at a boundary of the other side that is none of ours: their refs must not be written. */
  readonly refusedTips: ReadonlySet<Oid>;
}

/** What came in where nothing else changed. */
const received = (incoming: Incoming | undefined): ObjectsResult => ({
  incoming,
  shallow: new Set(),
  unshallow: new Set(),
  wantedRefs: new Map(),
  refusedTips: new Set(),
});

export function negotiationAlgorithm(repository: Repository): NegotiationAlgorithm {
  const text = repository.config.get('fetch.negotiationalgorithm');
  const entry = repository.config.last('fetch.negotiationalgorithm');
  if (entry !== undefined && entry.value === undefined) throw missingValue(entry);
  if (text === 'skipping' || text === 'noop' || text === 'consecutive') return text;
  if (text !== undefined && text !== 'default')
    throw new GitError('CONFIG', `unknown fetch negotiation algorithm '${text}'`);
  if (text === undefined && repository.config.getBool('feature.experimental', false)) return 'skipping';
  return 'consecutive';
}

/** Gets the objects of `wants` and all behind them, and moves the shallow boundary. The refs are the caller's. */
export async function fetchObjects(repository: Repository, request: ObjectsRequest): Promise<ObjectsResult> {
  const { bundle } = request.connection;
  if (bundle !== undefined) return takeBundle(repository, bundle, request);
  if (request.connection.walker !== undefined) return walkFiles(repository, request.connection.walker, request);
  const shallow = readShallow(repository);
  const commits = new CommitCache(repository.objects, shallow);
  const chosen = createNegotiator(request.refetch === true ? 'noop' : negotiationAlgorithm(repository), commits);
  const negotiator =
    request.include === undefined || request.refetch === true ? chosen : including(request.include, chosen);
  const locals: Oid[] = [];
  if (request.refetch !== true) {
    const head = await repository.refs.resolve('HEAD');
    if (head !== undefined) locals.push(head);
    for await (const ref of repository.refs.list('refs/')) locals.push(ref.oid);
    if (!request.clone) {
      const own = new Set(locals);
      // What the other side has and we have too; its ancestors need not be told.
      const seen = new Set<Oid>();
      for (const ref of request.remoteRefs) {
        if (seen.has(ref.oid)) continue;
        seen.add(ref.oid);
        if (!own.has(ref.oid) && !(await hasQuietly(repository, ref.oid))) continue;
        if (deepens(request)) continue;
        const commit = await commits.peel(ref.oid);
        if (commit !== undefined && (own.has(ref.oid) || own.has(commit))) await negotiator.knownCommon(commit);
      }
    }
    const told = new Set<Oid>();
    for (const tip of [
      ...(request.tips ?? locals),
      ...(request.tips === undefined ? await alternateRefs(repository) : []),
    ]) {
      if (told.has(tip)) continue;
      told.add(tip);
      const commit = await commits.peel(tip);
      if (commit !== undefined) await negotiator.addTip(commit);
    }
  }
  const wants = await missingWants(repository, request, locals);
  if (wants.length === 0 && (request.wantRefs ?? []).length === 0) {
    const { connection } = request;
    if (connection.advertisement.version !== 2 && !connection.stateless) await connection.send(farewell);
    return received(undefined);
  }
  refuseUnadvertised(request);
  const fetchLimit = limitOf(repository);
  const checks = incomingRules(repository, 'fetch', (message) => request.complain?.(`warning: ${message}\n`));
  let incoming: Incoming | undefined;
  const { capabilities, version } = request.connection.advertisement;
  const filters = version === 2 ? capabilities.supports('fetch', 'filter') : capabilities.has('filter');
  if (request.filter !== undefined && !filters) {
    request.complain?.('warning: filtering not recognized by server, ignoring\n');
  }
  const result = await fetchPack(request.connection, {
    wants,
    wantRefs: request.wantRefs,
    negotiator,
    shallow,
    depth: request.depth,
    relative: request.relative,
    since: request.since,
    not: request.not,
    filter: request.filter,
    thin: true,
    includeTag: request.includeTag,
    noProgress: request.receiving === undefined,
    agent: request.agent,
    serverOptions: request.serverOptions,
    progress: request.progress ?? (() => {}),
    store: async (pack, told) => {
      // A clone's pack must hold all that its objects name; that is seen while it comes, without a walk afterwards.
      const boundary = new Set([...told, ...request.connection.advertisement.shallow]);
      const links =
        request.clone && request.promisor === undefined
          ? new LinkCheck(repository.objects, true, (oid) => boundary.has(oid))
          : undefined;
      const fsck = !checks.wanted
        ? undefined
        : new IncomingFsck({
            algorithm: repository.objectFormat,
            rules: checks.rules(),
            links:
              request.promisor === undefined && links === undefined
                ? new LinkCheck(repository.objects, false, (oid) => boundary.has(oid) || shallow.has(oid))
                : undefined,
            tell: (line) => request.complain?.(`${line}\n`),
          });
      incoming = await storeIncoming(repository, copied(repository, pack), {
        unpackLimit: request.keep || request.clone || checks.wanted ? 0 : fetchLimit,
        keep: request.clone ? undefined : `fetch-pack ${repository.platform.pid} on ${repository.platform.hostName}`,
        promisor: request.promisor,
        links: links && ((oid, kind, data) => links.object(oid, kind, data, repository.objectFormat)),
        fsck,
        progress: request.receiving,
        signal: request.signal,
      });
      if (links !== undefined) {
        await links.finish();
        for (const oid of request.wants) {
          if (!(await repository.objects.has(oid))) {
            throw new GitError('TRANSPORT', 'remote did not send all necessary objects', { data: { oid } });
          }
        }
      }
    },
  });
  const asked = deepens(request);
  const roots = asked ? result.shallow : await foreignRoots(repository, request, shallow, locals, result.shallow);
  const refusedTips =
    asked || request.clone || request.updateShallow === true || roots.size === 0
      ? new Set<Oid>()
      : await tipsOn(repository, [...request.wants, ...result.wantedRefs.values()], roots);
  await moveBoundary(repository, shallow, refusedTips.size === 0 ? roots : new Set(), result.unshallow);
  const { wantedRefs } = result;
  return { incoming, shallow: result.shallow, unshallow: result.unshallow, wantedRefs, refusedTips };
}

/** Objects from a server that only knows files. */
async function walkFiles(
  repository: Repository,
  walker: NonNullable<Connection['walker']>,
  request: ObjectsRequest,
): Promise<ObjectsResult> {
  if (deepens(request)) {
    throw new GitError('UNSUPPORTED', 'dumb http transport does not support shallow capabilities');
  }
  await walker(repository, request.wants);
  repository.objects.refresh();
  return received(undefined);
}

/** All of a bundle's pack: nothing can be chosen. */
async function takeBundle(repository: Repository, bundle: OpenBundle, request: ObjectsRequest): Promise<ObjectsResult> {
  const { bundleFault, faultLines, unbundle } = await import('./bundle.js');
  const { header } = bundle;
  const fault = await bundleFault(repository, header);
  if (fault !== undefined) {
    const lines = faultLines(fault);
    if (request.clone) {
      for (const line of lines) request.complain?.(`error: ${line}\n`);
      throw new GitError('TRANSPORT', 'remote transport reported error');
    }
    const last = lines.pop()!;
    const preface = lines.map((line) => `error: ${line}\n`).join('');
    throw new GitError('TRANSPORT', last, { data: { severity: 'error', preface } });
  }
  const incoming = await unbundle(repository, bundle, {
    check: true,
    complain: (text) => request.complain?.(text),
    keep: request.clone ? undefined : `fetch-pack ${repository.platform.pid} on ${repository.platform.hostName}`,
    progress: request.receiving,
    signal: request.signal,
  });
  return received(incoming);
}

/** The other side's own boundary, where our refs do not reach past it: there we have the parents. */
async function foreignRoots(
  repository: Repository,
  request: ObjectsRequest,
  own: ReadonlySet<Oid>,
  locals: readonly Oid[],
  told: ReadonlySet<Oid>,
): Promise<ReadonlySet<Oid>> {
  const roots = new Set<Oid>();
  for (const oid of [...told, ...request.connection.advertisement.shallow]) {
    if (!own.has(oid) && (await repository.objects.has(oid))) roots.add(oid);
  }
  if (roots.size === 0) return roots;
  for (const oid of await reachableOf(new CommitCache(repository.objects, own), locals, roots)) roots.delete(oid);
  return roots;
}

/** The tips whose history ends at one of `roots`. */
async function tipsOn(repository: Repository, tips: readonly Oid[], roots: ReadonlySet<Oid>): Promise<Set<Oid>> {
  const found = new Set<Oid>();
  const commits = new CommitCache(repository.objects);
  for (const tip of tips) {
    const { shallow } = await boundaryByDepth(commits, [tip], INFINITE_DEPTH, roots);
    if (shallow.length > 0) found.add(tip);
  }
  return found;
}

/** What is not the tip of something whole: our own refs and those of repositories we borrow from are. */
async function missingWants(
  repository: Repository,
  request: ObjectsRequest,
  locals: readonly Oid[],
): Promise<readonly Oid[]> {
  if (request.refetch === true || deepens(request)) return request.wants;
  const whole = new Set([...locals, ...(await alternateRefs(repository))]);
  const missing: Oid[] = [];
  for (const oid of request.wants) if (!whole.has(oid) || !(await hasQuietly(repository, oid))) missing.push(oid);
  return missing;
}

/** `GIT_TRACE_PACKFILE`: the pack as it comes, into a file too. */
function copied(repository: Repository, pack: AsyncIterable<Bytes>): AsyncIterable<Bytes> {
  const target = repository.env['GIT_TRACE_PACKFILE'];
  if (target === undefined || !target.startsWith('/')) return pack;
  const { fs } = repository.platform;
  return (async function* () {
    for await (const chunk of pack) {
      fs.appendFile(target, chunk);
      yield chunk;
    }
  })();
}

/** v0 servers only give what they showed, unless they say otherwise. */
function refuseUnadvertised(request: ObjectsRequest): void {
  const { version, capabilities, refs } = request.connection.advertisement;
  if (version === 2 || capabilities.has('allow-tip-sha1-in-want') || capabilities.has('allow-reachable-sha1-in-want'))
    return;
  const shown = new Set<Oid>();
  // What a tag leads to is shown with it, but is no ref.
  for (const ref of refs) shown.add(ref.oid);
  const refused = request.wants.filter((oid) => !shown.has(oid));
  if (refused.length === 0) return;
  const lines = refused.map((oid) => `Server does not allow request for unadvertised object ${oid}`);
  const last = lines.pop()!;
  throw new GitError('TRANSPORT', last, {
    data: { oid: refused[0], severity: 'error', preface: lines.map((line) => `error: ${line}\n`).join('') },
  });
}

function limitOf(repository: Repository): number {
  const { config } = repository;
  const fetch = config.getInt('fetch.unpacklimit');
  if (fetch !== undefined && fetch >= 0) return fetch;
  const transfer = config.getInt('transfer.unpacklimit');
  return transfer !== undefined && transfer >= 0 ? transfer : 100;
}

async function hasQuietly(repository: Repository, oid: Oid): Promise<boolean> {
  try {
    return await repository.objects.has(oid);
  } catch (error) {
    if (isGitError(error, 'OBJECT_CORRUPT')) return false;
    throw error;
  }
}

/** Writes the new boundary. */
async function moveBoundary(
  repository: Repository,
  before: ReadonlySet<Oid>,
  added: ReadonlySet<Oid>,
  removed: ReadonlySet<Oid>,
): Promise<void> {
  const after = new Set(before);
  for (const oid of added) if (await repository.objects.has(oid)) after.add(oid);
  for (const oid of removed) after.delete(oid);
  if (after.size === before.size && [...after].every((oid) => before.has(oid))) return;
  writeShallow(repository, after);
}

/** Is everything behind `tips` here already, counting on our refs to be complete? */
export async function isComplete(repository: Repository, tips: readonly Oid[], trustRefs = true): Promise<boolean> {
  for (const tip of tips) if (!(await hasQuietly(repository, tip))) return false;
  const complete: Oid[] = [];
  if (trustRefs) {
    for await (const ref of repository.refs.list('refs/')) complete.push(ref.oid);
    complete.push(...(await alternateRefs(repository)));
  }
  const grafts = new Map<string, readonly Oid[]>();
  for (const oid of readShallow(repository)) grafts.set(oid, []);
  try {
    return (await checkConnected(repository.objects, { tips, complete, grafts })) === undefined;
  } catch (error) {
    if (isGitError(error, 'OBJECT_CORRUPT')) return false;
    throw error;
  }
}
