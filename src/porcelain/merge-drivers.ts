import type { Awaitable } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { emptyBytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { driver as contentsDriver } from '../contents/contents.js';
import { shelf } from '../contents/shelf.js';
import type { Driver } from '../merge/driver.js';
import type { TextOptions } from '../merge/drivers.js';
import { binary, text } from '../merge/drivers.js';
import type { MergeContext, Merged, Sides } from '../merge/hook.js';
import { clean, conflicted } from '../merge/hook.js';
import type { Platform } from '../platform/platform.js';
import type { Attributes } from '../repo/attributes.js';
import type { Repository } from '../repo/repository.js';
import type { MergeSettings } from './merge-settings.js';

type FileSides = Sides<Bytes | undefined>;
type FileMerge = Merged<Bytes | undefined>;

/** Names that are git's own in attributes, and no type of the shelf. */
const gitsOwn: ReadonlySet<string> = new Set(['text', 'binary', 'union', 'bytes']);

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
  readonly asks = (path: string): boolean => this.typed(path)?.sameChange === 'ask';

  /** The driver of a path that is none of git's: one passed to `open()`, or a type of the shelf. */
  typed(path: string): Driver | undefined {
    const name = this.#nameOf(path);
    return typeof name === 'string' ? this.#typed(name) : undefined;
  }

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

  #typed(name: string, markerSize = 7): Driver | undefined {
    const own = this.#repository.merges.drivers;
    if (own !== undefined && Object.hasOwn(own, name)) return own[name];
    if (this.#isConfigured(name) || gitsOwn.has(name) || !Object.hasOwn(shelf, name)) return undefined;
    return contentsDriver(shelf[name]!, this.#lines(this.#settings.favor, markerSize));
  }

  #lines(favor: TextOptions['favor'], markerSize: number): Driver {
    const { style, algorithm, whitespace } = this.#settings;
    return text({ favor, style, algorithm, whitespace, markerSize });
  }

  #isConfigured(name: string): boolean {
    const { config } = this.#repository;
    return ['driver', 'name', 'recursive'].some((key) => config.has(`merge.${name}.${key}`));
  }

  #named(name: string, path: string): Driver {
    const { favor } = this.#settings;
    const markerSize = this.#markerSize(path);
    const typed = this.#typed(name, markerSize);
    if (typed !== undefined) return typed;
    if (this.#isConfigured(name)) {
      return (sides, context) => this.#external(name, markerSize, sides, context);
    }
    if (name === 'binary') return binary({ favor });
    return this.#lines(name === 'union' ? 'union' : favor, markerSize);
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
    const { platform } = this.#repository;
    for (;;) {
      const name = `.merge_file_${randomSuffix(platform)}`;
      if (platform.fs.lstat(`${directory}/${name}`) === undefined) return name;
    }
  }
}

/** One word for the shell, as git quotes it: in single quotes, always. */
const quoteWord = (word: string): string => `'${word.replace(/['!]/g, (char) => `'\\${char}'`)}'`;

/** Six letters or digits that nobody foresees, for the name of a file that lies beside others for a while. */
export function randomSuffix(platform: Platform): string {
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
  return Array.from(platform.randomBytes(6), (byte) => letters[byte % letters.length]).join('');
}
