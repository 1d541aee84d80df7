import { encodeText, type Bytes } from '../base/bytes.js';

/** Output under construction: bytes and (byte-exact) text appended to one growing buffer. */
export class ByteBuilder {
  private buffer: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(size = 1024) {
    this.buffer = new Uint8Array(size);
  }

  private room(more: number): void {
    const needed = this.length + more;
    if (needed <= this.buffer.length) return;
    const wide = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    wide.set(this.buffer.subarray(0, this.length));
    this.buffer = wide;
  }

  byte(value: number): void {
    if (this.length === this.buffer.length) this.room(1);
    this.buffer[this.length++] = value;
  }

  /** `bytes[from .. to)`. */
  slice(bytes: Bytes, from: number, to: number): void {
    const size = to - from;
    this.room(size);
    const { buffer } = this;
    let at = this.length;
    if (size < 96) for (let i = from; i < to; i++) buffer[at++] = bytes[i]!;
    else buffer.set(bytes.subarray(from, to), at);
    this.length += size;
  }

  bytes(bytes: Bytes): void {
    this.slice(bytes, 0, bytes.length);
  }

  text(text: string): void {
    const size = text.length;
    this.room(size);
    const { buffer } = this;
    for (let i = 0; i < size; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) {
        // the ASCII written so far stays beyond `length` and is written again
        this.bytes(encodeText(text));
        return;
      }
      buffer[this.length + i] = unit;
    }
    this.length += size;
  }

  /** What was appended, as a view; the builder is not to be used afterwards unless `take` is. */
  view(): Bytes {
    return this.buffer.subarray(0, this.length);
  }

  /** What was appended, and starts anew. */
  take(): Bytes {
    const made = this.buffer.slice(0, this.length);
    this.length = 0;
    return made;
  }
}
