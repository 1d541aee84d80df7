import { concatBytes, encodeText, type Bytes } from '../base/bytes.js';
import { looksBinary } from '../diff/binary.js';
import { diffClasses, type Change, type DiffAlgorithm } from '../diff/line-diff.js';
import { canonicalLines, LineClasses, splitAlike, splitLines, type Lines, type LineWhitespace } from '../diff/lines.js';

/** How a conflict is written: both sides; with the base between; with the base, both sides trimmed of what they share. */
export type ConflictStyle = 'merge' | 'diff3' | 'zdiff3';

/** How lines are merged and conflicts written. */
export interface TextMergeOptions {
  /** `merge` by default. */
  readonly style?: ConflictStyle | undefined;
  /**
   * `zealous` (default, all of git's merges): conflicts shrink to what differs between the sides, and those with at
   * most three lines between are joined. `zealous-alnum` (`git merge-file`) joins over lines without letter or digit too.
   */
  readonly level?: 'zealous' | 'zealous-alnum' | undefined;
  /** Settles each conflict by one side, or by both, one after the other. */
  readonly favor?: 'ours' | 'theirs' | 'union' | undefined;
  /** Length of the marker lines' first word; 7 by default. */
  readonly markerSize?: number | undefined;
  /** `histogram` by default, as git's merges; `git merge-file` takes `myers`. */
  readonly algorithm?: DiffAlgorithm | undefined;
  readonly whitespace?: LineWhitespace | undefined;
  /** What follows the markers; nothing where absent. */
  readonly labels?:
    | {
        readonly base?: string | undefined;
        readonly ours?: string | undefined;
        readonly theirs?: string | undefined;
      }
    | undefined;
}

/** A merged text, with markers where it conflicts. */
export interface TextMerge {
  readonly bytes: Bytes;
  /** How many conflicts `bytes` shows; 0 is a clean merge. */
  readonly conflicts: number;
}

/**
 * Three-way merge of texts by lines, git's bytes exactly.
 *
 * Unchanged text and (under whitespace flags) equal lines are taken from ours. Binary content is the caller's to find
 * (`looksBinary`): this function would merge it as text. Equals `git merge-file -p` and the text driver of git's merges.
 */
export function mergeText(base: Bytes, ours: Bytes, theirs: Bytes, options: TextMergeOptions = {}): TextMerge {
  return new TextMerger(splitLines(base), ours, theirs, options).run();
}

/** A place where the sides differ from the base, in lines of all three files. */
interface Chunk {
  /** Who settles it; `same`: the sides turned out equal. */
  by: 'conflict' | 'ours' | 'theirs' | 'union' | 'same';
  base: number;
  baseCount: number;
  ours: number;
  oursCount: number;
  theirs: number;
  theirsCount: number;
}

class TextMerger {
  private readonly classes: LineClasses;
  private readonly ours: Lines;
  private readonly theirs: Lines;
  private readonly baseIds: Int32Array;
  private readonly oursIds: Int32Array;
  private readonly theirsIds: Int32Array;
  private readonly algorithm: DiffAlgorithm;
  private readonly out: Bytes[] = [];

  constructor(
    private readonly base: Lines,
    ours: Bytes,
    theirs: Bytes,
    private readonly options: TextMergeOptions,
  ) {
    this.algorithm = options.algorithm ?? 'histogram';
    const our = splitAlike(base, ours);
    const their = splitAlike(base, theirs);
    this.ours = our.lines;
    this.theirs = their.lines;
    const news = ({ lines, prefix, suffix }: typeof our): number => lines.count - prefix - suffix;
    this.classes = new LineClasses(base.count + news(our) + news(their));
    const baseIds = this.classes.add(canonicalLines(base, options.whitespace));
    this.baseIds = baseIds;
    // What a side has of the base at its ends is known already.
    const ids = ({ lines, prefix, suffix }: typeof our): Int32Array => {
      const { count } = lines;
      const into = new Int32Array(count);
      into.set(baseIds.subarray(0, prefix));
      into.set(baseIds.subarray(base.count - suffix), count - suffix);
      return this.classes.add(canonicalLines(lines, options.whitespace), into, prefix, count - suffix);
    };
    this.oursIds = ids(our);
    this.theirsIds = ids(their);
  }

  run(): TextMerge {
    const { style = 'merge', level = 'zealous', favor } = this.options;
    const ourChanges = this.diff(this.baseIds, this.oursIds);
    if (ourChanges.length === 0) return { bytes: this.theirs.bytes, conflicts: 0 };
    const theirChanges = this.diff(this.baseIds, this.theirsIds);
    if (theirChanges.length === 0) return { bytes: this.ours.bytes, conflicts: 0 };
    let chunks = this.combine(ourChanges, theirChanges);
    if (style === 'zdiff3') this.trim(chunks);
    else if (style === 'merge') chunks = this.join(this.refine(chunks), level === 'zealous-alnum');
    let conflicts = 0;
    for (const chunk of chunks) {
      if (chunk.by !== 'conflict') continue;
      if (favor === undefined) conflicts++;
      else chunk.by = favor;
    }
    this.write(chunks);
    return { bytes: concatBytes(this.out), conflicts };
  }

  private diff(a: Int32Array, b: Int32Array): Change[] {
    return diffClasses(this.classes, a, b, this.algorithm);
  }

  /** Walks both lists of changes; what touches is one conflict, unless both made the very same change. */
  private combine(ourChanges: readonly Change[], theirChanges: readonly Change[]): Chunk[] {
    const chunks: Chunk[] = [];
    const oursShift = this.ours.count - this.base.count;
    const theirsShift = this.theirs.count - this.base.count;
    let x = 0;
    let y = 0;
    while (x < ourChanges.length || y < theirChanges.length) {
      const mine = ourChanges[x];
      const their = theirChanges[y];
      if (mine !== undefined && (their === undefined || mine.a + mine.aCount < their.a)) {
        const theirsAt = mine.a + (their === undefined ? theirsShift : their.b - their.a);
        append(chunks, 'ours', mine.a, mine.aCount, mine.b, mine.bCount, theirsAt, mine.aCount);
        x++;
      } else if (mine === undefined || their!.a + their!.aCount < mine.a) {
        const oursAt = their!.a + (mine === undefined ? oursShift : mine.b - mine.a);
        append(chunks, 'theirs', their!.a, their!.aCount, oursAt, their!.aCount, their!.b, their!.bCount);
        y++;
      } else {
        const other = their!;
        if (!this.sameChange(mine, other)) {
          // the smallest stretch of the base that holds both changes, seen in all three files
          const start = Math.min(mine.a, other.a);
          const end = Math.max(mine.a + mine.aCount, other.a + other.aCount);
          const oursStart = mine.b - (mine.a - start);
          const theirsStart = other.b - (other.a - start);
          const oursEnd = mine.b + mine.bCount + (end - mine.a - mine.aCount);
          const theirsEnd = other.b + other.bCount + (end - other.a - other.aCount);
          append(
            chunks,
            'conflict',
            start,
            end - start,
            oursStart,
            oursEnd - oursStart,
            theirsStart,
            theirsEnd - theirsStart,
          );
        }
        const mineEnd = mine.a + mine.aCount;
        const otherEnd = other.a + other.aCount;
        if (mineEnd >= otherEnd) y++;
        if (otherEnd >= mineEnd) x++;
      }
    }
    return chunks;
  }

  private sameChange(mine: Change, other: Change): boolean {
    if (mine.a !== other.a || mine.aCount !== other.aCount || mine.bCount !== other.bCount) return false;
    for (let i = 0; i < mine.bCount; i++) if (this.oursIds[mine.b + i] !== this.theirsIds[other.b + i]) return false;
    return true;
  }

  /** Compares the sides of each conflict with one another and keeps only where they differ. */
  private refine(chunks: readonly Chunk[]): Chunk[] {
    const refined: Chunk[] = [];
    for (const chunk of chunks) {
      if (chunk.by !== 'conflict' || chunk.oursCount === 0 || chunk.theirsCount === 0) {
        refined.push(chunk);
        continue;
      }
      const changes = this.diff(
        this.oursIds.subarray(chunk.ours, chunk.ours + chunk.oursCount),
        this.theirsIds.subarray(chunk.theirs, chunk.theirs + chunk.theirsCount),
      );
      if (changes.length === 0) refined.push({ ...chunk, by: 'same' });
      for (const change of changes) {
        refined.push({
          ...chunk,
          ours: chunk.ours + change.a,
          oursCount: change.aCount,
          theirs: chunk.theirs + change.b,
          theirsCount: change.bCount,
        });
      }
    }
    return refined;
  }

  /** Joins neighbouring conflicts with little between them. */
  private join(chunks: readonly Chunk[], overPunctuation: boolean): Chunk[] {
    const joined: Chunk[] = [];
    for (const chunk of chunks) {
      const last = joined.at(-1);
      if (last !== undefined && last.by === 'conflict' && chunk.by === 'conflict') {
        const from = last.ours + last.oursCount;
        const gap = chunk.ours - from;
        if (gap <= 3 || (overPunctuation && !this.hasAlnum(from, chunk.ours))) {
          last.oursCount = chunk.ours + chunk.oursCount - last.ours;
          last.theirsCount = chunk.theirs + chunk.theirsCount - last.theirs;
          continue;
        }
      }
      joined.push(chunk);
    }
    return joined;
  }

  private hasAlnum(from: number, to: number): boolean {
    const { bytes, starts } = this.ours;
    for (let i = starts[from]!, end = starts[to]!; i < end; i++) {
      const byte = bytes[i]!;
      if ((byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122)) return true;
    }
    return false;
  }

  /** Moves lines that both sides of a conflict begin or end with out of it. */
  private trim(chunks: readonly Chunk[]): void {
    const { oursIds, theirsIds } = this;
    for (const chunk of chunks) {
      if (chunk.by !== 'conflict') continue;
      while (chunk.oursCount > 0 && chunk.theirsCount > 0 && oursIds[chunk.ours] === theirsIds[chunk.theirs]) {
        chunk.ours++;
        chunk.oursCount--;
        chunk.theirs++;
        chunk.theirsCount--;
      }
      while (
        chunk.oursCount > 0 &&
        chunk.theirsCount > 0 &&
        oursIds[chunk.ours + chunk.oursCount - 1] === theirsIds[chunk.theirs + chunk.theirsCount - 1]
      ) {
        chunk.oursCount--;
        chunk.theirsCount--;
      }
    }
  }

  private write(chunks: readonly Chunk[]): void {
    let done = 0; // lines of ours
    for (const chunk of chunks) {
      if (chunk.by === 'same') continue;
      this.copy(this.ours, done, chunk.ours);
      if (chunk.by === 'conflict') {
        this.writeConflict(chunk);
      } else {
        if (chunk.by !== 'theirs') {
          this.copy(this.ours, chunk.ours, chunk.ours + chunk.oursCount);
          if (chunk.by === 'union')
            this.endLine(this.ours, chunk.ours, chunk.ours + chunk.oursCount, this.wantsCr(chunk));
        }
        if (chunk.by !== 'ours') this.copy(this.theirs, chunk.theirs, chunk.theirs + chunk.theirsCount);
      }
      done = chunk.ours + chunk.oursCount;
    }
    this.copy(this.ours, done, this.ours.count);
  }

  private writeConflict(chunk: Chunk): void {
    const { labels, style = 'merge' } = this.options;
    const size = this.options.markerSize ?? 7;
    const cr = this.wantsCr(chunk);
    const marker = (char: string, label: string | undefined): void => {
      const text =
        char.repeat(size > 0 ? size : 7) +
        (label === undefined || label === '' ? '' : ' ' + label) +
        (cr ? '\r\n' : '\n');
      this.out.push(encodeText(text));
    };
    const side = (lines: Lines, from: number, count: number): void => {
      this.copy(lines, from, from + count);
      this.endLine(lines, from, from + count, cr);
    };
    marker('<', labels?.ours);
    side(this.ours, chunk.ours, chunk.oursCount);
    if (style !== 'merge') {
      marker('|', labels?.base);
      side(this.base, chunk.base, chunk.baseCount);
    }
    marker('=', undefined);
    side(this.theirs, chunk.theirs, chunk.theirsCount);
    marker('>', labels?.theirs);
  }

  private copy(lines: Lines, from: number, to: number): void {
    if (to > from) this.out.push(lines.bytes.subarray(lines.starts[from]!, lines.starts[to]!));
  }

  /** Gives the last of the lines just written the newline that it lacks at the end of its file. */
  private endLine(lines: Lines, from: number, to: number, cr: boolean): void {
    if (to <= from || lines.bytes[lines.starts[to]! - 1] === 10) return;
    this.out.push(Uint8Array.from(cr ? [13, 10] : [10]));
  }

  /** Lines that git adds end as those around them: CR LF only if ours, theirs and the base's first line agree or are mute. */
  private wantsCr(chunk: Chunk): boolean {
    const answers = [
      (): boolean | undefined => endsInCrLf(this.ours, Math.max(0, chunk.ours - 1)),
      (): boolean | undefined => endsInCrLf(this.theirs, Math.max(0, chunk.theirs - 1)),
      (): boolean | undefined => endsInCrLf(this.base, 0),
    ];
    let last: boolean | undefined;
    for (const ask of answers) {
      last = ask();
      if (last === false) return false;
    }
    return last === true;
  }
}

/** Whether line `index` ends in CR LF; `undefined` where the file has no complete line to tell from. */
function endsInCrLf(lines: Lines, index: number): boolean | undefined {
  const { bytes, starts, count } = lines;
  if (count === 0) return undefined;
  let line = index;
  if (index >= count - 1 && bytes[starts[index + 1]! - 1] !== 10) {
    if (index === 0) return undefined;
    line = index - 1;
  }
  const end = starts[line + 1]!;
  return end - starts[line]! > 1 && bytes[end - 2] === 13;
}

function append(
  chunks: Chunk[],
  by: Chunk['by'],
  base: number,
  baseCount: number,
  ours: number,
  oursCount: number,
  theirs: number,
  theirsCount: number,
): void {
  const last = chunks.at(-1);
  if (last !== undefined && (ours <= last.ours + last.oursCount || theirs <= last.theirs + last.theirsCount)) {
    if (by !== last.by) last.by = 'conflict';
    last.baseCount = base + baseCount - last.base;
    last.oursCount = ours + oursCount - last.ours;
    last.theirsCount = theirs + theirsCount - last.theirs;
  } else {
    chunks.push({ by, base, baseCount, ours, oursCount, theirs, theirsCount });
  }
}

/** A merge of contents that may be binary. */
export interface ContentMerge extends TextMerge {
  /** A side is binary: nothing was merged, `bytes` is one side as a whole. */
  readonly binary: boolean;
}

/**
 * What git's text driver does with any content: text is merged by lines; where a side looks binary (or `binary` says
 * so) the favoured side is taken, and without one ours, in conflict. `depth`: inside a merge of ancestors the base is
 * kept instead, clean, and nothing is favoured.
 */
export function mergeContent(
  base: Bytes,
  ours: Bytes,
  theirs: Bytes,
  options: TextMergeOptions & { readonly depth?: number | undefined; readonly binary?: boolean | undefined } = {},
): ContentMerge {
  const deep = (options.depth ?? 0) > 0;
  const binary = options.binary === true || looksBinary(base) || looksBinary(ours) || looksBinary(theirs);
  const favor = deep ? undefined : options.favor;
  if (!binary) return { ...mergeText(base, ours, theirs, { ...options, favor }), binary: false };
  if (deep) return { bytes: base, conflicts: 0, binary };
  if (favor === 'theirs') return { bytes: theirs, conflicts: 0, binary };
  return { bytes: ours, conflicts: favor === 'ours' ? 0 : 1, binary };
}
