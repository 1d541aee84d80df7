import { GitError } from '../base/errors.js';
import type { TrailerFormat } from './trailers.js';

const booleanOf = (text: string): boolean | undefined =>
  /^(?:true|yes|on|1)$/i.test(text) ? true : /^(?:false|no|off|0|)$/i.test(text) ? false : undefined;

/** `%n`, `%x2C` and `%%` in separators. */
const literalCodes = (text: string): string =>
  text.replace(/%(n|%|x[0-9a-fA-F]{2})/g, (_, code: string) =>
    code === 'n' ? '\n' : code === '%' ? '%' : String.fromCharCode(Number.parseInt(code.slice(1), 16)),
  );

/** The options behind `%(trailers:`. Throws git's words. */
export function parseTrailerFormat(text: string): TrailerFormat {
  const format: { -readonly [K in keyof TrailerFormat]: TrailerFormat[K] } = {};
  const keys: string[] = [];
  const unknown = (word: string): never => {
    throw new GitError('USAGE', `unknown %(trailers) argument: ${word}`);
  };
  if (text !== '') {
    for (const word of text.split(',')) {
      const equals = word.indexOf('=');
      const name = equals < 0 ? word : word.slice(0, equals);
      const value = equals < 0 ? undefined : word.slice(equals + 1);
      switch (name) {
        case 'key':
          if (value === undefined) throw new GitError('USAGE', 'expected %(trailers:key=<value>)');
          keys.push(value.endsWith(':') ? value.slice(0, -1) : value);
          format.only = true;
          break;
        case 'separator':
          format.separator = literalCodes(value ?? unknown(word));
          break;
        case 'key_value_separator':
          format.keyValueSeparator = literalCodes(value ?? unknown(word));
          break;
        case 'only':
        case 'unfold':
        case 'keyonly':
        case 'valueonly': {
          const flag = value === undefined ? true : booleanOf(value);
          if (flag === undefined) unknown(word);
          const field = name === 'keyonly' ? 'keyOnly' : name === 'valueonly' ? 'valueOnly' : name;
          format[field] = flag === true;
          break;
        }
        default:
          unknown(word);
      }
    }
  }
  if (keys.length > 0) format.keys = keys;
  return format;
}
