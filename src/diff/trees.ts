import { isPromise, type Awaitable } from '../base/awaitable.js';
import { decodeText, emptyBytes, type Bytes } from '../base/bytes.js';
import { agreeingStrides } from '../base/common-bytes.js';
import { GitError } from '../base/errors.js';
import { oidFromBytes, zeroOid, type Oid } from '../base/oid.js';
import { canonicalMode, isGitlinkMode, isTreeMode } from '../objects/mode.js';
import type { ObjectSource } from '../objects/source.js';
import { checkTreeDepth, lastRowEnd } from '../objects/tree.js';

/** Whether a path (a directory without its `/`) is wanted: no; it or some of what is below; it and all below. */
export type PathFilter = (path: string, isTree: boolean, isSubmodule: boolean) => 'no' | 'some' | 'all';

export interface TreeDiffOptions {
  /** Descend into directories (`-r`). */
  readonly recursive?: boolean | undefined;
  /** Report the directories too while descending (`-t`). */
  readonly showTrees?: boolean | undefined;
  readonly filter?: PathFilter | undefined;
  /** Report unchanged files as well (`--find-copies-harder`); then nothing is skipped unread. */
  readonly unmodified?: boolean | undefined;
  /** Whether to go on into a directory (`--max-depth`); those that are not gone into are reported themselves. */
  readonly descends?: ((path: string) => boolean) | undefined;
  /** Only below this directory, as if it were the root; with its `/` at the end. */
  readonly prefix?: string | undefined;
}

/** One row that differs. Mode 0 and the zero id stand for "not there". */
export interface TreeChange {
  readonly path: string;
  readonly oldMode: number;
  readonly newMode: number;
  readonly oldOid: Oid;
  readonly newOid: Oid;
}

/**
 * Compares two trees (`undefined`: an empty one) and reports what differs in git's order. Equal subtrees are never
 * read; rows are compared as bytes and turned into text only where they differ. `visit` may answer `false` to stop.
 * Equals `git diff-tree`.
 */
export function diffTrees(
  objects: ObjectSource,
  oldTree: Oid | undefined,
  newTree: Oid | undefined,
  oidLength: 20 | 32,
  options: TreeDiffOptions,
  visit: (change: TreeChange) => void | false,
): Awaitable<void> {
  if (oldTree === newTree && options.unmodified !== true) return;
  return new TreeDiff(objects, oidLength, options, visit).pair(oldTree, newTree, options.prefix ?? '', false, 0);
}

/** The content of a tree object; throws `OBJECT_MISSING`. */
function readTree(objects: ObjectSource, oid: Oid | undefined): Awaitable<Bytes> {
  if (oid === undefined) return emptyBytes;
  const object = objects.read(oid);
  const check = (found: Awaited<typeof object>): Bytes => {
    if (found === undefined) throw new GitError('OBJECT_MISSING', `unable to read tree (${oid})`, { data: { oid } });
    if (found.kind !== 'tree') throw new GitError('OBJECT_CORRUPT', `not a tree object: ${oid}`, { data: { oid } });
    return found.data;
  };
  return isPromise(object) ? object.then(check) : check(object);
}

class Row {
  mode = 0;
  nameStart = 0;
  nameEnd = 0;
  end = 0;

  constructor(
    readonly data: Bytes,
    private readonly oidLength: number,
  ) {}

  /** Reads the row at `at`; false at the end of the tree. */
  read(at: number): boolean {
    const { data } = this;
    if (at >= data.length) return false;
    let mode = 0;
    let i = at;
    while (data[i] !== 32) {
      const digit = data[i]! - 48;
      if (!(digit >= 0 && digit < 8)) throw new GitError('OBJECT_CORRUPT', 'malformed mode in tree entry');
      mode = mode * 8 + digit;
      i++;
    }
    this.mode = canonicalMode(mode);
    this.nameStart = ++i;
    while (data[i] !== 0) if (++i >= data.length) throw new GitError('OBJECT_CORRUPT', 'too-short tree object');
    if (i === this.nameStart) throw new GitError('OBJECT_CORRUPT', 'empty filename in tree entry');
    this.nameEnd = i;
    this.end = i + 1 + this.oidLength;
    if (this.end > data.length) throw new GitError('OBJECT_CORRUPT', 'too-short tree object');
    return true;
  }

  get name(): string {
    return decodeText(this.data.subarray(this.nameStart, this.nameEnd));
  }

  get oid(): Oid {
    return oidFromBytes(this.data, this.nameEnd + 1, this.oidLength);
  }
}

/** git's order of tree rows: a directory's name counts as if it ended in `/`. */
function compareRows(a: Row, b: Row): number {
  const x = a.data;
  const y = b.data;
  let i = a.nameStart;
  let j = b.nameStart;
  while (i < a.nameEnd && j < b.nameEnd) {
    const difference = x[i]! - y[j]!;
    if (difference !== 0) return difference;
    i++;
    j++;
  }
  const left = i < a.nameEnd ? x[i]! : isTreeMode(a.mode) ? 47 : 0;
  const right = j < b.nameEnd ? y[j]! : isTreeMode(b.mode) ? 47 : 0;
  return left - right;
}

/** Where the walk stands in one pair of trees; kept so that it can go on after a promise. */
interface Level {
  readonly depth: number;
  readonly prefix: string;
  readonly all: boolean;
  readonly old: Row;
  readonly new: Row;
  readonly oldView: DataView;
  readonly newView: DataView;
  oldAt: number;
  newAt: number;
}

class TreeDiff {
  private stopped = false;
  private readonly zero: Oid;

  constructor(
    private readonly objects: ObjectSource,
    private readonly oidLength: 20 | 32,
    private readonly options: TreeDiffOptions,
    private readonly visit: (change: TreeChange) => void | false,
  ) {
    this.zero = zeroOid(oidLength === 20 ? 'sha1' : 'sha256');
  }

  /** Compares two trees below `prefix` (with its `/`). `all`: the filter wants everything here. */
  pair(
    oldTree: Oid | undefined,
    newTree: Oid | undefined,
    prefix: string,
    all: boolean,
    depth: number,
  ): Awaitable<void> {
    checkTreeDepth(depth);
    const old = readTree(this.objects, oldTree);
    const fresh = readTree(this.objects, newTree);
    if (isPromise(old) || isPromise(fresh)) {
      return Promise.all([old, fresh]).then(([x, y]) => this.walk(this.level(x, y, prefix, all, depth)));
    }
    return this.walk(this.level(old, fresh, prefix, all, depth));
  }

  private level(old: Bytes, fresh: Bytes, prefix: string, all: boolean, depth: number): Level {
    return {
      depth,
      prefix,
      all,
      old: new Row(old, this.oidLength),
      new: new Row(fresh, this.oidLength),
      oldView: new DataView(old.buffer, old.byteOffset, old.length),
      newView: new DataView(fresh.buffer, fresh.byteOffset, fresh.length),
      oldAt: 0,
      newAt: 0,
    };
  }

  private walk(level: Level): Awaitable<void> {
    const { old, new: fresh } = level;
    const x = old.data;
    const y = fresh.data;
    const skipEqual = this.options.unmodified !== true;
    while (!this.stopped) {
      if (skipEqual) this.skipEqualRows(level, x, y);
      const hasOld = old.read(level.oldAt);
      const hasNew = fresh.read(level.newAt);
      if (!hasOld && !hasNew) return;
      const order = !hasOld ? 1 : !hasNew ? -1 : compareRows(old, fresh);
      if (order <= 0) level.oldAt = old.end;
      if (order >= 0) level.newAt = fresh.end;
      const below = this.rows(level, order <= 0 ? old : undefined, order >= 0 ? fresh : undefined);
      if (isPromise(below)) return below.then(() => this.walk(level));
    }
  }

  /** Passes over rows that are the same bytes on both sides. */
  private skipEqualRows(level: Level, x: Bytes, y: Bytes): void {
    const start = level.oldAt;
    const shift = level.newAt - start;
    const end = Math.min(x.length, y.length - shift);
    // first how far the bytes agree, four at a time; then where the last whole row in that stretch ends
    const { oldView, newView } = level;
    let same = start + agreeingStrides(x, start, y, start + shift, end - start);
    for (const stop = end - 4; same <= stop && oldView.getInt32(same) === newView.getInt32(same + shift); same += 4);
    while (same < end && x[same] === y[same + shift]) same++;
    // Mostly one row differs, and all behind it are equal: then nothing has to be looked for.
    if (same === x.length && same + shift === y.length) {
      level.oldAt = same;
      level.newAt = y.length;
      return;
    }
    const row = lastRowEnd(x, start, same, this.oidLength);
    level.oldAt = row;
    level.newAt = row + shift;
  }

  /** A row on either side or, under one name, on both. */
  private rows(level: Level, old: Row | undefined, fresh: Row | undefined): Awaitable<void> {
    const { options } = this;
    const row = (old ?? fresh)!;
    const oldMode = old?.mode ?? 0;
    const newMode = fresh?.mode ?? 0;
    const isTree = isTreeMode(row.mode);
    const path = level.prefix + row.name;
    let { all } = level;
    if (!all && options.filter !== undefined) {
      const wanted = options.filter(path, isTree, isGitlinkMode(row.mode));
      if (wanted === 'no') return;
      all = wanted === 'all';
    }
    const oldOid = old?.oid ?? this.zero;
    const newOid = fresh?.oid ?? this.zero;
    const same = oldMode === newMode && oldOid === newOid;
    if (same && options.unmodified !== true) return;
    if (isTree && options.recursive === true && options.descends?.(path) !== false) {
      if (options.showTrees === true && !same) this.report({ path, oldMode, newMode, oldOid, newOid });
      const depth = level.depth + 1;
      const below = (): Awaitable<void> =>
        this.pair(
          old === undefined ? undefined : oldOid,
          fresh === undefined ? undefined : newOid,
          path + '/',
          all,
          depth,
        );
      // the call stack holds a few thousand levels of a synchronous walk, not more
      return depth % 256 === 0 ? Promise.resolve().then(below) : below();
    }
    this.report({ path, oldMode, newMode, oldOid, newOid });
  }

  private report(change: TreeChange): void {
    if (!this.stopped && this.visit(change) === false) this.stopped = true;
  }
}
