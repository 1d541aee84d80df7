import type { LineClasses } from './lines.js';
import { myersRange } from './myers.js';

/** Lines that occur more often than this in the first file do not split; with nothing rarer in common Myers takes over. */
const tooFrequent = 64;

/**
 * The histogram diff that JGit introduced: the longest run of common lines around the rarest line splits the problem,
 * and both parts are split again.
 */
export function histogram(
  classes: LineClasses,
  a: Int32Array,
  b: Int32Array,
  aChanged: Uint8Array,
  bChanged: Uint8Array,
): void {
  new Histogram(classes, a, b, aChanged, bChanged).range(0, a.length, 0, b.length);
}

class Histogram {
  /** Per class, while one range is searched: its first line in a (plus one) and how many it has. */
  private readonly first: Int32Array;
  private readonly counts: Int32Array;
  /** The next line of the same class (plus one). */
  private readonly next: Int32Array;
  // the best run so far
  private aBegin = 0;
  private aEnd = 0;
  private bBegin = 0;
  private rarest = 0;
  private found = false;
  private common = false;

  constructor(
    private readonly classes: LineClasses,
    private readonly a: Int32Array,
    private readonly b: Int32Array,
    private readonly aChanged: Uint8Array,
    private readonly bChanged: Uint8Array,
  ) {
    this.first = classes.scratch(2);
    this.counts = classes.scratch(3);
    this.next = new Int32Array(a.length);
  }

  range(aFrom: number, aTo: number, bFrom: number, bTo: number): void {
    const { classes, a, b, aChanged, bChanged } = this;
    for (;;) {
      if (aFrom === aTo || bFrom === bTo) {
        aChanged.fill(1, aFrom + 1, aTo + 1);
        bChanged.fill(1, bFrom + 1, bTo + 1);
        return;
      }
      this.search(aFrom, aTo, bFrom, bTo);
      if (this.common && this.rarest > tooFrequent) {
        myersRange(classes, a, aFrom, aTo, b, bFrom, bTo, aChanged, bChanged, false);
        return;
      }
      if (!this.found) {
        aChanged.fill(1, aFrom + 1, aTo + 1);
        bChanged.fill(1, bFrom + 1, bTo + 1);
        return;
      }
      const { aBegin, aEnd, bBegin } = this;
      const bEnd = bBegin + (aEnd - aBegin);
      this.range(aFrom, aBegin, bFrom, bBegin);
      aFrom = aEnd;
      bFrom = bEnd;
    }
  }

  private search(aFrom: number, aTo: number, bFrom: number, bTo: number): void {
    const { a, b, first, counts, next } = this;
    for (let i = aTo - 1; i >= aFrom; i--) {
      const id = a[i]!;
      next[i] = first[id]!;
      first[id] = i + 1;
      counts[id]!++;
    }
    this.found = false;
    this.common = false;
    this.rarest = tooFrequent + 1;
    this.aBegin = 0;
    this.aEnd = 1;
    for (let j = bFrom; j < bTo; ) {
      const id = b[j]!;
      const count = counts[id]!;
      if (count === 0) {
        j++;
        continue;
      }
      this.common = true;
      if (count > this.rarest) j++;
      else j = this.tryLine(j, first[id]! - 1, count, aFrom, aTo, bFrom, bTo);
    }
    for (let i = aFrom; i < aTo; i++) {
      first[a[i]!] = 0;
      counts[a[i]!] = 0;
    }
  }

  /** Widens each place in a of line `j` of b; answers the line of b to go on with. */
  private tryLine(
    j: number,
    start: number,
    count: number,
    aFrom: number,
    aTo: number,
    bFrom: number,
    bTo: number,
  ): number {
    const { a, b, counts, next } = this;
    let goOn = j + 1;
    let place = start;
    for (;;) {
      let begin = place;
      let bBegin = j;
      let end = place + 1;
      let bEnd = j + 1;
      let rare = count;
      while (aFrom < begin && bFrom < bBegin && a[begin - 1] === b[bBegin - 1]) {
        begin--;
        bBegin--;
        if (rare > 1) rare = Math.min(rare, counts[a[begin]!]!);
      }
      while (end < aTo && bEnd < bTo && a[end] === b[bEnd]) {
        if (rare > 1) rare = Math.min(rare, counts[a[end]!]!);
        end++;
        bEnd++;
      }
      if (goOn < bEnd) goOn = bEnd;
      if (this.aEnd - this.aBegin < end - begin || rare < this.rarest) {
        this.found = true;
        this.aBegin = begin;
        this.aEnd = end;
        this.bBegin = bBegin;
        this.rarest = rare;
      }
      let following = next[place]!;
      while (following !== 0 && following <= end) following = next[following - 1]!;
      if (following === 0) return goOn;
      place = following - 1;
    }
  }
}
