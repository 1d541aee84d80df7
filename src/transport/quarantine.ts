import type { Repository } from '../repo/repository.js';
import { openRepository } from '../repo/repository.js';

/**
 * A place for objects that are not trusted yet: below the repository's own `objects`, invisible to others, gone unless
 * `migrate` moves it in.
 */
export class Quarantine {
  readonly path: string;
  readonly #repository: Repository;
  #view: Repository | undefined;
  #gone = false;

  constructor(repository: Repository) {
    this.#repository = repository;
    const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
    const suffix = Array.from(repository.platform.randomBytes(6), (byte) => letters[byte % letters.length]).join('');
    this.path = `${repository.objectsDirectory}/tmp_objdir-incoming-${suffix}`;
    repository.platform.fs.makeDirectory(`${this.path}/pack`, { recursive: true });
  }

  /** What programs see that are to look into it. */
  environment(): Record<string, string> {
    const own = quoted(this.#repository.objectsDirectory);
    const others = this.#repository.env['GIT_ALTERNATE_OBJECT_DIRECTORIES'];
    return {
      GIT_QUARANTINE_PATH: this.path,
      GIT_OBJECT_DIRECTORY: this.path,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: others === undefined || others === '' ? own : `${own}:${others}`,
    };
  }

  /** The repository as it would be with these objects. */
  view(): Repository {
    const { platform, env, cwd, gitDir } = this.#repository;
    this.#view ??= openRepository({ platform, cwd, gitDir, env: { ...env, ...this.environment() } });
    return this.#view;
  }

  /** Moves everything into the repository: loose objects first, each pack's index last. */
  migrate(): void {
    const { fs } = this.#repository.platform;
    this.#view?.close();
    const target = this.#repository.objectsDirectory;
    const move = (directory: string): void => {
      const entries = [...(fs.readDirectory(this.path + directory) ?? [])];
      entries.sort((a, b) => packOrder(a.name) - packOrder(b.name) || (a.name < b.name ? -1 : 1));
      for (const { name, kind } of entries) {
        const from = `${this.path}${directory}/${name}`;
        const to = `${target}${directory}/${name}`;
        if (kind === 'directory') {
          fs.makeDirectory(to, { recursive: true });
          move(`${directory}/${name}`);
        } else if (fs.lstat(to) === undefined) fs.rename(from, to);
        else fs.remove(from);
      }
    };
    move('');
    this.discard();
    this.#repository.objects.refresh();
  }

  discard(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#view?.close();
    this.#repository.platform.fs.removeRecursive(this.path);
  }
}

/** An entry of a list that is split at `:`. */
const quoted = (path: string): string =>
  path.includes(':') || path.startsWith('"') ? `"${path.replace(/["\\]/g, '\\$&')}"` : path;

/** Readers look for the index: it comes last. */
function packOrder(name: string): number {
  if (!name.startsWith('pack')) return 0;
  if (name.endsWith('.keep')) return 1;
  if (name.endsWith('.pack')) return 2;
  if (name.endsWith('.rev')) return 3;
  return name.endsWith('.idx') ? 4 : 5;
}
