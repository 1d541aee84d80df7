import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { breath } from '../base/breath.js';
import { GitError, isGitError } from '../base/errors.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../base/oid.js';
import { oidFromBytes, rawLength } from '../base/oid.js';
import type { ObjectSource } from '../objects/source.js';
import type { Platform } from '../platform/platform.js';
import { createDelta } from './delta-create.js';
import type { SearchOptions } from './delta-search.js';
import { findDeltas } from './delta-search.js';
import { findDeltasOnThreads } from './delta-search-threads.js';
import { codeOfKind, kindOfCode, LONGEST_HEAD, OFS_DELTA, REF_DELTA, writeDistance, writeEntryHead } from './entry.js';
import { DeltaKeep, EDGE, NEW_DELTA, NO_TRY, PackEntries, TAGGED } from './pack-entries.js';
import type { PackFile } from './pack-file.js';
import { PackOutput } from './pack-output.js';
import type { PackStore } from './pack-store.js';
import { copyVerbatim, partHas, type VerbatimPart } from './verbatim.js';

export interface PackOptions {
  readonly platform: Platform;
  readonly algorithm: HashAlgorithm;
  /** Where objects are read from. */
  readonly source: ObjectSource;
  /** Packs whose entries may be copied as they are; usually those of `source`. */
  readonly packStores?: readonly PackStore[] | undefined;
  /** Neighbours tried as delta bases, 10 unless said (`pack.window`); 0: no search. */
  readonly window?: number | undefined;
  /** Longest delta chain, 50 unless said (`pack.depth`). */
  readonly depth?: number | undefined;
  readonly windowMemory?: number | undefined;
  /** zlib level, -1 to 9 (`pack.compression`). */
  readonly compression?: number | undefined;
  /** Name bases by distance where they are in the pack (`--delta-base-offset`); true unless said. */
  readonly offsetDeltas?: boolean | undefined;
  /** Take deltas over from packs; true unless said. */
  readonly reuseDeltas?: boolean | undefined;
  /** Take anything over from packs; true unless said. */
  readonly reuseObjects?: boolean | undefined;
  /** Bytes of compressed deltas kept between search and writing, 64 MiB unless said (`pack.deltaCacheSize`). */
  readonly deltaCacheBytes?: number | undefined;
  /** Threads that look for deltas; nothing or 0: as many as there are processors (`pack.threads`). */
  readonly threads?: number | undefined;
  /** Objects to be compared from which on threads are worth starting (for tests). */
  readonly threadsFrom?: number | undefined;
  /** The `objects` folders that make up `source`, which threads open for themselves; without them there is one thread. */
  readonly directories?: readonly string[] | undefined;
  /** Objects of at least this many bytes are stored whole (`core.bigFileThreshold`, 512 MiB). */
  readonly bigFileThreshold?: number | undefined;
  /** Whether an object may be a delta against another (delta islands). */
  readonly allowed?: ((oid: Oid, base: Oid) => boolean) | undefined;
  /** CRCs of the entries are not wanted: there will be no index. */
  readonly withoutIndex?: boolean | undefined;
  readonly progress?: ((phase: 'count' | 'compress' | 'write', done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a pack that was written holds, for its index. */
export interface WrittenRows {
  readonly checksum: Bytes;
  readonly count: number;
  readonly names: Bytes;
  readonly offsets: Float64Array;
  /** Zeros where the pack was made without an index in mind. */
  readonly crcs: Uint32Array;
  /** Bytes of the pack, checksum included. */
  readonly size: number;
  /** The count in the head; more than `count` where a limit of size ended the pack. */
  readonly claimed: number;
}

export interface PackStatistics {
  total: number;
  deltas: number;
  reused: number;
  reusedDeltas: number;
  /** Objects copied from packs without looking into them, and from how many packs. */
  verbatim: number;
  verbatimPacks: number;
}

/**
 * Makes a pack: `add` the objects in the order of a walk (newest first), then iterate over `chunks`. Entries of existing
 * packs are copied as they are; for the others deltas are looked for. Columns of numbers hold the objects, so a million
 * of them fit in some 100 MB.
 */
export class PackBuilder {
  readonly #options: PackOptions;
  readonly #entries: PackEntries;
  readonly #oidLength: number;
  readonly #packs: PackFile[] = [];
  readonly #packNumbers = new Map<PackFile, number>();
  readonly #keep: DeltaKeep;
  /** Offset of each row in the pack being written; -1: not written yet, -2: in an earlier pack. */
  #written = new Float64Array(0);
  readonly statistics: PackStatistics = {
    total: 0,
    deltas: 0,
    reused: 0,
    reusedDeltas: 0,
    verbatim: 0,
    verbatimPacks: 0,
  };
  #wanted = 0;
  #prepared = false;
  #order: Uint32Array = new Uint32Array(0);
  #nextInOrder = 0;

  constructor(options: PackOptions) {
    this.#options = options;
    this.#oidLength = rawLength(options.algorithm);
    this.#entries = new PackEntries(this.#oidLength);
    this.#keep = new DeltaKeep(options.deltaCacheBytes ?? 64 << 20);
  }

  /** Objects to be written. */
  get count(): number {
    return this.#wanted + this.statistics.verbatim;
  }

  readonly #parts: VerbatimPart[] = [];

  /** Entries of a pack that are copied as they are, in front of everything that was added. Only for packs without index. */
  copyFrom(part: VerbatimPart): void {
    if (part.count === 0) return;
    this.#parts.push(part);
    this.statistics.verbatim += part.count;
    this.statistics.verbatimPacks++;
  }

  has(oid: Oid): boolean {
    if (this.#parts.some((part) => partHas(part, oid))) return true;
    const row = this.#entries.map.find(oid);
    return row >= 0 && (this.#entries.flags[row]! & EDGE) === 0;
  }

  /** Adds an object with its name hash (see `nameHash`). Answers false where it was there already. */
  add(oid: Oid, hash = 0, options: { kind?: ObjectKind; noDelta?: boolean; tagged?: boolean } = {}): boolean {
    const before = this.#entries.count;
    const row = this.#entries.add(oid);
    if (row < before) {
      if ((this.#entries.flags[row]! & EDGE) === 0) return false;
      this.#entries.flags[row]! &= ~EDGE;
    }
    this.#wanted++;
    this.#entries.hashes[row] = hash;
    if (options.kind !== undefined) this.#entries.kinds[row] = codeOfKind(options.kind);
    if (options.noDelta === true) this.#entries.flags[row]! |= NO_TRY;
    if (options.tagged === true) this.#entries.flags[row]! |= TAGGED;
    return true;
  }

  /** Sets the name hash of an object that was added without a name. */
  setHash(oid: Oid, hash: number): void {
    const row = this.#entries.map.find(oid);
    if (row >= 0 && this.#entries.hashes[row] === 0) this.#entries.hashes[row] = hash;
  }

  /** Adds an object the receiver has: it is not written, others may be deltas against it (a thin pack). */
  addEdge(oid: Oid, hash = 0): void {
    const before = this.#entries.count;
    const row = this.#entries.add(oid);
    if (row < before) return;
    this.#entries.hashes[row] = hash;
    this.#entries.flags[row] = EDGE;
  }

  /** Marks an object as a tag's target: it goes to the front. */
  markTagged(oid: Oid): void {
    const row = this.#entries.map.find(oid);
    if (row >= 0) this.#entries.flags[row]! |= TAGGED;
  }

  /** Lets the event loop have a turn when it is time; throws when the work was stopped. */
  #breath(): Promise<void> | undefined {
    return breath(this.#options.signal);
  }

  /** Finds where everything lies and which deltas to use. Called by `chunks`; call it before to time or count. */
  async prepare(): Promise<void> {
    if (this.#prepared) return;
    this.#prepared = true;
    await this.#locate();
    if (this.#reusesDeltas) {
      this.#reuseDeltas();
      await this.#findSizes();
    }
    this.#baseOffsets = new Float64Array(0);
    const { window = 10, depth = 50, windowMemory = 0, progress } = this.#options;
    const { allowed } = this.#options;
    const compressor = new PackOutput(this.#options.platform, this.#options.algorithm, this.#level);
    const search: SearchOptions = {
      window,
      depth: Math.min(depth, 4095),
      windowMemory,
      reuseDelta: this.#reusesDeltas,
      signal: this.#options.signal,
      read: (row) => this.#read(row),
      found: (row, delta) => {
        this.#keep.keep(this.#entries, row, compressor.deflate(delta));
      },
      progress: progress && ((done, total) => progress('compress', done, total)),
      allowed: allowed && ((row, base) => allowed(this.#entries.map.oidAt(row), this.#entries.map.oidAt(base))),
    };
    const { platform, algorithm, directories } = this.#options;
    const threads = this.#options.threads || platform.threads?.processors || 1;
    if (threads <= 1 || directories === undefined || platform.threads === undefined || allowed !== undefined) {
      await findDeltas(this.#entries, search);
    } else {
      await findDeltasOnThreads(this.#entries, search, {
        platform,
        algorithm,
        directories,
        compression: this.#level,
        keptBytes: this.#options.deltaCacheBytes ?? 64 << 20,
        count: threads,
        from: this.#options.threadsFrom,
        kept: (row, packed) => this.#keep.keep(this.#entries, row, packed),
      });
    }
    this.#order = this.#writeOrder();
    const { statistics } = this;
    statistics.total = this.count;
  }

  get #reusesDeltas(): boolean {
    return this.#options.reuseDeltas !== false && this.#options.reuseObjects !== false;
  }

  get #level(): number {
    return this.#options.compression ?? -1;
  }

  #packNumber(pack: PackFile): number {
    let number = this.#packNumbers.get(pack);
    if (number === undefined) {
      number = this.#packs.length;
      this.#packs.push(pack);
      this.#packNumbers.set(pack, number);
    }
    return number;
  }

  /** Fills in kind, size and place of every object. */
  async #locate(): Promise<void> {
    const entries = this.#entries;
    const stores = this.#options.packStores ?? [];
    const names = entries.map;
    const raw = new Uint8Array(this.#oidLength);
    const big = this.#options.bigFileThreshold ?? 512 << 20;
    const { progress } = this.#options;
    this.#baseOffsets = new Float64Array(entries.count);
    for (let row = 0; row < entries.count; row++) {
      if ((row & 1023) === 0) {
        await this.#breath();
        progress?.('count', row, entries.count);
      }
      raw.set(names.names.subarray(row * this.#oidLength, (row + 1) * this.#oidLength));
      let found = false;
      for (const store of stores) {
        const place = store.locateRaw(raw);
        if (place === undefined) continue;
        try {
          this.#locateIn(row, place.pack, place.offset);
          found = true;
          break;
        } catch (error) {
          // A damaged entry is read from elsewhere, if anywhere.
          if (!isGitError(error, 'OBJECT_CORRUPT')) throw error;
          entries.packs[row] = -1;
        }
      }
      if (!found) {
        const asking = this.#locateElsewhere(row);
        if (asking !== undefined) await asking;
      }
      if (entries.sizes[row]! >= big) entries.flags[row]! |= NO_TRY;
    }
    progress?.('count', entries.count, entries.count);
  }

  /** Kind and size of an object that is not in a pack, or damaged there. */
  #locateElsewhere(row: number): Promise<void> | undefined {
    const entries = this.#entries;
    const oid = entries.map.oidAt(row);
    const { source } = this.#options;
    const take = (header: { kind: ObjectKind; size: number } | undefined): undefined => {
      if (header !== undefined) {
        entries.kinds[row] = codeOfKind(header.kind);
        entries.sizes[row] = header.size;
      } else if ((entries.flags[row]! & EDGE) !== 0) entries.kinds[row] = 0;
      else throw new GitError('OBJECT_MISSING', `unable to read ${oid}`, { data: { oid } });
      return undefined;
    };
    const asked: Awaitable<{ kind: ObjectKind; size: number } | undefined> =
      source.readHeader === undefined ? headerByReading(source, oid) : source.readHeader(oid);
    return isPromise(asked) ? asked.then(take) : take(asked);
  }

  /** Offsets of the bases of stored deltas, until deltas have been taken over. */
  #baseOffsets = new Float64Array(0);

  /** Sizes of what is stored as a delta and is not taken over as one. */
  async #findSizes(): Promise<void> {
    const entries = this.#entries;
    const big = this.#options.bigFileThreshold ?? 512 << 20;
    for (let row = 0; row < entries.count; row++) {
      if (entries.sizes[row]! >= 0 || entries.bases[row]! >= 0) continue;
      try {
        const header = this.#packs[entries.packs[row]!]!.readHeader(entries.offsets[row]!);
        entries.kinds[row] = codeOfKind(header.kind);
        entries.sizes[row] = header.size;
      } catch (error) {
        if (!isGitError(error, 'OBJECT_CORRUPT')) throw error;
        entries.packs[row] = -1;
        const asking = this.#locateElsewhere(row);
        if (asking !== undefined) await asking;
      }
      if (entries.sizes[row]! >= big) entries.flags[row]! |= NO_TRY;
    }
  }

  #locateIn(row: number, pack: PackFile, offset: number): void {
    const entries = this.#entries;
    const head = pack.entry(offset);
    entries.packs[row] = this.#packNumber(pack);
    entries.offsets[row] = offset;
    entries.storedTypes[row] = head.type;
    entries.storedSizes[row] = head.size;
    entries.headLengths[row] = head.headLength;
    if (head.type < OFS_DELTA) {
      entries.kinds[row] = head.type;
      entries.sizes[row] = head.size;
      return;
    }
    this.#baseOffsets[row] = head.baseOffset;
    if (entries.kinds[row] !== 0 && this.#reusesDeltas && (entries.flags[row]! & EDGE) === 0) {
      // Most likely it is taken over as it is: then nobody asks for its size.
      entries.sizes[row] = -1;
      return;
    }
    const header = pack.readHeader(offset);
    entries.kinds[row] = codeOfKind(header.kind);
    entries.sizes[row] = header.size;
  }

  /** Takes over deltas whose base is in this pack too (or known to the receiver), without circles or endless chains. */
  #reuseDeltas(): void {
    const entries = this.#entries;
    const { bases, packs, storedTypes, deltaSizes, storedSizes, flags, depths } = entries;
    const raw = new Uint8Array(this.#oidLength);
    const { allowed } = this.#options;
    for (let row = 0; row < entries.count; row++) {
      if (packs[row]! < 0 || storedTypes[row]! < OFS_DELTA || (flags[row]! & EDGE) !== 0) continue;
      const pack = this.#packs[packs[row]!]!;
      const order = pack.index.orderOf(this.#baseOffsets[row]!);
      if (order < 0) continue;
      pack.index.copyName(pack.index.packOrder[order]!, raw, 0);
      const base = entries.map.findRaw(raw);
      if (base < 0 || base === row || entries.kinds[base] === 0) continue;
      if (allowed !== undefined && !allowed(entries.map.oidAt(row), entries.map.oidAt(base))) continue;
      bases[row] = base;
      deltaSizes[row] = storedSizes[row]!;
    }
    // Depths from the roots; a chain that bites its tail (deltas of several packs) or is too long is cut.
    const limit = this.#options.depth ?? 50;
    const state = new Uint8Array(entries.count);
    const path: number[] = [];
    for (let start = 0; start < entries.count; start++) {
      let row = start;
      while (row >= 0 && state[row] === 0) {
        state[row] = 1;
        path.push(row);
        row = bases[row]!;
      }
      if (row >= 0 && state[row] === 1) {
        // `row` is on the path: cut the delta that closes the circle.
        bases[path[path.length - 1]!] = -1;
        row = -1;
      }
      for (let i = path.length - 1; i >= 0; i--) {
        const each = path[i]!;
        const base = bases[each]!;
        let depth = base < 0 ? 0 : depths[base]! + 1;
        if (limit > 0 && depth > limit) {
          bases[each] = -1;
          depth = 0;
        }
        depths[each] = depth;
        state[each] = 2;
      }
      path.length = 0;
    }
  }

  #read(row: number): Awaitable<Bytes> {
    const entries = this.#entries;
    const number = entries.packs[row]!;
    if (number >= 0) {
      try {
        const { kind, data } = this.#packs[number]!.read(entries.offsets[row]!);
        // What is packed anew gets a new checksum: damage must not be sealed into it.
        if (this.#options.platform.hashObject(this.#options.algorithm, kind, data) === entries.map.oidAt(row))
          return data;
      } catch (error) {
        if (!isGitError(error, 'OBJECT_CORRUPT')) throw error;
      }
    }
    const oid = entries.map.oidAt(row);
    const check = (object: { data: Bytes } | undefined): Bytes => {
      if (object === undefined) throw new GitError('OBJECT_MISSING', `unable to read ${oid}`, { data: { oid } });
      return object.data;
    };
    const object = this.#options.source.read(oid);
    if (number < 0) return isPromise(object) ? object.then(check) : check(object);
    const sound = (found: { kind: ObjectKind; data: Bytes } | undefined): Bytes => {
      const data = check(found);
      if (this.#options.platform.hashObject(this.#options.algorithm, found!.kind, data) === oid) return data;
      throw new GitError('OBJECT_CORRUPT', `unable to read ${oid}`, { data: { oid } });
    };
    return isPromise(object) ? object.then(sound) : sound(object);
  }

  /**
   * The order of writing: commits and tags as added, what tags point at first; then trees; then the rest, each with its
   * family of deltas behind it, so that reading one brings the others near.
   */
  #writeOrder(): Uint32Array {
    const entries = this.#entries;
    const { count, kinds, flags, bases } = entries;
    const order = new Uint32Array(this.#wanted);
    const placed = new Uint8Array(count);
    let filled = 0;
    const put = (row: number): void => {
      if (placed[row] !== 0 || (flags[row]! & EDGE) !== 0) return;
      placed[row] = 1;
      order[filled++] = row;
    };
    const commit = codeOfKind('commit');
    const tag = codeOfKind('tag');
    const tree = codeOfKind('tree');
    let row = 0;
    const anyTagged = flags.subarray(0, count).some((flag) => (flag & TAGGED) !== 0);
    for (; anyTagged && row < count; row++) {
      if ((flags[row]! & TAGGED) !== 0) break;
      put(row);
    }
    for (let i = row; i < count; i++) if ((flags[i]! & TAGGED) !== 0) put(i);
    for (let i = row; i < count; i++) if (kinds[i] === commit || kinds[i] === tag) put(i);
    for (let i = row; i < count; i++) if (kinds[i] === tree) put(i);
    const first = new Int32Array(count).fill(-1);
    const next = new Int32Array(count).fill(-1);
    for (let i = count - 1; i >= 0; i--) {
      const base = bases[i]!;
      if (base < 0) continue;
      next[i] = first[base]!;
      first[base] = i;
    }
    const stack: number[] = [];
    for (let i = row; i < count; i++) {
      if (placed[i] !== 0 || (flags[i]! & EDGE) !== 0) continue;
      let root = i;
      while (bases[root]! >= 0) root = bases[root]!;
      stack.push(root);
      while (stack.length > 0) {
        const each = stack.pop()!;
        put(each);
        const children: number[] = [];
        for (let child = first[each]!; child >= 0; child = next[child]!) children.push(child);
        for (let c = children.length - 1; c >= 0; c--) stack.push(children[c]!);
      }
    }
    return order;
  }

  /**
   * The pack, chunk by chunk; what it returns says what was written. `maxSize`: stop before a pack of that many bytes is
   * exceeded; call again for the next one until `finished`. The head then claims all that was left, and who writes such
   * parts to files puts the true count there afterwards (`correctPackHead`). What was to be copied as it is comes first,
   * and is not among the rows answered.
   */
  async *chunks(maxSize = 0): AsyncGenerator<Bytes, WrittenRows, void> {
    await this.prepare();
    const entries = this.#entries;
    const { platform, algorithm, progress } = this.#options;
    const output = new PackOutput(platform, algorithm, this.#level, this.#options.withoutIndex !== true);
    const start = this.#nextInOrder;
    const total = this.#order.length - start;
    if (this.#written.length < entries.count) this.#written = new Float64Array(entries.count).fill(-1);
    const written = this.#written;
    // Bases in an earlier part cannot be pointed at from this one.
    for (let row = 0; row < written.length; row++) if (written[row]! >= 0) written[row] = -2;
    const { verbatim } = this.statistics;
    output.writeHead(total + verbatim);
    for (const part of this.#parts) {
      for (const _piece of copyVerbatim(output, part, this.#options.offsetDeltas !== false)) {
        await this.#breath();
        if (output.hasReady) yield* output.take();
      }
    }
    const offsets = new Float64Array(total);
    const crcs = new Uint32Array(total);
    const rows = new Uint32Array(total);
    let count = 0;
    const chain: number[] = [];
    outer: for (; this.#nextInOrder < this.#order.length; this.#nextInOrder++) {
      if ((this.#nextInOrder & 255) === 0) {
        await this.#breath();
        progress?.('write', this.#nextInOrder, this.#order.length);
      }
      // Bases first.
      for (let row = this.#order[this.#nextInOrder]!; row >= 0 && written[row] === -1; row = entries.bases[row]!) {
        if ((entries.flags[row]! & EDGE) !== 0) break;
        chain.push(row);
      }
      while (chain.length > 0) {
        const row = chain.pop()!;
        if (maxSize > 0 && count > 0 && output.offset + this.#estimate(row) + this.#oidLength > maxSize) {
          chain.length = 0;
          break outer;
        }
        const offset = output.offset;
        output.startEntry();
        const wrote = this.#writeEntry(output, row, written);
        if (isPromise(wrote)) await wrote;
        written[row] = offset;
        offsets[count] = offset;
        crcs[count] = output.crc;
        rows[count++] = row;
        if (output.hasReady) yield* output.take();
      }
    }
    progress?.('write', this.#nextInOrder, this.#order.length);
    const checksum = output.finish();
    yield* output.take();
    const names = new Uint8Array(count * this.#oidLength);
    for (let i = 0; i < count; i++) {
      const from = rows[i]! * this.#oidLength;
      names.set(entries.map.names.subarray(from, from + this.#oidLength), i * this.#oidLength);
    }
    return { checksum, count, names, offsets: offsets.subarray(0, count), crcs, size: output.offset, claimed: total };
  }

  /** True when everything has been written (packs of a limited size). */
  get finished(): boolean {
    return this.#prepared && this.#nextInOrder >= this.#order.length;
  }

  /** An upper bound of what an entry will take, near enough for splitting. */
  #estimate(row: number): number {
    const entries = this.#entries;
    const kept = entries.keptSizes[row]!;
    if (kept > 0) return kept + LONGEST_HEAD;
    const size = entries.sizes[row]!;
    const stored = entries.storedSizes[row]! || size;
    return (size < 0 ? stored : Math.min(stored, size)) + LONGEST_HEAD;
  }

  readonly #headRoom = new Uint8Array(64);

  /** Head of a delta entry: distance where the base is in this pack, its name otherwise. */
  #writeDeltaHead(output: PackOutput, base: number, size: number, written: Float64Array): void {
    const head = this.#headRoom;
    const entries = this.#entries;
    const baseOffset = written[base]!;
    if (baseOffset >= 0 && this.#options.offsetDeltas !== false) {
      let at = writeEntryHead(head, 0, OFS_DELTA, size);
      at = writeDistance(head, at, output.offset - baseOffset);
      output.write(head, 0, at);
      return;
    }
    const at = writeEntryHead(head, 0, REF_DELTA, size);
    head.set(entries.map.names.subarray(base * this.#oidLength, (base + 1) * this.#oidLength), at);
    output.write(head, 0, at + this.#oidLength);
  }

  #writeEntry(output: PackOutput, row: number, written: Float64Array): Awaitable<void> {
    const entries = this.#entries;
    let base = entries.bases[row]!;
    // The base went into another pack (or is not coming): store the object whole.
    if (base >= 0 && written[base]! < 0 && (entries.flags[base]! & EDGE) === 0) base = -1;
    const { statistics } = this;
    if (base >= 0) {
      if ((entries.flags[row]! & NEW_DELTA) !== 0) {
        const kept = this.#keep.get(entries, row);
        if (kept === undefined) return this.#writeNewDelta(output, row, base, written);
        this.#writeDeltaHead(output, base, entries.deltaSizes[row]!, written);
        output.write(kept, 0, kept.length);
        statistics.deltas++;
        return;
      }
      const stored = this.#storedBytes(row);
      if (stored !== undefined) {
        this.#writeDeltaHead(output, base, entries.storedSizes[row]!, written);
        output.write(stored, 0, stored.length);
        statistics.deltas++;
        statistics.reused++;
        statistics.reusedDeltas++;
        return;
      }
    } else if (
      entries.packs[row]! >= 0 &&
      entries.storedTypes[row]! < OFS_DELTA &&
      this.#options.reuseObjects !== false
    ) {
      const stored = this.#storedBytes(row);
      if (stored !== undefined) {
        output.write(this.#headRoom, 0, writeEntryHead(this.#headRoom, 0, entries.kinds[row]!, entries.sizes[row]!));
        output.write(stored, 0, stored.length);
        statistics.reused++;
        return;
      }
    }
    const data = this.#read(row);
    return isPromise(data)
      ? data.then((bytes) => this.#writeWhole(output, row, bytes))
      : this.#writeWhole(output, row, data);
  }

  #writeWhole(output: PackOutput, row: number, data: Bytes): void {
    const at = writeEntryHead(this.#headRoom, 0, this.#entries.kinds[row]!, data.length);
    const packed = output.deflate(data);
    output.write(this.#headRoom, 0, at);
    output.write(packed, 0, packed.length);
  }

  /** Makes a delta again that was not kept after the search. */
  async #writeNewDelta(output: PackOutput, row: number, base: number, written: Float64Array): Promise<void> {
    const delta = createDelta(await this.#read(base), await this.#read(row));
    if (delta === undefined) throw new GitError('BUG', 'a delta came out another way the second time');
    const packed = output.deflate(delta);
    this.#writeDeltaHead(output, base, delta.length, written);
    output.write(packed, 0, packed.length);
    this.statistics.deltas++;
  }

  /** The compressed bytes of a stored entry, if they are whole (by the CRC in the index, or by inflating). */
  #storedBytes(row: number): Bytes | undefined {
    const entries = this.#entries;
    const pack = this.#packs[entries.packs[row]!]!;
    const offset = entries.offsets[row]!;
    const { index } = pack;
    const order = index.orderOf(offset);
    if (order < 0) return undefined;
    const end = order + 1 < index.count ? index.offsetAt(index.packOrder[order + 1]!) : pack.entriesEnd;
    const bytes = pack.stored(offset, end);
    if (bytes.length !== end - offset) return undefined;
    const crc = index.crcAt(index.packOrder[order]!);
    const { zlib } = this.#options.platform;
    if (crc !== undefined) {
      if (zlib.crc32(bytes) !== crc) return undefined;
    } else {
      try {
        zlib.inflate(bytes.subarray(entries.headLengths[row]!), entries.storedSizes[row]!);
      } catch {
        return undefined;
      }
    }
    return bytes.subarray(entries.headLengths[row]!);
  }

  /** The names of what will be written, in the order added. */
  *wanted(): Generator<{ oid: Oid; kind: ObjectKind | undefined }> {
    const { map, flags, kinds } = this.#entries;
    for (let row = 0; row < map.count; row++) {
      if ((flags[row]! & EDGE) !== 0) continue;
      yield {
        oid: oidFromBytes(map.names, row * this.#oidLength, this.#oidLength),
        kind: kindOfCode(kinds[row]!),
      };
    }
  }
}

function headerByReading(source: ObjectSource, oid: Oid): Awaitable<{ kind: ObjectKind; size: number } | undefined> {
  const header = (object: { kind: ObjectKind; data: Bytes } | undefined) =>
    object === undefined ? undefined : { kind: object.kind, size: object.data.length };
  const object = source.read(oid);
  return isPromise(object) ? object.then(header) : header(object);
}
