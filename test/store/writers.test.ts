import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../support/root.js';
import { sandbox } from '../support/sandbox.js';

const WRITERS = 8;
const PUTS = 200;

const writer = `
import { contents, open, openStore } from ${JSON.stringify(join(root, 'dist/lib/index.js'))};
const [, name] = process.argv;
const repository = await open('.', { env: process.env });
const store = await openStore(repository, contents.bytes, { branch: 'main' });
for (let i = 0; i < ${PUTS}; i++) await store.put(name + '/' + i, new TextEncoder().encode(name + i), { message: 'put ' + i });
repository.close();
`;

test('eight processes putting to one branch at once lose nothing', async () => {
  const box = sandbox();
  box.git(['init', '-q', '--bare', '-b', 'main', 'r']);
  const codes = await Promise.all(
    Array.from({ length: WRITERS }, (_, i) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', writer, `w${i}`], {
        cwd: box.path('r'),
        env: box.env as NodeJS.ProcessEnv,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      return new Promise((resolve) => child.on('close', resolve));
    }),
  );
  expect(codes).toEqual(Array(WRITERS).fill(0));
  expect(box.git(['rev-list', '--count', 'main'], { cwd: 'r' })).toBe(`${WRITERS * PUTS}\n`);
  const names = box.git(['ls-tree', '-r', '--name-only', 'main'], { cwd: 'r' }).trim().split('\n');
  expect(names.length).toBe(WRITERS * PUTS);
  const contents = box.git(['cat-file', '--batch'], {
    cwd: 'r',
    input: names.map((name) => `main:${name}\n`).join(''),
  });
  for (const name of names) expect(contents).toContain(`\n${name.replace('/', '')}\n`);
  box.fsck('r');
}, 300_000);
