import type { Bytes } from '../base/bytes.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../base/oid.js';
import type { Platform } from '../platform/platform.js';
import type { ObjectSource, ObjectStore, RawObject } from './source.js';

/**
 * Objects in memory. With `below`, reads fall through to another store and writes stay here: a scratch area for
 * virtual merge bases, dry runs and tests.
 */
export class MemoryObjectStore implements ObjectStore {
  readonly algorithm: HashAlgorithm;
  readonly #hash: Platform['hashObject'];
  readonly #below: ObjectSource | undefined;
  readonly objects = new Map<Oid, RawObject>();

  constructor(algorithm: HashAlgorithm, platform: Pick<Platform, 'hashObject'>, below?: ObjectSource) {
    this.algorithm = algorithm;
    this.#hash = platform.hashObject;
    this.#below = below;
  }

  hash<K extends ObjectKind>(kind: K, data: Bytes): Oid<K> {
    return this.#hash(this.algorithm, kind, data);
  }

  read(oid: Oid) {
    return this.objects.get(oid) ?? this.#below?.read(oid);
  }

  has(oid: Oid) {
    return this.objects.has(oid) || (this.#below?.has(oid) ?? false);
  }

  write<K extends ObjectKind>(kind: K, data: Bytes): Oid<K> {
    const oid = this.hash(kind, data);
    if (!this.objects.has(oid)) this.objects.set(oid, { kind, data });
    return oid;
  }

  list(): Iterable<Oid> {
    return this.objects.keys();
  }
}
