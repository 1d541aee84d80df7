import type { Oid } from '../base/oid.js';
import { parseCommitLinks } from '../objects/commit.js';
import { isTreeMode } from '../objects/mode.js';
import type { ObjectSource } from '../objects/source.js';
import { parseTree, type TreeEntry } from '../objects/tree.js';

/** The trees of a commit that a receiver has, looked into by path: what is there makes good bases of deltas. */
class EdgeTree {
  readonly #objects: ObjectSource;
  readonly #root: Oid;
  readonly #directories = new Map<string, Map<string, TreeEntry> | undefined>();

  constructor(objects: ObjectSource, root: Oid) {
    this.#objects = objects;
    this.#root = root;
  }

  async #directory(path: string): Promise<Map<string, TreeEntry> | undefined> {
    if (this.#directories.has(path)) return this.#directories.get(path);
    const entry = path === '' ? undefined : await this.#entry(path);
    const oid = path === '' ? this.#root : entry !== undefined && isTreeMode(entry.mode) ? entry.oid : undefined;
    let rows: Map<string, TreeEntry> | undefined;
    const object = oid === undefined ? undefined : await this.#objects.read(oid);
    if (object?.kind === 'tree') {
      rows = new Map(parseTree(object.data, this.#root.length / 2).map((entry) => [entry.name, entry]));
    }
    this.#directories.set(path, rows);
    return rows;
  }

  async #entry(path: string): Promise<TreeEntry | undefined> {
    const slash = path.lastIndexOf('/');
    return (await this.#directory(path.slice(0, Math.max(0, slash))))?.get(path.slice(slash + 1));
  }

  async find(path: string): Promise<Oid | undefined> {
    return path === '' ? this.#root : (await this.#entry(path))?.oid;
  }
}

/** Tells what commits at the edge of a thin pack have under the paths of what the pack holds. */
export async function visitEdges(
  objects: ObjectSource,
  edges: readonly Oid[],
  paths: Iterable<string>,
  visit: (oid: Oid, path: string) => void,
): Promise<void> {
  const all = [...paths];
  for (const edge of edges) {
    const commit = await objects.read(edge);
    if (commit === undefined) continue;
    const tree = new EdgeTree(objects, parseCommitLinks(commit.data).tree);
    for (const path of all) {
      const oid = await tree.find(path);
      if (oid !== undefined) visit(oid, path);
    }
  }
}
