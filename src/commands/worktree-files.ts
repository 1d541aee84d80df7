import * as fs from 'node:fs';
import * as path from 'node:path';

export function readText(name: string): string | undefined {
  try {
    return fs.readFileSync(name, 'utf8');
  } catch {
    return undefined;
  }
}

/** Why the work tree of a folder below `worktrees/` is locked; empty where no reason is given. */
export const lockReason = (gitDir: string): string | undefined => readText(`${gitDir}/locked`)?.trim();

/** Why a folder below `worktrees/` can go; `expire`: what was used since (in seconds) stays. */
export function prunable(gitDir: string, expire: number | undefined): string | undefined {
  if (fs.statSync(gitDir, { throwIfNoEntry: false })?.isDirectory() !== true) return 'not a valid directory';
  if (!fs.existsSync(`${gitDir}/gitdir`)) return 'gitdir file does not exist';
  const file = readText(`${gitDir}/gitdir`)?.trim();
  if (file === undefined) return 'unable to read gitdir file';
  if (file === '') return 'invalid gitdir file';
  if (fs.existsSync(path.resolve(gitDir, file))) return undefined;
  const index = fs.statSync(`${gitDir}/index`, { throwIfNoEntry: false });
  if (expire !== undefined && index !== undefined && index.mtimeMs / 1000 > expire) return undefined;
  return 'gitdir file points to non-existent location';
}

export const linkedRelatively = (gitDir: string): boolean => !(readText(`${gitDir}/gitdir`) ?? '/').startsWith('/');

/** Writes both links: of the folder below `worktrees/` to the work tree, and back. */
export function linkBack(gitDir: string, workTree: string, relative: boolean): void {
  const file = path.join(workTree, '.git');
  fs.writeFileSync(`${gitDir}/gitdir`, `${relative ? path.relative(gitDir, file) : file}\n`);
  fs.writeFileSync(file, `gitdir: ${relative ? path.relative(workTree, gitDir) : gitDir}\n`);
}

/** Takes a folder below `worktrees/` away, and `worktrees/` with the last. */
export function removeGitDirectory(gitDir: string): void {
  fs.rmSync(gitDir, { recursive: true, force: true });
  try {
    fs.rmdirSync(path.dirname(gitDir));
  } catch {
    // Others are there.
  }
}
