import { describe, expect, test } from 'vitest';
import { counter } from '../../src/contents/counter.js';
import { set } from '../../src/contents/collections.js';
import type { Contents } from '../../src/contents/contents.js';
import { decodeText, encodeText } from '../../src/base/bytes.js';
import { clean, conflicted } from '../../src/merge/hook.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { openRepository } from '../../src/repo/repository.js';
import { checkedOut } from '../../src/store/checked-out.js';
import { openStore, type Store } from '../../src/store/store.js';
import { text } from '../support/contents.js';
import { type Sandbox, sandbox } from '../support/sandbox.js';

const info = (message: string) => ({ message });

async function store<V>(contents: Contents<V>, ...init: string[]): Promise<{ box: Sandbox; main: Store<V> }> {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', ...init, 'r']);
  const repository = openRepository({ platform: nodePlatform, env: box.env, cwd: box.path('r') });
  const keeper = checkedOut(repository);
  return {
    box,
    main: await openStore(repository, contents, {
      branch: 'main',
      ...(keeper === undefined ? {} : { checkedOut: keeper }),
    }),
  };
}

/** A type of the test's own: the longer text wins, equal lengths conflict. */
const longest: Contents<string> = {
  name: 'longest',
  encode: encodeText,
  decode: decodeText,
  merge: ({ ours, theirs }, context) => {
    if (ours === theirs) return clean(ours);
    if (ours === undefined || theirs === undefined) return clean(ours ?? theirs);
    return ours.length === theirs.length
      ? conflicted(context, 'value', 'equally long', ours)
      : clean(ours.length > theirs.length ? ours : theirs);
  },
};

describe('Store.merge', () => {
  test('the same change on both sides adds up for a counter, once for text', async () => {
    const { box, main } = await store(counter, '--bare');
    await main.put('n', 10, info('base'));
    const side = await main.clone('side');
    await main.put('n', 12, info('ours'));
    await side.put('n', 12, info('theirs'));
    expect((await main.merge('side', info('merge'))).status).toBe('merged');
    expect(await main.get('n')).toBe(14);
    expect((await main.head())!.parents.length).toBe(2);
    box.fsck('r');

    const plain = await store(text, '--bare');
    await plain.main.put('n', '10', info('base'));
    const other = await plain.main.clone('side');
    await plain.main.put('n', '12', info('ours'));
    await other.put('n', '12', info('theirs'));
    expect((await plain.main.merge('side', info('merge'))).status).toBe('merged');
    expect(await plain.main.get('n')).toBe('12');
  });

  test('sets unite, a type of one’s own decides, the checked-out work tree follows', async () => {
    const { box, main } = await store(set);
    await main.put('s', new Set(['a', 'b']), info('base'));
    const side = await main.clone('side');
    await main.put('s', new Set(['a', 'b', 'c']), info('ours'));
    await side.put('s', new Set(['b', 'd']), info('theirs'));
    await main.merge('side', info('merge'));
    expect(await main.get('s')).toEqual(new Set(['b', 'c', 'd']));
    expect(box.git(['status', '--porcelain'], { cwd: 'r' })).toBe('');

    const own = await store(longest);
    await own.main.put('x', '1', info('base'));
    const theirs = await own.main.clone('side');
    await own.main.put('x', 'short', info('ours'));
    await theirs.put('x', 'much longer', info('theirs'));
    await own.main.merge('side', info('merge'));
    expect(await own.main.get('x')).toBe('much longer');
    own.box.fsck('r');
  });

  test('every conflict is told, nothing is committed, and the merge is finished later', async () => {
    const { box, main } = await store(longest, '--bare');
    await main.commit(async (tree) => (await (await tree.put('a', '0')).put('b', '0')).put('c', '0'), info('base'));
    const side = await main.clone('side');
    await main.commit(
      async (tree) => (await (await tree.put('a', 'us')).put('b', 'us')).put('c', 'longer'),
      info('ours'),
    );
    await side.commit(async (tree) => (await (await tree.put('a', 'it')).put('b', 'it')).put('c', 'x'), info('theirs'));
    const before = (await main.head())!.oid;
    const outcome = await main.merge('side', info('merge'));
    if (outcome.status !== 'conflicted') throw new Error(outcome.status);
    expect(outcome.conflicts.map(({ path, kind }) => [path, kind])).toEqual([
      ['a', 'value'],
      ['b', 'value'],
    ]);
    expect(outcome.conflicts[0].stages.ours).toBeDefined();
    expect((await main.head())!.oid).toBe(before);
    const done = await main.resolve(
      outcome,
      async (tree) => (await tree.put('a', 'both')).put('b', 'us'),
      info('resolved'),
    );
    expect(done!.status).toBe('written');
    expect(await main.get('a')).toBe('both');
    expect(await main.get('c')).toBe('longer');
    expect((await main.head())!.parents).toEqual([outcome.ours, outcome.theirs]);
    expect((await main.merge('side', info('again'))).status).toBe('up-to-date');
    box.fsck('r');
  });

  test('fast-forward, never, only; up to date; missing and unrelated branches', async () => {
    const { main } = await store(text, '--bare');
    await main.put('a', '1', info('base'));
    const side = await main.clone('side');
    await side.put('a', '2', info('side'));
    const tip = (await side.head())!.oid;
    const copy = await main.clone('copy');
    expect(await main.merge('side', info('m'))).toEqual({ status: 'fast-forward', head: tip });
    expect((await main.merge('side', info('m'))).status).toBe('up-to-date');
    expect((await copy.merge('side', { ...info('m'), fastForward: 'never' })).status).toBe('merged');
    await side.put('b', '1', info('side'));
    await expect(copy.merge('side', { ...info('m'), fastForward: 'only' })).rejects.toMatchObject({
      code: 'REF_CHANGED',
    });
    await expect(copy.merge('nowhere', info('m'))).rejects.toMatchObject({ code: 'REF_MISSING' });
    const island = main.on('island');
    await island.put('z', '1', info('alone'));
    await expect(main.merge('island', info('m'))).rejects.toMatchObject({ code: 'UNRELATED_HISTORIES' });
    expect((await main.merge('island', { ...info('m'), unrelated: true })).status).toBe('merged');
    expect(await main.get('z')).toBe('1');
    const fresh = main.on('fresh');
    expect((await fresh.merge('side', info('m'))).status).toBe('fast-forward');
  });

  test('criss-cross histories of counters: every change counts once', async () => {
    const { box, main } = await store(counter, '--bare');
    await main.put('n', 0, info('base'));
    const side = await main.clone('side');
    let expected = 0;
    for (let round = 1; round <= 5; round++) {
      await main.put('n', (await main.get('n')) + round, info('ours'));
      await side.put('n', (await side.get('n')) + 10 * round, info('theirs'));
      expected += 11 * round;
      const [ours, theirs] = [(await main.head())!.oid, (await side.head())!.oid];
      await main.merge(theirs, info('cross'));
      await side.merge(ours, info('cross'));
      expect(await main.get('n')).toBe(expected);
      expect(await side.get('n')).toBe(expected);
      expect((await main.lcas('side')).length).toBe(2);
    }
    box.fsck('r');
  });

  test('merges that race with writers all land', async () => {
    const { box, main } = await store(counter, '--bare');
    await main.put('n', 0, info('base'));
    const sides = await Promise.all(Array.from({ length: 6 }, (_, i) => main.clone(`side${i}`)));
    // Commits that are equal in everything are one commit, so each says who it is from.
    await Promise.all(
      sides.map(async (side, i) => side.put('n', (await side.get('n')) + 1, info(`one more, from ${i}`))),
    );
    await Promise.all(sides.map((side) => main.merge(side.branch, { ...info('merge'), fastForward: 'never' })));
    expect(await main.get('n')).toBe(6);
    box.fsck('r');
  });

  test('lcas on histories that are known', async () => {
    const { main } = await store(text, '--bare');
    const at: Record<string, string> = {};
    const commit = async (name: string, ...parents: string[]) => {
      const branch = main.on(`c${name}`);
      if (parents.length > 0)
        await main.backend.refs.update([{ name: branch.branch, to: at[parents[0]!] as never, reason: 'x' }]);
      if (parents.length > 1) await branch.merge(at[parents[1]!]!, { ...info(name), fastForward: 'never' });
      else await branch.put(name, name, info(name));
      at[name] = (await branch.head())!.oid;
    };
    // 1→0; 2 and 3 both have the parents 1 and 0: the one lowest common ancestor is 1.
    await commit('0');
    await commit('1', '0');
    for (const name of ['2', '3']) {
      const tree = (await main.on('c1').head())!.tree;
      const { serializeCommit } = await import('../../src/objects/commit.js');
      const author = { name, email: 'x', seconds: Number(name), zone: '+0000' };
      at[name] = await main.backend.objects.write(
        'commit',
        serializeCommit({
          tree,
          parents: [at['1'] as never, at['0'] as never],
          author,
          committer: author,
          extra: [],
          message: name,
        }),
      );
      await main.backend.refs.update([{ name: `refs/heads/c${name}`, to: at[name] as never, reason: 'x' }]);
    }
    expect(await main.on('c2').lcas('c3')).toEqual([at['1']]);
  });
});
