import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../support/root.js';
import { sandbox, type Sandbox } from '../support/sandbox.js';

/** A process of its own that runs a shell line. */
function shell(box: Sandbox, line: string): Promise<number> {
  return new Promise((done) => {
    const child = spawn('/bin/sh', ['-c', line], {
      cwd: box.path('r'),
      env: box.env as NodeJS.ProcessEnv,
      stdio: 'ignore',
    });
    child.on('close', (code) => done(code ?? 1));
  });
}

describe('many processes on one ref', () => {
  it('lose nothing: every compare-and-swap that succeeds is in the history', async () => {
    const box = sandbox();
    box.git(['init', '-q', '-b', 'main', 'r']);
    box.git(['commit', '-q', '--allow-empty', '-m', 'start'], { cwd: 'r' });
    const bough = `'${process.execPath}' '${join(root, 'bin/git')}'`;
    const writers = 3;
    const rounds = 4;
    // Each writer puts commits on top of what it read, and starts again when another one was first.
    const script = (writer: number): string => `
      n=0
      while test $n -lt ${rounds}; do
        old=$(git rev-parse refs/heads/main) || exit 2
        new=$(git commit-tree -p $old -m "writer ${writer} round $n" $old^{tree}) || exit 3
        if ${bough} update-ref -m race refs/heads/main $new $old 2>/dev/null; then n=$((n + 1)); fi
      done`;
    const codes = await Promise.all(Array.from({ length: writers }, (_, writer) => shell(box, script(writer))));
    expect(codes).toEqual(Array.from({ length: writers }, () => 0));
    const subjects = box.git(['log', '--format=%s', 'refs/heads/main'], { cwd: 'r' }).trim().split('\n');
    expect(subjects).toHaveLength(writers * rounds + 1);
    expect(new Set(subjects).size).toBe(writers * rounds + 1);
    // The log tells the same story: each entry starts where the one before it ended.
    const log = box.git(['reflog', 'show', '--format=%H', 'refs/heads/main'], { cwd: 'r' }).trim().split('\n');
    expect(log).toHaveLength(writers * rounds + 1);
    box.fsck('r');
  });

  it('a transaction that loses one ref changes none', async () => {
    const box = sandbox();
    box.git(['init', '-q', '-b', 'main', 'r']);
    box.git(['commit', '-q', '--allow-empty', '-m', 'one'], { cwd: 'r' });
    const one = box.git(['rev-parse', 'HEAD'], { cwd: 'r' }).trim();
    box.git(['commit', '-q', '--allow-empty', '-m', 'two'], { cwd: 'r' });
    const two = box.git(['rev-parse', 'HEAD'], { cwd: 'r' }).trim();
    const input = `update refs/heads/a ${one}\nupdate refs/heads/main ${one} ${one}\n`;
    const ran = box.tryBough(['update-ref', '--stdin'], { cwd: 'r', input });
    expect(ran.code).toBe(128);
    expect(ran.stderr).toBe(`fatal: cannot lock ref 'refs/heads/main': is at ${two} but expected ${one}\n`);
    expect(box.tryGit(['rev-parse', '--verify', '-q', 'refs/heads/a'], { cwd: 'r' }).code).toBe(1);
  });

  it('a lock that is freed in time is waited for', async () => {
    const box = sandbox();
    box.git(['init', '-q', '-b', 'main', 'r']);
    box.git(['commit', '-q', '--allow-empty', '-m', 'one'], { cwd: 'r' });
    const lock = box.path('r/.git/refs/heads/held.lock');
    const bough = `'${process.execPath}' '${join(root, 'bin/git')}'`;
    writeFileSync(lock, '');
    const [, code] = await Promise.all([
      shell(box, `sleep 1; rm '${lock}'`),
      shell(box, `${bough} -c core.filesRefLockTimeout=20000 update-ref refs/heads/held HEAD`),
    ]);
    expect(code).toBe(0);
    expect(box.git(['rev-parse', 'held'], { cwd: 'r' })).toBe(box.git(['rev-parse', 'HEAD'], { cwd: 'r' }));
  });
});
