import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';
import type { PushOutcome, Remote } from '../transport/remote.js';
import type { MergeOptions, Outcome } from './merge-branch.js';
import type { Info, Store } from './store.js';

/** Which branch is pulled, and how it is merged. */
export interface PullOptions extends MergeOptions {
  /** The other side's branch; the store's own name unless said. */
  readonly from?: string | undefined;
}

function repositoryOf<V>(store: Store<V>): Repository {
  const { backend } = store;
  if (!('objectsDirectory' in backend)) {
    throw new GitError('UNSUPPORTED', 'only a store of a repository can exchange with a remote');
  }
  return backend as unknown as Repository;
}

const fullName = (branch: string): string => (branch.startsWith('refs/') ? branch : `refs/heads/${branch}`);

/**
 * Fetches the other side's branch and merges it into this one, value by value (git pull). The fetch itself moves no
 * local branch; conflicts are an answer and leave the branch as it was. Throws `REF_MISSING` where the other side has
 * no such branch.
 */
export async function pull<V>(store: Store<V>, remote: Remote, info: Info & PullOptions): Promise<Outcome> {
  const name = fullName(info.from ?? store.branch);
  const [fetched] = await remote.fetch(repositoryOf(store), { refspecs: [name], signal: info.signal });
  if (fetched === undefined) throw new GitError('REF_MISSING', `couldn't find remote ref ${name}`);
  return store.merge(fetched.oid, info);
}

/** Sends the store's branch. Refused where the other side has what is not merged here: pull first, then push again. */
export async function push<V>(
  store: Store<V>,
  remote: Remote,
  options: { readonly to?: string; readonly signal?: AbortSignal } = {},
): Promise<PushOutcome> {
  const repository = repositoryOf(store);
  const head = await store.head();
  if (head === undefined) throw new GitError('REF_MISSING', `${store.branch} has no commit yet`);
  const [outcome] = await remote.push(
    repository,
    [{ name: fullName(options.to ?? store.branch), to: head.oid as Oid }],
    {
      signal: options.signal,
    },
  );
  return outcome!;
}
