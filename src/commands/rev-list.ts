import { isPromise } from '../base/awaitable.js';
import { GitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import { bisectSteps, findBisection } from '../history/bisect.js';
import type { Bisection } from '../history/bisect.js';
import type { CommitNode } from '../history/commit-pool.js';
import { CommitPool } from '../history/commit-pool.js';
import { NOT_USER_GIVEN, SHOWN, UNINTERESTING } from '../history/flags.js';
import type { ObjectFilter, SparseMatch } from '../history/object-filter.js';
import { DO_SHOW, combineFilterSpecs, createFilter, parseFilterSpec } from '../history/object-filter.js';
import { ObjectWalk } from '../history/object-walk.js';
import { excludeEdges } from '../history/reachable.js';
import { decoratedBy } from '../porcelain/decorations.js';
import type { Decorations } from '../porcelain/decorations.js';
import { createPrinter, decorationLoader, mailmapLoader, outputEncodingOf } from '../porcelain/log-context.js';
import { messageFilter } from '../porcelain/log-grep.js';
import { entryLimit } from '../porcelain/log-paths.js';
import { CommitCounter, LogPrinter, decorationColors } from '../porcelain/log-printer.js';
import type { RevisionRequest } from '../porcelain/log-revisions.js';
import { parseRevisionRequest } from '../porcelain/log-revisions.js';
import { LogSettings } from '../porcelain/log-settings.js';
import { createLogWalk, revisionMark } from '../porcelain/log-walk.js';
import { ReflogWalk } from '../porcelain/reflog-walk.js';
import { mediumFormat, rawFormat } from '../porcelain/pretty-format.js';
import { viewCommit } from '../porcelain/pretty-view.js';
import type { Repository } from '../repo/repository.js';
import { resolveRevision } from '../repo/revision.js';
import { defineCommand } from './command.js';
import type { CommandContext } from './command.js';
import { UsageError } from './options.js';

interface Listed {
  readonly text: string;
  readonly oid?: string;
  readonly path?: string;
}

interface OwnOptions {
  header: boolean;
  timestamp: boolean;
  count: boolean;
  quiet: boolean;
  bisect: boolean;
  bisectAll: boolean;
  bisectVars: boolean;
  commitHeader: boolean;
  objectNames: boolean;
  nul: boolean;
  filterProvided: boolean;
  printOmitted: boolean;
  missing: 'error' | 'allow-any' | 'allow-promisor' | 'print' | 'print-info';
  diskUsage: false | 'bytes' | 'human';
  useBitmap: boolean;
  testBitmap: boolean;
  color: string;
}

const usage = [
  `rev-list [<options>] <commit>... [--] [<path>...]

  which commits:
    --max-count=<n>
    --max-age=<epoch>
    --min-age=<epoch>
    --sparse
    --no-merges
    --min-parents=<n>
    --no-min-parents
    --max-parents=<n>
    --no-max-parents
    --remove-empty
    --all
    --branches
    --tags
    --remotes
    --stdin
    --exclude-hidden=[fetch|receive|uploadpack]
    --quiet
  in which order:
    --topo-order
    --date-order
    --reverse
  how they are shown:
    --parents
    --children
    --objects | --objects-edge
    --disk-usage[=human]
    --unpacked
    --header | --pretty
    --[no-]object-names
    --abbrev=<n> | --no-abbrev
    --abbrev-commit
    --left-right
    --count
    -z
  halving:
    --bisect
    --bisect-vars
    --bisect-all`,
];

export const command = defineCommand({
  name: 'rev-list',
  summary: 'List commit objects in reverse chronological order',
  usage,
  options: {},
  parsing: { none: true },
  async *run(context): AsyncGenerator<Listed, number | undefined> {
    if (context.argv.length === 1 && context.argv[0] === '-h') throw new UsageError('', { help: true });
    return yield* revList(context);
  },
  render: (result: Listed) => result.text,
});

function takeOwn(own: OwnOptions, settings: LogSettings, argv: readonly string[], at: number): number {
  const word = argv[at]!;
  switch (word) {
    case '--header':
      own.header = true;
      settings.verboseHeader = true;
      return 1;
    case '--timestamp':
      own.timestamp = true;
      return 1;
    case '--count':
      own.count = true;
      return 1;
    case '--quiet':
      own.quiet = true;
      return 1;
    case '--bisect':
      own.bisect = true;
      return 0;
    case '--bisect-all':
      own.bisect = own.bisectAll = true;
      return 1;
    case '--bisect-vars':
      own.bisect = own.bisectVars = true;
      return 1;
    case '--use-bitmap-index':
      own.useBitmap = true;
      return 1;
    case '--test-bitmap':
      own.testBitmap = true;
      return 1;
    case '--commit-header':
      own.commitHeader = true;
      return 1;
    case '--no-commit-header':
      own.commitHeader = false;
      return 1;
    case '--object-names':
      own.objectNames = true;
      return 1;
    case '--no-object-names':
      own.objectNames = false;
      return 1;
    case '--exclude-promisor-objects':
      settings.excludePromisor = true;
      return 1;
    case '--no-filter':
      settings.filters.length = 0;
      return 1;
    case '--filter-provided-objects':
      own.filterProvided = true;
      return 1;
    case '--filter-print-omitted':
      own.printOmitted = true;
      return 1;
    case '--disk-usage':
      own.diskUsage = 'bytes';
      return 1;
    case '-z':
      own.nul = true;
      return 1;
    case '--no-quiet':
      own.quiet = false;
      return 1;
  }
  if (word.startsWith('--quiet=')) throw new UsageError("option `quiet' takes no value", { quiet: true });
  if (word.startsWith('--filter=')) {
    settings.filters.push(parseFilterSpec(word.slice(9)));
    return 1;
  }
  if (word === '--color' || word === '--no-color' || word.startsWith('--color=')) {
    own.color = word === '--color' ? 'always' : word === '--no-color' ? 'never' : word.slice(8);
    return 1;
  }
  if (word.startsWith('--progress=')) return 1;
  if (word.startsWith('--disk-usage=')) {
    const value = word.slice(13);
    if (value !== 'human')
      throw new GitError(
        'USAGE',
        `invalid value for '--disk-usage=<format>': '${value}', the only allowed format is 'human'`,
      );
    own.diskUsage = 'human';
    return 1;
  }
  if (word.startsWith('--missing=')) {
    const value = word.slice(10);
    if (
      value !== 'error' &&
      value !== 'allow-any' &&
      value !== 'allow-promisor' &&
      value !== 'print' &&
      value !== 'print-info'
    ) {
      return 1;
    }
    own.missing = value;
    return 1;
  }
  return 0;
}

async function* revList(context: CommandContext): AsyncGenerator<Listed, number | undefined> {
  const repository = context.repository();
  const settings = new LogSettings();
  const own: OwnOptions = {
    header: false,
    timestamp: false,
    count: false,
    quiet: false,
    bisect: false,
    bisectAll: false,
    bisectVars: false,
    commitHeader: true,
    objectNames: true,
    nul: false,
    filterProvided: false,
    printOmitted: false,
    missing: 'error',
    diskUsage: false,
    useBitmap: false,
    testBitmap: false,
    color: 'never',
  };
  settings.alwaysShowHeader = false;
  const terminal = (): boolean => context.io.stdout.isTerminal;
  const request = await parseRevisionRequest(context.argv, {
    context: { repository, terminal },
    settings,
    other: (argv, at) => takeOwn(own, settings, argv, at),
    stdin: () => context.io.stdin.lines(),
    complain: (line) => context.printError(`${line}\n`),
  });
  if (request.rest.length > 0) throw new UsageError('');
  if (settings.filters.length > 0 && !settings.blobs)
    throw new GitError('USAGE', 'object filtering requires --objects');
  if (!request.revisionsSaid && !request.stdinRead && request.pending.length === 0 && !settings.blobs)
    throw new UsageError('');
  if (settings.notes.show === true) throw new GitError('USAGE', 'rev-list does not support display of notes');
  if (settings.bisect) own.bisect = true;
  if (own.bisect) settings.limited = true;
  if (own.nul && !endsByNul(own, settings)) throw new GitError('USAGE', '-z option used with unsupported option');
  if (own.count && settings.trees && (settings.leftRight || settings.cherryMark)) {
    throw new GitError('USAGE', "marked counting and '--objects' cannot be used together");
  }
  if (own.testBitmap) {
    const { testBitmap } = await import('./rev-list-bitmap.js');
    await testBitmap(context, request);
    return undefined;
  }
  if (own.useBitmap && own.missing === 'error' && !own.bisect && !own.printOmitted) {
    const answer = await byBitmaps(context, request, settings, own);
    if (answer !== undefined) {
      yield* answer;
      return undefined;
    }
  }
  const prettySaid = settings.pretty !== undefined || (settings.verboseHeader && !own.header);
  // Here messages are never changed.
  settings.expandTabs = 0;
  const format = settings.pretty ?? (settings.verboseHeader ? (own.header ? rawFormat : mediumFormat) : mediumFormat);
  const missingCommits: string[] = [];
  const decorations = decorationLoader(repository, () => ({
    include: [],
    exclude: [],
    configExclude: [],
    usual: true,
  }));
  const overlook = own.missing !== 'error';
  let filterMailmap: ReturnType<typeof messageFilter>;
  let reflogs: ReflogWalk | undefined;
  let reflogPool: CommitPool | undefined;
  if (settings.walkReflogs) {
    reflogPool = new CommitPool(repository.objects, {
      keepData: true,
      grafts: repository.grafts,
      graph: repository.commitGraph,
    });
    reflogs = new ReflogWalk(repository, reflogPool, settings.dateMode, {
      oldest: settings.maxAge,
      newest: settings.minAge,
    });
    settings.maxAge = undefined;
    settings.minAge = undefined;
    for (const pending of request.pending) await reflogs.add(pending);
  }
  const log = await createLogWalk(repository, request, {
    ...(reflogPool === undefined ? {} : { pool: reflogPool }),
    ...(reflogs === undefined ? {} : { entries: reflogs }),
    keepData: settings.verboseHeader || settings.patterns.length > 0,
    match:
      (filterMailmap = messageFilter(repository, settings, undefined)) === undefined
        ? undefined
        : (node) => matches(node),
    decorated: settings.simplifyByDecoration ? decoratedBy(await decorations()) : undefined,
    patchId: await patchIds(repository, settings),
    pathSettings: { settings: context.globals.pathspecs },
    plain: !settings.graph && !own.bisect && reflogs === undefined,
    missingParent: overlook
      ? (oid) => {
          missingCommits.push(oid);
          return true;
        }
      : undefined,
  });
  async function matches(node: CommitNode): Promise<boolean> {
    const data = log.pool.data(node);
    const view = viewCommit(
      node.oid,
      isPromise(data) ? await data : data,
      outputEncodingOf(repository, settings.outputEncoding),
      node,
    );
    return filterMailmap!(view, { reflog: reflogs?.info()?.message });
  }
  const { walk, pool } = log;
  await walk.prepare();
  const color = context.wantColor('diff', own.color);
  const loadMailmap = mailmapLoader(repository);
  const { printer, abbreviator } = createPrinter({
    repository,
    settings,
    format,
    color,
    decorations,
    fullDecorations: false,
    mailmap: undefined,
    loadMailmap,
    terminal,
    absent: new Set<'N' | 'S'>(['N', 'S']),
    plumbing: true,
  });
  let shownNames: Decorations | undefined;
  const output = new LogPrinter({
    repository,
    settings,
    log,
    printer,
    abbreviator,
    color,
    colors: decorationColors(repository, color),
    decorate: own.bisectAll ? 'short' : false,
    decorations: () => shownNames ?? decorations(),
    complain: (line) => context.printError(`${line}\n`),
    terminator: own.nul ? '\0' : '\n',
    revList: {
      timestamp: own.timestamp,
      messageTerminator: prettySaid || !own.header ? '\n' : '\0',
      commitHeader: own.commitHeader || format.kind !== 'user',
      prefix: prettySaid && format.kind !== 'oneline' ? 'commit ' : '',
    },
  });
  const counter = new CommitCounter();
  let objectCount = 0;
  let diskBytes = 0;
  const pendingSizes: Oid[] = [];
  const missing: string[] = [];
  const omitted = new Set<string>();
  const shown: { oid: Oid; kind: ObjectKind; path: string }[] = [];
  const tell = (oid: Oid, kind: ObjectKind, path: string): void => {
    omitted.delete(oid);
    shown.push({ oid, kind, path });
  };
  const spec = combineFilterSpecs(settings.filters);
  const filter: ObjectFilter | undefined =
    spec === undefined
      ? undefined
      : await createFilter(spec, {
          objects: repository.objects,
          collecting: own.printOmitted,
          sparse: (blob) => sparsePatterns(repository, blob),
        });
  const objects = settings.trees
    ? new ObjectWalk(repository.objects, {
        show: tell,
        filter,
        omitted: own.printOmitted ? (oid) => omitted.add(oid) : undefined,
        missing: overlook
          ? (oid) => {
              missing.push(oid);
              return true;
            }
          : undefined,
        limit: log.pathspec.isEmpty ? undefined : entryLimit(log.pathspec),
        oidLength: repository.oidLength,
      })
    : undefined;
  const writeObject = (oid: string, path: string): void => {
    if (own.nul) output.write(own.objectNames && path !== '' ? `${oid}\0path=${path}\0` : `${oid}\0`);
    else if (!own.objectNames) output.write(`${oid}\n`);
    else output.write(`${oid} ${path.split('\n', 1)[0]}\n`);
  };
  const drain = async (): Promise<void> => {
    for (const object of shown) {
      if (object.kind === 'blob') {
        const there = repository.objects.has(object.oid);
        if (!(isPromise(there) ? await there : there)) {
          if (!overlook) {
            throw new GitError('OBJECT_MISSING', `missing blob object '${object.oid}'`, { data: { oid: object.oid } });
          }
          missing.push(object.oid);
          continue;
        }
      }
      if (settings.verifyObjects) await repository.objects.read(object.oid);
      objectCount++;
      if (own.diskUsage !== false) pendingSizes.push(object.oid);
      else if (!own.count && !own.quiet) writeObject(object.oid, object.path);
    }
    shown.length = 0;
  };
  if (objects !== undefined) {
    for (const object of log.objects) {
      if (object.excluded) {
        if (object.kind === 'tree') await objects.excludeTree(object.oid);
        else objects.excludeBlob(object.oid);
      } else {
        objects.add(object.kind, object.oid, object.kind === 'tag' ? object.name : object.path, !own.filterProvided);
      }
    }
    const edges = walk.limited ? walk.edges() : [];
    const edge = (oid: Oid): void => {
      if (settings.edgeHint !== false) output.write(`-${oid}\n`);
    };
    await excludeEdges(pool, edges, objects, edge);
    // An edge that was told is not told again as a boundary.
    if (settings.edgeHint !== false) for (const node of walk.edges()) node.flags |= SHOWN;
    if (settings.edgeHint === 'aggressive') {
      for (const pending of request.pending) {
        if ((pending.flags & UNINTERESTING) === 0) continue;
        const node = pool.peek(pending.oid);
        if (node === undefined) continue;
        if ((node.flags & SHOWN) === 0) edge(node.oid);
        node.flags |= SHOWN;
        await objects.excludeTree(node.tree);
      }
    }
  }
  let bisection: Bisection | undefined;
  if (own.bisect) {
    bisection = findBisection(walk.list, own.bisectAll, settings.firstParent);
    if (own.bisectAll) shownNames = withDistances(await decorations(), bisection);
    walk.replaceList(own.bisectVars && !own.bisectAll ? [] : [...bisection.commits]);
  }
  const gather = !context.json;
  const sides = settings.leftRight || settings.cherryMark;
  const counted = own.count && objects === undefined && filter === undefined && !sides ? walk.quickCount() : undefined;
  if (counted !== undefined) counter.right += counted;
  while (counted === undefined) {
    const step = walk.next();
    const node = isPromise(step) ? await step : step;
    if (node === undefined) break;
    if (objects !== undefined && node.tree !== '') {
      objects.add('tree', node.tree, '', false);
      if (settings.inCommitOrder) {
        // The commit's line comes first.
      }
    }
    let visible = true;
    if (filter !== undefined && ((node.flags & NOT_USER_GIVEN) !== 0 || own.filterProvided)) {
      visible = ((await filter.ask('commit', node.oid, '')) & DO_SHOW) !== 0;
    }
    if (visible) {
      if (own.diskUsage !== false) pendingSizes.push(node.oid);
      else if (!own.quiet) {
        if (settings.graph) await output.updateGraph(node);
        if (own.count) {
          // The graph's first row is drawn even so.
          output.graph?.showCommit();
          counter.count(node);
        } else if (!settings.verboseHeader && !settings.graph && plainLine(own, settings)) {
          output.write(`${revisionMark(settings, node)}${node.oid}${own.nul ? '\0' : '\n'}`);
        } else await output.showForRevList(node);
      }
    }
    node.data = undefined;
    if (objects !== undefined && settings.inCommitOrder) {
      await objects.flush();
      await drain();
    }
    if (!gather) yield { oid: node.oid, text: text(output) };
    else if (output.pending > 32768) yield { text: text(output) };
  }
  if (objects !== undefined) {
    await objects.flush();
    await drain();
  }
  if (own.printOmitted) for (const oid of omitted) output.write(`~${oid}\n`);
  if (own.missing === 'print' || own.missing === 'print-info') {
    for (const oid of new Set([...missingCommits, ...missing]))
      output.write(own.nul ? `${oid}\0missing=yes\0` : `?${oid}\n`);
  }
  if (bisection !== undefined && own.bisectVars && bisection.commits.length > 0) {
    output.write(`${own.bisectAll ? '------\n' : ''}${bisectVariables(bisection)}`);
    yield { text: text(output) };
    return undefined;
  }
  if (own.count) {
    counter.right += objectCount;
    output.write(counter.text(settings));
  }
  if (own.diskUsage !== false) {
    for (const oid of pendingSizes) diskBytes += (await repository.objects.place(oid))?.diskSize ?? 0;
    output.write(own.diskUsage === 'human' ? `${humanSize(diskBytes)}\n` : `${diskBytes}\n`);
  }
  const rest = text(output);
  if (rest !== '') yield { text: rest };
  return undefined;
}

/** The answer found by bitmaps, which know no order and no names. */
async function byBitmaps(
  context: CommandContext,
  request: RevisionRequest,
  settings: LogSettings,
  own: OwnOptions,
): Promise<Iterable<Listed> | undefined> {
  const repository = context.repository();
  if (settings.maxCount >= 0 && (!own.count || settings.trees)) return undefined;
  const { askedKinds, walkBitmaps } = await import('./rev-list-bitmap.js');
  const filter = combineFilterSpecs(settings.filters);
  const walk = await walkBitmaps(
    { repository, request, settings, filter, filterProvided: own.filterProvided },
    (message) => context.error(message),
  );
  if (walk === undefined) return undefined;
  const kinds = askedKinds(settings);
  if (own.count) {
    let count = 0;
    for (const kind of kinds) count += walk.count(kind);
    if (settings.maxCount >= 0) count = Math.min(count, settings.maxCount);
    return [{ text: `${count}\n` }];
  }
  if (own.diskUsage !== false) {
    let bytes = 0;
    for (const kind of kinds) {
      for (const oid of walk.list(kind)) bytes += (await repository.objects.place(oid))?.diskSize ?? 0;
    }
    return [{ text: own.diskUsage === 'human' ? `${humanSize(bytes)}\n` : `${bytes}\n` }];
  }
  const end = own.nul ? '\0' : '\n';
  return (function* (): Generator<Listed> {
    if (own.quiet) return;
    for (const kind of kinds) for (const bit of walk.bits(kind)) yield { text: `${walk.oidAt(bit)}${end}` };
    for (const kind of kinds) for (const { oid } of walk.extras(kind)) yield { text: `${oid}${end}` };
  })();
}

const text = (output: LogPrinter): string => output.take().join('');

/** Only the id on each line. */
function plainLine(own: OwnOptions, settings: LogSettings): boolean {
  if (own.bisectAll || (own.nul && settings.boundary)) return false;
  return !own.timestamp && !settings.printParents && !settings.children && !settings.abbrevCommit && own.commitHeader;
}

function humanSize(bytes: number): string {
  if (bytes >= 1 << 30) return `${(bytes / (1 << 30)).toFixed(2)} GiB`;
  if (bytes >= 1 << 20) return `${(bytes / (1 << 20)).toFixed(2)} MiB`;
  if (bytes >= 1 << 10) return `${(bytes / (1 << 10)).toFixed(2)} KiB`;
  return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`;
}

/** The names beside the commits of `--bisect-all`: how far each is from the ends comes last. */
function withDistances(decorations: Decorations, bisection: Bisection): Decorations {
  const names = new Map(decorations);
  for (const [node, distance] of bisection.distances) {
    names.set(node.oid, [...(names.get(node.oid) ?? []), { kind: 'none', name: `dist=${distance}` }]);
  }
  return Object.assign(names, { head: decorations.head });
}

function bisectVariables(bisection: Bisection): string {
  const { all, reaches, commits } = bisection;
  const rest = Math.max(all - reaches, reaches);
  return (
    `bisect_rev='${commits[0]!.oid}'\nbisect_nr=${rest - 1}\nbisect_good=${all - reaches - 1}\n` +
    `bisect_bad=${reaches - 1}\nbisect_all=${all}\nbisect_steps=${bisectSteps(all)}\n`
  );
}

/** Whether `-z` goes with what else was said: only ids, parents and objects end by NUL. */
const endsByNul = (own: OwnOptions, settings: LogSettings): boolean =>
  !own.timestamp &&
  !own.bisect &&
  !own.useBitmap &&
  own.diskUsage === false &&
  !settings.graph &&
  !settings.verboseHeader &&
  !settings.leftRight &&
  !settings.cherryMark &&
  settings.edgeHint === false;

async function patchIds(
  repository: Repository,
  settings: LogSettings,
): Promise<((node: CommitNode) => Promise<string | undefined>) | undefined> {
  if (!settings.cherryPick && !settings.cherryMark) return undefined;
  const { patchIdOf } = await import('../porcelain/log-patch-id.js');
  return (node) => patchIdOf(repository, node);
}

async function sparsePatterns(repository: Repository, blob: string): Promise<SparseMatch> {
  const oid = await resolveRevision(repository, blob, { quiet: true });
  const object = oid === undefined ? undefined : await repository.objects.read(oid);
  if (object === undefined) throw new GitError('OBJECT_MISSING', `unable to access sparse blob in '${blob}'`);
  const { lastMatchingRule, parseIgnoreFile } = await import('../repo/ignore-rules.js');
  const list = parseIgnoreFile(object.data, blob, '');
  return (path, isDirectory) => {
    const rule = lastMatchingRule(list, path, () => isDirectory);
    return rule === undefined ? undefined : !rule.negative;
  };
}
