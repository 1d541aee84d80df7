import type { Bytes } from '../base/bytes.js';
import { compareBytes, concatBytes, encodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { oidToBytes } from '../base/oid.js';
import type { MODE_TREE } from '../objects/mode.js';
import type { ObjectStore } from '../objects/source.js';
import type { TreeEntry } from '../objects/tree.js';
import { PersistentMap } from './persistent-map.js';
import { compareRow, EditedNames, sortKey, StoredRows } from './stored-rows.js';

/** What a name holds: something stored, a value not written yet, or a directory with edits in it. */
export type Child =
  | { readonly kind: 'stored'; readonly mode: number; readonly oid: Oid }
  | { readonly kind: 'value'; readonly mode: number; readonly oid: Oid<'blob'>; readonly data: Bytes }
  | { readonly kind: 'directory'; readonly mode: typeof MODE_TREE; readonly directory: Directory };

/**
 * One directory of an immutable tree: rows as stored, and edits over them. Nothing is read before it is asked for and
 * nothing written before `write`. An edit answers a new directory that shares everything else with the old one.
 */
export class Directory {
  readonly #objects: ObjectStore;
  readonly #rows: StoredRows;
  /** Edits; `null` is a name removed. */
  readonly #edits: PersistentMap<string, Child | null> | undefined;
  /** How many names more (or fewer) than the stored rows have. */
  readonly #surplus: number;
  #written: Oid<'tree'> | undefined;
  readonly #opened = new Map<string, Directory>();

  private constructor(
    objects: ObjectStore,
    rows: StoredRows,
    edits: PersistentMap<string, Child | null> | undefined,
    surplus: number,
  ) {
    this.#objects = objects;
    this.#rows = rows;
    this.#edits = edits;
    this.#surplus = surplus;
    if (edits === undefined) this.#written = rows.oid;
  }

  /** A directory as stored; without an id, an empty one. */
  static stored(objects: ObjectStore, oid: Oid<'tree'> | undefined): Directory {
    return new Directory(objects, new StoredRows(objects, oid), undefined, 0);
  }

  /** The id, where it is known without work: unedited or written. */
  get knownOid(): Oid<'tree'> | undefined {
    return this.#written;
  }

  async find(name: string): Promise<Child | undefined> {
    const edited = this.#edits?.get(name);
    if (edited !== undefined) return edited ?? undefined;
    const row = await this.#rows.find(name);
    return row === undefined ? undefined : { kind: 'stored', mode: row.mode, oid: row.oid };
  }

  /** The directory a child is, read lazily; the same one each time. */
  open(name: string, child: Child): Directory {
    if (child.kind === 'directory') return child.directory;
    let directory = this.#opened.get(name);
    if (directory === undefined) {
      directory = Directory.stored(this.#objects, child.kind === 'stored' ? (child.oid as Oid<'tree'>) : undefined);
      this.#opened.set(name, directory);
    }
    return directory;
  }

  /** The same directory with `name` holding `child`; `before` is what it holds now. */
  set(name: string, child: Child, before: Child | undefined): Directory {
    const edits = this.#edits ?? PersistentMap.empty<string, Child | null>();
    return new Directory(
      this.#objects,
      this.#rows,
      edits.set(name, child),
      this.#surplus + (before === undefined ? 1 : 0),
    );
  }

  /** The same directory without `name`, which it has now. */
  without(name: string): Directory {
    const edits = this.#edits ?? PersistentMap.empty<string, Child | null>();
    return new Directory(this.#objects, this.#rows, edits.set(name, null), this.#surplus - 1);
  }

  async size(): Promise<number> {
    return (await this.#rows.count()) + this.#surplus;
  }

  /** Whether nothing is here; the stored rows are only counted where no edit shows that something is. */
  async isEmpty(): Promise<boolean> {
    for (const [, child] of this.#edits?.entries() ?? []) if (child !== null) return false;
    return (await this.size()) === 0;
  }

  /** All names with what they hold, in git's order: read at once, made one by one. */
  async children(): Promise<Iterable<[string, Child]>> {
    return this.#children(await this.#rows.rows());
  }

  *#children(rows: Iterable<TreeEntry>): Generator<[string, Child], void> {
    if (this.#edits === undefined) {
      for (const { name, mode, oid } of rows) yield [name, { kind: 'stored', mode, oid }];
      return;
    }
    const edits = this.#sortedEdits();
    let next = 0;
    for (const row of rows) {
      const key = encodeText(sortKey(row.name, row.mode));
      while (next < edits.length && compareBytes(edits[next]!.key, key) < 0)
        yield [edits[next]!.name, edits[next++]!.child];
      if (this.#edits.get(row.name) === undefined) yield [row.name, { kind: 'stored', mode: row.mode, oid: row.oid }];
    }
    while (next < edits.length) yield [edits[next]!.name, edits[next++]!.child];
  }

  #sortedEdits(): { name: string; key: Bytes; child: Child }[] {
    if (this.#edits === undefined) return [];
    const list: { name: string; key: Bytes; child: Child }[] = [];
    for (const [name, child] of this.#edits.entries()) {
      if (child !== null) list.push({ name, child, key: encodeText(sortKey(name, child.mode)) });
    }
    return list.sort((a, b) => compareBytes(a.key, b.key));
  }

  /** Writes what is new below and here, children first, and answers the id. Unedited rows are copied as bytes. */
  async write(): Promise<Oid<'tree'>> {
    if (this.#written !== undefined) return this.#written;
    const edits = this.#sortedEdits();
    const parts: Bytes[] = [];
    const put = async (edit: { name: string; child: Child }): Promise<void> => {
      const oid = await this.#writeChild(edit.child);
      parts.push(encodeText(`${edit.child.mode.toString(8)} ${edit.name}\0`), oidToBytes(oid));
    };
    const data = await this.#rows.data();
    const cursor = this.#rows.cursor(data);
    let next = 0;
    let runStart = 0;
    let runEnd = 0;
    const endRun = (): void => {
      if (runEnd > runStart) parts.push(data.subarray(runStart, runEnd));
    };
    const idLength = this.#objects.algorithm === 'sha1' ? 20 : 32;
    const edited = new EditedNames(this.#edits?.keys() ?? []);
    while (cursor.next()) {
      const { rowStart } = cursor;
      if (next < edits.length && compareRow(edits[next]!.key, cursor) < 0) {
        endRun();
        runStart = runEnd = rowStart;
        while (next < edits.length && compareRow(edits[next]!.key, cursor) < 0) await put(edits[next++]!);
      }
      if (!edited.has(cursor)) {
        if (runEnd !== rowStart) {
          endRun();
          runStart = rowStart;
        }
        runEnd = cursor.oidStart + idLength;
      }
    }
    endRun();
    while (next < edits.length) await put(edits[next++]!);
    const bytes = parts.length === 0 ? new Uint8Array(0) : concatBytes(parts);
    this.#written = await this.#objects.write('tree', bytes);
    return this.#written;
  }

  async #writeChild(child: Child): Promise<Oid> {
    if (child.kind === 'directory') return child.directory.write();
    if (child.kind === 'value') await this.#objects.write('blob', child.data);
    return child.oid;
  }
}
