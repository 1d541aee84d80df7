import { GitError } from '../base/errors.js';
import { isOid, oidToBytes } from '../base/oid.js';
import { OidMap } from '../packs/oid-map.js';
import type { PackFile } from '../packs/pack-file.js';
import type { Repository } from '../repo/repository.js';
import { defineCommand, renderText } from './command.js';
import { UsageError } from './options.js';

const usage = 'pack-redundant [--verbose] [--alt-odb] (--all | <pack-filename>...)';

const farewell = `'git pack-redundant' is nominated for removal.
If you still use this command, here's what you can do:

- read https://git-scm.com/docs/BreakingChanges.html
- check if anyone has discussed this on the mailing
  list and if they came up with something that can
  help you: https://lore.kernel.org/git/?q=git%20pack-redundant
- send an email to <git@vger.kernel.org> to let us
  know that you still use this command and were unable
  to determine a suitable replacement

`;

/** A pack and the rows (numbers in one map of names) that count. */
interface Candidate {
  readonly pack: PackFile;
  readonly shown: string;
  objects: Set<number>;
}

export const command = defineCommand({
  name: 'pack-redundant',
  summary: 'Find redundant pack files',
  bareUsage: true,
  usage: [usage],
  options: {},
  parsing: { none: true },
  async *run(context): AsyncGenerator<{ readonly pack: string; readonly text: string }, number> {
    let all = false;
    let verbose = false;
    let alternates = false;
    let insists = false;
    const named: string[] = [];
    if (context.argv.length === 1 && context.argv[0] === '-h') throw new UsageError('', { help: true });
    for (let i = 0; i < context.argv.length; i++) {
      const word = context.argv[i]!;
      if (word === '--') {
        named.push(...context.argv.slice(i + 1));
        break;
      }
      if (word === '--all') all = true;
      else if (word === '--verbose') verbose = true;
      else if (word === '--alt-odb') alternates = true;
      else if (word === '--i-still-use-this') insists = true;
      else if (word.startsWith('-')) throw new UsageError('');
      else named.push(word);
    }
    if (!insists) {
      context.printError(farewell);
      throw new GitError('UNSUPPORTED', 'refusing to run without --i-still-use-this');
    }
    const repository = context.repository();
    const map = new OidMap(repository.oidLength);
    const elsewhere = new Set<number>();
    let elsewherePacks = 0;
    for (const { packs } of repository.objectDirectories.slice(1)) {
      for (const pack of packs.packs()) {
        elsewherePacks++;
        for (const row of rowsOf(pack, map)) elsewhere.add(row);
      }
    }
    const local = chosenPacks(repository, all, named, map);
    if (local.length === 0) throw new GitError('PATH_MISSING', 'Zero packs found!');
    const ignored = new Set<number>();
    if (!context.io.stdin.isTerminal) {
      for (const line of context.io.stdin.lines()) {
        if (!isOid(line) || line.length !== repository.oidLength * 2) {
          throw new GitError('USAGE', `Bad object ID on stdin: ${line}`);
        }
        ignored.add(map.addRaw(oidToBytes(line)));
      }
    }
    const wanted = new Set<number>();
    for (const { objects } of local) {
      for (const row of objects) if (!elsewhere.has(row) && !ignored.has(row)) wanted.add(row);
    }
    for (const each of local) {
      each.objects = new Set(
        [...each.objects].filter((row) => !ignored.has(row) && !(alternates && elsewhere.has(row))),
      );
    }
    const needed = smallestSet(local, wanted);
    const redundant = local.filter((each) => !needed.has(each));
    if (verbose) {
      const sizeOf = (list: readonly Candidate[]): number => list.reduce((sum, { pack }) => sum + pack.size, 0);
      const chosen = local.filter((each) => needed.has(each));
      let held = 0;
      let bytes = 0;
      for (const { objects, pack } of chosen) {
        held += objects.size;
        bytes += pack.size;
      }
      const distinct = new Set(chosen.flatMap(({ objects }) => [...objects])).size;
      const twice = held - distinct;
      context.printError(
        `There are ${elsewherePacks} packs available in alt-odbs.\nThe smallest (bytewise) set of packs is:\n` +
          chosen.map(({ shown }) => `\t${shown}\n`).join('') +
          `containing ${twice} duplicate objects with a total size of ${held === 0 ? 0 : Math.floor((bytes * twice) / held / 1024)}kb.\n` +
          `A total of ${wanted.size} unique objects were considered.\nRedundant packs (with indexes):\n` +
          redundant.map(({ shown }) => `${shown.replace(/\.pack$/, '.idx')}\n${shown}\n`).join('') +
          `${Math.floor(sizeOf(redundant) / (1 << 20))}MB of redundant packs in total.\n`,
      );
    }
    for (const { shown } of redundant) yield { pack: shown, text: `${shown.replace(/\.pack$/, '.idx')}\n${shown}\n` };
    return 0;
  },
  render: renderText,
});

function* rowsOf(pack: PackFile, map: OidMap): Generator<number> {
  const raw = new Uint8Array(map.oidLength);
  for (let row = 0; row < pack.index.count; row++) {
    pack.index.copyName(row, raw, 0);
    yield map.addRaw(raw);
  }
}

function chosenPacks(repository: Repository, all: boolean, named: readonly string[], map: OidMap): Candidate[] {
  const { gitDirShown, gitDir } = repository;
  const known = new Map<string, PackFile>();
  for (const pack of repository.objectDirectories[0]!.packs.packs()) {
    const shown = pack.path.startsWith(`${gitDir}/`)
      ? `${gitDirShown}/${pack.path.slice(gitDir.length + 1)}`
      : pack.path;
    known.set(shown, pack);
  }
  const candidate = (shown: string, pack: PackFile): Candidate => ({
    shown,
    pack,
    objects: new Set(rowsOf(pack, map)),
  });
  if (all) return [...known].reverse().map(([shown, pack]) => candidate(shown, pack));
  return named.map((name) => {
    if (name.length < repository.oidLength * 2) throw new GitError('USAGE', `Bad pack filename: ${name}`);
    for (const [shown, pack] of known) {
      if (shown.includes(name.replace(/\.idx$/, '.pack'))) return candidate(shown, pack);
    }
    throw new GitError('PATH_MISSING', `Filename ${name} not found in packed_git`);
  });
}

/** Packs that hold what no other does, then those that add most until all that is wanted is held. */
function smallestSet(local: readonly Candidate[], wanted: ReadonlySet<number>): Set<Candidate> {
  const holders = new Map<number, number>();
  for (const { objects } of local) for (const row of objects) holders.set(row, (holders.get(row) ?? 0) + 1);
  const needed = new Set<Candidate>();
  const missing = new Set(wanted);
  const take = (each: Candidate): void => {
    needed.add(each);
    for (const row of each.objects) missing.delete(row);
  };
  if (local.length > 1) {
    for (const each of local) if ([...each.objects].some((row) => holders.get(row) === 1)) take(each);
  }
  while (missing.size > 0) {
    let best: Candidate | undefined;
    let most = 0;
    for (const each of local) {
      if (needed.has(each)) continue;
      let adds = 0;
      for (const row of each.objects) if (missing.has(row)) adds++;
      if (adds > most) {
        most = adds;
        best = each;
      }
    }
    if (best === undefined) break;
    take(best);
  }
  return needed;
}
