import { noAnswer } from '../base/errors.js';
import { resolveRevision } from '../repo/revision.js';
import { decodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { wildmatch } from '../base/wildmatch.js';
import { isTreeMode } from '../objects/mode.js';
import { parseTree } from '../objects/tree.js';
import type { Repository } from '../repo/repository.js';
import { peelTo } from '../repo/revision.js';
import type { NotesChoice } from './log-settings.js';

/** The notes of one ref: a tree of blobs named by the ids they are about, with or without fan-out directories. */
export class NotesTree {
  readonly #repository: Repository;
  readonly ref: string;
  readonly #root: Oid | undefined;
  readonly #trees = new Map<string, Map<string, { oid: Oid; tree: boolean }>>();

  private constructor(repository: Repository, ref: string, root: Oid | undefined) {
    this.#repository = repository;
    this.ref = ref;
    this.#root = root;
  }

  static async open(repository: Repository, ref: string): Promise<NotesTree> {
    const tip = await repository.refs.resolve(ref);
    return new NotesTree(repository, ref, tip === undefined ? undefined : await peelTo(repository, tip, 'tree'));
  }

  async #tree(oid: Oid): Promise<Map<string, { oid: Oid; tree: boolean }>> {
    let rows = this.#trees.get(oid);
    if (rows === undefined) {
      rows = new Map();
      const object = await this.#repository.objects.read(oid);
      if (object?.kind === 'tree') {
        for (const entry of parseTree(object.data, this.#repository.oidLength)) {
          rows.set(entry.name, { oid: entry.oid, tree: isTreeMode(entry.mode) });
        }
      }
      this.#trees.set(oid, rows);
    }
    return rows;
  }

  /** The blobs with notes on an object; more than one where they lie at several depths, the deepest first. */
  async find(target: Oid): Promise<readonly Oid[]> {
    const found: Oid[] = [];
    let tree = this.#root;
    for (let rest: string = target; tree !== undefined; rest = rest.slice(2)) {
      const rows = await this.#tree(tree);
      const note = rows.get(rest);
      if (note !== undefined && !note.tree && !found.includes(note.oid)) found.unshift(note.oid);
      const below = rest.length <= 2 ? undefined : rows.get(rest.slice(0, 2));
      tree = below?.tree === true ? below.oid : undefined;
    }
    return found;
  }
}

const DEFAULT_REF = 'refs/notes/commits';

/** The ref notes are written to and read from unless another is named. */
export const defaultNotesRef = (repository: Repository): string =>
  repository.env['GIT_NOTES_REF'] ?? repository.config.get('core.notesref') ?? DEFAULT_REF;

/** The notes that are shown with commits. */
export async function openDisplayNotes(
  repository: Repository,
  choice: NotesChoice,
  warn: (message: string) => void = () => undefined,
): Promise<NotesTree[]> {
  const refs: string[] = [];
  const add = (ref: string): void => {
    if (!refs.includes(ref)) refs.push(ref);
  };
  if (choice.usual !== false) {
    add(defaultNotesRef(repository));
    const fromEnvironment = repository.env['GIT_NOTES_DISPLAY_REF'];
    const globs =
      fromEnvironment !== undefined
        ? fromEnvironment.split(':').filter((glob) => glob !== '')
        : repository.config.getAll('notes.displayref');
    for (const glob of globs) await addGlob(repository, glob, add, warn);
  }
  for (const glob of choice.refs) await addGlob(repository, glob, add, warn);
  const trees: NotesTree[] = [];
  for (const ref of refs) trees.push(await NotesTree.open(repository, ref));
  return trees;
}

async function addGlob(
  repository: Repository,
  glob: string,
  add: (ref: string) => void,
  warn: (message: string) => void,
): Promise<void> {
  if (!/[*?[]/.test(glob)) {
    const known = await resolveRevision(repository, glob, { quiet: true }).catch(noAnswer);
    if (known === undefined) warn(`notes ref ${glob} is invalid`);
    add(glob);
    return;
  }
  for await (const ref of repository.refs.list('refs/')) if (wildmatch(glob, ref.name)) add(ref.name);
}

/** The notes on an object as a log shows them; `raw`: only their text. */
export async function formatNotes(
  repository: Repository,
  trees: readonly NotesTree[],
  target: Oid,
  raw: boolean,
): Promise<string> {
  let out = '';
  for (const tree of trees) {
    const texts: string[] = [];
    for (const oid of await tree.find(target)) {
      const object = await repository.objects.read(oid);
      if (object?.kind === 'blob') texts.push(decodeText(object.data).replace(/\n$/, ''));
    }
    if (texts.length === 0) continue;
    const text = texts.filter((one, i) => one !== '' || i === 0).join('\n\n');
    if (!raw) {
      const short = tree.ref.replace(/^refs\//, '').replace(/^notes\//, '');
      out += tree.ref === DEFAULT_REF ? '\nNotes:\n' : `\nNotes (${short}):\n`;
    }
    for (const line of text.split('\n')) out += `${raw ? '' : '    '}${line}\n`;
  }
  return out;
}
