import { GitError } from '../base/errors.js';
import type { Config } from './config.js';

/** One refspec of a remote: `+refs/heads/*:refs/remotes/origin/*`. */
export interface Refspec {
  readonly force: boolean;
  readonly negative: boolean;
  readonly source: string;
  /** `undefined`: there is no `:`. */
  readonly target: string | undefined;
}

/** Takes a refspec apart; whether its names are legal is the transport's business. */
export function splitRefspec(text: string): Refspec {
  const force = text.startsWith('+');
  const negative = text.startsWith('^');
  const rest = force || negative ? text.slice(1) : text;
  const colon = rest.lastIndexOf(':');
  return {
    force,
    negative,
    source: colon < 0 ? rest : rest.slice(0, colon),
    target: colon < 0 ? undefined : rest.slice(colon + 1),
  };
}

/** What the name stands for on the other side of a pattern with at most one `*`; `undefined` where it does not match. */
export function mapByPattern(name: string, from: string, to: string): string | undefined {
  const star = from.indexOf('*');
  if (star < 0) return name === from ? to : undefined;
  const before = from.slice(0, star);
  const after = from.slice(star + 1);
  if (name.length < before.length + after.length || !name.startsWith(before) || !name.endsWith(after)) return undefined;
  return to.replace('*', () => name.slice(before.length, name.length - after.length));
}

const matches = (name: string, pattern: string): boolean => mapByPattern(name, pattern, '') !== undefined;

/** Where a ref of a remote is kept here, by its fetch refspecs. */
export function trackingRef(config: Config, remote: string, name: string): string | undefined {
  const refspecs = config.getAll(`remote.${remote}.fetch`).map(splitRefspec);
  if (refspecs.some(({ negative, source }) => negative && matches(name, source))) return undefined;
  for (const { negative, source, target } of refspecs) {
    if (negative || target === undefined || target === '') continue;
    const mapped = mapByPattern(name, source, target);
    if (mapped !== undefined) return mapped;
  }
  return undefined;
}

/** The remote a branch is fetched from: its own, else the only one there is, else `origin`. */
function remoteOfBranch(config: Config, branch: string | undefined): string {
  const own = branch === undefined ? undefined : config.get(`branch.${branch}.remote`);
  if (own !== undefined) return own;
  const remotes = configuredRemotes(config);
  return remotes.length === 1 ? remotes[0]! : 'origin';
}

const configuredRemotes = (config: Config): string[] => config.subsections('remote');

/** The remote a branch is pushed to. */
export function pushRemoteOfBranch(config: Config, branch: string | undefined): string | undefined {
  return (
    (branch === undefined ? undefined : config.get(`branch.${branch}.pushremote`)) ??
    config.get('remote.pushdefault') ??
    remoteOfBranch(config, branch)
  );
}

/** The full names `branch.<name>.merge` holds. */
const mergeNames = (config: Config, branch: string): string[] => config.getAll(`branch.${branch}.merge`);

/** A branch here may be named by its short name. */
const localName = (merge: string): string => (merge.startsWith('refs/') ? merge : `refs/heads/${merge}`);

/** The ref here that follows the branch's upstream (`@{upstream}`). Throws git's words for why there is none. */
export function upstreamOf(config: Config, branch: string, exists: boolean): string {
  const merge = mergeNames(config, branch)[0];
  const remote =
    config.get(`branch.${branch}.remote`) ?? (merge === undefined ? undefined : remoteOfBranch(config, branch));
  if (merge === undefined || remote === undefined) {
    if (!exists) throw new GitError('REF_MISSING', `no such branch: '${branch}'`);
    throw new GitError('REF_MISSING', `no upstream configured for branch '${branch}'`);
  }
  if (remote === '.') return localName(merge);
  const tracking = trackingRef(config, remote, merge);
  if (tracking === undefined) {
    throw new GitError('REF_MISSING', `upstream branch '${merge}' not stored as a remote-tracking branch`);
  }
  return tracking;
}

/** The upstream, or `undefined` where there is none. */
export function findUpstream(config: Config, branch: string): string | undefined {
  const merge = mergeNames(config, branch)[0];
  if (merge === undefined) return undefined;
  const remote = config.get(`branch.${branch}.remote`) ?? remoteOfBranch(config, branch);
  return remote === '.' ? localName(merge) : trackingRef(config, remote, merge);
}

/** The ref here that follows where `git push` would push the branch (`@{push}`). Throws git's words for why not. */
export function pushTargetOf(config: Config, branch: string): string {
  const full = `refs/heads/${branch}`;
  const remote = pushRemoteOfBranch(config, branch);
  const tracked = (name: string): string => {
    const tracking = trackingRef(config, remote!, name);
    if (tracking === undefined) {
      throw new GitError(
        'REF_MISSING',
        `push destination '${name}' on remote '${remote}' has no local tracking branch`,
      );
    }
    return tracking;
  };
  if (remote === undefined) throw new GitError('REF_MISSING', `branch '${branch}' has no remote for pushing`);
  const refspecs = config.getAll(`remote.${remote}.push`).map(splitRefspec);
  if (refspecs.length > 0) {
    for (const { negative, source, target } of refspecs) {
      if (negative) continue;
      const from = source.includes('*') || source.startsWith('refs/') ? source : `refs/heads/${source}`;
      const to = target === undefined || target === '' ? from : target;
      const mapped = mapByPattern(full, from, to.startsWith('refs/') ? to : `refs/heads/${to}`);
      if (mapped !== undefined) return tracked(mapped);
    }
    throw new GitError('REF_MISSING', `push refspecs for '${remote}' do not include '${branch}'`);
  }
  if (config.getBoolOrString(`remote.${remote}.mirror`) === true) return tracked(full);
  const mode = (config.get('push.default') ?? 'simple').toLowerCase();
  switch (mode) {
    case 'nothing':
      throw new GitError('REF_MISSING', "push has no destination (push.default is 'nothing')");
    case 'matching':
    case 'current':
      return tracked(full);
    case 'upstream':
    case 'tracking':
      return upstreamOf(config, branch, true);
    default: {
      // Simple: to the upstream, where that has the same name.
      const upstream = upstreamOf(config, branch, true);
      const current = tracked(full);
      if (upstream !== current) {
        throw new GitError('REF_MISSING', "cannot resolve 'simple' push to a single destination");
      }
      return current;
    }
  }
}
