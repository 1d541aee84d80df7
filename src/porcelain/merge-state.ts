import { decodeText, encodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { isOid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';

/** A state file of the git directory (`MERGE_HEAD`, `MERGE_MSG`…) as text, `undefined` where there is none. */
export function readState(repository: Repository, name: string): string | undefined {
  const bytes = repository.platform.fs.readFile(repository.path(name));
  return bytes === undefined ? undefined : decodeText(bytes);
}

export function writeState(repository: Repository, name: string, text: string): void {
  repository.platform.fs.writeFile(repository.path(name), encodeText(text));
}

export const removeState = (repository: Repository, ...names: readonly string[]): void => {
  for (const name of names) repository.platform.fs.remove(repository.path(name));
};

export const hasState = (repository: Repository, name: string): boolean =>
  repository.platform.fs.lstat(repository.path(name)) !== undefined;

/** The ids of a state file, one a line. */
export function readStateOids(repository: Repository, name: string): Oid[] {
  return (readState(repository, name) ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter(isOid);
}

/** What a merge leaves while it is under way; all of it goes when it ends. */
export function removeMergeState(repository: Repository): void {
  removeState(repository, 'MERGE_HEAD', 'MERGE_RR', 'MERGE_MSG', 'MERGE_MODE', 'AUTO_MERGE');
}
