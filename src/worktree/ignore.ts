import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { isRegularMode } from '../objects/mode.js';
import { xdgConfigFile } from '../repo/config.js';
import type { IgnoreList, IgnoreRule } from '../repo/ignore-rules.js';
import { lastMatchingRule, parseIgnoreFile, parseIgnoreRule } from '../repo/ignore-rules.js';
import type { Repository } from '../repo/repository.js';
import type { Index } from './index-file.js';
import { readRulesFile } from './rules-file.js';

/** A rule and the list it stands in. */
export interface IgnoreMatch {
  readonly rule: IgnoreRule;
  readonly list: IgnoreList;
}

interface DirectoryRules {
  /** Lists of the directories from here up, deepest first. */
  readonly lists: readonly IgnoreList[];
  /** The rule that ignores the directory itself: it decides for everything below. */
  readonly excluded: IgnoreMatch | undefined;
}

export interface IgnoreOptions {
  /** Without `.gitignore`, `info/exclude` and the user's file: only what is added. */
  readonly standard?: boolean;
  /** The name of per-directory files, in place of `.gitignore` (`--exclude-per-directory`). */
  readonly perDirectory?: string | undefined;
  /** For `.gitignore` files that are tracked but not checked out. */
  readonly index?: (() => Index) | undefined;
  readonly warn?: ((message: string) => void) | undefined;
  readonly watch?: IgnoreWatch | undefined;
}

/** Follows which files of rules are read. Directories are named without a trailing `/`. */
export interface IgnoreWatch {
  /** True where the directory is known to have no rules: they are not looked for. */
  isKnownEmpty(directory: string): boolean;
  /** `stored`: the rules were taken from the index, under this id. */
  read(directory: string, data: Bytes | undefined, stored: Oid | undefined): void;
}

/** A file of rules outside of the work tree's directories, as it was read. */
export interface IgnoreFile {
  readonly path: string;
  readonly data: Bytes | undefined;
}

/** Decides what is ignored. Reads each exclude file once; never one inside the work tree through a symbolic link. */
export class Ignores {
  readonly #repository: Repository;
  readonly #ignoreCase: boolean;
  readonly #perDirectory: string | undefined;
  readonly #index: (() => Index) | undefined;
  readonly #warn: ((message: string) => void) | undefined;
  readonly #commandLine: IgnoreList[] = [];
  readonly #files: IgnoreList[] = [];
  readonly #directories = new Map<string, DirectoryRules>();
  readonly #watch: IgnoreWatch | undefined;
  /** The user's own rules and those of this repository. */
  readonly files: { user?: IgnoreFile; info?: IgnoreFile } = {};

  constructor(repository: Repository, options: IgnoreOptions = {}) {
    this.#repository = repository;
    this.#ignoreCase = repository.config.getBool('core.ignorecase', false);
    this.#index = options.index;
    this.#warn = options.warn;
    this.#watch = options.watch;
    const standard = options.standard !== false;
    this.#perDirectory = options.perDirectory ?? (standard ? '.gitignore' : undefined);
    if (!standard) return;
    const { config, env } = repository;
    const user = config.getPath('core.excludesfile') ?? xdgConfigFile(env, 'ignore');
    if (user !== undefined) this.files.user = this.#addFile(repository.fromTop(user), user);
    const info = repository.path('info/exclude');
    this.files.info = this.#addFile(info, repository.shownPath(info));
  }

  /** A pattern given on the command line. The first added has the number -1, as `check-ignore` would show it. */
  addPattern(pattern: string): void {
    const number = -1 - this.#commandLine.reduce((sum, list) => sum + list.rules.length, 0);
    const rule = parseIgnoreRule(pattern, number, this.#ignoreCase);
    if (rule !== undefined) this.#commandLine.push({ source: '', base: '', rules: [rule] });
  }

  /** Rules of a file outside the work tree's own; answers whether it was there. */
  addFile(path: string, source = path): boolean {
    return this.#addFile(path, source).data !== undefined;
  }

  #addFile(path: string, source: string): IgnoreFile {
    const { fs } = this.#repository.platform;
    const data = readRulesFile(fs, { path, name: source, follow: true, warn: this.#warn });
    if (data !== undefined) this.#files.push(parseIgnoreFile(data, source, '', this.#ignoreCase));
    return { path, data };
  }

  /** Reads the rules that concern what is in a directory. */
  prepare(directory: string): void {
    this.#rulesOf(directory);
  }

  /** The rule that decides about `path` (from the top; no trailing `/`), or `undefined` when none speaks of it. */
  match(path: string, isDirectory: boolean): IgnoreMatch | undefined {
    const slash = path.lastIndexOf('/');
    const directory = this.#rulesOf(slash < 0 ? '' : path.slice(0, slash));
    if (directory.excluded !== undefined) return directory.excluded;
    return this.#matchIn(directory, path, isDirectory);
  }

  isIgnored(path: string, isDirectory: boolean): boolean {
    const match = this.match(path, isDirectory);
    return match !== undefined && !match.rule.negative;
  }

  #matchIn(directory: DirectoryRules, path: string, isDirectory: boolean): IgnoreMatch | undefined {
    const asDirectory = () => isDirectory;
    for (let i = this.#commandLine.length - 1; i >= 0; i--) {
      const list = this.#commandLine[i]!;
      const rule = lastMatchingRule(list, path, asDirectory);
      if (rule !== undefined) return { rule, list };
    }
    for (const list of directory.lists) {
      const rule = lastMatchingRule(list, path, asDirectory);
      if (rule !== undefined) return { rule, list };
    }
    for (let i = this.#files.length - 1; i >= 0; i--) {
      const list = this.#files[i]!;
      const rule = lastMatchingRule(list, path, asDirectory);
      if (rule !== undefined) return { rule, list };
    }
    return undefined;
  }

  #rulesOf(directory: string): DirectoryRules {
    const known = this.#directories.get(directory);
    if (known !== undefined) return known;
    let rules: DirectoryRules;
    if (directory === '') rules = { lists: this.#read('', []), excluded: undefined };
    else {
      const slash = directory.lastIndexOf('/');
      const parent = this.#rulesOf(slash < 0 ? '' : directory.slice(0, slash));
      const match = parent.excluded ?? this.#matchIn(parent, directory, true);
      const excluded = match !== undefined && !match.rule.negative ? match : undefined;
      rules = { lists: excluded === undefined ? this.#read(`${directory}/`, parent.lists) : parent.lists, excluded };
    }
    this.#directories.set(directory, rules);
    return rules;
  }

  #read(base: string, above: readonly IgnoreList[]): readonly IgnoreList[] {
    if (this.#perDirectory === undefined) return above;
    const name = base + this.#perDirectory;
    const watch = this.#watch;
    if (watch?.isKnownEmpty(base.slice(0, -1)) === true) return above;
    let data = this.#fromDisk(name);
    const stored = data === undefined ? this.#inIndex(name) : undefined;
    if (stored !== undefined) data = this.#fromIndex(stored);
    watch?.read(base.slice(0, -1), data, data === undefined ? undefined : stored);
    if (data === undefined || data.length === 0) return above;
    return [parseIgnoreFile(data, name, base, this.#ignoreCase), ...above];
  }

  #fromDisk(name: string): Bytes | undefined {
    const { workTree, platform } = this.#repository;
    if (workTree === undefined) return undefined;
    return readRulesFile(platform.fs, { path: `${workTree}/${name}`, name, follow: false, warn: this.#warn });
  }

  /** Only files that sparse checkout left out are read from the index. */
  #inIndex(name: string): Oid | undefined {
    const entry = this.#index?.().get(name);
    return entry?.skipWorktree === true && isRegularMode(entry.mode) ? entry.oid : undefined;
  }

  #fromIndex(oid: Oid): Bytes | undefined {
    const object = this.#repository.objects.readNow(oid);
    return isPromise(object) ? undefined : object?.data;
  }
}
