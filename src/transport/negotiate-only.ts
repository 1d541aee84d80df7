import { wildmatch } from '../base/wildmatch.js';
import { GitError, noAnswer } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isOid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';
import { resolveRevision } from '../repo/revision.js';
import { CommitCache } from './commit-cache.js';
import { connect } from './connect.js';
import type { TransportContext } from './connection.js';
import { negotiationAlgorithm } from './fetch-objects.js';
import { farewell, negotiateOnly } from './fetch-pack.js';
import { createNegotiator, including } from './negotiator.js';
import { readShallow } from './shallow.js';

/** Ids of what revisions, whole ids and patterns of ref names mean here; `missing` is told of what means nothing. */
export async function negotiationIds(
  repository: Repository,
  texts: readonly string[],
  missing: (text: string) => void,
): Promise<Oid[]> {
  const found: Oid[] = [];
  for (const text of texts) {
    if (/[*?[]/.test(text)) {
      const before = found.length;
      for await (const ref of repository.refs.list('refs/'))
        if (wildmatch(text, ref.name) || wildmatch(`refs/${text}`, ref.name)) found.push(ref.oid);
      if (found.length === before) missing(text);
      continue;
    }
    const oid = await resolveRevision(repository, text).catch(noAnswer);
    if (isOid(text) && text.length === repository.oidLength * 2 && !(await repository.objects.has(text))) {
      throw new GitError('OBJECT_MISSING', `the object ${text} does not exist`);
    }
    if (oid === undefined) missing(text);
    else found.push(oid);
  }
  return found;
}

/** Which of our commits behind `tips` the repository at `url` has too. Nothing is fetched. */
export async function commonWith(
  repository: Repository,
  url: string,
  context: TransportContext,
  options: {
    readonly tips: readonly Oid[];
    readonly include: readonly Oid[];
    readonly program: string | undefined;
    readonly version: 0 | 1 | 2;
    readonly serverOptions: readonly string[];
  },
): Promise<readonly Oid[]> {
  const connection = await connect('upload-pack', url, context, { program: options.program, version: options.version });
  try {
    const commits = new CommitCache(repository.objects, readShallow(repository));
    const negotiator = including(options.include, createNegotiator(negotiationAlgorithm(repository), commits));
    const tips: Oid[] = [];
    for (const tip of options.tips) {
      const commit = await commits.peel(tip);
      if (commit === undefined) continue;
      tips.push(commit);
      await negotiator.addTip(commit);
    }
    const common = await negotiateOnly(connection, {
      negotiator,
      agent: context.agent,
      serverOptions: options.serverOptions,
      progress: () => {},
      enough: (known) => allReach(commits, tips, known),
    });
    await connection.send(farewell).catch(() => {});
    await connection.close().catch(() => {});
    return common;
  } catch (error) {
    await connection.close(true).catch(() => {});
    throw error;
  }
}

/** Does each of the tips lead to one of `known`? */
async function allReach(commits: CommitCache, tips: readonly Oid[], known: ReadonlySet<Oid>): Promise<boolean> {
  for (const tip of tips) {
    const seen = new Set<Oid>([tip]);
    const stack = [tip];
    let found = false;
    for (let oid = stack.pop(); oid !== undefined && !found; oid = stack.pop()) {
      found = known.has(oid);
      for (const parent of (await commits.links(oid))?.parents ?? []) {
        if (seen.has(parent)) continue;
        seen.add(parent);
        stack.push(parent);
      }
    }
    if (!found) return false;
  }
  return true;
}
