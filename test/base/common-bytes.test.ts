import { expect, test } from 'vitest';
import { commonPrefix, commonSuffix } from '../../src/base/common-bytes.js';
import { Random } from '../support/random.js';

test('tells what two arrays begin and end with in common', () => {
  const random = new Random(5);
  for (let round = 0; round < 3000; round++) {
    const size = 60 + random.below(60);
    const a = new Uint8Array(new ArrayBuffer(200), random.below(5), size).map(() => random.below(3));
    const b = new Uint8Array(new ArrayBuffer(200), random.below(5), random.below(3) === 0 ? size - 3 : size);
    b.set(a.subarray(0, b.length));
    for (let changes = random.below(3); changes >= 0; changes--) b[random.below(b.length)]! ^= 1;
    const most = Math.min(a.length, b.length);
    let start = 0;
    while (start < most && a[start] === b[start]) start++;
    let end = 0;
    while (end < most && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
    expect(commonPrefix(a, b)).toBe(start);
    expect(commonSuffix(a, b, most)).toBe(end);
    const some = random.below(most);
    expect(commonSuffix(a, b, some)).toBe(Math.min(some, end));
  }
});
