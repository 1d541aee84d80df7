import { statSync } from 'node:fs';
import type { Bytes } from '../../base/bytes.js';
import { concatBytes, emptyBytes, encodeText, hasRawBytes } from '../../base/bytes.js';
import { traceChild } from '../../base/trace.js';
import type { Child, Processes, Spawned, SpawnOptions } from '../platform.js';
import { childProcess, os } from './builtins.js';
import { runTogether } from './run-together.js';

const signalNumber = (signal: string): number =>
  (os().constants.signals as Readonly<Record<string, number>>)[signal] ?? 1;

/**
 * Node hands arguments and the directory over as UTF-8; where one is not, a shell makes them of their bytes, goes there
 * and becomes the program.
 */
function natively(
  argv: readonly string[],
  cwd: string | undefined,
): { readonly argv: readonly string[]; readonly cwd: string | undefined } {
  const goes = cwd !== undefined && hasRawBytes(cwd);
  if (!goes && !argv.some(hasRawBytes)) return { argv, cwd };
  const octal = (argument: string): string =>
    Array.from(encodeText(argument), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  // The x keeps line feeds at an end, which the shell would cut off.
  const made = [...argv, ...(goes ? [cwd] : [])].map((text, i) => `a${i}=$(printf '${octal(text)}x')`);
  const words = argv.map((_, i) => `"\${a${i}%x}"`);
  const enter = goes ? `cd "\${a${argv.length}%x}" && ` : '';
  return {
    argv: ['/bin/sh', '-c', `${made.join('; ')}; ${enter}exec ${words.join(' ')}`],
    cwd: goes ? undefined : cwd,
  };
}

/** The whole path of a program, as git gives it to the program itself: its own errors name it so. */
function located(command: string, env: SpawnOptions['env']): string {
  if (command.includes('/')) return command;
  for (const folder of (env['PATH'] ?? '').split(':')) {
    const file = `${folder === '' ? '.' : folder}/${command}`;
    try {
      const stat = statSync(file);
      if (!stat.isFile() || (stat.mode & 0o111) === 0) continue;
      return file;
    } catch {
      // Not in this one.
    }
  }
  return command;
}

type Stdio = 'inherit' | 'ignore' | 'pipe' | number;

function stdio(options: SpawnOptions): [Stdio, Stdio, Stdio] {
  const input = options.input !== undefined ? 'pipe' : (options.stdin ?? 'ignore');
  const output = options.stdout === 'stderr' ? 2 : (options.stdout ?? 'pipe');
  return [input, output, options.stderr ?? 'pipe'];
}

/** `#!`-less scripts fail with ENOEXEC; like `execvp`, such a file is given to the shell. */
function withShellFallback(argv: readonly string[], run: (argv: readonly string[]) => Spawned): Spawned {
  const result = run(argv);
  return result.errorCode === 'ENOEXEC' ? run(['/bin/sh', ...argv]) : result;
}

function runSync(argv: readonly [string, ...string[]], options: SpawnOptions): Spawned {
  return withShellFallback(argv, (words) => {
    const started = natively(words, options.cwd);
    const [command, ...rest] = started.argv;
    if (command === '') return { code: 127, stdout: emptyBytes, stderr: emptyBytes, errorCode: 'ENOENT' };
    const ended = traceChild(words);
    const result = childProcess().spawnSync(located(command!, options.env), rest, {
      cwd: started.cwd,
      env: options.env as NodeJS.ProcessEnv,
      input: options.input,
      stdio: stdio(options),
      maxBuffer: Number.MAX_SAFE_INTEGER,
      windowsHide: true,
    });
    const errorCode = (result.error as { code?: string } | undefined)?.code;
    ended(result.status ?? 127);
    return {
      code:
        result.error !== undefined && result.status === null && result.signal === null
          ? 127
          : (result.status ?? 128 + signalNumber(result.signal ?? '')),
      stdout: result.stdout ?? emptyBytes,
      stderr: result.stderr ?? emptyBytes,
      errorCode: errorCode === 'EPIPE' ? undefined : errorCode,
      signalled: result.signal !== null,
    };
  });
}

function open(argv: readonly [string, ...string[]], options: SpawnOptions): Child {
  const started = natively(argv, options.cwd);
  const [command, ...rest] = started.argv;
  const [, output, errors] = stdio(options);
  const ended = traceChild(argv);
  const child = childProcess().spawn(located(command!, options.env), rest, {
    cwd: started.cwd,
    env: options.env as NodeJS.ProcessEnv,
    stdio: [options.stdin === 'inherit' || options.stdin === 'ignore' ? options.stdin : 'pipe', output, errors],
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    windowsHide: true,
  });
  const exit = new Promise<number>((resolve) => {
    child.on('error', () => resolve(127));
    child.on('close', (code, signal) => resolve(code ?? 128 + signalNumber(signal ?? '')));
  });
  void exit.then(ended);
  child.stdin?.on('error', () => {});
  if (options.input !== undefined) child.stdin?.end(options.input);
  return {
    write: (data) =>
      new Promise((resolve, reject) => {
        if (child.stdin === null || child.stdin.destroyed)
          reject(Object.assign(new Error('broken pipe'), { code: 'EPIPE' }));
        else child.stdin.write(data, (error) => (error ? reject(error) : resolve()));
      }),
    end: () => void child.stdin?.end(),
    stdout: child.stdout ?? nothing(),
    stderr: child.stderr ?? nothing(),
    exit,
    kill: () => void child.kill(),
  };
}

async function* nothing(): AsyncGenerator<Bytes> {}

async function collect(chunks: AsyncIterable<Bytes>): Promise<Bytes> {
  const parts: Bytes[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return parts.length === 0 ? emptyBytes : concatBytes(parts);
}

async function run(argv: readonly [string, ...string[]], options: SpawnOptions): Promise<Spawned> {
  const child = open(argv, {
    ...options,
    ...(options.input === undefined && options.stdin === undefined ? { stdin: 'ignore' } : {}),
  });
  const [stdout, stderr, code] = await Promise.all([collect(child.stdout), collect(child.stderr), child.exit]);
  return { code, stdout, stderr };
}

const needsShell = /[|&;<>()$`\\"' \t\n*?[#~=%]/;

export const nodeProcesses: Processes = {
  runSync,
  run,
  open,
  runTogether: (commands, jobs, options) =>
    runTogether(
      commands.map((words) => natively(words, undefined).argv),
      jobs,
      { ...options, cwd: options.cwd },
      signalNumber,
    ),
  get processors() {
    return os().availableParallelism();
  },
  shell(command, args = []) {
    if (!needsShell.test(command)) return [command, ...args];
    return args.length === 0 ? ['/bin/sh', '-c', command] : ['/bin/sh', '-c', `${command} "$@"`, command, ...args];
  },
};
