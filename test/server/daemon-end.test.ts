import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../support/root.js';
import { sandbox } from '../support/sandbox.js';

it.each(['SIGTERM', 'SIGINT'] as const)(
  'a daemon that is told to stop (%s) ends of the signal',
  async (signal) => {
    const box = sandbox();
    const words = ['daemon', '--listen=127.0.0.1', '--port=0', '--verbose', '--export-all', box.directory];
    const child = spawn(process.execPath, [join(root, 'bin/git'), ...words], {
      cwd: box.directory,
      env: box.env as NodeJS.ProcessEnv,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    const ended = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) =>
      child.once('close', (code, by) => resolve([code, by])),
    );
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('Ready to rumble')) child.kill(signal);
    });
    expect(await ended).toEqual([null, signal]);
  },
  300_000,
);
