import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GitError } from '../../src/base/errors.js';
import type { Oid } from '../../src/base/oid.js';
import { ObjectDatabase } from '../../src/objects/database.js';
import { receivePack } from '../../src/packs/index-pack.js';
import { nameHash } from '../../src/packs/name-hash.js';
import { openObjectDirectories, objectSources } from '../../src/packs/object-directory.js';
import { PackBuilder } from '../../src/packs/pack-builder.js';
import { writePackFiles } from '../../src/packs/write-pack.js';
import { nodePlatform as platform } from '../../src/platform/node/node-platform.js';
import { root } from '../support/root.js';
import { inTemporaryDirectory, stock, stockBytes } from '../support/stock.js';
import { makeSample } from './sample.js';

const noThreads = { ...platform, threads: undefined };

describe('threads', () => {
  it('index-pack gives the same bytes on one, two and four threads', () =>
    inTemporaryDirectory(async (directory) => {
      makeSample(directory, { commits: 20 });
      const pack = stockBytes(['pack-objects', '-q', '--all', '--stdout', '--delta-base-offset'], { cwd: directory });
      const results: string[] = [];
      for (const threads of [0, 1, 2, 4]) {
        const target = join(directory, `t${threads}`);
        const seen = new Map<string, number>();
        const stored = await receivePack([pack], target, {
          platform: threads === 0 ? noThreads : platform,
          algorithm: 'sha1',
          threads,
          threadsFrom: 1,
          blobsUnseen: true,
          object: (oid, kind, data) => {
            expect(kind === 'blob' || data !== undefined).toBe(true);
            seen.set(oid, (seen.get(oid) ?? 0) + 1);
          },
        });
        expect(seen.size).toBe(stored.count);
        expect([...seen.values()].every((times) => times === 1)).toBe(true);
        results.push(
          readdirSync(target)
            .sort()
            .map((name) => `${name} ${platform.hash('sha1', readFileSync(join(target, name)))}`)
            .join('\n'),
        );
      }
      expect(new Set(results).size).toBe(1);
    }));

  it('a damaged delta is noticed by whichever thread comes across it', () =>
    inTemporaryDirectory(async (directory) => {
      makeSample(directory, { commits: 8 });
      const pack = stockBytes(['pack-objects', '-q', '--all', '--stdout', '--delta-base-offset'], { cwd: directory });
      const path = join(directory, 'p');
      const stored = await receivePack([pack], path, { platform, algorithm: 'sha1' });
      const idx = stored.path.replace(/\.pack$/, '');
      const lines = stock(['verify-pack', '-v', `${idx}.idx`], { cwd: directory }).split('\n');
      const delta = lines.find((line) => /^[0-9a-f]{40} blob +\d+ \d+ \d+ \d+ /.test(line))!.split(/ +/);
      const bad = Uint8Array.from(pack);
      bad[Number(delta[4]) + 8]! ^= 0x55;
      // The checksum is made right again: only the delta itself is wrong.
      bad.set(Buffer.from(platform.hash('sha1', bad.subarray(0, -20)), 'hex'), bad.length - 20);
      await expect(
        receivePack([bad], join(directory, 'q'), { platform, algorithm: 'sha1', threads: 3, threadsFrom: 1 }),
      ).rejects.toBeInstanceOf(GitError);
      expect(readdirSync(join(directory, 'q'))).toEqual([]);
    }));

  it('the search for deltas loses nothing, and its answer depends on the number of threads only', () =>
    inTemporaryDirectory(async (directory) => {
      makeSample(directory, { commits: 25 });
      const lines = stock(['rev-list', '--objects', '--all'], { cwd: directory }).trim().split('\n');
      const make = async (name: string, threads: number): Promise<string> => {
        const directories = openObjectDirectories(platform, join(directory, '.git/objects'), 'sha1');
        const builder = new PackBuilder({
          platform,
          algorithm: 'sha1',
          source: new ObjectDatabase(directories[0]!.loose, objectSources(directories)),
          packStores: directories.map((each) => each.packs),
          directories: directories.map((each) => each.path),
          threads,
          threadsFrom: 1,
        });
        for (const line of lines) builder.add(line.slice(0, 40) as Oid, nameHash(line.slice(41)));
        const [sum] = await writePackFiles(builder, { platform, algorithm: 'sha1', base: join(directory, name) });
        return `${name}-${sum}`;
      };
      const one = await make('one', 1);
      const two = await make('two', 2);
      const again = await make('again', 2);
      expect(again.slice(6)).toBe(two.slice(4));
      const size = (name: string): number => statSync(join(directory, `${name}.pack`)).size;
      expect(size(two)).toBeLessThan(size(one) * 1.1);
      const names = (name: string): string[] =>
        stock(['verify-pack', '-v', `${name}.idx`], { cwd: directory })
          .split('\n')
          .filter((line) => /^[0-9a-f]{40} /.test(line))
          .map((line) => line.split(' ').slice(0, 2).join(' '))
          .sort();
      expect(names(two)).toEqual(names(one));
    }));

  it('the built command line and library hold the program of a thread', () => {
    expect(existsSync(join(root, 'dist/thread.cjs'))).toBe(true);
    const held = readFileSync(join(root, 'dist/command-line/platform/node/thread-source.cjs'), 'utf8');
    expect(held.length).toBeGreaterThan(20_000);
    const lib = join(root, 'dist/lib');
    const chunks = readdirSync(lib, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.js'))
      .map((name) => readFileSync(join(lib, name), 'utf8'));
    expect(chunks.some((text) => text.includes('worker_threads') && text.includes('parentPort'))).toBe(true);
    const tried = spawnSync(
      process.execPath,
      [
        '-e',
        `const { Worker } = require('node:worker_threads');
         const module = { exports: {} };
         (0, eval)('(' + require('fs').readFileSync(${JSON.stringify(
           join(root, 'dist/command-line/platform/node/thread-source.cjs'),
         )}, 'utf8') + ')')(module.exports, require, module, (to, all) => {
           for (const name in all) Object.defineProperty(to, name, { get: all[name] });
         });
         const { threadSource } = module.exports;
         new Worker(threadSource(), { eval: true, workerData: { task: 'none', data: {} } })
           .once('message', (answer) => console.log(answer.failed));`,
      ],
      { encoding: 'utf8' },
    );
    expect([tried.stdout, tried.stderr]).toEqual(['true\n', '']);
  });
});
