import { encodeText } from '../../base/bytes.js';
import type { Oid } from '../../base/oid.js';
import type { FileSystem } from '../fs.js';
import type { Platform } from '../platform.js';
import { portableHash, portableHasher } from './hash.js';
import { MemoryFileSystem } from './memory-fs.js';
import { portableZlib } from './zlib.js';

/** pako, @noble/hashes and a file system in memory (or one of yours): runs wherever JavaScript does. */
export function portablePlatform(options: { fs?: FileSystem; now?: () => number } = {}): Platform {
  const now = options.now ?? (() => Date.now());
  return {
    fs: options.fs ?? new MemoryFileSystem(now),
    zlib: portableZlib,
    fetch: globalThis.fetch,
    hasher: portableHasher,
    hash: portableHash,
    hashObject: (algorithm, kind, data) =>
      portableHash(algorithm, encodeText(`${kind} ${data.length}\0`), data) as Oid<typeof kind>,
    now,
    timezoneOffset: (milliseconds) => -new Date(milliseconds).getTimezoneOffset(),
    randomBytes: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)),
    pid: 1,
    hostName: 'localhost',
    systemName: 'portable',
  };
}
