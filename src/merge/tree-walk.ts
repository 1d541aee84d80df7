import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { decodeText, emptyBytes } from '../base/bytes.js';
import { agreeingStrides } from '../base/common-bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { oidFromBytes } from '../base/oid.js';
import { joinPath, parentPath } from '../base/path.js';
import { isTreeMode, MODE_TREE, canonicalMode } from '../objects/mode.js';
import { checkTreeDepth, compareTreeNames, TreeCursor } from '../objects/tree.js';
import { HashOrderedMap } from './hash-order.js';
import type { MergeState, Side, Slot, Version } from './tree-state.js';
import { absent, sameVersion } from './tree-state.js';

export interface WalkOptions {
  /** Whether the same change of both sides to this file is to be merged, not just taken. */
  readonly asks?: ((path: string) => Awaitable<boolean>) | undefined;
  /** Whether renames will be looked for at all: if not, no directory is opened for their sake. */
  readonly renames: boolean;
}

type Row = [Version, Version, Version];

/**
 * Walks three trees side by side and notes every path that is not the same in all of them. What all share is not
 * opened; a directory that only one side changed is opened only if the search for renames needs what is in it.
 */
export class TreeWalk {
  /**
   * Where in the tree a directory rename may matter: 0 nowhere; 2 or 4 below a directory that only ours or only theirs
   * still has, until that side turns out to have added a file to it; then 7, for everything below.
   */
  #renameMask = 0;
  /** Per side: directories to open although nothing else asks for them. */
  readonly #wanted: readonly [Set<string>, Set<string>, Set<string>] = [new Set(), new Set(), new Set()];

  constructor(
    readonly state: MergeState,
    readonly options: WalkOptions,
  ) {}

  /**
   * Answers true when opening directories for the sake of renames made the walk so much longer that it pays to walk
   * again, knowing the renames; git does so, and then more is taken whole.
   */
  async run(base: Oid, ours: Oid, theirs: Oid): Promise<boolean> {
    const roots: Row = [base, ours, theirs].map((oid) => ({ mode: MODE_TREE, oid })) as Row;
    await this.#directory('', roots);
    const before = this.state.pathCount;
    let opened = false;
    for (const side of [1, 2] as const) if (await this.#settleDeferred(side)) opened = true;
    return opened && Math.trunc(this.state.pathCount / before) >= worthwhileFactor;
  }

  /**
   * Opens what a side's deferred directories hold if renames need it; else takes that side's directories whole. Answers
   * true when renames need all.
   */
  async #settleDeferred(side: Side): Promise<boolean> {
    const renames = this.state.side(side);
    const { known } = renames;
    let needsAll = false;
    if (this.options.renames) {
      for (const source of renames.relevant.keys()) {
        if (known?.has(source) !== true) {
          needsAll = true;
          break;
        }
        this.#wantTarget(side, known.get(source));
      }
    }
    renames.mayDefer = !needsAll;
    const deferred = renames.deferred;
    renames.deferred = new HashOrderedMap();
    for (const [path, mask] of deferred) {
      if (!needsAll && !this.#wanted[side].has(path)) this.#takeWhole(path, side);
      else {
        this.#renameMask = mask;
        await this.#open(path, this.state.slots.get(path)!);
        this.#renameMask = 0;
      }
    }
    for (const [path] of renames.deferred) this.#takeWhole(path, side);
    return needsAll;
  }

  #takeWhole(path: string, side: Side): void {
    const slot = this.state.slots.get(path)!;
    slot.settled = true;
    slot.result = slot.stages[side];
  }

  /** Notes the directories above a known new place that must be opened to see it. */
  #wantTarget(side: Side, target: string | undefined): void {
    if (target === undefined || this.state.knows(target)) return;
    for (let directory = parentPath(target); directory !== ''; directory = parentPath(directory)) {
      if (this.#wanted[side].has(directory)) return;
      this.#wanted[side].add(directory);
    }
  }

  /** Looks into a slot's directories. */
  async #open(path: string, slot: Slot): Promise<void> {
    slot.match &= slot.files;
    const inside = slot.stages.map((version) => (isTreeMode(version.mode) ? version : absent)) as Row;
    const before = this.#renameMask;
    await this.#directory(path, inside);
    this.#renameMask = before;
  }

  async #directory(path: string, trees: Row): Promise<void> {
    checkTreeDepth(path === '' ? 0 : path.split('/').length);
    const data: Bytes[] = [];
    for (const { mode, oid } of trees) {
      if (mode === 0) data.push(emptyBytes);
      else {
        const read = this.state.readTree(oid);
        data.push(isPromise(read) ? await read : read);
      }
    }
    const { rows, shared } = unlikeRows(data as [Bytes, Bytes, Bytes], this.state.oidLength);
    this.state.directories.set(path, { data: data[0]!, shared });
    if (this.#renameMask === 2 || this.#renameMask === 4) {
      // A file that only the surviving side has was added to it: where the directory went on the other side matters.
      for (const [, row] of rows) if (filesOf(row) === this.#renameMask) this.#renameMask = 7;
    }
    for (const [name, row] of rows) {
      const settled = this.#entry(joinPath(path, name), row);
      if (settled !== undefined) await settled;
    }
  }

  #entry(path: string, row: Row): Promise<void> | undefined {
    const state = this.state;
    const slot = state.newSlot(path, row);
    const [base, ours, theirs] = row;
    const oursIsBase = base.mode !== 0 && sameVersion(base, ours);
    const theirsIsBase = base.mode !== 0 && sameVersion(base, theirs);
    const sidesAgree = ours.mode !== 0 && sameVersion(ours, theirs);
    slot.match = oursIsBase ? 3 : theirsIsBase ? 5 : sidesAgree ? 6 : 0;
    state.slots.set(path, slot);
    if (oursIsBase && theirsIsBase) {
      // The same but for an odd old spelling of the mode.
      slot.settled = true;
      slot.result = base;
      return undefined;
    }
    if (sidesAgree && slot.files >= 6 && this.options.asks !== undefined) {
      const asks = this.options.asks(path);
      if (isPromise(asks)) return asks.then((answer) => this.#place(path, slot, answer));
      return this.#place(path, slot, asks);
    }
    return this.#place(path, slot, false);
  }

  #place(path: string, slot: Slot, ask: boolean): Promise<void> | undefined {
    if (ask) {
      slot.ask = true;
      slot.match = 0;
    }
    if (slot.files === 7 && slot.match !== 0) {
      slot.settled = true;
      slot.result = slot.match === 3 ? slot.stages[2] : slot.stages[1];
      return undefined;
    }
    const maskAbove = this.#renameMask;
    this.#noteRenames(path, slot);
    const descend = slot.directories === 0 ? undefined : this.#descend(path, slot, maskAbove);
    if (descend === undefined) {
      this.#renameMask = maskAbove;
      return undefined;
    }
    return descend.then(() => {
      this.#renameMask = maskAbove;
    });
  }

  #descend(path: string, slot: Slot, maskAbove: number): Promise<void> | undefined {
    let side: Side | undefined = slot.match === 3 ? 2 : slot.match === 5 ? 1 : undefined;
    if (slot.files === 0 && (slot.directories === 2 || slot.directories === 4)) {
      // A new directory: nothing to merge in it, but a rename may have gone there.
      slot.match = 7 - slot.directories;
      side = slot.directories === 2 ? 1 : 2;
    }
    const mayDefer = side !== undefined && this.state.side(side).mayDefer && !this.#wanted[side].has(path);
    if (this.#renameMask !== 7 && side !== undefined && mayDefer) {
      this.state.side(side).deferred.set(path, this.#renameMask);
      this.#renameMask = maskAbove;
      return undefined;
    }
    return this.#open(path, slot);
  }

  #isKnownTarget(side: Side, path: string): boolean {
    const { known } = this.state.side(side);
    if (known === undefined) return false;
    this.#targets[side] ??= new Set([...known.values()].filter((target) => target !== undefined));
    return this.#targets[side]!.has(path);
  }

  readonly #targets: [undefined, Set<string> | undefined, Set<string> | undefined] = [undefined, undefined, undefined];

  /** Keeps what the search for renames needs to know of a path. */
  #noteRenames(path: string, slot: Slot): void {
    const { files, directories } = slot;
    if (this.#renameMask !== 7 && (directories === 3 || directories === 5)) this.#renameMask = directories & ~1;
    if (directories === 1 || directories === 3 || directories === 5) {
      const relevance = this.#renameMask === 7 ? 'above' : 'none';
      for (const side of [1, 2] as const) {
        if ((directories & (1 << side)) === 0) this.state.side(side).removedDirectories.set(path, relevance);
      }
    }
    if (this.#renameMask === 7 && (files === 2 || files === 4)) {
      const side: Side = files === 2 ? 2 : 1;
      this.state.side(side).removedDirectories.set(parentPath(path), 'self');
    }
    if (files === 0 || files === 7) return;
    const inBase = (files & 1) !== 0;
    for (const side of [1, 2] as const) {
      const inSide = (files & (1 << side)) !== 0;
      const renames = this.state.side(side);
      if (inBase && !inSide) {
        if (renames.known?.has(path) !== true) {
          renames.pairs.push({ kind: 'deleted', from: { path, version: slot.stages[0] }, to: undefined, side });
        }
        if ((slot.match & files) === 0) renames.relevant.set(path, 'content');
        else if (this.#renameMask === 7) renames.relevant.set(path, 'location');
      } else if (!inBase && inSide && !this.#isKnownTarget(side, path)) {
        renames.pairs.push({ kind: 'added', from: undefined, to: { path, version: slot.stages[side] }, side });
      }
    }
  }
}

/** From this ratio of paths met on, git walks again; part of what it answers, so not ours to tune. */
const worthwhileFactor = 3;

function filesOf(row: Row): number {
  let mask = 0;
  for (let side = 0; side < 3; side++) if (row[side]!.mode !== 0 && !isTreeMode(row[side]!.mode)) mask |= 1 << side;
  return mask;
}

/** The rows of three trees that are not the same in all, by name and in git's order, and where the shared ones lie. */
function unlikeRows(data: readonly [Bytes, Bytes, Bytes], oidLength: number) {
  const cursors = data.map((bytes) => new TreeCursor(bytes, oidLength));
  const live = cursors.map((cursor) => cursor.next());
  const shared: number[] = [];
  const found = new Map<string, Row>();
  const take = (side: number) => {
    const cursor = cursors[side]!;
    const name = decodeText(cursor.data.subarray(cursor.nameStart, cursor.nameEnd));
    let row = found.get(name);
    if (row === undefined) {
      row = [absent, absent, absent];
      found.set(name, row);
    }
    if (row[side]!.mode !== 0) {
      throw new GitError('OBJECT_CORRUPT', `a tree has more than one entry named '${name}'`);
    }
    row[side] = { mode: canonicalMode(cursor.mode), oid: oidFromBytes(cursor.data, cursor.oidStart, oidLength) };
    live[side] = cursor.next();
  };
  const [one, two, three] = cursors as [TreeCursor, TreeCursor, TreeCursor];
  const views = data.map((bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
  while (live[0] || live[1] || live[2]) {
    if (live[0] && live[1] && live[2] && sameRow(one, two, oidLength) && sameRow(one, three, oidLength)) {
      shared.push(one.rowStart, one.oidStart + oidLength);
      const passed = passShared(cursors, views, oidLength, shared);
      for (let side = 0; side < 3; side++) {
        cursors[side]!.skip(passed);
        live[side] = cursors[side]!.next();
      }
      continue;
    }
    let first = -1;
    for (let side = 0; side < 3; side++) {
      if (live[side] && (first < 0 || compareRows(cursors[side]!, cursors[first]!) < 0)) first = side;
    }
    const least = cursors[first]!;
    for (let side = 2; side >= 0; side--) {
      if (side !== first && live[side] && compareRows(cursors[side]!, least) === 0) take(side);
    }
    take(first);
  }
  const rows = [...found];
  const isTree = (row: Row) => row.some(({ mode }) => isTreeMode(mode));
  return { rows: rows.sort((a, b) => compareTreeNames(a[0], isTree(a[1]), b[0], isTree(b[1]))), shared };
}

/**
 * Most rows of three trees are the same, and many in a row: the bytes are compared first, then cut into rows, all noted
 * in `shared`. Answers how many bytes whole rows took.
 */
function passShared(
  cursors: readonly TreeCursor[],
  views: readonly DataView[],
  oidLength: number,
  shared: number[],
): number {
  const [one, two, three] = cursors as [TreeCursor, TreeCursor, TreeCursor];
  const [a, b, c] = views as [DataView, DataView, DataView];
  const start = one.end;
  const toTwo = two.end - start;
  const toThree = three.end - start;
  const end = Math.min(a.byteLength, b.byteLength - toTwo, c.byteLength - toThree);
  const twoAgree = agreeingStrides(one.data, start, two.data, two.end, end - start);
  let same = start + agreeingStrides(one.data, start, three.data, three.end, twoAgree);
  for (const stop = end - 4; same <= stop; same += 4) {
    const word = a.getInt32(same);
    if (word !== b.getInt32(same + toTwo) || word !== c.getInt32(same + toThree)) break;
  }
  const x = one.data;
  while (same < end && x[same] === two.data[same + toTwo] && x[same] === three.data[same + toThree]) same++;
  let row = start;
  for (;;) {
    let at = row;
    while (at < same && x[at]! >= 0x30 && x[at]! <= 0x37) at++;
    // What is no row is left to the cursors to complain of.
    if (at === row || at >= same || x[at] !== 0x20) break;
    const name = ++at;
    while (at < same && x[at] !== 0) at++;
    const next = at + 1 + oidLength;
    if (at === name || next > same) break;
    shared.push(row, next);
    row = next;
  }
  return row - start;
}

/** Same bytes from mode to id. */
function sameRow(a: TreeCursor, b: TreeCursor, oidLength: number): boolean {
  const length = a.oidStart + oidLength - a.rowStart;
  if (b.oidStart + oidLength - b.rowStart !== length) return false;
  const x = a.data;
  const y = b.data;
  const shift = b.rowStart - a.rowStart;
  for (let i = a.oidStart + oidLength - 1; i >= a.rowStart; i--) if (x[i] !== y[i + shift]) return false;
  return true;
}

/** git's order of the rows two cursors stand at. */
function compareRows(a: TreeCursor, b: TreeCursor): number {
  const x = a.data;
  const y = b.data;
  const aLength = a.nameEnd - a.nameStart;
  const bLength = b.nameEnd - b.nameStart;
  const length = Math.min(aLength, bLength);
  for (let i = 0; i < length; i++) {
    const difference = x[a.nameStart + i]! - y[b.nameStart + i]!;
    if (difference !== 0) return difference;
  }
  const last = (cursor: TreeCursor, own: number) =>
    own > length ? cursor.data[cursor.nameStart + length]! : isTreeMode(cursor.mode) ? 0x2f : 0;
  const difference = last(a, aLength) - last(b, bLength);
  return difference !== 0 ? difference : aLength - bLength;
}
