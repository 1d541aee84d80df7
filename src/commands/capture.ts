import { decodeText } from '../base/bytes.js';
import type { CommandContext } from './command.js';

/** Runs this program once more, with other words and variables, and answers what it printed. */
export function captureCommand(
  context: CommandContext,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string {
  const script = process.argv[1];
  if (script === undefined) return '';
  // Loaded only now: that takes longer than most commands that might need it.
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const run = spawnSync(process.execPath, [script, ...argv], {
    cwd: context.cwd,
    env: { ...context.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: Number.MAX_SAFE_INTEGER,
  });
  return decodeText(run.stdout);
}
