import { commonSuffix } from '../base/common-bytes.js';
import { effort } from '../base/effort.js';
import { compactGroups } from './compact.js';
import { histogram } from './histogram.js';
import { canonicalLines, classify, lineBytes, type LineClasses, type Lines, type LineWhitespace } from './lines.js';
import { myers } from './myers.js';
import { patience } from './patience.js';

export type DiffAlgorithm = 'myers' | 'minimal' | 'patience' | 'histogram';

/** One change: `aCount` lines at `a` of the old file give way to `bCount` lines at `b` of the new one. */
export interface Change {
  readonly a: number;
  readonly aCount: number;
  readonly b: number;
  readonly bCount: number;
  /** Shown only where other changes are near (`--ignore-blank-lines`, `-I`). */
  ignorable?: boolean;
}

export interface LineDiffOptions {
  /** `myers` by default. */
  readonly algorithm?: DiffAlgorithm | undefined;
  /** Lines unique on both sides that begin with one of these are kept in place (`--anchored`); implies patience. */
  readonly anchors?: readonly Uint8Array[] | undefined;
  readonly whitespace?: LineWhitespace | undefined;
  /** On by default, as `diff.indentHeuristic`. */
  readonly indentHeuristic?: boolean | undefined;
  /**
   * Leave out what both files end in, in blocks of 1,024 bytes, as git does where no context is shown: changes do not
   * slide into it then.
   */
  readonly trimTail?: boolean | undefined;
}

/** The changes that turn the lines of `a` into those of `b`, in order: git's diff of two files without the text. */
export function diffLines(aWhole: Lines, bWhole: Lines, options: LineDiffOptions = {}): Change[] {
  const [a, b] = options.trimTail === true ? withoutCommonTail(aWhole, bWhole) : [aWhole, bWhole];
  const canonicalA = canonicalLines(a, options.whitespace);
  const canonicalB = canonicalLines(b, options.whitespace);
  const { classes, a: aIds, b: bIds } = classify(canonicalA, canonicalB);
  const anchors = options.anchors;
  const anchored =
    anchors === undefined || anchors.length === 0
      ? undefined
      : (line: number): boolean => anchors.some((anchor) => beginsWith(lineBytes(a, line), anchor));
  const indent = options.indentHeuristic ?? true;
  return diffClasses(classes, aIds, bIds, options.algorithm ?? 'myers', anchored, indent ? { a, b } : undefined);
}

const tailBlock = 1024;

/** Both files without the blocks they end in, but with the rest of the line that the cut went through. */
function withoutCommonTail(a: Lines, b: Lines): readonly [Lines, Lines] {
  const x = a.bytes;
  const y = b.bytes;
  const same = commonSuffix(x, y, Math.min(x.length, y.length));
  const trimmed = same - (same % tailBlock);
  if (trimmed === 0) return [a, b];
  const cut = (lines: Lines): Lines => {
    const from = lines.bytes.length - trimmed;
    const newline = lines.bytes.indexOf(10, from);
    const end = newline < 0 ? lines.bytes.length : newline + 1;
    let count = lines.count;
    while (count > 0 && lines.starts[count - 1]! >= end) count--;
    return { bytes: lines.bytes.subarray(0, end), starts: lines.starts.subarray(0, count + 1), count };
  };
  return [cut(a), cut(b)];
}

function beginsWith(line: Uint8Array, prefix: Uint8Array): boolean {
  if (line.length < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (line[i] !== prefix[i]) return false;
  return true;
}

/**
 * The same over lines already given classes. `text` turns the indent heuristic on; merges leave it off.
 */
export function diffClasses(
  classes: LineClasses,
  aIds: Int32Array,
  bIds: Int32Array,
  algorithm: DiffAlgorithm,
  anchored?: (line: number) => boolean,
  text?: { readonly a: Lines; readonly b: Lines },
): Change[] {
  effort(aIds.length + bIds.length);
  const aChanged = new Uint8Array(aIds.length + 2);
  const bChanged = new Uint8Array(bIds.length + 2);
  if (algorithm === 'histogram') histogram(classes, aIds, bIds, aChanged, bChanged);
  else if (algorithm === 'patience') patience(classes, aIds, bIds, aChanged, bChanged, anchored);
  else myers(classes, aIds, bIds, aChanged, bChanged, algorithm === 'minimal');
  const a = { ids: aIds, changed: aChanged };
  const b = { ids: bIds, changed: bChanged };
  const again = algorithm === 'histogram' ? classes : undefined;
  compactGroups(a, b, text?.a, again);
  compactGroups(b, a, text?.b, again);
  return changesOf(aChanged, bChanged);
}

function changesOf(aChanged: Uint8Array, bChanged: Uint8Array): Change[] {
  const changes: Change[] = [];
  const aEnd = aChanged.length - 2;
  const bEnd = bChanged.length - 2;
  let a = 0;
  let b = 0;
  while (a < aEnd || b < bEnd) {
    if (aChanged[a + 1] === 0 && bChanged[b + 1] === 0) {
      a++;
      b++;
      continue;
    }
    const aStart = a;
    const bStart = b;
    while (aChanged[a + 1] !== 0) a++;
    while (bChanged[b + 1] !== 0) b++;
    changes.push({ a: aStart, aCount: a - aStart, b: bStart, bCount: b - bStart });
  }
  return changes;
}
