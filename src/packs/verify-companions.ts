import type { HashAlgorithm } from '../base/oid.js';
import { equalBytes } from '../base/bytes.js';
import { rawLength } from '../base/oid.js';
import { readUint32 } from '../platform/lazy-table.js';
import type { Platform } from '../platform/platform.js';
import type { PackFile } from './pack-file.js';

/** What lies beside a pack and can be wrong by itself: its reverse index, and its bitmap. */
export interface CompanionFaults {
  /** Nothing of the file can be believed. */
  readonly unusable: boolean;
  readonly messages: readonly string[];
}

const REVERSE_SIGNATURE = 0x52494458;
const HEAD = 12;

/** Faults of the `.rev` file of a pack; `undefined` where there is none. `shown`: its name in messages. */
export function verifyReverseIndex(
  platform: Platform,
  algorithm: HashAlgorithm,
  pack: PackFile,
  shown: string,
): CompanionFaults | undefined {
  const bytes = platform.fs.readFile(pack.path.replace(/\.pack$/, '.rev'));
  if (bytes === undefined) return undefined;
  const length = rawLength(algorithm);
  const unusable = (why: string): CompanionFaults => ({
    unusable: true,
    messages: [`reverse-index file ${shown} ${why}`],
  });
  if (bytes.length < HEAD + 2 * length) return unusable('is too small');
  if (bytes.length !== HEAD + 4 * pack.index.count + 2 * length) return unusable('is corrupt');
  if (readUint32(bytes, 0) !== REVERSE_SIGNATURE) return unusable('has unknown signature');
  const version = readUint32(bytes, 4);
  if (version !== 1) return unusable(`has unsupported version ${version}`);
  const hash = readUint32(bytes, 8);
  if (hash !== (algorithm === 'sha1' ? 1 : 2)) return unusable(`has unsupported hash id ${hash}`);
  const messages: string[] = [];
  if (!trailerHolds(platform, algorithm, bytes)) messages.push('invalid checksum');
  const order = pack.index.packOrder;
  for (let i = 0; i < order.length; i++) {
    const row = readUint32(bytes, HEAD + 4 * i);
    if (row !== order[i]!) messages.push(`invalid rev-index position at ${i}: ${order[i]!} != ${row}`);
  }
  return { unusable: false, messages };
}

/** Whether a file ends in the checksum of what is before it. */
export function trailerHolds(platform: Platform, algorithm: HashAlgorithm, bytes: Uint8Array): boolean {
  const end = bytes.length - rawLength(algorithm);
  if (end < 0) return false;
  const sum = platform.hasher(algorithm).update(bytes.subarray(0, end)).digest();
  return equalBytes(sum, bytes.subarray(end));
}
