import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import { root } from './root.js';
import { removeFolder } from './remove.js';

/** The stock git to compare with: `git` on PATH, or what BOUGH_TEST_GIT names. */
export const stockGit = process.env['BOUGH_TEST_GIT'] ?? 'git';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly raw: Buffer;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string | Uint8Array;
}

/** Fixed names, dates and time zone, and no configuration but the test's own. */
export function fixedEnvironment(home: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: home,
    XDG_CONFIG_HOME: join(home, '.config'),
    TZ: 'UTC',
    LC_ALL: 'C',
    LANG: 'C',
    TERM: 'dumb',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'A U Thor',
    GIT_AUTHOR_EMAIL: 'author@example.com',
    GIT_AUTHOR_DATE: '1112911993 -0700',
    GIT_COMMITTER_NAME: 'C O Mitter',
    GIT_COMMITTER_EMAIL: 'committer@example.com',
    GIT_COMMITTER_DATE: '1112911993 -0700',
    GIT_TERMINAL_PROMPT: '0',
    GIT_MERGE_AUTOEDIT: 'no',
    EDITOR: ':',
  };
}

/** Whatever a test expects: a stack trace is never an answer. */
function withoutTrace(ran: Ran, args: readonly string[]): Ran {
  if (/^\s+at .*:\d+:\d+\)?$/m.test(ran.stderr)) throw new Error(`bough ${args.join(' ')} fell over: ${ran.stderr}`);
  return ran;
}

/** A folder of its own for one test, removed when the test ends, with both programs at hand. */
export class Sandbox {
  readonly directory: string;
  readonly env: Record<string, string | undefined>;

  constructor(directory: string) {
    this.directory = directory;
    this.env = fixedEnvironment(directory);
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  run(command: string, args: readonly string[], options: RunOptions = {}): Ran {
    const result = spawnSync(command, args, {
      cwd: options.cwd === undefined ? this.directory : resolve(this.directory, options.cwd),
      env: { ...this.env, ...options.env } as NodeJS.ProcessEnv,
      input: options.input,
      maxBuffer: 1 << 30,
      // A command that never ends is a failure of its test, not of the whole run.
      timeout: 300_000,
    });
    if (result.error !== undefined && (result.error as { code?: string }).code !== 'EPIPE') throw result.error;
    return {
      // Ended by a signal is no refusal.
      code: result.status ?? 128 + constants.signals[result.signal!],
      stdout: result.stdout.toString(),
      stderr: result.stderr.toString(),
      raw: result.stdout,
    };
  }

  /** Stock git; any exit code. */
  tryGit(args: readonly string[], options?: RunOptions): Ran {
    return this.run(stockGit, args, options);
  }

  /** Stock git, which must succeed; its output. */
  git(args: readonly string[], options?: RunOptions): string {
    const ran = this.tryGit(args, options);
    if (ran.code !== 0) throw new Error(`git ${args.join(' ')} exited ${ran.code}: ${ran.stderr}`);
    return ran.stdout;
  }

  /** bough, as `git`; any exit code. */
  tryBough(args: readonly string[], options?: RunOptions): Ran {
    return withoutTrace(this.run(process.execPath, [join(root, 'bin/git'), ...args], options), args);
  }

  /** bough, as `git`, which must succeed; its output. */
  bough(args: readonly string[], options?: RunOptions): string {
    const ran = this.tryBough(args, options);
    if (ran.code !== 0) throw new Error(`bough ${args.join(' ')} exited ${ran.code}: ${ran.stderr}`);
    return ran.stdout;
  }

  /** bough under its own name (the value commands); any exit code. */
  values(args: readonly string[], options?: RunOptions): Ran {
    return withoutTrace(this.run(process.execPath, [join(root, 'bin/bough.js'), ...args], options), args);
  }

  /** Fails unless stock git finds nothing to say about the repository. */
  fsck(cwd = '.'): void {
    const ran = this.tryGit(['fsck', '--full', '--strict'], { cwd });
    const said = (ran.stdout + ran.stderr)
      .split('\n')
      .filter((line) => line !== '' && !/^(?:Checking|dangling|notice: )/.test(line));
    if (ran.code !== 0 || said.length > 0) throw new Error(`git fsck: exit ${ran.code}\n${said.join('\n')}`);
  }
}

/** Makes a sandbox for the running test. */
export function sandbox(): Sandbox {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'bough-')));
  onTestFinished(() => removeFolder(directory));
  return new Sandbox(directory);
}

/** The same for a whole file: the caller removes it (`afterAll`). */
export function sharedSandbox(): Sandbox & { remove(): void } {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'bough-')));
  return Object.assign(new Sandbox(directory), {
    remove: () => removeFolder(directory),
  });
}
