import { decodeText, encodeText, sequenceLength } from '../base/bytes.js';

function isUtf8(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; ) {
    const length = sequenceLength(bytes, i);
    if (length === 0) return false;
    i += length;
  }
  return true;
}

function replacer(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return isUtf8(value)
      ? decodeText(value)
      : { base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
  }
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  if (typeof value === 'bigint') return value.toString();
  return value;
}

/**
 * One result as one line of JSON. Bytes that are UTF-8 are strings, others `{"base64": …}`; single bytes of text that
 * are not UTF-8 are `\udc80`…`\udcff`, as everywhere in bough.
 */
export function toJsonLine(value: unknown): Uint8Array {
  return encodeText(`${JSON.stringify(value, replacer)}\n`);
}
