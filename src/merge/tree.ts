import type { NonEmpty } from '../base/awaitable.js';
import type { Awaitable } from '../base/awaitable.js';
import { compareText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { emptyTreeOid } from '../base/oid.js';
import { maxScore } from '../diff/similarity.js';
import type { ObjectSource, ObjectStore } from '../objects/source.js';
import { HashOrderedMap } from './hash-order.js';
import { checkAborted } from './combinators.js';
import type { DirectoryRenamePolicy } from './directory-renames.js';
import { collectRenames } from './directory-renames.js';
import type { DriverFor } from './driver.js';
import type { SubmoduleMerge } from './entry-merge.js';
import { EntryMerge } from './entry-merge.js';
import type { Conflict, ConflictKind, MergeContext, MergeFn, Stages, SubmoduleAdvice } from './hook.js';
import type { MergeMessage } from './messages.js';
import { Placing } from './placing.js';
import { applyRenames } from './rename-slots.js';
import { detectRenames } from './renames.js';
import { shiftToMatch } from './subtree.js';
import type { Side, SideRenames, Version } from './tree-state.js';
import { absent, MergeState } from './tree-state.js';
import { TreeWalk } from './tree-walk.js';

/** How files of trees are paired and what decides where no driver does. */
export interface TreeOptions {
  /** Least score of a rename, 0 to 60000 (git's 50 % is 30000 and the default); `false`: no renames. */
  readonly renames?: number | false | undefined;
  /** `merge.renameLimit`, 7000 unless said; 0 or less means that too. */
  readonly renameLimit?: number | undefined;
  readonly directoryRenames?: DirectoryRenamePolicy | undefined;
  /** The other side, and the base, are moved below this directory first; `true`: wherever they fit ours best. */
  readonly subtree?: string | true | undefined;
  /** `-X ours|theirs`, for links and other things that no driver merges. */
  readonly favor?: 'ours' | 'theirs' | undefined;
  /** Paths whose driver wants to be asked where both sides made the same change; none unless said. */
  readonly asks?: ((path: string) => Awaitable<boolean>) | undefined;
  readonly submodule?: SubmoduleMerge | undefined;
  /** True when two versions are the same file once line endings are normalised: a change of those is no change. */
  readonly sameNormalised?: ((base: Version, side: Version, path: string) => Promise<boolean>) | undefined;
}

/** A path that stays unmerged, with what goes into the index for it. */
export interface UnmergedPath {
  readonly path: string;
  readonly stages: Stages;
}

/** All there is to say about a merge of trees. The tree is whole even when there are conflicts: it holds the attempts. */
export interface TreeMerge {
  readonly tree: Oid<'tree'>;
  readonly clean: boolean;
  /** By path. */
  readonly unmerged: readonly UnmergedPath[];
  /** In git's order. */
  readonly messages: readonly MergeMessage[];
  readonly conflicts: readonly Conflict[];
  /** Above 0: the search for renames was cut short, and this limit would have let it run. */
  readonly neededRenameLimit: number;
  /** The submodules that have to be merged by hand. */
  readonly submodules?: readonly SubmoduleAdvice[] | undefined;
}

/** Three trees; without a base both sides added everything. */
export interface TreeMergeRequest {
  readonly base: Oid<'tree'> | undefined;
  readonly ours: Oid<'tree'>;
  readonly theirs: Oid<'tree'>;
}

/**
 * Merges three trees as git's `ort` does: one hook per file, renames paired first. `objects` is written to; `reads`,
 * where given, is read instead (a scratch area over it).
 */
export async function mergeTrees(
  objects: ObjectStore,
  driverFor: DriverFor,
  request: TreeMergeRequest,
  context: MergeContext,
  options: TreeOptions = {},
  reads: ObjectSource = objects,
): Promise<TreeMerge> {
  const { ours } = request;
  let base = request.base ?? emptyTreeOid(objects.algorithm);
  let { theirs } = request;
  if (options.subtree !== undefined) {
    const shifted = await shiftToMatch(reads, objects, { base, ours, theirs }, options.subtree);
    base = shifted.base;
    theirs = shifted.theirs;
  }
  const newState = () => new MergeState(reads, objects, context.labels, context.depth);
  let state = newState();
  const minimumScore = options.renames === undefined ? maxScore / 2 : options.renames;
  const walkOptions = { renames: minimumScore !== false, asks: options.asks };
  const worthRepeating = await new TreeWalk(state, walkOptions).run(base, ours, theirs);
  checkAborted(context);
  let neededRenameLimit = 0;
  if (minimumScore !== false && sides.some((side) => worthSearching(state, side))) {
    const given = options.renameLimit ?? 0;
    const limit = given > 0 ? given : 7000;
    for (const side of sides) {
      if (!worthSearching(state, side)) continue;
      const { neededLimit } = await detectRenames(state, state.side(side), { minimumScore, limit });
      neededRenameLimit = Math.max(neededRenameLimit, neededLimit);
      checkAborted(context);
    }
    if (worthRepeating && neededRenameLimit === 0) {
      const first = state;
      state = newState();
      for (const side of sides) learn(state.side(side), first.side(side));
      await new TreeWalk(state, walkOptions).run(base, ours, theirs);
      for (const side of sides) recall(state.side(side));
    }
  }
  const entries = new EntryMerge(state, {
    driverFor,
    favor: context.depth > 0 ? undefined : options.favor,
    submodule: options.submodule,
    signal: context.signal,
  });
  if (minimumScore !== false) {
    await applyRenames(state, await collectRenames(state, options.directoryRenames ?? 'conflict'), entries);
  }
  const tree = await new Placing(state, entries, { sameNormalised: options.sameNormalised }).run();
  const messages = state.messages.sorted();
  const unmerged = [...state.unmerged.keys()].sort(compareText).map((path): UnmergedPath => {
    const slot = state.unmerged.get(path)!;
    const stage = (side: number) => ((slot.files & (1 << side)) === 0 ? undefined : slot.stages[side]);
    return { path, stages: { base: stage(0), ours: stage(1), theirs: stage(2) } };
  });
  return {
    tree,
    clean: state.clean && unmerged.length === 0,
    unmerged,
    messages,
    conflicts: conflictsOf(unmerged, messages, context),
    neededRenameLimit,
    ...(state.submodules.length > 0 ? { submodules: state.submodules } : {}),
  };
}

const sides = [1, 2] as const;

/** Hands what one walk found out about the files that matter to the next. */
function learn(next: SideRenames, before: SideRenames): void {
  const known = new Map<string, string | undefined>();
  for (const { kind, from, to } of before.pairs) {
    if (kind === 'added') continue;
    const relevance = before.relevant.get(from!.path);
    if (relevance === 'content' || relevance === 'location') known.set(from!.path, to?.path);
  }
  for (const [path, relevance] of before.relevant) if (relevance === 'no more') known.set(path, undefined);
  next.known = known;
  next.directoryCounts = before.directoryCounts;
}

/** Puts the known renames among the pairs; the order of git's table shows in the order of messages. */
function recall(renames: SideRenames): void {
  const ordered = new HashOrderedMap<string | undefined>();
  for (const [path, target] of renames.known!) ordered.set(path, target);
  for (const [path, target] of ordered) {
    if (target === undefined) continue;
    const { side } = renames;
    renames.pairs.push({
      kind: 'renamed',
      from: { path, version: absent },
      to: { path: target, version: absent },
      side,
    });
  }
}

function worthSearching(state: MergeState, side: Side): boolean {
  const { pairs, relevant } = state.side(side);
  return pairs.length > 0 && relevant.size > 0;
}

const kinds: Readonly<Record<string, ConflictKind>> = {
  'CONFLICT (contents)': 'contents',
  'CONFLICT (binary)': 'binary',
  'CONFLICT (value)': 'value',
  'CONFLICT (file/directory)': 'file/directory',
  'CONFLICT (distinct modes)': 'distinct types',
  'CONFLICT (modify/delete)': 'modify/delete',
  'CONFLICT (rename/rename)': 'rename/rename',
  'CONFLICT (rename involved in collision)': 'rename collision',
  'CONFLICT (rename/delete)': 'rename/delete',
  'CONFLICT (directory rename suggested)': 'file location',
  'CONFLICT (file in way of directory rename)': 'directory rename',
  'CONFLICT(directory rename collision)': 'directory rename',
  'CONFLICT(directory rename unclear split)': 'directory rename',
};

/** One conflict per unmerged path, and one per message that leaves none. */
function conflictsOf(
  unmerged: readonly UnmergedPath[],
  messages: readonly MergeMessage[],
  context: MergeContext,
): Conflict[] {
  const { labels } = context;
  const news = messages.filter(({ type }) => type.startsWith('CONFLICT'));
  const told = new Set<MergeMessage>();
  const conflicts = unmerged.map(({ path, stages }): Conflict => {
    const own = news.filter(({ paths }) => paths.includes(path));
    for (const message of own) told.add(message);
    // What is filed under the path itself says more about it than what only mentions it; a place more than contents.
    const best = own.find(({ paths }) => paths[0] === path) ?? own[0];
    const kind = best === undefined ? 'contents' : (kinds[best.type] ?? 'submodule');
    return { kind, path, paths: best?.paths ?? [path], message: best?.text ?? '', stages, labels };
  });
  for (const message of news) {
    if (told.has(message)) continue;
    const { type, paths, text } = message;
    conflicts.push({ kind: kinds[type] ?? 'submodule', path: paths[0]!, paths, message: text, stages: {}, labels });
  }
  return conflicts;
}

/** The tree merge as one more instance of the hook. The value of a conflict is the tree with the attempts in it. */
export function tree(objects: ObjectStore, driverFor: DriverFor, options: TreeOptions = {}): MergeFn<Oid<'tree'>> {
  return async (sides, context) => {
    const base = await sides.base();
    const merged = await mergeTrees(objects, driverFor, { ...sides, base }, context, options);
    if (merged.clean) return { clean: true, value: merged.tree };
    return { clean: false, conflicts: merged.conflicts as unknown as NonEmpty<Conflict>, value: merged.tree };
  };
}
