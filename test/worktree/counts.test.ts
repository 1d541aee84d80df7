import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeFileSystem } from '../../src/platform/node/fs.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import type { Platform } from '../../src/platform/platform.js';
import { openRepository } from '../../src/repo/repository.js';
import { readStatus } from '../../src/worktree/status.js';
import { WorkTree } from '../../src/worktree/work-tree.js';
import { sandbox } from '../support/sandbox.js';

/** The machine's file system, counting calls. */
function counting(): { platform: Platform; counts: Map<string, number> } {
  const counts = new Map<string, number>();
  const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
  const fs = new Proxy(nodeFileSystem, {
    get(target, name: string) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        count(name);
        return (value as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  // Made from the platform, so that what is made late there stays late.
  const platform = Object.create(nodePlatform, { fs: { value: fs } }) as Platform;
  return { platform, counts };
}

test('status of a clean work tree asks once for each file and directory, and reads no content', async () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main']);
  const files = Array.from({ length: 300 }, (_, i) => `d${i % 3}/e${i % 20}/f${i}`);
  for (const file of [...files, 'top']) {
    const path = join(box.directory, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${file}\n`);
    utimesSync(path, 1_600_000_000, 1_600_000_000);
  }
  box.git(['add', '-A']);
  box.git(['commit', '-q', '-m', 'all']);
  const directories = new Set(files.flatMap((file) => [file.split('/')[0]!, dirname(file)])).size;

  const { platform, counts } = counting();
  const repository = openRepository({ platform, env: box.env, cwd: box.directory });
  const tree = new WorkTree(repository);
  const head = box.git(['rev-parse', 'HEAD^{tree}']).trim() as never;
  expect(tree.index.count).toBe(301);
  counts.clear();
  const status = await readStatus(tree, { head });
  expect(status).toEqual({ items: [], untracked: [], ignored: [] });
  const looks = (counts.get('lstatNumbers') ?? 0) + (counts.get('lstat') ?? 0);
  expect(looks).toBe(301 + directories);
  expect((counts.get('readNames') ?? 0) + (counts.get('readDirectory') ?? 0)).toBe(directories + 1);
  // `info/exclude`.
  expect(counts.get('readFile') ?? 0).toBeLessThanOrEqual(1);
  for (const name of ['open', 'readLink', 'writeFile', 'openWrite']) expect(counts.get(name)).toBeUndefined();
});
