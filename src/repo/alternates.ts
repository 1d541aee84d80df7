import { decodeText } from '../base/bytes.js';
import type { FileSystem } from '../platform/fs.js';
import { isAbsolute, normalizePath, resolvePath } from './paths.js';

const MAX_DEPTH = 5;

/**
 * The other object directories a repository reads from: `GIT_ALTERNATE_OBJECT_DIRECTORIES`, then what
 * `info/alternates` names, and theirs in turn. Absolute, without doubles, in order.
 */
export function alternateDirectories(
  fs: FileSystem,
  objects: string,
  named: string | undefined,
  cwd: string,
  complain?: (message: string) => void,
): string[] {
  const found: string[] = [];
  const seen = new Set([normalizePath(objects)]);
  const add = (directory: string, depth: number): void => {
    const path = normalizePath(directory);
    if (seen.has(path)) return;
    if (fs.stat(path)?.kind !== 'directory') {
      complain?.(`object directory ${path} does not exist; check .git/objects/info/alternates`);
      return;
    }
    seen.add(path);
    found.push(path);
    readFrom(path, depth + 1);
  };
  const readFrom = (directory: string, depth: number): void => {
    const bytes = fs.readFile(`${directory}/info/alternates`);
    if (bytes === undefined) return;
    if (depth > MAX_DEPTH) {
      complain?.(`${directory}: ignoring alternate object stores, nesting too deep`);
      return;
    }
    for (const line of decodeText(bytes).split('\n')) {
      const path = line.startsWith('"') ? unquote(line) : line;
      if (path === '' || path.startsWith('#')) continue;
      // Relative paths count from the object directory, and only at the first level.
      if (!isAbsolute(path) && depth > 0) {
        complain?.(`unable to normalize alternate object path: ${directory}/${path}`);
        continue;
      }
      add(resolvePath(directory, path), depth);
    }
  };
  for (const entry of splitNamed(named ?? '')) if (entry !== '') add(resolvePath(cwd, entry), 0);
  readFrom(normalizePath(objects), 0);
  return found;
}

/** Splits at `:`; an entry may be quoted as in C, since a path may hold a `:`. */
function splitNamed(text: string): string[] {
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
  return out;
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
