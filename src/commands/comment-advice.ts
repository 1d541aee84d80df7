import { commentEntries } from '../porcelain/message.js';
import type { ConfigEntry } from '../repo/config.js';
import type { Repository } from '../repo/repository.js';

const nameOf = (entry: ConfigEntry): string =>
  entry.key === 'core.commentstring' ? 'core.commentString' : 'core.commentChar';

export const autoCommentWarning = (auto: ConfigEntry): string =>
  `Support for '${nameOf(auto)}=auto' is deprecated and will be removed in Git 3.0`;

/** The commands that put a fixed comment character in the place of `auto`; none where the command line says it. */
export function autoCommentAdvice(repository: Repository): string | undefined {
  const entries = commentEntries(repository.config).filter(({ origin }) => origin.kind === 'file');
  const auto = commentEntries(repository.config).at(-1);
  if (auto === undefined || auto.origin.kind !== 'file') return undefined;
  const times = new Map<string, number>();
  for (const entry of entries) {
    const place = `${placeOf(repository, entry)}\0${nameOf(entry)}`;
    times.set(place, (times.get(place) ?? 0) + 1);
  }
  const unset = [...times].map(([place, count]) => {
    const [where, name] = place.split('\0');
    return `    git config unset ${where}${count > 1 ? '--all ' : ''}${name}`;
  });
  return [
    '',
    'To use the default comment string (#) please run',
    '',
    ...unset,
    '',
    'To set a custom comment string please run',
    '',
    `    git config set ${placeOf(repository, auto)}${nameOf(auto)} <comment string>`,
    '',
    "where '<comment string>' is the string you wish to use.",
  ].join('\n');
}

/** The option that names the file of an entry, with a space after it. */
function placeOf(repository: Repository, { scope, origin }: ConfigEntry): string {
  const home = repository.env['HOME'];
  const file = origin.name;
  if (
    scope === 'local' &&
    file.endsWith(`${repository.commonDir.slice(repository.commonDir.lastIndexOf('/') + 1)}/config`)
  )
    return '';
  if (scope === 'worktree') return '--worktree ';
  if (scope === 'system') return '--system ';
  if (scope === 'global' && /\/(?:\.gitconfig|git\/config)$/.test(file)) return '--global ';
  const shown = home !== undefined && file.startsWith(`${home}/`) ? `~${file.slice(home.length)}` : file;
  return `--file ${shown} `;
}
