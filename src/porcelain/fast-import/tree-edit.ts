import { isPromise } from '../../base/awaitable.js';
import { GitError } from '../../base/errors.js';
import type { Oid } from '../../base/oid.js';
import { isTreeMode, MODE_TREE } from '../../objects/mode.js';
import { parseTree, serializeTree } from '../../objects/tree.js';
import type { BulkWriter } from '../../packs/bulk-writer.js';

export interface EditEntry {
  mode: number;
  /** `undefined` for a directory that has changed since it was last written. */
  oid: Oid | undefined;
  node?: EditTree | undefined;
}

/** A tree being edited: rows are loaded when they are looked at, and written only where something changed. */
export class EditTree {
  readonly #writer: BulkWriter;
  readonly #oidLength: number;
  #rows: Map<string, EditEntry> | undefined;
  /** The tree object this was, while nothing has changed. */
  #oid: Oid | undefined;
  /** What it was written as last: a base for the next delta. */
  #before: Oid | undefined;

  constructor(writer: BulkWriter, oidLength: number, oid?: Oid) {
    this.#writer = writer;
    this.#oidLength = oidLength;
    this.#oid = oid;
    this.#before = oid;
    if (oid === undefined) this.#rows = new Map();
  }

  async rows(): Promise<Map<string, EditEntry>> {
    if (this.#rows !== undefined) return this.#rows;
    const read = this.#writer.read(this.#oid!);
    const object = isPromise(read) ? await read : read;
    if (object?.kind !== 'tree') throw new GitError('OBJECT_MISSING', `Can't load tree ${this.#oid}`);
    this.#rows = new Map(parseTree(object.data, this.#oidLength).map(({ name, mode, oid }) => [name, { mode, oid }]));
    return this.#rows;
  }

  #changed(): void {
    this.#oid = undefined;
  }

  #child(entry: EditEntry): EditTree {
    entry.node ??= new EditTree(this.#writer, this.#oidLength, entry.oid);
    return entry.node;
  }

  async find(path: string): Promise<EditEntry | undefined> {
    const slash = path.indexOf('/');
    const entry = (await this.rows()).get(slash < 0 ? path : path.slice(0, slash));
    if (entry === undefined || slash < 0) return entry;
    if (!isTreeMode(entry.mode)) return undefined;
    return await this.#child(entry).find(path.slice(slash + 1));
  }

  async set(path: string, mode: number, oid: Oid): Promise<void> {
    const slash = path.indexOf('/');
    const rows = await this.rows();
    this.#changed();
    if (slash < 0) {
      // A directory replaced by another tree starts anew; what hangs on the old one is gone.
      rows.set(path, { mode, oid });
      return;
    }
    const name = path.slice(0, slash);
    let entry = rows.get(name);
    if (entry === undefined || !isTreeMode(entry.mode)) {
      entry = { mode: MODE_TREE, oid: undefined, node: new EditTree(this.#writer, this.#oidLength) };
      rows.set(name, entry);
    }
    const child = this.#child(entry);
    await child.set(path.slice(slash + 1), mode, oid);
    entry.oid = undefined;
  }

  /** Removes a path; directories that become empty go too. Answers whether there was something. */
  async remove(path: string): Promise<boolean> {
    const slash = path.indexOf('/');
    const rows = await this.rows();
    if (slash < 0) {
      if (!rows.delete(path)) return false;
      this.#changed();
      return true;
    }
    const name = path.slice(0, slash);
    const entry = rows.get(name);
    if (entry === undefined || !isTreeMode(entry.mode)) return false;
    const child = this.#child(entry);
    if (!(await child.remove(path.slice(slash + 1)))) return false;
    this.#changed();
    entry.oid = undefined;
    if ((await child.rows()).size === 0) rows.delete(name);
    return true;
  }

  clear(): void {
    this.#rows = new Map();
    this.#changed();
  }

  /** Writes what has changed; answers the tree's id. */
  async store(): Promise<Oid<'tree'>> {
    if (this.#oid !== undefined) return this.#oid as Oid<'tree'>;
    const rows = await this.rows();
    const entries: { name: string; mode: number; oid: Oid }[] = [];
    for (const [name, entry] of rows) {
      if (entry.oid === undefined) entry.oid = await entry.node!.store();
      if (isTreeMode(entry.mode) && entry.node !== undefined && (await entry.node.isEmpty())) continue;
      entries.push({ name, mode: entry.mode, oid: entry.oid });
    }
    const written = this.#writer.writeAgainst('tree', serializeTree(entries, { sorted: true }), this.#before);
    this.#oid = isPromise(written) ? await written : written;
    this.#before = this.#oid;
    return this.#oid as Oid<'tree'>;
  }

  async isEmpty(): Promise<boolean> {
    return this.#rows !== undefined && this.#rows.size === 0;
  }

  /** Every file below, with its path. */
  async *files(prefix = ''): AsyncGenerator<{ path: string; entry: EditEntry }> {
    for (const [name, entry] of await this.rows()) {
      if (isTreeMode(entry.mode)) yield* this.#child(entry).files(`${prefix}${name}/`);
      else yield { path: prefix + name, entry };
    }
  }
}
