import { describe, expect, it } from 'vitest';
import { contents, init, openRemote, openStore, nodePlatform } from '../../src/index.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const env = {
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.com',
};

describe('stores on two machines', () => {
  it('pull from each other and converge, counting every change once', async () => {
    const place = mkdtempSync(join(tmpdir(), 'bough-remote-'));
    try {
      const hub = await init(join(place, 'hub.git'), { bare: true, env });
      const remote = openRemote(join(place, 'hub.git'), { platform: nodePlatform, cwd: place });
      const one = await init(join(place, 'one'), { env });
      const two = await init(join(place, 'two'), { env });
      const left = await openStore(one, contents.counter, { branch: 'hits' });
      const right = await openStore(two, contents.counter, { branch: 'hits' });

      await left.put('home', 1, { message: 'one' });
      expect((await left.push(remote)).status).toBe('ok');
      expect((await right.pull(remote, { message: 'take over' })).status).toBe('fast-forward');

      await left.put('home', 3, { message: 'two more here' });
      await right.put('home', 5, { message: 'four more there' });
      await right.put('about', 1, { message: 'a new one' });
      expect((await right.push(remote)).status).toBe('ok');
      // The other side has what is not merged here.
      expect(await left.push(remote)).toMatchObject({ status: 'rejected', why: 'fetch first' });
      expect((await left.pull(remote, { message: 'merge' })).status).toBe('merged');
      expect(await left.get('home')).toBe(7);
      expect((await left.push(remote)).status).toBe('ok');
      expect((await right.pull(remote, { message: 'merge back' })).status).toBe('fast-forward');
      expect(await right.get('home')).toBe(7);
      expect((await right.head())?.oid).toBe((await left.head())?.oid);
      expect((await right.pull(remote, { message: 'nothing' })).status).toBe('up-to-date');
      expect(await hub.refs.resolve('refs/heads/hits')).toBe((await left.head())?.oid);

      const names: string[] = [];
      for await (const ref of remote.refs()) names.push(ref.name);
      expect(names).toContain('refs/heads/hits');
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  });

  it('a fetch moves no branch unless a refspec says so', async () => {
    const place = mkdtempSync(join(tmpdir(), 'bough-remote-'));
    try {
      const hub = await init(join(place, 'hub.git'), { bare: true, env });
      const store = await openStore(hub, contents.json(), { branch: 'main' });
      await store.put('a', { x: 1 }, { message: 'a' });
      const other = await init(join(place, 'other'), { env });
      const remote = openRemote(`file://${join(place, 'hub.git')}`, { platform: nodePlatform, cwd: place });
      const fetched = await remote.fetch(other);
      expect(fetched).toHaveLength(1);
      expect(await other.refs.resolve('refs/heads/main')).toBeUndefined();
      expect(await other.refs.resolve('refs/remotes/origin/main')).toBe((await store.head())?.oid);
      await expect(remote.fetch(other, { refspecs: ['refs/heads/nothing'] })).rejects.toMatchObject({
        code: 'REF_MISSING',
      });
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  });

  it('a push with an expectation is a compare-and-swap', async () => {
    const place = mkdtempSync(join(tmpdir(), 'bough-remote-'));
    try {
      await init(join(place, 'hub.git'), { bare: true, env });
      const own = await init(join(place, 'own'), { env });
      const store = await openStore(own, contents.json(), { branch: 'main' });
      await store.put('a', 1, { message: 'one' });
      const first = (await store.head())!.oid;
      const remote = openRemote(join(place, 'hub.git'), { platform: nodePlatform, cwd: place });
      expect(await remote.push(own, [{ name: 'refs/heads/x', to: first, expect: 'absent' }])).toEqual([
        { name: 'refs/heads/x', status: 'ok' },
      ]);
      await store.put('a', 2, { message: 'two' });
      const second = (await store.head())!.oid;
      expect(await remote.push(own, [{ name: 'refs/heads/x', to: second, expect: 'absent' }])).toMatchObject([
        { status: 'rejected', why: 'stale info' },
      ]);
      expect(
        await remote.push(
          own,
          [
            { name: 'refs/heads/x', to: second, expect: first },
            { name: 'refs/heads/y', to: second, expect: first },
          ],
          { atomic: true },
        ),
      ).toMatchObject([
        { status: 'rejected', why: 'atomic push failed' },
        { status: 'rejected', why: 'stale info' },
      ]);
      expect(await remote.push(own, [{ name: 'refs/heads/x', to: second, expect: first }])).toMatchObject([
        { status: 'ok' },
      ]);
      expect(await remote.push(own, [{ name: 'refs/heads/x', to: 'deleted' }])).toMatchObject([{ status: 'ok' }]);
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  });
});
