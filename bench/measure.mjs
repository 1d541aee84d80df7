// One command as a whole process: wall seconds, user + system seconds, peak memory, and a digest of what it printed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const gnuTime = '/usr/bin/time';
const timeout = '/usr/bin/timeout';
const shell = '/bin/bash';
/** GNU time knows the memory, but processor time by hundredths of a second only; the shell has milliseconds. */
const clock = 'exec 3>&2 2>"$1"; shift; TIMEFORMAT="%3U %3S"; time "$@" 2>&3';

/** Runs `{argv, cwd, env, input}`; `input` is a file's path, `limit` seconds at most. Throws when it fails. */
export function measure(run) {
  const scratch = mkdtempSync(join(tmpdir(), 'bough-bench-'));
  const report = join(scratch, 'time');
  const output = join(scratch, 'out');
  // A time limit must end the program itself, not only what times it.
  const argv =
    run.limit !== undefined && existsSync(timeout) ? [timeout, '-s', 'KILL', String(run.limit), ...run.argv] : run.argv;
  const finer = join(scratch, 'clock');
  const measured = existsSync(gnuTime) ? [gnuTime, '-f', '%e %U %S %M', '-o', report, ...argv] : argv;
  const timed = existsSync(shell) ? [shell, '-c', clock, 'bash', finer, ...measured] : measured;
  const stdin = run.input === undefined ? 'ignore' : openSync(run.input, 'r');
  const stdout = openSync(output, 'w');
  const start = process.hrtime.bigint();
  const result = spawnSync(timed[0], timed.slice(1), {
    cwd: run.cwd,
    env: { ...process.env, ...run.env },
    stdio: [stdin, stdout, 'pipe'],
    maxBuffer: 1 << 28,
  });
  const wall = Number(process.hrtime.bigint() - start) / 1e9;
  closeSync(stdout);
  if (stdin !== 'ignore') closeSync(stdin);
  if (run.limit !== undefined && wall >= run.limit && result.status !== 0) {
    rmSync(scratch, { recursive: true, force: true });
    throw new Error(`stopped after ${run.limit} s`);
  }
  const printed = readFileSync(output);
  let cpu = Number.NaN;
  let memory = Number.NaN;
  if (existsSync(report)) {
    const [, user, system, peak] = readFileSync(report, 'utf8').trim().split('\n').pop().split(' ').map(Number);
    cpu = user + system;
    memory = peak / 1024;
  }
  const [user, system] = existsSync(finer) ? readFileSync(finer, 'utf8').trim().split(' ').map(Number) : [];
  if (Number.isFinite(user + system)) cpu = user + system;
  rmSync(scratch, { recursive: true, force: true });
  if (result.status !== 0)
    throw new Error(`${run.argv.join(' ')}: exit ${result.status}\n${result.stderr.toString().slice(-600)}`);
  return {
    wall,
    cpu,
    memory,
    digest: createHash('sha1')
      .update(run.answer === undefined ? printed : run.answer(printed))
      .digest('hex'),
  };
}

export const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};
