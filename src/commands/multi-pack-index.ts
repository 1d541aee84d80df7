import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { oidFromBytes } from '../base/oid.js';
import { baseName } from '../base/path.js';
import { MultiPackIndex } from '../packs/midx.js';
import { verifyMidx } from '../packs/midx-verify.js';
import { prepareMidx, removeMidxChain, removePack, removeStaleMidxFiles, writeMidx } from '../packs/midx-write.js';
import type { PackFile } from '../packs/pack-file.js';
import { PackStore } from '../packs/pack-store.js';
import { resolvePath } from '../repo/paths.js';
import type { Repository } from '../repo/repository.js';
import type { CommandContext } from './command.js';
import { defineCommand, renderText } from './command.js';
import { runInner } from './inner.js';
import { UsageError } from './options.js';
import { parseSubcommand, subcommandUsage } from './subcommand.js';

const common = {
  'object-dir': {
    type: 'string',
    value: 'directory',
    help: 'object directory containing set of packfile and pack-index pairs',
  },
  progress: { type: 'flag', help: 'force progress reporting' },
} as const;
const writeOptions = {
  ...common,
  'preferred-pack': {
    type: 'string',
    value: 'preferred-pack',
    help: 'pack for reuse when computing a multi-pack bitmap',
  },
  bitmap: { type: 'flag', help: 'write multi-pack bitmap' },
  incremental: { type: 'flag', help: 'write a new incremental MIDX' },
  'stdin-packs': { type: 'flag', help: 'write multi-pack index containing only given indexes' },
  'refs-snapshot': { type: 'string', value: 'file', help: 'refs snapshot for selecting bitmap commits' },
} as const;
const repackOptions = {
  ...common,
  'batch-size': {
    type: 'number',
    value: 'size',
    help: 'during repack, collect pack-files of smaller size into a batch that is larger than this size',
  },
} as const;
const usages = {
  write: [
    'multi-pack-index [<options>] write [--preferred-pack=<pack>]\n         [--[no-]bitmap] [--[no-]incremental] [--[no-]stdin-packs]\n         [--refs-snapshot=<path>] [--[no-]write-chain-file]\n         [--base=<checksum>]',
  ],
  verify: ['multi-pack-index [<options>] verify'],
  expire: ['multi-pack-index [<options>] expire'],
  repack: ['multi-pack-index [<options>] repack [--batch-size=<size>]'],
};

export const command = defineCommand({
  name: 'multi-pack-index',
  summary: 'Write and verify multi-pack-indexes',
  usage: [...usages.write, ...usages.verify, ...usages.expire, ...usages.repack],
  options: common,
  parsing: { stopAtNonOption: true },
  // biome-ignore lint/correctness/useYield: all it says goes to stderr
  async *run(context, args): AsyncGenerator<{ readonly text: string }, number | undefined> {
    const [name, ...words] = args.rest;
    const named = args.values['object-dir'] ?? undefined;
    switch (name) {
      case 'write':
        return await runWrite(context, words, named);
      case 'verify':
        return await runVerify(context, words, named);
      case 'expire':
        return await runExpire(context, words, named);
      case 'repack':
        return await runRepack(context, words, named);
      case undefined:
        throw new UsageError('need a subcommand');
      default:
        throw new UsageError(`unknown subcommand: \`${name}'`);
    }
  },
  render: renderText,
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

async function runWrite(context: CommandContext, words: readonly string[], early: string | undefined): Promise<number> {
  const parsed = parseSubcommand(context, usages.write, writeOptions, words);
  if (typeof parsed === 'number') return parsed;
  if (parsed.rest.length > 0) return subcommandUsage(context, usages.write, writeOptions);
  const { values } = parsed;
  if (values.incremental === true) {
    throw new GitError('UNSUPPORTED', 'layers of multi-pack-indexes are read, but not written', {
      hint: 'Leave out --incremental: one multi-pack-index over all packs serves as well.',
    });
  }
  const { repository, directory, packs } = place(context, values['object-dir'] ?? early);
  let chosen: readonly PackFile[] = packs.packs();
  if (values['stdin-packs'] === true) {
    const names = new Set([...context.io.stdin.lines()].map((line) => line.replace(/\.pack$/, '.idx')));
    chosen = chosen.filter((pack) => names.has(baseName(pack.index.path)));
  }
  const named = values['preferred-pack'] ?? undefined;
  let preferred: PackFile | undefined;
  if (named !== undefined) {
    const stem = named.replace(/\.(?:idx|pack)$/, '');
    preferred = chosen.find((pack) => baseName(pack.path).replace(/\.pack$/, '') === stem);
    if (preferred === undefined) context.warning(`unknown preferred pack: '${named}'`);
    else if (preferred.index.count === 0) {
      context.error(`cannot select preferred pack ${baseName(preferred.path)} with no objects`);
      return 1;
    }
  }
  const bitmap = values.bitmap === true;
  const midx = quietly(() => openMidx(context, repository, directory));
  if (chosen.length === 0) {
    context.error('no pack files to index.');
    return 1;
  }
  if (midx !== undefined && named === undefined && !bitmap && values['stdin-packs'] !== true) {
    const names = chosen.map((pack) => baseName(pack.index.path)).sort();
    if (names.join() === [...midx.packNames].sort().join() && checksumHolds(context, midx)) {
      midx.close();
      return 0;
    }
  }
  midx?.close();
  if (bitmap && preferred === undefined) preferred = lowest(context, chosen);
  const written = prepareMidx({
    platform: context.platform,
    algorithm: repository.objectFormat,
    packDirectory: `${directory}/pack`,
    packs: chosen,
    preferred,
    forBitmap: bitmap,
    version: repository.config.getInt('midx.version') ?? 1,
    sync: repository.syncs('pack-metadata'),
  });
  const checksum = oidFromBytes(written.checksum, 0, written.checksum.length);
  if (bitmap && written.count === 0) {
    context.warning('refusing to write multi-pack .bitmap without any objects');
  } else if (bitmap) {
    const { writeMidxBitmap } = await import('../porcelain/write-bitmaps.js');
    const snapshot = values['refs-snapshot'] ?? undefined;
    const lines = snapshot === undefined ? undefined : context.platform.fs.readFile(resolvePath(context.cwd, snapshot));
    const good = await writeMidxBitmap(
      repository,
      directory,
      written,
      lines === undefined ? undefined : decodeText(lines).split('\n'),
      (message) => context.printError(`${message}\n`),
    );
    if (!good) {
      context.error('could not write multi-pack bitmap');
      packs.close();
      return 1;
    }
  }
  written.install();
  removeMidxChain(context.platform, `${directory}/pack`);
  removeStaleMidxFiles(context.platform, `${directory}/pack`, bitmap ? checksum : undefined);
  packs.close();
  return 0;
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
  let midx: MultiPackIndex | undefined;
  try {
    midx = openMidx(context, repository, directory);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    context.error(error.message);
    context.error('multi-pack-index file exists, but failed to parse');
    return 1;
  }
  if (midx === undefined) return 0;
  const good = verifyMidx(context.platform, midx, `${directory}/pack`, (message) => context.printError(`${message}\n`));
  midx.close();
  return good ? 0 : 1;
}

/** How many objects the multi-pack-index takes from each of its packs. */
function referenced(midx: MultiPackIndex): number[] {
  const counts = new Array<number>(midx.packNames.length).fill(0);
  for (let row = 0; row < midx.count; row++) {
    midx.offsetAt(row);
    counts[midx.packNumber]!++;
  }
  return counts;
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
  const midx = openMidx(context, repository, directory);
  if (midx === undefined) return 0;
  const { fs } = context.platform;
  const counts = referenced(midx);
  const gone = new Set<string>();
  midx.packNames.forEach((name, number) => {
    const stem = `${directory}/pack/${name.slice(0, -4)}`;
    if (counts[number]! > 0 || fs.lstat(`${stem}.keep`) !== undefined || fs.lstat(`${stem}.mtimes`) !== undefined)
      return;
    gone.add(name);
  });
  const staying = packs
    .packs()
    .filter((pack) => midx.packNames.includes(baseName(pack.index.path)) && !gone.has(baseName(pack.index.path)));
  midx.close();
  if (gone.size > 0) {
    if (staying.length > 0) {
      writeMidx({
        platform: context.platform,
        algorithm: repository.objectFormat,
        packDirectory: `${directory}/pack`,
        packs: staying,
        version: repository.config.getInt('midx.version') ?? 1,
        sync: repository.syncs('pack-metadata'),
      });
    }
    for (const name of gone) removePack(context.platform, `${directory}/pack/${name.slice(0, -4)}.pack`);
    removeStaleMidxFiles(context.platform, `${directory}/pack`, undefined);
  }
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
  const midx = openMidx(context, repository, directory);
  if (midx === undefined) return 0;
  const { fs } = context.platform;
  const keepKept = !repository.config.getBool('repack.packkeptobjects', false);
  const all = packs.packs();
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
    if (total < batch || chosen.length < 2) return 0;
  }
  const set = new Set(chosen);
  const lines: string[] = [];
  const rows: { oid: string; number: number; offset: number }[] = [];
  for (let row = 0; row < midx.count; row++) {
    const offset = midx.offsetAt(row);
    if (set.has(midx.packNumber)) rows.push({ oid: midx.oidAt(row), number: midx.packNumber, offset });
  }
  rows.sort((a, b) => a.number - b.number || a.offset - b.offset);
  for (const { oid } of rows) lines.push(oid);
  midx.close();
  if (lines.length === 0) return 0;
  const { command: packObjects } = await import('./pack-objects.js');
  const argv = ['-q', `${directory}/pack/pack`];
  if (repository.config.getBool('repack.usedeltabaseoffset', true)) argv.unshift('--delta-base-offset');
  await runInner(context, packObjects, argv, `${lines.join('\n')}\n`);
  packs.refresh();
  const names = new Set(midx.packNames);
  const before = new Set(all.map((pack) => pack.path));
  writeMidx({
    platform: context.platform,
    algorithm: repository.objectFormat,
    packDirectory: `${directory}/pack`,
    packs: packs.packs().filter((pack) => names.has(baseName(pack.index.path)) || !before.has(pack.path)),
    version: repository.config.getInt('midx.version') ?? 1,
    sync: repository.syncs('pack-metadata'),
  });
  removeStaleMidxFiles(context.platform, `${directory}/pack`, undefined);
  packs.close();
  return 0;
}
