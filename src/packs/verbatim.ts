import type { Oid } from '../base/oid.js';
import { oidToBytes } from '../base/oid.js';
import { Bitset } from './bitset.js';
import { LONGEST_HEAD, OFS_DELTA, REF_DELTA, writeDistance, writeEntryHead } from './entry.js';
import type { PackFile } from './pack-file.js';
import type { PackOutput } from './pack-output.js';

/** Bytes copied at a time. */
const PIECE = 1 << 20;

/** Entries of a pack that go into another one as they are; bits are places in the pack. */
export interface VerbatimPart {
  readonly pack: PackFile;
  readonly places: Bitset;
  readonly count: number;
}

/**
 * What of the wanted entries of a pack can be copied without looking into it: everything but deltas whose base does not
 * come along, or comes later.
 */
export function chooseVerbatim(pack: PackFile, wanted: Bitset): VerbatimPart {
  const total = pack.index.count;
  const asked = wanted.count();
  if (asked === total) return { pack, places: wanted, count: asked };
  const places = new Bitset(total);
  let count = 0;
  for (const place of wanted) {
    const { type, baseOffset } = entryAt(pack, place);
    if (type === OFS_DELTA || type === REF_DELTA) {
      const base = pack.index.orderOf(baseOffset);
      if (base < 0 || base >= place || !places.has(base)) continue;
    }
    places.add(place);
    count++;
  }
  return { pack, places, count };
}

const offsetOf = ({ index, entriesEnd }: PackFile, place: number): number =>
  place < index.count ? index.offsetAt(index.packOrder[place]!) : entriesEnd;

const entryAt = (pack: PackFile, place: number) => pack.entry(offsetOf(pack, place));

export function partHas({ pack, places }: VerbatimPart, oid: Oid): boolean {
  const row = pack.index.find(oidToBytes(oid));
  if (row < 0) return false;
  const place = pack.index.orderOf(pack.index.offsetAt(row));
  return place >= 0 && places.has(place);
}

/**
 * Writes the entries of a part. Neighbours are copied in one piece; a delta whose base has come nearer, because
 * something between them is left out, gets a new distance. `byOffset`: false where bases must be named.
 */
export function* copyVerbatim(output: PackOutput, part: VerbatimPart, byOffset: boolean): Generator<void> {
  const { pack, places, count } = part;
  if (byOffset && count === pack.index.count) {
    yield* copyBytes(output, pack, offsetOf(pack, 0), pack.entriesEnd);
    return;
  }
  const moved = new Float64Array(pack.index.count);
  const head = new Uint8Array(LONGEST_HEAD + 64);
  const name = new Uint8Array(pack.index.oidLength);
  let from = -1;
  let end = -1;
  for (const place of places) {
    const offset = offsetOf(pack, place);
    const next = offsetOf(pack, place + 1);
    const pending = from < 0 ? 0 : end - from;
    moved[place] = output.offset + pending;
    const { type, baseOffset, headLength, size } = pack.entry(offset);
    let headEnd = 0;
    if (type === OFS_DELTA) {
      const base = pack.index.orderOf(baseOffset);
      const distance = moved[place]! - moved[base]!;
      if (!byOffset) {
        pack.index.copyName(pack.index.packOrder[base]!, name, 0);
        headEnd = writeEntryHead(head, 0, REF_DELTA, size);
        head.set(name, headEnd);
        headEnd += name.length;
      } else if (distance !== offset - baseOffset) {
        headEnd = writeDistance(head, writeEntryHead(head, 0, OFS_DELTA, size), distance);
      }
    }
    if (headEnd === 0 && end === offset) {
      end = next;
      continue;
    }
    if (from >= 0) yield* copyBytes(output, pack, from, end);
    if (headEnd === 0) {
      from = offset;
      end = next;
      continue;
    }
    output.write(head, 0, headEnd);
    // What follows the head is copied together with the neighbours behind it.
    from = offset + headLength;
    end = next;
  }
  if (from >= 0) yield* copyBytes(output, pack, from, end);
}

function* copyBytes(output: PackOutput, pack: PackFile, from: number, end: number): Generator<void> {
  for (let at = from; at < end; at += PIECE) {
    output.copy(pack.readRaw(at, Math.min(PIECE, end - at)));
    yield;
  }
}
