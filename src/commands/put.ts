import type { Bytes } from '../base/bytes.js';
import { concatBytes, decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { isOid } from '../base/oid.js';
import { path as checkPath } from '../base/path.js';
import { BulkWriter } from '../packs/bulk-writer.js';
import { bulkBackend } from '../store/bulk.js';
import type { Info, Written } from '../store/store.js';
import type { Tree } from '../store/tree.js';
import { defineCommand, type CommandContext } from './command.js';
import { UsageError } from './options.js';
import { renderWritten, typeNamed, type ValueWritten, valueStore, writeOptions } from './values.js';

const newline = encodeText('\n');

/** Values of a stream: `PATH TAB VALUE` lines, or with `-z` a path and a value each ended by NUL. */
function* readStream(context: CommandContext, nul: boolean): Generator<readonly [string, Bytes]> {
  const { stdin } = context.io;
  for (;;) {
    const row = stdin.readUntil(nul ? 0 : 0x0a);
    if (row === undefined) return;
    if (nul) {
      const value = stdin.readUntil(0);
      if (value === undefined)
        throw new GitError('USAGE', `no value after path '${decodeText(row)}'`, {
          hint: 'with -z, paths and values alternate, each ended by a NUL byte',
        });
      yield [decodeText(row), value];
      continue;
    }
    if (row.length === 0) continue;
    const tab = row.indexOf(9);
    if (tab < 0)
      throw new GitError('USAGE', `no tab in line '${decodeText(row)}'`, {
        hint: 'each line is PATH<TAB>VALUE; use -z for values with newlines',
      });
    yield [decodeText(row.subarray(0, tab)), concatBytes([row.subarray(tab + 1), newline])];
  }
}

export const command = defineCommand({
  name: 'put',
  summary: 'Set one value on a branch, or many, as one commit',
  usage: [
    'put [--branch <branch>] [-m <msg>] [--type <type>] [--expect (<oid> | absent)] <path> [<value> | -]',
    'put [--branch <branch>] [-m <msg>] [--type <type>] --stdin [-z]',
  ],
  options: {
    ...writeOptions,
    stdin: { type: 'flag', help: 'read many values, <path> TAB <value> a line, and commit them together' },
    z: {
      type: 'flag',
      short: 'z',
      shortOnly: true,
      help: 'with --stdin: paths and values alternate, each ended by NUL',
    },
    type: { type: 'string', value: 'type', help: 'refuse what is no value of this type' },
    expect: {
      type: 'string',
      value: 'oid|absent',
      help: 'only where the value there has this id, or where there is none',
    },
    'no-newline': { type: 'flag', short: 'n', help: 'do not end <value> with a newline' },
  },
  async *run(context, args) {
    const { values, rest } = args;
    const type = typeof values.type === 'string' ? typeNamed(values.type) : undefined;
    const unique = type?.sameChange === 'ask';
    const check = (path: string, data: Bytes): Bytes => {
      if (type === undefined) return data;
      try {
        type.decode(data);
      } catch (error) {
        throw new GitError('USAGE', `the value for '${path}' is no ${type.name}: ${(error as Error).message}`, {
          data: { path },
        });
      }
      return data;
    };
    const store = await valueStore(context, values.branch);
    if (values.stdin === true) {
      if (rest.length > 0) throw new UsageError('--stdin takes no <path>', { fatal: true });
      const result = await putMany(context, store, readStream(context, values.z === true), check, values, unique);
      if (values.quiet !== true || context.json) yield result;
      return 0;
    }
    const [given, value, ...more] = rest;
    if (given === undefined || more.length > 0) throw new UsageError();
    const path = checkPath(given);
    const data = check(
      path,
      value === undefined || value === '-'
        ? context.io.stdin.readAll()
        : encodeText(values['no-newline'] === true || value.endsWith('\n') ? value : `${value}\n`),
    );
    const info: Info = { message: values.message ?? `put ${path}`, unique };
    const result: ValueWritten = await putOne(store, path, data, values.expect, info);
    if (result.status === 'mismatch') {
      context.error(`'${path}' is ${result.actual === 'absent' ? 'absent' : result.actual}, not ${values.expect}`);
      context.hint('read it again and decide anew; nothing was written');
    }
    if (values.quiet !== true || context.json) yield result;
    return result.status === 'mismatch' ? 1 : 0;
  },
  render: renderWritten,
});

type BytesStore = Awaited<ReturnType<typeof valueStore>>;

async function putOne(
  store: BytesStore,
  path: string,
  data: Bytes,
  expect: string | null | undefined,
  info: Info,
): Promise<ValueWritten> {
  const about = { branch: store.branch, paths: [path], subject: info.message.split('\n', 1)[0] };
  if (expect === null || expect === undefined) return { ...about, ...(await store.put(path, data, info)) };
  if (expect !== 'absent' && !isOid(expect))
    throw new GitError('USAGE', `not a full object id: '${expect}'`, {
      hint: "'bough get --json <path>' shows a value's id",
    });
  let actual: ValueWritten['actual'];
  const written = await store.commit(async (tree) => {
    const entry = (await tree.kind(path)) === 'value' ? (await tree.entry(path))!.oid! : 'absent';
    actual = entry === expect ? undefined : entry;
    return actual === undefined ? tree.put(path, data) : tree;
  }, info);
  return actual === undefined ? { ...about, ...written } : { ...about, status: 'mismatch', actual };
}

/** From this many values on they go into one pack. */
const BULK = 100;

function packWriter(context: CommandContext): BulkWriter {
  const { platform, objectFormat, objects, objectsDirectory, packSync } = context.repository();
  return new BulkWriter({
    platform,
    algorithm: objectFormat,
    packDirectory: `${objectsDirectory}/pack`,
    below: objects,
    ...packSync,
  });
}

async function putMany(
  context: CommandContext,
  store: BytesStore,
  rows: Iterable<readonly [string, Bytes]>,
  check: (path: string, data: Bytes) => Bytes,
  values: { message?: string | null },
  unique: boolean,
): Promise<ValueWritten> {
  const progress = context.progress('Reading values');
  const edits: (readonly [string, Bytes])[] = [];
  for (const [path, data] of rows) {
    edits.push([checkPath(path), check(path, data)]);
    progress.update(edits.length);
  }
  progress.done();
  const info: Info = { message: values.message ?? `put ${edits.length} value${edits.length === 1 ? '' : 's'}`, unique };
  const put = async (tree: Tree<Bytes>): Promise<Tree<Bytes>> => {
    const writing = context.progress('Putting values', { total: edits.length });
    let done = 0;
    for (const [path, data] of edits) {
      tree = await tree.put(path, data);
      writing.update(++done);
    }
    writing.done();
    return tree;
  };
  const bulk = edits.length < BULK ? undefined : bulkBackend(store.backend, () => packWriter(context));
  const target = bulk === undefined ? store : store.over(bulk);
  let written: Written;
  try {
    written = await target.commit(put, info);
  } finally {
    bulk?.discard();
  }
  return {
    branch: store.branch,
    paths: edits.map(([path]) => path),
    subject: info.message.split('\n', 1)[0],
    ...written,
  };
}
