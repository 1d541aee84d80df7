import type { Bytes } from '../base/bytes.js';
import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';

/** One item per line: as it is, or as a JSON string where it could be misread (newlines, a leading quote, nothing). */
export const writeLine = (item: string): string =>
  item === '' || item.startsWith('"') || /[\n\r]/.test(item) ? JSON.stringify(item) : item;

/** The item that `writeLine` wrote. Throws `USAGE` for quoting that is broken. */
export function readLine(line: string): string {
  if (!line.startsWith('"')) return line;
  try {
    return String(JSON.parse(line));
  } catch {
    throw new GitError('USAGE', `broken quoting in line ${line}`);
  }
}

/** Lines as bytes, each with its end. */
export const encodeLines = (lines: readonly string[]): Bytes => encodeText(lines.map((line) => `${line}\n`).join(''));

/** The lines that `encodeLines` wrote. */
export function decodeLines(bytes: Bytes): string[] {
  const lines = decodeText(bytes).split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  return lines;
}
