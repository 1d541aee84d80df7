import type { Bytes } from '../base/bytes.js';

/** An object that others are deltas against. */
export interface CachedBase {
  readonly owner: object;
  readonly offset: number;
  /** Type code of the entry at the end of the chain. */
  readonly type: number;
  readonly data: Bytes;
}

/** Delta bases kept by pack and offset, up to a number of bytes, the oldest unused first out. */
export class BaseCache {
  readonly #limit: number;
  readonly #owners = new Map<object, Map<number, CachedBase>>();
  /** In order of last use. */
  readonly #order = new Map<CachedBase, true>();
  #bytes = 0;

  constructor(bytes: number) {
    this.#limit = bytes;
  }

  get(owner: object, offset: number): CachedBase | undefined {
    const found = this.#owners.get(owner)?.get(offset);
    if (found !== undefined) {
      this.#order.delete(found);
      this.#order.set(found, true);
    }
    return found;
  }

  add(owner: object, offset: number, type: number, data: Bytes): void {
    if (data.length > this.#limit >> 1) return;
    let bases = this.#owners.get(owner);
    if (bases === undefined) this.#owners.set(owner, (bases = new Map()));
    if (bases.has(offset)) return;
    const base: CachedBase = { owner, offset, type, data };
    bases.set(offset, base);
    this.#order.set(base, true);
    this.#bytes += data.length + 200;
    if (this.#bytes <= this.#limit) return;
    for (const old of this.#order.keys()) {
      if (this.#bytes <= this.#limit) break;
      this.#order.delete(old);
      this.#owners.get(old.owner)?.delete(old.offset);
      this.#bytes -= old.data.length + 200;
    }
  }

  drop(owner: object): void {
    const bases = this.#owners.get(owner);
    if (bases === undefined) return;
    for (const base of bases.values()) {
      this.#order.delete(base);
      this.#bytes -= base.data.length + 200;
    }
    this.#owners.delete(owner);
  }
}
