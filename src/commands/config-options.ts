import { GitError } from '../base/errors.js';
import type { ValueType } from '../repo/config-convert.js';
import type { OptionEvent, OptionSpecs } from './options.js';
import { UsageError } from './options.js';

const location = {
  global: { type: 'flag', help: 'use global config file' },
  system: { type: 'flag', help: 'use system config file' },
  local: { type: 'flag', help: 'use repository config file' },
  worktree: { type: 'flag', help: 'use per-worktree config file' },
  file: { type: 'string', short: 'f', value: 'file', help: 'use given config file' },
  blob: { type: 'string', value: 'blob-id', help: 'read config from given blob object' },
} as const satisfies OptionSpecs;

const display = {
  null: { type: 'flag', short: 'z', help: 'terminate values with NUL byte' },
  'name-only': { type: 'flag', help: 'show variable names only' },
  'show-origin': {
    type: 'flag',
    help: 'show origin of config (file, standard input, blob, command line)',
  },
  'show-scope': {
    type: 'flag',
    help: 'show scope of config (worktree, local, global, system, command)',
  },
  'show-names': { type: 'flag', help: 'show config keys in addition to their values' },
} as const satisfies OptionSpecs;

const types = {
  type: { type: 'string', short: 't', value: 'type', help: 'value is given this type' },
  bool: { type: 'flag', negatable: false, help: 'value is "true" or "false"' },
  int: { type: 'flag', negatable: false, help: 'value is decimal number' },
  'bool-or-int': { type: 'flag', negatable: false, help: 'value is --bool or --int' },
  'bool-or-str': { type: 'flag', negatable: false, help: 'value is --bool or string' },
  path: { type: 'flag', negatable: false, help: 'value is a path (file or directory name)' },
  'expiry-date': { type: 'flag', negatable: false, help: 'value is an expiry date' },
} as const satisfies OptionSpecs;

const includes = { includes: { type: 'flag', help: 'respect include directives on lookup' } } as const;

const matching = (what: string) =>
  ({
    value: { type: 'string', value: 'pattern', help: `${what} config with values matching the pattern` },
    'fixed-value': { type: 'flag', help: 'use string equality when comparing values to value pattern' },
  }) as const satisfies OptionSpecs;

export const listOptions = { ...location, ...display, ...types, ...includes } as const satisfies OptionSpecs;

export const getOptions = {
  ...location,
  all: { type: 'flag', help: 'return all values for multi-valued config options' },
  regexp: { type: 'flag', help: 'interpret the name as a regular expression' },
  ...matching('show'),
  url: { type: 'string', value: 'URL', help: 'show config matching the given URL' },
  ...display,
  ...types,
  ...includes,
  default: { type: 'string', value: 'value', help: 'use default value when missing entry' },
} as const satisfies OptionSpecs;

export const setOptions = {
  ...location,
  ...types,
  all: { type: 'flag', help: 'replace multi-valued config option with new value' },
  ...matching('show'),
  comment: { type: 'string', value: 'value', help: 'human-readable comment string (# will be prepended as needed)' },
  append: { type: 'flag', help: 'add a new line without altering any existing values' },
} as const satisfies OptionSpecs;

export const unsetOptions = {
  ...location,
  all: { type: 'flag', help: 'unset all multi-valued config options' },
  value: { type: 'string', value: 'pattern', help: 'unset multi-valued config options with matching values' },
  'fixed-value': { type: 'flag', help: 'use string equality when comparing values to value pattern' },
} as const satisfies OptionSpecs;

export const sectionOptions = location;

const action = (help: string, short?: string) =>
  ({ type: 'mode', group: 'action', help, hidden: true, ...(short === undefined ? {} : { short }) }) as const;

/** The old form, where options name the action. Not shown in the usage. */
export const oldOptions = {
  ...location,
  get: action('get value: name [<value-pattern>]'),
  'get-all': action('get all values: key [<value-pattern>]'),
  'get-regexp': action('get values for regexp: name-regex [<value-pattern>]'),
  'get-urlmatch': action('get value specific for the URL: section[.var] URL'),
  'replace-all': action('replace all matching variables: name value [<value-pattern>]'),
  add: action('add a new variable: name value'),
  unset: action('remove a variable: name [<value-pattern>]'),
  'unset-all': action('remove all matches: name [<value-pattern>]'),
  'rename-section': action('rename section: old-name new-name'),
  'remove-section': action('remove a section: name'),
  list: action('list all', 'l'),
  edit: action('open an editor', 'e'),
  'get-color': action('find the color configured: slot [<default>]'),
  'get-colorbool': action('find the color setting: slot [<stdout-is-tty>]'),
  ...display,
  ...types,
  default: { type: 'string', value: 'value', help: 'with --get, use default value when missing entry' },
  comment: { type: 'string', value: 'value', help: 'human-readable comment string (# will be prepended as needed)' },
  'fixed-value': { type: 'flag', help: 'use string equality when comparing values to value pattern' },
  ...includes,
} as const satisfies OptionSpecs;

export interface TypeChoice {
  readonly type: ValueType | undefined;
}

const named: Readonly<Record<string, ValueType>> = {
  bool: 'bool',
  int: 'int',
  'bool-or-int': 'bool-or-int',
  'bool-or-str': 'bool-or-str',
  path: 'path',
  'expiry-date': 'expiry-date',
  color: 'color',
};

/** The one type that the options ask for. Throws git's error for two of them. */
export function chosenType(events: readonly OptionEvent[]): ValueType | undefined {
  let chosen: ValueType | undefined;
  for (const { key, value, negated } of events) {
    let next: ValueType | undefined;
    if (key === 'type') {
      if (negated) {
        chosen = undefined;
        continue;
      }
      next = named[value!];
      if (next === undefined) throw new GitError('USAGE', `unrecognized --type argument, ${value}`);
    } else if (key in types && key !== 'type') next = named[key];
    else continue;
    if (chosen !== undefined && chosen !== next) throw new UsageError('only one type at a time', { quiet: true });
    chosen = next;
  }
  return chosen;
}
