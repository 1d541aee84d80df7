import { breath } from '../base/breath.js';
import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { rawLength, writeOid } from '../base/oid.js';
import type { ReadHandle } from '../platform/fs.js';
import type { Inflater, Platform } from '../platform/platform.js';
import { STREAM_END, STREAM_FULL } from '../platform/platform.js';
import { BufferPool } from './buffer-pool.js';
import { deltaCursor, deltaOutput, deltaSize, runDelta } from './delta.js';
import { kindOfCode, OFS_DELTA, REF_DELTA } from './entry.js';
import { orderByName } from './oid-order.js';
import type { PackTable } from './pack-parser.js';
import { HASH_ROOM, writeObjectHead } from './pack-parser.js';
import { WINDOW_SIZE, WindowCache, WindowedFile } from './window-cache.js';

export interface ResolverOptions {
  readonly platform: Platform;
  readonly algorithm: HashAlgorithm;
  /** Bytes of objects held while a family of deltas is worked through; 64 MiB unless said. */
  readonly heldBytes?: number | undefined;
  readonly windowBytes?: number | undefined;
  /** Called for each delta as its object is known. The bytes are only good during the call. */
  readonly object?: ((row: number, oid: Oid, kind: number, data: Bytes) => void) | undefined;
  readonly progress?: ((done: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Objects above this are checked by adding up the delta before room is made. */
const BIG = 16 << 20;

/**
 * Resolves the deltas of a parsed pack, family by family and depth first: an object is held while deltas against it
 * are open, and made anew where that would hold too much. Every object costs one inflate of its delta, one pass over
 * it and one hash.
 */
export class DeltaResolver {
  readonly #table: PackTable;
  readonly #platform: Platform;
  readonly #algorithm: HashAlgorithm;
  readonly #oidLength: number;
  readonly #options: ResolverOptions;
  readonly #file: WindowedFile;
  readonly #inflater: Inflater;
  readonly #pool = new BufferPool(32 << 20);
  readonly #limit: number;
  /** First delta against each row, and the next against the same base. */
  readonly firstChild: Int32Array;
  readonly nextSibling: Int32Array;
  /** Ref-deltas in order of the name of their base. */
  readonly #refRows: Int32Array;
  readonly #refOrder: Uint32Array;
  #delta: Bytes = new Uint8Array(64 << 10);
  // The open path from the root of a family: rows, their objects (behind HASH_ROOM), sizes, next children.
  readonly #pathRows: number[] = [];
  readonly #pathData: (Bytes | undefined)[] = [];
  readonly #pathSizes: number[] = [];
  readonly #pathNext: number[] = [];
  #rootData: Bytes | undefined;
  resolved = 0;

  /** `links`: made by another resolver of this pack. */
  constructor(
    table: PackTable,
    handle: ReadHandle,
    options: ResolverOptions,
    links?: { readonly firstChild: Int32Array; readonly nextSibling: Int32Array },
  ) {
    this.#table = table;
    this.#platform = options.platform;
    this.#algorithm = options.algorithm;
    this.#oidLength = rawLength(options.algorithm);
    this.#options = options;
    this.#file = new WindowedFile(handle, new WindowCache(options.windowBytes ?? 32 << 20));
    this.#inflater = options.platform.zlib.inflater();
    this.#limit = options.heldBytes ?? 64 << 20;
    const { count, bases, types } = table;
    this.firstChild = links?.firstChild ?? new Int32Array(count).fill(-1);
    this.nextSibling = links?.nextSibling ?? new Int32Array(count).fill(-1);
    this.#refRows = new Int32Array(table.refCount);
    for (let row = links === undefined ? count - 1 : -1; row >= 0; row--) {
      if (types[row] === OFS_DELTA) this.#link(bases[row]!, row);
      else if (types[row] === REF_DELTA) this.#refRows[bases[row]!] = row;
    }
    this.#refOrder = orderByName(table.refNames, table.refCount, this.#oidLength);
  }

  #link(base: number, row: number): void {
    this.nextSibling[row] = this.firstChild[base]!;
    this.firstChild[base] = row;
  }

  /** Resolves every delta whose base is in the pack. Answers how many are left. */
  async resolveAll(): Promise<number> {
    const { count, types } = this.#table;
    for (let row = 0; row < count; row++) {
      if (types[row]! >= OFS_DELTA) continue;
      this.#adoptRefs(row);
      if (this.firstChild[row]! >= 0) {
        this.#family(row, undefined);
        await breath(this.#options.signal);
      }
    }
    return this.unresolved;
  }

  /** Resolves what hangs on a whole object by distance. */
  resolveFamily(root: number): void {
    this.#family(root, undefined);
  }

  get unresolved(): number {
    const { count, kinds } = this.#table;
    let left = 0;
    for (let row = 0; row < count; row++) if (kinds[row] === 0) left++;
    return left;
  }

  /** Names of bases that unresolved ref-deltas want, each once, in order of the first delta that wants it. */
  *wanted(): Generator<{ row: number; at: number }> {
    for (let i = 0; i < this.#refRows.length; i++) {
      const row = this.#refRows[i]!;
      if (this.#table.kinds[row] === 0 && this.#table.types[row] === REF_DELTA) yield { row, at: i * this.#oidLength };
    }
  }

  /** Resolves what hangs on an object from outside the pack. */
  resolveFrom(name: Bytes, kind: number, data: Bytes): void {
    const first = this.#findRefs(name, 0);
    const children: number[] = [];
    for (let i = first; i < this.#refOrder.length && this.#sameRef(i, name, 0); i++) {
      const row = this.#refRows[this.#refOrder[i]!]!;
      if (this.#table.kinds[row] === 0) children.push(row);
    }
    const held = this.#pool.take(HASH_ROOM + data.length);
    held.set(data, HASH_ROOM);
    for (const row of children) {
      const made = this.#patch(row, held, data.length);
      if (this.#finish(row, kind, made)) {
        this.#rootData = held;
        this.#descend(row, made, this.#madeSize);
        this.#rootData = undefined;
      } else this.#pool.release(made);
    }
    this.#pool.release(held);
  }

  #compareRef(i: number, name: Bytes, at: number): number {
    const names = this.#table.refNames;
    const start = this.#refOrder[i]! * this.#oidLength;
    for (let j = 0; j < this.#oidLength; j++) {
      const difference = names[start + j]! - name[at + j]!;
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #sameRef(i: number, name: Bytes, at: number): boolean {
    return this.#compareRef(i, name, at) === 0;
  }

  /** First place in `#refOrder` whose base is `name`, or where it would be. */
  #findRefs(name: Bytes, at: number): number {
    let low = 0;
    let high = this.#refOrder.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compareRef(middle, name, at) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Hangs the ref-deltas that name this object under it, unless another copy of it has them already. */
  #adoptRefs(row: number): void {
    const count = this.#refOrder.length;
    if (count === 0) return;
    const { names, kinds, bases } = this.#table;
    const at = row * this.#oidLength;
    for (let i = this.#findRefs(names, at); i < count && this.#sameRef(i, names, at); i++) {
      const child = this.#refRows[this.#refOrder[i]!]!;
      if (kinds[child] !== 0 || child === row || bases[child]! < 0) continue;
      bases[child] = -1 - bases[child]!;
      this.#link(row, child);
    }
  }

  #bad(row: number, why: string, cause?: unknown): GitError {
    const offset = this.#table.offsets[row]!;
    return new GitError('OBJECT_CORRUPT', `pack has bad object at offset ${offset}: ${why}`, {
      data: { offset },
      cause,
    });
  }

  /** Inflates the data of an entry into `out[at…]`, which has room for one byte more. */
  #inflate(row: number, out: Bytes, at: number): void {
    const table = this.#table;
    const size = table.sizes[row]!;
    const limit = at + size + 1;
    const inflater = this.#inflater;
    inflater.reset();
    for (let position = table.offsets[row]! + table.heads[row]!; ; ) {
      const window = this.#file.window(position);
      const start = position % WINDOW_SIZE;
      if (start >= window.length) throw this.#bad(row, 'cannot pread pack file: premature end of file');
      let state: number;
      try {
        state = inflater.push(window, start, window.length, out, at, limit);
      } catch (cause) {
        throw this.#bad(row, 'serious inflate inconsistency', cause);
      }
      at += inflater.produced;
      position += inflater.consumed;
      if (state === STREAM_END) break;
      if (state === STREAM_FULL) throw this.#bad(row, 'serious inflate inconsistency');
    }
    if (at !== limit - 1) throw this.#bad(row, 'serious inflate inconsistency');
  }

  #take(row: number, size: number): Bytes {
    try {
      return this.#pool.take(HASH_ROOM + size + 1);
    } catch (cause) {
      throw this.#bad(row, `object of ${size} bytes is too large`, cause);
    }
  }

  #madeSize = 0;

  /** The object that the delta at `row` makes of `base[HASH_ROOM, …)`; its size is left in `#madeSize`. */
  #patch(row: number, base: Bytes, baseSize: number): Bytes {
    const length = this.#table.sizes[row]!;
    if (length + 1 > this.#delta.length) this.#delta = new Uint8Array(length * 2);
    const delta = this.#delta;
    this.#inflate(row, delta, 0);
    if (deltaSize(delta, 0, length) !== baseSize) throw this.#bad(row, 'failed to apply delta');
    const size = deltaSize(delta, deltaCursor, length);
    const start = deltaCursor;
    if (size < 0 || (size > BIG && deltaOutput(delta, start, length) !== size)) {
      throw this.#bad(row, 'failed to apply delta');
    }
    const out = this.#take(row, size);
    if (
      !runDelta(
        base.subarray(HASH_ROOM, HASH_ROOM + baseSize),
        baseSize,
        delta,
        start,
        length,
        out.subarray(HASH_ROOM),
        size,
      )
    ) {
      throw this.#bad(row, 'failed to apply delta');
    }
    this.#madeSize = size;
    if (length > 4 << 20) this.#delta = new Uint8Array(64 << 10);
    return out;
  }

  /** Names the object just made; answers whether deltas hang on it. */
  #finish(row: number, kind: number, made: Bytes): boolean {
    const size = this.#madeSize;
    const table = this.#table;
    const from = writeObjectHead(made, HASH_ROOM, kindOfCode(kind)!, size);
    const hex = this.#platform.hash(this.#algorithm, made.subarray(from, HASH_ROOM + size));
    writeOid(hex, table.names, row * this.#oidLength);
    table.kinds[row] = kind;
    this.resolved++;
    if ((this.resolved & 1023) === 0) this.#options.progress?.(this.resolved);
    this.#options.object?.(row, hex as Oid, kind, made.subarray(HASH_ROOM, HASH_ROOM + size));
    this.#adoptRefs(row);
    return this.firstChild[row]! >= 0;
  }

  #family(root: number, data: Bytes | undefined): void {
    const size = this.#table.sizes[root]!;
    let held = data;
    if (held === undefined) {
      held = this.#take(root, size);
      this.#inflate(root, held, HASH_ROOM);
    }
    this.#descend(root, held, size);
  }

  /** Works through everything that hangs on `root`, whose object is `held`. */
  #descend(root: number, held: Bytes, size: number): void {
    const rows = this.#pathRows;
    const data = this.#pathData;
    const sizes = this.#pathSizes;
    const next = this.#pathNext;
    const kind = this.#table.kinds[root]!;
    rows.push(root);
    data.push(held);
    sizes.push(size);
    next.push(this.firstChild[root]!);
    while (rows.length > 0) {
      const top = rows.length - 1;
      const child = next[top]!;
      if (child < 0) {
        this.#letGo(top);
        rows.pop();
        data.pop();
        sizes.pop();
        next.pop();
        continue;
      }
      next[top] = this.nextSibling[child]!;
      const base = data[top] ?? this.#remake(top);
      const made = this.#patch(child, base, sizes[top]!);
      const madeSize = this.#madeSize;
      const parent = this.#finish(child, kind, made);
      if (next[top]! < 0) this.#letGo(top);
      if (!parent) {
        this.#pool.release(made);
        continue;
      }
      rows.push(child);
      data.push(made);
      sizes.push(madeSize);
      next.push(this.firstChild[child]!);
      for (let level = 0; this.#pool.held > this.#limit && level < rows.length - 1; level++) this.#letGo(level);
    }
  }

  #letGo(level: number): void {
    const data = this.#pathData[level];
    if (data === undefined) return;
    this.#pool.release(data);
    this.#pathData[level] = undefined;
  }

  /** Makes the object at a level of the path again, from the nearest one still held or the root. */
  #remake(level: number): Bytes {
    let from = level;
    while (from >= 0 && this.#pathData[from] === undefined) from--;
    let data: Bytes;
    if (from >= 0) data = this.#pathData[from]!;
    else {
      from = 0;
      const root = this.#pathRows[0]!;
      if (this.#rootData !== undefined) {
        data = this.#patch(root, this.#rootData, this.#sizeOfBase(root));
      } else {
        data = this.#take(root, this.#pathSizes[0]!);
        this.#inflate(root, data, HASH_ROOM);
      }
    }
    let owned = this.#pathData[from] === undefined;
    for (let step = from + 1; step <= level; step++) {
      const made = this.#patch(this.#pathRows[step]!, data, this.#pathSizes[step - 1]!);
      if (owned) this.#pool.release(data);
      data = made;
      owned = true;
    }
    this.#pathData[level] = data;
    return data;
  }

  /** The first size in a delta: that of its base. */
  #sizeOfBase(row: number): number {
    const length = this.#table.sizes[row]!;
    if (length + 1 > this.#delta.length) this.#delta = new Uint8Array(length * 2);
    this.#inflate(row, this.#delta, 0);
    return deltaSize(this.#delta, 0, length);
  }

  close(): void {
    this.#file.close();
  }
}
