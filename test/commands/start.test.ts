import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../support/root.js';
import { sandbox } from '../support/sandbox.js';

test('what earlier runs kept never makes a later run wrong: cold, warm, many at once, damaged', async () => {
  const box = sandbox();
  mkdirSync(box.path('copy'));
  for (const folder of ['bin', 'dist']) {
    cpSync(join(root, folder), box.path('copy', folder), {
      recursive: true,
      filter: (file) => !/dist\/(?:cache|types|lib)$/.test(file),
    });
  }
  const program = box.path('copy/bin/git');
  const run = (...words: string[]) => box.run(process.execPath, [program, ...words], { cwd: 'r' });
  expect(box.run(process.execPath, [program, 'init', '-q', '-b', 'main', 'r']).code).toBe(0);
  const head = box.bough(['commit', '-q', '--allow-empty', '-m', 'one'], { cwd: 'r' });
  expect(head).toBe('');
  const script = `for i in 1 2 3 4; do for w in '-1' '-1 -p' '-1 --graph --stat' '-Sx' '--oneline'; do '${process.execPath}' '${program}' log $w >/dev/null || echo failed & done; wait; done`;
  expect(box.run('/bin/sh', ['-c', script], { cwd: 'r' })).toMatchObject({ stdout: '', stderr: '' });
  for (let i = 0; i < 3; i++) expect(run('log', '--format=%s')).toMatchObject({ code: 0, stdout: 'one\n', stderr: '' });
  const cache = box.path('copy/dist/cache');
  const kept = readdirSync(cache);
  expect(kept.some((name) => name.startsWith('log-') && name.endsWith('.code'))).toBe(true);
  for (const name of kept) writeFileSync(join(cache, name), 'damaged');
  for (let i = 0; i < 3; i++) expect(run('log', '--format=%s')).toMatchObject({ code: 0, stdout: 'one\n', stderr: '' });
});
