import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { unquotePath } from '../base/quote.js';
import { kindOfMode } from '../objects/mode.js';
import type { TreeEntry } from '../objects/tree.js';
import { serializeTree } from '../objects/tree.js';
import type { Repository } from '../repo/repository.js';
import { isFullHex } from '../repo/revision-short.js';
import { defineCommand } from './command.js';

export const command = defineCommand({
  name: 'mktree',
  summary: 'make a tree object of ls-tree formatted text',
  usage: ['mktree [-z] [--missing] [--batch]'],
  options: {
    z: { type: 'flag', short: 'z', shortOnly: true, help: 'input is NUL terminated' },
    missing: { type: 'flag', help: 'allow missing objects' },
    batch: { type: 'flag', help: 'allow creation of more than one tree' },
  },
  async *run(context, { values }): AsyncGenerator<{ oid: Oid<'tree'> }, void> {
    const repository = context.repository();
    const nul = values.z === true;
    let rows: TreeEntry[] = [];
    const write = async (): Promise<{ oid: Oid<'tree'> }> => {
      const oid = await repository.objects.write('tree', serializeTree(rows, { sorted: true }));
      rows = [];
      return { oid };
    };
    let wrote = false;
    for (const line of context.io.stdin.lines(nul ? 0 : 10)) {
      if (line === '') {
        if (values.batch !== true)
          throw new GitError('USAGE', 'input format error: (blank line only valid in batch mode)');
        yield await write();
        context.io.stdout.flush();
        wrote = true;
        continue;
      }
      wrote = false;
      rows.push(await readRow(repository, line, nul, values.missing === true));
    }
    // In a batch the last tree needs no blank line after it.
    if (values.batch !== true || rows.length > 0 || !wrote) {
      if (values.batch === true && rows.length === 0) return;
      yield await write();
    }
  },
  render: ({ oid }) => `${oid}\n`,
});

async function readRow(repository: Repository, line: string, nul: boolean, missing: boolean): Promise<TreeEntry> {
  const bad = (): never => {
    throw new GitError('USAGE', `input format error: ${line}`);
  };
  const match = /^([0-7]+) (\S+) ([0-9a-fA-F]+)(?: +(?:-|\d+))?\t(.*)$/s.exec(line) ?? bad();
  const [, modeText, type, hex, rest] = match;
  if (!isFullHex(hex!, repository.objectFormat)) bad();
  let name = rest!;
  if (!nul && name.startsWith('"')) name = unquotePath(name)?.value ?? badQuoting();
  if (name.includes('/')) throw new GitError('USAGE', `path ${name} contains slash`);
  const mode = Number.parseInt(modeText!, 8);
  const oid = hex!.toLowerCase() as Oid;
  const wanted = kindOfMode(mode);
  if (wanted !== type) {
    throw new GitError('USAGE', `entry '${name}' object type (${type}) doesn't match mode type (${wanted})`);
  }
  if (missing || wanted === 'commit') return { name, mode, oid };
  const header = await repository.objects.readHeader(oid);
  if (header === undefined) throw new GitError('OBJECT_MISSING', `entry '${name}' object ${oid} is unavailable`);
  if (header.kind !== wanted) {
    throw new GitError('USAGE', `entry '${name}' object ${oid} is a ${header.kind} but specified type was (${wanted})`);
  }
  return { name, mode, oid };
}

function badQuoting(): never {
  throw new GitError('USAGE', 'invalid quoting');
}
