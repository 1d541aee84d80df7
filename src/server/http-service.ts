import * as zlib from 'node:zlib';
import type { Bytes } from '../base/bytes.js';
import { concatBytes, encodeText } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import type { Platform } from '../platform/platform.js';
import type { Repository } from '../repo/repository.js';
import { ByteReader, type ByteSink } from '../transport/byte-stream.js';
import { enterRepository } from '../transport/enter-repository.js';
import { HiddenRefs } from '../transport/hidden-refs.js';
import { packet } from '../transport/pkt-line.js';
import type { ReceiveHelp } from '../transport/receive-pack.js';
import { receivePush } from '../transport/receive-pack.js';
import { peelTag, servedRefs } from '../transport/served-refs.js';
import { requestedVersion } from '../transport/server-io.js';
import { uploadPack } from '../transport/upload-pack.js';

export interface ServiceRequest {
  readonly method: string;
  /** The repository's directory and what comes behind it, as one path. */
  readonly path: string;
  /** Without the `?`. */
  readonly query: string;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** `Git-Protocol`. */
  readonly protocol: string | undefined;
  readonly body: AsyncIterable<Bytes>;
  /** Who the web server says it is. */
  readonly user: string | undefined;
  readonly address: string | undefined;
}

export interface ServiceResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Writes the content. Fails where the client is gone. */
  readonly content: (sink: ByteSink) => Promise<void>;
}

export interface HttpServiceOptions {
  readonly platform: Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly agent: string;
  /** Serve what is not marked with `git-daemon-export-ok` too. */
  readonly exportAll: boolean;
  /** Overrides `http.receivepack`; `undefined`: by configuration, and for a known user. */
  readonly receivePack?: boolean | undefined;
  readonly errors: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
  readonly receive?: ReceiveHelp | undefined;
  /** The most bytes a compressed request may become, 64 MiB unless said. */
  readonly maxInflated?: number | undefined;
  /** Opens the repository another way than by `enterRepository`. */
  readonly open?: ((path: string, env: Readonly<Record<string, string | undefined>>) => Repository) | undefined;
}

class Refusal extends Error {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  constructor(status: number, message: string, headers: readonly (readonly [string, string])[] = []) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  500: 'Internal Server Error',
};

const noCache: readonly (readonly [string, string])[] = [
  ['Expires', 'Fri, 01 Jan 1980 00:00:00 GMT'],
  ['Pragma', 'no-cache'],
  ['Cache-Control', 'no-cache, max-age=0, must-revalidate'],
];

interface Call {
  readonly repository: Repository;
  readonly request: ServiceRequest;
  readonly options: HttpServiceOptions;
  /** The part of the path behind the repository. */
  readonly file: string;
}

interface Route {
  readonly method: 'GET' | 'POST';
  readonly pattern: RegExp;
  readonly serve: (call: Call) => Promise<ServiceResponse>;
}

const HEX = '[0-9a-f]{40}(?:[0-9a-f]{24})?';
const plainFile = (type: string) => (call: Call) => serveFile(call, type, false);
const lastingFile = (type: string) => (call: Call) => serveFile(call, type, true);

const routes: readonly Route[] = [
  { method: 'GET', pattern: /\/HEAD$/, serve: plainFile('text/plain') },
  { method: 'GET', pattern: /\/info\/refs$/, serve: serveRefs },
  { method: 'GET', pattern: /\/objects\/info\/(?:http-)?alternates$/, serve: plainFile('text/plain') },
  { method: 'GET', pattern: /\/objects\/info\/packs$/, serve: servePacks },
  {
    method: 'GET',
    pattern: /\/objects\/[0-9a-f]{2}\/[0-9a-f]{38}(?:[0-9a-f]{24})?$/,
    serve: lastingFile('application/x-git-loose-object'),
  },
  {
    method: 'GET',
    pattern: new RegExp(`/objects/pack/pack-${HEX}\\.pack$`),
    serve: lastingFile('application/x-git-packed-objects'),
  },
  {
    method: 'GET',
    pattern: new RegExp(`/objects/pack/pack-${HEX}\\.idx$`),
    serve: lastingFile('application/x-git-packed-objects-toc'),
  },
  { method: 'POST', pattern: /\/git-upload-pack$/, serve: (call) => serveRpc(call, 'upload-pack') },
  { method: 'POST', pattern: /\/git-receive-pack$/, serve: (call) => serveRpc(call, 'receive-pack') },
];

/** Answers one http request for a repository: smart protocol and plain files (git http-backend). */
export async function serveHttp(request: ServiceRequest, options: HttpServiceOptions): Promise<ServiceResponse> {
  try {
    const route = routes.find((candidate) => candidate.pattern.test(request.path));
    if (route === undefined) throw new Refusal(404, `Request not supported: '${request.path}'`);
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    if (method !== route.method) {
      throw new Refusal(405, '', [['Allow', route.method === 'GET' ? 'GET, HEAD' : route.method]]);
    }
    const file = route.pattern.exec(request.path)![0];
    const directory = request.path.slice(0, request.path.length - file.length);
    const repository = open(directory, request, options);
    try {
      return await route.serve({ repository, request, options, file: file.slice(1) });
    } catch (error) {
      repository.close();
      throw error;
    }
  } catch (error) {
    return refusal(error, options);
  }
}

function open(directory: string, request: ServiceRequest, options: HttpServiceOptions): Repository {
  const env: Record<string, string | undefined> = { ...options.env };
  // Pushes over http have no user of this machine behind them.
  const user = request.user ?? 'anonymous';
  const host = request.address ?? '(none)';
  env['GIT_COMMITTER_NAME'] ??= user;
  env['GIT_COMMITTER_EMAIL'] ??= `${user}@http.${host}`;
  let repository: Repository;
  try {
    repository = options.open?.(directory, env) ?? enterRepository(options.platform, env, '/', directory, false);
  } catch (error) {
    if (!isGitError(error)) throw error;
    throw new Refusal(404, `Not a git repository: '${directory}'`);
  }
  if (!options.exportAll && options.platform.fs.stat(`${repository.gitDir}/git-daemon-export-ok`) === undefined) {
    repository.close();
    throw new Refusal(404, `Repository not exported: '${directory}'`);
  }
  return repository;
}

function refusal(error: unknown, options: HttpServiceOptions): ServiceResponse {
  const status = error instanceof Refusal ? error.status : 500;
  const message = error instanceof Error ? error.message : String(error);
  if (message !== '') options.errors(`${message}\n`);
  return {
    status,
    reason: reasons[status] ?? 'Error',
    headers: [...(error instanceof Refusal ? error.headers : []), ...noCache],
    content: async () => {},
  };
}

/** Is a service switched on for this caller? */
function checkService(call: Call, service: 'upload-pack' | 'receive-pack'): void {
  const { config } = call.repository;
  const enabled =
    service === 'upload-pack'
      ? config.getBool('http.uploadpack', true)
      : (call.options.receivePack ?? config.getBool('http.receivepack') ?? call.request.user !== undefined);
  if (!enabled) throw new Refusal(403, `Service not enabled: '${service}'`);
}

function checkFiles(call: Call): void {
  if (!call.repository.config.getBool('http.getanyfile', true)) {
    throw new Refusal(403, "Unsupported service: 'getanyfile'");
  }
}

const ok = (type: string, content: ServiceResponse['content']): ServiceResponse => ({
  status: 200,
  reason: 'OK',
  headers: [...noCache, ['Content-Type', type]],
  content,
});

async function serveFile(call: Call, type: string, forever: boolean): Promise<ServiceResponse> {
  checkFiles(call);
  const { repository, options, file } = call;
  const handle = options.platform.fs.open(repository.path(file));
  if (handle === undefined) throw new Refusal(404, `Cannot open '${file}'`);
  const now = options.platform.now();
  const cache: readonly (readonly [string, string])[] = forever
    ? [
        ['Date', new Date(now).toUTCString()],
        ['Expires', new Date(now + 31536000_000).toUTCString()],
        ['Cache-Control', 'public, max-age=31536000'],
      ]
    : noCache;
  return {
    status: 200,
    reason: 'OK',
    headers: [...cache, ['Content-Length', String(handle.size)], ['Content-Type', type]],
    async content(sink) {
      try {
        for (let at = 0; at < handle.size; at += 65536) await sink.write(handle.read(at, 65536));
      } finally {
        handle.close();
        repository.close();
      }
    },
  };
}

async function servePacks(call: Call): Promise<ServiceResponse> {
  checkFiles(call);
  const packs = call.repository.objectDirectories[0]!.packs.packs();
  const names = packs.map((pack) => pack.path.slice(pack.path.lastIndexOf('/') + 1).replace(/\.pack$/, ''));
  const text = encodeText(`${names.map((name) => `P ${name}.pack\n`).join('')}\n`);
  call.repository.close();
  return {
    status: 200,
    reason: 'OK',
    headers: [...noCache, ['Content-Length', String(text.length)], ['Content-Type', 'text/plain; charset=utf-8']],
    content: (sink) => sink.write(text),
  };
}

async function serveRefs(call: Call): Promise<ServiceResponse> {
  const { repository, request } = call;
  const name = new URLSearchParams(request.query).get('service');
  if (name === null) {
    checkFiles(call);
    const lines: string[] = [];
    for await (const ref of servedRefs(repository, new HiddenRefs([]), { head: false })) {
      lines.push(`${ref.oid}\t${ref.name}\n`);
      const peeled = await peelTag(repository, ref);
      if (peeled !== undefined) lines.push(`${peeled}\t${ref.name}^{}\n`);
    }
    repository.close();
    return ok('text/plain; charset=utf-8', (sink) => sink.write(encodeText(lines.join(''))));
  }
  const match = /^git-(upload-pack|receive-pack)$/.exec(name);
  if (match === null) throw new Refusal(403, `Unsupported service: '${name}'`);
  const service = match[1] as 'upload-pack' | 'receive-pack';
  checkService(call, service);
  const version = requestedVersion(request.protocol);
  return ok(`application/x-git-${service}-advertisement`, async (sink) => {
    try {
      if (version !== 2 || service === 'receive-pack') {
        await sink.write(concatBytes([packet(`# service=git-${service}\n`), encodeText('0000')]));
      }
      await run(call, service, new ByteReader(nothing()), sink, true);
    } finally {
      repository.close();
    }
  });
}

async function serveRpc(call: Call, service: 'upload-pack' | 'receive-pack'): Promise<ServiceResponse> {
  checkService(call, service);
  const { request, options, repository } = call;
  const wanted = `application/x-git-${service}-request`;
  if (request.contentType !== wanted) {
    throw new Refusal(
      415,
      `Expected POST with Content-Type '${wanted}', but received '${request.contentType ?? ''}' instead.`,
    );
  }
  const encoded = request.contentEncoding === 'gzip' || request.contentEncoding === 'x-gzip';
  const input = new ByteReader(encoded ? inflated(request.body, options.maxInflated ?? 64 << 20) : request.body);
  return ok(`application/x-git-${service}-result`, async (sink) => {
    try {
      await run(call, service, input, sink, false);
    } finally {
      repository.close();
    }
  });
}

async function run(
  call: Call,
  service: 'upload-pack' | 'receive-pack',
  input: ByteReader,
  sink: ByteSink,
  advertiseOnly: boolean,
): Promise<void> {
  const { repository, request, options } = call;
  const version = requestedVersion(request.protocol);
  const io = { input, output: sink, errors: options.errors, signal: options.signal };
  const common = { stateless: true, advertiseOnly, agent: options.agent };
  try {
    if (service === 'upload-pack') await uploadPack(repository, io, { ...common, version });
    else await receivePush(repository, io, { ...common, version: version === 2 ? 0 : version, ...options.receive });
  } catch (error) {
    // What the client should know it has been told inside the protocol.
    options.errors(`fatal: ${error instanceof Error ? error.message : String(error)}\n`);
    if (!(error instanceof GitError)) throw error;
  }
}

async function* nothing(): AsyncGenerator<Bytes> {}

/** A compressed request, inflated to no more than `limit`. */
async function* inflated(body: AsyncIterable<Bytes>, limit: number): AsyncGenerator<Bytes> {
  const gunzip = zlib.createGunzip();
  let size = 0;
  const feed = (async () => {
    try {
      for await (const chunk of body) {
        if (!gunzip.write(chunk)) await new Promise((resolve) => gunzip.once('drain', resolve));
      }
      gunzip.end();
    } catch (error) {
      gunzip.destroy(error as Error);
    }
  })();
  for await (const chunk of gunzip as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) {
      gunzip.destroy();
      throw new GitError('LIMIT', 'request was larger than our maximum size');
    }
    yield chunk;
  }
  await feed;
}
