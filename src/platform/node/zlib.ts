import * as zlib from 'node:zlib';
import type { Bytes } from '../../base/bytes.js';
import type { Inflated, Zlib } from '../platform.js';
import { crc32 } from '../portable/crc32.js';
import { nodeDeflater, nodeInflater } from './zlib-stream.js';

interface InflateInfo {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

const nativeCrc = (zlib as unknown as { crc32?: (data: Bytes, start?: number) => number }).crc32;

/** node:zlib, with the output buffer sized from what the caller knows, so that one call does one allocation. */
export const nodeZlib: Zlib = {
  inflater: nodeInflater,
  deflater: nodeDeflater,

  deflate: (data, level = -1) => zlib.deflateSync(data, { level }),

  inflate(data: Bytes, size?: number): Inflated {
    const chunkSize =
      size === undefined
        ? Math.max(1024, Math.min(data.length * 4, 1 << 20))
        : Math.max(64, Math.min(size + 1, 1 << 26));
    const options = { chunkSize, info: true, ...(size === undefined ? {} : { maxOutputLength: Math.max(size, 1) }) };
    const { buffer, engine } = zlib.inflateSync(data, options) as unknown as InflateInfo;
    if (size !== undefined && buffer.length !== size)
      throw new Error(`inflated to ${buffer.length} bytes, expected ${size}`);
    return { data: new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength), consumed: engine.bytesWritten };
  },

  inflateHead(data: Bytes, length: number): Bytes {
    // A truncated input with SYNC_FLUSH gives what there is; a few hundred bytes of input hold any header.
    const head = data.subarray(0, Math.min(data.length, length * 4 + 64));
    const out = zlib.inflateSync(head, { finishFlush: zlib.constants.Z_SYNC_FLUSH, chunkSize: Math.max(64, length) });
    return out.subarray(0, length);
  },

  crc32: (data, start = 0) => (nativeCrc === undefined ? crc32(data, start) : nativeCrc(data, start)),
  gzip: (data) => zlib.gzipSync(data),
  gunzip: (data) => zlib.gunzipSync(data),
};
