import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { contents, init, isGitError, nodePlatform, openRemote, openStore, type Repository } from '../../src/index.js';
import { PackBuilder } from '../../src/packs/pack-builder.js';
import { receivePack } from '../../src/packs/index-pack.js';
import { Random } from '../support/random.js';
import { unfinished } from '../support/unfinished.js';
import { stock } from '../support/stock.js';

const env = {
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.com',
};

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bough-stopped-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** 60 commits of 300 values each. */
async function filled(directory: string): Promise<Repository> {
  const repository = await init(directory, { bare: true, env });
  const store = await openStore(repository, contents.text, { branch: 'main' });
  const random = new Random(5);
  for (let i = 0; i < 60; i++) {
    await store.commit(
      async (tree) => {
        let made = tree;
        for (let j = 0; j < (i === 0 ? 300 : 5); j++)
          made = await made.put(`d${random.below(20)}/f${random.below(50)}`, `${i} ${random.below(1e9)}\n`.repeat(20));
        return made;
      },
      { message: `${i}` },
    );
  }
  return repository;
}

it('a fetch that is stopped at any of its reports moves no ref, leaves no file, and can be made again', async () => {
  const folder = place();
  await filled(join(folder, 'hub.git'));
  const remote = openRemote(join(folder, 'hub.git'), { platform: nodePlatform, cwd: folder });
  let stopped = 0;
  for (let report = 1; ; report++) {
    const directory = join(folder, `into${report}`);
    const into = await init(directory, { bare: true, env });
    const controller = new AbortController();
    let reports = 0;
    const fetched = remote.fetch(into, {
      refspecs: ['refs/heads/main:refs/heads/main'],
      signal: controller.signal,
      progress: () => {
        if (++reports === report) controller.abort();
      },
    });
    const failure = await fetched.then(
      () => undefined,
      (error: unknown) => error,
    );
    if (reports < report) {
      expect(failure).toBe(undefined);
      break;
    }
    expect(isGitError(failure, 'ABORTED')).toBe(true);
    expect(await into.refs.resolve('refs/heads/main')).toBe(undefined);
    expect(unfinished(directory)).toEqual([]);
    stopped++;
    await remote.fetch(into, { refspecs: ['refs/heads/main:refs/heads/main'] });
    stock(['fsck', '--full', '--strict'], { cwd: directory });
    into.close();
  }
  expect(stopped).toBeGreaterThan(0);
}, 300_000);

it('a push that is stopped is taken whole or not at all', async () => {
  const folder = place();
  const from = await filled(join(folder, 'from.git'));
  const head = (await from.refs.resolve('refs/heads/main'))!;
  let stopped = 0;
  for (let after = 0; after < 400; after = after * 2 + 1) {
    const directory = join(folder, `hub${after}.git`);
    const hub = await init(directory, { bare: true, env });
    const remote = openRemote(directory, { platform: nodePlatform, cwd: folder });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), after);
    const update = { name: 'refs/heads/main', to: head, reason: 'push' };
    const done = await remote.push(from, [update], { signal: controller.signal }).then(
      () => true,
      (error: unknown) => {
        expect(isGitError(error, 'ABORTED'), String(error)).toBe(true);
        return false;
      },
    );
    const there = await hub.refs.resolve('refs/heads/main');
    if (done) expect(there).toBe(head);
    else stopped++;
    expect([undefined, head]).toContain(there);
    expect(unfinished(directory)).toEqual([]);
    stock(['fsck', '--full', '--strict'], { cwd: directory });
    hub.close();
  }
  expect(stopped).toBeGreaterThan(0);
}, 300_000);

it('a pack that is stopped while it is made, or received, leaves nothing', async () => {
  const folder = place();
  const from = await filled(join(folder, 'from.git'));
  const oids: string[] = [];
  for await (const oid of from.objects.list()) oids.push(oid);
  const make = async (phase: string, collected?: Uint8Array[]): Promise<void> => {
    const controller = new AbortController();
    const builder = new PackBuilder({
      platform: nodePlatform,
      algorithm: 'sha1',
      source: from.objects,
      signal: controller.signal,
      progress: (now) => {
        if (now === phase) controller.abort();
      },
    });
    for (const oid of oids) builder.add(oid as never, 0);
    for await (const chunk of builder.chunks()) collected?.push(chunk.slice());
  };
  for (const phase of ['count', 'compress', 'write'])
    await expect(make(phase), phase).rejects.toMatchObject({ code: 'ABORTED' });
  const chunks: Uint8Array[] = [];
  await make('none', chunks);
  for (const phase of ['receive', 'resolve']) {
    const controller = new AbortController();
    const into = join(folder, phase);
    await expect(
      receivePack(chunks, into, {
        platform: nodePlatform,
        algorithm: 'sha1',
        signal: controller.signal,
        progress: (now: string) => {
          if (now === phase) controller.abort();
        },
      }),
      phase,
    ).rejects.toMatchObject({ code: 'ABORTED' });
    expect(existsSync(into) ? readdirSync(into) : []).toEqual([]);
  }
});

it('a commit and a merge of values that are stopped in the middle change nothing', async () => {
  const folder = place();
  const repository = await filled(join(folder, 'r.git'));
  const controller = new AbortController();
  const slow = {
    ...contents.text,
    merge: () => {
      controller.abort();
      return { clean: true as const, value: 'merged' };
    },
  };
  const store = await openStore(repository, slow, { branch: 'main' });
  const side = await store.clone('side');
  for (const one of [store, side]) for (let i = 0; i < 5; i++) await one.put(`x${i}`, one.branch, { message: 'x' });
  const refs = stock(['for-each-ref'], { cwd: join(folder, 'r.git') });
  await expect(store.merge('side', { message: 'm', signal: controller.signal })).rejects.toThrow(/abort|stopped/);
  const second = new AbortController();
  await expect(
    store.commit(
      async (tree) => {
        const changed = await tree.put('y', 'y');
        second.abort();
        return changed;
      },
      { message: 'c', signal: second.signal },
    ),
  ).rejects.toThrow(/abort/);
  expect(stock(['for-each-ref'], { cwd: join(folder, 'r.git') })).toBe(refs);
  expect(unfinished(join(folder, 'r.git'))).toEqual([]);
});
