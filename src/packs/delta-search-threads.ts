import { unlessStopped } from '../base/breath.js';
import type { Bytes } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { oidFromBytes } from '../base/oid.js';
import { LooseObjects } from '../objects/loose.js';
import type { Platform, ThreadRun } from '../platform/platform.js';
import type { SearchColumns, SearchOptions } from './delta-search.js';
import { findDeltas, searchColumns, searchPlan, searchRange } from './delta-search.js';
import type { PackEntries } from './pack-entries.js';
import { PackOutput } from './pack-output.js';
import { PackStore } from './pack-store.js';
import { threadAnswer } from './thread-answer.js';

/** What a thread is told that looks for deltas. The tables are shared. */
export interface SearchTask {
  readonly algorithm: HashAlgorithm;
  readonly directories: readonly string[];
  readonly columns: SearchColumns;
  readonly names: Bytes;
  readonly order: Uint32Array;
  /** Where parts of `order` begin, and the end: no window goes from one part to the next. */
  readonly parts: Uint32Array;
  /** Number of the next part nobody has taken, a flag that stops everybody, and objects done. */
  readonly cursor: Int32Array;
  readonly settings: Pick<SearchOptions, 'window' | 'depth' | 'windowMemory' | 'reuseDelta'>;
  readonly compression: number;
  readonly keptBytes: number;
}

/** Compressed deltas, one behind the other. */
export interface SearchAnswer {
  readonly rows: Uint32Array;
  readonly lengths: Uint32Array;
  readonly bytes: Uint8Array;
}

const NEXT = 0;
const STOP = 1;
const DONE = 2;

/** Less than this is searched before a thread would be up. */
const WORTH_OBJECTS = 1000;
const WORTH_BYTES = 8 << 20;
/** Parts per thread: with more of them the threads end together, with fewer less is lost at the seams. */
const PARTS = 6;
const MOST_THREADS = 16;

async function takeParts(
  columns: SearchColumns,
  order: Uint32Array,
  parts: Uint32Array,
  cursor: Int32Array,
  options: SearchOptions,
  wanted: number,
): Promise<void> {
  while (Atomics.load(cursor, STOP) === 0) {
    const part = Atomics.add(cursor, NEXT, 1);
    if (part + 1 >= parts.length) return;
    let before = 0;
    await searchRange(columns, order.subarray(parts[part], parts[part + 1]), {
      ...options,
      progress: (done) => {
        const all = Atomics.add(cursor, DONE, done - before) + done - before;
        before = done;
        options.progress?.(all, wanted);
      },
    });
  }
}

/** One thread's part. */
export async function searchInThread(platform: Platform, task: SearchTask): Promise<SearchAnswer> {
  const { algorithm, names, columns } = task;
  const places = task.directories.map((path) => ({
    packs: new PackStore(platform, `${path}/pack`, algorithm, { baseBytes: 32 << 20, windowBytes: 16 << 20 }),
    loose: new LooseObjects(platform, path, algorithm),
  }));
  const read = (row: number): Bytes => {
    const { oidLength } = columns;
    const oid: Oid = oidFromBytes(names, row * oidLength, oidLength);
    for (const { packs, loose } of places) {
      try {
        const found = packs.read(oid) ?? loose.read(oid);
        if (found !== undefined) return found.data;
      } catch (error) {
        if (!isGitError(error, 'OBJECT_CORRUPT')) throw error;
      }
    }
    throw new GitError('OBJECT_MISSING', `unable to read ${oid}`, { data: { oid } });
  };
  const compressor = new PackOutput(platform, algorithm, task.compression);
  const rows: number[] = [];
  const lengths: number[] = [];
  let bytes = new Uint8Array(1 << 20);
  let used = 0;
  try {
    await takeParts(
      columns,
      task.order,
      task.parts,
      task.cursor,
      {
        ...task.settings,
        read,
        found: (row, delta) => {
          const packed = compressor.deflate(delta);
          if (packed.length > 1 << 20 || used + packed.length > task.keptBytes) return;
          if (used + packed.length > bytes.length) {
            const larger = new Uint8Array(Math.max(bytes.length * 2, used + packed.length));
            larger.set(bytes.subarray(0, used));
            bytes = larger;
          }
          bytes.set(packed, used);
          used += packed.length;
          rows.push(row);
          lengths.push(packed.length);
        },
      },
      0,
    );
  } catch (error) {
    Atomics.store(task.cursor, STOP, 1);
    throw error;
  } finally {
    for (const { packs } of places) packs.close();
  }
  return { rows: Uint32Array.from(rows), lengths: Uint32Array.from(lengths), bytes: bytes.subarray(0, used) };
}

type Column = Uint8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float64Array;

/** A copy in memory that threads can share. */
function share<T extends Column>(column: T, length: number): T {
  const Kind = column.constructor as new (buffer: SharedArrayBuffer) => T;
  const copy = new Kind(new SharedArrayBuffer(length * column.BYTES_PER_ELEMENT));
  (copy as Uint8Array).set((column as Uint8Array).subarray(0, length));
  return copy;
}

/** Cuts the order into parts of about the same number of bytes, where the kind or the name changes. */
function cut(entries: PackEntries, order: Uint32Array, wanted: number): number[] {
  let total = 0;
  for (const row of order) total += entries.sizes[row]!;
  const parts = [0];
  let size = 0;
  for (let i = 0; i < order.length; i++) {
    const row = order[i]!;
    const before = order[i - 1] ?? row;
    const seam = entries.kinds[row] !== entries.kinds[before] || entries.hashes[row] !== entries.hashes[before];
    // Thousands of objects of one name (or without any) are cut too, if late.
    if (size >= total / wanted && (seam || size >= (total / wanted) * 1.5)) {
      parts.push(i);
      size = 0;
    }
    size += entries.sizes[row]!;
  }
  parts.push(order.length);
  return parts;
}

/**
 * The search on as many threads as `count` says, this one among them. Which deltas are found depends on the number of
 * threads, but not on which of them is faster.
 */
export async function findDeltasOnThreads(
  entries: PackEntries,
  options: SearchOptions,
  how: {
    readonly platform: Platform;
    readonly algorithm: HashAlgorithm;
    readonly directories: readonly string[];
    readonly compression: number;
    readonly keptBytes: number;
    readonly count: number;
    readonly from?: number | undefined;
    readonly kept: (row: number, packed: Bytes) => void;
  },
): Promise<void> {
  if (options.window <= 0 || options.depth <= 0) return;
  const plan = searchPlan(entries);
  if (plan === undefined) return;
  const { order, wanted } = plan;
  let bytes = 0;
  for (const row of order) bytes += entries.sizes[row]!;
  if (how.from === undefined ? order.length < WORTH_OBJECTS || bytes < WORTH_BYTES : order.length < how.from) {
    return findDeltas(entries, options);
  }
  const count = Math.min(how.count, MOST_THREADS);
  const rowCount = entries.count;
  const own = searchColumns(entries);
  const columns: SearchColumns = {
    kinds: share(own.kinds, rowCount),
    sizes: share(own.sizes, rowCount),
    flags: share(own.flags, rowCount),
    bases: share(own.bases, rowCount),
    deltaSizes: share(own.deltaSizes, rowCount),
    depths: share(own.depths, rowCount),
    packs: share(own.packs, rowCount),
    storedTypes: share(own.storedTypes, rowCount),
    oidLength: own.oidLength,
  };
  const { window, depth, windowMemory, reuseDelta } = options;
  const task: SearchTask = {
    algorithm: how.algorithm,
    directories: how.directories,
    columns,
    names: share(entries.map.names, rowCount * own.oidLength),
    order: share(order, order.length),
    parts: Uint32Array.from(cut(entries, order, count * PARTS)),
    cursor: new Int32Array(new SharedArrayBuffer(12)),
    settings: { window, depth, windowMemory, reuseDelta },
    compression: how.compression,
    keptBytes: Math.floor(how.keptBytes / count),
  };
  const runs: ThreadRun[] = [];
  try {
    for (let i = 1; i < count; i++) {
      const run = how.platform.threads?.start('search', task);
      if (run === undefined) break;
      runs.push(run);
    }
    await takeParts(columns, task.order, task.parts, task.cursor, options, wanted);
    for (const { result } of runs) {
      const { rows, lengths, bytes: packed } = threadAnswer<SearchAnswer>(await unlessStopped(result, options.signal));
      let at = 0;
      for (let i = 0; i < rows.length; i++) {
        how.kept(rows[i]!, packed.subarray(at, at + lengths[i]!));
        at += lengths[i]!;
      }
    }
  } catch (error) {
    Atomics.store(task.cursor, STOP, 1);
    for (const run of runs) run.stop();
    throw error;
  }
  entries.flags.set(columns.flags);
  entries.bases.set(columns.bases);
  entries.deltaSizes.set(columns.deltaSizes);
  entries.depths.set(columns.depths);
  options.progress?.(wanted, wanted);
}
