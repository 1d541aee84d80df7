import type { Bytes } from '../base/bytes.js';
import { compareText, concatBytes, encodeText } from '../base/bytes.js';
import { baseName } from '../base/path.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm } from '../base/oid.js';
import { oidFromBytes, rawLength } from '../base/oid.js';
import { writeUint32, writeUint64 } from '../platform/lazy-table.js';
import { LockFile } from '../platform/lock.js';
import type { Platform } from '../platform/platform.js';
import type { MultiPackIndex } from './midx.js';
import { compareNames, orderByName } from './oid-order.js';
import type { PackFile } from './pack-file.js';

interface Common {
  readonly platform: Platform;
  readonly algorithm: HashAlgorithm;
  readonly packDirectory: string;
  /** Write the chunks a bitmap needs: the order of its bits, and where each pack's begin. */
  readonly forBitmap?: boolean | undefined;
  readonly version?: number | undefined;
  readonly sync?: boolean | undefined;
  /** Makes a layer of a chain: what lies below it, the oldest first. */
  readonly base?: readonly MultiPackIndex[] | undefined;
}

export interface MidxWriteOptions extends Common {
  readonly packs: readonly PackFile[];
  /** Its copies win. */
  readonly preferred?: PackFile | undefined;
  /** What is there now (the newest layer first): which copy of an object it has chosen stays chosen. */
  readonly existing?: readonly MultiPackIndex[] | undefined;
}

export interface MidxCompactOptions extends Common {
  /** Layers that lie one on the other, the oldest first. */
  readonly layers: readonly MultiPackIndex[];
  /** What lies below them now. */
  readonly below: readonly MultiPackIndex[];
  readonly packNamed: (name: string) => PackFile | undefined;
}

export interface WrittenMidx {
  readonly checksum: Bytes;
  readonly packs: readonly PackFile[];
  readonly count: number;
  /** Objects in the layers below: rows and bits of this one come after theirs. */
  readonly baseCount: number;
  /** Raw names in order. */
  readonly names: Bytes;
  readonly packNumbers: Uint32Array;
  readonly offsets: Float64Array;
  /** Rows in the order of bitmap bits: the preferred pack's first, then pack by pack, by offset. */
  readonly bitOrder: Uint32Array;
  /** Path of what lies beside the file: `bitmap`, `rev`. */
  companion(extension: string): string;
  /** Makes it the store's multi-pack-index; of a layer only the file is written, the chain is another's work. */
  install(): void;
}

/** The pseudo-pack order of a multi-pack-index. */
function bitOrderOf(count: number, packNumbers: Uint32Array, offsets: Float64Array, preferred: number): Uint32Array {
  const rank = (number: number): number => (number === preferred ? -1 : number);
  return Uint32Array.from({ length: count }, (_, row) => row).sort(
    (a, b) => rank(packNumbers[a]!) - rank(packNumbers[b]!) || offsets[a]! - offsets[b]!,
  );
}

/** Writes `multi-pack-index` over the packs. */
export function writeMidx(options: MidxWriteOptions): WrittenMidx {
  const prepared = prepareMidx(options);
  prepared.install();
  return prepared;
}

/** What a multi-pack-index says, before it is bytes. */
interface Content {
  readonly packs: readonly PackFile[];
  readonly preferred: number;
  readonly count: number;
  readonly names: Bytes;
  readonly packNumbers: Uint32Array;
  readonly offsets: Float64Array;
}

const countOf = (layers: readonly MultiPackIndex[] = []): number => layers.reduce((sum, { count }) => sum + count, 0);

/** Whether a multi-pack-index takes the object from this pack. */
function isChosen(existing: readonly MultiPackIndex[], packName: string, raw: Bytes, at: number): boolean {
  for (const midx of existing) {
    const row = midx.find(raw, at);
    if (row < 0) continue;
    midx.offsetAt(row);
    return midx.packNames[midx.packNumber] === packName;
  }
  return true;
}

/** The same, but it is not there before `install`: what belongs to it can be written first. */
export function prepareMidx(options: MidxWriteOptions): WrittenMidx {
  const length = rawLength(options.algorithm);
  const { fs } = options.platform;
  const packs = [...options.packs].sort((a, b) => compareText(baseName(a.index.path), baseName(b.index.path)));
  const existing = options.existing ?? [];
  const listed = new Set(existing.flatMap(({ packNames }) => packNames));
  // New packs go before what is there, as with git.
  const times = packs.map((pack) =>
    listed.has(baseName(pack.index.path)) ? 0 : (fs.stat(pack.path)?.mtimeSeconds ?? 0),
  );
  const preferred = options.preferred === undefined ? -1 : packs.indexOf(options.preferred);
  const total = packs.reduce((sum, pack) => sum + pack.index.count, 0);
  const all = new Uint8Array(total * length);
  const packOf = new Uint32Array(total);
  const rowOf = new Uint32Array(total);
  let filled = 0;
  packs.forEach((pack, number) => {
    const name = baseName(pack.index.path);
    const known = number !== preferred && listed.has(name);
    for (let row = 0; row < pack.index.count; row++) {
      pack.index.copyName(row, all, filled * length);
      if (known && !isChosen(existing, name, all, filled * length)) continue;
      packOf[filled] = number;
      rowOf[filled++] = row;
    }
  });
  const entries = filled;
  const order = orderByName(all, entries, length);
  const better = (a: number, b: number): boolean => {
    const x = packOf[a]!;
    const y = packOf[b]!;
    if ((x === preferred) !== (y === preferred)) return x === preferred;
    if (times[x] !== times[y]) return times[x]! > times[y]!;
    return x < y;
  };
  const base = options.base ?? [];
  const below = (entry: number): boolean => base.some((layer) => layer.find(all, entry * length) >= 0);
  const chosen = new Uint32Array(total);
  let count = 0;
  for (let i = 0; i < entries; ) {
    let best = order[i]!;
    let j = i + 1;
    for (; j < entries && compareNames(all, order[i]!, order[j]!, length) === 0; j++) {
      if (better(order[j]!, best)) best = order[j]!;
    }
    if (base.length === 0 || !below(best)) chosen[count++] = best;
    i = j;
  }
  const names = new Uint8Array(count * length);
  const packNumbers = new Uint32Array(count);
  const offsets = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const entry = chosen[i]!;
    names.set(all.subarray(entry * length, (entry + 1) * length), i * length);
    packNumbers[i] = packOf[entry]!;
    offsets[i] = packs[packOf[entry]!]!.index.offsetAt(rowOf[entry]!);
  }
  return assemble(options, { packs, preferred, count, names, packNumbers, offsets });
}

/**
 * One layer of several. Which copy of an object counts stays as it was, and so does the order of bits where all of them
 * have one: the bitmaps of layers above, and their own, hold on.
 */
export function prepareCompactMidx(options: MidxCompactOptions): WrittenMidx {
  const { layers } = options;
  const length = rawLength(options.algorithm);
  const below = countOf(options.below);
  const total = countOf(layers);
  const all = new Uint8Array(total * length);
  const packOf = new Uint32Array(total);
  const places = new Float64Array(total);
  const packs: PackFile[] = [];
  let filled = 0;
  for (const layer of layers) {
    const numbers = layer.packNames.map((_, number) => number);
    if (options.forBitmap === true && layer.count > 0) {
      // The preferred pack's bits come first.
      const first = layer.bitOrder(below + filled)?.[0];
      if (first !== undefined) {
        layer.offsetAt(first);
        numbers.splice(numbers.indexOf(layer.packNumber), 1);
        numbers.unshift(layer.packNumber);
      }
    }
    const numberOf = new Uint32Array(numbers.length);
    for (const number of numbers) {
      const name = layer.packNames[number]!;
      const pack = options.packNamed(name);
      if (pack === undefined) throw new GitError('OBJECT_MISSING', `could not load pack ${name}`);
      numberOf[number] = packs.push(pack) - 1;
    }
    for (let row = 0; row < layer.count; row++) {
      layer.copyName(row, all, filled * length);
      places[filled] = layer.offsetAt(row);
      packOf[filled++] = numberOf[layer.packNumber]!;
    }
  }
  const order = orderByName(all, total, length);
  const names = new Uint8Array(total * length);
  const packNumbers = new Uint32Array(total);
  const offsets = new Float64Array(total);
  for (let i = 0; i < total; i++) {
    const entry = order[i]!;
    names.set(all.subarray(entry * length, (entry + 1) * length), i * length);
    packNumbers[i] = packOf[entry]!;
    offsets[i] = places[entry]!;
  }
  // Packs need not be in order of name: only the second version allows that.
  return assemble({ ...options, version: 2 }, { packs, preferred: 0, count: total, names, packNumbers, offsets });
}

function assemble(options: Common, content: Content): WrittenMidx {
  const { platform, algorithm, packDirectory } = options;
  const { packs, count, names, packNumbers, offsets } = content;
  const { fs } = platform;
  const length = rawLength(algorithm);
  const baseCount = countOf(options.base);
  let largest = 0;
  for (let i = 0; i < count; i++) if (offsets[i]! > largest) largest = offsets[i]!;
  const needsLarge = largest >= 2 ** 32;
  const fanout = new Uint8Array(1024);
  const perByte = new Uint32Array(256);
  for (let i = 0; i < count; i++) perByte[names[i * length]!]!++;
  for (let byte = 0, sum = 0; byte < 256; byte++) {
    sum += perByte[byte]!;
    writeUint32(fanout, 4 * byte, sum);
  }
  const places = new Uint8Array(count * 8);
  const large: number[] = [];
  for (let i = 0; i < count; i++) {
    writeUint32(places, 8 * i, packNumbers[i]!);
    const offset = offsets[i]!;
    if (needsLarge && offset >= 0x80000000) {
      writeUint32(places, 8 * i + 4, 0x80000000 + large.length);
      large.push(offset);
    } else writeUint32(places, 8 * i + 4, offset);
  }
  const nameText = encodeText(packs.map((pack) => `${baseName(pack.index.path)}\0`).join(''));
  const packNames = new Uint8Array(Math.ceil(nameText.length / 4) * 4);
  packNames.set(nameText);
  const chunks: [string, Bytes][] = [
    ['PNAM', packNames],
    ['OIDF', fanout],
    ['OIDL', names],
    ['OOFF', places],
  ];
  if (large.length > 0) {
    const bytes = new Uint8Array(large.length * 8);
    for (let i = 0; i < large.length; i++) writeUint64(bytes, 8 * i, large[i]!);
    chunks.push(['LOFF', bytes]);
  }
  const bitOrder =
    options.forBitmap === true ? bitOrderOf(count, packNumbers, offsets, content.preferred) : new Uint32Array(0);
  if (options.forBitmap === true) {
    const reverse = new Uint8Array(4 * count);
    for (let i = 0; i < count; i++) writeUint32(reverse, 4 * i, baseCount + bitOrder[i]!);
    const ranges = new Uint8Array(8 * packs.length);
    let bit = 0;
    while (bit < count) {
      const number = packNumbers[bitOrder[bit]!]!;
      const start = bit;
      while (bit < count && packNumbers[bitOrder[bit]!] === number) bit++;
      writeUint32(ranges, 8 * number, baseCount + start);
      writeUint32(ranges, 8 * number + 4, bit - start);
    }
    chunks.push(['RIDX', reverse], ['BTMP', ranges]);
  }
  const head = new Uint8Array(12 + 12 * (chunks.length + 1));
  writeUint32(head, 0, 0x4d494458);
  head[4] = options.version ?? 1;
  head[5] = algorithm === 'sha1' ? 1 : 2;
  head[6] = chunks.length;
  writeUint32(head, 8, packs.length);
  let at = head.length;
  chunks.forEach(([name, bytes], i) => {
    for (let c = 0; c < 4; c++) head[12 + 12 * i + c] = name.charCodeAt(c);
    writeUint64(head, 12 + 12 * i + 4, at);
    at += bytes.length;
  });
  writeUint64(head, 12 + 12 * chunks.length + 4, at);
  const body = concatBytes([head, ...chunks.map(([, bytes]) => bytes)]);
  const checksum = platform.hasher(algorithm).update(body).digest();
  const directory = options.base === undefined ? packDirectory : `${packDirectory}/multi-pack-index.d`;
  const stem = `${directory}/multi-pack-index-${oidFromBytes(checksum, 0, checksum.length)}`;
  const path = options.base === undefined ? `${packDirectory}/multi-pack-index` : `${stem}.midx`;
  const install = (): void => {
    fs.makeDirectory(directory, { recursive: true });
    const lock = LockFile.acquire(fs, path, 0o444);
    try {
      lock.write(body);
      lock.write(checksum);
      lock.commit({ sync: options.sync !== false });
    } finally {
      lock.rollback();
    }
  };
  const companion = (extension: string): string => `${stem}.${extension}`;
  return { checksum, packs, count, baseCount, names, packNumbers, offsets, bitOrder, companion, install };
}

/** Removes a pack with all that lies beside it; the index first, so that no reader finds it half gone. */
export function removePack(platform: Pick<Platform, 'fs'>, packPath: string): void {
  const stem = packPath.replace(/\.pack$/, '');
  for (const extension of ['.idx', '.rev', '.bitmap', '.promisor', '.mtimes', '.keep', '.pack']) {
    platform.fs.remove(stem + extension);
  }
}

/** Removes bitmaps and reverse indexes of multi-pack-indexes other than the one with this checksum. */
export function removeStaleMidxFiles(
  platform: Pick<Platform, 'fs'>,
  packDirectory: string,
  keep: string | undefined,
): void {
  for (const { name } of platform.fs.readDirectory(packDirectory) ?? []) {
    const match = /^multi-pack-index-([0-9a-f]+)\.(?:bitmap|rev)$/.exec(name);
    if (match !== null && match[1] !== keep) platform.fs.remove(`${packDirectory}/${name}`);
  }
}
