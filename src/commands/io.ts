import * as fs from 'node:fs';
import type { Bytes } from '../base/bytes.js';
import { concatBytes, decodeText, emptyBytes, encodeText } from '../base/bytes.js';
import { worked } from '../platform/node/brief.js';
import { endingAtOnce } from './interrupt.js';

/** The reader went away (`| head`): the command ends quietly. */
export class ClosedPipe extends Error {}

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Standard output or error: bytes or byte-exact text, written in big pieces, waiting where a pipe is full. */
export class Output {
  #descriptor: number;
  #pending: Bytes[] = [];
  /** Text behind what is pending: made bytes of in one piece, since each piece costs more than its bytes. */
  #text = '';
  #length = 0;
  /** Flushed when that much has gathered; 0 writes at once. */
  readonly #limit: number;
  /** Something else is written first, so that the two streams keep their order on a terminal. */
  before: Output | undefined;

  constructor(descriptor: number, limit: number) {
    this.#descriptor = descriptor;
    this.#limit = limit;
  }

  get isTerminal(): boolean {
    return terminal(this.#descriptor);
  }

  /** What follows goes to another descriptor (the pager's pipe). */
  redirect(descriptor: number): void {
    this.flush();
    this.#descriptor = descriptor;
  }

  /** Where it goes: a program whose output belongs here is given this. */
  get descriptor(): number {
    return this.#descriptor;
  }

  get columns(): number | undefined {
    // Node makes its streams, and loads what they need, at the first look at one.
    if (!this.isTerminal) return undefined;
    return (this.#descriptor === 1 ? process.stdout : process.stderr).columns;
  }

  write(data: string | Bytes): void {
    if (data.length === 0) return;
    this.before?.flush();
    if (typeof data === 'string') this.#text += data;
    else {
      this.#settle();
      this.#pending.push(data);
    }
    this.#length += data.length;
    if (this.#length >= this.#limit) this.flush();
  }

  #settle(): void {
    if (this.#text === '') return;
    this.#pending.push(encodeText(this.#text));
    this.#text = '';
  }

  flush(): void {
    if (this.#length === 0) return;
    this.#settle();
    const pending = this.#pending;
    this.#pending = [];
    this.#length = 0;
    // What is big goes out as it is; what is small is gathered.
    let first = 0;
    for (let i = 0; i < pending.length; i++) {
      if (pending[i]!.length < BIG) continue;
      if (i > first) this.#put(concatBytes(pending.slice(first, i)));
      this.#put(pending[i]!);
      first = i + 1;
    }
    if (first < pending.length) this.#put(concatBytes(first === 0 ? pending : pending.slice(first)));
  }

  #put(data: Bytes): void {
    worked(data.length);
    let at = 0;
    while (at < data.length) {
      try {
        at += fs.writeSync(this.#descriptor, data, at, data.length - at);
      } catch (error) {
        const code = (error as { code?: string }).code;
        if (code === 'EAGAIN') Atomics.wait(pause, 0, 0, 2);
        else if (code === 'EPIPE') throw new ClosedPipe();
        else throw error;
      }
    }
  }
}

/** From this size on bytes are written without being copied first. */
const BIG = 16 << 10;

/** Linux's /dev/null: a character device, and where output often goes. */
const NULL_DEVICE = 0x103;

const isTerminal = new Map<number, boolean>();

function terminal(descriptor: number): boolean {
  let known = isTerminal.get(descriptor);
  if (known === undefined) {
    try {
      // node:tty is not loaded for this: a character device with a terminal behind it is all we ask.
      const stat = fs.fstatSync(descriptor);
      known =
        stat.isCharacterDevice() &&
        !(process.platform === 'linux' && stat.rdev === NULL_DEVICE) &&
        (descriptor === 0 ? process.stdin : descriptor === 1 ? process.stdout : process.stderr).isTTY === true;
    } catch {
      known = false;
    }
    isTerminal.set(descriptor, known);
  }
  return known;
}

/** Standard input, read synchronously in pieces: the fastest way, and a conversation over pipes needs nothing else. */
export class Input {
  #rest: Bytes = emptyBytes;
  #ended = false;
  /** Made when something is read: most commands are asked by their words alone. */
  #buffer: Bytes | undefined;

  /** An input of given bytes, for a command that another one runs. */
  static of(bytes: Bytes): Input {
    const input = new Input();
    input.#rest = bytes;
    input.#ended = true;
    return input;
  }

  get isTerminal(): boolean {
    return !this.#ended && terminal(0);
  }

  /** Pieces that have come so far: what is in one was all said before any of it is answered. */
  pieces = 0;

  /** The next piece, or `undefined` at the end. */
  readChunk(): Bytes | undefined {
    if (this.#rest.length > 0) {
      const rest = this.#rest;
      this.#rest = emptyBytes;
      return rest;
    }
    if (this.#ended) return undefined;
    for (;;) {
      try {
        const buffer = (this.#buffer ??= new Uint8Array(65536));
        const length = endingAtOnce(() => fs.readSync(0, buffer, 0, buffer.length, null));
        if (length === 0) {
          this.#ended = true;
          return undefined;
        }
        this.pieces++;
        return buffer.slice(0, length);
      } catch (error) {
        const code = (error as { code?: string }).code;
        if (code === 'EAGAIN') Atomics.wait(pause, 0, 0, 2);
        else if (code === 'EOF') {
          this.#ended = true;
          return undefined;
        } else throw error;
      }
    }
  }

  /** Everything up to the end. */
  readAll(): Bytes {
    const chunks: Bytes[] = [];
    for (let chunk = this.readChunk(); chunk !== undefined; chunk = this.readChunk()) chunks.push(chunk);
    return chunks.length === 0 ? emptyBytes : concatBytes(chunks);
  }

  /** Exactly `length` bytes, fewer only at the end. */
  read(length: number): Bytes {
    const chunks: Bytes[] = [];
    let got = 0;
    while (got < length) {
      const chunk = this.readChunk();
      if (chunk === undefined) break;
      const need = length - got;
      if (chunk.length > need) {
        chunks.push(chunk.subarray(0, need));
        this.#rest = chunk.subarray(need);
        got = length;
      } else {
        chunks.push(chunk);
        got += chunk.length;
      }
    }
    return chunks.length === 0 ? emptyBytes : concatBytes(chunks);
  }

  /** Bytes up to a terminator (a newline unless said), without it; `undefined` at the end. */
  readUntil(terminator = 0x0a): Bytes | undefined {
    const chunks: Bytes[] = [];
    for (let chunk = this.readChunk(); chunk !== undefined; chunk = this.readChunk()) {
      const end = chunk.indexOf(terminator);
      if (end >= 0) {
        chunks.push(chunk.subarray(0, end));
        this.#rest = chunk.subarray(end + 1);
        return concatBytes(chunks);
      }
      chunks.push(chunk);
    }
    return chunks.length === 0 ? undefined : concatBytes(chunks);
  }

  /** Lines as byte-exact text, without their ends. */
  *lines(terminator = 0x0a): Generator<string> {
    for (let line = this.readUntil(terminator); line !== undefined; line = this.readUntil(terminator))
      yield decodeText(line);
  }

  /** The rest as an async iterable, for library functions that take a stream. */
  async *stream(): AsyncGenerator<Bytes> {
    for (let chunk = this.readChunk(); chunk !== undefined; chunk = this.readChunk()) yield chunk;
  }
}

export interface Io {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
}

export function processIo(): Io {
  const stdout = new Output(1, 65536);
  const stderr = new Output(2, 0);
  stderr.before = stdout;
  return { stdin: new Input(), stdout, stderr };
}
