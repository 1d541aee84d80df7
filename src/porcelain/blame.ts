import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { diffLines } from '../diff/line-diff.js';
import type { Change, LineDiffOptions } from '../diff/line-diff.js';
import type { Lines } from '../diff/lines.js';
import { splitAlike, splitLines } from '../diff/lines.js';
import type { FilePair } from '../diff/pair.js';
import { pairOfChange } from '../diff/pair.js';
import { detectRenames } from '../diff/renames.js';
import { diffTrees } from '../diff/trees.js';
import type { CommitNode, CommitPool } from '../history/commit-pool.js';
import { CommitQueue } from '../history/commit-queue.js';
import { UNINTERESTING } from '../history/flags.js';
import { markParentsUninteresting } from '../history/walk.js';
import { isRegularMode, isSymlinkMode } from '../objects/mode.js';
import type { Repository } from '../repo/repository.js';
import { findPath } from '../repo/revision.js';
import { FuzzyMatcher } from './blame-fuzzy.js';

/** A version of the file: a commit and a path in it. */
export class BlameOrigin {
  readonly commit: CommitNode;
  readonly path: string;
  oid: Oid;
  readonly mode: number;
  /** Lines still to be explained, by their place in this version. */
  suspects: BlameEntry[] = [];
  /** The version before this one. */
  previous: BlameOrigin | undefined;
  lines: Lines | undefined;
  guilty = false;

  constructor(commit: CommitNode, path: string, oid: Oid, mode: number) {
    this.commit = commit;
    this.path = path;
    this.oid = oid;
    this.mode = mode;
  }
}

/** A run of lines of the final file that came together from one version. */
export interface BlameEntry {
  /** First line in the final file, from 0. */
  line: number;
  count: number;
  /** First line in the version. */
  originLine: number;
  origin: BlameOrigin;
  ignored: boolean;
  unblamable: boolean;
  score: number;
}

export interface BlameOptions {
  readonly repository: Repository;
  readonly pool: CommitPool;
  readonly diff: LineDiffOptions;
  /** Looks for lines moved inside the file, of at least this score. */
  readonly moves?: number | undefined;
  /** Looks for lines copied from other files, of at least this score. */
  readonly copies?: number | undefined;
  /** How hard: 1 files changed in the commit, 2 all files where the file was made, 3 all files always. */
  readonly copyEffort?: number;
  readonly firstParent: boolean;
  /** Towards children instead of parents. */
  readonly children?: ReadonlyMap<CommitNode, readonly CommitNode[]> | undefined;
  readonly showRoot: boolean;
  readonly maxAge?: number | undefined;
  readonly ignored: ReadonlySet<string>;
  readonly followRenames: boolean;
  /** Content of a version as text for people (textconv). */
  readonly convert?: ((path: string, oid: Oid, data: Bytes) => Promise<Bytes>) | undefined;
  /** Told of each run of lines when its origin is found. */
  readonly found?: ((entry: BlameEntry) => void) | undefined;
}

/** Finds for each line of a file the commit that brought it (git blame). */
export class Blame {
  readonly #options: BlameOptions;
  readonly #queue = new CommitQueue();
  readonly #origins = new Map<CommitNode, BlameOrigin[]>();
  readonly #done: BlameEntry[] = [];
  /** The final file. */
  final!: Lines;
  /** The working tree's content for the commit that stands for it. */
  readonly fake = new Map<CommitNode, { readonly content: Bytes; readonly path: string }>();
  commits = 0;
  /** Files compared. */
  patches = 0;
  /** Contents fetched, of versions that were let go of in between again. */
  reads = 0;
  readonly #held = new Set<BlameOrigin>();

  constructor(options: BlameOptions) {
    this.#options = options;
  }

  /** Finds everything out. `ranges`: lines of the final file, from 0, end exclusive. */
  async run(origin: BlameOrigin, ranges: readonly (readonly [number, number])[]): Promise<BlameEntry[]> {
    this.#originsOf(origin.commit).push(origin);
    // What is shown in the end is read by itself.
    this.#held.delete(origin);
    this.reads = this.fake.has(origin.commit) ? 0 : 1;
    for (const [start, end] of ranges) {
      if (end <= start) continue;
      origin.suspects.push({
        line: start,
        count: end - start,
        originLine: start,
        origin,
        ignored: false,
        unblamable: false,
        score: 0,
      });
    }
    this.#push(origin.commit);
    await this.#assign();
    this.#done.sort((a, b) => a.line - b.line);
    return this.#done;
  }

  #push(commit: CommitNode): void {
    const reverse = this.#options.children !== undefined;
    this.#queue.push(commit, reverse ? -commit.seconds : commit.seconds);
  }

  #originsOf(commit: CommitNode): BlameOrigin[] {
    let list = this.#origins.get(commit);
    if (list === undefined) this.#origins.set(commit, (list = []));
    return list;
  }

  #origin(commit: CommitNode, path: string, oid: Oid, mode: number): BlameOrigin {
    const list = this.#originsOf(commit);
    const known = list.find((one) => one.path === path);
    if (known !== undefined) return known;
    const made = new BlameOrigin(commit, path, oid, mode);
    list.unshift(made);
    return made;
  }

  async #assign(): Promise<void> {
    const { options } = { options: this.#options };
    for (;;) {
      const commit = this.#queue.pop();
      if (commit === undefined) return;
      for (;;) {
        const suspect = this.#originsOf(commit).find((one) => one.suspects.length > 0);
        if (suspect === undefined) break;
        if (!commit.loaded) await options.pool.load(commit);
        const reverse = options.children !== undefined;
        const tooOld = options.maxAge !== undefined && commit.seconds < options.maxAge;
        if (reverse || ((commit.flags & UNINTERESTING) === 0 && !tooOld)) await this.#passBlame(suspect);
        else {
          commit.flags |= UNINTERESTING;
          markParentsUninteresting(commit);
        }
        if (commit.parents.length === 0 && !options.showRoot) commit.flags |= UNINTERESTING;
        if (suspect.suspects.length > 0) {
          suspect.guilty = true;
          for (const entry of suspect.suspects) {
            options.found?.(entry);
            this.#done.push(entry);
          }
          suspect.suspects = [];
        }
      }
    }
  }

  #scapegoats(commit: CommitNode): readonly CommitNode[] {
    const { children, firstParent } = this.#options;
    const list = children === undefined ? commit.parents : (children.get(commit) ?? []);
    return firstParent && children === undefined ? list.slice(0, 1) : list;
  }

  /** The content of a version as lines; `like`: those of one that is much like it. */
  async lines(origin: BlameOrigin, like?: Lines): Promise<Lines> {
    if (!this.#held.has(origin)) {
      this.#held.add(origin);
      this.reads++;
    }
    if (origin.lines !== undefined) return origin.lines;
    const fake = this.fake.get(origin.commit);
    if (fake !== undefined) return (origin.lines = splitLines(fake.content));
    const { repository, convert } = this.#options;
    const object = repository.objects.read(origin.oid);
    const read = isPromise(object) ? await object : object;
    let data = read?.data ?? new Uint8Array(0);
    if (convert !== undefined) data = await convert(origin.path, origin.oid, data);
    return (origin.lines = like === undefined ? splitLines(data) : splitAlike(like, data).lines);
  }

  async #passBlame(origin: BlameOrigin): Promise<void> {
    const parents = this.#scapegoats(origin.commit);
    if (parents.length === 0) return;
    const found: (BlameOrigin | undefined)[] = parents.map(() => undefined);
    await this.#passToParents(origin, parents, found);
    for (const parent of found) this.#letGo(parent);
    this.#held.delete(origin);
  }

  /** Its content is not needed for now. */
  #letGo(origin: BlameOrigin | undefined): void {
    if (origin !== undefined && origin.suspects.length === 0) this.#held.delete(origin);
  }

  async #passToParents(
    origin: BlameOrigin,
    parents: readonly CommitNode[],
    found: (BlameOrigin | undefined)[],
  ): Promise<void> {
    const options = this.#options;
    const { commit } = origin;
    for (let pass = 0; pass < (options.followRenames ? 2 : 1); pass++) {
      for (let i = 0; i < parents.length; i++) {
        if (found[i] !== undefined) continue;
        const parent = parents[i]!;
        if (!(await options.pool.load(parent))) continue;
        const there = pass === 0 ? await this.#sameName(parent, origin) : await this.#otherName(parent, origin);
        if (there === undefined) continue;
        if (there.oid === origin.oid) {
          this.#passWhole(origin, there);
          return;
        }
        if (!found.some((one, j) => j < i && one !== undefined && one.oid === there.oid)) found[i] = there;
      }
    }
    this.commits++;
    for (const parent of found) {
      if (parent === undefined) continue;
      origin.previous ??= parent;
      await this.#passToParent(origin, parent, false);
      if (origin.suspects.length === 0) return;
    }
    if (options.ignored.has(commit.oid)) {
      for (const parent of found) {
        if (parent === undefined) continue;
        await this.#passToParent(origin, parent, true);
        if (origin.suspects.length === 0) return;
      }
    }
    const { moves, copies } = options;
    if (moves === undefined && copies === undefined) return;
    let small: BlameEntry[] = [];
    if (moves !== undefined) {
      small = await this.#filterSmall(origin, moves, small);
      for (const parent of found) {
        if (parent === undefined || origin.suspects.length === 0) continue;
        small = await this.#findMoves(origin, parent, moves, small);
      }
    }
    if (copies !== undefined) {
      if (moves === undefined || copies > moves) small = await this.#filterSmall(origin, copies, small);
      else if (copies < moves) {
        origin.suspects = byOriginLine([...origin.suspects, ...small]);
        small = await this.#filterSmall(origin, copies, []);
      }
      for (let i = 0; i < parents.length && origin.suspects.length > 0; i++) {
        small = await this.#findCopies(origin, parents[i]!, found[i], copies, small);
      }
    }
    origin.suspects = byOriginLine([...origin.suspects, ...small]);
  }

  #passWhole(origin: BlameOrigin, parent: BlameOrigin): void {
    parent.lines ??= origin.lines;
    if (this.#held.delete(origin)) this.#held.add(parent);
    const entries = origin.suspects;
    origin.suspects = [];
    for (const entry of entries) entry.origin = parent;
    this.#queueEntries(parent, entries);
  }

  #queueEntries(origin: BlameOrigin, entries: BlameEntry[]): void {
    if (entries.length === 0) return;
    const waiting = this.#originsOf(origin.commit).some((one) => one.suspects.length > 0);
    origin.suspects = byOriginLine([...origin.suspects, ...entries]);
    if (!waiting) this.#push(origin.commit);
  }

  async #sameName(parent: CommitNode, origin: BlameOrigin): Promise<BlameOrigin | undefined> {
    const known = this.#originsOf(parent).find((one) => one.path === origin.path);
    if (known !== undefined) return known;
    const fake = this.fake.get(parent);
    if (fake !== undefined) return undefined;
    const found = await findPath(this.#options.repository, parent.tree, origin.path);
    if (found === undefined) return undefined;
    const blob = isRegularMode(found.mode) || isSymlinkMode(found.mode);
    if (!blob || isSymlinkMode(found.mode) !== isSymlinkMode(origin.mode)) return undefined;
    return this.#origin(parent, origin.path, found.oid, found.mode);
  }

  /** The file under the name it had in the parent. */
  async #otherName(parent: CommitNode, origin: BlameOrigin): Promise<BlameOrigin | undefined> {
    const { repository } = this.#options;
    const tree = this.fake.has(origin.commit) ? undefined : origin.commit.tree;
    if (tree === undefined) return undefined;
    const pairs = await this.#pairs(parent.tree, tree, false);
    if (!pairs.some((pair) => pair.status === 'A' && pair.new.path === origin.path)) return undefined;
    const { pairs: found } = await detectRenames(pairs, {
      find: 'renames',
      only: origin.path,
      limit: repository.config.getInt('diff.renamelimit') ?? 1000,
    });
    const pair = found.find((one) => (one.status === 'R' || one.status === 'C') && one.new.path === origin.path);
    if (pair?.old.oid === undefined) return undefined;
    return this.#origin(parent, pair.old.path, pair.old.oid, pair.old.mode);
  }

  async #pairs(before: Oid, after: Oid, unmodified: boolean): Promise<FilePair[]> {
    const { repository } = this.#options;
    const pairs: FilePair[] = [];
    await diffTrees(
      repository.objects,
      before,
      after,
      repository.oidLength,
      { recursive: true, unmodified },
      (change) => {
        pairs.push(pairOfChange(repository.objects, change));
      },
    );
    return pairs;
  }

  #changes(a: Lines, b: Lines): Change[] {
    return diffLines(a, b, { ...this.#options.diff, trimTail: true });
  }

  /** Lines that are the same in the parent are the parent's to explain. */
  async #passToParent(target: BlameOrigin, parent: BlameOrigin, ignoring: boolean): Promise<void> {
    const b = await this.lines(target);
    const a = await this.lines(parent, b);
    const changes = this.#changes(a, b);
    this.patches++;
    const kept: BlameEntry[] = [];
    const passed: BlameEntry[] = [];
    const piece = (entry: BlameEntry, from: number, to: number): BlameEntry => ({
      ...entry,
      line: entry.line + (from - entry.originLine),
      originLine: from,
      count: to - from,
      score: 0,
    });
    const fuzzy = ignoring ? new FuzzyMatcher(a, b, changes) : undefined;
    for (const entry of target.suspects) {
      let at = entry.originLine;
      const end = at + entry.count;
      let offset = 0;
      for (const change of changes) {
        if (at >= end) break;
        // Lines before the change are unchanged.
        if (change.b > at) {
          const to = Math.min(end, change.b);
          const own = piece(entry, at, to);
          own.originLine = at + offset;
          own.origin = parent;
          passed.push(own);
          at = to;
        }
        offset = change.a + change.aCount - (change.b + change.bCount);
        const changeEnd = change.b + change.bCount;
        if (at < end && at < changeEnd) {
          const to = Math.min(end, changeEnd);
          if (fuzzy === undefined) kept.push(piece(entry, at, to));
          else {
            for (const guess of fuzzy.guess(change, at, to)) {
              const own = piece(entry, guess.from, guess.to);
              if (guess.parentLine === undefined) {
                own.unblamable = true;
                kept.push(own);
              } else {
                own.ignored = true;
                own.originLine = guess.parentLine;
                own.origin = parent;
                passed.push(own);
              }
            }
          }
          at = to;
        }
      }
      if (at < end) {
        const own = piece(entry, at, end);
        own.originLine = at + offset;
        own.origin = parent;
        passed.push(own);
      }
    }
    target.suspects = kept;
    this.#queueEntries(parent, passed);
  }

  /** Letters and digits in a run of lines, plus one: what decides whether it is worth a guess. */
  score(entry: BlameEntry): number {
    if (entry.score > 0) return entry.score;
    const lines = this.final;
    let score = 1;
    const end = lines.starts[Math.min(lines.count, entry.line + entry.count)]!;
    for (let i = lines.starts[Math.min(lines.count, entry.line)]!; i < end; i++) {
      const byte = lines.bytes[i]!;
      if ((byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122)) score++;
    }
    entry.score = score;
    return score;
  }

  /** Takes runs that are too small out of the suspects. */
  async #filterSmall(origin: BlameOrigin, least: number, small: BlameEntry[]): Promise<BlameEntry[]> {
    const kept: BlameEntry[] = [];
    const out = [...small];
    for (const entry of origin.suspects) {
      if (this.score(entry) <= least) out.push(entry);
      else kept.push(entry);
    }
    origin.suspects = kept;
    return out;
  }

  /** The best run of an entry's lines that is in `parent` too, as the three parts the entry falls into. */
  async #bestSplit(entry: BlameEntry, parent: BlameOrigin, best: Split | undefined): Promise<Split | undefined> {
    const whole = this.final;
    const file = await this.lines(parent);
    const start = whole.starts[entry.line]!;
    const end = whole.starts[entry.line + entry.count]!;
    const part = splitLines(whole.bytes.subarray(start, end));
    let a = 0;
    let b = 0;
    const consider = async (until: number): Promise<void> => {
      if (b >= until) return;
      const middle: BlameEntry = {
        ...entry,
        line: entry.line + b,
        count: until - b,
        originLine: a,
        origin: parent,
        score: 0,
      };
      const score = this.score(middle);
      if (best !== undefined && score < best.score) return;
      best = { middle, from: b, to: until, score };
    };
    for (const change of this.#changes(file, part)) {
      await consider(Math.min(change.b, entry.count));
      a = change.a + change.aCount;
      b = change.b + change.bCount;
    }
    await consider(entry.count);
    return best;
  }

  #applySplit(entry: BlameEntry, split: Split, blamed: BlameEntry[], rest: BlameEntry[]): void {
    blamed.push(split.middle);
    if (split.from > 0) rest.push({ ...entry, count: split.from, score: 0 });
    if (split.to < entry.count) {
      rest.push({
        ...entry,
        line: entry.line + split.to,
        originLine: entry.originLine + split.to,
        count: entry.count - split.to,
        score: 0,
      });
    }
  }

  async #findMoves(
    target: BlameOrigin,
    parent: BlameOrigin,
    least: number,
    small: BlameEntry[],
  ): Promise<BlameEntry[]> {
    let unblamed = target.suspects;
    const leftover: BlameEntry[] = [];
    const blamed: BlameEntry[] = [];
    let out = small;
    while (unblamed.length > 0) {
      const next: BlameEntry[] = [];
      for (const entry of unblamed) {
        const split = await this.#bestSplit(entry, parent, undefined);
        if (split !== undefined && least < split.score) this.#applySplit(entry, split, blamed, next);
        else leftover.push(entry);
      }
      target.suspects = next;
      out = await this.#filterSmall(target, least, out);
      unblamed = target.suspects;
    }
    target.suspects = byOriginLine(leftover);
    this.#queueEntries(parent, blamed);
    return out;
  }

  async #findCopies(
    target: BlameOrigin,
    parent: CommitNode,
    known: BlameOrigin | undefined,
    least: number,
    small: BlameEntry[],
  ): Promise<BlameEntry[]> {
    const effort = this.#options.copyEffort ?? 1;
    const harder = effort >= 3 || (effort >= 2 && (known === undefined || known.path !== target.path));
    if (this.fake.has(target.commit) && target.commit.tree === '') return small;
    const pairs = await this.#pairs(parent.tree, target.commit.tree, harder);
    let unblamed = target.suspects;
    const leftover: BlameEntry[] = [];
    const blamed = new Map<BlameOrigin, BlameEntry[]>();
    let out = small;
    while (unblamed.length > 0) {
      const splits: (Split | undefined)[] = unblamed.map(() => undefined);
      const looked: BlameOrigin[] = [];
      for (const pair of pairs) {
        if (pair.old.mode === 0 || pair.old.oid === undefined) continue;
        if (!isRegularMode(pair.old.mode) && !isSymlinkMode(pair.old.mode)) continue;
        if (known !== undefined && pair.old.path === known.path) continue;
        const origin = this.#origin(parent, pair.old.path, pair.old.oid, pair.old.mode);
        looked.push(origin);
        for (let i = 0; i < unblamed.length; i++) {
          splits[i] = await this.#bestSplit(unblamed[i]!, origin, splits[i]);
        }
      }
      const next: BlameEntry[] = [];
      for (let i = 0; i < unblamed.length; i++) {
        const split = splits[i];
        const entry = unblamed[i]!;
        if (split !== undefined && least < split.score) {
          const origin = split.middle.origin;
          const list = blamed.get(origin) ?? [];
          blamed.set(origin, list);
          this.#applySplit(entry, split, list, next);
        } else leftover.push(entry);
      }
      for (const origin of looked) if (!blamed.has(origin)) this.#letGo(origin);
      target.suspects = next;
      out = await this.#filterSmall(target, least, out);
      unblamed = target.suspects;
    }
    target.suspects = byOriginLine(leftover);
    for (const [origin, entries] of blamed) this.#queueEntries(origin, entries);
    return out;
  }
}

interface Split {
  readonly middle: BlameEntry;
  /** Place in the entry, end exclusive. */
  readonly from: number;
  readonly to: number;
  readonly score: number;
}

const byOriginLine = (entries: BlameEntry[]): BlameEntry[] => entries.sort((a, b) => a.originLine - b.originLine);

/** Joins runs that follow each other in both files. */
export function coalesce(entries: readonly BlameEntry[]): BlameEntry[] {
  const out: BlameEntry[] = [];
  for (const entry of entries) {
    const last = out[out.length - 1];
    if (
      last !== undefined &&
      last.origin === entry.origin &&
      last.originLine + last.count === entry.originLine &&
      last.line + last.count === entry.line &&
      last.ignored === entry.ignored &&
      last.unblamable === entry.unblamable
    ) {
      last.count += entry.count;
      last.score = 0;
    } else out.push({ ...entry });
  }
  return out;
}

/** How often each version of the file is spoken of: by runs of lines, and as the one before another version. */
export function mentions(entries: readonly BlameEntry[]): Map<BlameOrigin, number> {
  const counts = new Map<BlameOrigin, number>();
  const mention = (origin: BlameOrigin): void => {
    const before = counts.get(origin) ?? 0;
    counts.set(origin, before + 1);
    if (before === 0 && origin.previous !== undefined) mention(origin.previous);
  };
  for (const { origin } of entries) mention(origin);
  return counts;
}
