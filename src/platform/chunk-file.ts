import { GitError } from '../base/errors.js';
import type { ReadHandle } from './fs.js';
import { readUint32, readUint64 } from './lazy-table.js';

export interface Chunk {
  readonly start: number;
  readonly size: number;
}

/**
 * The table of contents of git's chunk files (multi-pack-index, commit-graph): four-letter names and where they lie.
 * `tableAt`: where the table starts; `count`: how many chunks; `trailer`: length of the checksum behind the last one.
 */
export function readChunks(
  handle: ReadHandle,
  tableAt: number,
  count: number,
  trailer: number,
  what: string,
  /** What the start of each chunk is a multiple of. */
  alignment = 1,
): ReadonlyMap<string, Chunk> {
  const corrupt = (why: string): GitError => new GitError('OBJECT_CORRUPT', why, { data: { what } });
  const table = handle.read(tableAt, (count + 1) * 12);
  if (table.length < (count + 1) * 12) throw corrupt(`${what} is too small`);
  const chunks = new Map<string, Chunk>();
  for (let i = 0; i < count; i++) {
    const id = readUint32(table, 12 * i);
    if (id === 0) throw corrupt('terminating chunk id appears earlier than expected');
    const start = readUint64(table, 12 * i + 4);
    const next = readUint64(table, 12 * i + 16);
    if (start % alignment !== 0) throw corrupt(`chunk id ${id.toString(16)} not ${alignment}-byte aligned`);
    if (next < start || next > handle.size - trailer) {
      throw corrupt(`improper chunk offset(s) ${start.toString(16)} and ${next.toString(16)}`);
    }
    const name = String.fromCharCode(id >>> 24, (id >>> 16) & 255, (id >>> 8) & 255, id & 255);
    if (chunks.has(name)) throw corrupt(`duplicate chunk ID ${id.toString(16)} found`);
    chunks.set(name, { start, size: next - start });
  }
  if (readUint32(table, 12 * count) !== 0) {
    throw corrupt(`final chunk has non-zero id ${readUint32(table, 12 * count).toString(16)}`);
  }
  return chunks;
}
