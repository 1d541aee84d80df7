import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Bytes, concatBytes, encodeText } from '../../src/base/bytes.js';
import type { HashAlgorithm, Oid } from '../../src/base/oid.js';
import { oidToBytes } from '../../src/base/oid.js';
import { ObjectDatabase } from '../../src/objects/database.js';
import { BaseCache } from '../../src/packs/base-cache.js';
import { BufferPool } from '../../src/packs/buffer-pool.js';
import { createDelta } from '../../src/packs/delta-create.js';
import { writeDistance, writeEntryHead } from '../../src/packs/entry.js';
import { openObjectDirectories, objectSources } from '../../src/packs/object-directory.js';
import { PackOutput } from '../../src/packs/pack-output.js';
import { PackStore } from '../../src/packs/pack-store.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { portablePlatform } from '../../src/platform/portable/portable-platform.js';
import { nodeFileSystem } from '../../src/platform/node/fs.js';
import { Random } from '../support/random.js';
import { inTemporaryDirectory, stock } from '../support/stock.js';
import { makeSample } from './sample.js';

const format = '--batch-check=%(objectname) %(objecttype) %(objectsize) %(objectsize:disk) %(deltabase)';
const zero = /^0+$/;

function expectSame(store: PackStore, directory: string, verify = nodePlatform): number {
  const lines = stock(['cat-file', '--batch-all-objects', format], { cwd: directory }).trim().split('\n');
  expect(new Set(store.list())).toEqual(new Set(lines.map((line) => line.split(' ')[0])));
  for (const line of lines) {
    const [oid, kind, size, disk, base] = line.split(' ') as [Oid, string, string, string, string];
    const object = store.read(oid)!;
    expect(verify.hashObject(store.algorithm, object.kind, object.data)).toBe(oid);
    expect(store.readHeader(oid)).toEqual({ kind, size: Number(size) });
    const place = store.place(oid)!;
    expect([place.diskSize, place.deltaBase]).toEqual([Number(disk), zero.test(base) ? undefined : base]);
    expect(store.has(oid)).toBe(true);
    expect(store.findPrefix(oid.slice(0, 7))).toContain(oid);
  }
  return lines.length;
}

const packOf = (directory: string): string =>
  join(
    directory,
    '.git/objects/pack',
    readdirSync(join(directory, '.git/objects/pack')).find((name) => name.endsWith('.pack'))!,
  );

describe('PackStore', () => {
  for (const algorithm of ['sha1', 'sha256'] as HashAlgorithm[]) {
    for (const indexVersion of ['1', '2']) {
      it(`reads every object of a ${algorithm} pack with an index of version ${indexVersion}`, () =>
        inTemporaryDirectory((directory) => {
          makeSample(directory, { format: algorithm });
          stock(['-c', `pack.indexVersion=${indexVersion}`, 'repack', '-adfq', '--depth=20'], { cwd: directory });
          const store = new PackStore(nodePlatform, join(directory, '.git/objects/pack'), algorithm);
          expect(expectSame(store, directory)).toBeGreaterThan(100);
          store.close();
        }));
    }
  }

  it('reads with the portable engine, tiny windows and a tiny cache', () =>
    inTemporaryDirectory((directory) => {
      makeSample(directory);
      stock(['repack', '-adfq'], { cwd: directory });
      const store = new PackStore(
        portablePlatform({ fs: nodeFileSystem }),
        join(directory, '.git/objects/pack'),
        'sha1',
        { windowBytes: 1, baseBytes: 10000 },
      );
      expectSame(store, directory);
    }));

  it('reads ref-deltas and several packs, with and without a multi-pack-index, and sees new packs', () =>
    inTemporaryDirectory((directory) => {
      makeSample(directory);
      const packs = join(directory, '.git/objects/pack');
      const store = new PackStore(nodePlatform, packs, 'sha1');
      const all = stock(['rev-list', '--objects', '--all', '--no-object-names'], { cwd: directory }).trim().split('\n');
      expect(store.has(all[0] as Oid)).toBe(false);
      // Packs without --delta-base-offset have ref-deltas.
      stock(['pack-objects', '-q', '.git/objects/pack/pack'], {
        cwd: directory,
        input: `${all.slice(0, 60).join('\n')}\n`,
      });
      stock(['pack-objects', '-q', '.git/objects/pack/pack'], {
        cwd: directory,
        input: `${all.slice(50).join('\n')}\n`,
      });
      store.refresh();
      stock(['prune-packed'], { cwd: directory });
      for (const oid of all) expect(store.read(oid as Oid)).toBeDefined();
      stock(['multi-pack-index', 'write'], { cwd: directory });
      store.refresh();
      expect(store.multiPackIndexes.length).toBe(1);
      expect(expectSame(store, directory)).toBe(all.length);
    }));

  it('reads through alternates of alternates', () =>
    inTemporaryDirectory((directory) => {
      makeSample(join(directory, 'one'));
      stock(['repack', '-adq'], { cwd: join(directory, 'one') });
      stock(['clone', '-q', '-s', 'one', 'two'], { cwd: directory });
      stock(['clone', '-q', '-s', 'two', 'three'], { cwd: directory });
      const directories = openObjectDirectories(nodePlatform, join(directory, 'three/.git/objects'), 'sha1');
      expect(directories.map((each) => each.path)).toEqual(
        ['three', 'two', 'one'].map((name) => join(directory, name, '.git/objects')),
      );
      const head = stock(['rev-parse', 'HEAD'], { cwd: join(directory, 'three') }).trim() as Oid;
      expect(objectSources(directories).some((source) => source.has(head))).toBe(true);
    }));

  it('names the damaged object and file, and takes a good copy where there is one', () =>
    inTemporaryDirectory((directory) => {
      makeSample(directory, { commits: 4 });
      cpSync(join(directory, '.git/objects'), join(directory, 'loose'), { recursive: true });
      stock(['repack', '-adfq'], { cwd: directory });
      const file = packOf(directory);
      const good = readFileSync(file);
      chmodSync(file, 0o644);
      let refused = 0;
      for (let at = 12; at < good.length - 20; at += Math.floor(good.length / 40)) {
        const bad = Buffer.from(good);
        bad[at] = bad[at]! ^ 0x55;
        writeFileSync(file, bad);
        const store = new PackStore(nodePlatform, join(directory, '.git/objects/pack'), 'sha1');
        for (const oid of store.list()) {
          try {
            store.read(oid);
          } catch (error) {
            refused++;
            expect(error).toMatchObject({ code: 'OBJECT_CORRUPT', data: { file } });
          }
        }
        store.close();
        mkdirSync(join(directory, '.git/objects/info'), { recursive: true });
        writeFileSync(join(directory, '.git/objects/info/alternates'), `${directory}/loose\n`);
        const directories = openObjectDirectories(nodePlatform, join(directory, '.git/objects'), 'sha1');
        const database = new ObjectDatabase(directories[0]!.loose, objectSources(directories));
        for (const oid of directories[0]!.packs.list()) expect(database.read(oid)).toBeDefined();
        database.close();
      }
      expect(refused).toBeGreaterThan(20);
    }));
});

/** A pack of a large blob without repetition, and of others upon it, each three bytes longer at its start than the one before. */
function packOfLargeChain(size: number, depth: number): { pack: Bytes; contents: Bytes[] } {
  const random = new Random(5);
  const first = new Uint8Array(size);
  const words = new Uint32Array(first.buffer);
  for (let i = 0; i < words.length; i++) words[i] = random.below(2 ** 32);
  const contents: Bytes[] = [first];
  const output = new PackOutput(nodePlatform, 'sha1', 1);
  const head = new Uint8Array(64);
  output.writeHead(depth + 1);
  let start = output.offset;
  output.writeEntry(head, writeEntryHead(head, 0, 3, size), first);
  for (let i = 0; i < depth; i++) {
    const base = contents[i]!;
    const next = concatBytes([encodeText(`<${i}>`), base]);
    const delta = createDelta(base, next)!;
    const at = writeDistance(head, writeEntryHead(head, 0, 6, delta.length), output.offset - start);
    start = output.offset;
    output.writeEntry(head, at, delta);
    contents.push(next);
  }
  output.finish();
  return { pack: concatBytes(output.take()), contents };
}

it('reads deltas upon bases that are larger than the cache of bases is to begin with', () =>
  inTemporaryDirectory((directory) => {
    stock(['init', '-q', '.'], { cwd: directory });
    const { pack, contents } = packOfLargeChain(5 << 20, 4);
    const packs = join(directory, '.git/objects/pack');
    const file = join(packs, `pack-${'1'.repeat(40)}.pack`);
    writeFileSync(file, pack);
    stock(['index-pack', file], { cwd: directory });
    const names = contents.map((data) => nodePlatform.hashObject('sha1', 'blob', data));
    for (const order of [names, [...names].reverse()]) {
      const store = new PackStore(nodePlatform, packs, 'sha1');
      for (const oid of order) {
        const object = store.read(oid)!;
        expect(nodePlatform.hashObject('sha1', object.kind, object.data)).toBe(oid);
        const lent = store.borrow(oidToBytes(oid), 0)!;
        expect(nodePlatform.hashObject('sha1', lent.kind, lent.data)).toBe(oid);
      }
      store.close();
    }
  }));

it('keeps what was added last, however large, and forgets what was used longest ago', () => {
  const pool = new BufferPool(64 << 20);
  const cache = new BaseCache(64 << 20, pool);
  const owner = {};
  const add = (offset: number, size: number) => {
    const buffer = pool.take(size);
    expect(cache.add(owner, offset, 3, buffer.subarray(0, size), buffer)).toBe(true);
    return buffer;
  };
  for (let offset = 1; offset <= 5; offset++) add(offset, 1 << 20);
  // Used again: the second is the oldest now.
  expect(cache.get(owner, 1)).toBeDefined();
  add(6, 1 << 20);
  expect([1, 2, 3, 4, 5, 6].filter((offset) => cache.get(owner, offset) !== undefined)).toEqual([1, 3, 4, 5, 6]);
  const large = add(7, 8 << 20);
  expect([1, 2, 3, 4, 5, 6, 7].filter((offset) => cache.get(owner, offset) !== undefined)).toEqual([7]);
  expect(pool.take(8 << 20) === large).toBe(false);
  cache.drop(owner);
  expect(cache.get(owner, 7)).toBeUndefined();
});
