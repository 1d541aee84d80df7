import type { NonEmpty } from '../base/awaitable.js';
import type { Oid } from '../base/oid.js';
import { isZeroOid } from '../base/oid.js';
import { checkRefFormat } from '../refs/name.js';
import type { RefUpdate, UpdateFailure } from '../refs/store.js';
import type { Repository } from '../repo/repository.js';
import { CommitCache } from './commit-cache.js';
import type { ReceiveCommand } from './receive-command.js';
import { isDeletion } from './receive-command.js';
import type { ReceiveConfig } from './receive-config.js';
import { servedNamespace } from './served-refs.js';

/** Where a branch is checked out. */
export interface CheckedOut {
  /** The work tree's root. */
  readonly workTree: string;
  readonly gitDir: string;
  readonly bare: boolean;
}

export interface UpdateSurroundings {
  readonly repository: Repository;
  readonly config: ReceiveConfig;
  /** Tells the pusher, on side band 2. */
  readonly say: (text: string) => Promise<void>;
  readonly checkedOut: (ref: string) => CheckedOut | undefined;
  /** The branch HEAD points to. */
  readonly head: string | undefined;
  /** The update hook: true for yes. */
  readonly hook: (command: ReceiveCommand) => Promise<boolean>;
  /** `updateInstead`: brings the work tree along; why not, where it cannot. */
  readonly updateWorkTree: (oid: Oid, place: CheckedOut) => Promise<string | undefined>;
}

const unconfiguredDeny = `error: By default, updating the current branch in a non-bare repository
is denied, because it will make the index and work tree inconsistent
with what you pushed, and will require 'git reset --hard' to match
the work tree to HEAD.

You can set the 'receive.denyCurrentBranch' configuration variable
to 'ignore' or 'warn' in the remote repository to allow pushing into
its current branch; however, this is not recommended unless you
arranged to update its work tree to match what you pushed in some
other way.

To squelch this message and still keep the default behaviour, set
'receive.denyCurrentBranch' configuration variable to 'refuse'.
`;

const unconfiguredDenyDelete = `error: By default, deleting the current branch is denied, because the next
'git clone' won't result in any file checked out, causing confusion.

You can set 'receive.denyDeleteCurrent' configuration variable to
'warn' or 'ignore' in the remote repository to allow deleting the
current branch, with or without a warning message.

To squelch this message, you can set it to 'refuse'.
`;

/** Decides on one command; where it may go on, answers the change to make. */
async function decide(command: ReceiveCommand, around: UpdateSurroundings): Promise<RefUpdate | undefined> {
  const { repository, config, say } = around;
  const { name } = command;
  const refuse = (reason: string): undefined => {
    command.error = reason;
    return undefined;
  };
  if (!name.startsWith('refs/') || !checkRefFormat(name.slice(5), { allowOneLevel: isDeletion(command) })) {
    await say(`error: refusing to update funny ref '${name}' remotely\n`);
    return refuse('funny refname');
  }
  const fullName = servedNamespace(repository) + name;
  const place = around.checkedOut(fullName);
  let alongside = false;
  if (place !== undefined && !place.bare) {
    switch (config.denyCurrentBranch) {
      case 'ignore':
        break;
      case 'warn':
        await say('warning: updating the current branch\n');
        break;
      case 'update-instead':
        alongside = true;
        break;
      default:
        await say(`error: refusing to update checked out branch: ${name}\n`);
        if (config.denyCurrentBranch === 'unconfigured') await say(unconfiguredDeny);
        return refuse('branch is currently checked out');
    }
  }
  if (!isDeletion(command) && !(await repository.objects.has(command.new))) {
    await say(`error: unpack should have generated ${command.new}, but I can't find it!\n`);
    return refuse('bad pack');
  }
  if (!isZeroOid(command.old) && isDeletion(command)) {
    if (config.denyDeletes && name.startsWith('refs/heads/')) {
      await say(`error: denying ref deletion for ${name}\n`);
      return refuse('deletion prohibited');
    }
    if (place !== undefined || fullName === around.head) {
      switch (config.denyDeleteCurrent) {
        case 'ignore':
          break;
        case 'warn':
          await say('warning: deleting the current branch\n');
          break;
        case 'update-instead':
          return refuse('Invalid denyDeleteCurrent setting');
        default:
          if (config.denyDeleteCurrent === 'unconfigured') await say(unconfiguredDenyDelete);
          await say(`error: refusing to delete the current branch: ${name}\n`);
          return refuse('deletion of the current branch prohibited');
      }
    }
  }
  if (config.denyNonFastForwards && !isDeletion(command) && !isZeroOid(command.old) && name.startsWith('refs/heads/')) {
    const commits = new CommitCache(repository.objects);
    if ((await commits.raw(command.old)) === undefined || (await commits.raw(command.new)) === undefined) {
      await say(`error: Bad sha1 objects ${command.old} and ${command.new} for ${name}\n`);
      return refuse('bad ref');
    }
    if (!(await isAncestor(commits, command.old, command.new))) {
      await say(`error: denying non-fast-forward ${name} (you should pull first)\n`);
      return refuse('non-fast-forward');
    }
  }
  if (!(await around.hook(command))) {
    await say(`error: hook declined to update ${name}\n`);
    return refuse('hook declined');
  }
  if (alongside && !isDeletion(command)) {
    const fault = await around.updateWorkTree(command.new, place!);
    if (fault !== undefined) return refuse(fault);
  }
  if (isDeletion(command)) {
    if (isZeroOid(command.old) || !(await repository.objects.has(command.old))) {
      if ((await repository.refs.readRaw(fullName)) !== undefined)
        await say('warning: allowing deletion of corrupt ref\n');
      else {
        await say(`warning: deleting a non-existent ref\n`);
        command.didNotExist = true;
      }
      return { name: fullName, to: 'deleted', reason: 'push' };
    }
    return { name: fullName, to: 'deleted', expect: command.old, reason: 'push' };
  }
  return {
    name: fullName,
    to: command.new,
    expect: isZeroOid(command.old) ? 'absent' : command.old,
    reason: 'push',
  };
}

/** Is `older` an ancestor of `newer` (or the same)? */
export async function isAncestor(commits: CommitCache, older: Oid, newer: Oid): Promise<boolean> {
  const limit = (await commits.raw(older))?.seconds ?? 0;
  const seen = new Set<Oid>([newer]);
  const stack: Oid[] = [newer];
  for (let oid = stack.pop(); oid !== undefined; oid = stack.pop()) {
    if (oid === older) return true;
    const links = await commits.links(oid);
    // Dates may lie a little: a day's slack.
    if (links === undefined || links.seconds < limit - 86400) continue;
    for (const parent of links.parents) {
      if (seen.has(parent)) continue;
      seen.add(parent);
      stack.push(parent);
    }
  }
  return false;
}

/** The short reason the pusher gets for a failure of the ref store. */
function failureReason(failure: Pick<UpdateFailure, 'code'>): string {
  switch (failure.code) {
    case 'conflict':
      return 'refname conflict';
    case 'exists':
    case 'locked':
      return 'reference already exists';
    case 'missing':
      return 'reference does not exist';
    case 'changed':
      return 'incorrect old value provided';
    case 'invalid':
      return 'invalid new value provided';
    case 'not-symbolic':
      return 'expected symref but found regular ref';
    default:
      return 'failed to update ref';
  }
}

/** Makes the changes, each for itself (deletions first, so that names can make room for others) or all or none. */
export async function applyCommands(
  commands: readonly ReceiveCommand[],
  atomic: boolean,
  around: UpdateSurroundings,
): Promise<void> {
  if (atomic) return applyTogether(commands, true, around);
  await applyTogether(commands.filter(isDeletion), false, around);
  await applyTogether(
    commands.filter((command) => !isDeletion(command)),
    false,
    around,
  );
}

async function applyTogether(
  commands: readonly ReceiveCommand[],
  atomic: boolean,
  around: UpdateSurroundings,
): Promise<void> {
  const updates: RefUpdate[] = [];
  const owners: ReceiveCommand[] = [];
  const fail = (reason: string): void => {
    for (const command of commands) command.error ??= reason;
  };
  for (const command of commands) {
    if (command.error !== undefined || command.procReceive !== undefined || command.skip === true) continue;
    const update = await decide(command, around);
    if (update === undefined) {
      if (atomic) return fail('atomic push failure');
      continue;
    }
    updates.push(update);
    owners.push(command);
  }
  if (updates.length === 0) return;
  const { refs } = around.repository;
  const result = await refs.update(updates as unknown as NonEmpty<RefUpdate>, { partial: !atomic });
  if (!result.ok) {
    await around.say(`error: ${result.message}\n`);
    if (atomic) return fail('atomic transaction failed');
    for (const owner of owners) owner.error ??= result.code === 'hook' ? result.message : failureReason(result);
    return;
  }
  for (const { update, failure } of result.rejected ?? []) {
    // A symbolic ref's update fails under the name it leads to.
    const owner =
      owners[updates.indexOf(update)] ??
      owners.find((command, i) => updates[i]!.to === update.to && command.error === undefined);
    await around.say(`error: ${failure.message}\n`);
    if (owner !== undefined) owner.error = failureReason(failure);
  }
}
