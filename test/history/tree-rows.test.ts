import { describe, expect, it } from 'vitest';
import { sharedBytes, TreeRows } from '../../src/history/tree-rows.js';
import { Random } from '../support/random.js';

const loaded = (data: Uint8Array): TreeRows => {
  const rows = new TreeRows();
  rows.load(data);
  return rows;
};

describe('rows of trees', () => {
  it('tells how long two trees are the same, from any places on', () => {
    const random = new Random(4);
    for (let round = 0; round < 3000; round++) {
      const shared = Uint8Array.from({ length: random.below(90) }, () => random.below(4));
      const sides = [0, 1].map(() => {
        const at = random.below(9);
        const data = Uint8Array.from({ length: at + shared.length + random.below(9) }, () => random.below(256));
        data.set(shared, at);
        return { at, data };
      });
      const [a, b] = [sides[0]!, sides[1]!];
      let expected = 0;
      const end = Math.min(a.data.length - a.at, b.data.length - b.at);
      while (expected < end && a.data[a.at + expected] === b.data[b.at + expected]) expected++;
      expect(sharedBytes(loaded(a.data), a.at, loaded(b.data), b.at)).toBe(expected);
    }
  });

  it('finds the row at a place', () => {
    const rows = loaded(new Uint8Array(100));
    for (const at of [0, 30, 61]) rows.mark(at);
    rows.finish();
    expect([0, 29, 30, 60, 61, 99, 100].map((at) => rows.rowAt(at, 0))).toEqual([0, 0, 1, 1, 2, 2, 3]);
  });
});
