import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GitError } from '../../src/base/errors.js';
import type { Oid } from '../../src/base/oid.js';
import { PackStore } from '../../src/packs/pack-store.js';
import { nodePlatform as platform } from '../../src/platform/node/node-platform.js';
import { Random } from '../support/random.js';
import { inTemporaryDirectory, stock } from '../support/stock.js';
import { makeSample } from './sample.js';

/** A long run has BOUGH_TEST_FLIPS=5000. */
const flips = Number(process.env['BOUGH_TEST_FLIPS'] ?? 150);

/** Reads what the store says it has. Anything but an object or an error of ours is a fault. */
function readAll(directory: string, oids: readonly Oid[], good: ReadonlyMap<Oid, string>): number {
  let wrong = 0;
  let store: PackStore | undefined;
  try {
    store = new PackStore(platform, directory, 'sha1', { baseBytes: 1 << 20, windowBytes: 1 << 20 });
    for (const oid of oids) {
      try {
        const object = store.read(oid);
        if (object === undefined || platform.hashObject('sha1', object.kind, object.data) !== good.get(oid)) wrong++;
      } catch (error) {
        if (!(error instanceof GitError)) throw error;
        wrong++;
      }
    }
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    wrong = oids.length;
  } finally {
    store?.close();
  }
  return wrong;
}

describe('a damaged store', () => {
  it(
    `is read to its end after each of ${flips} flipped bits in .pack, .idx, .rev and multi-pack-index`,
    () =>
      inTemporaryDirectory((directory) => {
        makeSample(directory, { commits: 3 });
        stock(['repack', '-adq'], { cwd: directory });
        stock(['multi-pack-index', 'write', '--no-progress'], { cwd: directory });
        const from = join(directory, '.git/objects/pack');
        const target = join(directory, 'damaged');
        mkdirSync(target);
        const files = readdirSync(from).filter((name) => /\.(?:pack|idx|rev)$|^multi-pack-index$/.test(name));
        const bytes = files.map((name) => readFileSync(join(from, name)));
        for (const [i, name] of files.entries()) writeFileSync(join(target, name), bytes[i]!);
        const oids = stock(['cat-file', '--batch-all-objects', '--batch-check=%(objectname)'], { cwd: directory })
          .trim()
          .split('\n') as Oid[];
        const good = new Map(oids.map((oid) => [oid, oid as string]));
        expect(readAll(target, oids, good)).toBe(0);
        const random = new Random(41);
        let harmed = 0;
        for (let i = 0; i < flips; i++) {
          const which = random.below(files.length);
          const content = bytes[which]!;
          // Half of the flips hit the first 2 KB, where heads and tables of contents are.
          const at = random.below(random.chance(0.5) ? Math.min(2048, content.length) : content.length);
          const bit = 1 << random.below(8);
          const path = join(target, files[which]!);
          chmodSync(path, 0o644);
          content[at]! ^= bit;
          writeFileSync(path, content);
          if (readAll(target, oids, good) > 0) harmed++;
          content[at]! ^= bit;
          writeFileSync(path, content);
        }
        // Some hit bytes that nobody looks at (checksums), some are mended from another copy; others must be seen.
        expect(harmed).toBeGreaterThan(flips / 10);
        expect(readAll(target, oids, good)).toBe(0);
      }),
    600_000,
  );
});
