import type { Bytes } from '../base/bytes.js';
import { encodeText, putUnits } from '../base/bytes.js';
import type { HashAlgorithm } from '../base/oid.js';
import { oidToBytes, rawLength, writeOid, zeroOid } from '../base/oid.js';
import type { Hasher, Platform } from '../platform/platform.js';
import type { CacheTree } from './cache-tree.js';
import { serializeCacheTree } from './cache-tree.js';
import { serializeEwah } from './ewah.js';
import type { IndexEntry } from './index-entry.js';
import { FLAGS_EXTENDED, STAT_BYTES, writeWord } from './index-entry.js';
import type { SplitLink } from './index-parse.js';
import type { ResolveUndo } from './resolve-undo.js';
import { serializeResolveUndo } from './resolve-undo.js';

/** What goes into an index file. */
export interface IndexContent {
  /** 2 and 3 are one format: 3 is written when an entry has extended flags. */
  readonly version: 2 | 3 | 4;
  readonly entries: readonly IndexEntry[];
  readonly cacheTree?: CacheTree | undefined;
  readonly resolveUndo?: ResolveUndo | undefined;
  readonly untrackedExtension?: Bytes | undefined;
  readonly fsmonitor?: Bytes | undefined;
  readonly sparseDirectories?: boolean | undefined;
  readonly link?: SplitLink | undefined;
}

export interface SerializeIndexOptions {
  /** `index.skipHash`: zeros in place of the checksum. */
  readonly skipHash?: boolean;
  /** `index.recordEndOfIndexEntries`: end with the `EOIE` extension. */
  readonly recordEnd?: boolean;
  /** `index.recordOffsetTable`: the `IEOT` extension with this many blocks (only where 2 or more make sense). */
  readonly offsetBlocks?: number;
}

/** The bytes of an index file, equal to git's for equal content. */
export function serializeIndex(
  platform: Pick<Platform, 'hash' | 'hasher'>,
  content: IndexContent,
  algorithm: HashAlgorithm,
  options: SerializeIndexOptions = {},
): Bytes {
  const extended = content.entries.some((entry) => (entry.flags & FLAGS_EXTENDED) !== 0);
  const version = content.version === 4 ? 4 : extended ? 3 : 2;
  const out = new Output();
  out.ascii('DIRC');
  out.word(version);
  out.word(content.entries.length);
  const blocks = writeEntries(out, content, version, algorithm, options.offsetBlocks ?? 1);
  const entriesEnd = out.length;
  const heads = options.recordEnd === true ? platform.hasher(algorithm) : undefined;
  writeExtensions(out, content, algorithm, blocks, heads);
  if (heads !== undefined) {
    const length = rawLength(algorithm);
    out.ascii('EOIE');
    out.word(4 + length);
    out.word(entriesEnd);
    out.bytes(heads.digest());
  }
  const body = out.taken();
  if (options.skipHash === true) out.bytes(oidToBytes(zeroOid(algorithm)));
  else out.bytes(oidToBytes(platform.hash(algorithm, body)));
  return out.taken();
}

/** A growing buffer. */
class Output {
  #data = new Uint8Array(65536);
  length = 0;

  room(bytes: number): Uint8Array {
    if (this.length + bytes > this.#data.length) {
      const wider = new Uint8Array(Math.max(this.#data.length * 2, this.length + bytes));
      wider.set(this.#data.subarray(0, this.length));
      this.#data = wider;
    }
    return this.#data;
  }
  bytes(data: Bytes): void {
    this.room(data.length).set(data, this.length);
    this.length += data.length;
  }
  ascii(text: string): void {
    const data = this.room(text.length);
    for (let i = 0; i < text.length; i++) data[this.length++] = text.charCodeAt(i);
  }
  word(value: number): void {
    writeWord(this.room(4), this.length, value);
    this.length += 4;
  }
  taken(): Bytes {
    return this.#data.subarray(0, this.length);
  }
}

/** Writes `text` at `at`; `out` must have room for three bytes a unit. Answers the end. */
function putText(text: string, out: Uint8Array, at: number): number {
  if (wide.test(text)) {
    const raw = encodeText(text);
    out.set(raw, at);
    return at + raw.length;
  }
  putUnits(text, out, at);
  return at + text.length;
}

const wide = /[^\x00-\x7f]/;

function writeEntries(
  out: Output,
  content: IndexContent,
  version: number,
  algorithm: HashAlgorithm,
  blocks: number,
): { offset: number; count: number }[] {
  const oidLength = rawLength(algorithm);
  const fixed = STAT_BYTES + oidLength;
  const { entries } = content;
  const perBlock = blocks > 1 ? Math.ceil(entries.length / blocks) : 0;
  const table: { offset: number; count: number }[] = [];
  let previous: Uint8Array = new Uint8Array(4096);
  let previousLength = 0;
  let scratch: Uint8Array = new Uint8Array(4096);
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    let blockStart = false;
    if (perBlock > 0 && i % perBlock === 0) {
      table.push({ offset: out.length, count: Math.min(perBlock, entries.length - i) });
      blockStart = true;
    }
    const most = entry.path.length * 3;
    const data = out.room(fixed + 24 + most);
    const start = out.length;
    if (entry.oidLength === oidLength) data.set(entry.data.subarray(entry.at, entry.at + fixed), start);
    let at = start + fixed;
    const flagsAt = at;
    const extended = (entry.flags & FLAGS_EXTENDED) !== 0;
    at += 2;
    if (extended) {
      data[at] = entry.flags >>> 24;
      data[at + 1] = (entry.flags >>> 16) & 0xff;
      at += 2;
    }
    let length: number;
    if (version === 4) {
      if (scratch.length < most) scratch = new Uint8Array(most * 2);
      length = putText(entry.path, scratch, 0);
      let common = 0;
      if (!blockStart) {
        const limit = Math.min(length, previousLength);
        while (common < limit && scratch[common] === previous[common]) common++;
      }
      at = writeVarint(data, at, previousLength - common);
      for (let k = common; k < length; k++) data[at++] = scratch[k]!;
      data[at++] = 0;
      [previous, scratch] = [scratch, previous];
      previousLength = length;
    } else {
      const end = putText(entry.path, data, at);
      length = end - at;
      const total = (end - start + 8) & ~7;
      for (let k = end; k < start + total; k++) data[k] = 0;
      at = start + total;
    }
    const flags = (entry.flags & 0xb000) | (extended ? 0x4000 : 0) | Math.min(length, 0xfff);
    data[flagsAt] = flags >>> 8;
    data[flagsAt + 1] = flags & 0xff;
    out.length = at;
  }
  return table;
}

/** The varint of pack offsets. */
function writeVarint(data: Uint8Array, at: number, value: number): number {
  const bytes = [value & 0x7f];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    rest--;
    bytes.push(0x80 | (rest & 0x7f));
  }
  for (let i = bytes.length - 1; i >= 0; i--) data[at++] = bytes[i]!;
  return at;
}

function writeExtensions(
  out: Output,
  content: IndexContent,
  algorithm: HashAlgorithm,
  blocks: readonly { offset: number; count: number }[],
  heads: Hasher | undefined,
): void {
  const extension = (name: string, body: Bytes): void => {
    const head = out.length;
    out.ascii(name);
    out.word(body.length);
    heads?.update(out.taken().slice(head, head + 8));
    out.bytes(body);
  };
  if (blocks.length > 1) {
    const table = new Uint8Array(4 + blocks.length * 8);
    writeWord(table, 0, 1);
    blocks.forEach(({ offset, count }, i) => {
      writeWord(table, 4 + i * 8, offset);
      writeWord(table, 8 + i * 8, count);
    });
    extension('IEOT', table);
  }
  if (content.link !== undefined) extension('link', serializeLink(content.link, algorithm));
  if (content.cacheTree !== undefined) extension('TREE', serializeCacheTree(content.cacheTree));
  if (content.resolveUndo !== undefined && content.resolveUndo.size > 0) {
    extension('REUC', serializeResolveUndo(content.resolveUndo));
  }
  const untracked = content.untrackedExtension;
  if (untracked !== undefined) extension('UNTR', untracked);
  if (content.fsmonitor !== undefined) extension('FSMN', content.fsmonitor);
  if (content.sparseDirectories === true) extension('sdir', new Uint8Array(0));
}

function serializeLink(link: SplitLink, algorithm: HashAlgorithm): Bytes {
  const length = rawLength(algorithm);
  const deleted = serializeEwah(link.deleted);
  const replaced = serializeEwah(link.replaced);
  const plain = link.deleted.length === 0 && link.replaced.length === 0 && link.base === undefined;
  const out = new Uint8Array(length + (plain ? 0 : deleted.length + replaced.length));
  if (link.base !== undefined) writeOid(link.base, out, 0);
  if (!plain) {
    out.set(deleted, length);
    out.set(replaced, length + deleted.length);
  }
  return out;
}
