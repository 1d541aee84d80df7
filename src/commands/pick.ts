import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { CommitPool } from '../history/commit-pool.js';
import { UNINTERESTING } from '../history/flags.js';
import { RevisionWalk } from '../history/walk.js';
import { parseCommit } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import { openAncestry } from '../repo/ancestry.js';
import { forgetOperations } from '../porcelain/switch-branch.js';
import { mergeSettings } from '../porcelain/merge-settings.js';
import { cleanupMode } from '../porcelain/message.js';
import type { PickOptions } from '../porcelain/sequencer.js';
import { Refusal, Sequencer } from '../porcelain/sequencer.js';
import type { Repository } from '../repo/repository.js';
import { peelTo } from '../repo/revision.js';
import { parseRevisionArgument } from '../repo/revision-range.js';
import type { CommandContext } from './command.js';
import { customStrategy } from './merge.js';
import { type OptionSpecs, UsageError } from './options.js';
import { openWorkTree } from './work-tree.js';

/** The options that cherry-pick and revert share. */
export const pickOptions = {
  quit: { type: 'mode', group: 'sequence', help: 'end revert or cherry-pick sequence' },
  continue: { type: 'mode', group: 'sequence', help: 'resume revert or cherry-pick sequence' },
  abort: { type: 'mode', group: 'sequence', help: 'cancel revert or cherry-pick sequence' },
  skip: { type: 'mode', group: 'sequence', help: 'skip current commit and continue' },
  cleanup: { type: 'string', value: 'mode', help: 'how to strip spaces and #comments from message' },
  'no-commit': { type: 'flag', short: 'n', help: "don't automatically commit" },
  edit: { type: 'flag', short: 'e', help: 'edit the commit message' },
  signoff: { type: 'flag', short: 's', help: 'add a Signed-off-by trailer' },
  mainline: { type: 'string', short: 'm', value: 'parent-number', help: 'select mainline parent' },
  'rerere-autoupdate': {
    type: 'flag',
    help: 'update the index with reused conflict resolution if possible',
  },
  strategy: { type: 'string', value: 'strategy', help: 'merge strategy' },
  'strategy-option': { type: 'list', short: 'X', value: 'option', help: 'option for merge strategy' },
  'gpg-sign': { type: 'optional', short: 'S', value: 'key-id', implied: '', help: 'GPG sign commit' },
} as const satisfies OptionSpecs;

export interface PickValues {
  readonly quit?: string | true;
  readonly continue?: string | true;
  readonly abort?: string | true;
  readonly skip?: string | true;
  readonly cleanup?: string | null;
  readonly 'no-commit'?: boolean;
  readonly edit?: boolean;
  readonly signoff?: boolean;
  readonly mainline?: string | null;
  readonly 'gpg-sign'?: string | null;
  readonly empty?: string | null;
  readonly 'keep-redundant-commits'?: boolean;
  readonly strategy?: string | null;
  readonly 'strategy-option'?: readonly string[];
}

export async function runPick(
  context: CommandContext,
  action: PickOptions['action'],
  values: PickValues,
  rest: readonly string[],
  more: Partial<PickOptions>,
): Promise<number> {
  const tree = openWorkTree(context);
  const { repository } = tree;
  const mainline = mainlineOf(values.mainline ?? undefined);
  const mode = (['quit', 'continue', 'abort', 'skip'] as const).find((name) => values[name] !== undefined);
  if (mode !== undefined) {
    for (const [name, used] of [
      ['--keep-redundant-commits', values['keep-redundant-commits'] === true],
      ['--empty', values.empty != null],
      ['--no-commit', values['no-commit'] === true],
      ['--signoff', values.signoff === true],
      ['--mainline', mainline !== undefined],
      ['--strategy', values.strategy != null],
      ['--strategy-option', (values['strategy-option'] ?? []).length > 0],
      ['-x', more.recordOrigin === true],
      ['--ff', more.fastForward === true],
    ] as const) {
      if (used) throw new GitError('USAGE', `${action}: ${name} cannot be used with --${mode}`);
    }
  }
  if (more.fastForward === true) {
    for (const [name, used] of [
      ['--signoff', values.signoff === true],
      ['--no-commit', values['no-commit'] === true],
      ['-x', more.recordOrigin === true],
      ['--edit', values.edit === true],
    ] as const) {
      if (used) throw new GitError('USAGE', `${action}: ${name} cannot be used with --ff`);
    }
  }
  const word = values.cleanup ?? repository.config.get('commit.cleanup');
  const options: PickOptions = {
    action,
    noCommit: values['no-commit'] === true,
    edit: values.edit,
    signoff: values.signoff === true,
    recordOrigin: false,
    fastForward: false,
    allowEmpty: false,
    allowEmptyMessage: false,
    redundant: 'stop',
    mainline,
    strategy: values.strategy ?? repository.config.get('pull.twohead')?.split(' ')[0],
    strategyOptions: values['strategy-option'] ?? [],
    cleanup: word === undefined ? undefined : cleanupMode(word, true),
    explicitCleanup: word !== undefined,
    reference: false,
    sign: values['gpg-sign'],
    ...more,
  };
  const talk = context.json
    ? { out: () => {}, err: (text: string) => context.printError(text) }
    : { out: (text: string) => context.print(text), err: (text: string) => context.printError(text) };
  const sequencer = new Sequencer(
    {
      tree,
      ancestry: openAncestry(repository),
      settings: () => mergeSettings(repository.config, { porcelain: true }),
      talk,
      commit: async (words, environment = {}) => {
        const env = context.env as Record<string, string | undefined>;
        const before = Object.fromEntries(Object.keys(environment).map((key) => [key, env[key]]));
        Object.assign(env, environment);
        try {
          return await context.runCommand('commit', words);
        } finally {
          Object.assign(env, before);
        }
      },
      custom: (name) => customStrategy(context, name),
      interactive: context.io.stdin.isTerminal,
      signal: context.signal,
    },
    options,
  );
  try {
    switch (mode) {
      case 'quit':
        sequencer.removeState();
        forgetOperations(repository);
        return 0;
      case 'continue':
        return await sequencer.continue();
      case 'abort':
        return await sequencer.abort();
      case 'skip':
        return await sequencer.skip();
      default: {
        if (rest.length === 0) throw new UsageError();
        const { commits, single } = await commitsOf(context, repository, rest, action);
        return await sequencer.pick(commits, single);
      }
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.message !== '') context.error(error.message);
    throw new GitError('USAGE', `${action} failed`);
  }
}

function mainlineOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!/^\d+$/.test(text) || number <= 0)
    throw new UsageError(`option \`mainline' expects a number greater than zero`, { quiet: true });
  return number;
}

/** Single commits as they are named; with a range, what it holds: oldest first to pick, newest first to revert. */
async function commitsOf(
  context: CommandContext,
  repository: Repository,
  words: readonly string[],
  action: PickOptions['action'],
): Promise<{ commits: Oid<'commit'>[]; single: boolean }> {
  const included: Oid<'commit'>[] = [];
  const excluded: Oid<'commit'>[] = [];
  let ranged = false;
  const expanded = words.flatMap((word) => (word === '-' ? ['@{-1}'] : [word]));
  const options = expanded.filter((word) => word.startsWith('-') && word !== '--');
  const known =
    /^(?:-\d+|-n\d*|--max-count=\d+|--reverse|--no-walk|--walk|--author=.*|--stdin|--topo-order|--date-order)$/;
  if (options.some((word) => !known.test(word))) throw new UsageError();
  if (options.includes('--stdin')) {
    for (const line of context.io.stdin.lines()) if (line.trim() !== '') expanded.push(line.trim());
  }
  for (const word of expanded) {
    if (word.startsWith('-')) continue;
    const parsed = await parseRevisionArgument(repository, word, { hint: 'committish' });
    if (parsed === undefined) throw new GitError('REF_MISSING', `bad revision '${word}'`);
    if (parsed.kind !== 'single') ranged = true;
    for (const item of parsed.items) {
      const commit = await peelTo(repository, item.oid, 'commit');
      if (commit === undefined) {
        const kind = (await repository.objects.readHeader(item.oid))?.kind;
        if (kind === undefined) throw new GitError('OBJECT_MISSING', `bad object ${word}`, { data: { oid: item.oid } });
        throw new GitError('REF_MISSING', `${word}: can't cherry-pick a ${kind}`);
      }
      if (item.excluded) {
        ranged = true;
        excluded.push(commit as Oid<'commit'>);
      } else included.push(commit as Oid<'commit'>);
    }
  }
  const walks = ranged || options.some((word) => word !== '--no-walk' && word !== '--stdin');
  if (!walks) return { commits: [...new Set(included)], single: included.length === 1 };
  const pool = new CommitPool(repository.objects);
  const max = options.map((word) => /^(?:-n|--max-count=|-)(\d+)$/.exec(word)?.[1]).find((n) => n !== undefined);
  const walk = new RevisionWalk(pool, {
    order: 'topo',
    limited: true,
    reverse: (action === 'cherry-pick') !== options.includes('--reverse'),
    ...(max === undefined ? {} : { maxCount: Number(max) }),
  });
  for (const oid of included) await walk.add(pool.node(oid), 0);
  for (const oid of excluded) await walk.add(pool.node(oid), UNINTERESTING);
  await walk.prepare();
  const commits: Oid<'commit'>[] = [];
  for (let node = await walk.next(); node !== undefined; node = await walk.next()) commits.push(node.oid);
  const author = options.map((word) => /^--author=(.*)$/.exec(word)?.[1]).find((text) => text !== undefined);
  if (author === undefined) return { commits, single: false };
  const pattern = new RegExp(author);
  const written: Oid<'commit'>[] = [];
  for (const oid of commits) {
    const commit = parseCommit(await readKind(repository.objects, oid, 'commit'));
    if (pattern.test(`${commit.author.name} <${commit.author.email}>`)) written.push(oid);
  }
  return { commits: written, single: false };
}
