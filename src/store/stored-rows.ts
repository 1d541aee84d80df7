import type { Bytes } from '../base/bytes.js';
import { emptyBytes } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { readKind } from '../objects/database.js';
import { isTreeMode } from '../objects/mode.js';
import type { ObjectStore } from '../objects/source.js';
import { findInTree, TreeCursor, type TreeEntry } from '../objects/tree.js';

/** The rows of a tree object as it lies in the store, read when first asked for. */
export class StoredRows {
  readonly oid: Oid<'tree'> | undefined;
  readonly #objects: ObjectStore;
  readonly #oidLength: number;
  #data: Bytes | undefined;
  #index: Map<string, TreeEntry> | undefined;
  #lookUps = 0;
  #count = -1;

  constructor(objects: ObjectStore, oid: Oid<'tree'> | undefined) {
    this.#objects = objects;
    this.oid = oid;
    this.#oidLength = objects.algorithm === 'sha1' ? 20 : 32;
    if (oid === undefined) this.#data = emptyBytes;
  }

  /** The object's bytes. */
  async data(): Promise<Bytes> {
    this.#data ??= await readKind(this.#objects, this.oid!, 'tree');
    return this.#data;
  }

  /** The row of that name. A directory asked often gets an index of its names. */
  async find(name: string): Promise<TreeEntry | undefined> {
    const data = this.#data ?? (await this.data());
    if (this.#index === undefined) {
      if (++this.#lookUps < 4 && data.length > 512) return findInTree(data, this.#oidLength, name);
      this.#index = new Map();
      const cursor = new TreeCursor(data, this.#oidLength);
      while (cursor.next()) {
        const entry = cursor.entry();
        this.#index.set(entry.name, entry);
      }
    }
    return this.#index.get(name);
  }

  async count(): Promise<number> {
    if (this.#count < 0) {
      const cursor = new TreeCursor(this.#data ?? (await this.data()), this.#oidLength);
      let count = 0;
      while (cursor.next()) count++;
      this.#count = count;
    }
    return this.#count;
  }

  async *rows(): AsyncGenerator<TreeEntry> {
    const cursor = new TreeCursor(this.#data ?? (await this.data()), this.#oidLength);
    while (cursor.next()) yield cursor.entry();
  }

  cursor(data: Bytes): TreeCursor {
    return new TreeCursor(data, this.#oidLength);
  }
}

/** The bytes by which git orders a row. */
export const sortKey = (name: string, mode: number): string => (isTreeMode(mode) ? `${name}/` : name);
