import { decodeText } from '../base/bytes.js';
import type { CommandContext } from './command.js';

/** Runs this program once more, with other words and variables, and answers what it printed; nothing when it failed. */
export function tryCapture(
  context: CommandContext,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string | undefined {
  const { code, text } = capture(context, argv, env);
  return code === 0 ? text : undefined;
}

/** Runs this program once more, with other words and variables, and answers what it printed. */
export function captureCommand(
  context: CommandContext,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string {
  return capture(context, argv, env).text;
}

function capture(
  context: CommandContext,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): { readonly code: number; readonly text: string } {
  const script = process.argv[1];
  if (script === undefined) return { code: 1, text: '' };
  // Loaded only now: that takes longer than most commands that might need it.
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const run = spawnSync(process.execPath, [script, ...argv], {
    cwd: context.cwd,
    env: { ...context.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: Number.MAX_SAFE_INTEGER,
  });
  return { code: run.status ?? 128, text: decodeText(run.stdout) };
}
