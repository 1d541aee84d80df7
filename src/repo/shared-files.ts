import { parentDirectory, resolvePath } from './paths.js';
import type { FileSystem } from '../platform/fs.js';
import type { Platform } from '../platform/platform.js';
import { adjustShared, type Sharing } from './shared.js';

/**
 * The platform of a repository that several users share (`core.sharedRepository`): whatever is made below one of
 * `roots` gets the permissions the sharing asks for, whichever room makes it.
 */
export function sharedPlatform(
  platform: Platform,
  sharing: NonNullable<Sharing>,
  roots: readonly string[],
  cwd: string,
): Platform {
  return Object.create(platform, { fs: { value: sharedFiles(platform.fs, sharing, roots, cwd) } }) as Platform;
}

function sharedFiles(fs: FileSystem, sharing: NonNullable<Sharing>, roots: readonly string[], cwd: string): FileSystem {
  const isNew = (path: string): boolean => {
    const full = resolvePath(cwd, path);
    return (
      roots.some((root) => full.startsWith(root) && (full.length === root.length || full[root.length] === '/')) &&
      fs.lstat(path) === undefined
    );
  };
  const making = <T>(path: string, make: () => T): T => {
    const fresh = isNew(path);
    const made = make();
    if (fresh) adjustShared(fs, sharing, path);
    return made;
  };
  const own: Partial<FileSystem> = {
    openWrite: ((path: string, options?: { exclusive: true }) =>
      making(path, () => fs.openWrite(path, options!))) as FileSystem['openWrite'],
    writeFile: (path, data, mode) => making(path, () => fs.writeFile(path, data, mode)),
    appendFile: (path, data, mode) => making(path, () => fs.appendFile(path, data, mode)),
    makeDirectory(path, options) {
      if (!isNew(path)) return fs.makeDirectory(path, options);
      if (options?.recursive === true) {
        const above = parentDirectory(path);
        if (above !== path && isNew(above)) own.makeDirectory!(above, options);
      }
      return making(path, () => fs.makeDirectory(path, options));
    },
  };
  const bound = new Map<PropertyKey, unknown>(Object.entries(own));
  return new Proxy(fs, {
    get(target, name) {
      if (bound.has(name)) return bound.get(name);
      const value: unknown = Reflect.get(target, name, target);
      const answer: unknown = typeof value === 'function' ? value.bind(target) : value;
      bound.set(name, answer);
      return answer;
    },
  });
}
