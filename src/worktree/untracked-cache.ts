import type { Bytes } from '../base/bytes.js';
import { compareText, decodeText, encodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { oidFromBytes, writeOid } from '../base/oid.js';
import type { FileStat } from '../platform/fs.js';
import { parseEwah, serializeEwah } from './ewah.js';
import { low32, mungedSize, readWord, writeWord } from './index-entry.js';
import type { StatRules } from './stat-match.js';

/** Flags of a cache: it holds what a status that names untracked directories once finds (not `-uall`). */
export const CACHE_COLLAPSED = 6;

const SIGNIFICANT = 36;

/** Nine stat words of a directory or a file of rules: times, device, inode, owner, size. */
export type StatWords = Bytes;

export const noStat: StatWords = new Uint8Array(SIGNIFICANT);

export function statWords(stat: FileStat): StatWords {
  const out = new Uint8Array(SIGNIFICANT);
  const words = [
    stat.ctimeSeconds,
    stat.ctimeNanoseconds,
    stat.mtimeSeconds,
    stat.mtimeNanoseconds,
    stat.device,
    low32(stat.inode),
    stat.uid,
    stat.gid,
    mungedSize(stat.size),
  ];
  for (const [i, word] of words.entries()) writeWord(out, i * 4, word);
  return out;
}

/** The same file or directory, unchanged, as far as its stat tells. */
export function sameStat(words: StatWords, stat: FileStat, rules: StatRules): boolean {
  const now = statWords(stat);
  const same = (i: number): boolean => readWord(words, i * 4) === readWord(now, i * 4);
  // A program that keeps no nanoseconds writes zeros.
  const sameNanoseconds = (i: number): boolean => readWord(words, i * 4) === 0 || same(i);
  if (!same(2) || !same(8)) return false;
  if (!rules.checkStat) return true;
  if (!sameNanoseconds(3) || !same(5) || !same(6) || !same(7)) return false;
  return !rules.trustCtime || (same(0) && sameNanoseconds(1));
}

/** When a directory was last changed, as its stat words tell. */
export const mtimeOf = (words: StatWords): readonly [seconds: number, nanoseconds: number] => [
  readWord(words, 8),
  readWord(words, 12),
];

/** A file of ignore rules outside of the work tree, as it was when the cache was made. */
export interface RulesState {
  readonly stat: StatWords;
  /** The id of its content; zeros where it is not there. */
  readonly oid: Oid;
}

/** One directory as it was last read. */
export class CachedDirectory {
  readonly name: string;
  /** Untracked names; directories end in `/`. Of a directory that is only asked whether it has any: the first. */
  untracked: string[] = [];
  /** By name. */
  directories: CachedDirectory[] = [];
  /** It was come by when its parent was last read; others are not stored. */
  recurse = false;
  checkOnly = false;
  valid = false;
  /** The id of its `.gitignore`; zeros where there is none. */
  rules: Oid;
  stat: StatWords = noStat;

  constructor(name: string, none: Oid) {
    this.name = name;
    this.rules = none;
  }
}

/**
 * The `UNTR` extension: what each directory has untracked, and how to tell that this still holds. A directory that has
 * not changed, with the rules that it had, need not be read.
 */
export class UntrackedCache {
  /** Where it may be used: strings that each end in NUL. */
  readonly identity: string;
  readonly flags: number;
  readonly perDirectory: string;
  info: RulesState;
  user: RulesState;
  root: CachedDirectory | undefined;
  readonly #none: Oid;
  /** What was done with it since it was read. */
  readonly told = { created: 0, rules: 0, directories: 0, opened: 0 };

  constructor(identity: string, flags: number, none: Oid, perDirectory = '.gitignore') {
    this.identity = identity;
    this.flags = flags;
    this.perDirectory = perDirectory;
    this.#none = none;
    this.info = this.user = { stat: noStat, oid: none };
  }

  get none(): Oid {
    return this.#none;
  }

  /** The directory of that name below another one; made where it is not known. */
  below(parent: CachedDirectory, name: string): CachedDirectory {
    const { directories } = parent;
    let low = 0;
    let high = directories.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareText(name, directories[middle]!.name);
      if (order === 0) return directories[middle]!;
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    this.told.created++;
    const made = new CachedDirectory(name, this.#none);
    directories.splice(low, 0, made);
    return made;
  }

  /** The rules of a directory are others now: nothing at or below it holds. */
  rulesChanged(directory: CachedDirectory): void {
    this.told.rules++;
    const forget = (one: CachedDirectory): void => {
      one.valid = false;
      one.untracked = [];
      for (const each of one.directories) forget(each);
    };
    forget(directory);
  }

  /** A directory is about to be read: what was known of it goes. */
  reread(directory: CachedDirectory): void {
    if (directory.valid) this.told.directories++;
    directory.valid = false;
    directory.untracked = [];
    for (const each of directory.directories) each.recurse = false;
  }

  /** A path came into the index or went out of it: its directory must be looked through anew. */
  invalidate(path: string): void {
    if (this.root === undefined) return;
    const way = [this.root];
    let from = 0;
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', from)) {
      way.push(this.below(way[way.length - 1]!, path.slice(from, slash)));
      from = slash + 1;
    }
    // Where directories are named as wholes, what is untracked above may hang on it too.
    const concerned = this.flags === 0 ? way.slice(-1) : way;
    for (const directory of concerned) {
      this.told.directories++;
      directory.valid = false;
      directory.untracked = [];
    }
  }
}

function writeVarint(out: number[], value: number): void {
  const bytes = [value & 0x7f];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    rest--;
    bytes.push(0x80 | (rest & 0x7f));
  }
  out.push(...bytes.reverse());
}

const push = (out: number[], bytes: Bytes): void => {
  for (const byte of bytes) out.push(byte);
};

/** The extension's bytes. */
export function serializeUntrackedCache(cache: UntrackedCache): Bytes {
  const oidLength = cache.none.length >> 1;
  const out: number[] = [];
  const putOid = (oid: Oid): void => {
    const raw = new Uint8Array(oidLength);
    writeOid(oid, raw, 0);
    push(out, raw);
  };
  const text = (value: string): void => {
    push(out, encodeText(value));
    out.push(0);
  };
  const identity = encodeText(cache.identity);
  writeVarint(out, identity.length);
  push(out, identity);
  push(out, cache.info.stat);
  push(out, cache.user.stat);
  const flags = new Uint8Array(4);
  writeWord(flags, 0, cache.flags);
  push(out, flags);
  putOid(cache.info.oid);
  putOid(cache.user.oid);
  text(cache.perDirectory);
  if (cache.root === undefined) {
    writeVarint(out, 0);
    return Uint8Array.from(out);
  }
  const all: CachedDirectory[] = [];
  const blocks: number[] = [];
  const put = (directory: CachedDirectory): void => {
    all.push(directory);
    if (!directory.valid) {
      directory.untracked = [];
      directory.checkOnly = false;
    }
    const below = directory.directories.filter(({ recurse }) => recurse);
    writeVarint(blocks, directory.untracked.length);
    writeVarint(blocks, below.length);
    for (const name of [directory.name, ...directory.untracked]) {
      push(blocks, encodeText(name));
      blocks.push(0);
    }
    for (const each of below) put(each);
  };
  put(cache.root);
  writeVarint(out, all.length);
  for (const byte of blocks) out.push(byte);
  const bits = (is: (directory: CachedDirectory) => boolean): number[] =>
    all.flatMap((directory, i) => (is(directory) ? [i] : []));
  const hasRules = (directory: CachedDirectory): boolean => directory.rules !== cache.none;
  push(out, serializeEwah(bits(({ valid }) => valid)));
  push(out, serializeEwah(bits(({ checkOnly }) => checkOnly)));
  push(out, serializeEwah(bits(hasRules)));
  for (const { valid, stat } of all) if (valid) push(out, stat);
  for (const directory of all) if (hasRules(directory)) putOid(directory.rules);
  out.push(0);
  return Uint8Array.from(out);
}

/** Reads the extension; `undefined` where it makes no sense: then there is no cache. */
export function parseUntrackedCache(data: Bytes, oidLength: number): UntrackedCache | undefined {
  try {
    return new CacheReader(data, oidLength).read();
  } catch {
    return undefined;
  }
}

class CacheReader {
  readonly #data: Bytes;
  readonly #oidLength: number;
  #at = 0;

  constructor(data: Bytes, oidLength: number) {
    this.#data = data;
    this.#oidLength = oidLength;
  }

  #take(length: number): Bytes {
    const end = this.#at + length;
    if (end > this.#data.length) throw new RangeError('cut off');
    const taken = this.#data.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  #varint(): number {
    let byte = this.#take(1)[0]!;
    let value = byte & 0x7f;
    while ((byte & 0x80) !== 0) {
      byte = this.#take(1)[0]!;
      value = (value + 1) * 128 + (byte & 0x7f);
    }
    return value;
  }

  #text(): string {
    const nul = this.#data.indexOf(0, this.#at);
    if (nul < 0) throw new RangeError('cut off');
    const text = decodeText(this.#data.subarray(this.#at, nul));
    this.#at = nul + 1;
    return text;
  }

  #oid(): Oid {
    return oidFromBytes(this.#take(this.#oidLength), 0, this.#oidLength);
  }

  #bits(): number[] {
    const { bits, end } = parseEwah(this.#data, this.#at);
    this.#at = end;
    return bits;
  }

  read(): UntrackedCache {
    const identity = decodeText(this.#take(this.#varint()));
    const infoStat = this.#take(SIGNIFICANT).slice();
    const userStat = this.#take(SIGNIFICANT).slice();
    const flags = readWord(this.#take(4), 0);
    const info = { stat: infoStat, oid: this.#oid() };
    const user = { stat: userStat, oid: this.#oid() };
    const none = '0'.repeat(this.#oidLength * 2) as Oid;
    const cache = new UntrackedCache(identity, flags, none, this.#text());
    cache.info = info;
    cache.user = user;
    if (this.#at >= this.#data.length) return cache;
    const count = this.#varint();
    if (count === 0) return cache;
    const all: CachedDirectory[] = [];
    cache.root = this.#directory(all, count, none);
    if (all.length !== count) throw new RangeError('not all directories are there');
    const of = (i: number): CachedDirectory => {
      const directory = all[i];
      if (directory === undefined) throw new RangeError('no such directory');
      return directory;
    };
    const valid = this.#bits();
    for (const i of this.#bits()) of(i).checkOnly = true;
    const withRules = this.#bits();
    for (const i of valid) {
      of(i).valid = true;
      of(i).stat = this.#take(SIGNIFICANT).slice();
    }
    for (const i of withRules) of(i).rules = this.#oid();
    return cache;
  }

  #directory(all: CachedDirectory[], count: number, none: Oid): CachedDirectory {
    if (all.length >= count) throw new RangeError('more directories than told');
    const names = this.#varint();
    const below = this.#varint();
    const directory = new CachedDirectory(this.#text(), none);
    directory.recurse = true;
    all.push(directory);
    for (let i = 0; i < names; i++) directory.untracked.push(this.#text());
    for (let i = 0; i < below; i++) directory.directories.push(this.#directory(all, count, none));
    return directory;
  }
}
