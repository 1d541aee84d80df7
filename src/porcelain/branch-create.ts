import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isValidBranchName } from '../refs/name.js';
import type { RefUpdate } from '../refs/store.js';
import type { Repository } from '../repo/repository.js';
import { mapByPattern, splitRefspec } from '../repo/tracking.js';
import { LocalConfig } from './local-config.js';

export type TrackMode = 'never' | 'remote' | 'always' | 'explicit' | 'inherit' | 'simple';

/** `branch.autoSetupMerge`. */
export function configuredTracking(repository: Repository): TrackMode {
  const value = repository.config.last('branch.autosetupmerge')?.value?.toLowerCase();
  if (value === 'always') return 'always';
  if (value === 'inherit') return 'inherit';
  if (value === 'simple') return 'simple';
  return repository.config.getBool('branch.autosetupmerge', true) ? 'remote' : 'never';
}

/** Throws where a name cannot be a branch's. */
export function checkBranchName(name: string): void {
  if (!isValidBranchName(name)) {
    throw new GitError('REF_INVALID', `'${name}' is not a valid branch name`, {
      hint: 'See \'git help check-ref-format\'\nDisable this message with "git config set advice.refSyntax false"',
    });
  }
}

/** Makes or moves `refs/heads/<name>`; `label` is what the start was called. */
export async function writeBranch(
  repository: Repository,
  name: string,
  to: Oid,
  options: { readonly force?: boolean; readonly label: string; readonly createReflog?: boolean },
): Promise<void> {
  const full = `refs/heads/${name}`;
  const old = await repository.refs.resolve(full);
  if (old !== undefined && options.force !== true) {
    throw new GitError('REF_CHANGED', `a branch named '${name}' already exists`);
  }
  const update: RefUpdate = {
    name: full,
    to,
    expect: old ?? 'absent',
    reason: old === undefined ? `branch: Created from ${options.label}` : `branch: Reset to ${options.label}`,
    createReflog: options.createReflog,
  };
  const result = await repository.refs.update([update]);
  if (!result.ok) throw new GitError('REF_CHANGED', result.message);
}

/** What a branch follows: the remote (`.` for this repository) and the refs there. */
export interface Upstream {
  readonly remote: string;
  readonly merge: readonly string[];
}

/**
 * The upstream a new branch gets when it starts at `startRef` (a full name, if the start was one). `undefined`: none.
 * Throws where it was asked for and cannot be.
 */
export async function upstreamFor(
  repository: Repository,
  name: string,
  startRef: string | undefined,
  mode: TrackMode,
): Promise<Upstream | undefined> {
  if (mode === 'never') return undefined;
  const { config } = repository;
  const asked = mode === 'explicit' || mode === 'inherit';
  if (startRef === undefined || !(startRef.startsWith('refs/heads/') || startRef.startsWith('refs/remotes/'))) {
    if (mode === 'explicit')
      throw new GitError('USAGE', 'cannot set up tracking information; starting point is not a branch');
    return undefined;
  }
  if (mode === 'inherit' && startRef.startsWith('refs/heads/')) {
    const from = startRef.slice(11);
    const remote = config.get(`branch.${from}.remote`);
    const merge = config.getAll(`branch.${from}.merge`);
    if (remote === undefined || merge.length === 0) return undefined;
    return { remote, merge };
  }
  for (const remote of config.subsections('remote')) {
    for (const text of config.getAll(`remote.${remote}.fetch`)) {
      const { source, target, negative } = splitRefspec(text);
      if (negative || target === undefined || target === '') continue;
      const mapped = mapByPattern(startRef, target, source);
      if (mapped === undefined) continue;
      if (mode === 'simple' && mapped !== `refs/heads/${name}`) return undefined;
      return { remote, merge: [mapped] };
    }
  }
  if (startRef.startsWith('refs/remotes/')) {
    if (asked) throw new GitError('USAGE', 'cannot set up tracking information; starting point is not a branch');
    return undefined;
  }
  if (mode === 'remote' || mode === 'simple') return undefined;
  return { remote: '.', merge: [startRef] };
}

/** Writes `branch.<name>.remote` and `.merge` (and `.rebase`). Answers what git says about it. */
export async function setUpstream(repository: Repository, name: string, upstream: Upstream): Promise<string> {
  const { remote, merge } = upstream;
  const origin = remote === '.' ? undefined : remote;
  const short = merge[0]!.replace(/^refs\/heads\//, '');
  if (origin === undefined && merge[0] === `refs/heads/${name}`) {
    return `warning: not setting branch '${name}' as its own upstream\n`;
  }
  const auto = repository.config.get('branch.autosetuprebase')?.toLowerCase();
  const rebase =
    auto === 'always' || (auto === 'local' && origin === undefined) || (auto === 'remote' && origin !== undefined);
  const local = new LocalConfig(repository);
  local.set(`branch.${name}.remote`, remote);
  local.set(`branch.${name}.merge`, merge[0]!);
  for (const more of merge.slice(1)) local.add(`branch.${name}.merge`, more);
  if (rebase) local.set(`branch.${name}.rebase`, 'true');
  const shown = origin === undefined ? short : `${origin}/${short}`;
  return rebase
    ? `branch '${name}' set up to track '${shown}' by rebasing.\n`
    : `branch '${name}' set up to track '${shown}'.\n`;
}
