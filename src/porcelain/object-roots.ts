import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isOid, isZeroOid } from '../base/oid.js';
import { decodeText } from '../base/bytes.js';
import { isGitlinkMode } from '../objects/mode.js';
import { keptRefs } from '../repo/kept-refs.js';
import type { Repository } from '../repo/repository.js';
import type { CacheTree } from '../worktree/cache-tree.js';
import { readIndex } from '../worktree/index-file.js';

export interface RootKinds {
  readonly refs?: boolean;
  readonly heads?: boolean;
  readonly reflogs?: boolean;
  /** What the indexes of all work trees hold. */
  readonly indexes?: boolean;
  /** Files of running operations that name commits (MERGE_HEAD…, rebase). */
  readonly operations?: boolean;
}

/** Git directories of the repository's work trees: the main one and the linked ones. */
function worktreeDirectories(repository: Repository): string[] {
  const { fs } = repository.platform;
  const linked = fs.readDirectory(`${repository.commonDir}/worktrees`) ?? [];
  return [
    repository.commonDir,
    ...linked.filter(({ kind }) => kind === 'directory').map(({ name }) => `${repository.commonDir}/worktrees/${name}`),
  ];
}

/**
 * Whatever keeps objects from being pruned: refs, HEADs, reflogs, indexes. Ids may come more than once or be missing.
 * Throws `REF_INVALID` (with `data.ref`) where a ref cannot be read: what it kept is not known.
 */
export async function objectRoots(
  repository: Repository,
  kinds: RootKinds,
  /** Filled with the paths of what indexes hold: objects of one path are packed beside each other. */
  paths?: Map<Oid, string>,
): Promise<Oid[]> {
  const { fs } = repository.platform;
  const found = new Set<Oid>();
  if (kinds.refs === true) {
    for await (const { name, oid, broken } of keptRefs(repository)) {
      if (broken === true) throw new GitError('REF_INVALID', `bad object ${name}`, { data: { ref: name } });
      found.add(oid);
    }
  }
  if (kinds.heads === true) {
    const head = await repository.refs.resolve('HEAD');
    if (head !== undefined) found.add(head);
    for (const directory of worktreeDirectories(repository)) {
      const bytes = fs.readFile(`${directory}/HEAD`);
      const text = bytes === undefined ? '' : decodeText(bytes).trim();
      if (isOid(text)) found.add(text);
    }
  }
  if (kinds.reflogs === true) {
    for (const name of await repository.refs.reflogList()) {
      for (const entry of (await repository.refs.reflog(name)) ?? []) {
        if (!isZeroOid(entry.old)) found.add(entry.old);
        if (!isZeroOid(entry.new)) found.add(entry.new);
      }
    }
  }
  if (kinds.indexes === true) {
    for (const directory of worktreeDirectories(repository)) {
      for (const { oid, path } of indexObjects(repository, directory)) {
        found.add(oid);
        if (paths?.has(oid) === false) paths.set(oid, path);
      }
    }
  }
  if (kinds.operations === true) {
    for (const directory of worktreeDirectories(repository)) {
      for (const name of [
        'MERGE_HEAD',
        'CHERRY_PICK_HEAD',
        'REVERT_HEAD',
        'BISECT_HEAD',
        'rebase-merge/autostash',
        'rebase-apply/autostash',
        'MERGE_AUTOSTASH',
        'rebase-merge/orig-head',
        'rebase-merge/onto',
      ]) {
        const bytes = fs.readFile(`${directory}/${name}`);
        if (bytes === undefined) continue;
        for (const word of decodeText(bytes).split(/\s+/)) if (isOid(word)) found.add(word);
      }
    }
  }
  return [...found];
}

/** What the index of this work tree holds, and those of `all` work trees behind it. */
export function indexedObjects(repository: Repository, all: boolean): IndexObject[] {
  const others = all ? worktreeDirectories(repository).filter((directory) => directory !== repository.gitDir) : [];
  return [repository.gitDir, ...others].flatMap((directory) => indexObjects(repository, directory));
}

interface IndexObject {
  readonly oid: Oid;
  readonly path: string;
  readonly kind: 'blob' | 'tree';
}

/** Blobs and cached trees of an index file. */
function indexObjects(repository: Repository, directory: string): IndexObject[] {
  const path = `${directory}/index`;
  if (repository.platform.fs.lstat(path) === undefined) return [];
  const index = readIndex({ platform: repository.platform, path, algorithm: repository.objectFormat, directory });
  const found: IndexObject[] = [];
  for (const { mode, oid, path } of index.entries) {
    if (!isGitlinkMode(mode) && !isZeroOid(oid)) found.push({ oid, path, kind: 'blob' });
  }
  const walk = (tree: CacheTree, path: string): void => {
    if (tree.entryCount >= 0 && tree.oid !== undefined) found.push({ oid: tree.oid, path, kind: 'tree' });
    for (const [name, child] of tree.subtrees) walk(child, path === '' ? name : `${path}/${name}`);
  };
  if (index.cacheTree !== undefined) walk(index.cacheTree, '');
  return found;
}
