import type { Bytes } from '../base/bytes.js';
import type { HashAlgorithm } from '../base/oid.js';
import { writeUint32 } from '../platform/lazy-table.js';
import type { Deflater, Hasher, Platform } from '../platform/platform.js';
import { STREAM_END, STREAM_FULL } from '../platform/platform.js';
import { storeBlock } from './stored-block.js';

const CHUNK = 1 << 16;
/** Up to here a stored block is no longer than a compressed one where nothing repeats. */
const LONGEST_PLAIN = 64;

/** The bytes of a pack as it is made: gathered in chunks, hashed, each entry's CRC taken along. */
export class PackOutput {
  readonly #platform: Platform;
  readonly #hasher: Hasher;
  readonly #deflater: Deflater;
  #buffer: Bytes = new Uint8Array(CHUNK);
  #filled = 0;
  #hashed = 0;
  #ready: Bytes[] = [];
  #room: Bytes = new Uint8Array(CHUNK);
  #crc = 0;
  /** Bytes written so far: the offset of what comes next. */
  offset = 0;

  readonly #crcs: boolean;

  /** `crcs`: whether they are wanted. */
  constructor(platform: Platform, algorithm: HashAlgorithm, level: number, crcs = true) {
    this.#platform = platform;
    this.#crcs = crcs;
    this.#hasher = platform.hasher(algorithm);
    this.#deflater = platform.zlib.deflater(level);
  }

  writeHead(count: number, version = 2): void {
    const head = new Uint8Array(12);
    writeUint32(head, 0, 0x5041434b);
    writeUint32(head, 4, version);
    writeUint32(head, 8, count);
    this.write(head, 0, 12);
  }

  /** Starts an entry's CRC anew. */
  startEntry(): void {
    this.#crc = 0;
  }

  get crc(): number {
    return this.#crc;
  }

  write(bytes: Bytes, from: number, end: number): void {
    if (end === from) return;
    const part = from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end);
    if (this.#crcs) this.#crc = this.#platform.zlib.crc32(part, this.#crc);
    const length = end - from;
    this.offset += length;
    if (this.#filled + length > this.#buffer.length) {
      this.#seal();
      if (length > CHUNK) {
        this.#hasher.update(part);
        this.#ready.push(part.slice());
        return;
      }
    }
    this.#buffer.set(part, this.#filled);
    this.#filled += length;
  }

  /** Bytes of entries that are copied as they are; the caller's buffer is handed on. No CRC is kept. */
  copy(bytes: Bytes): void {
    if (bytes.length < CHUNK >>> 1) {
      this.write(bytes, 0, bytes.length);
      return;
    }
    this.#seal();
    this.offset += bytes.length;
    this.#hasher.update(bytes);
    this.#ready.push(bytes);
  }

  #seal(): void {
    if (this.#filled === 0) return;
    const full = this.#buffer.subarray(0, this.#filled);
    this.#hasher.update(this.#hashed === 0 ? full : full.subarray(this.#hashed));
    this.#ready.push(full);
    this.#buffer = new Uint8Array(CHUNK);
    this.#filled = 0;
    this.#hashed = 0;
  }

  /** Deflates `data` and answers a view of a shared buffer, good until the next call. */
  deflate(data: Bytes): Bytes {
    this.#deflater.reset();
    let taken = 0;
    let made = 0;
    for (;;) {
      const state = this.#deflater.push(data, taken, data.length, this.#room, made, this.#room.length, true);
      taken += this.#deflater.consumed;
      made += this.#deflater.produced;
      if (state === STREAM_END) break;
      if (state === STREAM_FULL) {
        const larger = new Uint8Array(this.#room.length * 2);
        larger.set(this.#room.subarray(0, made));
        this.#room = larger;
      }
    }
    const packed = this.#room.subarray(0, made);
    if (this.#room.length > 16 << 20) this.#room = new Uint8Array(CHUNK);
    return packed;
  }

  /**
   * Writes an entry: its head, and `data` as a zlib stream. With `plain`, short data is stored as it is, which takes as
   * many bytes where nothing in it repeats (ids in the delta of a tree), and no call of zlib.
   */
  writeEntry(head: Bytes, headLength: number, data: Bytes, plain = false): void {
    if (this.#writeInPlace(head, headLength, data, plain && data.length <= LONGEST_PLAIN)) return;
    this.startEntry();
    const packed = this.deflate(data);
    this.write(head, 0, headLength);
    this.write(packed, 0, packed.length);
  }

  /** Makes the entry where it stays; false, and nothing is written, where it may not fit in a chunk. */
  #writeInPlace(head: Bytes, headLength: number, data: Bytes, stored: boolean): boolean {
    const most = headLength + data.length + (data.length >>> 3) + 64;
    if (most > CHUNK) return false;
    if (this.#filled + most > CHUNK) this.#seal();
    const start = this.#filled;
    const buffer = this.#buffer;
    for (let i = 0; i < headLength; i++) buffer[start + i] = head[i]!;
    const at = start + headLength;
    if (stored) this.#filled = storeBlock(buffer, at, data, data.length);
    else {
      const deflater = this.#deflater;
      deflater.reset();
      const state = deflater.push(data, 0, data.length, buffer, at, CHUNK, true);
      if (state !== STREAM_END || deflater.consumed !== data.length) return false;
      this.#filled = at + deflater.produced;
    }
    this.offset += this.#filled - start;
    if (this.#crcs) this.#crc = this.#platform.zlib.crc32(buffer.subarray(start, this.#filled), 0);
    return true;
  }

  /** Ends the chunk being filled, so that `take` has everything written so far. */
  flush(): void {
    this.#seal();
  }

  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  /** Chunks that are complete; the caller's from now on. */
  take(): Bytes[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /** Writes the checksum; `take` has the rest afterwards. */
  finish(): Bytes {
    this.#seal();
    const checksum = this.#hasher.digest();
    this.#ready.push(checksum);
    this.offset += checksum.length;
    return checksum;
  }
}
