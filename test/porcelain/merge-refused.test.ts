import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sandbox } from '../support/sandbox.js';

it('a merge that is refused leaves staged changes staged, whoever looks', () => {
  const box = sandbox();
  const git = (...args: string[]) => box.git(args, { cwd: 'r' });
  box.git(['init', '-q', '-b', 'main', 'r']);
  const commit = (files: Readonly<Record<string, string>>, message: string) => {
    for (const [name, content] of Object.entries(files)) writeFileSync(box.path('r', name), content);
    git('add', '.');
    git('commit', '-q', '-m', message);
  };
  commit({ foo: 'foo\n', bar: 'bar\n', baz: 'baz\n' }, 'base');
  git('checkout', '-q', '-b', 'side');
  commit({ bar: 'bart\n' }, 'side');
  git('checkout', '-q', 'main');
  commit({ baz: 'bazz\n' }, 'main');
  writeFileSync(box.path('r/foo'), 'foo\nstaged\n');
  git('add', 'foo');
  writeFileSync(box.path('r/foo'), 'foo\nstaged\nnot staged\n');
  const before = git('diff', '--cached') + git('diff') + git('status', '--porcelain');
  expect(before).toContain('+staged');
  for (const strategy of [[], ['-s', 'resolve'], ['-s', 'ort', '-s', 'resolve']]) {
    expect(box.tryBough(['merge', ...strategy, 'side'], { cwd: 'r' }).code).not.toBe(0);
    expect(git('diff', '--cached') + git('diff') + git('status', '--porcelain')).toBe(before);
    const own = ['diff --cached', 'diff', 'status --porcelain'].map((words) =>
      box.bough(words.split(' '), { cwd: 'r' }),
    );
    expect(own.join('')).toBe(before);
  }
  box.fsck('r');
});
