import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sandbox } from '../support/sandbox.js';

test('linked work trees of either program are seen, used and removed by the other', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'r']);
  const inside = { cwd: 'r' };
  writeFileSync(box.path('r/f'), 'one\n');
  box.git(['add', 'f'], inside);
  box.git(['commit', '-qm', 'first'], inside);
  box.git(['branch', 'topic'], inside);

  expect(box.tryBough(['worktree', 'add', '../ours', 'topic'], inside).stderr).toBe(
    "Preparing worktree (checking out 'topic')\n",
  );
  box.git(['worktree', 'add', '../theirs'], inside);
  const listed = box.git(['worktree', 'list', '--porcelain'], inside);
  expect(box.bough(['worktree', 'list', '--porcelain'], inside)).toBe(listed);
  for (const name of ['ours', 'theirs']) {
    const there = { cwd: name };
    expect(box.git(['status', '--porcelain'], there)).toBe('');
    expect(box.bough(['status', '--porcelain'], there)).toBe('');
    writeFileSync(box.path(`${name}/f`), 'two\n');
    expect(box.tryBough(['worktree', 'remove', `../${name}`], inside).stderr).toBe(
      `fatal: '../${name}' contains modified or untracked files, use --force to delete it\n`,
    );
    box.bough(['commit', '-qam', 'second'], there);
  }
  expect(box.tryBough(['worktree', 'add', '../third', 'topic'], inside).stderr).toContain(
    `'topic' is already used by worktree at '${box.path('ours')}'`,
  );

  box.bough(['worktree', 'lock', '--reason', 'on a stick', 'ours'], inside);
  expect(box.tryGit(['worktree', 'remove', '../ours'], inside).code).toBe(128);
  box.git(['worktree', 'unlock', 'ours'], inside);
  box.bough(['worktree', 'move', 'ours', '../moved'], inside);
  expect(box.git(['-C', '../moved', 'log', '--format=%s', '-1'], inside)).toBe('second\n');
  box.git(['worktree', 'remove', 'moved'], inside);
  expect(existsSync(box.path('moved'))).toBe(false);

  rmSync(box.path('theirs'), { recursive: true });
  expect(box.tryBough(['worktree', 'prune', '-v'], inside).stderr).toBe(
    'Removing worktrees/theirs: gitdir file points to non-existent location\n',
  );
  expect(existsSync(box.path('r/.git/worktrees'))).toBe(false);
  expect(readFileSync(box.path('r/.git/HEAD'), 'utf8')).toBe('ref: refs/heads/main\n');
});

test('a work tree whose name is no UTF-8 is one for stock git too', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'r']);
  const inside = { cwd: 'r' };
  writeFileSync(box.path('r/f'), 'one\n');
  box.git(['add', 'f'], inside);
  box.git(['commit', '-qm', 'first'], inside);
  // Arguments of a test are UTF-8; those of an alias are what is in the file.
  const alias = '[alias]\n\todd = worktree add -q ../f\xfcr\n\tgone = worktree remove f\xfcr\n';
  appendFileSync(box.path('r/.git/config'), Buffer.from(alias, 'latin1'));
  box.bough(['odd'], inside);
  const listed = box.tryGit(['worktree', 'list', '--porcelain'], inside).raw;
  expect(listed.toString('latin1')).toContain('branch refs/heads/f\xfcr\n');
  expect(box.tryBough(['worktree', 'list', '--porcelain'], inside).raw).toEqual(listed);
  box.bough(['gone'], inside);
  expect(existsSync(box.path('r/.git/worktrees'))).toBe(false);
});
