import { parseColor, RESET } from '../base/color.js';
import type { Config } from '../repo/config.js';
import type { CommandContext } from './command.js';

/** Whether to colour what goes to standard error. */
export function stderrColor(context: CommandContext, config: Config | undefined, slot: string): boolean {
  const setting = (said(config, `color.${slot}`) ?? said(config, 'color.ui') ?? 'auto').toLowerCase();
  if (setting === 'always') return true;
  if (['never', 'false', 'no', 'off', '0'].includes(setting)) return false;
  return context.io.stderr.isTerminal && context.env['TERM'] !== 'dumb' && context.env['TERM'] !== undefined;
}

function said(config: Config | undefined, key: string): string | undefined {
  const entry = config?.last(key);
  return entry === undefined ? undefined : (entry.value ?? 'true');
}

/**
 * Whether to colour: the option's value, else `color.<slot>`, else `color.ui` (auto); `auto` is yes on a terminal
 * that is not dumb, or into our own pager.
 */
export function wantColor(context: CommandContext, slot: string, override?: string | null): boolean {
  const config = context.maybeRepository()?.config;
  // Without a value it is true, which is `auto`.
  const setting =
    override === null ? 'never' : (override ?? said(config, `color.${slot}`) ?? said(config, 'color.ui') ?? 'auto');
  for (const name of [`color.${slot}`, 'color.ui', 'color.pager']) {
    const value = config?.last(name)?.value;
    if (value !== undefined && !/^(?:always|never|auto)$/i.test(value)) config!.getBool(name);
  }
  switch (setting.toLowerCase()) {
    case 'always':
      return true;
    case 'never':
    case 'false':
    case 'no':
    case 'off':
    case '0':
      return false;
    default: {
      const paging = context.env['GIT_PAGER_IN_USE'] === 'true' && (said(config, 'color.pager') ?? 'true') !== 'false';
      return (
        (context.io.stdout.isTerminal || paging) && context.env['TERM'] !== 'dumb' && context.env['TERM'] !== undefined
      );
    }
  }
}

/** Lines for standard error with those that begin with `hint:` in the colours of `color.advice`. */
export function paintHints(context: CommandContext, text: string): string {
  if (!/^hint:.*\n/m.test(text)) return text;
  const { env, io } = context;
  let color: string;
  try {
    const config = context.maybeRepository()?.config;
    const setting = (config?.get('color.advice') ?? config?.get('color.ui') ?? 'auto').toLowerCase();
    if (/^(?:never|false|no|off|0)$/.test(setting)) return text;
    if (setting !== 'always' && !(io.stderr.isTerminal && env['TERM'] !== undefined && env['TERM'] !== 'dumb'))
      return text;
    color = parseColor(config?.get('color.advice.hint') ?? 'yellow');
  } catch {
    // A configuration that cannot be read is what the error is about.
    return text;
  }
  return text.replace(/^hint:.*(?=\n)/gm, (line) => `${color}${line}${RESET}`);
}
