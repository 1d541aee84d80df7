import { sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Bytes } from '../../base/bytes.js';
import { type HashAlgorithm, oidFromBytes } from '../../base/oid.js';
import type { Hasher } from '../platform.js';

type Noble = ReturnType<typeof sha1.create> | ReturnType<typeof sha256.create>;

class PortableHasher implements Hasher {
  readonly #hash: Noble;
  constructor(hash: Noble) {
    this.#hash = hash;
  }
  update(data: Bytes): Hasher {
    this.#hash.update(data);
    return this;
  }
  digest(): Bytes {
    return this.#hash.digest();
  }
  digestHex(): string {
    const raw = this.digest();
    return oidFromBytes(raw, 0, raw.length);
  }
  copy(): Hasher {
    return new PortableHasher(this.#hash.clone());
  }
}

/** @noble/hashes: the engine where there is no node:crypto, and the cross-check in tests. */
export const portableHasher = (algorithm: HashAlgorithm): Hasher =>
  new PortableHasher(algorithm === 'sha1' ? sha1.create() : sha256.create());

export function portableHash(algorithm: HashAlgorithm, ...chunks: readonly Bytes[]): string {
  const hasher = portableHasher(algorithm);
  for (const chunk of chunks) hasher.update(chunk);
  return hasher.digestHex();
}
