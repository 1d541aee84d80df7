import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { readKind } from '../objects/database.js';
import { isTreeMode, MODE_FILE, MODE_TREE } from '../objects/mode.js';
import type { ObjectStore } from '../objects/source.js';
import type { TreeEntry } from '../objects/tree.js';
import { parseTree, serializeTree } from '../objects/tree.js';
import type { Stage } from './hook.js';
import type { TreeMerge } from './tree.js';

/** How one conflict is settled: by a side (a side that has nothing there deletes), or by content of one's own. */
export type Resolution =
  | 'base'
  | 'ours'
  | 'theirs'
  | 'delete'
  /** What the merge left there: the attempt. */
  | 'as-is'
  | { readonly content: Bytes; readonly mode?: number | undefined };

/**
 * Settles one conflict of a merge and answers the merge without it; the last one settled makes it clean, and its tree
 * can be committed. Needs no index and no work tree. Throws `PATH_MISSING` where the path has no conflict.
 */
export async function resolveConflict(
  objects: ObjectStore,
  merge: TreeMerge,
  path: string,
  resolution: Resolution,
): Promise<TreeMerge> {
  const conflict = merge.unmerged.find((one) => one.path === path);
  if (conflict === undefined && !merge.conflicts.some((one) => one.path === path))
    throw new GitError('PATH_MISSING', `path '${path}' has no conflict`, { data: { path } });
  let tree = merge.tree;
  if (resolution !== 'as-is') {
    const entry = await resolvedEntry(objects, conflict?.stages ?? {}, resolution);
    tree = await withEntry(objects, tree, path.split('/'), entry);
  }
  const unmerged = merge.unmerged.filter((one) => one !== conflict);
  const conflicts = merge.conflicts.filter((one) => one.path !== path);
  return { ...merge, tree, unmerged, conflicts, clean: unmerged.length === 0 && conflicts.length === 0 };
}

async function resolvedEntry(
  objects: ObjectStore,
  stages: TreeMerge['unmerged'][number]['stages'],
  resolution: Exclude<Resolution, 'as-is'>,
): Promise<Stage | undefined> {
  if (resolution === 'delete') return undefined;
  if (typeof resolution === 'string') return stages[resolution];
  const oid = await objects.write('blob', resolution.content);
  const mode = resolution.mode ?? stages.ours?.mode ?? stages.theirs?.mode ?? stages.base?.mode ?? MODE_FILE;
  return { mode, oid };
}

/** The tree with one path set, or taken away; directories left empty go too. */
async function withEntry(
  objects: ObjectStore,
  tree: Oid<'tree'> | undefined,
  steps: readonly string[],
  entry: Stage | undefined,
): Promise<Oid<'tree'>> {
  const [name, ...rest] = steps as [string, ...string[]];
  const oidLength = objects.algorithm === 'sha1' ? 20 : 32;
  const rows = tree === undefined ? [] : parseTree(await readKind(objects, tree, 'tree'), oidLength);
  const others = rows.filter((row) => row.name !== name);
  const old = rows.find((row) => row.name === name);
  let next: TreeEntry | undefined;
  if (rest.length === 0) next = entry === undefined ? undefined : { name, mode: entry.mode, oid: entry.oid };
  else {
    const below = old !== undefined && isTreeMode(old.mode) ? (old.oid as Oid<'tree'>) : undefined;
    const oid = await withEntry(objects, below, rest, entry);
    const empty = (await readKind(objects, oid, 'tree')).length === 0;
    if (!empty) next = { name, mode: MODE_TREE, oid };
  }
  return objects.write('tree', serializeTree(next === undefined ? others : [...others, next], { sorted: true }));
}
