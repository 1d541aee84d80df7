import { isRegularMode } from '../objects/mode.js';
import type { EntryMerge } from './entry-merge.js';
import type { MergeState, Pair, Slot, Version } from './tree-state.js';
import { absent, otherSide } from './tree-state.js';

/**
 * Brings the three sides of each renamed file together in one slot, so that placing sees them as one path; what cannot
 * be brought together (renamed to two places, onto another file, or deleted by the other side) is a conflict.
 * `renames` come sorted by the path they are from.
 */
export async function applyRenames(state: MergeState, renames: readonly Pair[], entries: EntryMerge): Promise<void> {
  for (let i = 0; i < renames.length; i++) {
    const pair = renames[i]!;
    const from = pair.from!.path;
    const old = state.slots.get(from);
    // Moved away by a directory rename, or the other side left it alone: nothing to bring together.
    if (old === undefined || old.settled) continue;
    // Its new place lies in a directory that was taken whole.
    if (!state.slots.has(pair.to!.path)) continue;
    const next = renames[i + 1];
    if (next !== undefined && next.from!.path === from) {
      i++;
      await renamedTwice(state, entries, old, pair, next);
    } else await renamedOnce(state, entries, old, pair);
  }
}

function removed(slot: Slot): void {
  slot.settled = true;
  slot.result = absent;
}

async function renamedTwice(state: MergeState, entries: EntryMerge, old: Slot, pair: Pair, next: Pair): Promise<void> {
  const from = pair.from!.path;
  const ourPath = pair.to!.path;
  const theirPath = next.to!.path;
  const ours = state.slots.get(ourPath)!;
  if (ourPath === theirPath) {
    ours.stages[0] = old.stages[0];
    ours.files |= 1;
    if (ours !== old) removed(old);
    return;
  }
  const theirs = state.slots.get(theirPath)!;
  const stages = [old.stages[0], ours.stages[1], theirs.stages[2]] as const;
  const merged = await entries.merge(from, stages, [from, ourPath, theirPath], 1 + 2 * state.depth);
  // Neither side's bytes could be merged (a binary): each place keeps its own.
  const own = !merged.clean && merged.result.mode === stages[1].mode && merged.result.oid === stages[1].oid;
  ours.stages[1] = merged.result;
  theirs.stages[2] = own ? stages[2] : merged.result;
  ours.pathConflict = true;
  theirs.pathConflict = true;
  old.pathConflict = true;
  const { labels } = state;
  state.say(
    'CONFLICT (rename/rename)',
    [from, ourPath, theirPath],
    `CONFLICT (rename/rename): ${from} renamed to ${ourPath} in ${labels.ours} and to ${theirPath} in ${labels.theirs}.`,
  );
}

async function renamedOnce(state: MergeState, entries: EntryMerge, old: Slot, pair: Pair): Promise<void> {
  const from = pair.from!.path;
  const to = pair.to!.path;
  const { side } = pair;
  const other = otherSide(side);
  const target = state.slots.get(to)!;
  const deleted = old.files === 1;
  const typeChanged = !deleted && isRegularMode(old.stages[other].mode) !== isRegularMode(target.stages[side].mode);
  // With a changed type, both sides renamed it and one put something else in its old place: no collision.
  const collides = !typeChanged && (target.files & (1 << other)) !== 0;
  const sayDeleted = () =>
    state.say(
      'CONFLICT (rename/delete)',
      [to, from],
      `CONFLICT (rename/delete): ${from} renamed to ${to} in ${state.branch(side)}, but deleted in ${state.branch(other)}.`,
    );
  if (collides && !deleted) {
    const names: [string, string, string] = [from, from, from];
    names[side] = to;
    const stages: [Version, Version, Version] = [old.stages[0], old.stages[1], old.stages[2]];
    stages[side] = target.stages[side];
    const merged = await entries.merge(from, stages, names, 1 + 2 * state.depth);
    target.stages[side] = merged.result;
    if (!merged.clean) {
      state.say(
        'CONFLICT (rename involved in collision)',
        [to, from],
        `CONFLICT (rename involved in collision): rename of ${from} -> ${to} has content conflicts AND collides with ` +
          'another path; this may result in nested conflict markers.',
      );
    }
  } else if (collides) {
    target.pathConflict = true;
    sayDeleted();
  } else {
    target.stages[0] = old.stages[0];
    target.files |= 1;
    target.names[0] = from;
    if (typeChanged) {
      old.stages[0] = absent;
      old.files &= 6;
    } else if (deleted) {
      target.pathConflict = true;
      sayDeleted();
    } else {
      target.stages[other] = old.stages[other];
      target.files |= 1 << other;
      target.names[other] = from;
    }
  }
  if (!typeChanged && old !== target) removed(old);
}
