import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { openAncestry } from '../repo/ancestry.js';
import type { Repository } from '../repo/repository.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import { findRefs } from '../repo/revision-branch.js';
import { type CommandContext, defineCommand } from './command.js';
import { UsageError } from './options.js';

type CommitOid = Oid<'commit'>;

export const command = defineCommand({
  name: 'merge-base',
  summary: 'Find as good common ancestors as possible for a merge',
  usage: [
    'merge-base [-a | --all] <commit> <commit>...',
    'merge-base [-a | --all] --octopus <commit>...',
    'merge-base --is-ancestor <commit> <commit>',
    'merge-base --independent <commit>...',
    'merge-base --fork-point <ref> [<commit>]',
  ],
  options: {
    all: { type: 'flag', short: 'a', help: 'output all common ancestors' },
    octopus: { type: 'mode', group: 'mode', help: 'find ancestors for a single n-way merge' },
    independent: { type: 'mode', group: 'mode', help: 'list revs not reachable from others' },
    'is-ancestor': { type: 'mode', group: 'mode', help: 'is the first one ancestor of the other?' },
    'fork-point': { type: 'mode', group: 'mode', help: 'find where <commit> forked from reflog of <ref>' },
  },
  async *run(context, { values, rest }): AsyncGenerator<{ readonly oid: CommitOid }, number> {
    const repository = context.repository();
    const ancestry = openAncestry(repository);
    const all = values.all === true;
    const refuseAll = (mode: string) => {
      if (all) throw new GitError('USAGE', `options '--${mode}' and '--all' cannot be used together`);
    };
    if (values['is-ancestor'] !== undefined) {
      if (rest.length < 2) throw new UsageError();
      refuseAll('is-ancestor');
      if (rest.length !== 2) throw new GitError('USAGE', '--is-ancestor takes exactly two commits');
      const [one, two] = (await commits(context, repository, rest)) as [CommitOid, CommitOid];
      return (await ancestry.isAncestor(one, two)) ? 0 : 1;
    }
    let found: readonly CommitOid[];
    if (values.independent !== undefined) {
      refuseAll('independent');
      found = await ancestry.independent(await commits(context, repository, rest));
      for (const oid of found) yield { oid };
      return found.length === 0 ? 1 : 0;
    }
    if (values.octopus !== undefined) {
      found = await ancestry.octopusBases(await commits(context, repository, rest));
    } else if (values['fork-point'] !== undefined) {
      if (rest.length < 1 || rest.length > 2) throw new UsageError();
      const point = await forkPoint(repository, rest[0]!, rest[1] ?? 'HEAD');
      found = point === undefined ? [] : [point];
    } else {
      if (rest.length < 2) throw new UsageError();
      const [one, ...others] = (await commits(context, repository, rest)) as [CommitOid, ...CommitOid[]];
      found = await ancestry.mergeBases(one, others);
    }
    for (const oid of all ? found : found.slice(0, 1)) yield { oid };
    return found.length === 0 ? 1 : 0;
  },
  render: ({ oid }) => `${oid}\n`,
});

async function commits(
  context: CommandContext,
  repository: Repository,
  names: readonly string[],
): Promise<CommitOid[]> {
  const found: CommitOid[] = [];
  for (const name of names) {
    const oid = await resolveRevision(repository, name, { hint: 'committish' });
    if (oid === undefined) throw new GitError('REF_MISSING', `Not a valid object name ${name}`);
    const commit = await peelTo(repository, oid, 'commit', (kind) => {
      context.error(`object ${oid} is a ${kind}, not a commit`);
    });
    if (commit === undefined) throw new GitError('REF_MISSING', `Not a valid commit name ${name}`);
    found.push(commit as CommitOid);
  }
  return found;
}

/** Where `name` left the branch `ref`, by what the branch's reflog remembers. */
async function forkPoint(repository: Repository, ref: string, name: string): Promise<CommitOid | undefined> {
  const refs = await findRefs(repository, ref);
  if (refs.length === 0) throw new GitError('REF_MISSING', `No such ref: '${ref}'`);
  if (refs.length > 1) throw new GitError('REF_INVALID', `Ambiguous refname: '${ref}'`);
  const derived = await resolveRevision(repository, name, { hint: 'committish' });
  const commit = derived === undefined ? undefined : await peelTo(repository, derived, 'commit');
  if (commit === undefined) throw new GitError('REF_MISSING', `Not a valid object name: '${name}'`);
  const tips: Oid[] = [];
  for (const entry of (await repository.refs.reflog(refs[0]!.name)) ?? []) {
    if (tips.length === 0) tips.push(entry.old);
    tips.push(entry.new);
  }
  if (tips.length === 0) tips.push(refs[0]!.oid);
  const known: CommitOid[] = [];
  for (const tip of tips) {
    if (/^0+$/.test(tip) || !(await repository.objects.has(tip))) continue;
    const peeled = await peelTo(repository, tip, 'commit');
    if (peeled !== undefined) known.push(peeled as CommitOid);
  }
  return openAncestry(repository).forkPoint(known, commit as CommitOid);
}
