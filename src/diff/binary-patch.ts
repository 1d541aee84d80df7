import type { Bytes } from '../base/bytes.js';
import { ByteBuilder } from './byte-builder.js';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~';

/** Bytes as base 85, five digits for each four bytes; the last group is padded with zeros. */
function encodeBase85(bytes: Bytes, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i += 4) {
    let word = 0;
    for (let k = 0; k < 4; k++) word = word * 256 + (i + k < to ? bytes[i + k]! : 0);
    let group = '';
    for (let k = 0; k < 5; k++) {
      group = alphabet[word % 85]! + group;
      word = Math.floor(word / 85);
    }
    text += group;
  }
  return text;
}

export interface BinaryPatchOptions {
  readonly deflate: (bytes: Bytes) => Bytes;
  readonly makeDelta?: ((from: Bytes, to: Bytes, limit: number) => Bytes | undefined) | undefined;
  /** In front of every line. */
  readonly prefix?: string | undefined;
}

/** A `GIT binary patch`: forward and backward, each as a whole or as a delta, whichever is shorter. */
export function binaryPatch(old: Bytes, fresh: Bytes, options: BinaryPatchOptions): Bytes {
  const out = new ByteBuilder(1024);
  const prefix = options.prefix ?? '';
  out.text(`${prefix}GIT binary patch\n`);
  writeHalf(out, old, fresh, options, prefix);
  writeHalf(out, fresh, old, options, prefix);
  return out.take();
}

const perLine = 52;

function writeHalf(out: ByteBuilder, from: Bytes, to: Bytes, options: BinaryPatchOptions, prefix: string): void {
  let data = options.deflate(to);
  let head = `literal ${to.length}`;
  if (from.length > 0 && to.length > 0) {
    const delta = options.makeDelta?.(from, to, data.length);
    if (delta !== undefined) {
      const packed = options.deflate(delta);
      if (packed.length < data.length) {
        data = packed;
        head = `delta ${delta.length}`;
      }
    }
  }
  out.text(`${prefix}${head}\n`);
  for (let at = 0; at < data.length; at += perLine) {
    const end = Math.min(at + perLine, data.length);
    const size = end - at;
    const mark = String.fromCharCode(size <= 26 ? 64 + size : 96 + size - 26);
    out.text(`${prefix}${mark}${encodeBase85(data, at, end)}\n`);
  }
  out.text(`${prefix}\n`);
}
