import { type Awaitable, isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isOid, oidFromBytes, oidToBytes, writeOid } from '../base/oid.js';
import { traceData, traceRegion } from '../base/trace.js';
import { NewRows } from '../history/tree-rows.js';
import { WalkedTrees } from '../history/walked-trees.js';
import { parseCommitLinks } from '../objects/commit.js';
import { isGitlinkMode, isTreeMode } from '../objects/mode.js';
import { parseTag } from '../objects/tag.js';
import { checkTreeDepth } from '../objects/tree.js';
import type { BitmapEntry } from '../packs/bitmap-file.js';
import { serializeBitmaps } from '../packs/bitmap-file.js';
import { Bitset } from '../packs/bitset.js';
import { codeOfKind } from '../packs/entry.js';
import type { MultiPackIndex } from '../packs/midx.js';
import { layerName } from '../packs/midx-chain.js';
import type { WrittenMidx } from '../packs/midx-write.js';
import { OidMap } from '../packs/oid-map.js';
import { nameHash } from '../packs/name-hash.js';
import type { PackFile } from '../packs/pack-file.js';
import type { PseudoMerge } from '../packs/pseudo-merges.js';
import type { BitmapIndex } from '../repo/bitmap-index.js';
import type { Repository } from '../repo/repository.js';
import { type GroupedTip, groupTips, pseudoMergeGroups } from './pseudo-merge-groups.js';

/** What a bitmap is over: rows in order of name, bits in order of place. */
interface Ground {
  /** Rows before this one are those of layers below. */
  readonly first: number;
  readonly count: number;
  find(raw: Bytes, at: number): number;
  oidAt(row: number): Oid;
  readonly bitOf: Uint32Array;
  readonly kinds: Uint8Array;
  readonly checksum: Bytes;
  readonly known?: KnownBitmaps | undefined;
}

/** Bitmaps of before. Their bits below `stable` are of the same objects as those to be written. */
interface KnownBitmaps {
  readonly index: BitmapIndex;
  readonly stable: number;
}

/** `oidAt`: by row. */
function stableBits(index: BitmapIndex, bitOf: Uint32Array, oidAt: (row: number) => Oid): KnownBitmaps {
  let stable = Math.min(index.count, bitOf.length);
  for (let row = 0; row < bitOf.length; row++) {
    const bit = bitOf[row]!;
    if (bit < stable && index.oidAt(bit) !== oidAt(row)) stable = bit;
  }
  return { index, stable };
}

/**
 * Rows by name from a hash table: every row of every tree is looked up, which is most of the work, and a search in the
 * sorted names takes ten times as long.
 */
function nameTable(
  count: number,
  oidLength: number,
  copyName: (row: number, into: Bytes) => void,
): (raw: Bytes, at: number) => number {
  const table = new OidMap(oidLength, count);
  const name = new Uint8Array(oidLength);
  for (let row = 0; row < count; row++) {
    copyName(row, name);
    table.addRaw(name);
  }
  return (raw, at) => table.findRaw(raw, at);
}

/** Kind of the entry at an offset. `known`: that of an entry by its place in the pack, where it is known; else 0. */
function kindAt(pack: PackFile, offset: number, known: (order: number) => number): number {
  const { type, baseOffset } = pack.entry(offset);
  if (baseOffset < 0) return type;
  const order = pack.index.orderOf(baseOffset);
  return (order < 0 ? 0 : known(order)) || codeOfKind(pack.readHeader(offset).kind);
}

/** One pack's bitmap, beside it. Answers false (and tells why, with `warning: ` or `error: ` in front) where the pack does not hold all that it names. */
export async function writePackBitmap(repository: Repository, pack: PackFile, tell: Tell): Promise<boolean> {
  const { index } = pack;
  const bitOf = new Uint32Array(index.count);
  index.packOrder.forEach((row, bit) => {
    bitOf[row] = bit;
  });
  const kinds = new Uint8Array(index.count);
  // In the order of the pack: bases come first, and nothing is read twice.
  for (const row of index.packOrder) {
    kinds[row] = kindAt(pack, index.offsetAt(row), (order) => kinds[index.packOrder[order]!]!);
  }
  const ground: Ground = {
    first: 0,
    count: index.count,
    find: nameTable(index.count, repository.oidLength, (row, into) => index.copyName(row, into, 0)),
    oidAt: (row) => index.oidAt(row),
    bitOf,
    kinds,
    checksum: index.packChecksum,
  };
  const candidates = async (source: Source): Promise<Candidates> => ({
    rows: [...kinds.keys()].filter((row) => kinds[row] === 1),
    preferred: await preferredTips(repository, source, tell),
  });
  return await writeBitmaps(repository, ground, pack.path.replace(/\.pack$/, '.bitmap'), candidates, tell);
}

/** What is known of a chain of multi-pack-indexes when a layer of it gets bitmaps. */
export interface ChainBelow {
  /** The layers below, the oldest first. */
  readonly layers: readonly MultiPackIndex[];
  /** Bitmaps of the chain as it is. Layers that it has in common with the chain to be have the same bits in both. */
  readonly known: BitmapIndex | undefined;
  /** Commits that had bitmaps in the layers that become one: they get them again. */
  readonly chosen?: readonly Oid[] | undefined;
}

/** The bitmap of a multi-pack-index just written. */
export async function writeMidxBitmap(
  repository: Repository,
  midx: WrittenMidx,
  snapshot: readonly string[] | undefined,
  tell: Tell = () => {},
  below: ChainBelow = { layers: [], known: undefined },
): Promise<boolean> {
  const length = repository.oidLength;
  const first = midx.baseCount;
  const total = first + midx.count;
  const bitOf = new Uint32Array(total);
  const names = new Uint8Array(total * length);
  let filled = 0;
  for (const layer of below.layers) {
    const order = layer.bitOrder(filled);
    if (order === undefined) {
      tell(`error: could not load reverse index for MIDX ${layerName(layer)}`);
      return false;
    }
    for (let bit = 0; bit < order.length; bit++) bitOf[filled + order[bit]!] = filled + bit;
    for (let row = 0; row < layer.count; row++) layer.copyName(row, names, (filled + row) * length);
    filled += layer.count;
  }
  names.set(midx.names, first * length);
  midx.bitOrder.forEach((row, bit) => {
    bitOf[first + row] = first + bit;
  });
  const kinds = new Uint8Array(total);
  const known = midx.packs.map((pack) => new Uint8Array(pack.index.count));
  for (const row of midx.bitOrder) {
    const number = midx.packNumbers[row]!;
    const pack = midx.packs[number]!;
    const own = known[number]!;
    const offset = midx.offsets[row]!;
    own[pack.index.orderOf(offset)] = kinds[first + row] = kindAt(pack, offset, (order) => own[order]!);
  }
  const oidAt = (row: number): Oid => oidFromBytes(names, row * length, length);
  const ground: Ground = {
    first,
    count: total,
    find: nameTable(total, length, (row, into) => {
      into.set(names.subarray(row * length, (row + 1) * length));
    }),
    oidAt,
    bitOf,
    kinds,
    checksum: midx.checksum,
    known: below.known === undefined ? undefined : stableBits(below.known, bitOf, oidAt),
  };
  const { chosen } = below;
  return await writeBitmaps(
    repository,
    ground,
    midx.companion('bitmap'),
    chosen === undefined
      ? (source) => reachedCandidates(repository, ground, source, snapshot, tell)
      : async (source) => ({ rows: chosen.map((oid) => source.rowOf(oid)), preferred: new Set<number>(), all: true }),
    tell,
  );
}

interface CommitRow {
  readonly row: number;
  readonly seconds: number;
  readonly merge: boolean;
}

/** Every commit up to this one gets a bitmap; after it the gaps grow with the distance to it. */
const DENSE = 100;
const WIDEST_GAP = 100;
/** From here on gaps grow again, up to `OLD_GAP`. */
const OLD = 20000;
const OLD_GAP = 5000;

function gapAt(place: number): number {
  if (place <= DENSE) return 0;
  if (place <= OLD) return Math.min(place - DENSE, WIDEST_GAP);
  return Math.max(WIDEST_GAP, Math.min(place - OLD, OLD_GAP));
}

/**
 * Commits that get a bitmap, the newest first: all of a small history, else one of each stretch, and stretches are longer
 * the older they are. In a stretch a preferred commit is taken before a merge, a merge before the oldest one.
 */
function selectCommits(commits: readonly CommitRow[], preferred: ReadonlySet<number>): CommitRow[] {
  if (commits.length < DENSE) return [...commits];
  const chosen: CommitRow[] = [];
  let place = 0;
  for (;;) {
    const end = place + gapAt(place);
    if (end >= commits.length) return chosen;
    const stretch = commits.slice(place, end + 1);
    chosen.push(
      stretch.find(({ row }) => preferred.has(row)) ??
        stretch.slice(1).findLast(({ merge }) => merge) ??
        stretch[stretch.length - 1]!,
    );
    place = end + 1;
  }
}

/** Which commits a bitmap may be of, and which of them come first. */
interface Candidates {
  readonly rows: Iterable<number>;
  readonly preferred: ReadonlySet<number>;
  /** Each of them gets one. */
  readonly all?: boolean;
}

/** A commit of the ground: rows of what it names. */
interface CommitLinks {
  readonly seconds: number;
  readonly root: number;
  readonly parents: readonly number[];
  /** What it names and the ground does not have. */
  readonly lost: Oid | undefined;
  /** Names of parents, where some are not in the ground. */
  readonly names: readonly Oid[] | undefined;
}

/** Objects as they are: replacements change what is seen, never what is reachable. */
class Source {
  readonly #repository: Repository;
  readonly #ground: Ground;
  readonly #raw: Bytes;

  constructor(repository: Repository, ground: Ground) {
    this.#repository = repository;
    this.#ground = ground;
    this.#raw = new Uint8Array(repository.oidLength);
  }

  rowOf(oid: string): number {
    writeOid(oid, this.#raw, 0);
    return this.#ground.find(this.#raw, 0);
  }

  read(oid: Oid): Awaitable<Bytes> {
    const known = this.#repository.objects.readRaw(oid);
    const check = (object: { readonly data: Bytes } | undefined): Bytes => {
      if (object !== undefined) return object.data;
      throw new GitError('OBJECT_MISSING', `unable to read ${oid}`, { data: { oid } });
    };
    return isPromise(known) ? known.then(check) : check(known);
  }

  readonly #links = new Map<number, CommitLinks>();

  /** The commit at a row; read once, since everybody asks for all of them. */
  links(row: number): Awaitable<CommitLinks> {
    const known = this.#links.get(row);
    if (known !== undefined) return known;
    const take = (data: Bytes): CommitLinks => {
      const { tree, parents, seconds } = parseCommitLinks(data);
      const root = this.rowOf(tree);
      const rows = parents.map((parent) => this.rowOf(parent));
      const lost = root < 0 ? tree : parents.find((_, i) => rows[i]! < 0);
      const links = { seconds, root, parents: rows, lost, names: lost === undefined ? undefined : parents };
      this.#links.set(row, links);
      return links;
    };
    const read = this.read(this.#ground.oidAt(row));
    return isPromise(read) ? read.then(take) : take(read);
  }

  async peel(oid: Oid): Promise<Oid> {
    for (let at = oid; ; ) {
      const object = await this.#repository.objects.readRaw(at);
      if (object?.kind !== 'tag') return at;
      at = parseTag(object.data).target;
    }
  }
}

/** Tips of the references under `pack.preferBitmapTips`, each of which names a part of the hierarchy. */
async function preferredTips(repository: Repository, source: Source, tell: Tell): Promise<Set<number>> {
  const rows = new Set<number>();
  for (const { value } of repository.config.entries().filter(({ key }) => key === 'pack.preferbitmaptips')) {
    if (value === undefined) {
      tell("error: missing value for 'pack.preferbitmaptips'");
      continue;
    }
    for await (const ref of repository.refs.list(value.endsWith('/') ? value : `${value}/`)) {
      const row = source.rowOf(ref.peeled ?? (await source.peel(ref.oid)));
      if (row >= 0) rows.add(row);
    }
  }
  return rows;
}

/** What references (or the lines of a snapshot of them, with `+` before preferred ones) reach and the ground has. */
async function reachedCandidates(
  repository: Repository,
  ground: Ground,
  source: Source,
  snapshot: readonly string[] | undefined,
  tell: Tell,
): Promise<Candidates> {
  const preferred = new Set<number>();
  const queue: Oid[] = [];
  if (snapshot === undefined) {
    for await (const ref of repository.refs.list('refs/')) queue.push(ref.peeled ?? (await source.peel(ref.oid)));
    for (const row of await preferredTips(repository, source, tell)) preferred.add(row);
  } else {
    for (const line of snapshot) {
      const oid = line.replace(/^\+/, '');
      if (!isOid(oid)) continue;
      const commit = await source.peel(oid);
      queue.push(commit);
      const row = source.rowOf(commit);
      if (row >= 0 && line.startsWith('+')) preferred.add(row);
    }
  }
  const rows = new Set<number>();
  const outside = new Set<Oid>();
  const stack: number[] = [];
  for (let oid = queue.pop(); oid !== undefined; oid = queue.pop()) {
    const first = source.rowOf(oid);
    if (first < 0) {
      if (outside.has(oid)) continue;
      outside.add(oid);
      if ((await repository.objects.readRawHeader(oid))?.kind !== 'commit') continue;
      const read = source.read(oid);
      for (const parent of parseCommitLinks(isPromise(read) ? await read : read).parents) queue.push(parent);
      continue;
    }
    stack.push(first);
    for (let row = stack.pop(); row !== undefined; row = stack.pop()) {
      // Layers below hold all that their commits reach, and have their own bitmaps.
      if (ground.kinds[row] !== 1 || rows.has(row)) continue;
      rows.add(row);
      const read = source.links(row);
      const { parents, names } = isPromise(read) ? await read : read;
      for (let i = 0; i < parents.length; i++) {
        if (parents[i]! >= 0) stack.push(parents[i]!);
        else queue.push(names![i]!);
      }
    }
  }
  return { rows, preferred };
}

/** References whose commits the ground has. */
async function groupedTips(
  repository: Repository,
  ground: Ground,
  source: Source,
  covered: (row: number) => boolean,
): Promise<GroupedTip[]> {
  const tips: GroupedTip[] = [];
  for await (const { name, oid, peeled } of repository.refs.list('refs/')) {
    const row = source.rowOf(peeled ?? (await source.peel(oid)));
    if (row < 0 || ground.kinds[row] !== 1) continue;
    const read = source.links(row);
    const { seconds } = isPromise(read) ? await read : read;
    tips.push({ ref: name, row, seconds, covered: covered(row) });
  }
  return tips;
}

type Tell = (message: string) => void;

async function writeBitmaps(
  repository: Repository,
  ground: Ground,
  path: string,
  candidates: (source: Source) => Promise<Candidates>,
  tell: Tell,
): Promise<boolean> {
  const { platform, oidLength } = repository;
  const source = new Source(repository, ground);
  const types = [1, 2, 3, 4].map(() => new Bitset(ground.count)) as [Bitset, Bitset, Bitset, Bitset];
  for (let row = ground.first; row < ground.count; row++) types[ground.kinds[row]! - 1]!.add(ground.bitOf[row]!);
  const { rows, preferred, all } = await candidates(source);
  const commits: CommitRow[] = [];
  const missing = (oid: Oid): GitError =>
    new GitError(
      'OBJECT_MISSING',
      `Failed to write bitmap index. Packfile doesn't have full closure (object ${oid} is missing)`,
      { data: { oid } },
    );
  for (const row of rows) {
    const read = source.links(row);
    const { seconds, parents } = isPromise(read) ? await read : read;
    commits.push({ row, seconds, merge: parents.length > 1 });
  }
  commits.sort((a, b) => b.seconds - a.seconds || a.row - b.row);
  const hashes = new Uint32Array(ground.count);
  const made = new Map<number, Bitset>();
  const walked = new WalkedTrees();
  /** `raw`, `at`: the tree's name. What a tree has in common with one that the set holds is in the set, too. */
  const walkTree = async (raw: Bytes, at: number, row: number, set: Bitset, path: string, depth = 0): Promise<void> => {
    checkTreeDepth(depth);
    const lent = repository.objects.borrow(raw, at);
    const read = lent === undefined ? source.read(oidFromBytes(raw, at, oidLength)) : lent.data;
    const data = isPromise(read) ? await read : read;
    // The tree itself may have been walked for another set, which says nothing about this one.
    const before = walked.alike(
      lent,
      path,
      (rows) => rows.done && rows.number !== row && set.has(ground.bitOf[rows.number]!),
    );
    const rows = walked.keep(data, lent, path);
    rows.number = row;
    const cursor = new NewRows(rows, before, oidLength);
    for (let more = cursor.next(); more !== false; more = cursor.next()) {
      if (more === undefined) {
        const oid = oidFromBytes(raw, at, oidLength);
        throw new GitError('OBJECT_CORRUPT', `too-short tree object ${oid}`, { data: { oid } });
      }
      const { mode, oidStart } = cursor;
      if (isGitlinkMode(mode)) continue;
      const child = ground.find(rows.bytes, oidStart);
      if (child < 0) throw missing(oidFromBytes(rows.bytes, oidStart, oidLength));
      if (!set.add(ground.bitOf[child]!)) continue;
      const tree = isTreeMode(mode);
      if (!tree && hashes[child] !== 0) continue;
      const below = path === '' ? cursor.name : `${path}/${cursor.name}`;
      if (hashes[child] === 0) hashes[child] = nameHash(below);
      if (tree) await walkTree(rows.bytes, oidStart, child, set, below, depth + 1);
    }
  };
  const knownOf = (row: number): Bitset | undefined => {
    const own = made.get(row);
    if (own !== undefined || ground.known === undefined) return own;
    const { index, stable } = ground.known;
    const bit = ground.bitOf[row]!;
    const set = bit < stable ? index.of(bit) : undefined;
    return set?.endsBefore(stable) === true ? set : undefined;
  };
  const reach = async (...starts: number[]): Promise<Bitset> => {
    const set = new Bitset(ground.count);
    const stack = [...starts];
    const roots: number[] = [];
    // All commits first: what their ancestors' sets hold need not be walked again.
    while (stack.length > 0) {
      const row = stack.pop()!;
      if (set.has(ground.bitOf[row]!)) continue;
      const known = knownOf(row);
      if (known !== undefined) {
        set.or(known);
        continue;
      }
      set.add(ground.bitOf[row]!);
      const read = source.links(row);
      const { root, parents, lost } = isPromise(read) ? await read : read;
      if (lost !== undefined) throw missing(lost);
      roots.push(root);
      for (const parent of parents) stack.push(parent);
    }
    for (const root of roots) {
      if (set.add(ground.bitOf[root]!)) await walkTree(oidToBytes(ground.oidAt(root)), 0, root, set, '');
    }
    return set;
  };
  const selected = all === true ? commits : selectCommits(commits, preferred);
  traceData('pack-bitmap-write', 'num_selected_commits', selected.length);
  const entries = new Array<BitmapEntry>(selected.length);
  try {
    // The oldest first, so that each finds its ancestors' sets made.
    for (let i = selected.length - 1; i >= 0; i--) {
      const { row } = selected[i]!;
      const set = await reach(row);
      made.set(row, set);
      entries[i] = { row, set };
    }
  } catch (error) {
    if (!isGitError(error, 'OBJECT_MISSING')) throw error;
    tell(`warning: ${error.message}`);
    return false;
  }
  const merges: PseudoMerge[] = [];
  // A layer stands on others, which have theirs.
  const groups = ground.first > 0 ? [] : pseudoMergeGroups(repository, tell);
  if (groups.length > 0) {
    const tips = await groupedTips(repository, ground, source, (row) => made.has(row));
    for (const members of groups.flatMap((group) => groupTips(group, tips))) {
      const set = new Bitset(ground.count);
      for (const row of members) set.add(ground.bitOf[row]!);
      try {
        merges.push({ commits: set, objects: await reach(...members) });
      } catch (error) {
        // What is not whole here cannot be said to be reached.
        if (!isGitError(error, 'OBJECT_MISSING')) throw error;
      }
    }
  }
  if (ground.known !== undefined) {
    for (let row = ground.first; row < ground.count; row++) {
      const bit = ground.bitOf[row]!;
      if (hashes[row] === 0 && bit < ground.known.stable) hashes[row] = ground.known.index.hashAt(bit);
    }
  }
  const { config } = repository;
  const lookupTable = config.getBool('pack.writebitmaplookuptable', false);
  if (lookupTable) await traceRegion('pack-bitmap-write', 'writing_lookup_table', async () => {});
  const bytes = serializeBitmaps(platform, repository.objectFormat, {
    checksum: ground.checksum,
    types,
    entries,
    merges,
    hashes: config.getBool('pack.writebitmaphashcache', true) ? hashes.subarray(ground.first) : undefined,
    lookupTable,
  });
  const temporary = `${path}.tmp`;
  platform.fs.remove(temporary);
  platform.fs.writeFile(temporary, bytes, 0o444);
  if (repository.packSync.syncMetadata) platform.fs.syncFile(temporary);
  platform.fs.rename(temporary, path);
  return true;
}
