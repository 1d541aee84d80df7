import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contents, init, nodePlatform, openRemote, openStore } from '../../src/index.js';
import { ours } from '../../src/merge/strategy.js';
import { Random } from '../support/random.js';

const env = {
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.com',
};

async function machines<T>(place: string, count: number, type: Parameters<typeof openStore<T>>[1]) {
  const found = [];
  for (let i = 0; i < count; i++) {
    const directory = join(place, `machine-${i}`);
    const repository = await init(directory, { env });
    const store = await openStore(repository, type, { branch: 'shared' });
    // Everybody reads everybody else straight from their own repository.
    const remote = openRemote(directory, { platform: nodePlatform, cwd: place });
    found.push({ store, remote });
  }
  return found;
}

describe('stores that pull from each other', () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`converge on the sum of all counts, whoever pulls from whom (seed ${seed})`, async () => {
      const place = mkdtempSync(join(tmpdir(), 'bough-converge-'));
      try {
        const random = new Random(seed);
        const all = await machines(place, 2 + (seed % 2), contents.counter);
        const total = new Map<string, number>();
        const keys = ['home', 'about', 'deep/page', 'deep/er/page'];
        await all[0]!.store.put('home', 0, { message: 'begin' });
        for (const other of all.slice(1)) await other.store.pull(all[0]!.remote, { message: 'join' });
        for (let step = 0; step < 30; step++) {
          const one = random.pick(all);
          if (random.below(3) > 0) {
            const key = random.pick(keys);
            const more = 1 + random.below(5);
            await one.store.put(key, ((await one.store.find(key)) ?? 0) + more, { message: `${key} +${more}` });
            total.set(key, (total.get(key) ?? 0) + more);
          } else {
            const other = random.pick(all.filter((each) => each !== one));
            const outcome = await one.store.pull(other.remote, { message: 'pull' });
            expect(outcome.status).toMatch(/^(?:merged|fast-forward|up-to-date)$/);
            // What was pulled is in: pulling again changes nothing.
            expect((await one.store.pull(other.remote, { message: 'again' })).status).toBe('up-to-date');
          }
        }
        // Once round, and round again for those who came first.
        for (let round = 0; round < 2; round++)
          for (let i = 0; i < all.length; i++)
            await all[(i + 1) % all.length]!.store.pull(all[i]!.remote, { message: 'round' });
        const heads = new Set<string>();
        for (const { store } of all) {
          heads.add((await store.head())!.oid);
          for (const [key, sum] of total) expect({ key, value: await store.get(key) }).toEqual({ key, value: sum });
        }
        expect(heads.size).toBe(1);
      } finally {
        rmSync(place, { recursive: true, force: true });
      }
    }, 300_000);
  }

  it('a conflict is an answer, leaves the branch where it was, and a strategy takes a side', async () => {
    const place = mkdtempSync(join(tmpdir(), 'bough-converge-'));
    try {
      const [left, right] = await machines(place, 2, contents.json());
      await left!.store.put('k', { a: 1 }, { message: 'base' });
      await right!.store.pull(left!.remote, { message: 'join' });
      await left!.store.put('k', { a: 2 }, { message: 'left' });
      await right!.store.put('k', { a: 3 }, { message: 'right' });
      const before = (await right!.store.head())!.oid;
      const outcome = await right!.store.pull(left!.remote, { message: 'pull' });
      expect(outcome.status).toBe('conflicted');
      expect((await right!.store.head())!.oid).toBe(before);
      const kept = await right!.store.pull(left!.remote, { message: 'ours', strategy: ours });
      expect(kept.status).toBe('merged');
      expect(await right!.store.get('k')).toEqual({ a: 3 });
      expect((await left!.store.pull(right!.remote, { message: 'back' })).status).toBe('fast-forward');
      expect(await left!.store.get('k')).toEqual({ a: 3 });
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  });
});
