import type { Bytes } from '../base/bytes.js';
import { concatBytes, encodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { writeOid } from '../base/oid.js';
import { baseName, parentPath } from '../base/path.js';
import { isGitlinkMode, isRegularMode, isTreeMode, MODE_TREE, sameType } from '../objects/mode.js';
import type { TreeEntry } from '../objects/tree.js';
import { compareEntries } from '../objects/tree.js';
import type { EntryMerge } from './entry-merge.js';
import type { MergeState, OpenDirectory, Side, Slot, Version } from './tree-state.js';
import { absent, compareForPlacing } from './tree-state.js';

export interface PlaceOptions {
  /** True when two versions are the same file once line endings are normalised. */
  readonly sameNormalised?: ((base: Version, side: Version, path: string) => Promise<boolean>) | undefined;
}

/** Decides what each slot comes to, deepest first, and writes the merged tree. */
export class Placing {
  /** Entries of each directory whose slots are all placed. */
  readonly #pending = new Map<string, TreeEntry[]>();

  constructor(
    readonly state: MergeState,
    readonly entries: EntryMerge,
    readonly options: PlaceOptions,
  ) {}

  async run(): Promise<Oid<'tree'>> {
    const { slots } = this.state;
    const paths = [...slots.keys()].sort(compareForPlacing);
    for (let i = paths.length - 1; i >= 0; i--) {
      const path = paths[i]!;
      const slot = slots.get(path)!;
      if (!slot.settled) await this.#place(path, slot);
      else {
        // A file renamed away leaves its place to the directory that is there now.
        const tree = slot.directories === 0 ? undefined : await this.#writeDirectory(path);
        this.#record(path, tree === undefined ? slot.result : { mode: MODE_TREE, oid: tree });
      }
    }
    return (await this.#writeDirectory('')) ?? this.#writeTree([], undefined);
  }

  #record(path: string, version: Version): void {
    if (version.mode === 0) return;
    const directory = parentPath(path);
    const entry: TreeEntry = { name: baseName(path), mode: version.mode, oid: version.oid };
    const list = this.#pending.get(directory);
    if (list === undefined) this.#pending.set(directory, [entry]);
    else list.push(entry);
  }

  /** Writes what was placed in a directory beside the rows all sides share; undefined when nothing is left in it. */
  async #writeDirectory(path: string): Promise<Oid<'tree'> | undefined> {
    const placed = this.#pending.get(path) ?? [];
    this.#pending.delete(path);
    const open = this.state.directories.get(path);
    if (placed.length === 0 && (open === undefined || open.shared.length === 0)) return undefined;
    return this.#writeTree(placed.sort(compareEntries), open);
  }

  async #writeTree(placed: readonly TreeEntry[], open: OpenDirectory | undefined): Promise<Oid<'tree'>> {
    const chunks: Bytes[] = [];
    const { oidLength } = this.state;
    let next = 0;
    const flush = (before: Bytes | undefined, isTree: boolean) => {
      if (open === undefined) return;
      const first = next;
      next = before === undefined ? open.shared.length : firstRowBehind(open, next, oidLength, before, isTree);
      const { data, shared } = open;
      for (let i = first; i < next; i += 2) {
        const start = shared[i]!;
        // Rows that lie behind one another are copied as one.
        while (i + 2 < next && shared[i + 2] === shared[i + 1]) i += 2;
        chunks.push(data.subarray(start, shared[i + 1]!));
      }
    };
    for (const entry of placed) {
      const mode = entry.mode.toString(8);
      const head = encodeText(`${mode} ${entry.name}\0`);
      flush(head.subarray(mode.length + 1, head.length - 1), isTreeMode(entry.mode));
      const row = new Uint8Array(head.length + oidLength);
      row.set(head);
      writeOid(entry.oid, row, head.length);
      chunks.push(row);
    }
    flush(undefined, false);
    return this.state.write.write('tree', concatBytes(chunks));
  }

  async #place(path: string, slot: Slot): Promise<void> {
    const { state } = this;
    if (slot.directories !== 0) {
      const tree = await this.#writeDirectory(path);
      if (tree !== undefined) this.#record(path, { mode: MODE_TREE, oid: tree });
      if (slot.files === 0) return;
      if (tree === undefined) {
        // Nothing is left of the directory: the file can have the place.
        slot.clash = false;
        forgetDirectories(slot);
      } else {
        if (slot.files === 1) return;
        const side: Side = (slot.directories & 2) !== 0 ? 2 : 1;
        const branch = state.branch(side);
        const moved: Slot = { ...slot, stages: [...slot.stages], names: [...slot.names] };
        forgetDirectories(moved);
        const free = state.uniquePath(path, branch);
        state.slots.set(free, moved);
        state.say(
          'CONFLICT (file/directory)',
          [free, path],
          `CONFLICT (file/directory): directory in the way of ${path} from ${branch}; moving it to ${free} instead.`,
        );
        slot.files = 0;
        await this.#settle(free, moved, side);
        return;
      }
    }
    await this.#settle(path, slot, undefined);
  }

  /** `clashSide`: the side whose file had to give way to a directory. */
  async #settle(path: string, slot: Slot, clashSide: Side | undefined): Promise<void> {
    const { state } = this;
    const inPlace = !slot.clash && !slot.pathConflict;
    const [base, ours, theirs] = slot.stages;
    let clean = inPlace;
    if (slot.match !== 0) {
      slot.result = slot.match === 6 ? ours : slot.match === 3 ? theirs : ours;
      if (slot.match !== 6 && slot.result.mode === 0) clean = true;
    } else if (slot.files >= 6 && !sameType(ours.mode, theirs.mode)) {
      clean = false;
      if (state.depth > 0) slot.result = base;
      else {
        await this.#separate(path, slot);
        return;
      }
    } else if (slot.files >= 6) {
      const merged = await this.entries.merge(path, slot.stages, slot.names, 2 * state.depth, slot.ask);
      clean = inPlace && merged.clean;
      slot.result = merged.result;
      if (merged.clean && slot.clash && clashSide !== undefined) {
        slot.files = 1 << clashSide;
        slot.stages[clashSide] = merged.result;
      }
      if (!merged.clean) {
        const reason = isGitlinkMode(merged.result.mode) ? 'submodule' : slot.files === 6 ? 'add/add' : 'content';
        state.say('CONFLICT (contents)', [path], `CONFLICT (${reason}): Merge conflict in ${path}`);
      }
    } else if (slot.files === 3 || slot.files === 5) {
      clean = await this.#modifiedOrDeleted(path, slot);
    } else if (slot.files === 2 || slot.files === 4) {
      slot.result = slot.files === 2 ? ours : theirs;
    } else {
      slot.result = absent;
      clean = !slot.pathConflict;
    }
    slot.settled = clean;
    if (!clean) state.unmerged.set(path, slot);
    this.#record(path, slot.result);
  }

  /** Answers true when the file can simply go. */
  async #modifiedOrDeleted(path: string, slot: Slot): Promise<boolean> {
    const { state } = this;
    const side: Side = slot.files === 5 ? 2 : 1;
    const base = slot.stages[0];
    const changed = slot.stages[side];
    slot.result = state.depth > 0 ? base : changed;
    if ((await this.options.sameNormalised?.(base, changed, path)) === true) {
      if (slot.pathConflict) return false;
      slot.result = absent;
      slot.clash = false;
      return true;
    }
    if (slot.pathConflict && base.oid === changed.oid) return false;
    const modifier = state.branch(side);
    const deleter = state.branch(side === 1 ? 2 : 1);
    state.say(
      'CONFLICT (modify/delete)',
      [path],
      `CONFLICT (modify/delete): ${path} deleted in ${deleter} and modified in ${modifier}.  Version ${modifier} of ` +
        `${path} left in tree.`,
    );
    return false;
  }

  /** Two different kinds of things: each gets a path of its own, the regular file (or both) beside the old one. */
  async #separate(path: string, slot: Slot): Promise<void> {
    const { state } = this;
    const [base, ours, theirs] = slot.stages;
    const moveOurs = isRegularMode(ours.mode) || !isRegularMode(theirs.mode);
    const moveTheirs = !isRegularMode(ours.mode);
    const ourPath = moveOurs ? state.uniquePath(path, state.labels.ours) : path;
    const theirPath = moveTheirs ? state.uniquePath(path, state.labels.theirs) : path;
    const both = moveOurs && moveTheirs;
    state.say(
      'CONFLICT (distinct modes)',
      both ? [path, ourPath, theirPath] : [path, moveOurs ? ourPath : theirPath],
      `CONFLICT (distinct types): ${path} had different types on each side; renamed ${both ? 'both' : 'one'} of them so ` +
        'each can be recorded somewhere.',
    );
    const own = (side: Side): Slot => {
      const version = slot.stages[side];
      const keepsBase = sameType(version.mode, base.mode);
      const stages: [Version, Version, Version] = [keepsBase ? base : absent, absent, absent];
      stages[side] = version;
      return { ...slot, stages, names: [...slot.names], files: (keepsBase ? 1 : 0) | (1 << side), result: version };
    };
    state.slots.delete(path);
    for (const [at, part] of [
      [theirPath, own(2)],
      [ourPath, own(1)],
    ] as const) {
      state.slots.set(at, part);
      state.unmerged.set(at, part);
      this.#record(at, part.result);
    }
  }
}

function forgetDirectories(slot: Slot): void {
  slot.match &= ~slot.directories;
  slot.directories = 0;
  for (let side = 0; side < 3; side++) if (isTreeMode(slot.stages[side]!.mode)) slot.stages[side] = absent;
}

/** Position of the first shared row, from `from` on, that does not come before a name. */
function firstRowBehind(
  open: OpenDirectory,
  from: number,
  oidLength: number,
  before: Bytes,
  beforeIsTree: boolean,
): number {
  const { data, shared } = open;
  let low = from >> 1;
  let high = shared.length >> 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const start = shared[2 * middle]!;
    const isTree = data[start] === 0x34 || data[start] === 0x30;
    const nameStart = data.indexOf(0x20, start) + 1;
    const nameEnd = shared[2 * middle + 1]! - oidLength - 1;
    if (comesBefore(data, nameStart, nameEnd, isTree, before, beforeIsTree)) low = middle + 1;
    else high = middle;
  }
  return 2 * low;
}

/** git's order of rows on bytes: a directory's name counts as if it ended in `/`. */
function comesBefore(
  data: Bytes,
  start: number,
  end: number,
  isTree: boolean,
  other: Bytes,
  otherIsTree: boolean,
): boolean {
  const length = end - start;
  const shared = Math.min(length, other.length);
  for (let i = 0; i < shared; i++) {
    const order = data[start + i]! - other[i]!;
    if (order !== 0) return order < 0;
  }
  const after = length > shared ? data[start + shared]! : isTree ? SLASH : -1;
  const otherAfter = other.length > shared ? other[shared]! : otherIsTree ? SLASH : -1;
  return after < otherAfter;
}

const SLASH = 0x2f;
