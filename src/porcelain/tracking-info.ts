import type { Oid } from '../base/oid.js';
import type { AheadBehind } from '../history/merge-base.js';
import { openAncestry } from '../repo/ancestry.js';
import type { Config } from '../repo/config.js';
import type { Repository } from '../repo/repository.js';
import { shortenRef } from '../refs/name.js';
import { findUpstream, pushTargetOf } from '../repo/tracking.js';
import { GitError } from '../base/errors.js';

/** How a branch stands to its upstream. */
export interface TrackingInfo {
  /** Full name of the ref that follows the upstream. */
  readonly upstream: string;
  /** As people read it: `origin/main`. */
  readonly short: string;
  /** The upstream's ref is not there. */
  readonly gone: boolean;
  /** Only known to differ where they were not counted. */
  readonly ahead?: number | undefined;
  readonly behind?: number | undefined;
  readonly same: boolean;
  /** It is what is pulled from, and pushed to: what hints may say. Both where it is not known. */
  readonly pulled?: boolean | undefined;
  readonly pushed?: boolean | undefined;
}

/** `undefined` where the branch has no upstream. `count`: otherwise only equal or not. */
export async function trackingInfo(
  repository: Repository,
  branch: string,
  count = true,
): Promise<TrackingInfo | undefined> {
  const upstream = findUpstream(repository.config, branch);
  return upstream === undefined ? undefined : against(repository, branch, upstream, count);
}

/** The ref that follows where the branch is pushed to; `undefined` where none can be told. */
function pushTarget(config: Config, branch: string): string | undefined {
  try {
    return pushTargetOf(config, branch);
  } catch (error) {
    if (error instanceof GitError) return undefined;
    throw error;
  }
}

/** What the long form of the status and checkout compare the branch with: its upstream, or what `status.compareBranches` lists. */
export async function comparedBranches(
  repository: Repository,
  branch: string,
  count: boolean,
  warn: (message: string) => void,
  config: Config = repository.config,
): Promise<TrackingInfo[]> {
  const words = (config.get('status.comparebranches') ?? '@{upstream}').split(/\s+/);
  const upstream = findUpstream(config, branch);
  const push = pushTarget(config, branch);
  const found = new Map<string, TrackingInfo>();
  for (const word of words) {
    if (word === '') continue;
    const kind = word.toLowerCase();
    if (kind !== '@{upstream}' && kind !== '@{push}') {
      warn(`ignoring value '${word}' for status.compareBranches, only @{upstream} and @{push} are supported`);
      continue;
    }
    const ref = kind === '@{push}' ? push : upstream;
    if (ref === undefined || found.has(ref)) continue;
    const info = await against(repository, branch, ref, count);
    if (info.gone && ref !== upstream) continue;
    found.set(ref, {
      ...info,
      pulled: ref === upstream,
      pushed: ref === push || (ref === upstream && push === undefined),
    });
  }
  return [...found.values()];
}

async function against(
  repository: Repository,
  branch: string,
  upstream: string,
  count: boolean,
): Promise<TrackingInfo> {
  const short = await shortenRef(upstream, false, async (name) => (await repository.refs.resolve(name)) !== undefined);
  const theirs = await repository.refs.resolve(upstream);
  const ours = await repository.refs.resolve(`refs/heads/${branch}`);
  if (theirs === undefined) return { upstream, short, gone: true, same: false };
  if (ours === undefined) return { upstream, short, gone: false, same: false };
  if (ours === theirs) return { upstream, short, gone: false, ahead: 0, behind: 0, same: true };
  if (!count) return { upstream, short, gone: false, same: false };
  const counted = await aheadBehind(repository, ours, theirs);
  return { upstream, short, gone: false, same: false, ...counted };
}

/** How many commits each of two has that the other has not. */
function aheadBehind(repository: Repository, ours: Oid, theirs: Oid): Promise<AheadBehind> {
  return openAncestry(repository).aheadBehind(ours as Oid<'commit'>, theirs as Oid<'commit'>);
}

/** The lines that status and checkout print about a branch and its upstream; empty where it has none. */
export function trackingLines(info: TrackingInfo, hints: boolean, diverged = hints): string {
  const name = info.short;
  const pull = hints && info.pulled !== false;
  const push = hints && info.pushed !== false;
  if (info.gone) {
    return `Your branch is based on '${name}', but the upstream is gone.\n${hints ? '  (use "git branch --unset-upstream" to fixup)\n' : ''}`;
  }
  if (info.same) return `Your branch is up to date with '${name}'.\n`;
  const { ahead, behind } = info;
  if (ahead === undefined || behind === undefined) {
    return `Your branch and '${name}' refer to different commits.\n${push ? '  (use "git status --ahead-behind" for details)\n' : ''}`;
  }
  const commits = (n: number): string => (n === 1 ? 'commit' : 'commits');
  if (behind === 0) {
    return `Your branch is ahead of '${name}' by ${ahead} ${commits(ahead)}.\n${push ? '  (use "git push" to publish your local commits)\n' : ''}`;
  }
  if (ahead === 0) {
    return `Your branch is behind '${name}' by ${behind} ${commits(behind)}, and can be fast-forwarded.\n${pull ? '  (use "git pull" to update your local branch)\n' : ''}`;
  }
  return `Your branch and '${name}' have diverged,\nand have ${ahead} and ${behind} different commits each, respectively.\n${diverged && pull ? '  (use "git pull" if you want to integrate the remote branch with yours)\n' : ''}`;
}
