import { describe, expect, test } from 'vitest';
import type { Oid } from '../../src/base/oid.js';
import { parseCommit } from '../../src/objects/commit.js';
import { readKind } from '../../src/objects/database.js';
import { branches, deleteBranch, openStore, type Store, type StoreBackend } from '../../src/store/store.js';
import { text } from '../support/contents.js';

/** What a backend under test gives: a fresh store each time, and a check afterwards. */
export interface Backend {
  readonly backend: StoreBackend;
  /** A second, independent handle on the same storage (another process would have one). */
  again(): StoreBackend;
  /** Called at the end of each test: what is stored must be sound. */
  check?(): void;
}

const info = (message = 'change') => ({ message });

/** One suite for every backend: memory, loose files, packs, both hashes, and each one to come. */
export function storeSuite(name: string, make: () => Backend): void {
  const scenario = (title: string, body: (store: Store<string>, made: Backend) => Promise<void>): void =>
    test(title, async () => {
      const made = make();
      await body(await openStore(made.backend, text, { branch: 'main' }), made);
      made.check?.();
    });

  describe(`store on ${name}`, () => {
    scenario('an empty store has no head and no values; the first write makes both', async (store) => {
      expect(await store.head()).toBeUndefined();
      expect(await store.find('a')).toBeUndefined();
      expect(await gather(store.list())).toEqual([]);
      const written = await store.put('a/b', '1', info('first'));
      expect(written.status).toBe('written');
      const head = await store.head();
      expect(head).toMatchObject({ oid: written.head, parents: [], message: 'first\n' });
      expect(await store.get('a/b')).toBe('1');
    });

    scenario('nothing changed, no commit; allowEmpty makes one', async (store) => {
      const first = await store.put('a', '1', info());
      expect(await store.put('a', '1', info())).toEqual({ status: 'unchanged', head: first.head });
      expect(await store.remove('b', info())).toEqual({ status: 'unchanged', head: first.head });
      expect((await store.put('a', '1', { ...info(), allowEmpty: true })).status).toBe('written');
      expect((await store.head())!.parents).toEqual([first.head]);
    });

    scenario('an unchanged write to an empty store makes nothing', async (store) => {
      const result = await store.remove('a', info());
      expect(result.status).toBe('unchanged');
      expect(await store.head()).toBeUndefined();
    });

    scenario('remove prunes what is left empty', async (store) => {
      await store.commit(async (tree) => (await tree.put('a/b/c', '1')).put('d', '2'), info());
      await store.remove('a/b/c', info());
      expect((await gather(store.list())).map(({ step }) => step)).toEqual(['d']);
    });

    scenario('many changes are one commit', async (store) => {
      await store.put('x', '0', info());
      await store.commit(async (tree) => {
        for (let i = 0; i < 50; i++) tree = await tree.put(`n/${i}`, `${i}`);
        return tree.remove('x');
      }, info('batch'));
      const commits = await gather(store.history());
      expect(commits.map(({ message }) => message)).toEqual(['batch\n', 'change\n']);
      expect(await store.get('n/49')).toBe('49');
    });

    scenario('a snapshot does not see later writes', async (store) => {
      await store.put('a', '1', info());
      const snapshot = await store.tree();
      await store.put('a', '2', info());
      await store.put('b', '3', info());
      expect(await snapshot.get('a')).toBe('1');
      expect(await snapshot.find('b')).toBeUndefined();
    });

    scenario('testAndSet sets only what it expected', async (store) => {
      expect((await store.testAndSet('a', undefined, '1', info())).status).toBe('written');
      expect(await store.testAndSet('a', undefined, '2', info())).toEqual({ status: 'mismatch', actual: '1' });
      expect(await store.testAndSet('a', '0', '2', info())).toEqual({ status: 'mismatch', actual: '1' });
      expect((await store.testAndSet('a', '1', '2', info())).status).toBe('written');
      expect((await store.testAndSet('a', '2', undefined, info())).status).toBe('written');
      expect(await store.find('a')).toBeUndefined();
    });

    scenario('two handles writing at once lose nothing, and each write is a commit of its own', async (store, made) => {
      const other = await openStore(made.again(), text, { branch: 'main' });
      await store.put('start', '', info());
      await Promise.all(
        Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? store : other).put(`k/${i}`, `${i}`, info(`put ${i}`))),
      );
      for (let i = 0; i < 20; i++) expect(await other.get(`k/${i}`)).toBe(`${i}`);
      expect((await gather(store.history())).length).toBe(21);
    });

    scenario('a change runs again on the new head when another writer was first', async (store, made) => {
      const other = await openStore(made.again(), text, { branch: 'main' });
      await store.put('n', '1', info());
      let runs = 0;
      await store.commit(async (tree) => {
        if (runs++ === 0) await other.put('n', '5', info());
        return tree.put('n', `${Number(await tree.get('n')) + 1}`);
      }, info());
      expect(runs).toBe(2);
      expect(await store.get('n')).toBe('6');
    });

    scenario('retries have the bound the caller gives', async (store, made) => {
      const other = await openStore(made.again(), text, { branch: 'main' });
      await store.put('n', '1', info());
      let i = 0;
      const losing = store.commit(
        async (tree) => {
          await other.put('n', `other ${i++}`, info());
          return tree.put('n', 'mine');
        },
        { ...info(), retries: 2 },
      );
      await expect(losing).rejects.toMatchObject({ code: 'REF_CHANGED' });
      expect(i).toBe(3);
    });

    scenario('an aborted write stops', async (store) => {
      const controller = new AbortController();
      controller.abort();
      await expect(store.put('a', '1', { ...info(), signal: controller.signal })).rejects.toMatchObject({
        code: 'ABORTED',
      });
      expect(await store.head()).toBeUndefined();
    });

    scenario('branches are created, cloned, listed and deleted apart from each other', async (store, made) => {
      await store.put('a', '1', info());
      const copy = await store.clone('feature/x');
      await copy.put('a', '2', info());
      expect(await store.get('a')).toBe('1');
      expect(await gather(branches(made.backend))).toEqual(['feature/x', 'main']);
      await expect(store.clone('feature/x')).rejects.toMatchObject({ code: 'REF_CHANGED' });
      expect(await deleteBranch(made.backend, 'feature/x')).toBe(true);
      expect(await deleteBranch(made.backend, 'feature/x')).toBe(false);
      expect(await gather(branches(made.backend))).toEqual(['main']);
    });

    scenario('any commit can be read', async (store) => {
      const first = await store.put('a', '1', info());
      await store.put('a', '2', info());
      expect(await (await store.at(first.head)).get('a')).toBe('1');
    });

    scenario('lastModified and history of a path skip commits that did not touch it', async (store) => {
      await store.put('a', '1', info('a1'));
      await store.put('b', '1', info('b1'));
      await store.put('a', '2', info('a2'));
      await store.remove('b', info('b gone'));
      const messages = async (path: string, n: number) =>
        (await store.lastModified(path, { n })).map(({ message }) => message.trim());
      expect(await messages('a', 1)).toEqual(['a2']);
      expect(await messages('a', 9)).toEqual(['a2', 'a1']);
      expect(await messages('b', 9)).toEqual(['b gone', 'b1']);
      expect(await messages('nothing', 9)).toEqual([]);
      expect((await gather(store.history({ path: 'b' }))).length).toBe(2);
    });

    scenario('a merge commit that took one side is not a modification', async (store, made) => {
      const { objects, refs } = made.backend;
      const base = await store.put('a', '1', info('base'));
      const side = await store.clone('side');
      const changed = await side.put('a', '2', info('side'));
      const other = await store.put('b', '1', info('main'));
      const both = await (await store.tree()).put('a', '2');
      const { author, committer } = parseCommit(await readKind(objects, base.head, 'commit'));
      const { serializeCommit } = await import('../../src/objects/commit.js');
      const merge = await objects.write(
        'commit',
        serializeCommit({
          tree: await both.write(),
          parents: [other.head, changed.head],
          author,
          committer,
          extra: [],
          message: 'merge\n',
        }),
      );
      await refs.update([{ name: store.branch, to: merge, expect: other.head, reason: 'merge' }]);
      expect((await store.lastModified('a', { n: 5 })).map(({ message }) => message)).toEqual(['side\n', 'base\n']);
      expect((await gather(store.history())).length).toBe(4);
    });

    scenario('watch tells every commit below a path, in order, with what changed', async (store, made) => {
      const other = await openStore(made.again(), text, { branch: 'main' });
      await store.put('x/a', '0', info());
      const from = (await store.head())!.oid;
      const controller = new AbortController();
      const seen: string[] = [];
      const watching = (async () => {
        for await (const { after, changes } of store.watch({
          path: 'x',
          from,
          signal: controller.signal,
          interval: 5,
        })) {
          seen.push(
            `${after!.message.trim()}: ${changes.map(({ path, before, after: now }) => `${before === undefined ? '+' : now === undefined ? '-' : '*'}${path}`).join(' ')}`,
          );
          if (seen.length === 3) controller.abort();
        }
      })();
      await other.put('x/b', '1', info('one'));
      await other.put('y', '1', info('elsewhere'));
      await other.put('x/a', '1', info('two'));
      await store.remove('x/b', info('three'));
      await watching;
      expect(seen).toEqual(['one: +x/b', 'two: *x/a', 'three: -x/b']);
    });

    scenario('unsafe branch names and paths are refused', async (store, made) => {
      await expect(store.put('a/../b', '', info())).rejects.toMatchObject({ code: 'PATH_UNSAFE' });
      const bad = await openStore(made.backend, text, { branch: 'a..b' });
      await expect(bad.put('a', '1', info())).rejects.toMatchObject({ code: 'REF_INVALID' });
      expect(await store.head()).toBeUndefined();
    });

    scenario('a missing object is an error that names it', async (store) => {
      await expect(
        store.at('1'.repeat(store.backend.objects.algorithm === 'sha1' ? 40 : 64) as Oid),
      ).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
    });
  });
}

async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
