import { rmSync } from 'node:fs';

/** Removes a folder, though a command that goes on in the background may still be writing there. */
export function removeFolder(path: string): void {
  for (let turn = 0; ; turn++) {
    try {
      rmSync(path, { recursive: true, force: true });
      return;
    } catch (error) {
      if (turn === 40) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    }
  }
}
