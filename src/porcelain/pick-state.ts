import { decodeText } from '../base/bytes.js';
import type { Repository } from '../repo/repository.js';

/**
 * Ends the cherry-pick or revert that a commit (or a reset) has settled. The sequence it belongs to goes with it only
 * when it was the last one; otherwise `--continue` finds the rest.
 */
export function endPick(repository: Repository): void {
  const { fs } = repository.platform;
  let ended = false;
  for (const name of ['CHERRY_PICK_HEAD', 'REVERT_HEAD']) if (fs.remove(repository.path(name))) ended = true;
  if (!ended) return;
  const todo = fs.readFile(repository.path('sequencer/todo'));
  const lines =
    todo === undefined
      ? []
      : decodeText(todo)
          .split('\n')
          .filter((line) => line.trim() !== '');
  if (todo !== undefined && lines.length <= 1) fs.removeRecursive(repository.path('sequencer'));
}
