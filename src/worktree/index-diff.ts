import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { oidFromBytes } from '../base/oid.js';
import { isTreeMode } from '../objects/mode.js';
import type { ObjectSource } from '../objects/source.js';
import { checkTreeDepth, TreeCursor } from '../objects/tree.js';
import type { CacheTree } from './cache-tree.js';
import type { IndexEntry } from './index-entry.js';
import type { Index } from './index-file.js';

/** A path that differs between a tree and the index. */
export interface IndexChange {
  readonly path: string;
  /** What the tree has; 0 where it has nothing. */
  readonly oldMode: number;
  readonly oldOid: Oid | undefined;
  /** The merged entry, if there is one. */
  readonly entry: IndexEntry | undefined;
  /** The stages of a conflict. */
  readonly stages: readonly IndexEntry[] | undefined;
}

export interface IndexDiffOptions {
  /** Entries only intended to be added count as not there. */
  readonly intentInvisible?: boolean;
  /** Report equal paths too (`--find-copies-harder`). */
  readonly unchanged?: boolean;
}

/**
 * Compares a tree with the index, in index order. Directories whose tree the cache tree knows to be the same are
 * passed over unread. `tree` absent: the empty tree.
 */
export async function diffIndexWithTree(
  objects: ObjectSource,
  index: Index,
  tree: Oid<'tree'> | undefined,
  options: IndexDiffOptions = {},
): Promise<IndexChange[]> {
  if (tree !== undefined && options.unchanged !== true && index.makesTree(tree)) return [];
  const walk = new IndexDiff(objects, index, options);
  await walk.directory('', tree, index.cacheTree, 0, index.count, 0);
  // Trees sort `a` and `a/b` otherwise than the index does; the order of the index counts.
  const { changes } = walk;
  for (let i = 1; i < changes.length; i++) {
    if (compareText(changes[i - 1]!.path, changes[i]!.path) >= 0) {
      changes.sort((a, b) => compareText(a.path, b.path));
      // Of rows of the same name, which only a damaged tree has, the last one counts.
      return changes.filter(({ path }, at) => path !== changes[at + 1]?.path);
    }
  }
  return changes;
}

interface Row {
  readonly name: string;
  readonly mode: number;
  readonly oidAt: number;
}

class IndexDiff {
  readonly changes: IndexChange[] = [];
  readonly #objects: ObjectSource;
  readonly #index: Index;
  readonly #options: IndexDiffOptions;

  constructor(objects: ObjectSource, index: Index, options: IndexDiffOptions) {
    this.#objects = objects;
    this.#index = index;
    this.#options = options;
  }

  async directory(
    prefix: string,
    tree: Oid | undefined,
    cache: CacheTree | undefined,
    start: number,
    end: number,
    depth: number,
  ): Promise<void> {
    checkTreeDepth(depth);
    if (
      cache !== undefined &&
      cache.entryCount >= 0 &&
      cache.oid === tree &&
      cache.entryCount === end - start &&
      this.#options.unchanged !== true
    ) {
      return;
    }
    let data: Bytes | undefined;
    if (tree !== undefined) {
      const found = this.#objects.read(tree);
      const object = isPromise(found) ? await found : found;
      if (object === undefined || object.kind !== 'tree') {
        throw new GitError('OBJECT_MISSING', `unable to read tree (${tree})`);
      }
      data = object.data;
    }
    const { entries, oidLength } = this.#index;
    if (start === end) {
      if (data !== undefined) await this.#whole(prefix, data, end, depth);
      return;
    }
    const files = new Map<string, Row>();
    const trees = new Map<string, Row>();
    if (data !== undefined) {
      const cursor = new TreeCursor(data, oidLength);
      while (cursor.next()) {
        const row = { name: cursor.name, mode: cursor.mode, oidAt: cursor.oidStart };
        (isTreeMode(row.mode) ? trees : files).set(row.name, row);
      }
    }
    const oidOf = (row: Row): Oid => oidFromBytes(data!, row.oidAt, oidLength);
    for (let at = start; at < end; ) {
      const entry = entries[at]!;
      const { path } = entry;
      const slash = path.indexOf('/', prefix.length);
      if (slash >= 0 && slash < path.length - 1) {
        const name = path.slice(prefix.length, slash);
        const child = cache?.subtrees.get(name);
        const stop =
          child !== undefined && child.entryCount > 0
            ? Math.min(end, at + child.entryCount)
            : this.#endOf(path.slice(0, slash + 1), at, end);
        const row = trees.get(name);
        trees.delete(name);
        await this.directory(
          path.slice(0, slash + 1),
          row === undefined ? undefined : oidOf(row),
          child,
          at,
          stop,
          depth + 1,
        );
        at = stop;
        continue;
      }
      const sparse = slash === path.length - 1;
      const name = sparse ? path.slice(prefix.length, -1) : path.slice(prefix.length);
      const row = (sparse ? trees : files).get(name);
      (sparse ? trees : files).delete(name);
      let stages: IndexEntry[] | undefined;
      if (entry.stage !== 0) {
        stages = [];
        while (at < end && entries[at]!.path === path) stages.push(entries[at++]!);
      } else at++;
      const visible = stages !== undefined || !(entry.intentToAdd && this.#options.intentInvisible === true);
      if (
        stages === undefined &&
        row !== undefined &&
        visible &&
        entry.mode === row.mode &&
        entry.hasOidAt(data!, row.oidAt)
      ) {
        if (this.#options.unchanged !== true) continue;
      } else if (!visible && row === undefined) continue;
      this.changes.push({
        path,
        oldMode: row?.mode ?? 0,
        oldOid: row === undefined ? undefined : oidOf(row),
        entry: stages === undefined && visible ? entry : undefined,
        stages,
      });
    }
    for (const row of files.values()) this.#deleted(prefix + row.name, row.mode, oidOf(row));
    for (const row of trees.values())
      await this.directory(`${prefix}${row.name}/`, oidOf(row), undefined, end, end, depth + 1);
  }

  /** A tree of which the index has nothing. */
  async #whole(prefix: string, data: Bytes, at: number, depth: number): Promise<void> {
    const { oidLength } = this.#index;
    const cursor = new TreeCursor(data, oidLength);
    while (cursor.next()) {
      const oid = oidFromBytes(data, cursor.oidStart, oidLength);
      const path = prefix + cursor.name;
      if (isTreeMode(cursor.mode)) await this.directory(`${path}/`, oid, undefined, at, at, depth + 1);
      else this.#deleted(path, cursor.mode, oid);
    }
  }

  #endOf(below: string, at: number, end: number): number {
    const { entries } = this.#index;
    let low = at;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { path } = entries[middle]!;
      if (path.startsWith(below) || compareText(path, below) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #deleted(path: string, mode: number, oid: Oid): void {
    this.changes.push({ path, oldMode: mode, oldOid: oid, entry: undefined, stages: undefined });
  }
}
