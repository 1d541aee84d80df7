import * as fs from 'node:fs';
import type { Io } from './io.js';

/** Writes trace text where a `GIT_TRACE…` variable sends it: a file, another descriptor, or stderr. */
export function writeTrace(io: Io, target: string, text: string): void {
  if (target.startsWith('/')) fs.appendFileSync(target, text);
  else if (/^[3-9]$/.test(target)) fs.writeSync(Number(target), text);
  else io.stderr.write(text);
}

/** `GIT_TRACE`: tells which command runs, or (`run_command`) which one a command runs for itself. */
export function traceCommand(
  env: Readonly<Record<string, string | undefined>>,
  io: Io,
  words: readonly string[],
  how: 'built-in' | 'run_command' = 'built-in',
): void {
  const quoted = words.map((word) =>
    /^[A-Za-z0-9+,\-./:=@_^]+$/.test(word) ? word : `'${word.replace(/['!]/g, "'\\$&'")}'`,
  );
  const place = how === 'built-in' ? 'git.c:502' : 'run-command.c:673';
  traceText(env, io, place, `trace: ${how}: git ${quoted.join(' ')}`);
}

/** `GIT_TRACE`: one line; `place` is where git would say it. */
export function traceText(
  env: Readonly<Record<string, string | undefined>>,
  io: Io,
  place: string,
  text: string,
): void {
  const target = env['GIT_TRACE'];
  if (target === undefined || /^(?:0|false|no|off|)$/i.test(target)) return;
  const now = new Date();
  const two = (number: number): string => String(number).padStart(2, '0');
  const clock = `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}.${String(now.getMilliseconds()).padStart(3, '0')}000`;
  writeTrace(io, target, `${env['GIT_TRACE_BARE'] === '1' ? '' : `${clock} ${place.padEnd(24)}`}${text}\n`);
}
