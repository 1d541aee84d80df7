import { GitError } from '../base/errors.js';
import { isTracing, traceData } from '../base/trace.js';
import type { Oid } from '../base/oid.js';
import { isOid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';
import { sendPackTo } from './pack-exchange.js';
import type { Packet, PacketReader, PacketWriter } from './pkt-line.js';
import { isData, MAX_PACKET, packetText } from './pkt-line.js';
import { peelTag, servedHead, servedNamespace, servedRefs } from './served-refs.js';
import type { ServerIo, ServiceOptions } from './server-io.js';
import { BandWriter, refuse } from './server-io.js';
import type { UploadConfig } from './upload-config.js';
import { UploadSession } from './upload-session.js';

/** Protocol 2: capabilities, then commands until the client has enough. */
export async function serveVersion2(
  repository: Repository,
  config: UploadConfig,
  io: ServerIo,
  reader: PacketReader,
  writer: PacketWriter,
  options: ServiceOptions,
): Promise<void> {
  if (options.advertiseOnly === true || options.stateless !== true) {
    advertise(repository, config, writer, options);
    await writer.send();
  }
  if (options.advertiseOnly === true) return;
  while (await serveOne(repository, config, io, reader, writer)) {
    if (options.stateless === true) return;
  }
}

function advertise(repository: Repository, config: UploadConfig, writer: PacketWriter, options: ServiceOptions): void {
  writer.write('version 2\n');
  writer.write(`agent=${options.agent}\n`);
  writer.write(config.unborn === 'advertise' ? 'ls-refs=unborn\n' : 'ls-refs\n');
  const features = ['shallow', 'wait-for-done'];
  if (config.allowFilter) features.push('filter');
  if (config.allowRefInWant) features.push('ref-in-want');
  if (config.allowSideBandAll) features.push('sideband-all');
  writer.write(`fetch=${features.join(' ')}\n`);
  writer.write('server-option\n');
  writer.write(`object-format=${repository.objectFormat}\n`);
  if (config.advertiseSessionId && options.sessionId !== undefined) writer.write(`session-id=${options.sessionId}\n`);
  if (config.advertiseObjectInfo) writer.write('object-info\n');
  if (config.advertiseBundleUris) writer.write('bundle-uri\n');
  writer.flush();
}

/** One request: capabilities, then arguments, each read up to their mark. `false` at the end of the conversation. */
async function serveOne(
  repository: Repository,
  config: UploadConfig,
  io: ServerIo,
  reader: PacketReader,
  writer: PacketWriter,
): Promise<boolean> {
  let command: string | undefined;
  let format: string | undefined;
  let any = false;
  for (;;) {
    const item = await reader.peek();
    if (item === 'eof') {
      if (any) throw new GitError('TRANSPORT', 'the remote end hung up unexpectedly');
      return false;
    }
    if (isData(item)) {
      any = true;
      await reader.read();
      const line = packetText(item);
      if (line.startsWith('command=')) {
        const name = line.slice(8);
        if (command !== undefined)
          throw new GitError('PROTOCOL', `command '${name}' requested after already requesting command '${command}'`);
        const known =
          name === 'ls-refs' ||
          name === 'fetch' ||
          (name === 'object-info' && config.advertiseObjectInfo) ||
          (name === 'bundle-uri' && config.advertiseBundleUris);
        if (!known) throw new GitError('PROTOCOL', `invalid command '${name}'`);
        command = name;
      } else if (line.startsWith('object-format=')) format = line.slice(14);
      else if (!/^(?:agent|session-id|server-option|promisor-remote)(?:=|$)/.test(line)) {
        throw new GitError('PROTOCOL', `unknown capability '${line}'`);
      } else if (line.startsWith('session-id=')) traceData('transfer', 'client-sid', line.slice(11));
      continue;
    }
    if (item === 'flush') {
      if (!any) {
        await reader.read();
        return false;
      }
      break;
    }
    if (item === 'delim') {
      await reader.read();
      break;
    }
    throw new GitError('PROTOCOL', 'unexpected response end packet');
  }
  if (command === undefined) throw new GitError('PROTOCOL', 'no command requested');
  const used = format ?? 'sha1';
  if (used !== repository.objectFormat) {
    throw new GitError('PROTOCOL', `mismatched object format: server ${repository.objectFormat}; client ${used}`);
  }
  switch (command) {
    case 'ls-refs':
      await listRefs(repository, config, reader, writer);
      break;
    case 'fetch':
      await fetch(repository, config, io, reader, writer);
      break;
    case 'object-info':
      await objectInfo(repository, reader, writer);
      break;
    default:
      await bundleUris(repository, reader, writer);
  }
  return true;
}

/** The lines of a command's arguments, up to the flush. */
async function* lines(reader: PacketReader, command: string): AsyncGenerator<string> {
  let item: Packet;
  for (item = await reader.read(); isData(item); item = await reader.read()) yield packetText(item);
  if (item !== 'flush') throw new GitError('PROTOCOL', `expected flush after ${command} arguments`);
}

/** More prefixes than this and all refs are sent. */
const MAX_PREFIXES = 65536;

async function listRefs(
  repository: Repository,
  config: UploadConfig,
  reader: PacketReader,
  writer: PacketWriter,
): Promise<void> {
  let symrefs = false;
  let peel = false;
  let unborn = false;
  let prefixes: string[] | undefined = [];
  for await (const line of lines(reader, 'ls-refs')) {
    if (line === 'peel') peel = true;
    else if (line === 'symrefs') symrefs = true;
    else if (line.startsWith('ref-prefix ')) {
      if (prefixes !== undefined && prefixes.length < MAX_PREFIXES) prefixes.push(line.slice(11));
      else prefixes = undefined;
    } else if (line === 'unborn') unborn = config.unborn !== 'ignore';
    else throw new GitError('PROTOCOL', `unexpected line: '${line}'`);
  }
  const wanted = (name: string) =>
    prefixes === undefined || prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix));
  if (unborn && wanted('HEAD')) {
    const head = await servedHead(repository);
    if (head !== undefined && head.oid === undefined && head.target !== undefined && !config.hidden.isHidden('HEAD')) {
      writer.write(`unborn HEAD${symrefs ? ` symref-target:${head.target}` : ''}\n`);
    }
  }
  for await (const ref of servedRefs(repository, config.hidden, { prefixes, unreadable: true })) {
    let line = `${ref.oid} ${ref.name}`;
    if (symrefs && ref.symbolicTarget !== undefined) line += ` symref-target:${ref.symbolicTarget}`;
    if (peel) {
      const peeled = await peelTag(repository, ref);
      if (peeled !== undefined) line += ` peeled:${peeled}`;
    }
    writer.write(`${line}\n`);
    await writer.sendSome();
  }
  await writer.flush().send();
}

async function fetch(
  repository: Repository,
  config: UploadConfig,
  io: ServerIo,
  reader: PacketReader,
  writer: PacketWriter,
): Promise<void> {
  const session = new UploadSession(repository, config);
  const haves: Oid[] = [];
  let done = false;
  let waitForDone = false;
  let sideBandAll = false;
  const namespace = servedNamespace(repository);
  for await (const line of lines(reader, 'fetch')) {
    if (line.startsWith('want ')) {
      const id = line.slice(5);
      if (!isOid(id))
        throw new GitError('PROTOCOL', `git upload-pack: protocol error, expected to get oid, not '${line}'`);
      if (!(await repository.objects.has(id))) {
        await refuse(writer, `upload-pack: not our ref ${id}`, `git upload-pack: not our ref ${id}`);
      }
      session.addWant(id);
    } else if (config.allowRefInWant && line.startsWith('want-ref ')) {
      const name = line.slice(9);
      const oid = config.hidden.isHidden(name, namespace + name)
        ? undefined
        : await repository.refs.resolve(namespace + name);
      if (oid === undefined) await refuse(writer, `unknown ref ${name}`, `unknown ref ${name}`);
      if (session.wantedRefs.has(name))
        await refuse(writer, `duplicate want-ref ${name}`, `duplicate want-ref ${name}`);
      session.wantedRefs.set(name, oid!);
      session.addWant(oid!);
    } else if (line.startsWith('have ')) {
      const id = line.slice(5);
      if (!isOid(id)) throw new GitError('PROTOCOL', `git upload-pack: expected SHA1 object, got '${id}'`);
      haves.push(id);
    } else if (line === 'thin-pack') session.thin = true;
    else if (line === 'ofs-delta') session.offsets = true;
    else if (line === 'no-progress') session.noProgress = true;
    else if (line === 'include-tag') session.includeTag = true;
    else if (line === 'done') done = true;
    else if (line === 'wait-for-done') waitForDone = true;
    else if (config.allowFilter && line.startsWith('filter ')) session.setFilter(line.slice(7));
    else if (config.allowSideBandAll && line === 'sideband-all') sideBandAll = true;
    else if (!(await session.shallowLine(line))) throw new GitError('PROTOCOL', `unexpected line: '${line}'`);
  }
  writer.sideBandAll = sideBandAll;
  if (isTracing()) traceData('upload-pack', 'fetch-info', session.summary(haves.length));
  try {
    // Nothing wanted, nothing sent.
    if (session.wants.length === 0 && !waitForDone) return;
    if (haves.length > 0 && !(await acknowledge(session, haves, done, waitForDone, writer))) return;
    if (session.deepens || session.clientShallow.size > 0 || session.serverShallow.size > 0) {
      writer.write('shallow-info\n');
      if (!(await session.sendShallow(writer)) && session.serverShallow.size > 0) await session.sendOwnShallow(writer);
      writer.delim();
    }
    if (session.wantedRefs.size > 0) {
      writer.write('wanted-refs\n');
      for (const [name, oid] of session.wantedRefs) writer.write(`${oid} ${name}\n`);
      writer.delim();
    }
    writer.write('packfile\n');
    await writer.send();
    writer.sideBandAll = false;
    await sendPackTo(repository, await session.packRequest(), new BandWriter(writer, MAX_PACKET), {
      quiet: session.noProgress,
      keepAlive: config.keepAlive,
      hook: config.packObjectsHook,
      errors: io.errors,
      signal: io.signal,
    });
    await writer.flush().send();
  } finally {
    writer.sideBandAll = false;
  }
}

/** The `acknowledgments` section. `true`: a pack follows. */
async function acknowledge(
  session: UploadSession,
  haves: readonly Oid[],
  done: boolean,
  waitForDone: boolean,
  writer: PacketWriter,
): Promise<boolean> {
  const common: Oid[] = [];
  const seen = new Set<Oid>();
  for (const oid of haves) {
    if (seen.has(oid)) continue;
    seen.add(oid);
    // A parent of what was told already is no news, and the client would have to repeat it each time.
    const before = session.common.oids.length;
    if ((await session.common.add(oid)) && session.common.oids.length > before) common.push(oid);
  }
  // A client that said "done" wants the pack and no acknowledgements.
  if (done) return true;
  writer.write('acknowledgments\n');
  if (common.length === 0) writer.write('NAK\n');
  for (const oid of common) writer.write(`ACK ${oid}\n`);
  if (!waitForDone && (await session.common.isEnough(session.wants))) {
    writer.write('ready\n').delim();
    return true;
  }
  await writer.flush().send();
  return false;
}

async function objectInfo(repository: Repository, reader: PacketReader, writer: PacketWriter): Promise<void> {
  let size = false;
  const oids: Oid[] = [];
  for await (const line of lines(reader, 'object-info')) {
    if (line === 'size') size = true;
    else if (line.startsWith('oid ')) {
      const id = line.slice(4);
      if (!isOid(id))
        await refuse(
          writer,
          `object-info: protocol error, expected to get oid, not '${id}'`,
          `object-info: protocol error, expected to get oid, not '${id}'`,
        );
      oids.push(id as Oid);
    } else await refuse(writer, `object-info: unexpected line: '${line}'`, `object-info: unexpected line: '${line}'`);
  }
  if (oids.length > 0) {
    if (size) writer.write('size\n');
    for (const oid of oids) {
      const header = size ? await repository.objects.readHeader(oid) : undefined;
      writer.write(size ? `${oid} ${header?.size ?? ''}\n` : `${oid}\n`);
      await writer.sendSome();
    }
  }
  await writer.flush().send();
}

/** `bundle.*` configuration, one `key=value` a line. */
async function bundleUris(repository: Repository, reader: PacketReader, writer: PacketWriter): Promise<void> {
  for await (const line of lines(reader, 'bundle-uri'))
    throw new GitError('PROTOCOL', `bundle-uri: unexpected argument: '${line}'`);
  for (const { key, value } of repository.config.entries()) {
    if (key.startsWith('bundle.') && value !== undefined) writer.write(`${key}=${value}`);
  }
  await writer.flush().send();
}
