/** Which files of a linked work tree lie in the common directory, and which in its own. */

const sharedFiles: ReadonlySet<string> = new Set(['config', 'gc.pid', 'packed-refs', 'shallow']);
const sharedDirectories: readonly string[] = [
  'branches',
  'common',
  'hooks',
  'info',
  'logs',
  'lost-found',
  'modules',
  'objects',
  'refs',
  'remotes',
  'rr-cache',
  'svn',
  'worktrees',
];
const ownFiles: ReadonlySet<string> = new Set(['info/sparse-checkout', 'logs/HEAD']);
const ownDirectories: readonly string[] = [
  'logs/refs/bisect',
  'logs/refs/rewritten',
  'logs/refs/worktree',
  'refs/bisect',
  'refs/rewritten',
  'refs/worktree',
];

const isBelow = (name: string, directories: readonly string[]): boolean =>
  directories.some((directory) => name === directory || name.startsWith(`${directory}/`));

/** True when `name` (relative to a git directory) is shared by all work trees. */
export function isCommonFile(name: string): boolean {
  const clean = name.includes('//') ? name.replace(/\/{2,}/g, '/') : name;
  const plain = clean.endsWith('.lock') ? clean.slice(0, -5) : clean;
  if (ownFiles.has(plain)) return false;
  if (ownDirectories.some((directory) => clean.startsWith(`${directory}/`) || clean === directory)) return false;
  return sharedFiles.has(plain) || isBelow(clean, sharedDirectories);
}
