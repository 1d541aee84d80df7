import type { Bytes } from '../base/bytes.js';
import { commonPrefix, commonSuffix } from '../base/common-bytes.js';

/**
 * A file as lines: line `i` is `bytes[starts[i] .. starts[i + 1])`, its newline included. The last line may lack one.
 */
export interface Lines {
  readonly bytes: Bytes;
  /** `count + 1` offsets into `bytes`. */
  readonly starts: Int32Array;
  readonly count: number;
}

/** Which differences in white space a comparison of lines overlooks; git's `-w`, `-b` and friends. */
export interface LineWhitespace {
  /** `-w`: all white space. */
  readonly ignoreAllSpace?: boolean | undefined;
  /** `-b`: the amount of white space, and all of it at the end of a line. */
  readonly ignoreSpaceChange?: boolean | undefined;
  /** `--ignore-space-at-eol`. */
  readonly ignoreSpaceAtEol?: boolean | undefined;
  /** `--ignore-cr-at-eol`: one carriage return in front of the newline. */
  readonly ignoreCrAtEol?: boolean | undefined;
}

const newline = 10;
const carriageReturn = 13;

/** git's own `isspace`: space, tab, newline, carriage return (no form feed or vertical tab). */
export const isSpace = (byte: number): boolean =>
  byte === 32 || byte === 9 || byte === newline || byte === carriageReturn;

/** Cuts a file into lines. */
export function splitLines(bytes: Bytes): Lines {
  const cut = new Int32Array((bytes.length >> 5) + 16);
  return cutLines(bytes, 0, bytes.length, cut, 0);
}

/** Cuts `bytes` from `from` (where line `count` begins) up to `length`; `starts` has the lines before. */
function cutLines(bytes: Bytes, from: number, length: number, given: Int32Array<ArrayBuffer>, before: number): Lines {
  let starts = given;
  let count = before;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const stop = length - 4;
  for (let i = from; i < length; ) {
    if (i <= stop) {
      // four bytes without a newline are passed over at once
      const word = view.getInt32(i) ^ 0x0a0a0a0a;
      if (((word - 0x01010101) & ~word & 0x80808080) === 0) {
        i += 4;
        continue;
      }
    }
    const end = i <= stop ? i + 4 : length;
    for (; i < end; i++) {
      if (bytes[i] !== newline) continue;
      if (++count >= starts.length - 1) starts = widen(starts);
      starts[count] = i + 1;
    }
  }
  if (length > from && bytes[length - 1] !== newline) {
    if (++count >= starts.length) starts = widen(starts);
    starts[count] = length;
  }
  return { bytes, starts: starts.subarray(0, count + 1), count };
}

/**
 * Cuts a file into lines that is mostly like another, already cut. `prefix` and `suffix`: lines that both begin with and
 * end in (not counted twice); only what lies between is looked through.
 */
export function splitAlike(
  base: Lines,
  bytes: Bytes,
): { readonly lines: Lines; readonly prefix: number; readonly suffix: number } {
  const old = base.bytes;
  const same = commonPrefix(old, bytes);
  if (same === old.length && same === bytes.length) {
    return { lines: { bytes, starts: base.starts, count: base.count }, prefix: base.count, suffix: 0 };
  }
  let prefix = lastAtMost(base.starts, same);
  // A last line without a newline may go on in the other file.
  if (prefix > 0 && old[base.starts[prefix]! - 1] !== newline) prefix--;
  const begin = base.starts[prefix]!;
  const tail = commonSuffix(old, bytes, Math.min(old.length, bytes.length) - begin);
  const shift = bytes.length - old.length;
  let first = base.count - 1;
  while (first >= prefix && base.starts[first]! >= old.length - tail) first--;
  first++;
  // The line in front must end in the other file, too.
  if (first < base.count) {
    const start = base.starts[first]! + shift;
    if (start > begin && bytes[start - 1] !== newline) first++;
  }
  const suffix = base.count - first;
  const end = suffix === 0 ? bytes.length : base.starts[first]! + shift;
  const room = new Int32Array(prefix + ((end - begin) >> 5) + 16);
  room.set(base.starts.subarray(0, prefix + 1));
  const cut = cutLines(bytes, begin, end, room, prefix);
  if (suffix === 0) return { lines: cut, prefix, suffix };
  const starts = new Int32Array(cut.count + suffix + 1);
  starts.set(cut.starts);
  for (let i = 1; i <= suffix; i++) starts[cut.count + i] = base.starts[first + i]! + shift;
  return { lines: { bytes, starts, count: cut.count + suffix }, prefix, suffix };
}

/** The greatest index whose value is not above `limit`; `starts` rises from 0. */
function lastAtMost(starts: Int32Array, limit: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= limit) low = middle;
    else high = middle - 1;
  }
  return low;
}

function widen(starts: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const wide = new Int32Array(starts.length * 2);
  wide.set(starts);
  return wide;
}

/** The bytes of line `index`, newline included. */
export const lineBytes = (lines: Lines, index: number): Bytes =>
  lines.bytes.subarray(lines.starts[index]!, lines.starts[index + 1]!);

/** True when any whitespace flag is set. */
export const ignoresWhitespace = (flags: LineWhitespace | undefined): boolean =>
  flags !== undefined &&
  (flags.ignoreAllSpace === true ||
    flags.ignoreSpaceChange === true ||
    flags.ignoreSpaceAtEol === true ||
    flags.ignoreCrAtEol === true);

/**
 * The lines in the spelling under which equal lines (with regard to `flags`) are equal bytes. Where several flags are
 * given the widest wins.
 */
export function canonicalLines(lines: Lines, flags: LineWhitespace | undefined): Lines {
  if (!ignoresWhitespace(flags)) return lines;
  const { bytes, count } = lines;
  const out = new Uint8Array(bytes.length + 1);
  const starts = new Int32Array(count + 1);
  let to = 0;
  for (let i = 0; i < count; i++) {
    const begin = lines.starts[i]!;
    const end = lines.starts[i + 1]!;
    if (flags!.ignoreAllSpace) {
      for (let at = begin; at < end; at++) if (!isSpace(bytes[at]!)) out[to++] = bytes[at]!;
    } else if (flags!.ignoreSpaceChange) {
      let pending = false;
      for (let at = begin; at < end; at++) {
        const byte = bytes[at]!;
        if (isSpace(byte)) {
          pending = true;
        } else {
          if (pending) out[to++] = 32;
          pending = false;
          out[to++] = byte;
        }
      }
    } else {
      let stop = end;
      if (flags!.ignoreSpaceAtEol) {
        while (stop > begin && isSpace(bytes[stop - 1]!)) stop--;
      } else if (stop > begin && bytes[stop - 1] === newline) {
        stop--;
        if (stop > begin && bytes[stop - 1] === carriageReturn) stop--;
      }
      out.set(bytes.subarray(begin, stop), to);
      to += stop - begin;
    }
    out[to++] = newline; // so that equal bytes still mean equal lines
    starts[i + 1] = to;
  }
  return { bytes: out.subarray(0, to), starts, count };
}

/**
 * Gives equal lines equal small numbers, over any number of files. The numbers index arrays in the diff algorithms;
 * `scratch` hands out such arrays, zeroed, which their users must leave zeroed.
 */
export class LineClasses {
  count = 0;
  private slots: Int32Array;
  private hashes: Int32Array;
  private begins: Int32Array;
  private ends: Int32Array;
  private readonly files: Bytes[] = [];
  private readonly views: DataView[] = [];
  private owners: Uint8Array;
  private readonly scratches: Int32Array[] = [];

  /** `lines`: how many lines will be added at most, as a hint. */
  constructor(lines: number) {
    let size = 16;
    while (size < lines * 2) size *= 2;
    this.slots = new Int32Array(size);
    const room = Math.max(8, lines);
    this.hashes = new Int32Array(room);
    this.begins = new Int32Array(room);
    this.ends = new Int32Array(room);
    this.owners = new Uint8Array(room);
  }

  /** The classes of the lines of one more file, from line `from` up to `to`, written into `into`. */
  add(lines: Lines, into = new Int32Array(lines.count), from = 0, to = lines.count): Int32Array {
    let owner = this.files.indexOf(lines.bytes);
    if (owner < 0) {
      owner = this.files.push(lines.bytes) - 1;
      this.views.push(new DataView(lines.bytes.buffer, lines.bytes.byteOffset, lines.bytes.length));
    }
    const { bytes, starts } = lines;
    const view = this.views[owner]!;
    for (let i = from; i < to; i++) {
      const begin = starts[i]!;
      const end = starts[i + 1]!;
      let hash = end - begin;
      let at = begin;
      for (const stop = end - 4; at <= stop; at += 4) {
        hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1);
        hash ^= hash >>> 15;
      }
      for (; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
      hash ^= hash >>> 13;
      into[i] = this.find(hash, bytes, view, begin, end, owner);
    }
    return into;
  }

  private find(hash: number, bytes: Bytes, view: DataView, begin: number, end: number, owner: number): number {
    const slots = this.slots;
    const mask = slots.length - 1;
    let slot = (hash ^ (hash >>> 11)) & mask;
    for (;;) {
      const known = slots[slot]! - 1;
      if (known < 0) break;
      if (this.hashes[known] === hash) {
        const start = this.begins[known]!;
        const size = end - begin;
        if (this.ends[known]! - start === size) {
          const other = this.files[this.owners[known]!]!;
          const otherView = this.views[this.owners[known]!]!;
          let at = 0;
          const stop = size - 4;
          while (at <= stop && otherView.getInt32(start + at, true) === view.getInt32(begin + at, true)) at += 4;
          while (at < size && other[start + at] === bytes[begin + at]) at++;
          if (at === size) return known;
        }
      }
      slot = (slot + 1) & mask;
    }
    const id = this.count++;
    if (id >= this.hashes.length) this.grow();
    this.hashes[id] = hash;
    this.begins[id] = begin;
    this.ends[id] = end;
    this.owners[id] = owner;
    slots[slot] = id + 1;
    if (this.count * 2 > slots.length) this.rehash();
    return id;
  }

  private grow(): void {
    const room = this.hashes.length * 2;
    const copy = (old: Int32Array): Int32Array => {
      const wide = new Int32Array(room);
      wide.set(old);
      return wide;
    };
    this.hashes = copy(this.hashes);
    this.begins = copy(this.begins);
    this.ends = copy(this.ends);
    const owners = new Uint8Array(room);
    owners.set(this.owners);
    this.owners = owners;
  }

  private rehash(): void {
    const slots = new Int32Array(this.slots.length * 2);
    const mask = slots.length - 1;
    for (let id = 0; id < this.count; id++) {
      const hash = this.hashes[id]!;
      let slot = (hash ^ (hash >>> 11)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id + 1;
    }
    this.slots = slots;
  }

  /** Array number `index` of one zero per class; whoever fills it puts the zeros back. */
  scratch(index: number): Int32Array {
    const known = this.scratches[index];
    if (known !== undefined && known.length >= this.count) return known;
    const made = new Int32Array(this.count);
    this.scratches[index] = made;
    return made;
  }
}

/**
 * The classes of two files at once. What both begin and end with is looked up only once.
 */
export function classify(
  a: Lines,
  b: Lines,
): { readonly classes: LineClasses; readonly a: Int32Array; readonly b: Int32Array } {
  const classes = new LineClasses(a.count + b.count);
  const aIds = new Int32Array(a.count);
  const bIds = new Int32Array(b.count);
  const prefix = commonPrefixLines(a, b);
  const suffix = commonSuffixLines(a, b, prefix);
  classes.add(a, aIds);
  for (let i = 0; i < prefix; i++) bIds[i] = aIds[i]!;
  for (let i = 1; i <= suffix; i++) bIds[b.count - i] = aIds[a.count - i]!;
  classes.add(b, bIds, prefix, b.count - suffix);
  return { classes, a: aIds, b: bIds };
}

function commonPrefixLines(a: Lines, b: Lines): number {
  const at = commonPrefix(a.bytes, b.bytes);
  // the lines that end in or before the common part in both
  let low = 0;
  let high = Math.min(a.count, b.count);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (a.starts[middle]! <= at && b.starts[middle]! === a.starts[middle]!) low = middle;
    else high = middle - 1;
  }
  return low;
}

function commonSuffixLines(a: Lines, b: Lines, prefix: number): number {
  const limit = Math.min(a.count, b.count) - prefix;
  const xEnd = a.bytes.length;
  const yEnd = b.bytes.length;
  const same = commonSuffix(a.bytes, b.bytes, Math.min(xEnd, yEnd));
  let lines = 0;
  while (
    lines < limit &&
    xEnd - a.starts[a.count - lines - 1]! <= same &&
    xEnd - a.starts[a.count - lines - 1]! === yEnd - b.starts[b.count - lines - 1]!
  )
    lines++;
  return lines;
}
