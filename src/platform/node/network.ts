import type * as http from 'node:http';
import type * as net from 'node:net';
import type * as tls from 'node:tls';
import type { Bytes } from '../../base/bytes.js';
import type { HttpRequest, HttpResponse, Network, Socket } from '../network.js';
import { nodeFileSystem } from './fs.js';

/** Wraps a Node stream as our socket; shared with servers. */
export function wrapSocket(socket: net.Socket): Socket {
  socket.on('error', () => {});
  return {
    input: socket,
    write: (data) => writeTo(socket, data),
    end: () => new Promise((resolve) => (socket.destroyed ? resolve() : socket.end(() => resolve()))),
    close: () => void socket.destroy(),
  };
}

/** Writes and waits until the stream wants more. */
export function writeTo(stream: NodeJS.WritableStream & { destroyed?: boolean }, data: Bytes): Promise<void> {
  return new Promise((resolve, reject) => {
    if (stream.destroyed === true) reject(Object.assign(new Error('broken pipe'), { code: 'EPIPE' }));
    else stream.write(data, (error) => (error ? reject(error) : resolve()));
  });
}

async function connect(
  host: string,
  port: number,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<Socket> {
  const { createConnection } = await import('node:net');
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, keepAlive: true, noDelay: true });
    const abort = () => socket.destroy(new Error('aborted'));
    options.signal?.addEventListener('abort', abort, { once: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(wrapSocket(socket));
    });
    socket.once('close', () => options.signal?.removeEventListener('abort', abort));
  });
}

/** Connections are kept open between requests of one process, as a browser does. */
const agents = new Map<string, http.Agent>();

async function agentFor(secure: boolean, tls: HttpRequest['tls']): Promise<http.Agent> {
  const key = `${secure} ${JSON.stringify(tls ?? {})}`;
  let agent = agents.get(key);
  if (agent === undefined) {
    agent = secure
      ? new (await import('node:https')).Agent({ keepAlive: true, ...tlsOptions(tls) })
      : new (await import('node:http')).Agent({ keepAlive: true });
    agents.set(key, agent);
  }
  return agent;
}

/** A file that is named and cannot be read is an error: nobody is trusted by mistake. */
function tlsOptions(tls: HttpRequest['tls']): tls.SecureContextOptions & { rejectUnauthorized: boolean } {
  const read = (path: string | undefined, what: string) => {
    if (path === undefined) return undefined;
    const data = nodeFileSystem.readFile(path);
    if (data === undefined) throw new Error(`error setting ${what}: ${path}`);
    return Buffer.from(data);
  };
  const ca = read(tls?.caFile, 'certificate file');
  const cert = read(tls?.certificateFile, 'client certificate');
  const key = read(tls?.keyFile ?? tls?.certificateFile, 'private key file');
  return {
    rejectUnauthorized: tls?.verify !== false,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** Asks a proxy for a tunnel to the host. */
async function tunnel(proxy: URL, target: URL): Promise<net.Socket> {
  const { request } = await import('node:http');
  const host = `${target.hostname}:${target.port === '' ? 443 : target.port}`;
  return new Promise((resolve, reject) => {
    const ask = request({
      host: proxy.hostname,
      port: proxy.port === '' ? 1080 : Number(proxy.port),
      method: 'CONNECT',
      path: host,
      headers: { host, ...proxyAuthorization(proxy) },
      agent: false,
    });
    ask.once('error', reject);
    ask.once('connect', (response, socket) => {
      if (response.statusCode === 200) resolve(socket);
      else {
        socket.destroy();
        reject(new Error(`CONNECT tunnel failed, response ${response.statusCode}`));
      }
    });
    ask.end();
  });
}

function proxyAuthorization(proxy: URL): Record<string, string> {
  if (proxy.username === '') return {};
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** A kept connection may have been closed meanwhile: what can be said again is said again, once, over a new one. */
async function request(ask: HttpRequest): Promise<HttpResponse> {
  try {
    return await requestOnce(ask);
  } catch (error) {
    const repeatable = ask.body === undefined || ask.body instanceof Uint8Array;
    if (!repeatable || (error as { stale?: boolean }).stale !== true) throw error;
    // The others that wait are as old.
    const agent = await agentFor(ask.url.startsWith('https:'), ask.tls);
    for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
    return requestOnce(ask);
  }
}

async function requestOnce(ask: HttpRequest): Promise<HttpResponse> {
  const url = new URL(ask.url);
  const secure = url.protocol === 'https:';
  const library = secure ? await import('node:https') : await import('node:http');
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of ask.headers) {
    const before = headers[name];
    headers[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const options: http.RequestOptions & { socket?: net.Socket; servername?: string } = {
    method: ask.method,
    host,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    path: url.pathname + url.search,
    headers,
    agent: await agentFor(secure, ask.tls),
    ...(ask.signal === undefined ? {} : { signal: ask.signal }),
  };
  if (ask.proxy !== undefined) {
    const proxy = new URL(ask.proxy);
    if (proxy.protocol !== 'http:') throw new Error(`Unsupported proxy '${proxy.protocol}//${proxy.host}'`);
    if (secure) {
      const socket = await tunnel(proxy, url);
      // With an agent of any kind Node would connect by itself, past the proxy.
      delete options.agent;
      const { connect: connectTls } = await import('node:tls');
      // A bare address has no name to ask for, but the certificate is held against it all the same.
      const named = /^[\d.]+$|:/.test(host) ? { host } : { host, servername: host };
      options.createConnection = () => connectTls({ socket, ...named, ...tlsOptions(ask.tls) });
    } else {
      options.host = proxy.hostname;
      options.port = proxy.port === '' ? 1080 : Number(proxy.port);
      options.path = `${url.protocol}//${url.host}${url.pathname}${url.search}`;
      options.headers = { ...headers, host: url.host, ...proxyAuthorization(proxy) };
    }
  }
  return new Promise((resolve, reject) => {
    const outgoing = library.request(options);
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const stale = outgoing.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(stale ? Object.assign(error, { stale }) : error);
    });
    if (ask.stallSeconds !== undefined && ask.stallSeconds > 0) {
      outgoing.setTimeout(ask.stallSeconds * 1000, () => outgoing.destroy(new Error('Operation too slow')));
    }
    outgoing.once('response', (incoming) => {
      const received = new Map<string, string[]>();
      for (const [name, values] of Object.entries(incoming.headersDistinct)) {
        if (values !== undefined) received.set(name.toLowerCase(), values);
      }
      const zipped = /^(?:x-)?gzip$/.test(received.get('content-encoding')?.[0] ?? '');
      if (zipped) received.delete('content-encoding');
      resolve({
        status: incoming.statusCode ?? 0,
        headers: received,
        body: zipped ? unzipped(incoming) : incoming,
        cancel: () => void incoming.destroy(),
      });
    });
    void send(outgoing, ask.body).catch((error) => outgoing.destroy(error as Error));
  });
}

/** Unpacked as it comes. */
async function* unzipped(incoming: http.IncomingMessage): AsyncGenerator<Bytes> {
  const { createGunzip } = await import('node:zlib');
  const { pipeline } = await import('node:stream/promises');
  const gunzip = createGunzip();
  const done = pipeline(incoming, gunzip).catch((error: unknown) => error);
  yield* gunzip;
  const error = await done;
  if (error !== undefined) throw error;
}

async function send(outgoing: http.ClientRequest, body: HttpRequest['body']): Promise<void> {
  if (body === undefined) outgoing.end();
  else if (body instanceof Uint8Array) {
    outgoing.setHeader('content-length', body.length);
    outgoing.end(body);
  } else {
    for await (const chunk of body) {
      if (outgoing.destroyed) return;
      await writeTo(outgoing, chunk);
    }
    outgoing.end();
  }
}

/** TCP and HTTP by Node's own libraries, loaded when first used. */
export const nodeNetwork: Network = { connect, request };
