import type { Bytes } from '../base/bytes.js';
import { byteUnits, compareText, decodeText, decodeUnits, startsWithAscii } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { oidFromBytes, rawLength } from '../base/oid.js';
import { parseEwah } from './ewah.js';
import type { IndexEntry } from './index-entry.js';
import { readWord, STAT_BYTES } from './index-entry.js';
import { IndexRows } from './index-rows.js';
import type { ResolveUndo } from './resolve-undo.js';
import { parseResolveUndo } from './resolve-undo.js';

const EXTENDED = 0x4000;
/** Extended flags that git 2.55 knows; an entry with others cannot be understood. */
const KNOWN_EXTENDED = 0x6000;

/** The `link` extension: what this file changes in a shared index. */
export interface SplitLink {
  /** `undefined`: no shared file, all entries are here. */
  readonly base: Oid | undefined;
  readonly deleted: readonly number[];
  readonly replaced: readonly number[];
}

/** An index file, read. */
export interface ParsedIndex {
  readonly version: 2 | 3 | 4;
  readonly rows: IndexRows;
  /** `TREE`, as stored. */
  readonly cacheTree: Bytes | undefined;
  readonly resolveUndo: ResolveUndo | undefined;
  /** `UNTR`, as stored. */
  readonly untrackedExtension: Bytes | undefined;
  /** `FSMN`, as stored. */
  readonly fsmonitor: Bytes | undefined;
  /** `sdir` was there: directories outside the sparse cone may be single entries. */
  readonly sparseDirectories: boolean;
  readonly link: SplitLink | undefined;
  /** The trailing checksum; zeros where `index.skipHash` was on. */
  readonly checksum: Oid;
}

const corrupt = (error: string): GitError =>
  new GitError('OBJECT_CORRUPT', 'index file corrupt', { data: { preface: `error: ${error}\n` } });

/**
 * Reads an index file of version 2, 3 or 4. Like git, does not check the trailing checksum (`verifyIndexChecksum`
 * does). Throws `OBJECT_CORRUPT` in git's words; `data.preface` is what git prints before.
 */
export function parseIndex(data: Bytes, algorithm: HashAlgorithm, file = '.git/index'): ParsedIndex {
  const oidLength = rawLength(algorithm);
  if (data.length < 12 + oidLength) throw new GitError('OBJECT_CORRUPT', `${file}: index file smaller than expected`);
  if (!startsWithAscii(data, 'DIRC')) {
    throw corrupt(`bad signature 0x${readWord(data, 0).toString(16).padStart(8, '0')}`);
  }
  const version = readWord(data, 4);
  if (version !== 2 && version !== 3 && version !== 4) throw corrupt(`bad index version ${version | 0}`);
  const count = readWord(data, 8);
  const end = data.length - oidLength;
  // No row is shorter: a count that cannot be is found out before memory is taken for it.
  if (count > end / (STAT_BYTES + oidLength + 2)) throw corrupt('index file is cut off');
  const rows = new IndexRows(data, count, oidLength);
  rows.aligned = version !== 4;
  const at = version === 4 ? readPrefixed(rows, end) : readPadded(rows, end);
  decodePaths(rows);
  return {
    version,
    rows,
    ...readExtensions(data, at, end, oidLength),
    checksum: oidFromBytes(data, end, oidLength),
  };
}

function flagsAt(data: Bytes, at: number): { flags: number; next: number } {
  const low = (data[at]! << 8) | data[at + 1]!;
  if ((low & EXTENDED) === 0) return { flags: low & 0xb000, next: at + 2 };
  const high = (data[at + 2]! << 8) | data[at + 3]!;
  if ((high & ~KNOWN_EXTENDED) !== 0) {
    throw new GitError('UNSUPPORTED', `unknown index entry format 0x${(high * 65536).toString(16).padStart(8, '0')}`);
  }
  return { flags: (low & 0xb000) | (high << 16), next: at + 4 };
}

/**
 * The names are made by native calls and compared as texts of one character a byte: an index is read once in a process,
 * before the engine could have compiled a loop over its bytes.
 */
function readPadded(rows: IndexRows, end: number): number {
  const { data, count, at: starts, flags: columns, paths } = rows;
  let at = 12;
  const fixed = STAT_BYTES + rows.oidLength;
  let before = '';
  const units = byteUnits; // imported names are calls in the bundle
  let seen = 0;
  for (let i = 0; i < count; i++) {
    if (at + fixed + 2 > end) throw corrupt('index file is cut off');
    let flags = (data[at + fixed]! << 8) | data[at + fixed + 1]!;
    let name = at + fixed + 2;
    let length = flags & 0xfff;
    if ((flags & EXTENDED) !== 0) ({ flags, next: name } = flagsAt(data, at + fixed));
    else flags &= 0xb000;
    if (length === 0xfff) {
      const nul = data.indexOf(0, name);
      length = nul < 0 ? end : nul - name;
    }
    if (name + length >= end) throw corrupt('index file is cut off');
    const path = units(data, name, name + length);
    starts[i] = at;
    columns[i] = flags;
    seen |= flags;
    paths[i] = path;
    if (before >= path) checkOrder(rows, i);
    before = path;
    at = at + ((name - at + length + 8) & ~7);
  }
  rows.seenFlags = seen;
  return at;
}

function readPrefixed(rows: IndexRows, end: number): number {
  const { data, count, at: starts, flags: columns, paths } = rows;
  let at = 12;
  const fixed = STAT_BYTES + rows.oidLength;
  let before = '';
  for (let i = 0; i < count; i++) {
    if (at + fixed + 2 > end) throw corrupt('index file is cut off');
    const { flags, next } = flagsAt(data, at + fixed);
    let name = next;
    let byte = data[name++]!;
    let strip = byte & 0x7f;
    while ((byte & 0x80) !== 0) {
      byte = data[name++]!;
      strip = (strip + 1) * 128 + (byte & 0x7f);
    }
    if (strip > before.length) {
      throw new GitError('OBJECT_CORRUPT', `malformed name field in the index, near path '${decodeUnits(before)}'`);
    }
    const nul = data.indexOf(0, name);
    if (nul < 0 || nul >= end) throw corrupt('index file is cut off');
    const path = before.slice(0, before.length - strip) + byteUnits(data, name, nul);
    starts[i] = at;
    columns[i] = flags;
    rows.seenFlags |= flags;
    paths[i] = path;
    if (before >= path) checkOrder(rows, i);
    before = path;
    at = nul + 1;
  }
  return at;
}

/** Row `i` does not come after the one before it. */
function checkOrder(rows: IndexRows, i: number): void {
  if (i === 0) return;
  const path = rows.paths[i]!;
  if (rows.paths[i - 1] !== path) throw new GitError('OBJECT_CORRUPT', 'unordered stage entries in index');
  if (path === '') return; // rows of a split index that replace others have no name
  const before = (rows.flags[i - 1]! >> 12) & 3;
  if (before === 0) {
    throw new GitError('OBJECT_CORRUPT', `multiple stage entries for merged file '${decodeUnits(path)}'`);
  }
  if (before > ((rows.flags[i]! >> 12) & 3)) {
    throw new GitError('OBJECT_CORRUPT', `unordered stage entries for '${decodeUnits(path)}'`);
  }
}

/** Paths with bytes outside of ASCII become text. */
function decodePaths(rows: IndexRows): void {
  const { paths } = rows;
  const wide = /[\x80-\xff]/;
  if (!wide.test(paths.join(''))) return;
  rows.ascii = false;
  for (let i = 0; i < paths.length; i++) if (wide.test(paths[i]!)) paths[i] = decodeUnits(paths[i]!);
}

type Extensions = Pick<
  ParsedIndex,
  'cacheTree' | 'resolveUndo' | 'untrackedExtension' | 'fsmonitor' | 'sparseDirectories' | 'link'
>;

function readExtensions(data: Bytes, from: number, end: number, oidLength: number): Extensions {
  const out: { -readonly [K in keyof Extensions]: Extensions[K] } = {
    cacheTree: undefined,
    resolveUndo: undefined,
    untrackedExtension: undefined,
    fsmonitor: undefined,
    sparseDirectories: false,
    link: undefined,
  };
  for (let at = from; at + 8 <= end; ) {
    const name = decodeText(data.subarray(at, at + 4));
    const size = readWord(data, at + 4);
    at += 8;
    if (at + size > end) throw corrupt(`index extension '${name}' is cut off`);
    const body = data.subarray(at, at + size);
    at += size;
    switch (name) {
      case 'TREE':
        out.cacheTree = body;
        break;
      case 'REUC':
        out.resolveUndo = parseResolveUndo(body, oidLength);
        break;
      case 'UNTR':
        out.untrackedExtension = body;
        break;
      case 'FSMN':
        out.fsmonitor = body;
        break;
      case 'sdir':
        out.sparseDirectories = true;
        break;
      case 'link':
        out.link = parseLink(body, oidLength);
        break;
      case 'EOIE':
      case 'IEOT':
        break; // only speed: they tell threads where to begin
      default:
        if (!/^[A-Z]/.test(name)) {
          throw new GitError('UNSUPPORTED', 'index file corrupt', {
            data: { preface: `error: index uses ${name} extension, which we do not understand\n` },
          });
        }
    }
  }
  return out;
}

function parseLink(body: Bytes, oidLength: number): SplitLink {
  if (body.length < oidLength) throw corrupt('corrupt link extension (too short)');
  const oid = oidFromBytes(body, 0, oidLength);
  const base = /^0+$/.test(oid) ? undefined : oid;
  if (body.length === oidLength) return { base, deleted: [], replaced: [] };
  const deleted = parseEwah(body, oidLength);
  const replaced = parseEwah(body, deleted.end);
  if (replaced.end !== body.length) throw corrupt('garbage at the end of link extension');
  return { base, deleted: deleted.bits, replaced: replaced.bits };
}

/** Puts the rows of a split index over those of its shared file. */
export function mergeSplitIndex(
  base: readonly IndexEntry[],
  link: SplitLink,
  own: readonly IndexEntry[],
): IndexEntry[] {
  const rows: (IndexEntry | undefined)[] = base.slice();
  link.replaced.forEach((position, i) => {
    const replacement = own[i];
    const old = base[position];
    if (old === undefined) {
      throw new GitError(
        'OBJECT_CORRUPT',
        `position for replacement ${position} exceeds base index size ${base.length}`,
      );
    }
    if (replacement === undefined) {
      throw new GitError('OBJECT_CORRUPT', `too many replacements (${link.replaced.length} vs ${own.length})`);
    }
    if (replacement.path !== '') {
      throw new GitError('OBJECT_CORRUPT', `corrupt link extension, entry ${position} should have zero length name`);
    }
    rows[position] = replacement.withPath(old.path);
  });
  for (const position of link.deleted) {
    if (position >= rows.length) {
      throw new GitError('OBJECT_CORRUPT', `position for delete ${position} exceeds base index size ${rows.length}`);
    }
    rows[position] = undefined;
  }
  const kept = rows.filter((row): row is IndexEntry => row !== undefined);
  const added = own.slice(link.replaced.length);
  for (const entry of added) {
    if (entry.path === '') {
      throw new GitError('OBJECT_CORRUPT', 'corrupt link extension, entry 0 should have non-zero length name');
    }
  }
  if (added.length === 0) return kept;
  const out: IndexEntry[] = [];
  let i = 0;
  let k = 0;
  while (i < kept.length || k < added.length) {
    const old = kept[i];
    const fresh = added[k];
    if (fresh === undefined) out.push(kept[i++]!);
    else if (old === undefined) out.push(added[k++]!);
    else {
      const order = compareText(old.path, fresh.path) || old.stage - fresh.stage;
      if (order < 0) out.push(kept[i++]!);
      else {
        if (order === 0) i++;
        out.push(added[k++]!);
      }
    }
  }
  return out;
}
