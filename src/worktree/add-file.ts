import { isPromise } from '../base/awaitable.js';
import { emptyBytes } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isSafePath } from '../base/path.js';
import { isGitlinkMode, isRegularMode, MODE_GITLINK } from '../objects/mode.js';
import type { ObjectStore } from '../objects/source.js';
import type { FileStat } from '../platform/fs.js';
import { nestedHead } from './gitlink.js';
import { FLAG_ASSUME_VALID, FLAG_INTENT_TO_ADD, IndexEntry } from './index-entry.js';
import { modeFromStat } from './stat-match.js';
import type { WorkTree } from './work-tree.js';

export interface AddFileOptions {
  /** Compute the id, store nothing. */
  readonly dryRun?: boolean;
  /** `update-index --info-only`. */
  readonly infoOnly?: boolean;
  readonly intentToAdd?: boolean;
  readonly renormalize?: boolean;
  /** Take the file's content even where its stat words say that it is unchanged. */
  readonly always?: boolean;
  /** Entries in the way may go. Default true. */
  readonly replace?: boolean;
  /** `+x` or `-x` instead of the file's own bit. */
  readonly executable?: boolean | undefined;
  /** Where contents go; the repository's objects unless said. */
  readonly store?: ObjectStore | undefined;
}

/** Why a file cannot be added, in git's words. */
export class AddFailure extends Error {}

/**
 * Stores a file's content and puts it into the index. `changed`: whether the index tells something else now. Throws
 * `AddFailure`. git's `add_to_index`.
 */
export async function addFile(
  tree: WorkTree,
  path: string,
  stat: FileStat,
  options: AddFileOptions = {},
): Promise<{ readonly entry: IndexEntry; readonly changed: boolean }> {
  const { index } = tree;
  if (!isSafePath(path)) throw new AddFailure(`invalid path '${path}'`);
  const old = index.get(path);
  if (stat.kind === 'other') {
    throw new AddFailure(`${path}: can only add regular files, symbolic links or git-directories`);
  }
  // What is tracked already is not merely intended.
  if (options.intentToAdd === true && old !== undefined) return { entry: old, changed: false };
  const before = old ?? index.get(path, 2) ?? index.get(path, 1);
  let mode = modeFromStat(stat, tree.rules, before?.mode);
  if (options.executable !== undefined && isRegularMode(mode)) mode = options.executable ? 0o100755 : 0o100644;
  if (
    old !== undefined &&
    !old.intentToAdd &&
    options.renormalize !== true &&
    options.always !== true &&
    mode === old.mode
  ) {
    // A file whose stat words are others is stored again, with all checks, even where it comes to the same.
    const modified =
      tree.changedByStat(old, stat) !== 0 || tree.isModified(old, stat, { ignoreValid: true, ignoreSkip: true });
    if (!(isPromise(modified) ? await modified : modified)) {
      old.fresh = true;
      return { entry: old, changed: false };
    }
  }
  const oid = await idOf(tree, path, stat, mode, options, old);
  const flags = options.intentToAdd === true ? FLAG_INTENT_TO_ADD : 0;
  const ignored = tree.repository.config.getBool('core.ignorestat', false) ? FLAG_ASSUME_VALID : 0;
  const kept = old === undefined ? ignored : (old.flags & FLAG_ASSUME_VALID) | ignored;
  const entry = IndexEntry.create({
    path,
    mode,
    oid,
    flags: flags | kept,
    // Only intended: nothing of the file is recorded yet.
    stat: options.intentToAdd === true || mode === MODE_GITLINK ? (mode === MODE_GITLINK ? stat : undefined) : stat,
  });
  // What goes on in a submodule is looked at each time.
  entry.fresh = options.intentToAdd !== true && !isGitlinkMode(mode);
  const same = old !== undefined && !old.intentToAdd && old.mode === mode && old.oid === oid && flags === 0;
  if (options.dryRun === true) return { entry, changed: !same };
  if (same) {
    index.refreshAt(index.position(path), entry);
    return { entry, changed: false };
  }
  const outcome = index.add(entry, { replace: options.replace !== false });
  if (outcome === 'conflict') throw new AddFailure(`'${path}' appears as both a file and as a directory`);
  return { entry, changed: true };
}

async function idOf(
  tree: WorkTree,
  path: string,
  stat: FileStat,
  mode: number,
  options: AddFileOptions,
  old: IndexEntry | undefined,
): Promise<Oid> {
  const objects = options.store ?? tree.repository.objects;
  const store = options.dryRun !== true && options.infoOnly !== true;
  if (mode === MODE_GITLINK) {
    const head = nestedHead(tree.fs, tree.absolute(path));
    if (head === undefined)
      throw new AddFailure(`'${path}/' does not have a commit checked out\nunable to index file '${path}/'`);
    return head;
  }
  if (options.intentToAdd === true)
    return store ? await objects.write('blob', emptyBytes) : objects.hash('blob', emptyBytes);
  let data: Uint8Array | undefined;
  try {
    data = tree.readRaw(path, stat);
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === 'EACCES' || code === 'EPERM') {
      throw new AddFailure(`open("${path}"): Permission denied\nunable to index file '${path}'`);
    }
    throw error;
  }
  if (data === undefined)
    throw new AddFailure(`open("${path}"): No such file or directory\nunable to index file '${path}'`);
  if (stat.kind !== 'symlink' && isRegularMode(mode)) {
    const clean = tree.converter.clean(path, data, {
      indexContent: () => (old === undefined && options.renormalize === true ? undefined : tree.indexContent(path)),
      renormalize: options.renormalize === true,
      checkSafe: store && options.renormalize !== true,
      store: store && options.renormalize !== true,
    });
    data = isPromise(clean) ? await clean : clean;
  }
  if (!store) return objects.hash('blob', data);
  try {
    return await objects.write('blob', data);
  } catch (error) {
    if (!isGitError(error, 'WRITE_FAILED') || error.data['final'] === true) throw error;
    throw new AddFailure(`${error.message}\n${path}: failed to insert into database\nunable to index file '${path}'`);
  }
}

/** Throws `GitError` for an `AddFailure`, with its lines as git prints them. */
export function fatalAdd(failure: AddFailure, message = 'adding files failed'): GitError {
  const preface = failure.message
    .split('\n')
    .map((line) => `error: ${line}\n`)
    .join('');
  return new GitError('USAGE', message, { data: { preface } });
}
