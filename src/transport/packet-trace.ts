import type { Bytes } from '../base/bytes.js';
import { startsWithAscii } from '../base/bytes.js';
import { type Packet, parseLength } from './pkt-line.js';

/** Told of every packet (`GIT_TRACE_PACKET`). `<` came in, `>` goes out. */
export type PacketTrace = (direction: '<' | '>', packet: Packet) => void;

/** A packet's content as traces show it: text as it is, other bytes in octal, packs only by name. */
export function describePacket(packet: Packet): string {
  switch (packet) {
    case 'flush':
      return '0000';
    case 'delim':
      return '0001';
    case 'response-end':
      return '0002';
    case 'eof':
      return '';
    default:
      return describeBytes(packet);
  }
}

function describeBytes(bytes: Bytes): string {
  if (bytes[0] === 80 && bytes[1] === 65 && bytes[2] === 67 && bytes[3] === 75) return 'PACK ...';
  if (bytes[0] === 1 && bytes[1] === 80 && bytes[2] === 65 && bytes[3] === 67 && bytes[4] === 75) return 'PACK ...';
  let text = '';
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte === 10 && i === bytes.length - 1) continue;
    text += byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : `\\${byte.toString(8)}`;
  }
  return text;
}

/** Tells of the packets in what is about to be sent. A pack that follows is named once. */
export function traceSent(trace: PacketTrace, bytes: Bytes): void {
  for (let at = 0; at + 4 <= bytes.length; ) {
    const head = bytes.subarray(at, at + 4);
    if (startsWithAscii(head, 'PACK')) {
      trace('>', head);
      return;
    }
    const length = parseLength(head);
    if (length < 0 || at + length > bytes.length) return;
    if (length >= 4) trace('>', bytes.subarray(at + 4, at + length));
    else trace('>', length === 0 ? 'flush' : length === 1 ? 'delim' : 'response-end');
    at += Math.max(length, 4);
  }
}

/** The same for what is sent in pieces: the first is packets, and then comes a pack. */
export async function* tracedBody(trace: PacketTrace | undefined, body: AsyncIterable<Bytes>): AsyncGenerator<Bytes> {
  let count = 0;
  for await (const chunk of body) {
    if (trace !== undefined && count++ < 2) traceSent(trace, chunk);
    yield chunk;
  }
}
