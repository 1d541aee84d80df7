import type { Bytes } from '../base/bytes.js';
import type { ReadHandle } from './fs.js';

const CHUNK_BITS = 10;
const CHUNK_ROWS = 1 << CHUNK_BITS;

/** A table of fixed rows in a file, read 1,024 rows at a time as they are asked for, so that one lookup stays cheap. */
export class LazyTable {
  readonly count: number;
  readonly rowSize: number;
  readonly #handle: ReadHandle;
  readonly #start: number;
  readonly #chunks: (Bytes | undefined)[] = [];

  constructor(handle: ReadHandle, start: number, rowSize: number, count: number) {
    this.#handle = handle;
    this.#start = start;
    this.rowSize = rowSize;
    this.count = count;
  }

  /** The chunk that holds `row`; the row starts in it at `at(row)`. */
  chunk(row: number): Bytes {
    return this.#chunks[row >>> CHUNK_BITS] ?? this.#load(row >>> CHUNK_BITS);
  }

  at(row: number): number {
    return (row & (CHUNK_ROWS - 1)) * this.rowSize;
  }

  /** The row behind the last one of the chunk that holds `row`. */
  chunkEnd(row: number): number {
    return Math.min(this.count, ((row >>> CHUNK_BITS) + 1) << CHUNK_BITS);
  }

  #load(index: number): Bytes {
    const first = index << CHUNK_BITS;
    const rows = Math.min(CHUNK_ROWS, this.count - first);
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
