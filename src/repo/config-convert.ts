import { parseColor } from '../base/color.js';
import { GitError } from '../base/errors.js';
import type { Clock } from './calendar.js';
import type { ConfigEntry } from './config.js';
import { badNumber } from './config.js';
import { expandPath, parseBool, parseBoolWord, parseConfigInteger } from './config-values.js';
import { parseExpiryDate } from './date-approx.js';

export type ValueType = 'bool' | 'int' | 'bool-or-int' | 'bool-or-str' | 'path' | 'expiry-date' | 'color';

export interface ConvertContext {
  readonly home: (user: string | undefined) => string | undefined;
  readonly clock: Clock;
}

type Convertible = Pick<ConfigEntry, 'key' | 'value' | 'origin' | 'line'>;

/** The largest time there is, what `all` and `now` are as an expiry date. */
const TIME_LIMIT = '18446744073709551615';

/**
 * A value in the canonical form of its type, as `git config --type` shows it. `undefined` for a path that is optional
 * and not there. Throws `CONFIG`, in git's words, for a value that is none of the type.
 */
export function convertValue(
  entry: Convertible,
  type: ValueType,
  context: ConvertContext,
  exists?: (path: string) => boolean,
): string | undefined {
  switch (type) {
    case 'bool': {
      const bool = parseBool(entry.value);
      if (bool === undefined) throw badBool(entry);
      return String(bool);
    }
    case 'int':
      return integer(entry);
    case 'bool-or-int': {
      const word = parseBoolWord(entry.value);
      return word === undefined ? integer(entry) : String(word);
    }
    case 'bool-or-str': {
      const bool = parseBoolWord(entry.value);
      return bool === undefined ? entry.value! : String(bool);
    }
    case 'path': {
      const value = needed(entry);
      const optional = value.startsWith(':(optional)');
      const path = expandPath(optional ? value.slice(':(optional)'.length) : value, context.home, '/usr/local');
      return optional && exists?.(path) === false ? undefined : path;
    }
    case 'expiry-date': {
      const value = needed(entry);
      const seconds = parseExpiryDate(value, context.clock);
      if (seconds === undefined) {
        throw new GitError('CONFIG', `'${value}' for '${entry.key}' is not a valid timestamp`);
      }
      return seconds === Number.POSITIVE_INFINITY ? TIME_LIMIT : String(seconds);
    }
    case 'color': {
      const value = needed(entry);
      return parseColor(value);
    }
  }
}

function integer(entry: Convertible): string {
  const number = parseConfigInteger(entry.value);
  if (typeof number === 'string') badNumber(entry, number);
  return String(number);
}

function needed(entry: Convertible): string {
  if (entry.value === undefined) throw new GitError('CONFIG', `missing value for '${entry.key}'`);
  return entry.value;
}

const badBool = (entry: Convertible): GitError =>
  new GitError('CONFIG', `bad boolean config value '${entry.value}' for '${entry.key}'`);

/** A value as it is written when a type was asked for: numbers and bools canonical, the rest only checked. */
export function normalizeForWriting(key: string, value: string, type: ValueType | undefined): string {
  const entry: Convertible = { key, value, origin: { kind: 'command line', name: '' }, line: -1 };
  switch (type) {
    case undefined:
    case 'path':
    case 'expiry-date':
      return value;
    case 'int':
      return integer(entry);
    case 'bool': {
      const bool = parseBool(value);
      if (bool === undefined) throw badBool(entry);
      return String(bool);
    }
    case 'bool-or-int': {
      const word = parseBoolWord(value);
      return word === undefined ? integer(entry) : String(word);
    }
    case 'bool-or-str': {
      const word = parseBoolWord(value);
      return word === undefined ? value : String(word);
    }
    case 'color':
      try {
        parseColor(value);
      } catch (cause) {
        throw new GitError('CONFIG', `cannot parse color '${value}'`, {
          cause,
          data: { preface: `error: ${(cause as Error).message}\n` },
        });
      }
      return value;
  }
}
