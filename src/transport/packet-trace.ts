import type { Bytes } from '../base/bytes.js';
import type { Packet } from './pkt-line.js';

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
