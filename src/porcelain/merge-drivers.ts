import type { Awaitable } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { emptyBytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Contents } from '../contents/contents.js';
import { driver as contentsDriver } from '../contents/contents.js';
import { set } from '../contents/collections.js';
import { counter } from '../contents/counter.js';
import { json } from '../contents/json.js';
import { log } from '../contents/log.js';
import { queue } from '../contents/queue.js';
import type { Driver } from '../merge/driver.js';
import { binary, text } from '../merge/drivers.js';
import type { MergeContext, Merged, Sides } from '../merge/hook.js';
import { clean, conflicted } from '../merge/hook.js';
import type { Attributes } from '../repo/attributes.js';
import type { Repository } from '../repo/repository.js';
import type { MergeSettings } from './merge-settings.js';

type FileSides = Sides<Bytes | undefined>;
type FileMerge = Merged<Bytes | undefined>;

/** Types that `merge=<name>` in attributes may name, unless the configuration has a driver of that name. */
const shelf: ReadonlyMap<string, Contents<unknown>> = new Map(
  [counter, set, log, queue, json()].map((contents) => [contents.name, contents as Contents<unknown>]),
);

export interface DriverOptions {
  /** Attributes of a path; none of them where there is nothing to read them from. */
  readonly attributes?: ((path: string) => Attributes) | undefined;
  /** The stored form of a side's bytes, to merge in one form what was stored in several (renormalize). */
  readonly normalize?: ((path: string, bytes: Bytes) => Awaitable<Bytes>) | undefined;
  readonly warn?: ((message: string) => void) | undefined;
}

/** Chooses the merge of each path: attributes, `merge.<name>.*`, git's built-in drivers, the shelf of types. */
export class MergeDrivers {
  readonly #repository: Repository;
  readonly #settings: MergeSettings;
  readonly #options: DriverOptions;

  constructor(repository: Repository, settings: MergeSettings, options: DriverOptions = {}) {
    this.#repository = repository;
    this.#settings = settings;
    this.#options = options;
  }

  /** Whether the path's driver wants to be asked where both sides made the same change. */
  readonly asks = (path: string): boolean => {
    const name = this.#nameOf(path);
    return typeof name === 'string' && this.#typed(name)?.sameChange === 'ask';
  };

  readonly driverFor = (path: string): Driver => {
    const { normalize } = this.#options;
    const chosen: Driver = (sides, context) => this.#named(this.#driverName(path, context.depth), path)(sides, context);
    if (normalize === undefined) return chosen;
    const stored = async (bytes: Bytes | undefined) => (bytes === undefined ? undefined : normalize(path, bytes));
    return async (sides, context) =>
      chosen(
        {
          ours: await stored(sides.ours),
          theirs: await stored(sides.theirs),
          base: async () => stored(await sides.base()),
        },
        context,
      );
  };

  #nameOf(path: string): string | boolean | undefined {
    const value = this.#options.attributes?.(path).get('merge');
    return value ?? this.#repository.config.get('merge.default');
  }

  /** The driver's name; merges of ancestors may have one of their own. */
  #driverName(path: string, depth: number): string {
    const value = this.#nameOf(path);
    const name = value === undefined || value === true ? 'text' : value === false ? 'binary' : value;
    if (depth === 0) return name;
    return this.#repository.config.get(`merge.${name}.recursive`) ?? name;
  }

  #typed(name: string): Contents<unknown> | undefined {
    return this.#isConfigured(name) ? undefined : shelf.get(name);
  }

  #isConfigured(name: string): boolean {
    const { config } = this.#repository;
    return ['driver', 'name', 'recursive'].some((key) => config.has(`merge.${name}.${key}`));
  }

  #named(name: string, path: string): Driver {
    const { favor, style, algorithm, whitespace } = this.#settings;
    const markerSize = this.#markerSize(path);
    const lines = (kind: 'ours' | 'theirs' | 'union' | undefined) =>
      text({ favor: kind, style, algorithm, whitespace, markerSize });
    if (this.#isConfigured(name)) {
      return (sides, context) => this.#external(name, markerSize, sides, context);
    }
    if (name === 'binary') return binary({ favor });
    if (name === 'union') return lines('union');
    const typed = this.#typed(name);
    return typed === undefined ? lines(favor) : contentsDriver(typed, lines(favor));
  }

  #markerSize(path: string): number {
    const value = this.#options.attributes?.(path).get('conflict-marker-size');
    if (typeof value !== 'string') return 7;
    const size = Number(value);
    if (!/^[+-]?\d+$/.test(value)) {
      this.#options.warn?.(`invalid marker-size '${value}', expecting an integer`);
      return 7;
    }
    return size <= 0 ? 7 : size;
  }

  /** A program of the user's: sides in files, the result in place of ours, the verdict in its exit code. */
  async #external(name: string, markerSize: number, sides: FileSides, context: MergeContext): Promise<FileMerge> {
    const { config, platform, env } = this.#repository;
    const command = config.get(`merge.${name}.driver`);
    if (command === undefined) throw new GitError('CONFIG', `custom merge driver ${name} lacks command line.`);
    const { processes, fs } = platform;
    if (processes === undefined) throw new GitError('UNSUPPORTED', 'no programs can be run here');
    const directory = this.#repository.workTree ?? this.#repository.cwd;
    const files: string[] = [];
    const put = (bytes: Bytes | undefined): string => {
      const file = this.#temporaryName(directory);
      fs.writeFile(`${directory}/${file}`, bytes ?? emptyBytes, 0o600);
      files.push(file);
      return file;
    };
    try {
      const base = put(await sides.base());
      const ours = put(sides.ours);
      const theirs = put(sides.theirs);
      const words: Readonly<Record<string, string>> = {
        O: base,
        A: ours,
        B: theirs,
        L: String(markerSize + context.nesting),
        P: quoteWord(context.path),
        S: quoteWord(context.labels.base),
        X: quoteWord(context.labels.ours),
        Y: quoteWord(context.labels.theirs),
        '%': '%',
      };
      const line = command.replace(/%([OABLPSXY%])/g, (_, letter: string) => words[letter]!);
      const run = processes.runSync(processes.shell(line), {
        cwd: directory,
        env,
        stdin: 'inherit',
        stdout: 'inherit',
        stderr: 'inherit',
      });
      const bytes = fs.readFile(`${directory}/${ours}`);
      if (run.code > 128 || bytes === undefined) {
        throw new GitError('UNSUPPORTED', `failed to execute internal merge for ${context.path}`, {
          data: { path: context.path, driver: name },
        });
      }
      return run.code === 0 ? clean(bytes) : conflicted(context, 'external', `driver ${name} reports conflicts`, bytes);
    } finally {
      for (const file of files) fs.remove(`${directory}/${file}`);
    }
  }

  #temporaryName(directory: string): string {
    const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
    const { platform } = this.#repository;
    for (;;) {
      const suffix = Array.from(platform.randomBytes(6), (byte) => letters[byte % letters.length]).join('');
      const name = `.merge_file_${suffix}`;
      if (platform.fs.lstat(`${directory}/${name}`) === undefined) return name;
    }
  }
}

/** One word for the shell, as git quotes it: in single quotes, always. */
export const quoteWord = (word: string): string => `'${word.replace(/['!]/g, (char) => `'\\${char}'`)}'`;
