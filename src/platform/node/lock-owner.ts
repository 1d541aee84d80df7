import * as fs from 'node:fs';
import { os } from './builtins.js';
import type { LockOwner } from '../fs.js';

/** Machine and process-id space: a lock left on a shared disk by another machine, or in another container, is never ours to judge. */
function place(): string {
  let space = '';
  try {
    space = fs.readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
  } catch {
    // Not Linux: the host's name has to do.
  }
  return `${os()
    .hostname()
    .replace(/[^A-Za-z0-9]/g, '')}-${space}`;
}

let ownPlace: string | undefined;

export const nodeLockOwner: LockOwner = {
  get tag() {
    ownPlace ??= place();
    return `${ownPlace}-${process.pid}`;
  },
  isDead(tag) {
    ownPlace ??= place();
    if (!tag.startsWith(`${ownPlace}-`)) return false;
    const pid = Number(tag.slice(ownPlace.length + 1));
    if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
    try {
      process.kill(pid, 0);
      return false;
    } catch (error) {
      return (error as { code?: string }).code === 'ESRCH';
    }
  },
};
