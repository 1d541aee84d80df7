import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { zeroOid } from '../base/oid.js';
import { mergeCommits, treeOfCommit } from '../merge/history.js';
import type { TreeMerge } from '../merge/tree.js';
import { openAncestry } from '../repo/ancestry.js';
import { historyRequest } from '../porcelain/merge-context.js';
import { applyMerge, refuseStaged } from '../porcelain/merge-result.js';
import { mergeSettings, withStrategyOption } from '../porcelain/merge-settings.js';
import { refreshAndWrite, Strategies, tellMerge } from '../porcelain/merge-strategies.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import { type CommandContext, defineCommand } from './command.js';
import { UsageError } from './options.js';
import { openWorkTree } from './work-tree.js';

/**
 * The strategies as programs: `git merge-recursive <base>... -- <head> <remote>`, called by scripts and by
 * `git merge -s` of other implementations. One module for all; the name it is called by says which.
 */
export const command = defineCommand({
  name: 'merge-recursive',
  summary: 'Merge two commits into index and work tree: a strategy as a program',
  bareUsage: true,
  usage: ['merge-recursive <base>... -- <head> <remote> ...'],
  usageOf: (name) => [
    name === 'merge-ours'
      ? 'merge-ours <base>... -- HEAD <remote>...'
      : `${name} <base>... -- <head> <remote>${name === 'merge-resolve' || name === 'merge-octopus' ? '...' : ' ...'}`,
  ],
  options: {},
  parsing: { none: true },
  async *run(context, { rest }): AsyncGenerator<{ readonly code: number }, number> {
    const code = await runStrategy(context, rest);
    yield { code };
    return code;
  },
  render: () => '',
});

async function runStrategy(context: CommandContext, words: readonly string[]): Promise<number> {
  const name = context.name.replace(/^merge-/, '');
  const isOrt = name === 'recursive' || name === 'ort' || name === 'subtree' || name.startsWith('recursive-');
  if (isOrt && words.length < 4) throw new UsageError();
  const tree = openWorkTree(context);
  const { repository } = tree;
  const talk = {
    out: (text: string) => context.print(text),
    err: (text: string) => context.printError(text),
  };
  const options = words.filter((word, i) => word.startsWith('--') && word !== '--' && i < words.indexOf('--'));
  const separator = words.indexOf('--');
  const bases = words.slice(0, separator < 0 ? words.length : separator).filter((word) => !word.startsWith('--'));
  const heads = separator < 0 ? [] : words.slice(separator + 1);
  const find = async (word: string): Promise<Oid<'commit'>> => {
    const oid = await resolveRevision(repository, word);
    const commit = oid === undefined ? undefined : await peelTo(repository, oid, 'commit');
    if (commit === undefined) throw new GitError('REF_MISSING', `could not parse object '${word}'`);
    return commit as Oid<'commit'>;
  };
  if (!isOrt) {
    const [head, ...others] = heads;
    if (head === undefined) return name === 'ours' ? 0 : 2;
    const named = [];
    for (const word of others) {
      const commit = await find(word);
      named.push({ commit, name: betterName(context, word), object: commit, isTag: false });
    }
    const known = [];
    for (const word of bases) known.push(await find(word));
    const runner = new Strategies({
      tree,
      ancestry: openAncestry(repository),
      settings: () => mergeSettings(repository.config, { porcelain: true }),
      talk,
      signal: context.signal,
    });
    return runner.run(name, { head: await find(head), heads: named, bases: known, options: [] });
  }
  if (heads.length !== 2) throw new GitError('USAGE', `not handling anything other than two heads merge.`);
  let settings = mergeSettings(repository.config, { porcelain: true });
  if (name === 'subtree') settings = { ...settings, subtree: true };
  for (const option of options) settings = withStrategyOption(settings, option.slice(2));
  // Trees may stand for commits, as StGit uses it: each is a commit without parents that no store has.
  const ancestry = openAncestry(repository);
  const trees = new Map<Oid<'commit'>, Oid<'tree'>>();
  const findEither = async (word: string): Promise<Oid<'commit'>> => {
    const oid = await resolveRevision(repository, word);
    const commit = oid === undefined ? undefined : await peelTo(repository, oid, 'commit', () => {});
    const tree =
      oid === undefined || commit !== undefined ? undefined : await peelTo(repository, oid, 'tree', () => {});
    if (tree === undefined) return find(word);
    const virtual = tree as Oid as Oid<'commit'>;
    trees.set(virtual, tree as Oid<'tree'>);
    await ancestry.addVirtual(virtual, []);
    return virtual;
  };
  const [ours, theirs] = [await findEither(heads[0]!), await findEither(heads[1]!)];
  const known: Oid<'commit'>[] = [];
  // Of several, git folds the one named last first.
  for (const word of bases) known.unshift(await findEither(word));
  const labels = { ours: betterName(context, heads[0]!), theirs: betterName(context, heads[1]!) };
  await refreshAndWrite(tree);
  const headTree = trees.get(ours) ?? (await treeOfCommit(repository.objects, ours));
  if (await refuseStaged(tree, headTree, talk, { moves: false })) return 128;
  const request = historyRequest(repository, settings, {
    ancestry,
    attributes: (path) => tree.attributes.of(path),
    warn: tree.warn,
    signal: context.signal,
  });
  const merged: TreeMerge = await mergeCommits(
    {
      ...request,
      trees,
      abbreviate: (oid) => request.abbreviate(trees.has(oid as Oid<'commit'>) ? zeroOid(repository.objectFormat) : oid),
    },
    { ours, theirs, labels, bases: known.length > 0 ? known : undefined },
  );
  if (!(await applyMerge(tree, headTree, merged, { action: 'merge', autoMerge: true, talk }))) return 128;
  tellMerge(repository, merged, settings, talk);
  return merged.clean ? 0 : 1;
}

/** What the caller said an id is called: `GITHEAD_<id>`. */
const betterName = (context: CommandContext, word: string): string => context.env[`GITHEAD_${word}`] ?? word;
