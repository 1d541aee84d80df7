import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HashAlgorithm, Oid } from '../../src/base/oid.js';
import { ObjectDatabase } from '../../src/objects/database.js';
import { LooseObjects } from '../../src/objects/loose.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { IndexEntry } from '../../src/worktree/index-entry.js';
import { commitIndex, lockIndex, readIndex, verifyIndexChecksum } from '../../src/worktree/index-file.js';
import { rawLength } from '../../src/base/oid.js';
import { parseCacheTree } from '../../src/worktree/cache-tree.js';
import { parseIndex as parseRows } from '../../src/worktree/index-parse.js';
import { serializeIndex } from '../../src/worktree/index-serialize.js';
import { primeCacheTree, readTreeEntries, writeIndexTree } from '../../src/worktree/write-tree.js';
import { Random } from '../support/random.js';
import { inTemporaryDirectory, stock, tryStock } from '../support/stock.js';
import { since } from '../support/version.js';

const place = (directory: string, algorithm: HashAlgorithm) => ({
  platform: nodePlatform,
  algorithm,
  path: join(directory, '.git/index'),
  directory: join(directory, '.git'),
});

const objectsOf = (directory: string, algorithm: HashAlgorithm): ObjectDatabase => {
  const loose = new LooseObjects(nodePlatform, join(directory, '.git/objects'), algorithm);
  return new ObjectDatabase(loose, [loose]);
};

function randomFiles(directory: string, random: Random, count: number): string[] {
  const names = ['a', 'b', 'dir', 'dir.x', 'dir-y', 'z', 'ünï', 'x y', 'long'.repeat(30), 'q'];
  const paths = new Set<string>();
  while (paths.size < count) {
    const parts = [`f${random.below(count)}`];
    for (let depth = random.below(4); depth > 0; depth--) parts.unshift(`d-${random.pick(names)}`);
    paths.add(parts.join('/'));
  }
  for (const path of paths) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    if (random.chance(0.05)) symlinkSync('somewhere', join(directory, path));
    else writeFileSync(join(directory, path), `${random.below(1000)}\n`, { mode: random.chance(0.2) ? 0o755 : 0o644 });
  }
  return [...paths];
}

function parseIndex(...given: Parameters<typeof parseRows>) {
  const parsed = parseRows(...given);
  const cacheTree = parsed.cacheTree && parseCacheTree(parsed.cacheTree, rawLength(given[1]));
  return { ...parsed, cacheTree, entries: parsed.rows.entries() };
}

describe('index file', () => {
  for (const algorithm of ['sha1', 'sha256'] as const) {
    for (const version of [2, 4] as const) {
      it(`reads and writes stock git's bytes (${algorithm}, version ${version})`, () =>
        inTemporaryDirectory((directory) => {
          const random = new Random(version * 7 + algorithm.length);
          stock(['init', '-q', `--object-format=${algorithm}`], { cwd: directory });
          stock(['config', 'index.version', String(version)], { cwd: directory });
          const files = randomFiles(directory, random, 120);
          const check = (): void => {
            const data = readFileSync(join(directory, '.git/index'));
            const parsed = parseIndex(data, algorithm);
            expect(Buffer.from(serializeIndex(nodePlatform, parsed, algorithm)).equals(data)).toBe(true);
            expect(verifyIndexChecksum(nodePlatform, data, algorithm)).toBe(true);
            const listed = parsed.entries.map((e) => `${e.mode.toString(8)} ${e.oid} ${e.stage}\t${e.path}\0`).join('');
            expect(listed).toBe(stock(['ls-files', '-s', '-z'], { cwd: directory }));
          };
          stock(['add', '.'], { cwd: directory });
          check();
          stock(['commit', '-qm', 'one'], { cwd: directory });
          check();
          stock(['update-index', '--assume-unchanged', files[0]!], { cwd: directory });
          stock(['update-index', '--skip-worktree', files[1]!], { cwd: directory });
          writeFileSync(join(directory, 'intended'), 'x');
          stock(['add', '-N', 'intended'], { cwd: directory });
          check();
          const blob = stock(['hash-object', '-w', '--stdin'], { cwd: directory, input: 'blob' }).trim();
          const lines = [1, 2, 3].map((stage) => `100644 ${blob} ${stage}\tconflict/file\n`).join('');
          stock(['update-index', '--index-info'], { cwd: directory, input: lines });
          check();
          writeFileSync(join(directory, 'conflict'), 'x');
          stock(['update-index', '--force-remove', 'conflict/file'], { cwd: directory });
          check();
          stock(['reset', '-q', '--hard'], { cwd: directory });
          stock(['-c', 'index.recordEndOfIndexEntries=true', 'add', '--renormalize', '.'], { cwd: directory });
        }));
    }
  }

  it('reads split indexes and end-of-index extensions', () =>
    inTemporaryDirectory((directory) => {
      stock(['init', '-q'], { cwd: directory });
      const files = randomFiles(directory, new Random(3), 60);
      stock(['add', '.'], { cwd: directory });
      stock(['-c', 'splitIndex.maxPercentChange=100', 'update-index', '--split-index'], { cwd: directory });
      writeFileSync(join(directory, files[3]!.replace(/.*/, 'new-file')), 'new');
      stock(['-c', 'splitIndex.maxPercentChange=100', 'add', 'new-file'], { cwd: directory });
      stock(['-c', 'splitIndex.maxPercentChange=100', 'rm', '-q', '--cached', files[5]!], { cwd: directory });
      stock(['-c', 'splitIndex.maxPercentChange=100', 'update-index', '--chmod=+x', files[8]!], { cwd: directory });
      const index = readIndex(place(directory, 'sha1'));
      expect(index.shared).toBeDefined();
      const listed = index.entries.map((e) => `${e.mode.toString(8)} ${e.oid} ${e.stage}\t${e.path}\0`).join('');
      expect(listed).toBe(stock(['ls-files', '-s', '-z'], { cwd: directory }));
    }));

  it('edits as stock git does: bytes after adds, removals, conflicts and write-tree', () =>
    inTemporaryDirectory(async (directory) => {
      const random = new Random(11);
      stock(['init', '-q'], { cwd: directory });
      const where = place(directory, 'sha1');
      const objects = objectsOf(directory, 'sha1');
      const blobs = [0, 1, 2].map(
        (n) => stock(['hash-object', '-w', '--stdin'], { cwd: directory, input: `blob ${n}` }).trim() as Oid,
      );
      const names = ['a', 'b', 'a.b', 'a-b', 'a/b', 'a/c', 'a/c/d', 'b/x', 'b/x/y', 'b/x.z', 'c/d/e/f', 'c/d/g', 'zz'];
      const index = readIndex(where);
      for (let step = 0; step < 150; step++) {
        const path = random.pick(names);
        const oid = random.pick(blobs);
        const action = random.below(10);
        let stdin = '';
        if (action < 6) {
          stdin = `100644 ${oid} 0\t${path}\n`;
          index.add(IndexEntry.create({ path, mode: 0o100644, oid }), { replace: true });
        } else if (action < 8) {
          stdin = `0 ${'0'.repeat(40)}\t${path}\n`;
          index.remove(path);
        }
        stock(['update-index', '--index-info'], { cwd: directory, input: stdin });
        let tree: string | undefined;
        if (action === 9) tree = stock(['write-tree'], { cwd: directory }).trim();
        const theirs = readIndex(where);
        if (tree !== undefined) expect(await writeIndexTree(index, objects)).toBe(tree);
        const bytes = serializeIndex(nodePlatform, index, 'sha1');
        expect(
          Buffer.from(bytes).equals(Buffer.from(serializeIndex(nodePlatform, theirs, 'sha1'))),
          `step ${step}`,
        ).toBe(true);
      }
      commitIndex(where, index, lockIndex(where));
      expect(tryStock(['fsck'], { cwd: directory }).code).toBe(0);
      stock(['diff', '--cached', '--quiet', await writeIndexTree(index, objects)], { cwd: directory });
    }));

  it('splits an index so that stock git reads the same, and goes on with one that stock git split', () =>
    inTemporaryDirectory(async (directory) => {
      stock(['init', '-q'], { cwd: directory });
      const names = randomFiles(directory, new Random(11), 60);
      stock(['add', '.'], { cwd: directory });
      const where = place(directory, 'sha1');
      const random = new Random(12);
      const split = { maxPercentChange: 20, expire: undefined };
      for (let step = 0; step < 40; step++) {
        if (random.chance(0.3)) {
          const path = random.pick(names);
          stock(['update-index', ...(random.chance(0.3) ? ['--split-index'] : []), '--force-remove', path], {
            cwd: directory,
          });
        }
        const index = readIndex(where);
        index.split = true;
        for (let i = random.below(4); i > 0; i--) {
          const path = random.chance(0.2) ? `new-${step}-${i}` : random.pick(names);
          if (random.chance(0.3)) index.remove(path);
          else {
            const oid = random.pick(index.entries).oid;
            index.add(IndexEntry.create({ path, mode: 0o100644, oid }), { replace: true });
          }
        }
        const expected = index.entries.map((e) => `${e.mode.toString(8)} ${e.oid} ${e.stage}\t${e.path}\0`).join('');
        commitIndex(where, index, lockIndex(where), { split });
        expect(stock(['ls-files', '-s', '-z'], { cwd: directory }), `step ${step}`).toBe(expected);
        expect(tryStock(['fsck'], { cwd: directory }).code).toBe(0);
      }
    }));

  it('reads trees in index order and primes the cache tree as read-tree does', () =>
    inTemporaryDirectory(async (directory) => {
      stock(['init', '-q'], { cwd: directory });
      randomFiles(directory, new Random(5), 80);
      stock(['add', '.'], { cwd: directory });
      const tree = stock(['write-tree'], { cwd: directory }).trim() as Oid<'tree'>;
      stock(['read-tree', tree], { cwd: directory });
      const theirs = readIndex(place(directory, 'sha1'));
      const objects = objectsOf(directory, 'sha1');
      const entries = await readTreeEntries(objects, tree);
      expect(entries.map((e) => `${e.mode} ${e.oid} ${e.path}`)).toEqual(
        theirs.entries.map((e) => `${e.mode} ${e.oid} ${e.path}`),
      );
      theirs.setEntries(entries);
      theirs.cacheTree = await primeCacheTree(objects, tree);
      const ours = serializeIndex(nodePlatform, theirs, 'sha1');
      stock(['read-tree', '--empty'], { cwd: directory });
      stock(['read-tree', tree], { cwd: directory });
      expect(Buffer.from(ours).equals(readFileSync(join(directory, '.git/index')))).toBe(true);
    }));

  it('writes EOIE and IEOT as stock git does, and refuses what it cannot understand', () =>
    inTemporaryDirectory((directory) => {
      stock(['init', '-q'], { cwd: directory });
      randomFiles(directory, new Random(9), 40);
      stock(['-c', 'index.recordEndOfIndexEntries=true', '-c', 'index.threads=2', 'add', '.'], { cwd: directory });
      const data = readFileSync(join(directory, '.git/index'));
      const parsed = parseIndex(data, 'sha1');
      expect(
        Buffer.from(serializeIndex(nodePlatform, parsed, 'sha1', { recordEnd: true, offsetBlocks: 2 })).equals(data),
      ).toBe(true);
      const unknown = Buffer.concat([data.subarray(0, -20), Buffer.from('zzzz\0\0\0\0'), data.subarray(-20)]);
      expect(() => parseIndex(unknown, 'sha1')).toThrow('index file corrupt');
      const optional = Buffer.concat([data.subarray(0, -20), Buffer.from('ZZZZ\0\0\0\0'), data.subarray(-20)]);
      expect(parseIndex(optional, 'sha1').entries.length).toBe(parsed.entries.length);
      const bad = Buffer.from(data);
      bad.write('DIRX');
      expect(() => parseIndex(bad, 'sha1')).toThrow('index file corrupt');
    }));

  it('holds the lock against others', () =>
    inTemporaryDirectory((directory) => {
      stock(['init', '-q'], { cwd: directory });
      const where = place(directory, 'sha1');
      const lock = lockIndex(where);
      expect(() => lockIndex(where)).toThrow(/Unable to create '.*index\.lock': File exists/);
      const answer = tryStock(['update-index', '--force-write-index'], { cwd: directory });
      if (since(38)) expect(answer.code).toBe(128);
      lock.rollback();
      expect(execFileSync('git', ['ls-files'], { cwd: directory }).toString()).toBe('');
    }));
});
