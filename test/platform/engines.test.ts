import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { portablePlatform } from '../../src/platform/portable/portable-platform.js';
import { seedOf } from '../support/random.js';

const portable = portablePlatform();

test('both engines give the same ids', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40000 }),
      fc.constantFrom('sha1' as const, 'sha256' as const),
      (data, algorithm) => {
        expect(nodePlatform.hashObject(algorithm, 'blob', data)).toBe(portable.hashObject(algorithm, 'blob', data));
        expect(nodePlatform.hasher(algorithm).update(data).copy().digestHex()).toBe(portable.hash(algorithm, data));
      },
    ),
    { seed: seedOf(1), numRuns: 100 },
  );
});

test('each engine inflates what the other deflates, and says how much input it took', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20000 }), fc.uint8Array({ maxLength: 40 }), (data, after) => {
      for (const [one, other] of [
        [nodePlatform, portable],
        [portable, nodePlatform],
      ] as const) {
        const packed = one.zlib.deflate(data);
        const stream = new Uint8Array([...packed, ...after]);
        for (const size of [undefined, data.length]) {
          const inflated = other.zlib.inflate(stream, size);
          expect(Buffer.from(inflated.data).equals(data)).toBe(true);
          expect(inflated.consumed).toBe(packed.length);
        }
        expect(Buffer.from(other.zlib.inflateHead(packed, 16)).equals(data.subarray(0, 16))).toBe(true);
      }
    }),
    { seed: seedOf(2), numRuns: 100 },
  );
});

test('crc32 agrees', () => {
  const data = new TextEncoder().encode('123456789');
  expect(nodePlatform.zlib.crc32(data)).toBe(0xcbf43926);
  expect(portable.zlib.crc32(data)).toBe(0xcbf43926);
});
