import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { rawLength, writeOid } from '../base/oid.js';
import type { RawObject } from '../objects/source.js';
import type { Platform } from '../platform/platform.js';
import { BaseCache } from './base-cache.js';
import { BufferPool } from './buffer-pool.js';
import { PackFile } from './pack-file.js';
import { PackIndex } from './pack-index.js';
import { WindowCache } from './window-cache.js';

/** Reads objects of a pack that is in no store yet, by an index that is held in memory. */
export class PackReader {
  readonly #pack: PackFile;
  readonly #raw: Bytes;

  constructor(platform: Platform, path: string, index: Bytes, algorithm: HashAlgorithm) {
    const pool = new BufferPool(4 << 20);
    this.#raw = new Uint8Array(rawLength(algorithm));
    this.#pack = new PackFile(
      {
        platform,
        pool,
        windows: new WindowCache(4 << 20),
        bases: new BaseCache(8 << 20, pool),
        inflater: platform.zlib.inflater(),
        scratch: (size) => new Uint8Array(size),
      },
      path,
      PackIndex.of(platform.fs, path, index, this.#raw.length),
    );
    if (!this.#pack.open()) throw new GitError('PATH_MISSING', `cannot open packfile '${path}'`);
  }

  read(oid: Oid): RawObject | undefined {
    writeOid(oid, this.#raw, 0);
    const row = this.#pack.index.find(this.#raw);
    return row < 0 ? undefined : this.#pack.read(this.#pack.index.offsetAt(row));
  }

  close(): void {
    this.#pack.close();
  }
}
