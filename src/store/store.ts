import type { Awaitable, Cancellable } from '../base/awaitable.js';
import { breath } from '../base/breath.js';
import { emptyBytes } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import { emptyTreeOid, isOid, oidFromBytes, type Oid, zeroOid } from '../base/oid.js';

import { path as checkPath } from '../base/path.js';
import type { Contents } from '../contents/contents.js';
import { type Commit, parseCommit, serializeCommit } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import type { Signature } from '../objects/signature.js';
import type { ObjectStore } from '../objects/source.js';
import type { RefStore, UpdateResult } from '../refs/store.js';
import {
  type MergeOptions,
  newAncestry,
  type Outcome,
  areRelated,
  typedDrivers,
  typedMerge,
  unrelatedHistories,
} from './merge-branch.js';
import type { PushOutcome, Remote } from '../transport/remote.js';
import type { PullOptions } from './pull.js';
import type { UnfinishedMerge } from './unfinished.js';
import { type CommitWithOid, lastModified, pathHistory } from './path-history.js';
import { type Change, type Listed, type ListOptions, Tree } from './tree.js';
import { watchBranch, type WatchEvent, type WatchOptions } from './watch.js';

/** What a store stands on: a `Repository`, or anything that has objects, refs and somebody to write as. */
export interface StoreBackend {
  readonly objects: ObjectStore;
  readonly refs: RefStore;
  /** Who writes, and when. Throws `CONFIG` where nobody has said. */
  identity(role: 'author' | 'committer'): Awaitable<Signature>;
  /** Called at the start of each write: the times of one commit are the same, those of two are not. */
  moment?(): void;
  /** Called before a branch moves: what was written must be there for others now. */
  flush?(): Awaitable<void>;
}

/**
 * Keeps an index and a work tree in step with a branch that is checked out there. `prepare` refuses
 * (`WORKTREE_DIRTY`) where a changed path has local changes; then `apply` or `abandon` ends it.
 */
export interface CheckedOut {
  prepare(branch: string, changes: readonly Change[]): Awaitable<CheckedOutStep | undefined>;
}

/** Index and files that wait for the branch to move. */
export interface CheckedOutStep {
  /** Called before the branch moves: what is needed to finish, should this process die in between, is kept. */
  landing(from: Oid<'commit'> | undefined, to: Oid<'commit'>): void;
  apply(): Awaitable<void>;
  abandon(): void;
}

/** Which branch a store is, and what follows it. */
export interface StoreOptions {
  /** A branch's short or full name; the one HEAD names unless said (`main` where HEAD is detached). */
  readonly branch?: string | undefined;
  readonly checkedOut?: CheckedOut | undefined;
}

/** What is said of a commit to be made. */
export interface Info extends Cancellable {
  /** The commit's message; a final newline is added where there is none. */
  readonly message: string;
  readonly author?: Signature | undefined;
  readonly committer?: Signature | undefined;
  /** Commit also when nothing changed. */
  readonly allowEmpty?: boolean | undefined;
  /**
   * Make a commit that no other can equal, though tree, parents, author and second are the same: changes that add up
   * (a counter's) must count each. So unless said where the type's equal changes add up.
   */
  readonly unique?: boolean | undefined;
  /** How often to start again when another writer was first; no bound unless said. */
  readonly retries?: number | undefined;
}

/** A write that went well. */
export interface Written {
  readonly status: 'written' | 'unchanged';
  /** The branch's commit afterwards; all zeros only for an unchanged store that has no commit. */
  readonly head: Oid<'commit'>;
}

/** A write that went well, or the value that was there instead of the one expected. */
export type Tested<V> = Written | { readonly status: 'mismatch'; readonly actual: V | undefined };

/** The full name of a branch given by its short or full name. */
export const branchRef = (branch: string): string => (branch.startsWith('refs/') ? branch : `refs/heads/${branch}`);

/** 16 random hex digits. */
function nonce(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(8));
  return oidFromBytes(bytes, 0, 8);
}

const shortName = (ref: string): string => ref.replace(/^refs\/heads\//, '');

/** Milliseconds that writers wait for a lock others hold. */
const LOCK_PATIENCE = 10_000;

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * A branch as a map from paths to values of one type. Each write is one commit, made on the head that is there when it
 * lands: when another writer was first, the change is done again on the new head (snapshot isolation, nothing lost).
 * No commit is made when nothing changed.
 */
export class Store<V> {
  readonly backend: StoreBackend;
  readonly contents: Contents<V>;
  /** Full name, `refs/heads/main`. */
  readonly branch: string;
  readonly #checkedOut: CheckedOut | undefined;

  constructor(backend: StoreBackend, contents: Contents<V>, branch: string, checkedOut?: CheckedOut) {
    this.backend = backend;
    this.contents = contents;
    this.branch = branchRef(branch);
    this.#checkedOut = checkedOut;
  }

  /** The branch's newest commit, or `undefined` while it has none. */
  async head(): Promise<CommitWithOid | undefined> {
    const oid = await this.backend.refs.resolve(this.branch);
    return oid === undefined ? undefined : this.#commit(oid as Oid<'commit'>);
  }

  async #commit(oid: Oid<'commit'>): Promise<CommitWithOid> {
    return { oid, ...parseCommit(await readKind(this.backend.objects, oid, 'commit')) };
  }

  /** The values as they are now: a snapshot that later writes do not change. */
  async tree(): Promise<Tree<V>> {
    return this.#treeOf(await this.head());
  }

  /** The values at a commit. */
  async at(commitOid: Oid): Promise<Tree<V>> {
    return this.#treeOf(await this.#commit(commitOid as Oid<'commit'>));
  }

  #treeOf(commit: Commit | undefined): Tree<V> {
    return Tree.of(this.backend.objects, this.contents, commit?.tree);
  }

  /** The value at a path, or `undefined`. */
  async find(path: string): Promise<V | undefined> {
    return (await this.tree()).find(path);
  }

  /** The value at a path. Throws `PATH_MISSING`. */
  async get(path: string): Promise<V> {
    return (await this.tree()).get(path);
  }

  /** One level below a path in git's order, lazily, from one snapshot. */
  async *list(path = '', options: ListOptions = {}): AsyncGenerator<Listed> {
    yield* (await this.tree()).list(path, options);
  }

  /** One commit that sets one value. */
  put(path: string, value: V, info: Info): Promise<Written> {
    return this.commit((tree) => tree.put(path, value), info);
  }

  /** One commit without what is at a path; parents left empty go too. */
  remove(path: string, info: Info): Promise<Written> {
    return this.commit((tree) => tree.remove(path), info);
  }

  /**
   * Many changes, one commit. `change` may run again, on the new head, when another writer was first; it must do
   * nothing but answer a tree.
   */
  async commit(change: (tree: Tree<V>) => Awaitable<Tree<V>>, info: Info): Promise<Written> {
    const done = await this.#attempt(async (tree) => change(tree), info);
    return done as Written;
  }

  /** `put` (or, for `undefined`, `remove`) only where the value is still `test`. */
  async testAndSet(path: string, test: V | undefined, set: V | undefined, info: Info): Promise<Tested<V>> {
    const expected = test === undefined ? undefined : this.backend.objects.hash('blob', this.contents.encode(test));
    return this.#attempt<V>(async (tree) => {
      const there = await tree.entry(path);
      const isValue = (await tree.kind(path)) === 'value';
      const actual = isValue ? there?.oid : undefined;
      if (actual !== expected) return { mismatch: isValue ? await tree.get(path) : undefined };
      return set === undefined ? tree.remove(path) : tree.put(path, set);
    }, info);
  }

  async #attempt<R>(
    change: (tree: Tree<V>) => Promise<Tree<V> | { readonly mismatch: R | undefined }>,
    info: Info,
  ): Promise<Written | { status: 'mismatch'; actual: R | undefined }> {
    const { objects } = this.backend;
    const started = Date.now();
    for (let attempt = 0; ; attempt++) {
      await breath(info.signal);
      const parent = await this.head();
      const before = this.#treeOf(parent);
      const after = await change(before);
      if ('mismatch' in after) return { status: 'mismatch', actual: after.mismatch };
      const tree = after === before ? (parent?.tree ?? emptyTreeOid(objects.algorithm)) : await after.write();
      const nothing = parent === undefined ? tree === emptyTreeOid(objects.algorithm) : tree === parent.tree;
      if (nothing && info.allowEmpty !== true) {
        return { status: 'unchanged', head: parent?.oid ?? (zeroOid(objects.algorithm) as Oid<'commit'>) };
      }
      const landed = await this.#landUnlessLocked(tree, parent === undefined ? [] : [parent], info, started);
      if (landed !== undefined) return { status: 'written', head: landed };
      if (attempt >= (info.retries ?? Number.POSITIVE_INFINITY)) {
        throw new GitError('REF_CHANGED', `'${this.branch}' kept changing under this write`, {
          hint: 'try again, or allow more retries',
        });
      }
      await pause(Math.random() * Math.min(50, 1 + attempt * 2));
    }
  }

  /** A lock held by another writer is a race to try again, for as long as a lock may take; then it is an error. */
  async #landUnlessLocked(
    tree: Oid<'tree'>,
    parents: readonly CommitWithOid[],
    info: Info,
    started: number,
  ): Promise<Oid<'commit'> | undefined> {
    // The last moment to stop: from here on it is done as a whole.
    await breath(info.signal);
    try {
      return await this.#land(tree, parents, info);
    } catch (error) {
      if (!isGitError(error, 'LOCKED') || Date.now() - started > LOCK_PATIENCE) throw error;
      return undefined;
    }
  }

  /**
   * Commits `tree` on `parents` (the first is the head expected) and moves the branch; `undefined` when the branch
   * has moved in between.
   */
  async #land(tree: Oid<'tree'>, parents: readonly CommitWithOid[], info: Info): Promise<Oid<'commit'> | undefined> {
    const { objects, refs } = this.backend;
    const head = parents[0];
    const message = info.message.endsWith('\n') || info.message === '' ? info.message : `${info.message}\n`;
    let step = await this.#prepare(head, tree);
    this.backend.moment?.();
    try {
      if (tree === emptyTreeOid(objects.algorithm)) await objects.write('tree', emptyBytes);
      const commit = await objects.write(
        'commit',
        serializeCommit({
          tree,
          parents: parents.map((parent) => parent.oid),
          author: info.author ?? (await this.backend.identity('author')),
          committer: info.committer ?? (await this.backend.identity('committer')),
          extra: (info.unique ?? this.contents.sameChange === 'ask') ? [{ name: 'bough-nonce', value: nonce() }] : [],
          message,
        }),
      );
      await this.backend.flush?.();
      step?.landing(head?.oid, commit);
      const subject = message.slice(0, message.indexOf('\n') < 0 ? message.length : message.indexOf('\n'));
      const result = await refs.update([
        {
          name: this.branch,
          to: commit,
          expect: head?.oid ?? 'absent',
          unchecked: true,
          reason: `commit${head === undefined ? ' (initial)' : ''}: ${subject}`,
        },
      ]);
      if (!this.#landed(result)) return undefined;
      await step?.apply();
      step = undefined;
      return commit;
    } finally {
      step?.abandon();
    }
  }

  /** Lets the checked-out copy, if there is one, get ready for the branch to become `tree`. */
  async #prepare(head: CommitWithOid | undefined, tree: Oid<'tree'>): Promise<CheckedOutStep | undefined> {
    if (this.#checkedOut === undefined) return undefined;
    const changes: Change[] = [];
    const after = Tree.of(this.backend.objects, this.contents, tree);
    for await (const change of after.changesSince(this.#treeOf(head))) changes.push(change);
    return this.#checkedOut.prepare(this.branch, changes);
  }

  /** False for a lost race; other refusals are errors. */
  #landed(result: UpdateResult): boolean {
    if (result.ok) return true;
    if (result.code === 'changed' || result.code === 'exists' || result.code === 'missing' || result.code === 'locked')
      return false;
    throw new GitError(result.code === 'invalid' ? 'REF_INVALID' : 'REF_CHANGED', result.message, {
      data: { ref: this.branch },
    });
  }

  /** Fetches the other side's branch and merges it into this one; see `pull.ts`. */
  async pull(remote: Remote, info: Info & PullOptions): Promise<Outcome> {
    const { pull } = await import('./pull.js');
    return pull(this, remote, info);
  }

  /** Sends this branch to the other side, which refuses it unless it has been merged here first. */
  async push(
    remote: Remote,
    options: { readonly to?: string; readonly signal?: AbortSignal } = {},
  ): Promise<PushOutcome> {
    const { push } = await import('./pull.js');
    return push(this, remote, options);
  }

  /**
   * Merges another branch (or commit) into this one, value by value with the type's own merge; several at once where
   * several are named. Done again when another writer was first. Conflicts are an answer: nothing is committed then,
   * and `resolve` can finish the merge, or `keepMerge` keep it to be finished later. Throws `REF_MISSING` for a branch
   * that is not there, `UNRELATED_HISTORIES` unless `unrelated` allows them, `USAGE` when nothing is named, `REF_CHANGED`
   * when it may only be fast-forwarded and cannot.
   */
  async merge(from: string | readonly string[], info: Info & MergeOptions): Promise<Outcome> {
    const names = typeof from === 'string' ? [from] : from;
    if (names.length === 0) throw new GitError('USAGE', 'nothing to merge');
    const { objects } = this.backend;
    const named: { readonly name: string; readonly commit: Oid<'commit'> }[] = [];
    for (const name of names) named.push({ name, commit: await this.#headOf(name) });
    for (;;) {
      await breath(info.signal);
      const ancestry = newAncestry(objects);
      const head = await this.head();
      const commits = named.map(({ commit }) => commit);
      const apart = new Set(await ancestry.independent(head === undefined ? commits : [head.oid, ...commits]));
      // What the others contain already is left out; one that says the same as another counts once.
      const heads = named.filter(({ commit }) => commit !== head?.oid && apart.delete(commit));
      const [first, ...others] = heads;
      if (first === undefined) return { status: 'up-to-date', head: head!.oid };
      const reason = `merge ${names.join(' ')}: Fast-forward`;
      if (head === undefined) {
        if (others.length > 0) throw new GitError('USAGE', 'only one branch can be merged into an empty one');
        if (await this.#move(undefined, first.commit, reason)) return { status: 'fast-forward', head: first.commit };
        continue;
      }
      for (const { commit } of heads) {
        if (info.unrelated !== true && !(await areRelated(ancestry, head.oid, commit))) throw unrelatedHistories();
      }
      const forward = others.length === 0 && (await ancestry.isAncestor(head.oid, first.commit));
      if (forward && info.fastForward !== 'never') {
        if (await this.#move(head, first.commit, reason)) return { status: 'fast-forward', head: first.commit };
        continue;
      }
      if (info.fastForward === 'only') throw new GitError('REF_CHANGED', 'not possible to fast-forward, aborting');
      const merged = await (info.strategy ?? typedMerge())({
        ...typedDrivers(this.contents as Contents<unknown>),
        objects,
        ancestry,
        ours: head.oid,
        theirs: first.commit,
        others: others.map(({ commit }) => commit),
        labels: {
          ours: shortName(this.branch),
          theirs: shortName(first.name),
          others: others.map(({ name }) => shortName(name)),
        },
        signal: info.signal,
      });
      if (!merged.clean) {
        const [conflict, ...more] = merged.conflicts;
        if (conflict === undefined) throw new GitError('BUG', 'a merge that is not clean names no conflict');
        return {
          status: 'conflicted',
          conflicts: [conflict, ...more],
          tree: merged.tree,
          ours: head.oid,
          theirs: first.commit,
          others: others.map(({ commit }) => commit),
          unmerged: merged.unmerged,
        };
      }
      const parents = [head];
      for (const { commit } of heads) parents.push(await this.#commit(commit));
      const landed = await this.#landUnlessLocked(merged.tree, parents, info, Date.now());
      if (landed !== undefined) return { status: 'merged', head: landed };
    }
  }

  /**
   * Finishes a conflicted merge: `change` gets the tree of attempts and answers the one to commit, with all heads as
   * parents. Answers `undefined` when the branch has moved since (merge again).
   */
  async resolve(
    outcome: Pick<Extract<Outcome, { status: 'conflicted' }>, 'tree' | 'ours' | 'theirs' | 'others'>,
    change: (tree: Tree<V>) => Awaitable<Tree<V>>,
    info: Info,
  ): Promise<Written | undefined> {
    const resolved = await change(Tree.of(this.backend.objects, this.contents, outcome.tree));
    const parents: CommitWithOid[] = [];
    for (const oid of [outcome.ours, outcome.theirs, ...outcome.others]) parents.push(await this.#commit(oid));
    const landed = await this.#landUnlessLocked(await resolved.write(), parents, info, Date.now());
    return landed === undefined ? undefined : { status: 'written', head: landed };
  }

  /**
   * Keeps a conflicted merge in the repository (below `refs/bough/merge/`), to be finished later, by this or another
   * process, with or without a work tree. Replaces one that was kept before. `message`: for the commit that ends it.
   */
  async keepMerge(outcome: Extract<Outcome, { status: 'conflicted' }>, message: string): Promise<UnfinishedMerge<V>> {
    const { keepMerge } = await import('./unfinished.js');
    return keepMerge(this, outcome, message);
  }

  /** The merge of this branch that was kept and is not finished, if there is one. */
  async unfinishedMerge(): Promise<UnfinishedMerge<V> | undefined> {
    const { unfinishedMerge } = await import('./unfinished.js');
    return unfinishedMerge(this);
  }

  async #headOf(from: string): Promise<Oid<'commit'>> {
    const { refs } = this.backend;
    const found = isOid(from) ? from : ((await refs.resolve(branchRef(from))) ?? (await refs.resolve(from)));
    if (found === undefined) throw new GitError('REF_MISSING', `no such branch '${from}'`, { data: { branch: from } });
    return found as Oid<'commit'>;
  }

  /** Moves the branch to a commit that is there already; false when it has moved in between. */
  async #move(head: CommitWithOid | undefined, to: Oid<'commit'>, reason: string): Promise<boolean> {
    const step = await this.#prepare(head, (await this.#commit(to)).tree);
    let done = false;
    try {
      step?.landing(head?.oid, to);
      const result = await this.backend.refs.update([{ name: this.branch, to, expect: head?.oid ?? 'absent', reason }]);
      done = this.#landed(result);
      if (done) await step?.apply();
      return done;
    } finally {
      if (!done) step?.abandon();
    }
  }

  /** The best common ancestors of this branch and another: git's merge bases. */
  async lcas(other: string): Promise<readonly Oid<'commit'>[]> {
    const head = await this.head();
    return head === undefined
      ? []
      : newAncestry(this.backend.objects).mergeBases(head.oid, [await this.#headOf(other)]);
  }

  /** The commits behind the head, newest first; with `path`, only those that changed what is there. */
  async *history(
    options: Cancellable & { readonly path?: string; readonly limit?: number } = {},
  ): AsyncGenerator<CommitWithOid> {
    const head = await this.head();
    if (head === undefined) return;
    yield* pathHistory(this.backend.objects, [head.oid], {
      ...options,
      path: options.path === undefined ? undefined : checkPath(options.path),
    });
  }

  /** The last commits that changed what is at a path, newest first: one unless `n` says more. */
  async lastModified(
    path: string,
    options: Cancellable & { readonly n?: number } = {},
  ): Promise<readonly CommitWithOid[]> {
    const head = await this.head();
    return head === undefined ? [] : lastModified(this.backend.objects, head.oid, checkPath(path), options);
  }

  /** Each commit that lands on the branch from now on, by this or another process, until the signal aborts. */
  watch(options: WatchOptions = {}): AsyncGenerator<WatchEvent> {
    return watchBranch(this.backend, this.branch, options);
  }

  /** The same store over another backend of the same repository. */
  over(backend: StoreBackend): Store<V> {
    return new Store(backend, this.contents, this.branch, this.#checkedOut);
  }

  /** The same store, of another branch. */
  on(branch: string): Store<V> {
    return new Store(this.backend, this.contents, branch, this.#checkedOut);
  }

  /** Points `branch` at this store's head: a cheap copy. Throws `REF_CHANGED` where the branch is there already. */
  async clone(branch: string): Promise<Store<V>> {
    const head = await this.head();
    const copy = this.on(branch);
    if (head === undefined) return copy;
    const result = await this.backend.refs.update([
      {
        name: copy.branch,
        to: head.oid,
        expect: 'absent',
        reason: `branch: Created from ${this.branch.replace(/^refs\/heads\//, '')}`,
      },
    ]);
    if (!result.ok) throw new GitError('REF_CHANGED', result.message, { data: { ref: copy.branch } });
    return copy;
  }
}

/** Names of the branches, in order, without `refs/heads/`. */
export async function* branches(backend: Pick<StoreBackend, 'refs'>): AsyncGenerator<string> {
  for await (const ref of backend.refs.list('refs/heads/')) yield ref.name.slice('refs/heads/'.length);
}

/**
 * Deletes a branch; answers whether it was there. `expect`: only while it is at that commit; throws `REF_CHANGED` when it
 * is not, or was moved meanwhile.
 */
export async function deleteBranch(
  backend: Pick<StoreBackend, 'refs'>,
  branch: string,
  expect?: Oid,
): Promise<boolean> {
  const name = branchRef(branch);
  const there = await backend.refs.resolve(name);
  if (there === undefined) return false;
  const result = await backend.refs.update([
    { name, to: 'deleted', expect: expect ?? there, reason: 'branch: deleted' },
  ]);
  if (!result.ok) throw new GitError('REF_CHANGED', result.message, { data: { ref: name } });
  return true;
}

/** The branch a store is of when none is named: HEAD's, also unborn; `refs/heads/main` where HEAD is detached. */
export async function defaultBranch(refs: RefStore): Promise<string> {
  const head = await refs.resolveFull('HEAD');
  return head?.symbolic === true ? head.name : 'refs/heads/main';
}

/** Opens a store of values of one type over a repository. */
export async function openStore<V>(
  backend: StoreBackend,
  contents: Contents<V>,
  options: StoreOptions = {},
): Promise<Store<V>> {
  const branch = options.branch === undefined ? await defaultBranch(backend.refs) : branchRef(options.branch);
  return new Store(backend, contents, branch, options.checkedOut);
}
