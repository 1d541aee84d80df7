import { GitError } from '../base/errors.js';
import { isTracing, traceData } from '../base/trace.js';
import type { Oid } from '../base/oid.js';
import { hexLength, isOid, zeroOid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';
import { sendPackTo } from './pack-exchange.js';
import type { Packet, PacketReader, PacketWriter } from './pkt-line.js';
import { isData, MAX_PACKET, packetText } from './pkt-line.js';
import { peelTag, servedHead, servedRefs } from './served-refs.js';
import type { ServerIo, ServiceOptions } from './server-io.js';
import { BandWriter, refuse, serverReader, serverWriter } from './server-io.js';
import { readShallow } from './shallow.js';
import { unreachableWant } from './tips.js';
import { readUploadConfig } from './upload-config.js';
import { serveVersion2 } from './upload-pack-v2.js';
import { UploadSession } from './upload-session.js';

/**
 * Sends objects to a fetching client: protocol 0, 1 and 2, over a pipe or one http request at a time
 * (git upload-pack). Answers when the client is served; throws where it is not, having told it why.
 */
export async function uploadPack(repository: Repository, io: ServerIo, options: ServiceOptions): Promise<void> {
  const reader = serverReader(io);
  const writer = serverWriter(io);
  const config = readUploadConfig(repository.config, repository.env);
  traceData('transfer', 'negotiated-version', String(options.version));
  if (options.version === 2) {
    await serveVersion2(repository, config, io, reader, writer, options);
    return;
  }
  if (options.advertiseOnly === true || options.stateless !== true) {
    if (options.version === 1) writer.write('version 1\n');
    await advertise(repository, config, writer, options);
    await writer.send();
  }
  if (options.advertiseOnly === true) return;
  const first = await reader.peek();
  if (first === 'eof') return;

  const session = new UploadSession(repository, config);
  const features = await receiveWants(session, reader, writer, options);
  if (session.wants.length === 0) return;
  if (isTracing()) traceData('upload-pack', 'fetch-info', session.summary(0));
  if (session.deepens || session.clientShallow.size > 0) {
    if (await session.sendShallow(writer)) await writer.flush().send();
  }
  if (!(await negotiate(session, features, reader, writer, options))) return;
  const limit = features.has('side-band-64k') ? MAX_PACKET : features.has('side-band') ? 1000 : 0;
  const bands = new BandWriter(writer, limit);
  await sendPackTo(repository, await session.packRequest(), bands, {
    quiet: session.noProgress || limit === 0,
    keepAlive: config.keepAlive,
    hook: config.packObjectsHook,
    errors: io.errors,
    signal: io.signal,
  });
  if (limit > 0) await writer.flush().send();
}

async function advertise(
  repository: Repository,
  config: ReturnType<typeof readUploadConfig>,
  writer: PacketWriter,
  options: ServiceOptions,
): Promise<void> {
  const head = await servedHead(repository);
  const capabilities = [
    'multi_ack thin-pack side-band side-band-64k ofs-delta shallow deepen-since deepen-not deepen-relative no-progress',
    'include-tag multi_ack_detailed',
    ...(config.allowTip ? ['allow-tip-sha1-in-want'] : []),
    ...(config.allowReachable ? ['allow-reachable-sha1-in-want'] : []),
    'no-done',
    ...(head?.target === undefined || head.oid === undefined ? [] : [`symref=HEAD:${head.target}`]),
    ...(config.allowFilter ? ['filter'] : []),
    ...(config.advertiseSessionId && options.sessionId !== undefined ? [`session-id=${options.sessionId}`] : []),
    `object-format=${repository.objectFormat}`,
    `agent=${options.agent}`,
  ].join(' ');
  let first = true;
  for await (const ref of servedRefs(repository, config.hidden, { unreadable: true })) {
    writer.write(first ? `${ref.oid} ${ref.name}\0${capabilities}\n` : `${ref.oid} ${ref.name}\n`);
    first = false;
    const peeled = await peelTag(repository, ref);
    if (peeled !== undefined) writer.write(`${peeled} ${ref.name}^{}\n`);
    await writer.sendSome();
  }
  // A client that will only list refs must be told that there are none; others see it from the flush.
  if (first) writer.write(`${zeroOid(repository.objectFormat)} capabilities^{}\0${capabilities}\n`);
  for (const oid of readShallow(repository)) writer.write(`shallow ${oid}\n`);
  writer.flush();
}

async function receiveWants(
  session: UploadSession,
  reader: PacketReader,
  writer: PacketWriter,
  options: ServiceOptions,
): Promise<ReadonlySet<string>> {
  const features = new Set<string>();
  const { repository, config } = session;
  const hex = hexLength(repository.objectFormat);
  for (let item: Packet = await reader.read(); isData(item); item = await reader.read()) {
    const line = packetText(item);
    if (await session.shallowLine(line)) continue;
    if (line.startsWith('filter ')) {
      if (!features.has('filter'))
        throw new GitError('PROTOCOL', 'git upload-pack: filtering capability not negotiated');
      session.setFilter(line.slice(7));
      continue;
    }
    const id = line.slice(5, 5 + hex);
    if (!line.startsWith('want ') || !isOid(id)) {
      throw new GitError('PROTOCOL', `git upload-pack: protocol error, expected to get object ID, not '${line}'`);
    }
    for (const word of line.slice(5 + hex).split(' ')) {
      if (word === '') continue;
      features.add(word);
      if (word.startsWith('session-id=')) traceData('transfer', 'client-sid', word.slice(11));
    }
    if (!(await repository.objects.has(id))) {
      await refuse(writer, `upload-pack: not our ref ${id}`, `git upload-pack: not our ref ${id}`);
    }
    session.addWant(id);
  }
  if (features.has('deepen-relative')) session.relative = true;
  session.thin = features.has('thin-pack');
  session.offsets = features.has('ofs-delta');
  session.noProgress = features.has('no-progress');
  session.includeTag = features.has('include-tag');
  if (!config.allowAny && session.wants.length > 0) {
    const bad = await unreachableWant(repository, config, session.commits, session.wants, options.stateless === true);
    if (bad !== undefined)
      await refuse(writer, `upload-pack: not our ref ${bad}`, `git upload-pack: not our ref ${bad}`);
  }
  return features;
}

/** Reads haves until enough is known; `false` where a stateless request ends without a pack. */
async function negotiate(
  session: UploadSession,
  features: ReadonlySet<string>,
  reader: PacketReader,
  writer: PacketWriter,
  options: ServiceOptions,
): Promise<boolean> {
  const detailed = features.has('multi_ack_detailed');
  const multi = detailed || features.has('multi_ack');
  const noDone = features.has('no-done');
  let last: Oid | undefined;
  let gotCommon = false;
  let gotOther = false;
  let sentReady = false;
  for (;;) {
    const item = await reader.read();
    if (item === 'eof') {
      if (options.stateless === true) return false;
      throw new GitError('TRANSPORT', 'the remote end hung up unexpectedly');
    }
    if (!isData(item)) {
      if (detailed && gotCommon && !gotOther && (await session.common.isEnough(session.wants))) {
        sentReady = true;
        writer.write(`ACK ${last} ready\n`);
      }
      if (session.common.oids.length === 0 || multi) writer.write('NAK\n');
      if (noDone && sentReady) {
        await writer.write(`ACK ${last}\n`).send();
        return true;
      }
      await writer.send();
      if (options.stateless === true) return false;
      gotCommon = false;
      gotOther = false;
      continue;
    }
    const line = packetText(item);
    if (line.startsWith('have ')) {
      const id = line.slice(5);
      if (!isOid(id)) throw new GitError('PROTOCOL', `git upload-pack: expected SHA1 object, got '${id}'`);
      if (!(await session.common.add(id))) {
        gotOther = true;
        if (multi && (await session.common.isEnough(session.wants))) {
          if (detailed) {
            sentReady = true;
            writer.write(`ACK ${id} ready\n`);
          } else writer.write(`ACK ${id} continue\n`);
        }
      } else {
        gotCommon = true;
        last = id;
        if (detailed) writer.write(`ACK ${id} common\n`);
        else if (multi) writer.write(`ACK ${id} continue\n`);
        else if (session.common.oids.length === 1) writer.write(`ACK ${id}\n`);
      }
      continue;
    }
    if (line === 'done') {
      if (session.common.oids.length > 0) {
        if (multi) writer.write(`ACK ${last}\n`);
      } else writer.write('NAK\n');
      await writer.send();
      return true;
    }
    throw new GitError('PROTOCOL', `git upload-pack: expected SHA1 list, got '${line}'`);
  }
}
