import type { Bytes } from '../base/bytes.js';
import { compareText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { oidFromBytes, writeOid } from '../base/oid.js';
import type { FileStat } from '../platform/fs.js';

/** Flags of an entry: the low half as on disk (without the name's length), the high half the extended flags. */
export const FLAG_ASSUME_VALID = 0x8000;
const FLAG_STAGES = 0x3000;
export const FLAG_SKIP_WORKTREE = 0x4000 << 16;
export const FLAG_INTENT_TO_ADD = 0x2000 << 16;
export const FLAGS_EXTENDED = FLAG_SKIP_WORKTREE | FLAG_INTENT_TO_ADD;

/** Bytes before the id: nine stat words with the mode among them. */
export const STAT_BYTES = 40;
const MODE_AT = 24;
const SIZE_AT = 36;

/** New entries share their bytes' room: an array of its own for each costs more than all else about it. */
const ROOM = 8192;
let room = new Uint8Array(0);
let roomAt = 0;

function takeRoom(length: number): number {
  if (roomAt + length > room.length) {
    room = new Uint8Array(ROOM);
    roomAt = 0;
  }
  const at = roomAt;
  roomAt += length;
  return at;
}

/**
 * One row of the index. The stat words and the id stay where they were read, as raw bytes (`data` from `at` on), and
 * become numbers or text only when asked for; an entry that is not touched is written back by copying those bytes.
 * Entries are values: to change one, put another in its place.
 */
export class IndexEntry {
  readonly path: string;
  readonly flags: number;
  readonly data: Bytes;
  readonly at: number;
  /** 20 or 32. */
  readonly oidLength: number;
  /** Known in this process to equal its file; never written. */
  fresh = false;
  #oid: Oid | undefined;

  constructor(path: string, flags: number, data: Bytes, at: number, oidLength: number) {
    this.path = path;
    this.flags = flags;
    this.data = data;
    this.at = at;
    this.oidLength = oidLength;
  }

  /** A new entry. Without `stat` its stat words are zero, as git writes entries that were never on disk. */
  static create(fields: {
    readonly path: string;
    readonly mode: number;
    readonly oid: string;
    readonly stage?: number;
    readonly flags?: number;
    readonly stat?: FileStat | undefined;
  }): IndexEntry {
    const length = fields.oid.length >> 1;
    const at = takeRoom(STAT_BYTES + length);
    if (fields.stat !== undefined) writeStat(room, at, fields.stat);
    writeWord(room, at + MODE_AT, fields.mode);
    writeOid(fields.oid, room, at + STAT_BYTES);
    const flags = ((fields.flags ?? 0) & ~FLAG_STAGES) | ((fields.stage ?? 0) << 12);
    const entry = new IndexEntry(fields.path, flags, room, at, length);
    entry.#oid = fields.oid as Oid;
    return entry;
  }

  get mode(): number {
    return readWord(this.data, this.at + MODE_AT);
  }
  get oid(): Oid {
    this.#oid ??= oidFromBytes(this.data, this.at + STAT_BYTES, this.oidLength);
    return this.#oid;
  }
  /** The id's bytes, where they lie. */
  get rawOid(): Bytes {
    const start = this.at + STAT_BYTES;
    return this.data.subarray(start, start + this.oidLength);
  }
  /** 0, or 1 (base), 2 (ours), 3 (theirs) of a conflict. */
  get stage(): number {
    return (this.flags >> 12) & 3;
  }
  get assumeValid(): boolean {
    return (this.flags & FLAG_ASSUME_VALID) !== 0;
  }
  get skipWorktree(): boolean {
    return (this.flags & FLAG_SKIP_WORKTREE) !== 0;
  }
  get intentToAdd(): boolean {
    return (this.flags & FLAG_INTENT_TO_ADD) !== 0;
  }
  get ctimeSeconds(): number {
    return readWord(this.data, this.at);
  }
  get ctimeNanoseconds(): number {
    return readWord(this.data, this.at + 4);
  }
  get mtimeSeconds(): number {
    return readWord(this.data, this.at + 8);
  }
  get mtimeNanoseconds(): number {
    return readWord(this.data, this.at + 12);
  }
  get device(): number {
    return readWord(this.data, this.at + 16);
  }
  get inode(): number {
    return readWord(this.data, this.at + 20);
  }
  get uid(): number {
    return readWord(this.data, this.at + 28);
  }
  get gid(): number {
    return readWord(this.data, this.at + 32);
  }
  get size(): number {
    return readWord(this.data, this.at + SIZE_AT);
  }

  /** The same object: id equality without making text. */
  sameOid(other: IndexEntry): boolean {
    if (this.oidLength !== other.oidLength) return false;
    for (let i = 0, a = this.at + STAT_BYTES, b = other.at + STAT_BYTES; i < this.oidLength; i++) {
      if (this.data[a + i] !== other.data[b + i]) return false;
    }
    return true;
  }

  /** True when the raw id at `at` in `bytes` is this entry's. */
  hasOidAt(bytes: Bytes, at: number): boolean {
    for (let i = 0, a = this.at + STAT_BYTES; i < this.oidLength; i++) {
      if (this.data[a + i] !== bytes[at + i]) return false;
    }
    return true;
  }

  withFlags(flags: number): IndexEntry {
    return flags === this.flags ? this : this.#copy(this.path, flags, this.data, this.at);
  }
  withStage(stage: number): IndexEntry {
    return this.withFlags((this.flags & ~FLAG_STAGES) | (stage << 12));
  }
  withPath(path: string): IndexEntry {
    return this.#copy(path, this.flags, this.data, this.at);
  }
  /** The same entry with the words of a stat just taken. */
  withStat(stat: FileStat): IndexEntry {
    const at = takeRoom(STAT_BYTES + this.oidLength);
    writeStat(room, at, stat);
    writeWord(room, at + MODE_AT, this.mode);
    room.set(this.data.subarray(this.at + STAT_BYTES, this.at + STAT_BYTES + this.oidLength), at + STAT_BYTES);
    const entry = this.#copy(this.path, this.flags, room, at);
    entry.#oid = this.#oid;
    return entry;
  }
  /** Size 0 marks a racily clean entry: the next look must compare contents. */
  withSize(size: number): IndexEntry {
    const data = this.data.slice(this.at, this.at + STAT_BYTES + this.oidLength);
    writeWord(data, SIZE_AT, size);
    return this.#copy(this.path, this.flags, data, 0);
  }

  #copy(path: string, flags: number, data: Bytes, at: number): IndexEntry {
    const entry = new IndexEntry(path, flags, data, at, this.oidLength);
    entry.fresh = this.fresh;
    return entry;
  }
}

/** Order of the index: by the path's bytes, then by stage. */
export function compareIndexEntries(a: IndexEntry, b: IndexEntry): number {
  return compareText(a.path, b.path) || a.stage - b.stage;
}

export function readWord(data: Bytes, at: number): number {
  return ((data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!) >>> 0;
}

export function writeWord(data: Bytes, at: number, value: number): void {
  data[at] = value >>> 24;
  data[at + 1] = value >>> 16;
  data[at + 2] = value >>> 8;
  data[at + 3] = value;
}

/** Writes the stat words; the mode's word is left alone. Wide values lose their upper bits, as on disk in git. */
function writeStat(data: Bytes, at: number, stat: FileStat): void {
  writeWord(data, at, stat.ctimeSeconds);
  writeWord(data, at + 4, stat.ctimeNanoseconds);
  writeWord(data, at + 8, stat.mtimeSeconds);
  writeWord(data, at + 12, stat.mtimeNanoseconds);
  writeWord(data, at + 16, stat.device);
  writeWord(data, at + 20, low32(stat.inode));
  writeWord(data, at + 28, stat.uid);
  writeWord(data, at + 32, stat.gid);
  writeWord(data, at + SIZE_AT, mungedSize(stat.size));
}

/** The low 32 bits of a number that may be wider. */
export const low32 = (value: number): number => value >>> 0;

/** Sizes that are multiples of 4 GiB would read as "racy": git stores 0x80000000 for them. */
export function mungedSize(size: number): number {
  const low = low32(size);
  return size > 0 && low === 0 ? 0x80000000 : low;
}
