import { systemMessage } from '../platform/system-message.js';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Bytes } from '../base/bytes.js';
import { decodeText } from '../base/bytes.js';
import { breath } from '../base/breath.js';
import { GitError, Interrupted } from '../base/errors.js';
import { isTracing, traceChild, traceEvent } from '../base/trace.js';
import { compileSparingly, optimizeLate } from '../platform/node/brief.js';
import { nodePlatform } from '../platform/node/node-platform.js';
import type { Repository, RepositoryOptions } from '../repo/repository.js';
import { deprecatedCommands, expandAlias, runExternal, traceWords } from './alias.js';
import type { CommandContext, GlobalOptions } from './command.js';
import { paintHints, wantColor } from './color.js';
import { parseGlobalOptions, ProgramUsageError } from './global-options.js';
import { ClosedPipe, type Io, processIo } from './io.js';
import { toJsonLine } from './json.js';
import { CompletionRequest, type OptionSpecs, parseOptions, UsageError, usageText } from './options.js';
import { traceCommand, traceText, writeTrace } from './trace.js';
import { laterPaged, type Pager, startPager } from './pager.js';
import { endInterrupted, interruption, interruptSignal } from './interrupt.js';
import { checkPreconditions } from './preconditions.js';
import { startProgress } from './progress.js';
import { table } from './table.js';

interface Surroundings {
  readonly program: 'git' | 'bough';
  /** `bin/` of the package: what `--exec-path` says. */
  readonly execDirectory: string;
  readonly env: Record<string, string | undefined>;
  readonly cwd: string;
  readonly io: Io;
  globals: GlobalOptions;
  readonly json: boolean;
  readonly paginate: boolean | undefined;
  /** The repository room, loaded unless the command does without. */
  room: typeof import('../repo/repository.js') | undefined;
  repository: Repository | undefined;
  /** One for all that runs in this process. */
  readonly paged: { pager: Pager | undefined };
}

/** Node decodes arguments as UTF-8 and loses other bytes; where that happened the system still has them. */
function exactArguments(argv: readonly string[]): readonly string[] {
  if (!argv.some((word) => word.includes('\ufffd'))) return argv;
  try {
    const raw = fs.readFileSync('/proc/self/cmdline');
    const words: string[] = [];
    for (let at = 0; at < raw.length; ) {
      const end = raw.indexOf(0, at);
      words.push(decodeText(raw.subarray(at, end)));
      at = end + 1;
    }
    return argv.length === 0 ? argv : words.slice(-argv.length);
  } catch {
    return argv;
  }
}

/** Commands that mostly are over before compiled code would pay, and that start no threads. */
const lookups =
  ' list get ls-tree ls-files show log diff diff-tree diff-index diff-files cat-file branch tag for-each-ref show-ref reflog ' +
  'commit add rm mv restore ';
/** Commands that are over before anything is compiled: even to say how takes a third of a millisecond. */
const quick = ' rev-parse --version version config symbolic-ref var ';

/**
 * Runs the command line and answers the exit code. Everything that prints or exits is at this end of the house.
 * `execDirectory`: the folder of the program itself.
 */
export async function main(program: 'git' | 'bough', words: readonly string[], execDirectory: string): Promise<number> {
  const io = processIo();
  let compileFreely: (() => void) | undefined;
  process.on('SIGPIPE', () => {});
  let surroundings: Surroundings | undefined;
  let code: number;
  try {
    const env = { ...process.env };
    const trace = env['GIT_TRACE2_EVENT'];
    if (trace !== undefined && trace !== '' && trace !== '0') {
      (await import('./trace2.js')).startTrace2(trace, words, env);
    }
    const perf = env['GIT_TRACE2_PERF'];
    if (perf !== undefined && perf !== '' && perf !== '0') {
      (await import('./trace2.js')).startTrace2Perf(perf, words);
    }
    const began = process.cwd();
    let cwd = began;
    const parsed = parseGlobalOptions(exactArguments(words), env, (directory) => {
      cwd = path.resolve(cwd, directory);
      try {
        process.chdir(cwd);
      } catch (error) {
        throw new GitError('USAGE', `cannot change to '${directory}': ${systemMessage(error)}`);
      }
    });
    for (const [name, value] of Object.entries(parsed.env)) env[name] = value;
    if (!quick.includes(` ${parsed.rest[0]} `)) {
      const freely = compileSparingly();
      const optimize = lookups.includes(` ${parsed.rest[0]} `) ? optimizeLate() : undefined;
      compileFreely = () => {
        optimize?.();
        freely();
      };
    }
    if (parsed.directories.length > 0) cwd = process.cwd();
    if (parsed.bareAfter !== undefined && env['GIT_DIR'] === undefined) {
      const before = parsed.directories.slice(0, parsed.bareAfter);
      env['GIT_DIR'] = before.length === parsed.directories.length ? cwd : path.resolve(began, ...before);
    }
    surroundings = {
      program,
      execDirectory,
      env,
      cwd,
      io,
      globals: parsed.globals,
      json: parsed.json,
      paginate: parsed.paginate,
      room: undefined,
      repository: undefined,
      paged: { pager: undefined },
    };
    code = await dispatch(surroundings, parsed.rest);
  } catch (error) {
    if (error instanceof ProgramUsageError) {
      const { programUsage } = await import('./program-usage.js');
      io.stderr.write(`${error.message}\n${programUsage(program)}`);
      code = 129;
    } else code = report(io, error, surroundings?.json === true, program);
  }
  try {
    io.stdout.flush();
  } catch (error) {
    if (error instanceof ClosedPipe) code = 141;
    else code = report(io, error, false);
  }
  surroundings?.repository?.close();
  await surroundings?.paged.pager?.finish();
  compileFreely?.();
  if (isTracing()) for (const event of ['exit', 'atexit']) traceEvent(event, { code });
  if (code === interruption()?.exitCode) endInterrupted();
  return code;
}

/**
 * Commands that hold locks, or fill temporary files, for longer than a moment: an interrupt lets them clean up. All
 * others end at once, as programs do.
 */
const tidy: ReadonlySet<string> = new Set(
  (
    'add am apply checkout checkout-index cherry-pick clone commit commit-graph fast-import fetch fetch-pack gc ' +
    'index-pack maintenance merge multi-pack-index mv pack-objects pack-refs prune prune-packed pull push put ' +
    'read-tree remove repack reset restore revert rm stash switch transact unpack-objects update-index'
  ).split(' '),
);

async function dispatch(surroundings: Surroundings, rest: readonly string[]): Promise<number> {
  const [first, ...argv] = rest;
  if (first === undefined) {
    await runNamed(surroundings, 'help', []);
    return 1;
  }
  if (first === '-h' || first === '--help') return runByName(surroundings, 'help', argv, []);
  if (first === '--version' || first === '-v') return runByName(surroundings, 'version', argv, [], first);
  return (await answered(surroundings, first)) ?? runByName(surroundings, first, argv, []);
}

/** Options that are questions about the program. */
async function answered(surroundings: Surroundings, option: string): Promise<number | undefined> {
  const { io, env, execDirectory } = surroundings;
  if (option === '--exec-path') io.stdout.write(`${env['GIT_EXEC_PATH'] || execDirectory}\n`);
  else if (option === '--html-path' || option === '--man-path' || option === '--info-path')
    io.stdout.write(`${path.resolve(execDirectory, '../docs')}\n`);
  else if (option.startsWith('--list-cmds=')) {
    surroundings.room ??= await import('../repo/repository.js');
    const { listCommands } = await import('./list-commands.js');
    io.stdout.write(await listCommands(option.slice('--list-cmds='.length), contextFor(surroundings, 'help', [])));
  } else return undefined;
  return 0;
}

/** `expanded`: the names of the aliases that led here. `shown`: how the command was asked for, where not by name. */
async function runByName(
  surroundings: Surroundings,
  name: string,
  argv: readonly string[],
  expanded: readonly string[],
  shown = name,
): Promise<number> {
  // `NAME --help` is a question about it, whatever else stands there.
  if (argv[0] === '--help')
    return runByName(surroundings, 'help', ['--exclude-guides', name, ...argv.slice(1)], expanded);
  const builtIn = Object.hasOwn(table, name);
  const { env, io } = surroundings;
  const start = (): Promise<number> => {
    traceEvent('cmd_name', { name, hierarchy: name });
    if (expanded.length > 0) {
      const words = traceWords(['git', name, ...argv]);
      traceText(env, io, 'git.c:884', `trace: exec: ${words}`);
      traceText(env, io, 'run-command.c:673', `trace: run_command: ${words}`);
      traceText(env, io, 'run-command.c:765', `trace: start_command: ${surroundings.execDirectory}/${words}`);
    }
    traceCommand(env, io, [name, ...argv]);
    return runNamed(surroundings, name, argv, shown);
  };
  if (builtIn && !deprecatedCommands.includes(name)) return start();
  surroundings.room ??= await import('../repo/repository.js');
  const context = contextFor(surroundings, name, argv);
  if (!builtIn) {
    await checkOverrides(surroundings);
    context.startPager(surroundings.paginate === true);
    const external = runExternal(context, surroundings.execDirectory);
    if (external !== undefined) return external;
  }
  const alias = expandAlias(context, expanded);
  if (alias === undefined) {
    if (builtIn) return start();
    if (expanded.length > 0) {
      io.stderr.write(`expansion of alias '${expanded[0]}' failed; '${name}' is not a ${context.program} command\n`);
      return 1;
    }
    const { unknownCommand } = await import('./unknown-command.js');
    const meant = await unknownCommand(context);
    return meant === undefined ? 1 : runByName(surroundings, meant.name, argv, []);
  }
  if ('code' in alias) return alias.code;
  const { given } = alias;
  for (const [key, value] of Object.entries(given.env)) env[key] = value;
  const next: Surroundings = { ...surroundings, paginate: given.paginate ?? surroundings.paginate };
  if (Object.keys(given.env).length > 0) {
    next.repository = undefined;
    next.globals = { ...surroundings.globals, config: [...surroundings.globals.config, ...given.globals.config] };
  }
  const [command, ...more] = alias.words;
  return (await answered(next, command!)) ?? runByName(next, command!, more, [...expanded, name]);
}

async function runNamed(
  surroundings: Surroundings,
  name: string,
  argv: readonly string[],
  shown = name,
): Promise<number> {
  const load = Object.hasOwn(table, name) ? table[name] : undefined;
  if (load === undefined) {
    throw new GitError('UNSUPPORTED', `'${name}' is not a ${surroundings.program} command`, {
      hint: 'this version of bough does not have it yet',
    });
  }
  const { command } = await load();
  if (tidy.has(name)) interruptSignal();
  if (command.standalone !== true) surroundings.room ??= await import('../repo/repository.js');
  const { io } = surroundings;
  const json = surroundings.json || takesJson(argv);
  const words = json && !surroundings.json ? withoutJson(argv) : argv;
  const context = contextFor(surroundings, shown, words, json);
  try {
    if (isHelp(words) && name !== 'diff') throw new UsageError('', { help: true });
    if (command.standalone !== true) {
      checkPreconditions(context);
      if (name === 'rev-parse' && surroundings.globals.config.length > 0) context.maybeRepository();
      if (name !== 'help' && !isHelp(argv)) await checkOverrides(surroundings);
    }
    if (words[0]?.startsWith('--git-completion-helper') === true) {
      const { completionList } = await import('./completion-lists.js');
      const list = completionList(name);
      if (list !== undefined) {
        io.stdout.write(list);
        return 0;
      }
    }
    const args =
      command.parsing?.none === true
        ? { values: {}, events: [], rest: words, dashDash: -1 }
        : parseOptions(command.options, words, {
            ...command.parsing,
            noAbbreviations: surroundings.env['GIT_TEST_DISALLOW_ABBREVIATED_OPTIONS'] === 'true',
          });
    if (surroundings.paginate === true) context.startPager(true);
    else if (command.standalone !== true && !laterPaged.has(name)) context.startPager(false);
    const results = command.run(context, args);
    for (;;) {
      const step = await results.next();
      if (step.done === true) return step.value ?? 0;
      if (tidy.has(name)) await breath(interruptSignal());
      try {
        io.stdout.write(json ? toJsonLine(step.value) : command.render(step.value, context));
      } catch (error) {
        // Whoever read this is gone: the command ends where it stands, and lets go of its locks.
        await results.return(undefined);
        throw error;
      }
    }
  } catch (error) {
    if (error instanceof CompletionRequest) {
      const { completionWords } = await import('./completion-words.js');
      const { subcommandsOf } = await import('./completion-lists.js');
      io.stdout.write(completionWords(error.specs, error.all, argv.length === 1 ? subcommandsOf(name) : []));
      return 0;
    }
    // Whatever fails after an interrupt fails because of it; and not this command alone, where another started it.
    if (error instanceof Interrupted) throw error;
    const interrupted = interruption();
    if (interrupted !== undefined) throw interrupted;
    const usage = {
      synopses: command.usageOf?.(name) ?? command.usage,
      options: command.options,
      bare: command.bareUsage === true,
    };
    return report(io, error, json, surroundings.program, usage, (text) => paintHints(context, text));
  }
}

/** What -c says must be readable even where nothing would look at it. */
async function checkOverrides({ globals }: Surroundings): Promise<void> {
  if (globals.config.length === 0) return;
  const { readOverrides } = await import('../repo/config.js');
  readOverrides(globals.config).getBool('core.bare');
}

/** Whether the words only ask how the command is used. */
const isHelp = (argv: readonly string[]): boolean =>
  argv.length === 1 && (argv[0] === '-h' || argv[0] === '--help-all');

/** `--json` may stand among a command's own words, before any `--`. */
function takesJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const at = argv.indexOf('--json');
  return at >= 0 && (end < 0 || at < end);
}

function withoutJson(argv: readonly string[]): readonly string[] {
  const at = argv.indexOf('--json');
  return [...argv.slice(0, at), ...argv.slice(at + 1)];
}

function contextFor(
  surroundings: Surroundings,
  name: string,
  argv: readonly string[],
  json = surroundings.json,
): CommandContext {
  const { io, env, cwd } = surroundings;
  const owner = surroundings;
  const prefixed = (prefix: string, message: string): string =>
    message
      .split('\n')
      .map((line) => `${prefix}${line}`.trimEnd())
      .join('\n') + '\n';
  // Platform, repository and progress are looked at late: a command that needs none of them loads none.
  const opening = (): RepositoryOptions => ({
    platform: nodePlatform,
    env,
    cwd,
    replaceObjects: surroundings.globals.replaceObjects,
    warn: (message) => io.stderr.write(`warning: ${message}\n`),
    problem: (message) => io.stderr.write(`error: ${message}\n`),
    complain: (line) => io.stderr.write(`${line}\n`),
    trace: (text, target) => writeTrace(io, target, text),
    indexEntry: async (...args) => (await import('./index-entry.js')).indexEntry(...args),
  });
  const watched = (repository: Repository): Repository => {
    if (tidy.has(name)) repository.interrupt = interruptSignal();
    return repository;
  };
  const context: CommandContext = {
    name,
    program: surroundings.program,
    argv,
    env,
    cwd,
    programDirectory: surroundings.execDirectory,
    // Of a shared repository, one that gives what is made there the right permissions.
    get platform() {
      return owner.repository?.platform ?? nodePlatform;
    },
    io,
    json,
    globals: surroundings.globals,
    get signal() {
      return interruptSignal();
    },
    repository() {
      return watched((owner.repository ??= owner.room!.openRepository(opening())));
    },
    maybeRepository() {
      owner.repository ??= owner.room?.discoverRepository(opening());
      return owner.repository === undefined ? undefined : watched(owner.repository);
    },
    error: (message) => io.stderr.write(`error: ${message}\n`),
    warning: (message) => io.stderr.write(`warning: ${message}\n`),
    hint: (message) => io.stderr.write(paintHints(context, prefixed('hint: ', message))),
    print: (text: string | Bytes) => io.stdout.write(text),
    printError: (text: string | Bytes) => io.stderr.write(typeof text === 'string' ? paintHints(context, text) : text),
    progress: (title, options = {}) =>
      startProgress(io.stderr, title, {
        ...(options.total === undefined ? {} : { total: options.total }),
        ...(options.delay === undefined ? {} : { delay: options.delay }),
        shown: options.quiet !== true && (options.force === true || io.stderr.isTerminal),
        now: () => nodePlatform.now(),
        ...(env['GIT_PROGRESS_DELAY'] === undefined ? {} : { delay: Number(env['GIT_PROGRESS_DELAY']) * 1000 }),
      }),
    wantColor: (slot, override) => wantColor(context, slot, override),
    startPager(defaultOn) {
      owner.paged.pager ??= startPager(context, surroundings.paginate, defaultOn);
    },
    async runCommand(other, words) {
      traceCommand(env, io, [other, ...words], 'run_command');
      const ended = traceChild(['git', other, ...words]);
      // What a command hands on to another one is part of its own results.
      const code = await runNamed(json && !owner.json ? { ...owner, json } : owner, other, words);
      ended(code);
      return code;
    },
  };
  return context;
}

const hints: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space and run the command again; nothing that was there before is lost',
  EDQUOT: 'free some space and run the command again; nothing that was there before is lost',
  EFBIG: 'the size of files is limited here; nothing that was there before is lost',
  EACCES: 'check the permissions of the file and of the folders above it',
  EROFS: 'the file system is mounted read-only',
};

interface Usage {
  readonly synopses: readonly string[];
  readonly options: OptionSpecs;
  readonly bare: boolean;
}

function report(
  io: Io,
  error: unknown,
  json: boolean,
  program: 'git' | 'bough' = 'git',
  usage: Usage = { synopses: [], options: {}, bare: false },
  paint: (text: string) => string = (text) => text,
): number {
  if (error instanceof ClosedPipe) return 141;
  try {
    if (error instanceof Interrupted) {
      if (json) io.stderr.write(toJsonLine({ error: { code: 'ABORTED', message: error.message } }));
      return error.exitCode;
    }
    if (error instanceof UsageError) {
      const whole = usageText(usage.synopses, usage.bare ? {} : usage.options, program);
      const text = usage.bare ? whole.replace(/\n\n$/, '\n') : whole;
      if (error.help) io.stdout.write(text);
      else if (json) io.stderr.write(toJsonLine({ error: { code: 'USAGE', message: error.message } }));
      else {
        if (error.message !== '')
          io.stderr.write(
            `${error.fatal ? 'fatal' : 'error'}: ${error.message}\n${error.fatal && !error.quiet ? '\n' : ''}`,
          );
        if (!error.quiet) (error.shown ? io.stdout : io.stderr).write(text);
      }
      return 129;
    }
    if (error instanceof GitError) {
      if (json)
        io.stderr.write(
          toJsonLine({ error: { code: error.code, message: error.message, hint: error.hint, data: error.data } }),
        );
      else {
        // A few of git's failures say more above the line (who you are is not known).
        if (typeof error.data['preface'] === 'string') io.stderr.write(paint(error.data['preface']));
        // Some failures are no more than an answer of no.
        const told = error.data['severity'] === 'error';
        const mild = told || error.data['as'] === 'error';
        io.stderr.write(paint(`${mild ? 'error' : 'fatal'}: ${error.message}\n`));
        if (told) return 1;
        if (error.hint !== undefined)
          for (const line of error.hint.split('\n')) io.stderr.write(paint(`hint: ${line}\n`));
      }
      return error.code === 'ABORTED' ? 130 : 128;
    }
    const system = error as { code?: string; path?: string; syscall?: string };
    if (typeof system.code === 'string' && system.syscall !== undefined) {
      let what = system.path === undefined ? system.syscall : `'${system.path}'`;
      if (system.syscall === 'open' && system.path?.endsWith('.lock') === true) what = `Unable to create ${what}`;
      const message = `${what}: ${systemMessage(error)}`;
      const hint = hints[system.code];
      if (json) io.stderr.write(toJsonLine({ error: { code: system.code, message, hint } }));
      else io.stderr.write(`fatal: ${message}\n${hint === undefined ? '' : `hint: ${hint}\n`}`);
      return 128;
    }
    const bug = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (json) io.stderr.write(toJsonLine({ error: { code: 'BUG', message: bug } }));
    else
      io.stderr.write(
        `fatal: internal error: ${bug}\nhint: this is a bug in bough; nothing was committed by the step that failed\n`,
      );
    return 128;
  } catch (second) {
    if (second instanceof ClosedPipe) return 141;
    throw second;
  }
}
