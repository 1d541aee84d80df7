import type { Bytes } from '../base/bytes.js';
import { equalBytes } from '../base/bytes.js';
import { option, trivial } from '../merge/combinators.js';
import type { Contents } from './contents.js';

const equal = (a: Bytes | undefined, b: Bytes | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && equalBytes(a, b));

/** Bytes as they are: a change on one side is taken, two different ones conflict. */
export const bytes: Contents<Bytes> = {
  name: 'bytes',
  encode: (value) => value,
  decode: (value) => value,
  merge: option(trivial<Bytes>('accept', equal), 'accept', equal),
};
