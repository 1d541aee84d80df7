import type { Oid } from '../base/oid.js';
import { TreeCursor } from '../objects/tree.js';
import { parseCommitLinks } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import type { Repository } from '../repo/repository.js';
import { connect } from '../transport/connect.js';
import type { TransportContext } from '../transport/connection.js';
import { fetchObjects, noDeepening } from '../transport/fetch-objects.js';
import { Remotes } from '../transport/remote-config.js';

/** Blobs of a commit's tree that a partial clone left out. */
export async function missingBlobs(repository: Repository, commit: Oid): Promise<Oid[]> {
  const { objects, oidLength } = repository;
  const missing = new Set<Oid>();
  const seen = new Set<Oid>();
  const stack: Oid[] = [parseCommitLinks(await readKind(objects, commit, 'commit')).tree];
  for (let tree = stack.pop(); tree !== undefined; tree = stack.pop()) {
    if (seen.has(tree)) continue;
    seen.add(tree);
    const cursor = new TreeCursor(await readKind(objects, tree, 'tree'), oidLength);
    while (cursor.next()) {
      const { oid, mode } = cursor;
      if (mode === 0o040000) stack.push(oid);
      else if (mode !== 0o160000 && !(await objects.has(oid))) missing.add(oid);
    }
  }
  return [...missing];
}

/** Gets objects that were left out from the promisor remote, in one request. */
export async function fetchMissing(
  repository: Repository,
  oids: readonly Oid[],
  context: TransportContext,
): Promise<void> {
  if (oids.length === 0) return;
  const remotes = new Remotes(repository.config, repository);
  const name =
    repository.config.get('extensions.partialclone') ?? remotes.names().find((each) => remotes.get(each).promisor);
  const remote = name === undefined ? undefined : remotes.get(name);
  const url = remote?.urls[0];
  if (remote === undefined || url === undefined) return;
  const connection = await connect('upload-pack', url, context, { program: remote.uploadPack, version: 2 });
  try {
    await fetchObjects(repository, {
      ...noDeepening,
      connection,
      wants: oids,
      remoteRefs: [],
      filter: 'blob:none',
      includeTag: false,
      agent: context.agent,
      serverOptions: [],
      progress: undefined,
      complain: context.errors,
      keep: true,
      clone: true,
      refetch: true,
      signal: context.signal,
      promisor: '',
    });
    await connection.close().catch(() => {});
  } catch (error) {
    await connection.close(true).catch(() => {});
    throw error;
  }
  repository.objects.refresh();
}
