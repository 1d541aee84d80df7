import type { Oid } from '../base/oid.js';
import { path as checkPath } from '../base/path.js';
import { formatMode } from '../objects/mode.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';
import { readOptions, valueTree } from './values.js';

interface Row {
  readonly path: string;
  readonly kind: 'value' | 'tree' | 'submodule';
  readonly mode: string;
  readonly oid?: Oid | undefined;
  readonly size?: number | undefined;
  /** How to print it: not data. */
  readonly long: boolean;
  readonly end: string;
}

export const command = defineCommand({
  name: 'list',
  summary: 'List what is below a path of a branch, in git’s order',
  usage: ['list [--branch <branch> | --at <rev>] [-r] [-l] [-z] [<path>]'],
  options: {
    ...readOptions,
    recursive: { type: 'flag', short: 'r', help: 'every value below, with its whole path' },
    long: { type: 'flag', short: 'l', help: 'mode, kind, id and size too' },
    z: { type: 'flag', short: 'z', shortOnly: true, help: 'end each with NUL instead of a newline' },
  },
  async *run(context, args) {
    if (args.rest.length > 1) throw new UsageError();
    const at = checkPath(args.rest[0] ?? '');
    const { values } = args;
    const tree = await valueTree(context, values);
    const kind = await tree.kind(at);
    if (kind === undefined) return at === '' ? 0 : 1;
    const objects = context.repository().objects;
    const long = values.long === true;
    const end = values.z === true ? '\0' : '\n';
    const short = (path: string, what: Row['kind'], mode: number, oid: Oid | undefined): Row => ({
      path,
      kind: what,
      mode: formatMode(mode),
      oid,
      long,
      end,
    });
    const withSize = async (row: Row): Promise<Row> =>
      row.kind === 'value' && row.oid !== undefined ? { ...row, size: (await objects.readHeader(row.oid))?.size } : row;
    if (kind !== 'tree') {
      const entry = (await tree.entry(at))!;
      const row = short(at, kind, entry.mode, entry.oid);
      yield long ? await withSize(row) : row;
    } else if (values.recursive === true) {
      for await (const { path, mode, oid } of tree.values(at)) {
        const row = short(path, 'value', mode, oid);
        yield long ? await withSize(row) : row;
      }
    } else {
      for await (const { step, kind: what, mode, oid } of tree.list(at)) {
        const row = short(step, what, mode, oid);
        yield long ? await withSize(row) : row;
      }
    }
    return 0;
  },
  render(row: Row): string {
    const name = row.kind === 'tree' ? `${row.path}/` : row.path;
    if (!row.long) return name + row.end;
    return `${row.mode} ${row.kind.padEnd(9)} ${row.oid} ${String(row.size ?? '-').padStart(7)}\t${name}${row.end}`;
  },
});
