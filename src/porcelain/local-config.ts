import { decodeText, emptyBytes, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { LockFile } from '../platform/lock.js';
import type { ParsedConfigFile } from '../repo/config-file.js';
import { editConfig, parseConfigFile, renameSection } from '../repo/config-file.js';
import type { Repository } from '../repo/repository.js';

/** Changes of the repository's own `config` file, each under its lock. */
export class LocalConfig {
  readonly #repository: Repository;
  readonly #path: string;

  constructor(repository: Repository) {
    this.#repository = repository;
    this.#path = `${repository.commonDir}/config`;
  }

  #change(edit: (file: ParsedConfigFile) => string | undefined): boolean {
    const { fs } = this.#repository.platform;
    let lock: LockFile;
    try {
      lock = LockFile.acquire(fs, this.#path);
    } catch (error) {
      if (error instanceof GitError && error.code === 'LOCKED') {
        const { gitDir, commonDir, gitDirShown } = this.#repository;
        const shown = gitDir === commonDir ? `${gitDirShown}/config` : this.#path;
        throw new GitError('LOCKED', `could not lock config file ${shown}: File exists`, { cause: error });
      }
      throw error;
    }
    try {
      const file = parseConfigFile(decodeText(fs.readFile(this.#path) ?? emptyBytes));
      if (file.faultLine !== undefined) {
        throw new GitError('CONFIG', `bad config line ${file.faultLine} in file ${this.#path}`);
      }
      const text = edit(file);
      if (text === undefined) return false;
      lock.write(encodeText(text));
      lock.commit();
    } finally {
      lock.rollback();
    }
    this.#repository.reloadConfig();
    return true;
  }

  /** Sets the one value; several present ones are replaced by it. */
  set(key: string, value: string): void {
    this.#change((file) => {
      const result = editConfig(file, { key, value, all: true });
      return 'text' in result ? result.text : undefined;
    });
  }

  /** Adds a value to those that are there. */
  add(key: string, value: string): void {
    this.#change((file) => {
      const result = editConfig(file, { key, value, append: true });
      return 'text' in result ? result.text : undefined;
    });
  }

  /** Removes all values that match; `false` where there was none. */
  unset(key: string, matches?: (value: string | undefined) => boolean): boolean {
    return this.#change((file) => {
      const result = editConfig(file, { key, value: undefined, all: true, matches });
      return 'text' in result ? result.text : undefined;
    });
  }

  /** Renames a section, or removes it where `to` is missing; `false` where there is none. */
  renameSection(from: string, to: string | undefined): boolean {
    return this.#change((file) => renameSection(file, from, to));
  }

  /** Repeats a section under another name; `false` where there is none. */
  copySection(from: string, to: string): boolean {
    return this.#change((file) => renameSection(file, from, to, true));
  }
}
