import type { Awaitable } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../base/oid.js';

/** An object as it is stored: its kind and its content. */
export interface RawObject<K extends ObjectKind = ObjectKind> {
  readonly kind: K;
  readonly data: Bytes;
}

/** An object that is lent, with its place, so that what is like it can be told. */
export interface LentObject extends RawObject {
  /** What the places are in. */
  readonly owner: object;
  readonly place: number;
  /** Place of the object that this one is stored as a difference to; -1: none. */
  readonly basePlace: number;
}

/** What is known of an object without its content. `size`: bytes. */
export interface ObjectHeader {
  readonly kind: ObjectKind;
  readonly size: number;
}

/** Where an object lies, as `cat-file --batch-check=%(objectsize:disk) %(deltabase)` shows it. */
export interface ObjectPlace {
  readonly diskSize: number;
  readonly deltaBase?: Oid | undefined;
}

/**
 * The reading half of the storage seam: loose files, packs, alternates, memory, a remote engine. "Not there" is
 * `undefined`; a damaged object throws `OBJECT_CORRUPT` naming the object and the file.
 */
export interface ObjectSource {
  read(oid: Oid): Awaitable<RawObject | undefined>;
  /**
   * The same by raw name, for walks that see each object once: nothing is remembered. `undefined`: not here, or not to
   * be had at once; then `read` tells.
   */
  readPassing?(raw: Bytes): RawObject | undefined;
  /**
   * The same for walks over trees, where one object is the base of the next: the content is lent, and good only until
   * something else is read.
   */
  borrow?(raw: Bytes, at: number): LentObject | undefined;
  has(oid: Oid): Awaitable<boolean>;
  /** `has` without looking at the storage anew, where that is cheaper: another process may have written since. */
  hasNow?(oid: Oid): Awaitable<boolean>;
  /**
   * Where the object is here: marks it as used now, so that who collects unreachable objects leaves it alone for a
   * while. False where it is not here, or cannot be marked: then it has to be written again.
   */
  freshen?(oid: Oid): boolean;
  /** Kind and size without the content, where that is cheaper. */
  readHeader?(oid: Oid): Awaitable<ObjectHeader | undefined>;
  /** Ids that start with the (lower-case) hex digits. */
  findPrefix?(prefix: string): Awaitable<readonly Oid[]>;
  /** How many hex digits an id shares with others here, at most; where asked often, cheaper than `findPrefix`. */
  sharedDigits?(oid: Oid): number;
  /** All ids, in no particular order; an id may come twice. */
  list?(): Iterable<Oid> | AsyncIterable<Oid>;
  place?(oid: Oid): Awaitable<ObjectPlace | undefined>;
  /** Look at the storage again: another process may have written or repacked. */
  refresh?(): void;
  close?(): void;
}

/** The whole storage seam. */
export interface ObjectStore extends ObjectSource {
  readonly algorithm: HashAlgorithm;
  /** Stores an object (unless it is there) and answers its id. */
  write<K extends ObjectKind>(kind: K, data: Bytes): Awaitable<Oid<K>>;
  /** Stores an object whose id the caller has computed; `fresh`: and knows not to be there. */
  writeNamed?(oid: Oid, kind: ObjectKind, data: Bytes, fresh?: boolean): Awaitable<void>;
  /** The id the object would have. */
  hash<K extends ObjectKind>(kind: K, data: Bytes): Oid<K>;
}
