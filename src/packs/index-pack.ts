import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import { breath } from '../base/breath.js';
import type { Bytes } from '../base/bytes.js';
import { encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { oidFromBytes, rawLength } from '../base/oid.js';
import type { ObjectSource, RawObject } from '../objects/source.js';
import type { FileSystem, WriteHandle } from '../platform/fs.js';
import { writeUint32 } from '../platform/lazy-table.js';
import type { Platform } from '../platform/platform.js';
import type { ResolverOptions } from './delta-resolver.js';
import { DeltaResolver } from './delta-resolver.js';
import { codeOfKind, kindOfCode, OFS_DELTA, writeEntryHead } from './entry.js';
import type { IndexFormat } from './index-writer.js';
import { serializeIndex, serializeReverse } from './index-writer.js';
import type { PackTable } from './pack-parser.js';
import { PackParser } from './pack-parser.js';
import { PackReader } from './pack-reader.js';
import { MOST_THREADS, resolveOnThreads, WORTH_THREADS } from './resolve-threads.js';

export interface IndexPackOptions {
  readonly platform: Platform;
  readonly algorithm: HashAlgorithm;
  /** Where the bases of a thin pack are found. */
  readonly source?: ObjectSource | undefined;
  /** Append the bases that are missing in the pack (`--fix-thin`). */
  readonly fixThin?: boolean | undefined;
  /** Write `.rev` too; true unless said (`pack.writeReverseIndex`). */
  readonly reverse?: boolean | undefined;
  readonly format?: IndexFormat | undefined;
  /** Refuse two objects of one name (`--strict`). */
  readonly refuseDuplicates?: boolean | undefined;
  /**
   * Called for every object (`--strict`, `--fsck-objects`, connectivity). The bytes are only good during the call.
   * Big blobs are given too, so this costs memory for the biggest object. Where `blobsUnseen` is set, a blob may be
   * told without its bytes: threads make those.
   */
  readonly object?: ((oid: Oid, kind: RawObject['kind'], data: Bytes | undefined) => void) | undefined;
  readonly blobsUnseen?: boolean | undefined;
  /** Threads that resolve deltas; nothing or 0: as many as there are processors (`pack.threads`). */
  readonly threads?: number | undefined;
  /** Deltas from which on threads are worth starting (for tests). */
  readonly threadsFrom?: number | undefined;
  /**
   * Called when all objects are known, before the pack gets its name; `read` gives what is in the pack. Throw to refuse
   * the pack.
   */
  readonly complete?: ((read: (oid: Oid) => RawObject | undefined, table: PackTable) => Awaitable<void>) | undefined;
  readonly progress?: ((phase: 'receive' | 'resolve', done: number, total: number) => void) | undefined;
  /** Bytes of pack accepted; 0 or nothing: any (`--max-input-size`). */
  readonly maxInputSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface IndexedPack {
  /** The pack's checksum, after it has been completed. */
  readonly checksum: string;
  readonly count: number;
  /** Objects appended to a thin pack. */
  readonly appended: number;
  /** The index's bytes. */
  readonly index: Bytes;
  readonly reverse: Bytes;
  /** Where the objects lie, in order of offset. */
  readonly table: PackTable;
}

export interface StoredPack extends Omit<IndexedPack, 'index' | 'reverse' | 'table'> {
  /** Path of the pack without its extension; empty where there was nothing to store. */
  readonly path: string;
  /** Input behind the end of the pack. */
  readonly leftover: Bytes;
}

/** A temporary file in `directory`, as git names them. */
export function openTemporary(platform: Platform, directory: string, prefix: string): WriteHandle {
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
  for (let attempt = 0; attempt < 100; attempt++) {
    const suffix = Array.from(platform.randomBytes(6), (byte) => letters[byte % letters.length]).join('');
    const handle = platform.fs.openWrite(`${directory}/${prefix}${suffix}`, { exclusive: true, mode: 0o444 });
    if (handle !== undefined) return handle;
  }
  throw new GitError('LOCKED', `unable to create temporary file in ${directory}`);
}

/**
 * Receives a pack from a stream into an `objects/pack` directory: writes it as it comes, resolves its deltas, and gives
 * it its name and index. Nothing is visible to readers before the index is in place. A pack of no objects is not kept.
 */
export async function receivePack(
  input: AsyncIterable<Bytes> | Iterable<Bytes>,
  packDirectory: string,
  options: IndexPackOptions & {
    /** Contents of a `.keep` file to put beside the pack. */
    readonly keep?: string | undefined;
    readonly promisor?: string | undefined;
    /** Store under this path (without extension) instead of `pack-<checksum>`. */
    readonly path?: string | undefined;
    readonly indexPath?: string | undefined;
    readonly keepEmpty?: boolean | undefined;
    /** Sync the pack before it gets its name; true unless said (`core.fsync`). */
    readonly sync?: boolean | undefined;
    /** The same for what lies beside it (`pack-metadata`). */
    readonly syncMetadata?: boolean | undefined;
  },
): Promise<StoredPack> {
  const { platform } = options;
  const { fs } = platform;
  fs.makeDirectory(packDirectory, { recursive: true });
  const handle = openTemporary(platform, packDirectory, 'tmp_pack_');
  let stored = false;
  try {
    const parser = new PackParser(parserOptions(options));
    for await (const chunk of input) {
      await breath(options.signal);
      parser.push(chunk);
      const own = parser.done ? chunk.subarray(0, chunk.length - parser.leftover.length) : chunk;
      handle.write(own);
      // The stream may stay open for what comes next in a conversation: nothing is waited for behind the pack.
      if (parser.done) break;
    }
    parser.finish();
    options.progress?.('receive', parser.table.count, parser.table.count);
    const indexed = await completePack(parser, handle, options);
    if (indexed.count === 0 && options.keepEmpty !== true) {
      handle.close();
      fs.remove(handle.path);
      stored = true;
      return { checksum: indexed.checksum, count: 0, appended: 0, path: '', leftover: parser.leftover };
    }
    await runComplete(handle.path, indexed, options);
    await breath(options.signal);
    if (options.sync !== false) handle.sync();
    handle.close();
    const path = options.path ?? `${packDirectory}/pack-${indexed.checksum}`;
    installPack(fs, handle.path, path, indexed, options);
    stored = true;
    return {
      checksum: indexed.checksum,
      count: indexed.count,
      appended: indexed.appended,
      path,
      leftover: parser.leftover,
    };
  } finally {
    if (!stored) {
      try {
        handle.close();
      } catch {
        // Closed already.
      }
      fs.remove(handle.path);
    }
  }
}

async function runComplete(path: string, indexed: IndexedPack, options: IndexPackOptions): Promise<void> {
  if (options.complete === undefined) return;
  const { platform, algorithm } = options;
  let reader: PackReader | undefined;
  try {
    await options.complete((oid) => {
      reader ??= new PackReader(platform, path, indexed.index, algorithm);
      return reader.read(oid);
    }, indexed.table);
  } finally {
    reader?.close();
  }
}

/** Gives a finished pack its name and puts its companions beside it, the index last. */
export function installPack(
  fs: FileSystem,
  temporary: string,
  path: string,
  indexed: Pick<IndexedPack, 'index' | 'reverse'>,
  options: {
    keep?: string | undefined;
    promisor?: string | undefined;
    reverse?: boolean | undefined;
    indexPath?: string | undefined;
    syncMetadata?: boolean | undefined;
  },
): void {
  const put = (target: string, bytes: Bytes, mode = 0o444): void => {
    const name = `${target}.tmp`;
    fs.remove(name);
    const handle = fs.openWrite(name, { exclusive: true, mode })!;
    try {
      handle.write(bytes);
      if (options.syncMetadata !== false) handle.sync();
    } finally {
      handle.close();
    }
    fs.rename(name, target);
  };
  if (options.keep !== undefined) {
    const handle = fs.openWrite(`${path}.keep`, { exclusive: true, mode: 0o600 });
    handle?.write(encodeText(options.keep === '' ? '' : `${options.keep}\n`));
    handle?.close();
  }
  if (options.promisor !== undefined) {
    fs.writeFile(`${path}.promisor`, encodeText(options.promisor === '' ? '' : `${options.promisor}\n`), 0o600);
  }
  fs.rename(temporary, `${path}.pack`);
  const indexPath = options.indexPath ?? `${path}.idx`;
  if (options.reverse !== false) put(indexPath.replace(/\.idx$/, '.rev'), indexed.reverse);
  put(indexPath, indexed.index);
}

function parserOptions(options: IndexPackOptions) {
  const { object } = options;
  return {
    platform: options.platform,
    algorithm: options.algorithm,
    maxInputSize: options.maxInputSize,
    progress: options.progress && ((done: number, total: number) => options.progress!('receive', done, total)),
    object: object && ((_row: number, oid: Oid, kind: number, data: Bytes) => object(oid, kindOfCode(kind)!, data)),
  };
}

/** Indexes a pack file that is there already, without changing it. Writes nothing. */
export async function indexPackFile(path: string, options: IndexPackOptions): Promise<IndexedPack> {
  const handle = options.platform.fs.open(path);
  if (handle === undefined) throw new GitError('PATH_MISSING', `cannot open packfile '${path}'`);
  try {
    const parser = new PackParser(parserOptions(options));
    const chunk = 1 << 18;
    for (let at = 0; at < handle.size; at += chunk) {
      await breath(options.signal);
      parser.push(handle.read(at, chunk));
      if (parser.leftover.length > 0) throw new GitError('OBJECT_CORRUPT', 'pack has junk at the end');
    }
    parser.finish();
    options.progress?.('receive', parser.table.count, parser.table.count);
    const indexed = await completePack(parser, undefined, options, path);
    await runComplete(path, indexed, options);
    return indexed;
  } finally {
    handle.close();
  }
}

async function completePack(
  parser: PackParser,
  writer: WriteHandle | undefined,
  options: IndexPackOptions,
  path = writer!.path,
): Promise<IndexedPack> {
  const { platform, algorithm } = options;
  const { table } = parser;
  const { object } = options;
  let deltas = 0;
  for (let row = 0; row < table.count; row++) if (table.kinds[row] === 0) deltas++;
  let checksum = parser.checksum;
  let appended = 0;
  if (deltas > 0) {
    const resolving: ResolverOptions = {
      platform,
      algorithm,
      signal: options.signal,
      progress: options.progress && ((done) => options.progress!('resolve', done, deltas)),
      object: object && ((_row, oid, kind, data) => object(oid, kindOfCode(kind)!, data)),
    };
    const threads = options.threads || platform.threads?.processors || 1;
    if (
      threads > 1 &&
      platform.threads !== undefined &&
      deltas >= (options.threadsFrom ?? WORTH_THREADS) &&
      table.refCount === 0 &&
      (object === undefined || options.blobsUnseen === true)
    ) {
      await resolveOnThreads(table, path, resolving, Math.min(threads, MOST_THREADS));
      if (object !== undefined) tellBlobs(table, object);
    }
    const handle = platform.fs.open(path)!;
    const resolver = new DeltaResolver(table, handle, resolving);
    try {
      const left = resolver.unresolved === 0 ? 0 : await resolver.resolveAll();
      if (left > 0) {
        if (options.fixThin !== true || writer === undefined) {
          throw new GitError('OBJECT_CORRUPT', `pack has ${left} unresolved delta${left === 1 ? '' : 's'}`, {
            data: { unresolved: left },
          });
        }
        appended = await completeThin(parser, resolver, writer, options);
        const still = resolver.unresolved;
        if (still > 0) {
          throw new GitError('OBJECT_CORRUPT', `pack has ${still} unresolved delta${still === 1 ? '' : 's'}`, {
            data: { unresolved: still },
          });
        }
        checksum = correctPackHead(platform, algorithm, writer, table.count, table.offsets[table.count]!);
      }
    } finally {
      resolver.close();
    }
    options.progress?.('resolve', deltas, deltas);
  }
  const { bytes, order } = serializeIndex(platform, algorithm, table, checksum, options.format);
  if (options.refuseDuplicates === true) refuseDuplicates(table, order);
  const reverse = serializeReverse(platform, algorithm, table, order, checksum);
  return {
    checksum: oidFromBytes(checksum, 0, checksum.length),
    count: table.count,
    appended,
    index: bytes,
    reverse,
    table,
  };
}

/** Tells the blobs that threads made of deltas, which nobody has seen here. */
function tellBlobs(table: PackTable, object: NonNullable<IndexPackOptions['object']>): void {
  const blob = codeOfKind('blob');
  for (let row = 0; row < table.count; row++) {
    if (table.kinds[row] !== blob || table.types[row]! < OFS_DELTA) continue;
    object(oidFromBytes(table.names, row * table.oidLength, table.oidLength), 'blob', undefined);
  }
}

function refuseDuplicates(table: PackTable, order: Uint32Array): void {
  const { names, oidLength } = table;
  for (let i = 1; i < order.length; i++) {
    const a = order[i - 1]! * oidLength;
    const b = order[i]! * oidLength;
    let same = true;
    for (let j = 0; same && j < oidLength; j++) same = names[a + j] === names[b + j];
    if (same) {
      const oid = oidFromBytes(names, b, oidLength);
      throw new GitError('OBJECT_CORRUPT', `The same object ${oid} appears twice in the pack`, { data: { oid } });
    }
  }
}

/** Appends the bases that the deltas of a thin pack want and the source has; resolves what hangs on them. */
async function completeThin(
  parser: PackParser,
  resolver: DeltaResolver,
  writer: WriteHandle,
  options: IndexPackOptions,
): Promise<number> {
  const { platform, algorithm, source } = options;
  const { table } = parser;
  const oidLength = rawLength(algorithm);
  let end = parser.end;
  let appended = 0;
  const before = table.count;
  const rows: { oid: string; name: Bytes; kind: number; offset: number; size: number; crc: number }[] = [];
  for (const { row, at } of resolver.wanted()) {
    if (table.kinds[row] !== 0) continue;
    const name = table.refNames.slice(at, at + oidLength);
    const oid = oidFromBytes(name, 0, oidLength);
    const found: Awaitable<RawObject | undefined> = source?.read(oid);
    const object = isPromise(found) ? await found : found;
    if (object === undefined) continue;
    const head = new Uint8Array(16);
    const headLength = writeEntryHead(head, 0, codeOfKind(object.kind), object.data.length);
    const packed = platform.zlib.deflate(object.data);
    writer.writeAt(head.subarray(0, headLength), end);
    writer.writeAt(packed, end + headLength);
    const crc = platform.zlib.crc32(packed, platform.zlib.crc32(head.subarray(0, headLength)));
    rows.push({ oid, name, kind: codeOfKind(object.kind), offset: end, size: object.data.length, crc });
    end += headLength + packed.length;
    appended++;
    resolver.resolveFrom(name, codeOfKind(object.kind), object.data);
  }
  table.grow(before + appended);
  for (const row of rows) {
    const i = table.count++;
    table.offsets[i] = row.offset;
    table.sizes[i] = row.size;
    table.types[i] = table.kinds[i] = row.kind;
    table.crcs[i] = row.crc;
    table.names.set(row.name, i * oidLength);
  }
  table.offsets[table.count] = end;
  return appended;
}

/** Puts the true count into a pack's head and the checksum over its entries, which end at `end`, behind them. */
export function correctPackHead(
  platform: Platform,
  algorithm: HashAlgorithm,
  writer: WriteHandle,
  objects: number,
  end: number,
): Bytes {
  const count = new Uint8Array(4);
  writeUint32(count, 0, objects);
  writer.writeAt(count, 8);
  const reader = platform.fs.open(writer.path)!;
  const hasher = platform.hasher(algorithm);
  const chunk = new Uint8Array(1 << 20);
  for (let at = 0; at < end; ) {
    const part = end - at < chunk.length ? chunk.subarray(0, end - at) : chunk;
    const got = reader.readInto(part, at);
    if (got === 0) throw new GitError('OBJECT_CORRUPT', `unexpected end of ${writer.path}`);
    hasher.update(part.subarray(0, got));
    at += got;
  }
  reader.close();
  const checksum = hasher.digest();
  writer.writeAt(checksum, end);
  return checksum;
}
