import type { Bytes } from '../base/bytes.js';
import type { ReadHandle } from './fs.js';

/** Rows that are looked up one by one, anywhere: 256 names are five kilobytes. */
export const SCATTERED = 8;
const NEIGHBOURS = 10;

/** A table of fixed rows in a file, read 2 to the power of `bits` rows at a time as they are asked for. */
export class LazyTable {
  readonly count: number;
  readonly rowSize: number;
  readonly #handle: ReadHandle;
  readonly #start: number;
  readonly #bits: number;
  readonly #mask: number;
  readonly #chunks: (Bytes | undefined)[] = [];

  constructor(handle: ReadHandle, start: number, rowSize: number, count: number, bits = NEIGHBOURS) {
    this.#handle = handle;
    this.#start = start;
    this.rowSize = rowSize;
    this.count = count;
    this.#bits = bits;
    this.#mask = (1 << bits) - 1;
  }

  /** The chunk that holds `row`; the row starts in it at `at(row)`. */
  chunk(row: number): Bytes {
    return this.#chunks[row >>> this.#bits] ?? this.#load(row >>> this.#bits);
  }

  at(row: number): number {
    return (row & this.#mask) * this.rowSize;
  }

  /** The row behind the last one of the chunk that holds `row`. */
  chunkEnd(row: number): number {
    return Math.min(this.count, ((row >>> this.#bits) + 1) << this.#bits);
  }

  #load(index: number): Bytes {
    const first = index << this.#bits;
    const rows = Math.min(this.#mask + 1, this.count - first);
    const chunk = new Uint8Array(rows * this.rowSize);
    this.#handle.readInto(chunk, this.#start + first * this.rowSize);
    this.#chunks[index] = chunk;
    return chunk;
  }

  uint32(row: number): number {
    return readUint32(this.chunk(row), this.at(row));
  }

  /** Compares the `length` bytes at `offset` of a row with `raw[at…]`, as memcmp does. */
  compare(row: number, offset: number, raw: Bytes, at: number, length: number): number {
    const chunk = this.chunk(row);
    const start = this.at(row) + offset;
    for (let i = 0; i < length; i++) {
      const difference = chunk[start + i]! - raw[at + i]!;
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

export function readUint32(bytes: Bytes, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

export function writeUint32(bytes: Bytes, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** A 64-bit big-endian number; offsets in files stay far below 2^53. */
export function readUint64(bytes: Bytes, at: number): number {
  return readUint32(bytes, at) * 0x100000000 + readUint32(bytes, at + 4);
}

export function writeUint64(bytes: Bytes, at: number, value: number): void {
  writeUint32(bytes, at, Math.floor(value / 0x100000000));
  writeUint32(bytes, at + 4, value % 0x100000000);
}

/** A read handle over bytes in memory. */
export function memoryHandle(bytes: Bytes): ReadHandle {
  return {
    size: bytes.length,
    read: (position, length) => bytes.subarray(position, Math.min(position + length, bytes.length)),
    readInto(into, position) {
      const part = bytes.subarray(position, Math.min(position + into.length, bytes.length));
      into.set(part);
      return part.length;
    },
    stat: () => {
      throw new Error('no file');
    },
    close: () => {},
  };
}
