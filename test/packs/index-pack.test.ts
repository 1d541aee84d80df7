import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HashAlgorithm, Oid } from '../../src/base/oid.js';
import { LooseObjects } from '../../src/objects/loose.js';
import { indexPackFile, receivePack } from '../../src/packs/index-pack.js';
import { openObjectDirectories } from '../../src/packs/object-directory.js';
import { PackParser } from '../../src/packs/pack-parser.js';
import { unpackObjects } from '../../src/packs/unpack-objects.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { Random } from '../support/random.js';
import { inTemporaryDirectory, stock, stockBytes } from '../support/stock.js';
import { makeSample } from './sample.js';

const platform = nodePlatform;

/** The pack in pieces of odd sizes. */
function* pieces(bytes: Uint8Array, seed = 1): Generator<Uint8Array> {
  const random = new Random(seed);
  for (let at = 0; at < bytes.length; ) {
    const size = random.chance(0.5) ? 1 + random.below(40) : 1 + random.below(9000);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const files = (directory: string): string[] => readdirSync(directory).sort();

describe('index-pack', () => {
  for (const algorithm of ['sha1', 'sha256'] as HashAlgorithm[]) {
    for (const refDeltas of [false, true]) {
      it(`writes stock git's idx and rev, ${algorithm}, ${refDeltas ? 'ref' : 'ofs'}-deltas`, () =>
        inTemporaryDirectory(async (directory) => {
          makeSample(directory, { format: algorithm });
          const pack = stockBytes(
            ['pack-objects', '-q', '--all', '--stdout', ...(refDeltas ? [] : ['--delta-base-offset'])],
            { cwd: directory },
          );
          mkdirSync(join(directory, 'theirs.git/objects/pack'), { recursive: true });
          stock(['init', '-q', '--bare', `--object-format=${algorithm}`, 'theirs.git'], { cwd: directory });
          stock(['-c', 'pack.writeReverseIndex=true', 'index-pack', '--stdin'], {
            cwd: join(directory, 'theirs.git'),
            input: pack,
          });
          const theirs = join(directory, 'theirs.git/objects/pack');
          const ours = join(directory, 'ours');
          const stored = await receivePack(pieces(pack), ours, { platform, algorithm });
          expect(files(ours)).toEqual(files(theirs));
          for (const name of files(ours)) {
            expect(Buffer.compare(readFileSync(join(ours, name)), readFileSync(join(theirs, name)))).toBe(0);
          }
          const again = await indexPackFile(`${stored.path}.pack`, { platform, algorithm });
          expect(Buffer.compare(again.index, readFileSync(`${stored.path}.idx`))).toBe(0);
        }));
    }
  }

  it('completes thin packs', () =>
    inTemporaryDirectory(async (directory) => {
      makeSample(directory);
      stock(['repack', '-adq'], { cwd: directory });
      const thin = stockBytes(['pack-objects', '-q', '--thin', '--revs', '--stdout', '--delta-base-offset'], {
        cwd: directory,
        input: 'HEAD\n^HEAD~3\n',
      });
      const [own] = openObjectDirectories(platform, join(directory, '.git/objects'), 'sha1');
      const target = join(directory, 'thin');
      await expect(receivePack([thin], target, { platform, algorithm: 'sha1' })).rejects.toThrow(/unresolved delta/);
      expect(files(target)).toEqual([]);
      const stored = await receivePack(pieces(thin), target, {
        platform,
        algorithm: 'sha1',
        source: own!.packs,
        fixThin: true,
        keep: 'because',
      });
      expect(stored.appended).toBeGreaterThan(0);
      stock(['verify-pack', `${stored.path}.idx`], { cwd: directory });
      expect(readFileSync(`${stored.path}.keep`, 'utf8')).toBe('because\n');
      const again = await indexPackFile(`${stored.path}.pack`, { platform, algorithm: 'sha1' });
      expect(Buffer.compare(again.index, readFileSync(`${stored.path}.idx`))).toBe(0);
    }));

  it('unpacks into loose objects', () =>
    inTemporaryDirectory(async (directory) => {
      makeSample(directory);
      const all = stock(['rev-list', '--all', '--objects', '--no-object-names'], { cwd: directory }).trim().split('\n');
      for (const kind of ['--delta-base-offset', '--no-reuse-delta']) {
        const pack = stockBytes(['pack-objects', '-q', '--all', '--stdout', kind], { cwd: directory });
        const target = join(directory, `loose${kind}`);
        const store = new LooseObjects(platform, target, 'sha1');
        const { count } = await unpackObjects(pieces(pack), { platform, store });
        expect(count).toBe(all.length);
        for (const oid of all) expect(store.read(oid as Oid)).toBeDefined();
      }
    }));

  it('refuses a pack cut off anywhere, and any flipped bit', () =>
    inTemporaryDirectory(async (directory) => {
      makeSample(directory, { commits: 3 });
      const pack = stockBytes(['pack-objects', '-q', '--all', '--stdout', '--delta-base-offset'], { cwd: directory });
      const random = new Random(3);
      const target = join(directory, 'target');
      for (let i = 0; i < 60; i++) {
        const cut = random.below(pack.length);
        await expect(receivePack([pack.subarray(0, cut)], target, { platform, algorithm: 'sha1' })).rejects.toThrow();
        const bad = pack.slice();
        bad[random.below(pack.length)]! ^= 1 << random.below(8);
        await expect(receivePack([bad], target, { platform, algorithm: 'sha1' })).rejects.toThrow();
      }
      expect(files(target)).toEqual([]);
    }));

  it('does not make room for what a head only claims', () => {
    const parser = new PackParser({ platform, algorithm: 'sha1', object: () => {} });
    const head = Uint8Array.from([0x50, 0x41, 0x43, 0x4b, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff]);
    parser.push(head);
    // A blob of 2^40 bytes.
    parser.push(Uint8Array.from([0xb0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]));
    expect(parser.table.capacity).toBeLessThan(1 << 17);
    parser.push(platform.zlib.deflate(new Uint8Array(100)));
    expect(() => parser.push(new Uint8Array(1))).toThrow(/bad object at offset 12/);
  });
});
