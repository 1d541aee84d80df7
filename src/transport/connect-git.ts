import { encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { throughProgram } from './connect-local.js';
import type { ConnectOptions, Connection, Service, TransportContext } from './connection.js';
import { openStream } from './connection.js';
import { packet } from './pkt-line.js';

const GIT_PORT = 9418;

/** A server that speaks the plain protocol over TCP. */
export async function connectGit(
  service: Service,
  host: string,
  port: string | undefined,
  path: string,
  context: TransportContext,
  options: ConnectOptions,
): Promise<Connection> {
  const { network } = context.platform;
  if (network === undefined) throw new GitError('UNSUPPORTED', 'there is no network here');
  const target = context.env['GIT_OVERRIDE_VIRTUAL_HOST'] ?? hostLine(host, port);
  let first = `git-${service} ${path}\0host=${target}\0`;
  if (options.version > 0) first += `\0version=${options.version}\0`;
  const greeting = packet(encodeText(first));
  const proxy = gitProxy(context, host);
  if (proxy !== undefined) {
    const connection = await throughProgram(
      { ...context, trace: context.trace },
      [proxy, host, port ?? String(GIT_PORT)],
      context.env,
      greeting,
    );
    return connection;
  }
  const say = (text: string): void => {
    if (context.verbose === true) context.errors(text);
  };
  say(`Looking up ${host} ... `);
  let socket: Awaited<ReturnType<typeof network.connect>>;
  try {
    socket = await network.connect(host, port === undefined ? GIT_PORT : Number(port), { signal: context.signal });
  } catch (error) {
    throw new GitError('TRANSPORT', `unable to connect to ${host}:\n${host}[${port ?? GIT_PORT}]: ${reason(error)}`, {
      cause: error,
    });
  }
  say(`done.\nConnecting to ${host} (port ${port ?? GIT_PORT}) ... done.\n`);
  await socket.write(greeting);
  context.trace?.('>', encodeText(first));
  const { input } = socket;
  const spoken = {
    ...socket,
    input: (async function* () {
      try {
        yield* input;
      } catch (error) {
        const code = (error as { code?: string }).code;
        if (code === undefined || error instanceof GitError) throw error;
        throw new GitError('TRANSPORT', `read error: ${readReason(code)}`, { cause: error });
      }
    })(),
  };
  return openStream(spoken, context, async () => {
    socket.close();
    return 0;
  });
}

const hostLine = (host: string, port: string | undefined): string => {
  const shown = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? shown : `${shown}:${port}`;
};

const readReason = (code: string): string =>
  code === 'ECONNRESET' ? 'Connection reset by peer' : code === 'ETIMEDOUT' ? 'Connection timed out' : code;

function reason(error: unknown): string {
  const code = (error as { code?: string }).code;
  if (code === 'ECONNREFUSED') return 'errno=Connection refused';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'Name or service not known';
  if (code === 'ETIMEDOUT') return 'errno=Connection timed out';
  return error instanceof Error ? error.message : String(error);
}

/** `core.gitProxy` / `GIT_PROXY_COMMAND`: a program to talk through, perhaps only for some hosts. */
function gitProxy(context: TransportContext, host: string): string | undefined {
  const fromEnv = context.env['GIT_PROXY_COMMAND'];
  if (fromEnv !== undefined) return fromEnv === '' ? undefined : fromEnv;
  for (const value of context.config.getAll('core.gitproxy')) {
    const match = /^(.*?) for (.*)$/.exec(value);
    if (match === null) return value === 'none' ? undefined : value;
    const suffix = match[2]!;
    const matches =
      host === suffix ||
      (host.endsWith(suffix) && (suffix.startsWith('.') || host[host.length - suffix.length - 1] === '.'));
    if (matches) return match[1] === 'none' ? undefined : match[1];
  }
  return undefined;
}
