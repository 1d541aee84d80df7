import type { Awaitable } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { startsWithAscii } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import type { RawObject } from '../objects/source.js';
import { receivePack } from '../packs/index-pack.js';
import { unpackObjects } from '../packs/unpack-objects.js';
import type { IncomingFsck } from '../repo/incoming-fsck.js';
import type { Repository } from '../repo/repository.js';
import { ByteReader } from './byte-stream.js';

export interface IncomingOptions {
  /** Fewer objects than this become loose objects; 0: always a pack. */
  readonly unpackLimit: number;
  /** Contents of the `.keep` file that protects the pack until its refs are in place. */
  readonly keep?: string | undefined;
  /** The pack comes from a promisor remote: contents of the `.promisor` file. */
  readonly promisor?: string | undefined;
  readonly maxInputSize?: number | undefined;
  /** Told how many objects the pack says it holds. */
  readonly announced?: ((count: number) => void) | undefined;
  /** A pack that is kept must hold all that its deltas build on. */
  readonly rejectThin?: boolean | undefined;
  /** Told of each object. The bytes of blobs may be missing: a big pack's are made on threads. */
  readonly links?: ((oid: Oid, kind: RawObject['kind'], data: Bytes | undefined) => void) | undefined;
  /** What `fsckObjects` asks for: looks at every object, and at the whole before it becomes visible. */
  readonly fsck?: IncomingFsck | undefined;
  readonly progress?: ((phase: 'receive' | 'resolve', done: number, total: number, bytes?: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Incoming {
  readonly count: number;
  /** Without extension; `undefined` where the objects are loose, or there were none. */
  readonly pack: string | undefined;
  /** Hex of the pack's checksum. */
  readonly checksum: string;
}

/**
 * Takes a pack from a stream to disk, indexing it as it comes: memory does not grow with the pack. A pack that is cut
 * off or broken leaves nothing behind. `repository`: where the objects go, which may be a view into a quarantine.
 */
export async function storeIncoming(
  repository: Repository,
  input: AsyncIterable<Bytes>,
  options: IncomingOptions,
): Promise<Incoming> {
  const { platform, objectFormat } = repository;
  let received = 0;
  const counted = async function* (): AsyncGenerator<Bytes> {
    for await (const chunk of input) {
      received += chunk.length;
      yield chunk;
    }
  };
  const bytes = new ByteReader(options.progress === undefined ? input : counted());
  const progress: IncomingOptions['progress'] =
    options.progress &&
    ((phase, done, total) => options.progress!(phase, done, total, phase === 'receive' ? received : undefined));
  const count = await announcedCount(bytes);
  options.announced?.(count);
  const { fsck, links } = options;
  const each =
    fsck === undefined && links === undefined
      ? undefined
      : (oid: Oid, kind: RawObject['kind'], data: Bytes | undefined): void => {
          links?.(oid, kind, data);
          fsck?.object(oid, kind, data);
        };
  const complete =
    fsck &&
    (async (read: (oid: Oid) => Awaitable<RawObject | undefined>): Promise<void> => {
      const missing = await fsck.finish(async (oid) => (await read(oid)) ?? (await repository.objects.read(oid)));
      // A promisor remote gives them when they are asked for.
      if (options.promisor === undefined) fsck.refuseMissing(missing);
    });
  if (count < options.unpackLimit && options.promisor === undefined) {
    const unpacked = await unpackObjects(bytes.rest(), {
      platform,
      store: repository.objects,
      object: each,
      complete,
      progress: progress && ((done, total) => progress('receive', done, total)),
      maxInputSize: options.maxInputSize,
    });
    return { count: unpacked.count, pack: undefined, checksum: '' };
  }
  const stored = await receivePack(bytes.rest(), `${repository.objectsDirectory}/pack`, {
    platform,
    algorithm: objectFormat,
    source: repository.objects,
    fixThin: options.rejectThin !== true,
    keep: options.keep,
    promisor: options.promisor,
    maxInputSize: options.maxInputSize,
    object: each,
    blobsUnseen: true,
    threads: repository.config.getInt('pack.threads'),
    complete,
    progress,
    signal: options.signal,
    reverse: repository.config.getBool('pack.writereverseindex', true),
    ...repository.packSync,
  });
  repository.objects.refresh();
  return { count: stored.count, pack: stored.count === 0 ? undefined : stored.path, checksum: stored.checksum };
}

/** How many objects the pack says it holds, without taking anything from the stream. */
async function announcedCount(bytes: ByteReader): Promise<number> {
  if (!(await bytes.need(12))) throw new GitError('TRANSPORT', 'early EOF');
  const head = bytes.peekNow(12)!;
  if (!startsWithAscii(head, 'PACK')) {
    throw new GitError('PROTOCOL', 'protocol error (pack signature mismatch detected)');
  }
  return new DataView(head.buffer, head.byteOffset).getUint32(8);
}

/** Lets go of the `.keep` file once the refs are in place. */
export function releasePack(repository: Repository, incoming: Incoming): void {
  if (incoming.pack !== undefined) repository.platform.fs.remove(`${incoming.pack}.keep`);
}
