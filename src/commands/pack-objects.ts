import { compareText } from '../base/bytes.js';
import { baseName } from '../base/path.js';
import { GitError } from '../base/errors.js';
import { traceData } from '../base/trace.js';
import { isOid, type Oid, oidToBytes } from '../base/oid.js';
import { parseCommitLinks } from '../objects/commit.js';
import { isGitlinkMode, isTreeMode } from '../objects/mode.js';
import { checkTreeDepth, TreeCursor } from '../objects/tree.js';
import { serializeMtimes } from '../packs/mtimes.js';
import { PackBuilder } from '../packs/pack-builder.js';
import type { PackFile } from '../packs/pack-file.js';
import { PackStore } from '../packs/pack-store.js';
import { writePackFiles } from '../packs/write-pack.js';
import { cruftTimes, keptCruft } from '../porcelain/pack-cruft.js';
import { deltaIslands } from '../porcelain/pack-islands.js';
import {
  localPacks,
  PackSelection,
  readRevisionLines,
  rootsFor,
  unreachableInPacks,
} from '../porcelain/pack-selection.js';
import { writePackBitmap } from '../porcelain/write-bitmaps.js';
import { resolvePath } from '../repo/paths.js';
import type { Repository } from '../repo/repository.js';
import { parseExpiryDate } from '../repo/date-approx.js';
import type { CommandContext, Progress } from './command.js';
import { defineCommand, refuseJson } from './command.js';
import { UsageError } from './options.js';

const options = {
  quiet: { type: 'flag', short: 'q', help: 'do not show progress meter' },
  progress: { type: 'flag', help: 'show progress meter' },
  'all-progress': { type: 'flag', help: 'show progress meter during object writing phase' },
  'all-progress-implied': { type: 'flag', help: 'similar to --all-progress when progress meter is shown' },
  'index-version': {
    type: 'string',
    value: 'version[,offset]',
    help: 'write the pack index file in the specified idx format version',
    negatable: false,
  },
  'max-pack-size': { type: 'number', value: 'n', negatable: false, help: 'maximum size of each output pack file' },
  local: { type: 'flag', help: 'ignore borrowed objects from alternate object store' },
  incremental: { type: 'flag', help: 'ignore packed objects' },
  window: { type: 'number', value: 'n', help: 'limit pack window by objects' },
  'window-memory': {
    type: 'number',
    value: 'n',
    negatable: false,
    help: 'limit pack window by memory in addition to object limit',
  },
  depth: { type: 'number', value: 'n', help: 'maximum length of delta chain allowed in the resulting pack' },
  'reuse-delta': { type: 'flag', help: 'reuse existing deltas' },
  'reuse-object': { type: 'flag', help: 'reuse existing objects' },
  'delta-base-offset': { type: 'flag', help: 'use OFS_DELTA objects' },
  threads: { type: 'number', value: 'n', help: 'use threads when searching for best delta matches' },
  'non-empty': { type: 'flag', help: 'do not create an empty pack output' },
  revs: { type: 'flag', help: 'read revision arguments from standard input' },
  unpacked: { type: 'flag', help: 'limit the objects to those that are not yet packed', negatable: false },
  all: { type: 'flag', help: 'include objects reachable from any reference', negatable: false },
  reflog: { type: 'flag', help: 'include objects referred by reflog entries', negatable: false },
  'indexed-objects': { type: 'flag', help: 'include objects referred to by the index', negatable: false },
  'stdin-packs': { type: 'optional', value: 'mode', implied: '', help: 'read packs from stdin' },
  stdout: { type: 'flag', help: 'output pack to stdout' },
  'include-tag': { type: 'flag', help: 'include tag objects that refer to objects to be packed' },
  'keep-unreachable': { type: 'flag', help: 'keep unreachable objects' },
  'pack-loose-unreachable': { type: 'flag', help: 'pack loose unreachable objects' },
  'unpack-unreachable': {
    type: 'optional',
    value: 'time',
    implied: '',
    help: 'unpack unreachable objects newer than <time>',
  },
  cruft: { type: 'flag', help: 'create a cruft pack' },
  'cruft-expiration': { type: 'string', value: 'time', help: 'expire cruft objects older than <time>' },
  sparse: { type: 'flag', help: 'use the sparse reachability algorithm' },
  thin: { type: 'flag', help: 'create thin packs' },
  'path-walk': { type: 'flag', help: 'use path-walk algorithm' },
  shallow: { type: 'flag', help: 'create packs suitable for shallow fetches' },
  'honor-pack-keep': { type: 'flag', help: 'ignore packs that have companion .keep file' },
  'keep-pack': { type: 'list', value: 'name', help: 'ignore this pack' },
  compression: { type: 'number', value: 'n', help: 'pack compression level' },
  'keep-true-parents': { type: 'flag', help: 'do not hide commits by grafts' },
  'use-bitmap-index': { type: 'flag', help: 'use a bitmap index if available to speed up counting objects' },
  'write-bitmap-index': { type: 'flag', help: 'write a bitmap index together with the pack index' },
  'write-bitmap-index-quiet': { type: 'flag', hidden: true, help: 'write a bitmap index if possible' },
  filter: { type: 'list', value: 'args', help: 'object filtering' },
  missing: { type: 'string', value: 'action', negatable: false, help: 'handling for missing objects' },
  'exclude-promisor-objects': { type: 'flag', help: 'do not pack objects in promisor packfiles' },
  'exclude-promisor-objects-best-effort': { type: 'flag', help: 'implies --missing=allow-any', hidden: true },
  'delta-islands': { type: 'flag', help: 'respect islands during delta compression' },
  'uri-protocol': {
    type: 'list',
    value: 'protocol',
    help: 'exclude any configured uploadpack.blobpackfileuri with this protocol',
  },
  'name-hash-version': {
    type: 'number',
    value: 'n',
    help: 'use the specified name-hash function to group similar objects',
  },
} as const;

export const command = defineCommand({
  name: 'pack-objects',
  summary: 'Create a packed archive of objects',
  usage: [
    'pack-objects [-q | --progress | --all-progress] [--all-progress-implied]\n' +
      '                 [--no-reuse-delta] [--delta-base-offset] [--non-empty]\n' +
      '                 [--local] [--incremental] [--window=<n>] [--depth=<n>]\n' +
      '                 [--revs [--unpacked | --all]] [--keep-pack=<pack-name>]\n' +
      '                 [--cruft] [--cruft-expiration=<time>]\n' +
      '                 [--stdout [--filter=<filter-spec>] | <base-name>]\n' +
      '                 [--shallow] [--keep-true-parents] [--[no-]sparse]\n' +
      '                 [--name-hash-version=<n>] [--path-walk] < <object-list>',
  ],
  options,
  async *run(context, args): AsyncGenerator<{ readonly pack?: string; readonly text: string }, number | undefined> {
    const { values } = args;
    const repository = context.repository();
    const { config } = repository;
    const toStdout = values.stdout === true;
    if (toStdout) refuseJson(context);
    if (toStdout ? args.rest.length > 0 : args.rest.length !== 1) throw new UsageError('');
    if (values['index-version'] !== undefined) checkIndexVersion(values['index-version']!);
    const revs =
      values.revs === true ||
      values.all === true ||
      values.reflog === true ||
      values['indexed-objects'] === true ||
      values.unpacked === true;
    const stdinPacks = values['stdin-packs'];
    const isStdinPacks = stdinPacks !== undefined && stdinPacks !== null;
    if (isStdinPacks && stdinPacks !== '' && stdinPacks !== 'follow') {
      throw new GitError('USAGE', `invalid value for '--stdin-packs': '${stdinPacks}'`);
    }
    if (values.thin === true && !toStdout) {
      throw new GitError('USAGE', '--thin cannot be used to build an indexable pack');
    }
    let maxSize = values['max-pack-size'] ?? 0;
    if (maxSize > 0 && toStdout) {
      throw new GitError('USAGE', '--max-pack-size cannot be used to build a pack for transfer');
    }
    if (!toStdout && maxSize === 0) maxSize = config.getSize('pack.packsizelimit', 0);
    if (maxSize > 0 && maxSize < 1 << 20) {
      context.warning('minimum pack size limit is 1 MiB');
      maxSize = 1 << 20;
    }
    const keepUnreachable = values['keep-unreachable'] === true;
    const unpackUnreachable = values['unpack-unreachable'];
    const unpacks = unpackUnreachable !== undefined && unpackUnreachable !== null;
    if (keepUnreachable && unpacks) {
      throw new GitError('USAGE', "options '--keep-unreachable' and '--unpack-unreachable' cannot be used together");
    }
    if (values.filter !== undefined && values.filter.length > 0 && isStdinPacks) {
      throw new GitError('USAGE', "options '--stdin-packs' and '--filter' cannot be used together");
    }
    if (
      isStdinPacks &&
      (values.revs === true || values.all === true || values.reflog === true || values['indexed-objects'] === true)
    ) {
      throw new GitError('USAGE', 'cannot use internal rev list with --stdin-packs');
    }
    if (values.cruft === true) {
      if (revs) throw new GitError('USAGE', 'cannot use internal rev list with --cruft');
      if (isStdinPacks) throw new GitError('USAGE', 'cannot use --stdin-packs with --cruft');
    }
    const compression =
      values.compression ?? config.getInt('pack.compression') ?? config.getInt('core.compression') ?? -1;
    if (compression < -1 || compression > 9) throw new GitError('USAGE', `bad pack compression level ${compression}`);
    let depth = values.depth ?? config.getInt('pack.depth', 50);
    if (depth > 4095) {
      context.warning(`delta chain depth ${depth} is too deep, forcing 4095`);
      depth = 4095;
    }
    depth = Math.max(0, depth);
    const window = Math.max(0, values.window ?? config.getInt('pack.window', 10));
    const threads = values.threads ?? config.getInt('pack.threads', 0);
    if (threads < 0) throw new GitError('USAGE', `invalid number of threads specified (${threads})`);
    let nameHashVersion = values['name-hash-version'] ?? config.getInt('pack.namehashversion', 1);
    if (nameHashVersion !== -1 && nameHashVersion !== 1 && nameHashVersion !== 2) {
      throw new GitError('USAGE', 'invalid --name-hash-version option');
    }
    if (nameHashVersion === 2 && values['write-bitmap-index'] === true && !toStdout) {
      context.warning('currently, --write-bitmap-index requires --name-hash-version=1');
      nameHashVersion = 1;
    }
    const missing = values.missing ?? 'error';
    if (missing !== 'error' && missing !== 'allow-any' && missing !== 'allow-promisor') {
      throw new GitError('USAGE', "invalid value for '--missing'");
    }
    const shown =
      values.quiet !== true &&
      (values.progress === true ||
        values['all-progress'] === true ||
        values.quiet === false ||
        context.io.stderr.isTerminal);
    const bars = new Bars(context, shown);
    const islands = values['delta-islands'] === true ? await deltaIslands(repository) : undefined;
    const builder = new PackBuilder({
      platform: context.platform,
      algorithm: repository.objectFormat,
      source: repository.objects,
      packStores: repository.objectDirectories.map(({ packs }) => packs),
      directories: repository.objectDirectories.map(({ path }) => path),
      threads,
      window,
      depth,
      windowMemory: values['window-memory'] ?? config.getSize('pack.windowmemory', 0),
      compression,
      offsetDeltas: values['delta-base-offset'] === true,
      reuseDeltas: values['reuse-delta'] !== false,
      reuseObjects: values['reuse-object'] !== false,
      deltaCacheBytes: Math.min(config.getSize('pack.deltacachesize', 64 << 20) || 64 << 20, 256 << 20),
      bigFileThreshold: config.getSize('core.bigfilethreshold', 512 << 20),
      allowed: islands,
      withoutIndex: toStdout,
      progress: shown ? (phase, done, total) => bars.show(phase, done, total) : undefined,
      signal: context.signal,
    });
    const selection = new PackSelection(repository, builder, {
      local: values.local === true,
      incremental: values.incremental === true || (values.unpacked === true && !isStdinPacks),
      honorKeep: values['honor-pack-keep'] === true,
      keepPacks: values['keep-pack'] ?? [],
      filter: values.filter ?? [],
      thin: values.thin === true,
      nameHashVersion: nameHashVersion === 2 ? 2 : 1,
      window,
      missing: values['exclude-promisor-objects-best-effort'] === true ? 'allow-any' : missing,
      excludePromisor: values['exclude-promisor-objects'] === true,
      copyParts:
        toStdout && islands === undefined && values['reuse-object'] !== false && values['reuse-delta'] !== false,
      useBitmaps: values['use-bitmap-index'] ?? (toStdout && repository.config.getBool('pack.usebitmaps', true)),
    });
    let times: Map<Oid, number> | undefined;
    if (values.cruft === true) {
      times = await selectCruft(context, repository, selection, values['cruft-expiration'] ?? undefined);
    } else if (isStdinPacks) {
      await selectFromPacks(context, repository, builder, selection, {
        follow: stdinPacks === 'follow',
        unpacked: values.unpacked === true,
        promisors: values['exclude-promisor-objects'] !== true,
      });
    } else if (revs) {
      const words = await readRevisionLines(repository, context.io.stdin.lines(), selection.grafts);
      const paths = new Map<Oid, string>();
      const roots = {
        all: values.all === true,
        reflog: values.reflog === true,
        indexed: values['indexed-objects'] === true,
      };
      const extra = await rootsFor(repository, roots, paths);
      const reached = unpacks || keepUnreachable ? new Set<Oid>() : undefined;
      await selection.walk([...words.wants, ...extra], words.haves, reached && ((oid) => reached.add(oid)), paths);
      if (reached !== undefined) {
        const known = (oid: Oid): boolean => reached.has(oid) || builder.has(oid);
        handleUnreachable(context, repository, selection, builder, known, keepUnreachable, unpackUnreachable ?? '');
      }
      if (values['pack-loose-unreachable'] === true) {
        const { loose } = repository.objectDirectories[0]!;
        for (const oid of loose.list()) if (!builder.has(oid)) selection.add(oid, '');
      }
    } else await readObjectList(context, selection);
    if (values['include-tag'] === true && builder.count > 0) await selection.includeTags();
    if (shown) {
      const bar = context.progress('Enumerating objects', { force: true });
      bar.update(builder.count);
      bar.done();
    }
    if (values['non-empty'] === true && builder.count === 0) return undefined;
    if (!toStdout || values.all === true) await selection.markTagged();
    if (toStdout) {
      const { stdout } = context.io;
      for await (const chunk of builder.chunks()) {
        stdout.write(chunk);
        stdout.flush();
      }
    } else {
      const { algorithm, platform } = { algorithm: repository.objectFormat, platform: context.platform };
      const base = resolvePath(context.cwd, args.rest[0]!);
      const sums = await writePackFiles(builder, {
        platform,
        algorithm,
        base,
        maxSize,
        format: indexFormat(values['index-version'] ?? undefined, config.getInt('pack.indexversion')),
        reverse: config.getBool('pack.writereverseindex', true),
        ...repository.packSync,
        companions:
          times === undefined
            ? undefined
            : (path, rows, order) => {
                const bytes = serializeMtimes(
                  platform,
                  algorithm,
                  rows.count,
                  (row) => {
                    const at = order[row]! * repository.oidLength;
                    return times!.get(hexAt(rows.names, at, repository.oidLength)) ?? 0;
                  },
                  rows.checksum,
                );
                platform.fs.writeFile(`${path}.mtimes`, bytes, 0o444);
              },
      });
      const quietly = values['write-bitmap-index-quiet'] === true;
      if (values['write-bitmap-index'] === true || quietly) {
        if (sums.length > 1) {
          if (!quietly) context.warning('disabling bitmap writing, packs are split due to pack.packSizeLimit');
        } else await writeBitmapBeside(context, repository, `${base}-${sums[0]!}.pack`, quietly);
      }
      for (const pack of sums) yield { pack, text: `${pack}\n` };
    }
    bars.done();
    traceData('pack-objects', 'written', builder.statistics.total);
    traceData('pack-objects', 'written/delta', builder.statistics.deltas);
    traceData('pack-objects', 'reused', builder.statistics.reused);
    traceData('pack-objects', 'reused/delta', builder.statistics.reusedDeltas);
    traceData('pack-objects', 'pack-reused', builder.statistics.verbatim);
    traceData('pack-objects', 'packs-reused', builder.statistics.verbatimPacks);
    if (shown) {
      const { total, deltas, reused, reusedDeltas, verbatim, verbatimPacks } = builder.statistics;
      context.printError(
        `Total ${total} (delta ${deltas}), reused ${reused} (delta ${reusedDeltas}), pack-reused ${verbatim} (from ${verbatimPacks})\n`,
      );
    }
    return undefined;
  },
  render: ({ text }) => text,
});

function hexAt(names: Uint8Array, at: number, length: number): Oid {
  let text = '';
  for (let i = at; i < at + length; i++) text += names[i]!.toString(16).padStart(2, '0');
  return text as Oid;
}

function checkIndexVersion(text: string): void {
  const match = /^(\d+)(?:,(0x[0-9a-f]+|\d+))?$/i.exec(text);
  if (match === null) throw new GitError('USAGE', `bad index version '${text}'`);
  if (Number(match[1]) > 2) throw new GitError('USAGE', `unsupported index version ${match[1]}`);
  if (Number(match[2] ?? 0) >= 0x80000000) throw new GitError('USAGE', `bad index version '${text}'`);
}

function indexFormat(
  text: string | undefined,
  configured: number | undefined,
): { version?: number; largeFrom?: number } {
  if (text === undefined) return configured === undefined ? {} : { version: configured };
  const [version, large] = text.split(',');
  return { version: Number(version), ...(large === undefined ? {} : { largeFrom: Number(large) }) };
}

/** The bars of the phases, one after the other. */
class Bars {
  readonly #context: CommandContext;
  readonly #shown: boolean;
  #phase = '';
  #bar: Progress | undefined;

  constructor(context: CommandContext, shown: boolean) {
    this.#context = context;
    this.#shown = shown;
  }

  show(phase: 'count' | 'compress' | 'write', done: number, total: number): void {
    if (!this.#shown) return;
    if (phase !== this.#phase) {
      this.#bar?.done();
      this.#phase = phase;
      const title = { count: 'Counting objects', compress: 'Compressing objects', write: 'Writing objects' }[phase];
      this.#bar = this.#context.progress(title, { total, force: true });
    }
    this.#bar?.update(done, total);
  }

  done(): void {
    this.#bar?.done();
  }
}

/** `--write-bitmap-index`: the bitmap of a pack just written. */
async function writeBitmapBeside(
  context: CommandContext,
  repository: Repository,
  path: string,
  quietly: boolean,
): Promise<void> {
  const directory = path.slice(0, path.lastIndexOf('/'));
  const store = new PackStore(context.platform, directory, repository.objectFormat, { multiPackIndex: false });
  const pack = store.packs().find((each) => each.path === path);
  if (pack !== undefined && pack.index.count > 0) {
    await writePackBitmap(repository, pack, (message) => {
      if (!quietly || message.startsWith('error: ')) context.printError(`${message}\n`);
    });
  }
  store.close();
}

/** Objects as `<oid>[ <name>]`, and with a `-` in front those the receiver has. */
async function readObjectList(context: CommandContext, selection: PackSelection): Promise<void> {
  for (const line of context.io.stdin.lines()) {
    if (line.startsWith('-')) {
      const oid = line.slice(1);
      if (!isOid(oid.slice(0, context.repository().oidLength * 2))) {
        throw new GitError('USAGE', `expected edge object ID, got garbage:\n ${line}\n`);
      }
      selection.addEdge(oid as Oid, '');
      continue;
    }
    const length = context.repository().oidLength * 2;
    const oid = line.slice(0, length);
    if (!isOid(oid)) throw new GitError('USAGE', `expected object ID, got garbage:\n ${line}\n`);
    selection.add(oid, line.slice(length + 1));
  }
}

async function selectCruft(
  context: CommandContext,
  repository: Repository,
  selection: PackSelection,
  expiration: string | undefined,
): Promise<Map<Oid, number>> {
  const fresh = new Set<string>();
  const discard = new Set<string>();
  for (const line of context.io.stdin.lines()) {
    if (line === '') continue;
    if (line.startsWith('-')) discard.add(baseName(line.slice(1)));
    else fresh.add(baseName(line));
  }
  const packs = localPacks(repository).packs();
  const names = new Set(packs.map((pack) => baseName(pack.path)));
  for (const name of [...fresh, ...discard]) {
    if (!names.has(name)) throw new GitError('PATH_MISSING', `could not find pack '${name}'`);
  }
  const limit = expiration === undefined ? 0 : (parseExpiryDate(expiration, repository.clock) ?? 0);
  const settings = { fresh, discard, expiration: limit, shallow: selection.grafts };
  const times = cruftTimes(repository, settings);
  for (const oid of await keptCruft(repository, times, settings)) selection.add(oid, '');
  return times;
}

interface PackChoice {
  readonly follow: boolean;
  readonly unpacked: boolean;
  readonly promisors: boolean;
}

/**
 * `--stdin-packs`: everything in the packs named that no pack named with `^` holds. To follow is to take what they reach
 * in packs that are not named, too; packs named with `!` are left out, and what they reach is not.
 */
async function selectFromPacks(
  context: CommandContext,
  repository: Repository,
  builder: PackBuilder,
  selection: PackSelection,
  { follow, unpacked, promisors }: PackChoice,
): Promise<void> {
  const { fs } = repository.platform;
  const known = new Map<string, PackFile>();
  for (const { packs } of repository.objectDirectories)
    for (const pack of packs.packs()) known.set(baseName(pack.path), pack);
  const include: PackFile[] = [];
  const exclude: PackFile[] = [];
  const open: PackFile[] = [];
  const missing: string[] = [];
  for (const line of context.io.stdin.lines()) {
    if (line === '') continue;
    const mark = line[0] === '^' || (follow && line[0] === '!') ? line[0] : '';
    const name = baseName(line.slice(mark.length));
    const pack = known.get(name);
    if (pack === undefined) missing.push(name);
    else (mark === '' ? include : mark === '!' ? open : exclude).push(pack);
  }
  if (missing.length > 0) {
    const [first] = missing.sort(compareText);
    throw new GitError('PATH_MISSING', `could not find pack '${first}'`);
  }
  for (const pack of promisors ? [] : include) {
    if (fs.lstat(pack.path.replace(/\.pack$/, '.promisor')) === undefined) continue;
    const name = baseName(pack.path);
    throw new GitError('USAGE', `packfile ${name} is a promisor but --exclude-promisor-objects was given`);
  }
  const time = (pack: PackFile): number => fs.stat(pack.path)?.mtimeSeconds ?? 0;
  include.sort((a, b) => time(b) - time(a));
  const raw = new Uint8Array(repository.oidLength);
  const commits: Oid[] = [];
  const inAny = (packs: readonly PackFile[]): boolean => packs.some((other) => other.index.find(raw) >= 0);
  for (const pack of [...include, ...open]) {
    const taken = !open.includes(pack);
    for (const row of pack.index.packOrder) {
      pack.index.copyName(row, raw, 0);
      if (inAny(exclude) || (taken && inAny(open))) continue;
      const oid = pack.index.oidAt(row);
      if (taken && !selection.add(oid, '')) continue;
      if (
        pack.entry(pack.index.offsetAt(row)).type === 1 ||
        pack.readHeader(pack.index.offsetAt(row)).kind === 'commit'
      ) {
        commits.push(oid);
      }
    }
  }
  if (unpacked) {
    const { loose, packs } = repository.objectDirectories[0]!;
    for (const oid of loose.list()) {
      if (packs.has(oid)) continue;
      selection.add(oid, '');
      if (follow && loose.readHeader(oid)?.kind === 'commit') commits.push(oid);
    }
  }
  if (!follow) {
    await nameTrees(repository, builder, selection, commits);
    return;
  }
  const left = [...exclude, ...open];
  await followCommits(repository, selection, commits, {
    // Beyond a pack that is closed nothing is looked for; without open ones no pack is said to be closed.
    ends: (name) => {
      raw.set(name);
      return open.length > 0 && inAny(exclude);
    },
    leftOut: (name) => {
      raw.set(name);
      return inAny(left);
    },
  });
}

/** Adds what commits reach, as far as it is here. */
async function followCommits(
  repository: Repository,
  selection: PackSelection,
  commits: readonly Oid[],
  rules: { ends(name: Uint8Array): boolean; leftOut(name: Uint8Array): boolean },
): Promise<void> {
  const seen = new Set<Oid>();
  /** Answers the content of what is to be looked into. */
  const meet = async (oid: Oid, path: string, kind: 'commit' | 'tree'): Promise<Uint8Array | undefined> => {
    if (seen.has(oid)) return undefined;
    seen.add(oid);
    const name = oidToBytes(oid);
    if (rules.ends(name)) return undefined;
    const object = await repository.objects.read(oid);
    if (object?.kind !== kind) return undefined;
    if (!rules.leftOut(name) && !selection.add(oid, path, kind)) selection.name(oid, path);
    return object.data;
  };
  const walkTree = async (oid: Oid, path: string): Promise<void> => {
    const data = await meet(oid, path, 'tree');
    if (data === undefined) return;
    const cursor = new TreeCursor(data, repository.oidLength);
    while (cursor.next()) {
      if (isGitlinkMode(cursor.mode)) continue;
      const child = cursor.oid;
      const below = path === '' ? cursor.name : `${path}/${cursor.name}`;
      if (isTreeMode(cursor.mode)) {
        await walkTree(child, below);
        continue;
      }
      if (seen.has(child)) continue;
      seen.add(child);
      const name = oidToBytes(child);
      if (rules.ends(name) || rules.leftOut(name) || !(await repository.objects.has(child))) continue;
      if (!selection.add(child, below, 'blob')) selection.name(child, below);
    }
  };
  const queue = [...commits];
  for (let oid = queue.pop(); oid !== undefined; oid = queue.pop()) {
    const data = await meet(oid, '', 'commit');
    if (data === undefined) continue;
    const { tree, parents } = parseCommitLinks(data);
    queue.push(...parents);
    await walkTree(tree, '');
  }
}

/** Walks the trees among the chosen objects, so that they and their blobs get the names they are sorted by. */
async function nameTrees(
  repository: Repository,
  builder: PackBuilder,
  selection: PackSelection,
  commits: readonly Oid[],
): Promise<void> {
  const seen = new Set<Oid>();
  const walk = async (oid: Oid, path: string, depth = 0): Promise<void> => {
    checkTreeDepth(depth);
    if (seen.has(oid) || !builder.has(oid)) return;
    seen.add(oid);
    selection.name(oid, path);
    const object = await repository.objects.read(oid);
    if (object?.kind !== 'tree') return;
    const cursor = new TreeCursor(object.data, repository.oidLength);
    while (cursor.next()) {
      if (isGitlinkMode(cursor.mode)) continue;
      const below = path === '' ? cursor.name : `${path}/${cursor.name}`;
      if (isTreeMode(cursor.mode)) await walk(cursor.oid, below, depth + 1);
      else selection.name(cursor.oid, below);
    }
  };
  for (const oid of commits) {
    const commit = await repository.objects.read(oid);
    if (commit?.kind === 'commit') await walk(parseCommitLinks(commit.data).tree, '');
  }
}

/** Objects of the local packs that no root reaches: kept in the new pack, or made loose again. */
function handleUnreachable(
  context: CommandContext,
  repository: Repository,
  selection: PackSelection,
  builder: PackBuilder,
  known: (oid: Oid) => boolean,
  keep: boolean,
  since: string,
): void {
  const { fs } = context.platform;
  const { loose } = repository.objectDirectories[0]!;
  const others = repository.objectDirectories.slice(1);
  const limit = since === '' ? 0 : (parseExpiryDate(since, repository.clock) ?? 0);
  for (const { oid, pack, row } of unreachableInPacks(selection.openPacks(), builder)) {
    if (known(oid)) continue;
    if (keep) {
      selection.add(oid, '');
      continue;
    }
    const seconds = fs.stat(pack.path)?.mtimeSeconds ?? 0;
    if (limit > 0 && seconds <= limit) continue;
    if (loose.has(oid) || !selection.wants(oid) || others.some((each) => each.packs.has(oid) || each.loose.has(oid)))
      continue;
    const { kind, data } = pack.read(pack.index.offsetAt(row));
    loose.writeNamed(oid, kind, data);
    fs.setTimes(loose.pathOf(oid), seconds, seconds);
  }
  if (keep) for (const oid of loose.list()) if (!known(oid)) selection.add(oid, '');
}
