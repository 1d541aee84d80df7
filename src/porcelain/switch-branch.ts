import { endPick } from './pick-state.js';
import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { parseCommit } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import type { Repository } from '../repo/repository.js';
import { abbreviate } from '../repo/revision-short.js';
import { readStatus } from '../worktree/status.js';
import type { SwitchOptions } from '../worktree/switch.js';
import { Switch } from '../worktree/switch.js';
import type { Refusal } from '../worktree/switch-errors.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { primeCacheTree } from '../worktree/write-tree.js';
import { removeMergeState } from './commit.js';
import { outputEncodingOf } from './log-context.js';
import { subjectLine } from './message.js';
import { recode } from './text-encoding.js';

export interface MoveOptions {
  /** Local changes are thrown away. */
  readonly discard?: boolean;
  /** Untracked files in the way are kept even where changes are thrown away: then it is refused. */
  readonly keepUntracked?: boolean;
  /** Ignored files in the way may go. Default true. */
  readonly overwriteIgnored?: boolean;
  readonly meta?: SwitchOptions['meta'];
  readonly progress?: SwitchOptions['progress'];
  readonly filtering?: SwitchOptions['filtering'];
}

export type MoveResult =
  | { readonly ok: true; readonly errors: readonly string[] }
  | { readonly ok: false; readonly refusals: readonly Refusal[] };

/**
 * Brings index and work tree from one tree to another, carrying local changes over (or throwing them away). The index
 * is locked and written. `from` is `undefined` before the first commit.
 */
export async function moveWorkTree(
  tree: WorkTree,
  from: Oid<'tree'> | undefined,
  to: Oid<'tree'> | undefined,
  options: MoveOptions = {},
): Promise<MoveResult> {
  const lock = tree.lockIndex();
  try {
    const index = tree.reloadIndex();
    const discard = options.discard === true;
    const change = new Switch(tree, discard ? [to] : [from, to], {
      way: discard ? 'oneway' : 'twoway',
      update: true,
      overwriteIgnored: options.overwriteIgnored !== false,
      initial: !discard && !index.existed,
      ...(discard ? { reset: options.keepUntracked === true ? 'protect-untracked' : 'overwrite-untracked' } : {}),
      ...(options.meta === undefined ? {} : { meta: options.meta }),
      ...(options.progress === undefined ? {} : { progress: options.progress }),
      filtering: options.filtering,
    });
    const plan = await change.plan();
    if (plan.refusals.length > 0) return { ok: false, refusals: plan.refusals };
    // One process does it all; but a number it must be.
    tree.repository.config.getInt('checkout.workers');
    const errors = await change.apply();
    if (discard && to !== undefined) tree.index.cacheTree = await primeCacheTree(tree.repository.objects, to);
    tree.commitIndex(lock);
    return { ok: true, errors };
  } finally {
    lock.rollback();
  }
}

/** Lines about local changes that were carried over: `M<tab>path`. */
export async function localChanges(
  tree: WorkTree,
  to: Oid<'tree'> | undefined,
): Promise<{ letter: string; path: string }[]> {
  const status = await readStatus(tree, { head: to, untracked: 'no', renames: 'none' });
  const out: { letter: string; path: string }[] = [];
  for (const item of status.items) {
    // A conflict of changes that were carried over: its second side is what the branch has.
    if (item.stages !== undefined) out.push({ letter: item.stages[1] === undefined ? 'A' : 'M', path: item.path });
    // What was added and is not there is nothing new for a work tree.
    else if (item.staged === 'A' && item.unstaged === 'D') continue;
    else if (item.staged === 'A') out.push({ letter: 'A', path: item.path });
    else if (item.unstaged === 'A') out.push({ letter: 'A', path: item.path });
    else if (item.unstaged === 'D') out.push({ letter: 'D', path: item.path });
    else if (item.unstaged !== ' ') out.push({ letter: item.unstaged, path: item.path });
    else if (item.staged !== ' ') out.push({ letter: item.staged, path: item.path });
  }
  return out;
}

/** Removes what an unfinished merge, cherry-pick or revert left (their `--quit`). */
export function forgetOperations(repository: Repository): void {
  endPick(repository);
  removeMergeState(repository);
}

/** The tree of a commit (or of a tag or tree that leads to one). */
export async function treeOfCommit(repository: Repository, commit: Oid): Promise<Oid<'tree'>> {
  return parseCommit(await readKind(repository.objects, commit, 'commit')).tree;
}

/** `HEAD is now at 1234567 subject`. */
export async function describeHead(repository: Repository, what: string, commit: Oid): Promise<string> {
  const data = await readKind(repository.objects, commit, 'commit');
  const encoding = outputEncodingOf(repository, undefined);
  const shown = decodeText(recode(data, parseCommit(data).encoding ?? 'UTF-8', encoding) ?? data);
  const message = shown.slice(shown.indexOf('\n\n') + 2);
  const dots = repository.env['GIT_PRINT_SHA1_ELLIPSIS']?.toLowerCase() === 'yes' ? '...' : '';
  return `${what} ${await abbreviate(repository, commit)}${dots} ${subjectLine(message)}\n`;
}

/** Refuses while something is under way, in the words of `git switch`. */
export function refuseInProgress(repository: Repository, warn: (message: string) => void): void {
  const { fs } = repository.platform;
  const there = (name: string): boolean => fs.stat(repository.path(name)) !== undefined;
  const stop = (what: string, how: string): never => {
    throw new GitError(
      'USAGE',
      `cannot switch branch while ${what}\nConsider "git ${how} --quit" or "git worktree add".`,
    );
  };
  if (there('MERGE_HEAD')) stop('merging', 'merge');
  if (there('rebase-apply/applying')) stop('in the middle of an am session', 'am');
  if (there('rebase-apply') || there('rebase-merge')) stop('rebasing', 'rebase');
  const todo = fs.readFile(repository.path('sequencer/todo'));
  const action = todo === undefined ? undefined : /^(pick|revert)\b/.exec(decodeText(todo))?.[1];
  if (there('CHERRY_PICK_HEAD') || action === 'pick') stop('cherry-picking', 'cherry-pick');
  if (there('REVERT_HEAD') || action === 'revert') stop('reverting', 'revert');
  if (there('BISECT_START')) warn('you are switching branch while bisecting');
}

/** Commits reachable from `from` alone, newest first, that no ref and not `to` has; at most `limit` plus one. */
export async function lostCommits(
  repository: Repository,
  from: Oid,
  to: Oid | undefined,
  limit = 4,
): Promise<{ commits: Oid[]; total: number }> {
  const tips: Oid[] = to === undefined ? [] : [to];
  for await (const ref of repository.refs.list('refs/')) {
    if (ref.oid === from || ref.peeled === from) return { commits: [], total: 0 };
    tips.push(ref.peeled ?? ref.oid);
  }
  const reached = new Set<Oid>();
  const kept: { oid: Oid; seconds: number }[] = [];
  const unwanted = new Set<Oid>();
  const links = async (oid: Oid) => {
    const object = await repository.objects.read(oid);
    if (object?.kind === 'tag') {
      const target = /^object ([0-9a-f]+)/.exec(decodeText(object.data))?.[1] as Oid | undefined;
      return { parents: target === undefined ? [] : [target], seconds: Number.MAX_SAFE_INTEGER };
    }
    if (object?.kind !== 'commit') return { parents: [] as readonly Oid[], seconds: 0 };
    const commit = parseCommit(object.data);
    return { parents: commit.parents as readonly Oid[], seconds: commit.committer.seconds };
  };
  // Both sides walk by date; once only commits of the refs are left, the rest is known.
  const queue: { oid: Oid; parents: readonly Oid[]; seconds: number }[] = [];
  const push = async (oid: Oid): Promise<void> => {
    if (reached.has(oid)) return;
    reached.add(oid);
    const { parents, seconds } = await links(oid);
    let at = queue.length;
    while (at > 0 && queue[at - 1]!.seconds > seconds) at--;
    queue.splice(at, 0, { oid, parents, seconds });
  };
  for (const tip of tips) {
    unwanted.add(tip);
    await push(tip);
  }
  await push(from);
  while (queue.some(({ oid }) => !unwanted.has(oid))) {
    const next = queue.pop()!;
    const bad = unwanted.has(next.oid);
    if (!bad) kept.push(next);
    for (const parent of next.parents) {
      if (bad) unwanted.add(parent);
      await push(parent);
    }
  }
  const lost = kept.filter(({ oid }) => !unwanted.has(oid));
  return { commits: lost.slice(0, limit).map(({ oid }) => oid), total: lost.length };
}
