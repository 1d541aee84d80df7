import { emptyBlobOid } from '../base/oid.js';
import { isGitlinkMode, isRegularMode, isSymlinkMode } from '../objects/mode.js';
import type { FileStat } from '../platform/fs.js';
import type { IndexEntry } from './index-entry.js';
import { low32, mungedSize } from './index-entry.js';

/** What differs between an entry and a stat. Bits. */
export const CHANGED_TIME = 1;
const CHANGED_OWNER = 2;
export const CHANGED_MODE = 4;
const CHANGED_INODE = 8;
export const CHANGED_DATA = 16;
export const CHANGED_TYPE = 32;

export interface StatRules {
  /** `core.fileMode`: the executable bit on disk means something. */
  readonly fileMode: boolean;
  /** `core.symlinks`: the file system has symbolic links. */
  readonly symlinks: boolean;
  /** `core.trustctime`. */
  readonly trustCtime: boolean;
  /** `core.checkStat` is `default`, not `minimal`. */
  readonly checkStat: boolean;
}

/** Compares stat words alone; 0 means equal. Submodules are not looked into. */
export function changedByStat(entry: IndexEntry, stat: FileStat, rules: StatRules): number {
  const mode = entry.mode;
  let changed = 0;
  if (isRegularMode(mode)) {
    if (stat.kind !== 'file') return CHANGED_TYPE;
    if (rules.fileMode && ((mode ^ stat.mode) & 0o100) !== 0) changed |= CHANGED_MODE;
  } else if (isSymlinkMode(mode)) {
    if (stat.kind !== 'symlink' && (rules.symlinks || stat.kind !== 'file')) return CHANGED_TYPE;
  } else if (isGitlinkMode(mode)) {
    return stat.kind === 'directory' ? 0 : CHANGED_TYPE;
  } else return CHANGED_TYPE;
  changed |= changedStatWords(entry, stat, rules);
  // Size 0 is also the mark of a racily clean entry.
  if (entry.size === 0 && entry.oid !== emptyBlobOid(entry.oidLength === 20 ? 'sha1' : 'sha256'))
    changed |= CHANGED_DATA;
  return changed;
}

function changedStatWords(entry: IndexEntry, stat: FileStat, rules: StatRules): number {
  let changed = 0;
  if (entry.mtimeSeconds !== low32(stat.mtimeSeconds)) changed |= CHANGED_TIME;
  // An index written by a program that does not keep nanoseconds has zeros.
  else if (rules.checkStat && entry.mtimeNanoseconds !== 0 && entry.mtimeNanoseconds !== stat.mtimeNanoseconds) {
    changed |= CHANGED_TIME;
  }
  if (rules.trustCtime && rules.checkStat) {
    if (entry.ctimeSeconds !== low32(stat.ctimeSeconds)) changed |= CHANGED_TIME;
    else if (entry.ctimeNanoseconds !== 0 && entry.ctimeNanoseconds !== stat.ctimeNanoseconds) changed |= CHANGED_TIME;
  }
  if (rules.checkStat) {
    if (entry.uid !== low32(stat.uid) || entry.gid !== low32(stat.gid)) changed |= CHANGED_OWNER;
    if (entry.inode !== low32(stat.inode)) changed |= CHANGED_INODE;
  }
  if (entry.size !== mungedSize(stat.size)) changed |= CHANGED_DATA;
  return changed;
}

/** The mode an index entry gets from a file on disk; `old` where the file system cannot say. */
export function modeFromStat(stat: FileStat, rules: StatRules, old?: number): number {
  if (!rules.symlinks && stat.kind === 'file' && old !== undefined && isSymlinkMode(old)) return old;
  if (!rules.fileMode && stat.kind === 'file') return old !== undefined && isRegularMode(old) ? old : 0o100644;
  if (stat.kind === 'symlink') return 0o120000;
  if (stat.kind === 'directory') return 0o160000;
  return (stat.mode & 0o100) !== 0 ? 0o100755 : 0o100644;
}
