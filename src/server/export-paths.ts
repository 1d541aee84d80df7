import type { Platform } from '../platform/platform.js';
import { isAbsolute, resolvePath } from '../repo/paths.js';
import type { Repository } from '../repo/repository.js';
import { enterRepository } from '../transport/enter-repository.js';

export interface ExportOptions {
  readonly platform: Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Put in front of what clients ask for. */
  readonly basePath?: string | undefined;
  /** Where the base path leads nowhere, try without it. */
  readonly basePathRelaxed?: boolean | undefined;
  /** With `%H %CH %IP %P %D` filled in. */
  readonly interpolatedPath?: string | undefined;
  /** `''`: `~user/x` is below that user's home; `'dir'`: below `home/dir`. */
  readonly userPath?: string | undefined;
  /** Repositories must be named exactly. */
  readonly strict: boolean;
  /** Serve what is not marked with `git-daemon-export-ok` too. */
  readonly exportAll: boolean;
  /** Only below these; none: anywhere. */
  readonly allowed: readonly string[];
  readonly log: (text: string) => void;
}

/** The repository behind a path that a client names, or `undefined` where it is not served. */
export function openExported(
  path: string,
  host: string | undefined,
  port: number,
  options: ExportOptions,
): Repository | undefined {
  const { log } = options;
  if (path.split('/').includes('..') || /[\n\0]/.test(path)) {
    log(`'${path}': aliased`);
    return undefined;
  }
  const places: string[] = [];
  if (path.startsWith('~')) {
    const place = userHome(path, options);
    if (place === undefined) {
      log(`'${path}': User-path not allowed`);
      return undefined;
    }
    places.push(place);
  } else if (options.interpolatedPath !== undefined) {
    if (!isAbsolute(path)) {
      log(`'${path}': Non-absolute path denied (interpolated-path active)`);
      return undefined;
    }
    places.push(interpolate(options.interpolatedPath, path, host, port));
  } else if (options.basePath !== undefined) {
    if (!isAbsolute(path)) {
      log(`'${path}': Non-absolute path denied (base-path active)`);
      return undefined;
    }
    places.push(options.basePath + path);
    if (options.basePathRelaxed === true) places.push(path);
  } else places.push(path);
  for (const place of places) {
    let repository: Repository;
    try {
      repository = enterRepository(options.platform, options.env, '/', place, options.strict);
    } catch {
      continue;
    }
    if (!isAllowed(place, repository, options)) {
      log(`'${place}': not in directory list`);
      repository.close();
      return undefined;
    }
    if (!options.exportAll && options.platform.fs.stat(`${repository.gitDir}/git-daemon-export-ok`) === undefined) {
      log(`'${repository.gitDir}': repository not exported.`);
      repository.close();
      return undefined;
    }
    return repository;
  }
  log(`'${places[0]}' does not appear to be a git repository`);
  return undefined;
}

function isAllowed(place: string, repository: Repository, options: ExportOptions): boolean {
  if (options.allowed.length === 0) return true;
  const candidates = [resolvePath('/', place), repository.gitDir];
  // What a symbolic link leads to counts, so that no link leads out.
  const real = options.platform.fs.realPath(repository.gitDir);
  if (real !== undefined) candidates.push(real);
  return options.allowed.some((directory) => {
    const base = directory.replace(/\/+$/, '');
    return candidates.some((candidate) =>
      options.strict ? candidate === base : candidate === base || candidate.startsWith(`${base}/`),
    );
  });
}

function userHome(path: string, options: ExportOptions): string | undefined {
  if (options.userPath === undefined) return undefined;
  const slash = path.indexOf('/');
  const user = slash < 0 ? path.slice(1) : path.slice(1, slash);
  const rest = slash < 0 ? '' : path.slice(slash);
  const account = options.platform.account?.();
  if (user !== '' && account?.login !== user) return undefined;
  const home = account?.home ?? options.env['HOME'];
  if (home === undefined) return undefined;
  return options.userPath === '' ? home + rest : `${home}/${options.userPath}${rest}`;
}

function interpolate(pattern: string, path: string, host: string | undefined, port: number): string {
  const name = (host ?? '').replace(/:\d+$/, '').replace(/[/\\]/g, '');
  const asked = /:(\d+)$/.exec(host ?? '')?.[1] ?? String(port);
  return pattern.replace(/%(CH|IP|H|P|D|%)/g, (_all, key: string) => {
    switch (key) {
      case 'H':
      case 'CH':
        return name;
      case 'IP':
        return '127.0.0.1';
      case 'P':
        return asked;
      case 'D':
        return path;
      default:
        return '%';
    }
  });
}
