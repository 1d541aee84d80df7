import type { Bytes } from '../base/bytes.js';
import { concatBytes } from '../base/bytes.js';

/** As much of a body as a limit (in bytes) allows; `whole`: there was no more. */
export async function readBody(
  body: AsyncIterable<Bytes>,
  limit: number,
): Promise<{ readonly bytes: Bytes; readonly whole: boolean }> {
  const parts: Bytes[] = [];
  let size = 0;
  for await (const chunk of body) {
    if (size + chunk.length > limit) {
      parts.push(chunk.subarray(0, limit - size));
      return { bytes: concatBytes(parts), whole: false };
    }
    parts.push(chunk);
    size += chunk.length;
  }
  return { bytes: concatBytes(parts), whole: true };
}
