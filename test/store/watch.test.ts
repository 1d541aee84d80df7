import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { root } from '../support/root.js';
import { type Sandbox, sandbox } from '../support/sandbox.js';

/** bough beside this process; `until` waits for its output to have so many lines. */
function started(box: Sandbox, words: readonly string[]) {
  const child: ChildProcess = spawn(process.execPath, [join(root, 'bin/bough.js'), ...words], {
    cwd: box.path('r'),
    env: box.env as NodeJS.ProcessEnv,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  let wake = (): void => {};
  child.stdout!.on('data', (chunk) => {
    text += chunk;
    wake();
  });
  const ended = new Promise<number>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1))),
  );
  const lines = (): string[] => text.split('\n').slice(0, -1);
  const until = async (count: number): Promise<string[]> => {
    while (lines().length < count) await new Promise<void>((resolve) => (wake = resolve));
    return lines();
  };
  return { child, ended, until, lines };
}

test('watch tells what other processes commit below a path, and nothing else', async () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'r']);
  box.git(['commit', '-q', '--allow-empty', '-m', 'start'], { cwd: 'r' });
  const start = box.git(['rev-parse', 'HEAD'], { cwd: 'r' }).trim();
  const watch = started(box, ['watch', '--from', start, '-n', '3', 'cfg', '--json']);
  expect(box.values(['put', 'cfg/a', '1'], { cwd: 'r' }).code).toBe(0);
  expect(box.values(['put', 'other', 'x'], { cwd: 'r' }).code).toBe(0);
  await watch.until(1);
  // Stock git is another process too.
  box.run('sh', ['-c', 'echo 2 >cfg/a; echo 3 >cfg/b'], { cwd: 'r' });
  box.git(['add', 'cfg'], { cwd: 'r' });
  box.git(['commit', '-q', '-m', 'by stock git'], { cwd: 'r' });
  await watch.until(2);
  expect(box.values(['remove', 'cfg'], { cwd: 'r' }).code).toBe(0);
  expect(await watch.ended).toBe(0);
  const told = watch.lines().map((line) => JSON.parse(line));
  const kind = (change: { path: string; before?: unknown; after?: unknown }): string =>
    change.before === undefined ? '+' : change.after === undefined ? '-' : '*';
  expect(
    told.map(({ subject, changes }) => [
      subject,
      ...changes.map((change: { path: string }) => `${kind(change)} ${change.path}`),
    ]),
  ).toEqual([
    ['put cfg/a', '+ cfg/a'],
    ['by stock git', '* cfg/a', '+ cfg/b'],
    ['remove cfg', '- cfg/a', '- cfg/b'],
  ]);
  expect(told.map(({ commit }) => commit)).toEqual(
    box.git(['log', '--reverse', '--format=%H', '--', 'cfg'], { cwd: 'r' }).trim().split('\n'),
  );
});

test('an interrupt ends a watch, and a put that is still reading, with 130 and leaves nothing behind', async () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'r']);
  expect(box.values(['put', 'a', '1'], { cwd: 'r' }).code).toBe(0);
  const start = box.git(['rev-parse', 'HEAD'], { cwd: 'r' }).trim();
  const watch = started(box, ['watch', '--from', start]);
  expect(box.values(['put', 'a', '2'], { cwd: 'r' }).code).toBe(0);
  await watch.until(1);
  watch.child.kill('SIGINT');
  expect(await watch.ended).toBe(130);
  const put = started(box, ['put', '--stdin']);
  put.child.stdin!.write('b\tnever\n');
  await new Promise((resolve) => setTimeout(resolve, 500));
  put.child.kill('SIGINT');
  expect(await put.ended).toBe(130);
  expect(readdirSync(box.path('r/.git')).filter((name) => name.endsWith('.lock'))).toEqual([]);
  expect(box.git(['log', '--format=%s'], { cwd: 'r' })).toBe('put a\nput a\n');
  expect(box.git(['status', '--porcelain'], { cwd: 'r' })).toBe('');
  box.fsck('r');
});
