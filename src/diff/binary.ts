import type { Bytes } from '../base/bytes.js';

/** How far into a file git looks for a NUL. */
const sample = 8000;

/** True when git takes the content for binary: a NUL among the first 8,000 bytes. */
export function looksBinary(bytes: Bytes): boolean {
  return bytes.subarray(0, sample).includes(0);
}
