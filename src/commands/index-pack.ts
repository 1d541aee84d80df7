import type { Bytes } from '../base/bytes.js';
import { decodeText, equalBytes } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { oidFromBytes } from '../base/oid.js';
import type { RawObject } from '../objects/source.js';
import type { PackTable } from '../packs/pack-parser.js';
import type { IndexedPack, IndexPackOptions } from '../packs/index-pack.js';
import { indexPackFile, receivePack } from '../packs/index-pack.js';
import { PackTableView, chainHistogram } from '../packs/pack-listing.js';
import { FsckRules } from '../objects/fsck.js';
import { applyFsckList, IncomingFsck } from '../repo/incoming-fsck.js';
import type { Repository } from '../repo/repository.js';
import { resolvePath } from '../repo/paths.js';
import type { CommandContext, Progress } from './command.js';
import { defineCommand, renderText } from './command.js';
import { UsageError } from './options.js';
import { LinkCheck } from '../packs/link-check.js';

interface Settings {
  stdin: boolean;
  fixThin: boolean;
  strict: boolean;
  fsck: boolean;
  /** `<msg-id>=<severity>,…` of `--strict` and `--fsck-objects`. */
  severities: string[];
  connected: boolean;
  verify: boolean;
  stat: boolean;
  statOnly: boolean;
  verbose: boolean;
  reportEnd: boolean;
  keep: string | undefined;
  promisor: string | undefined;
  output: string | undefined;
  version: number;
  largeFrom: number;
  maxInputSize: number;
  threads: number | undefined;
  reverse: boolean | undefined;
  packHeader: string | undefined;
  objectFormat: HashAlgorithm | undefined;
  file: string | undefined;
}

function parse(argv: readonly string[]): Settings {
  const settings: Settings = {
    stdin: false,
    fixThin: false,
    strict: false,
    fsck: false,
    severities: [],
    connected: false,
    verify: false,
    stat: false,
    statOnly: false,
    verbose: false,
    reportEnd: false,
    keep: undefined,
    promisor: undefined,
    output: undefined,
    version: 2,
    largeFrom: 0x7fffffff,
    maxInputSize: 0,
    threads: undefined,
    reverse: undefined,
    packHeader: undefined,
    objectFormat: undefined,
    file: undefined,
  };
  const value = (word: string, name: string): string | undefined =>
    word === name ? '' : word.startsWith(`${name}=`) ? word.slice(name.length + 1) : undefined;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (!word.startsWith('-')) {
      if (settings.file !== undefined) throw new UsageError('');
      settings.file = word;
    } else if (word === '--stdin') settings.stdin = true;
    else if (word === '--fix-thin') settings.fixThin = true;
    else if (value(word, '--strict') !== undefined) {
      settings.strict = true;
      settings.fsck = true;
      settings.severities.push(value(word, '--strict')!);
    } else if (word === '--check-self-contained-and-connected') {
      settings.strict = true;
      settings.connected = true;
    } else if (value(word, '--fsck-objects') !== undefined) {
      settings.fsck = true;
      settings.severities.push(value(word, '--fsck-objects')!);
    } else if (word === '--verify') settings.verify = true;
    else if (word === '--verify-stat') {
      settings.verify = true;
      settings.stat = true;
    } else if (word === '--verify-stat-only') {
      settings.verify = true;
      settings.stat = true;
      settings.statOnly = true;
    } else if (value(word, '--keep') !== undefined) settings.keep = value(word, '--keep');
    else if (value(word, '--promisor') !== undefined) settings.promisor = value(word, '--promisor');
    else if (word.startsWith('--threads=')) {
      if (!/^\d+$/.test(word.slice(10))) throw new UsageError('');
      settings.threads = Number(word.slice(10));
    } else if (word.startsWith('--pack_header=')) {
      settings.packHeader = word.slice(14);
      if (!/^\d+,\d+$/.test(settings.packHeader)) throw new GitError('USAGE', `bad --pack_header: ${word.slice(14)}`);
    } else if (word === '-v') settings.verbose = true;
    else if (word === '--progress-title') i++;
    else if (word === '--show-resolving-progress') continue;
    else if (word === '--report-end-of-input') settings.reportEnd = true;
    else if (word === '-o') {
      if (settings.output !== undefined || i + 1 >= argv.length) throw new UsageError('');
      settings.output = argv[++i]!;
    } else if (word.startsWith('--index-version=')) {
      const match = /^(\d+)(?:,(0x[0-9a-f]+|\d+))?$/i.exec(word.slice(16));
      if (match === null || Number(match[1]) > 2 || Number(match[2] ?? 0) >= 0x80000000) {
        throw new GitError('USAGE', `bad ${word}`);
      }
      settings.version = Number(match[1]);
      if (match[2] !== undefined) settings.largeFrom = Number(match[2]);
    } else if (word.startsWith('--max-input-size=')) settings.maxInputSize = Number(word.slice(17));
    else if (word.startsWith('--object-format=')) {
      const format = word.slice(16);
      if (format !== 'sha1' && format !== 'sha256') throw new GitError('USAGE', `unknown hash algorithm '${format}'`);
      settings.objectFormat = format;
    } else if (word === '--rev-index') settings.reverse = true;
    else if (word === '--no-rev-index') settings.reverse = false;
    else throw new UsageError('');
  }
  return settings;
}

/** The input, with the head that another process has read already put in front again. */
async function* withHead(head: string | undefined, input: AsyncIterable<Bytes>): AsyncGenerator<Bytes> {
  if (head !== undefined) {
    const [version, count] = head.split(',').map(Number) as [number, number];
    const bytes = new Uint8Array(12);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0x5041434b);
    view.setUint32(4, version);
    view.setUint32(8, count);
    yield bytes;
  }
  yield* input;
}

/** An object that is here already must be the same, or somebody plays with collisions. */
function refuseCollisions(repository: Repository, table: PackTable, read: (oid: Oid) => RawObject | undefined): void {
  const { names, oidLength, count } = table;
  for (const { packs, loose } of repository.objectDirectories) {
    // Asking for each of many is dearer than listing what is there.
    const listed = count > 1000 ? new Set(loose.list()) : undefined;
    if (packs.objectCount === 0 && listed?.size === 0) continue;
    for (let row = 0; row < count; row++) {
      const inPack = packs.locateRaw(names, row * oidLength) !== undefined;
      if (!inPack && listed?.size === 0) continue;
      const oid = oidFromBytes(names, row * oidLength, oidLength);
      if (!inPack && !(listed?.has(oid) ?? loose.has(oid))) continue;
      const collision = new GitError('OBJECT_CORRUPT', `SHA1 COLLISION FOUND WITH ${oid} !`, { data: { oid } });
      let there: RawObject | undefined;
      try {
        there = inPack ? packs.read(oid) : loose.read(oid);
      } catch (error) {
        // Other content under this name, though sound by itself.
        if (isGitError(error) && error.message.startsWith('hash mismatch')) throw collision;
        throw error;
      }
      const here = read(oid);
      if (there === undefined || here === undefined) continue;
      if (there.kind !== here.kind || !equalBytes(there.data, here.data)) {
        throw collision;
      }
    }
  }
}

/** What looks at the objects for `--strict` and `--fsck-objects`. */
function incomingFsck(
  context: CommandContext,
  repository: Repository | undefined,
  algorithm: HashAlgorithm,
  settings: Settings,
  links: LinkCheck | undefined,
): IncomingFsck {
  const rules = new FsckRules();
  rules.strict = true;
  for (const list of settings.severities) {
    applyFsckList(rules, list, (path) => {
      const bytes = context.platform.fs.readFile(resolvePath(context.cwd, path));
      if (bytes === undefined) throw new GitError('CONFIG', `could not open object name list: ${path}`);
      rules.skip(decodeText(bytes), repository?.objectFormat ?? algorithm);
    });
  }
  return new IncomingFsck({
    algorithm,
    rules,
    links,
    contents: settings.fsck,
    tell: (line) => context.printError(`${line}\n`),
  });
}

export interface IndexPackResult {
  readonly checksum?: string;
  readonly text: string;
}

export const command = defineCommand({
  name: 'index-pack',
  summary: 'Build pack index file for an existing packed archive',
  bareUsage: true,
  usage: [
    'index-pack [-v] [-o <index-file>] [--keep | --keep=<msg>] [--[no-]rev-index] [--verify] [--strict[=<msg-id>=<severity>...]] [--fsck-objects[=<msg-id>=<severity>...]] (<pack-file> | --stdin [--fix-thin] [<pack-file>])',
  ],
  options: {},
  parsing: { none: true },
  async *run(context): AsyncGenerator<IndexPackResult, number | undefined> {
    if (context.argv.length === 1 && context.argv[0] === '-h') throw new UsageError('', { help: true });
    const settings = parse(context.argv);
    return yield* runIndexPack(context, settings);
  },
  render: renderText,
});

async function* runIndexPack(
  context: CommandContext,
  settings: Settings,
): AsyncGenerator<IndexPackResult, number | undefined> {
  const { platform } = context;
  if (settings.file === undefined && !settings.stdin) throw new UsageError('');
  if (settings.fixThin && !settings.stdin) {
    throw new GitError('USAGE', "the option '--fix-thin' requires '--stdin'");
  }
  const repository = context.maybeRepository();
  if (settings.stdin && repository === undefined) throw new GitError('USAGE', '--stdin requires a git repository');
  if (settings.stdin && settings.objectFormat !== undefined) {
    throw new GitError('USAGE', "options '--object-format' and '--stdin' cannot be used together");
  }
  const file = settings.file === undefined ? undefined : resolvePath(context.cwd, settings.file);
  let indexPath = settings.output === undefined ? undefined : resolvePath(context.cwd, settings.output);
  if (file !== undefined && indexPath === undefined) {
    if (!file.endsWith('.pack')) {
      throw new GitError('USAGE', `packfile name '${settings.file}' does not end with '.pack'`);
    }
    indexPath = `${file.slice(0, -5)}.idx`;
  }
  const algorithm = repository?.objectFormat ?? settings.objectFormat ?? 'sha1';
  const links = settings.strict ? new LinkCheck(repository?.objects, settings.connected) : undefined;
  const fsck =
    links === undefined && !settings.fsck ? undefined : incomingFsck(context, repository, algorithm, settings, links);
  let missing: readonly Oid[] = [];
  /** `.gitmodules` blobs that are nowhere: whoever called may get them later. */
  const tellMissing = (): string => missing.map((oid) => `${oid}\n`).join('');
  let bar: Progress | undefined;
  let phase = '';
  const options: IndexPackOptions = {
    platform,
    algorithm,
    fixThin: settings.fixThin,
    source: repository?.objects,
    reverse: settings.reverse,
    format: { version: settings.version, largeFrom: settings.largeFrom },
    refuseDuplicates: settings.strict,
    maxInputSize: settings.maxInputSize,
    object: fsck?.object,
    blobsUnseen: true,
    threads: settings.threads ?? repository?.config.getInt('pack.threads'),
    complete: async (read, table) => {
      if (repository !== undefined && !settings.verify) refuseCollisions(repository, table, read);
      if (repository === undefined && fsck?.isWaiting === true) {
        throw new GitError('USAGE', 'cannot perform queued object checks outside of a repository');
      }
      if (fsck !== undefined) missing = await fsck.finish((oid) => read(oid) ?? repository?.objects.read(oid));
    },
    signal: context.signal,
    progress: settings.verbose
      ? (now, done, total) => {
          if (now !== phase) {
            bar?.done();
            phase = now;
            const title =
              now === 'resolve' ? 'Resolving deltas' : settings.stdin ? 'Receiving objects' : 'Indexing objects';
            bar = context.progress(title, { total, force: true });
          }
          bar?.update(done, total);
        }
      : undefined,
  };
  const reverse = settings.reverse ?? repository?.config.getBool('pack.writereverseindex', true) ?? true;
  if (settings.stdin) {
    const stored = await receivePack(
      withHead(settings.packHeader, context.io.stdin.stream()),
      `${repository!.objectsDirectory}/pack`,
      {
        ...options,
        reverse,
        keep: settings.keep,
        promisor: settings.promisor,
        keepEmpty: true,
        ...(file === undefined ? {} : { path: file.replace(/\.pack$/, '') }),
        indexPath,
        ...repository!.packSync,
      },
    );
    bar?.done();
    if (stored.appended > 0 && settings.verbose) {
      context.printError(`completed with ${stored.appended} local object${stored.appended === 1 ? '' : 's'}\n`);
    }
    yield {
      checksum: stored.checksum,
      text: `${settings.keep === undefined ? 'pack' : 'keep'}\t${stored.checksum}\n${tellMissing()}`,
    };
    return links?.exitCode;
  }
  let indexed: IndexedPack;
  try {
    indexed = await indexPackFile(file!, options);
  } finally {
    bar?.done();
  }
  if (settings.verify) {
    const there = platform.fs.readFile(indexPath!);
    if (there === undefined)
      throw new GitError('PATH_MISSING', `Cannot open existing pack idx file for '${indexPath}'`);
    verifyIndex(there, indexed, indexPath!);
    const rev = `${indexPath!.replace(/\.idx$/, '')}.rev`;
    if (settings.reverse === true && indexPath!.endsWith('.idx')) {
      const bytes = platform.fs.readFile(rev);
      if (bytes !== undefined && !equalBytes(bytes, indexed.reverse)) {
        throw new GitError('OBJECT_CORRUPT', `${rev}: sha1 file validation error`);
      }
    }
    if (settings.stat) yield { text: describe(indexed, settings.statOnly) };
    return links?.exitCode;
  }
  const put = (target: string, bytes: Bytes): void => {
    platform.fs.remove(target);
    platform.fs.writeFile(target, bytes, 0o444);
  };
  put(indexPath!, indexed.index);
  if (reverse && (settings.reverse === true || indexPath!.endsWith('.idx'))) {
    put(`${indexPath!.replace(/\.idx$/, '')}.rev`, indexed.reverse);
  }
  const base = file!.replace(/\.pack$/, '');
  if (settings.keep !== undefined && !platform.fs.lstat(`${base}.keep`)) {
    platform.fs.writeFile(`${base}.keep`, new TextEncoder().encode(settings.keep === '' ? '' : `${settings.keep}\n`));
  }
  if (settings.promisor !== undefined) {
    platform.fs.writeFile(
      `${base}.promisor`,
      new TextEncoder().encode(settings.promisor === '' ? '' : `${settings.promisor}\n`),
    );
  }
  yield { checksum: indexed.checksum, text: `${indexed.checksum}\n${tellMissing()}` };
  return links?.exitCode;
}

/** The index as it should be against the one there: names, CRCs and offsets must agree, whatever the version. */
function verifyIndex(there: Bytes, indexed: IndexedPack, path: string): void {
  const view = new PackTableView(indexed.table);
  const fault = view.compareIndex(there, indexed.checksum);
  if (fault !== undefined) throw new GitError('OBJECT_CORRUPT', `${fault} in pack idx file '${path}'`);
}

/** What `verify-pack -v` shows. */
function describe(indexed: IndexedPack, histogramOnly: boolean): string {
  const view = new PackTableView(indexed.table);
  let text = '';
  if (!histogramOnly) for (const line of view.lines()) text += `${line}\n`;
  return text + chainHistogram(view);
}
