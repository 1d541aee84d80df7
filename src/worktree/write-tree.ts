import type { Bytes } from '../base/bytes.js';
import { compareText, concatBytes, encodeText } from '../base/bytes.js';
import { isPromise } from '../base/awaitable.js';
import { GitError } from '../base/errors.js';
import { whileWriting } from '../objects/write-failure.js';
import type { Oid } from '../base/oid.js';
import { emptyTreeOid } from '../base/oid.js';
import { formatMode, MODE_GITLINK, MODE_TREE } from '../objects/mode.js';
import type { ObjectStore } from '../objects/source.js';
import { checkTreeDepth, parseTree } from '../objects/tree.js';
import type { CacheTree } from './cache-tree.js';
import { isFullyValid, newCacheTree } from './cache-tree.js';
import { IndexEntry, STAT_BYTES } from './index-entry.js';
import type { Index } from './index-file.js';

export interface WriteTreeOptions {
  /** Do not check that the entries' objects are there. */
  readonly missingOk?: boolean;
  /** Forget what the cache tree remembers and make every tree again. */
  readonly ignoreCacheTree?: boolean;
  /** Compute ids only; a tree whose object is not there already stays "changed". Nothing is written. */
  readonly repair?: boolean;
  /** Compute ids, write nothing, and keep them (`git commit --dry-run`). */
  readonly dryRun?: boolean;
}

/**
 * Writes the index as tree objects, only those that the cache tree does not know, and brings the cache tree up to
 * date. Answers the root tree. Throws when there are conflicts or objects are missing; `data.preface` holds the
 * lines git prints first. git's `cache_tree_update`.
 */
export async function writeIndexTree(
  index: Index,
  objects: ObjectStore,
  options: WriteTreeOptions = {},
): Promise<Oid<'tree'>> {
  refuseConflicts(index);
  const root = index.cacheTree ?? newCacheTree();
  const writer = new TreeWriter(index, objects, options);
  const before = root.entryCount;
  await writer.directory(root, 0, index.count, '', 0);
  if (index.cacheTree === undefined || before < 0 || writer.made > 0) index.changed = true;
  index.cacheTree = root;
  return root.oid ?? writer.lastRoot!;
}

function refuseConflicts(index: Index): void {
  // All trees known: then nothing can be wrong with the entries.
  if (index.rows !== undefined && isFullyValid(index.cacheTree)) return;
  const errors: string[] = [];
  const { entries } = index;
  for (const entry of entries) {
    if (entry.stage === 0) continue;
    if (errors.length >= 10) {
      errors.push('...');
      break;
    }
    errors.push(`${entry.path}: unmerged (${entry.oid})`);
  }
  if (errors.length > 0) throw buildError(errors);
  for (let i = 0; i + 1 < entries.length; i++) {
    const here = entries[i]!.path;
    const next = entries[i + 1]!.path;
    if (next.length > here.length && next.charCodeAt(here.length) === 0x2f && next.startsWith(here)) {
      errors.push(`You have both ${here} and ${next}`);
      if (errors.length > 10) break;
    }
  }
  if (errors.length > 0) throw buildError(errors);
}

const buildError = (errors: readonly string[]): GitError =>
  new GitError('OBJECT_CORRUPT', 'error building trees', {
    data: { preface: errors.map((line) => `${line}\n`).join('') },
  });

class TreeWriter {
  readonly #index: Index;
  readonly #objects: ObjectStore;
  readonly #options: WriteTreeOptions;
  readonly #empty: Oid<'tree'>;
  made = 0;
  lastRoot: Oid<'tree'> | undefined;

  constructor(index: Index, objects: ObjectStore, options: WriteTreeOptions) {
    this.#index = index;
    this.#objects = objects;
    this.#options = options;
    this.#empty = emptyTreeOid(objects.algorithm);
  }

  /**
   * Makes the tree of `entries[start..]` below `prefix` (with its `/`). Answers where it ended, its id and whether
   * entries were left out because they are only intended to be added.
   */
  async directory(
    node: CacheTree,
    start: number,
    limit: number,
    prefix: string,
    depth: number,
  ): Promise<{ end: number; oid: Oid<'tree'>; partial: boolean }> {
    checkTreeDepth(depth);
    if (node.entryCount >= 0 && this.#options.ignoreCacheTree !== true) {
      const there = this.#objects.has(node.oid!);
      if (isPromise(there) ? await there : there) {
        return { end: start + node.entryCount, oid: node.oid!, partial: false };
      }
    }
    const { entries } = this.#index;
    const rows: Bytes[] = [];
    const used = new Set<string>();
    let partial = false;
    let intended = false;
    let at = start;
    while (at < limit) {
      const entry = entries[at]!;
      const { path } = entry;
      if (prefix !== '' && !path.startsWith(prefix)) break;
      const slash = path.indexOf('/', prefix.length);
      if (slash >= 0 && slash < path.length - 1) {
        const name = path.slice(prefix.length, slash);
        let child = node.subtrees.get(name);
        if (child === undefined) {
          child = newCacheTree();
          node.subtrees.set(name, child);
        }
        used.add(name);
        const made = await this.directory(child, at, limit, path.slice(0, slash + 1), depth + 1);
        at = made.end;
        if (made.partial) partial = true;
        if (made.partial && made.oid === this.#empty) continue;
        rows.push(row(MODE_TREE, name, made.oid));
        continue;
      }
      at++;
      if (entry.intentToAdd) {
        intended = true;
        continue;
      }
      await this.#check(entry);
      if (entry.mode === MODE_TREE) {
        // A directory of a sparse index: one entry, its path ends in '/'.
        const name = path.slice(prefix.length, -1);
        used.add(name);
        node.subtrees.set(name, { entryCount: 1, oid: entry.oid as Oid<'tree'>, subtrees: new Map() });
        rows.push(row(MODE_TREE, name, entry.oid));
      } else rows.push(entryRow(entry, path.slice(prefix.length)));
    }
    for (const name of node.subtrees.keys()) if (!used.has(name)) node.subtrees.delete(name);
    partial ||= intended;
    const oid = await this.#store(concatBytes(rows));
    let known = !partial;
    if (this.#options.repair === true && known) {
      const there = this.#objects.has(oid);
      known = isPromise(there) ? await there : there;
    }
    node.entryCount = known ? at - start : -1;
    node.oid = known ? oid : undefined;
    this.made++;
    if (prefix === '') this.lastRoot = oid;
    return { end: at, oid, partial };
  }

  async #check(entry: IndexEntry): Promise<void> {
    const { mode } = entry;
    if (mode === MODE_GITLINK || this.#options.missingOk === true || this.#options.repair === true) return;
    const there = this.#objects.has(entry.oid);
    if (isPromise(there) ? await there : there) return;
    throw buildError([`invalid object ${formatMode(mode)} ${entry.oid} for '${entry.path}'`]);
  }

  #store(data: Bytes): Oid<'tree'> | Promise<Oid<'tree'>> {
    if (this.#options.repair === true || this.#options.dryRun === true) return this.#objects.hash('tree', data);
    const fault = (error: unknown): never => {
      throw whileWriting(error, 'error building trees');
    };
    try {
      const written = this.#objects.write('tree', data);
      return isPromise(written) ? written.catch(fault) : written;
    } catch (error) {
      return fault(error);
    }
  }
}

function row(mode: number, name: string, oid: string): Bytes {
  const head = encodeText(`${mode.toString(8)} ${name}\0`);
  const out = new Uint8Array(head.length + (oid.length >> 1));
  out.set(head);
  for (let i = 0; i < oid.length; i += 2) out[head.length + (i >> 1)] = Number.parseInt(oid.slice(i, i + 2), 16);
  return out;
}

function entryRow(entry: IndexEntry, name: string): Bytes {
  const head = encodeText(`${entry.mode.toString(8)} ${name}\0`);
  const out = new Uint8Array(head.length + entry.oidLength);
  out.set(head);
  const from = entry.at + STAT_BYTES;
  out.set(entry.data.subarray(from, from + entry.oidLength), head.length);
  return out;
}

/** Reads a tree and all below it into entries in index order (no stat words). */
export async function readTreeEntries(
  objects: ObjectStore,
  tree: Oid<'tree'>,
  prefix = '',
  stage = 0,
): Promise<IndexEntry[]> {
  const out: IndexEntry[] = [];
  const oidLength = tree.length >> 1;
  const walk = async (oid: Oid, at: string, depth: number): Promise<void> => {
    checkTreeDepth(depth);
    const found = objects.read(oid);
    const object = isPromise(found) ? await found : found;
    if (object === undefined || object.kind !== 'tree')
      throw new GitError('OBJECT_MISSING', `unable to read tree (${oid})`);
    for (const item of parseTree(object.data, oidLength)) {
      if (item.mode === MODE_TREE) await walk(item.oid, `${at}${item.name}/`, depth + 1);
      else out.push(IndexEntry.create({ path: at + item.name, mode: item.mode, oid: item.oid, stage }));
    }
  };
  await walk(tree, prefix, 0);
  // Tree order is index order except where a name has bytes below '/': directories sort as if they ended in it.
  for (let i = 1; i < out.length; i++) {
    if (compareText(out[i - 1]!.path, out[i]!.path) > 0) return out.sort((a, b) => compareText(a.path, b.path));
  }
  return out;
}

/** The cache tree of an index that was just filled from `tree` alone. git's `prime_cache_tree`. */
export async function primeCacheTree(objects: ObjectStore, tree: Oid<'tree'>): Promise<CacheTree> {
  const oidLength = tree.length >> 1;
  const build = async (oid: Oid<'tree'>, depth: number): Promise<CacheTree> => {
    checkTreeDepth(depth);
    const found = objects.read(oid);
    const object = isPromise(found) ? await found : found;
    if (object === undefined || object.kind !== 'tree')
      throw new GitError('OBJECT_MISSING', `unable to read tree (${oid})`);
    const node: CacheTree = { entryCount: 0, oid, subtrees: new Map() };
    for (const item of parseTree(object.data, oidLength)) {
      if (item.mode !== MODE_TREE) {
        node.entryCount++;
        continue;
      }
      const child = await build(item.oid as Oid<'tree'>, depth + 1);
      node.subtrees.set(item.name, child);
      node.entryCount += child.entryCount;
    }
    return node;
  };
  return build(tree, 0);
}
