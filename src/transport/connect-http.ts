import type { Bytes } from '../base/bytes.js';
import { concatBytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HttpResponse } from '../platform/network.js';
import { readAdvertisement } from './advertisement.js';
import { sessionFor } from './connection.js';
import type { ConnectOptions, Connection, Service, TransportContext } from './connection.js';
import { readBody } from './http-body.js';
import { HttpSession, stripUser } from './http-session.js';
import { tracedBody, traceSent } from './packet-trace.js';
import { isData, PacketReader, packetText } from './pkt-line.js';
import { redactUrl } from './url.js';

/** Longest body that is looked at for being worth compressing. */
const GZIP_FROM = 1024;
/** Longest list of refs that is read from a server of plain files. */
const LONGEST_LISTING = 1 << 28;
/** And of what a server says about an error. */
const LONGEST_ERROR = 1 << 16;

/** A smart http server. The refs are asked for at once; every later request stands alone. */
export async function connectHttp(
  service: Service,
  url: string,
  context: TransportContext,
  options: ConnectOptions,
): Promise<Connection> {
  const session = new HttpSession(context, url);
  const base = url.replace(/\/+$/, '');
  const shown = redactUrl(stripUser(`${base}/`));
  const protocol: (readonly [string, string])[] =
    options.version > 0 ? [['git-protocol', `version=${options.version}`]] : [];
  const tellRedirect = (root: string): void => {
    if (root !== base && context.quiet !== true) context.errors(`warning: redirecting to ${stripUser(root)}/\n`);
  };
  const query = `${base}/info/refs${base.includes('?') ? '&' : '?'}service=git-${service}`;
  const { response, url: reached } = await session.ask({
    method: 'GET',
    url: query,
    headers: [['accept', '*/*'], ['accept-encoding', 'gzip'], ['pragma', 'no-cache'], ...protocol],
    first: true,
  });
  if (response.status !== 200) await tellPlainly(response, context.errors);
  if (response.status === 404 || response.status === 410) {
    response.cancel();
    throw new GitError('TRANSPORT', `repository '${shown}' not found`);
  }
  if (response.status !== 200) {
    response.cancel();
    throw new GitError(
      'TRANSPORT',
      `unable to access '${shown}': The requested URL returned error: ${response.status}`,
    );
  }
  const type = (response.headers.get('content-type')?.[0] ?? '').split(';')[0]!.trim();
  if (type !== `application/x-git-${service}-advertisement`) {
    if (service === 'upload-pack') {
      const { bytes, whole } = await readBody(response.body, LONGEST_LISTING);
      if (!whole) throw new GitError('LIMIT', `${shown}info/refs is too large`);
      const { connectDumb } = await import('./connect-dumb.js');
      const root = newRoot(base, query, reached, service);
      const dumb = await connectDumb(session, root, bytes, context);
      if (dumb !== undefined) {
        tellRedirect(root);
        return dumb;
      }
    }
    response.cancel();
    throw new GitError('PROTOCOL', `${shown}info/refs not valid: is this a git repository?`);
  }
  // In git another program reads the advertisement, and passes on that of version 2.
  const heard: Parameters<NonNullable<typeof context.trace>>[] = [];
  const helperTrace: typeof context.trace =
    context.helperTrace &&
    ((...packet) => {
      heard.push(packet);
      context.helperTrace!(...packet);
    });
  const reader = new PacketReader(response.body, { trace: helperTrace });
  await skipServiceLine(reader, service);
  const advertisement = await readAdvertisement(reader);
  for await (const rest of reader.bytes.rest()) void rest;
  if (advertisement.version === 2 && context.trace !== undefined) for (const packet of heard) context.trace(...packet);
  const root = newRoot(base, query, reached, service);
  tellRedirect(root);
  let pending: Promise<PacketReader> | undefined;

  const post = async (
    body: () => Bytes | AsyncIterable<Bytes>,
    encoding: string | undefined,
  ): Promise<PacketReader> => {
    const answer = await session.ask({
      method: 'POST',
      url: `${root}/git-${service}`,
      headers: [
        ['content-type', `application/x-git-${service}-request`],
        ['accept', `application/x-git-${service}-result`],
        ['accept-encoding', 'gzip'],
        ...(encoding === undefined ? [] : [['content-encoding', encoding] as const]),
        ...protocol,
      ],
      body,
    });
    if (answer.response.status !== 200) {
      answer.response.cancel();
      throw new GitError(
        'TRANSPORT',
        `RPC failed; HTTP ${answer.response.status} curl 22 The requested URL returned error: ${answer.response.status}`,
      );
    }
    const kind = (answer.response.headers.get('content-type')?.[0] ?? '').split(';')[0]!.trim();
    if (!kind.endsWith(`application/x-git-${service}-result`)) {
      answer.response.cancel();
      throw new GitError('PROTOCOL', `RPC failed; result has unexpected content type '${kind}'`);
    }
    return new PacketReader(answer.response.body, {
      trace: context.trace,
      ...(advertisement.version === 2 ? { onCut: context.errors } : {}),
    });
  };

  return {
    advertisement,
    stateless: true,
    sessionId: sessionFor(context, advertisement),
    async send(body) {
      if (body instanceof Uint8Array && body.length <= session.postBuffer) {
        if (context.trace !== undefined) traceSent(context.trace, body);
        const small = body.length > GZIP_FROM ? context.platform.zlib.gzip(body) : body;
        pending = small.length < body.length ? post(() => small, 'gzip') : post(() => body, undefined);
        pending.catch(() => {});
        return;
      }
      // What fits is sent in one piece, which can be sent again after a question for a password.
      const iterator = tracedBody(context.trace, body instanceof Uint8Array ? once(body) : body)[
        Symbol.asyncIterator
      ]();
      const parts: Bytes[] = [];
      let size = 0;
      let ended = false;
      while (size <= session.postBuffer) {
        const next = await iterator.next();
        if (next.done === true) {
          ended = true;
          break;
        }
        parts.push(next.value);
        size += next.value.length;
      }
      if (ended) {
        const whole = concatBytes(parts);
        pending = post(() => whole, undefined);
        pending.catch(() => {});
        return;
      }
      // A small request first finds out whether we are let in: a stream cannot be sent twice.
      await probe(session, `${root}/git-${service}`, service);
      let used = false;
      pending = post(() => {
        if (used) throw new GitError('TRANSPORT', 'unable to rewind rpc post data - try increasing http.postBuffer');
        used = true;
        return resume(parts, iterator);
      }, undefined);
      pending.catch(() => {});
    },
    async reply() {
      if (pending === undefined) throw new GitError('BUG', 'nothing was asked');
      return pending;
    },
    async close() {
      pending = undefined;
      return 0;
    },
  };
}

async function* once(body: Bytes): AsyncGenerator<Bytes> {
  yield body;
}

async function* resume(parts: readonly Bytes[], iterator: AsyncIterator<Bytes>): AsyncGenerator<Bytes> {
  yield* parts;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
}

async function probe(session: HttpSession, url: string, service: Service): Promise<void> {
  const flush = new TextEncoder().encode('0000');
  const { response } = await session.ask({
    method: 'POST',
    url,
    headers: [
      ['content-type', `application/x-git-${service}-request`],
      ['accept', `application/x-git-${service}-result`],
    ],
    body: () => flush,
  });
  for await (const rest of response.body) void rest;
}

/** `# service=git-upload-pack` and a flush, which v2 servers may leave out. */
async function skipServiceLine(reader: PacketReader, service: Service): Promise<void> {
  const first = await reader.peek();
  if (!isData(first) || !packetText(first).startsWith('# service=')) return;
  await reader.read();
  if (packetText(first) !== `# service=git-${service}`) {
    throw new GitError('PROTOCOL', `invalid server response; got '${packetText(first)}'`);
  }
  for (let item = await reader.read(); item !== 'flush'; item = await reader.read()) {
    if (!isData(item)) throw new GitError('PROTOCOL', 'invalid server response; expected service, got flush packet');
  }
}

/** The repository's address after redirects: what followed must be the same tail as before. */
function newRoot(base: string, asked: string, reached: string, service: Service): string {
  if (stripUser(asked) === stripUser(reached)) return base;
  const tail = `/info/refs?service=git-${service}`;
  if (!asked.endsWith(tail) || !reached.endsWith(tail)) {
    throw new GitError(
      'TRANSPORT',
      `unable to update url base from redirection:\n  asked for: ${stripUser(asked)}\n   redirect: ${stripUser(reached)}`,
    );
  }
  return reached.slice(0, -tail.length);
}

/** What a server says about an error, where it says it in plain text. */
async function tellPlainly(response: HttpResponse, tell: (text: string) => void): Promise<void> {
  const [type, ...words] = (response.headers.get('content-type')?.[0] ?? '').split(';').map((word) => word.trim());
  if (type !== 'text/plain') return;
  const charset =
    words
      .find((word) => /^charset=/i.test(word))
      ?.slice(8)
      .replaceAll('"', '') ?? 'iso-8859-1';
  try {
    let { bytes } = await readBody(response.body, LONGEST_ERROR);
    let name = charset.toLowerCase();
    // A mark says which end comes first; without one it is the great end.
    if (name === 'utf-16') {
      const little = bytes[0] === 0xff && bytes[1] === 0xfe;
      name = little ? 'utf-16le' : 'utf-16be';
      if (little || (bytes[0] === 0xfe && bytes[1] === 0xff)) bytes = bytes.subarray(2);
    }
    const text = new TextDecoder(name).decode(bytes).trimEnd();
    if (text === '') return;
    for (const line of text.split('\n')) tell(`remote: ${line}\n`);
  } catch {
    // It could not be read, or is in a script that nobody knows.
  }
}
