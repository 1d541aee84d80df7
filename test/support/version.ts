import { spawnSync } from 'node:child_process';
import { stockGit } from './sandbox.js';

const [major, minor] = /(\d+)\.(\d+)/
  .exec(spawnSync(stockGit, ['version']).stdout.toString())!
  .slice(1)
  .map(Number) as [number, number];

/** Whether stock git is 2.`other` or newer. Tests that need that say so in their names, which the run lists when it skips them. */
export const since = (other: number): boolean => major > 2 || minor >= other;

/** Whether stock git is the version that bough follows. What changed on the way to it is compared with no older one. */
export const current = since(55);
