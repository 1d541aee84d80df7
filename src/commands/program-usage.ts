/** The usage of the program itself, with the options that stand before a command. */
export function programUsage(program: 'git' | 'bough'): string {
  const lines = [
    '[-v | --version] [-h | --help] [-C <path>] [-c <name>=<value>]',
    '[--exec-path[=<path>]] [--html-path] [--man-path] [--info-path]',
    '[-p | --paginate | -P | --no-pager] [--no-replace-objects] [--no-lazy-fetch]',
    '[--no-optional-locks] [--no-advice] [--bare] [--git-dir=<path>]',
    '[--work-tree=<path>] [--namespace=<name>] [--config-env=<name>=<envvar>]',
    `${program === 'bough' ? '[--json] ' : ''}<command> [<args>]`,
  ];
  const start = `usage: ${program} `;
  return `${lines.map((line, i) => `${i === 0 ? start : ' '.repeat(start.length)}${line}`).join('\n')}\n`;
}
