import type { Oid } from '../base/oid.js';
import { oidFromBytes } from '../base/oid.js';
import type { IndexEntry } from './index-entry.js';
import { FLAG_ASSUME_VALID, FLAGS_EXTENDED, STAT_BYTES } from './index-entry.js';
import type { Index, IndexPlace } from './index-file.js';
import type { IndexContent } from './index-serialize.js';
import { serializeIndex } from './index-serialize.js';

/** How an index is split between a shared file and one of its own (`core.splitIndex`). */
export interface SplitSettings {
  /** `splitIndex.maxPercentChange`: with more new entries than this, in percent, a new shared file is made. */
  readonly maxPercentChange: number;
  /** Shared files not used since (in seconds) are removed; `undefined`: never. */
  readonly expire: number | undefined;
}

const KEPT_FLAGS = 0x3000 | FLAG_ASSUME_VALID | FLAGS_EXTENDED;

function sameRow(a: IndexEntry, b: IndexEntry): boolean {
  if (a === b) return true;
  if ((a.flags & KEPT_FLAGS) !== (b.flags & KEPT_FLAGS)) return false;
  for (let i = 0; i < STAT_BYTES + a.oidLength; i++) if (a.data[a.at + i] !== b.data[b.at + i]) return false;
  return true;
}

const key = (entry: IndexEntry): string => `${entry.stage}${entry.path}`;

/**
 * What goes into the index file itself: rows that differ from the shared file, and which of the shared file's rows are
 * gone. Makes a new shared file first where there is none or too little is shared. `undefined` where that cannot be
 * written: then the index is written whole.
 */
export function splitForWriting(place: IndexPlace, index: Index, settings: SplitSettings): IndexContent | undefined {
  const { entries } = index;
  let positions = positionsOf(index.shared?.entries ?? [], index.shared?.deleted);
  if (index.shared === undefined || index.renewShared || tooManyNew(entries, positions, settings.maxPercentChange)) {
    if (!writeShared(place, index, settings)) return undefined;
    positions = positionsOf(entries);
  } else keepShared(place, index.shared.oid);
  const { oid, entries: base } = index.shared!;
  const replaced: number[] = [];
  const rows: IndexEntry[] = [];
  const added: IndexEntry[] = [];
  for (const entry of entries) {
    const at = positions.get(key(entry));
    if (at === undefined) added.push(entry);
    else {
      positions.delete(key(entry));
      if (sameRow(entry, base[at]!)) continue;
      replaced.push(at);
      rows.push(entry.withPath(''));
    }
  }
  const deleted = [...positions.values(), ...index.shared!.deleted].sort((a, b) => a - b);
  return {
    version: index.version,
    entries: [...rows, ...added],
    cacheTree: index.cacheTree,
    resolveUndo: index.resolveUndo,
    untrackedExtension: index.untrackedExtension,
    fsmonitor: index.fsmonitor,
    sparseDirectories: index.sparseDirectories,
    link: { base: oid, deleted, replaced },
  };
}

/** Where each row of the shared file is; once gone, a row stays gone, whatever comes in its place. */
function positionsOf(entries: readonly IndexEntry[], deleted: readonly number[] = []): Map<string, number> {
  const positions = new Map(entries.map((entry, at) => [key(entry), at]));
  for (const at of deleted) if (entries[at] !== undefined) positions.delete(key(entries[at]));
  return positions;
}

function tooManyNew(entries: readonly IndexEntry[], shared: ReadonlyMap<string, number>, percent: number): boolean {
  if (percent === 100) return false;
  if (percent === 0) return true;
  let fresh = 0;
  for (const entry of entries) if (!shared.has(key(entry))) fresh++;
  return entries.length * percent < fresh * 100;
}

const sharedPath = (place: IndexPlace, oid: Oid): string => `${place.directory}/sharedindex.${oid}`;

/** A shared file in use is kept by its time. */
export function keepShared(place: IndexPlace, oid: Oid): void {
  const now = Math.floor(place.platform.now() / 1000);
  try {
    place.platform.fs.setTimes(sharedPath(place, oid), now, now);
  } catch {
    // Somebody else's: then it gets no younger.
  }
}

function writeShared(place: IndexPlace, index: Index, settings: SplitSettings): boolean {
  const { fs } = place.platform;
  const { entries } = index;
  const data = serializeIndex(place.platform, { version: index.version, entries }, place.algorithm);
  const oid = oidFromBytes(data, data.length - index.oidLength, index.oidLength);
  const path = sharedPath(place, oid);
  const temporary = `${place.directory}/sharedindex_${oid.slice(0, 6)}`;
  try {
    fs.writeFile(temporary, data);
    fs.rename(temporary, path);
  } catch {
    fs.remove(temporary);
    return false;
  }
  index.shared = { oid, entries: [...entries], deleted: [] };
  index.renewShared = false;
  removeExpired(place, oid, settings.expire);
  return true;
}

function removeExpired(place: IndexPlace, current: Oid, expire: number | undefined): void {
  if (expire === undefined) return;
  const { fs } = place.platform;
  for (const { name } of fs.readDirectory(place.directory) ?? []) {
    if (!name.startsWith('sharedindex.') || name === `sharedindex.${current}`) continue;
    const stat = fs.stat(`${place.directory}/${name}`);
    if (stat !== undefined && stat.mtimeSeconds <= expire) fs.remove(`${place.directory}/${name}`);
  }
}
