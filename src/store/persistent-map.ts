/**
 * A map whose every version stays usable: `set` answers a new version and leaves the old one as it was. The newest
 * version holds the one real `Map`; older ones hold the difference to their successor and take the map back when they
 * are asked (Baker's rerooting). A run of a hundred thousand edits costs what it costs on a plain `Map`.
 */
export class PersistentMap<K, V> {
  #state: { map: Map<K, V> } | { next: PersistentMap<K, V>; key: K; value: V | undefined; had: boolean };

  private constructor(map: Map<K, V>) {
    this.#state = { map };
  }

  static empty<K, V>(): PersistentMap<K, V> {
    return new PersistentMap<K, V>(new Map());
  }

  /** The real map, brought to this version. */
  #root(): Map<K, V> {
    if ('map' in this.#state) return this.#state.map;
    const chain: PersistentMap<K, V>[] = [this];
    let last = this.#state.next;
    let newest = last.#state;
    while (!('map' in newest)) {
      chain.push(last);
      last = newest.next;
      newest = last.#state;
    }
    const { map } = newest;
    for (let i = chain.length - 1; i >= 0; i--) {
      const version: PersistentMap<K, V> = chain[i]!;
      const state = version.#state as { key: K; value: V | undefined; had: boolean };
      const map = (last.#state as unknown as { map: Map<K, V> }).map;
      last.#state = { next: version, key: state.key, value: map.get(state.key), had: map.has(state.key) };
      if (state.had) map.set(state.key, state.value as V);
      else map.delete(state.key);
      version.#state = { map };
      last = version;
    }
    return map;
  }

  get size(): number {
    return this.#root().size;
  }

  get(key: K): V | undefined {
    return this.#root().get(key);
  }

  /** The entries as they are now; not to be kept across edits. */
  entries(): Iterable<[K, V]> {
    return this.#root();
  }

  keys(): Iterable<K> {
    return this.#root().keys();
  }

  set(key: K, value: V): PersistentMap<K, V> {
    const map = this.#root();
    const version = new PersistentMap(map);
    this.#state = { next: version, key, value: map.get(key), had: map.has(key) };
    map.set(key, value);
    return version;
  }
}
