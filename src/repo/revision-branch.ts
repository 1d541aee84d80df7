import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { expandRefName } from '../refs/name.js';
import type { Repository } from './repository.js';
import { pushTargetOf, upstreamOf } from './tracking.js';

/** Which kinds of names `interpretBranchName` may answer. */
export type AllowedNames = 'local' | 'remote' | 'HEAD';

export interface BranchNameOptions {
  readonly allow?: readonly AllowedNames[];
  /** Nothing to be interpreted beyond `@{-N}`. */
  readonly priorOnly?: boolean;
}

const MARK = /^@\{(upstream|u|push)\}/i;

/** `main` of a HEAD on a branch; `undefined` when detached. */
export async function currentBranch(repository: Repository): Promise<string | undefined> {
  const head = await repository.refs.readRaw('HEAD');
  return head?.kind === 'symbolic' && head.target.startsWith('refs/heads/') ? head.target.slice(11) : undefined;
}

/**
 * What was checked out N switches ago, by HEAD's reflog: a branch's name or the id of a detached HEAD. `undefined`
 * when the log does not go back that far.
 */
export async function priorCheckout(repository: Repository, n: number): Promise<string | undefined> {
  const log = await repository.refs.reflog('HEAD');
  let left = n;
  for (let i = (log?.length ?? 0) - 1; i >= 0; i--) {
    const match = /^checkout: moving from (.*) to /.exec(log![i]!.message);
    if (match === null) continue;
    // The name itself may contain " to ": it ends at the first one.
    const name = log![i]!.message.slice('checkout: moving from '.length).split(' to ')[0]!;
    if (--left === 0) return name;
  }
  return undefined;
}

/**
 * Replaces what stands for a name at the start of the text: `@{-N}`, `@`, `branch@{upstream}`, `branch@{push}`. Answers
 * the new text and how much of the old one it took; `undefined` where there is nothing to replace.
 */
export async function interpretBranchName(
  repository: Repository,
  text: string,
  options: BranchNameOptions = {},
): Promise<{ readonly name: string; readonly used: number } | undefined> {
  const prior = /^@\{-(\d+)\}/.exec(text);
  if (prior !== null) {
    if (options.allow !== undefined && !options.allow.includes('local')) return undefined;
    const number = Number(prior[1]);
    if (number === 0) return undefined;
    const name = await priorCheckout(repository, number);
    if (name === undefined) return undefined;
    const used = prior[0].length;
    if (used === text.length) return { name, used };
    // More may follow: `@{-1}@{u}`.
    const whole = name + text.slice(used);
    const again = await interpretBranchName(repository, whole, options);
    if (again === undefined) return { name, used };
    return { name: again.name, used: again.used - name.length + used };
  }
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    if (allows(options, 'HEAD') && at === 0 && (text.length === 1 || text[1] === '{')) {
      const rest = text.slice(1);
      if (rest === '' || !MARK.test(text)) {
        if (rest === '') return { name: 'HEAD', used: 1 };
      }
    }
    const mark = MARK.exec(text.slice(at));
    if (mark === null || text.slice(0, at).includes(':')) continue;
    const name = await markedRef(repository, text.slice(0, at), mark[1]!.toLowerCase() === 'push');
    if (!allowsRef(options, name)) continue;
    return { name: await shortRef(repository, name), used: at + mark[0].length };
  }
  return undefined;
}

const allows = (options: BranchNameOptions, kind: AllowedNames): boolean =>
  options.allow === undefined || options.allow.includes(kind);

function allowsRef(options: BranchNameOptions, name: string): boolean {
  if (options.allow === undefined) return true;
  if (name.startsWith('refs/heads/')) return options.allow.includes('local');
  if (name.startsWith('refs/remotes/')) return options.allow.includes('remote');
  return false;
}

/** The full ref that `branch@{upstream}` or `branch@{push}` means. Throws git's words. */
async function markedRef(repository: Repository, branchText: string, push: boolean): Promise<string> {
  let branch: string | undefined;
  if (branchText === '' || branchText === 'HEAD' || branchText === '@') {
    branch = await currentBranch(repository);
    if (branch === undefined) throw new GitError('REF_MISSING', 'HEAD does not point to a branch');
  } else {
    const inner = await interpretBranchName(repository, branchText);
    branch = inner !== undefined && inner.used === branchText.length ? inner.name : branchText;
  }
  const exists = (await repository.refs.readRaw(`refs/heads/${branch}`)) !== undefined;
  return push ? pushTargetOf(repository.config, branch) : upstreamOf(repository.config, branch, exists);
}

/** Shortened so that it means the same ref again: `refs/remotes/origin/main` is `origin/main`. */
async function shortRef(repository: Repository, name: string): Promise<string> {
  const { shortenRef } = await import('../refs/name.js');
  return shortenRef(name, false, async (candidate) => (await repository.refs.readRaw(candidate)) !== undefined);
}

export interface FoundRef {
  /** The full name as one of the rules gives it. */
  readonly name: string;
  /** The last ref of a chain of symbolic ones. */
  readonly final: string;
  readonly oid: Oid;
}

/** Every ref a short name may mean, best first. `complain`: told `warning: …` lines about dangling ones. */
export async function findRefs(
  repository: Repository,
  short: string,
  complain?: (line: string) => void,
): Promise<readonly FoundRef[]> {
  const replaced = await interpretBranchName(repository, short);
  const text = replaced !== undefined && replaced.used === short.length ? replaced.name : short;
  const found: FoundRef[] = [];
  for (const name of expandRefName(text)) {
    const resolved = await repository.refs.resolveFull(name);
    if (resolved === undefined) continue;
    if (resolved.oid !== undefined && resolved.broken !== true) {
      found.push({ name, final: resolved.name, oid: resolved.oid });
    } else if (resolved.symbolic && name !== 'HEAD') complain?.(`warning: ignoring dangling symref ${name}`);
    else if (resolved.broken === true && name.includes('/')) complain?.(`warning: ignoring broken ref ${name}`);
  }
  return found;
}

/** The ref whose log `short@{…}` means, and the ref's own value. */
export async function findLogs(repository: Repository, short: string): Promise<readonly FoundRef[]> {
  const replaced = await interpretBranchName(repository, short);
  const text = replaced !== undefined && replaced.used === short.length ? replaced.name : short;
  const found: FoundRef[] = [];
  for (const name of expandRefName(text)) {
    const resolved = await repository.refs.resolveFull(name);
    if (resolved === undefined || resolved.oid === undefined) continue;
    if (await repository.refs.reflogExists(name)) found.push({ name, final: resolved.name, oid: resolved.oid });
    else if (resolved.name !== name && (await repository.refs.reflogExists(resolved.name))) {
      found.push({ name: resolved.name, final: resolved.name, oid: resolved.oid });
    }
  }
  return found;
}
