import { GitError } from '../base/errors.js';

/** `undefined` where the text is not a boolean. An entry without a value is true, an empty one false. */
export function parseBool(value: string | undefined): boolean | undefined {
  if (value === undefined) return true;
  const word = parseBoolWord(value);
  if (word !== undefined) return word;
  const number = parseConfigNumber(value);
  return 'value' in number ? number.value !== 0 : undefined;
}

/** The words only (`true`, `yes`, `on`, …), no numbers. */
export function parseBoolWord(value: string | undefined): boolean | undefined {
  if (value === undefined) return true;
  switch (value.toLowerCase()) {
    case 'true':
    case 'yes':
    case 'on':
      return true;
    case '':
    case 'false':
    case 'no':
    case 'off':
      return false;
    default:
      return undefined;
  }
}

export type NumberFault = 'invalid unit' | 'out of range';

/** A whole number as git reads it: decimal, `0x…` or `0…` octal, then an optional k, m or g. `bits`: 32 or 64. */
export function parseConfigNumber(
  value: string | undefined,
  bits: 32 | 64 = 32,
): { readonly value: number } | { readonly fault: NumberFault } {
  // Every repository has a version of one digit, and a start has other things to do than to compile this expression.
  if (value?.length === 1 && value >= '0' && value <= '9') return { value: value.charCodeAt(0) - 48 };
  const match = /^[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)(.*)$/s.exec(value ?? '');
  if (match === null) return { fault: 'invalid unit' };
  const [, sign, digits, unit] = match;
  const radix = /^0[xX]/.test(digits!) ? 16 : digits!.length > 1 && digits!.startsWith('0') ? 8 : 10;
  const factor = unit === '' ? 1n : { k: 1024n, m: 1048576n, g: 1073741824n }[unit!.toLowerCase()];
  if (factor === undefined) return { fault: 'invalid unit' };
  const whole = (radix === 8 ? BigInt(`0o${digits!.slice(1)}`) : BigInt(digits!)) * factor * (sign === '-' ? -1n : 1n);
  const limit = bits === 32 ? 0x7fffffffn : 0x7fffffffffffffffn;
  if (whole > limit || whole < -limit - 1n) return { fault: 'out of range' };
  return { value: Number(whole) };
}

/** The same without losing digits beyond 2^53, as `git config --type=int` prints it. */
export function parseConfigInteger(value: string | undefined): bigint | NumberFault {
  const match = /^[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)(.*)$/s.exec(value ?? '');
  if (match === null) return 'invalid unit';
  const [, sign, digits, unit] = match;
  const octal = digits!.length > 1 && /^0[0-7]/.test(digits!);
  const factor = unit === '' ? 1n : { k: 1024n, m: 1048576n, g: 1073741824n }[unit!.toLowerCase()];
  if (factor === undefined) return 'invalid unit';
  const whole = (octal ? BigInt(`0o${digits!.slice(1)}`) : BigInt(digits!)) * factor * (sign === '-' ? -1n : 1n);
  if (whole > 0x7fffffffffffffffn || whole < -0x7fffffffffffffffn) return 'out of range';
  return whole;
}

/** Expands `~/` and `~user/` (home directories by callback). Throws `CONFIG` when there is no home. */
export function expandPath(
  value: string,
  home: (user: string | undefined) => string | undefined,
  prefix: string,
): string {
  if (value.startsWith('%(prefix)/')) return `${prefix}${value.slice('%(prefix)'.length)}`;
  if (!value.startsWith('~')) return value;
  const slash = value.indexOf('/');
  const user = slash < 0 ? value.slice(1) : value.slice(1, slash);
  const directory = home(user === '' ? undefined : user);
  if (directory === undefined) throw new GitError('CONFIG', `failed to expand user dir in: '${value}'`);
  return slash < 0 ? directory : `${directory.replace(/\/+$/, '')}${value.slice(slash)}`;
}
