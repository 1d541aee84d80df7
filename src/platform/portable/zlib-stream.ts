import {
  zlibDeflate,
  zlibDeflateInit,
  zlibDeflateReset,
  zlibInflate,
  zlibInflateInit,
  zlibInflateReset,
  ZStream,
} from 'pako';
import type { Bytes } from '../../base/bytes.js';
import type { Deflater, Inflater, StreamState } from '../platform.js';
import { STREAM_END, STREAM_FULL, STREAM_MORE } from '../platform.js';

const Z_NO_FLUSH = 0;
const Z_FINISH = 4;
const Z_OK = 0;
const Z_STREAM_END = 1;
const Z_BUF_ERROR = -5;

/** The fields of pako's stream that are used here. */
interface Stream {
  input: Bytes;
  next_in: number;
  avail_in: number;
  output: Bytes;
  next_out: number;
  avail_out: number;
  msg: string;
}

function feed(stream: Stream, input: Bytes, start: number, end: number, output: Bytes, at: number, limit: number) {
  stream.input = input;
  stream.next_in = start;
  stream.avail_in = end - start;
  stream.output = output;
  stream.next_out = at;
  stream.avail_out = limit - at;
}

class PortableInflater implements Inflater {
  readonly #stream = new ZStream() as unknown as Stream;
  consumed = 0;
  produced = 0;

  constructor() {
    zlibInflateInit(this.#stream as never);
  }

  reset(): void {
    zlibInflateReset(this.#stream as never);
  }

  push(input: Bytes, start: number, end: number, output: Bytes, at: number, limit: number): StreamState {
    const stream = this.#stream;
    feed(stream, input, start, end, output, at, limit);
    const status = zlibInflate(stream as never, Z_NO_FLUSH);
    this.consumed = end - start - stream.avail_in;
    this.produced = limit - at - stream.avail_out;
    if (status === Z_STREAM_END) return STREAM_END;
    if (status !== Z_OK && status !== Z_BUF_ERROR) throw new Error(stream.msg || 'bad zlib data');
    return stream.avail_out === 0 ? STREAM_FULL : STREAM_MORE;
  }
}

class PortableDeflater implements Deflater {
  readonly #stream = new ZStream() as unknown as Stream;
  consumed = 0;
  produced = 0;

  constructor(level: number) {
    zlibDeflateInit(this.#stream as never, level);
  }

  reset(): void {
    zlibDeflateReset(this.#stream as never);
  }

  push(
    input: Bytes,
    start: number,
    end: number,
    output: Bytes,
    at: number,
    limit: number,
    finish: boolean,
  ): StreamState {
    const stream = this.#stream;
    feed(stream, input, start, end, output, at, limit);
    const status = zlibDeflate(stream as never, finish ? Z_FINISH : Z_NO_FLUSH);
    this.consumed = end - start - stream.avail_in;
    this.produced = limit - at - stream.avail_out;
    if (status === Z_STREAM_END) return STREAM_END;
    if (status !== Z_OK && status !== Z_BUF_ERROR) throw new Error(stream.msg || 'deflate failed');
    return stream.avail_out === 0 ? STREAM_FULL : STREAM_MORE;
  }
}

export const portableInflater = (): Inflater => new PortableInflater();
export const portableDeflater = (level = -1): Deflater => new PortableDeflater(level);
