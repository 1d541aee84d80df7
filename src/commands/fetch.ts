import { type Bytes, decodeText, emptyBytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { currentBranch, fetchRemote, type FetchOptions, type FetchResult, negotiateWith } from '../porcelain/fetch.js';
import type { Deepening } from '../transport/fetch-objects.js';
import type { FetchUpdate } from '../porcelain/fetch-update.js';
import { approxidate } from '../repo/dates.js';
import type { Repository } from '../repo/repository.js';
import { checkUrlCredentials, Remotes } from '../transport/remote-config.js';
import { readShallow } from '../transport/shallow.js';
import { anonymizeUrl } from '../transport/url.js';
import { type CommandContext, defineCommand } from './command.js';
import { type FetchOptionValues, fetchOptionSpecs } from './fetch-options.js';
import { traceText } from './trace.js';
import { verbosityOf } from './verbosity.js';
import { receivingProgress, RemoteSpeech, transportContext, transportDirectory } from './transport-context.js';

interface Result {
  readonly update?: FetchUpdate | undefined;
  readonly text: string;
}

export const command = defineCommand({
  name: 'fetch',
  summary: 'Get objects and refs from another repository',
  usage: [
    'fetch [<options>] [<repository> [<refspec>...]]',
    'fetch [<options>] <group>',
    'fetch --multiple [<options>] [(<repository>|<group>)...]',
    'fetch --all [<options>]',
  ],
  options: {
    verbose: { type: 'count', short: 'v', help: 'be more verbose' },
    quiet: { type: 'count', short: 'q', help: 'be more quiet' },
    ...fetchOptionSpecs,
    atomic: { type: 'flag', help: 'use atomic transaction to update references' },
    multiple: { type: 'flag', short: 'm', help: 'fetch from multiple remotes' },
    'prune-tags': { type: 'flag', short: 'P', help: 'prune local tags no longer on remote and clobber changed tags' },
    'no-tags-short': { type: 'flag', short: 'n', shortOnly: true, hidden: true },
    'write-fetch-head': { type: 'flag', help: 'write fetched references to the FETCH_HEAD file' },
    'update-head-ok': { type: 'flag', short: 'u', help: 'allow updating of HEAD ref' },
    porcelain: { type: 'flag', help: 'machine-readable output' },
    refetch: { type: 'flag', negatable: false, help: 're-fetch without negotiating common commits' },
    prefetch: { type: 'flag', help: 'modify the refspec to place all refs within refs/prefetch/' },
    filter: { type: 'string', value: 'args', help: 'object filtering' },
    'auto-maintenance': { type: 'flag', aliases: ['auto-gc'], help: "run 'maintenance --auto' after fetching" },
    'write-commit-graph': { type: 'flag', help: 'write the commit-graph after fetching' },
    stdin: { type: 'flag', help: 'accept refspecs from stdin' },
    'negotiate-only': { type: 'flag', help: 'do not fetch a packfile; instead, print ancestors of negotiation tips' },
    'submodule-prefix': { type: 'string', value: 'dir', hidden: true },
    'recurse-submodules-default': { type: 'string', value: 'x', hidden: true },
  },
  async *run(context, { values, rest, events }): AsyncGenerator<Result, number> {
    const repository = context.repository();
    const remotes = new Remotes(repository.config, repository);
    const words = [...rest];
    if (values.stdin === true) for (const line of context.io.stdin.lines()) words.push(line);
    let names: string[] = [];
    const all = values.all ?? (rest.length === 0 && repository.config.getBool('fetch.all', false));
    if (all === true) {
      if (rest.length === 1) throw new GitError('USAGE', 'fetch --all does not take a repository argument');
      if (rest.length > 1) throw new GitError('USAGE', 'fetch --all does not make sense with refspecs');
      names = remotes.names().filter((name) => !remotes.get(name).skipFetchAll);
    } else if (values.multiple === true) {
      names = words.flatMap((word) => [...remotes.group(word)]);
      for (const name of names) {
        if (!remotes.isConfigured(name)) throw new GitError('USAGE', `no such remote or remote group: ${name}`);
      }
    } else {
      const first = words.shift();
      const group = first === undefined ? undefined : remotes.group(first);
      if (group !== undefined && (group.length > 1 || group[0] !== first)) {
        if (words.length > 0)
          throw new GitError('USAGE', 'fetching a group and specifying refspecs does not make sense');
        names = [...group];
      } else {
        const branch = await currentBranch(repository);
        names = first === undefined && !remotes.hasDefault(branch) ? [] : [first ?? remotes.defaultName(branch)];
      }
    }
    if (values.porcelain === true && (values['recurse-submodules'] ?? null) !== null) {
      throw new GitError('USAGE', "options '--porcelain' and '--recurse-submodules' cannot be used together");
    }
    const several = all === true || values.multiple === true || names.length > 1;
    const action =
      context.env['GIT_REFLOG_ACTION'] ?? ['fetch', ...context.argv.map((word) => anonymizeUrl(word))].join(' ');
    const shared = await fetchSettings(context, repository, values, verbosityOf(events), action);
    const options: FetchOptions = {
      ...shared,
      refspecs: several ? undefined : refspecsOf(words),
      tags: values['no-tags-short'] === true ? 'none' : shared.tags,
      atomic: values.atomic,
      pruneTags: values['prune-tags'],
      writeFetchHead: values['write-fetch-head'],
      updateHeadOk: values['update-head-ok'],
      porcelain: values.porcelain,
      refetch: values.refetch,
      updateShallow: values['update-shallow'],
      prefetch: values.prefetch,
      filter: values.filter ?? undefined,
      verbosity: verbosityOf(events),
    };
    if (values['negotiate-only'] === true) {
      if (names.length !== 1) throw new GitError('USAGE', 'must supply remote when using --negotiate-only');
      const submodules = values['recurse-submodules'];
      if (submodules === 'yes' || submodules === 'on-demand') {
        throw new GitError('USAGE', "options '--negotiate-only' and '--recurse-submodules' cannot be used together");
      }
      const remote = remotes.get(names[0]!);
      if ((values['negotiation-restrict'] ?? []).length === 0 && remote.negotiationRestrict.length === 0) {
        throw new GitError('USAGE', '--negotiate-only needs one or more --negotiation-restrict=*');
      }
      const surroundings = {
        ...transportContext(context, repository.config, 'fetch', { family: family(values) }),
        cwd: transportDirectory(context, repository),
      };
      try {
        for (const oid of await negotiateWith(repository, remote, surroundings, options)) yield { text: `${oid}\n` };
        return 0;
      } catch (error) {
        if (!(error instanceof GitError) || error.code !== 'UNSUPPORTED') throw error;
        context.warning(error.message);
        return 1;
      }
    }
    let code = 0;
    const jobs = several ? jobCount(context, repository, values.jobs ?? undefined) : 1;
    const fetchOne = (name: string, first: boolean, io: FetchOutput): Promise<FetchResult> => {
      checkUrlCredentials(repository.config, remotes.get(name).urls, (message) => io.say(`warning: ${message}\n`));
      const speech = new RemoteSpeech({ ...context, printError: io.say }, repository.config, remotes.get(name).urls[0]);
      return fetchRemote(
        repository,
        remotes.get(name),
        {
          ...transportContext({ ...context, printError: io.say }, repository.config, 'fetch', {
            family: family(values),
            quiet: options.verbosity < 0,
            verbose: options.verbosity > 0,
          }),
          cwd: transportDirectory(context, repository),
        },
        {
          ...options,
          say: io.say,
          receiving: jobs > 1 ? undefined : options.receiving,
          serverProgress: speech.hear,
          append: options.append === true || !first,
          withoutBundles: !first,
        },
      ).finally(() => speech.finish());
    };
    const heading = (name: string): Result[] =>
      several && options.verbosity >= 0 && values.porcelain !== true ? [{ text: `Fetching ${name}\n` }] : [];
    const shown = (result: FetchResult): Result[] => [
      ...result.porcelain.map((text) => ({ text })),
      ...(context.json ? result.updates.map((update) => ({ update, text: '' })) : []),
    ];
    if (jobs > 1) {
      if (options.append !== true && options.writeFetchHead !== false && options.dryRun !== true) {
        context.platform.fs.writeFile(repository.path('FETCH_HEAD'), emptyBytes);
      }
      const tasks = `run_processes_parallel: preparing to run up to ${jobs} tasks`;
      traceText(context.env, context.io, 'run-command.c:1555', tasks);
      for (const name of names) yield* heading(name);
      const parallel = inOrder(names, jobs, (name, say) => fetchOne(name, false, { say }));
      for await (const { name, said, result, error } of parallel) {
        context.printError(said);
        if (result !== undefined) {
          yield* shown(result);
          if (result.code !== 0) context.printError(`could not fetch '${name}' (exit code: ${result.code})\n`);
          code = Math.max(code, result.code);
          continue;
        }
        if (!(error instanceof GitError)) throw error;
        const mild = error.data['severity'] === 'error';
        context.printError(`${mild ? 'error' : 'fatal'}: ${error.message}\n`);
        context.printError(`could not fetch '${name}' (exit code: ${mild ? 1 : 128})\n`);
        code = 1;
      }
    } else {
      let first = true;
      for (const name of names) {
        yield* heading(name);
        try {
          const result = await fetchOne(name, first, { say: (text) => context.printError(text) });
          yield* shown(result);
          code = Math.max(code, result.code);
        } catch (error) {
          if (!several || !(error instanceof GitError)) throw error;
          context.printError(`fatal: ${error.message}\n`);
          context.error(`could not fetch ${name}`);
          code = 1;
        }
        first = false;
      }
    }
    const graph = values['write-commit-graph'] ?? repository.config.getBool('fetch.writecommitgraph', false);
    if (graph && code === 0 && values['dry-run'] !== true) {
      await context.runCommand('commit-graph', ['write', '--split', '--reachable', '--no-progress']);
    }
    if (code === 0 && values['auto-maintenance'] !== false && values['dry-run'] !== true) {
      await (await import('./auto-maintenance.js')).autoMaintenance(context, repository, options.verbosity < 0);
    }
    return code;
  },
  render: (result: Result) => result.text,
});

/** Where one of several fetches says what it has to say. */
interface FetchOutput {
  readonly say: (text: string | Bytes) => void;
}

/** How many fetches may run at once: `--jobs`, else `fetch.parallel`; 0 for as many as there are processors. */
function jobCount(context: CommandContext, repository: Repository, asked: number | undefined): number {
  const configured = repository.config.getInt('fetch.parallel', 1);
  if (configured < 0) throw new GitError('CONFIG', 'fetch.parallel cannot be negative');
  const jobs = asked === undefined || asked < 0 ? configured : asked;
  return jobs > 0 ? jobs : (context.platform.threads?.processors ?? 1);
}

interface Outcome {
  readonly name: string;
  readonly said: string;
  readonly result?: FetchResult;
  readonly error?: unknown;
}

/** Runs fetches, so many at once; what each says comes in one piece, in the order in which they were named. */
async function* inOrder(
  names: readonly string[],
  jobs: number,
  fetch: (name: string, say: (text: string | Bytes) => void) => Promise<FetchResult>,
): AsyncGenerator<Outcome> {
  const running: Promise<Outcome>[] = [];
  const free: (() => void)[] = [];
  let slots = jobs;
  const start = async (name: string): Promise<Outcome> => {
    if (slots > 0) slots--;
    else await new Promise<void>((ready) => free.push(ready));
    let said = '';
    try {
      const result = await fetch(name, (text) => {
        said += typeof text === 'string' ? text : decodeText(text);
      });
      return { name, said, result };
    } catch (error) {
      return { name, said, error };
    } finally {
      const next = free.shift();
      if (next === undefined) slots++;
      else next();
    }
  };
  for (const name of names) running.push(start(name));
  for (const outcome of running) yield await outcome;
}

export const family = (values: FetchOptionValues): 4 | 6 | undefined =>
  values.ipv4 === true ? 4 : values.ipv6 === true ? 6 : undefined;

/** `tag NAME` is a refspec in two words. */
export function refspecsOf(words: readonly string[]): string[] {
  const specs: string[] = [];
  for (let i = 0; i < words.length; i++) {
    if (words[i] !== 'tag') specs.push(words[i]!);
    else if (words[++i] === undefined) throw new GitError('USAGE', 'you need to specify a tag name');
    else specs.push(`refs/tags/${words[i]}:refs/tags/${words[i]}`);
  }
  return specs;
}

/** The settings that fetch and pull share. */
export async function fetchSettings(
  context: CommandContext,
  repository: Repository,
  values: FetchOptionValues,
  verbosity: number,
  action: string,
): Promise<FetchOptions> {
  const progress = values.progress ?? (verbosity >= 0 && context.io.stderr.isTerminal);
  return {
    tags: values.tags === true ? 'all' : values.tags === false ? 'none' : undefined,
    force: values.force,
    prune: values.prune,
    dryRun: values['dry-run'],
    append: values.append,
    keep: values.keep,
    uploadPack: values['upload-pack'] ?? undefined,
    deepening: deepeningOf(repository, values),
    unshallow: values.unshallow,
    refmap: values.refmap,
    serverOptions: values['server-option'],
    negotiationTips: values['negotiation-restrict'],
    negotiationInclude: values['negotiation-include'],
    showForced: values['show-forced-updates'],
    setUpstream: values['set-upstream'],
    verbosity,
    columns: context.io.stderr.columns ?? columnsFromEnvironment(context),
    action,
    say: (text) => context.printError(text),
    receiving: progress ? receivingProgress(context) : undefined,
  };
}

function columnsFromEnvironment(context: CommandContext): number {
  const columns = Number(context.env['COLUMNS']);
  return Number.isInteger(columns) && columns > 0 ? columns : 80;
}

/** `--depth`, `--deepen`, `--shallow-since`, `--shallow-exclude`, checked. */
function deepeningOf(repository: Repository, values: FetchOptionValues): Deepening {
  const number = (text: string, name: string): number => {
    const value = Number(text);
    if (!/^[+-]?\d+$/.test(text.trim()) || value < 1) {
      throw new GitError(
        'USAGE',
        name === 'depth' ? `depth ${text} is not a positive number` : 'negative depth in --deepen is not supported',
      );
    }
    return value;
  };
  let depth = 0;
  let relative = false;
  if (values.deepen !== undefined && values.deepen !== null) {
    if (values.depth !== undefined && values.depth !== null) {
      throw new GitError('USAGE', "options '--deepen' and '--depth' cannot be used together");
    }
    depth = number(values.deepen, 'deepen');
    relative = true;
  }
  if (values.unshallow === true) {
    if (values.depth !== undefined && values.depth !== null) {
      throw new GitError('USAGE', "options '--depth' and '--unshallow' cannot be used together");
    }
    if (readShallow(repository).size === 0) {
      throw new GitError('USAGE', '--unshallow on a complete repository does not make sense');
    }
  }
  if (values.depth !== undefined && values.depth !== null) depth = number(values.depth, 'depth');
  const since = values['shallow-since'];
  return {
    depth,
    relative,
    since: since === undefined || since === null ? undefined : String(approxidate(since, repository.clock).seconds),
    not: values['shallow-exclude'] ?? [],
  };
}
