import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { cleanupMode } from '../porcelain/message.js';
import { verbosityOf, verbosityWords } from './verbosity.js';
import { currentBranch } from '../porcelain/fetch.js';
import { mergeHeads, noCandidates, standing } from '../porcelain/pull-plan.js';
import { treeOf } from '../porcelain/pull-clean.js';
import type { Repository } from '../repo/repository.js';
import { refreshIndex } from '../worktree/refresh.js';
import { Switch } from '../worktree/switch.js';
import { porcelainRefusal } from '../worktree/switch-errors.js';
import { WorkTree } from '../worktree/work-tree.js';
import { Remotes } from '../transport/remote-config.js';
import { anonymizeUrl } from '../transport/url.js';
import { type CommandContext, defineCommand, renderText } from './command.js';
import { fetchOptionSpecs } from './fetch-options.js';
import type { OptionEvent } from './options.js';
import { advise } from './work-tree.js';

/** Options that go to `git merge` as they are. */
const mergeOptions = {
  stat: { type: 'flag', help: 'show a diffstat at the end of the merge' },
  summary: { type: 'flag', hidden: true },
  n: { type: 'flag', short: 'n', shortOnly: true, help: 'do not show a diffstat at the end of the merge' },
  'compact-summary': { type: 'flag', help: 'show a compact-summary at the end of the merge' },
  log: {
    type: 'optional',
    value: 'n',
    implied: '',
    help: 'add (at most <n>) entries from shortlog to merge commit message',
  },
  signoff: { type: 'optional', value: 'x', implied: '', help: 'add a Signed-off-by trailer' },
  squash: { type: 'flag', help: 'create a single commit instead of doing a merge' },
  commit: { type: 'flag', help: 'perform a commit if the merge succeeds (default)' },
  edit: { type: 'flag', help: 'edit message before committing' },
  cleanup: { type: 'string', value: 'mode', help: 'how to strip spaces and #comments from message' },
  ff: { type: 'flag', help: 'allow fast-forward' },
  'ff-only': { type: 'flag', negatable: false, help: 'abort if fast-forward is not possible' },
  verify: { type: 'flag', help: 'control use of pre-merge-commit and commit-msg hooks' },
  'verify-signatures': { type: 'flag', help: 'verify that the named commit has a valid GPG signature' },
  autostash: { type: 'flag', help: 'automatically stash/stash pop before and after' },
  strategy: { type: 'list', short: 's', value: 'strategy', help: 'merge strategy to use' },
  'strategy-option': { type: 'list', short: 'X', value: 'option=value', help: 'option for selected merge strategy' },
  'gpg-sign': { type: 'optional', short: 'S', value: 'key-id', implied: '', help: 'GPG sign commit' },
  'allow-unrelated-histories': { type: 'flag', help: 'allow merging unrelated histories' },
} as const;

type Rebase = 'false' | 'true' | 'interactive' | 'merges';

export const command = defineCommand({
  name: 'pull',
  summary: 'Fetch from another repository and integrate',
  usage: ['pull [<options>] [<repository> [<refspec>...]]'],
  options: {
    verbose: { type: 'count', short: 'v', help: 'be more verbose' },
    quiet: { type: 'count', short: 'q', help: 'be more quiet' },
    rebase: {
      type: 'optional',
      short: 'r',
      value: '(false|true|merges|interactive)',
      implied: 'true',
      help: 'incorporate changes by rebasing rather than merging',
    },
    ...mergeOptions,
    ...fetchOptionSpecs,
  },
  async *run(context, { values, rest, events }): AsyncGenerator<{ readonly text: string }, number> {
    const repository = context.repository();
    const { config } = repository;
    const remotes = new Remotes(config, repository);
    const branch = await currentBranch(repository);
    let rebase = rebaseMode(values.rebase);
    let fastForward = events.some((event) => event.key === 'ff' || event.key === 'ff-only')
      ? lastFastForward(events)
      : undefined;
    const chosen = rebase !== undefined || fastForward !== undefined;
    if (rebase === undefined) {
      const configured =
        (branch === undefined ? undefined : config.last(`branch.${branch}.rebase`)) ?? config.last('pull.rebase');
      if (configured !== undefined) rebase = parseRebase(configured.value ?? 'true', configured.key);
    }
    const configuredFf = config.getBoolOrString('pull.ff');
    if (fastForward === undefined && configuredFf !== undefined) {
      fastForward = configuredFf === 'only' ? '--ff-only' : configuredFf === true ? '--ff' : '--no-ff';
      // Who says how to reconcile does not mean to forbid it.
      if (configuredFf === 'only' && values.rebase !== undefined) fastForward = '--ff';
    }
    const rebasing = rebase !== undefined && rebase !== 'false';
    const autostash = values.autostash ?? config.getBool('pull.autostash');
    // A wrong word is told before anything is fetched.
    cleanupMode(values.cleanup ?? undefined, false);
    checkState(context, repository);
    const before = await repository.refs.resolve('HEAD');
    if (rebasing && !(autostash ?? config.getBool('rebase.autostash', false))) {
      const { stagedOrDirty } = await import('../porcelain/pull-clean.js');
      const fault = before === undefined ? undefined : await stagedOrDirty(repository);
      if (fault !== undefined) {
        context.error(`cannot pull with rebase: ${fault}`);
        context.error('Please commit or stash them.');
        return 128;
      }
    }
    const action =
      context.env['GIT_REFLOG_ACTION'] ?? ['pull', ...context.argv.map((word) => anonymizeUrl(word))].join(' ');
    const env = context.env as Record<string, string | undefined>;
    const oldAction = env['GIT_REFLOG_ACTION'];
    env['GIT_REFLOG_ACTION'] = action;
    try {
      const code = await context.runCommand('fetch', fetchWords(events, rest));
      if (code !== 0) return 1;
      if (values['dry-run'] === true) return 0;
      repository.objects.refresh();
      const heads = mergeHeads(repository);
      if (heads.length === 0) {
        context.printError(
          noCandidates(repository, remotes, { remote: rest[0], refspecs: rest.slice(1), rebase: rebasing, branch }),
        );
        return 1;
      }
      const now = await repository.refs.resolve('HEAD');
      if (before !== undefined && now !== undefined && now !== before)
        await followBranch(context, repository, before, now);
      if (before === undefined) {
        if (heads.length > 1) throw new GitError('USAGE', 'Cannot merge multiple branches into empty head.');
        return await pullIntoVoid(context, repository, heads[0]!, now);
      }
      if (rebasing && heads.length > 1) throw new GitError('USAGE', 'Cannot rebase onto multiple branches.');
      if (fastForward === '--ff-only' && heads.length > 1) {
        throw new GitError('USAGE', 'Cannot fast-forward to multiple branches.');
      }
      const { canFastForward, upToDate } = await standing(repository, now ?? before, heads);
      const divergent = !canFastForward && !upToDate;
      if (fastForward === '--ff-only' && divergent) {
        advise(
          context,
          'diverging',
          "Diverging branches can't be fast-forwarded, you need to either:\n\n\tgit merge --no-ff\n\nor:\n\n\tgit rebase\n",
        );
        throw new GitError('USAGE', 'Not possible to fast-forward, aborting.');
      }
      if (!chosen && rebase === undefined && fastForward === undefined && divergent) {
        context.hint(divergingAdvice);
        throw new GitError('USAGE', 'Need to specify how to reconcile divergent branches.');
      }
      if (rebasing) {
        if (canFastForward && !config.getBool('rebase.forcenoff', false)) {
          return await context.runCommand('merge', [...mergeWords(events), '--ff-only', 'FETCH_HEAD']);
        }
        const stash =
          values.autostash === undefined && autostash !== undefined
            ? [autostash ? '--autostash' : '--no-autostash']
            : [];
        return await context.runCommand('rebase', [...stash, ...rebaseWords(rebase!, events, heads[0]!)]);
      }
      return await context.runCommand('merge', [
        ...mergeWords(events),
        ...(fastForward === undefined ? [] : [fastForward]),
        ...(values.autostash === undefined && autostash !== undefined
          ? [autostash ? '--autostash' : '--no-autostash']
          : []),
        'FETCH_HEAD',
      ]);
    } finally {
      if (oldAction === undefined) delete env['GIT_REFLOG_ACTION'];
      else env['GIT_REFLOG_ACTION'] = oldAction;
    }
  },
  render: renderText,
});

const divergingAdvice =
  'You have divergent branches and need to specify how to reconcile them.\n' +
  'You can do so by running one of the following commands sometime before\n' +
  'your next pull:\n\n' +
  '  git config pull.rebase false  # merge\n' +
  '  git config pull.rebase true   # rebase\n' +
  '  git config pull.ff only       # fast-forward only\n\n' +
  'You can replace "git config" with "git config --global" to set a default\n' +
  'preference for all repositories. You can also pass --rebase, --no-rebase,\n' +
  'or --ff-only on the command line to override the configured default per\n' +
  'invocation.';

function parseRebase(text: string, key: string): Rebase {
  if (/^(?:false|no|off|0)$/i.test(text)) return 'false';
  if (/^(?:true|yes|on|1)$/i.test(text)) return 'true';
  if (text === 'interactive' || text === 'i') return 'interactive';
  if (text === 'merges' || text === 'm') return 'merges';
  throw new GitError('USAGE', `invalid value for '${key}': '${text}'`);
}

function rebaseMode(value: string | null | undefined): Rebase | undefined {
  if (value === undefined) return undefined;
  if (value === null) return 'false';
  return parseRebase(value, '--rebase');
}

function lastFastForward(events: readonly OptionEvent[]): '--ff' | '--no-ff' | '--ff-only' | undefined {
  let last: '--ff' | '--no-ff' | '--ff-only' | undefined;
  for (const event of events) {
    if (event.key === 'ff') last = event.negated ? '--no-ff' : '--ff';
    else if (event.key === 'ff-only') last = '--ff-only';
  }
  return last;
}

function checkState(context: CommandContext, repository: Repository): void {
  const { fs } = repository.platform;
  const advice = (message: string): void => {
    if (repository.config.getBool('advice.resolveconflict', true)) context.hint(message);
  };
  const tree = repository.workTree === undefined ? undefined : new WorkTree(repository);
  if (tree?.index.hasConflicts === true) {
    context.error('Pulling is not possible because you have unmerged files.');
    advice(
      "Fix them up in the work tree, and then use 'git add/rm <file>'\nas appropriate to mark resolution and make a commit.",
    );
    throw new GitError('USAGE', 'Exiting because of an unresolved conflict.');
  }
  if (fs.stat(repository.path('MERGE_HEAD')) !== undefined) {
    context.error('You have not concluded your merge (MERGE_HEAD exists).');
    advice('Please, commit your changes before merging.');
    throw new GitError('USAGE', 'Exiting because of unfinished merge.');
  }
}

/** What of the options is fetch's, with the words behind them. */
function fetchWords(events: readonly OptionEvent[], rest: readonly string[]): string[] {
  const words = ['--update-head-ok'];
  words.push(...verbosityWords(verbosityOf(events)));
  for (const event of events) {
    if (!Object.hasOwn(fetchOptionSpecs, event.key)) continue;
    words.push(optionWord(event));
  }
  return [...words, ...rest];
}

function optionWord(event: OptionEvent): string {
  if (event.negated) return `--no-${event.key}`;
  return event.value === null || event.value === '' ? `--${event.key}` : `--${event.key}=${event.value}`;
}

function mergeWords(events: readonly OptionEvent[]): string[] {
  const words: string[] = [];
  words.push(...verbosityWords(verbosityOf(events)));
  for (const event of events) {
    if (event.key === 'ff' || event.key === 'ff-only' || !Object.hasOwn(mergeOptions, event.key)) continue;
    words.push(event.key === 'n' ? '-n' : optionWord(event));
  }
  return words;
}

function rebaseWords(mode: Rebase, events: readonly OptionEvent[], onto: Oid): string[] {
  const words: string[] = [];
  words.push(...verbosityWords(verbosityOf(events)));
  if (mode === 'merges') words.push('--rebase-merges');
  if (mode === 'interactive') words.push('--interactive');
  for (const event of events) {
    if (['strategy', 'strategy-option', 'autostash', 'verify', 'gpg-sign', 'signoff', 'stat'].includes(event.key))
      words.push(optionWord(event));
  }
  return [...words, '--onto', onto, onto];
}

/** Brings index and work tree from one commit to another, keeping what is not in the way; `false` where something is. */
async function moveWorkTree(
  context: CommandContext,
  repository: Repository,
  from: Oid | undefined,
  to: Oid,
): Promise<boolean> {
  const tree = new WorkTree(repository, {
    warn: (message) => context.warning(message),
    error: (message) => context.error(message),
  });
  const lock = tree.lockIndex();
  try {
    await refreshIndex(tree, { ignoreSubmodules: true });
    const before = from === undefined ? undefined : await treeOf(repository, from);
    const change = new Switch(tree, [before, await treeOf(repository, to)], {
      way: 'twoway',
      update: true,
      overwriteIgnored: true,
      initial: from === undefined && !tree.index.existed,
    });
    const plan = await change.plan();
    if (plan.refusals.length > 0) {
      const advice = repository.config.getBool('advice.commitbeforemerge', true);
      for (const refusal of plan.refusals) context.error(porcelainRefusal(refusal, 'merge', advice).trimEnd());
      context.printError('Aborting\n');
      return false;
    }
    for (const message of await change.apply()) context.error(message);
    tree.commitIndex(lock);
    return true;
  } finally {
    lock.rollback();
  }
}

/** A branch that is not born yet takes what was fetched. */
async function pullIntoVoid(
  context: CommandContext,
  repository: Repository,
  head: Oid,
  now: Oid | undefined,
): Promise<number> {
  if (!(await moveWorkTree(context, repository, undefined, head))) return 1;
  const result = await repository.refs.update([
    { name: 'HEAD', to: head, expect: now ?? 'absent', reason: 'initial pull' },
  ]);
  if (!result.ok) throw new GitError('REF_CHANGED', result.message);
  return 0;
}

/** The fetch itself moved the branch that is checked out: the files follow. */
async function followBranch(context: CommandContext, repository: Repository, before: Oid, now: Oid): Promise<void> {
  context.warning(`fetch updated the current branch head.\nfast-forwarding your working tree from\ncommit ${before}.`);
  if (await moveWorkTree(context, repository, before, now)) return;
  throw new GitError(
    'WORKTREE_DIRTY',
    'Cannot fast-forward your working tree.\nAfter making sure that you saved anything precious from\n' +
      `$ git diff ${before}\noutput, run\n$ git reset --hard\nto recover.`,
  );
}
