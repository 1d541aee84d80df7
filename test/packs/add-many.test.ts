import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../support/root.js';
import { sandbox, type Sandbox } from '../support/sandbox.js';

function files(box: Sandbox, count: number, seed = ''): void {
  for (let i = 0; i < count; i++) {
    if (i % 50 === 0) mkdirSync(box.path('r', `d${i / 50}`), { recursive: true });
    writeFileSync(box.path('r', `d${Math.floor(i / 50)}`, `f${i}`), `${seed}content ${i % 900}\n`);
  }
}

describe('add of many new files', () => {
  it('writes one pack, and git sees what it would have written', () => {
    const box = sandbox();
    box.git(['init', '-q', '-b', 'main', 'r']);
    files(box, 1200);
    box.bough(['add', '-A'], { cwd: 'r' });
    expect(box.git(['count-objects', '-v'], { cwd: 'r' })).toMatch(/count: 0\n[\s\S]*in-pack: 900\n/);
    const ours = box.git(['write-tree'], { cwd: 'r' });
    box.git(['rm', '-rqf', '--cached', '.'], { cwd: 'r' });
    box.git(['add', '-A'], { cwd: 'r' });
    expect(box.git(['write-tree'], { cwd: 'r' })).toBe(ours);
    box.git(['commit', '-qm', 'all'], { cwd: 'r' });
    box.fsck('r');
    // What is there already is not written again.
    files(box, 1100, '');
    box.bough(['add', '-A'], { cwd: 'r' });
    expect(box.git(['status', '--porcelain'], { cwd: 'r' })).toBe('');
  });

  it('leaves nothing behind where a file cannot be read', () => {
    const box = sandbox();
    box.git(['init', '-q', '-b', 'main', 'r']);
    files(box, 1200);
    chmodSync(box.path('r/d23/f1199'), 0);
    // Nothing is unreadable for root, who runs this as somebody else.
    const somebody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    if (somebody.uid !== undefined) box.run('chown', ['-R', `${somebody.uid}:${somebody.gid}`, '.']);
    const add = (...words: string[]): number | null =>
      spawnSync(process.execPath, [join(root, 'bin/git'), 'add', '-A', ...words], {
        cwd: box.path('r'),
        env: box.env as NodeJS.ProcessEnv,
        ...somebody,
      }).status;
    expect(add()).toBe(128);
    expect(readdirSync(box.path('r/.git/objects/pack'))).toEqual([]);
    const trusted = ['-c', 'safe.directory=*'];
    expect(box.git([...trusted, 'ls-files'], { cwd: 'r' })).toBe('');
    expect(add('--ignore-errors')).toBe(1);
    if (somebody.uid !== undefined) box.run('chown', ['-R', '0:0', '.']);
    chmodSync(box.path('r/d23/f1199'), 0o644);
    expect(box.git(['ls-files'], { cwd: 'r' }).trim().split('\n').length).toBe(1199);
  });
});
