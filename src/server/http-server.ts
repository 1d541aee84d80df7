import * as http from 'node:http';
import type { Socket } from 'node:net';
import type { Bytes } from '../base/bytes.js';
import { writeTo } from '../platform/node/network.js';
import type { HttpServiceOptions } from './http-service.js';
import { serveHttp } from './http-service.js';

/** Who asks, and whether they may. */
export type Authorize = (question: {
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly path: string;
  readonly writing: boolean;
  readonly address: string;
}) => Promise<'allow' | 'deny' | 'ask'>;

export interface HttpServerOptions {
  /** Requested paths begin here. */
  readonly root: string;
  readonly service: Omit<HttpServiceOptions, 'signal'>;
  readonly authorize: Authorize;
  /** Bytes a request body may have; 0: any. */
  readonly maxBody: number;
  readonly headerMilliseconds: number;
  /** Told how to see whether a connection waits for its peer; see `Connections.watch`. */
  readonly watch?: ((socket: Socket, due: (() => boolean) | undefined) => void) | undefined;
  readonly log: (text: string) => void;
}

/** An http server for repositories: the smart protocol in this process, nothing started per request. */
export function createHttpServer(options: HttpServerOptions): http.Server {
  const server = http.createServer((incoming, outgoing) => {
    void answer(incoming, outgoing, options).catch((error: unknown) => {
      options.service.errors(`${error instanceof Error ? error.message : String(error)}\n`);
      outgoing.destroy();
    });
  });
  server.headersTimeout = options.headerMilliseconds;
  server.requestTimeout = 0;
  server.maxHeadersCount = 100;
  return server;
}

async function answer(
  incoming: http.IncomingMessage,
  outgoing: http.ServerResponse,
  options: HttpServerOptions,
): Promise<void> {
  const abort = new AbortController();
  const { socket } = incoming;
  options.watch?.(socket, () => !incoming.complete);
  outgoing.on('close', () => {
    options.watch?.(socket, undefined);
    if (!outgoing.writableFinished) abort.abort();
  });
  const end = (status: number, headers: Record<string, string> = {}, text = ''): void => {
    outgoing.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers });
    outgoing.end(text);
  };
  let url: URL;
  let path: string;
  try {
    url = new URL(incoming.url ?? '/', 'http://localhost');
    path = decodeURIComponent(url.pathname);
  } catch {
    end(400);
    return;
  }
  if (path.split('/').includes('..') || path.includes('\0')) {
    end(404);
    return;
  }
  const writing = path.endsWith('/git-receive-pack') || url.searchParams.get('service') === 'git-receive-pack';
  const address = incoming.socket.remoteAddress ?? '';
  const { user, password } = basicPair(incoming.headers.authorization);
  const verdict = await options.authorize({ user, password, path, writing, address });
  if (verdict !== 'allow') {
    options.log(`${address} ${incoming.method} ${path} ${verdict === 'ask' ? 401 : 403}`);
    incoming.resume();
    end(verdict === 'ask' ? 401 : 403, verdict === 'ask' ? { 'WWW-Authenticate': 'Basic realm="bough"' } : {});
    return;
  }
  const declared = Number(incoming.headers['content-length'] ?? '0');
  if (options.maxBody > 0 && declared > options.maxBody) {
    incoming.resume();
    end(413, { Connection: 'close' });
    return;
  }
  const response = await serveHttp(
    {
      method: incoming.method ?? 'GET',
      path: options.root + path,
      query: url.search.slice(1),
      contentType: incoming.headers['content-type'],
      contentEncoding: incoming.headers['content-encoding'],
      protocol: header(incoming.headers['git-protocol']),
      body: bounded(incoming, options.maxBody),
      user: password === undefined ? undefined : user,
      address,
    },
    { ...options.service, signal: abort.signal },
  );
  options.log(`${address} ${incoming.method} ${path} ${response.status}`);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (incoming.method === 'HEAD') {
    outgoing.end();
    return;
  }
  try {
    // Each write waits for the peer: what it does not take is not made.
    await response.content({ write: (data) => writeTo(outgoing, data), end: async () => {} });
    outgoing.end();
  } catch (error) {
    if ((error as { code?: string }).code !== 'EPIPE' && !abort.signal.aborted) throw error;
    outgoing.destroy();
  }
}

const header = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

function basicPair(authorization: string | undefined): { user?: string; password?: string } {
  const match = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '');
  if (match === null) return {};
  const text = Buffer.from(match[1]!, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? {} : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

async function* bounded(body: AsyncIterable<Bytes>, limit: number): AsyncGenerator<Bytes> {
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (limit > 0 && size > limit) throw Object.assign(new Error('request body too large'), { code: 'EPIPE' });
    yield chunk;
  }
}
