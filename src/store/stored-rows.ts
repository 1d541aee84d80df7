import type { Bytes } from '../base/bytes.js';
import { emptyBytes, encodeText } from '../base/bytes.js';
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
      if (++this.#lookUps < 4) return findInTree(data, this.#oidLength, name);
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

  /** Each row, made as it is asked for. */
  async rows(): Promise<Iterable<TreeEntry>> {
    return entriesOf(new TreeCursor(this.#data ?? (await this.data()), this.#oidLength));
  }

  cursor(data: Bytes): TreeCursor {
    return new TreeCursor(data, this.#oidLength);
  }
}

function* entriesOf(cursor: TreeCursor): Generator<TreeEntry, void> {
  while (cursor.next()) yield cursor.entry();
}

/** Orders an edit's sort key and the row a cursor is at, without making strings. */
export function compareRow(key: Bytes, cursor: TreeCursor): number {
  const { data, nameStart, nameEnd } = cursor;
  const length = nameEnd - nameStart;
  const shared = Math.min(key.length, length);
  for (let i = 0; i < shared; i++) {
    const difference = key[i]! - data[nameStart + i]!;
    if (difference !== 0) return difference;
  }
  const slash = isTreeMode(cursor.mode) ? 1 : 0;
  if (key.length <= length) return key.length - length - slash;
  // The key goes on where the name ends.
  return slash === 0 ? 1 : key[length]! - SLASH || key.length - length - 1;
}

const SLASH = 0x2f;
/** Up to so many names each row's bytes are compared with them; more are looked up as strings. */
const FEW = 8;

/** The names that edits are about: their rows are not kept. */
export class EditedNames {
  readonly #few: readonly Bytes[] | undefined;
  readonly #many: ReadonlySet<string>;

  constructor(names: Iterable<string>) {
    this.#many = new Set(names);
    this.#few = this.#many.size > FEW ? undefined : [...this.#many].map(encodeText);
  }

  has(cursor: TreeCursor): boolean {
    if (this.#few === undefined) return this.#many.has(cursor.name);
    const { data, nameStart, nameEnd } = cursor;
    names: for (const name of this.#few) {
      if (name.length !== nameEnd - nameStart) continue;
      for (let i = 0; i < name.length; i++) if (name[i] !== data[nameStart + i]) continue names;
      return true;
    }
    return false;
  }
}

/** The bytes by which git orders a row. */
export const sortKey = (name: string, mode: number): string => (isTreeMode(mode) ? `${name}/` : name);
