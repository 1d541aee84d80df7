import * as pako from 'pako';
import type { Bytes } from '../../base/bytes.js';
import { concatBytes } from '../../base/bytes.js';
import type { Inflated, Zlib } from '../platform.js';
import { crc32 } from './crc32.js';
import { portableDeflater, portableInflater } from './zlib-stream.js';

/** zlib's Z_SYNC_FLUSH: give what is there without asking for the end of the stream. */
const syncFlush = 2;

function inflateAll(data: Bytes): Inflated {
  const inflater = new pako.Inflate();
  inflater.push(data, true);
  if (inflater.err !== 0) throw new Error(inflater.msg || 'bad zlib data');
  const stream = (inflater as unknown as { strm: { total_in: number } }).strm;
  return { data: inflater.result as Bytes, consumed: stream.total_in };
}

/** pako: the engine where there is no node:zlib, and the cross-check in tests. */
export const portableZlib: Zlib = {
  inflater: portableInflater,
  deflater: portableDeflater,
  deflate: (data, level = -1) => pako.deflate(data, { level: level as -1 }),
  inflate(data, size) {
    const inflated = inflateAll(data);
    if (size !== undefined && inflated.data.length !== size) {
      throw new Error(`inflated to ${inflated.data.length} bytes, expected ${size}`);
    }
    return inflated;
  },
  inflateHead(data, length) {
    const chunks: Bytes[] = [];
    const inflater = new pako.Inflate({ chunkSize: Math.max(64, length) });
    inflater.onData = (chunk) => {
      chunks.push(chunk as Bytes);
    };
    inflater.push(data.subarray(0, Math.min(data.length, length * 4 + 64)), syncFlush);
    return concatBytes(chunks).subarray(0, length);
  },
  crc32,
  gzip: (data) => pako.gzip(data),
};
