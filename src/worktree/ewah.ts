import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { readWord, writeWord } from './index-entry.js';

/**
 * EWAH bitmaps as the index stores them: bit count, number of 64-bit words, the words (each a run of equal words
 * followed by literal ones), and the position of the last run word. Kept as a plain list of set bits.
 */
export function parseEwah(data: Bytes, start: number): { bits: number[]; size: number; end: number } {
  const corrupt = (): GitError => new GitError('OBJECT_CORRUPT', 'corrupt ewah bitmap');
  if (start + 8 > data.length) throw corrupt();
  const size = readWord(data, start);
  const words = readWord(data, start + 4);
  const end = start + 8 + words * 8 + 4;
  if (end > data.length) throw corrupt();
  const bits: number[] = [];
  let position = 0;
  for (let i = 0; i < words; ) {
    const at = start + 8 + i * 8;
    const high = readWord(data, at);
    const low = readWord(data, at + 4);
    const run = (low >>> 1) + (high & 1) * 0x80000000;
    const literals = high >>> 1;
    if (position + run * 64 > size + 63) throw corrupt();
    if ((low & 1) === 1) for (let bit = 0; bit < run * 64; bit++) bits.push(position + bit);
    position += run * 64;
    i++;
    for (let k = 0; k < literals; k++, i++) {
      if (i >= words) throw corrupt();
      const word = start + 8 + i * 8;
      const lower = readWord(data, word + 4);
      const upper = readWord(data, word);
      for (let bit = 0; bit < 32; bit++) if ((lower >>> bit) & 1) bits.push(position + bit);
      for (let bit = 0; bit < 32; bit++) if ((upper >>> bit) & 1) bits.push(position + 32 + bit);
      position += 64;
    }
  }
  return { bits, size, end };
}

/** Writes set bits (ascending) as git's own encoder does. */
export function serializeEwah(bits: readonly number[]): Bytes {
  // Cut into 64-bit words first: [lower, upper] for each that has a bit.
  const words: [number, number][] = [];
  const size = bits.length === 0 ? 0 : bits[bits.length - 1]! + 1;
  const total = Math.ceil(size / 64);
  for (let i = 0; i < total; i++) words.push([0, 0]);
  for (const bit of bits) {
    const word = words[Math.floor(bit / 64)]!;
    const inside = bit % 64;
    if (inside < 32) word[0] = (word[0] | (1 << inside)) >>> 0;
    else word[1] = (word[1] | (1 << (inside - 32))) >>> 0;
  }
  const out: [number, number][] = [];
  let last = 0;
  let i = 0;
  do {
    const isEmpty = (n: number) => words[n]![0] === 0 && words[n]![1] === 0;
    const isFull = (n: number) => words[n]![0] === 0xffffffff && words[n]![1] === 0xffffffff;
    let run = 0;
    let runBit = 0;
    if (i < total && isFull(i)) {
      runBit = 1;
      while (i < total && isFull(i) && run < 0xffffffff) run++, i++;
    } else while (i < total && isEmpty(i) && run < 0xffffffff) run++, i++;
    const literals: [number, number][] = [];
    while (i < total && !isEmpty(i) && !isFull(i) && literals.length < 0x7fffffff) literals.push(words[i++]!);
    last = out.length;
    const low = ((run << 1) | runBit) >>> 0;
    const high = ((literals.length << 1) | (run >>> 31)) >>> 0;
    out.push([low, high], ...literals);
  } while (i < total);
  const data = new Uint8Array(8 + out.length * 8 + 4);
  writeWord(data, 0, size);
  writeWord(data, 4, out.length);
  out.forEach(([low, high], n) => {
    writeWord(data, 8 + n * 8, high);
    writeWord(data, 12 + n * 8, low);
  });
  writeWord(data, 8 + out.length * 8, last);
  return data;
}
