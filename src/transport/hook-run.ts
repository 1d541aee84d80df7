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
  let code: number | undefined;
  for (const command of repository.hooks.commands(name, args)) {
    code = (code ?? 0) | (await runOne(repository, processes, command, options));
  }
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
