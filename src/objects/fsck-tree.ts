import type { Bytes } from '../base/bytes.js';
import { decodeText } from '../base/bytes.js';
import { isDotGitSpelling } from '../base/path.js';
import type { FsckRules, Report, SpecialBlobs } from './fsck.js';
import { TreeCursor } from './tree.js';

const KNOWN_MODES: ReadonlySet<number> = new Set([0o100755, 0o100644, 0o120000, 0o040000, 0o160000]);
/** Group-writable files: written by very old versions, only wrong where one is strict. */
const OLD_MODE = 0o100664;

export function checkTree(
  data: Bytes,
  oidLength: number,
  report: Report,
  rules: FsckRules,
  special: SpecialBlobs | undefined,
): void {
  const found = new Set<Parameters<Report>[0]>();
  const cursor = new TreeCursor(data, oidLength);
  const names = new Set<string>();
  let previous: Bytes | undefined;
  let previousIsTree = false;
  try {
    while (cursor.next()) {
      const bytes = data.subarray(cursor.nameStart, cursor.nameEnd);
      const name = decodeText(bytes);
      const { mode } = cursor;
      const isTree = (mode & 0o170000) === 0o040000;
      if (allZero(data, cursor.oidStart, oidLength)) found.add('nullSha1');
      if (name.includes('/')) found.add('fullPathname');
      if (bytes.length > rules.largestName) found.add('largePathname');
      if (name === '.') found.add('hasDot');
      if (name === '..') found.add('hasDotdot');
      if (isDotGitSpelling(name) || afterBackslash(name, isDotGitSpelling)) found.add('hasDotgit');
      if (data[cursor.rowStart] === 0x30) found.add('zeroPaddedFilemode');
      if (!KNOWN_MODES.has(mode) && !(mode === OLD_MODE && !rules.strict)) found.add('badFilemode');
      checkSpecial(name, mode, cursor, found, special);
      if (names.has(name)) found.add('duplicateEntries');
      names.add(name);
      if (previous !== undefined && order(previous, previousIsTree, bytes, isTree) > 0) found.add('treeNotSorted');
      previous = bytes;
      previousIsTree = isTree;
    }
  } catch {
    report('badTree', 'cannot be parsed as a tree');
    return;
  }
  for (const [id, message] of reports) if (found.has(id)) report(id, message);
}

/** In the order in which git tells them. */
const reports: readonly (readonly [Parameters<Report>[0], string])[] = [
  ['gitmodulesSymlink', '.gitmodules is a symbolic link'],
  ['gitattributesSymlink', '.gitattributes is a symlink'],
  ['gitignoreSymlink', '.gitignore is a symlink'],
  ['mailmapSymlink', '.mailmap is a symlink'],
  ['nullSha1', 'contains entries pointing to null sha1'],
  ['fullPathname', 'contains full pathnames'],
  ['emptyName', 'contains empty pathname'],
  ['hasDot', "contains '.'"],
  ['hasDotdot', "contains '..'"],
  ['hasDotgit', "contains '.git'"],
  ['zeroPaddedFilemode', 'contains zero-padded file modes'],
  ['badFilemode', 'contains bad file modes'],
  ['duplicateEntries', 'contains duplicate file entries'],
  ['treeNotSorted', 'not properly sorted'],
  ['largePathname', 'contains excessively large pathname'],
];

function checkSpecial(
  name: string,
  mode: number,
  cursor: TreeCursor,
  found: Set<Parameters<Report>[0]>,
  special: SpecialBlobs | undefined,
): void {
  const symlink = (mode & 0o170000) === 0o120000;
  const last = name.slice(name.lastIndexOf('\\') + 1);
  if (isSpelling(name, 'gitmodules', 'gi7eba') || isSpelling(last, 'gitmodules', 'gi7eba')) {
    if (symlink) found.add('gitmodulesSymlink');
    else special?.gitmodules(cursor.oid);
  }
  if (isSpelling(name, 'gitattributes', 'gi7d29')) {
    if (symlink) found.add('gitattributesSymlink');
    else special?.gitattributes(cursor.oid);
  }
  if (symlink && isSpelling(name, 'gitignore', 'gi250a')) found.add('gitignoreSymlink');
  if (symlink && isSpelling(name, 'mailmap', 'maba30')) found.add('mailmapSymlink');
}

const hfsIgnored = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/** Whether a file system might read `name` as `.<word>`; `short` starts its NTFS short name. */
export function isSpelling(name: string, word: string, short: string): boolean {
  const lower = name.toLowerCase();
  if (lower.replace(hfsIgnored, '') === `.${word}`) return true;
  const trimmed = lower.replace(/:.*$/s, '').replace(/[ .]+$/, '');
  if (trimmed === `.${word}`) return true;
  const tilde = /^(.*)~(\d+)$/.exec(trimmed);
  if (tilde === null) return false;
  const [, head, digits] = tilde;
  if (head === word.slice(0, 6) && /^[1-4]$/.test(digits!)) return true;
  return trimmed.length <= 8 && /^[1-9]/.test(digits!) && short.startsWith(head!) && head !== '';
}

function afterBackslash(name: string, test: (part: string) => boolean): boolean {
  for (let at = name.indexOf('\\'); at >= 0; at = name.indexOf('\\', at + 1)) if (test(name.slice(at + 1))) return true;
  return false;
}

function allZero(data: Bytes, at: number, length: number): boolean {
  for (let i = at; i < at + length; i++) if (data[i] !== 0) return false;
  return true;
}

/** git's order of rows; the same name twice is for the duplicates to tell. */
function order(a: Bytes, aIsTree: boolean, b: Bytes, bIsTree: boolean): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  const x = a.length > length ? a[length]! : aIsTree ? 0x2f : 0;
  const y = b.length > length ? b[length]! : bIsTree ? 0x2f : 0;
  return x - y;
}
