import type { LineClasses } from './lines.js';

/**
 * E. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), the divide-and-conquer form, with git's
 * shortcuts: lines that cannot or hardly matter are left out first, and a search that gets expensive settles for a good
 * split instead of the best one.
 *
 * `changed` arrays have one flag per line *and one in front and behind that stay 0*: line `i` is `changed[i + 1]`.
 */
export function myers(
  classes: LineClasses,
  a: Int32Array,
  b: Int32Array,
  aChanged: Uint8Array,
  bChanged: Uint8Array,
  minimal: boolean,
): void {
  myersRange(classes, a, 0, a.length, b, 0, b.length, aChanged, bChanged, minimal);
}

/** The same for lines `aFrom .. aTo` against `bFrom .. bTo` alone, as if they were whole files. */
export function myersRange(
  classes: LineClasses,
  a: Int32Array,
  aFrom: number,
  aTo: number,
  b: Int32Array,
  bFrom: number,
  bTo: number,
  aChanged: Uint8Array,
  bChanged: Uint8Array,
  minimal: boolean,
): void {
  let head = 0;
  const shorter = Math.min(aTo - aFrom, bTo - bFrom);
  while (head < shorter && a[aFrom + head] === b[bFrom + head]) head++;
  let tail = 0;
  while (tail < shorter - head && a[aTo - 1 - tail] === b[bTo - 1 - tail]) tail++;
  const inA = classes.scratch(0);
  const inB = classes.scratch(1);
  for (let i = aFrom; i < aTo; i++) inA[a[i]!]!++;
  for (let i = bFrom; i < bTo; i++) inB[b[i]!]!++;
  const left = keepLines(a, aFrom + head, aTo - tail, inB, often(aTo - aFrom), aChanged, minimal);
  const right = keepLines(b, bFrom + head, bTo - tail, inA, often(bTo - bFrom), bChanged, minimal);
  for (let i = aFrom; i < aTo; i++) inA[a[i]!] = 0;
  for (let i = bFrom; i < bTo; i++) inB[b[i]!] = 0;
  const search = new Search(left, right, aChanged, bChanged);
  search.compare(0, left.ids.length, 0, right.ids.length, minimal);
}

/** A power of two near the square root. */
function roughRoot(n: number): number {
  let root = 1;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 4)) root *= 2;
  return root;
}

/** From how many partners on a line counts as frequent. */
const often = (lines: number): number => Math.min(roughRoot(lines), 1024);

interface Kept {
  readonly ids: Int32Array;
  /** Where each kept line stands in its file. */
  readonly at: Int32Array;
}

const noPartner = 0;
const fewPartners = 1;
const manyPartners = 2;

/**
 * Lines without a partner are changed for certain, and so, most likely, are frequent lines in the midst of such
 * lines: both are marked and taken out of the search.
 */
function keepLines(
  ids: Int32Array,
  from: number,
  to: number,
  partners: Int32Array,
  frequent: number,
  changed: Uint8Array,
  minimal: boolean,
): Kept {
  const size = to - from;
  const kinds = new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    const count = partners[ids[from + i]!]!;
    kinds[i] = count === 0 ? noPartner : count >= frequent && !minimal ? manyPartners : fewPartners;
  }
  const keptIds = new Int32Array(size);
  const at = new Int32Array(size);
  let kept = 0;
  for (let i = 0; i < size; i++) {
    const kind = kinds[i];
    if (kind === fewPartners || (kind === manyPartners && !amongLonely(kinds, i))) {
      keptIds[kept] = ids[from + i]!;
      at[kept++] = from + i;
    } else {
      changed[from + i + 1] = 1;
    }
  }
  return { ids: keptIds.subarray(0, kept), at: at.subarray(0, kept) };
}

const window = 100;

/** True for a frequent line that has many more lonely than frequent lines around it, on both sides. */
function amongLonely(kinds: Uint8Array, index: number): boolean {
  const first = Math.max(0, index - window);
  const last = Math.min(kinds.length - 1, index + window);
  let lonelyBefore = 0;
  let frequent = 1;
  for (let i = index - 1; i >= first; i--) {
    if (kinds[i] === noPartner) lonelyBefore++;
    else if (kinds[i] === manyPartners) frequent++;
    else break;
  }
  if (lonelyBefore === 0) return false;
  let lonelyAfter = 0;
  frequent++;
  for (let i = index + 1; i <= last; i++) {
    if (kinds[i] === noPartner) lonelyAfter++;
    else if (kinds[i] === manyPartners) frequent++;
    else break;
  }
  if (lonelyAfter === 0) return false;
  return frequent * 4 < frequent + lonelyBefore + lonelyAfter;
}

/** A run of equal lines longer than this is worth stopping at. */
const longSnake = 20;
/** From this cost on a search looks for a good enough split. */
const impatientFrom = 256;
const infinity = 0x7fffffff;

class Search {
  private readonly x: Int32Array;
  private readonly y: Int32Array;
  private readonly forward: Int32Array;
  private readonly backward: Int32Array;
  /** Diagonal `d` (x minus y) is at `d + zero` in both. */
  private readonly zero: number;
  private readonly costLimit: number;
  // the answer of `split`
  private splitX = 0;
  private splitY = 0;
  private exactLow = true;
  private exactHigh = true;

  constructor(
    private readonly left: Kept,
    private readonly right: Kept,
    private readonly aChanged: Uint8Array,
    private readonly bChanged: Uint8Array,
  ) {
    this.x = left.ids;
    this.y = right.ids;
    const diagonals = this.x.length + this.y.length + 3;
    this.forward = new Int32Array(diagonals + 1);
    this.backward = new Int32Array(diagonals + 1);
    this.zero = this.y.length + 1;
    this.costLimit = Math.max(roughRoot(diagonals), 256);
  }

  compare(xFrom: number, xTo: number, yFrom: number, yTo: number, minimal: boolean): void {
    const { x, y } = this;
    for (;;) {
      while (xFrom < xTo && yFrom < yTo && x[xFrom] === y[yFrom]) {
        xFrom++;
        yFrom++;
      }
      while (xFrom < xTo && yFrom < yTo && x[xTo - 1] === y[yTo - 1]) {
        xTo--;
        yTo--;
      }
      if (xFrom === xTo) {
        for (let i = yFrom; i < yTo; i++) this.bChanged[this.right.at[i]! + 1] = 1;
        return;
      }
      if (yFrom === yTo) {
        for (let i = xFrom; i < xTo; i++) this.aChanged[this.left.at[i]! + 1] = 1;
        return;
      }
      this.split(xFrom, xTo, yFrom, yTo, minimal);
      const middleX = this.splitX;
      const middleY = this.splitY;
      const high = this.exactHigh;
      this.compare(xFrom, middleX, yFrom, middleY, this.exactLow);
      xFrom = middleX;
      yFrom = middleY;
      minimal = high;
    }
  }

  /** Finds a point through which a shortest (or, when that gets too dear, a short) edit path goes. */
  private split(xFrom: number, xTo: number, yFrom: number, yTo: number, minimal: boolean): void {
    const { x, y, forward, backward, zero } = this;
    const lowest = xFrom - yTo;
    const highest = xTo - yFrom;
    const forwardMiddle = xFrom - yFrom;
    const backwardMiddle = xTo - yTo;
    const odd = ((forwardMiddle - backwardMiddle) & 1) !== 0;
    let forwardMin = forwardMiddle;
    let forwardMax = forwardMiddle;
    let backwardMin = backwardMiddle;
    let backwardMax = backwardMiddle;
    forward[zero + forwardMiddle] = xFrom;
    backward[zero + backwardMiddle] = xTo;
    for (let cost = 1; ; cost++) {
      let snake = false;
      // one step from the start; a diagonal that leaves the box is dropped, a new one starts out of reach
      if (forwardMin > lowest) forward[zero + --forwardMin - 1] = -1;
      else forwardMin++;
      if (forwardMax < highest) forward[zero + ++forwardMax + 1] = -1;
      else forwardMax--;
      for (let d = forwardMax; d >= forwardMin; d -= 2) {
        const down = forward[zero + d - 1]!;
        const across = forward[zero + d + 1]!;
        const start = down >= across ? down + 1 : across;
        let i = start;
        let j = i - d;
        while (i < xTo && j < yTo && x[i] === y[j]) {
          i++;
          j++;
        }
        if (i - start > longSnake) snake = true;
        forward[zero + d] = i;
        if (odd && backwardMin <= d && d <= backwardMax && backward[zero + d]! <= i) {
          this.answer(i, j, true, true);
          return;
        }
      }
      // one step from the end
      if (backwardMin > lowest) backward[zero + --backwardMin - 1] = infinity;
      else backwardMin++;
      if (backwardMax < highest) backward[zero + ++backwardMax + 1] = infinity;
      else backwardMax--;
      for (let d = backwardMax; d >= backwardMin; d -= 2) {
        const up = backward[zero + d - 1]!;
        const back = backward[zero + d + 1]!;
        const start = up < back ? up : back - 1;
        let i = start;
        let j = i - d;
        while (i > xFrom && j > yFrom && x[i - 1] === y[j - 1]) {
          i--;
          j--;
        }
        if (start - i > longSnake) snake = true;
        backward[zero + d] = i;
        if (!odd && forwardMin <= d && d <= forwardMax && i <= forward[zero + d]!) {
          this.answer(i, j, true, true);
          return;
        }
      }
      if (minimal) continue;
      if (snake && cost > impatientFrom) {
        if (this.promisingForward(xFrom, xTo, yFrom, yTo, forwardMin, forwardMax, cost)) return;
        if (this.promisingBackward(xFrom, xTo, yFrom, yTo, backwardMin, backwardMax, cost)) return;
      }
      if (cost >= this.costLimit) {
        this.furthest(xFrom, xTo, yFrom, yTo, forwardMin, forwardMax, backwardMin, backwardMax);
        return;
      }
    }
  }

  private answer(x: number, y: number, exactLow: boolean, exactHigh: boolean): void {
    this.splitX = x;
    this.splitY = y;
    this.exactLow = exactLow;
    this.exactHigh = exactHigh;
  }

  /** A forward path that came far for its cost and ends in a long run of equal lines. */
  private promisingForward(
    xFrom: number,
    xTo: number,
    yFrom: number,
    yTo: number,
    min: number,
    max: number,
    cost: number,
  ): boolean {
    const { x, y } = this;
    const middle = xFrom - yFrom;
    let best = 0;
    for (let d = max; d >= min; d -= 2) {
      const i = this.forward[this.zero + d]!;
      const j = i - d;
      const value = i - xFrom + (j - yFrom) - Math.abs(d - middle);
      if (value <= 4 * cost || value <= best) continue;
      if (i < xFrom + longSnake || i >= xTo || j < yFrom + longSnake || j >= yTo) continue;
      let run = 1;
      while (run <= longSnake && x[i - run] === y[j - run]) run++;
      if (run > longSnake) {
        best = value;
        this.answer(i, j, true, false);
      }
    }
    return best > 0;
  }

  private promisingBackward(
    xFrom: number,
    xTo: number,
    yFrom: number,
    yTo: number,
    min: number,
    max: number,
    cost: number,
  ): boolean {
    const { x, y } = this;
    const middle = xTo - yTo;
    let best = 0;
    for (let d = max; d >= min; d -= 2) {
      const i = this.backward[this.zero + d]!;
      const j = i - d;
      const value = xTo - i + (yTo - j) - Math.abs(d - middle);
      if (value <= 4 * cost || value <= best) continue;
      if (i <= xFrom || i > xTo - longSnake || j <= yFrom || j > yTo - longSnake) continue;
      let run = 0;
      while (run < longSnake && x[i + run] === y[j + run]) run++;
      if (run === longSnake) {
        best = value;
        this.answer(i, j, false, true);
      }
    }
    return best > 0;
  }

  /** Gives up: the path that got furthest, seen from its own end, decides. */
  private furthest(
    xFrom: number,
    xTo: number,
    yFrom: number,
    yTo: number,
    forwardMin: number,
    forwardMax: number,
    backwardMin: number,
    backwardMax: number,
  ): void {
    let reach = -1;
    let reachX = -1;
    for (let d = forwardMax; d >= forwardMin; d -= 2) {
      let i = Math.min(this.forward[this.zero + d]!, xTo);
      let j = i - d;
      if (yTo < j) {
        i = yTo + d;
        j = yTo;
      }
      if (reach < i + j) {
        reach = i + j;
        reachX = i;
      }
    }
    let back = infinity;
    let backX = infinity;
    for (let d = backwardMax; d >= backwardMin; d -= 2) {
      let i = Math.max(xFrom, this.backward[this.zero + d]!);
      let j = i - d;
      if (j < yFrom) {
        i = yFrom + d;
        j = yFrom;
      }
      if (i + j < back) {
        back = i + j;
        backX = i;
      }
    }
    if (xTo + yTo - back < reach - (xFrom + yFrom)) this.answer(reachX, reach - reachX, true, false);
    else this.answer(backX, back - backX, false, true);
  }
}
