import type { LineClasses } from './lines.js';
import { myersRange } from './myers.js';

/**
 * Bram Cohen's patience diff: lines that occur exactly once in both files, in their longest common order, split the
 * problem; what has no such lines goes to Myers.
 *
 * `anchored(line of a)`: lines that must stay in the common order when they are unique in both (`--anchored`).
 */
export function patience(
  classes: LineClasses,
  a: Int32Array,
  b: Int32Array,
  aChanged: Uint8Array,
  bChanged: Uint8Array,
  anchored?: (line: number) => boolean,
): void {
  new Patience(classes, a, b, aChanged, bChanged, anchored).range(0, a.length, 0, b.length);
}

class Patience {
  constructor(
    private readonly classes: LineClasses,
    private readonly a: Int32Array,
    private readonly b: Int32Array,
    private readonly aChanged: Uint8Array,
    private readonly bChanged: Uint8Array,
    private readonly anchored: ((line: number) => boolean) | undefined,
  ) {}

  range(aFrom: number, aTo: number, bFrom: number, bTo: number): void {
    if (aFrom === aTo || bFrom === bTo) {
      this.allChanged(aFrom, aTo, bFrom, bTo);
      return;
    }
    const pairs = this.uniquePairs(aFrom, aTo, bFrom, bTo);
    if (pairs === undefined) {
      this.allChanged(aFrom, aTo, bFrom, bTo);
      return;
    }
    const count = pairs.length / 2;
    if (count === 0) {
      const { classes, a, b, aChanged, bChanged } = this;
      myersRange(classes, a, aFrom, aTo, b, bFrom, bTo, aChanged, bChanged, false);
      return;
    }
    const common = this.longestOrder(pairs);
    this.between(common, aFrom, aTo, bFrom, bTo);
  }

  private allChanged(aFrom: number, aTo: number, bFrom: number, bTo: number): void {
    this.aChanged.fill(1, aFrom + 1, aTo + 1);
    this.bChanged.fill(1, bFrom + 1, bTo + 1);
  }

  /**
   * Pairs (line of a, line of b) of lines that are unique on both sides, in a's order, flat in one array;
   * `undefined` when the ranges have no line in common at all.
   */
  private uniquePairs(aFrom: number, aTo: number, bFrom: number, bTo: number): Int32Array | undefined {
    const { a, b } = this;
    // per class: 0 absent, -1 several times, else 1 + the line
    const inA = this.classes.scratch(0);
    const inB = this.classes.scratch(1);
    for (let i = aFrom; i < aTo; i++) {
      const id = a[i]!;
      inA[id] = inA[id] === 0 ? i + 1 : -1;
    }
    let common = false;
    for (let j = bFrom; j < bTo; j++) {
      const id = b[j]!;
      if (inA[id] === 0) continue;
      common = true;
      inB[id] = inB[id] === 0 ? j + 1 : -1;
    }
    let pairs: Int32Array | undefined;
    if (common) {
      const found = new Int32Array(2 * (aTo - aFrom));
      let size = 0;
      for (let i = aFrom; i < aTo; i++) {
        const id = a[i]!;
        if (inA[id]! > 0 && inB[id]! > 0) {
          found[size++] = i;
          found[size++] = inB[id]! - 1;
        }
      }
      pairs = found.subarray(0, size);
    }
    for (let i = aFrom; i < aTo; i++) inA[a[i]!] = 0;
    for (let j = bFrom; j < bTo; j++) inB[b[j]!] = 0;
    return pairs;
  }

  /** Patience sorting by the line in b; an anchor pins its pile: nothing may go on a lower one any more. */
  private longestOrder(pairs: Int32Array): Int32Array {
    const count = pairs.length / 2;
    const piles = new Int32Array(count);
    const previous = new Int32Array(count).fill(-1);
    let longest = 0;
    let pinned = -1;
    for (let p = 0; p < count; p++) {
      const line = pairs[2 * p + 1]!;
      let low = -1;
      if (longest > 0 && pairs[2 * piles[longest - 1]! + 1]! < line) {
        low = longest - 1;
      } else {
        let high = longest;
        while (low + 1 < high) {
          const middle = low + ((high - low) >> 1);
          if (pairs[2 * piles[middle]! + 1]! > line) high = middle;
          else low = middle;
        }
      }
      previous[p] = low < 0 ? -1 : piles[low]!;
      const pile = low + 1;
      if (pile <= pinned) continue;
      piles[pile] = p;
      if (this.anchored?.(pairs[2 * p]!) === true) {
        pinned = pile;
        longest = pile + 1;
      } else if (pile === longest) {
        longest++;
      }
    }
    const order = new Int32Array(2 * longest);
    let at = longest;
    for (let p = piles[longest - 1]!; p >= 0 && at > 0; p = previous[p]!) {
      at--;
      order[2 * at] = pairs[2 * p]!;
      order[2 * at + 1] = pairs[2 * p + 1]!;
    }
    return at === 0 ? order : order.subarray(2 * at);
  }

  /** Widens each common pair to its neighbours and recurses into what lies between. */
  private between(common: Int32Array, aFrom: number, aTo: number, bFrom: number, bTo: number): void {
    const { a, b } = this;
    let aLine = aFrom;
    let bLine = bFrom;
    for (let p = 0; ; p += 2) {
      const last = p >= common.length;
      let aNext = last ? aTo : common[p]!;
      let bNext = last ? bTo : common[p + 1]!;
      if (!last) {
        while (aNext > aLine && bNext > bLine && a[aNext - 1] === b[bNext - 1]) {
          aNext--;
          bNext--;
        }
      }
      while (aLine < aNext && bLine < bNext && a[aLine] === b[bLine]) {
        aLine++;
        bLine++;
      }
      if (aNext > aLine || bNext > bLine) this.range(aLine, aNext, bLine, bNext);
      if (last) return;
      while (p + 2 < common.length && common[p + 2] === common[p]! + 1 && common[p + 3] === common[p + 1]! + 1) p += 2;
      aLine = common[p]! + 1;
      bLine = common[p + 1]! + 1;
    }
  }
}
