import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold, like, map, mergeOrder, option, pick, record, seq, set, trivial } from '../../src/merge/combinators.js';
import { equalValues } from '../../src/merge/equal.js';
import type { MergeFn } from '../../src/merge/hook.js';
import { clean, conflicted, lazy, plainContext } from '../../src/merge/hook.js';
import { commonPairs, list } from '../../src/merge/sequence.js';
import { checkLaws, run } from './laws.js';
import { seedOf } from '../support/random.js';

const small = fc.integer({ min: 0, max: 3 });
const maybe = fc.option(small, { nil: undefined });
const add: MergeFn<number> = async (sides) => clean(sides.ours + sides.theirs - ((await sides.base()) ?? 0));

describe('trivial', () => {
  it('keeps the laws', () => checkLaws(trivial<number>(), small, { commutative: true }));
  it('asks: the same change on both sides is not settled', async () => {
    await checkLaws(trivial<number>('ask'), small, { idempotent: false, commutative: true });
    expect((await run(trivial<number>('ask'), 10, 12, 12)).clean).toBe(false);
    expect(await run(trivial<number>(), 10, 12, 12)).toEqual(clean(12));
  });
  it('accepts equal sides without asking for the base', async () => {
    let asked = 0;
    const base = () => {
      asked++;
      return 1;
    };
    await trivial<number>()({ ours: 2, theirs: 2, base }, plainContext());
    expect(asked).toBe(0);
  });
  it('has no answer to two additions that differ', async () => {
    expect((await run(trivial<number>(), undefined, 1, 2)).clean).toBe(false);
    expect(await run(trivial<number>(), undefined, 1, 1)).toEqual(clean(1));
  });
});

describe('option', () => {
  it('keeps the laws', () => checkLaws(option(trivial<number>()), maybe, { commutative: true }));
  it('equals its merge where nothing is absent', () =>
    fc.assert(
      fc.asyncProperty(small, small, small, async (b, x, y) => {
        const lifted = await run(option(add, 'ask'), b, x, y);
        expect(lifted).toEqual(await run(add, b, x, y));
      }),
      { seed: seedOf(7) },
    ));
  it('calls a deletion against a change modify/delete and keeps the change', async () => {
    const merged = await run<number | undefined>(option(trivial<number>()), 1, undefined, 2);
    expect(merged).toMatchObject({ clean: false, value: 2, conflicts: [{ kind: 'modify/delete', path: 'file' }] });
  });
});

describe('seq, like, pick, fold', () => {
  it('seq takes the first clean answer', async () => {
    await checkLaws(seq(trivial<number>('ask'), add), small, {
      idempotent: false,
      commutative: true,
      neverConflicts: true,
    });
    expect(await run(seq(trivial<number>('ask'), add), 10, 12, 12)).toEqual(clean(14));
    const last = await run(
      seq<number>(
        (_, context) => conflicted(context, 'value', 'first'),
        (_, context) => conflicted(context, 'value', 'last'),
      ),
      1,
      2,
      3,
    );
    expect(last).toMatchObject({ conflicts: [{ message: 'last' }] });
  });
  it('seq shares one base between its merges', async () => {
    let asked = 0;
    const base = async () => {
      asked++;
      return 1;
    };
    const fails: MergeFn<number> = async (sides, context) => {
      await sides.base();
      return conflicted(context, 'value', 'no');
    };
    await seq(fails, fails, fails)({ ours: 2, theirs: 3, base }, plainContext());
    expect(asked).toBe(1);
  });
  it('like goes through another type and back', () =>
    checkLaws(
      like<string, number>(add, Number, String),
      small.map((n) => String(n)),
      { idempotent: false, commutative: true, neverConflicts: true },
    ));
  it('pick never looks at the base', async () => {
    const base = () => {
      throw new Error('asked');
    };
    expect(await pick<number>('theirs')({ ours: 1, theirs: 2, base }, plainContext())).toEqual(clean(2));
  });
  it('fold merges several heads, and stops at the first conflict', async () => {
    const more = [
      { theirs: 3, base: () => 1 },
      { theirs: 5, base: () => 1 },
    ];
    expect(await fold(add, more)({ ours: 2, theirs: 2, base: () => 1 }, plainContext())).toEqual(clean(9));
    const stopped = await fold(trivial<number>(), more)({ ours: 1, theirs: 2, base: () => 1 }, plainContext());
    expect(stopped.clean).toBe(false);
  });
  it('lazy makes its value once', () => {
    let made = 0;
    const value = lazy(() => ++made);
    expect([value(), value(), made]).toEqual([1, 1, 1]);
  });
  it('stops when told to', async () => {
    const controller = new AbortController();
    controller.abort();
    const context = { ...plainContext(), signal: controller.signal };
    const sides = { ours: 1, theirs: 2, base: () => 3 };
    await expect(async () => seq(trivial<number>())(sides, context)).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('compound values', () => {
  const point = record<{ x: number; y: number }>({ x: trivial(), y: trivial() });
  it('record keeps the laws and tells every conflict', async () => {
    await checkLaws(point, fc.record({ x: small, y: small }), { commutative: true });
    const merged = await run(point, { x: 1, y: 1 }, { x: 2, y: 2 }, { x: 3, y: 3 });
    expect(merged).toMatchObject({ clean: false, conflicts: [{ at: ['x'] }, { at: ['y'] }] });
    const sums = record({ x: add, y: trivial<number>() });
    expect(await run(sums, { x: 1, y: 1 }, { x: 2, y: 1 }, { x: 3, y: 4 })).toEqual(clean({ x: 4, y: 4 }));
  });
  const maps = fc
    .dictionary(fc.constantFrom('a', 'b', 'c', 'd'), small)
    .map((o) => new Map(Object.entries(o)) as ReadonlyMap<string, number>);
  it('map keeps the laws', () => checkLaws(map<string, number>(option(trivial())), maps, { commutative: true }));
  it('map keeps the order of ours and puts theirs beside its neighbours', () => {
    expect(mergeOrder(['a', 'b', 'c'], ['x', 'a', 'y', 'c', 'z'], ['q', 'a'])).toEqual([
      'x',
      'a',
      'y',
      'b',
      'c',
      'z',
      'q',
    ]);
  });
  it('nested conflicts say the whole way', async () => {
    const nested = map<string, ReadonlyMap<string, number>>(option(map<string, number>(option(trivial()))));
    const of = (n: number) => new Map([['out', new Map([['in', n]])]]);
    expect(await run<ReadonlyMap<string, ReadonlyMap<string, number>>>(nested, of(1), of(2), of(3))).toMatchObject({
      conflicts: [{ at: ['out', 'in'] }],
    });
  });
  const sets = fc.uniqueArray(small).map((items) => new Set(items) as ReadonlySet<number>);
  it('set keeps the laws and never conflicts', () =>
    checkLaws(set<number>(), sets, { commutative: true, neverConflicts: true }));
  const lists = fc.array(small, { maxLength: 8 }) as fc.Arbitrary<readonly number[]>;
  it('list keeps the laws', () => checkLaws(list<number>(), lists));
  it('list merges far changes and conflicts on near ones', async () => {
    expect(await run<readonly number[]>(list(), [1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 6])).toEqual(
      clean([0, 1, 2, 3, 4, 6]),
    );
    expect(await run<readonly number[]>(list(), [1, 2], [1, 3], [1, 4])).toMatchObject({
      clean: false,
      value: [1, 3, 4],
    });
  });
  it('list by key merges elements, and none comes twice', async () => {
    type Row = { id: string; n: number };
    const rows = list<Row>({ key: (row) => row.id, element: option(trivial()) });
    const a = (n: number) => ({ id: 'a', n });
    const b = { id: 'b', n: 1 };
    const c = { id: 'c', n: 1 };
    expect(await run<readonly Row[]>(rows, [a(1)], [a(2), b], [c, a(1)])).toEqual(clean([c, a(2), b]));
  });
  it('commonPairs finds a longest common subsequence', () =>
    fc.assert(
      fc.property(lists, lists, (x, y) => {
        const pairs = commonPairs(x, y, Object.is);
        pairs.forEach(([i, j], n) => {
          expect(x[i]).toBe(y[j]);
          if (n > 0) expect(i > pairs[n - 1]![0] && j > pairs[n - 1]![1]).toBe(true);
        });
        expect(pairs.length).toBe(lcsLength(x, y));
      }),
      { seed: seedOf(7) },
    ));
});

function lcsLength(x: readonly number[], y: readonly number[]): number {
  const table = x.map(() => y.map(() => 0));
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < y.length; j++) {
      const diagonal = table[i - 1]?.[j - 1] ?? 0;
      table[i]![j] = x[i] === y[j] ? diagonal + 1 : Math.max(table[i - 1]?.[j] ?? 0, table[i]![j - 1] ?? 0);
    }
  }
  return table[x.length - 1]?.[y.length - 1] ?? 0;
}

it('equalValues is structural', () => {
  const value = { a: [1, new Map([['k', new Set([1])]])], b: Uint8Array.of(1) };
  expect(equalValues(value, { b: Uint8Array.of(1), a: [1, new Map([['k', new Set([1])]])] })).toBe(true);
  expect(equalValues(value, { ...value, b: Uint8Array.of(2) })).toBe(false);
  expect(equalValues([], {})).toBe(false);
  expect(equalValues({ a: undefined }, {})).toBe(false);
});
