import { expect, test } from 'vitest';
import { effort, onEffort } from '../../src/base/effort.js';
import { diffLines } from '../../src/diff/line-diff.js';
import { splitLines } from '../../src/diff/lines.js';
import { chunksOf, similarity } from '../../src/diff/similarity.js';

const numbered = (count: number, step: number) =>
  new TextEncoder().encode(Array.from({ length: count }, (_, i) => `${i * step}\n`).join(''));
const told = (perform: () => void): number => {
  let times = 0;
  onEffort(() => times++);
  perform();
  return times;
};

test('long work that reads nothing is announced once, short work never', () => {
  const diff = (count: number): void => {
    diffLines(splitLines(numbered(count, 1)), splitLines(numbered(count, 3)));
  };
  expect(told(() => diff(100))).toBe(0);
  expect(told(() => diff(3000))).toBe(1);
  expect(
    told(() => {
      for (let i = 0; i < 3; i++) diff(1000);
    }),
  ).toBe(1);
  const few = [chunksOf(numbered(50, 1)), chunksOf(numbered(50, 2))] as const;
  expect(told(() => similarity(...few))).toBe(0);
  expect(
    told(() => {
      for (let i = 0; i < 500; i++) similarity(...few);
    }),
  ).toBe(1);
  expect(told(() => chunksOf(numbered(20000, 1)))).toBe(1);
  expect(told(() => effort(1999))).toBe(0);
});
