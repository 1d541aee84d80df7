import type { Oid } from '../base/oid.js';
import type { Ancestry } from '../history/merge-base.js';
import { MemoryObjectStore } from '../objects/memory.js';
import type { ObjectSource, ObjectStore } from '../objects/source.js';
import { checkAborted } from './combinators.js';
import type { DriverFor } from './driver.js';
import type { Labels, MergeContext } from './hook.js';
import type { TreeMerge, TreeOptions } from './tree.js';
import { mergeTrees } from './tree.js';
import { parseCommitLinks } from '../objects/commit.js';
import { readKind } from '../objects/database.js';

/** What merging commits needs besides the commits. */
export interface HistoryRequest {
  readonly objects: ObjectStore;
  readonly ancestry: Ancestry;
  readonly driverFor: DriverFor;
  /** Short form of an id, for the name of the base in conflict markers. */
  readonly abbreviate: (oid: Oid) => string | Promise<string>;
  readonly options?: TreeOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Heads {
  readonly ours: Oid<'commit'>;
  readonly theirs: Oid<'commit'>;
  readonly labels: Pick<Labels, 'ours' | 'theirs'>;
  /** Common ancestors to use, in the order of folding; found (oldest first) unless given. */
  readonly bases?: readonly Oid<'commit'>[] | undefined;
}

/**
 * Merges two commits as git's `ort` does: several best common ancestors are merged first, by the same function one
 * level deeper, into one base that is never stored (only what an unmerged path shows of it is).
 */
export async function mergeCommits(request: HistoryRequest, heads: Heads): Promise<TreeMerge> {
  const { objects } = request;
  const scratch = new MemoryObjectStore(
    objects.algorithm,
    { hashObject: (_, kind, data) => objects.hash(kind, data) },
    objects,
  );
  const merge = new HistoryMerge(request, scratch);
  const merged = await merge.merge(heads, 0);
  for (const { stages } of merged.unmerged) {
    const made = stages.base === undefined ? undefined : scratch.objects.get(stages.base.oid);
    if (made !== undefined) await objects.write(made.kind, made.data);
  }
  return merged;
}

const inner = { ours: 'Temporary merge branch 1', theirs: 'Temporary merge branch 2' };

class HistoryMerge {
  readonly #trees = new Map<Oid<'commit'>, Oid<'tree'>>();
  #virtuals = 0;

  constructor(
    readonly request: HistoryRequest,
    readonly scratch: MemoryObjectStore,
  ) {}

  async #treeOf(commit: Oid<'commit'>): Promise<Oid<'tree'>> {
    return this.#trees.get(commit) ?? treeOfCommit(this.request.objects, commit);
  }

  async merge(heads: Heads, depth: number): Promise<TreeMerge> {
    const { ancestry, driverFor, objects, signal } = this.request;
    const { ours, theirs } = heads;
    const bases = heads.bases ?? (await ancestry.mergeBases(ours, [theirs])).reverse();
    let base = bases[0];
    for (const next of bases.slice(1)) {
      const merged: TreeMerge = await this.merge({ ours: base!, theirs: next, labels: inner }, depth + 1);
      const virtual = `virtual ${++this.#virtuals} of ${ours} and ${theirs}` as Oid<'commit'>;
      await ancestry.addVirtual(virtual, [base!, next]);
      this.#trees.set(virtual, merged.tree);
      base = virtual;
    }
    const context: MergeContext = {
      path: '',
      labels: { ...heads.labels, base: await this.#baseName(bases) },
      depth,
      nesting: 2 * depth,
      signal,
    };
    checkAborted(context);
    return mergeTrees(
      depth === 0 ? objects : this.scratch,
      driverFor,
      {
        base: base === undefined ? undefined : await this.#treeOf(base),
        ours: await this.#treeOf(ours),
        theirs: await this.#treeOf(theirs),
      },
      context,
      this.request.options,
      this.scratch,
    );
  }

  async #baseName(bases: readonly Oid<'commit'>[]): Promise<string> {
    if (bases.length === 0) return 'empty tree';
    return bases.length === 1 ? this.request.abbreviate(bases[0]!) : 'merged common ancestors';
  }
}

/** The tree of a commit. Throws `OBJECT_MISSING`. */
export async function treeOfCommit(objects: ObjectSource, commit: Oid<'commit'>): Promise<Oid<'tree'>> {
  return parseCommitLinks(await readKind(objects, commit, 'commit')).tree;
}
