import type { Bytes } from '../base/bytes.js';
import { encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { ByteReader, ByteSink } from './byte-stream.js';
import type { PacketTrace } from './packet-trace.js';
import { bandPackets, packet, PacketReader, PacketWriter } from './pkt-line.js';

/** The two ends a server talks through, and where its own complaints go. */
export interface ServerIo {
  readonly input: ByteReader;
  readonly output: ByteSink;
  /** The operator's ear, not the client's. */
  readonly errors: (text: string) => void;
  readonly trace?: PacketTrace | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ServiceOptions {
  /** What the client asked for (`GIT_PROTOCOL`). */
  readonly version: 0 | 1 | 2;
  /** One request and answer, then the end (http). */
  readonly stateless?: boolean | undefined;
  /** Only the first half: what refs there are (http `info/refs`). */
  readonly advertiseOnly?: boolean | undefined;
  /** Our name and version for `agent=`. */
  readonly agent: string;
  readonly sessionId?: string | undefined;
}

/** The version a `GIT_PROTOCOL` value asks for: the highest of those we know. */
export function requestedVersion(value: string | undefined): 0 | 1 | 2 {
  let best: 0 | 1 | 2 = 0;
  for (const part of (value ?? '').split(':')) {
    if (part === 'version=2') best = 2;
    else if (part === 'version=1' && best < 1) best = 1;
  }
  return best;
}

export const serverReader = (io: ServerIo): PacketReader =>
  new PacketReader(io.input, { dieOnError: true, trace: io.trace });
export const serverWriter = (io: ServerIo): PacketWriter => new PacketWriter(io.output, io.trace);

/** Tells the client why in an `ERR` packet, then fails with the same words for the operator. */
export async function refuse(writer: PacketWriter, toClient: string, toOperator: string): Promise<never> {
  await writer.write(`ERR ${toClient}`).send();
  throw new GitError('PROTOCOL', toOperator);
}

/** Where output is told apart by side bands, or not. */
export class BandWriter {
  readonly #writer: PacketWriter;
  /** 0: no side band; otherwise the longest packet. */
  readonly limit: number;

  constructor(writer: PacketWriter, limit: number) {
    this.#writer = writer;
    this.limit = limit;
  }

  async data(bytes: Bytes): Promise<void> {
    this.#writer.raw(this.limit === 0 ? bytes : bandPackets(1, bytes, this.limit));
    await this.#writer.send();
  }

  async progress(text: string | Bytes): Promise<void> {
    if (this.limit === 0) return;
    const bytes = typeof text === 'string' ? encodeText(text) : text;
    await this.#writer.raw(bandPackets(2, bytes, this.limit)).send();
  }

  async error(text: string): Promise<void> {
    if (this.limit === 0) return;
    await this.#writer.raw(bandPackets(3, encodeText(text), this.limit)).send();
  }

  /** An empty packet: still alive. */
  async keepAlive(): Promise<void> {
    if (this.limit > 0) await this.#writer.raw(packet(Uint8Array.of(1))).send();
  }
}
