import { compareText, decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { hexLength } from '../base/oid.js';
import type { FileSystem } from '../platform/fs.js';
import { checkRefFormat, isPerWorktreeRef, isRootRef, isSafeRefName } from './name.js';
import type { RefPaths } from './paths.js';
import type { RefValue } from './store.js';

/** What a loose file holds. `directory`: a folder is there instead of a file. */
export type LooseValue = RefValue | { readonly kind: 'broken' } | { readonly kind: 'directory' } | undefined;

/** Takes the content of a loose ref apart. */
function parseLooseRef(text: string, algorithm: HashAlgorithm): RefValue | { readonly kind: 'broken' } {
  if (text.startsWith('ref:')) return { kind: 'symbolic', target: text.slice(4).split('\0', 1)[0]!.trim() };
  const length = hexLength(algorithm);
  const hex = text.slice(0, length).toLowerCase();
  if (hex.length !== length || !/^[0-9a-f]+$/.test(hex)) return { kind: 'broken' };
  if (text.length > length && !/\s/.test(text[length]!)) return { kind: 'broken' };
  return { kind: 'direct', oid: hex as Oid };
}

/** Reads one loose ref. Old repositories have symbolic refs that are symbolic links. */
export function readLooseRef(fs: FileSystem, path: string, algorithm: HashAlgorithm): LooseValue {
  const stat = fs.lstat(path);
  if (stat === undefined) return undefined;
  if (stat.kind === 'directory') return { kind: 'directory' };
  if (stat.kind === 'symlink') {
    const target = fs.readLink(path);
    if (target?.startsWith('refs/') === true && checkRefFormat(target)) return { kind: 'symbolic', target };
    const followed = fs.stat(path);
    if (followed === undefined) return undefined;
    if (followed.kind === 'directory') return { kind: 'directory' };
  }
  const data = fs.readFile(path);
  return data === undefined ? undefined : parseLooseRef(decodeText(data), algorithm);
}

export interface LooseEntry {
  readonly name: string;
  readonly path: string;
  /** The name breaks the rules of ref names. */
  readonly badName: boolean;
}

/** The loose refs whose name starts with `prefix`, in byte order. */
export function listLooseRefs(fs: FileSystem, paths: RefPaths, prefix: string): LooseEntry[] {
  const found: LooseEntry[] = [];
  const separate = paths.gitDir !== paths.commonDir;
  const walk = (directory: string, base: string): void => {
    for (const entry of fs.readDirectory(directory) ?? []) {
      const { name } = entry;
      if (name.startsWith('.') || name.endsWith('.lock')) continue;
      const full = base + name;
      let kind = entry.kind;
      const path = `${directory}/${name}`;
      if (kind === 'symlink') kind = fs.stat(path)?.kind ?? 'file';
      if (kind === 'directory') {
        const below = `${full}/`;
        // A work tree's own refs are read from its own folder, not from the shared one.
        if (separate && base === 'refs/' && isPerWorktreeRef(below)) continue;
        if (below.startsWith(prefix) || prefix.startsWith(below)) walk(path, below);
      } else if (full.startsWith(prefix)) {
        const badName = !checkRefFormat(full, { allowOneLevel: true });
        if (badName && !isSafeRefName(full)) throw new GitError('REF_INVALID', `loose refname is dangerous: ${full}`);
        found.push({ name: full, path, badName });
      }
    }
  };
  walk(`${paths.commonDir}/refs`, 'refs/');
  if (separate) {
    for (const own of ['refs/bisect', 'refs/rewritten', 'refs/worktree']) {
      const below = `${own}/`;
      if (below.startsWith(prefix) || prefix.startsWith(below)) walk(`${paths.gitDir}/${own}`, below);
    }
  }
  return found.sort((a, b) => compareText(a.name, b.name));
}

/** HEAD and its like. */
export function listRootRefs(fs: FileSystem, paths: RefPaths): string[] {
  return (fs.readDirectory(paths.gitDir) ?? [])
    .filter((entry) => entry.kind !== 'directory' && isRootRef(entry.name))
    .map((entry) => entry.name)
    .sort(compareText);
}
