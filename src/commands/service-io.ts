import { encodeText, type Bytes } from '../base/bytes.js';
import { ByteReader, type ByteSink } from '../transport/byte-stream.js';
import { HttpTrace } from '../transport/http-trace.js';
import { describePacket, type PacketTrace } from '../transport/packet-trace.js';
import type { ServerIo } from '../transport/server-io.js';
import { type CommandContext, refuseJson } from './command.js';
import { BOUGH_VERSION, GIT_VERSION } from './version.js';

/** What we call ourselves in protocols. */
export function agent(context: CommandContext): string {
  const own = context.env['GIT_USER_AGENT'];
  return (own ?? `git/${GIT_VERSION}.bough.${BOUGH_VERSION}`).replace(/[^\x21-\x7e]/g, '.');
}

/** Standard input and output as the two ends of a server. */
export function standardIo(context: CommandContext, traceName: string): ServerIo {
  refuseJson(context);
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

/** Writes trace lines where a variable says: standard error or a file; `undefined` where it is off. */
function traceLines(
  context: CommandContext,
  target: string | undefined,
  source: string,
): ((text: string) => void) | undefined {
  if (target === undefined || target === '' || target === '0' || target.toLowerCase() === 'false') return undefined;
  const bare = /^(?:1|true|yes|on)$/i.test(context.env['GIT_TRACE_BARE'] ?? '');
  return (text) => {
    const now = new Date(context.platform.now());
    const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
    const time = `${pad(now.getHours())}:${pad(now.getMinutes())}:${pad(now.getSeconds())}.${pad(now.getMilliseconds() * 1000, 6)}`;
    const line = bare ? `${text}\n` : `${time} ${source.padEnd(23)} ${text}\n`;
    if (target.startsWith('/')) context.platform.fs.appendFile(target, encodeText(line));
    else context.printError(line);
  };
}

/** `GIT_TRACE_PACKET`: each packet as a line. */
export function packetTrace(context: CommandContext, name: string): PacketTrace | undefined {
  const write = traceLines(context, context.env['GIT_TRACE_PACKET'], 'pkt-line.c:86');
  return write && ((direction, packet) => write(`packet: ${name.padStart(12)}${direction} ${describePacket(packet)}`));
}

/** `GIT_TRACE_CURL`, `GIT_CURL_VERBOSE`: what is asked and answered over http. */
export function httpTrace(context: CommandContext): HttpTrace | undefined {
  const { env } = context;
  const write =
    traceLines(context, env['GIT_TRACE_CURL'], 'http.c:953') ??
    (env['GIT_CURL_VERBOSE'] === undefined ? undefined : traceLines(context, '1', 'http.c:953'));
  if (write === undefined) return undefined;
  const off = (value: string | undefined): boolean => value !== undefined && /^(?:0|false|no|off|)$/i.test(value);
  const on = (value: string | undefined): boolean => value !== undefined && !off(value);
  return new HttpTrace({
    write,
    data: on(env['GIT_TRACE_CURL']) && !on(env['GIT_TRACE_CURL_NO_DATA']),
    redact: !off(env['GIT_TRACE_REDACT']),
  });
}

/** A name for this process that is not given twice. */
export function sessionId(context: CommandContext): string {
  const now = new Date(context.platform.now()).toISOString().replace(/[-:]/g, '').replace('Z', '000Z');
  const host = context.platform.hash('sha1', encodeText(context.platform.hostName)).slice(0, 8);
  return `${now}-H${host}-P${context.platform.pid.toString(16).padStart(8, '0')}`;
}
