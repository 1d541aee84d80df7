import { stripSpace } from './message.js';

const trailer = /^[A-Za-z0-9][A-Za-z0-9-]*[ \t]*:/;
const generated = /^(?:Signed-off-by: |\(cherry picked from commit )/;

/**
 * Adds a `Signed-off-by` line for `person` (`Name <mail>`), unless it is the last trailer already. What follows in the
 * message (comments of a template) stays behind it. git's `append_signoff`.
 */
export function appendSignoff(message: string, person: string, tail = ''): string {
  const line = `Signed-off-by: ${person}\n`;
  let text = message;
  if (text !== '' && !text.endsWith('\n')) text += '\n';
  const bare = text.replace(/\n+$/, '\n');
  if (stripSpace(bare) === '')
    return `${text === '' ? '\n' : text.startsWith('\n') ? text : `\n${text}`}\n${line}${tail}`.replace(
      /^\n\n\n+/,
      '\n\n',
    );
  const paragraphs = bare.split(/\n\n+/);
  const last = paragraphs[paragraphs.length - 1]!;
  const lines = last.replace(/\n$/, '').split('\n');
  const conforming = paragraphs.length > 1 && isTrailerBlock(lines);
  if (conforming) {
    if (`${lines[lines.length - 1]}\n` === line) return text + tail;
    return `${bare}${line}${tail}`;
  }
  return `${bare}\n${line}${tail}`;
}

/** Trailers only, or some that git makes and at least a quarter trailers. */
function isTrailerBlock(lines: readonly string[]): boolean {
  let trailers = 0;
  let others = 0;
  let own = false;
  for (const line of lines) {
    if (generated.test(line)) {
      own = true;
      trailers++;
    } else if (trailer.test(line)) trailers++;
    else if (/^[ \t]/.test(line) && trailers > 0) continue;
    else others++;
  }
  return trailers > 0 && (others === 0 || (own && trailers * 3 >= others));
}
