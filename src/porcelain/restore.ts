import { isPromise } from '../base/awaitable.js';
import { compareText, emptyBytes } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { mergeContent } from '../merge/text.js';
import { isGitlinkMode, isRegularMode } from '../objects/mode.js';
import type { Pathspec } from '../repo/pathspec.js';
import { CheckoutWriter, FileRemover } from '../worktree/checkout-writer.js';
import type { SmudgeOptions } from '../worktree/convert.js';
import { IndexEntry } from '../worktree/index-entry.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { readTreeEntries } from '../worktree/write-tree.js';
import { conflictStyle } from './merge-settings.js';
import { MergeDrivers } from './merge-drivers.js';
import { mergeSettings } from './merge-settings.js';

export interface RestoreOptions {
  readonly pathspec: Pathspec;
  /** From this tree instead of the index. */
  readonly source?: Oid<'tree'> | undefined;
  readonly staged: boolean;
  readonly worktree: boolean;
  /** Paths that the source does not have stay (`checkout`); otherwise they are removed (`restore`). */
  readonly overlay: boolean;
  readonly ours?: boolean;
  readonly theirs?: boolean;
  /** Make the conflict again (`-m`, `--conflict`). */
  readonly merge?: boolean;
  readonly style?: string | undefined;
  readonly ignoreUnmerged?: boolean;
  readonly quiet?: boolean;
  /** Also entries outside of a sparse checkout. */
  readonly ignoreSkipBits?: boolean;
  readonly meta?: SmudgeOptions;
}

export interface RestoreResult {
  /** Lines for `error: …`; when there are any before something was written, nothing was. */
  readonly errors: readonly string[];
  readonly failed: boolean;
  readonly updated: number;
  readonly recreated: number;
  /** Of the paths named; pathspecs that matched nothing. */
  readonly unmatched: readonly string[];
}

/** Takes named paths from the index or a tree into index and work tree. The caller holds the index's lock. */
export async function restorePaths(tree: WorkTree, options: RestoreOptions): Promise<RestoreResult> {
  const run = new Restoring(tree, options);
  return run.run();
}

class Restoring {
  readonly #tree: WorkTree;
  readonly #options: RestoreOptions;
  readonly #errors: string[] = [];
  #updated = 0;
  #recreated = 0;

  constructor(tree: WorkTree, options: RestoreOptions) {
    this.#tree = tree;
    this.#options = options;
  }

  #result(unmatched: readonly string[] = []): RestoreResult {
    return {
      errors: this.#errors,
      failed: this.#errors.length > 0 || unmatched.length > 0,
      updated: this.#updated,
      recreated: this.#recreated,
      unmatched,
    };
  }

  async run(): Promise<RestoreResult> {
    const { pathspec, source, overlay } = this.#options;
    const { index } = this.#tree;
    const fromSource = new Map<string, IndexEntry>();
    if (source !== undefined) {
      for (const entry of await readTreeEntries(this.#tree.repository.objects, source)) {
        if (pathspec.matches(entry.path)) fromSource.set(entry.path, entry);
      }
    }
    const chosen: string[] = [];
    let last: string | undefined;
    for (const entry of index.entries) {
      if (entry.path === last) continue;
      last = entry.path;
      if (entry.skipWorktree && this.#options.ignoreSkipBits !== true && !fromSource.has(entry.path)) continue;
      if (source !== undefined && overlay && !fromSource.has(entry.path)) continue;
      if (pathspec.matches(entry.path)) chosen.push(entry.path);
    }
    const unmatched = pathspec.unmatched({ exclusions: true });
    if (unmatched.length > 0) return this.#result(unmatched.map((item) => item.original));
    const paths = new Set(chosen);
    for (const path of fromSource.keys()) paths.add(path);
    const targets = new Map<string, IndexEntry | undefined>();
    for (const path of [...paths].sort(compareText)) targets.set(path, undefined);
    if (source !== undefined) for (const [path, entry] of fromSource) targets.set(path, entry);
    if (source === undefined && !this.#checkUnmerged(chosen)) return this.#result();
    if (source !== undefined) await this.#fromTree(targets);
    else await this.#fromIndex(chosen);
    return this.#result();
  }

  /** Conflicts can only be checked out as one side, or as the conflict itself. */
  #checkUnmerged(paths: readonly string[]): boolean {
    const { index } = this.#tree;
    const options = this.#options;
    if (!options.worktree) return true;
    let good = true;
    for (const path of paths) {
      const stages = index.stages(path);
      if (stages[0]?.stage === 0) continue;
      if (options.ignoreUnmerged === true) {
        if (options.ours !== true && options.theirs !== true && options.merge !== true) {
          if (options.quiet !== true) this.#tree.warn(`path '${path}' is unmerged`);
        }
      } else if (options.ours === true || options.theirs === true) {
        const wanted = options.ours === true ? 2 : 3;
        if (!stages.some((entry) => entry.stage === wanted) && options.overlay) {
          this.#errors.push(`path '${path}' does not have ${options.ours === true ? 'our' : 'their'} version`);
          good = false;
        }
      } else if (options.merge === true) {
        if (!(stages.some((entry) => entry.stage === 2) && stages.some((entry) => entry.stage === 3))) {
          this.#errors.push(`path '${path}' does not have all necessary versions`);
          good = false;
        }
      } else {
        this.#errors.push(`path '${path}' is unmerged`);
        good = false;
      }
    }
    return good;
  }

  async #fromIndex(paths: readonly string[]): Promise<void> {
    const { index } = this.#tree;
    const options = this.#options;
    if (!options.worktree) return;
    const writer = new CheckoutWriter(this.#tree, options.meta);
    const remover = new FileRemover(this.#tree);
    for (const path of paths) {
      const stages = index.stages(path);
      const [first] = stages;
      if (first === undefined) continue;
      if (first.stage === 0) {
        if (first.intentToAdd) {
          // What is only intended has no content to restore.
          continue;
        }
        await this.#write(writer, first, (fresh) => this.#record(fresh));
        continue;
      }
      if (options.ours === true || options.theirs === true) {
        const wanted = stages.find((entry) => entry.stage === (options.ours === true ? 2 : 3));
        if (wanted === undefined) {
          if (!options.overlay) remover.remove(path);
          continue;
        }
        await this.#write(writer, wanted);
      } else if (options.merge === true) await this.#conflict(writer, path, stages);
    }
    await writer.finishDelayed();
    remover.finish();
  }

  async #fromTree(targets: ReadonlyMap<string, IndexEntry | undefined>): Promise<void> {
    const { index } = this.#tree;
    const options = this.#options;
    const writer = new CheckoutWriter(this.#tree, options.meta);
    const remover = new FileRemover(this.#tree);
    const put: IndexEntry[] = [];
    const drop = new Set<string>();
    for (const [path, entry] of targets) {
      if (entry === undefined) {
        if (options.overlay) continue;
        const old = index.stages(path)[0];
        if (old === undefined) continue;
        if (options.staged) drop.add(path);
        if (options.worktree) {
          remover.remove(path, isGitlinkMode(old.mode));
          this.#updated++;
        } else this.#updated++;
        continue;
      }
      const old = index.get(path);
      const same = old !== undefined && old.mode === entry.mode && old.sameOid(entry) && !old.intentToAdd;
      if (options.staged && !same) put.push(old?.skipWorktree === true ? entry.withFlags(old.flags) : entry);
      if (!options.worktree) {
        if (!same) this.#updated++;
        continue;
      }
      if (old?.skipWorktree === true && options.ignoreSkipBits !== true) continue;
      const place = put.length - 1;
      await this.#write(writer, same ? old : entry, (fresh) => {
        if (!options.staged) return;
        if (same) this.#record(fresh);
        else put[place] = fresh;
      });
    }
    await writer.finishDelayed();
    remover.finish();
    index.removeAll(drop);
    index.addAll(put);
  }

  #record(fresh: IndexEntry): void {
    const { index } = this.#tree;
    index.refreshAt(index.position(fresh.path), fresh);
  }

  /** Writes one file unless it is right already; `record` gets the entry with the new stat words. */
  async #write(writer: CheckoutWriter, entry: IndexEntry, record?: (fresh: IndexEntry) => void): Promise<void> {
    const tree = this.#tree;
    const stat = tree.hasSymlinkParent(entry.path) ? undefined : tree.lstat(entry.path);
    if (stat !== undefined && entry.stage === 0 && (entry.size !== 0 || entry.mtimeSeconds !== 0)) {
      const modified = tree.isModified(entry, stat, { ignoreValid: true, ignoreSkip: true });
      if (!(isPromise(modified) ? await modified : modified)) return;
    }
    if (isGitlinkMode(entry.mode) && stat?.kind === 'directory') return;
    await writer.deliver(entry, (_, outcome) => {
      if (!outcome.ok) {
        this.#errors.push(outcome.message);
        return;
      }
      this.#updated++;
      if (isGitlinkMode(entry.mode)) return;
      const fresh = entry.withStat(outcome.stat);
      fresh.fresh = true;
      record?.(fresh);
    });
  }

  /** Writes the conflict of a path again. */
  async #conflict(writer: CheckoutWriter, path: string, stages: readonly IndexEntry[]): Promise<void> {
    const { repository } = this.#tree;
    const read = async (stage: number): Promise<Uint8Array> => {
      const entry = stages.find((one) => one.stage === stage);
      if (entry === undefined || !isRegularMode(entry.mode)) return emptyBytes;
      const object = await repository.objects.read(entry.oid);
      return object?.data ?? emptyBytes;
    };
    const base = stages.find((entry) => entry.stage === 1);
    const [ancestor, ours, theirs] = [await read(1), await read(2), await read(3)];
    const settings = mergeSettings(repository.config, { porcelain: false });
    const style = this.#options.style ?? conflictStyle(repository.config);
    const drivers = new MergeDrivers(
      repository,
      { ...settings, style: style as typeof settings.style },
      {
        attributes: (name) => this.#tree.attributes.of(name),
        warn: this.#tree.warn,
      },
    );
    const merged = await drivers.driverFor(path)(
      { ours, theirs, base: async () => (base === undefined ? undefined : ancestor) },
      { path, labels: { base: 'base', ours: 'ours', theirs: 'theirs' }, depth: 0, nesting: 0 },
    );
    const data = merged.value ?? mergeContent(ancestor, ours, theirs).bytes;
    const mode = stages.find((entry) => entry.stage === 2)?.mode ?? 0o100644;
    const oid = await repository.objects.write('blob', data);
    const outcome = await writer.writeContent(IndexEntry.create({ path, mode, oid }), data);
    if (outcome.ok) this.#recreated++;
    else this.#errors.push(outcome.message);
  }
}

/** Brings back conflicts that were resolved, from what the index remembers, for `checkout -m`. */
export function unresolve(tree: WorkTree, pathspec: Pathspec): void {
  const { index } = tree;
  for (const [path, sides] of index.resolveUndo ?? []) {
    if (!pathspec.matches(path)) continue;
    index.resolveUndo!.delete(path);
    const undo = index.resolveUndo;
    index.remove(path);
    index.resolveUndo = undo;
    sides.forEach((side, i) => {
      if (side !== undefined) {
        index.add(IndexEntry.create({ path, mode: side.mode, oid: side.oid, stage: i + 1 }), { unchecked: true });
      }
    });
  }
}
