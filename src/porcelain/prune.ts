import { isPromise } from '../base/awaitable.js';
import { GitError, isGitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import { visitReachable } from '../history/reachable.js';
import type { Repository } from '../repo/repository.js';
import { objectRoots } from './object-roots.js';
import { shallowGrafts } from './pack-selection.js';

export interface PruneOptions {
  /** Loose objects last changed after this second stay, with all they reach. Infinity: none stays for its age. */
  readonly expire: number;
  readonly dryRun?: boolean;
  /** More objects to keep, with all they reach. */
  readonly heads?: readonly Oid[];
}

export type Pruned =
  | { readonly what: 'object'; readonly oid: Oid; readonly kind: ObjectKind | undefined }
  | { readonly what: 'temporary'; readonly path: string };

async function present(repository: Repository, oids: Iterable<Oid>): Promise<Oid[]> {
  const found: Oid[] = [];
  for (const oid of oids) {
    const there = repository.objects.has(oid);
    if (isPromise(there) ? await there : there) found.push(oid);
  }
  return found;
}

/** Everything that refs, HEADs, reflogs, indexes and the given heads reach. */
async function reachableObjects(repository: Repository, heads: readonly Oid[] = []): Promise<Set<Oid>> {
  const sure = await objectRoots(repository, { refs: true, heads: true }).catch((error: unknown) => {
    if (!isGitError(error, 'REF_INVALID')) throw error;
    throw new GitError('REF_INVALID', `unable to parse object: ${error.data['ref']}`, { data: error.data });
  });
  const doubtful = await objectRoots(repository, { reflogs: true, indexes: true, operations: true });
  const wants = [...sure, ...heads, ...(await present(repository, doubtful))];
  const seen = new Set<Oid>();
  await visitReachable(
    repository.objects,
    {
      wants,
      grafts: shallowGrafts(repository),
      graph: repository.commitGraph,
      ...(isPartial(repository) ? { missing: () => true } : {}),
    },
    (oid) => seen.add(oid),
  );
  return seen;
}

const isPartial = (repository: Repository): boolean =>
  repository.config.get('extensions.partialclone') !== undefined ||
  repository.objectDirectories[0]!.packs.packs().some(
    (pack) => repository.platform.fs.lstat(pack.path.replace(/\.pack$/, '.promisor')) !== undefined,
  );

/** Removes loose objects that nothing reaches (`git prune`), and what crashed writers left. Tells each. */
export async function* pruneLoose(repository: Repository, options: PruneOptions): AsyncGenerator<Pruned> {
  const { fs } = repository.platform;
  const { loose } = repository.objectDirectories[0]!;
  const dryRun = options.dryRun === true;
  const reachable = await reachableObjects(repository, options.heads);
  const ages = new Map<Oid, number>();
  const recent: Oid[] = [];
  for (const oid of loose.list()) {
    if (reachable.has(oid)) continue;
    const stat = fs.stat(loose.pathOf(oid));
    if (stat === undefined) continue;
    ages.set(oid, stat.mtimeSeconds);
    if (stat.mtimeSeconds > options.expire) recent.push(oid);
  }
  if (recent.length > 0) {
    await visitReachable(
      repository.objects,
      { wants: recent, grafts: shallowGrafts(repository), missing: () => true },
      (oid) => reachable.add(oid),
    );
  }
  let fan = '';
  const leave = (): void => {
    if (fan !== '' && !dryRun) fs.removeDirectory(`${loose.directory}/${fan}`);
  };
  for (const [oid, seconds] of ages) {
    if (reachable.has(oid) || seconds > options.expire) continue;
    if (oid.slice(0, 2) !== fan) {
      leave();
      fan = oid.slice(0, 2);
    }
    const header = await repository.objects.readHeader(oid);
    if (!dryRun) fs.remove(loose.pathOf(oid));
    yield { what: 'object', oid, kind: header?.kind };
  }
  leave();
  const directories = [loose.directory, `${loose.directory}/pack`];
  for (let i = 0; i < 256; i++) directories.push(`${loose.directory}/${i.toString(16).padStart(2, '0')}`);
  for (const directory of directories) {
    for (const { name, kind } of fs.readDirectory(directory) ?? []) {
      if (!name.startsWith('tmp_')) continue;
      const path = `${directory}/${name}`;
      const stat = fs.lstat(path);
      if (stat === undefined || stat.mtimeSeconds > options.expire) continue;
      if (!dryRun) {
        if (kind === 'directory') fs.removeRecursive(path);
        else fs.remove(path);
      }
      yield { what: 'temporary', path };
    }
  }
}
