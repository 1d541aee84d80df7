import { looseGarbage, packGarbage } from '../packs/garbage.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';

interface Counts {
  readonly count: number;
  readonly size: number;
  readonly inPack?: number;
  readonly packs?: number;
  readonly sizePack?: number;
  readonly prunePackable?: number;
  readonly garbage?: number;
  readonly sizeGarbage?: number;
  readonly alternates?: readonly string[];
  readonly human: boolean;
}

/** `1.21 MiB`, as git rounds. */
export function humanBytes(bytes: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  if (bytes > 2 ** 30) {
    return `${Math.floor(bytes / 2 ** 30)}.${two(Math.floor((bytes % 2 ** 30) / 10737419))} GiB`;
  }
  if (bytes > 2 ** 20) {
    const x = bytes + 5243;
    return `${Math.floor(x / 2 ** 20)}.${two(Math.floor(((x % 2 ** 20) * 100) / 2 ** 20))} MiB`;
  }
  if (bytes > 2 ** 10) {
    const x = bytes + 5;
    return `${Math.floor(x / 2 ** 10)}.${two(Math.floor(((x % 2 ** 10) * 100) / 2 ** 10))} KiB`;
  }
  return `${bytes} byte${bytes === 1 ? '' : 's'}`;
}

export const command = defineCommand({
  name: 'count-objects',
  summary: 'Count unpacked number of objects and their disk consumption',
  usage: ['count-objects [-v] [-H | --human-readable]'],
  options: {
    verbose: { type: 'flag', short: 'v', help: 'be verbose' },
    'human-readable': { type: 'flag', short: 'H', help: 'print sizes in human readable format' },
  },
  async *run(context, args): AsyncGenerator<Counts, void> {
    if (args.rest.length > 0) throw new UsageError('');
    const repository = context.repository();
    const { fs } = context.platform;
    const verbose = args.values.verbose === true;
    const human = args.values['human-readable'] === true;
    const directories = repository.objectDirectories;
    const { loose, packs } = directories[0]!;
    const root = repository.objectsDirectory;
    const shownRoot = root === `${repository.gitDir}/objects` ? `${repository.gitDirShown}/objects` : root;
    let garbage = 0;
    let sizeGarbage = 0;
    if (verbose) {
      for (const { why, path } of [
        ...looseGarbage(fs, root, repository.objectFormat),
        ...packGarbage(fs, `${root}/pack`),
      ]) {
        context.warning(`${why}: ${shownRoot}${path.slice(root.length)}`);
        garbage++;
        sizeGarbage += fs.stat(path)?.size ?? 0;
      }
    }
    let count = 0;
    let size = 0;
    let prunePackable = 0;
    for (const oid of loose.list()) {
      const path = loose.pathOf(oid);
      count++;
      size += fs.allocatedSize?.(path) ?? fs.stat(path)?.size ?? 0;
      if (verbose && directories.some((each) => each.packs.has(oid))) prunePackable++;
    }
    if (!verbose) {
      yield { count, size, human };
      return;
    }
    let inPack = 0;
    let sizePack = 0;
    const all = packs.packs();
    for (const pack of all) {
      inPack += pack.index.count;
      sizePack += (fs.stat(pack.path)?.size ?? 0) + (fs.stat(pack.index.path)?.size ?? 0);
    }
    yield {
      count,
      size,
      inPack,
      packs: all.length,
      sizePack,
      prunePackable,
      garbage,
      sizeGarbage,
      alternates: directories.slice(1).map((each) => each.path),
      human,
    };
  },
  render(counts) {
    const size = (bytes: number): string => (counts.human ? humanBytes(bytes) : String(Math.floor(bytes / 1024)));
    if (counts.packs === undefined) {
      return counts.human
        ? `${counts.count} objects, ${humanBytes(counts.size)}\n`
        : `${counts.count} objects, ${Math.floor(counts.size / 1024)} kilobytes\n`;
    }
    const lines = [
      `count: ${counts.count}`,
      `size: ${size(counts.size)}`,
      `in-pack: ${counts.inPack}`,
      `packs: ${counts.packs}`,
      `size-pack: ${size(counts.sizePack ?? 0)}`,
      `prune-packable: ${counts.prunePackable}`,
      `garbage: ${counts.garbage}`,
      `size-garbage: ${size(counts.sizeGarbage ?? 0)}`,
      ...(counts.alternates ?? []).map((path) => `alternate: ${path}`),
    ];
    return `${lines.join('\n')}\n`;
  },
});
