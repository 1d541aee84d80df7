import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contents, init, nodePlatform, openRemote, openStore } from '../../src/index.js';
import type { Oid } from '../../src/base/oid.js';
import type { Repository } from '../../src/repo/repository.js';
import { createHttpServer } from '../../src/server/http-server.js';
import type { Credential, CredentialSource } from '../../src/transport/credentials.js';
import { enterRepository } from '../../src/transport/enter-repository.js';

const env = {
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.com',
};

let place: string;
let head: Oid;
const servers: net.Server[] = [];

function listen(server: net.Server): Promise<number> {
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port));
  });
}

/** Our server over `place`; `secret`: only `user:secret` may read. */
function bough(secret?: string): http.Server {
  return createHttpServer({
    root: place,
    service: {
      platform: nodePlatform,
      env,
      agent: 'test',
      exportAll: true,
      receivePack: true,
      errors: () => {},
      open: (directory, own) => enterRepository(nodePlatform, own, '/', directory, false),
    },
    authorize: ({ password }) =>
      Promise.resolve(secret === undefined || password === secret ? ('allow' as const) : ('ask' as const)),
    maxBody: 0,
    headerMilliseconds: 5000,
    log: () => {},
  });
}

/** Settings as `-c` gives them. */
function settings(values: Record<string, string>): Record<string, string> {
  const out: Record<string, string> = { GIT_CONFIG_COUNT: String(Object.keys(values).length) };
  Object.entries(values).forEach(([key, value], i) => {
    out[`GIT_CONFIG_KEY_${i}`] = key;
    out[`GIT_CONFIG_VALUE_${i}`] = value;
  });
  return out;
}

let serial = 0;
async function fetchFrom(
  url: string,
  config: Record<string, string> = {},
  credentials?: CredentialSource,
): Promise<Repository> {
  const client = await init(join(place, `client-${serial++}`), { env });
  await openRemote(url, { platform: nodePlatform, cwd: place, env: settings(config), credentials }).fetch(client);
  expect(await client.refs.resolve('refs/remotes/origin/main')).toBe(head);
  return client;
}

/** Answers `answer`, and remembers what it was told. */
function source(answer: Partial<Credential>): CredentialSource & { told: [string, Credential][] } {
  const told: [string, Credential][] = [];
  return {
    told,
    async fill(question) {
      told.push(['fill', question]);
      return { ...question, ...answer };
    },
    async approve(credential) {
      told.push(['approve', credential]);
    },
    async reject(credential) {
      told.push(['reject', credential]);
    },
  };
}

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'bough-http-'));
  const hub = await init(join(place, 'hub.git'), { bare: true, env });
  const store = await openStore(hub, contents.json(), { branch: 'main' });
  for (let i = 0; i < 3; i++) await store.put(`v/${i}`, 'x'.repeat(500 + i), { message: `v${i}` });
  head = (await store.head())!.oid;
});
afterAll(async () => {
  for (const server of servers) {
    (server as http.Server).closeAllConnections?.();
    server.close();
  }
  rmSync(place, { recursive: true, force: true });
});

describe('passwords over http', () => {
  it('are asked for once, told to be right, and found in no message', async () => {
    const port = await listen(bough('hunter2'));
    const url = `http://127.0.0.1:${port}/hub.git`;
    const right = source({ username: 'user', password: 'hunter2' });
    await fetchFrom(url, {}, right);
    expect(right.told.map(([what]) => what)).toEqual(['fill', 'approve']);
    expect(right.told[0]![1]).toMatchObject({ protocol: 'http', host: `127.0.0.1:${port}` });
    const wrong = source({ username: 'user', password: 'sesame77' });
    const failure = await fetchFrom(url, {}, wrong).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    expect(failure).toMatchObject({ code: 'AUTH', message: `Authentication failed for '${url}/'` });
    expect(wrong.told.map(([what]) => what)).toEqual(['fill', 'reject']);
    // In the URL: used without asking, and never shown.
    await fetchFrom(`http://user:hunter2@127.0.0.1:${port}/hub.git`);
    const shown = await fetchFrom(`http://user:sesame77@127.0.0.1:${port}/hub.git`, {}, wrong).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    expect(shown!.message).not.toContain('sesame77');
    const nobody = await fetchFrom(`http://user:sesame77@127.0.0.1:1/hub.git`).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    expect(nobody!.message).toContain('Failed to connect to 127.0.0.1 port 1');
    expect(nobody!.message).not.toContain('sesame77');
  });

  it('and other secrets do not follow a redirect to another host', async () => {
    const target = bough();
    const seen: http.IncomingHttpHeaders[] = [];
    target.prependListener('request', (ask: http.IncomingMessage) => seen.push(ask.headers));
    const there = await listen(target);
    const asked: http.IncomingHttpHeaders[] = [];
    const here = await listen(
      http.createServer((ask, answer) => {
        asked.push(ask.headers);
        answer.writeHead(302, { Location: `http://localhost:${there}${ask.url}` }).end();
      }),
    );
    const never = source({});
    await fetchFrom(
      `http://user:hunter2@127.0.0.1:${here}/hub.git`,
      {
        'http.extraHeader': 'Authorization: Bearer token',
        [`http.http://127.0.0.1:${here}/.extraHeader`]: 'X-Harmless: yes',
      },
      never,
    );
    expect(asked.length).toBeGreaterThan(0);
    expect(seen.length).toBeGreaterThan(1);
    for (const headers of seen) {
      expect(headers.authorization).toBeUndefined();
      expect(headers.cookie).toBeUndefined();
      expect(headers['x-harmless']).toBe('yes');
    }
    expect(never.told).toEqual([]);
    // Not followed at all where that is switched off.
    await expect(fetchFrom(`http://127.0.0.1:${here}/hub.git`, { 'http.followRedirects': 'false' })).rejects.toThrow(
      'The requested URL returned error: 302',
    );
  });

  it('those of a .netrc go to the host that they are for, and nowhere else', async () => {
    const authorized = (seen: (string | undefined)[], location?: string) => {
      const inner = bough();
      return http.createServer((ask, answer) => {
        seen.push(ask.headers.authorization);
        if (location === undefined) inner.emit('request', ask, answer);
        else answer.writeHead(302, { Location: `${location}${ask.url}` }).end();
      });
    };
    const home = join(place, `home-${serial++}`);
    mkdirSync(home);
    writeFileSync(
      join(home, '.netrc'),
      'machine example.com login x password y\nmachine 127.0.0.1\n  login me password hunter2\n',
    );
    const there: (string | undefined)[] = [];
    const port = await listen(authorized(there));
    const here: (string | undefined)[] = [];
    const from = await listen(authorized(here, `http://localhost:${port}`));
    const fetched = async (url: string) => {
      const client = await init(join(place, `client-${serial++}`), { env });
      await openRemote(url, { platform: nodePlatform, cwd: place, env: { HOME: home } }).fetch(client);
      expect(await client.refs.resolve('refs/remotes/origin/main')).toBe(head);
    };
    const told = `Basic ${Buffer.from('me:hunter2').toString('base64')}`;
    await fetched(`http://127.0.0.1:${from}/hub.git`);
    expect(new Set(here)).toEqual(new Set([told]));
    expect(new Set(there)).toEqual(new Set([undefined]));
    there.length = 0;
    await fetched(`http://127.0.0.1:${port}/hub.git`);
    expect(new Set(there)).toEqual(new Set([told]));
    there.length = 0;
    await fetched(`http://somebody@127.0.0.1:${port}/hub.git`);
    expect(new Set(there)).toEqual(new Set([undefined]));
  });

  it('a redirect in the middle of a conversation, or to another kind of place, is not followed', async () => {
    const inner = bough();
    const port = await listen(
      http.createServer((ask, answer) => {
        if (ask.method === 'POST') answer.writeHead(307, { Location: 'http://127.0.0.1:1/' }).end();
        else inner.emit('request', ask, answer);
      }),
    );
    await expect(fetchFrom(`http://127.0.0.1:${port}/hub.git`)).rejects.toThrow(/returned error: 307/);
    const away = await listen(
      http.createServer((_ask, answer) => void answer.writeHead(302, { Location: 'file:///etc/passwd' }).end()),
    );
    await expect(fetchFrom(`http://127.0.0.1:${away}/hub.git`)).rejects.toThrow(/not supported/);
    const nowhere = await listen(
      http.createServer((_ask, answer) => void answer.writeHead(302, { Location: 'http://[' }).end()),
    );
    for (const url of [`http://127.0.0.1:${nowhere}/hub.git`, 'http://[', 'http://a:99999999/x', 'http://a b/x']) {
      await expect(fetchFrom(url)).rejects.toMatchObject({
        code: 'TRANSPORT',
        message: expect.stringContaining('URL using bad/illegal format'),
      });
    }
  });
});

describe('bodies', () => {
  it('are compressed where that pays, sent in chunks where they are long, and unpacked as they come', async () => {
    const inner = bough();
    const posts: http.IncomingHttpHeaders[] = [];
    const port = await listen(
      http.createServer((ask, answer) => {
        if (ask.method === 'POST') posts.push(ask.headers);
        // Everything is compressed on its way back.
        const parts: Buffer[] = [];
        const { write, end } = answer;
        answer.write = ((chunk: Uint8Array, done?: () => void) => {
          parts.push(Buffer.from(chunk));
          if (typeof done === 'function') setImmediate(done);
          return true;
        }) as typeof answer.write;
        answer.end = (() => {
          answer.write = write;
          answer.end = end;
          return answer.end(gzipSync(Buffer.concat(parts)));
        }) as unknown as typeof answer.end;
        answer.setHeader('Content-Encoding', 'gzip');
        inner.emit('request', ask, answer);
      }),
    );
    await fetchFrom(`http://127.0.0.1:${port}/hub.git`);
    const own = await init(join(place, `own-${serial++}`), { env });
    const store = await openStore(own, contents.json(), { branch: 'big' });
    let noise = '';
    for (let i = 0; i < 30_000; i++) noise += Math.imul(i + 1, 2654435761).toString(36);
    await store.put('big', noise, { message: 'big' });
    const tip = (await store.head())!.oid;
    posts.length = 0;
    const remote = openRemote(`http://127.0.0.1:${port}/hub.git`, {
      platform: nodePlatform,
      cwd: place,
      env: settings({ 'http.postBuffer': '65536' }),
    });
    expect(await remote.push(own, [{ name: 'refs/heads/big', to: tip }])).toMatchObject([{ status: 'ok' }]);
    expect(posts.some((headers) => headers['transfer-encoding'] === 'chunked')).toBe(true);
  });
});

const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasOpenssl)('TLS and proxies (needs openssl)', () => {
  const file = (name: string) => join(place, name);
  let secure: number;
  let strict: number;
  let proxy: number;
  const through: string[] = [];
  let tunnelled = 0;

  beforeAll(async () => {
    const openssl = (...words: string[]) => execFileSync('openssl', words, { stdio: 'pipe' });
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    openssl(
      'req',
      '-x509',
      ...ec,
      '-keyout',
      file('ca.key'),
      '-out',
      file('ca.pem'),
      '-days',
      '30',
      '-subj',
      '/CN=own CA',
    );
    for (const name of ['server', 'client']) {
      openssl('req', ...ec, '-keyout', file(`${name}.key`), '-out', file(`${name}.csr`), '-subj', `/CN=${name}`);
      writeFileSync(file('ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
      openssl(
        'x509',
        '-req',
        '-in',
        file(`${name}.csr`),
        '-CA',
        file('ca.pem'),
        '-CAkey',
        file('ca.key'),
        '-CAcreateserial',
        '-days',
        '30',
        '-extfile',
        file('ext'),
        '-out',
        file(`${name}.pem`),
      );
    }
    const inner = bough();
    const keys = { key: readFileSync(file('server.key')), cert: readFileSync(file('server.pem')) };
    const pass = (ask: http.IncomingMessage, answer: http.ServerResponse) => void inner.emit('request', ask, answer);
    secure = await listen(https.createServer(keys, pass));
    strict = await listen(
      https.createServer(
        { ...keys, ca: readFileSync(file('ca.pem')), requestCert: true, rejectUnauthorized: true },
        pass,
      ),
    );
    const relay = http.createServer((ask, answer) => {
      through.push(`${ask.method} ${ask.url} ${ask.headers['proxy-authorization'] ?? '-'}`);
      const url = new URL(ask.url!);
      const onward = http.request(
        {
          host: url.hostname,
          port: url.port,
          path: url.pathname + url.search,
          method: ask.method,
          headers: ask.headers,
        },
        (got) => {
          answer.writeHead(got.statusCode!, got.headers);
          got.pipe(answer);
        },
      );
      ask.pipe(onward);
    });
    relay.on('connect', (ask, socket: net.Socket) => {
      through.push(`CONNECT ${ask.url} ${ask.headers['proxy-authorization'] ?? '-'}`);
      const [host, port] = ask.url!.split(':');
      const onward = net.connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        onward.on('data', (chunk: Buffer) => (tunnelled += chunk.length));
        onward.pipe(socket);
        socket.pipe(onward);
      });
      for (const each of [socket, onward]) each.on('error', () => {});
    });
    proxy = await listen(relay);
  });

  it('an unknown authority is refused, unless it is named or checking is off', async () => {
    const url = `https://127.0.0.1:${secure}/hub.git`;
    await expect(fetchFrom(url)).rejects.toThrow(/SSL certificate problem/);
    await fetchFrom(url, { 'http.sslCAInfo': file('ca.pem') });
    await fetchFrom(url, { 'http.sslVerify': 'false' });
    await fetchFrom(url, { [`http.https://127.0.0.1:${secure}/.sslVerify`]: 'false' });
    await expect(fetchFrom(url, { 'http.https://elsewhere.org/.sslVerify': 'false' })).rejects.toThrow(
      /SSL certificate/,
    );
    await expect(fetchFrom(url, { 'http.sslCAInfo': file('nothing.pem') })).rejects.toThrow(
      /error setting certificate/,
    );
  });

  it('a client shows its certificate', async () => {
    const url = `https://localhost:${strict}/hub.git`;
    const ca = { 'http.sslCAInfo': file('ca.pem') };
    await expect(fetchFrom(url, ca)).rejects.toMatchObject({ code: 'TRANSPORT' });
    await fetchFrom(url, { ...ca, 'http.sslCert': file('client.pem'), 'http.sslKey': file('client.key') });
  });

  it('a proxy passes http on and makes tunnels for https', async () => {
    const plain = await listen(bough());
    through.length = 0;
    await fetchFrom(`http://127.0.0.1:${plain}/hub.git`, { 'http.proxy': `http://127.0.0.1:${proxy}` });
    expect(through.length).toBeGreaterThan(1);
    expect(through[0]).toMatch(/^GET http:\/\/127\.0\.0\.1:\d+\/hub\.git\/info\/refs\S* -$/);
    through.length = 0;
    await fetchFrom(`https://127.0.0.1:${secure}/hub.git`, {
      'http.proxy': `http://me:secret@127.0.0.1:${proxy}`,
      'http.sslCAInfo': file('ca.pem'),
    });
    const pair = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    expect(new Set(through)).toEqual(new Set([`CONNECT 127.0.0.1:${secure} ${pair}`]));
    expect(tunnelled).toBeGreaterThan(2000);
    // The tunnel does not make a stranger's certificate better.
    await expect(
      fetchFrom(`https://127.0.0.1:${secure}/hub.git`, { 'http.proxy': `http://127.0.0.1:${proxy}` }),
    ).rejects.toThrow(/SSL certificate problem/);
  });
});
