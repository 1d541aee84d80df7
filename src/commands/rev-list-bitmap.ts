import { GitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import { oidToBytes } from '../base/oid.js';
import { UNINTERESTING } from '../history/flags.js';
import type { FilterSpec } from '../history/object-filter.js';
import { Bitset } from '../packs/bitset.js';
import type { RevisionRequest } from '../porcelain/log-revisions.js';
import type { LogSettings } from '../porcelain/log-settings.js';
import { BitmapWalk, bitmapsCanFilter, filterBitmaps, openBitmapIndex } from '../repo/bitmap-index.js';
import type { Repository } from '../repo/repository.js';
import { peelTo } from '../repo/revision.js';
import type { CommandContext } from './command.js';

export interface BitmapQuestion {
  readonly repository: Repository;
  readonly request: RevisionRequest;
  readonly settings: LogSettings;
  readonly filter: FilterSpec | undefined;
  readonly filterProvided: boolean;
}

/** Questions about order, single commits or their place are not what bitmaps know. */
function plainQuestion({ settings, request }: BitmapQuestion): boolean {
  return (
    request.paths.length === 0 &&
    !settings.leftRight &&
    !settings.cherryMark &&
    !settings.cherryPick &&
    !settings.firstParent &&
    !settings.boundary &&
    !settings.graph &&
    !settings.unpacked &&
    !settings.ancestryPath &&
    settings.ancestryBottoms.length === 0 &&
    settings.patterns.length === 0 &&
    settings.noWalk === undefined &&
    (settings.skip ?? 0) <= 0 &&
    settings.maxAge === undefined &&
    settings.minAge === undefined &&
    settings.maxAgeAsFilter === undefined &&
    (settings.minParents ?? 0) <= 0 &&
    (settings.maxParents ?? -1) < 0 &&
    settings.maxCountOldest === undefined
  );
}

/** What is asked for, found by bitmaps; `undefined` where there are none or they do not know. */
export async function walkBitmaps(
  question: BitmapQuestion,
  problem: (message: string) => void,
): Promise<BitmapWalk | undefined> {
  const { repository, request, settings, filter } = question;
  if (!plainQuestion(question) || !bitmapsCanFilter(filter) || repository.grafts.size > 0) return undefined;
  const index = openBitmapIndex(repository, problem);
  if (index === undefined) return undefined;
  const sides = (excluded: boolean): Oid[] =>
    request.pending.filter(({ flags }) => ((flags & UNINTERESTING) !== 0) === excluded).map(({ oid }) => oid);
  const walk = new BitmapWalk(repository, index, { objects: settings.trees || settings.blobs });
  await walk.run(sides(false), sides(true));
  if (filter !== undefined) {
    if (question.filterProvided) walk.forgetTips();
    await filterBitmaps(walk, repository, filter);
  }
  return walk;
}

/** Kinds that the question is about. */
export function askedKinds(settings: LogSettings): ObjectKind[] {
  const kinds: ObjectKind[] = ['commit'];
  if (settings.trees) kinds.push('tree');
  if (settings.blobs) kinds.push('blob');
  if (settings.tags) kinds.push('tag');
  return kinds;
}

/** `rev-list --test-bitmap`: a commit's bitmap against a walk. */
export async function testBitmap(context: CommandContext, request: RevisionRequest): Promise<void> {
  const repository = context.repository();
  const index = openBitmapIndex(repository, (message) => context.error(message));
  const [pending] = request.pending;
  if (index === undefined || pending === undefined) throw new GitError('USAGE', 'failed to load bitmap indexes');
  const commit = await peelTo(repository, pending.oid, 'commit');
  const entries = [...index.file.rows].length;
  context.printError(`Bitmap v1 test (${entries} entries loaded, ${entries} total)\n`);
  const bit = commit === undefined ? -1 : index.find(oidToBytes(commit));
  const known = bit < 0 ? undefined : index.of(bit);
  if (commit === undefined || known === undefined) {
    throw new GitError('USAGE', `commit '${pending.oid}' doesn't have an indexed bitmap`);
  }
  context.printError(`Found bitmap for '${commit}'. ${known.count()} bits\n`);
  const walked = new Bitset(index.count);
  const { visitReachable } = await import('../history/reachable.js');
  let lost: Oid | undefined;
  await visitReachable(repository.objects, { wants: [commit], graph: repository.commitGraph }, (oid, kind) => {
    const at = index.find(oidToBytes(oid));
    if (at < 0) lost ??= oid;
    else {
      walked.add(at);
      if (index.kindAt(at) !== kind) lost ??= oid;
    }
  });
  if (lost !== undefined) throw new GitError('OBJECT_CORRUPT', `object '${lost}' not found in type bitmaps`);
  if (!walked.equals(known)) throw new GitError('OBJECT_CORRUPT', 'mismatch in bitmap results');
  context.printError('OK!\n');
}
