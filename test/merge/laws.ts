import * as fc from 'fast-check';
import { expect } from 'vitest';
import { equalValues } from '../../src/merge/equal.js';
import type { MergeFn, Merged, Sides } from '../../src/merge/hook.js';
import { plainContext } from '../../src/merge/hook.js';
import { seedOf } from '../support/random.js';

export interface LawOptions {
  /** merge(b, x, x) = x. Not so for types whose equal changes add up. */
  readonly idempotent?: boolean;
  /** Swapping the sides gives the same value, not only the same verdict. */
  readonly commutative?: boolean;
  readonly neverConflicts?: boolean;
  readonly equal?: (a: unknown, b: unknown) => boolean;
  readonly runs?: number;
}

const sides = <V>(base: V | undefined, ours: V, theirs: V): Sides<V> => ({ base: () => base, ours, theirs });
export const run = async <V>(merge: MergeFn<V>, base: V | undefined, ours: V, theirs: V): Promise<Merged<V>> =>
  merge(sides(base, ours, theirs), plainContext('file'));

/** The laws every merge function keeps, whatever its type. */
export async function checkLaws<V>(
  merge: MergeFn<V>,
  values: fc.Arbitrary<V>,
  options: LawOptions = {},
): Promise<void> {
  const equal = options.equal ?? equalValues;
  const is = (merged: Merged<V>, value: V, law: string) => {
    expect(merged.clean, `${law}: clean`).toBe(true);
    if (merged.clean) expect(equal(merged.value, value), `${law}: ${JSON.stringify(merged.value)}`).toBe(true);
  };
  const runs = { numRuns: options.runs ?? 150, seed: seedOf(7) };
  await fc.assert(
    fc.asyncProperty(values, values, values, async (base, x, y) => {
      is(await run(merge, base, base, y), y, 'merge(b, b, y) = y');
      is(await run(merge, base, x, base), x, 'merge(b, x, b) = x');
      is(await run(merge, base, base, base), base, 'merge(b, b, b) = b');
      if (options.idempotent !== false) is(await run(merge, base, x, x), x, 'merge(b, x, x) = x');
      const one = await run(merge, base, x, y);
      const again = await run(merge, base, x, y);
      expect(again).toEqual(one);
      const swapped = await run(merge, base, y, x);
      expect(swapped.clean, 'swap keeps the verdict').toBe(one.clean);
      if (options.neverConflicts === true) expect(one.clean).toBe(true);
      if (options.commutative === true && one.clean && swapped.clean) {
        expect(equal(one.value, swapped.value), 'swap keeps the value').toBe(true);
      }
    }),
    runs,
  );
}
