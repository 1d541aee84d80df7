import type { Random } from '../support/random.js';

export interface TextShape {
  /** About how many lines. */
  readonly lines: number;
  /** How many different lines: few make repeats. */
  readonly alphabet: number;
  /** Odd white space in and at the end of lines. */
  readonly spaces?: boolean;
}

function makeLine(random: Random, shape: TextShape): string {
  const letter = random.below(shape.alphabet);
  let line = letter === 0 ? '' : ' '.repeat(4 * random.below(3)) + 'l' + letter;
  if (shape.spaces === true) {
    if (random.oneIn(3)) line = line.replace('l', random.pick(['l ', 'l  ', ' l', '\tl']));
    if (random.oneIn(4)) line += random.pick([' ', '\t', '\r', '  ', '\r\r', '\v']);
  }
  return line;
}

/** Lines without their newlines. */
export function makeLines(random: Random, shape: TextShape): string[] {
  return random.times(random.below(shape.lines), () => makeLine(random, shape));
}

/** The same lines after some deletions, insertions, replacements and moved blocks. */
export function editLines(random: Random, lines: readonly string[], shape: TextShape, edits: number): string[] {
  let result = [...lines];
  for (let i = 1 + random.below(edits); i > 0; i--) {
    const at = random.below(result.length + 1);
    const kind = random.below(4);
    if (kind === 0) result.splice(at, random.below(6));
    else if (kind === 1) result.splice(at, 0, ...random.times(random.below(6), () => makeLine(random, shape)));
    else if (kind === 2) result.splice(at, 1, makeLine(random, shape));
    else {
      const block = result.splice(at, 1 + random.below(8));
      result.splice(random.below(result.length + 1), 0, ...block);
    }
  }
  if (shape.spaces === true) {
    result = result.map((line) => (random.oneIn(5) ? line.replace(/ /g, '  ') : random.oneIn(6) ? line + ' ' : line));
  }
  return result;
}

/** A file of these lines: now and then CR LF, now and then no newline at the end. */
export function joinLines(random: Random, lines: readonly string[]): string {
  const end = random.oneIn(10) ? '\r\n' : '\n';
  return lines.join(end) + (lines.length > 0 && !random.oneIn(8) ? end : '');
}
