import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import { GitError, isGitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import type { ObjectSource } from '../objects/source.js';
import { parseTag } from '../objects/tag.js';
import { CommitPool } from './commit-pool.js';
import type { CommitNode, CommitPositions } from './commit-pool.js';
import { BOTTOM, NOT_USER_GIVEN, UNINTERESTING } from './flags.js';
import type { ObjectFilter } from './object-filter.js';
import { DO_SHOW } from './object-filter.js';
import { ObjectWalk } from './object-walk.js';
import { RevisionWalk } from './walk.js';

export interface ReachedObject {
  readonly oid: Oid;
  readonly kind: ObjectKind;
  /** Where a tree or blob was met first ('' for a root tree); a tag's name; '' for commits. */
  readonly path: string;
}

export interface ReachableOptions {
  /** Objects of any kind. */
  readonly wants: readonly Oid[];
  /** Paths of trees and blobs among `wants`, where they are known. */
  readonly paths?: ReadonlyMap<Oid, string> | undefined;
  /** What is there already, with all that can be reached from it. Ids that are unknown here are passed over. */
  readonly haves?: readonly Oid[];
  readonly filter?: ObjectFilter | undefined;
  /** Parents to believe in place of the recorded ones (shallow commits: none). */
  readonly grafts?: ReadonlyMap<string, readonly Oid[]> | undefined;
  readonly graph?: CommitPositions | undefined;
  /** Asked when an object cannot be read: `true` goes on without it. */
  readonly missing?: ((oid: Oid, kind: ObjectKind) => Awaitable<boolean>) | undefined;
  /** Leave out trees or blobs. */
  readonly trees?: boolean;
  readonly blobs?: boolean;
  /**
   * What is left out besides the haves' commits: trees of the commits at the edge (`rev-list --objects`), or of every
   * have named (`--objects-edge-aggressive`, for thin packs of shallow histories).
   */
  readonly edges?: 'parents' | 'all';
  /** Told of each commit at the edge: objects a thin pack may build on. */
  readonly onEdge?: ((oid: Oid<'commit'>) => void) | undefined;
}

/**
 * All objects that can be reached from `wants` and not from `haves`, each once, in the order of
 * `git rev-list --objects`: commits newest first, then tags, trees and blobs in the order met. `visit` is called for
 * each. Throws `OBJECT_MISSING` unless `missing` allows it.
 */
export async function visitReachable(
  objects: ObjectSource,
  options: ReachableOptions,
  visit: (oid: Oid, kind: ObjectKind, path: string) => void,
): Promise<void> {
  const { wants, haves = [], filter, missing } = options;
  const sample = wants[0] ?? haves[0];
  if (sample === undefined) return;
  const pool = new CommitPool(objects, { grafts: options.grafts, graph: options.graph });
  const walk = new RevisionWalk(pool, {
    limited: true,
    plain: true,
    missingParent: missing === undefined ? undefined : (oid) => missing(oid, 'commit'),
  });
  const trees = new ObjectWalk(objects, {
    show: visit,
    trees: options.trees !== false,
    blobs: options.blobs !== false,
    filter,
    missing: missing === undefined ? undefined : (oid, kind) => missing(oid, kind),
    oidLength: sample.length / 2,
  });
  const ends: CommitNode[] = [];
  for (const oid of haves) {
    const found = await peel(objects, oid, undefined);
    if (found === undefined) continue;
    if (found.kind === 'commit') {
      const node = pool.node(found.oid);
      await walk.add(node, UNINTERESTING | BOTTOM);
      ends.push(node);
    } else if (found.kind === 'tree') await trees.excludeTree(found.oid);
    else trees.excludeBlob(found.oid);
  }
  for (const oid of wants) {
    const found = await peel(objects, oid, (tag, name) => trees.add('tag', tag, name, true));
    if (found === undefined) {
      if (missing !== undefined && (await missing(oid, 'commit'))) continue;
      throw new GitError('OBJECT_MISSING', `bad object ${oid}`, { data: { oid } });
    }
    if (found.kind === 'commit') await walk.add(pool.node(found.oid));
    else trees.add(found.kind, found.oid, options.paths?.get(found.oid) ?? '', true);
  }
  await walk.prepare();
  if (options.trees !== false || options.onEdge !== undefined) {
    await excludeEdges(pool, walk.edges(), options.trees === false ? undefined : trees, options.onEdge);
    if (options.edges === 'all') {
      for (const end of ends) {
        options.onEdge?.(end.oid);
        await trees.excludeTree(end.tree);
      }
    }
  }
  for (;;) {
    const step = walk.next();
    const node = isPromise(step) ? await step : step;
    if (node === undefined) break;
    if (options.trees !== false && node.tree !== '') trees.add('tree', node.tree, '', false);
    if (filter !== undefined && (node.flags & NOT_USER_GIVEN) !== 0) {
      const bits = filter.ask('commit', node.oid, '');
      if (((isPromise(bits) ? await bits : bits) & DO_SHOW) === 0) continue;
    }
    visit(node.oid, 'commit', '');
  }
  await trees.flush();
}

/** Marks the trees of the commits at the edge (`RevisionWalk.edges`) as not wanted. */
export async function excludeEdges(
  pool: CommitPool,
  edges: Iterable<CommitNode>,
  trees: ObjectWalk | undefined,
  onEdge: ((oid: Oid<'commit'>) => void) | undefined,
): Promise<void> {
  const told = new Set<CommitNode>();
  for (const edge of edges) {
    if (told.has(edge)) continue;
    told.add(edge);
    let there: boolean;
    try {
      there = await pool.load(edge);
    } catch {
      there = false;
    }
    if (there) await trees?.excludeTree(edge.tree);
    onEdge?.(edge.oid);
  }
}

/** Follows tags to what they name; `undefined` where something is missing. */
async function peel(
  objects: ObjectSource,
  oid: Oid,
  onTag: ((oid: Oid, name: string) => void) | undefined,
): Promise<{ oid: Oid; kind: 'commit' | 'tree' | 'blob' } | undefined> {
  for (let current = oid; ; ) {
    const header = objects.readHeader === undefined ? await objects.read(current) : await objects.readHeader(current);
    if (header === undefined) return undefined;
    if (header.kind !== 'tag') return { oid: current, kind: header.kind };
    const object = await objects.read(current);
    if (object === undefined) return undefined;
    const tag = parseTag(object.data);
    onTag?.(current, tag.name);
    current = tag.target;
  }
}

export interface ConnectedOptions extends Pick<ReachableOptions, 'grafts' | 'graph' | 'missing'> {
  /** Objects that must be complete. */
  readonly tips: readonly Oid[];
  /** Objects known to be complete: where the walk may stop. */
  readonly complete: readonly Oid[];
}

/**
 * Makes sure that everything reachable from the tips is here. The first object that is not is the answer;
 * `undefined`: all is well.
 */
export async function checkConnected(objects: ObjectSource, options: ConnectedOptions): Promise<Oid | undefined> {
  const blobs: Oid[] = [];
  try {
    await visitReachable(
      objects,
      {
        wants: options.tips,
        haves: options.complete,
        grafts: options.grafts,
        graph: options.graph,
        missing: options.missing,
      },
      (oid, kind) => {
        if (kind === 'blob') blobs.push(oid);
      },
    );
  } catch (error) {
    if (isGitError(error, 'OBJECT_MISSING') && typeof error.data.oid === 'string') return error.data.oid as Oid;
    throw error;
  }
  for (const oid of blobs) {
    const there = objects.has(oid);
    if (isPromise(there) ? await there : there) continue;
    if (options.missing !== undefined && (await options.missing(oid, 'blob'))) continue;
    return oid;
  }
  return undefined;
}
