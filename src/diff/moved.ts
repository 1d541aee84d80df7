import { decodeText, type Bytes } from '../base/bytes.js';
import type { DiffColors } from './colors.js';
import { canonicalLines, isSpace, type LineWhitespace } from './lines.js';
import type { MovedMode } from './options.js';

/** Writes one piece of output; lines that moved get their colour's name. */
type Write = (color: keyof DiffColors | undefined) => void;

interface Piece {
  readonly kind: 'old' | 'new' | 'other';
  readonly write: Write;
  /** Class of the text under the white space rules; -1 where there is none. */
  id: number;
  /** Columns of indentation, or `blank`. */
  indent: number;
  readonly alnums: number;
  moved: boolean;
  alternative: boolean;
  dimmed: boolean;
  /** The piece after this one is a line of the same kind. */
  next: number;
}

/** A place where the block at hand may have come from. */
interface Source {
  at: number;
  indentChange: number;
}

const blank = Number.MIN_SAFE_INTEGER;
/** A block with fewer letters and digits is not worth colouring. */
const leastAlnums = 20;

/**
 * `--color-moved`: holds a whole diff back, finds lines that were removed in one place and added in another, and then
 * writes everything with the colours that say so.
 */
export class MovedLines {
  private readonly pieces: Piece[] = [];
  private readonly classes = new Map<string, number>();
  private readonly indentation: boolean;

  constructor(
    private readonly mode: MovedMode,
    private readonly whitespace:
      | (LineWhitespace & { readonly allowIndentationChange?: boolean | undefined })
      | undefined,
  ) {
    this.indentation = whitespace?.allowIndentationChange === true;
  }

  /** Output that is no removed or added line. */
  other(write: () => void): void {
    this.push('other', write, -1, 0, 0);
  }

  line(kind: 'old' | 'new' | 'context', bytes: Bytes, from: number, to: number, tabWidth: number, write: Write): void {
    if (kind === 'context') {
      this.push('other', write, -1, 0, 0);
      return;
    }
    let start = from;
    let indent = 0;
    if (this.indentation) ({ start, indent } = indentOf(bytes, from, to, tabWidth));
    let alnums = 0;
    for (let i = from; i < to && alnums < leastAlnums; i++) if (isAlnum(bytes[i]!)) alnums++;
    const text = bytes.subarray(start, to > start && bytes[to - 1] === 10 ? to - 1 : to);
    const line = { bytes: text, starts: Int32Array.of(0, text.length), count: 1 };
    const key = decodeText(canonicalLines(line, this.whitespace).bytes);
    let id = this.classes.get(key);
    if (id === undefined) this.classes.set(key, (id = this.classes.size));
    this.push(kind, write, id, indent, alnums);
  }

  private push(kind: Piece['kind'], write: Write, id: number, indent: number, alnums: number): void {
    const at = this.pieces.length;
    const last = this.pieces[at - 1];
    if (last !== undefined && kind !== 'other' && last.kind === kind) last.next = at;
    this.pieces.push({ kind, write, id, indent, alnums, moved: false, alternative: false, dimmed: false, next: -1 });
  }

  /** Finds what moved and writes all. */
  finish(): void {
    this.mark();
    if (this.mode === 'dimmed-zebra') this.dim();
    for (const piece of this.pieces) piece.write(piece.moved ? colorOf(piece) : undefined);
    this.pieces.length = 0;
  }

  /** For each class the lines that were removed and added, the last first. */
  private index(): { readonly old: Map<number, number[]>; readonly new: Map<number, number[]> } {
    const found = { old: new Map<number, number[]>(), new: new Map<number, number[]>() };
    for (let at = this.pieces.length - 1; at >= 0; at--) {
      const piece = this.pieces[at]!;
      if (piece.kind === 'other') continue;
      const known = found[piece.kind].get(piece.id);
      if (known === undefined) found[piece.kind].set(piece.id, [at]);
      else known.push(at);
    }
    return found;
  }

  private mark(): void {
    const { pieces } = this;
    const index = this.index();
    let sources: Source[] = [];
    let flipped = false;
    let length = 0;
    let blockKind: Piece['kind'] = 'other';
    let n = 0;
    for (; n < pieces.length; n++) {
      const piece = pieces[n]!;
      let matches: readonly number[] | undefined;
      if (piece.kind === 'new') matches = index.old.get(piece.id);
      else if (piece.kind === 'old') matches = index.new.get(piece.id);
      else flipped = false;
      if (sources.length > 0 && (matches === undefined || piece.kind !== blockKind)) {
        if (!this.keepBlock(n, length) && length > 1) {
          // another block may begin at the second line of this one
          matches = undefined;
          n -= length;
        }
        sources = [];
        length = 0;
        flipped = false;
      }
      if (matches === undefined) {
        blockKind = 'other';
        continue;
      }
      if (this.mode === 'plain') {
        piece.moved = true;
        continue;
      }
      sources = this.advance(sources, piece);
      if (sources.length === 0) {
        const contiguous = this.keepBlock(n, length);
        if (!contiguous && length > 1) n -= length;
        else sources = matches.map((at) => ({ at, indentChange: this.indentChange(piece, pieces[at]!) }));
        flipped = contiguous && sources.length > 0 && blockKind === piece.kind ? !flipped : false;
        blockKind = sources.length > 0 ? piece.kind : 'other';
        length = 0;
      }
      if (sources.length > 0) {
        length++;
        piece.moved = true;
        if (flipped && this.mode !== 'blocks') piece.alternative = true;
      }
    }
    this.keepBlock(n, length);
  }

  /** False, and the marks are gone, where the block of `length` pieces in front of `end` is too meagre. */
  private keepBlock(end: number, length: number): boolean {
    if (this.mode === 'plain') return length > 0;
    let alnums = 0;
    for (let i = 1; i <= length; i++) {
      alnums += this.pieces[end - i]!.alnums;
      if (alnums >= leastAlnums) return true;
    }
    for (let i = 1; i <= length; i++) {
      this.pieces[end - i]!.moved = false;
      this.pieces[end - i]!.alternative = false;
    }
    return false;
  }

  /** The sources whose next line is `piece` as well. */
  private advance(sources: readonly Source[], piece: Piece): Source[] {
    const kept: Source[] = [];
    for (const source of sources) {
      const at = this.pieces[source.at]!.next;
      if (at < 0) continue;
      const candidate = this.pieces[at]!;
      if (candidate.id !== piece.id) continue;
      let { indentChange } = source;
      if (this.indentation && candidate.indent !== blank) {
        const change = piece.indent - candidate.indent;
        if (indentChange === blank) indentChange = change;
        if (change !== indentChange) continue;
      }
      kept.push({ at, indentChange });
    }
    return kept;
  }

  private indentChange(piece: Piece, source: Piece): number {
    if (!this.indentation) return 0;
    return piece.indent === blank && source.indent === blank ? blank : piece.indent - source.indent;
  }

  /** Marks the inner lines of blocks, and bounds that do not meet another block. */
  private dim(): void {
    const { pieces } = this;
    const changed = (piece: Piece | undefined): Piece | undefined => (piece?.kind === 'other' ? undefined : piece);
    pieces.forEach((piece, n) => {
      if (piece.kind === 'other' || !piece.moved) return;
      const before = changed(pieces[n - 1]);
      const after = changed(pieces[n + 1]);
      const alike = (other: Piece | undefined): boolean =>
        other !== undefined && other.moved === piece.moved && other.alternative === piece.alternative;
      const meets = (other: Piece | undefined): boolean =>
        other?.moved === true && other.alternative !== piece.alternative;
      if (alike(before) && alike(after)) piece.dimmed = true;
      else if (!meets(before) && !meets(after)) piece.dimmed = true;
    });
  }
}

function colorOf(piece: Piece): keyof DiffColors {
  const side = piece.kind === 'old' ? 'oldMoved' : 'newMoved';
  if (piece.alternative) return piece.dimmed ? `${side}AlternativeDimmed` : `${side}Alternative`;
  return piece.dimmed ? `${side}Dimmed` : side;
}

const isAlnum = (byte: number): boolean =>
  (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);

/** Where the text of a line begins, and the columns in front of it. */
function indentOf(
  bytes: Bytes,
  from: number,
  to: number,
  tabWidth: number,
): { readonly start: number; readonly indent: number } {
  let at = from;
  while (at < to && (bytes[at] === 12 || bytes[at] === 11 || (bytes[at] === 13 && at < to - 1))) at++;
  let width = 0;
  for (; at < to; at++) {
    if (bytes[at] === 32) width++;
    else if (bytes[at] === 9) width += tabWidth - (width % tabWidth);
    else break;
  }
  let rest = at;
  while (rest < to && isSpace(bytes[rest]!)) rest++;
  return rest === to ? { start: to, indent: blank } : { start: at, indent: width };
}
