import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Sandbox, sandbox } from '../support/sandbox.js';

const lines = (change: Readonly<Record<number, string>>): string =>
  Array.from({ length: 10 }, (_, i) => `${change[i + 1] ?? i + 1}\n`).join('');

function prepare(box: Sandbox, style: string): void {
  const commit = (text: string, message: string): void => {
    writeFileSync(box.path('f'), text);
    box.git(['commit', '-q', '-a', '-m', message]);
  };
  box.git(['init', '-q', '-b', 'main']);
  box.git(['config', 'merge.conflictStyle', style]);
  writeFileSync(box.path('f'), lines({}));
  box.git(['add', 'f']);
  box.git(['commit', '-q', '-m', 'base']);
  box.git(['tag', 'base']);
  for (const [name, change] of [
    ['b', { 9: 'nine' }],
    ['c', { 9: 'neuf' }],
    ['one', { 1: 'one' }],
  ] as const) {
    box.git(['checkout', '-q', '-b', name, 'base']);
    commit(lines(change), name);
  }
}

/** The file; older versions of git name a base that is only a tree in words. */
const merged = (box: Sandbox): string =>
  readFileSync(box.path('f'), 'utf8').replace('||||||| constructed merge base', '||||||| 0000000');

test.each(['merge', 'diff3'])('merge-recursive takes trees for commits, conflict style %s', (style) => {
  const cases = [
    ['one', ['base^{tree}', '--', 'one^{tree}', 'b^{tree}']],
    ['one', ['base', '--', 'one', 'b^{tree}']],
    ['b', ['base^{tree}', '--', 'b^{tree}', 'c^{tree}']],
    ['one', ['base^{tree}', 'c^{tree}', '--', 'one', 'b^{tree}']],
    ['one', ['c', 'base', '--', 'one', 'b']],
  ] as const;
  const answers = (['tryGit', 'tryBough'] as const).map((run) => {
    const box = sandbox();
    prepare(box, style);
    return cases.map(([head, words]) => {
      box.git(['checkout', '-q', '-f', head]);
      const ids = words.map((word) => (word === '--' ? word : box.git(['rev-parse', word]).trim()));
      const { code, stdout, stderr } = box[run](['merge-recursive', ...ids]);
      const seen = {
        words,
        code,
        stdout,
        stderr,
        index: box.git(['ls-files', '-s']),
        file: merged(box),
      };
      box.git(['reset', '-q', '--hard']);
      return seen;
    });
  });
  expect(answers[1]).toEqual(answers[0]);
});
