import type { Bytes } from '../base/bytes.js';
import { compareBytes, concatBytes, decodeText, encodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { oidFromBytes, oidToBytes } from '../base/oid.js';

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

/** Reads the `TREE` extension; `undefined` when it is damaged (git then works without it). */
export function parseCacheTree(data: Bytes, oidLength: number): CacheTree | undefined {
  let at = 0;
  const read = (): { name: string; node: CacheTree } | undefined => {
    const nameEnd = data.indexOf(0, at);
    const lineEnd = data.indexOf(0x0a, nameEnd + 1);
    if (nameEnd < 0 || lineEnd < 0) return undefined;
    const name = decodeText(data.subarray(at, nameEnd));
    const match = /^(-?\d+) (\d+)$/.exec(decodeText(data.subarray(nameEnd + 1, lineEnd)));
    if (match === null) return undefined;
    at = lineEnd + 1;
    const node = newCacheTree();
    node.entryCount = Number(match[1]);
    if (node.entryCount >= 0) {
      if (at + oidLength > data.length) return undefined;
      node.oid = oidFromBytes(data, at, oidLength);
      at += oidLength;
    }
    for (let i = Number(match[2]); i > 0; i--) {
      const child = read();
      if (child === undefined || node.subtrees.has(child.name)) return undefined;
      node.subtrees.set(child.name, child.node);
    }
    return { name, node };
  };
  return read()?.node;
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

/** The node of a directory (`''` is the root), or `undefined` where none is kept. */
export function findCacheTree(root: CacheTree | undefined, directory: string): CacheTree | undefined {
  let node = root;
  if (directory === '') return node;
  for (const name of directory.split('/')) {
    node = node?.subtrees.get(name);
    if (node === undefined) return undefined;
  }
  return node;
}

/** True when every directory's tree is known. */
export function isFullyValid(node: CacheTree | undefined): boolean {
  if (node === undefined || node.entryCount < 0) return false;
  for (const child of node.subtrees.values()) if (!isFullyValid(child)) return false;
  return true;
}
