import type { Bytes } from '../base/bytes.js';
import { decodeText } from '../base/bytes.js';
import { unquotePath } from '../base/quote.js';
import { hunksOf } from '../diff/hunks.js';
import { diffLines } from '../diff/line-diff.js';
import { type Lines, lineBytes, splitLines } from '../diff/lines.js';

/** A change of a file that is chosen as a whole: lines that differ, or a mode that does. */
export interface Hunk {
  readonly oldStart: number;
  readonly oldCount: number;
  readonly newStart: number;
  readonly newCount: number;
  /** What stands behind the second `@@`. */
  readonly heading: string;
  /** With their first character: ` `, `-`, `+`, or `\` for a missing end of line. */
  readonly lines: readonly string[];
  /** The same, as shown (coloured). */
  readonly shown: readonly string[];
  /** Where a filter made something else of the title: that. */
  readonly shownTitle?: string | undefined;
  /** What stands behind the second `@@`, as shown. */
  readonly shownHeading?: string | undefined;
  /** The change of the mode; it has no lines. */
  readonly isMode?: boolean | undefined;
  /** A file without content that comes or goes. */
  readonly isWhole?: boolean | undefined;
  /** `undefined`: not decided yet. */
  use: boolean | undefined;
}

/** One file's changes. */
export interface FilePatch {
  readonly path: string;
  /** Header lines, plain and as shown. */
  readonly header: readonly string[];
  readonly shownHeader: readonly string[];
  readonly binary: boolean;
  readonly added: boolean;
  readonly deleted: boolean;
  /** A mode change that is chosen by itself. */
  readonly modes: { readonly old: number; readonly new: number } | undefined;
  /** The two lines about it, as shown. */
  readonly shownModes: readonly string[];
  readonly oldMode: number | undefined;
  readonly newMode: number | undefined;
  hunks: Hunk[];
}

const hunkHeader = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$/s;

/** Takes a patch apart, file by file; `shown` is the same patch as it is to be shown, line for line. */
export function parsePatch(text: string, shown = text): { file: string[]; shown: string[] }[] {
  const plain = text.split('\n');
  const colored = shown.split('\n');
  if (plain[plain.length - 1] === '') plain.pop();
  const files: { file: string[]; shown: string[] }[] = [];
  plain.forEach((line, i) => {
    if (/^(?:diff --git|diff --cc|\* Unmerged path) /.test(line)) files.push({ file: [], shown: [] });
    files[files.length - 1]?.file.push(line);
    files[files.length - 1]?.shown.push(colored[i] ?? line);
  });
  return files;
}

/** The path in a line `diff --git a/path b/path` (also with the prefixes exchanged). */
function pathOfTitle(line: string): string {
  const rest = line.slice('diff --git '.length);
  if (rest.startsWith('"')) return (unquotePath(rest)?.value ?? rest).slice(2);
  return rest.slice(2, (rest.length - 1) / 2);
}

export function readFilePatch(lines: readonly string[], shown: readonly string[]): FilePatch {
  const path = pathOfTitle(lines[0]!);
  const first = lines.findIndex((line) => line.startsWith('@@ '));
  const end = first < 0 ? lines.length : first;
  const head = lines.slice(0, end);
  const hunks: Hunk[] = [];
  for (let i = end; i < lines.length; ) {
    const match = hunkHeader.exec(lines[i]!);
    let stop = i + 1;
    while (stop < lines.length && !lines[stop]!.startsWith('@@ ')) stop++;
    if (match !== null) {
      hunks.push({
        oldStart: Number(match[1]),
        oldCount: match[2] === undefined ? 1 : Number(match[2]),
        newStart: Number(match[3]),
        newCount: match[4] === undefined ? 1 : Number(match[4]),
        heading: match[5] ?? '',
        lines: lines.slice(i + 1, stop).map((line) => (line === '' ? ' ' : line)),
        shown: shown.slice(i + 1, stop),
        ...shownTitle(lines[i]!, shown[i]!),
        use: undefined,
      });
    }
    i = stop;
  }
  const mode = (name: string): number | undefined => {
    const line = head.find((one) => one.startsWith(`${name} `));
    return line === undefined ? undefined : Number.parseInt(line.slice(name.length + 1), 8);
  };
  const [oldMode, newMode] = [mode('old mode'), mode('new mode')];
  return {
    path,
    header: head.filter((line) => !/^(?:old|new) mode /.test(line)),
    shownHeader: shown.slice(0, end).filter((_, i) => !/^(?:old|new) mode /.test(head[i] ?? '')),
    shownModes: shown.slice(0, end).filter((_, i) => /^(?:old|new) mode /.test(head[i] ?? '')),
    binary: head.some((line) => line.startsWith('Binary files ')),
    added: mode('new file mode') !== undefined,
    deleted: mode('deleted file mode') !== undefined,
    modes: oldMode !== undefined && newMode !== undefined ? { old: oldMode, new: newMode } : undefined,
    oldMode: mode('deleted file mode') ?? oldMode,
    newMode: mode('new file mode') ?? newMode,
    hunks,
  };
}

/** What is shown behind the `@@ … @@` of a coloured title; of one that a filter remade, all of it. */
function shownTitle(plain: string, shown: string): Pick<Hunk, 'shownTitle' | 'shownHeading'> {
  if (plain === shown) return {};
  const start = shown.indexOf('@@ -');
  const end = start < 0 ? -1 : shown.indexOf(' @@', start);
  if (end < 0) return { shownTitle: shown };
  return { shownHeading: shown.slice(end + 3).replace(/^\x1b\[0?m/, '') };
}

export function hunkTitle(
  hunk: Pick<Hunk, 'oldStart' | 'oldCount' | 'newStart' | 'newCount' | 'heading'>,
  shift = 0,
): string {
  const range = (start: number, count: number): string => (count === 1 ? `${start}` : `${start},${count}`);
  return `@@ -${range(hunk.oldStart, hunk.oldCount)} +${range(hunk.newStart + shift, hunk.newCount)} @@${hunk.heading}`;
}

/** The places between changes where a hunk can be cut, at least one context line long. */
export function splitHunk(hunk: Hunk): Hunk[] {
  const groups: { from: number; to: number }[] = [];
  let inChange = false;
  hunk.lines.forEach((line, i) => {
    const change = line[0] === '+' || line[0] === '-' || (line[0] === '\\' && inChange);
    if (change) {
      if (!inChange) groups.push({ from: i, to: i + 1 });
      else groups[groups.length - 1]!.to = i + 1;
    }
    inChange = change;
  });
  if (groups.length < 2) return [hunk];
  return groups.map((_, n) => {
    const from = n === 0 ? 0 : groups[n - 1]!.to;
    const to = n === groups.length - 1 ? hunk.lines.length : groups[n + 1]!.from;
    const count = (lines: readonly string[], sign: string): number =>
      lines.filter((line) => line[0] === ' ' || line[0] === sign).length;
    const before = hunk.lines.slice(0, from);
    const lines = hunk.lines.slice(from, to);
    return {
      oldStart: hunk.oldStart + count(before, '-'),
      newStart: hunk.newStart + count(before, '+'),
      oldCount: count(lines, '-'),
      newCount: count(lines, '+'),
      heading: n === 0 ? hunk.heading : '',
      lines,
      shown: hunk.shown.slice(from, to),
      use: undefined,
    };
  });
}

/** Lines with their ends, as a patch counts them. */
const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

/** A hunk does not fit; `line`: where it says that it begins. `undefined`: there is no file for it. */
export interface HunkMisfit {
  readonly line: number | undefined;
}

/**
 * Applies the chosen hunks to the old text (`reverse`: takes them out of the new text). Hunks that were split share
 * context; it is used once. As `git apply` has it, one that begins with the first line fits only at the beginning, and one
 * without context at its end only at the end.
 */
export function applyHunks(text: string, hunks: readonly Hunk[], reverse = false): string | HunkMisfit {
  const source = linesOf(text);
  const [take, give] = reverse ? ['+', '-'] : ['-', '+'];
  const out: string[] = [];
  let at = 0;
  for (const hunk of hunks) {
    // One that is not taken leaves the text as it is; so all others lie where they say.
    if (hunk.use !== true) continue;
    const rows = patchRows(hunk.lines);
    const start = reverse ? hunk.newStart : hunk.oldStart;
    const count = rows.filter((row) => row.sign === ' ' || row.sign === take).length;
    const guess = count === 0 ? start : start - 1;
    const wantedFrom = (skip: number): string[] =>
      rows
        .slice(skip)
        .filter((row) => row.sign === ' ' || row.sign === take)
        .map((row) => row.text);
    // Context that is written already, by the hunk before.
    let skip = Math.min(Math.max(0, at - guess), rows.length);
    if (rows.slice(0, skip).some((row) => row.sign !== ' ')) skip = 0;
    let wanted = wantedFrom(skip);
    const last = rows[rows.length - 1];
    const find = (near: number): number => {
      const atEnd = last === undefined || last.sign !== ' ';
      const end = source.length - wanted.length;
      if (start > 1 && !atEnd) return findLines(source, wanted, near, at);
      const only = start <= 1 ? skip : end;
      return (!atEnd || only === end) && fits(source, wanted, only, at) ? only : -1;
    };
    let place = find(guess + skip);
    if (skip > 0 && place !== at) {
      skip = 0;
      wanted = wantedFrom(0);
      place = find(guess);
    }
    if (place < 0) return { line: start };
    for (let i = at; i < place; i++) out.push(source[i]!);
    for (const row of rows.slice(skip)) if (row.sign === ' ' || row.sign === give) out.push(row.text);
    at = place + wanted.length;
  }
  for (let i = at; i < source.length; i++) out.push(source[i]!);
  return out.join('');
}

/** Rows with their text's end; `\ No newline` takes it from the row before. */
function patchRows(lines: readonly string[]): { sign: string; text: string }[] {
  const rows: { sign: string; text: string }[] = [];
  for (const line of lines) {
    const sign = line[0] ?? ' ';
    if (sign === '\\') {
      const last = rows[rows.length - 1];
      if (last !== undefined) last.text = last.text.replace(/\n$/, '');
    } else rows.push({ sign, text: `${line.slice(1)}\n` });
  }
  return rows;
}

const fits = (source: readonly string[], wanted: readonly string[], at: number, least: number): boolean =>
  at >= least && at + wanted.length <= source.length && wanted.every((line, i) => source[at + i] === line);

function findLines(source: readonly string[], wanted: readonly string[], guess: number, least: number): number {
  for (let distance = 0; distance <= source.length; distance++) {
    if (fits(source, wanted, guess + distance, least)) return guess + distance;
    if (distance > 0 && fits(source, wanted, guess - distance, least)) return guess - distance;
  }
  return -1;
}

/** The hunks that make one content out of another, all of them chosen. */
export function hunksBetween(old: Bytes, fresh: Bytes): Hunk[] {
  const [a, b] = [splitLines(old), splitLines(fresh)];
  return hunksOf(diffLines(a, b, { algorithm: 'myers' }), a, b, { context: 3 }).map((hunk) => {
    const rows: string[] = [];
    const take = (sign: string, lines: Lines, from: number, to: number): void => {
      for (let i = from; i < to; i++) {
        const text = decodeText(lineBytes(lines, i));
        rows.push(`${sign}${text.replace(/\n$/, '')}`);
        if (!text.endsWith('\n')) rows.push('\\ No newline at end of file');
      }
    };
    let at = hunk.aStart;
    for (const change of hunk.changes) {
      take(' ', a, at, change.a);
      take('-', a, change.a, change.a + change.aCount);
      take('+', b, change.b, change.b + change.bCount);
      at = change.a + change.aCount;
    }
    take(' ', a, at, hunk.aEnd);
    const [oldCount, newCount] = [hunk.aEnd - hunk.aStart, hunk.bEnd - hunk.bStart];
    return {
      oldStart: hunk.aStart + (oldCount === 0 ? 0 : 1),
      oldCount,
      newStart: hunk.bStart + (newCount === 0 ? 0 : 1),
      newCount,
      heading: '',
      lines: rows,
      shown: rows,
      use: true,
    };
  });
}
