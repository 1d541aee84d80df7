import type { Bytes } from '../base/bytes.js';
import { compareBytes, decodeRange, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { oidFromBytes, writeOid } from '../base/oid.js';
import { isTreeMode } from './mode.js';

/** How deep directories may lie inside each other: git's default of `core.maxTreeDepth`. */
const MAX_TREE_DEPTH = 2048;

/** Refuses (`LIMIT`) to go into a tree that lies `depth` below the root; a forged one could go on for ever. */
export function checkTreeDepth(depth: number): void {
  if (depth > MAX_TREE_DEPTH) throw new GitError('LIMIT', 'exceeded maximum allowed tree depth');
}

/** One row of a tree object. The name is as stored: it may be unsafe; check it before it goes to a disk. */
export interface TreeEntry {
  readonly name: string;
  /** The mode exactly as stored (odd old modes included). */
  readonly mode: number;
  readonly oid: Oid;
}

/** Where the last whole row ends of those from `row` on that end at `end` or before. */
export function lastRowEnd(data: Bytes, row: number, end: number, oidLength: number): number {
  for (;;) {
    // Modes have five digits or six, in odd old trees three: no NUL stands before.
    let at = row + 5;
    while (at < end && data[at] !== 0) at++;
    const next = at + 1 + oidLength;
    if (next > end) return row;
    row = next;
  }
}

/**
 * Walks the rows of a tree object without making strings. `next()` moves to the following row and answers whether
 * there is one; then `mode`, `nameStart`/`nameEnd` and `oidStart` say where it lies in `data`. A row that is cut off
 * throws `OBJECT_CORRUPT`.
 */
export class TreeCursor {
  readonly data: Bytes;
  readonly #oidLength: number;
  #at = 0;
  mode = 0;
  nameStart = 0;
  nameEnd = 0;
  oidStart = 0;
  /** Offset of the row's first byte. */
  rowStart = 0;

  constructor(data: Bytes, oidLength: number) {
    this.data = data;
    this.#oidLength = oidLength;
  }

  /** Goes to the next row; `false` at the end. Throws `OBJECT_CORRUPT` where there is none but bytes. */
  next(): boolean {
    const data = this.data;
    let at = this.#at;
    if (at >= data.length) return false;
    this.rowStart = at;
    const end = data.length - this.#oidLength - 1;
    if (end - at < 2 || data[end] !== 0) throw malformed('too-short tree object');
    let mode = 0;
    let digit = data[at++]!;
    if (digit === 0x20) throw malformed('malformed mode in tree entry');
    while (digit !== 0x20) {
      if (digit < 0x30 || digit > 0x37) throw malformed('malformed mode in tree entry');
      mode = mode * 8 + digit - 0x30;
      if (at >= data.length) throw malformed('too-short tree object');
      digit = data[at++]!;
    }
    // Names are short: a native search costs more than they do. (The byte in front of the last id is 0.)
    let nameEnd = at;
    while (nameEnd <= end && data[nameEnd] !== 0) nameEnd++;
    if (nameEnd > end) throw malformed('too-short tree object');
    if (nameEnd === at) throw malformed('empty filename in tree entry');
    this.mode = mode;
    this.nameStart = at;
    this.nameEnd = nameEnd;
    this.oidStart = nameEnd + 1;
    this.#at = nameEnd + 1 + this.#oidLength;
    return true;
  }

  /** Where the next row begins. */
  get end(): number {
    return this.#at;
  }

  /** Passes over bytes that are whole rows. */
  skip(bytes: number): void {
    this.#at += bytes;
  }

  /** The row's name, made anew at each call. */
  get name(): string {
    return decodeRange(this.data, this.nameStart, this.nameEnd);
  }

  /** The row's id, made anew at each call. */
  get oid(): Oid {
    return oidFromBytes(this.data, this.oidStart, this.#oidLength);
  }

  /** A copy of the row, which stays good when the cursor moves on. */
  entry(): TreeEntry {
    return { name: this.name, mode: this.mode, oid: this.oid };
  }
}

const malformed = (why: string): GitError => new GitError('OBJECT_CORRUPT', why);

/** All rows of a tree object. `oidLength`: 20 or 32. */
export function parseTree(data: Bytes, oidLength: number): TreeEntry[] {
  const entries: TreeEntry[] = [];
  const cursor = new TreeCursor(data, oidLength);
  while (cursor.next()) entries.push(cursor.entry());
  return entries;
}

/** The row of that name, or `undefined`. Looks at every row: trees written by others may not be sorted. */
export function findInTree(data: Bytes, oidLength: number, name: string): TreeEntry | undefined {
  const wanted = encodeText(name);
  const cursor = new TreeCursor(data, oidLength);
  rows: while (cursor.next()) {
    if (cursor.nameEnd - cursor.nameStart !== wanted.length) continue;
    for (let i = 0; i < wanted.length; i++) if (data[cursor.nameStart + i] !== wanted[i]) continue rows;
    return cursor.entry();
  }
  return undefined;
}

/** git's order of rows: by bytes, a directory's name counting as if it ended in `/`. */
export function compareTreeNames(a: string, aIsTree: boolean, b: string, bIsTree: boolean): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    if (x < 0xd800 && y < 0xd800) return x - y;
    return compareBytes(encodeText(a), encodeText(b));
  }
  // One is the beginning of the other: what follows it there (or its `/`, or its end) decides.
  const after = (name: string, isTree: boolean): number =>
    name.length > shared ? name.charCodeAt(shared) : isTree ? SLASH : -1;
  const order = after(a, aIsTree) - after(b, bIsTree);
  if (order !== 0 || a.length === b.length) return order;
  return a.length - b.length + (aIsTree ? 1 : 0) - (bIsTree ? 1 : 0);
}

const SLASH = 0x2f;

/** git's order of the rows of a tree. */
export function compareEntries(a: TreeEntry, b: TreeEntry): number {
  return compareTreeNames(a.name, isTreeMode(a.mode), b.name, isTreeMode(b.mode));
}

/** A tree object from its rows, in the order given (`sorted`: put them into git's order first). */
export function serializeTree(entries: readonly TreeEntry[], options: { sorted?: boolean } = {}): Bytes {
  const rows = options.sorted === true ? [...entries].sort(compareEntries) : entries;
  const names: Bytes[] = [];
  let total = 0;
  for (const row of rows) {
    const head = encodeText(`${row.mode.toString(8)} ${row.name}\0`);
    names.push(head);
    total += head.length + row.oid.length / 2;
  }
  const out = new Uint8Array(total);
  let at = 0;
  rows.forEach((row, i) => {
    out.set(names[i]!, at);
    at += names[i]!.length;
    writeOid(row.oid, out, at);
    at += row.oid.length / 2;
  });
  return out;
}
