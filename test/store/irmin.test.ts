import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseCommit, serializeCommit } from '../../src/objects/commit.js';
import { readKind } from '../../src/objects/database.js';
import { MemoryObjectStore } from '../../src/objects/memory.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { openRepository } from '../../src/repo/repository.js';
import { openStore, type Store } from '../../src/store/store.js';
import { Tree } from '../../src/store/tree.js';
import { text } from '../support/contents.js';
import { type Sandbox, sandbox } from '../support/sandbox.js';

/** Trees and histories that Irmin's own suite checks, and what it gets wrong: docs/irmin.md says which is which. */

async function treeOf(values: Readonly<Record<string, string>>): Promise<string> {
  let tree = Tree.of(new MemoryObjectStore('sha1', nodePlatform), text);
  for (const [path, value] of Object.entries(values)) tree = await tree.put(path, value);
  return tree.write();
}

test('trees have the ids that Irmin’s suite has fixed', async () => {
  expect(await treeOf({ 'foo.c': 'foo.c', 'foo/foo.o': 'foo.o', foo1: 'foo1' })).toBe(
    '00c5f5e40e37fde61911f71373813c0b6cad1477',
  );
  expect(await treeOf({ 'b/e/n': '10', 'b/o/b': '20', 'e/v/e': '30' })).toBe(
    '8e2d5291a09b98725e8525807d189eb7d9eb66d5',
  );
});

/** Commits by number: parents, and the values written in it. */
type History = Readonly<
  Record<number, readonly [parents: readonly number[], values?: Readonly<Record<string, string>>]>
>;

const oneLine: History = { 0: [[], { k0: '0' }], 1: [[0]], 2: [[1], { k0: '2' }], 3: [[2], { k0: '3' }], 4: [[3]] };
const forked: History = {
  4: [[], { k1: '4', k2: '4' }],
  10: [[4]],
  11: [[10], { k0: '11' }],
  12: [[10], { k1: '12', k0: '12' }],
  13: [[11]],
  14: [[12]],
  15: [[12, 13]],
  16: [[14], { k2: '16' }],
  17: [[11, 16], { k0: '17' }],
};
const notReduced: History = {
  4: [[]],
  10: [[4]],
  11: [[10]],
  12: [[11]],
  13: [[12]],
  14: [[11, 13]],
  15: [[13, 14]],
  16: [[11]],
};

async function historyOf(history: History): Promise<{ store: Store<string>; at: Record<number, string> }> {
  const box = sandbox();
  box.git(['init', '-q', '--bare', '-b', 'main', 'r']);
  const repository = openRepository({ platform: nodePlatform, env: box.env, cwd: box.path('r') });
  const store = await openStore(repository, text, { branch: 'main' });
  const at: Record<number, string> = {};
  const trees: Record<number, Tree<string>> = {};
  for (const [key, [parents, values = {}]] of Object.entries(history)) {
    const number = Number(key);
    const { objects, refs } = repository;
    let tree = Tree.of(objects, text);
    for (const parent of parents)
      for await (const { path } of trees[parent]!.values())
        tree = await tree.put(path, (await trees[parent]!.find(path))!);
    for (const [path, value] of Object.entries(values)) tree = await tree.put(path, value);
    trees[number] = tree;
    const author = { name: 'a', email: 'a@b', seconds: number * 10, zone: '+0000' };
    const commit = serializeCommit({
      tree: await tree.write(),
      parents: parents.map((parent) => at[parent] as never),
      author,
      committer: author,
      extra: [],
      message: `${number}\n`,
    });
    at[number] = await objects.write('commit', commit);
    await refs.update([{ name: `refs/heads/c${number}`, to: at[number] as never, reason: 'x' }]);
  }
  return { store, at };
}

describe('lowest common ancestors of the histories of Irmin’s suite', () => {
  const check = (history: History, rows: readonly (readonly [number, number, readonly number[]])[]) => async () => {
    const { store, at } = await historyOf(history);
    for (const [one, two, expected] of rows) {
      const found = await store.on(`c${one}`).lcas(`c${two}`);
      expect([...found].sort(), `${one} ${two}`).toEqual(expected.map((number) => at[number]).sort());
    }
  };
  test(
    'one line',
    check(oneLine, [
      [3, 4, [3]],
      [2, 4, [2]],
      [1, 4, [1]],
    ]),
  );
  test(
    'forked and merged',
    check(forked, [
      [10, 10, [10]],
      [10, 11, [10]],
      [12, 16, [12]],
      [10, 13, [10]],
      [13, 14, [10]],
      [15, 16, [12]],
      [15, 17, [11, 12]],
    ]),
  );
  test(
    'with parents that are ancestors of each other',
    check(notReduced, [
      [14, 15, [14]],
      [13, 15, [13]],
      [12, 15, [12]],
      [11, 15, [11]],
      [15, 16, [11]],
    ]),
  );
});

test('when a value was last modified, in the histories of Irmin’s suite', async () => {
  const last = async (store: Store<string>, from: number, path: string, n: number) =>
    (await store.on(`c${from}`).lastModified(path, { n })).map(({ message }) => Number(message)).sort((a, b) => a - b);
  const { store: line } = await historyOf(oneLine);
  expect(await last(line, 4, 'k0', 1)).toEqual([3]);
  expect(await last(line, 4, 'k0', 2)).toEqual([2, 3]);
  expect(await last(line, 4, 'k0', 3)).toEqual([0, 2, 3]);
  expect(await last(line, 4, 'k1', 1)).toEqual([]);
  const { store } = await historyOf(forked);
  expect(await last(store, 17, 'k0', 3)).toEqual([11, 12, 17]);
  expect(await last(store, 17, 'k2', 1)).toEqual([16]);
  expect(await last(store, 17, 'k1', 2)).toEqual([4, 12]);
});

/** Two branches `main` and `side` of one base, each made by a function that changes files. */
function diverged(
  base: (write: (path: string, text: string) => void) => void,
  ours: (box: Sandbox) => void,
  theirs: (box: Sandbox) => void,
): Sandbox {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'r']);
  const commit = (message: string) => {
    box.git(['add', '-A'], { cwd: 'r' });
    box.git(['commit', '-q', '--allow-empty', '-m', message], { cwd: 'r' });
  };
  base((path, content) => put(box, path, content));
  commit('base');
  box.git(['checkout', '-q', '-b', 'side'], { cwd: 'r' });
  theirs(box);
  commit('theirs');
  box.git(['checkout', '-q', 'main'], { cwd: 'r' });
  ours(box);
  commit('ours');
  return box;
}

function put(box: Sandbox, path: string, content: string): void {
  mkdirSync(dirname(box.path('r', path)), { recursive: true });
  writeFileSync(box.path('r', path), content);
}

async function mergeValues(box: Sandbox) {
  const repository = openRepository({ platform: nodePlatform, env: box.env, cwd: box.path('r') });
  const store = await openStore(repository, text, { branch: 'main' });
  const outcome = await store.merge('side', { message: 'both' });
  return { store, outcome };
}

describe('what Irmin’s merges get wrong', () => {
  test('a file and a directory of one name conflict, and neither is lost', async () => {
    const added = diverged(
      (write) => write('x', 'x'),
      (box) => put(box, 'a', 'file'),
      (box) => put(box, 'a/b', 'below'),
    );
    expect((await mergeValues(added)).outcome.status).toBe('conflicted');
    const replaced = diverged(
      (write) => write('a/b', 'below'),
      (box) => {
        rmSync(box.path('r/a'), { recursive: true });
        put(box, 'a', 'file');
      },
      (box) => put(box, 'a/c', 'new'),
    );
    expect((await mergeValues(replaced)).outcome.status).toBe('conflicted');
  });

  test('the same mode on both sides is no conflict, nor the same new executable file', async () => {
    const same = (box: Sandbox) => {
      chmodSync(box.path('r/a'), 0o755);
      put(box, 'run', '#!/bin/sh\n');
      chmodSync(box.path('r/run'), 0o755);
    };
    const box = diverged(
      (write) => write('a', 'x'),
      (into) => {
        same(into);
        put(into, 'ours', 'o');
      },
      same,
    );
    expect((await mergeValues(box)).outcome.status).toBe('merged');
    expect(box.git(['ls-tree', 'main', 'a', 'run'], { cwd: 'r' }).match(/100755/g)?.length).toBe(2);
  });

  test('a directory deleted on one side keeps what the other side added to it', async () => {
    const box = diverged(
      (write) => write('d/a', 'x'),
      (into) => rmSync(into.path('r/d'), { recursive: true }),
      (into) => put(into, 'd/new', 'y'),
    );
    const { store, outcome } = await mergeValues(box);
    expect(outcome.status).toBe('merged');
    expect([await store.find('d/a'), await store.find('d/new')]).toEqual([undefined, 'y']);
  });

  test('ancestors that conflict are still ancestors: a deletion stays, an edit of one side is taken', async () => {
    const { store } = await historyOf({
      0: [[], { f: '0', g: '0', h: '0' }],
      1: [[0], { f: 'one' }],
      2: [[0], { f: 'two' }],
    });
    const { objects, refs } = store.backend;
    const commit = async (branch: string, parents: readonly string[], tree: Tree<string>) => {
      const author = { name: 'a', email: 'a@b', seconds: 100, zone: '+0000' };
      const data = { tree: await tree.write(), parents: parents as never, author, committer: author, extra: [] };
      const oid = await objects.write('commit', serializeCommit({ ...data, message: `${branch}\n` }));
      await refs.update([{ name: `refs/heads/${branch}`, to: oid, reason: 'x' }]);
    };
    const [one, two] = [(await store.on('c1').head())!.oid, (await store.on('c2').head())!.oid];
    const settled = await (await store.on('c1').tree()).put('f', 'settled');
    // Both branches merged 1 and 2, which conflict, and settled them alike; then each went on.
    await commit('main', [one, two], await settled.remove('g'));
    await commit('side', [two, one], await settled.put('h', 'edited'));
    const outcome = await store.merge('side', { message: 'both' });
    expect(outcome.status).toBe('merged');
    expect([await store.find('f'), await store.find('g'), await store.find('h')]).toEqual([
      'settled',
      undefined,
      'edited',
    ]);
  });

  test('a merge keeps who, when and in which zone, and its parents in order', async () => {
    const box = diverged(
      (write) => write('a', 'x'),
      (into) => put(into, 'o', 'o'),
      (into) => put(into, 't', 't'),
    );
    const heads = box.git(['rev-parse', 'main', 'side'], { cwd: 'r' }).trim().split('\n');
    const { store } = await mergeValues(box);
    const merge = parseCommit(await readKind(store.backend.objects, (await store.head())!.oid, 'commit'));
    expect(merge.parents).toEqual(heads);
    expect([merge.author.email, merge.author.zone, merge.committer.email]).toEqual([
      'author@example.com',
      '-0700',
      'committer@example.com',
    ]);
  });
});
