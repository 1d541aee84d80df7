import { isPromise, type Awaitable } from '../base/awaitable.js';
import { emptyBytes, encodeText, type Bytes } from '../base/bytes.js';
import { zeroOid, type Oid } from '../base/oid.js';
import type { CombinedPath } from '../diff/combined.js';
import { ObjectSide, type DiffSide, type FilePair } from '../diff/pair.js';
import {
  isGitlinkMode,
  isRegularMode,
  isSymlinkMode,
  MODE_EXECUTABLE,
  MODE_FILE,
  MODE_GITLINK,
  MODE_SYMLINK,
  sameType,
} from '../objects/mode.js';
import type { FileStat } from '../platform/fs.js';
import type { Pathspec } from '../repo/pathspec.js';
import { nestedHead } from '../worktree/gitlink.js';
import { diffIndexWithTree } from '../worktree/index-diff.js';
import type { IndexEntry } from '../worktree/index-entry.js';
import { CHANGED_TIME } from '../worktree/stat-match.js';
import { submoduleState, type SubmoduleIgnore } from '../worktree/status.js';
import type { WorkTree } from '../worktree/work-tree.js';

export interface WorkTreePairsOptions {
  readonly pathspec?: Pathspec | undefined;
  /** Report unmodified files too. */
  readonly unmodified?: boolean | undefined;
  /** Entries only intended to be added do not exist in the index; on by default. */
  readonly intentInvisible?: boolean | undefined;
  /** How much of a submodule counts; all of it by default. */
  readonly submoduleIgnore?: ((path: string) => SubmoduleIgnore) | undefined;
}

/** A file of the work tree as one side of a pair. */
class WorkTreeSide implements DiffSide {
  #content: Awaitable<Bytes> | undefined;

  constructor(
    private readonly tree: WorkTree,
    readonly path: string,
    readonly mode: number,
    public oid: Oid,
    private readonly stat: FileStat | undefined,
    readonly dirt?: Dirt | undefined,
  ) {}

  learned = false;

  learn(oid: Oid): void {
    this.oid = oid;
    this.learned = true;
  }

  /** Programs may read a plain file where it is. */
  get file(): string | undefined {
    return isRegularMode(this.mode) ? this.path : undefined;
  }

  get dirty(): boolean {
    return this.dirt !== undefined;
  }

  read(): Awaitable<Bytes> {
    this.#content ??= this.load();
    return this.#content;
  }

  private load(): Awaitable<Bytes> {
    const { tree, path, mode } = this;
    if (mode === 0) return emptyBytes;
    if (isGitlinkMode(mode)) {
      const head = nestedHead(tree.fs, tree.absolute(path)) ?? this.oid;
      return encodeText(`Subproject commit ${head}${this.dirty ? '-dirty' : ''}\n`);
    }
    const stat = this.stat ?? tree.lstat(path);
    if (stat === undefined) return emptyBytes;
    const content = tree.readClean(path, stat, undefined, { checkSafe: 'warn' });
    return isPromise(content) ? content.then((bytes) => bytes ?? emptyBytes) : (content ?? emptyBytes);
  }
}

/** The id of a side's content: what the object would be called. */
export function identifySide(tree: WorkTree, side: DiffSide): Awaitable<Oid> {
  if (isGitlinkMode(side.mode)) return nestedHead(tree.fs, tree.absolute(side.path)) ?? side.oid;
  const hash = (bytes: Bytes): Oid => tree.repository.platform.hashObject(tree.repository.objectFormat, 'blob', bytes);
  const content = side.read();
  return isPromise(content) ? content.then(hash) : hash(content);
}

/** Whether the file of the work tree at a side's path is, byte for byte, the side's object, as the index says of it. */
export async function holdsObject(tree: WorkTree, side: DiffSide): Promise<boolean> {
  if (!isRegularMode(side.mode)) return false;
  const entry = tree.index.get(side.path);
  if (entry === undefined || entry.oid !== side.oid || entry.assumeValid || entry.skipWorktree) return false;
  const stat = presentStat(tree, entry);
  if (stat?.kind !== 'file' || (await differs(tree, entry, stat))) return false;
  const bytes = tree.fs.readFile(tree.absolute(side.path));
  const { platform, objectFormat } = tree.repository;
  return bytes !== undefined && platform.hashObject(objectFormat, 'blob', bytes) === side.oid;
}

/** The mode that a file on disk has for git, next to its entry where the file system cannot tell. */
function modeOf(tree: WorkTree, entry: IndexEntry, stat: FileStat): number {
  if (stat.kind === 'symlink') return MODE_SYMLINK;
  if (stat.kind === 'directory') return MODE_GITLINK;
  if (!tree.rules.symlinks && isSymlinkMode(entry.mode)) return MODE_SYMLINK;
  if (!tree.rules.fileMode) return isRegularMode(entry.mode) ? entry.mode : MODE_FILE;
  return (stat.mode & 0o100) !== 0 ? MODE_EXECUTABLE : MODE_FILE;
}

/** The file's stat; `undefined` where what the entry means is gone from the work tree. */
function presentStat(tree: WorkTree, entry: IndexEntry): FileStat | undefined {
  const stat = tree.lstat(entry.path);
  if (stat === undefined || tree.hasSymlinkParent(entry.path)) return undefined;
  if (stat.kind === 'directory' && !isGitlinkMode(entry.mode))
    return nestedHead(tree.fs, tree.absolute(entry.path)) === undefined ? undefined : stat;
  return stat;
}

/** Whether the file differs from its entry, by stat words (looked into only where those are racy). */
function differs(tree: WorkTree, entry: IndexEntry, stat: FileStat): Awaitable<boolean> {
  if (isGitlinkMode(entry.mode)) return tree.changedByStat(entry, stat) !== 0 || tree.nestedHeadDiffers(entry);
  if (entry.intentToAdd) return true;
  const changed = tree.changedByStat(entry, stat);
  // git knows whole seconds only: what changed within one it looks into
  if (changed === CHANGED_TIME && sameSeconds(entry, stat)) return tree.contentDiffers(entry, stat);
  if (changed !== 0) return true;
  return tree.index.isRacy(entry) ? tree.contentDiffers(entry, stat) : false;
}

const sameSeconds = (entry: IndexEntry, stat: FileStat): boolean =>
  entry.mtimeSeconds === stat.mtimeSeconds && entry.ctimeSeconds === stat.ctimeSeconds;

const statusOf = (oldMode: number, newMode: number): FilePair['status'] =>
  oldMode === 0 ? 'A' : newMode === 0 ? 'D' : sameType(oldMode, newMode) ? 'M' : 'T';

export interface FilesDiff {
  readonly pairs: FilePair[];
  /** Conflicts as merges: ours and theirs against the file. */
  readonly combined: CombinedPath[];
}

/**
 * The index against the work tree. `unmerged`: which stage a conflicted path is compared with (2 by default, 0 none);
 * with `combine` paths that both sides have come as combined ones instead.
 */
export async function filesDiff(
  tree: WorkTree,
  options: WorkTreePairsOptions & { readonly unmerged?: number | undefined; readonly combine?: boolean | undefined },
): Promise<FilesDiff> {
  const { entries, algorithm } = tree.index;
  const { objects } = tree.repository;
  const none = zeroOid(algorithm);
  const stage = options.unmerged ?? 2;
  const pairs: FilePair[] = [];
  const combined: CombinedPath[] = [];
  const absent = (path: string): DiffSide => new ObjectSide(objects, path, 0, none);
  const stored = (entry: IndexEntry): DiffSide => new ObjectSide(objects, entry.path, entry.mode, entry.oid);
  for (let i = 0; i < entries.length; i++) {
    let entry = entries[i]!;
    const { path } = entry;
    if (options.pathspec !== undefined && !options.pathspec.matches(path, isGitlinkMode(entry.mode))) {
      while (entries[i + 1]?.path === path) i++;
      continue;
    }
    if (entry.stage !== 0) {
      const stat = presentStat(tree, entry);
      const mode = stat === undefined ? 0 : modeOf(tree, entry, stat);
      const sides: IndexEntry[] = [];
      let chosen: IndexEntry | undefined;
      for (; entries[i]?.path === path; i++) {
        const one = entries[i]!;
        if (one.stage >= 2) sides.push(one);
        if (one.stage === stage) chosen = one;
      }
      i--;
      const file = new WorkTreeSide(tree, path, mode, none, stat);
      if (options.combine === true && sides.length === 2) {
        combined.push({
          path,
          result: file,
          parents: sides.map((side) => ({ side: stored(side), status: 'M' as const })),
        });
        continue;
      }
      pairs.push({ status: 'U', old: absent(path), new: { ...absentLike(file), mode }, score: 0 });
      if (chosen === undefined) continue;
      entry = chosen;
    }
    if ((entry.fresh && !isGitlinkMode(entry.mode)) || entry.skipWorktree) {
      if (options.unmodified === true) pairs.push(unmodified(stored(entry)));
      continue;
    }
    if (isGitlinkMode(entry.mode) && options.submoduleIgnore?.(entry.path) === 'all') continue;
    if (entry.assumeValid) {
      if (options.unmodified === true) pairs.push(unmodified(stored(entry)));
      continue;
    }
    const stat = presentStat(tree, entry);
    if (stat === undefined) {
      pairs.push({ status: 'D', old: stored(entry), new: absent(path), score: 0 });
      continue;
    }
    const mode = modeOf(tree, entry, stat);
    if (entry.intentToAdd && options.intentInvisible !== false) {
      pairs.push({ status: 'A', old: absent(path), new: new WorkTreeSide(tree, path, mode, none, stat), score: 0 });
      continue;
    }
    let changed = differs(tree, entry, stat);
    if (isPromise(changed)) changed = await changed;
    const dirty = await dirtOf(tree, entry, stat, options);
    if (!changed && dirty === undefined) {
      if (options.unmodified === true) pairs.push(unmodified(stored(entry)));
      continue;
    }
    pairs.push({
      status: statusOf(entry.mode, mode),
      old: stored(entry),
      new: new WorkTreeSide(tree, path, mode, changed ? none : entry.oid, stat, dirty),
      score: 0,
    });
  }
  return { pairs, combined };
}

const unmodified = (side: DiffSide): FilePair => ({ status: 'M', old: side, new: side, score: 0 });
const absentLike = (side: DiffSide): DiffSide => ({ path: side.path, mode: 0, oid: side.oid, read: () => side.read() });

type Dirt = { readonly modified: boolean; readonly untracked: boolean };

/** What is dirty in the submodule behind an entry. */
async function dirtOf(
  tree: WorkTree,
  entry: IndexEntry,
  stat: FileStat,
  options: WorkTreePairsOptions,
): Promise<Dirt | undefined> {
  if (!isGitlinkMode(entry.mode) || stat.kind !== 'directory') return undefined;
  const { modified, untracked } = await submoduleState(tree, entry, options.submoduleIgnore?.(entry.path) ?? 'none');
  return modified || untracked ? { modified, untracked } : undefined;
}

/**
 * A tree against the index (`cached`), or against the work tree where the index says which files count.
 * `matchMissing`: files that are gone from the work tree count as they are in the index (`-m`).
 */
export async function indexDiff(
  tree: WorkTree,
  base: Oid<'tree'> | undefined,
  options: WorkTreePairsOptions & {
    readonly cached: boolean;
    readonly matchMissing?: boolean | undefined;
    /** The work tree against both tree and index at once, where those differ (`-c`, `--cc`). */
    readonly combine?: boolean | undefined;
  },
): Promise<FilesDiff> {
  const { repository } = tree;
  const { objects } = repository;
  const none = zeroOid(repository.objectFormat);
  const pairs: FilePair[] = [];
  const combined: CombinedPath[] = [];
  const absent = (path: string): DiffSide => new ObjectSide(objects, path, 0, none);
  const changes = await diffIndexWithTree(objects, tree.index, base, {
    intentInvisible: options.cached && options.intentInvisible !== false,
    // with the work tree equal entries may still differ from their files
    unchanged: options.unmodified === true || !options.cached,
  });
  for (const change of changes) {
    const { path } = change;
    const link = isGitlinkMode(change.entry?.mode ?? change.oldMode);
    if (options.pathspec !== undefined && !options.pathspec.matches(path, link)) continue;
    const old =
      change.oldMode === 0 ? absent(path) : new ObjectSide(objects, path, change.oldMode, change.oldOid ?? none);
    if (change.stages !== undefined && options.cached) {
      pairs.push({ status: 'U', old, new: absent(path), score: 0 });
      continue;
    }
    const entry = change.entry ?? change.stages?.[0];
    if (entry === undefined) {
      pairs.push({ status: 'D', old, new: absent(path), score: 0 });
      continue;
    }
    if (isGitlinkMode(entry.mode) && options.submoduleIgnore?.(entry.path) === 'all') continue;
    const side = await currentSide(tree, entry, options);
    if (side === undefined) {
      if (change.oldMode !== 0) pairs.push({ status: 'D', old, new: absent(path), score: 0 });
      continue;
    }
    if (change.oldMode === 0) {
      pairs.push({ status: 'A', old, new: side, score: 0 });
      continue;
    }
    if (
      options.combine === true &&
      !options.cached &&
      (side.oid !== old.oid || old.oid !== entry.oid) &&
      change.stages === undefined
    ) {
      combined.push({
        path,
        result: side,
        parents: [
          { side: new ObjectSide(objects, path, entry.mode, entry.oid), status: 'M' },
          { side: old, status: 'M' },
        ],
      });
      continue;
    }
    const same = side.mode === old.mode && side.oid === old.oid && side.dirty !== true;
    if (same && options.unmodified !== true) continue;
    pairs.push({ status: statusOf(old.mode, side.mode), old, new: same ? old : side, score: 0 });
  }
  return { pairs, combined };
}

/** What the index, or the file behind its entry, has now; `undefined` where the file is gone. */
async function currentSide(
  tree: WorkTree,
  entry: IndexEntry,
  options: WorkTreePairsOptions & { readonly cached: boolean; readonly matchMissing?: boolean | undefined },
): Promise<DiffSide | undefined> {
  const { repository } = tree;
  const stored = new ObjectSide(repository.objects, entry.path, entry.mode, entry.oid);
  const known = entry.fresh && !isGitlinkMode(entry.mode);
  if (options.cached || known || entry.assumeValid || entry.skipWorktree) return stored;
  const stat = presentStat(tree, entry);
  if (stat === undefined) return options.matchMissing === true ? stored : undefined;
  let changed = differs(tree, entry, stat);
  if (isPromise(changed)) changed = await changed;
  const dirty = await dirtOf(tree, entry, stat, options);
  if (!changed && dirty === undefined) return stored;
  const mode = modeOf(tree, entry, stat);
  const oid = changed ? zeroOid(repository.objectFormat) : entry.oid;
  return new WorkTreeSide(tree, entry.path, changed ? mode : entry.mode, oid, stat, dirty);
}
