import type { Bytes } from '../base/bytes.js';
import { compareBytes, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { type Path, path as checkPath } from '../base/path.js';
import type { Contents } from '../contents/contents.js';
import { readKind } from '../objects/database.js';
import { isGitlinkMode, isRegularMode, isTreeMode, MODE_FILE, MODE_TREE } from '../objects/mode.js';
import type { ObjectStore } from '../objects/source.js';
import { checkTreeDepth } from '../objects/tree.js';
import { type Child, Directory } from './directory.js';
import { sortKey } from './stored-rows.js';

/** One step below a path. */
export interface Listed {
  readonly step: string;
  readonly kind: 'value' | 'tree' | 'submodule';
  readonly mode: number;
  /** The object's id, where it is stored already or known from the value. */
  readonly oid?: Oid | undefined;
}

/** Which part of a level a listing gives. */
export interface ListOptions {
  /** Go on behind this step (a page's last one). */
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

/** A value that differs between two trees; absent where it is not there. */
export interface Change {
  readonly path: Path;
  readonly before?: { readonly mode: number; readonly oid: Oid } | undefined;
  readonly after?: { readonly mode: number; readonly oid: Oid } | undefined;
}

/**
 * A tree of values: immutable, lazy, sharing structure. Edits answer a new tree; an edit that changes nothing answers
 * the same tree (`===`). Nothing is written before `write`, which a store's commit calls.
 *
 * One rule for values and directories: the later edit wins. A value put where a directory is replaces all of it, and a
 * value put below a value replaces that value by a directory. A directory left empty disappears, up to the root.
 */
export class Tree<V> {
  readonly contents: Contents<V>;
  readonly #objects: ObjectStore;
  readonly #root: Directory;

  private constructor(objects: ObjectStore, contents: Contents<V>, root: Directory) {
    this.#objects = objects;
    this.contents = contents;
    this.#root = root;
  }

  /** The tree with that id, or an empty one. Reads nothing yet. */
  static of<V>(objects: ObjectStore, contents: Contents<V>, oid?: Oid<'tree'>): Tree<V> {
    return new Tree(objects, contents, Directory.stored(objects, oid));
  }

  /** The tree's id where nothing has to be written to know it. */
  get knownOid(): Oid<'tree'> | undefined {
    return this.#root.knownOid;
  }

  /** Writes what is new and answers the tree's id. */
  write(): Promise<Oid<'tree'>> {
    return this.#root.write();
  }

  async #child(at: string): Promise<Child | undefined> {
    const steps = checkPath(at).split('/');
    let directory = this.#root;
    for (let i = 0; i < steps.length; i++) {
      const child = await directory.find(steps[i]!);
      if (child === undefined || i === steps.length - 1) return child;
      if (!isTreeMode(child.mode)) return undefined;
      directory = directory.open(steps[i]!, child);
    }
    return undefined;
  }

  async #directory(at: string): Promise<Directory | undefined> {
    const checked = checkPath(at);
    if (checked === '') return this.#root;
    let directory = this.#root;
    for (const step of checked.split('/')) {
      const child = await directory.find(step);
      if (child === undefined || !isTreeMode(child.mode)) return undefined;
      directory = directory.open(step, child);
    }
    return directory;
  }

  /** What is at a path: a value, a tree (the root always is one), a submodule, or nothing. */
  async kind(at: string): Promise<'value' | 'tree' | 'submodule' | undefined> {
    if (checkPath(at) === '') return 'tree';
    const child = await this.#child(at);
    return child === undefined ? undefined : kindOf(child.mode);
  }

  /** Mode and id of what is stored or put at a path; the id of an edited directory is not known before `write`. */
  async entry(at: string): Promise<{ readonly mode: number; readonly oid: Oid | undefined } | undefined> {
    const child = await this.#child(at);
    if (child === undefined) return undefined;
    return { mode: child.mode, oid: child.kind === 'directory' ? child.directory.knownOid : child.oid };
  }

  /** The value's bytes as stored, undecoded. */
  async findBytes(at: string): Promise<Bytes | undefined> {
    const child = await this.#child(at);
    if (child === undefined || child.kind === 'directory' || kindOf(child.mode) !== 'value') return undefined;
    return child.kind === 'value' ? child.data : readKind(this.#objects, child.oid, 'blob');
  }

  /** The value at a path, or `undefined`: nothing there, or a directory. */
  async find(at: string): Promise<V | undefined> {
    const bytes = await this.findBytes(at);
    return bytes === undefined ? undefined : this.contents.decode(bytes);
  }

  /** The value at a path. Throws `PATH_MISSING`. */
  async get(at: string): Promise<V> {
    const bytes = await this.findBytes(at);
    if (bytes === undefined) throw new GitError('PATH_MISSING', `no value at '${at}'`, { data: { path: at } });
    return this.contents.decode(bytes);
  }

  /** The tree below a path, as a tree of its own. */
  async subtree(at: string): Promise<Tree<V> | undefined> {
    const directory = await this.#directory(at);
    return directory === undefined
      ? undefined
      : directory === this.#root
        ? this
        : new Tree(this.#objects, this.contents, directory);
  }

  /** One level below a path, in git's order, read as it is asked for. Nothing where there is no directory. */
  async *list(at = '', options: ListOptions = {}): AsyncGenerator<Listed> {
    const directory = await this.#directory(at);
    if (directory === undefined) return;
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    let after: Bytes | undefined;
    if (options.after !== undefined) {
      const child = await directory.find(options.after);
      after = encodeText(sortKey(options.after, child?.mode ?? MODE_FILE));
    }
    for (const [step, child] of await directory.children()) {
      if (left <= 0) return;
      if (after !== undefined && compareBytes(encodeText(sortKey(step, child.mode)), after) <= 0) continue;
      left--;
      yield {
        step,
        kind: kindOf(child.mode),
        mode: child.mode,
        oid: child.kind === 'directory' ? child.directory.knownOid : child.oid,
      };
    }
  }

  /** Every value below a path, depth first in git's order. */
  values(at = ''): AsyncGenerator<{ readonly path: Path; readonly mode: number; readonly oid: Oid }> {
    return walk(() => this.#directory(at), at);
  }

  /**
   * The tree with `value` at a path. Bytes are encoded now and written by `write`. An executable file stays one.
   * Throws `PATH_UNSAFE` for the root or an unsafe name.
   */
  put(at: string, value: V): Promise<Tree<V>> {
    return this.putBytes(at, this.contents.encode(value));
  }

  /** `put` for bytes that are encoded already. `mode`: of the new entry, else what is there stays. */
  async putBytes(at: string, data: Bytes, mode?: number): Promise<Tree<V>> {
    const steps = this.#steps(at);
    const oid = this.#objects.hash('blob', data);
    const root = await this.#edit(this.#root, steps, 0, (before) => {
      const kept = mode ?? (before !== undefined && isRegularMode(before.mode) ? before.mode : MODE_FILE);
      if (before !== undefined && before.kind !== 'directory' && before.mode === kept && before.oid === oid)
        return before;
      return { kind: 'value', mode: kept, oid, data };
    });
    return this.#with(root);
  }

  /** The tree with another tree at a path; an empty one removes what is there. */
  async putTree(at: string, tree: Tree<V>): Promise<Tree<V>> {
    if (checkPath(at) === '') return this.#with(tree.#root);
    if ((await tree.#root.size()) === 0) return this.remove(at);
    const root = await this.#edit(this.#root, this.#steps(at), 0, (before) => {
      const known = tree.#root.knownOid;
      if (before?.kind === 'directory' && before.directory === tree.#root) return before;
      if (known !== undefined && before !== undefined && isTreeMode(before.mode) && idOf(before) === known)
        return before;
      return known === undefined
        ? { kind: 'directory', mode: MODE_TREE, directory: tree.#root }
        : { kind: 'stored', mode: MODE_TREE, oid: known };
    });
    return this.#with(root);
  }

  /** The tree without what is at a path, value or directory; directories left empty go too. */
  async remove(at: string): Promise<Tree<V>> {
    if (checkPath(at) === '') return (await this.#root.size()) === 0 ? this : Tree.of(this.#objects, this.contents);
    const root = await this.#edit(this.#root, this.#steps(at), 0, () => undefined);
    return this.#with(root);
  }

  #steps(at: string): readonly string[] {
    const checked = checkPath(at);
    if (checked === '')
      throw new GitError('PATH_UNSAFE', 'the root holds a tree, not a value', { hint: 'name a path below it' });
    return checked.split('/');
  }

  #with(root: Directory): Tree<V> {
    return root === this.#root ? this : new Tree(this.#objects, this.contents, root);
  }

  async #edit(
    directory: Directory,
    steps: readonly string[],
    index: number,
    change: (before: Child | undefined) => Child | undefined,
  ): Promise<Directory> {
    const name = steps[index]!;
    const before = await directory.find(name);
    if (index === steps.length - 1) {
      const after = change(before);
      if (after === before) return directory;
      return after === undefined ? directory.without(name) : directory.set(name, after, before);
    }
    const isDirectory = before !== undefined && isTreeMode(before.mode);
    const below = isDirectory ? directory.open(name, before) : Directory.stored(this.#objects, undefined);
    const edited = await this.#edit(below, steps, index + 1, change);
    if (edited === below) return directory;
    if (await edited.isEmpty()) return isDirectory ? directory.without(name) : directory;
    return directory.set(name, { kind: 'directory', mode: MODE_TREE, directory: edited }, before);
  }

  /**
   * The values that differ from `older` to this tree, in path order; subtrees with equal ids are never read. Both
   * trees must be written.
   */
  async *changesSince(older: Tree<V>, at = ''): AsyncGenerator<Change> {
    const before = await older.#childOrRoot(at);
    const after = await this.#childOrRoot(at);
    yield* changes(checkPath(at), before, after, this.#objects);
  }

  async #childOrRoot(at: string): Promise<Child | undefined> {
    if (checkPath(at) === '') return { kind: 'directory', mode: MODE_TREE, directory: this.#root };
    return this.#child(at);
  }
}

function kindOf(mode: number): 'value' | 'tree' | 'submodule' {
  return isTreeMode(mode) ? 'tree' : isGitlinkMode(mode) ? 'submodule' : 'value';
}

/** One generator for all levels: what goes through several of them waits once more at each. */
async function* walk(
  find: () => Promise<Directory | undefined>,
  at: string,
): AsyncGenerator<{ path: Path; mode: number; oid: Oid }> {
  const top = await find();
  if (top === undefined) return;
  const stack: { directory: Directory; prefix: string; rows: Iterator<[string, Child]> }[] = [];
  const enter = async (directory: Directory, prefix: string): Promise<void> => {
    checkTreeDepth(stack.length);
    stack.push({ directory, prefix, rows: (await directory.children())[Symbol.iterator]() });
  };
  const path = checkPath(at);
  await enter(top, path === '' ? '' : `${path}/`);
  for (let level = stack.at(-1); level !== undefined; level = stack.at(-1)) {
    const { directory, prefix, rows } = level;
    for (;;) {
      const { done, value } = rows.next();
      if (done === true) {
        stack.pop();
        break;
      }
      const [name, child] = value;
      if (isTreeMode(child.mode)) {
        await enter(directory.open(name, child), `${prefix}${name}/`);
        break;
      }
      if (child.kind !== 'directory') yield { path: (prefix + name) as Path, mode: child.mode, oid: child.oid };
    }
  }
}

const idOf = (child: Child | undefined): Oid | undefined =>
  child === undefined ? undefined : child.kind === 'directory' ? child.directory.knownOid : child.oid;

function openChild(child: Child | undefined, objects: ObjectStore): Directory {
  if (child?.kind === 'directory') return child.directory;
  return Directory.stored(
    objects,
    child !== undefined && isTreeMode(child.mode) ? (idOf(child) as Oid<'tree'>) : undefined,
  );
}

async function* changes(
  at: Path,
  before: Child | undefined,
  after: Child | undefined,
  objects: ObjectStore,
  depth = 0,
): AsyncGenerator<Change> {
  checkTreeDepth(depth);
  const beforeId = idOf(before);
  const afterId = idOf(after);
  if (before?.mode === after?.mode && beforeId === afterId && (beforeId !== undefined || before === after)) return;
  const wasTree = before !== undefined && isTreeMode(before.mode);
  const isTree = after !== undefined && isTreeMode(after.mode);
  const leaf = (child: Child | undefined) =>
    child === undefined || isTreeMode(child.mode) ? undefined : { mode: child.mode, oid: idOf(child)! };
  const oldLeaf = leaf(before);
  const newLeaf = leaf(after);
  if (oldLeaf !== undefined || newLeaf !== undefined) yield { path: at, before: oldLeaf, after: newLeaf };
  if (!wasTree && !isTree) return;
  const olds = (await openChild(before, objects).children())[Symbol.iterator]();
  const news = (await openChild(after, objects).children())[Symbol.iterator]();
  let old = olds.next();
  let fresh = news.next();
  const name = (step: string): Path => (at === '' ? step : `${at}/${step}`) as Path;
  while (old.done !== true || fresh.done !== true) {
    const order =
      old.done === true
        ? 1
        : fresh.done === true
          ? -1
          : compareBytes(
              encodeText(sortKey(old.value[0], old.value[1].mode)),
              encodeText(sortKey(fresh.value[0], fresh.value[1].mode)),
            );
    if (order < 0) {
      yield* changes(name(old.value![0]), old.value![1], undefined, objects, depth + 1);
      old = olds.next();
    } else if (order > 0) {
      yield* changes(name(fresh.value![0]), undefined, fresh.value![1], objects, depth + 1);
      fresh = news.next();
    } else {
      yield* changes(name(old.value![0]), old.value![1], fresh.value![1], objects, depth + 1);
      old = olds.next();
      fresh = news.next();
    }
  }
}
