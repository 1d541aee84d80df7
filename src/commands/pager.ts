import { childProcess } from '../platform/node/builtins.js';
import { readUserConfig } from '../repo/repository.js';
import type { CommandContext } from './command.js';

export interface Pager {
  /** Closes the pipe and waits until the person has seen it all. */
  finish(): Promise<void>;
}

/** Commands that look at `pager.<command>` only where they list. */
export const laterPaged: ReadonlySet<string> = new Set(['branch', 'config', 'tag', 'stash', 'help']);

/** The program that shows long texts: `GIT_PAGER`, `core.pager`, `PAGER`, else `less`; `undefined`: none. */
export function pagerCommand(context: CommandContext): string | undefined {
  const { env } = context;
  const config = context.maybeRepository()?.config ?? readUserConfig(context);
  const command = env['GIT_PAGER'] ?? config.get('core.pager') ?? env['PAGER'] ?? 'less';
  return command === '' || command === 'cat' ? undefined : command;
}

/**
 * Starts the pager where stdout is a terminal: `GIT_PAGER`, `core.pager`, `PAGER`, else `less` with git's settings.
 * `wanted`: `-p` or `--no-pager`; otherwise `pager.<command>`, else the command's own habit.
 */
export function startPager(
  context: CommandContext,
  wanted: boolean | undefined,
  defaultOn: boolean,
): Pager | undefined {
  const { env, io } = context;
  if (!io.stdout.isTerminal || wanted === false) return undefined;
  const config = context.maybeRepository()?.config ?? readUserConfig(context);
  // Help is not asked for as often as to have a pager of its own; what lists within a pager needs no other.
  const entry = context.name === 'help' ? undefined : config.last(`pager.${context.name}`);
  if (
    laterPaged.has(context.name) &&
    wanted === undefined &&
    /^(?:1|true|yes|on)$/i.test(env['GIT_PAGER_IN_USE'] ?? '')
  )
    return undefined;
  const own = entry === undefined ? undefined : (entry.value ?? 'true');
  const ownIsSwitch = own === undefined || /^(?:true|false|yes|no|on|off|0|1|)$/i.test(own);
  const on = wanted ?? (own === undefined ? defaultOn : ownIsSwitch ? /^(?:true|yes|on|1)$/i.test(own) : true);
  if (!on) {
    // A command that was switched off for good has none below it, either.
    if (wanted === undefined && own !== undefined) (env as Record<string, string | undefined>)['GIT_PAGER'] = 'cat';
    return undefined;
  }
  const command = ownIsSwitch || wanted === true || env['GIT_PAGER'] !== undefined ? pagerCommand(context) : own;
  if (command === undefined || command === '' || command === 'cat') return undefined;
  const [program, ...args] = context.platform.processes!.shell(command);
  const child = childProcess().spawn(program, args, {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { ...env, GIT_PAGER_IN_USE: undefined, LESS: env['LESS'] ?? 'FRX', LV: env['LV'] ?? '-c' },
  });
  const descriptor = (child.stdin as unknown as { _handle?: { fd?: number } })._handle?.fd;
  if (descriptor === undefined || descriptor < 0) return undefined;
  const closed = new Promise<void>((resolve) => {
    child.on('close', () => resolve());
    child.on('error', () => resolve());
  });
  io.stdout.redirect(descriptor);
  if (io.stderr.isTerminal) io.stderr.redirect(descriptor);
  (env as Record<string, string | undefined>)['GIT_PAGER_IN_USE'] = 'true';
  // An interrupt is for the pager; it ends when the person leaves it.
  process.on('SIGINT', () => {});
  return {
    async finish() {
      child.stdin.end();
      await closed;
    },
  };
}
