import { chmodSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sandbox } from '../support/sandbox.js';

test('a push that cannot read its own objects says so, ends, and leaves nothing on the other side', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'src']);
  box.git(['init', '-q', '--bare', 'dst.git']);
  writeFileSync(box.path('src/file'), 'content\n');
  box.git(['add', 'file'], { cwd: 'src' });
  box.git(['commit', '-q', '-m', 'one'], { cwd: 'src' });
  const oid = box.git(['rev-parse', 'HEAD:file'], { cwd: 'src' }).trim();
  const loose = box.path('src/.git/objects', oid.slice(0, 2), oid.slice(2));
  chmodSync(loose, 0o644);
  writeFileSync(loose, 'garbage');
  for (const url of ['../dst.git', `file://${box.path('dst.git')}`]) {
    const pushed = box.tryBough(['push', url, 'main'], { cwd: 'src' });
    expect(pushed.code).not.toBe(0);
    expect(pushed.stderr).toContain(oid);
    expect(pushed.stderr).not.toContain('without an answer');
    expect(box.git(['for-each-ref'], { cwd: 'dst.git' })).toBe('');
  }
});
