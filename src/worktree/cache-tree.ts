import type { Bytes } from '../base/bytes.js';
import { compareBytes, concatBytes, decodeText, encodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { oidFromBytes, oidToBytes } from '../base/oid.js';
import { checkTreeDepth } from '../objects/tree.js';

/**
 * The index's memory of tree objects: for each directory the tree that its entries make, while nothing below it has
 * changed. `entryCount` -1 means "changed since"; then `oid` says nothing.
 */
export interface CacheTree {
  entryCount: number;
  oid: Oid<'tree'> | undefined;
  readonly subtrees: Map<string, CacheTree>;
}

export const newCacheTree = (): CacheTree => ({ entryCount: -1, oid: undefined, subtrees: new Map() });

/** A node as it was read: its id becomes text only where somebody asks. */
class StoredNode implements CacheTree {
  readonly subtrees = new Map<string, CacheTree>();
  entryCount: number;
  readonly #data: Bytes;
  readonly #at: number;
  readonly #oidLength: number;
  /** `null`: not made yet. */
  #oid: Oid<'tree'> | undefined | null = null;

  constructor(entryCount: number, data: Bytes, at: number, oidLength: number) {
    this.entryCount = entryCount;
    this.#data = data;
    this.#at = at;
    this.#oidLength = oidLength;
    if (entryCount < 0) this.#oid = undefined;
  }
  get oid(): Oid<'tree'> | undefined {
    if (this.#oid === null) this.#oid = oidFromBytes(this.#data, this.#at, this.#oidLength);
    return this.#oid;
  }
  set oid(oid: Oid<'tree'> | undefined) {
    this.#oid = oid;
  }
}

/** Reads the `TREE` extension; `undefined` when it is damaged (git then works without it). */
export function parseCacheTree(data: Bytes, oidLength: number): CacheTree | undefined {
  let at = 0;
  /** A number and the byte that ends it. NaN for anything else. */
  const number = (end: number): number => {
    const negative = data[at] === 0x2d;
    if (negative) at++;
    let value = data[at] === end ? Number.NaN : 0;
    for (; at < data.length && data[at] !== end; at++) {
      const digit = data[at]! - 0x30;
      value = digit >= 0 && digit <= 9 ? value * 10 + digit : Number.NaN;
    }
    at++;
    return negative ? -value : value;
  };
  const read = (depth: number): { name: string; node: CacheTree } | undefined => {
    const nameEnd = data.indexOf(0, at);
    if (nameEnd < 0) return undefined;
    checkTreeDepth(depth);
    const name = decodeText(data.subarray(at, nameEnd));
    at = nameEnd + 1;
    const entryCount = number(0x20);
    let children = number(0x0a);
    if (!(children >= 0) || Number.isNaN(entryCount)) return undefined;
    const node = new StoredNode(entryCount, data, at, oidLength);
    if (entryCount >= 0) at += oidLength;
    if (at > data.length) return undefined;
    for (; children > 0; children--) {
      const child = read(depth + 1);
      if (child === undefined || node.subtrees.has(child.name)) return undefined;
      node.subtrees.set(child.name, child.node);
    }
    return { name, node };
  };
  return read(0)?.node;
}

/** What the `TREE` extension says of the root alone, without reading on. */
export function rootOfCacheTree(data: Bytes, oidLength: number): { entryCount: number; oid: Oid<'tree'> } | undefined {
  const lineEnd = data.indexOf(0x0a);
  const match = /^\0(\d+) \d+$/.exec(decodeText(data.subarray(0, Math.max(0, lineEnd))));
  if (match === null || lineEnd + 1 + oidLength > data.length) return undefined;
  return { entryCount: Number(match[1]), oid: oidFromBytes(data, lineEnd + 1, oidLength) };
}

/** Subtrees go out by length of the name first, as git keeps them. */
function sortedSubtrees(node: CacheTree): { raw: Bytes; node: CacheTree }[] {
  return Array.from(node.subtrees, ([name, child]) => ({ raw: encodeText(name), node: child })).sort(
    (a, b) => a.raw.length - b.raw.length || compareBytes(a.raw, b.raw),
  );
}

export function serializeCacheTree(root: CacheTree): Bytes {
  const chunks: Bytes[] = [];
  const write = (raw: Bytes, node: CacheTree): void => {
    chunks.push(raw, encodeText(`\0${node.entryCount < 0 ? -1 : node.entryCount} ${node.subtrees.size}\n`));
    if (node.entryCount >= 0) chunks.push(oidToBytes(node.oid!));
    for (const child of sortedSubtrees(node)) write(child.raw, child.node);
  };
  write(new Uint8Array(0), root);
  return concatBytes(chunks);
}

/** Forgets the trees above `path`, which was changed, added or removed; a tree at the path itself is dropped. */
export function invalidateCacheTree(root: CacheTree | undefined, path: string): void {
  let node = root;
  let start = 0;
  while (node !== undefined) {
    node.entryCount = -1;
    node.oid = undefined;
    const slash = path.indexOf('/', start);
    if (slash < 0) {
      node.subtrees.delete(path.slice(start));
      return;
    }
    node = node.subtrees.get(path.slice(start, slash));
    start = slash + 1;
  }
}

/** True when every directory's tree is known. */
export function isFullyValid(node: CacheTree | undefined): boolean {
  if (node === undefined || node.entryCount < 0) return false;
  for (const child of node.subtrees.values()) if (!isFullyValid(child)) return false;
  return true;
}
