import type { Awaitable } from '../base/awaitable.js';
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
  readonly abbreviate: (oid: Oid) => Awaitable<string>;
  /** Trees of commits that no store has (`Ancestry.addVirtual`). */
  readonly trees?: ReadonlyMap<Oid<'commit'>, Oid<'tree'>> | undefined;
  readonly options?: TreeOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Two commits to merge. */
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
  readonly #trees: Map<Oid<'commit'>, Oid<'tree'>>;
  /** Merged ancestors by what they were made of, so that each is made once however many ask for it. */
  readonly #virtual = new Map<string, Oid<'commit'>>();

  constructor(
    readonly request: HistoryRequest,
    readonly scratch: MemoryObjectStore,
  ) {
    this.#trees = new Map(request.trees);
  }

  async #treeOf(commit: Oid<'commit'>): Promise<Oid<'tree'>> {
    return this.#trees.get(commit) ?? treeOfCommit(this.request.objects, commit);
  }

  async merge(heads: Heads, depth: number): Promise<TreeMerge> {
    const { ancestry, driverFor, objects, signal } = this.request;
    const { ours, theirs } = heads;
    const bases = heads.bases ?? (await ancestry.mergeBases(ours, [theirs])).reverse();
    let base = bases[0];
    for (const next of bases.slice(1)) base = await this.#ancestor(base!, next, depth + 1);
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

  /** Two common ancestors merged into one. */
  async #ancestor(one: Oid<'commit'>, two: Oid<'commit'>, depth: number): Promise<Oid<'commit'>> {
    const key = `${depth} ${one} ${two}`;
    const known = this.#virtual.get(key);
    if (known !== undefined) return known;
    const merged = await this.merge({ ours: one, theirs: two, labels: inner }, depth);
    const virtual = `virtual ${this.#virtual.size + 1} of ${one} and ${two}` as Oid<'commit'>;
    await this.request.ancestry.addVirtual(virtual, [one, two]);
    this.#trees.set(virtual, merged.tree);
    this.#virtual.set(key, virtual);
    return virtual;
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
