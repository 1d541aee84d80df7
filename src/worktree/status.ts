import { repositoryVariables } from '../repo/local-environment.js';
import { isPromise } from '../base/awaitable.js';
import { compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { traceData, traceRegion } from '../base/trace.js';
import { zeroOid } from '../base/oid.js';
import type { DiffSide, FilePair } from '../diff/pair.js';
import { ObjectSide } from '../diff/pair.js';
import { detectRenames } from '../diff/renames.js';
import { canonicalMode, isGitlinkMode, isRegularMode, sameType } from '../objects/mode.js';
import type { FileStat } from '../platform/fs.js';
import type { Pathspec } from '../repo/pathspec.js';
import { openRepository } from '../repo/repository.js';
import { findUntrackedByCache } from './cached-walk.js';
import { nestedGitDirectory, nestedHead } from './gitlink.js';
import { diffIndexWithTree } from './index-diff.js';
import type { IndexEntry } from './index-entry.js';
import { modeFromStat } from './stat-match.js';
import { findUntracked } from './untracked.js';
import { WorkTree } from './work-tree.js';

export type SubmoduleIgnore = 'none' | 'untracked' | 'dirty' | 'all';

export interface StatusOptions {
  /** What HEAD has; `undefined` before the first commit. */
  readonly head: Oid<'tree'> | undefined;
  readonly pathspec?: Pathspec | undefined;
  readonly untracked?: 'no' | 'normal' | 'all';
  readonly ignored?: 'no' | 'traditional' | 'matching';
  readonly renames?: 'none' | 'renames' | 'copies';
  /** 0 to 60,000. */
  readonly renameScore?: number | undefined;
  readonly renameLimit?: number | undefined;
  /** Instead of configuration and `.gitmodules`. */
  readonly ignoreSubmodules?: SubmoduleIgnore | undefined;
  /** Decides per submodule where `ignoreSubmodules` is not given. */
  readonly submoduleIgnore?: ((path: string) => SubmoduleIgnore) | undefined;
}

export interface SubmoduleState {
  readonly newCommits: boolean;
  readonly modified: boolean;
  readonly untracked: boolean;
}

/** One changed path. Letters are git's: `M T A D R C`, or a space. */
export interface StatusItem {
  readonly path: string;
  /** HEAD against index. */
  readonly staged: string;
  /** Index against work tree. */
  readonly unstaged: string;
  /** Where a staged rename or copy comes from, and its likeness in percent. */
  readonly from?: string | undefined;
  readonly score?: number | undefined;
  /** The same between index and work tree (only files that are intended to be added). */
  readonly workFrom?: string | undefined;
  readonly workScore?: number | undefined;
  readonly headMode: number;
  readonly headOid: Oid;
  readonly indexMode: number;
  readonly indexOid: Oid;
  readonly workMode: number;
  readonly submodule?: SubmoduleState | undefined;
  /** The stages of a conflict, if it is one: `staged` and `unstaged` are then git's two letters (`UU`, `AA`, …). */
  readonly stages?: readonly (IndexEntry | undefined)[] | undefined;
}

export interface Status {
  /** In order of paths. */
  readonly items: readonly StatusItem[];
  readonly untracked: readonly string[];
  readonly ignored: readonly string[];
}

interface Draft {
  path: string;
  staged: string;
  unstaged: string;
  from?: string | undefined;
  score?: number | undefined;
  workFrom?: string | undefined;
  workScore?: number | undefined;
  headMode: number;
  headOid: Oid;
  indexMode: number;
  indexOid: Oid;
  workMode: number;
  submodule?: SubmoduleState | undefined;
  stages?: (IndexEntry | undefined)[] | undefined;
}

/**
 * Compares HEAD with the index and the index with the work tree, and looks for untracked files. Entries whose files
 * turned out to be unchanged get fresh stat words (`tree.index.changed`); writing them is the caller's choice.
 */
export async function readStatus(tree: WorkTree, options: StatusOptions): Promise<Status> {
  const run = new StatusRun(tree, options);
  await run.worktree();
  await run.index();
  const items = run.items();
  const untracked = options.untracked ?? 'normal';
  if (untracked === 'no') return { items, untracked: [], ignored: [] };
  const found = await traceRegion('status', 'untracked', () =>
    traceRegion('dir', 'read_directory', async () => lookForUntracked(tree, untracked, options)),
  );
  return { items, ...found };
}

function lookForUntracked(
  tree: WorkTree,
  untracked: 'normal' | 'all',
  options: StatusOptions,
): Pick<Status, 'untracked' | 'ignored'> {
  const collapse = untracked === 'normal';
  traceData('read_directory', 'path', '');
  if ((options.ignored ?? 'no') === 'no' && (options.pathspec?.isEmpty ?? true)) {
    const cached = findUntrackedByCache(tree, collapse);
    if (cached !== undefined) return { untracked: cached, ignored: [] };
  }
  const found = findUntracked(tree, {
    pathspec: options.pathspec,
    ignores: tree.ignores,
    collapse,
    hideEmpty: true,
    ignored: options.ignored ?? 'no',
  });
  return { untracked: found.untracked, ignored: found.ignored };
}

class StatusRun {
  readonly #tree: WorkTree;
  readonly #options: StatusOptions;
  readonly #zero: Oid;
  readonly #drafts = new Map<string, Draft>();

  constructor(tree: WorkTree, options: StatusOptions) {
    this.#tree = tree;
    this.#options = options;
    this.#zero = zeroOid(tree.repository.objectFormat);
  }

  #draft(path: string): Draft {
    let draft = this.#drafts.get(path);
    if (draft === undefined) {
      draft = {
        path,
        staged: ' ',
        unstaged: ' ',
        headMode: 0,
        headOid: this.#zero,
        indexMode: 0,
        indexOid: this.#zero,
        workMode: 0,
      };
      this.#drafts.set(path, draft);
    }
    return draft;
  }

  items(): StatusItem[] {
    return [...this.#drafts.values()].sort((a, b) => compareText(a.path, b.path));
  }

  // ---------------------------------------------------------------- index against files

  async worktree(): Promise<void> {
    const { index } = this.#tree;
    const pathspec = this.#options.pathspec?.isEmpty === true ? undefined : this.#options.pathspec;
    const intended: IndexEntry[] = [];
    // Nearly all files are clean, and nearly always their stat words say so.
    if (pathspec === undefined) this.#tree.markClean();
    for (let i = index.nextStale(0), count = index.count; i < count; i = index.nextStale(i + 1)) {
      const entry = index.entryAt(i);
      if (pathspec !== undefined && !pathspec.matches(entry.path)) continue;
      if ((entry.flags & 0x3000) !== 0) {
        const stages: (IndexEntry | undefined)[] = [undefined, undefined, undefined];
        let k = i;
        for (; k < count && index.pathAt(k) === entry.path; k++) stages[index.stageAt(k) - 1] = index.entryAt(k);
        i = k - 1;
        this.#conflict(entry.path, stages);
        continue;
      }
      if (entry.fresh) continue;
      if ((entry.flags & 0x8000) !== 0 || entry.skipWorktree) continue;
      const done = this.#file(entry, i, intended);
      if (isPromise(done)) await done;
    }
    if (intended.length > 0) await this.#intendedRenames(intended);
  }

  #conflict(path: string, stages: (IndexEntry | undefined)[]): void {
    const draft = this.#draft(path);
    const mask =
      (stages[0] === undefined ? 0 : 1) + (stages[1] === undefined ? 0 : 2) + (stages[2] === undefined ? 0 : 4);
    const letters = ['', 'DD', 'AU', 'UD', 'UA', 'DU', 'AA', 'UU'][mask]!;
    draft.staged = letters[0]!;
    draft.unstaged = letters[1]!;
    draft.stages = stages;
    const stat = this.#tree.lstat(path);
    draft.workMode = stat === undefined ? 0 : modeFromStat(stat, this.#tree.rules, stages[1]?.mode ?? stages[2]?.mode);
  }

  #file(entry: IndexEntry, at: number, intended: IndexEntry[]): void | Promise<void> {
    const tree = this.#tree;
    const { path } = entry;
    const stat = path.includes('/') && tree.hasSymlinkParent(path) ? undefined : tree.lstat(path);
    if (stat === undefined || (stat.kind === 'directory' && !isGitlinkMode(entry.mode) && !this.#isRepository(path))) {
      this.#unstaged(entry, 'D', 0);
      return;
    }
    if (isGitlinkMode(entry.mode)) return this.#submodule(entry, stat);
    if (entry.intentToAdd) {
      intended.push(entry);
      this.#unstaged(entry, 'A', modeFromStat(stat, tree.rules, entry.mode));
      return;
    }
    const changed = tree.changedByStat(entry, stat);
    if (changed === 0 && !tree.index.isRacy(entry)) return;
    const modified = tree.isModified(entry, stat);
    const settle = (differs: boolean): void => {
      if (!differs) {
        if (changed !== 0) {
          const fresh = entry.withStat(stat);
          fresh.fresh = true;
          tree.index.refreshAt(at, fresh);
        }
        return;
      }
      const mode = modeFromStat(stat, tree.rules, entry.mode);
      this.#unstaged(entry, sameType(mode, entry.mode) ? 'M' : 'T', mode);
    };
    return isPromise(modified) ? modified.then(settle) : settle(modified);
  }

  #isRepository(path: string): boolean {
    return nestedGitDirectory(this.#tree.fs, this.#tree.absolute(path)) !== undefined;
  }

  #unstaged(entry: IndexEntry, letter: string, mode: number): Draft {
    const draft = this.#draft(entry.path);
    draft.unstaged = letter;
    draft.workMode = mode;
    if (!entry.intentToAdd) {
      draft.indexMode = entry.mode;
      draft.indexOid = entry.oid;
    }
    return draft;
  }

  async #submodule(entry: IndexEntry, stat: FileStat): Promise<void> {
    const tree = this.#tree;
    const ignore = this.#options.ignoreSubmodules ?? this.#options.submoduleIgnore?.(entry.path) ?? 'none';
    if (stat.kind !== 'directory') {
      this.#unstaged(entry, 'T', modeFromStat(stat, tree.rules));
      return;
    }
    if (ignore === 'all') return;
    const state = await submoduleState(tree, entry, ignore);
    if (!state.newCommits && !state.modified && !state.untracked) return;
    const draft = this.#unstaged(entry, 'M', entry.mode);
    draft.submodule = state;
  }

  /** A file that is intended to be added may be one that was deleted, under a new name. */
  async #intendedRenames(intended: readonly IndexEntry[]): Promise<void> {
    const tree = this.#tree;
    const find = this.#options.renames ?? 'renames';
    if (find === 'none') return;
    const deleted = [...this.#drafts.values()].filter((draft) => draft.unstaged === 'D');
    if (deleted.length === 0) return;
    const { objects } = tree.repository;
    const nothing = (path: string): DiffSide => new ObjectSide(objects, path, 0, this.#zero);
    const pairs: FilePair[] = deleted.map((draft) => ({
      status: 'D',
      old: new ObjectSide(objects, draft.path, draft.indexMode, draft.indexOid),
      new: nothing(draft.path),
      score: 0,
    }));
    for (const entry of intended) {
      pairs.push({ status: 'A', old: nothing(entry.path), new: workSide(tree, entry.path, this.#zero), score: 0 });
    }
    const found = await detectRenames(pairs, {
      find,
      minimumScore: this.#options.renameScore,
      limit: this.#options.renameLimit,
    });
    for (const pair of found.pairs) {
      if (pair.status !== 'R' && pair.status !== 'C') continue;
      const draft = this.#draft(pair.new.path);
      const source = this.#drafts.get(pair.old.path);
      draft.unstaged = pair.status;
      draft.workFrom = pair.old.path;
      draft.workScore = Math.floor((pair.score * 100) / 60000);
      draft.indexMode = pair.old.mode;
      draft.indexOid = pair.old.oid;
      draft.headMode = draft.indexMode;
      draft.headOid = draft.indexOid;
      if (pair.status === 'R' && source?.staged === ' ') this.#drafts.delete(pair.old.path);
    }
  }

  // ---------------------------------------------------------------- HEAD against index

  async index(): Promise<void> {
    const tree = this.#tree;
    const { objects } = tree.repository;
    const pathspec = this.#options.pathspec?.isEmpty === true ? undefined : this.#options.pathspec;
    const pairs: FilePair[] = [];
    const changes = await diffIndexWithTree(objects, tree.index, this.#options.head, { intentInvisible: true });
    for (const { path, oldMode, oldOid, entry, stages } of changes) {
      if (stages !== undefined || (pathspec !== undefined && !pathspec.matches(path))) continue;
      if (entry === undefined && oldMode === 0) continue;
      const mode = oldMode === 0 ? 0 : canonicalMode(oldMode);
      const old = new ObjectSide(objects, path, mode, oldOid ?? this.#zero);
      const fresh = new ObjectSide(objects, path, entry?.mode ?? 0, entry?.oid ?? this.#zero);
      if (this.#options.ignoreSubmodules === 'all' && (isGitlinkMode(mode) || isGitlinkMode(fresh.mode))) continue;
      const status = mode === 0 ? 'A' : entry === undefined ? 'D' : sameType(mode, entry.mode) ? 'M' : 'T';
      pairs.push({ status, old, new: fresh, score: 0 });
    }
    const find = this.#options.renames ?? 'renames';
    const paired =
      find === 'none' || pairs.length < 2
        ? pairs
        : (
            await detectRenames(pairs, {
              find,
              minimumScore: this.#options.renameScore,
              limit: this.#options.renameLimit,
            })
          ).pairs;
    for (const pair of paired) this.#staged(pair);
    // Unstaged changes of entries that HEAD has unchanged still show HEAD's side.
    for (const draft of this.#drafts.values()) {
      if (draft.staged === ' ' && draft.unstaged !== 'A' && draft.workFrom === undefined && draft.headMode === 0) {
        draft.headMode = draft.indexMode;
        draft.headOid = draft.indexOid;
      }
    }
  }

  #staged(pair: FilePair): void {
    const path = pair.status === 'D' ? pair.old.path : pair.new.path;
    const draft = this.#draft(path);
    draft.staged = pair.status;
    if (pair.status !== 'A') {
      draft.headMode = pair.old.mode;
      draft.headOid = pair.old.oid;
    }
    if (pair.status === 'R' || pair.status === 'C') {
      draft.from = pair.old.path;
      draft.score = Math.floor((pair.score * 100) / 60000);
    }
    if (pair.status === 'D') {
      draft.indexMode = 0;
      draft.indexOid = this.#zero;
      if (draft.unstaged === ' ') draft.workMode = 0;
      return;
    }
    draft.indexMode = pair.new.mode;
    draft.indexOid = pair.new.oid;
    if (draft.unstaged === ' ') draft.workMode = pair.new.mode;
  }
}

/** A file of the work tree as a side of a comparison; its content is converted as if it were stored. */
function workSide(tree: WorkTree, path: string, zero: Oid, old?: IndexEntry): DiffSide {
  const stat = tree.lstat(path);
  const mode = stat === undefined ? 0 : modeFromStat(stat, tree.rules, old?.mode);
  return {
    path,
    mode,
    oid: zero,
    async read() {
      if (stat === undefined) return new Uint8Array(0);
      return (await tree.readClean(path, stat, old)) ?? new Uint8Array(0);
    },
    size: () => (isRegularMode(mode) ? undefined : stat?.size),
  };
}

/** How a submodule differs from its entry: another commit, changed or untracked files in it. */
export async function submoduleState(
  tree: WorkTree,
  entry: IndexEntry,
  ignore: SubmoduleIgnore,
): Promise<SubmoduleState> {
  const directory = tree.absolute(entry.path);
  const head = nestedHead(tree.fs, directory);
  const newCommits = head !== undefined && head !== entry.oid;
  if (ignore === 'dirty' || head === undefined) return { newCommits, modified: false, untracked: false };
  const env: Record<string, string | undefined> = { ...tree.repository.env };
  for (const name of Object.keys(env)) if (localVariables.has(name)) delete env[name];
  try {
    const nested = openRepository({ platform: tree.repository.platform, env, cwd: directory });
    const inside = new WorkTree(nested);
    const commit = await nested.objects.read(head);
    if (commit === undefined) return { newCommits, modified: false, untracked: false };
    const root = new TextDecoder().decode(commit.data.subarray(5, commit.data.indexOf(10))) as Oid<'tree'>;
    const status = await readStatus(inside, {
      head: root,
      untracked: ignore === 'untracked' ? 'no' : 'normal',
      renames: 'none',
    });
    const deep = status.items.some(
      (item) => item.submodule?.untracked === true && !item.submodule.modified && !item.submodule.newCommits,
    );
    const modified = status.items.some(
      (item) =>
        item.submodule === undefined || item.submodule.modified || item.submodule.newCommits || item.staged !== ' ',
    );
    nested.close();
    return { newCommits, modified, untracked: status.untracked.length > 0 || deep };
  } catch (error) {
    if (error instanceof GitError) return { newCommits, modified: false, untracked: false };
    throw error;
  }
}

/** Variables that belong to one repository and must not reach another. */
export const localVariables: ReadonlySet<string> = new Set([...repositoryVariables, 'GIT_INTERNAL_SUPER_PREFIX']);
