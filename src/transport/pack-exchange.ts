import type { Bytes } from '../base/bytes.js';
import { concatBytes, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { createFilter, parseFilterSpec } from '../history/object-filter.js';
import { visitReachable } from '../history/reachable.js';
import { parseTag } from '../objects/tag.js';
import { codeOfKind, writeEntryHead } from '../packs/entry.js';
import type { Repository } from '../repo/repository.js';
import type { BandWriter } from './server-io.js';

/** What a pack is to hold. */
export interface PackRequest {
  readonly wants: readonly Oid[];
  /** What the receiver has, with all behind it. */
  readonly haves: readonly Oid[];
  /** Commits to be taken as roots. */
  readonly shallow: ReadonlySet<Oid> | undefined;
  readonly filter: string | undefined;
  /** Annotated tags to add where what they lead to is in the pack. */
  readonly tags: readonly { readonly oid: Oid; readonly peeled: Oid }[];
  /** Deltas may build on what the receiver has. */
  readonly thin: boolean;
  /** Deltas may name their base by distance. */
  readonly offsets: boolean;
}

export interface SendPackOptions {
  readonly quiet: boolean;
  readonly keepAlive: number;
  readonly signal?: AbortSignal | undefined;
}

/** The ids of the objects that answer a request, in the order in which they go into the pack, with their paths. */
export async function listForPack(
  repository: Repository,
  request: PackRequest,
): Promise<{ oids: Oid[]; paths: string[]; edges: Oid[] }> {
  const oids: Oid[] = [];
  const paths: string[] = [];
  const edges: Oid[] = [];
  const grafts =
    request.shallow === undefined
      ? undefined
      : new Map([...request.shallow].map((oid) => [oid as string, [] as Oid[]]));
  const filter =
    request.filter === undefined
      ? undefined
      : await createFilter(parseFilterSpec(request.filter), { objects: repository.objects });
  await visitReachable(
    repository.objects,
    {
      wants: request.wants,
      haves: request.haves,
      grafts,
      filter,
      edges: request.thin && request.shallow !== undefined ? 'all' : 'parents',
      ...(request.thin ? { onEdge: (oid: Oid) => void edges.push(oid) } : {}),
    },
    (oid, _kind, path) => {
      oids.push(oid);
      paths.push(path);
    },
  );
  if (request.tags.length > 0) {
    const listed = new Set(oids);
    for (const tag of request.tags) {
      if (!listed.has(tag.peeled) || listed.has(tag.oid)) continue;
      // A tag of a tag brings the tags between along.
      for (let at: Oid = tag.oid; at !== tag.peeled; ) {
        if (!listed.has(at)) {
          listed.add(at);
          oids.push(at);
          paths.push('');
        }
        const object = await repository.objects.read(at);
        if (object?.kind !== 'tag') break;
        at = parseTag(object.data).target;
      }
    }
  }
  return { oids, paths, edges };
}

/** Makes the pack and sends it, telling about progress where the client wants to know. */
export async function sendPackTo(
  repository: Repository,
  request: PackRequest,
  bands: BandWriter,
  options: SendPackOptions,
): Promise<void> {
  try {
    for await (const chunk of makePack(
      repository,
      request,
      options.quiet ? undefined : (text) => bands.progress(text),
    )) {
      if (options.signal?.aborted === true) throw new GitError('ABORTED', 'aborted');
      await bands.data(chunk);
    }
  } catch (error) {
    if ((error as { code?: string }).code !== 'EPIPE') {
      await bands.error('aborting due to possible repository corruption on the remote side.').catch(() => {});
    }
    throw error;
  }
}

/** The bytes of a pack that answers a request. `progress` gets lines as git's pack-objects prints them. */
export async function* makePack(
  repository: Repository,
  request: PackRequest,
  progress: ((text: string) => Promise<void>) | undefined,
): AsyncGenerator<Bytes> {
  const { oids } = await listForPack(repository, request);
  const count = oids.length;
  await progress?.(`Enumerating objects: ${count}, done.\n`);
  await progress?.(`Counting objects: 100% (${count}/${count}), done.\n`);
  const { platform, objectFormat } = repository;
  const hasher = platform.hasher(objectFormat);
  let waiting: Bytes[] = [];
  let size = 0;
  const put = (bytes: Bytes): void => {
    hasher.update(bytes);
    waiting.push(bytes);
    size += bytes.length;
  };
  const head = new Uint8Array(12);
  head.set(encodeText('PACK'));
  head[7] = 2;
  new DataView(head.buffer).setUint32(8, count);
  put(head);
  for (const oid of oids) {
    const object = await repository.objects.read(oid);
    if (object === undefined) throw new GitError('OBJECT_MISSING', `unable to read ${oid}`, { data: { oid } });
    const entry = new Uint8Array(32);
    put(entry.subarray(0, writeEntryHead(entry, 0, codeOfKind(object.kind), object.data.length)));
    put(platform.zlib.deflate(object.data));
    if (size > 65536) {
      yield concatBytes(waiting);
      waiting = [];
      size = 0;
    }
  }
  waiting.push(hasher.digest());
  yield concatBytes(waiting);
  await progress?.(`Total ${count} (delta 0), reused 0 (delta 0), pack-reused 0 (from 0)\n`);
}
