import { GitError } from '../base/errors.js';
import type { HashAlgorithm } from '../base/oid.js';
import { oidFromBytes } from '../base/oid.js';
import type { Platform } from '../platform/platform.js';
import { correctPackHead, installPack, openTemporary } from './index-pack.js';
import type { IndexFormat } from './index-writer.js';
import { serializeIndex, serializeReverse } from './index-writer.js';
import type { PackBuilder, WrittenRows } from './pack-builder.js';

export interface WritePackOptions {
  readonly platform: Platform;
  readonly algorithm: HashAlgorithm;
  /** Path and beginning of the name: `objects/pack/pack` gives `objects/pack/pack-<checksum>.pack`. */
  readonly base: string;
  /** Bytes a pack may have; 0: no limit. */
  readonly maxSize?: number | undefined;
  readonly format?: IndexFormat | undefined;
  readonly reverse?: boolean | undefined;
  readonly sync?: boolean | undefined;
  readonly syncMetadata?: boolean | undefined;
  readonly promisor?: string | undefined;
  /** Called before a pack becomes visible: more files to put beside it (`.mtimes`, `.bitmap`). */
  readonly companions?: ((path: string, rows: WrittenRows, order: Uint32Array) => void) | undefined;
}

/** Writes what the builder holds as one or more packs with their indexes; answers their checksums, in order. */
export async function writePackFiles(builder: PackBuilder, options: WritePackOptions): Promise<string[]> {
  const { platform, algorithm } = options;
  const { fs } = platform;
  const directory = options.base.slice(0, Math.max(0, options.base.lastIndexOf('/')));
  const checksums: string[] = [];
  await builder.prepare();
  do {
    const handle = openTemporary(platform, directory === '' ? '.' : directory, 'tmp_pack_');
    let done = false;
    try {
      const chunks = builder.chunks(options.maxSize ?? 0);
      let step = await chunks.next();
      while (step.done !== true) {
        handle.write(step.value);
        step = await chunks.next();
      }
      const rows = step.value;
      let { checksum } = rows;
      if (!builder.finished && rows.count === 0) throw new GitError('BUG', 'a pack of nothing was written');
      if (rows.claimed !== rows.count) {
        checksum = correctPackHead(platform, algorithm, handle, rows.count, rows.size - checksum.length);
      }
      if (options.sync !== false) handle.sync();
      handle.close();
      const { bytes, order } = serializeIndex(platform, algorithm, rows, checksum, options.format);
      const reverse = serializeReverse(platform, algorithm, rows, order, checksum);
      const hex = oidFromBytes(checksum, 0, checksum.length);
      const path = `${options.base}-${hex}`;
      options.companions?.(path, rows, order);
      installPack(fs, handle.path, path, { index: bytes, reverse }, options);
      checksums.push(hex);
      done = true;
    } finally {
      if (!done) {
        try {
          handle.close();
        } catch {
          // Closed already.
        }
        fs.remove(handle.path);
      }
    }
  } while (!builder.finished);
  return checksums;
}
