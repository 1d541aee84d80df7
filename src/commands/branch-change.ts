import type { Repository } from '../repo/repository.js';
import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { abbreviate } from '../porcelain/abbreviate.js';
import { openAncestry } from '../repo/ancestry.js';
import { checkBranchName, checkNewBranchName } from '../porcelain/branch-make.js';
import { editFile } from '../porcelain/editor.js';
import { LocalConfig } from '../porcelain/local-config.js';
import { commentLines, commentPrefix, stripSpace } from '../porcelain/message.js';
import { branchUses, headOfWorktree, listWorktrees } from '../porcelain/worktree-list.js';
import { checkRefFormat, isValidBranchName } from '../refs/name.js';
import type { RefUpdate } from '../refs/store.js';
import { peelTo } from '../repo/revision.js';
import { findUpstream } from '../repo/tracking.js';
import { type Line, plainName } from './branch.js';
import type { CommandContext } from './command.js';
import { advise } from './work-tree.js';

interface Deletion {
  readonly force: boolean;
  readonly remote: boolean;
  readonly quiet: boolean;
}

/** `branch -d`: what has unmerged work, is checked out or does not exist stays, and that is said. */
export async function* deleteBranches(
  context: CommandContext,
  names: readonly string[],
  options: Deletion,
): AsyncGenerator<Line, number | undefined> {
  const repository = context.repository();
  const { refs } = repository;
  const base = options.remote ? 'refs/remotes/' : 'refs/heads/';
  const force = options.force || options.remote;
  const headOid = force ? undefined : await refs.resolve('HEAD');
  const head =
    headOid === undefined ? undefined : ((await peelTo(repository, headOid, 'commit')) as Oid<'commit'> | undefined);
  const uses = branchUses(repository);
  let code: number | undefined;
  const found = new Map<string, { short: string; shown: string }>();
  for (const text of names) {
    const short = await plainName(repository, text, options.remote ? 'remote' : 'local');
    const name = base + short;
    if (!options.remote) {
      const use = uses.get(name);
      if (use !== undefined) {
        context.error(`cannot delete branch '${short}' used by worktree at '${use.path}'`);
        code = 1;
        continue;
      }
    }
    // Under a bad name nothing is read, only taken away.
    const content = await refs.readRaw(name);
    const raw = checkRefFormat(name) || content?.kind === 'symbolic' ? content : undefined;
    const end = raw === undefined ? await refs.resolveFull(name) : undefined;
    if (raw === undefined && end?.broken !== true) {
      if (options.remote) context.error(`remote-tracking branch '${short}' not found`);
      else if ((await refs.readRaw(`refs/remotes/${short}`)) !== undefined)
        context.error(`branch '${short}' not found.\nDid you forget --remote?`);
      else context.error(`branch '${short}' not found`);
      code = 1;
      continue;
    }
    if (raw?.kind === 'direct' && !(await mayGo(context, short, name, raw.oid, head, force, options.remote))) {
      code = 1;
      continue;
    }
    const shown =
      raw === undefined ? 'broken' : raw.kind === 'symbolic' ? raw.target : await abbreviate(repository, raw.oid);
    found.set(name, { short, shown });
  }
  const [first, ...others] = [...found.keys()].map((name): RefUpdate => ({ name, to: 'deleted', noDeref: true }));
  if (first === undefined) return code;
  const result = await refs.update([first, ...others]);
  if (!result.ok) {
    context.error(
      found.size === 1
        ? `could not delete reference ${first.name}: ${result.message}`
        : `could not delete references: ${result.message}`,
    );
    code = 1;
  }
  for (const [name, { short, shown }] of found) {
    if ((await refs.readRaw(name)) !== undefined) continue;
    if (!options.quiet) {
      yield {
        text: options.remote
          ? `Deleted remote-tracking branch ${short} (was ${shown}).\n`
          : `Deleted branch ${short} (was ${shown}).\n`,
      };
    }
    if (repository.config.subsections('branch').includes(short))
      new LocalConfig(repository).renameSection(`branch.${short}`, undefined);
  }
  return code;
}

/** Whether all its work is elsewhere: in its upstream, or else in HEAD. */
async function mayGo(
  context: CommandContext,
  short: string,
  name: string,
  oid: Oid,
  head: Oid<'commit'> | undefined,
  force: boolean,
  remote: boolean,
): Promise<boolean> {
  if (force) return true;
  const repository = context.repository();
  const commit = (await peelTo(repository, oid, 'commit')) as Oid<'commit'> | undefined;
  if (commit === undefined) {
    context.error(`couldn't look up commit object for '${name}'`);
    return false;
  }
  const ancestry = openAncestry(repository);
  let reference = head;
  let referenceName = '';
  const upstream = remote ? undefined : findUpstream(repository.config, short);
  if (upstream !== undefined) {
    const at = await repository.refs.resolve(upstream);
    const target = at === undefined ? undefined : await peelTo(repository, at, 'commit');
    if (target !== undefined) {
      reference = target as Oid<'commit'>;
      referenceName = upstream;
    }
  }
  const merged = reference !== undefined && (await ancestry.isAncestor(commit, reference));
  if (head !== reference) {
    const inHead = head !== undefined && (await ancestry.isAncestor(commit, head));
    if (inHead !== merged) {
      context.warning(
        merged
          ? `deleting branch '${short}' that has been merged to\n         '${referenceName}', but not yet merged to HEAD`
          : `not deleting branch '${short}' that is not yet merged to\n         '${referenceName}', even though it is merged to HEAD`,
      );
    }
  }
  if (merged) return true;
  context.error(`the branch '${short}' is not fully merged`);
  advise(context, 'forceDeleteBranch', `If you are sure you want to delete it, run 'git branch -D ${short}'`);
  return false;
}

/** A branch copied onto itself: nothing but a line in its reflog, and in HEAD's where HEAD is on it. */
async function touchLogs(repository: Repository, ref: string, oid: Oid, message: string): Promise<undefined> {
  const { refs } = repository;
  const { name, email, seconds, zone } = repository.identity('committer');
  const head = await refs.readRaw('HEAD');
  const logs = head?.kind === 'symbolic' && head.target === ref ? [ref, 'HEAD'] : [ref];
  for (const log of logs) {
    if (!(await refs.reflogExists(log))) continue;
    await refs.appendReflog(log, { old: oid, new: oid, identity: `${name} <${email}>`, seconds, zone, message });
  }
  return undefined;
}

/** `branch -m` and `-c`: the ref with its log and configuration; every HEAD that is on it follows. */
export async function copyOrMoveBranch(
  context: CommandContext,
  fromText: string,
  toText: string,
  options: { readonly copy: boolean; readonly force: boolean },
): Promise<void> {
  const repository = context.repository();
  const { refs } = repository;
  const { copy } = options;
  const from = await plainName(repository, fromText);
  const to = await plainName(repository, toText);
  const fromRef = `refs/heads/${from}`;
  const toRef = `refs/heads/${to}`;
  const exists = async (name: string): Promise<boolean> => (await refs.resolve(name)) !== undefined;
  const misnamed = !isValidBranchName(from);
  if (misnamed && (await refs.readRaw(fromRef)) === undefined && (await refs.resolveFull(fromRef))?.broken !== true) {
    throw new GitError('REF_INVALID', `invalid branch name: '${from}'`, {
      data: { advice: { name: 'refSyntax', text: "See 'git help check-ref-format'" } },
    });
  }
  const onIt = listWorktrees(repository).filter((worktree) => worktree.head === fromRef);
  const born = await exists(fromRef);
  if ((copy || onIt.length === 0) && !born && !misnamed) {
    throw new GitError(
      'REF_MISSING',
      onIt.length > 0 ? `no commit on branch '${from}' yet` : `no branch named '${from}'`,
    );
  }
  if (from === to) checkBranchName(to);
  else await checkNewBranchName(repository, to, options.force);
  const use = branchUses(repository).get(fromRef);
  if (use?.how === 'rebase') throw new GitError('REF_INVALID', `branch ${fromRef} is being rebased at ${use.path}`);
  if (use?.how === 'bisect') throw new GitError('REF_INVALID', `branch ${fromRef} is being bisected at ${use.path}`);
  const reason = `Branch: ${copy ? 'copied' : 'renamed'} ${fromRef} to ${toRef}`;
  if (born) {
    const same = fromRef === toRef ? await refs.resolve(fromRef) : undefined;
    const result =
      copy && same !== undefined
        ? await touchLogs(repository, fromRef, same, reason)
        : copy
          ? await refs.copyRef(fromRef, toRef, reason)
          : await refs.renameRef(fromRef, toRef, reason);
    if (result?.ok === false) {
      context.error(result.message);
      throw new GitError('REF_CHANGED', copy ? 'branch copy failed' : 'branch rename failed');
    }
  }
  if (misnamed)
    context.warning(
      copy ? `created a copy of a misnamed branch '${from}'` : `renamed a misnamed branch '${from}' away`,
    );
  if (!copy) {
    let failed = false;
    for (const worktree of onIt) {
      const own = worktree.gitDir === repository.gitDir;
      const result = await refs.update([
        {
          name: own ? 'HEAD' : headOfWorktree(worktree),
          to: { symbolic: toRef },
          noDeref: true,
          reason,
        },
      ]);
      if (result.ok) continue;
      context.error(result.message);
      context.error(`HEAD of working tree ${worktree.path} is not updated`);
      failed = true;
    }
    if (failed) throw new GitError('REF_CHANGED', `branch renamed to ${to}, but HEAD is not updated`);
  }
  if (from !== to && repository.config.subsections('branch').includes(from)) {
    const local = new LocalConfig(repository);
    if (copy) local.copySection(`branch.${from}`, `branch.${to}`);
    else local.renameSection(`branch.${from}`, `branch.${to}`);
  }
}

/** `branch --edit-description`. */
export async function editDescription(
  context: CommandContext,
  names: readonly string[],
  head: string | undefined,
): Promise<number | undefined> {
  const repository = context.repository();
  if (names.length > 1) throw new GitError('USAGE', 'cannot edit description of more than one branch');
  if (names.length === 0 && head === undefined) throw new GitError('USAGE', 'cannot give description to detached HEAD');
  const name = names.length === 0 ? head! : await plainName(repository, names[0]!);
  const full = `refs/heads/${name}`;
  if ((await repository.refs.resolve(full)) === undefined) {
    context.error(
      names.length === 0 || branchUses(repository).has(full)
        ? `no commit on branch '${name}' yet`
        : `no branch named '${name}'`,
    );
    return 1;
  }
  const key = `branch.${name}.description`;
  const before = repository.config.get(key);
  const comment = commentPrefix(repository.config);
  let text = before?.endsWith('\n') === true ? before : `${before ?? ''}\n`;
  text += commentLines(
    `Please edit the description for the branch\n  ${name}\nLines starting with '${comment}' will be stripped.\n`,
    comment,
  );
  const path = repository.path('EDIT_DESCRIPTION');
  const { fs } = repository.platform;
  fs.writeFile(path, encodeText(text));
  try {
    editFile(repository, path);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    context.error(error.message);
    return 1;
  }
  const after = stripSpace(decodeText(fs.readFile(path) ?? new Uint8Array(0)), comment);
  const local = new LocalConfig(repository);
  if (after !== '') local.set(key, after);
  else if (before !== undefined) local.unset(key);
  return undefined;
}
