/**
 * bough: git in TypeScript whose merges understand values.
 *
 *     import { contents, open, openStore } from 'bough';
 *     const repository = await open('.');
 *     const hits = await openStore(repository, contents.counter, { branch: 'stats' });
 *     await hits.put('pages/home', 12, { message: 'count' });
 *
 * @module
 */
import { GitError } from './base/errors.js';
import type { Driver } from './merge/driver.js';
import type { Strategy } from './merge/strategy.js';
import { nodePlatform } from './platform/node/node-platform.js';
import type { Platform } from './platform/platform.js';
import { createRepository } from './repo/init.js';
import { openRepository, type Repository } from './repo/repository.js';

export * from './base/awaitable.js';
export * from './base/bytes.js';
export * from './base/errors.js';
export * from './base/oid.js';
export * from './base/path.js';
export * as contents from './contents/index.js';
export type { Contents } from './contents/contents.js';
export * as merge from './merge/index.js';
export type { Driver } from './merge/driver.js';
export type { Conflict, MergeFn } from './merge/hook.js';
export type { Strategy, StrategyRequest } from './merge/strategy.js';
export { type Commit, parseCommit, serializeCommit } from './objects/commit.js';
export { ObjectDatabase, readKind, readObject } from './objects/database.js';
export { MemoryObjectStore } from './objects/memory.js';
export type { Signature } from './objects/signature.js';
export type { ObjectHeader, ObjectPlace, ObjectSource, ObjectStore, RawObject } from './objects/source.js';
export { parseTag, serializeTag, type Tag } from './objects/tag.js';
export { parseTree, serializeTree, TreeCursor, type TreeEntry } from './objects/tree.js';
export { nodePlatform } from './platform/node/node-platform.js';
export { MemoryFileSystem } from './platform/portable/memory-fs.js';
export { portablePlatform } from './platform/portable/portable-platform.js';
export type { Platform } from './platform/platform.js';
export type { FileSystem } from './platform/fs.js';
export * from './refs/store.js';
export type { Repository } from './repo/repository.js';
export { checkedOut } from './store/checked-out.js';
export type { CommitWithOid } from './store/path-history.js';
export {
  type MergeOptions,
  type Outcome,
  typedMerge,
} from './store/merge-branch.js';
export * from './store/store.js';
export type { UnfinishedMerge } from './store/unfinished.js';
export * as workTree from './porcelain/work-tree-merge.js';
export { type Change, type Listed, type ListOptions as TreeListOptions, Tree } from './store/tree.js';
export { openRemote, type OpenRemoteOptions, type PushOutcome, type Remote } from './transport/remote.js';
export type { WatchEvent, WatchOptions } from './store/watch.js';

/** What opening a repository may be told. */
export interface OpenOptions {
  /** Where files, zlib, hashes and programs come from: Node's own unless said. */
  readonly platform?: Platform | undefined;
  /** The environment git's variables are read from (`GIT_DIR`, `GIT_AUTHOR_NAME`, `HOME`…): none unless given. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /**
   * Merges of contents of your own: where attributes say `merge=<name>`, this function merges. A type becomes one by
   * `contents.driver(type)`.
   */
  readonly drivers?: Readonly<Record<string, Driver>> | undefined;
  /** Merges of histories of your own, by the names that `workTree.merge` may be given as strategies. */
  readonly strategies?: Readonly<Record<string, Strategy>> | undefined;
}

/**
 * Opens the repository that `directory` lies in, as `git -C directory` would. Close it when done.
 * Throws `NOT_A_REPOSITORY`, or `UNSUPPORTED` for a format this version does not know.
 */
export async function open(directory: string, options: OpenOptions = {}): Promise<Repository> {
  const platform = options.platform ?? nodePlatform;
  const cwd = platform.fs.realPath(directory);
  if (cwd === undefined)
    throw new GitError('NOT_A_REPOSITORY', `cannot change to '${directory}': No such file or directory`, {
      data: { directory },
    });
  const { drivers, strategies } = options;
  return openRepository({ platform, env: options.env ?? {}, cwd, merges: { drivers, strategies } });
}

/** What making a repository may be told (`git init`). */
export interface InitOptions extends OpenOptions {
  readonly bare?: boolean | undefined;
  readonly objectFormat?: 'sha1' | 'sha256' | undefined;
  /** The branch HEAD names: `main` unless said. */
  readonly initialBranch?: string | undefined;
}

/**
 * Makes a repository in `directory` (made if need be), or completes the one that is there, as `git init`. A bare one
 * has no `.git` folder: `directory` itself is it.
 */
export async function init(directory: string, options: InitOptions = {}): Promise<Repository> {
  const platform = options.platform ?? nodePlatform;
  platform.fs.makeDirectory(directory, { recursive: true });
  const cwd = platform.fs.realPath(directory)!;
  return createRepository({
    platform,
    env: options.env ?? {},
    cwd,
    ...(options.bare === undefined ? {} : { bare: options.bare }),
    ...(options.bare === true ? { gitDir: cwd } : {}),
    ...(options.objectFormat === undefined ? {} : { objectFormat: options.objectFormat }),
    initialBranch: options.initialBranch ?? 'main',
  });
}
