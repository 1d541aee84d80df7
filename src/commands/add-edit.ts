import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { editFile } from '../porcelain/editor.js';
import {
  applyHunks,
  type FilePatch,
  type Hunk,
  type HunkMisfit,
  parsePatch,
  readFilePatch,
} from '../porcelain/hunks.js';
import { verifyFilename } from '../repo/revision-path.js';
import { IndexEntry } from '../worktree/index-entry.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { tryCapture } from './capture.js';
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
  for (const [i, word] of pathspecs.entries()) await verifyFilename(repository, word, i === 0);
  // A file in conflict is compared with our side, one that is only intended to be added with nothing.
  const words = ['diff-files', '-p', '-2', '-U7', '--no-color', '--no-ext-diff', '--ignore-submodules=dirty'];
  const shownText = tryCapture(context, [...words, '--ita-visible-in-index', '--', ...pathspecs]);
  if (shownText === undefined) return 128;
  fs.writeFile(file, encodeText(shownText));
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
    const patches = parsePatch(text)
      .filter(({ file: lines }) => lines[0]!.startsWith('diff --git '))
      .map(({ file: lines }) => recounted(context, readFilePatch(lines, lines)));
    if (patches.length === 0) {
      context.error('No valid patches in input (allow with "--allow-empty")');
      throw new GitError('USAGE', `could not apply '${shown(repository.gitDir, file, context.cwd)}'`);
    }
    for (const patch of patches) {
      const misfit = await stage(tree, patch);
      if (misfit === undefined) continue;
      if (misfit.line === undefined) context.error(`${patch.path}: does not exist in index`);
      else {
        context.error(`patch failed: ${patch.path}:${misfit.line}`);
        context.error(`${patch.path}: patch does not apply`);
      }
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
function recounted(context: CommandContext, patch: FilePatch): FilePatch {
  const hunks = patch.hunks.map((hunk): Hunk => {
    const end = hunk.lines.findIndex((line) => !/^[ +\-\\]/.test(line));
    if (end >= 0) context.warning(`recount: unexpected line: ${hunk.lines[end]}\n`);
    const lines = end < 0 ? hunk.lines : hunk.lines.slice(0, end);
    const count = (sign: string): number => lines.filter((line) => line[0] === ' ' || line[0] === sign).length;
    return { ...hunk, lines, oldCount: count('-'), newCount: count('+'), use: true };
  });
  return { ...patch, hunks };
}

async function stage(tree: WorkTree, patch: FilePatch): Promise<HunkMisfit | undefined> {
  const { index, repository } = tree;
  const entry = index.get(patch.path);
  if (entry === undefined && !patch.added) return { line: undefined };
  let text = '';
  if (entry !== undefined && !entry.intentToAdd) {
    const object = await repository.objects.read(entry.oid);
    text = object === undefined ? `Subproject commit ${entry.oid}\n` : decodeText(object.data);
  }
  const result = applyHunks(text, patch.hunks);
  if (typeof result !== 'string') return result;
  if (patch.deleted) {
    index.remove(patch.path);
    return undefined;
  }
  const mode = patch.newMode ?? entry?.mode ?? 0o100644;
  const link = /^Subproject commit ([0-9a-f]+)\n$/.exec(result);
  const oid =
    (mode & 0o170000) === 0o160000 && link !== null
      ? (link[1] as Oid)
      : await repository.objects.write('blob', encodeText(result));
  index.add(IndexEntry.create({ path: patch.path, mode, oid }), { replace: true });
  return undefined;
}
