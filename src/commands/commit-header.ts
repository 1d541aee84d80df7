import { decodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { CommitPool } from '../history/commit-pool.js';
import { createPrinter, decorationLoader, mailmapLoader } from '../porcelain/log-context.js';
import { decorationColors, LogPrinter } from '../porcelain/log-printer.js';
import { LogSettings, takeLogOption } from '../porcelain/log-settings.js';
import type { LogWalk } from '../porcelain/log-walk.js';
import { formatNotes, openDisplayNotes, type NotesTree } from '../porcelain/notes-read.js';
import { mediumFormat } from '../porcelain/pretty-format.js';
import type { CommandContext } from './command.js';
import type { DiffWords } from './diff-options.js';

/** What stands in front of a commit's difference where no walk shows it: `git diff-tree --pretty`. */
export class CommitHeader {
  readonly settings = new LogSettings();
  private printer: LogPrinter | undefined;
  private pool: CommitPool | undefined;
  private said = false;
  private color: DiffWords['color'];
  private linePrefix: string | undefined;
  private notes: readonly NotesTree[] = [];

  constructor(private readonly context: CommandContext) {}

  /** Takes an option about the message; answers how many words it took. */
  take(argv: readonly string[], at: number): number {
    const { context, settings } = this;
    const before = settings.pretty;
    const taken = takeLogOption(settings, argv, at, {
      repository: context.repository(),
      terminal: () => context.io.stdout.isTerminal,
    });
    if (settings.pretty !== before || /^--(?:pretty|format|oneline)/.test(argv[at]!)) this.said = true;
    if (argv[at] === '-v') {
      settings.verboseHeader = true;
      return 1;
    }
    return taken;
  }

  /** What the options of differences say of messages too; ids are whole unless they say otherwise. */
  setUp(words: DiffWords): void {
    const { settings } = this;
    settings.abbrev = words.abbrev === 'auto' ? undefined : (words.abbrev ?? 0);
    this.color = words.color;
    this.linePrefix = words.linePrefix;
  }

  /** Opens the notes that are shown; warns of refs that are none. */
  async openNotes(): Promise<void> {
    const { settings, context } = this;
    const format = settings.pretty ?? mediumFormat;
    const wanted = format.kind === 'user' && /%[-+ ]?N/.test(format.template);
    if (settings.notes.show ?? wanted)
      this.notes = await openDisplayNotes(context.repository(), settings.notes, (message) => context.warning(message));
  }

  get verbose(): boolean {
    return this.settings.verboseHeader || this.said;
  }

  /** The commit's lines as text; `from`: the parent its difference is shown against. */
  async text(oid: Oid, terminator: '\n' | '\0', from?: Oid): Promise<string> {
    this.printer ??= await this.make(terminator);
    const node = this.pool!.node(oid);
    await this.pool!.load(node);
    await this.printer.show(node, from);
    return this.printer
      .take()
      .map((piece) => (typeof piece === 'string' ? piece : decodeText(piece)))
      .join('');
  }

  /** An empty line (or three dashes) stands between the message and the difference. */
  get separates(): boolean {
    return this.verbose && this.settings.pretty?.kind !== 'oneline' && this.printer?.formatIsEmpty !== true;
  }

  /** The message is one line. */
  get isLine(): boolean {
    return this.verbose && this.settings.pretty?.kind === 'oneline';
  }

  private async make(terminator: '\n' | '\0'): Promise<LogPrinter> {
    const { context, settings } = this;
    const repository = context.repository();
    settings.verboseHeader = true;
    const format = settings.pretty ?? mediumFormat;
    const color = context.wantColor('diff', this.color ?? undefined);
    const loadMailmap = mailmapLoader(repository);
    const decorations = decorationLoader(repository, () => ({
      include: [],
      exclude: [],
      configExclude: [],
      usual: true,
    }));
    const { notes } = this;
    const { printer, abbreviator } = createPrinter({
      repository,
      settings,
      format,
      color,
      decorations,
      fullDecorations: false,
      mailmap: undefined,
      loadMailmap,
      terminal: () => context.io.stdout.isTerminal,
      absent: new Set<'N' | 'S'>(notes.length === 0 ? ['N', 'S'] : ['S']),
      plumbing: true,
    });
    const pool = new CommitPool(repository.objects, { keepData: true, grafts: repository.grafts });
    this.pool = pool;
    return new LogPrinter({
      repository,
      settings,
      // nothing walks here: only the pool is asked
      log: { pool, sources: undefined } as unknown as LogWalk,
      printer,
      abbreviator,
      color,
      colors: decorationColors(repository, color),
      decorate: false,
      notes: notes.length === 0 ? undefined : (one, raw) => formatNotes(repository, notes, one, raw),
      complain: (line) => context.printError(`${line}\n`),
      terminator,
      ...(this.linePrefix === undefined ? {} : { linePrefix: this.linePrefix }),
    });
  }
}
