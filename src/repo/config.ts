import type { Bytes } from '../base/bytes.js';
import { systemMessage } from '../platform/system-message.js';
import { readIfThere } from '../platform/fs.js';
import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { wildmatch } from '../base/wildmatch.js';
import type { NumberFault } from './config-values.js';
import { expandPath, parseBool, parseBoolWord, parseConfigNumber } from './config-values.js';
import { canonicalKey, parseConfigFile } from './config-file.js';
import type { IncludeContext } from './config-include.js';
import { conditionHolds } from './config-include.js';
import { isAbsolute, parentDirectory, resolvePath } from './paths.js';

export type ConfigScope = 'system' | 'global' | 'local' | 'worktree' | 'command' | 'submodule' | 'unknown';

/** Where an entry was read: `file:NAME`, `blob:NAME`, `standard input:`, `command line:`. */
export interface ConfigOrigin {
  readonly kind: 'file' | 'blob' | 'standard input' | 'command line' | 'submodule-blob';
  readonly name: string;
}

export interface ConfigEntry {
  /** Canonical: section and name in lower case, subsection as written. */
  readonly key: string;
  /** `undefined`: the name stands alone, which is "true". */
  readonly value: string | undefined;
  readonly scope: ConfigScope;
  readonly origin: ConfigOrigin;
  readonly line: number;
}

/** The outside that reading configuration needs. */
export interface ConfigContext extends IncludeContext {
  /** Home directory of a named user. */
  readonly homeOf?: ((user: string) => string | undefined) | undefined;
}

const MAX_INCLUDES = 10;
const REMOTE_CONDITION = 'hasconfig:remote.*.url:';
/** What `%(prefix)/` stands for in paths. */
const PREFIX = '/usr/local';

export interface ReaderOptions {
  /** `false`: `include.path` is an entry like any other. */
  readonly includes?: boolean;
  /** All `remote.*.url` values, for `includeIf "hasconfig:…"`; asked at most once. */
  readonly remotes?: () => readonly string[];
  /** For finding those values: files such conditions include are read whatever they say, as they must name none. */
  readonly unconditional?: boolean;
}

/** Reads files with their includes into one list of entries. */
export class ConfigReader {
  readonly entries: ConfigEntry[] = [];
  readonly #context: ConfigContext;
  readonly #options: ReaderOptions;
  #depth = 0;
  #remotes: readonly string[] | undefined;
  #underRemoteCondition = false;

  constructor(context: ConfigContext, options: ReaderOptions = {}) {
    this.#context = context;
    this.#options = options;
  }

  /** Answers whether the file was there. Throws `CONFIG` on a line that cannot be read. */
  file(path: string, scope: ConfigScope, name = path): boolean {
    let bytes: Bytes | undefined;
    try {
      bytes = readIfThere(this.#context.fs, path);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === undefined) throw error;
      // Who serves as another user may still have the first one's home.
      if (scope === 'global' && (code === 'EACCES' || code === 'EPERM')) return false;
      throw new GitError('CONFIG', `unable to access '${name}': ${systemMessage(error)}`, { cause: error });
    }
    if (bytes === undefined) return false;
    this.text(decodeText(bytes), scope, { kind: 'file', name }, path);
    return true;
  }

  /** `path`: the absolute path of a file origin, from which its relative includes count. */
  text(text: string, scope: ConfigScope, origin: ConfigOrigin, path?: string): void {
    const parsed = parseConfigFile(text);
    for (const token of parsed.tokens) {
      if (token.type !== 'entry') continue;
      this.#add({ key: token.key, value: token.value, scope, origin, line: token.line }, path);
    }
    if (parsed.faultLine !== undefined) throw badLine(parsed.faultLine, origin);
  }

  /** Entries from the environment or the command line. */
  commandEntries(pairs: Iterable<readonly [key: string, value: string | undefined]>): void {
    for (const [key, value] of pairs) {
      this.#add({ key, value, scope: 'command', origin: { kind: 'command line', name: '' }, line: -1 }, undefined);
    }
  }

  #add(entry: ConfigEntry, path: string | undefined): void {
    this.entries.push(entry);
    if (this.#options.includes === false) return;
    const { key } = entry;
    if (key === 'include.path') this.#include(entry, path);
    else if (key.startsWith('includeif.') && key.endsWith('.path') && key.length > 'includeif..path'.length) {
      const condition = key.slice('includeif.'.length, -'.path'.length);
      if (condition.startsWith(REMOTE_CONDITION)) {
        if (!this.#hasRemote(condition.slice(REMOTE_CONDITION.length))) return;
        const before = this.#underRemoteCondition;
        this.#underRemoteCondition = true;
        this.#include(entry, path);
        this.#underRemoteCondition = before;
      } else if (conditionHolds(condition, this.#context, path)) this.#include(entry, path);
    } else if (this.#underRemoteCondition && /^remote\..+\.url$/s.test(key)) {
      throw new GitError(
        'CONFIG',
        'remote URLs cannot be configured in file directly or indirectly included by includeIf.hasconfig:remote.*.url',
      );
    }
  }

  #hasRemote(pattern: string): boolean {
    if (this.#options.unconditional === true) return true;
    this.#remotes ??= this.#options.remotes?.() ?? [];
    return this.#remotes.some((url) => wildmatch(pattern, url, { pathname: true }));
  }

  #include(entry: ConfigEntry, from: string | undefined): void {
    if (entry.value === undefined) throw missingValue(entry);
    // An include may be marked optional; one that is missing is passed over anyway.
    const value = entry.value.replace(/^:\(optional\)/, '');
    const path = expandPath(value, (user) => homeOf(this.#context, user), PREFIX);
    let target = path;
    if (!isAbsolute(path)) {
      if (from === undefined) throw new GitError('CONFIG', 'relative config includes must come from files');
      target = resolvePath(parentDirectory(from), path);
    }
    const bytes = this.#context.fs.readFile(target);
    if (bytes === undefined) return;
    const shown = isAbsolute(path) ? path : includeName(entry.origin, path);
    if (++this.#depth > MAX_INCLUDES) {
      throw new GitError(
        'CONFIG',
        `exceeded maximum include depth (${MAX_INCLUDES}) while including\n\t${shown}\nfrom\n\t${
          entry.origin.kind === 'file' ? entry.origin.name : 'the command line'
        }\nThis might be due to circular includes.`,
      );
    }
    this.text(decodeText(bytes), entry.scope, { kind: 'file', name: shown }, target);
    this.#depth--;
  }
}

/** An included file's name as it is shown: next to the file that includes it, as that one is shown. */
function includeName(origin: ConfigOrigin, path: string): string {
  const slash = origin.name.lastIndexOf('/');
  return slash < 0 ? path : origin.name.slice(0, slash + 1) + path;
}

/** The home directory of the user, or of a named one. */
export function homeOf(context: ConfigContext, user: string | undefined): string | undefined {
  return user === undefined ? context.env['HOME'] : context.homeOf?.(user);
}

function badLine(line: number, origin: ConfigOrigin): GitError {
  return new GitError('CONFIG', `bad config line ${line} in ${originPhrase(origin)}`, { data: { line } });
}

function originPhrase(origin: ConfigOrigin): string {
  switch (origin.kind) {
    case 'file':
      return `file ${origin.name}`;
    case 'standard input':
      return 'standard input';
    case 'command line':
      return `command line ${origin.name}`.trimEnd();
    default:
      return `${origin.kind} ${origin.name}`;
  }
}

/** Throws the error git gives for a number it cannot read. */
export function badNumber(entry: Pick<ConfigEntry, 'key' | 'value' | 'origin'> | undefined, fault: NumberFault): never {
  const where =
    entry === undefined || (entry.origin.kind === 'command line' && entry.origin.name === '')
      ? ''
      : ` in ${originPhrase(entry.origin)}`;
  throw new GitError(
    'CONFIG',
    `bad numeric config value '${entry?.value ?? ''}' for '${entry?.key}'${where}: ${fault}`,
  );
}

/** A merged view of configuration: the last value of a key wins, all values are there to be listed. */
export class Config {
  readonly #entries: readonly ConfigEntry[];
  readonly #byKey = new Map<string, ConfigEntry[]>();
  readonly #home: (user: string | undefined) => string | undefined;

  constructor(entries: readonly ConfigEntry[], home: (user: string | undefined) => string | undefined) {
    this.#entries = entries;
    this.#home = home;
    for (const entry of entries) {
      const list = this.#byKey.get(entry.key);
      if (list === undefined) this.#byKey.set(entry.key, [entry]);
      else list.push(entry);
    }
  }

  /** All entries, in order of reading. */
  entries(): readonly ConfigEntry[] {
    return this.#entries;
  }

  /** The last entry of that key, with its origin. */
  last(key: string): ConfigEntry | undefined {
    const list = this.#byKey.get(key);
    return list?.[list.length - 1];
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** The last value. Throws `CONFIG` where the last entry has none. */
  get(key: string): string | undefined {
    const entry = this.last(key);
    if (entry === undefined) return undefined;
    if (entry.value === undefined) throw missingValue(entry);
    return entry.value;
  }

  /** All values in order. Throws `CONFIG` where an entry has none. */
  getAll(key: string): string[] {
    return (this.#byKey.get(key) ?? []).map((entry) => {
      if (entry.value === undefined) throw missingValue(entry);
      return entry.value;
    });
  }

  /** All entries of that key in order. */
  allOf(key: string): readonly ConfigEntry[] {
    return this.#byKey.get(key) ?? [];
  }

  getBool(key: string): boolean | undefined;
  getBool(key: string, fallback: boolean): boolean;
  getBool(key: string, fallback?: boolean): boolean | undefined {
    const entry = this.last(key);
    if (entry === undefined) return fallback;
    const bool = parseBool(entry.value);
    if (bool === undefined) {
      throw new GitError('CONFIG', `bad boolean config value '${entry.value}' for '${entry.key}'`);
    }
    return bool;
  }

  /** A bool, or `undefined` when unset, or the text itself when it is no bool (`color.ui=auto`). */
  getBoolOrString(key: string): boolean | string | undefined {
    const entry = this.last(key);
    if (entry === undefined) return undefined;
    return parseBool(entry.value) ?? entry.value;
  }

  getInt(key: string): number | undefined;
  getInt(key: string, fallback: number): number;
  getInt(key: string, fallback?: number): number | undefined {
    return this.#number(key, fallback, 32);
  }

  /** A size in bytes (k, m, g); up to 2^53. */
  getSize(key: string): number | undefined;
  getSize(key: string, fallback: number): number;
  getSize(key: string, fallback?: number): number | undefined {
    return this.#number(key, fallback, 64);
  }

  #number(key: string, fallback: number | undefined, bits: 32 | 64): number | undefined {
    const entry = this.last(key);
    if (entry === undefined) return fallback;
    const number = parseConfigNumber(entry.value, bits);
    if ('fault' in number) badNumber(entry, number.fault);
    return number.value;
  }

  /** A bool word gives a boolean, a number a number. */
  getBoolOrInt(key: string): boolean | number | undefined {
    const entry = this.last(key);
    if (entry === undefined) return undefined;
    const word = parseBoolWord(entry.value);
    if (word !== undefined) return word;
    const number = parseConfigNumber(entry.value);
    if ('fault' in number) badNumber(entry, number.fault);
    return number.value;
  }

  /** With `~/` and `~user/` expanded. An empty value is `undefined`, as git treats an unset path. */
  getPath(key: string): string | undefined {
    const value = this.get(key);
    if (value === undefined || value === '') return undefined;
    return expandPath(value, this.#home, PREFIX);
  }

  expandPath(value: string): string {
    return expandPath(value, this.#home, PREFIX);
  }

  /** The subsections of a section in order of first appearance: `subsections('remote')`. */
  subsections(section: string): string[] {
    const prefix = `${section}.`;
    const found = new Set<string>();
    for (const { key } of this.#entries) {
      if (!key.startsWith(prefix)) continue;
      const last = key.lastIndexOf('.');
      if (last > prefix.length - 1) found.add(key.slice(prefix.length, last));
    }
    return [...found];
  }
}

/** Says, in git's words, that an entry cannot be used; `why` is the line above, where there is one. */
export function badVariable(entry: ConfigEntry, why?: string): GitError {
  const where =
    entry.scope === 'command'
      ? `unable to parse '${entry.key}' from command-line config`
      : `bad config variable '${entry.key}' in file '${entry.origin.name}' at line ${entry.line}`;
  return new GitError('CONFIG', where, {
    data: { key: entry.key, ...(why === undefined ? {} : { preface: `error: ${why}\n` }) },
  });
}

export const missingValue = (entry: ConfigEntry): GitError => badVariable(entry, `missing value for '${entry.key}'`);

/** The values that `includeIf "hasconfig:remote.*.url:…"` looks at. */
export function remoteUrls(entries: readonly ConfigEntry[]): string[] {
  const urls: string[] = [];
  for (const { key, value } of entries) {
    if (value !== undefined && /^remote\..+\.url$/s.test(key)) urls.push(value);
  }
  return urls;
}

/** A file, and what it is called in messages. */
export interface NamedFile {
  readonly path: string;
  readonly name: string;
}

/** Where the files of each scope are. */
export interface ConfigFiles {
  readonly system: string | undefined;
  readonly global: readonly string[];
  readonly local: NamedFile | undefined;
  readonly worktree: NamedFile | undefined;
}

/** The files outside a repository, by the environment's rules. */
export function userConfigFiles(env: Readonly<Record<string, string | undefined>>): {
  system: string | undefined;
  global: string[];
} {
  const noSystem = parseBool(env['GIT_CONFIG_NOSYSTEM'] ?? 'false') === true;
  const system = noSystem ? undefined : (env['GIT_CONFIG_SYSTEM'] ?? '/etc/gitconfig');
  if (env['GIT_CONFIG_GLOBAL'] !== undefined) {
    return { system, global: env['GIT_CONFIG_GLOBAL'] === '' ? [] : [env['GIT_CONFIG_GLOBAL']] };
  }
  const global: string[] = [];
  const xdg = xdgConfigFile(env, 'config');
  if (xdg !== undefined) global.push(xdg);
  if (env['HOME'] !== undefined) global.push(`${env['HOME']}/.gitconfig`);
  return { system, global };
}

/** `$XDG_CONFIG_HOME/git/NAME`, or below `~/.config`. */
export function xdgConfigFile(env: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  const xdg = env['XDG_CONFIG_HOME'];
  if (xdg !== undefined && xdg !== '') return `${xdg}/git/${name}`;
  return env['HOME'] === undefined ? undefined : `${env['HOME']}/.config/git/${name}`;
}

/** Reads all scopes in git's order: system, global, local, worktree, command. */
export function readConfig(
  context: ConfigContext,
  files: ConfigFiles,
  overrides: readonly string[] = [],
  options: { includes?: boolean } = {},
): Config {
  const entries = readEntries(context, files, overrides, options);
  return new Config(entries, (user) => homeOf(context, user));
}

/** The entries that `readConfig` merges. */
export function readEntries(
  context: ConfigContext,
  files: ConfigFiles,
  overrides: readonly string[] = [],
  options: { includes?: boolean } = {},
): readonly ConfigEntry[] {
  const read = (into: ConfigReader): ConfigReader => {
    if (files.system !== undefined) into.file(files.system, 'system');
    for (const file of files.global) into.file(file, 'global');
    if (files.local !== undefined) into.file(files.local.path, 'local', files.local.name);
    if (files.worktree !== undefined) into.file(files.worktree.path, 'worktree', files.worktree.name);
    into.commandEntries(environmentEntries(context.env));
    into.commandEntries(overrides.map(parseOverride));
    return into;
  };
  const remotes = (): string[] =>
    remoteUrls(read(new ConfigReader(context, { ...options, unconditional: true })).entries);
  const reader = read(new ConfigReader(context, { ...options, remotes }));
  return reader.entries;
}

/** `GIT_CONFIG_COUNT` with its keys and values, then `GIT_CONFIG_PARAMETERS`. */
function environmentEntries(
  env: Readonly<Record<string, string | undefined>>,
): (readonly [string, string | undefined])[] {
  const out: (readonly [string, string | undefined])[] = [];
  const count = env['GIT_CONFIG_COUNT'];
  if (count !== undefined && count !== '') {
    if (!/^[ \t]*[+-]?\d+$/.test(count)) throw new GitError('CONFIG', 'bogus count in GIT_CONFIG_COUNT');
    const total = Number(count);
    if (total > 0x7fffffff) throw new GitError('CONFIG', 'too many entries in GIT_CONFIG_COUNT');
    for (let i = 0; i < total; i++) {
      const key = env[`GIT_CONFIG_KEY_${i}`];
      if (key === undefined) throw new GitError('CONFIG', `missing config key GIT_CONFIG_KEY_${i}`);
      const value = env[`GIT_CONFIG_VALUE_${i}`];
      if (value === undefined) throw new GitError('CONFIG', `missing config value GIT_CONFIG_VALUE_${i}`);
      out.push([checkedKey(key), value]);
    }
  }
  const parameters = env['GIT_CONFIG_PARAMETERS'];
  if (parameters !== undefined) out.push(...parseParameters(parameters));
  return out;
}

/** One `-c` argument: `key=value`, or `key` for true. */
function parseOverride(text: string): readonly [string, string | undefined] {
  const equals = text.indexOf('=');
  const key = (equals < 0 ? text : text.slice(0, equals)).trim();
  if (key === '') throw badOverride('empty config key');
  return [checkedKey(key), equals < 0 ? undefined : text.slice(equals + 1)];
}

/** What `-c` options alone say. Throws `CONFIG` where one cannot be read. */
export function readOverrides(overrides: readonly string[]): Config {
  const origin: ConfigOrigin = { kind: 'command line', name: '' };
  const entries = overrides
    .map(parseOverride)
    .map(([key, value]): ConfigEntry => ({ key, value, scope: 'command', origin, line: -1 }));
  return new Config(entries, () => undefined);
}

const badOverride = (why: string): GitError =>
  new GitError('CONFIG', 'unable to parse command-line config', { data: { preface: `error: ${why}\n` } });

function checkedKey(key: string): string {
  const checked = canonicalKey(key);
  if ('key' in checked) return checked.key;
  throw badOverride(keyFaultMessage(key, checked.fault));
}

/** git's words for a key it cannot use. */
export function keyFaultMessage(key: string, fault: 'no section' | 'no name' | 'invalid' | 'newline'): string {
  switch (fault) {
    case 'no section':
      if (key === '') return 'empty config key';
      return `key does not contain a section: ${key}`;
    case 'no name':
      return `key does not contain variable name: ${key}`;
    case 'invalid':
      return `invalid key: ${key}`;
    case 'newline':
      return `invalid key (newline): ${key}`;
  }
}

/** Takes one shell-quoted word off the text (`'it'\''s'`); `undefined` when it is not one. */
function dequote(text: string, at: number): { word: string; next: number } | undefined {
  if (text[at] !== "'") return undefined;
  let word = '';
  let i = at + 1;
  for (;;) {
    const end = text.indexOf("'", i);
    if (end < 0) return undefined;
    word += text.slice(i, end);
    i = end + 1;
    if (text[i] === '\\' && (text[i + 1] === "'" || text[i + 1] === '!') && text[i + 2] === "'") {
      word += text[i + 1];
      i += 3;
      continue;
    }
    return { word, next: i };
  }
}

function parseParameters(text: string): (readonly [string, string | undefined])[] {
  const bogus = (): never => {
    throw new GitError('CONFIG', 'bogus format in GIT_CONFIG_PARAMETERS');
  };
  const out: (readonly [string, string | undefined])[] = [];
  let at = 0;
  for (;;) {
    while (/\s/.test(text[at] ?? '')) at++;
    if (at >= text.length) return out;
    const first = dequote(text, at) ?? bogus();
    at = first.next;
    if (text[at] === '=') {
      at++;
      if (text[at] === undefined || /\s/.test(text[at]!)) {
        out.push([checkedKey(first.word), undefined]);
        continue;
      }
      const second = dequote(text, at) ?? bogus();
      at = second.next;
      if (at < text.length && !/\s/.test(text[at]!)) bogus();
      out.push([checkedKey(first.word), second.word]);
    } else if (at >= text.length || /\s/.test(text[at]!)) out.push(parseOverride(first.word));
    else bogus();
  }
}
