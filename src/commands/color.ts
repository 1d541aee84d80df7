import type { CommandContext } from './command.js';

/**
 * Whether to colour: the option's value, else `color.<slot>`, else `color.ui` (auto); `auto` is yes on a terminal
 * that is not dumb, or into our own pager.
 */
export function wantColor(context: CommandContext, slot: string, override?: string | null): boolean {
  const config = context.maybeRepository()?.config;
  const setting =
    override === null ? 'never' : (override ?? config?.get(`color.${slot}`) ?? config?.get('color.ui') ?? 'auto');
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
      const paging = context.env['GIT_PAGER_IN_USE'] === 'true' && (config?.get('color.pager') ?? 'true') !== 'false';
      return (
        (context.io.stdout.isTerminal || paging) && context.env['TERM'] !== 'dumb' && context.env['TERM'] !== undefined
      );
    }
  }
}
