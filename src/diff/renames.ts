import { isPromise, type Awaitable } from '../base/awaitable.js';
import { emptyBlobOid, isZeroOid, type Oid } from '../base/oid.js';
import { baseName } from '../base/path.js';
import { isRegularMode, sameType } from '../objects/mode.js';
import { exists, type DiffSide, type FilePair } from './pair.js';
import { chunksOf, countChanges, defaultRenameScore, maxScore, similarity, sizesTooDifferent } from './similarity.js';
import type { Chunks } from './similarity.js';

export interface RenameOptions {
  /** What to look for; `copies` includes renames (`-C`). */
  readonly find: 'none' | 'renames' | 'copies';
  /** Similarity from which on two files are a pair, 0 to 60,000; 30,000 (50 %) by default. `-M90%`. */
  readonly minimumScore?: number | undefined;
  /** Give up on similar (not on equal) files when sources times destinations exceed its square; 0: no limit. `-l`. */
  readonly limit?: number | undefined;
  /** The pairs include unmodified files, as sources of copies (`--find-copies-harder`). */
  readonly harder?: boolean | undefined;
  /** Pair empty files too; on by default (`--no-rename-empty`). */
  readonly empty?: boolean | undefined;
  /** `-B`: split total rewrites first. Scores from 0 to 60,000. */
  readonly rewrites?:
    | {
        /** How much of a file must change to be split for the search; 30,000 by default. */
        readonly split?: number | undefined;
        /** How much must be gone for the pair to stay split in the output; 36,000 by default. */
        readonly keep?: number | undefined;
      }
    | undefined;
  /** Only this destination matters (`--follow`). */
  readonly only?: string | undefined;
  /** The id of a side's content where the side does not say it. */
  readonly identify?: ((side: DiffSide) => Awaitable<Oid>) | undefined;
}

export interface RenameResult {
  readonly pairs: FilePair[];
  /** What `limit` would have had to be for the search that was skipped; 0 when nothing was. */
  readonly neededLimit: number;
  /** Only modified files were considered as sources of copies, to stay within the limit. */
  readonly reduced: boolean;
}

/** A pair while it may still change. */
interface Draft {
  old: DiffSide;
  new: DiffSide;
  score: number;
  /** Half of a pair that was split. */
  split: boolean;
  renamed: boolean;
  unmerged: boolean;
}

interface Candidate {
  destination: number;
  source: number;
  score: number;
  sameName: number;
}

/** How many sources are remembered per destination. */
const candidates = 4;

/**
 * Pairs deleted (or, for copies, changed) with added files as git does: equal content first, then equal base names, then
 * the best of the rest by similarity. Answers the pairs with their final statuses; unmodified ones are dropped.
 * Equals `git diff -M -C -B -l`.
 */
export async function detectRenames(pairs: readonly FilePair[], options: RenameOptions): Promise<RenameResult> {
  return new Detection(options).run(pairs);
}

class Detection {
  private readonly chunkCache = new Map<DiffSide, Chunks>();
  private readonly sizeCache = new Map<DiffSide, number>();
  private readonly idCache = new Map<DiffSide, Oid>();
  /** How many pairs use a side as their source. */
  private readonly uses = new Map<DiffSide, number>();
  private sources: Draft[] = [];
  private readonly destinations: Draft[] = [];
  private readonly copies: boolean;
  private readonly minimum: number;
  private neededLimit = 0;
  private reduced = false;

  constructor(private readonly options: RenameOptions) {
    this.copies = options.find === 'copies';
    this.minimum = options.minimumScore || defaultRenameScore;
  }

  async run(pairs: readonly FilePair[]): Promise<RenameResult> {
    let drafts: Draft[] = pairs.map((pair) => ({
      old: pair.old,
      new: pair.new,
      score: pair.score,
      split: false,
      renamed: pair.status === 'R' || pair.status === 'C',
      unmerged: pair.status === 'U',
    }));
    if (this.options.rewrites !== undefined) drafts = await this.splitRewrites(drafts);
    if (this.options.find !== 'none') drafts = await this.findRenames(drafts);
    if (this.options.rewrites !== undefined) drafts = this.joinRewrites(drafts);
    return { pairs: this.resolve(drafts), neededLimit: this.neededLimit, reduced: this.reduced };
  }

  private used(side: DiffSide): number {
    return this.uses.get(side) ?? 0;
  }

  private use(side: DiffSide): void {
    this.uses.set(side, this.used(side) + 1);
  }

  private chunks(side: DiffSide): Awaitable<Chunks> {
    const known = this.chunkCache.get(side);
    if (known !== undefined) return known;
    const content = side.read();
    const keep = (bytes: Uint8Array): Chunks => {
      const made = chunksOf(bytes);
      this.chunkCache.set(side, made);
      this.sizeCache.set(side, bytes.length);
      return made;
    };
    return isPromise(content) ? content.then(keep) : keep(content);
  }

  private size(side: DiffSide): Awaitable<number> {
    const known = this.sizeCache.get(side);
    if (known !== undefined) return known;
    const size = side.size?.();
    const keep = (told: number | undefined): Awaitable<number> => {
      if (told !== undefined) {
        this.sizeCache.set(side, told);
        return told;
      }
      const chunks = this.chunks(side);
      return isPromise(chunks) ? chunks.then((made) => made.size) : chunks.size;
    };
    return isPromise(size) ? size.then(keep) : keep(size);
  }

  private id(side: DiffSide): Awaitable<Oid> {
    if (!isZeroOid(side.oid) || this.options.identify === undefined) return side.oid;
    const known = this.idCache.get(side);
    if (known !== undefined) return known;
    const id = this.options.identify(side);
    const keep = (told: Oid): Oid => {
      this.idCache.set(side, told);
      return told;
    };
    return isPromise(id) ? id.then(keep) : keep(id);
  }

  private async score(from: DiffSide, to: DiffSide): Promise<number> {
    if (!isRegularMode(from.mode) || !isRegularMode(to.mode)) return 0;
    let fromSize = this.size(from);
    if (isPromise(fromSize)) fromSize = await fromSize;
    let toSize = this.size(to);
    if (isPromise(toSize)) toSize = await toSize;
    if (sizesTooDifferent(fromSize, toSize, this.minimum)) return 0;
    let fromChunks = this.chunks(from);
    if (isPromise(fromChunks)) fromChunks = await fromChunks;
    let toChunks = this.chunks(to);
    if (isPromise(toChunks)) toChunks = await toChunks;
    return similarity(fromChunks, toChunks, this.minimum);
  }

  // ---------------------------------------------------------------- rewrites

  private async splitRewrites(drafts: readonly Draft[]): Promise<Draft[]> {
    const { split: splitScore, keep: keepScore } = this.options.rewrites!;
    const out: Draft[] = [];
    for (const draft of drafts) {
      const { old, new: fresh } = draft;
      const blobs = isBlob(old) && isBlob(fresh) && old.path === fresh.path && !draft.unmerged;
      const gone = blobs ? await this.rewriteScore(old, fresh, splitScore || defaultRenameScore) : undefined;
      if (gone === undefined) {
        out.push(draft);
        continue;
      }
      const score = gone < (keepScore || 36_000) ? 0 : gone;
      const shared = { score, split: true, renamed: false, unmerged: false };
      out.push({ old, new: absent(fresh), ...shared }, { old: absent(old), new: fresh, ...shared });
    }
    return out;
  }

  /** How much of the old content is gone (0 to 60,000) if the change is so big that it counts as a rewrite. */
  private async rewriteScore(old: DiffSide, fresh: DiffSide, limit: number): Promise<number | undefined> {
    if (isRegularMode(old.mode) !== isRegularMode(fresh.mode)) return maxScore;
    if (!isZeroOid(old.oid) && old.oid === fresh.oid) return undefined;
    const from = await this.chunks(old);
    const to = await this.chunks(fresh);
    const larger = Math.max(from.size, to.size);
    if (larger < 400 || from.size === 0) return undefined;
    const { copied: copiedRaw, added: addedRaw } = countChanges(from, to);
    const copied = Math.min(copiedRaw, from.size);
    let added = addedRaw;
    if (to.size < added + copied) added = copied < to.size ? to.size - copied : 0;
    const removed = from.size - copied;
    const gone = Math.floor((removed * maxScore) / from.size);
    if (gone > limit) return gone;
    if (((removed + added) * maxScore) / larger < limit) return undefined;
    // mostly a removal, not a rewrite
    if (from.size * limit < removed * maxScore && added * 20 < removed && added * 20 < copied) return undefined;
    return gone;
  }

  /** Puts the halves of a split pair together again where neither found another partner. */
  private joinRewrites(drafts: readonly Draft[]): Draft[] {
    const out: Draft[] = [];
    const done = new Set<Draft>();
    drafts.forEach((draft, i) => {
      if (done.has(draft)) return;
      if (draft.split && draft.old.path === draft.new.path) {
        const peer = drafts
          .slice(i + 1)
          .find(
            (other) =>
              !done.has(other) && other.split && other.old.path === other.new.path && other.new.path === draft.old.path,
          );
        if (peer !== undefined) {
          done.add(peer);
          const [gone, made] = exists(draft.old) ? [draft, peer] : [peer, draft];
          this.use(gone.old);
          out.push({ ...draft, old: gone.old, new: made.new, split: false, renamed: false });
          return;
        }
      }
      out.push(draft);
    });
    return out;
  }

  // ---------------------------------------------------------------- renames

  private async findRenames(drafts: readonly Draft[]): Promise<Draft[]> {
    const { empty = true, only } = this.options;
    const isEmpty = (side: DiffSide): boolean =>
      side.oid === emptyBlobOid('sha1') || side.oid === emptyBlobOid('sha256');
    let anySplit = false;
    /** Where the other half of a split pair's deletion is. */
    const counterpart = new Map<Draft, Draft>();
    let waiting: Draft | undefined;
    for (const draft of drafts) {
      if (draft.unmerged) continue;
      if (!exists(draft.old)) {
        if (!exists(draft.new)) continue;
        if (only !== undefined && only !== draft.new.path) continue;
        if (!empty && isEmpty(draft.new)) continue;
        if (waiting !== undefined && draft.split) counterpart.set(waiting, draft);
        this.destinations.push(draft);
      } else if (!empty && isEmpty(draft.old)) {
      } else if (!exists(draft.new)) {
        if (draft.split) {
          anySplit = true;
          waiting = draft;
          if (draft.score === 0) this.use(draft.old);
        }
        this.sources.push(draft);
      } else if (this.copies) {
        this.use(draft.old);
        this.sources.push(draft);
      }
    }
    if (this.destinations.length > 0 && this.sources.length > 0) {
      await this.exact();
      if (this.minimum < maxScore) {
        const cull = !this.copies && !anySplit;
        if (cull) {
          this.dropUsedSources();
          await this.byBaseName();
          this.dropUsedSources();
        }
        await this.bySimilarity();
      }
    }
    return drafts.filter((draft) => {
      if (draft.unmerged) return true;
      if (!exists(draft.old)) return true;
      if (exists(draft.new)) return draft.renamed || !isUnmodified(draft);
      if (draft.split) return counterpart.get(draft)?.renamed !== true;
      return this.used(draft.old) === 0;
    });
  }

  private record(destination: Draft, source: Draft, score: number): void {
    this.use(source.old);
    const samePath = source.old.path === destination.new.path;
    destination.old = source.old;
    destination.renamed = true;
    destination.score = samePath ? source.score : score;
  }

  /** Equal content: an unused source with the same base name, else an unused one, else (copies) any. */
  private async exact(): Promise<void> {
    const byId = new Map<Oid, Draft[]>();
    for (const source of this.sources) {
      let id = this.id(source.old);
      if (isPromise(id)) id = await id;
      const known = byId.get(id);
      if (known === undefined) byId.set(id, [source]);
      else known.push(source);
    }
    for (const destination of this.destinations) {
      let id = this.id(destination.new);
      if (isPromise(id)) id = await id;
      const target = destination.new;
      if (isZeroOid(target.oid)) target.learn?.(id);
      let best: Draft | undefined;
      let bestScore = -1;
      let looked = 0;
      for (const source of byId.get(id) ?? []) {
        const from = source.old;
        if ((!isRegularMode(from.mode) || !isRegularMode(target.mode)) && from.mode !== target.mode) continue;
        const used = this.used(from) > 0;
        if (used && !this.copies) continue;
        const score = (used ? 0 : 1) + sameBaseName(from.path, target.path);
        if (score > bestScore) {
          best = source;
          bestScore = score;
          if (score === 2) break;
        }
        if (looked++ > 100) break;
      }
      if (best !== undefined) this.record(destination, best, maxScore);
    }
  }

  private dropUsedSources(): void {
    this.sources = this.sources.filter((source) => this.used(source.old) === 0);
  }

  /** A base name that one source and one destination alone have left pairs them from a higher score on. */
  private async byBaseName(): Promise<void> {
    const least = this.minimum + Math.floor(0.5 * (maxScore - this.minimum));
    const unique = <T>(items: readonly T[], nameOf: (item: T) => string): Map<string, T | undefined> => {
      const names = new Map<string, T | undefined>();
      for (const item of items) {
        const name = baseName(nameOf(item));
        names.set(name, names.has(name) ? undefined : item);
      }
      return names;
    };
    const sourceNames = unique(this.sources, (source) => source.old.path);
    const left = this.destinations.filter((destination) => !destination.renamed);
    const destinationNames = unique(left, (destination) => destination.new.path);
    for (const source of this.sources) {
      const name = baseName(source.old.path);
      if (sourceNames.get(name) === undefined) continue;
      const destination = destinationNames.get(name);
      if (destination === undefined || destination.renamed) continue;
      const score = await this.score(source.old, destination.new);
      if (score >= least) this.record(destination, source, score);
    }
  }

  private async bySimilarity(): Promise<void> {
    const left = this.destinations.filter((destination) => !destination.renamed);
    if (left.length === 0 || this.sources.length === 0) return;
    const limit = this.options.limit ?? 0;
    let skipUnmodified = false;
    if (limit > 0 && left.length * this.sources.length > limit * limit) {
      this.neededLimit = Math.max(left.length, this.sources.length);
      if (this.options.harder !== true) return;
      const modified = this.sources.filter((source) => !isUnmodified(source)).length;
      if (left.length * modified > limit * limit) return;
      this.reduced = true;
      skipUnmodified = true;
    }
    const unused: Candidate = { destination: -1, source: -1, score: 0, sameName: 0 };
    const matrix: Candidate[] = [];
    for (let i = 0; i < left.length; i++) {
      const row: Candidate[] = Array.from({ length: candidates }, () => unused);
      const target = left[i]!.new;
      for (let j = 0; j < this.sources.length; j++) {
        const source = this.sources[j]!;
        if (skipUnmodified && isUnmodified(source)) continue;
        const from = source.old;
        const score = this.scoreNow(from, target) ?? (await this.score(from, target));
        const made = { destination: i, source: j, score, sameName: sameBaseName(from.path, target.path) };
        let worst = 0;
        for (let k = 1; k < candidates; k++) if (order(row[k]!, row[worst]!) > 0) worst = k;
        if (order(row[worst]!, made) > 0) row[worst] = made;
      }
      matrix.push(...row);
    }
    matrix.sort(order); // stable, as it has to be
    const settle = (withUsed: boolean): void => {
      for (const candidate of matrix) {
        if (candidate.destination < 0 || candidate.score < this.minimum) break;
        const destination = left[candidate.destination]!;
        const source = this.sources[candidate.source]!;
        if (destination.renamed || (!withUsed && this.used(source.old) > 0)) continue;
        this.record(destination, source, candidate.score);
      }
    };
    settle(false);
    if (this.copies) settle(true);
  }

  /** The score where it takes no reading: spares a promise for each pair of the matrix. */
  private scoreNow(from: DiffSide, to: DiffSide): number | undefined {
    if (!isRegularMode(from.mode) || !isRegularMode(to.mode)) return 0;
    const fromSize = this.sizeCache.get(from);
    const toSize = this.sizeCache.get(to);
    if (fromSize === undefined || toSize === undefined) return undefined;
    if (sizesTooDifferent(fromSize, toSize, this.minimum)) return 0;
    const fromChunks = this.chunkCache.get(from);
    const toChunks = this.chunkCache.get(to);
    if (fromChunks === undefined || toChunks === undefined) return undefined;
    return similarity(fromChunks, toChunks, this.minimum);
  }

  // ---------------------------------------------------------------- statuses

  private resolve(drafts: readonly Draft[]): FilePair[] {
    return drafts.map((draft) => {
      const { old, new: fresh, score } = draft;
      let status: FilePair['status'];
      if (draft.unmerged) status = 'U';
      else if (!exists(old)) status = 'A';
      else if (!exists(fresh)) status = 'D';
      else if (!sameType(old.mode, fresh.mode)) status = 'T';
      else if (!draft.renamed || old.path === fresh.path) status = 'M';
      else {
        const others = this.used(old) - 1;
        this.uses.set(old, others);
        status = others > 0 ? 'C' : 'R';
      }
      return { status, old, new: fresh, score };
    });
  }
}

const isBlob = (side: DiffSide): boolean => exists(side) && (side.mode & 0o170000) !== 0o160000;

function absent(side: DiffSide): DiffSide {
  return {
    path: side.path,
    mode: 0,
    oid: '0'.repeat(side.oid.length) as Oid,
    read: () => new Uint8Array(0),
  };
}

/** The same path, mode and known id on both sides. */
function isUnmodified(draft: { readonly old: DiffSide; readonly new: DiffSide }): boolean {
  const { old, new: fresh } = draft;
  if (old.path !== fresh.path || old.mode !== fresh.mode) return false;
  return old.oid === fresh.oid && old.dirty !== true && fresh.dirty !== true;
}

const sameBaseName = (a: string, b: string): 0 | 1 => (baseName(a) === baseName(b) ? 1 : 0);

/** Best first; unused places last. */
function order(a: Candidate, b: Candidate): number {
  if (a.destination < 0) return b.destination >= 0 ? 1 : 0;
  if (b.destination < 0) return -1;
  return a.score === b.score ? b.sameName - a.sameName : b.score - a.score;
}
