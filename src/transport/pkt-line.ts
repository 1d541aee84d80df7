import type { Bytes } from '../base/bytes.js';
import { concatBytes, decodeText, emptyBytes, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { ByteSink } from './byte-stream.js';
import { ByteReader } from './byte-stream.js';
import type { PacketTrace } from './packet-trace.js';

/** Longest packet, its four digits included. */
export const MAX_PACKET = 65520;
/** Longest content of one packet. */
export const MAX_PACKET_DATA = MAX_PACKET - 4;

/** What one packet is: bytes, or one of the marks. `eof`: the other side closed the stream between packets. */
export type Packet = Bytes | 'flush' | 'delim' | 'response-end' | 'eof';

export const isData = (packet: Packet): packet is Bytes => typeof packet !== 'string';

const hexValue = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  hexValue['0123456789abcdef'.charCodeAt(i)] = i;
  hexValue['0123456789ABCDEF'.charCodeAt(i)] = i;
}

export function parseLength(head: Bytes): number {
  let length = 0;
  for (let i = 0; i < 4; i++) {
    const digit = hexValue[head[i]!]!;
    if (digit < 0) return -1;
    length = (length << 4) | digit;
  }
  return length;
}

export interface PacketReaderOptions {
  /** An `ERR message` packet becomes an exception; on unless said. */
  readonly dieOnError?: boolean;
  /** The most packets that may be read, against peers that never stop. */
  readonly maxPackets?: number;
  readonly trace?: PacketTrace | undefined;
  /** Told in a line what is missing where the stream ends inside a packet. */
  readonly onCut?: ((line: string) => void) | undefined;
}

/** Reads packets from a stream of chunks. */
export class PacketReader {
  readonly bytes: ByteReader;
  readonly #dieOnError: boolean;
  readonly #maxPackets: number;
  readonly #trace: PacketTrace | undefined;
  readonly #onCut: ((line: string) => void) | undefined;
  #count = 0;
  #peeked: Packet | undefined;
  /** With sideband-all every packet carries a band: 2 goes here, 3 is fatal, 1 is the packet. */
  sideBand: ((progress: Bytes) => void) | undefined;

  constructor(source: AsyncIterable<Bytes> | ByteReader, options: PacketReaderOptions = {}) {
    this.bytes = source instanceof ByteReader ? source : new ByteReader(source);
    this.#dieOnError = options.dieOnError !== false;
    this.#maxPackets = options.maxPackets ?? Number.POSITIVE_INFINITY;
    this.#trace = options.trace;
    this.#onCut = options.onCut;
  }

  async peek(): Promise<Packet> {
    this.#peeked ??= await this.#next();
    return this.#peeked;
  }

  async read(): Promise<Packet> {
    const peeked = this.#peeked;
    if (peeked !== undefined) {
      this.#peeked = undefined;
      return peeked;
    }
    return this.#next();
  }

  /** A packet's text without its final newline, or `undefined` at a mark; the mark is consumed. */
  async readLine(): Promise<string | undefined> {
    const packet = await this.read();
    return isData(packet) ? packetText(packet) : undefined;
  }

  async #next(): Promise<Packet> {
    for (;;) {
      const packet = await this.#raw();
      if (this.#trace !== undefined && packet !== 'eof') this.#trace('<', packet);
      if (!isData(packet)) return packet;
      if (this.sideBand !== undefined) {
        const band = packet[0];
        if (band === 1) return this.#checked(packet.subarray(1));
        if (band === 2) this.sideBand(packet.subarray(1));
        else if (band === 3) throw remoteError(packet.subarray(1));
        else throw new GitError('PROTOCOL', `protocol error: bad band #${band ?? 0}`);
        continue;
      }
      return this.#checked(packet);
    }
  }

  #checked(packet: Bytes): Bytes {
    if (
      this.#dieOnError &&
      packet.length >= 4 &&
      packet[0] === 69 &&
      packet[1] === 82 &&
      packet[2] === 82 &&
      packet[3] === 32
    ) {
      throw new GitError('TRANSPORT', `remote error: ${packetText(packet.subarray(4))}`, { data: { remote: true } });
    }
    return packet;
  }

  async #raw(): Promise<Packet> {
    if (++this.#count > this.#maxPackets) throw new GitError('LIMIT', 'too many packets from the other side');
    let head = this.bytes.takeNow(4);
    if (head === undefined) {
      if (!(await this.bytes.need(4))) {
        const { available } = this.bytes;
        if (available === 0) return 'eof';
        this.#onCut?.(`error: ${available} bytes of length header were received\n`);
        throw hungUp();
      }
      head = this.bytes.takeNow(4)!;
    }
    const length = parseLength(head);
    if (length < 0) {
      throw new GitError('PROTOCOL', `protocol error: bad line length character: ${printable(head)}`);
    }
    if (length === 0) return 'flush';
    if (length === 1) return 'delim';
    if (length === 2) return 'response-end';
    if (length < 4) throw new GitError('PROTOCOL', `protocol error: bad line length ${length}`);
    if (length > MAX_PACKET) throw new GitError('PROTOCOL', `protocol error: bad line length ${length - 4}`);
    if (length === 4) return emptyBytes;
    let data = this.bytes.takeNow(length - 4);
    if (data === undefined) {
      if (!(await this.bytes.need(length - 4))) {
        this.#onCut?.(`error: ${length - 4 - this.bytes.available} bytes of body are still expected\n`);
        throw hungUp();
      }
      data = this.bytes.takeNow(length - 4)!;
    }
    return data;
  }
}

const hungUp = () => new GitError('TRANSPORT', 'the remote end hung up unexpectedly');

function printable(bytes: Bytes): string {
  return decodeText(bytes);
}

/** What the other side said on band 3. */
function remoteError(message: Bytes): GitError {
  return new GitError('TRANSPORT', `remote error: ${packetText(message)}`, { data: { remote: true, band: 3 } });
}

/** A packet's text without one final newline. */
export function packetText(packet: Bytes): string {
  const end = packet.length > 0 && packet[packet.length - 1] === 10 ? packet.length - 1 : packet.length;
  return decodeText(packet.subarray(0, end));
}

const FLUSH = encodeText('0000');
const DELIM = encodeText('0001');
const RESPONSE_END = encodeText('0002');

function packetHead(length: number, out: Bytes, at = 0): void {
  const digits = '0123456789abcdef';
  for (let i = 3; i >= 0; i--) {
    out[at + i] = digits.charCodeAt(length & 15);
    length >>= 4;
  }
}

/** One packet as bytes. Text goes out as it is: the caller adds the newline where the protocol has one. */
export function packet(content: string | Bytes): Bytes {
  const data = typeof content === 'string' ? encodeText(content) : content;
  if (data.length > MAX_PACKET_DATA) throw new GitError('PROTOCOL', 'protocol error: impossibly long line');
  const out = new Uint8Array(data.length + 4);
  packetHead(out.length, out);
  out.set(data, 4);
  return out;
}

/** Collects packets and sends them in large pieces. */
export class PacketWriter {
  readonly sink: ByteSink;
  #parts: Bytes[] = [];
  #size = 0;
  readonly #trace: PacketTrace | undefined;
  /** With sideband-all, content packets go out on band 1. */
  sideBandAll = false;

  constructor(sink: ByteSink, trace?: PacketTrace) {
    this.sink = sink;
    this.#trace = trace;
  }

  write(content: string | Bytes): this {
    this.#trace?.('>', typeof content === 'string' ? encodeText(content) : content);
    if (this.sideBandAll) {
      const data = typeof content === 'string' ? encodeText(content) : content;
      return this.raw(packet(concatBytes([Uint8Array.of(1), data])));
    }
    return this.raw(packet(content));
  }

  /** Bytes that are packets already, or no packets at all. */
  raw(bytes: Bytes): this {
    this.#parts.push(bytes);
    this.#size += bytes.length;
    return this;
  }

  flush(): this {
    this.#trace?.('>', 'flush');
    return this.raw(FLUSH);
  }

  delim(): this {
    this.#trace?.('>', 'delim');
    return this.raw(DELIM);
  }

  responseEnd(): this {
    this.#trace?.('>', 'response-end');
    return this.raw(RESPONSE_END);
  }

  /** What was collected, which is then gone from here: for bodies of requests. */
  take(): Bytes {
    const bytes = this.#parts.length === 0 ? emptyBytes : concatBytes(this.#parts);
    this.#parts = [];
    this.#size = 0;
    return bytes;
  }

  /** Bytes collected and not sent yet. */
  get size(): number {
    return this.#size;
  }

  /** Sends what was collected. */
  async send(): Promise<void> {
    if (this.#size > 0) await this.sink.write(this.take());
  }

  /** Sends when a good deal has been collected: to be awaited now and then in long loops. */
  async sendSome(): Promise<void> {
    if (this.#size > 32768) await this.send();
  }
}

/** Splits `data` into packets of a side band. `limit`: 65520 for side-band-64k, 1000 for side-band. */
export function bandPackets(band: 1 | 2 | 3, data: Bytes, limit = MAX_PACKET): Bytes {
  const room = limit - 5;
  const count = Math.ceil(data.length / room);
  const out = new Uint8Array(data.length + 5 * count);
  let at = 0;
  for (let from = 0; from < data.length; from += room) {
    const part = data.subarray(from, from + room);
    packetHead(part.length + 5, out, at);
    out[at + 4] = band;
    out.set(part, at + 5);
    at += part.length + 5;
  }
  return out;
}

/**
 * The content of band 1 up to the flush. Band 2 goes to `progress`; band 3 ends with the other side's words as an error.
 */
export async function* sideBandData(
  reader: PacketReader,
  progress: (text: Bytes) => void,
  options: { readonly errors?: ((text: Bytes) => void) | undefined } = {},
): AsyncGenerator<Bytes> {
  for (;;) {
    const item = await reader.read();
    if (item === 'flush' || item === 'response-end' || item === 'delim') return;
    if (item === 'eof') throw hungUp();
    const band = item[0];
    if (band === 1) {
      if (item.length > 1) yield item.subarray(1);
    } else if (band === 2) {
      if (item.length > 1) progress(item.subarray(1));
    } else if (band === 3) {
      options.errors?.(item.subarray(1));
      throw remoteError(item.subarray(1));
    } else throw new GitError('PROTOCOL', `protocol error: bad band #${band ?? 0}`);
  }
}
