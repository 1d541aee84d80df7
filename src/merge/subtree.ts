import type { Bytes } from '../base/bytes.js';

import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { joinPath } from '../base/path.js';
import { readKind } from '../objects/database.js';
import { isSymlinkMode, isTreeMode } from '../objects/mode.js';
import type { ObjectSource, ObjectStore } from '../objects/source.js';
import type { TreeEntry } from '../objects/tree.js';
import { compareEntries, findInTree, parseTree, serializeTree } from '../objects/tree.js';

type TreeOid = Oid<'tree'>;

/** How many directories down the place may be when it is searched for. */
const depthLimit = 2;

/**
 * Moves `theirs` and `base` to where they fit `ours`: below a directory of ours, or only a directory of theirs is taken.
 * `prefix`: the directory, or `true` to search for the best fit.
 */
export async function shiftToMatch(
  reads: ObjectSource,
  writes: ObjectStore,
  trees: { readonly base: TreeOid; readonly ours: TreeOid; readonly theirs: TreeOid },
  prefix: string | true,
): Promise<{ readonly base: TreeOid; readonly theirs: TreeOid }> {
  const shift = new SubtreeShift(reads, writes);
  const move = (tree: TreeOid) =>
    prefix === true || prefix === '' ? shift.search(trees.ours, tree) : shift.by(trees.ours, tree, prefix);
  return { base: await move(trees.base), theirs: await move(trees.theirs) };
}

interface Best {
  score: number;
  prefix: string;
}

class SubtreeShift {
  readonly #rows = new Map<Oid, TreeEntry[]>();

  constructor(
    readonly reads: ObjectSource,
    readonly writes: ObjectStore,
  ) {}

  #data(tree: Oid): Promise<Bytes> {
    return readKind(this.reads, tree, 'tree');
  }

  get #oidLength(): number {
    return this.writes.algorithm === 'sha1' ? 20 : 32;
  }

  async #entries(tree: Oid): Promise<TreeEntry[]> {
    let rows = this.#rows.get(tree);
    if (rows === undefined) {
      rows = parseTree(await this.#data(tree), this.#oidLength);
      this.#rows.set(tree, rows);
    }
    return rows;
  }

  async search(ours: TreeOid, tree: TreeOid): Promise<TreeOid> {
    const score = await this.#score(ours, tree);
    const add: Best = { score, prefix: '' };
    const take: Best = { score, prefix: '' };
    await this.#bestPlace(ours, tree, add, '', depthLimit);
    await this.#bestPlace(tree, ours, take, '', depthLimit);
    if (add.score < take.score) return (await this.#directory(tree, take.prefix)) ?? tree;
    return add.prefix === '' ? tree : this.#splice(ours, add.prefix, tree);
  }

  async by(ours: TreeOid, tree: TreeOid, prefix: string): Promise<TreeOid> {
    const inOurs = await this.#directory(ours, prefix);
    const inTree = await this.#directory(tree, prefix);
    if (inOurs !== undefined && inTree !== undefined) {
      let best = await this.#score(ours, tree);
      let choice: 'none' | 'add' | 'take' = 'none';
      const add = await this.#score(inOurs, tree);
      if (add > best) {
        best = add;
        choice = 'add';
      }
      if ((await this.#score(inTree, ours)) > best) choice = 'take';
      if (choice === 'none') return tree;
      return choice === 'add' ? this.#splice(ours, prefix, tree) : inTree;
    }
    if (inOurs !== undefined) return this.#splice(ours, prefix, tree);
    return inTree ?? tree;
  }

  /** Looks for the directory of `where` that resembles `tree` most. */
  async #bestPlace(where: Oid, tree: Oid, best: Best, above: string, limit: number): Promise<void> {
    for (const { name, mode, oid } of await this.#entries(where)) {
      if (!isTreeMode(mode)) continue;
      const path = joinPath(above, name);
      const score = await this.#score(oid, tree);
      if (score > best.score) {
        best.score = score;
        best.prefix = path;
      }
      if (limit > 0) await this.#bestPlace(oid, tree, best, path, limit - 1);
    }
  }

  /** How alike two directories are, by the names and ids of what they hold. */
  async #score(one: Oid, two: Oid): Promise<number> {
    const a = await this.#entries(one);
    const b = await this.#entries(two);
    let score = 0;
    let i = 0;
    let j = 0;
    while (i < a.length || j < b.length) {
      const x = a[i];
      const y = b[j];
      const order = x === undefined ? 1 : y === undefined ? -1 : compareEntries(x, y);
      if (order < 0) score += weight(x!.mode, -1000, -500, -50);
      else if (order > 0) score += weight(y!.mode, -1000, -500, -50);
      else score += pairScore(x!, y!);
      if (order <= 0) i++;
      if (order >= 0) j++;
    }
    return score;
  }

  async #directory(tree: Oid, path: string): Promise<TreeOid | undefined> {
    let oid = tree;
    for (const name of path.split('/').filter((step) => step !== '')) {
      const entry = findInTree(await this.#data(oid), this.#oidLength, name);
      if (entry === undefined || !isTreeMode(entry.mode)) return undefined;
      oid = entry.oid;
    }
    return oid as TreeOid;
  }

  /** `tree` with the directory at `prefix` replaced by another. */
  async #splice(tree: Oid, prefix: string, inside: TreeOid): Promise<TreeOid> {
    const slash = prefix.indexOf('/');
    const name = slash < 0 ? prefix : prefix.slice(0, slash);
    const entries = await this.#entries(tree);
    const at = entries.findIndex((entry) => entry.name === name && isTreeMode(entry.mode));
    if (at < 0) throw new GitError('PATH_MISSING', `entry ${name} not found in tree ${tree}`);
    const entry = entries[at]!;
    const oid = slash < 0 ? inside : await this.#splice(entry.oid, prefix.slice(slash + 1), inside);
    const rows = entries.map((row, i) => (i === at ? { ...row, oid } : row));
    return this.writes.write('tree', serializeTree(rows));
  }
}

const weight = (mode: number, tree: number, link: number, other: number): number =>
  isTreeMode(mode) ? tree : isSymlinkMode(mode) ? link : other;

function pairScore(a: TreeEntry, b: TreeEntry): number {
  if (isTreeMode(a.mode) !== isTreeMode(b.mode)) return -100;
  if (isSymlinkMode(a.mode) !== isSymlinkMode(b.mode)) return -50;
  return a.oid === b.oid ? weight(a.mode, 1000, 500, 250) : -5;
}
