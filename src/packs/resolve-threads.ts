import { breath, unlessStopped } from '../base/breath.js';
import type { HashAlgorithm } from '../base/oid.js';
import type { Platform, ThreadRun } from '../platform/platform.js';
import type { ResolverOptions } from './delta-resolver.js';
import { DeltaResolver } from './delta-resolver.js';
import { codeOfKind, OFS_DELTA } from './entry.js';
import type { TableColumns } from './pack-parser.js';
import { PackTable } from './pack-parser.js';
import { threadAnswer } from './thread-answer.js';

/** What a thread is told that resolves families of deltas. All tables are shared. */
export interface ResolveTask {
  readonly algorithm: HashAlgorithm;
  /** The pack. */
  readonly path: string;
  readonly columns: TableColumns;
  readonly firstChild: Int32Array;
  readonly nextSibling: Int32Array;
  /** Rows at the root of families; each is taken by one thread. */
  readonly roots: Int32Array;
  /** Number of the next root nobody has taken, and a flag that stops everybody. */
  readonly cursor: Int32Array;
  readonly heldBytes: number;
  readonly windowBytes: number;
}

const NEXT = 0;
const STOP = 1;

/** Fewer deltas than this are resolved before a thread would be up. */
export const WORTH_THREADS = 20_000;

/** More than this do not help: the tables are written by all of them. */
export const MOST_THREADS = 16;

/** Takes families one by one until none is left. */
async function takeFamilies(
  resolver: DeltaResolver,
  roots: Int32Array,
  cursor: Int32Array,
  signal?: AbortSignal,
): Promise<void> {
  while (Atomics.load(cursor, STOP) === 0) {
    const i = Atomics.add(cursor, NEXT, 1);
    if (i >= roots.length) return;
    resolver.resolveFamily(roots[i]!);
    const pause = breath(signal);
    if (pause !== undefined) await pause;
  }
}

/** One thread's part. */
export async function resolveInThread(platform: Platform, task: ResolveTask): Promise<void> {
  const handle = platform.fs.open(task.path);
  if (handle === undefined) throw new Error(`cannot open ${task.path}`);
  const { algorithm, heldBytes, windowBytes, firstChild, nextSibling } = task;
  const resolver = new DeltaResolver(
    PackTable.of(task.columns),
    handle,
    { platform, algorithm, heldBytes, windowBytes },
    { firstChild, nextSibling },
  );
  try {
    await takeFamilies(resolver, task.roots, task.cursor);
  } catch (error) {
    Atomics.store(task.cursor, STOP, 1);
    throw error;
  } finally {
    resolver.close();
  }
}

const shared = (source: Int32Array): Int32Array => {
  const copy = new Int32Array(new SharedArrayBuffer(source.byteLength));
  copy.set(source);
  return copy;
};

/**
 * Resolves the deltas of a pack whose bases are all named by distance, on as many threads as `count` says, this one
 * among them. Where `options.object` wants to see objects, trees, commits and tags stay on this thread, and blobs go
 * unseen.
 */
export async function resolveOnThreads(
  table: PackTable,
  path: string,
  options: ResolverOptions,
  count: number,
): Promise<void> {
  const { platform, algorithm, object, signal } = options;
  table.share();
  const heldBytes = Math.max(16 << 20, Math.floor((64 << 20) / count));
  const windowBytes = Math.max(8 << 20, Math.floor((32 << 20) / count));
  const blob = codeOfKind('blob');
  const resolver = new DeltaResolver(table, platform.fs.open(path)!, {
    ...options,
    object:
      object &&
      ((row, oid, kind, data) => {
        if (kind !== blob) object(row, oid, kind, data);
      }),
    heldBytes,
    windowBytes,
  });
  const runs: ThreadRun[] = [];
  try {
    const own: number[] = [];
    const open: number[] = [];
    for (let row = 0; row < table.count; row++) {
      if (table.types[row]! >= OFS_DELTA || resolver.firstChild[row]! < 0) continue;
      (object !== undefined && table.types[row] !== blob ? own : open).push(row);
    }
    const cursor = new Int32Array(new SharedArrayBuffer(8));
    const task: ResolveTask = {
      algorithm,
      path,
      columns: table.columns(),
      firstChild: shared(resolver.firstChild),
      nextSibling: shared(resolver.nextSibling),
      roots: shared(Int32Array.from(open)),
      cursor,
      heldBytes,
      windowBytes,
    };
    for (let i = 1; i < count; i++) {
      const run = platform.threads?.start('resolve', task);
      if (run === undefined) break;
      runs.push(run);
    }
    for (const root of own) {
      resolver.resolveFamily(root);
      const pause = breath(signal);
      if (pause !== undefined) await pause;
    }
    await takeFamilies(resolver, task.roots, cursor, signal);
    for (const { result } of runs) threadAnswer(await unlessStopped(result, signal));
  } catch (error) {
    for (const run of runs) run.stop();
    throw error;
  } finally {
    resolver.close();
    table.unshare();
  }
}
