import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import type { Oid } from '../base/oid.js';
import { emptyBlobOid } from '../base/oid.js';
import { baseName, joinPath, parentPath } from '../base/path.js';
import type { Chunks } from '../diff/similarity.js';
import { chunksOf, maxScore, similarity, sizesTooDifferent } from '../diff/similarity.js';
import { readKind } from '../objects/database.js';
import { isRegularMode } from '../objects/mode.js';
import { HashOrderedMap } from './hash-order.js';
import type { MergeState, Pair, SideRenames, Version } from './tree-state.js';

export interface RenameOptions {
  /** Least score of a rename, 0 to `maxScore`. */
  readonly minimumScore: number;
  /** Files on each side of the matrix of comparisons, at most; above it only cheap matches are made. */
  readonly limit: number;
}

/** Equal contents looked at per file, before the first best one is taken. */
const mostIdentical = 100;
/** Sources kept per destination in the full comparison. */
const mostCandidates = 4;
/** Stands for "anywhere" in the counts of a directory's files not yet matched. */
const nowhereKnown = '/';

interface Source {
  readonly pair: Pair;
  readonly path: string;
  readonly version: Version;
  used: boolean;
}

interface Destination {
  readonly pair: Pair;
  readonly path: string;
  readonly version: Version;
  source: Source | undefined;
}

/** Contents of one side's candidates, each read once and kept as chunks only. */
class ChunkCache {
  readonly #state: MergeState;
  readonly #chunks = new Map<Oid, Chunks>();
  readonly #sizes = new Map<Oid, number>();

  constructor(state: MergeState) {
    this.#state = state;
  }

  async size(oid: Oid): Promise<number> {
    const known = this.#chunks.get(oid)?.size ?? this.#sizes.get(oid);
    if (known !== undefined) return known;
    const header = await this.#state.objects.readHeader?.(oid);
    const size = header?.size ?? (await this.of(oid)).size;
    this.#sizes.set(oid, size);
    return size;
  }

  async of(oid: Oid): Promise<Chunks> {
    let chunks = this.#chunks.get(oid);
    if (chunks === undefined) {
      chunks = chunksOf(await readKind(this.#state.objects, oid, 'blob'));
      this.#chunks.set(oid, chunks);
    }
    return chunks;
  }

  /** Score of two files as a rename; 0 for anything but regular files and for sizes that rule `minimum` out. */
  score(from: Version, to: Version, minimum: number): Awaitable<number> {
    if (!isRegularMode(from.mode) || !isRegularMode(to.mode)) return 0;
    const one = this.#chunks.get(from.oid);
    const two = this.#chunks.get(to.oid);
    if (one !== undefined && two !== undefined) return similarity(one, two, minimum);
    const fromSize = one?.size ?? this.#sizes.get(from.oid);
    const toSize = two?.size ?? this.#sizes.get(to.oid);
    if (fromSize !== undefined && toSize !== undefined && sizesTooDifferent(fromSize, toSize, minimum)) return 0;
    return this.#readAndScore(from.oid, to.oid, minimum);
  }

  async #readAndScore(from: Oid, to: Oid, minimum: number): Promise<number> {
    if (sizesTooDifferent(await this.size(from), await this.size(to), minimum)) return 0;
    return similarity(await this.of(from), await this.of(to), minimum);
  }
}

/**
 * Finds what one side renamed, as git's merges do: equal contents first, then files that kept a name nobody else has,
 * then the best of all pairs that are left. Only files whose new place can change the merge are compared. Turns
 * `renames.pairs` into additions, deletions and renames.
 */
export async function detectRenames(
  state: MergeState,
  renames: SideRenames,
  options: RenameOptions,
): Promise<{ readonly neededLimit: number }> {
  const search = new RenameSearch(state, renames, options);
  const neededLimit = await search.run();
  const sources = new Set(
    [...search.destinations].flatMap(({ source }) => (source === undefined ? [] : [source.pair])),
  );
  renames.pairs = renames.pairs.filter((pair) => !sources.has(pair));
  for (const { pair, source } of search.destinations) {
    if (source === undefined) continue;
    pair.kind = 'renamed';
    pair.from = { path: source.path, version: source.version };
  }
  return { neededLimit };
}

class RenameSearch {
  readonly destinations: Destination[] = [];
  #sources: Source[] = [];
  readonly #chunks: ChunkCache;
  readonly #renames: SideRenames;
  readonly #options: RenameOptions;
  readonly #counts: DirectoryCounts;
  readonly #emptyBlob: Oid;

  constructor(state: MergeState, renames: SideRenames, options: RenameOptions) {
    this.#chunks = new ChunkCache(state);
    this.#renames = renames;
    this.#options = options;
    this.#counts = new DirectoryCounts(renames);
    this.#emptyBlob = emptyBlobOid(state.write.algorithm);
  }

  /** Answers the limit that would have let the full comparison run, or 0. */
  async run(): Promise<number> {
    for (const pair of this.#renames.pairs) {
      if (pair.to !== undefined && pair.to.version.oid !== this.#emptyBlob) {
        this.destinations.push({ pair, path: pair.to.path, version: pair.to.version, source: undefined });
      } else if (pair.from !== undefined && pair.from.version.oid !== this.#emptyBlob) {
        this.#sources.push({ pair, path: pair.from.path, version: pair.from.version, used: false });
      }
    }
    let needed = 0;
    if (this.destinations.length > 0 && this.#sources.length > 0) needed = await this.#search();
    this.#counts.finish();
    return needed;
  }

  async #search(): Promise<number> {
    this.#matchIdentical();
    if (this.#options.minimumScore >= maxScore) return 0;
    this.#sources = this.#sources.filter((source) => !source.used);
    for (const { path, source } of this.destinations) if (source !== undefined) this.#counts.add(source.path, path);
    const guesses = this.#counts.guesses();
    await this.#matchBaseNames(guesses);
    const { relevant } = this.#renames;
    this.#sources = this.#sources.filter((source) => !source.used && relevant.has(source.path));
    this.#sources = this.#counts.dropDecided(this.#sources);
    const destinations = this.destinations.filter(({ source }) => source === undefined);
    if (destinations.length === 0 || this.#sources.length === 0) return 0;
    const { limit } = this.#options;
    if (destinations.length * this.#sources.length > limit * limit) {
      return Math.max(destinations.length, this.#sources.length);
    }
    await this.#matchBest(destinations);
    return 0;
  }

  #record(destination: Destination, source: Source): void {
    source.used = true;
    destination.source = source;
  }

  #matchIdentical(): void {
    const byContent = new Map<Oid, Source[]>();
    for (const source of this.#sources) {
      const list = byContent.get(source.version.oid);
      if (list === undefined) byContent.set(source.version.oid, [source]);
      else list.push(source);
    }
    for (const destination of this.destinations) {
      let best: Source | undefined;
      let looked = 0;
      for (const source of byContent.get(destination.version.oid) ?? []) {
        const regular = isRegularMode(source.version.mode) && isRegularMode(destination.version.mode);
        if (!regular && source.version.mode !== destination.version.mode) continue;
        if (source.used) continue;
        const sameName = baseName(source.path) === baseName(destination.path);
        if (best === undefined || sameName) best = source;
        if (sameName || looked++ > mostIdentical) break;
      }
      if (best !== undefined) this.#record(destination, best);
    }
  }

  /** Matches files that kept a base name, where it is unique on both sides or a guess at the directory helps. */
  async #matchBaseNames(guesses: ReadonlyMap<string, string>): Promise<void> {
    const { minimumScore } = this.#options;
    const least = minimumScore + Math.trunc(0.5 * (maxScore - minimumScore));
    const free = this.destinations.filter(({ source }) => source === undefined);
    const byPath = new Map(free.map((destination) => [destination.path, destination]));
    const sourceNames = uniqueNames(this.#sources);
    const destinationNames = uniqueNames(free);
    for (const source of this.#sources) {
      if (!this.#renames.relevant.has(source.path)) continue;
      const name = baseName(source.path);
      if (!destinationNames.has(name)) continue;
      let destination = sourceNames.get(name) === undefined ? undefined : destinationNames.get(name);
      if (destination === undefined) {
        const guess = guesses.get(parentPath(source.path));
        if (guess !== undefined) destination = byPath.get(joinPath(guess, name));
      }
      if (destination === undefined || destination.source !== undefined) continue;
      const scored = this.#chunks.score(source.version, destination.version, least);
      const score = isPromise(scored) ? await scored : scored;
      if (score < least) continue;
      this.#record(destination, source);
      this.#counts.add(source.path, destination.path);
    }
  }

  /** Compares all that is left with all that is left and takes the best pairs first. */
  async #matchBest(destinations: readonly Destination[]): Promise<void> {
    const { minimumScore } = this.#options;
    const matrix: Candidate[] = [];
    for (const destination of destinations) {
      const best: (Candidate | undefined)[] = new Array(mostCandidates).fill(undefined);
      for (const source of this.#sources) {
        const scored = this.#chunks.score(source.version, destination.version, minimumScore);
        const score = isPromise(scored) ? await scored : scored;
        const sameName = baseName(source.path) === baseName(destination.path);
        const candidate: Candidate = { destination, source, score, sameName };
        let worst = 0;
        for (let i = 1; i < mostCandidates; i++) if (compareCandidates(best[i], best[worst]) > 0) worst = i;
        if (compareCandidates(best[worst], candidate) > 0) best[worst] = candidate;
      }
      for (const candidate of best) if (candidate !== undefined) matrix.push(candidate);
    }
    matrix.sort(compareCandidates);
    for (const { destination, source, score } of matrix) {
      if (score < minimumScore) break;
      if (destination.source !== undefined || source.used) continue;
      this.#record(destination, source);
      this.#counts.add(source.path, destination.path);
    }
  }
}

interface Candidate {
  readonly destination: Destination;
  readonly source: Source;
  readonly score: number;
  readonly sameName: boolean;
}

/** Best first; nothing comes after anything. */
function compareCandidates(a: Candidate | undefined, b: Candidate | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1;
  return b.score - a.score || Number(b.sameName) - Number(a.sameName);
}

/** Base name to the one file that has it; undefined where several have. */
function uniqueNames<T extends { readonly path: string }>(files: readonly T[]): Map<string, T | undefined> {
  const names = new Map<string, T | undefined>();
  for (const file of files) {
    const name = baseName(file.path);
    names.set(name, names.has(name) ? undefined : file);
  }
  return names;
}

/** How many files went from which directory to which, kept for directories of the base that the side removed. */
class DirectoryCounts {
  readonly #renames: SideRenames;

  constructor(renames: SideRenames) {
    this.#renames = renames;
  }

  #increment(from: string, to: string): void {
    const { directoryCounts } = this.#renames;
    let counts = directoryCounts.get(from);
    if (counts === undefined) {
      counts = new HashOrderedMap();
      directoryCounts.set(from, counts);
    }
    counts.set(to, (counts.get(to) ?? 0) + 1);
  }

  /**
   * Counts a rename for the directory it left, and for those above as long as the trailing directories are the same:
   * a/b/c/x to a/d/c/x speaks for a/b/c to a/d/c and for a/b to a/d, not for a to a.
   */
  add(from: string, to: string): void {
    const { removedDirectories } = this.#renames;
    let oldDirectory = parentPath(from);
    let newDirectory = parentPath(to);
    for (let first = true; ; first = false) {
      const relevance = removedDirectories.get(oldDirectory);
      if (relevance === undefined) return;
      if (relevance === 'self' || first) this.#increment(oldDirectory, newDirectory);
      if (relevance === 'none' || oldDirectory === '' || newDirectory === '') return;
      if (baseName(oldDirectory) !== baseName(newDirectory)) return;
      oldDirectory = parentPath(oldDirectory);
      newDirectory = parentPath(newDirectory);
    }
  }

  /** Where most of each directory's files went so far. */
  guesses(): Map<string, string> {
    const guesses = new Map<string, string>();
    for (const [from, counts] of this.#renames.directoryCounts) {
      let most = 0;
      for (const [to, count] of counts) {
        if (count <= most) continue;
        most = count;
        guesses.set(from, to);
      }
    }
    return guesses;
  }

  /**
   * Drops sources that only matter for where their directory went, once the files matched so far have a majority that
   * the others cannot change.
   */
  dropDecided(sources: readonly Source[]): Source[] {
    const { removedDirectories, relevant, directoryCounts } = this.#renames;
    for (const { path } of sources) {
      let directory = parentPath(path);
      while (directory !== '' && (removedDirectories.get(directory) ?? 'none') !== 'none') {
        this.#increment(directory, nowhereKnown);
        directory = parentPath(directory);
      }
    }
    for (const [directory, counts] of directoryCounts) {
      if (removedDirectories.get(directory) === 'self' && isDecided(counts)) removedDirectories.set(directory, 'above');
    }
    return sources.filter(({ path }) => {
      if (relevant.get(path) !== 'location') return true;
      for (let directory = parentPath(path); ; directory = parentPath(directory)) {
        const relevance = removedDirectories.get(directory) ?? 'none';
        if (relevance === 'self') return true;
        if (relevance === 'none') break;
      }
      relevant.set(path, 'no more');
      return false;
    });
  }

  /** Leaves the counts that directory renames are read from. */
  finish(): void {
    const { directoryCounts, removedDirectories } = this.#renames;
    const kept = new HashOrderedMap<HashOrderedMap<number>>();
    for (const [directory, counts] of directoryCounts) {
      if ((removedDirectories.get(directory) ?? 'none') === 'none') continue;
      const known = new HashOrderedMap<number>();
      for (const [to, count] of counts) if (to !== nowhereKnown) known.set(to, count);
      kept.set(directory, known);
    }
    this.#renames.directoryCounts = kept;
  }
}

function isDecided(counts: HashOrderedMap<number>): boolean {
  let first = 0;
  let second = 0;
  let unknown = 0;
  for (const [to, count] of counts) {
    if (to === nowhereKnown) unknown = count;
    else if (count >= first) {
      second = first;
      first = count;
    } else if (count >= second) second = count;
  }
  return first > second + unknown;
}
