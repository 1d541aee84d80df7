import type { Bytes } from '../base/bytes.js';
import { decodeText, startsWithAscii } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { hexLength, isOid } from '../base/oid.js';
import { checkConnected } from '../history/reachable.js';
import { parseFilterSpec } from '../history/object-filter.js';
import type { FileSystem, ReadHandle } from '../platform/fs.js';
import { IncomingFsck, incomingRules } from '../repo/incoming-fsck.js';
import { LinkCheck } from '../packs/link-check.js';
import type { Repository } from '../repo/repository.js';
import { ByteReader } from './byte-stream.js';
import type { Incoming, IncomingOptions } from './incoming.js';
import { storeIncoming } from './incoming.js';
import { readShallow } from './shallow.js';

/** What a bundle says before its pack (gitformat-bundle). */
export interface BundleHeader {
  readonly version: 2 | 3;
  readonly algorithm: HashAlgorithm;
  /** The pack holds only what this filter lets through. */
  readonly filter: string | undefined;
  /** Commits the reader must have, with all behind them. */
  readonly prerequisites: readonly Oid[];
  readonly references: readonly { readonly oid: Oid; readonly name: string }[];
}

/** A bundle whose header has been read; the pack is what is left of `bytes`. */
export interface OpenBundle {
  readonly header: BundleHeader;
  readonly bytes: ByteReader;
  close(): void;
}

const LONGEST_LINE = 1 << 20;
const PIECE = 1 << 17;

/** Does a file begin as bundles do? */
export function isBundleFile(fs: FileSystem, path: string): boolean {
  if (fs.stat(path)?.kind !== 'file') return false;
  const handle = fs.open(path);
  if (handle === undefined) return false;
  try {
    const head = handle.read(0, 16);
    return startsWithAscii(head, '# v2 git bundle\n') || startsWithAscii(head, '# v3 git bundle\n');
  } finally {
    handle.close();
  }
}

/** Opens a bundle file and reads its header. `name`: as messages call it. */
export async function openBundle(fs: FileSystem, path: string, name = path): Promise<OpenBundle> {
  let handle: ReadHandle | undefined;
  try {
    handle = fs.open(path);
  } catch (error) {
    if ((error as { code?: string }).code === undefined) throw error;
  }
  if (handle === undefined) throw refusal(`could not open '${name}'`);
  const file = handle;
  try {
    const bytes = new ByteReader(pieces(file));
    return { header: await readBundleHeader(bytes, name), bytes, close: () => file.close() };
  } catch (error) {
    file.close();
    throw error;
  }
}

async function* pieces(file: ReadHandle): AsyncGenerator<Bytes> {
  for (let at = 0; ; ) {
    const piece = file.read(at, PIECE);
    if (piece.length === 0) return;
    at += piece.length;
    yield piece;
  }
}

/** What is wrong with a bundle is an `error:` of git's. */
const refusal = (message: string): GitError =>
  new GitError('PROTOCOL', message, { data: { severity: 'error', code: 1 } });

async function takeLine(bytes: ByteReader): Promise<string | undefined> {
  for (let length = 128; ; length = Math.min(length * 2, LONGEST_LINE)) {
    const whole = await bytes.need(length);
    const seen = bytes.peekNow(whole ? length : bytes.available)!;
    const end = seen.indexOf(10);
    if (end >= 0) return decodeText(bytes.takeNow(end + 1)!.subarray(0, end));
    if (!whole || length === LONGEST_LINE) return undefined;
  }
}

/** Reads a bundle's header. Throws git's words where it is none, or one from the future. */
export async function readBundleHeader(bytes: ByteReader, name: string): Promise<BundleHeader> {
  const first = await takeLine(bytes);
  const version = first === '# v2 git bundle' ? 2 : first === '# v3 git bundle' ? 3 : undefined;
  if (version === undefined) throw refusal(`'${name}' does not look like a v2 or v3 bundle file`);
  let algorithm: HashAlgorithm = 'sha1';
  let filter: string | undefined;
  const prerequisites: Oid[] = [];
  const references: { oid: Oid; name: string }[] = [];
  for (;;) {
    const line = await takeLine(bytes);
    if (line === undefined || line === '') break;
    if (version === 3 && line.startsWith('@')) {
      const capability = line.slice(1);
      if (capability.startsWith('object-format=')) {
        const format = capability.slice(14);
        if (format !== 'sha1' && format !== 'sha256') throw refusal(`unrecognized bundle hash algorithm: ${format}`);
        algorithm = format;
      } else if (capability.startsWith('filter=')) {
        filter = capability.slice(7);
        parseFilterSpec(filter);
      } else throw refusal(`unknown capability '${capability}'`);
      continue;
    }
    const isPrerequisite = line.startsWith('-');
    const text = isPrerequisite ? line.slice(1) : line;
    const length = hexLength(algorithm);
    const oid = text.slice(0, length);
    // A prerequisite may come without a comment, a reference not without its name.
    if (!isOid(oid) || oid.length !== length || (text.length > length ? text[length] !== ' ' : !isPrerequisite)) {
      throw refusal(`unrecognized header: ${isPrerequisite ? '-' : ''}${text} (${line.length})`);
    }
    if (isPrerequisite) prerequisites.push(oid);
    else references.push({ oid, name: text.slice(length + 1) });
  }
  return { version, algorithm, filter, prerequisites, references };
}

export type BundleFault =
  | { readonly kind: 'missing'; readonly oids: readonly Oid[] }
  | { readonly kind: 'unconnected' };

/** What a repository lacks of a bundle's prerequisites; `undefined`: nothing. */
export async function bundleFault(repository: Repository, header: BundleHeader): Promise<BundleFault | undefined> {
  const missing: Oid[] = [];
  for (const oid of header.prerequisites) {
    if ((await repository.objects.readHeader(oid))?.kind !== 'commit') missing.push(oid);
  }
  if (missing.length > 0) return { kind: 'missing', oids: missing };
  if (header.prerequisites.length === 0) return undefined;
  const complete: Oid[] = [];
  for await (const ref of repository.refs.list('refs/')) complete.push(ref.oid);
  const grafts = new Map<string, readonly Oid[]>();
  for (const oid of readShallow(repository)) grafts.set(oid, []);
  const hole = await checkConnected(repository.objects, { tips: header.prerequisites, complete, grafts });
  return hole === undefined ? undefined : { kind: 'unconnected' };
}

/** A fault in git's words, one line each. */
export function faultLines(fault: BundleFault): string[] {
  if (fault.kind === 'unconnected') {
    return ["some prerequisite commits exist in the object store, but are not connected to the repository's history"];
  }
  return ['Repository lacks these prerequisite commits:', ...fault.oids.map((oid) => `${oid} `)];
}

export interface UnbundleOptions extends Pick<IncomingOptions, 'progress' | 'signal' | 'keep'> {
  /** Standard error: what the checks of incoming objects find. */
  readonly complain: (text: string) => void;
  /** Look at the objects as `fetch.fsckObjects` says. */
  readonly check: boolean;
}

/** Takes a bundle's pack in. The prerequisites are here, which is the caller's to see (`bundleFault`). */
export async function unbundle(
  repository: Repository,
  bundle: OpenBundle,
  options: UnbundleOptions,
): Promise<Incoming> {
  const { filter, references } = bundle.header;
  const checks = incomingRules(repository, 'fetch', (message) => options.complain(`warning: ${message}\n`));
  const shallow = readShallow(repository);
  const fsck =
    options.check && checks.wanted
      ? new IncomingFsck({
          algorithm: repository.objectFormat,
          rules: checks.rules(),
          links: filter === undefined ? new LinkCheck(repository.objects, false, (oid) => shallow.has(oid)) : undefined,
          tell: (line) => options.complain(`${line}\n`),
        })
      : undefined;
  return storeIncoming(repository, bundle.bytes.rest(), {
    unpackLimit: 0,
    keep: options.keep,
    promisor: filter === undefined ? undefined : references.map(({ oid, name }) => `${oid} ${name}`).join('\n'),
    fsck,
    progress: options.progress,
    signal: options.signal,
  });
}
