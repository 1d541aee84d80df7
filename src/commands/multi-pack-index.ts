import type { Bytes } from '../base/bytes.js';
import { concatBytes, decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { oidFromBytes } from '../base/oid.js';
import { baseName } from '../base/path.js';
import { MultiPackIndex, openMultiPackIndexes } from '../packs/midx.js';
import { verifyMidx } from '../packs/midx-verify.js';
import {
  layerName,
  linkAsLayer,
  readMidxChain,
  removeMidxChain,
  removeStaleLayers,
  writeMidxChain,
} from '../packs/midx-chain.js';
import type { WrittenMidx } from '../packs/midx-write.js';
import { prepareCompactMidx, prepareMidx, removePack, removeStaleMidxFiles, writeMidx } from '../packs/midx-write.js';
import type { PackFile } from '../packs/pack-file.js';
import { PackStore } from '../packs/pack-store.js';
import { writeUint32 } from '../platform/lazy-table.js';
import type { Platform } from '../platform/platform.js';
import type { BitmapIndex } from '../repo/bitmap-index.js';
import { resolvePath } from '../repo/paths.js';
import type { Repository } from '../repo/repository.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { runInner } from './inner.js';
import { UsageError } from './options.js';
import { noSubcommand, parseSubcommand, subcommandUsage } from './subcommand.js';

const common = {
  'object-dir': {
    type: 'string',
    value: 'directory',
    help: 'object directory containing set of packfile and pack-index pairs',
  },
  progress: { type: 'flag', help: 'force progress reporting' },
} as const;
const layerOptions = {
  bitmap: { type: 'flag', help: 'write multi-pack bitmap' },
  base: { type: 'string', value: 'checksum', help: 'base MIDX for incremental writes' },
  incremental: { type: 'flag', help: 'write a new incremental MIDX' },
  'write-chain-file': { type: 'flag', help: 'write the multi-pack-index chain file' },
} as const;
const compactOptions = { ...common, ...layerOptions } as const;
const writeOptions = {
  ...common,
  'preferred-pack': {
    type: 'string',
    value: 'preferred-pack',
    help: 'pack for reuse when computing a multi-pack bitmap',
  },
  ...layerOptions,
  'stdin-packs': { type: 'flag', help: 'write multi-pack index containing only given indexes' },
  'refs-snapshot': { type: 'string', value: 'file', help: 'refs snapshot for selecting bitmap commits' },
} as const;
/** What a command ends with that could not write. */
const FAILED = 255;

const repackOptions = {
  ...common,
  'batch-size': {
    type: 'number',
    value: 'size',
    negatable: false,
    help: 'during repack, collect pack-files of smaller size into a batch that is larger than this size',
  },
} as const;
const usages = {
  write: [
    'multi-pack-index [<options>] write [--preferred-pack=<pack>]\n  [--[no-]bitmap] [--[no-]incremental] [--[no-]stdin-packs]\n  [--refs-snapshot=<path>] [--[no-]write-chain-file]\n  [--base=<checksum>]',
  ],
  compact: [
    'multi-pack-index [<options>] compact [--[no-]incremental]\n  [--[no-]bitmap] [--base=<checksum>] [--[no-]write-chain-file]\n  <from> <to>',
  ],
  verify: ['multi-pack-index [<options>] verify'],
  expire: ['multi-pack-index [<options>] expire'],
  repack: ['multi-pack-index [<options>] repack [--batch-size=<size>]'],
};

export const command = defineCommand({
  name: 'multi-pack-index',
  summary: 'Write and verify multi-pack-indexes',
  usage: [...usages.write, ...usages.compact, ...usages.verify, ...usages.expire, ...usages.repack],
  options: common,
  parsing: { stopAtNonOption: true },
  async *run(context, args): AsyncGenerator<Unchained & { readonly text: string }, number | undefined> {
    const [name, ...words] = args.rest;
    const named = args.values['object-dir'] ?? undefined;
    switch (name) {
      case 'write':
      case 'compact': {
        const done = await (name === 'write' ? runWrite : runCompact)(context, words, named);
        if (typeof done === 'number') return done;
        yield { ...done, text: `${done.layer}\n` };
        return 0;
      }
      case 'verify':
        return await runVerify(context, words, named);
      case 'expire':
        return await runExpire(context, words, named);
      case 'repack':
        return await runRepack(context, words, named);
      default:
        throw noSubcommand(name);
    }
  },
  render: ({ text }: Unchained & { readonly text: string }) => text,
});

/** The object directory asked for (the repository's or an alternate's) and its packs. */
function place(
  context: CommandContext,
  named: string | undefined,
): { repository: Repository; directory: string; packs: PackStore } {
  const repository = context.repository();
  const { fs } = context.platform;
  const own = repository.objectDirectories[0]!;
  let directory = own.path;
  if (named !== undefined) {
    const real = (path: string): string => fs.realPath(path) ?? path;
    const wanted = real(resolvePath(context.cwd, named));
    const found = repository.objectDirectories.find(({ path }) => real(path) === wanted);
    if (found === undefined) throw new GitError('PATH_MISSING', `could not find object directory matching ${named}`);
    directory = found.path;
  }
  // Every pack by its own index, whatever the multi-pack-index says.
  const packs = new PackStore(context.platform, `${directory}/pack`, repository.objectFormat, {
    multiPackIndex: false,
    problem: (error) => context.error(error.message),
  });
  return { repository, directory, packs };
}

function openMidx(context: CommandContext, repository: Repository, directory: string): MultiPackIndex | undefined {
  return MultiPackIndex.open(context.platform.fs, `${directory}/pack/multi-pack-index`, repository.objectFormat);
}

const lowest = (context: CommandContext, packs: readonly PackFile[]): PackFile | undefined => {
  let best: PackFile | undefined;
  let time = Number.POSITIVE_INFINITY;
  for (const pack of packs) {
    const own = context.platform.fs.stat(pack.path)?.mtimeSeconds ?? 0;
    if (pack.index.count > 0 && own < time) {
      time = own;
      best = pack;
    }
  }
  return best;
};

/** The name of a layer that was written and is not in the chain yet. */
interface Unchained {
  readonly layer: string;
  /** How many objects it has that the layers below have not. */
  readonly objects: number;
}

/** A step that is done at once: told where that is asked for, or where it took long. */
function tellProgress(
  context: CommandContext,
  values: { readonly progress?: boolean | null },
  title: string,
  total: number,
  delayed = true,
): void {
  if (values.progress !== true) return;
  const seconds = Number(context.env['GIT_PROGRESS_DELAY'] ?? '2');
  const bar = context.progress(title, { force: true, total, delay: delayed ? seconds * 1000 : 0 });
  bar.update(total);
  bar.done();
}

/** What `write` and `compact` have in common; answers an exit code where the options make no sense. */
function layerUsage(
  context: CommandContext,
  values: { incremental?: boolean | null; 'write-chain-file'?: boolean | null; base?: string | null },
  usage: readonly string[],
  options: typeof writeOptions | typeof compactOptions,
  baseNeedsIt: boolean,
): { readonly chained: boolean } | number {
  const chained = values['write-chain-file'] !== false;
  if (!chained && values.incremental !== true) {
    return subcommandUsage(
      context,
      usage,
      options,
      new UsageError('cannot use --no-write-chain-file without --incremental'),
    );
  }
  if (baseNeedsIt && typeof values.base === 'string' && chained) {
    return subcommandUsage(context, usage, options, new UsageError('cannot use --base without --no-write-chain-file'));
  }
  return { chained };
}

/** The layers of a store, the oldest first: those of a chain, or the one multi-pack-index there is. */
function openLayers(context: CommandContext, repository: Repository, directory: string): MultiPackIndex[] {
  const { fs } = context.platform;
  return openMultiPackIndexes(fs, `${directory}/pack`, repository.objectFormat, (error) =>
    context.warning(error.message),
  ).reverse();
}

/** What is there, the newest layer first, if all of it is as it was written. */
function soundLayers(context: CommandContext, repository: Repository, directory: string): MultiPackIndex[] {
  const layers = openLayers(context, repository, directory).reverse();
  if (layers.every((layer) => checksumHolds(context, layer))) return layers;
  for (const layer of layers) layer.close();
  return [];
}

/** The layers up to one that is named by its checksum; none for `none`. */
function layersTo(layers: readonly MultiPackIndex[], base: string): readonly MultiPackIndex[] | undefined {
  if (base === 'none') return [];
  const at = layers.findIndex((layer) => layerName(layer) === base);
  return at < 0 ? undefined : layers.slice(0, at + 1);
}

async function runWrite(
  context: CommandContext,
  words: readonly string[],
  early: string | undefined,
): Promise<number | Unchained> {
  const parsed = parseSubcommand(context, usages.write, writeOptions, words);
  if (typeof parsed === 'number') return parsed;
  if (parsed.rest.length > 0) return subcommandUsage(context, usages.write, writeOptions);
  const { values } = parsed;
  const incremental = values.incremental === true;
  const usage = layerUsage(context, values, usages.write, writeOptions, true);
  if (typeof usage === 'number') return usage;
  const { chained } = usage;
  const { repository, directory, packs } = place(context, values['object-dir'] ?? early);
  const layers = incremental ? openLayers(context, repository, directory) : [];
  let base: readonly MultiPackIndex[] = layers;
  let chosen: readonly PackFile[] = packs.packs();
  if (values['stdin-packs'] === true) {
    const names = new Set([...context.io.stdin.lines()].map((line) => line.replace(/\.pack$/, '.idx')));
    chosen = chosen.filter((pack) => names.has(baseName(pack.index.path)));
    if (typeof values.base === 'string') {
      const found = layersTo(layers, values.base);
      if (found === undefined) {
        context.error(`could not find base MIDX '${values.base}'`);
        return FAILED;
      }
      base = found;
    }
  }
  if (incremental) {
    const below = new Set(base.flatMap((layer) => layer.packNames));
    chosen = chosen.filter((pack) => !below.has(baseName(pack.index.path)));
  }
  const named = values['preferred-pack'] ?? undefined;
  let preferred: PackFile | undefined;
  if (named !== undefined) {
    const stem = named.replace(/\.(?:idx|pack)$/, '');
    preferred = chosen.find((pack) => baseName(pack.path).replace(/\.pack$/, '') === stem);
    if (preferred === undefined) context.warning(`unknown preferred pack: '${named}'`);
    else if (preferred.index.count === 0) {
      context.error(`cannot select preferred pack ${baseName(preferred.path)} with no objects`);
      return FAILED;
    }
  }
  const bitmap = values.bitmap === true;
  if (chosen.length === 0) {
    for (const layer of layers) layer.close();
    // Everything is in the layers that are there, or there is nothing to be in one.
    if (incremental) return 0;
    context.error('no pack files to index.');
    return FAILED;
  }
  tellProgress(context, values, 'Adding packfiles to multi-pack-index', chosen.length);
  const midx = incremental ? undefined : quietly(() => openMidx(context, repository, directory));
  if (midx !== undefined && named === undefined) {
    const names = chosen.map((pack) => baseName(pack.index.path)).sort();
    const same = names.join() === [...midx.packNames].sort().join() && midx.version === midxVersion(repository);
    if (same && !checksumHolds(context, midx)) {
      context.warning('ignoring existing multi-pack-index; checksum mismatch');
    } else if (same && (!bitmap || context.platform.fs.stat(midx.companion('bitmap')) !== undefined)) {
      midx.close();
      return 0;
    }
  }
  midx?.close();
  const anew = named !== undefined || bitmap || values['stdin-packs'] === true;
  if (!incremental && midx === undefined && !anew && chainHolds(context, repository, directory, chosen)) return 0;
  if (bitmap && preferred === undefined) preferred = lowest(context, chosen);
  const existing = incremental || values['stdin-packs'] === true ? [] : soundLayers(context, repository, directory);
  const written = prepareMidx({
    platform: context.platform,
    algorithm: repository.objectFormat,
    packDirectory: `${directory}/pack`,
    packs: chosen,
    preferred,
    existing,
    forBitmap: bitmap,
    version: midxVersion(repository),
    sync: repository.syncs('pack-metadata'),
    ...(incremental ? { base } : {}),
  });
  const snapshot = values['refs-snapshot'] ?? undefined;
  if (bitmap && !(await addBitmap(context, repository, written, snapshot, layers, packs, { layers: base }))) {
    return FAILED;
  }
  for (const layer of existing) layer.close();
  const done = putInPlace(context, repository, directory, written, {
    bitmap,
    old: layers,
    chain: incremental ? [...base, written] : undefined,
    chained,
  });
  packs.close();
  return done;
}

/** Whether a chain is there and has all packs: then it serves as well as one multi-pack-index. */
function chainHolds(
  context: CommandContext,
  repository: Repository,
  directory: string,
  packs: readonly PackFile[],
): boolean {
  const layers = openLayers(context, repository, directory);
  const names = new Set(layers.flatMap((layer) => layer.packNames));
  const good = layers.every((layer) => checksumHolds(context, layer));
  for (const layer of layers) layer.close();
  return good && names.size === packs.length && packs.every((pack) => names.has(baseName(pack.index.path)));
}

/** Writes the bitmap of what is about to become a multi-pack-index. Answers false where that failed and was told. */
async function addBitmap(
  context: CommandContext,
  repository: Repository,
  written: WrittenMidx,
  snapshot: string | undefined,
  old: readonly MultiPackIndex[],
  packs: PackStore,
  below: { readonly layers: readonly MultiPackIndex[]; readonly compacted?: readonly MultiPackIndex[] },
): Promise<boolean> {
  if (written.count === 0) {
    context.warning('refusing to write multi-pack .bitmap without any objects');
    return true;
  }
  const { writeMidxBitmap } = await import('../porcelain/write-bitmaps.js');
  const { openMidxBitmap } = await import('../repo/bitmap-index.js');
  const { fs } = context.platform;
  const lines = snapshot === undefined ? undefined : fs.readFile(resolvePath(context.cwd, snapshot));
  if (snapshot !== undefined && lines === undefined)
    throw new GitError('PATH_MISSING', `could not open '${snapshot}' for reading: No such file or directory`);
  const known = quietly(() => openMidxBitmap(repository, old, packs));
  const { compacted } = below;
  const rows = known === undefined || compacted === undefined ? undefined : compactedRows(known, old, compacted);
  fs.makeDirectory(written.companion('bitmap').replace(/\/[^/]*$/, ''), { recursive: true });
  const good = await writeMidxBitmap(
    repository,
    written,
    lines === undefined ? undefined : decodeText(lines).split('\n'),
    (message) => context.printError(`${message}\n`),
    { layers: below.layers, known, chosen: rows },
  );
  if (!good) {
    context.error('could not write multi-pack bitmap');
    packs.close();
  }
  return good;
}

/** Commits with bitmaps in layers that become one; `undefined` where one of the layers has none. */
function compactedRows(
  known: BitmapIndex,
  old: readonly MultiPackIndex[],
  compacted: readonly MultiPackIndex[],
): Oid[] | undefined {
  const start = old.indexOf(compacted[0]!);
  const first = old.slice(0, start).reduce((sum, { count }) => sum + count, 0);
  const end = compacted.reduce((sum, { count }) => sum + count, first);
  if (end > known.count) return undefined;
  return [...known.file.rows].filter((row) => row >= first && row < end).map((row) => known.oidOfRow(row));
}

interface Placing {
  readonly bitmap: boolean;
  /** The layers that were there. */
  readonly old: readonly MultiPackIndex[];
  /** Layers of the chain to be; `undefined`: it is no layer. */
  readonly chain: readonly (MultiPackIndex | WrittenMidx)[] | undefined;
  readonly chained: boolean;
}

/** Makes what was written the multi-pack-index of its store, or a layer of it, and clears away what it replaces. */
function putInPlace(
  context: CommandContext,
  repository: Repository,
  directory: string,
  written: WrittenMidx,
  placing: Placing,
): number | Unchained {
  const { platform } = context;
  const packDirectory = `${directory}/pack`;
  const nameOf = ({ checksum }: { readonly checksum: Bytes }): string => oidFromBytes(checksum, 0, checksum.length);
  const name = nameOf(written);
  if (context.env['GIT_TEST_MIDX_WRITE_REV'] === '1' && placing.bitmap) writeReverse(platform, repository, written);
  const { chain } = placing;
  if (chain === undefined) {
    written.install();
    for (const layer of placing.old) layer.close();
    removeMidxChain(platform, packDirectory);
    removeStaleMidxFiles(platform, packDirectory, placing.bitmap ? name : undefined);
    return 0;
  }
  const single = placing.old.find((layer) => !layer.path.endsWith('.midx'));
  if (single !== undefined) linkAsLayer(platform, packDirectory, single);
  written.install();
  const names = chain.map(nameOf);
  for (const layer of placing.old) layer.close();
  if (!placing.chained) return { layer: name, objects: written.count };
  writeMidxChain(platform, packDirectory, names, repository.syncs('pack-metadata'));
  removeStaleLayers(platform, packDirectory, names);
  if (single !== undefined) platform.fs.remove(single.path);
  removeStaleMidxFiles(platform, packDirectory, undefined);
  return 0;
}

/** The order of bits in a file of its own, as older versions of git want it. */
function writeReverse(platform: Platform, repository: Repository, written: WrittenMidx): void {
  const head = new Uint8Array(12);
  writeUint32(head, 0, 0x52494458);
  writeUint32(head, 4, 1);
  writeUint32(head, 8, repository.objectFormat === 'sha1' ? 1 : 2);
  const rows = new Uint8Array(4 * written.count);
  written.bitOrder.forEach((row, bit) => {
    writeUint32(rows, 4 * bit, written.baseCount + row);
  });
  const body = concatBytes([head, rows, written.checksum]);
  const path = written.companion('rev');
  platform.fs.remove(path);
  platform.fs.writeFile(
    path,
    concatBytes([body, platform.hasher(repository.objectFormat).update(body).digest()]),
    0o444,
  );
}

async function runCompact(
  context: CommandContext,
  words: readonly string[],
  early: string | undefined,
): Promise<number | Unchained> {
  const parsed = parseSubcommand(context, usages.compact, compactOptions, words);
  if (typeof parsed === 'number') return parsed;
  const { values } = parsed;
  const [fromName, toName] = parsed.rest;
  if (fromName === undefined || toName === undefined || parsed.rest.length > 2) {
    return subcommandUsage(context, usages.compact, compactOptions);
  }
  const incremental = values.incremental === true;
  const usage = layerUsage(context, values, usages.compact, compactOptions, false);
  if (typeof usage === 'number') return usage;
  const { repository, directory, packs } = place(context, values['object-dir'] ?? early);
  const old = openLayers(context, repository, directory);
  const find = (name: string): number => {
    const at = old.findIndex((layer) => layerName(layer) === name);
    if (at < 0) throw new GitError('OBJECT_MISSING', `could not find MIDX: ${name}`);
    return at;
  };
  const from = find(fromName);
  const to = find(toName);
  if (from === to) throw new GitError('USAGE', 'MIDX compaction endpoints must be unique');
  if (from > to) throw new GitError('USAGE', `MIDX ${fromName} must be an ancestor of ${toName}`);
  if (repository.config.getInt('midx.version') === 1) {
    throw new GitError('USAGE', 'cannot perform MIDX compaction with v1 format');
  }
  const layers = old.slice(from, to + 1);
  const below = old.slice(0, from);
  let base: readonly MultiPackIndex[] = incremental ? below : [];
  if (incremental && typeof values.base === 'string') {
    const found = layersTo(below, values.base);
    if (found === undefined) {
      context.error(`could not find base MIDX '${values.base}'`);
      return 255;
    }
    base = found;
  }
  const byName = new Map(packs.packs().map((pack) => [baseName(pack.index.path), pack]));
  const bitmap = values.bitmap === true;
  const written = prepareCompactMidx({
    platform: context.platform,
    algorithm: repository.objectFormat,
    packDirectory: `${directory}/pack`,
    layers,
    below,
    packNamed: (name) => byName.get(name),
    forBitmap: bitmap,
    sync: repository.syncs('pack-metadata'),
    ...(incremental ? { base } : {}),
  });
  const ground = { layers: base, compacted: layers };
  if (bitmap && !(await addBitmap(context, repository, written, undefined, old, packs, ground))) return 255;
  const done = putInPlace(context, repository, directory, written, {
    bitmap,
    old,
    chain: incremental ? [...base, written, ...old.slice(to + 1)] : undefined,
    chained: usage.chained,
  });
  packs.close();
  return done;
}

function quietly<T>(open: () => T | undefined): T | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof GitError) return undefined;
    throw error;
  }
}

function checksumHolds(context: CommandContext, midx: MultiPackIndex): boolean {
  const bytes = midx.readAll();
  const body = bytes.subarray(0, bytes.length - midx.oidLength);
  const sum = context.platform.hasher(midx.algorithm).update(body).digest();
  return sum.every((byte, i) => byte === midx.checksum[i]);
}

async function runVerify(
  context: CommandContext,
  words: readonly string[],
  early: string | undefined,
): Promise<number> {
  const parsed = parseSubcommand(context, usages.verify, common, words);
  if (typeof parsed === 'number') return parsed;
  if (parsed.rest.length > 0) return subcommandUsage(context, usages.verify, common);
  const { repository, directory, packs } = place(context, parsed.values['object-dir'] ?? early);
  packs.close();
  let broken = false;
  const layers = openMultiPackIndexes(context.platform.fs, `${directory}/pack`, repository.objectFormat, (error) => {
    context.error(error.message);
    broken = true;
  });
  if (broken) {
    context.error('multi-pack-index file exists, but failed to parse');
    return 1;
  }
  let good = true;
  for (const midx of layers) {
    const tell = (message: string): void => context.printError(`${message}\n`);
    for (const title of [
      'Verifying OID order in multi-pack-index',
      'Sorting objects by packfile',
      'Verifying object offsets',
    ]) {
      tellProgress(context, parsed.values, title, midx.count, false);
    }
    if (!verifyMidx(context.platform, midx, `${directory}/pack`, tell)) good = false;
    midx.close();
  }
  return good ? 0 : 1;
}

const midxVersion = (repository: Repository): number => repository.config.getInt('midx.version') ?? 1;

/** How many objects the multi-pack-index takes from each of its packs. */
function referenced(midx: MultiPackIndex): number[] {
  const counts = new Array<number>(midx.packNames.length).fill(0);
  for (let row = 0; row < midx.count; row++) {
    midx.offsetAt(row);
    counts[midx.packNumber]!++;
  }
  return counts;
}

/** The one multi-pack-index there is, a chain of one layer too. Throws `UNSUPPORTED` where there are more. */
function openOne(
  context: CommandContext,
  repository: Repository,
  directory: string,
  what: string,
): MultiPackIndex | undefined {
  const single = openMidx(context, repository, directory);
  if (single !== undefined || readMidxChain(context.platform, `${directory}/pack`) === undefined) return single;
  const layers = openLayers(context, repository, directory);
  if (layers.length === 1) return layers[0];
  for (const layer of layers) layer.close();
  throw new GitError('UNSUPPORTED', `cannot ${what} incremental multi-pack-index`);
}

async function runExpire(
  context: CommandContext,
  words: readonly string[],
  early: string | undefined,
): Promise<number> {
  const parsed = parseSubcommand(context, usages.expire, common, words);
  if (typeof parsed === 'number') return parsed;
  if (parsed.rest.length > 0) return subcommandUsage(context, usages.expire, common);
  const { repository, directory, packs } = place(context, parsed.values['object-dir'] ?? early);
  const midx = openOne(context, repository, directory, 'expire packs from an');
  if (midx === undefined) return 0;
  const { fs } = context.platform;
  tellProgress(context, parsed.values, 'Counting referenced objects', midx.count);
  const counts = referenced(midx);
  const gone = new Set<string>();
  midx.packNames.forEach((name, number) => {
    const stem = `${directory}/pack/${name.slice(0, -4)}`;
    if (counts[number]! > 0 || fs.lstat(`${stem}.keep`) !== undefined || fs.lstat(`${stem}.mtimes`) !== undefined)
      return;
    gone.add(name);
  });
  const staying = packs.packs().filter((pack) => !gone.has(baseName(pack.index.path)));
  if (gone.size > 0) {
    if (staying.length > 0) {
      writeMidx({
        existing: [midx],
        platform: context.platform,
        algorithm: repository.objectFormat,
        packDirectory: `${directory}/pack`,
        packs: staying,
        version: midxVersion(repository),
        sync: repository.syncs('pack-metadata'),
      });
    }
    if (midx.path.endsWith('.midx')) removeMidxChain(context.platform, `${directory}/pack`);
    for (const name of gone) removePack(context.platform, `${directory}/pack/${name.slice(0, -4)}.pack`);
    removeStaleMidxFiles(context.platform, `${directory}/pack`, undefined);
  }
  midx.close();
  packs.close();
  return 0;
}

async function runRepack(
  context: CommandContext,
  words: readonly string[],
  early: string | undefined,
): Promise<number> {
  const parsed = parseSubcommand(context, usages.repack, repackOptions, words);
  if (typeof parsed === 'number') return parsed;
  if (parsed.rest.length > 0) return subcommandUsage(context, usages.repack, repackOptions);
  const { repository, directory, packs } = place(context, parsed.values['object-dir'] ?? early);
  const batch = parsed.values['batch-size'] ?? 0;
  const midx = openOne(context, repository, directory, 'repack an');
  if (midx === undefined) return 0;
  const { fs } = context.platform;
  const keepKept = !repository.config.getBool('repack.packkeptobjects', false);
  const all = packs.packs();
  tellProgress(context, parsed.values, 'Counting referenced objects', midx.count);
  const counts = referenced(midx);
  const candidates = midx.packNames
    .map((name, number) => ({ number, pack: all.find((each) => baseName(each.index.path) === name) }))
    .filter((each): each is { number: number; pack: PackFile } => {
      if (each.pack === undefined) return false;
      const stem = each.pack.path.slice(0, -5);
      if (fs.lstat(`${stem}.mtimes`) !== undefined) return false;
      return !(keepKept && fs.lstat(`${stem}.keep`) !== undefined);
    });
  let chosen = candidates.map(({ number }) => number);
  if (batch > 0) {
    const time = (pack: PackFile): number => fs.stat(pack.path)?.mtimeSeconds ?? 0;
    candidates.sort((a, b) => time(a.pack) - time(b.pack));
    chosen = [];
    let total = 0;
    for (const { number, pack } of candidates) {
      if (total >= batch) break;
      if (pack.index.count === 0) continue;
      const size = Math.floor((fs.stat(pack.path)!.size * counts[number]!) / pack.index.count);
      if (size >= batch) continue;
      chosen.push(number);
      total += size;
    }
  }
  if (chosen.length < 2) return 0;
  const set = new Set(chosen);
  const lines: string[] = [];
  const rows: { oid: string; number: number; offset: number }[] = [];
  for (let row = 0; row < midx.count; row++) {
    const offset = midx.offsetAt(row);
    if (set.has(midx.packNumber)) rows.push({ oid: midx.oidAt(row), number: midx.packNumber, offset });
  }
  rows.sort((a, b) => a.number - b.number || a.offset - b.offset);
  for (const { oid } of rows) lines.push(oid);
  if (lines.length === 0) return 0;
  const { command: packObjects } = await import('./pack-objects.js');
  const argv = ['-q', `${directory}/pack/pack`];
  if (repository.config.getBool('repack.usedeltabaseoffset', true)) argv.unshift('--delta-base-offset');
  await runInner(context, packObjects, argv, `${lines.join('\n')}\n`);
  packs.refresh();
  if (midx.path.endsWith('.midx')) {
    const now = packs.packs().map((pack) => baseName(pack.index.path));
    if (now.length === midx.packNames.length && now.every((name) => midx.packNames.includes(name))) {
      midx.close();
      packs.close();
      return 0;
    }
    removeMidxChain(context.platform, `${directory}/pack`);
  }
  writeMidx({
    existing: [midx],
    platform: context.platform,
    algorithm: repository.objectFormat,
    packDirectory: `${directory}/pack`,
    packs: packs.packs(),
    version: midxVersion(repository),
    sync: repository.syncs('pack-metadata'),
  });
  removeStaleMidxFiles(context.platform, `${directory}/pack`, undefined);
  midx.close();
  packs.close();
  return 0;
}
