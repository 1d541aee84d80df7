import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { FsckRules } from '../objects/fsck.js';
import type { ConfigEntry } from './config.js';
import type { Repository } from './repository.js';

/** Settings of one section, in order: names of messages in lower case, or `skiplist`. */
export type FsckSettings = readonly (readonly [name: string, value: string])[];

/**
 * Reads `<section>.<msg-id>` and `<section>.skipList` (`fsck`, `receive.fsck`, `fetch.fsck`). `fsck` itself does not
 * take a name it does not know; the others tell it and go on. Throws `CONFIG`.
 */
export function readFsckSettings(
  repository: Repository,
  section: string,
  warn?: (message: string) => void,
): FsckSettings {
  const settings: (readonly [string, string])[] = [];
  for (const entry of repository.config.entries()) {
    if (!entry.key.startsWith(`${section}.`)) continue;
    const name = entry.key.slice(section.length + 1);
    if (name.includes('.')) continue;
    if (entry.value === undefined) throw withoutValue(entry);
    if (name !== 'skiplist' && section !== 'fsck') {
      if (!FsckRules.isKnown(name)) {
        warn?.(`${section === 'receive.fsck' ? 'skipping' : 'Skipping'} unknown msg id '${name}'`);
        continue;
      }
      FsckRules.checkLevel(name, entry.value);
    }
    settings.push([name, entry.value]);
  }
  return settings;
}

function withoutValue({ key, origin, line }: ConfigEntry): GitError {
  return new GitError(
    'CONFIG',
    origin.kind === 'file'
      ? `bad config variable '${key}' in file '${origin.name}' at line ${line}`
      : `unable to parse '${key}' from command-line config`,
    { data: { key, preface: `error: missing value for '${key}'\n` } },
  );
}

export function applyFsckSettings(repository: Repository, rules: FsckRules, settings: FsckSettings): void {
  for (const [name, value] of settings) {
    if (name === 'skiplist') {
      readSkipList(repository, rules, value);
    } else rules.set(name, value);
  }
}

function readSkipList(repository: Repository, rules: FsckRules, shown: string): void {
  const path = repository.fromTop(repository.config.expandPath(shown));
  const bytes = repository.platform.fs.readFile(path);
  if (bytes === undefined) throw new GitError('CONFIG', `could not open object name list: ${shown}`);
  rules.skip(decodeText(bytes), repository.objectFormat);
}

/** Applies a section's settings. Throws `CONFIG`. */
export function readFsckConfig(
  repository: Repository,
  rules: FsckRules,
  section = 'fsck',
  warn?: (message: string) => void,
): void {
  applyFsckSettings(repository, rules, readFsckSettings(repository, section, warn));
}
