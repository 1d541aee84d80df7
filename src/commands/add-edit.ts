import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { editFile } from '../porcelain/editor.js';
import { applyHunks, type FilePatch, type Hunk, parsePatch, readFilePatch } from '../porcelain/hunks.js';
import { IndexEntry } from '../worktree/index-entry.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { captureCommand } from './capture.js';
import type { CommandContext } from './command.js';

/** `add -e`: the user edits the whole difference between index and files; what is left of it is staged. */
export async function addEdited(
  context: CommandContext,
  tree: WorkTree,
  pathspecs: readonly string[],
): Promise<number> {
  const { repository } = tree;
  const { fs } = repository.platform;
  const file = repository.path('ADD_EDIT.patch');
  const words = ['diff-files', '-p', '-U7', '--no-color', '--no-ext-diff', '--ignore-submodules=dirty', '--'];
  fs.writeFile(file, encodeText(captureCommand(context, [...words, ...pathspecs])));
  try {
    editFile(repository, file, { cwd: context.cwd });
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    context.error(error.message);
    throw new GitError('USAGE', 'editing patch failed');
  }
  const text = decodeText(fs.readFile(file) ?? new Uint8Array(0));
  if (text === '') throw new GitError('USAGE', 'empty patch. aborted');
  const lock = tree.lockIndex();
  try {
    tree.reloadIndex();
    const patches = parsePatch(text).map(({ file: lines }) => recounted(readFilePatch(lines, lines)));
    if (patches.length === 0) {
      context.error('No valid patches in input (allow with "--allow-empty")');
      throw new GitError('USAGE', `could not apply '${shown(repository.gitDir, file, context.cwd)}'`);
    }
    for (const patch of patches) {
      if (await stage(tree, patch)) continue;
      context.error(`patch failed: ${patch.path}:${patch.hunks[0]?.oldStart ?? 0}`);
      context.error(`${patch.path}: patch does not apply`);
      throw new GitError('USAGE', `could not apply '${shown(repository.gitDir, file, context.cwd)}'`);
    }
    tree.commitIndex(lock);
  } finally {
    lock.rollback();
  }
  fs.remove(file);
  return 0;
}

/** As git names it: from where the user is. */
const shown = (gitDir: string, file: string, cwd: string): string =>
  gitDir === `${cwd}/.git` ? file.slice(cwd.length + 1) : file;

/** Hunks as they are now, whatever their titles say; lines that are none are left out. */
function recounted(patch: FilePatch): FilePatch {
  const hunks = patch.hunks.map((hunk): Hunk => {
    const end = hunk.lines.findIndex((line) => !/^[ +\-\\]/.test(line));
    const lines = end < 0 ? hunk.lines : hunk.lines.slice(0, end);
    const count = (sign: string): number => lines.filter((line) => line[0] === ' ' || line[0] === sign).length;
    return { ...hunk, lines, oldCount: count('-'), newCount: count('+'), use: true };
  });
  return { ...patch, hunks };
}

async function stage(tree: WorkTree, patch: FilePatch): Promise<boolean> {
  const { index, repository } = tree;
  const entry = index.get(patch.path);
  if (entry === undefined && !patch.added) return false;
  let text = '';
  if (entry !== undefined && !entry.intentToAdd) {
    const object = await repository.objects.read(entry.oid);
    text = object === undefined ? `Subproject commit ${entry.oid}\n` : decodeText(object.data);
  }
  const result = applyHunks(text, patch.hunks);
  if (typeof result !== 'string') return false;
  if (patch.deleted) {
    index.remove(patch.path);
    return true;
  }
  const mode = patch.newMode ?? entry?.mode ?? 0o100644;
  const link = /^Subproject commit ([0-9a-f]+)\n$/.exec(result);
  const oid =
    (mode & 0o170000) === 0o160000 && link !== null
      ? (link[1] as Oid)
      : await repository.objects.write('blob', encodeText(result));
  index.add(IndexEntry.create({ path: patch.path, mode, oid }), { replace: true });
  return true;
}
