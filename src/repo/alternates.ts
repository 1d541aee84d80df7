import { decodeText } from '../base/bytes.js';

/** The entries of `GIT_ALTERNATE_OBJECT_DIRECTORIES`: split at `:`; an entry may be quoted as in C, since a path may hold a `:`. */
export function splitAlternates(text: string): string[] {
  const out: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] === '"') {
      const match = /^"(?:[^"\\]|\\.)*"/s.exec(text.slice(at));
      if (match !== null) {
        out.push(unquote(match[0]));
        at += match[0].length;
        if (text[at] === ':') at++;
        continue;
      }
    }
    const end = text.indexOf(':', at);
    if (end < 0) {
      out.push(text.slice(at));
      break;
    }
    out.push(text.slice(at, end));
    at = end + 1;
  }
  return out.filter((entry) => entry !== '');
}

const named: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function unquote(text: string): string {
  const match = /^"((?:[^"\\]|\\.)*)"/s.exec(text);
  if (match === null) return text;
  return match[1]!.replace(/\\([0-7]{3}|.)/gs, (_, code: string) =>
    code.length === 3 ? byteText(Number.parseInt(code, 8)) : (named[code] ?? code),
  );
}

const byteText = (byte: number): string => decodeText(Uint8Array.of(byte));
