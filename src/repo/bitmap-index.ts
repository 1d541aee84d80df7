import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import { writeOid } from '../base/oid.js';
import { baseName } from '../base/path.js';
import { isTracing, traceData } from '../base/trace.js';
import { CommitPool } from '../history/commit-pool.js';
import type { FilterSpec } from '../history/object-filter.js';
import { isGitlinkMode, isTreeMode } from '../objects/mode.js';
import { parseTag } from '../objects/tag.js';
import { checkTreeDepth, TreeCursor } from '../objects/tree.js';
import type { Bitmaps } from '../packs/bitmap-file.js';
import { BitmapFile, LayeredBitmaps } from '../packs/bitmap-file.js';
import { Bitset } from '../packs/bitset.js';
import type { MultiPackIndex } from '../packs/midx.js';
import { nameHash } from '../packs/name-hash.js';
import type { PackFile } from '../packs/pack-file.js';
import type { PackStore } from '../packs/pack-store.js';
import { chooseVerbatim, type VerbatimPart } from '../packs/verbatim.js';
import type { Repository } from './repository.js';

const KINDS: readonly ObjectKind[] = ['commit', 'tree', 'blob', 'tag'];

/** What a bitmap is over: a pack or a multi-pack-index. Rows are in order of name, bits in order of place. */
interface Ground {
  readonly count: number;
  find(raw: Bytes, at: number): number;
  oidAt(row: number): Oid;
}

/** The bits of one pack's objects. */
export interface PackBits {
  readonly pack: PackFile;
  readonly first: number;
  readonly count: number;
  /** Place in the pack of the object at a bit. */
  placeOf(bit: number): number;
}

/** The bitmaps of a pack or a multi-pack-index: for some commits everything that they reach. */
export class BitmapIndex {
  readonly file: Bitmaps;
  readonly count: number;
  /** Packs whose entries lie one after the other in the order of bits, the preferred one first. */
  readonly packs: () => readonly PackBits[];
  readonly #ground: Ground;
  readonly #rowOfBit: Uint32Array;
  readonly #bitOfRow: Uint32Array;

  constructor(ground: Ground, file: Bitmaps, rowOfBit: Uint32Array, packs: () => readonly PackBits[]) {
    this.packs = packs;
    this.#ground = ground;
    this.file = file;
    this.count = ground.count;
    this.#rowOfBit = rowOfBit;
    this.#bitOfRow = new Uint32Array(ground.count);
    for (let bit = 0; bit < rowOfBit.length; bit++) this.#bitOfRow[rowOfBit[bit]!] = bit;
  }

  /** The bit of an object, or -1. */
  find(raw: Bytes, at = 0): number {
    const row = this.#ground.find(raw, at);
    return row < 0 ? -1 : this.#bitOfRow[row]!;
  }

  oidAt(bit: number): Oid {
    return this.#ground.oidAt(this.#rowOfBit[bit]!);
  }

  oidOfRow(row: number): Oid {
    return this.#ground.oidAt(row);
  }

  /** What the commit at a bit reaches; `undefined` where it has no bitmap. */
  of(bit: number): Bitset | undefined {
    return this.file.of(this.#rowOfBit[bit]!);
  }

  hashAt(bit: number): number {
    return this.file.hashAt(this.#rowOfBit[bit]!);
  }

  kindAt(bit: number): ObjectKind {
    const n = this.file.types.findIndex((set) => set.has(bit));
    if (n < 0) throw new GitError('OBJECT_CORRUPT', `object '${this.oidAt(bit)}' not found in type bitmaps`);
    return KINDS[n]!;
  }
}

/**
 * The repository's bitmaps, where it has some that can be used: a multi-pack-index's, else a pack's. A broken file is
 * told to `problem` and passed over.
 */
export function openBitmapIndex(
  repository: Repository,
  problem: (message: string) => void = () => {},
): BitmapIndex | undefined {
  const attempt = (open: () => BitmapIndex | undefined): BitmapIndex | undefined => {
    try {
      return open();
    } catch (error) {
      if (!isGitError(error, 'OBJECT_CORRUPT')) throw error;
      problem(error.message);
      return undefined;
    }
  };
  let found: BitmapIndex | undefined;
  for (const { packs } of repository.objectDirectories) {
    found ??= attempt(() => openMidxBitmap(repository, packs.multiPackIndexes.toReversed(), packs));
  }
  if (found !== undefined) return found;
  for (const { packs } of repository.objectDirectories) {
    for (const pack of packs.packs()) {
      if (found === undefined) {
        found = attempt(() => openPackBitmap(repository, pack));
        if (found !== undefined) traceData('bitmap', 'opened bitmap file', `${baseName(pack.path)}`);
      } else if (isTracing() && repository.platform.fs.stat(pack.path.replace(/\.pack$/, '.bitmap')) !== undefined) {
        traceData('bitmap', 'ignoring extra bitmap file', `${baseName(pack.path)}`);
      } else if (!isTracing()) return found;
    }
  }
  return found;
}

function openPackBitmap(repository: Repository, pack: PackFile): BitmapIndex | undefined {
  const bytes = repository.platform.fs.readFile(pack.path.replace(/\.pack$/, '.bitmap'));
  if (bytes === undefined) return undefined;
  const { index } = pack;
  return new BitmapIndex(index, new BitmapFile(bytes, index.count, index.packChecksum), index.packOrder, () => [
    { pack, first: 0, count: index.count, placeOf: (bit) => bit },
  ]);
}

/** Several layers' rows, one layer's after the other. */
class LayeredGround implements Ground {
  readonly count: number;
  readonly #layers: readonly MultiPackIndex[];
  readonly #firsts: readonly number[];

  constructor(layers: readonly MultiPackIndex[], firsts: readonly number[], count: number) {
    this.#layers = layers;
    this.#firsts = firsts;
    this.count = count;
  }

  find(raw: Bytes, at: number): number {
    for (let i = 0; i < this.#layers.length; i++) {
      const row = this.#layers[i]!.find(raw, at);
      if (row >= 0) return this.#firsts[i]! + row;
    }
    return -1;
  }

  oidAt(row: number): Oid {
    let i = this.#firsts.length - 1;
    while (this.#firsts[i]! > row) i--;
    return this.#layers[i]!.oidAt(row - this.#firsts[i]!);
  }
}

/** Bitmaps of a multi-pack-index, or of its layers (the oldest first) as far up as all have some. */
export function openMidxBitmap(
  repository: Pick<Repository, 'platform' | 'env'>,
  midxs: readonly MultiPackIndex[],
  packs: PackStore,
): BitmapIndex | undefined {
  const { fs } = repository.platform;
  const layers: { midx: MultiPackIndex; bytes: Bytes; order: Uint32Array; first: number }[] = [];
  let count = 0;
  for (const midx of midxs) {
    const bytes = fs.readFile(midx.companion('bitmap'));
    if (bytes === undefined) break;
    const chunk = repository.env['GIT_TEST_MIDX_READ_RIDX'] === '0' ? undefined : midx.readChunk('RIDX');
    traceData('load_midx_revindex', 'source', chunk === undefined ? 'rev' : 'midx');
    const order = midx.bitOrder(count, chunk ?? fs.readFile(midx.companion('rev'))?.subarray(12));
    if (order === undefined) break;
    layers.push({ midx, bytes, order, first: count });
    count += midx.count;
  }
  if (layers.length === 0) return undefined;
  const rowOfBit = new Uint32Array(count);
  for (const { order, first } of layers)
    for (let bit = 0; bit < order.length; bit++) rowOfBit[first + bit] = first + order[bit]!;
  const files = layers.map(
    ({ midx, bytes, first }) => new BitmapFile(bytes, count, midx.checksum, { first, count: midx.count }),
  );
  return new BitmapIndex(
    layers.length === 1
      ? layers[0]!.midx
      : new LayeredGround(
          layers.map(({ midx }) => midx),
          layers.map(({ first }) => first),
          count,
        ),
    files.length === 1 ? files[0]! : new LayeredBitmaps(files),
    rowOfBit,
    () => layers.flatMap(({ midx, order, first }) => packsOfMidx(midx, order, first, packs)),
  );
}

/** Stretches of bits that lie in one pack each; a pack that is not there has none. `base`: the bit of the first. */
function packsOfMidx(midx: MultiPackIndex, rowOfBit: Uint32Array, base: number, store: PackStore): PackBits[] {
  const byName = new Map(store.packs().map((pack) => [baseName(pack.index.path), pack]));
  const answer: PackBits[] = [];
  const numberAt = (bit: number): number => {
    midx.offsetAt(rowOfBit[bit]!);
    return midx.packNumber;
  };
  for (let first = 0; first < midx.count; ) {
    const number = numberAt(first);
    let end = first + 1;
    while (end < midx.count && numberAt(end) === number) end++;
    const pack = byName.get(midx.packNames[number]!);
    const placeOf = (bit: number): number => pack!.index.orderOf(midx.offsetAt(rowOfBit[bit - base]!));
    if (pack !== undefined) answer.push({ pack, first: base + first, count: end - first, placeOf });
    first = end;
  }
  return answer;
}

/** An object that is reached and is not among the bitmap's. */
export interface ExtraObject {
  readonly oid: Oid;
  readonly kind: ObjectKind;
  /** Where a tree or blob was met first. */
  readonly path: string;
}

/** Everything that some objects reach: bits, and numbers of extras. */
interface Reached {
  readonly bits: Bitset;
  readonly extras: Set<number>;
  /** Bitmaps of several commits that were taken in. */
  readonly merges: Set<number>;
}

export interface BitmapWalkOptions {
  /** Trees and blobs count too; else only commits (and tags that are named). */
  readonly objects: boolean;
  /** Asked when an object is not there: `true` goes on without it. */
  readonly missing?: ((oid: Oid) => boolean) | undefined;
}

/** What wants reach and haves do not, found by bitmaps where there are some on the way. */
export class BitmapWalk {
  readonly #repository: Repository;
  readonly #index: BitmapIndex;
  readonly #options: BitmapWalkOptions;
  readonly #pool: CommitPool;
  readonly #raw: Bytes;
  readonly #extras: ExtraObject[] = [];
  readonly #extraNumbers = new Map<Oid, number>();
  /** Objects that were named: filters do not hide them. */
  readonly #tips = new Set<Oid>();
  /** Commits of bitmaps of several. */
  #members: Bitset | undefined;
  #satisfied = 0;
  #cascades = 0;
  #result: Reached;

  constructor(repository: Repository, index: BitmapIndex, options: BitmapWalkOptions) {
    this.#repository = repository;
    this.#index = index;
    this.#options = options;
    this.#raw = new Uint8Array(repository.oidLength);
    this.#pool = new CommitPool(repository.objects, { grafts: repository.grafts, graph: repository.commitGraph });
    this.#result = this.#none();
  }

  async run(wants: readonly Oid[], haves: readonly Oid[]): Promise<void> {
    const there = this.#none();
    if (haves.length > 0) await this.#reach(haves, there, undefined);
    const reached = this.#none();
    await this.#reach(wants, reached, there);
    traceData('bitmap', 'pseudo_merges_satisfied', this.#satisfied);
    traceData('bitmap', 'pseudo_merges_cascades', this.#cascades);
    reached.bits.andNot(there.bits);
    for (const extra of there.extras) reached.extras.delete(extra);
    this.#result = reached;
  }

  #none(): Reached {
    return { bits: new Bitset(this.#index.count), extras: new Set(), merges: new Set() };
  }

  /** Bitmaps of several commits help where all of those are reached, and what they add may complete others. */
  #cascade(commits: readonly Oid[], reached: Reached): void {
    if (this.#index.file.merges.length === 0) return;
    this.#members ??= this.#index.file.merges.reduce((all, { commits: own }) => {
      all.or(own);
      return all;
    }, new Bitset(this.#index.count));
    const known = new Bitset(this.#index.count);
    known.or(reached.bits);
    for (const oid of commits) {
      const bit = this.#bit(oid);
      if (bit < 0) continue;
      known.add(bit);
      const own = this.#index.of(bit);
      if (own !== undefined) known.or(own);
    }
    while (this.#satisfy(reached, known)) this.#cascades++;
  }

  /** Takes in what is known of commits that are all in `known`; `bit`: only where that one is among them. */
  #satisfy(reached: Reached, known: Bitset, bit?: number): boolean {
    let some = false;
    this.#index.file.merges.forEach((merge, i) => {
      if (reached.merges.has(i) || (bit !== undefined && !merge.commits.has(bit)) || !merge.commits.within(known))
        return;
      reached.merges.add(i);
      reached.bits.or(merge.objects);
      known.or(merge.objects);
      this.#satisfied++;
      some = true;
    });
    return some;
  }

  /** Bits of one kind, in order of place. */
  bits(kind: ObjectKind): Bitset {
    return this.#index.file.types[KINDS.indexOf(kind)]!.and(this.#result.bits);
  }

  extras(kind: ObjectKind): ExtraObject[] {
    return [...this.#result.extras].map((n) => this.#extras[n]!).filter((extra) => extra.kind === kind);
  }

  oidAt(bit: number): Oid {
    return this.#index.oidAt(bit);
  }

  /** Names of all objects of a kind: those of the bitmap in order of place, then the others. */
  *list(kind: ObjectKind): Generator<Oid> {
    for (const bit of this.bits(kind)) yield this.#index.oidAt(bit);
    for (const { oid } of this.extras(kind)) yield oid;
  }

  /** From now on filters hide what was named, too. */
  forgetTips(): void {
    this.#tips.clear();
  }

  count(kind: ObjectKind): number {
    return this.bits(kind).count() + this.extras(kind).length;
  }

  /** Takes out what can be copied from a pack as it is, and answers it. */
  takePart(bits: PackBits): VerbatimPart {
    const { pack, first, count, placeOf } = bits;
    const wanted = new Bitset(pack.index.count);
    const set = this.#result.bits;
    for (let bit = first; bit < first + count; bit++) if (set.has(bit)) wanted.add(placeOf(bit));
    const part = chooseVerbatim(pack, wanted);
    for (let bit = first; bit < first + count; bit++) {
      if (set.has(bit) && part.places.has(placeOf(bit))) set.remove(bit);
    }
    return part;
  }

  /** Takes objects of a kind out, but those that were named, and those for which `keep` says so. */
  drop(kind: ObjectKind, keep: (oid: Oid) => boolean = () => false): void {
    for (const bit of this.bits(kind)) {
      const oid = this.#index.oidAt(bit);
      if (!this.#tips.has(oid) && !keep(oid)) this.#result.bits.remove(bit);
    }
    for (const number of [...this.#result.extras]) {
      const extra = this.#extras[number]!;
      if (extra.kind === kind && !this.#tips.has(extra.oid) && !keep(extra.oid)) this.#result.extras.delete(number);
    }
  }

  #bit(oid: Oid): number {
    writeOid(oid, this.#raw, 0);
    return this.#index.find(this.#raw);
  }

  #has(reached: Reached, oid: Oid, bit: number): boolean {
    if (bit >= 0) return reached.bits.has(bit);
    const number = this.#extraNumbers.get(oid);
    return number !== undefined && reached.extras.has(number);
  }

  /** Answers whether it is new. */
  #add(reached: Reached, oid: Oid, bit: number, kind: ObjectKind, path: string): boolean {
    if (bit >= 0) return reached.bits.add(bit);
    let number = this.#extraNumbers.get(oid);
    if (number === undefined) {
      number = this.#extras.push({ oid, kind, path }) - 1;
      this.#extraNumbers.set(oid, number);
    }
    if (reached.extras.has(number)) return false;
    reached.extras.add(number);
    return true;
  }

  async #reach(roots: readonly Oid[], reached: Reached, done: Reached | undefined): Promise<void> {
    const commits: Oid<'commit'>[] = [];
    const trees: { oid: Oid; path: string }[] = [];
    const { objects } = this.#repository;
    for (const root of roots) {
      for (let oid = root; ; ) {
        if (done !== undefined) this.#tips.add(oid);
        const read = objects.readHeader(oid);
        const header = isPromise(read) ? await read : read;
        if (header === undefined) {
          // What is excluded need not be here.
          if (done === undefined || this.#options.missing?.(oid) === true) break;
          throw new GitError('OBJECT_MISSING', `bad object ${oid}`, { data: { oid } });
        }
        if (header.kind === 'commit') commits.push(oid as Oid<'commit'>);
        else if (header.kind === 'tree') trees.push({ oid, path: '' });
        else this.#add(reached, oid, this.#bit(oid), header.kind, '');
        if (header.kind !== 'tag') break;
        const tag = await objects.read(oid);
        oid = parseTag(tag!.data).target;
      }
    }
    this.#cascade(commits, reached);
    const met: Oid<'tree'>[] = [];
    for (let oid = commits.pop(); oid !== undefined; oid = commits.pop()) {
      const bit = this.#bit(oid);
      if (this.#has(reached, oid, bit) || (done !== undefined && this.#has(done, oid, bit))) continue;
      const known = bit < 0 ? undefined : this.#index.of(bit);
      if (known !== undefined) {
        reached.bits.or(known);
        continue;
      }
      this.#add(reached, oid, bit, 'commit', '');
      if (bit >= 0 && this.#members?.has(bit) === true) this.#satisfy(reached, reached.bits, bit);
      const node = this.#pool.node(oid);
      const loading = this.#pool.load(node);
      if (!(isPromise(loading) ? await loading : loading)) {
        if (done === undefined || this.#options.missing?.(oid) === true) continue;
        throw new GitError('OBJECT_MISSING', `bad object ${oid}`, { data: { oid } });
      }
      if (this.#options.objects) met.push(node.tree);
      for (const parent of node.parents) commits.push(parent.oid);
    }
    if (!this.#options.objects) return;
    for (const oid of met) await this.#tree(oid, '', reached, done, 0);
    for (const { oid, path } of trees) await this.#tree(oid, path, reached, done, 0);
  }

  async #tree(oid: Oid, path: string, reached: Reached, done: Reached | undefined, depth: number): Promise<void> {
    checkTreeDepth(depth);
    const bit = this.#bit(oid);
    if (done !== undefined && this.#has(done, oid, bit)) return;
    if (!this.#add(reached, oid, bit, 'tree', path)) return;
    const read = this.#repository.objects.read(oid);
    const object = isPromise(read) ? await read : read;
    if (object === undefined) {
      if (done === undefined || this.#options.missing?.(oid) === true) return;
      throw new GitError('OBJECT_MISSING', `bad tree object ${oid}`, { data: { oid } });
    }
    const cursor = new TreeCursor(object.data, this.#repository.oidLength);
    while (cursor.next()) {
      if (isGitlinkMode(cursor.mode)) continue;
      const childBit = this.#index.find(object.data, cursor.oidStart);
      if (childBit >= 0 && (reached.bits.has(childBit) || done?.bits.has(childBit) === true)) continue;
      const child = cursor.oid;
      const below = path === '' ? cursor.name : `${path}/${cursor.name}`;
      if (isTreeMode(cursor.mode)) await this.#tree(child, below, reached, done, depth + 1);
      else if (done === undefined || !this.#has(done, child, childBit)) {
        this.#add(reached, child, childBit, 'blob', below);
      }
    }
  }
}

/** Who takes whole stretches of packs: of all packs, or only of the first. */
export interface PackReuse {
  readonly many: boolean;
  take(part: VerbatimPart): void;
}

/** `pack.allowPackReuse`, which `feature.experimental` widens; `undefined` where it is switched off. */
export function packReuse(repository: Repository, take: (part: VerbatimPart) => void): PackReuse | undefined {
  const { config } = repository;
  const value = config.get('pack.allowpackreuse')?.toLowerCase();
  if (value === 'single' || value === 'multi') return { many: value === 'multi', take };
  if (!config.getBool('pack.allowpackreuse', true)) return undefined;
  return { many: value === undefined && config.getBool('feature.experimental', false), take };
}

/** Filters that can be answered by kinds alone, or by looking at each blob's size. */
export function bitmapsCanFilter(filter: FilterSpec | undefined): boolean {
  if (filter === undefined) return true;
  if (filter.kind === 'combine') return filter.parts.every(bitmapsCanFilter);
  if (filter.kind === 'tree') return filter.depth === 0;
  return filter.kind === 'blob:none' || filter.kind === 'blob:limit' || filter.kind === 'object:type';
}

/** Takes out what a filter hides. */
export async function filterBitmaps(walk: BitmapWalk, repository: Repository, filter: FilterSpec): Promise<void> {
  switch (filter.kind) {
    case 'combine':
      for (const part of filter.parts) await filterBitmaps(walk, repository, part);
      return;
    case 'blob:none':
      walk.drop('blob');
      return;
    case 'tree':
      walk.drop('tree');
      walk.drop('blob');
      return;
    case 'object:type':
      for (const kind of ['commit', 'tree', 'blob', 'tag'] as const) if (kind !== filter.type) walk.drop(kind);
      return;
    case 'blob:limit': {
      const small = new Set<Oid>();
      for (const oid of walk.list('blob')) {
        const header = await repository.objects.readHeader(oid);
        if (header !== undefined && header.size < filter.limit) small.add(oid);
      }
      walk.drop('blob', (oid) => small.has(oid));
    }
  }
}

/**
 * Visits what wants reach and haves do not, by bitmaps: commits, tags, trees, blobs, each in order of place. Answers
 * false, having visited nothing, where bitmaps do not help. `hash`: the name hash of the object's path. `reuse`: is given
 * what can be copied from packs as it is, which then is not visited.
 */
export async function visitByBitmaps(
  repository: Repository,
  wants: readonly Oid[],
  haves: readonly Oid[],
  filter: FilterSpec | undefined,
  visit: (oid: Oid, kind: ObjectKind, hash: number) => void,
  reuse?: PackReuse,
): Promise<boolean> {
  if (!bitmapsCanFilter(filter) || repository.grafts.size > 0 || repository.replacements !== undefined) return false;
  const index = openBitmapIndex(repository);
  if (index === undefined) return false;
  const walk = new BitmapWalk(repository, index, { objects: true });
  await walk.run(wants, haves);
  if (filter !== undefined) await filterBitmaps(walk, repository, filter);
  if (reuse !== undefined) {
    const packs = index.packs();
    for (const bits of reuse.many ? packs : packs.slice(0, 1)) reuse.take(walk.takePart(bits));
  }
  for (const kind of ['commit', 'tag', 'tree', 'blob'] as const) {
    for (const { oid, path } of walk.extras(kind)) visit(oid, kind, path === '' ? 0 : nameHash(path));
    for (const bit of walk.bits(kind)) visit(index.oidAt(bit), kind, index.hashAt(bit));
  }
  return true;
}
