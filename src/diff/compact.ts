import { isSpace, type LineClasses, type Lines } from './lines.js';
import { myersRange } from './myers.js';

/** Side `ids` of a diff with the flags that `compactGroups` moves. */
export interface ChangedSide {
  readonly ids: Int32Array;
  /** As in `myers.ts`: line `i` is `changed[i + 1]`. */
  readonly changed: Uint8Array;
}

/**
 * A group is a run of changed lines, possibly empty, between two unchanged lines (or file ends). Both files have the
 * same number of groups, and they correspond.
 */
class Group {
  start = 0;
  end = 0;
  constructor(
    private readonly ids: Int32Array,
    private readonly changed: Uint8Array,
  ) {
    this.reset(0);
  }

  private reset(start: number): void {
    this.start = start;
    let end = start;
    while (this.changed[end + 1] !== 0) end++;
    this.end = end;
  }

  next(): boolean {
    if (this.end === this.ids.length) return false;
    this.reset(this.end + 1);
    return true;
  }

  previous(): boolean {
    if (this.start === 0) return false;
    this.end = this.start - 1;
    let start = this.end;
    while (this.changed[start] !== 0) start--;
    this.start = start;
    return true;
  }

  slideUp(): boolean {
    const { ids, changed } = this;
    if (this.start === 0 || ids[this.start - 1] !== ids[this.end - 1]) return false;
    changed[this.start--] = 1;
    changed[this.end--] = 0;
    while (changed[this.start] !== 0) this.start--;
    return true;
  }

  slideDown(): boolean {
    const { ids, changed } = this;
    if (this.end >= ids.length || ids[this.start] !== ids[this.end]) return false;
    changed[++this.start] = 0;
    changed[++this.end] = 1;
    while (changed[this.end + 1] !== 0) this.end++;
    return true;
  }
}

/**
 * Moves the groups of `side`: down as far as they go, merging with what they meet; but level with a change of the other
 * file when there is one on the way, else, with `lines` given, to where the indentation suggests a unit begins or ends.
 *
 * With `again` given, a group that moved level with a change of the other file is compared with it once more: they may
 * have lines in common. Only histogram diffs need it, since only their splits can be slid across.
 */
export function compactGroups(
  side: ChangedSide,
  other: ChangedSide,
  lines: Lines | undefined,
  again?: LineClasses,
): void {
  const group = new Group(side.ids, side.changed);
  const partner = new Group(other.ids, other.changed);
  for (;;) {
    if (group.end !== group.start) {
      const { start, end } = group;
      let size: number;
      let earliest: number;
      let meets: boolean;
      do {
        size = group.end - group.start;
        meets = false;
        while (group.slideUp()) partner.previous();
        earliest = group.end;
        if (partner.end > partner.start) meets = true;
        while (group.slideDown()) {
          partner.next();
          if (partner.end > partner.start) meets = true;
        }
      } while (size !== group.end - group.start);
      if (group.end !== earliest) {
        if (meets) {
          while (partner.end === partner.start) {
            group.slideUp();
            partner.previous();
          }
        } else if (lines !== undefined) {
          const best = bestEnd(lines, earliest, group.end, size);
          while (group.end > best) {
            group.slideUp();
            partner.previous();
          }
        }
      }
      if (again !== undefined && partner.end !== partner.start && (group.start !== start || group.end !== end)) {
        side.changed.fill(0, group.start + 1, group.end + 1);
        other.changed.fill(0, partner.start + 1, partner.end + 1);
        myersRange(
          again,
          side.ids,
          group.start,
          group.end,
          other.ids,
          partner.start,
          partner.end,
          side.changed,
          other.changed,
          false,
        );
      }
    }
    if (!group.next()) return;
    partner.next();
  }
}

// The indent heuristic. The numbers were fitted by its author to hand-rated diffs; see
// https://github.com/mhagger/diff-slider-tools
const maxSliding = 100;
const maxBlanks = 20;
const maxIndent = 200;

/** Where a group of `size` lines that may end anywhere from `earliest` to `latest` ends best. */
function bestEnd(lines: Lines, earliest: number, latest: number, size: number): number {
  let best = -1;
  let bestIndent = 0;
  let bestPenalty = 0;
  for (let end = Math.max(earliest, latest - size - 1, latest - maxSliding); end <= latest; end++) {
    const below = splitScore(lines, end);
    const above = splitScore(lines, end - size);
    const indent = below.indent + above.indent;
    const penalty = below.penalty + above.penalty;
    if (best === -1 || 60 * Math.sign(indent - bestIndent) + (penalty - bestPenalty) <= 0) {
      best = end;
      bestIndent = indent;
      bestPenalty = penalty;
    }
  }
  return best;
}

/** Columns of white space in front of the line, or -1 for a line of nothing else. */
function indentOf(lines: Lines, index: number): number {
  const { bytes, starts } = lines;
  let column = 0;
  for (let at = starts[index]!, end = starts[index + 1]!; at < end; at++) {
    const byte = bytes[at]!;
    if (!isSpace(byte)) return column;
    if (byte === 32) column++;
    else if (byte === 9) column += 8 - (column % 8);
    if (column >= maxIndent) return maxIndent;
  }
  return -1;
}

/** How bad it is to cut the file in front of line `at`. */
function splitScore(lines: Lines, at: number): { readonly indent: number; readonly penalty: number } {
  const { count } = lines;
  const atEnd = at >= count;
  const own = atEnd ? -1 : indentOf(lines, at);
  let blanksBefore = 0;
  let before = -1;
  for (let i = at - 1; i >= 0; i--) {
    before = indentOf(lines, i);
    if (before !== -1) break;
    if (++blanksBefore === maxBlanks) {
      before = 0;
      break;
    }
  }
  let blanksAfter = 0;
  let after = -1;
  for (let i = at + 1; i < count; i++) {
    after = indentOf(lines, i);
    if (after !== -1) break;
    if (++blanksAfter === maxBlanks) {
      after = 0;
      break;
    }
  }
  let penalty = 0;
  if (before === -1 && blanksBefore === 0) penalty += 1; // at the start of the file
  if (atEnd) penalty += 21;
  const following = own === -1 ? 1 + blanksAfter : 0;
  const blanks = blanksBefore + following;
  penalty += -30 * blanks + 6 * following;
  const indent = own !== -1 ? own : after;
  if (indent !== -1 && before !== -1) {
    if (indent > before) penalty += blanks > 0 ? 10 : -4;
    else if (indent < before) {
      // an "else" or the like when what follows is deeper, else the end of a block
      if (after !== -1 && after > indent) penalty += blanks > 0 ? 17 : 24;
      else penalty += blanks > 0 ? 17 : 23;
    }
  }
  return { indent, penalty };
}
