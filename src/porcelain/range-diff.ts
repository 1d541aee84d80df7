import { encodeText, type Bytes } from '../base/bytes.js';
import { assignCheapest } from '../base/assignment.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { unquotePath } from '../base/quote.js';
import { sizeText } from '../base/throughput.js';
import type { FunctionFinder } from '../diff/hunks.js';
import { hunksOf } from '../diff/hunks.js';
import { diffLines } from '../diff/line-diff.js';
import { splitLines } from '../diff/lines.js';

/** One commit of a series as text that can be compared: who, the message, the changes without numbers. */
export interface SeriesPatch {
  readonly oid: Oid;
  readonly text: Bytes;
  /** Only the changes; where they are equal, the commits correspond. */
  readonly diff: string;
  /** Lines of `diff`: what it costs to take the commit for a new one. */
  readonly diffLines: number;
  /** Index of the commit of the other series that it corresponds to, or -1. */
  match: number;
}

/**
 * Takes the output of `git log -p` apart, with `<`, `>` and `#` in front of lines of changes (so that nothing in a
 * message looks like them).
 */
export function parseSeries(log: string): SeriesPatch[] {
  const patches: SeriesPatch[] = [];
  let current: PatchText | undefined;
  const lines = log.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (const line of lines) {
    if (line.startsWith('commit ') && /^commit [0-9a-f]{40,64}$/.test(line)) {
      if (current !== undefined) patches.push(current.done());
      current = new PatchText(line.slice(7) as Oid);
    } else current?.line(line);
  }
  if (current !== undefined) patches.push(current.done());
  return patches;
}

class PatchText {
  private text = '';
  private diffAt = -1;
  private count = 0;
  private state: 'header' | 'message' | 'diff' = 'header';
  /** The file whose changes follow. */
  private file: FileHeader | undefined;
  private name = '';

  constructor(private readonly oid: Oid) {}

  done(): SeriesPatch {
    this.endHeader();
    // Where nothing changed the whole text stands for the changes.
    const diff = this.text.slice(Math.max(0, this.diffAt));
    return { oid: this.oid, text: encodeText(this.text), diff, diffLines: this.count, match: -1 };
  }

  line(line: string): void {
    if (line.startsWith('diff --git')) {
      this.endHeader();
      this.state = 'diff';
      this.text += '\n';
      if (this.diffAt < 0) this.diffAt = this.text.length;
      this.file = new FileHeader(line);
    } else if (this.state === 'header') this.header(line);
    else if (this.state === 'message') this.message(line);
    else this.change(line);
  }

  private header(line: string): void {
    if (line.startsWith('Author: ')) this.text += ` ## Metadata ##\n${line}\n\n ## Commit message ##\n`;
    else if (line === '') this.state = 'message';
  }

  private message(line: string): void {
    if (line.startsWith('    ')) this.text += `${line.replace(/[ \t\r\n]+$/, '')}\n`;
    else if (/^Notes(?: \(.*\))?:$/.test(line)) this.text += `\n\n ## ${line.slice(0, -1)} ##\n`;
    // Nothing else is compared; the empty line in front of the changes is written with these.
  }

  private endHeader(): void {
    if (this.file === undefined) return;
    this.add(this.file.title());
    this.name = this.file.shown;
    this.file = undefined;
  }

  private add(line: string): void {
    this.text += `${line}\n`;
    this.count++;
  }

  private change(line: string): void {
    if (this.file?.take(line) === true) return;
    this.endHeader();
    const hunk = /^@@ [^@]*@@(.*)$/.exec(line);
    if (hunk !== null) {
      const [, rest] = hunk;
      this.add(rest !== '' && this.name !== '' ? `@@ ${this.name}:${rest}` : `@@${rest}`);
    } else if (line === '') return;
    else if (line.startsWith('>')) this.add(`+${line.slice(1)}`);
    else if (line.startsWith('<')) this.add(`-${line.slice(1)}`);
    else if (line.startsWith('#')) this.add(` ${line.slice(1)}`);
    else this.add(` ${line}`);
  }
}

/** The head of one file's changes. */
class FileHeader {
  private from: string | undefined;
  private to: string | undefined;
  private kind: 'new' | 'deleted' | undefined;
  private oldMode: string | undefined;
  private newMode: string | undefined;
  private readonly both: string;

  constructor(line: string) {
    // Without prefixes both names are the same, unless lines that follow tell them.
    const names = line.slice(11);
    this.both = plainName(names.slice(0, (names.length - 1) / 2));
  }

  get shown(): string {
    return this.to ?? this.both;
  }

  /** Takes a line of the head; answers whether it was one. */
  take(line: string): boolean {
    let match: RegExpExecArray | null;
    if (line.startsWith('new file mode ')) this.kind = 'new';
    else if (line.startsWith('deleted file mode ')) this.kind = 'deleted';
    else if ((match = /^old mode (\d+)$/.exec(line)) !== null) this.oldMode = match[1];
    else if ((match = /^new mode (\d+)$/.exec(line)) !== null) this.newMode = match[1];
    else if ((match = /^(?:rename|copy) from (.*)$/.exec(line)) !== null) this.from = plainName(match[1]!);
    else if ((match = /^(?:rename|copy) to (.*)$/.exec(line)) !== null) this.to = plainName(match[1]!);
    else return /^(?:index |similarity index |dissimilarity index |--- |\+\+\+ )/.test(line);
    return true;
  }

  title(): string {
    const modes =
      this.oldMode !== undefined && this.newMode !== undefined && this.oldMode !== this.newMode
        ? ` (mode change ${this.oldMode} => ${this.newMode})`
        : '';
    if (this.kind !== undefined) return ` ## ${this.both} (${this.kind}) ##`;
    if (this.from !== undefined && this.to !== undefined) return ` ## ${this.from} => ${this.to}${modes} ##`;
    return ` ## ${this.both}${modes} ##`;
  }
}

/** A name of a patch without its quotes. */
const plainName = (name: string): string => (name.startsWith('"') ? (unquotePath(name)?.value ?? name) : name);

/** More than any real cost. */
const never = 1 << 16;

export interface MatchOptions {
  /** Percent of its lines that taking a commit for a new one costs; git's default is 60. */
  readonly creationFactor: number;
  /** Bytes that the table of costs may take. */
  readonly maxMemory: number;
}

/** Finds which commits of two series correspond, and says so in their `match`. Throws `USAGE` where it would be too much. */
export function matchSeries(old: readonly SeriesPatch[], fresh: readonly SeriesPatch[], options: MatchOptions): void {
  matchExactly(old, fresh);
  const size = old.length + fresh.length;
  const needed = 4 * size * size;
  if (needed > options.maxMemory) {
    const text = (bytes: number): string => `${sizeText(bytes)} (${bytes} bytes)`;
    throw new GitError(
      'USAGE',
      `range-diff: unable to compute the range-diff, since it exceeds the maximum memory for the cost matrix: ${text(needed)} needed, limited to ${text(options.maxMemory)}`,
    );
  }
  const cost = new Int32Array(size * size);
  const creation = (patch: SeriesPatch): number =>
    patch.match < 0 ? Math.trunc((patch.diffLines * options.creationFactor) / 100) : never;
  const oldLines = old.map((patch) => encodeText(patch.diff));
  const newLines = fresh.map((patch) => encodeText(patch.diff));
  old.forEach((a, i) => {
    fresh.forEach((b, j) => {
      let here = never;
      if (a.match === j) here = 0;
      else if (a.match < 0 && b.match < 0) here = linesOfDifference(oldLines[i]!, newLines[j]!);
      cost[j * size + i] = here;
    });
    for (let j = fresh.length; j < size; j++) cost[j * size + i] = creation(a);
  });
  fresh.forEach((b, j) => {
    for (let i = old.length; i < size; i++) cost[j * size + i] = creation(b);
  });
  if (size < 2) return;
  const found = assignCheapest(size, cost);
  fresh.forEach((b, j) => {
    const i = found[j]!;
    if (i < 0 || i >= old.length) return;
    b.match = i;
    old[i]!.match = j;
  });
}

/** Commits with the same changes correspond; of several the last. */
function matchExactly(old: readonly SeriesPatch[], fresh: readonly SeriesPatch[]): void {
  const waiting = new Map<string, number[]>();
  old.forEach((patch, i) => {
    const known = waiting.get(patch.diff);
    if (known === undefined) waiting.set(patch.diff, [i]);
    else known.push(i);
  });
  fresh.forEach((patch, j) => {
    const i = waiting.get(patch.diff)?.pop();
    if (i === undefined) return;
    old[i]!.match = j;
    patch.match = i;
  });
}

/** How long a diff of two texts is, its heads included. */
function linesOfDifference(a: Bytes, b: Bytes): number {
  const [before, after] = [splitLines(a), splitLines(b)];
  let lines = 0;
  for (const hunk of hunksOf(diffLines(before, after, {}), before, after, { context: 3 })) {
    lines += 1 + hunk.aEnd - hunk.aStart;
    for (const change of hunk.changes) lines += change.bCount;
  }
  return lines;
}

/** Where a hunk of a comparison of patches belongs: a section of the text, or the hunk of a file's changes. */
export const sectionFinder: FunctionFinder = (lines, index) => {
  const { bytes } = lines;
  let start = lines.starts[index]!;
  let end = lines.starts[index + 1]!;
  if (end > start && bytes[end - 1] === 10) end--;
  const is = (at: number, text: string): boolean => {
    for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
    return at + text.length <= end;
  };
  if (is(start, ' ## ') && end - start >= 7 && is(end - 3, ' ##')) return { start: start + 4, end: end - 3 };
  if (!is(start, '@@ ')) start++;
  return is(start, '@@ ') ? { start: start + 3, end } : undefined;
};

/** A step of the comparison: a commit of one series alone, or two that correspond. */
export interface RangeStep {
  readonly old?: number;
  readonly new?: number;
}

/** The commits in the order of the second series, those of the first alone as soon as what is before them was shown. */
export function* rangeSteps(old: readonly SeriesPatch[], fresh: readonly SeriesPatch[]): Generator<RangeStep> {
  const shown = new Set<number>();
  let i = 0;
  let j = 0;
  while (i < old.length || j < fresh.length) {
    while (i < old.length && shown.has(i)) i++;
    if (i < old.length && old[i]!.match < 0) {
      yield { old: i++ };
      continue;
    }
    while (j < fresh.length && fresh[j]!.match < 0) yield { new: j++ };
    if (j >= fresh.length) continue;
    const match = fresh[j]!.match;
    shown.add(match);
    yield { old: match, new: j++ };
  }
}

/** Two patches are the same text. */
export const samePatch = (a: SeriesPatch, b: SeriesPatch): boolean =>
  a.text.length === b.text.length && a.diff === b.diff && a.text.every((byte, i) => byte === b.text[i]);
