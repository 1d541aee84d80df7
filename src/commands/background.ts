import { closeSync, openSync } from 'node:fs';
import { decodeText } from '../base/bytes.js';
import { parseExpiryDate } from '../repo/date-approx.js';
import type { Repository } from '../repo/repository.js';
import type { CommandContext } from './command.js';

/**
 * What a gc that ran in the background had to complain about, in `gc.log`: while that is fresh (`gc.logExpiry`, a day),
 * no other is started by itself. Tells it and answers true then.
 */
export function lastGcFailed(context: CommandContext, repository: Repository): boolean {
  const { fs } = repository.platform;
  const path = `${repository.gitDir}/gc.log`;
  const stat = fs.stat(path);
  if (stat === undefined) return false;
  const expiry = parseExpiryDate(repository.config.get('gc.logexpiry') ?? '1.day', repository.clock) ?? 0;
  if (stat.mtimeSeconds < expiry) return false;
  const text = decodeText(fs.readFile(path) ?? new Uint8Array(0));
  if (text === '') return false;
  context.warning(
    `The last gc run reported the following. Please correct the root cause\nand remove ${repository.gitDirShown}/gc.log\nAutomatic cleanup will not be performed until the file is removed.\n\n${text}`,
  );
  return true;
}

/**
 * Starts this program again, without a terminal, and does not wait for it. `log`: what it says of errors goes there.
 * Answers false where there is no program to start.
 */
export function startDetached(context: CommandContext, argv: readonly string[], log?: string): boolean {
  const script = process.argv[1];
  if (script === undefined) return false;
  const { spawn } = process.getBuiltinModule('node:child_process');
  const errors = log === undefined ? undefined : openSync(log, 'a', 0o644);
  const child = spawn(process.execPath, [script, ...argv], {
    cwd: context.cwd,
    env: { ...context.env },
    detached: true,
    stdio: ['ignore', 'ignore', errors ?? 'ignore'],
  });
  // What cannot be started now is tried again after another command.
  child.on('error', () => {});
  child.unref();
  if (errors !== undefined) closeSync(errors);
  return true;
}
