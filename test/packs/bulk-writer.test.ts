import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HashAlgorithm, ObjectKind, Oid } from '../../src/base/oid.js';
import { LooseObjects } from '../../src/objects/loose.js';
import { BulkWriter } from '../../src/packs/bulk-writer.js';
import { PackStore } from '../../src/packs/pack-store.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { Random } from '../support/random.js';
import { inTemporaryDirectory, stock } from '../support/stock.js';

const platform = nodePlatform;

describe('BulkWriter', () => {
  for (const algorithm of ['sha1', 'sha256'] as HashAlgorithm[]) {
    it(`writes one pack that stock git verifies and reads objects back, ${algorithm}`, () =>
      inTemporaryDirectory(async (directory) => {
        const random = new Random(5);
        const packDirectory = join(directory, 'pack');
        const writer = new BulkWriter({ platform, algorithm, packDirectory, depth: 4 });
        const written = new Map<Oid, Uint8Array>();
        let text = Array.from({ length: 300 }, () => `${random.below(1e6)}\n`);
        let last: Oid | undefined;
        for (let i = 0; i < 400; i++) {
          text = text.map((line) => (random.chance(0.01) ? `${random.below(1e6)}\n` : line));
          const data = new TextEncoder().encode(text.join(''));
          last = await writer.writeAgainst('blob' as ObjectKind, data, last);
          written.set(last, data);
        }
        // More than is kept in memory: these come back from the file, while it is being written.
        for (let i = 0; i < 6; i++) {
          const data = new Uint8Array(4_000_000).map((_, at) => (at * (i + 3)) >>> 5);
          written.set(await writer.write('blob', data), data);
        }
        for (const [oid, data] of written) {
          const object = await writer.read(oid);
          expect(Buffer.compare(object!.data, data)).toBe(0);
        }
        expect([...written.keys()].filter((oid) => writer.isDelta(oid)).length).toBeGreaterThan(200);
        const { path, count } = writer.finish();
        expect(count).toBe(written.size);
        stock(['init', '-q', `--object-format=${algorithm}`, 'repo'], { cwd: directory });
        const report = stock(['verify-pack', '-v', `--object-format=${algorithm}`, `${path}.idx`], {
          cwd: join(directory, 'repo'),
        });
        expect(report).toContain('chain length = 4');
        expect(report).not.toContain('chain length = 5');
        const store = new PackStore(platform, packDirectory, algorithm);
        for (const [oid, data] of written) expect(Buffer.compare(store.read(oid)!.data, data)).toBe(0);
        store.close();
      }));
  }

  it('makes loose files of a few objects, and leaves no trace when discarded', () =>
    inTemporaryDirectory(async (directory) => {
      const loose = new LooseObjects(platform, directory, 'sha1');
      const packDirectory = join(directory, 'pack');
      const one = new BulkWriter({ platform, algorithm: 'sha1', packDirectory });
      const oid = await one.write('blob', Uint8Array.of(1, 2, 3));
      expect(one.finish({ loose, unpackBelow: 10 }).path).toBeUndefined();
      expect(loose.read(oid)?.data).toEqual(Uint8Array.of(1, 2, 3));
      const two = new BulkWriter({ platform, algorithm: 'sha1', packDirectory });
      await two.write('blob', Uint8Array.of(4));
      two.discard();
      expect(readdirSync(packDirectory)).toEqual([]);
    }));
});
