import { systemMessage } from '../platform/system-message.js';
import { isPromise } from '../base/awaitable.js';
import { compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isSafePath } from '../base/path.js';
import { diffTrees } from '../diff/trees.js';
import { canonicalMode, isGitlinkMode, isTreeMode } from '../objects/mode.js';
import { findInTree } from '../objects/tree.js';
import { CheckoutWriter, FileRemover, type WriteOutcome } from './checkout-writer.js';
import type { SmudgeOptions } from './convert.js';
import { FLAG_SKIP_WORKTREE, IndexEntry } from './index-entry.js';
import type { Index } from './index-file.js';
import { diffIndexWithTree } from './index-diff.js';
import type { Refusal, RefusalKind } from './switch-errors.js';
import { refusalOrder } from './switch-errors.js';
import { findUntrackedBelow } from './untracked.js';
import type { WorkTree } from './work-tree.js';
import { isFullyValid } from './cache-tree.js';
import { primeCacheTree, readTreeEntries, writeIndexTree } from './write-tree.js';

/** What is in the way of reading trees into index and work tree, and what may be lost. */
export interface SwitchOptions {
  /**
   * `oneway`: to one tree. `twoway`: from the first tree to the second, carrying local changes over. `threeway`: base
   * (or several), ours, theirs. `bind`: one tree below `prefix`.
   */
  readonly way: 'oneway' | 'twoway' | 'threeway' | 'bind';
  /** Update the files too (`-u`). */
  readonly update: boolean;
  /** Do not even look at the files (`-i`). */
  readonly indexOnly?: boolean;
  /** Local changes are thrown away; untracked files in the way as well with `overwrite-untracked`. */
  readonly reset?: 'protect-untracked' | 'overwrite-untracked' | undefined;
  /** Ignored files in the way may go. */
  readonly overwriteIgnored?: boolean;
  /** The index was never written: everything in the new tree is new. */
  readonly initial?: boolean;
  readonly aggressive?: boolean;
  /** For `bind`, with its `/`. */
  readonly prefix?: string;
  /** The caller makes the cache tree itself. */
  readonly keepCacheTreeInvalid?: boolean;
  /** Sent to filters. */
  readonly meta?: SmudgeOptions;
  readonly progress?: ((done: number, total: number) => void) | undefined;
  /** Told of files whose filter had put them off. */
  readonly filtering?: ((done: number, total: number) => void) | undefined;
  /** Nothing is done; only the refusals count (`-n`). */
  readonly dryRun?: boolean;
  /** Sparse checkout: entries outside of it, by path; `undefined` when everything is inside. */
  readonly outside?: ((path: string) => boolean) | undefined;
  /** A file counts as changed where its stat words differ, as in commands that do not refresh the index before. */
  readonly statOnly?: boolean | undefined;
}

export interface SwitchPlan {
  /** Nothing is touched while there are any. */
  readonly refusals: readonly Refusal[];
  /** A three-way merge left stages. */
  readonly nontrivial: boolean;
  /** How many files are going to be written and removed. */
  readonly updates: number;
  readonly removals: number;
}

interface TreeItem {
  readonly mode: number;
  readonly oid: Oid;
}

interface Row {
  readonly path: string;
  readonly index: IndexEntry | undefined;
  /** The index has stages here. */
  readonly unmerged: boolean;
  readonly trees: readonly (TreeItem | undefined)[];
  /** Of a three-way row, for head and remote: there is a directory at the path, or a file above it. */
  readonly clashes?: readonly [head: boolean, remote: boolean] | undefined;
}

interface Decisions {
  /** Entries that come into the index; `write`: their file too. */
  readonly put: { readonly entry: IndexEntry; readonly write: boolean }[];
  /** Paths that leave the index; `unlink`: their file too. */
  readonly drop: { readonly path: string; readonly unlink: boolean; readonly gitlink: boolean }[];
}

/**
 * Reads one to three trees into the index and, with `update`, the work tree, in git's two steps: compute all changes
 * and everything they would destroy first; refuse, naming it all, before anything is touched; then apply. git's
 * `unpack_trees`.
 */
export class Switch {
  readonly #tree: WorkTree;
  readonly #options: SwitchOptions;
  readonly #trees: readonly (Oid<'tree'> | undefined)[];
  readonly #decisions: Decisions = { put: [], drop: [] };
  readonly #refused = new Map<RefusalKind, Set<string>>();
  readonly #gone = new Set<string>();
  #nontrivial = false;

  /** `trees`: `undefined` is the empty tree. */
  constructor(tree: WorkTree, trees: readonly (Oid<'tree'> | undefined)[], options: SwitchOptions) {
    this.#tree = tree;
    this.#trees = trees;
    this.#options = options;
  }

  get #index(): Index {
    return this.#tree.index;
  }

  /** Computes what is to be done. */
  async plan(): Promise<SwitchPlan> {
    const rows = await this.#rows();
    const checks: (() => Promise<void> | void)[] = [];
    for (const row of rows) this.#decide(row, checks);
    // Files that go must be known before what is in the way of others can be judged.
    for (const { path } of this.#decisions.drop) this.#gone.add(path);
    for (const check of checks) {
      const done = check();
      if (isPromise(done)) await done;
    }
    const refusals: Refusal[] = [];
    for (const kind of refusalOrder) {
      const paths = this.#refused.get(kind);
      if (paths !== undefined) refusals.push({ kind, paths: [...paths].sort(compareText) });
    }
    return {
      refusals,
      nontrivial: this.#nontrivial,
      updates: this.#decisions.put.filter(({ write }) => write).length,
      removals: this.#decisions.drop.filter(({ unlink }) => unlink).length,
    };
  }

  /** Applies the plan to files and index (in memory; the caller writes it). Answers messages about files that failed. */
  async apply(): Promise<string[]> {
    if (this.#options.dryRun !== true) this.#tree.alongWithIndex = 'files';
    const { put, drop } = this.#decisions;
    const options = this.#options;
    const errors: string[] = [];
    const index = this.#index;
    const wasEmpty = index.count === 0;
    const touch = options.update && options.dryRun !== true && this.#tree.repository.workTree !== undefined;
    const total = put.length + drop.length;
    let done = 0;
    if (touch) {
      const remover = new FileRemover(this.#tree);
      for (const { path, unlink, gitlink } of drop) {
        if (unlink) {
          const code = remover.remove(path, gitlink);
          if (code !== undefined && !gitlink && code !== 'EISDIR') {
            this.#tree.warn(`unable to unlink '${path}': ${systemMessage(code)}`);
          } else if (code === 'ENOTEMPTY') this.#tree.warn(`unable to rmdir '${path}': Directory not empty`);
        }
        options.progress?.(++done, total);
      }
      remover.finish();
    }
    if (drop.length > 0) index.removeAll(new Set(drop.map(({ path }) => path)));
    const staged = put.filter(({ entry }) => entry.stage !== 0);
    index.addAll(put.filter(({ entry }) => entry.stage === 0).map(({ entry }) => entry));
    if (staged.length > 0) {
      index.removeAll(new Set(staged.map(({ entry }) => entry.path)));
      for (const { entry } of staged) index.add(entry, { unchecked: true });
    }
    index.resolveUndo = undefined;
    if (touch) {
      // `.gitattributes` of the new state decide how its files are written, also while the old ones still lie there.
      const direction = this.#tree.attributes.turn('checkout');
      const writer = new CheckoutWriter(this.#tree, options.meta);
      const { entries } = index;
      let place = -1;
      const settle = (entry: IndexEntry, outcome: WriteOutcome): void => {
        if (!outcome.ok) {
          errors.push(outcome.message);
          return;
        }
        // What is written comes in the order of the index.
        place++;
        if (entries[place]?.path !== entry.path || entries[place]!.stage !== entry.stage) {
          place = index.position(entry.path, entry.stage);
        }
        if (place >= 0 && !isGitlinkMode(entry.mode)) {
          const fresh = entries[place]!.withStat(outcome.stat);
          fresh.fresh = true;
          entries[place] = fresh;
        }
      };
      for (const { entry, write } of put) {
        if (write) {
          const written = writer.deliver(entry, settle);
          if (isPromise(written)) await written;
        }
        options.progress?.(++done, total);
      }
      await writer.finishDelayed(options.filtering);
      this.#tree.attributes.turn(direction);
      this.#tree.forgetDirectories();
    }
    index.changed = true;
    if (options.keepCacheTreeInvalid !== true && !index.hasConflicts && !isFullyValid(index.cacheTree)) {
      const { objects } = this.#tree.repository;
      const to = this.#trees[0];
      // An empty index took in one tree whole: its trees are known.
      if (wasEmpty && options.initial === true && options.way === 'twoway' && this.#trees[1] !== undefined) {
        index.cacheTree = await primeCacheTree(objects, this.#trees[1]);
      } else if (wasEmpty && options.way === 'oneway' && to !== undefined) {
        index.cacheTree = await primeCacheTree(objects, to);
      } else await writeIndexTree(index, objects, { repair: true });
    }
    return errors;
  }

  // ---------------------------------------------------------------- rows

  async #rows(): Promise<Row[]> {
    switch (this.#options.way) {
      case 'oneway':
        return this.#onewayRows();
      case 'bind':
        return this.#bindRows();
      default:
        return this.#manyRows();
    }
  }

  async #onewayRows(): Promise<Row[]> {
    const { objects } = this.#tree.repository;
    const rows: Row[] = [];
    const resets = this.#options.reset !== undefined && this.#options.update;
    for (const change of await diffIndexWithTree(objects, this.#index, this.#trees[0], { unchanged: resets })) {
      rows.push({
        path: change.path,
        index: change.entry ?? change.stages?.[0],
        unmerged: change.stages !== undefined,
        trees: [change.oldMode === 0 ? undefined : { mode: canonicalMode(change.oldMode), oid: change.oldOid! }],
      });
    }
    return rows;
  }

  async #bindRows(): Promise<Row[]> {
    const { objects } = this.#tree.repository;
    const tree = this.#trees[0];
    if (tree === undefined) return [];
    const entries = await readTreeEntries(objects, tree, this.#options.prefix ?? '');
    return entries.map((entry) => ({
      path: entry.path,
      index: this.#index.get(entry.path),
      unmerged: false,
      trees: [{ mode: entry.mode, oid: entry.oid }],
    }));
  }

  async #manyRows(): Promise<Row[]> {
    const { objects, oidLength } = this.#tree.repository;
    const trees = this.#trees;
    const found = new Map<string, (TreeItem | undefined | null)[]>();
    const unborn = this.#options.initial === true;
    for (let i = 1; i < trees.length; i++) {
      // An index that was never written has nothing of the first tree, whatever that is.
      await diffTrees(objects, trees[0], trees[i], oidLength, { recursive: true, unmodified: unborn }, (change) => {
        let items = found.get(change.path);
        if (items === undefined) {
          items = new Array<TreeItem | undefined | null>(trees.length).fill(null);
          found.set(change.path, items);
        }
        items[0] = change.oldMode === 0 ? undefined : { mode: canonicalMode(change.oldMode), oid: change.oldOid };
        items[i] = change.newMode === 0 ? undefined : { mode: canonicalMode(change.newMode), oid: change.newOid };
      });
    }
    const extra = new Set(this.#index.conflictedPaths());
    if (this.#options.way === 'threeway') {
      for (const change of await diffIndexWithTree(objects, this.#index, trees[trees.length - 2]))
        extra.add(change.path);
    }
    for (const path of extra) {
      if (found.has(path)) continue;
      const items: (TreeItem | undefined)[] = [];
      for (const tree of trees) items.push(await this.#itemAt(tree, path));
      found.set(path, items);
    }
    const rows: Row[] = [];
    const threeway = this.#options.way === 'threeway';
    for (const [path, items] of found) {
      const stages = this.#index.stages(path);
      const unmerged = stages.length > 0 && stages[0]!.stage !== 0;
      rows.push({
        path,
        index: stages[0],
        unmerged,
        // `null`: equal to the first tree's.
        trees: items.map((item) => (item === null ? (items[0] ?? undefined) : item)),
        clashes: threeway ? await this.#clashes(path, items) : undefined,
      });
    }
    return rows.sort((a, b) => compareText(a.path, b.path));
  }

  async #clashes(path: string, items: readonly (TreeItem | undefined | null)[]): Promise<[boolean, boolean]> {
    const at = async (i: number): Promise<boolean> => {
      const item = items[i] === null ? items[0] : items[i];
      return item === undefined && (await this.#clashAt(this.#trees[i], path));
    };
    return [await at(items.length - 2), await at(items.length - 1)];
  }

  /** The tree has something of the other kind in the way of a file: a directory at the path, or a file above it. */
  async #clashAt(tree: Oid | undefined, path: string): Promise<boolean> {
    let current = tree;
    const parts = path.split('/');
    for (const [i, part] of parts.entries()) {
      if (current === undefined) return false;
      const object = await this.#tree.repository.objects.read(current);
      const row = object === undefined ? undefined : findInTree(object.data, this.#tree.repository.oidLength, part);
      if (row === undefined) return false;
      if (i === parts.length - 1) return isTreeMode(row.mode);
      if (!isTreeMode(row.mode)) return true;
      current = row.oid;
    }
    return false;
  }

  async #itemAt(tree: Oid | undefined, path: string): Promise<TreeItem | undefined> {
    let current = tree;
    const parts = path.split('/');
    for (let i = 0; i < parts.length && current !== undefined; i++) {
      const object = await this.#tree.repository.objects.read(current);
      if (object === undefined) throw new GitError('OBJECT_MISSING', `unable to read tree (${current})`);
      const row = findInTree(object.data, this.#tree.repository.oidLength, parts[i]!);
      if (row === undefined) return undefined;
      if (i === parts.length - 1) {
        return isTreeMode(row.mode) ? undefined : { mode: canonicalMode(row.mode), oid: row.oid };
      }
      current = isTreeMode(row.mode) ? row.oid : undefined;
    }
    return undefined;
  }

  // ---------------------------------------------------------------- decisions

  #decide(row: Row, checks: (() => Promise<void> | void)[]): void {
    switch (this.#options.way) {
      case 'oneway':
        this.#oneway(row, checks);
        break;
      case 'twoway':
        this.#twoway(row, checks);
        break;
      case 'threeway':
        this.#threeway(row, checks);
        break;
      case 'bind':
        if (row.index !== undefined) this.#refuse('bind-overlap', row.path);
        else this.#merged(row.path, row.trees[0]!, undefined, false, checks);
    }
  }

  #oneway(row: Row, checks: (() => Promise<void> | void)[]): void {
    const { index: old, unmerged } = row;
    const to = row.trees[0];
    if (to === undefined) {
      if (old !== undefined) this.#deleted(row.path, old, unmerged, checks);
      return;
    }
    if (old !== undefined && !unmerged && isSame(old, to)) {
      if (this.#options.reset !== undefined && this.#options.update && !old.fresh && !old.skipWorktree) {
        this.#rewriteIfChanged(old, checks);
      }
      return;
    }
    this.#merged(row.path, to, old, unmerged, checks);
  }

  /** A hard reset writes the file again where it is not what it should be. */
  #rewriteIfChanged(entry: IndexEntry, checks: (() => Promise<void> | void)[]): void {
    const stat = this.#tree.hasSymlinkParent(entry.path) ? undefined : this.#tree.lstat(entry.path);
    const put = (): void => {
      this.#decisions.put.push({ entry, write: true });
      // A directory (a nested repository perhaps) in the place of the file, or a file above it.
      if (!isGitlinkMode(entry.mode)) this.#checkAbsent(entry.path, 'untracked-overwritten', checks, true);
    };
    if (isGitlinkMode(entry.mode)) {
      if (stat === undefined) put();
      return;
    }
    if (stat === undefined) {
      put();
      return;
    }
    const modified = this.#tree.isModified(entry, stat, { ignoreValid: true, ignoreSkip: true });
    if (isPromise(modified)) {
      checks.push(async () => {
        if (await modified) put();
      });
    } else if (modified) put();
    else if (this.#tree.changedByStat(entry, stat) !== 0) {
      const fresh = entry.withStat(stat);
      fresh.fresh = true;
      this.#index.refreshAt(this.#index.position(entry.path), fresh);
    } else entry.fresh = true;
  }

  #twoway(row: Row, checks: (() => Promise<void> | void)[]): void {
    const { index: current, unmerged } = row;
    const [from, to] = row.trees;
    if (current !== undefined) {
      if (unmerged) {
        if (sameItem(from, to) || this.#options.reset !== undefined) {
          if (to === undefined) this.#deleted(row.path, current, true, checks);
          else this.#merged(row.path, to, current, true, checks);
        } else this.#refuse('would-overwrite', row.path);
        return;
      }
      const keeps =
        (from === undefined && to === undefined) ||
        (from === undefined && to !== undefined && isSame(current, to)) ||
        (from !== undefined && to !== undefined && (sameItem(from, to) || isSame(current, to)));
      if (keeps) return;
      if (from !== undefined && to === undefined && isSame(current, from)) {
        this.#deleted(row.path, current, false, checks);
      } else if (from !== undefined && to !== undefined && isSame(current, from)) {
        this.#merged(row.path, to, current, false, checks);
      } else this.#refuse('would-overwrite', row.path);
      return;
    }
    if (to !== undefined) {
      if (from !== undefined && this.#options.initial !== true) {
        // Its deletion was staged.
        if (!sameItem(from, to)) this.#refuse('would-overwrite', row.path);
        return;
      }
      this.#merged(row.path, to, undefined, false, checks);
      return;
    }
    this.#deleted(row.path, undefined, false, checks);
  }

  #threeway(row: Row, checks: (() => Promise<void> | void)[]): void {
    const ancestors = row.trees.slice(0, -2);
    const head = row.trees[row.trees.length - 2];
    const remote = row.trees[row.trees.length - 1];
    const { unmerged } = row;
    const index = unmerged ? undefined : row.index;
    const { path } = row;
    const [headClashes, remoteClashes] = row.clashes ?? [false, false];
    const anyMissing = ancestors.some((item) => item === undefined);
    const noneExists = ancestors.every((item) => item === undefined);
    let headMatch = false;
    let remoteMatch = false;
    if (!sameItem(remote, head)) {
      headMatch = ancestors.some((item) => sameItem(item, head));
      remoteMatch = ancestors.some((item) => sameItem(item, remote));
    }
    // Where the index may be at the result already: only theirs changed.
    if (remote !== undefined && !headClashes && headMatch && !remoteMatch) {
      if (unmerged || (index !== undefined && !isSame(index, remote) && !(head !== undefined && isSame(index, head)))) {
        this.#refuse('would-overwrite', path);
      } else this.#merged(path, remote, index, false, checks);
      return;
    }
    if (unmerged || (index !== undefined && !(head !== undefined && isSame(index, head)))) {
      this.#refuse('would-overwrite', path);
      return;
    }
    if (head !== undefined) {
      if (sameItem(head, remote)) {
        this.#merged(path, head, index, false, checks);
        return;
      }
      if (!remoteClashes && remoteMatch && !headMatch) {
        this.#merged(path, head, index, false, checks);
        return;
      }
    }
    if (head === undefined && remote === undefined && anyMissing) return;
    if (this.#options.aggressive === true) {
      const gone =
        (head === undefined && remote === undefined) ||
        (head === undefined && remote !== undefined && remoteMatch) ||
        (remote === undefined && head !== undefined && headMatch);
      if (gone) {
        if (index !== undefined) this.#deleted(path, index, false, checks);
        else if (head !== undefined) this.#checkAbsent(path, 'untracked-removed', checks);
        return;
      }
      if (noneExists && head !== undefined && remote !== undefined && sameItem(head, remote)) {
        this.#merged(path, head, index, false, checks);
        return;
      }
    }
    if (index !== undefined) this.#checkUptodate(index, checks);
    this.#nontrivial = true;
    if (index !== undefined) this.#decisions.drop.push({ path, unlink: false, gitlink: false });
    if (!headMatch || !remoteMatch) {
      const base = ancestors.find((item) => item !== undefined);
      if (base !== undefined) this.#stage(path, base, 1);
    }
    if (head !== undefined) this.#stage(path, head, 2);
    if (remote !== undefined) this.#stage(path, remote, 3);
  }

  #stage(path: string, item: TreeItem, stage: number): void {
    this.#decisions.put.push({ entry: IndexEntry.create({ path, ...item, stage }), write: false });
  }

  /** `to` comes into the index (and its file into the work tree). */
  #merged(
    path: string,
    to: TreeItem,
    old: IndexEntry | undefined,
    unmerged: boolean,
    checks: (() => Promise<void> | void)[],
  ): void {
    if (!isSafePath(path)) throw new GitError('PATH_UNSAFE', `invalid path '${path}'`, { data: { path, as: 'error' } });
    let flags = 0;
    let write = true;
    if (old === undefined) {
      if (this.#options.outside?.(path) === true) flags = FLAG_SKIP_WORKTREE;
      else this.#checkAbsent(path, 'untracked-overwritten', checks);
    } else if (!unmerged) {
      if (isSame(old, to)) return; // the entry with its stat words stays
      this.#checkUptodate(old, checks);
      if (old.skipWorktree) {
        // The mark stays; without a sparse checkout the file is written all the same.
        flags = FLAG_SKIP_WORKTREE;
        if (!this.#isOutside(path)) {
          this.#decisions.put.push({ entry: IndexEntry.create({ path, ...to, flags }), write: true });
          return;
        }
      }
    }
    if (flags !== 0) write = false;
    const { mode, oid } = to;
    this.#decisions.put.push({ entry: IndexEntry.create({ path, mode, oid, flags }), write });
  }

  #deleted(path: string, old: IndexEntry | undefined, unmerged: boolean, checks: (() => Promise<void> | void)[]): void {
    if (old === undefined) {
      this.#checkAbsent(path, 'untracked-removed', checks);
      return;
    }
    if (!unmerged) this.#checkUptodate(old, checks);
    this.#decisions.drop.push({
      path,
      unlink: !(old.skipWorktree && this.#isOutside(path)),
      gitlink: isGitlinkMode(old.mode),
    });
  }

  /** Outside of a sparse checkout. A mark by hand alone keeps no file from being written. */
  #isOutside(path: string): boolean {
    return this.#options.outside?.(path) ?? this.#tree.repository.config.getBool('core.sparsecheckout', false);
  }

  // ---------------------------------------------------------------- what would be lost

  #refuse(kind: RefusalKind, path: string): void {
    const paths = this.#refused.get(kind);
    if (paths === undefined) this.#refused.set(kind, new Set([path]));
    else paths.add(path);
  }

  /** The file must be as the index has it. */
  #checkUptodate(entry: IndexEntry, checks: (() => Promise<void> | void)[]): void {
    const options = this.#options;
    if (options.indexOnly === true) return;
    if (!entry.assumeValid && !entry.skipWorktree && (options.reset !== undefined || entry.fresh)) return;
    if (entry.skipWorktree && this.#isOutside(entry.path)) return;
    checks.push(() => {
      if (this.#tree.hasSymlinkParent(entry.path)) return;
      const stat = this.#tree.lstat(entry.path);
      if (stat === undefined) return;
      if (isGitlinkMode(entry.mode)) {
        if (stat.kind !== 'directory') this.#refuse('not-uptodate-file', entry.path);
        return;
      }
      const modified =
        (options.statOnly === true && this.#tree.changedByStat(entry, stat) !== 0) ||
        this.#tree.isModified(entry, stat, { ignoreValid: true, ignoreSkip: true });
      const judge = (differs: boolean): void => {
        if (differs) this.#refuse('not-uptodate-file', entry.path);
      };
      return isPromise(modified) ? modified.then(judge) : judge(modified);
    });
  }

  /** Nothing that is not ours may be at the path, or be a file above it. */
  #checkAbsent(
    path: string,
    kind: 'untracked-overwritten' | 'untracked-removed',
    checks: (() => Promise<void> | void)[],
    tracked = false,
  ): void {
    const options = this.#options;
    if (options.indexOnly === true || !options.update) return;
    checks.push(() => {
      const slash = path.lastIndexOf('/');
      const above = slash < 0 ? '' : this.#directoryAt(path.slice(0, slash));
      if (above === undefined) return;
      if (above !== '') {
        this.#judgeFile(above, kind);
        return;
      }
      const stat = this.#tree.lstat(path);
      if (stat === undefined) return;
      if (stat.kind === 'directory') this.#judgeDirectory(path, kind);
      else if (!tracked) this.#judgeFile(path, kind);
    });
  }

  /** Directories looked at, while nothing is touched. */
  readonly #directories = new Map<string, string | undefined>();

  /** `''`: a directory, as all above it. Else the path of what is in its place, or `undefined` where nothing is. */
  #directoryAt(directory: string): string | undefined {
    if (this.#directories.has(directory)) return this.#directories.get(directory);
    const slash = directory.lastIndexOf('/');
    let found: string | undefined = slash < 0 ? '' : this.#directoryAt(directory.slice(0, slash));
    if (found === '') {
      const stat = this.#tree.lstat(directory);
      found = stat === undefined ? undefined : stat.kind === 'directory' ? '' : directory;
    }
    this.#directories.set(directory, found);
    return found;
  }

  #judgeFile(path: string, kind: RefusalKind): void {
    const options = this.#options;
    if (this.#gone.has(path) || options.reset === 'overwrite-untracked') return;
    if (this.#index.get(path) !== undefined && options.reset !== undefined) return;
    if (options.overwriteIgnored === true && this.#tree.ignores.isIgnored(path, false)) return;
    this.#refuse(kind, path);
  }

  #judgeDirectory(path: string, kind: RefusalKind): void {
    const options = this.#options;
    const { prefix, insideWorkTree } = this.#tree.repository;
    if (kind === 'untracked-overwritten' && insideWorkTree && prefix.startsWith(`${path}/`)) {
      this.#refuse('cwd-in-the-way', path);
      return;
    }
    if (options.reset === 'overwrite-untracked' || kind === 'untracked-removed') return;
    if (options.overwriteIgnored === true && this.#tree.ignores.isIgnored(path, true)) return;
    const ignores = options.overwriteIgnored === true ? this.#tree.ignores : undefined;
    const { untracked } = findUntrackedBelow(this.#tree, path, {
      ignores,
      collapse: false,
      hideEmpty: true,
      ignored: 'no',
    });
    if (untracked.length > 0) this.#refuse('not-uptodate-directory', path);
  }
}

const isSame = (entry: IndexEntry, item: TreeItem): boolean =>
  entry.mode === item.mode && entry.oid === item.oid && !entry.intentToAdd;

function sameItem(a: TreeItem | undefined, b: TreeItem | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.mode === b.mode && a.oid === b.oid;
}
