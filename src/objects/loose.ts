import type { Bytes } from '../base/bytes.js';
import { concatBytes, decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../base/oid.js';
import { hexLength, isOid } from '../base/oid.js';
import { type Deflater, type Platform, STREAM_END } from '../platform/platform.js';
import type { ObjectHeader, ObjectPlace, ObjectStore, RawObject } from './source.js';
import { fillFailure, writeFailure } from './write-failure.js';

export interface LooseOptions {
  /** `core.looseCompression`/`core.compression`, -1 to 9. git's default for loose objects is 1. */
  readonly compression?: number;
  /** Sync each object before it gets its name (`core.fsync` includes loose-object). */
  readonly sync?: boolean;
  /** Permission bits for objects, 0444 unless `core.sharedRepository` says more. */
  readonly fileMode?: number;
  readonly directoryMode?: number;
  /** The directory as messages show it. */
  readonly shown?: string | undefined;
}

/** Objects up to this size are written from one buffer, without any of their own. */
const SMALL = 16_384;
const whole = new Uint8Array(SMALL + 64);
const deflated = new Uint8Array(2 * SMALL);

const kinds: ReadonlySet<string> = new Set(['blob', 'tree', 'commit', 'tag']);

/** Loose objects: one zlib file each, `objects/ab/cdef…`. */
export class LooseObjects implements ObjectStore {
  readonly algorithm: HashAlgorithm;
  readonly directory: string;
  readonly #platform: Platform;
  readonly #options: LooseOptions;
  readonly #madeDirectories = new Set<string>();

  constructor(platform: Platform, directory: string, algorithm: HashAlgorithm, options: LooseOptions = {}) {
    this.#platform = platform;
    this.directory = directory;
    this.algorithm = algorithm;
    this.#options = options;
  }

  pathOf(oid: string): string {
    return `${this.directory}/${oid.slice(0, 2)}/${oid.slice(2)}`;
  }

  hash<K extends ObjectKind>(kind: K, data: Bytes): Oid<K> {
    return this.#platform.hashObject(this.algorithm, kind, data);
  }

  has(oid: Oid): boolean {
    return this.#platform.fs.lstat(this.pathOf(oid)) !== undefined;
  }

  freshen(oid: Oid): boolean {
    const { fs } = this.#platform;
    const fan = oid.slice(0, 2);
    if (this.#missing.has(fan)) return false;
    const file = this.pathOf(oid);
    if (fs.lstat(file) === undefined) {
      // Whoever writes many objects asks for many: where there is no folder, one look at it answers for all.
      if (!this.#there.has(fan)) {
        const place = fs.lstat(`${this.directory}/${fan}`) === undefined ? this.#missing : this.#there;
        place.add(fan);
      }
      return false;
    }
    const now = this.#platform.now() / 1000;
    try {
      fs.setTimes(file, now, now);
      return true;
    } catch {
      // Somebody else's, or gone meanwhile.
      return false;
    }
  }

  read(oid: Oid): RawObject | undefined {
    // What an object gives for a name may lead anywhere as a path, and be a device there.
    if (!isOid(oid)) return undefined;
    const file = this.pathOf(oid);
    const packed = this.#platform.fs.readFile(file);
    if (packed === undefined) return undefined;
    const object = parseLoose(this.#platform, oid, file, packed);
    const actual = this.hash(object.kind, object.data);
    if (actual !== oid) {
      throw corrupt(oid, file, `hash mismatch for ${file} (expected ${oid}, got ${actual})`);
    }
    return object;
  }

  readHeader(oid: Oid): ObjectHeader | undefined {
    if (!isOid(oid)) return undefined;
    const file = this.pathOf(oid);
    const handle = this.#platform.fs.open(file);
    if (handle === undefined) return undefined;
    try {
      const packed = handle.read(0, 512);
      if (packed.length === 0) throw corrupt(oid, file, `object file ${file} is empty`);
      return parseLooseHeader(oid, file, this.#inflateHead(oid, file, packed)).header;
    } finally {
      handle.close();
    }
  }

  #inflateHead(oid: Oid, file: string, packed: Bytes): Bytes {
    try {
      return this.#platform.zlib.inflateHead(packed, LONGEST_HEADER);
    } catch (cause) {
      throw corrupt(oid, file, `unable to unpack ${oid} header`, cause);
    }
  }

  place(oid: Oid): ObjectPlace | undefined {
    const stat = this.#platform.fs.lstat(this.pathOf(oid));
    return stat === undefined ? undefined : { diskSize: stat.size };
  }

  findPrefix(prefix: string): Oid[] {
    if (prefix.length < 2) return [...this.list()].filter((oid) => oid.startsWith(prefix));
    const rest = prefix.slice(2);
    const fan = prefix.slice(0, 2);
    let names = this.#fans.get(fan);
    if (names === undefined) {
      names = this.#names(fan);
      this.#fans.set(fan, names);
    }
    return names.filter((oid) => oid.startsWith(rest, 2));
  }

  /** Listings kept for `findPrefix`: shortening thousands of ids would list the same few folders again and again. */
  readonly #fans = new Map<string, Oid[]>();

  /**
   * Folders that were not there when `freshen` looked, and those that were. (An object that another process writes there
   * meanwhile is written once more.)
   */
  readonly #missing = new Set<string>();
  readonly #there = new Set<string>();

  refresh(): void {
    this.#fans.clear();
    this.#missing.clear();
  }

  *list(): Iterable<Oid> {
    for (let i = 0; i < 256; i++) yield* this.#names((i < 16 ? '0' : '') + i.toString(16));
  }

  #names(fan: string): Oid[] {
    const entries = this.#platform.fs.readDirectory(`${this.directory}/${fan}`);
    if (entries === undefined) return [];
    const length = hexLength(this.algorithm) - 2;
    const names: string[] = [];
    for (const { name } of entries) if (name.length === length && /^[0-9a-f]+$/.test(name)) names.push(fan + name);
    return names.sort() as Oid[];
  }

  write<K extends ObjectKind>(kind: K, data: Bytes): Oid<K> {
    const oid = this.hash(kind, data);
    this.writeNamed(oid, kind, data);
    return oid;
  }

  /**
   * Writes an object whose id is known already; nothing happens when the file is there. `fresh`: the caller has just
   * looked and it is not.
   */
  writeNamed(oid: Oid, kind: ObjectKind, data: Bytes, fresh = false): void {
    const { fs } = this.#platform;
    const file = this.pathOf(oid);
    if (!fresh && this.freshen(oid)) return;
    this.#fans.delete(oid.slice(0, 2));
    this.#missing.delete(oid.slice(0, 2));
    const fan = file.slice(0, file.lastIndexOf('/'));
    const packed = this.#deflate(kind, data);
    let temporary = '';
    let handle: ReturnType<typeof fs.openWrite> | undefined;
    for (let attempt = 0; handle === undefined; attempt++) {
      if (attempt === 100) throw new GitError('LOCKED', `unable to create temporary file in ${fan}`);
      temporary = `${fan}/tmp_obj_${this.#suffix()}`;
      try {
        if (!this.#madeDirectories.has(fan)) this.#makeDirectory(fan);
        handle = fs.openWrite(temporary, { exclusive: true, mode: 0o444 });
      } catch (error) {
        // Another process that packs removes directories it has emptied.
        if ((error as { code?: string }).code !== 'ENOENT') {
          throw writeFailure(error, this.#options.shown ?? this.directory);
        }
        this.#madeDirectories.delete(fan);
      }
    }
    try {
      handle.write(packed);
      if (this.#options.sync === true) handle.sync();
      handle.close();
      if (this.#options.fileMode !== undefined) fs.chmod(temporary, this.#options.fileMode);
      fs.rename(temporary, file);
    } catch (error) {
      try {
        handle.close();
      } catch {
        // It was closed already.
      }
      try {
        fs.remove(temporary);
      } catch {
        // The first error is the one to tell.
      }
      throw fillFailure(error);
    }
  }

  /** An object's file. Of a small one it is a view of a buffer that the next call fills again. */
  #deflate(kind: ObjectKind, data: Bytes): Bytes {
    const { zlib } = this.#platform;
    const level = this.#options.compression ?? 1;
    const header = `${kind} ${data.length}\0`;
    if (data.length > SMALL) return zlib.deflate(concatBytes([encodeText(header), data]), level);
    for (let i = 0; i < header.length; i++) whole[i] = header.charCodeAt(i);
    whole.set(data, header.length);
    if (this.#deflater === undefined) this.#deflater = zlib.deflater(level);
    else this.#deflater.reset();
    const length = header.length + data.length;
    // zlib's bound for what cannot be compressed is far below the room there is.
    const state = this.#deflater.push(whole, 0, length, deflated, 0, deflated.length, true);
    return state === STREAM_END
      ? deflated.subarray(0, this.#deflater.produced)
      : zlib.deflate(whole.subarray(0, length), level);
  }

  #deflater: Deflater | undefined;

  #makeDirectory(fan: string): void {
    const { fs } = this.#platform;
    if (fs.makeDirectory(fan, { recursive: true }) && this.#options.directoryMode !== undefined) {
      fs.chmod(fan, this.#options.directoryMode);
    }
    this.#madeDirectories.add(fan);
  }

  #suffix(): string {
    const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
    // Unlikely to be taken is enough: the file is created exclusively.
    let suffix = '';
    for (let i = 0; i < 6; i++) suffix += letters[Math.floor(Math.random() * letters.length)];
    return suffix;
  }
}

function corrupt(oid: Oid, file: string, why: string, cause?: unknown): GitError {
  return new GitError('OBJECT_CORRUPT', why, { data: { oid, file }, cause });
}

const LONGEST_HEADER = 32;

function parseLooseHeader(oid: Oid, file: string, head: Bytes): { header: ObjectHeader; length: number } {
  const end = head.subarray(0, LONGEST_HEADER).indexOf(0);
  // git reads the header into a small buffer: what is longer is no header.
  if (end < 0) {
    throw corrupt(oid, file, `header for ${oid} too long, exceeds ${LONGEST_HEADER} bytes`);
  }
  const match = /^([a-z]+) (0|[1-9][0-9]*)$/.exec(decodeText(head.subarray(0, end)));
  if (match === null) throw corrupt(oid, file, `unable to parse ${oid} header`);
  if (!kinds.has(match[1]!)) throw corrupt(oid, file, 'invalid object type', new Error(match[1]));
  const size = Number(match[2]);
  if (!Number.isSafeInteger(size)) throw corrupt(oid, file, `unable to parse ${oid} header`);
  return { header: { kind: match[1] as ObjectKind, size }, length: end + 1 };
}

/** An object as it lies in a file. Throws `OBJECT_CORRUPT`; `file`: as messages call it. */
export function parseLoose(platform: Platform, oid: Oid, file: string, packed: Bytes): RawObject {
  if (packed.length === 0) throw corrupt(oid, file, `object file ${file} is empty`);
  let whole: Bytes;
  let consumed: number;
  try {
    ({ data: whole, consumed } = platform.zlib.inflate(packed));
  } catch (cause) {
    throw corrupt(oid, file, `loose object ${oid} (stored in ${file}) is corrupt`, cause);
  }
  const { header, length } = parseLooseHeader(oid, file, whole);
  if (whole.length - length !== header.size)
    throw corrupt(oid, file, `loose object ${oid} (stored in ${file}) has the wrong size`);
  if (consumed !== packed.length) throw corrupt(oid, file, `garbage at end of loose object '${oid}'`);
  return { kind: header.kind, data: whole.subarray(length) };
}
