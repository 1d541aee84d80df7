import type { Bytes } from '../../base/bytes.js';
import type { Inflated, Zlib } from '../platform.js';
import { crc32 } from '../portable/crc32.js';
import { portableZlib } from '../portable/zlib.js';
import { Allowance, zlib } from './builtins.js';
import { nodeDeflater, nodeInflater } from './zlib-stream.js';

interface InflateInfo {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

type Crc = (data: Bytes, start?: number) => number;
let bestCrc: Crc | undefined;

/** Bytes of input; a stream of any size counts for at least 200. */
const early = new Allowance(8_000);

/** node:zlib, with the output buffer sized from what the caller knows, so that one call does one allocation. */
export const nodeZlib: Zlib = {
  inflater: nodeInflater,
  deflater: nodeDeflater,

  deflate: (data, level = -1) => zlib().deflateSync(data, { level }),

  inflate(data: Bytes, size?: number): Inflated {
    // Input may go on behind the stream; where the size is known it says how much of it counts.
    if (early.take(Math.min(data.length, size ?? data.length) + 200)) return portableZlib.inflate(data, size);
    const chunkSize =
      size === undefined
        ? Math.max(1024, Math.min(data.length * 4, 1 << 20))
        : Math.max(64, Math.min(size + 1, 1 << 26));
    const options = { chunkSize, info: true, ...(size === undefined ? {} : { maxOutputLength: Math.max(size, 1) }) };
    const { buffer, engine } = zlib().inflateSync(data, options) as unknown as InflateInfo;
    if (size !== undefined && buffer.length !== size)
      throw new Error(`inflated to ${buffer.length} bytes, expected ${size}`);
    return { data: new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength), consumed: engine.bytesWritten };
  },

  inflateHead(data: Bytes, length: number): Bytes {
    // A truncated input with SYNC_FLUSH gives what there is; a few hundred bytes of input hold any header.
    const head = data.subarray(0, Math.min(data.length, length * 4 + 64));
    const out = zlib().inflateSync(head, {
      finishFlush: zlib().constants.Z_SYNC_FLUSH,
      chunkSize: Math.max(64, length),
    });
    return out.subarray(0, length);
  },

  crc32(data, start = 0) {
    bestCrc ??= (zlib() as unknown as { crc32?: Crc }).crc32 ?? crc32;
    return bestCrc(data, start);
  },
  gzip: (data) => zlib().gzipSync(data),
  gunzip: (data) => zlib().gunzipSync(data),
};
