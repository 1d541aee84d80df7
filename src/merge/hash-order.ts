import { encodeText } from '../base/bytes.js';

/**
 * A map of texts that is walked in the order git's own hash table is walked. Where git settles ties by "the first one
 * met" in such a table, the answer depends on that order, and equal trees need it.
 */
export class HashOrderedMap<V> {
  readonly #entries = new Map<string, { readonly hash: number; value: V }>();
  #buckets: string[][] = HashOrderedMap.#empty(64);

  static #empty(size: number): string[][] {
    return Array.from({ length: size }, () => []);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)?.value;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  set(key: string, value: V): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      entry.value = value;
      return;
    }
    const hash = fnv1(key);
    this.#entries.set(key, { hash, value });
    this.#buckets[hash & (this.#buckets.length - 1)]!.unshift(key);
    if (this.#entries.size > Math.floor((this.#buckets.length * 80) / 100)) this.#grow();
  }

  #grow(): void {
    const buckets = HashOrderedMap.#empty(this.#buckets.length * 4);
    for (const bucket of this.#buckets) {
      for (const key of bucket) buckets[this.#entries.get(key)!.hash & (buckets.length - 1)]!.unshift(key);
    }
    this.#buckets = buckets;
  }

  *[Symbol.iterator](): Iterator<[string, V]> {
    for (const bucket of this.#buckets) for (const key of bucket) yield [key, this.#entries.get(key)!.value];
  }
}

/** The 32-bit FNV-1 hash of the text's bytes. */
function fnv1(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of encodeText(text)) hash = (Math.imul(hash, 0x01000193) ^ byte) >>> 0;
  return hash;
}
