import { existsSync, readFileSync, symlinkSync, writeFileSync, mkdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Sandbox, sandbox } from '../support/sandbox.js';

function repository(...init: string[]): Sandbox {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', ...init, 'r']);
  return new Proxy(box, {
    get(target, name) {
      if (name === 'values') return (args: string[], options = {}) => target.values(args, { cwd: 'r', ...options });
      if (name === 'git') return (args: string[], options = {}) => target.git(args, { cwd: 'r', ...options });
      return Reflect.get(target, name);
    },
  });
}

describe('put and get', () => {
  test.each(['sha1', 'sha256'])('a value goes in, comes back, and stock git sees a clean work tree (%s)', (format) => {
    const box = repository(`--object-format=${format}`);
    const put = box.values(['put', 'a/b', 'hello']);
    expect(put).toMatchObject({ code: 0, stderr: '' });
    expect(put.stdout).toMatch(/^\[main [0-9a-f]{7}\] put a\/b\n$/);
    expect(box.values(['get', 'a/b'])).toMatchObject({ code: 0, stdout: 'hello\n', stderr: '' });
    expect(box.git(['status', '--porcelain'])).toBe('');
    expect(box.git(['log', '--format=%an %s'])).toBe('A U Thor put a/b\n');
    expect(readFileSync(box.path('r/a/b'), 'utf8')).toBe('hello\n');
    box.fsck('r');
  });

  test('absent is no output and exit 1', () => {
    const box = repository();
    expect(box.values(['get', 'nothing'])).toMatchObject({ code: 1, stdout: '', stderr: '' });
    box.values(['put', 'd/x', '1']);
    expect(box.values(['get', 'd'])).toMatchObject({ code: 1, stdout: '' });
  });

  test('any bytes, from stdin', () => {
    const box = repository();
    const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 256));
    box.values(['put', 'bin', '-'], { input: bytes });
    expect(box.values(['get', 'bin']).raw.equals(bytes)).toBe(true);
    expect(box.git(['status', '--porcelain'])).toBe('');
  });

  test('--expect compares and swaps', () => {
    const box = repository();
    expect(box.values(['put', '--expect', 'absent', 'k', '1']).code).toBe(0);
    const { oid } = JSON.parse(box.values(['get', '--json', 'k']).stdout);
    expect(box.values(['put', '--expect', 'absent', 'k', '2'])).toMatchObject({ code: 1, stdout: '' });
    expect(box.values(['put', '--expect', oid, 'k', '2']).code).toBe(0);
    expect(box.values(['put', '--expect', oid, 'k', '3'])).toMatchObject({ code: 1 });
    expect(box.values(['get', 'k']).stdout).toBe('2\n');
  });

  test('a type refuses what is no such value', () => {
    const box = repository();
    expect(box.values(['put', '--type', 'counter', 'n', 'twelve'])).toMatchObject({ code: 128, stdout: '' });
    expect(box.values(['put', '--type', 'counter', 'n', '12']).code).toBe(0);
    expect(JSON.parse(box.values(['get', '--type', 'counter', '--json', 'n']).stdout).value).toBe(12);
    expect(box.values(['put', '--type', 'json', 'j', '{"a":1}']).code).toBe(0);
    expect(box.values(['get', '--type', 'json', 'j']).stdout).toBe('{\n  "a": 1\n}\n');
    expect(box.values(['put', '--type', 'nonsense', 'j', '1']).stderr).toContain("unknown type of value 'nonsense'");
  });

  test('another branch, another revision, a bare repository', () => {
    const box = repository('--bare');
    box.values(['put', '--branch', 'x/y', 'a', '1']);
    box.values(['put', '--branch', 'x/y', 'a', '2']);
    expect(box.values(['get', '--branch', 'x/y', 'a']).stdout).toBe('2\n');
    const first = box.git(['rev-parse', 'x/y~1']).trim();
    expect(box.values(['get', '--at', first, 'a']).stdout).toBe('1\n');
    expect(box.values(['get', '--at', 'no-such', 'a'])).toMatchObject({
      code: 128,
      stderr: "fatal: bad revision 'no-such'\n",
    });
    box.fsck('r');
  });

  test('unsafe paths are refused', () => {
    const box = repository();
    for (const path of ['../x', '.git/config', 'a/../../x', 'GIT~1/x', 'a/.Git/hooks/post-commit']) {
      expect(box.values(['put', path, '1'])).toMatchObject({ code: 128, stdout: '' });
    }
    expect(existsSync(box.path('x'))).toBe(false);
  });
});

describe('many values', () => {
  test('put --stdin commits a stream once; -z takes any bytes', () => {
    const box = repository();
    expect(box.values(['put', '--stdin'], { input: 'a\t1\nb/c\t2\tand more\n' }).stdout).toMatch(/put 2 values\n$/);
    expect(box.values(['put', '--stdin', '-z', '-m', 'raw'], { input: 'with\nnewline\0x\ny\0é\0\xff\0' }).code).toBe(0);
    expect(box.values(['get', 'b/c']).stdout).toBe('2\tand more\n');
    expect(box.values(['get', 'with\nnewline']).stdout).toBe('x\ny');
    expect(box.values(['list', '-r', '-z']).stdout).toBe('a\0b/c\0with\nnewline\0é\0');
    expect(box.git(['log', '--format=%s'])).toBe('raw\nput 2 values\n');
    expect(box.git(['status', '--porcelain'])).toBe('');
    box.fsck('r');
  });

  test('a broken stream writes nothing', () => {
    const box = repository();
    expect(box.values(['put', '--stdin'], { input: 'a\t1\nno tab\n' })).toMatchObject({ code: 128 });
    expect(box.values(['put', '--stdin', '-z'], { input: 'a\0' })).toMatchObject({ code: 128 });
    expect(box.git(['count-objects'])).toBe('0 objects, 0 kilobytes\n');
  });

  test('remove takes several, prunes, and keeps the work tree in step', () => {
    const box = repository();
    box.values(['put', '--stdin'], { input: 'a/b/c\t1\nd\t2\ne\t3\n' });
    expect(box.values(['remove', 'a/b/c', 'd']).code).toBe(0);
    expect(box.values(['list']).stdout).toBe('e\n');
    expect(existsSync(box.path('r/a'))).toBe(false);
    expect(box.git(['status', '--porcelain'])).toBe('');
    expect(box.values(['remove', 'nothing']).stdout).toBe('[main] nothing changed\n');
  });

  test('list: one level, long, recursive, JSON', () => {
    const box = repository();
    box.values(['put', '--stdin'], { input: 'foo/x\t1\nfoo.c\t2\nfoo1\t3\n' });
    expect(box.values(['list']).stdout).toBe('foo.c\nfoo/\nfoo1\n');
    expect(box.values(['list', 'foo']).stdout).toBe('x\n');
    expect(box.values(['list', '-l', 'foo.c']).stdout).toBe(
      '100644 value     0cfbf08886fca9a91cb753ec8734c84fcbe52c9f       2\tfoo.c\n',
    );
    expect(box.values(['list', 'none'])).toMatchObject({ code: 1, stdout: '' });
    expect(
      box
        .values(['list', '--json'])
        .stdout.trim()
        .split('\n')
        .map((line) => JSON.parse(line).path),
    ).toEqual(['foo.c', 'foo', 'foo1']);
  });
});

describe('transact', () => {
  test('reads, tests and writes are one commit on one snapshot', () => {
    const box = repository();
    box.values(['put', 'n', '1']);
    const ran = box.values(['transact', '-m', 'both'], {
      input: '# a comment\ntest n 1\nabsent m\nget n\nput n 2\nput m 5\nget m\nlist\n',
    });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^1\n5\nm\nn\n\[main [0-9a-f]{7}\] both\n$/);
    expect(box.git(['log', '--format=%s'])).toBe('both\nput n\n');
  });

  test('a test that fails writes nothing', () => {
    const box = repository();
    box.values(['put', 'n', '1']);
    expect(box.values(['transact'], { input: 'put n 2\ntest n 1\n' })).toMatchObject({
      code: 1,
      stderr: "error: 'n' is another value\nhint: nothing was written\n",
    });
    expect(box.values(['transact'], { input: 'put x 2\nabsent n\n' })).toMatchObject({ code: 1 });
    expect(box.values(['get', 'n']).stdout).toBe('1\n');
    expect(box.values(['transact'], { input: 'frobnicate n\n' })).toMatchObject({ code: 128 });
    expect(box.git(['rev-list', '--count', 'HEAD'])).toBe('1\n');
  });
});

describe('the work tree of a checked-out branch', () => {
  test('a changed, staged or untracked file in the way refuses, names it and loses nothing', () => {
    const box = repository();
    box.values(['put', '--stdin'], { input: 'a\t1\nb\t1\n' });
    writeFileSync(box.path('r/a'), 'mine\n');
    writeFileSync(box.path('r/new'), 'mine\n');
    writeFileSync(box.path('r/b'), 'staged\n');
    box.git(['add', 'b']);
    for (const path of ['a', 'b', 'new']) {
      const ran = box.values(['put', path, 'theirs']);
      expect(ran.code).toBe(128);
      expect(ran.stderr).toContain(`\t${path}\n`);
      expect(ran.stderr).toContain('hint: commit or stash them first');
    }
    expect(box.values(['remove', 'a']).code).toBe(128);
    expect(readFileSync(box.path('r/a'), 'utf8')).toBe('mine\n');
    expect(readFileSync(box.path('r/new'), 'utf8')).toBe('mine\n');
    expect(box.git(['rev-list', '--count', 'HEAD'])).toBe('1\n');
    expect(box.values(['put', 'c', 'elsewhere']).code).toBe(0);
    expect(box.git(['status', '--porcelain'])).toBe(' M a\nM  b\n?? new\n');
    expect(existsSync(box.path('r/.git/index.lock'))).toBe(false);
  });

  test('nothing is written through a symbolic link', () => {
    const box = repository();
    box.values(['put', 'keep', '1']);
    mkdirSync(box.path('outside'));
    symlinkSync(box.path('outside'), box.path('r/link'));
    expect(box.values(['put', 'link/x', '1']).code).toBe(128);
    expect(existsSync(box.path('outside/x'))).toBe(false);
  });

  test('a value over a directory and below a value', () => {
    const box = repository();
    box.values(['put', '--stdin'], { input: 'd/x\t1\nd/y/z\t2\nf\t3\n' });
    expect(box.values(['put', 'd', 'value'])).toMatchObject({ code: 0, stderr: '' });
    expect(box.values(['put', 'f/below', 'deep'])).toMatchObject({ code: 0, stderr: '' });
    expect(box.git(['status', '--porcelain'])).toBe('');
    expect(box.git(['ls-files'])).toBe('d\nf/below\n');
  });
});

test('line ends and filters of the work tree are respected', () => {
  const box = repository();
  box.git(['config', 'core.autocrlf', 'true']);
  box.values(['put', 'a.txt', 'one\ntwo']);
  expect(readFileSync(box.path('r/a.txt'), 'utf8')).toBe('one\r\ntwo\r\n');
  expect(box.git(['cat-file', 'blob', 'HEAD:a.txt'])).toBe('one\ntwo\n');
  expect(box.git(['status', '--porcelain'])).toBe('');
  expect(box.values(['put', 'a.txt', 'three'])).toMatchObject({ code: 0, stderr: '' });
  expect(box.git(['status', '--porcelain'])).toBe('');
});
