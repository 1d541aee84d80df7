import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sandbox } from '../support/sandbox.js';

test('a sparse index is read as the files that its directories stand for', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main']);
  for (const path of ['in/x', 'out/a/b']) mkdirSync(box.path(path), { recursive: true });
  for (const path of ['top', 'in/1', 'in/x/2', 'out/3', 'out/a.c', 'out/a/4', 'out/a/b/5']) {
    writeFileSync(box.path(path), `${path}\n`);
  }
  box.git(['add', '.']);
  box.git(['commit', '-qm', 'one']);
  box.git(['sparse-checkout', 'set', '--cone', '--sparse-index', 'in']);
  box.git(['config', 'advice.sparseIndexExpanded', 'false']);
  expect(box.git(['ls-files', '-s', '--sparse'])).toContain('040000');
  expect(box.bough(['ls-files', '-s', '-t'])).toBe(box.git(['ls-files', '-s', '-t']));
  expect(box.bough(['write-tree'])).toBe(box.git(['rev-parse', 'HEAD^{tree}']));
  for (const args of [['status'], ['diff', 'HEAD'], ['diff', '--cached', '--stat']]) {
    expect(box.bough(args), args.join(' ')).toBe(box.git(args));
  }
  writeFileSync(box.path('in/1'), 'changed\n');
  box.bough(['commit', '-qam', 'two']);
  expect(box.git(['ls-tree', '-r', '--name-only', 'HEAD'])).toBe(box.git(['ls-tree', '-r', '--name-only', 'HEAD~1']));
  expect(box.git(['status', '--porcelain'])).toBe('');
  box.fsck();
});

test('what a file system monitor said of an index is dropped, since none is asked', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main']);
  writeFileSync(box.path('a'), 'a\n');
  box.git(['add', 'a']);
  box.git(['config', 'core.fsmonitor', '/bin/false']);
  box.tryGit(['update-index', '--fsmonitor']);
  const has = (): boolean => readFileSync(box.path('.git/index')).includes('FSMN');
  expect(has()).toBe(true);
  writeFileSync(box.path('b'), 'b\n');
  box.bough(['add', 'b']);
  expect(has()).toBe(false);
  box.git(['config', '--unset', 'core.fsmonitor']);
  expect(box.git(['status', '--porcelain'])).toBe('A  a\nA  b\n');
});
