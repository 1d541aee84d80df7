import type { ZlibOptions } from 'node:zlib';
import type { Bytes } from '../../base/bytes.js';
import { concatBytes } from '../../base/bytes.js';
import type { Deflater, Inflater, StreamState } from '../platform.js';
import { worked } from './brief.js';
import { binding, zlib } from './builtins.js';
import { STREAM_END, STREAM_FULL, STREAM_MORE } from '../platform.js';

/*
 * Node's public zlib calls make a new stream per call (about 5 µs to inflate, 14 µs to deflate a small object); the
 * binding underneath can be reset and used again (0.7 and 4 µs). It is not documented, so it is tried before it is
 * trusted: where it does not answer as expected, the public calls serve, over all the input so far.
 */
interface Binding {
  writeSync(
    flush: number,
    input: Bytes,
    inputAt: number,
    inputLength: number,
    output: Bytes,
    outputAt: number,
    outputLength: number,
  ): void;
  reset(): void;
  onerror: (message: string, errno: number, code: string) => void;
}

/** A binding with the two numbers it leaves behind each call. */
interface Engine {
  readonly _handle?: Partial<Binding>;
  readonly _writeState?: unknown;
}

interface RawStream extends Partial<Binding> {
  init(
    windowBits: number,
    level: number,
    memoryLevel: number,
    strategy: number,
    state: Uint32Array,
    callback: () => void,
    dictionary: undefined,
  ): void;
}

const DEFLATE = 1;
const INFLATE = 2;

/**
 * `node:zlib` is a stream of Node's and brings all of its streams along: 6 ms of a start, for a command that inflates
 * one commit. The binding alone costs nothing; where Node does not hand it out, the module does.
 */
function engine(mode: number, level: number): Engine {
  try {
    const { Zlib } = binding('zlib') as { Zlib: new (mode: number) => RawStream };
    const stream = new Zlib(mode);
    const state = new Uint32Array(2);
    stream.init(15, level, 8, 0, state, () => {}, undefined);
    return { _handle: stream, _writeState: state };
  } catch {
    return (mode === INFLATE ? zlib().createInflate() : zlib().createDeflate({ level })) as unknown as Engine;
  }
}

/** zlib's own numbers (RFC 1950's library, never changed). */
const Z_NO_FLUSH = 0;
const Z_FINISH = 4;
const Z_BUF_ERROR = -5;
const nothing = new Uint8Array(1);

class BindingStream {
  readonly #binding: Binding;
  /** Room and input left after a call. */
  readonly #state: Uint32Array;
  /** Keeps the stream that owns the binding. */
  readonly engine: Engine;
  #failure: string | undefined;
  #failureNumber = 0;
  consumed = 0;
  produced = 0;

  constructor(engine: Engine) {
    const binding = engine._handle;
    if (
      binding === undefined ||
      typeof binding.writeSync !== 'function' ||
      typeof binding.reset !== 'function' ||
      !(engine._writeState instanceof Uint32Array)
    ) {
      throw new Error('no zlib binding');
    }
    this.engine = engine;
    this.#binding = binding as Binding;
    this.#state = engine._writeState;
    this.#binding.onerror = (message, errno) => {
      this.#failure = message;
      this.#failureNumber = errno;
    };
  }

  reset(): void {
    this.#binding.reset();
  }

  /** Answers whether the call went well; a lack of room or input at the end of a stream is no failure. */
  write(flush: number, input: Bytes, start: number, end: number, output: Bytes, at: number, limit: number): void {
    this.#failure = undefined;
    this.#binding.writeSync(flush, input, start, end - start, output, at, limit - at);
    if (this.#failure !== undefined) {
      const message: string = this.#failure;
      if (this.#failureNumber !== Z_BUF_ERROR) throw new Error(message);
    }
    this.produced = limit - at - this.#state[0]!;
    this.consumed = end - start - this.#state[1]!;
    worked(this.produced);
  }
}

class NodeInflater extends BindingStream implements Inflater {
  constructor() {
    super(engine(INFLATE, -1));
  }

  push(input: Bytes, start: number, end: number, output: Bytes, at: number, limit: number): StreamState {
    this.write(Z_NO_FLUSH, input, start, end, output, at, limit);
    if (this.produced === limit - at) return STREAM_FULL;
    return this.consumed === end - start ? STREAM_MORE : STREAM_END;
  }
}

class NodeDeflater extends BindingStream implements Deflater {
  constructor(level: number) {
    super(engine(DEFLATE, level));
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
    const source = start === end ? nothing : input;
    const from = start === end ? 0 : start;
    this.write(finish ? Z_FINISH : Z_NO_FLUSH, source, from, from + end - start, output, at, limit);
    // A stream that ends exactly where the room does asks for one more call, which gives nothing and says so.
    if (this.produced === limit - at) return STREAM_FULL;
    return finish ? STREAM_END : STREAM_MORE;
  }
}

const sample = Uint8Array.from('the probe the probe the probe', (char) => char.charCodeAt(0));
/** `sample` as a zlib stream: making it anew at each start would cost more than the trial itself. */
const packedSample = Uint8Array.of(
  ...[120, 156, 43, 201, 72, 85, 40, 40, 202, 79, 74, 85, 40, 193, 100, 1, 0, 159, 218, 10, 172],
);

/** Inflates a known stream in two pieces with bytes behind it, twice, and a broken one. */
function inflaterWorks(): boolean {
  try {
    const packed = new Uint8Array(64);
    packed.set(packedSample);
    const inflater = new NodeInflater();
    const out = new Uint8Array(64);
    for (let round = 0; round < 2; round++) {
      inflater.reset();
      if (inflater.push(packed, 0, 5, out, 0, 64) !== STREAM_MORE || inflater.consumed !== 5) return false;
      const first = inflater.produced;
      if (inflater.push(packed, 5, 64, out, first, 64) !== STREAM_END) return false;
      if (inflater.consumed !== packedSample.length - 5 || first + inflater.produced !== sample.length) return false;
      if (sample.some((byte, i) => byte !== out[i])) return false;
    }
    try {
      inflater.reset();
      inflater.push(sample, 0, sample.length, out, 0, 64);
      return false;
    } catch {
      return true;
    }
  } catch {
    return false;
  }
}

/** Deflates twice what an inflater, tried before, then inflates. */
function deflaterWorks(): boolean {
  try {
    const deflater = new NodeDeflater(6);
    const packed = new Uint8Array(128);
    for (let round = 0; round < 2; round++) {
      deflater.reset();
      if (deflater.push(sample, 0, sample.length, packed, 0, 128, true) !== STREAM_END) return false;
      if (!(canInflate ??= inflaterWorks())) return false;
      const inflater = new NodeInflater();
      const back = new Uint8Array(64);
      if (inflater.push(packed, 0, deflater.produced + 1, back, 0, 64) !== STREAM_END) return false;
      if (inflater.consumed !== deflater.produced || inflater.produced !== sample.length) return false;
      if (sample.some((byte, i) => byte !== back[i])) return false;
    }
    return true;
  } catch {
    return false;
  }
}

/** The public calls behind the same face: inflates everything so far anew at each push. Right, and slow for big objects. */
class BufferedInflater implements Inflater {
  #input: Bytes[] = [];
  #taken = 0;
  #given = 0;
  consumed = 0;
  produced = 0;

  reset(): void {
    this.#input = [];
    this.#taken = 0;
    this.#given = 0;
  }

  push(input: Bytes, start: number, end: number, output: Bytes, at: number, limit: number): StreamState {
    const all = concatBytes([...this.#input, input.subarray(start, end)]);
    const { buffer, engine } = zlib().inflateSync(all, {
      finishFlush: zlib().constants.Z_SYNC_FLUSH,
      info: true,
    } as ZlibOptions) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    const rest = buffer.subarray(this.#given);
    const fits = rest.subarray(0, limit - at);
    output.set(fits, at);
    this.#given += fits.length;
    this.produced = fits.length;
    const full = fits.length === limit - at;
    // With no room left nothing of the input is taken, so that the caller comes with it again.
    this.consumed = full ? 0 : engine.bytesWritten - this.#taken;
    if (full) return STREAM_FULL;
    this.#input.push(input.slice(start, start + this.consumed));
    this.#taken += this.consumed;
    return this.consumed === end - start ? STREAM_MORE : STREAM_END;
  }
}

class BufferedDeflater implements Deflater {
  readonly #level: number;
  #input: Bytes[] = [];
  #packed: Bytes | undefined;
  #given = 0;
  consumed = 0;
  produced = 0;

  constructor(level: number) {
    this.#level = level;
  }

  reset(): void {
    this.#input = [];
    this.#packed = undefined;
    this.#given = 0;
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
    if (end > start) this.#input.push(input.slice(start, end));
    this.consumed = end - start;
    this.produced = 0;
    if (!finish) return STREAM_MORE;
    this.#packed ??= zlib().deflateSync(concatBytes(this.#input), { level: this.#level });
    const fits = this.#packed.subarray(this.#given, this.#given + limit - at);
    output.set(fits, at);
    this.#given += fits.length;
    this.produced = fits.length;
    return fits.length === limit - at ? STREAM_FULL : STREAM_END;
  }
}

let canInflate: boolean | undefined;
let canDeflate: boolean | undefined;

export const nodeInflater = (): Inflater =>
  (canInflate ??= inflaterWorks()) ? new NodeInflater() : new BufferedInflater();
export const nodeDeflater = (level = -1): Deflater =>
  (canDeflate ??= deflaterWorks()) ? new NodeDeflater(level) : new BufferedDeflater(level);
