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
    if (line.startsWith('diff --git ') || line.startsWith('diff --cc ')) files.push({ file: [], shown: [] });
    files[files.length - 1]?.file.push(line);
    files[files.length - 1]?.shown.push(colored[i] ?? line);
  });
  return files;
}

export function readFilePatch(path: string, lines: readonly string[], shown: readonly string[]): FilePatch {
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
        lines: lines.slice(i + 1, stop),
        shown: shown.slice(i + 1, stop),
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
    binary: head.some((line) => line.startsWith('Binary files ')),
    added: mode('new file mode') !== undefined,
    deleted: mode('deleted file mode') !== undefined,
    modes: oldMode !== undefined && newMode !== undefined ? { old: oldMode, new: newMode } : undefined,
    newMode: mode('new file mode') ?? newMode,
    hunks,
  };
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

/**
 * Applies the chosen hunks to the old text (`reverse`: takes them out of the new text). `undefined`: a hunk does not
 * fit. Context that two chosen hunks share is used once.
 */
export function applyHunks(text: string, hunks: readonly Hunk[], reverse = false): string | undefined {
  const source = linesOf(text);
  const [take, give] = reverse ? ['+', '-'] : ['-', '+'];
  const out: string[] = [];
  let at = 0;
  let shift = 0;
  for (const hunk of hunks) {
    if (hunk.use !== true) {
      // Not taken: where the text has only what is chosen, later hunks lie elsewhere.
      continue;
    }
    const rows = patchRows(hunk.lines);
    const start = reverse ? hunk.newStart : hunk.oldStart;
    const count = reverse ? hunk.newCount : hunk.oldCount;
    const wanted = rows.filter((row) => row.sign === ' ' || row.sign === take).map((row) => row.text);
    const guess = (count === 0 ? start : start - 1) + shift;
    // Split hunks overlap in context that is already written.
    let skip = 0;
    let place = -1;
    for (; skip <= wanted.length; skip++) {
      if (skip > 0 && rows[skip - 1]?.sign !== ' ') break;
      place = findLines(source, wanted.slice(skip), Math.max(at, guess + skip), at);
      if (place >= 0) break;
    }
    if (place < 0) return undefined;
    shift = place - skip - (count === 0 ? start : start - 1);
    out.push(...source.slice(at, place));
    rows.slice(skip).forEach((row) => {
      if (row.sign === ' ' || row.sign === give) out.push(row.text);
    });
    at = place + wanted.length - skip;
  }
  out.push(...source.slice(at));
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

function findLines(source: readonly string[], wanted: readonly string[], guess: number, least: number): number {
  const fits = (at: number): boolean =>
    at >= least && at + wanted.length <= source.length && wanted.every((line, i) => source[at + i] === line);
  for (let distance = 0; distance <= source.length; distance++) {
    if (fits(guess + distance)) return guess + distance;
    if (distance > 0 && fits(guess - distance)) return guess - distance;
  }
  return -1;
}
