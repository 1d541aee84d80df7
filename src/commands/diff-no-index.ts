import { lstatSync, readFileSync, readdirSync, readlinkSync, statSync, type Stats } from 'node:fs';
import { resolve } from 'node:path';
import { compareText, decodeText, encodeText, type Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { zeroOid, type HashAlgorithm } from '../base/oid.js';
import type { DiffSide, FilePair } from '../diff/pair.js';
import { MODE_EXECUTABLE, MODE_FILE, MODE_SYMLINK } from '../objects/mode.js';
import { parsePathspec, type Pathspec } from '../repo/pathspec.js';
import type { CommandContext } from './command.js';
import type { DiffArguments } from './diff-options.js';
import { attributeSource, setUpDiff } from './diff-setup.js';
import { UsageError } from './options.js';

const usage = 'usage: git diff --no-index [<options>] <path> <path> [<pathspec>...]\n\n';

interface Piece {
  readonly text: Bytes;
}

/** `git diff --no-index`: two files or directories that no repository needs to know. */
export async function* diffWithoutIndex(
  context: CommandContext,
  args: DiffArguments,
  words: readonly string[],
  explicit: boolean,
): AsyncGenerator<Piece, number> {
  if (words.length < 2 || (words.length > 2 && !explicit)) {
    if (!explicit) context.warning('Not a git repository. Use --no-index to compare two paths outside a working tree');
    context.printError(usage);
    return 129;
  }
  args.words.exitCode = true;
  const platform = context.platform;
  const repository = context.maybeRepository();
  const algorithm: HashAlgorithm = repository?.objectFormat ?? 'sha1';
  const attributes = repository === undefined ? undefined : await attributeSource(context, repository);
  const prefix = repository?.prefix ?? '';
  const comparison = new Comparison(context, algorithm);
  const task = await setUpDiff(context, args, {
    ui: true,
    defaultForm: 'patch',
    textconv: true,
    externalDiff: true,
    attributesOf:
      attributes === undefined ? undefined : (path) => attributes(path.startsWith('/') ? path : prefix + path),
    identify: async (side) =>
      comparison.isStream(side.path) ? side.oid : platform.hashObject(algorithm, 'blob', await side.read()),
  });
  context.startPager(true);
  const limits = words.slice(2);
  if (limits.length > 0 && !comparison.limit(words[0]!, words[1]!, parsePathspec(limits))) {
    context.printError(usage);
    return 129;
  }
  comparison.add(comparison.fixed(words[0]!, words[1]!), comparison.fixed(words[1]!, words[0]!), '');
  // equal contents are no difference; ids are not known beforehand
  const found: FilePair[] = [];
  for (const pair of comparison.pairs) {
    if (pair.status === 'M' && pair.old.mode === pair.new.mode) {
      const [a, b] = [await pair.old.read(), await pair.new.read()];
      if (a.length === b.length && a.every((byte, i) => byte === b[i])) continue;
    }
    found.push(pair);
  }
  const pairs = await task.process(found);
  const pieces = task.write(pairs);
  for await (const text of pieces) yield { text };
  task.warnAboutLimits();
  return task.exitCode(await task.differs(pairs));
}

class Comparison {
  readonly pairs: FilePair[] = [];
  private pathspec: Pathspec | undefined;
  private readonly streams = new Map<string, Bytes | undefined>();

  constructor(
    private readonly context: CommandContext,
    private readonly algorithm: HashAlgorithm,
  ) {}

  /** A file against a directory is compared with the file of the same name in it. */
  fixed(path: string, other: string): string {
    const own = path === '-' ? undefined : this.stat(path);
    const against = other === '-' ? undefined : this.stat(other);
    if (own?.isDirectory() === true && other === '-')
      throw new GitError('USAGE', 'cannot compare stdin to a directory');
    if (own?.isDirectory() === true && against?.isFIFO() === true)
      throw new GitError('USAGE', 'cannot compare a named pipe to a directory');
    if (path === '-' || other === '-') return path;
    if (own?.isDirectory() === true && against !== undefined && !against.isDirectory()) {
      const name = other.replace(/\/+$/, '').split('/').at(-1)!;
      return path.endsWith('/') ? path + name : `${path}/${name}`;
    }
    return path;
  }

  /** Standard input or a named pipe: what it holds has no id. */
  isStream(path: string): boolean {
    return this.streams.has(path);
  }

  private stat(path: string): Stats | undefined {
    try {
      return statSync(resolve(this.context.cwd, path));
    } catch {
      return undefined;
    }
  }

  private modeOf(path: string | undefined): number | 'directory' {
    if (path === undefined || path === '/dev/null') return 0;
    if (path === '-' || this.stat(path)?.isFIFO() === true) {
      this.streams.set(path, undefined);
      return MODE_FILE;
    }
    let stat: Stats;
    try {
      stat = lstatSync(resolve(this.context.cwd, path));
    } catch {
      throw new Missing(`Could not access '${path}'`);
    }
    if (stat.isDirectory()) return 'directory';
    if (stat.isSymbolicLink()) return MODE_SYMLINK;
    return (stat.mode & 0o100) !== 0 ? MODE_EXECUTABLE : MODE_FILE;
  }

  /** Only what matches below the two directories is compared; false where they are none. */
  limit(a: string, b: string, pathspec: Pathspec): boolean {
    if (this.stat(a)?.isDirectory() !== true || this.stat(b)?.isDirectory() !== true) return false;
    this.pathspec = pathspec;
    return true;
  }

  /** `below`: the path from the directories that were named. */
  add(a: string | undefined, b: string | undefined, below: string): void {
    let one: number | 'directory';
    let two: number | 'directory';
    try {
      one = this.modeOf(a);
      two = this.modeOf(b);
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      this.context.error(error.message);
      throw new UsageError('', { quiet: true });
    }
    if (one === 'directory' || two === 'directory') {
      if (one !== 'directory' && one !== 0) {
        this.file(a, one, undefined, 0);
        this.directories(undefined, b, below);
      } else if (two !== 'directory' && two !== 0) {
        this.file(undefined, 0, b, two);
        this.directories(a, undefined, below);
      } else {
        this.directories(one === 'directory' ? a : undefined, two === 'directory' ? b : undefined, below);
      }
      return;
    }
    this.file(a, one, b, two);
  }

  private directories(a: string | undefined, b: string | undefined, below: string): void {
    const list = (path: string | undefined): string[] =>
      path === undefined
        ? []
        : (readdirSync(resolve(this.context.cwd, path), { encoding: 'buffer' }) as unknown as Buffer[])
            .map((name) => decodeText(name))
            .sort(compareText);
    const olds = list(a);
    const news = list(b);
    const join = (directory: string, name: string): string => `${directory.replace(/\/+$/, '')}/${name}`;
    let i = 0;
    let j = 0;
    while (i < olds.length || j < news.length) {
      const x = olds[i];
      const y = news[j];
      const order = x === undefined ? 1 : y === undefined ? -1 : compareText(x, y);
      if (order <= 0) i++;
      if (order >= 0) j++;
      const path = below + (order <= 0 ? x! : y!);
      const left = order <= 0 ? join(a!, x!) : undefined;
      const right = order >= 0 ? join(b!, y!) : undefined;
      if (this.pathspec !== undefined && !this.wanted(path, left, right)) continue;
      this.add(left, right, `${path}/`);
    }
  }

  private wanted(path: string, a: string | undefined, b: string | undefined): boolean {
    const directory = [a, b].some((one) => one !== undefined && this.stat(one)?.isDirectory() === true);
    if (this.pathspec!.matches(path, directory)) return true;
    return directory && this.pathspec!.mayMatchBelow(path);
  }

  private file(a: string | undefined, one: number, b: string | undefined, two: number): void {
    const old = this.side(a ?? '/dev/null', one);
    const fresh = this.side(b ?? '/dev/null', two);
    if (one === 0 && two === 0) return;
    const status = one === 0 ? 'A' : two === 0 ? 'D' : (one & 0o170000) === (two & 0o170000) ? 'M' : 'T';
    this.pairs.push({ status, old, new: fresh, score: 0 });
  }

  private side(path: string, mode: number): DiffSide {
    return {
      path,
      mode,
      oid: zeroOid(this.algorithm),
      file: mode === 0 || mode === MODE_SYMLINK || path === '-' ? undefined : path,
      read: () => {
        if (mode === 0) return new Uint8Array(0);
        const file = resolve(this.context.cwd, path);
        if (this.isStream(path)) {
          // can be read once only
          const content =
            this.streams.get(path) ?? (path === '-' ? this.context.io.stdin.readAll() : readFileSync(file));
          this.streams.set(path, content);
          return content;
        }
        try {
          return mode === MODE_SYMLINK ? encodeText(readlinkSync(file)) : readFileSync(file);
        } catch {
          throw new GitError('USAGE', `cannot read ${path}`);
        }
      },
    };
  }
}

class Missing extends Error {}
