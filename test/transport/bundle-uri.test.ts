import { createServer, type Server } from 'node:http';
import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nodePlatform } from '../../src/index.js';
import { fetchBundles } from '../../src/porcelain/bundle-uri.js';
import { openRepository } from '../../src/repo/repository.js';
import { parseBundleList, resolveBundleUri } from '../../src/transport/bundle-list.js';
import { type Sandbox, sharedSandbox } from '../support/sandbox.js';

/*
 *        7
 *      / | \        bundle 7: top, without lefter, merge, righter
 *     5  |  6       bundle 6: lefter righter, without left right
 *     |  4  |       bundle 4: merge, without left right
 *     | / \ |
 *     2     3       bundles 2 and 3: left and right, without base
 *      \   /
 *        1          bundle 1: base
 */
let box: Sandbox & { remove(): void };
let server: Server;
let base = '';
let asked: string[] = [];
const files = new Map<string, Buffer | string>();

beforeAll(async () => {
  box = sharedSandbox();
  box.git(['init', '-q', '-b', 'base', 'from']);
  const git = (...args: string[]) => box.git(args, { cwd: 'from' });
  const commit = (message: string) => git('commit', '-q', '--allow-empty', '-m', message);
  commit('1');
  git('checkout', '-q', '-b', 'left');
  commit('2');
  git('checkout', '-q', '-b', 'right', 'base');
  commit('3');
  git('checkout', '-q', '-b', 'merge', 'left');
  git('merge', '-q', '-m', '4', 'right');
  git('checkout', '-q', '-b', 'lefter', 'left');
  commit('5');
  git('checkout', '-q', '-b', 'righter', 'right');
  commit('6');
  git('checkout', '-q', '-b', 'top', 'lefter');
  git('merge', '-q', '-m', '7', 'merge', 'righter');
  for (const [number, ...words] of [
    ['1', 'base'],
    ['2', 'base..left'],
    ['3', 'base..right'],
    ['4', 'merge', '--not', 'left', 'right'],
    ['6', 'lefter', 'righter', '--not', 'left', 'right'],
    ['7', 'top', '--not', 'lefter', 'merge', 'righter'],
  ]) {
    git('bundle', 'create', '-q', `../${number}.bundle`, ...words);
    files.set(`/${number}.bundle`, readFileSync(box.path(`${number}.bundle`)));
  }
  server = createServer((request, response) => {
    asked.push(request.url!.replace(/^\/|\.bundle$/g, ''));
    const file = files.get(request.url!);
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  box.remove();
});

/** A list with tokens; what is not among the numbers there leads nowhere. */
function list(numbers: readonly number[], broken: readonly number[] = [], heuristic = true): void {
  files.set(
    '/list',
    `[bundle]\nversion = 1\nmode = all\n${heuristic ? 'heuristic = creationToken\n' : ''}${numbers
      .map((n) => `[bundle "b${n}"]\nuri = ${broken.includes(n) ? 'fake' : `${n}.bundle`}\ncreationToken = ${n}\n`)
      .join('')}`,
  );
}

async function take(place: string, uri = `${base}/list`) {
  asked = [];
  let said = '';
  const repository = openRepository({ platform: nodePlatform, env: box.env, cwd: box.path(place) });
  const result = await fetchBundles(
    repository,
    uri,
    {
      platform: nodePlatform,
      env: box.env,
      cwd: box.directory,
      config: repository.config,
      agent: 'test',
      errors: () => {},
    },
    { say: (text) => (said += text) },
  );
  repository.close();
  const refs = box.git(['for-each-ref', '--format=%(refname:lstrip=3)', 'refs/bundles/'], { cwd: place });
  const token = box.tryGit(['config', 'fetch.bundleCreationToken'], { cwd: place }).stdout.trim();
  box.fsck(place);
  return { ...result, asked: asked.join(' '), refs: refs.trim().split('\n').join(' '), token, said };
}

let serial = 0;
function fresh(): string {
  const place = `c${serial++}`;
  box.git(['init', '-q', place]);
  return place;
}

it('tokens: down to what fits, then up again', async () => {
  list([1, 2, 3, 4]);
  expect(await take(fresh())).toMatchObject({
    ok: true,
    asked: 'list 4 3 2 1',
    refs: 'base left merge right',
    token: '4',
  });
  list([1, 2, 3, 4], [1]);
  expect(await take(fresh())).toMatchObject({ ok: false, asked: 'list 4 3 2 fake', refs: '', token: '' });
  list([1, 2, 3, 4], [2]);
  expect(await take(fresh())).toMatchObject({ ok: false, asked: 'list 4 3 fake 1', refs: 'base right', token: '' });
  list([1, 2, 3, 4], [4]);
  const some = await take(fresh());
  expect(some).toMatchObject({ ok: true, asked: 'list fake 3 2 1', refs: 'base left right', token: '3' });
  expect(some.said).toBe(`warning: failed to download bundle from URI '${base}/fake'\n`);
}, 300_000);

it('tokens: a later fetch takes only what is newer', async () => {
  const all = [1, 2, 3, 4, 6, 7];
  for (const [broken, expected] of [
    [[], { ok: true, asked: 'list 7 6 4', refs: 'base left lefter merge right righter top', token: '7' }],
    [[6], { ok: false, asked: 'list 7 fake 4', refs: 'base left merge right', token: '3' }],
    [[7], { ok: true, asked: 'list fake 6', refs: 'base left lefter right righter', token: '6' }],
  ] as const) {
    const place = fresh();
    list([1, 2, 3]);
    expect(await take(place)).toMatchObject({ ok: true, token: '3' });
    list(all, broken);
    expect(await take(place)).toMatchObject(expected);
  }
}, 300_000);

it('without tokens all are taken, in whatever order they fit', async () => {
  list([7, 4, 6, 3, 2, 1], [], false);
  expect(await take(fresh())).toMatchObject({
    ok: true,
    hasHeuristic: false,
    asked: 'list 7 4 6 3 2 1',
    refs: 'base left lefter merge right righter top',
    token: '',
  });
  list([7, 4, 6, 3, 2, 1], [3], false);
  expect(await take(fresh())).toMatchObject({ ok: false, refs: 'base left' });
  files.set(
    '/any',
    `[bundle]\nversion=1\nmode=any\n[bundle "x"]\nuri=fake\n[bundle "y"]\nuri=1.bundle\n[bundle "z"]\nuri=2.bundle\n`,
  );
  expect(await take(fresh(), `${base}/any`)).toMatchObject({ ok: true, asked: 'any fake 1', refs: 'base' });
  files.set('/loop', '[bundle]\nversion=1\nmode=all\n[bundle "x"]\nuri=loop\n');
  expect(await take(fresh(), `${base}/loop`)).toMatchObject({ ok: false, refs: '' });
  files.set('/inner', `[bundle]\nversion=1\nmode=all\n[bundle "y"]\nuri=1.bundle\n`);
  files.set('/outer', `[bundle]\nversion=1\nmode=all\n[bundle "x"]\nuri=inner\n`);
  expect(await take(fresh(), `${base}/outer`)).toMatchObject({ ok: true, asked: 'outer inner 1', refs: 'base' });
  files.set('/bogus', 'bogus\n');
  expect(await take(fresh(), `${base}/bogus`)).toMatchObject({
    ok: false,
    said: `error: file at URI '${base}/bogus' is not a bundle or bundle list\n`,
  });
}, 300_000);

it('a server cannot lead to files of this machine', async () => {
  const file = box.path('mine.bundle');
  writeFileSync(file, files.get('/1.bundle')!);
  const words = `[bundle]\nversion=1\nmode=all\n[bundle "x"]\nuri=file://${file}\n`;
  files.set('/leads-here', words);
  expect(await take(fresh(), `${base}/leads-here`)).toMatchObject({
    ok: false,
    refs: '',
    said: `error: transport 'file' not allowed\nwarning: failed to download bundle from URI 'file://${file}'\n`,
  });
  writeFileSync(box.path('own-list'), words);
  expect(await take(fresh(), box.path('own-list'))).toMatchObject({ ok: true, refs: 'base' });
}, 300_000);

it('what a server tells of is named relative to the server', () => {
  box.git(['clone', '-q', '--bare', 'from', 'hub.git']);
  for (const [key, value] of [
    ['uploadpack.advertiseBundleURIs', 'true'],
    ['bundle.version', '1'],
    ['bundle.mode', 'all'],
    ['bundle.one.uri', '../1.bundle'],
  ]) {
    box.git(['config', key!, value!], { cwd: 'hub.git' });
  }
  box.bough(['-c', 'transfer.bundleURI=true', 'clone', '-q', `file://${box.path('hub.git')}`, 'told']);
  expect(box.git(['for-each-ref', '--format=%(refname)', 'refs/bundles/'], { cwd: 'told' })).toBe(
    'refs/bundles/heads/base\n',
  );
});

it('names relative to their list', () => {
  for (const [from, uri, to] of [
    ['http://h/a/list', 'b.bundle', 'http://h/a/b.bundle'],
    ['http://h/a/list', '/b.bundle', 'http://h/b.bundle'],
    ['http://h/a/c/list', '../b.bundle', 'http://h/a/b.bundle'],
    ['/x/list', 'b.bundle', '/x/b.bundle'],
    ['file:///x/hub.git/', '../b.bundle', 'file:///x/b.bundle'],
    ['http://h/list', 'https://o/b', 'https://o/b'],
  ]) {
    expect(resolveBundleUri(from!, uri!)).toBe(to);
  }
  const text = (words: string) => parseBundleList(new TextEncoder().encode(words), '');
  expect(text('[bundle]\nversion = 2\nmode = all\n')).toBeUndefined();
  expect(text('[bundle]\nversion = 1\nmode = some\n')).toBeUndefined();
  expect(text('[bundle\n')).toBeUndefined();
});
