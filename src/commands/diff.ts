import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { encodeText, type Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { emptyTreeOid, zeroOid, type Oid } from '../base/oid.js';
import { openAncestry } from '../repo/ancestry.js';
import { intersectPairs } from '../diff/combined.js';
import { ObjectSide, type DiffSide, type FilePair } from '../diff/pair.js';
import { MODE_EXECUTABLE, MODE_FILE, MODE_SYMLINK } from '../objects/mode.js';
import { filesDiff, indexDiff, type FilesDiff } from '../porcelain/work-tree-pairs.js';
import type { Repository } from '../repo/repository.js';
import { verifyFilename, verifyNotFilename } from '../repo/revision-path.js';
import { parseRevisionArgument } from '../repo/revision-range.js';
import { peelTo, resolveRevision, resolveWithContext } from '../repo/revision.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { defineCommand, renderText, type CommandContext } from './command.js';
import { writeCombined } from './diff-merges.js';
import { DiffArguments } from './diff-options.js';
import type { AttributesOf } from './diff-drivers.js';
import { commonDiffUsage } from './common-diff-usage.js';
import { attributeSource, setUpDiff, type DiffTask } from './diff-setup.js';
import { mergeBaseOf } from './diff-tree.js';
import { treePairs } from './diff-trees.js';
import { identifier, refreshForDiff, showFilesDiff, withoutStatOnly } from './diff-work-tree.js';
import { UsageError, usageText } from './options.js';
import { openWorkTree, pathspecOf, requireWorkTree } from './work-tree.js';

const usage = [
  'diff [<options>] [<commit>] [--] [<path>...]',
  'diff [<options>] --cached [--merge-base] [<commit>] [--] [<path>...]',
  'diff [<options>] [--merge-base] <commit> [<commit>...] <commit> [--] [<path>...]',
  'diff [<options>] <commit>...<commit> [--] [<path>...]',
  'diff [<options>] <blob> <blob>',
  `diff [<options>] --no-index [--] <path> <path> [<pathspec>...]\n\n${commonDiffUsage}`,
];
const usageOutside = [`diff --no-index [<options>] <path> <path> [<pathspec>...]\n\n${commonDiffUsage}`];

interface Piece {
  readonly text: Bytes;
}

interface Parsed {
  readonly args: DiffArguments;
  readonly words: string[];
  readonly paths: string[] | undefined;
  cached: boolean;
  mergeBase: boolean;
  noIndex: boolean;
  unmerged: number | undefined;
  /** `--ours` and the like, which only work trees know. */
  stageNamed: boolean;
  merges: 'combined' | 'dense' | undefined;
  unknown: string | undefined;
}

const isHelp = ({ argv }: CommandContext): boolean =>
  argv.length === 1 && (argv[0] === '-h' || argv[0] === '--help-all');

export const command = defineCommand({
  name: 'diff',
  summary: 'Show changes between commits, commit and working tree, etc',
  usage,
  options: {},
  parsing: { none: true },
  async *run(context) {
    if (isHelp(context) && context.maybeRepository() === undefined) {
      yield { text: encodeText(usageText(usageOutside, {}, context.program)) };
      return 129;
    }
    const parsed = parse(context);
    if (parsed.cached && context.maybeRepository() === undefined) {
      context.error("unknown option `cached'");
      context.printError(usageText(usageOutside, {}, context.program));
      return 129;
    }
    if (parsed.noIndex || (await isOutside(context, parsed))) {
      const { diffWithoutIndex } = await import('./diff-no-index.js');
      return yield* diffWithoutIndex(context, parsed.args, [...parsed.words, ...(parsed.paths ?? [])], parsed.noIndex);
    }
    return yield* new Diff(context, parsed).run();
  },
  render: (piece: Piece) => renderText(piece),
});

const stages: Readonly<Record<string, number>> = {
  '-0': 0,
  '--base': 1,
  '-1': 1,
  '--ours': 2,
  '-2': 2,
  '--theirs': 3,
  '-3': 3,
};

function parse(context: CommandContext): Parsed {
  const { argv } = context;
  if (argv.length === 1 && argv[0] === '-h') throw new UsageError();
  const args = new DiffArguments();
  const words: string[] = [];
  let paths: string[] | undefined;
  const parsed = {
    cached: false,
    mergeBase: false,
    noIndex: false,
    unmerged: undefined as number | undefined,
    stageNamed: false,
    merges: undefined as Parsed['merges'],
    unknown: undefined as string | undefined,
  };
  for (let i = 0; i < argv.length; ) {
    const word = argv[i]!;
    if (word === '--') {
      paths = argv.slice(i + 1);
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      words.push(word);
      i++;
      continue;
    }
    i++;
    if (word === '--cached' || word === '--staged') parsed.cached = true;
    else if (word === '--no-index') parsed.noIndex = true;
    else if (word === '--merge-base') parsed.mergeBase = true;
    else if (stages[word] !== undefined) {
      parsed.unmerged = stages[word];
      if (word.startsWith('--')) parsed.stageNamed = true;
    } else if (word === '-c') parsed.merges = 'combined';
    else if (word === '--cc') parsed.merges = 'dense';
    else if (word !== '-q' && word !== '-r' && word !== '-t' && word !== '-m' && word !== '--end-of-options') {
      i--;
      const taken = args.take(argv, i);
      // What is no option is told in words that depend on what is compared.
      if (taken === 0) parsed.unknown ??= word;
      i += Math.max(1, taken);
    }
  }
  return { args, words, paths, ...parsed };
}

/** Outside a repository, or two paths one of which is outside the work tree: files are compared as they are. */
async function isOutside(context: CommandContext, parsed: Parsed): Promise<boolean> {
  const repository = context.maybeRepository();
  const all = [...parsed.words, ...(parsed.paths ?? [])];
  if (repository === undefined) {
    if (parsed.args.words.pickaxe?.kind === 'object')
      throw new UsageError('--find-object requires a git repository', { quiet: true });
    return true;
  }
  if (all.length !== 2 || parsed.cached || repository.workTree === undefined) return false;
  const inside = (word: string): boolean => {
    const path = resolve(context.cwd, word);
    return path === repository.workTree || path.startsWith(`${repository.workTree}/`);
  };
  if (all.every(inside)) return false;
  for (const word of parsed.words) if ((await parseRevisionArgument(repository, word)) !== undefined) return false;
  return true;
}

interface Named {
  readonly oid: Oid;
  readonly excluded: boolean;
  readonly name: string;
  readonly path?: string | undefined;
  readonly mode?: number | undefined;
}

class Diff {
  private readonly repository: Repository;
  private readonly tree: WorkTree;
  private task!: DiffTask;
  private differs = false;
  /** `A..B` was given, which goes with nothing else. */
  private ranges = false;

  constructor(
    private readonly context: CommandContext,
    private readonly parsed: Parsed,
  ) {
    this.repository = context.repository();
    this.tree = openWorkTree(context, { bareToo: true });
  }

  async *run(): AsyncGenerator<Piece, number> {
    const { context, parsed, tree } = this;
    const { named, symmetric, rest } = await this.names();
    if (named.length === 1 && !parsed.cached && context.env['GIT_WORK_TREE'] !== undefined)
      requireWorkTree(context, tree);
    const pathWords = [...rest, ...(parsed.paths ?? [])];
    const plain = named.length === 0 && !parsed.cached;
    if (parsed.unknown !== undefined) throw new UsageError(plain ? `invalid option: ${parsed.unknown}` : '');
    if (!plain && (parsed.stageNamed || (parsed.unmerged !== undefined && named.length < 2))) throw new UsageError('');
    this.task = await setUpDiff(context, parsed.args, {
      ui: true,
      defaultForm: 'patch',
      textconv: true,
      externalDiff: true,
      attributesOf: await this.attributes(),
      identify: identifier(tree),
      tree,
      objectsOnly: named.length > 1,
      mnemonics: parsed.cached
        ? ['c/', 'i/']
        : named.length === 0
          ? ['i/', 'w/']
          : named.length === 1
            ? ['c/', 'w/']
            : undefined,
    });
    this.task.strictRotation = true;
    this.task.judgesShown = true;
    context.startPager(true);
    const pieces = this.show(named, symmetric, pathWords);
    for await (const text of pieces) if (text.length > 0) yield { text };
    this.task.warnAboutLimits();
    await tree.close();
    return this.task.exitCode(this.differs);
  }

  private async attributes(): Promise<AttributesOf> {
    const { context, tree, repository } = this;
    const source = context.globals.attrSource ?? context.env['GIT_ATTR_SOURCE'] ?? repository.config.get('attr.tree');
    return source === undefined ? (path) => tree.attributes.of(path) : attributeSource(context, repository);
  }

  /** Revisions (and blobs) first, then paths. */
  private async names(): Promise<{ named: Named[]; symmetric: boolean; rest: string[] }> {
    const { words, paths } = this.parsed;
    const named: Named[] = [];
    let symmetric = false;
    for (const [i, word] of words.entries()) {
      const found = await parseRevisionArgument(this.repository, word);
      if (found === undefined) {
        if (paths !== undefined) throw new GitError('REF_MISSING', `bad revision '${word}'`);
        const rest = words.slice(i);
        for (const [j, path] of rest.entries()) await verifyFilename(this.repository, path, j === 0);
        return { named, symmetric, rest };
      }
      if (paths === undefined) verifyNotFilename(this.repository, word.replace(/^\^/, ''));
      if (found.kind === 'symmetric') {
        symmetric = true;
        const [left, right] = [
          found.items.find((item) => item.side === 'left'),
          found.items.find((item) => item.side === 'right'),
        ];
        named.push(...[left, right].filter((item) => item !== undefined));
        continue;
      }
      if (found.kind === 'range') this.ranges = true;
      named.push(...found.items);
    }
    return { named, symmetric, rest: [] };
  }

  private async *show(
    named: readonly Named[],
    symmetric: boolean,
    pathWords: readonly string[],
  ): AsyncGenerator<Bytes> {
    const { parsed, repository } = this;
    const blobs: Named[] = [];
    const trees: { oid: Oid; tree: Oid; excluded: boolean; name: string }[] = [];
    for (const item of named) {
      const whole = await peelTo(repository, item.oid, 'any');
      const object = whole === undefined ? undefined : await repository.objects.read(whole);
      if (object === undefined) throw new GitError('OBJECT_MISSING', `bad object ${item.oid}`);
      if (object.kind === 'blob') {
        const context = item.path === undefined ? await resolveWithContext(repository, item.name) : item;
        blobs.push({ ...item, oid: whole!, path: context?.path, mode: context?.mode });
      } else {
        const tree = await peelTo(repository, item.oid, 'tree');
        if (tree === undefined) throw new GitError('USAGE', `unhandled object '${item.name}' given.`);
        trees.push({ oid: item.oid, tree, excluded: item.excluded, name: item.name });
      }
    }
    if (parsed.cached || (trees.length <= 1 && blobs.length === 0)) {
      if (parsed.cached && blobs.length > 0) throw new UsageError('');
      yield* this.againstIndex(trees, pathWords);
      return;
    }
    if (blobs.length > 0) {
      if (trees.length > 0) throw new UsageError('');
      if (blobs.length === 1 && pathWords.length === 1) yield* this.blobAndFile(blobs[0]!, pathWords[0]!);
      else if (blobs.length === 2 && pathWords.length === 0)
        yield* this.pairsOut(blobPair(repository, blobs[0]!, blobs[1]!));
      else throw new UsageError('');
      return;
    }
    const pathspec = pathspecOf(this.context, this.tree, pathWords);
    if (symmetric) {
      if (parsed.mergeBase || trees.length !== 2) throw new UsageError('');
      const bases = await this.mergeBases(trees[0]!.oid, trees[1]!.oid);
      if (bases.length === 0) throw new GitError('USAGE', `${trees[0]!.name}...${trees[1]!.name}: no merge base`);
      if (bases.length > 1)
        this.context.warning(`${trees[0]!.name}...${trees[1]!.name}: multiple merge bases, using ${bases[0]!}`);
      const base = (await peelTo(repository, bases[0]!, 'tree'))!;
      yield* this.treesOut(base, trees[1]!.tree, pathspec);
      return;
    }
    if (trees.length === 2) {
      let [old, fresh] = [trees[0]!, trees[1]!];
      if (fresh.excluded) [old, fresh] = [fresh, old];
      let { tree } = old;
      if (parsed.mergeBase)
        tree = (await peelTo(repository, await mergeBaseOf(this.context, old.oid, fresh.oid), 'tree'))!;
      yield* this.treesOut(tree, fresh.tree, pathspec);
      return;
    }
    if (parsed.mergeBase || this.ranges) throw new UsageError('');
    // more than two: the first that is not excluded is the merge, the others its parents
    const at = Math.max(
      0,
      trees.findIndex((item) => !item.excluded),
    );
    const result = trees[at];
    const parents = trees.filter((_, i) => i !== at);
    const lists: FilePair[][] = [];
    for (const parent of parents)
      lists.push(
        await this.task.process(await treePairs(repository, parent.tree, result!.tree, { recursive: true, pathspec })),
      );
    const dense = parsed.merges !== 'combined';
    yield* writeCombined(this.task, intersectPairs(lists), { dense });
    this.differs = true;
  }

  private async mergeBases(a: Oid, b: Oid): Promise<Oid[]> {
    const left = await peelTo(this.repository, a, 'commit');
    const right = await peelTo(this.repository, b, 'commit');
    if (left === undefined || right === undefined) throw new UsageError('');
    return openAncestry(this.repository).mergeBases(left as Oid<'commit'>, [right as Oid<'commit'>]);
  }

  private async *pairsOut(raw: readonly FilePair[]): AsyncGenerator<Bytes> {
    const pairs = await this.task.process(raw);
    yield* this.task.write(pairs);
    if (await this.task.differs(pairs)) this.differs = true;
  }

  private async *treesOut(old: Oid, fresh: Oid, pathspec: ReturnType<typeof pathspecOf>): AsyncGenerator<Bytes> {
    const raw = await treePairs(this.repository, old, fresh, {
      recursive: true,
      pathspec,
      unmodified: this.task.wantsUnmodified,
      maxDepth: this.parsed.args.words.maxDepth,
    });
    yield* this.pairsOut(raw);
  }

  private async *againstIndex(
    trees: readonly { readonly oid: Oid; readonly tree: Oid; readonly name: string }[],
    pathWords: readonly string[],
  ): AsyncGenerator<Bytes> {
    const { context, parsed, repository, tree, task } = this;
    if (trees.length > 1) throw new UsageError('');
    if (!parsed.cached && repository.workTree === undefined)
      throw new GitError('USAGE', 'this operation must be run in a work tree');
    if (parsed.mergeBase && trees.length === 0 && !parsed.cached) throw new UsageError('');
    if (Number.isFinite(parsed.args.words.maxDepth)) {
      const kind = trees.length === 0 && !parsed.cached ? 'worktree' : 'index';
      throw new GitError('USAGE', `max-depth is not supported for ${kind} diffs`);
    }
    const pathspec = pathspecOf(context, tree, pathWords);
    if (!parsed.cached || repository.workTree !== undefined) await refreshForDiff(context, tree);
    const common = {
      pathspec,
      unmodified: task.wantsUnmodified,
      intentInvisible: parsed.args.words.intentVisible !== true,
      submoduleIgnore: task.submoduleIgnore,
    };
    let found: FilesDiff;
    let merges = parsed.merges;
    if (trees.length === 0 && !parsed.cached) {
      if (parsed.unmerged === undefined && merges === undefined && task.formats.patch === true) merges = 'dense';
      found = await filesDiff(tree, { ...common, unmerged: parsed.unmerged, combine: merges !== undefined });
    } else {
      let base: Oid | undefined = trees[0]?.tree;
      if (trees.length === 0) {
        const head = await resolveRevision(repository, 'HEAD');
        base = head === undefined ? emptyTreeOid(repository.objectFormat) : await peelTo(repository, head, 'tree');
      }
      if (parsed.mergeBase) {
        const head = await resolveRevision(repository, 'HEAD');
        if (head === undefined) throw new GitError('REF_MISSING', 'unable to get HEAD');
        base = await peelTo(repository, await mergeBaseOf(this.context, head, trees[0]?.oid ?? head), 'tree');
      }
      found = await indexDiff(tree, base as Oid<'tree'>, {
        ...common,
        cached: parsed.cached,
        combine: parsed.merges !== undefined,
      });
    }
    const pairs = await withoutStatOnly(found.pairs);
    this.differs = yield* showFilesDiff(task, { pairs, combined: found.combined }, merges !== 'combined');
  }

  private async *blobAndFile(blob: Named, word: string): AsyncGenerator<Bytes> {
    const { context, repository } = this;
    const file = resolve(context.cwd, word);
    let mode: number;
    try {
      const stat = lstatSync(file);
      mode = stat.isSymbolicLink() ? MODE_SYMLINK : (stat.mode & 0o100) !== 0 ? MODE_EXECUTABLE : MODE_FILE;
    } catch {
      throw new GitError('USAGE', `failed to stat '${word}': No such file or directory`);
    }
    const path = repository.prefix + word;
    const fresh: DiffSide = {
      path,
      mode,
      oid: zeroOid(repository.objectFormat),
      read: () => (mode === MODE_SYMLINK ? encodeText(readlinkSync(file)) : readFileSync(file)),
    };
    const old = new ObjectSide(repository.objects, blob.path ?? path, blob.mode ?? mode, blob.oid);
    yield* this.pairsOut([{ status: 'M', old, new: fresh, score: 0 }]);
  }
}

/** Two blobs as a change; none where they are one. */
function blobPair(repository: Repository, a: Named, b: Named): FilePair[] {
  if (a.oid === b.oid && (a.mode ?? MODE_FILE) === (b.mode ?? MODE_FILE)) return [];
  const side = (item: Named): DiffSide =>
    new ObjectSide(repository.objects, item.path ?? item.name, item.mode ?? MODE_FILE, item.oid);
  return [{ status: 'M', old: side(a), new: side(b), score: 0 }];
}
