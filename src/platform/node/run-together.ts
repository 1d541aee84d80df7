import type { Spawned, SpawnOptions } from '../platform.js';
import { emptyBytes } from '../../base/bytes.js';
import { childProcess } from './builtins.js';

/**
 * A program for a Node of its own, since waiting for several at once takes a loop of events and the caller wants none:
 * starts up to `jobs` of the commands at once, each with all of the input. What one prints, on either stream, stays
 * together: of one it is passed on as it comes, of the others when they have ended, in the order in which they end.
 */
const program = `
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const { commands, jobs, feed } = JSON.parse(process.argv[1]);
const input = feed ? fs.readFileSync(0) : undefined;
const write = (bytes) => { for (let at = 0; at < bytes.length; ) try { at += fs.writeSync(2, bytes, at); } catch (error) { if (error.code !== 'EAGAIN') return; } };
const results = commands.map(() => ({ code: 127 }));
const running = [];
const ended = [];
const waiting = commands.map((_, i) => i);
let shown;
const show = () => {
  for (const one of ended.splice(0)) one.kept.forEach(write);
  shown = running[0];
  if (shown) { shown.kept.splice(0).forEach(write); }
};
const start = () => {
  while (waiting.length > 0 && running.length < jobs) {
    const at = waiting.shift();
    const [file, ...args] = commands[at];
    const child = spawn(file, args, { stdio: [feed ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
    const one = { kept: [] };
    running.push(one);
    shown ??= one;
    const take = (chunk) => { if (shown === one) write(chunk); else one.kept.push(chunk); };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    if (feed) { child.stdin.on('error', () => {}); child.stdin.end(input); }
    let failed;
    child.on('error', (error) => { failed = error.code; });
    child.on('close', (code, signal) => {
      // A file without #! is one for the shell.
      if (failed === 'ENOEXEC' && file !== '/bin/sh') { commands[at] = ['/bin/sh', ...commands[at]]; waiting.unshift(at); }
      results[at] = { code, signal, errorCode: failed };
      running.splice(running.indexOf(one), 1);
      if (shown === one) show();
      else ended.push(one);
      start();
    });
  }
  if (running.length === 0 && waiting.length === 0) { show(); fs.writeSync(1, JSON.stringify(results)); }
};
start();
`;

/** Runs programs at once and waits for all; their output goes to our stderr. */
export function runTogether(
  commands: readonly (readonly string[])[],
  jobs: number,
  options: SpawnOptions,
  signalNumber: (signal: string) => number,
): Spawned[] {
  const feed = options.input !== undefined;
  const ran = childProcess().spawnSync(process.execPath, ['-e', program, JSON.stringify({ commands, jobs, feed })], {
    cwd: options.cwd,
    env: options.env as NodeJS.ProcessEnv,
    input: options.input,
    stdio: [feed ? 'pipe' : 'ignore', 'pipe', 'inherit'],
    maxBuffer: Number.MAX_SAFE_INTEGER,
  });
  let results: { code: number | null; signal?: string | null; errorCode?: string }[] = [];
  try {
    results = JSON.parse(String(ran.stdout)) as typeof results;
  } catch {
    // It was ended before it could say anything.
  }
  return commands.map((_, i) => {
    const { code = 1, signal, errorCode } = results[i] ?? {};
    return {
      code: errorCode !== undefined ? 127 : (code ?? 128 + signalNumber(signal ?? '')),
      stdout: emptyBytes,
      stderr: emptyBytes,
      errorCode,
      signalled: signal != null,
    };
  });
}
