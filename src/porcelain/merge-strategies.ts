import { GitError, isGitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { emptyTreeOid } from '../base/oid.js';
import type { Ancestry } from '../history/merge-base.js';
import type { TreeMerge } from '../merge/tree.js';
import { mergeCommits, treeOfCommit } from '../merge/history.js';
import type { Strategy } from '../merge/strategy.js';
import type { Repository } from '../repo/repository.js';
import type { TreeChange } from '../diff/trees.js';
import { diffTrees } from '../diff/trees.js';
import { readKind } from '../objects/database.js';
import { isRegularMode } from '../objects/mode.js';
import { CheckoutWriter } from '../worktree/checkout-writer.js';
import { IndexEntry } from '../worktree/index-entry.js';
import { diffIndexWithTree } from '../worktree/index-diff.js';
import { refreshIndex } from '../worktree/refresh.js';
import type { SwitchOptions } from '../worktree/switch.js';
import { Switch } from '../worktree/switch.js';
import { firstRefusal } from '../worktree/switch-errors.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { writeIndexTree } from '../worktree/write-tree.js';
import { historyRequest } from './merge-context.js';
import { MergeDrivers } from './merge-drivers.js';
import type { MergeHead } from './merge-heads.js';
import { mergeUnmerged } from './merge-one-file.js';
import { applyMerge, refuseStaged } from './merge-result.js';
import type { MergeSettings } from './merge-settings.js';
import { conflictStyle, withStrategyOption } from './merge-settings.js';
import { renormalizer } from './renormalize.js';
import { submoduleAdvice } from './submodule-merge.js';
import type { Talk } from './talk.js';

/** 0: merged; 1: conflicts are left in index and work tree; 2: not handled. */
export type Verdict = number;

export interface StrategyRequest {
  readonly head: Oid<'commit'>;
  readonly heads: readonly MergeHead[];
  /** Common ancestors, newest first. */
  readonly bases: readonly Oid<'commit'>[];
  /** `-X` options. */
  readonly options: readonly string[];
}

export interface StrategyTraits {
  readonly noFastForward?: boolean;
  readonly noTrivial?: boolean;
}

/** git's own strategies, and what they rule out. */
export const strategies: Readonly<Record<string, StrategyTraits>> = {
  recursive: { noTrivial: true },
  octopus: {},
  ort: { noTrivial: true },
  resolve: {},
  ours: { noFastForward: true, noTrivial: true },
  subtree: { noFastForward: true, noTrivial: true },
};

/** A program `git-merge-<name>`: its arguments in, its exit code out. */
export type CustomStrategy = (args: readonly string[]) => Verdict;

export interface StrategySurroundings {
  readonly tree: WorkTree;
  readonly ancestry: Ancestry;
  /** Read when a strategy needs them: what is wrong with them must not stop a fast-forward. */
  readonly settings: () => MergeSettings;
  readonly talk: Talk;
  readonly overwriteIgnored?: boolean | undefined;
  readonly custom?: ((name: string) => CustomStrategy | undefined) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Runs strategies on a work tree. */
export class Strategies {
  constructor(readonly around: StrategySurroundings) {}

  async run(name: string, request: StrategyRequest): Promise<Verdict> {
    const own = this.around.tree.repository.merges.strategies;
    if (own !== undefined && Object.hasOwn(own, name)) return this.#ort(name, request, own[name]!);
    switch (name) {
      case 'ort':
      case 'recursive':
      case 'subtree':
        return this.#ort(name, request);
      case 'resolve':
        return this.#resolve(request);
      case 'octopus':
        return this.#octopus(request);
      case 'ours':
        return (await this.#indexDiffers(request.head)) ? 2 : 0;
      default: {
        const custom = this.around.custom?.(name);
        if (custom === undefined) throw new GitError('USAGE', `no such strategy: ${name}`);
        const args = request.options.map((option) => `--${option}`);
        const verdict = custom([
          ...args,
          ...request.bases,
          '--',
          'HEAD',
          ...request.heads.map(({ commit }) => commit as string),
        ]);
        this.around.tree.reloadIndex();
        return verdict;
      }
    }
  }

  get #objects() {
    return this.around.tree.repository.objects;
  }

  /** `strategy`: one of the user's own, in place of git's. */
  async #ort(name: string, request: StrategyRequest, strategy?: Strategy): Promise<Verdict> {
    const { tree, ancestry, talk, overwriteIgnored } = this.around;
    await refreshAndWrite(tree);
    if (request.heads.length !== 1 && strategy === undefined) {
      talk.err('error: Not handling anything other than two heads merge.\n');
      return 2;
    }
    let settings = this.around.settings();
    if (name === 'subtree') settings = { ...settings, subtree: true };
    for (const option of request.options) settings = withStrategyOption(settings, option);
    const [theirs, ...others] = request.heads;
    const headTree = await treeOfCommit(this.#objects, request.head);
    if (await refuseStaged(tree, headTree, talk)) return 2;
    const bases = [...request.bases].reverse();
    let merged: TreeMerge;
    try {
      const how = historyRequest(tree.repository, settings, {
        ancestry,
        attributes: (path) => tree.attributes.of(path),
        warn: tree.warn,
        signal: this.around.signal,
        ...(settings.renormalize ? await this.#normalizing(request, bases) : {}),
      });
      const heads = {
        ours: request.head,
        theirs: theirs!.commit,
        labels: { ours: 'HEAD', theirs: theirs!.name, others: others.map((head) => head.name) },
      };
      merged =
        strategy === undefined
          ? await mergeCommits(how, { ...heads, bases })
          : await strategy({ ...how, ...heads, others: others.map(({ commit }) => commit) });
    } catch (error) {
      if (!isGitError(error, 'UNSUPPORTED') || error.data['driver'] === undefined) throw error;
      talk.err(`error: ${error.message}\n`);
      return 2;
    }
    if (!(await applyMerge(tree, headTree, merged, { action: 'merge', overwriteIgnored, autoMerge: true, talk }))) {
      return 2;
    }
    tellMerge(tree.repository, merged, settings, talk);
    return merged.clean ? 0 : 1;
  }

  async #normalizing(request: StrategyRequest, bases: readonly Oid<'commit'>[]) {
    const treeOf = (commit: Oid<'commit'>) => treeOfCommit(this.#objects, commit);
    return renormalizer(this.around.tree, [
      bases[0] === undefined ? undefined : await treeOf(bases[0]),
      await treeOf(request.head),
      await treeOf(request.heads[0]!.commit),
    ]);
  }

  async #indexDiffers(head: Oid<'commit'>): Promise<boolean> {
    const tree = await treeOfCommit(this.#objects, head);
    return (await diffIndexWithTree(this.#objects, this.around.tree.index, tree)).length > 0;
  }

  /** What the scripts for resolve and octopus say about a staged change. */
  async #refuseStaged(head: Oid<'commit'>): Promise<boolean> {
    const { tree, talk } = this.around;
    const staged = await diffIndexWithTree(this.#objects, tree.index, await treeOfCommit(this.#objects, head));
    if (staged.length === 0) return false;
    talk.out('Error: Your local changes to the following files would be overwritten by merge\n');
    for (const { path } of staged) talk.out(`    ${path}\n`);
    return true;
  }

  async #resolve(request: StrategyRequest): Promise<Verdict> {
    const { tree, talk } = this.around;
    if (await this.#refuseStaged(request.head)) return 2;
    if (request.heads.length !== 1 || request.bases.length === 0) return 2;
    return this.#locked(async () => {
      await refreshIndex(tree, { ignoreMissing: false });
      const trees = await this.#trees([...request.bases, request.head, request.heads[0]!.commit]);
      if (!(await this.#readTrees(trees, { way: 'threeway', update: true, aggressive: true }))) return 2;
      talk.out('Trying simple merge.\n');
      if (!tree.index.hasConflicts) return 0;
      talk.out('Simple merge failed, trying Automatic merge.\n');
      return (await mergeUnmerged(tree, conflictStyle(tree.repository.config), talk)) === 0 ? 0 : 1;
    });
  }

  async #octopus(request: StrategyRequest): Promise<Verdict> {
    const { tree, talk, ancestry } = this.around;
    if (await this.#refuseStaged(request.head)) return 2;
    if (request.heads.length < 2) return 2;
    return this.#locked(async () => {
      const headTree = await treeOfCommit(this.#objects, request.head);
      let mergedCommits: Oid<'commit'>[] = [request.head];
      let mergedTree: Oid<'tree'> | undefined = headTree;
      let realMerge = false;
      let failed = false;
      for (const { commit, name } of request.heads) {
        if (failed) {
          talk.out('Automated merge did not work.\nShould not be doing an octopus.\n');
          return 2;
        }
        const bases = await ancestry.mergeBases(commit, mergedCommits);
        if (bases.length === 0) {
          talk.err(`Unable to find common commit with ${name}\n`);
          return 1;
        }
        if (bases.includes(commit)) {
          talk.out(`Already up to date with ${name}\n`);
          continue;
        }
        const theirTree = await treeOfCommit(this.#objects, commit);
        if (!realMerge && bases.length === 1 && mergedCommits.length === 1 && bases[0] === mergedCommits[0]) {
          talk.out(`Fast-forwarding to: ${name}\n`);
          if (!(await this.#readTrees([headTree, theirTree], { way: 'twoway', update: true }))) return 128;
          mergedCommits = [commit];
          mergedTree = await writeIndexTree(tree.index, this.#objects);
          continue;
        }
        realMerge = true;
        talk.out(`Trying simple merge with ${name}\n`);
        const trees = [...(await this.#trees(bases)), mergedTree, theirTree];
        if (!(await this.#readTrees(trees, { way: 'threeway', update: true, aggressive: true }))) return 2;
        await this.#mergeTyped(bases[0]!, mergedTree!, theirTree, name);
        if (tree.index.hasConflicts) {
          talk.out('Simple merge did not work, trying automatic merge.\n');
          const left = await mergeUnmerged(tree, conflictStyle(tree.repository.config), talk);
          failed = left > 0;
        }
        mergedCommits.push(commit);
        mergedTree = tree.index.hasConflicts ? undefined : await writeIndexTree(tree.index, this.#objects);
      }
      return failed ? 1 : 0;
    });
  }

  /**
   * Merges the files of types that are none of git's, those that both sides changed: simple merges know nothing of
   * types, and would count equal changes once.
   */
  async #mergeTyped(baseCommit: Oid<'commit'>, ours: Oid<'tree'>, theirs: Oid<'tree'>, name: string): Promise<void> {
    const { tree } = this.around;
    const { repository } = tree;
    const { objects, oidLength } = repository;
    const drivers = new MergeDrivers(repository, this.around.settings(), {
      attributes: (path) => tree.attributes.of(path),
      warn: tree.warn,
    });
    const base = await treeOfCommit(objects, baseCommit);
    const changesTo = async (other: Oid<'tree'>): Promise<Map<string, TreeChange>> => {
      const changes = new Map<string, TreeChange>();
      await diffTrees(objects, base, other, oidLength, { recursive: true }, (change) => {
        if (isRegularMode(change.oldMode) && isRegularMode(change.newMode)) changes.set(change.path, change);
      });
      return changes;
    };
    const mine = await changesTo(ours);
    for (const [path, change] of await changesTo(theirs)) {
      const own = mine.get(path);
      const driver = own === undefined ? undefined : drivers.typed(path);
      if (own === undefined || driver === undefined) continue;
      if (own.newOid === change.newOid && driver.sameChange !== 'ask') continue;
      const labels = { base: baseCommit, ours: 'HEAD', theirs: name };
      const merged = await driver(
        {
          base: () => readKind(objects, change.oldOid!, 'blob'),
          ours: await readKind(objects, own.newOid!, 'blob'),
          theirs: await readKind(objects, change.newOid!, 'blob'),
        },
        { path, labels, depth: 0, nesting: 0, signal: this.around.signal },
      );
      if (!merged.clean || merged.value === undefined) continue;
      const entry = IndexEntry.create({ path, mode: own.newMode, oid: await objects.write('blob', merged.value) });
      const written = await new CheckoutWriter(tree).write(entry);
      if (!written.ok) throw new GitError('WORKTREE_DIRTY', written.message, { data: { path } });
      tree.index.add(entry.withStat(written.stat), { replace: true });
    }
  }

  #trees(commits: readonly Oid[]): Promise<Oid<'tree'>[]> {
    return Promise.all(
      commits.map((commit) =>
        commit === emptyTreeOid(this.#objects.algorithm)
          ? (commit as Oid<'tree'>)
          : treeOfCommit(this.#objects, commit as Oid<'commit'>),
      ),
    );
  }

  async #locked(work: () => Promise<Verdict>): Promise<Verdict> {
    const { tree } = this.around;
    const lock = tree.lockIndex();
    try {
      const verdict = await work();
      if (tree.index.changed) tree.commitIndex(lock);
      else lock.rollback();
      return verdict;
    } catch (error) {
      lock.rollback();
      throw error;
    }
  }

  /** `git read-tree -u -m`: one complaint and nothing done where something is in the way. */
  async #readTrees(trees: readonly (Oid<'tree'> | undefined)[], options: SwitchOptions): Promise<boolean> {
    const { tree, talk } = this.around;
    const plan = new Switch(tree, trees, { overwriteIgnored: true, ...options });
    const refusal = firstRefusal((await plan.plan()).refusals);
    if (refusal !== undefined) {
      talk.err(`error: ${refusal}\n`);
      return false;
    }
    for (const message of await plan.apply()) talk.err(`error: ${message}\n`);
    return true;
  }
}

/** Prints what a merge has to say: its messages, and how to let it look for more renames. */
export function tellMerge(repository: Repository, merged: TreeMerge, settings: MergeSettings, talk: Talk): void {
  for (const { text } of merged.messages) {
    if (settings.verbosity < 1) break;
    talk.out(`${text}\n`);
  }
  talk.err(submoduleAdvice(repository, merged.submodules));
  if (merged.neededRenameLimit > 0) {
    talk.err('warning: exhaustive rename detection was skipped due to too many files.\n');
    talk.err(
      `warning: you may want to set your merge.renamelimit variable to at least ${merged.neededRenameLimit} and retry the command.\n`,
    );
  }
}

/** Brings the index's stat words up to date and writes it if that changed anything. */
export async function refreshAndWrite(tree: WorkTree): Promise<void> {
  const lock = tree.lockIndex();
  try {
    await refreshIndex(tree);
    if (tree.index.changed) tree.commitIndex(lock);
    else lock.rollback();
  } catch (error) {
    lock.rollback();
    throw error;
  }
}
