import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contents, init, nodePlatform, openRemote, openStore } from '../../src/index.js';
import { encodeText } from '../../src/base/bytes.js';
import type { Oid } from '../../src/base/oid.js';
import { Connections } from '../../src/server/connections.js';
import { openExported } from '../../src/server/export-paths.js';
import { serveGitSocket } from '../../src/server/git-service.js';
import { createHttpServer } from '../../src/server/http-server.js';
import { enterRepository } from '../../src/transport/enter-repository.js';
import { packet } from '../../src/transport/pkt-line.js';
import { ByteReader } from '../../src/transport/byte-stream.js';
import { uploadPack } from '../../src/transport/upload-pack.js';
import { Random } from '../support/random.js';

const env = {
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.com',
};
let place: string;
let head: Oid;
let httpPort: number;
let gitPort: number;
const servers: net.Server[] = [];
const complaints: string[] = [];
let connections: Connections;

const listen = (server: net.Server): Promise<number> => {
  servers.push(server);
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port)),
  );
};
let serial = 0;

/** Waits for it for ten seconds of turns at most, however busy the machine is. */
async function waitFor(done: () => boolean): Promise<void> {
  for (let i = 0; !done() && i < 100; i++) await new Promise((resolve) => setTimeout(resolve, 100));
}

function collectGarbage(): void {
  setFlagsFromString('--expose_gc');
  (runInNewContext('gc') as () => void)();
}

/** The others are served as if nothing were. */
async function othersAreServed(): Promise<void> {
  for (const url of [`http://127.0.0.1:${httpPort}/hub.git`, `git://127.0.0.1:${gitPort}/hub.git`]) {
    const client = await init(join(place, `client-${serial++}`), { env });
    await openRemote(url, { platform: nodePlatform, cwd: place }).fetch(client);
    expect(await client.refs.resolve('refs/remotes/origin/main')).toBe(head);
    client.close();
  }
}

/** A request whose answer is only counted; `undefined` where the connection was dropped. */
function post(path: string, headers: http.OutgoingHttpHeaders, body: Uint8Array): Promise<number | undefined> {
  return new Promise((resolve) => {
    const ask = http.request({ port: httpPort, host: '127.0.0.1', method: 'POST', path, headers }, (answer) => {
      answer.resume();
      answer.on('close', () => resolve(answer.complete ? answer.statusCode : undefined));
    });
    ask.on('error', () => resolve(undefined));
    ask.end(body);
  });
}

/** What the server says to bytes sent raw, until it hangs up. */
function raw(port: number, bytes: Uint8Array | string): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const socket = net.connect(port, '127.0.0.1', () => void socket.write(bytes));
    socket.on('data', (chunk) => (said += chunk.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => resolve(said));
  });
}

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'bough-hostile-'));
  const hub = await init(join(place, 'hub.git'), { bare: true, env });
  const store = await openStore(hub, contents.json(), { branch: 'main' });
  await store.put('a', 1, { message: 'a' });
  head = (await store.head())!.oid;
  const errors = (text: string) => void complaints.push(text);
  const server = createHttpServer({
    root: place,
    service: {
      platform: nodePlatform,
      env,
      agent: 'test',
      exportAll: true,
      receivePack: true,
      errors,
      maxInflated: 1 << 20,
      open: (directory, own) => enterRepository(nodePlatform, own, '/', directory, false),
    },
    authorize: () => Promise.resolve('allow'),
    maxBody: 1 << 20,
    headerMilliseconds: 500,
    log: () => {},
  });
  connections = new Connections({ total: 20, perAddress: 20, idleMilliseconds: 3000 });
  connections.attach(server);
  httpPort = await listen(server);
  gitPort = await listen(
    net.createServer({ allowHalfOpen: true }, (socket) => {
      void serveGitSocket(socket, {
        agent: 'test',
        firstMilliseconds: 500,
        log: () => {},
        errors,
        open: async (request) => {
          const found = openExported(request.path, request.host, 0, {
            platform: nodePlatform,
            env,
            basePath: place,
            strict: false,
            exportAll: true,
            allowed: [nodePlatform.fs.realPath(place) ?? place],
            log: () => {},
          });
          if (found === undefined) throw new Error(`no such repository: ${request.path}`);
          return found;
        },
      });
    }),
  );
});
afterAll(() => {
  for (const server of servers) {
    (server as http.Server).closeAllConnections?.();
    server.close();
  }
  connections.closeAll();
  rmSync(place, { recursive: true, force: true });
});

describe('a server does not suffer from', () => {
  it('a body that swells when it is unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(64 << 20));
    expect(bomb.length).toBeLessThan(1 << 17);
    complaints.length = 0;
    const headers = { 'Content-Type': 'application/x-git-upload-pack-request', 'Content-Encoding': 'gzip' };
    // Zeros are a bad packet at once; packets that are fine until there are too many of them are not.
    const many = gzipSync(Buffer.from(`0032want ${head}\n`.repeat(100_000)));
    for (const body of [bomb, many]) {
      await post('/hub.git/git-upload-pack', { ...headers, 'Content-Length': body.length }, body);
    }
    expect(complaints.join('')).toContain('request was larger than our maximum size');
    await othersAreServed();
  }, 300_000);

  it('a push of more than it wants, told before or found out', async () => {
    const type = { 'Content-Type': 'application/x-git-receive-pack-request' };
    expect(
      await post('/hub.git/git-receive-pack', { ...type, 'Content-Length': 2 << 20 }, new Uint8Array(2 << 20)),
    ).not.toBe(200);
    const command = packet(`${'0'.repeat(40)} ${head} refs/heads/x\0report-status`);
    const noise = Buffer.concat([command, encodeText('0000PACK\0\0\0\x02\0\0\0\x09'), Buffer.alloc(3 << 20, 0x9f)]);
    await post('/hub.git/git-receive-pack', { ...type, 'Transfer-Encoding': 'chunked' }, noise);
    await othersAreServed();
  }, 300_000);

  it('garbage, half sentences and silence', async () => {
    const random = new Random(3);
    const waits: Promise<string>[] = [];
    for (let i = 0; i < 8; i++)
      waits.push(
        raw(
          gitPort,
          Uint8Array.from({ length: 50 }, () => random.below(256)),
        ),
      );
    waits.push(raw(gitPort, '003agit-upload-pack /hub.git\0host=x\0'));
    waits.push(raw(gitPort, 'fff0'));
    waits.push(raw(gitPort, '0'));
    waits.push(raw(httpPort, 'GET /hub.git/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: x\r\n'));
    waits.push(raw(httpPort, `GET / HTTP/1.1\r\n${'X-Y: z\r\n'.repeat(500)}`));
    await othersAreServed();
    // Each is hung up on, the silent ones when their time is over.
    await Promise.all(waits);
    const outside = await raw(gitPort, Buffer.from('0026git-upload-pack /../../etc\0host=x\0'));
    expect(outside).toMatch(/ERR/);
    expect(await raw(gitPort, Buffer.from('0019git-shell-out /hub.git'))).toMatch(/^$|ERR/);
  }, 300_000);

  it('more callers than there is room for', async () => {
    const sockets = Array.from({ length: 60 }, () => net.connect(httpPort, '127.0.0.1'));
    for (const socket of sockets) socket.on('error', () => {});
    await waitFor(() => connections.refused > 0);
    expect(connections.size).toBeLessThanOrEqual(20);
    expect(connections.refused).toBeGreaterThan(0);
    // The silent ones are dropped in time, and there is room again.
    await waitFor(() => connections.size === 0);
    expect(connections.size).toBe(0);
    for (const socket of sockets) socket.destroy();
    await othersAreServed();
  }, 300_000);

  it('somebody who asks for much and does not read it', async () => {
    const big = await init(join(place, 'big.git'), { bare: true, env });
    // Noise has no deltas; looking for them would keep client and server, which share this process, busy.
    appendFileSync(join(place, 'big.git/config'), '[pack]\n\twindow = 0\n');
    const store = await openStore(big, contents.bytes, { branch: 'main' });
    let state = 9;
    for (let i = 0; i < 48; i++) {
      const noise = new Uint8Array(1 << 18);
      for (let at = 0; at < noise.length; at++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        noise[at] = state >>> 24;
      }
      await store.put(`noise-${i}`, noise, { message: 'noise' });
    }
    const tip = (await store.head())!.oid;
    collectGarbage();
    const { arrayBuffers } = process.memoryUsage();
    const want = Buffer.concat([
      packet('git-upload-pack /big.git\0host=x\0\0version=2\0'),
      packet('command=fetch'),
      encodeText('0001'),
      packet(`want ${tip}\n`),
      packet('done\n'),
      encodeText('0000'),
    ]);
    const sockets = Array.from({ length: 4 }, () => {
      const socket = net.connect(gitPort, '127.0.0.1', () => void socket.write(want));
      socket.on('error', () => {});
      socket.pause();
      return socket;
    });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await othersAreServed();
    // 4 x 12 MB are asked for; what is not taken is not made. What was let go does not count.
    collectGarbage();
    expect((process.memoryUsage().arrayBuffers - arrayBuffers) / 2 ** 20).toBeLessThan(32);
    for (const socket of sockets) socket.destroy();
    await othersAreServed();
  }, 300_000);

  it('trees within trees within trees', async () => {
    const deep = await init(join(place, 'deep.git'), { bare: true, env });
    const name = encodeText('40000 d\0');
    const bytesOf = (oid: string) => Uint8Array.from(oid.match(/../g)!.map((pair) => Number.parseInt(pair, 16)));
    let tree = await deep.objects.write('tree', new Uint8Array(0));
    for (let i = 0; i < 6000; i++) tree = await deep.objects.write('tree', Buffer.concat([name, bytesOf(tree)]));
    const who = 'A <a@example.com> 1700000000 +0000';
    const commit = await deep.objects.write(
      'commit',
      encodeText(`tree ${tree}\nauthor ${who}\ncommitter ${who}\n\ndeep\n`),
    );
    await deep.refs.update([{ name: 'refs/heads/main', to: commit }]);
    const client = await init(join(place, `client-${serial++}`), { env });
    const outcome = await openRemote(`git://127.0.0.1:${gitPort}/deep.git`, { platform: nodePlatform, cwd: place })
      .fetch(client)
      .then(
        () => 'done',
        (error: unknown) => (error as { code?: string }).code ?? String(error),
      );
    expect(outcome).toMatch(/^(?:done|TRANSPORT|LIMIT|PROTOCOL)$/);
    await othersAreServed();
  }, 300_000);

  it('leaves while its pack is made: that conversation ends, and no rejection is left to nobody', async () => {
    const repository = enterRepository(nodePlatform, env, '/', join(place, 'hub.git'), false);
    // Each object takes a turn of the event loop, as in a big repository.
    const instead = <T extends object>(target: T, replaced: Partial<Record<string, unknown>>): T =>
      new Proxy(target, {
        get: (from, name) => {
          if (typeof name === 'string' && Object.hasOwn(replaced, name)) return replaced[name];
          const value: unknown = Reflect.get(from, name, from);
          return typeof value === 'function' ? value.bind(from) : value;
        },
      });
    const turn = () => new Promise((resolve) => setTimeout(resolve, 1));
    const { objects } = repository;
    const slow = instead(repository, {
      objects: instead(objects, {
        readPassing: undefined,
        read: (oid: Oid) => turn().then(() => objects.read(oid)),
        readHeader: (oid: Oid) => turn().then(() => objects.readHeader(oid)),
      }),
    });
    const wanted = [packet(`want ${head} side-band-64k\n`), encodeText('0000'), packet('done\n')];
    let writes = 0;
    const gone = Object.assign(new Error('broken pipe'), { code: 'EPIPE' });
    const io = {
      input: new ByteReader(
        (async function* () {
          yield* wanted;
        })(),
      ),
      output: {
        write: async () => {
          if (++writes > 1) throw gone;
        },
        end: async () => {},
      },
      errors: () => {},
    };
    await expect(uploadPack(slow, io, { version: 0, stateless: true, agent: 'test' })).rejects.toBe(gone);
    repository.close();
  });
});
