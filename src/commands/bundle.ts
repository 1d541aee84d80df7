import { GitError } from '../base/errors.js';
import { parseFilterSpec } from '../history/object-filter.js';
import { LockFile } from '../platform/lock.js';
import { makeBundle } from '../porcelain/bundle.js';
import { parseRevisionRequest } from '../porcelain/log-revisions.js';
import { LogSettings } from '../porcelain/log-settings.js';
import { resolvePath } from '../repo/paths.js';
import {
  bundleFault,
  faultLines,
  openBundle,
  readBundleHeader,
  unbundle,
  type OpenBundle,
} from '../transport/bundle.js';
import { ByteReader } from '../transport/byte-stream.js';
import { type CommandContext, defineCommand, type Progress, refuseJson } from './command.js';
import type { OptionSpecs, ParsedOptions } from './options.js';
import { noSubcommand, parseSubcommand, subcommandUsage } from './subcommand.js';

interface Result {
  readonly oid?: string;
  readonly name?: string;
  readonly text: string;
}

type Output = AsyncGenerator<Result, number | undefined>;

const quiet = { quiet: { type: 'flag', short: 'q', help: 'do not show progress meter' } } as const;
const progress = { progress: { type: 'flag', help: 'show progress meter' } } as const;
const createOptions = {
  ...quiet,
  ...progress,
  // All of it is shown anyway.
  'all-progress': { type: 'flag', hidden: true, help: 'show progress while writing too' },
  'all-progress-implied': { type: 'flag', hidden: true, help: 'the same where progress is shown' },
  version: { type: 'number', value: 'n', help: 'specify bundle format version' },
} as const;
const verifyOptions = { quiet: { type: 'flag', short: 'q', help: 'do not show bundle details' } } as const;
const usages = {
  create: [
    'bundle create [-q | --quiet | --progress]\n                  [--version=<version>] <file> <git-rev-list-args>',
  ],
  verify: ['bundle verify [-q | --quiet] <file>'],
  'list-heads': ['bundle list-heads <file> [<refname>...]'],
  unbundle: ['bundle unbundle [--progress] <file> [<refname>...]'],
} as const;

export const command = defineCommand({
  name: 'bundle',
  summary: 'Move objects and refs by archive',
  usage: Object.values(usages).flat(),
  options: {},
  parsing: { stopAtNonOption: true },
  async *run(context, { rest }): Output {
    const [verb, ...words] = rest;
    switch (verb) {
      case 'create':
        return yield* create(context, words);
      case 'verify':
        return yield* verify(context, words);
      case 'list-heads':
        return yield* listHeads(context, words);
      case 'unbundle':
        return yield* takeIn(context, words);
      default:
        throw noSubcommand(verb);
    }
  },
  render: ({ text }) => text,
});

/** Parses a subcommand's words, of which the first that is no option is the file. A number: the exit code instead. */
function parse<const S extends OptionSpecs>(
  context: CommandContext,
  usage: readonly string[],
  options: S,
  words: readonly string[],
): { readonly values: ParsedOptions<S>['values']; readonly file: string; readonly rest: readonly string[] } | number {
  const parsed = parseSubcommand(context, usage, options, words, { stopAtNonOption: true });
  if (typeof parsed === 'number') return parsed;
  const [file, ...rest] = parsed.rest;
  if (file === undefined) {
    context.printError('fatal: need a <file> argument\n\n');
    return subcommandUsage(context, usage, options);
  }
  return { values: parsed.values, file, rest };
}

async function* create(context: CommandContext, words: readonly string[]): Output {
  const parsed = parse(context, usages.create, createOptions, words);
  if (typeof parsed === 'number') return parsed;
  const repository = context.maybeRepository();
  if (repository === undefined) throw new GitError('NOT_A_REPOSITORY', 'Need a repository to create a bundle.');
  const { values, file } = parsed;
  const toOutput = file === '-';
  if (toOutput) refuseJson(context);
  const lock = toOutput ? undefined : LockFile.acquire(context.platform.fs, resolvePath(context.cwd, file));
  try {
    const settings = new LogSettings();
    const filters: string[] = [];
    const request = await parseRevisionRequest(parsed.rest, {
      context: { repository, terminal: () => false },
      settings,
      other: (argv, at) => {
        const word = argv[at]!;
        if (word === '--filter' && argv[at + 1] !== undefined) filters.push(argv[at + 1]!);
        else if (word.startsWith('--filter=')) filters.push(word.slice(9));
        else return 0;
        return word === '--filter' ? 2 : 1;
      },
      stdin: () => context.io.stdin.lines(),
      complain: (line) => context.printError(`${line}\n`),
    });
    if (request.rest.length > 0) {
      context.error(`unrecognized argument: ${request.rest[0]!}`);
      return 1;
    }
    for (const filter of filters) parseFilterSpec(filter);
    const shown =
      values.quiet !== true && (values.progress === true || values.quiet === false || context.io.stderr.isTerminal);
    const pieces = makeBundle(repository, {
      revisions: request,
      version: values.version ?? undefined,
      filter: filters.length === 0 ? undefined : filters.length === 1 ? filters[0] : `combine:${filters.join('+')}`,
      warn: (message) => context.warning(message),
      progress: shown ? async (text) => context.printError(text) : undefined,
      signal: context.signal,
    });
    for await (const piece of pieces) {
      if (lock !== undefined) lock.write(piece);
      else {
        context.print(piece);
        context.io.stdout.flush();
      }
    }
    lock?.commit();
    return 0;
  } finally {
    lock?.rollback();
  }
}

/** The bundle of that name; `-` is standard input. */
async function open(context: CommandContext, file: string): Promise<OpenBundle & { readonly name: string }> {
  if (file === '-') {
    const bytes = new ByteReader(context.io.stdin.stream());
    return { header: await readBundleHeader(bytes, '<stdin>'), bytes, close: () => {}, name: '<stdin>' };
  }
  return { ...(await openBundle(context.platform.fs, resolvePath(context.cwd, file), file)), name: file };
}

async function* verify(context: CommandContext, words: readonly string[]): Output {
  const parsed = parse(context, usages.verify, verifyOptions, words);
  if (typeof parsed === 'number') return parsed;
  const bundle = await open(context, parsed.file);
  const { header, name } = bundle;
  bundle.close();
  const repository = context.maybeRepository();
  if (repository === undefined) {
    context.error('need a repository to verify a bundle');
    return 1;
  }
  const fault = await bundleFault(repository, header);
  if (fault !== undefined) {
    for (const line of faultLines(fault)) context.error(line);
    return 1;
  }
  if (parsed.values.quiet === true) return 0;
  const { references, prerequisites, algorithm, filter } = header;
  yield {
    text:
      references.length === 1
        ? 'The bundle contains this ref:\n'
        : `The bundle contains these ${references.length} refs:\n`,
  };
  for (const { oid, name: ref } of references) yield { oid, name: ref, text: `${oid} ${ref}\n` };
  if (prerequisites.length === 0) yield { text: 'The bundle records a complete history.\n' };
  else {
    yield {
      text:
        prerequisites.length === 1
          ? 'The bundle requires this ref:\n'
          : `The bundle requires these ${prerequisites.length} refs:\n`,
    };
    for (const oid of prerequisites) yield { oid, text: `${oid} \n` };
  }
  yield { text: `The bundle uses this hash algorithm: ${algorithm}\n` };
  if (filter !== undefined) yield { text: `The bundle uses this filter: ${filter}\n` };
  context.io.stdout.flush();
  context.printError(`${name} is okay\n`);
  return 0;
}

function* heads(bundle: OpenBundle, names: readonly string[]): Generator<Result> {
  for (const { oid, name } of bundle.header.references) {
    if (names.length === 0 || names.includes(name)) yield { oid, name, text: `${oid} ${name}\n` };
  }
}

async function* listHeads(context: CommandContext, words: readonly string[]): Output {
  const parsed = parse(context, usages['list-heads'], {}, words);
  if (typeof parsed === 'number') return parsed;
  const bundle = await open(context, parsed.file);
  bundle.close();
  yield* heads(bundle, parsed.rest);
  return 0;
}

async function* takeIn(context: CommandContext, words: readonly string[]): Output {
  const parsed = parse(context, usages.unbundle, progress, words);
  if (typeof parsed === 'number') return parsed;
  const bundle = await open(context, parsed.file);
  try {
    const repository = context.maybeRepository();
    if (repository === undefined) throw new GitError('NOT_A_REPOSITORY', 'Need a repository to unbundle.');
    const fault = await bundleFault(repository, bundle.header);
    if (fault !== undefined) {
      for (const line of faultLines(fault)) context.error(line);
      return 1;
    }
    let bar: Progress | undefined;
    let phaseNow = '';
    await unbundle(repository, bundle, {
      check: false,
      complain: (text) => context.printError(text),
      progress:
        parsed.values.progress !== true
          ? undefined
          : (phase, done, total, bytes) => {
              if (phase !== phaseNow) {
                bar?.done();
                phaseNow = phase;
                const title = phase === 'receive' ? 'Unbundling objects' : 'Resolving deltas';
                bar = context.progress(title, { total, force: true });
              }
              bar?.update(done, total, bytes);
            },
      signal: context.signal,
    });
    bar?.done();
    yield* heads(bundle, parsed.rest);
    return 0;
  } finally {
    bundle.close();
  }
}
