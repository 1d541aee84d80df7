import type { Bytes } from '../base/bytes.js';
import { encodeText } from '../base/bytes.js';
import { isPromise, type Awaitable } from '../base/awaitable.js';
import { commonPrefix, commonSuffix } from '../base/common-bytes.js';
import { oidFromBytes } from '../base/oid.js';
import { canonicalMode, isTreeMode } from '../objects/mode.js';
import { lastRowEnd, TreeCursor } from '../objects/tree.js';

/** How a file's changed-path filters are made. */
export interface BloomSettings {
  /** 1: the hash takes bytes above 0x7f as negative (an old mistake, kept); 2: it does not. */
  readonly version: number;
  readonly hashes: number;
  readonly bitsPerEntry: number;
}

export const defaultBloomSettings: BloomSettings = { version: 1, hashes: 7, bitsPerEntry: 10 };
/** Commits that change more paths get a filter that says yes to everything. */
const MOST_PATHS = 512;

const SEED_A = 0x293ae76f;
const SEED_B = 0x7e646e2c;

/** MurmurHash3, 32 bits. */
function murmur3(seed: number, data: Bytes, signed: boolean): number {
  const c1 = 0xcc9e2d51;
  const c2 = 0x1b873593;
  const at = (i: number): number => {
    const byte = data[i]!;
    return signed && byte > 0x7f ? byte - 256 : byte;
  };
  let hash = seed;
  const blocks = data.length >>> 2;
  for (let i = 0; i < blocks; i++) {
    const j = 4 * i;
    let k = at(j) | (at(j + 1) << 8) | (at(j + 2) << 16) | (at(j + 3) << 24);
    k = Math.imul(k, c1);
    k = (k << 15) | (k >>> 17);
    k = Math.imul(k, c2);
    hash ^= k;
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  const tail = blocks * 4;
  let k = 0;
  const rest = data.length & 3;
  if (rest === 3) k ^= at(tail + 2) << 16;
  if (rest >= 2) k ^= at(tail + 1) << 8;
  if (rest >= 1) {
    k ^= at(tail);
    k = Math.imul(k, c1);
    k = (k << 15) | (k >>> 17);
    k = Math.imul(k, c2);
    hash ^= k;
  }
  hash ^= data.length;
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash >>> 0;
}

/** A path as the filters see it: the two hashes all others are made of. */
export interface BloomKey {
  readonly a: number;
  readonly b: number;
}

export function bloomKey(path: string | Bytes, version: number): BloomKey {
  const bytes = typeof path === 'string' ? encodeText(path) : path;
  return { a: murmur3(SEED_A, bytes, version === 1), b: murmur3(SEED_B, bytes, version === 1) };
}

function bitAt(key: BloomKey, i: number, bits: number): number {
  return ((key.a + Math.imul(i, key.b)) >>> 0) % bits;
}

/** False when the filter certainly lacks the key. */
export function bloomContains(filter: Bytes, settings: BloomSettings, key: BloomKey): boolean {
  const bits = filter.length * 8;
  if (bits === 0) return true;
  for (let i = 0; i < settings.hashes; i++) {
    const bit = bitAt(key, i, bits);
    if ((filter[bit >>> 3]! & (1 << (bit & 7))) === 0) return false;
  }
  return true;
}

/** The filter of a set of paths; `undefined` stands for "too many". */
export function makeFilter(
  paths: ReadonlySet<string> | undefined,
  settings: BloomSettings,
  most: number = MOST_PATHS,
): Bytes {
  if (paths === undefined || paths.size > most) return Uint8Array.of(0xff);
  const size = Math.floor((paths.size * settings.bitsPerEntry + 7) / 8);
  if (size === 0) return new Uint8Array(1);
  const filter = new Uint8Array(size);
  for (const path of paths) {
    const key = bloomKey(path, settings.version);
    for (let i = 0; i < settings.hashes; i++) {
      const bit = bitAt(key, i, size * 8);
      filter[bit >>> 3]! |= 1 << (bit & 7);
    }
  }
  return filter;
}

type ReadTree = (raw: Bytes, at: number) => Awaitable<Bytes>;

/**
 * The paths that differ between two trees, and every directory above them; `undefined` when there are more than
 * `most` files. `before` is absent for a root commit.
 */
export async function changedPaths(
  before: Bytes | undefined,
  after: Bytes,
  oidLength: number,
  read: ReadTree,
  most: number = MOST_PATHS,
): Promise<ReadonlySet<string> | undefined> {
  const paths = new Set<string>();
  let files = 0;
  const add = (path: string): boolean => {
    files++;
    if (files > most) return false;
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const prefix = path.slice(0, end);
      if (paths.has(prefix)) break;
      paths.add(prefix);
    }
    return true;
  };
  const all = async (data: Bytes, prefix: string): Promise<boolean> => {
    const cursor = new TreeCursor(data, oidLength);
    while (cursor.next()) {
      const path = prefix + cursor.name;
      if (isTreeMode(cursor.mode)) {
        const below = read(data, cursor.oidStart);
        if (!(await all(isPromise(below) ? await below : below, `${path}/`))) return false;
      } else if (!add(path)) return false;
    }
    return true;
  };
  const compare = async (a: Bytes, b: Bytes, prefix: string): Promise<boolean> => {
    const same = lastRowEnd(a, 0, commonPrefix(a, b), oidLength);
    const left = new TreeCursor(same === 0 ? a : a.subarray(same), oidLength);
    const right = new TreeCursor(same === 0 ? b : b.subarray(same), oidLength);
    // Where as many bytes are left of both, and no more than they end with in common, there is nothing new any more.
    const tail = commonSuffix(a, b, Math.min(a.length, b.length) - same);
    const rest = (cursor: TreeCursor): number => cursor.data.length - cursor.rowStart;
    let moreLeft = left.next();
    let moreRight = right.next();
    while (moreLeft || moreRight) {
      if (moreLeft && moreRight && rest(left) <= tail && rest(left) === rest(right)) break;
      let order: number;
      if (!moreLeft) order = 1;
      else if (!moreRight) order = -1;
      else order = compareRows(left, right);
      if (order === 0) {
        const same =
          canonicalMode(left.mode) === canonicalMode(right.mode) &&
          sameOid(left.data, left.oidStart, right.data, right.oidStart, oidLength);
        if (!same) {
          const path = prefix + left.name;
          if (isTreeMode(left.mode) && isTreeMode(right.mode)) {
            const one = read(left.data, left.oidStart);
            const two = read(right.data, right.oidStart);
            if (!(await compare(isPromise(one) ? await one : one, isPromise(two) ? await two : two, `${path}/`))) {
              return false;
            }
          } else if (!add(path)) return false;
        }
        moreLeft = left.next();
        moreRight = right.next();
        continue;
      }
      const cursor = order < 0 ? left : right;
      const { data } = cursor;
      const path = prefix + cursor.name;
      if (isTreeMode(cursor.mode)) {
        const below = read(data, cursor.oidStart);
        if (!(await all(isPromise(below) ? await below : below, `${path}/`))) return false;
      } else if (!add(path)) return false;
      if (order < 0) moreLeft = left.next();
      else moreRight = right.next();
    }
    return true;
  };
  const complete = before === undefined ? await all(after, '') : await compare(before, after, '');
  return complete ? paths : undefined;
}

/**
 * Whether a tree or one below it has a name with a byte above 0x7f: only such paths differ between the two versions of
 * filters. `plain` keeps the trees that are known to have none, by name.
 */
export async function hasHighBytes(
  tree: Bytes,
  oidLength: number,
  read: ReadTree,
  plain: Set<string>,
): Promise<boolean> {
  const cursor = new TreeCursor(tree, oidLength);
  while (cursor.next()) {
    for (let i = cursor.nameStart; i < cursor.nameEnd; i++) if (tree[i]! > 0x7f) return true;
    if (!isTreeMode(cursor.mode)) continue;
    const name = oidFromBytes(tree, cursor.oidStart, oidLength);
    if (plain.has(name)) continue;
    const below = read(tree, cursor.oidStart);
    if (await hasHighBytes(isPromise(below) ? await below : below, oidLength, read, plain)) return true;
    plain.add(name);
  }
  return false;
}

function sameOid(a: Bytes, x: number, b: Bytes, y: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[x + i] !== b[y + i]) return false;
  return true;
}

/** Order of two rows by git's rule; a directory's name counts as if it ended in `/`. */
function compareRows(a: TreeCursor, b: TreeCursor): number {
  const lengthA = a.nameEnd - a.nameStart;
  const lengthB = b.nameEnd - b.nameStart;
  const common = Math.min(lengthA, lengthB);
  for (let i = 0; i < common; i++) {
    const difference = a.data[a.nameStart + i]! - b.data[b.nameStart + i]!;
    if (difference !== 0) return difference;
  }
  const endA = lengthA > common ? a.data[a.nameStart + common]! : isTreeMode(a.mode) ? 0x2f : 0;
  const endB = lengthB > common ? b.data[b.nameStart + common]! : isTreeMode(b.mode) ? 0x2f : 0;
  return endA - endB;
}
