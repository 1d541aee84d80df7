import { decodeText, encodeText, type Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { readIfThere } from '../platform/fs.js';
import type { HttpResponse, TlsSettings } from '../platform/network.js';
import type { TransportContext } from './connection.js';
import { credentialFromUrl } from './credential-format.js';
import type { Credential } from './credentials.js';
import { allowSettings, isProtocolAllowed } from './allowed.js';
import { UrlConfig } from './url-config.js';
import { redactUrl } from './url.js';

export interface HttpAsk {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: readonly (readonly [string, string])[];
  /** Called for each try, so that a streamed body can start anew; `undefined` from a body that cannot. */
  readonly body?: (() => Bytes | AsyncIterable<Bytes>) | undefined;
  /** The very first request of a conversation: the one whose redirects count. */
  readonly first?: boolean;
}

export interface HttpAnswer {
  readonly response: HttpResponse;
  /** Where we ended up. */
  readonly url: string;
}

const MAX_REDIRECTS = 20;

/** Requests to one server with its settings: headers, proxy, TLS, credentials, redirects. */
export class HttpSession {
  readonly #context: TransportContext;
  readonly #config: UrlConfig;
  readonly #url: string;
  readonly #tls: TlsSettings;
  /** For the place we talk to now; forgotten when a redirect leads elsewhere. */
  #credential: Credential | undefined;
  #proven = false;
  #origin: string;

  constructor(context: TransportContext, url: string) {
    this.#context = context;
    this.#url = url;
    this.#config = new UrlConfig(context.config, 'http', url);
    const { env } = context;
    const noVerify = env['GIT_SSL_NO_VERIFY'];
    this.#tls = {
      verify:
        noVerify !== undefined ? /^(?:0|false|no|off|)$/i.test(noVerify) : this.#config.getBool('sslverify') !== false,
      caFile: this.#file(env['GIT_SSL_CAINFO'] ?? this.#config.get('sslcainfo')),
      certificateFile: this.#file(env['GIT_SSL_CERT'] ?? this.#config.get('sslcert')),
      keyFile: this.#file(env['GIT_SSL_KEY'] ?? this.#config.get('sslkey')),
    };
    this.#origin = this.#parse(url).origin;
    const parsed = credentialFromUrl(url);
    if (parsed.username !== undefined) this.#credential = parsed;
  }

  #parse(url: string, from?: string): URL {
    try {
      return new URL(url, from);
    } catch (error) {
      const message = `unable to access '${this.#shown}': URL using bad/illegal format or missing URL`;
      throw new GitError('TRANSPORT', message, { cause: error });
    }
  }

  #file(path: string | undefined): string | undefined {
    if (path === undefined || path === '') return undefined;
    const expanded = this.#context.config.expandPath(path);
    return expanded.startsWith('/') ? expanded : `${this.#context.cwd}/${expanded}`;
  }

  /** For messages: no user, no password, one slash at the end. */
  get #shown(): string {
    return redactUrl(stripUser(`${this.#url.replace(/\/+$/, '')}/`));
  }

  /** Bytes of a request kept in memory; a longer one is sent in chunks. */
  get postBuffer(): number {
    const text = this.#config.get('postbuffer');
    const match = text === undefined ? null : /^(\d+)([kmg]?)$/i.exec(text);
    if (match === null) return 1 << 20;
    const value =
      Number(match[1]) * { '': 1, k: 1024, m: 1 << 20, g: 1 << 30 }[match[2]!.toLowerCase() as '' | 'k' | 'm' | 'g'];
    return Math.max(value, 65536);
  }

  /** `url`: where they go. What lets us in at one host is not told another. */
  #headers(url: string): (readonly [string, string])[] {
    const { env } = this.#context;
    const agent = env['GIT_HTTP_USER_AGENT'] ?? this.#config.get('useragent') ?? this.#context.agent;
    const headers: (readonly [string, string])[] = [['user-agent', agent]];
    for (const line of this.#config.list('extraheader')) {
      const colon = line.indexOf(':');
      if (colon <= 0) continue;
      const name = line.slice(0, colon).trim().toLowerCase();
      if ((name === 'authorization' || name === 'cookie') && originOf(url) !== originOf(this.#url)) continue;
      headers.push([name, line.slice(colon + 1).trim()]);
    }
    const language = acceptLanguage(env);
    if (language !== undefined) headers.push(['accept-language', language]);
    return headers;
  }

  /** `user:password` from the user's `.netrc`, for the place we set out for. */
  #netrc(url: string): string | undefined {
    const home = this.#context.env['HOME'];
    if (home === undefined || home === '' || originOf(url) !== this.#origin) return undefined;
    if (this.#netrcText === undefined) {
      const bytes = readIfThere(this.#context.platform.fs, `${home}/.netrc`);
      this.#netrcText = bytes === undefined ? '' : decodeText(bytes);
    }
    if (this.#netrcText === '') return undefined;
    return netrcEntry(this.#netrcText, new URL(url).hostname, this.#credential?.username);
  }

  #netrcText: string | undefined;

  #cookies(url: string): string | undefined {
    const file = this.#config.get('cookiefile');
    if (file === undefined || file === '') return undefined;
    const path = this.#context.config.expandPath(file);
    const bytes = this.#context.platform.fs.readFile(path.startsWith('/') ? path : `${this.#context.cwd}/${path}`);
    if (bytes === undefined) return undefined;
    return cookiesFor(decodeText(bytes), new URL(url), this.#context.platform.now() / 1000);
  }

  #proxy(url: string): string | undefined {
    const { env } = this.#context;
    const configured = this.#config.get('proxy');
    const { protocol, hostname } = new URL(url);
    const fromEnv =
      protocol === 'https:'
        ? (env['https_proxy'] ?? env['HTTPS_PROXY'] ?? env['all_proxy'] ?? env['ALL_PROXY'])
        : (env['http_proxy'] ?? env['all_proxy'] ?? env['ALL_PROXY']);
    const proxy = configured ?? fromEnv;
    if (proxy === undefined || proxy === '') return undefined;
    const exceptions = (env['no_proxy'] ?? env['NO_PROXY'] ?? '').split(',').map((entry) => entry.trim());
    if (
      exceptions.includes('*') ||
      exceptions.some(
        (entry) => entry !== '' && (hostname === entry || hostname.endsWith(`.${entry.replace(/^\./, '')}`)),
      )
    ) {
      return undefined;
    }
    return proxy.includes('://') ? proxy : `http://${proxy}`;
  }

  /** One request with everything that may come between: redirects, questions for credentials. */
  async ask(ask: HttpAsk): Promise<HttpAnswer> {
    let { url } = ask;
    let redirects = 0;
    let rejected = 0;
    const follow = leadsOn(this.#config);
    for (;;) {
      const response = await this.#send(ask, url);
      const { status } = response;
      if (status >= 300 && status < 400 && response.headers.has('location')) {
        const allowed = follow === 'always' || (follow === 'initial' && ask.first === true);
        response.cancel();
        if (!allowed)
          throw new GitError(
            'TRANSPORT',
            `unable to access '${this.#shown}': The requested URL returned error: ${status}`,
          );
        if (++redirects > MAX_REDIRECTS)
          throw new GitError('TRANSPORT', `unable to access '${this.#shown}': Maximum (20) redirects followed`);
        url = this.#redirected(url, response.headers.get('location')![0]!);
        continue;
      }
      if (status === 401) {
        const challenges = response.headers.get('www-authenticate') ?? [];
        response.cancel();
        await this.#authenticate(url, challenges, rejected++);
        continue;
      }
      if (status >= 200 && status < 300 && this.#credential !== undefined && !this.#proven) {
        this.#proven = true;
        await this.#context.credentials?.approve(this.#credential);
      }
      return { response, url };
    }
  }

  /** Where a redirect leads. Another host gets no secrets of this one. */
  #redirected(from: string, location: string): string {
    const next = this.#parse(location, from);
    if (next.protocol !== 'http:' && next.protocol !== 'https:') {
      throw new GitError(
        'TRANSPORT',
        `unable to access '${this.#shown}': Protocol "${next.protocol.replace(/:$/, '')}" not supported`,
      );
    }
    // Where a server sends us is no choice of the user's.
    const name = next.protocol.replace(/:$/, '');
    if (!isProtocolAllowed(name, allowSettings(this.#context, false))) {
      throw new GitError(
        'TRANSPORT',
        `unable to access '${this.#shown}': Protocol "${name}" not supported or disabled in libcurl`,
      );
    }
    if (new URL(from).protocol === 'https:' && next.protocol === 'http:' && this.#credential !== undefined)
      this.#credential = undefined;
    if (originOf(next.href) !== this.#origin) {
      this.#credential = undefined;
      this.#proven = false;
      this.#origin = originOf(next.href);
    }
    return next.href;
  }

  async #authenticate(url: string, challenges: readonly string[], rejected: number): Promise<void> {
    const { credentials } = this.#context;
    if (this.#credential?.password !== undefined) {
      if (this.#sentFor === originOf(url)) {
        await credentials?.reject(this.#credential);
        throw new GitError('AUTH', `Authentication failed for '${this.#shown}'`);
      }
      return;
    }
    if (credentials === undefined || rejected > 3) {
      throw new GitError('AUTH', `Authentication failed for '${this.#shown}'`);
    }
    const question = credentialFromUrl(stripUser(url));
    if (this.#credential?.username !== undefined) question.username = this.#credential.username;
    this.#credential = await credentials.fill({
      ...question,
      wwwauth: challenges,
      capabilities: ['authtype', 'state'],
    });
    this.#proven = false;
  }

  /** The origin that got our password already. */
  #sentFor: string | undefined;

  async #send(ask: HttpAsk, url: string): Promise<HttpResponse> {
    const { platform, signal } = this.#context;
    if (platform.network === undefined) throw new GitError('UNSUPPORTED', 'there is no network here');
    const headers = [...this.#headers(url), ...(ask.headers ?? [])];
    const credential = this.#credential;
    if (credential !== undefined && originOf(url) === this.#origin) {
      if (credential.authtype !== undefined && credential.credential !== undefined) {
        headers.push(['authorization', `${credential.authtype} ${credential.credential}`]);
        this.#sentFor = this.#origin;
      } else if (credential.password !== undefined) {
        const pair = encodeText(`${credential.username ?? ''}:${credential.password}`);
        headers.push(['authorization', `Basic ${base64(pair)}`]);
        this.#sentFor = this.#origin;
      }
    }
    if (!headers.some(([name]) => name === 'authorization')) {
      const pair = this.#netrc(url);
      if (pair !== undefined) headers.push(['authorization', `Basic ${base64(encodeText(pair))}`]);
    }
    const cookies = this.#cookies(url);
    if (cookies !== undefined) headers.push(['cookie', cookies]);
    const lowSpeed = Number(this.#context.env['GIT_HTTP_LOW_SPEED_TIME'] ?? this.#config.get('lowspeedtime') ?? '0');
    try {
      const body = ask.body?.();
      const trace = this.#context.httpTrace;
      trace?.sent(ask.method, stripUser(url), headers, body);
      const response = await platform.network.request({
        method: ask.method,
        url: stripUser(url),
        headers,
        body,
        signal,
        proxy: this.#proxy(url),
        tls: this.#tls,
        stallSeconds: lowSpeed > 0 ? lowSpeed : undefined,
      });
      return trace?.received(response) ?? response;
    } catch (error) {
      if (error instanceof GitError) throw error;
      throw new GitError('TRANSPORT', `unable to access '${this.#shown}': ${networkReason(error, url)}`, {
        cause: error,
      });
    }
  }
}

function networkReason(error: unknown, url: string): string {
  const code = (error as { code?: string }).code;
  if (code !== undefined && /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code))
    return `SSL certificate problem: ${error instanceof Error ? error.message : code}`;
  const { hostname, port, protocol } = new URL(url);
  const number = port === '' ? (protocol === 'https:' ? '443' : '80') : port;
  if (code === 'ECONNREFUSED')
    return `Failed to connect to ${hostname} port ${number} after 0 ms: Couldn't connect to server`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `Could not resolve host: ${hostname}`;
  if (code === 'ECONNRESET') return 'Recv failure: Connection reset by peer';
  return error instanceof Error ? error.message : String(error);
}

/** Whether a server may send us elsewhere (`http.followRedirects`): always, never, or when it is first asked. */
export function leadsOn(config: UrlConfig): 'always' | 'initial' | 'never' {
  if (!config.has('followredirects') || config.get('followredirects') === 'initial') return 'initial';
  return config.getBool('followredirects') === true ? 'always' : 'never';
}

const originOf = (url: string): string => new URL(url).origin;

/** User and password do not belong into requests or messages. */
export function stripUser(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/?#]*@/i, '$1');
}

function base64(bytes: Bytes): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** From LANGUAGE, LC_ALL and the like, as a weighted list. */
function acceptLanguage(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const text = env['LANGUAGE'] || env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG'];
  if (text === undefined || text === '') return undefined;
  const tags: string[] = [];
  for (const part of text.split(':')) {
    const tag = part.replace(/[^A-Za-z0-9_-].*$/, '').replaceAll('_', '-');
    if (tag !== '' && tag !== 'C' && tag !== 'POSIX') tags.push(tag);
  }
  if (tags.length === 0) return undefined;
  tags.push('*');
  const places = tags.length > 10 ? 2 : 1;
  const step = places === 2 ? 0.01 : 0.1;
  return tags.map((tag, i) => (i === 0 ? tag : `${tag};q=${(1 - i * step).toFixed(places)}`)).join(', ');
}

/** The login and password of a host in a `.netrc`, as curl reads it. */
function netrcEntry(text: string, host: string, user: string | undefined): string | undefined {
  const words = text.replace(/^\s*#.*$/gm, '').split(/\s+/);
  let here = false;
  let login: string | undefined;
  let password: string | undefined;
  const found = (): string | undefined =>
    here && password !== undefined && (user === undefined || login === user) ? `${login ?? ''}:${password}` : undefined;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === 'machine' || word === 'default') {
      const pair = found();
      if (pair !== undefined) return pair;
      here = word === 'default' || words[++i] === host;
      login = password = undefined;
    } else if (word === 'login') login = words[++i];
    else if (word === 'password') password = words[++i];
    else if (word === 'macdef') break;
  }
  return found();
}

/** The cookies of a Netscape cookie file that go to a URL. */
function cookiesFor(text: string, url: URL, now: number): string | undefined {
  const found: string[] = [];
  for (const raw of text.split('\n')) {
    const line = raw.startsWith('#HttpOnly_') ? raw.slice(10) : raw;
    if (line.startsWith('#')) continue;
    const [domain, , path, secure, expires, name, value] = line.split('\t');
    if (domain === undefined || path === undefined || name === undefined || value === undefined) continue;
    const host = domain.replace(/^\./, '');
    if (url.hostname !== host && !url.hostname.endsWith(`.${host}`)) continue;
    if (!url.pathname.startsWith(path) || (secure === 'TRUE' && url.protocol !== 'https:')) continue;
    if (expires !== '0' && Number(expires) < now) continue;
    found.push(`${name}=${value}`);
  }
  return found.length === 0 ? undefined : found.join('; ');
}
