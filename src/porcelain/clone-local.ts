import { encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { FileSystem } from '../platform/fs.js';
import { readAlternates } from '../packs/object-directory.js';
import { resolvePath } from '../repo/paths.js';
import type { Platform } from '../platform/platform.js';

/** Links (or copies) all files of an `objects` directory into another: a clone on one file system costs no space. */
export function linkObjects(
  platform: Platform,
  from: string,
  to: string,
  options: { readonly copy: boolean; readonly forced: boolean },
): void {
  const { fs } = platform;
  if (fs.readLink(from) !== undefined) {
    throw new GitError('UNSUPPORTED', `'${from}' is a symlink, refusing to clone with --local`);
  }
  let copy = options.copy;
  const visit = (directory: string): void => {
    for (const { name, kind } of fs.readDirectory(from + directory) ?? []) {
      const path = `${directory}/${name}`;
      if (kind === 'symlink') {
        throw new GitError('UNSUPPORTED', `symlink '${path.slice(1)}' exists, refusing to clone with --local`);
      }
      if (kind === 'directory') {
        // What is under way there is not finished.
        if (name.startsWith('tmp_objdir-')) continue;
        fs.makeDirectory(to + path, { recursive: true });
        visit(path);
        continue;
      }
      if (kind !== 'file') continue;
      if (path === '/info/alternates') {
        copyAlternates(platform, from, to);
        continue;
      }
      if (name.startsWith('tmp_') || name.endsWith('.lock')) continue;
      if (fs.lstat(to + path) !== undefined) continue;
      if (!copy) {
        try {
          fs.link(from + path, to + path);
          continue;
        } catch (error) {
          if (options.forced)
            throw new GitError('TRANSPORT', `failed to create link '${to + path}': Invalid cross-device link`, {
              cause: error,
            });
          copy = true;
        }
      }
      copyFile(fs, from + path, to + path);
    }
  };
  visit('');
}

function copyFile(fs: FileSystem, from: string, to: string): void {
  const source = fs.open(from);
  if (source === undefined) return;
  const target = fs.openWrite(to, { mode: 0o444 });
  try {
    const piece = 1 << 20;
    for (let at = 0; at < source.size; at += piece) target.write(source.read(at, piece));
  } finally {
    source.close();
    target.close();
  }
  // How old an object is decides when it may be pruned.
  const stat = fs.stat(from);
  if (stat !== undefined) fs.setTimes(to, stat.mtimeSeconds, stat.mtimeSeconds);
}

/** The source's alternates become ours, absolute. */
function copyAlternates(platform: Platform, from: string, to: string): void {
  for (const entry of readAlternates(platform, from)) addAlternate(platform, to, resolvePath(from, entry));
}

/** Borrows from another `objects` directory. */
export function addAlternate(platform: Platform, objects: string, other: string): void {
  const { fs } = platform;
  fs.makeDirectory(`${objects}/info`, { recursive: true });
  if (readAlternates(platform, objects).includes(other)) return;
  fs.appendFile(`${objects}/info/alternates`, encodeText(`${other}\n`));
}
