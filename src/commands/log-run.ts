import { pathFilter } from '../porcelain/log-paths.js';
import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { RESET } from '../base/color.js';
import { displayWidth } from '../base/display-width.js';
import type { DiffOptions } from '../diff/options.js';
import { writeDiff } from '../diff/output.js';
import type { FilePair } from '../diff/pair.js';
import type { CommitNode } from '../history/commit-pool.js';
import { CommitPool } from '../history/commit-pool.js';
import { BOUNDARY, TREESAME, UNINTERESTING } from '../history/flags.js';
import { LineLog, rangeHunks } from '../porcelain/log-lines.js';
import type { LineChange, PairFinder } from '../porcelain/log-lines.js';
import type { Hunk } from '../diff/hunks.js';
import type { Change } from '../diff/line-diff.js';
import { parsePathspec } from '../repo/pathspec.js';
import { peelTo } from '../repo/revision.js';
import { DiffDrivers } from './diff-drivers.js';
import { parseTree } from '../objects/tree.js';
import { isTreeMode, MODE_FILE } from '../objects/mode.js';
import { parseTag } from '../objects/tag.js';
import { decoratedBy } from '../porcelain/decorations.js';
import { createPrinter, decorationLoader, mailmapLoader, outputEncodingOf } from '../porcelain/log-context.js';
import { messageFilter } from '../porcelain/log-grep.js';
import { patchIdOf } from '../porcelain/log-patch-id.js';
import { LogPrinter, decorationColors } from '../porcelain/log-printer.js';
import type { PendingObject, RevisionRequest } from '../porcelain/log-revisions.js';
import { parseRevisionRequest } from '../porcelain/log-revisions.js';
import { LogSettings, diffMergesOf, prettyAliases } from '../porcelain/log-settings.js';
import type { DiffMerges } from '../porcelain/log-settings.js';
import { createLogWalk } from '../porcelain/log-walk.js';
import type { LogWalk } from '../porcelain/log-walk.js';
import { formatNotes, openDisplayNotes } from '../porcelain/notes-read.js';
import type { NotesTree } from '../porcelain/notes-read.js';
import { onelineFormat, mediumFormat, parsePrettyFormat } from '../porcelain/pretty-format.js';
import type { PrettyFormat } from '../porcelain/pretty-format.js';
import { identDate } from '../porcelain/pretty.js';
import { parseIdent, viewCommit } from '../porcelain/pretty-view.js';
import type { CommitView } from '../porcelain/pretty-view.js';
import { checkOf, mergedTags, verifyCommit } from '../porcelain/log-signature.js';
import { Remerger } from '../porcelain/remerge.js';
import { ReflogWalk } from '../porcelain/reflog-walk.js';
import { defaultDateMode } from '../repo/dates.js';
import type { Mailmap } from '../porcelain/mailmap.js';
import { badVariable } from '../repo/config.js';
import { checkColors, checkGrepSettings } from '../repo/config-check.js';
import type { Repository } from '../repo/repository.js';
import type { PathspecItem } from '../repo/pathspec.js';
import { AttributeReader } from '../worktree/attributes-reader.js';
import type { CommandContext } from './command.js';
import { checkCombined, combinedPieces } from './diff-merges.js';
import { DiffArguments } from './diff-options.js';
import type { DiffForm } from './diff-options.js';
import { reversed, setUpDiff } from './diff-setup.js';
import type { DiffTask } from './diff-setup.js';
import { treePairs } from './diff-trees.js';
import { UsageError } from './options.js';

/** Which of the commands that show commits this is. */
export type LogMode = 'log' | 'show' | 'whatchanged' | 'reflog';

export interface LogResult {
  readonly text: string | Bytes;
  readonly commit?: string;
}

interface OwnWords {
  decorate: 'short' | 'full' | false | undefined;
  readonly decorateRefs: string[];
  readonly decorateExclude: string[];
  clearDecorations: boolean;
  source: boolean;
  mailmap: boolean | undefined;
  quiet: boolean;
  readonly lineRanges: string[];
}

/** Magic of a pathspec that cannot be followed through renames, in git's words. */
function unfollowable(item: PathspecItem): string {
  const names: string[] = [];
  if (item.glob) names.push("'glob'");
  if (item.ignoreCase) names.push("'icase'");
  if (item.exclude) names.push("'exclude' (mnemonic: '!')");
  if (item.attributes.length > 0) names.push("'attr'");
  return names.join(', ');
}

/** Options of the log that stand alone. */
const valueless = new Set([
  ...['--no-decorate', '--clear-decorations', '--source', '--no-source', '--mailmap', '--no-mailmap'],
  ...['--use-mailmap', '--no-use-mailmap', '--quiet'],
]);

/** Whether `log.follow` applies: plain paths only. */
const followable = (word: string): boolean => !/^:(?:\(|[!^])/.test(word) || /^:\((?:top|literal|,)*\)/.test(word);

/** `git log` and its sisters, from the words of the command line to pieces of text. */
export class LogRun {
  readonly #context: CommandContext;
  readonly #mode: LogMode;
  readonly #repository: Repository;
  readonly #settings = new LogSettings();
  readonly #diffWords = new DiffArguments();
  readonly #own: OwnWords = {
    decorate: undefined,
    decorateRefs: [],
    decorateExclude: [],
    clearDecorations: false,
    source: false,
    mailmap: undefined,
    quiet: false,
    lineRanges: [],
  };
  #request!: RevisionRequest;
  #task!: DiffTask;
  #log!: LogWalk;
  #output!: LogPrinter;
  #merges: DiffMerges = 'off';
  /** Differences are looked at. */
  #diffs = false;
  #lines: LineLog | undefined;
  #remerger: Remerger | undefined;
  /** Only merges have differences. */
  #mergesOnly = false;
  #showRoot = true;
  #follow: string | undefined;
  #reflogs: ReflogWalk | undefined;
  #differs = false;
  #format!: PrettyFormat;
  #mailmap: Mailmap | undefined;

  constructor(context: CommandContext, mode: LogMode) {
    this.#context = context;
    this.#mode = mode;
    this.#repository = context.repository();
  }

  get #terminal(): () => boolean {
    return () => this.#context.io.stdout.isTerminal;
  }

  #configure(): void {
    const { config } = this.#repository;
    const settings = this.#settings;
    const pretty = config.get('format.pretty');
    if (pretty !== undefined) settings.pretty = parsePrettyFormat(pretty, prettyAliases(this.#repository));
    if (settings.pretty?.shortDates === true) settings.shortDates = true;
    if (config.getBool('log.abbrevcommit') === true) settings.abbrevCommit = true;
    settings.showSignature = config.getBool('log.showsignature') === true;
    this.#showRoot = config.getBool('log.showroot', true);
    settings.verboseHeader = true;
    if (this.#mode === 'show') settings.noWalk = 'sorted';
    if (this.#mode === 'whatchanged') settings.simplifyHistory = false;
    if (this.#mode === 'reflog') {
      settings.walkReflogs = true;
      settings.abbrevCommit = true;
      settings.pretty = onelineFormat;
    }
  }

  #takeOwn(argv: readonly string[], at: number): number {
    const own = this.#own;
    const word = argv[at]!;
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const value = equals < 0 ? undefined : word.slice(equals + 1);
    if (value !== undefined && valueless.has(name))
      throw new UsageError(`option \`${name.replace(/^-+/, '')}' takes no value`, { quiet: true });
    switch (name) {
      case '--decorate':
        own.decorate = value === undefined ? 'short' : this.#decorateStyle(value, true);
        return 1;
      case '--no-decorate':
        own.decorate = false;
        return 1;
      case '--decorate-refs':
      case '--decorate-refs-exclude': {
        const list = name === '--decorate-refs' ? own.decorateRefs : own.decorateExclude;
        if (value !== undefined) {
          list.push(value);
          return 1;
        }
        const next = argv[at + 1];
        if (next === undefined) throw new UsageError(`option \`${name.slice(2)}' requires a value`, { quiet: true });
        list.push(next);
        return 2;
      }
      case '--no-decorate-refs':
        own.decorateRefs.length = 0;
        return 1;
      case '--no-decorate-refs-exclude':
        own.decorateExclude.length = 0;
        return 1;
      case '--clear-decorations':
        own.clearDecorations = true;
        own.decorateRefs.length = 0;
        own.decorateExclude.length = 0;
        return 1;
      case '--source':
        own.source = true;
        return 1;
      case '--no-source':
        own.source = false;
        return 1;
      case '--use-mailmap':
      case '--mailmap':
        own.mailmap = true;
        return 1;
      case '--no-use-mailmap':
      case '--no-mailmap':
        own.mailmap = false;
        return 1;
      case '-q':
      case '--quiet':
        own.quiet = true;
        return 1;
      case '--i-still-use-this':
        return 1;
    }
    if (word === '-L' || /^-L./.test(word)) {
      const range = word === '-L' ? argv[at + 1] : word.slice(2);
      if (range === undefined) throw new UsageError("switch `L' requires a value", { quiet: true });
      own.lineRanges.push(range);
      return word === '-L' ? 2 : 1;
    }
    return 0;
  }

  #decorateStyle(value: string, strict: boolean): 'short' | 'full' | false {
    const lower = value.toLowerCase();
    if (lower === 'full') return 'full';
    if (lower === 'short') return 'short';
    if (/^(?:true|yes|on|1)$/.test(lower)) return 'short';
    if (/^(?:false|no|off|0|)$/.test(lower)) return false;
    if (lower === 'auto') return this.#autoDecorate();
    if (strict) throw new GitError('USAGE', `invalid --decorate option: ${value}`);
    return false;
  }

  #autoDecorate(): 'short' | false {
    return this.#context.io.stdout.isTerminal || this.#context.env['GIT_PAGER_IN_USE'] === 'true' ? 'short' : false;
  }

  async #parse(): Promise<void> {
    const context = this.#context;
    this.#configure();
    const settings = this.#settings;
    const argv = context.argv;
    if (argv.length === 1 && (argv[0] === '-h' || argv[0] === '--help-all')) throw new UsageError('', { help: true });
    const prettyBefore = settings.pretty;
    this.#request = await parseRevisionRequest(argv, {
      context: { repository: this.#repository, terminal: this.#terminal },
      settings,
      fallback: 'HEAD',
      other: (words, at) => this.#takeOwn(words, at),
      late: (words, at) => this.#diffWords.take(words, at),
      stdin: () => context.io.stdin.lines(),
      complain: (line) => context.printError(`${line}\n`),
      anyObject: this.#mode === 'show',
    });
    const [unknown] = this.#request.rest;
    if (unknown === '-h') throw new UsageError('', { help: true });
    if (unknown !== undefined) throw new GitError('USAGE', `unrecognized argument: ${unknown}`);
    this.#prettySaid =
      settings.pretty !== prettyBefore || argv.some((word) => /^--(?:pretty|format|oneline)/.test(word));
    this.#format = settings.pretty ?? mediumFormat;
    if (this.#prettySaid && this.#format.kind === 'raw' && !settings.abbrevCommitSaid) settings.abbrevCommit = false;
    if (settings.abbrev !== undefined) this.#diffWords.words.abbrev ??= settings.abbrev;
    if (argv.includes('--no-abbrev')) this.#diffWords.words.abbrev = 0;
    if (settings.ignoreCase) this.#diffWords.words.ignoreCase = true;
  }

  #prettySaid = false;
  /** In reverse, the bar comes where another commit does. */
  #barWaits = false;

  #chooseMerges(): void {
    const settings = this.#settings;
    const { config } = this.#repository;
    const configured = config.get('log.diffmerges');
    if (configured !== undefined && diffMergesOf(configured, this.#repository) === undefined) {
      throw badVariable(config.last('log.diffmerges')!);
    }
    if (settings.diffMerges !== undefined) this.#merges = settings.diffMerges;
    else if (settings.firstParent) this.#merges = 'first-parent';
    else if (this.#mode === 'show') this.#merges = 'dense';
    const asked = settings.diffMerges;
    if (settings.combineAllPaths && asked !== 'combined' && asked !== 'dense') {
      throw new GitError('USAGE', '--combined-all-paths makes no sense without -c or --cc');
    }
  }

  async #prepare(): Promise<void> {
    const context = this.#context;
    const repository = this.#repository;
    const settings = this.#settings;
    const request = this.#request;
    const { words } = this.#diffWords;
    const attributes = new AttributeReader(repository, {});
    this.#chooseMerges();
    let defaultForm: DiffForm | undefined;
    if (this.#mode === 'show') defaultForm = 'patch';
    if (this.#mode === 'whatchanged') defaultForm = 'raw';
    if (settings.diffMergesSaid && this.#merges !== 'off') defaultForm ??= 'patch';
    if (this.#own.quiet) {
      words.forms.clear();
      words.forms.add('none');
    }
    const formSaid = [...words.forms].some((form) => form !== 'none');
    // Merges may have a patch where other commits have none.
    this.#mergesOnly =
      settings.mergesNeedDiff &&
      !settings.diffMergesSaid &&
      defaultForm === undefined &&
      !formSaid &&
      !this.#needsDiff &&
      words.follow !== true;
    if (settings.mergesNeedDiff && !words.forms.has('none')) defaultForm ??= 'patch';
    if (this.#own.lineRanges.length > 0 && !words.forms.has('none')) defaultForm ??= 'patch';
    this.#diffs = formSaid || (defaultForm !== undefined && !words.forms.has('none')) || this.#needsDiff;
    // Of merges that are looked at parent by parent, each look is told of.
    const byParents = this.#merges === 'separate' && settings.mergesNeedDiff;
    if (words.forms.has('none') && !this.#needsDiff) this.#diffs = byParents;
    this.#task = await setUpDiff(context, this.#diffWords, {
      ui: true,
      defaultForm,
      textconv: true,
      externalDiff: false,
      attributesOf: (path) => attributes.of(path),
    });
    if (words.pickaxe !== undefined || words.filter !== undefined || words.follow === true) {
      settings.alwaysShowHeader = false;
    }
    if (this.#mode === 'whatchanged') settings.alwaysShowHeader = false;
    const follow =
      words.follow === true ||
      (words.follow === undefined &&
        repository.config.getBool('log.follow') === true &&
        request.paths.length === 1 &&
        followable(request.paths[0]!) &&
        this.#mode === 'log');
    if (follow) {
      if (request.paths.length !== 1) throw new GitError('USAGE', '--follow requires exactly one pathspec');
      settings.alwaysShowHeader = false;
      this.#diffs = true;
    }
    const loadMailmap = mailmapLoader(repository);
    const useMailmap = this.#own.mailmap ?? repository.config.getBool('log.mailmap', true);
    if (useMailmap) this.#mailmap = await loadMailmap();
    const decorations = decorationLoader(repository, () => {
      const configExclude = this.#excludedDecorations();
      return {
        include: this.#own.decorateRefs,
        exclude: this.#own.decorateExclude,
        configExclude,
        usual:
          !this.#own.clearDecorations &&
          this.#own.decorateRefs.length === 0 &&
          this.#own.decorateExclude.length === 0 &&
          configExclude.length === 0 &&
          repository.config.get('log.initialdecorationset') !== 'all',
      };
    });
    const pool = new CommitPool(repository.objects, {
      keepData: true,
      grafts: repository.grafts,
      graph: repository.commitGraph,
    });
    if (settings.walkReflogs) {
      this.#reflogs = new ReflogWalk(repository, pool, settings.dateMode, {
        oldest: settings.maxAge,
        newest: settings.minAge,
      });
      // The times of the entries count, not those of the commits.
      settings.maxAge = undefined;
      settings.minAge = undefined;
      for (const pending of request.pending) await this.#reflogs.add(pending);
    }
    const notesTrees = await this.#notes();
    const filter = messageFilter(repository, settings, this.#mailmap);
    const encoding = outputEncodingOf(repository, settings.outputEncoding);
    const match =
      filter === undefined
        ? undefined
        : async (node: CommitNode): Promise<boolean> => {
            const data = pool.data(node);
            const view = viewCommit(node.oid, isPromise(data) ? await data : data, encoding, node);
            const notes =
              notesTrees.length === 0 ? undefined : await formatNotes(repository, notesTrees, node.oid, true);
            return filter(view, { reflog: this.#reflogs?.info()?.message, notes });
          };
    const lineLog = this.#own.lineRanges.length === 0 ? undefined : await this.#lineLog(pool);
    this.#log = await createLogWalk(repository, request, {
      pool,
      match,
      decorated: settings.simplifyByDecoration ? decoratedBy(await decorations()) : undefined,
      patchId: (node) => patchIdOf(repository, node, pathFilter(this.#log.pathspec)),
      entries: this.#reflogs,
      sources: this.#own.source || (this.#format.kind === 'user' && /%[-+ ]?S/.test(this.#format.template)),
      noPruning: follow,
      pathSettings: { settings: context.globals.pathspecs, attributesOf: (path) => attributes.of(path) },
      lineFilter: lineLog,
      plain: !settings.graph && lineLog === undefined,
    });
    if (follow) {
      const item = this.#log.pathspec.items[0]!;
      const magic = unfollowable(item);
      if (magic !== '') throw new GitError('USAGE', `pathspec magic not supported by --follow: ${magic}`);
      this.#follow = item.match.replace(/\/$/, '');
    }
    const color = context.wantColor('diff', words.color ?? undefined);
    const decorate = this.#decoration();
    const absent = new Set<'N' | 'S'>();
    if (notesTrees.length === 0) absent.add('N');
    if (this.#reflogs !== undefined) absent.add('S');
    const { printer, abbreviator } = createPrinter({
      absent,
      repository,
      settings,
      format: this.#format,
      color,
      decorations,
      fullDecorations: decorate === 'full',
      mailmap: useMailmap ? this.#mailmap : undefined,
      loadMailmap,
      terminal: this.#terminal,
      columns: Number(context.env['COLUMNS'] ?? 0) || context.io.stdout.columns,
      verify: (view) => checkOf(verifyCommit(repository, view.text)),
    });
    this.#output = new LogPrinter({
      repository,
      settings,
      log: this.#log,
      printer,
      abbreviator,
      color,
      colors: decorationColors(repository, color),
      decorate: this.#format.kind === 'user' ? false : decorate,
      decorations,
      notes: notesTrees.length === 0 ? undefined : (oid, raw) => formatNotes(repository, notesTrees, oid, raw),
      reflog: this.#reflogs === undefined ? undefined : () => this.#reflogs!.info(),
      showSignature: settings.showSignature ? (view) => this.#signature(view) : undefined,
      complain: (line) => context.printError(`${line}\n`),
      terminator: words.nul === true ? '\0' : '\n',
      ...(words.linePrefix === undefined ? {} : { linePrefix: words.linePrefix }),
    });
  }

  /** Pickaxe, filter and the like look at differences without showing them. */
  get #needsDiff(): boolean {
    const { words } = this.#diffWords;
    return (
      words.pickaxe !== undefined || words.filter !== undefined || words.follow === true || words.exitCode === true
    );
  }

  /** `log.excludeDecoration`; entries without a value are complained about. */
  #excludedDecorations(): string[] {
    const found: string[] = [];
    for (const entry of this.#repository.config.entries()) {
      if (entry.key !== 'log.excludedecoration') continue;
      if (entry.value === undefined) this.#context.error("missing value for 'log.excludeDecoration'");
      else found.push(entry.value);
    }
    return found;
  }

  #decoration(): 'short' | 'full' | false {
    const said = this.#own.decorate;
    let style: 'short' | 'full' | false;
    if (said !== undefined) style = said;
    else {
      const configured = this.#repository.config.last('log.decorate');
      style = configured === undefined ? this.#autoDecorate() : this.#decorateStyle(configured.value ?? 'true', false);
      if (this.#format.kind === 'raw' && this.#prettySaid) style = false;
    }
    return style;
  }

  async #notes(): Promise<NotesTree[]> {
    const { notes } = this.#settings;
    const wanted = this.#format.kind === 'user' && /%[-+ ]?N/.test(this.#format.template);
    const show = notes.show ?? (notes.byDefault || !this.#prettySaid || wanted);
    if (!show) return [];
    return openDisplayNotes(this.#repository, notes, (message) => this.#context.warning(message));
  }

  /** What the checking program says about a commit's signature. */
  #signature(view: CommitView): string {
    const verdict = verifyCommit(this.#repository, view.text);
    return (verdict === undefined ? '' : verdict.output) + mergedTags(this.#repository, view);
  }

  async #lineLog(pool: CommitPool): Promise<(node: CommitNode) => Promise<boolean>> {
    const repository = this.#repository;
    const { formats } = this.#task;
    if (
      formats.stat !== undefined ||
      formats.numstat === true ||
      formats.shortstat === true ||
      formats.dirstat !== undefined ||
      formats.check === true ||
      this.#settings.fullDiff
    ) {
      throw new GitError('USAGE', '-L does not yet support the requested diff format');
    }
    if (this.#request.paths.length > 0) {
      throw new GitError('USAGE', '-L<range>:<file> cannot be used with pathspec');
    }
    let start: PendingObject | undefined;
    for (const pending of this.#request.pending) {
      if ((pending.flags & UNINTERESTING) !== 0) continue;
      if (start !== undefined) {
        throw new GitError('USAGE', `More than one commit to dig from: ${start.name} and ${pending.name}?`);
      }
      start = pending;
    }
    const commit = start === undefined ? undefined : await peelTo(repository, start.oid, 'commit');
    if (commit === undefined) throw new GitError('USAGE', 'No commit specified?');
    const node = pool.node(commit);
    await pool.load(node);
    const pairsOf: PairFinder = async (before, after, paths) => {
      const walk = { recursive: true, showTrees: false };
      const pathspec = parsePathspec([...paths], { settings: { literal: true } });
      const raw = await treePairs(repository, before?.tree, after.tree, { ...walk, pathspec });
      if (
        before === undefined ||
        this.#diffWords.words.renames === 'none' ||
        !raw.some((pair) => pair.status === 'A')
      ) {
        return raw;
      }
      const { detectRenames } = await import('../diff/renames.js');
      const all = await treePairs(repository, before.tree, after.tree, walk);
      const found = await detectRenames(all, {
        find: this.#diffWords.words.renames ?? 'renames',
        minimumScore: this.#diffWords.words.renameScore,
        limit: repository.config.getInt('diff.renamelimit') ?? 1000,
      });
      return found.pairs;
    };
    // With -R the lines are followed the other way round, as git does.
    const reverse = this.#diffWords.words.reverse === true;
    const lines = new LineLog(
      repository,
      pool,
      reverse ? async (before, after, paths) => (await pairsOf(before, after, paths)).map(reversed) : pairsOf,
    );
    const drivers = new DiffDrivers(this.#context, repository, undefined);
    await lines.start(node, this.#own.lineRanges, (path) => drivers.of(path)?.findFunction);
    this.#lines = lines;
    if (this.#settings.order === 'default') this.#settings.order = 'topo';
    return (one) => lines.touches(one);
  }

  /** The commits that touch the lines, their parents rewritten to such commits: what a graph is drawn of. */
  async #filterLines(): Promise<void> {
    const { walk, pool } = this.#log;
    const kept: CommitNode[] = [];
    for (const node of walk.list) {
      if (await this.#lines!.touches(node)) kept.push(node);
      else node.flags |= TREESAME;
    }
    for (const node of kept) {
      const parents: CommitNode[] = [];
      for (const parent of node.parents) {
        let one: CommitNode | undefined = parent;
        while (one !== undefined && (one.flags & (TREESAME | UNINTERESTING)) === TREESAME && one.parents.length < 2) {
          one = one.parents[0];
          if (one !== undefined) await pool.load(one);
        }
        if (one !== undefined && !parents.includes(one)) parents.push(one);
      }
      node.parents = parents;
    }
    walk.replaceList(kept);
  }

  /** The changed lines of a commit, and no others. */
  async #showLines(node: CommitNode): Promise<boolean> {
    const task = this.#task;
    const { words } = this.#diffWords;
    let changes = this.#lines!.changesOf(node);
    if (words.pickaxe !== undefined || words.filter !== undefined) {
      // The pickaxe and the filter look at whole files; the commits they leave nothing of are not shown.
      const turn = (pair: FilePair): FilePair => (words.reverse === true ? reversed(pair) : pair);
      const left = await task.process(changes.map((change) => turn(change.pair)));
      changes = changes.filter((change) => left.some((pair) => pair.new.path === change.pair.new.path));
      if (changes.length === 0) return false;
    }
    await this.#output.show(node);
    if (task.silent || changes.length === 0) return true;
    const prefix = this.#prefix ?? '';
    if (this.#separates) this.#output.write(`${prefix}\n`);
    const byPath = new Map(changes.map((change) => [change.pair.new.path, change]));
    const hunksOf = (path: string, shown: readonly Change[]): Hunk[] | undefined => {
      const change = byPath.get(path);
      return change === undefined ? undefined : this.#rangeHunks(change, shown);
    };
    const pairs = changes.map((change) => change.pair);
    for await (const piece of task.write(pairs, this.#prefix, { hunksOf })) this.#output.write(piece);
    return true;
  }

  #rangeHunks(change: LineChange, shown: readonly Change[]): Hunk[] {
    const { context, interHunkContext, functionContext, driverFor } = this.#task.options;
    const findFunction = driverFor?.(change.pair.new.path)?.findFunction;
    return rangeHunks(change, shown, { context, interHunkContext, functionContext, findFunction });
  }

  async *run(): AsyncGenerator<LogResult, number> {
    const slots = ['branch', 'remotebranch', 'tag', 'stash', 'head', 'grafted'];
    checkGrepSettings(this.#repository.config);
    this.#repository.config.get('format.subjectprefix');
    checkColors(this.#repository.config, 'color.decorate', slots);
    await this.#parse();
    await this.#prepare();
    this.#context.startPager(true);
    try {
      if (this.#mode === 'show' && this.#settings.noWalk !== undefined) yield* this.#showObjects();
      else yield* this.#walk();
    } catch (error) {
      // What was said before the failure stands.
      yield* this.#pieces();
      throw error;
    }
    this.#task.warnAboutLimits();
    const code = this.#task.exitCode(this.#differs);
    return code;
  }

  *#pieces(): Generator<LogResult> {
    for (const piece of this.#output.take()) yield { text: piece };
  }

  async *#walk(): AsyncGenerator<LogResult> {
    const { walk } = this.#log;
    await walk.prepare();
    if (this.#lines !== undefined && walk.wantsAncestry) await this.#filterLines();
    const output = this.#output;
    const { json } = this.#context;
    const settings = this.#settings;
    const plain =
      !this.#diffs &&
      this.#lines === undefined &&
      settings.alwaysShowHeader &&
      settings.showLinearBreak === undefined &&
      !settings.graph;
    for (;;) {
      const step = walk.next();
      const node = isPromise(step) ? await step : step;
      if (node === undefined) break;
      if (this.#settings.graph) await output.updateGraph(node);
      let shown = true;
      if (plain) {
        const done = output.show(node);
        if (isPromise(done)) await done;
      } else shown = await this.#logCommit(node);
      if (!shown) walk.giveBack();
      node.data = undefined;
      if (json) {
        const text = output
          .take()
          .map((piece) => (typeof piece === 'string' ? piece : decodeText(piece)))
          .join('');
        if (text !== '') yield { commit: node.oid, text };
      } else if (output.pending > 32768) yield* this.#pieces();
    }
    yield* this.#pieces();
  }

  /** Shows a commit with its differences; `false` when nothing was to be shown. */
  async #logCommit(node: CommitNode): Promise<boolean> {
    const { walk } = this.#log;
    const bar = this.#settings.showLinearBreak;
    if (this.#barWaits || (bar !== undefined && !walk.linear && !this.#settings.reverse && this.#output.shownOne))
      this.#output.write(`\n${bar}\n`);
    this.#barWaits = false;
    if (this.#lines !== undefined) return this.#showLines(node);
    let shown = false;
    if (this.#diffs) shown = await this.#showDifferences(node);
    if (!shown && this.#settings.alwaysShowHeader) {
      await this.#output.show(node);
      shown = true;
    }
    if (bar !== undefined && !walk.linear && this.#settings.reverse) this.#barWaits = true;
    return shown;
  }

  async #showDifferences(node: CommitNode): Promise<boolean> {
    const parents = this.#log.walk.savedParents.get(node) ?? node.parents;
    if (parents.length === 0 && !this.#mergesOnly) {
      if (!this.#showRoot && this.#settings.showRootDiff !== true) return false;
      return this.#against(node, undefined, undefined);
    }
    if (parents.length < 2 && this.#mergesOnly) return false;
    if (parents.length > 1) {
      switch (this.#merges) {
        case 'off':
          return false;
        case 'combined':
        case 'dense':
          return this.#combined(node, parents);
        case 'remerge':
          return this.#remerge(node, parents);
        case 'first-parent':
          return this.#against(node, parents[0], undefined);
        case 'separate': {
          if (this.#settings.firstParent) return this.#against(node, parents[0], undefined);
          let shown = false;
          for (const parent of parents) if (await this.#against(node, parent, parent.oid)) shown = true;
          return shown;
        }
      }
    }
    return this.#against(node, parents[0], undefined);
  }

  get #prefix(): string | undefined {
    const { graph } = this.#output;
    return graph === undefined
      ? this.#diffWords.words.linePrefix
      : (this.#diffWords.words.linePrefix ?? '') + graph.graph.paddingRow();
  }

  async #pairs(before: Oid | undefined, after: Oid): Promise<FilePair[]> {
    const recursive = this.#settings.recursiveDiff || this.#task.recursive || this.#mode !== 'reflog';
    if (this.#follow !== undefined) return this.#followed(before, after);
    const raw = await treePairs(this.#repository, before, after, {
      recursive,
      showTrees: this.#settings.showTreesInDiff,
      pathspec: this.#settings.fullDiff ? undefined : this.#log.pathspec,
      unmodified: this.#task.wantsUnmodified,
      maxDepth: this.#diffWords.words.maxDepth,
    });
    return raw.length === 0 ? [] : this.#task.process(raw);
  }

  /** The one path that is followed; where it appears, it may have had another name before. */
  async #followed(before: Oid | undefined, after: Oid): Promise<FilePair[]> {
    const path = this.#follow!;
    const repository = this.#repository;
    const { parsePathspec } = await import('../repo/pathspec.js');
    const pathspec = parsePathspec([path], { settings: { literal: true } });
    const options = { recursive: true, showTrees: this.#settings.showTreesInDiff };
    let raw = await treePairs(repository, before, after, { ...options, pathspec });
    if (raw.length === 1 && raw[0]!.status === 'A' && before !== undefined) {
      const { detectRenames } = await import('../diff/renames.js');
      const all = await treePairs(repository, before, after, { ...options, unmodified: true });
      const found = await detectRenames(all, {
        find: 'copies',
        harder: true,
        minimumScore: this.#diffWords.words.renameScore,
        limit: repository.config.getInt('diff.renamelimit') ?? 1000,
        only: path,
      } as Parameters<typeof detectRenames>[1]);
      const choice = found.pairs.find((pair) => (pair.status === 'R' || pair.status === 'C') && pair.new.path === path);
      if (choice !== undefined) {
        raw = [choice];
        this.#follow = choice.old.path;
        return this.#task.process(raw);
      }
    }
    return raw.length === 0 ? [] : this.#task.process(raw);
  }

  async #against(node: CommitNode, parent: CommitNode | undefined, shownParent: Oid | undefined): Promise<boolean> {
    if (parent !== undefined && !parent.loaded) await this.#log.pool.load(parent);
    const pairs = await this.#pairs(parent?.tree, node.tree);
    if (pairs.length === 0) return false;
    this.#differs = true;
    if (!this.#settings.noCommitId) await this.#output.show(node, shownParent);
    await this.#writePairs(pairs);
    return true;
  }

  get #separates(): boolean {
    return (
      !this.#task.silent &&
      this.#format.kind !== 'oneline' &&
      this.#settings.verboseHeader &&
      !this.#output.formatIsEmpty
    );
  }

  async #writePairs(pairs: readonly FilePair[], more: Partial<DiffOptions> = {}): Promise<void> {
    if (this.#task.silent) return;
    const prefix = this.#prefix;
    if (this.#separates && !this.#settings.noCommitId) {
      const { formats } = this.#task;
      this.#output.write(prefix ?? '');
      if (!this.#output.shownDashes && formats.stat !== undefined && formats.patch === true) this.#output.write('---');
      this.#output.write('\n');
    }
    for await (const piece of this.#text(pairs, prefix, more)) if (piece.length > 0) this.#output.write(piece);
  }

  /** The text of pairs; beside a graph there is less room for a diffstat. */
  #text(pairs: readonly FilePair[], prefix: string | undefined, more: Partial<DiffOptions>): AsyncGenerator<Bytes> {
    const task = this.#task;
    const { stat } = task.formats;
    if (
      prefix === undefined ||
      this.#output.graph === undefined ||
      stat?.width === undefined ||
      this.#diffWords.words.statWidth !== undefined
    ) {
      return task.write(pairs, prefix, more);
    }
    const formats = { ...task.formats, stat: { ...stat, width: stat.width - displayWidth(prefix, true) } };
    return writeDiff(pairs, formats, { ...task.options, ...more, linePrefix: prefix }, task.outcome);
  }

  async #combined(node: CommitNode, parents: readonly CommitNode[]): Promise<boolean> {
    for (const parent of parents) if (!parent.loaded) await this.#log.pool.load(parent);
    checkCombined(this.#task);
    if (!this.#settings.noCommitId) {
      await this.#output.show(node);
      // Unlike other diffs, these are set apart from a one-line header too.
      const apart = !this.#task.silent && this.#settings.verboseHeader && !this.#output.formatIsEmpty;
      if (apart) this.#output.write(`${this.#prefix ?? ''}${this.#task.options.terminator ?? '\n'}`);
    }
    const request = {
      form: this.#merges === 'dense' ? 'dense' : 'combined',
      allPaths: this.#settings.combineAllPaths,
      pathspec: this.#settings.fullDiff ? undefined : this.#log.pathspec,
      walk: { recursive: true, showTrees: this.#settings.showTreesInDiff },
      header: '',
      linePrefix: this.#prefix,
    } as const;
    const trees = parents.map((parent) => parent.tree);
    for await (const piece of combinedPieces(this.#repository, this.#task, trees, node.tree, request)) {
      if (piece.length > 0) this.#output.write(piece);
    }
    return true;
  }

  /** Against what merging the parents anew gives. */
  async #remerge(node: CommitNode, parents: readonly CommitNode[]): Promise<boolean> {
    if (parents.length > 2) {
      await this.#output.show(node);
      this.#output.write('diff: warning: Skipping remerge-diff for octopus merges.\n');
      return true;
    }
    this.#remerger ??= new Remerger(this.#repository, this.#log.pool);
    const merged = await this.#remerger.merge(parents[0]!, parents[1]!);
    const pathspec = this.#settings.fullDiff ? undefined : this.#log.pathspec;
    const headers = new Map([...merged.headers].filter(([path]) => pathspec?.matches(path, false) !== false));
    const raw = await treePairs(this.#repository, merged.tree, node.tree, {
      recursive: true,
      showTrees: this.#settings.showTreesInDiff,
      pathspec,
      unmodified: this.#task.wantsUnmodified,
      objects: merged.objects,
    });
    const pairs = this.#task.withHeaders(await this.#task.process(raw), headers);
    if (pairs.length === 0) return false;
    this.#differs = true;
    if (!this.#settings.noCommitId) await this.#output.show(node);
    await this.#writePairs(pairs, { pathHeaders: headers });
    return true;
  }

  /** `git show`: each object in its own way. */
  async *#showObjects(): AsyncGenerator<LogResult> {
    const output = this.#output;
    const { objects } = this.#repository;
    const shown = new Set<Oid>();
    for (const pending of this.#request.pending) {
      let { oid } = pending;
      for (let done = false; !done; ) {
        const object = await objects.read(oid);
        if (object === undefined) throw new GitError('OBJECT_MISSING', `bad object ${pending.name}`, { data: { oid } });
        switch (object.kind) {
          case 'commit':
            // Named twice, a commit is shown once.
            if (!shown.has(oid)) await this.#showOne(oid as Oid<'commit'>);
            shown.add(oid);
            done = true;
            break;
          case 'tag': {
            if (output.shownOne) output.write('\n');
            const tag = parseTag(object.data);
            this.#header(`tag ${tag.name}`);
            output.write('\n');
            this.#showTag(object.data);
            output.shownOne = true;
            oid = tag.target;
            break;
          }
          case 'tree':
            if (output.shownOne) output.write('\n');
            this.#header(`tree ${pending.name}`);
            output.write('\n\n');
            for (const entry of parseTree(object.data, this.#repository.oidLength)) {
              output.write(`${entry.name}${isTreeMode(entry.mode) ? '/' : ''}\n`);
            }
            output.shownOne = true;
            done = true;
            break;
          case 'blob':
            output.write(await this.#blob(pending, oid, object.data));
            done = true;
            break;
        }
      }
      yield* this.#pieces();
    }
  }

  /** A blob as it is, or, asked for so, as its text conversion shows it. */
  async #blob(pending: PendingObject, oid: Oid, data: Bytes): Promise<Bytes> {
    if (this.#diffWords.words.textconv !== true) return data;
    const { path, mode = MODE_FILE } = pending;
    const textconv = path === undefined ? undefined : this.#task.options.driverFor?.(path)?.textconv;
    return textconv === undefined ? data : textconv({ path: path!, mode, oid, read: () => data });
  }

  #header(text: string): void {
    const color = this.#context.wantColor('diff', this.#diffWords.words.color ?? undefined);
    const yellow = decorationColors(this.#repository, color).commit;
    this.#output.write(color ? `${yellow}${text}${RESET}` : text);
  }

  #showTag(data: Bytes): void {
    const text = decodeText(data);
    const settings = this.#settings;
    let at = 0;
    while (at < text.length && text[at] !== '\n') {
      let end = text.indexOf('\n', at);
      if (end < 0) end = text.length;
      if (text.startsWith('tagger ', at)) {
        const ident = parseIdent(text.slice(at + 7, end));
        const mail = this.#format.kind === 'email' || this.#format.kind === 'mboxrd';
        if (ident !== undefined && this.#format.kind !== 'oneline') {
          const person = this.#mailmap?.map(ident) ?? ident;
          const filler = this.#format.kind === 'fuller' ? '    ' : '';
          this.#output.write(`${mail ? 'From' : 'Tagger'}: ${filler}${person.name} <${person.email}>\n`);
          const date = identDate(ident, settings.dateMode ?? defaultDateMode, this.#repository.clock);
          if (this.#format.kind === 'medium') this.#output.write(`Date:   ${date}\n`);
          else if (mail) {
            this.#output.write(`Date: ${identDate(ident, { kind: 'rfc', local: false }, this.#repository.clock)}\n`);
          } else if (this.#format.kind === 'fuller') this.#output.write(`TaggerDate: ${date}\n`);
        }
      }
      at = end + 1;
    }
    this.#output.write(text.slice(at));
  }

  async #showOne(oid: Oid<'commit'>): Promise<void> {
    const { pool } = this.#log;
    const node = pool.node(oid);
    await pool.load(node);
    if (this.#settings.graph) await this.#output.updateGraph(node);
    await this.#logCommit(node);
    if (!this.#settings.boundary) return;
    for (const parent of node.parents) await pool.load(parent);
    for (const parent of [...node.parents].sort((a, b) => b.seconds - a.seconds)) {
      parent.flags |= BOUNDARY;
      await this.#logCommit(parent);
    }
  }
}
