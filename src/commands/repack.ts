import { GitError } from '../base/errors.js';
import { baseName } from '../base/path.js';
import { MultiPackIndex } from '../packs/midx.js';
import { readMidxChain, removeMidxChain } from '../packs/midx-chain.js';
import { removePack, removeStaleMidxFiles } from '../packs/midx-write.js';
import type { PackFile } from '../packs/pack-file.js';
import { prunePacked } from '../packs/prune-packed.js';
import { updateServerInfo } from '../porcelain/update-instead.js';
import { writePackBitmap } from '../porcelain/write-bitmaps.js';
import { resolvePath } from '../repo/paths.js';
import type { Repository } from '../repo/repository.js';
import type { CommandContext } from './command.js';
import { defineCommand, renderText } from './command.js';
import { runInner } from './inner.js';
import { UsageError } from './options.js';
import { openChain } from './repack-layers.js';
import { command as multiPackIndex } from './multi-pack-index.js';
import { command as packObjects } from './pack-objects.js';

const options = {
  a: { type: 'flag', short: 'a', shortOnly: true, help: 'pack everything in a single pack', negatable: false },
  A: {
    type: 'flag',
    short: 'A',
    shortOnly: true,
    help: 'same as -a, and turn unreachable objects loose',
    negatable: false,
  },
  cruft: { type: 'flag', help: 'same as -a, pack unreachable cruft objects separately' },
  'cruft-expiration': { type: 'string', value: 'approxidate', help: 'with --cruft, expire objects older than this' },
  'combine-cruft-below-size': {
    type: 'number',
    value: 'n',
    help: 'with --cruft, only repack cruft packs smaller than this',
    negatable: false,
  },
  'max-cruft-size': {
    type: 'number',
    value: 'n',
    help: 'with --cruft, limit the size of new cruft packs',
    negatable: false,
  },
  d: {
    type: 'flag',
    short: 'd',
    shortOnly: true,
    help: 'remove redundant packs, and run git-prune-packed',
    negatable: false,
  },
  f: { type: 'flag', short: 'f', shortOnly: true, help: 'pass --no-reuse-delta to git-pack-objects', negatable: false },
  F: {
    type: 'flag',
    short: 'F',
    shortOnly: true,
    help: 'pass --no-reuse-object to git-pack-objects',
    negatable: false,
  },
  'name-hash-version': {
    type: 'number',
    value: 'n',
    help: 'specify the name hash version to use for grouping similar objects by path',
  },
  'path-walk': { type: 'flag', help: 'pass --path-walk to git-pack-objects' },
  n: { type: 'flag', short: 'n', shortOnly: true, help: 'do not run git-update-server-info', negatable: false },
  quiet: { type: 'flag', short: 'q', help: 'be quiet' },
  local: { type: 'flag', short: 'l', help: 'pass --local to git-pack-objects' },
  'write-bitmap-index': { type: 'flag', short: 'b', help: 'write bitmap index' },
  'delta-islands': { type: 'flag', short: 'i', help: 'pass --delta-islands to git-pack-objects' },
  'unpack-unreachable': {
    type: 'string',
    value: 'approxidate',
    help: 'with -A, do not loosen objects older than this',
  },
  'keep-unreachable': { type: 'flag', short: 'k', help: 'with -a, repack unreachable objects' },
  window: { type: 'string', value: 'n', help: 'size of the window used for delta compression' },
  'window-memory': {
    type: 'string',
    value: 'bytes',
    help: 'same as the above, but limit memory size instead of entries count',
  },
  depth: { type: 'string', value: 'n', help: 'limits the maximum delta depth' },
  threads: { type: 'string', value: 'n', help: 'limits the maximum number of threads' },
  'max-pack-size': { type: 'number', value: 'n', help: 'maximum size of each packfile', negatable: false },
  filter: { type: 'list', value: 'args', help: 'object filtering' },
  'pack-kept-objects': { type: 'flag', help: 'repack objects in packs marked with .keep' },
  'keep-pack': { type: 'list', value: 'name', help: 'do not repack this pack' },
  geometric: { type: 'number', short: 'g', value: 'n', help: 'find a geometric progression with factor <N>' },
  m: {
    type: 'flag',
    short: 'm',
    shortOnly: true,
    help: 'write a multi-pack index of the resulting packs',
    negatable: false,
  },
  'write-midx': {
    type: 'optional',
    value: 'mode',
    implied: '',
    help: 'write a multi-pack index of the resulting packs',
  },
  'expire-to': { type: 'string', value: 'dir', help: 'pack prefix to store a pack containing pruned objects' },
  'filter-to': { type: 'string', value: 'dir', help: 'pack prefix to store a pack containing filtered out objects' },
} as const;

interface Existing {
  readonly pack: PackFile;
  readonly name: string;
  readonly kept: boolean;
  readonly cruft: boolean;
  readonly promisor: boolean;
}

function existingPacks(repository: Repository, keep: ReadonlySet<string>): Existing[] {
  const { fs } = repository.platform;
  const { packs } = repository.objectDirectories[0]!;
  packs.refresh();
  return packs.packs().map((pack) => {
    const stem = pack.path.slice(0, -5);
    const name = baseName(pack.path);
    return {
      pack,
      name,
      kept: keep.has(name) || fs.lstat(`${stem}.keep`) !== undefined,
      cruft: fs.lstat(`${stem}.mtimes`) !== undefined,
      promisor: fs.lstat(`${stem}.promisor`) !== undefined,
    };
  });
}

export const command = defineCommand({
  name: 'repack',
  summary: 'Pack unpacked objects in a repository',
  usage: [
    'repack [-a] [-A] [-d] [-f] [-F] [-l] [-n] [-q] [-b] [-m]\n[--window=<n>] [--depth=<n>] [--threads=<n>] [--keep-pack=<pack-name>]\n[--write-midx[=<mode>]] [--name-hash-version=<n>] [--path-walk]',
  ],
  options,
  async *run(
    context,
    args,
  ): AsyncGenerator<{ readonly packs: readonly string[]; readonly text: string }, number | undefined> {
    if (args.rest.length > 0) throw new UsageError('');
    const { values } = args;
    const repository = context.repository();
    const { config, platform } = repository;
    if (values.d === true && config.getBool('extensions.preciousobjects') === true) {
      throw new GitError('UNSUPPORTED', 'cannot delete packs in a precious-objects repo');
    }
    const cruft = values.cruft === true;
    const keepUnreachable = values['keep-unreachable'] === true;
    const loosen = values.A === true || typeof values['unpack-unreachable'] === 'string';
    const ways = [loosen && "'-A'", keepUnreachable && "'-k/--keep-unreachable'", cruft && "'--cruft'"].filter(Boolean);
    if (ways.length > 1) {
      const named = ways.length > 2 ? `${ways[0]}, ${ways[1]}, and ${ways[2]}` : ways.join(' and ');
      throw new GitError('USAGE', `options ${named} cannot be used together`);
    }
    const geometric = values.geometric ?? 0;
    const all = values.a === true || loosen || cruft;
    if (geometric > 0 && all) {
      throw new GitError('USAGE', "options '--geometric' and '-A/-a' cannot be used together");
    }
    const mode = values['write-midx'];
    if (typeof mode === 'string' && !['', 'default', 'incremental'].includes(mode)) {
      context.error(`unknown value for write-midx: ${mode}`);
      return 129;
    }
    const incremental = mode === 'incremental';
    const writeMidx = (mode !== undefined && mode !== null) || (values.m === true && mode !== null);
    const splitFactor = config.getInt('repack.midxsplitfactor', 2);
    const layerThreshold = config.getInt('repack.midxnewlayerthreshold', 8);
    if (incremental && splitFactor < 2) {
      throw new GitError('CONFIG', `invalid value for --midx-split-factor: ${splitFactor}`);
    }
    if (incremental && layerThreshold < 1) {
      throw new GitError('CONFIG', `invalid value for --midx-new-layer-threshold: ${layerThreshold}`);
    }
    let bitmaps =
      values['write-bitmap-index'] ?? config.getBool('repack.writebitmaps') ?? config.getBool('pack.writebitmaps');
    const explicit = bitmaps === true;
    bitmaps ??= all && repository.bare && values['max-pack-size'] === undefined;
    if (bitmaps && !all && !writeMidx) {
      if (explicit) {
        throw new GitError(
          'USAGE',
          'Incremental repacks are incompatible with bitmap indexes.  Use\n--no-write-bitmap-index or disable the pack.writeBitmaps configuration.',
        );
      }
      bitmaps = false;
    }
    if (bitmaps && values.local === true && repository.objectDirectories.length > 1) {
      context.warning('disabling bitmap writing, as some objects are not being packed');
      bitmaps = false;
    }
    const packKept =
      values['pack-kept-objects'] ?? config.getBool('repack.packkeptobjects') ?? (explicit && !writeMidx);
    const directory = `${repository.objectDirectories[0]!.path}/pack`;
    const quiet = values.quiet === true;
    const keep = new Set((values['keep-pack'] ?? []).map((name) => baseName(name)));
    const before = existingPacks(repository, keep);
    // Nobody asked for a bitmap, and one pack alone would not hold everything.
    if (bitmaps && !explicit && !writeMidx && !packKept && before.some(({ kept }) => kept)) bitmaps = false;
    const argv: string[] = [];
    if (config.getBool('repack.usedeltabaseoffset', true)) argv.push('--delta-base-offset');
    if (quiet) argv.push('-q');
    if (values.local === true) argv.push('--local');
    if (values.f === true) argv.push('--no-reuse-delta');
    if (values.F === true) argv.push('--no-reuse-object');
    const option = (name: 'window' | 'window-memory' | 'depth' | 'threads'): void => {
      const value = values[name];
      if (typeof value === 'string') argv.push(`--${name}=${value}`);
    };
    for (const name of ['window', 'window-memory', 'depth', 'threads'] as const) option(name);
    if (values['max-pack-size'] !== undefined) argv.push(`--max-pack-size=${values['max-pack-size']}`);
    if (values['name-hash-version'] !== undefined) argv.push(`--name-hash-version=${values['name-hash-version']}`);
    const main = [...argv, '--keep-true-parents', '--non-empty'];
    if (!packKept) main.push('--honor-pack-keep');
    for (const name of keep) main.push(`--keep-pack=${name}`);
    for (const { name, promisor } of before) if (promisor) main.push(`--keep-pack=${name}`);
    const filter = values.filter ?? [];
    const filterTo = values['filter-to'] ?? undefined;
    if (filterTo !== undefined && filter.length === 0) {
      throw new GitError('USAGE', "option '--filter-to' can only be used along with '--filter'");
    }
    if (filter.length > 0 && bitmaps && !writeMidx) {
      throw new GitError('USAGE', 'cannot use --filter without --stdout');
    }
    for (const spec of filter) main.push(`--filter=${spec}`);
    if (values['delta-islands'] ?? config.getBool('repack.usedeltaislands', false)) main.push('--delta-islands');
    const going = before.filter(({ kept, promisor }) => !kept && !promisor);
    let input = '';
    let rolled: readonly Existing[] = [];
    const chain = incremental ? openChain(context, repository, directory) : undefined;
    if (geometric > 0) {
      const untouched = chain === undefined ? new Set<string>() : chain.outsideGeometry(layerThreshold);
      rolled = rollUp(
        before.filter(
          ({ name, kept, promisor, cruft: isCruft }) =>
            (packKept || !kept) && !promisor && !isCruft && !untouched.has(name),
        ),
        geometric,
      );
      const names = new Set(rolled.map(({ name }) => name));
      input = before.map(({ name }) => `${names.has(name) ? '' : '^'}${name}\n`).join('');
      main.push('--stdin-packs', '--unpacked');
    } else {
      main.push('--all', '--reflog', '--indexed-objects');
      if (all) {
        if (values.d === true && going.length > 0) {
          if (loosen) {
            const since = values['unpack-unreachable'];
            main.push(typeof since === 'string' ? `--unpack-unreachable=${since}` : '--unpack-unreachable');
          } else if (keepUnreachable) main.push('--keep-unreachable');
        }
        if (keepUnreachable) main.push('--pack-loose-unreachable');
      } else main.push('--unpacked', '--incremental');
    }
    const made = await packWith(context, [...main, `${directory}/pack`], input);
    const names = new Set(made.map((sum) => `pack-${sum}.pack`));
    if (made.length === 0 && !quiet) context.print('Nothing new to pack.\n');
    /** Cruft packs that stay as they are. */
    const retained = new Set<string>();
    if (cruft) {
      const threshold = values['combine-cruft-below-size'] ?? 0;
      const expiration = values['cruft-expiration'] ?? undefined;
      if (threshold > 0 && expiration === undefined) {
        for (const { name, cruft: isCruft, pack } of going) if (isCruft && pack.size >= threshold) retained.add(name);
      }
      const maxCruftSize = values['max-cruft-size'] ?? config.getSize('gc.maxcruftsize', 0);
      const own = argv.filter(
        (word) => word !== '--local' && !(maxCruftSize > 0 && word.startsWith('--max-pack-size=')),
      );
      if (maxCruftSize > 0) own.push(`--max-pack-size=${maxCruftSize}`);
      own.push('--cruft', '--non-empty', '--honor-pack-keep');
      /** A cruft pack of what neither the new packs nor those that stay hold. */
      const pack = async (to: string, more: readonly string[]): Promise<string[]> => {
        const lines = [
          ...[...names, ...retained].map((name) => `${name}\n`),
          ...before.filter(({ kept, promisor }) => kept || promisor).map(({ name }) => `${name}\n`),
          ...going.filter(({ name }) => !names.has(name) && !retained.has(name)).map(({ name }) => `-${name}\n`),
        ];
        repository.objectDirectories[0]!.packs.refresh();
        return packWith(context, [...own, ...more, to], lines.join(''));
      };
      const since = expiration === undefined ? [] : [`--cruft-expiration=${expiration}`];
      for (const sum of await pack(`${directory}/pack`, since)) names.add(`pack-${sum}.pack`);
      const expireTo = values['expire-to'] ?? undefined;
      if (values.d === true && expireTo !== undefined) {
        // What has just been left out for its age, in a pack elsewhere.
        await pack(resolvePath(context.cwd, expireTo), []);
      }
    }
    if (filter.length > 0) {
      const lines = [
        ...[...names].map((name) => `^${name}\n`),
        ...before
          .filter(({ name }) => !names.has(name))
          .map(({ name, kept, promisor }) => `${(kept || promisor) && !packKept ? '^' : ''}${name}\n`),
      ];
      const words = [...argv.filter((word) => !word.startsWith('--filter=')), '--stdin-packs', '--non-empty'];
      if (!packKept) words.push('--honor-pack-keep');
      const to = filterTo === undefined ? `${directory}/pack` : resolvePath(context.cwd, filterTo);
      repository.objectDirectories[0]!.packs.refresh();
      for (const sum of await packWith(context, [...words, to], lines.join('')))
        if (to === `${directory}/pack`) names.add(`pack-${sum}.pack`);
    }
    const store = repository.objectDirectories[0]!.packs;
    // A pack that came out as it was keeps no companions that do not belong to what was asked for now.
    for (const name of made) platform.fs.remove(`${directory}/pack-${name}.bitmap`);
    store.refresh();
    if (bitmaps && !writeMidx && made.length === 1 && filter.length === 0) {
      const pack = store.packs().find((each) => baseName(each.path) === `pack-${made[0]}.pack`);
      if (
        pack !== undefined &&
        !(await writePackBitmap(repository, pack, (message) => context.printError(`${message}\n`)))
      ) {
        if (explicit) context.warning('disabling bitmap writing, as some objects are not being packed');
      }
    }
    // What stays in a layer is not taken from under it.
    if (chain !== undefined && geometric <= 0) for (const name of chain.packs()) retained.add(name);
    const redundant =
      values.d !== true
        ? []
        : (geometric > 0 ? rolled.filter(({ kept }) => !kept) : all ? going : []).filter(
            ({ name }) => !names.has(name) && !retained.has(name),
          );
    if (chain !== undefined) {
      const left = store.packs().map((pack) => baseName(pack.path));
      const kept = new Set(before.filter((each) => each.kept).map(({ name }) => name));
      const fresh = geometric > 0 ? left.filter((name) => !kept.has(name)) : left.filter((name) => names.has(name));
      await chain.extend(fresh, new Set(redundant.map(({ name }) => name)), {
        bitmaps,
        factor: geometric > 0 ? splitFactor : undefined,
      });
      if (bitmaps) {
        for (const name of chain.packs()) platform.fs.remove(`${directory}/${name.replace(/\.pack$/, '.bitmap')}`);
      }
    } else if (writeMidx) {
      const lost = new Set(redundant.map(({ name }) => name));
      const included = store
        .packs()
        .map((pack) => baseName(pack.path))
        .filter((name) => !lost.has(name));
      if (included.length > 0) {
        const words = ['write', '--stdin-packs', ...(bitmaps ? ['--bitmap'] : [])];
        if (bitmaps) {
          const largest = store
            .packs()
            .filter((pack) => !lost.has(baseName(pack.path)))
            .sort((a, b) => b.index.count - a.index.count)[0];
          if (largest !== undefined) words.push(`--preferred-pack=${baseName(largest.path)}`);
        }
        await runInner(
          context,
          multiPackIndex,
          words,
          included.map((name) => `${name.replace(/\.pack$/, '.idx')}\n`).join(''),
        );
        // One bitmap for all of them makes those of single packs stale.
        if (bitmaps)
          for (const name of included) platform.fs.remove(`${directory}/${name.replace(/\.pack$/, '.bitmap')}`);
      }
    }
    if (redundant.length > 0) {
      if (!writeMidx) dropMidxWith(repository, directory, new Set(redundant.map(({ name }) => name)));
      store.close();
      for (const { pack } of redundant) removePack(platform, pack.path);
    }
    store.refresh();
    if (values.d === true) for (const _ of prunePacked(platform, repository.objectDirectories, false));
    if (values.n !== true && config.getBool('repack.updateserverinfo', true)) await updateServerInfo(repository, false);
    yield { packs: [...names], text: '' };
    return undefined;
  },
  render: renderText,
});

async function packWith(context: CommandContext, argv: readonly string[], input: string): Promise<string[]> {
  const { results, code } = await runInner(context, packObjects, argv, input);
  if (code !== 0) throw new GitError('BUG', 'pack-objects died');
  return results.map(({ pack }) => pack).filter((pack): pack is string => pack !== undefined);
}

/** A multi-pack-index must not name packs that are about to go. */
function dropMidxWith(repository: Repository, directory: string, names: ReadonlySet<string>): void {
  const { fs } = repository.platform;
  const isStale = (path: string): boolean => {
    let midx: MultiPackIndex | undefined;
    try {
      midx = MultiPackIndex.open(fs, path, repository.objectFormat);
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
    }
    const stale = midx !== undefined && namesOne(midx.packNames, names);
    midx?.close();
    return stale;
  };
  // A chain may be there beside a file that hides it.
  const layers = readMidxChain(repository.platform, directory) ?? [];
  if (layers.some((name) => isStale(`${directory}/multi-pack-index.d/multi-pack-index-${name}.midx`))) {
    removeMidxChain(repository.platform, directory);
  }
  if (!isStale(`${directory}/multi-pack-index`)) return;
  repository.platform.fs.remove(`${directory}/multi-pack-index`);
  removeStaleMidxFiles(repository.platform, directory, undefined);
}

const packOf = (indexName: string): string => indexName.replace(/\.idx$/, '.pack');

const namesOne = (indexNames: readonly string[], packs: ReadonlySet<string>): boolean =>
  indexNames.some((name) => packs.has(packOf(name)));

/** The smallest packs that have to become one, so that each pack left has `factor` times the objects of the next. */
export function rollUp<T extends { readonly pack: Pick<PackFile, 'index'> }>(packs: readonly T[], factor: number): T[] {
  const sorted = [...packs].sort((a, b) => a.pack.index.count - b.pack.index.count);
  const size = (i: number): number => sorted[i]!.pack.index.count;
  let split = sorted.length - 1;
  for (; split > 0; split--) if (size(split) < factor * size(split - 1)) break;
  if (split <= 0) return [];
  split++;
  let total = 0;
  for (let i = 0; i < split; i++) total += size(i);
  while (split < sorted.length && size(split) < factor * total) total += size(split++);
  return sorted.slice(0, split);
}
