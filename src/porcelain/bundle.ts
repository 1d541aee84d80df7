import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import type { CommitNode } from '../history/commit-pool.js';
import { BOUNDARY, UNINTERESTING } from '../history/flags.js';
import { parseTag } from '../objects/tag.js';
import { expandRefName } from '../refs/name.js';
import type { Repository } from '../repo/repository.js';
import { makePack } from '../transport/pack-exchange.js';
import { readShallow } from '../transport/shallow.js';
import type { PendingObject, RevisionRequest } from './log-revisions.js';
import { createLogWalk } from './log-walk.js';
import { outputEncodingOf } from './log-context.js';
import { viewCommit } from './pretty-view.js';

export interface BundleRequest {
  readonly revisions: RevisionRequest;
  /** 2 or 3; `undefined`: the oldest that will do. */
  readonly version: number | undefined;
  /** As on the command line. */
  readonly filter: string | undefined;
  readonly warn: (message: string) => void;
  /** Lines as pack-objects prints them; `undefined`: quiet. */
  readonly progress: ((text: string) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A bundle in pieces: the header, then the pack (git bundle create). Throws before the first where it would be empty. */
export async function* makeBundle(repository: Repository, request: BundleRequest): AsyncGenerator<Bytes> {
  const { revisions } = request;
  const oldest = repository.objectFormat !== 'sha1' || request.filter !== undefined ? 3 : 2;
  const version = request.version ?? oldest;
  if (version !== 2 && version !== 3) throw new GitError('USAGE', `unsupported bundle version ${version}`);
  if (version < oldest) {
    throw new GitError('USAGE', `cannot write bundle version ${version} with algorithm ${repository.objectFormat}`);
  }
  const lines = [`# v${version} git bundle`];
  if (version === 3) {
    lines.push(`@object-format=${repository.objectFormat}`);
    if (request.filter !== undefined) lines.push(`@filter=${request.filter}`);
  }
  revisions.settings.boundary = true;
  const log = await createLogWalk(repository, revisions, { keepData: true });
  await log.walk.prepare();
  const haves: Oid[] = [];
  const shown = new Set<Oid>();
  for (;;) {
    const step = log.walk.next();
    const node = isPromise(step) ? await step : step;
    if (node === undefined) break;
    if ((node.flags & BOUNDARY) === 0) {
      shown.add(node.oid);
      node.data = undefined;
      continue;
    }
    haves.push(node.oid);
    lines.push(`-${node.oid} ${await subjectOf(repository, node, log.pool.data(node))}`);
  }
  const borders = new Set(haves);
  const references = new BundleReferences(repository, request, shown);
  for (const pending of revisions.pending) {
    if ((pending.flags & UNINTERESTING) !== 0) haves.push(pending.oid);
    // What the reader must have anyway is no reference.
    else if (!borders.has(pending.oid) && ((log.pool.peek(pending.oid)?.flags ?? 0) & UNINTERESTING) === 0) {
      await references.add(pending);
    }
  }
  if (references.lines.length === 0) throw new GitError('USAGE', 'Refusing to create empty bundle.');
  yield encodeText(`${[...lines, ...references.lines].join('\n')}\n\n`);
  const shallow = readShallow(repository);
  yield* makePack(
    repository,
    {
      wants: [...new Set(references.wants)],
      haves: [...new Set(haves)],
      shallow: shallow.size > 0 ? shallow : undefined,
      filter: request.filter,
      tags: [],
      thin: true,
      offsets: true,
      showWriting: true,
    },
    request.progress,
    request.signal,
  );
}

async function subjectOf(repository: Repository, node: CommitNode, data: Awaitable<Bytes>): Promise<string> {
  const encoding = outputEncodingOf(repository, undefined);
  const view = viewCommit(node.oid, isPromise(data) ? await data : data, encoding, node);
  return view.subject;
}

/** Which of the named revisions are references of the bundle, and what its pack must hold. */
class BundleReferences {
  readonly lines: string[] = [];
  readonly wants: Oid[] = [];
  readonly #repository: Repository;
  readonly #request: BundleRequest;
  readonly #shown: ReadonlySet<Oid>;
  readonly #names = new Set<string>();

  constructor(repository: Repository, request: BundleRequest, shown: ReadonlySet<Oid>) {
    this.#repository = repository;
    this.#request = request;
    this.#shown = shown;
  }

  async add(pending: PendingObject): Promise<void> {
    const { objects } = this.#repository;
    this.wants.push(pending.oid);
    const name = pending.source ?? pending.name;
    const ref = await this.#refOf(name);
    if (ref === undefined) return;
    const object = await objects.read(pending.oid);
    if (object?.kind === 'tag' && !this.#isTimely(object.data)) {
      this.wants.pop();
      return;
    }
    if (object?.kind === 'commit' && !this.#shown.has(pending.oid)) {
      this.#request.warn(`ref '${name}' is excluded by the rev-list options`);
      return;
    }
    if (this.#names.has(ref.name)) return;
    this.#names.add(ref.name);
    // `v1..v2` may name the commit behind a tag: then the tag itself comes along.
    if (ref.oid !== pending.oid) {
      const named = await objects.read(ref.oid);
      if (named?.kind !== 'tag') return;
      this.wants.push(ref.oid);
    }
    this.lines.push(`${ref.oid} ${ref.name}`);
  }

  /** The one ref that a name means, under the name that goes into the bundle. */
  async #refOf(name: string): Promise<{ readonly name: string; readonly oid: Oid } | undefined> {
    const { refs } = this.#repository;
    let found: { name: string; oid: Oid } | undefined;
    for (const full of expandRefName(name)) {
      const end = await refs.resolveFull(full);
      if (end?.oid === undefined || end.broken === true) continue;
      if (found !== undefined) return undefined;
      found = { name: end.symbolic ? name : full, oid: end.oid };
    }
    return found;
  }

  /** Tags made outside of `--since` and `--until`, or at that very second, stay out. */
  #isTimely(data: Bytes): boolean {
    const { maxAge, minAge } = this.#request.revisions.settings;
    if (maxAge === undefined && minAge === undefined) return true;
    const { tagger } = parseTag(data);
    if (tagger === undefined) return true;
    const { seconds } = tagger;
    return (maxAge === undefined || seconds > maxAge) && (minAge === undefined || seconds < minAge);
  }
}
