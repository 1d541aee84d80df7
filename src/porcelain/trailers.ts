/** Trailers: the `Key: value` lines at the end of a message (git interpret-trailers). */

export interface Trailer {
  /** `undefined`: a line of the block that is no trailer; its text is `value`. */
  readonly key: string | undefined;
  readonly value: string;
}

export interface TrailerSettings {
  /** Characters that end a key; the first is the one written. `trailer.separators`. */
  readonly separators?: string;
  /** What begins a comment line. */
  readonly comment?: string;
  /** `trailer.<name>` and its `key`: trailers that one of them begins with count as made by git. */
  readonly knownKeys?: readonly string[];
  /** Do not look for a `---` line that ends the message. */
  readonly noDivider?: boolean;
}

export interface TrailerBlock {
  readonly trailers: readonly Trailer[];
  /** Where the block begins and ends in the message. */
  readonly start: number;
  readonly end: number;
  /** An empty line stands before it. */
  readonly blankBefore: boolean;
}

const generated = ['Signed-off-by: ', '(cherry picked from commit '];
const blank = (line: string): boolean => /^[ \t\r\f\v]*$/.test(line);
const space = (char: string | undefined): boolean => char !== undefined && /[ \t\n\r\f\v]/.test(char);

/** Index of the separator of a trailer line, -1 where the line is none. */
export function findSeparator(line: string, separators: string): number {
  let seenSpace = false;
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!;
    if (separators.includes(char)) return i;
    if (!seenSpace && /[A-Za-z0-9-]/.test(char)) continue;
    if (i > 0 && (char === ' ' || char === '\t')) {
      seenSpace = true;
      continue;
    }
    break;
  }
  return -1;
}

/** End of the message proper: before a patch (`---`), comments and blank lines at the end. */
function endOfLog(message: string, settings: TrailerSettings): number {
  let end = message.length;
  if (settings.noDivider !== true) {
    const divider = /^---(?:[ \t\n\r\f\v]|$)/m.exec(message);
    if (divider !== null) end = divider.index;
  }
  return end - ignoredTail(message.slice(0, end), settings.comment ?? '#');
}

/** Length of the tail of comment lines, blank lines and an old "Conflicts:" block. */
export function ignoredTail(text: string, comment: string): number {
  // A first line is never part of it, as git has it.
  let boc = 0;
  let inConflicts = false;
  let at = 0;
  const cut = text.length;
  while (at < cut) {
    const end = text.indexOf('\n', at);
    const next = end < 0 ? cut : end + 1;
    const line = text.slice(at, end < 0 ? cut : end);
    if (line.startsWith(comment) || line === '') {
      if (boc === 0) boc = at;
    } else if (line.startsWith('Conflicts:')) {
      inConflicts = true;
      if (boc === 0) boc = at;
    } else if (inConflicts && line.startsWith('\t')) {
      // A path in the block.
    } else if (boc > 0) {
      boc = 0;
      inConflicts = false;
    }
    at = next;
  }
  return boc === 0 ? 0 : text.length - boc;
}

function blockStart(message: string, end: number, settings: TrailerSettings): number {
  const separators = settings.separators ?? ':';
  const comment = settings.comment ?? '#';
  const starts: number[] = [];
  for (let at = 0; at < end; ) {
    starts.push(at);
    const next = message.indexOf('\n', at);
    if (next < 0 || next + 1 > end) break;
    at = next + 1;
  }
  const lineAt = (i: number): string => {
    const stop = i + 1 < starts.length ? starts[i + 1]! - 1 : end;
    return message.slice(starts[i]!, stop).replace(/\n$/, '');
  };
  // The first paragraph is the title, which holds no trailers.
  let title = starts.length;
  for (let i = 0; i < starts.length; i++) {
    const line = lineAt(i);
    if (line.startsWith(comment)) continue;
    if (blank(line)) {
      title = i;
      break;
    }
  }
  let onlySpaces = true;
  let recognized = false;
  let trailers = 0;
  let others = 0;
  let continuations = 0;
  for (let i = starts.length - 1; i >= title; i--) {
    const line = lineAt(i);
    if (line.startsWith(comment)) {
      others += continuations;
      continuations = 0;
      continue;
    }
    if (blank(line)) {
      if (onlySpaces) continue;
      others += continuations;
      if ((recognized && trailers * 3 >= others) || (trailers > 0 && others === 0)) {
        return i + 1 < starts.length ? starts[i + 1]! : end;
      }
      return end;
    }
    onlySpaces = false;
    if (generated.some((prefix) => line.startsWith(prefix))) {
      trailers++;
      continuations = 0;
      recognized = true;
      continue;
    }
    const separator = findSeparator(line, separators);
    if (separator >= 1 && !space(line[0])) {
      trailers++;
      continuations = 0;
      const key = line.slice(0, separator).trim().toLowerCase();
      if (settings.knownKeys?.some((known) => known.toLowerCase().startsWith(key)) === true) recognized = true;
    } else if (space(line[0])) continuations++;
    else {
      others += 1 + continuations;
      continuations = 0;
    }
  }
  return end;
}

/** Finds the trailers of a message. */
export function parseTrailers(message: string, settings: TrailerSettings = {}): TrailerBlock {
  const separators = settings.separators ?? ':';
  const comment = settings.comment ?? '#';
  const end = endOfLog(message, settings);
  const start = blockStart(message, end, settings);
  const raw: string[] = [];
  for (const line of message.slice(start, end).split(/(?<=\n)/)) {
    const last = raw.length - 1;
    if (last >= 0 && space(line[0]) && !blank(line.replace(/\n$/, ''))) {
      if (findSeparator(raw[last]!, separators) >= 1) {
        raw[last] += line;
        continue;
      }
    }
    if (line !== '') raw.push(line);
  }
  const trailers: Trailer[] = [];
  for (const line of raw) {
    if (line.startsWith(comment)) continue;
    const separator = findSeparator(line, separators);
    if (separator >= 1) {
      trailers.push({ key: line.slice(0, separator).trim(), value: line.slice(separator + 1).trim() });
    } else trailers.push({ key: undefined, value: line.replace(/\n$/, '') });
  }
  return { trailers, start, end, blankBefore: /(?:^|\n)[ \t\r]*\n$/.test(message.slice(0, start)) };
}

/** A value of several lines as one. */
export const unfoldValue = (value: string): string => value.replace(/\n[ \t\n\r\f\v]*/g, ' ').trim();

export interface TrailerFormat {
  /** Only trailers whose key is one of these (in any case, without a separator). */
  readonly keys?: readonly string[];
  readonly only?: boolean;
  readonly unfold?: boolean;
  readonly keyOnly?: boolean;
  readonly valueOnly?: boolean;
  readonly separator?: string | undefined;
  readonly keyValueSeparator?: string | undefined;
}

/** The trailers of a message as `%(trailers:…)` shows them. */
export function formatTrailers(message: string, format: TrailerFormat, settings: TrailerSettings = {}): string {
  const separators = settings.separators ?? ':';
  const block = parseTrailers(message, settings);
  const plain =
    format.only !== true &&
    format.unfold !== true &&
    format.keys === undefined &&
    format.separator === undefined &&
    format.keyOnly !== true &&
    format.valueOnly !== true &&
    format.keyValueSeparator === undefined;
  if (plain) return message.slice(block.start, block.end);
  let out = '';
  const keys = format.keys?.map((key) => key.toLowerCase());
  for (const { key, value } of block.trailers) {
    if (key !== undefined) {
      if (keys !== undefined && !keys.includes(key.toLowerCase())) continue;
      const shown = format.unfold === true ? unfoldValue(value) : value;
      if (format.separator !== undefined && out !== '') out += format.separator;
      if (format.valueOnly !== true) out += key;
      if (format.keyOnly !== true && format.valueOnly !== true) {
        if (format.keyValueSeparator !== undefined) out += format.keyValueSeparator;
        else if (key !== '' && !separators.includes(key[key.length - 1]!)) out += `${separators[0]} `;
      }
      if (format.keyOnly !== true) out += shown;
      if (format.separator === undefined) out += '\n';
    } else if (format.only !== true) {
      if (format.separator !== undefined && out !== '') out += format.separator;
      out += format.separator === undefined ? `${value}\n` : value.trimEnd();
    }
  }
  return out;
}
