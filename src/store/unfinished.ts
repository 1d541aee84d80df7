import type { NonEmpty } from '../base/awaitable.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isSafePath } from '../base/path.js';
import type { Conflict } from '../merge/hook.js';
import { type Resolution, resolveConflict } from '../merge/resolve.js';
import type { UnmergedPath } from '../merge/tree.js';
import { parseCommit, serializeCommit } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import type { Outcome } from './merge-branch.js';
import type { Info, Store, Written } from './store.js';
import { Tree } from './tree.js';

/** The header of a kept merge that holds its open conflicts, as JSON. */
const HEADER = 'bough-conflicts';

interface Open {
  readonly conflicts: readonly Conflict[];
  readonly unmerged: readonly UnmergedPath[];
}

const refOf = (branch: string): string => `refs/bough/merge/${branch.replace(/^refs\/heads\//, '')}`;

/**
 * A merge that waits for its conflicts to be settled. It is kept as a commit of its own: the tree of attempts, with the
 * heads as parents (so that nothing of it is ever pruned), and the open conflicts in a header.
 */
export class UnfinishedMerge<V> {
  readonly #store: Store<V>;
  readonly #commit: Oid<'commit'>;
  readonly #open: Open;
  readonly #tree: Oid<'tree'>;
  /** The heads: ours, then those merged into it. */
  readonly heads: readonly Oid<'commit'>[];
  /** For the commit that ends it. */
  readonly message: string;

  constructor(store: Store<V>, kept: Kept) {
    this.#store = store;
    this.#commit = kept.commit;
    this.#open = kept.open;
    this.#tree = kept.tree;
    this.heads = kept.heads;
    this.message = kept.message;
  }

  /** The conflicts that are still open, by path. */
  get conflicts(): readonly Conflict[] {
    return this.#open.conflicts;
  }

  /** What has merged, what has been settled, and the best attempt at each open conflict. */
  tree(): Tree<V> {
    return Tree.of(this.#store.backend.objects, this.#store.contents, this.#tree);
  }

  /**
   * Settles one conflict: by a side, by deletion, as the attempt has it, or by content. Answers the merge with what is
   * left. Throws `PATH_MISSING` where the path has no open conflict, `REF_CHANGED` where another process was first.
   */
  async settle(path: string, resolution: Resolution): Promise<UnfinishedMerge<V>> {
    const { objects } = this.#store.backend;
    const before = {
      tree: this.#tree,
      clean: false,
      unmerged: this.#open.unmerged,
      conflicts: this.#open.conflicts,
      messages: [],
      neededRenameLimit: 0,
    };
    const { tree, unmerged, conflicts } = await resolveConflict(objects, before, path, resolution);
    return keep(
      this.#store,
      { tree, heads: this.heads, message: this.message, open: { unmerged, conflicts } },
      this.#commit,
    );
  }

  /** Settles one conflict by a value of the store's type. */
  settleValue(path: string, value: V): Promise<UnfinishedMerge<V>> {
    return this.settle(path, { content: this.#store.contents.encode(value) });
  }

  /**
   * Commits the merge. Throws `USAGE` while conflicts are open, `REF_CHANGED` where the branch has moved since: merge
   * again then.
   */
  async finish(info: Partial<Info> = {}): Promise<Written> {
    const [first] = this.conflicts;
    if (first !== undefined) {
      throw new GitError('USAGE', `'${first.path}' is not resolved`, { data: { path: first.path } });
    }
    const [ours, theirs, ...others] = this.heads as readonly [Oid<'commit'>, Oid<'commit'>, ...Oid<'commit'>[]];
    const full = { ...info, message: info.message ?? this.message };
    const done = await this.#store.resolve({ tree: this.#tree, ours, theirs, others }, (tree) => tree, full);
    if (done === undefined) {
      throw new GitError('REF_CHANGED', `'${this.#store.branch}' has moved since the merge began`, {
        hint: 'give this merge up and merge again',
      });
    }
    await this.drop();
    return done;
  }

  /** Gives the merge up: the branch stays as it is. */
  async drop(): Promise<void> {
    const { refs } = this.#store.backend;
    await refs.update([{ name: refOf(this.#store.branch), to: 'deleted', expect: this.#commit }]);
  }
}

interface Kept {
  readonly commit: Oid<'commit'>;
  readonly tree: Oid<'tree'>;
  readonly heads: readonly Oid<'commit'>[];
  readonly message: string;
  readonly open: Open;
}

async function keep<V>(
  store: Store<V>,
  merge: Omit<Kept, 'commit'>,
  before: Oid<'commit'> | undefined,
): Promise<UnfinishedMerge<V>> {
  const { objects, refs } = store.backend;
  const who = await store.backend.identity('committer');
  const commit = await objects.write(
    'commit',
    serializeCommit({
      tree: merge.tree,
      parents: merge.heads,
      author: who,
      committer: who,
      extra: [{ name: HEADER, value: JSON.stringify(merge.open) }],
      message: merge.message,
    }),
  );
  await store.backend.flush?.();
  const result = await refs.update([
    { name: refOf(store.branch), to: commit, ...(before === undefined ? {} : { expect: before }), unchecked: true },
  ]);
  if (!result.ok) throw new GitError('REF_CHANGED', result.message, { data: { ref: result.name } });
  return new UnfinishedMerge(store, { ...merge, commit });
}

/** See `Store.keepMerge`. */
export function keepMerge<V>(
  store: Store<V>,
  outcome: Extract<Outcome, { status: 'conflicted' }>,
  message: string,
): Promise<UnfinishedMerge<V>> {
  const { tree, ours, theirs, others, conflicts, unmerged } = outcome;
  const open = { conflicts: conflicts as NonEmpty<Conflict>, unmerged };
  return keep(store, { tree, heads: [ours, theirs, ...others], message, open }, undefined);
}

/** See `Store.unfinishedMerge`. */
export async function unfinishedMerge<V>(store: Store<V>): Promise<UnfinishedMerge<V> | undefined> {
  const { objects, refs } = store.backend;
  const oid = (await refs.resolve(refOf(store.branch))) as Oid<'commit'> | undefined;
  if (oid === undefined) return undefined;
  const { tree, parents, extra, message } = parseCommit(await readKind(objects, oid, 'commit'));
  const open = readOpen(extra.find(({ name }) => name === HEADER)?.value);
  if (open === undefined) throw new GitError('OBJECT_CORRUPT', `${refOf(store.branch)} is no merge that was kept`);
  return new UnfinishedMerge(store, { commit: oid, tree, heads: parents, message, open });
}

/** The ref may have come from elsewhere: only what is such a list is taken for one. */
function readOpen(text: string | undefined): Open | undefined {
  if (text === undefined) return undefined;
  try {
    const { conflicts, unmerged } = JSON.parse(text) as Partial<Open>;
    const named = (list: readonly { readonly path: string }[] | undefined): boolean =>
      Array.isArray(list) && list.every((one) => isSafePath(one.path));
    return named(conflicts) && named(unmerged) ? { conflicts: conflicts!, unmerged: unmerged! } : undefined;
  } catch {
    return undefined;
  }
}
