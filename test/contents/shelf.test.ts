import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText, encodeText } from '../../src/base/bytes.js';
import { bytes } from '../../src/contents/bytes.js';
import { map, set } from '../../src/contents/collections.js';
import type { Contents } from '../../src/contents/contents.js';
import { driver } from '../../src/contents/contents.js';
import { counter } from '../../src/contents/counter.js';
import type { Json } from '../../src/contents/json.js';
import { json } from '../../src/contents/json.js';
import type { LogEntry } from '../../src/contents/log.js';
import { log } from '../../src/contents/log.js';
import { lww } from '../../src/contents/lww.js';
import type { Queue } from '../../src/contents/queue.js';
import { emptyQueue, pop, push, queue } from '../../src/contents/queue.js';
import { text as textType } from '../../src/contents/text.js';
import { equalValues } from '../../src/merge/equal.js';
import type { LawOptions } from '../merge/laws.js';
import { checkLaws, run } from '../merge/laws.js';
import { seedOf } from '../support/random.js';

const words = fc.constantFrom('', 'a', 'b', 'c\nd', '"e', 'ü', '\udc80');
const whole = fc.integer({ min: -5, max: 5 });
const entries: fc.Arbitrary<readonly LogEntry[]> = fc.array(fc.record({ at: whole, text: words }), { maxLength: 4 });
const queues: fc.Arbitrary<Queue> = fc.record({ popped: fc.nat(4), items: fc.array(words, { maxLength: 4 }) });
const documents = fc.letrec<{ node: Json }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom<Json>(null, true, 1, 2, 'x'),
    fc.array(tie('node'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('node'), { maxKeys: 3 }),
  ),
})).node;

/** Everything on the shelf, with values of it and the laws beyond the common ones. */
function shelf<V>(contents: Contents<V>, values: fc.Arbitrary<V>, laws: LawOptions): void {
  describe(contents.name, () => {
    it('decodes what it encodes', () =>
      fc.assert(
        fc.property(values, (value) => {
          const stored = contents.encode(value);
          expect(equalValues(contents.decode(stored), value)).toBe(true);
          expect(contents.encode(contents.decode(stored))).toEqual(stored);
        }),
        { seed: seedOf(7) },
      ));
    it('keeps the merge laws', () => checkLaws(contents.merge, values as fc.Arbitrary<V | undefined>, laws));
    it('keeps them where sides may be absent', () =>
      checkLaws(contents.merge, fc.option(values, { nil: undefined }), { ...laws, neverConflicts: false }));
    it('keeps them as a driver of files', () =>
      checkLaws(
        driver(contents),
        values.map((value) => contents.encode(value) as Uint8Array | undefined),
        { ...laws, runs: 40 },
      ));
  });
}

shelf(bytes, fc.uint8Array({ maxLength: 2, max: 1 }), { commutative: true });
shelf(counter, whole, { idempotent: false, commutative: true, neverConflicts: true });
shelf(lww(counter), fc.record({ at: fc.nat(3), value: whole }), { commutative: true });
shelf(
  set,
  fc.uniqueArray(words).map((items) => new Set(items)),
  { commutative: true, neverConflicts: true },
);
shelf(
  map(counter),
  fc.dictionary(fc.constantFrom('a', 'b', '\udc81'), whole).map((object) => new Map(Object.entries(object))),
  { idempotent: false, commutative: true },
);
shelf(log, entries, { commutative: true });
shelf(queue, queues, { idempotent: false });
shelf(json(), documents, {});
shelf(
  textType,
  fc.array(fc.constantFrom('a\n', 'b\n', 'c\n', '\udc80\n', 'no end'), { maxLength: 5 }).map((lines) => lines.join('')),
  {},
);

const text = (merged: unknown) => {
  const { clean, value } = merged as { clean: boolean; value: Uint8Array };
  return [clean, decodeText(value)];
};

describe('what the types mean', () => {
  it('a counter adds up equal changes, bytes do not', async () => {
    const of = (n: number) => encodeText(`${n}\n`);
    expect(text(await run(driver(counter), of(10), of(12), of(12)))).toEqual([true, '14\n']);
    expect(text(await run(driver(bytes), of(10), of(12), of(12)))).toEqual([true, '12\n']);
    expect(driver(counter).sameChange).toBe('ask');
  });
  it('bytes that are no such value go to the fallback, or conflict', async () => {
    const broken = encodeText('ten\n');
    const one = encodeText('1\n');
    const two = encodeText('2\n');
    expect(await run(driver(counter), one, broken, two)).toMatchObject({ clean: false, value: broken });
    expect(text(await run(driver(counter, driver(bytes)), one, one, broken))).toEqual([true, 'ten\n']);
  });
  it('a counter out of range is an error', async () => {
    const top = Number.MAX_SAFE_INTEGER;
    await expect(run(counter.merge, 0, top, top)).rejects.toMatchObject({ code: 'LIMIT' });
  });
  it('the last writer wins, whoever merges', async () => {
    const register = lww(bytes);
    const at = (n: number, value: string) => ({ at: n, value: encodeText(value) });
    for (const [x, y] of [
      [at(2, 'late'), at(1, 'early')],
      [at(1, 'early'), at(2, 'late')],
    ] as const) {
      expect(await run(register.merge, at(0, ''), x, y)).toEqual({ clean: true, value: at(2, 'late') });
    }
  });
  it('a queue: popped by both goes once, pushes of both stay', async () => {
    const base = push(emptyQueue, 'a', 'b', 'c');
    const ours = push(pop(base).queue, 'x');
    const theirs = push(pop(pop(base).queue).queue, 'x');
    expect(await run(queue.merge, base, ours, theirs)).toEqual({
      clean: true,
      value: { popped: 2, items: ['c', 'x', 'x'] },
    });
    // Ours emptied the queue and went on to its own push.
    let drained = push(base, 'own', 'left');
    for (let i = 0; i < 4; i++) drained = pop(drained).queue;
    expect(await run(queue.merge, base, drained, push(base, 'y'))).toEqual({
      clean: true,
      value: { popped: 4, items: ['left', 'y'] },
    });
  });
  it('a log keeps all entries in order of time and refuses rewritten ones', async () => {
    const e = (at: number, what: string): LogEntry => ({ at, text: what });
    const base = [e(1, 'one')];
    expect(
      await run<readonly LogEntry[] | undefined>(log.merge, base, [...base, e(4, 'four')], [...base, e(3, 'three')]),
    ).toEqual({
      clean: true,
      value: [e(1, 'one'), e(3, 'three'), e(4, 'four')],
    });
    expect(
      await run<readonly LogEntry[] | undefined>(log.merge, base, [e(1, 'ONE')], [...base, e(3, 'three')]),
    ).toMatchObject({
      clean: false,
    });
  });
  it('a JSON document conflicts only where its keys do, and says where', async () => {
    const merge = json().merge;
    expect(
      await run<Json | undefined>(merge, { a: 1, b: { c: 1 } }, { a: 2, b: { c: 1, x: [1] } }, { a: 1, b: { c: 3 } }),
    ).toEqual({
      clean: true,
      value: { a: 2, b: { c: 3, x: [1] } },
    });
    expect(await run<Json | undefined>(merge, { b: { c: 1 } }, { b: { c: 2 } }, { b: { c: 3 } })).toMatchObject({
      clean: false,
      value: { b: { c: 2 } },
      conflicts: [{ kind: 'value', at: ['b', 'c'] }],
    });
  });
});
