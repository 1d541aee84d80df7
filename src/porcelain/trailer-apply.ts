import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Config } from '../repo/config.js';
import type { Platform } from '../platform/platform.js';
import type { Trailer, TrailerSettings } from './trailers.js';
import { findSeparator, parseTrailers, unfoldValue } from './trailers.js';

type Where = 'end' | 'start' | 'after' | 'before';
type IfExists = 'addIfDifferentNeighbor' | 'addIfDifferent' | 'add' | 'replace' | 'doNothing';
type IfMissing = 'add' | 'doNothing';

export interface TrailerPolicy {
  readonly where?: Where | undefined;
  readonly ifExists?: IfExists | undefined;
  readonly ifMissing?: IfMissing | undefined;
}

/** One `--trailer`, with the placement options that were in force. */
export interface TrailerRequest extends TrailerPolicy {
  readonly text: string;
}

interface Alias {
  readonly name: string;
  key: string | undefined;
  where: Where | undefined;
  ifExists: IfExists | undefined;
  ifMissing: IfMissing | undefined;
  command: string | undefined;
  cmd: string | undefined;
}

interface Added {
  readonly key: string;
  readonly value: string;
  readonly where: Where;
  readonly ifExists: IfExists;
  readonly ifMissing: IfMissing;
  /** A program makes the value; it is given the value (`cmd`) or the value in place of `$ARG` (`command`). */
  readonly program?: { readonly line: string; readonly old: boolean } | undefined;
}

export interface InterpretOptions {
  readonly config: Config | undefined;
  readonly platform: Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string | undefined;
  readonly comment: string;
  readonly requests: readonly TrailerRequest[];
  readonly trimEmpty?: boolean;
  readonly onlyTrailers?: boolean;
  readonly onlyInput?: boolean;
  readonly unfold?: boolean;
  readonly noDivider?: boolean;
  readonly warn?: (message: string) => void;
  readonly error?: (message: string) => void;
}

const wheres: readonly Where[] = ['end', 'start', 'after', 'before'];
const exists: readonly IfExists[] = ['addIfDifferentNeighbor', 'addIfDifferent', 'add', 'replace', 'doNothing'];
const missing: readonly IfMissing[] = ['add', 'doNothing'];

const oneOf = <T extends string>(list: readonly T[], text: string | undefined): T | undefined =>
  list.find((item) => item.toLowerCase() === text?.toLowerCase());

export const parseWhere = (text: string): Where | undefined => oneOf(wheres, text);
export const parseIfExists = (text: string): IfExists | undefined => oneOf(exists, text);
export const parseIfMissing = (text: string): IfMissing | undefined => oneOf(missing, text);

/** Adds, replaces and shows the trailers of a message. git's `interpret-trailers`. */
export function interpretTrailers(message: string, options: InterpretOptions): string {
  const { config } = options;
  const separators = config?.get('trailer.separators') ?? ':';
  const { aliases, defaults } = readAliases(config, options);
  const settings: TrailerSettings = {
    separators,
    comment: options.comment,
    knownKeys: aliases.flatMap((alias) => (alias.key === undefined ? [alias.name] : [alias.name, alias.key])),
    noDivider: options.noDivider === true,
  };
  const block = parseTrailers(message, settings);
  const present: Trailer[] = block.trailers
    .filter(({ key }) => key !== undefined || options.onlyTrailers !== true)
    .map(({ key, value }) => ({
      // A trailer that configuration knows is shown with the key it has there.
      key: key === undefined ? key : (aliases.find((alias) => matchesAlias(alias, key))?.key ?? key),
      value: options.unfold === true && key !== undefined ? unfoldValue(value) : value,
    }));
  if (options.onlyInput !== true) {
    for (const added of requested(options, aliases, defaults, separators)) apply(present, added, options);
  }
  let out = '';
  if (options.onlyTrailers !== true) {
    out += message.slice(0, block.start);
    if (!block.blankBefore) out += '\n';
  }
  for (const trailer of present) {
    if (trailer.key === undefined) out += `${trailer.value}\n`;
    else if (options.trimEmpty !== true || trailer.value !== '')
      out += `${trailerLine(trailer.key, trailer.value, separators)}\n`;
  }
  if (options.onlyTrailers !== true) out += message.slice(block.end);
  return out;
}

function trailerLine(key: string, value: string, separators: string): string {
  const last = key[key.length - 1];
  if (last === undefined) return value;
  // A key may bring its own separator, with or without blanks behind it.
  const plain = key.trimEnd();
  if (separators.includes(plain[plain.length - 1]!)) return key + value;
  return `${key}${separators[0]} ${value}`;
}

function readAliases(
  config: Config | undefined,
  options: InterpretOptions,
): { aliases: Alias[]; defaults: { where: Where; ifExists: IfExists; ifMissing: IfMissing } } {
  const defaults = {
    where: 'end' as Where,
    ifExists: 'addIfDifferentNeighbor' as IfExists,
    ifMissing: 'add' as IfMissing,
  };
  const aliases = new Map<string, Alias>();
  const unknown = (value: string | undefined, key: string): void =>
    options.warn?.(`unknown value '${value}' for key '${key}'`);
  for (const { key, value } of config?.entries() ?? []) {
    if (!key.startsWith('trailer.')) continue;
    const last = key.lastIndexOf('.');
    const name = key.slice(8, Math.max(8, last));
    const variable = key.slice(last + 1);
    if (last < 8) {
      if (variable === 'where') {
        const found = oneOf(wheres, value);
        if (found === undefined) unknown(value, key);
        else defaults.where = found;
      } else if (variable === 'ifexists') {
        const found = oneOf(exists, value);
        if (found === undefined) unknown(value, key);
        else defaults.ifExists = found;
      } else if (variable === 'ifmissing') {
        const found = oneOf(missing, value);
        if (found === undefined) unknown(value, key);
        else defaults.ifMissing = found;
      }
      continue;
    }
    if (!/^(key|where|ifexists|ifmissing|command|cmd)$/.test(variable)) continue;
    let alias = aliases.get(name.toLowerCase());
    if (alias === undefined) {
      alias = {
        name,
        key: undefined,
        where: undefined,
        ifExists: undefined,
        ifMissing: undefined,
        command: undefined,
        cmd: undefined,
      };
      aliases.set(name.toLowerCase(), alias);
    }
    if (variable === 'key') alias.key = value;
    else if (variable === 'command') alias.command = value;
    else if (variable === 'cmd') alias.cmd = value;
    else if (variable === 'where') {
      alias.where = oneOf(wheres, value);
      if (alias.where === undefined) unknown(value, key);
    } else if (variable === 'ifexists') {
      alias.ifExists = oneOf(exists, value);
      if (alias.ifExists === undefined) unknown(value, key);
    } else {
      alias.ifMissing = oneOf(missing, value);
      if (alias.ifMissing === undefined) unknown(value, key);
    }
  }
  return { aliases: [...aliases.values()], defaults };
}

/** What configuration adds by itself, then what was asked for. */
function requested(
  options: InterpretOptions,
  aliases: readonly Alias[],
  defaults: { where: Where; ifExists: IfExists; ifMissing: IfMissing },
  separators: string,
): Added[] {
  const out: Added[] = [];
  const from = (alias: Alias | undefined, key: string, value: string, policy: TrailerPolicy): Added => ({
    key,
    value,
    where: policy.where ?? alias?.where ?? defaults.where,
    ifExists: policy.ifExists ?? alias?.ifExists ?? defaults.ifExists,
    ifMissing: policy.ifMissing ?? alias?.ifMissing ?? defaults.ifMissing,
    program:
      alias?.cmd !== undefined
        ? { line: alias.cmd, old: false }
        : alias?.command !== undefined
          ? { line: alias.command, old: true }
          : undefined,
  });
  for (const alias of aliases) {
    if (alias.command === undefined) continue;
    out.push(from(alias, alias.key ?? alias.name, '', {}));
  }
  for (const request of options.requests) {
    const text = request.text.trim();
    const at = findSeparator(text, `${separators}=`);
    if (at === 0) {
      options.error?.(`empty trailer token in trailer '${request.text}'`);
      continue;
    }
    const token = (at < 0 ? text : text.slice(0, at)).trim();
    const value = at < 0 ? '' : text.slice(at + 1).trim();
    const alias = aliases.find((candidate) => matchesAlias(candidate, token));
    out.push(from(alias, alias?.key ?? token, value, request));
  }
  return out;
}

function matchesAlias(alias: Alias, token: string): boolean {
  const lower = token.toLowerCase();
  if (alias.name.toLowerCase().startsWith(lower)) return true;
  return alias.key?.toLowerCase().startsWith(lower) === true;
}

const bare = (key: string): string => key.replace(/[^A-Za-z0-9]+$/, '').toLowerCase();

/** Keys are the same when one begins with the other, separators at the end aside. */
function sameKey(a: string, b: string): boolean {
  const [x, y] = [bare(a), bare(b)];
  return x.startsWith(y) || y.startsWith(x);
}

function apply(present: Trailer[], added: Added, options: InterpretOptions): void {
  const forward = added.where === 'after' || added.where === 'end';
  const indexes: number[] = [];
  present.forEach((trailer, i) => {
    if (trailer.key !== undefined && sameKey(trailer.key, added.key)) indexes.push(i);
  });
  const near = forward ? indexes[indexes.length - 1] : indexes[0];
  const value = (old: string | undefined): string => programValue(added, old, options);
  if (near === undefined) {
    if (added.ifMissing === 'doNothing') return;
    insert(present, { key: added.key, value: value(undefined) }, added.where, undefined);
    return;
  }
  const old = present[near]!;
  switch (added.ifExists) {
    case 'doNothing':
      return;
    case 'add':
      insert(present, { key: added.key, value: value(old.value) }, added.where, near);
      return;
    case 'replace': {
      const text = value(old.value);
      insert(present, { key: added.key, value: text }, added.where, near);
      const at = present.indexOf(old);
      present.splice(at, 1);
      return;
    }
    case 'addIfDifferent': {
      const text = value(old.value);
      if (
        present.some(
          (trailer) => trailer.key !== undefined && sameKey(trailer.key, added.key) && sameValue(trailer.value, text),
        )
      )
        return;
      insert(present, { key: added.key, value: text }, added.where, near);
      return;
    }
    case 'addIfDifferentNeighbor': {
      const text = value(old.value);
      const neighbour =
        added.where === 'end' ? present[present.length - 1] : added.where === 'start' ? present[0] : old;
      if (neighbour?.key !== undefined && sameKey(neighbour.key, added.key) && sameValue(neighbour.value, text)) return;
      insert(present, { key: added.key, value: text }, added.where, near);
    }
  }
}

const sameValue = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

function insert(present: Trailer[], trailer: Trailer, where: Where, near: number | undefined): void {
  if (where === 'end' || (near === undefined && where === 'after')) present.push(trailer);
  else if (where === 'start' || near === undefined) present.unshift(trailer);
  else present.splice(where === 'after' ? near + 1 : near, 0, trailer);
}

function programValue(added: Added, old: string | undefined, options: InterpretOptions): string {
  const { program } = added;
  if (program === undefined) return added.value;
  const argument = added.value !== '' ? added.value : (old ?? '');
  const { processes } = options.platform;
  if (processes === undefined) return added.value;
  const line = program.old ? program.line.replaceAll('$ARG', () => argument) : program.line;
  const result = processes.runSync(
    ['/bin/sh', '-c', program.old ? line : `${line} "$@"`, line, ...(program.old ? [] : [argument])],
    {
      env: options.env,
      cwd: options.cwd,
      stderr: 'inherit',
    },
  );
  if (result.code !== 0) {
    options.error?.(`running trailer command '${line}' failed`);
    return '';
  }
  return decodeText(result.stdout).trim();
}

/** Adds trailers (`key=value` or `key: value`) to a message, as `commit --trailer` does. */
export function applyTrailers(
  message: string,
  trailers: readonly string[],
  repository: {
    readonly config: Config;
    readonly platform: Platform;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
  comment: string,
): string {
  for (const trailer of trailers) {
    const why =
      trailer === ''
        ? 'empty --trailer argument'
        : /^\s*[=:]/.test(trailer)
          ? `invalid trailer '${trailer}': missing key before separator`
          : undefined;
    if (why !== undefined)
      throw new GitError('USAGE', 'unable to pass trailers to --trailers', { data: { preface: `error: ${why}\n` } });
  }
  return interpretTrailers(message, {
    config: repository.config,
    platform: repository.platform,
    env: repository.env,
    comment,
    requests: trailers.map((text) => ({ text })),
    noDivider: true,
  });
}
