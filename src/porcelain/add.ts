import { breath } from '../base/breath.js';
import { GitError } from '../base/errors.js';
import { isGitlinkMode, isRegularMode } from '../objects/mode.js';
import type { ObjectStore } from '../objects/source.js';
import { itemMatches, type Pathspec } from '../repo/pathspec.js';
import { AddFailure, addFile, fatalAdd } from '../worktree/add-file.js';
import type { IndexEntry } from '../worktree/index-entry.js';
import { IndexEntry as Entry } from '../worktree/index-entry.js';
import { findUntracked } from '../worktree/untracked.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { storeForMany } from './bulk-blobs.js';

export interface AddOptions {
  readonly pathspec: Pathspec;
  /** Files that are not tracked yet are added. */
  readonly newFiles: boolean;
  /** Tracked files that are gone are removed from the index. */
  readonly removals: boolean;
  /** Tracked files that changed are taken over. */
  readonly updates: boolean;
  /** Also what is ignored. */
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly intentToAdd?: boolean;
  readonly renormalize?: boolean;
  readonly ignoreErrors?: boolean;
  /** In a dry run: paths that do not exist are only held against the ignore rules. */
  readonly ignoreMissing?: boolean;
  readonly executable?: boolean | undefined;
  /**
   * Without new files: words that name nothing at all are refused; `true`: those that name nothing tracked are listed in
   * `unmatched` too.
   */
  readonly strict?: boolean | undefined;
}

export interface AddAction {
  readonly action: 'add' | 'remove';
  readonly path: string;
}

export interface AddResult {
  readonly actions: readonly AddAction[];
  /** Paths that were named and are ignored: they were not added. */
  readonly ignored: readonly string[];
  /** Repositories inside this one that were added as such. */
  readonly embedded: readonly string[];
  /** What could not be added, in git's words, one entry an error line. */
  readonly failures: readonly string[];
  /** `--chmod` could not be applied to these. */
  readonly notFlipped: readonly string[];
  /** Words that only mean entries which are not checked out (`skip-worktree`). */
  readonly sparse: readonly string[];
  /** Words that named nothing tracked: what was done is not to be kept. */
  readonly unmatched: readonly string[];
}

/** Brings the index (in memory) up to the work tree. The caller holds the lock and writes it. `git add`. */
export async function addToIndex(tree: WorkTree, options: AddOptions): Promise<AddResult> {
  const run = new Adding(tree, options);
  await run.run();
  return run;
}

class Adding implements AddResult {
  readonly actions: AddAction[] = [];
  readonly ignored: string[] = [];
  readonly embedded: string[] = [];
  readonly failures: string[] = [];
  readonly notFlipped: string[] = [];
  readonly unmatched: string[] = [];
  readonly sparse: string[] = [];
  readonly #tree: WorkTree;
  readonly #options: AddOptions;
  #store: ObjectStore | undefined;

  constructor(tree: WorkTree, options: AddOptions) {
    this.#tree = tree;
    this.#options = options;
  }

  async run(): Promise<void> {
    const options = this.#options;
    this.#refuseStrangeWords();
    const fresh = options.newFiles ? this.#untracked() : [];
    if (options.newFiles) this.#checkWords(fresh);
    else if (options.strict !== undefined || options.renormalize === true) this.#checkTracked();
    if (options.renormalize === true) await this.#renormalize();
    else if (options.updates || options.removals) await this.#tracked();
    await this.#newFiles(fresh);
    if (options.executable !== undefined) this.#flip(options.executable);
  }

  async #newFiles(fresh: readonly string[]): Promise<void> {
    const writing = this.#options.dryRun !== true && this.#options.intentToAdd !== true;
    const many = storeForMany(this.#tree.repository, writing ? fresh.length : 0);
    this.#store = many.store;
    try {
      for (const path of fresh) {
        await this.#file(path);
        await breath(this.#tree.repository.objects.interrupt);
      }
      // The index that names them is written by the caller, afterwards.
      many.finish();
    } catch (error) {
      many.discard();
      throw error;
    } finally {
      this.#store = undefined;
    }
  }

  /** Words beyond a symbolic link, or inside a submodule. */
  #refuseStrangeWords(): void {
    for (const item of this.#options.pathspec.items) {
      if (item.exclude || item.match === '') continue;
      const path = item.match.endsWith('/') ? item.match.slice(0, -1) : item.match;
      for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
        const above = this.#tree.index.get(path.slice(0, slash));
        if (above !== undefined && isGitlinkMode(above.mode)) {
          throw new GitError('USAGE', `Pathspec '${item.original}' is in submodule '${above.path}'`);
        }
      }
      if (!item.wildcards && this.#tree.hasSymlinkParent(path)) {
        throw new GitError('USAGE', `pathspec '${item.original}' is beyond a symbolic link`);
      }
    }
  }

  #untracked(): string[] {
    const found = findUntracked(this.#tree, {
      pathspec: this.#options.pathspec,
      ignores: this.#options.force === true ? undefined : this.#tree.ignores,
      collapse: false,
      hideEmpty: true,
      ignored: 'no',
    });
    // The git directory is never looked into, even where it is named.
    return found.untracked.filter((path) => !/(?:^|\/)\.git(?:\/|$)/.test(path));
  }

  /** Every word must mean something; ignored paths that were named are reported. */
  #checkWords(fresh: readonly string[]): void {
    const { pathspec } = this.#options;
    // The walk asked about ignored files too; only what is going to be added counts.
    pathspec.seen.fill(0);
    for (const path of fresh) pathspec.matches(path.endsWith('/') ? path.slice(0, -1) : path, path.endsWith('/'));
    const { entries } = this.#tree.index;
    for (const entry of entries) if (!entry.skipWorktree) pathspec.matches(entry.path);
    for (const item of pathspec.unmatched()) {
      if (item.match === '') continue;
      if (entries.some((entry) => entry.skipWorktree && itemMatches(item, entry.path))) {
        this.sparse.push(item.original);
        continue;
      }
      const path = item.match.endsWith('/') ? item.match.slice(0, -1) : item.match;
      const literal = !item.glob && !item.ignoreCase;
      const stat = literal ? this.#tree.lstat(path) : undefined;
      const lenient = this.#options.ignoreMissing === true;
      if (this.#options.force !== true && (lenient || (literal && stat !== undefined))) {
        const rule = this.#ignoredPart(path, stat?.kind === 'directory');
        if (rule !== undefined) this.ignored.push(rule);
      }
      if (stat !== undefined || lenient) continue;
      throw new GitError('USAGE', `pathspec '${item.original}' did not match any files`);
    }
  }

  #checkTracked(): void {
    const { pathspec } = this.#options;
    pathspec.seen.fill(0);
    const { entries } = this.#tree.index;
    for (const entry of entries) if (!entry.skipWorktree) pathspec.matches(entry.path);
    for (const item of pathspec.unmatched()) {
      if (entries.some((entry) => entry.skipWorktree && itemMatches(item, entry.path))) {
        this.sparse.push(item.original);
        continue;
      }
      const named = !item.glob && !item.ignoreCase;
      const lenient = this.#options.ignoreMissing === true;
      if (item.match !== '' && !lenient && !(named && this.#tree.lstat(item.match) !== undefined)) {
        throw new GitError('USAGE', `pathspec '${item.original}' did not match any files`);
      }
      if (this.#options.strict === true) this.unmatched.push(item.original);
    }
  }

  /** The part of an ignored path that a rule names: the path, or a directory above it. */
  #ignoredPart(path: string, isDirectory: boolean): string | undefined {
    for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
      const above = path.slice(0, slash);
      if (this.#tree.ignores.isIgnored(above, true)) return above;
    }
    return this.#tree.ignores.isIgnored(path, isDirectory) ? path : undefined;
  }

  /** Tracked files: changed ones are taken over, missing ones removed. */
  async #tracked(): Promise<void> {
    const { pathspec } = this.#options;
    const tree = this.#tree;
    const gone = new Set<string>();
    let last: string | undefined;
    for (const entry of [...tree.index.entries]) {
      if (entry.path === last) continue;
      last = entry.path;
      if (!pathspec.matches(entry.path) || entry.skipWorktree) continue;
      if (entry.assumeValid && entry.stage === 0) continue;
      const stat = tree.hasSymlinkParent(entry.path) ? undefined : tree.lstat(entry.path);
      const away = stat === undefined || (stat.kind === 'directory' && this.#isPlainDirectory(entry));
      if (away) {
        if (!this.#options.removals) {
          if (entry.stage === 0) continue;
          throw new GitError('USAGE', `unable to stat '${entry.path}': No such file or directory`);
        }
        this.actions.push({ action: 'remove', path: entry.path });
        gone.add(entry.path);
        continue;
      }
      if (!this.#options.updates) continue;
      const touched = !isGitlinkMode(entry.mode) && tree.changedByStat(entry, stat) !== 0;
      if (entry.stage === 0 && !touched && !(await tree.isModified(entry, stat, {}))) {
        continue;
      }
      await this.#file(entry.path);
    }
    if (this.#options.dryRun !== true) tree.index.removeAll(gone);
  }

  #isPlainDirectory(entry: IndexEntry): boolean {
    return !isGitlinkMode(entry.mode) && this.#tree.fs.lstat(`${this.#tree.absolute(entry.path)}/.git`) === undefined;
  }

  async #renormalize(): Promise<void> {
    for (const entry of [...this.#tree.index.entries]) {
      if (entry.stage !== 0 || !isRegularMode(entry.mode) || entry.skipWorktree) continue;
      if (!this.#options.pathspec.matches(entry.path)) continue;
      const stat = this.#tree.lstat(entry.path);
      if (stat === undefined) continue;
      await this.#file(entry.path);
    }
  }

  async #file(word: string): Promise<void> {
    const options = this.#options;
    const path = word.endsWith('/') ? word.slice(0, -1) : word;
    const stat = this.#tree.lstat(path);
    if (stat === undefined) return;
    const known = this.#tree.index.has(path);
    try {
      const { entry, changed } = await addFile(this.#tree, path, stat, {
        dryRun: options.dryRun === true,
        intentToAdd: options.intentToAdd === true,
        renormalize: options.renormalize === true,
        executable: options.executable,
        store: this.#store,
      });
      // Where only the intent is noted git does not look whether a tracked file is another one.
      if (changed || !known || options.intentToAdd === true) this.actions.push({ action: 'add', path });
      if (isGitlinkMode(entry.mode) && !known) this.embedded.push(path);
    } catch (error) {
      if (!(error instanceof AddFailure)) throw error;
      if (options.ignoreErrors !== true)
        throw fatalAdd(error, options.newFiles && !known ? 'adding files failed' : 'updating files failed');
      this.failures.push(...error.message.split('\n'));
    }
  }

  #flip(executable: boolean): void {
    const { index } = this.#tree;
    for (const entry of [...index.entries]) {
      if (!this.#options.pathspec.matches(entry.path)) continue;
      const mode = executable ? 0o100755 : 0o100644;
      if (!isRegularMode(entry.mode)) this.notFlipped.push(entry.path);
      else if (entry.mode !== mode && this.#options.dryRun !== true) {
        index.add(Entry.create({ path: entry.path, mode, oid: entry.oid, stage: entry.stage, flags: entry.flags }));
      }
    }
  }
}
