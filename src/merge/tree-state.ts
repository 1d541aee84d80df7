import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import { decodeText, encodeText, equalBytes } from '../base/bytes.js';
import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { oidFromBytes } from '../base/oid.js';
import { baseName, parentPath } from '../base/path.js';
import { isTreeMode, MODE_TREE } from '../objects/mode.js';
import type { ObjectSource, ObjectStore, RawObject } from '../objects/source.js';
import { compareTreeNames, TreeCursor } from '../objects/tree.js';
import { HashOrderedMap } from './hash-order.js';
import type { Labels, SubmoduleAdvice } from './hook.js';
import { Messages } from './messages.js';

/** Sides by number: 0 the base, 1 ours, 2 theirs. Masks have bit `1 << side`. */
export type Side = 1 | 2;
export const otherSide = (side: Side): Side => (side === 1 ? 2 : 1);

/** An entry of one side; mode 0 is "not there". */
export interface Version {
  readonly mode: number;
  readonly oid: Oid;
}

export const absent: Version = { mode: 0, oid: '' as Oid };
export const sameVersion = (a: Version, b: Version): boolean => a.mode === b.mode && a.oid === b.oid;

/** A path that is not the same in all three trees. */
export interface Slot {
  /** What each side has: a file of any kind, or a directory (mode 040000) not looked into. */
  stages: [Version, Version, Version];
  /** Where each side has it: differs from the slot's own path after renames. */
  names: [string, string, string];
  /** Which sides have a file (anything but a directory) here. */
  files: number;
  /** Which sides have a directory here. */
  directories: number;
  /** Which sides agree: 3 base and ours, 5 base and theirs, 6 ours and theirs; 0 none. */
  match: number;
  /** A file on one side, a directory on another. */
  clash: boolean;
  /** Something about where it goes is in doubt: unmerged even if the content merges. */
  pathConflict: boolean;
  settled: boolean;
  /** What goes into the merged tree; mode 0 nothing. */
  result: Version;
  /** Both sides made the same change and the driver wants to be asked about it. */
  ask: boolean;
}

/** A directory that was opened, and the rows of it that all three sides share: start, end, start, end… in `data`. */
export interface OpenDirectory {
  readonly data: Bytes;
  readonly shared: readonly number[];
}

/** A file that one side added, deleted or (after detection) renamed. */
export interface Pair {
  kind: 'added' | 'deleted' | 'renamed';
  /** Where it came from; undefined for an addition. */
  from: { readonly path: string; readonly version: Version } | undefined;
  to: { path: string; readonly version: Version } | undefined;
  side: Side;
}

/** Why a deleted file may matter to rename detection. */
export type Relevance = 'content' | 'location' | 'no more';
/** Whether a removed directory's new place is wanted: for itself, for one above it, or not at all. */
export type DirectoryRelevance = 'none' | 'above' | 'self';

export interface SideRenames {
  readonly side: Side;
  /** In the order of the walk. */
  pairs: Pair[];
  /** Deleted files whose new place would change the merge. */
  readonly relevant: Map<string, Relevance>;
  /** Directories of the base that this side no longer has. */
  readonly removedDirectories: Map<string, DirectoryRelevance>;
  /** Old directory to new directory to how many files went that way. */
  directoryCounts: HashOrderedMap<HashOrderedMap<number>>;
  /** What an earlier walk over the same trees found out: new place of each file that matters, undefined for "gone". */
  known: ReadonlyMap<string, string | undefined> | undefined;
  /** Directories this side alone changed, not opened until something needs them; with the walk's state at each. */
  deferred: HashOrderedMap<number>;
  mayDefer: boolean;
}

const newSideRenames = (side: Side): SideRenames => ({
  side,
  pairs: [],
  relevant: new Map(),
  removedDirectories: new Map(),
  directoryCounts: new HashOrderedMap(),
  known: undefined,
  deferred: new HashOrderedMap(),
  mayDefer: true,
});

/** All that one three-way merge of trees knows. */
export class MergeState {
  readonly objects: ObjectSource;
  readonly write: ObjectStore;
  readonly labels: Labels;
  readonly depth: number;
  readonly oidLength: number;
  readonly slots = new Map<string, Slot>();
  readonly directories = new Map<string, OpenDirectory>();
  readonly renames: readonly [undefined, SideRenames, SideRenames] = [undefined, newSideRenames(1), newSideRenames(2)];
  readonly messages = new Messages();
  /** What to say about the submodules that did not merge. */
  readonly submodules: SubmoduleAdvice[] = [];
  /** Paths that stay unmerged. */
  readonly unmerged = new Map<string, Slot>();
  clean = true;

  constructor(objects: ObjectSource, write: ObjectStore, labels: Labels, depth: number) {
    this.objects = objects;
    this.write = write;
    this.labels = labels;
    this.depth = depth;
    this.oidLength = write.algorithm === 'sha1' ? 20 : 32;
  }

  side(side: Side): SideRenames {
    return this.renames[side];
  }

  branch(side: Side): string {
    return side === 1 ? this.labels.ours : this.labels.theirs;
  }

  /** Says something about a path; merges of ancestors are silent. */
  say(type: string, paths: readonly string[], text: string): void {
    if (this.depth === 0) this.messages.add(type, paths, text);
  }

  /** How many paths the walk met. */
  get pathCount(): number {
    let count = this.slots.size;
    for (const { shared } of this.directories.values()) count += shared.length / 2;
    return count;
  }

  readTree(oid: Oid): Awaitable<Bytes> {
    const object = this.objects.read(oid);
    if (isPromise(object)) return object.then((found) => treeData(oid, found));
    return treeData(oid, object);
  }

  /** A row that all sides share, in a directory that was opened. */
  sharedRow(path: string): Version | undefined {
    const directory = this.directories.get(parentPath(path));
    if (directory === undefined) return undefined;
    const { data, shared } = directory;
    const name = encodeText(baseName(path));
    for (let i = 0; i < shared.length; i += 2) {
      const nameStart = data.indexOf(0x20, shared[i]!) + 1;
      const oidStart = shared[i + 1]! - this.oidLength;
      if (oidStart - 1 - nameStart !== name.length) continue;
      if (!name.every((byte, at) => data[nameStart + at] === byte)) continue;
      const mode = Number.parseInt(decodeText(data.subarray(shared[i]!, nameStart - 1)), 8);
      return { mode, oid: oidFromBytes(data, oidStart, this.oidLength) };
    }
    return undefined;
  }

  /** True when the merge knows of anything at the path. */
  knows(path: string): boolean {
    return this.slots.has(path) || this.sharedRow(path) !== undefined;
  }

  /** `path~branch`, with a number behind it while taken. */
  uniquePath(path: string, branch: string): string {
    const wanted = `${path}~${branch.replaceAll('/', '_')}`;
    let free = wanted;
    for (let i = 0; this.knows(free); i++) free = `${wanted}_${i}`;
    return free;
  }

  newSlot(path: string, stages: [Version, Version, Version]): Slot {
    let files = 0;
    let directories = 0;
    for (let side = 0; side < 3; side++) {
      const { mode } = stages[side]!;
      if (mode === MODE_TREE) directories |= 1 << side;
      else if (mode !== 0) files |= 1 << side;
    }
    return {
      stages,
      names: [path, path, path],
      files,
      directories,
      match: 0,
      clash: files !== 0 && directories !== 0,
      pathConflict: false,
      settled: false,
      result: absent,
      ask: false,
    };
  }

  /** Makes sure the directories above a new path take part in the merge. */
  async addParents(path: string, mask: number): Promise<void> {
    const parent = parentPath(path);
    if (parent === '' || this.slots.has(parent)) return;
    await this.addParents(parent, mask);
    const shared = this.sharedRow(parent);
    if (shared === undefined) {
      const slot = this.newSlot(parent, [absent, absent, absent]);
      slot.directories = mask;
      this.slots.set(parent, slot);
      return;
    }
    // All sides share it: open it, so that what is in it stays beside the newcomer.
    this.slots.set(parent, this.newSlot(parent, [shared, shared, shared]));
    if (!isTreeMode(shared.mode)) return;
    const data = await this.readTree(shared.oid);
    const rows: number[] = [];
    const cursor = new TreeCursor(data, this.oidLength);
    while (cursor.next()) rows.push(cursor.rowStart, cursor.oidStart + this.oidLength);
    this.directories.set(parent, { data, shared: rows });
    this.#unshare(parent);
  }

  /** Takes a row out of those that go into the merged directory as they are. */
  #unshare(path: string): void {
    const parent = parentPath(path);
    const { data, shared } = this.directories.get(parent)!;
    const name = encodeText(baseName(path));
    const rows: number[] = [];
    for (let i = 0; i < shared.length; i += 2) {
      const nameStart = data.indexOf(0x20, shared[i]!) + 1;
      const own = data.subarray(nameStart, shared[i + 1]! - this.oidLength - 1);
      if (!equalBytes(own, name)) rows.push(shared[i]!, shared[i + 1]!);
    }
    this.directories.set(parent, { data, shared: rows });
  }
}

function treeData(oid: Oid, object: RawObject | undefined): Bytes {
  if (object?.kind === 'tree') return object.data;
  throw new GitError('OBJECT_MISSING', `Could not read ${oid}`, { data: { oid } });
}

/** Children come right behind the path they would lie under if it were a directory. */
export const compareForPlacing = (a: string, b: string): number => compareTreeNames(a, true, b, true);
