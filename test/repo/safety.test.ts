import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { type Sandbox, sandbox } from '../support/sandbox.js';
import { current, since } from '../support/version.js';

/** Both programs asked the same, with these user settings. */
function ask(
  box: Sandbox,
  cwd: string,
  settings: string,
  env: Record<string, string> = {},
  words = ['rev-parse', '--git-dir'],
) {
  writeFileSync(box.path('user'), settings);
  const options = { cwd, env: { GIT_CONFIG_GLOBAL: box.path('user'), ...env } };
  const theirs = box.tryGit(words, options);
  const ours = box.tryBough(words, options);
  expect([cwd, settings, ours.code, ours.stdout]).toEqual([cwd, settings, theirs.code, theirs.stdout]);
  expect(ours.stderr.split('\n')[0]).toBe(theirs.stderr.split('\n')[0]);
  return ours.code;
}

test('safe.bareRepository: only what is named, or lies in a .git folder, is used when it is explicit', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'r']);
  box.git(['init', '-q', '--bare', '-b', 'main', 'r/bare']);
  for (const value of ['all', 'explicit']) {
    const settings = `[safe]\n\tbareRepository = ${value}\n`;
    expect(ask(box, 'r/bare', settings)).toBe(value === 'all' ? 0 : 128);
    expect(ask(box, 'r/bare/refs', settings)).toBe(value === 'all' ? 0 : 128);
    expect(ask(box, 'r/bare', settings, { GIT_DIR: '.' })).toBe(0);
    // Older releases refuse that too.
    if (current) expect(ask(box, 'r/.git/refs', settings)).toBe(0);
    expect(ask(box, 'r', settings)).toBe(0);
  }
});

test('safe.directory: what belongs to somebody else is refused unless it is named', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'r']);
  const strange = { GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' };
  expect(ask(box, 'r', '', strange)).toBe(128);
  expect(ask(box, 'r', `[safe]\n\tdirectory = ${box.path('r')}\n`, strange)).toBe(0);
  expect(ask(box, 'r', '[safe]\n\tdirectory = *\n', strange)).toBe(0);
  expect(ask(box, 'r', '[safe]\n\tdirectory = *\n\tdirectory =\n', strange)).toBe(128);
  expect(ask(box, 'r', `[safe]\n\tdirectory = ${box.path('other')}\n`, strange)).toBe(128);
});

test('a repository of an unknown format or extension is refused', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'r']);
  for (const [version, extension] of [
    [1, 'fancy = true'],
    [2, ''],
    [1, 'objectFormat = md5'],
    [0, 'noop = true'],
    [1, 'noop-v1 = true'],
  ] as const) {
    writeFileSync(
      box.path('r/.git/config'),
      `[core]\n\trepositoryformatversion = ${version}\n\tbare = false\n[extensions]\n\t${extension}\n`,
    );
    ask(box, 'r', '', {}, ['rev-parse', '--show-toplevel']);
  }
});

test('variables name git folder, work tree, objects, index and ceilings', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'r']);
  box.git(['commit', '-q', '--allow-empty', '-m', 'x'], { cwd: 'r' });
  box.git(['init', '-q', '-b', 'main', 'other']);
  box.run('mkdir', ['-p', 'r/a/b', 'tree', 'outside']);
  const all = ['rev-parse', '--git-dir', '--is-bare-repository', '--is-inside-work-tree', '--show-prefix'];
  for (const [cwd, env] of [
    ['r/a/b', {}],
    ['outside', { GIT_DIR: '../r/.git' }],
    ['tree', { GIT_DIR: '../r/.git', GIT_WORK_TREE: '.' }],
    ['tree', { GIT_DIR: '../r/.git', GIT_WORK_TREE: '..' }],
    ['r/a', { GIT_WORK_TREE: '..' }],
    ['r/a/b', { GIT_CEILING_DIRECTORIES: box.path('r') }],
    ['r/a/b', { GIT_CEILING_DIRECTORIES: box.path('r/a') }],
    ['r', { GIT_DIR: '/nowhere' }],
    ['tree', { GIT_DIR: '../r/.git', GIT_WORK_TREE: '/no/where' }],
  ] as const)
    ask(box, cwd, '', env, all);
  const head = ['cat-file', '-t', box.git(['rev-parse', 'HEAD'], { cwd: 'r' }).trim()];
  expect(ask(box, 'other', '', { GIT_OBJECT_DIRECTORY: box.path('r/.git/objects') }, head)).toBe(0);
  expect(ask(box, 'other', '', { GIT_ALTERNATE_OBJECT_DIRECTORIES: box.path('r/.git/objects') }, head)).toBe(0);
  expect(ask(box, 'other', '', {}, head)).toBe(128);
  expect(ask(box, 'r', '', { GIT_INDEX_FILE: box.path('index') }, ['ls-files'])).toBe(0);
});

test('a name in an object that leads out of the store as a path is no name', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'r']);
  // As a path below the store this is a device that never ends.
  const up = '../../../../../../../../..';
  for (const name of [`${up}/dev/zero`.padStart(40, '/'), `${up}${'/'.repeat(40 - up.length - 8)}dev/zero`]) {
    expect(name.length).toBe(40);
    const who = 'a <a@x> 1 +0000';
    const write = (kind: string, text: string): string =>
      box.git(['hash-object', '-w', '-t', kind, '--literally', '--stdin'], { cwd: 'r', input: text }).trim();
    const commit = write('commit', `tree ${name}\nauthor ${who}\ncommitter ${who}\n\nm\n`);
    const tag = write('tag', `object ${name}\ntype commit\ntag t\ntagger ${who}\n\nm\n`);
    writeFileSync(box.path('r/.git/refs/heads/main'), `${commit}\n`);
    writeFileSync(box.path('r/.git/refs/tags/t'), `${tag}\n`);
    for (const words of [
      ['log', '-p'],
      ['status'],
      ['checkout', '-f'],
      ['rev-list', '--objects', '--all'],
      ['ls-tree', '-r', 'HEAD'],
      ['cat-file', '-p', 'HEAD^{tree}'],
      ['cat-file', '-p', 't^{}'],
      ['for-each-ref', '--format=%(*objectname) %(*objecttype)'],
    ]) {
      expect([words, box.tryBough(words, { cwd: 'r' }).code]).toEqual([words, 128]);
    }
    expect(box.tryBough(['fsck'], { cwd: 'r' }).code).toBeGreaterThan(0);
  }
}, 300_000);

test('trees that lie too deep are refused as git refuses them, and those at the limit are not', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'r']);
  const put = (kind: string, body: Uint8Array | string): string => {
    const bytes = Buffer.from(body);
    const data = Buffer.concat([Buffer.from(`${kind} ${bytes.length}\0`), bytes]);
    const oid = createHash('sha1').update(data).digest('hex');
    mkdirSync(box.path(`r/.git/objects/${oid.slice(0, 2)}`), { recursive: true });
    writeFileSync(box.path(`r/.git/objects/${oid.slice(0, 2)}/${oid.slice(2)}`), deflateSync(data, { level: 1 }));
    return oid;
  };
  const row = (head: string, oid: string) => Buffer.concat([Buffer.from(`${head}\0`), Buffer.from(oid, 'hex')]);
  const commit = (tree: string) =>
    put('commit', `tree ${tree}\nauthor a <a@x> 1 +0000\ncommitter a <a@x> 1 +0000\n\nm\n`);
  let tree = put('tree', row('100644 f', put('blob', 'x\n')));
  const tags: Record<number, string> = { 2048: 'limit', 2049: 'above' };
  for (let depth = 1; depth <= 2049; depth++) {
    tree = put('tree', row('40000 d', tree));
    const tag = tags[depth];
    if (tag !== undefined) writeFileSync(box.path(`r/.git/refs/tags/${tag}`), `${commit(tree)}\n`);
  }
  for (const tag of Object.values(tags)) {
    for (const words of [
      ['ls-tree', '-r', tag],
      ['diff-tree', '-r', '--root', tag],
      ['rev-list', '--objects', tag],
      ['read-tree', tag],
      ['log', '--stat', '--format=%s', tag],
      ['fast-export', tag],
    ]) {
      const theirs = box.tryGit(words, { cwd: 'r' });
      const ours = box.tryBough(words, { cwd: 'r' });
      expect([words, ours.code === 0]).toEqual([words, tag === 'limit']);
      // older releases have another limit, or none
      if (since(43)) expect([words, theirs.code === 0]).toEqual([words, tag === 'limit']);
      if (ours.code === 0) expect([words, ours.stdout === theirs.stdout]).toEqual([words, true]);
      else expect([words, ours.stderr]).toEqual([words, expect.stringContaining('maximum allowed tree depth')]);
    }
  }
}, 300_000);

test('a symbolic link in place of a directory leads nothing outside the work tree', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'r']);
  mkdirSync(box.path('r/a'));
  mkdirSync(box.path('out'));
  for (const file of ['a/f', 'k']) writeFileSync(box.path(`r/${file}`), '1\n');
  box.git(['add', '.'], { cwd: 'r' });
  box.git(['commit', '-qm', 'with a/f'], { cwd: 'r' });
  box.git(['rm', '-rq', 'a'], { cwd: 'r' });
  box.git(['commit', '-qm', 'without'], { cwd: 'r' });
  for (const words of [
    ['checkout', '-q', 'main'],
    ['checkout', '-q', '-f', 'main'],
    ['reset', '-q', '--hard', 'main'],
    ['rm', '-rqf', 'a/f'],
    ['read-tree', '-m', '-u', 'HEAD', 'main'],
    ['merge', '-q', 'main'],
    ['stash', '-q'],
    ['restore', 'a/f'],
    ['mv', 'k', 'a/k'],
    ['clean', '-fdxq'],
    ['checkout-index', '-fa'],
  ]) {
    box.git(['checkout', '-qf', '--detach', 'main'], { cwd: 'r' });
    box.git(['checkout', '-qf', 'HEAD~'], { cwd: 'r' });
    rmSync(box.path('r/a'), { recursive: true });
    symlinkSync('../out', box.path('r/a'));
    writeFileSync(box.path('out/f'), 'precious\n');
    box.tryBough(words, { cwd: 'r' });
    expect([words, readdirSync(box.path('out')), readFileSync(box.path('out/f'), 'utf8')]).toEqual([
      words,
      ['f'],
      'precious\n',
    ]);
    if (lstatSync(box.path('r/a'), { throwIfNoEntry: false })?.isSymbolicLink() === true) rmSync(box.path('r/a'));
  }
}, 300_000);

test('a repository that is served names no program to run; settings of the user may', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'r']);
  box.git(['commit', '-q', '--allow-empty', '-m', 'x'], { cwd: 'r' });
  const hook = `touch ${box.path('ran')}; exec`;
  box.git(['config', 'uploadpack.packObjectsHook', hook], { cwd: 'r' });
  box.bough(['clone', '-q', '--bare', `file://${box.path('r')}`, 'one']);
  expect(existsSync(box.path('ran'))).toBe(false);
  box.git(['config', '-f', box.path('user'), 'uploadpack.packObjectsHook', hook]);
  const env = { GIT_CONFIG_GLOBAL: box.path('user') };
  box.bough(['clone', '-q', '--bare', `file://${box.path('r')}`, 'two'], { env });
  expect(existsSync(box.path('ran'))).toBe(true);
  expect(box.git(['rev-parse', 'main'], { cwd: 'one' })).toBe(box.git(['rev-parse', 'main'], { cwd: 'two' }));
});
