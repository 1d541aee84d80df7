import type { Bytes } from '../base/bytes.js';
import type { BufferPool } from './buffer-pool.js';

/** An object that others are deltas against. */
export interface CachedBase {
  readonly owner: object;
  readonly offset: number;
  /** Type code of the entry at the end of the chain. */
  readonly type: number;
  readonly data: Bytes;
  /** What `data` is the beginning of; from the pool. */
  readonly buffer: Bytes;
}

/** Bases in order of last use, each between its neighbours: moving or removing one costs the same however many there are. */
class Kept implements CachedBase {
  readonly owner: object;
  readonly offset: number;
  readonly type: number;
  readonly data: Bytes;
  readonly buffer: Bytes;
  older: Kept | undefined = undefined;
  newer: Kept | undefined = undefined;

  constructor(owner: object, offset: number, type: number, data: Bytes, buffer: Bytes) {
    this.owner = owner;
    this.offset = offset;
    this.type = type;
    this.data = data;
    this.buffer = buffer;
  }
}

/** So many bytes are kept to begin with: fresh memory costs more than an old base that nobody asks for again is worth. */
const FIRST = 6 << 20;
/** What a base asked for after it fell out adds to that. */
const GROWTH = 64 << 10;
/** Fallen bases remembered, as a power of two: each in the place that its offset gives it. */
const GHOST_BITS = 14;

/**
 * Delta bases kept by pack and offset, up to a number of bytes, the oldest unused first out. It starts small, so that
 * walks through history, which come back to what was read last, use the same buffers over and over; asking for bases that
 * have fallen out makes it grow to its limit.
 */
export class BaseCache {
  readonly #limit: number;
  #room: number;
  /** Offsets of bases that fell out. */
  readonly #ghosts = new Float64Array(1 << GHOST_BITS);
  readonly #owners = new Map<object, Map<number, Kept>>();
  #oldest: Kept | undefined;
  #newest: Kept | undefined;
  #bytes = 0;

  readonly #pool: BufferPool;

  /** Buffers of bases that fall out go back to the pool: so a base must not be handed to anybody. */
  constructor(bytes: number, pool: BufferPool) {
    this.#limit = bytes;
    this.#room = Math.min(bytes, FIRST);
    this.#pool = pool;
  }

  get(owner: object, offset: number): CachedBase | undefined {
    if (this.#oldest === undefined) return undefined;
    const found = this.#owners.get(owner)?.get(offset);
    if (found !== undefined) {
      if (found !== this.#newest) {
        this.#unlink(found);
        this.#append(found);
      }
    } else {
      const place = ghostPlace(offset);
      if (this.#ghosts[place] === offset) {
        this.#ghosts[place] = 0;
        this.#room = Math.min(this.#limit, this.#room + GROWTH);
      }
    }
    return found;
  }

  /** Takes the buffer over, which is gone from the caller unless the answer is false. */
  add(owner: object, offset: number, type: number, data: Bytes, buffer: Bytes): boolean {
    if (buffer.length > this.#limit >> 2) return false;
    let bases = this.#owners.get(owner);
    if (bases === undefined) this.#owners.set(owner, (bases = new Map()));
    if (bases.has(offset)) return false;
    const base = new Kept(owner, offset, type, data, buffer);
    bases.set(offset, base);
    this.#append(base);
    this.#bytes += buffer.length + 200;
    // However large it is, the caller goes on with what was just added.
    while (this.#bytes > this.#room && this.#oldest !== base) {
      const old = this.#oldest!;
      if (this.#room < this.#limit) this.#ghosts[ghostPlace(old.offset)] = old.offset;
      this.#owners.get(old.owner)?.delete(old.offset);
      this.#remove(old);
    }
    return true;
  }

  #append(base: Kept): void {
    base.older = this.#newest;
    base.newer = undefined;
    if (this.#newest === undefined) this.#oldest = base;
    else this.#newest.newer = base;
    this.#newest = base;
  }

  #unlink(base: Kept): void {
    const { older, newer } = base;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
  }

  #remove(base: Kept): void {
    this.#unlink(base);
    this.#bytes -= base.buffer.length + 200;
    this.#pool.release(base.buffer);
  }

  drop(owner: object): void {
    const bases = this.#owners.get(owner);
    if (bases === undefined) return;
    for (const base of bases.values()) this.#remove(base);
    this.#owners.delete(owner);
  }
}

const ghostPlace = (offset: number): number => Math.imul(offset, 0x9e3779b1) >>> (32 - GHOST_BITS);
