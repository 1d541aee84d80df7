import { GitError } from '../base/errors.js';
import { oidFromBytes } from '../base/oid.js';
import { readUint32, readUint64 } from '../platform/lazy-table.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';

interface Row {
  readonly offset: number;
  readonly oid: string;
  readonly crc?: number;
}

export const command = defineCommand({
  name: 'show-index',
  summary: 'Show packed archive index',
  usage: ['show-index [--object-format=<hash-algorithm>] < <pack-idx-file>'],
  options: { 'object-format': { type: 'string', value: 'hash-algorithm', help: 'specify the hash algorithm to use' } },
  async *run(context, args): AsyncGenerator<Row, void> {
    if (args.rest.length > 0) throw new UsageError('');
    const asked = args.values['object-format'];
    if (asked !== undefined && asked !== null && asked !== 'sha1' && asked !== 'sha256') {
      throw new GitError('USAGE', 'Unknown hash algorithm');
    }
    const length = (asked ?? context.maybeRepository()?.objectFormat ?? 'sha1') === 'sha1' ? 20 : 32;
    const bytes = context.io.stdin.readAll();
    if (bytes.length < 8) throw new GitError('OBJECT_CORRUPT', 'unable to read header');
    const isNew = readUint32(bytes, 0) === 0xff744f63;
    if (isNew && readUint32(bytes, 4) !== 2) throw new GitError('OBJECT_CORRUPT', 'unknown index version');
    const head = isNew ? 8 : 0;
    if (bytes.length < head + 1024) throw new GitError('OBJECT_CORRUPT', 'unable to read index');
    let count = 0;
    for (let i = 0; i < 256; i++) {
      const next = readUint32(bytes, head + 4 * i);
      if (next < count) throw new GitError('OBJECT_CORRUPT', 'corrupt index file');
      count = next;
    }
    const start = head + 1024;
    const need = start + count * (length + (isNew ? 8 : 4));
    if (bytes.length < need) throw new GitError('OBJECT_CORRUPT', 'unable to read entries');
    for (let i = 0; i < count; i++) {
      if (!isNew) {
        const at = start + i * (length + 4);
        yield { offset: readUint32(bytes, at), oid: oidFromBytes(bytes, at + 4, length) };
        continue;
      }
      const crc = readUint32(bytes, start + count * length + 4 * i);
      let offset = readUint32(bytes, start + count * (length + 4) + 4 * i);
      if (offset >= 0x80000000) {
        const at = need + 8 * (offset - 0x80000000);
        if (at + 8 > bytes.length) throw new GitError('OBJECT_CORRUPT', 'inconsistent 64b offset index');
        offset = readUint64(bytes, at);
      }
      yield { offset, oid: oidFromBytes(bytes, start + i * length, length), crc };
    }
  },
  render: ({ offset, oid, crc }) =>
    crc === undefined ? `${offset} ${oid}\n` : `${offset} ${oid} (${crc.toString(16).padStart(8, '0')})\n`,
});
