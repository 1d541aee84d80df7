import type { IndexLookup, Repository } from '../repo/repository.js';
import type { Index } from '../worktree/index-file.js';
import { readIndex } from '../worktree/index-file.js';

const last = new WeakMap<Repository, { readonly stamp: string; readonly index: Index }>();

/** An entry of the index, which is read again only when its file has changed. */
export const indexEntry: IndexLookup = async (repository, path, stage) => {
  const file = repository.path('index');
  const stat = repository.platform.fs.stat(file);
  if (stat === undefined) return undefined;
  const stamp = `${stat.mtimeSeconds}.${stat.mtimeNanoseconds} ${stat.size} ${stat.inode}`;
  let known = last.get(repository);
  if (known?.stamp !== stamp) {
    const index = readIndex({
      platform: repository.platform,
      algorithm: repository.objectFormat,
      path: file,
      directory: repository.gitDir,
    });
    known = { stamp, index };
    last.set(repository, known);
  }
  const entry = known.index.get(path, stage);
  return entry === undefined ? undefined : { oid: entry.oid, mode: entry.mode };
};
