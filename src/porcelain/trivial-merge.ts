import type { Bytes } from '../base/bytes.js';
import { decodeText, emptyBytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { joinPath } from '../base/path.js';
import { looksBinary } from '../diff/binary.js';
import { hunksOf } from '../diff/hunks.js';
import { diffLines } from '../diff/line-diff.js';
import type { Lines } from '../diff/lines.js';
import { lineBytes, splitLines } from '../diff/lines.js';
import { mergeText } from '../merge/text.js';
import { readKind } from '../objects/database.js';
import { isTreeMode } from '../objects/mode.js';
import type { TreeEntry } from '../objects/tree.js';
import { compareTreeNames, parseTree } from '../objects/tree.js';
import type { Repository } from '../repo/repository.js';
import { peelTo, resolveRevision } from '../repo/revision.js';

type Entry = TreeEntry | undefined;

/** What `git merge-tree --trivial-merge` prints: what a merge without content merges would leave to decide. */
export async function trivialMerge(repository: Repository, names: readonly [string, string, string]): Promise<string> {
  const trees: Oid[] = [];
  for (const name of names) {
    const oid = await resolveRevision(repository, name, { hint: 'treeish' });
    if (oid === undefined) throw new GitError('REF_MISSING', `unknown rev ${name}`);
    const tree = await peelTo(repository, oid, 'tree');
    if (tree === undefined) throw new GitError('REF_MISSING', `${name} is not a tree`);
    trees.push(tree);
  }
  const merge = new TrivialMerge(repository);
  await merge.directory('', trees as [Oid, Oid, Oid]);
  return merge.text;
}

class TrivialMerge {
  text = '';

  constructor(readonly repository: Repository) {}

  async #rows(tree: Oid | undefined): Promise<Map<string, TreeEntry>> {
    if (tree === undefined) return new Map();
    const data = await readKind(this.repository.objects, tree, 'tree');
    return new Map(parseTree(data, this.repository.oidLength).map((entry) => [entry.name, entry]));
  }

  async directory(path: string, trees: readonly [Oid | undefined, Oid | undefined, Oid | undefined]): Promise<void> {
    const sides = [await this.#rows(trees[0]), await this.#rows(trees[1]), await this.#rows(trees[2])] as const;
    const names = new Set(sides.flatMap((side) => [...side.keys()]));
    const isTree = (name: string) => sides.some((side) => isTreeMode(side.get(name)?.mode ?? 0));
    const sorted = [...names].sort((a, b) => compareTreeNames(a, isTree(a), b, isTree(b)));
    for (const name of sorted) {
      const [base, ours, theirs] = sides.map((side) => side.get(name)) as [Entry, Entry, Entry];
      await this.#entry(joinPath(path, name), base, ours, theirs);
    }
  }

  async #entry(path: string, base: Entry, ours: Entry, theirs: Entry): Promise<void> {
    if (same(ours, theirs)) return;
    if (base !== undefined && same(base, ours) && theirs !== undefined && !isTreeMode(theirs.mode)) {
      this.text += `merged\n${row('result', theirs, path)}${row('our', ours!, path)}`;
      await this.#diff(await this.#bytes(ours), await this.#bytes(theirs));
      return;
    }
    if (same(base, theirs)) return;
    const directories = [base, ours, theirs].map((entry) =>
      entry !== undefined && isTreeMode(entry.mode) ? entry.oid : undefined,
    ) as [Oid | undefined, Oid | undefined, Oid | undefined];
    if (directories.some((oid) => oid !== undefined)) await this.directory(path, directories);
    const [b, o, t] = [base, ours, theirs].map((entry) =>
      entry !== undefined && isTreeMode(entry.mode) ? undefined : entry,
    ) as [Entry, Entry, Entry];
    if (b === undefined && o === undefined && t === undefined) return;
    this.text += `${explain(b, o, t)}\n`;
    if (b !== undefined) this.text += row('base', b, path);
    if (o !== undefined) this.text += row('our', o, path);
    if (t !== undefined) this.text += row('their', t, path);
    const before = await this.#bytes(o);
    await this.#diff(before, await this.#result(b, o, t));
  }

  async #bytes(entry: Entry): Promise<Bytes> {
    return entry === undefined ? emptyBytes : readKind(this.repository.objects, entry.oid, 'blob');
  }

  /** What a merge by lines would leave. */
  async #result(base: Entry, ours: Entry, theirs: Entry): Promise<Bytes> {
    if (ours === undefined || theirs === undefined) {
      // Removed on one side: the removal is shown, unless the base is not there either.
      if (base !== undefined) return emptyBytes;
      return this.#bytes(ours ?? theirs);
    }
    const [b, o, t] = [await this.#bytes(base), await this.#bytes(ours), await this.#bytes(theirs)];
    if ([b, o, t].some((bytes) => looksBinary(bytes))) return o;
    return mergeText(b, o, t, { labels: { ours: '.our', theirs: '.their' }, algorithm: 'myers' }).bytes;
  }

  async #diff(before: Bytes, after: Bytes): Promise<void> {
    const a = splitLines(before);
    const b = splitLines(after);
    const changes = diffLines(a, b, { algorithm: 'myers' });
    for (const hunk of hunksOf(changes, a, b, { context: 3 })) {
      this.text += `@@ -${range(hunk.aStart, hunk.aEnd)} +${range(hunk.bStart, hunk.bEnd)} @@\n`;
      let at = hunk.aStart;
      for (const change of hunk.changes) {
        for (; at < change.a; at++) this.#line(' ', a, at);
        for (; at < change.a + change.aCount; at++) this.#line('-', a, at);
        for (let i = change.b; i < change.b + change.bCount; i++) this.#line('+', b, i);
      }
      for (; at < hunk.aEnd; at++) this.#line(' ', a, at);
    }
  }

  #line(mark: string, lines: Lines, index: number): void {
    const line = decodeText(lineBytes(lines, index));
    this.text += `${mark}${line}`;
    if (!line.endsWith('\n')) this.text += '\n\\ No newline at end of file\n';
  }
}

const range = (start: number, end: number): string => {
  const count = end - start;
  const first = count === 0 ? start : start + 1;
  return count === 1 ? String(first) : `${first},${count}`;
};

const same = (a: Entry, b: Entry): boolean =>
  a === undefined || b === undefined ? a === b : a.oid === b.oid && a.mode === b.mode;

const row = (side: string, entry: TreeEntry, path: string): string =>
  `  ${side.padEnd(6)} ${entry.mode.toString(8)} ${entry.oid} ${path}\n`;

function explain(base: Entry, ours: Entry, theirs: Entry): string {
  if (base === undefined) {
    if (ours === undefined) return 'added in remote';
    return theirs === undefined ? 'added in local' : 'added in both';
  }
  if (ours === undefined) return theirs === undefined ? 'removed in both' : 'removed in local';
  return theirs === undefined ? 'removed in remote' : 'changed in both';
}
