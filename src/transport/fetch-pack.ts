import type { Bytes } from '../base/bytes.js';
import { encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { traceData } from '../base/trace.js';
import type { Oid } from '../base/oid.js';
import { isOid } from '../base/oid.js';
import { type BundleList, bundleListOf } from './bundle-list.js';
import type { Connection } from './connection.js';
import type { Negotiator } from './negotiator.js';
import type { PacketReader } from './pkt-line.js';
import { isData, packetText, PacketWriter, sideBandData } from './pkt-line.js';
import { INFINITE_DEPTH } from './shallow.js';

/** What to fetch and how. */
export interface FetchPackRequest {
  readonly wants: readonly Oid[];
  /** v2: by name, where the server knows `ref-in-want`. */
  readonly wantRefs?: readonly string[] | undefined;
  readonly negotiator: Negotiator;
  /** Our own shallow commits. */
  readonly shallow: Iterable<Oid>;
  /** 0: no limit asked for. */
  readonly depth: number;
  readonly relative: boolean;
  readonly since: string | undefined;
  readonly not: readonly string[];
  readonly filter: string | undefined;
  readonly thin: boolean;
  readonly includeTag: boolean;
  readonly noProgress: boolean;
  readonly agent: string;
  readonly serverOptions: readonly string[];
  /** What the server says on side band 2. */
  readonly progress: (text: Bytes) => void;
  /** Takes the pack; `shallow`: the boundary the server just told. */
  readonly store: (pack: AsyncIterable<Bytes>, shallow: ReadonlySet<Oid>) => Promise<void>;
  readonly verbose?: ((line: string) => void) | undefined;
}

export interface FetchPackResult {
  readonly shallow: ReadonlySet<Oid>;
  readonly unshallow: ReadonlySet<Oid>;
  /** `want-ref` answers. */
  readonly wantedRefs: ReadonlyMap<string, Oid>;
}

const INITIAL_FLUSH = 16;
const PIPE_SAFE_FLUSH = 32;
const LARGE_FLUSH = 16384;
/** So many haves without news end the search, once something common was found. */
const MAX_IN_VAIN = 256;

function nextFlush(stateless: boolean, count: number): number {
  if (stateless) return count < LARGE_FLUSH ? count * 2 : Math.floor((count * 11) / 10);
  return count < PIPE_SAFE_FLUSH ? count * 2 : count + PIPE_SAFE_FLUSH;
}

/** Finds out what is missing and gets it, in whichever protocol version the server speaks. */
export function fetchPack(connection: Connection, request: FetchPackRequest): Promise<FetchPackResult> {
  return connection.advertisement.version === 2
    ? new FetchV2(connection, request).run()
    : new FetchV0(connection, request).run();
}

export const noServerOptions = (): GitError =>
  new GitError('UNSUPPORTED', 'server options require protocol version 2 or later', {
    hint: "see protocol.version in 'git help config' for more details",
  });

const nowhere = { write: async () => {}, end: async () => {} };

abstract class Fetch {
  readonly connection: Connection;
  readonly request: FetchPackRequest;
  readonly shallow = new Set<Oid>();
  readonly unshallow = new Set<Oid>();
  readonly wantedRefs = new Map<string, Oid>();

  constructor(connection: Connection, request: FetchPackRequest) {
    this.connection = connection;
    this.request = request;
  }

  get deepens(): boolean {
    const { depth, since, not } = this.request;
    return depth > 0 || since !== undefined || not.length > 0;
  }

  shallowLine(line: string): boolean {
    const match = /^(shallow|unshallow) (.*)$/.exec(line);
    if (match === null) return false;
    if (!isOid(match[2]!)) throw new GitError('PROTOCOL', `invalid shallow line: ${line}`);
    const oid = match[2] as Oid;
    if (match[1] === 'shallow') this.shallow.add(oid);
    else this.unshallow.add(oid);
    return true;
  }

  /** Stores the pack, then hears the server out: its last words come behind the pack. */
  async take(content: AsyncGenerator<Bytes>): Promise<void> {
    await this.request.store(content, this.shallow);
    for await (const rest of content) void rest;
  }

  get result(): FetchPackResult {
    return { shallow: this.shallow, unshallow: this.unshallow, wantedRefs: this.wantedRefs };
  }
}

/** Protocol 0 and 1. */
class FetchV0 extends Fetch {
  #reader: PacketReader | undefined;
  #shallowRead = false;

  async run(): Promise<FetchPackResult> {
    const { request, connection } = this;
    const { capabilities } = connection.advertisement;
    const { stateless } = connection;
    const detailed = capabilities.has('multi_ack_detailed');
    const multi = detailed || capabilities.has('multi_ack');
    const noDone = stateless && detailed && capabilities.has('no-done');
    const band = capabilities.has('side-band-64k') || capabilities.has('side-band');
    this.#checkSupport();
    const writer = new PacketWriter(nowhere);
    this.#head(writer, multi, detailed, noDone);
    let state = writer.take();
    const send = async (extra: Bytes): Promise<void> => {
      if (!stateless) {
        await connection.send(extra);
        return;
      }
      const body = new Uint8Array(state.length + extra.length);
      body.set(state);
      body.set(extra, state.length);
      await connection.send(body);
      this.#reader = undefined;
      this.#shallowRead = false;
    };
    if (!stateless) {
      await connection.send(state);
      if (this.deepens) await this.#readShallow();
    }
    let count = 0;
    let flushes = 0;
    let flushAt = INITIAL_FLUSH;
    let inVain = 0;
    let found = false;
    let gotContinue = false;
    let gotReady = false;
    let waitAcks = multi;
    search: for (let oid = await request.negotiator.next(); oid !== undefined; oid = await request.negotiator.next()) {
      writer.write(`have ${oid}\n`);
      request.verbose?.(`have ${oid}`);
      inVain++;
      if (flushAt > ++count) continue;
      await send(writer.flush().take());
      flushes++;
      flushAt = nextFlush(stateless, count);
      // One window ahead of the other side: its answer is waited for only at the next one.
      if (!stateless && count === INITIAL_FLUSH) continue;
      if (stateless && this.deepens) await this.#readShallow();
      for (;;) {
        const ack = await this.#readAck();
        if (ack.kind === 'nak') break;
        if (ack.kind === 'ack') {
          flushes = 0;
          waitAcks = false;
          found = true;
          break search;
        }
        const known = await request.negotiator.ack(ack.oid);
        if (stateless && ack.kind === 'common' && !known) {
          // The next request stands alone: it must tell this again.
          const again = new PacketWriter(nowhere).raw(state).write(`have ${ack.oid}\n`);
          state = again.take();
          inVain = 0;
        } else if (!stateless || ack.kind !== 'common') inVain = 0;
        found = true;
        gotContinue = true;
        if (ack.kind === 'ready') gotReady = true;
      }
      flushes--;
      if ((gotContinue && inVain > MAX_IN_VAIN) || gotReady) break;
    }
    if (!gotReady || !noDone) {
      await send(writer.write('done\n').take());
      if (stateless && this.deepens) await this.#readShallow();
    }
    if (!found) {
      waitAcks = false;
      flushes++;
    }
    while (flushes > 0 || waitAcks) {
      const ack = await this.#readAck();
      if (ack.kind === 'ack') break;
      if (ack.kind === 'nak') flushes--;
      else waitAcks = true;
    }
    const reader = await this.#open();
    await this.take(band ? sideBandData(reader, request.progress) : reader.bytes.rest());
    return this.result;
  }

  #checkSupport(): void {
    const { capabilities } = this.connection.advertisement;
    const { request } = this;
    const need = (name: string, what: string): void => {
      if (!capabilities.has(name)) throw new GitError('UNSUPPORTED', what);
    };
    if ([...request.shallow].length > 0 || this.deepens) need('shallow', 'Server does not support shallow clients');
    if (request.since !== undefined) need('deepen-since', 'Server does not support --shallow-since');
    if (request.not.length > 0) need('deepen-not', 'Server does not support --shallow-exclude');
    if (request.relative) need('deepen-relative', 'Server does not support --deepen');
  }

  #head(writer: PacketWriter, multi: boolean, detailed: boolean, noDone: boolean): void {
    const { request } = this;
    const { capabilities, algorithm } = this.connection.advertisement;
    const words = [
      detailed ? 'multi_ack_detailed' : multi ? 'multi_ack' : '',
      noDone ? 'no-done' : '',
      capabilities.has('side-band-64k') ? 'side-band-64k' : capabilities.has('side-band') ? 'side-band' : '',
      request.relative ? 'deepen-relative' : '',
      request.thin && capabilities.has('thin-pack') ? 'thin-pack' : '',
      request.noProgress && capabilities.has('no-progress') ? 'no-progress' : '',
      request.includeTag && capabilities.has('include-tag') ? 'include-tag' : '',
      capabilities.has('ofs-delta') ? 'ofs-delta' : '',
      request.since !== undefined ? 'deepen-since' : '',
      request.not.length > 0 ? 'deepen-not' : '',
      capabilities.has('object-format') ? `object-format=${algorithm}` : '',
      capabilities.has('agent') ? `agent=${request.agent}` : '',
      this.connection.sessionId !== undefined ? `session-id=${this.connection.sessionId}` : '',
      request.filter !== undefined && capabilities.has('filter') ? 'filter' : '',
    ].filter((word) => word !== '');
    request.wants.forEach((oid, i) => {
      writer.write(i === 0 ? `want ${oid} ${words.join(' ')}\n` : `want ${oid}\n`);
    });
    writeShallow(writer, request);
    if (request.filter !== undefined && capabilities.has('filter')) writer.write(`filter ${request.filter}`);
    writer.flush();
  }

  async #open(): Promise<PacketReader> {
    this.#reader ??= await this.connection.reply();
    return this.#reader;
  }

  async #readShallow(): Promise<void> {
    if (this.#shallowRead) return;
    this.#shallowRead = true;
    const reader = await this.#open();
    for (let line = await reader.readLine(); line !== undefined; line = await reader.readLine()) {
      if (!this.shallowLine(line)) throw new GitError('PROTOCOL', `expected shallow/unshallow, got ${line}`);
    }
  }

  async #readAck(): Promise<{ kind: 'nak' } | { kind: 'ack' | 'continue' | 'common' | 'ready'; oid: Oid }> {
    const reader = await this.#open();
    const packet = await reader.read();
    if (packet === 'flush') throw new GitError('PROTOCOL', 'git fetch-pack: expected ACK/NAK, got a flush packet');
    if (packet === 'eof') throw new GitError('TRANSPORT', 'the remote end hung up unexpectedly');
    const line = isData(packet) ? packetText(packet) : '';
    if (line === 'NAK') return { kind: 'nak' };
    const match = /^ACK ([0-9a-f]+)(?: (continue|common|ready))?$/.exec(line);
    if (match === null || !isOid(match[1]!))
      throw new GitError('PROTOCOL', `git fetch-pack: expected ACK/NAK, got '${line}'`);
    return { kind: (match[2] as 'continue' | undefined) ?? 'ack', oid: match[1] as Oid };
  }
}

function writeShallow(writer: PacketWriter, request: FetchPackRequest): void {
  for (const oid of request.shallow) writer.write(`shallow ${oid}\n`);
  if (request.depth > 0) writer.write(`deepen ${Math.min(request.depth, INFINITE_DEPTH)}\n`);
  if (request.since !== undefined) writer.write(`deepen-since ${request.since}\n`);
  for (const name of request.not) writer.write(`deepen-not ${name}\n`);
}

/** Protocol 2. */
class FetchV2 extends Fetch {
  readonly #common: Oid[] = [];
  readonly #commonSet = new Set<Oid>();
  #sideBandAll = false;

  async run(): Promise<FetchPackResult> {
    const { request } = this;
    let toSend = INITIAL_FLUSH;
    let inVain = 0;
    let seenAck = false;
    for (let rounds = 1; ; rounds++) {
      const writer = new PacketWriter(nowhere);
      this.#head(writer);
      for (const oid of this.#common) writer.write(`have ${oid}\n`);
      let added = 0;
      while (added < toSend) {
        const oid = await request.negotiator.next();
        if (oid === undefined) break;
        writer.write(`have ${oid}\n`);
        request.verbose?.(`have ${oid}`);
        added++;
      }
      inVain += added;
      const done = added === 0 || (seenAck && inVain >= MAX_IN_VAIN);
      if (done) writer.write('done\n');
      writer.flush();
      toSend = nextFlush(true, toSend);
      await this.connection.send(writer.take());
      const reader = await this.connection.reply();
      if (this.#sideBandAll) reader.sideBand = (text) => text.length > 0 && request.progress(text);
      try {
        if (!done) {
          const outcome = await this.#acknowledgments(reader);
          if (outcome.acked) {
            seenAck = true;
            inVain = 0;
          }
          if (!outcome.ready) continue;
        }
        traceData('negotiation_v2', 'total_rounds', rounds);
        await this.#sections(reader);
      } finally {
        reader.sideBand = undefined;
      }
      return this.result;
    }
  }

  #head(writer: PacketWriter): void {
    const { request } = this;
    const { capabilities, algorithm } = this.connection.advertisement;
    writer.write('command=fetch');
    if (capabilities.has('agent')) writer.write(`agent=${request.agent}`);
    if (this.connection.sessionId !== undefined) writer.write(`session-id=${this.connection.sessionId}`);
    if (request.serverOptions.length > 0) {
      if (!capabilities.has('server-option')) throw noServerOptions();
      for (const option of request.serverOptions) writer.write(`server-option=${option}`);
    }
    if (capabilities.has('object-format')) writer.write(`object-format=${algorithm}`);
    writer.delim();
    if (request.thin) writer.write('thin-pack');
    if (request.noProgress) writer.write('no-progress');
    if (request.includeTag) writer.write('include-tag');
    writer.write('ofs-delta');
    if (capabilities.supports('fetch', 'sideband-all')) {
      this.#sideBandAll = true;
      writer.write('sideband-all');
    }
    if ([...request.shallow].length > 0 || this.deepens) {
      if (!capabilities.supports('fetch', 'shallow'))
        throw new GitError('UNSUPPORTED', 'Server does not support shallow requests');
      writeShallow(writer, request);
      if (request.relative) writer.write('deepen-relative\n');
    }
    if (request.filter !== undefined && capabilities.supports('fetch', 'filter'))
      writer.write(`filter ${request.filter}`);
    for (const oid of request.wants) writer.write(`want ${oid}\n`);
    for (const name of request.wantRefs ?? []) writer.write(`want-ref ${name}\n`);
  }

  async #acknowledgments(reader: PacketReader): Promise<{ ready: boolean; acked: boolean }> {
    await expectSection(reader, 'acknowledgments');
    let ready = false;
    let acked = false;
    for (;;) {
      const item = await reader.read();
      if (!isData(item)) {
        if (item === 'eof') throw new GitError('TRANSPORT', 'the remote end hung up unexpectedly');
        if (ready && item !== 'delim') throw new GitError('PROTOCOL', "expected packfile to be sent after 'ready'");
        if (!ready && item !== 'flush')
          throw new GitError('PROTOCOL', "expected no other sections to be sent after no 'ready'");
        return { ready, acked };
      }
      const line = packetText(item);
      if (line === 'NAK') continue;
      if (line === 'ready') ready = true;
      else if (line.startsWith('ACK ') && isOid(line.slice(4))) {
        const oid = line.slice(4) as Oid;
        acked = true;
        if (!this.#commonSet.has(oid)) {
          this.#commonSet.add(oid);
          this.#common.push(oid);
        }
        await this.request.negotiator.ack(oid);
      } else throw new GitError('PROTOCOL', `unexpected acknowledgment line: '${line}'`);
    }
  }

  async #sections(reader: PacketReader): Promise<void> {
    for (;;) {
      const item = await reader.read();
      const name = isData(item) ? packetText(item) : undefined;
      if (name === 'packfile') {
        // The band that covers everything covers the pack too.
        reader.sideBand = undefined;
        await this.take(sideBandData(reader, this.request.progress));
        return;
      }
      if (name === 'shallow-info') {
        await section(reader, (line) => {
          if (!this.shallowLine(line)) throw new GitError('PROTOCOL', `expected shallow-info, received '${line}'`);
        });
      } else if (name === 'wanted-refs') {
        await section(reader, (line) => {
          const space = line.indexOf(' ');
          const oid = line.slice(0, space);
          if (!isOid(oid)) throw new GitError('PROTOCOL', `expected wanted-ref, got '${line}'`);
          if (!(this.request.wantRefs ?? []).includes(line.slice(space + 1))) {
            throw new GitError('PROTOCOL', `unexpected wanted-ref: '${line}'`);
          }
          this.wantedRefs.set(line.slice(space + 1), oid);
        });
      } else if (item === 'eof') throw new GitError('TRANSPORT', 'the remote end hung up unexpectedly');
      else throw new GitError('PROTOCOL', `expected 'packfile', received '${name ?? String(item)}'`);
    }
  }
}

/** What `negotiateOnly` needs. */
export type NegotiateRequest = Pick<
  FetchPackRequest,
  'negotiator' | 'agent' | 'serverOptions' | 'progress' | 'verbose'
> & {
  /** Do all of what is asked about lead to one of these? Then nothing more need be found out. */
  readonly enough: (common: ReadonlySet<Oid>) => Promise<boolean>;
};

/** Finds out what the other side has of our commits, and fetches nothing (`--negotiate-only`, `push.negotiate`). */
export async function negotiateOnly(connection: Connection, request: NegotiateRequest): Promise<readonly Oid[]> {
  const { capabilities, algorithm, version } = connection.advertisement;
  if (version !== 2) throw new GitError('UNSUPPORTED', '--negotiate-only requires protocol v2');
  if (!capabilities.supports('fetch', 'wait-for-done'))
    throw new GitError('UNSUPPORTED', 'server does not support wait-for-done');
  const common = new Set<Oid>();
  let toSend = INITIAL_FLUSH;
  let inVain = 0;
  for (let rounds = 1; ; rounds++) {
    const writer = new PacketWriter(nowhere);
    writer.write('command=fetch');
    if (capabilities.has('agent')) writer.write(`agent=${request.agent}`);
    for (const option of request.serverOptions) writer.write(`server-option=${option}`);
    if (capabilities.has('object-format')) writer.write(`object-format=${algorithm}`);
    writer.delim().write('wait-for-done');
    for (const oid of common) writer.write(`have ${oid}\n`);
    let added = 0;
    for (; added < toSend; added++) {
      const oid = await request.negotiator.next();
      if (oid === undefined) break;
      writer.write(`have ${oid}\n`);
      request.verbose?.(`have ${oid}`);
    }
    inVain += added;
    let last = added === 0 || (common.size > 0 && inVain >= MAX_IN_VAIN);
    toSend = nextFlush(true, toSend);
    await connection.send(writer.flush().take());
    const reader = await connection.reply();
    await expectSection(reader, 'acknowledgments');
    let acked = false;
    for (;;) {
      const item = await reader.read();
      if (!isData(item)) break;
      const line = packetText(item);
      if (!line.startsWith('ACK ') || !isOid(line.slice(4))) continue;
      const oid = line.slice(4) as Oid;
      acked = true;
      inVain = 0;
      common.add(oid);
      await request.negotiator.ack(oid);
    }
    if (acked && (await request.enough(common))) last = true;
    if (!last) continue;
    traceData('negotiation_v2', 'total_rounds', rounds);
    return [...common];
  }
}

async function expectSection(reader: PacketReader, name: string): Promise<void> {
  const item = await reader.read();
  if (item === 'eof') throw new GitError('TRANSPORT', 'the remote end hung up unexpectedly');
  if (!isData(item) || packetText(item) !== name) {
    throw new GitError('PROTOCOL', `expected '${name}', received '${isData(item) ? packetText(item) : item}'`);
  }
}

/** Lines up to the delimiter. */
async function section(reader: PacketReader, each: (line: string) => void): Promise<void> {
  for (;;) {
    const item = await reader.read();
    if (item === 'delim') return;
    if (!isData(item)) throw new GitError('PROTOCOL', `error processing section: ${item}`);
    each(packetText(item));
  }
}

/** Asks a v2 server for refs. */
export async function listRefs(
  connection: Connection,
  options: {
    readonly prefixes: readonly string[];
    readonly agent: string;
    readonly serverOptions: readonly string[];
    readonly peel?: boolean;
  },
): Promise<PacketReader> {
  const { capabilities, algorithm } = connection.advertisement;
  const writer = new PacketWriter(nowhere);
  writer.write('command=ls-refs\n');
  if (capabilities.has('agent')) writer.write(`agent=${options.agent}`);
  if (connection.sessionId !== undefined) writer.write(`session-id=${connection.sessionId}`);
  for (const option of options.serverOptions) {
    if (!capabilities.has('server-option')) throw noServerOptions();
    writer.write(`server-option=${option}`);
  }
  if (capabilities.has('object-format')) writer.write(`object-format=${algorithm}`);
  writer.delim();
  if (options.peel !== false) writer.write('peel\n');
  writer.write('symrefs\n');
  if (capabilities.supports('ls-refs', 'unborn')) writer.write('unborn\n');
  for (const prefix of options.prefixes) writer.write(`ref-prefix ${prefix}\n`);
  await connection.send(writer.flush().take());
  return connection.reply();
}

/** Lines of a list of bundles that are looked at. */
const MAX_LISTED = 10_000;

/**
 * Where the server says that bundles are to be had; `undefined` where it says nothing of use (v2, `bundle-uri`). `url`:
 * the server's, below which relative names lead.
 */
export async function advertisedBundles(
  connection: Connection,
  agent: string,
  url: string,
): Promise<BundleList | undefined> {
  const { capabilities, algorithm, version } = connection.advertisement;
  if (version !== 2 || !capabilities.has('bundle-uri')) return undefined;
  const writer = new PacketWriter(nowhere);
  writer.write('command=bundle-uri\n');
  if (capabilities.has('agent')) writer.write(`agent=${agent}`);
  if (connection.sessionId !== undefined) writer.write(`session-id=${connection.sessionId}`);
  if (capabilities.has('object-format')) writer.write(`object-format=${algorithm}`);
  await connection.send(writer.flush().take());
  const reader = await connection.reply();
  const entries: [string, string][] = [];
  for (;;) {
    const item = await reader.read();
    if (!isData(item)) break;
    const line = packetText(item);
    const equals = line.indexOf('=');
    if (equals > 0 && entries.length < MAX_LISTED) entries.push([line.slice(0, equals), line.slice(equals + 1)]);
  }
  return bundleListOf(entries, `${url.replace(/\/+$/, '')}/`);
}

/** What a polite client says when it wants nothing more. */
export const farewell: Bytes = encodeText('0000');
