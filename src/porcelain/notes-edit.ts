import { compareText, concatBytes, decodeText, encodeText, type Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isRegularMode, isTreeMode, MODE_FILE, MODE_TREE } from '../objects/mode.js';
import { compareTreeNames, parseTree, serializeTree, type TreeEntry } from '../objects/tree.js';
import type { Repository } from '../repo/repository.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import { writeCommit } from './commit.js';

/** What becomes of a note where there is one already; `undefined`: nothing is left. */
export type CombineNotes = (repository: Repository, old: Oid, fresh: Oid) => Promise<Oid | undefined>;

async function contentOf(repository: Repository, oid: Oid): Promise<Bytes> {
  const object = await repository.objects.read(oid);
  return object?.kind === 'blob' ? object.data : new Uint8Array(0);
}

/** The ways `notes.rewriteMode` and the merge strategies know. */
export const combineNotes: Readonly<Record<string, CombineNotes>> = {
  overwrite: async (_, __, fresh) => fresh,
  ignore: async (_, old) => old,
  async concatenate(repository, old, fresh) {
    const added = await contentOf(repository, fresh);
    if (added.length === 0) return old;
    const before = await contentOf(repository, old);
    if (before.length === 0) return fresh;
    const text = before[before.length - 1] === 0x0a ? before.subarray(0, -1) : before;
    return repository.objects.write('blob', concatBytes([text, encodeText('\n\n'), added]));
  },
  async cat_sort_uniq(repository, old, fresh) {
    const both = [await contentOf(repository, old), await contentOf(repository, fresh)];
    const lines = new Set(both.flatMap((bytes) => decodeText(bytes).split('\n')).filter((line) => line !== ''));
    const sorted = [...lines].sort(compareText);
    return repository.objects.write('blob', encodeText(sorted.map((line) => `${line}\n`).join('')));
  },
};

/** Something in the tree of notes that is no note: kept where it is. */
interface Stranger {
  readonly path: string;
  readonly mode: number;
  readonly oid: Oid;
}

/** All notes of a tree, to be changed and written anew; what is no note stays. */
export class NotesEdit {
  readonly #repository: Repository;
  readonly #notes = new Map<Oid, Oid>();
  readonly #strangers: Stranger[] = [];
  /** The commit the notes were read from. */
  parent: Oid<'commit'> | undefined;
  changed = false;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** The notes of a tree (`undefined`: none yet). */
  static async ofTree(repository: Repository, tree: Oid | undefined): Promise<NotesEdit> {
    const notes = new NotesEdit(repository);
    if (tree !== undefined) await notes.#load(tree, '', '');
    return notes;
  }

  /** The notes a ref (or, to be read only, any tree-ish) holds. */
  static async open(repository: Repository, name: string, writable: boolean): Promise<NotesEdit> {
    const oid = await resolveRevision(repository, name, { quiet: true });
    if (oid === undefined) return new NotesEdit(repository);
    if (writable && (await repository.refs.resolve(name)) === undefined) {
      throw new GitError('REF_INVALID', `Cannot use notes ref ${name}`);
    }
    const tree = await peelTo(repository, oid, 'tree');
    if (tree === undefined) {
      throw new GitError('REF_INVALID', `Failed to read notes tree referenced by ${name} (${oid})`);
    }
    const notes = await NotesEdit.ofTree(repository, tree);
    notes.parent = (await peelTo(repository, oid, 'commit')) as Oid<'commit'> | undefined;
    return notes;
  }

  async #load(tree: Oid, prefix: string, path: string): Promise<void> {
    const repository = this.#repository;
    const object = await repository.objects.read(tree);
    if (object?.kind !== 'tree') throw new GitError('OBJECT_MISSING', `Could not read ${tree} for notes-index`);
    const rest = repository.oidLength * 2 - prefix.length;
    for (const entry of parseTree(object.data, repository.oidLength)) {
      const hex = /^[0-9a-f]+$/.test(entry.name);
      if (hex && entry.name.length === rest && isRegularMode(entry.mode)) {
        await this.add((prefix + entry.name) as Oid, entry.oid, combineNotes['concatenate']!);
      } else if (hex && entry.name.length === 2 && rest > 2 && isTreeMode(entry.mode)) {
        await this.#load(entry.oid, prefix + entry.name, `${path}${entry.name}/`);
      } else this.#strangers.push({ path: path + entry.name, mode: entry.mode, oid: entry.oid });
    }
    if (path === '') this.changed = false;
  }

  get(target: Oid): Oid | undefined {
    return this.#notes.get(target);
  }

  /** By object. */
  entries(): [Oid, Oid][] {
    return [...this.#notes].sort(([a], [b]) => compareText(a, b));
  }

  async add(target: Oid, note: Oid, combine: CombineNotes): Promise<void> {
    this.changed = true;
    const old = this.#notes.get(target);
    const made = old === undefined || old === note ? note : await combine(this.#repository, old, note);
    if (made === undefined) this.#notes.delete(target);
    else this.#notes.set(target, made);
  }

  /** Answers whether there was one. */
  remove(target: Oid): boolean {
    if (!this.#notes.delete(target)) return false;
    this.changed = true;
    return true;
  }

  /** Writes the notes, in as many levels of directories as their number asks for. */
  async write(): Promise<Oid<'tree'>> {
    const root: Folder = { files: new Map(), folders: new Map() };
    for (const { path, mode, oid } of this.#strangers) place(root, path.split('/'), { mode, oid });
    const sorted = this.entries();
    const spread = (from: number, to: number, digit: number, depth: number): void => {
      let deeper = depth;
      if (digit % 2 === 0 && digit === 2 * depth && isCrowded(sorted, from, to, digit)) deeper = depth + 1;
      if (to - from <= 1 || digit >= 2 * deeper) {
        for (let i = from; i < to; i++)
          place(root, fanned(sorted[i]![0], deeper), { mode: MODE_FILE, oid: sorted[i]![1] });
        return;
      }
      for (let at = from; at < to; ) {
        const end = endOfGroup(sorted, at, to, digit);
        spread(at, end, digit + 1, deeper);
        at = end;
      }
    };
    spread(0, sorted.length, 0, 0);
    return this.#writeFolder(root);
  }

  async #writeFolder(folder: Folder): Promise<Oid<'tree'>> {
    const entries: TreeEntry[] = [];
    for (const [name, { mode, oid }] of folder.files) if (!folder.folders.has(name)) entries.push({ name, mode, oid });
    for (const [name, below] of folder.folders)
      entries.push({ name, mode: MODE_TREE, oid: await this.#writeFolder(below) });
    entries.sort((a, b) => compareTreeNames(a.name, isTreeMode(a.mode), b.name, isTreeMode(b.mode)));
    return this.#repository.objects.write('tree', serializeTree(entries, { sorted: true }));
  }

  /** Writes the notes as a commit. */
  async commit(message: string, parents: readonly Oid<'commit'>[] | undefined = undefined): Promise<Oid<'commit'>> {
    const repository = this.#repository;
    const tree = await this.write();
    return writeCommit(repository, {
      tree,
      parents: parents ?? (this.parent === undefined ? [] : [this.parent]),
      author: repository.identity('author'),
      committer: repository.identity('committer'),
      message,
    });
  }

  /** Commits the changes, if any, and moves the ref there. */
  async save(ref: string, message: string): Promise<void> {
    if (!this.changed) return;
    const commit = await this.commit(`${message}\n`);
    await moveNotesRef(this.#repository, ref, commit, `notes: ${message}`);
  }
}

export async function moveNotesRef(repository: Repository, ref: string, to: Oid, reason: string): Promise<void> {
  const result = await repository.refs.update([{ name: ref, to, reason }]);
  if (!result.ok) throw new GitError('REF_CHANGED', result.message);
}

interface Folder {
  readonly files: Map<string, { readonly mode: number; readonly oid: Oid }>;
  readonly folders: Map<string, Folder>;
}

function place(root: Folder, path: readonly string[], file: { mode: number; oid: Oid }): void {
  let folder = root;
  for (const name of path.slice(0, -1)) {
    let below = folder.folders.get(name);
    if (below === undefined) folder.folders.set(name, (below = { files: new Map(), folders: new Map() }));
    folder = below;
  }
  folder.files.set(path[path.length - 1]!, file);
}

/** `abcdef…` with `depth` directories in front: `ab/cdef…`. */
function fanned(oid: Oid, depth: number): string[] {
  const parts: string[] = [];
  for (let i = 0; i < depth; i++) parts.push(oid.slice(2 * i, 2 * i + 2));
  parts.push(oid.slice(2 * depth));
  return parts;
}

function endOfGroup(sorted: readonly [Oid, Oid][], from: number, to: number, digit: number): number {
  const char = sorted[from]![0][digit];
  let end = from + 1;
  while (end < to && sorted[end]![0][digit] === char) end++;
  return end;
}

/** All sixteen next digits have at least two notes each: another level of directories is worth it. */
function isCrowded(sorted: readonly [Oid, Oid][], from: number, to: number, digit: number): boolean {
  let groups = 0;
  for (let at = from; at < to; ) {
    const end = endOfGroup(sorted, at, to, digit);
    if (end - at < 2) return false;
    groups++;
    at = end;
  }
  return groups === 16;
}
