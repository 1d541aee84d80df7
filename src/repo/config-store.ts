import { systemMessage } from '../platform/system-message.js';
import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { FileSystem } from '../platform/fs.js';
import { LockFile } from '../platform/lock.js';
import type { ParsedConfigFile } from './config-file.js';
import { parseConfigFile } from './config-file.js';

/** The file could not be changed: git's commands end with their own exit code then. */
export class ConfigWriteFault extends GitError {}

/**
 * Changes a configuration file under its lock. `change` answers the new text (or throws, and nothing happens); its
 * permissions stay as they were. `name` is what messages call the file.
 */
export function changeConfigFile(
  fs: FileSystem,
  path: string,
  name: string,
  change: (file: ParsedConfigFile) => string,
): void {
  let lock: LockFile | undefined;
  try {
    lock = LockFile.tryAcquire(fs, path);
  } catch (cause) {
    throw new ConfigWriteFault('LOCKED', `could not lock config file ${name}: ${systemMessage(cause)}`, { cause });
  }
  if (lock === undefined) throw new ConfigWriteFault('LOCKED', `could not lock config file ${name}: File exists`);
  try {
    const bytes = fs.readFile(lock.path);
    const before = bytes === undefined ? '' : decodeText(bytes);
    const file = parseConfigFile(before);
    if (file.faultLine !== undefined) throw new GitError('CONFIG', `bad config line ${file.faultLine} in file ${name}`);
    const after = change(file);
    if (after === before && bytes !== undefined) return;
    lock.write(encodeText(after));
    lock.close();
    const stat = fs.stat(lock.path);
    if (stat !== undefined) fs.chmod(lock.lockPath, stat.mode & 0o7777);
    lock.commit();
  } finally {
    lock.rollback();
  }
}
