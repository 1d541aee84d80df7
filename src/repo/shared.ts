import { GitError } from '../base/errors.js';
import type { FileSystem } from '../platform/fs.js';
import { parseBool } from './config-values.js';

/**
 * `core.sharedRepository`: `undefined` leaves permissions to the umask; `add` bits are given on top of them; `exact`
 * bits replace them (`0640`).
 */
export type Sharing =
  | undefined
  | { readonly kind: 'add'; readonly bits: number }
  | { readonly kind: 'exact'; readonly bits: number };

const GROUP = 0o660;
const EVERYBODY = 0o664;

/** Reads the value; `name` is what an error calls it. Throws `CONFIG`. */
export function parseSharing(value: string | undefined, name = 'core.sharedrepository'): Sharing {
  if (value === undefined || value === 'group') return { kind: 'add', bits: GROUP };
  if (value === 'umask') return undefined;
  if (value === 'all' || value === 'world' || value === 'everybody') return { kind: 'add', bits: EVERYBODY };
  if (!/^[0-7]+$/.test(value)) {
    const bool = parseBool(value);
    if (bool === undefined) throw new GitError('CONFIG', `bad boolean config value '${value}' for '${name}'`);
    return bool ? { kind: 'add', bits: GROUP } : undefined;
  }
  const mode = Number.parseInt(value, 8);
  // The plain numbers 0, 1 and 2 are how `init` writes umask, group and everybody.
  if (mode === 0) return undefined;
  if (mode === 1) return { kind: 'add', bits: GROUP };
  if (mode === 2) return { kind: 'add', bits: EVERYBODY };
  if ((mode & 0o600) !== 0o600) {
    throw new GitError(
      'CONFIG',
      `problem with core.sharedRepository filemode value (0${mode.toString(8).padStart(3, '0')}).\n` +
        'The owner of files must always have read and write permissions.',
    );
  }
  return { kind: 'exact', bits: mode & 0o666 };
}

/** The value as `init` writes it into the configuration. */
export function sharingText(sharing: NonNullable<Sharing>): string {
  if (sharing.kind === 'exact') return `0${sharing.bits.toString(8)}`;
  return sharing.bits === GROUP ? '1' : '2';
}

/** The permission bits a file of `mode` should have. */
export function sharedMode(sharing: NonNullable<Sharing>, mode: number, directory = false): number {
  let bits = sharing.bits;
  // What its owner may not write, nobody may.
  if ((mode & 0o200) === 0) bits &= ~0o222;
  if ((mode & 0o100) !== 0) bits |= (bits & 0o444) >> 2;
  let result = sharing.kind === 'exact' ? (mode & ~0o777) | bits : mode | bits;
  if (directory) {
    result |= (result & 0o444) >> 2;
    result |= 0o2000;
  }
  return result & 0o7777;
}

/** Gives a file or directory just made the permissions the sharing asks for. */
export function adjustShared(fs: FileSystem, sharing: Sharing, path: string): void {
  if (sharing === undefined) return;
  const stat = fs.lstat(path);
  if (stat === undefined || stat.kind === 'symlink') return;
  const directory = stat.kind === 'directory';
  const mode = sharedMode(sharing, stat.mode & 0o7777, directory);
  if (mode !== (stat.mode & 0o7777)) fs.chmod(path, mode);
}
