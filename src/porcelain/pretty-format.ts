import { GitError } from '../base/errors.js';

export type PrettyKind = 'oneline' | 'short' | 'medium' | 'full' | 'fuller' | 'email' | 'mboxrd' | 'raw' | 'user';

/** What `--pretty=` asked for. */
export interface PrettyFormat {
  readonly kind: PrettyKind;
  /** For `user`. */
  readonly template: string;
  /** Each entry is ended by a newline, instead of one standing between two. */
  readonly terminator: boolean;
  /** Width of tabs in messages, 0: as they are. */
  readonly expandTabs: number;
  /** Dates are short unless something else is asked for. */
  readonly shortDates: boolean;
}

interface Known {
  readonly name: string;
  readonly format?: PrettyFormat;
  /** Another name, for an alias of the configuration. */
  readonly alias?: string;
}

const builtin = (kind: PrettyKind, extra: Partial<PrettyFormat> = {}): PrettyFormat => ({
  kind,
  template: '',
  terminator: false,
  expandTabs: 0,
  shortDates: false,
  ...extra,
});

export const mediumFormat = builtin('medium', { expandTabs: 8 });
export const onelineFormat = builtin('oneline', { terminator: true });
export const rawFormat = builtin('raw');
const emailFormat = builtin('email');
export const userFormat = (template: string, terminator: boolean): PrettyFormat =>
  builtin('user', { template, terminator });

const builtins: readonly Known[] = [
  { name: 'raw', format: rawFormat },
  { name: 'medium', format: mediumFormat },
  { name: 'short', format: builtin('short') },
  { name: 'email', format: emailFormat },
  { name: 'mboxrd', format: builtin('mboxrd') },
  { name: 'fuller', format: builtin('fuller', { expandTabs: 8 }) },
  { name: 'full', format: builtin('full', { expandTabs: 8 }) },
  { name: 'oneline', format: onelineFormat },
  {
    name: 'reference',
    format: builtin('user', { template: '%C(auto)%h (%s, %ad)', terminator: true, shortDates: true }),
  },
];

/** Reads the value of `--pretty=`, `--format=`, `format.pretty`. `aliases`: `pretty.<name>` entries. Throws `USAGE`. */
export function parsePrettyFormat(
  text: string,
  aliases: readonly (readonly [name: string, value: string])[] = [],
): PrettyFormat {
  if (text.startsWith('format:')) return userFormat(text.slice(7), false);
  if (text === '') return userFormat('', true);
  if (text.startsWith('tformat:')) return userFormat(text.slice(8), true);
  if (text.includes('%')) return userFormat(text, true);
  const known: Known[] = [...builtins];
  for (const [name, value] of aliases) {
    if (builtins.some((candidate) => candidate.name === name)) continue;
    const entry: Known = value.startsWith('format:')
      ? { name, format: userFormat(value.slice(7), false) }
      : value.startsWith('tformat:')
        ? { name, format: userFormat(value.slice(8), true) }
        : value.includes('%')
          ? { name, format: userFormat(value, true) }
          : { name, alias: value };
    const at = known.findIndex((candidate) => candidate.name === name);
    if (at < 0) known.push(entry);
    else known[at] = entry;
  }
  let sought = text;
  for (let turns = 0; turns <= known.length; turns++) {
    const lower = sought.toLowerCase();
    let found: Known | undefined;
    for (const candidate of known) {
      if (!candidate.name.toLowerCase().startsWith(lower)) continue;
      if (found === undefined || candidate.name.length < found.name.length) found = candidate;
    }
    if (found === undefined) throw new GitError('USAGE', `invalid --pretty format: ${text}`);
    if (found.format !== undefined) return found.format;
    sought = found.alias!;
  }
  throw new GitError('USAGE', `invalid --pretty format: '${text}' references an alias which points to itself`);
}
