// Runs programs in a pseudo-terminal, by `script` of util-linux.
import { spawn, spawnSync } from 'node:child_process';

/** Whether a pseudo-terminal can be had here. */
export const hasTerminal = () => {
  const ran = spawnSync('script', ['-qec', 'true', '/dev/null'], { stdio: ['ignore', 'ignore', 'ignore'] });
  return ran.error === undefined && ran.status === 0;
};

const quoted = (word) => `'${word.replaceAll("'", "'\\''")}'`;

/**
 * Runs a command in a terminal of 80 columns and answers all bytes it showed and its exit code. `answers`: each is
 * typed when the text shown so far ends with `prompt`, as a person would.
 */
export function inTerminal(words, { cwd, env, answers = [], prompt = /\]\? (?:\x1b\[m)?$/, columns = 80 } = {}) {
  const command = `stty cols ${columns} rows 40; ${words.map(quoted).join(' ')}`;
  return new Promise((done, fail) => {
    const child = spawn('script', ['-qefc', command, '/dev/null'], { cwd, env: { ...env, TERM: 'xterm' } });
    const left = [...answers];
    let shown = Buffer.alloc(0);
    let typed = 0;
    child.stdout.on('data', (chunk) => {
      shown = Buffer.concat([shown, chunk]);
      const fresh = shown.subarray(typed).toString('latin1');
      if (left.length === 0 || !prompt.test(fresh)) return;
      typed = shown.length;
      child.stdin.write(left.shift());
    });
    const limit = setTimeout(() => child.kill('SIGKILL'), 30_000);
    child.on('error', fail);
    child.on('close', (code) => {
      clearTimeout(limit);
      done({ code, bytes: shown });
    });
  });
}
