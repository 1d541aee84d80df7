import type { Awaitable } from '../base/awaitable.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import type { CommitNode } from '../history/commit-pool.js';
import { CommitPool } from '../history/commit-pool.js';
import { ANCESTRY_PATH, BOUNDARY, PATCHSAME, SYMMETRIC_LEFT, UNINTERESTING, USER_GIVEN } from '../history/flags.js';
import { RevisionWalk } from '../history/walk.js';
import type { PathLimit } from '../history/walk.js';
import type { Pathspec } from '../repo/pathspec.js';
import { parsePathspec } from '../repo/pathspec.js';
import type { Repository } from '../repo/repository.js';
import { resolveCommit, resolveRevision } from '../repo/revision.js';
import { changedPathQuestion } from './log-bloom.js';
import type { PendingObject, RevisionRequest } from './log-revisions.js';
import { peelPending } from './log-revisions.js';
import type { LogSettings } from './log-settings.js';
import { pathLimit } from './log-paths.js';

/** Objects other than commits that were named. */
export interface NamedObject {
  readonly oid: Oid;
  readonly kind: Exclude<ObjectKind, 'commit'>;
  readonly name: string;
  readonly path: string;
  readonly excluded: boolean;
}

export interface LogWalk {
  readonly pool: CommitPool;
  readonly walk: RevisionWalk;
  readonly pathspec: Pathspec;
  readonly objects: readonly NamedObject[];
  /** By which name each commit was reached, where that was asked for. */
  readonly sources: Map<CommitNode, string> | undefined;
}

export interface LogWalkOptions {
  /** Commits are printed: their bytes are kept. */
  readonly keepData?: boolean;
  readonly match?: ((node: CommitNode) => Awaitable<boolean>) | undefined;
  readonly decorated?: ((node: CommitNode) => boolean) | undefined;
  readonly patchId?: ((node: CommitNode) => Awaitable<string | undefined>) | undefined;
  readonly lineFilter?: ((node: CommitNode) => Awaitable<boolean>) | undefined;
  readonly entries?: { next(): Awaitable<CommitNode | undefined> } | undefined;
  readonly sources?: boolean;
  /** The paths limit what is shown, not which commits (`--follow`). */
  readonly noPruning?: boolean;
  readonly pathSettings?: Parameters<typeof parsePathspec>[1];
  readonly missingParent?: ((oid: Oid) => Awaitable<boolean>) | undefined;
  readonly pool?: CommitPool;
  readonly paths?: PathLimit | undefined;
  /** See `WalkOptions.plain`. */
  readonly plain?: boolean;
}

/** Makes the walk that a request describes, tips added, not yet prepared. */
export async function createLogWalk(
  repository: Repository,
  request: RevisionRequest,
  options: LogWalkOptions = {},
): Promise<LogWalk> {
  const { settings } = request;
  const pathspec = parsePathspec(request.paths, {
    prefix: repository.prefix,
    workTree: repository.workTree,
    ...options.pathSettings,
  });
  const pool =
    options.pool ??
    new CommitPool(repository.objects, {
      keepData: options.keepData === true,
      grafts: repository.grafts,
      graph: repository.commitGraph,
    });
  const prune = !pathspec.isEmpty && options.noPruning !== true;
  const sources = options.sources === true ? new Map<CommitNode, string>() : undefined;
  const bottoms: CommitNode[] = [];
  for (const text of settings.ancestryBottoms) {
    const oid = await resolveCommit(repository, text);
    const node = pool.node(oid);
    await pool.load(node);
    // Its ancestors count as well, but not where an annotated tag names it.
    if ((await resolveRevision(repository, text)) === oid) node.flags |= ANCESTRY_PATH;
    bottoms.push(node);
  }
  const question =
    pathspec.isEmpty || options.entries !== undefined || pool.graph === undefined
      ? undefined
      : changedPathQuestion(repository, pathspec);
  const walk = new RevisionWalk(pool, {
    order: settings.order,
    reverse: settings.reverse,
    firstParent: settings.firstParent,
    excludeFirstParentOnly: settings.excludeFirstParentOnly,
    boundary: settings.boundary,
    noWalk: settings.noWalk,
    maxCount: settings.maxCount,
    maxCountOldest: settings.maxCountOldest,
    skip: settings.skip,
    maxAge: settings.maxAge,
    minAge: settings.minAge,
    maxAgeAsFilter: settings.maxAgeAsFilter,
    minParents: settings.minParents,
    maxParents: settings.maxParents,
    ancestryPath: bottoms.length > 0 ? bottoms : settings.ancestryPath,
    cherryPick: settings.cherryPick,
    cherryMark: settings.cherryMark,
    leftOnly: settings.leftOnly,
    rightOnly: settings.rightOnly,
    ...(options.patchId === undefined ? {} : { patchId: options.patchId }),
    match: options.match,
    paths: prune ? (options.paths ?? pathLimit(repository, pathspec, settings.removeEmpty, question)) : undefined,
    decorated: options.decorated,
    simplifyHistory: settings.simplifyHistory,
    dense: settings.dense,
    simplifyMerges: settings.simplifyMerges,
    showPulls: settings.showPulls,
    removeEmpty: settings.removeEmpty,
    rewriteParents: settings.rewriteParents,
    children: settings.children,
    saveParents: settings.fullDiff,
    limited: settings.limited,
    maximalOnly: settings.maximalOnly,
    isPacked: settings.unpacked ? (oid) => isPacked(repository, oid) : undefined,
    ignoreMissingLinks: false,
    missingParent: options.missingParent,
    lineFilter: options.lineFilter,
    trackLinear: settings.showLinearBreak !== undefined,
    sources,
    entries: options.entries,
    plain: options.plain === true,
  });
  const objects: NamedObject[] = [];
  for (const pending of request.pending) {
    await addPending(repository, pool, walk, settings, pending, objects, options.entries !== undefined);
  }
  return { pool, walk, pathspec, objects, sources };
}

async function addPending(
  repository: Repository,
  pool: CommitPool,
  walk: RevisionWalk,
  settings: LogSettings,
  pending: PendingObject,
  objects: NamedObject[],
  onlyEntries: boolean,
): Promise<void> {
  const peeled = await peelPending(repository, pending, settings.ignoreMissing);
  if (peeled === undefined) return;
  const excluded = (pending.flags & UNINTERESTING) !== 0;
  if (settings.tags && !excluded) {
    for (const tag of peeled.tags) objects.push({ oid: tag.oid, kind: 'tag', name: tag.name, path: '', excluded });
  }
  if (peeled.kind === 'commit') {
    if (onlyEntries && !excluded) return;
    await walk.add(pool.node(peeled.oid), pending.flags | USER_GIVEN, pending.source ?? pending.name);
    return;
  }
  if (peeled.kind === 'tree' ? !settings.trees : !settings.blobs) return;
  objects.push({
    oid: peeled.oid,
    kind: peeled.kind,
    name: pending.name,
    path: peeled.tags.length > 0 ? '' : (pending.path ?? ''),
    excluded,
  });
}

async function isPacked(repository: Repository, oid: Oid): Promise<boolean> {
  for (const { packs } of repository.objectDirectories) if (await packs.has(oid)) return true;
  return false;
}

/** The mark that stands in front of a commit: its side, or what it is. */
export function revisionMark(settings: LogSettings, node: CommitNode): string {
  if ((node.flags & BOUNDARY) !== 0) return '-';
  if ((node.flags & UNINTERESTING) !== 0) return '^';
  if ((node.flags & PATCHSAME) !== 0) return '=';
  if (settings.leftRight) return (node.flags & SYMMETRIC_LEFT) !== 0 ? '<' : '>';
  if (settings.graph) return '*';
  if (settings.cherryMark) return '+';
  return '';
}

/** The same for `%m`, which always tells sides. */
export function formatMark(node: CommitNode): string {
  if ((node.flags & BOUNDARY) !== 0) return '-';
  if ((node.flags & UNINTERESTING) !== 0) return '^';
  if ((node.flags & PATCHSAME) !== 0) return '=';
  return (node.flags & SYMMETRIC_LEFT) !== 0 ? '<' : '>';
}
