import type { Config, ConfigEntry } from '../repo/config.js';
import { GitError } from '../base/errors.js';

/** How a commit's message is tidied: `commit.cleanup`. */
export type CleanupMode = 'verbatim' | 'whitespace' | 'strip' | 'scissors';

export const SCISSORS = '------------------------ >8 ------------------------';

/**
 * Tidies a text: blanks at line ends, blank lines at both ends and runs of them go; a last line gets its end. With
 * `comment`, lines that begin with it go too. git's `stripspace`.
 */
export function stripSpace(text: string, comment?: string): string {
  const out: string[] = [];
  let empties = 0;
  const lines = text.split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  for (const line of lines) {
    if (comment !== undefined && comment !== '' && line.startsWith(comment)) continue;
    const kept = line.replace(/[ \t\n\v\f\r]+$/, '');
    if (kept === '') {
      empties++;
      continue;
    }
    if (empties > 0 && out.length > 0) out.push('');
    empties = 0;
    out.push(kept);
  }
  return out.length === 0 ? '' : `${out.join('\n')}\n`;
}

/** Puts `comment` before every line; empty lines and lines that begin with a tab get no blank after it. */
export function commentLines(text: string, comment: string): string {
  if (text === '') return '';
  const lines = text.split('\n');
  const last = lines.pop()!;
  if (last !== '') lines.push(last);
  return lines.map((line) => `${comment}${line === '' || line.startsWith('\t') ? '' : ' '}${line}\n`).join('');
}

/** Where a message ends: before a scissors line that is a comment. */
function cutAtScissors(text: string, comment: string): string {
  const line = `${comment} ${SCISSORS}\n`;
  if (text.startsWith(line)) return '';
  const at = text.indexOf(`\n${line}`);
  return at < 0 ? text : text.slice(0, at + 1);
}

export function cleanMessage(text: string, mode: CleanupMode, comment: string, cut = false): string {
  const whole = mode === 'scissors' || cut ? cutAtScissors(text, comment) : text;
  if (mode === 'verbatim') return whole;
  return stripSpace(whole, mode === 'strip' ? comment : undefined);
}

/** `--cleanup` or `commit.cleanup`. `edited`: an editor shows the message. */
export function cleanupMode(word: string | undefined, edited: boolean): CleanupMode {
  switch (word) {
    case undefined:
    case 'default':
      return edited ? 'strip' : 'whitespace';
    case 'verbatim':
    case 'whitespace':
    case 'strip':
      return word;
    case 'scissors':
      return edited ? 'scissors' : 'whitespace';
    default:
      throw new GitError('USAGE', `Invalid cleanup mode ${word}`);
  }
}

/** `core.commentChar` and its synonym, in the order they were read. */
export const commentEntries = (config: Config): readonly ConfigEntry[] =>
  config.has('core.commentstring')
    ? config.entries().filter(({ key }) => key === 'core.commentchar' || key === 'core.commentstring')
    : config.allOf('core.commentchar');

/** `core.commentChar` and its synonym `core.commentString`; `auto` picks one that no line of `text` begins with. */
export function commentPrefix(config: Config, text = ''): string {
  const value = commentEntries(config).at(-1)?.value;
  if (value === undefined || value === '') return '#';
  if (value.toLowerCase() !== 'auto') return value;
  const starts = new Set(text.split('\n').map((line) => line[0]));
  for (const char of '#;@!$%^&|:') if (!starts.has(char)) return char;
  throw new GitError('USAGE', 'unable to select a comment character that is not used\nin the current commit message');
}

/** The first paragraph as one line. */
export function subjectLine(message: string): string {
  const body = message.replace(/^(?:[ \t]*\n)+/, '');
  const end = body.search(/\n[ \t]*(?:\n|$)/);
  return (end < 0 ? body : body.slice(0, end))
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
    .trim();
}
