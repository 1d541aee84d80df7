import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as contents from '../../src/contents/index.js';
import { init, open, openStore } from '../../src/index.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import type { Platform } from '../../src/platform/platform.js';
import { sandbox } from '../support/sandbox.js';

const env = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@b' };

test('a bare repository is the folder itself, as git init --bare makes it', async () => {
  const box = sandbox();
  const repository = await init(box.path('r'), { bare: true, env });
  const store = await openStore(repository, contents.bytes);
  await store.put('a/b', Uint8Array.of(120), { message: 'one' });
  repository.close();
  expect(existsSync(box.path('r/HEAD'))).toBe(true);
  expect(existsSync(box.path('r/.git'))).toBe(false);
  expect(box.git(['show', 'main:a/b'], { cwd: 'r' })).toBe('x');
  expect(box.git(['rev-parse', '--is-bare-repository'], { cwd: 'r' })).toBe('true\n');
  box.fsck('r');
  const again = await open(box.path('r'), { env });
  expect(again.bare).toBe(true);
  again.close();
});

test('the commits of a repository that stays open have the times they were made at', async () => {
  const box = sandbox();
  let now = 1_700_000_000_000;
  const platform = Object.create(nodePlatform, { now: { value: () => now } }) as Platform;
  const repository = await init(box.path('r'), { env, platform });
  const store = await openStore(repository, contents.bytes);
  for (let i = 0; i < 3; i++) {
    await store.put('value', Uint8Array.of(i), { message: `put ${i}` });
    now += 61_000;
  }
  repository.close();
  const times = box.git(['log', '--format=%at %ct'], { cwd: 'r' });
  expect(times).toBe('1700000122 1700000122\n1700000061 1700000061\n1700000000 1700000000\n');
  const logged = box.git(['reflog', '--date=unix', '--format=%gd', 'HEAD'], { cwd: 'r' });
  expect(logged).toBe('HEAD@{1700000122}\nHEAD@{1700000061}\nHEAD@{1700000000}\n');
});
