import { expect, test } from 'vitest';
import { encodeText } from '../../src/base/bytes.js';
import { oidToBytes } from '../../src/base/oid.js';
import { MemoryObjectStore } from '../../src/objects/memory.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { diffIndexWithTree } from '../../src/worktree/index-diff.js';
import { Index } from '../../src/worktree/index-file.js';

const store = new MemoryObjectStore('sha1', nodePlatform);
const blob = (text: string) => store.write('blob', encodeText(text));
const row = (mode: string, name: string, oid: string) => [...encodeText(`${mode} ${name}\0`), ...oidToBytes(oid)];
const tree = (...rows: number[][]) => store.write('tree', Uint8Array.from(rows.flat()));

test('what an empty index lacks of a tree is told in the order of the index', async () => {
  const below = tree(row('100644', 'z', blob('z')));
  const root = tree(
    row('100644', 'a-b', blob('1')),
    row('40000', 'a', below),
    row('100755', 'a0', blob('2')),
    row('120000', 'b', blob('3')),
  );
  const changes = await diffIndexWithTree(store, new Index('sha1'), root);
  expect(changes.map(({ path, oldMode, oldOid }) => [path, oldMode.toString(8), oldOid])).toEqual([
    ['a-b', '100644', blob('1')],
    ['a/z', '100644', blob('z')],
    ['a0', '100755', blob('2')],
    ['b', '120000', blob('3')],
  ]);
});

test('rows of a damaged tree that are out of order, or there twice, are told once each and in order', async () => {
  const root = tree(
    row('100644', 'c', blob('1')),
    row('100644', 'a', blob('2')),
    row('100644', 'c', blob('3')),
    row('100644', 'b', blob('4')),
  );
  const changes = await diffIndexWithTree(store, new Index('sha1'), root);
  expect(changes.map(({ path, oldOid }) => [path, oldOid])).toEqual([
    ['a', blob('2')],
    ['b', blob('4')],
    ['c', blob('3')],
  ]);
});
