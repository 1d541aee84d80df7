import { decodeText } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { compileRegex } from '../base/posix-regex.js';
import { parseCommitLinks } from '../objects/commit.js';
import type { Repository } from './repository.js';
import { peelTo } from './revision.js';

interface Waiting {
  readonly oid: Oid<'commit'>;
  readonly seconds: number;
  /** Order of finding, for equal dates. */
  readonly order: number;
}

/**
 * The newest commit whose message matches, among those reachable from `start`, or from HEAD and all refs. The pattern
 * is an extended regular expression; `!-` in front asks for one that does not match, `!!` stands for a `!`.
 */
export async function newestMatching(
  repository: Repository,
  text: string,
  start: Oid<'commit'> | undefined,
): Promise<Oid | undefined> {
  let pattern = text;
  let negated = false;
  if (pattern.startsWith('!')) {
    if (pattern.startsWith('!-')) {
      negated = true;
      pattern = pattern.slice(2);
    } else if (pattern.startsWith('!!')) pattern = pattern.slice(1);
    else return undefined;
  }
  let regex: RegExp;
  try {
    regex = compileRegex(pattern, 'extended', { newline: false });
  } catch (error) {
    if (isGitError(error, 'USAGE')) return undefined;
    throw error;
  }
  const queue = new DateQueue();
  const seen = new Set<Oid>();
  const add = async (oid: Oid): Promise<void> => {
    if (seen.has(oid)) return;
    seen.add(oid);
    const object = await repository.objects.read(oid);
    if (object === undefined) throw new GitError('OBJECT_MISSING', `unable to read ${oid}`, { data: { oid } });
    queue.push(oid as Oid<'commit'>, parseCommitLinks(object.data).seconds);
  };
  if (start !== undefined) await add(start);
  else {
    const found: Oid[] = [];
    for await (const ref of repository.refs.list('refs/')) {
      const commit = await peelTo(repository, ref.oid, 'commit');
      if (commit !== undefined) found.push(commit);
    }
    const head = await repository.refs.resolve('HEAD');
    const commit = head === undefined ? undefined : await peelTo(repository, head, 'commit');
    if (commit !== undefined) found.push(commit);
    // Of equal dates git takes the last ref first, and HEAD before all.
    for (const oid of found.reverse()) await add(oid);
  }
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const object = await repository.objects.read(next.oid);
    const data = object!.data;
    const body = messageStart(data);
    if (body >= 0 && regex.test(decodeText(data.subarray(body))) !== negated) return next.oid;
    for (const parent of (await repository.parentsOf(next.oid)) ?? []) await add(parent);
  }
  return undefined;
}

function messageStart(data: Uint8Array): number {
  for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10, at + 1)) if (data[at + 1] === 10) return at + 2;
  return -1;
}

/** Newest first; of equal dates the one found first. */
class DateQueue {
  readonly #heap: Waiting[] = [];
  #count = 0;

  push(oid: Oid<'commit'>, seconds: number): void {
    const heap = this.#heap;
    heap.push({ oid, seconds, order: this.#count++ });
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!before(heap[i]!, heap[parent]!)) break;
      [heap[i], heap[parent]] = [heap[parent]!, heap[i]!];
      i = parent;
    }
  }

  pop(): Waiting | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    heap[0] = last;
    for (let i = 0; ; ) {
      let best = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < heap.length && before(heap[child]!, heap[best]!)) best = child;
      }
      if (best === i) return top;
      [heap[i], heap[best]] = [heap[best]!, heap[i]!];
      i = best;
    }
  }
}

const before = (a: Waiting, b: Waiting): boolean =>
  a.seconds !== b.seconds ? a.seconds > b.seconds : a.order < b.order;
