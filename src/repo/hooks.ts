import type { Bytes } from '../base/bytes.js';
import { concatBytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Platform, Spawned } from '../platform/platform.js';
import type { Config, ConfigEntry } from './config.js';
import { missingValue } from './config.js';
import { parseBool, parseConfigNumber } from './config-values.js';

/** Events that never run two programs at once: what they work on is one and the same. */
const serial: ReadonlySet<string> = new Set([
  ...['applypatch-msg', 'pre-commit', 'prepare-commit-msg', 'commit-msg', 'post-commit', 'post-checkout'],
  'push-to-checkout',
]);

export interface HookOptions {
  /** Fed to standard input. */
  readonly input?: Bytes | undefined;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where it runs: the work tree's root, or the git directory of a bare repository, unless said. */
  readonly cwd?: string | undefined;
  /** What to do with what it prints: on our stderr (as git does), or answered. */
  readonly output?: 'stderr' | 'inherit' | 'pipe';
  /** How many may run at once, in place of what the configuration says; -1: one for each processor. */
  readonly jobs?: number | undefined;
}

/** A program that `hook.<name>.event` starts for an event. */
export interface ConfiguredHook {
  readonly name: string;
  readonly scope: string;
  readonly command: string;
  /** Switched off by `hook.<name>.enabled`, or with all of its event by `hook.<event>.enabled`. */
  readonly off?: 'disabled' | 'event-disabled' | undefined;
  readonly parallel: boolean;
}

/** The events that git itself has; only these may be named without more ado. */
export const knownHooks: ReadonlySet<string> = new Set([
  ...['applypatch-msg', 'commit-msg', 'fsmonitor-watchman', 'p4-changelist', 'p4-post-changelist', 'p4-pre-submit'],
  ...['p4-prepare-changelist', 'post-applypatch', 'post-checkout', 'post-commit', 'post-index-change', 'post-merge'],
  ...['post-receive', 'post-rewrite', 'post-update', 'pre-applypatch', 'pre-auto-gc', 'pre-commit', 'pre-merge-commit'],
  ...['pre-push', 'pre-rebase', 'pre-receive', 'prepare-commit-msg', 'proc-receive', 'push-to-checkout'],
  ...['reference-transaction', 'sendemail-validate', 'update'],
]);

/** Hooks in the order in which they run, by event, and the events that are switched off. */
interface HookSettings {
  /** `hook.<event>.jobs`, and `hook.jobs` under the empty name. */
  readonly jobs: ReadonlyMap<string, number>;
  readonly hooks: ReadonlyMap<string, readonly ConfiguredHook[]>;
  readonly off: ReadonlySet<string>;
}

/** Reads `hook.*`. Throws `CONFIG` where a hook has no command, or the name of an event. */
function readSettings(config: Config, warn: (message: string) => void): HookSettings {
  const events = new Map<string, { name: string; scope: string }[]>();
  const enabled = new Map<string, boolean>();
  const commands = new Map<string, ConfigEntry>();
  const parallel = new Map<string, boolean>();
  const allJobs = new Map<string, number>();
  const jobs = (entry: ConfigEntry, key: string, event: string): void => {
    const number = parseConfigNumber(entry.value);
    if ('fault' in number) warn(`${key} must be an integer, ignoring: '${entry.value}'`);
    else if (number.value !== -1 && number.value <= 0)
      warn(`${key} must be a positive integer or -1, ignoring: '${entry.value}'`);
    else allJobs.set(event, number.value);
  };
  const drop = (name: string, event?: string): void => {
    for (const [key, list] of events) {
      if (event === undefined || key === event)
        events.set(
          key,
          list.filter((hook) => hook.name !== name),
        );
    }
  };
  for (const entry of config.entries()) {
    if (!entry.key.startsWith('hook.')) continue;
    if (entry.key === 'hook.jobs') jobs(entry, 'hook.jobs', '');
    const last = entry.key.lastIndexOf('.');
    if (last < 5) continue;
    const [name, field] = [entry.key.slice(5, last), entry.key.slice(last + 1)];
    const value = entry.value;
    if (field === 'command') {
      if (value === undefined) throw missingValue(entry);
      commands.set(name, entry);
    } else if (field === 'event') {
      if (value === undefined) throw missingValue(entry);
      if (value === '') drop(name);
      else {
        if (knownHooks.has(name)) {
          throw new GitError(
            'CONFIG',
            `hook friendly-name '${name}' collides with a known event name; please choose a different friendly-name`,
          );
        }
        if (name === value) {
          warn(
            `hook friendly-name '${name}' is the same as its event; this may cause ambiguity with hook.${name}.enabled`,
          );
        }
        drop(name, value);
        events.set(value, [...(events.get(value) ?? []), { name, scope: entry.scope }]);
      }
    } else if (field === 'enabled') {
      const bool = parseBool(value);
      if (bool !== undefined) enabled.set(name, bool);
    } else if (field === 'parallel') {
      const bool = parseBool(value);
      if (bool === undefined) warn(`hook.${name}.parallel must be a boolean, ignoring: '${value}'`);
      else parallel.set(name, bool);
    } else if (field === 'jobs') jobs(entry, `hook.${name}.jobs`, name);
  }
  const hooks = new Map<string, readonly ConfiguredHook[]>();
  const names = new Set([...events.values()].flatMap((list) => list.map((hook) => hook.name)));
  const off = new Set([...enabled].filter(([name, on]) => !on && !names.has(name)).map(([name]) => name));
  for (const [event, list] of events) {
    const found = list.map(({ name, scope }): ConfiguredHook => {
      const command = commands.get(name)?.value;
      const disabled = enabled.get(name) === false;
      if (command === undefined && !disabled) {
        throw new GitError(
          'CONFIG',
          `'hook.${name}.command' must be configured or 'hook.${name}.event' must be removed; aborting.`,
        );
      }
      if (command === undefined) warn(`disabled hook '${name}' has no command configured`);
      return {
        name,
        scope,
        command: command ?? '',
        off: off.has(event) ? 'event-disabled' : disabled ? 'disabled' : undefined,
        parallel: parallel.get(name) === true,
      };
    });
    hooks.set(event, found);
  }
  return { jobs: allJobs, hooks, off };
}

/** What hooks need of a repository; outside of one there are only configured programs. */
export interface HookPlace {
  readonly platform: Platform;
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly gitDir: string | undefined;
  readonly gitDirShown: string | undefined;
  readonly workTree: string | undefined;
  readonly prefix: string;
  readonly bare: boolean;
  path(name: string): string;
  shownPath(path: string): string;
  complain(line: string): void;
}

/** Runs the programs in `hooks/` (or `core.hooksPath`), and before them those of `hook.<name>.command`. */
export class Hooks {
  readonly #repository: HookPlace;
  #settings: HookSettings | undefined;
  #readFrom: Config | undefined;

  constructor(repository: HookPlace) {
    this.#repository = repository;
  }

  /** The hook's file, or `undefined` where there is none that may run. */
  find(name: string): string | undefined {
    if (this.#repository.gitDir === undefined) return undefined;
    const file = this.#repository.path(`hooks/${name}`);
    const stat = this.#repository.platform.fs.stat(file);
    if (stat === undefined || stat.kind === 'directory') return undefined;
    if ((stat.mode & 0o111) === 0) {
      if (!this.#ignored.has(name) && this.#repository.config.getBool('advice.ignoredhook', true))
        this.#repository.complain(
          `hint: The '${this.#repository.shownPath(file)}' hook was ignored because it's not set as executable.\n` +
            'hint: You can disable this warning with `git config set advice.ignoredHook false`.',
        );
      this.#ignored.add(name);
      return undefined;
    }
    return file;
  }

  readonly #ignored = new Set<string>();

  #read(): HookSettings {
    const { config } = this.#repository;
    if (this.#settings === undefined || this.#readFrom !== config) {
      this.#readFrom = config;
      this.#settings = readSettings(config, (message) => this.#repository.complain(`warning: ${message}`));
    }
    return this.#settings;
  }

  /** The configured hooks of an event, also those that are switched off. Throws `CONFIG`. */
  configured(event: string): readonly ConfiguredHook[] {
    return this.#read().hooks.get(event) ?? [];
  }

  /** Whether something runs at that event. */
  exists(event: string): boolean {
    return this.commands(event).length > 0;
  }

  /** What runs at that event, in order: configured programs, then the file of that name. */
  commands(event: string, args: readonly string[] = []): [string, ...string[]][] {
    const settings = this.#read();
    const hooks = (settings.hooks.get(event) ?? []).filter((hook) => hook.off === undefined);
    const file = this.find(event);
    // Mostly there is none, and what would run it is not loaded.
    if (hooks.length === 0 && file === undefined) return [];
    const { processes } = this.#repository.platform;
    if (processes === undefined) return [];
    const found = hooks.map((hook): [string, ...string[]] => [...processes.shell(hook.command, args)]);
    if (file !== undefined && !settings.off.has(event)) found.push([file, ...args]);
    return found;
  }

  /** How many programs of that event may run at once. `asked`: instead of what the configuration says. */
  jobs(event: string, asked?: number): number {
    const { processes } = this.#repository.platform;
    if (serial.has(event) || processes === undefined) return 1;
    const { jobs } = this.#read();
    let number = asked;
    if (number === undefined) {
      // One that may not run beside others makes all run one after another.
      if (this.configured(event).some((hook) => hook.off === undefined && !hook.parallel)) return 1;
      number = jobs.get(event) ?? jobs.get('') ?? 1;
    }
    return number === -1 ? processes.processors : Math.max(1, number);
  }

  /** Runs a hook to its end; `undefined` where there is none. A code other than 0 means "no". */
  run(name: string, args: readonly string[] = [], options: HookOptions = {}): Spawned | undefined {
    const { processes } = this.#repository.platform;
    const commands = this.commands(name, args);
    if (commands.length === 0 || processes === undefined) return undefined;
    const { workTree, gitDir } = this.#repository;
    const output = options.output ?? 'stderr';
    let whole: Spawned | undefined;
    const cwd = options.cwd ?? workTree ?? gitDir;
    const env = { ...this.environment(), ...options.env };
    const jobs = commands.length > 1 && output !== 'pipe' ? this.jobs(name, options.jobs) : 1;
    const together = jobs > 1 ? processes.runTogether(commands, jobs, { cwd, env, input: options.input }) : undefined;
    for (const [i, command] of commands.entries()) {
      const ran =
        together?.[i] ??
        processes.runSync(command, {
          cwd,
          env,
          ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
          stdout: output,
          stderr: output === 'pipe' ? 'pipe' : 'inherit',
        });
      const missing = ran.errorCode === 'ENOENT' || ran.errorCode === 'EACCES';
      if (missing) {
        const why = ran.errorCode === 'ENOENT' ? 'No such file or directory' : 'Permission denied';
        this.#repository.complain(
          `error: cannot ${command[0].includes('/') ? 'exec' : 'run'} ${this.#name(command)}: ${why}`,
        );
      }
      if (ran.code > 128 && ran.code < 160 && ran.signalled === true) {
        this.#repository.complain(`error: ${this.#name(command)} died of signal ${ran.code - 128}`);
      }
      const code = missing ? 1 : ran.code;
      whole =
        whole === undefined
          ? { ...ran, code }
          : {
              ...ran,
              code: whole.code | code,
              stdout: concatBytes([whole.stdout, ran.stdout]),
              stderr: concatBytes([whole.stderr, ran.stderr]),
            };
    }
    return whole;
  }

  #name(command: readonly [string, ...string[]]): string {
    return command[0] === '/bin/sh' && command[1] === '-c'
      ? command[2]!.replace(/ "\$@"$/, '')
      : this.#repository.shownPath(command[0]);
  }

  /** What git sets for the programs it starts. */
  environment(): Record<string, string | undefined> {
    const { env, gitDirShown, workTree, prefix, bare } = this.#repository;
    return {
      ...env,
      ...(gitDirShown === undefined ? {} : { GIT_DIR: gitDirShown }),
      ...(prefix === '' ? {} : { GIT_PREFIX: prefix }),
      ...(env['GIT_WORK_TREE'] === undefined || workTree === undefined || bare ? {} : { GIT_WORK_TREE: workTree }),
    };
  }
}
