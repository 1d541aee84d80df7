import type { Bytes } from '../base/bytes.js';
import type { FileSystem } from '../platform/fs.js';
import { systemMessage } from '../platform/system-message.js';

/** A file of ignore rules or attributes, and how to read it. */
export interface RulesFile {
  readonly path: string;
  /** As messages show it. */
  readonly name: string;
  /** Also through a symbolic link: only for files outside the work tree. */
  readonly follow: boolean;
  readonly warn: ((message: string) => void) | undefined;
  /** Larger files are passed over. */
  readonly tooLarge?: { readonly bytes: number; readonly message: string };
}

/** What the file holds. One that cannot be read counts as absent, with a warning: no command fails because of it. */
export function readRulesFile(fs: FileSystem, file: RulesFile): Bytes | undefined {
  const { path, name, warn, tooLarge } = file;
  try {
    const stat = file.follow ? fs.stat(path) : fs.lstat(path);
    if (stat?.kind === 'symlink') throw Object.assign(new Error(path), { code: 'ELOOP' });
    if (stat?.kind !== 'file') return undefined;
    if (tooLarge === undefined || stat.size < tooLarge.bytes) return fs.readFile(path);
    warn?.(tooLarge.message);
  } catch (error) {
    if ((error as { code?: string }).code === undefined) throw error;
    warn?.(`unable to access '${name}': ${systemMessage(error)}`);
  }
  return undefined;
}
