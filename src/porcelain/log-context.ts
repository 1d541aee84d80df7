import type { Awaitable } from '../base/awaitable.js';
import { GitError } from '../base/errors.js';
import type { Repository } from '../repo/repository.js';
import { configuredAbbreviation } from '../repo/revision-short.js';
import { resolveRevision } from '../repo/revision.js';
import type { DateMode } from '../repo/dates.js';
import { defaultDateMode, parseDateMode } from '../repo/dates.js';
import { Describer } from './describe.js';
import type { DecorationFilter, Decorations } from './decorations.js';
import { loadDecorations } from './decorations.js';
import { Abbreviator, decorationColors } from './log-printer.js';
import { messageHighlighter } from './log-grep.js';
import type { LogSettings } from './log-settings.js';
import type { Mailmap } from './mailmap.js';
import { readMailmap } from './mailmap.js';
import type { DescribeRequest, PrettyContext, SignatureCheck } from './pretty.js';
import { PrettyPrinter } from './pretty.js';
import type { PrettyFormat } from './pretty-format.js';
import type { CommitView } from './pretty-view.js';
import type { Oid } from '../base/oid.js';
import type { TrailerSettings } from './trailers.js';

/** Charset of what a log prints. */
export function outputEncodingOf(repository: Repository, said: string | undefined): string {
  const { config } = repository;
  return said ?? config.get('i18n.logoutputencoding') ?? config.get('i18n.commitencoding') ?? 'UTF-8';
}

function trailerSettings(repository: Repository): TrailerSettings {
  const { config } = repository;
  const separators = config.get('trailer.separators');
  const comment = config.get('core.commentstring') ?? config.get('core.commentchar');
  const keys = config
    .entries()
    .filter((entry) => /^trailer\..+\.key$/.test(entry.key) && entry.value !== undefined)
    .map((entry) => entry.value!.replace(/[: ]+$/, ''));
  const names = config.subsections('trailer');
  return {
    ...(separators === undefined || separators === '' ? {} : { separators }),
    ...(comment === undefined || comment === 'auto' ? {} : { comment }),
    knownKeys: [...keys, ...names],
  };
}

/** The mailmap of the repository, read once. */
export function mailmapLoader(repository: Repository): () => Awaitable<Mailmap> {
  let loaded: Promise<Mailmap> | undefined;
  let ready: Mailmap | undefined;
  return () => {
    if (ready !== undefined) return ready;
    loaded ??= readMailmap(repository, async (expression) => {
      const oid = await resolveRevision(repository, expression, { quiet: true });
      const object = oid === undefined ? undefined : await repository.objects.read(oid);
      return object?.kind === 'blob' ? object.data : undefined;
    }).then((mailmap) => {
      ready = mailmap;
      return mailmap;
    });
    return loaded;
  };
}

/** The decorations of the repository, loaded once; `filter` is asked where they are. */
export function decorationLoader(repository: Repository, filter: () => DecorationFilter): () => Awaitable<Decorations> {
  let loading: Promise<Decorations> | undefined;
  let ready: Decorations | undefined;
  return () => {
    if (ready !== undefined) return ready;
    loading ??= loadDecorations(repository, filter(), repository.grafts.keys()).then((map) => {
      ready = map;
      return map;
    });
    return loading;
  };
}

/** `%(describe)`: names of commits, with one search's tags read once. Nothing where there is no name. */
function describeLoader(repository: Repository): (oid: Oid, request: DescribeRequest) => Promise<string> {
  const describers = new Map<string, Describer>();
  return async (oid, request) => {
    const key = JSON.stringify(request);
    let describer = describers.get(key);
    if (describer === undefined) {
      const { tags, abbrev, match, exclude } = request;
      const abbreviation = abbrev === undefined || abbrev === 0 ? abbrev : Math.max(4, abbrev);
      describer = new Describer(repository, { tags, abbreviation, match, exclude });
      describers.set(key, describer);
    }
    try {
      return (await describer.nameCount()) === 0 ? '' : await describer.describe(oid);
    } catch (error) {
      if (error instanceof GitError) return '';
      throw error;
    }
  };
}

export interface PrinterInputs {
  readonly repository: Repository;
  readonly settings: LogSettings;
  readonly format: PrettyFormat;
  readonly color: boolean;
  readonly decorations: () => Awaitable<Decorations>;
  readonly fullDecorations: boolean;
  readonly mailmap: Mailmap | undefined;
  readonly loadMailmap: () => Awaitable<Mailmap>;
  readonly terminal: () => boolean;
  readonly columns?: number | undefined;
  readonly verify?: ((view: CommitView) => Awaitable<SignatureCheck>) | undefined;
  /** No notes are shown, or no sources known: their placeholders stay as they are. */
  readonly absent?: ReadonlySet<'N' | 'S'> | undefined;
  /** A command of plumbing: configured dates do not count, and mails are as bare as they can be. */
  readonly plumbing?: boolean | undefined;
}

/** The printer of messages that settings and configuration ask for, and what shortens ids beside it. */
export function createPrinter(inputs: PrinterInputs): { printer: PrettyPrinter; abbreviator: Abbreviator } {
  const { repository, settings, format } = inputs;
  const abbreviator = new Abbreviator(repository, settings.abbrev ?? configuredAbbreviation(repository));
  const context: PrettyContext = {
    format,
    dateMode: dateModeOf(inputs),
    clock: repository.clock,
    outputEncoding: outputEncodingOf(repository, settings.outputEncoding),
    expandTabs: settings.expandTabs ?? format.expandTabs,
    mailmap: inputs.mailmap,
    nameMailmap: inputs.loadMailmap,
    abbreviate: abbreviator.shorten,
    highlight: inputs.color ? messageHighlighter(repository, settings) : undefined,
    color: inputs.color,
    colors: decorationColors(repository, inputs.color),
    decorations: inputs.decorations,
    fullDecorations: inputs.fullDecorations,
    verify: inputs.verify,
    absent: inputs.absent,
    describe: describeLoader(repository),
    trailerSettings: trailerSettings(repository),
    mail: {
      encodeHeaders:
        settings.encodeEmailHeaders ??
        (inputs.plumbing !== true && repository.config.getBool('format.encodeemailheaders', true)),
      subjectPrefix: inputs.plumbing === true ? '' : '[PATCH] ',
    },
    ...(inputs.columns === undefined ? {} : { columns: inputs.columns }),
  };
  return { printer: new PrettyPrinter(context), abbreviator };
}

function dateModeOf(inputs: PrinterInputs): DateMode {
  const { settings, format, repository, terminal } = inputs;
  if (settings.dateMode !== undefined) return settings.dateMode;
  const configured = inputs.plumbing === true ? undefined : repository.config.get('log.date');
  if (format.shortDates || settings.shortDates) {
    return { kind: 'short', local: configured !== undefined && parseDateMode(configured, terminal).local };
  }
  return configured === undefined ? defaultDateMode : parseDateMode(configured, terminal);
}
