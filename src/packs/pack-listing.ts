import type { Bytes } from '../base/bytes.js';
import { oidFromBytes } from '../base/oid.js';
import { readUint32, readUint64 } from '../platform/lazy-table.js';
import { kindOfCode, REF_DELTA } from './entry.js';
import { orderByName } from './oid-order.js';
import type { PackTable } from './pack-parser.js';

/** What `verify-pack -v` tells of an indexed pack: sizes, depths, bases, and whether an index agrees. */
export class PackTableView {
  readonly #table: PackTable;
  readonly #order: Uint32Array;
  readonly #bases: Int32Array;
  readonly depths: Uint16Array;

  constructor(table: PackTable) {
    this.#table = table;
    this.#order = orderByName(table.names, table.count, table.oidLength);
    this.#bases = new Int32Array(table.count).fill(-1);
    this.depths = new Uint16Array(table.count);
    for (let row = 0; row < table.count; row++) this.#bases[row] = this.#baseRow(row);
    for (let row = 0; row < table.count; row++) {
      let depth = 0;
      for (let at = this.#bases[row]!; at >= 0 && depth < 65535; at = this.#bases[at]!) depth++;
      this.depths[row] = depth;
    }
  }

  get count(): number {
    return this.#table.count;
  }

  #baseRow(row: number): number {
    const { types, bases, refNames, names, oidLength } = this.#table;
    const base = bases[row]!;
    if (types[row]! < 6) return -1;
    if (types[row] !== REF_DELTA) return base;
    const at = (base < 0 ? -1 - base : base) * oidLength;
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      let difference = 0;
      const start = this.#order[middle]! * oidLength;
      for (let i = 0; i < oidLength && difference === 0; i++) difference = names[start + i]! - refNames[at + i]!;
      if (difference === 0) return this.#order[middle]!;
      if (difference < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  /** One line per object in pack order, as `verify-pack -v` prints them. */
  *lines(): Generator<string> {
    const { names, oidLength, kinds, sizes, offsets } = this.#table;
    for (let row = 0; row < this.#table.count; row++) {
      const oid = oidFromBytes(names, row * oidLength, oidLength);
      const kind = kindOfCode(kinds[row]!)!.padEnd(6);
      const disk = offsets[row + 1]! - offsets[row]!;
      let line = `${oid} ${kind} ${sizes[row]} ${disk} ${offsets[row]}`;
      const base = this.#bases[row]!;
      if (base >= 0) line += ` ${this.depths[row]} ${oidFromBytes(names, base * oidLength, oidLength)}`;
      yield line;
    }
  }

  /** Why an index file does not describe this pack; `undefined` where it does. */
  compareIndex(index: Bytes, packChecksum: string): string | undefined {
    const { count, names, oidLength, offsets, crcs } = this.#table;
    const isNew = readUint32(index, 0) === 0xff744f63;
    const head = isNew ? 8 : 0;
    if (index.length < head + 1024 + 2 * oidLength) return 'too short';
    if (readUint32(index, head + 1020) !== count) return 'wrong number of objects';
    if (oidFromBytes(index, index.length - 2 * oidLength, oidLength) !== packChecksum) return 'wrong pack checksum';
    const start = head + 1024;
    for (let i = 0; i < count; i++) {
      const row = this.#order[i]!;
      const nameAt = isNew ? start + i * oidLength : start + i * (oidLength + 4) + 4;
      for (let j = 0; j < oidLength; j++) {
        if (index[nameAt + j] !== names[row * oidLength + j]) return 'wrong object name';
      }
      if (!isNew) {
        if (readUint32(index, nameAt - 4) !== offsets[row]) return 'wrong offset';
        continue;
      }
      if (readUint32(index, start + count * oidLength + 4 * i) !== crcs[row]) return 'wrong CRC';
      let offset = readUint32(index, start + count * (oidLength + 4) + 4 * i);
      if (offset >= 0x80000000) offset = readUint64(index, start + count * (oidLength + 8) + 8 * (offset - 0x80000000));
      if (offset !== offsets[row]) return 'wrong offset';
    }
    return undefined;
  }
}

/** `non delta: 12 objects`, `chain length = 1: 3 objects`, … */
export function chainHistogram(view: PackTableView): string {
  const histogram: number[] = [];
  for (let row = 0; row < view.count; row++) {
    const depth = view.depths[row]!;
    histogram[depth] = (histogram[depth] ?? 0) + 1;
  }
  let text = '';
  for (let depth = 0; depth < histogram.length; depth++) {
    const count = histogram[depth] ?? 0;
    if (count === 0) continue;
    const objects = `${count} object${count === 1 ? '' : 's'}`;
    text += depth === 0 ? `non delta: ${objects}\n` : `chain length = ${depth}: ${objects}\n`;
  }
  return text;
}
