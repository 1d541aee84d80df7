import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { FsckRules } from '../objects/fsck.js';
import type { Repository } from './repository.js';

/** Applies `<section>.<msg-id>` and `<section>.skipList` (`fsck`, `receive.fsck`, `fetch.fsck`). Throws `CONFIG`. */
export function readFsckConfig(
  repository: Repository,
  rules: FsckRules,
  section = 'fsck',
  warn?: (message: string) => void,
): void {
  for (const entry of repository.config.entries()) {
    if (!entry.key.startsWith(`${section}.`)) continue;
    const name = entry.key.slice(section.length + 1);
    if (name.includes('.')) continue;
    if (entry.value === undefined) throw new GitError('CONFIG', `missing value for '${entry.key}'`);
    if (name === 'skiplist') {
      const path = repository.fromTop(repository.config.expandPath(entry.value));
      const bytes = repository.platform.fs.readFile(path);
      if (bytes === undefined) throw new GitError('CONFIG', `could not open object name list: ${entry.value}`);
      rules.skip(decodeText(bytes), repository.objectFormat);
    } else if (!FsckRules.isKnown(name)) warn?.(`skipping unknown msg id '${name}'`);
    else rules.set(name, entry.value);
  }
}
