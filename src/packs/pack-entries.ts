import type { Bytes } from '../base/bytes.js';
import { OidMap } from './oid-map.js';

/** Not written: a thin pack's receiver has it, so others may be deltas against it. */
export const EDGE = 1;
/** Never made a delta nor looked at as a base (big files, the attribute `-delta`). */
export const NO_TRY = 2;
/** Its delta was found now, not taken over from a pack. */
export const NEW_DELTA = 4;
/** Pointed at by a tag: its family goes near the front of the pack. */
export const TAGGED = 8;

/** The objects of a pack to be made, as columns; a row is an object in the order it was added. */
export class PackEntries {
  readonly map: OidMap;
  capacity = 0;
  kinds = new Uint8Array(0);
  sizes = new Float64Array(0);
  hashes = new Uint32Array(0);
  flags = new Uint8Array(0);
  /** Number of the pack it lies in, -1 for none. */
  packs = new Int16Array(0);
  offsets = new Float64Array(0);
  storedTypes = new Uint8Array(0);
  storedSizes = new Float64Array(0);
  headLengths = new Uint8Array(0);
  diskSizes = new Float64Array(0);
  /** Row of the delta's base, -1 for none. */
  bases = new Int32Array(0);
  deltaSizes = new Float64Array(0);
  depths = new Uint16Array(0);
  /** Where the compressed new delta is kept: chunk number, -1 for nowhere. */
  keptChunks = new Int32Array(0);
  keptOffsets = new Uint32Array(0);
  keptSizes = new Uint32Array(0);

  constructor(oidLength: number) {
    this.map = new OidMap(oidLength);
  }

  get count(): number {
    return this.map.count;
  }

  /** Row of the object; a new one has only its name. */
  addRaw(raw: Bytes, at: number): number {
    return this.#ensure(this.map.addRaw(raw, at));
  }

  add(oid: string): number {
    return this.#ensure(this.map.add(oid));
  }

  #ensure(row: number): number {
    if (row < this.capacity) return row;
    const capacity = Math.max(1024, this.capacity * 2);
    const grow = <T extends { set(from: ArrayLike<number>): void }>(to: T, from: ArrayLike<number>): T => {
      to.set(from);
      return to;
    };
    this.kinds = grow(new Uint8Array(capacity), this.kinds);
    this.sizes = grow(new Float64Array(capacity), this.sizes);
    this.hashes = grow(new Uint32Array(capacity), this.hashes);
    this.flags = grow(new Uint8Array(capacity), this.flags);
    this.packs = grow(new Int16Array(capacity).fill(-1), this.packs);
    this.offsets = grow(new Float64Array(capacity), this.offsets);
    this.storedTypes = grow(new Uint8Array(capacity), this.storedTypes);
    this.storedSizes = grow(new Float64Array(capacity), this.storedSizes);
    this.headLengths = grow(new Uint8Array(capacity), this.headLengths);
    this.diskSizes = grow(new Float64Array(capacity), this.diskSizes);
    this.bases = grow(new Int32Array(capacity).fill(-1), this.bases);
    this.deltaSizes = grow(new Float64Array(capacity), this.deltaSizes);
    this.depths = grow(new Uint16Array(capacity), this.depths);
    this.keptChunks = grow(new Int32Array(capacity).fill(-1), this.keptChunks);
    this.keptOffsets = grow(new Uint32Array(capacity), this.keptOffsets);
    this.keptSizes = grow(new Uint32Array(capacity), this.keptSizes);
    this.capacity = capacity;
    return row;
  }
}

/** Compressed deltas kept from the search until they are written, in big chunks. */
export class DeltaKeep {
  readonly #chunks: Bytes[] = [];
  #at = 0;
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Keeps the bytes for a row; answers false where there is no room left. */
  keep(entries: PackEntries, row: number, bytes: Bytes): boolean {
    if (bytes.length > this.#left || bytes.length > 1 << 20) return false;
    let chunk = this.#chunks[this.#chunks.length - 1];
    if (chunk === undefined || this.#at + bytes.length > chunk.length) {
      chunk = new Uint8Array(1 << 20);
      this.#chunks.push(chunk);
      this.#at = 0;
    }
    chunk.set(bytes, this.#at);
    entries.keptChunks[row] = this.#chunks.length - 1;
    entries.keptOffsets[row] = this.#at;
    entries.keptSizes[row] = bytes.length;
    this.#at += bytes.length;
    this.#left -= bytes.length;
    return true;
  }

  get(entries: PackEntries, row: number): Bytes | undefined {
    const chunk = entries.keptChunks[row]!;
    if (chunk < 0) return undefined;
    const at = entries.keptOffsets[row]!;
    return this.#chunks[chunk]!.subarray(at, at + entries.keptSizes[row]!);
  }
}
