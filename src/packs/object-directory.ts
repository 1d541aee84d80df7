import { decodeText } from '../base/bytes.js';
import type { HashAlgorithm } from '../base/oid.js';
import type { LooseOptions } from '../objects/loose.js';
import { LooseObjects } from '../objects/loose.js';
import type { ObjectSource } from '../objects/source.js';
import { readIfThere } from '../platform/fs.js';
import type { Platform } from '../platform/platform.js';
import type { PackStoreOptions } from './pack-store.js';
import { PackStore } from './pack-store.js';

/** One `objects` directory: its packs and its loose files. */
export interface ObjectDirectory {
  readonly path: string;
  readonly packs: PackStore;
  readonly loose: LooseObjects;
}

export interface ObjectDirectoryOptions {
  readonly loose?: LooseOptions;
  readonly packs?: PackStoreOptions;
  /** More alternates, before those of the files (`GIT_ALTERNATE_OBJECT_DIRECTORIES`, already split). */
  readonly alternates?: readonly string[];
  /** Told of an alternate that is missing or nested too deeply. */
  readonly warn?: (message: string) => void;
}

/** git follows alternates of alternates this deep. */
const DEEPEST = 5;

/**
 * The `objects` directory at `path` (absolute) and every alternate it names, itself first. Sources are opened lazily,
 * so this only reads `info/alternates`.
 */
export function openObjectDirectories(
  platform: Platform,
  path: string,
  algorithm: HashAlgorithm,
  options: ObjectDirectoryOptions = {},
): ObjectDirectory[] {
  const seen = new Set<string>();
  const directories: ObjectDirectory[] = [];
  const add = (directory: string, depth: number, from: string | undefined): void => {
    const real = platform.fs.realPath(directory);
    if (real === undefined && from !== undefined) {
      options.warn?.(`object directory ${directory} does not exist; check ${from}/info/alternates`);
      return;
    }
    const key = real ?? directory;
    if (seen.has(key)) return;
    seen.add(key);
    directories.push({
      path: directory,
      packs: new PackStore(platform, `${directory}/pack`, algorithm, options.packs),
      loose: new LooseObjects(platform, directory, algorithm, options.loose),
    });
    if (depth === 0) for (const alternate of options.alternates ?? []) add(alternate, depth + 1, directory);
    const next = readAlternates(platform, directory);
    if (next.length > 0 && depth > DEEPEST) {
      options.warn?.(`${directory}: ignoring alternate object stores, nesting too deep`);
      return;
    }
    for (const alternate of next) add(resolve(directory, alternate), depth + 1, directory);
  };
  add(path, 0, undefined);
  return directories;
}

/** The entries of `info/alternates`, as written there. */
export function readAlternates(platform: Pick<Platform, 'fs'>, directory: string): string[] {
  const bytes = readIfThere(platform.fs, `${directory}/info/alternates`);
  if (bytes === undefined) return [];
  return decodeText(bytes)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => (line.startsWith('"') && line.endsWith('"') ? unquote(line) : line));
}

function unquote(line: string): string {
  return line.slice(1, -1).replace(/\\(.)/g, '$1');
}

function resolve(directory: string, path: string): string {
  if (path.startsWith('/')) return path;
  const parts = directory.split('/');
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** The directories as sources in git's order of trying: all packs, then all loose files. */
export function objectSources(directories: readonly ObjectDirectory[]): ObjectSource[] {
  let searching = false;
  for (const { packs } of directories) {
    packs.elsewhere = (oid) => {
      // A copy that needs rescue itself is no help, and two of them would ask each other for ever.
      if (searching) return undefined;
      searching = true;
      try {
        for (const other of directories) {
          const object = other.loose.read(oid) ?? (other.packs === packs ? undefined : other.packs.read(oid));
          if (object !== undefined) return object;
        }
        return undefined;
      } finally {
        searching = false;
      }
    };
  }
  return [...directories.map(({ packs }) => packs), ...directories.map(({ loose }) => loose)];
}
