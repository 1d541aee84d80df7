import type { Bytes } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isOid, oidFromBytes, writeOid } from '../base/oid.js';
import { parseCommitLinks } from '../objects/commit.js';
import { isGitlinkMode, isTreeMode } from '../objects/mode.js';
import { parseTag } from '../objects/tag.js';
import { TreeCursor } from '../objects/tree.js';
import type { BitmapEntry } from '../packs/bitmap-file.js';
import { serializeBitmaps } from '../packs/bitmap-file.js';
import { Bitset } from '../packs/bitset.js';
import { codeOfKind } from '../packs/entry.js';
import type { WrittenMidx } from '../packs/midx-write.js';
import { nameHash } from '../packs/name-hash.js';
import type { PackFile } from '../packs/pack-file.js';
import type { Repository } from '../repo/repository.js';

/** What a bitmap is over: rows in order of name, bits in order of place. */
interface Ground {
  readonly count: number;
  find(raw: Bytes, at: number): number;
  oidAt(row: number): Oid;
  readonly bitOf: Uint32Array;
  readonly kinds: Uint8Array;
  readonly checksum: Bytes;
}

/** One pack's bitmap, beside it. Answers false (and tells why) where the pack does not hold all that it names. */
export async function writePackBitmap(
  repository: Repository,
  pack: PackFile,
  tell: (message: string) => void,
): Promise<boolean> {
  const { index } = pack;
  const bitOf = new Uint32Array(index.count);
  index.packOrder.forEach((row, bit) => {
    bitOf[row] = bit;
  });
  const kinds = new Uint8Array(index.count);
  for (let row = 0; row < index.count; row++) kinds[row] = codeOfKind(pack.readHeader(index.offsetAt(row)).kind);
  const ground: Ground = {
    count: index.count,
    find: (raw, at) => index.find(raw, at),
    oidAt: (row) => index.oidAt(row),
    bitOf,
    kinds,
    checksum: index.packChecksum,
  };
  return await writeBitmaps(repository, ground, pack.path.replace(/\.pack$/, '.bitmap'), undefined, tell);
}

/** The bitmap of a multi-pack-index just written. */
export async function writeMidxBitmap(
  repository: Repository,
  objectsDirectory: string,
  midx: WrittenMidx,
  snapshot: readonly string[] | undefined,
  tell: (message: string) => void = () => {},
): Promise<boolean> {
  const length = repository.oidLength;
  const bitOf = new Uint32Array(midx.count);
  midx.bitOrder.forEach((row, bit) => {
    bitOf[row] = bit;
  });
  const kinds = new Uint8Array(midx.count);
  for (let row = 0; row < midx.count; row++) {
    kinds[row] = codeOfKind(midx.packs[midx.packNumbers[row]!]!.readHeader(midx.offsets[row]!).kind);
  }
  const compare = (row: number, raw: Bytes, at: number): number => {
    for (let i = 0; i < length; i++) {
      const difference = midx.names[row * length + i]! - raw[at + i]!;
      if (difference !== 0) return difference;
    }
    return 0;
  };
  const ground: Ground = {
    count: midx.count,
    find(raw, at) {
      let low = 0;
      let high = midx.count;
      while (low < high) {
        const middle = (low + high) >>> 1;
        const order = compare(middle, raw, at);
        if (order === 0) return middle;
        if (order < 0) low = middle + 1;
        else high = middle;
      }
      return -1;
    },
    oidAt: (row) => oidFromBytes(midx.names, row * length, length),
    bitOf,
    kinds,
    checksum: midx.checksum,
  };
  const name = oidFromBytes(midx.checksum, 0, midx.checksum.length);
  return await writeBitmaps(
    repository,
    ground,
    `${objectsDirectory}/pack/multi-pack-index-${name}.bitmap`,
    snapshot,
    tell,
  );
}

interface CommitRow {
  readonly row: number;
  readonly seconds: number;
  readonly merge: boolean;
}

/** Commits that get a bitmap: all of a small history, else the tips and ever fewer of the older ones. */
function selectCommits(commits: readonly CommitRow[], tips: ReadonlySet<number>): CommitRow[] {
  if (commits.length < 100) return [...commits];
  const chosen = new Set<CommitRow>(commits.filter(({ row }) => tips.has(row)).slice(0, 2000));
  for (let i = 0; i < commits.length; ) {
    const gap = i < 100 ? 1 : i < 20000 ? 100 : 5000;
    const group = commits.slice(i, i + gap);
    chosen.add(group.find(({ merge }) => merge) ?? group[group.length - 1]!);
    i += i < 100 ? 25 : gap;
  }
  return [...chosen];
}

async function writeBitmaps(
  repository: Repository,
  ground: Ground,
  path: string,
  snapshot: readonly string[] | undefined,
  tell: (message: string) => void,
): Promise<boolean> {
  const { platform, objects, oidLength } = repository;
  const raw = new Uint8Array(oidLength);
  const rowOf = (oid: string): number => {
    writeOid(oid, raw, 0);
    return ground.find(raw, 0);
  };
  const read = async (oid: Oid): Promise<Bytes> => {
    const object = await objects.read(oid);
    if (object === undefined) throw new GitError('OBJECT_MISSING', `unable to read ${oid}`, { data: { oid } });
    return object.data;
  };
  const types = [1, 2, 3, 4].map(() => new Bitset(ground.count)) as [Bitset, Bitset, Bitset, Bitset];
  const commits: CommitRow[] = [];
  for (let row = 0; row < ground.count; row++) {
    const kind = ground.kinds[row]!;
    types[kind - 1]!.add(ground.bitOf[row]!);
    if (kind !== 1) continue;
    const { seconds, parents } = parseCommitLinks(await read(ground.oidAt(row)));
    commits.push({ row, seconds, merge: parents.length > 1 });
  }
  commits.sort((a, b) => b.seconds - a.seconds || a.row - b.row);
  const tips = new Set<number>();
  if (snapshot !== undefined) {
    for (const line of snapshot) {
      const oid = line.replace(/^\+/, '');
      if (!isOid(oid)) continue;
      const row = rowOf(await peel(oid));
      if (row >= 0) tips.add(row);
    }
  } else {
    for await (const ref of repository.refs.list('refs/')) {
      const row = rowOf(ref.peeled ?? (await peel(ref.oid)));
      if (row >= 0) tips.add(row);
    }
  }
  async function peel(oid: Oid): Promise<Oid> {
    for (let at = oid; ; ) {
      const object = await objects.read(at);
      if (object?.kind !== 'tag') return at;
      at = parseTag(object.data).target;
    }
  }
  const hashes = new Uint32Array(ground.count);
  const made = new Map<number, Bitset>();
  const missing = (oid: Oid): GitError =>
    new GitError(
      'OBJECT_MISSING',
      `Failed to write bitmap index. Packfile doesn't have full closure (object ${oid} is missing)`,
      {
        data: { oid },
      },
    );
  const walkTree = async (row: number, set: Bitset, path: string): Promise<void> => {
    const data = await read(ground.oidAt(row));
    const cursor = new TreeCursor(data, oidLength);
    while (cursor.next()) {
      if (isGitlinkMode(cursor.mode)) continue;
      const child = ground.find(data, cursor.oidStart);
      if (child < 0) throw missing(cursor.oid);
      if (!set.add(ground.bitOf[child]!)) continue;
      const below = path === '' ? cursor.name : `${path}/${cursor.name}`;
      if (hashes[child] === 0) hashes[child] = nameHash(below);
      if (isTreeMode(cursor.mode)) await walkTree(child, set, below);
    }
  };
  const reach = async (start: number): Promise<Bitset> => {
    const set = new Bitset(ground.count);
    const stack = [start];
    const roots: number[] = [];
    // All commits first: what their ancestors' sets hold need not be walked again.
    while (stack.length > 0) {
      const row = stack.pop()!;
      if (set.has(ground.bitOf[row]!)) continue;
      const known = made.get(row);
      if (known !== undefined) {
        set.or(known);
        continue;
      }
      set.add(ground.bitOf[row]!);
      const { tree, parents } = parseCommitLinks(await read(ground.oidAt(row)));
      const root = rowOf(tree);
      if (root < 0) throw missing(tree);
      roots.push(root);
      for (const parent of parents) {
        const next = rowOf(parent);
        if (next < 0) throw missing(parent);
        stack.push(next);
      }
    }
    for (const root of roots) if (set.add(ground.bitOf[root]!)) await walkTree(root, set, '');
    return set;
  };
  // The oldest first, so that each finds its ancestors' sets made.
  const selected = selectCommits(commits, tips).sort((a, b) => a.seconds - b.seconds || b.row - a.row);
  const entries: BitmapEntry[] = [];
  try {
    for (const { row } of selected) {
      const set = await reach(row);
      made.set(row, set);
      entries.push({ row, set });
    }
  } catch (error) {
    if (!isGitError(error, 'OBJECT_MISSING')) throw error;
    tell(error.message);
    return false;
  }
  const { config } = repository;
  const bytes = serializeBitmaps(platform, repository.objectFormat, {
    checksum: ground.checksum,
    types,
    entries,
    hashes: config.getBool('pack.writebitmaphashcache', true) ? hashes : undefined,
    lookupTable: config.getBool('pack.writebitmaplookuptable', false),
  });
  platform.fs.remove(path);
  platform.fs.writeFile(path, bytes, 0o444);
  return true;
}
