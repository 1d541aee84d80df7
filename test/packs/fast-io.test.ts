import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sandbox } from '../support/sandbox.js';
import { makeSample } from './sample.js';

describe('fast-export and fast-import', () => {
  it('write the stream stock git writes, and read it back to the same refs', () => {
    const box = sandbox();
    makeSample(box.path('from'), { commits: 6 });
    const from = { cwd: 'from' };
    box.git(['checkout', '-q', '-b', 'side', 'HEAD~3'], from);
    mkdirSync(box.path('from/späß'), { recursive: true });
    writeFileSync(box.path('from/späß/two words "quoted".txt'), 'x\n');
    box.git(['add', '-A'], from);
    box.git(['mv', 'file1.txt', 'moved.txt'], from);
    box.git(['commit', '-q', '-m', 'side'], from);
    box.git(['checkout', '-q', 'main'], from);
    box.git(['merge', '-q', '-m', 'merged', 'side'], from);
    for (const args of [
      ['--all'],
      ['main', '^side'],
      ['-M', '-C', '--all'],
      ['--no-data', '--show-original-ids', 'side', 'v1'],
      ['--full-tree', 'main~2..main'],
    ]) {
      expect(box.bough(['fast-export', ...args], from)).toBe(box.git(['fast-export', ...args], from));
    }
    const stream = box.git(['fast-export', '--all'], from);
    for (const name of ['ours', 'theirs']) box.git(['init', '-q', '--bare', name]);
    box.bough(['fast-import', '--quiet'], { cwd: 'ours', input: stream });
    box.git(['fast-import', '--quiet'], { cwd: 'theirs', input: stream });
    expect(box.git(['for-each-ref'], { cwd: 'ours' })).toBe(box.git(['for-each-ref'], { cwd: 'theirs' }));
    box.fsck('ours');
  });

  it('understand the whole language', () => {
    const box = sandbox();
    for (const name of ['ours', 'theirs']) box.git(['init', '-q', '--bare', name]);
    const who = 'committer C <c@example.com> 1234567890 +0200';
    const stream = [
      'feature done',
      '# a comment',
      'blob\nmark :1\ndata 5\nhello',
      'blob\nmark :2\ndata <<END\nseveral\nlines\nEND\n',
      `reset refs/heads/main\ncommit refs/heads/main\nmark :3\nauthor A <a@example.com> 1234567880 -0330\n${who}\ndata 4\none\nM 644 :1 dir/a\nM 755 :2 "dir/\\303\\244 b"\nM 120000 inline link\ndata 5\ndir/a\n`,
      `commit refs/heads/main\nmark :4\n${who}\ndata 4\ntwo\nC dir copied\nR dir/a moved/a\nD link\n`,
      `commit refs/heads/side\nmark :5\n${who}\ndata 5\nthree\nfrom :3\nmerge :4\ndeleteall\nM 100644 :1 only\n`,
      `commit refs/notes/commits\n${who}\ndata 5\nnotes\nN inline :3\ndata 7\na note\n\nN :2 :4\n`,
      'tag v1\nfrom :4\ntagger T <t@example.com> 1234567899 +0000\ndata 3\ntag',
      'alias\nmark :9\nto :5\n',
      'get-mark :4',
      'cat-blob :2',
      'ls :4 copied',
      'ls :4 nothing',
      'progress done soon',
      'checkpoint\n',
      'reset refs/tags/light\nfrom :9\n',
      'done\n',
    ].join('\n');
    const ours = box.tryBough(['fast-import', '--quiet', '--export-marks=marks'], { cwd: 'ours', input: stream });
    const theirs = box.tryGit(['fast-import', '--quiet', '--export-marks=marks'], { cwd: 'theirs', input: stream });
    expect(theirs.stderr).toBe('');
    expect(ours).toMatchObject({ code: 0, stdout: theirs.stdout });
    expect(box.git(['for-each-ref'], { cwd: 'ours' })).toBe(box.git(['for-each-ref'], { cwd: 'theirs' }));
    expect(box.run('cat', ['ours/marks']).stdout).toBe(box.run('cat', ['theirs/marks']).stdout);
    box.fsck('ours');
    for (const bad of [
      'nonsense\n',
      `commit refs/heads/x\n${who}\ndata 0\nM 100644 :77 a\n`,
      `commit refs/heads/x\n${who}\ndata 0\nM 100644 inline .git/config\ndata 0\n`,
      `commit refs/heads/x\ncommitter broken\ndata 0\n`,
      'blob\ndata 100\nshort',
      'feature nothing-known\n',
      'reset refs/heads/x..y\n',
    ]) {
      expect(box.tryBough(['fast-import', '--quiet'], { cwd: 'ours', input: bad })).toMatchObject({ code: 128 });
      // Older gits let any path in.
      if (!bad.includes('.git/')) {
        expect(box.tryGit(['fast-import', '--quiet'], { cwd: 'theirs', input: bad }).code).toBe(128);
      }
    }
  });
});
