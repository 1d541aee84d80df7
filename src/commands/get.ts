import type { Bytes } from '../base/bytes.js';
import { decodeText, encodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { path as checkPath } from '../base/path.js';
import { formatMode } from '../objects/mode.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';
import { readOptions, typeNamed, valueTree } from './values.js';

interface Got {
  readonly path: string;
  readonly oid: Oid;
  readonly mode: string;
  readonly type: string;
  /** Decoded for a type other than bytes. */
  readonly value: unknown;
}

export const command = defineCommand({
  name: 'get',
  summary: 'Print one value of a branch',
  usage: ['get [--branch <branch> | --at <rev>] [--type <type>] <path>'],
  options: {
    ...readOptions,
    type: {
      type: 'string',
      value: 'type',
      help: 'decode it as this type, and print it as JSON (a counter as a number)',
    },
  },
  async *run(context, args) {
    const [given, ...more] = args.rest;
    if (given === undefined || more.length > 0) throw new UsageError();
    const path = checkPath(given);
    const type = typeNamed(args.values.type ?? 'bytes');
    const tree = await valueTree(context, args.values);
    const data = await tree.findBytes(path);
    if (data === undefined) {
      if ((await tree.kind(path)) === 'tree')
        context.hint(`'${path}' is a directory: 'bough list ${path}' shows what is in it`);
      return 1;
    }
    const entry = (await tree.entry(path))!;
    yield {
      path,
      oid: entry.oid!,
      mode: formatMode(entry.mode),
      type: type.name,
      value: type.decode(data),
    } satisfies Got;
    return 0;
  },
  render(got: Got): string | Bytes {
    if (got.type === 'bytes') return got.value as Bytes;
    return encodeText(`${JSON.stringify(plain(got.value), null, 2)}\n`);
  },
});

/** Sets and maps as JSON has them. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return decodeText(value);
  if (value instanceof Set) return [...value];
  if (value instanceof Map) return Object.fromEntries(value);
  return value;
}
