import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Sandbox, sandbox } from '../support/sandbox.js';

/** Two branches with a commit of their own each; the file of one of them is spoilt. */
function spoilt(box: Sandbox, content: string): { readonly cwd: string; readonly lost: string } {
  const cwd = 'r';
  box.git(['init', '-q', '-b', 'main', cwd]);
  box.git(['commit', '-q', '--allow-empty', '-m', 'one'], { cwd });
  box.git(['checkout', '-q', '-b', 'side'], { cwd });
  box.git(['commit', '-q', '--allow-empty', '-m', 'two'], { cwd });
  const lost = box.git(['rev-parse', 'HEAD'], { cwd }).trim();
  box.git(['checkout', '-q', 'main'], { cwd });
  box.git(['reflog', 'expire', '--all', '--expire=now'], { cwd });
  mkdirSync(box.path(cwd, '.git/refs/heads'), { recursive: true });
  writeFileSync(box.path(cwd, '.git/refs/heads/side'), content);
  return { cwd, lost };
}

test.each([
  ['garbage', 'no id\n'],
  ['zeros', `${'0'.repeat(40)}\n`],
  ['nothing', ''],
])('history behind a ref that holds %s is not taken for garbage', (_what, content) => {
  for (const words of [
    ['prune', '--expire=now'],
    ['gc', '-q', '--prune=now'],
    ['repack', '-adq'],
    ['rev-list', '--all'],
    ['log', '--oneline', '--branches'],
    ['reflog', 'show', '--all'],
    ['pack-objects', '--all', '--stdout', '-q'],
    ['show-ref'],
  ]) {
    const box = sandbox();
    const { cwd, lost } = spoilt(box, content);
    const ours = box.tryBough(words, { cwd });
    expect(ours.code, words.join(' ')).toBe(128);
    expect(ours.stderr, words.join(' ')).toMatch(/bad object |unable to parse object: |bad ref /);
    expect(box.git(['cat-file', '-t', lost], { cwd }), words.join(' ')).toBe('commit\n');
  }
});

test('a clone that would lack a branch fails, and GIT_REF_PARANOIA=0 saves what can be saved', () => {
  const box = sandbox();
  const { cwd } = spoilt(box, 'no id\n');
  expect(box.tryBough(['clone', '-q', '--no-local', cwd, 'copy']).code).toBe(128);
  const saved = { env: { GIT_REF_PARANOIA: '0' } };
  expect(box.tryBough(['clone', '-q', '--no-local', cwd, 'copy'], saved).code).toBe(0);
  expect(box.bough(['log', '--format=%s', '--all'], { cwd: 'copy' })).toBe('one\n');
  expect(box.bough(['rev-list', '--all', '--count'], { cwd, ...saved })).toBe('1\n');
});

test('a HEAD with zero bytes in it is told in words', () => {
  const box = sandbox();
  const { cwd } = spoilt(box, '');
  writeFileSync(box.path(cwd, '.git/HEAD'), 'ref: refs/heads/main\0\0\0');
  expect(box.bough(['rev-parse', '--abbrev-ref', 'HEAD'], { cwd })).toBe('main\n');
  writeFileSync(box.path(cwd, '.git/HEAD'), 'ref: refs/heads\0/main');
  expect(box.tryBough(['log'], { cwd }).stderr).toMatch(/^fatal: .*\n/);
});
