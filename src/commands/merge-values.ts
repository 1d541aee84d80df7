import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { driver as contentsDriver } from '../contents/contents.js';
import type { Conflict } from '../merge/hook.js';
import { ort, type Strategy } from '../merge/strategy.js';
import type { MergeStatus } from '../porcelain/merge.js';
import { historyRequest } from '../porcelain/merge-context.js';
import { mergeSettings, withStrategyOption } from '../porcelain/merge-settings.js';
import { AttributeReader } from '../worktree/attributes-reader.js';
import { treeOfCommit } from '../merge/history.js';
import { resolveRevision } from '../repo/revision.js';
import type { Store } from '../store/store.js';
import type { Bytes } from '../base/bytes.js';
import type { CommandContext } from './command.js';
import { typeNamed, valueStore } from './values.js';

export interface ValueMergeOptions {
  readonly branch?: string | null | undefined;
  /** The type of all values; unless said, attributes of the branch say how each path merges. */
  readonly type?: string | null | undefined;
  readonly message?: string | undefined;
  readonly fastForward: 'allow' | 'only' | 'never';
  readonly unrelated: boolean;
  readonly strategyOptions: readonly string[];
  readonly mode?: 'abort' | 'continue' | 'quit' | undefined;
}

export interface ValueMerged {
  readonly status: MergeStatus;
  readonly code: number;
  readonly head?: Oid | undefined;
  readonly branch: string;
  readonly conflicts?: readonly Conflict[] | undefined;
}

/**
 * Merges branches of values without a work tree: the branch moves, and where the values are checked out too, they
 * follow. Conflicts are kept with the branch; `resolve` settles them, `--continue` commits.
 */
export async function mergeValues(
  context: CommandContext,
  names: readonly string[],
  options: ValueMergeOptions,
): Promise<ValueMerged> {
  const store = await valueStore(context, options.branch);
  const short = store.branch.replace(/^refs\/heads\//, '');
  const unfinished = await store.unfinishedMerge();
  if (options.mode !== undefined) {
    if (unfinished === undefined) throw new GitError('USAGE', `There is no merge of '${short}' to go on with.`);
    if (options.mode === 'continue') {
      const { head } = await unfinished.finish(options.message === undefined ? {} : { message: options.message });
      return { status: 'merged', code: 0, head, branch: store.branch };
    }
    await unfinished.drop();
    return { status: 'stopped', code: 0, head: unfinished.heads[0], branch: store.branch };
  }
  if (unfinished !== undefined) {
    throw new GitError('USAGE', `You have not concluded your merge of '${short}'.`, {
      hint: "settle its conflicts with 'bough resolve', then 'bough merge --continue', or give it up with --abort",
    });
  }
  const commits: string[] = [];
  for (const name of names) {
    const oid = await resolveRevision(context.repository(), `${name}^{commit}`);
    if (oid === undefined) throw new GitError('REF_MISSING', `${name} - not something we can merge`);
    commits.push(oid);
  }
  const list = names.map((name) => `'${name}'`);
  const all = list.length < 2 ? list.join('') : `${list.slice(0, -1).join(', ')} and ${list[list.length - 1]}`;
  const message = options.message ?? `Merge branch${names.length > 1 ? 'es' : ''} ${all} into ${short}`;
  const outcome = await store.merge(commits, {
    message,
    fastForward: options.fastForward,
    unrelated: options.unrelated,
    strategy: await strategyOf(context, store, options, names),
    signal: context.signal,
  });
  if (outcome.status !== 'conflicted') {
    return { status: outcome.status, code: 0, head: outcome.head, branch: store.branch };
  }
  const { conflicts } = await store.keepMerge(outcome, message);
  return { status: 'conflicted', code: 1, head: outcome.ours, branch: store.branch, conflicts };
}

/** git's `ort` with the named type's merge for every path, or with what the branch's own `.gitattributes` choose. */
async function strategyOf(
  context: CommandContext,
  store: Store<Bytes>,
  options: ValueMergeOptions,
  names: readonly string[],
): Promise<Strategy> {
  const [first, ...others] = names;
  const labels = { ours: store.branch.replace(/^refs\/heads\//, ''), theirs: first!, others };
  if (options.type != null) {
    const typed = contentsDriver(typeNamed(options.type));
    const trees = { renames: false, directoryRenames: false, asks: () => typed.sameChange === 'ask' } as const;
    return (request) => ort({ ...request, labels, driverFor: () => typed, options: trees });
  }
  const repository = context.repository();
  let settings = mergeSettings(repository.config, { porcelain: true });
  for (const option of options.strategyOptions) settings = withStrategyOption(settings, option);
  return async (request) => {
    const tree = await treeOfCommit(request.objects, request.ours);
    const attributes = new AttributeReader(repository, { direction: { tree } });
    const how = historyRequest(repository, settings, {
      attributes: (path) => attributes.of(path),
      warn: context.warning,
      ancestry: request.ancestry,
    });
    return ort({ ...request, ...how, signal: request.signal, labels });
  };
}
