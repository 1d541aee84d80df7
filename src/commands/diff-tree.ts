import { encodeText, type Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { isOid, type Oid } from '../base/oid.js';
import { CommitPool } from '../history/commit-pool.js';
import { openAncestry } from '../repo/ancestry.js';
import { parseCommitLinks } from '../objects/commit.js';
import { type DiffMerges, diffMergesOf } from '../porcelain/log-settings.js';
import { Remerger } from '../porcelain/remerge.js';
import type { Pathspec } from '../repo/pathspec.js';
import { parsePathspec } from '../repo/pathspec.js';
import type { Repository } from '../repo/repository.js';
import { parseRevisionArgument } from '../repo/revision-range.js';
import { peelTo } from '../repo/revision.js';
import { commonDiffUsage } from './common-diff-usage.js';
import { defineCommand, renderText, type CommandContext } from './command.js';
import { CommitHeader } from './commit-header.js';
import { checkCombined, combinedPieces } from './diff-merges.js';
import { DiffArguments } from './diff-options.js';
import { attributeSource, checkDiffWords, setUpDiff, type DiffTask } from './diff-setup.js';
import { treePairs } from './diff-trees.js';
import { UsageError } from './options.js';

interface Settings {
  recursive: boolean;
  showTrees: boolean;
  stdin: boolean;
  root: boolean;
  merges: DiffMerges;
  allPaths: boolean;
  noCommitId: boolean;
  always: boolean;
  mergeBase: boolean;
}

interface Piece {
  readonly text: Bytes;
}

const usage = [
  'diff-tree [--stdin] [-m] [-s] [-v] [--no-commit-id] [--pretty]',
  '       [-t] [-r] [-c | --cc] [--combined-all-paths] [--root] [--merge-base]',
  '       [<common-diff-options>] <tree-ish> [<tree-ish>] [<path>...]',
];

const ownUsage = `  -r            go into directories
  -c            show merges against all parents at once
  --cc          the same without what only one of them has
  --combined-all-paths
                with these, show the name in each parent
  --root        show first commits as a diff to nothing
`;

export const command = defineCommand({
  name: 'diff-tree',
  summary: 'Compare the content and mode of files in two trees',
  usage: [`${usage.join('\n')}\n\n${ownUsage}\n${commonDiffUsage}`],
  options: {},
  parsing: { none: true },
  async *run(context) {
    const runner = new DiffTree(context);
    return yield* runner.run();
  },
  render: (piece: Piece) => renderText(piece),
});

class DiffTree {
  private readonly settings: Settings = {
    recursive: false,
    showTrees: false,
    stdin: false,
    root: false,
    merges: 'off',
    allPaths: false,
    noCommitId: false,
    always: false,
    mergeBase: false,
  };
  private readonly repository: Repository;
  private task!: DiffTask;
  private pathspec: Pathspec | undefined;
  private differs = false;
  private unknown = false;
  private readonly message: CommitHeader;

  constructor(private readonly context: CommandContext) {
    this.repository = context.repository();
    this.message = new CommitHeader(context);
  }

  private parse(): { readonly args: DiffArguments; readonly words: string[]; readonly paths: string[] | undefined } {
    const { argv } = this.context;
    const args = new DiffArguments();
    const words: string[] = [];
    let paths: string[] | undefined;
    if (argv.length === 1 && argv[0] === '-h') throw new UsageError('', { help: true });
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
      if (word === '--end-of-options') {
        words.push(...argv.slice(i + 1));
        break;
      }
      if (this.own(word)) {
        i++;
        continue;
      }
      const taken = args.take(argv, i) || this.message.take(argv, i);
      // What is no option is told after names that are none.
      if (taken === 0) this.unknown = true;
      i += Math.max(1, taken);
    }
    return { args, words, paths };
  }

  /** Options of this command. */
  private own(word: string): boolean {
    const { settings } = this;
    switch (word) {
      case '-r':
        settings.recursive = true;
        return true;
      case '-t':
        settings.recursive = true;
        settings.showTrees = true;
        return true;
      case '--stdin':
        settings.stdin = true;
        return true;
      case '--root':
        settings.root = true;
        return true;
      case '--no-commit-id':
        settings.noCommitId = true;
        return true;
      case '--always':
        settings.always = true;
        return true;
      case '--merge-base':
        settings.mergeBase = true;
        return true;
      case '-m':
        settings.merges = 'separate';
        return true;
      case '-c':
        settings.merges = 'combined';
        return true;
      case '--cc':
        settings.merges = 'dense';
        return true;
      case '--dd':
        settings.merges = 'first-parent';
        return true;
      case '--remerge-diff':
        settings.merges = 'remerge';
        return true;
      case '--no-diff-merges':
        settings.merges = 'off';
        return true;
      case '--combined-all-paths':
        settings.allPaths = true;
        return true;
      default: {
        if (!word.startsWith('--diff-merges=')) return false;
        const value = word.slice('--diff-merges='.length);
        const merges = diffMergesOf(value, this.repository);
        if (merges === undefined) throw new GitError('USAGE', `invalid value for '--diff-merges': '${value}'`);
        settings.merges = merges;
        return true;
      }
    }
  }

  async *run(): AsyncGenerator<Piece, number> {
    const { context, settings, repository } = this;
    const { args, words, paths } = this.parse();
    const oids: { oid: Oid; excluded: boolean }[] = [];
    let used = 0;
    while (used < words.length && (paths !== undefined || oids.length < 2)) {
      const found = await parseRevisionArgument(repository, words[used]!);
      if (found === undefined) {
        if (paths === undefined && used > 0) break;
        if (paths === undefined && settings.stdin) break;
        throw new GitError(
          'REF_MISSING',
          paths === undefined
            ? `ambiguous argument '${words[used]}': unknown revision or path not in the working tree.\nUse '--' to separate paths from revisions, like this:\n'git <command> [<revision>...] -- [<file>...]'`
            : `bad revision '${words[used]}'`,
        );
      }
      oids.push(...found.items);
      used++;
    }
    await checkDiffWords(context, args);
    if (this.unknown) throw new UsageError('');
    const pathWords = [...words.slice(used), ...(paths ?? [])];
    if (settings.allPaths && settings.merges !== 'combined' && settings.merges !== 'dense')
      throw new GitError('USAGE', '--combined-all-paths makes no sense without -c or --cc');
    if (settings.mergeBase && !settings.stdin && oids.length !== 2)
      throw new GitError('USAGE', '--merge-base only works with two commits');
    if (oids.length === 0 && !settings.stdin) {
      await this.message.openNotes();
      throw new UsageError('');
    }
    this.message.setUp(args.words);
    await this.message.openNotes();
    const attributesOf = await attributeSource(context, repository);
    this.pathspec = parsePathspec(pathWords, {
      prefix: repository.prefix,
      workTree: repository.workTree,
      settings: context.globals.pathspecs,
      attributesOf,
    });
    this.task = await setUpDiff(context, args, {
      ui: false,
      defaultForm: settings.merges === 'dense' || settings.merges === 'remerge' ? 'patch' : 'raw',
      rawFullIds: true,
      externalDiff: false,
      attributesOf,
    });
    if (settings.mergeBase && settings.stdin)
      throw new GitError('USAGE', "options '--stdin' and '--merge-base' cannot be used together");
    this.task.strictRotation = !settings.stdin;
    if (oids.length > 2) throw new UsageError('');
    if (oids.length === 1) {
      yield* this.commitOrTree(oids[0]!.oid);
    } else if (oids.length === 2) {
      // `A..B` comes as ^A and B
      let [first, second] = [oids[0]!, oids[1]!];
      if (second.excluded) [first, second] = [second, first];
      let old = first.oid;
      if (settings.mergeBase) old = await mergeBaseOf(context, old, second.oid);
      yield* this.trees(await this.treeOf(old), await this.treeOf(second.oid));
    }
    if (settings.stdin) yield* this.fromInput();
    this.task.warnAboutLimits();
    return this.task.exitCode(this.differs);
  }

  private async treeOf(oid: Oid): Promise<Oid> {
    const tree = await peelTo(this.repository, oid, 'tree');
    if (tree === undefined) throw new GitError('REF_MISSING', `unable to read tree (${oid})`);
    return tree;
  }

  private get walk(): { readonly recursive: boolean; readonly showTrees: boolean } {
    const { settings, task } = this;
    return { recursive: settings.recursive || task.recursive, showTrees: settings.showTrees };
  }

  /** A message and what separates it from the difference. */
  private withSeparator(header: string, combined = false): string {
    const apart = this.message.separates || (combined && this.message.isLine);
    if (header === '' || !apart || this.task.silent) return header;
    const { formats } = this.task;
    const bar = formats.stat !== undefined && formats.patch === true ? '---' : '';
    return `${header}${this.task.options.linePrefix ?? ''}${bar}\n`;
  }

  private async *pieces(
    old: Oid | undefined,
    fresh: Oid | undefined,
    headerOf: (() => Promise<string>) | undefined,
  ): AsyncGenerator<Piece> {
    const raw = await treePairs(this.repository, old, fresh, {
      ...this.walk,
      pathspec: this.pathspec,
      unmodified: this.task.wantsUnmodified,
      maxDepth: this.task.args.words.maxDepth,
    });
    const pairs = await this.task.process(raw);
    if (pairs.length === 0) {
      if (headerOf !== undefined && this.settings.always) yield { text: encodeText(await headerOf()) };
      return;
    }
    if (headerOf !== undefined) yield { text: encodeText(this.withSeparator(await headerOf())) };
    for await (const text of this.task.write(pairs)) if (text.length > 0) yield { text };
    if (await this.task.differs(pairs)) this.differs = true;
  }

  private async *trees(old: Oid, fresh: Oid): AsyncGenerator<Piece> {
    yield* this.pieces(old, fresh, undefined);
  }

  /** One argument: a commit against its parents. */
  private async *commitOrTree(oid: Oid, givenParents?: readonly Oid[]): AsyncGenerator<Piece> {
    const { repository, settings } = this;
    const commit = await peelTo(repository, oid, 'commit');
    if (commit === undefined) {
      const whole = await peelTo(repository, oid, 'any');
      const other = whole === undefined ? undefined : await repository.objects.read(whole);
      if (other === undefined) throw new GitError('OBJECT_MISSING', `bad object ${oid}`);
      // A lone tree has nothing to be compared with: that is said, and no failure.
      this.context.error(`object ${oid} is a ${other.kind}, not a commit`);
      return;
    }
    const object = await repository.objects.read(commit);
    const links = parseCommitLinks(object!.data);
    const parents = givenParents ?? links.parents;
    const end = this.task.options.terminator ?? '\n';
    const headerOf = async (from?: Oid): Promise<string> => {
      if (settings.noCommitId) return '';
      return this.message.verbose
        ? await this.message.text(commit, end, from)
        : `${this.task.options.linePrefix ?? ''}${commit}${end}`;
    };
    if (parents.length === 0) {
      if (settings.root) yield* this.pieces(undefined, links.tree, headerOf);
      else if (settings.always) yield { text: encodeText(await headerOf()) };
      return;
    }
    if (parents.length === 1) {
      yield* this.pieces(await this.treeOf(parents[0]!), links.tree, headerOf);
      return;
    }
    if (settings.merges === 'off') return;
    if (settings.merges === 'remerge') {
      yield* this.remerge(parents, links.tree, headerOf);
      return;
    }
    if (settings.merges === 'first-parent') {
      yield* this.pieces(await this.treeOf(parents[0]!), links.tree, headerOf);
      return;
    }
    if (settings.merges === 'separate') {
      for (const parent of parents) yield* this.pieces(await this.treeOf(parent), links.tree, () => headerOf(parent));
      return;
    }
    const trees = await Promise.all(parents.map((parent) => this.treeOf(parent)));
    checkCombined(this.task);
    const header = this.withSeparator(await headerOf(), true);
    if (header !== '') yield { text: encodeText(header) };
    const result = combinedPieces(this.repository, this.task, trees, links.tree, {
      form: settings.merges,
      allPaths: settings.allPaths,
      pathspec: this.pathspec,
      walk: this.walk,
      header: '',
    });
    for await (const text of result) if (text.length > 0) yield { text };
  }

  /** Against what merging the parents anew gives. */
  private async *remerge(parents: readonly Oid[], tree: Oid, headerOf: () => Promise<string>): AsyncGenerator<Piece> {
    if (parents.length > 2) {
      yield { text: encodeText(`${await headerOf()}diff: warning: Skipping remerge-diff for octopus merges.\n`) };
      return;
    }
    const { repository, task, pathspec } = this;
    const pool = new CommitPool(repository.objects, { keepData: true });
    const [ours, theirs] = [pool.node(parents[0]!), pool.node(parents[1]!)];
    const merged = await new Remerger(repository, pool).merge(ours, theirs);
    const headers = new Map([...merged.headers].filter(([path]) => pathspec?.matches(path, false) !== false));
    const raw = await treePairs(repository, merged.tree, tree, {
      ...this.walk,
      pathspec,
      unmodified: task.wantsUnmodified,
      objects: merged.objects,
    });
    const pairs = task.withHeaders(await task.process(raw), headers);
    if (pairs.length === 0) return;
    yield { text: encodeText(this.withSeparator(await headerOf())) };
    for await (const text of task.write(pairs, undefined, { pathHeaders: headers }))
      if (text.length > 0) yield { text };
    if (await task.differs(pairs)) this.differs = true;
  }

  /** The lines of standard input, each after all said to the one before: the other side may wait for that. */
  private *lines(): Generator<string> {
    for (const line of this.context.io.stdin.lines()) {
      yield line;
      this.context.io.stdout.flush();
    }
  }

  private async *fromInput(): AsyncGenerator<Piece> {
    const { repository } = this;
    for (const line of this.lines()) {
      const [first, ...rest] = line.trim().split(' ');
      if (first === undefined || !isOid(first)) {
        yield { text: encodeText(`${line}\n`) };
        continue;
      }
      const object = await repository.objects.read(first);
      if (object?.kind === 'commit') {
        yield* this.commitOrTree(first, rest.length > 0 ? (rest as Oid[]) : undefined);
      } else if (object?.kind === 'tree') {
        const second = rest[0];
        if (rest.length !== 1 || !isOid(second!))
          throw new GitError('USAGE', 'Need exactly two trees, separated by a space');
        yield { text: encodeText(`${first} ${second}\n`) };
        yield* this.trees(first, second as Oid);
      } else {
        if (object === undefined) yield { text: encodeText(`${line}\n`) };
        else throw new GitError('USAGE', `Object ${first} is a ${object.kind}, not a commit or tree`);
      }
    }
  }
}

/** The one merge base of two commits; throws where there is none or several. */
export async function mergeBaseOf(context: CommandContext, a: Oid, b: Oid): Promise<Oid> {
  const repository = context.repository();
  const commitOf = (oid: Oid): Promise<Oid | undefined> =>
    peelTo(repository, oid, 'commit', (actual) => context.error(`object ${oid} is a ${actual}, not a commit`));
  const left = await commitOf(a);
  const right = await commitOf(b);
  if (left === undefined || right === undefined) throw new GitError('USAGE', '--merge-base only works with commits');
  const bases = await openAncestry(repository).mergeBases(left as Oid<'commit'>, [right as Oid<'commit'>]);
  if (bases.length === 0) throw new GitError('USAGE', 'no merge base found');
  if (bases.length > 1) throw new GitError('USAGE', 'multiple merge bases found');
  return bases[0]!;
}
