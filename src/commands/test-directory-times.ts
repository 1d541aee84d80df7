import * as fs from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { GitError } from '../base/errors.js';

/** Longer than the tick of any clock that files are stamped with. */
const PAUSE = 30;

/**
 * Tells whether a directory's time changes with the names in it, and only with them: that is what an untracked cache
 * relies on. Says what it does, a dot a step.
 */
export async function testDirectoryTimes(root: string, say: (text: string) => void): Promise<boolean> {
  say(`Testing mtime in '${root}' `);
  const directory = makeDirectory(root);
  const file = `${directory}/newfile`;
  const below = `${directory}/new-dir`;
  const steps: readonly (readonly [work: () => void, changes: boolean, what: string])[] = [
    [() => fs.writeFileSync(file, 'data'), true, 'does not change after adding a new file'],
    [() => fs.mkdirSync(below), true, 'does not change after adding a new directory'],
    [() => fs.writeFileSync(file, 'more data'), false, 'changes after updating a file'],
    [() => fs.writeFileSync(`${below}/new`, 'data'), false, 'changes after adding a file inside subdirectory'],
    [() => fs.unlinkSync(file), true, 'does not change after deleting a file'],
    [() => fs.rmSync(below, { recursive: true }), true, 'does not change after deleting a directory'],
  ];
  try {
    for (const [work, changes, what] of steps) {
      const before = fs.statSync(directory, { bigint: true }).mtimeNs;
      await setTimeout(PAUSE);
      work();
      if ((fs.statSync(directory, { bigint: true }).mtimeNs !== before) !== changes) {
        say(`\ndirectory stat info ${what}\n`);
        return false;
      }
      say('.');
    }
    say(' OK\n');
    return true;
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

function makeDirectory(root: string): string {
  try {
    return fs.mkdtempSync(`${root}/mtime-test-`);
  } catch {
    throw new GitError('USAGE', 'Could not make temporary directory');
  }
}
