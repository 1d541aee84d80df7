import type { Bytes } from '../base/bytes.js';
import { decodeRange } from '../base/bytes.js';

/** Words are put together from bytes in this order on every machine that matters; elsewhere bytes are compared. */
const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** Where a tree lies, and the object that it is stored as a difference to; -1: none. */
export interface TreePlace {
  readonly owner: object;
  readonly place: number;
  readonly basePlace: number;
}

/** A tree's bytes in a buffer that is used again, with the places where its rows start, as far as they are known. */
export class TreeRows {
  bytes: Bytes = new Uint8Array(0);
  words = new Int32Array(0);
  length = 0;
  /** Where rows start. When all are known, the end of the last one follows them. */
  starts = new Int32Array(16);
  count = 0;
  /** Walked to the end. */
  done = false;
  path = '';
  /** Whatever number the walk knows it by. */
  number = -1;
  /** How many walks are reading it now: it must not be used for another tree. */
  readers = 0;
  /** Of trees that are kept (`WalkedTrees`): where it lies, and the one that was walked next. */
  walkedAt: TreePlace | undefined = undefined;
  next: TreeRows | undefined = undefined;

  /** Takes a copy of a tree. */
  load(data: Bytes): void {
    if (data.length > this.bytes.length) {
      const room = new ArrayBuffer((data.length + (data.length >> 2) + 11) & ~7);
      this.bytes = new Uint8Array(room);
      this.words = new Int32Array(room, 0, room.byteLength >> 2);
    }
    this.bytes.set(data);
    this.length = data.length;
    this.count = 0;
    this.done = false;
  }

  /** Notes that a row starts here. */
  mark(at: number): void {
    if (this.count + 1 >= this.starts.length) this.#grow(this.count + 2);
    this.starts[this.count++] = at;
  }

  /** All rows are known. */
  finish(): void {
    if (this.count >= this.starts.length) this.#grow(this.count + 1);
    this.starts[this.count] = this.length;
    this.done = true;
  }

  /** Takes over the starts of another's rows `[from, to)`, `shift` bytes further on. */
  adopt(other: TreeRows, from: number, to: number, shift: number): void {
    if (this.count + to - from >= this.starts.length) this.#grow(this.count + to - from + 1);
    const { starts } = this;
    let count = this.count;
    for (let row = from; row < to; row++) starts[count++] = other.starts[row]! + shift;
    this.count = count;
  }

  #grow(least: number): void {
    const wider = new Int32Array(Math.max(least, this.starts.length * 2));
    wider.set(this.starts);
    this.starts = wider;
  }

  /** The last row from `low` on that starts at `at` or before; all rows must be known. */
  rowAt(at: number, low: number): number {
    let high = this.count;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.starts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** How many bytes two trees have in common from `at` and `otherAt` on. */
export function sharedBytes(tree: TreeRows, at: number, other: TreeRows, otherAt: number): number {
  const a = tree.bytes;
  const b = other.bytes;
  const end = Math.min(tree.length - at, other.length - otherAt);
  let same = 0;
  // Up to a whole word of the first tree.
  while (same < end && ((at + same) & 3) !== 0) {
    if (a[at + same] !== b[otherAt + same]) return same;
    same++;
  }
  if (LITTLE_ENDIAN && end - same >= 16) {
    const wordsA = tree.words;
    const wordsB = other.words;
    let i = (at + same) >> 2;
    let j = (otherAt + same) >> 2;
    const shift = ((otherAt + same) & 3) << 3;
    const stop = i + ((end - same) >> 2) - 4;
    const first = i;
    if (shift === 0) {
      while (
        i < stop &&
        ((wordsA[i]! ^ wordsB[j]!) |
          (wordsA[i + 1]! ^ wordsB[j + 1]!) |
          (wordsA[i + 2]! ^ wordsB[j + 2]!) |
          (wordsA[i + 3]! ^ wordsB[j + 3]!)) ===
          0
      ) {
        i += 4;
        j += 4;
      }
    } else {
      const back = 32 - shift;
      let low = wordsB[j]! >>> shift;
      while (i < stop) {
        const next = wordsB[++j]!;
        if (wordsA[i] !== (low | (next << back))) break;
        low = next >>> shift;
        i++;
      }
    }
    same += (i - first) << 2;
  }
  while (same < end && a[at + same] === b[otherAt + same]) same++;
  return same;
}

/** The row behind those of `before` with names up to the given one: from there the trees may agree again. */
export function passName(before: TreeRows, from: number, data: Bytes, name: number, nameEnd: number): number {
  const { bytes, starts, count } = before;
  for (let row = from; row < count; row++) {
    const end = starts[row + 1]!;
    let j = starts[row]! + 5;
    while (j < end && bytes[j] !== 0x20) j++;
    j++;
    let i = name;
    while (i < nameEnd && bytes[j] === data[i]) {
      i++;
      j++;
    }
    const mine = i < nameEnd ? data[i]! : 0;
    const theirs = bytes[j]!;
    if (theirs > mine) return row;
    if (theirs === 0 && mine === 0) return row + 1;
  }
  return count;
}

/** Goes over the rows of a tree that another one, whose rows are all known, does not have at the same place. */
export class NewRows {
  readonly #rows: TreeRows;
  readonly #before: TreeRows | undefined;
  readonly #oidLength: number;
  #beforeRow = 0;
  #at = 0;
  mode = 0;
  nameStart = 0;
  nameEnd = 0;
  oidStart = 0;

  constructor(rows: TreeRows, before: TreeRows | undefined, oidLength: number) {
    this.#rows = rows;
    this.#before = before;
    this.#oidLength = oidLength;
    if (before !== undefined) before.readers++;
  }

  /** Finds the next one; false at the end, where both trees are let go. `undefined`: the tree is cut off. */
  next(): boolean | undefined {
    const rows = this.#rows;
    const before = this.#before;
    const data = rows.bytes;
    const end = rows.length;
    if (before !== undefined && this.#beforeRow < before.count && this.#at < end) {
      const from = this.#beforeRow;
      const start = before.starts[from]!;
      const to = before.rowAt(start + sharedBytes(rows, this.#at, before, start), from);
      rows.adopt(before, from, to, this.#at - start);
      this.#at += before.starts[to]! - start;
      this.#beforeRow = to;
    }
    if (this.#at >= end) {
      rows.finish();
      if (before !== undefined) before.readers--;
      return false;
    }
    let at = this.#at;
    rows.mark(at);
    let mode = 0;
    for (let byte = data[at++]!; byte !== 0x20; byte = data[at++]!) {
      mode = mode * 8 + byte - 0x30;
      if (at >= end) return undefined;
    }
    this.mode = mode;
    this.nameStart = at;
    while (data[at] !== 0) if (++at >= end) return undefined;
    this.nameEnd = at++;
    this.oidStart = at;
    this.#at = at + this.#oidLength;
    if (this.#at > end) return undefined;
    if (before !== undefined) this.#beforeRow = passName(before, this.#beforeRow, data, this.nameStart, this.nameEnd);
    return true;
  }

  get name(): string {
    return decodeRange(this.#rows.bytes, this.nameStart, this.nameEnd);
  }
}
