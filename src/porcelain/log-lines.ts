import { isPromise } from '../base/awaitable.js';
import { type Bytes, compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { type FunctionFinder, type Hunk, type HunkOptions, hunksOf } from '../diff/hunks.js';
import { diffLines } from '../diff/line-diff.js';
import type { Change } from '../diff/line-diff.js';
import type { Lines } from '../diff/lines.js';
import { splitLines } from '../diff/lines.js';
import type { DiffSide, FilePair } from '../diff/pair.js';
import type { CommitNode, CommitPool } from '../history/commit-pool.js';
import type { Repository } from '../repo/repository.js';
import { findPath } from '../repo/revision.js';
import type { LineRange } from './line-range.js';
import { joinRanges, parseLineRange } from './line-range.js';

/** What a commit changed in the lines that are followed. */
export interface LineChange {
  readonly pair: FilePair;
  readonly ranges: readonly LineRange[];
  readonly changes: readonly Change[];
  readonly before: Lines;
  readonly after: Lines;
}

/** The hunks that show the ranges, each whole and no line more. `shown`: the file's changes as the diff has them. */
export function rangeHunks(change: LineChange, shown: readonly Change[], options: HunkOptions): Hunk[] {
  const { before, after } = change;
  // There is as much context as the longest range has lines, so that each is whole in one hunk.
  const context = Math.max(options.context ?? 3, ...change.ranges.map(([from, to]) => to - from));
  const whole = hunksOf(shown, before, after, { ...options, context });
  const found: Hunk[] = [];
  for (const [start, last] of change.ranges) {
    const end = Math.min(last, after.count);
    // What is deleted right in front of the range, or right behind it, is part of it.
    const counted = (one: Change): boolean => one.aCount > 0 && one.b >= start && one.b <= end;
    const inside = shown.filter((one) => counted(one) || (one.b < end && one.b + one.bCount > start));
    const [first] = inside;
    if (first === undefined) continue;
    const hunk = whole.find((one) => one.bStart <= first.b && first.b <= one.bEnd);
    let oldStart = start;
    for (const one of shown) {
      if (one.b >= start) break;
      oldStart += one.aCount - Math.min(one.bCount, start - one.b);
    }
    let oldCount = end - start;
    const changes = inside.map((one): Change => {
      const from = Math.max(one.b, start);
      const bCount = Math.max(0, Math.min(one.b + one.bCount, end) - from);
      oldCount += (counted(one) ? one.aCount : 0) - bCount;
      return counted(one) ? { ...one, b: from, bCount } : { ...one, a: one.a + one.aCount, aCount: 0, b: from, bCount };
    });
    const shownStart = hunk !== undefined && hunk.aEnd === hunk.aStart ? oldStart : oldStart + 1;
    found.push({
      aStart: oldStart,
      aEnd: oldStart + oldCount,
      bStart: start,
      bEnd: end,
      changes,
      cut: {
        place: `-${shownStart},${oldCount} +${start + 1},${end - start}`,
        // The function is that of the whole hunk, with its context.
        function: hunk?.aStart ?? oldStart,
      },
    });
  }
  return found;
}

type Ranges = Map<string, LineRange[]>;

/** Finds the pairs of files in which two commits differ, renames found, limited to some paths. */
export type PairFinder = (
  before: CommitNode | undefined,
  after: CommitNode,
  paths: ReadonlySet<string>,
) => Promise<readonly FilePair[]>;

/** Follows ranges of lines through history (`git log -L`). Commits are to be asked about before their parents. */
export class LineLog {
  readonly #repository: Repository;
  readonly #pool: CommitPool;
  readonly #pairs: PairFinder;
  readonly #ranges = new Map<CommitNode, Ranges>();
  readonly #changed = new Map<CommitNode, boolean>();
  readonly #shown = new Map<CommitNode, LineChange[]>();

  constructor(repository: Repository, pool: CommitPool, pairs: PairFinder) {
    this.#repository = repository;
    this.#pool = pool;
    this.#pairs = pairs;
  }

  /** Reads the arguments of `-L` against a commit. */
  async start(
    commit: CommitNode,
    words: readonly string[],
    finderFor: (path: string) => FunctionFinder | undefined,
  ): Promise<void> {
    const repository = this.#repository;
    const found: Ranges = new Map();
    const anchors = new Map<string, number>();
    for (const word of words) {
      const split = splitArgument(word);
      if (split === undefined) {
        throw new GitError('USAGE', `-L argument not 'start,end:file' or ':funcname:file': ${word}`);
      }
      const path = normal(repository.prefix + split.path);
      const entry = await findPath(repository, commit.tree, path);
      if (entry === undefined) throw new GitError('PATH_MISSING', `There is no path ${path} in the commit`);
      const object = await repository.objects.read(entry.oid);
      const lines = splitLines(object?.data ?? new Uint8Array(0));
      const range = parseLineRange(split.range, lines, anchors.get(path) ?? 1, path, finderFor(path));
      anchors.set(path, range[1] + 1);
      found.set(path, joinRanges([...(found.get(path) ?? []), range]));
    }
    this.#ranges.set(commit, found);
  }

  /** Whether a commit changed the lines; passes the ranges on to its parents. */
  async touches(node: CommitNode): Promise<boolean> {
    const known = this.#changed.get(node);
    if (known !== undefined) return known;
    const ranges = this.#ranges.get(node);
    let changed = false;
    if (ranges !== undefined) {
      changed = node.parents.length > 1 ? await this.#merge(node, ranges) : await this.#ordinary(node, ranges);
    }
    this.#changed.set(node, changed);
    return changed;
  }

  changesOf(node: CommitNode): readonly LineChange[] {
    const changes = this.#shown.get(node) ?? [];
    return [...changes].sort((a, b) => compareText(a.pair.new.path, b.pair.new.path));
  }

  async #ordinary(node: CommitNode, ranges: Ranges): Promise<boolean> {
    const [parent] = node.parents;
    if (parent !== undefined) await this.#pool.load(parent);
    const { changed, passed, shown } = await this.#across(parent, node, ranges);
    if (parent !== undefined) this.#add(parent, passed);
    if (changed) this.#shown.set(node, shown);
    return changed;
  }

  async #merge(node: CommitNode, ranges: Ranges): Promise<boolean> {
    const candidates: Ranges[] = [];
    for (const parent of node.parents) {
      await this.#pool.load(parent);
      const { changed, passed } = await this.#across(parent, node, ranges);
      if (!changed) {
        // This parent has it all; the others are not looked at.
        this.#add(parent, passed);
        node.parents = [parent];
        return false;
      }
      candidates.push(passed);
    }
    node.parents.forEach((parent, i) => {
      this.#add(parent, candidates[i]!);
    });
    return true;
  }

  #add(parent: CommitNode, ranges: Ranges): void {
    const there = this.#ranges.get(parent);
    if (there === undefined) {
      this.#ranges.set(parent, ranges);
      return;
    }
    for (const [path, list] of ranges) there.set(path, joinRanges([...(there.get(path) ?? []), ...list]));
  }

  async #across(
    parent: CommitNode | undefined,
    node: CommitNode,
    ranges: Ranges,
  ): Promise<{ changed: boolean; passed: Ranges; shown: LineChange[] }> {
    const passed: Ranges = new Map();
    const shown: LineChange[] = [];
    let changed = false;
    const pairs =
      parent !== undefined && parent.tree === node.tree ? [] : await this.#pairs(parent, node, new Set(ranges.keys()));
    for (const [path, list] of ranges) {
      const pair = pairs.find((one) => one.new.path === path);
      if (pair === undefined) {
        passed.set(path, list);
        continue;
      }
      const before = pair.old.mode === 0 ? splitLines(new Uint8Array(0)) : splitLines(await content(pair.old));
      const after = pair.new.mode === 0 ? splitLines(new Uint8Array(0)) : splitLines(await content(pair.new));
      const changes = diffLines(before, after, { trimTail: true });
      const touched = changes.filter((change) => list.some((range) => overlaps(change, range)));
      const mapped = mapAcross(list, changes, touched);
      if (pair.old.mode !== 0) {
        passed.set(pair.old.path, joinRanges([...(passed.get(pair.old.path) ?? []), ...mapped]));
      }
      if (touched.length > 0) {
        changed = true;
        shown.push({ pair, ranges: list, changes, before, after });
      }
    }
    return { changed, passed, shown };
  }
}

async function content(side: DiffSide): Promise<Bytes> {
  const data = side.read();
  return isPromise(data) ? await data : data;
}

const overlaps = (change: Change, [start, end]: LineRange): boolean =>
  change.b + change.bCount > start && end > change.b;

/** The ranges as they were before the changes. */
function mapAcross(ranges: readonly LineRange[], changes: readonly Change[], touched: readonly Change[]): LineRange[] {
  const out: LineRange[] = touched.map((change) => [change.a, change.a + change.aCount] as const);
  for (const range of ranges) {
    let at = range[0];
    const pieces: LineRange[] = [];
    for (const change of touched) {
      const start = change.b;
      const end = change.b + change.bCount;
      if (end <= at || start >= range[1]) continue;
      if (start > at) pieces.push([at, start]);
      at = Math.max(at, end);
    }
    if (at < range[1]) pieces.push([at, range[1]]);
    for (const [start, end] of pieces) {
      let shift = 0;
      for (const change of changes) {
        if (change.b + change.bCount > start) break;
        shift += change.aCount - change.bCount;
      }
      out.push([start + shift, end + shift]);
    }
  }
  return joinRanges(out);
}

/** Cuts `range:file`; a range may hold colons inside of patterns. */
function splitArgument(word: string): { range: string; path: string } | undefined {
  let at = 0;
  if (word.startsWith(':') || word.startsWith('^:')) {
    at = word.startsWith('^') ? 2 : 1;
    while (at < word.length && word[at] !== ':') at += word[at] === '\\' ? 2 : 1;
  } else {
    const one = (): void => {
      if (word[at] === '^') at++;
      if (word[at] === '/') {
        at++;
        while (at < word.length && word[at] !== '/') at += word[at] === '\\' ? 2 : 1;
        at++;
      } else while (at < word.length && /[+\-\d$]/.test(word[at]!)) at++;
    };
    one();
    if (word[at] === ',') {
      at++;
      one();
    }
  }
  if (word[at] !== ':' || at + 1 >= word.length) return undefined;
  return { range: word.slice(0, at), path: word.slice(at + 1) };
}

function normal(path: string): string {
  const out: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') out.pop();
    else if (part !== '' && part !== '.') out.push(part);
  }
  return out.join('/');
}
