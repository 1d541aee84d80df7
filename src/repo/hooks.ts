import type { Bytes } from '../base/bytes.js';
import type { Spawned } from '../platform/platform.js';
import type { Repository } from './repository.js';

export interface HookOptions {
  /** Fed to standard input. */
  readonly input?: Bytes | undefined;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where it runs: the work tree's root, or the git directory of a bare repository, unless said. */
  readonly cwd?: string | undefined;
  /** What to do with what it prints: on our stderr (as git does), or answered. */
  readonly output?: 'stderr' | 'inherit' | 'pipe';
}

/** Runs the programs in `hooks/` (or `core.hooksPath`). */
export class Hooks {
  readonly #repository: Repository;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** The hook's file, or `undefined` where there is none that may run. */
  find(name: string): string | undefined {
    const file = this.#repository.path(`hooks/${name}`);
    const stat = this.#repository.platform.fs.stat(file);
    if (stat === undefined || stat.kind === 'directory') return undefined;
    if ((stat.mode & 0o111) === 0) {
      if (this.#repository.config.getBool('advice.ignoredhook', true)) this.onIgnored?.(file);
      return undefined;
    }
    return file;
  }

  /** Told once a hook is there but not executable. */
  onIgnored: ((file: string) => void) | undefined;

  /** Runs a hook to its end; `undefined` where there is none. A code other than 0 means "no". */
  run(name: string, args: readonly string[] = [], options: HookOptions = {}): Spawned | undefined {
    const file = this.find(name);
    const { processes } = this.#repository.platform;
    if (file === undefined || processes === undefined) return undefined;
    const { workTree, gitDir } = this.#repository;
    const output = options.output ?? 'stderr';
    return processes.runSync([file, ...args], {
      cwd: options.cwd ?? workTree ?? gitDir,
      env: { ...this.environment(), ...options.env },
      ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
      stdout: output,
      stderr: output === 'pipe' ? 'pipe' : 'inherit',
    });
  }

  /** What git sets for the programs it starts. */
  environment(): Record<string, string | undefined> {
    const { env, gitDirShown, workTree, prefix, bare } = this.#repository;
    return {
      ...env,
      GIT_DIR: gitDirShown,
      ...(prefix === '' ? {} : { GIT_PREFIX: prefix }),
      ...(env['GIT_WORK_TREE'] === undefined || workTree === undefined || bare ? {} : { GIT_WORK_TREE: workTree }),
    };
  }
}
