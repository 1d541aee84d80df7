import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { innerFiles, innerReadDirectory, innerWrite } from '../../src/platform/node/inner-files.js';
import { nodeFileSystem as fs } from '../../src/platform/node/fs.js';

const folder = mkdtempSync(join(tmpdir(), 'bough-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('latin1');

test('a whole file: empty, large, of no size, a device, a pipe, a folder, none', () => {
  const file = join(folder, 'file');
  for (const content of ['', 'x', 'y'.repeat(100_000)]) {
    writeFileSync(file, content);
    expect(text(fs.readFile(file))).toBe(content);
    expect(text(fs.readFile(file, content.length))).toBe(content);
    expect(text(fs.readFile(file, 5))).toBe(content);
    const handle = fs.open(file)!;
    expect(handle.size).toBe(content.length);
    expect(text(handle.read(0, 200_000))).toBe(content);
    expect(text(handle.read(1, 3))).toBe(content.slice(1, 4));
    handle.close();
  }
  expect(text(fs.readFile('/dev/null'))).toBe('');
  if (process.platform === 'linux') expect(text(fs.readFile('/proc/self/cmdline'))).toContain('node');
  expect(fs.readFile(join(folder, 'none'))).toBeUndefined();
  expect(fs.readFile(join(file, 'below'))).toBeUndefined();
  expect(fs.open(join(folder, 'none'))).toBeUndefined();
  expect(() => fs.readFile(folder)).toThrow(/EISDIR/);
  // A name ends where it says it does, not at its first NUL.
  expect(() => fs.readFile(`${file}\0.txt`)).toThrow();
  expect(() => fs.lstat(`${file}\0.txt`)).toThrow();
});

const supported = process.platform !== 'win32' && /^v2[024]\./.test(process.version);
test.skipIf(!supported)('the calls below Node’s own are known (needs Node 20, 22 or 24, not on Windows)', () => {
  expect(innerFiles()).toBeDefined();
  expect(innerWrite()).toBeTypeOf('function');
  expect(innerReadDirectory()).toBeTypeOf('function');
  expect(fs.lstatNumbers).toBeTypeOf('function');
});

test('a named pipe is opened once', { timeout: 300_000 }, () => {
  const pipe = join(folder, 'pipe');
  const writer = spawn('/bin/sh', [
    '-c',
    `mkfifo '${pipe}.x' && mv '${pipe}.x' '${pipe}' && printf 'through a pipe' >'${pipe}'`,
  ]);
  for (let i = 0; i < 2000 && fs.lstat(pipe) === undefined; i++)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  expect(text(fs.readFile(pipe))).toBe('through a pipe');
  writer.kill();
});

test('a new file is never one that is there', () => {
  const file = join(folder, 'new');
  const stat = fs.createFile!(file, Buffer.from('content'), 0o666);
  expect(stat).toMatchObject({ kind: 'file', size: 7 });
  expect(stat).toEqual(fs.lstat(file));
  expect(fs.createFile!(file, Buffer.from('other'), 0o666)).toBeUndefined();
  expect(text(fs.readFile(file))).toBe('content');
  if (process.platform === 'linux')
    expect(() => fs.createFile!('/dev/full/x', Buffer.from('x'), 0o666)).toThrow(/ENOTDIR/);
});
