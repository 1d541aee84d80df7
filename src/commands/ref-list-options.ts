import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { colorOption, type ParsedOptions, UsageError } from './options.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import type { Repository } from '../repo/repository.js';
import { decodeText } from '../base/bytes.js';
import type { CommandContext } from './command.js';
import { type RefFilter, RefListing } from '../porcelain/ref-filter.js';
import { parseSortKey, type SortKey } from '../porcelain/ref-filter.js';
import { MalformedFormat, parseRefFormat } from '../porcelain/ref-filter-format.js';
import type { QuoteStyle } from '../porcelain/ref-filter-quote.js';
import { refValueExtras } from './ref-extras.js';

/** `--contains` and its kin as every listing command has them. */
export const reachOptions = {
  merged: {
    type: 'list',
    value: 'commit',
    negatable: false,
    lastDefault: 'HEAD',
    help: 'print only refs that are merged',
  },
  'no-merged': {
    type: 'list',
    value: 'commit',
    negatable: false,
    lastDefault: 'HEAD',
    help: 'print only refs that are not merged',
  },
  contains: {
    type: 'list',
    value: 'commit',
    negatable: false,
    lastDefault: 'HEAD',
    aliases: ['with'],
    help: 'print only refs which contain the commit',
  },
  'no-contains': {
    type: 'list',
    value: 'commit',
    negatable: false,
    lastDefault: 'HEAD',
    aliases: ['without'],
    help: "print only refs which don't contain the commit",
  },
} as const;

interface ReachValues {
  readonly merged?: readonly string[];
  readonly 'no-merged'?: readonly string[];
  readonly contains?: readonly string[];
  readonly 'no-contains'?: readonly string[];
  readonly 'points-at'?: readonly string[];
}

type ReachFilter = Pick<RefFilter, 'merged' | 'noMerged' | 'contains' | 'noContains' | 'pointsAt'>;

/** Looks up what the reachability options name. */
export async function reachFilter(repository: Repository, values: ReachValues): Promise<ReachFilter> {
  const commits = async (texts: readonly string[]): Promise<Oid[]> => {
    const found: Oid[] = [];
    for (const text of texts) {
      const oid = await resolveRevision(repository, text);
      if (oid === undefined) throw new UsageError(`malformed object name ${text}`, { quiet: true });
      let wrong: string | undefined;
      const commit = await peelTo(repository, oid, 'commit', (kind) => {
        wrong = kind;
      });
      if (commit === undefined) {
        throw new UsageError(
          wrong === undefined
            ? `no such commit ${text}`
            : `object ${oid} is a ${wrong}, not a commit\nerror: no such commit ${text}`,
          { quiet: true },
        );
      }
      found.push(commit);
    }
    return found;
  };
  const merges = async (option: string, texts: readonly string[] | undefined): Promise<Oid[] | undefined> => {
    if (texts === undefined || texts.length === 0) return undefined;
    const found: Oid[] = [];
    for (const text of texts) {
      const oid = await resolveRevision(repository, text);
      if (oid === undefined) throw new GitError('REF_MISSING', `malformed object name ${text}`);
      const commit = await peelTo(repository, oid, 'commit');
      if (commit === undefined) throw new UsageError(`option \`${option}' must point to a commit`, { quiet: true });
      found.push(commit);
    }
    return found;
  };
  const pointsAt: Oid[] = [];
  for (const text of values['points-at'] ?? []) {
    const oid = await resolveRevision(repository, text);
    if (oid === undefined) throw new UsageError(`malformed object name '${text}'`, { quiet: true });
    pointsAt.push(oid);
  }
  return {
    ...maybe('merged', await merges('merged', values.merged)),
    ...maybe('noMerged', await merges('no-merged', values['no-merged'])),
    contains: await commits(values.contains ?? []),
    noContains: await commits(values['no-contains'] ?? []),
    pointsAt,
  };
}

const maybe = <K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { [P in K]: V });

/** Sort keys from `--sort`, else from a configuration key, else the name. */
export function sortKeys(
  context: CommandContext,
  given: readonly string[] | undefined,
  configured: readonly string[],
  color: boolean,
): SortKey[] {
  const texts = given !== undefined && given.length > 0 ? given : configured.length > 0 ? configured : ['refname'];
  return texts.map((text) => parseSortKey(text, { color, terminal: () => context.io.stdout.isTerminal }));
}

/** for-each-ref's own options. */
export const forEachRefOptions = {
  shell: { type: 'flag', short: 's', help: 'quote placeholders suitably for shells' },
  perl: { type: 'flag', short: 'p', help: 'quote placeholders suitably for perl' },
  python: { type: 'flag', help: 'quote placeholders suitably for python' },
  tcl: { type: 'flag', help: 'quote placeholders suitably for Tcl' },
  'omit-empty': { type: 'flag', help: 'do not output a newline after empty formatted refs' },
  count: { type: 'number', value: 'n', help: 'show only <n> matched refs' },
  format: { type: 'string', value: 'format', help: 'format to use for the output' },
  'start-after': { type: 'string', value: 'marker', help: 'start iteration after the provided marker' },
  color: colorOption('respect format colors'),
  exclude: { type: 'list', value: 'pattern', help: 'exclude refs which match pattern' },
  sort: { type: 'list', value: 'key', help: 'field name to sort on' },
  'points-at': { type: 'list', value: 'object', help: 'print only refs which points at the given object' },
  ...reachOptions,
  // These have no other names here.
  contains: { ...reachOptions.contains, aliases: [] },
  'no-contains': { ...reachOptions['no-contains'], aliases: [] },
  'ignore-case': { type: 'flag', help: 'sorting and filtering are case insensitive' },
  stdin: { type: 'flag', help: 'read reference patterns from stdin' },
  'include-root-refs': { type: 'flag', help: 'also include HEAD ref and pseudorefs' },
} as const;

const synopsisTail = `[--count=<count>] [--shell|--perl|--python|--tcl]
                         [(--sort=<key>)...] [--format=<format>]
                         [--include-root-refs] [--points-at=<object>]
                         [--merged[=<object>]] [--no-merged[=<object>]]
                         [--contains[=<object>]] [--no-contains[=<object>]]
                         [(--exclude=<pattern>)...] [--start-after=<marker>]
                         [ --stdin | (<pattern>...)]`;

export const forEachRefUsage = (name: string): string => `${name} ${synopsisTail}`;

export interface FormattedRef {
  readonly text: string;
}

/** for-each-ref and `refs list`. */
export async function* forEachRef(
  context: CommandContext,
  args: ParsedOptions<typeof forEachRefOptions>,
): AsyncGenerator<FormattedRef> {
  const { values, rest } = args;
  const styles = (['shell', 'perl', 'python', 'tcl'] as const).filter((style) => values[style] === true);
  if (values.count !== undefined && values.count !== null && values.count < 0)
    throw new UsageError(`invalid --count argument: \`${values.count}'`);
  if (styles.length > 1) throw new UsageError('more than one quoting style?');
  const quote: QuoteStyle = styles[0] ?? 'none';
  // The configuration does not colour this command: only the terminal and the option do.
  const color = context.wantColor('ui', values.color === undefined ? 'auto' : values.color);
  const settings = { color, terminal: () => context.io.stdout.isTerminal };
  const repository = context.repository();
  const format = (() => {
    try {
      return parseRefFormat(values.format ?? '%(objectname) %(objecttype)\t%(refname)', settings, quote);
    } catch (error) {
      throw error instanceof MalformedFormat ? new UsageError(error.message) : error;
    }
  })();
  const startAfter = values['start-after'] ?? undefined;
  if (startAfter !== undefined && (values.sort?.length ?? 0) > 0)
    throw new GitError('USAGE', 'cannot use --start-after with custom sort options');
  const keys = sortKeys(context, values.sort, [], color);
  let patterns = rest;
  if (values.stdin === true) {
    if (rest.length > 0) throw new GitError('USAGE', 'unknown arguments supplied with --stdin');
    patterns = decodeText(context.io.stdin.readAll())
      .split('\n')
      .filter((line, i, lines) => i < lines.length - 1 || line !== '');
  }
  if (startAfter !== undefined && patterns.length > 0)
    throw new GitError('USAGE', 'cannot use --start-after with patterns');
  const ignoreCase = values['ignore-case'] === true;
  const listing = new RefListing(
    repository,
    {
      ...(await reachFilter(repository, values)),
      kinds: values['include-root-refs'] === true ? new Set(['branch', 'remote', 'tag', 'other', 'root']) : undefined,
      patterns,
      asPaths: true,
      exclude: values.exclude ?? [],
      ignoreCase,
      startAfter,
    },
    {
      warn: (message) => context.warning(message),
      complain: (line) => context.printError(`${line}\n`),
      extras: refValueExtras(context),
    },
  );
  let refs = await listing.refs(keys, ignoreCase);
  const count = values.count ?? 0;
  await listing.prepareFormat(format, refs);
  if (count > 0) refs = refs.slice(0, count);
  for (const ref of refs) {
    const text = await listing.format(format, quote, ref);
    if (text !== '' || values['omit-empty'] !== true) yield { text: `${text}\n` };
  }
}
