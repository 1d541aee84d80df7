import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { ObjectStore, RawObject } from '../objects/source.js';
import type { Platform } from '../platform/platform.js';
import { applyDelta } from './delta.js';
import { kindOfCode, OFS_DELTA } from './entry.js';
import { PackParser } from './pack-parser.js';
import { oidFromBytes, type ObjectKind, type Oid } from '../base/oid.js';

export interface UnpackOptions {
  readonly platform: Platform;
  /** Objects go here; bases of ref-deltas come from here. */
  readonly store: ObjectStore;
  /** Only check (`-n`). */
  readonly dryRun?: boolean | undefined;
  /** Called for each object before it is written (`--strict`); throw to refuse. */
  readonly object?: ((oid: Oid, kind: ObjectKind, data: Bytes) => void) | undefined;
  /**
   * Called when every object has been seen; `read` gives what came. Throw to refuse the pack. Where this is set, only
   * blobs are written before it: trees, commits and tags are held in memory until it says yes.
   */
  readonly complete?: ((read: (oid: Oid) => Awaitable<RawObject | undefined>) => Awaitable<void>) | undefined;
  readonly progress?: ((done: number, total: number) => void) | undefined;
  readonly maxInputSize?: number | undefined;
}

/**
 * Writes each object of a pack stream into a store, one by one (`unpack-objects`): for packs of few objects. Bases are
 * read back from the store, so memory holds only one object and the deltas that still wait for a base.
 */
export async function unpackObjects(
  input: AsyncIterable<Bytes> | Iterable<Bytes>,
  options: UnpackOptions,
): Promise<{ count: number; leftover: Bytes }> {
  const { store } = options;
  const algorithm = store.algorithm;
  const oidLength = algorithm === 'sha1' ? 20 : 32;
  /** What the last chunks brought, to be stored between two of them. */
  const ready: { row: number; kind: ObjectKind; data: Bytes }[] = [];
  const deltas: { row: number; delta: Bytes }[] = [];
  const oids: (Oid | undefined)[] = [];
  /** Objects that are not written, or not yet. */
  const held = new Map<Oid, { kind: ObjectKind; data: Bytes }>();
  const parser = new PackParser({
    platform: options.platform,
    algorithm,
    maxInputSize: options.maxInputSize,
    progress: options.progress,
    object: (row, oid, code, data) => {
      oids[row] = oid;
      ready.push({ row, kind: kindOfCode(code)!, data: data.slice() });
    },
    delta: (row, delta) => {
      deltas.push({ row, delta: delta.slice() });
    },
  });
  const put = async (row: number, kind: ObjectKind, data: Bytes): Promise<void> => {
    const oid = oids[row] ?? store.hash(kind, data);
    oids[row] = oid;
    options.object?.(oid, kind, data);
    if (options.dryRun === true || (options.complete !== undefined && kind !== 'blob')) {
      held.set(oid, { kind, data });
      return;
    }
    const written = store.write(kind, data);
    if (isPromise(written)) await written;
  };
  const waiting: { row: number; delta: Bytes }[] = [];
  const resolve = async (row: number, delta: Bytes): Promise<boolean> => {
    const { table } = parser;
    const base = table.bases[row]!;
    const baseOid =
      table.types[row] === OFS_DELTA ? oids[base] : (oidFromBytes(table.refNames, base * oidLength, oidLength) as Oid);
    if (baseOid === undefined) return false;
    const found = held.get(baseOid) ?? store.read(baseOid);
    const object = isPromise(found) ? await found : found;
    if (object === undefined) return false;
    const data = applyDelta(object.data, delta);
    if (data === undefined) throw new GitError('OBJECT_CORRUPT', 'failed to apply delta');
    await put(row, object.kind, data);
    return true;
  };
  const settle = async (): Promise<void> => {
    for (const { row, kind, data } of ready.splice(0)) await put(row, kind, data);
    let progress = false;
    for (const { row, delta } of deltas.splice(0)) {
      if (await resolve(row, delta)) progress = true;
      else waiting.push({ row, delta });
    }
    while (progress && waiting.length > 0) {
      progress = false;
      for (const { row, delta } of waiting.splice(0)) {
        if (await resolve(row, delta)) progress = true;
        else waiting.push({ row, delta });
      }
    }
  };
  for await (const chunk of input) {
    parser.push(chunk);
    await settle();
    if (parser.done) break;
  }
  parser.finish();
  await settle();
  // Bases may come behind their deltas: what is left is tried until nothing moves.
  for (let before = -1; waiting.length > 0 && waiting.length !== before; ) {
    before = waiting.length;
    for (const { row, delta } of waiting.splice(0)) if (!(await resolve(row, delta))) waiting.push({ row, delta });
  }
  if (waiting.length > 0) throw new GitError('OBJECT_CORRUPT', 'unresolved deltas left after unpacking');
  if (options.complete !== undefined) {
    const done = options.complete((oid) => held.get(oid) ?? store.read(oid));
    if (isPromise(done)) await done;
    if (options.dryRun !== true) {
      // What is named before what names it.
      for (const wanted of ['tree', 'commit', 'tag']) {
        for (const { kind, data } of held.values()) if (kind === wanted) await store.write(kind, data);
      }
    }
  }
  return { count: parser.table.count, leftover: parser.leftover };
}
