import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import { init, nodePlatform, openRemote } from '../../src/index.js';
import { sandbox } from '../support/sandbox.js';

/** The files of a folder, and nothing more clever. */
async function webServer(folder: string): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url!.split('?')[0]!;
    asked.push(path);
    const file = join(folder, path);
    const there = existsSync(file) && statSync(file).isFile();
    response.setHeader('content-type', 'text/plain');
    if (!there) return void response.writeHead(404).end();
    // Many a server compresses text for who takes it so.
    if (request.headers['accept-encoding'] !== 'gzip') return void response.end(readFileSync(file));
    response.setHeader('content-encoding', 'gzip');
    response.end(gzipSync(readFileSync(file)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

it.each(['sha1', 'sha256'] as const)(
  'fetches loose objects and packs from plain files (%s)',
  async (format) => {
    const box = sandbox();
    box.git(['init', '-q', '-b', 'main', `--object-format=${format}`, 'w']);
    const commit = (n: number) => {
      writeFileSync(box.path('w', `f${n}`), `${n}\n`.repeat(n * 50));
      box.git(['add', '.'], { cwd: 'w' });
      box.git(['commit', '-q', '-m', `c${n}`], { cwd: 'w' });
    };
    const publish = () => {
      box.git(['push', '-q', '--mirror', '../hub.git'], { cwd: 'w' });
      box.git(['update-server-info'], { cwd: 'hub.git' });
    };
    box.git(['init', '-q', '--bare', `--object-format=${format}`, 'hub.git']);
    box.git(['symbolic-ref', 'HEAD', 'refs/heads/main'], { cwd: 'hub.git' });
    for (let i = 1; i <= 5; i++) commit(i);
    publish();
    box.git(['repack', '-q', '-d'], { cwd: 'hub.git' });
    box.git(['tag', '-m', 't', 't', 'HEAD~1'], { cwd: 'w' });
    for (let i = 6; i <= 9; i++) commit(i);
    publish();
    const web = await webServer(box.directory);
    const client = await init(box.path('c'), { env: box.env, objectFormat: format });
    const remote = openRemote(`${web.url}/hub.git`, { platform: nodePlatform, cwd: box.directory, env: box.env });
    await remote.fetch(client);
    const refs = (place: string, below: string) =>
      box.git(['for-each-ref', '--format=%(objectname) %(refname:lstrip=-1)', below], { cwd: place });
    expect(refs('c', 'refs/remotes/origin/')).toBe(refs('hub.git', 'refs/heads/'));
    box.fsck('c');
    const packs = (list: readonly string[]) => list.filter((path) => path.endsWith('.pack'));
    expect(packs(web.asked)).toHaveLength(1);
    // Later only what is new is asked for: no pack again, no object that is here.
    web.asked.length = 0;
    commit(10);
    publish();
    await remote.fetch(client);
    expect(refs('c', 'refs/remotes/origin/')).toBe(refs('hub.git', 'refs/heads/'));
    expect(packs(web.asked)).toEqual([]);
    expect(web.asked.filter((path) => /objects\/[0-9a-f]{2}\//.test(path))).toHaveLength(3);
    box.fsck('c');
  },
  300_000,
);

it('what is damaged or missing on the server is refused', async () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'hub']);
  for (let i = 0; i < 3; i++) {
    writeFileSync(box.path('hub', 'f'), `${i}\n`);
    box.git(['add', '.'], { cwd: 'hub' });
    box.git(['commit', '-q', '-m', `c${i}`], { cwd: 'hub' });
  }
  box.git(['update-server-info'], { cwd: 'hub' });
  const web = await webServer(box.directory);
  const objects = readdirSync(box.path('hub/.git/objects'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /^[0-9a-f]{2}\/[0-9a-f]+$/.test(name),
  );
  expect(objects).toHaveLength(9);
  const tries: [string, Buffer][] = [];
  for (const name of objects) {
    const whole = readFileSync(box.path('hub/.git/objects', name));
    const other = readFileSync(box.path('hub/.git/objects', objects[(objects.indexOf(name) + 1) % objects.length]!));
    tries.push([name, whole.subarray(0, whole.length >> 1)], [name, other], [name, Buffer.from('<html>no</html>')]);
  }
  const remote = () => openRemote(`${web.url}/hub/.git`, { platform: nodePlatform, cwd: box.directory, env: box.env });
  for (const [name, bytes] of tries) {
    const file = box.path('hub/.git/objects', name);
    const whole = readFileSync(file);
    box.run('chmod', ['u+w', file]);
    writeFileSync(file, bytes);
    box.run('rm', ['-rf', 'c']);
    const client = await init(box.path('c'), { env: box.env });
    web.asked.length = 0;
    const why = await remote()
      .fetch(client)
      .then(
        () => `nothing; asked for ${web.asked.join(' ')}`,
        (error: Error) => error.message,
      );
    expect([name, bytes.length, why]).toEqual([name, bytes.length, expect.stringMatching(/corrupt|fetch failed/)]);
    expect(box.git(['for-each-ref'], { cwd: 'c' })).toBe('');
    writeFileSync(file, whole);
  }
  box.run('rm', ['-rf', 'c']);
  await remote().fetch(await init(box.path('c'), { env: box.env }));
  box.fsck('c');
}, 300_000);

it('a server whose alternates never end is left', async () => {
  const box = sandbox();
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    const place = /^\/(\d+)\/objects\/info\/http-alternates$/.exec(request.url!)?.[1];
    if (request.url!.startsWith('/0/info/refs')) response.end(`${'1'.repeat(40)}\trefs/heads/main\n`);
    else if (place !== undefined) response.end(`/${Number(place) + 1}/objects\n`);
    else response.writeHead(404).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/0`;
  const client = await init(box.path('c'), { env: box.env });
  const remote = (env: Record<string, string>) =>
    openRemote(url, { platform: nodePlatform, cwd: box.directory, env: { ...box.env, ...env } });
  await expect(remote({}).fetch(client)).rejects.toThrow('fetch failed');
  expect(asked).toBeLessThan(10);
  const always = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'http.followRedirects', GIT_CONFIG_VALUE_0: 'true' };
  await expect(remote(always).fetch(client)).rejects.toThrow('too many alternate object stores');
});
