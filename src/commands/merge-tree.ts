import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { mergeCommits } from '../merge/history.js';
import type { TreeMerge } from '../merge/tree.js';
import { mergeTrees } from '../merge/tree.js';
import { MemoryObjectStore } from '../objects/memory.js';
import type { DriverOptions } from '../porcelain/merge-drivers.js';
import { historyRequest } from '../porcelain/merge-context.js';
import { mergeReport } from '../porcelain/merge-report.js';
import { mergeSettings, withStrategyOption } from '../porcelain/merge-settings.js';
import { submoduleAdvice } from '../porcelain/submodule-merge.js';
import { WorkTree } from '../worktree/work-tree.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import { type CommandContext, defineCommand } from './command.js';
import { type OptionSpecs, type OptionValues, UsageError } from './options.js';
import { attributeTree } from './work-tree.js';

interface Result {
  readonly clean: boolean;
  readonly tree: Oid<'tree'>;
  readonly conflicts: TreeMerge['conflicts'];
  readonly messages: TreeMerge['messages'];
  readonly text: string;
}

const options = {
  'write-tree': { type: 'mode', group: 'mode', help: 'do a real merge instead of a trivial merge' },
  'trivial-merge': { type: 'mode', group: 'mode', help: 'do a trivial merge only' },
  messages: { type: 'flag', help: 'also show informational/conflict messages' },
  quiet: {
    type: 'flag',
    negatable: false,
    help: 'suppress all output; only exit status wanted',
  },
  z: { type: 'flag', short: 'z', shortOnly: true, help: 'separate paths with the NUL character' },
  'name-only': { type: 'flag', negatable: false, help: 'list filenames without modes/oids/stages' },
  'allow-unrelated-histories': {
    type: 'flag',
    negatable: false,
    help: 'allow merging unrelated histories',
  },
  stdin: { type: 'flag', negatable: false, help: 'perform multiple merges, one per line of input' },
  'merge-base': { type: 'string', value: 'tree-ish', help: 'specify a merge-base for the merge' },
  'strategy-option': {
    type: 'list',
    short: 'X',
    value: 'option=value',
    help: 'option for selected merge strategy',
  },
} as const satisfies OptionSpecs;

export const command = defineCommand({
  name: 'merge-tree',
  summary: 'Perform merge without touching index or working tree',
  usage: [
    'merge-tree [--write-tree] [<options>] <branch1> <branch2>',
    'merge-tree [--trivial-merge] <base-tree> <branch1> <branch2>',
  ],
  options,
  async *run(context, args): AsyncGenerator<Result, number> {
    try {
      return yield* run(context, args.values, args.rest);
    } catch (error) {
      if (!(error instanceof NotMergeable)) throw error;
      context.printError(`${error.message}\n`);
      return 1;
    }
  },
  render: ({ text }) => text,
});

type Values = OptionValues<typeof options>;

async function* run(context: CommandContext, values: Values, rest: readonly string[]): AsyncGenerator<Result, number> {
  const repository = context.repository();
  const stdin = values.stdin === true;
  const trivial = values['trivial-merge'] !== undefined;
  const given = values['merge-base'] ?? undefined;
  if (values.quiet === true) {
    for (const [name, used] of [
      ['messages', values.messages !== undefined],
      ['name-only', values['name-only'] === true],
      ['stdin', stdin],
      ['-z', values.z === true],
    ] as const) {
      if (used) incompatible('--quiet', name === '-z' ? '-z' : `--${name}`);
    }
  }
  let settings = mergeSettings(repository.config, { porcelain: false });
  if (trivial && (values['strategy-option'] ?? []).length > 0) {
    incompatible('--trivial-merge', 'all other options');
  }
  for (const option of values['strategy-option'] ?? []) settings = withStrategyOption(settings, option);
  if (stdin) {
    if (trivial) incompatible('--trivial-merge', 'all other options');
    if (given !== undefined) incompatible('--merge-base', '--stdin');
  }
  const usesRealOptions =
    values.messages !== undefined || values.z === true || values['name-only'] === true || values.quiet === true;
  if (trivial && (usesRealOptions || given !== undefined)) incompatible('--trivial-merge', 'all other options');
  if (!stdin && (trivial || (rest.length === 3 && values['write-tree'] === undefined))) {
    if (rest.length !== 3) throw new UsageError();
    const { trivialMerge } = await import('../porcelain/trivial-merge.js');
    const text = await trivialMerge(repository, rest as [string, string, string]);
    yield { clean: true, tree: '' as Oid<'tree'>, conflicts: [], messages: [], text };
    return 0;
  }
  if (!stdin && rest.length !== 2) throw new UsageError();
  const scratch =
    values.quiet === true
      ? new MemoryObjectStore(repository.objectFormat, repository.platform, repository.objects)
      : undefined;
  const request = historyRequest(repository, settings, {
    objects: scratch,
    signal: context.signal,
    warn: context.warning,
    ...(await attributesOf(context)),
  });
  const quoteHigh = repository.config.getBool('core.quotepath', true);
  const nul = values.z === true || stdin;
  const nameOnly = values['name-only'] === true;
  const allowUnrelated = values['allow-unrelated-histories'] === true;

  const mergeTwo = async (one: string, two: string, bases?: readonly string[]): Promise<TreeMerge> => {
    if (bases !== undefined && given !== undefined) {
      const [base, ours, theirs] = await trees(context, [given, one, two]);
      return mergeTrees(
        request.objects,
        request.driverFor,
        { base: base!, ours: ours!, theirs: theirs! },
        { path: '', labels: { base: given, ours: one, theirs: two }, depth: 0, nesting: 0, signal: context.signal },
        request.options,
      );
    }
    const ours = await commit(context, one);
    const theirs = await commit(context, two);
    let known: Oid<'commit'>[] | undefined;
    if (bases !== undefined && bases.length > 0) {
      known = [];
      for (const base of bases) known.push(await baseCommit(context, base));
    } else {
      known = (await request.ancestry.mergeBases(ours, [theirs])).reverse();
      if (known.length === 0 && !allowUnrelated) {
        throw new GitError('UNRELATED_HISTORIES', 'refusing to merge unrelated histories');
      }
    }
    return mergeCommits(request, { ours, theirs, labels: { ours: one, theirs: two }, bases: known });
  };

  const answer = (merge: TreeMerge): Result => {
    if (values.messages ?? !merge.clean) context.printError(submoduleAdvice(repository, merge.submodules));
    const text = mergeReport(merge, { nul, nameOnly, messages: values.messages, quoteHigh });
    const { clean, tree, conflicts, messages } = merge;
    const full = values.quiet === true ? '' : stdin ? `${clean ? 1 : 0}\0${text}\0` : text;
    return { clean, tree, conflicts, messages, text: full };
  };

  if (!stdin) {
    const merge = await mergeTwo(rest[0]!, rest[1]!, given === undefined ? undefined : []);
    yield answer(merge);
    return merge.clean ? 0 : 1;
  }
  for (const line of context.io.stdin.lines()) {
    const words = line.split(/[ \t]+/).filter((word) => word !== '');
    const separator = words.indexOf('--');
    const bases = separator < 0 ? undefined : words.slice(0, separator);
    const heads = separator < 0 ? words : words.slice(separator + 1);
    if (heads.length !== 2) throw new GitError('USAGE', `malformed input line: '${line}'.`);
    yield answer(await mergeTwo(heads[0]!, heads[1]!, bases));
  }
  return 0;
}

function incompatible(one: string, two: string): never {
  const message =
    two === 'all other options'
      ? `${one} is incompatible with all other options`
      : `options '${one}' and '${two}' cannot be used together`;
  throw new GitError('USAGE', message);
}

/** Attributes come from the tree that is named for them, else from the work tree, where there is one. */
async function attributesOf(context: CommandContext): Promise<DriverOptions> {
  const repository = context.repository();
  const plain = new WorkTree(repository, { warn: context.warning });
  const named = context.globals.attrSource !== undefined || repository.config.has('attr.tree');
  const source = named ? await attributeTree(context, plain) : undefined;
  if (source === undefined && repository.workTree === undefined) return {};
  const { attributes } =
    source === undefined ? plain : new WorkTree(repository, { warn: context.warning, attributes: { tree: source } });
  return { attributes: (path) => attributes.of(path) };
}

/** A head, or git's complaint and exit 1. */
async function commit(context: CommandContext, name: string): Promise<Oid<'commit'>> {
  const repository = context.repository();
  const oid = await resolveRevision(repository, name, { hint: 'committish' });
  const found =
    oid === undefined
      ? undefined
      : await peelTo(repository, oid, 'commit', (kind) => {
          context.error(`${name}: expected commit type, but the object dereferences to ${kind} type`);
        });
  if (found !== undefined) return found as Oid<'commit'>;
  throw new NotMergeable(`merge-tree: ${name} - not something we can merge`);
}

async function baseCommit(context: CommandContext, name: string): Promise<Oid<'commit'>> {
  const repository = context.repository();
  const oid = await resolveRevision(repository, name, { hint: 'committish' });
  const found = oid === undefined ? undefined : await peelTo(repository, oid, 'commit');
  if (found === undefined) throw new GitError('REF_MISSING', `could not lookup commit '${name}'`);
  return found as Oid<'commit'>;
}

async function trees(context: CommandContext, names: readonly string[]): Promise<Oid<'tree'>[]> {
  const repository = context.repository();
  const found: Oid<'tree'>[] = [];
  for (const name of names) {
    const oid = await resolveRevision(repository, name, { hint: 'treeish' });
    const tree = oid === undefined ? undefined : await peelTo(repository, oid, 'tree');
    if (tree === undefined) throw new GitError('REF_MISSING', `could not parse as tree '${name}'`);
    found.push(tree as Oid<'tree'>);
  }
  return found;
}

/** Said as it is, with exit code 1. */
class NotMergeable extends Error {}
