import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isOid } from '../base/oid.js';
import { LockFile } from '../platform/lock.js';
import type { Repository } from '../repo/repository.js';
import type { CommitCache } from './commit-cache.js';

/** `--unshallow`: as deep as it goes. */
export const INFINITE_DEPTH = 0x7fffffff;

/** The commits whose parents a repository knows it lacks. */
export function readShallow(repository: Repository): Set<Oid> {
  const bytes = repository.platform.fs.readFile(repository.path('shallow'));
  const found = new Set<Oid>();
  if (bytes === undefined) return found;
  for (const line of decodeText(bytes).split('\n')) {
    if (line === '') continue;
    if (!isOid(line)) throw new GitError('OBJECT_CORRUPT', `bad shallow line: ${line}`);
    found.add(line);
  }
  return found;
}

/** Replaces the `shallow` file, or removes it where nothing is shallow any more. */
export function writeShallow(repository: Repository, shallow: ReadonlySet<Oid>): void {
  const { fs } = repository.platform;
  const path = repository.path('shallow');
  const lock = LockFile.acquire(fs, path);
  try {
    if (shallow.size === 0) {
      fs.remove(path);
      lock.rollback();
      return;
    }
    lock.write(
      encodeText(
        [...shallow]
          .sort()
          .map((oid) => `${oid}\n`)
          .join(''),
      ),
    );
    lock.commit();
  } finally {
    lock.rollback();
  }
}

/** What a client asked for. */
export interface DeepenRequest {
  /** 0: no limit asked for. */
  readonly depth: number;
  /** The depth counts from the client's present boundary. */
  readonly relative: boolean;
  readonly since: number | undefined;
  /** Refs whose history is to be left out, resolved. */
  readonly not: readonly Oid[];
}

/** The new boundary: `shallow` commits have their parents cut off, `inside` ones are sent with their parents. */
export interface Boundary {
  readonly shallow: readonly Oid[];
  readonly inside: ReadonlySet<Oid>;
}

/** Commits at distance `depth` from the nearest head (a head itself is at 1), and those nearer. */
export async function boundaryByDepth(
  commits: CommitCache,
  heads: readonly Oid[],
  depth: number,
  serverShallow: ReadonlySet<Oid>,
): Promise<Boundary> {
  const shallow: Oid[] = [];
  const inside = new Set<Oid>();
  const seen = new Set<Oid>();
  let level: Oid[] = [];
  for (const head of heads) {
    const commit = await commits.peel(head);
    if (commit !== undefined && !seen.has(commit)) {
      seen.add(commit);
      level.push(commit);
    }
  }
  for (let at = 1; level.length > 0; at++) {
    const next: Oid[] = [];
    for (const oid of level) {
      if ((depth !== INFINITE_DEPTH && at >= depth) || serverShallow.has(oid)) {
        shallow.push(oid);
        continue;
      }
      inside.add(oid);
      for (const parent of (await commits.raw(oid))?.parents ?? []) {
        if (seen.has(parent)) continue;
        seen.add(parent);
        next.push(parent);
      }
    }
    level = next;
  }
  return { shallow, inside };
}

/** Cut by date and by other histories: commits with a parent outside become the boundary. */
export async function boundaryByRevisions(
  commits: CommitCache,
  heads: readonly Oid[],
  since: number | undefined,
  not: readonly Oid[],
): Promise<Boundary> {
  const excluded = new Set<Oid>();
  await walk(commits, not, (oid) => {
    excluded.add(oid);
    return true;
  });
  const selected: Oid[] = [];
  const chosen = new Set<Oid>();
  await walk(commits, heads, (oid, seconds) => {
    if (excluded.has(oid) || (since !== undefined && seconds < since)) return false;
    selected.push(oid);
    chosen.add(oid);
    return true;
  });
  if (selected.length === 0) throw new GitError('TRANSPORT', 'no commits selected for shallow requests');
  const shallow: Oid[] = [];
  const inside = new Set<Oid>();
  for (const oid of selected) {
    const parents = (await commits.links(oid))?.parents ?? [];
    if (parents.some((parent) => !chosen.has(parent))) shallow.push(oid);
    else inside.add(oid);
  }
  return { shallow, inside };
}

async function walk(
  commits: CommitCache,
  from: readonly Oid[],
  visit: (oid: Oid, seconds: number) => boolean,
): Promise<void> {
  const seen = new Set<Oid>();
  const stack: Oid[] = [];
  for (const start of from) {
    const commit = await commits.peel(start);
    if (commit !== undefined) stack.push(commit);
  }
  for (let oid = stack.pop(); oid !== undefined; oid = stack.pop()) {
    if (seen.has(oid)) continue;
    seen.add(oid);
    const links = await commits.links(oid);
    if (links === undefined || !visit(oid, links.seconds)) continue;
    for (const parent of links.parents) if (!seen.has(parent)) stack.push(parent);
  }
}

/** Commits of `targets` that can be reached from `heads`. */
export async function reachableOf(
  commits: CommitCache,
  heads: readonly Oid[],
  targets: ReadonlySet<Oid>,
): Promise<Oid[]> {
  const found: Oid[] = [];
  await walk(commits, heads, (oid) => {
    if (targets.has(oid)) found.push(oid);
    return true;
  });
  return found;
}

/** Commits between `heads` and a boundary, without the boundary itself. */
export async function aboveBoundary(
  commits: CommitCache,
  heads: readonly Oid[],
  boundary: ReadonlySet<Oid>,
): Promise<Set<Oid>> {
  const found = new Set<Oid>();
  await walk(commits, heads, (oid) => {
    if (boundary.has(oid)) return false;
    found.add(oid);
    return true;
  });
  return found;
}
