import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { hexLength, isOid, isZeroOid } from '../base/oid.js';
import { Capabilities } from './capabilities.js';
import type { Packet, PacketReader } from './pkt-line.js';
import { isData, packetText } from './pkt-line.js';
import { parseCertificate, type PushCertificate } from './push-certificate.js';

/** What a hook made of a change, where it is another than was asked for. */
export interface RefReport {
  refname?: string;
  oldOid?: Oid;
  newOid?: Oid;
  forcedUpdate?: boolean;
}

/** One ref that a client wants changed, and what became of it. */
export interface ReceiveCommand {
  readonly name: string;
  readonly old: Oid;
  readonly new: Oid;
  /** Why not; `undefined` while all is well. */
  error?: string | undefined;
  /** Another command of this push makes the same change, through the ref that this symbolic one leads to. */
  skip?: boolean;
  /** A deletion of what was not there. */
  didNotExist?: boolean;
  /** The proc-receive hook takes care of it; `returned`: it has said what became of it. */
  procReceive?: 'scheduled' | 'returned' | undefined;
  /** What that hook made of it. */
  reports?: RefReport[] | undefined;
  /** The update hook was asked and said yes. */
  hookRun?: boolean;
}

export const isDeletion = (command: ReceiveCommand): boolean => isZeroOid(command.new);
export const isCreation = (command: ReceiveCommand): boolean => isZeroOid(command.old);

export interface ReceiveRequest {
  readonly commands: readonly ReceiveCommand[];
  readonly capabilities: Capabilities;
  /** The client's shallow commits. */
  readonly shallow: readonly Oid[];
  /** The pusher's signed statement, where there is one; the commands are its. */
  readonly certificate?: PushCertificate | undefined;
}

/** More commands than this in one push are refused. */
const MAX_COMMANDS = 1_000_000;
/** And certificates of more characters. */
const MAX_CERTIFICATE = 256 << 20;

/** Reads `old new ref` lines up to the flush. */
export async function readCommands(reader: PacketReader, algorithm: HashAlgorithm): Promise<ReceiveRequest> {
  const commands: ReceiveCommand[] = [];
  const shallow: Oid[] = [];
  let capabilities = new Capabilities();
  const hex = hexLength(algorithm);
  const add = (line: string): void => {
    const old = line.slice(0, hex);
    const next = line.slice(hex + 1, 2 * hex + 1);
    if (!isOid(old) || !isOid(next) || line[hex] !== ' ' || line[2 * hex + 1] !== ' ') {
      throw new GitError('PROTOCOL', `protocol error: expected old/new/ref, got '${line}'`);
    }
    if (commands.length >= MAX_COMMANDS) throw new GitError('LIMIT', 'too many ref updates in one push');
    commands.push({ name: line.slice(2 * hex + 2), old, new: next });
  };
  let certificate: PushCertificate | undefined;
  let item: Packet;
  for (item = await reader.read(); isData(item); item = await reader.read()) {
    const nul = item.indexOf(0);
    const line = nul < 0 ? packetText(item) : decodeText(item.subarray(0, nul));
    if (line.startsWith('shallow ')) {
      const id = line.slice(8);
      if (!isOid(id)) throw new GitError('PROTOCOL', `protocol error: expected shallow sha, got '${id}'`);
      shallow.push(id);
      continue;
    }
    if (nul >= 0) {
      capabilities = Capabilities.fromLine(packetText(item.subarray(nul + 1)));
      const format = capabilities.get('object-format') ?? 'sha1';
      if (format !== algorithm) throw new GitError('PROTOCOL', 'error: unsupported object hash algorithm');
    }
    if (line === 'push-cert') {
      certificate = await readCertificate(reader);
      certificate.commandLines.forEach(add);
    } else add(line);
  }
  if (item === 'eof' && commands.length > 0) throw new GitError('TRANSPORT', 'the remote end hung up unexpectedly');
  return { commands, capabilities, shallow, certificate };
}

/** The lines up to `push-cert-end`. */
async function readCertificate(reader: PacketReader): Promise<PushCertificate> {
  const malformed = () => new GitError('PROTOCOL', 'malformed push certificate');
  let text = '';
  for (;;) {
    const item = await reader.read();
    if (!isData(item)) throw malformed();
    const line = decodeText(item);
    if (line === 'push-cert-end\n') break;
    if (text.length + line.length > MAX_CERTIFICATE) throw new GitError('LIMIT', 'push certificate is too large');
    text += line;
  }
  const certificate = parseCertificate(text);
  if (certificate === undefined) throw malformed();
  return certificate;
}

/** The commands as hooks get them on standard input. */
export const hookInput = (commands: readonly Pick<ReceiveCommand, 'old' | 'new' | 'name'>[]): string =>
  commands.map((command) => `${command.old} ${command.new} ${command.name}\n`).join('');
