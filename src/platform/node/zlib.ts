import type { Bytes } from '../../base/bytes.js';
import type { Deflater, Inflated, Inflater, Zlib } from '../platform.js';
import { STREAM_END } from '../platform.js';
import { crc32 } from '../portable/crc32.js';
import { zlib } from './builtins.js';
import { nodeDeflater, nodeInflater } from './zlib-stream.js';

interface InflateInfo {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

type Crc = (data: Bytes, start?: number) => number;
let bestCrc: Crc | undefined;

/** Up to here one reused stream and one buffer serve: a tenth of the cost of Node's public calls. */
const SMALL = 32_768;
const scratch = new Uint8Array(SMALL * 2);
const input = new Uint8Array(SMALL + 1);
const deflaters = new Map<number, Deflater>();
let inflater: Inflater | undefined;

/** `undefined` where the result does not fit the buffer. */
function inflateSmall(data: Bytes): Inflated | undefined {
  if (inflater === undefined) inflater = nodeInflater();
  else inflater.reset();
  // The end of a stream is only certain with a byte behind it.
  input.set(data);
  input[data.length] = 0;
  const state = inflater.push(input, 0, data.length + 1, scratch, 0, scratch.length);
  if (state !== STREAM_END || inflater.consumed > data.length) return undefined;
  return { data: scratch.slice(0, inflater.produced), consumed: inflater.consumed };
}

/** node:zlib, with the output buffer sized from what the caller knows, so that one call does one allocation. */
export const nodeZlib: Zlib = {
  inflater: nodeInflater,
  deflater: nodeDeflater,

  deflate(data, level = -1) {
    if (data.length > SMALL) return zlib().deflateSync(data, { level });
    let deflater = deflaters.get(level);
    if (deflater === undefined) deflaters.set(level, (deflater = nodeDeflater(level)));
    else deflater.reset();
    // zlib's bound for what cannot be compressed is far below this.
    const state = deflater.push(data, 0, data.length, scratch, 0, scratch.length, true);
    if (state !== STREAM_END) return zlib().deflateSync(data, { level });
    return scratch.slice(0, deflater.produced);
  },

  inflate(data: Bytes, size?: number): Inflated {
    // Input may go on behind the stream; where the size is known it says how much of it counts.
    if (data.length <= SMALL && (size ?? 0) <= SMALL) {
      const inflated = inflateSmall(data);
      if (inflated !== undefined) {
        if (size !== undefined && inflated.data.length !== size) {
          throw new Error(`inflated to ${inflated.data.length} bytes, expected ${size}`);
        }
        return inflated;
      }
    }
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
    // The stream stops where the room ends: damage behind the head is not seen.
    if (inflater === undefined) inflater = nodeInflater();
    else inflater.reset();
    const head = new Uint8Array(length);
    inflater.push(data, 0, data.length, head, 0, length);
    return head.subarray(0, inflater.produced);
  },

  crc32(data, start = 0) {
    bestCrc ??= (zlib() as unknown as { crc32?: Crc }).crc32 ?? crc32;
    return bestCrc(data, start);
  },
  gzip: (data) => zlib().gzipSync(data),
};
