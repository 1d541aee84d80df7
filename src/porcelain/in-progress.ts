import { decodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { isOid, isZeroOid } from '../base/oid.js';
import { dwimRef } from '../refs/dwim.js';
import { abbreviate } from '../repo/revision-short.js';
import type { Repository } from '../repo/repository.js';

/** What is under way in a work tree: a merge, a rebase, a cherry-pick, a bisection… */
export interface InProgress {
  merge: boolean;
  am: boolean;
  amEmptyPatch: boolean;
  rebase: boolean;
  rebaseInteractive: boolean;
  cherryPick: boolean;
  /** Absent while the next pick has not begun. */
  cherryPickHead?: Oid | undefined;
  revert: boolean;
  revertHead?: Oid | undefined;
  bisect: boolean;
  /** The branch that a rebase or bisection started from. */
  branch?: string | undefined;
  /** What it is rebased onto. */
  onto?: string | undefined;
  bisectFrom?: string | undefined;
}

/** Reads a state file of the git directory, without its line end. */
function stateFile(repository: Repository, name: string): string | undefined {
  const data = repository.platform.fs.readFile(repository.path(name));
  return data === undefined ? undefined : decodeText(data).replace(/\n$/, '');
}

/** A ref's or id's short form, as status shows where a rebase goes. */
async function shortName(repository: Repository, text: string | undefined): Promise<string | undefined> {
  if (text === undefined) return undefined;
  if (text.startsWith('refs/heads/')) return text.slice('refs/heads/'.length);
  if (text.startsWith('refs/')) return text;
  if (isOid(text)) return abbreviate(repository, text);
  return text === 'detached HEAD' ? undefined : text;
}

export const nothingInProgress: Readonly<InProgress> = {
  merge: false,
  am: false,
  amEmptyPatch: false,
  rebase: false,
  rebaseInteractive: false,
  cherryPick: false,
  revert: false,
  bisect: false,
};

/** Looks for the marks that unfinished operations leave. git's `wt_status_get_state`. */
export async function readInProgress(repository: Repository): Promise<InProgress> {
  const { fs } = repository.platform;
  const there = (name: string): boolean => fs.stat(repository.path(name)) !== undefined;
  const state: InProgress = { ...nothingInProgress };
  if (there('MERGE_HEAD')) {
    await rebaseState(repository, state, there);
    state.merge = true;
  } else if (await rebaseState(repository, state, there)) {
    // all set
  } else {
    const pick = stateFile(repository, 'CHERRY_PICK_HEAD');
    if (pick !== undefined && isOid(pick)) {
      state.cherryPick = true;
      state.cherryPickHead = pick;
    }
  }
  if (there('BISECT_START')) {
    state.bisect = true;
    state.bisectFrom = await shortName(repository, stateFile(repository, 'BISECT_START'));
  }
  const revert = stateFile(repository, 'REVERT_HEAD');
  if (revert !== undefined && isOid(revert)) {
    state.revert = true;
    state.revertHead = revert;
  }
  if (!state.cherryPick && !state.revert) {
    const action = /^(pick|revert)\b/.exec(stateFile(repository, 'sequencer/todo') ?? '')?.[1];
    if (action === 'pick' && !state.rebaseInteractive) state.cherryPick = true;
    else if (action === 'revert') state.revert = true;
  }
  return state;
}

async function rebaseState(
  repository: Repository,
  state: InProgress,
  there: (name: string) => boolean,
): Promise<boolean> {
  if (there('rebase-apply')) {
    if (there('rebase-apply/applying')) {
      state.am = true;
      const patch = repository.platform.fs.stat(repository.path('rebase-apply/patch'));
      state.amEmptyPatch = patch !== undefined && patch.size === 0;
    } else {
      state.rebase = true;
      state.branch = await shortName(repository, stateFile(repository, 'rebase-apply/head-name'));
      state.onto = await shortName(repository, stateFile(repository, 'rebase-apply/onto'));
    }
    return true;
  }
  if (!there('rebase-merge')) return false;
  if (there('rebase-merge/interactive')) state.rebaseInteractive = true;
  else state.rebase = true;
  state.branch = await shortName(repository, stateFile(repository, 'rebase-merge/head-name'));
  state.onto = await shortName(repository, stateFile(repository, 'rebase-merge/onto'));
  return true;
}

/** The lines of a rebase's lists, without comments, each command with its commit's id shortened. */
export async function rebaseLines(repository: Repository, name: 'done' | 'git-rebase-todo'): Promise<string[]> {
  const text = stateFile(repository, `rebase-merge/${name}`);
  if (text === undefined) return [];
  const lines: string[] = [];
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const match = /^(\S+) ((?:-[cC] )?)([0-9a-f]{40,64})(.*)$/s.exec(line);
    lines.push(
      match === null || /^(exec|x|label|l)$/.test(match[1]!)
        ? line
        : `${match[1]} ${match[2]}${await abbreviate(repository, match[3] as Oid)}${match[4]}`,
    );
  }
  return lines;
}

/** A commit that is split while rebasing: HEAD moved away from what was to be amended. */
export async function isSplitting(repository: Repository, state: InProgress): Promise<boolean> {
  if (!state.rebaseInteractive) return false;
  const amend = stateFile(repository, 'rebase-merge/amend');
  const original = stateFile(repository, 'rebase-merge/orig-head');
  const head = await repository.refs.resolve('HEAD');
  const previous = await repository.refs.resolve('ORIG_HEAD');
  if (amend === undefined || original === undefined || head === undefined || previous === undefined) return false;
  if (isZeroOid(amend)) return false;
  if (amend === original) return head !== amend;
  return previous !== original;
}

/** Where HEAD was detached: the name checked out last, and whether HEAD is still there. */
export async function detachedFrom(repository: Repository): Promise<{ name: string; at: boolean } | undefined> {
  const log = (await repository.refs.reflog('HEAD')) ?? [];
  const head = await repository.refs.resolve('HEAD');
  for (let i = log.length - 1; i >= 0; i--) {
    const match = /^checkout: moving from .* to (.*)$/.exec(log[i]!.message);
    if (match === null) continue;
    const target = match[1]!;
    // HEAD is where it was then, not where it is now.
    const found = target === 'HEAD' ? undefined : await dwimRef(repository.refs, target);
    let name: string;
    if (found?.matches === 1 && (await leadsTo(repository, found.oid, log[i]!.new))) {
      name = found.name.replace(/^refs\/(?:tags|remotes)\//, '');
    } else name = await abbreviate(repository, log[i]!.new);
    return { name, at: head === log[i]!.new };
  }
  return undefined;
}

async function leadsTo(repository: Repository, oid: Oid, wanted: Oid): Promise<boolean> {
  if (oid === wanted) return true;
  const object = await repository.objects.read(oid);
  return object?.kind === 'tag' && decodeText(object.data).startsWith(`object ${wanted}\n`);
}
