import { describe, expect, it } from 'vitest';
import { encodeText } from '../../src/base/bytes.js';
import type { Oid } from '../../src/base/oid.js';
import { counter } from '../../src/contents/counter.js';
import { driver } from '../../src/contents/contents.js';
import { Ancestry, commitReader } from '../../src/history/merge-base.js';
import { text } from '../../src/merge/drivers.js';
import type { DriverFor } from '../../src/merge/driver.js';
import { mergeCommits } from '../../src/merge/history.js';
import { plainContext } from '../../src/merge/hook.js';
import { resolveConflict } from '../../src/merge/resolve.js';
import { mergeTrees, tree } from '../../src/merge/tree.js';
import { serializeCommit } from '../../src/objects/commit.js';
import { MemoryObjectStore } from '../../src/objects/memory.js';
import { MODE_FILE, MODE_TREE } from '../../src/objects/mode.js';
import type { ObjectStore } from '../../src/objects/source.js';
import type { TreeEntry } from '../../src/objects/tree.js';
import { findInTree, serializeTree } from '../../src/objects/tree.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';

type Files = { readonly [name: string]: string | Files };

const newStore = () => new MemoryObjectStore('sha1', nodePlatform);

function put(store: MemoryObjectStore, files: Files): Oid<'tree'> {
  const entries = Object.entries(files).map(
    ([name, content]): TreeEntry =>
      typeof content === 'string'
        ? { name, mode: MODE_FILE, oid: store.write('blob', encodeText(content)) }
        : { name, mode: MODE_TREE, oid: put(store, content) },
  );
  return store.write('tree', serializeTree(entries, { sorted: true }));
}

const dataOf = (store: MemoryObjectStore, oid: Oid) => store.objects.get(oid)!.data;

const textual: DriverFor = () => text();
const typed: DriverFor = (path) => (path.endsWith('.count') ? driver(counter) : text());
const asks = (path: string) => path.endsWith('.count');

describe('the tree merge', () => {
  it('reads no directory that is the same on all sides, nor one that only one side changed', async () => {
    const store = newStore();
    const same = { deep: { file: 'same\n' } };
    const base = put(store, { same, one: { sub: { a: '1\n' } }, both: { x: '1\n', y: '1\n' } });
    const ours = put(store, { same, one: { sub: { a: '2\n' } }, both: { x: '2\n', y: '1\n' } });
    const theirs = put(store, { same, one: { sub: { a: '1\n' } }, both: { x: '1\n', y: '2\n' } });
    const read = new Set<string>();
    const counted: ObjectStore = {
      algorithm: 'sha1',
      hash: (kind, data) => store.hash(kind, data),
      write: (kind, data) => store.write(kind, data),
      has: (oid) => store.has(oid),
      read: (oid) => {
        read.add(oid);
        return store.read(oid);
      },
    };
    const merged = await mergeTrees(counted, textual, { base, ours, theirs }, plainContext());
    expect(merged).toMatchObject({ clean: true, unmerged: [], messages: [] });
    expect(merged.tree).toBe(put(store, { same, one: { sub: { a: '2\n' } }, both: { x: '2\n', y: '2\n' } }));
    // Three roots and the three versions of `both`: nothing else, no blob at all.
    expect(read.size).toBe(6);
  });

  it('is one more instance of the hook: the trivial laws hold for trees', async () => {
    const store = newStore();
    const merge = tree(store, textual);
    const all = [{ a: '1\n' }, { a: '2\n', b: { c: '1\n' } }, { b: '3\n' }, {}].map((files) => put(store, files));
    for (const base of all) {
      for (const x of all) {
        const run = (ours: Oid<'tree'>, theirs: Oid<'tree'>) =>
          merge({ base: () => base, ours, theirs }, plainContext());
        expect(await run(base, x)).toEqual({ clean: true, value: x });
        expect(await run(x, base)).toEqual({ clean: true, value: x });
        expect(await run(x, x)).toEqual({ clean: true, value: x });
      }
    }
  });

  it('asks typed drivers about the same change of both sides, and nobody else', async () => {
    const store = newStore();
    const base = put(store, { 'n.count': '10\n', plain: '10\n' });
    const both = put(store, { 'n.count': '12\n', plain: '12\n' });
    const merged = await mergeTrees(store, typed, { base, ours: both, theirs: both }, plainContext(), { asks });
    expect(merged.tree).toBe(put(store, { 'n.count': '14\n', plain: '12\n' }));
  });

  it('tells conflicts as data: kinds, paths, stages, and the tree with the attempts', async () => {
    const store = newStore();
    const base = put(store, { a: '1\n', gone: '1\n' });
    const ours = put(store, { a: '2\n', gone: '2\n' });
    const theirs = put(store, { a: '3\n' });
    const merged = await mergeTrees(store, textual, { base, ours, theirs }, plainContext());
    expect(merged.conflicts).toMatchObject([
      { kind: 'contents', path: 'a', message: 'CONFLICT (content): Merge conflict in a' },
      { kind: 'modify/delete', path: 'gone', stages: { theirs: undefined } },
    ]);
    const row = findInTree(dataOf(store, merged.tree), 20, 'a')!;
    const bytes = dataOf(store, row.oid);
    expect(new TextDecoder().decode(bytes)).toBe('<<<<<<< ours\n2\n=======\n3\n>>>>>>> theirs\n');
  });
});

describe('the merge of histories', () => {
  /** A ladder: at each rung both sides merge one another. */
  async function ladder(rungs: number) {
    const store = newStore();
    let clock = 1_700_000_000;
    const commit = (files: Files, ...parents: Oid<'commit'>[]) => {
      const who = { name: 'A', email: 'a@example.com', seconds: clock++, zone: '+0000' };
      const data = { tree: put(store, files), parents, author: who, committer: who, extra: [], message: 'm\n' };
      return store.write('commit', serializeCommit(data));
    };
    const root = commit({ 'n.count': '0\n', f: '0\n' });
    let left = commit({ 'n.count': '1\n', f: '0\n', l: '0\n', r: '0\n' }, root);
    let right = commit({ 'n.count': '2\n', f: '0\n', l: '0\n', r: '0\n' }, root);
    for (let i = 1; i <= rungs; i++) {
      const rung = (l: number, r: number) => ({ 'n.count': `${3 * i}\n`, f: '0\n', l: `${l}\n`, r: `${r}\n` });
      const next = commit(rung(i, i - 1), left, right);
      right = commit(rung(i - 1, i), right, left);
      left = next;
    }
    return { store, left, right };
  }

  it('costs one merge per level of a criss-cross, and leaves nothing of the merged ancestors behind', async () => {
    const { store, left, right } = await ladder(40);
    const written: string[] = [];
    let asked = 0;
    const objects: ObjectStore = {
      algorithm: 'sha1',
      hash: (kind, data) => store.hash(kind, data),
      has: (oid) => store.has(oid),
      read: (oid) => store.read(oid),
      write: (kind, data) => {
        written.push(kind);
        return store.write(kind, data);
      },
    };
    const merged = await mergeCommits(
      {
        objects,
        ancestry: new Ancestry(commitReader(store)),
        driverFor: (path) => {
          asked++;
          return typed(path);
        },
        abbreviate: (oid) => oid.slice(0, 7),
      },
      { ours: left, theirs: right, labels: { ours: 'l', theirs: 'r' } },
    );
    expect(merged.clean).toBe(true);
    expect(asked).toBeLessThan(200);
    expect(written.length).toBeLessThanOrEqual(2);
  });

  it('costs as little where three lines criss-cross', async () => {
    const store = newStore();
    let clock = 1_700_000_000;
    const commit = (files: Files, parents: readonly Oid<'commit'>[]) => {
      const who = { name: 'A', email: 'a@example.com', seconds: clock++, zone: '+0000' };
      const data = { tree: put(store, files), parents, author: who, committer: who, extra: [], message: 'm\n' };
      return store.write('commit', serializeCommit(data));
    };
    const rungs = 16;
    let tops = [commit({ a: '0\n', b: '0\n', c: '0\n' }, [])];
    for (let i = 1; i <= rungs; i++) {
      const rung = ['a', 'b', 'c'].map((name) => {
        const files: Record<string, string> = { a: `${i - 1}\n`, b: `${i - 1}\n`, c: `${i - 1}\n` };
        files[name] = `${i}\n`;
        return commit(files, tops);
      });
      tops = rung;
    }
    let asked = 0;
    let trees = 0;
    const merged = await mergeCommits(
      {
        objects: {
          algorithm: 'sha1',
          hash: (kind, data) => store.hash(kind, data),
          has: (oid) => store.has(oid),
          write: (kind, data) => store.write(kind, data),
          read: (oid) => {
            if (store.objects.get(oid)?.kind === 'tree') trees++;
            return store.read(oid);
          },
        },
        ancestry: new Ancestry(commitReader(store)),
        driverFor: () => {
          asked++;
          return text();
        },
        abbreviate: (oid) => oid.slice(0, 7),
      },
      { ours: tops[0]!, theirs: tops[1]!, labels: { ours: 'l', theirs: 'r' } },
    );
    expect(merged.clean).toBe(true);
    // Two merges of three roots each per rung, were nothing kept it would be two to the power of the rungs.
    expect(trees).toBeLessThan(rungs * 20);
    expect(asked).toBeLessThan(rungs * 20);
  });

  it('a counter survives a criss-cross', async () => {
    const { store, left, right } = await ladder(3);
    const merged = await mergeCommits(
      {
        objects: store,
        ancestry: new Ancestry(commitReader(store)),
        driverFor: typed,
        abbreviate: (oid) => oid.slice(0, 7),
        options: { asks },
      },
      { ours: left, theirs: right, labels: { ours: 'l', theirs: 'r' } },
    );
    const row = findInTree(dataOf(store, merged.tree), 20, 'n.count')!;
    expect(new TextDecoder().decode(dataOf(store, row.oid))).toMatch(/^\d+\n$/);
    expect(merged.clean).toBe(true);
  });
});

describe('conflicts resolved one by one, without index or work tree', () => {
  it('by side, by content and by deletion, until the tree is clean', async () => {
    const store = newStore();
    const base = put(store, { a: '1\n', d: { b: '1\n', gone: '1\n' } });
    const ours = put(store, { a: '2\n', d: { b: '2\n', gone: '2\n' } });
    const theirs = put(store, { a: '3\n', d: { b: '3\n' } });
    let merged = await mergeTrees(store, textual, { base, ours, theirs }, plainContext());
    expect(merged.unmerged.map(({ path }) => path)).toEqual(['a', 'd/b', 'd/gone']);
    merged = await resolveConflict(store, merged, 'a', 'theirs');
    merged = await resolveConflict(store, merged, 'd/b', { content: encodeText('both\n') });
    expect(merged.clean).toBe(false);
    merged = await resolveConflict(store, merged, 'd/gone', 'delete');
    expect(merged).toMatchObject({ clean: true, unmerged: [], conflicts: [] });
    expect(merged.tree).toBe(put(store, { a: '3\n', d: { b: 'both\n' } }));
    await expect(resolveConflict(store, merged, 'a', 'ours')).rejects.toMatchObject({ code: 'PATH_MISSING' });
  });
});
