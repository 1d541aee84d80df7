import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Sandbox, sandbox } from '../support/sandbox.js';
import { current } from '../support/version.js';

/**
 * `first` ends only when `second` has begun, which is for ever where they run one after another; `log` says what began
 * and ended. What a hook prints stays together, that of the first one first.
 */
function repository(box: Sandbox, event: string): string {
  const cwd = box.path('r');
  box.git(['init', '-q', '-b', 'main', cwd]);
  box.git(['commit', '-q', '--allow-empty', '-m', 'one'], { cwd });
  mkdirSync(`${cwd}/marks`);
  const set = (key: string, value: string) => box.git(['config', '--add', key, value], { cwd });
  const marks = `${cwd}/marks`;
  const wait = `n=0; while [ ! -e ${marks}/second ] && [ $n -lt "\${ROUNDS:-600}" ]; do sleep 0.05; n=$((n+1)); done`;
  set('hook.first.command', `echo first begins; ${wait}; [ -e ${marks}/second ] && echo first saw it; :`);
  set('hook.second.command', `echo second begins; : >${marks}/second; echo second ends >&2; exit 2`);
  for (const name of ['first', 'second']) {
    set(`hook.${name}.event`, event);
    set(`hook.${name}.parallel`, 'true');
  }
  writeFileSync(
    `${cwd}/.git/hooks/${event}`,
    `#!/bin/sh\ntest -e ${marks}/second || sleep 0.2\necho "file: $*"\ncat\n`,
  );
  chmodSync(`${cwd}/.git/hooks/${event}`, 0o755);
  writeFileSync(`${cwd}/input`, 'words\n');
  return cwd;
}

const serial = 'first begins\nsecond begins\nsecond ends\n';

test('hooks run at once where the configuration or -j says so, and one after another where not', () => {
  const box = sandbox();
  const cwd = repository(box, 'post-rewrite');
  const run = (words: readonly string[], rounds = 600) => {
    rmSync(`${cwd}/marks/second`, { force: true });
    return box.tryBough(words, { cwd, env: { ROUNDS: String(rounds) } });
  };
  const hook = ['hook', 'run', '--to-stdin=input', 'post-rewrite', '--', 'x'];
  const asked = ['hook', 'run', '-j3', '--to-stdin=input', 'post-rewrite', '--', 'x'];
  for (const words of [['-c', 'hook.jobs=3', ...hook], ['-c', 'hook.post-rewrite.jobs=3', ...hook], asked]) {
    const { code, stderr } = run(words);
    expect(code).toBe(2);
    expect(stderr.startsWith('first begins\nfirst saw it\n')).toBe(true);
    expect(stderr.split('\n').sort()).toEqual(
      ['', 'file: x', 'first begins', 'first saw it', 'second begins', 'second ends', 'words'].sort(),
    );
  }
  for (const words of [
    hook,
    ['-c', 'hook.jobs=3', '-c', 'hook.second.parallel=false', ...hook],
    ['-c', 'hook.jobs=3', '-c', 'hook.post-rewrite.jobs=1', ...hook],
  ])
    expect(run(words, 2)).toMatchObject({ code: 2, stderr: `${serial}file: x\nwords\n` });
  // What a commit works on is one and the same for all.
  box.git(['config', '--add', 'hook.first.event', 'pre-commit'], { cwd });
  box.git(['config', '--add', 'hook.second.event', 'pre-commit'], { cwd });
  expect(run(['-c', 'hook.jobs=3', 'commit', '--allow-empty', '-m', 'x'], 2)).toMatchObject({
    code: 1,
    stderr: serial,
  });
}, 300_000);

test.skipIf(!current)('stock git of the same version runs them at once, too', () => {
  const box = sandbox();
  const cwd = repository(box, 'post-rewrite');
  const ran = box.tryGit(['-c', 'hook.jobs=3', 'hook', 'run', '--to-stdin=input', 'post-rewrite', '--', 'x'], { cwd });
  expect([ran.code, ran.stderr.startsWith('first begins\nfirst saw it\n')]).toEqual([2, true]);
});

test('a push is told by hooks of the receiving side that run at once', () => {
  const box = sandbox();
  const cwd = repository(box, 'post-receive');
  box.git(['config', 'hook.jobs', '3'], { cwd });
  box.git(['clone', '-q', cwd, box.path('c')]);
  box.git(['commit', '-q', '--allow-empty', '-m', 'two'], { cwd: box.path('c') });
  const ran = box.tryBough(['push', 'origin', 'HEAD:refs/heads/other'], { cwd: box.path('c') });
  expect(ran.code).toBe(0);
  const told = ran.stderr.split('\n').filter((line) => line.startsWith('remote: '));
  expect(told.slice(0, 2).map((line) => line.trimEnd())).toEqual(['remote: first begins', 'remote: first saw it']);
  expect(told.map((line) => line.trimEnd())).toContain('remote: second ends');
  expect(readFileSync(`${cwd}/.git/refs/heads/other`, 'latin1')).toMatch(/^[0-9a-f]{40}\n$/);
}, 300_000);
