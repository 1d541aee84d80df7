import type { Bytes } from '../base/bytes.js';
import { emptyBytes } from '../base/bytes.js';
import { emptyBlobOid } from '../base/oid.js';
import { looksBinary } from '../diff/binary.js';
import { mergeText } from '../merge/text.js';
import type { ConflictStyle } from '../merge/text.js';
import { readKind } from '../objects/database.js';
import { addFile } from '../worktree/add-file.js';
import { CheckoutWriter, FileRemover } from '../worktree/checkout-writer.js';
import { IndexEntry } from '../worktree/index-entry.js';
import type { WorkTree } from '../worktree/work-tree.js';
import type { Talk } from './talk.js';

/** One path as `git merge-one-file` gets it. */
export interface OneFile {
  readonly path: string;
  readonly base: IndexEntry | undefined;
  readonly ours: IndexEntry | undefined;
  readonly theirs: IndexEntry | undefined;
}

const LINK = 0o120000;
const GITLINK = 0o160000;
const octal = (entry: IndexEntry | undefined): string => (entry === undefined ? '' : entry.mode.toString(8));

/**
 * Resolves one unmerged path by simple rules and a merge of its text, in the work tree and the index (in memory).
 * Answers whether it could: git's `merge-one-file`, which `resolve` and `octopus` use.
 */
export async function mergeOneFile(tree: WorkTree, file: OneFile, style: ConflictStyle, talk: Talk): Promise<boolean> {
  const { path, base, ours, theirs } = file;
  const same = (a: IndexEntry | undefined, b: IndexEntry | undefined) => a?.oid === b?.oid;
  const say = (text: string) => {
    talk.err(`ERROR: ${text}\n`);
    return false;
  };
  if (base !== undefined && (ours === undefined || theirs === undefined)) {
    const left = ours ?? theirs;
    if (left !== undefined && !same(left, base)) return say(`${path}: Not handling case ${caseOf(file)}`);
    if (left !== undefined && left.mode !== base.mode) {
      say(`File ${path} deleted on one branch but had its`);
      return say('permissions changed on the other.');
    }
    if (ours !== undefined) talk.out(`Removing ${path}\n`);
    else if (tree.lstat(path)?.kind === 'file') {
      // Not tracked by us: whatever is there is somebody else's.
      tree.index.remove(path);
      return true;
    }
    if (tree.lstat(path)?.kind === 'file') {
      const remover = new FileRemover(tree);
      remover.remove(path);
      remover.finish();
    }
    tree.index.remove(path);
    return true;
  }
  if (base === undefined && theirs === undefined) return stage(tree, path, ours!, talk);
  if (base === undefined && ours === undefined) {
    talk.out(`Adding ${path}\n`);
    if (tree.fs.stat(tree.absolute(path))?.kind === 'file')
      return say(`untracked ${path} is overwritten by the merge.`);
    return stageAndWrite(tree, path, theirs!, talk);
  }
  if (base === undefined && same(ours, theirs)) {
    if (ours!.mode !== theirs!.mode) {
      return say(
        `File ${path} added identically in both branches, but permissions conflict ${octal(ours)}->${octal(theirs)}.`,
      );
    }
    talk.out(`Adding ${path}\n`);
    return stageAndWrite(tree, path, ours!, talk);
  }
  const modes = [ours!.mode, theirs!.mode];
  if (modes.includes(LINK)) return say(`${path}: Not merging symbolic link changes.`);
  if (modes.includes(GITLINK)) return say(`${path}: Not merging conflicting submodule changes.`);
  return mergeContents(tree, file, style, talk);
}

function caseOf({ base, ours, theirs }: OneFile): string {
  return `${base?.oid ?? ''} -> ${ours?.oid ?? ''} -> ${theirs?.oid ?? ''}`;
}

/** A merged file above the path, or below it as if it were a directory. */
function clashes({ index }: WorkTree, path: string): boolean {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    if (index.get(path.slice(0, slash)) !== undefined) return true;
  }
  const { start, end } = index.range(path);
  return index.entries.slice(start, end).some((entry) => entry.stage === 0);
}

function stage(tree: WorkTree, path: string, from: IndexEntry, talk: Talk): boolean {
  const entry = IndexEntry.create({ path, mode: from.mode, oid: from.oid });
  if (!clashes(tree, path)) {
    tree.index.add(entry, { unchecked: true });
    return true;
  }
  talk.err(
    `error: '${path}' appears as both a file and as a directory\n` +
      `error: ${path}: cannot add to the index - missing --add option?\n` +
      `fatal: git update-index: --cacheinfo cannot add ${path}\n`,
  );
  return false;
}

async function stageAndWrite(tree: WorkTree, path: string, from: IndexEntry, talk: Talk): Promise<boolean> {
  if (!stage(tree, path, from, talk)) return false;
  const entry = IndexEntry.create({ path, mode: from.mode, oid: from.oid });
  const written = await new CheckoutWriter(tree).write(entry);
  if (!written.ok) return false;
  tree.index.add(entry.withStat(written.stat), { replace: true });
  return true;
}

async function mergeContents(tree: WorkTree, file: OneFile, style: ConflictStyle, talk: Talk): Promise<boolean> {
  const { path, base } = file;
  const ours = file.ours!;
  const theirs = file.theirs!;
  const read = (entry: IndexEntry) => readKind(tree.repository.objects, entry.oid, 'blob');
  talk.out(base === undefined ? `Added ${path} in both, but differently.\n` : `Auto-merging ${path}\n`);
  const sides = [base === undefined ? emptyBytes : await read(base), await read(ours), await read(theirs)] as const;
  let faults: string[] = [];
  let result: Bytes;
  if (base === undefined && !(await tree.repository.objects.has(emptyBlobOid(tree.repository.objectFormat)))) {
    // git merges against the empty blob, and where the repository has none it fails at that.
    talk.err(`fatal: unable to read blob object ${emptyBlobOid(tree.repository.objectFormat)}\n`);
    // It looks at ours first, then finds nothing to look at.
    talk.err(
      looksBinary(sides[1])
        ? `error: Cannot merge binary files: ${names.ours}\n`
        : 'error: Could not stat : No such file or directory\n',
    );
    result = sides[1];
    faults = ['content conflict'];
  } else if (sides.some((bytes) => looksBinary(bytes))) {
    talk.err(`error: Cannot merge binary files: ${names.ours}\n`);
    result = sides[1];
    faults = ['content conflict'];
  } else {
    const merged = mergeText(sides[0], sides[1], sides[2], {
      style,
      algorithm: 'myers',
      level: 'zealous-alnum',
      labels: names,
    });
    result = merged.bytes;
    if (merged.conflicts > 0 || base === undefined) faults = ['content conflict'];
  }
  const writer = new CheckoutWriter(tree);
  const written = await writer.write(IndexEntry.create({ path, mode: ours.mode, oid: ours.oid }));
  if (!written.ok) return false;
  tree.fs.writeFile(tree.absolute(path), result);
  if (ours.mode !== theirs.mode) {
    faults.push(`permissions conflict: ${octal(base)}->${octal(ours)},${octal(theirs)}`);
  }
  if (faults.length > 0) {
    talk.err(`ERROR: ${faults.join(', ')} in ${path}\n`);
    return false;
  }
  await addFile(tree, path, tree.lstat(path)!, { always: true });
  return true;
}

/** git names its temporary files here, other ones each time; ours stay the same. */
const names = { base: '.merge_file_base00', ours: '.merge_file_ours00', theirs: '.merge_file_theirs' };

/** Runs `mergeOneFile` on every unmerged path; answers how many are left. */
export async function mergeUnmerged(tree: WorkTree, style: ConflictStyle, talk: Talk): Promise<number> {
  let failed = 0;
  for (const path of tree.index.conflictedPaths()) {
    const stages = tree.index.stages(path);
    const at = (n: number) => stages.find((entry) => entry.stage === n);
    const file: OneFile = { path, base: at(1), ours: at(2), theirs: at(3) };
    if (!(await mergeOneFile(tree, file, style, talk))) failed++;
  }
  if (failed > 0) talk.err('fatal: merge program failed\n');
  return failed;
}
