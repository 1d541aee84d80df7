import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { decodeText, encodeText } from '../base/bytes.js';
import { RESET, parseColor } from '../base/color.js';
import { displayWidth } from '../base/display-width.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isOid, zeroOid } from '../base/oid.js';
import { quotePath } from '../base/quote.js';
import type { Lines } from '../diff/lines.js';
import { lineBytes } from '../diff/lines.js';
import { CommitPool } from '../history/commit-pool.js';
import type { CommitNode } from '../history/commit-pool.js';
import { BOTTOM, UNINTERESTING } from '../history/flags.js';
import { RevisionWalk } from '../history/walk.js';
import { Blame, BlameOrigin, coalesce, mentions } from '../porcelain/blame.js';
import type { BlameEntry } from '../porcelain/blame.js';
import { joinRanges, parseLineRange } from '../porcelain/line-range.js';
import type { LineRange } from '../porcelain/line-range.js';
import { Abbreviator } from '../porcelain/log-printer.js';
import { mailmapLoader, outputEncodingOf } from '../porcelain/log-context.js';
import { LogSettings, takeLogOption } from '../porcelain/log-settings.js';
import type { Mailmap } from '../porcelain/mailmap.js';
import { parseIdent, viewCommit } from '../porcelain/pretty-view.js';
import type { DateMode } from '../repo/dates.js';
import { approxidate, formatDate, parseDateMode } from '../repo/dates.js';
import type { Repository } from '../repo/repository.js';
import { badRevision } from '../repo/revision-error.js';
import { parseRevisionArgument } from '../repo/revision-range.js';
import { configuredAbbreviation } from '../repo/revision-short.js';
import { findPath, peelTo, resolveRevision } from '../repo/revision.js';
import { AttributeReader } from '../worktree/attributes-reader.js';
import { Converter } from '../worktree/convert.js';
import type { CommandContext } from './command.js';
import { DiffArguments } from './diff-options.js';
import { DiffDrivers } from './diff-drivers.js';
import { UsageError } from './options.js';

export interface BlameResult {
  readonly text: string | Bytes;
  readonly commit?: string;
  readonly line?: number;
  readonly originLine?: number;
  readonly count?: number;
  readonly path?: string;
}

export const blameUsage = (name: string): string[] => [`${name} [<options>] [<rev-opts>] [<rev>] [--] <file>`];

interface Words {
  incremental: boolean;
  blankBoundary: boolean;
  showRoot: boolean;
  showStats: boolean;
  scoreDebug: boolean;
  showName: boolean;
  showNumber: boolean;
  porcelain: boolean;
  linePorcelain: boolean;
  compat: boolean;
  rawTime: boolean;
  long: boolean;
  noAuthor: boolean;
  email: boolean;
  colorLines: boolean;
  colorByAge: boolean;
  reverse: boolean;
  contents: string | undefined;
  revsFile: string | undefined;
  readonly ignoreRevs: string[];
  readonly ignoreFiles: string[];
  readonly ranges: string[];
  moves: number | undefined;
  copies: number | undefined;
  copyEffort: number;
  abbrev: number | undefined;
  progress: boolean;
}

interface Facts {
  readonly author: string;
  readonly authorMail: string;
  readonly authorSeconds: number;
  readonly authorZone: string;
  readonly committer: string;
  readonly committerMail: string;
  readonly committerSeconds: number;
  readonly committerZone: string;
  readonly summary: string;
}

/** Of the words, those that are a mere yes or no. */
type Flag = { readonly [K in keyof Words]: Words[K] extends boolean ? K : never }[keyof Words];

/** Long options without a value and what they set; `--no-` takes it back. */
const flags: Readonly<Record<string, readonly Flag[]>> = {
  incremental: ['incremental'],
  root: ['showRoot'],
  'show-stats': ['showStats'],
  progress: ['progress'],
  'score-debug': ['scoreDebug'],
  'show-name': ['showName'],
  'show-number': ['showNumber'],
  porcelain: ['porcelain'],
  'line-porcelain': ['porcelain', 'linePorcelain'],
  'show-email': ['email'],
  'color-lines': ['colorLines'],
  'color-by-age': ['colorByAge'],
};
const letters: Readonly<Record<string, Flag>> = {
  b: 'blankBoundary',
  f: 'showName',
  n: 'showNumber',
  p: 'porcelain',
  c: 'compat',
  t: 'rawTime',
  l: 'long',
  s: 'noAuthor',
  e: 'email',
};
/** Options of the walk without a value. */
const revisionFlags = new Set(['--first-parent', '--patience', '--histogram', '--reverse']);

/** `git blame` and `git annotate`. */
export class BlameRun {
  readonly #context: CommandContext;
  readonly #repository: Repository;
  readonly #settings = new LogSettings();
  readonly #diff = new DiffArguments();
  readonly #words: Words;
  readonly #annotate: boolean;
  readonly #facts = new Map<CommitNode, Facts>();
  readonly #shown = new Set<CommitNode>();
  #dateMode: DateMode = { kind: 'iso', local: false };
  #pool!: CommitPool;
  #mailmap!: Mailmap;
  #encoding = 'UTF-8';
  /** Parents as `-S` tells them. */
  #given: ReadonlyMap<string, readonly Oid[]> | undefined;
  #repeatedColor = '\x1b[36m';
  #ageSteps: readonly AgeStep[] | undefined;
  #fakeFacts: { node: CommitNode; facts: Facts } | undefined;

  constructor(context: CommandContext, annotate: boolean) {
    this.#context = context;
    this.#annotate = annotate;
    if (context.argv.length === 1 && context.argv[0] === '-h') throw new UsageError('', { help: true });
    this.#repository = context.repository();
    this.#words = {
      incremental: false,
      blankBoundary: false,
      showRoot: false,
      showStats: false,
      scoreDebug: false,
      showName: false,
      showNumber: false,
      porcelain: false,
      linePorcelain: false,
      compat: annotate,
      rawTime: false,
      long: false,
      noAuthor: false,
      email: false,
      colorLines: false,
      colorByAge: false,
      reverse: false,
      contents: undefined,
      revsFile: undefined,
      ignoreRevs: [],
      ignoreFiles: [],
      ranges: [],
      moves: undefined,
      copies: undefined,
      copyEffort: 0,
      abbrev: undefined,
      progress: false,
    };
  }

  #configure(): void {
    const { config } = this.#repository;
    const words = this.#words;
    words.showRoot = config.getBool('blame.showroot') === true;
    words.blankBoundary = config.getBool('blame.blankboundary') === true;
    words.email = config.getBool('blame.showemail') === true;
    const date = config.get('blame.date');
    if (date !== undefined) this.#dateMode = parseDateMode(date, () => this.#context.io.stdout.isTerminal);
    for (const file of config.getAll('blame.ignorerevsfile')) words.ignoreFiles.push(file);
    const coloring = config.get('blame.coloring');
    if (coloring !== undefined && !['repeatedLines', 'highlightRecent', 'none'].includes(coloring))
      this.#context.warning(`invalid value for 'blame.coloring': '${coloring}'`);
    const repeated = config.get('color.blame.repeatedlines');
    if (repeated !== undefined && repeated !== '') {
      try {
        this.#repeatedColor = parseColor(repeated);
      } catch (error) {
        this.#context.error((error as Error).message);
        this.#context.warning(`invalid value for 'color.blame.repeatedLines': '${repeated}'`);
      }
    }
    if (config.last('color.pager')?.value !== undefined) config.getBool('color.pager');
    const ages = config.get('color.blame.highlightrecent');
    if (ages !== undefined) this.#ageSteps = this.#readAges(ages);
  }

  #take(argv: readonly string[], at: number): number {
    const words = this.#words;
    const word = argv[at]!;
    const flag = (set: () => void): number => {
      set();
      return 1;
    };
    const value = (name: string, set: (text: string) => void): number => {
      if (word.startsWith(`${name}=`)) {
        set(word.slice(name.length + 1));
        return 1;
      }
      const next = argv[at + 1];
      if (next === undefined && (name === '--date' || name === '--encoding')) {
        throw new GitError('USAGE', `Option '${name}' requires a value`);
      }
      if (next === undefined) throw new UsageError(`option \`${name.slice(2)}' requires a value`, { quiet: true });
      set(next);
      return 2;
    };
    const [head] = word.split('=', 1) as [string];
    const [, no, bare] = /^--(no-)?(.*)$/s.exec(head) ?? [];
    if (bare !== undefined && Object.hasOwn(flags, bare)) {
      if (word !== head) throw new UsageError(`option \`${head.slice(2)}' takes no value`, { quiet: true });
      for (const key of flags[bare]!) words[key] = no === undefined;
      return 1;
    }
    if (revisionFlags.has(head) && word !== head) return 0;
    switch (head) {
      case '--no-contents':
        return flag(() => (words.contents = undefined));
      case '--ignore-rev':
        return value('--ignore-rev', (text) => words.ignoreRevs.push(text));
      case '--ignore-revs-file':
        return value('--ignore-revs-file', (text) => {
          if (text === '') words.ignoreFiles.length = 0;
          else words.ignoreFiles.push(text);
        });
      case '--no-ignore-revs-file':
        return flag(() => (words.ignoreFiles.length = 0));
      case '--no-ignore-rev':
        return flag(() => (words.ignoreRevs.length = 0));
      case '--contents':
        return value('--contents', (text) => (words.contents = text));
      case '--reverse':
        return flag(() => (words.reverse = true));
      case '--abbrev': {
        if (!word.includes('=')) return flag(() => (words.abbrev = undefined));
        return value('--abbrev', (text) => {
          if (!/^-?\d+$/.test(text)) throw new UsageError("option `abbrev' expects a numerical value", { quiet: true });
          const length = Number(text);
          words.abbrev = length === 0 ? 0 : Math.max(4, length);
        });
      }
      case '--no-abbrev':
        return flag(() => (words.abbrev = 0));
      case '--date':
        return value('--date', (text) => {
          this.#dateMode = parseDateMode(text, () => this.#context.io.stdout.isTerminal);
        });
      case '--patience':
      case '--histogram':
        // Only --diff-algorithm chooses one here.
        return 1;
      case '--first-parent':
        return flag(() => (this.#settings.firstParent = true));
      case '--encoding':
        return value('--encoding', (text) => (this.#settings.outputEncoding = text === 'none' ? '' : text));
    }
    if (word.startsWith('--')) return 0;
    return this.#takeShort(argv, at);
  }

  #takeShort(argv: readonly string[], at: number): number {
    const words = this.#words;
    const word = argv[at]!;
    for (let i = 1; i < word.length; i++) {
      const rest = word.slice(i + 1);
      const own = letters[word[i]!];
      if (own !== undefined) {
        words[own] = true;
        continue;
      }
      switch (word[i]) {
        case 'w':
          this.#diff.words.ignoreAllSpace = true;
          continue;
        case 'L':
        case 'S': {
          const value = rest !== '' ? rest : argv[at + 1];
          if (value === undefined) throw new UsageError(`switch \`${word[i]}' requires a value`, { quiet: true });
          if (word[i] === 'L') words.ranges.push(value);
          else words.revsFile = value;
          return rest !== '' ? 1 : 2;
        }
        case 'C':
          words.copyEffort++;
          words.copies = Number.parseInt(rest, 10) || words.copies || 40;
          words.moves ??= 20;
          return 1;
        case 'M':
          words.moves = Number.parseInt(rest, 10) || words.moves || 20;
          return 1;
        default:
          if (word[i] === 'h') throw new UsageError('', { help: true });
          if (i > 1) throw new UsageError(`unknown option \`-${word.slice(i)}'`);
          return 0;
      }
    }
    return 1;
  }

  async #isRevision(text: string): Promise<boolean> {
    try {
      return (await parseRevisionArgument(this.#repository, text, { quiet: true })) !== undefined;
    } catch {
      return false;
    }
  }

  async *run(): AsyncGenerator<BlameResult, number | undefined> {
    const context = this.#context;
    const repository = this.#repository;
    this.#configure();
    const plain: string[] = [];
    const { argv } = context;
    let after: readonly string[] | undefined;
    // `annotate` is `blame -c`.
    let taken = this.#annotate;
    for (let i = 0; i < argv.length; ) {
      const word = argv[i]!;
      if (word === '--') {
        after = argv.slice(i + 1);
        break;
      }
      if (!word.startsWith('-') || word === '-') {
        plain.push(word);
        i++;
        continue;
      }
      let used = this.#take(argv, i);
      if (used === 0) {
        used = takeLogOption(this.#settings, argv, i, {
          repository,
          terminal: () => context.io.stdout.isTerminal,
        });
      }
      if (used === 0) used = this.#diff.take(argv, i);
      // Behind an option that was taken, git has lost the word by the time it speaks of it.
      if (used === 0) throw new UsageError(`unknown option \`${taken ? '(null)' : word}'`);
      taken = true;
      i += used;
    }
    if (this.#words.revsFile !== undefined) this.#given = this.#grafts(this.#words.revsFile);
    if (this.#words.progress && (this.#words.incremental || this.#words.porcelain)) {
      throw new GitError('USAGE', "--progress can't be used with --incremental or porcelain formats");
    }
    // The other program's lines tell dates in one way, whatever was asked for.
    if (this.#annotate) this.#dateMode = { kind: 'iso', local: false };
    let path: string;
    let revisions: string[];
    if (after !== undefined) {
      if (after.length === 2 && plain.length === 0) {
        path = after[0]!;
        revisions = [after[1]!];
      } else if (after.length === 1) {
        path = after[0]!;
        revisions = plain;
      } else throw new UsageError('');
    } else {
      if (plain.length < 1) throw new UsageError('');
      if (plain.length === 2 && (await this.#isRevision(plain[1]!))) {
        path = plain[0]!;
        revisions = [plain[1]!];
      } else {
        if (plain.length === 1 && repository.workTree === undefined && (await this.#isRevision(plain[0]!))) {
          throw new GitError('USAGE', 'missing <path> to blame');
        }
        path = plain[plain.length - 1]!;
        revisions = plain.slice(0, -1);
      }
    }
    path = normalizePath(repository.prefix, path, repository.workTree);
    yield* this.#blame(path, revisions);
    return undefined;
  }

  async #ignored(): Promise<Set<string>> {
    const repository = this.#repository;
    const ignored = new Set<string>();
    for (const file of this.#words.ignoreFiles) {
      if (file === '') {
        ignored.clear();
        continue;
      }
      const optional = file.startsWith(':(optional)');
      const bare = optional ? file.slice(11) : file;
      const data = repository.platform.fs.readFile(bare.startsWith('/') ? bare : `${repository.cwd}/${bare}`);
      if (data === undefined) {
        if (optional) continue;
        throw new GitError('PATH_MISSING', `could not open object name list: ${file}`);
      }
      for (const raw of decodeText(data).split('\n')) {
        const line = raw.replace(/#.*/, '').trim();
        if (line === '') continue;
        if (!isOid(line.toLowerCase()) || line.length !== repository.oidLength * 2) {
          throw new GitError('USAGE', `invalid object name: ${line}`);
        }
        const commit = await peelTo(repository, line.toLowerCase() as Oid, 'commit');
        if (commit !== undefined) ignored.add(commit);
      }
    }
    for (const text of this.#words.ignoreRevs) {
      const oid = await resolveRevision(repository, text, { hint: 'committish' });
      const commit = oid === undefined ? undefined : await peelTo(repository, oid, 'commit');
      if (commit === undefined) throw new GitError('REF_MISSING', `cannot find revision ${text} to ignore`);
      ignored.add(commit);
    }
    return ignored;
  }

  async *#blame(path: string, revisions: readonly string[]): AsyncGenerator<BlameResult> {
    const context = this.#context;
    const repository = this.#repository;
    const words = this.#words;
    const grafts = this.#given ?? repository.grafts;
    this.#pool = new CommitPool(repository.objects, {
      grafts,
      graph: grafts === repository.grafts ? repository.commitGraph : undefined,
    });
    const pool = this.#pool;
    this.#mailmap = await mailmapLoader(repository)();
    this.#encoding = outputEncodingOf(repository, this.#settings.outputEncoding);
    const tips: { node: CommitNode; excluded: boolean; name: string }[] = [];
    for (const text of revisions) {
      const argument = await parseRevisionArgument(repository, text, { hint: 'committish' });
      if (argument === undefined) throw badRevision(text);
      for (const item of argument.items) {
        const commit = await peelTo(repository, item.oid, 'commit');
        if (commit === undefined) throw new GitError('USAGE', `Non commit ${item.name}?`);
        const node = pool.node(commit);
        await pool.load(node);
        tips.push({ node, excluded: item.excluded, name: item.name });
      }
    }
    if (words.reverse && words.contents !== undefined) {
      throw new GitError('USAGE', '--contents and --reverse do not blend well.');
    }
    let children: Map<CommitNode, CommitNode[]> | undefined;
    let final: CommitNode | undefined;
    let finalName = '';
    if (words.reverse) {
      if (tips.length === 1 && !tips[0]!.excluded) {
        tips[0] = { ...tips[0]!, excluded: true };
        const head = await repository.refs.resolve('HEAD');
        if (head === undefined) throw new GitError('REF_MISSING', 'No commit to dig up from?');
        const node = pool.node(head);
        await pool.load(node);
        tips.push({ node, excluded: false, name: 'HEAD' });
      }
      const start = tips.filter((tip) => tip.excluded);
      if (start.length > 1) {
        throw new GitError('USAGE', `More than one commit to dig up from, ${start[0]!.name} and ${start[1]!.name}?`);
      }
      if (start.length === 0) throw new GitError('USAGE', 'No commit to dig up from?');
      final = start[0]!.node;
      finalName = start[0]!.name;
    } else {
      for (const tip of tips) {
        if (tip.excluded) continue;
        if (final !== undefined) {
          throw new GitError('USAGE', `More than one commit to dig from ${finalName} and ${tip.name}?`);
        }
        final = tip.node;
        finalName = tip.name;
      }
    }
    if (final === undefined && words.contents === undefined && repository.workTree === undefined && !words.reverse) {
      const head = await repository.refs.resolve('HEAD');
      if (head === undefined) throw new GitError('REF_MISSING', 'no such ref: HEAD');
      final = pool.node(head);
      finalName = 'HEAD';
      tips.push({ node: final, excluded: false, name: 'HEAD' });
    }
    const walk = new RevisionWalk(pool, { children: words.reverse, firstParent: this.#settings.firstParent });
    for (const tip of tips) await walk.add(tip.node, tip.excluded ? UNINTERESTING | BOTTOM : 0);
    if (words.reverse) {
      await walk.prepare();
      children = new Map();
      for (const node of walk.list) {
        const parents = this.#settings.firstParent ? node.parents.slice(0, 1) : node.parents;
        for (const parent of parents) {
          const list = children.get(parent);
          if (list === undefined) children.set(parent, [node]);
          else list.unshift(node);
        }
      }
      if (this.#settings.firstParent && !(await this.#onFirstParentChain(tips, final!))) {
        throw new GitError('USAGE', '--reverse and --first-parent together require specified latest commit');
      }
    }
    const attributes = new AttributeReader(repository, {});
    const drivers = new DiffDrivers(context, repository, (name) => attributes.of(name));
    const textconv = this.#diff.words.textconv !== false;
    const blame = new Blame({
      repository,
      pool,
      diff: {
        algorithm: this.#algorithm(),
        whitespace: this.#whitespace(),
        indentHeuristic: this.#diff.words.indentHeuristic ?? repository.config.getBool('diff.indentheuristic', true),
      },
      moves: words.moves,
      copies: words.copyEffort > 0 ? words.copies : undefined,
      copyEffort: words.copyEffort,
      firstParent: this.#settings.firstParent,
      children,
      showRoot: words.showRoot,
      maxAge: this.#settings.maxAge,
      ignored: await this.#ignored(),
      followRenames: this.#diff.words.follow !== false,
      convert: async (name, oid, data) => {
        const driver = textconv ? drivers.of(name) : undefined;
        if (driver?.textconv === undefined) return data;
        return driver.textconv({ path: name, mode: 0o100644, oid, read: () => data });
      },
      found: words.incremental ? (entry) => found.push(entry) : undefined,
    });
    const found: BlameEntry[] = [];
    let origin: BlameOrigin;
    if (final === undefined || words.contents !== undefined) {
      origin = await this.#workingTree(blame, path, final, drivers, textconv);
    } else {
      const there = await findPath(repository, final.tree, path);
      if (there === undefined || (there.mode & 0o170000) === 0o040000 || path === '') {
        throw new GitError('PATH_MISSING', `no such path ${path} in ${finalName}`);
      }
      origin = new BlameOrigin(final, path, there.oid, there.mode);
    }
    const lines = await blame.lines(origin);
    blame.final = lines;
    const ranges = this.#ranges(lines, path, (name) => drivers.of(name)?.findFunction);
    const entries = await blame.run(origin, ranges);
    if (words.progress && !words.incremental) {
      const total = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
      const progress = context.progress('Blaming lines', { total, force: true });
      progress.update(total, total);
      progress.done();
    }
    this.#startPager();
    if (words.incremental) {
      for (const entry of found) yield await this.#incremental(entry);
    } else {
      const joined = coalesce(entries);
      if (words.porcelain) yield* this.#porcelain(joined, lines);
      else yield* this.#human(joined, lines, path, words.scoreDebug ? debugOf(blame, joined) : undefined);
    }
    if (words.showStats) {
      context.print(`num read blob: ${blame.reads}\nnum get patch: ${blame.patches}\nnum commits: ${blame.commits}\n`);
    }
  }

  #startPager(): void {
    if (!this.#words.incremental) this.#context.startPager(true);
  }

  async #onFirstParentChain(
    tips: readonly { node: CommitNode; excluded: boolean }[],
    bottom: CommitNode,
  ): Promise<boolean> {
    for (const tip of tips) {
      if (tip.excluded) continue;
      for (let node: CommitNode | undefined = tip.node; node !== undefined; node = node.parents[0]) {
        if (node === bottom) return true;
        if (!(await this.#pool.load(node))) break;
      }
    }
    return false;
  }

  #algorithm() {
    const said = this.#diff.words.algorithm;
    if (said !== undefined) return said;
    const configured = this.#repository.config.get('diff.algorithm')?.toLowerCase();
    return configured === 'minimal' || configured === 'patience' || configured === 'histogram'
      ? configured
      : ('myers' as const);
  }

  #whitespace() {
    const { words } = this.#diff;
    if (!words.ignoreAllSpace && !words.ignoreSpaceChange && !words.ignoreSpaceAtEol && !words.ignoreCrAtEol) {
      return undefined;
    }
    return {
      ignoreAllSpace: words.ignoreAllSpace,
      ignoreSpaceChange: words.ignoreSpaceChange,
      ignoreSpaceAtEol: words.ignoreSpaceAtEol,
      ignoreCrAtEol: words.ignoreCrAtEol,
    };
  }

  /** `-S`: other parents than the recorded ones. */
  #grafts(file: string): ReadonlyMap<string, readonly Oid[]> {
    const repository = this.#repository;
    const path = file.startsWith('/') ? file : `${repository.cwd}/${file}`;
    const data = file === '' ? undefined : repository.platform.fs.readFile(path);
    if (data === undefined)
      throw new GitError('PATH_MISSING', `reading graft file '${file}' failed: No such file or directory`);
    const grafts = new Map<string, readonly Oid[]>(repository.grafts);
    for (const line of decodeText(data).split('\n')) {
      const trimmed = line.replace(/[ \t\n\r\f\v]+$/, '');
      if (trimmed === '' || trimmed.startsWith('#')) continue;
      const [commit, ...parents] = trimmed.split(' ');
      if ([commit!, ...parents].every((word) => isOid(word) && word.length === repository.oidLength * 2))
        grafts.set(commit!, parents as Oid[]);
      else this.#context.error(`bad graft data: ${trimmed}`);
    }
    return grafts;
  }

  #ranges(lines: Lines, path: string, finder: (path: string) => Parameters<typeof parseLineRange>[4]): LineRange[] {
    const { ranges } = this.#words;
    if (ranges.length === 0) return [[0, lines.count]];
    const out: LineRange[] = [];
    let anchor = 1;
    for (const text of ranges) {
      let range: LineRange;
      try {
        range = parseLineRange(text, lines, anchor, path, finder(path));
      } catch (error) {
        if (!(error instanceof GitError) || !error.message.endsWith('is malformed')) throw error;
        this.#context.printError(`usage: git ${blameUsage(this.#annotate ? 'annotate' : 'blame')[0]}\n`);
        throw new UsageError('', { quiet: true });
      }
      out.push(range);
      anchor = range[1] + 1;
    }
    return joinRanges(out);
  }

  /** A commit that is not there stands for the file as it lies in the work tree (or where `--contents` says). */
  async #workingTree(
    blame: Blame,
    path: string,
    below: CommitNode | undefined,
    drivers: DiffDrivers,
    textconv: boolean,
  ): Promise<BlameOrigin> {
    const repository = this.#repository;
    const { contents } = this.#words;
    const pool = this.#pool;
    const { fs } = repository.platform;
    const node = pool.node(zeroOid(repository.objectFormat));
    node.loaded = true;
    node.seconds = repository.now();
    const parents: CommitNode[] = [];
    if (below !== undefined) parents.push(below);
    else {
      if (repository.workTree === undefined && contents === undefined) {
        throw new GitError('UNSUPPORTED', 'this operation must be run in a work tree');
      }
      const head = await repository.refs.resolve('HEAD');
      if (head === undefined) throw new GitError('REF_MISSING', 'no such ref: HEAD');
      parents.push(pool.node(head));
      const merging = fs.readFile(repository.path('MERGE_HEAD'));
      for (const line of merging === undefined ? [] : decodeText(merging).split('\n')) {
        if (isOid(line.trim())) parents.push(pool.node(line.trim() as Oid));
      }
    }
    for (const parent of parents) {
      const there = await repository.objects.has(parent.oid);
      if (!there || !(await pool.load(parent)))
        throw new GitError('OBJECT_MISSING', `no such commit ${parent.oid}`, { data: { oid: parent.oid } });
    }
    node.parents = parents;
    let known = false;
    for (const parent of parents) {
      const there = await findPath(repository, parent.tree, path);
      if (there !== undefined && (there.mode & 0o170000) !== 0o040000) known = true;
    }
    if (!known && contents === undefined && !(await this.#inIndex(path))) {
      throw new GitError('PATH_MISSING', `no such path '${path}' in HEAD`);
    }
    let data: Bytes;
    let mode = 0o100644;
    if (contents === '-') data = this.#context.io.stdin.readAll();
    else {
      const file =
        contents === undefined
          ? `${repository.workTree}/${path}`
          : contents.startsWith('/')
            ? contents
            : `${repository.cwd}/${contents}`;
      const stat = fs.lstat(file);
      if (stat === undefined) {
        throw new GitError(
          'PATH_MISSING',
          `Cannot ${contents === undefined ? 'lstat' : 'stat'} '${contents ?? path}': No such file or directory`,
        );
      }
      if (stat.kind === 'symlink' && contents === undefined) {
        data = encodeText(fs.readLink(file) ?? '');
        mode = 0o120000;
      } else data = fs.readFile(file) ?? new Uint8Array(0);
    }
    const attributes = new AttributeReader(repository, {});
    const driver = textconv ? drivers.of(path) : undefined;
    if (mode === 0o100644) {
      const converter = new Converter(repository, (name) => attributes.of(name));
      const cleaned = converter.clean(path, data, {});
      data = isPromise(cleaned) ? await cleaned : cleaned;
      if (driver?.textconv !== undefined) {
        data = await driver.textconv({ path, mode, oid: zeroOid(repository.objectFormat), read: () => data });
      }
    }
    blame.fake.set(node, { content: data, path });
    const ident =
      contents === undefined
        ? { name: 'Not Committed Yet', email: 'not.committed.yet' }
        : { name: 'External file (--contents)', email: 'external.file' };
    const now = repository.identity('committer', { strict: false });
    const source = contents === undefined ? path : contents === '-' ? 'standard input' : contents;
    const facts: Facts = {
      author: ident.name,
      authorMail: `<${ident.email}>`,
      authorSeconds: repository.now(),
      authorZone: now.zone,
      committer: ident.name,
      committerMail: `<${ident.email}>`,
      committerSeconds: repository.now(),
      committerZone: now.zone,
      summary: `Version of ${path} from ${source}`,
    };
    this.#fakeFacts = { node, facts };
    return new BlameOrigin(node, path, repository.platform.hashObject(repository.objectFormat, 'blob', data), mode);
  }

  async #inIndex(path: string): Promise<boolean> {
    const { readIndex } = await import('../worktree/index-file.js');
    const repository = this.#repository;
    const index = readIndex({
      platform: repository.platform,
      algorithm: repository.objectFormat,
      path: repository.path('index'),
      directory: repository.gitDir,
    });
    return index.entries.some((entry) => entry.path === path);
  }

  async #factsOf(node: CommitNode): Promise<Facts> {
    if (this.#fakeFacts?.node === node) return this.#fakeFacts.facts;
    const known = this.#facts.get(node);
    if (known !== undefined) return known;
    const view = viewCommit(node.oid, await this.#pool.data(node), this.#encoding, node);
    const person = (line: string) => {
      const ident = parseIdent(line);
      if (ident === undefined) {
        return { name: '(unknown)', mail: '<(unknown)>', seconds: 0, zone: '(unknown)' };
      }
      const mapped = this.#mailmap.map(ident);
      return {
        name: mapped.name,
        mail: `<${mapped.email}>`,
        seconds: Number(ident.seconds ?? 0),
        zone: ident.zone ?? '(unknown)',
      };
    };
    const author = person(view.authorLine);
    const committer = person(view.committerLine);
    const first = view.firstLine;
    const facts: Facts = {
      author: author.name,
      authorMail: author.mail,
      authorSeconds: author.seconds,
      authorZone: author.zone,
      committer: committer.name,
      committerMail: committer.mail,
      committerSeconds: committer.seconds,
      committerZone: committer.zone,
      summary: first === '' ? `(${node.oid})` : first,
    };
    this.#facts.set(node, facts);
    return facts;
  }

  async #details(origin: BlameOrigin, repeat: boolean): Promise<string> {
    const node = origin.commit;
    if (!repeat && this.#shown.has(node)) return '';
    this.#shown.add(node);
    const facts = await this.#factsOf(node);
    let out =
      `author ${facts.author}\nauthor-mail ${facts.authorMail}\nauthor-time ${facts.authorSeconds}\nauthor-tz ${facts.authorZone}\n` +
      `committer ${facts.committer}\ncommitter-mail ${facts.committerMail}\ncommitter-time ${facts.committerSeconds}\ncommitter-tz ${facts.committerZone}\n` +
      `summary ${facts.summary}\n`;
    if ((node.flags & UNINTERESTING) !== 0) out += 'boundary\n';
    return out;
  }

  #fileLines(origin: BlameOrigin): string {
    let out = '';
    const quoted = (path: string): string =>
      quotePath(path, this.#repository.config.getBool('core.quotepath', true) ?? true);
    if (origin.previous !== undefined) {
      out += `previous ${origin.previous.commit.oid} ${quoted(origin.previous.path)}\n`;
    }
    return `${out}filename ${quoted(origin.path)}\n`;
  }

  async #incremental(entry: BlameEntry): Promise<BlameResult> {
    const { origin } = entry;
    let text = `${origin.commit.oid} ${entry.originLine + 1} ${entry.line + 1} ${entry.count}\n`;
    text += await this.#details(origin, false);
    text += this.#fileLines(origin);
    return this.#result(entry, text);
  }

  #result(entry: BlameEntry, text: string): BlameResult {
    if (!this.#context.json) return { text };
    return {
      commit: entry.origin.commit.oid,
      path: entry.origin.path,
      line: entry.line + 1,
      originLine: entry.originLine + 1,
      count: entry.count,
      text,
    };
  }

  async *#porcelain(entries: readonly BlameEntry[], lines: Lines): AsyncGenerator<BlameResult> {
    const { config } = this.#repository;
    const markUnblamable = config.getBool('blame.markunblamablelines') === true;
    const markIgnored = config.getBool('blame.markignoredlines') === true;
    const paths = new Map<CommitNode, Set<string>>();
    for (const { origin } of entries) {
      const set = paths.get(origin.commit) ?? new Set();
      paths.set(origin.commit, set.add(origin.path));
    }
    for (const entry of entries) {
      const { origin } = entry;
      const repeat = this.#words.linePorcelain;
      const { oid } = origin.commit;
      const several = paths.get(origin.commit)!.size > 1;
      const head = async (again: boolean): Promise<string> => {
        const details = await this.#details(origin, again);
        return details !== '' || several ? details + this.#fileLines(origin) : '';
      };
      let text = `${oid} ${entry.originLine + 1} ${entry.line + 1} ${entry.count}\n${await head(repeat)}`;
      if (markUnblamable && entry.unblamable) text += 'unblamable\n';
      if (markIgnored && entry.ignored) text += 'ignored\n';
      for (let n = 0; n < entry.count; n++) {
        if (n > 0) {
          text += `${oid} ${entry.originLine + 1 + n} ${entry.line + 1 + n}\n`;
          if (repeat) {
            text += await head(true);
            if (markUnblamable && entry.unblamable) text += 'unblamable\n';
            if (markIgnored && entry.ignored) text += 'ignored\n';
          }
        }
        const line = decodeText(lineBytes(lines, entry.line + n));
        text += `\t${line}${line.endsWith('\n') ? '' : '\n'}`;
      }
      yield this.#result(entry, text);
    }
  }

  async *#human(
    entries: readonly BlameEntry[],
    lines: Lines,
    path: string,
    debug: ((entry: BlameEntry) => string) | undefined,
  ): AsyncGenerator<BlameResult> {
    const words = this.#words;
    const { config } = this.#repository;
    const full = this.#repository.oidLength * 2;
    const configured = words.abbrev ?? configuredAbbreviation(this.#repository);
    let length: number;
    const abbreviator = new Abbreviator(this.#repository, undefined);
    if (words.long) length = full;
    else if (configured !== undefined)
      length = configured === 0 || words.abbrev === full ? full : Math.min(configured, full) + 1;
    else {
      let longest = 7;
      for (const node of new Set(entries.map((entry) => entry.origin.commit))) {
        if (this.#fakeFacts?.node === node) continue;
        longest = Math.max(longest, (await abbreviator.shorten(node.oid)).length);
      }
      length = longest + 1;
    }
    let showName = words.showName;
    let longestFile = 0;
    let longestAuthor = 0;
    let lastLine = 0;
    let lastOriginLine = 0;
    for (const entry of entries) {
      const { origin } = entry;
      if (origin.path !== path) showName = true;
      longestFile = Math.max(longestFile, displayWidth(origin.path));
      const facts = await this.#factsOf(origin.commit);
      longestAuthor = Math.max(longestAuthor, displayWidth(words.email ? facts.authorMail : facts.author));
      lastLine = Math.max(lastLine, entry.line + entry.count);
      lastOriginLine = Math.max(lastOriginLine, entry.originLine + entry.count);
    }
    const digits = String(lastLine).length;
    const originDigits = String(lastOriginLine).length;
    const dateWidth = widthOfDates(this.#dateMode, (mode) => formatDate(0, '+0000', mode, this.#repository.clock));
    const markUnblamable = config.getBool('blame.markunblamablelines') === true;
    const markIgnored = config.getBool('blame.markignoredlines') === true;
    const coloring = words.colorLines || words.colorByAge ? undefined : config.get('blame.coloring');
    // The other program's lines have no colours.
    const colorLines = !words.compat && (words.colorLines || coloring === 'repeatedLines');
    const colorByAge = !words.compat && (words.colorByAge || coloring === 'highlightRecent');
    const repeated = this.#repeatedColor;
    const ages = colorByAge ? this.#ageColors() : undefined;
    let before: CommitNode | undefined;
    for (const entry of entries) {
      const { origin } = entry;
      const node = origin.commit;
      const follows = before === node;
      before = node;
      const facts = await this.#factsOf(node);
      const name = words.email ? facts.authorMail : facts.author;
      const time = words.rawTime
        ? `${facts.authorSeconds} ${facts.authorZone}`
        : padColumns(
            formatDate(facts.authorSeconds, facts.authorZone, this.#dateMode, this.#repository.clock),
            dateWidth,
          );
      const boundary = (node.flags & UNINTERESTING) !== 0;
      const own = ages?.(facts.authorSeconds);
      let text = '';
      for (let n = 0; n < entry.count; n++) {
        let meta = '';
        let width = length;
        let hex: string = node.oid;
        if (boundary) {
          if (words.blankBoundary) hex = ' '.repeat(full);
          else if (!words.compat) {
            width--;
            meta += '^';
          }
        }
        if (markUnblamable && entry.unblamable) {
          width--;
          meta += '*';
        }
        if (markIgnored && entry.ignored) {
          width--;
          meta += '?';
        }
        meta += hex.slice(0, width);
        const number = entry.line + 1 + n;
        if (words.compat) {
          meta += `\t(${' '.repeat(Math.max(0, 10 - encodeText(name).length))}${name}\t${time.padStart(10)}\t${number})`;
        } else {
          if (debug !== undefined) meta += debug(entry);
          if (showName) meta += ` ${origin.path}${' '.repeat(Math.max(0, longestFile - displayWidth(origin.path)))}`;
          if (words.showNumber) meta += ` ${String(entry.originLine + 1 + n).padStart(originDigits)}`;
          if (!words.noAuthor) {
            meta += ` (${name}${' '.repeat(Math.max(0, longestAuthor - displayWidth(name)))} ${time.padStart(10)}`;
          }
          meta += ` ${String(number).padStart(digits)}) `;
        }
        let paint: string | undefined;
        if (colorLines) paint = n > 0 || follows ? repeated : own;
        else if (colorByAge) paint = own;
        if (paint !== undefined) meta = `${paint}${meta}${RESET}`;
        const line = decodeText(lineBytes(lines, entry.line + n));
        text += meta + line;
      }
      if (!text.endsWith('\n')) text += '\n';
      yield this.#result(entry, text);
    }
  }

  /** Colours by age: each until a date. */
  #readAges(spec: string): AgeStep[] {
    const parts = spec.split(',').map((part) => part.trim());
    const steps: AgeStep[] = [];
    for (let i = 0; i < parts.length; i += 2) {
      const [color, date] = [parts[i]!, parts[i + 1]];
      const until = date === undefined ? Number.POSITIVE_INFINITY : approxidate(date, this.#repository.clock).seconds;
      try {
        steps.push({ color: parseColor(color), until });
      } catch (error) {
        this.#context.error((error as Error).message);
        throw new GitError('CONFIG', `expecting a color: ${color}`);
      }
    }
    if (parts.length % 2 === 0) throw new GitError('CONFIG', 'must end with a color');
    return steps;
  }

  #ageColors(): (seconds: number) => string {
    const steps = this.#ageSteps ?? this.#readAges('blue,12 month ago,white,1 month ago,red');
    return (seconds) => (steps.find((step) => seconds <= step.until) ?? steps[steps.length - 1]!).color;
  }
}

interface AgeStep {
  readonly color: string;
  /** Seconds since the epoch. */
  readonly until: number;
}

/** For `--score-debug`: the score of a run of lines, and how often its version of the file is spoken of. */
function debugOf(blame: Blame, entries: readonly BlameEntry[]): (entry: BlameEntry) => string {
  let biggest = 0;
  for (const entry of entries) {
    entry.score = 0;
    biggest = Math.max(biggest, blame.score(entry));
  }
  const width = String(biggest).length;
  const counts = mentions(entries);
  return ({ score, origin }) => ` ${String(score).padStart(width)} ${String(counts.get(origin) ?? 0).padStart(2, '0')}`;
}

const padColumns = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - displayWidth(text)));

function widthOfDates(mode: DateMode, sample: (mode: DateMode) => string): number {
  switch (mode.kind) {
    case 'rfc':
      return 31;
    case 'iso-strict':
    case 'iso':
      return 25;
    case 'raw':
      return 16;
    case 'unix':
    case 'short':
      return 10;
    case 'relative':
      return 22;
    case 'human':
      return 16;
    case 'format':
      return sample(mode).length;
    default:
      return 30;
  }
}

/** A path as given, from the top of the work tree. */
function normalizePath(prefix: string, path: string, workTree: string | undefined): string {
  let text = path;
  if (workTree !== undefined && text.startsWith(`${workTree}/`)) text = text.slice(workTree.length + 1);
  else if (!text.startsWith('/')) text = prefix + text;
  const out: string[] = [];
  for (const part of text.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') out.pop();
    else out.push(part);
  }
  return out.join('/');
}
