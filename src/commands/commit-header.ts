import { decodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { CommitPool } from '../history/commit-pool.js';
import { createPrinter, decorationLoader, mailmapLoader } from '../porcelain/log-context.js';
import { decorationColors, LogPrinter } from '../porcelain/log-printer.js';
import { LogSettings, takeLogOption } from '../porcelain/log-settings.js';
import type { LogWalk } from '../porcelain/log-walk.js';
import { formatNotes, openDisplayNotes } from '../porcelain/notes-read.js';
import { mediumFormat } from '../porcelain/pretty-format.js';
import type { CommandContext } from './command.js';

/** What stands in front of a commit's difference where no walk shows it: `git diff-tree --pretty`. */
export class CommitHeader {
  readonly settings = new LogSettings();
  private printer: LogPrinter | undefined;
  private pool: CommitPool | undefined;
  private said = false;

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

  private async make(terminator: '\n' | '\0'): Promise<LogPrinter> {
    const { context, settings } = this;
    const repository = context.repository();
    settings.verboseHeader = true;
    const format = settings.pretty ?? mediumFormat;
    const color = context.wantColor('diff');
    const loadMailmap = mailmapLoader(repository);
    const decorations = decorationLoader(repository, { include: [], exclude: [], configExclude: [], usual: true });
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
    });
    const pool = new CommitPool(repository.objects, { keepData: true, grafts: repository.grafts });
    this.pool = pool;
    const wantsNotes = format.kind === 'user' && /%[-+ ]?N/.test(format.template);
    const notes = (settings.notes.show ?? wantsNotes) ? await openDisplayNotes(repository, settings.notes) : [];
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
      warn: (message) => context.warning(message),
      terminator,
    });
  }
}
