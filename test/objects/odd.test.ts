import { expect, test } from 'vitest';
import { sandbox } from '../support/sandbox.js';

test('names that no tree should have are told as stock git tells them', () => {
  const box = sandbox();
  box.git(['init', '-q', 'r']);
  const write = (kind: string, data: Uint8Array | string) =>
    box.git(['hash-object', '-t', kind, '-w', '--literally', '--stdin'], { cwd: 'r', input: data }).trim();
  const blob = Buffer.from(write('blob', 'x'), 'hex');
  const entry = (mode: string, name: string) =>
    Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.from([0]), blob]);
  for (const name of [
    '.',
    '..',
    '.git',
    '.GIT',
    'git~1',
    'GIT~1',
    '.git.',
    '.git ',
    'a/b',
    '...',
    '.gi',
    'fine',
    'a..b',
  ])
    write('tree', entry('100644', name));
  for (const mode of ['0100644', '100664', '100777', '120000', '160000', '777']) write('tree', entry(mode, 'm'));
  write('tree', Buffer.concat([entry('100644', 'b'), entry('100644', 'a')]));
  write('tree', Buffer.concat([entry('100644', 'a'), entry('100644', 'a')]));
  const lines = (text: string) => text.split('\n').sort();
  for (const words of [['fsck'], ['fsck', '--strict']]) {
    const theirs = box.tryGit(words, { cwd: 'r' });
    const ours = box.tryBough(words, { cwd: 'r' });
    const told = (text: string) => lines(text).filter((line) => !/^Checking|^notice/.test(line));
    expect(lines(ours.stdout)).toEqual(lines(theirs.stdout));
    expect(told(ours.stderr)).toEqual(told(theirs.stderr));
    expect(ours.code).toBe(theirs.code);
    expect(theirs.stderr).toContain('hasDotdot');
  }
});

test('people in commits that no git wrote are shown as stock git shows them', () => {
  const box = sandbox();
  box.git(['init', '-q', 'r']);
  const tree = box.git(['mktree'], { cwd: 'r', input: '' }).trim();
  const commits = [
    'A <a@b> 1 +0000',
    'A <a@b> 1112911993 -0730',
    '<a@b> 1 +0000',
    ' A  B  <  a@b  > 1 +0000',
    'A <a@b>',
    'A <a@b> x +0000',
    'A <<a@b>> 1 +0000',
    'A <a@b> 99999999999999999999 +0000',
    'A <a@b> 5 +9999',
    'A <> 1 +0000',
  ].map((author) =>
    box
      .git(['hash-object', '-t', 'commit', '-w', '--literally', '--stdin'], {
        cwd: 'r',
        input: `tree ${tree}\nauthor ${author}\ncommitter C <c@d> 1 +0000\n\nx\n`,
      })
      .trim(),
  );
  for (const format of ['%an|%ae|%at', '%aN|%aE|%ai', '%ad'])
    for (const commit of commits) {
      const words = ['log', '-1', `--format=${format}`, commit];
      expect(box.bough(words, { cwd: 'r' }), `${words.join(' ')}`).toBe(box.git(words, { cwd: 'r' }));
    }
});

test('several object directories in GIT_ALTERNATE_OBJECT_DIRECTORIES, quoted ones too', () => {
  const box = sandbox();
  for (const name of ['own', 'a', 'b', 'c:d']) box.git(['init', '-q', name]);
  const blobs = ['a', 'b', 'c:d'].map((cwd) => box.git(['hash-object', '-w', '--stdin'], { cwd, input: cwd }).trim());
  const [a, b, quoted] = ['a', 'b', 'c:d'].map((name) => box.path(name, '.git/objects'));
  for (const list of [`${a}:${b}:"${quoted}"`, `"${quoted}":${b}::${a}`, `${a}:${b}`, `${quoted}`, `"${a}:${b}`]) {
    const words = { cwd: 'own', env: { GIT_ALTERNATE_OBJECT_DIRECTORIES: list }, input: `${blobs.join('\n')}\n` };
    const theirs = box.git(['cat-file', '--batch-check'], words);
    expect(box.bough(['cat-file', '--batch-check'], words), list).toBe(theirs);
  }
});
