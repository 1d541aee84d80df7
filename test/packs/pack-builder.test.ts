import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HashAlgorithm, Oid } from '../../src/base/oid.js';
import { ObjectDatabase } from '../../src/objects/database.js';
import { applyDelta } from '../../src/packs/delta.js';
import { createDelta } from '../../src/packs/delta-create.js';
import { nameHash } from '../../src/packs/name-hash.js';
import { openObjectDirectories, objectSources } from '../../src/packs/object-directory.js';
import type { PackOptions } from '../../src/packs/pack-builder.js';
import { PackBuilder } from '../../src/packs/pack-builder.js';
import { writePackFiles } from '../../src/packs/write-pack.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { Random } from '../support/random.js';
import { inTemporaryDirectory, stock } from '../support/stock.js';
import { makeSample } from './sample.js';

const platform = nodePlatform;

function builderFor(directory: string, algorithm: HashAlgorithm, options: Partial<PackOptions> = {}): PackBuilder {
  const directories = openObjectDirectories(platform, join(directory, '.git/objects'), algorithm);
  const source = new ObjectDatabase(directories[0]!.loose, objectSources(directories));
  return new PackBuilder({
    platform,
    algorithm,
    source,
    packStores: directories.map((each) => each.packs),
    ...options,
  });
}

function addAll(builder: PackBuilder, lines: string): void {
  for (const line of lines.trim().split('\n')) {
    const space = line.indexOf(' ');
    if (space < 0) builder.add(line as Oid);
    else builder.add(line.slice(0, space) as Oid, nameHash(line.slice(space + 1)));
  }
}

describe('PackBuilder', () => {
  for (const algorithm of ['sha1', 'sha256'] as HashAlgorithm[]) {
    it(`packs loose objects about as small as git, ${algorithm}`, () =>
      inTemporaryDirectory(async (directory) => {
        makeSample(directory, { format: algorithm, commits: 30 });
        const lines = stock(['rev-list', '--objects', '--all'], { cwd: directory });
        const theirs = stock(['pack-objects', '-q', '--delta-base-offset', 'theirs'], { cwd: directory, input: lines });
        const builder = builderFor(directory, algorithm);
        addAll(builder, lines);
        const [ours] = await writePackFiles(builder, { platform, algorithm, base: join(directory, 'ours') });
        const text = stock(['verify-pack', '-v', `ours-${ours}.idx`], { cwd: directory });
        const named = text.split('\n').filter((line) => /^[0-9a-f]{40,64} /.test(line));
        expect(named.length).toBe(lines.trim().split('\n').length);
        const size = (name: string): number => statSync(join(directory, name)).size;
        expect(size(`ours-${ours}.pack`)).toBeLessThan(size(`theirs-${theirs.trim()}.pack`) * 1.05);
        // Taking everything over from a pack of git's gives nothing new.
        stock(['repack', '-adfq'], { cwd: directory });
        const again = builderFor(directory, algorithm);
        addAll(again, lines);
        const [copied] = await writePackFiles(again, { platform, algorithm, base: join(directory, 'copied') });
        expect(again.statistics.reused).toBeGreaterThan(named.length * 0.9);
        stock(['verify-pack', `copied-${copied}.idx`], { cwd: directory });
      }));
  }

  it('keeps chains short, names bases by id where asked, splits by size', () =>
    inTemporaryDirectory(async (directory) => {
      makeSample(directory, { commits: 30 });
      const lines = stock(['rev-list', '--objects', '--all'], { cwd: directory });
      const builder = builderFor(directory, 'sha1', { depth: 3, window: 20, offsetDeltas: false });
      addAll(builder, lines);
      const [sum] = await writePackFiles(builder, { platform, algorithm: 'sha1', base: join(directory, 'short') });
      const text = stock(['verify-pack', '-v', `short-${sum}.idx`], { cwd: directory });
      expect(text).toMatch(/chain length = 3/);
      expect(text).not.toMatch(/chain length = [4-9]/);
      const split = builderFor(directory, 'sha1');
      addAll(split, lines);
      mkdirSync(join(directory, 'parts'));
      const sums = await writePackFiles(split, {
        platform,
        algorithm: 'sha1',
        base: join(directory, 'parts/pack'),
        maxSize: 20000,
      });
      expect(sums.length).toBeGreaterThan(2);
      let count = 0;
      for (const each of sums) {
        count += stock(['show-index'], { cwd: directory, input: stockIndex(directory, each) })
          .trim()
          .split('\n').length;
        stock(['verify-pack', `parts/pack-${each}.idx`], { cwd: directory });
      }
      expect(count).toBe(lines.trim().split('\n').length);
      expect(readdirSync(join(directory, 'parts')).some((name) => name.startsWith('tmp'))).toBe(false);
    }));

  it('makes a thin pack that git completes', () =>
    inTemporaryDirectory(async (directory) => {
      makeSample(directory, { commits: 8 });
      stock(['clone', '-q', '--bare', '.', 'other.git'], { cwd: directory });
      writeFileSync(join(directory, 'file1.txt'), `${'a line\n'.repeat(20)}`, { flag: 'a' });
      stock(['commit', '-qam', 'more'], { cwd: directory });
      const builder = builderFor(directory, 'sha1');
      for (const line of stock(['rev-list', '--objects-edge', 'HEAD', '^HEAD~1'], { cwd: directory })
        .trim()
        .split('\n')) {
        if (!line.startsWith('-')) addAll(builder, line);
      }
      for (const line of stock(['ls-tree', '-r', 'HEAD~1'], { cwd: directory }).trim().split('\n')) {
        const [head, path] = line.split('\t') as [string, string];
        builder.addEdge(head.split(' ')[2] as Oid, nameHash(path));
      }
      const chunks: Uint8Array[] = [];
      for await (const chunk of builder.chunks()) chunks.push(chunk);
      expect(builder.statistics.deltas).toBeGreaterThan(0);
      stock(['index-pack', '--stdin', '--fix-thin'], {
        cwd: join(directory, 'other.git'),
        input: Buffer.concat(chunks),
      });
      const head = stock(['rev-parse', 'HEAD'], { cwd: directory }).trim();
      stock(['rev-list', '--objects', head], { cwd: join(directory, 'other.git') });
    }));
});

function stockIndex(directory: string, sum: string): Uint8Array {
  return platform.fs.readFile(join(directory, `parts/pack-${sum}.idx`))!;
}

describe('createDelta', () => {
  it('makes deltas that give the target back', () => {
    const random = new Random(11);
    const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.below(4) * 60);
    for (let round = 0; round < 300; round++) {
      const base = bytes(random.below(3000));
      const parts: Uint8Array[] = [];
      for (let i = random.below(8); i >= 0; i--) {
        if (random.chance(0.5)) parts.push(bytes(random.below(300)));
        const from = random.below(base.length + 1);
        parts.push(base.subarray(from, from + random.below(1500)));
      }
      const target = Buffer.concat(parts);
      const delta = createDelta(base, target);
      expect(delta).toBeDefined();
      expect(Buffer.compare(applyDelta(base, delta!)!, target)).toBe(0);
    }
    const huge = new Uint8Array(200000).fill(7);
    expect(createDelta(huge, huge)!.length).toBeLessThan(40);
    expect(createDelta(huge, bytes(5000), 1000)).toBeUndefined();
  });
});
