import type { Bytes } from '../base/bytes.js';
import type { Processes } from '../platform/platform.js';
import type { Repository } from '../repo/repository.js';

export interface HookRun {
  readonly input?: Bytes | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly cwd?: string | undefined;
  /** Gets what the hook prints, on either stream, as it prints it. */
  readonly output: (text: Bytes) => Promise<void> | void;
  /** Gets what it prints on its standard output, where that goes elsewhere. */
  readonly answer?: ((text: Bytes) => Promise<void> | void) | undefined;
}

/** Runs a hook without stopping the process; its exit code, or `undefined` where there is no such hook. */
export async function runHook(
  repository: Repository,
  name: string,
  args: readonly string[],
  options: HookRun,
): Promise<number | undefined> {
  const { processes } = repository.platform;
  if (processes === undefined) return undefined;
  const commands = repository.hooks.commands(name, args);
  const jobs = commands.length > 1 && options.answer === undefined ? repository.hooks.jobs(name) : 1;
  if (jobs > 1)
    return runTogether(
      commands,
      jobs,
      (command, output) => runOne(repository, processes, command, { ...options, output }),
      options.output,
    );
  let code: number | undefined;
  for (const command of commands) code = (code ?? 0) | (await runOne(repository, processes, command, options));
  return code;
}

/** What one prints stays together: of one it is passed on as it comes, of the others when they have ended. */
async function runTogether(
  commands: readonly [string, ...string[]][],
  jobs: number,
  run: (command: [string, ...string[]], output: HookRun['output']) => Promise<number>,
  output: HookRun['output'],
): Promise<number> {
  interface Running {
    readonly kept: Bytes[];
  }
  const waiting = [...commands];
  const running: Running[] = [];
  const ended: Running[] = [];
  let shown: Running | undefined;
  let code = 0;
  const passOn = async (one: Running): Promise<void> => {
    for (const chunk of one.kept.splice(0)) await output(chunk);
  };
  const work = async (): Promise<void> => {
    for (let command = waiting.shift(); command !== undefined; command = waiting.shift()) {
      const one: Running = { kept: [] };
      running.push(one);
      shown ??= one;
      code |= await run(command, (chunk) => {
        if (shown === one) return output(chunk);
        one.kept.push(chunk);
      });
      running.splice(running.indexOf(one), 1);
      if (shown !== one) {
        ended.push(one);
        continue;
      }
      for (const other of ended.splice(0)) await passOn(other);
      shown = running[0];
      if (shown !== undefined) await passOn(shown);
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, commands.length) }, work));
  for (const other of ended) await passOn(other);
  return code;
}

async function runOne(
  repository: Repository,
  processes: Processes,
  command: [string, ...string[]],
  options: HookRun,
): Promise<number> {
  const child = processes.open(command, {
    cwd: options.cwd ?? repository.gitDir,
    env: { ...repository.hooks.environment(), ...options.env },
    ...(options.input === undefined ? { stdin: 'ignore' as const } : {}),
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const feed = async () => {
    if (options.input === undefined) return;
    // A hook need not read what it gets.
    await child.write(options.input).catch(() => {});
    child.end();
  };
  const relay = async (stream: AsyncIterable<Bytes>, output = options.output) => {
    for await (const chunk of stream) await output(chunk);
  };
  const [code] = await Promise.all([child.exit, feed(), relay(child.stdout, options.answer), relay(child.stderr)]);
  return code;
}
