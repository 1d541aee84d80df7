/** File modes as trees and the index hold them: octal numbers. */
export const MODE_FILE = 0o100644;
export const MODE_EXECUTABLE = 0o100755;
export const MODE_SYMLINK = 0o120000;
export const MODE_GITLINK = 0o160000;
export const MODE_TREE = 0o040000;
const MODE_TYPE = 0o170000;

export const isTreeMode = (mode: number): boolean => (mode & MODE_TYPE) === MODE_TREE;
export const isRegularMode = (mode: number): boolean => (mode & MODE_TYPE) === 0o100000;
export const isSymlinkMode = (mode: number): boolean => (mode & MODE_TYPE) === MODE_SYMLINK;
export const isGitlinkMode = (mode: number): boolean => (mode & MODE_TYPE) === MODE_GITLINK;
/** Same type of entry, whatever the permission bits. */
export const sameType = (a: number, b: number): boolean => (a & MODE_TYPE) === (b & MODE_TYPE);

/** The canonical mode git reads an odd old mode (100664, 40755…) as. */
export function canonicalMode(mode: number): number {
  if (isRegularMode(mode)) return (mode & 0o100) !== 0 ? MODE_EXECUTABLE : MODE_FILE;
  if (isSymlinkMode(mode)) return MODE_SYMLINK;
  if (isTreeMode(mode)) return MODE_TREE;
  return MODE_GITLINK;
}

/** Six octal digits, as `ls-tree` prints. */
export const formatMode = (mode: number): string => mode.toString(8).padStart(6, '0');

/** The kind of object an entry of this mode names. */
export const kindOfMode = (mode: number): 'tree' | 'blob' | 'commit' =>
  isTreeMode(mode) ? 'tree' : isGitlinkMode(mode) ? 'commit' : 'blob';
