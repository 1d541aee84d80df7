import { compareText } from '../base/bytes.js';
import { parentPath } from '../base/path.js';
import type { MergeState, Pair, SideRenames, Side } from './tree-state.js';
import { otherSide } from './tree-state.js';

/** `true`: apply silently; `conflict`: apply and leave the path unmerged, git's default; `false`: do not. */
export type DirectoryRenamePolicy = boolean | 'conflict';

/** Old directory to new directory. */
type DirectoryMap = Map<string, string>;

/** The new place of each directory a side removed: where most of its files went. A tie is a conflict. */
function directoryMap(state: MergeState, renames: SideRenames): DirectoryMap {
  const moved: DirectoryMap = new Map();
  for (const [from, counts] of renames.directoryCounts) {
    let most = 0;
    let tie = false;
    let best = '';
    for (const [to, count] of counts) {
      if (count === most) tie = true;
      else if (count > most) {
        most = count;
        best = to;
        tie = false;
      }
    }
    if (most === 0) continue;
    if (!tie) moved.set(from, best);
    else {
      state.say(
        'CONFLICT(directory rename unclear split)',
        [from],
        `CONFLICT (directory rename split): Unclear where to rename ${from} to; it was renamed to multiple other ` +
          'directories, with no destination getting a majority of the files.',
      );
      state.clean = false;
    }
  }
  return moved;
}

/** Paths that a directory rename would put at one place. */
interface Arrivals {
  /** Where they come from, sorted. */
  readonly sources: string[];
  told: boolean;
}

/** A rename of the directory that holds `path`, or of one above it, the nearest first. */
function renameAbove(path: string, moved: DirectoryMap): { from: string; to: string } | undefined {
  for (let directory = parentPath(path); directory !== ''; directory = parentPath(directory)) {
    const to = moved.get(directory);
    if (to !== undefined) return { from: directory, to };
  }
  return undefined;
}

const carry = (path: string, from: string, to: string): string =>
  to === '' ? path.slice(from.length + 1) : to + path.slice(from.length);

/**
 * Moves what one side added to (or renamed into) a directory that the other side renamed, and answers all renames of
 * both sides, by the path they come from, ours first.
 */
export async function collectRenames(state: MergeState, policy: DirectoryRenamePolicy): Promise<Pair[]> {
  const moved: [DirectoryMap, DirectoryMap, DirectoryMap] = [new Map(), new Map(), new Map()];
  if (policy !== false && state.depth === 0) {
    for (const side of [1, 2] as const) moved[side] = directoryMap(state, state.side(side));
    // Renamed by both: nothing follows from either.
    for (const directory of [...moved[1].keys()]) {
      if (moved[2].has(directory)) {
        moved[1].delete(directory);
        moved[2].delete(directory);
      }
    }
  }
  const arrivals = [new Map(), arrivalsOf(state.side(1), moved[2]), arrivalsOf(state.side(2), moved[1])] as const;
  const collected: Pair[] = [];
  for (const side of [1, 2] as const) {
    for (const pair of state.side(side).pairs) {
      if (pair.kind === 'deleted') continue;
      const path = newPlace(state, pair, side, moved, arrivals);
      if (path !== undefined) await move(state, pair, path, policy);
      // Back where it came from: no rename at all.
      if (pair.kind === 'renamed' && pair.from!.path !== pair.to!.path) collected.push(pair);
    }
  }
  return collected.sort((a, b) => compareText(a.from!.path, b.from!.path));
}

function arrivalsOf(renames: SideRenames, moved: DirectoryMap): Map<string, Arrivals> {
  const arrivals = new Map<string, Arrivals>();
  if (moved.size === 0) return arrivals;
  for (const { kind, to } of renames.pairs) {
    if (kind === 'deleted') continue;
    const rename = renameAbove(to!.path, moved);
    if (rename === undefined) continue;
    const path = carry(to!.path, rename.from, rename.to);
    const list = arrivals.get(path);
    if (list === undefined) arrivals.set(path, { sources: [to!.path], told: false });
    else list.sources.push(to!.path);
  }
  for (const { sources } of arrivals.values()) sources.sort(compareText);
  return arrivals;
}

/** Where a directory rename of the other side puts the file, if anywhere. */
function newPlace(
  state: MergeState,
  pair: Pair,
  side: Side,
  moved: readonly [DirectoryMap, DirectoryMap, DirectoryMap],
  arrivals: readonly [unknown, Map<string, Arrivals>, Map<string, Arrivals>],
): string | undefined {
  const path = pair.to!.path;
  const theirMoves = moved[otherSide(side)];
  if (theirMoves.size === 0 || arrivals[otherSide(side)].has(path)) return undefined;
  const rename = renameAbove(path, theirMoves);
  if (rename === undefined) return undefined;
  if (moved[side].has(rename.to)) {
    state.say(
      'Directory rename skipped since directory was renamed on both sides',
      [rename.from, path, rename.to],
      `WARNING: Avoiding applying ${rename.from} -> ${rename.to} rename to ${path}, because ${rename.to} itself was renamed.`,
    );
    return undefined;
  }
  const target = carry(path, rename.from, rename.to);
  const arrival = arrivals[side].get(target)!;
  if (!arrival.told && isInTheWay(state, target, side, pair)) {
    arrival.told = true;
    state.say(
      'CONFLICT (file in way of directory rename)',
      [target, ...arrival.sources],
      `CONFLICT (implicit dir rename): Existing file/dir at ${target} in the way of implicit directory rename(s) ` +
        `putting the following path(s) there: ${arrival.sources.join(', ')}.`,
    );
  } else if (!arrival.told && arrival.sources.length > 1) {
    arrival.told = true;
    state.say(
      'CONFLICT(directory rename collision)',
      [target, ...arrival.sources],
      `CONFLICT (implicit dir rename): Cannot map more than one path to ${target}; implicit directory renames tried ` +
        `to put these paths there: ${arrival.sources.join(', ')}`,
    );
  }
  if (arrival.told) {
    state.clean = false;
    return undefined;
  }
  return target;
}

function isInTheWay(state: MergeState, path: string, side: Side, pair: Pair): boolean {
  const slot = state.slots.get(path);
  if (slot === undefined) return state.sharedRow(path) !== undefined;
  if (slot.settled) return true;
  if (((slot.files | slot.directories) & (1 << side)) !== 0) return true;
  return (slot.files & 1) !== 0 && pair.from?.path !== path;
}

/** Carries the file's slot to its new place. */
async function move(state: MergeState, pair: Pair, path: string, policy: DirectoryRenamePolicy): Promise<void> {
  const { side } = pair;
  const old = pair.to!.path;
  const slot = state.slots.get(old)!;
  await state.addParents(path, slot.files);
  state.slots.delete(old);
  let placed = state.slots.get(path);
  if (placed === undefined) {
    placed = slot;
    state.slots.set(path, slot);
  } else {
    placed.files |= slot.files;
    if (placed.directories !== 0) placed.clash = true;
    placed.stages[side] = slot.stages[side];
    placed.names[side] = slot.names[side];
  }
  const by = state.branch(side);
  const renamer = state.branch(otherSide(side));
  const inside =
    pair.kind === 'added'
      ? `${old} added in ${by} inside a directory that was renamed in ${renamer}`
      : `${pair.from!.path} renamed to ${old} in ${by}, inside a directory that was renamed in ${renamer}`;
  if (policy === true) {
    const type = 'Path updated due to directory rename';
    state.say(type, [path, old], `Path updated: ${inside}; moving it to ${path}.`);
  } else {
    placed.pathConflict = true;
    const type = 'CONFLICT (directory rename suggested)';
    const text = `CONFLICT (file location): ${inside}, suggesting it should perhaps be moved to ${path}.`;
    state.say(type, [path, old], text);
  }
  pair.to!.path = path;
}
