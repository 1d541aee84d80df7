import type { Awaitable } from '../../base/awaitable.js';
import { isPromise } from '../../base/awaitable.js';
import type { Bytes } from '../../base/bytes.js';
import { encodeText } from '../../base/bytes.js';
import { GitError } from '../../base/errors.js';
import type { Oid } from '../../base/oid.js';
import { writeOid } from '../../base/oid.js';
import { isTreeMode, MODE_TREE } from '../../objects/mode.js';
import type { RawObject } from '../../objects/source.js';
import { compareTreeNames, TreeCursor } from '../../objects/tree.js';
import type { BulkWriter } from '../../packs/bulk-writer.js';

export interface EditEntry {
  readonly name: string;
  mode: number;
  /** `undefined` for a directory that has changed since it was last written. */
  oid: Oid | undefined;
  node?: EditTree | undefined;
  /** Where the id lies in the tree's bytes; -1: the row is not in them, or no longer as they have it. */
  at: number;
  /** The id in the bytes is an old one. */
  stale: boolean;
}

/** So many rows added and taken away are put into the bytes one by one; with more the bytes are made anew. */
const FEW = 8;

/**
 * A tree being edited: its bytes, and its rows by name. Rows are loaded when they are looked at; what is edited is put
 * into the bytes when the tree is written, ids in place, so that a commit costs what it changes.
 *
 * Only `load` reads: what looks at rows or edits them must have waited for it.
 */
export class EditTree {
  readonly #writer: BulkWriter;
  readonly #oidLength: number;
  #rows: Map<string, EditEntry> | undefined;
  /** The tree object this was, while nothing has changed. */
  #oid: Oid | undefined;
  /** What it was written as last: a base for the next delta. */
  #before: Oid | undefined;
  /** The rows that are in `#bytes`, in its order. */
  #order: EditEntry[] = [];
  /** The tree as it was last written, with room behind `#length`. */
  #bytes: Bytes = new Uint8Array(0);
  #length = 0;
  readonly #stale: EditEntry[] = [];
  #added: EditEntry[] = [];
  #removed: EditEntry[] = [];
  /** The bytes are no use: rows out of order, modes written in another way. */
  #remake = false;

  constructor(writer: BulkWriter, oidLength: number, oid?: Oid) {
    this.#writer = writer;
    this.#oidLength = oidLength;
    this.#oid = oid;
    this.#before = oid;
    if (oid === undefined) this.#rows = new Map();
  }

  /** Reads what `path` leads through, as far as it is there. */
  load(path: string): Awaitable<void> {
    if (this.#rows === undefined) {
      const read = this.#writer.read(this.#oid!);
      if (isPromise(read)) {
        return read.then((object) => {
          this.#take(object);
          return this.load(path);
        });
      }
      this.#take(read);
    }
    const slash = path.indexOf('/');
    if (slash < 0) return undefined;
    const entry = this.#rows!.get(path.slice(0, slash));
    if (entry === undefined || !isTreeMode(entry.mode)) return undefined;
    return this.#child(entry).load(path.slice(slash + 1));
  }

  #take(object: RawObject | undefined): void {
    if (object?.kind !== 'tree') throw new GitError('OBJECT_MISSING', `Can't load tree ${this.#oid}`);
    const rows = new Map<string, EditEntry>();
    const { data } = object;
    const cursor = new TreeCursor(data, this.#oidLength);
    let last: EditEntry | undefined;
    while (cursor.next()) {
      const { mode } = cursor;
      const entry: EditEntry = { name: cursor.name, mode, oid: cursor.oid, at: cursor.oidStart, stale: false };
      if (data[cursor.rowStart] === 0x30 || (last !== undefined && compare(last, entry) >= 0)) this.#remake = true;
      rows.set(entry.name, entry);
      this.#order.push(entry);
      last = entry;
    }
    if (rows.size !== this.#order.length) this.#remake = true;
    this.#rows = rows;
    this.#bytes = data.slice();
    this.#length = data.length;
  }

  get rows(): ReadonlyMap<string, EditEntry> {
    return this.#rows!;
  }

  #child(entry: EditEntry): EditTree {
    entry.node ??= new EditTree(this.#writer, this.#oidLength, entry.oid);
    return entry.node;
  }

  find(path: string): EditEntry | undefined {
    const slash = path.indexOf('/');
    const entry = this.#rows!.get(slash < 0 ? path : path.slice(0, slash));
    if (entry === undefined || slash < 0) return entry;
    if (!isTreeMode(entry.mode)) return undefined;
    return this.#child(entry).find(path.slice(slash + 1));
  }

  set(path: string, mode: number, oid: Oid): void {
    const slash = path.indexOf('/');
    this.#oid = undefined;
    if (slash < 0) {
      const entry = this.#rows!.get(path);
      if (entry !== undefined && entry.mode === mode) {
        entry.oid = oid;
        // A directory replaced by another tree starts anew; what hangs on the old one is gone.
        entry.node = undefined;
        this.#renew(entry);
      } else this.#put({ name: path, mode, oid, at: -1, stale: false }, entry);
      return;
    }
    const name = path.slice(0, slash);
    let entry = this.#rows!.get(name);
    if (entry === undefined || !isTreeMode(entry.mode)) {
      const node = new EditTree(this.#writer, this.#oidLength);
      const made: EditEntry = { name, mode: MODE_TREE, oid: undefined, node, at: -1, stale: false };
      this.#put(made, entry);
      entry = made;
    }
    this.#child(entry).set(path.slice(slash + 1), mode, oid);
    entry.oid = undefined;
    this.#renew(entry);
  }

  #renew(entry: EditEntry): void {
    if (entry.at < 0 || entry.stale) return;
    entry.stale = true;
    this.#stale.push(entry);
  }

  #put(entry: EditEntry, instead: EditEntry | undefined): void {
    if (instead !== undefined) this.#drop(instead);
    this.#rows!.set(entry.name, entry);
    this.#added.push(entry);
  }

  #drop(entry: EditEntry): void {
    if (entry.at < 0) this.#added.splice(this.#added.lastIndexOf(entry), 1);
    else this.#removed.push(entry);
  }

  /** Removes a path; directories that become empty go too. Answers whether there was something. */
  remove(path: string): boolean {
    const slash = path.indexOf('/');
    const name = slash < 0 ? path : path.slice(0, slash);
    const entry = this.#rows!.get(name);
    if (entry === undefined) return false;
    if (slash >= 0) {
      if (!isTreeMode(entry.mode)) return false;
      const child = this.#child(entry);
      if (!child.remove(path.slice(slash + 1))) return false;
      this.#oid = undefined;
      if (child.rows.size > 0) {
        entry.oid = undefined;
        this.#renew(entry);
        return true;
      }
    }
    this.#oid = undefined;
    this.#rows!.delete(name);
    this.#drop(entry);
    return true;
  }

  clear(): void {
    this.#rows = new Map();
    this.#oid = undefined;
    this.#order = [];
    this.#length = 0;
    this.#stale.length = 0;
    this.#added = [];
    this.#removed = [];
    this.#remake = false;
  }

  /** Writes what has changed; answers the tree's id. */
  store(): Awaitable<Oid<'tree'>> {
    if (this.#oid !== undefined) return this.#oid as Oid<'tree'>;
    const waiting = this.#storeBelow(this.#stale) ?? this.#storeBelow(this.#added);
    if (waiting !== undefined) return waiting.then(() => this.store());
    const written = this.#writer.writeAgainst('tree', this.#serialize(), this.#before);
    const done = (oid: Oid): Oid<'tree'> => {
      this.#oid = oid;
      this.#before = oid;
      return oid as Oid<'tree'>;
    };
    return isPromise(written) ? written.then(done) : done(written);
  }

  /** Writes the directories among these rows. Answers what must be waited for before it is called again. */
  #storeBelow(entries: readonly EditEntry[]): Promise<void> | undefined {
    for (const entry of entries) {
      if (entry.oid !== undefined) continue;
      const stored = entry.node!.store();
      if (isPromise(stored)) {
        return stored.then((oid) => {
          entry.oid = oid;
        });
      }
      entry.oid = stored;
    }
    return undefined;
  }

  /** The bytes with all edits in them. */
  #serialize(): Bytes {
    // Directories that have nothing are no rows; they wait among those to be added.
    for (const entry of this.#stale) if (isEmpty(entry)) this.#remake = true;
    if (this.#remake || this.#added.length + this.#removed.length > FEW) this.#rebuild();
    else {
      for (const entry of this.#removed) this.#cut(entry);
      for (const entry of this.#added) if (!isEmpty(entry)) this.#insert(entry);
      for (const entry of this.#stale) if (entry.at >= 0) writeOid(entry.oid!, this.#bytes, entry.at);
      if (this.#added.length > 0) this.#added = this.#added.filter(isEmpty);
    }
    for (const entry of this.#stale) entry.stale = false;
    this.#stale.length = 0;
    if (this.#removed.length > 0) this.#removed = [];
    return this.#bytes.subarray(0, this.#length);
  }

  #rebuild(): void {
    const order: EditEntry[] = [];
    this.#added = [];
    for (const entry of this.#rows!.values()) {
      entry.at = -1;
      (isEmpty(entry) ? this.#added : order).push(entry);
    }
    order.sort(compare);
    const heads = order.map(rowHead);
    let length = 0;
    for (const head of heads) length += head.length + this.#oidLength;
    const bytes = new Uint8Array(length);
    let at = 0;
    order.forEach((entry, i) => {
      const head = heads[i]!;
      bytes.set(head, at);
      at += head.length;
      writeOid(entry.oid!, bytes, at);
      entry.at = at;
      at += this.#oidLength;
    });
    this.#order = order;
    this.#bytes = bytes;
    this.#length = length;
    this.#remake = false;
  }

  /** The place of a name among the rows in the bytes. */
  #place(entry: EditEntry): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(this.#order[middle]!, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #rowStart(place: number): number {
    return place === 0 ? 0 : this.#order[place - 1]!.at + this.#oidLength;
  }

  #cut(entry: EditEntry): void {
    const place = this.#place(entry);
    const start = this.#rowStart(place);
    const end = entry.at + this.#oidLength;
    this.#bytes.copyWithin(start, end, this.#length);
    this.#length -= end - start;
    this.#order.splice(place, 1);
    entry.at = -1;
    for (let i = place; i < this.#order.length; i++) this.#order[i]!.at -= end - start;
  }

  #insert(entry: EditEntry): void {
    const head = rowHead(entry);
    const size = head.length + this.#oidLength;
    if (this.#length + size > this.#bytes.length) {
      const larger = new Uint8Array((this.#length + size) * 2);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    const place = this.#place(entry);
    const start = this.#rowStart(place);
    this.#bytes.copyWithin(start + size, start, this.#length);
    this.#length += size;
    this.#bytes.set(head, start);
    entry.at = start + head.length;
    writeOid(entry.oid!, this.#bytes, entry.at);
    for (let i = place; i < this.#order.length; i++) this.#order[i]!.at += size;
    this.#order.splice(place, 0, entry);
  }

  get isEmpty(): boolean {
    return this.#rows !== undefined && this.#rows.size === 0;
  }

  /** Every file below, with its path. */
  async *files(prefix = ''): AsyncGenerator<{ path: string; entry: EditEntry }> {
    await this.load('');
    for (const [name, entry] of this.#rows!) {
      if (isTreeMode(entry.mode)) yield* this.#child(entry).files(`${prefix}${name}/`);
      else yield { path: prefix + name, entry };
    }
  }
}

const isEmpty = (entry: EditEntry): boolean => entry.node !== undefined && isTreeMode(entry.mode) && entry.node.isEmpty;

const rowHead = (entry: EditEntry): Bytes => encodeText(`${entry.mode.toString(8)} ${entry.name}\0`);

const compare = (a: EditEntry, b: EditEntry): number =>
  compareTreeNames(a.name, isTreeMode(a.mode), b.name, isTreeMode(b.mode));
