import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isZeroOid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';
import type { Connection } from './connection.js';
import { makePack } from './pack-exchange.js';
import { PacketReader, packetText, PacketWriter, sideBandData } from './pkt-line.js';
import { certificatePayload, isValidNonce } from './push-certificate.js';
import type { RefReport } from './receive-command.js';
import { readShallow } from './shallow.js';
import { anonymizeUrl } from './url.js';

/** Who signs a push, for `--signed`. */
export interface PushSigner {
  /** The key and the time, as the certificate names them. */
  pusher(): string;
  /** The armoured signature. */
  sign(payload: string): string;
}

/** One ref to change on the other side. */
export interface PushCommand {
  readonly name: string;
  readonly old: Oid;
  /** All zeros: delete. */
  readonly new: Oid;
}

export interface SendPackRequest {
  readonly commands: readonly PushCommand[];
  /** Ids the other side showed: where they are here too, what is behind them need not be sent. */
  readonly theirs: readonly Oid[];
  readonly thin: boolean;
  readonly atomic: boolean;
  readonly quiet: boolean;
  readonly pushOptions: readonly string[];
  readonly agent: string;
  /** Where the push goes, as a certificate names it. */
  readonly url?: string | undefined;
  /** Signs the push: gets what to sign, answers all of the certificate. */
  readonly sign?: PushSigner | undefined;
  /** What the server says on side band 2. */
  readonly hear: (text: Bytes) => void;
  /** Progress of making the pack, as lines. */
  readonly progress: ((text: string) => Promise<void>) | undefined;
  /** Told at once when our own pack cannot be made. */
  readonly broken?: ((error: GitError) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SendPackResult {
  /** `ok`, or why the objects could not be taken; `undefined` where the server does not report. */
  readonly unpack: string | undefined;
  /** By ref: `undefined` for done, otherwise the server's reason. A ref that is missing was not reported. */
  readonly reports: ReadonlyMap<string, string | undefined>;
  /** From `option` lines: what a hook made of a ref, which may be several. */
  readonly options: ReadonlyMap<string, readonly RefReport[]>;
  readonly reported: boolean;
  /** Why our own pack could not be made; the other side has then seen it break off. */
  readonly failure?: GitError | undefined;
}

/** Sends commands and objects to a receive-pack, and reads what became of them. */
export async function sendPack(
  repository: Repository,
  connection: Connection,
  request: SendPackRequest,
): Promise<SendPackResult> {
  const { capabilities, algorithm } = connection.advertisement;
  if (capabilities.has('object-format') && algorithm !== repository.objectFormat) {
    throw new GitError('PROTOCOL', "the receiving end does not support this repository's hash algorithm");
  }
  if (!capabilities.has('object-format') && repository.objectFormat !== 'sha1') {
    throw new GitError('PROTOCOL', "the receiving end does not support this repository's hash algorithm");
  }
  if (request.atomic && !capabilities.has('atomic')) {
    throw new GitError('UNSUPPORTED', 'the receiving end does not support --atomic push');
  }
  if (request.pushOptions.length > 0 && !capabilities.has('push-options')) {
    throw new GitError('UNSUPPORTED', 'the receiving end does not support push options');
  }
  const version2 = capabilities.has('report-status-v2');
  const report = version2 || capabilities.has('report-status');
  const band = capabilities.has('side-band-64k');
  const words = [
    version2 ? 'report-status-v2' : report ? 'report-status' : '',
    band ? 'side-band-64k' : '',
    capabilities.has('quiet') && (request.quiet || request.progress === undefined) ? 'quiet' : '',
    request.atomic ? 'atomic' : '',
    request.pushOptions.length > 0 ? 'push-options' : '',
    capabilities.has('object-format') ? `object-format=${algorithm}` : '',
    capabilities.has('agent') ? `agent=${request.agent}` : '',
    connection.sessionId !== undefined ? `session-id=${connection.sessionId}` : '',
  ].filter((word) => word !== '');
  const writer = new PacketWriter({ write: async () => {}, end: async () => {} });
  const shallow = readShallow(repository);
  for (const oid of shallow) writer.write(`shallow ${oid}`);
  const nonce = capabilities.get('push-cert');
  if (request.sign !== undefined && nonce !== undefined) {
    writeCertificate(writer, request, request.sign, nonce, words);
  } else
    request.commands.forEach((command, i) => {
      const line = `${command.old} ${command.new} ${command.name}`;
      writer.write(i === 0 ? `${line}\0 ${words.join(' ')}` : line);
    });
  writer.flush();
  if (request.pushOptions.length > 0) {
    for (const option of request.pushOptions) writer.write(option);
    writer.flush();
  }
  const head = writer.take();
  const wants = request.commands.filter((command) => !isZeroOid(command.new)).map((command) => command.new);
  const haves: Oid[] = [];
  if (wants.length > 0) {
    for (const oid of new Set(request.theirs)) if (await repository.objects.has(oid)) haves.push(oid);
  }
  let failure: unknown;
  const body = async function* (): AsyncGenerator<Bytes> {
    yield head;
    if (wants.length === 0) return;
    try {
      yield* makePack(
        repository,
        {
          wants,
          haves,
          shallow: shallow.size > 0 ? shallow : undefined,
          filter: undefined,
          tags: [],
          thin: request.thin && !capabilities.has('no-thin'),
          offsets: capabilities.has('ofs-delta'),
          showWriting: true,
        },
        request.progress,
        request.signal,
      );
    } catch (error) {
      failure = error;
      if (error instanceof GitError) request.broken?.(error);
      throw error;
    }
  };
  // The server may talk while we still send.
  const sending = connection.send(body()).catch((error: unknown) => {
    failure ??= error;
  });
  if (connection.stateless) await sending;
  let result: SendPackResult = { unpack: undefined, reports: new Map(), options: new Map(), reported: false };
  try {
    const reader = await connection.reply();
    if (report) {
      if (band) {
        // Hooks may still speak behind the report.
        const content = sideBandData(reader, request.hear);
        result = await readReport(new PacketReader(content));
        for await (const rest of content) void rest;
      } else result = await readReport(reader);
    } else if (band) for await (const rest of sideBandData(reader, request.hear)) void rest;
  } catch (error) {
    await Promise.race([sending, new Promise((resolve) => setTimeout(resolve, 50))]);
    if (failure !== undefined && (failure as { code?: string }).code !== 'EPIPE') throw failure;
    throw error;
  }
  await sending;
  if (result.reported && failure instanceof GitError) return { ...result, failure };
  if (failure !== undefined && (failure as { code?: string }).code !== 'EPIPE') throw failure;
  return result;
}

/** The commands as a signed statement, line by line. */
function writeCertificate(
  writer: PacketWriter,
  request: SendPackRequest,
  signer: PushSigner,
  nonce: string,
  words: readonly string[],
): void {
  if (!isValidNonce(nonce)) {
    throw new GitError('PROTOCOL', `the receiving end asked to sign an invalid nonce <${nonce}>`);
  }
  const payload = certificatePayload({
    pusher: signer.pusher(),
    pushee: anonymizeUrl(request.url ?? ''),
    nonce,
    pushOptions: request.pushOptions,
    commands: request.commands,
  });
  const text = payload + signer.sign(payload);
  writer.write(`push-cert\0 ${words.join(' ')}`);
  for (const line of text.split('\n').slice(0, -1)) writer.write(`${line}\n`);
  writer.write('push-cert-end\n');
}

async function readReport(reader: PacketReader): Promise<SendPackResult> {
  const reports = new Map<string, string | undefined>();
  const options = new Map<string, RefReport[]>();
  const first = await reader.read();
  if (typeof first === 'string') throw new GitError('TRANSPORT', 'the remote end hung up unexpectedly');
  const line = packetText(first);
  if (!line.startsWith('unpack ')) throw new GitError('PROTOCOL', `unable to parse remote unpack status: ${line}`);
  const unpack = line.slice(7);
  let current = '';
  let fresh = true;
  for (;;) {
    const item = await reader.read();
    if (typeof item === 'string') break;
    const text = packetText(item);
    const match = /^(ok|ng|option) ([^ ]+)(?: (.*))?$/s.exec(text);
    if (match === null) throw new GitError('PROTOCOL', `invalid ref status from remote: ${text}`);
    if (match[1] === 'option') {
      const list = options.get(current) ?? [];
      if (fresh) list.push({});
      fresh = false;
      const report = list[list.length - 1]!;
      const value = match[3] ?? '';
      if (match[2] === 'refname') report.refname = value;
      else if (match[2] === 'old-oid') report.oldOid = value as Oid;
      else if (match[2] === 'new-oid') report.newOid = value as Oid;
      else if (match[2] === 'forced-update') report.forcedUpdate = true;
      options.set(current, list);
      continue;
    }
    current = match[2]!;
    fresh = true;
    reports.set(current, match[1] === 'ok' ? undefined : (match[3] ?? 'failed'));
  }
  return { unpack, reports, options, reported: true };
}
