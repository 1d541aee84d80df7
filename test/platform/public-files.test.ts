import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { nodeFileSystem as fs } from '../../src/platform/node/fs.js';
import { innerFiles, innerReadDirectory, innerWrite } from '../../src/platform/node/inner-files.js';

// A Node that does not give away what lies under its functions.
vi.mock('../../src/platform/node/builtins.js', async (original) => ({
  ...(await original<object>()),
  binding: () => {
    throw new Error('no such module');
  },
}));

const folder = mkdtempSync(join(tmpdir(), 'bough-public-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('files by the public functions alone', () => {
  expect([innerFiles(), innerWrite(), innerReadDirectory(), fs.lstatNumbers]).toEqual(Array(4).fill(undefined));
  const file = join(folder, 'file');
  const content = Buffer.from('some content');
  const stat = fs.createFile!(file, content, 0o666);
  expect(stat).toMatchObject({ kind: 'file', size: content.length });
  expect(fs.lstat(file)).toEqual(stat);
  expect(fs.stat(file)).toEqual(stat);
  expect(fs.createFile!(file, content, 0o666)).toBeUndefined();
  for (const size of [undefined, content.length, 5, 50]) expect(Buffer.from(fs.readFile(file, size)!)).toEqual(content);
  const handle = fs.open(file)!;
  expect(Buffer.from(handle.read(5, 100)).toString()).toBe('content');
  expect(Buffer.from(handle.read(0, 4)).toString()).toBe('some');
  handle.close();
  expect(fs.readNames!(folder)).toEqual({ names: ['file'], kinds: [1] });
  expect([fs.readFile(`${file}s`), fs.open(`${file}s`), fs.lstat(`${file}s`)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
