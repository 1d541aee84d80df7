import type { Bytes } from '../base/bytes.js';
import { IndexEntry, STAT_BYTES } from './index-entry.js';

export const STAT_WORDS = STAT_BYTES / 4;
const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/**
 * The rows of an index file as columns over its bytes. Looking through a clean work tree needs no object per entry:
 * stat words are compared where they lie.
 */
export class IndexRows {
  readonly data: Bytes;
  readonly oidLength: number;
  readonly count: number;
  /** Where each row begins in `data`. */
  readonly at: Uint32Array;
  /** As `IndexEntry.flags`. */
  readonly flags: Int32Array;
  readonly paths: string[];
  /** No path has bytes outside of ASCII. */
  ascii = true;
  /** 1: known in this process to equal its file. */
  readonly fresh: Uint8Array;
  /** Every flag that some row has. */
  seenFlags = 0;
  /** Rows begin at multiples of four bytes, as those of versions 2 and 3 do: then the file itself is the table. */
  aligned = false;
  #words: Uint32Array | undefined;
  #made: (IndexEntry | undefined)[] | undefined;

  constructor(data: Bytes, count: number, oidLength: number) {
    this.data = data;
    this.oidLength = oidLength;
    this.count = count;
    this.at = new Uint32Array(count);
    this.flags = new Int32Array(count);
    this.paths = new Array<string>(count);
    this.fresh = new Uint8Array(count);
  }

  /**
   * The stat words of all rows as numbers; those of row `i` begin at `at[i] / 4` where rows are aligned, else at
   * `i * STAT_WORDS`.
   */
  get words(): Uint32Array {
    this.#words ??= this.#gather();
    return this.#words;
  }

  #gather(): Uint32Array {
    const { data, at, count } = this;
    const last = count === 0 ? 0 : at[count - 1]! + STAT_BYTES;
    const bytes = this.aligned ? data.slice(0, last) : new Uint8Array(count * STAT_BYTES);
    if (!this.aligned)
      for (let i = 0; i < count; i++) bytes.set(data.subarray(at[i], at[i]! + STAT_BYTES), i * STAT_BYTES);
    const buffer = (globalThis as { Buffer?: typeof Buffer }).Buffer;
    const words = new Uint32Array(bytes.buffer, 0, bytes.length >>> 2);
    if (buffer !== undefined && littleEndian) buffer.from(bytes.buffer).swap32();
    else {
      const view = new DataView(bytes.buffer);
      for (let i = 0; i < words.length; i++) words[i] = view.getUint32(4 * i);
    }
    return words;
  }

  /** The entry of a row; the same object each time. */
  entry(i: number): IndexEntry {
    this.#made ??= new Array<IndexEntry | undefined>(this.count);
    let entry = this.#made[i];
    if (entry === undefined) {
      entry = new IndexEntry(this.paths[i]!, this.flags[i]!, this.data, this.at[i]!, this.oidLength);
      this.#made[i] = entry;
    }
    if (this.fresh[i] === 1) entry.fresh = true;
    return entry;
  }

  /** All rows as entries. */
  entries(): IndexEntry[] {
    const out = new Array<IndexEntry>(this.count);
    for (let i = 0; i < this.count; i++) out[i] = this.entry(i);
    return out;
  }
}
