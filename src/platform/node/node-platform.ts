import type { Bytes } from '../../base/bytes.js';
import { encodeText, putUnits } from '../../base/bytes.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../../base/oid.js';
import type { Platform } from '../platform.js';
import { os } from './builtins.js';
import { nodeFileSystem } from './fs.js';
import { nodeHash, nodeHasher, nodeRandomBytes } from './hash.js';
import { nodeNetwork } from './network.js';
import { nodeProcesses } from './processes.js';
import { nodeThreads } from './threads.js';
import { nodeZlib } from './zlib.js';

/** Objects up to this size are copied behind their header, so that one one-shot hash call does it. */
const ONE_SHOT = 16384;
const scratch = new Uint8Array(ONE_SHOT + 64);

function hashObject<K extends ObjectKind>(algorithm: HashAlgorithm, kind: K, data: Bytes): Oid<K> {
  const header = `${kind} ${data.length}\0`;
  if (data.length <= ONE_SHOT) {
    putUnits(header, scratch, 0);
    scratch.set(data, header.length);
    return nodeHash(algorithm, scratch.subarray(0, header.length + data.length)) as Oid<K>;
  }
  return nodeHash(algorithm, encodeText(header), data) as Oid<K>;
}

/** Node's own file system, zlib, crypto and processes. */
export const nodePlatform: Platform = {
  fs: nodeFileSystem,
  // Loaded when first asked for, as is the network: most commands start no process and read no object.
  get zlib() {
    return nodeZlib;
  },
  get processes() {
    return nodeProcesses;
  },
  // Asked for late: Node loads its whole HTTP client at the first look.
  get fetch() {
    return globalThis.fetch;
  },
  get network() {
    return nodeNetwork;
  },
  get threads() {
    return nodeThreads;
  },
  hasher: (algorithm) => nodeHasher(algorithm),
  hash: (algorithm, ...chunks) => nodeHash(algorithm, ...chunks),
  hashObject,
  now: () => Date.now(),
  timezoneOffset: (milliseconds) => -new Date(milliseconds).getTimezoneOffset(),
  randomBytes: (length) => nodeRandomBytes(length),
  pid: process.pid,
  get hostName() {
    return os().hostname();
  },
  get systemName() {
    return os().type();
  },
  userId: process.getuid?.(),
  account() {
    try {
      const user = os().userInfo();
      return { login: user.username, name: user.username, home: user.homedir };
    } catch {
      return undefined;
    }
  },
};
