import { GitError } from '../base/errors.js';
import { type ColumnMode, noColumns, parseColumnMode } from '../porcelain/columns.js';
import type { CommandContext } from './command.js';
import { UsageError } from './options.js';

/** `column.ui`, `column.<command>` and `--column`, settled for this terminal: the mode, or `undefined` for plain lines. */
export function columnModeFor(
  context: CommandContext,
  command: string,
  option: string | null | undefined,
): { readonly mode: ColumnMode | undefined; readonly asked: boolean } {
  const config = context.maybeRepository()?.config;
  let mode = noColumns;
  for (const key of ['column.ui', `column.${command}`]) {
    const value = config?.get(key);
    if (value === undefined) continue;
    const next = parseColumnMode(value, mode);
    if ('unknown' in next) throw new GitError('CONFIG', `invalid ${key} mode ${value}`);
    mode = next;
  }
  if (option === null) mode = { ...mode, enabled: 'never' };
  else if (option !== undefined) {
    const next = parseColumnMode(option, { ...mode, enabled: 'always' });
    if ('unknown' in next) throw new UsageError(`unsupported option '${next.unknown}'`, { quiet: true });
    mode = next;
  }
  const on = mode.enabled === 'always' || (mode.enabled === 'auto' && context.io.stdout.isTerminal);
  return { mode: on ? mode : undefined, asked: option !== undefined && option !== null && on };
}

/** Columns of the terminal that a table may use. */
export function tableWidth(context: CommandContext): number {
  const said = Number(context.env['COLUMNS']);
  return (Number.isInteger(said) && said > 0 ? said : (context.io.stdout.columns ?? 80)) - 1;
}

/** For `--column`: told before anything is done. */
export function checkColumns(value: string): string | undefined {
  const mode = parseColumnMode(value, noColumns);
  return 'unknown' in mode ? `unsupported option '${mode.unknown}'` : undefined;
}
