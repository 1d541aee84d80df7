import { spawnSync } from 'node:child_process';
import type { BatchAnswer, BatchCase } from './batch-host.mjs';
import { stockGit } from './sandbox.js';

export { bundleCommands, runBatch } from './batch-host.mjs';
export type { BatchAnswer, BatchCase } from './batch-host.mjs';

/** Whether what a command said is that of a mistake in bough: a stack trace, an exception of the language. */
export const fellOver = (stderr: string): boolean =>
  /internal error|^\s+at .*:\d+:\d+\)?$|TypeError|RangeError|Maximum call/m.test(stderr);

/** Stock git's answer to one of them. */
export function stockAnswer(one: BatchCase, env: Readonly<Record<string, string | undefined>>): BatchAnswer {
  const ran = spawnSync(stockGit, one.words, {
    cwd: one.cwd,
    env: { ...env, ...one.env } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
  });
  return { code: ran.status ?? 128, stdout: ran.stdout.toString('latin1'), stderr: ran.stderr.toString('latin1') };
}
