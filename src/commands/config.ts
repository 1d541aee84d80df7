import { parseColor } from '../base/color.js';
import { compareText, decodeText, encodeText } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import { compileRegex } from '../base/posix-regex.js';
import { quotePath } from '../base/quote.js';
import { parseConfigNumber } from '../repo/config-values.js';
import type { ConfigEntry } from '../repo/config.js';
import { Config, homeOf, keyFaultMessage } from '../repo/config.js';
import type { ConvertContext, ValueType } from '../repo/config-convert.js';
import { convertValue, normalizeForWriting } from '../repo/config-convert.js';
import type { ConfigEdit } from '../repo/config-file.js';
import { canonicalKey, editConfig, renameSection } from '../repo/config-file.js';
import { changeConfigFile, ConfigWriteFault } from '../repo/config-store.js';
import { nowOf } from '../repo/repository.js';
import { compareFits, matchUrl, normalizeUrl } from '../repo/urlmatch.js';
import type { UrlFit } from '../repo/urlmatch.js';
import { wantColor } from './color.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import type { Place, PlaceOptions } from './config-place.js';
import { choosePlace, readPlace, writablePlace } from './config-place.js';
import {
  chosenType,
  getOptions,
  listOptions,
  oldOptions,
  sectionOptions,
  setOptions,
  unsetOptions,
} from './config-options.js';
import type { OptionSpecs, ParsedOptions } from './options.js';
import { parseOptions, UsageError } from './options.js';
import { parseSubcommand } from './subcommand.js';

const LOCATION = '[<file-option>]';
const synopses = {
  list: `config list ${LOCATION} [<display-option>] [--includes]`,
  get: `config get ${LOCATION} [<display-option>] [--includes] [--all] [--regexp] [--value=<pattern>] [--fixed-value] [--default=<default>] [--url=<url>] <name>`,
  set: `config set ${LOCATION} [--type=<type>] [--all] [--value=<pattern>] [--fixed-value] <name> <value>`,
  unset: `config unset ${LOCATION} [--all] [--value=<pattern>] [--fixed-value] <name>`,
  'rename-section': `config rename-section ${LOCATION} <old-name> <new-name>`,
  'remove-section': `config remove-section ${LOCATION} <name>`,
  edit: `config edit ${LOCATION}`,
};

/** One line of output: an entry as it is shown. */
interface Result {
  readonly text: string;
  readonly key?: string;
  readonly value?: string | undefined;
  readonly scope?: string;
  readonly origin?: string;
}

/** The command ends with this code, after `error: message` if there is one. */
class Exit extends Error {
  readonly code: number;
  constructor(code: number, message = '') {
    super(message);
    this.code = code;
  }
}

export const command = defineCommand({
  name: 'config',
  summary: 'get and set repository or global options',
  usage: [...Object.values(synopses), `config ${LOCATION} --get-colorbool <name> [<stdout-is-tty>]`],
  options: {} as OptionSpecs,
  parsing: { none: true },
  async *run(context): AsyncGenerator<Result, number> {
    const [first, ...rest] = context.argv;
    try {
      const run = first !== undefined && Object.hasOwn(subcommands, first) ? subcommands[first] : undefined;
      const running = run === undefined ? runOld(context) : run(context, rest);
      return typeof running === 'number' ? running : yield* running;
    } catch (error) {
      if (error instanceof Exit) {
        if (error.message !== '') context.error(error.message);
        return error.code;
      }
      if (error instanceof ConfigWriteFault) {
        context.error(error.message);
        return 255;
      }
      throw error;
    }
  },
  render: ({ text }) => text,
});

type Run = AsyncGenerator<Result, number>;

const subcommands: Readonly<Record<string, (context: CommandContext, argv: readonly string[]) => Run | number>> = {
  async *list(context, argv): Run {
    const args = parsed(context, 'list', listOptions, argv);
    if (typeof args === 'number') return args;
    count(args.rest, 0, 0);
    const { values } = args;
    const show = display(context, values, chosenType(args.events));
    return yield* list(
      context,
      choosePlace(context, values),
      { ...show, names: true, delimiter: show.nul ? '\n' : '=' },
      values.includes,
    );
  },

  async *get(context, argv): Run {
    const args = parsed(context, 'get', getOptions, argv);
    if (typeof args === 'number') return args;
    const { values } = args;
    count(args.rest, 1, 1);
    if (values['fixed-value'] === true && values.value == null) {
      throw new UsageError('--fixed-value only applies with --value=<pattern>', { quiet: true });
    }
    if (values.default != null && (values.all === true || values.url != null)) {
      throw new UsageError('--default= cannot be used with --all or --url=', { quiet: true });
    }
    if (values.url != null && (values.all === true || values.regexp === true || values.value != null)) {
      throw new UsageError('--url= cannot be used with --all, --regexp or --value', { quiet: true });
    }
    const show = display(context, values, chosenType(args.events));
    const place = choosePlace(context, values);
    const [name] = args.rest;
    context.startPager(true);
    if (values.url != null) return yield* getByUrl(context, place, show, values.includes, name!, values.url);
    return yield* get(context, place, show, values.includes, {
      name: name!,
      regexp: values.regexp === true,
      all: values.all === true,
      pattern: values.value ?? undefined,
      fixed: values['fixed-value'] === true,
      fallback: values.default ?? undefined,
    });
  },

  set(context, argv): number {
    const args = parsed(context, 'set', setOptions, argv);
    if (typeof args === 'number') return args;
    const { values } = args;
    if (args.rest.length === 1) return missingValue(context, args.rest[0]!);
    count(args.rest, 2, 2);
    if (values['fixed-value'] === true && values.value == null) {
      throw new UsageError('--fixed-value only applies with --value=<pattern>', { quiet: true });
    }
    if (values.append === true && values.value != null) {
      throw new UsageError('--append cannot be used with --value=<pattern>', { quiet: true });
    }
    const [key, value] = args.rest;
    change(context, choosePlace(context, values), {
      key: key!,
      value: value!,
      type: chosenType(args.events),
      all: values.all === true,
      append: values.append === true,
      pattern: values.value ?? undefined,
      fixed: values['fixed-value'] === true,
      comment: values.comment ?? undefined,
      advice: 'Use --value=<pattern>, --append or --all',
    });
    return 0;
  },

  unset(context, argv): number {
    const args = parsed(context, 'unset', unsetOptions, argv);
    if (typeof args === 'number') return args;
    const { values } = args;
    count(args.rest, 1, 1);
    if (values['fixed-value'] === true && values.value == null) {
      throw new UsageError('--fixed-value only applies with --value=<pattern>', { quiet: true });
    }
    change(context, choosePlace(context, values), {
      key: args.rest[0]!,
      value: undefined,
      all: values.all === true,
      pattern: values.value ?? undefined,
      fixed: values['fixed-value'] === true,
    });
    return 0;
  },

  'rename-section'(context, argv): number {
    const args = parsed(context, 'rename-section', sectionOptions, argv);
    if (typeof args === 'number') return args;
    count(args.rest, 2, 2);
    return moveSection(context, choosePlace(context, args.values), args.rest[0]!, args.rest[1]!);
  },

  'remove-section'(context, argv): number {
    const args = parsed(context, 'remove-section', sectionOptions, argv);
    if (typeof args === 'number') return args;
    count(args.rest, 1, 1);
    return moveSection(context, choosePlace(context, args.values), args.rest[0]!, undefined);
  },

  edit(context, argv): number {
    const args = parsed(context, 'edit', sectionOptions, argv);
    if (typeof args === 'number') return args;
    count(args.rest, 0, 0);
    return edit(context, choosePlace(context, args.values));
  },
};

function parsed<const S extends OptionSpecs>(
  context: CommandContext,
  name: keyof typeof synopses,
  options: S,
  argv: readonly string[],
): ParsedOptions<S> | number {
  return parseSubcommand(context, [synopses[name]], options, argv, { stopAtNonOption: true });
}

function count(words: readonly string[], least: number, most: number): void {
  if (words.length >= least && words.length <= most) return;
  throw new UsageError(
    least === most
      ? `wrong number of arguments, should be ${least}`
      : `wrong number of arguments, should be from ${least} to ${most}`,
    { quiet: true },
  );
}

/** Only a name where a value should follow: says what was probably meant. */
function missingValue(context: CommandContext, word: string): number {
  const equals = word.indexOf('=', Math.max(0, word.lastIndexOf('.')));
  const key = equals < 0 ? word : word.slice(0, equals);
  if ('fault' in canonicalKey(key)) {
    context.error(`missing value to set to a variable with an invalid name '${word}'`);
    return 129;
  }
  context.error(`missing value to set to the variable '${word}'`);
  if (equals >= 0) context.hint(`did you mean "git config set ${key} ${word.slice(equals + 1)}"?`);
  return 129;
}

interface Display {
  readonly nul: boolean;
  readonly nameOnly: boolean;
  readonly origin: boolean;
  readonly scope: boolean;
  /** Show keys. */
  readonly names: boolean | undefined;
  readonly delimiter: string;
  readonly type: ValueType | undefined;
  readonly convert: ConvertContext;
  readonly exists: (path: string) => boolean;
}

interface DisplayOptions {
  readonly null?: boolean;
  readonly 'name-only'?: boolean;
  readonly 'show-origin'?: boolean;
  readonly 'show-scope'?: boolean;
  readonly 'show-names'?: boolean;
}

function display(context: CommandContext, values: DisplayOptions, type: ValueType | undefined): Display {
  const { env, platform } = context;
  return {
    nul: values.null === true,
    nameOnly: values['name-only'] === true,
    origin: values['show-origin'] === true,
    scope: values['show-scope'] === true,
    names: values['show-names'],
    delimiter: values.null === true ? '\n' : ' ',
    type,
    convert: {
      home: (user) => homeOf({ fs: platform.fs, env, homeOf: (name) => homeOfUser(context, name) }, user),
      clock: {
        now: nowOf(platform, env),
        zone: (milliseconds) => platform.timezoneOffset(milliseconds),
      },
    },
    exists: (path) => platform.fs.stat(path) !== undefined,
  };
}

function homeOfUser(context: CommandContext, name: string): string | undefined {
  const bytes = context.platform.fs.readFile('/etc/passwd');
  if (bytes === undefined) return undefined;
  for (const line of decodeText(bytes).split('\n')) {
    const fields = line.split(':');
    if (fields[0] === name) return fields[5];
  }
  return undefined;
}

const originText = (entry: ConfigEntry): string => `${entry.origin.kind}:${entry.origin.name}`;

/** An entry as it is printed; `undefined` for one that is not shown. Throws where the type does not fit. */
function shown(entry: ConfigEntry, show: Display): Result | undefined {
  const end = show.nul ? '\0' : '\n';
  const between = show.nul ? '\0' : '\t';
  let text = '';
  if (show.scope) text += entry.scope + between;
  if (show.origin) {
    const { kind, name } = entry.origin;
    text += `${kind}:${show.nul ? name : quotePath(name)}${between}`;
  }
  if (show.names === true || show.nameOnly) text += entry.key;
  let value: string | undefined;
  if (!show.nameOnly) {
    if (show.type !== undefined) {
      value = convertValue(entry, show.type, show.convert, show.exists);
      if (value === undefined) return undefined;
    } else value = entry.value;
    if (value !== undefined) text += (show.names === true ? show.delimiter : '') + value;
  }
  return { text: text + end, key: entry.key, value, scope: entry.scope, origin: originText(entry) };
}

async function* list(context: CommandContext, place: Place, show: Display, includes: boolean | undefined): Run {
  const { entries, missing } = await readPlace(context, place, includes);
  if (missing !== undefined) {
    throw new GitError('CONFIG', `unable to read config file '${missing}': No such file or directory`);
  }
  context.startPager(true);
  for (const entry of entries) {
    let result: Result | undefined;
    try {
      result = shown(entry, show);
    } catch (error) {
      // A value that is not of the type asked for is left out of a list.
      if (show.type === undefined || !isGitError(error)) throw error;
    }
    if (result !== undefined) yield result;
  }
  return 0;
}

interface Query {
  readonly name: string;
  readonly regexp: boolean;
  readonly all: boolean;
  readonly pattern: string | undefined;
  readonly fixed: boolean;
  readonly fallback: string | undefined;
}

async function* get(
  context: CommandContext,
  place: Place,
  show: Display,
  includes: boolean | undefined,
  query: Query,
): Run {
  // A colour may be asked for by its default alone.
  const nameless = query.name === '' && show.type === 'color' && query.fallback !== undefined;
  const keyMatches = query.regexp ? keyPattern(query.name) : nameless ? () => false : sameKey(query.name);
  const valueMatches = valueMatcher(query.pattern, query.fixed);
  const { entries } = await readPlace(context, place, includes);
  const chosen = entries.filter((entry) => keyMatches(entry.key) && valueMatches(entry.value));
  if (chosen.length === 0 && query.fallback !== undefined) {
    const key = nameless ? '' : checkKey(query.name);
    const fallback: ConfigEntry = {
      key,
      value: query.fallback,
      scope: 'command',
      origin: { kind: 'command line', name: '' },
      line: -1,
    };
    try {
      const result = shown(fallback, show);
      if (result !== undefined) yield nameless ? { ...result, text: result.text.trimEnd() } : result;
    } catch (error) {
      if (!isGitError(error)) throw error;
      throw new GitError('CONFIG', `failed to format default config value: ${query.fallback}`, {
        data: { preface: `error: ${error.message}\n` },
      });
    }
    return 0;
  }
  if (chosen.length === 0) return 1;
  if (query.all) context.startPager(true);
  // All are converted, wanted or not: what cannot be is an error. Optional paths that are not there do not count.
  const results: Result[] = [];
  for (const entry of chosen) {
    const result = withLine(entry, () => shown(entry, show));
    if (result !== undefined) results.push(result);
  }
  yield* query.all ? results : results.slice(-1);
  return results.length > 0 ? 0 : 1;
}

/** Errors about a value that is missing name the place it stands at. */
function withLine<T>(entry: ConfigEntry, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isGitError(error)) throw error;
    if (error.message.startsWith('missing value for')) {
      throw new GitError(
        'CONFIG',
        entry.origin.kind === 'file'
          ? `bad config variable '${entry.key}' in file '${entry.origin.name}' at line ${entry.line}`
          : `unable to parse '${entry.key}' from command-line config`,
        { data: { preface: `error: ${error.message}\n` } },
      );
    }
    if (error.message.startsWith('invalid color value') || error.message.includes('is not a valid timestamp')) {
      throw new GitError(
        'CONFIG',
        entry.origin.kind === 'file'
          ? `bad config variable '${entry.key}' in file '${entry.origin.name}' at line ${entry.line}`
          : `unable to parse '${entry.key}' from command-line config`,
        { data: { preface: `error: ${error.message}\n` } },
      );
    }
    throw error;
  }
}

function checkKey(name: string): string {
  const checked = canonicalKey(name);
  if ('key' in checked) return checked.key;
  const code = checked.fault === 'no section' || checked.fault === 'no name' ? 2 : 1;
  throw new Exit(code, keyFaultMessage(name, checked.fault));
}

function sameKey(name: string): (key: string) => boolean {
  const checked = canonicalKey(name);
  if ('fault' in checked) throw new Exit(1, keyFaultMessage(name, checked.fault));
  return (key) => key === checked.key;
}

function keyPattern(name: string): (key: string) => boolean {
  // Section and name are compared in lower case: the parts of the pattern before its first and after its last dot.
  const first = name.indexOf('.');
  const last = name.lastIndexOf('.');
  const folded =
    first < 0
      ? name.toLowerCase()
      : name.slice(0, first).toLowerCase() + name.slice(first, last) + name.slice(last).toLowerCase();
  try {
    const regex = compileRegex(folded, 'extended', { newline: false });
    return (key) => regex.test(key);
  } catch (error) {
    if (!isGitError(error)) throw error;
    throw new Exit(6, `invalid key pattern: ${folded}`);
  }
}

function valueMatcher(pattern: string | undefined, fixed: boolean): (value: string | undefined) => boolean {
  if (pattern === undefined) return () => true;
  if (fixed) return (value) => (value ?? '') === pattern;
  const negated = pattern.startsWith('!');
  const text = negated ? pattern.slice(1) : pattern;
  try {
    const regex = compileRegex(text, 'extended', { newline: false });
    return (value) => regex.test(value ?? '') !== negated;
  } catch (error) {
    if (!isGitError(error)) throw error;
    throw new Exit(6, `invalid pattern: ${text}`);
  }
}

async function* getByUrl(
  context: CommandContext,
  place: Place,
  show: Display,
  includes: boolean | undefined,
  name: string,
  urlText: string,
): Run {
  const url = normalizeUrl(urlText);
  if (url === undefined) throw new GitError('USAGE', `invalid URL scheme name or missing '://' suffix`);
  const dot = name.indexOf('.');
  const section = (dot < 0 ? name : name.slice(0, dot)).toLowerCase();
  const only = dot < 0 ? undefined : name.slice(dot + 1).toLowerCase();
  const best = new Map<string, { fit: UrlFit | undefined; entry: ConfigEntry }>();
  for (const entry of (await readPlace(context, place, includes)).entries) {
    if (!entry.key.startsWith(`${section}.`)) continue;
    const last = entry.key.lastIndexOf('.');
    const key = entry.key.slice(last + 1);
    if (only !== undefined && key !== only) continue;
    let fit: UrlFit | undefined;
    if (last > section.length) {
      const pattern = normalizeUrl(entry.key.slice(section.length + 1, last), true);
      fit = pattern === undefined ? undefined : matchUrl(url, pattern);
      if (fit === undefined) continue;
    }
    const before = best.get(key);
    const none: UrlFit = { hostLength: -1, pathLength: 0, userMatched: false };
    if (before === undefined || compareFits(fit ?? none, before.fit ?? none) >= 0) best.set(key, { fit, entry });
  }
  if (best.size === 0) return 1;
  for (const key of [...best.keys()].sort(compareText)) {
    const { entry } = best.get(key)!;
    const result = withLine(entry, () =>
      shown({ ...entry, key: `${section}.${key}` }, { ...show, names: show.names ?? only === undefined }),
    );
    if (result !== undefined) yield result;
  }
  return 0;
}

interface Change {
  readonly key: string;
  readonly value: string | undefined;
  readonly type?: ValueType | undefined;
  readonly all?: boolean;
  readonly append?: boolean;
  readonly pattern?: string | undefined;
  readonly fixed?: boolean;
  readonly comment?: string | undefined;
  readonly advice?: string;
}

function commentText(message: string | undefined): string | undefined {
  if (message === undefined) return undefined;
  if (message.includes('\n')) throw new GitError('USAGE', `no multi-line comment allowed: '${message}'`);
  if (/^[ \t]+#/.test(message)) return message;
  return message.startsWith('#') ? ` ${message}` : ` # ${message}`;
}

function change(context: CommandContext, place: Place, wanted: Change): void {
  const { path, name } = writablePlace(context, place);
  const comment = commentText(wanted.comment);
  const value = wanted.value === undefined ? undefined : normalizeForWriting(wanted.key, wanted.value, wanted.type);
  checkKey(wanted.key);
  const matches = wanted.pattern === undefined ? undefined : valueMatcher(wanted.pattern, wanted.fixed === true);
  const edit: ConfigEdit = {
    key: wanted.key,
    value,
    matches,
    all: wanted.all === true,
    append: wanted.append === true,
    comment,
  };
  if (value === undefined && context.platform.fs.stat(path) === undefined) throw new Exit(5);
  changeConfigFile(context.platform.fs, path, name, (file) => {
    const result = editConfig(file, edit);
    if ('text' in result) return result.text;
    if (result.fault === 'missing') throw new Exit(5);
    context.warning(`${checkKey(wanted.key)} has multiple values`);
    throw new Exit(
      5,
      wanted.advice === undefined
        ? ''
        : `cannot overwrite multiple values with a single value\n       ${wanted.advice} to change ${wanted.key}.`,
    );
  });
}

/** The longest line that a rename works on. */
const LONGEST_LINE = 512 * 1024;

function moveSection(context: CommandContext, place: Place, from: string, to: string | undefined): number {
  const { path, name } = writablePlace(context, place);
  if (to !== undefined && !/^[A-Za-z0-9-]+(?:\..*)?$/s.test(to)) {
    throw new Exit(255, `invalid section name: ${to}`);
  }
  const missing = (): never => {
    throw new GitError('CONFIG', `no such section: ${from}`);
  };
  if (context.platform.fs.stat(path) === undefined) missing();
  changeConfigFile(context.platform.fs, path, name, (file) => {
    file.text.split('\n').forEach((line, i) => {
      if (line.length >= LONGEST_LINE) {
        throw new Exit(255, `refusing to work with overly long line in '${name}' on line ${i + 1}`);
      }
    });
    return renameSection(file, from, to) ?? missing();
  });
  return 0;
}

const newUserFile = (name: string, email: string): string => `# This is Git's per-user configuration file.
[user]
# Please adapt and uncomment the following lines:
#	name = ${name}
#	email = ${email}
`;

function edit(context: CommandContext, place: Place): number {
  if (place.kind === 'all' && context.maybeRepository() === undefined) {
    throw new GitError('USAGE', 'not in a git directory');
  }
  if (place.kind === 'stdin') throw new GitError('USAGE', 'editing stdin is not supported');
  if (place.kind === 'blob') throw new GitError('USAGE', 'editing blobs is not supported');
  const { path, name } = writablePlace(context, place);
  const { fs, processes } = context.platform;
  if (place.kind === 'global' && fs.stat(path) === undefined) {
    const account = context.platform.account?.();
    const login = account?.login ?? 'unknown';
    const handle = fs.openWrite(path, { exclusive: true });
    handle?.write(encodeText(newUserFile(account?.name ?? login, `${login}@${context.platform.hostName}`)));
    handle?.close();
  }
  const { env } = context;
  const editor =
    env['GIT_EDITOR'] ?? context.maybeRepository()?.config.get('core.editor') ?? env['VISUAL'] ?? env['EDITOR'] ?? 'vi';
  if (editor === ':') return 0;
  context.io.stdout.flush();
  const shownPath = place.kind === 'file' || place.kind === 'all' ? name : path;
  const { code } = processes!.runSync(processes!.shell(editor, [shownPath]), {
    cwd: context.maybeRepository()?.fromTop('.') ?? context.cwd,
    env,
    stdin: 'inherit',
    stdout: 'inherit',
    stderr: 'inherit',
  });
  if (code === 0) return 0;
  context.error(`there was a problem with the editor '${editor}'`);
  return 255;
}

type OldValues = ParsedOptions<typeof oldOptions>['values'];

/** `git config` with options that name the action. */
async function* runOld(context: CommandContext): Run {
  const args = parseOptions(oldOptions, context.argv, {
    stopAtNonOption: true,
    noAbbreviations: context.env['GIT_TEST_DISALLOW_ABBREVIATED_OPTIONS'] === 'true',
  });
  const { values, rest } = args;
  const type = chosenType(args.events);
  const action = oldAction(values, rest);
  if (action === 'get' && values.get === undefined && /^[^=]*\.[^=.]*=[^.]*$/.test(rest[0]!)) {
    return missingValue(context, rest[0]!);
  }
  const fail = (message: string): never => {
    throw new UsageError(message, { quiet: true });
  };
  if (type !== undefined && (action === 'get-color' || action === 'get-colorbool')) {
    fail('--get-color and variable type are incoherent');
  }
  if (values['name-only'] === true && action !== 'list' && action !== 'get-regexp') {
    fail('--name-only is only applicable to --list or --get-regexp');
  }
  if (values['show-origin'] === true && !['get', 'get-all', 'get-regexp', 'list'].includes(action)) {
    fail('--show-origin is only applicable to --get, --get-all, --get-regexp, and --list');
  }
  if (values.default != null && action !== 'get') fail('--default is only applicable to --get');
  if (values.comment != null && !['add', 'set', 'set-all', 'replace-all'].includes(action)) {
    fail('--comment is only applicable to add/set/replace operations');
  }
  const fixed = values['fixed-value'] === true;
  if (fixed) {
    const patternAt = {
      get: 1,
      'get-all': 1,
      'get-regexp': 1,
      unset: 1,
      'unset-all': 1,
      'set-all': 2,
      'replace-all': 2,
    };
    const at = patternAt[action as keyof typeof patternAt];
    if (at === undefined || rest.length <= at) fail("--fixed-value only applies with 'value-pattern'");
  }
  const place = choosePlace(context, values as PlaceOptions);
  const show = display(context, values, type);
  const [first, second, third] = rest;
  const query = (regexp: boolean, all: boolean): Query => ({
    name: first!,
    regexp,
    all,
    pattern: second,
    fixed,
    fallback: values.default ?? undefined,
  });
  const shared = { fixed, comment: values.comment ?? undefined, type };
  switch (action) {
    case 'list':
      count(rest, 0, 0);
      return yield* list(context, place, { ...show, names: true, delimiter: show.nul ? '\n' : '=' }, values.includes);
    case 'edit':
      count(rest, 0, 0);
      return edit(context, place);
    case 'get':
    case 'get-all':
      count(rest, 1, 2);
      return yield* get(context, place, show, values.includes, query(false, action === 'get-all'));
    case 'get-regexp':
      count(rest, 1, 2);
      return yield* get(context, place, { ...show, names: true }, values.includes, query(true, true));
    case 'get-urlmatch':
      count(rest, 2, 2);
      return yield* getByUrl(context, place, show, values.includes, first!, second!);
    case 'set':
      count(rest, 2, 2);
      change(context, place, {
        ...shared,
        key: first!,
        value: second!,
        advice: 'Use a regexp, --add or --replace-all',
      });
      return 0;
    case 'set-all':
      count(rest, 2, 3);
      change(context, place, {
        ...shared,
        key: first!,
        value: second!,
        pattern: third,
        advice: 'Use a regexp, --add or --replace-all',
      });
      return 0;
    case 'add':
      count(rest, 2, 2);
      change(context, place, { ...shared, key: first!, value: second!, append: true });
      return 0;
    case 'replace-all':
      count(rest, 2, 3);
      change(context, place, { ...shared, key: first!, value: second!, pattern: third, all: true });
      return 0;
    case 'unset':
    case 'unset-all':
      count(rest, 1, 2);
      change(context, place, { key: first!, value: undefined, pattern: second, fixed, all: action === 'unset-all' });
      return 0;
    case 'rename-section':
      count(rest, 2, 2);
      return moveSection(context, place, first!, second!);
    case 'remove-section':
      count(rest, 1, 1);
      return moveSection(context, place, first!, undefined);
    case 'get-color':
      count(rest, 1, 2);
      return yield* getColor(context, place, values.includes, first!, second);
    case 'get-colorbool':
      count(rest, 1, 2);
      return yield* getColorBool(context, place, values.includes, first!, second);
    default:
      throw new UsageError();
  }
}

function oldAction(values: OldValues, rest: readonly string[]): string {
  for (const [key, spec] of Object.entries(oldOptions)) {
    if (spec.type === 'mode' && values[key as keyof OldValues] !== undefined) return key;
  }
  switch (rest.length) {
    case 1:
      return 'get';
    case 2:
      return 'set';
    case 3:
      return 'set-all';
    case 0:
      throw new UsageError('no action specified', { quiet: true });
    default:
      throw new UsageError('no action specified', { quiet: true });
  }
}

async function* getColor(
  context: CommandContext,
  place: Place,
  includes: boolean | undefined,
  slot: string,
  fallback: string | undefined,
): Run {
  const { entries } = await readPlace(context, place, includes);
  const entry = entries.filter(({ key }) => key === slot.toLowerCase() || key === slot).pop();
  if (entry !== undefined) {
    yield { text: withLine(entry, () => convertValue(entry, 'color', display(context, {}, 'color').convert) ?? '') };
    return 0;
  }
  if (fallback === undefined) return 0;
  try {
    yield { text: parseColor(fallback) };
  } catch (error) {
    if (!isGitError(error)) throw error;
    throw new GitError('CONFIG', 'unable to parse default color value', {
      data: { preface: `error: ${error.message}\n` },
    });
  }
  return 0;
}

async function* getColorBool(
  context: CommandContext,
  place: Place,
  includes: boolean | undefined,
  slot: string,
  terminal: string | undefined,
): Run {
  const { entries } = await readPlace(context, place, includes);
  const config = new Config(entries, () => undefined);
  let setting: string | boolean | undefined;
  for (const key of [slot.toLowerCase(), 'color.ui', ...(slot.toLowerCase() === 'color.diff' ? ['diff.color'] : [])]) {
    setting = colorSetting(config, key);
    if (setting !== undefined) break;
  }
  let answer: boolean;
  if (setting === 'always') answer = true;
  else if (setting === 'never' || setting === false) answer = false;
  else if (terminal !== undefined) answer = convertBool(terminal);
  else answer = wantColor(context, 'ui', 'auto');
  if (terminal === undefined) return answer ? 0 : 1;
  yield { text: `${answer}\n` };
  return 0;
}

function colorSetting(config: Config, key: string): string | boolean | undefined {
  const entry = config.last(key);
  if (entry === undefined) return undefined;
  const word = entry.value?.toLowerCase();
  if (word === 'never' || word === 'always' || word === 'auto') return word;
  return config.getBool(key, true) ? 'auto' : false;
}

function convertBool(text: string): boolean {
  const word = text.toLowerCase();
  if (['true', 'yes', 'on', ''].includes(word)) return word !== '';
  if (['false', 'no', 'off'].includes(word)) return false;
  const number = parseConfigNumber(text);
  if ('value' in number) return number.value !== 0;
  throw new GitError('CONFIG', `bad boolean config value '${text}' for 'command line'`);
}
