import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { decodeRange } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import { oidFromBytes, oidToBytes } from '../base/oid.js';
import type { ObjectSource, RawObject } from '../objects/source.js';
import { checkTreeDepth } from '../objects/tree.js';
import type { ObjectFilter } from './object-filter.js';
import { DO_SHOW, MARK_SEEN, SKIP_TREE } from './object-filter.js';
import { OidTable } from './oid-table.js';
import type { TreeRows } from './tree-rows.js';
import { passName, sharedBytes } from './tree-rows.js';
import { WalkedTrees } from './walked-trees.js';

const IS_SEEN = 1;
const IS_UNINTERESTING = 2;

const TYPE_MASK = 0o170000;
const TREE_TYPE = 0o040000;
const GITLINK_TYPE = 0o160000;

/** How entries below a tree are limited to paths; `all`: the whole of it. */
export interface EntryLimit {
  /** What to do with the entry of that full path. */
  entry(path: string, isDirectory: boolean): 'all' | 'some' | 'none';
}

export interface ObjectWalkOptions {
  /** Told of each object once, in git's order; `path` is '' for a root tree. */
  readonly show: (oid: Oid, kind: 'tree' | 'blob' | 'tag', path: string) => void;
  /** Names of trees and blobs are wanted at all. */
  readonly trees?: boolean;
  readonly blobs?: boolean;
  readonly filter?: ObjectFilter | undefined;
  /** Told of what the filter left out. */
  readonly omitted?: ((oid: Oid) => void) | undefined;
  /** Asked when a tree cannot be read: `true` passes over it. */
  readonly missing?: ((oid: Oid, kind: ObjectKind, path: string) => Awaitable<boolean>) | undefined;
  readonly limit?: EntryLimit | undefined;
  /** Raw bytes of an id, 20 or 32. */
  readonly oidLength: number;
}

interface Pending {
  readonly oid: Oid;
  readonly kind: 'tree' | 'blob' | 'tag';
  readonly path: string;
  readonly given: boolean;
}

interface Frame {
  readonly oid: Oid;
  readonly path: string;
  readonly data: Bytes;
  readonly end: number;
  readonly given: boolean;
  readonly all: boolean;
  at: number;
  /** The tree's rows, kept for the next tree under this path. */
  readonly rows: TreeRows | undefined;
  /** A tree like it that was walked before: rows of it have been seen. */
  readonly before: TreeRows | undefined;
  /** The row of it to go on with. */
  beforeRow: number;
}

/**
 * Walks trees and blobs, each once, below what it is given. Trees are read as bytes; only what is shown gets strings.
 */
export class ObjectWalk {
  readonly #objects: ObjectSource;
  readonly #options: ObjectWalkOptions;
  readonly #table: OidTable;
  readonly #length: number;
  #pending: Pending[] = [];
  readonly #walked = new WalkedTrees();

  constructor(objects: ObjectSource, options: ObjectWalkOptions) {
    this.#objects = objects;
    this.#options = options;
    this.#length = options.oidLength;
    this.#table = new OidTable(options.oidLength, 4096);
  }

  /** Puts an object into the line; `flush` walks it. `given`: named by the caller, so no filter hides it. */
  add(kind: 'tree' | 'blob' | 'tag', oid: Oid, path: string, given: boolean): void {
    this.#pending.push({ oid, kind, path, given });
  }

  /** Marks a blob as not wanted. */
  excludeBlob(oid: Oid): void {
    this.#table.setFlags(this.#table.intern(oidToBytes(oid), 0), IS_UNINTERESTING);
  }

  /** Marks a tree and all below it as not wanted. Trees that are missing are passed over. */
  async excludeTree(oid: Oid): Promise<void> {
    const length = this.#length;
    const table = this.#table;
    const stack: Oid[] = [oid];
    const row = table.intern(oidToBytes(oid), 0);
    if ((table.flagsAt(row) & IS_UNINTERESTING) !== 0) return;
    table.setFlags(row, IS_UNINTERESTING);
    for (let tree = stack.pop(); tree !== undefined; tree = stack.pop()) {
      let object = this.#objects.read(tree);
      if (isPromise(object)) object = await object;
      if (object === undefined || object.kind !== 'tree') continue;
      const data = object.data;
      for (let at = 0; at < data.length; ) {
        const directory = data[at] === 0x34; // '4': 40000
        const link = data[at] === 0x31 && data[at + 1] === 0x36; // '16': 160000
        while (data[at] !== 0 && at < data.length) at++;
        at++;
        if (at + length > data.length) throw corrupt(tree);
        if (!link) {
          const entry = table.intern(data, at);
          if ((table.flagsAt(entry) & IS_UNINTERESTING) === 0) {
            table.setFlags(entry, IS_UNINTERESTING);
            if (directory) stack.push(oidFromBytes(data, at, length));
          }
        }
        at += length;
      }
    }
  }

  /** Walks what is in the line. */
  async flush(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    for (const { oid, kind, path, given } of pending) {
      if (kind === 'tag') {
        const row = this.#table.intern(oidToBytes(oid), 0);
        if ((this.#table.flagsAt(row) & (IS_SEEN | IS_UNINTERESTING)) !== 0) continue;
        await this.#offer('tag', oid, path, given, row);
      } else if (kind === 'tree') await this.#tree(oid, path, given);
      else {
        if (this.#options.blobs === false) continue;
        const row = this.#table.intern(oidToBytes(oid), 0);
        if ((this.#table.flagsAt(row) & (IS_SEEN | IS_UNINTERESTING)) !== 0) continue;
        await this.#offer('blob', oid, path, given, row);
      }
    }
  }

  /** Shows the object if the filter lets it; answers the filter's bits. */
  async #offer(kind: 'tag' | 'blob' | 'tree', oid: Oid, path: string, given: boolean, row: number): Promise<number> {
    const { filter, show, omitted } = this.#options;
    const bits = filter === undefined || given ? MARK_SEEN | DO_SHOW : await filter.ask(kind, oid, path);
    if ((bits & MARK_SEEN) !== 0) this.#table.setFlags(row, IS_SEEN);
    if ((bits & DO_SHOW) !== 0) show(oid, kind, path);
    else omitted?.(oid);
    return bits;
  }

  /** `raw`, `at`: the name, as bytes. */
  async #enter(
    raw: Bytes,
    at: number,
    path: string,
    given: boolean,
    all: boolean,
    row: number,
  ): Promise<Frame | undefined> {
    const { filter, show, missing } = this.#options;
    const oid = oidFromBytes(raw, at, this.#length);
    // What passes once is copied at once: nothing of it is kept.
    const tracked = filter === undefined && all && this.#options.blobs !== false;
    const lent = tracked ? this.#objects.borrow?.(raw, at) : undefined;
    let object: RawObject | undefined = lent;
    if (object === undefined) {
      const read = this.#objects.read(oid);
      object = isPromise(read) ? await read : read;
    }
    if (object === undefined) {
      if (missing === undefined || !(await missing(oid, 'tree', path))) {
        throw new GitError('OBJECT_MISSING', `bad tree object ${oid}`, { data: { oid } });
      }
      // What is missing is told of by `missing`; it has nothing below that could be walked.
      this.#table.setFlags(row, IS_SEEN);
      return undefined;
    }
    if (object.kind !== 'tree') {
      throw new GitError('OBJECT_CORRUPT', `object ${oid} is a ${object.kind}, not a tree`, { data: { oid } });
    }
    if (tracked) {
      const before = this.#walked.alike(lent, path);
      if (before !== undefined) before.readers++;
      const rows = this.#walked.keep(object.data, lent, path);
      this.#table.setFlags(row, IS_SEEN);
      show(oid, 'tree', path);
      const { bytes, length: end } = rows;
      return { oid, path, data: bytes, end, given, all, at: 0, rows, before, beforeRow: 0 };
    }
    const { data } = object;
    if (filter === undefined) {
      this.#table.setFlags(row, IS_SEEN);
      show(oid, 'tree', path);
    } else if (((await this.#offer('tree', oid, path, given, row)) & SKIP_TREE) !== 0) {
      if (!given) await filter.ask('tree-end', oid, path);
      return undefined;
    }
    const end = data.length;
    return { oid, path, data, end, given, all, at: 0, rows: undefined, before: undefined, beforeRow: 0 };
  }

  async #tree(root: Oid, rootPath: string, given: boolean): Promise<void> {
    const { trees, blobs, filter, limit, show } = this.#options;
    if (trees === false) return;
    const table = this.#table;
    const length = this.#length;
    const rootName = oidToBytes(root);
    const rootRow = table.intern(rootName, 0);
    if ((table.flagsAt(rootRow) & (IS_SEEN | IS_UNINTERESTING)) !== 0) return;
    const first = await this.#enter(rootName, 0, rootPath, given, limit === undefined, rootRow);
    if (first === undefined) return;
    const stack: Frame[] = [first];
    frames: while (stack.length > 0) {
      const frame = stack[stack.length - 1]!;
      const { data, end, rows, before } = frame;
      let at = frame.at;
      while (at < end) {
        if (before !== undefined && frame.beforeRow < before.count) {
          const from = frame.beforeRow;
          const start = before.starts[from]!;
          const to = before.rowAt(start + sharedBytes(rows!, at, before, start), from);
          if (to > from) {
            rows!.adopt(before, from, to, at - start);
            at += before.starts[to]! - start;
            frame.beforeRow = to;
            if (at >= end) break;
          }
        }
        rows?.mark(at);
        let mode = 0;
        let byte = data[at++]!;
        while (byte !== 0x20) {
          mode = mode * 8 + byte - 0x30;
          if (at >= end) throw corrupt(frame.oid);
          byte = data[at++]!;
        }
        const name = at;
        while (data[at] !== 0) if (++at >= end) throw corrupt(frame.oid);
        const nameEnd = at++;
        const id = at;
        at += length;
        if (at > end) throw corrupt(frame.oid);
        if (before !== undefined) frame.beforeRow = passName(before, frame.beforeRow, data, name, nameEnd);
        const type = mode & TYPE_MASK;
        if (type === GITLINK_TYPE) continue;
        const directory = type === TREE_TYPE;
        if (!directory && blobs === false) continue;
        let all = frame.all;
        let path: string | undefined;
        if (!all) {
          path = joined(frame.path, data, name, nameEnd);
          const interest = limit!.entry(path, directory);
          if (interest === 'none' || (interest === 'some' && !directory)) continue;
          all = interest === 'all';
        }
        const row = table.intern(data, id);
        if ((table.flagsAt(row) & (IS_SEEN | IS_UNINTERESTING)) !== 0) continue;
        path ??= joined(frame.path, data, name, nameEnd);
        if (directory) {
          frame.at = at;
          const below = await this.#enter(data, id, path, false, all, row);
          if (below === undefined) continue;
          checkTreeDepth(stack.length);
          stack.push(below);
          continue frames;
        }
        const oid = oidFromBytes(data, id, length);
        if (filter === undefined) {
          table.setFlags(row, IS_SEEN);
          show(oid, 'blob', path);
        } else await this.#offer('blob', oid, path, false, row);
      }
      rows?.finish();
      if (before !== undefined) before.readers--;
      stack.pop();
      if (filter !== undefined && !frame.given) {
        const bits = await filter.ask('tree-end', frame.oid, frame.path);
        if ((bits & MARK_SEEN) !== 0) {
          table.setFlags(table.intern(oidToBytes(frame.oid), 0), IS_SEEN);
        }
      }
    }
  }
}

function joined(base: string, data: Bytes, start: number, end: number): string {
  const name = decodeRange(data, start, end);
  return base === '' ? name : `${base}/${name}`;
}

const corrupt = (oid: Oid): GitError =>
  new GitError('OBJECT_CORRUPT', `too-short tree object ${oid}`, { data: { oid } });
