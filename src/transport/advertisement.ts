import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { isOid, isZeroOid } from '../base/oid.js';
import { Capabilities } from './capabilities.js';
import type { PacketReader } from './pkt-line.js';
import { isData, packetText } from './pkt-line.js';

/** A ref of the other side. */
export interface RemoteRef {
  readonly name: string;
  readonly oid: Oid;
  /** What an annotated tag leads to, when the other side said so. */
  readonly peeled?: Oid | undefined;
  /** For a symbolic ref, where it points, when the other side said so. */
  readonly symbolicTarget?: string | undefined;
}

/** What a server says first. */
export interface Advertisement {
  readonly version: 0 | 1 | 2;
  readonly capabilities: Capabilities;
  readonly algorithm: HashAlgorithm;
  /** v0 and v1; in v2 refs are asked for with `ls-refs`. */
  readonly refs: readonly RemoteRef[];
  /** Commits whose parents the server lacks (v0, v1). */
  readonly shallow: readonly Oid[];
  /** Objects offered as known to the server without a name (`.have`, receive-pack only). */
  readonly haves: readonly Oid[];
  /** The branch an unborn HEAD points to, where the server told. */
  unbornHead?: string | undefined;
}

function algorithmOf(capabilities: Capabilities): HashAlgorithm {
  const name = capabilities.get('object-format') ?? 'sha1';
  if (name === 'sha1' || name === 'sha256') return name;
  throw new GitError('UNSUPPORTED', `unknown object format '${name}' specified by server`);
}

/** Reads what a server says first, whichever version it speaks. */
export async function readAdvertisement(reader: PacketReader): Promise<Advertisement> {
  const first = await reader.peek();
  if (first === 'eof')
    throw new GitError('TRANSPORT', 'the remote end hung up upon initial contact', { data: { initial: true } });
  if (isData(first)) {
    const text = packetText(first);
    if (text === 'version 2') {
      await reader.read();
      return readVersion2(reader);
    }
    if (text === 'version 1') {
      await reader.read();
      return readRefs(reader, 1);
    }
    if (/^version \d+$/.test(text))
      throw new GitError('PROTOCOL', `server is speaking an unknown protocol version: ${text}`);
  }
  return readRefs(reader, 0);
}

async function readVersion2(reader: PacketReader): Promise<Advertisement> {
  const capabilities = new Capabilities();
  for (;;) {
    const item = await reader.read();
    if (item === 'flush') break;
    if (!isData(item)) throw new GitError('TRANSPORT', 'expected flush after capabilities');
    capabilities.add(packetText(item));
  }
  return { version: 2, capabilities, algorithm: algorithmOf(capabilities), refs: [], shallow: [], haves: [] };
}

async function readRefs(reader: PacketReader, version: 0 | 1): Promise<Advertisement> {
  let capabilities = new Capabilities();
  const refs: RemoteRef[] = [];
  const shallow: Oid[] = [];
  const haves: Oid[] = [];
  let first = true;
  for (;;) {
    const item = await reader.read();
    if (item === 'flush') break;
    if (item === 'eof')
      throw new GitError('TRANSPORT', 'the remote end hung up upon initial contact', { data: { initial: first } });
    if (!isData(item)) throw new GitError('PROTOCOL', 'protocol error: unexpected mark in the list of refs');
    let line = packetText(item);
    if (line.startsWith('shallow ')) {
      const id = line.slice(8);
      if (!isOid(id)) throw new GitError('PROTOCOL', `protocol error: expected shallow sha-1, got '${id}'`);
      shallow.push(id);
      continue;
    }
    const nul = item.indexOf(0);
    if (nul >= 0) {
      line = decodeText(item.subarray(0, nul));
      if (first) capabilities = Capabilities.fromLine(packetText(item.subarray(nul + 1)));
    }
    first = false;
    const space = line.indexOf(' ');
    const id = line.slice(0, space);
    const name = line.slice(space + 1);
    if (space < 0 || !isOid(id)) throw new GitError('PROTOCOL', `protocol error: unexpected '${line}'`);
    if (name === 'capabilities^{}' && isZeroOid(id)) continue;
    if (name === '.have') haves.push(id);
    else if (name.endsWith('^{}')) {
      const last = refs[refs.length - 1];
      if (last !== undefined && last.name === name.slice(0, -3)) refs[refs.length - 1] = { ...last, peeled: id };
    } else refs.push({ name, oid: id });
  }
  return {
    version,
    capabilities,
    algorithm: algorithmOf(capabilities),
    refs: withSymrefs(refs, capabilities),
    shallow,
    haves,
  };
}

/** `symref=HEAD:refs/heads/main` among the capabilities says what HEAD points to. */
function withSymrefs(refs: readonly RemoteRef[], capabilities: Capabilities): readonly RemoteRef[] {
  const targets = new Map<string, string>();
  for (const value of capabilities.all('symref')) {
    const colon = value.indexOf(':');
    if (colon > 0) targets.set(value.slice(0, colon), value.slice(colon + 1));
  }
  if (targets.size === 0) return refs;
  return refs.map((ref) => {
    const target = targets.get(ref.name);
    return target === undefined ? ref : { ...ref, symbolicTarget: target };
  });
}

/** One line of an `ls-refs` answer. `unborn` lines have no id. */
export interface ListedRef extends Omit<RemoteRef, 'oid'> {
  readonly oid: Oid | undefined;
}

/** Parses a line of an `ls-refs` answer. */
export function parseListedRef(line: string): ListedRef {
  const words = line.split(' ');
  const [id, name, ...attributes] = words;
  if (name === undefined || (id !== 'unborn' && !isOid(id!)))
    throw new GitError('PROTOCOL', `invalid ls-refs response: ${line}`);
  let peeled: Oid | undefined;
  let symbolicTarget: string | undefined;
  for (const attribute of attributes) {
    if (attribute.startsWith('symref-target:')) symbolicTarget = attribute.slice(14);
    else if (attribute.startsWith('peeled:')) {
      const value = attribute.slice(7);
      if (!isOid(value)) throw new GitError('PROTOCOL', `invalid ls-refs response: ${line}`);
      peeled = value;
    }
  }
  return { name, oid: id === 'unborn' ? undefined : (id as Oid), peeled, symbolicTarget };
}
