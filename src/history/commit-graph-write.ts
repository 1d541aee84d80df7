import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { concatBytes, encodeText } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { oidFromBytes, oidToBytes, rawLength, writeOid } from '../base/oid.js';
import { traceData } from '../base/trace.js';
import { parseCommitLinks } from '../objects/commit.js';
import type { ObjectSource } from '../objects/source.js';
import { LockFile } from '../platform/lock.js';
import { writeUint32, writeUint64 } from '../platform/lazy-table.js';
import type { Platform } from '../platform/platform.js';
import type { CommitGraph } from './commit-graph.js';
import { chainPath, graphDirectory, layerPath } from './commit-graph.js';
import type { BloomSettings } from './commit-graph-bloom.js';
import { changedPaths, defaultBloomSettings, hasHighBytes, makeFilter } from './commit-graph-bloom.js';

const MOST_LEVEL = 0x3fffffff;
const NO_PARENT = 0x70000000;
const EXTRA = 0x80000000;

export interface GraphWriteOptions {
  readonly platform: Platform;
  readonly algorithm: HashAlgorithm;
  readonly objects: ObjectSource;
  readonly objectsDirectory: string;
  /** The graph that is there; its commits need not be read again. */
  readonly current?: CommitGraph | undefined;
  /** `none`: one file. `no-merge` and `replace` as in `--split=…`; `merge` is `--split` alone. */
  readonly split?: 'none' | 'merge' | 'no-merge' | 'replace';
  readonly sizeMultiple?: number;
  readonly maxCommits?: number;
  /** Layers no longer used are removed when they are not younger than this (seconds); now unless said. */
  readonly expireBefore?: number;
  /** Keep the current graph's commits too (`--append`). */
  readonly append?: boolean;
  readonly changedPaths?: boolean;
  /** What filters made anew are like; unless said, those of the graph that is there, or the usual ones. */
  readonly bloom?: Partial<BloomSettings>;
  /** Commits that change more paths than this get no filter of use; 512 unless said. */
  readonly mostPaths?: number | undefined;
  /** Filters made anew at most; the others are left empty, to be made another time. -1: no limit. */
  readonly maxNewFilters?: number;
  /** 1: no corrected dates (`commitGraph.generationVersion`). */
  readonly generationVersion?: number;
  readonly sync?: boolean;
  readonly progress?: ((title: string, done: number, total: number) => void) | undefined;
}

interface Row {
  readonly oid: Oid<'commit'>;
  readonly tree: Oid<'tree'>;
  readonly parents: readonly Oid<'commit'>[];
  readonly seconds: number;
  level: number;
  date: number;
  position: number;
}

/**
 * Writes the commit-graph of the given commits and everything they reach. Answers false where there is nothing to
 * write.
 */
export async function writeCommitGraph(tips: Iterable<Oid>, options: GraphWriteOptions): Promise<boolean> {
  const { objects, current, split = 'none' } = options;
  if (split !== 'none')
    options.platform.fs.makeDirectory(graphDirectory(options.objectsDirectory), { recursive: true });
  const rows = new Map<Oid, Row>();
  const queue: Oid[] = [];
  const reuse = split !== 'none' && split !== 'replace' ? current : undefined;
  const readRow = async (oid: Oid): Promise<Row | undefined> => {
    // From the objects, not from the graph that is there: a damaged one must not be handed on.
    const read = objects.read(oid);
    const object = isPromise(read) ? await read : read;
    if (object === undefined || object.kind !== 'commit') return undefined;
    let links: ReturnType<typeof parseCommitLinks>;
    try {
      links = parseCommitLinks(object.data);
    } catch (error) {
      if (isGitError(error)) return undefined;
      throw error;
    }
    return { oid: oid as Oid<'commit'>, ...links, level: 0, date: 0, position: -1 };
  };
  for (const oid of tips) queue.push(oid);
  if (options.append === true && current !== undefined && split === 'none') {
    for (let i = 0; i < current.count; i++) queue.push(current.oidAt(i));
  }
  // Layers that stay: what they hold is not written again.
  const inReused = (oid: Oid): boolean => reuse !== undefined && reuse.find(oid) >= 0;
  let seen = 0;
  while (queue.length > 0) {
    const oid = queue.pop()!;
    if (rows.has(oid) || inReused(oid)) continue;
    const row = await readRow(oid);
    if (row === undefined) throw new GitError('OBJECT_MISSING', `unable to parse commit ${oid}`, { data: { oid } });
    rows.set(oid, row);
    for (const parent of row.parents) if (!rows.has(parent)) queue.push(parent);
    if ((++seen & 1023) === 0) options.progress?.('Expanding reachable commits in commit graph', seen, 0);
  }
  if (rows.size === 0) return false;
  const kept = splitLayers(rows, options);
  // Merged layers' commits are written again.
  if (reuse !== undefined) {
    for (let i = kept; i < reuse.layers.length; i++) {
      const layer = reuse.layers[i]!;
      for (let row = 0; row < layer.count; row++) {
        const oid = layer.oidAt(row);
        if (!rows.has(oid)) rows.set(oid, (await readRow(oid))!);
      }
    }
  }
  const base = reuse?.layers.slice(0, kept) ?? [];
  const start = base.reduce((sum, layer) => sum + layer.count, 0);
  const sorted = [...rows.values()].sort((a, b) => (a.oid < b.oid ? -1 : 1));
  sorted.forEach((row, i) => {
    row.position = start + i;
  });
  const layerOf = (oid: Oid): Row | { level: number; date: number; position: number } => {
    const row = rows.get(oid);
    if (row !== undefined) return row;
    const position = reuse!.find(oid);
    return {
      position,
      level: reuse!.generationAt(position),
      date: reuse!.correctedDateAt(position) ?? reuse!.secondsAt(position),
    };
  };
  options.progress?.('Computing commit graph topological levels', sorted.length, sorted.length);
  options.progress?.('Computing commit graph generation numbers', sorted.length, sorted.length);
  computeGenerations(sorted, rows, layerOf);
  const withDates = (options.generationVersion ?? 2) === 2 && base.every((layer) => layer.hasDates);
  const filters = options.changedPaths === true ? await computeFilters(sorted, options, rows) : undefined;
  const bytes = serialize(
    sorted,
    layerOf,
    base.map((layer) => layer.checksum),
    withDates,
    filters,
    options,
  );
  install(
    bytes,
    base.map((layer) => layer.checksum),
    options,
  );
  return true;
}

/** How many of the current layers stay below the new one, by the rule of sizes. */
function splitLayers(rows: ReadonlyMap<Oid, Row>, options: GraphWriteOptions): number {
  const { split = 'none', current, sizeMultiple = 2, maxCommits = 0 } = options;
  if (split === 'none' || split === 'replace' || current === undefined) return 0;
  let kept = current.layers.length;
  if (split === 'no-merge') return kept;
  let size = rows.size;
  while (kept > 0) {
    const layer = current.layers[kept - 1]!;
    // What lies in an alternate is not ours to merge.
    if (!layer.path.startsWith(`${options.objectsDirectory}/`)) break;
    if (layer.count > sizeMultiple * size && !(maxCommits > 0 && size > maxCommits)) break;
    size += layer.count;
    kept--;
  }
  return kept;
}

function computeGenerations(
  sorted: readonly Row[],
  rows: ReadonlyMap<Oid, Row>,
  lookUp: (oid: Oid) => { level: number; date: number },
): void {
  const stack: Row[] = [];
  for (const start of sorted) {
    if (start.level > 0) continue;
    stack.push(start);
    while (stack.length > 0) {
      const row = stack[stack.length - 1]!;
      let level = 0;
      let date = 0;
      let ready = true;
      for (const oid of row.parents) {
        const own = rows.get(oid);
        if (own !== undefined && own.level === 0) {
          stack.push(own);
          ready = false;
          continue;
        }
        const parent = own ?? lookUp(oid);
        level = Math.max(level, parent.level);
        date = Math.max(date, parent.date);
      }
      if (!ready) continue;
      stack.pop();
      row.level = Math.min(level + 1, MOST_LEVEL);
      row.date = Math.max(row.seconds, row.parents.length === 0 ? 0 : date + 1);
      if (row.date === 0) row.date = 1;
    }
  }
}

interface Filters {
  readonly settings: BloomSettings;
  readonly filters: readonly Bytes[];
}

async function computeFilters(
  sorted: readonly Row[],
  options: GraphWriteOptions,
  rows: ReadonlyMap<Oid, Row>,
): Promise<Filters> {
  const { current, objects } = options;
  const oidLength = rawLength(options.algorithm);
  // A layer without filters hides what those below it are like.
  const above = current?.layers[current.layers.length - 1]?.bloom;
  const settings: BloomSettings = { ...defaultBloomSettings, ...above, ...options.bloom };
  const most = options.mostPaths ?? 512;
  const limit = options.maxNewFilters ?? -1;
  const counts = { computed: 0, kept: 0, upgraded: 0, empty: 0, large: 0 };
  const plain = new Set<string>();
  const filters = new Array<Bytes>(sorted.length);
  // Neighbours in history share trees, neighbours by name do not.
  const byDate = Array.from(sorted.keys()).sort(
    (a, b) => sorted[a]!.level - sorted[b]!.level || sorted[a]!.seconds - sorted[b]!.seconds,
  );
  const readTree = async (oid: Oid): Promise<Bytes> => {
    const read = objects.read(oid);
    const object = isPromise(read) ? await read : read;
    if (object === undefined) throw new GitError('OBJECT_MISSING', `unable to read tree (${oid})`);
    return object.data;
  };
  const readRaw = (data: Bytes, at: number) => readTree(oidFromBytes(data, at, oidLength));
  const treeOf = async (oid: Oid): Promise<Bytes> => {
    const row = rows.get(oid);
    if (row !== undefined) return readTree(row.tree);
    const position = current?.find(oid) ?? -1;
    return position >= 0 ? readTree(current!.treeAt(position)) : readTree(parseCommitLinks(await readTree(oid)).tree);
  };
  // Filters of the two versions are the same where no path has bytes above 0x7f.
  const highBytes = async (row: Row): Promise<boolean> => {
    if (await hasHighBytes(await readTree(row.tree), oidLength, readRaw, plain)) return true;
    const parent = row.parents[0];
    return parent !== undefined && (await hasHighBytes(await treeOf(parent), oidLength, readRaw, plain));
  };
  let looked = 0;
  for (const i of byDate) {
    const row = sorted[i]!;
    if ((looked++ & 255) === 0)
      options.progress?.('Computing commit changed paths Bloom filters', looked, sorted.length);
    const position = current?.find(row.oid) ?? -1;
    if (position >= 0) {
      const layer = current!.layers.find((each) => position >= each.start && position < each.start + each.count)!;
      const { bloom } = layer;
      const known = layer.filterAt(position - layer.start);
      if (
        known !== undefined &&
        known.length > 0 &&
        bloom?.hashes === settings.hashes &&
        bloom.bitsPerEntry === settings.bitsPerEntry &&
        (bloom.version === settings.version || !(await highBytes(row)))
      ) {
        if (bloom.version === settings.version) counts.kept++;
        else counts.upgraded++;
        filters[i] = known.slice();
        continue;
      }
    }
    if (limit >= 0 && counts.computed >= limit) {
      counts.kept++;
      filters[i] = new Uint8Array(0);
      continue;
    }
    counts.computed++;
    const parent = row.parents[0];
    const paths = await changedPaths(
      parent === undefined ? undefined : await treeOf(parent),
      await readTree(row.tree),
      oidLength,
      readRaw,
      most,
    );
    if (paths === undefined || paths.size > most) counts.large++;
    else if (paths.size === 0) counts.empty++;
    filters[i] = makeFilter(paths, settings, most);
  }
  options.progress?.('Computing commit changed paths Bloom filters', sorted.length, sorted.length);
  traceData('bloom', 'settings', {
    hash_version: settings.version,
    num_hashes: settings.hashes,
    bits_per_entry: settings.bitsPerEntry,
    max_changed_paths: most,
  });
  traceData('commit-graph', 'filter-computed', counts.computed);
  traceData('commit-graph', 'filter-not-computed', counts.kept);
  traceData('commit-graph', 'filter-trunc-empty', counts.empty);
  traceData('commit-graph', 'filter-trunc-large', counts.large);
  traceData('commit-graph', 'filter-upgraded', counts.upgraded);
  return { settings, filters };
}

function serialize(
  sorted: readonly Row[],
  lookUp: (oid: Oid) => { position: number },
  baseNames: readonly string[],
  withDates: boolean,
  filters: Filters | undefined,
  options: GraphWriteOptions,
): Bytes {
  const { algorithm, platform } = options;
  const length = rawLength(algorithm);
  const count = sorted.length;
  const fanout = new Uint8Array(1024);
  const names = new Uint8Array(count * length);
  const data = new Uint8Array(count * (length + 16));
  const dates = new Uint8Array(count * 4);
  const overflow: number[] = [];
  const edges: number[] = [];
  const perByte = new Uint32Array(256);
  sorted.forEach((row, i) => {
    writeOid(row.oid, names, i * length);
    perByte[names[i * length]!]!++;
    const at = i * (length + 16);
    writeOid(row.tree, data, at);
    const parents = row.parents.map((oid) => lookUp(oid).position);
    writeUint32(data, at + length, parents[0] ?? NO_PARENT);
    if (parents.length > 2) {
      writeUint32(data, at + length + 4, EXTRA + edges.length);
      for (let p = 1; p < parents.length; p++) edges.push(parents[p]! + (p === parents.length - 1 ? EXTRA : 0));
    } else writeUint32(data, at + length + 4, parents[1] ?? NO_PARENT);
    writeUint32(data, at + length + 8, row.level * 4 + (Math.floor(row.seconds / 0x100000000) & 3));
    writeUint32(data, at + length + 12, row.seconds % 0x100000000);
    const offset = row.date - row.seconds;
    if (offset >= EXTRA) {
      writeUint32(dates, i * 4, EXTRA + overflow.length);
      overflow.push(offset);
    } else writeUint32(dates, i * 4, offset);
  });
  for (let byte = 0, total = 0; byte < 256; byte++) {
    total += perByte[byte]!;
    writeUint32(fanout, 4 * byte, total);
  }
  const chunks: [string, Bytes][] = [
    ['OIDF', fanout],
    ['OIDL', names],
    ['CDAT', data],
  ];
  if (withDates) chunks.push(['GDA2', dates]);
  if (withDates && overflow.length > 0) {
    const bytes = new Uint8Array(overflow.length * 8);
    for (let i = 0; i < overflow.length; i++) writeUint64(bytes, 8 * i, overflow[i]!);
    chunks.push(['GDO2', bytes]);
  }
  if (edges.length > 0) {
    const bytes = new Uint8Array(edges.length * 4);
    for (let i = 0; i < edges.length; i++) writeUint32(bytes, 4 * i, edges[i]!);
    chunks.push(['EDGE', bytes]);
  }
  if (filters !== undefined) {
    const index = new Uint8Array(count * 4);
    let total = 0;
    filters.filters.forEach((filter, i) => {
      total += filter.length;
      writeUint32(index, 4 * i, total);
    });
    const head = new Uint8Array(12);
    writeUint32(head, 0, filters.settings.version);
    writeUint32(head, 4, filters.settings.hashes);
    writeUint32(head, 8, filters.settings.bitsPerEntry);
    chunks.push(['BIDX', index], ['BDAT', concatBytes([head, ...filters.filters])]);
  }
  if (baseNames.length > 0) chunks.push(['BASE', concatBytes(baseNames.map((name) => oidToBytes(name)))]);
  const head = new Uint8Array(8 + (chunks.length + 1) * 12);
  writeUint32(head, 0, 0x43475048);
  head[4] = 1;
  head[5] = algorithm === 'sha1' ? 1 : 2;
  head[6] = chunks.length;
  head[7] = baseNames.length;
  let at = head.length;
  chunks.forEach(([name, bytes], i) => {
    for (let c = 0; c < 4; c++) head[8 + 12 * i + c] = name.charCodeAt(c);
    writeUint64(head, 8 + 12 * i + 4, at);
    at += bytes.length;
  });
  writeUint64(head, 8 + 12 * chunks.length + 4, at);
  const body = concatBytes([head, ...chunks.map(([, bytes]) => bytes)]);
  return concatBytes([body, platform.hasher(algorithm).update(body).digest()]);
}

function install(bytes: Bytes, baseNames: readonly string[], options: GraphWriteOptions): void {
  const { platform, objectsDirectory, split = 'none' } = options;
  const { fs } = platform;
  const length = rawLength(options.algorithm);
  const name = oidFromBytes(bytes, bytes.length - length, length);
  if (split === 'none') {
    fs.makeDirectory(`${objectsDirectory}/info`, { recursive: true });
    const lock = LockFile.acquire(fs, `${objectsDirectory}/info/commit-graph`, 0o444);
    try {
      lock.write(bytes);
      lock.commit({ sync: options.sync !== false });
    } finally {
      lock.rollback();
    }
    removeLayers([], options);
    fs.remove(chainPath(objectsDirectory));
    return;
  }
  fs.makeDirectory(graphDirectory(objectsDirectory), { recursive: true });
  const lock = LockFile.acquire(fs, chainPath(objectsDirectory), 0o444);
  try {
    const path = layerPath(objectsDirectory, name);
    const temporary = `${graphDirectory(objectsDirectory)}/tmp_graph_${name.slice(0, 6)}`;
    fs.remove(temporary);
    fs.writeFile(temporary, bytes, 0o444);
    if (options.sync !== false) fs.syncFile(temporary);
    fs.rename(temporary, path);
    // A single file becomes the lowest layer.
    const single = `${objectsDirectory}/info/commit-graph`;
    const lowest = options.current?.layers[0];
    if (lowest?.path === single && baseNames[0] === lowest.checksum)
      fs.rename(single, layerPath(objectsDirectory, baseNames[0]));
    const chain = [...baseNames, name];
    lock.write(encodeText(chain.map((each) => `${each}\n`).join('')));
    lock.commit({ sync: options.sync !== false });
    fs.remove(single);
    removeLayers(chain, options);
  } finally {
    lock.rollback();
  }
}

/** Removes layer files that the chain does not name and that are old enough. */
function removeLayers(chain: readonly string[], options: GraphWriteOptions): void {
  const { platform, objectsDirectory } = options;
  const { fs } = platform;
  const directory = graphDirectory(objectsDirectory);
  const before = options.expireBefore ?? Number.POSITIVE_INFINITY;
  for (const { name } of fs.readDirectory(directory) ?? []) {
    if (!name.endsWith('.graph')) continue;
    const match = /^graph-([0-9a-f]+)\.graph$/.exec(name);
    if (match !== null && chain.includes(match[1]!)) continue;
    const stat = fs.stat(`${directory}/${name}`);
    if (stat !== undefined && stat.mtimeSeconds <= before) fs.remove(`${directory}/${name}`);
  }
}
