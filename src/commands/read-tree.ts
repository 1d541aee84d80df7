import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { emptyTreeOid } from '../base/oid.js';
import { resolveRevision } from '../repo/revision.js';
import { Index } from '../worktree/index-file.js';
import type { SwitchOptions } from '../worktree/switch.js';
import { Switch } from '../worktree/switch.js';
import { firstRefusal } from '../worktree/switch-errors.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { isIndexPath } from '../base/path.js';
import { primeCacheTree, readTreeEntries } from '../worktree/write-tree.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { openWorkTree } from './work-tree.js';

export const command = defineCommand({
  name: 'read-tree',
  summary: 'read trees into the index',
  usage: [
    'read-tree [(-m [--trivial] [--aggressive] | --reset | --prefix=<prefix>)\n' +
      '              [-u | -i]] [--index-output=<file>] [--no-sparse-checkout]\n' +
      '              (--empty | <tree-ish1> [<tree-ish2> [<tree-ish3>]])',
  ],
  options: {
    'index-output': { type: 'string', value: 'file', negatable: false, help: 'write resulting index to <file>' },
    empty: { type: 'flag', help: 'only empty the index' },
    verbose: { type: 'flag', short: 'v', help: 'be verbose' },
    m: { type: 'flag', short: 'm', shortOnly: true, help: 'perform a merge in addition to a read' },
    trivial: { type: 'flag', help: '3-way merge if no file level merging required' },
    aggressive: { type: 'flag', help: '3-way merge in presence of adds and removes' },
    reset: { type: 'flag', help: 'same as -m, but discard unmerged entries' },
    prefix: {
      type: 'string',
      value: '<subdirectory>/',
      negatable: false,
      help: 'read the tree into the index under <subdirectory>/',
    },
    u: { type: 'flag', short: 'u', shortOnly: true, help: 'update working tree with merge result' },
    'exclude-per-directory': {
      type: 'string',
      value: 'gitignore',
      negatable: false,
      help: 'allow explicitly ignored files to be overwritten',
    },
    i: { type: 'flag', short: 'i', shortOnly: true, help: "don't check the working tree after merging" },
    'dry-run': { type: 'flag', short: 'n', help: "don't update the index or the work tree" },
    'no-sparse-checkout': { type: 'flag', help: 'skip applying sparse checkout filter' },
    'debug-unpack': { type: 'flag', help: 'debug unpack-trees' },
    'recurse-submodules': {
      type: 'optional',
      value: 'checkout',
      implied: 'true',
      help: 'control recursive updating of submodules',
    },
    quiet: { type: 'flag', short: 'q', help: 'suppress feedback messages' },
  },
  async *run(context, { values, rest, events }): AsyncGenerator<never, number> {
    yield* [];
    const tree = openWorkTree(context, { bareToo: true, submodules: values['recurse-submodules'] });
    if (values.prefix?.startsWith('/') === true)
      throw new GitError('USAGE', "Invalid prefix, prefix cannot start with '/'");
    let updates = false;
    const merging = [values.m === true, values.reset === true, values.prefix != null].filter(Boolean).length;
    if (merging > 1) throw new GitError('USAGE', 'Which one? -m, --reset, or --prefix?');
    const merge = merging === 1;
    // The option is checked as it is read.
    for (const { key, value } of events) {
      if (key === 'u') updates = true;
      if (key !== 'exclude-per-directory') continue;
      if (!updates) throw new GitError('USAGE', '--exclude-per-directory is meaningless unless -u');
      if (value !== '.gitignore') throw new GitError('USAGE', '--exclude-per-directory argument must be .gitignore');
    }
    if ((values.m === true || values.prefix != null) && tree.index.hasConflicts)
      throw new GitError('USAGE', 'You need to resolve your current index first');
    const trees: Oid<'tree'>[] = [];
    for (const word of rest) {
      const oid = await resolveRevision(tree.repository, word);
      if (oid === undefined) throw new GitError('USAGE', `Not a valid object name ${word}`);
      const found = await resolveRevision(tree.repository, `${oid}^{tree}`);
      if (found === undefined) throw new GitError('USAGE', `failed to unpack tree object ${word}`);
      trees.push(found as Oid<'tree'>);
    }
    if (values.empty === true && rest.length > 0)
      throw new GitError('USAGE', 'passing trees as arguments contradicts --empty');
    if (trees.length === 0 && values.empty !== true && !merge) {
      context.warning('read-tree: emptying the index with no arguments is deprecated; use --empty');
    }
    if (values.u === true && values.i === true)
      throw new GitError('USAGE', '-u and -i at the same time makes no sense');
    if (!merge && (values.u === true || values.i === true))
      throw new GitError('USAGE', `${values.u === true ? '-u' : '-i'} is meaningless without -m, --reset, or --prefix`);
    if (values.u === true || (merge && values.i !== true)) tree.requireRoot();
    if (merge && trees.length === 0) throw new GitError('USAGE', 'you must specify at least one tree to merge');
    const lock = tree.lockIndex();
    try {
      const code = await read(context, tree, trees, values, merge);
      if (code !== 0 || values['dry-run'] === true) {
        lock.rollback();
        return code;
      }
      const output = values['index-output'];
      tree.writeLockedIndex(lock);
      if (output == null) lock.commit();
      else {
        const top = tree.repository.workTree ?? context.cwd;
        try {
          lock.commitTo(output.startsWith('/') ? output : `${top}/${output}`);
        } catch {
          throw new GitError('USAGE', 'unable to write new index file');
        }
      }
      if (trees.length > 0) tree.alongWithIndex = 'files';
      tree.tellOfIndex();
      return 0;
    } finally {
      lock.rollback();
    }
  },
  render: () => '',
});

type Values = {
  readonly m?: boolean;
  readonly reset?: boolean;
  readonly prefix?: string | null;
  readonly u?: boolean;
  readonly i?: boolean;
  readonly trivial?: boolean;
  readonly aggressive?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly 'dry-run'?: boolean;
};

async function read(
  context: CommandContext,
  tree: WorkTree,
  trees: readonly Oid<'tree'>[],
  values: Values,
  merge: boolean,
): Promise<number> {
  const { objects } = tree.repository;
  if (!merge) {
    await overlay(tree, trees);
    return 0;
  }
  const unborn = !tree.index.existed;
  const way: SwitchOptions['way'] =
    values.prefix != null && trees.length === 1
      ? 'bind'
      : trees.length === 1
        ? 'oneway'
        : trees.length === 2
          ? 'twoway'
          : 'threeway';
  const base = {
    update: values.u === true,
    statOnly: true,
    indexOnly: values.i === true,
    overwriteIgnored: values.u === true,
    aggressive: values.aggressive === true,
    dryRun: values['dry-run'] === true,
    ...(values.prefix == null ? {} : { prefix: values.prefix }),
    ...(values.reset === true
      ? { reset: values.u === true ? ('overwrite-untracked' as const) : ('protect-untracked' as const) }
      : {}),
  };
  const change = new Switch(tree, trees, {
    way,
    ...base,
    initial: way === 'twoway' && unborn,
    progress: undefined,
  });
  const plan = await change.plan();
  const refusal = firstRefusal(plan.refusals);
  if (refusal !== undefined) {
    if (values.quiet !== true) context.error(refusal);
    return 128;
  }
  if (values.trivial === true && plan.nontrivial) {
    context.error('Merge requires file-level merging');
    return 128;
  }
  if (values['dry-run'] === true) return 0;
  for (const message of await change.apply()) context.error(message);
  if (way === 'oneway' && trees[0] !== undefined) tree.index.cacheTree = await primeCacheTree(objects, trees[0]);
  return 0;
}

/** Without -m: the trees one over the other, stat words forgotten. */
async function overlay(tree: WorkTree, trees: readonly Oid<'tree'>[]): Promise<void> {
  const { objects, objectFormat } = tree.repository;
  const index = new Index(tree.repository.objectFormat, tree.index.version);
  const { config } = tree.repository;
  const protect = { hfs: config.getBool('core.protecthfs', false), ntfs: config.getBool('core.protectntfs', true) };
  for (const oid of trees) {
    const entries = await readTreeEntries(objects, oid);
    const bad = entries.find(({ path }) => !isIndexPath(path, protect));
    if (bad !== undefined)
      throw new GitError('PATH_UNSAFE', `invalid path '${bad.path}'`, { data: { path: bad.path, as: 'error' } });
    if (index.entries.length === 0) index.setEntries(entries);
    else index.addAll(entries);
  }
  if (trees.length === 1 && trees[0] !== emptyTreeOid(objectFormat)) {
    index.cacheTree = await primeCacheTree(objects, trees[0]!);
  }
  index.changed = true;
  tree.index = index;
}
