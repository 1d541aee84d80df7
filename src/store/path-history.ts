import type { Cancellable } from '../base/awaitable.js';
import { breath } from '../base/breath.js';
import type { Oid } from '../base/oid.js';
import { type Commit, parseCommit } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import type { ObjectSource } from '../objects/source.js';
import { findInTree } from '../objects/tree.js';
import { isTreeMode } from '../objects/mode.js';

/** A commit and its own id. */
export interface CommitWithOid extends Commit {
  readonly oid: Oid<'commit'>;
}

/** What a path holds in a tree: `mode oid`, or `undefined`. */
async function entryAt(objects: ObjectSource, tree: Oid<'tree'>, path: string): Promise<string | undefined> {
  if (path === '') return tree;
  const steps = path.split('/');
  let oid: Oid = tree;
  for (let i = 0; ; i++) {
    const row = findInTree(await readKind(objects, oid, 'tree'), tree.length / 2, steps[i]!);
    if (row === undefined) return undefined;
    if (i === steps.length - 1) return `${row.mode} ${row.oid}`;
    if (!isTreeMode(row.mode)) return undefined;
    oid = row.oid;
  }
}

/** A heap of commits by date, the newest on top; each commit goes in once. */
class Frontier {
  readonly #heap: CommitWithOid[] = [];
  readonly #seen = new Set<Oid>();

  get size(): number {
    return this.#heap.length;
  }

  add(commit: CommitWithOid): void {
    const heap = this.#heap;
    let i = heap.push(commit) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent]!.committer.seconds >= commit.committer.seconds) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = commit;
  }

  see(oid: Oid): boolean {
    if (this.#seen.has(oid)) return false;
    this.#seen.add(oid);
    return true;
  }

  take(): CommitWithOid {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.committer.seconds > heap[child]!.committer.seconds) child++;
      if (heap[child]!.committer.seconds <= last.committer.seconds) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

export interface HistoryOptions extends Cancellable {
  /** Only commits in which this path differs from every parent (or which are roots that hold it). */
  readonly path?: string | undefined;
  readonly limit?: number | undefined;
}

/** Commits reachable from `starts`, newest first, each once. */
export async function* pathHistory(
  objects: ObjectSource,
  starts: readonly Oid<'commit'>[],
  options: HistoryOptions = {},
): AsyncGenerator<CommitWithOid> {
  const frontier = new Frontier();
  const read = async (oid: Oid<'commit'>): Promise<CommitWithOid> => ({
    oid,
    ...parseCommit(await readKind(objects, oid, 'commit')),
  });
  const entries = new Map<Oid, Promise<string | undefined>>();
  const entryOf = (commit: Commit): Promise<string | undefined> => {
    let entry = entries.get(commit.tree);
    if (entry === undefined) entries.set(commit.tree, (entry = entryAt(objects, commit.tree, options.path!)));
    return entry;
  };
  for (const start of starts) if (frontier.see(start)) frontier.add(await read(start));
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  while (frontier.size > 0 && left > 0) {
    await breath(options.signal);
    const commit = frontier.take();
    const parents: CommitWithOid[] = [];
    for (const parent of commit.parents) parents.push(await read(parent));
    let interesting = true;
    if (options.path !== undefined) {
      const here = await entryOf(commit);
      const theres: (string | undefined)[] = [];
      for (const parent of parents) theres.push(await entryOf(parent));
      interesting = parents.length === 0 ? here !== undefined : theres.every((there) => there !== here);
    }
    for (const parent of parents) if (frontier.see(parent.oid)) frontier.add(parent);
    if (!interesting) continue;
    left--;
    yield commit;
  }
}

/** The newest `n` commits that changed a path, newest first. */
export async function lastModified(
  objects: ObjectSource,
  head: Oid<'commit'>,
  path: string,
  options: Cancellable & { readonly n?: number } = {},
): Promise<readonly CommitWithOid[]> {
  const found: CommitWithOid[] = [];
  for await (const commit of pathHistory(objects, [head], { path, limit: options.n ?? 1, signal: options.signal }))
    found.push(commit);
  return found;
}
