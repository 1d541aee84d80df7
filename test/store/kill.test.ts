import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Random } from '../support/random.js';
import { root } from '../support/root.js';
import { type Sandbox, sandbox } from '../support/sandbox.js';

const ROUNDS = Number(process.env['BOUGH_KILL_ROUNDS'] ?? 8);

/** Runs puts one after another until it is killed; answers those that said they were done. */
function putUntilKilled(box: Sandbox, start: number, after: number): Promise<number[]> {
  const script = `i=${start}; while :; do "$NODE" "$BOUGH" put "k/$((i % 7))" "$i" && echo "done $i"; i=$((i+1)); done`;
  const child = spawn('/bin/sh', ['-c', script], {
    cwd: box.path('r'),
    env: { ...box.env, NODE: process.execPath, BOUGH: join(root, 'bin/bough.js') } as NodeJS.ProcessEnv,
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), after);
  return new Promise((resolve) =>
    child.on('close', () => resolve([...output.matchAll(/^done (\d+)$/gm)].map((match) => Number(match[1])))),
  );
}

test.each(['work tree', 'bare'])(
  'put killed at random moments: every acknowledged value is there, the next command works, stock git finds nothing (%s)',
  async (kind) => {
    const box = sandbox();
    box.git(['init', '-q', '-b', 'main', ...(kind === 'bare' ? ['--bare'] : []), 'r']);
    const random = new Random(kind === 'bare' ? 1 : 2);
    let next = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged = await putUntilKilled(box, next, random.between(90, 320));
      const newest = acknowledged.at(-1) ?? -1;
      next = Math.max(next, newest + 1) + 1;
      if (acknowledged.length > 0) {
        // The one after the last acknowledged may have landed without having said so.
        const now = Number(box.values(['get', `k/${newest % 7}`], { cwd: 'r' }).stdout);
        expect(now).toBe(newest);
      }
      const marker = box.values(['put', 'marker', `${round}`], { cwd: 'r' });
      expect(marker, marker.stderr).toMatchObject({ code: 0 });
      expect(box.values(['put', `k/${next % 7}`, `${next++}`], { cwd: 'r' })).toMatchObject({ code: 0 });
      if (round % 8 === 7) box.fsck('r');
      if (kind !== 'bare') expect(box.git(['status', '--porcelain', '--untracked-files=no'], { cwd: 'r' })).toBe('');
    }
    box.fsck('r');
  },
  600_000,
);
