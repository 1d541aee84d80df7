import { decodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { isOid } from '../base/oid.js';
import type { FileSystem } from '../platform/fs.js';
import { resolvePath } from '../repo/paths.js';

/** The git directory of a nested repository (`.git` a directory or a file that names it), or `undefined`. */
export function nestedGitDirectory(fs: FileSystem, directory: string): string | undefined {
  const dotGit = `${directory}/.git`;
  const stat = fs.stat(dotGit);
  if (stat === undefined) return undefined;
  let gitDir = dotGit;
  if (stat.kind === 'file') {
    const data = fs.readFile(dotGit);
    const match = data === undefined ? null : /^gitdir: (.+?)\r?\n?$/s.exec(decodeText(data));
    if (match === null) return undefined;
    gitDir = resolvePath(directory, match[1]!);
  }
  const head = fs.lstat(`${gitDir}/HEAD`);
  if (head === undefined) return undefined;
  const common = commonOf(fs, gitDir);
  return fs.stat(`${common}/objects`) !== undefined && fs.stat(`${common}/refs`) !== undefined ? gitDir : undefined;
}

function commonOf(fs: FileSystem, gitDir: string): string {
  const data = fs.readFile(`${gitDir}/commondir`);
  return data === undefined ? gitDir : resolvePath(gitDir, decodeText(data).trimEnd());
}

/** The commit that a nested repository has checked out; `undefined` where there is none. */
export function nestedHead(fs: FileSystem, directory: string): Oid<'commit'> | undefined {
  const gitDir = nestedGitDirectory(fs, directory);
  if (gitDir === undefined) return undefined;
  const common = commonOf(fs, gitDir);
  let name = 'HEAD';
  for (let depth = 0; depth < 6; depth++) {
    const data = fs.readFile(`${name.startsWith('refs/') ? common : gitDir}/${name}`);
    if (data === undefined) return packed(fs, common, name);
    const text = decodeText(data).trim();
    if (isOid(text)) return text as Oid<'commit'>;
    const match = /^ref:\s*(\S.*)$/.exec(text);
    if (match === null) return undefined;
    name = match[1]!;
  }
  return undefined;
}

function packed(fs: FileSystem, common: string, name: string): Oid<'commit'> | undefined {
  const data = fs.readFile(`${common}/packed-refs`);
  if (data === undefined) return undefined;
  for (const line of decodeText(data).split('\n')) {
    if (line.endsWith(` ${name}`)) return line.slice(0, line.indexOf(' ')) as Oid<'commit'>;
  }
  return undefined;
}
