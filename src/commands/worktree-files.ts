import { decodeText, encodeText } from '../base/bytes.js';
import { type FileSystem, readIfThere } from '../platform/fs.js';
import type { Spawned } from '../platform/platform.js';
import { parentDirectory, relativePath, resolvePath } from '../repo/paths.js';
import type { CommandContext } from './command.js';

/** A small file without the white space at its ends; `undefined` where there is none, or it cannot be read. */
export function readText(fs: FileSystem, path: string): string | undefined {
  try {
    const data = readIfThere(fs, path);
    return data === undefined ? undefined : decodeText(data).trim();
  } catch {
    return undefined;
  }
}

export const writeText = (fs: FileSystem, path: string, text: string): void => fs.writeFile(path, encodeText(text));

/** Why the work tree of a folder below `worktrees/` is locked; empty where no reason is given. */
export const lockReason = (fs: FileSystem, gitDir: string): string | undefined => readText(fs, `${gitDir}/locked`);

/** Why a folder below `worktrees/` can go; `expire`: what was used since (in seconds) stays. */
export function prunable(fs: FileSystem, gitDir: string, expire: number | undefined): string | undefined {
  if (fs.stat(gitDir)?.kind !== 'directory') return 'not a valid directory';
  if (fs.stat(`${gitDir}/gitdir`) === undefined) return 'gitdir file does not exist';
  const file = readText(fs, `${gitDir}/gitdir`);
  if (file === undefined) return 'unable to read gitdir file';
  if (file === '') return 'invalid gitdir file';
  if (fs.stat(resolvePath(gitDir, file)) !== undefined) return undefined;
  const index = fs.stat(`${gitDir}/index`);
  if (expire !== undefined && index !== undefined && index.mtimeSeconds + index.mtimeNanoseconds / 1e9 > expire)
    return undefined;
  return 'gitdir file points to non-existent location';
}

export const linkedRelatively = (fs: FileSystem, gitDir: string): boolean =>
  !(readText(fs, `${gitDir}/gitdir`) ?? '/').startsWith('/');

/** Where the `.git` file of a work tree leads; `undefined` where it is no such file. */
export function linkOf(fs: FileSystem, workTree: string): string | undefined {
  const place = /^gitdir: (.*)/.exec(readText(fs, `${workTree}/.git`) ?? '')?.[1];
  return place === undefined ? undefined : resolvePath(workTree, place);
}

/** Writes both links: of the folder below `worktrees/` to the work tree, and back. */
export function linkBack(fs: FileSystem, gitDir: string, workTree: string, relative: boolean): void {
  const file = `${workTree}/.git`;
  writeText(fs, `${gitDir}/gitdir`, `${relative ? relativePath(gitDir, file) : file}\n`);
  writeText(fs, file, `gitdir: ${relative ? relativePath(workTree, gitDir) : gitDir}\n`);
}

/** Runs this program on another work tree of the repository; options go in words, which may be any bytes. */
export function runIn(
  context: CommandContext,
  workTree: string,
  gitDir: string,
  words: readonly string[],
  stdout: 'inherit' | 'pipe',
): Spawned {
  context.io.stdout.flush();
  const env = { ...context.env, GIT_DIR: undefined, GIT_WORK_TREE: undefined, GIT_INDEX_FILE: undefined };
  return context.platform.processes!.runSync(
    [process.execPath, process.argv[1]!, `--git-dir=${gitDir}`, `--work-tree=${workTree}`, ...words],
    { cwd: workTree, env, stdin: 'ignore', stdout, stderr: 'inherit' },
  );
}

/** Takes a folder below `worktrees/` away, and `worktrees/` with the last. */
export function removeGitDirectory(fs: FileSystem, gitDir: string): void {
  fs.removeRecursive(gitDir);
  fs.removeDirectory(parentDirectory(gitDir));
}
