import type { Awaitable } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../base/oid.js';
import type { ObjectStore } from '../objects/source.js';
import type { StoreBackend } from './store.js';

/** A store that gathers what is written and puts all of it in place at once: a writer of packs. */
export interface Gathering extends ObjectStore {
  finish(): unknown;
  discard(): void;
}

/**
 * The same backend for one commit of very many values: its objects go into one pack instead of a file each. `gather`
 * makes a fresh writer; a commit that has to be made again on a newer head gets another one.
 */
export function bulkBackend(
  backend: StoreBackend,
  gather: () => Gathering,
): StoreBackend & { readonly discard: () => void } {
  const objects = new GatheringStore(backend.objects, gather);
  return {
    objects,
    refs: backend.refs,
    identity: (role) => backend.identity(role),
    moment: () => backend.moment?.(),
    flush: () => objects.flush(),
    discard: () => objects.discard(),
  };
}

class GatheringStore implements ObjectStore {
  readonly algorithm: HashAlgorithm;
  readonly #below: ObjectStore;
  readonly #gather: () => Gathering;
  #writer: Gathering | undefined;

  constructor(below: ObjectStore, gather: () => Gathering) {
    this.algorithm = below.algorithm;
    this.#below = below;
    this.#gather = gather;
  }

  hash<K extends ObjectKind>(kind: K, data: Bytes): Oid<K> {
    return this.#below.hash(kind, data);
  }

  write<K extends ObjectKind>(kind: K, data: Bytes): Awaitable<Oid<K>> {
    this.#writer ??= this.#gather();
    return this.#writer.write(kind, data);
  }

  read(oid: Oid) {
    return (this.#writer ?? this.#below).read(oid);
  }

  has(oid: Oid) {
    return (this.#writer ?? this.#below).has(oid);
  }

  readHeader(oid: Oid) {
    return (this.#writer ?? this.#below).readHeader?.(oid);
  }

  /** From here on others see what was written. */
  flush(): void {
    this.#writer?.finish();
    this.#writer = undefined;
    this.#below.refresh?.();
  }

  discard(): void {
    this.#writer?.discard();
    this.#writer = undefined;
  }
}
