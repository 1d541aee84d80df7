import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/base/bytes.js';
import { GitError } from '../../src/base/errors.js';
import { oidToBytes } from '../../src/base/oid.js';
import { writeDistance, writeEntryHead } from '../../src/packs/entry.js';
import { receivePack } from '../../src/packs/index-pack.js';
import { PackStore } from '../../src/packs/pack-store.js';
import { writeUint32 } from '../../src/platform/lazy-table.js';
import { nodePlatform as platform } from '../../src/platform/node/node-platform.js';
import { Random } from '../support/random.js';
import { inTemporaryDirectory, stockBytes } from '../support/stock.js';
import { makeSample } from './sample.js';

type Entry = (offset: number) => Uint8Array;

const seal = (bytes: Uint8Array): Uint8Array => concatBytes([bytes, oidToBytes(platform.hash('sha1', bytes))]);

/** A pack of the entries given, with a right checksum and, unless said, a right count. */
function pack(entries: readonly Entry[], count = entries.length): Uint8Array {
  const head = new Uint8Array(12);
  writeUint32(head, 0, 0x5041434b);
  writeUint32(head, 4, 2);
  writeUint32(head, 8, count);
  const parts: Uint8Array[] = [head];
  let at = 12;
  for (const entry of entries) {
    const bytes = entry(at);
    parts.push(bytes);
    at += bytes.length;
  }
  return seal(concatBytes(parts));
}

const headOf = (type: number, size: number): Uint8Array => {
  const out = new Uint8Array(32);
  return out.subarray(0, writeEntryHead(out, 0, type, size));
};
const blob =
  (data: Uint8Array, claimed = data.length): Entry =>
  () =>
    concatBytes([headOf(3, claimed), platform.zlib.deflate(data)]);
const refDelta =
  (base: string, delta: Uint8Array, claimed = delta.length): Entry =>
  () =>
    concatBytes([headOf(7, claimed), oidToBytes(base), platform.zlib.deflate(delta)]);
const ofsDelta =
  (distance: (offset: number) => number, delta: Uint8Array): Entry =>
  (offset) => {
    const out = new Uint8Array(16);
    const end = writeDistance(out, 0, distance(offset));
    return concatBytes([headOf(6, delta.length), out.subarray(0, end), platform.zlib.deflate(delta)]);
  };
const text = new TextEncoder();
const blobOid = (data: Uint8Array): string => platform.hashObject('sha1', 'blob', data);

/** Receiving it must fail with an error of ours, soon, in little memory, and leave nothing behind. */
async function refused(bytes: Uint8Array, what: RegExp): Promise<void> {
  await inTemporaryDirectory(async (directory) => {
    const before = process.memoryUsage().rss;
    let failure: unknown;
    try {
      await receivePack([bytes], directory, { platform, algorithm: 'sha1', object: () => {} });
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(GitError);
    expect((failure as GitError).message).toMatch(what);
    expect(readdirSync(directory)).toEqual([]);
    expect(process.memoryUsage().rss - before).toBeLessThan(400 << 20);
  });
}

describe('hostile packs', () => {
  const base = text.encode('a base of some length, to be copied from\n');
  const copyAll = Uint8Array.of(base.length, base.length, 0x90, base.length);

  it('wrong sizes and streams', async () => {
    await refused(pack([blob(base, base.length + 1)]), /bad object at offset 12/);
    await refused(pack([blob(base, base.length - 1)]), /bad object at offset 12/);
    await refused(pack([blob(base, 2 ** 40)]), /bad object at offset 12/);
    await refused(pack([() => concatBytes([headOf(3, 5), text.encode('not zlib')])]), /bad object at offset 12/);
    await refused(pack([() => concatBytes([headOf(5, 5), platform.zlib.deflate(base)])]), /unknown object type 5/);
    await refused(pack([() => concatBytes([headOf(0, 5), platform.zlib.deflate(base)])]), /unknown object type 0/);
    await refused(pack([() => new Uint8Array(64).fill(0xff)]), /bad object|unknown object type/);
  });

  it('wrong counts, checksums and heads', async () => {
    await refused(pack([blob(base)], 2), /bad object|early EOF/);
    await refused(pack([blob(base)], 0xffffffff), /bad object|early EOF/);
    await refused(pack([blob(base)], 0), /SHA1 mismatch/);
    await refused(seal(text.encode('PACK\0\0\0\x09\0\0\0\0')), /pack version 9 unsupported/);
    await refused(seal(text.encode('KCAP\0\0\0\x02\0\0\0\0')), /pack signature mismatch/);
    await refused(new Uint8Array(0), /early EOF/);
    const bad = pack([blob(base)]);
    bad[bad.length - 1]! ^= 1;
    await refused(bad, /SHA1 mismatch/);
  });

  it('deltas that point nowhere, forward, or at each other', async () => {
    await refused(pack([ofsDelta(() => 5, copyAll)]), /out of bound/);
    await refused(pack([ofsDelta((offset) => offset, copyAll)]), /out of bound/);
    await refused(pack([blob(base), ofsDelta((offset) => offset - 13, copyAll)]), /out of bound/);
    await refused(pack([blob(base), ofsDelta(() => 0, copyAll)]), /out of bound/);
    await refused(pack([refDelta('12'.repeat(20), copyAll)]), /1 unresolved delta$/);
    const one = blobOid(text.encode('one'));
    const two = blobOid(text.encode('two'));
    await refused(pack([refDelta(one, copyAll), refDelta(two, copyAll)]), /2 unresolved deltas/);
    await refused(pack([refDelta(blobOid(base), copyAll)]), /1 unresolved delta$/);
  });

  it('deltas that read or write outside, or are cut off', async () => {
    const bad = (...delta: number[]): Uint8Array => pack([blob(base), refDelta(blobOid(base), Uint8Array.from(delta))]);
    const n = base.length;
    for (const delta of [
      [n + 1, n, 0x90, n],
      [n, n + 1, 0x90, n],
      [n, n, 0x91, 1, n],
      [n, 5, 0x90, n],
      [n, 4, 0],
      [n, 4, 9, 1, 2],
      [n, 4, 0x9f, 1],
      [n, 0x80, 0x80, 0x80],
      [],
      [n],
      // Claims 2^56 bytes.
      [n, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x90, n],
      // Claims 2^34 bytes.
      [n, 0x80, 0x80, 0x80, 0x80, 0x40, 0x90, n],
    ]) {
      await refused(bad(...delta), /failed to apply delta/);
    }
  });

  it('bombs: a stream and deltas that would fill the memory', async () => {
    // 64 MB of zeros, claimed as 10 bytes: stops at once.
    await refused(pack([blob(new Uint8Array(64 << 20), 10)]), /bad object at offset 12/);
    // Each delta doubles its base: 2^40 bytes in 40 steps. It must end in an error or a limit, not in a crash.
    const doubling: Entry[] = [];
    const starts: number[] = [];
    const size = (value: number): number[] => {
      const out: number[] = [];
      for (; value >= 128; value = Math.floor(value / 128)) out.push((value & 0x7f) | 0x80);
      return [...out, value];
    };
    doubling.push((offset) => {
      starts.push(offset);
      return blob(new Uint8Array(1 << 16))(offset);
    });
    for (let step = 0; step < 30; step++) {
      const from = (1 << 16) * 2 ** step;
      const copies: number[] = [];
      if (from <= 0x10000) copies.push(0x80, 0x80);
      else copies.push(0xf0, 0xff, 0xff, 0xff);
      const delta = Uint8Array.from([...size(from), ...size(from * 2), ...copies]);
      doubling.push((offset) => {
        const previous = starts[starts.length - 1]!;
        starts.push(offset);
        return ofsDelta(() => offset - previous, delta)(offset);
      });
    }
    await refused(pack(doubling), /failed to apply delta|too large/);
  });

  it('a chain of 20,000 deltas is resolved in little memory', () =>
    inTemporaryDirectory(async (directory) => {
      const entries: Entry[] = [];
      let before = 0;
      const starts = new Map<number, number>();
      entries.push((offset) => {
        starts.set(0, offset);
        return blob(base)(offset);
      });
      let length = base.length;
      for (let i = 1; i <= 20000; i++) {
        const index = i;
        const delta = Uint8Array.of(length, base.length + 4, 0x90, base.length, 4, i >>> 24, i >>> 16, i >>> 8, i);
        length = base.length + 4;
        entries.push((offset) => {
          before = starts.get(index - 1)!;
          starts.set(index, offset);
          return ofsDelta(() => offset - before, delta)(offset);
        });
      }
      const stored = await receivePack([pack(entries)], directory, { platform, algorithm: 'sha1' });
      expect(stored.count).toBe(20001);
      const store = new PackStore(platform, directory, 'sha1');
      const last = concatBytes([base, Uint8Array.of(0, 0, 20000 >>> 8, 20000 & 255)]);
      expect(store.read(platform.hashObject('sha1', 'blob', last))?.data).toEqual(last);
      store.close();
    }));

  it('the same object twice is let in, or refused where that is asked for', () =>
    inTemporaryDirectory(async (directory) => {
      const twice = pack([blob(base), blob(base)]);
      await expect(
        receivePack([twice], directory, { platform, algorithm: 'sha1', refuseDuplicates: true }),
      ).rejects.toThrow(/appears twice/);
      const stored = await receivePack([twice], directory, { platform, algorithm: 'sha1' });
      expect(stored.count).toBe(2);
      const store = new PackStore(platform, directory, 'sha1');
      expect(store.read(platform.hashObject('sha1', 'blob', base))?.data).toEqual(base);
      store.close();
    }));

  it(
    '5,000 flipped bits and 200 cuts of a real pack are all noticed',
    () =>
      inTemporaryDirectory(async (directory) => {
        makeSample(directory, { commits: 2 });
        const good = stockBytes(['pack-objects', '-q', '--all', '--stdout', '--delta-base-offset'], { cwd: directory });
        const random = new Random(99);
        const target = join(directory, 'target');
        const attempt = async (bytes: Uint8Array): Promise<unknown> => {
          try {
            await receivePack([bytes], target, { platform, algorithm: 'sha1' });
            return undefined;
          } catch (error) {
            return error;
          }
        };
        for (let i = 0; i < 5000; i++) {
          const at = random.below(good.length);
          const bit = 1 << random.below(8);
          good[at]! ^= bit;
          expect(await attempt(good)).toBeInstanceOf(GitError);
          good[at]! ^= bit;
        }
        for (let i = 0; i < 200; i++) {
          expect(await attempt(good.subarray(0, random.below(good.length)))).toBeInstanceOf(GitError);
        }
        expect(readdirSync(target)).toEqual([]);
      }),
    300_000,
  );
});
