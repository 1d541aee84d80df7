import { encodeText, type Bytes } from '../base/bytes.js';
import { ByteReader, type ByteSink } from '../transport/byte-stream.js';
import { describePacket, type PacketTrace } from '../transport/packet-trace.js';
import type { ReceiveOptions } from '../transport/receive-pack.js';
import type { ServerIo } from '../transport/server-io.js';
import type { CommandContext } from './command.js';
import { BOUGH_VERSION, GIT_VERSION } from './version.js';

/** What we call ourselves in protocols. */
export function agent(context: CommandContext): string {
  const own = context.env['GIT_USER_AGENT'];
  return (own ?? `git/${GIT_VERSION}.bough.${BOUGH_VERSION}`).replace(/[^\x21-\x7e]/g, '.');
}

/** Standard input and output as the two ends of a server. */
export function standardIo(context: CommandContext, traceName: string): ServerIo {
  const output: ByteSink = {
    async write(data: Bytes) {
      context.io.stdout.write(data);
      context.io.stdout.flush();
    },
    async end() {},
  };
  return {
    input: new ByteReader(context.io.stdin.stream()),
    output,
    errors: (text) => context.printError(text),
    trace: packetTrace(context, traceName),
    signal: context.signal,
  };
}

/** `GIT_TRACE_PACKET`: each packet as a line on stderr or in a file. */
export function packetTrace(context: CommandContext, name: string): PacketTrace | undefined {
  const target = context.env['GIT_TRACE_PACKET'];
  if (target === undefined || target === '' || target === '0' || target.toLowerCase() === 'false') return undefined;
  const write = (line: string): void => {
    if (target.startsWith('/')) context.platform.fs.appendFile(target, encodeText(line));
    else context.printError(line);
  };
  return (direction, packet) => {
    const now = new Date(context.platform.now());
    const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
    const time = `${pad(now.getHours())}:${pad(now.getMinutes())}:${pad(now.getSeconds())}.${pad(now.getMilliseconds() * 1000, 6)}`;
    write(`${time} ${'pkt-line.c:86'.padEnd(23)} packet: ${name.padStart(12)}${direction} ${describePacket(packet)}\n`);
  };
}

/** A name for this process that is not given twice. */
export function sessionId(context: CommandContext): string {
  const now = new Date(context.platform.now()).toISOString().replace(/[-:]/g, '').replace('Z', '000Z');
  const host = context.platform.hash('sha1', encodeText(context.platform.hostName)).slice(0, 8);
  return `${now}-H${host}-P${context.platform.pid.toString(16).padStart(8, '0')}`;
}

/** `receive.autogc`, loaded when a push has been taken. */
export const tidyAfterPush: NonNullable<ReceiveOptions['autoGc']> = async (repository, say) =>
  (await import('./auto-maintenance.js')).tidyAfterPush(repository, say);
