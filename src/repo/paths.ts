import type { FileSystem } from '../platform/fs.js';

export const isAbsolute = (path: string): boolean => path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(path);

/** Resolves `.`, `..` and doubled `/` by the text alone (no symbolic links). Absolute in, absolute out. */
export function normalizePath(path: string): string {
  if (!/\/\.|\/\/|^\.|.\/$/.test(path)) return path;
  const absolute = path.startsWith('/');
  const out: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && out.length > 0 && out[out.length - 1] !== '..') out.pop();
    else if (part === '..' && absolute) continue;
    else out.push(part);
  }
  const text = out.join('/');
  return absolute ? `/${text}` : text;
}

/** `path` seen from `base` (an absolute directory). */
export const resolvePath = (base: string, path: string): string =>
  normalizePath(isAbsolute(path) ? path : base === '/' ? `/${path}` : `${base}/${path}`);

/** The part of `path` below `directory` (both absolute and normal): '' for itself, `undefined` when outside. */
export function pathInside(directory: string, path: string): string | undefined {
  if (path === directory) return '';
  if (directory === '/') return path.slice(1);
  return path.startsWith(`${directory}/`) ? path.slice(directory.length + 1) : undefined;
}

/** `path` as it is written from `base`, with `..` where needed. Both absolute and normal. */
export function relativePath(base: string, path: string): string {
  if (base === path) return './';
  const from = base === '/' ? [] : base.slice(1).split('/');
  const to = path === '/' ? [] : path.slice(1).split('/');
  let same = 0;
  while (same < from.length && same < to.length && from[same] === to[same]) same++;
  const up = from.slice(same).map(() => '..');
  return [...up, ...to.slice(same)].join('/') || './';
}

export const parentDirectory = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

/** Resolves symbolic links; what does not exist at the end of the path is kept as it is written. */
export function realPathLenient(fs: FileSystem, path: string): string {
  const real = fs.realPath(path);
  if (real !== undefined) return real;
  if (path === '/' || path === '') return path;
  const parent = realPathLenient(fs, parentDirectory(path));
  const name = path.slice(path.lastIndexOf('/') + 1);
  return parent === '/' ? `/${name}` : `${parent}/${name}`;
}
