import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import { breath } from '../base/breath.js';
import type { Bytes } from '../base/bytes.js';
import { DeltaIndex } from './delta-create.js';
import { OFS_DELTA } from './entry.js';
import { orderByOffset } from './offset-order.js';
import { EDGE, NEW_DELTA, NO_TRY, type PackEntries } from './pack-entries.js';

export interface SearchOptions {
  /** How many neighbours are tried as bases (`pack.window`). */
  readonly window: number;
  /** Longest chain (`pack.depth`). */
  readonly depth: number;
  /** Bytes of objects and indexes in the window at once; 0: no bound (`pack.windowMemory`). */
  readonly windowMemory: number;
  readonly reuseDelta: boolean;
  readonly read: (row: number) => Awaitable<Bytes>;
  /** The best delta found for a row, good only during the call. */
  readonly found: (row: number, delta: Bytes) => void;
  readonly progress?: ((done: number, total: number) => void) | undefined;
  /** Whether `row` may be a delta against `base` (delta islands). */
  readonly allowed?: ((row: number, base: number) => boolean) | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Candidate {
  readonly row: number;
  readonly data: Bytes;
  index: DeltaIndex | undefined;
}

/** Objects below this are not worth a delta. */
const SMALLEST = 50;

/** The columns that a search reads and fills. */
export type SearchColumns = Pick<
  PackEntries,
  'kinds' | 'sizes' | 'flags' | 'bases' | 'deltaSizes' | 'depths' | 'packs' | 'storedTypes'
> & { readonly oidLength: number };

/** Rows in the order of search: by kind, then name hash, then falling size, the newest first. */
function searchOrder(entries: PackEntries, rows: Uint32Array<ArrayBuffer>): Uint32Array {
  const { count } = entries;
  const keys = new Float64Array(count);
  let largest = 0;
  for (const row of rows) largest = Math.max(largest, entries.sizes[row]!);
  for (const row of rows) keys[row] = largest - entries.sizes[row]!;
  let order = orderByOffset(keys, rows.length, rows);
  // Objects the receiver has come first among those of one name, so that others find them as bases.
  for (const row of rows) {
    keys[row] =
      (4 - entries.kinds[row]!) * 2 ** 33 + entries.hashes[row]! * 2 + ((entries.flags[row]! & EDGE) !== 0 ? 0 : 1);
  }
  order = orderByOffset(keys, rows.length, order);
  return order;
}

/** The objects to look at, in the order of search; nothing where no delta can come of it. */
export function searchPlan(entries: PackEntries): { readonly order: Uint32Array; readonly wanted: number } | undefined {
  const { bases, kinds, sizes, flags } = entries;
  const rows: number[] = [];
  let wanted = 0;
  for (let row = 0; row < entries.count; row++) {
    if (kinds[row] === 0 || sizes[row]! < SMALLEST || (flags[row]! & NO_TRY) !== 0) continue;
    if (bases[row]! >= 0) continue;
    rows.push(row);
    if ((flags[row]! & EDGE) === 0) wanted++;
  }
  if (wanted === 0 || rows.length < 2) return undefined;
  return { order: searchOrder(entries, Uint32Array.from(rows)), wanted };
}

/**
 * Looks for deltas: walks the objects in an order that brings similar ones together and tries each against the last few.
 * Fills `bases`, `deltaSizes` and `depths` of the entries.
 */
export async function findDeltas(entries: PackEntries, options: SearchOptions): Promise<void> {
  if (options.window <= 0 || options.depth <= 0) return;
  const plan = searchPlan(entries);
  if (plan === undefined) return;
  const { progress } = options;
  const columns = searchColumns(entries);
  await searchRange(columns, plan.order, { ...options, progress: progress && ((done) => progress(done, plan.wanted)) });
  progress?.(plan.wanted, plan.wanted);
}

/** Smaller objects are not built upon what only the receiver has. */
const WORTH_A_BASE = 176;

export function searchColumns(entries: PackEntries): SearchColumns {
  const { kinds, sizes, flags, bases, deltaSizes, depths, packs, storedTypes } = entries;
  return { kinds, sizes, flags, bases, deltaSizes, depths, packs, storedTypes, oidLength: entries.map.oidLength };
}

/** Searches among the rows of `order`, with an empty window to begin with. */
export async function searchRange(
  columns: SearchColumns,
  order: Uint32Array,
  options: Omit<SearchOptions, 'progress'> & { readonly progress?: ((done: number) => void) | undefined },
): Promise<void> {
  const { window: windowSize, depth: maxDepth } = options;
  const { bases, kinds, sizes, flags, depths, deltaSizes, packs, storedTypes } = columns;
  const window: Candidate[] = [];
  let held = 0;
  let done = 0;
  const drop = (candidate: Candidate): void => {
    held -= candidate.data.length + (candidate.index?.weight ?? 0);
  };
  for (const row of order) {
    const size = sizes[row]!;
    // A window of another kind or much bigger memory is of no use to this one.
    while (window.length > 0 && kinds[window[window.length - 1]!.row] !== kinds[row]) drop(window.pop()!);
    while (options.windowMemory > 0 && window.length > 0 && held + size > options.windowMemory) drop(window.pop()!);
    const pause = breath(options.signal);
    if (pause !== undefined) await pause;
    const read = options.read(row);
    const data = isPromise(read) ? await read : read;
    const self: Candidate = { row, data, index: undefined };
    if ((flags[row]! & EDGE) === 0) {
      let best: Bytes | undefined;
      let bestAt = -1;
      for (let i = 0; i < window.length; i++) {
        const other = window[i]!;
        const base = other.row;
        const baseDepth = depths[base]!;
        if (baseDepth >= maxDepth) continue;
        // The receiver adds the base to its pack: for little ones that costs more than the delta saves.
        if (size < WORTH_A_BASE && (flags[base]! & EDGE) !== 0) continue;
        // A pack that holds both has been through this already and kept no delta.
        if (
          options.reuseDelta &&
          packs[row]! >= 0 &&
          packs[row] === packs[base] &&
          (flags[base]! & EDGE) === 0 &&
          storedTypes[row]! < OFS_DELTA &&
          storedTypes[row] !== 0
        ) {
          continue;
        }
        let limit: number;
        let ownDepth: number;
        if (best !== undefined) {
          limit = best.length;
          ownDepth = depths[row]!;
        } else {
          limit = size / 2 - columns.oidLength;
          ownDepth = 1;
        }
        // The deeper a base lies, the smaller its delta has to be.
        limit = Math.floor((limit * (maxDepth - baseDepth)) / (maxDepth - ownDepth + 1));
        if (limit <= 0) continue;
        const baseSize = sizes[base]!;
        if (size - baseSize >= limit || size < baseSize / 32) continue;
        if (options.allowed !== undefined && !options.allowed(row, base)) continue;
        if (other.index === undefined) {
          other.index = new DeltaIndex(other.data);
          held += other.index.weight;
        }
        const delta = other.index.create(data, limit);
        if (delta === undefined) continue;
        if (best !== undefined && delta.length === best.length && baseDepth + 1 >= depths[row]!) continue;
        best = delta.slice();
        bestAt = i;
        bases[row] = base;
        deltaSizes[row] = delta.length;
        depths[row] = baseDepth + 1;
      }
      if (best !== undefined) {
        flags[row]! |= NEW_DELTA;
        options.found(row, best);
        // A good base stays near the front: the next object is likely to want it too.
        if (bestAt > 0) window.unshift(window.splice(bestAt, 1)[0]!);
      }
      done++;
      if ((done & 255) === 0) options.progress?.(done);
    }
    if (depths[row]! < maxDepth) {
      window.unshift(self);
      held += data.length;
      if (window.length > windowSize) drop(window.pop()!);
    }
  }
}
