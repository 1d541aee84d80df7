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

/** So many bytes are kept to begin with: fresh memory costs more than an old base that nobody asks for again is worth. */
const FIRST = 6 << 20;
/** What a base asked for after it fell out adds to that. */
const GROWTH = 64 << 10;
/** Fallen bases remembered. */
const GHOSTS = 1 << 14;

/**
 * Delta bases kept by pack and offset, up to a number of bytes, the oldest unused first out. It starts small, so that
 * walks through history, which come back to what was read last, use the same buffers over and over; asking for bases that
 * have fallen out makes it grow to its limit.
 */
export class BaseCache {
  readonly #limit: number;
  #room: number;
  /** Offsets of bases that fell out, the oldest first. */
  readonly #ghosts = new Set<number>();
  readonly #owners = new Map<object, Map<number, CachedBase>>();
  /** In order of last use. */
  readonly #order = new Map<CachedBase, true>();
  #bytes = 0;

  readonly #pool: BufferPool;

  /** Buffers of bases that fall out go back to the pool: so a base must not be handed to anybody. */
  constructor(bytes: number, pool: BufferPool) {
    this.#limit = bytes;
    this.#room = Math.min(bytes, FIRST);
    this.#pool = pool;
  }

  get(owner: object, offset: number): CachedBase | undefined {
    if (this.#order.size === 0) return undefined;
    const found = this.#owners.get(owner)?.get(offset);
    if (found !== undefined) {
      this.#order.delete(found);
      this.#order.set(found, true);
    } else if (this.#ghosts.delete(offset)) this.#room = Math.min(this.#limit, this.#room + GROWTH);
    return found;
  }

  /** Takes the buffer over, which is gone from the caller unless the answer is false. */
  add(owner: object, offset: number, type: number, data: Bytes, buffer: Bytes): boolean {
    if (buffer.length > this.#limit >> 2) return false;
    let bases = this.#owners.get(owner);
    if (bases === undefined) this.#owners.set(owner, (bases = new Map()));
    if (bases.has(offset)) return false;
    const base: CachedBase = { owner, offset, type, data, buffer };
    bases.set(offset, base);
    this.#order.set(base, true);
    this.#bytes += buffer.length + 200;
    if (this.#bytes <= this.#room) return true;
    for (const old of this.#order.keys()) {
      if (this.#bytes <= this.#room) break;
      if (this.#room < this.#limit) this.#haunt(old.offset);
      this.#order.delete(old);
      this.#owners.get(old.owner)?.delete(old.offset);
      this.#bytes -= old.buffer.length + 200;
      this.#pool.release(old.buffer);
    }
    return true;
  }

  #haunt(offset: number): void {
    this.#ghosts.add(offset);
    if (this.#ghosts.size <= GHOSTS) return;
    const [oldest] = this.#ghosts;
    this.#ghosts.delete(oldest!);
  }

  drop(owner: object): void {
    const bases = this.#owners.get(owner);
    if (bases === undefined) return;
    for (const base of bases.values()) {
      this.#order.delete(base);
      this.#bytes -= base.buffer.length + 200;
      this.#pool.release(base.buffer);
    }
    this.#owners.delete(owner);
  }
}
