import type { Bytes } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import type { Version } from '../merge/tree-state.js';
import { readKind } from '../objects/database.js';
import { isRegularMode } from '../objects/mode.js';
import type { ObjectSource } from '../objects/source.js';
import { findInTree } from '../objects/tree.js';
import { AttributeReader } from '../worktree/attributes-reader.js';
import { Converter } from '../worktree/convert.js';
import { IndexEntry } from '../worktree/index-entry.js';
import { Index } from '../worktree/index-file.js';
import type { WorkTree } from '../worktree/work-tree.js';

export interface Renormalizer {
  normalize(path: string, bytes: Bytes): Promise<Bytes>;
  sameNormalised(base: Version, side: Version, path: string): Promise<boolean>;
}

/**
 * Brings contents to the one form they would be stored in now (out to the work tree and back), so that changes of line
 * endings do not count. The attributes are those the merged tree will have at its top, then those on disk.
 */
export async function renormalizer(
  tree: WorkTree,
  trees: readonly [base: Oid<'tree'> | undefined, ours: Oid<'tree'>, theirs: Oid<'tree'>],
): Promise<Renormalizer> {
  const { repository } = tree;
  const { objects } = repository;
  const index = new Index(repository.objectFormat);
  const merged = await mergedAttributes(objects, repository.oidLength, trees);
  if (merged !== undefined) {
    index.add(IndexEntry.create({ path: '.gitattributes', mode: merged.mode, oid: merged.oid }));
  }
  const attributes = new AttributeReader(repository, { direction: 'checkout', index: () => index, warn: tree.warn });
  const converter = new Converter(repository, (path) => attributes.of(path), { warn: tree.warn, error: tree.error });
  const normalize = async (path: string, bytes: Bytes): Promise<Bytes> => {
    const out = await converter.smudge(path, bytes, { normalizing: true });
    return converter.clean(path, out, { renormalize: true });
  };
  return {
    normalize,
    async sameNormalised(base, side, path) {
      if (base.mode !== side.mode || !isRegularMode(base.mode)) return false;
      if (base.oid === side.oid) return true;
      const before = await normalize(path, await readKind(objects, base.oid, 'blob'));
      const after = await normalize(path, await readKind(objects, side.oid, 'blob'));
      return objects.hash('blob', before) === objects.hash('blob', after);
    },
  };
}

async function mergedAttributes(
  objects: ObjectSource,
  oidLength: number,
  trees: readonly (Oid<'tree'> | undefined)[],
): Promise<{ readonly mode: number; readonly oid: Oid } | undefined> {
  const found = [];
  for (const tree of trees) {
    found.push(
      tree === undefined ? undefined : findInTree(await readKind(objects, tree, 'tree'), oidLength, '.gitattributes'),
    );
  }
  const [base, ours, theirs] = found;
  if (ours?.oid === base?.oid) return theirs;
  if (theirs?.oid === base?.oid) return ours;
  return ours ?? theirs;
}
