import type { Cancellable } from '../base/awaitable.js';
import type { Oid } from '../base/oid.js';
import { path as checkPath } from '../base/path.js';
import { bytes } from '../contents/bytes.js';
import { parseCommit } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import type { CommitWithOid } from './path-history.js';
import type { StoreBackend } from './store.js';
import { type Change, Tree } from './tree.js';

/** What is watched, and from when on. */
export interface WatchOptions extends Cancellable {
  /** Only commits that change something at or below this path. */
  readonly path?: string | undefined;
  /** Start from this commit instead of the head of now; `null`: from nothing, so that what is there comes first. */
  readonly from?: Oid<'commit'> | null | undefined;
  /** How often to look, in milliseconds: 100 unless said. */
  readonly interval?: number | undefined;
}

/** One commit that came to the branch, or a jump to another history. */
export interface WatchEvent {
  readonly before?: CommitWithOid | undefined;
  /** Absent: the branch was deleted. */
  readonly after?: CommitWithOid | undefined;
  /** What differs below the path, in path order. */
  readonly changes: readonly Change[];
}

/** A walk along first parents looks no further than this for the commit it knew. */
const MOST_STEPS = 10_000;

/**
 * Follows a branch. Commits between two looks are told one by one, oldest first, along the first parents; a branch
 * that jumped (a reset, a forced push) is told as one event. Ends when the signal aborts.
 */
export async function* watchBranch(
  backend: StoreBackend,
  branch: string,
  options: WatchOptions = {},
): AsyncGenerator<WatchEvent> {
  const { objects, refs } = backend;
  const path = options.path === undefined ? '' : checkPath(options.path);
  const read = async (oid: Oid): Promise<CommitWithOid> => ({
    oid: oid as Oid<'commit'>,
    ...parseCommit(await readKind(objects, oid, 'commit')),
  });
  let known = options.from === null ? undefined : (options.from ?? (await refs.resolve(branch)));
  const stopped = (): boolean => options.signal?.aborted === true;
  while (!stopped()) {
    const now = await refs.resolve(branch);
    if (now !== known) {
      const before = known === undefined ? undefined : await read(known);
      for (const event of await steps(read, before, now)) {
        const changes: Change[] = [];
        const after = Tree.of(objects, bytes, event.after?.tree);
        for await (const change of after.changesSince(Tree.of(objects, bytes, event.before?.tree), path))
          changes.push(change);
        if (changes.length > 0 || path === '') yield { ...event, changes };
        if (stopped()) return;
      }
      known = now;
      continue;
    }
    await sleep(options.interval ?? 100, options.signal);
  }
}

async function steps(
  read: (oid: Oid) => Promise<CommitWithOid>,
  before: CommitWithOid | undefined,
  now: Oid | undefined,
): Promise<{ before?: CommitWithOid | undefined; after?: CommitWithOid | undefined }[]> {
  if (now === undefined) return [{ before }];
  const last = await read(now);
  const chain: CommitWithOid[] = [last];
  while (chain.length < MOST_STEPS) {
    const oldest = chain[chain.length - 1]!;
    const parent = oldest.parents[0];
    if (parent === before?.oid) {
      const events: { before?: CommitWithOid | undefined; after: CommitWithOid }[] = [];
      let previous = before;
      for (const commit of chain.reverse()) {
        events.push({ before: previous, after: commit });
        previous = commit;
      }
      return events;
    }
    if (parent === undefined) break;
    chain.push(await read(parent));
  }
  return [{ before, after: last }];
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener('abort', end, { once: true });
  });
}
