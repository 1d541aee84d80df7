import { GitError, noAnswer } from '../base/errors.js';
import { BOTTOM, SHOWN, UNINTERESTING } from '../history/flags.js';
import { CommitPool } from '../history/commit-pool.js';
import { RevisionWalk } from '../history/walk.js';
import { patchIdOf } from '../porcelain/log-patch-id.js';
import { viewCommit } from '../porcelain/pretty-view.js';
import type { Repository } from '../repo/repository.js';
import { abbreviate } from '../repo/revision-short.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';

interface Picked {
  readonly commit: string;
  readonly applied: boolean;
  readonly shown: string;
  readonly subject?: string;
}

export const command = defineCommand({
  name: 'cherry',
  summary: 'Find commits yet to be applied to upstream',
  usage: ['cherry [-v] [<upstream> [<head> [<limit>]]]'],
  options: {
    abbrev: { type: 'optional', value: 'n', implied: '', help: 'use <n> digits to display object names' },
    verbose: { type: 'count', short: 'v', help: 'be verbose' },
  },
  async *run(context, args): AsyncGenerator<Picked, number | undefined> {
    const repository = context.repository();
    const { rest, values } = args;
    if (rest.length > 3) throw new UsageError('');
    const head = rest[1] ?? 'HEAD';
    let upstream = rest[0];
    if (upstream === undefined) {
      upstream = '@{upstream}';
      const found = await resolveRevision(repository, upstream, { quiet: true }).catch(noAnswer);
      if (found === undefined) {
        context.printError('Could not find a tracked remote branch, please specify <upstream> manually.\n');
        throw new UsageError('');
      }
    }
    if (upstream === head) return undefined;
    const pool = new CommitPool(repository.objects, { grafts: repository.grafts, graph: repository.commitGraph });
    const ours = pool.node(await commitOf(repository, head));
    const theirs = pool.node(await commitOf(repository, upstream));
    const limit = rest[2] === undefined ? undefined : await commitOf(repository, rest[2]);

    // Changes of upstream that are not in head.
    const there = new CommitPool(repository.objects, { grafts: repository.grafts, graph: repository.commitGraph });
    const upstreamWalk = new RevisionWalk(there, { maxParents: 1 });
    await upstreamWalk.add(there.node(theirs.oid));
    await upstreamWalk.add(there.node(ours.oid), UNINTERESTING | BOTTOM);
    await upstreamWalk.prepare();
    const known = new Set<string>();
    for (let node = await upstreamWalk.next(); node !== undefined; node = await upstreamWalk.next()) {
      const id = await patchIdOf(repository, node);
      if (id !== undefined) known.add(id);
    }
    const walk = new RevisionWalk(pool, { maxParents: 1 });
    await walk.add(ours);
    await walk.add(theirs, UNINTERESTING | BOTTOM);
    if (limit !== undefined) await walk.add(pool.node(limit), UNINTERESTING | BOTTOM);
    await walk.prepare();
    const commits = [];
    for (let node = await walk.next(); node !== undefined; node = await walk.next()) commits.push(node);
    const length = values.abbrev === undefined || values.abbrev === null ? undefined : Number(values.abbrev || 0);
    for (const node of commits.reverse()) {
      node.flags &= ~SHOWN;
      const id = known.size === 0 ? undefined : await patchIdOf(repository, node);
      const shown = length === undefined ? node.oid : await abbreviate(repository, node.oid, length);
      const applied = id !== undefined && known.has(id);
      if ((values.verbose ?? 0) > 0) {
        const view = viewCommit(node.oid, await pool.data(node), 'UTF-8', node);
        yield { commit: node.oid, applied, shown, subject: view.subject };
      } else yield { commit: node.oid, applied, shown };
    }
    return undefined;
  },
  render: (one: Picked) =>
    `${one.applied ? '-' : '+'} ${one.shown}${one.subject === undefined ? '' : ` ${one.subject}`}\n`,
});

async function commitOf(repository: Repository, text: string) {
  const oid = await resolveRevision(repository, text, { hint: 'committish' });
  const commit = oid === undefined ? undefined : await peelTo(repository, oid, 'commit');
  if (commit === undefined) throw new GitError('REF_MISSING', `unknown commit ${text}`);
  return commit;
}
