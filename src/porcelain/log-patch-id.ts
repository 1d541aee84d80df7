import { decodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import type { FilePair } from '../diff/pair.js';
import { pairOfChange } from '../diff/pair.js';
import { PatchWriter } from '../diff/patch.js';
import { diffTrees } from '../diff/trees.js';
import type { PathFilter } from '../diff/trees.js';
import type { CommitNode } from '../history/commit-pool.js';
import { emptyTreeOid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';

/** The pairs of files in which two trees differ, without looking for renames. */
async function changedPairs(
  repository: Repository,
  before: Oid | undefined,
  after: Oid | undefined,
  filter?: PathFilter,
): Promise<FilePair[]> {
  const pairs: FilePair[] = [];
  await diffTrees(repository.objects, before, after, repository.oidLength, { recursive: true, filter }, (change) => {
    pairs.push(pairOfChange(repository.objects, change));
  });
  return pairs;
}

/**
 * What identifies a commit's change wherever it is applied: the digest of its patch without line numbers and white
 * space. `undefined` for merges, which have no change of their own.
 */
export async function patchIdOf(
  repository: Repository,
  node: CommitNode,
  filter?: PathFilter,
): Promise<string | undefined> {
  if (node.parents.length > 1) return undefined;
  const parent = node.parents[0]?.tree ?? emptyTreeOid(repository.objectFormat);
  return patchIdOfPairs(repository, await changedPairs(repository, parent, node.tree, filter));
}

async function patchIdOfPairs(repository: Repository, pairs: readonly FilePair[]): Promise<string> {
  const hasher = repository.platform.hasher(repository.objectFormat);
  const writer = new PatchWriter({ fullIndex: true });
  for (const pair of pairs) {
    await writer.pair(pair);
    const patch = decodeText(writer.take());
    const binary = /^Binary files .* differ$/m.test(patch);
    const kept = patch
      .split('\n')
      .filter((line) => !/^(?:@@ |\\ )/.test(line) && (binary || !/^(?:index |similarity |dissimilarity )/.test(line)))
      .map((line) => line.replace(/[ \t\r\f\v]+/g, ''))
      .join('');
    hasher.update(encoder.encode(kept));
  }
  return hasher.digestHex();
}

const encoder = new TextEncoder();
