import { utimesSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sandbox } from '../support/sandbox.js';

/** Only size and time of a file are compared; nothing is written back. */
const QUIET = ['--no-optional-locks', '-c', 'core.trustctime=false', '-c', 'core.checkStat=minimal'];
const NOW = 1_700_000_000;

test('a change of the same size in the same tick is seen where the index is not newer than the file', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'r']);
  const touch = (name: string, seconds: number) => utimesSync(box.path('r', name), seconds, seconds);
  for (const file of ['a', 'b', 'c']) {
    writeFileSync(box.path('r', file), 'one\n');
    touch(file, NOW);
  }
  box.git([...QUIET, 'add', '.'], { cwd: 'r' });
  box.git([...QUIET, 'commit', '-qm', 'one'], { cwd: 'r' });
  for (const file of ['a', 'c']) {
    writeFileSync(box.path('r', file), 'two\n');
    touch(file, NOW);
  }
  for (const [index, seen] of [
    [NOW - 1, true],
    [NOW, true],
    // Nothing betrays the change now: git does not see it either.
    [NOW + 10, false],
  ] as const) {
    for (const words of [['status', '--short'], ['diff-files'], ['diff', '--name-only'], ['ls-files', '-m']]) {
      touch('.git/index', index);
      const ours = box.bough([...QUIET, ...words], { cwd: 'r' });
      expect([index, words, ours]).toEqual([index, words, box.git([...QUIET, ...words], { cwd: 'r' })]);
      expect([index, words, /\bc$/m.test(ours)]).toEqual([index, words, seen]);
      expect(ours).not.toMatch(/\bb$/m);
    }
  }
});

test('a change within the same second is seen by its nanoseconds', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'r']);
  for (const file of ['a', 'b']) {
    writeFileSync(box.path('r', file), 'one\n');
    utimesSync(box.path('r', file), NOW, NOW + 0.125);
  }
  box.bough(['add', '.'], { cwd: 'r' });
  writeFileSync(box.path('r/a'), 'two\n');
  utimesSync(box.path('r/a'), NOW, NOW + 0.25);
  utimesSync(box.path('r/.git/index'), NOW + 10, NOW + 10);
  const short = ['-c', 'core.trustctime=false', 'status', '--short'];
  expect(box.bough(['--no-optional-locks', ...short], { cwd: 'r' })).toBe('AM a\nA  b\n');
});
