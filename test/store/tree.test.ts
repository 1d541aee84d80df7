import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { text } from '../support/contents.js';
import type { Oid } from '../../src/base/oid.js';
import { serializeTree, type TreeEntry } from '../../src/objects/tree.js';
import { Tree } from '../../src/store/tree.js';
import { encodeText } from '../../src/base/bytes.js';
import { CountingStore } from '../support/counting-store.js';
import { seedOf } from '../support/random.js';

/** An independent writer of trees: nested plain objects, made anew each time. */
type Plain = Map<string, Plain | string>;

function put(plain: Plain, steps: string[], value: string): void {
  const [first, ...rest] = steps;
  if (rest.length === 0) plain.set(first!, value);
  else {
    let below = plain.get(first!);
    if (!(below instanceof Map)) plain.set(first!, (below = new Map()));
    put(below, rest, value);
  }
}

function remove(plain: Plain, steps: string[]): void {
  const [first, ...rest] = steps;
  if (rest.length === 0) plain.delete(first!);
  else {
    const below = plain.get(first!);
    if (!(below instanceof Map)) return;
    remove(below, rest);
    if (below.size === 0) plain.delete(first!);
  }
}

function write(store: CountingStore, plain: Plain): Oid<'tree'> {
  const rows: TreeEntry[] = [...plain].map(([name, value]) =>
    value instanceof Map
      ? { name, mode: 0o40000, oid: write(store, value) }
      : { name, mode: 0o100644, oid: store.write('blob', encodeText(value)) },
  );
  return store.write('tree', serializeTree(rows, { sorted: true }));
}

const step = fc.constantFrom('a', 'b', 'a.b', 'a-', 'a0', 'zz', 'é');
const somePath = fc.array(step, { minLength: 1, maxLength: 3 }).map((steps) => steps.join('/'));
const edit = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), path: somePath, value: fc.constantFrom('1', '2', '') }),
  fc.record({ kind: fc.constant('remove' as const), path: somePath, value: fc.constant('') }),
);

describe('a tree of values', () => {
  test('has the id of the same tree built from nothing, whatever the edits, written in between or not; old versions stay', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(edit, fc.boolean()), { maxLength: 25 }),
        fc.constantFrom('sha1' as const, 'sha256' as const),
        async (edits, algorithm) => {
          const store = new CountingStore(algorithm);
          const plain: Plain = new Map();
          let tree = Tree.of(store, text);
          const versions: [Tree<string>, Oid<'tree'>][] = [];
          for (const [{ kind, path, value }, between] of edits) {
            if (kind === 'put') {
              put(plain, path.split('/'), value);
              tree = await tree.put(path, value);
              expect(await tree.get(path)).toBe(value);
            } else {
              remove(plain, path.split('/'));
              tree = await tree.remove(path);
              expect(await tree.kind(path)).toBeUndefined();
            }
            versions.push([tree, write(store, plain)]);
            if (between) expect(await tree.write()).toBe(versions.at(-1)![1]);
          }
          for (const [version, id] of versions.reverse()) expect(await version.write()).toBe(id);
        },
      ),
      { seed: seedOf(7), numRuns: 300 },
    );
  });

  test('an edit that changes nothing is the same tree', async () => {
    const store = new CountingStore();
    let tree = await (await Tree.of(store, text).put('a/b', '1')).put('c', '2');
    const id = await tree.write();
    for (const same of [tree, Tree.of(store, text, id)]) {
      expect(await same.put('a/b', '1')).toBe(same);
      expect(await same.remove('nothing/here')).toBe(same);
      expect(await same.remove('a/b/c')).toBe(same);
      expect(await same.putTree('a', (await same.subtree('a'))!)).toBe(same);
    }
    tree = await (await tree.remove('a/b')).remove('c');
    expect(await tree.write()).toBe('4b825dc642cb6eb9a060e54bf8d69288fbee4904');
  });

  test('a put in a tree of 100,000 values reads and writes only the trees on its path', async () => {
    const store = new CountingStore();
    let tree = Tree.of(store, text);
    for (let i = 0; i < 100_000; i++) tree = await tree.put(`d${i % 100}/e${Math.floor(i / 100) % 100}/v${i}`, `${i}`);
    const id = await tree.write();
    expect(store.writes.filter((kind) => kind === 'tree').length).toBe(1 + 100 + 10_000);
    store.reset();
    const edited = await Tree.of(store, text, id).put('d7/e3/new', 'x');
    expect(store.reads.length).toBe(3);
    expect(store.writes).toEqual([]);
    await edited.write();
    expect(store.reads.length).toBe(3);
    expect(store.writes.sort()).toEqual(['blob', 'tree', 'tree', 'tree']);
  });

  test('a value over a directory and a value below a value: the later edit wins', async () => {
    const store = new CountingStore();
    let tree = await (await Tree.of(store, text).put('a/b', '1')).put('a/c', '2');
    tree = await tree.put('a', 'value');
    expect(await tree.kind('a')).toBe('value');
    expect(await tree.kind('a/b')).toBeUndefined();
    tree = await tree.put('a/b/c', 'deep');
    expect(await tree.kind('a')).toBe('tree');
    expect(await tree.find('a')).toBeUndefined();
    expect(await tree.get('a/b/c')).toBe('deep');
  });

  test('list is in git’s order, pages and reads one level', async () => {
    const store = new CountingStore();
    let tree = Tree.of(store, text);
    for (const path of ['foo/x', 'foo.c', 'foo1', 'a', 'b/c/d']) tree = await tree.put(path, path);
    const id = await tree.write();
    const names = async (from: Tree<string>, options = {}) => {
      const found: string[] = [];
      for await (const { step } of from.list('', options)) found.push(step);
      return found;
    };
    for (const each of [tree, Tree.of(store, text, id)]) {
      expect(await names(each)).toEqual(['a', 'b', 'foo.c', 'foo', 'foo1']);
      expect(await names(each, { after: 'b', limit: 2 })).toEqual(['foo.c', 'foo']);
      expect(await names(each, { after: 'foo1' })).toEqual([]);
    }
    store.reset();
    await names(Tree.of(store, text, id));
    expect(store.reads.length).toBe(1);
  });

  test('changes name every differing value once and never read equal subtrees', async () => {
    const store = new CountingStore();
    let one = Tree.of(store, text);
    for (const path of ['same/a/b', 'same/c', 'x/file', 'y', 'z/deep/er']) one = await one.put(path, path);
    let two = await (await (await one.put('x/file', 'new')).remove('y')).put('z', 'now a value');
    two = await two.put('n/e/w', '!');
    const [a, b] = [Tree.of(store, text, await one.write()), Tree.of(store, text, await two.write())];
    const same = (await one.entry('same'))!.oid!;
    store.reset();
    const found: string[] = [];
    for await (const { path, before, after } of b.changesSince(a))
      found.push(`${before === undefined ? '+' : after === undefined ? '-' : '*'} ${path}`);
    expect(found).toEqual(['+ n/e/w', '* x/file', '- y', '+ z', '- z/deep/er']);
    expect(store.reads).not.toContain(same);
  });

  test('unsafe paths are refused before anything is read', async () => {
    const store = new CountingStore();
    const tree = Tree.of(store, text);
    for (const bad of ['..', 'a/../b', '.git/config', 'a/.GIT/x', 'a\0b', 'git~1/x'])
      await expect(tree.put(bad, '')).rejects.toMatchObject({ code: 'PATH_UNSAFE' });
    await expect(tree.put('', 'x')).rejects.toMatchObject({ code: 'PATH_UNSAFE' });
    await expect(tree.get('a')).rejects.toMatchObject({ code: 'PATH_MISSING' });
  });
});
