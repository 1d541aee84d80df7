import type { Bytes } from '../base/bytes.js';
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
  /** Files whose name the rows after them start with: a directory of the same name may still come. */
  const open: [start: number, end: number][] = [];
  let previousStart = -1;
  let previousEnd = 0;
  let previousIsTree = false;
  try {
    while (cursor.next()) {
      const { mode, nameStart, nameEnd } = cursor;
      const isTree = mode === 0o040000 || (mode & 0o170000) === 0o040000;
      if (data[cursor.oidStart] === 0 && allZero(data, cursor.oidStart, oidLength)) found.add('nullSha1');
      if (nameEnd - nameStart > rules.largestName) found.add('largePathname');
      if (isUnusual(data, nameStart, nameEnd)) checkName(cursor, found, special);
      if (data[cursor.rowStart] === 0x30) found.add('zeroPaddedFilemode');
      if (!KNOWN_MODES.has(mode) && !(mode === OLD_MODE && !rules.strict)) found.add('badFilemode');
      if (previousStart >= 0) {
        const difference = order(data, previousStart, previousEnd, previousIsTree, nameStart, nameEnd, isTree);
        if (difference > 0) found.add('treeNotSorted');
        else if (difference === 0) found.add('duplicateEntries');
      }
      while (open.length > 0) {
        const [start, end] = open[open.length - 1]!;
        if (isPrefix(data, start, end, nameStart, nameEnd)) {
          if (end - start === nameEnd - nameStart) found.add('duplicateEntries');
          break;
        }
        open.pop();
      }
      if (!isTree) open.push([nameStart, nameEnd]);
      previousStart = nameStart;
      previousEnd = nameEnd;
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

/** Names that start with a dot or a `g` or `m`, or hold a character that some file system treats in its own way. */
function isUnusual(data: Bytes, start: number, end: number): boolean {
  const first = data[start]!;
  if (first === 0x2e || first === 0x67 || first === 0x47 || first === 0x6d || first === 0x4d) return true;
  for (let i = start; i < end; i++) {
    const byte = data[i]!;
    if (byte === 0x2f || byte === 0x5c || byte >= 0x80) return true;
  }
  return false;
}

function checkName(cursor: TreeCursor, found: Set<Parameters<Report>[0]>, special: SpecialBlobs | undefined): void {
  const { name, mode } = cursor;
  if (name.includes('/')) found.add('fullPathname');
  if (name === '.') found.add('hasDot');
  else if (name === '..') found.add('hasDotdot');
  else if (isDotGitSpelling(name) || afterBackslash(name, isDotGitSpelling)) found.add('hasDotgit');
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
function isSpelling(name: string, word: string, short: string): boolean {
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

/** git's order of rows, on the bytes where they lie. */
function order(
  data: Bytes,
  aStart: number,
  aEnd: number,
  aIsTree: boolean,
  bStart: number,
  bEnd: number,
  bIsTree: boolean,
): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < length; i++) {
    const difference = data[aStart + i]! - data[bStart + i]!;
    if (difference !== 0) return difference;
  }
  if (aEnd - aStart === bEnd - bStart) return aIsTree === bIsTree ? 0 : aIsTree ? 1 : -1;
  const x = aEnd - aStart > length ? data[aStart + length]! : aIsTree ? 0x2f : 0;
  const y = bEnd - bStart > length ? data[bStart + length]! : bIsTree ? 0x2f : 0;
  return x - y;
}

function isPrefix(data: Bytes, start: number, end: number, nameStart: number, nameEnd: number): boolean {
  const length = end - start;
  if (length > nameEnd - nameStart) return false;
  for (let i = 0; i < length; i++) if (data[start + i] !== data[nameStart + i]) return false;
  return true;
}
